/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_fixture.h"

#include <sys/syscall.h>

#define DIR_PATH MEDIA_RESPONSES "/0a0b0c0d-01020304-000001"
#define TMP_PATH MEDIA_RESPONSES "/.tmp-0a0b0c0d-01020304-000001"
#define CARD_PATH MEDIA_CARDS "/0a0b0c0d.cose"

/* ---- a stick that fails ---------------------------------------------------
 */

/* These stand before libc's: what the medium answers is the test's to say. */
enum fault { FAULT_NONE, FAULT_SYNC_FAILS, FAULT_SWALLOWS, FAULT_NO_NOREPLACE };
static struct {
	enum fault kind;
	int in; /* syncs that go well before it fails */
	int syncs;
} faulty;

static bool
sync_fails(void)
{
	faulty.syncs++;
	if (faulty.kind != FAULT_SYNC_FAILS || faulty.in-- != 0)
		return false;
	errno = EIO;
	return true;
}

int
syncfs(int fd)
{
	return sync_fails() ? -1 : (int)syscall(SYS_syncfs, fd);
}

int
fsync(int fd)
{
	struct stat st;

	if (sync_fails())
		return -1;
	if (faulty.kind == FAULT_SWALLOWS && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size > 0)
		assert_int_equal(pwrite(fd, "?", 1, 0), 1);
	return (int)syscall(SYS_fsync, fd);
}

int
renameat2(
    int old_dir, const char *old, int new_dir, const char *new, unsigned flags)
{
	if (faulty.kind == FAULT_NO_NOREPLACE && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, flags);
}

static int
heal(void **state)
{
	faulty.kind = FAULT_NONE;
	return stick_teardown(state);
}

static const struct media_file three[] = {
	{ .name = "manifest.cose", .bytes = { (const uint8_t *)"manifest", 8 } },
	{ .name = "ca.pem", .bytes = { (const uint8_t *)"ca", 2 } },
	{ .name = "empty", .bytes = { NULL, 0 } },
};

/* Put the three, expecting success; the note is the caller's. */
static void
put_three(struct stick *stick, struct buf *note)
{
	enum rc rc = media_put_dir(&stick->media, DIR_PATH, three, 3, note);

	if (rc != RC_OK)
		fail_msg("%s", err_text());
	assert_true(stick_holds(stick, DIR_PATH "/manifest.cose", "manifest"));
	assert_true(stick_holds(stick, DIR_PATH "/ca.pem", "ca"));
	assert_true(stick_holds(stick, DIR_PATH "/empty", ""));
}

static bool
says(struct buf *note, const char *part)
{
	return strstr(buf_cstr(note), part) != NULL;
}

static enum rc
put_text(struct stick *stick, const char *text, bool replace, struct buf *note)
{
	return media_put_file(
	    &stick->media, CARD_PATH, span_str(text), replace, note);
}

static void
file_is_written_with_its_directories(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	assert_int_equal(put_text(stick, "card", true, &note), RC_OK);
	assert_true(stick_holds(stick, CARD_PATH, "card"));
	assert_false(stick_has(stick, MEDIA_CARDS "/.tmp-0a0b0c0d.cose"));
}

static void
directory_is_written_under_one_rename(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	put_three(stick, &note);
	assert_false(
	    stick_has(stick, MEDIA_RESPONSES "/.tmp-0a0b0c0d-01020304-000001"));
}

static void
note_says_that_a_disk_was_read_past_the_cache(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	put_three(stick, &note);
	assert_string_equal(buf_cstr(&note), "read back from the medium");
}

static void
note_says_that_tmpfs_is_memory_only(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	stick_mount(stick, "tmpfs", "tmpfs", 0, "size=1m");
	stick_open(stick);
	put_three(stick, &note);
	assert_string_equal(buf_cstr(&note), "tmpfs: memory only");
}

static void
same_bytes_already_there_count_as_written(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	struct stat before, after;

	put_three(stick, &note);
	assert_int_equal(stat(stick_path(stick, DIR_PATH), &before), 0);
	put_three(stick, &note);
	assert_int_equal(stat(stick_path(stick, DIR_PATH), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_false(says(&note, "bad"));
}

static void
other_bytes_there_are_moved_aside_and_said(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	put_three(stick, &note);
	stick_write(stick, DIR_PATH "/ca.pem", "CA");
	put_three(stick, &note);
	assert_true(says(&note, "0a0b0c0d-01020304-000001.bad-1"));
	assert_true(stick_holds(stick, DIR_PATH ".bad-1/ca.pem", "CA"));

	stick_write(stick, DIR_PATH "/unlisted", "");
	put_three(stick, &note);
	assert_true(stick_has(stick, DIR_PATH ".bad-2/unlisted"));
}

static void
file_of_other_bytes_is_replaced_only_when_told(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	assert_int_equal(put_text(stick, "old", false, &note), RC_OK);
	assert_int_equal(put_text(stick, "new", true, &note), RC_OK);
	assert_true(stick_holds(stick, CARD_PATH, "new"));
	assert_false(stick_has(stick, CARD_PATH ".bad-1"));
	assert_int_equal(put_text(stick, "newer", false, &note), RC_OK);
	assert_true(stick_holds(stick, CARD_PATH, "newer"));
	assert_true(stick_holds(stick, CARD_PATH ".bad-1", "new"));
	assert_true(says(&note, "0a0b0c0d.cose.bad-1"));
}

static void
link_in_the_place_is_moved_aside_and_not_followed(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	assert_int_equal(put_text(stick, "card", false, &note), RC_OK);
	assert_int_equal(unlink(stick_path(stick, CARD_PATH)), 0);
	stick_write(stick, "victim", "precious");
	assert_int_equal(
	    symlink("../../victim", stick_path(stick, CARD_PATH)), 0);
	assert_int_equal(put_text(stick, "card", true, &note), RC_OK);
	assert_true(stick_holds(stick, CARD_PATH, "card"));
	assert_true(stick_holds(stick, "victim", "precious"));
}

static void
link_as_a_directory_is_not_written_through(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	assert_int_equal(mkdir(stick_path(stick, "elsewhere"), 0755), 0);
	assert_int_equal(
	    symlink("elsewhere", stick_path(stick, "airgap-ca")), 0);
	assert_refused(put_text(stick, "card", true, &note), "MEDIA-FILE",
	    "symbolic link");
	assert_false(stick_has(stick, "elsewhere/cards"));
}

static void
leftover_of_a_crash_is_removed_by_the_next_write(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	put_three(stick, &note);
	assert_int_equal(rename(stick_path(stick, DIR_PATH),
			     stick_path(stick, MEDIA_RESPONSES
				 "/.tmp-0a0b0c0d-01020304-000001")),
	    0);
	put_three(stick, &note);
	assert_false(
	    stick_has(stick, MEDIA_RESPONSES "/.tmp-0a0b0c0d-01020304-000001"));
}

static void
full_medium_is_an_error_and_leaves_nothing(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	char big[100 * 1024];
	const struct media_file files[] = {
		{ .name = "small", .bytes = { (const uint8_t *)"s", 1 } },
		{ .name = "big", .bytes = { (const uint8_t *)big, sizeof(big) } },
	};

	memset(big, 'b', sizeof(big));
	stick_mount(stick, "tmpfs", "tmpfs", 0, "size=64k");
	stick_open(stick);
	assert_int_equal(
	    media_put_dir(&stick->media, DIR_PATH, files, 2, &note), RC_IO);
	assert_non_null(strstr(err_text(), "No space left on device"));
	assert_false(stick_has(stick, DIR_PATH));
	assert_false(
	    stick_has(stick, MEDIA_RESPONSES "/.tmp-0a0b0c0d-01020304-000001"));
	put_three(stick, &note); /* the room is free again */
}

static void
read_only_medium_is_an_error(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	stick_mount(stick, "tmpfs", "tmpfs", 0, "size=64k");
	stick_mount(stick, "none", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	stick_open(stick);
	assert_int_equal(put_text(stick, "card", true, &note), RC_IO);
	assert_non_null(strstr(err_text(), "Read-only file system"));
}

static void
read_only_medium_with_the_same_bytes_counts_as_written(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	stick_mount(stick, "tmpfs", "tmpfs", 0, "size=64k");
	stick_open(stick);
	put_three(stick, &note);
	media_wipe(&stick->media);
	stick_mount(stick, "none", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	stick_open(stick);
	put_three(stick, &note);
}

static void
name_that_a_stick_may_not_carry_is_refused(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	const struct media_file files[] = { { .name = "A.pem" } };

	assert_refused(media_put_dir(&stick->media, DIR_PATH, files, 1, &note),
	    "MEDIA-NAME", "A.pem");
	assert_refused(
	    media_put_file(&stick->media, "../f", span_str("x"), false, &note),
	    "MEDIA-NAME", "../f");
}

static void
strange_files_under_the_temporary_name_are_moved_aside(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	put_three(stick, &note); /* makes the directories */
	buf_reset(&note);
	stick_write(stick, DIR_PATH "/ca.pem", "CA");
	assert_int_equal(mkdir(stick_path(stick, TMP_PATH), 0755), 0);
	assert_int_equal(mkdir(stick_path(stick, TMP_PATH "/sub"), 0755), 0);
	stick_write(stick, TMP_PATH "/sub/theirs", "theirs");
	put_three(stick, &note);
	assert_true(says(&note, "strange files lay where it is made: they are "
				"now 0a0b0c0d-01020304-000001.bad-1"));
	assert_true(stick_holds(stick, DIR_PATH ".bad-1/sub/theirs", "theirs"));
	assert_true(stick_holds(stick, DIR_PATH ".bad-2/ca.pem", "CA"));
	assert_false(stick_has(stick, TMP_PATH));
}

static void
large_file_is_read_back_in_pieces(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	const size_t size = ((size_t)3 << 20) + 17;
	uint8_t *bytes = malloc(size);
	enum rc rc;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 12));
	rc = media_put_file(
	    &stick->media, "big", span_of(bytes, size), false, &note);
	free(bytes);
	assert_int_equal(rc, RC_OK);
	assert_string_equal(buf_cstr(&note), "read back from the medium");
}

/* `all` syncs, each of which fails once. */
static void
check_each_sync(
    struct stick *stick, const struct media_file *files, size_t n, int all)
{
	WIPED(buf) note = { 0 };

	for (int i = 0; i < all; i++) {
		stick_write(stick, DIR_PATH "/ca.pem", "CA");
		faulty.kind = FAULT_SYNC_FAILS;
		faulty.in = i;
		faulty.syncs = 0;
		assert_int_equal(
		    media_put_dir(&stick->media, DIR_PATH, files, n, &note),
		    RC_IO);
		assert_non_null(strstr(err_text(), "cannot be synced"));
		assert_int_equal(faulty.syncs, i + 1);
		assert_false(stick_has(
		    stick, MEDIA_RESPONSES "/.tmp-0a0b0c0d-01020304-000001"));
		faulty.kind = FAULT_NONE;
		assert_int_equal(
		    media_put_dir(&stick->media, DIR_PATH, files, n, &note),
		    RC_OK);
	}
}

static void
sync_that_fails_is_an_error_and_never_tried_again(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	int all;

	/* Directories first, so that what is counted is the response's own. */
	put_three(stick, &note);
	stick_write(stick, DIR_PATH "/ca.pem", "CA");
	faulty.syncs = 0;
	put_three(stick, &note);
	all = faulty.syncs;
	/* Files and their directory; then what is moved aside and what gets its
	 * name, each with the parent after it. */
	assert_int_equal(all, 3 + 1 + 2 + 2);
	check_each_sync(stick, three, 3, all);
}

/* However many they are. */
static void
many_files_are_synced_at_once(void **state)
{
	struct media_file many[64];
	char names[64][8];
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };
	int all;

	for (size_t i = 0; i < 64; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu", i);
		many[i] = (struct media_file){ .name = names[i],
			.bytes = { (const uint8_t *)"some", 4 } };
	}
	many[63].name = "ca.pem";
	assert_int_equal(
	    media_put_dir(&stick->media, DIR_PATH, many, 64, &note), RC_OK);
	stick_write(stick, DIR_PATH "/ca.pem", "CA");
	faulty.syncs = 0;
	assert_int_equal(
	    media_put_dir(&stick->media, DIR_PATH, many, 64, &note), RC_OK);
	all = faulty.syncs;
	/* All that is in it, and as above. */
	assert_int_equal(all, 1 + 2 + 2);
	check_each_sync(stick, many, 64, all);
}

static void
medium_that_keeps_other_bytes_is_caught(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	faulty.kind = FAULT_SWALLOWS;
	assert_int_equal(
	    media_put_dir(&stick->media, DIR_PATH, three, 3, &note), RC_IO);
	assert_non_null(strstr(err_text(), "gives back other bytes"));
	faulty.kind = FAULT_NONE;
	put_three(stick, &note);
}

static void
file_system_that_cannot_refuse_to_replace_is_looked_at_first(void **state)
{
	struct stick *stick = *state;
	WIPED(buf) note = { 0 };

	faulty.kind = FAULT_NO_NOREPLACE;
	put_three(stick, &note);
	stick_write(stick, DIR_PATH "/ca.pem", "CA");
	put_three(stick, &note);
	stick_write(stick, DIR_PATH "/ca.pem", "Ca");
	put_three(stick, &note);
	assert_true(stick_holds(stick, DIR_PATH ".bad-1/ca.pem", "CA"));
	assert_true(stick_holds(stick, DIR_PATH ".bad-2/ca.pem", "Ca"));
}

#define FAULTY(f) cmocka_unit_test_setup_teardown(f, stick_setup, heal)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(file_is_written_with_its_directories),
		ON_STICK(directory_is_written_under_one_rename),
		ON_STICK(note_says_that_a_disk_was_read_past_the_cache),
		ON_STICK(note_says_that_tmpfs_is_memory_only),
		ON_STICK(same_bytes_already_there_count_as_written),
		ON_STICK(other_bytes_there_are_moved_aside_and_said),
		ON_STICK(file_of_other_bytes_is_replaced_only_when_told),
		ON_STICK(link_in_the_place_is_moved_aside_and_not_followed),
		ON_STICK(link_as_a_directory_is_not_written_through),
		ON_STICK(leftover_of_a_crash_is_removed_by_the_next_write),
		ON_STICK(full_medium_is_an_error_and_leaves_nothing),
		ON_STICK(read_only_medium_is_an_error),
		ON_STICK(
		    read_only_medium_with_the_same_bytes_counts_as_written),
		ON_STICK(name_that_a_stick_may_not_carry_is_refused),
		ON_STICK(
		    strange_files_under_the_temporary_name_are_moved_aside),
		ON_STICK(large_file_is_read_back_in_pieces),
		FAULTY(sync_that_fails_is_an_error_and_never_tried_again),
		FAULTY(many_files_are_synced_at_once),
		FAULTY(medium_that_keeps_other_bytes_is_caught),
		FAULTY(
		    file_system_that_cannot_refuse_to_replace_is_looked_at_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
