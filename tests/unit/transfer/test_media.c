/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_fixture.h"

#include <dirent.h>
#include <dlfcn.h>

static void
listing_is_sorted_and_leaves_out_what_is_not_allowed(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	stick_write(stick, "b.cose", "");
	stick_write(stick, "a.cose", "");
	stick_write(stick, "A.cose", "");
	stick_write(stick, ".hidden.cose", "");
	stick_write(stick, "-rf.cose", "");
	stick_write(stick, "c.pem", "");
	stick_write(stick, "new\nline.cose", "");
	assert_int_equal(
	    media_list(&stick->media, ".", ".cose", false, &names), RC_OK);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.items[0], "a.cose");
	assert_string_equal(names.items[1], "b.cose");
}

static void
strict_listing_refuses_a_bad_name(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	stick_write(stick, "good.pem", "");
	assert_int_equal(
	    media_list(&stick->media, ".", NULL, true, &names), RC_OK);
	assert_int_equal(names.n, 1);
	media_names_wipe(&names);
	stick_write(stick, "Bad.pem", "");
	assert_refused(media_list(&stick->media, ".", NULL, true, &names),
	    "MEDIA-NAME", "\"Bad.pem\"");
}

static void
missing_directory_has_no_names(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	assert_int_equal(
	    media_list(&stick->media, MEDIA_REQUESTS, ".cose", false, &names),
	    RC_OK);
	assert_int_equal(names.n, 0);
}

static void
names_allowed_and_not(void **state)
{
	char longest[FILE_NAME_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[FILE_NAME_MAX] = '\0';
	assert_true(media_name_ok(longest));
	longest[FILE_NAME_MAX] = 'a';
	longest[FILE_NAME_MAX + 1] = '\0';
	assert_false(media_name_ok(longest));
	assert_true(media_name_ok("0a_-.b9"));
	assert_false(media_name_ok(""));
	assert_false(media_name_ok("trail."));
	assert_false(media_name_ok(".lead"));
	assert_false(media_name_ok("a/b"));
	assert_false(media_name_ok("a b"));
	assert_false(media_name_ok("LONGFI~1.TXT"));
	assert_false(media_name_ok("gr\xc3\xbc\xc3\x9f"));
	assert_false(media_name_ok(".."));
}

static void
ten_thousand_files_are_listed_and_one_more_is_refused(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };
	char name[32];

	for (int i = 0; i < MEDIA_FILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%05d.csr", i);
		stick_write(stick, name, "");
	}
	stick_write(stick, "other.txt", ""); /* passed over, not counted */
	assert_int_equal(
	    media_list(&stick->media, ".", ".csr", false, &names), RC_OK);
	assert_int_equal(names.n, MEDIA_FILES_MAX);
	assert_string_equal(names.items[MEDIA_FILES_MAX - 1], "09999.csr");
	media_names_wipe(&names);
	stick_write(stick, "z.csr", "");
	assert_refused(media_list(&stick->media, ".", ".csr", false, &names),
	    "MEDIA-COUNT", "10000");
}

/* Armed, a directory has so many entries that nobody wants. */
static size_t endless;

struct dirent *
readdir(DIR *dir)
{
	static struct dirent entry = { .d_name = "passed.over" };
	struct dirent *(*really)(DIR *) = NULL;

	if (endless > 0)
		return --endless == 0 ? NULL : &entry;
	*(void **)&really = dlsym(RTLD_NEXT, "readdir");
	return really(dir);
}

static void
entries_are_counted_that_are_passed_over(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	endless = 10 * MEDIA_FILES_MAX + 1;
	assert_int_equal(
	    media_list(&stick->media, ".", ".csr", false, &names), RC_OK);
	assert_int_equal(endless, 0);
	assert_int_equal(names.n, 0);
	endless = 10 * MEDIA_FILES_MAX + 2;
	assert_refused(media_list(&stick->media, ".", ".csr", false, &names),
	    "MEDIA-COUNT", "holds over 100000 entries");
	endless = 0;
}

static void
directory_behind_a_link_is_refused(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	assert_int_equal(symlink("/etc", stick_path(stick, "airgap-ca")), 0);
	assert_refused(
	    media_list(&stick->media, MEDIA_REQUESTS, ".cose", false, &names),
	    "MEDIA-FILE", "symbolic link");
}

static void
directory_that_is_a_file_is_refused(void **state)
{
	struct stick *stick = *state;
	WIPED(media_names) names = { 0 };

	stick_write(stick, "airgap-ca", "");
	assert_refused(
	    media_list(&stick->media, MEDIA_REQUESTS, ".cose", false, &names),
	    "MEDIA-FILE", "no directory");
}

static void
medium_that_is_not_there_is_an_error(void **state)
{
	struct media media;

	(void)state;
	assert_int_equal(media_open("/nonexistent/stick", &media), RC_IO);
	assert_non_null(strstr(err_text(), "/nonexistent/stick: "));
	assert_int_equal(media_open("/dev/null", &media), RC_IO);
}

static void
wiping_what_was_never_opened_closes_nothing(void **state)
{
	struct media media = { 0 };
	struct sealed sealed = { 0 };

	(void)state;
	media_wipe(&media);
	sealed_wipe(&sealed);
	assert_true(fcntl(0, F_GETFD) >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(listing_is_sorted_and_leaves_out_what_is_not_allowed),
		ON_STICK(strict_listing_refuses_a_bad_name),
		ON_STICK(missing_directory_has_no_names),
		cmocka_unit_test(names_allowed_and_not),
		ON_STICK(ten_thousand_files_are_listed_and_one_more_is_refused),
		ON_STICK(entries_are_counted_that_are_passed_over),
		ON_STICK(directory_behind_a_link_is_refused),
		ON_STICK(directory_that_is_a_file_is_refused),
		cmocka_unit_test(medium_that_is_not_there_is_an_error),
		cmocka_unit_test(wiping_what_was_never_opened_closes_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
