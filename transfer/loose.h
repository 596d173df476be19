/* SPDX-License-Identifier: Apache-2.0 */
/** Loose CSRs: plain files at a stick's root, taken as one sorted set.
 *
 * A reader turns them into DER and hands them over as one array of
 * [name, csr-der] in rising order of SHA-256(csr-der), none twice. It is no file
 * format: it lives between a reader and its parent.
 */
#ifndef TRANSFER_LOOSE_H
#define TRANSFER_LOOSE_H

#include "base/buf.h"
#include "base/hex.h"

#define LOOSE_MAX 10000 /* CSRs in one set */

struct loose_csr {
	struct span name; /* of its file; the first, if there are several */
	struct span der;
	uint8_t digest[SHA256_LEN]; /* of the DER */
};

struct loose {
	struct loose_csr *items; /* owned; the spans are borrowed */
	size_t n;
};
void loose_wipe(struct loose *loose);

/** Sort, drop what is there twice, and append the encoding. The digests are
 * given. \retval RC_IO no memory */
enum rc loose_write(struct loose *loose, struct buf *out) MUST_CHECK;

/** Read such an array, believing nothing: sizes, names, order. The digests are
 * computed. \retval RC_FORMAT rule READER; RC_IO no memory */
enum rc loose_read(struct span bytes, struct loose *ret) MUST_CHECK;

/** What makes a set the same again: SHA-256 over the sorted CSR digests. */
enum rc loose_digest(const struct loose *loose,
    uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;

#endif
