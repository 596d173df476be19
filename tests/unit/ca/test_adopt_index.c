/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of index.txt: what just passes, what just fails. All forms through the program:
 * tests/e2e/26-index.t. */
#include "ca/lifecycle/adopt_index.h"

#include "tests/lib/check.h"

static enum rc
read_one(const char *text, struct index_entry *ret)
{
	struct index_cursor cursor = { .from = "i", .rest = span_str(text) };
	bool more = false;

	err_clear();
	return index_next(&cursor, ret, &more);
}

static void
a_line_is_taken_apart(void **state)
{
	struct index_entry e = { 0 };

	(void)state;
	check_ok(read_one("# c\nR\t350101000000Z\t200101000000Z,keyTime,"
			  "20190304050607Z\t000E\tunknown\t/CN=a\r\n",
	    &e));
	assert_int_equal(e.line, 2);
	assert_true(e.revoked && !e.held && !e.removed);
	assert_int_equal(e.revoked_at, 1577836800);
	assert_int_equal(e.since, 1551675967);
	assert_int_equal(e.reason, REASON_KEY_COMPROMISE);
	assert_int_equal(e.n_serial, 1);
	assert_int_equal(e.serial[0], 0x0e);
	assert_true(span_eq_str(e.subject, "/CN=a"));
}

static void
what_has_no_one_meaning_is_refused(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "\n", "i: line 1: not six fields with tabs between" },
		{ "V\t350101000000Z\t\t1\tu\t\n",
		    "i: line 1: its serial is not an even number of up to 40 hexadecimal digits" },
		{ "V\t350101000000Z\t\t01\tu\t",
		    "i: line 1: cut short: no end of line" },
	};
	struct index_entry e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_refused(
		    read_one(rows[i].text, &e), "INDEX-LINE", rows[i].sentence);
}

static void
bytes_are_shown_as_text_where_they_are_some(void **state)
{
	WIPED(buf) text = { 0 };

	(void)state;
	check_ok(index_subject(span_str("/CN=\\xC3\\xA9"), &text));
	assert_true(span_eq_str(buf_span(&text), "/CN=\xc3\xa9"));
	buf_reset(&text);
	check_ok(index_subject(span_str("/CN=\\xE9"), &text));
	assert_true(span_eq_str(buf_span(&text), "/CN=\\xE9"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(what_has_no_one_meaning_is_refused),
		cmocka_unit_test(bytes_are_shown_as_text_where_they_are_some),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
