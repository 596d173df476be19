/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever asks too early asks in vain: a CRL past the CA's end is good for
 * nobody. */
#include "transfer/policy/policy_crl.h"

#include "base/clock.h"
#include "transfer/rule.h"

#include <inttypes.h>

enum rc
policy_crl_check(const char *from, const struct policy *policy,
    const struct crl_request *wish, int64_t now, int64_t ca_ends)
{
	if (wish->count > policy->crl_series_max)
		return rule_refuse(RULE_CRL_SERIES,
		    "%s: %" PRIu32 " CRLs dated ahead; wanted %" PRIu32
		    " at most",
		    from, wish->count, policy->crl_series_max);
	/* Each alone first: their sum could be none. */
	if (wish->period > ca_ends || wish->overlap > ca_ends ||
	    now + (int64_t)wish->count * wish->period + wish->overlap > ca_ends)
		return rule_refuse(RULE_CRL_CA_END,
		    "%s: the last CRL would end after the CA does", from);
	return RC_OK;
}

enum rc
policy_crl_ask_check(const char *from, const struct crl_request *wish)
{
	if (wish->period < DAY || wish->overlap < 2 * HOUR)
		return rule_refuse(RULE_CRL_SERIES,
		    "%s: a CRL every %" PRId64 " s, which lasts %" PRId64
		    " s longer; wanted a day at least, and two hours",
		    from, wish->period, wish->overlap);
	return RC_OK;
}
