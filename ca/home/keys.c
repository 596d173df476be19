/* SPDX-License-Identifier: Apache-2.0 */
/* Both keys of the CA behind one PIN, each found by the certificate that it
 * must fit, and the transfer key's signatures as COSE wants them. */
#include "ca/home/keys.h"

#include "base/own_ssl.h"
#include "ca/cert/template.h"
#include "transfer/x509/cert.h"

#include <assert.h>
#include <stdlib.h>

void
keys_wipe(struct keys *keys)
{
	EVP_PKEY_free(keys->transfer_key);
	*keys = (struct keys){ 0 };
}

/* Both are found by the public keys that the certificates have, whatever slot
 * or label they lie under today. */
static enum rc
use_key(
    struct token *token, const char *which, const X509 *cert, unsigned *ret_key)
{
	WIPED(buf) spki = { 0 };
	enum rc rc = cert_spki(cert, &spki);

	if (rc == RC_OK)
		rc = token_use_key(token, buf_span(&spki), ret_key);
	return rc == RC_OK ? RC_OK : err_in(rc, "%s", which);
}

static enum rc
keys_read_ca(const X509 *cert, struct keys *keys)
{
	WIPED(buf) spki = { 0 };
	enum rc rc = cert_spki(cert, &spki);

	return rc != RC_OK ? rc : sign_alg_of(buf_span(&spki), &keys->alg);
}

static enum rc
set_transfer(struct keys *keys, EVP_PKEY *key)
{
	EVP_PKEY_free(keys->transfer_key);
	keys->transfer_key = key;
	return key == NULL ? err_openssl(RC_TOKEN, "transfer key: unusable")
			   : cose_alg_of(key, &keys->transfer_alg);
}

enum rc
keys_set_transfer(struct keys *keys, struct span spki)
{
	const uint8_t *p = spki.p;
	enum rc rc = set_transfer(keys, d2i_PUBKEY(NULL, &p, (long)spki.n));

	return rc != RC_OK ? rc
			   : token_use_key(keys->token, spki, &keys->transfer);
}

/* Which keys are wanted, and which were found. */
struct wanted {
	bool ca, transfer;
	bool found_transfer;
};

/* ---- the token with the key ------------------------------------------------
 */

/* By what it shows, before a PIN is asked: that would be one try less of
 * another's token. token.conf says only where it was. */
static enum rc
open_token(const struct token_conf *conf, const X509 *ca_cert,
    const X509 *transfer_cert, struct token *token)
{
	WIPED(buf) ca = { 0 };
	WIPED(buf) transfer = { 0 };
	struct token_sought sought = { .uri = NULL };
	struct token_info info;
	enum rc rc = cert_spki(ca_cert, &ca);

	if (rc == RC_OK)
		rc = cert_spki(transfer_cert, &transfer);
	if (rc != RC_OK)
		return rc;
	sought.spki[0] = buf_span(&ca);
	sought.spki[1] = buf_span(&transfer);
	if (conf->ca.n != 0) {
		sought.uri = (const char *)conf->ca.p;
		sought.said_by = HOME_TOKEN;
	}
	rc = token_open_by_key(token, &sought, &info);
	if (rc != RC_TOKEN || conf->ca.n != 0)
		return rc;
	return err_in(rc,
	    "this home has no " HOME_TOKEN
	    ": insert the CA's token, or say where it is with 'airgap-ca restore FILE --token URI', FILE being the backup; because");
}

/* ---- both keys -------------------------------------------------------------
 */

static enum rc
unlock(const struct token_conf *conf, X509 *ca_cert, X509 *transfer_cert,
    struct wanted *wanted, struct keys *keys)
{
	enum rc rc;

	rc = keys_read_ca(ca_cert, keys);
	if (rc == RC_OK)
		rc = set_transfer(keys, X509_get_pubkey(transfer_cert));
	if (rc == RC_OK)
		rc = open_token(conf, ca_cert, transfer_cert, keys->token);
	if (rc == RC_OK)
		rc = token_login(keys->token);
	if (rc == RC_OK && wanted->ca)
		rc = use_key(keys->token, "CA key", ca_cert, &keys->ca);
	if (rc != RC_OK)
		return rc;
	rc = use_key(
	    keys->token, "transfer key", transfer_cert, &keys->transfer);
	wanted->found_transfer = rc == RC_OK;
	if (rc == RC_OK || !wanted->transfer)
		return RC_OK;
	return err_in(rc,
	    "if it is lost, 'airgap-ca transfer-key --key-type TYPE' puts another in its place; because");
}

static enum rc
open_wanted(struct token *token, const struct token_conf *conf,
    const struct ledger_ca *ca, struct wanted *wanted, struct keys *ret)
{
	WIPED(keys) keys = { .token = token };
	OWN(X509) *ca_cert = NULL;
	OWN(X509) *transfer_cert = NULL;
	enum rc rc;

	rc = cert_parse("CA certificate", buf_span(&ca->ca_cert), &ca_cert);
	if (rc == RC_OK)
		rc = cert_parse("transfer certificate",
		    buf_span(&ca->transfer_cert), &transfer_cert);
	if (rc == RC_OK)
		rc = unlock(conf, ca_cert, transfer_cert, wanted, &keys);
	if (rc != RC_OK)
		return rc;
	*ret = keys;
	keys = (struct keys){ 0 };
	return RC_OK;
}

enum rc
keys_open(struct token *token, const struct token_conf *conf,
    const struct ledger_ca *ca, bool need_ca, struct keys *ret)
{
	struct wanted wanted = { .ca = need_ca, .transfer = true };

	return open_wanted(token, conf, ca, &wanted, ret);
}

enum rc
keys_open_ca(struct token *token, const struct token_conf *conf,
    const struct ledger_ca *ca, struct keys *ret, bool *ret_transfer)
{
	struct wanted wanted = { .ca = true };
	enum rc rc = open_wanted(token, conf, ca, &wanted, ret);

	if (rc == RC_OK)
		*ret_transfer = wanted.found_transfer;
	return rc;
}

static enum rc
digest_tbs(struct keys *keys, struct span head, struct span payload,
    uint8_t digest[static EVP_MAX_MD_SIZE], unsigned *ret_n)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = cose_alg_digest(keys->transfer_alg);

	assert(md != NULL); /* no token of ours holds an Ed25519 key */
	if (ctx == NULL || EVP_DigestInit_ex(ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, head.p, head.n) != 1 ||
	    EVP_DigestUpdate(ctx, payload.p, payload.n) != 1 ||
	    EVP_DigestFinal_ex(ctx, digest, ret_n) != 1)
		return err_openssl(RC_BUG, "digest of a manifest");
	return RC_OK;
}

/* The token's answer in COSE form, which is how it gives it: r||s, or RSA. */
static enum rc
keys_sign_tbs(struct keys *keys, struct span head, struct span payload,
    struct buf *ret_sig)
{
	enum token_scheme scheme = EVP_PKEY_is_a(keys->transfer_key, "RSA")
				       ? TOKEN_RSA_PSS
				       : TOKEN_ECDSA;
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t half = ((size_t)EVP_PKEY_get_bits(keys->transfer_key) + 7) / 8;
	size_t wanted = scheme == TOKEN_RSA_PSS ? half : 2 * half;
	unsigned n;
	enum rc rc = digest_tbs(keys, head, payload, digest, &n);

	if (rc == RC_OK)
		rc = token_sign(keys->token, keys->transfer, scheme,
		    span_of(digest, n), ret_sig);
	if (rc == RC_OK && ret_sig->n != wanted)
		rc = err_set(RC_TOKEN,
		    "transfer key: the token gave a signature of %zu bytes; wanted %zu",
		    ret_sig->n, wanted);
	return rc;
}

/* Promise 17: every signature is verified before it leaves. */
static enum rc
verify_file(struct keys *keys, enum cose_type type, struct span file)
{
	struct cose cose;
	enum rc rc = cose_read("what was signed", file, type, &cose);

	if (rc == RC_OK)
		rc = cose_verify("what was signed", &cose, keys->transfer_key);
	return rc == RC_OK
		   ? RC_OK
		   : err_set(RC_TOKEN,
			 "transfer key: the token gave a signature that does not verify: %s",
			 err_text());
}

enum rc
keys_cose_sign(struct keys *keys, enum cose_type type,
    struct span transfer_cert, struct span payload, struct buf *ret_file)
{
	WIPED(buf) head = { 0 };
	WIPED(buf) tbs = { 0 };
	WIPED(buf) sig = { 0 };
	WIPED(buf) file = { 0 };
	enum rc rc;

	rc = cose_protected(type, keys->transfer_alg, transfer_cert, &head);
	if (rc == RC_OK)
		rc = cose_tbs_head(buf_span(&head), payload.n, &tbs);
	if (rc == RC_OK)
		rc = keys_sign_tbs(keys, buf_span(&tbs), payload, &sig);
	if (rc == RC_OK)
		rc =
		    cose_write(buf_span(&head), payload, buf_span(&sig), &file);
	if (rc == RC_OK)
		rc = verify_file(keys, type, buf_span(&file));
	if (rc != RC_OK)
		return rc;
	buf_wipe(ret_file);
	*ret_file = file;
	file = (struct buf){ 0 };
	return RC_OK;
}
