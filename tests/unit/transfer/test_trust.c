/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA's certificate must be before it is pinned. */
#include "transfer/judge/judge.h"

#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"

#include <openssl/err.h>

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
no_cert_sign(X509 *cert)
{
	add_text(cert, cert, "keyUsage", "critical,cRLSign");
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

/* The thirteenth month. */
static void
no_such_day(X509 *cert)
{
	assert_int_equal(
	    ASN1_STRING_set(X509_getm_notBefore(cert), "261301000000Z", 13), 1);
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
		{ no_ca, "ca.pem: no basicConstraints with cA TRUE (RFC 5280 "
			 "4.2.1.9)" },
		{ no_cert_sign, "ca.pem: its keyUsage has no keyCertSign (RFC "
				"5280 4.2.1.3)" },
		{ no_such_day, "ca.pem: a broken date (RFC 5280 4.1.2.5)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		OWN(X509) *cert = ca_cert_make(p256, "CN=ca", ways[i].how);
		WIPED(trust) trust = { 0 };

		check_refused(pin(&trust, cert), "CA-CERT", ways[i].sentence);
		assert_int_equal(trust.n_cas, 0);
	}
}

/* How CAs of openssl ca and easy-rsa look, and those that are older still. */
static void
no_usage(X509 *cert)
{
	X509_EXTENSION_free(X509_delete_ext(
	    cert, X509_get_ext_by_NID(cert, NID_key_usage, -1)));
}

static void
no_identifier(X509 *cert)
{
	X509_EXTENSION_free(X509_delete_ext(
	    cert, X509_get_ext_by_NID(cert, NID_subject_key_identifier, -1)));
}

static void
what_peers_do_not_mind_is_pinned(void **state)
{
	static spoil *const ways[] = { uncritical_ca, uncritical_usage,
		no_crl_sign, no_usage, no_identifier };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		OWN(X509) *cert = ca_cert_make(p256, "CN=ca", ways[i]);
		WIPED(trust) trust = { 0 };

		check_ok(pin(&trust, cert));
		assert_int_equal(trust.n_cas, 1);
		assert_int_equal(trust.cas[0].ski.n, 20);
	}
}

static void
one_that_signed_itself_may_have_done_it_with_sha1(void **state)
{
	OWN(X509) *cert = ca_cert_make(p256, "CN=ca", NULL);
	WIPED(trust) trust = { 0 };

	(void)state;
	assert_true(X509_sign(cert, p256, EVP_sha1()) > 0);
	check_ok(pin(&trust, cert));
	assert_ptr_equal(trust.cas[0].digest, EVP_sha256());
}

/*
 * OpenSSL 3.5 signs whatever has extensions as version 3, so the octet is
 * changed after that. Version is looked at before the signature.
 */
static void
an_old_version_is_refused(void **state)
{
	static const uint8_t v3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
	OWN(X509) *cert = ca_cert_make(p256, "CN=ca", NULL);
	WIPED(trust) trust = { 0 };
	WIPED(buf) der = { 0 };
	uint8_t *at;

	(void)state;
	cert_der(cert, &der);
	at = memmem(der.p, der.n, v3, sizeof(v3));
	assert_non_null(at);
	at[4] = X509_VERSION_2;
	err_clear();
	check_refused(trust_add_ca(&trust, "ca.pem", buf_span(&der)), "CA-CERT",
	    "ca.pem: not X.509 v3");
	assert_int_equal(trust.n_cas, 0);
}

static void
a_ca_without_a_name_is_refused(void **state)
{
	OWN(X509) *nameless = ca_cert_make(p256, "", NULL);
	WIPED(trust) trust = { 0 };

	(void)state;
	check_refused(pin(&trust, nameless), "CA-CERT",
	    "ca.pem: an empty subject (RFC 5280 4.1.2.6)");
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
	OWN(X509) *above = NULL;
	OWN(X509_NAME) *root = NULL;
	WIPED(trust) trust = { 0 };

	(void)state;
	assert_true(X509_sign(cert, other, EVP_sha256()) > 0);
	check_refused(pin(&trust, cert), "CA-CERT",
	    "ca.pem: its signature is not of its own key");
	/* Issued by another, whose key is not here: its words pin it. */
	check_ok(subject_read("CN=root", &root));
	above = ca_cert_make(other, "CN=root", NULL);
	assert_int_equal(X509_set_issuer_name(cert, root), 1);
	add_text(cert, above, "authorityKeyIdentifier", "keyid:always");
	assert_true(X509_sign(cert, p256, EVP_sha256()) > 0);
	check_refused(pin(&trust, cert), "CA-CERT",
	    "ca.pem: signed by its own key, and its issuer is not its subject, byte for byte");
	assert_true(X509_sign(cert, other, EVP_sha1()) > 0);
	check_refused(pin(&trust, cert), "CA-CERT",
	    "ca.pem: signed with an algorithm that is not ECDSA or PKCS#1 with SHA-2, nor Ed25519");
	assert_true(X509_sign(cert, other, EVP_sha256()) > 0);
	check_ok(pin(&trust, cert));
}

static void
further_certificates_are_of_the_same_ca(void **state)
{
	OWN(EVP_PKEY) *next = key_new("ec-p256");
	OWN(X509) *first = ca_cert_make(p256, "CN=ca", NULL);
	OWN(X509) *renewed = ca_cert_make(next, "CN=ca", NULL);
	OWN(X509) *stranger = ca_cert_make(p256, "CN=cb", NULL);
	OWN(X509) *renamed = ca_cert_make(next, "CN=cb", NULL);
	WIPED(trust) trust = { 0 };

	(void)state;
	check_ok(pin(&trust, first));
	check_refused(pin(&trust, first), "CA-CERT", "ca.pem: pinned already");
	check_refused(pin(&trust, stranger), "CA-CERT",
	    "ca.pem: another subject than the CA of this key that is pinned");
	check_ok(pin(&trust, renewed));
	assert_int_equal(trust.n_cas, 2);
	check_refused(pin(&trust, renamed), "CA-CERT",
	    "ca.pem: another subject than the CA of this key that is pinned");
}

/* Of `ca`, with this key: what crosses over it. */
static struct software_ca
crossing(EVP_PKEY *key, X509 *cert)
{
	return (struct software_ca){ .key = key, .cert = cert };
}

static void
for_ever(X509 *cert)
{
	set_time(X509_getm_notAfter(cert), NOW + 9999 * DAY);
}

static void
with_another_ski(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_key_identifier, -1);

	X509_EXTENSION_free(X509_delete_ext(cert, at));
	add_text(cert, cert, "subjectKeyIdentifier", "01:02");
}

static void
with_another_subject(X509 *cert)
{
	OWN(X509_NAME) *name = NULL;

	check_ok(subject_read("CN=cb", &name));
	assert_int_equal(X509_set_subject_name(cert, name), 1);
}

/* That of a CA below has none. */
static void
unmarked(X509 *over)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(SUCCESSION, 1);

	X509_EXTENSION_free(
	    X509_delete_ext(over, X509_get_ext_by_OBJ(over, oid, -1)));
}

static void
mismarked(X509 *over)
{
	unmarked(over);
	add_text(over, over, SUCCESSION, "DER:0101FF");
}

static void
a_certificate_across_is_from_pinned_key_to_pinned_key(void **state)
{
	static spoil *const ways[] = { with_another_ski, with_another_subject };
	OWN(EVP_PKEY) *next = key_new("ec-p256");
	OWN(EVP_PKEY) *third = key_new("ec-p256");
	OWN(X509) *first = ca_cert_make(p256, "CN=ca", NULL);
	OWN(X509) *second = ca_cert_make(next, "CN=ca", NULL);
	OWN(X509) *stranger = ca_cert_make(third, "CN=ca", NULL);
	const struct software_ca old = crossing(p256, first);
	const struct software_ca new = crossing(next, second);
	const struct software_ca other = crossing(third, stranger);
	WIPED(trust) trust = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	check_ok(pin(&trust, first));
	software_ca_cross(&old, second, NULL, &der);
	check_refused(trust_add_cross(&trust, "x", buf_span(&der)),
	    "TRUST-CHANGE",
	    "x: a certificate over a CA key or name that is not pinned");
	check_ok(pin(&trust, second));
	check_ok(trust_add_cross(&trust, "x", buf_span(&der)));
	check_ok(trust_add_cross(&trust, "x", buf_span(&der)));
	assert_int_equal(trust.n_crosses, 1);
	assert_memory_equal(
	    trust.crosses[0].over, trust.cas[1].key_id, SHA256_LEN);
	assert_memory_equal(
	    trust.crosses[0].by, trust.cas[0].key_id, SHA256_LEN);
	software_ca_cross(&new, first, for_ever, &der);
	check_ok(trust_add_cross(&trust, "x", buf_span(&der)));
	assert_int_equal(trust.n_crosses, 2);
	assert_int_equal(trust.crosses[1].not_after, NOW + 9999 * DAY);
	software_ca_cross(&old, second, unmarked, &der);
	check_refused(trust_add_cross(&trust, "x", buf_span(&der)),
	    "TRUST-CHANGE",
	    "x: a certificate over a CA key that has no mark of the CA's own next keys, as that of a CA below has none");
	software_ca_cross(&old, second, mismarked, &der);
	check_refused(trust_add_cross(&trust, "x", buf_span(&der)), "CA-CERT",
	    "x: its mark of a CA's next key is malformed");
	software_ca_cross(&other, second, NULL, &der);
	check_refused(trust_add_cross(&trust, "x", buf_span(&der)),
	    "TRUST-CHANGE",
	    "x: a certificate over a CA key that no other CA key that is pinned has signed");
	software_ca_cross(&new, second, NULL, &der);
	check_refused(trust_add_cross(&trust, "x", buf_span(&der)),
	    "TRUST-CHANGE",
	    "x: a certificate over a CA key that no other CA key that is pinned has signed");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		software_ca_cross(&old, second, ways[i], &der);
		check_refused(trust_add_cross(&trust, "x", buf_span(&der)),
		    "TRUST-CHANGE",
		    "x: a certificate over a CA key or name that is not pinned");
	}
	assert_int_equal(trust.n_crosses, 2);
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

/* ---- what a parser stumbles over ----------------------------------------- */

static void
broken_constraints(X509 *cert)
{
	OWN(ASN1_OCTET_STRING) *null = ASN1_OCTET_STRING_new();
	OWN(X509_EXTENSION) *ext = NULL;

	assert_int_equal(
	    ASN1_OCTET_STRING_set(null, (const uint8_t *)"\x05\x00", 2), 1);
	ext =
	    X509_EXTENSION_create_by_NID(NULL, NID_basic_constraints, 1, null);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
}

static void
broken_date(X509 *cert)
{
	assert_int_equal(
	    ASN1_STRING_set(X509_getm_notAfter(cert), "371332000000Z", 13), 1);
}

/* The last byte of the point: it is not on its curve any more. */
static void
broken_key(X509 *cert)
{
	const uint8_t *point = NULL;
	int n = 0;

	assert_int_equal(X509_PUBKEY_get0_param(NULL, &point, &n, NULL,
			     X509_get_X509_PUBKEY(cert)),
	    1);
	((uint8_t *)(uintptr_t)point)[n - 1] ^= 1;
}

static void
what_cannot_be_read_is_no_ca(void **state)
{
	static const struct {
		spoil *how;
		const char *sentence;
	} ways[] = {
		{ broken_constraints, "ca.pem: a broken extension" },
		{ broken_date, "ca.pem: a broken date (RFC 5280 4.1.2.5)" },
		{ broken_key, "ca.pem: unusable key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		OWN(X509) *cert = ca_cert_make(p256, "CN=ca", ways[i].how);
		WIPED(trust) trust = { 0 };

		check_refused(pin(&trust, cert), "CA-CERT", ways[i].sentence);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* ---- the transfer certificate -------------------------------------------- */

/* As the CA makes it, changed and signed again. */
static void
transfer_make(
    const struct software_ca *ca, EVP_PKEY *key, spoil *how, struct buf *ret)
{
	OWN(X509) *cert = software_ca_transfer(
	    ca, key, "critical,digitalSignature", "critical," EKU_TRANSFER);

	how(cert);
	assert_true(X509_sign(cert, ca->key, digest_for(ca->key)) > 0);
	cert_der(cert, ret);
}

static void
known(X509 *cert)
{
	add_text(cert, cert, "nsComment", "not critical");
}

static void
unknown_critical(X509 *cert)
{
	add_text(cert, cert, "1.2.3.4", "critical,DER:0500");
}

static void
unknown_uncritical(X509 *cert)
{
	add_text(cert, cert, "1.2.3.4", "DER:0500");
}

static void
authority(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "critical,CA:TRUE");
}

static void
begins_now(X509 *cert)
{
	set_time(X509_getm_notBefore(cert), NOW);
}

static void
begins_later(X509 *cert)
{
	set_time(X509_getm_notBefore(cert), NOW + 1);
}

static void
ends_now(X509 *cert)
{
	set_time(X509_getm_notAfter(cert), NOW);
}

static void
ended(X509 *cert)
{
	set_time(X509_getm_notAfter(cert), NOW - 1);
}

static void
each_way_to_be_no_transfer_certificate(void **state)
{
	static const struct {
		spoil *how;
		const char *sentence; /* NULL: it is one */
	} ways[] = {
		{ known, NULL },
		{ unknown_uncritical, NULL },
		{ begins_now, NULL },
		{ ends_now, NULL },
		{ unknown_critical, "t.pem: an unknown critical extension" },
		{ authority, "t.pem: a CA's certificate" },
		{ begins_later, "t.pem: not valid when this was signed" },
		{ ended, "t.pem: not valid when this was signed" },
		{ broken_date, "t.pem: a broken date" },
		{ broken_constraints, "t.pem: a broken extension" },
		{ broken_key, "t.pem: unusable key" },
	};
	WIPED(software_ca) ca = { 0 };
	WIPED(trust) trust = { 0 };

	(void)state;
	software_ca_make(&ca, "ec-p256");
	check_ok(trust_add_ca(&trust, "ca.pem", buf_span(&ca.der)));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *sentence = ways[i].sentence;
		OWN(EVP_PKEY) *key = NULL;
		WIPED(buf) der = { 0 };
		enum rc rc;

		transfer_make(&ca, p256, ways[i].how, &der);
		err_clear();
		rc = judge_transfer_cert(
		    "t.pem", &trust, buf_span(&der), NOW, &key);
		if (sentence == NULL && rc != RC_OK)
			fail_msg("%zu: %s", i, err_text());
		if (sentence != NULL)
			check_refused(rc, "TRANSFER-CERT", sentence);
		assert_int_equal(key != NULL, sentence == NULL);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static void
a_window_wants_the_transfer_key(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(trust) trust = { 0 };
	WIPED(buf) der = { 0 };
	struct ca_window window = { .path_len = -7 };
	uint8_t id[SHA256_LEN];

	(void)state;
	software_ca_make(&ca, "ec-p256");
	check_ok(trust_add_ca(&trust, "ca.pem", buf_span(&ca.der)));
	transfer_make(&ca, p256, broken_key, &der);
	assert_int_equal(trust_window(&trust, buf_span(&der), &window), RC_BUG);
	assert_int_equal(window.path_len, -7); /* as it was */
	check_ok(trust_window(&trust, buf_span(&ca.transfer_der), &window));
	check_ok(key_id_of(ca.transfer_key, id));
	assert_memory_equal(window.transfer_id, id, SHA256_LEN);
	assert_memory_equal(window.key_id, ca.key_id, SHA256_LEN);
	assert_int_equal(window.path_len, 0);
}

/* ---- a machine that refuses ---------------------------------------------- */

static enum rc
pin_and_judge(void *arg)
{
	const struct software_ca *ca = arg;
	WIPED(trust) trust = { 0 };
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc = trust_add_ca(&trust, "ca.pem", buf_span(&ca->der));

	if (rc == RC_OK)
		rc = judge_transfer_cert(
		    "t.pem", &trust, buf_span(&ca->transfer_der), NOW, &key);
	if (rc != RC_OK)
		assert_null(key);
	return rc;
}

static void
nothing_is_pinned_by_halves(void **state)
{
	WIPED(software_ca) ca = { 0 };

	(void)state;
	software_ca_make(&ca, "ec-p256");
	each_fails(FAIL_MEMORY " EVP_DigestInit_ex2 EVP_DigestUpdate "
			       "EVP_DigestFinal_ex OBJ_txt2obj",
	    pin_and_judge, NULL, &ca);
}

static void
no_verdict_was_spoken(void *arg)
{
	(void)arg;
	assert_int_equal(rule_spoken(), RULE_NONE);
	err_shortage_clear();
}

/* What OpenSSL fails at is neither a CA that did not sign nor one that did. */
static void
a_failure_is_not_the_word_of_a_ca(void **state)
{
	WIPED(software_ca) ca = { 0 };

	(void)state;
	software_ca_make(&ca, "ec-p256");
	each_fails("EVP_MD_CTX_new EVP_DigestVerifyInit_ex EVP_DigestVerify",
	    pin_and_judge, no_verdict_was_spoken, &ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_be_no_ca_has_its_sentence),
		cmocka_unit_test(what_peers_do_not_mind_is_pinned),
		cmocka_unit_test(
		    one_that_signed_itself_may_have_done_it_with_sha1),
		cmocka_unit_test(an_old_version_is_refused),
		cmocka_unit_test(a_ca_without_a_name_is_refused),
		cmocka_unit_test(only_keys_that_a_ca_signs_with_are_pinned),
		cmocka_unit_test(who_signs_himself_signs_with_his_own_key),
		cmocka_unit_test(further_certificates_are_of_the_same_ca),
		cmocka_unit_test(
		    a_certificate_across_is_from_pinned_key_to_pinned_key),
		cmocka_unit_test(what_is_not_one_certificate_is_refused),
		cmocka_unit_test(what_cannot_be_read_is_no_ca),
		cmocka_unit_test(each_way_to_be_no_transfer_certificate),
		cmocka_unit_test(a_window_wants_the_transfer_key),
		cmocka_unit_test(nothing_is_pinned_by_halves),
		cmocka_unit_test(a_failure_is_not_the_word_of_a_ca),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_key, free_key);
}
