/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [ca] and [requester LABEL] (airgap-policy(5)). How values of each
 * type are read is in policy_value.c. */
#include "transfer/policy/policy_read.h"

#include "transfer/x509/cidr.h"

bool
policy_key_is(const struct policy_key *key, struct span name)
{
	size_t n = strlen(key->name);

	if (key->name[n - 1] == '.')
		return name.n > n && memcmp(name.p, key->name, n) == 0;
	return span_eq_str(name, key->name);
}

/* ---- [ca] ------------------------------------------------------------------
 */

static enum rc
ca_scope(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct policy *policy = target;

	policy->scope_any = span_eq_str(entry->value, "any");
	if (policy->scope_any)
		return RC_OK;
	return policy_value_domains(r, entry, &policy->scope);
}

static enum rc
ca_scope_ip(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct policy *policy = target;
	struct cidr cidr;
	enum rc rc = policy_value_list(r, entry, &policy->scope_ip);

	for (size_t i = 0; i < policy->scope_ip.n && rc == RC_OK; i++)
		if (!cidr_read(policy->scope_ip.items[i], &cidr))
			return config_refuse(r->from, entry->line,
			    "scope-ip has \"%s\"; wanted ADDRESS/BITS with zeros behind the bits",
			    policy->scope_ip.items[i]);
	return rc;
}

static enum rc
ca_crl(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct policy *policy = target;
	struct crl_request *crl = &policy->crl;
	char text[64] = "";

	if (entry->value.n < sizeof(text))
		memcpy(text, entry->value.p, entry->value.n);
	if (series_read(text, &crl->count, &crl->period, &crl->overlap))
		return RC_OK;
	return config_refuse(r->from, entry->line,
	    "crl = %.*s: wanted NxDUR or NxDUR+DUR, N up to 120",
	    SPAN_FMT(entry->value));
}

/* clang-format off */
const struct policy_key policy_ca_keys[] = {
	{ "scope", POLICY_OWN, .required = true, .own = ca_scope },
	{ "scope-ip", POLICY_OWN, .own = ca_scope_ip },
	{ "backdate", POLICY_DURATION,
	  .at = POLICY_AT(policy, backdate, int64_t),
	  .least = 0, .otherwise = HOUR },
	{ "clock-horizon", POLICY_DURATION,
	  .at = POLICY_AT(policy, clock_horizon, int64_t),
	  .least = DAY, .otherwise = 400 * DAY },
	{ "next-visit", POLICY_DURATION,
	  .at = POLICY_AT(policy, next_visit, int64_t), .least = DAY },
	{ "crl", POLICY_OWN, .own = ca_crl },
	{ "crl-series-max", POLICY_NUMBER,
	  .at = POLICY_AT(policy, crl_series_max, uint32_t),
	  .least = 1, .most = SERIES_MAX, .otherwise = 60 },
	{ 0 },
};
/* clang-format on */

/* ---- [requester LABEL] ------------------------------------------------------
 */

static enum rc
requester_profiles(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct policy_requester *q = target;
	enum rc rc = policy_value_list(r, entry, &q->profiles);

	for (size_t i = 0; i < q->profiles.n && rc == RC_OK; i++)
		if (policy_profile_get0(
			r->policy, span_str(q->profiles.items[i])) == NULL)
			return config_refuse(r->from, entry->line,
			    "profiles has %s, which is no [profile] here",
			    q->profiles.items[i]);
	return rc;
}

/* "yes" and "no" are what it was before any could be given. */
static const char *
revoke_words(unsigned i, uint32_t *ret_value)
{
	static const struct {
		const char *word;
		enum may_revoke right;
	} words[] = {
		{ "own", MAY_REVOKE_OWN },
		{ "yes", MAY_REVOKE_OWN },
		{ "no", MAY_REVOKE_NOTHING },
		{ "any", MAY_REVOKE_ANY },
	};

	if (i >= sizeof(words) / sizeof(*words))
		return NULL;
	*ret_value = words[i].right;
	return words[i].word;
}

/* clang-format off */
const struct policy_key policy_requester_keys[] = {
	{ "profiles", POLICY_OWN, .own = requester_profiles },
	{ "scope", POLICY_DOMAINS,
	  .at = POLICY_AT(policy_requester, scope, struct text_list) },
	{ "revoke", POLICY_ONE,
	  .at = POLICY_AT(policy_requester, may_revoke, uint32_t),
	  .words = revoke_words, .otherwise = MAY_REVOKE_OWN },
	{ "emergency", POLICY_EITHER,
	  .at = POLICY_AT(policy_requester, emergency, bool),
	  .words = policy_yes_words },
	{ 0 },
};
/* clang-format on */
