/* SPDX-License-Identifier: Apache-2.0 */
/* Empty tokens: which one is set up, and what is left when that fails. */
#include "token/card/setup.h"

#include "tests/lib/card_fixture.h"

#include <sys/stat.h>

static char pin_path[64];

static int
make_pin(void **state)
{
	FILE *f;

	(void)state;
	(void)strcpy(pin_path, "/tmp/airgap-setup.XXXXXX");
	f = fdopen(mkstemp(pin_path), "w");
	return f == NULL || fputs("1234567\n", f) < 0 || fclose(f) != 0 ? -1
									: 0;
}

static int
remove_pin(void **state)
{
	(void)state;
	return unlink(pin_path);
}

static void
empty(size_t slot)
{
	card->token[slot].flags = CKF_LOGIN_REQUIRED;
}

static enum rc
set_up(const char *label, CK_SLOT_ID *ret_slot)
{
	const struct token_setup setup = { .module = card_path,
		.label = label,
		.so_pin_source = pin_path,
		.pin_source = pin_path };
	struct module m = { 0 };
	enum rc rc;

	check_ok(module_load(card_path, &m));
	err_clear();
	rc = setup_run(&m, &setup, ret_slot);
	assert_int_equal(card->sessions, 0);
	module_wipe(&m);
	return rc;
}

static void
the_one_empty_token_is_set_up(void **state)
{
	CK_SLOT_ID slot = 9;

	(void)state;
	card->n_slots = 2;
	empty(0);
	check_ok(set_up("a label of thirty-two characters", &slot));
	assert_int_equal(slot, 0);
	assert_memory_equal(
	    card->token[0].label, "a label of thirty-two characters", 32);
	assert_true((card->token[0].flags & CKF_USER_PIN_INITIALIZED) != 0);
	assert_memory_equal(card->token[1].label, "card ", 5);
}

static void
a_label_has_room_and_a_name(void **state)
{
	CK_SLOT_ID slot = 9;

	(void)state;
	empty(0);
	check_says(set_up("", &slot), RC_USAGE, ": a label has 1 to 32 bytes");
	check_says(set_up("a label of thirty-three character", &slot), RC_USAGE,
	    "a label of thirty-three character: a label has 1 to 32 bytes");
	assert_int_equal(card->answer[FAKE_INIT_TOKEN].calls, 0);
}

static void
nobody_guesses_which_token_was_meant(void **state)
{
	CK_SLOT_ID slot = 9;
	char words[600];

	(void)state;
	card->n_slots = 2;
	(void)snprintf(words, sizeof(words),
	    "%s: no empty token (2 initialised, which are never overwritten)",
	    card_path);
	check_says(set_up("new", &slot), RC_TOKEN, words);
	empty(0);
	empty(1);
	(void)snprintf(words, sizeof(words),
	    "%s: 2 empty tokens: leave only the one that is meant", card_path);
	check_says(set_up("new", &slot), RC_TOKEN, words);
	assert_int_equal(card->answer[FAKE_INIT_TOKEN].calls, 0);
	card_answers(FAKE_SLOT_LIST, 1, CKR_DEVICE_ERROR);
	assert_int_equal(set_up("new", &slot), RC_TOKEN);
}

static void
a_pin_that_does_not_fit_writes_nothing(void **state)
{
	CK_SLOT_ID slot = 9;

	(void)state;
	empty(0);
	card->token[0].ulMinPinLen = 8;
	check_says(set_up("new", &slot), RC_TOKEN,
	    "SO PIN: a PIN of 8 to 8 characters is wanted; no try was spent");
	assert_int_equal(card->answer[FAKE_INIT_TOKEN].calls, 0);
	card->token[0].ulMinPinLen = 7;
	check_ok(set_up("new", &slot));
}

static void
what_was_reached_is_said(void **state)
{
	static const struct {
		enum fake_call call;
		const char *words;
	} cases[] = {
		{ FAKE_INIT_TOKEN, "the token was not initialised: the token "
				   "was removed (CKR_DEVICE_REMOVED)" },
		{ FAKE_OPEN_SESSION, "the new token: no session: the token was "
				     "removed (CKR_DEVICE_REMOVED)" },
		{ FAKE_LOGIN,
		    "the new token has a label but no user PIN yet: the token "
		    "was removed (CKR_DEVICE_REMOVED)" },
		{ FAKE_INIT_PIN,
		    "the new token has a label but no user PIN yet: the token "
		    "was removed (CKR_DEVICE_REMOVED)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CK_SLOT_ID slot = 9;

		(void)card_reset(NULL);
		empty(0);
		card_answers(cases[i].call, 1, CKR_DEVICE_REMOVED);
		check_says(set_up("new", &slot), RC_TOKEN, cases[i].words);
		assert_int_equal(slot, 9);
		/* The officer does not stay. */
		assert_int_equal(card->answer[FAKE_LOGOUT].calls,
		    cases[i].call == FAKE_INIT_PIN);
	}
}

#define fresh(test) cmocka_unit_test_setup(test, card_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(the_one_empty_token_is_set_up),
		fresh(a_label_has_room_and_a_name),
		fresh(nobody_guesses_which_token_was_meant),
		fresh(a_pin_that_does_not_fit_writes_nothing),
		fresh(what_was_reached_is_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_pin, remove_pin);
}
