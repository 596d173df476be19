/* SPDX-License-Identifier: Apache-2.0 */
/** Loose CSRs: plain files at a stick's root, taken as one sorted set.
 *
 * A reader turns them into DER and hands them over as one array, whose form is the
 * table in loose.c, in rising order of SHA-256(DER), none twice. It is no file
 * format: it lives between a reader and its parent.
 */
#ifndef TRANSFER_MEDIA_LOOSE_H
#define TRANSFER_MEDIA_LOOSE_H

#include "transfer/format/payload.h"

#define LOOSE_NAME "loose" /* what a set is called among files */
#define LOOSE_MAX 10000 /* CSRs in one set */
#define LOOSE_ID_LEN 16 /* hex digits */

/** What the names of such files end in; NULL behind the last. */
extern const char *const loose_endings[];

struct loose_csr {
	struct span name; /* of its file; the first, if there are several */
	uint32_t twins;	  /* other files with the same CSR */
	struct span der;
	uint8_t digest[SHA256_LEN]; /* of the DER */
	char id[LOOSE_ID_LEN + 1];  /* the request-id; set by loose_read */
};

struct loose {
	struct loose_csr *items; /* owned; the spans are borrowed */
	size_t n;
};
void loose_wipe(struct loose *loose);

/** Sort and drop what is there twice. The digests are given; sets the ids. */
void loose_sort(struct loose *loose);

/** loose_sort, and append the encoding. \retval RC_IO no memory */
enum rc loose_write(struct loose *loose, struct buf *out) MUST_CHECK;

/** Read such an array, believing nothing: sizes, names, order. The digests are
 * computed. \retval RC_FORMAT rule READER; RC_IO no memory */
enum rc loose_read(struct span bytes, struct loose *ret) MUST_CHECK;

/** The request-id of a CSR: the first hex digits of its digest. */
void loose_id(const uint8_t csr_digest[static SHA256_LEN],
    char ret[static LOOSE_ID_LEN + 1]);

/** What all of a set are asked for: nothing in the CSRs says it. */
struct loose_asked {
	struct span profile;
	const struct name *names; /* in place of the CSR's; n 0: those */
	size_t n_names;
};

/** The set as the requests of a bundle, without dates. Spans point into the set and
 * into `asked`; array and names are owned by the caller, as a bundle owns them. */
enum rc loose_requests(const struct loose *loose,
    const struct loose_asked *asked, struct cert_request **ret) MUST_CHECK;

/** What makes a set the same again: SHA-256 over the sorted CSR digests. */
enum rc loose_digest(const struct loose *loose,
    uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;

#endif
