/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_fixture.h"

#define DIR_PATH MEDIA_RESPONSES "/0a0b0c0d-01020304-000001"

static const struct media_file three[] = {
	{ .name = "manifest.cose", .bytes = { (const uint8_t *)"manifest", 8 } },
	{ .name = "ca.pem", .bytes = { (const uint8_t *)"ca", 2 } },
	{ .name = "empty", .bytes = { NULL, 0 } },
};

static void
put_three(struct stick *stick)
{
	WIPED(buf) note = { 0 };

	if (media_put_dir(&stick->media, DIR_PATH, three, 3, &note) != RC_OK)
		fail_msg("%s", err_text());
}

/* Every fault, as "?name" missing, "!name" other, "+name" extra. */
static const char *
faults_of(struct stick *stick)
{
	static char text[512];
	WIPED(media_faults) faults = { 0 };
	WIPED(buf) note = { 0 };
	enum rc rc = media_dir_compare(
	    &stick->media, DIR_PATH, three, 3, &faults, &note);

	if (rc != RC_OK)
		fail_msg("%s", err_text());
	*text = '\0';
	for (size_t i = 0; i < faults.n; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "%s%c%s",
		    i == 0 ? "" : " ", "?!+"[faults.items[i].what],
		    faults.items[i].name);
	}
	return text;
}

static void
what_was_written_has_no_fault(void **state)
{
	struct stick *stick = *state;
	WIPED(media_faults) faults = { 0 };
	WIPED(buf) note = { 0 };

	put_three(stick);
	assert_int_equal(media_dir_compare(
			     &stick->media, DIR_PATH, three, 3, &faults, &note),
	    RC_OK);
	assert_int_equal(faults.n, 0);
	assert_true(faults.past_cache);
	assert_string_equal(buf_cstr(&note), "read back from the medium");
}

static void
missing_directory_is_one_fault(void **state)
{
	struct stick *stick = *state;

	assert_string_equal(faults_of(stick), "?");
	put_three(stick);
	assert_int_equal(unlink(stick_path(stick, DIR_PATH "/empty")), 0);
	assert_string_equal(faults_of(stick), "?empty");
}

static void
file_or_link_in_its_place_is_another(void **state)
{
	struct stick *stick = *state;

	put_three(stick);
	assert_int_equal(
	    rename(stick_path(stick, DIR_PATH), stick_path(stick, "elsewhere")),
	    0);
	assert_int_equal(
	    symlink("../../elsewhere", stick_path(stick, DIR_PATH)), 0);
	assert_string_equal(faults_of(stick), "!");
	assert_int_equal(unlink(stick_path(stick, DIR_PATH)), 0);
	stick_write(stick, DIR_PATH, "a file");
	assert_string_equal(faults_of(stick), "!");
}

static void
each_file_is_told_by_name(void **state)
{
	struct stick *stick = *state;

	put_three(stick);
	stick_write(stick, DIR_PATH "/manifest.cose", "manifesT");
	stick_write(stick, DIR_PATH "/empty", "x");
	assert_int_equal(unlink(stick_path(stick, DIR_PATH "/ca.pem")), 0);
	stick_write(stick, DIR_PATH "/more.pem", "");
	assert_string_equal(
	    faults_of(stick), "!manifest.cose ?ca.pem !empty +more.pem");
}

static void
links_are_no_files_of_ours(void **state)
{
	struct stick *stick = *state;

	put_three(stick);
	assert_int_equal(rename(stick_path(stick, DIR_PATH "/ca.pem"),
			     stick_path(stick, "ca.pem")),
	    0);
	assert_int_equal(
	    symlink("../../../ca.pem", stick_path(stick, DIR_PATH "/ca.pem")),
	    0);
	assert_string_equal(faults_of(stick), "!ca.pem");
	assert_int_equal(unlink(stick_path(stick, DIR_PATH "/ca.pem")), 0);
	assert_int_equal(link(stick_path(stick, "ca.pem"),
			     stick_path(stick, DIR_PATH "/ca.pem")),
	    0);
	assert_string_equal(faults_of(stick), "!ca.pem");
}

static void
names_that_no_stick_may_carry_are_extra(void **state)
{
	struct stick *stick = *state;

	put_three(stick);
	stick_write(stick, DIR_PATH "/Evil Name", "");
	assert_string_equal(faults_of(stick), "+Evil Name");
	assert_int_equal(unlink(stick_path(stick, DIR_PATH "/Evil Name")), 0);
}

/* Whatever was mounted somewhere has such files. */
static void
litter_of_other_systems_is_no_fault(void **state)
{
	static const char *const left[] = { ".DS_Store", "._ca.pem",
		"Thumbs.db", "desktop.ini", "Desktop.INI", ".hidden" };
	struct stick *stick = *state;
	char path[64];

	put_three(stick);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		(void)snprintf(path, sizeof(path), DIR_PATH "/%s", left[i]);
		stick_write(stick, path, "");
	}
	assert_string_equal(faults_of(stick), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(what_was_written_has_no_fault),
		ON_STICK(missing_directory_is_one_fault),
		ON_STICK(file_or_link_in_its_place_is_another),
		ON_STICK(each_file_is_told_by_name),
		ON_STICK(links_are_no_files_of_ours),
		ON_STICK(litter_of_other_systems_is_no_fault),
		ON_STICK(names_that_no_stick_may_carry_are_extra),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
