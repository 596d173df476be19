/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/software_ca.h"
#include "transfer/x509/cert.h"

#include <openssl/x509v3.h>

static const uint8_t serial[CA_SERIAL_LEN] = { 0x7f, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	10, 11, 12, 13, 14, 15 };

static char *server_eku[] = { (char[]){ "1.3.6.1.5.5.7.3.1" } };

static struct profile
server_profile(void)
{
	return (struct profile){ .name = "tls-server",
		.subject = SUBJECT_FIRST_NAME,
		.name_types = 1 << NAME_DNS | 1 << NAME_SRV,
		.key_usage = KU_DIGITAL_SIGNATURE,
		.eku = { server_eku, 1 },
		.validity_max = 31 * DAY };
}

static const struct name one_name[] = { { NAME_DNS,
    { (const uint8_t *)"www.example.org", 15 } } };

static struct leaf
plain_leaf(const struct buf *spki)
{
	return (struct leaf){ serial, NOW, NOW + 31 * DAY - 1, buf_span(spki),
		one_name, 1, SPAN_NONE };
}

/* ---- certificates that verify -------------------------------------------- */

static void
check_leaf(const struct software_ca *ca, X509 *cert, EVP_PKEY *subscriber)
{
	OWN(X509) *issuer = NULL;
	OWN(X509_STORE) *store = X509_STORE_new();
	OWN(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();

	assert_int_equal(X509_verify(cert, ca->key), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), subscriber), 1);
	assert_int_equal(X509_get_version(cert), X509_VERSION_3);
	assert_int_equal(
	    X509_check_host(cert, "www.example.org", 0, 0, NULL), 1);
	check_ok(cert_parse("CA", buf_span(&ca->der), &issuer));
	assert_int_equal(X509_STORE_add_cert(store, issuer), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_time(ctx, 0, NOW + 5);
	if (X509_verify_cert(ctx) != 1)
		fail_msg("%s", X509_verify_cert_error_string(
				   X509_STORE_CTX_get_error(ctx)));
}

static void
leaf_of_every_key_under_every_ca(void **state)
{
	static const char *const cas[] = { "ec-p256", "ec-p384", "rsa-2048" };
	static const char *const keys[] = { "ec-p256", "ec-p384", "ec-p521",
		"ed25519", "rsa-2048" };
	const struct profile profile = server_profile();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(software_ca) ca = { 0 };
		OWNS(tbs_maker) *maker = NULL;

		software_ca_wished(cas[i], &PLAIN_WISH, &ca);
		check_ok(tbs_maker_new(buf_span(&ca.der), &profile, &maker));
		for (size_t j = 0; j < 5; j++) {
			OWN(EVP_PKEY) *key = key_new(keys[j]);
			OWN(X509) *cert = NULL;
			WIPED(buf) spki = { 0 };
			WIPED(buf) tbs = { 0 };
			WIPED(buf) der = { 0 };
			struct leaf leaf;

			key_spki(key, &spki);
			leaf = plain_leaf(&spki);
			check_ok(tbs_make(maker, &leaf, &tbs));
			cert = software_ca_certify(&ca, buf_span(&tbs), &der);
			check_leaf(&ca, cert, key);
		}
	}
}

static void
nothing_of_one_certificate_is_in_the_next(void **state)
{
	static const struct name many[] = {
		{ NAME_DNS, { (const uint8_t *)"a.example.org", 13 } },
		{ NAME_SRV, { (const uint8_t *)"_im.example.org", 15 } },
	};
	const struct profile profile = server_profile();
	OWN(EVP_PKEY) *rsa = key_new("rsa-2048");
	OWN(EVP_PKEY) *ec = key_new("ec-p256");
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) rsa_spki = { 0 };
	WIPED(buf) ec_spki = { 0 };
	WIPED(buf) first = { 0 };
	WIPED(buf) between = { 0 };
	WIPED(buf) again = { 0 };
	OWNS(tbs_maker) *maker = NULL;
	struct leaf leaf, other;

	(void)state;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	key_spki(rsa, &rsa_spki);
	key_spki(ec, &ec_spki);
	leaf = plain_leaf(&ec_spki);
	other = (struct leaf){ serial, NOW + 1, NOW + 2, buf_span(&rsa_spki),
		many, 2, SPAN_NONE };
	check_ok(tbs_maker_new(buf_span(&ca.der), &profile, &maker));
	check_ok(tbs_make(maker, &leaf, &first));
	check_ok(tbs_make(maker, &other, &between));
	check_ok(tbs_make(maker, &leaf, &again));
	assert_false(span_eq(buf_span(&first), buf_span(&between)));
	assert_true(span_eq(buf_span(&first), buf_span(&again)));
}

static void
a_long_first_name_leaves_the_subject_empty(void **state)
{
	static const uint8_t text[] =
	    "a-name-of-more-than-sixty-four-characters.of-which-all-are-"
	    "needed.example.org";
	const struct name name = { NAME_DNS, { text, sizeof(text) - 1 } };
	const struct profile profile = server_profile();
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) spki = { 0 };
	WIPED(buf) tbs = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	OWNS(tbs_maker) *maker = NULL;
	struct leaf leaf;
	int at;

	(void)state;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	key_spki(key, &spki);
	leaf = plain_leaf(&spki);
	leaf.names = &name;
	check_ok(tbs_maker_new(buf_span(&ca.der), &profile, &maker));
	check_ok(tbs_make(maker, &leaf, &tbs));
	cert = software_ca_certify(&ca, buf_span(&tbs), &der);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
	at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	assert_true(at >= 0);
	assert_int_equal(
	    X509_EXTENSION_get_critical(X509_get_ext(cert, at)), 1);
}

/* ---- certificates that are refused --------------------------------------- */

static void
refused_before_it_is_signed(void **state)
{
	struct profile profile = server_profile();
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) spki = { 0 };
	WIPED(buf) tbs = { 0 };
	OWNS(tbs_maker) *maker = NULL;
	struct leaf leaf;

	(void)state;
	profile.validity_max = 3700 * DAY;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	key_spki(key, &spki);
	check_ok(tbs_maker_new(buf_span(&ca.der), &profile, &maker));

	leaf = plain_leaf(&spki);
	leaf.not_after = NOW + 3650 * DAY - 1;
	check_ok(tbs_make(maker, &leaf, &tbs));
	leaf.not_after++;
	check_refused(tbs_make(maker, &leaf, &tbs), "LINT",
	    "a leaf in its CA: the validity is not within the CA's own");
	assert_int_equal(tbs.n, 0); /* nor is the one before there */

	leaf = plain_leaf(&ca.spki);
	check_refused(tbs_make(maker, &leaf, &tbs), "LINT",
	    "RFC 5280 4.1.2.7: the key is the CA's own");
	assert_int_equal(tbs.n, 0);
}

static void
a_ca_key_is_of_three_kinds(void **state)
{
	static const char *const bad[] = { "ec-p521", "ed25519" };
	struct sign_alg alg;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		OWN(EVP_PKEY) *key = key_new(bad[i]);
		WIPED(buf) spki = { 0 };

		key_spki(key, &spki);
		assert_int_equal(sign_alg_of(buf_span(&spki), &alg), RC_POLICY);
		assert_non_null(strstr(err_text(), bad[i]));
	}
}

/* ---- the signature around it --------------------------------------------- */

static void
ecdsa_halves_become_integers(void **state)
{
	static const uint8_t raw[] = { 0x00, 0x01, 0x80, 0x00 };
	static const uint8_t tbs[] = { 0x30, 0x00 };
	static const uint8_t wanted[] = { 0x30, 0x1b, 0x30, 0x00, 0x30, 0x0a,
		0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
		0x03, 0x0b, 0x00, 0x30, 0x08, 0x02, 0x01, 0x01, 0x02, 0x03,
		0x00, 0x80, 0x00 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	WIPED(buf) spki = { 0 };
	WIPED(buf) der = { 0 };
	struct sign_alg alg;

	(void)state;
	key_spki(key, &spki);
	check_ok(sign_alg_of(buf_span(&spki), &alg));
	check_ok(cert_assemble(
	    &alg, span_of(tbs, sizeof(tbs)), span_of(raw, sizeof(raw)), &der));
	assert_int_equal(der.n, sizeof(wanted));
	assert_memory_equal(der.p, wanted, sizeof(wanted));
	assert_int_equal(cert_assemble(&alg, span_of(tbs, sizeof(tbs)),
			     span_of(raw, 3), &der),
	    RC_TOKEN);
	assert_int_equal(der.n, sizeof(wanted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_of_every_key_under_every_ca),
		cmocka_unit_test(nothing_of_one_certificate_is_in_the_next),
		cmocka_unit_test(a_long_first_name_leaves_the_subject_empty),
		cmocka_unit_test(refused_before_it_is_signed),
		cmocka_unit_test(a_ca_key_is_of_three_kinds),
		cmocka_unit_test(ecdsa_halves_become_integers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
