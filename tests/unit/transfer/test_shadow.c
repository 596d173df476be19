/* SPDX-License-Identifier: Apache-2.0 */
/* The vector was made by python's scrypt and AES-256-GCM:
 * tests/vectors/format/make.py. */
#include "transfer/format/shadow.h"

#include "base/file.h"
#include "tests/lib/check.h"
#include "tests/lib/fail_each.h"

#include <fcntl.h>

#define VECTOR "tests/vectors/format/shadow.cose"
#define PASSPHRASE "0001-0203-0405-0607-0809-0a0b-0c0d-0e0f"
#define PLAIN_LEN 768

static struct buf vector;
static uint8_t plain[PLAIN_LEN];

static int
setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLAIN_LEN; i++)
		plain[i] = (uint8_t)i;
	return file_read(AT_FDCWD, VECTOR, 4096, &vector) == RC_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	buf_wipe(&vector);
	return 0;
}

static void
opens(const char *passphrase, bool wanted)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) got = { 0 };
	bool opened;

	check_ok(shadow_open(
	    "f", buf_span(&vector), span_str(passphrase), &key, &opened, &got));
	assert_int_equal(opened, wanted);
	assert_int_equal(got.n, wanted ? PLAIN_LEN : 0);
	if (wanted)
		assert_memory_equal(got.p, plain, PLAIN_LEN);
}

static void
what_others_sealed_is_opened(void **state)
{
	(void)state;
	opens(PASSPHRASE, true);
	opens("00010203 04050607 08090A0B 0C0D0E0F", true);
}

static void
a_wrong_passphrase_is_told_from_a_failure(void **state)
{
	(void)state;
	opens("0001-0203-0405-0607-0809-0a0b-0c0d-0e0e", false);
	opens("", false);
}

static void
the_same_arguments_make_the_same_bytes(void **state)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) file = { 0 };
	uint8_t salt[SHADOW_SALT_LEN], iv[SHADOW_IV_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(iv); i++)
		iv[i] = (uint8_t)(100 + i);
	check_ok(
	    shadow_key_make(span_str(PASSPHRASE), salt, SHADOW_COST_MIN, &key));
	check_ok(shadow_seal(&key, iv, span_of(plain, PLAIN_LEN), &file));
	assert_true(span_eq(buf_span(&file), buf_span(&vector)));
}

/* Every byte is under the tag or is a fault of form: none opens it changed. */
static void
a_changed_file_opens_nothing(void **state)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) got = { 0 };
	bool opened = false;

	(void)state;
	for (size_t i = 0; i < vector.n; i++) {
		enum rc rc;

		vector.p[i] ^= 1;
		rc = shadow_open("f", buf_span(&vector), span_str(PASSPHRASE),
		    &key, &opened, &got);
		vector.p[i] ^= 1;
		assert_true(rc == RC_FORMAT || (rc == RC_OK && !opened));
		assert_int_equal(got.n, 0);
	}
}

static void
what_is_no_shadow_is_refused_by_form(void **state)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) got = { 0 };
	bool opened;
	struct span file = buf_span(&vector);

	(void)state;
	check_refused(
	    shadow_open("f", span_str("0"), span_str("x"), &key, &opened, &got),
	    "COSE-FORM",
	    "f: not a COSE_Encrypt0: it does not begin with tag 16");
	file.n--;
	check_rule(shadow_open("f", file, span_str("x"), &key, &opened, &got),
	    "CBOR", "f: ");
}

/* The vector with `put` where the `cut` bytes at `at` are. */
static void
refused_with(size_t at, size_t cut, struct span put, const char *rule,
    const char *sentence)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) file = { 0 };
	WIPED(buf) got = { 0 };
	bool opened;

	check_ok(buf_add(&file, vector.p, at));
	check_ok(buf_add_span(&file, put));
	check_ok(buf_add(&file, vector.p + at + cut, vector.n - at - cut));
	check_refused(shadow_open("f", buf_span(&file), span_str(PASSPHRASE),
			  &key, &opened, &got),
	    rule, sentence);
	assert_int_equal(got.n, 0);
}

static void
refused_with_byte(
    size_t at, uint8_t was, uint8_t is, const char *rule, const char *sentence)
{
	assert_int_equal(vector.p[at], was);
	refused_with(at, 1, span_of(&is, 1), rule, sentence);
}

/* Whatever the passphrase: before a key is made of it. */
static void
what_its_header_says_is_held_to_the_one_form(void **state)
{
	const size_t begin = 4, end = begin + vector.p[3];

	(void)state;
	refused_with_byte(
	    begin + 1, 1, 0, "COSE-FORM", "f: parameter 0 where 1 was wanted");
	refused_with_byte(
	    begin + 2, 3, 1, "COSE-ALG", "f: algorithm 1, wanted A256GCM");
	refused_with_byte(begin + 6, 'a', 'b', "COSE-TYPE",
	    "f: content type \"bpplication/vnd.airgap-ca.shadow-crl+cbor\", wanted application/vnd.airgap-ca.shadow-crl+cbor");
	refused_with_byte(
	    end - 3, SHADOW_COST_MIN, SHADOW_COST_MIN - 1, "COSE-FORM", NULL);
	refused_with_byte(end - 2, 8, 9, "COSE-FORM", NULL);
	refused_with_byte(end - 1, 1, 2, "COSE-FORM", NULL);
}

/* No tag is over the one, and the other leaves out what it is sealed with. */
static void
its_headers_hold_four_parameters_and_none(void **state)
{
	static const uint8_t alg_only[] = { 0xa1, 0x01, 0x03 };
	static const uint8_t header[] = { 0x43, 0xa1, 0x01, 0x03 };
	const size_t begin = 4, len = vector.p[3];

	(void)state;
	assert_int_equal(vector.p[2], 0x58); /* its length is one byte */
	assert_int_equal(vector.p[begin + len], 0xa0);
	refused_with(begin + len, 1, span_of(alg_only, sizeof(alg_only)),
	    "COSE-FORM", "f: the unprotected header is not empty");
	refused_with(begin - 2, 2 + len, span_of(header, sizeof(header)),
	    "COSE-FORM", "f: 1 parameters, wanted 4");
}

static void
a_passphrase_is_groups_of_hex(void **state)
{
	uint8_t bytes[SHADOW_PASS_BYTES];
	char text[SHADOW_PASS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	shadow_pass_write(bytes, text);
	assert_string_equal(text, PASSPHRASE);
}

static enum rc
open_once(void *arg)
{
	WIPED(shadow_key) key = { .known = false };
	WIPED(buf) got = { 0 };
	bool opened = false;
	enum rc rc = shadow_open(
	    "f", buf_span(&vector), span_str(PASSPHRASE), &key, &opened, &got);

	(void)arg;
	/* A failure is never "wrong passphrase". */
	assert_true(rc != RC_OK || opened);
	return rc;
}

static void
for_want_of_memory_nobody_can_tell(void **state)
{
	(void)state;
	each_fails(FAIL_MEMORY, open_once, NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_sealed_is_opened),
		cmocka_unit_test(a_wrong_passphrase_is_told_from_a_failure),
		cmocka_unit_test(the_same_arguments_make_the_same_bytes),
		cmocka_unit_test(a_changed_file_opens_nothing),
		cmocka_unit_test(what_is_no_shadow_is_refused_by_form),
		cmocka_unit_test(what_its_header_says_is_held_to_the_one_form),
		cmocka_unit_test(its_headers_hold_four_parameters_and_none),
		cmocka_unit_test(a_passphrase_is_groups_of_hex),
		cmocka_unit_test(for_want_of_memory_nobody_can_tell),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
