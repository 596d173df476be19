/* SPDX-License-Identifier: Apache-2.0 */
/* What must be loaded before the filter closes, found by doing each thing
 * once. The filter itself is in sandbox.c. */
#include "transfer/sandbox/preload.h"

#include "base/own_ssl.h"
#include "transfer/sandbox/sandbox.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

OWN_TYPE(OSSL_PARAM, OSSL_PARAM_free);
OWN_TYPE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
OWN_TYPE(EC_GROUP, EC_GROUP_free);

#define RSA_BYTES 256
#define POINT_MAX 133 /* of P-521, uncompressed */

static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
static const char *const curves[] = { "P-256", "P-384", "P-521" };

static enum rc
lacks(const char *what)
{
	return err_openssl(RC_BUG, "OpenSSL lacks %s", what);
}

static enum rc
key_of(const char *type, OSSL_PARAM *params, EVP_PKEY **ret_key)
{
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, ret_key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return lacks(type);
	return RC_OK;
}

/* Any odd number of the right length will do. */
static enum rc
rsa_key(EVP_PKEY **ret_key)
{
	OWN(OSSL_PARAM_BLD) *bld = OSSL_PARAM_BLD_new();
	OWN(OSSL_PARAM) *params = NULL;
	OWN(BIGNUM) *n = NULL;
	uint8_t bytes[RSA_BYTES];

	memset(bytes, 0xd7, sizeof(bytes));
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (bld == NULL || n == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, 65537) != 1)
		return err_memory();
	params = OSSL_PARAM_BLD_to_param(bld);
	return params == NULL ? err_memory() : key_of("RSA", params, ret_key);
}

/* The curve's own generator is a point that lies on it. */
static enum rc
ec_key(const char *curve, EVP_PKEY **ret_key)
{
	char name[8];
	uint8_t point[POINT_MAX];
	OWN(EC_GROUP) *group =
	    EC_GROUP_new_by_curve_name(EC_curve_nist2nid(curve));
	size_t n = group == NULL ? 0
				 : EC_POINT_point2oct(group,
				       EC_GROUP_get0_generator(group),
				       POINT_CONVERSION_UNCOMPRESSED, point,
				       sizeof(point), NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, n),
		OSSL_PARAM_construct_end(),
	};

	(void)snprintf(name, sizeof(name), "%s", curve);
	return n == 0 ? lacks(curve) : key_of("EC", params, ret_key);
}

static enum rc
ed25519_key(EVP_PKEY **ret_key)
{
	uint8_t base[32]; /* the base point (RFC 8032 5.1): y = 4/5 */

	memset(base, 0x66, sizeof(base));
	base[0] = 0x58;
	*ret_key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, base, sizeof(base));
	return *ret_key == NULL ? lacks("Ed25519") : RC_OK;
}

/* Through DER and back, because it is the decoders that are loaded late; and
 * the way of verifying a digest that was made elsewhere, which is not that of
 * `look`. Ed25519 signs messages, not digests: it has the one way only. */
static enum rc
decode(EVP_PKEY *key, const char *type)
{
	OWN(EVP_PKEY) *again = NULL;
	OWN(EVP_PKEY_CTX) *ctx = NULL;
	OWN(ssl_bytes) *der = NULL;
	const unsigned char *p;
	int n = i2d_PUBKEY(key, &der);

	p = der;
	if (n > 0)
		again = d2i_PUBKEY(NULL, &p, n);
	if (again == NULL)
		return lacks(type);
	if (EVP_PKEY_is_a(again, "ED25519"))
		return RC_OK;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, again, NULL);
	return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 ? RC_OK
							     : lacks(type);
}

/* Look at a signature that is none. That it fails is well; that it can be tried
 * is the point. With another digest the same key's arithmetic is the same, and
 * P-521's takes long: `sig` NULL, and it is only made ready. */
static enum rc
preload_look(EVP_PKEY *key, const char *digest, int padding, const uint8_t *sig,
    size_t n)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, &key_ctx, digest, NULL,
			       NULL, key, NULL) != 1)
		return lacks(digest == NULL ? "Ed25519" : digest);
	if (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(key_ctx, padding) <= 0)
		return lacks("RSA padding");
	if (sig != NULL)
		(void)EVP_DigestVerify(ctx, sig, n, (const uint8_t *)"", 0);
	ERR_clear_error();
	return RC_OK;
}

static enum rc
look_rsa(void)
{
	static const int paddings[] = { RSA_PKCS1_PADDING,
		RSA_PKCS1_PSS_PADDING };
	OWN(EVP_PKEY) *key = NULL;
	uint8_t sig[RSA_BYTES];
	enum rc rc = rsa_key(&key);

	if (rc == RC_OK)
		rc = decode(key, "RSA");
	memset(sig, 0x17, sizeof(sig));
	for (size_t i = 0; i < 6 && rc == RC_OK; i++)
		rc = preload_look(key, digests[i / 2], paddings[i % 2],
		    i < 2 ? sig : NULL, sizeof(sig));
	return rc;
}

static enum rc
look_ec(const char *curve)
{
	/* SEQUENCE { INTEGER 1, INTEGER 1 }: well formed, and wrong. */
	static const uint8_t sig[] = { 0x30, 6, 2, 1, 1, 2, 1, 1 };
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc = ec_key(curve, &key);

	if (rc == RC_OK)
		rc = decode(key, curve);
	for (size_t i = 0; i < 3 && rc == RC_OK; i++)
		rc = preload_look(
		    key, digests[i], 0, i == 0 ? sig : NULL, sizeof(sig));
	return rc;
}

static enum rc
look_ed25519(void)
{
	OWN(EVP_PKEY) *key = NULL;
	uint8_t sig[64];
	enum rc rc = ed25519_key(&key);

	if (rc == RC_OK)
		rc = decode(key, "Ed25519");
	memset(sig, 0, sizeof(sig));
	return rc != RC_OK ? rc : preload_look(key, NULL, 0, sig, sizeof(sig));
}

/* gmtime and timegm read the zone's file, once. */
static void
tell_time(void)
{
	time_t epoch = 0;
	struct tm tm;

	tzset();
	(void)gmtime_r(&epoch, &tm);
	(void)timegm(&tm);
}

enum rc
preload(void)
{
	enum rc rc;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
				    OPENSSL_INIT_ADD_ALL_DIGESTS |
				    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		NULL) != 1)
		return lacks("a start");
	tell_time();
	rc = look_rsa();
	for (size_t i = 0; i < 3 && rc == RC_OK; i++)
		rc = look_ec(curves[i]);
	return rc != RC_OK ? rc : look_ed25519();
}

enum rc
sandbox_settle(void)
{
	enum rc rc = sandbox_leave_terminal();

	if (rc == RC_OK)
		rc = preload();
	return rc == RC_OK ? sandbox_strict() : rc;
}
