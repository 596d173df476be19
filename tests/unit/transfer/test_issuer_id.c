/* SPDX-License-Identifier: Apache-2.0 */
/* What names a CA in everything that it signs is what its certificate says. */
#include "transfer/x509/issuer_id.h"

#include "tests/lib/software_ca.h"

#include <openssl/err.h>

static void
no_identifier(X509 *cert)
{
	X509_EXTENSION_free(X509_delete_ext(
	    cert, X509_get_ext_by_NID(cert, NID_subject_key_identifier, -1)));
}

static void
id_of(X509 *cert, struct buf *ret)
{
	WIPED(buf) der = { 0 };

	cert_der(cert, &der);
	buf_reset(ret);
	check_ok(issuer_id_of_cert("ca.pem", buf_span(&der), ret));
}

static void
of_its_own_bytes(X509 *cert, const char *bytes, int n)
{
	OWN(ASN1_OCTET_STRING) *id = ASN1_OCTET_STRING_new();

	assert_int_equal(
	    ASN1_OCTET_STRING_set(id, (const uint8_t *)bytes, n), 1);
	no_identifier(cert);
	assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_key_identifier, id,
			     0, X509V3_ADD_APPEND),
	    1);
}

static void
it_is_what_the_certificate_says_whatever_made_it(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(key, "CN=ca", NULL);
	WIPED(buf) id = { 0 };

	(void)state;
	of_its_own_bytes(cert, "any", 3);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	id_of(cert, &id);
	assert_true(span_eq(buf_span(&id), span_str("any")));
}

/* RFC 5280 4.2.1.2 (1), as OpenSSL and NSS compute it. */
static void
without_one_it_is_the_sha1_of_the_keys_bits(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(key, "CN=ca", no_identifier);
	WIPED(buf) id = { 0 };
	uint8_t wanted[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)state;
	assert_int_equal(X509_pubkey_digest(cert, EVP_sha1(), wanted, &n), 1);
	id_of(cert, &id);
	assert_true(span_eq(buf_span(&id), span_of(wanted, n)));
}

static void
one_that_is_none_is_refused(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(key, "CN=ca", NULL);
	WIPED(buf) der = { 0 };
	WIPED(buf) id = { 0 };

	(void)state;
	of_its_own_bytes(cert, "", 0);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	cert_der(cert, &der);
	assert_int_equal(
	    issuer_id_of_cert("ca.pem", buf_span(&der), &id), RC_FORMAT);
	assert_string_equal(err_text(),
	    "ca.pem: its subjectKeyIdentifier is not one of 1 to 64 octets (RFC 5280 4.2.1.2)");
	assert_int_equal(id.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    it_is_what_the_certificate_says_whatever_made_it),
		cmocka_unit_test(without_one_it_is_the_sha1_of_the_keys_bits),
		cmocka_unit_test(one_that_is_none_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
