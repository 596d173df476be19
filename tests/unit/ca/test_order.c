/* SPDX-License-Identifier: Apache-2.0 */
/* Which bundle of a stick is first, and when none is. */
#include "ca/sign/order.h"
#include "tests/lib/ca_bed.h"
#include "tests/lib/fail.h"

#include <errno.h>

#define MEMORY \
	"malloc calloc reallocarray strdup strndup EVP_MD_CTX_new ECDSA_SIG_new"

/* Two bundles of an enrolled requester, the later one first on the stick. */
struct two {
	struct ca_bed b;
	struct offer later, earlier;
	struct scanned files[2]; /* borrowed copies */
};

static void
two_wipe(struct two *t)
{
	offer_wipe(&t->later);
	offer_wipe(&t->earlier);
	ca_bed_wipe(&t->b);
}

static void
place(struct two *t)
{
	t->files[0] = t->later.scanned;
	t->files[1] = t->earlier.scanned;
}

static void
two_make(struct two *t)
{
	struct ledger *ledger;

	ca_bed_make(&t->b, "ec-p256", JUDGE_FAKE);
	ledger = t->b.v.act.ledger;
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_enrol_add(
	    ledger, span_str("web"), buf_span(&t->b.requester_spki)));
	check_ok(ledger_commit(ledger));
	offer_make(&t->b, &t->later, 1, 1);
	t->later.bundle.sequence = 8;
	offer_seal(&t->b, &t->later);
	offer_make(&t->b, &t->earlier, 1, 1);
	t->earlier.bundle.sequence = 7;
	offer_seal(&t->b, &t->earlier);
	place(t);
}

static enum rc
take(struct two *t, struct turn **ret, size_t *ret_at)
{
	return turns_take(
	    t->b.v.act.ledger, t->b.ca.id, t->files, 2, ret, ret_at);
}

static void
bundles_come_in_the_order_of_their_numbers(void **state)
{
	WIPED(two) t = { 0 };
	struct turn *turns = NULL;
	size_t at;

	(void)state;
	two_make(&t);
	check_ok(take(&t, &turns, &at));
	assert_int_equal(turns[0].index, 1);
	assert_int_equal(turns[0].sequence, 7);
	assert_int_equal(turns[1].index, 0);
	free(turns);
}

static void
a_refused_file_has_no_place_and_keeps_nobody_from_his(void **state)
{
	WIPED(two) t = { 0 };
	struct turn *turns = NULL;
	size_t at;

	(void)state;
	two_make(&t);
	t.files[1].rc = RC_FORMAT;
	t.files[1].rule = RULE_MEDIA_SIZE;
	check_ok(take(&t, &turns, &at));
	assert_int_equal(turns[0].index, 1);
	assert_int_equal(turns[0].sequence, 0);
	assert_int_equal(turns[1].sequence, 8);
	free(turns);
}

/* It might be the earlier one, which the later one would make a replay. */
static void
a_file_that_cannot_be_read_leaves_no_order(void **state)
{
	WIPED(two) t = { 0 };
	struct turn *turns = NULL;
	size_t at = 9;

	(void)state;
	two_make(&t);
	t.files[1].rc = RC_IO;
	t.files[1].rule = RULE_NONE;
	(void)snprintf(t.files[1].reason, sizeof(t.files[1].reason),
	    "Input/output error");
	assert_int_equal(take(&t, &turns, &at), RC_IO);
	assert_null(turns);
	assert_int_equal(at, 1);
	assert_int_equal(rule_spoken(), RULE_NONE);
	assert_string_equal(err_text(),
	    "bundle.cose: could not be read, and nothing is signed while its "
	    "place in the order is not known: try again, or copy the stick's "
	    "files to another: Input/output error");
}

static void
without_memory_there_is_no_order(void **state)
{
	WIPED(two) t = { 0 };
	unsigned failed = 0;

	(void)state;
	two_make(&t);
	FAIL_EACH(MEMORY, ENOMEM)
	{
		struct turn *turns = NULL;
		size_t at;
		enum rc rc = take(&t, &turns, &at);

		if (fail_stop() != NULL) {
			failed++;
			assert_int_not_equal(rc, RC_OK);
			assert_null(turns);
			assert_int_equal(rule_spoken(), RULE_NONE);
			continue;
		}
		check_ok(rc);
		assert_int_equal(turns[0].index, 1);
		free(turns);
	}
	assert_true(failed > 5);
}

static void
what_an_enrolled_requester_has_seen_stops_them_all(void **state)
{
	WIPED(two) t = { 0 };
	struct turn *turns = NULL;
	size_t at = 9;

	(void)state;
	two_make(&t);
	t.later.bundle.has_head = true;
	t.later.bundle.head.sequence = 3;
	offer_seal(&t.b, &t.later);
	place(&t);
	check_rule(take(&t, &turns, &at), "HEAD-AHEAD", "response 3");
	assert_int_equal(at, 0);
	assert_int_equal(rule_stops(), SCOPE_STICK);
}

static void
what_a_stranger_says_stops_nobody(void **state)
{
	WIPED(two) t = { 0 };
	struct turn *turns = NULL;
	size_t at;

	(void)state;
	two_make(&t);
	bed_requester_change(&t.b);
	offer_wipe(&t.later);
	offer_make(&t.b, &t.later, 1, 1);
	t.later.bundle.sequence = 8;
	t.later.bundle.label = span_str("stranger");
	t.later.bundle.has_head = true;
	t.later.bundle.head.sequence = 3;
	offer_seal(&t.b, &t.later);
	place(&t);
	check_ok(take(&t, &turns, &at));
	free(turns);
	/* It stops itself. */
	check_ok(submission_read(&t.later.scanned, &t.later.s));
	check_refused(submission_admit(&t.later.s, t.b.v.act.ledger, t.b.ca.id,
			  t.b.v.act.now),
	    "HEAD-CLAIMED",
	    "bundle.cose: claims to follow response 3 of this CA as this ledger "
	    "does not have it; its key is not enrolled here, so that this "
	    "proves nothing");
	assert_int_equal(rule_stops(), SCOPE_BUNDLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundles_come_in_the_order_of_their_numbers),
		cmocka_unit_test(
		    a_refused_file_has_no_place_and_keeps_nobody_from_his),
		cmocka_unit_test(a_file_that_cannot_be_read_leaves_no_order),
		cmocka_unit_test(without_memory_there_is_no_order),
		cmocka_unit_test(
		    what_an_enrolled_requester_has_seen_stops_them_all),
		cmocka_unit_test(what_a_stranger_says_stops_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
