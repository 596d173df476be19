/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/format/cbor_in.h"

#include "tests/lib/check.h"

#define IN(text) \
	{ \
		.from = "f", .rest = { \
			(const uint8_t *)(text), \
			sizeof(text) - 1 \
		} \
	}

static void
numbers_within_their_range_are_taken(void **state)
{
	static const char bytes[] = "\x05\x18\xff\x19\x01\x00"
				    "\x1a\x00\x01\x00\x00"
				    "\x1b\xff\xff\xff\xff\xff\xff\xff\xff";
	static const uint64_t wanted[] = { 5, 255, 256, 65536, UINT64_MAX };
	struct cbor_in in = IN(bytes);
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		check_ok(
		    cbor_take_uint(&in, "n", wanted[i], wanted[i], &value));
		assert_true(value == wanted[i]);
	}
	assert_int_equal(in.rest.n, 0);
}

static void
numbers_outside_it_leave_the_cursor_where_it_was(void **state)
{
	struct cbor_in in = IN("\x05");
	uint64_t value = 77;

	(void)state;
	check_refused(cbor_take_uint(&in, "count", 6, 9, &value), "CBOR-SCHEMA",
	    "f: count: found 5, wanted a number of 6 to 9");
	in.where = "requests[3]";
	check_refused(cbor_take_uint(&in, "count", 1, 4, &value), "CBOR-SCHEMA",
	    "f: requests[3]: count: found 5, wanted a number of 1 to 4");
	assert_int_equal(value, 77);
	assert_int_equal(in.rest.n, 1);
}

static void
negative_numbers_are_taken_as_far_as_64_bits_go(void **state)
{
	static const char bytes[] = "\x26\x38\x22\x39\x01\x00\x3a\x00\x01\x00"
				    "\x00\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"
				    "\x03";
	static const int64_t wanted[] = { -7, -35, -257, -65537, INT64_MIN, 3 };
	struct cbor_in in = IN(bytes);
	struct cbor_in under = IN("\x3b\x80\x00\x00\x00\x00\x00\x00\x00");
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		check_ok(cbor_take_int(&in, "n", &value));
		assert_true(value == wanted[i]);
	}
	check_refused(cbor_take_int(&under, "alg", &value), "CBOR-SCHEMA",
	    "f: alg: found -1 - 9223372036854775808, wanted a number of 64 "
	    "bits");
}

static void
strings_are_taken_by_kind_and_length(void **state)
{
	struct cbor_in in = IN("\x42xy\x62zw");
	struct span s;

	(void)state;
	check_refused(cbor_take_text(&in, "label", 1, 9, &s), "CBOR-SCHEMA",
	    "f: label: found a byte string of 2 bytes, wanted a text of 1 to 9 "
	    "bytes");
	check_refused(cbor_take_bytes(&in, "serial", 3, 3, &s), "CBOR-SCHEMA",
	    "f: serial: found a byte string of 2 bytes, wanted a byte string "
	    "of "
	    "3 bytes");
	check_refused(
	    cbor_take_bytes(&in, "serial", 0, 1, &s), "CBOR-SCHEMA", NULL);
	check_ok(cbor_take_bytes(&in, "serial", 2, 2, &s));
	assert_true(span_eq_str(s, "xy"));
	check_refused(
	    cbor_take_text(&in, "label", 3, 9, &s), "CBOR-SCHEMA", NULL);
	check_ok(cbor_take_text(&in, "label", 2, 9, &s));
	assert_true(span_eq_str(s, "zw"));
}

static void
containers_are_taken_by_count(void **state)
{
	struct cbor_in in = IN("\x82\xa1\x01\x02\xf6");
	uint64_t n;
	bool is_null;

	(void)state;
	check_refused(cbor_take_map(&in, "head", &n), "CBOR-SCHEMA",
	    "f: head: found an array of 2, wanted a map of 0 or more");
	check_refused(cbor_take_array(&in, "pair", 3, 3, &n), "CBOR-SCHEMA",
	    "f: pair: found an array of 2, wanted an array of 3");
	check_ok(cbor_take_array(&in, "pair", 2, 2, &n));
	check_ok(cbor_take_null(&in, &is_null));
	assert_false(is_null);
	check_ok(cbor_take_map(&in, "head", &n));
	assert_int_equal(n, 1);
	in.rest = span_of(in.rest.p + 2, 1);
	check_ok(cbor_take_null(&in, &is_null));
	assert_true(is_null);
	assert_int_equal(in.rest.n, 0);
	check_refused(cbor_take_null(&in, &is_null), "CBOR-SCHEMA", NULL);
}

static void
keys_come_one_by_one_and_end(void **state)
{
	struct cbor_in in = IN("\x01\x18\xff");
	struct cbor_in wide = IN("\x19\x01\x00\x00");
	uint64_t pairs = 2;
	int key;

	(void)state;
	check_ok(cbor_next_key(&in, &pairs, &key));
	assert_int_equal(key, 1);
	check_ok(cbor_next_key(&in, &pairs, &key));
	assert_int_equal(key, 255);
	check_ok(cbor_next_key(&in, &pairs, &key));
	assert_int_equal(key, -1);
	pairs = 1;
	check_refused(cbor_next_key(&wide, &pairs, &key), "CBOR-SCHEMA",
	    "f: key: found 256, wanted a number of 0 to 255");
}

static void
missing_and_unknown_keys_are_named(void **state)
{
	const struct cbor_in in = { .from = "f" };

	(void)state;
	check_ok(cbor_keys_check(&in, "head", 0x2, 0x2, 0x4));
	check_ok(cbor_keys_check(&in, "head", 0x6, 0x2, 0x4));
	check_refused(cbor_keys_check(&in, "head", 0x4, 0x2, 0x4),
	    "CBOR-SCHEMA", "f: head: key 1 is missing");
	check_refused(cbor_keys_check(&in, "head", 0xa, 0x2, 0x4),
	    "CBOR-SCHEMA", "f: head: key 3 has no place here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_within_their_range_are_taken),
		cmocka_unit_test(
		    numbers_outside_it_leave_the_cursor_where_it_was),
		cmocka_unit_test(
		    negative_numbers_are_taken_as_far_as_64_bits_go),
		cmocka_unit_test(strings_are_taken_by_kind_and_length),
		cmocka_unit_test(containers_are_taken_by_count),
		cmocka_unit_test(keys_come_one_by_one_and_end),
		cmocka_unit_test(missing_and_unknown_keys_are_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
