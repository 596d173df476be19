/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/software_ca.h"

#include "transfer/judge/judge.h"
#include "transfer/x509/cert.h"

#include <openssl/x509v3.h>

#define YEAR_2050 INT64_C(2524608000)

static char *two_domains[] = { (char[]){ "example.org" },
	(char[]){ "chat.example.net" } };
static const struct text_list scopes = { two_domains, 2 };
static char *client_eku[] = { (char[]){ "1.3.6.1.5.5.7.3.2" } };

static X509 *
parse(const struct buf *der)
{
	X509 *cert = NULL;

	check_ok(cert_parse("certificate", buf_span(der), &cert));
	return cert;
}

/* ---- form ---------------------------------------------------------------- */

static void
what_a_ca_certificate_says(void **state)
{
	struct ca_wish wish = PLAIN_WISH;
	WIPED(software_ca) ca = { 0 };
	OWN(X509) *cert = NULL;
	const ASN1_OCTET_STRING *ski;
	uint8_t wanted[KEY_IDENTIFIER_LEN];

	(void)state;
	wish.subject = "CN=XMPP CA, O=Example\\, AB, C=SE";
	wish.path_len = 3;
	software_ca_wished("ec-p384", &wish, &ca);
	cert = parse(&ca.der);
	assert_int_equal(X509_get_version(cert), X509_VERSION_3);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(cert),
			     X509_get_issuer_name(cert)),
	    0);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 3);
	assert_true(X509_check_ca(cert) == 1);
	assert_int_equal(X509_get_pathlen(cert), 3);
	assert_int_equal(X509_get_key_usage(cert),
	    KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_signature_nid(cert), NID_ecdsa_with_SHA384);
	assert_int_equal(X509_get_ext_count(cert), 3);
	ski = X509_get0_subject_key_id(cert);
	check_ok(key_identifier_of(buf_span(&ca.spki), wanted));
	assert_int_equal(ASN1_STRING_length(ski), KEY_IDENTIFIER_LEN);
	assert_memory_equal(
	    ASN1_STRING_get0_data(ski), wanted, KEY_IDENTIFIER_LEN);
}

static void
a_serial_may_be_given(void **state)
{
	static const uint8_t one[] = { 1 };
	struct ca_wish wish = PLAIN_WISH;
	WIPED(software_ca) ca = { 0 };
	OWN(X509) *cert = NULL;

	(void)state;
	wish.serial = span_of(one, 1);
	software_ca_wished("ec-p256", &wish, &ca);
	cert = parse(&ca.der);
	assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(cert)), 1);
}

static void
the_form_of_a_date_changes_with_2050(void **state)
{
	struct ca_wish wish = PLAIN_WISH;

	(void)state;
	for (int64_t end = YEAR_2050 - 1; end <= YEAR_2050; end++) {
		WIPED(software_ca) ca = { 0 };
		OWN(X509) *cert = NULL;
		int64_t not_before, not_after;

		wish.not_after = end;
		software_ca_wished("ec-p256", &wish, &ca);
		cert = parse(&ca.der);
		assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert)),
		    end < YEAR_2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
		check_ok(cert_window(cert, &not_before, &not_after));
		assert_int_equal(not_before, wish.not_before);
		assert_int_equal(not_after, end);
	}
}

static void
subjects_that_are_refused(void **state)
{
	static const char *const bad[] = { "", "Example", "CN=", "NOPE=x",
		"C=Sweden", "CN=x," };
	struct ca_wish wish = PLAIN_WISH;
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	WIPED(buf) spki = { 0 };
	WIPED(buf) tbs = { 0 };

	(void)state;
	key_spki(key, &spki);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wish.subject = bad[i];
		assert_int_equal(
		    tbs_of_ca(&wish, buf_span(&spki), &tbs), RC_USAGE);
		assert_int_equal(tbs.n, 0);
	}
}

/* ---- name constraints ---------------------------------------------------- */

/* Of a leaf that our lint refuses: made under another CA, which is bound to
 * nothing, and held by OpenSSL against the constraints of this one. */
static int
what_openssl_says(const struct software_ca *ca, const struct leaf *leaf,
    const struct profile *profile)
{
	const struct ca_wish free_wish = PLAIN_WISH;
	WIPED(software_ca) other = { 0 };
	OWN(X509) *issuer = parse(&ca->der);
	OWN(X509) *cert = NULL;
	OWN(NAME_CONSTRAINTS) *nc =
	    X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
	OWNS(tbs_maker) *maker = NULL;
	WIPED(buf) tbs = { 0 };
	WIPED(buf) der = { 0 };

	software_ca_wished("ec-p256", &free_wish, &other);
	check_ok(tbs_maker_new(buf_span(&other.der), profile, &maker));
	check_ok(tbs_make(maker, leaf, &tbs));
	cert = software_ca_certify(&other, buf_span(&tbs), &der);
	/* Which reads the subjectAltName that the other asks about. */
	assert_int_equal(X509_check_purpose(cert, -1, 0), 1);
	return NAME_CONSTRAINTS_check(cert, nc);
}

/* Verify a leaf with this name under the CA: X509_V_ERR_*. Our lint and OpenSSL
 * are of one mind. */
static int
verdict(const struct software_ca *ca, enum name_type type, const char *text)
{
	const struct profile profile = { .name = "test",
		.subject = SUBJECT_NONE,
		.name_types = 0xff,
		.key_usage = KU_DIGITAL_SIGNATURE,
		.eku = { client_eku, 1 },
		.validity_max = 31 * DAY };
	static const uint8_t serial[CA_SERIAL_LEN] = { 0x42 };
	const struct name name = { type, span_str(text) };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *issuer = parse(&ca->der);
	OWN(X509) *cert = NULL;
	OWN(X509_STORE) *store = X509_STORE_new();
	OWN(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();
	OWNS(tbs_maker) *maker = NULL;
	WIPED(buf) spki = { 0 };
	WIPED(buf) tbs = { 0 };
	WIPED(buf) der = { 0 };
	struct leaf leaf;

	key_spki(key, &spki);
	leaf = (struct leaf){ serial, NOW, NOW + DAY, buf_span(&spki), &name, 1,
		SPAN_NONE };
	check_ok(tbs_maker_new(buf_span(&ca->der), &profile, &maker));
	if (tbs_make(maker, &leaf, &tbs) != RC_OK) {
		assert_non_null(strstr(err_text(), "RFC 5280 6.1.3 (b)"));
		return what_openssl_says(ca, &leaf, &profile);
	}
	cert = software_ca_certify(ca, buf_span(&tbs), &der);
	assert_int_equal(X509_STORE_add_cert(store, issuer), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_time(ctx, 0, NOW + 5);
	(void)X509_verify_cert(ctx);
	return X509_STORE_CTX_get_error(ctx);
}

static void
a_scoped_ca_is_bound_by_its_certificate(void **state)
{
	struct ca_wish wish = PLAIN_WISH;
	WIPED(software_ca) ca = { 0 };
	OWN(X509) *cert = NULL;
	int at;

	(void)state;
	wish.scopes = &scopes;
	software_ca_wished("ec-p256", &wish, &ca);
	cert = parse(&ca.der);
	at = X509_get_ext_by_NID(cert, NID_name_constraints, -1);
	assert_true(at >= 0);
	assert_int_equal(
	    X509_EXTENSION_get_critical(X509_get_ext(cert, at)), 1);
	assert_int_equal(verdict(&ca, NAME_DNS, "example.org"), X509_V_OK);
	assert_int_equal(
	    verdict(&ca, NAME_DNS, "a.chat.example.net"), X509_V_OK);
	assert_int_equal(verdict(&ca, NAME_SRV, "_im.example.org"), X509_V_OK);
	assert_int_equal(verdict(&ca, NAME_DNS, "example.net"),
	    X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(verdict(&ca, NAME_DNS, "notexample.org"),
	    X509_V_ERR_PERMITTED_VIOLATION);
	assert_int_equal(
	    verdict(&ca, NAME_IP, "192.0.2.1"), X509_V_ERR_EXCLUDED_VIOLATION);
	assert_int_equal(verdict(&ca, NAME_IP, "2001:db8::1"),
	    X509_V_ERR_EXCLUDED_VIOLATION);
}

static void
addresses_pass_where_a_profile_has_them(void **state)
{
	struct ca_wish wish = PLAIN_WISH;
	WIPED(software_ca) ca = { 0 };

	(void)state;
	wish.scopes = &scopes;
	wish.allow_ip = true;
	software_ca_wished("ec-p256", &wish, &ca);
	assert_int_equal(verdict(&ca, NAME_IP, "192.0.2.1"), X509_V_OK);
	assert_int_equal(verdict(&ca, NAME_DNS, "example.net"),
	    X509_V_ERR_PERMITTED_VIOLATION);
}

static void
srv_subtrees_only_by_wish(void **state)
{
	struct ca_wish wish = PLAIN_WISH;
	WIPED(software_ca) ca = { 0 };

	(void)state;
	wish.scopes = &scopes;
	wish.constrain_srv = true;
	software_ca_wished("ec-p256", &wish, &ca);
	assert_int_equal(verdict(&ca, NAME_DNS, "example.org"), X509_V_OK);
	/* What --constrain-srv warns of. */
	assert_int_equal(verdict(&ca, NAME_SRV, "_im.example.org"),
	    X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE);
}

/* ---- the transfer certificate -------------------------------------------- */

static void
certify_transfer(
    const struct software_ca *ca, const struct buf *spki, struct buf *ret_der)
{
	WIPED(buf) tbs = { 0 };
	OWN(X509) *cert = NULL;

	check_ok(
	    tbs_of_transfer(buf_span(&ca->der), buf_span(spki), NOW, &tbs));
	cert = software_ca_certify(ca, buf_span(&tbs), ret_der);
	assert_int_equal(X509_verify(cert, ca->key), 1);
	assert_int_equal(X509_get_ext_count(cert), 5);
	/* GnuTLS would take a CN for a dNSName. */
	assert_int_equal(X509_NAME_get_index_by_NID(
			     X509_get_subject_name(cert), NID_commonName, -1),
	    -1);
}

static void
the_judge_takes_a_transfer_certificate(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		OWN(EVP_PKEY) *key = key_new(types[2 - i]);
		OWN(EVP_PKEY) *found = NULL;
		struct ca_wish wish = PLAIN_WISH;
		WIPED(software_ca) ca = { 0 };
		WIPED(trust) trust = { 0 };
		WIPED(buf) spki = { 0 };
		WIPED(buf) der = { 0 };

		wish.scopes = &scopes;
		software_ca_wished(types[i], &wish, &ca);
		key_spki(key, &spki);
		certify_transfer(&ca, &spki, &der);
		check_ok(trust_add_ca(&trust, "ca.pem", buf_span(&ca.der)));
		check_ok(judge_transfer_cert(
		    "card", &trust, buf_span(&der), wish.not_after, &found));
		assert_int_equal(EVP_PKEY_eq(found, key), 1);
		check_refused(judge_transfer_cert("card", &trust,
				  buf_span(&der), wish.not_after + 1, &found),
		    "TRANSFER-CERT", NULL);
	}
}

static void
a_transfer_key_is_not_the_cas(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) tbs = { 0 };

	(void)state;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	check_refused(
	    tbs_of_transfer(buf_span(&ca.der), buf_span(&ca.spki), NOW, &tbs),
	    "LINT", "RFC 5280 4.1.2.7: the key is the CA's own");
}

static void
a_ca_without_cn_has_a_transfer_certificate(void **state)
{
	struct ca_wish wish = PLAIN_WISH;
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) spki = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	wish.subject = "C=SE, ST=Uppland";
	software_ca_wished("ec-p256", &wish, &ca);
	key_spki(key, &spki);
	certify_transfer(&ca, &spki, &der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_ca_certificate_says),
		cmocka_unit_test(a_serial_may_be_given),
		cmocka_unit_test(the_form_of_a_date_changes_with_2050),
		cmocka_unit_test(subjects_that_are_refused),
		cmocka_unit_test(a_scoped_ca_is_bound_by_its_certificate),
		cmocka_unit_test(addresses_pass_where_a_profile_has_them),
		cmocka_unit_test(srv_subtrees_only_by_wish),
		cmocka_unit_test(the_judge_takes_a_transfer_certificate),
		cmocka_unit_test(a_transfer_key_is_not_the_cas),
		cmocka_unit_test(a_ca_without_cn_has_a_transfer_certificate),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
