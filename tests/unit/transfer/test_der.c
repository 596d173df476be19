/* SPDX-License-Identifier: Apache-2.0 */
/* The strict DER walker: encodings that mean something, and their doubles. */
#include "transfer/x509/der.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"
#include "transfer/x509/cidr.h"
#include "transfer/x509/pem.h"

/* clang-format off */
static const struct {
	const char *bytes;
	size_t n;
	const char *what; /* NULL: strict */
} cases[] = {
#define B(s) s, sizeof(s) - 1
#define TIME "a time that is not to the second in UTC"
	{ B("\x05\x00"), NULL },
	{ B(""), "no DER value" },
	{ B("\x05"), "no DER value" },
	{ B("\x05\x01\x00"), "a NULL with content" },
	{ B("\x05\x00\x00"), "bytes behind the value" },
	{ B("\x30\x80\x00\x00"), "no DER value" },
	{ B("\x04\x81\x01\x00"), "no DER value" },
	{ B("\x1f\x01\x00"), "no DER value" },
	{ B("\x01\x01\x00"), NULL },
	{ B("\x01\x01\xff"), NULL },
	{ B("\x01\x01\x01"), "a BOOLEAN that is neither 00 nor FF" },
	{ B("\x02\x01\x00"), NULL },
	{ B("\x02\x00"), "an INTEGER that is not in its shortest form" },
	{ B("\x02\x02\x00\x7f"), "an INTEGER that is not in its shortest form" },
	{ B("\x02\x02\x00\x80"), NULL },
	{ B("\x02\x02\xff\x80"), "an INTEGER that is not in its shortest form" },
	{ B("\x03\x02\x07\x80"), NULL },
	{ B("\x03\x02\x07\x81"), "a BIT STRING whose unused bits are not zero" },
	{ B("\x03\x01\x01"), "a BIT STRING whose unused bits are not zero" },
	{ B("\x03\x02\x08\x00"), "a BIT STRING whose unused bits are not zero" },
	{ B("\x06\x02\x2a\x03"), NULL },
	{ B("\x06\x02\x2a\x83"), "a malformed OBJECT IDENTIFIER" },
	{ B("\x06\x03\x2a\x80\x03"), "a malformed OBJECT IDENTIFIER" },
	{ B("\x0c\x02\xc3\xbc"), NULL },
	{ B("\x0c\x01\xc3"), "a UTF8String that is not UTF-8" },
	{ B("\x24\x03\x04\x01\x00"), "a string in pieces" },
	{ B("\x31\x06\x02\x01\x01\x02\x01\x02"), NULL },
	{ B("\x31\x06\x02\x01\x02\x02\x01\x01"), "a SET that is not in order" },
	{ B("\x30\x03\x02\x01"), "no DER value" },
	{ B("\x30\x02\x02\x01"), "a header that is not DER" },
	{ B("\x09\x01\x00"), "a type that has no place here" },
	{ B("\x17\x0d" "491231235959Z"), NULL },
	{ B("\x17\x0b" "4912312359Z"), TIME },
	{ B("\x17\x0d" "4912312359590"), TIME },
	{ B("\x17\x0d" "49123123595xZ"), TIME },
	{ B("\x18\x0f" "20500101000000Z"), NULL },
	{ B("\x18\x11" "20500101000000.0Z"), TIME },
	{ B("\x31\x02\x02\x01"), "a header that is not DER" },
	{ B("\x80\x01\x00"), NULL },
};
/* clang-format on */

static void
one_encoding_of_each_value(void **state)
{
	const char *what;
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good =
		    der_check(span_of(cases[i].bytes, cases[i].n), &what, &at);

		if (good != (cases[i].what == NULL))
			fail_msg("case %zu: %s", i, good ? "passes" : what);
		if (!good)
			assert_string_equal(what, cases[i].what);
	}
}

static void
nesting_is_bounded(void **state)
{
	WIPED(buf) inner = { 0 };
	const char *what;
	size_t at;

	(void)state;
	check_ok(der_put(&inner, DER_NULL, SPAN_NONE));
	for (int depth = 1; depth <= DER_DEPTH_MAX + 1; depth++) {
		WIPED(buf) outer = { 0 };

		check_ok(der_put(&outer, DER_SEQUENCE, buf_span(&inner)));
		buf_reset(&inner);
		check_ok(buf_add_span(&inner, buf_span(&outer)));
		assert_int_equal(der_check(buf_span(&inner), &what, &at),
		    depth <= DER_DEPTH_MAX);
	}
	assert_string_equal(what, "nested too deeply");
}

static void
oids_are_shown_in_dots(void **state)
{
	char text[DER_OID_TEXT];

	(void)state;
	der_oid_text(span_of("\x2a\x86\x48\xce\x3d", 5), text);
	assert_string_equal(text, "1.2.840.10045");
	der_oid_text(span_of("\x88\x37", 2), text);
	assert_string_equal(text, "2.999");
	der_oid_text(span_of("\x69\x9d\xbd\x8a\xd3\xae\xb0\x92\xab\xd5\x99\xc2"
			     "\xc5\xb1\xd0\x83\xb9\x9f\x0a",
			 19),
	    text);
	assert_string_equal(text, "?"); /* an arc of 128 bits */
	der_oid_text(SPAN_NONE, text);
	assert_string_equal(text, "?");
}

static void
a_range_is_canonical_and_holds_its_own(void **state)
{
	static const char *const bad[] = { "192.0.2.0", "192.0.2.0/",
		"192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/024",
		"2001:db8::/129", "2001:DB8::/32", "/0", "192.0.2.0/1x" };
	struct cidr cidr;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cidr_read(bad[i], &cidr));
	assert_true(cidr_read("0.0.0.0/0", &cidr));
	assert_true(cidr_holds(&cidr, span_str("255.255.255.255")));
	assert_false(cidr_holds(&cidr, span_str("::1")));
	assert_true(cidr_read("192.0.2.128/25", &cidr));
	assert_false(cidr_holds(&cidr, span_str("192.0.2.127")));
	assert_true(cidr_holds(&cidr, span_str("192.0.2.128")));
}

/* ---- text ---- */

static void
each_string_type_has_its_own_characters(void **state)
{
	static const struct {
		uint8_t tag;
		const char *bytes;
		size_t n;
		bool good;
	} texts[] = {
		{ DER_UTF8_STRING, "caf\xc3\xa9", 5, true },
		{ DER_UTF8_STRING, "caf\xc3", 4, false },
		{ DER_UTF8_STRING, "a\x1b", 2, false },
		{ DER_UTF8_STRING, "\xc2\x9f", 2, false }, /* a C1 control */
		{ DER_UTF8_STRING, "\xc2\xa0", 2, true },
		{ DER_PRINTABLE_STRING, "a b", 3, true },
		{ DER_PRINTABLE_STRING, "a\x7f", 2, false },
		{ DER_IA5_STRING, "\xe9", 1, false },
		{ DER_T61_STRING, "\xe9", 1, true },
		{ DER_T61_STRING, "\x9b", 1, false },
		{ DER_BMP_STRING, "\0a\0b", 4, true },
		{ DER_BMP_STRING, "\0a\0", 3, false },
		{ DER_BMP_STRING, "\0\x1b", 2, false },
		{ DER_BMP_STRING, "\xd8\0", 2, false }, /* half a pair */
		{ DER_BMP_STRING, "\xe0\0", 2, true },
		{ DER_UNIVERSAL_STRING, "\0\x10\xff\xff", 4, true },
		{ DER_UNIVERSAL_STRING, "\0\x11\0\0", 4, false },
		{ DER_UNIVERSAL_STRING, "\0\0\0", 3, false },
		{ DER_OCTET_STRING, "a", 1, false }, /* no string */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (der_is_text(texts[i].tag,
			span_of(texts[i].bytes, texts[i].n)) != texts[i].good)
			fail_msg("text %zu", i);
}

static void
an_address_too_long_is_in_no_range(void **state)
{
	struct cidr range;
	char text[80];

	(void)state;
	memset(text, '1', sizeof(text));
	assert_true(cidr_read("192.0.2.0/24", &range));
	assert_true(cidr_holds(&range, span_str("192.0.2.7")));
	assert_false(cidr_holds(&range, span_of(text, sizeof(text))));
	assert_false(cidr_holds(&range, SPAN_NONE));
}

/* ---- PEM ---- */

static enum rc
first_block(const char *text, struct buf *ret)
{
	struct span rest = span_str(text);
	bool more = false;

	return pem_next("f", "THING", &rest, ret, &more);
}

static void
pem_is_blocks_and_nothing_besides(void **state)
{
#define BEGIN "-----BEGIN THING-----"
#define END "-----END THING-----"
	static const char *const broken[] = {
		BEGIN "\nQUJD\n\n" END "\n",	 /* an empty line */
		BEGIN "\nQUI=\nQUJD\n" END "\n", /* more behind padding */
		BEGIN "\nQUJ\n" END "\n",	 /* not a multiple of four */
		BEGIN "\nQ===\n" END "\n",
		BEGIN "\n=QUJ\n" END "\n",
		BEGIN "\nQU JD\n" END "\n",
		BEGIN "\n" END "\n", /* nothing in it */
		BEGIN "\nQUJD\n-----END OTHER-----\n",
	};
	WIPED(buf) der = { 0 };
	struct span rest = span_str(
	    BEGIN "\r\nQUJD\r\nRA==\r\n" END "\r\n" BEGIN "\nQQ==\n" END);
	bool more = false;

	(void)state;
	check_ok(pem_next("f", "THING", &rest, &der, &more));
	assert_true(more && span_eq_str(buf_span(&der), "ABCD"));
	check_ok(pem_next("f", "THING", &rest, &der, &more));
	assert_true(more && span_eq_str(buf_span(&der), "A"));
	check_ok(pem_next("f", "THING", &rest, &der, &more));
	assert_false(more);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		assert_int_equal(first_block(broken[i], &der), RC_FORMAT);
		assert_string_equal(err_text(), "f: broken PEM of a THING");
	}
	assert_int_equal(first_block(BEGIN "\nQUJD\n", &der), RC_FORMAT);
	assert_string_equal(err_text(), "f: PEM of a THING without an end");
	assert_int_equal(first_block("x\n" BEGIN "\n", &der), RC_FORMAT);
	assert_string_equal(err_text(), "f: not PEM of a THING");
}

static void
without_memory_there_is_no_block(void **state)
{
	(void)state;
	FAIL_EACH("malloc", 0)
	{
		WIPED(buf) out = { 0 }, back = { 0 };
		struct span rest;
		const char *failed;
		bool more;
		enum rc rc = pem_write("THING", span_str("ABC"), &out);

		rest = buf_span(&out);
		if (rc == RC_OK)
			rc = pem_next("f", "THING", &rest, &back, &more);
		failed = fail_stop();
		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
	}
}

/* RFC 5280 4.1.2.5: the border of the two types is the year 2050; 5.3.2 wants a
 * GeneralizedTime in any year. */
static void
a_time_has_the_one_type_of_its_year(void **state)
{
	static const struct {
		const char *der;
		size_t n;
		int64_t at; /* -1: none */
		bool generalized;
	} times[] = {
		{ B("\x17\x0d"
		    "700101000000Z"),
		    0, false },
		{ B("\x17\x0d"
		    "500101000000Z"),
		    -631152000, false },
		{ B("\x17\x0d"
		    "491231235959Z"),
		    2524607999, false },
		{ B("\x17\x0d"
		    "240229120000Z"),
		    1709208000, false },
		{ B("\x17\x0d"
		    "230229120000Z"),
		    -1, false },
		{ B("\x17\x0d"
		    "240230120000Z"),
		    -1, false },
		{ B("\x17\x0d"
		    "241301120000Z"),
		    -1, false },
		{ B("\x17\x0d"
		    "240101240000Z"),
		    -1, false },
		{ B("\x17\x0d"
		    "24010124000zZ"),
		    -1, false },
		{ B("\x17\x0b"
		    "2401012400Z"),
		    -1, false },
		{ B("\x18\x0f"
		    "20500101000000Z"),
		    2524608000, true },
		{ B("\x18\x0f"
		    "99991231235959Z"),
		    253402300799, true },
		{ B("\x18\x0f"
		    "20491231235959Z"),
		    -1, true },
		{ B("\x18\x0e"
		    "2050010100000Z"),
		    -1, false },
		{ B("\x02\x01\x00"), -1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct span in = span_of(times[i].der, times[i].n);
		struct span same = in;
		int64_t at = 7;

		assert_int_equal(der_take_time(&in, &at), times[i].at != -1);
		assert_int_equal(in.n, times[i].at != -1 ? 0 : times[i].n);
		if (times[i].at != -1)
			assert_int_equal(at, times[i].at);
		assert_int_equal(
		    der_take_generalized(&same, &at), times[i].generalized);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_encoding_of_each_value),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(oids_are_shown_in_dots),
		cmocka_unit_test(a_range_is_canonical_and_holds_its_own),
		cmocka_unit_test(each_string_type_has_its_own_characters),
		cmocka_unit_test(an_address_too_long_is_in_no_range),
		cmocka_unit_test(a_time_has_the_one_type_of_its_year),
		cmocka_unit_test(pem_is_blocks_and_nothing_besides),
		cmocka_unit_test(without_memory_there_is_no_block),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
