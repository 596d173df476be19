/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/x509/signature.h"

#include "base/buf.h"
#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

static const char text[] = "what is signed";

struct signed_text {
	EVP_PKEY *key;
	const char *digest;
	uint8_t sig[512];
	size_t n;
};

static void
sign_text(const char *type, const char *digest, struct signed_text *s)
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();

	s->digest = digest;
	s->n = sizeof(s->sig);
	s->key = strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048)
		 : strcmp(type, "EC") == 0
		     ? EVP_EC_gen("P-256")
		     : EVP_PKEY_Q_keygen(NULL, NULL, type);
	assert_non_null(s->key);
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, s->key, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, s->sig, &s->n,
			     (const uint8_t *)text, sizeof(text)),
	    1);
}

static enum rc
asked(const struct signed_text *s, struct span sig, bool *ret_good)
{
	return signature_of_message("it", s->key, s->digest, sig,
	    span_of(text, sizeof(text)), ret_good);
}

static const char *const types[][2] = { { "EC", "SHA256" }, { "RSA", "SHA384" },
	{ "ED25519", NULL } };

static void
yes_and_no_are_answers(void **state)
{
	bool good;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct signed_text s;

		sign_text(types[i][0], types[i][1], &s);
		check_ok(asked(&s, span_of(s.sig, s.n), &good));
		assert_true(good);
		/* another, a short one, none, one with something behind it */
		s.sig[s.n - 1] ^= 1;
		check_ok(asked(&s, span_of(s.sig, s.n), &good));
		assert_false(good);
		s.sig[s.n - 1] ^= 1;
		check_ok(asked(&s, span_of(s.sig, s.n - 1), &good));
		assert_false(good);
		check_ok(asked(&s, SPAN_NONE, &good));
		assert_false(good);
		s.sig[s.n] = 0;
		check_ok(asked(&s, span_of(s.sig, s.n + 1), &good));
		assert_false(good);
		EVP_PKEY_free(s.key);
	}
}

/* OpenSSL calls each of these an error. */
static void
an_ecdsa_signature_that_is_none_is_a_no(void **state)
{
	static const char *const forms[] = {
		"\x30\x06\x02\x01\x00\x02\x01\x00",	/* zeros */
		"\x30\x06\x02\x01\xff\x02\x01\x01",	/* a negative number */
		"\x30\x07\x02\x02\x00\x01\x02\x01\x01", /* not the shortest */
		"\x30\x03\x02\x01\x01",
		"\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01",
		"\x31\x06\x02\x01\x01\x02\x01\x01",
		"\x30\x06\x04\x01\x01\x02\x01\x01",
		"\x30\x80\x02\x01\x01\x02\x01\x01",
	};
	static const size_t lengths[] = { 8, 8, 9, 5, 11, 8, 8, 8 };
	struct signed_text s;

	(void)state;
	sign_text("EC", "SHA256", &s);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		bool good = true;

		check_ok(asked(&s, span_of(forms[i], lengths[i]), &good));
		assert_false(good);
	}
	EVP_PKEY_free(s.key);
}

static void
what_fails_is_no_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct signed_text s;

		sign_text(types[i][0], types[i][1], &s);
		FAIL_EACH(
		    "EVP_MD_CTX_new EVP_DigestVerifyInit_ex EVP_DigestVerify",
		    ENOMEM)
		{
			bool good = false;
			enum rc rc = asked(&s, span_of(s.sig, s.n), &good);
			const char *failed = fail_stop();

			assert_int_equal(good, failed == NULL);
			assert_int_equal(rc == RC_OK, failed == NULL);
			assert_int_equal(rule_spoken(), RULE_NONE);
			err_shortage_clear();
			err_clear();
		}
		EVP_PKEY_free(s.key);
	}
}

static void
a_hash_is_answered_alike(void **state)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct signed_text s;

	(void)state;
	sign_text("EC", "SHA256", &s);
	(void)SHA256((const uint8_t *)text, sizeof(text), hash);
	FAIL_EACH("EVP_PKEY_verify", 0)
	{
		OWN(EVP_PKEY_CTX) *ctx =
		    EVP_PKEY_CTX_new_from_pkey(NULL, s.key, NULL);
		const char *failed;
		bool good = false;
		enum rc rc;

		assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
		rc = signature_of_hash("it", ctx, span_of(s.sig, s.n),
		    span_of(hash, sizeof(hash)), &good);
		failed = fail_stop();
		assert_int_equal(good, failed == NULL);
		assert_int_equal(rc == RC_OK, failed == NULL);
		if (failed != NULL)
			assert_non_null(strstr(err_text(),
			    "it: its signature could not be verified"));
		else {
			check_ok(signature_of_hash("it", ctx,
			    span_of(s.sig, s.n - 1),
			    span_of(hash, sizeof(hash)), &good));
			assert_false(good);
		}
	}
	EVP_PKEY_free(s.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yes_and_no_are_answers),
		cmocka_unit_test(an_ecdsa_signature_that_is_none_is_a_no),
		cmocka_unit_test(what_fails_is_no_answer),
		cmocka_unit_test(a_hash_is_answered_alike),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
