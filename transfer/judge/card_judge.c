/* SPDX-License-Identifier: Apache-2.0 */
/* A card comes from a stick, so all of it may be forged: what is checked here
 * is only that its parts belong together. The words that a person compares,
 * or --expect, prove that it is the CA's. */
#include "transfer/judge/card_judge.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <openssl/err.h>

void
offer_wipe(struct offer *offer)
{
	card_wipe(&offer->card);
	trust_wipe(&offer->trust);
	policy_wipe(&offer->policy);
	*offer = (struct offer){ 0 };
}

/* Each is signed by the next. */
static enum rc
check_issuers(const char *from, const struct offer *o)
{
	OWN(X509) *below = cert_of_der(o->card.certs[0]);

	for (size_t i = 1; i < o->card.n_certs; i++) {
		X509 *above = cert_of_der(o->card.certs[i]);
		bool good = above != NULL && below != NULL &&
			    X509_check_issued(above, below) == X509_V_OK &&
			    X509_verify(below, X509_get0_pubkey(above)) == 1;
		X509_free(below);
		below = above;
		ERR_clear_error();
		if (!good)
			return rule_refuse(RULE_CA_CERT,
			    "%s: its certificate %zu did not issue the one before",
			    from, i + 1);
	}
	return RC_OK;
}

/* By the key of the certificate that comes with it, before anything else is
 * read; what that is worth is seen when the CA is known. */
static enum rc
check_card_signature(const char *from, const struct cose *cose)
{
	OWN(X509) *cert = cert_of_der(cose->cert);
	EVP_PKEY *key = cert == NULL ? NULL : X509_get0_pubkey(cert);

	ERR_clear_error();
	if (key == NULL)
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: its transfer certificate is none with a usable key",
		    from);
	return cose_verify(from, cose, key);
}

static enum rc
judge(const char *from, struct span file, struct offer *o)
{
	OWN(EVP_PKEY) *key = NULL;
	struct cose cose;
	enum rc rc;

	rc = cose_read(from, file, COSE_CARD, &cose);
	if (rc == RC_OK)
		rc = check_card_signature(from, &cose);
	if (rc == RC_OK)
		rc = card_read(from, cose.payload, &o->card);
	if (rc != RC_OK)
		return rc;
	memcpy(o->trust.ca_id, o->card.ca_id, SHA256_LEN);
	o->transfer_cert = cose.cert;
	rc = trust_add_ca(&o->trust, from, o->card.certs[0]);
	if (rc == RC_OK)
		rc = check_issuers(from, o);
	if (rc == RC_OK)
		rc = judge_transfer_cert(
		    from, &o->trust, cose.cert, o->card.created, &key);
	if (rc == RC_OK)
		rc = sha256(o->card.certs[0], o->fingerprint);
	return rc != RC_OK ? rc
			   : buf_add_span(&o->trust.transfer_cert, cose.cert);
}

enum rc
card_judge(const char *from, struct span file, struct offer *ret)
{
	WIPED(offer) offer = { 0 };
	enum rc rc = judge(from, file, &offer);

	if (rc != RC_OK)
		return rc;
	*ret = offer;
	offer = (struct offer){ 0 };
	return RC_OK;
}

enum rc
offer_policy_read(const char *from, struct offer *offer)
{
	return policy_parse(from, offer->card.policy, &offer->policy);
}
