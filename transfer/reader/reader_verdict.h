/* SPDX-License-Identifier: Apache-2.0 */
/** What the reader finds in CSRs, as it tells its parent; for transfer/reader/reader
 * alone. The form is in transfer/reader/reader_wire.h. */
#ifndef TRANSFER_READER_READER_VERDICT_H
#define TRANSFER_READER_READER_VERDICT_H

#include "transfer/format/cbor_out.h"
#include "transfer/format/payload.h"
#include "transfer/media/csr_files.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/x509/csr.h"

/** Why something failed: what the error record says, until it says more. */
struct reader_error reader_error_now(enum rc rc);

/** What a reader was handed, by the order that came with it. */
struct verdicts_of {
	enum reader_command order;
	struct bundle bundle;	/* or loose CSRs, as if they were one's */
	struct csr_files files; /* of READER_CHECK_FILES and READER_DERS */
};
void verdicts_of_wipe(struct verdicts_of *of);

/** How many requests those are. */
size_t verdicts_of_count(const struct verdicts_of *of);

/** Some verdicts, each one whole item: their number stands in front of them in
 * the record, so they are gathered aside. */
struct verdicts {
	struct buf bytes;
	size_t ends[READER_BATCH];
	size_t n;
};
void verdicts_wipe(struct verdicts *batch);

/** Those on requests `first` .. `end` - 1, or as many of the first of them as
 * are worth a record. \retval RC_IO no memory */
enum rc verdicts_fill(struct verdicts *batch, const struct verdicts_of *of,
    struct key_cache *keys, uint32_t first, uint32_t end) MUST_CHECK;

#endif
