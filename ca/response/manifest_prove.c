/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's signatures, recognised before anything else is made of the bytes. */
#include "ca/response/manifest_prove.h"

#include "base/own_ssl.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/rule.h"

static enum rc
issued_by(const struct trust_ca *ca, const struct cert_parts *parts,
    const char *from, bool *ret)
{
	*ret = false;
	if (!span_eq(parts->algorithm, ca->algorithm))
		return RC_OK;
	return ca_is_signed(from, parts, ca->key, ret);
}

enum rc
issued_check(enum rule rule, const char *from, const struct trust *trust,
    struct span der, struct cert_parts *ret_parts)
{
	bool good = false;
	enum rc rc = cert_parts_read(from, der, ret_parts);

	for (size_t i = 0; i < trust->n_cas && rc == RC_OK && !good; i++)
		rc = issued_by(&trust->cas[i], ret_parts, from, &good);
	if (rc == RC_OK && !good)
		rc = rule_refuse(rule, "%s: not signed by this CA's key", from);
	return rc;
}

enum rc
manifest_prove(const char *from, const struct trust *trust,
    const struct cose *cose, int64_t at)
{
	OWN(EVP_PKEY) *key = NULL;
	struct cert_parts parts;
	enum rc rc =
	    issued_check(RULE_TRANSFER_CERT, from, trust, cose->cert, &parts);

	if (rc == RC_OK)
		rc = judge_transfer_cert(from, trust, cose->cert, at, &key);
	return rc != RC_OK ? rc : cose_verify(from, cose, key);
}
