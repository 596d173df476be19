/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"
#include "transfer/format/cbor_in.h"

#include "base/hex.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEM(text) span_of((text), sizeof(text) - 1)
#define APPENDIX_A "tests/vectors/cbor/rfc8949-appendix-a.txt"

static void
the_examples_of_rfc_8949_are_judged(void **state)
{
	FILE *f = fopen(APPENDIX_A, "r");
	char line[256], verdict[8], hex[200];
	size_t n, passed = 0, refused = 0;
	uint8_t item[100];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%7s %199s", verdict, hex), 2);
		assert_true(hex_read_some(hex, item, sizeof(item), &n));
		if (strcmp(verdict, "pass") == 0) {
			check_ok(cbor_in_check(hex, span_of(item, n)));
			passed++;
		} else {
			check_refused(
			    cbor_in_check(hex, span_of(item, n)), "CBOR", NULL);
			refused++;
		}
	}
	(void)fclose(f);
	assert_int_equal(passed, 37);
	assert_int_equal(refused, 44);
}

struct bad {
	struct span item;
	const char *sentence;
};

static void
check_all_refused(const struct bad *bad, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_refused(
		    cbor_in_check("f", bad[i].item), "CBOR", bad[i].sentence);
}

static void
heads_longer_than_needed_are_refused(void **state)
{
	static const char why[] =
	    "f: byte 0: a head is longer than its value needs";
	const struct bad bad[] = {
		{ ITEM("\x18\x17"), why },
		{ ITEM("\x19\x00\xff"), why },
		{ ITEM("\x1a\x00\x00\xff\xff"), why },
		{ ITEM("\x1b\0\0\0\0\xff\xff\xff\xff"), why },
		{ ITEM("\x38\x17"), why },
		{ ITEM("\x58\x01x"), why },
		{ ITEM("\x78\x01x"), why },
		{ ITEM("\x98\x01\x00"), why },
		{ ITEM("\xb8\x01\x00\x00"), why },
	};

	(void)state;
	check_ok(cbor_in_check("f", ITEM("\x18\x18")));
	check_ok(cbor_in_check("f", ITEM("\x19\x01\x00")));
	check_ok(cbor_in_check("f", ITEM("\x1a\x00\x01\x00\x00")));
	check_ok(cbor_in_check("f", ITEM("\x1b\0\0\0\x01\0\0\0\0")));
	check_all_refused(bad, sizeof(bad) / sizeof(*bad));
}

static void
keys_are_sorted_and_unique(void **state)
{
	const struct bad bad[] = {
		{ ITEM("\xa2\x02\x00\x01\x00"),
		    "f: byte 3: the keys of a map are not sorted" },
		{ ITEM("\xa2\x01\x00\x01\x00"),
		    "f: byte 3: a map has a key twice" },
		/* bytewise order of the encodings, not length first */
		{ ITEM("\xa2\x20\x00\x18\x64\x00"),
		    "f: byte 3: the keys of a map are not sorted" },
		{ ITEM("\xa2\x61\x62\x00\x61\x61\x00"), NULL },
		{ ITEM("\xa2\x81\x01\x00\x81\x01\x00"),
		    "f: byte 4: a map has a key twice" },
		{ ITEM("\x81\xa2\xa0\x00\xa0\x00"),
		    "f: byte 4: a map has a key twice" },
	};

	(void)state;
	check_ok(cbor_in_check("f", ITEM("\xa2\x18\x64\x00\x20\x00")));
	check_ok(cbor_in_check("f", ITEM("\xa2\x81\x01\x00\x81\x02\x00")));
	check_ok(
	    cbor_in_check("f", ITEM("\xa2\x01\xa1\x01\x00\x02\xa1\x01\x00")));
	check_all_refused(bad, sizeof(bad) / sizeof(*bad));
}

static void
texts_are_utf_8(void **state)
{
	static const char why[] = "f: byte 0: a text is not UTF-8";
	const struct bad bad[] = {
		{ ITEM("\x61\x80"), why },
		{ ITEM("\x62\xc0\xaf"), why },	       /* overlong */
		{ ITEM("\x63\xe0\x80\xaf"), why },     /* overlong */
		{ ITEM("\x63\xed\xa0\x80"), why },     /* surrogate */
		{ ITEM("\x64\xf4\x90\x80\x80"), why }, /* over U+10FFFF */
		{ ITEM("\x61\xc3"), why },	       /* cut */
	};

	(void)state;
	check_ok(cbor_in_check("f", ITEM("\x63\xed\x9f\xbf")));
	check_ok(cbor_in_check("f", ITEM("\x64\xf4\x8f\xbf\xbf")));
	check_all_refused(bad, sizeof(bad) / sizeof(*bad));
}

static void
nesting_ends_at_16(void **state)
{
	uint8_t item[18];

	(void)state;
	memset(item, 0x81, sizeof(item));
	item[16] = 0x00;
	check_ok(cbor_in_check("f", span_of(item, 17)));
	item[16] = 0x81;
	item[17] = 0x00;
	check_refused(cbor_in_check("f", span_of(item, 18)), "CBOR",
	    "f: byte 16: nesting is deeper than 16");
}

static void
bytes_before_the_end_and_after_it_are_refused(void **state)
{
	const struct bad bad[] = {
		{ SPAN_NONE,
		    "f: byte 0: the input ends where an item was wanted" },
		{ ITEM("\x00\x00"), "f: byte 1: more bytes after the item" },
		{ ITEM("\x19\x01"), "f: byte 0: the input ends within a head" },
		{ ITEM("\x42x"),
		    "f: byte 0: a string is longer than the input" },
		{ ITEM("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
		    "f: byte 0: a string is longer than the input" },
		{ ITEM("\x1c"), "f: byte 0: a reserved head" },
		{ ITEM("\x82\x00"),
		    "f: byte 0: more items are declared than the input holds" },
		{ ITEM("\xa1\x00"),
		    "f: byte 0: more items are declared than the input holds" },
		{ ITEM("\xf8\x14"), NULL },
	};

	(void)state;
	check_all_refused(bad, sizeof(bad) / sizeof(*bad));
}

static void
five_bytes_that_declare_a_quarter_billion_items_cost_nothing(void **state)
{
	const struct bad bad[] = {
		{ ITEM("\x9a\x10\x00\x00\x00"), NULL },
		{ ITEM("\xba\x10\x00\x00\x00"), NULL },
		{ ITEM("\x9b\x10\x00\x00\x00\x00\x00\x00\x00"), NULL },
		{ ITEM("\xbb\x80\x00\x00\x00\x00\x00\x00\x00"), NULL },
	};
	const size_t before = mallinfo2().uordblks;

	(void)state;
	check_all_refused(bad, sizeof(bad) / sizeof(*bad));
	assert_int_equal(mallinfo2().uordblks, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_8949_are_judged),
		cmocka_unit_test(heads_longer_than_needed_are_refused),
		cmocka_unit_test(keys_are_sorted_and_unique),
		cmocka_unit_test(texts_are_utf_8),
		cmocka_unit_test(nesting_ends_at_16),
		cmocka_unit_test(bytes_before_the_end_and_after_it_are_refused),
		cmocka_unit_test(
		    five_bytes_that_declare_a_quarter_billion_items_cost_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
