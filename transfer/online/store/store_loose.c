/* SPDX-License-Identifier: Apache-2.0 */
/* What loose CSRs came to. A set takes a number among the bundles, so that its
 * certificates have a place like all others; its manifest is in no channel and
 * stays apart from those that make the head. */
#include "transfer/online/store/store.h"

#include <string.h>

enum rc
store_loose_find(struct store *store, const struct loose *set, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t digest[SHA256_LEN];
	struct span found;
	bool row = false;
	enum rc rc = loose_digest(set, digest);

	*ret_known = false;
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "SELECT l.sha256 FROM loose l"
		    " JOIN bundle b ON b.sequence = l.bundle"
		    " WHERE b.sha256 = ?1",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", span_of(digest, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	found = db_blob(st, 0);
	if (found.n != SHA256_LEN)
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	memcpy(ret_digest, found.p, SHA256_LEN);
	*ret_known = true;
	return RC_OK;
}

enum rc
store_loose_numbered(struct store *store, uint32_t sequence, bool *ret_known)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "SELECT 1 FROM loose WHERE sequence = ?1", &st);

	*ret_known = false;
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)sequence);
	return rc != RC_OK ? rc : db_step(&store->db, st, ret_known);
}

/* ---- the set ------------------------------------------------------------- */

/* In the place of a bundle's file: the CSRs themselves. */
static enum rc
csrs_write(const struct loose *set, struct buf *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < set->n && rc == RC_OK; i++)
		rc = buf_add_span(out, set->items[i].der);
	return rc;
}

enum rc
store_loose_begin(struct store *store, const struct loose *set, int64_t now,
    uint32_t *ret_bundle)
{
	WIPED(buf) file = { 0 };
	struct bundle b = { .created = now };
	uint8_t digest[SHA256_LEN];
	enum rc rc = store_next_sequence(store, now, ret_bundle);

	if (rc == RC_OK)
		rc = loose_digest(set, digest);
	if (rc == RC_OK)
		rc = csrs_write(set, &file);
	if (rc != RC_OK)
		return rc;
	b.sequence = *ret_bundle;
	memcpy(b.id, digest, BUNDLE_ID_LEN);
	return store_bundle_put(
	    store, &b, digest, BUNDLE_ANSWERED, buf_span(&file));
}

/* ---- its requests -------------------------------------------------------- */

/* Names and profile are known of a certificate only. */
static enum rc
store_loose_put_request(struct store *store, uint32_t bundle, size_t place,
    const struct result *r, const struct judged *judged)
{
	OWN(sqlite3_stmt) *st = NULL;
	WIPED(buf) names = { 0 };
	int64_t period = judged == NULL ? 0 : judged->asked->validity.period;
	struct span profile =
	    judged == NULL ? span_str("") : judged->asked->profile;
	enum rc rc = store_names_write(judged == NULL ? NULL : judged->names,
	    judged == NULL ? 0 : judged->n_names, &names);

	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "INSERT INTO request (bundle, place, id, csr_sha256,"
		    " profile, names, slots, period, overlap, issued, rule,"
		    " reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, 0, ?8,"
		    " nullif(?9, ''), nullif(?10, ''))",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iisbssiiss", (int64_t)bundle,
		    (int64_t)place, r->id, span_of(r->csr_digest, SHA256_LEN),
		    profile, buf_span(&names), period,
		    (int64_t)(judged != NULL), r->rule, r->reason);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_loose_cert_add(
    struct store *store, uint32_t bundle, const struct judged *judged)
{
	struct result r = { .id = judged->asked->id };
	enum rc rc = sha256(judged->asked->csr, r.csr_digest);

	if (rc == RC_OK)
		rc = store_loose_put_request(
		    store, bundle, judged->request, &r, judged);
	return rc != RC_OK ? rc : store_cert_add(store, 0, bundle, judged);
}

/* ---- its answer ---------------------------------------------------------- */

enum rc
store_loose_add(
    struct store *store, uint32_t bundle, const struct loose_answer *answer)
{
	const struct manifest *m = &answer->verdict->manifest;
	OWN(sqlite3_stmt) *st = NULL;
	/* Kept to be read, and not put into force: this answer may be an old
	 * one. */
	enum rc rc = store_policy_add(store, answer->verdict);

	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++)
		if (m->results[i].n_certs == 0)
			rc = store_loose_put_request(
			    store, bundle, i, &m->results[i], NULL);
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "INSERT INTO loose (bundle, sequence, sha256, signed_at,"
		    " policy, installed_at, file)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iibibib", (int64_t)bundle,
		    (int64_t)m->sequence,
		    span_of(answer->verdict->head.digest, SHA256_LEN),
		    m->signed_at, span_of(m->policy, SHA256_LEN), answer->now,
		    answer->manifest);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}
