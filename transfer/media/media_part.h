/* SPDX-License-Identifier: Apache-2.0 */
/** What the media_*.c files share; nobody else includes this.
 *
 * `from` is how an error names the input: medium and path as one text.
 */
#ifndef TRANSFER_MEDIA_MEDIA_PART_H
#define TRANSFER_MEDIA_MEDIA_PART_H

#include "transfer/media/media.h"

#include <sys/stat.h>

#define MEDIA_FROM_MAX 512 /* bytes; a longer text is cut */

/** "MEDIUM/path". */
void media_from(const struct media *media, const char *path,
    char ret_from[static MEDIA_FROM_MAX]);

/** Is each component of `path` an allowed name? Rule MEDIA-NAME. */
enum rc media_path_check(const char *from, const char *path) MUST_CHECK;

/** RC_IO: "FROM: WHAT: why", and what to do where the medium itself failed. */
enum rc media_failed(const char *from, const char *what, int errnum);

/** Say why fd_open_beneath failed: rule MEDIA-FILE or RC_IO. */
enum rc media_open_failed(const char *from, int errnum);

/** Open a regular file with one name for reading; rule MEDIA-FILE otherwise. */
enum rc media_file_open(int dir, const char *path, const char *from,
    int *ret_fd, struct stat *ret) MUST_CHECK;

/** An empty memfd to be filled, and the seals on it once it is. */
enum rc sealed_begin(int *ret_memfd) MUST_CHECK;
enum rc sealed_end(int memfd) MUST_CHECK;

/** How far a read-back reached, best first. */
enum media_reach {
	REACH_MEDIUM, /* nothing of it was in the cache */
	REACH_CACHE,  /* the cache could not be emptied */
	REACH_MEMORY, /* the file system is memory */
};

/** The bytes of a file of ours, held or made, into `add`.
 * \retval RC_BUG they are not as many as was said */
enum rc media_file_give(const struct media_file *file,
    enum rc (*add)(void *arg, struct span piece), void *arg) MUST_CHECK;

/** Are these the bytes of `name` in `dir`? Drops the page cache first, and reads
 * with O_DIRECT where pages stay. What is no regular file is not the same.
 * `*ret_reach` is only ever made worse.
 * \retval RC_IO reading failed */
enum rc media_back_file(int dir, const char *from, const struct media_file *want,
    bool *ret_same, enum media_reach *ret_reach) MUST_CHECK;

/** The same for a directory with exactly these files. */
enum rc media_back_dir(int dir, const char *from, const struct media_file *want,
    size_t n, bool *ret_same, enum media_reach *ret_reach) MUST_CHECK;

/** Append to what the operator is told; "; " between notes. */
enum rc media_note(struct buf *note, const char *fmt, ...)
    PRINTF_LIKE(2, 3) MUST_CHECK;
enum rc media_note_reach(struct buf *note, enum media_reach reach) MUST_CHECK;

/** The order of media_names, for qsort and bsearch. */
int media_by_bytes(const void *a, const void *b);

/** The allowed names in an open directory; see media_list. */
enum rc media_list_at(int dir, const char *from, const char *suffix, bool strict,
    struct media_names *ret) MUST_CHECK;

#endif
