/* SPDX-License-Identifier: Apache-2.0 */
/* PINs at a card with three tries: which are spent, and what is said. */
#include "token/card/login.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"
#include "tests/lib/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char pin_path[64];

static int
make_pin_file(void **state)
{
	int fd;

	(void)state;
	(void)strcpy(pin_path, "/tmp/airgap-login.XXXXXX");
	fd = mkstemp(pin_path);
	return fd < 0 ? -1 : close(fd);
}

static int
remove_pin_file(void **state)
{
	(void)state;
	return unlink(pin_path);
}

static void
pin_is(const char *text)
{
	FILE *f = fopen(pin_path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* With the PIN in a file, as scripts have it. */
static void
begin(struct login *l, struct session *s, const char *pin)
{
	pin_is(pin);
	card_session(s);
	check_ok(login_init(l, false, false));
	l->file = strdup(pin_path);
	assert_non_null(l->file);
}

/* ---- from a file --------------------------------------------------------- */

static void
a_right_pin_logs_in_once(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, FAKE_PIN);
	check_ok(login_user(&l, &s));
	check_ok(login_user(&l, &s));
	assert_true(card->logged_in);
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
	assert_string_equal(l.pin->text, FAKE_PIN);
}

/* Where it came from is where the right one belongs. */
static const char *
wrong_words(const char *left)
{
	static char words[300];

	(void)snprintf(words, sizeof(words),
	    CARD_NAME ": wrong PIN: %s; put the right PIN into %s before the "
		      "next try",
	    left, pin_path);
	return words;
}

#define LOCKED_WORDS \
	CARD_NAME \
	": the PIN is locked: unblock it with the PUK (yubico-piv-tool " \
	"-a unblock-pin, pkcs15-tool --unblock-pin), or as security officer " \
	"(pkcs11-tool --init-pin)"

static void
a_wrong_pin_costs_one_try_and_is_not_kept(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, "654321");
	check_says(login_user(&l, &s), RC_TOKEN,
	    wrong_words("the token does not say how many tries are left before "
			"it locks"));
	assert_int_equal(card->tries, 2);
	assert_int_equal(l.pin->len, 0);
	assert_false(l.done);
	check_says(login_user(&l, &s), RC_TOKEN,
	    wrong_words("one try is left, then the PIN locks"));
	assert_int_equal(card->tries, 1);
}

static void
the_final_try_is_left_alone(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	card->tries = 1;
	card->token[0].flags |= CKF_USER_PIN_FINAL_TRY;
	begin(&l, &s, FAKE_PIN);
	check_says(login_user(&l, &s), RC_TOKEN,
	    CARD_NAME ": one PIN try is left, and a wrong one locks the "
		      "token: give --last-try to use it");
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 0);
	l.last_try = true;
	check_ok(login_user(&l, &s));
	assert_int_equal(card->tries, 3);
}

static void
the_last_wrong_pin_says_that_it_locked(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	card->tries = 1;
	card->token[0].flags |= CKF_USER_PIN_FINAL_TRY;
	begin(&l, &s, "654321");
	l.last_try = true;
	check_says(login_user(&l, &s), RC_TOKEN, "wrong PIN: " LOCKED_WORDS);
	check_says(login_user(&l, &s), RC_TOKEN, LOCKED_WORDS);
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
}

static void
a_length_that_the_token_refuses_costs_no_try(void **state)
{
	static const struct {
		CK_ULONG min, max;
		enum rc want;
	} cases[] = { { 6, 6, RC_OK }, { 7, 8, RC_TOKEN }, { 4, 5, RC_TOKEN },
		{ 0, 0, RC_OK }, { 8, 4, RC_OK } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		WIPED(session) s = { 0 };
		WIPED(login) l = { 0 };

		(void)card_reset(NULL);
		card->token[0].ulMinPinLen = cases[i].min;
		card->token[0].ulMaxPinLen = cases[i].max;
		begin(&l, &s, FAKE_PIN);
		assert_int_equal(login_user(&l, &s), cases[i].want);
		assert_int_equal(
		    card->answer[FAKE_LOGIN].calls, cases[i].want == RC_OK);
		if (cases[i].want != RC_OK) {
			assert_non_null(strstr(err_text(), "no try was spent"));
			assert_int_equal(l.pin->len, 0);
		}
	}
}

/* Each answer that is not "wrong PIN" is told as it is. */
static void
what_the_token_answers_is_said(void **state)
{
	static const struct {
		CK_RV rv;
		const char *words;
	} cases[] = {
		{ CKR_PIN_EXPIRED,
		    "the PIN must be changed first (CKR_PIN_EXPIRED)" },
		{ CKR_DEVICE_REMOVED,
		    "the token was removed (CKR_DEVICE_REMOVED)" },
		{ CKR_FUNCTION_FAILED,
		    "the module could not do it (CKR_FUNCTION_FAILED)" },
		{ CKR_VENDOR_DEFINED + 1,
		    "an error without a known meaning (CKR 0x80000001)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		WIPED(session) s = { 0 };
		WIPED(login) l = { 0 };
		char words[200];

		(void)card_reset(NULL);
		begin(&l, &s, FAKE_PIN);
		card_answers(FAKE_LOGIN, 1, cases[i].rv);
		(void)snprintf(words, sizeof(words), CARD_NAME ": no login: %s",
		    cases[i].words);
		check_says(login_user(&l, &s), RC_TOKEN, words);
		assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
		assert_int_equal(l.pin->len, 0);
	}
}

static void
a_token_that_asks_for_no_login_gets_no_pin(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	card->token[0].flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
	begin(&l, &s, "never read");
	check_ok(login_user(&l, &s));
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 0);
}

static void
somebody_elses_login_is_as_good(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, FAKE_PIN);
	card_answers(FAKE_LOGIN, 1, CKR_USER_ALREADY_LOGGED_IN);
	check_ok(login_user(&l, &s));
	check_ok(login_context(&l, &s));
}

static void
a_pin_pad_gets_no_pin_from_us(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	card->token[0].flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	begin(&l, &s, "never read");
	check_ok(login_user(&l, &s));
	check_ok(login_context(&l, &s));
	assert_int_equal(l.pin->len, 0);
	/* A wrong one at the pad is the pad's to ask for again. */
	l.done = false;
	card_answers(FAKE_LOGIN, 1, CKR_PIN_INCORRECT);
	assert_int_equal(login_user(&l, &s), RC_TOKEN);
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
}

/* Flags are read before the prompt and before the try. */
static void
a_token_that_goes_meanwhile_gets_no_pin(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		WIPED(session) s = { 0 };
		WIPED(login) l = { 0 };

		(void)card_reset(NULL);
		begin(&l, &s, FAKE_PIN);
		card_answers(FAKE_TOKEN_INFO, n, CKR_DEVICE_REMOVED);
		check_says(login_user(&l, &s), RC_TOKEN,
		    CARD_NAME ": cannot be read: the token was removed "
			      "(CKR_DEVICE_REMOVED)");
		assert_int_equal(card->answer[FAKE_LOGIN].calls, 0);
		assert_int_equal(l.pin->len, 0);
	}
}

static void
without_a_page_for_the_pin_there_is_no_login(void **state)
{
	struct login l = { 0 };

	(void)state;
	fail_nth("mmap", 1, ENOMEM);
	assert_int_equal(login_init(&l, false, false), RC_IO);
	assert_non_null(fail_stop());
	assert_null(l.pin);
	login_wipe(&l);
}

/* ---- for one signature --------------------------------------------------- */

static void
a_context_login_uses_the_pin_of_the_first(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, FAKE_PIN);
	check_ok(login_user(&l, &s));
	pin_is("654321"); /* not read again */
	check_ok(login_context(&l, &s));
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 2);
	assert_int_equal(card->tries, 3);
}

static void
a_pin_refused_in_context_is_not_sent_again(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, FAKE_PIN);
	check_ok(login_user(&l, &s));
	card_answers(FAKE_LOGIN, 1, CKR_PIN_INCORRECT);
	assert_int_equal(login_context(&l, &s), RC_TOKEN);
	check_says(login_context(&l, &s), RC_TOKEN,
	    CARD_NAME ": the PIN was refused before, and is not tried again");
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
	card->token[0].flags |= CKF_USER_PIN_LOCKED;
	assert_int_equal(login_context(&l, &s), RC_TOKEN);
	card_answers(FAKE_TOKEN_INFO, 1, CKR_DEVICE_REMOVED);
	assert_int_equal(login_context(&l, &s), RC_TOKEN);
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
}

static void
asked_for_each_no_pin_is_kept(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };

	(void)state;
	begin(&l, &s, FAKE_PIN);
	l.ask_each = true;
	check_ok(login_user(&l, &s));
	assert_int_equal(l.pin->len, 0);
	check_ok(login_context(&l, &s));
	assert_int_equal(l.pin->len, 0);
	pin_is("654321");
	assert_int_equal(login_context(&l, &s), RC_TOKEN);
	assert_int_equal(card->tries, 2);
	pin_is(FAKE_PIN);
	check_ok(login_again(&l, &s));
	assert_int_equal(card->answer[FAKE_LOGOUT].calls, 1);
	card_answers(FAKE_LOGOUT, 1, CKR_DEVICE_ERROR);
	check_says(login_again(&l, &s), RC_TOKEN,
	    CARD_NAME ": cannot log out: the token or its reader reports an "
		      "error (CKR_DEVICE_ERROR)");
	card_answers(FAKE_LOGOUT, 1, CKR_USER_NOT_LOGGED_IN);
	check_ok(login_again(&l, &s));
}

/* ---- at a terminal ------------------------------------------------------- */

/* 0 when logged in, else the code; the tries that are left go with it. */
static int
log_in_at_terminal(void)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };
	enum rc rc;

	card_session(&s);
	if (login_init(&l, false, false) != RC_OK)
		return 99;
	rc = login_user(&l, &s);
	if (rc == RC_OK && !card->logged_in)
		return 98;
	return (int)rc + 10 * (int)card->tries;
}

/* What is typed before the prompt stands is thrown away. */
#define AGAIN "before it locks.\r\nPIN of token \"card\": "

static void
a_wrong_pin_is_asked_for_again_but_not_to_the_last(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, log_in_at_terminal);
	pty_answer(&pty, "PIN of token \"card\":", "1111\n");
	pty_answer(&pty, AGAIN, FAKE_PIN "\n");
	assert_int_equal(pty_end(&pty), RC_OK + 30);

	pty_start(&pty, log_in_at_terminal);
	pty_answer(&pty, "PIN of token \"card\":", "1111\n");
	pty_answer(&pty, AGAIN, "2222\n");
	/* The last of three is not asked for: one is left. */
	assert_int_equal(pty_end(&pty), RC_TOKEN + 10);
}

static void
a_wrong_pin_before_us_is_told_before_the_prompt(void **state)
{
	struct pty pty;

	(void)state;
	card->token[0].flags |= CKF_USER_PIN_COUNT_LOW;
	card->token[0].label[0] = 0x1b; /* its own text is not the terminal's */
	pty_start(&pty, log_in_at_terminal);
	pty_answer(&pty, "PIN of token \"?ard\":", FAKE_PIN "\n");
	assert_int_equal(pty_end(&pty), RC_OK + 30);
	assert_non_null(
	    strstr(pty.seen, "a wrong PIN was given since the last right"));
}

/* ---- new PINs ------------------------------------------------------------ */

static int
choose_at_terminal(void)
{
	WIPED(pin) pin = { .len = 0 };
	enum rc rc = login_new_pin("PIN", NULL, &card->token[0], &pin);

	if (rc == RC_OK)
		return strcmp(pin.text, "12345") == 0 ? 0 : 99;
	return pin.len == 0 ? (int)rc : 98;
}

static void
a_new_pin_is_typed_twice_alike(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, choose_at_terminal);
	pty_answer(&pty, "New PIN:", "12345\n");
	pty_answer(&pty, "New PIN again:", "12345\n");
	assert_int_equal(pty_end(&pty), 0);
	pty_start(&pty, choose_at_terminal);
	pty_answer(&pty, "New PIN:", "12345\n");
	pty_answer(&pty, "New PIN again:", "12346\n");
	assert_int_equal(pty_end(&pty), RC_TOKEN);
	pty_start(&pty, choose_at_terminal);
	pty_answer(&pty, "New PIN:", "123456789\n");
	pty_answer(&pty, "New PIN again:", "123456789\n");
	assert_int_equal(pty_end(&pty), RC_TOKEN);
}

static void
a_new_pin_comes_from_a_file_or_a_terminal(void **state)
{
	WIPED(pin) pin = { .len = 0 };
	pid_t pid;
	int status = 0;

	(void)state;
	pin_is("4711\n");
	check_ok(login_new_pin("PIN", pin_path, &card->token[0], &pin));
	assert_string_equal(pin.text, "4711");
	assert_int_equal(
	    login_new_pin("PIN", "|cat", &card->token[0], &pin), RC_USAGE);
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		_exit(
		    login_new_pin("PIN", NULL, &card->token[0], &pin) ==
				RC_USAGE &&
			    strcmp(err_text(),
				"there is no terminal to ask for the new PIN: "
				"give --so-pin-source and --pin-source") == 0
			? 0
			: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define fresh(test) cmocka_unit_test_setup(test, card_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(a_right_pin_logs_in_once),
		fresh(a_wrong_pin_costs_one_try_and_is_not_kept),
		fresh(the_final_try_is_left_alone),
		fresh(the_last_wrong_pin_says_that_it_locked),
		fresh(a_length_that_the_token_refuses_costs_no_try),
		fresh(what_the_token_answers_is_said),
		fresh(a_token_that_asks_for_no_login_gets_no_pin),
		fresh(somebody_elses_login_is_as_good),
		fresh(a_pin_pad_gets_no_pin_from_us),
		fresh(a_token_that_goes_meanwhile_gets_no_pin),
		fresh(without_a_page_for_the_pin_there_is_no_login),
		fresh(a_context_login_uses_the_pin_of_the_first),
		fresh(a_pin_refused_in_context_is_not_sent_again),
		fresh(asked_for_each_no_pin_is_kept),
		fresh(a_wrong_pin_is_asked_for_again_but_not_to_the_last),
		fresh(a_wrong_pin_before_us_is_told_before_the_prompt),
		fresh(a_new_pin_is_typed_twice_alike),
		fresh(a_new_pin_comes_from_a_file_or_a_terminal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_pin_file, remove_pin_file);
}
