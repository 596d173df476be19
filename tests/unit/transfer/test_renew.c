/* SPDX-License-Identifier: Apache-2.0 */
/* `request --renew`: who is asked for again, when, and how. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/request/renew.h"

#define BEGIN (NOW - HOUR) /* of what is installed here */

struct renew_bed {
	struct online_bed on;
	struct compose c;
	struct renewing by;
	/* what was told of the names, in order */
	size_t n;
	struct told {
		enum renewal what;
		char name[64];
	} told[4];
};

static void
renew_bed_wipe(struct renew_bed *b)
{
	compose_wipe(&b->c);
	online_wipe(&b->on);
}

static void
note(void *arg, const struct holding *h, const struct held_left *left,
    enum renewal renewal)
{
	struct renew_bed *b = arg;

	(void)left;
	assert_true(b->n < 4);
	b->told[b->n].what = renewal;
	(void)snprintf(b->told[b->n++].name, 64, "%s", h->name);
}

/* Ask anew, at another time. */
static void
begin(struct renew_bed *b, int64_t now)
{
	compose_wipe(&b->c);
	b->c = (struct compose){ .store = &b->on.store,
		.reader = online_reader(&b->on),
		.now = now };
	b->by = (struct renewing){
		.compose = &b->c, .within = HELD_WITHIN, .each = note, .arg = b
	};
	b->n = 0;
}

static const struct online_ask single = { .names = "dns:a.example.org",
	.key = "ec-p256" };
static const struct online_ask series = { .names = "dns:a.example.org",
	.key = "ec-p256",
	.count = 3,
	.overlap = 7 * DAY };

static void
renew_bed_make(struct renew_bed *b, const struct online_ask *ask)
{
	online_make(&b->on);
	if (ask != NULL)
		online_install(&b->on, ask, 0);
	begin(b, NOW);
}

static void
comes_to(struct renew_bed *b, int64_t now, enum renewal wanted)
{
	begin(b, now);
	check_ok(renew_name(&b->by, "a.example.org"));
	assert_int_equal(b->n, 1);
	assert_string_equal(b->told[0].name, "dns:a.example.org");
	if (b->told[0].what != wanted)
		fail_msg("at %+lld: %d, wanted %d", (long long)(now - BEGIN),
		    (int)b->told[0].what, (int)wanted);
	assert_int_equal(b->c.n, wanted == RENEW_ASKED);
}

/* ---- when ---------------------------------------------------------------- */

static void
a_single_one_is_renewed_when_it_ends_within_the_time(void **state)
{
	WIPED(renew_bed) b = { 0 };
	int64_t ends = BEGIN + 31 * DAY - 1;

	(void)state;
	renew_bed_make(&b, &single);
	comes_to(&b, ends - HELD_WITHIN, RENEW_EARLY);
	comes_to(&b, ends - HELD_WITHIN + 1, RENEW_ASKED);
	comes_to(&b, ends, RENEW_ASKED);
	comes_to(&b, ends + 400 * DAY, RENEW_ASKED); /* by name: at any time */
}

static void
a_series_is_renewed_when_less_than_two_are_to_come(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &series);
	comes_to(&b, BEGIN + 31 * DAY - 1, RENEW_EARLY);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_ASKED);
}

static void
send_it(struct renew_bed *b, struct composed_bundle *made)
{
	check_ok(compose_keys_keep(&b->c, b->on.home));
	check_ok(compose_finish(&b->c, b->on.requester, false, 0, made));
}

static void
what_is_asked_for_already_waits_for_its_answer(void **state)
{
	WIPED(renew_bed) b = { 0 };
	WIPED(composed_bundle) made = { 0 };
	static const struct answer_how refused = { .refused = 1 };

	(void)state;
	renew_bed_make(&b, &series);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_ASKED);
	send_it(&b, &made);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_WAITING);
	comes_to(&b, BEGIN, RENEW_WAITING);
	/* refused: it can be asked for again */
	online_answer(&b.on, made.sequence, &refused);
	online_receive(&b.on);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_ASKED);
}

static void
what_is_renewed_is_not_due_again(void **state)
{
	WIPED(renew_bed) b = { 0 };
	WIPED(composed_bundle) made = { 0 };

	(void)state;
	renew_bed_make(&b, &series);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_ASKED);
	send_it(&b, &made);
	online_answer(&b.on, made.sequence, NULL);
	online_receive(&b.on);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_EARLY);
	/* six slots, one after the other */
	assert_int_equal(
	    online_count(&b.on, "SELECT count(*) FROM certificate"), 6);
	assert_int_equal(
	    online_count(&b.on, "SELECT max(not_before) FROM certificate"),
	    BEGIN + 5 * 31 * DAY);
}

static void
what_nobody_can_repeat_is_told(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	online_edit(&b.on, "UPDATE certificate SET revoked_at = 1");
	comes_to(&b, NOW, RENEW_NOTHING);
	online_edit(&b.on, "UPDATE certificate SET revoked_at = NULL");
	comes_to(&b, NOW, RENEW_EARLY);
	/* of loose CSRs: asked for by no bundle */
	online_edit(&b.on,
	    "INSERT INTO loose SELECT (SELECT max(sequence) FROM bundle), 1,"
	    " zeroblob(32), 1, policy, 1, 'x' FROM enrolment");
	comes_to(&b, BEGIN + 20 * DAY, RENEW_NOTHING);
}

static void
a_name_that_nothing_has_is_told(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	assert_int_equal(renew_name(&b.by, "b.example.org"), RC_STATE);
	assert_non_null(strstr(err_text(), "no certificate has that name"));
	assert_int_equal(b.n, 0);
}

/* ---- how ----------------------------------------------------------------- */

static void
a_series_goes_on_where_the_last_slot_ends(void **state)
{
	WIPED(renew_bed) b = { 0 };
	const struct validity *v;

	(void)state;
	renew_bed_make(&b, &series);
	comes_to(&b, BEGIN + 31 * DAY, RENEW_ASKED);
	v = &b.c.items[0].validity;
	assert_int_equal(v->count, 3);
	assert_int_equal(v->period, 31 * DAY);
	assert_int_equal(v->overlap, 7 * DAY);
	assert_true(v->has_not_before);
	assert_int_equal(v->not_before, BEGIN + 3 * 31 * DAY);
	assert_string_equal(b.c.items[0].profile, "server");
}

/* Nobody knows on which day it will be signed. */
static void
what_would_begin_within_a_week_begins_when_it_is_signed(void **state)
{
	WIPED(renew_bed) b = { 0 };
	const int64_t next = BEGIN + 3 * 31 * DAY;

	(void)state;
	renew_bed_make(&b, &series);
	comes_to(&b, next - RENEW_SOON, RENEW_ASKED);
	assert_true(b.c.items[0].validity.has_not_before);
	comes_to(&b, next - RENEW_SOON + 1, RENEW_ASKED);
	assert_false(b.c.items[0].validity.has_not_before);
	assert_int_equal(b.c.items[0].validity.not_before, 0);
}

static void
a_single_one_begins_when_it_is_signed(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	comes_to(&b, BEGIN + 5 * DAY, RENEW_ASKED);
	assert_false(b.c.items[0].validity.has_not_before);
	assert_int_equal(b.c.items[0].validity.count, 1);
}

static void
a_key_made_here_gets_a_successor_of_its_type(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org,"
							"srv:_x.example.org",
		.key = "ed25519" };
	WIPED(renew_bed) b = { 0 };
	const struct composed *item;

	(void)state;
	renew_bed_make(&b, &ask);
	comes_to(&b, BEGIN + 5 * DAY, RENEW_ASKED);
	item = &b.c.items[0];
	assert_non_null(item->new_key);
	assert_true(EVP_PKEY_is_a(item->new_key, "ED25519"));
	assert_int_equal(item->names.n, 2);
	assert_true(span_eq_str(item->names.items[1].text, "_x.example.org"));
	assert_int_equal(
	    online_count(&b.on, "SELECT length(serial) FROM certificate"),
	    (int64_t)item->replaces.n);
}

static void
a_key_from_elsewhere_sends_the_same_csr(void **state)
{
	WIPED(renew_bed) b = { 0 };
	WIPED(buf) csr = { 0 };
	struct online_ask ask = { 0 };

	(void)state;
	renew_bed_make(&b, NULL);
	csr_of_key(b.on.requester, "dns:a.example.org", &csr);
	ask.csr = buf_span(&csr);
	online_install(&b.on, &ask, 0);
	comes_to(&b, BEGIN + 5 * DAY, RENEW_ASKED);
	assert_null(b.c.items[0].new_key);
	assert_true(span_eq(buf_span(&b.c.items[0].csr), buf_span(&csr)));
	assert_int_equal(b.c.items[0].names.n, 0);
}

/* Its names may have stood in the CSR, where a new one has to have them too. */
static void
names_of_a_csr_are_carried_over_to_a_new_key(void **state)
{
	static const char policy[] =
	    "[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n"
	    "[profile server]\nsubject = first-name\n"
	    "names-from = csr\n" PLAIN_PROFILE;
	WIPED(renew_bed) b = { 0 };

	(void)state;
	online_prepare(&b.on, policy);
	online_enrol(&b.on, policy, SPAN_NONE);
	online_install(&b.on, &single, 0);
	comes_to(&b, BEGIN + 5 * DAY, RENEW_ASKED);
	assert_non_null(b.c.items[0].new_key);
	assert_int_equal(b.c.items[0].names.n, 0);
	assert_int_equal(b.c.items[0].csr_names.n, 1);
}

static void
a_profile_that_went_is_told(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	(void)strcpy(b.on.store.policy.profiles[0].name, "gone");
	begin(&b, BEGIN + 5 * DAY);
	check_rule(renew_name(&b.by, "a.example.org"), "PROFILE-UNKNOWN",
	    "the CA's policy has no profile \"server\" any more");
	assert_int_equal(b.c.n, 0);
	assert_int_equal(b.n, 0);
}

static void
what_is_named_twice_is_asked_for_once(void **state)
{
	static const struct online_ask ask = {
		.names = "dns:a.example.org,dns:b.example.org", .key = "ec-p256"
	};
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &ask);
	begin(&b, BEGIN + 5 * DAY);
	check_ok(renew_name(&b.by, "a.example.org"));
	check_ok(renew_name(&b.by, "b.example.org"));
	check_ok(renew_name(&b.by, "dns:a.example.org"));
	assert_int_equal(b.c.n, 1);
	assert_int_equal(b.n, 1);
}

static void
a_damaged_bundle_is_not_repeated(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	online_edit(&b.on, "UPDATE request SET place = 1;"
			   "UPDATE certificate SET place = 1");
	begin(&b, BEGIN + 5 * DAY);
	assert_int_equal(renew_name(&b.by, "a.example.org"), RC_STATE);
	assert_string_equal(err_text(), "store: a request of no bundle");
	online_edit(&b.on, "UPDATE bundle SET file = x'00'");
	begin(&b, BEGIN + 5 * DAY);
	assert_int_equal(renew_name(&b.by, "a.example.org"), RC_FORMAT);
	assert_non_null(strstr(err_text(), "stored bundle"));
}

/* ---- all ----------------------------------------------------------------- */

static void
of_all_those_that_run_out_are_renewed(void **state)
{
	static const struct online_ask other = { .names = "dns:b.example.org",
		.key = "ec-p256",
		.count = 3,
		.overlap = 7 * DAY };
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	online_install(&b.on, &other, 0);
	begin(&b, BEGIN + 5 * DAY);
	check_ok(renew_all(&b.by));
	assert_int_equal(b.n, 2);
	assert_string_equal(b.told[0].name, "dns:a.example.org");
	assert_int_equal(b.told[0].what, RENEW_ASKED);
	assert_string_equal(b.told[1].name, "dns:b.example.org");
	assert_int_equal(b.told[1].what, RENEW_EARLY);
	assert_int_equal(b.c.n, 1);
}

static void
what_is_over_for_longer_was_given_up(void **state)
{
	WIPED(renew_bed) b = { 0 };
	int64_t ends = BEGIN + 31 * DAY - 1;

	(void)state;
	renew_bed_make(&b, &single);
	begin(&b, ends + HELD_WITHIN);
	check_ok(renew_all(&b.by));
	assert_int_equal(b.c.n, 1);
	begin(&b, ends + HELD_WITHIN + 1);
	check_ok(renew_all(&b.by));
	assert_int_equal(b.n, 0);
	assert_int_equal(b.c.n, 0);
}

/* ---- when something fails ------------------------------------------------ */

static enum rc
renew_anew(void *arg)
{
	struct renew_bed *b = arg;

	begin(b, BEGIN + 5 * DAY);
	return renew_all(&b->by);
}

static void
no_name_is_told(void *arg)
{
	struct renew_bed *b = arg;

	assert_int_equal(b->n, 0);
	online_reader_anew(&b->on);
}

static void
whatever_fails_is_told(void **state)
{
	WIPED(renew_bed) b = { 0 };

	(void)state;
	renew_bed_make(&b, &single);
	each_fails(FAIL_DB, renew_anew, no_name_is_told, &b);
	each_fails(FAIL_MEMORY, renew_anew, no_name_is_told, &b);
	assert_int_equal(b.c.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_single_one_is_renewed_when_it_ends_within_the_time),
		cmocka_unit_test(
		    a_series_is_renewed_when_less_than_two_are_to_come),
		cmocka_unit_test(
		    what_is_asked_for_already_waits_for_its_answer),
		cmocka_unit_test(what_is_renewed_is_not_due_again),
		cmocka_unit_test(what_nobody_can_repeat_is_told),
		cmocka_unit_test(a_name_that_nothing_has_is_told),
		cmocka_unit_test(a_series_goes_on_where_the_last_slot_ends),
		cmocka_unit_test(
		    what_would_begin_within_a_week_begins_when_it_is_signed),
		cmocka_unit_test(a_single_one_begins_when_it_is_signed),
		cmocka_unit_test(a_key_made_here_gets_a_successor_of_its_type),
		cmocka_unit_test(a_key_from_elsewhere_sends_the_same_csr),
		cmocka_unit_test(names_of_a_csr_are_carried_over_to_a_new_key),
		cmocka_unit_test(a_profile_that_went_is_told),
		cmocka_unit_test(what_is_named_twice_is_asked_for_once),
		cmocka_unit_test(a_damaged_bundle_is_not_repeated),
		cmocka_unit_test(of_all_those_that_run_out_are_renewed),
		cmocka_unit_test(what_is_over_for_longer_was_given_up),
		cmocka_unit_test(whatever_fails_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
