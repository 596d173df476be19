/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a response: made once, and read again from the ledger. */
#include "ca/intake/revoke.h"
#include "ca/ledger/ledger_crl.h"
#include "ca/response/answer_names.h"
#include "ca/response/response_crls.h"
#include "ca/response/response_files.h"
#include "transfer/rule.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* A manifest whose texts lie with this process, while it is being made. */
struct manifest_draft {
	struct manifest m;
	struct progress progress;
	const uint8_t *issuer; /* key-id of the CA key */
	bool is_loose;
	struct answer_names files;
	struct response_crls crls; /* items: moved into m */
};

static void
manifest_draft_wipe(struct manifest_draft *d)
{
	manifest_wipe(&d->m);
	progress_wipe(&d->progress);
	answer_names_wipe(&d->files);
	response_crls_wipe(&d->crls);
	*d = (struct manifest_draft){ 0 };
}

/* A response is made when everything is signed or refused; a hole here would be
 * a request that is never answered. */
static enum rc
fill_issued(
    struct manifest_draft *d, size_t i, const char *file, struct result *r)
{
	const struct request_progress *o = &d->progress.items[i];

	r->certs = calloc(o->n_slots, sizeof(*r->certs));
	if (r->certs == NULL)
		return err_memory();
	r->n_certs = o->n_slots;
	for (uint32_t c = 0; c < o->n_slots; c++) {
		const struct slot *slot = &o->slots[c];
		struct cert_entry *e = &r->certs[c];

		if (!slot->done)
			return err_set(RC_BUG,
			    "request %zu: certificate %u was never signed",
			    i + 1, c + 1);
		e->serial = span_of(slot->serial, sizeof(slot->serial));
		memcpy(e->digest, slot->digest, SHA256_LEN);
		e->file = span_str(file);
		e->not_before = slot->not_before;
		e->not_after = slot->not_after;
		memcpy(e->issuer, d->issuer, SHA256_LEN);
	}
	return RC_OK;
}

/* One result for each request, in the bundle's order: the online side counts on
 * both, and neither side ever looks a request up by a name. */
static enum rc
fill_results(struct manifest_draft *d, const struct submission *s)
{
	const struct bundle *bundle = &s->bundle;
	size_t n = bundle->n_requests;
	enum rc rc = answer_names_make(s, &d->files);

	if (rc != RC_OK)
		return rc;
	d->m.results = calloc(n == 0 ? 1 : n, sizeof(*d->m.results));
	if (d->m.results == NULL)
		return err_memory();
	d->m.n_results = n;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct result *r = &d->m.results[i];
		const struct request_progress *o = &d->progress.items[i];

		r->id = bundle->requests[i].id;
		rc = sha256(bundle->requests[i].csr, r->csr_digest);
		if (rc != RC_OK)
			return rc;
		if (o->rule != NULL) {
			r->rule = span_str(o->rule);
			r->reason = span_str(o->reason);
			continue;
		}
		rc = fill_issued(d, i, answer_name_get0(&d->files, i), r);
	}
	return rc;
}

/* Of one that was new somewhere, what was new; of one that was not, all of it.
 * A result has room for REVOKED_MAX serials. */
static enum rc
fill_revoked(
    const struct revoke_decision *decision, struct revocation_result *r)
{
	r->serials =
	    calloc(decision->n == 0 ? 1 : decision->n, sizeof(*r->serials));
	if (r->serials == NULL)
		return err_memory();
	for (size_t c = 0; c < decision->n && r->n_serials < REVOKED_MAX; c++) {
		const struct revoke_cert *cert = &decision->certs[c];

		if (decision->status == REVOKED && cert->before)
			continue;
		r->serials[r->n_serials++] =
		    span_of(cert->serial, cert->n_serial);
	}
	return RC_OK;
}

/* One result for each revocation, in the bundle's order. */
static enum rc
fill_revocations(struct manifest_draft *d, const struct bundle *bundle,
    const struct revokes *revokes)
{
	size_t n = bundle->n_revocations;
	enum rc rc = RC_OK;

	if (n != (revokes == NULL ? 0 : revokes->n))
		return err_set(RC_BUG, "revocations that nobody decided");
	d->m.revocations = calloc(n == 0 ? 1 : n, sizeof(*d->m.revocations));
	if (d->m.revocations == NULL)
		return err_memory();
	d->m.n_revocations = n;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct revoke_decision *decision = &revokes->items[i];
		struct revocation_result *r = &d->m.revocations[i];

		r->status = decision->status;
		if (decision->rule != RULE_NONE) {
			r->rule = span_str(rule_name(decision->rule));
			r->comment = span_str(decision->reason);
		}
		rc = fill_revoked(decision, r);
	}
	return rc;
}

/* Number and chain: the channel's next, and the hash of its newest. */
static enum rc
fill_chain(struct manifest_draft *d, struct ledger *ledger,
    const uint8_t *channel, bool *ret_policy_is_new)
{
	WIPED(ledger_manifest) before = { 0 };
	bool known;
	enum rc rc = ledger_manifest_get(ledger, channel, 0, &before, &known);

	if (rc != RC_OK)
		return rc;
	d->m.sequence = known ? before.sequence + 1 : 1;
	/* Loose CSRs are in no chain: their manifests are only counted, and
	 * nobody knows which policy the reader of one has. */
	d->m.has_requester = !d->is_loose;
	d->m.has_previous = known && !d->is_loose;
	if (d->m.has_requester)
		memcpy(d->m.requester, channel, SHA256_LEN);
	if (d->m.has_previous)
		memcpy(d->m.previous, before.digest, SHA256_LEN);
	*ret_policy_is_new =
	    !known || d->is_loose ||
	    memcmp(before.policy, d->m.policy, SHA256_LEN) != 0;
	ledger_head_get(ledger, &d->m.ledger);
	return RC_OK;
}

static enum rc
fill_file_entries(struct manifest_draft *d, const struct response *response)
{
	d->m.files = calloc(response->n, sizeof(*d->m.files));
	if (d->m.files == NULL)
		return err_memory();
	for (size_t i = 0; i < response->n; i++) {
		const struct response_file *file = &response->files[i];
		struct file_entry *e = &d->m.files[d->m.n_files];

		if (!response_file_is_listed(file))
			continue;
		e->name = span_str(file->name);
		e->size = file->size;
		memcpy(e->digest, file->digest, SHA256_LEN);
		d->m.n_files++;
	}
	return RC_OK;
}

/* What it was made from goes as soon as it is written: with a hundred thousand
 * requests each of these has tens of megabytes. */
static enum rc
sign_manifest(struct manifest_draft *d, const struct response_maker *maker,
    struct response *response)
{
	WIPED(buf) payload = { 0 };
	struct ledger_manifest *record = &response->record;
	enum rc rc = manifest_write(&d->m, &payload);

	record->sequence = d->m.sequence;
	record->at = d->m.signed_at;
	memcpy(record->channel, d->m.requester, SHA256_LEN);
	memcpy(record->policy, d->m.policy, SHA256_LEN);
	manifest_draft_wipe(d);
	(void)malloc_trim(0);
	if (rc == RC_OK)
		rc = keys_cose_sign(maker->keys, COSE_MANIFEST,
		    buf_span(&maker->ca->transfer_cert), buf_span(&payload),
		    &record->file);
	return rc != RC_OK ? rc
			   : sha256(buf_span(&record->file), record->digest);
}

static void
draft_head(struct manifest_draft *d, const struct ledger_ca *ca,
    const struct policy *policy, int64_t now)
{
	memcpy(d->m.ca_id, ca->ca_id, SHA256_LEN);
	memcpy(d->m.policy, policy->digest, SHA256_LEN);
	d->m.signed_at = now;
	d->m.has_next_visit = policy->next_visit != 0;
	d->m.next_visit = now + policy->next_visit;
}

static void
draft_bundle(struct manifest_draft *d, const struct submission *s)
{
	memcpy(d->m.bundle_id, s->bundle.id, BUNDLE_ID_LEN);
	memcpy(d->m.bundle_digest, s->digest, SHA256_LEN);
	d->m.has_bundle = true;
}

/* What the file says, read back from the file itself. */
static enum rc
read_manifest(struct response *response)
{
	struct cose cose;
	enum rc rc = cose_read("the response", buf_span(&response->record.file),
	    COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read(
		    "the response", cose.payload, &response->manifest);
	if (rc == RC_OK)
		response_files_move_crls(response);
	return rc;
}

/* No later than the series of CRLs wants it. */
static enum rc
fill_crls(
    struct manifest_draft *d, struct ledger *ledger, const uint8_t *channel)
{
	int64_t back_by;
	enum rc rc =
	    response_crls_choose(ledger, channel, d->m.signed_at, &d->crls);

	if (rc != RC_OK)
		return rc;
	d->m.crls = MOVE(d->crls.items);
	d->m.n_crls = d->crls.n;
	back_by = d->crls.back_by;
	if (back_by > d->m.signed_at &&
	    (!d->m.has_next_visit || d->m.next_visit > back_by)) {
		d->m.has_next_visit = true;
		d->m.next_visit = back_by;
	}
	return RC_OK;
}

/* From a draft whose results are filled in to a signed response. */
static enum rc
response_make_finish(struct manifest_draft *d,
    const struct response_maker *maker, const uint8_t *channel,
    struct response *response)
{
	bool policy_is_new;
	enum rc rc = fill_chain(d, maker->ledger, channel, &policy_is_new);

	if (rc == RC_OK)
		rc = fill_crls(d, maker->ledger, channel);
	if (rc != RC_OK)
		return rc;
	response->home = maker->home;
	response->manifest =
	    d->m; /* lent: the files are made from its results */
	rc = response_files_make(
	    maker->ledger, maker->ca, policy_is_new, response);
	response->manifest = (struct manifest){ 0 };
	if (rc == RC_OK)
		rc = fill_file_entries(d, response);
	if (rc == RC_OK)
		rc = sign_manifest(d, maker, response);
	if (rc == RC_OK)
		rc = read_manifest(response);
	return rc == RC_OK ? response_files_close(response, maker->ca) : rc;
}

enum rc
response_make(const struct response_maker *maker, const struct submission *s,
    const struct policy *policy, int64_t now, struct response *ret)
{
	WIPED(manifest_draft) d = { .issuer = maker->issuer };
	WIPED(response) response = { 0 };
	enum rc rc;

	draft_head(&d, maker->ca, policy, now);
	d.is_loose = s->is_loose;
	if (!s->is_loose)
		draft_bundle(&d, s);
	rc = progress_read(maker->ledger, &s->record, &s->bundle, &d.progress);
	if (rc == RC_OK)
		rc = fill_results(&d, s);
	if (rc == RC_OK)
		rc = fill_revocations(&d, &s->bundle, maker->revokes);
	if (rc == RC_OK)
		rc = response_make_finish(&d, maker, s->key_id, &response);
	if (rc != RC_OK)
		return rc;
	response.record.bundle = s->record.n;
	*ret = response;
	response = (struct response){ 0 };
	return RC_OK;
}

enum rc
response_make_crls(const struct response_maker *maker,
    const struct requester *to, const struct policy *policy, int64_t now,
    struct response *ret)
{
	WIPED(manifest_draft) d = { .issuer = maker->issuer };
	WIPED(response) response = { 0 };
	enum rc rc;

	draft_head(&d, maker->ca, policy, now);
	rc = response_make_finish(&d, maker, to->key_id, &response);
	if (rc != RC_OK)
		return rc;
	*ret = response;
	response = (struct response){ 0 };
	return RC_OK;
}

static enum rc
fill_news(struct trust_change *to, const struct response_news *news)
{
	to->kind = news->kind;
	to->certs = calloc(news->n, sizeof(*to->certs));
	if (to->certs == NULL)
		return err_memory();
	memcpy(to->certs, news->certs, news->n * sizeof(*to->certs));
	to->n_certs = news->n;
	return RC_OK;
}

static enum rc
fill_change(struct manifest_draft *d, const struct response_change *change)
{
	enum rc rc = RC_OK;

	d->m.changes = calloc(change->n, sizeof(*d->m.changes));
	if (d->m.changes == NULL)
		return err_memory();
	d->m.n_changes = change->n;
	for (size_t i = 0; i < change->n && rc == RC_OK; i++)
		rc = fill_news(&d->m.changes[i], &change->news[i]);
	return rc;
}

enum rc
response_make_change(const struct response_maker *maker,
    const struct requester *to, const struct response_change *change,
    struct response *ret)
{
	WIPED(manifest_draft) d = { .issuer = maker->issuer };
	WIPED(response) response = { 0 };
	enum rc rc;

	draft_head(&d, maker->ca, change->policy, change->now);
	rc = fill_change(&d, change);
	if (rc == RC_OK)
		rc = response_make_finish(&d, maker, to->key_id, &response);
	if (rc != RC_OK)
		return rc;
	*ret = response;
	response = (struct response){ 0 };
	return RC_OK;
}

/* ---- into the ledger ------------------------------------------------------
 */

enum rc
response_store(struct ledger *ledger, struct response *response)
{
	enum rc rc;

	/* It points into the file, which moves; and it is as large. */
	manifest_wipe(&response->manifest);
	(void)malloc_trim(0);
	rc = ledger_manifest_add(ledger, &response->record);
	return rc == RC_OK ? read_manifest(response) : rc;
}

/* ---- and again ------------------------------------------------------------
 */

/* What a CRL lists follows from the ledger that signed it, and its signature is
 * nowhere else: of a lost part no CRL is made again. */
static enum rc
check_crls_known(struct ledger *ledger, const struct response *response)
{
	const struct manifest *m = &response->manifest;
	enum rc rc = RC_OK;

	for (size_t i = 0;
	     response->record.imported && i < m->n_crls && rc == RC_OK; i++) {
		struct ledger_crl crl;
		bool known = false;

		rc = ledger_crl_get(ledger, m->crls[i].number, &crl, &known);
		if (rc == RC_OK && !known)
			rc = err_set(RC_STATE,
			    "response %u cannot be made again: its CRLs were signed by the ledger that is lost, and only its host has them. Others are signed by 'airgap-ca crl MEDIA --series N --every DUR'",
			    response->record.sequence);
	}
	return rc;
}

enum rc
response_again(const struct response_maker *maker,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence,
    struct response *ret)
{
	WIPED(response) response = { 0 };
	bool known, with_policy = false;
	enum rc rc = ledger_manifest_get(
	    maker->ledger, channel, sequence, &response.record, &known);

	if (rc == RC_OK && !known)
		rc = err_set(RC_STATE,
		    "the ledger has no response %u for this requester",
		    sequence);
	if (rc == RC_OK)
		rc = read_manifest(&response);
	if (rc == RC_OK)
		rc = check_crls_known(maker->ledger, &response);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < response.manifest.n_files; i++)
		with_policy |=
		    span_eq_str(response.manifest.files[i].name, LAYOUT_POLICY);
	response.home = maker->home;
	/* Made anew from the ledger, and then held against the manifest that
	 * was signed at the time: the same bytes, or none. */
	rc = response_files_make(
	    maker->ledger, maker->ca, with_policy, &response);
	if (rc == RC_OK)
		rc = response_files_check(&response);
	if (rc == RC_OK)
		rc = response_files_close(&response, maker->ca);
	if (rc != RC_OK)
		return rc;
	*ret = response;
	response = (struct response){ 0 };
	return RC_OK;
}
