/* SPDX-License-Identifier: Apache-2.0 */
/* The strict DER walker: encodings that mean something, and their doubles. */
#include "transfer/x509/der.h"

#include "tests/lib/check.h"
#include "transfer/x509/cidr.h"

/* clang-format off */
static const struct {
	const char *bytes;
	size_t n;
	const char *what; /* NULL: strict */
} cases[] = {
#define B(s) s, sizeof(s) - 1
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_encoding_of_each_value),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(oids_are_shown_in_dots),
		cmocka_unit_test(a_range_is_canonical_and_holds_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
