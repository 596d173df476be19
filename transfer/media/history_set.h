/* SPDX-License-Identifier: Apache-2.0 */
/** The histories on a stick, taken as one set.
 *
 * A reader turns each `airgap-ca/history/CHANNEL/NUMBER/` into an item of an array,
 * whose form is the table in history_set.c: its name is "CHANNEL/NUMBER", and PEM
 * became DER. It is no file format: it lives between a reader and its parent,
 * which proves what is in it.
 */
#ifndef TRANSFER_MEDIA_HISTORY_SET_H
#define TRANSFER_MEDIA_HISTORY_SET_H

#include "transfer/format/payload.h"
#include "transfer/media/media.h"

#define HISTORY_NAME_MAX 48 /* "0123abcd-4567cdef/000001" and longer numbers */
#define HISTORY_FILES_MAX 65536 /* of all histories of a medium */
#define HISTORY_CRL_MAX ((size_t)16 << 20) /* bytes: a larger one is not given */
#define HISTORY_CERTS_MAX 4194304 /* of a response: the least of them fill it */

/** One response; spans into the set, or into the writer's bytes. */
struct history_item {
	struct span name;
	struct span manifest;
	struct span bundle, policy; /* n 0: none */
	struct span crl; /* n 0: none; as the file has it, not looked into */
	struct span *certs;	    /* owned; DER, in the order of the files */
	size_t n_certs;
};

struct history_set {
	struct history_item *items; /* owned */
	size_t n;
};
void history_set_wipe(struct history_set *history);

/** Append the encoding. \retval RC_IO no memory */
enum rc history_set_write(const struct history_set *history, struct buf *out)
    MUST_CHECK;

/** Read such an array, believing nothing.
 * \retval RC_FORMAT rule READER; RC_IO no memory */
enum rc history_set_read(struct span bytes, struct history_set *ret) MUST_CHECK;

/** Is it the name of a history's directory, or of a response in it? */
bool history_is_channel(const char *name);
bool history_is_number(const char *name);
/** Is it the first, or "CHANNEL/NUMBER"? */
bool history_is_place(const char *name);

#endif
