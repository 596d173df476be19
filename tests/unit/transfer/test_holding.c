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
	const struct held *due = held_due_get0(&series, NULL, at);

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
	assert_ptr_equal(held_due_get0(&h, NULL, NOW - 1), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NULL, NOW), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NULL, NOW + 1), &two[1]);
	two[0].not_after = NOW - 1;
	assert_ptr_equal(held_due_get0(&h, NULL, NOW - 1), &two[0]);
	assert_ptr_equal(held_due_get0(&h, NULL, NOW), &two[1]);
	two[0].not_after = NOW + 8 * HOUR;
	two[0].revoked = true;
	assert_ptr_equal(held_due_get0(&h, NULL, NOW), &two[1]);
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
	assert_ptr_equal(held_due_get0(&h, NULL, NOW + 2 * HOUR), &two[1]);
}

static void
the_next_is_the_first_to_come(void **state)
{
	(void)state;
	assert_ptr_equal(held_next_get0(&series, NULL, NOW - 1), &slots[0]);
	assert_ptr_equal(held_next_get0(&series, NULL, NOW), &slots[1]);
	assert_ptr_equal(
	    held_next_get0(&series, NULL, NOW + 62 * DAY - 1), &slots[2]);
	assert_null(held_next_get0(&series, NULL, NOW + 62 * DAY));
}

static void
left_is(int64_t at, size_t later, int64_t ends, bool runs_out)
{
	struct held_left left = held_left_of(&series, NULL, at);

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
	struct held_left left = held_left_of(&h, NULL, NOW + 60 * DAY);

	(void)state;
	assert_int_equal(left.later, 0);
	assert_false(held_runs_out(&left, NOW + 60 * DAY, 30 * DAY));
	assert_true(held_runs_out(&left, NOW + 60 * DAY + 1, 30 * DAY));
}

/* ---- several requests of one name -----------------------------------------
 */

/* A year's series in three, then one that is asked ten days later, by
 * `standing`, and ends long before. */
static struct held old_and_new[] = {
	{ .not_before = NOW, .not_after = NOW + 38 * DAY - 1, .slots = 3 },
	{ .not_before = NOW + 10 * DAY,
	    .not_after = NOW + 30 * DAY,
	    .slots = 1,
	    .bundle = 2 },
	{ .not_before = NOW + 31 * DAY,
	    .not_after = NOW + 69 * DAY - 1,
	    .slots = 3 },
	{ .not_before = NOW + 62 * DAY,
	    .not_after = NOW + 100 * DAY - 1,
	    .slots = 3 },
};
#define THE_NEW 1

static struct holding
asked_as(enum standing standing, const char *old, const char *new)
{
	for (size_t i = 0; i < 4; i++)
		old_and_new[i].key_type = i == THE_NEW ? new : old;
	old_and_new[THE_NEW].standing = standing;
	return (struct holding){ .items = old_and_new, .n = 4 };
}

static void
presents(const struct holding *h, const char *type, int64_t at, int place)
{
	const struct held *due = held_due_get0(h, type, at);

	if (due != (place < 0 ? NULL : &old_and_new[place]))
		fail_msg("at %+lld: %td", (long long)(at - NOW),
		    due == NULL ? -1 : due - old_and_new);
}

static void
the_newest_request_wins_at_once_and_for_good(void **state)
{
	struct holding h = asked_as(STANDS_IN_PLACE, "RSA", "EC");
	const int64_t begins = NOW + 10 * DAY;
	struct held_left left;

	(void)state;
	presents(&h, "RSA", begins - 1, 0);
	assert_string_equal(held_type_get0(&h, "RSA", begins - 1), "RSA");
	/* a file that had RSA gets what there is */
	assert_string_equal(held_type_get0(&h, "RSA", begins), "EC");
	presents(&h, "RSA", begins, -1);
	presents(&h, "EC", begins, THE_NEW);
	presents(&h, "EC", NOW + 30 * DAY, THE_NEW);
	/* its end brings nothing back, though others are valid for months */
	for (int64_t at = NOW + 30 * DAY + 1; at < NOW + 100 * DAY; at += DAY) {
		assert_null(held_type_get0(&h, "RSA", at));
		presents(&h, "RSA", at, -1);
		presents(&h, "EC", at, -1);
		for (size_t i = 0; i < 4; i++)
			assert_false(held_is_told(&h, i, at));
	}
	left = held_left_of(&h, "EC", begins);
	assert_int_equal(left.ends, NOW + 30 * DAY);
	assert_int_equal(left.later, 0);
	assert_null(held_next_get0(&h, "RSA", begins));
	/* before it begins the first serves, and nobody hears of its later ones
	 */
	assert_ptr_equal(held_next_get0(&h, "EC", NOW), &old_and_new[THE_NEW]);
	assert_null(held_next_get0(&h, "RSA", NOW));
	assert_true(held_is_told(&h, 0, NOW));
	assert_false(held_is_told(&h, 2, NOW));
	assert_int_equal(
	    held_replaced_by(&h, &old_and_new[THE_NEW], begins), 3);
	assert_int_equal(held_replaced_by(&h, &old_and_new[THE_NEW], NOW), 3);
	left = held_replaced_of(&h, begins);
	assert_int_equal(left.later, 3);
	assert_int_equal(left.ends, NOW + 100 * DAY - 1);
}

static void
one_beside_leaves_other_types_alone(void **state)
{
	struct holding h = asked_as(STANDS_BESIDE, "RSA", "EC");
	const char *types[HELD_TYPES_MAX];

	(void)state;
	presents(&h, "RSA", NOW + 20 * DAY, 0);
	presents(&h, "EC", NOW + 20 * DAY, THE_NEW);
	presents(&h, "EC", NOW + 9 * DAY, -1);
	assert_string_equal(held_type_get0(&h, NULL, NOW + 20 * DAY), "RSA");
	assert_string_equal(held_type_get0(&h, "EC", NOW + 20 * DAY), "EC");
	/* one that has ended does not send its file elsewhere */
	assert_string_equal(held_type_get0(&h, "EC", NOW + 40 * DAY), "EC");
	assert_int_equal(
	    held_types_get0(&h, NOW + 20 * DAY, NOW + 20 * DAY, types), 2);
	assert_int_equal(
	    held_types_get0(&h, NOW + 40 * DAY, NOW + 40 * DAY, types), 1);
	assert_true(held_is_told(&h, 0, NOW + 20 * DAY));
	assert_true(held_is_told(&h, THE_NEW, NOW + 20 * DAY));
	/* but not of the same type */
	h = asked_as(STANDS_BESIDE, "EC", "EC");
	presents(&h, "EC", NOW + 10 * DAY, THE_NEW);
	presents(&h, "EC", NOW + 31 * DAY, -1);
}

static void
the_one_that_is_renewed_serves_while_the_renewal_settles(void **state)
{
	struct holding h = asked_as(STANDS_RENEWED, "EC", "EC");
	const int64_t begins = NOW + 10 * DAY;

	(void)state;
	presents(&h, "EC", begins - 1, 0);
	presents(&h, "EC", begins + HELD_SETTLE - 1, 0);
	presents(&h, "EC", begins + HELD_SETTLE, THE_NEW);
	presents(&h, "EC", NOW + 30 * DAY + 1, -1);
	presents(&h, "EC", NOW + 31 * DAY, -1);
	/* peers are told of both while both are valid, and of no later one */
	assert_true(held_is_told(&h, 0, NOW + 20 * DAY));
	assert_true(held_is_told(&h, THE_NEW, NOW + 20 * DAY));
	assert_false(held_is_told(&h, 2, NOW + 20 * DAY));
}

/* Revoked in its time it has replaced the older ones all the same; what never
 * came to be valid has replaced nothing. */
static void
a_revocation_brings_nothing_back(void **state)
{
	struct holding h = asked_as(STANDS_IN_PLACE, "EC", "EC");

	(void)state;
	old_and_new[THE_NEW].revoked = true;
	presents(&h, "EC", NOW + 20 * DAY, -1);
	old_and_new[THE_NEW].never = true;
	presents(&h, "EC", NOW + 20 * DAY, 0);
	old_and_new[THE_NEW].never = old_and_new[THE_NEW].revoked = false;
}

/* Of two in one bundle the later place counts as the newer. */
static void
within_a_bundle_the_later_place_is_newer(void **state)
{
	struct held two[] = {
		{ .not_before = NOW, .not_after = NOW + DAY, .place = 1 },
		{ .not_before = NOW, .not_after = NOW + 2 * DAY, .place = 0 },
	};
	struct holding h = { .items = two, .n = 2 };

	(void)state;
	assert_ptr_equal(held_due_get0(&h, NULL, NOW + HOUR), &two[0]);
	assert_null(held_due_get0(&h, NULL, NOW + DAY + 1));
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
		cmocka_unit_test(the_newest_request_wins_at_once_and_for_good),
		cmocka_unit_test(one_beside_leaves_other_types_alone),
		cmocka_unit_test(
		    the_one_that_is_renewed_serves_while_the_renewal_settles),
		cmocka_unit_test(a_revocation_brings_nothing_back),
		cmocka_unit_test(within_a_bundle_the_later_place_is_newer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
