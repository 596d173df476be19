/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriber keys: shape from bytes, and what takes arithmetic. */
#include "transfer/x509/key.h"

#include "base/own_ssl.h"
#include "tests/lib/vector.h"
#include "transfer/x509/der_out.h"
#include "transfer/x509/key_arith.h"

#include <dirent.h>

/* An RSA SPKI with a modulus of so many bits, odd, all ones, and an exponent.
 */
static void
make_rsa(unsigned bits, uint64_t exponent, struct buf *ret)
{
	static const uint8_t alg[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
		0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	WIPED(buf) numbers = { 0 };
	WIPED(buf) key = { 0 };
	WIPED(buf) body = { 0 };
	uint8_t modulus[2048], e[8];
	size_t n = (bits + 7) / 8, skip = 0;

	memset(modulus, 0xff, sizeof(modulus));
	modulus[0] = (uint8_t)(0xff >> (8 * n - bits));
	for (size_t i = 0; i < 8; i++)
		e[i] = (uint8_t)(exponent >> (56 - 8 * i));
	while (skip < 8 && e[skip] == 0)
		skip++;
	check_ok(der_put_unsigned(&numbers, span_of(modulus, n)));
	check_ok(der_put_unsigned(&numbers, span_of(e + skip, 8 - skip)));
	check_ok(buf_add_byte(&key, 0));
	check_ok(der_put(&key, DER_SEQUENCE, buf_span(&numbers)));
	check_ok(buf_add(&body, alg, sizeof(alg)));
	check_ok(der_put(&body, DER_BIT_STRING, buf_span(&key)));
	check_ok(der_put(ret, DER_SEQUENCE, buf_span(&body)));
}

static enum rc
rsa_shape(unsigned bits, uint64_t exponent, struct key_facts *ret)
{
	WIPED(buf) spki = { 0 };

	make_rsa(bits, exponent, &spki);
	return key_shape("k", buf_span(&spki), ret);
}

/* RFC 3279 2.3.1, in what a CA certificate or a CSR that was read has. */
static void
rsa_has_null_for_its_parameters(void **state)
{
	static const uint8_t end[] = { 0x01, 0x05, 0x00, 0x03 };
	WIPED(buf) spki = { 0 };
	struct key_facts key;
	uint8_t *at;

	(void)state;
	make_rsa(2048, 65537, &spki);
	at = memmem(spki.p, spki.n, end, sizeof(end));
	assert_non_null(at);
	at[1] = 0x04;
	check_refused(key_shape("k", buf_span(&spki), &key), "KEY-DER",
	    "k: RSA key: its parameters are not NULL");
}

static void
rsa_has_2048_to_8192_bits_in_steps_of_8(void **state)
{
	static const unsigned good[] = { 2048, 2056, 3072, 3744, 8184, 8192 };
	struct key_facts key;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check_ok(rsa_shape(good[i], 65537, &key));
		assert_int_equal(key.kind, KEY_RSA);
		assert_int_equal(key.bits, good[i]);
	}
	check_refused(rsa_shape(2040, 65537, &key), "KEY-RSA-SIZE",
	    "k: an RSA key of 2040 bits; wanted 2048 to 8192, a multiple of 8");
	check_refused(rsa_shape(2047, 65537, &key), "KEY-RSA-SIZE", NULL);
	check_refused(rsa_shape(2049, 65537, &key), "KEY-RSA-SIZE", NULL);
	check_refused(rsa_shape(8200, 65537, &key), "KEY-RSA-SIZE", NULL);
}

static void
an_exponent_is_odd_and_at_least_65537(void **state)
{
	struct key_facts key;

	(void)state;
	check_ok(rsa_shape(2048, 65537, &key));
	check_ok(rsa_shape(2048, 65539, &key));
	check_ok(rsa_shape(2048, UINT64_MAX, &key));
	check_refused(rsa_shape(2048, 65535, &key), "KEY-RSA-EXPONENT",
	    "k: the RSA exponent is 65535; wanted an odd one of at least "
	    "65537");
	check_refused(rsa_shape(2048, 65538, &key), "KEY-RSA-EXPONENT", NULL);
	check_refused(rsa_shape(2048, 3, &key), "KEY-RSA-EXPONENT", NULL);
	check_refused(rsa_shape(2048, 1, &key), "KEY-RSA-EXPONENT", NULL);
	check_refused(rsa_shape(2048, 0, &key), "KEY-RSA-EXPONENT", NULL);
}

static void
a_key_is_strict_der(void **state)
{
	WIPED(buf) spki = { 0 };
	struct key_facts key;

	(void)state;
	make_rsa(2048, 65537, &spki);
	check_ok(key_shape("k", buf_span(&spki), &key));
	for (size_t n = 0; n < spki.n; n++)
		check_refused(
		    key_shape("k", span_of(spki.p, n), &key), "KEY-DER", NULL);
	check_ok(buf_add_byte(&spki, 0));
	check_refused(key_shape("k", buf_span(&spki), &key), "KEY-DER",
	    "k: key: bytes behind the value at byte 294");
}

/* DER, and no SEQUENCE of an algorithm with an OID and a BIT STRING. */
static void
a_key_has_an_algorithm_and_bits(void **state)
{
	static const struct {
		const char *der;
		size_t n;
	} none[] = {
		{ "\x05\x00", 2 },
		{ "\x30\x00", 2 },
		{ "\x30\x04\x05\x00\x05\x00", 6 },
		{ "\x30\x06\x30\x02\x05\x00\x05\x00", 8 },
		{ "\x30\x08\x30\x02\x05\x00\x03\x02\x00\x01", 10 },
		{ "\x30\x0b\x30\x03\x06\x01\x2a\x03\x02\x00\x01\x05\x00", 13 },
	};
	struct key_facts key;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		check_refused(
		    key_shape("k",
			span_of((const uint8_t *)none[i].der, none[i].n), &key),
		    "KEY-DER", "k: not a SubjectPublicKeyInfo");
	check_refused(key_shape("k",
			  span_of((const uint8_t *)"\x30\x09\x30\x03\x06\x01"
						   "\x2a\x03\x02\x00\x01",
			      11),
			  &key),
	    "KEY-TYPE", NULL);
}

/* ---- arithmetic ---------------------------------------------------------- */

static enum rc
check_file(const char *file)
{
	WIPED(buf) spki = { 0 };
	OWN(EVP_PKEY) *key = NULL;
	struct key_facts facts;

	vector_read("key", file, &spki);
	return key_check("k", buf_span(&spki), &facts, &key);
}

static void
the_faulty_generator_is_known_by_its_keys(void **state)
{
	(void)state;
	check_refused(check_file("roca.der"), "KEY-ROCA",
	    "k: the RSA modulus has the fingerprint of the faulty Infineon "
	    "generator");
	check_ok(check_file("roca-but-for-11.der"));
}

static void
a_hundred_rounds_of_fermat_find_nothing(void **state)
{
	(void)state;
	check_refused(check_file("square.der"), "KEY-CLOSE-PRIMES", NULL);
	check_refused(check_file("close-100.der"), "KEY-CLOSE-PRIMES",
	    "k: the RSA modulus falls to 100 rounds of Fermat's method: its "
	    "primes are close together");
	check_ok(check_file("close-101.der"));
}

static void
a_modulus_has_no_small_factor(void **state)
{
	(void)state;
	check_refused(check_file("even.der"), "KEY-RSA-MODULUS",
	    "k: the RSA modulus is even");
	check_refused(check_file("factor-751.der"), "KEY-RSA-MODULUS",
	    "k: 751 divides the RSA modulus");
	check_ok(check_file("factor-757.der"));
}

static void
published_keys_are_refused_with_their_source(void **state)
{
	DIR *dir = opendir("tests/vectors/key");
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "known-", 6) != 0)
			continue;
		check_refused(check_file(entry->d_name), "KEY-BLOCKED", NULL);
		n++;
	}
	(void)closedir(dir);
	assert_int_equal(n, 17);
	check_refused(check_file("known-rfc-6979-a-2-5-1.der"), "KEY-BLOCKED",
	    "k: the private half of this key is public: RFC 6979 A.2.5");
}

/* ---- Ed25519 ------------------------------------------------------------- */

static enum rc
check_ed25519(const uint8_t point[static 32])
{
	uint8_t spki[44] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
		0x70, 0x03, 0x21, 0x00 };
	OWN(EVP_PKEY) *key = NULL;
	struct key_facts facts;

	memcpy(spki + 12, point, 32);
	return key_check("k", span_of(spki, sizeof(spki)), &facts, &key);
}

static void
an_ed25519_point_is_canonical_and_of_no_small_order(void **state)
{
	uint8_t point[32];

	(void)state;
	memset(point, 0xff, sizeof(point));
	point[31] = 0x7f;
	for (unsigned low = 0xec; low <= 0xff; low++) {
		point[0] = (uint8_t)low;
		/* p - 1 has order 2; from p on nothing is canonical */
		check_refused(check_ed25519(point), "KEY-ED25519-POINT",
		    low == 0xec ? "k: the Ed25519 point has a small order"
				: "k: the Ed25519 point is not in its "
				  "canonical form (RFC 8032 5.1.3)");
	}
	point[0] = 0xeb;
	check_ok(check_ed25519(point));
	memset(point, 0, sizeof(point));
	check_refused(check_ed25519(point), "KEY-ED25519-POINT", NULL);
	point[0] = 1;
	check_refused(check_ed25519(point), "KEY-ED25519-POINT", NULL);
	point[31] = 0x80;
	check_refused(check_ed25519(point), "KEY-ED25519-POINT", NULL);
	point[0] = 2;
	check_ok(check_ed25519(point));
}

static void
an_id_is_the_sha256_of_the_spki(void **state)
{
	WIPED(buf) spki = { 0 };
	struct key_facts key;
	char hex[SHA256_HEX];

	(void)state;
	/* RFC 9500 testECCP256; others publish its digest, too */
	vector_read("key", "known-rfc-9500-2-3-1.der", &spki);
	check_ok(key_shape("k", buf_span(&spki), &key));
	hex_write(span_of(key.id, sizeof(key.id)), hex);
	assert_string_equal(hex, "b2b04340cfaee616ec9c2c62d261b208e54bb197498df"
				 "52e8cadede23ac0ba5e");
	assert_int_equal(key.kind, KEY_P256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsa_has_null_for_its_parameters),
		cmocka_unit_test(rsa_has_2048_to_8192_bits_in_steps_of_8),
		cmocka_unit_test(a_key_has_an_algorithm_and_bits),
		cmocka_unit_test(an_exponent_is_odd_and_at_least_65537),
		cmocka_unit_test(a_key_is_strict_der),
		cmocka_unit_test(the_faulty_generator_is_known_by_its_keys),
		cmocka_unit_test(a_hundred_rounds_of_fermat_find_nothing),
		cmocka_unit_test(a_modulus_has_no_small_factor),
		cmocka_unit_test(published_keys_are_refused_with_their_source),
		cmocka_unit_test(
		    an_ed25519_point_is_canonical_and_of_no_small_order),
		cmocka_unit_test(an_id_is_the_sha256_of_the_spki),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
