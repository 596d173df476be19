/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_fixture.h"
#include "transfer/rule.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#define CAP 1000 /* bytes that these tests let a file have */

/* Copy a file that must be refused. */
#define refuse(stick, name, rule, part) \
	do { \
		int fd_ = -1; \
		enum rc rc_ = media_copy(&(stick)->media, name, CAP, &fd_); \
		assert_refused(rc_, rule, part); \
		assert_int_equal(fd_, -1); \
	} while (0)

static void
regular_file_becomes_sealed_memory(void **state)
{
	struct stick *stick = *state;
	WIPED(sealed) copy = { .fd = -1 };
	int fd = -1;

	assert_int_equal(mkdir(stick_path(stick, "d"), 0755), 0);
	stick_write(stick, "d/f.cose", "bundle");
	assert_int_equal(
	    media_copy(&stick->media, "d/f.cose", CAP, &fd), RC_OK);
	assert_int_equal(sealed_map(fd, &copy), RC_OK);
	stick_write(stick, "d/f.cose", "other!");
	assert_true(span_eq_str(copy.bytes, "bundle"));
	assert_true(write(fd, "x", 1) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	assert_true(ftruncate(fd, 7) < 0);
}

static void
empty_file_is_read_as_nothing(void **state)
{
	struct stick *stick = *state;
	WIPED(sealed) copy = { .fd = -1 };
	int fd = -1;

	stick_write(stick, "f", "");
	assert_int_equal(media_copy(&stick->media, "f", CAP, &fd), RC_OK);
	assert_int_equal(sealed_map(fd, &copy), RC_OK);
	assert_int_equal(copy.bytes.n, 0);
}

static void
symbolic_link_is_refused_dangling_or_not(void **state)
{
	struct stick *stick = *state;

	stick_write(stick, "real", "text");
	assert_int_equal(symlink("real", stick_path(stick, "within")), 0);
	assert_int_equal(symlink("/etc/passwd", stick_path(stick, "out")), 0);
	assert_int_equal(symlink("nothing", stick_path(stick, "dangling")), 0);
	assert_int_equal(symlink("/proc/self/exe", stick_path(stick, "m")), 0);
	refuse(stick, "within", "MEDIA-FILE", "symbolic link");
	refuse(stick, "out", "MEDIA-FILE", "symbolic link");
	refuse(stick, "dangling", "MEDIA-FILE", "symbolic link");
	refuse(stick, "m", "MEDIA-FILE", "symbolic link");
}

static void
file_behind_a_linked_directory_is_refused(void **state)
{
	struct stick *stick = *state;

	assert_int_equal(symlink("/etc", stick_path(stick, "d")), 0);
	refuse(stick, "d/passwd", "MEDIA-FILE", "symbolic link");
}

static void
fifo_is_refused_and_does_not_block(void **state)
{
	struct stick *stick = *state;

	assert_int_equal(mkfifo(stick_path(stick, "f"), 0644), 0);
	alarm(10);
	refuse(stick, "f", "MEDIA-FILE", "a fifo");
	alarm(0);
}

static void
directory_is_refused(void **state)
{
	struct stick *stick = *state;

	assert_int_equal(mkdir(stick_path(stick, "d"), 0755), 0);
	refuse(stick, "d", "MEDIA-FILE", "a directory");
}

static void
socket_is_refused(void **state)
{
	struct stick *stick = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	OWN_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(
	    at.sun_path, sizeof(at.sun_path), "%s", stick_path(stick, "s"));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	refuse(stick, "s", "MEDIA-FILE", "a socket");
}

/* A user cannot make a device: the null device is bound to a name instead,
 * which is a mount within the medium and refused as that. */
static void
device_is_refused(void **state)
{
	struct stick *stick = *state;

	if (mknod(stick_path(stick, "dev"), S_IFCHR | 0644, makedev(1, 3)) ==
	    0) {
		refuse(stick, "dev", "MEDIA-FILE", "a device");
		return;
	}
	stick_write(stick, "dev", "");
	if (mount("/dev/null", stick_path(stick, "dev"), NULL, MS_BIND, NULL) !=
	    0)
		fail_msg("neither mknod nor mount is permitted: run as root");
	refuse(stick, "dev", "MEDIA-FILE", "mounted");
	assert_int_equal(umount(stick_path(stick, "dev")), 0);
}

static void
hard_link_is_refused(void **state)
{
	struct stick *stick = *state;

	stick_write(stick, "one", "text");
	assert_int_equal(
	    link(stick_path(stick, "one"), stick_path(stick, "two")), 0);
	refuse(stick, "one", "MEDIA-FILE", "2 hard links");
}

static void
path_with_dots_is_refused(void **state)
{
	struct stick *stick = *state;

	assert_int_equal(mkdir(stick_path(stick, "d"), 0755), 0);
	stick_write(stick, "f", "text");
	refuse(stick, "../etc/passwd", "MEDIA-NAME", "../etc/passwd");
	refuse(stick, "d/../f", "MEDIA-NAME", "d/../f");
	refuse(stick, "./f", "MEDIA-NAME", "./f");
	refuse(stick, "/etc/passwd", "MEDIA-NAME", "/etc/passwd");
	refuse(stick, "d//f", "MEDIA-NAME", "d//f");
	refuse(stick, "", "MEDIA-NAME", "names are");
}

static void
mount_within_the_medium_is_not_crossed(void **state)
{
	struct stick *stick = *state;
	const char *d = stick_path(stick, "d");

	assert_int_equal(mkdir(d, 0755), 0);
	if (mount("/etc", d, NULL, MS_BIND, NULL) != 0)
		fail_msg("mount on %s: %s: this test needs the right to mount",
		    d, strerror(errno));
	refuse(stick, "d/passwd", "MEDIA-FILE", "mounted");
	assert_int_equal(umount(stick_path(stick, "d")), 0);
}

static void
medium_may_itself_be_a_mount_point(void **state)
{
	struct stick *stick = *state;
	WIPED(sealed) copy = { .fd = -1 };
	int fd = -1;

	stick_mount(stick, "tmpfs", "tmpfs", 0, "size=64k");
	stick_open(stick);
	stick_write(stick, "f", "text");
	assert_int_equal(media_copy(&stick->media, "f", CAP, &fd), RC_OK);
	assert_int_equal(sealed_map(fd, &copy), RC_OK);
	assert_true(span_eq_str(copy.bytes, "text"));
}

static void
file_at_the_cap_is_read_and_one_byte_more_refused(void **state)
{
	struct stick *stick = *state;
	char text[CAP + 2];
	OWN_FD fd = -1;

	memset(text, 'x', sizeof(text));
	text[CAP] = '\0';
	stick_write(stick, "f", text);
	assert_int_equal(media_copy(&stick->media, "f", CAP, &fd), RC_OK);
	text[CAP] = 'x';
	text[CAP + 1] = '\0';
	stick_write(stick, "f", text);
	refuse(stick, "f", "MEDIA-SIZE", "1001 bytes; at most 1000");
}

static void
missing_file_is_an_error_with_its_name(void **state)
{
	struct stick *stick = *state;
	int fd = -1;

	assert_int_equal(media_copy(&stick->media, "nosuch", CAP, &fd), RC_IO);
	assert_non_null(strstr(err_text(), "/nosuch: "));
	assert_string_equal(rule_name(rule_spoken()), "");
}

/* ---- a file that is written while it is read ------------------------------
 */

/* Armed, the next read(2) of this program finds that somebody wrote to the file
 * just before it: no thread has to win a race. */
enum meddling { MEDDLE_WRITE, MEDDLE_GROW, MEDDLE_SHRINK };

struct meddler {
	int fd; /* -1: not armed */
	enum meddling how;
};
/* Not static: clang takes our read for the inline one of the C library. */
extern struct meddler meddler;
struct meddler meddler = { .fd = -1 };

ssize_t
read(int fd, void *to, size_t n)
{
	int file = meddler.fd;

	meddler.fd = -1;
	if (file >= 0 && meddler.how == MEDDLE_SHRINK)
		assert_int_equal(ftruncate(file, 7), 0);
	else if (file >= 0 && meddler.how == MEDDLE_GROW)
		assert_int_equal(pwrite(file, "x", 1, 2 * CAP), 1);
	else if (file >= 0)
		assert_int_equal(pwrite(file, "x", 1, 0), 1);
	return syscall(SYS_read, fd, to, n);
}

static void
changes_are_noticed(struct stick *stick, enum meddling how, const char *words)
{
	const struct timespec long_ago[2] = { { 1, 0 }, { 1, 0 } };
	int file, fd = -1;
	enum rc rc;

	file =
	    open(stick_path(stick, "f"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, CAP), 0);
	/* The kernel's clock of mtimes ticks in milliseconds. */
	assert_int_equal(futimens(file, long_ago), 0);
	meddler.how = how;
	meddler.fd = file;
	rc = media_copy(&stick->media, "f", 4 * CAP, &fd);
	assert_int_equal(meddler.fd, -1);
	assert_int_equal(close(file), 0);
	assert_refused(rc, "MEDIA-CHANGED", words);
	assert_int_equal(fd, -1);
}

static void
file_that_grows_while_it_is_read_is_refused(void **state)
{
	changes_are_noticed(*state, MEDDLE_GROW,
	    "grew beyond its 1000 bytes while it was read");
}

static void
file_that_is_written_while_it_is_read_is_refused(void **state)
{
	changes_are_noticed(*state, MEDDLE_WRITE, "while it was read");
}

static void
file_that_shrinks_while_it_is_read_is_refused(void **state)
{
	changes_are_noticed(
	    *state, MEDDLE_SHRINK, "ended after 7 of 1000 bytes");
}

/* ---- a file that is another one when it is opened -------------------------
 */

/* Armed, the next fstat(2) of this program is followed by that rename: it is
 * the look at the file, and opening it comes next. */
struct swapper {
	const char *from, *to; /* NULL: not armed */
};
extern struct swapper swapper; /* as meddler */
struct swapper swapper;

int
fstat(int fd, struct stat *st)
{
	const char *from = swapper.from;
	int rc = fstatat(fd, "", st, AT_EMPTY_PATH);

	swapper.from = NULL;
	if (from != NULL)
		assert_int_equal(rename(from, swapper.to), 0);
	return rc;
}

static void
file_that_took_the_place_of_another_is_refused(void **state)
{
	struct stick *stick = *state;

	stick_write(stick, "f", "text");
	stick_write(stick, "g", "more");
	swapper.to = stick_path(stick, "f");
	swapper.from = stick_path(stick, "g");
	refuse(stick, "f", "MEDIA-CHANGED",
	    "another file took its place meanwhile");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(regular_file_becomes_sealed_memory),
		ON_STICK(empty_file_is_read_as_nothing),
		ON_STICK(symbolic_link_is_refused_dangling_or_not),
		ON_STICK(file_behind_a_linked_directory_is_refused),
		ON_STICK(fifo_is_refused_and_does_not_block),
		ON_STICK(directory_is_refused),
		ON_STICK(socket_is_refused),
		ON_STICK(device_is_refused),
		ON_STICK(hard_link_is_refused),
		ON_STICK(path_with_dots_is_refused),
		ON_STICK(mount_within_the_medium_is_not_crossed),
		ON_STICK(medium_may_itself_be_a_mount_point),
		ON_STICK(file_at_the_cap_is_read_and_one_byte_more_refused),
		ON_STICK(missing_file_is_an_error_with_its_name),
		ON_STICK(file_that_grows_while_it_is_read_is_refused),
		ON_STICK(file_that_is_written_while_it_is_read_is_refused),
		ON_STICK(file_that_shrinks_while_it_is_read_is_refused),
		ON_STICK(file_that_took_the_place_of_another_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
