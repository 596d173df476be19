/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation is for good: no statement here takes one back. */
#include "transfer/online/store/store_revocation.h"

#include "transfer/x509/tbs.h"

static enum rc
key_of_cert(struct span der, uint8_t ret[static SHA256_LEN])
{
	struct cert_parts parts;
	enum rc rc = cert_parts_read("store", der, &parts);

	return rc != RC_OK ? err_in(RC_STATE, "a stored certificate")
			   : sha256(parts.spki, ret);
}

static enum rc
key_put(struct store *store, const uint8_t key_id[static SHA256_LEN],
    uint32_t reason, int64_t at)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc;

	if (!reason_is_compromise((enum reason)reason))
		return RC_OK;
	rc = db_prepare(&store->db,
	    "INSERT INTO revoked_key (key_id, reason, at) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT DO NOTHING",
	    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "bii", span_of(key_id, SHA256_LEN),
		    (int64_t)reason, at);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

/* The key of a certificate that is here; nothing is done where it is not. */
static enum rc
key_put_of_serial(
    struct store *store, struct span serial, uint32_t reason, int64_t at)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t key_id[SHA256_LEN];
	bool row = false;
	enum rc rc = RC_OK;

	if (!reason_is_compromise((enum reason)reason))
		return RC_OK;
	rc = db_prepare(
	    &store->db, "SELECT der FROM certificate WHERE serial = ?1", &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	rc = key_of_cert(db_blob(st, 0), key_id);
	return rc != RC_OK ? rc : key_put(store, key_id, reason, at);
}

/* ---- asked --------------------------------------------------------------- */

static enum rc
put_one(
    struct store *store, sqlite3_stmt *st, const struct bundle *b, size_t place)
{
	const struct revocation *r = &b->revocations[place];
	enum rc rc = db_bind(&store->db, st, r->has_since ? "iibbii" : "iibbin",
	    (int64_t)b->sequence, (int64_t)place, r->serial, r->key_id,
	    (int64_t)r->reason, r->since);

	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc != RC_OK)
		return rc;
	return r->key_id.n == SHA256_LEN
		   ? key_put(store, r->key_id.p, r->reason, b->created)
		   : key_put_of_serial(store, r->serial, r->reason, b->created);
}

enum rc
store_revocations_put(struct store *store, const struct bundle *b)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO revocation (bundle, place, serial, key_id, reason,"
	    " since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    &st);

	for (size_t i = 0; i < b->n_revocations && rc == RC_OK; i++)
		rc = put_one(store, st, b, i);
	return rc;
}

static enum rc
revocation_of_row(sqlite3_stmt *st, struct revocation *r)
{
	*r = (struct revocation){ .serial = db_blob(st, 0),
		.key_id = db_blob(st, 1),
		.reason = (uint32_t)sqlite3_column_int64(st, 2),
		.has_since = sqlite3_column_type(st, 3) != SQLITE_NULL,
		.since = sqlite3_column_int64(st, 3) };
	return reason_is_known(r->reason)
		   ? RC_OK
		   : err_set(RC_STATE, "store: a reason that is none");
}

enum rc
store_each_unrevoked(struct store *store,
    enum rc (*each)(void *arg, const struct revocation *r), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT serial, key_id, reason, since FROM revocation r"
	    " JOIN bundle b ON b.sequence = r.bundle"
	    " WHERE r.status IS NULL AND b.state <> 3 AND NOT EXISTS"
	    " (SELECT 1 FROM revocation n WHERE (n.bundle > r.bundle OR"
	    "   (n.bundle = r.bundle AND n.place > r.place) OR"
	    "   n.status IN (0, 1)) AND n.serial IS r.serial"
	    "   AND n.key_id IS r.key_id)"
	    " ORDER BY r.bundle, r.place",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		struct revocation r;

		rc = revocation_of_row(st, &r);
		if (rc == RC_OK)
			rc = each(arg, &r);
	}
	return rc;
}

/* ---- answered ------------------------------------------------------------ */

static enum rc
mark(struct store *store, struct span serial, int64_t at, uint32_t reason,
    bool *ret_is_new)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE certificate SET revoked_at = ?2, reason = ?3"
	    " WHERE serial = ?1 AND revoked_at IS NULL",
	    &st);

	if (rc == RC_OK)
		rc =
		    db_bind(&store->db, st, "bii", serial, at, (int64_t)reason);
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc != RC_OK)
		return rc;
	*ret_is_new = sqlite3_changes(store->db.sql) == 1;
	return key_put_of_serial(store, serial, reason, at);
}

enum rc
store_revoked(
    struct store *store, const struct crl_revoked *revoked, bool *ret_is_new)
{
	return mark(
	    store, revoked->serial, revoked->at, revoked->reason, ret_is_new);
}

/* Why it was asked for: an answer does not say it again. */
static enum rc
reason_asked(struct store *store, uint32_t bundle, size_t place, uint32_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT reason FROM revocation WHERE bundle = ?1 AND place = ?2",
	    &st);

	*ret = REASON_UNSPECIFIED;
	if (rc == RC_OK)
		rc = db_bind(
		    &store->db, st, "ii", (int64_t)bundle, (int64_t)place);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc == RC_OK && row)
		*ret = (uint32_t)sqlite3_column_int64(st, 0);
	return rc;
}

static enum rc
answer_one(struct store *store, sqlite3_stmt *st, uint32_t bundle,
    const struct manifest *m, size_t place)
{
	const struct revocation_result *r = &m->revocations[place];
	const bool is = r->status == REVOKED || r->status == REVOKED_BEFORE;
	uint32_t reason = REASON_UNSPECIFIED;
	bool is_new;
	enum rc rc = db_bind(&store->db, st, "iiiss", (int64_t)bundle,
	    (int64_t)place, (int64_t)r->status, r->rule, r->comment);

	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc == RC_OK)
		rc = reason_asked(store, bundle, place, &reason);
	for (size_t i = 0; is && i < r->n_serials && rc == RC_OK; i++)
		rc = mark(store, r->serials[i], m->signed_at, reason, &is_new);
	return rc;
}

enum rc
store_revocations_answer(
    struct store *store, uint32_t bundle, const struct manifest *m)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE revocation SET status = ?3, rule = nullif(?4, ''),"
	    " comment = nullif(?5, '') WHERE bundle = ?1 AND place = ?2",
	    &st);

	for (size_t i = 0; i < m->n_revocations && rc == RC_OK; i++)
		rc = answer_one(store, st, bundle, m, i);
	return rc;
}

/* ---- looking ------------------------------------------------------------- */

enum rc
store_own_list(struct store *store, struct buf *ret_list)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT serial, not_after, revoked_at IS NOT NULL FROM certificate"
	    " ORDER BY serial",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		const struct own_cert own = { db_blob(st, 0),
			sqlite3_column_int64(st, 1),
			sqlite3_column_int(st, 2) != 0 };

		rc = own_cert_put(&own, ret_list);
	}
	return rc;
}

enum rc
store_key_is_revoked(
    struct store *store, const uint8_t key_id[static SHA256_LEN], bool *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "SELECT 1 FROM revoked_key WHERE key_id = ?1", &st);

	*ret = false;
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", span_of(key_id, SHA256_LEN));
	return rc != RC_OK ? rc : db_step(&store->db, st, ret);
}

enum rc
store_each_live(struct store *store, int64_t now,
    enum rc (*each)(void *arg, const struct live_cert *cert), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT c.serial, r.names, c.not_before, c.not_after, c.der,"
	    " c.revoked_at IS NOT NULL FROM certificate c JOIN request r"
	    " ON r.bundle = c.bundle AND r.place = c.place"
	    " WHERE c.not_after >= ?1 ORDER BY c.not_before, c.serial",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", now);
	while (db_next(&store->db, st, &rc)) {
		struct live_cert cert = { .serial = db_blob(st, 0),
			.names = db_text(st, 1),
			.not_before = sqlite3_column_int64(st, 2),
			.not_after = sqlite3_column_int64(st, 3),
			.revoked = sqlite3_column_int(st, 5) != 0 };

		rc = key_of_cert(db_blob(st, 4), cert.key_id);
		if (rc == RC_OK)
			rc = each(arg, &cert);
	}
	return rc;
}

enum rc
store_cert_name(struct store *store, struct span serial, struct buf *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct span names;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT CASE r.names WHEN '' THEN r.id ELSE r.names END"
	    " FROM certificate c JOIN request r ON r.bundle = c.bundle"
	    " AND r.place = c.place WHERE c.serial = ?1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	names = db_text(st, 0);
	return buf_add_span(ret, span_take_line(&names));
}
