/* SPDX-License-Identifier: Apache-2.0 */
/** How far a bundle has come, as the ledger tells it.
 *
 * The same reading serves a fresh signing, one that an earlier run left behind,
 * and the manifest: only what was committed counts.
 */
#ifndef CA_LEDGER_PROGRESS_H
#define CA_LEDGER_PROGRESS_H

#include "ca/ledger/ledger.h"

/** One certificate of a request. */
struct slot {
	bool done;
	uint8_t serial[16], digest[SHA256_LEN]; /* of the certificate's DER */
	int64_t not_before, not_after;
};

struct request_progress {
	char *rule, *reason; /* owned; refused when set */
	struct slot *slots;  /* owned; as many as the request's validity has */
	uint32_t n_slots;
};

struct progress {
	struct request_progress *items; /* owned; one per request */
	size_t n;
	struct intent *unfinished; /* owned; neither result nor void */
	size_t n_unfinished;
};
void progress_wipe(struct progress *o);

/** Read what was committed for `record`, whose requests are `bundle`'s.
 * \retval RC_STATE the ledger speaks of a request that the bundle has not */
enum rc progress_read(struct ledger *ledger, const struct ledger_bundle *record,
    const struct bundle *bundle, struct progress *ret) MUST_CHECK;

/** How many certificates are signed, judged and committed. */
uint64_t progress_done(const struct progress *o);

#endif
