/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys go through OpenSSL's numbers and back to one spelling of the
 * SPKI, because modules give points bare or wrapped and integers with or
 * without leading zeros, and keys are compared by their bytes. */
#include "token/card/spki.h"

#include "base/own_ssl.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

OWN_TYPE(OSSL_PARAM, OSSL_PARAM_free);
OWN_TYPE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);

/* Make a key of its numbers, have OpenSSL check it, and write its SPKI. */
static enum rc
spki_build(const char *algorithm, OSSL_PARAM *params, struct buf *ret_spki)
{
	OWN(EVP_PKEY_CTX) *make = NULL, *test = NULL;
	OWN(EVP_PKEY) *key = NULL;
	OWN(ssl_bytes) *der = NULL;
	int n;

	make = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return err_openssl(RC_TOKEN, "the token's public key");
	test = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (test == NULL || EVP_PKEY_public_check(test) != 1)
		return err_openssl(RC_TOKEN, "the token's public key");
	n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return err_openssl(RC_TOKEN, "the token's public key");
	return buf_add(ret_spki, der, (size_t)n);
}

/* The point is 04 || x || y of this curve; it may be wrapped. */
static bool
unwrap_point(const struct key_row *curve, struct span *point)
{
	size_t want = curve->public_len;

	/* 65 and 97 fit a short DER length, so the wrapping is two bytes. */
	if (point->n == want + 2 && point->p[0] == 0x04 && point->p[1] == want)
		*point = span_of(point->p + 2, want);
	return point->n == want && point->p[0] == 0x04;
}

/* Some modules name a curve by a PrintableString (PKCS#11 3.0, 2.3.3): to them
 * it is none of ours. */
enum rc
spki_from_ec(struct span params, struct span point, struct key_type *ret_type,
    struct buf *ret_spki)
{
	struct key_type type = { KEY_OTHER, 0 };
	const struct key_row *curve = key_row_of_params(params, &type.kind);
	OWN(OSSL_PARAM_BLD) *build = NULL;
	OWN(OSSL_PARAM) *built = NULL;
	enum rc rc;

	if (curve == NULL || (curve->owners & KEY_OF_TOKEN) == 0) {
		*ret_type = (struct key_type){ KEY_OTHER, 0 };
		return RC_OK;
	}
	if (!unwrap_point(curve, &point))
		return err_set(RC_TOKEN,
		    "the token's public key: %zu bytes are no point of %s",
		    point.n, curve->group);
	build = OSSL_PARAM_BLD_new();
	if (build == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(
		build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1 ||
	    (built = OSSL_PARAM_BLD_to_param(build)) == NULL)
		return err_memory();
	rc = spki_build(curve->openssl, built, ret_spki);
	type.bits = curve->bits;
	if (rc == RC_OK)
		*ret_type = type;
	return rc;
}

enum rc
spki_from_rsa(struct span modulus, struct span exponent,
    struct key_type *ret_type, struct buf *ret_spki)
{
	OWN(OSSL_PARAM_BLD) *build = NULL;
	OWN(OSSL_PARAM) *built = NULL;
	OWN(BIGNUM) *n = NULL, *e = NULL;
	enum rc rc;

	if (modulus.n < 128 || modulus.n > 2048 || exponent.n == 0 ||
	    exponent.n > 32)
		return err_set(RC_TOKEN,
		    "the token's public key: no RSA key (%zu and %zu bytes)",
		    modulus.n, exponent.n);
	n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
	e = BN_bin2bn(exponent.p, (int)exponent.n, NULL);
	build = OSSL_PARAM_BLD_new();
	if (n == NULL || e == NULL || build == NULL ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
	    (built = OSSL_PARAM_BLD_to_param(build)) == NULL)
		return err_memory();
	rc = spki_build("RSA", built, ret_spki);
	if (rc == RC_OK)
		*ret_type =
		    (struct key_type){ KEY_RSA, (unsigned)BN_num_bits(n) };
	return rc;
}

static struct key_type
spki_type_of(const EVP_PKEY *key)
{
	struct key_type type = key_type_of(key);
	const struct key_row *row = key_row_get0(type.kind);

	return row != NULL && (row->owners & KEY_OF_TOKEN) != 0
		   ? type
		   : (struct key_type){ KEY_OTHER, 0 };
}

enum rc
spki_from_der(struct span der, struct key_type *ret_type, struct buf *ret_spki)
{
	OWN(EVP_PKEY) *key = NULL;
	OWN(ssl_bytes) *out = NULL;
	const uint8_t *end = der.p;
	enum rc rc;
	int n;

	key = d2i_PUBKEY(NULL, &end, (long)der.n);
	if (key == NULL || end != der.p + der.n)
		return err_openssl(RC_TOKEN, "the token's public key");
	n = i2d_PUBKEY(key, &out);
	if (n <= 0)
		return err_openssl(RC_TOKEN, "the token's public key");
	rc = buf_add(ret_spki, out, (size_t)n);
	if (rc == RC_OK)
		*ret_type = spki_type_of(key);
	return rc;
}
