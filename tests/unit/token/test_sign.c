/* SPDX-License-Identifier: Apache-2.0 */
#include "token/card/sign.h"

#include "base/own_ssl.h"

#include <openssl/rsa.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
