/* SPDX-License-Identifier: Apache-2.0 */
/* A new transfer key in place of the old one: who hears of it, by whose word,
 * and what is stored when something fails. */
#include "tests/lib/ca_bed.h"

#include "ca/lifecycle/successor.h"

/* Two requesters, each with a first response; no key is open. */
static void
two_make(struct ca_bed *b, enum bed_judge judge)
{
	ca_bed_make(b, "ec-p256", judge);
	for (size_t i = 0; i < 2; i++) {
		WIPED(offer) o = { 0 };
		WIPED(response) response = { 0 };

		offer_make(b, &o, 1, 1);
		o.bundle.label = span_str(i == 0 ? "web" : "mail");
		offer_seal(b, &o);
		offer_read(b, &o);
		check_ok(offer_answer(b, &o, &response));
		bed_requester_change(b);
	}
	keys_wipe(&b->v.act.keys);
}

static struct successor
new_key_of(struct ca_bed *b, const char *type, const char *uri)
{
	return (struct successor){ .act = &b->v.act,
		.key = { .what = "transfer key", .type = type, .uri = uri } };
}

static void
card_check(struct successor *s)
{
	OWN(EVP_PKEY) *key = NULL;
	const uint8_t *p = s->key.key.spki.p;
	struct cose cose;

	key = d2i_PUBKEY(NULL, &p, (long)s->key.key.spki.n);
	check_ok(cose_read("card", buf_span(&s->card), COSE_CARD, &cose));
	check_ok(cose_verify("card", &cose, key));
	assert_true(span_eq(cose.cert, buf_span(&s->act->ca.transfer_cert)));
}

static void
the_old_key_vouches_for_the_new_one(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(successor) s = { 0 };
	WIPED(ledger_ca) ca = { 0 };
	WIPED(token_conf) conf = { 0 };

	(void)state;
	two_make(&b, JUDGE_TRUE);
	s = new_key_of(&b, "ec-p384", NULL);
	check_ok(successor_plan(&s));
	assert_int_equal(s.n, 2);
	check_ok(successor_unlock(&s));
	assert_true(s.old_works);
	check_ok(successor_install(&s));
	for (size_t i = 0; i < 2; i++) {
		const struct manifest *m = &s.responses[i].manifest;
		struct cose cose;

		assert_int_equal(m->sequence, 2);
		assert_int_equal(m->n_changes, 1);
		assert_int_equal(m->changes[0].kind, TRUST_TRANSFER);
		assert_true(span_eq(m->changes[0].certs[0],
		    buf_span(&b.v.act.ca.transfer_cert)));
		check_ok(cose_read("m", buf_span(&s.responses[i].record.file),
		    COSE_MANIFEST, &cose));
		check_ok(cose_verify("m", &cose, b.ca.transfer_key));
	}
	card_check(&s);
	ledger_story_check(b.v.act.ledger, "EbtCmEbtCmmmT");
	ledger_check(b.v.act.ledger);
	check_ok(ledger_ca_get(b.v.act.ledger, &ca));
	assert_true(span_eq(
	    buf_span(&ca.transfer_cert), buf_span(&b.v.act.ca.transfer_cert)));
	check_ok(home_token_read(&b.v.act.home, &conf));
	assert_string_equal((char *)conf.transfer.p, s.key.key.uri);
	assert_string_equal((char *)conf.ca.p, (char *)b.v.act.conf.ca.p);
}

static void
without_the_old_key_only_the_card_tells(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(successor) s = { 0 };

	(void)state;
	two_make(&b, JUDGE_FAKE);
	/* A token that has lost it. */
	token_free(b.v.act.token);
	fake_token_empty();
	assert_int_equal(EVP_PKEY_up_ref(b.ca.key), 1);
	(void)fake_token_hold(b.ca.key, "ca");
	fake_token_start(b.play, &b.v.act.token);
	s = new_key_of(&b, "ec-p256", NULL);
	check_ok(successor_plan(&s));
	check_ok(successor_unlock(&s));
	assert_false(s.old_works);
	check_ok(successor_install(&s));
	assert_null(s.responses);
	card_check(&s);
	ledger_story_check(b.v.act.ledger, "EbtCmEbtCmT");
}

static void
the_new_key_is_neither_of_the_old_ones(void **state)
{
	static const struct {
		const char *uri, *words;
	} old[] = {
		{ FAKE_TOKEN_URI ";object=ca",
		    "transfer key \"ca\": is the CA key" },
		{ FAKE_TOKEN_URI ";object=transfer",
		    "transfer key \"transfer\": is the transfer key already" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(successor) s = { 0 };

		two_make(&b, JUDGE_FAKE);
		s = new_key_of(&b, NULL, old[i].uri);
		check_ok(successor_plan(&s));
		assert_int_equal(successor_unlock(&s), RC_USAGE);
		assert_string_equal(err_text(), old[i].words);
	}
}

/* Whatever fails: the ledger and token.conf are as they were. */
static void
nothing_is_changed_before_all_of_it_is_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(successor) s = { 0 };
		WIPED(token_conf) conf = { 0 };

		two_make(&b, JUDGE_FAKE);
		s = new_key_of(&b, "ec-p256", NULL);
		check_ok(successor_plan(&s));
		check_ok(successor_unlock(&s));
		if (i == 0) /* the certificate */
			token_fails(&b, FAKE_LIE, 1, SIGN_OTHER);
		else if (i == 1) /* the second requester's manifest */
			judge_fails(
			    &b, JUDGE_RESPONSE, 2, RC_FORMAT, "TRUST-CHANGE");
		else /* the card, by the new key */
			token_fails(&b, FAKE_LIE, 4, SIGN_OTHER);
		assert_int_equal(
		    successor_install(&s), i == 1 ? RC_FORMAT : RC_TOKEN);
		bed_reopen(&b);
		ledger_story_check(b.v.act.ledger, "EbtCmEbtCm");
		check_ok(home_token_read(&b.v.act.home, &conf));
		assert_string_equal(
		    (char *)conf.transfer.p, FAKE_TOKEN_URI ";object=transfer");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_key_vouches_for_the_new_one),
		cmocka_unit_test(without_the_old_key_only_the_card_tells),
		cmocka_unit_test(the_new_key_is_neither_of_the_old_ones),
		cmocka_unit_test(nothing_is_changed_before_all_of_it_is_good),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
