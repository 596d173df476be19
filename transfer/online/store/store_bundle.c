/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles as they were sent, byte for byte: the answer's digest is of those
 * bytes, and `--again` repeats from them. States only go forward: open, then
 * answered or void. */
#include "base/clock.h"
#include "transfer/online/store/holding.h"

/* Numbers have 32 bits, of which seconds would leave none in 2106: from the end
 * of 2102 on each is the next after the last. */
#define SEQUENCE_CLOCK_END (INT64_C(4294967295) - 100000000)

/* Above what was answered, by the clock, and never the same twice. What was
 * sent with a clock that ran far ahead is not waited for: the CA refuses it. Of
 * a bundle that this store has forgotten only the answer is here: the CA took
 * no number later than its clock and a day then, and takes that one now. */
static const char next_sequence[] =
    "WITH least(n) AS (SELECT max(?1,"
    " 1 + (SELECT coalesce(max(sequence), 0) FROM bundle"
    " WHERE state = ?2 OR sequence <= ?3),"
    " (SELECT min(coalesce(max(signed_at) + ?4, 0), ?5) FROM manifest"
    " JOIN bundle b ON b.sequence = bundle WHERE length(b.file) = 0)))"
    " SELECT min(n) FROM (SELECT n FROM least"
    " UNION SELECT sequence + 1 FROM bundle, least WHERE sequence >= least.n)"
    " WHERE n NOT IN (SELECT sequence FROM bundle)";

enum rc
store_next_sequence(struct store *store, int64_t now, uint32_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	const int64_t first = now < 1			 ? 1
			      : now > SEQUENCE_CLOCK_END ? SEQUENCE_CLOCK_END
							 : now;
	int64_t next;
	enum rc rc = db_prepare(&store->db, next_sequence, &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iiiii", first,
		    (int64_t)BUNDLE_ANSWERED, now + HOUR, (int64_t)DAY,
		    SEQUENCE_CLOCK_END);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	next = sqlite3_column_int64(st, 0);
	if (!row || next < 1 || next > UINT32_MAX)
		return err_set(
		    RC_STATE, "%s: no bundle number is left", store->db.path);
	*ret = (uint32_t)next;
	return RC_OK;
}

/* ---- what is sent -------------------------------------------------------- */

enum rc
store_bundle_put(struct store *store, const struct bundle *b,
    const uint8_t digest[static SHA256_LEN], enum bundle_state state,
    struct span file)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO bundle (sequence, id, sha256, created, state,"
	    " file, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st,
		    b->has_expires ? "ibbiibi" : "ibbiibn",
		    (int64_t)b->sequence, span_of(b->id, BUNDLE_ID_LEN),
		    span_of(digest, SHA256_LEN), b->created, (int64_t)state,
		    file, b->expires);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

static enum rc
put_open(struct store *store, const struct bundle *b, struct span file)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc = sha256(file, digest);

	return rc != RC_OK
		   ? rc
		   : store_bundle_put(store, b, digest, BUNDLE_OPEN, file);
}

enum rc
store_names_write(const struct name *names, size_t n, struct buf *out)
{
	/* Also of none there are bytes: NULL would be SQL's NULL. */
	enum rc rc = buf_reserve(out, 1);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i != 0)
			rc = buf_add_byte(out, '\n');
		if (rc == RC_OK)
			rc = name_write(out, &names[i]);
	}
	return rc;
}

static enum rc
store_bundle_put_request(struct store *store, sqlite3_stmt *st,
    const struct bundle *b, size_t place, const struct sent_request *sent)
{
	const struct cert_request *r = &b->requests[place];
	const struct validity *v = &r->validity;
	WIPED(buf) names = { 0 };
	uint8_t digest[SHA256_LEN];
	enum rc rc = sha256(r->csr, digest);

	if (rc == RC_OK)
		rc = store_names_write(sent->names, sent->n_names, &names);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st,
		    v->has_not_before ? "iisbssiiitiii" : "iisbssiiitii",
		    (int64_t)b->sequence, (int64_t)place, r->id,
		    span_of(digest, SHA256_LEN), r->profile, buf_span(&names),
		    (int64_t)v->count, v->period, v->overlap, sent->key_file,
		    (int64_t)sent->standing, (int64_t)sent->since,
		    v->not_before);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_bundle_add(struct store *store, const struct bundle *bundle,
    struct span file, const struct sent_request *requests)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = put_open(store, bundle, file);

	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "INSERT INTO request (bundle, place, id, csr_sha256,"
		    " profile, names, slots, period, overlap, key_file,"
		    " stands, since, not_before) VALUES (?1, ?2, ?3, ?4, ?5,"
		    " ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, 0), ?13)",
		    &st);
	for (size_t i = 0; i < bundle->n_requests && rc == RC_OK; i++) {
		(void)sqlite3_clear_bindings(st);
		rc = store_bundle_put_request(
		    store, st, bundle, i, &requests[i]);
	}
	return rc;
}

/* ---- what is asked of it ------------------------------------------------- */

enum rc
store_bundle_find(struct store *store, const uint8_t id[static BUNDLE_ID_LEN],
    enum bundle_state *ret_state, uint32_t *ret_sequence, struct buf *ret_file)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    /* An answer to one that was withdrawn is still one of ours. */
	    "SELECT CASE WHEN state = 2 AND EXISTS (SELECT 1 FROM request r"
	    "   WHERE r.bundle = b.sequence AND r.unused = 2)"
	    " THEN 1 ELSE state END, file, sequence FROM bundle b"
	    " WHERE id = ?1",
	    &st);

	*ret_state = BUNDLE_UNKNOWN;
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", span_of(id, BUNDLE_ID_LEN));
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	*ret_state = (enum bundle_state)sqlite3_column_int(st, 0);
	*ret_sequence = (uint32_t)sqlite3_column_int64(st, 2);
	return buf_add_span(ret_file, db_blob(st, 1));
}

enum rc
store_each_unanswered(struct store *store,
    enum rc (*each)(void *arg, const struct unanswered *u), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	/* The newest asking of each CSR for a profile, unless it was granted or
	 * refused for good. */
	enum rc rc = db_prepare(&store->db,
	    "SELECT r.bundle, r.place, b.file, r.key_file, r.stands,"
	    " coalesce(r.since, r.bundle),"
	    " EXISTS (SELECT 1 FROM request n"
	    "   WHERE n.issued = 1 AND n.stands = 0"
	    "   AND coalesce(n.since, n.bundle) > coalesce(r.since, r.bundle)"
	    "   AND " HELD_TOGETHER("n",
		"r") ")"
		     " FROM request r"
		     " JOIN bundle b ON b.sequence = r.bundle"
		     " WHERE (r.issued IS NULL OR"
		     "   (r.issued = 0 AND r.rule = 'ABANDONED'))"
		     " AND r.unused IS NULL"
		     " AND r.bundle NOT IN (SELECT bundle FROM loose)"
		     " AND NOT EXISTS (SELECT 1 FROM request o"
		     "   WHERE o.csr_sha256 = r.csr_sha256 AND o.profile = r.profile"
		     "   AND (o.bundle > r.bundle OR"
		     "     (o.bundle = r.bundle AND o.place > r.place)))"
		     " ORDER BY r.bundle, r.place",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		struct unanswered u;

		u = (struct unanswered){
			.sequence = (uint32_t)sqlite3_column_int64(st, 0),
			.place = (uint32_t)sqlite3_column_int64(st, 1),
			.file = db_blob(st, 2),
			.key_file = db_text(st, 3),
			.standing = (enum standing)sqlite3_column_int(st, 4),
			.since = (uint32_t)sqlite3_column_int64(st, 5),
			.replaced = sqlite3_column_int(st, 6) != 0,
		};
		rc = each(arg, &u);
	}
	return rc;
}

enum rc
store_each_open(struct store *store,
    enum rc (*each)(void *arg, const struct open_bundle *b), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT b.sequence, b.created, b.id, b.expires,"
	    " (SELECT count(*) FROM request r WHERE r.bundle = b.sequence),"
	    " (SELECT count(*) FROM revocation v WHERE v.bundle = b.sequence)"
	    " FROM bundle b WHERE b.state = 1 ORDER BY b.sequence",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		struct open_bundle b = { 0 };
		struct span id;

		b.sequence = (uint32_t)sqlite3_column_int64(st, 0);
		b.created = sqlite3_column_int64(st, 1);
		id = db_blob(st, 2);
		if (id.n != BUNDLE_ID_LEN)
			return err_set(RC_STATE, "%s: damaged", store->db.path);
		memcpy(b.id, id.p, BUNDLE_ID_LEN);
		b.has_expires = sqlite3_column_type(st, 3) != SQLITE_NULL;
		b.expires = sqlite3_column_int64(st, 3);
		b.n_requests = (uint32_t)sqlite3_column_int64(st, 4);
		b.n_revocations = (uint32_t)sqlite3_column_int64(st, 5);
		rc = each(arg, &b);
	}
	return rc;
}
