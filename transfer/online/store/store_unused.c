/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept and not used: a name that was given up, a bundle that was taken
 * back. Nothing is deleted, because the CA may want its own responses back, and
 * a serial that was seen must stay known. */
#include "transfer/online/store/holding.h"

enum rc
store_forget(struct store *store, struct span name, struct span profile,
    size_t *ret_waiting)
{
	OWN(sqlite3_stmt) *st = NULL;
	OWN(sqlite3_stmt) *waiting = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE request AS r SET unused = 1"
	    " WHERE r.issued IS NOT NULL AND " HELD_UNDER,
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ss", name, profile);
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "SELECT count(DISTINCT r.bundle) FROM request r"
		    " JOIN bundle b ON b.sequence = r.bundle"
		    " WHERE b.state = 1 AND " HELD_UNDER,
		    &waiting);
	if (rc == RC_OK)
		rc = db_bind(&store->db, waiting, "ss", name, profile);
	if (rc == RC_OK)
		rc = db_step(&store->db, waiting, &row);
	if (rc == RC_OK)
		*ret_waiting = (size_t)sqlite3_column_int64(waiting, 0);
	return rc;
}

/* The bundle without an answer whose id begins like that, the only one. */
static enum rc
find_unanswered(struct store *store, const char *id, struct buf *ret_id,
    uint32_t *ret_sequence, size_t *ret_requests)
{
	OWN(sqlite3_stmt) *st = NULL;
	size_t n = 0, n_open = 0; /* without an answer, and not withdrawn */
	enum rc rc = db_prepare(&store->db,
	    "SELECT lower(hex(id)), sequence, state, (SELECT count(*)"
	    " FROM request r WHERE r.bundle = b.sequence),"
	    " state <> 3 AND NOT EXISTS (SELECT 1 FROM request r"
	    "   WHERE r.bundle = b.sequence AND r.unused = 2) AS waits"
	    " FROM bundle b"
	    " WHERE substr(lower(hex(id)), 1, length(?1)) = lower(?1)"
	    " AND sequence NOT IN (SELECT bundle FROM loose)"
	    " ORDER BY waits",
	    &st);
	int state = 0;

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "t", id);
	while (db_next(&store->db, st, &rc)) {
		n++;
		n_open += (size_t)sqlite3_column_int(st, 4);
		buf_reset(ret_id);
		rc = buf_add_span(ret_id, db_text(st, 0));
		*ret_sequence = (uint32_t)sqlite3_column_int64(st, 1);
		state = sqlite3_column_int(st, 2);
		*ret_requests = (size_t)sqlite3_column_int64(st, 3);
	}
	if (rc != RC_OK)
		return rc;
	if (n == 0 || *id == '\0')
		return err_set(RC_STATE,
		    "%s: no bundle has that id; `airgap-transfer status` names those without an answer",
		    id);
	if (n_open > 1)
		return err_set(RC_STATE,
		    "%s: %zu bundles have ids that begin like that: give more of it",
		    id, n_open);
	if (n_open == 0)
		return err_set(RC_STATE, "%s: %s", id,
		    state == BUNDLE_ANSWERED
			? "has its answer; `airgap-transfer forget NAME` gives up what came of it"
			: "was withdrawn already");
	return RC_OK;
}

enum rc
store_withdraw(struct store *store, const char *id, struct buf *ret_id,
    size_t *ret_requests)
{
	static const char *const each[] = {
		"UPDATE bundle SET state = 2 WHERE sequence = ?1",
		"UPDATE request SET unused = 2 WHERE bundle = ?1",
		"DELETE FROM revocation WHERE bundle = ?1 AND status IS NULL",
	};
	uint32_t sequence = 0;
	enum rc rc =
	    find_unanswered(store, id, ret_id, &sequence, ret_requests);

	for (size_t i = 0; i < 3 && rc == RC_OK; i++) {
		OWN(sqlite3_stmt) *st = NULL;

		rc = db_prepare(&store->db, each[i], &st);
		if (rc == RC_OK)
			rc = db_bind(&store->db, st, "i", (int64_t)sequence);
		if (rc == RC_OK)
			rc = db_done(&store->db, st);
	}
	return rc;
}

enum rc
store_each_takeover(struct store *store, uint32_t bundle,
    enum rc (*each)(void *arg, const struct takeover *t), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT r.place, r.id, r.names, r.profile, r.unused FROM request r"
	    " WHERE r.bundle = ?1 AND r.issued = 1 AND (r.unused IS NOT NULL"
	    " OR EXISTS (SELECT 1 FROM request n"
	    "   JOIN certificate c"
	    "   ON c.bundle = n.bundle AND c.place = n.place"
	    "   WHERE " HELD_TOGETHER("n",
		"r") "   AND (n.bundle < r.bundle"
		     "     OR (n.bundle = r.bundle AND n.place < r.place))))"
		     " ORDER BY r.place",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)bundle);
	while (db_next(&store->db, st, &rc)) {
		struct span names = db_text(st, 2);
		struct takeover t = { .bundle = bundle };

		t.place = (uint32_t)sqlite3_column_int64(st, 0);
		t.name = names.n == 0 ? db_text(st, 1) : span_take_line(&names);
		t.profile = db_text(st, 3);
		t.unused = (enum unused)sqlite3_column_int(st, 4);
		rc = each(arg, &t);
	}
	return rc;
}
