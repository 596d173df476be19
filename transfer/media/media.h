/* SPDX-License-Identifier: Apache-2.0 */
/** The stick: read as if an enemy wrote it, written as if it were dying.
 *
 * Every path is resolved beneath the medium's root by openat2 (no symlinks, no
 * magic links, no mount crossing); only regular files with allowed names within
 * caps are read, each once, into a sealed memfd. Names: [a-z0-9._-], first and
 * last character a letter or digit, at most 100 bytes.
 */
#ifndef TRANSFER_MEDIA_MEDIA_H
#define TRANSFER_MEDIA_MEDIA_H

#include "base/buf.h"
#include "base/file_sink.h"
#include "transfer/format/payload.h"

#define MEDIA_FILES_MAX 10000	     /* of one listing */
#define MEDIA_NAME_MAX 160	     /* room for a name, terminator included */
#define MEDIA_FILE_MAX ((size_t)256 << 20) /* bytes of any file, whatever the cap */

#define MEDIA_BUNDLES_MAX ((size_t)512 << 20) /* bytes of all bundles of a stick */

#define MEDIA_REQUESTS "airgap-ca/requests"
#define MEDIA_RESPONSES "airgap-ca/responses"
#define MEDIA_CARDS "airgap-ca/cards"
#define MEDIA_HISTORY "airgap-ca/history"

struct media {
	char *path; /* as the operator gave it, for errors */
	int root;
};

/** \retval RC_IO not a directory, or cannot be opened */
enum rc media_open(const char *path, struct media *ret) MUST_CHECK;
void media_wipe(struct media *media); /* { 0 } is fine, here and below */

/** Before "there is nothing on it" is said: is the disk behind it still there?
 * \retval RC_IO it was pulled while it was mounted */
enum rc media_check_there(const struct media *media) MUST_CHECK;

/** Is this one name that a stick may carry? */
bool media_name_ok(const char *name);

/** Is it a name that systems leave behind on whatever they mount: one that begins
 * with a dot (macOS), Thumbs.db, "System Volume Information" ...? Nothing of ours is
 * called so, and no listing has them. */
bool media_is_litter(const char *name);

/** The allowed names in a directory of the medium ("." is its root), in byte
 * order; a missing directory has none. What the names stand for is not looked
 * at: media_copy does that. With `suffix` (".cose") other names are passed
 * over. `strict`: a name that is not allowed is an error, else it is left out
 * and the first of those is kept for a word about it. Litter is passed over.
 * \retval RC_FORMAT rule MEDIA-NAME, MEDIA-COUNT, MEDIA-FILE (the directory
 *                   is a link or something else, or on another mount)
 * \retval RC_IO     cannot be read */
struct media_names {
	char (*items)[MEDIA_NAME_MAX];
	size_t n;
	char left_out[256]; /* "": none */
};
void media_names_wipe(struct media_names *names);

/** The refusal of a name in a directory: rule MEDIA-NAME. */
enum rc media_name_refuse(const char *from, const char *name);

enum rc media_list(const struct media *media, const char *dir,
    const char *suffix, bool strict, struct media_names *ret) MUST_CHECK;

/** Copy a regular file of at most `cap` bytes into a sealed memfd, read-only.
 * Nothing but a regular file is ever opened, so a fifo cannot block and a device
 * never hears of us. Rules MEDIA-NAME (a component of `path` is not allowed),
 * MEDIA-FILE (symlink, fifo, device, directory, hard link, other mount),
 * MEDIA-SIZE, MEDIA-CHANGED (grew, shrank or was written while it was read).
 * \retval RC_FORMAT by rule; RC_IO missing, or reading failed */
enum rc media_copy(const struct media *media, const char *path, size_t cap,
    int *ret_memfd) MUST_CHECK;

/** The same for a file that is open already, named `from` in errors. */
enum rc media_copy_fd(const char *from, int fd, size_t cap, int *ret_memfd)
    MUST_CHECK;

/** Bytes that nobody can change any more. */
struct sealed {
	struct span bytes;
	int fd; /* owned; -1 or 0 is none */
};

/** Map a memfd after checking that it is one, has all four seals and at most
 * MEDIA_FILE_MAX bytes; rule READER when not. `fd` is taken over on success and
 * stays the caller's on failure.
 * \retval RC_FORMAT by rule; RC_IO no memory */
enum rc sealed_map(int fd, struct sealed *ret) MUST_CHECK;
void sealed_wipe(struct sealed *sealed);

/** Make a sealed memfd of bytes in memory. \retval RC_IO no memory */
enum rc sealed_make(struct span bytes, int *ret_memfd) MUST_CHECK;

/** Write one file of our own at `path` below the root, making its directories:
 * temporary name, fsync, rename without replacing, fsync, page cache dropped,
 * read back, compared. Same bytes already there: that counts as written, after
 * the same read-back. Others there: with `replace` the file is replaced, else
 * what is there is renamed to NAME.bad-N and said. The temporary name begins
 * with a dot, which no reader takes; one left by a crash goes at the next try,
 * or is renamed to NAME.bad-N too when it holds what is not ours.
 * \param[out] ret_note  appended: how far the read-back reached ("read back from
 *                       the medium", "tmpfs: memory only"), and what was moved
 * \retval RC_IO     full, read-only, failed, or read back differently
 * \retval RC_FORMAT rule MEDIA-FILE: a directory on the way is none */
enum rc media_put_file(const struct media *media, const char *path,
    struct span bytes, bool replace, struct buf *ret_note) MUST_CHECK;

/** A file that was just written at a path that is the operator's own: read it
 * back past the page cache, and append how far that reached.
 * \retval RC_IO it reads back differently, or cannot be read */
enum rc media_back_path(
    const char *path, struct span bytes, struct buf *ret_note) MUST_CHECK;

/** Write a whole directory the same way, under one rename. */
struct media_file {
	const char *name;
	struct span bytes; /* with `give` only their number, in n */
	/* Makes the bytes when they are wanted, for files that are too many or too
	 * large to be held: the same ones each time. NULL: `bytes`. */
	enum rc (*give)(void *arg, size_t i, const struct file_sink *to);
	void *arg;
	size_t i;
};
enum rc media_put_dir(const struct media *media, const char *path,
    const struct media_file *files, size_t n, struct buf *ret_note) MUST_CHECK;

/** What is wrong with one name of a directory; "" is the directory itself. */
enum media_fault { MEDIA_MISSING, MEDIA_OTHER, MEDIA_EXTRA, MEDIA_UNREADABLE };
struct media_faults {
	struct media_fault_at {
		enum media_fault what;
		char name[MEDIA_NAME_MAX]; /* as it lies there: show it escaped */
	} *items; /* owned; none when all is well */
	size_t n;
	bool past_cache; /* what is well was not read from the page cache */
};
void media_faults_wipe(struct media_faults *faults);

/** Does a directory of the medium hold exactly these files with these bytes?
 * They are read past the cache as far as that goes; `ret_note` says how far, as
 * above. What is there but no regular file of one name is other; what cannot be
 * read is a fault too, and keeps nobody from the rest. */
enum rc media_dir_compare(const struct media *media, const char *path,
    const struct media_file *files, size_t n, struct media_faults *ret,
    struct buf *ret_note) MUST_CHECK;

#endif
