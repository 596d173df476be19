/* SPDX-License-Identifier: Apache-2.0 */
/** Opening a SQLite database so that a commit is durable, and using it.
 *
 * synchronous=EXTRA with a DELETE journal, trusted_schema off, cell_size_check
 * and foreign keys on. Errors name the file and what SQLite said.
 */
#ifndef BASE_DB_H
#define BASE_DB_H

#include "base/buf.h"

#include <sqlite3.h>

OWN_TYPE(sqlite3_stmt, (void)sqlite3_finalize);

struct db {
	sqlite3 *sql;
	char *path;
};

/** What makes a file ours: checked at open, set at creation. */
struct db_kind {
	const char *name;    /* "ledger" */
	uint32_t application_id;
	int version;	     /* PRAGMA user_version */
	const char *schema;  /* SQL that creates version 1 of it */
	/* SQL that makes version n + 2 of version n + 1; NULL when there is but
	 * one version. A file of an older version goes through them when it is
	 * opened, in one transaction; a new one does too, so that both have the
	 * same tables to the letter. */
	const char *const *upgrades;
};

/** All the SQL that creates a file of that version: its schema and upgrades. */
enum rc db_schema_write(const struct db_kind *kind, int version,
    struct buf *ret_sql) MUST_CHECK;

/** Open, creating when `create` (mode 0600; refused when the file exists).
 * \retval RC_IO     cannot be opened, or is being used by another process
 * \retval RC_STATE  missing, not this kind, a later version, or other tables */
enum rc db_open(struct db *ret_db, const char *path, const struct db_kind *kind,
    bool create) MUST_CHECK;
/** Open for reading only: takes no write lock, makes no file. Only what a killed
 * writer left is rolled back first, as its own next run would, and a file of an
 * older version goes through the upgrades. */
enum rc db_open_read(struct db *ret_db, const char *path,
    const struct db_kind *kind) MUST_CHECK;
void db_wipe(struct db *db); /* close; { 0 } is fine */

/** BEGIN IMMEDIATE, COMMIT, ROLLBACK. A rollback never fails loudly. */
enum rc db_begin(struct db *db) MUST_CHECK;
/** BEGIN alone, for many reads: they see one state, and the file is locked and
 * looked at once instead of for each. Ended by db_rollback. */
enum rc db_begin_read(struct db *db) MUST_CHECK;
enum rc db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db);

/** A statement that lives as long as its owner keeps it.
 * \retval RC_BUG the SQL is wrong */
enum rc db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret) MUST_CHECK;

/** Bind by a letter per argument, from parameter 1: i int64_t, t const char *
 * (NULL is SQL NULL), s struct span as text, b struct span as blob (n == 0 with
 * p == NULL is SQL NULL), n SQL NULL (no argument). Resets the statement first.
 * Bytes are borrowed until the next bind. */
enum rc db_bind(struct db *db, sqlite3_stmt *st, const char *kinds, ...) MUST_CHECK;

/** Step: *ret_row tells whether there is a row. */
enum rc db_step(struct db *db, sqlite3_stmt *st, bool *ret_row) MUST_CHECK;
/** The next row for a loop, which an error ends, its own or the loop's:
 *
 *	while (db_next(db, st, &rc))
 *		rc = read_one(st);
 */
bool db_next(struct db *db, sqlite3_stmt *st, enum rc *rc);
/** Step to the end of a statement that gives no row, and reset it. */
enum rc db_done(struct db *db, sqlite3_stmt *st) MUST_CHECK;

/** A column's bytes, borrowed until the next step. */
struct span db_blob(sqlite3_stmt *st, int column);
/** The same as text. */
struct span db_text(sqlite3_stmt *st, int column);

/** PRAGMA integrity_check and foreign_key_check. \retval RC_STATE damaged */
enum rc db_check(struct db *db) MUST_CHECK;

#endif
