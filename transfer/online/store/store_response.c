/* SPDX-License-Identifier: Apache-2.0 */
/* What an accepted response leaves, all within the caller's transaction. The
 * manifest's row comes last of all, and foreign keys are checked at commit,
 * because certificates arrive before it is known to be good. */
#include "transfer/online/store/store.h"

enum rc
store_accepted(struct store *store, uint32_t sequence, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	OWN(sqlite3_stmt) *st = NULL;
	struct span digest;
	bool row = false;
	enum rc rc = db_prepare(
	    &store->db, "SELECT sha256 FROM manifest WHERE sequence = ?1", &st);

	*ret_known = false;
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)sequence);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	digest = db_blob(st, 0);
	if (digest.n != SHA256_LEN)
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	memcpy(ret_digest, digest.p, SHA256_LEN);
	*ret_known = true;
	return RC_OK;
}

enum rc
store_serial_seen(struct store *store, struct span serial, bool *ret_seen)
{
	enum rc rc = RC_OK;

	if (store->seen == NULL)
		rc = db_prepare(&store->db,
		    "SELECT 1 FROM certificate WHERE serial = ?1",
		    &store->seen);
	if (rc == RC_OK)
		rc = db_bind(&store->db, store->seen, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&store->db, store->seen, ret_seen);
	if (store->seen != NULL)
		(void)sqlite3_reset(store->seen);
	return rc;
}

enum rc
store_cert_add(struct store *store, uint32_t manifest_sequence,
    uint32_t bundle_sequence, const struct judged *j)
{
	const struct cert_entry *entry = j->entry;
	enum rc rc = RC_OK;

	if (store->add == NULL)
		rc = db_prepare(&store->db,
		    "INSERT INTO certificate (serial, sha256, issuer, bundle,"
		    " place, slot, manifest, not_before, not_after, subject,"
		    " der) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		    " nullif(?7, 0), ?8, ?9, ?10, ?11)",
		    &store->add);
	if (rc == RC_OK)
		rc = db_bind(&store->db, store->add, "bbbiiiiiibb",
		    entry->serial, span_of(entry->digest, SHA256_LEN),
		    span_of(entry->issuer, SHA256_LEN),
		    (int64_t)bundle_sequence, (int64_t)j->request,
		    (int64_t)j->slot, (int64_t)manifest_sequence,
		    entry->not_before, entry->not_after, j->subject, j->der);
	return rc != RC_OK ? rc : db_done(&store->db, store->add);
}

/* ---- the rest of a response ---------------------------------------------- */

enum rc
store_policy_add(struct store *store, const struct response_verdict *v)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc;

	if (v->policy.n == 0)
		return RC_OK;
	rc = db_prepare(&store->db,
	    "INSERT INTO policy (sha256, text) VALUES (?1, ?2)"
	    " ON CONFLICT DO NOTHING",
	    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "bb",
		    span_of(v->manifest.policy, SHA256_LEN),
		    buf_span(&v->policy));
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

/* Kept, and in force from now on. */
static enum rc
store_response_put_policy(struct store *store, const struct response_verdict *v)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = store_policy_add(store, v);

	if (rc != RC_OK || v->policy.n == 0)
		return rc;
	rc = db_prepare(&store->db, "UPDATE enrolment SET policy = ?1", &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b",
		    span_of(v->manifest.policy, SHA256_LEN));
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

static enum rc
put_crosses(struct store *store, const struct trust *trust)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO ca_cross (der) VALUES (?1) ON CONFLICT DO NOTHING",
	    &st);

	for (size_t i = 0; i < trust->n_crosses && rc == RC_OK; i++) {
		rc = db_bind(
		    &store->db, st, "b", buf_span(&trust->crosses[i].der));
		if (rc == RC_OK)
			rc = db_done(&store->db, st);
	}
	return rc;
}

/* Certificates are added and never removed: what was issued under an older
 * key must verify until it ends. */
static enum rc
put_trust(struct store *store, const struct trust *trust)
{
	OWN(sqlite3_stmt) *cert = NULL;
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "UPDATE enrolment SET transfer_cert = ?1", &st);

	if (rc == RC_OK)
		rc = db_bind(
		    &store->db, st, "b", buf_span(&trust->transfer_cert));
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "INSERT INTO ca_cert (der, issuer) VALUES (?1, 0)"
		    " ON CONFLICT DO NOTHING",
		    &cert);
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK; i++) {
		rc = db_bind(
		    &store->db, cert, "b", buf_span(&trust->cas[i].der));
		if (rc == RC_OK)
			rc = db_done(&store->db, cert);
	}
	return rc != RC_OK ? rc : put_crosses(store, trust);
}

static enum rc
put_manifest(struct store *store, const struct response_verdict *v,
    struct span file, int64_t bundle, int64_t now)
{
	const struct manifest *m = &v->manifest;
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO manifest (sequence, sha256, signed_at, ledger_count,"
	    " ledger_hash, policy, installed_at, file, bundle, next_visit)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, 0),"
	    " nullif(?10, -1))",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ibiibbibii", (int64_t)m->sequence,
		    span_of(v->head.digest, SHA256_LEN), m->signed_at,
		    (int64_t)m->ledger.count,
		    span_of(m->ledger.hash, SHA256_LEN),
		    span_of(m->policy, SHA256_LEN), now, file, bundle,
		    m->has_next_visit ? m->next_visit : (int64_t)-1);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

static enum rc
put_results(struct store *store, const struct manifest *m, int64_t bundle)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE request SET issued = ?3, rule = nullif(?4, ''),"
	    " reason = nullif(?5, '') WHERE bundle = ?1 AND place = ?2",
	    &st);

	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++) {
		const struct result *r = &m->results[i];

		rc = db_bind(&store->db, st, "iiiss", bundle, (int64_t)i,
		    (int64_t)(r->n_certs != 0), r->rule, r->reason);
		if (rc == RC_OK)
			rc = db_done(&store->db, st);
	}
	return rc;
}

/* Answered; and what was sent before it and is still open never will be. */
static enum rc
close_bundles(struct store *store, int64_t bundle)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE bundle SET state = CASE sequence WHEN ?1 THEN 3 ELSE 2 END"
	    " WHERE (state = 1 AND sequence <= ?1) OR sequence = ?1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", bundle);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_response_add(struct store *store, const struct response_verdict *v,
    struct span manifest, uint32_t bundle_sequence, int64_t now)
{
	int64_t bundle = v->manifest.has_bundle ? bundle_sequence : 0;
	enum rc rc = store_response_put_policy(store, v);

	if (rc == RC_OK && v->trust_changed)
		rc = put_trust(store, &v->trust);
	if (rc == RC_OK)
		rc = put_manifest(store, v, manifest, bundle, now);
	/* What nobody here asked is stored already, and tells nothing of what
	 * is open. */
	if (rc == RC_OK && bundle != 0 && !v->unasked)
		rc = put_results(store, &v->manifest, bundle);
	if (rc == RC_OK && bundle != 0 && !v->unasked)
		rc = close_bundles(store, bundle);
	return rc;
}

/* ---- looking ------------------------------------------------------------- */

static enum rc
store_response_read_cert(
    struct store *store, sqlite3_stmt *st, struct stored_cert *c)
{
	struct span digest = db_blob(st, 3);

	if (digest.n != SHA256_LEN)
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	*c = (struct stored_cert){
		.serial = db_blob(st, 0),
		.der = db_blob(st, 1),
		.subject = db_blob(st, 2),
		.names = db_text(st, 4),
		.profile = db_text(st, 5),
		.request_id = db_text(st, 6),
		.key_file = db_text(st, 7),
		.not_before = sqlite3_column_int64(st, 8),
		.not_after = sqlite3_column_int64(st, 9),
		.revoked = sqlite3_column_type(st, 10) != SQLITE_NULL,
		.unused = (enum unused)sqlite3_column_int(st, 11),
	};
	memcpy(c->sha256, digest.p, SHA256_LEN);
	return RC_OK;
}

#define EACH_CERT \
	"SELECT c.serial, c.der, c.subject, c.sha256, r.names, r.profile," \
	" r.id, r.key_file, c.not_before, c.not_after, c.revoked_at," \
	" r.unused" \
	" FROM certificate c JOIN request r" \
	" ON r.bundle = c.bundle AND r.place = c.place"

enum rc
store_each_cert(struct store *store, enum store_order order,
    enum rc (*each)(void *arg, const struct stored_cert *cert), void *arg)
{
	static const char *const queries[] = {
		[STORE_BY_DATE] = EACH_CERT " ORDER BY c.not_before, c.serial",
		[STORE_BY_NAMES] = EACH_CERT
		" ORDER BY r.names, r.profile, c.not_before, c.serial",
	};
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db, queries[order], &st);

	while (db_next(&store->db, st, &rc)) {
		struct stored_cert cert;

		rc = store_response_read_cert(store, st, &cert);
		if (rc == RC_OK)
			rc = each(arg, &cert);
	}
	return rc;
}

enum rc
store_each_living(struct store *store, const uint8_t issuer[static SHA256_LEN],
    int64_t now, enum rc (*each)(void *arg, struct span der), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT der FROM certificate WHERE issuer = ?1 AND not_after >= ?2",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(
		    &store->db, st, "bi", span_of(issuer, SHA256_LEN), now);
	while (db_next(&store->db, st, &rc))
		rc = each(arg, db_blob(st, 0));
	return rc;
}

enum rc
store_next_visit(struct store *store, bool *ret_has, int64_t *ret_at)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT next_visit FROM manifest ORDER BY sequence DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	*ret_has = row && sqlite3_column_type(st, 0) != SQLITE_NULL;
	*ret_at = *ret_has ? sqlite3_column_int64(st, 0) : 0;
	return RC_OK;
}
