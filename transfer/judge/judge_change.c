/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of trust come only inside a manifest that the transfer key pinned
 * now has signed; the new trust is built beside the old one and takes its
 * place when all of the response is good.
 *
 * That signature vouches for the next transfer key and for nothing else: a CA
 * certificate is believed by the signature of a CA key that is pinned already,
 * its own where the key stays, and else that over the new key. */
#include "base/own_ssl.h"
#include "transfer/judge/ca_form.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/judge/judge_response.h"
#include "transfer/rule.h"

#include <stdio.h>

#define CHANGE_FROM_MAX 256

static enum rc
copy_trust(const struct trust *trust, struct trust *ret)
{
	enum rc rc = RC_OK;

	memcpy(ret->ca_id, trust->ca_id, SHA256_LEN);
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK; i++)
		rc = trust_add_ca(
		    ret, "pinned CA", buf_span(&trust->cas[i].der));
	for (size_t i = 0; i < trust->n_crosses && rc == RC_OK; i++)
		rc = trust_add_cross(
		    ret, "pinned CA", buf_span(&trust->crosses[i].der));
	if (rc == RC_OK)
		rc = buf_add_span(
		    &ret->transfer_cert, buf_span(&trust->transfer_cert));
	return rc != RC_OK ? rc : kin_add_all(&ret->kin, &trust->kin);
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

/* Did this CA certificate's key sign that one, and was it valid then? */
static enum rc
is_vouched_by(const char *from, const struct trust_ca *old,
    const struct ca_form *over, int64_t at, bool *ret)
{
	*ret = false;
	if (at < old->not_before || at > old->not_after ||
	    !span_eq(over->parts.issuer, buf_span(&old->subject)) ||
	    !span_eq(over->aki, old->ski) ||
	    !span_eq(over->parts.algorithm, old->algorithm))
		return RC_OK;
	return ca_is_signed(from, &over->parts, old->key, ret);
}

/* RFC 4210 4.4, new-with-old: whoever has the transfer key alone cannot make
 * one. `trust` is that from before the manifest: its own news vouch for
 * nothing. */
static enum rc
check_new_with_old(const char *from, const struct trust *trust,
    const struct trust_ca *new, struct span der, int64_t at)
{
	struct ca_form over, form;
	bool vouched = false;
	char which[CHANGE_FROM_MAX];
	enum rc rc;

	(void)snprintf(which, sizeof(which),
	    "%.180s: the certificate over the new CA key", from);
	rc = ca_form_read(which, der, CA_CROSS, &over);
	if (rc == RC_OK)
		rc = ca_form_read(from, buf_span(&new->der), CA_PINNED, &form);
	if (rc != RC_OK)
		return rc;
	if (!span_eq(over.parts.spki, form.parts.spki) ||
	    !span_eq(over.parts.subject, form.parts.subject) ||
	    !span_eq(over.ski, form.ski))
		return rule_refuse(
		    RULE_TRUST_CHANGE, "%s is over another key or name", which);
	if (at < over.not_before || at > over.not_after)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s is not valid when this was signed", which);
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK && !vouched; i++)
		rc = is_vouched_by(which, &trust->cas[i], &over, at, &vouched);
	if (rc != RC_OK || vouched)
		return rc;
	return rule_refuse(RULE_TRUST_CHANGE,
	    "%s is not signed by a CA key that is pinned", which);
}

/* What it is bound to, as DER; none: nothing. */
static struct span
bounds_of(const X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_name_constraints, -1);
	const ASN1_OCTET_STRING *value =
	    at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(cert, at));

	return value == NULL ? SPAN_NONE
			     : span_of(ASN1_STRING_get0_data(value),
				   (size_t)ASN1_STRING_length(value));
}

/* A CA below a pinned one has a certificate over its key by that one, too: it
 * shall not come into its place with bounds of its own choice. */
static enum rc
check_bounds(
    const char *from, const struct trust *trust, const struct trust_ca *new)
{
	const struct span wanted = bounds_of(new->cert);

	for (size_t i = 0; i < trust->n_cas; i++)
		if (span_eq(bounds_of(trust->cas[i].cert), wanted))
			return RC_OK;
	return rule_refuse(RULE_TRUST_CHANGE,
	    "%s: the new CA is bound to other names than the pinned one", from);
}

/* One that says the same of its key as the CA itself: only that key signs it.
 */
static enum rc
check_new_ca(const char *from, const struct trust_ca *new, int64_t at)
{
	if (!new->own_issuer)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a CA certificate of another issuer is believed by its words only",
		    from);
	if (at > new->not_after)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a CA certificate that had ended when this was signed",
		    from);
	return RC_OK;
}

/* The one that vouched, and old-with-new where it comes along: they are what
 * servers hand to those who have one of the two roots. */
static enum rc
keep_crosses(const char *from, struct trust *next, const struct trust_change *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 1; i < c->n_certs && rc == RC_OK; i++)
		rc = trust_add_cross(next, from, c->certs[i]);
	return rc;
}

/* \param trust  that from before the manifest
 * \param next   what it becomes */
static enum rc
change_ca(const char *from, const struct trust *trust, struct trust *next,
    const struct trust_change *c, int64_t at)
{
	const struct trust_ca *new;
	bool known;
	enum rc rc = trust_add_ca(next, from, c->certs[0]);

	if (rc != RC_OK)
		return rc;
	new = &next->cas[next->n_cas - 1];
	known = trust_key_get0(trust, new->key_id) != NULL;
	if ((c->kind == TRUST_RENEWED) != known)
		return rule_refuse(RULE_TRUST_CHANGE,
		    known ? "%s: a new CA key is one that is pinned already"
			  : "%s: a renewed CA certificate has another key",
		    from);
	rc = check_new_ca(from, new, at);
	if (rc != RC_OK || known)
		return rc;
	rc = check_new_with_old(from, trust, new, c->certs[1], at);
	if (rc == RC_OK)
		rc = keep_crosses(from, next, c);
	return rc != RC_OK ? rc : check_bounds(from, trust, new);
}

static enum rc
trust_change_apply(const char *from, const struct trust *trust,
    struct trust *next, const struct trust_change *c, int64_t at)
{
	const bool new_key =
	    c->kind == TRUST_ROLLOVER || c->kind == TRUST_SPARE;

	if (new_key && c->n_certs != 2 && c->n_certs != 3)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a new CA key comes with one certificate over it by a CA key that is pinned (RFC 4210 4.4), and perhaps one over that by the new key, and this with %zu",
		    from, c->n_certs - 1);
	if (!new_key && c->n_certs != 1)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a change with %zu certificates, not one", from,
		    c->n_certs);
	return c->kind == TRUST_TRANSFER
		   ? change_transfer(from, next, c->certs[0], at)
		   : change_ca(from, trust, next, c, at);
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
		    from, trust, &v->trust, &m->changes[i], m->signed_at);
	v->trust_changed = rc == RC_OK;
	return rc;
}
