/* SPDX-License-Identifier: Apache-2.0 */
/** A CA in memory: keys, certificates and responses, right or wrong at will.
 *
 * Its certificates are made with OpenSSL's X509 API, not with ours, so that a
 * judge is shown the work of somebody else. It signs digests too, as a token
 * does, for tests of what surrounds a token's signature.
 */
#ifndef TESTS_LIB_SOFTWARE_CA_H
#define TESTS_LIB_SOFTWARE_CA_H

#include "tests/lib/check.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/pem.h"
#include "transfer/x509/succession.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

/* ---- keys ---------------------------------------------------------------- */

/** "ec-p256", "ec-p384", "ec-p521", "ed25519" or "rsa-BITS". */
static inline EVP_PKEY *
key_new(const char *type)
{
	EVP_PKEY *key;

	if (strcmp(type, "ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (strncmp(type, "rsa-", 4) == 0)
		key = EVP_RSA_gen((unsigned)atoi(type + 4));
	else
		key = EVP_EC_gen(strcmp(type, "ec-p256") == 0 ? "P-256"
			: strcmp(type, "ec-p384") == 0	      ? "P-384"
							      : "P-521");
	assert_non_null(key);
	return key;
}

static inline void
key_spki(EVP_PKEY *key, struct buf *ret)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	check_ok(buf_add(ret, der, (size_t)n));
}

/** Of its signatures of certificates. */
static inline const EVP_MD *
digest_for(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256();
}

/** r||s of fixed width, as a token gives it. */
static inline void
ecdsa_raw(struct span der, size_t half, struct buf *ret)
{
	const uint8_t *p = der.p;
	OWN(ECDSA_SIG) *rs = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	uint8_t raw[2 * 66];

	assert_non_null(rs);
	assert_true(
	    BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, (int)half) >= 0);
	assert_true(
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + half, (int)half) >= 0);
	check_ok(buf_add(ret, raw, 2 * half));
}

/** Sign a digest, whose length says which SHA-2 it is, as a token does. */
static inline void
key_sign_digest(EVP_PKEY *key, enum token_scheme scheme, struct span digest,
    struct buf *ret)
{
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(key, NULL);
	const EVP_MD *md = digest.n == 64   ? EVP_sha512()
			   : digest.n == 48 ? EVP_sha384()
					    : EVP_sha256();
	uint8_t sig[1024];
	size_t n = sizeof(sig);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	if (scheme == TOKEN_RSA_PSS) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(
				ctx, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(
				ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
	}
	assert_true(EVP_PKEY_CTX_set_signature_md(ctx, md) > 0);
	assert_int_equal(
	    EVP_PKEY_sign(ctx, sig, &n, digest.p, digest.n), 1);
	if (scheme == TOKEN_ECDSA)
		ecdsa_raw(span_of(sig, n),
		    ((size_t)EVP_PKEY_get_bits(key) + 7) / 8, ret);
	else
		check_ok(buf_add(ret, sig, n));
}

/* ---- certificates, by OpenSSL -------------------------------------------- */

static inline void
cert_der(X509 *cert, struct buf *out)
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

struct software_ca {
	EVP_PKEY *key, *transfer_key;
	struct sign_alg alg; /* of the CA key */
	X509 *cert, *transfer;
	struct buf spki, der, transfer_der;
	uint8_t id[SHA256_LEN], key_id[SHA256_LEN];
};

static inline void
software_ca_wipe(struct software_ca *ca)
{
	EVP_PKEY_free(ca->key);
	EVP_PKEY_free(ca->transfer_key);
	X509_free(ca->cert);
	X509_free(ca->transfer);
	buf_wipe(&ca->spki);
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

/** New-with-old (RFC 4210 4.4): what `cert` says, signed by the CA's key. */
static inline void
software_ca_cross(
    const struct software_ca *ca, X509 *cert, spoil *how, struct buf *ret_der)
{
	OWN(X509) *over = X509_dup(cert);

	assert_non_null(over);
	assert_int_equal(
	    X509_set_issuer_name(over, X509_get_subject_name(ca->cert)), 1);
	add_text(over, ca->cert, "authorityKeyIdentifier", "keyid:always");
	add_text(over, ca->cert, SUCCESSION, "DER:0500");
	if (how != NULL)
		how(over);
	assert_true(X509_sign(over, ca->key, digest_for(ca->key)) > 0);
	cert_der(over, ret_der);
}

/* `eku` and `usage` as OpenSSL's configuration has them; NULL: left out. */
static inline X509 *
software_ca_transfer(const struct software_ca *ca, EVP_PKEY *key,
    const char *usage, const char *eku)
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

/* The key, and what follows from it. */
static inline void
software_ca_key(struct software_ca *ca, const char *type)
{
	ca->key = key_new(type);
	key_spki(ca->key, &ca->spki);
	check_ok(sign_alg_of(buf_span(&ca->spki), &ca->alg));
	check_ok(key_id_of(ca->key, ca->key_id));
}

/** With a transfer key and its certificate. */
static inline void
software_ca_make(struct software_ca *ca, const char *type)
{
	software_ca_key(ca, type);
	ca->transfer_key = key_new("ec-p256");
	ca->cert = ca_cert_make(ca->key, "CN=Software CA, O=Tests", NULL);
	cert_der(ca->cert, &ca->der);
	ca->transfer = software_ca_transfer(ca, ca->transfer_key,
	    "critical,digitalSignature", "critical," EKU_TRANSFER);
	cert_der(ca->transfer, &ca->transfer_der);
	check_ok(sha256(buf_span(&ca->der), ca->id));
}

static inline void
software_ca_trust(const struct software_ca *ca, struct trust *trust)
{
	check_ok(trust_add_ca(trust, "CA", buf_span(&ca->der)));
	check_ok(buf_add_span(
	    &trust->transfer_cert, buf_span(&ca->transfer_der)));
}

/* ---- a policy ------------------------------------------------------------ */

#define PLAIN_PROFILE                                                          \
	"names = dns, srv\n"                                                   \
	"key-types = ec-p256, ec-p384, ed25519, rsa\n"                         \
	"rsa-bits-min = 2048\nrsa-bits-max = 8192\n"                           \
	"keyUsage = critical, digitalSignature\n"                              \
	"extendedKeyUsage = serverAuth\n"                                      \
	"validity = 31d\nvalidity-max = 100d\n"                                \
	"series-max = 12\nhorizon = 800d\n"
/* "server" has a CN; "bare" has an empty subject and an extension of its own. */
#define PLAIN_POLICY                                                           \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n"     \
	"[profile server]\nsubject = first-name\n" PLAIN_PROFILE               \
	"[profile bare]\nsubject = none\n" PLAIN_PROFILE                       \
	"extension.tlsfeature = status_request\n"

static inline void
plain_policy(struct policy *policy)
{
	check_ok(policy_parse("policy.conf", span_str(PLAIN_POLICY), policy));
}

/* ---- what it signs ------------------------------------------------------- */

static inline void
software_ca_issue(const struct software_ca *ca, const struct policy *policy,
    const struct expected *e, spoil *how, struct buf *ret_der)
{
	const struct profile *profile =
	    policy_profile_get0(policy, e->profile);
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca->cert);
	WIPED(extension_plan) plan = { 0 };
	WIPED(extension_list) list = { 0 };
	struct extension_issuer issuer;
	WIPED(buf) above = { 0 };
	const uint8_t *p = e->spki.p;
	OWN(X509_NAME) *subject = NULL;
	OWN(EVP_PKEY) *key = d2i_PUBKEY(NULL, &p, (long)e->spki.n);
	OWN(X509) *cert = NULL;

	check_ok(subject_of(
	    profile, e->csr_subject, e->names, e->n_names, &subject));
	cert = cert_begin(subject, key, e->serial, e->not_before, e->not_after);
	assert_int_equal(
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)), 1);
	cert_der(ca->cert, &above);
	check_ok(extension_issuer_read("CA", buf_span(&above),
	    span_of(
		ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski)),
	    &issuer));
	check_ok(extension_plan_make(profile, &issuer, &plan));
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
	cert_der(cert, ret_der);
}

/* ---- what a token signs of ours ------------------------------------------ */

/** Sign a TBS and parse what comes of it. */
static inline X509 *
software_ca_certify(
    const struct software_ca *ca, struct span tbs, struct buf *ret_der)
{
	WIPED(buf) raw = { 0 };
	uint8_t digest[EVP_MAX_MD_SIZE];
	X509 *cert = NULL;
	unsigned n;

	assert_int_equal(
	    EVP_Digest(tbs.p, tbs.n, digest, &n, ca->alg.md, NULL), 1);
	key_sign_digest(ca->key, ca->alg.scheme, span_of(digest, n), &raw);
	check_ok(cert_assemble(&ca->alg, tbs, buf_span(&raw), ret_der));
	check_ok(cert_parse("certificate", buf_span(ret_der), &cert));
	return cert;
}

/** A CA whose certificate is ours, by a wish as `init` has it. It has no
 * transfer key. */
static inline void
software_ca_wished(
    const char *type, const struct ca_wish *wish, struct software_ca *ret)
{
	WIPED(buf) tbs = { 0 };

	*ret = (struct software_ca){ 0 };
	software_ca_key(ret, type);
	check_ok(tbs_of_ca(wish, buf_span(&ret->spki), &tbs));
	ret->cert = software_ca_certify(ret, buf_span(&tbs), &ret->der);
	assert_int_equal(X509_verify(ret->cert, ret->key), 1);
}

#define PLAIN_WISH                                                             \
	((struct ca_wish){ .subject = "CN=Test CA",                            \
	    .not_before = NOW - DAY,                                           \
	    .not_after = NOW + 3650 * DAY - 1 })

#endif
