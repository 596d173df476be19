/* SPDX-License-Identifier: Apache-2.0 */
#include "base/db.h"

#include "tests/lib/check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_kind kind = {
	.name = "ledger",
	.application_id = 0xf1a2b3c4, /* the high bit too */
	.version = 3,
	.schema = "CREATE NONSENSE;",
};
static struct db_kind good; /* with a schema that SQLite takes */
static char top[64];

static int
make_top(void **state)
{
	(void)state;
	good = kind;
	good.schema = "CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT,"
		      " bytes BLOB, parent INTEGER REFERENCES t (n));";
	(void)strcpy(top, "/tmp/airgap-db.XXXXXX");
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int
remove_top(void **state)
{
	char line[128];

	(void)state;
	(void)snprintf(line, sizeof(line), "rm -rf '%s'", top);
	return system(line);
}

static const char *
path_of(const char *name)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static enum rc
insert(struct db *db, int64_t n, const char *text, struct span bytes)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    db, "INSERT INTO t (n, text, bytes) VALUES (?, ?, ?)", &st);

	if (rc == RC_OK)
		rc = db_bind(db, st, "itb", n, text, bytes);
	return rc != RC_OK ? rc : db_done(db, st);
}

static int64_t
count(struct db *db)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row;

	check_ok(db_prepare(db, "SELECT count(*) FROM t", &st));
	check_ok(db_step(db, st, &row));
	assert_true(row);
	return sqlite3_column_int64(st, 0);
}

static int64_t
pragma(struct db *db, const char *sql)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row;

	check_ok(db_prepare(db, sql, &st));
	check_ok(db_step(db, st, &row));
	return row ? sqlite3_column_int64(st, 0) : -1;
}

static void
a_commit_is_durable_and_settings_are_strict(void **state)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	struct stat file;
	bool row;

	(void)state;
	check_ok(db_open(&db, path_of("settings"), &good, true));
	assert_int_equal(pragma(&db, "PRAGMA synchronous"), 3); /* EXTRA */
	assert_int_equal(pragma(&db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(pragma(&db, "PRAGMA cell_size_check"), 1);
	assert_int_equal(pragma(&db, "PRAGMA foreign_keys"), 1);
	check_ok(db_prepare(&db, "PRAGMA journal_mode", &st));
	check_ok(db_step(&db, st, &row));
	assert_true(span_eq_str(db_text(st, 0), "delete"));
	assert_int_equal(stat(path_of("settings"), &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
}

static void
what_is_bound_comes_back(void **state)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	bool row;

	(void)state;
	check_ok(db_open(&db, path_of("bind"), &good, true));
	check_ok(insert(&db, INT64_MAX, "text", span_of("\0\1", 2)));
	check_ok(insert(&db, 2, NULL, SPAN_NONE));
	check_ok(insert(&db, 3, "", span_of("", 0)));
	check_ok(db_prepare(&db, "SELECT text, bytes FROM t WHERE n = ?", &st));
	check_ok(db_bind(&db, st, "i", INT64_MAX));
	check_ok(db_step(&db, st, &row));
	assert_true(row && span_eq_str(db_text(st, 0), "text"));
	assert_true(span_eq(db_blob(st, 1), span_of("\0\1", 2)));
	check_ok(db_step(&db, st, &row));
	assert_false(row);
	check_ok(db_bind(&db, st, "i", (int64_t)2));
	check_ok(db_step(&db, st, &row));
	assert_int_equal(sqlite3_column_type(st, 0), SQLITE_NULL);
	assert_int_equal(sqlite3_column_type(st, 1), SQLITE_NULL);
	check_ok(db_bind(&db, st, "i", (int64_t)3));
	check_ok(db_step(&db, st, &row));
	assert_int_equal(sqlite3_column_type(st, 0), SQLITE_TEXT);
	assert_int_equal(sqlite3_column_type(st, 1), SQLITE_BLOB);
	assert_int_equal(db_blob(st, 1).n, 0);
	check_ok(db_bind(&db, st, "n"));
	check_ok(db_step(&db, st, &row));
	assert_false(row);
	/* A span may be text with anything in it. */
	(void)sqlite3_finalize(MOVE(st));
	check_ok(db_prepare(&db, "UPDATE t SET text = ? WHERE n = 2", &st));
	check_ok(db_bind(&db, st, "s", span_of("a;b", 3)));
	check_ok(db_done(&db, st));
	assert_int_equal(
	    pragma(&db, "SELECT count(*) FROM t WHERE text = 'a;b'"), 1);
}

static void
a_rollback_leaves_nothing(void **state)
{
	WIPED(db) db = { 0 };

	(void)state;
	db_rollback(&db); /* of nothing open */
	check_ok(db_open(&db, path_of("rollback"), &good, true));
	check_ok(db_begin(&db));
	check_ok(insert(&db, 1, "a", SPAN_NONE));
	db_rollback(&db);
	db_rollback(&db);
	assert_int_equal(count(&db), 0);
	check_ok(db_begin(&db));
	check_ok(insert(&db, 1, "a", SPAN_NONE));
	check_ok(db_commit(&db));
	assert_int_equal(count(&db), 1);
	assert_int_equal(insert(&db, 1, "again", SPAN_NONE), RC_STATE);
}

static void
a_database_is_made_once(void **state)
{
	WIPED(db) db = { 0 }, again = { 0 };
	char want[PATH_MAX + 32];

	(void)state;
	check_ok(db_open(&db, path_of("once"), &good, true));
	assert_int_equal(
	    db_open(&again, path_of("once"), &good, true), RC_STATE);
	(void)snprintf(
	    want, sizeof(want), "%s: is there already", path_of("once"));
	assert_string_equal(err_text(), want);
	assert_null(again.sql);
	assert_int_equal(
	    db_open(&again, path_of("none"), &good, false), RC_STATE);
	assert_int_equal(
	    db_open_read(&again, path_of("none"), &good), RC_STATE);
	assert_int_equal(access(path_of("none"), F_OK), -1);
}

static void
a_half_made_one_is_taken_away(void **state)
{
	WIPED(db) db = { 0 };

	(void)state;
	assert_int_equal(db_open(&db, path_of("half"), &kind, true), RC_BUG);
	assert_int_equal(access(path_of("half"), F_OK), -1);
	check_ok(db_open(&db, path_of("half"), &good, true));
}

static void
another_kind_or_version_is_refused(void **state)
{
	struct db_kind other = good, newer = good;
	WIPED(db) db = { 0 };
	FILE *f;

	(void)state;
	other.application_id = 1;
	other.name = "store";
	newer.version = 4;
	check_ok(db_open(&db, path_of("kind"), &good, true));
	db_wipe(&db);
	assert_int_equal(
	    db_open(&db, path_of("kind"), &other, false), RC_STATE);
	assert_non_null(strstr(err_text(), "not a store of ours"));
	assert_int_equal(db_open_read(&db, path_of("kind"), &newer), RC_STATE);
	assert_non_null(strstr(
	    err_text(), "a ledger of version 3; this program knows version 4"));

	f = fopen(path_of("garbage"), "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		assert_true(fputs("no database at all\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(
	    db_open(&db, path_of("garbage"), &good, false), RC_STATE);
}

/* Made new or brought there, a file of a version has the same tables. */
static void
an_older_version_goes_through_the_upgrades(void **state)
{
	static const char *const steps[] = {
		"ALTER TABLE t ADD COLUMN more TEXT;",
		"CREATE TABLE u (n INTEGER PRIMARY KEY);",
	};
	struct db_kind first = good, third = good;
	WIPED(db) db = { 0 };

	(void)state;
	first.version = 1;
	third.upgrades = steps;
	check_ok(db_open(&db, path_of("new"), &third, true));
	db_wipe(&db);
	check_ok(db_open(&db, path_of("old"), &first, true));
	check_ok(insert(&db, 7, "seven", SPAN_NONE));
	db_wipe(&db);
	/* A reader may do no more than another who comes first. */
	check_ok(db_open_read(&db, path_of("old"), &third));
	db_wipe(&db);
	check_ok(db_open(&db, path_of("old"), &third, false));
	check_ok(db_begin(&db));
	check_ok(insert(&db, 8, "eight", SPAN_NONE));
	check_ok(db_commit(&db));
	{
		OWN(sqlite3_stmt) *st = NULL;
		bool row = false;

		check_ok(db_prepare(
		    &db, "SELECT text FROM t WHERE more IS NULL", &st));
		check_ok(db_step(&db, st, &row));
		assert_true(span_eq_str(db_text(st, 0), "seven"));
	}
	db_wipe(&db);
	assert_int_equal(db_open(&db, path_of("old"), &first, false), RC_STATE);
	assert_non_null(strstr(
	    err_text(), "a ledger of version 3; this program knows version 1"));
}

/* One whose tables are not its version's is damaged, and stays as it is. */
static void
an_upgrade_is_whole_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		"ALTER TABLE t ADD COLUMN more TEXT;",
		"ALTER TABLE nowhere ADD COLUMN more TEXT;",
	};
	struct db_kind first = good, third = good;
	WIPED(db) db = { 0 };

	(void)state;
	first.version = 1;
	third.upgrades = bad;
	check_ok(db_open(&db, path_of("whole"), &first, true));
	db_wipe(&db);
	assert_int_equal(db_open(&db, path_of("whole"), &third, false), RC_BUG);
	check_ok(db_open(&db, path_of("whole"), &first, false));
	assert_int_equal(
	    sqlite3_exec(db.sql, "DROP TABLE t", NULL, NULL, NULL), SQLITE_OK);
	db_wipe(&db);
	assert_int_equal(
	    db_open(&db, path_of("whole"), &third, false), RC_STATE);
	assert_non_null(strstr(err_text(), "damaged"));
}

static void
a_second_writer_is_told_so(void **state)
{
	WIPED(db) first = { 0 }, second = { 0 };

	(void)state;
	check_ok(db_open(&first, path_of("busy"), &good, true));
	check_ok(db_open(&second, path_of("busy"), &good, false));
	check_ok(db_begin(&first));
	assert_int_equal(db_begin(&second), RC_IO);
	assert_non_null(strstr(err_text(), "in use by another process"));
	check_ok(db_commit(&first));
	check_ok(db_begin(&second));
	db_rollback(&second);
}

static void
a_reader_writes_nothing(void **state)
{
	WIPED(db) db = { 0 };

	(void)state;
	check_ok(db_open(&db, path_of("read"), &good, true));
	check_ok(insert(&db, 1, "a", SPAN_NONE));
	db_wipe(&db);
	check_ok(db_open_read(&db, path_of("read"), &good));
	assert_int_equal(count(&db), 1);
	assert_int_not_equal(insert(&db, 2, "b", SPAN_NONE), RC_OK);
}

/* A writer that is killed after SQLite began to change the file itself. */
static void
leave_a_hot_journal(const char *path)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct db db = { 0 };
		static const char page[8192];
		bool ok = db_open(&db, path, &good, false) == RC_OK &&
			  sqlite3_exec(db.sql, "PRAGMA cache_size=1", NULL,
			      NULL, NULL) == SQLITE_OK &&
			  db_begin(&db) == RC_OK;

		for (int64_t n = 100; n < 300 && ok; n++)
			ok = insert(&db, n, "x", span_of(page, sizeof(page))) ==
			     RC_OK;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
what_a_killed_writer_left_is_rolled_back_for_a_reader(void **state)
{
	WIPED(db) db = { 0 };

	(void)state;
	check_ok(db_open(&db, path_of("hot"), &good, true));
	check_ok(insert(&db, 1, "a", SPAN_NONE));
	db_wipe(&db);
	leave_a_hot_journal(path_of("hot"));
	assert_int_equal(access(path_of("hot-journal"), F_OK), 0);
	check_ok(db_open_read(&db, path_of("hot"), &good));
	assert_int_equal(count(&db), 1);
	assert_int_equal(access(path_of("hot-journal"), F_OK), -1);
	check_ok(db_check(&db));
}

static void
damage_is_found(void **state)
{
	WIPED(db) db = { 0 };
	char name[PATH_MAX];
	int fd;

	(void)state;
	(void)strcpy(name, path_of("damage"));
	check_ok(db_open(&db, name, &good, true));
	for (int64_t n = 1; n < 500; n++)
		check_ok(insert(&db, n, "some text of some length", SPAN_NONE));
	check_ok(db_check(&db));
	db_wipe(&db);
	fd = open(name, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 8192), 4);
	(void)close(fd);
	check_ok(db_open(&db, name, &good, false));
	assert_int_equal(db_check(&db), RC_STATE);
	assert_non_null(strstr(err_text(), "damage"));
}

static void
a_row_that_refers_to_nothing_is_found(void **state)
{
	WIPED(db) db = { 0 };

	(void)state;
	check_ok(db_open(&db, path_of("orphan"), &good, true));
	assert_int_equal(
	    sqlite3_exec(db.sql,
		"PRAGMA foreign_keys=OFF; INSERT INTO t (n, parent) VALUES"
		" (1, 99)",
		NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(db_check(&db), RC_STATE);
	assert_non_null(strstr(err_text(), "a row of t refers to nothing"));
}

static void
wrong_sql_is_our_bug(void **state)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;

	(void)state;
	check_ok(db_open(&db, path_of("sql"), &good, true));
	assert_int_equal(db_prepare(&db, "SELEKT", &st), RC_BUG);
	assert_null(st);
}

static void
a_home_may_lie_behind_a_link(void **state)
{
	WIPED(db) db = { 0 };
	char target[PATH_MAX];

	(void)state;
	(void)strcpy(target, path_of("real"));
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, path_of("link")), 0);
	check_ok(db_open(&db, path_of("link/db"), &good, true));
	db_wipe(&db);
	check_ok(db_open_read(&db, path_of("real/db"), &good));
}

/* Rows until there are no more, or until an error, which stays the loop's. */
static void
a_loop_over_rows_ends_with_them_or_an_error(void **state)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	OWN(sqlite3_stmt) *fails = NULL;
	int64_t sum = 0;
	enum rc rc = RC_OK;

	(void)state;
	check_ok(db_open(&db, path_of("rows"), &good, true));
	check_ok(db_begin(&db));
	for (int64_t n = 1; n <= 4; n++)
		check_ok(insert(&db, n, "text", SPAN_NONE));
	check_ok(db_commit(&db));
	check_ok(db_prepare(&db, "SELECT n FROM t ORDER BY n", &st));
	while (db_next(&db, st, &rc))
		sum += sqlite3_column_int64(st, 0);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(sum, 10);

	sum = 0;
	check_ok(db_bind(&db, st, ""));
	while (db_next(&db, st, &rc)) {
		sum += sqlite3_column_int64(st, 0);
		if (sum == 3)
			rc = RC_STATE;
	}
	assert_int_equal(rc, RC_STATE);
	assert_int_equal(sum, 3);
	assert_false(db_next(&db, st, &rc));
	assert_int_equal(sqlite3_column_int64(st, 0), 2);

	rc = RC_OK;
	sum = 0;
	check_ok(db_prepare(&db,
	    "SELECT 1 UNION ALL SELECT abs(-9223372036854775807 - 1)", &fails));
	while (db_next(&db, fails, &rc))
		sum++;
	assert_int_equal(sum, 1);
	assert_int_not_equal(rc, RC_OK);
	assert_non_null(strstr(err_text(), "integer overflow"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_is_durable_and_settings_are_strict),
		cmocka_unit_test(what_is_bound_comes_back),
		cmocka_unit_test(a_rollback_leaves_nothing),
		cmocka_unit_test(a_database_is_made_once),
		cmocka_unit_test(a_half_made_one_is_taken_away),
		cmocka_unit_test(another_kind_or_version_is_refused),
		cmocka_unit_test(an_older_version_goes_through_the_upgrades),
		cmocka_unit_test(an_upgrade_is_whole_or_not_at_all),
		cmocka_unit_test(a_second_writer_is_told_so),
		cmocka_unit_test(a_reader_writes_nothing),
		cmocka_unit_test(
		    what_a_killed_writer_left_is_rolled_back_for_a_reader),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(a_row_that_refers_to_nothing_is_found),
		cmocka_unit_test(wrong_sql_is_our_bug),
		cmocka_unit_test(a_loop_over_rows_ends_with_them_or_an_error),
		cmocka_unit_test(a_home_may_lie_behind_a_link),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
