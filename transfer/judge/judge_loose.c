/* SPDX-License-Identifier: Apache-2.0 */
/* A response to loose CSRs. Nobody sent a bundle, so no request says which
 * profile was meant: the one that makes the very certificate is looked for in
 * the policy. Who has the CSRs at hand holds each certificate to its CSR's key
 * and names; who has not learns that it is the CA's and nothing else. */
#include "base/own_ssl.h"
#include "transfer/judge/judge_response.h"
#include "transfer/media/loose.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <stdlib.h>

/* ---- requests, and results for them -------------------------------------- */

/* Requests of which only the ids are known. */
static enum rc
requests_of_results(const struct evidence *r, const struct manifest *m,
    struct cert_request **ret)
{
	struct cert_request *all = calloc(m->n_results + 1, sizeof(*all));

	if (all == NULL)
		return err_memory();
	for (size_t i = 0; i < m->n_results; i++) {
		all[i].id = m->results[i].id;
		all[i].profile =
		    r->loose == NULL ? SPAN_NONE : r->loose->asked.profile;
		all[i].validity.count = 1;
	}
	*ret = all;
	return RC_OK;
}

enum rc
judge_loose_requests(
    const struct evidence *r, const struct manifest *m, struct bundle *ret)
{
	const struct loose *set = r->loose->set;
	enum rc rc;

	if (m->has_bundle)
		return rule_refuse(RULE_MANIFEST_BUNDLE,
		    "%s: answers a bundle, not loose CSRs", r->from);
	rc = set == NULL
		 ? requests_of_results(r, m, &ret->requests)
		 : loose_requests(set, &r->loose->asked, &ret->requests);
	if (rc == RC_OK)
		ret->n_requests = set == NULL ? m->n_results : set->n;
	return rc;
}

enum rc
judge_unasked_requests(
    const struct evidence *r, const struct manifest *m, struct bundle *ret)
{
	enum rc rc;

	if (m->n_revocations != 0)
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: %zu results of revocations, and nothing that asked for them",
		    r->from, m->n_revocations);
	for (size_t i = 0; i < m->n_results; i++)
		if (m->results[i].n_certs > SERIES_MAX)
			return rule_refuse(RULE_MANIFEST_RESULTS,
			    "%s: result %zu has %zu certificates", r->from,
			    i + 1, m->results[i].n_certs);
	rc = requests_of_results(r, m, &ret->requests);
	if (rc == RC_OK)
		ret->n_requests = m->n_results;
	return rc;
}

/* In the order of the digests, each once, under the id that follows from it. */
static enum rc
judge_loose_check_result(
    const struct evidence *r, const struct manifest *m, size_t i)
{
	const struct result *result = &m->results[i];
	const struct loose *set = r->loose->set;
	char id[LOOSE_ID_LEN + 1];

	loose_id(result->csr_digest, id);
	if (!span_eq_str(result->id, id) || result->n_certs > 1 ||
	    (i != 0 && memcmp(m->results[i - 1].csr_digest, result->csr_digest,
			   SHA256_LEN) >= 0))
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: result %zu is not as one of loose CSRs is", r->from,
		    i + 1);
	if (set != NULL &&
	    memcmp(set->items[i].digest, result->csr_digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_CSR_DIGEST,
		    "%s: result %zu is for another CSR than %.*s", r->from,
		    i + 1, SPAN_FMT(set->items[i].name));
	if (result->n_certs != 0 && result->certs[0].not_before > m->signed_at)
		return rule_refuse(RULE_CERT_DATES,
		    "%s: result %zu begins after it was signed", r->from,
		    i + 1);
	return RC_OK;
}

enum rc
judge_loose_results(const struct evidence *r, const struct manifest *m)
{
	const struct loose *set = r->loose->set;
	enum rc rc = RC_OK;

	if (m->n_revocations != 0 || m->n_results == 0 ||
	    (set != NULL && set->n != m->n_results))
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: %zu results for loose CSRs, and %zu of revocations",
		    r->from, m->n_results, m->n_revocations);
	if (m->n_changes != 0)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a response to loose CSRs changes no key", r->from);
	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++)
		rc = judge_loose_check_result(r, m, i);
	return rc;
}

/* ---- one certificate ----------------------------------------------------- */

enum rc
judge_loose_facts(const char *from, struct span der, struct span *ret_spki,
    struct span *ret_subject, struct name_list *ret_names)
{
	OWN(GENERAL_NAMES) *san = NULL;
	struct cert_parts parts;
	OWN(X509) *cert = NULL;
	enum rc rc = cert_parts_read(from, der, &parts);

	if (rc != RC_OK)
		return rc;
	cert = cert_of_der(der);
	if (cert == NULL)
		return rule_refuse(RULE_CERT_FORM, "%s: no certificate", from);
	san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	if (san != NULL)
		rc = names_of_san(from, san, ret_names);
	if (rc != RC_OK)
		return rc;
	*ret_spki = parts.spki;
	*ret_subject = parts.subject;
	return RC_OK;
}

/* Names from where the profile does not take them are none. Without the CSRs at
 * hand nobody can tell where they are from. */
static enum rc
try_names(
    const struct profile *p, const struct loose_try *try, struct expected *e)
{
	const bool given = try->asked->names != NULL;
	const uint32_t from = given ? NAMES_FROM_BUNDLE : NAMES_FROM_CSR;

	if (!given && try->no_csr_names && (p->names_from & from) != 0)
		return rule_refuse(RULE_CERT_NAMES,
		    "%s: the CSR has names that are refused, and the profile %s takes them",
		    e->from, p->name);
	if (!given && p->fixed_names.n != 0) {
		e->names = p->fixed_names.items;
		e->n_names = p->fixed_names.n;
	} else if (try->terms != NULL && (p->names_from & from) == 0) {
		e->n_names = 0;
	}
	return RC_OK;
}

/* Under one profile: its own validity, and names from where it takes them. */
static enum rc
try_profile(struct judge *judge, const struct profile *p, struct span der,
    const struct loose_try *try, struct judged *judged)
{
	const struct cert_entry *entry = judged->entry;
	struct expected e = *try->expected;
	enum rc rc = try_names(p, try, &e);

	if (rc != RC_OK)
		return rc;
	e.profile = span_str(p->name);
	if (try->terms == NULL
		? entry->not_after - entry->not_before + 1 > p->validity_max
		: entry->not_after - entry->not_before + 1 != p->validity)
		return rule_refuse(RULE_CERT_DATES,
		    "%s: is not valid as long as the profile %s has it", e.from,
		    p->name);
	judged->names = e.names;
	judged->n_names = e.n_names;
	try->asked->profile = e.profile;
	try->asked->validity.period = entry->not_after - entry->not_before + 1;
	return judge_certificate_subject(
	    judge, der, entry->digest, &e, &judged->subject);
}

/* A wrong key or signature is wrong under every profile: that is worth telling,
 * and not that another profile would have other extensions. */
static bool
tells_more(const struct profile *p)
{
	enum rule rule = rule_spoken();

	return rule != RULE_CERT_PROFILE && rule != RULE_CERT_DATES &&
	       ((p->names_from & NAMES_FROM_CSR) != 0 ||
		   rule != RULE_CERT_NAMES);
}

static bool
has_names(const struct expected *e, const struct name_list *names)
{
	bool same = e->n_names == names->n;

	for (size_t i = 0; same && i < names->n; i++)
		same = name_compare(&e->names[i], &names->items[i]) == 0;
	return same;
}

/* Under no profile: most likely because the operator gave it names, which this
 * side was not told. */
static enum rc
refuse_fit(struct span der, const struct loose_try *try)
{
	const struct expected *e = try->expected;
	WIPED(name_list) names = { 0 };
	struct span spki, subject;
	enum rc rc;

	if (try->terms != NULL && try->terms->set != NULL) {
		rc = judge_loose_facts(e->from, der, &spki, &subject, &names);
		if (rc != RC_OK)
			return rc;
		if (!has_names(e, &names))
			return rule_refuse(RULE_CERT_NAMES,
			    "%s: has other names than %s", e->from,
			    try->asked->names == NULL
				? "its CSR; those that the CA was given by --name are wanted here, too"
				: "those that are given for it");
	}
	return rule_refuse(
	    RULE_CERT_PROFILE, "%s: fits no profile of the policy", e->from);
}

enum rc
judge_loose_certificate(struct judge *judge, struct span der,
    const struct loose_try *try, struct judged *judged)
{
	const struct policy *policy = judge->policy;
	const struct span wanted =
	    try->terms == NULL ? SPAN_NONE : try->terms->asked.profile;
	enum rc first = RC_OK;
	struct err_saved said;
	bool told = false;

	for (size_t i = 0; i < policy->n_profiles; i++) {
		const struct profile *p = &policy->profiles[i];
		enum rc rc;

		if (wanted.n != 0 && !span_eq_str(wanted, p->name))
			continue;
		rc = try_profile(judge, p, der, try, judged);
		if (rc == RC_OK || rule_spoken() == RULE_NONE)
			return rc;
		if (told || (wanted.n == 0 && !tells_more(p)))
			continue;
		told = true;
		first = rc;
		err_save(&said);
	}
	if (!told)
		return refuse_fit(der, try);
	err_restore(&said);
	return first;
}
