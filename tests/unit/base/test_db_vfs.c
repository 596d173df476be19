/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite calls the fsync and fdatasync of this program: they fail on order. */
#include "base/db.h"

#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct db_kind kind = {
	.name = "ledger",
	.application_id = 0x1a2b3c4d,
	.version = 1,
	.schema = "CREATE TABLE t (n INTEGER PRIMARY KEY);",
};
static char top[64], path[128], journal[160];
static unsigned syncs, failing; /* calls so far; the one that fails, 0: none */

static int
sync_or_fail(long call, int fd)
{
	if (++syncs == failing) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, fd);
}

int
fsync(int fd)
{
	return sync_or_fail(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return sync_or_fail(SYS_fdatasync, fd);
}

static int
make_top(void **state)
{
	(void)state;
	(void)strcpy(top, "/tmp/airgap-vfs.XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/x.db", top);
	(void)snprintf(journal, sizeof(journal), "%s-journal", path);
	return 0;
}

static int
remove_top(void **state)
{
	(void)state;
	(void)unlink(journal);
	(void)unlink(path);
	return rmdir(top);
}

static enum rc
insert(struct db *db, int64_t n)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_begin(db);

	if (rc == RC_OK)
		rc = db_prepare(db, "INSERT INTO t (n) VALUES (?)", &st);
	if (rc == RC_OK)
		rc = db_bind(db, st, "i", n);
	if (rc == RC_OK)
		rc = db_done(db, st);
	return rc == RC_OK ? db_commit(db) : rc;
}

static int64_t
rows(void)
{
	WIPED(db) db = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	int64_t n;

	assert_int_equal(db_open(&db, path, &kind, false), RC_OK);
	assert_int_equal(db_check(&db), RC_OK);
	assert_int_equal(db_prepare(&db, "SELECT count(*) FROM t", &st), RC_OK);
	assert_int_equal(db_step(&db, st, &row), RC_OK);
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(MOVE(st));
	return n;
}

static unsigned
syncs_of_a_commit(void)
{
	WIPED(db) db = { 0 };

	assert_int_equal(db_open(&db, path, &kind, true), RC_OK);
	syncs = 0;
	assert_int_equal(insert(&db, 1), RC_OK);
	return syncs;
}

/* The journal, its directory, the journal's head, the database, and the
 * directory without the journal. */
static void
commit_syncs_everything(void **state)
{
	(void)state;
	assert_int_equal(syncs_of_a_commit(), 5);
}

/* Whichever sync of a commit fails. */
static void
failed_sync_is_final(void **state)
{
	unsigned n = syncs_of_a_commit();

	(void)state;
	for (failing = 1; failing <= n; failing++) {
		WIPED(db) db = { 0 };
		int64_t before = rows(), after;

		assert_int_equal(db_open(&db, path, &kind, false), RC_OK);
		syncs = 0;
		assert_int_equal(insert(&db, 100 + failing), RC_IO);
		db_rollback(&db);
		assert_int_equal(syncs, failing);
		assert_int_equal(insert(&db, 200 + failing), RC_IO);
		db_rollback(&db);
		db_wipe(&db);
		assert_int_equal(syncs, failing);

		/* The next one finds it whole, with the row or without,
		 * and goes on. */
		after = rows();
		assert_in_range(after, before, before + 1);
		assert_int_equal(db_open(&db, path, &kind, false), RC_OK);
		assert_int_equal(insert(&db, 300 + failing), RC_OK);
		assert_int_not_equal(access(journal, F_OK), 0);
	}
	failing = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    commit_syncs_everything, make_top, remove_top),
		cmocka_unit_test_setup_teardown(
		    failed_sync_is_final, make_top, remove_top),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
