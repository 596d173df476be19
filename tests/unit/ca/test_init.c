/* SPDX-License-Identifier: Apache-2.0 */
/* A CA from nothing: what is checked before anything is touched, which keys are
 * taken, and a home that is there whole or not at all. */
#include "tests/lib/token_bed.h"

#include "ca/ledger/ledger_record.h"
#include "ca/lifecycle/init.h"

#include <sys/file.h>
#include <sys/stat.h>

/* A home that is to be, and what was typed. */
struct init_bed {
	char dir[64], home[96];
	struct init_options options;
	struct token_bed t;
	struct init init;
};

static void
init_bed_wipe(struct init_bed *b)
{
	init_wipe(&b->init);
	token_bed_wipe(&b->t);
	test_dir_remove(b->dir);
}

/* What the token holds is put there before. */
static void
init_bed_make(struct init_bed *b)
{
	test_dir_make(b->dir, sizeof(b->dir));
	(void)snprintf(b->home, sizeof(b->home), "%s/home", b->dir);
	b->options.home = b->home;
	b->options.subject = "CN=Test CA";
	b->options.allow_network = true;
	token_bed_start(&b->t);
}

static enum rc
check(struct init_bed *b)
{
	init_wipe(&b->init);
	return init_check(&b->options, b->t.token, &b->init);
}

static void
check_usage(struct init_bed *b, const char *words)
{
	if (check(b) != RC_USAGE || strstr(err_text(), words) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", err_text(), words);
}

/* ---- what is typed
 * ------------------------------------------------------------------- */

static void
a_ca_has_a_name(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	b.options.subject = NULL;
	check_usage(&b, "init wants --subject, as \"CN=XMPP CA");
	b.options.subject = "";
	check_usage(&b, "--subject");
	b.options.subject = "no name";
	assert_int_equal(check(&b), RC_USAGE);
}

static void
days_are_counted_from_now_and_a_day_before(void **state)
{
	static const char *const bad[] = { "0", "-1", "+1", "1.5", "1 ", "",
		"9223372036854775808", "3650000" };
	WIPED(init_bed) b = { 0 };
	const struct ca_wish *wish = &b.init.wish;

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	assert_int_equal(wish->not_before, b.init.now - DAY);
	assert_int_equal(wish->not_after, b.init.now + 3650 * DAY - 1);
	b.options.days = "1";
	check_ok(check(&b));
	assert_int_equal(wish->not_after, b.init.now + DAY - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b.options.days = bad[i];
		check_usage(&b, ": wanted a number from 1 to ");
	}
}

static void
a_path_length_is_a_byte(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	assert_int_equal(b.init.wish.path_len, 1);
	b.options.profiles = "tls,sub-ca";
	check_ok(check(&b));
	assert_int_equal(b.init.wish.path_len, 2);
	b.options.path_len = "0";
	check_ok(check(&b));
	assert_int_equal(b.init.wish.path_len, 0);
	b.options.path_len = "255";
	check_ok(check(&b));
	assert_int_equal(b.init.wish.path_len, 255);
	b.options.path_len = "256";
	check_usage(&b, "--path-len 256: wanted a number from 0 to 255");
}

static void
a_serial_is_positive_and_of_twenty_octets(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		uint8_t first;
	} good[] = {
		{ "1", 1, 1 },
		{ "256", 2, 1 },
		{ "0x01", 1, 1 },
		{ "0xabCDef", 3, 0xab },
		{ "0x7fffffffffffffffffffffffffffffffffffffff", 20, 0x7f },
	};
	static const char *const bad[] = { "", "0", "-1", "0x", "0x0", "0xg1",
		"1 ", "one", "0x-1",
		"0x8000000000000000000000000000000000000000" };
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		b.options.serial = good[i].text;
		check_ok(check(&b));
		assert_int_equal(b.init.wish.serial.n, good[i].n);
		assert_int_equal(b.init.wish.serial.p[0], good[i].first);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b.options.serial = bad[i];
		check_usage(&b,
		    ": wanted a number above 0 of at most 20 octets, as 1 or "
		    "0x01");
	}
}

static void
scopes_and_profiles_make_the_policy(void **state)
{
	static const char *scopes[] = { "example.org" };
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	assert_true(b.init.policy.scope_any);
	b.options.profiles = "tls,xmpp";
	b.options.scopes.items = scopes;
	b.options.scopes.n = 1;
	b.options.constrain_srv = true;
	check_ok(check(&b));
	assert_false(b.init.policy.scope_any);
	assert_ptr_equal(b.init.wish.scopes, &b.init.policy.scope);
	assert_int_equal(b.init.wish.scopes->n, 1);
	assert_true(b.init.wish.constrain_srv);
	assert_true(b.init.policy.n_profiles >= 2);
	b.options.profiles = "tls,none-such";
	check_usage(&b, "none-such");
	b.options.profiles = NULL;
	b.options.scopes.n = 0;
	check_usage(&b, "--constrain-srv wants a --scope to constrain");
}

static void
a_key_is_adopted_or_made(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	assert_string_equal(b.init.ca.type, "ec-p256");
	assert_string_equal(b.init.transfer.type, "ec-p256");
	b.options.key_type = "rsa-4096";
	check_ok(check(&b));
	assert_string_equal(b.init.ca.type, "rsa-4096");
	b.options.key_type = "rsa-8192";
	check_usage(&b, "--key-type rsa-8192: wanted ");
	b.options.key_type = "ec-p256";
	b.options.use_key = FAKE_TOKEN_URI ";object=x";
	check_usage(
	    &b, "--use-key and --key-type: an existing key, or a new one?");
	b.options.key_type = NULL;
	b.options.transfer_key = FAKE_TOKEN_URI ";object=y";
	check_ok(check(&b));
	assert_null(b.init.ca.type);
	assert_null(b.init.transfer.type);
	assert_string_equal(b.init.transfer.uri, b.options.transfer_key);
}

static void
file_in_home(struct init_bed *b, const char *name, const char *text)
{
	char path[128];
	OWN_FD fd = -1;

	(void)mkdir(b->home, 0700);
	(void)snprintf(path, sizeof(path), "%s/%s", b->home, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void
a_home_with_a_ledger_is_left_alone(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	file_in_home(&b, HOME_LEDGER, "whatever it is");
	assert_int_equal(check(&b), RC_STATE);
	assert_non_null(strstr(err_text(), ": a CA lives there already: "));
}

static void
only_our_own_policy_is_replaced(void **state)
{
	WIPED(init_bed) b = { 0 };
	WIPED(buf) text = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	check_ok(buf_add_span(&text, buf_span(&b.init.policy_text)));
	file_in_home(&b, HOME_POLICY, buf_cstr(&text)); /* of a run cut off */
	check_ok(check(&b));
	check_ok(buf_add_str(&text, "# mine\n"));
	file_in_home(&b, HOME_POLICY, buf_cstr(&text));
	assert_int_equal(check(&b), RC_STATE);
	assert_non_null(
	    strstr(err_text(), "there already, and not what these options "
			       "make: move it away"));
}

static void
a_medium_that_is_not_there_is_said_first(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	b.options.out = b.dir;
	check_ok(check(&b));
	b.options.out = "/nowhere/at/all";
	assert_int_equal(check(&b), RC_IO);
	assert_memory_equal(err_text(), "/nowhere/at/all", 15);
	/* So far nothing was touched. */
	assert_int_equal(access(b.home, F_OK), -1);
	for (size_t i = 0; i < FAKE_KINDS; i++)
		assert_int_equal(b.t.play->token.asked[i], 0);
}

/* ---- the token
 * ------------------------------------------------------------------------- */

static void
an_empty_token_is_looked_at_without_a_pin(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_int_equal(b.t.play->token.asked[WIRE_LOGIN], 0);
	assert_int_equal(b.t.play->token.asked[WIRE_CAN], 2);
	assert_null(b.init.opened_by);
	assert_string_equal(b.init.info.label, "fake");
}

static void
keys_that_are_there_want_a_word(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	(void)fake_token_hold(key_new("ec-p256"), "old");
	init_bed_make(&b);
	check_ok(check(&b));
	assert_int_equal(init_look(&b.init), RC_USAGE);
	assert_string_equal(err_text(),
	    "token \"fake\" holds 1 key: adopt one with --use-key URI, or "
	    "make a new one with --key-type TYPE");
	assert_int_equal(b.init.n_held, 1);
	assert_string_equal(b.init.held[0].label, "old");
	b.options.key_type = "ec-p384";
	check_ok(check(&b));
	check_ok(init_look(&b.init));
}

/* Many tokens show their keys only after a login. */
static void
keys_that_were_hidden_want_a_word_too(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	fake_token_hold(key_new("ec-p256"), "one")->hidden = true;
	fake_token_hold(key_new("ec-p256"), "two")->hidden = true;
	init_bed_make(&b);
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_int_equal(init_keys(&b.init), RC_USAGE);
	assert_memory_equal(err_text(), "token \"fake\" holds 2 keys: ", 27);
	assert_int_equal(b.t.play->token.asked[WIRE_KEYGEN], 0);
}

static void
what_the_token_cannot_make_is_said_before_the_pin(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	fake_safe.cannot_make = true;
	init_bed_make(&b);
	check_ok(check(&b));
	assert_int_equal(init_look(&b.init), RC_TOKEN);
	assert_string_equal(err_text(), "the token cannot make it");
}

static void
the_token_is_opened_by_what_names_it(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	(void)fake_token_hold(key_new("ec-p256"), "x");
	init_bed_make(&b);
	b.options.transfer_key = FAKE_TOKEN_URI ";object=y";
	b.options.key_type = "ec-p256";
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_ptr_equal(b.init.opened_by, b.options.transfer_key);
	b.options.key_type = NULL;
	b.options.use_key = FAKE_TOKEN_URI ";object=x";
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_ptr_equal(b.init.opened_by, b.options.use_key);
	b.options.token = FAKE_TOKEN_URI;
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_ptr_equal(b.init.opened_by, b.options.token);
}

/* ---- keys
 * -------------------------------------------------------------------------------
 */

static void
keys_make(struct init_bed *b)
{
	check_ok(check(b));
	check_ok(init_look(&b->init));
	check_ok(init_keys(&b->init));
}

static void
both_keys_are_made(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	keys_make(&b);
	assert_int_equal(b.t.play->token.asked[WIRE_KEYGEN], 2);
	assert_true(b.init.ca.made && b.init.transfer.made);
	assert_memory_equal(b.init.ca.key.label, "ca-", 3);
	assert_memory_equal(b.init.transfer.key.label, "transfer-", 9);
	assert_int_not_equal(b.init.keys.ca, b.init.keys.transfer);
}

static void
both_keys_are_adopted(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	(void)fake_token_hold(key_new("ec-p384"), "mine");
	(void)fake_token_hold(key_new("ec-p256"), "theirs");
	init_bed_make(&b);
	b.options.use_key = FAKE_TOKEN_URI ";object=mine";
	b.options.transfer_key = FAKE_TOKEN_URI ";object=theirs";
	keys_make(&b);
	assert_int_equal(b.t.play->token.asked[WIRE_KEYGEN], 0);
	assert_int_equal(b.init.keys.alg.hash_len, 48);
}

static void
one_key_is_not_both(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	(void)fake_token_hold(key_new("ec-p256"), "mine");
	init_bed_make(&b);
	b.options.use_key = FAKE_TOKEN_URI ";object=mine";
	b.options.transfer_key = b.options.use_key;
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_int_equal(init_keys(&b.init), RC_USAGE);
	assert_string_equal(err_text(),
	    "the CA key and the transfer key are the same key: the CA key "
	    "signs X.509 objects only");
}

static void
nothing_is_made_before_what_is_adopted_is_there(void **state)
{
	WIPED(init_bed) b = { 0 };

	(void)state;
	init_bed_make(&b);
	b.options.transfer_key = FAKE_TOKEN_URI ";object=lost";
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	assert_int_equal(init_keys(&b.init), RC_TOKEN);
	assert_int_equal(b.t.play->token.asked[WIRE_KEYGEN], 0);
	assert_int_equal(init_explain(&b.init, RC_TOKEN), RC_TOKEN);
	assert_memory_equal(err_text(), "transfer key: no private key", 28);
}

static void
keys_that_were_left_behind_are_named(void **state)
{
	WIPED(init_bed) b = { 0 };
	char wanted[4096];

	(void)state;
	init_bed_make(&b);
	check_ok(check(&b));
	check_ok(init_look(&b.init));
	token_bed_fails(&b.t, WIRE_KEYGEN, 2);
	assert_int_equal(init_keys(&b.init), RC_TOKEN);
	assert_int_equal(init_explain(&b.init, RC_TOKEN), RC_TOKEN);
	(void)snprintf(wanted, sizeof(wanted),
	    "the new CA key stays on the token: go on with --use-key '%s'; "
	    "because: transfer key: no",
	    b.init.ca.key.uri);
	assert_string_equal(err_text(), wanted);

	b.init.ca.made = false;
	b.init.transfer.made = true;
	(void)err_set(RC_IO, "full");
	assert_int_equal(init_explain(&b.init, RC_IO), RC_IO);
	assert_memory_equal(err_text(), "the new transfer key stays on", 29);
	b.init.ca.made = true;
	(void)err_set(RC_IO, "full");
	assert_int_equal(init_explain(&b.init, RC_IO), RC_IO);
	assert_memory_equal(err_text(), "the new keys stay on the token", 30);
}

/* ---- certificates and the home
 * ----------------------------------------------------------- */

static void
a_wrong_signature_makes_no_ca(void **state)
{
	static const unsigned nth[] = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(init_bed) b = { 0 };

		init_bed_make(&b);
		keys_make(&b);
		b.t.play->token.deed = FAKE_LIE;
		b.t.play->token.what = WIRE_SIGN;
		b.t.play->token.nth = nth[i];
		b.t.play->token.lie = SIGN_OTHER;
		assert_int_equal(init_certify(&b.init), RC_TOKEN);
		assert_int_equal(access(b.home, F_OK), -1);
	}
}

static void
all_make(struct init_bed *b)
{
	init_bed_make(b);
	keys_make(b);
	check_ok(init_certify(&b->init));
	buf_reset(&b->init.interfaces); /* of this machine */
}

static void
a_home_is_whole_when_it_is_there(void **state)
{
	WIPED(init_bed) b = { 0 };
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	WIPED(ledger_ca) ca = { 0 };
	WIPED(policy) policy = { 0 };
	WIPED(token_conf) conf = { 0 };
	WIPED(keys) keys = { 0 };
	struct ledger_totals totals;
	struct stat st;

	(void)state;
	all_make(&b);
	check_ok(init_store(&b.init));
	assert_int_equal(stat(b.home, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	check_ok(home_open(b.home, &home));
	check_ok(home_ledger_open(&home, true, &ledger));
	check_ok(ledger_verify(ledger, NULL, 0, &totals));
	assert_int_equal(totals.records, 2); /* the policy, the CA */
	check_ok(ledger_ca_get(ledger, &ca));
	assert_true(span_eq(buf_span(&ca.ca_cert), buf_span(&b.init.ca_cert)));
	check_ok(home_policy_read(&home, &policy));
	assert_true(
	    span_eq(buf_span(&policy.text), buf_span(&b.init.policy_text)));
	check_ok(home_token_read(&home, &conf));
	assert_string_equal((const char *)conf.ca.p, b.init.ca.key.uri);
	/* The next command finds its keys. */
	check_ok(keys_open(b.t.token, &conf, &ca, true, &keys));
}

static void
a_network_that_was_up_is_recorded(void **state)
{
	WIPED(init_bed) b = { 0 };
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	struct ledger_totals totals;

	(void)state;
	all_make(&b);
	check_ok(buf_add_str(&b.init.interfaces, "eth0"));
	check_ok(init_store(&b.init));
	check_ok(home_open(b.home, &home));
	check_ok(home_ledger_open(&home, false, &ledger));
	check_ok(ledger_verify(ledger, NULL, 0, &totals));
	assert_int_equal(totals.records, 3);
}

static void
what_a_run_left_is_cleared_away(void **state)
{
	WIPED(init_bed) b = { 0 };
	WIPED(home) home = { .fd = -1 };
	char path[128];

	(void)state;
	all_make(&b);
	file_in_home(&b, HOME_LEDGER ".new", "half a ledger");
	file_in_home(&b, HOME_LEDGER ".new-journal", "and its journal");
	check_ok(init_store(&b.init));
	check_ok(home_open(b.home, &home));
	(void)snprintf(path, sizeof(path), "%s/%s", b.home, HOME_LEDGER ".new");
	assert_int_equal(access(path, F_OK), -1);
	(void)snprintf(
	    path, sizeof(path), "%s/%s", b.home, HOME_LEDGER ".new.lock");
	assert_int_equal(access(path, F_OK), -1);
}

static void
two_runs_do_not_write_one_home(void **state)
{
	WIPED(init_bed) b = { 0 };
	OWN_FD fd = -1;

	(void)state;
	all_make(&b);
	assert_int_equal(mkdir(b.home, 0700), 0);
	fd = open(b.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(init_store(&b.init), RC_STATE);
	assert_non_null(
	    strstr(err_text(), ": another init is at work there"));
	fd_close(&fd);
	check_ok(init_store(&b.init));
	assert_int_equal(init_store(&b.init), RC_STATE);
	assert_non_null(strstr(err_text(), ": a CA lives there already"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ca_has_a_name),
		cmocka_unit_test(days_are_counted_from_now_and_a_day_before),
		cmocka_unit_test(a_path_length_is_a_byte),
		cmocka_unit_test(a_serial_is_positive_and_of_twenty_octets),
		cmocka_unit_test(scopes_and_profiles_make_the_policy),
		cmocka_unit_test(a_key_is_adopted_or_made),
		cmocka_unit_test(a_home_with_a_ledger_is_left_alone),
		cmocka_unit_test(only_our_own_policy_is_replaced),
		cmocka_unit_test(a_medium_that_is_not_there_is_said_first),
		cmocka_unit_test(an_empty_token_is_looked_at_without_a_pin),
		cmocka_unit_test(keys_that_are_there_want_a_word),
		cmocka_unit_test(keys_that_were_hidden_want_a_word_too),
		cmocka_unit_test(
		    what_the_token_cannot_make_is_said_before_the_pin),
		cmocka_unit_test(the_token_is_opened_by_what_names_it),
		cmocka_unit_test(both_keys_are_made),
		cmocka_unit_test(both_keys_are_adopted),
		cmocka_unit_test(one_key_is_not_both),
		cmocka_unit_test(
		    nothing_is_made_before_what_is_adopted_is_there),
		cmocka_unit_test(keys_that_were_left_behind_are_named),
		cmocka_unit_test(a_wrong_signature_makes_no_ca),
		cmocka_unit_test(a_home_is_whole_when_it_is_there),
		cmocka_unit_test(a_network_that_was_up_is_recorded),
		cmocka_unit_test(what_a_run_left_is_cleared_away),
		cmocka_unit_test(two_runs_do_not_write_one_home),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
