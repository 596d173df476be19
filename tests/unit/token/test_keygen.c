/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made on a card that says less than it should, or does other than it
 * says. */
#include "token/card/keygen.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"

static EVP_PKEY *p256, *p384;

static int
make_keys(void **state)
{
	(void)state;
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	return p256 == NULL || p384 == NULL ? -1 : 0;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	return 0;
}

static const struct keygen ask_p256 = {
	.type = { KEY_P256, 256 },
	.label = { (const uint8_t *)"ca", 2 },
};

/* The card makes a good P-256 key, and a test spoils that. */
static int
set_up(void **state)
{
	(void)card_reset(state);
	card_put_ulong(&card->new_private, CKA_CLASS, CKO_PRIVATE_KEY);
	card_put_ulong(&card->new_private, CKA_KEY_TYPE, CKK_EC);
	card_put_promises(&card->new_private);
	card_put_ulong(&card->new_public, CKA_CLASS, CKO_PUBLIC_KEY);
	card_put_public(&card->new_public, p256);
	return 0;
}

static size_t
objects(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_OBJECTS; i++)
		n += card->object[i].there;
	return n;
}

static enum rc
make(struct key *ret)
{
	const unsigned before = card->sessions;
	WIPED(session) s = { 0 };
	enum rc rc;

	card_session(&s);
	err_clear();
	rc = keygen_run(&s, &ask_p256, ret);
	/* The writable one is closed. */
	assert_int_equal(card->sessions, before + 1);
	return rc;
}

static void
refused(const char *sentence)
{
	struct key key = { 0 };

	check_says(make(&key), RC_TOKEN, sentence);
	assert_int_equal(key.private, P11_NO_HANDLE);
}

/* ---- what the token can -------------------------------------------------- */

static void
a_good_key_is_given_back(void **state)
{
	WIPED(key) key = { 0 };
	WIPED(buf) spki = { 0 };

	(void)state;
	check_ok(make(&key));
	card_spki(p256, &spki);
	assert_true(span_eq(buf_span(&key.shown.spki), buf_span(&spki)));
	assert_string_equal(key.shown.label, "ca");
	assert_int_equal(key.shown.id_len, 16); /* drawn */
	assert_int_equal(objects(), 2);
}

static void
sizes_are_those_of_the_mechanism(void **state)
{
	static const struct {
		struct key_type type;
		CK_ULONG min, max;
		const char *refusal;
	} cases[] = {
		{ { KEY_P256, 256 }, 256, 256, NULL },
		{ { KEY_P384, 384 }, 256, 383,
		    CARD_NAME ": cannot make ec-p384: it makes keys of 256 to "
			      "383 bits; nothing was written" },
		{ { KEY_P256, 256 }, 257, 521,
		    CARD_NAME ": cannot make ec-p256: it makes keys of 257 to "
			      "521 bits; nothing was written" },
		/* In bytes, as some count, and without an upper end. */
		{ { KEY_RSA, 3072 }, 128, 384, NULL },
		{ { KEY_RSA, 4096 }, 128, 384,
		    CARD_NAME ": cannot make rsa-4096: it makes keys of 1024 "
			      "to 3072 bits; nothing was written" },
		{ { KEY_RSA, 4096 }, 2048, 0, NULL },
	};
	WIPED(session) s = { 0 };

	(void)state;
	card_session(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		card->mechanism.ulMinKeySize = cases[i].min;
		card->mechanism.ulMaxKeySize = cases[i].max;
		if (cases[i].refusal == NULL)
			check_ok(keygen_possible(&s, cases[i].type));
		else
			check_says(keygen_possible(&s, cases[i].type), RC_TOKEN,
			    cases[i].refusal);
	}
}

static void
a_mechanism_that_is_not_there_is_said(void **state)
{
	WIPED(session) s = { 0 };

	(void)state;
	card_session(&s);
	card_answers(FAKE_MECHANISM_INFO, 1, CKR_MECHANISM_INVALID);
	check_says(
	    keygen_possible(&s, (struct key_type){ KEY_RSA, 2048 }),
	    RC_TOKEN, CARD_NAME ": cannot make RSA keys; nothing was written");
	card_answers(FAKE_MECHANISM_INFO, 1, CKR_DEVICE_REMOVED);
	refused(CARD_NAME
	    ": its mechanisms: the token was removed (CKR_DEVICE_REMOVED)");
	card_answers(FAKE_MECHANISM_INFO, 1, CKR_OK);
	card->mechanism.flags = 0;
	refused(CARD_NAME ": cannot make EC keys; nothing was written");
	assert_int_equal(card->answer[FAKE_GENERATE].calls, 0);
}

static void
a_label_or_id_that_is_taken_is_left(void **state)
{
	struct keygen again = ask_p256;
	struct key key = { 0 };
	WIPED(session) s = { 0 };

	(void)state;
	(void)card_add_key(p384, "ca", "7");
	refused(CARD_NAME ": has a key with the label \"ca\" already; nothing "
			  "was written");
	card_session(&s);
	again.label = span_str("cb");
	again.id = span_str("7");
	check_says(keygen_run(&s, &again, &key), RC_TOKEN,
	    CARD_NAME ": the key \"ca\" has this id already; nothing was "
		      "written");
	assert_int_equal(card->answer[FAKE_GENERATE].calls, 0);
	again.id = span_str("8");
	check_ok(keygen_run(&s, &again, &key));
	assert_int_equal(key.shown.id_len, 1);
	key_wipe(&key);
}

/* What cannot be looked through may hold the label too. */
static void
a_card_that_cannot_be_looked_through_gets_no_key(void **state)
{
	(void)state;
	(void)card_add_key(p384, "ca", "7");
	for (unsigned n = 1; n < 12; n++) {
		struct key key = { 0 };

		card_answers(FAKE_GET_ATTRIBUTE, n, CKR_DEVICE_ERROR);
		assert_int_equal(make(&key), RC_TOKEN);
		assert_int_equal(card->answer[FAKE_GENERATE].calls, 0);
	}
	card_answers(FAKE_GET_ATTRIBUTE, 1, CKR_OK);
	card_answers(FAKE_FIND, 1, CKR_DEVICE_ERROR);
	refused(CARD_NAME ": objects cannot be listed: the token or its reader "
			  "reports an error (CKR_DEVICE_ERROR)");
}

/* ---- templates ----------------------------------------------------------- */

static void
less_is_asked_for_until_it_is_taken(void **state)
{
	static const CK_RV trouble[] = { CKR_TEMPLATE_INCONSISTENT,
		CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
		CKR_ATTRIBUTE_READ_ONLY, CKR_GENERAL_ERROR, CKR_ARGUMENTS_BAD,
		CKR_FUNCTION_FAILED };
	static const CK_ULONG said[] = { 9, 7, 4 };

	(void)state;
	for (size_t i = 0; i < sizeof(trouble) / sizeof(*trouble); i++)
		for (unsigned refusals = 0; refusals < 3; refusals++) {
			WIPED(key) key = { 0 };

			(void)set_up(NULL);
			card_answers(FAKE_GENERATE, 1, trouble[i]);
			card->answer[FAKE_GENERATE].times = refusals;
			if (refusals == 0)
				card_answers(FAKE_GENERATE, 1, CKR_OK);
			check_ok(make(&key));
			assert_int_equal(
			    card->answer[FAKE_GENERATE].calls, refusals + 1);
			assert_int_equal(card->n_template, said[refusals]);
		}
	(void)set_up(NULL);
	card_answers(FAKE_GENERATE, 1, CKR_TEMPLATE_INCONSISTENT);
	refused(CARD_NAME ": the key was not made: the token refuses these "
			  "attributes together (CKR_TEMPLATE_INCONSISTENT)");
	assert_int_equal(card->answer[FAKE_GENERATE].calls, 3);
}

static void
what_no_template_mends_is_asked_once(void **state)
{
	(void)state;
	card_answers(FAKE_GENERATE, 1, CKR_DEVICE_MEMORY);
	refused(CARD_NAME ": the key was not made: the token is full "
			  "(CKR_DEVICE_MEMORY)");
	assert_int_equal(card->answer[FAKE_GENERATE].calls, 1);
	card_answers(FAKE_GENERATE, 1, CKR_USER_NOT_LOGGED_IN);
	refused(CARD_NAME ": the key was not made: not logged in "
			  "(CKR_USER_NOT_LOGGED_IN); make it with the card's "
			  "own tool, then use it as it is");
}

/* ---- promises ------------------------------------------------------------ */

static void
a_key_that_keeps_no_promise_is_destroyed(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		bool value;
		const char *words;
	} cases[] = {
		{ CKA_SENSITIVE, false, "made a key that is not sensitive" },
		{ CKA_EXTRACTABLE, true, "made a key that is extractable" },
		{ CKA_ALWAYS_SENSITIVE, false,
		    "made a key that was not always sensitive" },
		{ CKA_NEVER_EXTRACTABLE, false,
		    "made a key that was extractable" },
		{ CKA_SIGN, false, "made a key that cannot sign" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char words[200];

		(void)set_up(NULL);
		card_put_bool(
		    &card->new_private, cases[i].type, cases[i].value);
		(void)snprintf(words, sizeof(words),
		    "the new key was destroyed: " CARD_NAME ": %s",
		    cases[i].words);
		refused(words);
		assert_int_equal(objects(), 0);
	}
}

/* Silence about extraction counts as extractable, about the past as nothing. */
static void
silence_is_read_as_each_promise_wants(void **state)
{
	WIPED(key) key = { 0 };

	(void)state;
	card_take_away(&card->new_private, CKA_ALWAYS_SENSITIVE);
	card_take_away(&card->new_private, CKA_NEVER_EXTRACTABLE);
	check_ok(make(&key));
	(void)set_up(NULL);
	card_take_away(&card->new_private, CKA_EXTRACTABLE);
	refused("the new key was destroyed: " CARD_NAME
		": made a key that is extractable");
}

static void
a_key_of_another_type_is_destroyed(void **state)
{
	(void)state;
	card->new_public.n = 0;
	card_put_ulong(&card->new_public, CKA_CLASS, CKO_PUBLIC_KEY);
	card_put_public(&card->new_public, p384);
	refused("the new key was destroyed: " CARD_NAME
		": made a key of another type (ec-p384)");
	(void)set_up(NULL);
	card_take_away(&card->new_public, CKA_EC_POINT);
	refused("the new key was destroyed: " CARD_NAME
		": made a key of another type (other)");
	assert_int_equal(objects(), 0);
}

static void
what_cannot_be_destroyed_is_left_to_the_operator(void **state)
{
	(void)state;
	card_put_bool(&card->new_private, CKA_SIGN, false);
	card_answers(FAKE_DESTROY, 1, CKR_ACTION_PROHIBITED);
	refused("the new key could not be destroyed: do so by hand: " CARD_NAME
		": made a key that cannot sign");
	assert_int_equal(objects(), 2);
}

static void
without_random_bytes_or_a_session_nothing_is_made(void **state)
{
	struct key key = { 0 };

	(void)state;
	fail_nth("RAND_bytes", 1, 0);
	assert_int_equal(make(&key), RC_BUG);
	assert_non_null(fail_stop());
	card_answers(FAKE_OPEN_SESSION, 2, CKR_TOKEN_WRITE_PROTECTED);
	refused(CARD_NAME ": no session: the token cannot be written "
			  "(CKR_TOKEN_WRITE_PROTECTED)");
	assert_int_equal(card->answer[FAKE_GENERATE].calls, 0);
}

#define fresh(test) cmocka_unit_test_setup(test, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(a_good_key_is_given_back),
		fresh(sizes_are_those_of_the_mechanism),
		fresh(a_mechanism_that_is_not_there_is_said),
		fresh(a_label_or_id_that_is_taken_is_left),
		fresh(a_card_that_cannot_be_looked_through_gets_no_key),
		fresh(less_is_asked_for_until_it_is_taken),
		fresh(what_no_template_mends_is_asked_once),
		fresh(a_key_that_keeps_no_promise_is_destroyed),
		fresh(silence_is_read_as_each_promise_wants),
		fresh(a_key_of_another_type_is_destroyed),
		fresh(what_cannot_be_destroyed_is_left_to_the_operator),
		fresh(without_random_bytes_or_a_session_nothing_is_made),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
