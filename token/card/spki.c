/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys go through OpenSSL's numbers and back to one spelling of the
 * SPKI, because modules give points bare or wrapped and integers with or
 * without leading zeros, and keys are compared by their bytes. */
#include "token/card/spki.h"

#include "base/own_ssl.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>

OWN_TYPE(OSSL_PARAM, OSSL_PARAM_free);
OWN_TYPE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);

/* RFC 5480 2.1.1.1: the curves by name. Some modules name them by a
 * PrintableString instead (PKCS#11 3.0, 2.3.3). */
static const struct token_curve {
	enum token_key_kind kind;
	unsigned bits;
	const char *group, *text;
	uint8_t oid_len, oid[10];
} curves[] = {
	/* clang-format off */
	{ TOKEN_KEY_P256, 256, "P-256", "ec-p256", 10,
	  { 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 } },
	{ TOKEN_KEY_P384, 384, "P-384", "ec-p384", 7,
	  { 0x06, 5, 0x2b, 0x81, 0x04, 0, 0x22 } },
	/* clang-format on */
};
#define N_TOKEN_CURVES (sizeof(curves) / sizeof(curves[0]))

static const struct token_curve *
curve_get0(enum token_key_kind kind)
{
	for (size_t i = 0; i < N_TOKEN_CURVES; i++)
		if (curves[i].kind == kind)
			return &curves[i];
	return NULL;
}

enum rc
key_type_read(const char *text, struct key_type *ret)
{
	unsigned bits = 0;
	int end = 0;

	for (size_t i = 0; i < N_TOKEN_CURVES; i++)
		if (strcmp(text, curves[i].text) == 0) {
			*ret =
			    (struct key_type){ curves[i].kind, curves[i].bits };
			return RC_OK;
		}
	if (sscanf(text, "rsa-%4u%n", &bits, &end) != 1 || text[end] != '\0' ||
	    text[4] < '0' || text[4] > '9')
		return err_set(RC_USAGE,
		    "%s: not a key type: ec-p256, ec-p384 or rsa-BITS", text);
	if (bits < 2048 || bits > 4096 || bits % 8 != 0)
		return err_set(RC_USAGE,
		    "%s: an RSA key has 2048 to 4096 bits, a multiple of 8",
		    text);
	*ret = (struct key_type){ TOKEN_KEY_RSA, bits };
	return RC_OK;
}

void
key_type_write(struct key_type type, char ret_text[static KEY_TYPE_TEXT])
{
	const struct token_curve *curve = curve_get0(type.kind);

	if (type.kind == TOKEN_KEY_RSA)
		(void)snprintf(
		    ret_text, KEY_TYPE_TEXT, "rsa-%u", type.bits % 100000);
	else
		(void)snprintf(ret_text, KEY_TYPE_TEXT, "%s",
		    curve == NULL ? "other" : curve->text);
}

struct span
key_ec_params(enum token_key_kind kind)
{
	const struct token_curve *curve = curve_get0(kind);

	return curve == NULL ? SPAN_NONE : span_of(curve->oid, curve->oid_len);
}

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
unwrap_point(const struct token_curve *curve, struct span *point)
{
	size_t want = 2 * (curve->bits / 8) + 1;

	/* 65 and 97 fit a short DER length, so the wrapping is two bytes. */
	if (point->n == want + 2 && point->p[0] == 0x04 && point->p[1] == want)
		*point = span_of(point->p + 2, want);
	return point->n == want && point->p[0] == 0x04;
}

static const struct token_curve *
curve_by_params(struct span params)
{
	for (size_t i = 0; i < N_TOKEN_CURVES; i++)
		if (span_eq(params, span_of(curves[i].oid, curves[i].oid_len)))
			return &curves[i];
	return NULL;
}

enum rc
spki_from_ec(struct span params, struct span point, struct key_type *ret_type,
    struct buf *ret_spki)
{
	const struct token_curve *curve = curve_by_params(params);
	OWN(OSSL_PARAM_BLD) *build = NULL;
	OWN(OSSL_PARAM) *built = NULL;
	enum rc rc;

	if (curve == NULL) {
		*ret_type = (struct key_type){ TOKEN_KEY_OTHER, 0 };
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
	rc = spki_build("EC", built, ret_spki);
	if (rc == RC_OK)
		*ret_type = (struct key_type){ curve->kind, curve->bits };
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
		*ret_type = (struct key_type){ TOKEN_KEY_RSA,
			(unsigned)BN_num_bits(n) };
	return rc;
}

static struct key_type
spki_type_of(const EVP_PKEY *key)
{
	char group[32];

	if (EVP_PKEY_is_a(key, "RSA"))
		return (struct key_type){ TOKEN_KEY_RSA,
			(unsigned)EVP_PKEY_get_bits(key) };
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1) {
		if (strcmp(group, SN_X9_62_prime256v1) == 0)
			return (struct key_type){ TOKEN_KEY_P256, 256 };
		if (strcmp(group, SN_secp384r1) == 0)
			return (struct key_type){ TOKEN_KEY_P384, 384 };
	}
	return (struct key_type){ TOKEN_KEY_OTHER, 0 };
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
