/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "tests/lib/check.h"

#include <malloc.h>
#include <stdlib.h>

static void
there_is_room_for_each_item_and_the_items_stay(void **state)
{
	uint32_t *items = NULL;
	size_t n = 0;

	(void)state;
	while (n < 3000) {
		check_ok(LIST_GROW(items, n));
		assert_true(
		    malloc_usable_size(items) >= (n + 1) * sizeof(*items));
		items[n] = (uint32_t)n;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(items[i], i);
	free(items);
}

/* A first allocation, and one at each of 8, 16 ... 2048: not one for each of the
 * 3000 items. */
static void
room_doubles(void **state)
{
	uint64_t *items = NULL;
	size_t room = 0, moves = 0;

	(void)state;
	for (size_t n = 0; n < 3000; n++) {
		check_ok(LIST_GROW(items, n));
		if (malloc_usable_size(items) != room) {
			room = malloc_usable_size(items);
			moves++;
		}
	}
	assert_int_equal(moves, 10);
	free(items);
}

/* An array that lost items has more room than their number says. */
static void
a_list_may_shrink_and_grow_again(void **state)
{
	size_t falls[] = { 0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33 };

	(void)state;
	for (size_t i = 0; i < sizeof(falls) / sizeof(falls[0]); i++) {
		char(*items)[40] = NULL;

		for (size_t n = 0; n < 40; n++) {
			check_ok(LIST_GROW(items, n));
			memset(items[n], (int)n, sizeof(*items));
		}
		for (size_t n = falls[i]; n < 70; n++) {
			check_ok(LIST_GROW(items, n));
			assert_true(malloc_usable_size(items) >=
				    (n + 1) * sizeof(*items));
			memset(items[n], (int)n, sizeof(*items));
		}
		for (size_t n = 0; n < 70; n++)
			assert_int_equal(items[n][39], n);
		free(items);
	}
}

static void
nothing_changes_where_there_can_be_no_room(void **state)
{
	char keep[8], *items = keep;

	(void)state;
	assert_int_equal(
	    list_grow(&items, LIST_ITEMS_MAX, sizeof(*items)), RC_IO);
	assert_string_equal(err_text(), "a list of 268435456 items is full");
	assert_ptr_equal(items, keep);

	items = NULL;
	assert_int_equal(list_grow(&items, 0, SIZE_MAX / 4), RC_IO);
	assert_string_equal(err_text(), "out of memory");
	assert_null(items);
}

static void
texts_are_copies_in_their_order(void **state)
{
	WIPED(text_list) list = { 0 };
	char word[] = "first of all";

	(void)state;
	check_ok(text_list_add(&list, span_of(word, 5)));
	word[0] = 'x';
	check_ok(text_list_add(&list, SPAN_NONE));
	for (size_t i = 0; i < 20; i++)
		check_ok(text_list_add(&list, span_str("more")));
	assert_int_equal(list.n, 22);
	assert_string_equal(list.items[0], "first");
	assert_string_equal(list.items[1], "");
	assert_string_equal(list.items[21], "more");
	text_list_wipe(&list);
	assert_null(list.items);
	assert_int_equal(list.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    there_is_room_for_each_item_and_the_items_stay),
		cmocka_unit_test(room_doubles),
		cmocka_unit_test(a_list_may_shrink_and_grow_again),
		cmocka_unit_test(nothing_changes_where_there_can_be_no_room),
		cmocka_unit_test(texts_are_copies_in_their_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
