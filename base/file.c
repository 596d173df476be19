/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that we write for good goes through the steps below, so that there
 * is one place where it is decided what a power cut leaves. SQLite's files have
 * theirs in db_vfs.c. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Put behind the final name while it is written. */
#define FILE_TEMPORARY ".new"
#define HOME_OF_ROOT "/var/lib/"

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

static int
open_resolving(int dir, const char *path, int flags, uint64_t resolve)
{
	const struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
		.resolve = resolve };
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd;
}

int
fd_open_unlinked(int dir, const char *path, int flags)
{
	return open_resolving(
	    dir, path, flags, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int
fd_open_beneath(int dir, const char *path, int flags)
{
	return open_resolving(dir, path, flags,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH |
		RESOLVE_NO_XDEV);
}

enum rc
fd_lock(int fd, const char *from, const char *held)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return RC_OK;
	return errno == EWOULDBLOCK
		   ? err_set(RC_STATE, "%s: %s", from, held)
		   : err_errno(RC_IO, errno, "%s: cannot be locked", from);
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

DIR *
dir_entries(int dir, const char *path)
{
	int fd = fd_openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (entries == NULL)
		fd_close(&fd);
	return entries;
}

const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
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

enum rc
fd_sync(int fd, const char *from)
{
	if (fsync(fd) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be synced", from);
	return RC_OK;
}

enum rc
fd_sync_all(int fd, const char *from)
{
	if (syncfs(fd) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be synced", from);
	return RC_OK;
}

/* ---- how a file comes to its name ---------------------------------------- */

enum rc
file_stale_remove(int dir, const char *name, const char *from)
{
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return err_errno(
		    RC_IO, errno, "%s: %s is in the way", from, name);
	return RC_OK;
}

enum rc
file_begin(int dir, const char *name, const char *from, int *ret_fd)
{
	int fd = fd_openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(RC_IO, errno, "%s: cannot be made", from);
	*ret_fd = fd;
	return RC_OK;
}

/* FAT has one mode for all files, and minds where it was mounted for another.
 */
static bool
keeps_no_modes(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       ((unsigned long)fs.f_type == MSDOS_SUPER_MAGIC ||
		   (unsigned long)fs.f_type == EXFAT_SUPER_MAGIC);
}

/* The mode last: until then it is for us alone, and a change of owner would
 * take some of its bits away. */
static enum rc
file_dress(int fd, const struct file_look *look, const char *from)
{
	struct stat st;

	if (look->owned && fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s", from);
	if (look->owned && (st.st_uid != look->uid || st.st_gid != look->gid) &&
	    fchown(fd, look->uid, look->gid) != 0)
		return err_errno(
		    RC_IO, errno, "%s: its owner cannot be kept", from);
	if (fchmod(fd, look->mode) == 0 ||
	    (errno == EPERM && keeps_no_modes(fd)))
		return RC_OK;
	return err_errno(RC_IO, errno, "%s: its mode", from);
}

enum rc
file_end(int *fd, const struct file_look *look, const char *from)
{
	enum rc rc = look != NULL ? file_dress(*fd, look, from) : RC_OK;

	if (rc == RC_OK)
		rc = fd_sync(*fd, from);
	return rc == RC_OK ? fd_finish(fd, from) : rc;
}

/* On FAT, everything: see file_settle. */
static enum rc
fat_sync(int dir, const char *from)
{
	struct statfs fs;

	if (fstatfs(dir, &fs) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be synced", from);
	return (unsigned long)fs.f_type == MSDOS_SUPER_MAGIC
		   ? fd_sync_all(dir, from)
		   : RC_OK;
}

/* FAT keeps what a file is in the entry of its directory, and Linux writes a
 * new entry by a rename as one of no bytes: where they lie and how many follows
 * when the renamed inode is written. A sync of the directory alone makes that
 * entry of nothing last, while every look, being from memory, finds it whole.
 * So the inode is synced too, and on FAT before all the whole file system: an
 * fsync writes the sector of its entry first and that of the old name later,
 * which a cut between them leaves as two names for the same clusters; syncfs
 * brings inodes into their sectors first, and these go in ascending order, the
 * old name's before the new one's, so that a cut leaves a name of whole bytes
 * or none. To finish under the temporary name instead would not do: FAT would
 * lose the entry of either in the same rename. Only a stick is worth it, where
 * all that waits is ours; elsewhere syncfs waits for everybody's writing. */
enum rc
file_settle(int dir, const char *name, const char *from)
{
	OWN_FD fd = -1;
	enum rc rc = fat_sync(dir, from);

	if (rc != RC_OK)
		return rc;
	fd = fd_openat(
	    dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd >= 0)
		rc = fd_sync(fd, from);
	else if (errno == EACCES) /* a mode that shuts us out, too */
		rc = fd_sync_all(dir, from);
	else if (errno != ELOOP) /* a link has nothing but its entry */
		rc = err_errno(RC_IO, errno, "%s: cannot be synced", from);
	return rc == RC_OK ? fd_sync(dir, from) : rc;
}

enum rc
file_put_in_place(int dir, const char *temporary, const char *name,
    unsigned flags, const char *from)
{
	if (renameat2(dir, temporary, dir, name, flags) != 0)
		return err_errno(
		    RC_IO, errno, "%s: cannot be put in place", from);
	return file_settle(dir, name, from);
}

enum rc
file_write(const struct file_write *put, struct span bytes)
{
	OWN_FD fd = -1;
	enum rc rc = file_stale_remove(put->dir, put->temporary, put->from);

	if (rc == RC_OK)
		rc = file_begin(put->dir, put->temporary, put->from, &fd);
	if (rc != RC_OK)
		return rc;
	rc = fd_write_all(fd, bytes, put->from);
	if (rc == RC_OK)
		rc = file_end(&fd, &put->look, put->from);
	if (rc == RC_OK)
		rc = file_put_in_place(
		    put->dir, put->temporary, put->name, put->flags, put->from);
	if (rc != RC_OK)
		(void)unlinkat(put->dir, put->temporary, 0);
	return rc;
}

static enum rc
file_put_path(
    int dir, const char *path, struct span bytes, mode_t mode, unsigned flags)
{
	WIPED(buf) temporary = { 0 };
	OWN_FD parent = -1;
	struct file_write put = { .name = file_name(path),
		.from = path,
		.flags = flags,
		.look = { .mode = mode } };
	enum rc rc = buf_printf(&temporary, "%s" FILE_TEMPORARY, put.name);

	if (rc == RC_OK)
		rc = file_parent_open(dir, path, &parent);
	if (rc != RC_OK)
		return rc;
	put.dir = parent;
	put.temporary = buf_cstr(&temporary);
	return put.temporary == NULL ? err_memory() : file_write(&put, bytes);
}

enum rc
file_create(int dir, const char *path, struct span bytes, mode_t mode)
{
	return file_put_path(dir, path, bytes, mode, RENAME_NOREPLACE);
}

enum rc
file_replace(int dir, const char *path, struct span bytes, mode_t mode)
{
	return file_put_path(dir, path, bytes, mode, 0);
}

/* ---- many at once -------------------------------------------------------- */

static enum rc
batch_name(const char *path, struct buf *name, const char **ret)
{
	enum rc rc = buf_printf(name, "%s" FILE_TEMPORARY, path);

	if (rc != RC_OK)
		return rc;
	*ret = buf_cstr(name);
	return *ret == NULL ? err_memory() : RC_OK;
}

static void
batch_unlink(const struct file_batch *batch, const char *path)
{
	WIPED(buf) temporary = { 0 };
	struct err_saved why;
	const char *name;

	err_save(&why);
	if (batch_name(path, &temporary, &name) == RC_OK)
		(void)unlinkat(batch->dir, name, 0);
	err_restore(&why);
}

void
file_batch_wipe(struct file_batch *batch)
{
	for (size_t i = 0; i < batch->paths.n && !batch->settled; i++)
		batch_unlink(batch, batch->paths.items[i]);
	text_list_wipe(&batch->paths);
}

/* O_TRUNC saves the look that O_EXCL would cost: the names are ours alone. */
enum rc
file_batch_add(
    struct file_batch *batch, const char *path, struct span bytes, mode_t mode)
{
	WIPED(buf) temporary = { 0 };
	const char *name;
	OWN_FD fd = -1;
	enum rc rc = batch_name(path, &temporary, &name);

	if (rc != RC_OK)
		return rc;
	fd = fd_openat(batch->dir, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_errno(RC_IO, errno, "%s: cannot be made", path);
	rc = fd_write_all(fd, bytes, path);
	if (rc == RC_OK)
		rc = fd_finish(&fd, path);
	if (rc == RC_OK)
		rc = text_list_add(&batch->paths, span_str(path));
	if (rc != RC_OK)
		batch_unlink(batch, path);
	return rc;
}

/* Two syncs: contents before names, names before the caller tells of them. */
enum rc
file_batch_settle(struct file_batch *batch, const char *from)
{
	WIPED(buf) temporary = { 0 };
	const char *name;
	enum rc rc;

	if (batch->paths.n == 0)
		return RC_OK;
	rc = fd_sync_all(batch->dir, from);
	for (size_t i = 0; i < batch->paths.n && rc == RC_OK; i++) {
		const char *path = batch->paths.items[i];

		buf_reset(&temporary);
		rc = batch_name(path, &temporary, &name);
		if (rc == RC_OK &&
		    renameat(batch->dir, name, batch->dir, path) != 0)
			rc = err_errno(
			    RC_IO, errno, "%s: cannot be put in place", path);
	}
	if (rc == RC_OK)
		rc = fd_sync_all(batch->dir, from);
	batch->settled = rc == RC_OK;
	return rc;
}

/* ---- directories --------------------------------------------------------- */

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
	return rc != RC_OK ? rc : fd_sync(parent, path);
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
home_path(const char *variable, const char *name, struct buf *ret_path)
{
	const char *given = variable == NULL ? NULL : getenv(variable);
	const char *data = getenv("XDG_DATA_HOME");
	const char *user = getenv("HOME");
	enum rc rc;

	if (given != NULL && *given != '\0')
		rc = buf_add_str(ret_path, given);
	else if (geteuid() == 0)
		rc = buf_printf(ret_path, HOME_OF_ROOT "%s", name);
	else if (data != NULL && *data == '/')
		rc = buf_printf(ret_path, "%s/%s", data, name);
	else if (user != NULL && *user == '/')
		rc = buf_printf(ret_path, "%s/.local/share/%s", user, name);
	else
		return err_set(
		    RC_USAGE, "no home directory is known: give --home DIR");
	return rc != RC_OK ? rc : buf_add_byte(ret_path, '\0');
}

/* What is in it may not be ours to see. A service user may have it. */
bool
home_elsewhere(
    const char *name, const char *path, char ret_text[static HOME_ELSEWHERE])
{
	char there[100], whose[40] = "root";
	struct stat st, at;

	(void)snprintf(there, sizeof(there), HOME_OF_ROOT "%s", name);
	if (geteuid() == 0 || stat(there, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    (stat(path, &at) == 0 && at.st_dev == st.st_dev &&
		at.st_ino == st.st_ino))
		return false;
	if (st.st_uid != 0)
		(void)snprintf(
		    whose, sizeof(whose), "user %u", (unsigned)st.st_uid);
	(void)snprintf(ret_text, HOME_ELSEWHERE,
	    "%s's is in %s: for that one, run this as %s", whose, there, whose);
	return true;
}
