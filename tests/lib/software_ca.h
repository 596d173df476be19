/* SPDX-License-Identifier: Apache-2.0 */
/** A CA whose keys are in memory, for tests of what surrounds a token's
 * signature: it signs digests as a token does. */
#ifndef TESTS_LIB_SOFTWARE_CA_H
#define TESTS_LIB_SOFTWARE_CA_H

#include "tests/lib/check.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "ca/cert/template.h"
#include "transfer/x509/cert.h"

#include <openssl/core_names.h>
#include <stdlib.h>

#define T0 INT64_C(1795443285) /* 2026-11-23T15:34:45Z */

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

/** As a token does: r||s of fixed width, or an RSA block. */
static inline void
key_sign_raw(EVP_PKEY *key, const struct sign_alg *alg, struct span tbs,
    struct buf *ret)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024], raw[96];
	size_t n = sizeof(sig), half = alg->hash_len;
	OWN(ECDSA_SIG) *rs = NULL;
	const uint8_t *p = sig;

	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, alg->md, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, tbs.p, tbs.n), 1);
	if (alg->scheme != TOKEN_ECDSA) {
		check_ok(buf_add(ret, sig, n));
		return;
	}
	rs = d2i_ECDSA_SIG(NULL, &p, (long)n);
	assert_non_null(rs);
	assert_true(
	    BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, (int)half) >= 0);
	assert_true(
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + half, (int)half) >= 0);
	check_ok(buf_add(ret, raw, 2 * half));
}

struct software_ca {
	EVP_PKEY *key;
	struct sign_alg alg;
	struct buf spki, cert;
};

static inline void
software_ca_wipe(struct software_ca *ca)
{
	EVP_PKEY_free(ca->key);
	buf_wipe(&ca->spki);
	buf_wipe(&ca->cert);
}

/** Sign a TBS and parse what comes of it. */
static inline X509 *
software_ca_certify(
    const struct software_ca *ca, struct span tbs, struct buf *ret_der)
{
	WIPED(buf) raw = { 0 };
	X509 *cert = NULL;

	key_sign_raw(ca->key, &ca->alg, tbs, &raw);
	check_ok(cert_assemble(&ca->alg, tbs, buf_span(&raw), ret_der));
	check_ok(cert_parse("certificate", buf_span(ret_der), &cert));
	return cert;
}

static inline void
software_ca_new(
    const char *type, const struct ca_wish *wish, struct software_ca *ret)
{
	WIPED(buf) tbs = { 0 };
	OWN(X509) *cert = NULL;

	*ret = (struct software_ca){ .key = key_new(type) };
	key_spki(ret->key, &ret->spki);
	check_ok(sign_alg_of(buf_span(&ret->spki), &ret->alg));
	check_ok(tbs_of_ca(wish, buf_span(&ret->spki), &tbs));
	cert = software_ca_certify(ret, buf_span(&tbs), &ret->cert);
	assert_int_equal(X509_verify(cert, ret->key), 1);
}

#define PLAIN_WISH                                                             \
	((struct ca_wish){ .subject = "CN=Test CA",                            \
	    .not_before = T0 - DAY,                                            \
	    .not_after = T0 + 3650 * DAY - 1 })

#endif
