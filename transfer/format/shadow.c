/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM with the protected header as its additional data, so that a salt
 * or an iv that was changed opens nothing. One header form, as in cose.c: what
 * is not exactly it is refused. */
#include "transfer/format/shadow.h"

#include "base/hex.h"
#include "base/own_ssl.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define TAG_ENCRYPT0 0xd0 /* tag 16 in its one byte */
#define SHADOW_TYPE "application/vnd.airgap-ca.shadow-crl+cbor"
#define ALG_A256GCM 3 /* RFC 9053 section 4.1 */
#define GCM_TAG_LEN 16

/* RFC 9052 section 3.1; the last is of the private range. */
#define LABEL_IV 5
#define LABEL_SCRYPT (-70001)

#define SCRYPT_BLOCK 8	  /* r */
#define SCRYPT_PARALLEL 1 /* p */
#define PASSPHRASE_MAX 256

void
shadow_key_wipe(struct shadow_key *key)
{
	if (key != NULL)
		OPENSSL_cleanse(key, sizeof(*key));
}

/* ---- the passphrase ------------------------------------------------------ */

void
shadow_pass_write(const uint8_t bytes[static SHADOW_PASS_BYTES],
    char ret_text[static SHADOW_PASS_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *to = ret_text;

	for (size_t i = 0; i < SHADOW_PASS_BYTES; i++) {
		if (i != 0 && i % 2 == 0)
			*to++ = '-';
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

static size_t
tidy(struct span passphrase, char to[static PASSPHRASE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < passphrase.n && n < PASSPHRASE_MAX; i++) {
		char c = (char)passphrase.p[i];

		if (c == ' ' || c == '\t' || c == '-')
			continue;
		to[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return n;
}

static enum rc
scrypt(char *pass, size_t n, struct shadow_key *key)
{
	OWN(EVP_KDF) *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	OWN(EVP_KDF_CTX) *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	uint64_t cost = (uint64_t)1 << key->cost;
	uint32_t block = SCRYPT_BLOCK, parallel = SCRYPT_PARALLEL;
	/* What it takes, and as much again as the lowest cost does. */
	uint64_t most = 128 * block * (cost + (1 << SHADOW_COST_MIN));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_PASSWORD, pass, n),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_SALT, key->salt, SHADOW_SALT_LEN),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &cost),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &block),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &parallel),
		OSSL_PARAM_construct_uint64(
		    OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
		OSSL_PARAM_construct_end(),
	};

	if (ctx == NULL ||
	    EVP_KDF_derive(ctx, key->key, SHADOW_KEY_LEN, params) != 1)
		return err_openssl(
		    RC_IO, "no key could be made of the passphrase");
	return RC_OK;
}

enum rc
shadow_key_make(struct span passphrase,
    const uint8_t salt[static SHADOW_SALT_LEN], unsigned cost,
    struct shadow_key *ret)
{
	WIPED(shadow_key) key = { .known = true, .cost = cost };
	char pass[PASSPHRASE_MAX];
	size_t n = tidy(passphrase, pass);
	enum rc rc;

	memcpy(key.salt, salt, SHADOW_SALT_LEN);
	rc = scrypt(pass, n, &key);
	OPENSSL_cleanse(pass, sizeof(pass));
	if (rc == RC_OK)
		*ret = key;
	return rc;
}

/* ---- the envelope -------------------------------------------------------- */

static enum rc
put_header(const struct shadow_key *key, const uint8_t *iv, struct buf *ret)
{
	struct cbor_out out;

	cbor_out_init(&out, ret);
	cbor_put_map(&out, 4);
	cbor_put_uint(&out, COSE_LABEL_ALG);
	cbor_put_uint(&out, ALG_A256GCM);
	cbor_put_uint(&out, COSE_LABEL_TYPE);
	cbor_put_text(&out, span_str(SHADOW_TYPE));
	cbor_put_uint(&out, LABEL_IV);
	cbor_put_bytes(&out, span_of(iv, SHADOW_IV_LEN));
	cbor_put_int(&out, LABEL_SCRYPT);
	cbor_put_array(&out, 4);
	cbor_put_bytes(&out, span_of(key->salt, SHADOW_SALT_LEN));
	cbor_put_uint(&out, key->cost);
	cbor_put_uint(&out, SCRYPT_BLOCK);
	cbor_put_uint(&out, SCRYPT_PARALLEL);
	return cbor_out_end(&out);
}

/* RFC 9052 section 5.3: [ "Encrypt0", protected, external_aad ]. */
static enum rc
put_structure(struct span header, struct buf *ret)
{
	struct cbor_out out;

	cbor_out_init(&out, ret);
	cbor_put_array(&out, 3);
	cbor_put_text(&out, span_str("Encrypt0"));
	cbor_put_bytes(&out, header);
	cbor_put_bytes(&out, SPAN_NONE);
	return cbor_out_end(&out);
}

/* What of a file is looked at before its key is there. */
struct shadow_parts {
	struct span header, iv, salt, sealed;
	unsigned cost;
};

static enum rc
shadow_form(enum rc rc)
{
	return rc != RC_FORMAT ? rc
			       : rule_refuse(RULE_COSE_FORM, "%s", err_text());
}

static enum rc
shadow_label(struct cbor_in *in, int64_t wanted)
{
	int64_t label;
	enum rc rc = shadow_form(cbor_take_int(in, "parameter", &label));

	if (rc != RC_OK || label == wanted)
		return rc;
	return rule_refuse(RULE_COSE_FORM,
	    "%s: parameter %lld where %lld was wanted", in->from,
	    (long long)label, (long long)wanted);
}

static enum rc
shadow_alg(struct cbor_in *in)
{
	int64_t alg;
	enum rc rc = shadow_label(in, COSE_LABEL_ALG);

	if (rc == RC_OK)
		rc = shadow_form(cbor_take_int(in, "alg", &alg));
	if (rc == RC_OK && alg != ALG_A256GCM)
		rc = rule_refuse(RULE_COSE_ALG,
		    "%s: algorithm %lld, wanted A256GCM", in->from,
		    (long long)alg);
	return rc;
}

static enum rc
shadow_type(struct cbor_in *in)
{
	struct span type;
	enum rc rc = shadow_label(in, COSE_LABEL_TYPE);

	if (rc == RC_OK)
		rc = shadow_form(
		    cbor_take_text(in, "content type", 1, 128, &type));
	if (rc == RC_OK && !span_eq_str(type, SHADOW_TYPE))
		rc = rule_refuse(RULE_COSE_TYPE,
		    "%s: content type \"%.*s\", wanted %s", in->from,
		    SPAN_FMT(type), SHADOW_TYPE);
	return rc;
}

static enum rc
shadow_scrypt(struct cbor_in *in, struct shadow_parts *parts)
{
	uint64_t n, cost = 0;
	enum rc rc = shadow_label(in, LABEL_SCRYPT);

	if (rc == RC_OK)
		rc = shadow_form(cbor_take_array(in, "scrypt", 4, 4, &n));
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_bytes(in, "salt", SHADOW_SALT_LEN,
		    SHADOW_SALT_LEN, &parts->salt));
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_uint(
		    in, "cost", SHADOW_COST_MIN, SHADOW_COST_MAX, &cost));
	if (rc == RC_OK)
		rc = shadow_form(
		    cbor_take_uint(in, "r", SCRYPT_BLOCK, SCRYPT_BLOCK, &n));
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_uint(
		    in, "p", SCRYPT_PARALLEL, SCRYPT_PARALLEL, &n));
	parts->cost = (unsigned)cost;
	return rc;
}

static enum rc
read_header(const char *from, struct shadow_parts *parts)
{
	struct cbor_in in = { .from = from, .rest = parts->header };
	uint64_t n = 0;
	enum rc rc = cbor_in_check(from, parts->header);

	if (rc == RC_OK)
		rc = shadow_form(cbor_take_map(&in, "header", &n));
	if (rc == RC_OK && n != 4)
		rc =
		    rule_refuse(RULE_COSE_FORM, "%s: %llu parameters, wanted 4",
			from, (unsigned long long)n);
	if (rc == RC_OK)
		rc = shadow_alg(&in);
	if (rc == RC_OK)
		rc = shadow_type(&in);
	if (rc == RC_OK)
		rc = shadow_label(&in, LABEL_IV);
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_bytes(
		    &in, "iv", SHADOW_IV_LEN, SHADOW_IV_LEN, &parts->iv));
	return rc == RC_OK ? shadow_scrypt(&in, parts) : rc;
}

static enum rc
shadow_parts_read(
    const char *from, struct span file, struct shadow_parts *parts)
{
	struct cbor_in in = { .from = from };
	struct span tag;
	uint64_t n;
	enum rc rc;

	if (file.n > COSE_FILE_MAX || !span_take(&file, 1, &tag) ||
	    *tag.p != TAG_ENCRYPT0)
		return rule_refuse(RULE_COSE_FORM,
		    "%s: not a COSE_Encrypt0: it does not begin with tag 16",
		    from);
	rc = cbor_in_check(from, file);
	in.rest = file;
	if (rc == RC_OK)
		rc = shadow_form(
		    cbor_take_array(&in, "COSE_Encrypt0", 3, 3, &n));
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_bytes(
		    &in, "protected header", 1, COSE_FILE_MAX, &parts->header));
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_map(&in, "unprotected header", &n));
	if (rc == RC_OK && n != 0)
		rc = rule_refuse(RULE_COSE_FORM,
		    "%s: the unprotected header is not empty", from);
	if (rc == RC_OK)
		rc = shadow_form(cbor_take_bytes(&in, "ciphertext", GCM_TAG_LEN,
		    COSE_FILE_MAX, &parts->sealed));
	return rc == RC_OK ? read_header(from, parts) : rc;
}

/* ---- sealing ------------------------------------------------------------- */

static enum rc
gcm_failed(void)
{
	return err_openssl(RC_IO, "AES-256-GCM failed");
}

static enum rc
gcm_seal(const struct shadow_key *key, const uint8_t *iv, struct span aad,
    struct span plain, struct buf *ret)
{
	OWN(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	enum rc rc = buf_reserve(ret, plain.n + GCM_TAG_LEN);

	if (rc != RC_OK)
		return rc;
	if (ctx == NULL ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->key, iv) !=
		1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_EncryptUpdate(ctx, ret->p, &n, plain.p, (int)plain.n) != 1 ||
	    EVP_EncryptFinal_ex(ctx, ret->p + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN,
		ret->p + n + last) != 1)
		return gcm_failed();
	ret->n = (size_t)n + (size_t)last + GCM_TAG_LEN;
	return RC_OK;
}

enum rc
shadow_seal(const struct shadow_key *key,
    const uint8_t iv[static SHADOW_IV_LEN], struct span plain,
    struct buf *ret_file)
{
	WIPED(buf) header = { 0 }, aad = { 0 }, sealed = { 0 };
	struct cbor_out out;
	enum rc rc;

	if (plain.n > COSE_FILE_MAX - 256)
		return err_set(RC_USAGE,
		    "a shadow CRL of %zu bytes, wanted %zu at most", plain.n,
		    COSE_FILE_MAX - 256);
	rc = put_header(key, iv, &header);
	if (rc == RC_OK)
		rc = put_structure(buf_span(&header), &aad);
	if (rc == RC_OK)
		rc = gcm_seal(key, iv, buf_span(&aad), plain, &sealed);
	if (rc == RC_OK)
		rc = buf_add_byte(ret_file, TAG_ENCRYPT0);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, ret_file);
	cbor_put_array(&out, 3);
	cbor_put_bytes(&out, buf_span(&header));
	cbor_put_map(&out, 0);
	cbor_put_bytes(&out, buf_span(&sealed));
	return cbor_out_end(&out);
}

/* ---- opening ------------------------------------------------------------- */

/* That the tag does not fit is OpenSSL's "no" at the end, and a "no" for want
 * of memory is an error in its queue. */
static enum rc
gcm_open(const struct shadow_key *key, const struct shadow_parts *parts,
    struct span aad, bool *ret_opened, struct buf *plain)
{
	OWN(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
	const size_t len = parts->sealed.n - GCM_TAG_LEN;
	uint8_t tag[GCM_TAG_LEN];
	int n = 0, last = 0;
	enum rc rc = buf_reserve(plain, len + 1);

	if (rc != RC_OK)
		return rc;
	memcpy(tag, parts->sealed.p + len, GCM_TAG_LEN);
	ERR_clear_error();
	if (ctx == NULL ||
	    EVP_DecryptInit_ex(
		ctx, EVP_aes_256_gcm(), NULL, key->key, parts->iv.p) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_DecryptUpdate(ctx, plain->p, &n, parts->sealed.p, (int)len) !=
		1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) !=
		1)
		return gcm_failed();
	*ret_opened = EVP_DecryptFinal_ex(ctx, plain->p + n, &last) == 1;
	plain->n = (size_t)n + (size_t)last;
	if (*ret_opened)
		return RC_OK;
	return ERR_peek_error() != 0 ? gcm_failed() : err_check_shortage();
}

static enum rc
key_for(const struct shadow_parts *parts, struct span passphrase,
    struct shadow_key *key)
{
	if (key->known && key->cost == parts->cost &&
	    memcmp(key->salt, parts->salt.p, SHADOW_SALT_LEN) == 0)
		return RC_OK;
	return shadow_key_make(passphrase, parts->salt.p, parts->cost, key);
}

enum rc
shadow_open(const char *from, struct span file, struct span passphrase,
    struct shadow_key *key, bool *ret_opened, struct buf *ret_plain)
{
	WIPED(buf) aad = { 0 }, plain = { 0 };
	struct shadow_parts parts = { .cost = 0 };
	bool opened = false;
	enum rc rc = shadow_parts_read(from, file, &parts);

	if (rc == RC_OK)
		rc = key_for(&parts, passphrase, key);
	if (rc == RC_OK)
		rc = put_structure(parts.header, &aad);
	if (rc == RC_OK)
		rc = gcm_open(key, &parts, buf_span(&aad), &opened, &plain);
	if (rc == RC_OK && opened)
		rc = buf_add_span(ret_plain, buf_span(&plain));
	if (rc != RC_OK)
		return rc;
	*ret_opened = opened;
	return RC_OK;
}
