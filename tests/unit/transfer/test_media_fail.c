/* SPDX-License-Identifier: Apache-2.0 */
/* A stick of which any one call fails: what is read is whole or an error, what
 * is written is there whole or not at all, the next try mends it, and no
 * descriptor is lost. */
#include "tests/lib/media_fixture.h"

#include "tests/lib/fail.h"

#define FILE_PATH MEDIA_CARDS "/0a0b0c0d.cose"
#define DIR_PATH MEDIA_RESPONSES "/0a0b0c0d-01020304-000001"

static const struct media_file two[] = {
	{ .name = "manifest.cose",
	    .bytes = { (const uint8_t *)"manifest", 8 } },
	{ .name = "ca.pem", .bytes = { (const uint8_t *)"ca", 2 } },
};

static void
reading_gives_the_whole_file_or_an_error(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	stick_write(stick, "a.cose", "content");
	FAIL_EACH(NULL, EIO)
	{
		WIPED(sealed) copy = { .fd = -1 };
		int fd = -1;
		enum rc rc = media_copy(&stick->media, "a.cose", 100, &fd);

		if (rc == RC_OK)
			rc = sealed_map(fd, &copy);
		if (rc != RC_OK && fd >= 0)
			fd_close(&fd);
		if (fail_stop() == NULL)
			assert_int_equal(rc, RC_OK);
		if (rc == RC_OK)
			assert_true(span_eq_str(copy.bytes, "content"));
		refused += rc != RC_OK;
		sealed_wipe(&copy);
		copy.fd = -1;
		assert_int_equal(fail_open_files(), open_before);
	}
	assert_in_range(refused, 8, 60);
}

static void
a_list_is_whole_or_an_error(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	assert_int_equal(mkdir(stick_path(stick, "d"), 0700), 0);
	stick_write(stick, "d/a.cose", "a");
	stick_write(stick, "d/b.cose", "b");
	FAIL_EACH(NULL, EIO)
	{
		WIPED(media_names) names = { 0 };
		enum rc rc =
		    media_list(&stick->media, "d", ".cose", true, &names);

		if (fail_stop() == NULL)
			assert_int_equal(rc, RC_OK);
		if (rc == RC_OK)
			assert_int_equal(names.n, 2);
		refused += rc != RC_OK;
		assert_int_equal(fail_open_files(), open_before);
	}
	assert_in_range(refused, 3, 60);
}

static void
opening_a_medium_leaks_nothing(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();

	FAIL_EACH(NULL, EIO)
	{
		struct media media = { 0 };
		enum rc rc = media_open(stick->path, &media);
		const char *failed = fail_stop();

		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
		media_wipe(&media);
		assert_int_equal(fail_open_files(), open_before);
	}
}

/* Nothing, the old, or the new; never a half. */
static void
is_whole(struct stick *stick, const char *old)
{
	if (!stick_has(stick, FILE_PATH))
		return;
	if (old != NULL && stick_holds(stick, FILE_PATH, old))
		return;
	assert_true(stick_holds(stick, FILE_PATH, "new"));
}

static void
a_file_is_there_whole_whatever_fails(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	for (int replaces = 0; replaces < 2; replaces++) {
		const char *old = replaces ? "old" : NULL;

		FAIL_EACH(NULL, EIO)
		{
			WIPED(buf) note = { 0 }, again = { 0 };
			const char *failed;
			enum rc rc;

			rc = media_put_file(&stick->media, FILE_PATH,
			    span_str("new"), true, &note);
			failed = fail_stop();
			assert_int_equal(fail_open_files(), open_before);
			if (failed == NULL)
				assert_int_equal(rc, RC_OK);
			if (rc == RC_OK)
				assert_true(
				    stick_holds(stick, FILE_PATH, "new"));
			refused += rc != RC_OK;
			is_whole(stick, old);
			/* Who comes again finds nothing in the way. */
			assert_int_equal(
			    media_put_file(&stick->media, FILE_PATH,
				span_str("new"), true, &again),
			    RC_OK);
			assert_true(stick_holds(stick, FILE_PATH, "new"));
			if (old != NULL)
				stick_write(stick, FILE_PATH, old);
			else
				(void)unlink(stick_path(stick, FILE_PATH));
		}
	}
	assert_in_range(refused, 20, 400);
}

static bool
both_are_there(struct stick *stick)
{
	return stick_holds(stick, DIR_PATH "/manifest.cose", "manifest") &&
	       stick_holds(stick, DIR_PATH "/ca.pem", "ca");
}

static void
a_directory_is_there_whole_whatever_fails(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	FAIL_EACH(NULL, EIO)
	{
		WIPED(buf) note = { 0 }, again = { 0 };
		const char *failed;
		char command[128];
		enum rc rc =
		    media_put_dir(&stick->media, DIR_PATH, two, 2, &note);

		failed = fail_stop();
		assert_int_equal(fail_open_files(), open_before);
		if (failed == NULL)
			assert_int_equal(rc, RC_OK);
		if (rc == RC_OK || stick_has(stick, DIR_PATH))
			assert_true(both_are_there(stick));
		refused += rc != RC_OK;
		assert_int_equal(
		    media_put_dir(&stick->media, DIR_PATH, two, 2, &again),
		    RC_OK);
		assert_true(both_are_there(stick));
		(void)snprintf(command, sizeof(command), "rm -rf '%s/%s'",
		    stick->path, DIR_PATH);
		assert_int_equal(system(command), 0);
	}
	assert_in_range(refused, 20, 400);
}

/* What cannot be compared is never said to be the same. */
static void
a_comparison_that_fails_is_no_agreement(void **state)
{
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();
	WIPED(buf) written = { 0 };

	assert_int_equal(
	    media_put_dir(&stick->media, DIR_PATH, two, 2, &written), RC_OK);
	stick_write(stick, DIR_PATH "/ca.pem", "cb");
	FAIL_EACH(NULL, EIO)
	{
		WIPED(media_faults) faults = { 0 };
		WIPED(buf) note = { 0 };
		enum rc rc = media_dir_compare(
		    &stick->media, DIR_PATH, two, 2, &faults, &note);

		if (fail_stop() == NULL)
			assert_int_equal(rc, RC_OK);
		if (rc == RC_OK)
			assert_true(faults.n >= 1);
		media_faults_wipe(&faults);
		assert_int_equal(fail_open_files(), open_before);
	}
}

static void
sealed_memory_is_whole_or_an_error(void **state)
{
	const unsigned open_before = fail_open_files();

	(void)state;
	/* An older kernel does not know one of the flags. */
	FAIL_EACH("memfd_create", EINVAL)
	{
		WIPED(sealed) copy = { .fd = -1 };
		int fd = -1;

		assert_int_equal(sealed_make(span_str("x"), &fd), RC_OK);
		(void)fail_stop();
		assert_int_equal(sealed_map(fd, &copy), RC_OK);
	}
	FAIL_EACH("memfd_create fcntl write", ENOMEM)
	{
		int fd = -1;
		enum rc rc = sealed_make(span_str("x"), &fd);
		const char *failed = fail_stop();

		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
		assert_int_equal(fd >= 0, failed == NULL);
		fd_close(&fd);
		assert_int_equal(fail_open_files(), open_before);
	}
	sealed_wipe(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(reading_gives_the_whole_file_or_an_error),
		ON_STICK(a_list_is_whole_or_an_error),
		ON_STICK(opening_a_medium_leaks_nothing),
		ON_STICK(a_file_is_there_whole_whatever_fails),
		ON_STICK(a_directory_is_there_whole_whatever_fails),
		ON_STICK(a_comparison_that_fails_is_no_agreement),
		ON_STICK(sealed_memory_is_whole_or_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
