/* SPDX-License-Identifier: Apache-2.0 */
/** One reader for each key of [ca] and [requester] (airgap-policy(5)). */
#include "transfer/policy/policy_read.h"

#include "base/clock.h"
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
			    "scope-ip has \"%s\"; wanted ADDRESS/BITS with "
			    "zeros behind the bits",
			    policy->scope_ip.items[i]);
	return rc;
}

static enum rc
ca_backdate(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct policy *policy = target;

	return policy_value_dur(r, entry, 0, &policy->backdate);
}

static enum rc
ca_clock_horizon(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct policy *policy = target;

	return policy_value_dur(r, entry, DAY, &policy->clock_horizon);
}

static enum rc
ca_next_visit(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct policy *policy = target;

	return policy_value_dur(r, entry, DAY, &policy->next_visit);
}

const struct policy_key policy_ca_keys[] = {
	{ "scope", true, ca_scope },
	{ "scope-ip", false, ca_scope_ip },
	{ "backdate", false, ca_backdate },
	{ "clock-horizon", false, ca_clock_horizon },
	{ "next-visit", false, ca_next_visit },
	{ NULL, false, NULL },
};

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

static enum rc
requester_scope(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct policy_requester *q = target;

	return policy_value_narrower(r, entry, &q->scope);
}

static enum rc
requester_revoke(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct policy_requester *q = target;

	return policy_value_yes(r, entry, &q->may_revoke);
}

const struct policy_key policy_requester_keys[] = {
	{ "profiles", false, requester_profiles },
	{ "scope", false, requester_scope },
	{ "revoke", false, requester_revoke },
	{ NULL, false, NULL },
};
