/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"
#include "transfer/x509/tbs.h"

#include <time.h>

/* One CA, one request and the certificate that answers it. */
struct bed {
	struct software_ca ca;
	struct trust trust;
	struct policy policy;
	struct judge *judge;
	EVP_PKEY *key;
	struct buf spki, der;
	uint8_t serial[16];
	struct name names[2];
	struct expected e;
};

static void
bed_make(struct bed *b, const char *ca_type)
{
	software_ca_make(&b->ca, ca_type);
	software_ca_trust(&b->ca, &b->trust);
	plain_policy(&b->policy);
	check_ok(judge_new(&b->trust, &b->policy, &b->judge));
	b->key = key_new("ec-p256");
	key_spki(b->key, &b->spki);
	draw_serial(b->serial);
	b->names[0] = (struct name){ NAME_DNS, span_str("chat.example.org") };
	b->names[1] =
	    (struct name){ NAME_SRV, span_str("_xmpp-server.example.org") };
	b->e = (struct expected){ .from = "web-1",
		.spki = buf_span(&b->spki),
		.profile = span_str("server"),
		.names = b->names,
		.n_names = 2,
		.serial = span_of(b->serial, 16),
		.not_before = NOW,
		.not_after = NOW + 31 * DAY - 1,
		.issuer = b->ca.key_id };
}

static void
bed_wipe(struct bed *b)
{
	judge_free(b->judge);
	trust_wipe(&b->trust);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->key);
	buf_wipe(&b->spki);
	buf_wipe(&b->der);
}

static void
sign(struct bed *b, spoil *how)
{
	software_ca_issue(&b->ca, &b->policy, &b->e, how, &b->der);
}

static void
passes(struct bed *b)
{
	check_ok(judge_certificate(b->judge, buf_span(&b->der), &b->e));
}

static void
refused(struct bed *b, const char *rule, const char *words)
{
	check_rule(
	    judge_certificate(b->judge, buf_span(&b->der), &b->e), rule, words);
}

static void
a_right_certificate_passes_under_each_ca_key(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(bed) b = { 0 };

		bed_make(&b, types[i]);
		sign(&b, NULL);
		passes(&b);
		passes(&b); /* the kept contexts can be used again */
		b.e.serial = SPAN_NONE;
		b.e.issuer = NULL;
		passes(&b);
	}
}

static void
an_empty_subject_makes_the_names_critical(void **state)
{
	WIPED(bed) b = { 0 };
	OWN(X509) *cert = NULL;
	const uint8_t *p;
	int at;

	(void)state;
	bed_make(&b, "ec-p256");
	b.e.profile = span_str("bare");
	sign(&b, NULL);
	passes(&b);
	p = b.der.p;
	cert = d2i_X509(NULL, &p, (long)b.der.n);
	at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	assert_int_equal(
	    X509_EXTENSION_get_critical(X509_get_ext(cert, at)), 1);
	assert_true(X509_get_ext_by_NID(cert, NID_tlsfeature, -1) >= 0);
}

static void
no_byte_of_a_certificate_can_be_changed(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	for (size_t i = 0; i < b.der.n; i++) {
		b.der.p[i] ^= 0x01;
		if (judge_certificate(b.judge, buf_span(&b.der), &b.e) == RC_OK)
			fail_msg("byte %zu", i);
		b.der.p[i] ^= 0x01;
	}
	for (size_t n = 0; n < b.der.n; n++)
		assert_int_not_equal(
		    judge_certificate(b.judge, span_of(b.der.p, n), &b.e),
		    RC_OK);
	passes(&b);
}

static void
bytes_behind_a_certificate_are_refused(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	check_ok(buf_add_byte(&b.der, 0));
	refused(&b, "CERT-FORM", "web-1: not one X.509 v3 certificate");
}

static void
only_version_3_passes(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	/* OpenSSL 3.5 signs none with extensions but as v3: so by hand, in the
	 * [0] { INTEGER 2 } behind the two outer heads. */
	assert_memory_equal(b.der.p + 8, "\xa0\x03\x02\x01\x02", 5);
	b.der.p[12] = X509_VERSION_2;
	refused(&b, "CERT-FORM", "not one X.509 v3");
}

static void
another_key_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) spki = { 0 };
	OWN(EVP_PKEY) *other = key_new("ec-p256");

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	key_spki(other, &spki);
	b.e.spki = buf_span(&spki);
	refused(&b, "CERT-KEY", "another key than its request has");
}

static void
other_serials_are_refused(void **state)
{
	static const uint8_t shorter[7] = { 1, 2, 3, 4, 5, 6, 7 };
	static const uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t other[16];
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	draw_serial(other);
	b.e.serial = span_of(other, 16);
	refused(&b, "CERT-SERIAL", "another serial than stated");
	b.e.serial = span_of(eight, 8);
	sign(&b, NULL);
	passes(&b);
	b.e.serial = span_of(shorter, 7);
	sign(&b, NULL);
	refused(&b, "CERT-SERIAL", "no 64 random bits");
}

static void
serials_over_20_octets_are_refused(void **state)
{
	uint8_t serial[21];
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	memset(serial, 0x7f, sizeof(serial));
	b.e.serial = span_of(serial, 20);
	sign(&b, NULL);
	passes(&b);
	serial[0] = 0x80; /* DER puts a zero in front: 21 octets */
	sign(&b, NULL);
	refused(&b, "CERT-SERIAL", "at most 20");
	b.e.serial = span_of(serial, 21);
	sign(&b, NULL);
	refused(&b, "CERT-SERIAL", "at most 20");
}

static void
other_dates_are_refused(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	b.e.not_after += 1;
	refused(&b, "CERT-DATES", "other dates than stated");
	b.e.not_after -= 1;
	b.e.not_before -= 1;
	refused(&b, "CERT-DATES", "other dates than stated");
	b.e.not_before = b.e.not_after + 1;
	refused(&b, "CERT-DATES", "ends before it begins");
}

static void
a_certificate_lives_within_its_ca(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	b.e.not_before = b.trust.cas[0].not_before;
	b.e.not_after = b.trust.cas[0].not_after;
	sign(&b, NULL);
	passes(&b);
	b.e.not_after += 1;
	sign(&b, NULL);
	refused(&b, "CERT-DATES", "before or after its CA");
	b.e.not_after -= 1;
	b.e.not_before -= 1;
	sign(&b, NULL);
	refused(&b, "CERT-DATES", "before or after its CA");
}

static void
dates_after_2049_are_generalized_time(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	/* the CA's own end is looked at first: let it last */
	b.trust.cas[0].not_after = CLOCK_MAX;
	b.e.not_after = INT64_C(2524607999); /* 2049-12-31T23:59:59Z */
	sign(&b, NULL);
	passes(&b);
	b.e.not_after += 1;
	sign(&b, NULL);
	passes(&b);
}

static void
other_names_are_refused(void **state)
{
	struct name swapped[2];
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	b.e.profile = span_str("bare");
	sign(&b, NULL);
	b.e.n_names = 1;
	refused(&b, "CERT-NAMES", "its subjectAltName");
	swapped[0] = b.names[1];
	swapped[1] = b.names[0];
	b.e.names = swapped;
	b.e.n_names = 2;
	refused(&b, "CERT-NAMES", "its subjectAltName");
	b.e.n_names = 0;
	refused(&b, "CERT-NAMES", "is none that belongs there");
}

static void
drop_san(X509 *cert)
{
	X509_EXTENSION_free(X509_delete_ext(
	    cert, X509_get_ext_by_NID(cert, NID_subject_alt_name, -1)));
}

static void
missing_names_are_refused(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, drop_san);
	refused(&b, "CERT-NAMES", "its subjectAltName is missing");
}

static void
other_subject(X509 *cert)
{
	OWN(X509_NAME) *name = NULL;

	check_ok(subject_read("CN=www.example.com", &name));
	assert_int_equal(X509_set_subject_name(cert, name), 1);
}

static void
another_subject_is_refused(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, other_subject);
	refused(&b, "CERT-PROFILE", "another subject");
}

static void
add_comment(X509 *cert)
{
	add_text(cert, NULL, "nsComment", "x");
}

static void
drop_constraints(X509 *cert)
{
	X509_EXTENSION_free(X509_delete_ext(
	    cert, X509_get_ext_by_NID(cert, NID_basic_constraints, -1)));
}

static void
make_ca(X509 *cert)
{
	OWN(X509_EXTENSION) *ext = X509V3_EXT_nconf(
	    NULL, NULL, "basicConstraints", "critical,CA:TRUE");

	assert_non_null(ext);
	drop_constraints(cert);
	assert_int_equal(X509_add_ext(cert, ext, 0), 1);
}

static void
usage_not_critical(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_key_usage, -1);

	assert_int_equal(
	    X509_EXTENSION_set_critical(X509_get_ext(cert, at), 0), 1);
}

static void
every_extension_is_the_profiles(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, add_comment);
	refused(&b, "CERT-PROFILE",
	    "its extension 2.16.840.1.113730.1.13 is none that belongs there");
	sign(&b, drop_constraints);
	refused(&b, "CERT-PROFILE", "its extension 2.5.29.19 is missing");
	sign(&b, make_ca);
	refused(&b, "CERT-PROFILE",
	    "its extension 2.5.29.19 is not as the profile");
	sign(&b, usage_not_critical);
	refused(&b, "CERT-PROFILE",
	    "its extension 2.5.29.15 is not as the profile");
	sign(&b, NULL);
	b.e.profile = span_str("bare");
	refused(&b, "CERT-PROFILE", "another subject");
	b.e.profile = span_str("nobody");
	refused(&b, "PROFILE-UNKNOWN", "no profile \"nobody\"");
}

static void
other_issuer(X509 *cert)
{
	OWN(X509_NAME) *name = NULL;

	/* the same attributes, one of another string type */
	check_ok(subject_read("CN=Software CA, O=Tests", &name));
	assert_int_equal(ASN1_STRING_set(X509_NAME_ENTRY_get_data(
					     X509_NAME_get_entry(name, 0)),
			     "fake ca", -1),
	    1);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
}

static void
another_ca_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(bed) twin = { 0 }; /* same name, other key */

	(void)state;
	bed_make(&b, "ec-p256");
	bed_make(&twin, "ec-p256");
	sign(&b, other_issuer);
	refused(&b, "CERT-ISSUER", "not the CA's subject");
	software_ca_issue(&twin.ca, &b.policy, &b.e, NULL, &b.der);
	refused(&b, "CERT-ISSUER", "its authorityKeyIdentifier");
	b.e.issuer = twin.ca.key_id;
	refused(&b, "CERT-ISSUER", "a key that is not pinned");
}

static void
a_signature_of_another_key_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	OWN(EVP_PKEY) *right = NULL;

	(void)state;
	bed_make(&b, "ec-p256");
	right = b.ca.key;
	b.ca.key = key_new("ec-p256");
	sign(&b, NULL);
	refused(&b, "CERT-SIGNATURE", "not of the CA's key");
}

static void
another_hash_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	OWN(X509) *cert = NULL;
	const uint8_t *p;

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	p = b.der.p;
	cert = d2i_X509(NULL, &p, (long)b.der.n);
	assert_true(X509_sign(cert, b.ca.key, EVP_sha384()) > 0);
	cert_der(cert, &b.der);
	refused(&b, "CERT-SIGNATURE", "algorithm of the CA's key");
}

static void
a_names_text_must_be_encodable(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	b.names[0].text = span_str("under_score..example");
	assert_int_not_equal(
	    judge_certificate(b.judge, buf_span(&b.der), &b.e), RC_OK);
}

/* A certificate's list of extensions with NULL as its last item: two bytes more
 * for each head around it. */
static void
add_item(struct buf *der)
{
	struct cert_parts parts;
	uint8_t *list, *tbs = der->p + 4;
	size_t end;

	check_ok(cert_parts_read("made", buf_span(der), &parts));
	list = der->p + (parts.extensions.p - der->p);
	end = (size_t)(list - der->p) + parts.extensions.n;
	assert_memory_equal(der->p, "\x30\x82", 2);
	assert_memory_equal(tbs, "\x30\x82", 2);
	assert_true(list[-3] == 0xa3 && list[-2] == 0x81 && list[-1] < 0xfe);
	assert_true(list[0] == 0x30 && list[1] == 0x81);
	assert_true(der->p[3] < 0xfe && tbs[3] < 0xfe);
	der->p[3] = (uint8_t)(der->p[3] + 2);
	tbs[3] = (uint8_t)(tbs[3] + 2);
	list[-1] = (uint8_t)(list[-1] + 2);
	list[2] = (uint8_t)(list[2] + 2);
	check_ok(buf_add(der, "\x05\x00", 2));
	memmove(der->p + end + 2, der->p + end, der->n - end - 2);
	memcpy(der->p + end, "\x05\x00", 2);
}

static void
what_is_no_extension_ends_none(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	do
		sign(&b, NULL); /* until no head carries over */
	while (b.der.p[3] >= 0xfe || b.der.p[7] >= 0xfe);
	passes(&b);
	add_item(&b.der);
	refused(&b, "CERT-FORM", "web-1: bytes behind its extensions");
}

static enum rc
judge_anew(void *arg)
{
	struct bed *b = arg;
	struct judge *judge = NULL;
	enum rc rc = judge_new(&b->trust, &b->policy, &judge);

	if (rc == RC_OK)
		rc = judge_certificate(judge, buf_span(&b->der), &b->e);
	judge_free(judge);
	return rc;
}

/* To fail at a signature is not to find it wrong. */
static void
no_verdict(void *arg)
{
	(void)arg;
	assert_int_equal(rule_spoken(), RULE_NONE);
}

/* Each is looked at with all that it takes, or does not pass. */
static void
nothing_passes_that_was_not_looked_at(void **state)
{
	static const char *const types[] = { "ec-p384", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(bed) b = { 0 };

		bed_make(&b, types[i]);
		sign(&b, NULL);
		each_fails("EVP_PKEY_verify", judge_anew, no_verdict, &b);
		each_fails(FAIL_MEMORY
		    " EVP_MD_CTX_new EVP_PKEY_CTX_new_from_pkey"
		    " EVP_PKEY_verify_init EVP_PKEY_CTX_set_signature_md"
		    " EVP_PKEY_CTX_set_rsa_padding EVP_DigestInit_ex2"
		    " EVP_DigestUpdate EVP_DigestFinal_ex X509_NAME_new"
		    " i2d_X509_NAME i2d_GENERAL_NAMES",
		    judge_anew, NULL, &b);
	}
	judge_free(NULL);
}

/* permitted dNSName example.org, in the form of a certificate */
static const uint8_t only_example_org[] = { 0x30, 0x0d, 0x82, 0x0b, 'e', 'x',
	'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g' };

static void
a_name_that_a_ca_certificate_forbids_is_refused(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	b.trust.cas[0].bound.permitted =
	    span_of(only_example_org, sizeof(only_example_org));
	passes(&b);
	b.names[0].text = span_str("chat.example.net");
	sign(&b, NULL);
	refused(
	    &b, "CERT-CONSTRAINTS", "name dns:chat.example.net lies outside");
	/* no dNSName any more, and a CN that would be one */
	b.e.names++;
	b.e.n_names = 1;
	b.policy.profiles[0].subject = SUBJECT_TEXT;
	free(b.policy.profiles[0].subject_text);
	b.policy.profiles[0].subject_text = strdup("CN=a.example.net");
	sign(&b, NULL);
	refused(&b, "CERT-CONSTRAINTS", "its subject: its CN would be taken");
}

/* The policy's side has refused it before; the judge does not believe that. */
static void
what_is_the_cas_own_is_nobody_elses(void **state)
{
	static const enum kin_whose whose[] = { KIN_OWN, KIN_TRANSFER,
		KIN_ABOVE };
	static const char *const said[] = {
		"web-1: its key is one that the CA itself has or had",
		"web-1: its key is one that the CA itself has or had",
		"web-1: its key is one that a CA above this one has or had",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(bed) b = { 0 };
		struct kin_one one = { .whose = whose[i] };

		bed_make(&b, "ec-p256");
		sign(&b, NULL);
		passes(&b);
		check_ok(sha256(buf_span(&b.spki), one.key_id));
		check_ok(kin_put(&b.trust.kin, &one));
		refused(&b, "CERT-KEY", said[i]);
	}
}

static void
nor_is_its_name_that_of_a_ca_below(void **state)
{
	WIPED(bed) b = { 0 };
	OWN(X509_NAME) *taken = NULL;
	WIPED(buf) der = { 0 };
	struct kin_one one = { .whose = KIN_ABOVE };

	(void)state;
	bed_make(&b, "ec-p256");
	sign(&b, NULL);
	check_ok(subject_read("CN=Chat.example.org", &taken));
	check_ok(subject_write(taken, &der));
	one.subject = buf_span(&der);
	check_ok(kin_put(&b.trust.kin, &one));
	passes(&b); /* of a leaf it is no matter */
	b.policy.profiles[0].is_ca = true;
	judge_free(b.judge);
	b.judge = NULL;
	check_ok(judge_new(&b.trust, &b.policy, &b.judge));
	sign(&b, NULL);
	refused(&b, "CERT-PROFILE",
	    "web-1: its subject is one that a CA above this one has or had");
	kin_wipe(&b.trust.kin);
	passes(&b);
	check_ok(kin_add(&b.trust.kin, KIN_OWN, "CA", buf_span(&b.ca.der)));
	passes(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_certificate_passes_under_each_ca_key),
		cmocka_unit_test(an_empty_subject_makes_the_names_critical),
		cmocka_unit_test(no_byte_of_a_certificate_can_be_changed),
		cmocka_unit_test(bytes_behind_a_certificate_are_refused),
		cmocka_unit_test(only_version_3_passes),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(other_serials_are_refused),
		cmocka_unit_test(serials_over_20_octets_are_refused),
		cmocka_unit_test(other_dates_are_refused),
		cmocka_unit_test(a_certificate_lives_within_its_ca),
		cmocka_unit_test(dates_after_2049_are_generalized_time),
		cmocka_unit_test(other_names_are_refused),
		cmocka_unit_test(missing_names_are_refused),
		cmocka_unit_test(another_subject_is_refused),
		cmocka_unit_test(every_extension_is_the_profiles),
		cmocka_unit_test(another_ca_is_refused),
		cmocka_unit_test(a_signature_of_another_key_is_refused),
		cmocka_unit_test(another_hash_is_refused),
		cmocka_unit_test(a_names_text_must_be_encodable),
		cmocka_unit_test(what_is_no_extension_ends_none),
		cmocka_unit_test(nothing_passes_that_was_not_looked_at),
		cmocka_unit_test(
		    a_name_that_a_ca_certificate_forbids_is_refused),
		cmocka_unit_test(what_is_the_cas_own_is_nobody_elses),
		cmocka_unit_test(nor_is_its_name_that_of_a_ca_below),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
