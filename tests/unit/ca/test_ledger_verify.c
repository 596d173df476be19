/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger that is edited, cut, reordered or shortened is told by name. */
#include "tests/lib/ledger_fixture.h"

#include "base/file.h"

#include <fcntl.h>

#define GOLDEN "tests/vectors/ledger/golden.sql"

static void
story_make(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals t;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_verify(l, NULL, 0, &t));
	assert_int_equal(t.records, STORY_RECORDS);
	assert_int_equal(t.certificates, 3);
	assert_int_equal(t.voids, 2);
	assert_int_equal(t.refusals, 1);
	assert_int_equal(t.bundles, 3);
	assert_int_equal(t.manifests, 1);
}

/* Behind the program's back, as anyone with an editor for databases could. */
static void
tamper(void **state, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path_of(state), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct edit {
	const char *sql, *says;
};

static const struct edit edits[] = {
	/* records: edited in each column */
	{ "UPDATE record SET at = at + 1 WHERE n = 7", "record 7" },
	{ "UPDATE record SET at = 1 WHERE n = 7", "record 7" },
	{ "UPDATE record SET kind = 9 WHERE n = 7", "record 7" },
	{ "UPDATE record SET kind = 99 WHERE n = 7", "record 7" },
	{ "UPDATE record SET policy = 2 WHERE n = 7", "record 7" },
	{ "UPDATE record SET body = x'a0' WHERE n = 7", "record 7" },
	{ "UPDATE record SET body = x'a1185f00' WHERE n = 7", "record 7" },
	{ "UPDATE record SET body = x'ff' WHERE n = 7", "record 7" },
	{ "UPDATE record SET body = x'' WHERE n = 7", "record 7" },
	{ "UPDATE record SET hash = x'00' WHERE n = 7", "record 7" },
	{ "UPDATE record SET hash = zeroblob(32) WHERE n = 7", "record 7" },
	/* one bit of a certificate, of a refusal's words, of a manifest */
	{ "UPDATE record SET body = CAST(substr(body, 1, 80) ||"
	  " x'00' || substr(body, 82) AS BLOB) WHERE n = 9",
	    "record 9" },
	{ "UPDATE record SET body = CAST(replace(body, 'out of', 'in the')"
	  " AS BLOB) WHERE n = 6",
	    "record 6" },
	{ "UPDATE record SET body = CAST(replace(body, 'manifest', 'manifesT')"
	  " AS BLOB) WHERE n = 13",
	    "record 13" },
	/* cut, at the front, amid, and two that change places */
	{ "DELETE FROM record WHERE n = 1", "record 1: is missing" },
	{ "DELETE FROM record WHERE n = 10", "record 10: is missing" },
	{ "UPDATE record SET n = -7 WHERE n = 7;"
	  "UPDATE record SET n = 7 WHERE n = 8;"
	  "UPDATE record SET n = 8 WHERE n = -7",
	    "record 7" },
	{ "INSERT INTO record SELECT 0, at, kind, policy, body, hash"
	  " FROM record WHERE n = 1",
	    "record 1: is missing" },
	/* the other tables: edited, a row less, a row more */
	{ "UPDATE policy SET n = 5 WHERE id = 1", "table policy: row 1" },
	{ "DELETE FROM policy WHERE id = 1", "policy 1 is missing" },
	{ "DELETE FROM policy WHERE id = 2", "table policy: row 2" },
	{ "UPDATE requester SET last_bundle = 1", "table requester: row" },
	{ "UPDATE requester SET arrived = 0", "table requester: row" },
	{ "DELETE FROM requester", "table requester: row" },
	{ "UPDATE bundle SET answered = 0", "table bundle: row 5" },
	{ "DELETE FROM bundle WHERE n = 21", "table bundle: row 21" },
	{ "UPDATE manifest SET digest = zeroblob(32)", "table manifest: row" },
	{ "DELETE FROM manifest", "table manifest: row" },
	{ "DELETE FROM serial WHERE n = 7",
	    "table serial: row 41414141414141414141414141414141" },
	{ "UPDATE serial SET n = 8 WHERE n = 7", "table serial: row 4141" },
	{ "INSERT INTO serial VALUES(x'77', 7)", "table serial: row 77" },
	{ "UPDATE certificate SET result = 0 WHERE intent = 7",
	    "table certificate: row 7" },
	{ "UPDATE certificate SET void = 0 WHERE intent = 8",
	    "table certificate: row 8" },
	{ "DELETE FROM certificate WHERE intent = 11",
	    "table certificate: row 11" },
	{ "INSERT INTO revocation VALUES(x'41', 1, 1, 1, NULL, 1)",
	    "table revocation: row 41" },
	{ "INSERT INTO revoked_key VALUES(x'42', 1)",
	    "table revoked_key: row 42" },
	{ "UPDATE bundle SET closed = 0 WHERE n = 23", "table bundle: row 23" },
	{ "UPDATE manifest SET checked = 0", "table manifest: row" },
	/* the schema itself */
	{ "DROP INDEX bundle_open", "table sqlite_schema: row" },
	{ "CREATE TRIGGER t AFTER INSERT ON record BEGIN"
	  " DELETE FROM record; END",
	    "table sqlite_schema: row t" },
	{ "CREATE TABLE extra(x)", "table sqlite_schema: row extra" },
};

static void
a_row_that_leads_elsewhere_gives_no_certificate(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(buf) der = { 0 };
	uint8_t serial[16];
	bool known = false;

	memset(serial, 0x41, sizeof(serial));
	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(
	    ledger_cert_der(l, span_of(serial, sizeof(serial)), &der, &known));
	assert_true(known && der.n != 0);
	ledger_free(MOVE(l));
	tamper(state, "UPDATE certificate SET result = 5 WHERE intent = 7");
	check_ok(ledger_open(path_of(state), false, &l));
	assert_int_equal(
	    ledger_cert_der(l, span_of(serial, sizeof(serial)), &der, &known),
	    RC_STATE);
	assert_non_null(strstr(err_text(), "record 5 is no result"));
	assert_false(known);
}

static void
every_edit_is_found_and_named(void **state)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		OWNS(ledger) *l = NULL;
		struct ledger_totals t;
		enum rc rc;

		story_make(state);
		tamper(state, edits[i].sql);
		rc = ledger_open(path_of(state), false, &l);
		if (rc == RC_OK)
			rc = ledger_verify(l, NULL, 0, &t);
		if (rc != RC_STATE || strstr(err_text(), edits[i].says) == NULL)
			fail_msg("%s: rc %d: %s", edits[i].sql, (int)rc,
			    rc == RC_OK ? "not noticed" : err_text());
		ledger_free(MOVE(l));
		assert_int_equal(unlink(path_of(state)), 0);
	}
}

static void
lost_tail_is_found_with_a_head(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head head;
	struct ledger_totals t;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_head_get(l, &head);
	check_ok(ledger_verify(l, &head, 1, &t));
	ledger_free(MOVE(l));
	/* As a backup from before the last transaction but one would be. */
	tamper(state,
	    "DELETE FROM record WHERE n > 13; DELETE FROM certificate"
	    " WHERE intent > 13; DELETE FROM serial WHERE n > 13;"
	    "DELETE FROM bundle WHERE n > 13; DELETE FROM policy WHERE n > 13;"
	    "UPDATE requester SET label = 'web', n = 4, last_bundle = 1,"
	    " arrived = 0; UPDATE manifest SET checked = 0");
	check_ok(ledger_open(path_of(state), false, &l));
	check_ok(ledger_verify(l, NULL, 0, &t));
	assert_int_equal(ledger_verify(l, &head, 1, &t), RC_STATE);
	assert_non_null(strstr(err_text(), "its tail is lost"));
}

static void
another_history_is_found_with_a_head(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head head;
	struct ledger_totals t;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_head_get(l, &head);
	head.hash[31] ^= 1;
	assert_int_equal(ledger_verify(l, &head, 1, &t), RC_STATE);
	assert_non_null(strstr(err_text(), "another history"));
}

/* ---- the golden ledger ----------------------------------------------------
 */

static void
golden_load(void **state)
{
	WIPED(buf) sql = { 0 };
	sqlite3 *db = NULL;

	check_ok(file_read(AT_FDCWD, GOLDEN, 1 << 20, &sql));
	assert_int_equal(sqlite3_open(path_of(state), &db), SQLITE_OK);
	if (sqlite3_exec(db, buf_cstr(&sql), NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", GOLDEN, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
todays_code_reads_the_golden_ledger(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals t;

	golden_load(state);
	check_ok(ledger_open(path_of(state), true, &l));
	check_ok(ledger_verify(l, NULL, 0, &t));
	assert_int_equal(t.records, STORY_RECORDS);
}

static void
todays_code_writes_the_golden_ledger(void **state)
{
	static const char both[] =
	    "SELECT (SELECT count(*) FROM (SELECT * FROM main.record"
	    " EXCEPT SELECT * FROM golden.record)) +"
	    " (SELECT count(*) FROM (SELECT * FROM golden.record"
	    " EXCEPT SELECT * FROM main.record))";
	OWNS(ledger) *l = NULL;
	OWN(sqlite3_stmt) *st = NULL;
	char *attach =
	    sqlite3_mprintf("ATTACH '%q.golden' AS golden", path_of(state));
	char *golden = NULL;
	bool row = false;

	/* Both are made under the same name, one after the other. */
	golden_load(state);
	assert_true(asprintf(&golden, "%s.golden", path_of(state)) > 0);
	assert_int_equal(rename(path_of(state), golden), 0);
	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	assert_int_equal(
	    sqlite3_exec(l->db.sql, attach, NULL, NULL, NULL), SQLITE_OK);
	check_ok(db_prepare(&l->db, both, &st));
	check_ok(db_step(&l->db, st, &row));
	assert_true(row);
	assert_int_equal(sqlite3_column_int(st, 0), 0);
	(void)sqlite3_finalize(MOVE(st));
	assert_int_equal(unlink(golden), 0);
	sqlite3_free(attach);
	free(golden);
}

/* What `list` shows at once is what the walk counts; refusals are not told. */
static void
totals_are_those_of_the_walk(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals walked, quick;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_verify(l, NULL, 0, &walked));
	check_ok(ledger_totals_get(l, &quick));
	assert_int_equal(quick.records, walked.records);
	assert_int_equal(quick.certificates, walked.certificates);
	assert_int_equal(quick.voids, walked.voids);
	assert_int_equal(quick.bundles, walked.bundles);
	assert_int_equal(quick.manifests, walked.manifests);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

/* With the name of a file that is not there: leave the story's ledger in it. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(totals_are_those_of_the_walk),
		T(a_row_that_leads_elsewhere_gives_no_certificate),
		T(every_edit_is_found_and_named),
		T(lost_tail_is_found_with_a_head),
		T(another_history_is_found_with_a_head),
		T(todays_code_reads_the_golden_ledger),
		T(todays_code_writes_the_golden_ledger),
	};

	if (argc == 2) {
		OWNS(ledger) *l = NULL;

		check_ok(ledger_create(argv[1], &l));
		story_tell(l);
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
