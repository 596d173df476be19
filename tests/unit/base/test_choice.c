/* SPDX-License-Identifier: Apache-2.0 */
#include "base/choice.h"

#include "tests/lib/check.h"

static const char *
word_of(const void *table, unsigned i)
{
	const char *const *words = table;

	return words[i];
}

static void
words_are_told_as_a_person_would(void **state)
{
	static const char *const words[] = { "a", "b", "c", NULL };
	char text[CHOICE_TEXT];

	(void)state;
	choice_write(word_of, words + 3, "", text);
	assert_string_equal(text, "");
	choice_write(word_of, words + 2, ":", text);
	assert_string_equal(text, "c:");
	choice_write(word_of, words + 1, "", text);
	assert_string_equal(text, "b or c");
	choice_write(word_of, words, ":", text);
	assert_string_equal(text, "a:, b: or c:");
}

/* 48 bytes each with the comma: five fit, with ", ..." behind them. */
static void
a_list_that_is_too_long_says_so(void **state)
{
#define WORD "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
	static const char *const words[] = { WORD, WORD, WORD, WORD, WORD, WORD,
		NULL };
	static const char end[] = "t, ...";
	char text[CHOICE_TEXT];

	(void)state;
	choice_write(word_of, words, "", text);
	assert_int_equal(strlen(text), 5 * strlen(WORD) + 4 * 2 + 5);
	assert_string_equal(text + strlen(text) - strlen(end), end);
	choice_write(word_of, words + 1, "", text);
	assert_null(strstr(text, "..."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_told_as_a_person_would),
		cmocka_unit_test(a_list_that_is_too_long_says_so),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
