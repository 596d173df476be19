/* SPDX-License-Identifier: Apache-2.0 */
/* The two certificates that the CA gives itself. Those of subscribers take the
 * long way through ca/sign, with intents and results. */
#include "ca/home/certify.h"

#include "base/own_ssl.h"
#include "ca/cert/template.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/judge/judge.h"
#include "transfer/x509/cert.h"

#include <openssl/err.h>

static enum rc
certify_sign_tbs(struct keys *keys, struct span tbs, struct buf *ret_der)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	WIPED(buf) raw = { 0 };
	unsigned n;
	enum rc rc;

	if (EVP_Digest(tbs.p, tbs.n, digest, &n, keys->alg.md, NULL) != 1)
		return err_openssl(RC_BUG, "digest of a certificate");
	rc = token_sign(
	    keys->token, keys->ca, keys->alg.scheme, span_of(digest, n), &raw);
	return rc != RC_OK
		   ? rc
		   : cert_assemble(&keys->alg, tbs, buf_span(&raw), ret_der);
}

enum rc
certify(
    struct keys *keys, struct span spki, struct span tbs, struct buf *ret_der)
{
	OWN(EVP_PKEY) *key = NULL;
	WIPED(buf) der = { 0 };
	struct cert_parts parts;
	const uint8_t *p = spki.p;
	bool good = false;
	enum rc rc = certify_sign_tbs(keys, tbs, &der);

	if (rc != RC_OK)
		return rc;
	/* Promise 17. Under the key that was asked for, not the one that the
	 * new certificate names: the token may have signed with another. */
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (key == NULL)
		return err_openssl(RC_BUG, "CA key");
	rc = cert_parts_read("new certificate", buf_span(&der), &parts);
	if (rc == RC_OK)
		rc = ca_is_signed("new certificate", &parts, key, &good);
	if (rc == RC_OK && !good)
		rc = err_set(RC_TOKEN,
		    "CA key: the token gave a signature that does not verify");
	if (rc != RC_OK)
		return rc;
	return buf_add_span(ret_der, buf_span(&der));
}

/* It has the form of a certificate: what is signed, algorithm, signature. */
enum rc
certify_request(
    struct keys *keys, struct span spki, struct span info, struct buf *ret_der)
{
	OWN(EVP_PKEY) *key = NULL;
	OWN(X509_REQ) *request = NULL;
	WIPED(buf) der = { 0 };
	const uint8_t *p = spki.p;
	enum rc rc = certify_sign_tbs(keys, info, &der);

	if (rc != RC_OK)
		return rc;
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	p = der.p;
	request = d2i_X509_REQ(NULL, &p, (long)der.n);
	if (key == NULL || request == NULL)
		return err_openssl(RC_BUG, "the request for the CA");
	if (X509_REQ_verify(request, key) != 1) {
		ERR_clear_error();
		return err_set(RC_TOKEN,
		    "CA key: the token gave a signature that does not verify");
	}
	return buf_add_span(ret_der, buf_span(&der));
}

/* What every host that enrols here will do with it. */
static enum rc
judge_transfer(struct span ca_cert, struct span der, int64_t now)
{
	WIPED(trust) trust = { 0 };
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc = trust_add_ca(&trust, "CA certificate", ca_cert);

	return rc != RC_OK ? rc
			   : judge_transfer_cert("transfer certificate", &trust,
				 der, now, &key);
}

enum rc
certify_transfer(struct keys *keys, struct span ca_cert, struct span spki,
    int64_t now, struct buf *ret_der)
{
	OWN(X509) *ca = NULL;
	WIPED(buf) ca_spki = { 0 };
	WIPED(buf) tbs = { 0 };
	WIPED(buf) der = { 0 };
	enum rc rc = cert_parse("CA certificate", ca_cert, &ca);

	if (rc == RC_OK)
		rc = cert_spki(ca, &ca_spki);
	if (rc == RC_OK)
		rc = tbs_of_transfer(ca_cert, spki, now, &tbs);
	if (rc == RC_OK)
		rc = certify(keys, buf_span(&ca_spki), buf_span(&tbs), &der);
	if (rc == RC_OK)
		rc = judge_transfer(ca_cert, buf_span(&der), now);
	return rc != RC_OK ? rc : buf_add_span(ret_der, buf_span(&der));
}
