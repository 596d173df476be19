/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer over SQLite's own: each call goes through, unless a sync of the
 * database or its journal has failed before. The name of a new journal is
 * synced with it, for SQLite writes to the database next, and a journal that no
 * directory names could not undo that. */
#include "base/db_vfs.h"
#include "base/file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VFS_NAME "airgap"
#define DIR_NAME_MAX 4096

/* Before each of SQLite's own files, which lies right behind it. */
struct file {
	sqlite3_file base;
	struct file *database; /* itself, or whose journal it is */
	const char *name;      /* SQLite keeps it while the file is open */
	bool is_new_journal;   /* its name is not in the directory for good */
	bool failed;	       /* a sync did: of the database, for all */
};

static struct file *
file_of(sqlite3_file *base)
{
	return (struct file *)(void *)base;
}

static sqlite3_file *
real_of(sqlite3_file *base)
{
	return (sqlite3_file *)(void *)(file_of(base) + 1);
}

static bool
is_frozen(sqlite3_file *base)
{
	return file_of(base)->database->failed;
}

/* ---- what fails for good -------------------------------------------------
 */

static int
sync_directory(const char *name)
{
	char dir[DIR_NAME_MAX];
	const char *slash = strrchr(name, '/');
	OWN_FD fd = -1;

	if (slash == NULL || (size_t)(slash - name) >= sizeof(dir))
		return SQLITE_IOERR_DIR_FSYNC;
	(void)snprintf(dir, sizeof(dir), "%.*s",
	    slash == name ? 1 : (int)(slash - name), name);
	fd = fd_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return fd < 0 || fsync(fd) != 0 ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

static int
file_sync(sqlite3_file *base, int flags)
{
	struct file *f = file_of(base);
	int code;

	if (is_frozen(base))
		return SQLITE_IOERR_FSYNC;
	code = real_of(base)->pMethods->xSync(real_of(base), flags);
	if (code == SQLITE_OK && f->is_new_journal)
		code = sync_directory(f->name);
	f->is_new_journal = false;
	f->database->failed = code != SQLITE_OK;
	return code;
}

static int
db_vfs_file_write(
    sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
	return is_frozen(base) ? SQLITE_IOERR_WRITE
			       : real_of(base)->pMethods->xWrite(
				     real_of(base), bytes, n, at);
}

static int
file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	return is_frozen(base)
		   ? SQLITE_IOERR_TRUNCATE
		   : real_of(base)->pMethods->xTruncate(real_of(base), size);
}

/* ---- what is SQLite's own ------------------------------------------------
 */

static int
file_close(sqlite3_file *base)
{
	return real_of(base)->pMethods->xClose(real_of(base));
}

static int
file_read_at(sqlite3_file *base, void *bytes, int n, sqlite3_int64 at)
{
	return real_of(base)->pMethods->xRead(real_of(base), bytes, n, at);
}

static int
file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	return real_of(base)->pMethods->xFileSize(real_of(base), ret);
}

static int
file_lock(sqlite3_file *base, int level)
{
	return real_of(base)->pMethods->xLock(real_of(base), level);
}

static int
file_unlock(sqlite3_file *base, int level)
{
	return real_of(base)->pMethods->xUnlock(real_of(base), level);
}

static int
file_is_reserved(sqlite3_file *base, int *ret)
{
	return real_of(base)->pMethods->xCheckReservedLock(real_of(base), ret);
}

static int
file_control(sqlite3_file *base, int op, void *arg)
{
	return real_of(base)->pMethods->xFileControl(real_of(base), op, arg);
}

static int
file_sector(sqlite3_file *base)
{
	return real_of(base)->pMethods->xSectorSize(real_of(base));
}

static int
file_traits(sqlite3_file *base)
{
	return real_of(base)->pMethods->xDeviceCharacteristics(real_of(base));
}

/* Version 1: no shared memory, so no write-ahead log either. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read_at,
	.xWrite = db_vfs_file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

/* ---- the layer -----------------------------------------------------------
 */

static sqlite3_vfs *
real_vfs(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

/* The database that a journal is of: SQLite knows by the name's address. */
static struct file *
database_of(const char *journal)
{
	return file_of(sqlite3_database_file_object(journal));
}

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
    int *ret_flags)
{
	struct file *f = file_of(base);
	bool journal = (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0;
	int code;

	*f = (struct file){ .database = f, .name = name };
	memset(real_of(base), 0, (size_t)real_vfs(vfs)->szOsFile);
	code = real_vfs(vfs)->xOpen(
	    real_vfs(vfs), name, real_of(base), flags, ret_flags);
	if (code != SQLITE_OK)
		return code;
	if (journal) {
		f->database = database_of(name);
		f->is_new_journal = (flags & SQLITE_OPEN_CREATE) != 0;
	}
	f->base.pMethods = &methods;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	size_t n = strlen(name), ending = strlen("-journal");
	struct file *database = NULL;
	int code;

	if (n > ending && strcmp(name + n - ending, "-journal") == 0)
		database = database_of(name);
	if (database != NULL && database->failed)
		return SQLITE_IOERR_DELETE;
	code = real_vfs(vfs)->xDelete(real_vfs(vfs), name, 0);
	if (code == SQLITE_OK && sync != 0)
		code = sync_directory(name);
	if (database != NULL && code == SQLITE_IOERR_DIR_FSYNC)
		database->failed = true;
	return code;
}

/* SQLite's layer takes this for a directory that cannot be synced, and leaves
 * the syncing to ours. */
static int
no_directory(const char *name, int *ret_fd)
{
	(void)name;
	*ret_fd = -1;
	return SQLITE_CANTOPEN;
}

enum rc
db_vfs_use(const char **ret_name)
{
	sqlite3_vfs *real, *vfs;

	*ret_name = VFS_NAME;
	if (sqlite3_vfs_find(VFS_NAME) != NULL)
		return RC_OK;
	real = sqlite3_vfs_find("unix");
	vfs = malloc(sizeof(*vfs)); /* SQLite's list keeps it to the end */
	if (real == NULL || vfs == NULL) {
		free(vfs);
		return err_memory();
	}
	*vfs = *real;
	vfs->zName = VFS_NAME;
	vfs->szOsFile = (int)sizeof(struct file) + real->szOsFile;
	vfs->pAppData = real;
	vfs->pNext = NULL;
	vfs->xOpen = vfs_open;
	vfs->xDelete = vfs_delete;
	if (real->xSetSystemCall(real, "openDirectory",
		(sqlite3_syscall_ptr)no_directory) != SQLITE_OK ||
	    sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
		free(vfs);
		return err_set(RC_BUG, "SQLite does not take our file layer");
	}
	return RC_OK;
}
