/* SPDX-License-Identifier: Apache-2.0 */
/* Looking back: manifests, certificates and policies as they came. */
#include "transfer/online/store/store.h"

static enum rc
tell_manifest(sqlite3_stmt *st,
    enum rc (*each)(void *arg, const struct stored_manifest *m), void *arg)
{
	const struct stored_manifest m = {
		.sequence = (uint32_t)sqlite3_column_int64(st, 0),
		.file = db_blob(st, 1),
		.bundle = db_blob(st, 2),
	};

	return each(arg, &m);
}

enum rc
store_each_manifest(struct store *store, uint32_t from,
    enum rc (*each)(void *arg, const struct stored_manifest *m), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT m.sequence, m.file, b.file FROM manifest m"
	    " LEFT JOIN bundle b ON b.sequence = m.bundle"
	    " WHERE m.sequence >= ?1 ORDER BY m.sequence",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)from);
	while (db_next(&store->db, st, &rc))
		rc = tell_manifest(st, each, arg);
	return rc;
}

static enum rc
read_blob(struct store *store, const char *sql, struct span key,
    const char *what, struct buf *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db, sql, &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", key);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc == RC_OK && !row)
		rc = err_set(
		    RC_STATE, "%s: %s is missing", store->db.path, what);
	return rc != RC_OK ? rc : buf_add_span(ret, db_blob(st, 0));
}

enum rc
store_cert_der(struct store *store, struct span serial, struct buf *ret_der)
{
	return read_blob(store, "SELECT der FROM certificate WHERE serial = ?1",
	    serial, "a certificate", ret_der);
}

enum rc
store_policy_text(struct store *store, const uint8_t digest[static SHA256_LEN],
    struct buf *ret_text)
{
	return read_blob(store, "SELECT text FROM policy WHERE sha256 = ?1",
	    span_of(digest, SHA256_LEN), "a policy", ret_text);
}
