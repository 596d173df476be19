/* SPDX-License-Identifier: Apache-2.0 */
/** One response directory of a medium, as the judge wants it: the manifest, and
 * the other files one at a time.
 */
#ifndef TRANSFER_ONLINE_RECEIVE_RESPONSE_DIR_H
#define TRANSFER_ONLINE_RECEIVE_RESPONSE_DIR_H

#include "transfer/judge/judge.h"
#include "transfer/media/media.h"

#define RESPONSE_PATH_MAX 256

struct response_dir {
	const struct media *media;    /* borrowed */
	char path[RESPONSE_PATH_MAX]; /* on the medium */
	struct sealed manifest, file;
	struct media_names names;
	struct span *others; /* owned: the names but the manifest's */
	size_t n_others;
};
void response_dir_wipe(struct response_dir *dir);

/** Take the names and the manifest of the directory `name` among the responses.
 * `ret->path` is set on failure too. \retval RC_FORMAT rule MANIFEST-FILES: it
 * has no manifest; or as media_list and media_copy */
enum rc response_dir_open(const struct media *media, const char *name,
    struct response_dir *ret) MUST_CHECK;

/** The bytes of others[i], until the next call. */
enum rc response_dir_file(struct response_dir *dir, size_t i,
    struct span *ret_bytes) MUST_CHECK;

/** The same piece by piece: what is held of it does not grow with it. */
enum rc response_dir_pieces(struct response_dir *dir, size_t i,
    const struct file_sink *to) MUST_CHECK;

/** Which of others[] it is, for who was told that it is one. \retval RC_IO none */
enum rc response_dir_find(const struct response_dir *dir, struct span name,
    size_t *ret) MUST_CHECK;

#endif
