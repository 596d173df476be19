/* SPDX-License-Identifier: Apache-2.0 */
/* What was proven goes into the ledger, all of it or nothing. */
#include "base/list.h"
#include "ca/lifecycle/recover.h"
#include "transfer/format/cose.h"
#include "transfer/x509/tbs.h"

#include <stdlib.h>

/* Each response is imported under the policy that it was made under: that is
 * what the next one of its channel is compared with. */
static enum rc
stamp(const struct recovery *r, size_t i, int64_t now)
{
	const struct history_response *p = &r->items[i];
	WIPED(buf) text = { 0 };
	enum rc rc;

	if (p->item->policy.n != 0)
		return ledger_stamp(r->ledger, now, p->item->policy);
	/* One before it may have brought the text into the ledger by now. */
	rc = ledger_policy_get(r->ledger, p->manifest.policy, &text);
	return rc != RC_OK ? rc : ledger_stamp(r->ledger, now, buf_span(&text));
}

static enum rc
add_manifest(const struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	struct ledger_import import = { .sequence = m->sequence,
		.has_bundle = m->has_bundle,
		.bundle_sequence = p->bundle.sequence,
		.count = m->ledger.count,
		.file = p->item->manifest };

	memcpy(import.channel, m->requester, SHA256_LEN);
	memcpy(import.bundle_id, m->bundle_id, BUNDLE_ID_LEN);
	memcpy(import.bundle_digest, m->bundle_digest, SHA256_LEN);
	return ledger_import_add(r->ledger, &import);
}

static enum rc
is_lacking(const struct recovery *r, const struct cert_entry *entry, bool *ret)
{
	WIPED(ledger_cert) ours = { 0 };
	bool known = false;
	enum rc rc = ledger_cert_get(r->ledger, entry->serial, &ours, &known);

	*ret = !known || ours.der.n == 0;
	return rc;
}

/* What it was asked under stands in the bundle alone. */
static struct span
profile_of(const struct history_response *p, uint32_t request)
{
	return request < p->bundle.n_requests
		   ? p->bundle.requests[request].profile
		   : SPAN_NONE;
}

static enum rc
add_certs(const struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	size_t place = 0;
	enum rc rc = RC_OK;

	for (uint32_t i = 0; i < m->n_results; i++)
		for (uint32_t c = 0; c < m->results[i].n_certs && rc == RC_OK;
		     c++, place++) {
			const struct ledger_regained one = {
				.request = i,
				.slot = c,
				.request_id = m->results[i].id,
				.profile = profile_of(p, i),
				.der = p->item->certs[place],
			};
			bool lacking = false;

			rc = is_lacking(r, &m->results[i].certs[c], &lacking);
			if (rc == RC_OK && lacking)
				rc = ledger_regained_add(r->ledger, &one);
		}
	return rc;
}

/* ---- what its bundle had begun before the backup ---------------------------
 */

struct leftovers {
	struct intent *items; /* owned */
	size_t n;
};

static void
leftovers_wipe(struct leftovers *l)
{
	free(l->items);
}

static enum rc
note_leftover(const struct intent *intent, void *arg)
{
	struct leftovers *l = arg;
	enum rc rc = LIST_GROW(l->items, l->n);

	if (rc != RC_OK)
		return rc;
	l->items[l->n++] = *intent;
	return RC_OK;
}

/* The response is complete: an intent that it does not answer never will be. */
static enum rc
void_leftovers(const struct recovery *r, const struct history_response *p)
{
	WIPED(leftovers) l = { 0 };
	struct ledger_bundle bundle;
	bool known = false;
	enum rc rc;

	if (!p->manifest.has_bundle)
		return RC_OK;
	rc = ledger_bundle_get(r->ledger, p->manifest.requester,
	    p->manifest.bundle_id, &bundle, &known);
	if (rc == RC_OK && known)
		rc =
		    ledger_intents_open(r->ledger, bundle.n, note_leftover, &l);
	for (size_t i = 0; i < l.n && rc == RC_OK; i++)
		rc = ledger_void_add(r->ledger, &l.items[i],
		    "not in the response that was brought back");
	return rc;
}

/* ---- new transfer certificates ---------------------------------------------
 */

static enum rc
add_transfer(const struct recovery *r, struct span cert)
{
	struct cert_entry entry = { 0 };
	struct cert_parts parts;
	bool lacking = false;
	enum rc rc = cert_parts_read("a transfer certificate", cert, &parts);

	entry.serial = parts.serial;
	if (rc == RC_OK)
		rc = is_lacking(r, &entry, &lacking);
	return rc != RC_OK || !lacking ? rc
				       : ledger_transfer_add(r->ledger, cert);
}

/* What signed it was in force then. Where the key before it was lost there was
 * no change to announce: hosts took it from a card. */
static enum rc
add_signer(const struct recovery *r, const struct history_response *p)
{
	struct cose cose;
	enum rc rc =
	    cose_read(p->from, p->item->manifest, COSE_MANIFEST, &cose);

	return rc == RC_OK ? add_transfer(r, cose.cert) : rc;
}

/* As a run of its own would have: noted, then signed. */
static enum rc
add_ca(const struct recovery *r, const struct trust_change *change)
{
	struct span tbs[CA_CHANGE_MAX] = { 0 };
	WIPED(ca_begun) begun = { 0 };
	struct cert_entry entry = { 0 };
	struct cert_parts parts;
	bool lacking = false;
	enum ca_change kind = change->kind == TRUST_RENEWED    ? CA_RENEWED
			      : change->kind == TRUST_ROLLOVER ? CA_ROLLED_OVER
							       : CA_SPARE;
	enum rc rc = change->n_certs >= 1 && change->n_certs <= CA_CHANGE_MAX
			 ? RC_OK
			 : err_set(RC_BUG, "a change of %zu certificates",
			       change->n_certs);

	for (size_t i = 0; i < change->n_certs && rc == RC_OK; i++) {
		rc = cert_parts_read(
		    "a CA certificate", change->certs[i], &parts);
		tbs[i] = parts.tbs;
		if (i == 0)
			entry.serial = parts.serial;
	}
	if (rc == RC_OK)
		rc = is_lacking(r, &entry, &lacking);
	if (rc != RC_OK || !lacking)
		return rc;
	/* The backup may have what was noted, and not what came of it. */
	rc = ledger_ca_begun(r->ledger, &begun);
	if (rc == RC_OK && (!begun.any || !span_eq(begun.tbs[0], tbs[0])))
		rc = ledger_ca_intend(r->ledger, kind, tbs, change->n_certs);
	return rc != RC_OK ? rc
			   : ledger_ca_change(r->ledger, kind, change->certs,
				 change->n_certs);
}

static enum rc
add_changes(const struct recovery *r, const struct history_response *p)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < p->manifest.n_changes && rc == RC_OK; i++) {
		const struct trust_change *change = &p->manifest.changes[i];

		rc = change->kind == TRUST_TRANSFER
			 ? add_transfer(r, change->certs[0])
			 : add_ca(r, change);
	}
	return rc;
}

static enum rc
add_one(struct recovery *r, size_t i, int64_t now)
{
	const struct history_response *p = &r->items[i];
	enum rc rc;

	if (p->held)
		return RC_OK;
	rc = stamp(r, i, now);
	if (rc == RC_OK)
		rc = add_manifest(r, p);
	if (rc == RC_OK)
		rc = add_certs(r, p);
	if (rc == RC_OK)
		rc = void_leftovers(r, p);
	if (rc == RC_OK)
		rc = recovery_add_keys(r, p);
	if (rc == RC_OK)
		rc = recovery_add_revoked(r, p);
	/* The newest is in force: what an earlier run has brought back is newer
	 * than the key of an older response. */
	if (rc != RC_OK || p->manifest.ledger.count < r->before)
		return rc;
	rc = add_signer(r, p);
	return rc != RC_OK ? rc : add_changes(r, p);
}

enum rc
recovery_store(struct recovery *r, int64_t now, struct span policy)
{
	enum rc rc = ledger_begin(r->ledger);

	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		rc = add_one(r, i, now);
	if (rc == RC_OK)
		rc = ledger_stamp(r->ledger, now, policy);
	if (rc == RC_OK)
		rc = recovery_add_crls(r);
	if (rc == RC_OK)
		return ledger_commit(r->ledger);
	ledger_rollback(r->ledger);
	return rc;
}
