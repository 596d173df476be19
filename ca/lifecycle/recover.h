/* SPDX-License-Identifier: Apache-2.0 */
/** What a restored ledger lacks, brought back from those who have it.
 *
 * A history is the work of this CA as a requester kept it. Nothing in it is
 * believed before it is proven: the manifest by a transfer certificate that the
 * CA's key signed, each certificate by its digest in the manifest and by the
 * CA's key, the bundle and the policy by their digests in the manifest. Only
 * then is it given to OpenSSL's X.509 decoder.
 */
#ifndef CA_LIFECYCLE_RECOVER_H
#define CA_LIFECYCLE_RECOVER_H

#include "ca/home/home.h"
#include "transfer/judge/judge.h"
#include "transfer/media/history_set.h"

/** One response of a history, proven. */
struct history_response {
	const struct history_item *item; /* borrowed */
	char from[HISTORY_NAME_MAX + 1]; /* its name, for sentences */
	struct manifest manifest;
	uint8_t digest[SHA256_LEN];
	struct bundle bundle; /* what it answers, if anything */
	bool held;	      /* the ledger has it */
	size_t n_regained;    /* certificates that the ledger lacks */
};
void history_response_wipe(struct history_response *r);

/** Prove one. Rules COSE-, CBOR-, CHANNEL (another CA's, or under a name that is
 * not its own), TRANSFER-CERT, MANIFEST-BUNDLE, MANIFEST-RESULTS, MANIFEST-FILES,
 * CERT-DIGEST, CERT-SIGNATURE, CERT-SERIAL, POLICY-DIGEST. */
enum rc history_prove(const struct trust *trust,
    const struct history_item *item, struct history_response *ret) MUST_CHECK;

/** The histories of this CA on a stick, and what they come to here. */
struct recovery {
	struct ledger *ledger; /* borrowed */
	const struct trust *trust; /* borrowed: the CA, no transfer certificate */
	struct history_response *items; /* owned; as the CA made them, in order */
	size_t n, n_new, n_certs; /* of all; not held; certificates lacking */
	size_t n_others; /* responses of other CAs, passed over */
	struct ledger_restored restored; /* count 0: nobody restored this one */
	uint64_t before;  /* as top, of those imported before this run */
	uint64_t top;	  /* most records that a manifest was made over */
	uint64_t missing; /* at most so many of those are of nobody's history */
};
void recovery_wipe(struct recovery *recovery);

/** Prove all, and hold them against the ledger and each other. Nothing is
 * stored. Rules as above, and FORK, GAP, PREVIOUS, LEDGER-COUNT, ROLLBACK,
 * REGAINED-SERIAL.
 * \retval RC_STATE a policy that was in force is nowhere */
enum rc recovery_plan(struct recovery *recovery,
    const struct history_set *history, const uint8_t ca_id[static SHA256_LEN]) MUST_CHECK;

/** Import what the ledger lacks: one transaction, begun and committed here.
 * `policy` is in force before and after. */
enum rc recovery_store(struct recovery *recovery, int64_t now,
    struct span policy) MUST_CHECK;

#endif
