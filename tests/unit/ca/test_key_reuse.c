/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are asked to be certified again, held against the whole ledger. The
 * rule itself is tested in test_key_uses.c. */
#include "tests/lib/ca_bed.h"

#include "ca/intake/key_reuse.h"

#define STRICT_POLICY \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = first-name\nkey-reuse = " \
	"same-names\n" PLAIN_PROFILE \
	"[profile free]\nsubject = first-name\nkey-reuse = " \
	"any\n" PLAIN_PROFILE

static void
strict_make(struct ca_bed *b)
{
	ca_bed_make(b, "ec-p256", JUDGE_FAKE);
	policy_wipe(&b->v.act.policy);
	check_ok(policy_parse(
	    "policy.conf", span_str(STRICT_POLICY), &b->v.act.policy));
}

/* The only request asks with this key, for this host, under this profile. */
static void
ask_with(struct ca_bed *b, struct offer *o, const struct buf *csr,
    const char *host, const char *profile)
{
	buf_reset(&o->csrs[0]);
	check_ok(buf_add_span(&o->csrs[0], buf_span(csr)));
	o->bundle.requests[0].csr = buf_span(&o->csrs[0]);
	o->bundle.requests[0].profile = span_str(profile);
	o->names[0].text = span_str(host);
	offer_seal(b, o);
	offer_read(b, o);
}

/* A first bundle for r0.example.org is answered; `two` is the next one. */
static void
two_make(struct ca_bed *b, struct offer *one, struct offer *two)
{
	WIPED(response) response = { 0 };

	strict_make(b);
	offer_make(b, one, 1, 1);
	offer_read(b, one);
	check_ok(offer_answer(b, one, &response));
	offer_make(b, two, 1, 1);
	offer_follows(two, &response);
}

static const struct decision *
decided(struct ca_bed *b, struct offer *o)
{
	check_ok(offer_check(b, o));
	check_ok(decisions_check_keys(b->v.act.ledger, &o->s, &o->decisions));
	return &o->decisions.items[0];
}

static void
a_key_stays_with_its_name(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	const struct decision *d;

	(void)state;
	two_make(&b, &one, &two);
	ask_with(&b, &two, &one.csrs[0], "r0.example.org", "server");
	assert_int_equal(decided(&b, &two)->rule, RULE_NONE);
	assert_int_equal(two.decisions.granted, 1);
	ask_with(&b, &two, &one.csrs[0], "r1.example.org", "server");
	d = decided(&b, &two);
	assert_int_equal(d->rule, RULE_KEY_USED);
	assert_memory_equal(
	    d->reason, "request 1 (r0): its key is that of", 34);
	assert_int_equal(two.decisions.granted, 0);
	assert_int_equal(two.decisions.certificates, 0);
}

static void
a_profile_may_let_any_key_pass(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };

	(void)state;
	two_make(&b, &one, &two);
	ask_with(&b, &two, &one.csrs[0], "r1.example.org", "free");
	assert_int_equal(decided(&b, &two)->rule, RULE_NONE);
}

static void
anothers_key_is_refused_whatever_its_names(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(offer) other = { 0 };
	const struct decision *d;

	(void)state;
	two_make(&b, &one, &two);
	bed_requester_change(&b);
	offer_make(&b, &other, 1, 1);
	other.bundle.label = span_str("other");
	ask_with(&b, &other, &one.csrs[0], "r0.example.org", "server");
	d = decided(&b, &other);
	assert_int_equal(d->rule, RULE_KEY_USED);
	assert_non_null(strstr(d->reason, "which another requester obtained"));
}

/* A run that was interrupted has its intents, and no certificate to look into.
 */
static void
a_key_that_another_requester_is_about_to_have_counts(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) other = { 0 };
	struct ledger *ledger;
	const struct decision *d;
	struct intent intent = { .not_before = NOW,
		.not_after = NOW + DAY,
		.serial = { 0x41 },
		.request_id = "r0",
		.profile = "server" };

	(void)state;
	strict_make(&b);
	ledger = b.v.act.ledger;
	offer_make(&b, &one, 1, 1);
	offer_read(&b, &one);
	check_ok(offer_check(&b, &one));
	offer_accept(&b, &one);
	intent.bundle = one.s.record.n;
	memcpy(intent.key_id, one.decisions.items[0].key_id, SHA256_LEN);
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, buf_span(&b.v.act.policy.text)));
	check_ok(ledger_intent_add(ledger, &intent));
	check_ok(ledger_commit(ledger));
	bed_requester_change(&b);
	offer_make(&b, &other, 1, 1);
	other.bundle.label = span_str("other");
	ask_with(&b, &other, &one.csrs[0], "r0.example.org", "server");
	d = decided(&b, &other);
	assert_int_equal(d->rule, RULE_KEY_USED);
	assert_non_null(
	    strstr(d->reason, "which another requester has asked for"));
	/* The operator is told who; the asker is not. */
	assert_null(strstr(d->reason, "web"));
	assert_memory_equal(d->held, "unfinished 41", 13);
	assert_non_null(strstr(d->held, " of \"web\", until 2027-01-16"));
	/* Where any may have it he is told as well. */
	ask_with(&b, &other, &one.csrs[0], "r0.example.org", "free");
	d = decided(&b, &other);
	assert_int_equal(d->rule, RULE_NONE);
	assert_non_null(strstr(d->held, " of \"web\""));
}

static void
a_key_of_a_loose_csr_is_not_a_requesters(void **state)
{
	static const char *const names[] = { "DNS:r0.example.org" };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) loose = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	const struct decision *d;

	(void)state;
	strict_make(&b);
	loose_offer_make(&loose, names, 1);
	loose_offer_read(&b, &loose, "server");
	check_ok(offer_answer(&b, &loose, &response));
	offer_make(&b, &o, 1, 1);
	ask_with(&b, &o, &loose.csrs[0], "r0.example.org", "server");
	d = decided(&b, &o);
	assert_int_equal(d->rule, RULE_KEY_USED);
	assert_non_null(strstr(d->reason, "which a loose CSR obtained"));
}

static void
a_key_of_a_requester_is_not_a_loose_csrs(void **state)
{
	static const char *const names[] = { "DNS:r0.example.org" };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) loose = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	strict_make(&b);
	loose_offer_make(&loose, names, 1);
	offer_make(&b, &o, 1, 1);
	ask_with(&b, &o, &loose.csrs[0], "r0.example.org", "server");
	check_ok(offer_answer(&b, &o, &response));
	loose_offer_read(&b, &loose, "server");
	check_ok(submission_set_terms(&loose.s, &b.v.act.policy));
	assert_int_equal(decided(&b, &loose)->rule, RULE_KEY_USED);
	assert_non_null(strstr(
	    loose.decisions.items[0].reason, "which a requester obtained"));
}

/* It was granted when nobody had the key: what was signed since, by another
 * even whom his profile lets, does not change that. */
static void
a_run_that_is_taken_up_again_is_decided_as_before(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	strict_make(&b);
	offer_make(&b, &one, 1, 1);
	offer_read(&b, &one);
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(offer_answer(&b, &one, &response), RC_TOKEN);
	bed_again(&b);
	bed_requester_change(&b);
	offer_make(&b, &two, 1, 1);
	two.bundle.label = span_str("other");
	ask_with(&b, &two, &one.csrs[0], "r9.example.org", "free");
	check_ok(offer_answer(&b, &two, &response));
	assert_int_equal(response.n_certs, 1);
	offer_read(&b, &one);
	assert_int_equal(one.s.admission, ADMIT_RESUME);
	assert_int_equal(decided(&b, &one)->rule, RULE_NONE);
	check_ok(offer_answer(&b, &one, &response));
	assert_int_equal(response.n_certs, 1);
}

static void
one_key_for_two_hosts_of_a_bundle_is_refused_the_second(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	strict_make(&b);
	offer_make(&b, &o, 2, 1);
	offer_read(&b, &o);
	assert_int_equal(decided(&b, &o)->rule, RULE_NONE);
	assert_int_equal(o.decisions.items[1].rule, RULE_KEY_USED);
	assert_non_null(
	    strstr(o.decisions.items[1].reason, "that of request 1 (r0)"));
	assert_int_equal(o.decisions.granted, 1);
}

static void
what_is_refused_already_is_not_looked_at(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };

	(void)state;
	two_make(&b, &one, &two);
	ask_with(&b, &two, &one.csrs[0], "r0.example.net", "server");
	assert_int_equal(decided(&b, &two)->rule, RULE_NAME_SCOPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_stays_with_its_name),
		cmocka_unit_test(a_profile_may_let_any_key_pass),
		cmocka_unit_test(anothers_key_is_refused_whatever_its_names),
		cmocka_unit_test(
		    a_key_that_another_requester_is_about_to_have_counts),
		cmocka_unit_test(a_key_of_a_loose_csr_is_not_a_requesters),
		cmocka_unit_test(a_key_of_a_requester_is_not_a_loose_csrs),
		cmocka_unit_test(
		    a_run_that_is_taken_up_again_is_decided_as_before),
		cmocka_unit_test(
		    one_key_for_two_hosts_of_a_bundle_is_refused_the_second),
		cmocka_unit_test(what_is_refused_already_is_not_looked_at),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
