/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the requests of a bundle that is closed, and of its serials.
 */
#include "tests/lib/ca_bed.h"
#include "tests/lib/ledger_fixture.h"

#include "ca/lifecycle/abandon.h"

#define POLICY_REAL \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = none\nnames = dns\n" \
	"key-types = ec-p256\nkeyUsage = critical, digitalSignature\n" \
	"extendedKeyUsage = serverAuth\nvalidity = 31d\n" \
	"validity-max = 100d\nseries-max = 12\nhorizon = 800d\n"

static void
begin(struct ledger *l, int64_t now)
{
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, now, span_str(POLICY_REAL)));
}

/* A bundle of four requests: signed whole after a serial that is void; a series
 * of two of which one is signed; never begun; refused. */
static struct ledger *
open_with_half(void **state, struct ledger_bundle *record)
{
	struct intent done[3], half;
	struct ledger *l = NULL;
	WIPED(buf) der = { 0 };

	check_ok(ledger_create(path_of(state), &l));
	begin(l, T0);
	requester_add(l, "web", 0x21);
	*record = bundle_make(0x31, 0x21, 1);
	check_ok(ledger_bundle_add(l, record));
	check_ok(ledger_refusal_add(
	    l, record->n, 3, span_str("r3"), "NAME-SCOPE", "out of scope"));
	done[0] = intent_make(record, 0, 0x41);
	done[1] = intent_make(record, 0, 0x42);
	done[2] = intent_make(record, 1, 0x43);
	half = intent_make(record, 1, 0x44);
	half.slot = 1;
	for (size_t i = 0; i < 3; i++)
		check_ok(ledger_intent_add(l, &done[i]));
	check_ok(ledger_void_add(l, &done[0], "interrupted"));
	for (size_t i = 1; i < 3; i++) {
		buf_reset(&der);
		cert_make((uint8_t)(0x41 + i), &der);
		check_ok(ledger_result_add(l, &done[i], buf_span(&der)));
	}
	check_ok(ledger_intent_add(l, &half));
	check_ok(ledger_commit(l));
	return l;
}

static struct cert_request four[4];

static struct bundle
bundle_of(size_t n)
{
	struct bundle b = { .requests = four, .n_requests = n };

	for (size_t i = 0; i < 4; i++)
		four[i].validity.count = i == 1 ? 2 : 1;
	return b;
}

static void
only_what_was_signed_whole_is_delivered(void **state)
{
	struct ledger_bundle record;
	OWNS(ledger) *l = open_with_half(state, &record);
	const struct bundle b = bundle_of(4);
	WIPED(abandon) a = { 0 };

	check_ok(abandon_read(l, &record, &b, &a));
	assert_int_equal(a.requests[0].fate, FATE_DELIVERED);
	assert_int_equal(a.requests[1].fate, FATE_PART);
	assert_int_equal(a.requests[1].n_signed, 1);
	assert_int_equal(a.requests[2].fate, FATE_PART);
	assert_int_equal(a.requests[3].fate, FATE_REFUSED);
	assert_int_equal(a.n_fate[FATE_DELIVERED], 1);
	assert_int_equal(a.n_fate[FATE_PART], 2);
	assert_int_equal(a.n_fate[FATE_REFUSED], 1);
	assert_int_equal(a.n_certs, 3); /* the void one is none */
	assert_int_equal(a.n_signed, 2);
}

static void
bundle_with_fewer_requests_is_another(void **state)
{
	struct ledger_bundle record;
	OWNS(ledger) *l = open_with_half(state, &record);
	const struct bundle b = bundle_of(3);
	WIPED(abandon) a = { 0 };

	assert_int_equal(abandon_read(l, &record, &b, &a), RC_STATE);
	assert_non_null(strstr(err_text(), "request 4"));
}

static enum rc
note_cert(const struct ledger_cert *cert, void *arg)
{
	char *to = arg;

	to[strlen(to)] = cert->is_void ? 'V' : cert->der.n != 0 ? 'C' : '-';
	return RC_OK;
}

static void
lost_bundle_is_closed_and_keeps_what_was_signed(void **state)
{
	struct ledger_bundle record, found;
	OWNS(ledger) *l = open_with_half(state, &record);
	WIPED(abandon) a = { 0 };
	struct ledger_totals t;
	char certs[16] = "";
	bool known = false;

	check_ok(ledger_certs_each(l, note_cert, certs));
	assert_string_equal(certs, "VCC-");
	check_ok(abandon_read(l, &record, NULL, &a));
	assert_int_equal(a.n_requests, 0);
	assert_int_equal(a.n_signed, 2);
	check_ok(abandon_close(l, T0 + 1, span_str(POLICY_REAL), &a));
	memset(certs, 0, sizeof(certs));
	check_ok(ledger_certs_each(l, note_cert, certs));
	assert_string_equal(certs, "VCCV");
	check_ok(
	    ledger_bundle_get(l, record.requester, record.id, &found, &known));
	assert_true(known && found.closed != 0 && found.answered == 0);
	check_ok(ledger_verify(l, NULL, 0, &t));

	/* A second time nothing is written. */
	assert_int_equal(
	    abandon_close(l, T0 + 2, span_str(POLICY_REAL), &a), RC_STATE);
	check_ok(ledger_verify(l, NULL, 0, &t));
}

/* ---- closed with an answer -------------------------------------------------
 */

/* Of three requests two are signed, and then the token fails; the next run has
 * read the bundle again. */
static void
half_make(
    struct ca_bed *b, struct offer *o, enum bed_judge judge, struct abandon *a)
{
	WIPED(response) response = { 0 };

	ca_bed_make(b, "ec-p256", judge);
	offer_make(b, o, 3, 1);
	offer_read(b, o);
	token_fails(b, FAKE_REFUSE, 3, 0);
	assert_int_equal(offer_answer(b, o, &response), RC_TOKEN);
	ledger_story_check(b->v.act.ledger, "EbtttCC");
	bed_again(b);
	offer_read(b, o);
	check_ok(abandon_read(b->v.act.ledger, &o->s.record, &o->s.bundle, a));
}

static void
what_is_whole_is_delivered_and_the_rest_refused(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(abandon) a = { 0 };
	WIPED(response) response = { 0 };
	const struct result *r;

	(void)state;
	half_make(&b, &o, JUDGE_TRUE, &a);
	check_ok(buf_add_str(&b.v.act.interfaces, "eth0"));
	check_ok(abandon_judge(&b.v, &o.s, &a));
	assert_int_equal(a.n_fate[FATE_DELIVERED], 2);
	assert_int_equal(a.n_fate[FATE_PART], 1);
	check_ok(abandon_answer(&b.v, &o.s, &a, &response));
	ledger_story_check(b.v.act.ledger, "EbtttCCnvRm");
	assert_int_equal(response.n_certs, 2);
	assert_int_equal(response.n_refused, 1);
	r = &response.manifest.results[2];
	assert_true(span_eq_str(r->rule, "ABANDONED"));
	assert_true(span_eq_str(r->reason,
	    "the bundle was closed when 0 of 1 certificates were signed"));
	offer_read(&b, &o);
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
	ledger_check(b.v.act.ledger);
}

static void
what_the_judge_refuses_is_not_delivered(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(abandon) a = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	half_make(&b, &o, JUDGE_FAKE, &a);
	judge_fails(&b, JUDGE_ASKED, 2, RC_FORMAT, "CERT-NAMES");
	check_ok(abandon_judge(&b.v, &o.s, &a));
	assert_int_equal(a.requests[0].fate, FATE_DELIVERED);
	assert_int_equal(a.requests[1].fate, FATE_WRONG);
	assert_int_equal(a.requests[1].rule, RULE_CERT_NAMES);
	assert_int_equal(a.n_fate[FATE_WRONG], 1);
	check_ok(abandon_answer(&b.v, &o.s, &a, &response));
	/* Two voids: what was never signed, and what is not what was asked. */
	ledger_story_check(b.v.act.ledger, "EbtttCCvvRRm");
	assert_true(span_eq_str(response.manifest.results[1].reason,
	    "the bundle was closed; what was signed was not what was asked "
	    "(CERT-NAMES)"));
	ledger_check(b.v.act.ledger);
}

static void
a_judge_that_fails_is_no_verdict(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(abandon) a = { 0 };

	(void)state;
	half_make(&b, &o, JUDGE_FAKE, &a);
	judge_fails(&b, JUDGE_ASKED, 1, RC_IO, NULL);
	assert_int_equal(abandon_judge(&b.v, &o.s, &a), RC_IO);
	assert_int_equal(a.n_fate[FATE_DELIVERED], 2);
}

/* Before the commit nothing is closed: neither by a judge that refuses the
 * response, nor by a token that cannot sign it. */
static void
what_cannot_be_answered_is_not_closed(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };
		WIPED(abandon) a = { 0 };
		WIPED(response) response = { 0 };

		half_make(&b, &o, JUDGE_FAKE, &a);
		check_ok(abandon_judge(&b.v, &o.s, &a));
		if (i == 0)
			judge_fails(
			    &b, JUDGE_RESPONSE, 1, RC_FORMAT, "MANIFEST-FILES");
		else
			token_fails(&b, FAKE_REFUSE, 1, 0);
		assert_int_equal(abandon_answer(&b.v, &o.s, &a, &response),
		    i == 0 ? RC_FORMAT : RC_TOKEN);
		ledger_story_check(b.v.act.ledger, "EbtttCC");
		offer_read(&b, &o);
		assert_int_equal(o.s.admission, ADMIT_RESUME);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(only_what_was_signed_whole_is_delivered),
		T(bundle_with_fewer_requests_is_another),
		T(lost_bundle_is_closed_and_keeps_what_was_signed),
		cmocka_unit_test(
		    what_is_whole_is_delivered_and_the_rest_refused),
		cmocka_unit_test(what_the_judge_refuses_is_not_delivered),
		cmocka_unit_test(a_judge_that_fails_is_no_verdict),
		cmocka_unit_test(what_cannot_be_answered_is_not_closed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
