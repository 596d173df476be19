/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/ledger_fixture.h"
#include "transfer/rule.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void
ledger_begins_empty(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head head;
	uint8_t digest[SHA256_LEN];
	struct stat st;
	bool any = true;

	check_ok(ledger_create(path_of(state), &l));
	ledger_head_get(l, &head);
	assert_int_equal(head.count, 0);
	assert_int_equal(ledger_high_water(l), 0);
	check_ok(ledger_policy_newest(l, digest, &any));
	assert_false(any);
	assert_int_equal(stat(path_of(state), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
ledger_is_never_created_over(void **state)
{
	OWNS(ledger) *l = NULL;
	OWNS(ledger) *again = NULL;

	check_ok(ledger_create(path_of(state), &l));
	ledger_free(MOVE(l));
	assert_int_equal(ledger_create(path_of(state), &again), RC_STATE);
}

static void
ledger_goes_on_where_it_ended(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head before, after;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_head_get(l, &before);
	assert_int_equal(before.count, STORY_RECORDS);
	ledger_free(MOVE(l));
	check_ok(ledger_open(path_of(state), true, &l));
	ledger_head_get(l, &after);
	assert_int_equal(after.count, before.count);
	assert_memory_equal(after.hash, before.hash, SHA256_LEN);
	assert_int_equal(ledger_high_water(l), T0 + 80001);
}

static void
rollback_takes_everything_back(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head before, after;
	struct ledger_totals totals;
	bool used = true;
	uint8_t id[SHA256_LEN];

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	ledger_head_get(l, &before);
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, T0 + 5, span_str(POLICY_TWO)));
	requester_add(l, "web", 0x21);
	ledger_rollback(l);
	ledger_head_get(l, &after);
	assert_int_equal(after.count, before.count);
	assert_int_equal(ledger_high_water(l), T0);
	check_ok(ledger_label_get(l, span_str("web"), id, &used));
	assert_false(used);

	check_ok(ledger_begin(l));
	stamp(l, T0 + 6);
	requester_add(l, "web", 0x21);
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &totals));
	assert_int_equal(totals.records, 3);
}

/* SQLite takes a transaction back on its own when the disk is full: the end
 * that the ledger keeps in memory has to follow, or the next record would
 * continue a chain that is not there. */
static void
full_disk_leaves_the_chain_whole(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(buf) cert = { 0 };
	struct ledger_head before, after;
	struct ledger_totals totals = { 0 };

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	ledger_head_get(l, &before);
	check_ok(buf_reserve(&cert, 60000));
	memset(cert.p, 'x', 60000);
	cert.n = 60000;
	assert_int_equal(
	    SQLITE_OK, sqlite3_exec(l->db.sql,
			   "PRAGMA max_page_count=1;"
			   "PRAGMA cache_spill=1; PRAGMA cache_size=1",
			   NULL, NULL, NULL));
	check_ok(ledger_begin(l));
	stamp(l, T0 + 1);
	check_ok(ledger_network_add(l, span_str("eth0")));
	assert_int_equal(
	    RC_IO, ledger_stamp(l, T0 + 1, span_of(cert.p, cert.n)));
	assert_int_not_equal(RC_OK, ledger_commit(l));
	ledger_rollback(l);
	ledger_head_get(l, &after);
	assert_memory_equal(&before, &after, sizeof(before));

	assert_int_equal(
	    SQLITE_OK, sqlite3_exec(l->db.sql, "PRAGMA max_page_count=1000000",
			   NULL, NULL, NULL));
	check_ok(ledger_begin(l));
	stamp(l, T0 + 2);
	check_ok(ledger_network_add(l, span_str("eth1")));
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &totals));
	assert_int_equal(before.count + 1, totals.records);
}

static void
second_writer_is_told_who_has_it(void **state)
{
	OWNS(ledger) *l = NULL;
	OWNS(ledger) *second = NULL;
	char wanted[64];

	check_ok(ledger_create(path_of(state), &l));
	assert_int_equal(ledger_open(path_of(state), true, &second), RC_STATE);
	(void)snprintf(wanted, sizeof(wanted),
	    "in use by another airgap-ca (pid %ld)", (long)getpid());
	assert_non_null(strstr(err_text(), wanted));
	ledger_free(MOVE(l));
	check_ok(ledger_open(path_of(state), true, &second));
}

static void
reader_works_beside_a_writer(void **state)
{
	OWNS(ledger) *l = NULL;
	OWNS(ledger) *reader = NULL;
	WIPED(ledger_ca) ca = { 0 };

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 1);
	requester_add(l, "web", 0x21);
	check_ok(ledger_open(path_of(state), false, &reader));
	check_ok(ledger_ca_get(reader, &ca));
	check_ok(ledger_commit(l));
}

/* A writer that dies amid a commit leaves a journal; the next reader copes. */
static void
reader_mends_what_a_killed_writer_left(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals totals;
	pid_t pid;
	int status;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	ledger_free(MOVE(l));
	pid = fork();
	if (pid == 0) {
		check_ok(ledger_open(path_of(state), true, &l));
		/* A cache this small spills uncommitted pages to the file. */
		(void)sqlite3_exec(
		    l->db.sql, "PRAGMA cache_size=1", NULL, NULL, NULL);
		check_ok(ledger_begin(l));
		stamp(l, T0 + 1);
		for (int i = 0; i < 500; i++)
			check_ok(ledger_network_add(l, span_str("eth0")));
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	check_ok(ledger_open(path_of(state), false, &l));
	check_ok(ledger_verify(l, NULL, 0, &totals));
	assert_int_equal(totals.records, 2);
}

static void
clock_never_goes_back(void **state)
{
	OWNS(ledger) *l = NULL;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_begin(l));
	stamp(l, T0);
	assert_int_equal(
	    ledger_stamp(l, T0 - 1, span_str(POLICY_ONE)), RC_STATE);
	assert_string_equal(rule_name(rule_spoken()), "CLOCK-BEHIND");
	ledger_rollback(l);
}

static void
operator_may_turn_the_clock_back(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals totals;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_begin(l));
	check_ok(ledger_clock_add(l, T0 - 1000));
	check_ok(ledger_commit(l));
	assert_int_equal(ledger_high_water(l), T0 - 1000);
	check_ok(ledger_begin(l));
	stamp(l, T0 - 900);
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &totals));
}

static void
policy_text_is_stored_once(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(buf) text = { 0 };
	uint8_t digest[SHA256_LEN], unknown[SHA256_LEN] = { 0 };
	struct ledger_head head;
	bool any = false;

	check_ok(ledger_create(path_of(state), &l));
	check_ok(ledger_begin(l));
	stamp(l, T0);
	check_ok(ledger_stamp(l, T0, span_str(POLICY_TWO)));
	stamp(l, T0);
	stamp(l, T0);
	check_ok(ledger_commit(l));
	ledger_head_get(l, &head);
	assert_int_equal(head.count, 3);
	check_ok(ledger_policy_newest(l, digest, &any));
	assert_true(any);
	check_ok(ledger_policy_get(l, digest, &text));
	assert_true(span_eq_str(buf_span(&text), POLICY_ONE));
	buf_reset(&text);
	check_ok(sha256(span_str(POLICY_TWO), digest));
	check_ok(ledger_policy_get(l, digest, &text));
	assert_true(span_eq_str(buf_span(&text), POLICY_TWO));
	assert_int_equal(ledger_policy_get(l, unknown, &text), RC_STATE);
}

static void
heads_of_its_past_are_known(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head past, future, other;
	bool known = false;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	ledger_head_get(l, &past);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 1);
	requester_add(l, "web", 0x21);
	check_ok(ledger_commit(l));
	check_ok(ledger_head_known(l, &past, &known));
	assert_true(known);
	other = future = past;
	other.hash[0] ^= 1;
	check_ok(ledger_head_known(l, &other, &known));
	assert_false(known);
	future.count = 99;
	check_ok(ledger_head_known(l, &future, &known));
	assert_false(known);
}

/* The database's pages cannot be written when its journal is made. */
static enum rc
commit_without_room(struct ledger *l)
{
	struct rlimit none = { 0 }, before;
	enum rc rc;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	rc = ledger_commit(l);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	return rc;
}

/* Whether the records are there only a new run can tell; on top of a mistaken
 * end they would break the chain for good. */
static void
nothing_follows_a_failed_commit(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals t;
	struct ledger_head before, after;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_head_get(l, &before);
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, T0 + 100000, span_str(POLICY_ONE)));
	check_ok(ledger_network_add(l, span_str("eth0")));
	assert_int_equal(commit_without_room(l), RC_IO);
	ledger_rollback(l);
	ledger_head_get(l, &after);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(ledger_begin(l), RC_IO);
	assert_non_null(strstr(err_text(), "nothing more is written"));
	ledger_free(MOVE(l));

	check_ok(ledger_open(path_of(state), true, &l));
	check_ok(ledger_verify(l, NULL, 0, &t));
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, T0 + 100000, span_str(POLICY_ONE)));
	check_ok(ledger_network_add(l, span_str("eth0")));
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &t));
}

static void
newest_record_is_checked_at_open(void **state)
{
	OWNS(ledger) *l = NULL;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	assert_int_equal(
	    sqlite3_exec(l->db.sql,
		"UPDATE record SET at = at + 1 WHERE n = 28", NULL, NULL, NULL),
	    SQLITE_OK);
	ledger_free(MOVE(l));
	assert_int_equal(ledger_open(path_of(state), true, &l), RC_STATE);
	assert_non_null(strstr(err_text(), "record 28, the newest"));
}

static void
another_file_is_no_ledger(void **state)
{
	OWNS(ledger) *l = NULL;
	FILE *f = fopen(path_of(state), "w");

	assert_non_null(f);
	assert_true(fputs("not a database, but long enough to be read as one "
			  "..............................................."
			  "...............",
			f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(ledger_open(path_of(state), false, &l), RC_STATE);
	assert_int_equal(unlink(path_of(state)), 0);
	assert_int_equal(ledger_open(path_of(state), true, &l), RC_STATE);
	assert_int_equal(ledger_open(path_of(state), false, &l), RC_STATE);
}

/* Rows that statements went over without an index, as they end. */
static int
scan_note(unsigned what, void *scanned, void *st, void *ns)
{
	(void)what;
	(void)ns;
	*(int *)scanned +=
	    sqlite3_stmt_status(st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
	return 0;
}

/* Each command begins with it, however many certificates and revocations there
 * are. */
static void
who_the_ca_is_takes_no_walk_through_the_records(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(ledger_ca) ca = { 0 };
	int scanned = 0;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	assert_int_equal(sqlite3_trace_v2(l->db.sql, SQLITE_TRACE_PROFILE,
			     scan_note, &scanned),
	    SQLITE_OK);
	check_ok(ledger_ca_get(l, &ca));
	assert_int_equal(scanned, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(ledger_begins_empty),
		T(ledger_is_never_created_over),
		T(ledger_goes_on_where_it_ended),
		T(rollback_takes_everything_back),
		T(full_disk_leaves_the_chain_whole),
		T(second_writer_is_told_who_has_it),
		T(reader_works_beside_a_writer),
		T(reader_mends_what_a_killed_writer_left),
		T(nothing_follows_a_failed_commit),
		T(clock_never_goes_back),
		T(operator_may_turn_the_clock_back),
		T(policy_text_is_stored_once),
		T(heads_of_its_past_are_known),
		T(newest_record_is_checked_at_open),
		T(another_file_is_no_ledger),
		T(who_the_ca_is_takes_no_walk_through_the_records),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
