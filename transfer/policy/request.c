/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule on one request that needs no database. Both sides run it, so it
 * takes facts and asks for nothing: time, policy, key and names are
 * arguments. */
#include "transfer/policy/request.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/x509/cidr.h"
#include "transfer/x509/subject_host.h"

/* A notBefore that was asked for may lie this far back: the day on which the
 * stick was on its way. */
#define SERVER_AUTH "1.3.6.1.5.5.7.3.1" /* id-kp-serverAuth */
#define PAST_MAX DAY

struct asking {
	const struct policy *policy;
	const struct policy_requester *requester; /* NULL: the defaults */
	const struct profile *profile;
	const struct ask *ask;
};

/* ---- profile ------------------------------------------------------------- */

static enum rc
check_profile(struct asking *a)
{
	const struct span wanted = a->ask->request->profile;
	bool allowed;

	a->profile = policy_profile_get0(a->policy, wanted);
	if (a->profile == NULL)
		return rule_refuse(RULE_PROFILE_UNKNOWN,
		    "%s: the policy has no profile %.*s", a->ask->from,
		    SPAN_FMT(wanted));
	a->requester = policy_requester_get0(a->policy, a->ask->label);
	/* Of loose CSRs the operator has typed the profile himself. */
	allowed = !a->profile->is_ca || a->ask->label.n == 0;
	if (a->requester != NULL && a->requester->profiles.n != 0) {
		allowed = false;
		for (size_t i = 0; i < a->requester->profiles.n; i++)
			if (span_eq_str(
				wanted, a->requester->profiles.items[i]))
				allowed = true;
	}
	if (!allowed)
		return rule_refuse(RULE_PROFILE_DENIED,
		    "%s: %.*s may not use the profile %s", a->ask->from,
		    SPAN_FMT(a->ask->label), a->profile->name);
	return RC_OK;
}

/* A CA below this one that no verifier would accept is of no use to anybody
 * (RFC 5280 6.1.4 (l)). */
static enum rc
check_path_len(const struct asking *a, const struct ca_window *ca)
{
	const struct profile *p = a->profile;

	if (!p->is_ca || ca->path_len < 0 ||
	    (int64_t)p->path_len < ca->path_len)
		return RC_OK;
	return rule_refuse(RULE_PATH_LEN,
	    "%s: profile %s makes a CA with path length %u; this CA has path length %lld, and wants a smaller one below it",
	    a->ask->from, p->name, p->path_len, (long long)ca->path_len);
}

/* Whoever asks for a longer path than he gets would find out by what his own
 * certificates are refused for. */
static enum rc
check_path_wish(const struct asking *a)
{
	const struct csr_ca_wish *wish = &a->ask->csr_ca;
	const struct profile *p = a->profile;

	if (!p->is_ca || !wish->has_path_len || wish->path_len <= p->path_len)
		return RC_OK;
	return rule_refuse(RULE_SUBCA_PATH,
	    "%s: the CSR asks for a path length of %u%s; profile %s gives %u",
	    a->ask->from, wish->path_len,
	    wish->path_len == CSR_PATH_LEN_MAX ? " or more" : "", p->name,
	    p->path_len);
}

/* The same of names. What is narrower than what the profile gives is not given
 * either: a CA may keep to less by itself. */
static enum rc
check_names_wish(const struct asking *a, const struct ca_window *ca)
{
	const struct csr_ca_wish *wish = &a->ask->csr_ca;
	struct span own = buf_span(&a->profile->constraints);
	struct constraints asked, its = { 0 };
	enum rc rc = RC_OK;
	bool held;

	if (!a->profile->is_ca || wish->constraints.n == 0)
		return RC_OK;
	if (constraints_value_read("CSR", wish->constraints, &asked) != RC_OK)
		return rule_refuse(RULE_SUBCA_NAMES,
		    "%s: the CSR asks for malformed name constraints",
		    a->ask->from);
	if (own.n != 0)
		rc = constraints_value_read(a->profile->name, own, &its);
	if (rc != RC_OK)
		return rc;
	held = constraints_allow(&its, &asked);
	for (size_t i = 0; i < ca->n_above && held; i++)
		held = constraints_allow(&ca->above[i], &asked);
	return held
		   ? RC_OK
		   : rule_refuse(RULE_SUBCA_NAMES,
			 "%s: the CSR asks for name constraints that allow more than profile %s gives",
			 a->ask->from, a->profile->name);
}

/* A certificate whose subject and issuer are one name counts in no path length,
 * and its CRLs would be ours (RFC 5280 6.1); so would those of an old name, for
 * who has that one pinned still. */
static enum rc
check_own_subject(
    const struct asking *a, const struct ca_window *ca, struct span subject)
{
	const struct kin_one *kin = NULL;
	bool same = false;
	enum rc rc = RC_OK;

	if (a->profile->is_ca && ca->subject.n != 0)
		rc = subject_same(subject, ca->subject, &same);
	if (rc == RC_OK && a->profile->is_ca && !same)
		rc = kin_of_subject(&ca->kin, subject, &kin);
	if (rc != RC_OK || (!same && kin == NULL))
		return rc;
	return rule_refuse(RULE_SUBCA_SUBJECT,
	    "the subject is %s; wanted another for a CA below it",
	    same		    ? "that of this CA itself"
	    : kin->whose == KIN_OWN ? "one that this CA had before"
				    : "that of a CA above this one");
}

/* ---- key ----------------------------------------------------------------- */

/* The CA's own key in a subscriber's certificate would let its holder, or a
 * confused verifier, take one for the other. Whoever has got at an old one
 * would be certified by the new one. */
static enum rc
check_own_key(const struct asking *a, const struct ca_window *ca)
{
	static const char *const whose[KIN_WHOSE] = {
		[KIN_OWN] = "one that the CA had before",
		[KIN_TRANSFER] = "an earlier transfer key of the CA",
		[KIN_ABOVE] = "that of a CA above this one",
	};
	const struct key_facts *key = &a->ask->key;
	const struct kin_one *kin = kin_of_key(&ca->kin, key->id);
	const char *what = kin == NULL ? NULL : whose[kin->whose];

	if (memcmp(key->id, ca->key_id, SHA256_LEN) == 0)
		what = "the CA's own";
	else if (memcmp(key->id, ca->transfer_id, SHA256_LEN) == 0)
		what = "the CA's own transfer key";
	return what == NULL ? RC_OK
			    : rule_refuse(RULE_KEY_CA, "%s: the key is %s",
				  a->ask->from, what);
}

static enum rc
request_check_key(const struct asking *a, const struct ca_window *ca)
{
	const struct key_facts *key = &a->ask->key;
	const struct profile *p = a->profile;
	char name[KEY_TYPE_TEXT];
	enum rc rc = check_own_key(a, ca);

	if (rc != RC_OK)
		return rc;
	key_name(key, name);
	if ((p->key_kinds & 1U << key->kind) == 0)
		return rule_refuse(RULE_KEY_POLICY,
		    "%s: a key of type %s, which profile %s does not take",
		    a->ask->from, name, p->name);
	if (key->kind == KEY_RSA &&
	    (key->bits < p->rsa_min || key->bits > p->rsa_max))
		return rule_refuse(RULE_KEY_POLICY,
		    "%s: an RSA key of %u bits; profile %s wants %u to %u",
		    a->ask->from, key->bits, p->name, p->rsa_min, p->rsa_max);
	return RC_OK;
}

/* ---- names --------------------------------------------------------------- */

bool
request_makes_ca(
    const struct policy *policy, const struct cert_request *request)
{
	const struct profile *profile =
	    policy_profile_get0(policy, request->profile);

	return profile != NULL && profile->is_ca;
}

bool
request_wants_csr_names(
    const struct policy *policy, const struct cert_request *request)
{
	const struct profile *profile =
	    policy_profile_get0(policy, request->profile);

	return request->names == NULL && profile != NULL &&
	       (profile->names_from & NAMES_FROM_CSR) != 0;
}

struct names_chosen
request_names(const struct profile *profile, const struct cert_request *request,
    struct names_chosen csr_names)
{
	if (profile != NULL && (profile->names_from & NAMES_FROM_PROFILE) != 0)
		return (struct names_chosen){ profile->fixed_names.items,
			profile->fixed_names.n };
	if (request->names != NULL)
		return (
		    struct names_chosen){ request->names, request->n_names };
	return csr_names;
}

static enum rc
check_source(const struct asking *a)
{
	const struct profile *p = a->profile;

	if (a->ask->request->names != NULL &&
	    (p->names_from & NAMES_FROM_BUNDLE) == 0)
		return rule_refuse(RULE_NAMES_SOURCE,
		    "%s: names given with the request; profile %s %s",
		    a->ask->from, p->name,
		    p->fixed_names.n != 0 ? "has names of its own"
					  : "takes them from the CSR");
	if (a->ask->request->names == NULL &&
	    p->names_from == NAMES_FROM_BUNDLE && p->names_min != 0)
		return rule_refuse(RULE_NAMES_SOURCE,
		    "%s: no names given with the request; profile %s takes none from the CSR",
		    a->ask->from, p->name);
	return RC_OK;
}

static enum rc
choose_names(const struct asking *a, struct grant *grant)
{
	const struct profile *p = a->profile;
	struct names_chosen names = { a->ask->csr_names, a->ask->n_csr_names };
	enum rc rc = check_source(a);

	if (rc != RC_OK)
		return rc;
	if ((p->names_from & NAMES_FROM_CSR) == 0)
		names = (struct names_chosen){ NULL, 0 };
	names = request_names(p, a->ask->request, names);
	grant->names = names.items;
	grant->n_names = names.n;
	if (grant->n_names < p->names_min || grant->n_names > p->names_max)
		return rule_refuse(RULE_NAMES_COUNT,
		    "%s: %zu names; profile %s wants %u to %u", a->ask->from,
		    grant->n_names, p->name, p->names_min, p->names_max);
	return RC_OK;
}

static enum rc
refuse_name(const struct asking *a, enum rule rule, const struct name *name,
    const char *what)
{
	struct span shown = name->text;

	if (shown.n > 256) /* or the sentence would be cut before its end */
		shown.n = 256;
	return rule_refuse(rule, "%s: name %s:%.*s %s", a->ask->from,
	    name_type_text(name->type), SPAN_FMT(shown), what);
}

static enum rc
check_srv_service(const struct asking *a, const struct name *name)
{
	const struct text_list *services = &a->profile->srv_services;
	const uint8_t *dot;
	struct span service;

	if (name->type != NAME_SRV || services->n == 0)
		return RC_OK;
	dot = memchr(name->text.p, '.', name->text.n); /* checked: there */
	service = span_of(name->text.p + 1, (size_t)(dot - name->text.p) - 1);
	for (size_t i = 0; i < services->n; i++)
		if (span_eq_str(service, services->items[i]))
			return RC_OK;
	/* XEP-0368: direct TLS is checked under the same names. */
	if (service.n > 6 && memcmp(service.p, "xmpps-", 6) == 0)
		return refuse_name(a, RULE_NAME_SERVICE, name,
		    "has a service that the profile does not have; direct TLS is named _xmpp-client or _xmpp-server, too");
	return refuse_name(a, RULE_NAME_SERVICE, name,
	    "has a service that the profile does not have");
}

static enum rc
check_type(const struct asking *a, const struct name *name)
{
	if ((a->profile->name_types & 1U << name->type) == 0)
		return refuse_name(a, RULE_NAME_TYPE, name,
		    "is of a type that the profile does not have");
	if (name->type == NAME_DNS && !a->profile->wildcard &&
	    name->text.p[0] == '*')
		return refuse_name(a, RULE_NAME_WILDCARD, name,
		    "is a wildcard, which the profile does not have");
	return check_srv_service(a, name);
}

static bool
in_one_of(const struct name *name, const struct text_list *scopes)
{
	for (size_t i = 0; i < scopes->n; i++)
		if (name_in_scope(name, scopes->items[i]))
			return true;
	return false;
}

static bool
ip_in_scope(const struct policy *policy, const struct name *name)
{
	struct cidr cidr;

	for (size_t i = 0; i < policy->scope_ip.n; i++)
		if (cidr_read(policy->scope_ip.items[i], &cidr) &&
		    cidr_holds(&cidr, name->text))
			return true;
	return false;
}

/* Each narrower scope cuts into the wider one; none widens it. */
static enum rc
check_scope(const struct asking *a, const struct name *name)
{
	const struct policy_requester *q = a->requester;

	if (name->type == NAME_IP)
		return ip_in_scope(a->policy, name)
			   ? RC_OK
			   : refuse_name(a, RULE_NAME_SCOPE, name,
				 "lies outside the CA's scope-ip");
	if (!a->policy->scope_any && !in_one_of(name, &a->policy->scope))
		return refuse_name(
		    a, RULE_NAME_SCOPE, name, "lies outside the CA's scope");
	if (a->profile->scope.n != 0 && !in_one_of(name, &a->profile->scope))
		return refuse_name(a, RULE_NAME_SCOPE, name,
		    "lies outside the profile's scope");
	if (q != NULL && q->scope.n != 0 && !in_one_of(name, &q->scope))
		return refuse_name(a, RULE_NAME_SCOPE, name,
		    "lies outside the requester's scope");
	return RC_OK;
}

enum rc
request_name_check(const char *from, const struct policy *policy,
    const struct profile *profile, const struct name *name)
{
	const struct ask ask = { .from = from };
	const struct asking a = { policy, NULL, profile, &ask };
	enum rc rc = check_type(&a, name);

	return rc != RC_OK ? rc : check_scope(&a, name);
}

/* What the policy allows and the CA's certificate does not, no peer accepts. */
static enum rc
check_bound(
    const struct asking *a, const struct ca_window *ca, const struct name *name)
{
	for (size_t i = 0; i < ca->n_above; i++) {
		const char *what = constraints_fault(&ca->above[i], name);

		if (what != NULL)
			return refuse_name(a, RULE_NAME_SCOPE, name, what);
	}
	return RC_OK;
}

static bool
is_for_servers(const struct profile *p)
{
	return text_list_has(&p->eku, SERVER_AUTH);
}

/* A JID beside a host's name, or in what a server may use, would let a server
 * log in as a person, or a person pose as a server. */
static enum rc
check_mixture(const struct asking *a, const struct grant *grant)
{
	const struct name *jid = NULL;
	bool host = false;

	for (size_t i = 0; i < grant->n_names; i++) {
		const struct name *name = &grant->names[i];

		if (name->type == NAME_XMPP)
			jid = name;
		else if (name_type_is_host(name->type))
			host = true;
	}
	if (jid == NULL || (!host && !is_for_servers(a->profile)))
		return RC_OK;
	return refuse_name(a, RULE_NAME_MIXED, jid,
	    host
		? "stands beside names of hosts; wanted a certificate each"
		: "stands in a profile for servers (serverAuth); wanted one for clients");
}

static enum rc
request_check_names(const struct asking *a, const struct ca_window *ca,
    const struct grant *grant)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < grant->n_names && rc == RC_OK; i++) {
		const struct name *name = &grant->names[i];

		rc = name_check(a->ask->from, name);
		if (rc == RC_OK)
			rc = check_type(a, name);
		if (rc == RC_OK)
			rc = check_scope(a, name);
		if (rc == RC_OK)
			rc = check_bound(a, ca, name);
		for (size_t j = 0; j < i && rc == RC_OK; j++)
			if (name_compare(name, &grant->names[j]) == 0)
				rc = refuse_name(a, RULE_NAME_DUPLICATE, name,
				    "stands twice");
	}
	return rc != RC_OK ? rc : check_mixture(a, grant);
}

/* Verifiers that take a CN for a host's name do it whatever the CA's
 * certificate says of names. One of the names granted is checked as that. */
static enum rc
check_subject_scope(
    const struct asking *a, const struct grant *grant, struct span subject)
{
	struct subject_hosts hosts = subject_hosts_of(subject);
	struct name host = { NAME_DNS, SPAN_NONE };

	while (subject_hosts_take(&hosts, &host.text)) {
		bool granted = a->policy->scope_any;

		for (size_t i = 0; i < grant->n_names && !granted; i++)
			granted = span_eq(grant->names[i].text, host.text);
		if (!granted && !in_one_of(&host, &a->policy->scope))
			return rule_refuse(RULE_SUBJECT,
			    "the subject of profile %s has CN=%.*s, which would be taken for a host's name and lies outside the CA's scope",
			    a->profile->name, SPAN_FMT(host.text));
	}
	return RC_OK;
}

/* A name that is too long for the profile's text, say: found here and not when
 * its certificate is made. */
static enum rc
request_check_subject(const struct asking *a, const struct ca_window *ca,
    const struct grant *grant)
{
	OWN(X509_NAME) *subject = NULL;
	WIPED(buf) der = { 0 };
	enum rc rc = subject_of(a->profile, a->ask->csr_subject, grant->names,
	    grant->n_names, &subject);

	if (rc == RC_OK)
		rc = subject_write(subject, &der);
	if (rc == RC_OK)
		rc = check_own_subject(a, ca, buf_span(&der));
	if (rc == RC_OK)
		rc = check_subject_scope(a, grant, buf_span(&der));
	for (size_t i = 0; i < ca->n_above && rc == RC_OK; i++) {
		const char *what = constraints_subject_fault(&ca->above[i],
		    buf_span(&der), grant->names, grant->n_names);

		if (what != NULL)
			return rule_refuse(RULE_SUBJECT,
			    "%s: the subject that profile %s makes of these names: %s",
			    a->ask->from, a->profile->name, what);
	}
	return rc == RC_OK ? RC_OK : err_in(rc, "%s", a->ask->from);
}

/* ---- validity ------------------------------------------------------------ */

static enum rc
check_series(const struct asking *a)
{
	const struct validity *v = &a->ask->request->validity;
	const struct profile *p = a->profile;

	if (v->count <= 1)
		return RC_OK;
	if (v->count > p->series_max)
		return rule_refuse(RULE_SERIES_MAX,
		    "%s: a series of %u certificates; profile %s has at most %u",
		    a->ask->from, v->count, p->name, p->series_max);
	if (v->overlap < 0 || v->overlap >= v->period)
		return rule_refuse(RULE_SERIES_GAP,
		    "%s: a series whose overlap is not shorter than its period",
		    a->ask->from);
	return RC_OK;
}

/* The overlap counts: it is time during which the key is trusted. */
static enum rc
request_check_length(const struct asking *a)
{
	const struct validity *v = &a->ask->request->validity;
	char asked[DUR_TEXT], most[DUR_TEXT];
	int64_t length = v->period + v->overlap;

	if (length >= 1 && length <= a->profile->validity_max)
		return RC_OK;
	dur_write(length, asked);
	dur_write(a->profile->validity_max, most);
	return rule_refuse(RULE_VALIDITY_MAX,
	    "%s: a certificate valid for %s; profile %s has at most %s",
	    a->ask->from, asked, a->profile->name, most);
}

/* An absent notBefore is moved to the CA's own when the backdate would put it
 * before that: a CA may sign in its first hour. */
static int64_t
first_not_before(
    const struct asking *a, const struct ca_window *ca, int64_t now)
{
	const struct validity *v = &a->ask->request->validity;
	int64_t backdated = now - a->policy->backdate;

	if (v->has_not_before)
		return v->not_before;
	return backdated < ca->not_before && ca->not_before <= now
		   ? ca->not_before
		   : backdated;
}

/* No time that could be asked for would do. */
static enum rc
check_clock_ca(const struct asking *a, const struct ca_window *ca, int64_t now)
{
	char today[CLOCK_TEXT], limit[CLOCK_TEXT];
	bool early = now < ca->not_before;

	if (!early && now <= ca->not_after)
		return RC_OK;
	clock_write(now, today);
	clock_write(early ? ca->not_before : ca->not_after, limit);
	return rule_refuse(RULE_CLOCK_CA,
	    "%s: it is %s by this machine's clock; the CA's certificate is valid %s %s",
	    a->ask->from, today, early ? "from" : "until", limit);
}

static enum rc
request_check_dates(const struct asking *a, const struct ca_window *ca,
    int64_t now, int64_t begin)
{
	const struct validity *v = &a->ask->request->validity;
	int64_t from, end, past = now - a->policy->backdate - PAST_MAX;
	char said[CLOCK_TEXT], limit[CLOCK_TEXT];

	validity_slot(v, begin, 0, &from, &end);
	clock_write(begin, said);
	if (begin < past || end < now) {
		clock_write(begin < past ? past : now, limit);
		clock_write(begin < past ? begin : end, said);
		return rule_refuse(RULE_VALIDITY_PAST,
		    "%s: %s at %s; wanted %s or later", a->ask->from,
		    begin < past ? "begins" : "ends", said, limit);
	}
	if (begin < ca->not_before) {
		clock_write(ca->not_before, limit);
		return rule_refuse(RULE_VALIDITY_CA,
		    "%s: begins at %s, before the CA's own %s", a->ask->from,
		    said, limit);
	}
	validity_slot(v, begin, v->count == 0 ? 0 : v->count - 1, &from, &end);
	clock_write(end, said);
	if (end > ca->not_after) {
		clock_write(ca->not_after, limit);
		return rule_refuse(RULE_VALIDITY_CA,
		    "%s: ends at %s, after the CA's own %s", a->ask->from, said,
		    limit);
	}
	if (end > now + a->profile->horizon) {
		clock_write(now + a->profile->horizon, limit);
		return rule_refuse(RULE_SERIES_HORIZON,
		    "%s: ends at %s, past the horizon of profile %s at %s",
		    a->ask->from, said, a->profile->name, limit);
	}
	return RC_OK;
}

/* ---- all of it ----------------------------------------------------------- */

enum rc
request_check(const struct policy *policy, const struct ca_window *ca,
    int64_t now, const struct ask *ask, struct grant *ret_grant)
{
	struct asking a = { .policy = policy, .ask = ask };
	struct grant grant = { .profile = NULL };
	enum rc rc = check_profile(&a);

	if (rc == RC_OK)
		rc = check_path_len(&a, ca);
	if (rc == RC_OK)
		rc = check_path_wish(&a);
	if (rc == RC_OK)
		rc = check_names_wish(&a, ca);
	if (rc == RC_OK)
		rc = request_check_key(&a, ca);
	if (rc == RC_OK)
		rc = choose_names(&a, &grant);
	if (rc == RC_OK)
		rc = request_check_names(&a, ca, &grant);
	if (rc == RC_OK)
		rc = request_check_subject(&a, ca, &grant);
	if (rc == RC_OK)
		rc = check_series(&a);
	if (rc == RC_OK)
		rc = request_check_length(&a);
	if (rc != RC_OK)
		return rc;
	rc = check_clock_ca(&a, ca, now);
	if (rc != RC_OK)
		return rc;
	grant.profile = a.profile;
	grant.csr_subject = ask->csr_subject;
	grant.not_before = first_not_before(&a, ca, now);
	rc = request_check_dates(&a, ca, now, grant.not_before);
	if (rc == RC_OK)
		*ret_grant = grant;
	return rc;
}
