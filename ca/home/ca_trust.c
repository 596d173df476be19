/* SPDX-License-Identifier: Apache-2.0 */
/* The newest of them, where there are more than a judge takes. */
#include "ca/home/ca_trust.h"

static size_t
first_known(const struct ledger_ca *ca)
{
	return ca->n_own > JUDGE_CAS_MAX ? ca->n_own - JUDGE_CAS_MAX : 0;
}

/* All of them, however many certificates a judge takes. */
static enum rc
ca_kin(const struct ledger_ca *ca, struct kin *kin)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < ca->n_own && rc == RC_OK; i++)
		rc = kin_add(kin, KIN_OWN, "a certificate of the CA",
		    buf_span(&ca->own[i].cert));
	if (rc == RC_OK)
		rc = kin_add_joined(kin, KIN_TRANSFER,
		    "the CA's transfer certificates", buf_span(&ca->transfers));
	if (rc == RC_OK)
		rc = kin_add_joined(kin, KIN_ABOVE,
		    "the certificates above the CA",
		    buf_span(&ca->had_issuers));
	return rc;
}

enum rc
ca_trust(const struct ledger_ca *ca, struct trust *ret)
{
	enum rc rc = RC_OK;

	memcpy(ret->ca_id, ca->ca_id, SHA256_LEN);
	for (size_t i = first_known(ca); i < ca->n_own && rc == RC_OK; i++)
		rc = trust_add_ca(
		    ret, "the CA certificate", buf_span(&ca->own[i].cert));
	return rc != RC_OK ? rc : ca_kin(ca, &ret->kin);
}

enum rc
ca_judge_open(struct child *judge, const struct policy *policy,
    const struct ledger_ca *ca)
{
	struct span certs[JUDGE_CAS_MAX];
	WIPED(kin) kin = { 0 };
	size_t n = 0;
	enum rc rc = ca_kin(ca, &kin);

	if (rc != RC_OK)
		return rc;

	for (size_t i = first_known(ca); i < ca->n_own; i++)
		certs[n++] = buf_span(&ca->own[i].cert);
	rc = judge_open(judge, buf_span(&policy->text), ca->ca_id, certs, n,
	    buf_span(&ca->transfer_cert));
	return rc != RC_OK ? rc : judge_kin_tell(judge, &kin);
}
