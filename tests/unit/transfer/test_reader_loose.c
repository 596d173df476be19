/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader gathers of loose CSRs, and where that ends. What it makes of
 * them in its sandbox is test_reader's. */
#include "transfer/reader/reader_loose.h"

#include "transfer/reader/reader_stray.h"

#include "tests/lib/check.h"
#include "tests/lib/fail_each.h"
#include "tests/lib/media_fixture.h"

static int
file_of(struct stick *stick, const char *name, const char *text)
{
	int fd;

	stick_write(stick, name, text);
	fd = open(stick_path(stick, name), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* As if so many files, of so many bytes, were copied before. */
static enum rc
scan_after(struct stick *stick, size_t n_files, size_t n_bytes)
{
	WIPED(loose_scan) scan = { .memfd = -1 };
	OWN_FD fd = file_of(stick, "a.csr", "any");
	enum rc rc;

	scan.files = calloc(LOOSE_MAX, 1024);
	assert_non_null(scan.files);
	scan.n_files = n_files;
	scan.bytes.n = n_bytes;
	rc = loose_scan_file(&scan, "a.csr", fd);
	if (n_bytes != 0)
		scan.bytes.n = 0; /* it never had them */
	return rc;
}

static void
files_are_counted(void **state)
{
	check_ok(scan_after(*state, LOOSE_MAX - 1, 0));
	check_refused(scan_after(*state, LOOSE_MAX, 0), "MEDIA-COUNT",
	    "loose CSRs: more than 10000 files");
}

static void
their_bytes_are_counted(void **state)
{
	check_ok(scan_after(*state, 0, 0));
	check_refused(scan_after(*state, 0, MEDIA_FILE_MAX - 2), "MEDIA-SIZE",
	    "loose CSRs: more than 268435456 bytes");
}

static void
a_file_that_was_renamed_is_told_of(void **state)
{
	struct stick *stick = *state;
	WIPED(loose_scan) taken = { .memfd = -1 };
	WIPED(stray_scan) scan = { .for_csrs = true };
	char wanted[128];

	(void)snprintf(wanted, sizeof(wanted),
	    "%s: holds \"B (1).csr\"; names are [a-z0-9._-]", stick->path);
	stick_write(stick, "B (1).csr", "renamed");
	stick_write(stick, "b.csr", "not yet parsed");
	check_ok(loose_scan_dir(&taken, &stick->media));
	assert_int_equal(taken.left.n, 0);
	assert_int_equal(taken.n_files, 1);
	check_ok(stray_scan_dir(&scan, &stick->media));
	check_ok(stray_scan_parse(&scan, stick->path));
	assert_int_equal(scan.left.n, 1);
	assert_string_equal(scan.left.items[0].name, LOOSE_NAME);
	assert_int_equal(scan.left.items[0].rc, RC_FORMAT);
	assert_int_equal(scan.left.items[0].why.rule, RULE_MEDIA_NAME);
	assert_string_equal(scan.left.items[0].why.text, wanted);
}

/* A file that cannot be copied is refused, and so is one that is no CSR; but
 * without memory to say so the whole fails. */
static enum rc
gather(void *arg)
{
	struct stick *stick = arg;
	WIPED(loose_scan) scan = { .memfd = -1 };
	enum rc rc = loose_scan_dir(&scan, &stick->media);

	if (rc == RC_OK)
		rc = loose_scan_parse(&scan);
	if (rc == RC_OK)
		assert_int_equal(scan.left.n, 2);
	for (size_t i = 0; i < scan.left.n && rc == RC_OK; i++)
		if (scan.left.items[i].rc != RC_FORMAT)
			rc = scan.left.items[i].rc;
	return rc;
}

static void
nothing_is_passed_over_without_memory(void **state)
{
	struct stick *stick = *state;

	stick_write(stick, "a.csr", "no CSR");
	assert_int_equal(symlink("a.csr", stick_path(stick, "link.csr")), 0);
	each_fails(FAIL_MEMORY " memfd_create", gather, NULL, stick);
}

static enum rc
gather_file(void *arg)
{
	WIPED(loose_scan) scan = { .memfd = -1 };
	const int *fd = arg;
	enum rc rc;

	assert_int_equal(lseek(*fd, 0, SEEK_SET), 0);
	rc = loose_scan_file(&scan, "a.csr", *fd);
	return rc == RC_OK && scan.left.n != 0 ? scan.left.items[0].rc : rc;
}

static void
one_file_is_not_passed_over_either(void **state)
{
	OWN_FD fd = file_of(*state, "a.csr", "any");

	each_fails(
	    FAIL_MEMORY " memfd_create write mmap", gather_file, NULL, &fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(files_are_counted),
		ON_STICK(their_bytes_are_counted),
		ON_STICK(a_file_that_was_renamed_is_told_of),
		ON_STICK(nothing_is_passed_over_without_memory),
		ON_STICK(one_file_is_not_passed_over_either),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
