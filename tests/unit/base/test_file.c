/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[64];
static int top_fd;

static int
make_top(void **state)
{
	(void)state;
	(void)strcpy(top, "/tmp/airgap-file.XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top_fd < 0 ? -1 : 0;
}

static int
remove_top(void **state)
{
	char line[128];

	(void)state;
	(void)close(top_fd);
	(void)snprintf(line, sizeof(line), "rm -rf '%s'", top);
	return system(line);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(top_fd, name, &st, 0), 0);
	return st.st_mode & 07777;
}

static void
what_fails_to_close_is_said_and_let_go(void **state)
{
	int fd = fd_openat(top_fd, ".", O_RDONLY | O_DIRECTORY, 0), twin = fd;

	(void)state;
	assert_true(fd >= 0);
	check_ok(fd_finish(&fd, "it"));
	assert_int_equal(fd, -1);
	assert_int_equal(fd_finish(&twin, "it"), RC_IO);
	assert_string_equal(
	    err_text(), "it: cannot be closed: Bad file descriptor");
	assert_int_equal(twin, -1);
}

static void
a_file_is_created_once_with_its_mode(void **state)
{
	WIPED(buf) back = { 0 };
	mode_t old = umask(0);

	(void)state;
	check_ok(file_create(top_fd, "once", span_str("first"), 0640));
	(void)umask(old);
	assert_int_equal(mode_of("once"), 0640);
	assert_int_equal(
	    file_create(top_fd, "once", span_str("second"), 0640), RC_IO);
	assert_string_equal(
	    err_text(), "once: cannot be put in place: File exists");
	check_ok(file_read(top_fd, "once", 5, &back));
	assert_true(span_eq_str(buf_span(&back), "first"));
	assert_int_equal(faccessat(top_fd, "once.new", F_OK, 0), -1);
}

static void
a_replaced_file_is_the_new_one_whole(void **state)
{
	WIPED(buf) back = { 0 };

	(void)state;
	check_ok(file_replace(top_fd, "r", span_str("a longer text"), 0600));
	/* What a killed run left under the temporary name is no hindrance. */
	check_ok(file_create(top_fd, "r.new", span_str("half"), 0600));
	check_ok(file_replace(top_fd, "r", span_str("short"), 0600));
	check_ok(file_read(top_fd, "r", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "short"));
	assert_int_equal(faccessat(top_fd, "r.new", F_OK, 0), -1);
}

static void
a_failed_write_leaves_the_old_file(void **state)
{
	WIPED(buf) back = { 0 };
	char path[PATH_MAX];

	(void)state;
	check_ok(file_replace(top_fd, "kept", span_str("old"), 0600));
	/* A directory in the temporary name's place cannot be unlinked. */
	(void)snprintf(path, sizeof(path), "%s/kept.new", top);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(
	    file_replace(top_fd, "kept", span_str("new"), 0600), RC_IO);
	check_ok(file_read(top_fd, "kept", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "old"));
	assert_int_equal(
	    file_create(top_fd, "none/f", span_str(""), 0600), RC_IO);
	assert_string_equal(err_text(), "none: No such file or directory");
}

/* Owner and mode are those asked for, whatever the umask and we are; where
 * they cannot be had there is no new file. */
static void
a_file_has_its_look_or_is_not_there(void **state)
{
	WIPED(buf) back = { 0 };
	struct file_write put = { .dir = top_fd,
		.name = "look",
		.temporary = "look.fresh",
		.from = "/etc/look",
		.look = { .mode = 0751,
		    .owned = true,
		    .uid = geteuid(),
		    .gid = getegid() } };

	(void)state;
	check_ok(file_create(top_fd, "look", span_str("old"), 0600));
	check_ok(file_create(top_fd, "look.fresh", span_str("half"), 0600));
	put.flags = RENAME_NOREPLACE;
	assert_int_equal(file_write(&put, span_str("new")), RC_IO);
	assert_string_equal(
	    err_text(), "/etc/look: cannot be put in place: File exists");
	assert_int_equal(faccessat(top_fd, "look.fresh", F_OK, 0), -1);
	check_ok(file_read(top_fd, "look", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "old"));

	put.flags = 0;
	check_ok(file_write(&put, span_str("new")));
	buf_wipe(&back);
	check_ok(file_read(top_fd, "look", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "new"));
	assert_int_equal(mode_of("look"), 0751);
	assert_int_equal(faccessat(top_fd, "look.fresh", F_OK, 0), -1);
}

static void
nobody_else_looks_into_a_file_that_is_begun(void **state)
{
	mode_t old = umask(0);
	OWN_FD fd = -1;

	(void)state;
	check_ok(file_begin(top_fd, "begun", "it", &fd));
	(void)umask(old);
	assert_int_equal(mode_of("begun"), 0600);
	assert_int_equal(file_begin(top_fd, "begun", "it", &fd), RC_IO);
	assert_string_equal(err_text(), "it: cannot be made: File exists");
	check_ok(file_end(&fd, &(struct file_look){ .mode = 0640 }, "it"));
	assert_int_equal(fd, -1);
	assert_int_equal(mode_of("begun"), 0640);
}

static void
a_batch_has_its_names_when_it_is_settled(void **state)
{
	WIPED(file_batch) b = { .dir = top_fd };
	WIPED(buf) back = { 0 };

	(void)state;
	assert_int_equal(mkdirat(top_fd, "batch", 0700), 0);
	check_ok(file_create(
	    top_fd, "batch/1.new", span_str("longer, and cut off"), 0600));
	check_ok(file_create(top_fd, "batch/2", span_str("old"), 0600));
	check_ok(file_batch_add(&b, "batch/1", span_str("one"), 0600));
	check_ok(file_batch_add(&b, "batch/2", span_str("two"), 0600));
	assert_int_equal(
	    file_batch_add(&b, "none/3", span_str("three"), 0600), RC_IO);
	assert_string_equal(
	    err_text(), "none/3: cannot be made: No such file or directory");
	assert_int_equal(faccessat(top_fd, "batch/1", F_OK, 0), -1);
	check_ok(file_read(top_fd, "batch/2", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "old"));

	check_ok(file_batch_settle(&b, "batch"));
	assert_int_equal(b.paths.n, 2);
	buf_wipe(&back);
	check_ok(file_read(top_fd, "batch/1", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "one"));
	buf_wipe(&back);
	check_ok(file_read(top_fd, "batch/2", 100, &back));
	assert_true(span_eq_str(buf_span(&back), "two"));
	assert_int_equal(faccessat(top_fd, "batch/1.new", F_OK, 0), -1);
}

static void
a_batch_that_is_given_up_leaves_nothing(void **state)
{
	struct file_batch b = { .dir = top_fd };

	(void)state;
	assert_int_equal(mkdirat(top_fd, "given-up", 0700), 0);
	check_ok(file_batch_add(&b, "given-up/1", span_str("one"), 0600));
	FAIL_EACH("write close", ENOSPC)
	{
		enum rc rc =
		    file_batch_add(&b, "given-up/2", span_str("two"), 0600);

		if (fail_stop() != NULL) {
			assert_int_equal(rc, RC_IO);
			assert_int_equal(
			    faccessat(top_fd, "given-up/2.new", F_OK, 0), -1);
		}
	}
	assert_int_equal(faccessat(top_fd, "given-up/1.new", F_OK, 0), 0);
	file_batch_wipe(&b);
	assert_int_equal(unlinkat(top_fd, "given-up", AT_REMOVEDIR), 0);
}

static void
a_path_ends_in_its_name(void **state)
{
	(void)state;
	assert_string_equal(file_name("/a/b.pem"), "b.pem");
	assert_string_equal(file_name("b.pem"), "b.pem");
	assert_string_equal(file_name("/b"), "b");
	assert_string_equal(file_name("a/"), "");
}

static void
what_is_locked_is_locked_until_it_is_closed(void **state)
{
	OWN_FD one = fd_openat(top_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	OWN_FD two = fd_openat(top_fd, ".", O_RDONLY | O_DIRECTORY, 0);

	(void)state;
	check_ok(fd_lock(one, "home", "another is at work there"));
	assert_int_equal(
	    fd_lock(two, "home", "another is at work there"), RC_STATE);
	assert_string_equal(err_text(), "home: another is at work there");
	fd_close(&one);
	check_ok(fd_lock(two, "home", "another is at work there"));
	assert_int_equal(fd_lock(-1, "home", "x"), RC_IO);
	assert_string_equal(
	    err_text(), "home: cannot be locked: Bad file descriptor");
}

/* -1, and why */
static void
is_kept_out(int fd, int why)
{
	const int found = errno;

	assert_int_equal(fd, -1);
	assert_int_equal(found, why);
}

static void
links_and_ways_out_are_not_followed(void **state)
{
	OWN_FD in = -1;
	int fd;

	(void)state;
	assert_int_equal(mkdirat(top_fd, "root", 0700), 0);
	assert_int_equal(mkdirat(top_fd, "root/in", 0700), 0);
	check_ok(file_create(top_fd, "root/in/f", span_str("f"), 0600));
	assert_int_equal(symlinkat("f", top_fd, "root/in/link"), 0);
	assert_int_equal(symlinkat("in", top_fd, "root/way"), 0);
	check_ok(dir_open(top_fd, "root/in", &in));

	fd = fd_open_beneath(in, "f", O_RDONLY);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	fd_close(&fd);
	is_kept_out(fd_open_beneath(in, "link", O_RDONLY), ELOOP);
	is_kept_out(fd_open_beneath(top_fd, "root/way/f", O_RDONLY), ELOOP);
	is_kept_out(fd_open_beneath(in, "../in/f", O_RDONLY), EXDEV);
	is_kept_out(fd_open_beneath(in, "/etc/passwd", O_RDONLY), EXDEV);
	is_kept_out(fd_open_beneath(AT_FDCWD, "/", O_RDONLY), EXDEV);

	fd = fd_open_unlinked(in, "../in/f", O_RDONLY);
	assert_true(fd >= 0);
	fd_close(&fd);
	is_kept_out(fd_open_unlinked(in, "link", O_RDONLY), ELOOP);
	is_kept_out(fd_open_unlinked(top_fd, "root/way/f", O_RDONLY), ELOOP);
}

static void
reading_stops_at_the_cap(void **state)
{
	WIPED(buf) back = { 0 };

	(void)state;
	check_ok(file_replace(top_fd, "capped", span_str("12345"), 0600));
	check_ok(file_read(top_fd, "capped", 5, &back));
	assert_int_equal(file_read(top_fd, "capped", 4, &back), RC_FORMAT);
	assert_string_equal(err_text(), "capped: 5 bytes, at most 4 wanted");
}

static void
only_regular_files_are_read(void **state)
{
	WIPED(buf) back = { 0 };

	(void)state;
	assert_int_equal(mkfifoat(top_fd, "fifo", 0600), 0);
	assert_int_equal(file_read(top_fd, "fifo", 100, &back), RC_FORMAT);
	assert_string_equal(err_text(), "fifo: not a regular file");
	assert_int_equal(file_read(top_fd, ".", 100, &back), RC_FORMAT);
	assert_int_equal(file_read(top_fd, "missing", 100, &back), RC_IO);
	assert_string_equal(err_text(), "missing: No such file or directory");
	check_ok(file_replace(top_fd, "empty", SPAN_NONE, 0600));
	check_ok(file_read(top_fd, "empty", 0, &back));
	assert_int_equal(back.n, 0);
}

static void
directories_are_made_with_their_parents(void **state)
{
	char path[PATH_MAX], file[PATH_MAX];
	OWN_FD fd = -1;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/a/b//c/", top);
	check_ok(dir_make(path, 0700));
	check_ok(dir_make(path, 0700));
	check_ok(dir_make("/", 0700));
	check_ok(dir_open(top_fd, "a/b/c", &fd));
	assert_int_equal(mode_of("a/b"), 0700);
	check_ok(file_replace(top_fd, "plain", span_str(""), 0600));
	(void)snprintf(file, sizeof(file), "%s/plain", top);
	assert_int_equal(dir_make(file, 0700), RC_IO);
	(void)snprintf(file, sizeof(file), "%s/plain/under", top);
	assert_int_equal(dir_make(file, 0700), RC_IO);
	assert_int_equal(dir_make("", 0700), RC_IO);
	assert_int_equal(dir_open(top_fd, "plain", &fd), RC_IO);
}

static void
a_full_disk_is_an_error(void **state)
{
	OWN_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(fd_write_all(full, span_str("x"), "full"), RC_IO);
	assert_string_equal(
	    err_text(), "full: cannot be written: No space left on device");
}

static void
homes_are_found_in_their_order(void **state)
{
	WIPED(buf) path = { 0 };

	(void)state;
	(void)setenv("TEST_HOME_VARIABLE", "/by/variable", 1);
	check_ok(home_path("TEST_HOME_VARIABLE", "p", &path));
	assert_string_equal((char *)path.p, "/by/variable");
	buf_reset(&path);
	(void)setenv("XDG_DATA_HOME", "/xdg", 1);
	check_ok(home_path(NULL, "p", &path));
	assert_string_equal(
	    (char *)path.p, geteuid() == 0 ? "/var/lib/p" : "/xdg/p");
	buf_reset(&path);
	(void)unsetenv("TEST_HOME_VARIABLE");
	check_ok(home_path("TEST_HOME_VARIABLE", "p", &path));
	assert_string_equal(
	    (char *)path.p, geteuid() == 0 ? "/var/lib/p" : "/xdg/p");
}

/* Whichever call fails, the file is the old or the new one whole, nothing else
 * lies there, no descriptor is lost, and only a close may fail unsaid. */
static void
whatever_fails_the_file_is_old_or_new(void **state)
{
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	(void)state;
	check_ok(file_replace(top_fd, "whole", span_str("old"), 0600));
	FAIL_EACH(NULL, EIO)
	{
		WIPED(buf) back = { 0 };
		enum rc rc =
		    file_replace(top_fd, "whole", span_str("new"), 0600);
		const char *failed = fail_stop();

		check_ok(file_read(top_fd, "whole", 3, &back));
		check_ok(file_replace(top_fd, "whole", span_str("old"), 0600));
		assert_int_equal(fail_open_files(), open_before);
		if (failed == NULL || strcmp(failed, "close") == 0)
			continue;
		refused++;
		assert_int_equal(rc, RC_IO);
		if (!span_eq_str(buf_span(&back), "new"))
			assert_true(span_eq_str(buf_span(&back), "old"));
		if (strcmp(failed, "unlinkat") != 0)
			assert_int_equal(
			    faccessat(top_fd, "whole.new", F_OK, 0), -1);
	}
	assert_in_range(refused, 8, 40);
}

static void
whatever_fails_nothing_half_read_is_given(void **state)
{
	const unsigned open_before = fail_open_files();
	unsigned refused = 0;

	(void)state;
	check_ok(file_replace(top_fd, "read", span_str("bytes"), 0600));
	FAIL_EACH(NULL, EIO)
	{
		WIPED(buf) back = { 0 };
		enum rc rc = file_read(top_fd, "read", 5, &back);
		const char *failed = fail_stop();

		assert_int_equal(fail_open_files(), open_before);
		if (rc == RC_OK) {
			assert_true(span_eq_str(buf_span(&back), "bytes"));
			continue;
		}
		assert_non_null(failed);
		assert_int_equal(rc, RC_IO);
		assert_int_equal(back.n, 0);
		refused++;
	}
	assert_int_equal(refused, 5); /* openat, fstat, malloc, read twice */
}

static void
an_interruption_is_not_an_error(void **state)
{
	(void)state;
	FAIL_EACH("openat read write close", EINTR)
	{
		WIPED(buf) back = { 0 };

		check_ok(file_replace(top_fd, "eintr", span_str("all"), 0600));
		check_ok(file_read(top_fd, "eintr", 3, &back));
		(void)fail_stop();
		assert_true(span_eq_str(buf_span(&back), "all"));
	}
}

static void
whatever_fails_a_directory_is_there_or_it_is_said(void **state)
{
	char path[PATH_MAX];

	(void)state;
	FAIL_EACH("malloc mkdir openat fsync", EIO)
	{
		struct stat st;
		const char *failed;
		enum rc rc;

		(void)snprintf(path, sizeof(path), "%s/d/e", top);
		rc = dir_make(path, 0700);
		failed = fail_stop();
		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
		if (rc == RC_OK)
			assert_int_equal(stat(path, &st), 0);
		(void)unlinkat(top_fd, "d/e", AT_REMOVEDIR);
		(void)unlinkat(top_fd, "d", AT_REMOVEDIR);
	}
}

/* As a user without a home, without privileges where the test has them. */
static void
a_home_that_nobody_names_is_asked_for(void **state)
{
	WIPED(buf) path = { 0 };
	uid_t me = geteuid();

	(void)state;
	assert_int_equal(seteuid(me == 0 ? 65534 : me), 0);
	(void)unsetenv("TEST_HOME_VARIABLE");
	(void)setenv("XDG_DATA_HOME", "relative", 1);
	(void)setenv("HOME", "/home/u", 1);
	check_ok(home_path("TEST_HOME_VARIABLE", "p", &path));
	assert_string_equal((char *)path.p, "/home/u/.local/share/p");
	buf_reset(&path);
	(void)setenv("XDG_DATA_HOME", "/xdg", 1);
	check_ok(home_path("TEST_HOME_VARIABLE", "p", &path));
	assert_string_equal((char *)path.p, "/xdg/p");
	buf_reset(&path);
	(void)unsetenv("XDG_DATA_HOME");
	(void)setenv("HOME", "not/absolute", 1);
	assert_int_equal(home_path("TEST_HOME_VARIABLE", "p", &path), RC_USAGE);
	assert_string_equal(
	    err_text(), "no home directory is known: give --home DIR");
	assert_int_equal(seteuid(me), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_created_once_with_its_mode),
		cmocka_unit_test(what_fails_to_close_is_said_and_let_go),
		cmocka_unit_test(a_replaced_file_is_the_new_one_whole),
		cmocka_unit_test(a_failed_write_leaves_the_old_file),
		cmocka_unit_test(a_file_has_its_look_or_is_not_there),
		cmocka_unit_test(nobody_else_looks_into_a_file_that_is_begun),
		cmocka_unit_test(a_batch_has_its_names_when_it_is_settled),
		cmocka_unit_test(a_batch_that_is_given_up_leaves_nothing),
		cmocka_unit_test(a_path_ends_in_its_name),
		cmocka_unit_test(what_is_locked_is_locked_until_it_is_closed),
		cmocka_unit_test(links_and_ways_out_are_not_followed),
		cmocka_unit_test(reading_stops_at_the_cap),
		cmocka_unit_test(only_regular_files_are_read),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(homes_are_found_in_their_order),
		cmocka_unit_test(whatever_fails_the_file_is_old_or_new),
		cmocka_unit_test(whatever_fails_nothing_half_read_is_given),
		cmocka_unit_test(an_interruption_is_not_an_error),
		cmocka_unit_test(
		    whatever_fails_a_directory_is_there_or_it_is_said),
		cmocka_unit_test(a_home_that_nobody_names_is_asked_for),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
