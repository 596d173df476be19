/* SPDX-License-Identifier: Apache-2.0 */
/* A file is looked at by O_PATH, opened, compared with what was looked at,
 * and read once into memory that is then sealed: the bytes that are hashed
 * are those that are parsed, whatever the stick does next (some answer the
 * second read otherwise). */
#include "base/file.h"
#include "transfer/media/media.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define COPY_ROOM ((size_t)256 << 10) /* bytes read at a time */

static const char *
kind_text(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return "a symbolic link";
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a fifo";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static enum rc
kind_check(const char *from, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: is %s; wanted a regular file", from,
		    kind_text(st->st_mode));
	/* A second name may lie anywhere, and be written through meanwhile. */
	if (st->st_nlink != 1)
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: has %ju hard links; wanted a file of one name", from,
		    (uintmax_t)st->st_nlink);
	return RC_OK;
}

static enum rc
stat_open(const char *from, int fd, struct stat *ret)
{
	if (fstat(fd, ret) != 0)
		return media_failed(from, "cannot be looked at", errno);
	return RC_OK;
}

enum rc
media_file_open(
    int dir, const char *path, const char *from, int *ret_fd, struct stat *ret)
{
	/* First without opening what it is: a device's open may do things, and
	 * a fifo's may wait. */
	OWN_FD look = fd_open_beneath(dir, path, O_PATH | O_NOFOLLOW);
	OWN_FD fd = -1;
	struct stat seen, st;
	enum rc rc;

	if (look < 0)
		return media_open_failed(from, errno);
	rc = stat_open(from, look, &seen);
	if (rc == RC_OK)
		rc = kind_check(from, &seen);
	if (rc != RC_OK)
		return rc;

	fd = fd_open_beneath(
	    dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return media_open_failed(from, errno);
	rc = stat_open(from, fd, &st);
	if (rc != RC_OK)
		return rc;
	if (st.st_dev != seen.st_dev || st.st_ino != seen.st_ino)
		return rule_refuse(RULE_MEDIA_CHANGED,
		    "%s: another file took its place meanwhile", from);
	*ret_fd = fd;
	*ret = st;
	fd = -1;
	return RC_OK;
}

static enum rc
read_some(const char *from, int fd, uint8_t *room, size_t *ret_n)
{
	ssize_t n;

	do
		n = read(fd, room, COPY_ROOM);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return media_failed(from, "cannot be read", errno);
	*ret_n = (size_t)n;
	return RC_OK;
}

/* Read to the end of the file, which must come at its size and not before. */
static enum rc
media_read_copy_bytes(
    const char *from, int fd, size_t size, uint8_t *room, int to)
{
	size_t done = 0, n = 0;
	enum rc rc;

	do {
		rc = read_some(from, fd, room, &n);
		if (rc != RC_OK)
			return rc;
		if (n > size - done)
			return rule_refuse(RULE_MEDIA_CHANGED,
			    "%s: grew beyond its %zu bytes while it was read",
			    from, size);
		rc = fd_write_all(to, span_of(room, n), "memory");
		if (rc != RC_OK)
			return rc;
		done += n;
	} while (n != 0);
	if (done != size)
		return rule_refuse(RULE_MEDIA_CHANGED,
		    "%s: ended after %zu of %zu bytes", from, done, size);
	return RC_OK;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* On FAT mtimes have steps of two seconds, so this alone would not do: the
 * size is checked by reading on to the end. */
static enum rc
change_check(const char *from, int fd, const struct stat *before)
{
	struct stat after;
	enum rc rc = stat_open(from, fd, &after);

	if (rc != RC_OK)
		return rc;
	if (after.st_size != before->st_size ||
	    !same_time(after.st_mtim, before->st_mtim) ||
	    !same_time(after.st_ctim, before->st_ctim))
		return rule_refuse(
		    RULE_MEDIA_CHANGED, "%s: changed while it was read", from);
	return RC_OK;
}

/* `room` is COPY_ROOM bytes of the caller's. */
static enum rc
copy_within(const char *from, int fd, const struct stat *st, uint8_t *room,
    int *ret_memfd)
{
	OWN_FD copy = -1;
	enum rc rc = sealed_begin(&copy);

	if (rc == RC_OK)
		rc = media_read_copy_bytes(
		    from, fd, (size_t)st->st_size, room, copy);
	if (rc == RC_OK)
		rc = change_check(from, fd, st);
	if (rc == RC_OK)
		rc = sealed_end(copy);
	if (rc != RC_OK)
		return rc;
	*ret_memfd = copy;
	copy = -1;
	return RC_OK;
}

/* The size cap comes before a byte is read: a sparse file of terabytes costs
 * nothing to make. */
static enum rc
media_read_copy_file(
    const char *from, int fd, const struct stat *st, size_t cap, int *ret_memfd)
{
	size_t most = cap < MEDIA_FILE_MAX ? cap : MEDIA_FILE_MAX;
	uint8_t *room;
	enum rc rc;

	if (st->st_size < 0 || (uintmax_t)st->st_size > most)
		return rule_refuse(RULE_MEDIA_SIZE,
		    "%s: has %jd bytes; at most %zu are read", from,
		    (intmax_t)st->st_size, most);
	room = malloc(COPY_ROOM);
	if (room == NULL)
		return err_memory();
	rc = copy_within(from, fd, st, room, ret_memfd);
	free(room);
	return rc;
}

enum rc
media_copy_fd(const char *from, int fd, size_t cap, int *ret_memfd)
{
	struct stat st = { 0 };
	enum rc rc = stat_open(from, fd, &st);

	if (rc == RC_OK)
		rc = kind_check(from, &st);
	return rc != RC_OK
		   ? rc
		   : media_read_copy_file(from, fd, &st, cap, ret_memfd);
}

enum rc
media_copy(
    const struct media *media, const char *path, size_t cap, int *ret_memfd)
{
	char from[MEDIA_FROM_MAX];
	OWN_FD fd = -1;
	struct stat st = { 0 };
	enum rc rc;

	media_from(media, path, from);
	rc = media_path_check(from, path);
	if (rc == RC_OK)
		rc = media_file_open(media->root, path, from, &fd, &st);
	return rc != RC_OK
		   ? rc
		   : media_read_copy_file(from, fd, &st, cap, ret_memfd);
}
