/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA's certificate must be before it is pinned. */
#include "transfer/judge/judge.h"

#include "tests/lib/software_ca.h"

static EVP_PKEY *p256;

static int
make_key(void **state)
{
	(void)state;
	p256 = key_new("ec-p256");
	return p256 == NULL ? -1 : 0;
}

static int
free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(p256);
	return 0;
}

/* ---- ways to be no CA ---------------------------------------------------- */

static void
no_ca(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "critical,CA:FALSE");
}

static void
uncritical_ca(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "CA:TRUE");
}

static void
no_crl_sign(X509 *cert)
{
	add_text(cert, cert, "keyUsage", "critical,keyCertSign");
}

static void
uncritical_usage(X509 *cert)
{
	add_text(cert, cert, "keyUsage", "keyCertSign,cRLSign");
}

static void
old_version(X509 *cert)
{
	assert_int_equal(X509_set_version(cert, X509_VERSION_1), 1);
}

static enum rc
pin(struct trust *trust, X509 *cert)
{
	WIPED(buf) der = { 0 };

	cert_der(cert, &der);
	err_clear();
	return trust_add_ca(trust, "ca.pem", buf_span(&der));
}

static void
each_way_to_be_no_ca_has_its_sentence(void **state)
{
	static const struct {
		spoil *how;
		const char *sentence;
	} ways[] = {
		{ no_ca, "ca.pem: no critical basicConstraints with cA TRUE "
			 "(RFC 5280 4.2.1.9)" },
		{ uncritical_ca, "ca.pem: no critical basicConstraints with cA "
				 "TRUE (RFC 5280 4.2.1.9)" },
		{ no_crl_sign, "ca.pem: no critical keyUsage with keyCertSign "
			       "and cRLSign (RFC 5280 4.2.1.3)" },
		{ uncritical_usage,
		    "ca.pem: no critical keyUsage with keyCertSign and cRLSign "
		    "(RFC 5280 4.2.1.3)" },
		{ old_version, "ca.pem: not X.509 v3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		OWN(X509) *cert = ca_cert_make(p256, "CN=ca", ways[i].how);
		WIPED(trust) trust = { 0 };

		check_refused(pin(&trust, cert), "CA-CERT", ways[i].sentence);
		assert_int_equal(trust.n_cas, 0);
	}
}

static void
a_ca_without_name_or_key_identifier_is_refused(void **state)
{
	OWN(X509) *nameless = ca_cert_make(p256, "", NULL);
	OWN(X509) *bare = ca_cert_make(p256, "CN=ca", NULL);
	WIPED(trust) trust = { 0 };

	(void)state;
	check_refused(pin(&trust, nameless), "CA-CERT",
	    "ca.pem: an empty subject (RFC 5280 4.1.2.6)");
	X509_EXTENSION_free(X509_delete_ext(
	    bare, X509_get_ext_by_NID(bare, NID_subject_key_identifier, -1)));
	assert_true(X509_sign(bare, p256, EVP_sha256()) > 0);
	check_refused(pin(&trust, bare), "CA-CERT",
	    "ca.pem: no subjectKeyIdentifier (RFC 5280 4.2.1.2)");
}

static void
only_keys_that_a_ca_signs_with_are_pinned(void **state)
{
	static const struct {
		const char *type, *sentence;
	} keys[] = {
		{ "ec-p256", NULL },
		{ "ec-p384", NULL },
		{ "rsa-2048", NULL },
		{ "ec-p521", "ca.pem: its key is not RSA, P-256 or P-384" },
		{ "ed25519", "ca.pem: its key is not RSA, P-256 or P-384" },
		{ "rsa-1024",
		    "ca.pem: an RSA key of 1024 bits, not 2048 to 4096" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		OWN(EVP_PKEY) *key = key_new(keys[i].type);
		OWN(X509) *cert = ca_cert_make(key, "CN=ca", NULL);
		WIPED(trust) trust = { 0 };

		if (keys[i].sentence != NULL)
			check_refused(
			    pin(&trust, cert), "CA-CERT", keys[i].sentence);
		else
			check_ok(pin(&trust, cert));
	}
}

static void
who_signs_himself_signs_with_his_own_key(void **state)
{
	OWN(EVP_PKEY) *other = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(p256, "CN=ca", NULL);
	OWN(X509_NAME) *root = NULL;
	WIPED(trust) trust = { 0 };

	(void)state;
	assert_true(X509_sign(cert, other, EVP_sha256()) > 0);
	check_refused(pin(&trust, cert), "CA-CERT",
	    "ca.pem: its signature is not of its own key");
	/* Issued by another, whose key is not here: its words pin it. */
	check_ok(subject_read("CN=root", &root));
	assert_int_equal(X509_set_issuer_name(cert, root), 1);
	assert_true(X509_sign(cert, other, EVP_sha256()) > 0);
	check_ok(pin(&trust, cert));
}

static void
further_certificates_are_of_the_same_ca(void **state)
{
	OWN(EVP_PKEY) *next = key_new("ec-p256");
	OWN(X509) *first = ca_cert_make(p256, "CN=ca", NULL);
	OWN(X509) *renewed = ca_cert_make(next, "CN=ca", NULL);
	OWN(X509) *stranger = ca_cert_make(next, "CN=cb", NULL);
	WIPED(trust) trust = { 0 };

	(void)state;
	check_ok(pin(&trust, first));
	check_refused(pin(&trust, first), "CA-CERT", "ca.pem: pinned already");
	check_refused(pin(&trust, stranger), "CA-CERT",
	    "ca.pem: another subject than the CA pinned first");
	check_ok(pin(&trust, renewed));
	assert_int_equal(trust.n_cas, 2);
}

static void
what_is_not_one_certificate_is_refused(void **state)
{
	OWN(X509) *cert = ca_cert_make(p256, "CN=ca", NULL);
	WIPED(trust) trust = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	cert_der(cert, &der);
	check_refused(
	    trust_add_ca(&trust, "ca.pem", span_of("\x30\x02\x05\x00", 4)),
	    "CA-CERT", "ca.pem: not one certificate");
	for (size_t n = 0; n < der.n; n += 5)
		assert_int_equal(
		    trust_add_ca(&trust, "ca.pem", span_of(der.p, n)),
		    RC_FORMAT);
	check_ok(buf_add_byte(&der, 0));
	assert_int_equal(
	    trust_add_ca(&trust, "ca.pem", buf_span(&der)), RC_FORMAT);
	assert_int_equal(trust.n_cas, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_be_no_ca_has_its_sentence),
		cmocka_unit_test(
		    a_ca_without_name_or_key_identifier_is_refused),
		cmocka_unit_test(only_keys_that_a_ca_signs_with_are_pinned),
		cmocka_unit_test(who_signs_himself_signs_with_his_own_key),
		cmocka_unit_test(further_certificates_are_of_the_same_ca),
		cmocka_unit_test(what_is_not_one_certificate_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_key, free_key);
}
