/* SPDX-License-Identifier: Apache-2.0 */
/** Our own files: read with a cap, written so that a crash leaves old or new.
 *
 * A path goes with its directory descriptor (AT_FDCWD for none). This is for
 * homes and outputs; what lies on a stick is read by transfer/media/media instead.
 * Every name in an error is the path as given.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/list.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/** Close a descriptor and set it to -1; nothing when it already is. */
void fd_close(int *fd);
#define OWN_FD __attribute__((cleanup(fd_close))) int

/** As openat, going on after EINTR: a medium in user space may give it. */
int fd_openat(int dir, const char *path, int flags, mode_t mode);

/** The same through no link, neither on the way nor at its end, and through none
 * of /proc's ways around everything else. ELOOP where there is one. */
int fd_open_unlinked(int dir, const char *path, int flags);

/** The same without leaving `dir` or what is mounted there: a check of a path and
 * its later use are two moments, and who made the medium owns what lies between.
 * EXDEV where `path` leads out. */
int fd_open_beneath(int dir, const char *path, int flags);

/** Hold an open file or directory until it is closed, without waiting.
 * \retval RC_STATE another process holds it: "FROM: HELD" */
enum rc fd_lock(int fd, const char *from, const char *held) MUST_CHECK;

/** Close what was written, and set it to -1: a network file system may say only
 * now that there is no room. After EINTR it is closed all the same. */
enum rc fd_finish(int *fd, const char *name) MUST_CHECK;

/** Read a regular file of at most `cap` bytes whole. Follows symbolic links.
 * \retval RC_IO      cannot be opened or read, or no memory
 * \retval RC_FORMAT  not a regular file, or larger than `cap` */
enum rc file_read(int dir, const char *path, size_t cap, struct buf *ret_bytes)
    MUST_CHECK;

/** The same of an open file, from where it stands: for who looks at it first. */
enum rc fd_read(int fd, const char *path, size_t cap, struct buf *ret_bytes)
    MUST_CHECK;

/** Write a file that does not exist yet; its mode does not depend on the umask.
 * \retval RC_IO any failure; the temporary file is gone then */
enum rc file_create(int dir, const char *path, struct span bytes, mode_t mode)
    MUST_CHECK;

/** The same, replacing what is there; mode is that of the new file. */
enum rc file_replace(int dir, const char *path, struct span bytes, mode_t mode)
    MUST_CHECK;

/** Make a directory and its parents, as `mkdir -p` (mode for the new ones). */
enum rc dir_make(const char *path, mode_t mode) MUST_CHECK;

/** Open a directory for openat and fsync. The caller closes it. */
enum rc dir_open(int dir, const char *path, int *ret_fd) MUST_CHECK;

/** Open a directory to read its entries, from the first; NULL with errno. Not
 * opendir, which a signal interrupts. The caller closes it. */
DIR *dir_entries(int dir, const char *path);

/** Open the directory that `path` lies in: to lock it, or to sync a rename. */
enum rc file_parent_open(int dir, const char *path, int *ret_fd) MUST_CHECK;

/** The name that `path` ends in: what is behind its last slash. */
const char *file_name(const char *path);

/** Write every byte or say why not (EINTR is carried on from). */
enum rc fd_write_all(int fd, struct span bytes, const char *name) MUST_CHECK;

/** fsync, or say why not. */
enum rc fd_sync(int fd, const char *from) MUST_CHECK;

/** Everything that waits for the file system that `fd` lies on, or say why not: for many files at once, where
 * what others wait for there is little, as on a stick. */
enum rc fd_sync_all(int fd, const char *from) MUST_CHECK;

/* ---- how a file comes to its name -------------------------------------------
 *
 * A name stands for whole bytes: they are written under a temporary name in the
 * same directory and synced, get their name by one rename, and that lasts when
 * file_settle has said so. All who write go through these steps, so that what a
 * power cut leaves is decided here. Names are plain ones within `dir`; `from`
 * is what a sentence begins with.
 */

/** Who may do what with a new file. */
struct file_look {
	mode_t mode;
	bool owned; /* by these, else by us */
	uid_t uid;
	gid_t gid;
};

/** Remove what a run that died left under a temporary name. */
enum rc file_stale_remove(int dir, const char *name, const char *from) MUST_CHECK;

/** Make a file where nothing lies, for us alone until file_end. */
enum rc file_begin(int dir, const char *name, const char *from, int *ret_fd)
    MUST_CHECK;

/** Give it its look (NULL: as it is; on FAT the mode is the mount's), sync and close it: then `*fd` is -1. Where
 * look or sync fails it stays open, and the caller closes it. */
enum rc file_end(int *fd, const struct file_look *look, const char *from)
    MUST_CHECK;

/** What has just got this name by a rename, or was made as a directory, keeps it over a power cut, and on a
 * stick that is pulled now: it is synced itself, and its directory after it. */
enum rc file_settle(int dir, const char *name, const char *from) MUST_CHECK;

/** Rename and settle. \param flags of renameat2: 0 or RENAME_NOREPLACE */
enum rc file_put_in_place(int dir, const char *temporary, const char *name,
    unsigned flags, const char *from) MUST_CHECK;

/** All of them: whatever fails, what lay under the name still does, and the
 * temporary file is gone. */
struct file_write {
	int dir;
	const char *name, *temporary, *from;
	unsigned flags; /* as above */
	struct file_look look;
};
enum rc file_write(const struct file_write *put, struct span bytes) MUST_CHECK;

/** Thousands of files, where an fsync of each would take longer than everything
 * before. They are written under temporary names, all brought to the disk at
 * once, and only then given their names: a name stands for a whole file, and
 * what a crash leaves out is missing. Begins as { .dir = ... }. */
struct file_batch {
	int dir;	       /* borrowed; paths are relative to it */
	struct text_list paths; /* written, still under temporary names */
	bool settled;	       /* they have their names */
};
/** What has no name yet goes: call it while `dir` is open. */
void file_batch_wipe(struct file_batch *batch);

/** Write one; what lies under its temporary name is taken over. The umask takes
 * of `mode` what it likes. */
enum rc file_batch_add(struct file_batch *batch, const char *path,
    struct span bytes, mode_t mode) MUST_CHECK;

/** Give them all their names, replacing what is there. */
enum rc file_batch_settle(struct file_batch *batch, const char *from) MUST_CHECK;

/** The home of a program where none is given: the environment variable (NULL: none),
 * else /var/lib/NAME for root, else $XDG_DATA_HOME/NAME or ~/.local/share/NAME.
 * The path is appended to `*ret_path` with its terminator counted in. */
enum rc home_path(const char *variable, const char *name,
    struct buf *ret_path) MUST_CHECK;

/** Where root's default home of that program is, for who looked at `path` and is
 * not root: a sentence's part, "root's is in ...: for that one, run this as root".
 * False where there is none, or it is `path`. */
#define HOME_ELSEWHERE 256 /* bytes, with the NUL */
bool home_elsewhere(const char *name, const char *path,
    char ret_text[static HOME_ELSEWHERE]);

#endif
