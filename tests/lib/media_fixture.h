/* SPDX-License-Identifier: Apache-2.0 */
/** A directory that plays the stick, in a mount namespace of the test's own.
 *
 * Included by the test_media*.c programs, each of which is one file.
 */
#ifndef TESTS_MEDIA_FIXTURE_H
#define TESTS_MEDIA_FIXTURE_H

#include "base/err.h"
#include "base/file.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct stick {
	char path[64];
	struct media media;
};

static inline const char *
stick_path(const struct stick *stick, const char *name)
{
	static char path[8][256];
	static unsigned turn;
	char *p = path[turn++ % 8];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", stick->path, name);
	return p;
}

static inline void
stick_write(const struct stick *stick, const char *name, const char *text)
{
	int fd = open(
	    stick_path(stick, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static inline bool
stick_has(const struct stick *stick, const char *name)
{
	struct stat st;

	return lstat(stick_path(stick, name), &st) == 0;
}

/* Does a file of the stick hold this text? */
static inline bool
stick_holds(const struct stick *stick, const char *name, const char *text)
{
	WIPED(buf) bytes = { 0 };

	return file_read(AT_FDCWD, stick_path(stick, name), 1 << 20, &bytes) ==
	    RC_OK &&
	    span_eq_str(buf_span(&bytes), text);
}

static inline void
write_id_map(const char *path, unsigned id)
{
	char text[64];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "0 %u 1", id);

	if (fd >= 0 && write(fd, text, (size_t)n) != n)
		perror(path);
	if (fd >= 0)
		(void)close(fd);
}

/* Mounts of a test vanish with it. A user gets them in a user namespace. */
static inline int
stick_namespace(void **state)
{
	unsigned uid = geteuid(), gid = getegid();

	(void)state;
	if (unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) != 0) {
		print_error("no mount namespace (%s): run these tests as root "
			    "or where user namespaces are allowed\n",
		    strerror(errno));
		return -1;
	}
	if (uid != 0) {
		int fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "deny", 4) != 4)
			perror("setgroups");
		if (fd >= 0)
			(void)close(fd);
		write_id_map("/proc/self/uid_map", uid);
		write_id_map("/proc/self/gid_map", gid);
	}
	/* In a chroot "/" is no mount point: EINVAL. What is mounted is then
	 * unmounted by the teardown alone. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 &&
	    errno != EINVAL) {
		print_error("mounts of ours cannot be kept private: %s\n",
		    strerror(errno));
		return -1;
	}
	return 0;
}

/* Mount something on the stick; where that is not permitted the test fails. */
static inline void
stick_mount(const struct stick *stick, const char *source, const char *type,
    unsigned long flags, const char *options)
{
	if (mount(source, stick->path, type, flags, options) != 0)
		fail_msg("mount on %s: %s: this test needs the right to mount",
		    stick->path, strerror(errno));
}

static inline void
stick_open(struct stick *stick)
{
	media_wipe(&stick->media);
	assert_int_equal(media_open(stick->path, &stick->media), RC_OK);
}

static inline int
stick_setup(void **state)
{
	struct stick *stick = calloc(1, sizeof(*stick));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(stick);
	(void)snprintf(stick->path, sizeof(stick->path), "%.40s/stick-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(stick->path));
	stick_open(stick);
	*state = stick;
	return 0;
}

static inline int
stick_teardown(void **state)
{
	struct stick *stick = *state;
	char command[128];

	media_wipe(&stick->media);
	while (umount2(stick->path, MNT_DETACH) == 0)
		continue;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", stick->path);
	if (system(command) != 0)
		print_error("%s: left behind\n", stick->path);
	free(stick);
	return 0;
}

#define ON_STICK(f)                                                            \
	cmocka_unit_test_setup_teardown(f, stick_setup, stick_teardown)

/* The sentence, or a part of it, and the rule that spoke it. */
#define assert_refused(rc_, rule_, part_)                                      \
	do {                                                                   \
		assert_int_equal(rc_, RC_FORMAT);                              \
		assert_string_equal(rule_name(rule_spoken()), rule_);                   \
		if (strstr(err_text(), part_) == NULL)                         \
			fail_msg("\"%s\" lacks \"%s\"", err_text(), part_);    \
	} while (0)

#endif
