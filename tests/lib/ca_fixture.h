/* SPDX-License-Identifier: Apache-2.0 */
/** A CA in memory: keys, certificates and responses, right or wrong at will.
 *
 * Included by the test programs of the online side. Certificates are made with
 * OpenSSL's X509 API, not with transfer/x509/tbs, so that the judge is shown the work
 * of somebody else.
 */
#ifndef TESTS_CA_FIXTURE_H
#define TESTS_CA_FIXTURE_H

#include "tests/lib/check.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/x509/pem.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/rand.h>

#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

/** Refused by this rule, and the sentence has these words. */
#define check_rule(call, rule, words)                                          \
	check_said((call), (rule), (words), __FILE__, __LINE__)

static inline void
check_said(enum rc rc, const char *rule, const char *words, const char *file,
    int line)
{
	if (rc == RC_OK)
		fail_msg("%s:%d: accepted, wanted %s", file, line, rule);
	if (strcmp(rule_name(rule_spoken()), rule) != 0 ||
	    strstr(err_text(), words) == NULL)
		fail_msg("%s:%d: \"%s\" [%s], wanted \"%s\" [%s]", file, line,
		    err_text(), rule_name(rule_spoken()), words, rule);
}

static inline EVP_PKEY *
key_make(const char *type)
{
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
}

static inline const EVP_MD *
digest_for(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256();
}

static inline void
spki_of(EVP_PKEY *key, struct buf *out)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	check_ok(buf_add(out, der, (size_t)n));
}

static inline void
der_of(X509 *cert, struct buf *out)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	buf_reset(out);
	check_ok(buf_add(out, der, (size_t)n));
}

static inline void
set_time(const ASN1_TIME *to, int64_t at)
{
	assert_non_null(ASN1_TIME_set((ASN1_TIME *)(uintptr_t)to, (time_t)at));
}

static inline void
add_text(X509 *cert, X509 *issuer, const char *name, const char *value)
{
	OWN(X509_EXTENSION) *ext = NULL;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_nconf(NULL, &ctx, name, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
}

static inline void
set_serial(X509 *cert, struct span serial)
{
	OWN(BIGNUM) *bn = BN_bin2bn(serial.p, (int)serial.n, NULL);

	assert_non_null(bn);
	assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)));
}

/* A certificate with subject, key, serial and dates, not signed yet. */
static inline X509 *
cert_begin(X509_NAME *subject, EVP_PKEY *key, struct span serial, int64_t from,
    int64_t to)
{
	X509 *cert = X509_new();

	assert_non_null(cert);
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	set_serial(cert, serial);
	set_time(X509_getm_notBefore(cert), from);
	set_time(X509_getm_notAfter(cert), to);
	assert_int_equal(X509_set_subject_name(cert, subject), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	return cert;
}

static inline void
draw_serial(uint8_t serial[static 16])
{
	assert_int_equal(RAND_bytes(serial, 16), 1);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

/* ---- the CA -------------------------------------------------------------- */

struct fake_ca {
	EVP_PKEY *key, *transfer_key;
	X509 *cert, *transfer;
	struct buf der, transfer_der;
	uint8_t id[SHA256_LEN], key_id[SHA256_LEN];
};

static inline void
fake_ca_wipe(struct fake_ca *ca)
{
	EVP_PKEY_free(ca->key);
	EVP_PKEY_free(ca->transfer_key);
	X509_free(ca->cert);
	X509_free(ca->transfer);
	buf_wipe(&ca->der);
	buf_wipe(&ca->transfer_der);
}

/* Changes a certificate before it is signed. */
typedef void spoil(X509 *cert);

static inline X509 *
ca_cert_make(EVP_PKEY *key, const char *subject, spoil *how)
{
	OWN(X509_NAME) *name = NULL;
	uint8_t serial[16];
	X509 *cert;

	draw_serial(serial);
	check_ok(subject_read(subject, &name));
	cert = cert_begin(name, key, span_of(serial, 16), NOW - 10 * DAY,
	    NOW + 3650 * DAY);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	if (how != NULL)
		how(cert);
	if (X509_get_ext_by_NID(cert, NID_basic_constraints, -1) < 0)
		add_text(cert, cert, "basicConstraints",
		    "critical,CA:TRUE,pathlen:0");
	if (X509_get_ext_by_NID(cert, NID_key_usage, -1) < 0)
		add_text(
		    cert, cert, "keyUsage", "critical,keyCertSign,cRLSign");
	if (X509_get_ext_by_NID(cert, NID_subject_key_identifier, -1) < 0)
		add_text(cert, cert, "subjectKeyIdentifier", "hash");
	assert_true(X509_sign(cert, key, digest_for(key)) > 0);
	return cert;
}

/* `eku` and `usage` as OpenSSL's configuration has them; NULL: left out. */
static inline X509 *
transfer_make(const struct fake_ca *ca, EVP_PKEY *key, const char *usage,
    const char *eku)
{
	OWN(X509_NAME) *name = NULL;
	uint8_t serial[16];
	X509 *cert;

	draw_serial(serial);
	check_ok(subject_read("CN=transfer", &name));
	cert = cert_begin(
	    name, key, span_of(serial, 16), NOW - DAY, NOW + 1000 * DAY);
	assert_int_equal(
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)), 1);
	if (usage != NULL)
		add_text(cert, ca->cert, "keyUsage", usage);
	if (eku != NULL)
		add_text(cert, ca->cert, "extendedKeyUsage", eku);
	add_text(cert, ca->cert, "authorityKeyIdentifier", "keyid:always");
	assert_true(X509_sign(cert, ca->key, digest_for(ca->key)) > 0);
	return cert;
}

static inline void
fake_ca_make(struct fake_ca *ca, const char *type)
{
	ca->key = key_make(type);
	ca->transfer_key = key_make("P-256");
	ca->cert = ca_cert_make(ca->key, "CN=Fake CA, O=Tests", NULL);
	der_of(ca->cert, &ca->der);
	ca->transfer = transfer_make(ca, ca->transfer_key,
	    "critical,digitalSignature", "critical," EKU_TRANSFER);
	der_of(ca->transfer, &ca->transfer_der);
	check_ok(sha256(buf_span(&ca->der), ca->id));
	check_ok(key_id_of(ca->key, ca->key_id));
}

static inline void
fake_ca_trust(const struct fake_ca *ca, struct trust *trust)
{
	check_ok(trust_add_ca(trust, "CA", buf_span(&ca->der)));
	check_ok(buf_add_span(
	    &trust->transfer_cert, buf_span(&ca->transfer_der)));
}

/* ---- a policy ------------------------------------------------------------ */

#define FAKE_PROFILE                                                           \
	"names = dns, srv\n"                                                   \
	"key-types = ec-p256, ec-p384, ed25519, rsa\n"                         \
	"rsa-bits-min = 2048\nrsa-bits-max = 8192\n"                           \
	"keyUsage = critical, digitalSignature\n"                              \
	"extendedKeyUsage = serverAuth\n"                                      \
	"validity = 31d\nvalidity-max = 100d\n"                                \
	"series-max = 12\nhorizon = 800d\n"
/* "server" has a CN; "bare" has an empty subject and an extension of its own. */
#define FAKE_POLICY                                                            \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n"     \
	"[profile server]\nsubject = first-name\n" FAKE_PROFILE               \
	"[profile bare]\nsubject = none\n" FAKE_PROFILE                       \
	"extension.tlsfeature = status_request\n"

static inline void
fake_policy(struct policy *policy)
{
	check_ok(policy_parse("policy.conf", span_str(FAKE_POLICY), policy));
}

/* ---- what it signs ------------------------------------------------------- */

static inline void
cert_make(const struct fake_ca *ca, const struct policy *policy,
    const struct expected *e, spoil *how, struct buf *ret_der)
{
	const struct profile *profile =
	    policy_profile_get0(policy, e->profile);
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca->cert);
	WIPED(extension_plan) plan = { 0 };
	WIPED(extension_list) list = { 0 };
	const uint8_t *p = e->spki.p;
	OWN(X509_NAME) *subject = NULL;
	OWN(EVP_PKEY) *key = d2i_PUBKEY(NULL, &p, (long)e->spki.n);
	OWN(X509) *cert = NULL;

	check_ok(subject_of(profile, e->names, e->n_names, &subject));
	cert = cert_begin(subject, key, e->serial, e->not_before, e->not_after);
	assert_int_equal(
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)), 1);
	check_ok(extension_plan_make(profile,
	    span_of(ASN1_STRING_get0_data(ski),
		(size_t)ASN1_STRING_length(ski)),
	    &plan));
	check_ok(extension_list_make(&plan, e->spki, e->names, e->n_names,
	    X509_NAME_entry_count(subject) == 0, &list));
	for (size_t i = 0; i < list.n; i++) {
		OWN(X509_EXTENSION) *ext = NULL;

		check_ok(extension_to_x509(&list.items[i], &ext));
		assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	}
	if (how != NULL)
		how(cert);
	assert_true(X509_sign(cert, ca->key, digest_for(ca->key)) > 0);
	der_of(cert, ret_der);
}

#endif
