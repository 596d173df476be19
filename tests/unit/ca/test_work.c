/* SPDX-License-Identifier: Apache-2.0 */
/* One submission from its check to its stored response: what is stored when,
 * and how a run that did not finish is taken up again. */
#include "tests/lib/ca_bed.h"

#include "ca/sign/work.h"

/* A work, and what came of it. */
struct run {
	struct work work;
	struct response response;
};

static void
run_wipe(struct run *run)
{
	work_wipe(&run->work);
	response_wipe(&run->response);
}

static enum rc
run_all(struct ca_bed *b, struct offer *o, struct run *run)
{
	enum rc rc;

	run_wipe(run);
	rc = work_check(&b->v, &o->s, NULL, NULL, &run->work);
	return rc != RC_OK
		   ? rc
		   : work_sign(&b->v, &run->work, NULL, NULL, &run->response);
}

/* The next run of the program, on the same stick. */
static void
come_again(struct ca_bed *b, struct offer *o)
{
	bed_again(b);
	offer_read(b, o);
}

static size_t
n_open(struct ca_bed *b)
{
	struct ledger_bundle *open = NULL;
	size_t n = 0;

	check_ok(ledger_bundles_open(b->v.act.ledger, &open, &n));
	free(open);
	return n;
}

/* ---- a run that goes well ---------------------------------------------------
 */

static void
nothing_is_stored_before_yes(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(work) work = { 0 };
	struct ledger_head before, after;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 3, 1);
	offer_read(&b, &o);
	ledger_head_get(b.v.act.ledger, &before);
	check_ok(work_check(&b.v, &o.s, NULL, NULL, &work));
	ledger_head_get(b.v.act.ledger, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(work.decisions.granted, 3);
	assert_int_equal(work.at, NOW);
	assert_ptr_equal(work.policy, &b.v.act.policy);
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 0);
}

static void
a_bundle_becomes_a_response_that_the_judge_takes(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	offer_make(&b, &o, 2, 2);
	offer_read(&b, &o);
	check_ok(run_all(&b, &o, &run));
	assert_int_equal(run.response.n_certs, 4);
	assert_int_equal(run.response.n_refused, 0);
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 5);
	ledger_story_check(b.v.act.ledger, "EbttttCCCCm");
	ledger_check(b.v.act.ledger);
	assert_int_equal(n_open(&b), 0);
	offer_read(&b, &o);
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
}

static void
a_refusal_is_stored_with_the_bundle(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	offer_make(&b, &o, 3, 1);
	o.names[1].text = span_str("www.example.net");
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "EbRttCCm");
	assert_int_equal(run.response.n_certs, 2);
	assert_int_equal(run.response.n_refused, 1);
	assert_true(
	    span_eq_str(run.response.manifest.results[1].rule, "NAME-SCOPE"));
}

static void
a_bundle_of_refusals_is_answered_without_a_certificate(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	offer_make(&b, &o, 1, 1);
	o.bundle.requests[0].profile = span_str("none-such");
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "EbRm");
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 1);
}

static void
a_network_that_is_up_is_recorded(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	check_ok(buf_add_str(&b.v.act.interfaces, "eth0"));
	offer_make(&b, &o, 1, 1);
	offer_read(&b, &o);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "nEbtCm");
}

static void
the_next_bundle_says_that_a_response_arrived(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	offer_make(&b, &one, 1, 1);
	offer_read(&b, &one);
	check_ok(run_all(&b, &one, &run));
	offer_make(&b, &two, 1, 1);
	offer_follows(&two, &run.response);
	offer_seal(&b, &two);
	offer_read(&b, &two);
	check_ok(run_all(&b, &two, &run));
	ledger_story_check(b.v.act.ledger, "EbtCmbatCm");
	/* Told once. */
	requester_wipe(&two.s.requester);
	check_ok(ledger_requester_get(
	    b.v.act.ledger, two.s.key_id, &two.s.requester, &two.s.known));
	assert_int_equal(two.s.requester.arrived, 1);
}

/* ---- a run that does not ----------------------------------------------------
 */

static void
a_run_that_was_cut_off_is_finished_by_the_next(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 3, 1);
	offer_read(&b, &o);
	token_fails(&b, FAKE_REFUSE, 2, 0);
	assert_int_equal(run_all(&b, &o, &run), RC_TOKEN);
	ledger_story_check(b.v.act.ledger, "EbtttC");
	assert_int_equal(n_open(&b), 1);
	come_again(&b, &o);
	assert_int_equal(o.s.admission, ADMIT_RESUME);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "EbtttCvvttCCm");
	assert_int_equal(run.response.n_certs, 3);
	ledger_check(b.v.act.ledger);
}

static void
it_is_finished_under_its_own_policy_and_time(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };
	struct policy *policy = &b.v.act.policy;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 2, 1);
	offer_read(&b, &o);
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(run_all(&b, &o, &run), RC_TOKEN);
	/* A policy under which nothing of it would pass, and a day later. */
	policy_wipe(policy);
	check_ok(policy_parse("policy.conf",
	    span_str("[ca]\nscope = example.net\n[profile server]\n"
		     "subject = first-name\n" PLAIN_PROFILE),
	    policy));
	b.v.act.now = NOW + DAY;
	come_again(&b, &o);
	run_wipe(&run);
	check_ok(work_check(&b.v, &o.s, NULL, NULL, &run.work));
	assert_int_equal(run.work.decisions.granted, 2);
	assert_int_equal(run.work.at, NOW);
	assert_ptr_equal(run.work.policy, &run.work.resumed);
	assert_int_equal(
	    run.work.decisions.items[0].grant.not_before, NOW - HOUR);
	check_ok(work_sign(&b.v, &run.work, NULL, NULL, &run.response));
	assert_memory_equal(
	    run.response.record.policy, o.s.record.policy, SHA256_LEN);
	ledger_check(b.v.act.ledger);
}

static void
what_was_refused_for_good_stays_refused(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 3, 1);
	offer_read(&b, &o);
	judge_fails(&b, JUDGE_CERT, 2, RC_FORMAT, "CERT-DATES");
	token_fails(&b, FAKE_REFUSE, 4, 0); /* the manifest */
	assert_int_equal(run_all(&b, &o, &run), RC_TOKEN);
	ledger_story_check(b.v.act.ledger, "EbtttCvCR");
	come_again(&b, &o); /* with a judge that says yes to all */
	run_wipe(&run);
	check_ok(work_check(&b.v, &o.s, NULL, NULL, &run.work));
	assert_int_equal(run.work.decisions.granted, 2);
	assert_int_equal(run.work.decisions.items[1].rule, RULE_CERT_DATES);
	assert_string_equal(run.work.decisions.items[1].reason, "not as asked");
	check_ok(work_sign(&b.v, &run.work, NULL, NULL, &run.response));
	ledger_story_check(b.v.act.ledger, "EbtttCvCRm");
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 1);
}

static void
a_response_that_the_judge_refuses_does_not_leave(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	offer_read(&b, &o);
	judge_fails(&b, JUDGE_RESPONSE, 1, RC_FORMAT, "CERT-NAMES");
	check_refused(run_all(&b, &o, &run), "JUDGE",
	    "bundle.cose: nothing leaves: the response is not what was asked: "
	    "not as asked (CERT-NAMES)");
	assert_int_equal(run.response.n, 0);
	ledger_story_check(b.v.act.ledger, "EbtC");
	assert_int_equal(n_open(&b), 1);
	/* A judge that fails says nothing of the response. */
	come_again(&b, &o);
	judge_fails(&b, JUDGE_RESPONSE, 1, RC_IO, NULL);
	assert_int_equal(run_all(&b, &o, &run), RC_IO);
	assert_int_equal(rule_spoken(), RULE_NONE);
	/* And once it says yes, the certificate that was signed is in it. */
	come_again(&b, &o);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "EbtCm");
}

static void
a_requester_who_was_removed_meanwhile_is_enrolled_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };
	struct ledger *ledger;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	offer_read(&b, &o);
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(run_all(&b, &o, &run), RC_TOKEN);
	ledger = b.v.act.ledger;
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, buf_span(&b.v.act.policy.text)));
	check_ok(ledger_remove_add(ledger, o.s.key_id));
	check_ok(ledger_commit(ledger));
	come_again(&b, &o);
	assert_false(o.s.known);
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "EbtrEvtCm");
}

/* ---- what may be replaced
 * ---------------------------------------------------- */

static void
check_replace(
    struct ca_bed *b, struct offer *o, struct span serial, enum rule rule)
{
	WIPED(work) work = { 0 };

	o->bundle.requests[0].replaces = serial;
	offer_seal(b, o);
	offer_read(b, o);
	check_ok(work_check(&b->v, &o->s, NULL, NULL, &work));
	assert_int_equal(work.decisions.items[0].rule, rule);
	assert_int_equal(work.decisions.granted, rule == RULE_NONE);
}

static void
only_what_the_same_requester_was_given_is_replaced(void **state)
{
	static const uint8_t unknown[16] = { 0x40 };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(offer) other = { 0 };
	WIPED(run) run = { 0 };
	struct span serial;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &one, 1, 1);
	offer_read(&b, &one);
	check_ok(run_all(&b, &one, &run));
	serial = run.response.manifest.results[0].certs[0].serial;

	offer_make(&b, &two, 1, 1);
	offer_follows(&two, &run.response);
	check_replace(&b, &two, serial, RULE_NONE);
	check_replace(
	    &b, &two, span_of(unknown, sizeof(unknown)), RULE_REPLACE_DENIED);

	/* Another requester, who knows the serial. */
	bed_requester_change(&b);
	offer_make(&b, &other, 1, 1);
	other.bundle.label = span_str("other");
	check_replace(&b, &other, serial, RULE_REPLACE_DENIED);
}

static void
a_denied_replacement_says_whose_it_is_not(void **state)
{
	static const uint8_t unknown[16] = { 0x40 };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(work) work = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	o.bundle.requests[0].replaces = span_of(unknown, sizeof(unknown));
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(work_check(&b.v, &o.s, NULL, NULL, &work));
	assert_string_equal(work.decisions.items[0].reason,
	    "request 1 (r0): replaces 40000000000000000000000000000000, which "
	    "no bundle of \"web\" obtained");
}

/* ---- loose CSRs
 * -------------------------------------------------------------- */

static void
loose_requests_get_the_dates_of_their_profile(void **state)
{
	static const char *const names[] = { "DNS:a.example.org",
		"DNS:b.example.org" };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(run) run = { 0 };
	const struct cert_entry *entry;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	loose_offer_make(&o, names, 2);
	loose_offer_read(&b, &o, "server");
	check_ok(run_all(&b, &o, &run));
	ledger_story_check(b.v.act.ledger, "bttCCm"); /* and nobody enrolled */
	entry = &run.response.manifest.results[1].certs[0];
	assert_int_equal(entry->not_after - entry->not_before, 31 * DAY - 1);
	loose_offer_read(&b, &o, "server");
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
}

static void
loose_requests_want_a_profile_of_the_policy(void **state)
{
	static const char *const names[] = { "DNS:a.example.org" };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(work) work = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&o, names, 1);
	loose_offer_read(&b, &o, "none-such");
	check_refused(work_check(&b.v, &o.s, NULL, NULL, &work),
	    "PROFILE-UNKNOWN", "the policy has no profile \"none-such\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_stored_before_yes),
		cmocka_unit_test(
		    a_bundle_becomes_a_response_that_the_judge_takes),
		cmocka_unit_test(a_refusal_is_stored_with_the_bundle),
		cmocka_unit_test(
		    a_bundle_of_refusals_is_answered_without_a_certificate),
		cmocka_unit_test(a_network_that_is_up_is_recorded),
		cmocka_unit_test(the_next_bundle_says_that_a_response_arrived),
		cmocka_unit_test(
		    a_run_that_was_cut_off_is_finished_by_the_next),
		cmocka_unit_test(it_is_finished_under_its_own_policy_and_time),
		cmocka_unit_test(what_was_refused_for_good_stays_refused),
		cmocka_unit_test(
		    a_response_that_the_judge_refuses_does_not_leave),
		cmocka_unit_test(
		    a_requester_who_was_removed_meanwhile_is_enrolled_again),
		cmocka_unit_test(
		    only_what_the_same_requester_was_given_is_replaced),
		cmocka_unit_test(a_denied_replacement_says_whose_it_is_not),
		cmocka_unit_test(loose_requests_get_the_dates_of_their_profile),
		cmocka_unit_test(loose_requests_want_a_profile_of_the_policy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
