/* SPDX-License-Identifier: Apache-2.0 */
/* Loose CSRs: the set is the question, whoever brings it under whatever name.
 */
#include "tests/lib/ca_bed.h"

static const char *const names[] = { "DNS:a.example.org", "DNS:b.example.org",
	"DNS:c.example.org" };

static enum rc
read_loose(
    const struct scanned *file, const char *profile, struct submission *ret)
{
	const struct loose_asked asked = { .profile = span_str(profile) };

	return submission_read_loose(file, &asked, ret);
}

static enum rc
admit(struct ca_bed *b, struct offer *o, const char *profile)
{
	submission_wipe(&o->s);
	check_ok(read_loose(&o->scanned, profile, &o->s));
	return submission_admit_loose(&o->s, b->v.act.ledger);
}

static void
answered(struct ca_bed *b, struct offer *o)
{
	WIPED(response) response = { 0 };

	check_ok(admit(b, o, "server"));
	assert_int_equal(o->s.admission, ADMIT_NEW);
	check_ok(offer_answer(b, o, &response));
}

static void
a_set_is_a_submission_without_a_requester(void **state)
{
	static const uint8_t nobody[SHA256_LEN];
	WIPED(offer) o = { 0 };
	char name[SUBMISSION_REQUEST_TEXT];

	(void)state;
	loose_offer_make(&o, names, 3);
	check_ok(read_loose(&o.scanned, "server", &o.s));
	assert_true(o.s.is_loose);
	assert_memory_equal(o.s.key_id, nobody, SHA256_LEN);
	assert_int_equal(o.s.bundle.n_requests, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(
		    span_eq_str(o.s.bundle.requests[i].profile, "server"));
	submission_request_name(&o.s, 0, name);
	assert_true(span_eq_str(o.s.loose.items[0].name, name));
}

static void
the_profile_is_in_the_digest_and_not_in_the_id(void **state)
{
	WIPED(offer) o = { 0 };
	WIPED(submission) other = { 0 };

	(void)state;
	loose_offer_make(&o, names, 2);
	check_ok(read_loose(&o.scanned, "server", &o.s));
	check_ok(read_loose(&o.scanned, "bare", &other));
	assert_memory_equal(o.s.bundle.id, other.bundle.id, BUNDLE_ID_LEN);
	assert_memory_not_equal(o.s.digest, other.digest, SHA256_LEN);
}

static void
bytes_that_are_no_set_are_the_readers_lie(void **state)
{
	struct scanned file = { .name = LOOSE_NAME, .copy = { .fd = -1 } };
	WIPED(submission) s = { 0 };

	(void)state;
	file.copy.bytes = span_str("no set");
	check_rule(read_loose(&file, "server", &s), "READER", "");
}

static void
the_same_set_is_answered_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&o, names, 2);
	answered(&b, &o);
	check_ok(admit(&b, &o, "server"));
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
	assert_null(o.s.before);
}

static void
a_set_that_was_cut_off_is_taken_up_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&o, names, 2);
	check_ok(admit(&b, &o, "server"));
	token_fails(&b, FAKE_REFUSE, 1, 0);
	assert_int_equal(offer_answer(&b, &o, &response), RC_TOKEN);
	check_ok(admit(&b, &o, "server"));
	assert_int_equal(o.s.admission, ADMIT_RESUME);
	bed_again(&b);
	check_ok(offer_answer(&b, &o, &response));
	assert_int_equal(response.n_certs, 2);
}

static void
a_set_is_for_one_profile(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&o, names, 1);
	answered(&b, &o);
	check_refused(admit(&b, &o, "bare"), "LOOSE-PROFILE",
	    "loose CSRs: the same set was processed before, for another "
	    "profile than \"bare\", or for other names");
}

static void
names_that_were_given_are_part_of_the_question(void **state)
{
	const struct name one[] = {
		{ NAME_DNS, span_str("a.example.org") },
		{ NAME_DNS, span_str("b.example.org") },
	};
	const struct loose_asked asked[] = {
		{ .profile = span_str("server") },
		{ span_str("server"), one, 1 },
		{ span_str("server"), one + 1, 1 },
		{ span_str("server"), one, 2 },
		{ span_str("bare"), one, 2 },
	};
	uint8_t digests[5][SHA256_LEN], id[BUNDLE_ID_LEN];
	WIPED(offer) o = { 0 };

	(void)state;
	loose_offer_make(&o, names, 1);
	for (size_t i = 0; i < 5; i++) {
		WIPED(submission) s = { 0 };

		check_ok(submission_read_loose(&o.scanned, &asked[i], &s));
		assert_int_equal(
		    s.bundle.requests[0].n_names, asked[i].n_names);
		memcpy(digests[i], s.digest, SHA256_LEN);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
			    digests[i], digests[j], SHA256_LEN);
		if (i == 0)
			memcpy(id, s.bundle.id, BUNDLE_ID_LEN);
		assert_memory_equal(id, s.bundle.id, BUNDLE_ID_LEN);
	}
}

static void
a_closed_set_stays_closed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct ledger *ledger;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	ledger = b.v.act.ledger;
	loose_offer_make(&o, names, 1);
	check_ok(admit(&b, &o, "server"));
	o.s.known = true;
	offer_accept(&b, &o);
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_abandon_add(ledger, o.s.record.n));
	check_ok(ledger_commit(ledger));
	check_refused(admit(&b, &o, "server"), "BUNDLE-CLOSED",
	    "loose: this set was closed with 'abandon'; with one CSR more or "
	    "less it is another");
}

/* A bundle's id is its sender's choice, and keeps nobody from his. */
static void
a_bundle_that_took_the_id_of_a_set_is_not_it(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(offer) bundle = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&o, names, 1);
	check_ok(admit(&b, &o, "server"));
	offer_make(&b, &bundle, 1, 1);
	memcpy(bundle.bundle.id, o.s.bundle.id, BUNDLE_ID_LEN);
	offer_seal(&b, &bundle);
	offer_read(&b, &bundle);
	offer_accept(&b, &bundle);
	check_ok(admit(&b, &o, "server"));
	assert_int_equal(o.s.admission, ADMIT_NEW);
}

static void
dates_are_those_of_the_profile(void **state)
{
	WIPED(policy) policy = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	plain_policy(&policy);
	loose_offer_make(&o, names, 2);
	check_ok(read_loose(&o.scanned, "server", &o.s));
	check_ok(submission_set_terms(&o.s, &policy));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    o.s.bundle.requests[i].validity.period, 31 * DAY);
		assert_int_equal(o.s.bundle.requests[i].validity.count, 1);
	}
	submission_wipe(&o.s);
	check_ok(read_loose(&o.scanned, "none-such", &o.s));
	check_refused(submission_set_terms(&o.s, &policy), "PROFILE-UNKNOWN",
	    "the policy has no profile \"none-such\"");
}

/* ---- what of it was signed before
 * ----------------------------------------------- */

static void
a_csr_of_an_earlier_set_is_told(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(ledger_cert) cert = { 0 };
	bool known;
	size_t n = 0;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&one, names, 1);
	answered(&b, &one);
	assert_int_equal(one.s.before[0].sequence, 0);
	/* The same CSR, and one more. */
	loose_offer_with(&two, &one.csrs[0], &names[1], 1);
	check_ok(admit(&b, &two, "server"));
	assert_int_equal(two.s.admission, ADMIT_NEW);
	for (size_t i = 0; i < 2; i++) {
		const struct loose_before *before = &two.s.before[i];
		bool same =
		    span_eq(two.s.loose.items[i].der, buf_span(&one.csrs[0]));

		n += same;
		assert_int_equal(before->sequence, same ? 1 : 0);
		if (!same)
			continue;
		check_ok(ledger_cert_get(b.v.act.ledger,
		    span_of(before->serial, before->n_serial), &cert, &known));
		assert_true(known);
		assert_int_equal(before->not_after, cert.intent.not_after);
	}
	assert_int_equal(n, 1);
}

/* Of several the newest is told, and what was refused is no certificate. */
static void
the_newest_response_with_a_certificate_is_told(void **state)
{
	static const char *const out[] = { "DNS:www.evil.test" };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(offer) three = { 0 };
	WIPED(offer) four = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	loose_offer_make(&one, names, 1);
	answered(&b, &one);
	loose_offer_with(&two, &one.csrs[0], &names[1], 1);
	answered(&b, &two);
	loose_offer_make(&three, out, 1); /* refused: out of scope */
	answered(&b, &three);
	loose_offer_with(&four, &one.csrs[0], &names[2], 1);
	check_ok(admit(&b, &four, "server"));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(four.s.before[i].sequence,
		    span_eq(four.s.loose.items[i].der, buf_span(&one.csrs[0]))
			? 2
			: 0);
	offer_wipe(&four);
	loose_offer_with(&four, &three.csrs[0], &names[2], 1);
	check_ok(admit(&b, &four, "server"));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(four.s.before[i].sequence, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_a_submission_without_a_requester),
		cmocka_unit_test(
		    the_profile_is_in_the_digest_and_not_in_the_id),
		cmocka_unit_test(bytes_that_are_no_set_are_the_readers_lie),
		cmocka_unit_test(the_same_set_is_answered_again),
		cmocka_unit_test(a_set_that_was_cut_off_is_taken_up_again),
		cmocka_unit_test(a_set_is_for_one_profile),
		cmocka_unit_test(
		    names_that_were_given_are_part_of_the_question),
		cmocka_unit_test(a_closed_set_stays_closed),
		cmocka_unit_test(a_bundle_that_took_the_id_of_a_set_is_not_it),
		cmocka_unit_test(dates_are_those_of_the_profile),
		cmocka_unit_test(a_csr_of_an_earlier_set_is_told),
		cmocka_unit_test(
		    the_newest_response_with_a_certificate_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
