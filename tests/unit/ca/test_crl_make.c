/* SPDX-License-Identifier: Apache-2.0 */
/* A series of CRLs of a CA that rolled over: each slot has one by each key. */
#include "tests/lib/ca_bed.h"

#include "ca/crl/crl_make.h"
#include "ca/lifecycle/change_ca.h"

#include <openssl/x509.h>

static const struct crl_request weekly = {
	.count = 2, .period = 7 * DAY, .overlap = 3 * DAY
};

static void
roll_over(struct ca_bed *b)
{
	WIPED(change_ca)
	c = { .act = &b->v.act,
		.change = CA_ROLLED_OVER,
		.key = { .what = "CA key", .type = "ec-p384" } };

	keys_wipe(&b->v.act.keys);
	check_ok(change_ca_plan(&c));
	check_ok(change_ca_unlock(&c));
	check_ok(change_ca_sign(&c));
	check_ok(change_ca_install(&c));
	keys_wipe(&b->v.act.keys);
	check_ok(keys_open(b->v.act.token, &b->v.act.conf, &b->v.act.ca, true,
	    &b->v.act.keys));
}

/* The CRL of this number is good under the key of certificate `own`. */
static int64_t
crl_is_of(struct ca_bed *b, uint64_t number, size_t own)
{
	const struct ledger_ca *ca = &b->v.act.ca;
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	WIPED(buf) der = { 0 };
	const struct file_sink to = file_sink_into(&der);
	struct crl_size size;
	OWN(X509) *cert = NULL;
	X509_CRL *crl;
	const uint8_t *p;
	struct ledger_crl one;
	bool known = false;

	check_ok(ledger_crl_get(b->v.act.ledger, number, &one, &known));
	assert_true(known);
	check_ok(crl_issuer_find(ca, one.issuer, &issuer));
	check_ok(crl_measure(b->v.act.ledger, &one.list, &size));
	check_ok(crl_der_give(b->v.act.ledger, &issuer, &one, &size, &to));
	check_ok(cert_parse("CA", buf_span(&ca->own[own].cert), &cert));
	p = der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(crl);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(cert)), 1);
	X509_CRL_free(crl);
	return one.list.this_update;
}

static void
each_slot_has_a_crl_by_each_key(void **state)
{
	WIPED(ca_bed) b = { 0 };
	struct crl_request due;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	check_ok(crl_series_make(&b.v.act, &weekly, NULL, NULL));
	(void)crl_is_of(&b, 1, 0);
	(void)crl_is_of(&b, 2, 0);
	check_ok(crl_due(&b.v.act, NULL, false, &due));
	assert_int_equal(due.count, 0);
	roll_over(&b);
	/* The new key has none yet: whoever comes next gets them. */
	check_ok(crl_due(&b.v.act, NULL, false, &due));
	assert_int_equal(due.count, 2);
	check_ok(crl_series_make(&b.v.act, &weekly, NULL, NULL));
	assert_int_equal(crl_is_of(&b, 3, 0), crl_is_of(&b, 4, 1));
	assert_int_equal(crl_is_of(&b, 5, 0), crl_is_of(&b, 6, 1));
	/* Those from before the rollover come out as they were. */
	(void)crl_is_of(&b, 1, 0);
	check_ok(crl_due(&b.v.act, NULL, false, &due));
	assert_int_equal(due.count, 0);
	ledger_check(b.v.act.ledger);
}

static void
after_the_end_of_the_old_key_there_is_one(void **state)
{
	WIPED(ca_bed) b = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	roll_over(&b);
	b.v.act.now = NOW + 3651 * DAY; /* its certificate has ended */
	check_ok(crl_series_make(&b.v.act, &weekly, NULL, NULL));
	(void)crl_is_of(&b, 1, 1);
	(void)crl_is_of(&b, 2, 1);
}

/* The next time that it is asked for that. */
static void
token_does(struct ca_bed *b, enum fake_deed deed, enum wire_op what)
{
	b->play->token.deed = deed;
	b->play->token.what = what;
	b->play->token.nth = 1 + b->play->token.asked[what];
}

/* A token that lost it signs with the one that there is. */
static void
an_old_key_that_is_gone_signs_no_more(void **state)
{
	WIPED(ca_bed) b = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	roll_over(&b);
	token_does(&b, FAKE_LIE, WIRE_KEYS);
	check_ok(crl_series_make(&b.v.act, &weekly, NULL, NULL));
	(void)crl_is_of(&b, 1, 1);
	(void)crl_is_of(&b, 2, 1);
}

/* One that cannot tell, or cannot sign with it, has not lost it. */
static void
an_old_key_that_fails_stops_the_series(void **state)
{
	static const enum wire_op ops[] = { WIRE_KEYS, WIRE_USE };

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		WIPED(ca_bed) b = { 0 };
		struct ledger_crl_series series;
		bool any = true;

		ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
		roll_over(&b);
		token_does(&b, FAKE_REFUSE, ops[i]);
		b.play->token.rc = RC_TOKEN;
		b.play->token.text = "the card is out of order";
		assert_int_equal(
		    crl_series_make(&b.v.act, &weekly, NULL, NULL), RC_TOKEN);
		assert_non_null(strstr(err_text(), "out of order"));
		check_ok(
		    ledger_crl_series_newest(b.v.act.ledger, &series, &any));
		assert_false(any);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slot_has_a_crl_by_each_key),
		cmocka_unit_test(after_the_end_of_the_old_key_there_is_one),
		cmocka_unit_test(an_old_key_that_is_gone_signs_no_more),
		cmocka_unit_test(an_old_key_that_fails_stops_the_series),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
