/* SPDX-License-Identifier: Apache-2.0 */
/** A bundle as it was sent, from the store: what was asked is read there, because the
 * store keeps only what it needs to look things up.
 *
 * We signed it, but the CSRs in it may be a stranger's: a reader process parses them.
 */
#ifndef TRANSFER_ONLINE_REQUEST_SENT_H
#define TRANSFER_ONLINE_REQUEST_SENT_H

#include "transfer/format/payload.h"
#include "transfer/reader/reader.h"

/** The one that was opened last; { 0 } to begin with. */
struct sent {
	uint32_t sequence; /* 0: none */
	struct sealed copy;
	struct bundle bundle; /* points into it */
};
void sent_wipe(struct sent *sent);

/** Open another one in its place. */
enum rc sent_open(struct sent *sent, uint32_t sequence, struct span file)
    MUST_CHECK;

/** One of its requests. \retval RC_STATE it has none in this place */
enum rc sent_request(const struct sent *sent, uint32_t place,
    const struct cert_request **ret) MUST_CHECK;

/** What a reader says of its CSR, which is good.
 * \retval RC_FORMAT the rules of csr_read; READER */
enum rc sent_read(const struct sent *sent, struct reader *reader, uint32_t place,
    struct verdict *ret) MUST_CHECK;

#endif
