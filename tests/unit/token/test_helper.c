/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the token process: what it answers when its card fails or when
 * it is asked nonsense, and what our end makes of answers that are none. */
#include "token/token.h"

#include "base/child.h"
#include "base/file.h"
#include "base/frame.h"
#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"
#include "token/process/helper.h"
#include "token/wire/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

static EVP_PKEY *p256;
static char pin_path[64], uri[700];

static int
make_all(void **state)
{
	FILE *f;

	(void)state;
	p256 = EVP_EC_gen("P-256");
	(void)strcpy(pin_path, "/tmp/airgap-helper.XXXXXX");
	f = fdopen(mkstemp(pin_path), "w");
	if (p256 == NULL || f == NULL || fputs(FAKE_PIN "\n", f) < 0)
		return -1;
	(void)snprintf(
	    uri, sizeof(uri), "pkcs11:?pin-source=file:%s", pin_path);
	return fclose(f);
}

static int
remove_all(void **state)
{
	(void)state;
	EVP_PKEY_free(p256);
	return unlink(pin_path);
}

static const uint8_t digest[32] = { 1, 2, 3 };

/* ---- a card that fails behind the process -------------------------------- */

static struct token *
start(bool ask_each)
{
	const struct token_options options = { .module = card_path,
		.ask_each = ask_each };
	struct token *token = NULL;

	check_ok(token_start(&token, &options));
	return token;
}

/* Open, log in and take the key into use; the process has its own copy of the
 * card from here on. */
static struct token *
ready(bool ask_each, unsigned *ret_key)
{
	struct token *token = start(ask_each);
	WIPED(buf) spki = { 0 };
	struct token_info info;

	card_spki(p256, &spki);
	check_ok(token_open(token, uri, &info));
	check_ok(token_login(token));
	check_ok(token_use_key(token, buf_span(&spki), ret_key));
	return token;
}

static void
after_one_failed_signature_there_is_no_other(void **state)
{
	struct token *token;
	WIPED(buf) sig = { 0 };
	struct token_info info;
	unsigned key = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card_answers_once(FAKE_SIGN, 2, CKR_DEVICE_ERROR);
	token = ready(false, &key);
	check_ok(
	    token_sign(token, key, TOKEN_ECDSA, span_of(digest, 32), &sig));
	assert_int_equal(sig.n, 64);
	for (int i = 0; i < 2; i++)
		check_says(token_sign(token, key, TOKEN_ECDSA,
			       span_of(digest, 32), &sig),
		    RC_TOKEN,
		    CARD_NAME ": did not sign: the token or its reader reports "
			      "an error (CKR_DEVICE_ERROR)");
	/* Until it is opened anew. */
	check_ok(token_open(token, uri, &info));
	check_says(
	    token_sign(token, key, TOKEN_ECDSA, span_of(digest, 32), &sig),
	    RC_BUG, "the token process got a malformed request");
	token_free(token);
}

static void
the_card_goes_at_each_step(void **state)
{
	static const struct {
		enum fake_call call;
		const char *words;
	} cases[] = {
		{ FAKE_OPEN_SESSION, "no session" },
		{ FAKE_LOGIN, "no login" },
		{ FAKE_FIND_INIT, "objects cannot be listed" },
		{ FAKE_SIGN_INIT, "cannot sign" },
		{ FAKE_SIGN, "did not sign" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct token *token;
		WIPED(buf) spki = { 0 }, sig = { 0 };
		struct token_info info;
		unsigned key = 0;
		enum rc rc;

		(void)card_reset(NULL);
		(void)card_add_key(p256, "ca", "1");
		card_answers(cases[i].call, 1, CKR_DEVICE_REMOVED);
		card_spki(p256, &spki);
		token = start(false);
		rc = token_open(token, uri, &info);
		if (rc == RC_OK)
			rc = token_login(token);
		if (rc == RC_OK)
			rc = token_use_key(token, buf_span(&spki), &key);
		if (rc == RC_OK)
			rc = token_sign(
			    token, key, TOKEN_ECDSA, span_of(digest, 32), &sig);
		assert_int_equal(rc, RC_TOKEN);
		assert_non_null(strstr(err_text(), cases[i].words));
		assert_non_null(strstr(err_text(), "CKR_DEVICE_REMOVED"));
		token_free(token);
	}
}

static void
a_key_that_cannot_sign_is_not_used(void **state)
{
	struct token *token;
	WIPED(buf) spki = { 0 };
	struct token_info info;
	unsigned key = 7;

	(void)state;
	card_put_bool(card_add_key(p256, "ca", "1"), CKA_SIGN, false);
	card_spki(p256, &spki);
	token = start(false);
	check_says(token_use_key(token, buf_span(&spki), &key), RC_BUG,
	    "no token was opened");
	check_ok(token_open(token, uri, &info));
	check_ok(token_login(token));
	check_says(token_use_key(token, buf_span(&spki), &key), RC_TOKEN,
	    CARD_NAME ": the key \"ca\" is not for signing");
	assert_int_equal(key, 7);
	token_free(token);
}

static void
a_key_of_no_known_type_is_not_used(void **state)
{
	OWN(EVP_PKEY) *p521 = EVP_EC_gen("P-521");
	struct fake_object *private = card_object(CKO_PRIVATE_KEY);
	WIPED(buf) spki = { 0 };
	struct token *token;
	struct token_info info;
	unsigned key = 7;

	(void)state;
	card_spki(p521, &spki);
	card_put_ulong(private, CKA_KEY_TYPE, CKK_EC);
	card_put_promises(private);
	card_put(private, CKA_LABEL, "large", 5);
	card_put(private, CKA_PUBLIC_KEY_INFO, spki.p, spki.n);
	token = start(false);
	check_ok(token_open(token, uri, &info));
	check_ok(token_login(token));
	check_says(token_use_key(token, buf_span(&spki), &key), RC_TOKEN,
	    CARD_NAME ": the key \"large\" is not RSA, P-256 or P-384");
	token_free(token);
}

static void
a_key_in_use_keeps_its_number(void **state)
{
	struct token *token;
	WIPED(buf) spki = { 0 };
	unsigned key = 9, again = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card_spki(p256, &spki);
	token = ready(false, &key);
	check_ok(token_use_key(token, buf_span(&spki), &again));
	assert_int_equal(key, again);
	check_says(token_use_key(token, span_str("x"), &again), RC_TOKEN,
	    CARD_NAME ": that key is not on it");
	token_free(token);
}

static enum rc
sign_one(struct token *token, unsigned key)
{
	WIPED(buf) sig = { 0 };

	return token_sign(token, key, TOKEN_ECDSA, span_of(digest, 32), &sig);
}

/* As PIV's 9a with policy "always" through OpenSC: the first signature passes.
 */
static void
that_a_key_wants_its_pin_each_time_is_learned(void **state)
{
	struct token *token;
	unsigned key = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card->pin_each = true;
	/* One login, and one for each signature from the second on. */
	card_answers(FAKE_LOGIN, 5, CKR_DEVICE_ERROR);
	token = ready(false, &key);
	for (unsigned i = 0; i < 4; i++)
		check_ok(sign_one(token, key));
	check_says(sign_one(token, key), RC_TOKEN,
	    CARD_NAME ": no login: the token or its reader reports an error "
		      "(CKR_DEVICE_ERROR)");
	token_free(token);
}

/* Its PIN was right before; what is wrong now is not sent again. */
static void
a_pin_that_is_wrong_by_now_is_learned_nothing_from(void **state)
{
	struct token *token;
	unsigned key = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card->pin_each = true;
	card_answers_once(FAKE_LOGIN, 2, CKR_PIN_INCORRECT);
	token = ready(false, &key);
	check_ok(sign_one(token, key));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(sign_one(token, key), RC_TOKEN);
		assert_non_null(strstr(err_text(), "wrong PIN"));
	}
	token_free(token);
}

/* Another program has reset the card. */
static void
a_login_that_the_card_forgot_is_repeated_once(void **state)
{
	struct token *token;
	unsigned key = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card_answers_once(FAKE_SIGN_INIT, 2, CKR_USER_NOT_LOGGED_IN);
	card_answers(FAKE_LOGIN, 3, CKR_DEVICE_ERROR);
	token = ready(false, &key);
	for (unsigned i = 0; i < 3; i++)
		check_ok(sign_one(token, key));
	token_free(token);
	card_answers(FAKE_LOGIN, 9, CKR_DEVICE_ERROR);
	card_answers(FAKE_SIGN_INIT, 2, CKR_USER_NOT_LOGGED_IN);
	token = ready(false, &key);
	check_ok(sign_one(token, key));
	check_says(sign_one(token, key), RC_TOKEN,
	    CARD_NAME ": cannot sign: not logged in (CKR_USER_NOT_LOGGED_IN)");
	token_free(token);
}

static void
asked_for_each_a_logout_that_fails_ends_it(void **state)
{
	struct token *token;
	WIPED(buf) sig = { 0 };
	unsigned key = 9;

	(void)state;
	(void)card_add_key(p256, "ca", "1");
	card_answers(FAKE_LOGOUT, 2, CKR_FUNCTION_FAILED);
	token = ready(true, &key);
	check_ok(
	    token_sign(token, key, TOKEN_ECDSA, span_of(digest, 32), &sig));
	check_says(
	    token_sign(token, key, TOKEN_ECDSA, span_of(digest, 32), &sig),
	    RC_TOKEN,
	    CARD_NAME ": cannot log out: the module could not do it "
		      "(CKR_FUNCTION_FAILED)");
	token_free(token);
}

static void
tokens_keys_and_attestations_are_told(void **state)
{
	struct token *token;
	struct token_info *infos = NULL, info;
	struct token_key *keys = NULL, key = { 0 };
	WIPED(buf) cert = { 0 }, issuer = { 0 };
	size_t n = 0;

	(void)state;
	card->n_slots = 2;
	card_pad(card->token[1].label, 32, "second");
	(void)card_add_key(p256, "ca", "1");
	token = start(false);
	check_ok(token_list(token, NULL, &infos, &n));
	assert_int_equal(n, 2);
	assert_string_equal(infos[1].label, "second");
	free(infos);
	check_says(token_keys(token, &keys, &n), RC_BUG, "no token was opened");
	check_says(
	    token_find_key(token, NULL, &key), RC_BUG, "no token was opened");
	assert_int_equal(
	    token_list(token, "/nowhere/x.so", &infos, &n), RC_TOKEN);
	assert_int_equal(token_open(token, "pkcs11:", &info), RC_TOKEN);
	assert_int_equal(token_open(token, "no URI", &info), RC_USAGE);
	check_ok(token_open(token, "pkcs11:token=card", &info));
	check_ok(token_keys(token, &keys, &n));
	assert_int_equal(n, 1);
	assert_string_equal(keys[0].label, "ca");
	token_keys_free(keys, n);
	check_says(token_find_key(token, "pkcs11:token=second", &key), RC_TOKEN,
	    CARD_NAME " is open, and the key's URI names another");
	assert_int_equal(token_find_key(token, "no URI", &key), RC_USAGE);
	check_ok(token_find_key(token, NULL, &key));
	check_ok(token_attestation(token, buf_span(&key.spki), &cert, &issuer));
	assert_int_equal(cert.n + issuer.n, 0);
	token_key_wipe(&key);
	assert_int_equal(token_can_make(token, "ec-p521"), RC_USAGE);
	assert_non_null(strstr(err_text(), "ec-p521"));
	check_ok(token_can_make(token, "ec-p256"));
	assert_int_equal(
	    token_keygen(token, "x", "l", SPAN_NONE, &key), RC_USAGE);
	token_free(token);
}

static void
an_empty_token_is_set_up_and_described(void **state)
{
	const struct token_setup setup = { .module = card_path,
		.label = "new",
		.so_pin_source = pin_path,
		.pin_source = pin_path };
	struct token *token = start(false);
	struct token_info info;

	(void)state;
	assert_int_equal(token_init(token, &setup, &info), RC_TOKEN);
	assert_non_null(strstr(err_text(), "no empty token (1 initialised"));
	token_free(token);
	card->token[0].flags = 0;
	token = start(false);
	check_ok(token_init(token, &setup, &info));
	assert_string_equal(info.label, "new");
	token_free(token);
}

/* ---- asked nonsense ------------------------------------------------------ */

/* What the process answers to a request; the sentence is in the record. */
static enum rc
ask(struct child *c, struct span request)
{
	WIPED(buf) answer = { 0 };
	struct span body;
	uint32_t code;

	check_ok(frame_send(c->sock, request, -1, "token"));
	check_ok(
	    frame_recv(c->sock, WIRE_ANSWER_MAX, 20, &answer, NULL, "token"));
	body = buf_span(&answer);
	assert_true(span_take_u32(&body, &code));
	return code == RC_OK ? RC_OK : wire_take_error(body, code);
}

static void
a_malformed_request_is_refused_and_the_next_served(void **state)
{
	struct token_options options = { .module = card_path };
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) request = { 0 };

	(void)state;
	check_ok(child_start(&c, "token", helper_main, &options, NULL, 0));
	assert_int_equal(ask(&c, SPAN_NONE), RC_BUG);
	for (uint32_t op = 0; op <= WIRE_OPS; op++) {
		/* Nothing where something is wanted, or too much. */
		for (size_t more = 0; more < 2; more++) {
			bool bare = op == WIRE_KEYS || op == WIRE_LOGIN ||
				    op == WIRE_CAN || op == WIRE_KEYGEN ||
				    op == WIRE_CONFINE ||
				    op == WIRE_NEWEST;

			buf_reset(&request);
			check_ok(buf_add_u32(&request, op));
			if (more == 1)
				check_ok(buf_add_str(&request, "\2\0\0\0\0x"));
			if (bare && more == 0)
				continue;
			err_clear();
			assert_int_not_equal(
			    ask(&c, buf_span(&request)), RC_OK);
			if (op != WIRE_CAN && op != WIRE_KEYGEN)
				assert_string_equal(err_text(),
				    "the token process got a malformed "
				    "request");
		}
	}
	/* A text with a zero in it is none. */
	buf_reset(&request);
	check_ok(buf_add_u32(&request, WIRE_OPEN));
	check_ok(buf_add_u32(&request, 1));
	check_ok(buf_add_lv(&request, span_of("a\0b", 3)));
	assert_int_equal(ask(&c, buf_span(&request)), RC_BUG);
	/* Signing with what is no key, or no scheme. */
	buf_reset(&request);
	check_ok(buf_add_u32(&request, WIRE_SIGN));
	check_ok(buf_add_u32(&request, 0));
	check_ok(buf_add_u32(&request, 0));
	check_ok(buf_add_lv(&request, span_of(digest, 32)));
	assert_int_equal(ask(&c, buf_span(&request)), RC_BUG);
	buf_reset(&request);
	check_ok(buf_add_u32(&request, WIRE_LIST));
	check_ok(buf_add_u32(&request, 0));
	check_ok(ask(&c, buf_span(&request)));
	/* It says that it cannot go on, by its end. */
	buf_reset(&request);
	check_ok(buf_reserve(&request, WIRE_REQUEST_MAX + 1));
	memset(request.p, 0, WIRE_REQUEST_MAX + 1);
	request.n = WIRE_REQUEST_MAX + 1;
	check_ok(frame_send(c.sock, buf_span(&request), -1, "token"));
	assert_int_equal(child_stop(&c, 20), RC_OK);
}

/* ---- answers that are none ----------------------------------------------- */

/* Our end talks to `ret_peer` and no more to the process that it started,
 * which ends. Its socket has the number that is free before it starts. */
static struct token *
subverted(int *ret_peer)
{
	const struct token_options options = { .module = card_path };
	struct token *token = NULL;
	int next = dup(0), pair[2];

	(void)close(next);
	check_ok(token_start(&token, &options));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup2(pair[0], next), next);
	(void)close(pair[0]);
	*ret_peer = pair[1];
	return token;
}

static void
answer(int peer, struct span body)
{
	WIPED(buf) record = { 0 };

	check_ok(buf_add_u32(&record, RC_OK));
	check_ok(buf_add_span(&record, body));
	check_ok(frame_send(peer, buf_span(&record), -1, "us"));
}

/* Every call that wants something in the answer. */
static enum rc
call_number(struct token *token, int i)
{
	struct token_info info, *infos = NULL;
	struct token_key key = { 0 }, *keys = NULL;
	const struct token_setup setup = { .module = "m", .label = "l" };
	WIPED(buf) a = { 0 }, b = { 0 };
	unsigned handle;
	double rate;
	size_t n;

	switch (i) {
	case 0:
		return token_list(token, NULL, &infos, &n);
	case 1:
		return token_open(token, NULL, &info);
	case 2:
		return token_keys(token, &keys, &n);
	case 3:
		return token_find_key(token, NULL, &key);
	case 4:
		return token_attestation(token, span_str("x"), &a, &b);
	case 5:
		return token_keygen(token, "ec-p256", "l", SPAN_NONE, &key);
	case 6:
		return token_init(token, &setup, &info);
	case 7:
		return token_use_key(token, span_str("x"), &handle);
	default:
		return token_bench(token, 0, 1, 1, &rate);
	}
}

#define CALLS 9

static void
an_answer_that_is_too_short_is_our_bug(void **state)
{
	struct token *token;
	char long_text[300];
	int peer;

	(void)state;
	memset(long_text, '\xff', sizeof(long_text));
	token = subverted(&peer);
	for (int i = 0; i < CALLS; i++) {
		answer(peer, SPAN_NONE);
		assert_int_equal(call_number(token, i), RC_BUG);
		answer(peer, span_str("\1"));
		assert_int_equal(call_number(token, i), RC_BUG);
		/* A count and lengths beyond all that follows. */
		if (i < 7) {
			answer(peer, span_of(long_text, sizeof(long_text)));
			assert_int_equal(call_number(token, i), RC_BUG);
		}
		/* A count that fits, of items that do not. */
		if (i == 0 || i == 2) {
			answer(peer, span_of("\0\0\0\1\0\0\0\7", 8));
			assert_int_equal(call_number(token, i), RC_BUG);
		}
	}
	/* Not even a code. */
	check_ok(frame_send(peer, span_str("\1"), -1, "us"));
	assert_int_equal(call_number(token, 0), RC_BUG);
	/* A code that is none. */
	check_ok(frame_send(peer, span_of("\0\0\0\143", 4), -1, "us"));
	assert_int_equal(call_number(token, 0), RC_BUG);
	(void)close(peer);
	token_free(token);
}

static void
without_memory_no_answer_is_half_taken(void **state)
{
	struct token *token;
	int peer;

	(void)state;
	token = subverted(&peer);
	for (int i = 0; i < 3; i += 2) {
		answer(peer, span_of("\0\0\0\0", 4));
		fail_nth("calloc", 1, ENOMEM);
		assert_int_equal(call_number(token, i), RC_IO);
		assert_non_null(fail_stop());
	}
	(void)close(peer);
	token_free(token);
	fail_nth("calloc", 1, ENOMEM);
	token = NULL;
	assert_int_equal(
	    token_start(&token, &(struct token_options){ 0 }), RC_IO);
	assert_non_null(fail_stop());
	fail_nth("fork", 1, EAGAIN);
	assert_int_equal(
	    token_start(&token, &(struct token_options){ 0 }), RC_IO);
	assert_non_null(fail_stop());
	assert_null(token);
}

static void
a_process_that_is_gone_is_not_asked_again(void **state)
{
	struct token *token;
	WIPED(buf) sig = { 0 };
	struct token_info info;
	int peer;

	(void)state;
	token = subverted(&peer);
	(void)close(peer);
	assert_int_equal(token_open(token, NULL, &info), RC_TOKEN);
	assert_int_equal(strncmp(err_text(), "the token: ", 11), 0);
	check_says(token_open(token, NULL, &info), RC_TOKEN,
	    "the token process has ended");
	check_says(token_sign_recv(token, 1, &sig), RC_TOKEN,
	    "the token process has ended");
	check_says(token_login(token), RC_TOKEN, "the token process has ended");
	token_sign_flush(token);
	token_free(token);
	token_free(NULL);
}

static void
an_answer_over_the_cap_ends_it(void **state)
{
	struct token *token;
	struct token_info info;
	int peer;

	(void)state;
	token = subverted(&peer);
	assert_int_equal(write(peer, "\1\0\0\0", 4), 4);
	assert_int_equal(token_open(token, NULL, &info), RC_TOKEN);
	check_says(token_open(token, NULL, &info), RC_TOKEN,
	    "the token process has ended");
	(void)close(peer);
	token_free(token);
}

static void
nothing_else_is_asked_while_signatures_are_out(void **state)
{
	struct token *token;
	WIPED(buf) sig = { 0 };
	struct token_info info;
	int peer;

	(void)state;
	token = subverted(&peer);
	check_ok(token_sign_send(token, 0, TOKEN_ECDSA, span_of(digest, 32)));
	check_says(token_open(token, NULL, &info), RC_BUG,
	    "signatures are outstanding");
	answer(peer, span_str("sig"));
	check_ok(token_sign_recv(token, 5, &sig));
	assert_true(span_eq_str(buf_span(&sig), "sig"));
	answer(peer, SPAN_NONE);
	check_ok(token_login(token));
	(void)close(peer);
	token_free(token);
}

#define fresh(test) cmocka_unit_test_setup(test, card_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(after_one_failed_signature_there_is_no_other),
		fresh(the_card_goes_at_each_step),
		fresh(a_key_that_cannot_sign_is_not_used),
		fresh(a_key_of_no_known_type_is_not_used),
		fresh(a_key_in_use_keeps_its_number),
		fresh(that_a_key_wants_its_pin_each_time_is_learned),
		fresh(a_pin_that_is_wrong_by_now_is_learned_nothing_from),
		fresh(a_login_that_the_card_forgot_is_repeated_once),
		fresh(asked_for_each_a_logout_that_fails_ends_it),
		fresh(tokens_keys_and_attestations_are_told),
		fresh(an_empty_token_is_set_up_and_described),
		fresh(a_malformed_request_is_refused_and_the_next_served),
		fresh(an_answer_that_is_too_short_is_our_bug),
		fresh(without_memory_no_answer_is_half_taken),
		fresh(a_process_that_is_gone_is_not_asked_again),
		fresh(an_answer_over_the_cap_ends_it),
		fresh(nothing_else_is_asked_while_signatures_are_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_all, remove_all);
}
