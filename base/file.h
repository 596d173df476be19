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

#include <sys/types.h>

/** Close a descriptor and set it to -1; nothing when it already is. */
void fd_close(int *fd);
#define OWN_FD __attribute__((cleanup(fd_close))) int

/** As openat, going on after EINTR: a medium in user space may give it. */
int fd_openat(int dir, const char *path, int flags, mode_t mode);

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

/** Write a file that does not exist yet: temporary name in the same directory,
 * fsync, rename without replacing, fsync of the directory.
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

/** Open the directory that `path` lies in: to lock it, or to sync a rename. */
enum rc file_parent_open(int dir, const char *path, int *ret_fd) MUST_CHECK;

/** Write every byte or say why not (EINTR is carried on from). */
enum rc fd_write_all(int fd, struct span bytes, const char *name) MUST_CHECK;

/** The home of a program: `option` if not NULL, else the environment variable,
 * else /var/lib/NAME for root, else $XDG_DATA_HOME/NAME or ~/.local/share/NAME.
 * The path is appended to `*ret_path` with its terminator counted in. */
enum rc home_path(const char *option, const char *variable, const char *name,
    struct buf *ret_path) MUST_CHECK;

#endif
