/* SPDX-License-Identifier: Apache-2.0 */
#include "token/card/spki.h"

#include "base/own_ssl.h"

#include <openssl/core_names.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

static const uint8_t p256_oid[] = { 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
	7 };
static const uint8_t p521_oid[] = { 0x06, 5, 0x2b, 0x81, 0x04, 0, 0x23 };

/* The base point of P-256 (SEC 2, 2.4.2): the public key of the scalar 1. */
static const uint8_t p256_g[] = { 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
	0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
	0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
	0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
	0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
	0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };

/* RFC 5480 2: what stands before the point in the SPKI. */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

static void
expect_p256(struct span point)
{
	struct key_type type = { KEY_OTHER, 0 };
	WIPED(buf) spki = { 0 };

	assert_int_equal(spki_from_ec(span_of(p256_oid, sizeof(p256_oid)),
			     point, &type, &spki),
	    RC_OK);
	assert_int_equal(type.kind, KEY_P256);
	assert_int_equal(spki.n, sizeof(p256_head) + sizeof(p256_g));
	assert_memory_equal(spki.p, p256_head, sizeof(p256_head));
	assert_memory_equal(spki.p + sizeof(p256_head), p256_g, sizeof(p256_g));
}

static void
a_point_is_taken_wrapped_and_bare(void **state)
{
	uint8_t wrapped[2 + sizeof(p256_g)] = { 0x04, sizeof(p256_g) };

	(void)state;
	memcpy(wrapped + 2, p256_g, sizeof(p256_g));
	expect_p256(span_of(p256_g, sizeof(p256_g)));
	expect_p256(span_of(wrapped, sizeof(wrapped)));
}

static void
expect_no_point(const uint8_t *point, size_t n)
{
	struct key_type type;
	WIPED(buf) spki = { 0 };

	assert_int_equal(spki_from_ec(span_of(p256_oid, sizeof(p256_oid)),
			     span_of(point, n), &type, &spki),
	    RC_TOKEN);
	assert_int_equal(spki.n, 0);
	assert_non_null(strstr(err_text(), "the token's public key"));
}

static void
what_is_no_point_of_the_curve_is_refused(void **state)
{
	uint8_t bad[sizeof(p256_g)];

	(void)state;
	memcpy(bad, p256_g, sizeof(bad));
	bad[64] ^= 1; /* off the curve */
	expect_no_point(bad, sizeof(bad));
	bad[64] ^= 1;
	bad[0] = 0x06; /* hybrid */
	expect_no_point(bad, sizeof(bad));
	bad[0] = 0x02; /* compressed */
	expect_no_point(bad, 33);
	expect_no_point((const uint8_t *)"", 1); /* infinity */
	expect_no_point(p256_g, sizeof(p256_g) - 1);
}

static void
another_curve_is_another_type(void **state)
{
	struct key_type type = { KEY_RSA, 1 };
	WIPED(buf) spki = { 0 };

	(void)state;
	assert_int_equal(spki_from_ec(span_of(p521_oid, sizeof(p521_oid)),
			     span_of(p256_g, sizeof(p256_g)), &type, &spki),
	    RC_OK);
	assert_int_equal(type.kind, KEY_OTHER);
	assert_int_equal(spki.n, 0);
}

/* OpenSSL's own key, taken apart as a token would show it and put together. */
static void
an_rsa_key_comes_back_the_same(void **state)
{
	OWN(EVP_PKEY) *key = EVP_RSA_gen(2048);
	OWN(BIGNUM) *n = NULL;
	OWN(ssl_bytes) *der = NULL;
	WIPED(buf) spki = { 0 }, again = { 0 };
	uint8_t modulus[257] = { 0 }; /* some modules put a zero in front */
	static const uint8_t e[] = { 1, 0, 1 };
	struct key_type type;
	int len;

	(void)state;
	assert_int_equal(
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(BN_bn2binpad(n, modulus + 1, 256), 256);
	len = i2d_PUBKEY(key, &der);
	for (size_t skip = 0; skip < 2; skip++) {
		buf_reset(&spki);
		assert_int_equal(
		    spki_from_rsa(span_of(modulus + skip, 257 - skip),
			span_of(e, sizeof(e)), &type, &spki),
		    RC_OK);
		assert_int_equal(type.kind, KEY_RSA);
		assert_int_equal(type.bits, 2048);
		assert_true(
		    span_eq(buf_span(&spki), span_of(der, (size_t)len)));
	}
	assert_int_equal(spki_from_der(buf_span(&spki), &type, &again), RC_OK);
	assert_int_equal(type.bits, 2048);
	assert_true(span_eq(buf_span(&spki), buf_span(&again)));
	assert_int_equal(spki_from_rsa(span_of(modulus, 64),
			     span_of(e, sizeof(e)), &type, &spki),
	    RC_TOKEN);
}

static void
der_with_bytes_behind_it_is_refused(void **state)
{
	uint8_t der[sizeof(p256_head) + sizeof(p256_g) + 1] = { 0 };
	struct key_type type;
	WIPED(buf) spki = { 0 };

	(void)state;
	memcpy(der, p256_head, sizeof(p256_head));
	memcpy(der + sizeof(p256_head), p256_g, sizeof(p256_g));
	assert_int_equal(
	    spki_from_der(span_of(der, sizeof(der) - 1), &type, &spki), RC_OK);
	assert_int_equal(type.kind, KEY_P256);
	assert_int_equal(
	    spki_from_der(span_of(der, sizeof(der)), &type, &spki), RC_TOKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_point_is_taken_wrapped_and_bare),
		cmocka_unit_test(what_is_no_point_of_the_curve_is_refused),
		cmocka_unit_test(another_curve_is_another_type),
		cmocka_unit_test(an_rsa_key_comes_back_the_same),
		cmocka_unit_test(der_with_bytes_behind_it_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
