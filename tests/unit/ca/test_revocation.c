/* SPDX-License-Identifier: Apache-2.0 */
/* What is revoked is so once and for good, is found by an index, and follows
 * from the records. */
#include "tests/lib/ledger_fixture.h"

#include "ca/ledger/revocation.h"
#include "transfer/rule.h"

#define END (T0 + 2678399)

static uint8_t serials[256][16];

/* Of the story: 0x41 and 0x43 are signed, 0x45 is void. */
static struct span
serial_of(uint8_t mark)
{
	memset(serials[mark], mark, sizeof(serials[mark]));
	return span_of(serials[mark], sizeof(serials[mark]));
}

static struct ledger_revocation
revocation_of(uint8_t mark, enum reason reason)
{
	return (struct ledger_revocation){
		.serial = serial_of(mark), .not_after = END, .reason = reason
	};
}

static void
begin(struct ledger *l, int64_t now)
{
	check_ok(ledger_begin(l));
	stamp(l, now);
}

/* 0x43 by the story's bundle of record 5, 0x41 at the laptop with a date, and
 * the key of 0x41. */
static void
two_revoke(struct ledger *l)
{
	struct ledger_revocation one = revocation_of(0x43, REASON_SUPERSEDED);
	struct ledger_revocation two =
	    revocation_of(0x41, REASON_KEY_COMPROMISE);
	uint8_t key_id[SHA256_LEN];

	memset(key_id, 0x41, sizeof(key_id));
	two.has_since = true;
	two.since = T0 + 7;
	begin(l, T0 + 90000);
	check_ok(ledger_revoke(l, &one, 5));
	check_ok(ledger_revoke(l, &two, 0));
	check_ok(ledger_key_revoke(l, key_id, two.reason, two.since));
	check_ok(ledger_commit(l));
}

static enum rc
revoke_one(struct ledger *l, uint8_t mark, uint64_t bundle)
{
	struct ledger_revocation r = revocation_of(mark, REASON_SUPERSEDED);
	enum rc rc;

	begin(l, T0 + 90001);
	rc = ledger_revoke(l, &r, bundle);
	if (rc == RC_OK)
		check_ok(ledger_commit(l));
	else
		ledger_rollback(l);
	return rc;
}

static void
what_is_revoked_is_found(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation r = { 0 };
	struct ledger_totals walked, quick;
	uint8_t key_id[SHA256_LEN];
	uint64_t n = 7;
	bool is = true;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_revoked_newest(l, &n));
	assert_int_equal(n, 0);
	check_ok(ledger_revoked_get(l, serial_of(0x41), &r, &is));
	assert_false(is);
	two_revoke(l);

	check_ok(ledger_revoked_get(l, serial_of(0x43), &r, &is));
	assert_true(is);
	assert_int_equal(r.reason, REASON_SUPERSEDED);
	assert_int_equal(r.at, T0 + 90000);
	assert_int_equal(r.not_after, END);
	assert_false(r.has_since);
	check_ok(ledger_revoked_by(l, r.n, &n));
	assert_int_equal(n, 5);
	check_ok(ledger_revoked_get(l, serial_of(0x41), &r, &is));
	assert_true(is && r.has_since);
	assert_int_equal(r.since, T0 + 7);
	check_ok(ledger_revoked_by(l, r.n, &n));
	assert_int_equal(n, 0);
	check_ok(ledger_revoked_newest(l, &n));
	assert_int_equal(n, r.n);
	check_ok(ledger_revoked_get(l, serial_of(0x45), &r, &is));
	assert_false(is);

	memset(key_id, 0x41, sizeof(key_id));
	check_ok(ledger_key_is_revoked(l, key_id, &is));
	assert_true(is);
	memset(key_id, 0x43, sizeof(key_id));
	check_ok(ledger_key_is_revoked(l, key_id, &is));
	assert_false(is);

	check_ok(ledger_verify(l, NULL, 0, &walked));
	check_ok(ledger_totals_get(l, &quick));
	assert_int_equal(walked.revoked, 2);
	assert_int_equal(quick.revoked, 2);
}

static int
full_scans(sqlite3_stmt *st)
{
	assert_non_null(st);
	return sqlite3_stmt_status(st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
}

/* A million of them must not slow a signing: what it asks is found by an index.
 */
static void
nothing_is_looked_for_row_by_row(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation r;
	uint8_t key_id[SHA256_LEN] = { 0 };
	bool is;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	two_revoke(l);
	check_ok(ledger_revoked_get(l, serial_of(0x41), &r, &is));
	check_ok(ledger_key_is_revoked(l, key_id, &is));
	assert_int_equal(full_scans(l->revoked_get), 0);
	assert_int_equal(full_scans(l->key_revoked_get), 0);
	for (size_t i = 0; i < INDEX_STATEMENTS; i++)
		if (l->index.st[i] != NULL)
			assert_int_equal(full_scans(l->index.st[i]), 0);
}

static void
twice_or_never_issued_is_refused(void **state)
{
	OWNS(ledger) *l = NULL;
	uint8_t key_id[SHA256_LEN];
	struct ledger_totals t;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	two_revoke(l);
	assert_int_equal(revoke_one(l, 0x41, 0), RC_STATE);
	assert_non_null(strstr(err_text(),
	    "revoked: its serial was never used, or is revoked already"));
	assert_int_equal(revoke_one(l, 0x77, 0), RC_STATE);
	assert_int_equal(revoke_one(l, 0x45, 6), RC_STATE);
	assert_non_null(strstr(err_text(), "no such bundle"));
	check_ok(revoke_one(l, 0x45, 5));

	memset(key_id, 0x41, sizeof(key_id));
	begin(l, T0 + 90002);
	assert_int_equal(
	    ledger_key_revoke(l, key_id, REASON_KEY_COMPROMISE, 0), RC_STATE);
	assert_non_null(strstr(err_text(), "the key is revoked already"));
	ledger_rollback(l);
	check_ok(ledger_verify(l, NULL, 0, &t));
	assert_int_equal(t.revoked, 3);
}

static void
a_reason_that_is_none_is_refused(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation hold = revocation_of(0x41, (enum reason)6);
	uint8_t key_id[SHA256_LEN] = { 1 };

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	begin(l, T0 + 90000);
	assert_int_equal(ledger_revoke(l, &hold, 0), RC_STATE);
	assert_non_null(strstr(err_text(), "a reason that is none"));
	ledger_rollback(l);
	begin(l, T0 + 90000);
	assert_int_equal(
	    ledger_key_revoke(l, key_id, (enum reason)8, 0), RC_STATE);
	assert_non_null(strstr(err_text(), "a reason that is none"));
	ledger_rollback(l);
	begin(l, T0 + 90000);
	hold.reason = (enum reason)11;
	assert_int_equal(ledger_revoke(l, &hold, 0), RC_BUG);
	ledger_rollback(l);
}

/* ---- walks ----------------------------------------------------------------
 */

struct met {
	uint8_t marks[8];
	size_t n;
};

static enum rc
meet_revoked(const struct ledger_revocation *revocation, void *arg)
{
	struct met *met = arg;

	met->marks[met->n++] = revocation->serial.p[0];
	return RC_OK;
}

static enum rc
meet_live(struct span serial, int64_t not_after, void *arg)
{
	struct met *met = arg;

	assert_int_equal(not_after, END);
	met->marks[met->n++] = serial.p[0];
	return RC_OK;
}

static void
they_come_by_serial_up_to_a_record(void **state)
{
	OWNS(ledger) *l = NULL;
	struct met met = { 0 };

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	two_revoke(l); /* records 29 and 30 */
	check_ok(ledger_revoked_each(l, 0, meet_revoked, &met));
	assert_int_equal(met.n, 2);
	assert_int_equal(met.marks[0], 0x41);
	assert_int_equal(met.marks[1], 0x43);
	met.n = 0;
	check_ok(ledger_revoked_each(l, STORY_RECORDS + 1, meet_revoked, &met));
	assert_int_equal(met.n, 1);
	assert_int_equal(met.marks[0], 0x43);
	met.n = 0;
	check_ok(ledger_revoked_each(l, STORY_RECORDS, meet_revoked, &met));
	assert_int_equal(met.n, 0);
}

/* Void and unfinished ones never left. */
static void
what_counts_of_a_requester_is_told(void **state)
{
	OWNS(ledger) *l = NULL;
	struct met met = { 0 };
	uint8_t id[SHA256_LEN];

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	requester_id(0x21, id);
	check_ok(ledger_certificates_of(l, id, END, meet_live, &met));
	assert_int_equal(met.n, 2);
	assert_int_equal(met.marks[0], 0x41);
	assert_int_equal(met.marks[1], 0x43);
	met.n = 0;
	check_ok(ledger_certificates_of(l, id, END + 1, meet_live, &met));
	assert_int_equal(met.n, 0);
	check_ok(revoke_one(l, 0x41, 0));
	check_ok(ledger_certificates_of(l, id, T0, meet_live, &met));
	assert_int_equal(met.n, 1);
	assert_int_equal(met.marks[0], 0x43);
	requester_id(0x22, id);
	met.n = 0;
	check_ok(ledger_certificates_of(l, id, T0, meet_live, &met));
	assert_int_equal(met.n, 0);
}

/* ---- edited ---------------------------------------------------------------
 */

static void
tamper(void **state, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path_of(state), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
every_edit_of_them_is_found(void **state)
{
	static const struct {
		const char *sql, *says;
	} edits[] = {
		{ "DELETE FROM revocation WHERE serial = zeroblob(0)", NULL },
		{ "DELETE FROM revocation WHERE n = 30",
		    "table revocation: row 41414141414141414141414141414141" },
		{ "DELETE FROM revocation", "table revocation: row 4141" },
		{ "UPDATE revocation SET reason = 5 WHERE n = 29",
		    "table revocation: row 4343" },
		{ "UPDATE revocation SET since = 0 WHERE n = 29",
		    "table revocation: row 4343" },
		{ "UPDATE revocation SET at = at + 1 WHERE n = 29",
		    "table revocation: row 4343" },
		{ "DELETE FROM revoked_key", "table revoked_key: row 4141" },
		{ "UPDATE record SET body = CAST(replace(body, x'0204', x'0201')"
		  " AS BLOB) WHERE n = 29",
		    "record 29" },
	};

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		OWNS(ledger) *l = NULL;
		struct ledger_totals t;
		enum rc rc;

		check_ok(ledger_create(path_of(state), &l));
		story_tell(l);
		two_revoke(l);
		ledger_free(MOVE(l));
		tamper(state, edits[i].sql);
		check_ok(ledger_open(path_of(state), false, &l));
		rc = ledger_verify(l, NULL, 0, &t);
		if (edits[i].says == NULL)
			assert_int_equal(rc, RC_OK);
		else if (rc != RC_STATE ||
			 strstr(err_text(), edits[i].says) == NULL)
			fail_msg("%s: rc %d: %s", edits[i].sql, (int)rc,
			    rc == RC_OK ? "not noticed" : err_text());
		ledger_free(MOVE(l));
		assert_int_equal(unlink(path_of(state)), 0);
	}
}

static void
a_damaged_reason_is_told(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation r;
	struct met met = { 0 };
	bool is;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	two_revoke(l);
	ledger_free(MOVE(l));
	tamper(state, "UPDATE revocation SET reason = 6");
	check_ok(ledger_open(path_of(state), false, &l));
	assert_int_equal(
	    ledger_revoked_get(l, serial_of(0x41), &r, &is), RC_STATE);
	assert_int_equal(
	    ledger_revoked_each(l, 0, meet_revoked, &met), RC_STATE);
	assert_non_null(strstr(err_text(), "record 30: reason 6: damaged"));
}

/* A program of version 2 does not look at revocations: it may not open this. */
static void
a_ledger_of_version_two_is_brought_to_three(void **state)
{
	OWNS(ledger) *l = NULL;
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_free(MOVE(l));
	tamper(state, "DROP TABLE crl; DROP TABLE crl_series;"
		      "ALTER TABLE certificate DROP COLUMN key_begin;"
		      "PRAGMA user_version = 2");
	check_ok(ledger_open(path_of(state), true, &l));
	two_revoke(l);
	check_ok(db_prepare(&l->db, "PRAGMA user_version", &st));
	check_ok(db_step(&l->db, st, &row));
	assert_true(sqlite3_column_int(st, 0) >= 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

/* With the name of a file that is not there: leave such a ledger in it. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(what_is_revoked_is_found),
		T(nothing_is_looked_for_row_by_row),
		T(twice_or_never_issued_is_refused),
		T(a_reason_that_is_none_is_refused),
		T(they_come_by_serial_up_to_a_record),
		T(what_counts_of_a_requester_is_told),
		T(every_edit_of_them_is_found),
		T(a_damaged_reason_is_told),
		T(a_ledger_of_version_two_is_brought_to_three),
	};

	if (argc == 2) {
		OWNS(ledger) *l = NULL;

		check_ok(ledger_create(argv[1], &l));
		story_tell(l);
		two_revoke(l);
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
