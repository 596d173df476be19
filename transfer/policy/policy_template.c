/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/policy/policy.h"

#include "transfer/x509/name_parts.h"

/* The text is for the operator to read and change: each profile says why it is
 * as it is. airgap-policy(5) has every key. */
static const char head[] =
    "# policy.conf: what this CA signs. airgap-policy(5) has every key.\n"
    "#\n"
    "# Lines are OpenSSL configuration syntax, read strictly: a key that is\n"
    "# unknown, stands twice, is missing or out of range stops the CA, with "
    "its\n"
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

static const char ca_rest[] =
    "# IP addresses that may be named, by profiles whose names have ip.\n"
    "# scope-ip = 192.0.2.0/24, 2001:db8::/32\n"
    "# A notBefore that was not asked for begins this long before signing.\n"
    "backdate = 1h\n"
    "# The clock may be at most this far ahead of the last signing.\n"
    "clock-horizon = 400d\n"
    "# Manifests tell the online side to be back within this time.\n"
    "# next-visit = 365d\n";

static const char tls_server[] =
    "\n"
    "[profile tls-server]\n"
    "# A server of TLS. The subject is CN= the first name.\n"
    "subject = first-name\n"
    "names = dns\n"
    "wildcard = no\n"
    "key-types = ec-p256, ec-p384, ed25519, rsa\n"
    "rsa-bits-min = 2048\n"
    "rsa-bits-max = 8192\n"
    "keyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = serverAuth\n"
    "validity = 90d\n"
    "validity-max = 398d\n"
    "# A series: post-dated certificates, so that the CA can stay in the "
    "safe.\n"
    "series-max = 24\n"
    "horizon = 800d\n";

static const char tls_client[] =
    "\n"
    "[profile tls-client]\n"
    "# A client of TLS: a host by its name, or a person by address.\n"
    "subject = first-name\n"
    "names = dns, email\n"
    "names-max = 1\n"
    "key-types = ec-p256, ec-p384, ed25519, rsa\n"
    "rsa-bits-min = 2048\n"
    "rsa-bits-max = 8192\n"
    "keyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = clientAuth\n"
    "validity = 90d\n"
    "validity-max = 398d\n"
    "series-max = 24\n"
    "horizon = 800d\n";

static const char xmpp_server[] =
    "\n"
    "[profile xmpp-server]\n"
    "# An XMPP server (RFC 6120 13.7.1.2): SRV names and DNS names of its\n"
    "# domains, the DNS name of its host. No XMPP address: ejabberd fails on "
    "it.\n"
    "subject = CN=XMPP server for %{domain}\n"
    "names = dns, srv\n"
    "srv-services = xmpp-client, xmpp-server\n"
    "wildcard = no\n"
    "key-types = ec-p256, ec-p384, rsa\n"
    "rsa-bits-min = 2048\n"
    "rsa-bits-max = 8192\n"
    "# A key stays with the requester and the name that it was first for.\n"
    "key-reuse = same-names\n"
    "keyUsage = critical, digitalSignature\n"
    "# clientAuth: the same certificate is the client's between servers.\n"
    "extendedKeyUsage = serverAuth, clientAuth\n"
    "validity = 31d\n"
    "validity-max = 100d\n"
    "series-max = 36\n"
    "horizon = 800d\n";

static const char xmpp_client[] =
    "\n"
    "[profile xmpp-client]\n"
    "# A person or device that logs in by certificate: one bare JID. No CN:\n"
    "# under name constraints GnuTLS takes one for a host name.\n"
    "subject = O=%{domain}\n"
    "names = xmpp\n"
    "names-max = 1\n"
    "key-types = ec-p256, ec-p384, rsa\n"
    "rsa-bits-min = 2048\n"
    "rsa-bits-max = 8192\n"
    "key-reuse = same-names\n"
    "keyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = clientAuth\n"
    "validity = 90d\n"
    "validity-max = 398d\n"
    "series-max = 24\n"
    "horizon = 800d\n";

static const char sub_ca[] =
    "\n"
    "[profile sub-ca]\n"
    "# A CA below this one, which signs end entities only. No requester may\n"
    "# use it unless its own section names it under profiles.\n"
    "subject = CN=Subordinate CA %{name}\n"
    "names = dns\n"
    "names-max = 1\n"
    "key-types = ec-p256, ec-p384, rsa\n"
    "rsa-bits-min = 3072\n"
    "rsa-bits-max = 4096\n"
    "keyUsage = critical, digitalSignature, keyCertSign, cRLSign\n"
    "ca = yes\n"
    "validity = 1826d\n"
    "validity-max = 3653d\n";

static const char ocsp_responder[] =
    "\n"
    "[profile ocsp-responder]\n"
    "# Signs OCSP answers for this CA (RFC 6960 4.2.2.2). Clients do not ask\n"
    "# whether it was revoked, so it is short-lived.\n"
    "subject = CN=OCSP responder %{name}\n"
    "names = dns\n"
    "names-max = 1\n"
    "key-types = ec-p256, ec-p384, rsa\n"
    "rsa-bits-min = 2048\n"
    "rsa-bits-max = 4096\n"
    "keyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = OCSPSigning\n"
    "extension.noCheck = ignored\n"
    "validity = 31d\n"
    "validity-max = 100d\n"
    "series-max = 24\n"
    "horizon = 800d\n";

static const char tail[] =
    "\n"
    "# What a requester may ask, when it is less than everything (or sub-ca):\n"
    "# [requester web-1]\n"
    "# profiles = tls-server\n"
    "# scope = web.example.org\n"
    "# revoke = no\n";

static const struct shipped {
	const char *name, *group, *text;
} shipped[] = {
	{ "tls-server", "tls", tls_server },
	{ "tls-client", "tls", tls_client },
	{ "xmpp-server", "xmpp", xmpp_server },
	{ "xmpp-client", "xmpp", xmpp_client },
	{ "sub-ca", NULL, sub_ca },
	{ "ocsp-responder", NULL, ocsp_responder },
};
#define N_SHIPPED (sizeof(shipped) / sizeof(shipped[0]))

static bool
stands_for(const char *asked, const struct shipped *s)
{
	return strcmp(asked, s->name) == 0 ||
	       (s->group != NULL && strcmp(asked, s->group) == 0);
}

static enum rc
check_asked(const struct text_list *profiles)
{
	for (size_t i = 0; i < profiles->n; i++) {
		bool found = false;

		for (size_t j = 0; j < N_SHIPPED; j++)
			found = found ||
				stands_for(profiles->items[i], &shipped[j]);
		if (!found)
			return err_set(RC_USAGE,
			    "\"%s\": no profile; wanted tls, xmpp, tls-server, "
			    "tls-client, xmpp-server, xmpp-client, sub-ca or "
			    "ocsp-responder",
			    profiles->items[i]);
	}
	return profiles->n != 0 ? RC_OK
				: err_set(RC_USAGE, "no profile was named");
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
		    "scope \"%s\": wanted a domain, which means it and all "
		    "below",
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

enum rc
policy_template(const struct text_list *scopes,
    const struct text_list *profiles, struct buf *ret_text)
{
	WIPED(buf) text = { 0 };
	enum rc rc = check_asked(profiles);

	if (rc == RC_OK)
		rc = buf_add_str(&text, head);
	if (rc == RC_OK)
		rc = add_scopes(scopes, &text);
	if (rc == RC_OK)
		rc = buf_add_str(&text, ca_rest);
	for (size_t i = 0; i < N_SHIPPED && rc == RC_OK; i++) {
		bool wanted = false;

		for (size_t j = 0; j < profiles->n; j++)
			wanted = wanted ||
				 stands_for(profiles->items[j], &shipped[i]);
		if (wanted)
			rc = buf_add_str(&text, shipped[i].text);
	}
	if (rc == RC_OK)
		rc = buf_add_str(&text, tail);
	return rc != RC_OK ? rc : buf_add_span(ret_text, buf_span(&text));
}
