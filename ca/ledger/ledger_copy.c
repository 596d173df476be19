/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger as one file that can be carried away, with other files in it. */
#include "ca/ledger/ledger_internal.h"

#define TABLE \
	"CREATE TABLE home(name TEXT PRIMARY KEY, bytes BLOB NOT NULL)" \
	" STRICT, WITHOUT ROWID"

enum rc
ledger_copy(struct ledger *ledger, const char *path)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st, "VACUUM INTO ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "t", path);
	return rc != RC_OK ? rc : db_done(&ledger->db, st);
}

static enum rc
ledger_copy_run(struct db *db, const char *sql)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(db, sql, &st);

	return rc != RC_OK ? rc : db_done(db, st);
}

enum rc
ledger_file_put(const char *path, const char *name, struct span bytes)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_open(&db, path, &ledger_kind, false);

	if (rc == RC_OK)
		rc = db_begin(&db);
	if (rc == RC_OK)
		rc = ledger_copy_run(&db, TABLE);
	if (rc == RC_OK)
		rc = db_prepare(&db, "INSERT INTO home VALUES(?, ?)", &st);
	if (rc == RC_OK)
		rc = db_bind(&db, st, "tb", name, bytes);
	if (rc == RC_OK)
		rc = db_done(&db, st);
	return rc != RC_OK ? rc : db_commit(&db);
}

/* One and no other: whatever else the table might hold is not asked for. */
static enum rc
file_read_out(
    struct db *db, const char *name, struct buf *ret_bytes, bool *ret_any)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc =
	    db_prepare(db, "SELECT bytes FROM home WHERE name = ?", &st);

	if (rc == RC_OK)
		rc = db_bind(db, st, "t", name);
	if (rc == RC_OK)
		rc = db_step(db, st, ret_any);
	if (rc == RC_OK && *ret_any)
		rc = buf_add_span(ret_bytes, db_blob(st, 0));
	return rc;
}

static enum rc
has_table(struct db *db, bool *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(db,
	    "SELECT 1 FROM sqlite_schema WHERE name = 'home' AND sql = '" TABLE
	    "'",
	    &st);

	return rc != RC_OK ? rc : db_step(db, st, ret);
}

enum rc
ledger_file_take(
    const char *path, const char *name, struct buf *ret_bytes, bool *ret_any)
{
	WIPED(db) db = { 0 };
	bool there = false;
	enum rc rc = db_open(&db, path, &ledger_kind, false);

	*ret_any = false;
	if (rc == RC_OK)
		rc = has_table(&db, &there);
	if (rc != RC_OK || !there)
		return rc;
	rc = file_read_out(&db, name, ret_bytes, ret_any);
	return rc != RC_OK ? rc : ledger_copy_run(&db, "DROP TABLE home");
}

enum rc
ledger_last_response(struct ledger *ledger, uint64_t *ret_n, int64_t *ret_at)
{
	struct record r = { 0 };
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_MANIFEST, &n);

	if (rc == RC_OK && n != 0)
		rc = ledger_record_get(ledger, n, RECORD_MANIFEST, &r, NULL);
	if (rc != RC_OK)
		return rc;
	*ret_n = n;
	*ret_at = r.at;
	return RC_OK;
}
