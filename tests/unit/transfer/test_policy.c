/* SPDX-License-Identifier: Apache-2.0 */
/* policy.conf: what is read, and that nothing else is. */
#include "transfer/policy/policy.h"

#include "base/clock.h"
#include "base/file.h"
#include "tests/lib/check.h"
#include "transfer/policy/policy_read.h"
#include "transfer/policy/shipped.h"
#include "transfer/x509/succession.h"

#include <fcntl.h>
#include <glob.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define CA "[ca]\nscope = example.org\n"
#define MUST \
	"subject = first-name\nnames = dns\nkey-types = ec-p256\n" \
	"keyUsage = critical, digitalSignature\n" \
	"extendedKeyUsage = serverAuth\nvalidity = 30d\nvalidity-max = 90d\n"
#define PROFILE "[profile p]\n" MUST
#define LEAST CA PROFILE
#define PROFILES "transfer/policy/profiles/"

static enum rc
parse(const char *text, struct policy *ret)
{
	return policy_parse("policy.conf", span_str(text), ret);
}

static void
the_least_policy_has_the_documented_defaults(void **state)
{
	WIPED(policy) policy = { .scope_any = false };
	const struct profile *p;

	(void)state;
	check_ok(parse(LEAST, &policy));
	assert_int_equal(policy.backdate, 3600);
	assert_int_equal(policy.clock_horizon, 400 * DAY);
	assert_int_equal(policy.crl.count, 0);
	assert_int_equal(policy.crl_series_max, 60);
	assert_int_equal(policy.next_visit, 0);
	assert_int_equal(policy.scope_ip.n, 0);
	assert_false(policy.scope_any);
	p = policy_profile_get0(&policy, span_str("p"));
	assert_non_null(p);
	assert_int_equal(p->names_min, 1);
	assert_int_equal(p->names_max, 100);
	assert_int_equal(p->names_from, NAMES_FROM_CSR | NAMES_FROM_BUNDLE);
	assert_false(p->wildcard || p->is_ca);
	assert_int_equal(p->rsa_min, 2048);
	assert_int_equal(p->rsa_max, 8192);
	assert_int_equal(p->key_reuse, KEY_REUSE_REQUESTER);
	assert_int_equal(p->series_max, 1);
	assert_int_equal(p->horizon, 400 * DAY);
	assert_null(policy_profile_get0(&policy, span_str("q")));
	assert_null(policy_requester_get0(&policy, span_str("web-1")));
}

static void
every_key_is_read(void **state)
{
	WIPED(policy) policy = { .scope_any = false };
	const struct policy_requester *q;
	const struct profile *p;

	(void)state;
	check_ok(parse(
	    "# comment\n\n  [ca]  # comment\n"
	    "scope=example.org ,example.net# comment\n"
	    "scope-ip = 192.0.2.0/24, 2001:db8::/32\n"
	    "backdate = 0h\nclock-horizon = 2w\nnext-visit = 30d\n"
	    "crl = 26x7d+3d\ncrl-series-max = 26\n"
	    "[ profile full ]\n"
	    "subject = O=%{domain}\nnames = dns, srv, ip\n"
	    "names-min = 2\nnames-max = 9\nnames-from = bundle\n"
	    "wildcard = yes\nsrv-services = xmpp-client\n"
	    "scope = www.example.org\n"
	    "key-types = rsa, ed25519\n"
	    "rsa-bits-min = 3072\nrsa-bits-max = 3744\n"
	    "key-reuse = same-names\n"
	    "keyUsage = critical, digitalSignature, decipherOnly\n"
	    "extendedKeyUsage = serverAuth, 1.2.3.4\n"
	    "validity = 24h\nvalidity-max = 2d\nseries-max = 120\n"
	    "horizon = 3d\n"
	    "extension.tlsfeature = status_request\n"
	    "[profile ca]\nsubject = CN=x\nnames = none\n"
	    "key-types = ec-p384\nkeyUsage = critical, keyCertSign, cRLSign\n"
	    "ca = yes\npath-len = 1\nvalidity = 52w\n"
	    "validity-max = 520w\n"
	    "[requester web-1]\nprofiles = full, ca\n"
	    "scope = web.example.org\nrevoke = no\nemergency = yes",
	    &policy));
	assert_int_equal(policy.scope.n, 2);
	assert_string_equal(policy.scope.items[1], "example.net");
	assert_string_equal(policy.scope_ip.items[1], "2001:db8::/32");
	assert_int_equal(policy.backdate, 0);
	assert_int_equal(policy.clock_horizon, 14 * DAY);
	assert_int_equal(policy.next_visit, 30 * DAY);
	assert_int_equal(policy.crl.count, 26);
	assert_int_equal(policy.crl.period, 7 * DAY);
	assert_int_equal(policy.crl.overlap, 3 * DAY);
	assert_int_equal(policy.crl_series_max, 26);
	p = policy_profile_get0(&policy, span_str("full"));
	assert_int_equal(p->key_reuse, KEY_REUSE_NAMES);
	assert_string_equal(p->subject_text, "O=%{domain}");
	assert_int_equal(
	    p->name_types, 1 << NAME_DNS | 1 << NAME_SRV | 1 << NAME_IP);
	assert_int_equal(p->names_from, NAMES_FROM_BUNDLE);
	assert_string_equal(p->srv_services.items[0], "xmpp-client");
	assert_int_equal(p->key_kinds, 1 << KEY_RSA | 1 << KEY_ED25519);
	assert_int_equal(p->key_usage, KU_DIGITAL_SIGNATURE | KU_DECIPHER_ONLY);
	assert_string_equal(p->eku.items[0], "1.3.6.1.5.5.7.3.1");
	assert_string_equal(p->eku.items[1], "1.2.3.4");
	assert_string_equal(p->extensions[0].name, "tlsfeature");
	assert_string_equal(p->extensions[0].value, "status_request");
	p = policy_profile_get0(&policy, span_str("ca"));
	assert_true(p->is_ca);
	assert_int_equal(p->path_len, 1);
	assert_int_equal(p->names_min, 0);
	assert_int_equal(p->horizon, p->validity_max);
	q = policy_requester_get0(&policy, span_str("web-1"));
	assert_int_equal(q->profiles.n, 2);
	assert_true(policy_emergency(&policy, span_str("web-1")));
	assert_false(policy_emergency(&policy, span_str("web-2")));
	assert_int_equal(q->may_revoke, MAY_REVOKE_NOTHING);
	assert_int_equal(
	    policy_may_revoke(&policy, span_str("web-1")), MAY_REVOKE_NOTHING);
	assert_int_equal(
	    policy_may_revoke(&policy, span_str("web-2")), MAY_REVOKE_OWN);
}

static void
a_requester_revokes_its_own_unless_it_is_said(void **state)
{
	static const struct {
		const char *line;
		enum may_revoke right;
	} rows[] = {
		{ "", MAY_REVOKE_OWN },
		{ "revoke = own\n", MAY_REVOKE_OWN },
		{ "revoke = yes\n", MAY_REVOKE_OWN },
		{ "revoke = no\n", MAY_REVOKE_NOTHING },
		{ "revoke = any\n", MAY_REVOKE_ANY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		WIPED(policy) policy = { 0 };
		char text[1024];

		(void)snprintf(text, sizeof(text),
		    LEAST "[requester web-1]\n%s", rows[i].line);
		check_ok(parse(text, &policy));
		assert_int_equal(policy_may_revoke(&policy, span_str("web-1")),
		    rows[i].right);
	}
}

/* Whatever an extension is called. */
#define TAKEN(name, how) "policy.conf:3: profile p: extension." name ": " how

/* clang-format off */
static const struct {
	const char *text, *sentence;
} bad[] = {
	{ PROFILE, "policy.conf:1: there is no section [ca]" },
	{ CA, "policy.conf:1: there is no section [profile NAME]" },
	{ "scope = a.org\n" LEAST, "policy.conf:1: a line before the first section" },
	{ LEAST "[ca]\n", "policy.conf:11: the section [ca] stands in line 1 already" },
	{ LEAST "[other]\n", "policy.conf:11: [other]: wanted [ca], [profile NAME] or [requester LABEL]" },
	{ LEAST "[profile]\n", "policy.conf:11: \"\": no profile name; wanted [a-z0-9-], at most 32" },
	{ LEAST "[requester A]\n", "policy.conf:11: \"A\": no label; wanted [a-z0-9-], at most 63" },
	{ LEAST "[profile q\n", "policy.conf:11: a section header without its ']'" },
	{ LEAST "colour = blue\n", "policy.conf:11: [profile] has no key colour" },
	{ LEAST "Wildcard = yes\n", "policy.conf:11: [profile] has no key Wildcard" },
	{ LEAST "extension. = x\n", "policy.conf:11: [profile] has no key extension." },
	{ LEAST "names = dns\n", "policy.conf:11: names stands in line 5 already" },
	{ LEAST "wildcard\n", "policy.conf:11: \"wildcard\": wanted key = value" },
	{ LEAST "wildcard =\n", "policy.conf:11: wildcard has no value" },
	{ LEAST "wildcard = # yes\n", "policy.conf:11: wildcard has no value" },
	{ LEAST "wildcard = maybe\n", "policy.conf:11: wildcard = maybe: wanted yes or no" },
	{ LEAST "ca::scope = x\n", "policy.conf:11: \"ca::scope\": no key" },
	{ "[ca]\nbackdate = 1h\n" PROFILE, "policy.conf:1: [ca] lacks scope" },
	{ CA "[profile q]\nsubject = none\n", "policy.conf:3: [profile q] lacks names" },
	/* syntax that OpenSSL would act upon */
	{ LEAST ".include other.conf\n", "policy.conf:11: \".include other.conf\": files are not included here" },
	{ ".pragma dollarid:on\n" LEAST, "policy.conf:1: \".pragma dollarid:on\": files are not included here" },
	{ LEAST "scope = $ENV\n", "policy.conf:11: a '$': variables are not expanded here" },
	{ LEAST "scope = a.example.org,\\\nb.example.org\n", "policy.conf:11: a backslash: nothing is escaped, no line goes on" },
	{ LEAST "scope = \"a\"\n", "policy.conf:11: a quote: write the value as it is" },
	/* characters */
	{ "\xef\xbb\xbf" LEAST, "policy.conf:1: a byte order mark" },
	{ "[ca]\r\n", "policy.conf:1: a carriage return; wanted Unix line ends" },
	{ "# \x1b[2J\n", "policy.conf:1: the control character U+001B in column 3" },
	{ "# \xc2\x9b\n", "policy.conf:1: the control character U+009B in column 3" },
	{ "# \xe2\x80\xae\n", "policy.conf:1: the control character U+202E in column 3" },
	{ "# \xff\n", "policy.conf:1: byte 0xff in column 3: not UTF-8" },
	/* ranges, from just outside */
	{ CA "backdate = 1\n" PROFILE, "policy.conf:3: backdate = 1: wanted digits and one of h, d, w, from 0h to 36525d" },
	{ CA "clock-horizon = 23h\n" PROFILE, "policy.conf:3: clock-horizon = 23h: wanted digits and one of h, d, w, from 1d to 36525d" },
	{ CA "next-visit = 36526d\n" PROFILE, NULL },
	{ CA "next-visit = 1m\n" PROFILE, NULL },
	{ CA "crl = 7d\n" PROFILE, "policy.conf:3: crl = 7d: wanted NxDUR or NxDUR+DUR, N up to 120" },
	{ CA "crl = 121x7d\n" PROFILE, "policy.conf:3: crl = 121x7d: wanted NxDUR or NxDUR+DUR, N up to 120" },
	{ CA "crl = 61x7d\n" PROFILE, "policy.conf:1: [ca]: crl has 61 CRLs, over crl-series-max, which is 60" },
	{ CA "crl-series-max = 121\n" PROFILE, "policy.conf:3: crl-series-max = 121: wanted a number from 1 to 120" },
	{ LEAST "names-max = 0\n", "policy.conf:11: names-max = 0: wanted a number from 1 to 100" },
	{ LEAST "names-max = 101\n", "policy.conf:11: names-max = 101: wanted a number from 1 to 100" },
	{ LEAST "names-max = 01\n", NULL },
	{ LEAST "names-max = -1\n", NULL },
	{ LEAST "series-max = 121\n", "policy.conf:11: series-max = 121: wanted a number from 1 to 120" },
	{ LEAST "rsa-bits-min = 2047\n", "policy.conf:11: rsa-bits-min = 2047: wanted a number from 2048 to 8192" },
	{ LEAST "rsa-bits-max = 8193\n", NULL },
	{ LEAST "rsa-bits-min = 2049\n", "policy.conf:11: rsa-bits-min = 2049: wanted a multiple of 8" },
	{ LEAST "horizon = 89d\n", "policy.conf:3: [profile p]: horizon is under validity-max" },
	{ LEAST "path-len = 1\n", "policy.conf:3: [profile p]: path-len is for ca = yes" },
	{ LEAST "names-min = 3\nnames-max = 2\n", "policy.conf:3: [profile p]: names-min is over names-max" },
	{ LEAST "key-reuse = no\n", "policy.conf:11: key-reuse = no: wanted any, same-requester or same-names" },
	{ LEAST "[requester w]\nrevoke = all\n", "policy.conf:12: revoke = all: wanted own, yes, no or any" },
	{ LEAST "key-reuse = any, same-names\n", "policy.conf:11: key-reuse = any, same-names: wanted any, same-requester or same-names" },
	{ CA "[profile p]\nsubject = O=x\nnames = dns\nnames-min = 0\nkey-types = ec-p256\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\nvalidity = 30d\nvalidity-max = 90d\nkey-reuse = same-names\n", "policy.conf:3: [profile p]: key-reuse = same-names, and names-min is 0" },
	{ CA "[profile p]\nsubject = csr\nnames = dns\nkey-types = ec-p256\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\nvalidity = 1d\nvalidity-max = 1d\n", "policy.conf:3: [profile p]: subject = csr is for ca = yes" },
	{ LEAST "names-min = 0\n", "policy.conf:3: [profile p]: names-min = 0 needs a subject of its own" },
	{ LEAST "srv-services = xmpp\n", "policy.conf:3: [profile p]: srv-services, and no srv names" },
	{ LEAST "srv-services = _xmpp\n", "policy.conf:11: srv-services has \"_xmpp\"; wanted services as xmpp-client, without the underscore" },
	{ LEAST "fixed-names = a.example.org\n", "policy.conf:11: fixed-names has \"a.example.org\": name \"a.example.org\": wanted dns:, srv:, xmpp:, ip:, email: or uri: in front" },
	{ LEAST "fixed-names = dns:a_b.example.org\n", NULL },
	{ LEAST "fixed-names = dns:a.example.net\n", "policy.conf:3: [profile p]: fixed-names: name dns:a.example.net lies outside the CA's scope" },
	{ LEAST "fixed-names = dns:a.example.org\nscope = b.example.org\n", "policy.conf:3: [profile p]: fixed-names: name dns:a.example.org lies outside the profile's scope" },
	{ LEAST "fixed-names = dns:*.example.org\n", "policy.conf:3: [profile p]: fixed-names: name dns:*.example.org is a wildcard, which the profile does not have" },
	{ LEAST "fixed-names = dns:A.example.org, dns:a.example.org\n", "policy.conf:3: [profile p]: fixed-names has a name twice" },
	{ LEAST "fixed-names = ip:192.0.2.1\n", "policy.conf:3: [profile p]: fixed-names has a name of a type that names has not" },
	{ LEAST "fixed-names = dns:a.example.org\nnames-min = 2\n", "policy.conf:3: [profile p]: fixed-names has other than names-min to names-max names" },
	{ LEAST "fixed-names = dns:a.example.org, dns:b.example.org\nnames-max = 1\n", "policy.conf:3: [profile p]: fixed-names has other than names-min to names-max names" },
	{ LEAST "fixed-names = dns:a.example.org\nnames-from = csr\n", "policy.conf:3: [profile p]: fixed-names and names-from: names come from one or the other" },
	{ LEAST "ca = yes\n", "policy.conf:3: [profile p]: ca = yes needs keyCertSign and cRLSign in keyUsage" },
	{ CA "[profile p]\nsubject = csr\nnames = none\nkey-types = ec-p256\nkeyUsage = critical, keyCertSign\nca = yes\nvalidity = 1d\nvalidity-max = 1d\n", "policy.conf:3: [profile p]: ca = yes needs keyCertSign and cRLSign in keyUsage" },
	/* values */
	{ "[ca]\nscope = Example.org\n" PROFILE, "policy.conf:2: scope has \"Example.org\"; wanted domains in lower case and with A-labels (xn--), each of which means it and all below" },
	{ "[ca]\nscope = *.example.org\n" PROFILE, NULL },
	{ "[ca]\nscope = .example.org\n" PROFILE, NULL },
	{ "[ca]\nscope = a.org,,b.org\n" PROFILE, "policy.conf:2: scope = a.org,,b.org: wanted words, separated by commas" },
	{ "[ca]\nscope = a.org, a.org\n" PROFILE, "policy.conf:2: scope has a.org twice" },
	{ CA "scope-ip = 192.0.2.1/24\n" PROFILE, "policy.conf:3: scope-ip has \"192.0.2.1/24\"; wanted ADDRESS/BITS with zeros behind the bits" },
	{ CA "scope-ip = 192.0.2.0\n" PROFILE, NULL },
	{ CA "scope-ip = 192.0.2.0/33\n" PROFILE, NULL },
	{ LEAST "scope = example.net\n", "policy.conf:11: scope has example.net, which is outside the CA's scope" },
	{ LEAST "names-from = disk\n", "policy.conf:11: names-from has \"disk\"; wanted some of csr, bundle" },
	{ LEAST "[requester a]\nprofiles = q\n", "policy.conf:12: profiles has q, which is no [profile] here" },
	{ LEAST "[requester a]\nscope = org\n", "policy.conf:12: scope has org, which is outside the CA's scope" },
	/* extensions */
	{ LEAST "extension.keyUsage = critical, keyCertSign\n", NULL },
	{ LEAST "extension.basicConstraints = CA:TRUE\n", NULL },
	{ LEAST "extension.2.5.29.19 = DER:30030101FF\n", NULL },
	{ LEAST "extension.subjectAltName = DNS:evil.test\n", NULL },
	{ LEAST "extension.nameConstraints = permitted;DNS:a.org\n", "policy.conf:3: [profile p]: extension.nameConstraints is for ca = yes" },
	{ LEAST "extension.X509v3 Name Constraints = DER:3000\n", NULL },
	{ LEAST "extension.2.5.29.30 = DER:3000\n", "policy.conf:3: [profile p]: extension.2.5.29.30 is for ca = yes" },
	{ LEAST "extension.2.5.29.30 = critical, DER:3000\n", "policy.conf:3: [profile p]: extension.2.5.29.30 is for ca = yes" },
	{ LEAST "extension.2.5.29.30 = DER:3007A0053003820161\n", "policy.conf:3: [profile p]: extension.2.5.29.30 is for ca = yes" },
	{ CA "[profile p]\nnames = none\nsubject = CN=x\nkey-types = ec-p256\nkeyUsage = critical, keyCertSign, cRLSign\nca = yes\nvalidity = 1d\nvalidity-max = 1d\nextension.2.5.29.30 = critical, DER:3000\n", "policy.conf:3: [profile p]: extension.nameConstraints: malformed (RFC 5280 4.2.1.10)" },
	{ LEAST "extension.2.5.29.33 = DER:3000\n", "policy.conf:3: [profile p]: extension.2.5.29.33 is for ca = yes" },
	{ LEAST "extension.policyConstraints = inhibitPolicyMapping:0\n", "policy.conf:3: [profile p]: extension.policyConstraints is for ca = yes" },
	{ LEAST "extension.inhibitAnyPolicy = 0\n", "policy.conf:3: [profile p]: extension.inhibitAnyPolicy is for ca = yes" },
	{ LEAST "extension.1.3.6.1.5.5.7.1.14 = DER:3000\n", "policy.conf:3: profile p: extension.1.3.6.1.5.5.7.1.14: not for certificates of ours" },
	{ LEAST "extension.2.5.29.31 = ASN1:NULL\n", "policy.conf:3: profile p: extension.2.5.29.31 = ASN1:NULL: not what that extension has for a value" },
	{ LEAST "extension." SUCCESSION " = DER:0500\n", "policy.conf:3: profile p: extension." SUCCESSION ": marks the CA's own next keys, and is for no profile" },
	{ LEAST "extension.2.5.29.14 = DER:0400\n", TAKEN("2.5.29.14", "is made from the key of the certificate") },
	{ LEAST "extension.2.5.29.15 = DER:03020106\n", TAKEN("2.5.29.15", "is made from the key keyUsage") },
	{ LEAST "extension.2.5.29.17 = DER:3000\n", TAKEN("2.5.29.17", "is made from the names that are granted") },
	{ LEAST "extension.2.5.29.19 = critical, DER:30030101FF\n", TAKEN("2.5.29.19", "is made from the keys ca and path-len") },
	{ LEAST "extension.2.5.29.35 = DER:3000\n", TAKEN("2.5.29.35", "is made from the CA's certificate") },
	{ LEAST "extension.2.5.29.37 = DER:30060604551d2500\n", TAKEN("2.5.29.37", "is made from the key extendedKeyUsage") },
	{ LEAST "extension.2.5.29.019 = DER:30030101FF\n", NULL },
	{ LEAST "extension.tlsfeature = status_request\nextension.1.3.6.1.5.5.7.1.24 = DER:3003020105\n", TAKEN("1.3.6.1.5.5.7.1.24", "stands twice") },
	{ LEAST "extension.proxyCertInfo = language:id-ppl-anyLanguage\n", "policy.conf:11: extension.proxyCertInfo: not for certificates of ours" },
	{ LEAST "extension.tlsfeature = nonsense\n", NULL },
	{ LEAST "extension.certificatePolicies = @section\n", NULL },
};
/* clang-format on */

static void
anything_else_is_refused_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		WIPED(policy) policy = { .scope_any = false };

		if (parse(bad[i].text, &policy) == RC_OK)
			fail_msg("accepted:\n%s", bad[i].text);
		check_refused(
		    parse(bad[i].text, &policy), "POLICY", bad[i].sentence);
		assert_int_equal(strncmp(err_text(), "policy.conf:", 12), 0);
	}
}

/* The lines of a profile changed one at a time: sed for a string. */
static void
check_changed(const char *line, const char *by, const char *sentence)
{
	WIPED(policy) policy = { .scope_any = false };
	const char *at = strstr(LEAST, line);
	char text[2048];

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - LEAST), LEAST,
	    by, at + strlen(line));
	check_refused(parse(text, &policy), "POLICY", sentence);
}

static void
a_profile_cannot_say_what_no_profile_may(void **state)
{
	const char *eku = "extendedKeyUsage = serverAuth";
	const char *ku = "keyUsage = critical, digitalSignature";

	(void)state;
	check_changed(eku, "extendedKeyUsage = anyExtendedKeyUsage",
	    "policy.conf:8: extendedKeyUsage has \"anyExtendedKeyUsage\", "
	    "which no profile may give");
	check_changed(eku, "extendedKeyUsage = 2.5.29.37.0", NULL);
	check_changed(eku, "extendedKeyUsage = " EKU_TRANSFER,
	    "policy.conf:8: extendedKeyUsage has \"" EKU_TRANSFER
	    "\", which no profile may give");
	check_changed(eku, "extendedKeyUsage = serverAuth, 1.3.6.1.5.5.7.3.1",
	    "policy.conf:8: extendedKeyUsage has 1.3.6.1.5.5.7.3.1 twice");
	check_changed(eku, "extendedKeyUsage = serverauth!", NULL);
	check_changed(eku, "",
	    "policy.conf:3: [profile p]: lacks extendedKeyUsage, which all "
	    "but a CA needs");
	check_changed(ku, "keyUsage = critical, keyCertSign",
	    "policy.conf:3: [profile p]: keyCertSign and cRLSign are for ca = "
	    "yes");
	check_changed(ku, "keyUsage = critical, cRLSign", NULL);
	check_changed(ku, "keyUsage = critical, keyEncipherment",
	    "policy.conf:3: [profile p]: keyUsage has nothing for keys that "
	    "are not RSA");
	check_changed(
	    "key-types = ec-p256\nkeyUsage = critical, digitalSignature",
	    "key-types = ec-p256, rsa\nkeyUsage = critical, keyEncipherment",
	    "policy.conf:3: [profile p]: keyUsage has nothing for keys that "
	    "are not RSA");
	check_changed(ku, "keyUsage = digitalSignature",
	    "policy.conf:7: keyUsage = digitalSignature: wanted \"critical, \" "
	    "and at least one usage");
	check_changed(ku, "keyUsage = critical", NULL);
	check_changed("names = dns", "names = ip, dn", NULL);
	check_changed("names = dns", "names = dns, dns",
	    "policy.conf:5: names has dns twice");
	check_changed("ec-p256", "rsa-2048",
	    "policy.conf:6: key-types has \"rsa-2048\"; wanted some of "
	    "ec-p256, ec-p384, ec-p521, ed25519, rsa");
	check_changed("names = dns", "names = dns, host",
	    "policy.conf:5: names has \"host\"; wanted some of dns, srv, "
	    "xmpp, ip, email, uri");
	check_changed("validity = 30d", "validity = 91d",
	    "policy.conf:3: [profile p]: validity is over validity-max");
	check_changed("validity = 30d", "validity = 0h", NULL);
	check_changed("subject = first-name", "subject = Q=x", NULL);
	check_changed("subject = first-name", "subject = CN=%{host}", NULL);
	check_changed(CA, "[ca]\nscope = example.org\n[ca x]\n", NULL);
}

static void
a_nul_is_no_end(void **state)
{
	static const char text[] = LEAST "# \0\n";
	WIPED(policy) policy = { .scope_any = false };

	(void)state;
	check_refused(policy_parse("policy.conf",
			  span_of(text, sizeof(text) - 1), &policy),
	    "POLICY",
	    "policy.conf:11: the control character U+0000 in column 3");
}

/* ---- what init writes ------------------------------------------------------
 */

static void
fill(struct text_list *list, const char *words)
{
	char copy[200], *rest = copy, *word;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			check_ok(text_list_add(list, span_str(word)));
}

static enum rc template(
    const char *scopes, const char *profiles, struct buf *ret) {
	struct text_list s = { 0 }, p = { 0 }, none = { 0 }; enum rc rc;

	fill(&s, scopes);
	fill(&p, profiles);
	rc = policy_template(&s, &none, &p, ret);
	text_list_wipe(&s);
	text_list_wipe(&p);
	return rc;
}

static void
a_template_parses_for_any_choice(void **state)
{
	static const struct {
		const char *profiles;
		size_t n;
	} choices[] = { { "tls", 2 }, { "xmpp", 2 }, { "tls xmpp", 4 },
		{ "tls-server", 1 }, { "tls-client", 1 }, { "xmpp-server", 1 },
		{ "xmpp-client", 1 }, { "sub-ca", 1 }, { "ocsp-responder", 1 },
		{ "tls tls-server sub-ca ocsp-responder", 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		WIPED(buf) text = { 0 };
		WIPED(policy) policy = { .scope_any = false };

		check_ok(template("josefsson.org B\xc3\xbc"
				  "cher.example",
		    choices[i].profiles, &text));
		check_ok(parse(buf_cstr(&text), &policy));
		assert_int_equal(policy.n_profiles, choices[i].n);
		assert_string_equal(
		    policy.scope.items[1], "xn--bcher-kva.example");
	}
}

static void
a_template_without_scope_says_any(void **state)
{
	WIPED(buf) text = { 0 };
	WIPED(policy) policy = { .scope_any = false };

	(void)state;
	check_ok(template("", "tls", &text));
	check_ok(parse(buf_cstr(&text), &policy));
	assert_true(policy.scope_any);
	assert_int_equal(policy.scope.n, 0);
}

static void
a_template_wants_known_profiles_and_domains(void **state)
{
	WIPED(buf) text = { 0 };

	(void)state;
	assert_int_equal(template("a.org", "smtp", &text), RC_USAGE);
	assert_int_equal(template("a.org", "", &text), RC_USAGE);
	assert_int_equal(template("*.a.org", "tls", &text), RC_USAGE);
	assert_int_equal(template("a..org", "tls", &text), RC_USAGE);
	assert_int_equal(text.n, 0);
}

/* Each file of the folder, under its name, byte for byte. */
static void
each_shipped_profile_is_a_file_and_offered(void **state)
{
	WIPED(buf) wanted = { 0 };
	char path[64];
	glob_t found;

	(void)state;
	assert_int_equal(template("a.org", "nope", &wanted), RC_USAGE);
	assert_string_equal(err_text(),
	    "\"nope\": no profile; wanted tls, xmpp, tls-server, tls-client, "
	    "xmpp-server, xmpp-client, sub-ca or ocsp-responder");
	assert_int_equal(glob(PROFILES "*.conf", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const struct shipped_profile *s = &shipped_profiles[i];
		WIPED(buf) file = { 0 };
		WIPED(buf) text = { 0 };

		assert_non_null(s->name);
		(void)snprintf(path, sizeof(path), PROFILES "%s.conf", s->name);
		assert_string_equal(found.gl_pathv[i], path);
		check_ok(file_read(AT_FDCWD, path, 1 << 16, &file));
		assert_true(span_eq_str(buf_span(&file), s->text));
		check_ok(template("a.org", s->name, &text));
		assert_non_null(strstr(buf_cstr(&text), s->text));
	}
	assert_null(shipped_profiles[found.gl_pathc].name);
	globfree(&found);
}

/* ---- the manual
 * -------------------------------------------------------------- */

#define PAGE "docs/man/airgap-policy.5"
#define ITEM "\n.It Cm "

/* What the manual says of a key, from its item to the next. */
static void
item_read(const char *page, const char *heading, const char *key, char *ret,
    size_t size)
{
	char mark[64];
	const char *at, *end;
	size_t n = strlen(key);
	bool prefix = key[n - 1] == '.'; /* "extension.", there and here */

	(void)snprintf(mark, sizeof(mark), "\n.Sh %s\n", heading);
	at = strstr(page, mark);
	assert_non_null(at);
	(void)snprintf(mark, sizeof(mark), ITEM "%.*s%s\n",
	    (int)(prefix ? n - 1 : n), key, prefix ? " Ns .NAME" : "");
	end = strstr(at, "\n.El\n");
	at = strstr(at, mark);
	if (at == NULL || end == NULL || at > end)
		fail_msg("%s: the manual lacks %s", heading, key);
	at += strlen(mark) - 1;
	if (strstr(at, ITEM) != NULL && strstr(at, ITEM) < end)
		end = strstr(at, ITEM);
	assert_true((size_t)(end - at) + 2 < size);
	(void)snprintf(ret, size, "%.*s\n", (int)(end - at), at);
}

static void
check_item(const char *item, const struct policy_key *k, const char *wanted)
{
	if (strstr(item, wanted) == NULL)
		fail_msg("the manual does not say of %s: %s", k->name, wanted);
}

/* The range of a value, as the manual's sentences begin, and the words. */
static void
check_range(const char *item, const struct policy_key *k)
{
	char wanted[128] = "", text[DUR_TEXT] = "0h";
	const char *word;
	uint32_t value;

	if (k->type == POLICY_DURATION && k->least != 0)
		dur_write(k->least, text);
	if (k->type == POLICY_DURATION)
		(void)snprintf(
		    wanted, sizeof(wanted), "\nDuration, %s and up", text);
	else if (k->type == POLICY_NUMBER)
		(void)snprintf(wanted, sizeof(wanted), "\nNumber, %d to %d%s",
		    (int)k->least, (int)k->most,
		    k->step == 8 ? " and a multiple of 8: " : ": ");
	check_item(item, k, wanted);
	for (unsigned i = 0;
	     k->words != NULL && (word = k->words(i, &value)) != NULL; i++) {
		(void)snprintf(wanted, sizeof(wanted), ".Ql %s", word);
		check_item(item, k, wanted);
	}
}

/* What holds otherwise: 0 is told in the manual's own words, but as a number.
 */
static void
check_default(const char *item, const struct policy_key *k)
{
	char wanted[128] = "\nDefault: ";
	size_t n = strlen(wanted);
	const char *word;
	uint32_t value;

	if (k->required) {
		check_item(item, k, "\nMust be given.\n");
		return;
	}
	assert_null(strstr(item, "\nMust be given.\n"));
	if (k->type == POLICY_OWN || k->type == POLICY_DOMAINS)
		return;
	if (k->type == POLICY_NUMBER)
		(void)snprintf(
		    wanted + n, sizeof(wanted) - n, "%d", (int)k->otherwise);
	else if (k->type == POLICY_DURATION && k->otherwise != 0)
		dur_write(k->otherwise, wanted + n);
	for (unsigned i = 0;
	     k->words != NULL && (word = k->words(i, &value)) != NULL; i++)
		if (k->type == POLICY_EITHER ? value == k->otherwise
					     : (value & k->otherwise) != 0)
			(void)snprintf(wanted + strlen(wanted),
			    sizeof(wanted) - strlen(wanted), "%s%s",
			    strlen(wanted) == n ? "" : ", ", word);
	check_item(item, k, wanted);
}

static void
the_manual_has_every_key_and_no_other(void **state)
{
	static const struct {
		const char *heading;
		const struct policy_key *keys;
	} sections[] = {
		{ "THE CA", policy_ca_keys },
		{ "PROFILES", policy_profile_keys },
		{ "REQUESTERS", policy_requester_keys },
	};
	WIPED(buf) bytes = { 0 };
	char item[4096];
	const char *page;
	size_t keys = 0, items = 0;

	(void)state;
	check_ok(file_read(AT_FDCWD, PAGE, 1 << 20, &bytes));
	page = buf_cstr(&bytes);
	for (size_t i = 0; i < 3; i++)
		for (const struct policy_key *k = sections[i].keys;
		     k->name != NULL; k++, keys++) {
			item_read(page, sections[i].heading, k->name, item,
			    sizeof(item));
			check_range(item, k);
			check_default(item, k);
		}
	for (const char *p = page; (p = strstr(p, ITEM)) != NULL; p++)
		items++;
	assert_int_equal(items, keys);
}

static void
the_manuals_example_parses(void **state)
{
	WIPED(policy) policy = { .scope_any = false };
	WIPED(buf) bytes = { 0 };
	const char *begin, *end;

	(void)state;
	check_ok(file_read(AT_FDCWD, PAGE, 1 << 20, &bytes));
	begin = strstr(buf_cstr(&bytes), "\n[ca]\n");
	assert_non_null(begin);
	end = strstr(begin, ".Ed\n");
	assert_non_null(end);
	check_ok(policy_parse(
	    "example", span_of(begin, (size_t)(end - begin)), &policy));
	assert_int_equal(policy.n_requesters, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_policy_has_the_documented_defaults),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(a_requester_revokes_its_own_unless_it_is_said),
		cmocka_unit_test(anything_else_is_refused_with_its_line),
		cmocka_unit_test(a_profile_cannot_say_what_no_profile_may),
		cmocka_unit_test(a_nul_is_no_end),
		cmocka_unit_test(a_template_parses_for_any_choice),
		cmocka_unit_test(a_template_without_scope_says_any),
		cmocka_unit_test(a_template_wants_known_profiles_and_domains),
		cmocka_unit_test(each_shipped_profile_is_a_file_and_offered),
		cmocka_unit_test(the_manual_has_every_key_and_no_other),
		cmocka_unit_test(the_manuals_example_parses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
