/* SPDX-License-Identifier: Apache-2.0 */
/* Where a backup may be restored, and which file is one. That a restored home
 * has everything is tested in test_backup.c. */
#include "tests/lib/ca_bed.h"

#include "ca/home/backup.h"
#include "ca/lifecycle/restore.h"

struct restore_bed {
	struct ca_bed b;
	char file[128], home[128], beside[160];
	struct restore r;
};

static void
restore_bed_wipe(struct restore_bed *t)
{
	restore_wipe(&t->r);
	ca_bed_wipe(&t->b);
}

static void
restore_bed_make(struct restore_bed *t)
{
	WIPED(backup) backup = { 0 };
	WIPED(buf) note = { 0 };

	t->r = (struct restore){ .home = { .fd = -1 } };
	ca_bed_make(&t->b, "ec-p256", JUDGE_FAKE);
	bed_file(&t->b, "backup.db", t->file);
	bed_file(&t->b, "new", t->home);
	(void)snprintf(t->beside, sizeof(t->beside), "%s.restore-tmp", t->home);
	check_ok(backup_make(&t->b.v.act.home, t->b.v.act.ledger, &backup));
	check_ok(backup_put_file(&backup, t->file, &note));
}

/* It is refused in these words, and leaves nothing. */
static void
check_no(struct restore_bed *t, enum rc rc, const char *words)
{
	assert_int_equal(restore_open(t->home, t->file, &t->r), rc);
	if (strstr(err_text(), words) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", err_text(), words);
	assert_null(t->r.ledger);
}

static void
put(const char *dir, const char *name)
{
	char path[256];
	OWN_FD fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
}

static void
a_home_that_is_in_use_is_left_alone(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	assert_int_equal(mkdir(t.home, 0700), 0);
	put(t.home, "notes");
	check_no(&t, RC_STATE, ": is not empty: give another --home");
	put(t.home, HOME_LEDGER);
	check_no(&t, RC_STATE, ": a CA lives there already: ");
}

static void
an_empty_home_is_taken(void **state)
{
	WIPED(restore_bed) t = { 0 };
	WIPED(home) home = { .fd = -1 };

	(void)state;
	restore_bed_make(&t);
	assert_int_equal(mkdir(t.home, 0700), 0);
	(void)strcat(t.home, "/"); /* as one may type it */
	check_ok(restore_open(t.home, t.file, &t.r));
	t.r.now = NOW;
	check_ok(restore_finish(&t.r, NULL));
	check_ok(home_open(t.home, &home));
}

static void
a_home_that_was_filled_meanwhile_is_not_replaced(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	check_ok(restore_open(t.home, t.file, &t.r));
	t.r.now = NOW;
	assert_int_equal(mkdir(t.home, 0700), 0);
	put(t.home, "notes");
	assert_int_equal(restore_finish(&t.r, NULL), RC_IO);
	assert_non_null(strstr(err_text(), ": cannot be put in place"));
}

/* It will be emptied, and then be the home. */
static void
what_is_in_the_way_must_be_ours_alone(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	assert_int_equal(mkdir(t.beside, 0755), 0);
	check_no(
	    &t, RC_STATE, ": is in the way and no directory of ours alone: ");
	assert_int_equal(rmdir(t.beside), 0);
	assert_int_equal(symlink(t.b.dir, t.beside), 0);
	check_no(&t, RC_STATE, "in the way");
	assert_int_equal(unlink(t.beside), 0);
	/* What a run of ours has left is cleared away. */
	assert_int_equal(mkdir(t.beside, 0700), 0);
	put(t.beside, "half");
	check_ok(restore_open(t.home, t.file, &t.r));
}

static void
a_backup_is_a_regular_file(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	(void)snprintf(t.file, sizeof(t.file), "%s", t.b.dir);
	check_no(&t, RC_FORMAT, ": not a regular file");
	(void)snprintf(t.file, sizeof(t.file), "/nowhere/at/all");
	check_no(&t, RC_IO, "/nowhere/at/all: cannot be opened");
}

static void
a_damaged_file_is_no_backup(void **state)
{
	static const char zeros[8192];
	WIPED(restore_bed) t = { 0 };
	OWN_FD fd = -1;

	(void)state;
	restore_bed_make(&t);
	fd = open(t.file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 4096), sizeof(zeros));
	check_no(&t, RC_STATE, "backup.db: not a good backup: ");
	assert_int_equal(access(t.home, F_OK), -1);
	assert_int_equal(access(t.beside, F_OK), -1);
}

/* A ledger that was copied by hand has no policy.conf: the one that was last
 * signed under is taken. */
static void
a_ledger_without_its_policy_gets_the_newest(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	assert_int_equal(unlink(t.file), 0);
	check_ok(ledger_copy(t.b.v.act.ledger, t.file));
	check_ok(restore_open(t.home, t.file, &t.r));
	assert_true(span_eq_str(buf_span(&t.r.policy), PLAIN_POLICY));
}

static void
a_clock_that_is_behind_restores_nothing(void **state)
{
	WIPED(restore_bed) t = { 0 };

	(void)state;
	restore_bed_make(&t);
	check_ok(restore_open(t.home, t.file, &t.r));
	t.r.now = NOW - DAY - 1;
	check_rule(restore_finish(&t.r, NULL), "CLOCK-BEHIND", "");
	assert_int_equal(access(t.home, F_OK), -1);
}

static void
a_ledger_that_begins_is_no_backup(void **state)
{
	WIPED(restore_bed) t = { 0 };
	OWNS(ledger) *empty = NULL;

	(void)state;
	restore_bed_make(&t);
	assert_int_equal(unlink(t.file), 0);
	check_ok(ledger_create(t.file, &empty));
	ledger_free(MOVE(empty));
	check_no(&t, RC_STATE, "backup.db: not a good backup: ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_that_is_in_use_is_left_alone),
		cmocka_unit_test(an_empty_home_is_taken),
		cmocka_unit_test(
		    a_home_that_was_filled_meanwhile_is_not_replaced),
		cmocka_unit_test(what_is_in_the_way_must_be_ours_alone),
		cmocka_unit_test(a_backup_is_a_regular_file),
		cmocka_unit_test(a_damaged_file_is_no_backup),
		cmocka_unit_test(a_ledger_without_its_policy_gets_the_newest),
		cmocka_unit_test(a_clock_that_is_behind_restores_nothing),
		cmocka_unit_test(a_ledger_that_begins_is_no_backup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
