/* SPDX-License-Identifier: Apache-2.0 */
#include "media_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
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
	assert_string_equal(err_rule_name(), "");
}

/* ---- a file that is written while it is read ------------------------------
 */

struct writer {
	int fd;
	bool grow;
	bool stop;
};

static void *
writer_run(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; !__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE); i++) {
		if (w->grow && write(w->fd, "x", 1) != 1)
			break;
		if (!w->grow &&
		    pwrite(w->fd, (i & 1) != 0 ? "a" : "b", 1, 0) != 1)
			break;
	}
	return NULL;
}

/* Reading 8 MiB takes milliseconds, and a write takes microseconds. */
static void
changes_are_noticed(struct stick *stick, bool grow)
{
	const size_t size = (size_t)8 << 20;
	struct writer w = { .grow = grow };
	pthread_t thread;
	int fd = -1;
	enum rc rc;

	w.fd = open(stick_path(stick, "f"),
	    O_WRONLY | O_CREAT | O_CLOEXEC | (grow ? O_APPEND : 0), 0644);
	assert_true(w.fd >= 0);
	assert_int_equal(ftruncate(w.fd, (off_t)size), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer_run, &w), 0);
	rc = media_copy(&stick->media, "f", 4 * size, &fd);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(close(w.fd), 0);
	assert_refused(rc, "MEDIA-CHANGED", "while it was read");
	assert_int_equal(fd, -1);
}

static void
file_that_grows_while_it_is_read_is_refused(void **state)
{
	changes_are_noticed(*state, true);
}

static void
file_that_is_written_while_it_is_read_is_refused(void **state)
{
	changes_are_noticed(*state, false);
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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, stick_namespace, NULL);
}
