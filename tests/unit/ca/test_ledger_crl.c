/* SPDX-License-Identifier: Apache-2.0 */
/* No CRL number twice, and what a CRL lists follows from the records up to one.
 */
#include "tests/lib/ledger_fixture.h"

#include "ca/ledger/ledger_crl.h"
#include "ca/ledger/revocation.h"

static void
begin(struct ledger *l, int64_t now)
{
	check_ok(ledger_begin(l));
	stamp(l, now);
}

static enum rc
series_try(struct ledger *l, uint64_t first, uint64_t last)
{
	struct ledger_crl_series s = { .first = first,
		.last = last,
		.start = T0,
		.count = 2,
		.period = 7,
		.overlap = 3 };
	enum rc rc;

	begin(l, T0 + 90000);
	rc = ledger_crl_series_add(l, &s);
	if (rc == RC_OK)
		check_ok(ledger_commit(l));
	else
		ledger_rollback(l);
	return rc;
}

static enum rc
crl_try(struct ledger *l, uint64_t number)
{
	struct ledger_crl crl = { .number = number,
		.next_update = T0 + 10,
		.list = { .upto = 5, .kept = 1, .this_update = T0 },
		.n_revoked = 2,
		.signature = { 1, 2, 3 },
		.signature_n = 3 };
	enum rc rc;

	begin(l, T0 + 90000);
	rc = ledger_crl_add(l, &crl);
	if (rc == RC_OK)
		check_ok(ledger_commit(l));
	else
		ledger_rollback(l);
	return rc;
}

static void
no_number_is_used_twice(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals totals;
	struct ledger_crl_series s;
	struct ledger_crl crl;
	uint64_t next = 0;
	bool any = true;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_crl_series_newest(l, &s, &any));
	assert_false(any);
	check_ok(ledger_crl_number_next(l, &next));
	assert_int_equal(next, 1);
	assert_int_equal(crl_try(l, 1), RC_STATE); /* of no series */
	check_ok(series_try(l, 1, 4));
	check_ok(ledger_crl_number_next(l, &next));
	assert_int_equal(next, 5);
	assert_int_equal(series_try(l, 4, 6), RC_STATE);
	assert_int_equal(series_try(l, 1, 1), RC_STATE);
	assert_int_equal(series_try(l, 6, 5), RC_STATE);
	check_ok(crl_try(l, 2));
	assert_int_equal(crl_try(l, 2), RC_STATE);
	assert_int_equal(crl_try(l, 5), RC_STATE);
	check_ok(series_try(l, 5, 6));
	assert_int_equal(crl_try(l, 1), RC_STATE); /* of the one before */
	check_ok(ledger_crl_series_newest(l, &s, &any));
	assert_true(any);
	assert_int_equal(s.first, 5);
	assert_int_equal(s.count, 2);
	check_ok(ledger_crl_get(l, 2, &crl, &any));
	assert_true(any);
	assert_int_equal(crl.list.upto, 5);
	assert_int_equal(crl.signature_n, 3);
	assert_int_equal(crl.signature[2], 3);
	assert_false(crl.list.shadow);
	check_ok(ledger_crl_get(l, 1, &crl, &any));
	assert_false(any);
	check_ok(ledger_verify(l, NULL, 0, &totals));
}

/* ---- what one lists --------------------------------------------------------
 */

struct met {
	char marks[8];
	size_t n;
	int64_t at[8];
	enum reason reason[8];
};

static enum rc
meet(void *arg, const struct ledger_crl_entry *entry)
{
	struct met *met = arg;

	met->marks[met->n] = (char)entry->serial.p[0];
	met->reason[met->n] = entry->reason;
	met->at[met->n++] = entry->at;
	return RC_OK;
}

static void
revoke_mark(struct ledger *l, uint8_t mark, int64_t not_after)
{
	uint8_t serial[16];
	struct ledger_revocation r = { .serial = span_of(serial, 16),
		.not_after = not_after,
		.reason = REASON_SUPERSEDED };

	memset(serial, mark, sizeof(serial));
	check_ok(ledger_revoke(l, &r, 0));
}

/* 0x43, then 0x41, of the story's requester; the first ended long ago. */
static void
a_crl_lists_what_was_revoked_by_a_record(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head one, two;
	struct met met = { .n = 0 };
	struct ledger_crl_list list = { .this_update = T0 + 200000 };

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	begin(l, T0 + 100000);
	revoke_mark(l, 0x43, T0 + 10);
	check_ok(ledger_commit(l));
	ledger_head_get(l, &one);
	begin(l, T0 + 100001);
	revoke_mark(l, 0x41, T0 + 2678399);
	check_ok(ledger_commit(l));
	ledger_head_get(l, &two);

	list.upto = two.count;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x41\x43"); /* by their bytes */
	assert_int_equal(met.at[0], T0 + 100001);

	met = (struct met){ .n = 0 };
	list.upto = one.count;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x43");

	/* It ended before `kept`: at that second it is still listed. */
	met = (struct met){ .n = 0 };
	list.kept = T0 + 10;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x43");
	met = (struct met){ .n = 0 };
	list.kept = T0 + 11;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_int_equal(met.n, 0);

	/* None is revoked after thisUpdate, whatever the clock was. */
	list = (struct ledger_crl_list){ .upto = two.count,
		.this_update = T0 + 5 };
	met = (struct met){ .n = 0 };
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_int_equal(met.at[0], T0 + 5);
	assert_int_equal(met.at[1], T0 + 5);
}

static void
a_shadow_lists_each_certificate_of_its_requester(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_head before, after;
	struct met met = { .n = 0 };
	struct ledger_crl_list list = { .this_update = T0 + 200000,
		.shadow = true };

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	ledger_head_get(l, &before);
	begin(l, T0 + 100000);
	revoke_mark(l, 0x43, T0 + 2678399);
	check_ok(ledger_commit(l));
	ledger_head_get(l, &after);
	requester_id(0x21, list.requester);

	list.upto = before.count;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x41\x43");
	assert_int_equal(met.reason[0], REASON_CESSATION_OF_OPERATION);
	assert_int_equal(met.at[0], T0 + 200000);

	met = (struct met){ .n = 0 };
	list.upto = after.count;
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x41\x43");
	assert_int_equal(met.reason[0], REASON_CESSATION_OF_OPERATION);
	assert_int_equal(met.reason[1], REASON_SUPERSEDED);
	assert_int_equal(met.at[1], T0 + 100000);

	/* Another requester's has none of them, and a later slot lacks what
	 * ended. */
	list.this_update = T0 + 2678399 + 1;
	list.kept = 0;
	met = (struct met){ .n = 0 };
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x43");
	list.this_update = T0 + 200000;
	list.requester[0] ^= 1;
	met = (struct met){ .n = 0 };
	check_ok(ledger_crl_entries_each(l, &list, meet, &met));
	assert_string_equal(met.marks, "\x43");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_number_is_used_twice),
		T(a_crl_lists_what_was_revoked_by_a_record),
		T(a_shadow_lists_each_certificate_of_its_requester),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
