/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "tests/lib/check.h"

/* RFC 4648 section 10 */
static void
the_published_texts_are_read(void **state)
{
	static const char *const texts[][2] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		WIPED(buf) bytes = { 0 };

		check_ok(base64_read(span_str(texts[i][0]), &bytes));
		assert_true(span_eq_str(buf_span(&bytes), texts[i][1]));
		buf_reset(&bytes);
		check_ok(base64_write(span_str(texts[i][1]), &bytes));
		assert_true(span_eq_str(buf_span(&bytes), texts[i][0]));
	}
}

static void
every_digit_has_its_value(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	WIPED(buf) bytes = { 0 };

	(void)state;
	check_ok(base64_read(span_str(digits), &bytes));
	assert_int_equal(bytes.n, 48);
	for (unsigned i = 0; i < 64; i++) {
		unsigned at = 6 * i / 8, bit = 6 * i % 8;
		unsigned two = (unsigned)bytes.p[at] << 8 |
			       (at + 1 < bytes.n ? bytes.p[at + 1] : 0);

		assert_int_equal(two >> (10 - bit) & 63, i);
	}
}

static void
bytes_have_one_spelling(void **state)
{
	static const char *const wrong[] = { "Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Zg==Zm9v",
		"====", "Z===", "=g==", "Zg=v", "Zm9v=", "Zm9v\n", " Zm9v",
		"Zm 9v", "Zm-v", "Zm_v", "Zm9v====", "Zm?v" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		WIPED(buf) bytes = { 0 };

		if (base64_read(span_str(wrong[i]), &bytes) != RC_FORMAT)
			fail_msg("\"%s\" was read", wrong[i]);
		assert_string_equal(err_text(), "not Base64");
	}
	for (unsigned c = 0; c < 256; c++) {
		WIPED(buf) bytes = { 0 };
		const uint8_t text[4] = { 'A', 'A', 'A', (uint8_t)c };
		bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '+' || c == '/' ||
			     c == '=';

		assert_int_equal(base64_read(span_of(text, 4), &bytes),
		    digit ? RC_OK : RC_FORMAT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_texts_are_read),
		cmocka_unit_test(every_digit_has_its_value),
		cmocka_unit_test(bytes_have_one_spelling),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
