/* SPDX-License-Identifier: Apache-2.0 */
/* The signatures of COSE_Sign1 by OpenSSL: RFC 9053 section 2, RFC 8230. */
#include "transfer/format/cose.h"

#include "base/key_type.h"
#include "base/own_ssl.h"
#include "transfer/rule.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define COSE_RSA_BITS_MIN 2048 /* RFC 8230 section 2 */
#define COSE_RSA_BITS_MAX 4096 /* a signature of 512 bytes */

struct alg {
	enum cose_alg id;
	const char *name;
	enum key_kind kind;
	const EVP_MD *(*digest)(void); /* NULL: the key has its own */
};

/* One kind of key to an algorithm, and for each but RSA one algorithm to a
 * kind: a key that serves two would let an attacker choose between them. */
/* clang-format off */
static const struct alg algs[] = {
	{ COSE_ES256, "ES256", KEY_P256,    EVP_sha256 },
	{ COSE_ES384, "ES384", KEY_P384,    EVP_sha384 },
	{ COSE_ES512, "ES512", KEY_P521,    EVP_sha512 },
	{ COSE_EDDSA, "EdDSA", KEY_ED25519, NULL },
	{ COSE_PS256, "PS256", KEY_RSA,     EVP_sha256 },
	{ COSE_PS384, "PS384", KEY_RSA,     EVP_sha384 },
	{ COSE_PS512, "PS512", KEY_RSA,     EVP_sha512 },
};
/* clang-format on */
#define ALGS (sizeof(algs) / sizeof(*algs))

static const struct alg *
alg_get0(int64_t id)
{
	for (size_t i = 0; i < ALGS; i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

/* One of ours: who gives it has looked it up, or read it. */
static const struct alg *
alg_known(enum cose_alg id)
{
	const struct alg *alg = alg_get0(id);

	assert(alg != NULL);
	return alg;
}

bool
cose_alg_read(int64_t value, enum cose_alg *ret_alg)
{
	const struct alg *a = alg_get0(value);

	if (a != NULL)
		*ret_alg = a->id;
	return a != NULL;
}

static const char *
alg_word(const void *table, unsigned i)
{
	(void)table;
	return i < ALGS ? algs[i].name : NULL;
}

void
cose_algs_list(char ret[static CHOICE_TEXT])
{
	choice_write(alg_word, NULL, "", ret);
}

size_t
cose_alg_signature_len(enum cose_alg alg)
{
	const struct alg *a = alg_get0(alg);

	return a == NULL ? 0 : key_row_get0(a->kind)->signature_len;
}

static enum key_family
family_of(const struct alg *alg)
{
	return key_row_get0(alg->kind)->family;
}

static bool
alg_fits(const struct alg *alg, struct key_type type)
{
	return type.kind == alg->kind &&
	       (type.kind != KEY_RSA || (type.bits >= COSE_RSA_BITS_MIN &&
					    type.bits <= COSE_RSA_BITS_MAX));
}

enum rc
cose_alg_of(EVP_PKEY *key, enum cose_alg *ret_alg)
{
	const char *type = EVP_PKEY_get0_type_name(key);
	char wanted[CHOICE_TEXT];

	for (size_t i = 0; i < ALGS; i++)
		if (alg_fits(&algs[i], key_type_of(key))) {
			*ret_alg = algs[i].id;
			return RC_OK;
		}
	key_titles_list(NULL, wanted);
	return err_set(RC_POLICY,
	    "a key of type %s and %d bits: wanted %s of %d to %d bits",
	    type == NULL ? "unknown" : type, EVP_PKEY_get_bits(key), wanted,
	    COSE_RSA_BITS_MIN, COSE_RSA_BITS_MAX);
}

const EVP_MD *
cose_alg_digest(enum cose_alg alg)
{
	const struct alg *a = alg_get0(alg);

	return a == NULL || a->digest == NULL ? NULL : a->digest();
}

const char *
cose_alg_name(enum cose_alg alg)
{
	const struct alg *a = alg_get0(alg);

	return a == NULL ? "unknown" : a->name;
}

/* ---- ECDSA's two spellings ----------------------------------------------- */

enum rc
cose_ecdsa_raw(struct span der, size_t width, struct buf *ret_raw)
{
	const unsigned char *end = der.p;
	OWN(ECDSA_SIG) *sig = d2i_ECDSA_SIG(NULL, &end, (long)der.n);
	uint8_t raw[2 * 66];

	if (sig == NULL || end != der.p + der.n || 2 * width > sizeof(raw))
		return err_openssl(
		    RC_FORMAT, "an ECDSA signature is not one in DER");
	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)width) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + width, (int)width) < 0)
		return err_openssl(RC_FORMAT,
		    "an ECDSA signature has a number wider than %zu bytes",
		    width);
	return buf_add(ret_raw, raw, 2 * width);
}

static enum rc
ecdsa_join(BIGNUM *r, BIGNUM *s, ECDSA_SIG **ret_sig)
{
	OWN(ECDSA_SIG) *sig = ECDSA_SIG_new();

	if (r == NULL || s == NULL || sig == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return err_memory();
	}
	*ret_sig = MOVE(sig);
	return RC_OK;
}

/* RFC 9053 2.1 has r and s at full width; OpenSSL wants INTEGERs. */
enum rc
cose_ecdsa_der(struct span raw, struct buf *ret_der)
{
	const size_t width = raw.n / 2;
	OWN(ECDSA_SIG) *sig = NULL;
	OWN(ssl_bytes) *der = NULL;
	enum rc rc;
	int n;

	if (raw.n == 0 || raw.n % 2 != 0)
		return err_set(RC_FORMAT,
		    "an ECDSA signature of %zu bytes is not two numbers",
		    raw.n);
	rc = ecdsa_join(BN_bin2bn(raw.p, (int)width, NULL),
	    BN_bin2bn(raw.p + width, (int)width, NULL), &sig);
	if (rc != RC_OK)
		return rc;
	n = i2d_ECDSA_SIG(sig, &der);
	if (n <= 0)
		return err_memory();
	return buf_add(ret_der, der, (size_t)n);
}

/* ---- verifying ----------------------------------------------------------- */

static bool
is_padded(EVP_PKEY_CTX *ctx, const struct alg *alg)
{
	/* RFC 8230 section 2: the salt is as long as the digest, MGF1 uses the
	 * same hash, which is OpenSSL's default. */
	return family_of(alg) != KEY_MODULUS ||
	       (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(
		       ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* Ed25519 wants its message in one piece; the others hash it where it lies,
 * which for a bundle may be a hundred megabytes. 1: it is signed, 0: it is not,
 * below: nobody knows, for lack of memory say. */
static int
verify_message(EVP_MD_CTX *ctx, const struct alg *alg, struct span tbs,
    struct span payload, struct span signature)
{
	if (alg->digest == NULL)
		return EVP_DigestVerify(
		    ctx, signature.p, signature.n, tbs.p, tbs.n);
	if (EVP_DigestVerifyUpdate(ctx, tbs.p, tbs.n) != 1 ||
	    EVP_DigestVerifyUpdate(ctx, payload.p, payload.n) != 1)
		return -1;
	return EVP_DigestVerifyFinal(ctx, signature.p, signature.n);
}

static enum rc
is_signed(const char *from, const struct alg *alg, EVP_PKEY *key,
    const struct cose *cose, struct span signature, bool *ret_good)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params; /* ctx owns it */
	WIPED(buf) tbs = { 0 };
	int said;
	enum rc rc =
	    cose_tbs_head(cose->protected_bytes, cose->payload.n, &tbs);

	if (rc == RC_OK && alg->digest == NULL)
		rc = buf_add_span(&tbs, cose->payload);
	if (rc != RC_OK)
		return rc;
	if (ctx == NULL ||
	    EVP_DigestVerifyInit(
		ctx, &params, cose_alg_digest(alg->id), NULL, key) != 1 ||
	    !is_padded(params, alg))
		return err_openssl(
		    RC_IO, "%s: %s could not be verified", from, alg->name);
	said =
	    verify_message(ctx, alg, buf_span(&tbs), cose->payload, signature);
	if (said < 0)
		return err_openssl(RC_IO, "%s: could not be verified", from);
	*ret_good = said == 1;
	ERR_clear_error();
	return RC_OK;
}

enum rc
cose_verify(const char *from, const struct cose *cose, EVP_PKEY *key)
{
	const struct alg *alg = alg_known(cose->alg);
	const struct key_type type = key_type_of(key);
	const size_t len = key_signature_len(type);
	struct span signature = cose->signature;
	WIPED(buf) der = { 0 };
	bool good = false;
	enum rc rc = RC_OK;

	if (alg == NULL || !alg_fits(alg, type))
		return rule_refuse(RULE_COSE_ALG,
		    "%s: %s does not fit the signer's key", from,
		    alg == NULL ? "its algorithm" : alg->name);
	/* RSA's is as long as the modulus, and never shorter (RFC 8017 8.1.2).
	 */
	if (signature.n != len)
		return rule_refuse(RULE_COSE_SIGNATURE,
		    "%s: a signature of %zu bytes, wanted %zu", from,
		    signature.n, len);
	if (family_of(alg) == KEY_EC) {
		rc = cose_ecdsa_der(cose->signature, &der);
		signature = buf_span(&der);
	}
	if (rc == RC_OK)
		rc = is_signed(from, alg, key, cose, signature, &good);
	if (rc == RC_OK && !good)
		rc = rule_refuse(RULE_COSE_SIGNATURE,
		    "%s: the signature does not verify under the signer's key",
		    from);
	return rc;
}

/* ---- signing with a key in memory ---------------------------------------- */

/* Ed25519 goes over its message twice, and takes it in one piece only. */
static bool
sign_message(EVP_MD_CTX *ctx, const struct alg *alg, struct span tbs,
    struct span payload, struct buf *raw, size_t *n)
{
	if (alg->digest == NULL)
		return EVP_DigestSign(ctx, raw->p, n, tbs.p, tbs.n) == 1;
	return EVP_DigestSignUpdate(ctx, tbs.p, tbs.n) == 1 &&
	       EVP_DigestSignUpdate(ctx, payload.p, payload.n) == 1 &&
	       EVP_DigestSignFinal(ctx, raw->p, n) == 1;
}

static enum rc
sign(const struct alg *alg, EVP_PKEY *key, struct span protected_bytes,
    struct span payload, struct buf *ret)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params; /* ctx owns it */
	WIPED(buf) tbs = { 0 };
	WIPED(buf) raw = { 0 };
	size_t n = (size_t)EVP_PKEY_get_size(key);
	enum rc rc = cose_tbs_head(protected_bytes, payload.n, &tbs);

	if (rc == RC_OK && alg->digest == NULL)
		rc = buf_add_span(&tbs, payload);
	if (rc == RC_OK)
		rc = buf_reserve(&raw, n);
	if (rc != RC_OK)
		return rc;
	if (ctx == NULL ||
	    EVP_DigestSignInit(
		ctx, &params, cose_alg_digest(alg->id), NULL, key) != 1 ||
	    !is_padded(params, alg) ||
	    !sign_message(ctx, alg, buf_span(&tbs), payload, &raw, &n))
		return err_openssl(RC_BUG, "%s signing failed", alg->name);
	raw.n = n;
	if (family_of(alg) == KEY_EC)
		return cose_ecdsa_raw(buf_span(&raw),
		    key_row_get0(alg->kind)->signature_len / 2, ret);
	return buf_add_span(ret, buf_span(&raw));
}

enum rc
cose_sign(enum cose_type type, EVP_PKEY *key, struct span kid_or_cert,
    struct span payload, struct buf *ret_file)
{
	WIPED(buf) protected_bytes = { 0 };
	WIPED(buf) signature = { 0 };
	enum cose_alg id;
	enum rc rc = cose_alg_of(key, &id);

	if (rc == RC_OK)
		rc = cose_protected(type, id, kid_or_cert, &protected_bytes);
	if (rc == RC_OK)
		rc = sign(alg_known(id), key, buf_span(&protected_bytes),
		    payload, &signature);
	if (rc == RC_OK)
		rc = cose_write(buf_span(&protected_bytes), payload,
		    buf_span(&signature), ret_file);
	return rc;
}

enum rc
key_id_of(EVP_PKEY *key, uint8_t ret_id[static SHA256_LEN])
{
	OWN(ssl_bytes) *spki = NULL;
	int n = i2d_PUBKEY(key, &spki);

	if (n <= 0)
		return err_openssl(RC_BUG, "a public key cannot be encoded");
	return sha256(span_of(spki, (size_t)n), ret_id);
}
