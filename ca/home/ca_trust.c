/* SPDX-License-Identifier: Apache-2.0 */
/* The newest of them, where there are more than a judge takes. */
#include "ca/home/ca_trust.h"

static size_t
first_known(const struct ledger_ca *ca)
{
	return ca->n_own > JUDGE_CAS_MAX ? ca->n_own - JUDGE_CAS_MAX : 0;
}

enum rc
ca_trust(const struct ledger_ca *ca, struct trust *ret)
{
	enum rc rc = RC_OK;

	memcpy(ret->ca_id, ca->ca_id, SHA256_LEN);
	for (size_t i = first_known(ca); i < ca->n_own && rc == RC_OK; i++)
		rc = trust_add_ca(
		    ret, "the CA certificate", buf_span(&ca->own[i].cert));
	return rc;
}

enum rc
ca_judge_open(struct child *judge, const struct policy *policy,
    const struct ledger_ca *ca)
{
	struct span certs[JUDGE_CAS_MAX];
	size_t n = 0;

	for (size_t i = first_known(ca); i < ca->n_own; i++)
		certs[n++] = buf_span(&ca->own[i].cert);
	return judge_open(judge, buf_span(&policy->text), ca->ca_id, certs, n,
	    buf_span(&ca->transfer_cert));
}
