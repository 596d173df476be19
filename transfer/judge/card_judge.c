/* SPDX-License-Identifier: Apache-2.0 */
/* A card comes from a stick, so all of it may be forged: what is checked here
 * is only that its parts belong together. The words that a person compares,
 * or --expect, prove that it is the CA's. */
#include "transfer/judge/card_judge.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/judge/ca_chain.h"
#include "transfer/judge/ca_form.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

void
offer_wipe(struct offer *offer)
{
	card_wipe(&offer->card);
	trust_wipe(&offer->trust);
	policy_wipe(&offer->policy);
	buf_wipe(&offer->subject);
	*offer = (struct offer){ 0 };
}

/* By the key of the certificate that comes with it, before anything else is
 * read; what that is worth is seen when the CA is known. */
static enum rc
check_card_signature(const char *from, const struct cose *cose)
{
	OWN(X509) *cert = cert_of_der(cose->cert);
	EVP_PKEY *key = NULL;
	enum rc rc = cert == NULL ? RC_OK : cert_key_get0(from, cert, &key);

	if (rc != RC_OK)
		return rc;
	if (key == NULL)
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: its transfer certificate is none with a usable key",
		    from);
	return cose_verify(from, cose, key);
}

/* As of a bundle (BUNDLE-CLOCK): clocks may differ by a day. A card from later
 * would be newer than all that the CA will make. */
static enum rc
check_created(const char *from, int64_t created, int64_t now)
{
	char made[CLOCK_TEXT], today[CLOCK_TEXT];

	if (created <= now + DAY)
		return RC_OK;
	clock_write(created, made);
	clock_write(now, today);
	return rule_refuse(RULE_CA_DATES,
	    "%s: made at %s, and it is %s by this host's clock", from, made,
	    today);
}

static enum rc
judge(const char *from, struct span file, int64_t now, struct offer *o)
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
		rc = ca_form_dates(from, o->trust.cas[0].not_before,
		    o->trust.cas[0].not_after, now);
	if (rc == RC_OK)
		rc = check_created(from, o->card.created, now);
	if (rc == RC_OK)
		rc = ca_chain_check(from, o->card.certs, o->card.n_certs, now);
	if (rc == RC_OK)
		rc = judge_transfer_cert(
		    from, &o->trust, cose.cert, o->card.created, &key);
	if (rc == RC_OK)
		rc = sha256(o->card.certs[0], o->fingerprint);
	return rc != RC_OK ? rc
			   : buf_add_span(&o->trust.transfer_cert, cose.cert);
}

enum rc
card_judge(const char *from, struct span file, int64_t now, struct offer *ret)
{
	WIPED(offer) offer = { 0 };
	enum rc rc = judge(from, file, now, &offer);

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
