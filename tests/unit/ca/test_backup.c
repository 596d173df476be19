/* SPDX-License-Identifier: Apache-2.0 */
/* A backup is the ledger and the policy, and is remembered only for the history
 * that it has. */
#include "base/file.h"
#include "ca/home/backup.h"
#include "ca/lifecycle/restore.h"

#include "tests/lib/ledger_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* An empty ledger where a home has it, open for writing. */
static void
ledger_create_in(const struct home *home, struct ledger **ret)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", home->path, HOME_LEDGER) > 0);
	check_ok(ledger_create(path, ret));
	free(path);
}

#define POLICY \
	"[ca]\nscope = example.org\n[profile p]\nsubject = first-name\n" \
	"names = dns\nkey-types = ec-p256\nkeyUsage = critical, " \
	"digitalSignature\nextendedKeyUsage = serverAuth\nvalidity = 30d\n" \
	"validity-max = 90d\n"

static int
home_make(void **state)
{
	char dir[] = "/tmp/test-backup.XXXXXX";

	if (mkdtemp(dir) == NULL)
		return -1;
	*state = strdup(dir);
	return *state == NULL ? -1 : 0;
}

static int
home_drop(void **state)
{
	char *command = NULL;
	int status;

	if (asprintf(&command, "rm -rf '%s'", path_of(state)) < 0)
		return -1;
	status = system(command);
	free(command);
	free(*state);
	return status;
}

static char *
below(void **state, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", path_of(state), name) > 0);
	return path;
}

static void
home_fill(void **state, struct home *home, struct ledger **ledger)
{
	char *path = below(state, "home");

	check_ok(home_create(path, home));
	ledger_create_in(home, ledger);
	story_tell(*ledger);
	check_ok(file_create(home->fd, HOME_POLICY, span_str(POLICY), 0600));
	free(path);
}

static void
name_has_the_ca_and_the_second(void **state)
{
	static const uint8_t id[SHA256_LEN] = { 0xab, 0xcd, 0xef, 0x01 };
	char name[MEDIA_NAME_MAX];

	(void)state;
	check_ok(backup_name(id, 1795443221, name));
	assert_string_equal(
	    name, "airgap-ca/backups/abcdef01-20261123t141341z.db");
}

static void
a_backup_is_the_ledger_and_the_policy(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(backup) b = { 0 };
	WIPED(buf) policy = { 0 };
	WIPED(buf) note = { 0 };
	OWNS(ledger) *l = NULL;
	struct ledger_head head;
	char *path = below(state, "copy.db");
	struct ledger_totals t;
	bool any = false;

	home_fill(state, &home, &l);
	check_ok(backup_make(&home, l, &b));
	ledger_head_get(l, &head);
	assert_int_equal(b.head.count, head.count);
	assert_memory_equal(b.head.hash, head.hash, SHA256_LEN);
	assert_int_equal(b.newest, ledger_high_water(l));
	check_ok(backup_put_file(&b, path, &note));
	assert_true(note.n != 0);
	assert_int_equal(backup_put_file(&b, path, &note), RC_IO);
	ledger_free(MOVE(l));

	check_ok(ledger_file_take(path, HOME_POLICY, &policy, &any));
	assert_true(any);
	assert_true(span_eq_str(buf_span(&policy), POLICY));
	check_ok(ledger_file_take(path, HOME_POLICY, &policy, &any));
	assert_false(any);
	check_ok(ledger_open(path, false, &l));
	check_ok(ledger_verify(l, &head, 1, &t));
	assert_int_equal(t.records, STORY_RECORDS);
	free(path);
}

static void
the_temporary_copy_goes(void **state)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *l = NULL;

	home_fill(state, &home, &l);
	{
		WIPED(backup) b = { 0 };

		check_ok(backup_make(&home, l, &b));
		assert_int_equal(access(b.temporary, F_OK), 0);
	}
	assert_int_not_equal(faccessat(home.fd, ".backup.tmp", F_OK, 0), 0);
}

static void
a_damaged_ledger_makes_no_backup(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(backup) b = { 0 };
	OWNS(ledger) *l = NULL;

	home_fill(state, &home, &l);
	assert_int_equal(
	    sqlite3_exec(l->db.sql, "DELETE FROM serial", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(backup_make(&home, l, &b), RC_STATE);
	assert_non_null(strstr(err_text(), "table serial"));
}

static void
what_was_signed_since_is_noticed(void **state)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *l = NULL;
	struct backup_state s;
	struct ledger_head head;

	home_fill(state, &home, &l);
	check_ok(backup_state_read(&home, l, &s));
	assert_true(!s.any && s.behind); /* record 13 is a response */
	ledger_head_get(l, &head);
	check_ok(backup_state_write(&home, &head, T0));
	check_ok(backup_state_read(&home, l, &s));
	assert_true(s.any && !s.behind);
	assert_int_equal(s.at, T0);
	assert_int_equal(s.head.count, head.count);
}

static void
a_backup_of_another_history_is_none(void **state)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *l = NULL;
	struct backup_state s;
	struct ledger_head head;

	home_fill(state, &home, &l);
	ledger_head_get(l, &head);
	head.hash[0] ^= 1;
	check_ok(backup_state_write(&home, &head, T0));
	check_ok(backup_state_read(&home, l, &s));
	assert_true(!s.any && s.behind);
	check_ok(
	    file_replace(home.fd, HOME_BACKUP, span_str("nonsense"), 0600));
	check_ok(backup_state_read(&home, l, &s));
	assert_true(!s.any && s.behind);
}

static void
nothing_signed_needs_no_backup(void **state)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *l = NULL;
	struct backup_state s;
	char *path = below(state, "home");

	check_ok(home_create(path, &home));
	ledger_create_in(&home, &l);
	ca_add(l);
	check_ok(backup_state_read(&home, l, &s));
	assert_true(!s.any && !s.behind);
	free(path);
}

/* ---- restore ---------------------------------------------------------------
 */

static char *
backup_of(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(backup) b = { 0 };
	WIPED(buf) note = { 0 };
	OWNS(ledger) *l = NULL;
	char *path = below(state, "copy.db");

	home_fill(state, &home, &l);
	check_ok(backup_make(&home, l, &b));
	check_ok(backup_put_file(&b, path, &note));
	return path;
}

static void
a_restored_home_has_all_and_a_record(void **state)
{
	WIPED(restore) r = { .home = { .fd = -1 } };
	WIPED(home) home = { .fd = -1 };
	WIPED(token_conf) conf = { 0 };
	OWNS(ledger) *l = NULL;
	struct ledger_restored restored;
	struct backup_state s;
	char *file = backup_of(state), *path = below(state, "second");
	bool any = false;

	check_ok(restore_open(path, file, &r));
	assert_int_equal(r.head.count, STORY_RECORDS);
	assert_int_equal(access(path, F_OK), -1);
	check_ok(restore_finish(&r, "pkcs11:token=ca"));
	check_ok(home_open(path, &home));
	check_ok(home_ledger_open(&home, true, &l));
	check_ok(ledger_restored_get(l, &restored, &any));
	assert_true(any);
	check_ok(home_token_read(&home, &conf));
	assert_string_equal((char *)conf.ca.p, "pkcs11:token=ca");
	check_ok(backup_state_read(&home, l, &s));
	assert_true(s.any && !s.behind);
	free(file);
	free(path);
}

static void
what_is_not_finished_leaves_nothing(void **state)
{
	char *file = backup_of(state), *path = below(state, "second");
	char *temporary = below(state, "second.restore-tmp");

	{
		WIPED(restore) r = { .home = { .fd = -1 } };

		check_ok(restore_open(path, file, &r));
		assert_int_equal(access(temporary, F_OK), 0);
	}
	assert_int_equal(access(temporary, F_OK), -1);
	assert_int_equal(access(path, F_OK), -1);
	free(file);
	free(path);
	free(temporary);
}

static void
one_at_a_time(void **state)
{
	WIPED(restore) r = { .home = { .fd = -1 } };
	WIPED(restore) other = { .home = { .fd = -1 } };
	char *file = backup_of(state), *path = below(state, "second");

	check_ok(restore_open(path, file, &r));
	assert_int_equal(restore_open(path, file, &other), RC_STATE);
	assert_non_null(strstr(err_text(), "another airgap-ca restores there"));
	restore_wipe(&other);
	check_ok(
	    restore_finish(&r, NULL)); /* which the other has not disturbed */
	free(file);
	free(path);
}

#define T(f) cmocka_unit_test_setup_teardown(f, home_make, home_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(name_has_the_ca_and_the_second),
		T(a_backup_is_the_ledger_and_the_policy),
		T(the_temporary_copy_goes),
		T(a_damaged_ledger_makes_no_backup),
		T(what_was_signed_since_is_noticed),
		T(a_backup_of_another_history_is_none),
		T(nothing_signed_needs_no_backup),
		T(a_restored_home_has_all_and_a_record),
		T(what_is_not_finished_leaves_nothing),
		T(one_at_a_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
