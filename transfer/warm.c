/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/warm.h"

#include "base/own_ssl.h"
#include "transfer/reader_wire.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

#define RSA_BYTES 256

/* Not a key that anybody has: an odd number that is used as a modulus. */
static EVP_PKEY *
any_rsa(void)
{
	unsigned char modulus[RSA_BYTES];
	unsigned int exponent = 65537;
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM params[3];
	EVP_PKEY *key = NULL;

	memset(modulus, 0xa5, sizeof(modulus)); /* the same in either order */
	params[0] = OSSL_PARAM_construct_BN(
	    OSSL_PKEY_PARAM_RSA_N, modulus, sizeof(modulus));
	params[1] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent);
	params[2] = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

/* Verify nonsense: that it fails is well, that it can be tried is the point. */
static enum rc
try_verify(EVP_PKEY *key, const EVP_MD *digest)
{
	static const unsigned char zero[RSA_BYTES];
	OWN(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	/* Ed25519 signs messages, not digests: it has the one way only. */
	if (md == NULL || ctx == NULL ||
	    (digest != NULL && EVP_PKEY_verify_init(ctx) != 1) ||
	    EVP_DigestVerifyInit(md, NULL, digest, NULL, key) != 1)
		return err_openssl(RC_BUG, "OpenSSL cannot verify");
	(void)EVP_DigestVerify(md, zero, sizeof(zero), zero, sizeof(zero));
	ERR_clear_error();
	return RC_OK;
}

/* Through DER and back, because it is the decoders that are loaded late. */
static enum rc
try_key(EVP_PKEY *key, const EVP_MD *digest)
{
	OWN(EVP_PKEY) *again = NULL;
	OWN(ssl_bytes) *der = NULL;
	const unsigned char *p;
	int n = key == NULL ? -1 : i2d_PUBKEY(key, &der);

	p = der;
	if (n > 0)
		again = d2i_PUBKEY(NULL, &p, n);
	if (again == NULL)
		return err_openssl(RC_BUG, "OpenSSL cannot read keys");
	return try_verify(again, digest);
}

static enum rc
try_ec(const char *curve, const EVP_MD *digest)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen(curve);

	return try_key(key, digest);
}

enum rc
warm_up(void)
{
	OWN(EVP_PKEY) *rsa = NULL;
	OWN(EVP_PKEY) *ed = NULL;
	time_t epoch = 0;
	struct tm tm;
	enum rc rc;

	tzset();
	(void)gmtime_r(&epoch, &tm);
	(void)timegm(&tm);
	rc = reader_warm_up(); /* for CSRs, and no configuration */
	if (rc != RC_OK)
		return rc;
	rsa = any_rsa();
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	rc = try_key(rsa, EVP_sha256());
	if (rc == RC_OK)
		rc = try_ec("P-256", EVP_sha256());
	if (rc == RC_OK)
		rc = try_ec("P-384", EVP_sha384());
	if (rc == RC_OK)
		rc = try_ec("P-521", EVP_sha512());
	if (rc == RC_OK)
		rc = try_key(ed, NULL);
	return rc;
}
