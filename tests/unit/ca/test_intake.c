/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that lie: what they say is taken where it is found in the bytes, and
 * ends the run where it is not. */
#include "tests/lib/ca_bed.h"

static void
reader_does(struct ca_bed *b, enum fake_deed deed, unsigned lie, unsigned nth)
{
	b->play->reader.deed = deed;
	b->play->reader.lie = lie;
	b->play->reader.what = READER_CHECK;
	b->play->reader.nth = nth;
	b->play->reader.rc = RC_FORMAT;
	b->play->reader.rule = "CSR-POP";
	b->play->reader.text = "request 2 (r1): no proof of possession";
}

/* Three requests; the second has a key of its own. */
static void
three_make(struct ca_bed *b, struct offer *o)
{
	OWN(EVP_PKEY) *other = key_new("ec-p384");

	ca_bed_make(b, "ec-p256", JUDGE_FAKE);
	offer_make(b, o, 3, 2);
	csr_make(other, NULL, &o->csrs[1]);
	o->bundle.requests[1].csr = buf_span(&o->csrs[1]);
	offer_seal(b, o);
	offer_read(b, o);
}

/* ---- honest ones
 * -------------------------------------------------------------- */

static void
an_honest_report_is_taken(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	uint8_t id[SHA256_LEN];

	(void)state;
	three_make(&b, &o);
	check_ok(offer_check(&b, &o));
	assert_int_equal(o.decisions.n, 3);
	assert_int_equal(o.decisions.granted, 3);
	assert_int_equal(o.decisions.certificates, 6);
	check_ok(sha256(buf_span(&o.spki), id));
	for (size_t i = 0; i < 3; i += 2) {
		const struct decision *d = &o.decisions.items[i];

		assert_int_equal(d->rule, RULE_NONE);
		assert_memory_equal(d->key_id, id, SHA256_LEN);
		assert_true(span_eq(d->spki, buf_span(&o.spki)));
		assert_true(span_within(d->spki, o.scanned.copy.bytes));
		assert_true(name_compare(&d->grant.names[0], &o.names[i]) == 0);
	}
	assert_memory_not_equal(o.decisions.items[1].key_id, id, SHA256_LEN);
}

static void
count_up_to(void *arg, uint64_t done)
{
	uint64_t *last = arg;

	assert_int_equal(done, *last + 1);
	*last = done;
}

/* Each of them has more than one chunk of 256. */
static void
several_readers_answer_in_the_order_of_the_bundle(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct intake intake;
	uint64_t last = 0;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	fake_reader_start(b.play, &b.v.readers[b.v.n_readers++]);
	offer_make(&b, &o, 700, 1);
	offer_read(&b, &o);
	intake = (struct intake){ .readers = b.v.readers,
		.n_readers = b.v.n_readers,
		.policy = &b.v.act.policy,
		.window = &b.v.window,
		.now = NOW };
	check_ok(intake_check(&intake, &o.s, count_up_to, &last, &o.decisions));
	assert_int_equal(last, 700);
	assert_int_equal(o.decisions.granted, 700);
	assert_int_equal(b.play->reader.asked[READER_CHECK], 700);
}

static void
names_of_the_csr_are_taken_where_the_bundle_gives_none(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	const struct decision *d;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	csr_make(o.key, "DNS:www.example.org,DNS:example.org", &o.csrs[0]);
	o.bundle.requests[0].csr = buf_span(&o.csrs[0]);
	o.bundle.requests[0].n_names = 0;
	o.bundle.requests[0].names = NULL;
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_check(&b, &o));
	d = &o.decisions.items[0];
	assert_int_equal(d->rule, RULE_NONE);
	assert_int_equal(d->grant.n_names, 2);
	assert_ptr_equal(d->grant.names, d->csr_names.items);
}

/* A name that no certificate has, in a CSR: nobody asks for it where the bundle
 * brings others. */
static void
names_of_the_csr_are_judged_where_they_are_wanted_only(void **state)
{
	static const bool given[] = { false, true };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct name name = { NAME_DNS, span_str("www.example.org") };
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };
		const struct decision *d;

		ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
		offer_make(&b, &o, 1, 1);
		csr_make(o.key, "RID:1.2.3.4", &o.csrs[0]);
		o.bundle.requests[0].csr = buf_span(&o.csrs[0]);
		o.bundle.requests[0].n_names = given[i];
		o.bundle.requests[0].names = given[i] ? &name : NULL;
		offer_seal(&b, &o);
		offer_read(&b, &o);
		check_ok(offer_check(&b, &o));
		d = &o.decisions.items[0];
		assert_int_equal(
		    d->rule, given[i] ? RULE_NONE : RULE_NAME_TYPE);
		if (!given[i])
			assert_non_null(strstr(d->reason, "form [8]"));
		else
			assert_int_equal(d->grant.n_names, 1);
	}
}

/* ---- liars
 * -------------------------------------------------------------------- */

static void
a_key_that_is_not_in_the_request_ends_the_run(void **state)
{
	static const unsigned lies[] = { LIE_KEY, LIE_KEY_NEXT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		three_make(&b, &o);
		reader_does(&b, FAKE_LIE, lies[i], 2);
		check_refused(offer_check(&b, &o), "READER",
		    "bundle.cose: request 2: the reader process reports a key "
		    "that is not in the request");
		assert_null(o.decisions.items);
	}
}

static void
a_key_where_no_key_is_ends_the_run(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	o.csrs[0].p[4] ^= 1; /* no CSR any more, to the walk either */
	offer_seal(&b, &o);
	offer_read(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_VOUCH, 1);
	check_rule(offer_check(&b, &o), "READER", "a key that is not in");
}

/* Each is well-formed: it is only not what was asked about. */
static void
a_verdict_on_another_request_ends_the_run(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_INDEX, 1);
	check_rule(offer_check(&b, &o), "READER", "the reader's answer: ");
}

/* The first reader's last answer, and one that the second is asked for: it
 * would stand for what the second finds wrong. */
static void
an_answer_for_another_reader_ends_the_run(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	fake_reader_start(b.play, &b.v.readers[b.v.n_readers++]);
	offer_make(&b, &o, 300, 1);
	o.csrs[256].p[o.csrs[256].n - 1] ^= 1; /* of its signature */
	offer_seal(&b, &o);
	offer_read(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_MORE, 256);
	check_rule(offer_check(&b, &o), "READER", "the reader's answer: ");
}

static void
a_rule_that_there_is_not_ends_the_run(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_REFUSE, 2);
	b.play->reader.rule = "NO-RULE";
	check_rule(offer_check(&b, &o), "READER", "a rule that there is not");
}

static void
a_reader_that_dies_or_babbles_ends_the_run(void **state)
{
	static const struct {
		enum fake_deed deed;
		enum rc rc;
		const char *rule, *words;
	} ends[] = {
		{ FAKE_DIE, RC_IO, "", "the reader process died of SIGKILL" },
		{ FAKE_LEAVE, RC_IO, "", "reader" },
		{ FAKE_BABBLE, RC_FORMAT, "READER", "the reader's answer: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };

		three_make(&b, &o);
		reader_does(&b, ends[i].deed, 0, 2);
		assert_int_equal(offer_check(&b, &o), ends[i].rc);
		assert_string_equal(rule_name(rule_spoken()), ends[i].rule);
		assert_non_null(strstr(err_text(), ends[i].words));
	}
}

static void
names_of_the_bundle_are_not_asked_of_the_reader(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	const struct grant *grant;

	(void)state;
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_NAME, 2);
	b.play->reader.text = "evil.example.org";
	check_ok(offer_check(&b, &o));
	grant = &o.decisions.items[1].grant;
	assert_int_equal(grant->n_names, 1);
	assert_true(span_eq_str(grant->names[0].text, "r1.example.org"));
	assert_true(span_within(grant->names[0].text, o.scanned.copy.bytes));
}

/* Where only the CSR has names they are on the reader's word, and within the
 * policy's. */
static void
a_name_on_the_readers_word_is_held_to_the_policy(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	o.bundle.requests[1].names = NULL;
	o.bundle.requests[1].n_names = 0;
	offer_seal(&b, &o);
	offer_read(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_NAME, 2);
	b.play->reader.text = "www.evil.test";
	check_ok(offer_check(&b, &o));
	assert_int_equal(o.decisions.items[1].rule, RULE_NAME_SCOPE);
}

/* ---- refusals
 * ----------------------------------------------------------------- */

static void
a_refusal_is_taken_at_its_word(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_REFUSE, 2);
	check_ok(offer_check(&b, &o));
	assert_int_equal(o.decisions.granted, 2);
	assert_int_equal(o.decisions.certificates, 4);
	assert_int_equal(o.decisions.items[1].rule, RULE_CSR_POP);
	assert_string_equal(o.decisions.items[1].reason,
	    "request 2 (r1): no proof of possession");
}

static void
what_a_reader_finds_wrong_itself_is_refused(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	o.csrs[2].p[o.csrs[2].n - 1] ^= 1; /* of its signature */
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_check(&b, &o));
	assert_int_equal(o.decisions.granted, 2);
	assert_int_equal(o.decisions.items[2].rule, RULE_CSR_POP);
}

static void
a_reason_is_escaped_before_anyone_sees_it(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_REFUSE, 1);
	b.play->reader.text = "\033[2Ja lie\r\n";
	check_ok(offer_check(&b, &o));
	for (const char *p = o.decisions.items[0].reason; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
	assert_non_null(strstr(o.decisions.items[0].reason, "a lie"));
}

static void
a_long_reason_is_cut_to_what_a_manifest_takes(void **state)
{
	static char text[ERR_TEXT_MAX - 1];
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1); /* before the reader's fork */
	three_make(&b, &o);
	reader_does(&b, FAKE_LIE, LIE_REFUSE, 1);
	b.play->reader.text = text;
	check_ok(offer_check(&b, &o));
	assert_int_equal(strlen(o.decisions.items[0].reason), COMMENT_MAX);
}

static void
a_refusal_without_words_gets_those_of_its_rule(void **state)
{
	struct decision d = { 0 };

	(void)state;
	(void)err_rule(RC_POLICY, RULE_NAME_SCOPE, "%s", "");
	assert_int_equal(decision_refuse(&d), RC_OK);
	assert_string_equal(d.reason, rule_row_get0(RULE_NAME_SCOPE)->check);
	(void)err_rule(RC_POLICY, RULE_NAME_SCOPE, "%s", "again");
	assert_int_equal(decision_refuse(&d), RC_OK);
	assert_string_equal(d.reason, "again");
	free(d.reason);
}

static void
the_policy_is_applied_to_the_key_that_was_found(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	OWN(EVP_PKEY) *p521 = key_new("ec-p521");

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 2, 1);
	csr_make(p521, NULL, &o.csrs[0]);
	o.bundle.requests[0].csr = buf_span(&o.csrs[0]);
	csr_make(b.ca.key, NULL, &o.csrs[1]);
	o.bundle.requests[1].csr = buf_span(&o.csrs[1]);
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_check(&b, &o));
	assert_int_equal(o.decisions.granted, 0);
	assert_int_equal(o.decisions.certificates, 0);
	assert_int_equal(o.decisions.items[0].rule, RULE_KEY_POLICY);
	assert_int_equal(o.decisions.items[1].rule, RULE_KEY_CA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_report_is_taken),
		cmocka_unit_test(
		    several_readers_answer_in_the_order_of_the_bundle),
		cmocka_unit_test(
		    names_of_the_csr_are_judged_where_they_are_wanted_only),
		cmocka_unit_test(
		    names_of_the_csr_are_taken_where_the_bundle_gives_none),
		cmocka_unit_test(a_key_that_is_not_in_the_request_ends_the_run),
		cmocka_unit_test(a_key_where_no_key_is_ends_the_run),
		cmocka_unit_test(a_verdict_on_another_request_ends_the_run),
		cmocka_unit_test(an_answer_for_another_reader_ends_the_run),
		cmocka_unit_test(a_rule_that_there_is_not_ends_the_run),
		cmocka_unit_test(a_reader_that_dies_or_babbles_ends_the_run),
		cmocka_unit_test(
		    names_of_the_bundle_are_not_asked_of_the_reader),
		cmocka_unit_test(
		    a_name_on_the_readers_word_is_held_to_the_policy),
		cmocka_unit_test(a_refusal_is_taken_at_its_word),
		cmocka_unit_test(what_a_reader_finds_wrong_itself_is_refused),
		cmocka_unit_test(a_reason_is_escaped_before_anyone_sees_it),
		cmocka_unit_test(a_long_reason_is_cut_to_what_a_manifest_takes),
		cmocka_unit_test(
		    a_refusal_without_words_gets_those_of_its_rule),
		cmocka_unit_test(
		    the_policy_is_applied_to_the_key_that_was_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
