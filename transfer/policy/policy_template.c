/* SPDX-License-Identifier: Apache-2.0 */
/* The policy.conf that `init` writes: what goes before and behind the profiles.
 * They are files of their own, in transfer/policy/profiles. */
#include "transfer/policy/policy.h"

#include "base/choice.h"
#include "transfer/policy/shipped.h"
#include "transfer/x509/name_parts.h"

#include <assert.h>

/* The text is for the operator to read and change: each profile says why it is
 * as it is. airgap-policy(5) has every key. */
static const char head[] =
    "# policy.conf: what this CA signs. airgap-policy(5) has every key.\n"
    "#\n"
    "# Lines are OpenSSL configuration syntax, read strictly: a key that is\n"
    "# unknown, stands twice, is missing or out of range stops the CA, with its\n"
    "# line. Durations are digits and one of h, d, w. Every record of the\n"
    "# ledger and every manifest names the SHA-256 of this file; `airgap-ca\n"
    "# policy check` reads it, and `sign` shows when it changed.\n"
    "\n"
    "[ca]\n";

static const char scope_any[] =
    "# Names may lie in any domain. To bind the CA to your own, list them:\n"
    "# scope = example.org, example.net\n"
    "scope = any\n";

static const char scope_comment[] =
    "# Names must lie in these domains or below them. The CA certificate has\n"
    "# the same in its name constraints: more here needs another CA there.\n";

static const char ip_comment[] =
    "# IP addresses that may be named, by profiles whose names have ip.\n";

static const char ip_none[] = "# scope-ip = 192.0.2.0/24, 2001:db8::/32\n";

static const char ca_rest[] =
    "# A notBefore that was not asked for begins this long before signing.\n"
    "backdate = 1h\n"
    "# The clock may be at most this far ahead of the last signing.\n"
    "clock-horizon = 400d\n"
    "# Manifests tell the online side to be back within this time.\n"
    "# next-visit = 365d\n"
    "# crl = 26x7d+3d\n"
    "# crl-series-max = 60\n";

static const char tail[] =
    "\n"
    "# What a requester may ask, when it is less than everything (or sub-ca):\n"
    "# [requester web-1]\n"
    "# profiles = tls-server\n"
    "# scope = web.example.org\n"
    "# revoke = own\n"
    "# emergency = yes\n";

/* In the order in which they are offered and written. */
static const struct profile_offer {
	const char *name, *group; /* a group asks for several; NULL: in none */
} offers[] = {
	{ "tls-server", "tls" },
	{ "tls-client", "tls" },
	{ "xmpp-server", "xmpp" },
	{ "xmpp-client", "xmpp" },
	{ "sub-ca", NULL },
	{ "ocsp-responder", NULL },
};
#define N_OFFERS (sizeof(offers) / sizeof(offers[0]))

static bool
stands_for(const char *asked, const struct profile_offer *o)
{
	return strcmp(asked, o->name) == 0 ||
	       (o->group != NULL && strcmp(asked, o->group) == 0);
}

/* Is it the first of its group? They stand together. */
static bool
opens_group(size_t i)
{
	return offers[i].group != NULL &&
	       (i == 0 || offers[i - 1].group == NULL ||
		   strcmp(offers[i - 1].group, offers[i].group) != 0);
}

/* The groups, then each. */
static const char *
offer_word(const void *table, unsigned i)
{
	(void)table;
	for (size_t j = 0; j < N_OFFERS; j++)
		if (opens_group(j) && i-- == 0)
			return offers[j].group;
	return i < N_OFFERS ? offers[i].name : NULL;
}

static enum rc
check_asked(const struct text_list *profiles)
{
	char wanted[CHOICE_TEXT];

	for (size_t i = 0; i < profiles->n; i++) {
		bool found = false;

		for (size_t j = 0; j < N_OFFERS; j++)
			found =
			    found || stands_for(profiles->items[i], &offers[j]);
		if (!found) {
			choice_write(offer_word, NULL, "", wanted);
			return err_set(RC_USAGE,
			    "\"%s\": no profile; wanted %s", profiles->items[i],
			    wanted);
		}
	}
	return profiles->n != 0 ? RC_OK
				: err_set(RC_USAGE, "no profile was named");
}

static enum rc
add_profile(const struct profile_offer *o, struct buf *out)
{
	const struct shipped_profile *s = shipped_profiles;
	enum rc rc;

	while (s->name != NULL && strcmp(s->name, o->name) != 0)
		s++;
	assert(s->name != NULL); /* an offer without its file */
	rc = buf_add_byte(out, '\n');
	return rc != RC_OK ? rc : buf_add_str(out, s->text);
}

/* A domain as typed, in the form that the file wants. */
static enum rc
add_scope(const char *typed, bool first, struct buf *out)
{
	WIPED(buf) domain = { 0 };
	struct name name = { NAME_DNS, SPAN_NONE };
	enum rc rc = RC_OK;

	if (span_is_ascii(span_str(typed)))
		rc = add_lowered(&domain, span_str(typed));
	else if (!domain_to_ascii(span_str(typed), true, &domain))
		return err_set(RC_USAGE, "scope \"%s\": no domain", typed);
	if (rc != RC_OK)
		return rc;
	name.text = buf_span(&domain);
	if (typed[0] == '*' || name_check("scope", &name) != RC_OK)
		return err_set(RC_USAGE,
		    "scope \"%s\": wanted a domain, which means it and all below",
		    typed);
	if (!first)
		rc = buf_add_str(out, ", ");
	return rc != RC_OK ? rc : buf_add_span(out, buf_span(&domain));
}

static enum rc
add_scopes(const struct text_list *scopes, struct buf *out)
{
	enum rc rc;

	if (scopes->n == 0)
		return buf_add_str(out, scope_any);
	rc = buf_add_str(out, scope_comment);
	if (rc == RC_OK)
		rc = buf_add_str(out, "scope = ");
	for (size_t i = 0; i < scopes->n && rc == RC_OK; i++)
		rc = add_scope(scopes->items[i], i == 0, out);
	return rc != RC_OK ? rc : buf_add_byte(out, '\n');
}

static enum rc
add_ranges(const struct text_list *ranges, struct buf *out)
{
	enum rc rc = buf_add_str(out, ip_comment);

	if (rc == RC_OK && ranges->n == 0)
		return buf_add_str(out, ip_none);
	if (rc == RC_OK)
		rc = buf_add_str(out,
		    "# The CA certificate has the same in its name constraints.\n"
		    "scope-ip = ");
	for (size_t i = 0; i < ranges->n && rc == RC_OK; i++)
		rc = buf_printf(
		    out, "%s%s", i == 0 ? "" : ", ", ranges->items[i]);
	return rc != RC_OK ? rc : buf_add_byte(out, '\n');
}

enum rc
policy_template(const struct text_list *scopes,
    const struct text_list *scope_ip, const struct text_list *profiles,
    struct buf *ret_text)
{
	WIPED(buf) text = { 0 };
	enum rc rc = check_asked(profiles);

	if (rc == RC_OK)
		rc = buf_add_str(&text, head);
	if (rc == RC_OK)
		rc = add_scopes(scopes, &text);
	if (rc == RC_OK)
		rc = add_ranges(scope_ip, &text);
	if (rc == RC_OK)
		rc = buf_add_str(&text, ca_rest);
	for (size_t i = 0; i < N_OFFERS && rc == RC_OK; i++) {
		bool wanted = false;

		for (size_t j = 0; j < profiles->n; j++)
			wanted = wanted ||
				 stands_for(profiles->items[j], &offers[i]);
		if (wanted)
			rc = add_profile(&offers[i], &text);
	}
	if (rc == RC_OK)
		rc = buf_add_str(&text, tail);
	return rc != RC_OK ? rc : buf_add_span(ret_text, buf_span(&text));
}
