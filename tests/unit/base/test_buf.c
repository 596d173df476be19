/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/hex.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <wchar.h>

static void
what_is_added_stands_in_order(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	check_ok(buf_add_str(&b, "ab"));
	check_ok(buf_add_byte(&b, 'c'));
	check_ok(buf_add_span(&b, span_str("de")));
	check_ok(buf_add_span(&b, SPAN_NONE));
	check_ok(buf_printf(&b, "%d%s", 42, "f"));
	assert_true(span_eq_str(buf_span(&b), "abcde42f"));
	assert_string_equal(buf_cstr(&b), "abcde42f");
	assert_int_equal(b.n, 8);
}

static void
growth_keeps_every_byte(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		check_ok(buf_add_byte(&b, (uint8_t)(i % 251)));
	assert_int_equal(b.n, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], i % 251);
}

static void
a_text_as_long_as_the_room_still_gets_its_end(void **state)
{
	for (size_t n = 60; n < 70; n++) {
		WIPED(buf) b = { 0 };

		for (size_t i = 0; i < n; i++)
			check_ok(buf_add_byte(&b, 'x'));
		assert_int_equal(strlen(buf_cstr(&b)), n);
		check_ok(buf_printf(&b, "%s", ""));
		assert_int_equal(b.n, n);
	}
	(void)state;
}

static void
the_last_bytes_can_be_kept_where_they_lie(void **state)
{
	WIPED(buf) b = { 0 };
	const uint8_t *p;

	(void)state;
	check_ok(buf_add_str(&b, "head and tail"));
	p = b.p;
	buf_keep_last(&b, 13);
	assert_true(span_eq_str(buf_span(&b), "head and tail"));
	buf_keep_last(&b, 4);
	assert_true(span_eq_str(buf_span(&b), "tail"));
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.p[4], 0); /* the rest is wiped */
	buf_keep_last(&b, 0);
	assert_int_equal(b.n, 0);
}

static void
the_first_bytes_can_be_kept(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	check_ok(buf_add_str(&b, "head and tail"));
	buf_cut(&b, 13);
	assert_true(span_eq_str(buf_span(&b), "head and tail"));
	buf_cut(&b, 4);
	assert_true(span_eq_str(buf_span(&b), "head"));
	assert_int_equal(b.p[4], 0); /* the rest is wiped */
	assert_int_equal(b.p[12], 0);
	buf_cut(&b, 0);
	assert_int_equal(b.n, 0);
}

static void
as_much_is_reserved_as_is_asked_for(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	check_ok(buf_reserve(&b, 1000003));
	assert_int_equal(b.cap, 1000003);
	b.n = b.cap;
	check_ok(buf_add_byte(&b, 1)); /* and twice for one that grows */
	assert_int_equal(b.cap, 2000006);
	b.n = 0;
}

static void
more_than_memory_is_an_error_and_changes_nothing(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	check_ok(buf_add_str(&b, "kept"));
	assert_int_equal(buf_reserve(&b, SIZE_MAX), RC_IO);
	assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), RC_IO);
	assert_string_equal(err_text(), "out of memory");
	assert_true(span_eq_str(buf_span(&b), "kept"));
}

static void
reset_wipes_but_keeps_the_room(void **state)
{
	WIPED(buf) b = { 0 };
	size_t cap;

	(void)state;
	check_ok(buf_add_str(&b, "secret"));
	cap = b.cap;
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.cap, cap);
	assert_memory_equal(b.p, "\0\0\0\0\0\0", 6);
	buf_wipe(&b);
	buf_wipe(&b);
	buf_wipe(NULL);
	assert_null(b.p);
}

static void
integers_are_big_endian(void **state)
{
	WIPED(buf) b = { 0 };
	char text[2 * 17 + 1];
	struct span s, bytes;
	uint32_t four;
	uint64_t eight;

	(void)state;
	check_ok(buf_add_u32(&b, 0x01020304));
	check_ok(buf_add_u64(&b, UINT64_C(0xf1f2f3f4f5f6f7f8)));
	check_ok(buf_add_lv(&b, span_str("x")));
	hex_write(buf_span(&b), text);
	assert_string_equal(text, "01020304f1f2f3f4f5f6f7f80000000178");
	s = buf_span(&b);
	assert_true(span_take_u32(&s, &four));
	assert_int_equal(four, 0x01020304);
	assert_true(span_take_u64(&s, &eight));
	assert_true(eight == UINT64_C(0xf1f2f3f4f5f6f7f8));
	assert_true(span_take_lv(&s, &bytes));
	assert_true(span_eq_str(bytes, "x"));
	assert_int_equal(s.n, 0);
}

static void
a_short_record_gives_nothing(void **state)
{
	static const uint8_t says_two_has_one[] = { 0, 0, 0, 2, 'x' };
	static const uint8_t three[] = { 1, 2, 3 };
	struct span s, bytes;
	uint32_t four;
	uint64_t eight;

	(void)state;
	s = span_of(says_two_has_one, sizeof(says_two_has_one));
	assert_false(span_take_lv(&s, &bytes));
	s = span_of(three, sizeof(three));
	assert_false(span_take_u32(&s, &four));
	s = span_of(says_two_has_one, sizeof(says_two_has_one));
	assert_false(span_take_u64(&s, &eight));
	s = SPAN_NONE;
	assert_false(span_take_u32(&s, &four));
}

static void
a_span_knows_what_lies_within_it(void **state)
{
	static const uint8_t bytes[8] = { 0 };
	struct span whole = span_of(bytes, 4);

	(void)state;
	assert_true(span_within(span_of(bytes, 4), whole));
	assert_true(span_within(span_of(bytes + 4, 0), whole));
	assert_false(span_within(span_of(bytes + 1, 4), whole));
	assert_false(span_within(span_of(bytes + 4, 1), whole));
	assert_true(span_eq(SPAN_NONE, span_of(bytes, 0)));
}

static void
hex_reads_what_it_writes_and_no_more(void **state)
{
	uint8_t bytes[4];
	size_t n;

	(void)state;
	assert_true(hex_read("00Ff:a0 1b", bytes, 4));
	assert_memory_equal(bytes, "\x00\xff\xa0\x1b", 4);
	assert_false(hex_read("00ffa0", bytes, 4));
	assert_false(hex_read("00ffa01b2c", bytes, 4));
	assert_false(hex_read("00ffa01", bytes, 4));
	assert_false(hex_read("0x00ffa0", bytes, 4));
	assert_false(hex_read("0:0ffa01b", bytes, 4));
	assert_false(hex_read_some("", bytes, 4, &n));
	assert_true(hex_read_some("ab", bytes, 4, &n));
	assert_int_equal(n, 1);
}

static void
sha256_gives_the_published_digests(void **state)
{
	/* FIPS 180-2 appendix B.1 and B.2. */
	static const char *const cases[][2] = {
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410f"
			 "f61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419"
		    "db06c1" },
	};
	uint8_t digest[SHA256_LEN], twice[SHA256_LEN];
	char text[SHA256_HEX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span all = span_str(cases[i][0]);

		check_ok(sha256(all, digest));
		hex_write(span_of(digest, sizeof(digest)), text);
		assert_string_equal(text, cases[i][1]);
		check_ok(sha256_two(
		    span_of(all.p, 2), span_of(all.p + 2, all.n - 2), twice));
		assert_memory_equal(digest, twice, sizeof(digest));
	}
}

static void
without_memory_what_was_there_stays(void **state)
{
	char long_text[200];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	FAIL_EACH("malloc", ENOMEM)
	{
		WIPED(buf) b = { 0 };
		const char *failed;
		enum rc rc = buf_add_str(&b, "kept");

		if (rc == RC_OK)
			rc = buf_add(&b, long_text, sizeof(long_text));
		if (rc == RC_OK)
			rc = buf_printf(&b, "%500s", "");
		failed = fail_stop();
		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
		if (failed == NULL) {
			assert_int_equal(b.n, 4 + sizeof(long_text) + 500);
			continue;
		}
		assert_string_equal(err_text(), "out of memory");
		assert_true(b.n == 0 || memcmp(b.p, "kept", 4) == 0);
	}
}

static void
a_full_one_without_memory_has_no_end(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	check_ok(buf_add(&b, "0123456789", 10));
	check_ok(buf_reserve(&b, b.cap - b.n));
	b.n = b.cap;
	fail_nth("malloc", 1, ENOMEM);
	assert_null(buf_cstr(&b));
	assert_string_equal(fail_stop(), "malloc");
	assert_non_null(buf_cstr(&b));
}

static void
what_has_no_text_is_our_bug(void **state)
{
	WIPED(buf) b = { 0 };

	(void)state;
	/* No character of the C locale. */
	assert_int_equal(buf_printf(&b, "%lc", (wint_t)0x20ac), RC_BUG);
	assert_string_equal(err_text(), "a text could not be formatted");
	assert_int_equal(b.n, 0);
}

static void
a_length_that_four_bytes_cannot_hold_is_our_bug(void **state)
{
	WIPED(buf) b = { 0 };
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(
	    buf_add_lv(&b, span_of(&byte, (size_t)UINT32_MAX + 1)), RC_BUG);
	assert_string_equal(err_text(), "a record of 4294967296 bytes");
	assert_int_equal(b.n, 0);
}

/* Runs first: the context is made once and kept. */
static void
a_digest_is_whole_or_an_error(void **state)
{
	unsigned rounds = 0;

	(void)state;
	FAIL_EACH("EVP_MD_CTX_new EVP_DigestInit_ex2 EVP_DigestUpdate "
		  "EVP_DigestFinal_ex",
	    0)
	{
		uint8_t digest[SHA256_LEN];
		enum rc rc = sha256(span_str("abc"), digest);
		const char *failed = fail_stop();

		if (failed == NULL) {
			check_ok(rc);
			assert_int_equal(digest[0], 0xba);
			continue;
		}
		rounds++;
		assert_int_equal(
		    rc, strcmp(failed, "EVP_MD_CTX_new") == 0 ? RC_IO : RC_BUG);
	}
	assert_int_equal(rounds, 4); /* the second made the context */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_whole_or_an_error),
		cmocka_unit_test(what_is_added_stands_in_order),
		cmocka_unit_test(growth_keeps_every_byte),
		cmocka_unit_test(a_text_as_long_as_the_room_still_gets_its_end),
		cmocka_unit_test(the_last_bytes_can_be_kept_where_they_lie),
		cmocka_unit_test(the_first_bytes_can_be_kept),
		cmocka_unit_test(as_much_is_reserved_as_is_asked_for),
		cmocka_unit_test(
		    more_than_memory_is_an_error_and_changes_nothing),
		cmocka_unit_test(reset_wipes_but_keeps_the_room),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(a_short_record_gives_nothing),
		cmocka_unit_test(a_span_knows_what_lies_within_it),
		cmocka_unit_test(hex_reads_what_it_writes_and_no_more),
		cmocka_unit_test(sha256_gives_the_published_digests),
		cmocka_unit_test(without_memory_what_was_there_stays),
		cmocka_unit_test(a_full_one_without_memory_has_no_end),
		cmocka_unit_test(what_has_no_text_is_our_bug),
		cmocka_unit_test(
		    a_length_that_four_bytes_cannot_hold_is_our_bug),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
