/* SPDX-License-Identifier: Apache-2.0 */
/** Signing what was decided: intent, TBS, token, judge, result, in that order.
 *
 * Certificates go in batches. The intents of a batch (serial, digest of the
 * exact TBS, dates) are committed before its first signature is asked for, and
 * in the same commit the results of the batch before. While the token signs one
 * certificate the judge looks at an earlier one and the TBS of a later one is
 * built. A certificate that the judge refuses is void, and its request refused.
 */
#ifndef CA_SIGN_ISSUE_H
#define CA_SIGN_ISSUE_H

#include "ca/cert/tbs.h"
#include "ca/home/keys.h"
#include "ca/intake/intake.h"
#include "ca/ledger/progress.h"

struct issue {
	struct ledger *ledger;
	struct keys *keys;
	struct child *judge; /* judge_open has been called */
	struct span ca_cert; /* DER of the issuer */
	int64_t now;	     /* stamped on every record */
	struct span policy;  /* its text; likewise */
	int sign_seconds;    /* how long one C_Sign may take */
	void (*progress)(void *arg, uint64_t done);
	void *arg;
};

/** Sign every granted certificate of `s` that `done` lacks. Decisions of
 * requests that the judge refused are changed.
 *
 * The ledger must not be in a transaction; afterwards everything is committed,
 * whatever the result. After an error the bundle is open and the same run again
 * goes on from there.
 * \retval RC_TOKEN the token failed or hung
 * \retval RC_STATE, RC_IO the ledger could not be written
 * \retval RC_BUG   rule LINT: we built a TBS that breaks a promise */
enum rc issue_run(const struct issue *issue, const struct submission *s,
    const struct progress *done, struct decisions *decisions) MUST_CHECK;

#endif
