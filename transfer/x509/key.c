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

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

/* OpenSSL verifies with no larger one once the modulus has over 3072 bits. */
#define RSA_EXPONENT_BYTES_MAX 8
#define RSA_EXPONENT_MIN 65537

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
	const struct key_row *row;     /* of its type */
};

/* ---- names --------------------------------------------------------------- */

void
key_name(const struct key_facts *key, char ret[static KEY_TYPE_TEXT])
{
	key_type_write((struct key_type){ key->kind, key->bits }, ret);
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
		    "%s: the RSA exponent is %llu; wanted an odd one of at least %d",
		    from, (unsigned long long)value, RSA_EXPONENT_MIN);
	return RC_OK;
}

/* No upper limit would let one request keep a core busy for seconds:
 * verifying grows with the square of the modulus and with the exponent. */
static enum rc
shape_rsa(const char *from, struct key_parts *parts, struct key_facts *key)
{
	const struct key_row *row = parts->row;
	struct span body, bits = parts->key;

	/* RFC 3279 2.3.1: the parameters are NULL. */
	if (!span_eq(parts->params, span_of(row->params, row->params_n)))
		return rule_refuse(RULE_KEY_DER,
		    "%s: RSA key: its parameters are not NULL", from);
	if (!der_take(&bits, DER_SEQUENCE, &body) || bits.n != 0 ||
	    !der_take_unsigned(&body, &parts->modulus) ||
	    !der_take_unsigned(&body, &parts->exponent) || body.n != 0)
		return rule_refuse(RULE_KEY_DER,
		    "%s: not an RSAPublicKey of strict DER", from);
	key->bits = magnitude_bits(parts->modulus);
	if (!key_type_is_for(
		(struct key_type){ key->kind, key->bits }, KEY_OF_SUBSCRIBER))
		return rule_refuse(RULE_KEY_RSA_SIZE,
		    "%s: an RSA key of %u bits; wanted %u to %u, a multiple of %d",
		    from, key->bits, row->bits, row->bits_max, KEY_BITS_STEP);
	return exponent_check(from, parts->exponent);
}

/* Explicit parameters are refused by name: they can describe a curve whose
 * generator an attacker chose (CVE-2020-0601). */
static enum rc
find_curve(const char *from, struct key_parts *parts, struct key_facts *key)
{
	static const enum key_family ec = KEY_EC;
	struct span oid, rest = parts->params;
	char text[DER_OID_TEXT], wanted[CHOICE_TEXT];

	parts->row = key_row_of_params(parts->params, &key->kind);
	if (parts->row != NULL)
		return RC_OK;
	if (!der_take(&rest, DER_OID, &oid) || rest.n != 0)
		return rule_refuse(RULE_KEY_EC_PARAMS,
		    "%s: an EC key with %s; wanted the name of a curve", from,
		    parts->params.n == 0 ? "no parameters"
		    : parts->params.p[0] == DER_SEQUENCE
			? "an explicit curve"
			: "a curve that has no name");
	der_oid_text(oid, text);
	key_titles_list(&ec, wanted);
	return rule_refuse(RULE_KEY_TYPE,
	    "%s: an EC key on the curve %s; wanted %s", from, text, wanted);
}

static enum rc
shape_ec(const char *from, struct key_parts *parts, struct key_facts *key)
{
	const struct span point = parts->key;
	const char *found = NULL;
	enum rc rc = find_curve(from, parts, key);

	if (rc != RC_OK)
		return rc;
	/* SEC 1 2.3.3: the first byte tells the form. */
	if (point.n == 1 && point.p[0] == 0)
		found = "the point at infinity";
	else if (point.n != 0 && (point.p[0] == 2 || point.p[0] == 3))
		found = "a compressed point";
	else if (point.n != 0 && (point.p[0] == 6 || point.p[0] == 7))
		found = "a hybrid point";
	else if (point.n != parts->row->public_len || point.p[0] != 4)
		found = "no point";
	if (found != NULL)
		return rule_refuse(RULE_KEY_EC_POINT,
		    "%s: %s key: %s in %zu bytes; wanted %zu beginning 04",
		    from, parts->row->title, found, point.n,
		    parts->row->public_len);
	key->bits = parts->row->bits;
	return RC_OK;
}

/* RFC 8410 section 3: the parameters MUST be absent. */
static enum rc
shape_raw(
    const char *from, const struct key_parts *parts, struct key_facts *key)
{
	const struct key_row *row = parts->row;

	if (parts->params.n != 0 || parts->key.n != row->public_len)
		return rule_refuse(RULE_KEY_DER,
		    "%s: %s key of %zu bytes%s; wanted %zu and no parameters",
		    from, row->title, parts->key.n,
		    parts->params.n != 0 ? " with parameters" : "",
		    row->public_len);
	key->bits = row->bits;
	return RC_OK;
}

static enum rc
refuse_type(const char *from, struct span type)
{
	char text[DER_OID_TEXT], wanted[CHOICE_TEXT];

	der_oid_text(type, text);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (span_eq(type, span_of(refused[i].oid, refused[i].n)))
			(void)snprintf(
			    text, sizeof(text), "%s", refused[i].name);
	key_titles_list(NULL, wanted);
	return rule_refuse(RULE_KEY_TYPE, "%s: a key of type %s; wanted %s",
	    from, text, wanted);
}

/* The type by its OID, which all curves share. */
static bool
find_row(struct key_parts *parts, struct key_facts *key)
{
	for (unsigned k = KEY_OTHER + 1; k < KEY_KINDS; k++) {
		const struct key_row *row = key_row_get0((enum key_kind)k);

		if (span_eq(parts->type, span_of(row->oid, row->oid_n))) {
			parts->row = row;
			key->kind = (enum key_kind)k;
			return true;
		}
	}
	return false;
}

static enum rc
shape(const char *from, struct span spki, struct key_parts *parts,
    struct key_facts *key)
{
	enum rc rc = key_take_apart(from, spki, parts);

	if (rc != RC_OK)
		return rc;
	if (!find_row(parts, key))
		return refuse_type(from, parts->type);
	switch (parts->row->family) {
	case KEY_EC:
		rc = shape_ec(from, parts, key);
		break;
	case KEY_RAW:
		rc = shape_raw(from, parts, key);
		break;
	case KEY_MODULUS:
		rc = shape_rsa(from, parts, key);
		break;
	}
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

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		return err_openssl(RC_BUG, "OpenSSL makes no %s key", type);
	if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return err_openssl(RC_FORMAT, "%s key", type);
	*ret_key = MOVE(key);
	return RC_OK;
}

static enum rc
refuse_point(const char *from, const struct key_row *row)
{
	ERR_clear_error();
	return rule_refuse(
	    RULE_KEY_EC_POINT, "%s: the point is not on %s", from, row->title);
}

/* OpenSSL sees to it that the point is on the curve: here, and when a point is
 * set in a key that exists (EC_POINT_oct2point). */
static enum rc
make_ec(const char *from, const struct key_parts *parts, EVP_PKEY **ret_key)
{
	char group[8];
	uint8_t point[133];
	OSSL_PARAM params[3];
	enum rc rc;

	assert(parts->key.n <= sizeof(point)); /* its row's public_len */
	/* OSSL_PARAM takes what it only reads without const. */
	(void)snprintf(group, sizeof(group), "%s", parts->row->group);
	memcpy(point, parts->key.p, parts->key.n);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, point, parts->key.n);
	params[2] = OSSL_PARAM_construct_end();
	rc = make_key(parts->row->openssl, params, ret_key);
	return rc == RC_FORMAT ? refuse_point(from, parts->row) : rc;
}

/* One object for each curve: making one takes 12 us, setting another point
 * 0.7. So what the caller gets is good until the next key of the curve. */
static enum rc
make_ec_cached(const char *from, const struct key_parts *parts,
    enum key_kind kind, struct key_cache *cache, EVP_PKEY **ret_key)
{
	EVP_PKEY **kept = &cache->ec[kind];
	enum rc rc;

	if (*kept == NULL) {
		rc = make_ec(from, parts, kept);
		if (rc != RC_OK)
			return rc;
	} else if (EVP_PKEY_set1_encoded_public_key(
		       *kept, parts->key.p, parts->key.n) != 1) {
		return refuse_point(from, parts->row);
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
	uint8_t n[KEY_RSA_BITS_MAX / 8], e[RSA_EXPONENT_BYTES_MAX];
	OSSL_PARAM params[3];
	enum rc rc = key_rsa_check(from, parts->modulus);

	assert(parts->modulus.n <= sizeof(n)); /* its row's bits_max */
	if (rc != RC_OK)
		return rc;
	if (!construct_number(
		OSSL_PKEY_PARAM_RSA_N, parts->modulus, n, &params[0]) ||
	    !construct_number(
		OSSL_PKEY_PARAM_RSA_E, parts->exponent, e, &params[1]))
		return err_memory();
	params[2] = OSSL_PARAM_construct_end();
	rc = make_key(parts->row->openssl, params, ret_key);
	return rc != RC_OK ? err_in(rc, "%s", from) : RC_OK;
}

static enum rc
make_raw(const char *from, const struct key_parts *parts, enum key_kind kind,
    EVP_PKEY **ret_key)
{
	enum rc rc =
	    kind == KEY_ED25519 ? key_ed25519_check(from, parts->key.p) : RC_OK;

	if (rc != RC_OK)
		return rc;
	*ret_key = EVP_PKEY_new_raw_public_key_ex(
	    NULL, parts->row->openssl, NULL, parts->key.p, parts->key.n);
	return *ret_key != NULL
		   ? RC_OK
		   : err_openssl(RC_BUG, "%s: %s key", from, parts->row->title);
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
	switch (parts.row->family) {
	case KEY_EC:
		rc = cache == NULL ? make_ec(from, &parts, &key)
				   : make_ec_cached(
					 from, &parts, facts.kind, cache, &key);
		break;
	case KEY_RAW:
		rc = make_raw(from, &parts, facts.kind, &key);
		break;
	case KEY_MODULUS:
		rc = make_rsa(from, &parts, &key);
		break;
	}
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
