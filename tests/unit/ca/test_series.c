/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and dates rise together through everything that was ever laid out. */
#include "ca/crl/series.h"

#include "base/clock.h"
#include "tests/lib/check.h"

#define NOW INT64_C(1800000000)

static const struct crl_request weekly = { 26, 7 * DAY, 3 * DAY };

static void
each_slot_begins_a_period_after_the_one_before(void **state)
{
	struct ledger_crl_series s;
	struct series_slot slot;

	(void)state;
	series_plan(&weekly, NOW, NULL, 1, 1, &s);
	assert_int_equal(s.first, 1);
	assert_int_equal(s.last, 26);
	assert_int_equal(s.generation, 0);
	for (uint32_t i = 0; i < 26; i++) {
		series_slot_get(&s, i, 0, &slot);
		assert_int_equal(slot.number, i + 1);
		assert_int_equal(slot.this_update, NOW + i * 7 * DAY);
		assert_int_equal(slot.next_update, slot.this_update + 10 * DAY);
		assert_int_equal(slot.kept, slot.this_update - 7 * DAY);
	}
	assert_int_equal(series_end(&s), NOW + 26 * 7 * DAY + 3 * DAY);
	assert_int_equal(series_back_by(&s), NOW + 26 * 7 * DAY);
	assert_int_equal(series_half(&s), NOW + (26 * 7 * DAY + 3 * DAY) / 2);
}

static void
shadows_stand_between_the_regular_ones(void **state)
{
	struct ledger_crl_series s;
	struct series_slot slot;
	uint64_t number = 100;

	(void)state;
	series_plan(&weekly, NOW, NULL, 100, 3, &s);
	assert_int_equal(series_width(&s), 3);
	assert_int_equal(s.last, 100 + 26 * 3 - 1);
	for (uint32_t i = 0; i < 26; i++)
		for (uint64_t place = 0; place < 3; place++) {
			series_slot_get(&s, i, place, &slot);
			assert_int_equal(slot.number, number++);
			assert_int_equal(
			    slot.this_update, NOW + i * 7 * DAY + (place != 0));
		}
}

/* A thousand series, each made 0 s, 1 s, an hour or a week after the one
 * before: of any two with a slot on the same second the later one is dated
 * later. */
static void
a_later_series_is_dated_later_where_they_meet(void **state)
{
	static const int64_t steps[] = { 0, 1, 2, 3, HOUR, 7 * DAY };

	(void)state;
	for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		struct ledger_crl_series s, before;
		int64_t now = NOW;

		series_plan(&weekly, now, NULL, 1, 2, &before);
		for (unsigned i = 0; i < 150; i++) {
			struct series_slot a, b;

			now += steps[k];
			series_plan(
			    &weekly, now, &before, before.last + 1, 2, &s);
			assert_int_equal(s.generation, i + 1);
			series_slot_get(&before, 0, 1, &a);
			series_slot_get(&s, 0, 0, &b);
			assert_true(b.number > a.number);
			assert_true(b.this_update > a.this_update);
			before = s;
		}
	}
}

static void
after_a_gap_generations_begin_again(void **state)
{
	struct ledger_crl_series s, before;

	(void)state;
	series_plan(&weekly, NOW, NULL, 1, 1, &before);
	series_plan(&weekly, NOW + 25 * 7 * DAY + 1, &before, 27, 1, &s);
	assert_int_equal(s.generation, 1);
	series_plan(&weekly, NOW + 25 * 7 * DAY + 2, &before, 27, 1, &s);
	assert_int_equal(s.generation, 0);
	/* A clock that went back: all of its slots are ahead. */
	series_plan(&weekly, NOW - 400 * DAY, &before, 27, 1, &s);
	assert_int_equal(s.generation, 1);
}

static void
the_grammars_largest_are_no_overflow(void **state)
{
	const struct crl_request most = { 120, INT64_C(3155760000),
		INT64_C(1) << 62 };
	struct ledger_crl_series s;
	struct series_slot slot;

	(void)state;
	series_plan(&most, NOW, NULL, 1, 1, &s);
	series_slot_get(&s, 119, 0, &slot);
	assert_int_equal(slot.next_update, CLOCK_MAX);
	assert_true(slot.this_update <= CLOCK_MAX);
}

static void
a_wish_is_cut_to_the_end_of_the_ca(void **state)
{
	struct crl_request wish = weekly;

	(void)state;
	series_fit(&wish, NOW, NOW + 26 * 7 * DAY + 3 * DAY);
	assert_int_equal(wish.count, 26);
	series_fit(&wish, NOW, NOW + 26 * 7 * DAY + 3 * DAY - 1);
	assert_int_equal(wish.count, 25);
	series_fit(&wish, NOW, NOW + DAY);
	assert_int_equal(wish.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_slot_begins_a_period_after_the_one_before),
		cmocka_unit_test(shadows_stand_between_the_regular_ones),
		cmocka_unit_test(a_later_series_is_dated_later_where_they_meet),
		cmocka_unit_test(after_a_gap_generations_begin_again),
		cmocka_unit_test(the_grammars_largest_are_no_overflow),
		cmocka_unit_test(a_wish_is_cut_to_the_end_of_the_ca),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
