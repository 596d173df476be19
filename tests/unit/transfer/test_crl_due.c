/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/store/crl_due.h"

#include "tests/lib/online_fixture.h"
#include "transfer/online/store/emergency.h"

static const uint8_t above[SHA256_LEN] = { 9 };

static void
add(struct store *store, const uint8_t *issuer, uint64_t number, int64_t begins)
{
	struct crl_entry e = { .number = number,
		.this_update = begins,
		.next_update = begins + 10 * DAY };
	char name[40];

	(void)snprintf(name, sizeof(name), "crl-%u.crl", (unsigned)number);
	e.file = span_str(name);
	memcpy(e.issuer, issuer, SHA256_LEN);
	check_ok(store_crl_add(store, 1, &e, above));
}

static void
open_shadow(struct store *store, uint64_t number, int64_t begins)
{
	struct stored_crl c = { .number = number,
		.this_update = begins,
		.next_update = begins + 10 * DAY };

	memcpy(c.issuer, store->trust.cas[0].key_id, SHA256_LEN);
	check_ok(emergency_open(store, &c, span_str("a CRL")));
}

/* The number that is due of the n-th key at that moment; 0: none. */
static unsigned
due(struct store *store, int64_t now, size_t n)
{
	WIPED(crl_due_list) list = { 0 };

	check_ok(crl_due_list_load(store, now, false, &list));
	return n < list.n ? (unsigned)list.items[n].number : 0;
}

static void
one_is_due_an_hour_after_it_begins(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;
	const uint8_t *ca;

	(void)state;
	online_make(&bed);
	ca = store->trust.cas[0].key_id;
	check_ok(store_begin(store));
	assert_int_equal(due(store, 0, 0), 0);
	for (int64_t week = 0; week < 3; week++)
		add(store, ca, (uint64_t)(1 + week), (10 + 7 * week) * DAY);
	/* the first has none before it that is in date */
	assert_int_equal(due(store, 10 * DAY - 1, 0), 0);
	assert_int_equal(due(store, 10 * DAY, 0), 1);
	assert_int_equal(due(store, 17 * DAY + CRL_SETTLE - 1, 0), 1);
	assert_int_equal(due(store, 17 * DAY + CRL_SETTLE, 0), 2);
	/* after the end the last one stays */
	assert_int_equal(due(store, 100 * DAY, 0), 3);
	/* a gap: what is a minute old is better than what has ended */
	add(store, ca, 4, 50 * DAY);
	assert_int_equal(due(store, 50 * DAY + 60, 0), 4);
}

static void
a_newer_series_counts_before_the_slots_of_an_older_one(void **state)
{
	WIPED(online_bed) bed = { 0 };
	WIPED(crl_due_list) list = { 0 };
	struct store *store = &bed.store;
	const uint8_t *ca;

	(void)state;
	online_make(&bed);
	ca = store->trust.cas[0].key_id;
	check_ok(store_begin(store));
	for (int64_t week = 0; week < 3; week++)
		add(store, ca, (uint64_t)(1 + week), 7 * week * DAY);
	add(store, ca, 10, 8 * DAY);
	add(store, ca, 11, 15 * DAY);
	add(store, above, 500, DAY);
	assert_int_equal(due(store, 8 * DAY + CRL_SETTLE, 0), 10);
	assert_int_equal(due(store, 14 * DAY + CRL_SETTLE, 0), 10);
	assert_int_equal(due(store, 14 * DAY, 1), 500);
	check_ok(crl_due_list_load(store, 9 * DAY, false, &list));
	assert_int_equal(list.n, 2);
	assert_int_equal(list.items[0].later, 1);
	assert_int_equal(list.items[0].ends, 25 * DAY);
}

static void
a_shadow_is_due_with_the_slot_of_its_regular_one(void **state)
{
	WIPED(online_bed) bed = { 0 };
	WIPED(crl_due_list) regular = { 0 };
	struct store *store = &bed.store;
	const uint8_t *ca;

	(void)state;
	online_make(&bed);
	ca = store->trust.cas[0].key_id;
	check_ok(store_begin(store));
	for (int64_t week = 0; week < 2; week++) {
		add(store, ca, (uint64_t)(1 + 2 * week), 7 * week * DAY);
		open_shadow(
		    store, (uint64_t)(2 + 2 * week), 7 * week * DAY + 1);
	}
	add(store, above, 500, DAY);
	assert_int_equal(due(store, 0, 0), 2);
	assert_int_equal(due(store, 7 * DAY + CRL_SETTLE - 1, 0), 2);
	assert_int_equal(due(store, 7 * DAY + CRL_SETTLE, 0), 4);
	/* of a key without shadows the regular one is */
	assert_int_equal(due(store, 7 * DAY, 1), 500);
	check_ok(emergency_declare(store, DAY));
	assert_int_equal(due(store, 100 * DAY, 0), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_due_an_hour_after_it_begins),
		cmocka_unit_test(
		    a_newer_series_counts_before_the_slots_of_an_older_one),
		cmocka_unit_test(
		    a_shadow_is_due_with_the_slot_of_its_regular_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
