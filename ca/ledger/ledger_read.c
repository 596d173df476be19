/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are read back, one, the next, or all of them. What is read is
 * decoded as strictly as what comes from outside: the file may have been
 * edited, and a record that does not parse is damage with a number, never a
 * default. */
#include "ca/ledger/ledger_internal.h"

#include "base/list.h"

#include <assert.h>
#include <inttypes.h>

enum rc
ledger_query(struct ledger *ledger, sqlite3_stmt **ret, const char *sql)
{
	return db_prepare(&ledger->db, sql, ret);
}

enum rc
ledger_record_of_row(sqlite3_stmt *st, int column, struct record *ret)
{
	ret->n = (uint64_t)sqlite3_column_int64(st, column);
	ret->at = sqlite3_column_int64(st, column + 1);
	ret->kind = (enum record_kind)sqlite3_column_int(st, column + 2);
	ret->policy_id = sqlite3_column_int64(st, column + 3);
	return record_decode(db_blob(st, column + 4), ret);
}

/* The row is copied: a statement that stays on a row holds a lock, and a signer
 * would wait for it. */
static enum rc
row_copy(struct ledger *ledger, sqlite3_stmt *st, struct record *ret)
{
	enum rc rc;

	if (ledger->got.cap > LEDGER_KEPT_MAX)
		buf_wipe(&ledger->got);
	buf_reset(&ledger->got);
	rc = buf_reserve(&ledger->got, db_blob(st, 4).n + SHA256_LEN);
	if (rc == RC_OK)
		rc = buf_add_span(&ledger->got, db_blob(st, 4));
	ret->n = (uint64_t)sqlite3_column_int64(st, 0);
	ret->at = sqlite3_column_int64(st, 1);
	ret->kind = (enum record_kind)sqlite3_column_int(st, 2);
	ret->policy_id = sqlite3_column_int64(st, 3);
	if (rc == RC_OK && db_blob(st, 5).n != SHA256_LEN)
		return err_set(RC_STATE, "%s: record %" PRIu64 ": no hash",
		    ledger->db.path, ret->n);
	if (rc == RC_OK)
		memcpy(ledger->got_hash, db_blob(st, 5).p, SHA256_LEN);
	return rc;
}

enum rc
ledger_record_get(struct ledger *ledger, uint64_t n, enum record_kind kind,
    struct record *ret, struct span *ret_hash)
{
	bool row = false;
	enum rc rc = RC_OK;

	if (ledger->record_get == NULL)
		rc = db_prepare(&ledger->db,
		    "SELECT " RECORD_COLUMNS " FROM record WHERE n = ?",
		    &ledger->record_get);
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, ledger->record_get, "i", (int64_t)n);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, ledger->record_get, &row);
	if (rc == RC_OK && !row)
		rc = err_set(RC_STATE, "%s: record %" PRIu64 " is missing",
		    ledger->db.path, n);
	if (rc == RC_OK)
		rc = row_copy(ledger, ledger->record_get, ret);
	(void)sqlite3_reset(ledger->record_get);
	if (rc == RC_OK)
		rc = record_decode(buf_span(&ledger->got), ret);
	if (rc == RC_OK && kind != 0 && ret->kind != kind)
		rc = err_set(RC_STATE,
		    "%s: record %" PRIu64 " is of kind %s, wanted %s",
		    ledger->db.path, n, record_kind_text(ret->kind),
		    record_kind_text(kind));
	if (rc == RC_OK && ret_hash != NULL)
		*ret_hash = span_of(ledger->got_hash, SHA256_LEN);
	return rc;
}

void
ledger_got_take(struct ledger *ledger, struct span file, struct buf *ret)
{
	assert(file.p + file.n == ledger->got.p + ledger->got.n);
	buf_keep_last(&ledger->got, file.n);
	buf_wipe(ret);
	*ret = ledger->got;
	ledger->got = (struct buf){ 0 };
}

/* The number of the record that one bound number leads to; 0 for none. Record
 * numbers may have gaps. */
static enum rc
number_find(struct ledger *ledger, const char *sql, uint64_t n, uint64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st, sql);

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)n);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return rc;
}

enum rc
ledger_record_before(struct ledger *ledger, uint64_t n, struct record *ret,
    struct span *ret_hash)
{
	uint64_t prior = 0;
	enum rc rc = number_find(ledger,
	    "SELECT n FROM record WHERE n < ? ORDER BY n DESC LIMIT 1", n,
	    &prior);

	return rc != RC_OK ? rc
			   : ledger_record_get(ledger, prior, 0, ret, ret_hash);
}

enum rc
ledger_newest_of(struct ledger *ledger, enum record_kind kind, uint64_t *ret_n)
{
	return ledger_newest_until(ledger, kind, INT64_MAX, ret_n);
}

enum rc
ledger_newest_until(struct ledger *ledger, enum record_kind kind,
    uint64_t until, uint64_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT n FROM record WHERE kind = ? AND n <= ?"
	    " AND " KIND_IS_RARE " ORDER BY n DESC LIMIT 1");

	if (rc == RC_OK)
		rc = db_bind(
		    &ledger->db, st, "ii", (int64_t)kind, (int64_t)until);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret_n = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return rc;
}

enum rc
ledger_records_walk(
    struct ledger *ledger, sqlite3_stmt *st, record_fn *each, void *arg)
{
	enum rc rc = RC_OK;

	while (db_next(&ledger->db, st, &rc)) {
		struct record r = { 0 };

		rc = ledger_record_of_row(st, 0, &r);
		if (rc == RC_OK && db_blob(st, 5).n != SHA256_LEN)
			rc = err_set(RC_STATE,
			    "ledger record %" PRIu64 ": no hash", r.n);
		if (rc == RC_OK)
			rc = each(&r, db_blob(st, 5).p, arg);
	}
	return rc;
}

enum rc
ledger_records_each(
    struct ledger *ledger, uint64_t first, record_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE n >= ? ORDER BY n");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)first);
	return rc != RC_OK ? rc : ledger_records_walk(ledger, st, each, arg);
}

enum rc
ledger_rows_take(struct ledger *ledger, sqlite3_stmt *st, size_t item_size,
    ledger_row *row, void **ret_items, size_t *ret_n)
{
	uint8_t *items = NULL;
	size_t n = 0;
	enum rc rc = RC_OK;

	while (db_next(&ledger->db, st, &rc)) {
		rc = list_grow(&items, n, item_size);
		if (rc != RC_OK)
			break;
		memset(items + n * item_size, 0, item_size);
		rc = row(ledger, st, items + n * item_size);
		if (rc != RC_OK)
			break;
		n++;
	}
	*ret_items = items;
	*ret_n = n;
	return rc;
}

enum rc
ledger_head_known(
    struct ledger *ledger, const struct ledger_head *head, bool *ret_known)
{
	struct record r;
	struct span hash = SPAN_NONE;
	uint64_t n = 0;
	enum rc rc = RC_OK;

	if (head->count != 0 && head->count <= ledger->end.head.count)
		rc = number_find(ledger, "SELECT n FROM record WHERE n = ?",
		    head->count, &n);
	if (rc != RC_OK || n == 0) {
		*ret_known = false;
		return rc;
	}
	rc = ledger_record_get(ledger, n, 0, &r, &hash);
	if (rc == RC_OK)
		*ret_known = span_eq(hash, span_of(head->hash, SHA256_LEN));
	return rc;
}
