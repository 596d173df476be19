/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a stick: everything under a temporary name first, one rename, and
 * nothing counts that was not read back. An fsync that failed is never tried
 * again: the kernel has forgotten by then what it could not write. */
#include "base/file.h"
#include "transfer/media/media.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define MEDIA_TEMPORARY ".tmp-" /* no reader takes a first dot */
#define BAD_MAX 999
#define SPOT_NAME_MAX (MEDIA_NAME_MAX + 16) /* room for .tmp- or .bad-999 */
#define FILE_MODE 0644
#define DIR_MODE 0755

/* Where something is to be put: its directory, open, and its names there. */
struct write_spot {
	int dir;
	char from[MEDIA_FROM_MAX];
	char name[MEDIA_NAME_MAX];
	char temporary[SPOT_NAME_MAX];
};

/* One file or a whole directory, to be put under one name. */
struct load {
	const struct media_file *files;
	size_t n;
	bool is_dir;
	bool many; /* to be synced at once */
};

/* A stick takes some 30 ms for a sync, and a response may have a file for each
 * request. A sync of everything brings the entry of a new directory onto the
 * stick before what lies in it, and on FAT a pull between them leaves what
 * nobody may look at again: so that has a name which is used once. */
#define MANY 16

static void
write_spot_wipe(struct write_spot *spot)
{
	fd_close(&spot->dir);
}

static enum rc
write_failed(const char *from, int errnum)
{
	return media_failed(from, "cannot be written", errnum);
}

/* What goes onto a stick is for another machine, where other people may read
 * it than the umask here allows. FAT knows no such modes, and minds. */
static void
open_to_all(int fd, mode_t mode)
{
	(void)fchmod(fd, mode);
}

static bool
media_write_is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

/* Rename without replacing. vfat and exfat can; where a file system cannot, a
 * look before it must do: nobody else writes to this stick now. */
static int
rename_new(int dir, const char *old, const char *new)
{
	if (renameat2(dir, old, dir, new, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (media_write_is_there(dir, new)) {
		errno = EEXIST;
		return -1;
	}
	return renameat(dir, old, dir, new);
}

/* A temporary name that nobody had. */
static enum rc
fresh_name(const char *from, char ret[static SPOT_NAME_MAX])
{
	uint64_t random = 0;

	if (getentropy(&random, sizeof(random)) != 0) /* goes on after EINTR */
		return err_errno(RC_IO, errno, "%s: no random number", from);
	(void)snprintf(
	    ret, SPOT_NAME_MAX, MEDIA_TEMPORARY "%016" PRIx64, random);
	return RC_OK;
}

/* A directory under a name that nobody had. FAT writes its entry, its cluster
 * in the table and what lies in that at three places, and whoever looks at one
 * that lacks a part makes the stick read-only: so it has its name when it is
 * whole, and what a pulled stick keeps of it is not looked at again. */
static enum rc
make_dir(const char *from, int dir, const char *name)
{
	char fresh[SPOT_NAME_MAX];
	enum rc rc = fresh_name(from, fresh);

	if (rc != RC_OK)
		return rc;
	if (mkdirat(dir, fresh, DIR_MODE) != 0)
		return write_failed(from, errno);
	rc = file_settle(dir, fresh, from);
	if (rc == RC_OK && rename_new(dir, fresh, name) != 0)
		rc = write_failed(from, errno);
	if (rc != RC_OK)
		(void)unlinkat(dir, fresh, AT_REMOVEDIR);
	return rc == RC_OK ? file_settle(dir, name, from) : rc;
}

/* Open directory `name` below `dir`, making it if it is missing. */
static enum rc
step_into(const char *from, int *dir, const char *name)
{
	const bool made = !media_write_is_there(*dir, name);
	enum rc rc = made ? make_dir(from, *dir, name) : RC_OK;
	int next;

	if (rc != RC_OK)
		return rc;
	next = fd_open_beneath(*dir, name, O_RDONLY | O_DIRECTORY);
	if (next < 0)
		return media_open_failed(from, errno);
	if (made)
		open_to_all(next, DIR_MODE);
	fd_close(dir);
	*dir = next;
	return RC_OK;
}

static enum rc
media_write_spot_open(
    const struct media *media, const char *path, struct write_spot *ret)
{
	const char *at = path, *slash;
	enum rc rc;

	media_from(media, path, ret->from);
	rc = media_path_check(ret->from, path);
	if (rc != RC_OK)
		return rc;
	ret->dir = fd_open_beneath(media->root, ".", O_RDONLY | O_DIRECTORY);
	if (ret->dir < 0)
		return media_open_failed(ret->from, errno);
	for (; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
		char name[MEDIA_NAME_MAX];

		(void)snprintf(
		    name, sizeof(name), "%.*s", (int)(slash - at), at);
		rc = step_into(ret->from, &ret->dir, name);
		if (rc != RC_OK)
			return rc;
	}
	(void)snprintf(ret->name, sizeof(ret->name), "%s", at);
	(void)snprintf(
	    ret->temporary, sizeof(ret->temporary), MEDIA_TEMPORARY "%s", at);
	return RC_OK;
}

/* ---- temporaries --------------------------------------------------------- */

/* Remove a directory's files, but none of its directories: we make no deeper
 * ones, and a stranger's are not ours to walk. */
static void
empty_dir(int dir, const char *name, const char *from)
{
	OWN_FD fd = fd_open_beneath(dir, name, O_RDONLY | O_DIRECTORY);
	WIPED(media_names) names = { 0 };

	if (fd < 0 || media_list_at(fd, from, NULL, false, &names) != RC_OK)
		return;
	for (size_t i = 0; i < names.n; i++)
		(void)unlinkat(fd, names.items[i], 0);
}

/* Remove what lies under the temporary name; the error record stays as it is.
 */
static bool
temporary_remove(const struct write_spot *spot)
{
	struct err_saved saved;
	bool gone;

	if (unlinkat(spot->dir, spot->temporary, 0) == 0 || errno == ENOENT)
		return true;
	err_save(&saved);
	empty_dir(spot->dir, spot->temporary, spot->from);
	err_restore(&saved);
	gone = unlinkat(spot->dir, spot->temporary, AT_REMOVEDIR) == 0;
	return gone || errno == ENOENT;
}

struct media_filling {
	int fd;
	const char *from;
};

static enum rc
media_fill_add(void *arg, struct span piece)
{
	const struct media_filling *f = arg;

	return fd_write_all(f->fd, piece, f->from);
}

/* \param sync  else the caller does it */
static enum rc
file_fill(int dir, const char *name, const char *from,
    const struct media_file *file, bool sync)
{
	OWN_FD fd = -1;
	enum rc rc = file_begin(dir, name, from, &fd);

	if (rc != RC_OK)
		return rc;
	open_to_all(fd, FILE_MODE);
	rc = media_file_give(
	    file, media_fill_add, &(struct media_filling){ fd, from });
	if (rc != RC_OK)
		return rc;
	return sync ? file_end(&fd, NULL, from) : fd_finish(&fd, from);
}

static enum rc
dir_fill(const struct write_spot *spot, const struct load *load)
{
	OWN_FD dir = -1;
	enum rc rc = RC_OK;

	if (mkdirat(spot->dir, spot->temporary, DIR_MODE) != 0)
		return write_failed(spot->from, errno);
	dir =
	    fd_open_beneath(spot->dir, spot->temporary, O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		return media_open_failed(spot->from, errno);
	open_to_all(dir, DIR_MODE);
	for (size_t i = 0; i < load->n && rc == RC_OK; i++)
		rc = file_fill(dir, load->files[i].name, spot->from,
		    &load->files[i], !load->many);
	if (rc != RC_OK)
		return rc;
	return load->many ? fd_sync_all(dir, spot->from)
			  : fd_sync(dir, spot->from);
}

/* ---- renames ------------------------------------------------------------- */

/* Move what lies under `name` out of the way of ours, for good, and say so. */
static enum rc
move_aside(const struct write_spot *spot, const char *name, const char *what,
    struct buf *note)
{
	char bad[SPOT_NAME_MAX];

	for (int i = 1; i <= BAD_MAX; i++) {
		(void)snprintf(bad, sizeof(bad), "%s.bad-%d", spot->name, i);
		if (rename_new(spot->dir, name, bad) == 0) {
			enum rc rc = file_settle(spot->dir, bad, spot->from);

			return rc != RC_OK
				   ? rc
				   : media_note(note, "%s now %s", what, bad);
		}
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
	}
	return err_errno(RC_IO, errno,
	    "%s: %s in the way and cannot be moved to %s", spot->from, name,
	    bad);
}

/* What a crash left there was never finished, and is in the way. What cannot be
 * removed is not all ours: somebody may want to look at it. */
static enum rc
temporary_clear(const struct write_spot *spot, struct buf *note)
{
	if (temporary_remove(spot))
		return RC_OK;
	return move_aside(spot, spot->temporary,
	    "strange files lay where it is made: they are", note);
}

/* The temporary becomes what it was made for. */
static enum rc
media_write_put_in_place(
    const struct write_spot *spot, bool replace, struct buf *note)
{
	struct stat st;
	bool there =
	    fstatat(spot->dir, spot->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	enum rc rc = RC_OK;

	if (there && replace && S_ISREG(st.st_mode))
		return file_put_in_place(
		    spot->dir, spot->temporary, spot->name, 0, spot->from);
	if (there)
		rc = move_aside(
		    spot, spot->name, "other bytes lay there: they are", note);
	if (rc != RC_OK)
		return rc;
	if (rename_new(spot->dir, spot->temporary, spot->name) != 0)
		return write_failed(spot->from, errno);
	return file_settle(spot->dir, spot->name, spot->from);
}

/* ---- what lies there, and whether it is ours ----------------------------- */

/* Is the load what lies in its place? */
static enum rc
read_back(const struct write_spot *spot, const struct load *load,
    bool *ret_same, enum media_reach *reach)
{
	OWN_FD dir = -1;

	if (!load->is_dir)
		return media_back_file(
		    spot->dir, spot->from, load->files, ret_same, reach);
	dir = fd_open_beneath(spot->dir, spot->name, O_RDONLY | O_DIRECTORY);
	if (dir < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return media_open_failed(spot->from, errno);
	*ret_same = false;
	return dir < 0 ? RC_OK
		       : media_back_dir(dir, spot->from, load->files, load->n,
			     ret_same, reach);
}

/* An earlier run may have died between its rename and the sync behind it. */
static enum rc
sync_again(const struct write_spot *spot, const struct load *load)
{
	OWN_FD fd = fd_open_beneath(spot->dir, spot->name,
	    O_RDONLY | O_NONBLOCK | (load->is_dir ? O_DIRECTORY : 0));
	enum rc rc;

	if (fd < 0)
		return media_open_failed(spot->from, errno);
	rc = fd_sync(fd, spot->from);
	return rc != RC_OK ? rc
			   : file_settle(spot->dir, spot->name, spot->from);
}

/* Whatever fails, what lay there before is untouched and the temporary goes. */
static enum rc
write_new(const struct write_spot *spot, const struct load *load, bool replace,
    struct buf *note)
{
	enum rc rc = temporary_clear(spot, note);

	if (rc != RC_OK)
		return rc;
	if (load->is_dir)
		rc = dir_fill(spot, load);
	else
		rc = file_fill(
		    spot->dir, spot->temporary, spot->from, load->files, true);
	if (rc == RC_OK)
		rc = media_write_put_in_place(spot, replace, note);
	if (rc != RC_OK)
		(void)temporary_remove(spot);
	return rc;
}

/* Read first: after a crash the right bytes may lie there already, and then
 * only the syncs are missing. */
static enum rc
media_write_put(const struct write_spot *spot, const struct load *load,
    bool replace, struct buf *note)
{
	enum media_reach reach = REACH_MEDIUM;
	bool same = false;
	enum rc rc = read_back(spot, load, &same, &reach);

	if (rc != RC_OK)
		return rc;
	if (same)
		rc = sync_again(spot, load);
	else
		rc = write_new(spot, load, replace, note);
	if (rc != RC_OK)
		return rc;

	reach = REACH_MEDIUM;
	rc = read_back(spot, load, &same, &reach);
	if (rc != RC_OK)
		return rc;
	if (!same)
		return err_set(RC_IO,
		    "%s: the medium gives back other bytes than were written; do not trust it, take another one",
		    spot->from);
	return media_note_reach(note, reach);
}

enum rc
media_put_file(const struct media *media, const char *path, struct span bytes,
    bool replace, struct buf *ret_note)
{
	WIPED(write_spot) spot = { .dir = -1 };
	struct media_file file = { .bytes = bytes };
	const struct load load = { .files = &file, .n = 1 };
	enum rc rc = media_write_spot_open(media, path, &spot);

	if (rc != RC_OK)
		return rc;
	file.name = spot.name;
	return media_write_put(&spot, &load, replace, ret_note);
}

enum rc
media_put_dir(const struct media *media, const char *path,
    const struct media_file *files, size_t n, struct buf *ret_note)
{
	WIPED(write_spot) spot = { .dir = -1 };
	const struct load load = {
		.files = files,
		.n = n,
		.is_dir = true,
		.many = n >= MANY,
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (!media_name_ok(files[i].name))
			rc = rule_refuse(RULE_MEDIA_NAME,
			    "%s/%s: names are [a-z0-9._-]", path,
			    files[i].name);
	if (rc == RC_OK)
		rc = media_write_spot_open(media, path, &spot);
	if (rc == RC_OK && load.many)
		rc = fresh_name(spot.from, spot.temporary);
	return rc != RC_OK ? rc
			   : media_write_put(&spot, &load, false, ret_note);
}
