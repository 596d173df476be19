/* SPDX-License-Identifier: Apache-2.0 */
/* The table `shadow` is what was opened; while it has rows they are due in the
 * place of regular CRLs (crl_due.c). */
#include "transfer/online/store/emergency.h"

#include "base/list.h"
#include "transfer/online/store/serial_table.h"

#include <stdlib.h>

enum rc
emergency_load(struct store *store, struct emergency *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db, "SELECT at FROM emergency", &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	*ret = (struct emergency){ .is = row };
	if (row)
		ret->at = sqlite3_column_int64(st, 0);
	return RC_OK;
}

/* ---- declaring it -------------------------------------------------------- */

/* The highest that is open. */
static enum rc
last_opened(struct store *store, uint64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(
	    &store->db, "SELECT coalesce(max(number), 0) FROM shadow", &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc == RC_OK && row)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	return rc;
}

struct sealed_walk {
	uint64_t past;
	crl_each_fn *each;
	void *arg;
};

static enum rc
see_sealed(void *arg, const struct stored_crl *crl)
{
	const struct sealed_walk *w = arg;

	return crl->number > w->past ? w->each(w->arg, crl) : RC_OK;
}

enum rc
emergency_each_sealed(struct store *store, crl_each_fn *each, void *arg)
{
	const struct crl_filter shadows = { NULL, CRL_SHADOW };
	struct sealed_walk w = { .each = each, .arg = arg };
	enum rc rc = last_opened(store, &w.past);

	return rc == RC_OK ? store_each_crl(store, &shadows, see_sealed, &w)
			   : rc;
}

enum rc
emergency_open(
    struct store *store, const struct stored_crl *shadow, struct span der)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO shadow (number, issuer, this_update, next_update, der)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ibiib", (int64_t)shadow->number,
		    span_of(shadow->issuer, SHA256_LEN), shadow->this_update,
		    shadow->next_update, der);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
emergency_declare(struct store *store, int64_t now)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO emergency (id, at) VALUES (1, ?1)"
	    " ON CONFLICT DO NOTHING",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", now);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

/* ---- while it lasts ------------------------------------------------------ */

enum rc
emergency_note(
    struct store *store, const struct crl_due_list *crls, int64_t now)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < crls->n && rc == RC_OK; i++) {
		OWN(sqlite3_stmt) *st = NULL;

		if (!crls->items[i].shadow)
			continue;
		rc = db_prepare(&store->db,
		    "UPDATE shadow SET published_at = ?1"
		    " WHERE number = ?2 AND published_at IS NULL",
		    &st);
		if (rc == RC_OK)
			rc = db_bind(&store->db, st, "ii", now,
			    (int64_t)crls->items[i].number);
		if (rc == RC_OK)
			rc = db_done(&store->db, st);
	}
	return rc;
}

enum rc
emergency_numbers(struct store *store, uint64_t **ret_numbers, size_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint64_t *numbers = NULL;
	size_t n = 0;
	enum rc rc = db_prepare(&store->db,
	    "SELECT number FROM shadow WHERE published_at IS NOT NULL"
	    " ORDER BY number",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		rc = LIST_GROW(numbers, n);
		if (rc == RC_OK)
			numbers[n++] = (uint64_t)sqlite3_column_int64(st, 0);
	}
	if (rc != RC_OK) {
		free(numbers);
		return rc;
	}
	*ret_numbers = numbers;
	*ret_n = n;
	return RC_OK;
}

/* ---- its end ------------------------------------------------------------- */

/* This host's certificates that live at that moment. */
static enum rc
add_living(struct store *store, int64_t at, struct serial_table *table)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT serial FROM certificate WHERE not_after >= ?1", &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", at);
	while (db_next(&store->db, st, &rc))
		rc = serial_table_add(table, db_blob(st, 0));
	return rc;
}

/* The last shadow that somebody may have seen, of one key. */
static enum rc
last_published(struct store *store, const uint8_t *issuer, uint64_t *ret_number,
    struct buf *ret_der)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT number, der FROM shadow"
	    " WHERE issuer = ?1 AND published_at IS NOT NULL"
	    " ORDER BY number DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "b", span_of(issuer, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	*ret_number = (uint64_t)sqlite3_column_int64(st, 0);
	return buf_add_span(ret_der, db_blob(st, 1));
}

/* Does the regular CRL list what the shadow listed? */
static enum rc
lists_all(struct store *store, const struct crl_due *regular,
    struct span shadow, bool *ret_all)
{
	WIPED(serial_table) were = { 0 };
	WIPED(serial_table) are = { 0 };
	enum rc rc = add_living(store, regular->this_update, &were);

	if (rc == RC_OK)
		rc = serial_table_mark(&were, store->db.path, shadow);
	for (size_t i = 0; i < were.n && rc == RC_OK; i++)
		if (were.rows[i].listed)
			rc = serial_table_add(
			    &are, span_of(were.rows[i].bytes, were.rows[i].n));
	if (rc == RC_OK)
		rc = serial_table_mark(
		    &are, store->db.path, buf_span(&regular->der));
	*ret_all = rc == RC_OK;
	for (size_t i = 0; i < are.n; i++)
		*ret_all = *ret_all && are.rows[i].listed;
	return rc;
}

static enum rc
is_over_for(struct store *store, const uint8_t *issuer, int64_t now,
    bool *ret_over, uint64_t *ret_number)
{
	WIPED(crl_due_list) regular = { 0 };
	WIPED(buf) shadow = { 0 };
	uint64_t number = 0;
	enum rc rc = last_published(store, issuer, &number, &shadow);

	*ret_over = false;
	if (rc == RC_OK)
		rc = crl_due_regular(store, issuer, now, &regular);
	if (rc != RC_OK || regular.n == 0 || regular.items[0].number <= number)
		return rc;
	*ret_number = regular.items[0].number;
	return lists_all(store, &regular.items[0], buf_span(&shadow), ret_over);
}

/* Until one was published it has not begun. */
static enum rc
every_key_is_over(
    struct store *store, int64_t now, bool *ret_over, uint64_t *ret_number)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool over = true;
	size_t n = 0;
	enum rc rc = db_prepare(&store->db,
	    "SELECT DISTINCT issuer FROM shadow"
	    " WHERE published_at IS NOT NULL",
	    &st);

	while (over && db_next(&store->db, st, &rc)) {
		struct span issuer = db_blob(st, 0);

		n++;
		rc = issuer.n == SHA256_LEN
			 ? is_over_for(store, issuer.p, now, &over, ret_number)
			 : err_set(RC_STATE, "%s: damaged", store->db.path);
	}
	*ret_over = rc == RC_OK && over && n != 0;
	return rc;
}

static enum rc
emergency_forget(struct store *store)
{
	enum rc rc = store_begin(store);

	if (rc == RC_OK && sqlite3_exec(store->db.sql,
			       "DELETE FROM shadow; DELETE FROM emergency",
			       NULL, NULL, NULL) != SQLITE_OK)
		rc = err_set(RC_IO, "%s: %s", store->db.path,
		    sqlite3_errmsg(store->db.sql));
	if (rc == RC_OK)
		rc = store_commit(store);
	store_rollback(store);
	return rc;
}

enum rc
emergency_end(struct store *store, int64_t now, bool dry_run, bool *ret_over,
    uint64_t *ret_number)
{
	struct emergency e;
	bool over = false;
	enum rc rc = emergency_load(store, &e);

	*ret_over = false;
	if (rc != RC_OK || !e.is)
		return rc;
	rc = every_key_is_over(store, now, &over, ret_number);
	if (rc == RC_OK && over && !dry_run)
		rc = emergency_forget(store);
	*ret_over = rc == RC_OK && over;
	return rc;
}
