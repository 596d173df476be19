/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/store/store_crl.h"

#include "tests/lib/online_fixture.h"

static const uint8_t issuers[2][SHA256_LEN] = { { 1 }, { 2 } };

static void
add(struct store *store, uint64_t number, int64_t begins, bool shadow,
    size_t issuer)
{
	struct crl_entry e = { .number = number,
		.this_update = begins,
		.next_update = begins + 10 * DAY,
		.n_revoked = number + 1,
		.shadow = shadow };
	char name[40];

	(void)snprintf(name, sizeof(name), "crl-%u.%s", (unsigned)number,
	    shadow ? "shadow" : "crl");
	e.file = span_str(name);
	memcpy(e.issuer, issuers[issuer], SHA256_LEN);
	check_ok(store_crl_add(store, 1, &e, issuers[1]));
}

static enum rc
note(void *arg, const struct stored_crl *c)
{
	return buf_printf(
	    arg, "%u%s ", (unsigned)c->number, c->shadow ? "s" : "");
}

static void
listed(struct store *store, const struct crl_filter *filter, const char *wanted)
{
	WIPED(buf) found = { 0 };

	check_ok(buf_add_str(&found, ""));
	check_ok(store_each_crl(store, filter, note, &found));
	assert_string_equal(found.n == 0 ? "" : buf_cstr(&found), wanted);
}

/* Two series of weeks by one key, with shadows, and a CRL of another key; the
 * second series begins on day 10. */
static void
fill(struct store *store)
{
	for (int64_t week = 0; week < 3; week++) {
		add(store, (uint64_t)(1 + 2 * week), 7 * week * DAY, false, 0);
		add(store, (uint64_t)(2 + 2 * week), 7 * week * DAY + 1, true,
		    0);
	}
	for (int64_t week = 0; week < 2; week++)
		add(store, (uint64_t)(7 + week), (10 + 7 * week) * DAY + 2,
		    false, 0);
	add(store, 9, 10 * DAY + 2, false, 1);
}

static void
due(struct store *store, enum crl_kind kind, int64_t at, uint64_t number)
{
	const struct crl_filter filter = { issuers[0], kind };
	struct stored_crl crl = { 0 };
	bool known;

	check_ok(store_crl_due(store, &filter, at, &known, &crl));
	assert_int_equal(known, number != 0);
	assert_int_equal(crl.number, number);
}

static void
of_those_that_have_begun_the_highest_number_counts(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;

	(void)state;
	online_make(&bed);
	check_ok(store_begin(store));
	fill(store);
	listed(store, &(struct crl_filter){ NULL, CRL_ANY },
	    "1 2s 3 4s 5 6s 7 8 9 ");
	listed(store, &(struct crl_filter){ issuers[0], CRL_REGULAR },
	    "1 3 5 7 8 ");
	listed(store, &(struct crl_filter){ issuers[1], CRL_ANY }, "9 ");
	listed(store, &(struct crl_filter){ NULL, CRL_SHADOW }, "2s 4s 6s ");
	due(store, CRL_REGULAR, -1, 0);
	due(store, CRL_REGULAR, 0, 1);
	due(store, CRL_REGULAR, 7 * DAY - 1, 1);
	due(store, CRL_REGULAR, 7 * DAY, 3);
	due(store, CRL_REGULAR, 10 * DAY + 1, 3);
	due(store, CRL_REGULAR, 10 * DAY + 2, 7);
	/* the first series has a later slot by then, and is replaced */
	due(store, CRL_REGULAR, 14 * DAY, 7);
	due(store, CRL_REGULAR, 17 * DAY + 2, 8);
	due(store, CRL_REGULAR, 1000 * DAY, 8);
	due(store, CRL_SHADOW, 0, 0);
	due(store, CRL_SHADOW, 14 * DAY + 1, 6);
}

static void
what_a_new_one_must_be_past_is_told(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;
	struct crl_past past;
	struct stored_crl crl;
	bool known;

	(void)state;
	online_make(&bed);
	check_ok(store_crl_past(store, issuers[0], 1000 * DAY, &past));
	assert_int_equal(past.number, 0);
	assert_true(past.this_update == INT64_MIN);
	check_ok(store_begin(store));
	fill(store);
	check_ok(store_crl_past(store, issuers[0], 8 * DAY, &past));
	assert_int_equal(past.number, 9);
	assert_int_equal(past.this_update, 7 * DAY + 1);
	check_ok(store_crl_get(store, 6, &known, &crl));
	assert_true(known);
	assert_true(crl.shadow);
	assert_string_equal(crl.file, "crl-6.shadow");
	assert_int_equal(crl.n_revoked, 7);
	assert_memory_equal(crl.file_sha256, issuers[1], SHA256_LEN);
	check_ok(store_crl_get(store, 10, &known, &crl));
	assert_false(known);
}

static void
the_last_of_those_that_ended_stays(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;

	(void)state;
	online_make(&bed);
	check_ok(store_begin(store));
	fill(store);
	check_ok(store_crl_forget(store, 10 * DAY - 1));
	listed(store, &(struct crl_filter){ NULL, CRL_ANY },
	    "1 2s 3 4s 5 6s 7 8 9 ");
	check_ok(store_crl_forget(store, 10 * DAY));
	listed(store, &(struct crl_filter){ NULL, CRL_ANY },
	    "2s 3 4s 5 6s 7 8 9 ");
	check_ok(store_crl_forget(store, 1000 * DAY));
	listed(store, &(struct crl_filter){ NULL, CRL_ANY }, "6s 8 9 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    of_those_that_have_begun_the_highest_number_counts),
		cmocka_unit_test(what_a_new_one_must_be_past_is_told),
		cmocka_unit_test(the_last_of_those_that_ended_stays),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
