/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/store/holding.h"

#include "base/clock.h"
#include "tests/lib/check.h"

#define NOW INT64_C(1800000000)

/* Slots of a month with a week of overlap; the last one is a revoked one. */
static struct held slots[] = {
	{ .not_before = NOW, .not_after = NOW + 38 * DAY - 1, .slots = 3 },
	{ .not_before = NOW + 31 * DAY,
	    .not_after = NOW + 69 * DAY - 1,
	    .slots = 3 },
	{ .not_before = NOW + 62 * DAY,
	    .not_after = NOW + 100 * DAY - 1,
	    .slots = 3 },
	{ .not_before = NOW + 63 * DAY,
	    .not_after = NOW + 200 * DAY,
	    .slots = 1,
	    .revoked = true },
};
static const struct holding series = { .items = slots, .n = 4 };

static void
due_is(int64_t at, int slot)
{
	const struct held *due = held_due_get0(&series, at);

	if (due != (slot < 0 ? NULL : &slots[slot]))
		fail_msg("at %+lld: slot %td", (long long)(at - NOW),
		    due == NULL ? -1 : due - slots);
}

static void
the_newest_that_is_valid_is_due(void **state)
{
	(void)state;
	due_is(NOW - 1, -1);
	due_is(NOW, 0);
	due_is(NOW + 31 * DAY - 1, 0);
	due_is(NOW + 31 * DAY + HELD_SETTLE, 1);
	due_is(NOW + 38 * DAY - 1, 1);
	due_is(NOW + 38 * DAY, 1);
	due_is(NOW + 62 * DAY + HELD_SETTLE, 2);
	due_is(NOW + 100 * DAY - 1, 2);
	due_is(NOW + 100 * DAY, -1);
}

static void
one_settles_for_an_hour_while_the_one_before_lasts(void **state)
{
	(void)state;
	due_is(NOW + 31 * DAY, 0);
	due_is(NOW + 31 * DAY + HELD_SETTLE - 1, 0);
	due_is(NOW + 31 * DAY + HELD_SETTLE, 1);
}

/* Without a long overlap there is no time to settle. */
static void
what_ends_within_the_hour_gives_way_at_once(void **state)
{
	struct held two[] = {
		{ .not_before = NOW - DAY, .not_after = NOW + HOUR },
		{ .not_before = NOW, .not_after = NOW + DAY },
	};
	struct holding h = { .items = two, .n = 2 };

	(void)state;
	assert_ptr_equal(held_due_get0(&h, NOW - 1), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NOW), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NOW + 1), &two[1]);
	two[0].not_after = NOW - 1;
	assert_ptr_equal(held_due_get0(&h, NOW - 1), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NOW), &two[1]);
	two[0].not_after = NOW + 8 * HOUR;
	two[0].revoked = true;
	assert_ptr_equal(held_due_get0(&h, NOW), &two[1]);
}

static void
of_two_that_begin_together_the_longer_is_due(void **state)
{
	struct held two[] = {
		{ .not_before = NOW, .not_after = NOW + DAY },
		{ .not_before = NOW, .not_after = NOW + 2 * DAY },
	};
	struct holding h = { .items = two, .n = 2 };

	(void)state;
	assert_ptr_equal(held_due_get0(&h, NOW + 2 * HOUR), &two[1]);
}

static void
the_next_is_the_first_to_come(void **state)
{
	(void)state;
	assert_ptr_equal(held_next_get0(&series, NOW - 1), &slots[0]);
	assert_ptr_equal(held_next_get0(&series, NOW), &slots[1]);
	assert_ptr_equal(
	    held_next_get0(&series, NOW + 62 * DAY - 1), &slots[2]);
	assert_null(held_next_get0(&series, NOW + 62 * DAY));
}

static void
left_is(int64_t at, size_t later, int64_t ends, bool runs_out)
{
	struct held_left left = held_left_of(&series, at);

	assert_int_equal(left.later, later);
	assert_int_equal(left.ends, ends);
	assert_int_equal(held_runs_out(&left, at, 30 * DAY), runs_out);
}

static void
a_series_runs_out_when_less_than_two_are_to_come(void **state)
{
	(void)state;
	left_is(NOW + 31 * DAY - 1, 2, NOW + 100 * DAY - 1, false);
	left_is(NOW + 31 * DAY, 1, NOW + 100 * DAY - 1, true);
	left_is(NOW + 100 * DAY - 1, 0, NOW + 100 * DAY - 1, true);
	left_is(NOW + 100 * DAY, 0, 0, true);
}

static void
a_single_one_runs_out_when_its_end_is_near(void **state)
{
	struct held one = {
		.not_before = NOW, .not_after = NOW + 90 * DAY, .slots = 1
	};
	struct holding h = { .items = &one, .n = 1 };
	struct held_left left = held_left_of(&h, NOW + 60 * DAY);

	(void)state;
	assert_int_equal(left.later, 0);
	assert_false(held_runs_out(&left, NOW + 60 * DAY, 30 * DAY));
	assert_true(held_runs_out(&left, NOW + 60 * DAY + 1, 30 * DAY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_that_is_valid_is_due),
		cmocka_unit_test(
		    one_settles_for_an_hour_while_the_one_before_lasts),
		cmocka_unit_test(what_ends_within_the_hour_gives_way_at_once),
		cmocka_unit_test(of_two_that_begin_together_the_longer_is_due),
		cmocka_unit_test(the_next_is_the_first_to_come),
		cmocka_unit_test(
		    a_series_runs_out_when_less_than_two_are_to_come),
		cmocka_unit_test(a_single_one_runs_out_when_its_end_is_near),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
