/* SPDX-License-Identifier: Apache-2.0 */
#include "token/card/sign.h"

#include "base/own_ssl.h"
#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <openssl/rsa.h>

static const uint8_t digest[64] = { 0xd1, 0x6e, 0x57 };

/* OpenSSL knows DigestInfo too: recover what it signed with PKCS#1 padding. */
static void
expect_digest_info(const EVP_MD *md, size_t len)
{
	OWN(EVP_PKEY) *key = EVP_RSA_gen(2048);
	OWN(EVP_PKEY_CTX) *sign = EVP_PKEY_CTX_new(key, NULL);
	OWN(EVP_PKEY_CTX) *open = EVP_PKEY_CTX_new(key, NULL);
	uint8_t sig[256], info[256], ours[DIGEST_INFO_MAX];
	size_t n_sig = sizeof(sig), n_info = sizeof(info);
	size_t n = sign_digest_info(span_of(digest, len), ours);

	assert_int_equal(EVP_PKEY_sign_init(sign), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(sign, md), 1);
	assert_int_equal(EVP_PKEY_sign(sign, sig, &n_sig, digest, len), 1);
	assert_int_equal(EVP_PKEY_verify_recover_init(open), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(open, RSA_PKCS1_PADDING), 1);
	assert_int_equal(
	    EVP_PKEY_verify_recover(open, info, &n_info, sig, n_sig), 1);
	assert_true(span_eq(span_of(info, n_info), span_of(ours, n)));
}

static void
digest_info_is_what_openssl_signs(void **state)
{
	(void)state;
	expect_digest_info(EVP_sha256(), 32);
	expect_digest_info(EVP_sha384(), 48);
	expect_digest_info(EVP_sha512(), 64);
}

static void
another_digest_is_a_bug(void **state)
{
	uint8_t info[DIGEST_INFO_MAX];
	struct sign_input in;

	(void)state;
	assert_int_equal(sign_digest_info(span_of(digest, 20), info), 0);
	assert_int_equal(
	    sign_input_init(&in, (struct key_type){ KEY_P256, 256 },
		TOKEN_ECDSA, span_of(digest, 20)),
	    RC_BUG);
}

static void
scheme_and_key_go_together(void **state)
{
	const struct key_type ec = { KEY_P256, 256 }, rsa = { KEY_RSA, 3744 },
			      other = { KEY_OTHER, 0 };
	const struct span d = span_of(digest, 32);
	struct sign_input in;

	(void)state;
	assert_int_equal(sign_input_init(&in, ec, TOKEN_ECDSA, d), RC_OK);
	assert_int_equal(sign_input_init(&in, rsa, TOKEN_RSA_PSS, d), RC_OK);
	assert_int_equal(sign_input_init(&in, ec, TOKEN_RSA_PKCS1, d), RC_BUG);
	assert_int_equal(sign_input_init(&in, rsa, TOKEN_ECDSA, d), RC_BUG);
	assert_int_equal(sign_input_init(&in, other, TOKEN_ECDSA, d), RC_BUG);
}

static void
a_long_digest_is_cut_for_a_short_curve(void **state)
{
	struct sign_input in;

	(void)state;
	assert_int_equal(
	    sign_input_init(&in, (struct key_type){ KEY_P256, 256 },
		TOKEN_ECDSA, span_of(digest, 64)),
	    RC_OK);
	assert_int_equal(in.n, 32);
	assert_memory_equal(in.data, digest, 32);
	assert_int_equal(
	    sign_input_init(&in, (struct key_type){ KEY_P384, 384 },
		TOKEN_ECDSA, span_of(digest, 32)),
	    RC_OK);
	assert_int_equal(in.n, 32);
}

static void
the_pss_salt_is_as_long_as_the_hash(void **state)
{
	struct sign_input in;

	(void)state;
	assert_int_equal(
	    sign_input_init(&in, (struct key_type){ KEY_RSA, 2048 },
		TOKEN_RSA_PSS, span_of(digest, 48)),
	    RC_OK);
	assert_int_equal(in.mechanism.mechanism, CKM_RSA_PKCS_PSS);
	assert_ptr_equal(in.mechanism.pParameter, &in.pss);
	assert_int_equal(in.pss.sLen, 48);
	assert_int_equal(in.pss.hashAlg, CKM_SHA384);
	assert_int_equal(in.pss.mgf, CKG_MGF1_SHA384);
}

static void
signatures_have_the_length_of_their_key(void **state)
{
	(void)state;
	assert_int_equal(
	    key_signature_len((struct key_type){ KEY_P256, 256 }), 64);
	assert_int_equal(
	    key_signature_len((struct key_type){ KEY_P384, 384 }), 96);
	assert_int_equal(
	    key_signature_len((struct key_type){ KEY_RSA, 3744 }), 468);
	assert_int_equal(
	    key_signature_len((struct key_type){ KEY_OTHER, 0 }), 0);
}

/* ---- on a card that fails ------------------------------------------------ */

static const struct signer p256_key = { .object = 1,
	.type = { KEY_P256, 256 } };

static void
begin(struct session *s, struct login *l, struct sign_input *in)
{
	(void)card_reset(NULL);
	(void)card_object(CKO_PRIVATE_KEY);
	card_session(s);
	check_ok(login_init(l, false, false));
	(void)strcpy(l->pin->text, FAKE_PIN);
	l->pin->len = strlen(FAKE_PIN);
	l->done = true;
	check_ok(sign_input_init(
	    in, p256_key.type, TOKEN_ECDSA, span_of(digest, 32)));
}

static void
a_signature_is_as_long_as_its_key_wants(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };
	WIPED(buf) sig = { 0 };
	struct signer signer = p256_key;
	struct sign_input in;

	(void)state;
	begin(&s, &l, &in);
	check_ok(sign_run(&s, &l, &signer, &in, &sig));
	assert_int_equal(sig.n, 64);
	assert_int_equal(sig.p[63], 64);
	card->signature = 63;
	check_says(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN,
	    CARD_NAME ": gave a signature of 63 bytes, 64 wanted");
	card->signature = 65;
	check_says(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN,
	    CARD_NAME ": gave a signature of 65 bytes, 64 wanted");
	assert_int_equal(sig.n, 64);
}

static void
after_an_error_the_session_is_another(void **state)
{
	static const struct {
		enum fake_call call;
		CK_RV rv;
		const char *words;
	} cases[] = {
		{ FAKE_SIGN_INIT, CKR_KEY_HANDLE_INVALID,
		    CARD_NAME ": cannot sign: the key is gone from the token "
			      "(CKR_KEY_HANDLE_INVALID)" },
		{ FAKE_SIGN, CKR_DEVICE_REMOVED,
		    CARD_NAME ": did not sign: the token was removed "
			      "(CKR_DEVICE_REMOVED)" },
		{ FAKE_SIGN, CKR_FUNCTION_FAILED,
		    CARD_NAME ": did not sign: the module could not do it "
			      "(CKR_FUNCTION_FAILED)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		WIPED(session) s = { 0 };
		WIPED(login) l = { 0 };
		WIPED(buf) sig = { 0 };
		struct signer signer = p256_key;
		struct sign_input in;

		begin(&s, &l, &in);
		card_answers(cases[i].call, 1, cases[i].rv);
		check_says(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN,
		    cases[i].words);
		assert_int_equal(sig.n, 0);
		assert_int_equal(card->answer[FAKE_OPEN_SESSION].calls, 2);
		assert_int_equal(card->sessions, 1);
		assert_int_equal(card->answer[cases[i].call].calls, 1);
		assert_true(l.done);
		/* Without another session the login is gone as well, and the
		 * sentence is still the first one. */
		card_answers(FAKE_OPEN_SESSION, 1, CKR_DEVICE_REMOVED);
		check_says(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN,
		    cases[i].words);
		assert_false(l.done);
	}
}

static void
a_key_that_wants_a_login_each_time_gets_one(void **state)
{
	struct signer signer = p256_key;
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };
	WIPED(buf) sig = { 0 };
	struct sign_input in;

	(void)state;
	begin(&s, &l, &in);
	signer.always_authenticate = true;
	check_ok(sign_run(&s, &l, &signer, &in, &sig));
	check_ok(sign_run(&s, &l, &signer, &in, &sig));
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 2);
	card_answers(FAKE_LOGIN, 1, CKR_PIN_INCORRECT);
	card_answers(FAKE_SIGN, 1, CKR_OK);
	assert_int_equal(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN);
	assert_non_null(strstr(err_text(), "wrong PIN"));
	assert_int_equal(sign_run(&s, &l, &signer, &in, &sig), RC_TOKEN);
	assert_int_equal(card->answer[FAKE_LOGIN].calls, 1);
	assert_int_equal(card->answer[FAKE_SIGN].calls, 0);
	assert_int_equal(sig.n, 128);
}

static void
the_rate_counts_only_what_was_signed(void **state)
{
	struct signer signer = p256_key;
	WIPED(session) s = { 0 };
	WIPED(login) l = { 0 };
	struct sign_input in;
	double rate = -1;

	(void)state;
	begin(&s, &l, &in);
	card_answers(FAKE_SIGN, 3, CKR_DEVICE_ERROR);
	check_says(sign_bench(&s, &l, &signer, 1, 1, &rate), RC_TOKEN,
	    CARD_NAME ": did not sign: the token or its reader reports an "
		      "error (CKR_DEVICE_ERROR)");
	assert_int_equal(card->sessions, 1);
	card_answers(FAKE_OPEN_SESSION, 2, CKR_SESSION_COUNT);
	check_says(sign_bench(&s, &l, &signer, 1, 3, &rate), RC_TOKEN,
	    CARD_NAME ": no session: the token takes no further session "
		      "(CKR_SESSION_COUNT)");
	assert_int_equal(card->sessions, 1);
	card_answers(FAKE_OPEN_SESSION, 1, CKR_OK);
	signer.type = (struct key_type){ KEY_OTHER, 0 };
	assert_int_equal(sign_bench(&s, &l, &signer, 1, 1, &rate), RC_TOKEN);
	fail_nth("calloc", 1, ENOMEM);
	assert_int_equal(sign_bench(&s, &l, &signer, 1, 1, &rate), RC_IO);
	assert_non_null(fail_stop());
	assert_true(rate < 0);
	signer = p256_key;
	signer.always_authenticate = true;
	card_answers(FAKE_SIGN, 1, CKR_OK);
	card_answers(FAKE_LOGIN, 2, CKR_USER_ALREADY_LOGGED_IN);
	check_ok(sign_bench(&s, &l, &signer, 1, 1, &rate));
	assert_true(rate > 0);
	assert_true(card->answer[FAKE_LOGIN].calls > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_info_is_what_openssl_signs),
		cmocka_unit_test(another_digest_is_a_bug),
		cmocka_unit_test(scheme_and_key_go_together),
		cmocka_unit_test(a_long_digest_is_cut_for_a_short_curve),
		cmocka_unit_test(the_pss_salt_is_as_long_as_the_hash),
		cmocka_unit_test(signatures_have_the_length_of_their_key),
		cmocka_unit_test(a_signature_is_as_long_as_its_key_wants),
		cmocka_unit_test(after_an_error_the_session_is_another),
		cmocka_unit_test(a_key_that_wants_a_login_each_time_gets_one),
		cmocka_unit_test(the_rate_counts_only_what_was_signed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
