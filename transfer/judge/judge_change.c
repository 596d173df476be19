/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of trust come only inside a manifest that the transfer key pinned
 * now has signed; the new trust is built beside the old one and takes its
 * place when all of the response is good. */
#include "base/own_ssl.h"
#include "transfer/judge/judge_response.h"
#include "transfer/rule.h"

static enum rc
copy_trust(const struct trust *trust, struct trust *ret)
{
	enum rc rc = RC_OK;

	memcpy(ret->ca_id, trust->ca_id, SHA256_LEN);
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK; i++)
		rc = trust_add_ca(
		    ret, "pinned CA", buf_span(&trust->cas[i].der));
	if (rc == RC_OK)
		rc = buf_add_span(
		    &ret->transfer_cert, buf_span(&trust->transfer_cert));
	return rc;
}

/* The next transfer certificate; the pinned one ends with this manifest. */
static enum rc
change_transfer(
    const char *from, struct trust *trust, struct span der, int64_t at)
{
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc;

	buf_reset(&trust->transfer_cert);
	rc = judge_transfer_cert(from, trust, der, at, &key);
	return rc != RC_OK ? rc : buf_add_span(&trust->transfer_cert, der);
}

static enum rc
change_ca(const char *from, struct trust *trust, enum trust_kind kind,
    struct span der)
{
	const struct trust_ca *added, *known = NULL;
	enum rc rc = trust_add_ca(trust, from, der);

	if (rc != RC_OK)
		return rc;
	added = &trust->cas[trust->n_cas - 1];
	for (size_t i = 0; i < trust->n_cas - 1; i++)
		if (memcmp(trust->cas[i].key_id, added->key_id, SHA256_LEN) ==
		    0)
			known = &trust->cas[i];
	if ((kind == TRUST_RENEWED) != (known != NULL))
		return rule_refuse(RULE_TRUST_CHANGE,
		    kind == TRUST_RENEWED
			? "%s: a renewed CA certificate has another key"
			: "%s: a new CA key is one that is pinned already",
		    from);
	return RC_OK;
}

static enum rc
trust_change_apply(const char *from, struct trust *trust,
    const struct trust_change *c, int64_t at)
{
	if (c->n_certs != 1)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a change with %zu certificates, not one", from,
		    c->n_certs);
	return c->kind == TRUST_TRANSFER
		   ? change_transfer(from, trust, c->certs[0], at)
		   : change_ca(from, trust, c->kind, c->certs[0]);
}

enum rc
judge_changes(
    const char *from, const struct trust *trust, struct response_verdict *v)
{
	const struct manifest *m = &v->manifest;
	enum rc rc;

	if (m->n_changes == 0)
		return RC_OK;
	rc = copy_trust(trust, &v->trust);
	for (size_t i = 0; i < m->n_changes && rc == RC_OK; i++)
		rc = trust_change_apply(
		    from, &v->trust, &m->changes[i], m->signed_at);
	v->trust_changed = rc == RC_OK;
	return rc;
}
