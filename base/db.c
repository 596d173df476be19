/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the ledger and the store use it: how a database is opened, and one
 * way to bind, to step and to say what failed. What stands in them is
 * theirs. */
#include "base/db.h"
#include "base/db_vfs.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DB_BUSY_MS 2000 /* how long a writer waits for another's commit */

/* What each connection is told before anything else: DELETE journal and EXTRA
 * make a commit durable; the others keep a tampered file from running code. */
static const char settings[] =
    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;"
    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-8192;";

static enum rc
sql_error(struct db *db, const char *doing)
{
	int code = sqlite3_extended_errcode(db->sql);
	int left = errno, why = sqlite3_system_errno(db->sql);
	enum rc rc = RC_IO;

	if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
		err_note_shortage(SHORT_OF_MEMORY);
	switch (code & 0xff) {
	case SQLITE_CANTOPEN:
		/* The journal's first error is lost: SQLite tries again without
		 * making it, and remembers that there was none. */
		if (why == ENOENT && access(db->path, F_OK) == 0)
			return err_set(rc,
			    "%s: %s: no journal can be made beside it: is the disk full, or the directory read-only?",
			    db->path, doing);
		__attribute__((fallthrough));
	case SQLITE_IOERR:
		/* SQLite's own words leave out what the disk said; and it does
		 * not keep what a commit met. */
		if (why == 0)
			why = left;
		if (why != 0)
			return err_errno(rc, why, "%s: %s: %s", db->path, doing,
			    sqlite3_errmsg(db->sql));
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
		rc = RC_STATE;
		break;
	case SQLITE_BUSY:
		return err_set(
		    RC_IO, "%s: in use by another process", db->path);
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
		rc = RC_BUG;
		break;
	default:
		break;
	}
	return err_set(
	    rc, "%s: %s: %s", db->path, doing, sqlite3_errmsg(db->sql));
}

static enum rc
run_sql(struct db *db, const char *sql, const char *doing)
{
	errno = 0;
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_error(db, doing);
	return RC_OK;
}

static enum rc
connect_file(struct db *db, const char *path, int flags)
{
	const char *layer;
	enum rc rc = db_vfs_use(&layer);

	if (rc != RC_OK)
		return rc;
	db->path = strdup(path);
	if (db->path == NULL)
		return err_memory();
	/* Not SQLITE_OPEN_NOFOLLOW: it minds a link anywhere in the path, and
	 * a home may well lie behind one. No connection is ever of two threads,
	 * and a mutex around each column of a million rows takes its time. */
	flags |= SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &db->sql, flags, layer) != SQLITE_OK) {
		if (db->sql == NULL)
			return err_memory();
		return sql_error(db, "cannot be opened");
	}
	(void)sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
	(void)sqlite3_extended_result_codes(db->sql, 1);
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return RC_OK;
}

static enum rc
pragma_int(struct db *db, const char *sql, int64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(db, sql, &st);

	if (rc == RC_OK)
		rc = db_step(db, st, &row);
	if (rc == RC_OK)
		*ret = row ? sqlite3_column_int64(st, 0) : 0;
	return rc;
}

#define SCHEMA \
	"SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT " \
	"NULL"

enum rc
db_schema_write(const struct db_kind *kind, int version, struct buf *out)
{
	enum rc rc = buf_add_str(out, kind->schema);

	for (int to = 2; kind->upgrades != NULL && to <= version && rc == RC_OK;
	     to++)
		rc = buf_add_str(out, kind->upgrades[to - 2]);
	return rc;
}

static enum rc
run_schema(struct db *db, const struct db_kind *kind, int version)
{
	WIPED(buf) sql = { 0 };
	const char *text = NULL;
	enum rc rc = db_schema_write(kind, version, &sql);

	if (rc == RC_OK)
		text = buf_cstr(&sql);
	if (rc == RC_OK && text == NULL)
		rc = err_memory();
	return rc != RC_OK ? rc : run_sql(db, text, "cannot be created");
}

/* A file from elsewhere may bear our numbers and have other tables: that is its
 * fault, and must not look like one of our statements. What it has besides is
 * for whoever reads all of it to judge. */
static enum rc
check_schema(struct db *db, const struct db_kind *kind, int version)
{
	WIPED(db) ours = { 0 };
	OWN(sqlite3_stmt) *wanted = NULL;
	OWN(sqlite3_stmt) *found = NULL;
	bool more = true, there = true;
	enum rc rc = connect_file(&ours, ":memory:",
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY);

	if (rc == RC_OK)
		rc = run_schema(&ours, kind, version);
	if (rc == RC_OK)
		rc = db_prepare(&ours, SCHEMA, &wanted);
	if (rc == RC_OK)
		rc = db_prepare(db, SCHEMA " AND sql = ?", &found);
	while (rc == RC_OK && there) {
		rc = db_step(&ours, wanted, &more);
		if (rc != RC_OK || !more)
			break;
		rc = db_bind(db, found, "s", db_text(wanted, 0));
		if (rc == RC_OK)
			rc = db_step(db, found, &there);
	}
	if (rc == RC_OK && !there)
		rc = err_set(RC_STATE,
		    "%s: damaged: its tables are not those of a %s", db->path,
		    kind->name);
	return rc;
}

/* \param[out] ret_old  an older version, which db_upgrade helps */
static enum rc
check_kind(struct db *db, const struct db_kind *kind, bool *ret_old)
{
	int64_t id, version = 0;
	enum rc rc = pragma_int(db, "PRAGMA application_id", &id);

	if (rc == RC_OK)
		rc = pragma_int(db, "PRAGMA user_version", &version);
	if (rc != RC_OK)
		return rc;
	if ((uint32_t)id != kind->application_id)
		return err_set(
		    RC_STATE, "%s: not a %s of ours", db->path, kind->name);
	*ret_old =
	    kind->upgrades != NULL && version >= 1 && version < kind->version;
	if (version != kind->version && !*ret_old)
		return err_set(RC_STATE,
		    "%s: a %s of version %lld; this program knows version %d",
		    db->path, kind->name, (long long)version, kind->version);
	return check_schema(db, kind, (int)version);
}

/* Whoever comes first does it, and the others find it done. */
static enum rc
upgrade(struct db *db, const struct db_kind *kind)
{
	WIPED(buf) sql = { 0 };
	const char *text = NULL;
	bool old = false;
	int64_t version = 0;
	enum rc rc = db_begin(db);

	if (rc == RC_OK)
		rc = check_kind(db, kind, &old);
	if (rc == RC_OK)
		rc = pragma_int(db, "PRAGMA user_version", &version);
	for (int64_t to = version + 1; to <= kind->version && rc == RC_OK; to++)
		rc = buf_add_str(&sql, kind->upgrades[to - 2]);
	if (rc == RC_OK)
		rc = buf_printf(&sql, "PRAGMA user_version=%d;", kind->version);
	if (rc == RC_OK)
		text = buf_cstr(&sql);
	if (rc == RC_OK && text == NULL)
		rc = err_memory();
	if (rc == RC_OK)
		rc = run_sql(db, text, "cannot be brought to this version");
	if (rc == RC_OK)
		rc = db_commit(db);
	db_rollback(db);
	return rc;
}

static enum rc
create_schema(struct db *db, const struct db_kind *kind)
{
	char numbers[96];
	enum rc rc = db_begin(db);

	(void)snprintf(numbers, sizeof(numbers),
	    "PRAGMA application_id=%d; PRAGMA user_version=%d;",
	    (int)kind->application_id, kind->version);
	if (rc == RC_OK)
		rc = run_sql(db, numbers, "cannot be created");
	if (rc == RC_OK)
		rc = run_schema(db, kind, kind->version);
	if (rc == RC_OK)
		rc = db_commit(db);
	db_rollback(db);
	return rc;
}

/* SQLite creates with the umask's mode; the file must be ours alone from its
 * first moment, and must not be there yet. */
static enum rc
create_file(const char *path)
{
	OWN_FD fd = fd_openat(AT_FDCWD, path,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(RC_STATE, "%s: is there already", path);
	if (fd < 0)
		return err_errno(RC_IO, errno, "%s: cannot be made", path);
	return RC_OK;
}

static enum rc
set_up(struct db *db, const char *path, const struct db_kind *kind, bool create)
{
	bool old = false;
	enum rc rc = connect_file(db, path, SQLITE_OPEN_READWRITE);

	if (rc == RC_OK)
		rc = run_sql(db, settings, "cannot be set up");
	if (rc == RC_OK && create)
		rc = create_schema(db, kind);
	if (rc == RC_OK)
		rc = check_kind(db, kind, &old);
	return rc == RC_OK && old ? upgrade(db, kind) : rc;
}

enum rc
db_open(struct db *ret_db, const char *path, const struct db_kind *kind,
    bool create)
{
	WIPED(db) db = { 0 };
	enum rc rc = RC_OK;

	if (create)
		rc = create_file(path);
	else if (access(path, F_OK) != 0)
		rc = err_errno(RC_STATE, errno, "%s", path);
	if (rc != RC_OK)
		return rc;
	rc = set_up(&db, path, kind, create);
	if (rc != RC_OK) {
		/* What was half made would stand in the next try's way. */
		if (create)
			(void)unlink(path);
		return rc;
	}
	*ret_db = db;
	db = (struct db){ 0 };
	return RC_OK;
}

/* The journal of a writer that was killed is rolled back by whoever opens the
 * file next, and an older version brought to ours, which a reader may not:
 * `*ret_left` says that something is to be done. */
static enum rc
set_up_read(
    struct db *db, const char *path, const struct db_kind *kind, bool *ret_left)
{
	enum rc rc = connect_file(db, path, SQLITE_OPEN_READONLY);

	if (rc == RC_OK)
		rc = run_sql(db,
		    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
		    "cannot be set up");
	if (rc == RC_OK)
		rc = check_kind(db, kind, ret_left);
	if (rc != RC_OK)
		*ret_left =
		    db->sql != NULL && sqlite3_extended_errcode(db->sql) ==
					   SQLITE_READONLY_ROLLBACK;
	return rc;
}

enum rc
db_open_read(struct db *ret_db, const char *path, const struct db_kind *kind)
{
	WIPED(db) db = { 0 };
	bool left = false;
	enum rc rc;

	if (access(path, F_OK) != 0)
		return err_errno(RC_STATE, errno, "%s", path);
	rc = set_up_read(&db, path, kind, &left);
	if (left) {
		db_wipe(&db);
		rc = set_up(&db, path, kind, false);
		db_wipe(&db);
		if (rc == RC_OK)
			rc = set_up_read(&db, path, kind, &left);
	}
	if (rc != RC_OK)
		return rc;
	*ret_db = db;
	db = (struct db){ 0 };
	return RC_OK;
}

void
db_wipe(struct db *db)
{
	/* close_v2: a statement finalised later must not leak the file. */
	(void)sqlite3_close_v2(db->sql);
	free(db->path);
	*db = (struct db){ 0 };
}

enum rc
db_begin(struct db *db)
{
	return run_sql(db, "BEGIN IMMEDIATE", "cannot be locked");
}

enum rc
db_begin_read(struct db *db)
{
	return run_sql(db, "BEGIN", "cannot be locked");
}

enum rc
db_commit(struct db *db)
{
	return run_sql(db, "COMMIT", "cannot be committed");
}

void
db_rollback(struct db *db)
{
	if (db->sql != NULL && !sqlite3_get_autocommit(db->sql))
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

enum rc
db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret,
		NULL) != SQLITE_OK)
		return sql_error(db, sql);
	return RC_OK;
}

static int
bind_span(sqlite3_stmt *st, int at, char kind, struct span s)
{
	if (s.p == NULL && kind == 'b')
		return sqlite3_bind_null(st, at);
	if (kind == 'b')
		return sqlite3_bind_blob64(st, at, s.p, s.n, SQLITE_STATIC);
	return sqlite3_bind_text64(st, at, s.p == NULL ? "" : (const char *)s.p,
	    s.n, SQLITE_STATIC, SQLITE_UTF8);
}

enum rc
db_bind(struct db *db, sqlite3_stmt *st, const char *kinds, ...)
{
	va_list ap;
	int at = 0, code = SQLITE_OK;

	(void)sqlite3_reset(st);
	va_start(ap, kinds);
	for (const char *k = kinds; *k != '\0' && code == SQLITE_OK; k++) {
		at++;
		switch (*k) {
		case 'i':
			code = sqlite3_bind_int64(st, at, va_arg(ap, int64_t));
			break;
		case 't':
			code = sqlite3_bind_text(st, at,
			    va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 's':
		case 'b':
			code = bind_span(st, at, *k, va_arg(ap, struct span));
			break;
		default:
			code = sqlite3_bind_null(st, at);
			break;
		}
	}
	va_end(ap);
	return code == SQLITE_OK ? RC_OK : sql_error(db, "a value");
}

enum rc
db_step(struct db *db, sqlite3_stmt *st, bool *ret_row)
{
	errno = 0;
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		*ret_row = true;
		return RC_OK;
	case SQLITE_DONE:
		*ret_row = false;
		return RC_OK;
	default:
		return sql_error(db, sqlite3_stmt_readonly(st) != 0
					 ? "cannot be read"
					 : "cannot be written");
	}
}

bool
db_next(struct db *db, sqlite3_stmt *st, enum rc *rc)
{
	bool row = false;

	if (*rc == RC_OK)
		*rc = db_step(db, st, &row);
	return *rc == RC_OK && row;
}

enum rc
db_done(struct db *db, sqlite3_stmt *st)
{
	bool row = true;
	enum rc rc = RC_OK;

	while (rc == RC_OK && row)
		rc = db_step(db, st, &row);
	(void)sqlite3_reset(st);
	return rc;
}

struct span
db_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return span_of(p, (size_t)sqlite3_column_bytes(st, column));
}

struct span
db_text(sqlite3_stmt *st, int column)
{
	const unsigned char *p = sqlite3_column_text(st, column);

	return span_of(p, (size_t)sqlite3_column_bytes(st, column));
}

enum rc
db_check(struct db *db)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(db, "PRAGMA integrity_check(1)", &st);

	if (rc == RC_OK)
		rc = db_step(db, st, &row);
	if (rc == RC_OK && (!row || !span_eq_str(db_text(st, 0), "ok")))
		rc = err_set(RC_STATE, "%s: damaged: %.*s", db->path,
		    SPAN_FMT(db_text(st, 0)));
	if (rc != RC_OK)
		return rc;
	(void)sqlite3_finalize(MOVE(st));
	rc = db_prepare(db, "PRAGMA foreign_key_check", &st);
	if (rc == RC_OK)
		rc = db_step(db, st, &row);
	if (rc == RC_OK && row)
		rc = err_set(RC_STATE,
		    "%s: damaged: a row of %.*s refers to nothing", db->path,
		    SPAN_FMT(db_text(st, 0)));
	return rc;
}
