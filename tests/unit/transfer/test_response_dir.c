/* SPDX-License-Identifier: Apache-2.0 */
/* One response directory: what may lie in it, and how it is read. */
#include "tests/lib/check.h"

#include "base/file.h"
#include "transfer/format/cose.h"
#include "transfer/online/receive/response_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "01234567-89abcdef-000001"

struct bed {
	char stick[32], dir[96];
	struct media media;
};

static void
bed_make(struct bed *b)
{
	(void)strcpy(b->stick, "/tmp/response.XXXXXX");
	assert_non_null(mkdtemp(b->stick));
	(void)snprintf(
	    b->dir, sizeof(b->dir), "%s/" MEDIA_RESPONSES "/" NAME, b->stick);
	check_ok(dir_make(b->dir, 0755));
	check_ok(media_open(b->stick, &b->media));
}

static void
bed_wipe(struct bed *b)
{
	char command[64];

	media_wipe(&b->media);
	(void)snprintf(command, sizeof(command), "rm -r %s", b->stick);
	assert_int_equal(system(command), 0);
}

static const char *
path_of(const struct bed *b, const char *name)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	return path;
}

static void
put(const struct bed *b, const char *name, const char *text)
{
	check_ok(file_create(AT_FDCWD, path_of(b, name), span_str(text), 0644));
}

static enum rc
open_it(const struct bed *b, struct response_dir *ret)
{
	return response_dir_open(&b->media, NAME, ret);
}

static void
files_are_given_one_at_a_time_and_the_manifest_apart(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	struct span bytes;

	(void)state;
	bed_make(&b);
	put(&b, "manifest.cose", "the manifest");
	put(&b, "0001.pem", "one");
	put(&b, "policy.conf", "two");
	check_ok(open_it(&b, &dir));
	assert_string_equal(dir.path, MEDIA_RESPONSES "/" NAME);
	assert_true(span_eq_str(dir.manifest.bytes, "the manifest"));
	assert_int_equal(dir.n_others, 2);
	assert_true(span_eq_str(dir.others[0], "0001.pem"));
	assert_true(span_eq_str(dir.others[1], "policy.conf"));
	check_ok(response_dir_file(&dir, 1, &bytes));
	assert_true(span_eq_str(bytes, "two"));
	check_ok(response_dir_file(&dir, 0, &bytes));
	assert_true(span_eq_str(bytes, "one"));
}

static void
without_a_manifest_it_is_none(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	WIPED(response_dir) again = { 0 };

	(void)state;
	bed_make(&b);
	put(&b, "0001.pem", "one");
	check_refused(open_it(&b, &dir), "MANIFEST-FILES",
	    MEDIA_RESPONSES "/" NAME ": manifest.cose is missing");
	assert_string_equal(dir.path, MEDIA_RESPONSES "/" NAME);
	put(&b, "manifest.cose", "");
	check_ok(open_it(&b, &again));
	assert_int_equal(again.n_others, 1);
}

static void
a_name_that_no_stick_may_carry_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	WIPED(response_dir) again = { 0 };

	(void)state;
	bed_make(&b);
	put(&b, "manifest.cose", "the manifest");
	put(&b, "A.pem", "one");
	check_rule(open_it(&b, &dir), "MEDIA-NAME", "A.pem");
	assert_int_equal(unlink(path_of(&b, "A.pem")), 0);
	check_ok(open_it(&b, &again));
}

static void
links_are_not_followed(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	WIPED(response_dir) again = { 0 };
	struct span bytes;

	(void)state;
	bed_make(&b);
	assert_int_equal(
	    symlink("/etc/passwd", path_of(&b, "manifest.cose")), 0);
	check_rule(open_it(&b, &dir), "MEDIA-FILE", "manifest.cose");
	assert_int_equal(unlink(path_of(&b, "manifest.cose")), 0);
	put(&b, "manifest.cose", "the manifest");
	assert_int_equal(symlink("/etc/passwd", path_of(&b, "x.pem")), 0);
	check_ok(open_it(&b, &again));
	check_rule(response_dir_file(&again, 0, &bytes), "MEDIA-FILE", "x.pem");
}

/* What was listed may be gone, or another file, when it is asked for. */
static void
what_went_since_is_missed(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	struct span bytes;

	(void)state;
	bed_make(&b);
	put(&b, "manifest.cose", "the manifest");
	put(&b, "0001.pem", "one");
	check_ok(open_it(&b, &dir));
	assert_int_equal(unlink(path_of(&b, "0001.pem")), 0);
	assert_int_equal(response_dir_file(&dir, 0, &bytes), RC_IO);
	put(&b, "0001.pem", "back");
	check_ok(response_dir_file(&dir, 0, &bytes));
	assert_true(span_eq_str(bytes, "back"));
}

static void
a_manifest_over_the_cap_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_dir) dir = { 0 };
	off_t cap = (off_t)COSE_FILE_MAX;

	(void)state;
	bed_make(&b);
	put(&b, "manifest.cose", "");
	assert_int_equal(truncate(path_of(&b, "manifest.cose"), cap + 1), 0);
	check_rule(open_it(&b, &dir), "MEDIA-SIZE", "manifest.cose");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    files_are_given_one_at_a_time_and_the_manifest_apart),
		cmocka_unit_test(without_a_manifest_it_is_none),
		cmocka_unit_test(a_name_that_no_stick_may_carry_is_refused),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(what_went_since_is_missed),
		cmocka_unit_test(a_manifest_over_the_cap_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
