/* SPDX-License-Identifier: Apache-2.0 */
/** Closing a bundle that cannot be finished.
 *
 * What was signed whole is delivered; every other request is refused in the name
 * of the rule ABANDONED, and what was signed of it is void. All of that, and the
 * response, is one commit: before it nothing was closed, after it the response is
 * a stored one like any other. Where the bundle's file is lost there is nobody to
 * answer, and the bundle is only closed.
 */
#ifndef CA_LIFECYCLE_ABANDON_H
#define CA_LIFECYCLE_ABANDON_H

#include "ca/sign/visit.h"
#include "transfer/rule.h"

/** A certificate of the bundle that is not void. */
struct abandon_cert {
	struct intent intent;
	bool is_signed; /* has its result */
	bool is_void;	/* false, but while the ledger is being read */
};

enum abandon_fate {
	FATE_DELIVERED, /* signed whole, and as it was asked for */
	FATE_REFUSED,	/* refused before, and stays so */
	FATE_PART,	/* not signed whole: abandoned */
	FATE_WRONG,	/* signed whole, but the judge refuses it: abandoned */
};

struct abandon_request {
	enum abandon_fate fate;
	uint32_t n_signed;
	enum rule rule; /* of the judge's refusal */
};

struct abandon {
	struct ledger_bundle record;
	struct abandon_cert *certs; /* owned; in the order of their intents */
	size_t n_certs, n_signed;
	struct abandon_request *requests; /* owned; none when it is lost */
	size_t n_requests;
	size_t n_fate[FATE_WRONG + 1];
	struct policy policy; /* under which the bundle was accepted */
};
void abandon_wipe(struct abandon *abandon);

/** Look at a bundle that was accepted and never answered. `bundle` NULL: lost.
 * \retval RC_STATE the ledger speaks of what this bundle does not have */
enum rc abandon_read(struct ledger *ledger, const struct ledger_bundle *record,
    const struct bundle *bundle, struct abandon *ret) MUST_CHECK;

/** Let the judge see each certificate that would be delivered: some of them may be
 * why the bundle cannot be finished. Changes fates; opens the judge for
 * abandon_answer too. */
enum rc abandon_judge(struct visit *v, const struct submission *s,
    struct abandon *abandon) MUST_CHECK;

/** Close it with a response. The transfer key is open.
 * \retval RC_TOKEN, RC_IO, RC_STATE, or the judge's rule: nothing was closed */
enum rc abandon_answer(struct visit *v, const struct submission *s,
    const struct abandon *abandon, struct response *ret) MUST_CHECK;

/** Close it without one. */
enum rc abandon_close(struct ledger *ledger, int64_t now, struct span policy,
    const struct abandon *abandon) MUST_CHECK;

#endif
