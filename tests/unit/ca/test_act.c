/* SPDX-License-Identifier: Apache-2.0 */
/* What every act that signs opens, and in which order; what a visit of a stick
 * opens besides. The children are true ones but for the token. */
#include "tests/lib/ca_bed.h"

/* A home like ca_bed's, but of today: the clock is the machine's. */
struct act_bed {
	char dir[64], out[80];
	struct software_ca ca;
	struct fake_play *play;
	struct visit_options options;
	struct visit v;
};

static void
act_bed_wipe(struct act_bed *b)
{
	visit_wipe(&b->v);
	software_ca_wipe(&b->ca);
	fake_token_empty();
	fake_play_free(b->play);
	test_dir_remove(b->dir);
}

/* The ledger's newest record is `age` seconds old. */
static void
act_bed_make(struct act_bed *b, int64_t age)
{
	OWNS(ledger) *ledger = NULL;
	WIPED(home) home = { .fd = -1 };
	char path[128];
	OWN_FD dir = -1;
	int64_t now = 0;

	b->v = VISIT_NONE;
	test_dir_make(b->dir, sizeof(b->dir));
	(void)snprintf(b->out, sizeof(b->out), "%s/out", b->dir);
	assert_int_equal(mkdir(b->out, 0700), 0);
	software_ca_make(&b->ca, "ec-p256");
	check_ok(clock_now(&now));
	check_ok(dir_open(AT_FDCWD, b->dir, &dir));
	check_ok(file_replace(dir, HOME_POLICY, span_str(PLAIN_POLICY), 0600));
	(void)snprintf(path, sizeof(path), "%s/%s", b->dir, HOME_LEDGER);
	check_ok(ledger_create(path, &ledger));
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, now - age, span_str(PLAIN_POLICY)));
	check_ok(ledger_init_add(
	    ledger, buf_span(&b->ca.der), buf_span(&b->ca.transfer_der)));
	check_ok(ledger_commit(ledger));
	check_ok(home_open(b->dir, &home));
	check_ok(home_token_write(&home, FAKE_TOKEN_URI, FAKE_TOKEN_URI));
	b->play = fake_play_new();
	fake_safe.play = b->play;
	assert_int_equal(EVP_PKEY_up_ref(b->ca.key), 1);
	assert_int_equal(EVP_PKEY_up_ref(b->ca.transfer_key), 1);
	(void)fake_token_hold(b->ca.key, "ca");
	(void)fake_token_hold(b->ca.transfer_key, "transfer");
	b->options = (struct visit_options){
		.act = { .home = b->dir, .out = b->out, .allow_network = true },
		.media = b->out,
	};
}

static enum rc
open_again(struct act_bed *b)
{
	visit_wipe(&b->v);
	return visit_open(&b->options, &b->v);
}

static void
a_visit_opens_everything_but_the_token(void **state)
{
	WIPED(act_bed) b = { 0 };

	(void)state;
	act_bed_make(&b, 60);
	check_ok(open_again(&b));
	assert_non_null(b.v.act.ledger);
	assert_non_null(b.v.act.token);
	assert_true(b.v.n_readers >= 1 && b.v.n_readers <= READERS_MAX);
	assert_true(b.v.sandbox.seccomp);
	assert_memory_equal(b.v.act.ca.ca_id, b.ca.id, SHA256_LEN);
	assert_memory_equal(b.v.window.key_id, b.ca.key_id, SHA256_LEN);
	assert_false(b.v.policy_changed);
	for (size_t i = 0; i < FAKE_KINDS; i++)
		assert_int_equal(b.play->token.asked[i], 0);
	/* The PIN is asked for once, and only then. */
	check_ok(visit_unlock(&b.v));
	check_ok(visit_unlock(&b.v));
	assert_int_equal(b.play->token.asked[WIRE_LOGIN], 1);
}

static void
a_changed_policy_is_noticed(void **state)
{
	WIPED(act_bed) b = { 0 };
	OWN_FD dir = -1;

	(void)state;
	act_bed_make(&b, 60);
	check_ok(dir_open(AT_FDCWD, b.dir, &dir));
	check_ok(file_replace(
	    dir, HOME_POLICY, span_str(PLAIN_POLICY "# next\n"), 0600));
	check_ok(open_again(&b));
	assert_true(b.v.policy_changed);
}

static void
a_dry_run_opens_the_ledger_for_reading(void **state)
{
	WIPED(act_bed) b = { 0 };
	OWNS(ledger) *other = NULL;
	char path[128];

	(void)state;
	act_bed_make(&b, 60);
	b.options.act.dry_run = true;
	check_ok(open_again(&b));
	/* Somebody else may write meanwhile; */
	(void)snprintf(path, sizeof(path), "%s/%s", b.dir, HOME_LEDGER);
	check_ok(ledger_open(path, true, &other));
	/* and not two at a time. */
	b.options.act.dry_run = false;
	assert_int_equal(open_again(&b), RC_STATE);
}

static void
a_clock_that_cannot_be_right_stops_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(act_bed) b = { 0 };

		act_bed_make(&b, i == 0 ? -3600 : 401 * DAY);
		check_rule(open_again(&b),
		    i == 0 ? "CLOCK-BEHIND" : "CLOCK-AHEAD", "the clock says ");
		assert_null(b.v.act.ledger);
	}
}

static void
what_cannot_be_written_to_is_said_first(void **state)
{
	WIPED(act_bed) b = { 0 };

	(void)state;
	act_bed_make(&b, 60);
	b.options.act.out = "/nowhere/at/all";
	assert_int_equal(open_again(&b), RC_IO);
	b.options.act.out = NULL;
	check_ok(open_again(&b));
}

static void
a_home_without_a_ca_or_a_stick_that_is_not_there_stops_it(void **state)
{
	WIPED(act_bed) b = { 0 };

	(void)state;
	act_bed_make(&b, 60);
	b.options.media = "/nowhere/at/all";
	assert_int_equal(open_again(&b), RC_IO);
	b.options.media = b.out;
	b.options.act.home = b.out;
	assert_int_equal(open_again(&b), RC_STATE);
	assert_memory_equal(err_text(), "no CA in ", 9);
}

static void
an_act_begins_with_its_clock_policy_and_network(void **state)
{
	WIPED(act_bed) b = { 0 };
	struct act *act = &b.v.act;

	(void)state;
	act_bed_make(&b, 60);
	check_ok(open_again(&b));
	buf_reset(&act->interfaces);
	check_ok(act_begin(act));
	check_ok(ledger_commit(act->ledger));
	ledger_story_check(act->ledger, "");
	check_ok(buf_add_str(&act->interfaces, "eth0"));
	check_ok(act_begin(act));
	check_ok(ledger_commit(act->ledger));
	ledger_story_check(act->ledger, "n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_visit_opens_everything_but_the_token),
		cmocka_unit_test(a_changed_policy_is_noticed),
		cmocka_unit_test(a_dry_run_opens_the_ledger_for_reading),
		cmocka_unit_test(a_clock_that_cannot_be_right_stops_it),
		cmocka_unit_test(what_cannot_be_written_to_is_said_first),
		cmocka_unit_test(
		    a_home_without_a_ca_or_a_stick_that_is_not_there_stops_it),
		cmocka_unit_test(
		    an_act_begins_with_its_clock_policy_and_network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
