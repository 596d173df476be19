/* SPDX-License-Identifier: Apache-2.0 */
/* On which mounts responses were written: of this boot, each once. */
#include "tests/lib/fail.h"
#include "tests/lib/test_dir.h"

#include "base/file.h"
#include "ca/home/written.h"
#include "transfer/media/mount.h"

#include <errno.h>
#include <fcntl.h>

#define WRITTEN_ROOM 4096

/* A home, a stick, and the word for the stick's mount. */
struct written_bed {
	char dir[64], mount[MOUNT_TEXT];
	struct home home;
	struct media media;
};

static void
written_bed_make(struct written_bed *b)
{
	test_dir_make(b->dir, sizeof(b->dir));
	b->home.path = strdup(b->dir);
	assert_non_null(b->home.path);
	check_ok(dir_open(AT_FDCWD, b->dir, &b->home.fd));
	check_ok(media_open(b->dir, &b->media));
	check_ok(mount_text(&b->media, b->mount));
}

static void
written_bed_wipe(struct written_bed *b)
{
	media_wipe(&b->media);
	home_wipe(&b->home);
	test_dir_remove(b->dir);
}

static void
state_is(const struct written_bed *b, const char *text)
{
	WIPED(buf) is = { 0 };

	check_ok(file_read(b->home.fd, HOME_WRITTEN, WRITTEN_ROOM, &is));
	assert_true(span_eq_str(buf_span(&is), text));
}

static void
state_put(const struct written_bed *b, const char *text)
{
	check_ok(file_replace(b->home.fd, HOME_WRITTEN, span_str(text), 0600));
}

static void
a_mount_is_written_once_and_stays_the_same(void **state)
{
	WIPED(written_bed) b = { 0 };
	char line[MOUNT_TEXT + 1], again[MOUNT_TEXT];
	bool has = true;

	(void)state;
	written_bed_make(&b);
	check_ok(mount_text(&b.media, again));
	assert_string_equal(again, b.mount);
	check_ok(written_has(&b.home, &b.media, &has));
	assert_false(has);
	for (int i = 0; i < 2; i++) {
		check_ok(written_add(&b.home, &b.media));
		check_ok(written_has(&b.home, &b.media, &has));
		assert_true(has);
		(void)snprintf(line, sizeof(line), "%s\n", b.mount);
		state_is(&b, line);
	}
}

/* Numbers begin anew with each boot: a line of another says nothing of this. */
static void
another_boot_or_another_mount_is_not_this_one(void **state)
{
	WIPED(written_bed) b = { 0 };
	char other[3 * MOUNT_TEXT], wanted[3 * MOUNT_TEXT];
	bool has = true;

	(void)state;
	written_bed_make(&b);
	(void)snprintf(
	    other, sizeof(other), "x%s\n%.37su0/none\n", b.mount + 1, b.mount);
	state_put(&b, other);
	check_ok(written_has(&b.home, &b.media, &has));
	assert_false(has);
	check_ok(written_add(&b.home, &b.media));
	(void)snprintf(
	    wanted, sizeof(wanted), "%.37su0/none\n%s\n", b.mount, b.mount);
	state_is(&b, wanted);
}

static void
a_file_that_would_not_be_read_again_is_not_written(void **state)
{
	WIPED(written_bed) b = { 0 };
	WIPED(buf) many = { 0 };
	bool has;

	(void)state;
	written_bed_make(&b);
	while (many.n + 60 < (size_t)64 << 10)
		check_ok(
		    buf_printf(&many, "%.37su%06zu/none\n", b.mount, many.n));
	check_ok(file_replace(b.home.fd, HOME_WRITTEN, buf_span(&many), 0600));
	assert_int_equal(written_add(&b.home, &b.media), RC_STATE);
	assert_non_null(strstr(err_text(), "restart it"));
	check_ok(written_has(&b.home, &b.media, &has));
	assert_false(has);
}

static void
whatever_fails_it_is_remembered_or_said(void **state)
{
	WIPED(written_bed) b = { 0 };
	bool has;

	(void)state;
	written_bed_make(&b);
	FAIL_EACH("openat read write fsync renameat2 malloc", EIO)
	{
		enum rc rc = written_add(&b.home, &b.media);

		(void)fail_stop();
		check_ok(written_has(&b.home, &b.media, &has));
		if (rc == RC_OK)
			assert_true(has);
		else
			assert_int_equal(rc, RC_IO);
		(void)unlinkat(b.home.fd, HOME_WRITTEN, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_is_written_once_and_stays_the_same),
		cmocka_unit_test(another_boot_or_another_mount_is_not_this_one),
		cmocka_unit_test(
		    a_file_that_would_not_be_read_again_is_not_written),
		cmocka_unit_test(whatever_fails_it_is_remembered_or_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
