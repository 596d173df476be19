/* SPDX-License-Identifier: Apache-2.0 */
/* The order that makes any moment a safe one to lose power in, and what is kept
 * and what is not when token, judge or ledger fail in the middle of it. */
#include "tests/lib/ca_bed.h"

#include "ca/sign/batch.h"
#include "ca/sign/issue.h"
#include "transfer/x509/tbs.h"

#include <sys/resource.h>

static struct issue
issue_of(struct ca_bed *b)
{
	struct act *act = &b->v.act;

	return (struct issue){ .ledger = act->ledger,
		.keys = &act->keys,
		.judge = &act->judge,
		.ca_cert = buf_span(&act->ca.ca_cert),
		.now = act->now,
		.policy = buf_span(&act->policy.text),
		.sign_seconds = 5 };
}

static void
judge_open_for(struct ca_bed *b)
{
	const struct span ca_cert = buf_span(&b->v.act.ca.ca_cert);

	check_ok(judge_open(&b->v.act.judge, buf_span(&b->v.act.policy.text), NULL,
	    &ca_cert, 1, buf_span(&b->v.act.ca.transfer_cert)));
}

/* An accepted bundle of granted requests, before anything is signed. */
static void
accepted_make(struct ca_bed *b, struct offer *o, size_t n, uint32_t slots)
{
	offer_make(b, o, n, slots);
	offer_read(b, o);
	check_ok(offer_check(b, o));
	offer_accept(b, o);
	offer_look(b, o);
	judge_open_for(b);
}

static enum rc
issue_all(struct ca_bed *b, struct offer *o)
{
	const struct issue issue = issue_of(b);

	return issue_run(&issue, &o->s, &o->progress, &o->decisions);
}

/* What the ledger says behind the bundle's own record. */
static void
check_story(struct ca_bed *b, const char *wanted)
{
	struct kinds_seen seen;

	ledger_seen(b->v.act.ledger, &seen);
	assert_string_equal(strchr(seen.story, 'b') + 1, wanted);
	ledger_check(b->v.act.ledger);
	fake_play_check(b->play);
}

/* ---- the order --------------------------------------------------------------
 */

/* What a child finds in the ledger's file at the moment when it is asked. */
struct found {
	struct span tbs; /* looked for: an intent of this digest */
	bool intent, outcome;
	uint64_t n;
};

static enum rc
look_for(const struct record *record, const uint8_t hash[static SHA256_LEN],
    void *arg)
{
	struct found *found = arg;

	(void)hash;
	if (record->kind == RECORD_INTENT &&
	    span_eq(record->u.intent.tbs, found->tbs)) {
		found->intent = true;
		found->n = record->n;
	}
	if (record->kind == RECORD_RESULT &&
	    record->u.result.intent == found->n)
		found->outcome = true;
	return RC_OK;
}

static struct found
found_in(const char *path, struct span tbs)
{
	struct found found = { .tbs = tbs };
	OWNS(ledger) *ledger = NULL;

	if (ledger_open(path, false, &ledger) != RC_OK ||
	    ledger_records_each(ledger, 1, look_for, &found) != RC_OK)
		_exit(RC_BUG);
	return found;
}

/* P-256 signs SHA-256, as the ledger has it of each TBS. */
static const char *
token_watch(unsigned what, struct span bytes, const char *path)
{
	struct found found;

	if (what != WIRE_SIGN)
		return NULL;
	found = found_in(path, bytes);
	if (!found.intent)
		return "the token was given a digest that has no intent";
	return found.outcome ? "the token was given a digest twice" : NULL;
}

static const char *
judge_watch(unsigned what, struct span order, const char *path)
{
	struct cbor_in in = { .from = "judge", .rest = order };
	struct cert_parts parts;
	uint8_t digest[SHA256_LEN];
	struct found found;
	struct span der;
	uint64_t n;

	if (what != JUDGE_CERT)
		return NULL;
	if (cbor_take_array(&in, "order", 11, 11, &n) != RC_OK ||
	    cbor_take_uint(&in, "order", 0, JUDGE_ASKED, &n) != RC_OK ||
	    cbor_take_bytes(&in, "certificate", 1, SIZE_MAX, &der) != RC_OK ||
	    cert_parts_read("certificate", der, &parts) != RC_OK ||
	    sha256(parts.tbs, digest) != RC_OK)
		return "the judge was given no certificate";
	found = found_in(path, span_of(digest, sizeof(digest)));
	if (!found.intent)
		return "the judge sees another TBS than the ledger";
	return found.outcome ? "a result was stored before its verdict" : NULL;
}

static void
intents_are_committed_before_the_first_signature(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	b.play->token.watch = token_watch;
	b.play->judge.watch = judge_watch;
	accepted_make(&b, &o, 3, 1);
	check_ok(issue_all(&b, &o));
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 3);
	assert_int_equal(b.play->judge.asked[JUDGE_CERT], 3);
	check_story(&b, "tttCCC");
}

static void
every_place_gets_its_certificate_with_its_dates(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	int64_t from, to;

	(void)state;
	ca_bed_make(&b, "ec-p384", JUDGE_TRUE);
	accepted_make(&b, &o, 2, 3);
	check_ok(issue_all(&b, &o));
	offer_look(&b, &o);
	assert_int_equal(progress_done(&o.progress), 6);
	for (size_t i = 0; i < 2; i++)
		for (uint32_t c = 0; c < 3; c++) {
			const struct slot *slot = &o.progress.items[i].slots[c];

			validity_slot(&o.s.bundle.requests[i].validity,
			    NOW - HOUR, c, &from, &to);
			assert_int_equal(slot->not_before, from);
			assert_int_equal(slot->not_after, to);
		}
	check_story(&b, "ttttttCCCCCC");
}

/* With the token at its first signature nothing else is worth a commit. */
static void
the_first_batch_is_a_small_one(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 40, 1);
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(issue_all(&b, &o), RC_TOKEN);
	assert_int_equal(
	    ledger_count(b.v.act.ledger, RECORD_INTENT), BATCH_FIRST);
}

static void
a_large_bundle_goes_in_batches(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct kinds_seen seen;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	b.play->token.watch = token_watch;
	accepted_make(&b, &o, 40, 1);
	check_ok(issue_all(&b, &o));
	ledger_seen(b.v.act.ledger, &seen);
	assert_int_equal(seen.n[RECORD_INTENT], 40);
	assert_int_equal(seen.n[RECORD_RESULT], 40);
	offer_look(&b, &o);
	assert_int_equal(progress_done(&o.progress), 40);
	ledger_check(b.v.act.ledger);
	fake_play_check(b.play);
}

static void
count_progress(void *arg, uint64_t done)
{
	uint64_t *last = arg;

	assert_int_equal(done, *last + 1);
	*last = done;
}

static void
progress_tells_each_certificate_once(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct issue issue;
	uint64_t last = 0;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 10, 2);
	issue = issue_of(&b);
	issue.progress = count_progress;
	issue.arg = &last;
	check_ok(issue_run(&issue, &o.s, &o.progress, &o.decisions));
	assert_int_equal(last, 20);
}

static void
a_refused_request_gets_no_certificate(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 2);
	(void)rule_refuse(RULE_NAME_SCOPE, "request 2 (r1): no");
	assert_int_equal(decisions_withdraw(&o.decisions, &o.s, 1), RC_OK);
	assert_int_equal(o.decisions.granted, 2);
	assert_int_equal(o.decisions.certificates, 4);
	check_ok(issue_all(&b, &o));
	check_story(&b, "ttttCCCCR");
	offer_look(&b, &o);
	assert_string_equal(o.progress.items[1].rule, "NAME-SCOPE");
	assert_string_equal(o.progress.items[1].reason, "request 2 (r1): no");
}

static void
what_is_done_is_not_signed_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 1);
	check_ok(issue_all(&b, &o));
	offer_look(&b, &o);
	check_ok(issue_all(&b, &o));
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 3);
	check_story(&b, "tttCCC");
}

/* ---- the token fails --------------------------------------------------------
 */

static void
a_token_error_in_the_middle_keeps_what_was_signed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 5, 1);
	token_fails(&b, FAKE_REFUSE, 3, 0);
	assert_int_equal(issue_all(&b, &o), RC_TOKEN);
	assert_string_equal(err_text(), "CKR_DEVICE_ERROR");
	check_story(&b, "tttttCC");
	offer_look(&b, &o);
	assert_true(o.progress.items[0].slots[0].done);
	assert_true(o.progress.items[1].slots[0].done);
	assert_int_equal(o.progress.n_unfinished, 3);
	assert_int_equal(o.decisions.granted, 5); /* refuses nobody */
}

static void
an_error_at_the_first_signature_keeps_nothing(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 2, 1);
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(issue_all(&b, &o), RC_TOKEN);
	check_story(&b, "tt");
	assert_int_equal(b.play->judge.asked[JUDGE_CERT], 0);
}

static void
a_token_process_that_dies_keeps_what_it_answered(void **state)
{
	static const enum fake_deed ends[] = { FAKE_DIE, FAKE_LEAVE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
		accepted_make(&b, &o, 4, 1);
		token_fails(&b, ends[i], 3, 0);
		assert_int_equal(issue_all(&b, &o), RC_TOKEN);
		assert_non_null(strstr(err_text(),
		    i == 0 ? "the token process died of SIGKILL" : "token"));
		check_story(&b, "ttttCC");
	}
}

static void
a_signature_of_something_else_is_the_tokens_fault(void **state)
{
	static const unsigned lies[] = { SIGN_OTHER, SIGN_BY_NEXT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
		accepted_make(&b, &o, 3, 1);
		token_fails(&b, FAKE_LIE, 2, lies[i]);
		assert_int_equal(issue_all(&b, &o), RC_TOKEN);
		assert_non_null(strstr(err_text(),
		    "CA key: the token gave a signature that does not "
		    "verify"));
		assert_int_equal(rule_spoken(), RULE_NONE);
		assert_int_equal(
		    o.decisions.items[1].rule, RULE_NONE); /* not for good */
		offer_look(&b, &o);
		assert_true(o.progress.items[0].slots[0].done);
		assert_false(o.progress.items[1].slots[0].done);
		ledger_check(b.v.act.ledger);
	}
}

static void
a_signature_of_another_length_is_the_tokens_fault(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		ca_bed_make(&b, types[i], JUDGE_TRUE);
		accepted_make(&b, &o, 2, 1);
		token_fails(&b, FAKE_LIE, 2, SIGN_SHORT);
		assert_int_equal(issue_all(&b, &o), RC_TOKEN);
		check_story(&b, "ttC");
	}
}

/* ---- what was left behind
 * ---------------------------------------------------- */

struct serials {
	uint8_t items[16][16];
	size_t n;
};

static enum rc
note_serial(const struct record *record, const uint8_t hash[static SHA256_LEN],
    void *arg)
{
	struct serials *all = arg;

	(void)hash;
	if (record->kind != RECORD_INTENT)
		return RC_OK;
	for (size_t i = 0; i < all->n; i++)
		assert_memory_not_equal(
		    all->items[i], record->u.intent.serial.p, 16);
	memcpy(all->items[all->n++], record->u.intent.serial.p, 16);
	return RC_OK;
}

static void
a_void_intent_is_followed_by_a_new_serial(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct serials all = { .n = 0 };
	struct ledger *ledger;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 1);
	token_fails(&b, FAKE_REFUSE, 2, 0);
	assert_int_equal(issue_all(&b, &o), RC_TOKEN);
	check_story(&b, "tttC");

	/* As the next run does. */
	bed_again(&b);
	ledger = b.v.act.ledger;
	b.play->token.watch = token_watch;
	judge_open_for(&b);
	offer_look(&b, &o);
	assert_int_equal(o.progress.n_unfinished, 2);
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, buf_span(&b.v.act.policy.text)));
	for (size_t i = 0; i < o.progress.n_unfinished; i++)
		check_ok(ledger_void_add(
		    ledger, &o.progress.unfinished[i], "interrupted"));
	check_ok(ledger_commit(ledger));
	offer_look(&b, &o);
	check_ok(issue_all(&b, &o));
	check_story(&b, "tttCvvttCC");
	check_ok(ledger_records_each(ledger, 1, note_serial, &all));
	assert_int_equal(all.n, 5);
}

/* ---- the judge says no
 * ------------------------------------------------------- */

static void
judge_says(struct ca_bed *b, unsigned nth, enum fake_deed deed, enum rc rc,
    const char *rule)
{
	b->play->judge.deed = deed;
	b->play->judge.what = JUDGE_CERT;
	b->play->judge.nth = nth;
	b->play->judge.rc = rc;
	b->play->judge.rule = rule;
	b->play->judge.text = "request 2 (r1): not as asked";
}

static void
what_the_judge_refuses_is_void_and_refused(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 1);
	judge_says(&b, 2, FAKE_REFUSE, RC_FORMAT, "CERT-DATES");
	check_ok(issue_all(&b, &o));
	check_story(&b, "tttCvCR");
	assert_int_equal(o.decisions.items[1].rule, RULE_CERT_DATES);
	offer_look(&b, &o);
	assert_true(o.progress.items[0].slots[0].done);
	assert_false(o.progress.items[1].slots[0].done);
	assert_true(o.progress.items[2].slots[0].done);
	assert_string_equal(o.progress.items[1].rule, "CERT-DATES");
	assert_string_equal(
	    o.progress.items[1].reason, "request 2 (r1): not as asked");
}

/* The second of the second request's three: the first is in the same commit,
 * or before it; the third was signed already. */
static void
a_series_with_one_bad_certificate_is_refused_whole(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 2, 3);
	judge_says(&b, 5, FAKE_REFUSE, RC_FORMAT, "CERT-DATES");
	check_ok(issue_all(&b, &o));
	offer_look(&b, &o);
	assert_null(o.progress.items[0].rule);
	assert_string_equal(o.progress.items[1].rule, "CERT-DATES");
	for (size_t c = 0; c < 3; c++)
		assert_true(o.progress.items[0].slots[c].done);
	for (size_t c = 1; c < 3; c++)
		assert_false(o.progress.items[1].slots[c].done);
	assert_int_equal(o.progress.n_unfinished, 0);
	ledger_check(b.v.act.ledger);
}

static void
a_judge_that_fails_refuses_nobody(void **state)
{
	static const struct {
		enum fake_deed deed;
		enum rc wanted;
		const char *words;
	} ends[] = {
		{ FAKE_REFUSE, RC_IO, "not as asked" }, /* without a rule */
		{ FAKE_DIE, RC_IO, "the judge process died of SIGKILL" },
		{ FAKE_LEAVE, RC_IO, "judge" },
		{ FAKE_BABBLE, RC_BUG, "the judge's answer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
		accepted_make(&b, &o, 3, 1);
		judge_says(&b, 2, ends[i].deed, RC_IO, NULL);
		assert_int_equal(issue_all(&b, &o), ends[i].wanted);
		if (strstr(err_text(), ends[i].words) == NULL)
			fail_msg("%s", err_text());
		for (size_t r = 0; r < 3; r++)
			assert_int_equal(o.decisions.items[r].rule, RULE_NONE);
		assert_int_equal(
		    ledger_count(b.v.act.ledger, RECORD_REFUSAL), 0);
		/* What it had passed is kept. */
		check_story(&b, "tttC");
	}
}

/* ---- nothing is signed
 * ------------------------------------------------------- */

/* No file of this process may grow. */
static void
room_set(bool any)
{
	static struct rlimit before;
	struct rlimit none;

	if (!any) {
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
		none = (struct rlimit){ .rlim_max = before.rlim_max };
		(void)signal(SIGXFSZ, SIG_IGN);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, any ? &before : &none), 0);
}

static void
without_stored_intents_nothing_is_signed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 1);
	room_set(false);
	assert_int_equal(issue_all(&b, &o), RC_IO);
	room_set(true);
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 0);
	bed_reopen(&b);
	check_story(&b, "");
}

static void
take_room(void *arg, uint64_t done)
{
	(void)arg;
	if (done == 1)
		room_set(false);
}

static void
results_that_cannot_be_stored_end_the_run(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct issue issue;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 3, 1);
	issue = issue_of(&b);
	issue.progress = take_room;
	assert_int_equal(
	    issue_run(&issue, &o.s, &o.progress, &o.decisions), RC_IO);
	room_set(true);
	bed_reopen(&b);
	check_story(&b, "ttt");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(o.decisions.items[i].rule, RULE_NONE);
}

/* One sentence is enough: what failed first is said. */
static void
what_fails_after_the_token_is_no_second_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };
		struct issue issue;

		ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
		accepted_make(&b, &o, 4, 1);
		issue = issue_of(&b);
		token_fails(&b, FAKE_REFUSE, 4, 0);
		if (i == 0)
			judge_says(&b, 2, FAKE_DIE, RC_OK, NULL);
		else
			issue.progress = take_room;
		assert_int_equal(
		    issue_run(&issue, &o.s, &o.progress, &o.decisions),
		    RC_TOKEN);
		assert_string_equal(err_text(), "CKR_DEVICE_ERROR");
		if (i == 1)
			room_set(true);
		bed_reopen(&b);
		check_story(&b, i == 0 ? "ttttC" : "tttt");
	}
}

static void
a_tbs_that_the_lint_refuses_is_not_signed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	accepted_make(&b, &o, 2, 1);
	o.decisions.items[1].grant.not_before = NOW - 11 * DAY; /* the CA's */
	check_rule(issue_all(&b, &o), "LINT", "request 2: ");
	assert_int_equal(b.play->token.asked[WIRE_SIGN], 0);
	check_story(&b, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    intents_are_committed_before_the_first_signature),
		cmocka_unit_test(
		    every_place_gets_its_certificate_with_its_dates),
		cmocka_unit_test(the_first_batch_is_a_small_one),
		cmocka_unit_test(a_large_bundle_goes_in_batches),
		cmocka_unit_test(progress_tells_each_certificate_once),
		cmocka_unit_test(a_refused_request_gets_no_certificate),
		cmocka_unit_test(what_is_done_is_not_signed_again),
		cmocka_unit_test(
		    a_token_error_in_the_middle_keeps_what_was_signed),
		cmocka_unit_test(an_error_at_the_first_signature_keeps_nothing),
		cmocka_unit_test(
		    a_token_process_that_dies_keeps_what_it_answered),
		cmocka_unit_test(
		    a_signature_of_something_else_is_the_tokens_fault),
		cmocka_unit_test(
		    a_signature_of_another_length_is_the_tokens_fault),
		cmocka_unit_test(a_void_intent_is_followed_by_a_new_serial),
		cmocka_unit_test(what_the_judge_refuses_is_void_and_refused),
		cmocka_unit_test(
		    a_series_with_one_bad_certificate_is_refused_whole),
		cmocka_unit_test(a_judge_that_fails_refuses_nobody),
		cmocka_unit_test(without_stored_intents_nothing_is_signed),
		cmocka_unit_test(results_that_cannot_be_stored_end_the_run),
		cmocka_unit_test(
		    what_fails_after_the_token_is_no_second_sentence),
		cmocka_unit_test(a_tbs_that_the_lint_refuses_is_not_signed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
