/* SPDX-License-Identifier: Apache-2.0 */
/* Another certificate of the CA's own: what it says, by whose word it is
 * believed, and what is stored when something fails. */
#include "tests/lib/ca_bed.h"

#include "ca/lifecycle/change_ca.h"
#include "transfer/x509/succession.h"

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

static struct change_ca
change_of(struct ca_bed *b, enum ca_change change)
{
	return (struct change_ca){ .act = &b->v.act,
		.change = change,
		.days = "4000",
		.key = { .what = "CA key",
		    .type = change == CA_ROLLED_OVER ? "ec-p384" : NULL } };
}

static enum rc
carry_out(struct change_ca *c)
{
	enum rc rc = change_ca_plan(c);

	if (rc == RC_OK)
		rc = change_ca_unlock(c);
	if (rc == RC_OK)
		rc = change_ca_sign(c);
	return rc == RC_OK ? change_ca_install(c) : rc;
}

static struct cert_parts
parts_of(const struct buf *der)
{
	struct cert_parts parts;

	check_ok(cert_parts_read("certificate", buf_span(der), &parts));
	return parts;
}

static void
a_renewed_ca_differs_in_serial_and_end_alone(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(change_ca) c = { 0 };
	WIPED(ledger_ca) ca = { 0 };
	OWN(X509) *cert = NULL;
	struct cert_parts was, is;
	int64_t from, to, old_from, old_to;

	(void)state;
	two_make(&b, JUDGE_TRUE);
	c = change_of(&b, CA_RENEWED);
	check_ok(carry_out(&c));
	assert_true(c.vouched);
	check_ok(ledger_ca_get(b.v.act.ledger, &ca));
	assert_int_equal(ca.n_own, 2);
	was = parts_of(&ca.own[0].cert);
	is = parts_of(&ca.ca_cert);
	assert_true(span_eq(is.subject, was.subject));
	assert_true(span_eq(is.issuer, was.issuer));
	assert_true(span_eq(is.spki, was.spki));
	assert_true(span_eq(is.extensions, was.extensions));
	assert_false(span_eq(is.serial, was.serial));
	check_ok(cert_parse("CA", buf_span(&ca.ca_cert), &cert));
	check_ok(cert_window(cert, &from, &to));
	check_ok(cert_window(b.ca.cert, &old_from, &old_to));
	assert_int_equal(from, old_from);
	assert_int_equal(to, NOW + 4000 * DAY - 1);
	assert_memory_equal(ca.ca_id, b.ca.id, SHA256_LEN);
	ledger_story_check(b.v.act.ledger, "EbtCmEbtCmOOmmT");
	ledger_check(b.v.act.ledger);
}

/* The last of all is a transfer certificate that ends with the new one. */
static void
each_requester_is_told_by_the_key_that_it_knows(void **state)
{
	static const struct {
		enum ca_change change;
		enum trust_kind kind;
		size_t certs;
	} ways[] = {
		{ CA_RENEWED, TRUST_RENEWED, 1 },
		{ CA_ROLLED_OVER, TRUST_ROLLOVER, 3 },
	};

	(void)state;
	for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(change_ca) c = { 0 };

		two_make(&b, JUDGE_TRUE);
		c = change_of(&b, ways[w].change);
		check_ok(carry_out(&c));
		for (size_t i = 0; i < 2; i++) {
			const struct manifest *m = &c.responses[i].manifest;
			struct cose cose;

			assert_int_equal(m->sequence, 2);
			assert_int_equal(m->n_changes, 2);
			assert_int_equal(m->changes[0].kind, ways[w].kind);
			assert_int_equal(m->changes[0].n_certs, ways[w].certs);
			assert_int_equal(m->changes[1].kind, TRUST_TRANSFER);
			assert_true(span_eq(m->changes[1].certs[0],
			    buf_span(&b.v.act.ca.transfer_cert)));
			check_ok(cose_read("m",
			    buf_span(&c.responses[i].record.file),
			    COSE_MANIFEST, &cose));
			assert_true(
			    span_eq(cose.cert, buf_span(&b.ca.transfer_der)));
		}
		ledger_check(b.v.act.ledger);
	}
}

static bool
is_marked(const struct buf *cert)
{
	bool marked = false;

	check_ok(succession_find("cert", buf_span(cert), &marked));
	return marked;
}

static void
a_new_key_is_vouched_for_both_ways(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(change_ca) c = { 0 };
	WIPED(trust) trust = { 0 };
	WIPED(token_conf) conf = { 0 };
	struct cert_parts was, is, over, under;

	(void)state;
	two_make(&b, JUDGE_TRUE);
	c = change_of(&b, CA_ROLLED_OVER);
	check_ok(carry_out(&c));
	assert_int_equal(c.n_certs, 3);
	was = parts_of(&b.ca.der);
	is = parts_of(&c.certs[0]);
	over = parts_of(&c.certs[1]);
	under = parts_of(&c.certs[2]);
	assert_true(span_eq(is.spki, buf_span(&c.key.key.spki)));
	assert_true(span_eq(over.spki, is.spki));
	assert_true(span_eq(under.spki, was.spki));
	assert_true(span_eq(over.issuer, was.subject));
	assert_true(span_eq(under.issuer, is.subject));
	assert_false(is_marked(&b.ca.der));
	for (size_t i = 0; i < c.n_certs; i++)
		assert_true(is_marked(&c.certs[i]));
	check_ok(trust_add_ca(&trust, "old", buf_span(&b.ca.der)));
	check_ok(trust_add_ca(&trust, "new", buf_span(&c.certs[0])));
	check_ok(trust_add_cross(&trust, "over", buf_span(&c.certs[1])));
	check_ok(trust_add_cross(&trust, "under", buf_span(&c.certs[2])));
	check_ok(home_token_read(&b.v.act.home, &conf));
	assert_string_equal((char *)conf.ca.p, c.key.key.uri);
	assert_string_equal(
	    (char *)conf.transfer.p, FAKE_TOKEN_URI ";object=transfer");
}

static void
the_path_length_leaves_room_for_the_next_key(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(change_ca) c = { 0 };
	OWN(X509) *next = NULL;
	OWN(X509) *over = NULL;

	(void)state;
	two_make(&b, JUDGE_FAKE); /* of path length 0 */
	c = change_of(&b, CA_ROLLED_OVER);
	c.subject = "CN=Other";
	assert_int_equal(change_ca_plan(&c), RC_POLICY);
	assert_non_null(strstr(err_text(), "path length 0"));
	change_ca_wipe(&c);
	c = change_of(&b, CA_ROLLED_OVER);
	check_ok(carry_out(&c));
	check_ok(cert_parse("new", buf_span(&c.certs[0]), &next));
	check_ok(cert_parse("over", buf_span(&c.certs[1]), &over));
	assert_int_equal(X509_get_pathlen(next), 1);
	assert_int_equal(X509_get_pathlen(over), 0);
}

/* Whatever fails: the CA has the certificate that it had, and the same again
 * signs what was noted. */
static void
a_run_that_failed_is_gone_on_with(void **state)
{
	static const struct {
		enum ca_change change;
		unsigned nth; /* signature that fails */
	} ways[] = {
		{ CA_RENEWED, 1 },     /* the CA's */
		{ CA_RENEWED, 2 },     /* the transfer certificate */
		{ CA_RENEWED, 4 },     /* the second requester's manifest */
		{ CA_ROLLED_OVER, 1 }, /* the CA's */
		{ CA_ROLLED_OVER, 2 }, /* new-with-old */
		{ CA_ROLLED_OVER, 3 }, /* old-with-new */
		{ CA_ROLLED_OVER, 7 }, /* the card */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(change_ca) c = { 0 };
		WIPED(change_ca) again = { 0 };
		WIPED(ca_begun) begun = { 0 };
		WIPED(ca_begun) still = { 0 };
		WIPED(ledger_ca) ca = { 0 };

		two_make(&b, JUDGE_FAKE);
		c = change_of(&b, ways[i].change);
		check_ok(change_ca_plan(&c));
		check_ok(change_ca_unlock(&c));
		token_fails(&b, FAKE_LIE, ways[i].nth, SIGN_OTHER);
		assert_int_equal(change_ca_sign(&c) != RC_OK ||
				     change_ca_install(&c) != RC_OK,
		    1);
		bed_reopen(&b);
		ledger_story_check(b.v.act.ledger, "EbtCmEbtCmO");
		check_ok(ledger_ca_begun(b.v.act.ledger, &begun));
		assert_true(begun.any);
		ledger_ca_wipe(&b.v.act.ca);
		check_ok(ledger_ca_get(b.v.act.ledger, &b.v.act.ca));
		assert_int_equal(b.v.act.ca.n_own, 1);
		keys_wipe(&b.v.act.keys);
		again = change_of(&b, ways[i].change);
		again.days = NULL;
		check_ok(change_ca_plan(&again));
		assert_true(again.goes_on);
		check_ok(change_ca_unlock(&again));
		check_ok(change_ca_sign(&again));
		check_ok(change_ca_install(&again));
		assert_true(
		    span_eq(parts_of(&again.certs[0]).tbs, begun.tbs[0]));
		ledger_story_check(b.v.act.ledger, "EbtCmEbtCmOOmmT");
		ledger_check(b.v.act.ledger);
		check_ok(ledger_ca_begun(b.v.act.ledger, &still));
		assert_false(still.any);
		check_ok(ledger_ca_get(b.v.act.ledger, &ca));
		assert_int_equal(ca.n_own, 2);
	}
}

static void
what_was_begun_is_finished_as_it_was_begun(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(change_ca) c = { 0 };
	WIPED(change_ca) other = { 0 };

	(void)state;
	two_make(&b, JUDGE_FAKE);
	c = change_of(&b, CA_RENEWED);
	check_ok(change_ca_plan(&c));
	check_ok(change_ca_unlock(&c));
	token_fails(&b, FAKE_LIE, 1, SIGN_OTHER);
	assert_int_equal(change_ca_sign(&c), RC_TOKEN);
	other = change_of(&b, CA_RENEWED);
	other.days = "4001";
	assert_int_equal(change_ca_plan(&other), RC_USAGE);
	assert_non_null(strstr(err_text(), "give --days 4000, or none"));
	change_ca_wipe(&other);
	other = change_of(&b, CA_RENEWED);
	check_ok(change_ca_plan(&other));
	assert_true(other.goes_on);
	assert_true(other.not_after == c.not_after);
	/* Another change takes its place. */
	change_ca_wipe(&other);
	keys_wipe(&b.v.act.keys);
	other = change_of(&b, CA_ROLLED_OVER);
	check_ok(change_ca_plan(&other));
	assert_false(other.goes_on);
	assert_true(other.dropped);
	check_ok(change_ca_unlock(&other));
	check_ok(change_ca_sign(&other));
	check_ok(change_ca_install(&other));
	ledger_story_check(b.v.act.ledger, "EbtCmEbtCmOOOmmT");
	ledger_check(b.v.act.ledger);
}

static void
what_is_signed_was_noted(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(ledger_ca) ca = { 0 };
	struct span cert;

	(void)state;
	two_make(&b, JUDGE_FAKE);
	cert = buf_span(&b.ca.der);
	check_ok(ledger_begin(b.v.act.ledger));
	check_ok(
	    ledger_stamp(b.v.act.ledger, NOW, buf_span(&b.v.act.policy.text)));
	check_ok(ledger_ca_change(b.v.act.ledger, CA_RENEWED, &cert, 1));
	assert_int_equal(ledger_ca_get(b.v.act.ledger, &ca), RC_STATE);
	assert_non_null(
	    strstr(err_text(), "not the certificates that were to be signed"));
	ledger_rollback(b.v.act.ledger);
}

/* By their beginnings `recover` tells a key that was replaced from its
 * successor. */
static void
each_transfer_certificate_begins_later(void **state)
{
	WIPED(ca_bed) b = { 0 };
	int64_t since = 0;

	(void)state;
	two_make(&b, JUDGE_FAKE);
	for (size_t i = 0; i < 3; i++) {
		WIPED(change_ca) c = { 0 };
		OWN(X509) *cert = NULL;
		int64_t from, to;

		keys_wipe(&b.v.act.keys);
		c = change_of(&b, i == 1 ? CA_ROLLED_OVER : CA_RENEWED);
		check_ok(carry_out(&c));
		check_ok(cert_parse(
		    "transfer", buf_span(&b.v.act.ca.transfer_cert), &cert));
		check_ok(cert_window(cert, &from, &to));
		assert_true(from > since);
		assert_int_equal(to, NOW + 4000 * DAY - 1);
		since = from;
	}
}

static void
after_the_end_nobody_is_told(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(change_ca) c = { 0 };

	(void)state;
	two_make(&b, JUDGE_FAKE);
	b.v.act.now = NOW + 1001 * DAY; /* its transfer certificate has ended */
	c = change_of(&b, CA_RENEWED);
	check_ok(carry_out(&c));
	assert_false(c.vouched);
	assert_null(c.responses);
	ledger_story_check(b.v.act.ledger, "EbtCmEbtCmOOT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_renewed_ca_differs_in_serial_and_end_alone),
		cmocka_unit_test(
		    each_requester_is_told_by_the_key_that_it_knows),
		cmocka_unit_test(a_new_key_is_vouched_for_both_ways),
		cmocka_unit_test(the_path_length_leaves_room_for_the_next_key),
		cmocka_unit_test(a_run_that_failed_is_gone_on_with),
		cmocka_unit_test(what_was_begun_is_finished_as_it_was_begun),
		cmocka_unit_test(what_is_signed_was_noted),
		cmocka_unit_test(each_transfer_certificate_begins_later),
		cmocka_unit_test(after_the_end_nobody_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
