/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_TEMPORARY \
	".new" /* put behind the final name while it is written */

void
fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static enum rc
read_whole(int fd, const char *path, size_t size, struct buf *ret_bytes)
{
	WIPED(buf) bytes = { 0 };
	enum rc rc = buf_reserve(&bytes, size + 1);

	while (rc == RC_OK) {
		ssize_t n = read(fd, bytes.p + bytes.n, bytes.cap - bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "%s", path);
		if (n == 0)
			break;
		bytes.n += (size_t)n;
		if (bytes.n > size)
			return err_set(RC_FORMAT,
			    "%s: grew while it was being read", path);
	}
	if (rc != RC_OK)
		return rc;
	*ret_bytes = bytes;
	bytes = (struct buf){ 0 };
	return RC_OK;
}

enum rc
file_read(int dir, const char *path, size_t cap, struct buf *ret_bytes)
{
	OWN_FD fd = fd_openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(RC_IO, errno, "%s", path);
	return fd_read(fd, path, cap, ret_bytes);
}

enum rc
fd_read(int fd, const char *path, size_t cap, struct buf *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(RC_FORMAT, "%s: not a regular file", path);
	if ((uintmax_t)st.st_size > cap)
		return err_set(RC_FORMAT, "%s: %jd bytes, at most %zu wanted",
		    path, (intmax_t)st.st_size, cap);
	return read_whole(fd, path, (size_t)st.st_size, ret_bytes);
}

int
fd_openat(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir, path, flags, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

enum rc
fd_finish(int *fd, const char *name)
{
	int failed = close(*fd);

	*fd = -1;
	if (failed != 0 && errno != EINTR)
		return err_errno(RC_IO, errno, "%s: cannot be closed", name);
	return RC_OK;
}

enum rc
fd_write_all(int fd, struct span bytes, const char *name)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(
			    RC_IO, errno, "%s: cannot be written", name);
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return RC_OK;
}

enum rc
dir_open(int dir, const char *path, int *ret_fd)
{
	int fd = fd_openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(RC_IO, errno, "%s", path);
	*ret_fd = fd;
	return RC_OK;
}

enum rc
file_parent_open(int dir, const char *path, int *ret_fd)
{
	WIPED(buf) parent = { 0 };
	const char *slash = strrchr(path, '/');
	enum rc rc;

	if (slash == NULL)
		rc = buf_add_str(&parent, ".");
	else
		rc = buf_add(
		    &parent, path, slash == path ? 1 : (size_t)(slash - path));
	if (rc == RC_OK)
		rc = buf_add_byte(&parent, '\0');
	return rc != RC_OK ? rc : dir_open(dir, (char *)parent.p, ret_fd);
}

static enum rc
write_synced(int dir, const char *temporary, struct span bytes, mode_t mode)
{
	enum rc rc;
	OWN_FD fd = -1;

	/* What a crashed run left under this name is worth nothing. */
	if (unlinkat(dir, temporary, 0) != 0 && errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", temporary);
	fd = fd_openat(
	    dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(RC_IO, errno, "%s: cannot be made", temporary);
	rc = fd_write_all(fd, bytes, temporary);
	if (rc == RC_OK && fchmod(fd, mode) != 0)
		rc = err_errno(RC_IO, errno, "%s: mode", temporary);
	if (rc == RC_OK && fsync(fd) != 0)
		rc = err_errno(RC_IO, errno, "%s: cannot be synced", temporary);
	return rc == RC_OK ? fd_finish(&fd, temporary) : rc;
}

static enum rc
write_renamed(
    int dir, const char *path, struct span bytes, mode_t mode, unsigned flags)
{
	WIPED(buf) temporary = { 0 };
	OWN_FD parent = -1;
	const char *name;
	enum rc rc;

	rc = buf_printf(&temporary, "%s" FILE_TEMPORARY, path);
	if (rc == RC_OK)
		rc = file_parent_open(dir, path, &parent);
	if (rc != RC_OK)
		return rc;
	name = buf_cstr(&temporary);
	if (name == NULL)
		return err_memory();

	rc = write_synced(dir, name, bytes, mode);
	if (rc == RC_OK && renameat2(dir, name, dir, path, flags) != 0)
		rc =
		    err_errno(RC_IO, errno, "%s: cannot be put in place", path);
	if (rc != RC_OK) {
		(void)unlinkat(dir, name, 0);
		return rc;
	}
	if (fsync(parent) != 0)
		return err_errno(RC_IO, errno, "%s: its directory", path);
	return RC_OK;
}

enum rc
file_create(int dir, const char *path, struct span bytes, mode_t mode)
{
	return write_renamed(dir, path, bytes, mode, RENAME_NOREPLACE);
}

enum rc
file_replace(int dir, const char *path, struct span bytes, mode_t mode)
{
	return write_renamed(dir, path, bytes, mode, 0);
}

/* A new directory is in its parent for good only when that is synced. */
static enum rc
make_one(const char *path, mode_t mode)
{
	OWN_FD parent = -1;
	struct stat st;
	enum rc rc;

	if (mkdir(path, mode) != 0) {
		int why = errno;

		if (why == EEXIST && stat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode))
			return RC_OK;
		return err_errno(RC_IO, why, "%s: cannot be made", path);
	}
	rc = file_parent_open(AT_FDCWD, path, &parent);
	if (rc == RC_OK && fsync(parent) != 0)
		rc = err_errno(RC_IO, errno, "%s: its directory", path);
	return rc;
}

enum rc
dir_make(const char *path, mode_t mode)
{
	WIPED(buf) copy = { 0 };
	enum rc rc = buf_add_str(&copy, path);

	if (rc == RC_OK)
		rc = buf_add_byte(&copy, '\0');
	if (rc == RC_OK && *path == '\0')
		rc = err_set(RC_IO, "a directory without a name");
	/* The end of each component, the first byte never being one: "/" is
	 * there already. */
	for (size_t i = 1; rc == RC_OK && i < copy.n; i++) {
		uint8_t at = copy.p[i];

		if (at != '/' && at != '\0')
			continue;
		copy.p[i] = '\0';
		rc = make_one((char *)copy.p, mode);
		copy.p[i] = at;
	}
	return rc;
}

enum rc
home_path(const char *option, const char *variable, const char *name,
    struct buf *ret_path)
{
	const char *given = option != NULL ? option : getenv(variable);
	const char *data = getenv("XDG_DATA_HOME");
	const char *user = getenv("HOME");
	enum rc rc;

	if (given != NULL && *given != '\0')
		rc = buf_add_str(ret_path, given);
	else if (geteuid() == 0)
		rc = buf_printf(ret_path, "/var/lib/%s", name);
	else if (data != NULL && *data == '/')
		rc = buf_printf(ret_path, "%s/%s", data, name);
	else if (user != NULL && *user == '/')
		rc = buf_printf(ret_path, "%s/.local/share/%s", user, name);
	else
		return err_set(
		    RC_USAGE, "no home directory is known: give --home DIR");
	return rc != RC_OK ? rc : buf_add_byte(ret_path, '\0');
}
