/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of policy.conf. Whatever is unknown stops the CA: a key that
 * was misspelled and passed over would be a limit that does not hold. */
#include "transfer/policy/policy.h"

#include "transfer/policy/policy_read.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/policy/config.h"
#include "transfer/rule.h"

#include <stdlib.h>

#define PROFILES_MAX 100
#define REQUESTERS_MAX 100

/* ---- lifetime ------------------------------------------------------------ */

static void
profile_wipe(struct profile *p)
{
	free(p->subject_text);
	name_list_wipe(&p->fixed_names);
	text_list_wipe(&p->srv_services);
	text_list_wipe(&p->scope);
	text_list_wipe(&p->eku);
	for (size_t i = 0; i < p->n_extensions; i++) {
		free(p->extensions[i].name);
		free(p->extensions[i].value);
	}
	free(p->extensions);
	buf_wipe(&p->constraints);
	*p = (struct profile){ .subject_text = NULL };
}

void
policy_wipe(struct policy *policy)
{
	buf_wipe(&policy->text);
	text_list_wipe(&policy->scope);
	text_list_wipe(&policy->scope_ip);
	for (size_t i = 0; i < policy->n_profiles; i++)
		profile_wipe(&policy->profiles[i]);
	free(policy->profiles);
	for (size_t i = 0; i < policy->n_requesters; i++) {
		text_list_wipe(&policy->requesters[i].profiles);
		text_list_wipe(&policy->requesters[i].scope);
	}
	free(policy->requesters);
	*policy = (struct policy){ .scope_any = false };
}

/* ---- look-up ------------------------------------------------------------- */

const struct profile *
policy_profile_get0(const struct policy *policy, struct span name)
{
	for (size_t i = 0; i < policy->n_profiles; i++)
		if (span_eq_str(name, policy->profiles[i].name))
			return &policy->profiles[i];
	return NULL;
}

const struct policy_requester *
policy_requester_get0(const struct policy *policy, struct span label)
{
	for (size_t i = 0; i < policy->n_requesters; i++)
		if (span_eq_str(label, policy->requesters[i].label))
			return &policy->requesters[i];
	return NULL;
}

enum may_revoke
policy_may_revoke(const struct policy *policy, struct span label)
{
	const struct policy_requester *q = policy_requester_get0(policy, label);

	return q == NULL ? MAY_REVOKE_OWN : (enum may_revoke)q->may_revoke;
}

bool
policy_emergency(const struct policy *policy, struct span label)
{
	const struct policy_requester *q = policy_requester_get0(policy, label);

	return q != NULL && q->emergency;
}

/* ---- sections ------------------------------------------------------------ */

/* Each line by its key's reader; a key that is no key of this section, and one
 * that has to be there and is not, are refused. */
static enum rc
read_section(const struct policy_reading *r,
    const struct config_section *section, const struct policy_key *keys,
    void *target)
{
	enum rc rc = RC_OK;

	policy_keys_default(keys, target);
	for (size_t i = 0; i < section->n && rc == RC_OK; i++) {
		const struct config_entry *entry = &section->entries[i];
		const struct policy_key *k = keys;

		while (k->name != NULL && !policy_key_is(k, entry->key))
			k++;
		if (k->name == NULL)
			return config_refuse(r->from, entry->line,
			    "[%.*s] has no key %.*s", SPAN_FMT(section->kind),
			    SPAN_FMT(entry->key));
		rc = policy_key_read(r, k, entry, target);
	}
	for (const struct policy_key *k = keys; k->name != NULL && rc == RC_OK;
	     k++)
		if (k->required && config_entry_get0(section, k->name) == NULL)
			return config_refuse(r->from, section->line,
			    "[%.*s%s%.*s] lacks %s", SPAN_FMT(section->kind),
			    section->name.n != 0 ? " " : "",
			    SPAN_FMT(section->name), k->name);
	return rc;
}

static enum rc
policy_read_ca(struct policy_reading *r, const struct config *config)
{
	const struct config_section *found = NULL;
	enum rc rc;

	for (size_t i = 0; i < config->n; i++)
		if (span_eq_str(config->sections[i].kind, "ca"))
			found = &config->sections[i];
	if (found == NULL || found->name.n != 0)
		return config_refuse(r->from, found == NULL ? 1 : found->line,
		    "there is no section [ca]");
	rc = read_section(r, found, policy_ca_keys, r->policy);
	if (rc == RC_OK && r->policy->crl.count > r->policy->crl_series_max)
		return config_refuse(r->from, found->line,
		    "[ca]: crl has %u CRLs, over crl-series-max, which is %u",
		    r->policy->crl.count, r->policy->crl_series_max);
	return rc;
}

/* Counted before it is read, so that what it has allocated when it fails is
 * released with the rest. */
static enum rc
read_profile(struct policy_reading *r, const struct config_section *section)
{
	struct policy *policy = r->policy;
	struct profile *p;
	enum rc rc;

	if (!format_is_profile(section->name))
		return config_refuse(r->from, section->line,
		    "\"%.*s\": no profile name; wanted [a-z0-9-], at most 32",
		    SPAN_FMT(section->name));
	if (policy->n_profiles == PROFILES_MAX)
		return config_refuse(
		    r->from, section->line, "over %d profiles", PROFILES_MAX);
	rc = LIST_GROW(policy->profiles, policy->n_profiles);
	if (rc != RC_OK)
		return rc;
	p = &policy->profiles[policy->n_profiles++];
	*p = (struct profile){ .subject_text = NULL };
	memcpy(p->name, section->name.p, section->name.n);
	rc = read_section(r, section, policy_profile_keys, p);
	return rc != RC_OK ? rc : policy_profile_check(r, section, p);
}

static enum rc
read_requester(struct policy_reading *r, const struct config_section *section)
{
	struct policy *policy = r->policy;
	struct policy_requester *q;
	enum rc rc;

	if (!format_is_label(section->name))
		return config_refuse(r->from, section->line,
		    "\"%.*s\": no label; wanted [a-z0-9-], at most 63",
		    SPAN_FMT(section->name));
	if (policy->n_requesters == REQUESTERS_MAX)
		return config_refuse(r->from, section->line,
		    "over %d requesters", REQUESTERS_MAX);
	rc = LIST_GROW(policy->requesters, policy->n_requesters);
	if (rc != RC_OK)
		return rc;
	q = &policy->requesters[policy->n_requesters++];
	*q = (struct policy_requester){ 0 };
	memcpy(q->label, section->name.p, section->name.n);
	return read_section(r, section, policy_requester_keys, q);
}

/* What a section refers to comes before it: [ca], then profiles, then
 * requesters, in whatever order the file has them. */
static enum rc
read_sections(struct policy_reading *r, const struct config *config)
{
	enum rc rc = policy_read_ca(r, config);

	for (size_t i = 0; i < config->n && rc == RC_OK; i++) {
		const struct config_section *s = &config->sections[i];

		if (span_eq_str(s->kind, "profile"))
			rc = read_profile(r, s);
		else if (!span_eq_str(s->kind, "requester") &&
			 !(span_eq_str(s->kind, "ca") && s->name.n == 0))
			return config_refuse(r->from, s->line,
			    "[%.*s%s%.*s]: wanted [ca], [profile NAME] or [requester LABEL]",
			    SPAN_FMT(s->kind), s->name.n != 0 ? " " : "",
			    SPAN_FMT(s->name));
	}
	for (size_t i = 0; i < config->n && rc == RC_OK; i++)
		if (span_eq_str(config->sections[i].kind, "requester"))
			rc = read_requester(r, &config->sections[i]);
	if (rc == RC_OK && r->policy->n_profiles == 0)
		return config_refuse(
		    r->from, 1, "there is no section [profile NAME]");
	return rc;
}

enum rc
policy_parse(const char *from, struct span text, struct policy *ret)
{
	WIPED(policy) policy = { .scope_any = false };
	WIPED(config) config = { 0 };
	struct policy_reading r = { from, &policy };
	enum rc rc;

	if (text.n == 0 || text.n > POLICY_FILE_MAX)
		return rule_refuse(RULE_POLICY, "%s: %zu bytes; wanted 1 to %d",
		    from, text.n, POLICY_FILE_MAX);
	rc = buf_add_span(&policy.text, text);
	if (rc == RC_OK)
		rc = sha256(text, policy.digest);
	if (rc == RC_OK)
		rc = config_parse(from, buf_span(&policy.text), &config);
	if (rc == RC_OK)
		rc = read_sections(&r, &config);
	if (rc != RC_OK)
		return rc;
	*ret = policy;
	policy = (struct policy){ .scope_any = false };
	return RC_OK;
}
