/* SPDX-License-Identifier: Apache-2.0 */
/** The stick: read as if an enemy wrote it, written as if it were dying.
 *
 * Every path is resolved beneath the medium's root by openat2 (no symlinks, no
 * magic links, no mount crossing); only regular files with allowed names within
 * caps are read, each once, into a sealed memfd. Names: [a-z0-9._-], first and
 * last character a letter or digit, at most 100 bytes.
 */
#ifndef TRANSFER_MEDIA_H
#define TRANSFER_MEDIA_H

#include "base/buf.h"
#include "transfer/format.h"

#define MEDIA_FILES_MAX 10000 /* in one directory */
#define MEDIA_NAME_MAX 160

#define MEDIA_REQUESTS "airgap-ca/requests"
#define MEDIA_RESPONSES "airgap-ca/responses"
#define MEDIA_CARDS "airgap-ca/cards"

struct media {
	char *path; /* as the operator gave it, for errors */
	int root;
};

/** \retval RC_IO not a directory, or cannot be opened */
enum rc media_open(const char *path, struct media *ret) MUST_CHECK;
void media_wipe(struct media *media);

/** The allowed names in a directory of the medium, sorted; a missing directory
 * has none. Rule MEDIA-NAME, MEDIA-COUNT for what is not allowed there.
 * With `suffix` (".cose") other files are passed over. `strict`: anything that
 * is not allowed is an error, else it is left out. */
struct media_names {
	char (*items)[MEDIA_NAME_MAX];
	size_t n;
};
void media_names_wipe(struct media_names *names);
enum rc media_list(const struct media *media, const char *dir,
    const char *suffix, bool strict, struct media_names *ret) MUST_CHECK;

/** Copy a regular file of at most `cap` bytes into a sealed memfd, read-only.
 * Rules MEDIA-FILE (symlink, fifo, device, directory, hard link), MEDIA-SIZE,
 * MEDIA-CHANGED (grew or shrank while it was read).
 * \retval RC_FORMAT by rule; RC_IO reading failed */
enum rc media_copy(const struct media *media, const char *path, size_t cap,
    int *ret_memfd) MUST_CHECK;

/** Map a memfd after checking that it is one and has all four seals. RC_FORMAT
 * rule READER when it is not. Unmap with sealed_wipe. */
struct sealed {
	struct span bytes;
	int fd; /* owned; -1 */
};
enum rc sealed_map(int fd, struct sealed *ret) MUST_CHECK;
void sealed_wipe(struct sealed *sealed);

/** Write one file of our own at `path` below the root, making its directories:
 * temporary name, fsync, rename without replacing, fsync, page cache dropped,
 * read back, compared. Same bytes already there: that counts as written. Others
 * there: with `replace` it is replaced, else renamed to NAME.bad-N and said.
 * \param[out] ret_note  what to tell the operator ("" when nothing)
 * \retval RC_IO full, read-only, failed, or read back differently */
enum rc media_put_file(const struct media *media, const char *path,
    struct span bytes, bool replace, struct buf *ret_note) MUST_CHECK;

/** Write a whole directory the same way, under one rename. */
struct media_file {
	const char *name;
	struct span bytes;
};
enum rc media_put_dir(const struct media *media, const char *path,
    const struct media_file *files, size_t n, struct buf *ret_note) MUST_CHECK;

#endif
