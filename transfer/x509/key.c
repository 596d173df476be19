/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a key by its bytes, then OpenSSL's object of it. The order
 * matters: OpenSSL's decoder accepts explicit curves, compressed and infinite
 * points, and takes 90 us for what costs 12 when the numbers are handed over.
 */
#include "transfer/x509/key.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/key_arith.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
/* OpenSSL verifies with no larger one once the modulus has over 3072 bits. */
#define RSA_EXPONENT_BYTES_MAX 8
#define RSA_EXPONENT_MIN 65537

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_ed25519[] = { 0x2b, 0x65, 0x70 };

/* The named curves (RFC 5480 2.1.1.1) and their points. */
static const struct curve {
	enum key_kind kind;
	const char *name, *group;
	uint32_t bits;
	size_t point; /* bytes: 04, x, y */
	uint8_t oid_n, oid[8];
} curves[] = {
	{ KEY_P256, "ec-p256", "P-256", 256, 65, 8,
	    { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 } },
	{ KEY_P384, "ec-p384", "P-384", 384, 97, 5,
	    { 0x2b, 0x81, 0x04, 0x00, 0x22 } },
	{ KEY_P521, "ec-p521", "P-521", 521, 133, 5,
	    { 0x2b, 0x81, 0x04, 0x00, 0x23 } },
};
#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

/* Key types that people still ask for, to refuse them by name. */
static const struct {
	const char *name;
	uint8_t n, oid[9];
} refused[] = {
	{ "DSA", 7, { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 } },
	{ "RSASSA-PSS", 9,
	    { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a } },
	{ "Diffie-Hellman", 9,
	    { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01 } },
	{ "X25519", 3, { 0x2b, 0x65, 0x6e } },
	{ "X448", 3, { 0x2b, 0x65, 0x6f } },
	{ "Ed448", 3, { 0x2b, 0x65, 0x71 } },
};

/* An SPKI taken apart (RFC 5280 4.1.2.7). */
struct key_parts {
	struct span type;	       /* the algorithm's OID */
	struct span params;	       /* DER; n 0 when absent */
	struct span key;	       /* the octets of the BIT STRING */
	struct span modulus, exponent; /* RSA: magnitudes */
	const struct curve *curve;     /* EC */
};

/* ---- names --------------------------------------------------------------- */

static const struct curve *
key_curve_of(enum key_kind kind)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (curves[i].kind == kind)
			return &curves[i];
	return NULL;
}

void
key_name(const struct key_facts *key, char ret[static KEY_NAME_MAX])
{
	const struct curve *c = key_curve_of(key->kind);

	if (c != NULL)
		(void)snprintf(ret, KEY_NAME_MAX, "%s", c->name);
	else if (key->kind == KEY_RSA)
		(void)snprintf(ret, KEY_NAME_MAX, "rsa-%u", key->bits);
	else
		(void)snprintf(ret, KEY_NAME_MAX, "ed25519");
}

bool
key_name_read(const char *text, enum key_kind *ret_kind, uint32_t *ret_bits)
{
	unsigned bits = 0;

	for (size_t i = 0; i < N_CURVES; i++) {
		if (strcmp(text, curves[i].name) == 0) {
			*ret_kind = curves[i].kind;
			*ret_bits = curves[i].bits;
			return true;
		}
	}
	if (strcmp(text, "ed25519") == 0) {
		*ret_kind = KEY_ED25519;
		*ret_bits = 256;
		return true;
	}
	if (strncmp(text, "rsa-", 4) != 0 || strlen(text) != 8)
		return false;
	for (const char *p = text + 4; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return false;
		bits = 10 * bits + (unsigned)(*p - '0');
	}
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || bits % 8 != 0)
		return false;
	*ret_kind = KEY_RSA;
	*ret_bits = bits;
	return true;
}

/* ---- form ---------------------------------------------------------------- */

/* One encoding only, before anything is looked at: the key-id and the list of
 * published keys go by a digest of these bytes, and a second spelling of a key
 * would be unknown to both. */
static enum rc
key_take_apart(const char *from, struct span spki, struct key_parts *ret)
{
	struct span rest = spki, body, alg;
	const char *what;
	size_t at;

	if (!der_check(spki, &what, &at))
		return rule_refuse(
		    RULE_KEY_DER, "%s: key: %s at byte %zu", from, what, at);
	if (!der_take(&rest, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_SEQUENCE, &alg) ||
	    !der_take_bits(&body, &ret->key) || body.n != 0 ||
	    !der_take(&alg, DER_OID, &ret->type))
		return rule_refuse(
		    RULE_KEY_DER, "%s: not a SubjectPublicKeyInfo", from);
	ret->params = alg;
	return RC_OK;
}

static unsigned
magnitude_bits(struct span m)
{
	unsigned bits = (unsigned)(8 * m.n);

	for (uint8_t top = m.n == 0 ? 0x80 : m.p[0]; (top & 0x80) == 0;
	     top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static enum rc
exponent_check(const char *from, struct span e)
{
	uint64_t value = 0;

	if (e.n > RSA_EXPONENT_BYTES_MAX)
		return rule_refuse(RULE_KEY_RSA_EXPONENT,
		    "%s: an RSA exponent of %u bits; wanted at most %d", from,
		    magnitude_bits(e), 8 * RSA_EXPONENT_BYTES_MAX);
	for (size_t i = 0; i < e.n; i++)
		value = value << 8 | e.p[i];
	if (value < RSA_EXPONENT_MIN || value % 2 == 0)
		return rule_refuse(RULE_KEY_RSA_EXPONENT,
		    "%s: the RSA exponent is %llu; wanted an odd one of "
		    "at least %d",
		    from, (unsigned long long)value, RSA_EXPONENT_MIN);
	return RC_OK;
}

/* No upper limit would let one request keep a core busy for seconds:
 * verifying grows with the square of the modulus and with the exponent. */
static enum rc
shape_rsa(const char *from, struct key_parts *parts, struct key_facts *key)
{
	static const uint8_t null[] = { DER_NULL, 0 };
	struct span body, bits = parts->key;

	/* RFC 3279 2.3.1: the parameters are NULL. */
	if (!span_eq(parts->params, span_of(null, sizeof(null))))
		return rule_refuse(RULE_KEY_DER,
		    "%s: RSA key: its parameters are not NULL", from);
	if (!der_take(&bits, DER_SEQUENCE, &body) || bits.n != 0 ||
	    !der_take_unsigned(&body, &parts->modulus) ||
	    !der_take_unsigned(&body, &parts->exponent) || body.n != 0)
		return rule_refuse(RULE_KEY_DER,
		    "%s: not an RSAPublicKey of strict DER", from);
	key->kind = KEY_RSA;
	key->bits = magnitude_bits(parts->modulus);
	if (key->bits < RSA_BITS_MIN || key->bits > RSA_BITS_MAX ||
	    key->bits % 8 != 0)
		return rule_refuse(RULE_KEY_RSA_SIZE,
		    "%s: an RSA key of %u bits; wanted %d to %d, a multiple "
		    "of 8",
		    from, key->bits, RSA_BITS_MIN, RSA_BITS_MAX);
	return exponent_check(from, parts->exponent);
}

/* Explicit parameters are refused by name: they can describe a curve whose
 * generator an attacker chose (CVE-2020-0601). */
static enum rc
find_curve(const char *from, struct key_parts *parts)
{
	struct span oid, rest = parts->params;
	char text[DER_OID_TEXT];

	if (!der_take(&rest, DER_OID, &oid) || rest.n != 0)
		return rule_refuse(RULE_KEY_EC_PARAMS,
		    "%s: an EC key with %s; wanted the name of a curve", from,
		    parts->params.n == 0 ? "no parameters"
		    : parts->params.p[0] == DER_SEQUENCE
			? "an explicit curve"
			: "a curve that has no name");
	for (size_t i = 0; i < N_CURVES; i++) {
		if (span_eq(oid, span_of(curves[i].oid, curves[i].oid_n))) {
			parts->curve = &curves[i];
			return RC_OK;
		}
	}
	der_oid_text(oid, text);
	return rule_refuse(RULE_KEY_TYPE,
	    "%s: an EC key on the curve %s; wanted P-256, P-384 or P-521", from,
	    text);
}

static enum rc
shape_ec(const char *from, struct key_parts *parts, struct key_facts *key)
{
	const struct span point = parts->key;
	const char *found = NULL;
	enum rc rc = find_curve(from, parts);

	if (rc != RC_OK)
		return rc;
	/* SEC 1 2.3.3: the first byte tells the form. */
	if (point.n == 1 && point.p[0] == 0)
		found = "the point at infinity";
	else if (point.n != 0 && (point.p[0] == 2 || point.p[0] == 3))
		found = "a compressed point";
	else if (point.n != 0 && (point.p[0] == 6 || point.p[0] == 7))
		found = "a hybrid point";
	else if (point.n != parts->curve->point || point.p[0] != 4)
		found = "no point";
	if (found != NULL)
		return rule_refuse(RULE_KEY_EC_POINT,
		    "%s: %s key: %s in %zu bytes; wanted %zu beginning 04",
		    from, parts->curve->group, found, point.n,
		    parts->curve->point);
	key->kind = parts->curve->kind;
	key->bits = parts->curve->bits;
	return RC_OK;
}

static enum rc
shape_ed25519(
    const char *from, const struct key_parts *parts, struct key_facts *key)
{
	/* RFC 8410 section 3: the parameters MUST be absent. */
	if (parts->params.n != 0 || parts->key.n != ED25519_LEN)
		return rule_refuse(RULE_KEY_DER,
		    "%s: Ed25519 key of %zu bytes%s; wanted %d and no "
		    "parameters",
		    from, parts->key.n,
		    parts->params.n != 0 ? " with parameters" : "",
		    ED25519_LEN);
	key->kind = KEY_ED25519;
	key->bits = 256;
	return RC_OK;
}

static enum rc
refuse_type(const char *from, struct span type)
{
	char text[DER_OID_TEXT];

	der_oid_text(type, text);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (span_eq(type, span_of(refused[i].oid, refused[i].n)))
			(void)snprintf(
			    text, sizeof(text), "%s", refused[i].name);
	return rule_refuse(RULE_KEY_TYPE,
	    "%s: a key of type %s; wanted RSA, P-256, P-384, P-521 or Ed25519",
	    from, text);
}

static enum rc
shape(const char *from, struct span spki, struct key_parts *parts,
    struct key_facts *key)
{
	enum rc rc = key_take_apart(from, spki, parts);

	if (rc != RC_OK)
		return rc;
	if (span_eq(parts->type, span_of(oid_ec, sizeof(oid_ec))))
		rc = shape_ec(from, parts, key);
	else if (span_eq(parts->type, span_of(oid_rsa, sizeof(oid_rsa))))
		rc = shape_rsa(from, parts, key);
	else if (span_eq(
		     parts->type, span_of(oid_ed25519, sizeof(oid_ed25519))))
		rc = shape_ed25519(from, parts, key);
	else
		rc = refuse_type(from, parts->type);
	return rc != RC_OK ? rc : sha256(spki, key->id);
}

enum rc
key_shape(const char *from, struct span spki, struct key_facts *ret)
{
	struct key_parts parts = { 0 };
	struct key_facts key = { 0 };
	enum rc rc = shape(from, spki, &parts, &key);

	if (rc == RC_OK)
		*ret = key;
	return rc;
}

/* ---- the key itself ------------------------------------------------------ */

void
key_cache_wipe(struct key_cache *cache)
{
	for (size_t i = 0; i < KEY_KINDS; i++) {
		EVP_PKEY_CTX_free(cache->verify[i]);
		EVP_PKEY_free(cache->ec[i]);
	}
	EVP_MD_CTX_free(cache->digest);
	*cache = (struct key_cache){ 0 };
}

static enum rc
make_key(const char *type, OSSL_PARAM *params, EVP_PKEY **ret_key)
{
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OWN(EVP_PKEY) *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return err_openssl(RC_FORMAT, "%s key", type);
	*ret_key = MOVE(key);
	return RC_OK;
}

static enum rc
refuse_point(const char *from, const struct curve *curve)
{
	ERR_clear_error();
	return rule_refuse(RULE_KEY_EC_POINT, "%s: the point is not on %s",
	    from, curve->group);
}

/* OpenSSL sees to it that the point is on the curve: here, and when a point is
 * set in a key that exists (EC_POINT_oct2point). */
static enum rc
make_ec(const char *from, const struct key_parts *parts, EVP_PKEY **ret_key)
{
	char group[8];
	uint8_t point[133];
	OSSL_PARAM params[3];

	/* OSSL_PARAM takes what it only reads without const. */
	(void)snprintf(group, sizeof(group), "%s", parts->curve->group);
	memcpy(point, parts->key.p, parts->key.n);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, point, parts->key.n);
	params[2] = OSSL_PARAM_construct_end();
	if (make_key("EC", params, ret_key) != RC_OK)
		return refuse_point(from, parts->curve);
	return RC_OK;
}

/* One object for each curve: making one takes 12 us, setting another point
 * 0.7. So what the caller gets is good until the next key of the curve. */
static enum rc
make_ec_cached(const char *from, const struct key_parts *parts,
    struct key_cache *cache, EVP_PKEY **ret_key)
{
	EVP_PKEY **kept = &cache->ec[parts->curve->kind];
	enum rc rc;

	if (*kept == NULL) {
		rc = make_ec(from, parts, kept);
		if (rc != RC_OK)
			return rc;
	} else if (EVP_PKEY_set1_encoded_public_key(
		       *kept, parts->key.p, parts->key.n) != 1) {
		return refuse_point(from, parts->curve);
	}
	if (EVP_PKEY_up_ref(*kept) != 1)
		return err_openssl(RC_BUG, "%s: EC key", from);
	*ret_key = *kept;
	return RC_OK;
}

/* BIGNUM parameters of OSSL_PARAM are in the machine's byte order. */
static bool
construct_number(
    const char *name, struct span magnitude, uint8_t *room, OSSL_PARAM *ret)
{
	OWN(BIGNUM) *n = BN_bin2bn(magnitude.p, (int)magnitude.n, NULL);

	if (n == NULL || BN_bn2nativepad(n, room, (int)magnitude.n) < 0)
		return false;
	*ret = OSSL_PARAM_construct_BN(name, room, magnitude.n);
	return true;
}

static enum rc
make_rsa(const char *from, const struct key_parts *parts, EVP_PKEY **ret_key)
{
	uint8_t n[RSA_BITS_MAX / 8], e[RSA_EXPONENT_BYTES_MAX];
	OSSL_PARAM params[3];
	enum rc rc = key_rsa_check(from, parts->modulus);

	if (rc != RC_OK)
		return rc;
	if (!construct_number(
		OSSL_PKEY_PARAM_RSA_N, parts->modulus, n, &params[0]) ||
	    !construct_number(
		OSSL_PKEY_PARAM_RSA_E, parts->exponent, e, &params[1]))
		return err_memory();
	params[2] = OSSL_PARAM_construct_end();
	rc = make_key("RSA", params, ret_key);
	return rc != RC_OK ? err_in(rc, "%s", from) : RC_OK;
}

static enum rc
make_ed25519(
    const char *from, const struct key_parts *parts, EVP_PKEY **ret_key)
{
	enum rc rc = key_ed25519_check(from, parts->key.p);

	if (rc != RC_OK)
		return rc;
	*ret_key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, parts->key.p, parts->key.n);
	return *ret_key != NULL ? RC_OK
				: err_openssl(RC_BUG, "%s: Ed25519 key", from);
}

/* The list of published keys before any arithmetic: it is by digest of the
 * SPKI, and every spelling but one was refused by then. */
enum rc
key_check_cached(const char *from, struct span spki, struct key_cache *cache,
    struct key_facts *ret, EVP_PKEY **ret_key)
{
	OWN(EVP_PKEY) *key = NULL;
	struct key_parts parts = { 0 };
	struct key_facts facts = { 0 };
	const char *where;
	enum rc rc;

	rc = shape(from, spki, &parts, &facts);
	if (rc != RC_OK)
		return rc;
	where = key_block_get0(facts.id);
	if (where != NULL)
		return rule_refuse(RULE_KEY_BLOCKED,
		    "%s: the private half of this key is public: %s", from,
		    where);
	if (facts.kind == KEY_RSA)
		rc = make_rsa(from, &parts, &key);
	else if (facts.kind == KEY_ED25519)
		rc = make_ed25519(from, &parts, &key);
	else if (cache != NULL)
		rc = make_ec_cached(from, &parts, cache, &key);
	else
		rc = make_ec(from, &parts, &key);
	if (rc != RC_OK)
		return rc;
	*ret = facts;
	*ret_key = MOVE(key);
	return RC_OK;
}

enum rc
key_check(const char *from, struct span spki, struct key_facts *ret,
    EVP_PKEY **ret_key)
{
	return key_check_cached(from, spki, NULL, ret, ret_key);
}
