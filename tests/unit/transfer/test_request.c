/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy says to one request: each rule just kept and just broken. */
#include "transfer/policy/request.h"

#include "base/clock.h"
#include "tests/lib/check.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1800000000)
#define YEAR (365 * DAY)

static const char text[] =
    "[ca]\nscope = example.org, xn--bcher-kva.example\n"
    "scope-ip = 192.0.2.0/25, 2001:db8::/64\n"
    "[profile server]\nsubject = first-name\nnames = dns, srv, ip, uri\n"
    "names-max = 3\nsrv-services = xmpp-client\nkey-types = ec-p256, rsa\n"
    "rsa-bits-min = 3072\nrsa-bits-max = 4096\n"
    "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
    "validity = 30d\nvalidity-max = 90d\nseries-max = 12\nhorizon = 400d\n"
    "[profile wild]\nsubject = first-name\nnames = dns\nwildcard = yes\n"
    "scope = web.example.org\nnames-from = csr\nkey-types = ec-p256\n"
    "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
    "validity = 30d\nvalidity-max = 90d\n"
    "[profile person]\nsubject = O=x\nnames = xmpp, dns, email\n"
    "names-min = 0\nnames-from = bundle\nkey-types = ec-p256\n"
    "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n"
    "validity = 30d\nvalidity-max = 90d\n"
    "[profile persons-server]\nsubject = O=for %{domain}\nnames = xmpp, email\n"
    "key-types = ec-p256\nkeyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = clientAuth, serverAuth\n"
    "validity = 30d\nvalidity-max = 90d\n"
    "[profile elsewhere]\nsubject = O=x, CN=www.example.net\nnames = srv\n"
    "key-types = ec-p256\nkeyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = serverAuth\nvalidity = 30d\nvalidity-max = 90d\n"
    "[profile hosts-subject]\nsubject = CN=%{name}\nnames = ip\n"
    "key-types = ec-p256\nkeyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = serverAuth\nvalidity = 30d\nvalidity-max = 90d\n"
    "[profile sub-ca]\nsubject = CN=x\nnames = dns\nkey-types = ec-p256\n"
    "keyUsage = critical, keyCertSign, cRLSign\nca = yes\n"
    "validity = 30d\nvalidity-max = 90d\n"
    "[requester narrow]\nprofiles = wild, sub-ca\nscope = a.web.example.org\n";

/* One request, with what a case changes about it. */
struct asked {
	struct name names[5];
	struct cert_request request;
	struct ca_window ca;
	struct ask ask;
	struct grant grant;
	struct policy policy;
};

static void
name_add(struct asked *a, const char *typed)
{
	const char *colon = strchr(typed, ':');
	struct name *name = &a->names[a->request.n_names++];

	assert_true(name_type_read(
	    span_of(typed, (size_t)(colon - typed)), &name->type));
	name->text = span_str(colon + 1);
	a->request.names = a->names;
}

static int
setup(void **state)
{
	static struct asked a;

	memset(&a, 0, sizeof(a));
	check_ok(policy_parse("policy.conf", span_str(text), &a.policy));
	a.ca = (struct ca_window){ .not_before = NOW - YEAR,
		.not_after = NOW + 10 * YEAR,
		.path_len = 1 };
	memset(a.ca.key_id, 0xca, sizeof(a.ca.key_id));
	memset(a.ca.transfer_id, 0xcb, sizeof(a.ca.transfer_id));
	a.request.profile = span_str("server");
	a.request.validity.count = 1;
	a.request.validity.period = 30 * DAY;
	a.ask.from = "r";
	a.ask.label = span_str("web-1");
	a.ask.request = &a.request;
	a.ask.key.kind = KEY_P256;
	a.ask.key.bits = 256;
	*state = &a;
	return 0;
}

static int
teardown(void **state)
{
	struct asked *a = *state;

	policy_wipe(&a->policy);
	return 0;
}

static enum rc
check(struct asked *a)
{
	return request_check(&a->policy, &a->ca, NOW, &a->ask, &a->grant);
}

static void
a_sound_request_is_granted(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:www.example.org");
	check_ok(check(a));
	assert_string_equal(a->grant.profile->name, "server");
	assert_ptr_equal(a->grant.names, a->names);
	assert_int_equal(a->grant.n_names, 1);
	assert_int_equal(a->grant.not_before, NOW - 3600);
}

static void
the_profile_is_known_and_allowed(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:www.example.org");
	a->request.profile = span_str("smtp");
	check_refused(
	    check(a), "PROFILE-UNKNOWN", "r: the policy has no profile smtp");
	a->request.profile = span_str("sub-ca");
	check_refused(check(a), "PROFILE-DENIED",
	    "r: web-1 may not use the profile sub-ca");
	a->request.profile = span_str("server");
	a->ask.label = span_str("narrow");
	check_refused(check(a), "PROFILE-DENIED",
	    "r: narrow may not use the profile server");
	a->request.profile = span_str("sub-ca");
	a->names[0].text = span_str("a.web.example.org");
	check_ok(check(a)); /* named in its own section */
	a->ca.path_len = -1;
	check_ok(check(a));
	a->ca.path_len = 0;
	check_refused(check(a), "PATH-LEN",
	    "r: profile sub-ca makes a CA with path length 0; this CA has path "
	    "length 0, and wants a smaller one below it");
}

/* "permitted;DNS:..." as the value of an extension. */
#define PERMIT_A \
	"\x30\x07\xa0\x05\x30\x03\x82\x01" \
	"a"

static void
a_ca_below_asks_for_no_more_than_it_gets(void **state)
{
	static const uint8_t ours[] = { 0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55,
		4, 3, 0x0c, 1, 'x' };
	static const uint8_t org[] = { 0x30, 5, 0x82, 3, 'o', 'r', 'g' };
	struct asked *a = *state;

	a->request.profile = span_str("sub-ca");
	a->ask.label = span_str("narrow");
	name_add(a, "dns:a.web.example.org");
	a->ask.csr_ca = (struct csr_ca_wish){ .has_path_len = true };
	check_ok(check(a));
	a->ask.csr_ca.path_len = 1;
	check_refused(check(a), "SUBCA-PATH",
	    "r: the CSR asks for a path length of 1; profile sub-ca gives 0");
	a->ask.csr_ca =
	    (struct csr_ca_wish){ .constraints = span_str(PERMIT_A) };
	check_ok(check(a));
	a->ca.above[a->ca.n_above++] =
	    (struct constraints){ .permitted = span_of(org, sizeof(org)) };
	check_refused(check(a), "SUBCA-NAMES",
	    "r: the CSR asks for name constraints that allow more than profile sub-ca gives");
	a->ask.csr_ca.constraints = span_str("0");
	check_refused(check(a), "SUBCA-NAMES",
	    "r: the CSR asks for malformed name constraints");
	a->ask.csr_ca.constraints = SPAN_NONE;
	check_ok(check(a));
	a->ca.subject = span_of(ours, sizeof(ours));
	check_refused(check(a), "SUBCA-SUBJECT",
	    "r: the subject is that of this CA itself; wanted another for a CA below it");
	/* Of loose CSRs the operator has said it. */
	a->ca.subject = SPAN_NONE;
	a->ask.label = SPAN_NONE;
	check_ok(check(a));
}

static void
the_key_fits_the_profile(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:www.example.org");
	a->ask.key = (struct key_facts){ .kind = KEY_ED25519, .bits = 256 };
	check_refused(check(a), "KEY-POLICY",
	    "r: a key of type ed25519, which profile server does not take");
	a->ask.key = (struct key_facts){ .kind = KEY_RSA, .bits = 3064 };
	check_refused(check(a), "KEY-POLICY",
	    "r: an RSA key of 3064 bits; profile server wants 3072 to 4096");
	a->ask.key.bits = 4104;
	check_refused(check(a), "KEY-POLICY", NULL);
	a->ask.key.bits = 3072;
	check_ok(check(a));
	a->ask.key.bits = 4096;
	check_ok(check(a));
}

static void
the_cas_own_keys_are_never_certified(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:www.example.org");
	memset(a->ask.key.id, 0xca, sizeof(a->ask.key.id));
	check_refused(check(a), "KEY-CA", "r: the key is the CA's own");
	memset(a->ask.key.id, 0xcb, sizeof(a->ask.key.id));
	check_refused(
	    check(a), "KEY-CA", "r: the key is the CA's own transfer key");
	a->ask.key.id[31] = 0;
	check_ok(check(a));
}

/* CN=once, and CN=above in another string type. */
static const uint8_t once[] = { 0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03,
	0x55, 0x04, 0x03, 0x0c, 0x04, 'o', 'n', 'c', 'e' };
static const uint8_t above[] = { 0x30, 0x10, 0x31, 0x0e, 0x30, 0x0c, 0x06, 0x03,
	0x55, 0x04, 0x03, 0x13, 0x05, 'A', 'b', 'o', 'v', 'e' };

static void
kin_fill(struct kin *kin)
{
	struct kin_one one = { .whose = KIN_OWN,
		.subject = span_of(once, sizeof(once)) };

	memset(one.key_id, 1, SHA256_LEN);
	check_ok(kin_put(kin, &one));
	one = (struct kin_one){ .whose = KIN_TRANSFER };
	memset(one.key_id, 2, SHA256_LEN);
	check_ok(kin_put(kin, &one));
	one = (struct kin_one){ .whose = KIN_ABOVE,
		.subject = span_of(above, sizeof(above)) };
	memset(one.key_id, 3, SHA256_LEN);
	check_ok(kin_put(kin, &one));
}

static void
nor_are_those_that_it_had_or_that_stand_above(void **state)
{
	static const char *const said[] = {
		"r: the key is one that the CA had before",
		"r: the key is an earlier transfer key of the CA",
		"r: the key is that of a CA above this one",
	};
	struct asked *a = *state;
	WIPED(kin) kin = { 0 };

	name_add(a, "dns:www.example.org");
	kin_fill(&kin);
	for (int i = 1; i <= 3; i++) {
		memset(a->ask.key.id, i, sizeof(a->ask.key.id));
		a->ca.kin = (struct kin){ 0 };
		check_ok(check(a));
		a->ca.kin = kin;
		check_refused(check(a), "KEY-CA", said[i - 1]);
	}
	memset(a->ask.key.id, 4, sizeof(a->ask.key.id));
	check_ok(check(a));
}

/* By the rules of RFC 5280 7.1: neither case nor string type counts. */
static void
a_ca_below_has_none_of_their_names(void **state)
{
	static const struct {
		const char *subject, *said;
	} cases[] = {
		{ "CN=ONCE",
		    "r: the subject is one that this CA had before; wanted another for a CA below it" },
		{ "CN=  above ",
		    "r: the subject is that of a CA above this one; wanted another for a CA below it" },
		{ "CN=below", NULL },
	};
	struct asked *a = *state;
	struct profile *sub;
	WIPED(kin) kin = { 0 };

	name_add(a, "dns:www.example.org");
	a->request.profile = span_str("sub-ca");
	a->ask.label = SPAN_NONE;
	kin_fill(&kin);
	a->ca.kin = kin;
	sub = (struct profile *)(uintptr_t)policy_profile_get0(
	    &a->policy, a->request.profile);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		free(sub->subject_text);
		sub->subject_text = strdup(cases[i].subject);
		if (cases[i].said == NULL)
			check_ok(check(a));
		else
			check_refused(check(a), "SUBCA-SUBJECT", cases[i].said);
	}
	free(sub->subject_text); /* a name is no leaf's matter */
	sub->subject_text = strdup("CN=once");
	sub->is_ca = false;
	check_ok(check(a));
}

static void
names_come_from_where_the_profile_says(void **state)
{
	struct asked *a = *state;
	const struct name of_csr = { NAME_DNS,
		span_str("csr.web.example.org") };

	a->ask.csr_names = &of_csr;
	a->ask.n_csr_names = 1;
	check_ok(check(a));
	assert_ptr_equal(a->grant.names, &of_csr);

	a->request.profile = span_str("person"); /* from the bundle only */
	check_ok(check(a));
	assert_int_equal(a->grant.n_names, 0);

	name_add(a, "dns:bundle.web.example.org");
	a->request.profile = span_str("wild"); /* from the CSR only */
	check_refused(check(a), "NAMES-SOURCE",
	    "r: names given with the request; profile wild takes them from "
	    "the CSR");
}

static void
names_are_neither_too_few_nor_too_many(void **state)
{
	struct asked *a = *state;

	check_refused(
	    check(a), "NAMES-COUNT", "r: 0 names; profile server wants 1 to 3");
	name_add(a, "dns:a.example.org");
	name_add(a, "dns:b.example.org");
	name_add(a, "dns:c.example.org");
	check_ok(check(a));
	name_add(a, "dns:d.example.org");
	check_refused(
	    check(a), "NAMES-COUNT", "r: 4 names; profile server wants 1 to 3");
}

struct name_case {
	const char *name, *rule, *sentence;
};

static void
check_name_cases(struct asked *a, const struct name_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		a->request.n_names = 0;
		name_add(a, cases[i].name);
		if (cases[i].rule == NULL)
			check_ok(check(a));
		else
			check_refused(
			    check(a), cases[i].rule, cases[i].sentence);
	}
}

static void
each_name_is_in_form_type_and_scope(void **state)
{
	static const struct name_case cases[] = {
		{ "dns:example.org", NULL, NULL },
		{ "dns:xn--bcher-kva.example", NULL, NULL },
		{ "dns:Example.org", "NAME-FORM",
		    "r: name dns:Example.org: an upper-case letter; wanted "
		    "lower case" },
		{ "dns:example.net", "NAME-SCOPE",
		    "r: name dns:example.net lies outside the CA's scope" },
		{ "dns:notexample.org", "NAME-SCOPE", NULL },
		{ "dns:*.example.org", "NAME-WILDCARD",
		    "r: name dns:*.example.org is a wildcard, which the "
		    "profile does not have" },
		{ "email:a@example.org", "NAME-TYPE",
		    "r: name email:a@example.org is of a type that the "
		    "profile does not have" },
		{ "srv:_xmpp-client.example.org", NULL, NULL },
		{ "srv:_xmpp-server.example.org", "NAME-SERVICE",
		    "r: name srv:_xmpp-server.example.org has a service that "
		    "the profile does not have" },
		{ "srv:_xmpps-client.example.org", "NAME-SERVICE",
		    "r: name srv:_xmpps-client.example.org has a service that "
		    "the profile does not have; direct TLS is named "
		    "_xmpp-client or _xmpp-server, too" },
		{ "srv:_xmpp-client.example.net", "NAME-SCOPE", NULL },
		{ "ip:192.0.2.127", NULL, NULL },
		{ "ip:192.0.2.128", "NAME-SCOPE",
		    "r: name ip:192.0.2.128 lies outside the CA's scope-ip" },
		{ "ip:2001:db8::ffff", NULL, NULL },
		{ "ip:2001:db8:0:1::1", "NAME-SCOPE", NULL },
		{ "uri:https://a.example.org/x", NULL, NULL },
		{ "uri:https://evil.test/", "NAME-SCOPE", NULL },
	};

	check_name_cases(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void
scopes_of_profile_and_requester_are_narrower(void **state)
{
	static const struct {
		const char *name;
		const char *sentence;
	} cases[] = {
		{ "a.web.example.org", NULL },
		{ "*.a.web.example.org", NULL },
		{ "b.web.example.org", "r: name dns:b.web.example.org lies "
				       "outside the requester's scope" },
		{ "example.org", "r: name dns:example.org lies outside the "
				 "profile's scope" },
	};
	struct asked *a = *state;
	struct name name = { NAME_DNS, SPAN_NONE };

	a->request.profile = span_str("wild");
	a->ask.label = span_str("narrow");
	a->ask.csr_names = &name;
	a->ask.n_csr_names = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name.text = span_str(cases[i].name);
		if (cases[i].sentence == NULL)
			check_ok(check(a));
		else
			check_refused(
			    check(a), "NAME-SCOPE", cases[i].sentence);
	}
}

static void
an_unscoped_ca_takes_any_domain(void **state)
{
	struct asked *a = *state;

	a->policy.scope_any = true;
	text_list_wipe(&a->policy.scope);
	name_add(a, "dns:anything.test");
	check_ok(check(a));
	name_add(a, "ip:198.51.100.1"); /* addresses are listed all the same */
	check_refused(check(a), "NAME-SCOPE", NULL);
}

static void
no_name_stands_twice(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:a.example.org");
	name_add(a, "srv:_xmpp-client.example.org");
	check_ok(check(a));
	name_add(a, "dns:a.example.org");
	check_refused(check(a), "NAME-DUPLICATE",
	    "r: name dns:a.example.org stands twice");
}

static void
a_person_is_no_host(void **state)
{
	struct asked *a = *state;

	a->request.profile = span_str("person");
	name_add(a, "xmpp:a@b\xc3\xbc"
		    "cher.example");
	name_add(a, "email:a@example.org");
	check_ok(check(a));
	name_add(a, "dns:example.org");
	check_refused(check(a), "NAME-MIXED", NULL);
}

static void
a_person_gets_nothing_for_servers(void **state)
{
	struct asked *a = *state;

	a->request.profile = span_str("persons-server");
	name_add(a, "email:a@example.org");
	check_ok(check(a));
	name_add(a, "xmpp:a@example.org");
	check_refused(check(a), "NAME-MIXED",
	    "r: name xmpp:a@example.org stands in a profile for servers "
	    "(serverAuth); wanted one for clients");
}

static void
the_subject_is_found_to_fit(void **state)
{
	struct asked *a = *state;
	char name[128];
	int n;

	a->request.profile = span_str("persons-server");
	n = snprintf(name, sizeof(name), "email:a@%.48s.example.org",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_int_equal(n, 8 + 48 + 12);
	name_add(a, name);
	check_ok(check(a)); /* 64 characters */
	a->request.n_names = 0;
	(void)snprintf(name, sizeof(name), "email:a@%.49s.example.org",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	name_add(a, name);
	check_ok(check(a)); /* then it is left out, as first-name does */
}

/* ---- time ------------------------------------------------------------------
 */

static void
validity_is_within_the_profiles(void **state)
{
	struct asked *a = *state;
	struct validity *v = &a->request.validity;

	name_add(a, "dns:a.example.org");
	v->period = 90 * DAY;
	check_ok(check(a));
	v->period++;
	check_refused(check(a), "VALIDITY-MAX", NULL);
	v->count = 2;
	v->period = 60 * DAY;
	v->overlap = 30 * DAY; /* each is valid for both together */
	check_ok(check(a));
	v->overlap = 31 * DAY;
	check_refused(check(a), "VALIDITY-MAX",
	    "r: a certificate valid for 91d; profile server has at most 90d");
}

static void
a_certificate_does_not_begin_long_past(void **state)
{
	struct asked *a = *state;
	struct validity *v = &a->request.validity;

	name_add(a, "dns:a.example.org");
	v->has_not_before = true;
	v->not_before = NOW - 3600 - DAY;
	check_ok(check(a));
	assert_int_equal(a->grant.not_before, v->not_before);
	v->not_before--;
	check_refused(check(a), "VALIDITY-PAST",
	    "r: begins at 2027-01-14T06:59:59Z; wanted "
	    "2027-01-14T07:00:00Z or later");
	v->not_before = NOW - DAY;
	v->period = DAY + 1; /* its last second is this one */
	check_ok(check(a));
	v->period = DAY;
	check_refused(check(a), "VALIDITY-PAST",
	    "r: ends at 2027-01-15T07:59:59Z; wanted 2027-01-15T08:00:00Z or "
	    "later");
}

static void
validity_lies_within_the_cas(void **state)
{
	struct asked *a = *state;
	struct validity *v = &a->request.validity;

	name_add(a, "dns:a.example.org");
	v->has_not_before = true;
	v->not_before = NOW;
	a->ca.not_after = NOW + 30 * DAY - 1;
	check_ok(check(a));
	a->ca.not_after--;
	check_refused(check(a), "VALIDITY-CA",
	    "r: ends at 2027-02-14T07:59:59Z, after the CA's own "
	    "2027-02-14T07:59:58Z");
	a->ca.not_after = NOW + YEAR;
	a->ca.not_before = NOW;
	check_ok(check(a));
	v->not_before = NOW - 1;
	check_refused(check(a), "VALIDITY-CA",
	    "r: begins at 2027-01-15T07:59:59Z, before the CA's own "
	    "2027-01-15T08:00:00Z");
}

/* It is the clock then, and nothing that was asked for. */
static void
before_and_after_the_cas_time_it_is_the_clock(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:a.example.org");
	a->ca.not_before = NOW;
	check_ok(check(a));
	a->ca.not_before = NOW + 1;
	check_refused(check(a), "CLOCK-CA",
	    "r: it is 2027-01-15T08:00:00Z by this machine's clock; the CA's "
	    "certificate is valid from 2027-01-15T08:00:01Z");
	a->ca.not_before = NOW - DAY;
	a->ca.not_after = NOW;
	check_refused(check(a), "VALIDITY-CA", NULL);
	a->ca.not_after = NOW - 1;
	check_refused(check(a), "CLOCK-CA",
	    "r: it is 2027-01-15T08:00:00Z by this machine's clock; the CA's "
	    "certificate is valid until 2027-01-15T07:59:59Z");
}

static void
a_ca_signs_in_its_first_hour(void **state)
{
	struct asked *a = *state;

	name_add(a, "dns:a.example.org");
	a->ca.not_before = NOW - 10;
	check_ok(check(a));
	assert_int_equal(a->grant.not_before, NOW - 10);
}

static void
a_series_has_no_gap_and_an_end(void **state)
{
	struct asked *a = *state;
	struct validity *v = &a->request.validity;

	name_add(a, "dns:a.example.org");
	v->count = 12;
	v->period = 31 * DAY;
	v->overlap = 7 * DAY;
	check_ok(check(a));
	v->count = 13;
	check_refused(check(a), "SERIES-MAX",
	    "r: a series of 13 certificates; profile server has at most 12");
	v->count = 2;
	v->overlap = v->period - 1;
	check_ok(check(a));
	v->overlap = v->period;
	check_refused(check(a), "SERIES-GAP",
	    "r: a series whose overlap is not shorter than its period");
	/* the last second of the last one, to the second */
	v->count = 10;
	v->period = 40 * DAY;
	v->overlap = 1;
	v->has_not_before = true;
	v->not_before = NOW;
	check_ok(check(a));
	v->overlap = 2;
	check_refused(check(a), "SERIES-HORIZON",
	    "r: ends at 2028-02-19T08:00:01Z, past the horizon of profile "
	    "server at 2028-02-19T08:00:00Z");
}

/* permitted dNSName example.org, in the form of a certificate */
static const uint8_t only_example_org[] = { 0x30, 0x0d, 0x82, 0x0b, 'e', 'x',
	'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g' };

/* The policy is wider here: any certificate of the signing key may be the one
 * that a peer has. */
static void
a_name_that_the_ca_is_not_bound_to_is_refused(void **state)
{
	struct asked *a = *state;

	a->ca.n_above = 2;
	a->ca.above[1].permitted =
	    span_of(only_example_org, sizeof(only_example_org));
	name_add(a, "dns:www.example.org");
	check_ok(check(a));
	name_add(a, "dns:xn--bcher-kva.example");
	check_refused(check(a), "NAME-SCOPE",
	    "r: name dns:xn--bcher-kva.example lies outside what the CA's "
	    "certificate is bound to for good");
}

static void
a_subject_that_would_be_taken_for_another_host_is_refused(void **state)
{
	struct asked *a = *state;

	a->request.profile = span_str("hosts-subject");
	a->ca.n_above = 1;
	name_add(a, "ip:192.0.2.1");
	check_ok(check(a));
	a->ca.above[0].permitted =
	    span_of(only_example_org, sizeof(only_example_org));
	check_refused(check(a), "SUBJECT",
	    "r: the subject that profile hosts-subject makes of these names: "
	    "its CN would be taken for a host's name, which the CA's "
	    "certificate forbids for good");
}

/* Whatever the CA's certificate is bound to: with no constraints in it, too. */
static void
a_cn_is_held_to_the_scope(void **state)
{
	struct asked *a = *state;

	a->request.profile = span_str("elsewhere");
	name_add(a, "srv:_im.example.org");
	check_refused(check(a), "SUBJECT",
	    "r: the subject of profile elsewhere has CN=www.example.net, which "
	    "would be taken for a host's name and lies outside the CA's scope");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_sound_request_is_granted),
		T(a_name_that_the_ca_is_not_bound_to_is_refused),
		T(a_subject_that_would_be_taken_for_another_host_is_refused),
		T(a_cn_is_held_to_the_scope),
		T(the_profile_is_known_and_allowed),
		T(a_ca_below_asks_for_no_more_than_it_gets),
		T(the_key_fits_the_profile),
		T(the_cas_own_keys_are_never_certified),
		T(nor_are_those_that_it_had_or_that_stand_above),
		T(a_ca_below_has_none_of_their_names),
		T(names_come_from_where_the_profile_says),
		T(names_are_neither_too_few_nor_too_many),
		T(each_name_is_in_form_type_and_scope),
		T(scopes_of_profile_and_requester_are_narrower),
		T(an_unscoped_ca_takes_any_domain),
		T(no_name_stands_twice),
		T(a_person_is_no_host),
		T(a_person_gets_nothing_for_servers),
		T(the_subject_is_found_to_fit),
		T(validity_is_within_the_profiles),
		T(a_certificate_does_not_begin_long_past),
		T(validity_lies_within_the_cas),
		T(before_and_after_the_cas_time_it_is_the_clock),
		T(a_ca_signs_in_its_first_hour),
		T(a_series_has_no_gap_and_an_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
