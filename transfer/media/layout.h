/* SPDX-License-Identifier: Apache-2.0 */
/** The files of a response, laid out: what the CA writes, and what a requester
 * gives back of it years later (`history`), by the same code. */
#ifndef TRANSFER_MEDIA_LAYOUT_H
#define TRANSFER_MEDIA_LAYOUT_H

#include "transfer/format/payload.h"

#define LAYOUT_CA "ca.pem"
#define LAYOUT_POLICY "policy.conf"
#define LAYOUT_MANIFEST "manifest.cose"
#define LAYOUT_BUNDLE "bundle.cose" /* in a history only: what it answers */

/** Is it a file of the certificates that were asked for? By its ending; the CA's
 * own are not. */
bool layout_is_certs(struct span name);
/** And is it a regular CRL, likewise? */
bool layout_is_crl(struct span name);

struct layout {
	char (*names)[FILE_NAME_MAX + 1]; /* owned */
	struct buf *bytes;		  /* owned; contents, in order */
	size_t n;
};
void layout_wipe(struct layout *layout);

/** A new, empty file at the end. `*ret_bytes` is good until the next one. */
enum rc layout_add(struct layout *layout, const char *name,
    struct buf **ret_bytes) MUST_CHECK;

/** Let go of all but the last one. */
void layout_keep_last(struct layout *layout);

/** Append a certificate as PEM to the file with this name, which is the last one
 * or a new one. */
enum rc layout_add_cert(struct layout *layout, const char *name,
    struct span der) MUST_CHECK;

/** Are these the files that the manifest lists, in order and to the byte?
 * \retval RC_STATE naming the first that is not */
enum rc layout_check(const struct layout *layout, const struct manifest *m)
    MUST_CHECK;

#endif
