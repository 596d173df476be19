/* SPDX-License-Identifier: Apache-2.0 */
/* What the lost part had revoked for its requesters. A manifest has the
 * serials; the reason stands in the bundle, and the day in no response. A CRL
 * has both, and what an operator revoked at the laptop besides; where none has
 * come, it is revoked as of today, and where its host no longer has the bundle,
 * for no reason. */
#include "ca/lifecycle/recover.h"

struct met_serials {
	struct digest_set set;
};

static void
met_serials_wipe(struct met_serials *met)
{
	digest_set_wipe(&met->set);
}

/* One that two entries came to was revoked once. */
static enum rc
met_before(struct met_serials *met, struct span serial, bool *ret_new)
{
	uint8_t id[SHA256_LEN] = { 0 };

	memcpy(id, serial.p, serial.n < SHA256_LEN ? serial.n : SHA256_LEN);
	return digest_set_add(&met->set, id, 0, ret_new);
}

enum rc
recovery_count_revoked(const struct manifest *m, uint64_t *ret_n)
{
	WIPED(met_serials) met = { 0 };
	uint64_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_revocations; i++) {
		const struct revocation_result *r = &m->revocations[i];
		bool is_new = false;

		for (size_t c = 0;
		     r->status == REVOKED && c < r->n_serials && rc == RC_OK;
		     c++) {
			rc = met_before(&met, r->serials[c], &is_new);
			n += is_new;
		}
	}
	*ret_n = n;
	return rc;
}

enum rc
recovery_add_key(struct ledger *ledger, const struct ledger_cert *cert,
    const struct ledger_revocation *one)
{
	const uint8_t *key_id = cert->intent.key_id;
	bool revoked = false;
	enum rc rc;

	if (!reason_is_compromise(one->reason) || cert->own ||
	    (cert->adopted && cert->der.n == 0))
		return RC_OK;
	rc = ledger_key_is_revoked(ledger, key_id, &revoked);
	if (rc != RC_OK || revoked)
		return rc;
	return ledger_key_revoke(
	    ledger, key_id, one->reason, one->has_since ? one->since : 0);
}

static enum rc
add_revoked(struct recovery *r, uint64_t bundle, struct ledger_revocation one)
{
	const struct crl_word *word = recovery_crl_word(r, one.serial);
	WIPED(ledger_cert) cert = { 0 };
	bool known = false;
	enum rc rc = ledger_cert_get(r->ledger, one.serial, &cert, &known);

	if (rc != RC_OK)
		return rc;
	if (!known || cert.own) {
		r->n_unrevoked += word == NULL;
		return RC_OK;
	}
	one.not_after = cert.intent.not_after;
	if (word != NULL) {
		one.reason = word->reason;
		one.date = word->at;
		one.has_since = word->since != 0;
		one.since = word->since;
	}
	if (!cert.revoked)
		rc = ledger_revoke(r->ledger, &one, bundle);
	r->n_revoked += rc == RC_OK && !cert.revoked;
	return rc == RC_OK ? recovery_add_key(r->ledger, &cert, &one) : rc;
}

/* A CRL may have come here before them. */
enum rc
recovery_add_keys(struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results; i++)
		for (size_t c = 0; c < m->results[i].n_certs && rc == RC_OK;
		     c++) {
			struct ledger_revocation one;
			WIPED(ledger_cert) cert = { .at = 0 };
			const struct span serial =
			    m->results[i].certs[c].serial;
			bool known = false, revoked = false;

			rc = ledger_revoked_get(
			    r->ledger, serial, &one, &revoked);
			if (rc == RC_OK && revoked)
				rc = ledger_cert_get(
				    r->ledger, serial, &cert, &known);
			if (rc == RC_OK && known)
				rc = recovery_add_key(r->ledger, &cert, &one);
		}
	return rc;
}

/* What was revoked before was so by an act that may be lost as well. */
static enum rc
revoke_result(struct recovery *r, const struct history_response *p, size_t i,
    uint64_t bundle)
{
	const struct revocation_result *result = &p->manifest.revocations[i];
	struct ledger_revocation one = { .reason = REASON_UNSPECIFIED };
	enum rc rc = RC_OK;

	if (result->status != REVOKED && result->status != REVOKED_BEFORE)
		return RC_OK;
	if (i < p->bundle.n_revocations) {
		const struct revocation *asked = &p->bundle.revocations[i];

		one.reason = (enum reason)asked->reason;
		one.has_since = asked->has_since && asked->since != 0 &&
				asked->since <= p->manifest.signed_at;
		one.since = asked->since;
	}
	for (size_t c = 0; c < result->n_serials && rc == RC_OK; c++) {
		one.serial = result->serials[c];
		rc = add_revoked(r, bundle, one);
	}
	return rc;
}

enum rc
recovery_add_revoked(struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	struct ledger_bundle bundle = { 0 };
	bool known = false;
	enum rc rc = RC_OK;

	if (m->n_revocations == 0)
		return RC_OK;
	rc = ledger_bundle_get(
	    r->ledger, m->requester, m->bundle_id, &bundle, &known);
	for (size_t i = 0; i < m->n_revocations && rc == RC_OK; i++)
		rc = revoke_result(r, p, i, known ? bundle.n : 0);
	return rc;
}
