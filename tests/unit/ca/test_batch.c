/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "ca/sign/batch.h"

#include "tests/lib/check.h"

/* A signing by a token that takes `each` for a signature: where it comes to
 * rest, and the longest that a signature waited for its commit. */
static void
run(int64_t each, struct batch *ret, int64_t *ret_longest)
{
	uint64_t taken = 0, intended = 0;
	int64_t now = MS, last = now;

	batch_init(ret);
	*ret_longest = 0;
	while (now < 600 * 1000 * MS && taken < 20000) {
		if (intended - taken <= ret->most / 2) {
			batch_grow(ret, taken, now);
			intended += ret->most;
			if (now - last > *ret_longest)
				*ret_longest = now - last;
			now += 20 * MS; /* the disk */
			last = now;
			continue;
		}
		now += each;
		taken++;
	}
}

static void
it_begins_small(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b);
	batch_grow(&b, 0, MS);
	assert_int_equal(b.most, BATCH_FIRST);
}

static void
a_slow_card_has_small_ones(void **state)
{
	static const int64_t each[] = { 100 * MS, 300 * MS, 1000 * MS };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct batch b;
		int64_t longest;

		run(each[i], &b, &longest);
		assert_int_equal(b.most, BATCH_FIRST);
	}
}

static void
no_token_has_seconds_of_work_uncommitted(void **state)
{
	(void)state;
	for (int64_t each = MS; each <= 60 * MS; each += MS) {
		struct batch b;
		int64_t longest;

		run(each, &b, &longest);
		assert_true(longest < 1200 * MS);
		assert_true(b.most >= BATCH_FIRST && b.most <= BATCH_MAX);
	}
}

static void
a_quick_one_has_the_largest_after_a_few(void **state)
{
	struct batch b;
	int64_t now = MS;
	uint64_t taken = 0;

	(void)state;
	batch_init(&b);
	for (size_t i = 0; i < 3; i++) {
		batch_grow(&b, taken, now);
		taken += b.most / 2;
		now += 10 * MS;
	}
	assert_int_equal(b.most, BATCH_MAX);
}

/* The commit right after one that has grown: no signature lies between them. */
static void
nothing_signed_says_nothing(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b);
	batch_grow(&b, 0, MS);
	batch_grow(&b, 1, 2 * MS);
	batch_grow(&b, 3, 3 * MS);
	assert_int_equal(b.most, BATCH_FIRST);
	batch_grow(&b, 4, 3 * MS);
	assert_int_equal(b.most, 8 * BATCH_FIRST);
	batch_grow(&b, 4 + 32, 3 * MS);
	assert_int_equal(b.most, BATCH_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_begins_small),
		cmocka_unit_test(a_slow_card_has_small_ones),
		cmocka_unit_test(no_token_has_seconds_of_work_uncommitted),
		cmocka_unit_test(a_quick_one_has_the_largest_after_a_few),
		cmocka_unit_test(nothing_signed_says_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
