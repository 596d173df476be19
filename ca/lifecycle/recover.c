/* SPDX-License-Identifier: Apache-2.0 */
/* The histories against the ledger and each other: what is new, what is held,
 * and what contradicts. */
#include "ca/lifecycle/recover.h"

#include "base/list.h"
#include "transfer/format/cose.h"
#include "transfer/judge/judge_response.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>
#include <stdlib.h>

void
recovery_wipe(struct recovery *recovery)
{
	for (size_t i = 0; i < recovery->n; i++)
		history_response_wipe(&recovery->items[i]);
	for (size_t i = 0; i < recovery->n_left; i++)
		free(recovery->left[i].reason);
	recovery_crls_wipe(recovery);
	free(recovery->items);
	free(recovery->left);
	free(recovery->read);
	free(recovery->awaits);
	*recovery = (struct recovery){ 0 };
}

/* ---- what is not taken ------------------------------------------------------
 */

enum rc
recovery_leave(struct recovery *r, const char *name, enum rc why)
{
	struct history_left *one;
	char *reason = strdup(err_text());
	enum rc rc =
	    reason == NULL ? err_memory() : LIST_GROW(r->left, r->n_left);

	if (rc != RC_OK) {
		free(reason);
		return rc;
	}
	one = &r->left[r->n_left++];
	*one = (struct history_left){
		.rc = why, .rule = rule_spoken(), .reason = reason
	};
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	err_clear();
	return RC_OK;
}

/* A verdict on this response is no reason to leave the others; a fork is, and a
 * failure is no verdict. */
static enum rc
leave_refused(struct recovery *r, const char *name, enum rc why)
{
	return rule_spoken() == RULE_NONE || rule_stops() == SCOPE_STICK
		   ? why
		   : recovery_leave(r, name, why);
}

/* ---- in the order in which they were made ---------------------------------
 */

static int
by_making(const void *a, const void *b)
{
	const struct manifest *x =
	    &((const struct history_response *)a)->manifest;
	const struct manifest *y =
	    &((const struct history_response *)b)->manifest;

	if (x->ledger.count != y->ledger.count)
		return x->ledger.count < y->ledger.count ? -1 : 1;
	if (memcmp(x->requester, y->requester, SHA256_LEN) != 0)
		return memcmp(x->requester, y->requester, SHA256_LEN);
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static bool
is_of(const char *name, const uint8_t ca_id[static SHA256_LEN])
{
	char ca[9];

	hex_write(span_of(ca_id, 4), ca);
	return memcmp(name, ca, 8) == 0;
}

static void
pass_over_others(struct recovery *r, const uint8_t ca_id[static SHA256_LEN])
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_left; i++)
		if (is_of(r->left[i].name, ca_id))
			r->left[kept++] = r->left[i];
		else
			free(r->left[i].reason);
	r->n_others += r->n_left - kept;
	r->n_left = kept;
}

static bool
is_pinned(const struct trust *trust, struct span der)
{
	for (size_t i = 0; i < trust->n_cas; i++)
		if (span_eq(buf_span(&trust->cas[i].der), der))
			return true;
	return false;
}

/* A CA certificate that the ledger lacks, by the word of a key that it has:
 * what comes after it is proven with it. */
static enum rc
learn_changes(struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	struct response_verdict v = { .manifest = *m }; /* lent */
	bool wanted = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_changes; i++)
		wanted |= m->changes[i].kind != TRUST_TRANSFER &&
			  !is_pinned(r->trust, m->changes[i].certs[0]);
	if (wanted)
		rc = judge_changes(p->from, r->trust, &v);
	if (rc == RC_OK && wanted) {
		trust_wipe(r->trust);
		*r->trust = v.trust;
		v.trust = (struct trust){ 0 };
		buf_reset(&r->trust->transfer_cert);
	}
	trust_wipe(&v.trust);
	return rc;
}

static enum rc
prove_all(struct recovery *r, const struct history_set *history,
    const uint8_t ca_id[static SHA256_LEN])
{
	enum rc rc = RC_OK;

	pass_over_others(r, ca_id);
	r->items = calloc(history->n == 0 ? 1 : history->n, sizeof(*r->items));
	if (r->items == NULL)
		return err_memory();
	for (size_t i = 0; i < history->n && rc == RC_OK; i++) {
		const struct history_item *item = &history->items[i];
		char name[HISTORY_NAME_MAX];

		(void)snprintf(
		    name, sizeof(name), "%.*s", SPAN_FMT(item->name));
		if (!is_of(name, ca_id)) {
			r->n_others++;
			continue;
		}
		rc = history_prove(r->trust, item, &r->items[r->n]);
		if (rc == RC_OK)
			rc = learn_changes(r, &r->items[r->n]);
		if (rc == RC_OK)
			r->n++;
		else
			rc = leave_refused(r, name, rc);
	}
	if (rc == RC_OK && r->n > 1)
		qsort(r->items, r->n, sizeof(*r->items), by_making);
	return rc;
}

/* ---- each against what is before it ---------------------------------------
 */

/* The response of the same channel before it, in the histories; NULL: none. */
static const struct history_response *
before_get0(const struct recovery *r, size_t i)
{
	const uint8_t *channel = r->items[i].manifest.requester;

	while (i-- > 0)
		if (memcmp(r->items[i].manifest.requester, channel,
			SHA256_LEN) == 0)
			return &r->items[i];
	return NULL;
}

/* A response of a restored ledger's own time that it does not have was made by
 * another ledger: two have gone on from one. */
static enum rc
check_time_of(const struct recovery *r, const struct history_response *p)
{
	if (p->manifest.ledger.count > r->restored.count)
		return RC_OK;
	return rule_refuse(RULE_FORK,
	    "%s: made when the ledger had %" PRIu64
	    " records, but this one, which was restored with %" PRIu64
	    ", does not have it",
	    p->from, p->manifest.ledger.count, r->restored.count);
}

/* One number of records has one newest record. */
static enum rc
check_heads(const struct recovery *r, size_t i)
{
	const struct ledger_head *one = &r->items[i].manifest.ledger, *other;

	if (i == 0)
		return RC_OK;
	other = &r->items[i - 1].manifest.ledger;
	if (one->count != other->count ||
	    memcmp(one->hash, other->hash, SHA256_LEN) == 0)
		return RC_OK;
	return rule_refuse(RULE_FORK,
	    "%s: made over another record %" PRIu64
	    " than %s: two ledgers have signed for one CA",
	    r->items[i].from, one->count, r->items[i - 1].from);
}

struct link {
	bool any;
	uint32_t sequence;
	uint8_t digest[SHA256_LEN];
	uint64_t count; /* of its ledger head; 0: not known */
};

/* What a new response must follow: what the histories have before it, or the
 * newest that the ledger has. */
static enum rc
link_before(const struct recovery *r, size_t i, struct link *ret)
{
	const struct history_response *before = before_get0(r, i);
	WIPED(ledger_manifest) newest = { 0 };
	bool known = false;
	enum rc rc = ledger_manifest_get(
	    r->ledger, r->items[i].manifest.requester, 0, &newest, &known);

	*ret = (struct link){ .any = rc == RC_OK && known,
		.sequence = newest.sequence };
	memcpy(ret->digest, newest.digest, SHA256_LEN);
	if (rc == RC_OK && before != NULL && !before->held) {
		*ret = (struct link){ .any = true,
			.sequence = before->manifest.sequence,
			.count = before->manifest.ledger.count };
		memcpy(ret->digest, before->digest, SHA256_LEN);
	}
	return rc;
}

static enum rc
check_link(const struct recovery *r, size_t i)
{
	const struct history_response *p = &r->items[i];
	const struct manifest *m = &p->manifest;
	struct link link;
	enum rc rc = link_before(r, i, &link);

	if (rc != RC_OK)
		return rc;
	if (m->sequence != link.sequence + 1)
		return rule_refuse(RULE_GAP,
		    "%s: number %u is the next that this ledger lacks: take the whole history along",
		    p->from, (unsigned)link.sequence + 1);
	if (m->has_previous != link.any ||
	    (link.any && memcmp(m->previous, link.digest, SHA256_LEN) != 0))
		return rule_refuse(RULE_PREVIOUS,
		    "%s: does not continue number %u", p->from,
		    (unsigned)link.sequence);
	if (m->ledger.count <= link.count)
		return rule_refuse(RULE_LEDGER_COUNT,
		    "%s: made over no more records than number %u", p->from,
		    (unsigned)link.sequence);
	return RC_OK;
}

/* Whose key was in force is told by the same one that it follows. */
static enum rc
check_signer(const struct recovery *r, size_t i)
{
	const struct history_response *before = before_get0(r, i);
	WIPED(ledger_manifest) newest = { 0 };
	bool known = false;
	enum rc rc;

	if (before != NULL && !before->held)
		return recovery_signer_check(r, i, before->item->manifest);
	rc = ledger_manifest_get(
	    r->ledger, r->items[i].manifest.requester, 0, &newest, &known);
	return rc != RC_OK
		   ? rc
		   : recovery_signer_check(r, i, buf_span(&newest.file));
}

/* ---- certificates ---------------------------------------------------------
 */

static enum rc
conflict(const struct history_response *p, const struct cert_entry *entry)
{
	char serial[2 * SERIAL_MAX + 1];

	hex_write(entry->serial, serial);
	return rule_refuse(RULE_REGAINED_SERIAL,
	    "%s: serial %s belongs to another certificate in this ledger",
	    p->from, serial);
}

/* Held, or lacking; what is unfinished or void here must be this very TBS of
 * this very bundle. */
static enum rc
check_cert(const struct recovery *r, const struct history_response *p,
    const struct cert_entry *entry, struct span der, bool *ret_lacking)
{
	WIPED(ledger_cert) ours = { 0 };
	struct ledger_bundle bundle = { 0 };
	struct cert_parts parts;
	uint8_t tbs[SHA256_LEN];
	bool known;
	enum rc rc = ledger_cert_get(r->ledger, entry->serial, &ours, &known);

	*ret_lacking = true;
	if (rc != RC_OK || !known || ours.listed)
		return rc;
	if (ours.intent.bundle == 0)
		return conflict(p, entry);
	rc = ledger_bundle_at(r->ledger, ours.intent.bundle, &bundle);
	if (rc == RC_OK)
		rc = cert_parts_read(p->from, der, &parts);
	if (rc == RC_OK)
		rc = sha256(parts.tbs, tbs);
	if (rc != RC_OK)
		return rc;
	*ret_lacking = ours.der.n == 0;
	if (memcmp(tbs, ours.intent.tbs, SHA256_LEN) != 0 ||
	    memcmp(bundle.id, p->manifest.bundle_id, BUNDLE_ID_LEN) != 0 ||
	    (ours.der.n != 0 && !span_eq(buf_span(&ours.der), der)))
		return conflict(p, entry);
	return RC_OK;
}

static enum rc
check_certs(struct recovery *r, struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	size_t place = 0;
	bool lacking;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results; i++)
		for (size_t c = 0; c < m->results[i].n_certs && rc == RC_OK;
		     c++) {
			rc = check_cert(r, p, &m->results[i].certs[c],
			    p->item->certs[place++], &lacking);
			p->n_regained += rc == RC_OK && lacking;
		}
	r->n_certs += p->n_regained;
	return rc;
}

/* The policy that it was made under: from the ledger, or from it or one before.
 */
static enum rc
check_policy(const struct recovery *r, size_t i)
{
	const struct history_response *p = &r->items[i];
	bool known = false;
	enum rc rc;

	for (size_t k = 0; k <= i; k++)
		if (r->items[k].item->policy.n != 0 &&
		    memcmp(r->items[k].manifest.policy, p->manifest.policy,
			SHA256_LEN) == 0)
			return RC_OK;
	rc = ledger_policy_known(r->ledger, p->manifest.policy, &known);
	if (rc == RC_OK && !known)
		rc = rule_refuse(RULE_POLICY_DIGEST,
		    "%s: the policy that it was made under is neither here nor in the ledger",
		    p->from);
	return rc;
}

/* ---- one response ---------------------------------------------------------
 */

static enum rc
check_held(const struct recovery *r, struct history_response *p)
{
	WIPED(ledger_manifest) ours = { 0 };
	bool known = false;
	enum rc rc = ledger_manifest_get(r->ledger, p->manifest.requester,
	    p->manifest.sequence, &ours, &known);

	/* Asked for by a number, which for 0 means the newest. */
	p->held = rc == RC_OK && known;
	if (rc == RC_OK && known &&
	    memcmp(ours.digest, p->digest, SHA256_LEN) != 0)
		rc = rule_refuse(RULE_FORK,
		    "%s: this ledger has another response %u: two ledgers have signed for one CA",
		    p->from, (unsigned)p->manifest.sequence);
	return rc;
}

static enum rc
recover_check_one(struct recovery *r, size_t i)
{
	struct history_response *p = &r->items[i];
	enum rc rc = check_held(r, p);

	if (rc == RC_OK && p->held)
		return recovery_signer_pass(r, i);
	if (rc != RC_OK)
		return rc;
	rc = check_time_of(r, p);
	if (rc == RC_OK)
		rc = check_link(r, i);
	if (rc == RC_OK)
		rc = check_signer(r, i);
	if (rc == RC_OK)
		rc = check_policy(r, i);
	if (rc == RC_OK)
		rc = check_certs(r, p);
	if (rc == RC_OK)
		rc = recovery_signer_pass(r, i);
	r->n_new += rc == RC_OK;
	return rc;
}

/* Who is left leaves no trace: what comes after it is held against those that
 * are taken. */
static void
drop(struct recovery *r, size_t i)
{
	history_response_wipe(&r->items[i]);
	r->n--;
	memmove(&r->items[i], &r->items[i + 1], (r->n - i) * sizeof(*r->items));
}

/* All that tells of a fork is looked at before anything is left. */
static enum rc
recover_check_all(struct recovery *r)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		rc = check_heads(r, i);
	for (size_t i = 0; i < r->n && rc == RC_OK;) {
		char name[HISTORY_NAME_MAX + 1];

		rc = recover_check_one(r, i);
		if (rc == RC_OK) {
			i++;
			continue;
		}
		memcpy(name, r->items[i].from, sizeof(name));
		rc = leave_refused(r, name, rc);
		if (rc == RC_OK)
			drop(r, i);
	}
	return rc;
}

/* ---- how much is still missing --------------------------------------------
 */

/* The records that one visit has made, with the response itself: the bundle, an
 * intent and a result for each certificate, a refusal for each other request,
 * each certificate revoked, and the arrival of the response before. */
static enum rc
records_add(const struct manifest *m, uint64_t *n)
{
	uint64_t revoked;
	enum rc rc = recovery_count_revoked(m, &revoked);

	if (rc != RC_OK)
		return rc;
	*n += 1 + revoked;
	if (m->has_bundle)
		*n += m->sequence > 1 ? 2 : 1;
	for (size_t i = 0; i < m->n_results; i++)
		*n +=
		    m->results[i].n_certs == 0 ? 1 : 2 * m->results[i].n_certs;
	return RC_OK;
}

struct account {
	uint64_t top, told;
	uint64_t first; /* record of the first import; 0: none yet */
};

static enum rc
account_import(const struct ledger_import *import, void *arg)
{
	struct account *a = arg;
	WIPED(manifest) m = { 0 };
	struct cose cose;
	enum rc rc =
	    cose_read("the ledger", import->file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read("the ledger", cose.payload, &m);
	if (rc != RC_OK)
		return rc;
	a->first = a->first == 0 ? import->n : a->first;
	a->top = m.ledger.count > a->top ? m.ledger.count : a->top;
	return records_add(&m, &a->told);
}

/* How many records this ledger had before anything came back: those of a
 * backup, or of a copy that somebody put in place without a word. */
static uint64_t
records_before(const struct recovery *r, const struct account *a)
{
	struct ledger_head head;

	if (r->restored.count != 0)
		return r->restored.count;
	ledger_head_get(r->ledger, &head);
	return a->first != 0 ? a->first - 1 : head.count;
}

/* The newest manifest's own record is above all that it counts. */
static enum rc
account(struct recovery *r)
{
	struct account a = { 0 };
	uint64_t lost;
	enum rc rc = ledger_imports_each(r->ledger, account_import, &a);

	r->before = a.top;
	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		if (!r->items[i].held) {
			const struct manifest *m = &r->items[i].manifest;

			rc = records_add(m, &a.told);
			if (m->ledger.count > a.top)
				a.top = m->ledger.count;
		}
	r->top = a.top;
	r->had = records_before(r, &a);
	lost = a.top > r->had ? a.top - r->had + 1 : 0;
	r->missing = lost > a.told ? lost - a.told : 0;
	return rc;
}

static void
find_latest(struct recovery *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct history_response *p = &r->items[i];

		if (p->held || p->manifest.signed_at <= r->latest_at)
			continue;
		r->latest = i;
		r->latest_at = p->manifest.signed_at;
	}
}

enum rc
recovery_plan(struct recovery *r, const struct history_set *history,
    const uint8_t ca_id[static SHA256_LEN])
{
	bool any = false;
	enum rc rc = ledger_restored_get(r->ledger, &r->restored, &any);

	if (rc == RC_OK)
		rc = recovery_signer_begin(r);
	if (rc == RC_OK)
		rc = prove_all(r, history, ca_id);
	if (rc == RC_OK)
		rc = recover_check_all(r);
	if (rc == RC_OK)
		rc = account(r);
	if (rc == RC_OK)
		rc = recovery_crls_told(r);
	find_latest(r);
	if (rc == RC_OK)
		rc = recovery_crls_of_items(r);
	return rc != RC_OK ? rc : recovery_await(r);
}
