/* SPDX-License-Identifier: Apache-2.0 */
/* What is pinned is replaced for a CA that lost its transfer key; and what a
 * store says that somebody edited. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#define NEXT_POLICY \
	"[ca]\nscope = example.org\nbackdate = 2h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = first-name\n" PLAIN_PROFILE

/* A card: the CA's certificate and its new transfer certificate. */
struct card_bed {
	struct online_bed on;
	struct buf transfer;
	struct span certs[2];
	struct enrolment e;
};

static void
card_bed_wipe(struct card_bed *b)
{
	buf_wipe(&b->transfer);
	online_wipe(&b->on);
}

static void
card_bed_make(struct card_bed *b)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = NULL;

	online_make(&b->on);
	cert = software_ca_transfer(&b->on.ca, key, "critical,digitalSignature",
	    "critical," EKU_TRANSFER);
	cert_der(cert, &b->transfer);
	b->certs[0] = buf_span(&b->on.ca.der);
	b->e = (struct enrolment){ .ca_id = b->on.ca.id,
		.certs = b->certs,
		.n_certs = 1,
		.transfer_cert = buf_span(&b->transfer),
		.policy = span_str(NEXT_POLICY),
		.label = "other",
		.spki = span_str("not looked at"),
		.created = NOW + HOUR,
		.now = NOW + DAY };
}

static void
pinned_is(struct card_bed *b, struct span transfer, int64_t backdate)
{
	const struct store *s = &b->on.store;

	online_reopen(&b->on);
	assert_true(span_eq(buf_span(&s->trust.transfer_cert), transfer));
	assert_int_equal(s->policy.backdate, backdate);
	/* what is of this host is kept */
	assert_string_equal(s->label, "web");
	assert_true(span_eq(buf_span(&s->spki), buf_span(&b->on.spki)));
	assert_memory_equal(s->trust.ca_id, b->on.ca.id, SHA256_LEN);
}

static void
a_new_transfer_key_is_pinned_and_all_else_is_kept(void **state)
{
	WIPED(card_bed) b = { 0 };
	struct head head;

	(void)state;
	card_bed_make(&b);
	online_answer(
	    &b.on, online_send_one(&b.on, "dns:a.example.org", 2), NULL);
	online_receive(&b.on);
	head = b.on.store.channel.head;
	check_ok(store_replace(&b.on.store, &b.e));
	pinned_is(&b, buf_span(&b.transfer), 7200);
	assert_int_equal(b.on.store.trust.n_cas, 1);
	assert_memory_equal(&b.on.store.channel.head, &head, sizeof(head));
	assert_int_equal(
	    online_count(&b.on, "SELECT count(*) FROM certificate"), 2);
	assert_int_equal(
	    online_count(&b.on, "SELECT replaced_at FROM enrolment"),
	    NOW + DAY);
	/* once more is no harm */
	check_ok(store_replace(&b.on.store, &b.e));
	pinned_is(&b, buf_span(&b.transfer), 7200);
}

static void
older_than_the_pinned_one(X509 *cert)
{
	set_time(X509_getm_notBefore(cert), NOW - DAY - 1);
}

/* By its own word, by the newest manifest's, and by the CA key's: a card that
 * the old transfer key dates ahead is as old as that key. */
static void
an_older_card_is_a_step_back(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = NULL;
	WIPED(buf) old = { 0 };
	struct pinned_card last;
	WIPED(card_bed) b = { 0 };

	(void)state;
	card_bed_make(&b);
	check_ok(store_replace(&b.on.store, &b.e));
	online_reopen(&b.on);
	check_ok(store_card_last(&b.on.store, &last));
	assert_true(last.is_known && !last.back);
	assert_int_equal(last.created, NOW + HOUR);
	b.e.created--;
	check_refused(store_replace(&b.on.store, &b.e), "CARD-OLD",
	    "the card is from 2027-01-15T08:59:59Z, and what is pinned is from 2027-01-15T09:00:00Z");
	b.e.back = true;
	check_ok(store_replace(&b.on.store, &b.e));
	online_reopen(&b.on);
	check_ok(store_card_last(&b.on.store, &last));
	assert_true(last.is_known && last.back);
	assert_int_equal(last.created, NOW + HOUR - 1);
	assert_int_equal(last.at, NOW + DAY);
	/* That one is no older than itself. */
	assert_int_equal(store_replace(&b.on.store, &b.e), RC_USAGE);
	b.e.back = false;
	check_ok(store_replace(&b.on.store, &b.e));
	online_reopen(&b.on);

	cert = software_ca_transfer(&b.on.ca, key, "critical,digitalSignature",
	    "critical," EKU_TRANSFER);
	older_than_the_pinned_one(cert);
	assert_true(X509_sign(cert, b.on.ca.key, EVP_sha256()) > 0);
	cert_der(cert, &old);
	b.e.transfer_cert = buf_span(&old);
	b.e.created = NOW + 2 * DAY;
	check_refused(store_replace(&b.on.store, &b.e), "CARD-OLD",
	    "the card is of a transfer key from 2027-01-14T07:59:59Z, and the pinned one is from 2027-01-14T08:00:00Z");
	pinned_is(&b, buf_span(&b.transfer), 7200);
}

static void
a_manifest_is_newer_than_the_card_before_it(void **state)
{
	WIPED(card_bed) b = { 0 };

	(void)state;
	card_bed_make(&b);
	online_answer(
	    &b.on, online_send_one(&b.on, "dns:a.example.org", 1), NULL);
	online_receive(&b.on);
	b.e.created = NOW - 1; /* it was signed at NOW */
	check_refused(store_replace(&b.on.store, &b.e), "CARD-OLD",
	    "the card is from 2027-01-15T07:59:59Z, and what is pinned is from 2027-01-15T08:00:00Z");
	b.e.created = NOW;
	check_ok(store_replace(&b.on.store, &b.e));
}

/* A renewed CA certificate, with one of an issuer behind it. */
static void
what_a_card_has_besides_is_pinned_too(void **state)
{
	WIPED(card_bed) b = { 0 };
	WIPED(buf) renewed = { 0 };
	WIPED(buf) issuer = { 0 };
	WIPED(buf) found = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *again = NULL;
	OWN(X509) *above = ca_cert_make(key, "CN=Root", NULL);

	(void)state;
	card_bed_make(&b);
	again = ca_cert_make(b.on.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(again, &renewed);
	cert_der(above, &issuer);
	b.certs[0] = buf_span(&renewed);
	b.certs[1] = buf_span(&issuer);
	b.e.n_certs = 2;
	check_ok(store_replace(&b.on.store, &b.e));
	pinned_is(&b, buf_span(&b.transfer), 7200);
	assert_int_equal(b.on.store.trust.n_cas, 2);
	check_ok(store_issuers(&b.on.store, &found));
	assert_true(span_eq(buf_span(&found), buf_span(&issuer)));
}

static void
a_card_of_another_ca_changes_nothing(void **state)
{
	WIPED(card_bed) b = { 0 };
	WIPED(buf) other = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(key, "CN=Another", NULL);

	(void)state;
	card_bed_make(&b);
	cert_der(cert, &other);
	b.certs[0] = buf_span(&other);
	check_rule(store_replace(&b.on.store, &b.e), "CA-CERT", "card");
	pinned_is(&b, buf_span(&b.on.ca.transfer_der), 3600);
	b.certs[0] = span_str("no certificate");
	check_rule(store_replace(&b.on.store, &b.e), "CA-CERT", "card");
	pinned_is(&b, buf_span(&b.on.ca.transfer_der), 3600);
}

static enum rc
replace(void *arg)
{
	struct card_bed *b = arg;

	return store_replace(&b->on.store, &b->e);
}

static void
is_as_it_was(void *arg)
{
	struct card_bed *b = arg;

	check_ok(store_begin(&b->on.store)); /* nothing is left open */
	store_rollback(&b->on.store);
	assert_int_equal(
	    online_count(&b->on, "SELECT replaced_at IS NULL FROM enrolment"),
	    1);
	assert_int_equal(
	    online_count(&b->on, "SELECT count(*) FROM policy"), 1);
}

static void
whatever_fails_what_was_pinned_stays(void **state)
{
	WIPED(card_bed) b = { 0 };

	(void)state;
	card_bed_make(&b);
	each_fails(FAIL_DB, replace, is_as_it_was, &b);
	pinned_is(&b, buf_span(&b.transfer), 7200);
}

/* ---- open bundles -------------------------------------------------------- */

struct opened {
	size_t n;
	struct open_bundle last;
	enum rc rc;
};

static enum rc
note(void *arg, const struct open_bundle *b)
{
	struct opened *o = arg;

	o->n++;
	o->last = *b;
	return o->rc;
}

static void
open_bundles_are_told_in_order(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct opened o = { 0 };
	uint32_t second;

	(void)state;
	online_make(&b);
	check_ok(store_each_open(&b.store, note, &o));
	assert_int_equal(o.n, 0);
	(void)online_send_one(&b, "dns:a.example.org", 1);
	second = online_send_one(&b, "dns:b.example.org", 1);
	online_edit(&b, "UPDATE bundle SET expires = 5 WHERE sequence ="
			" (SELECT max(sequence) FROM bundle)");
	check_ok(store_each_open(&b.store, note, &o));
	assert_int_equal(o.n, 2);
	assert_int_equal(o.last.sequence, second);
	assert_int_equal(o.last.created, NOW);
	assert_int_equal(o.last.n_requests, 1);
	assert_true(o.last.has_expires);
	assert_int_equal(o.last.expires, 5);
	online_answer(&b, second, NULL);
	online_receive(&b); /* answers one and voids the other */
	o = (struct opened){ 0 };
	check_ok(store_each_open(&b.store, note, &o));
	assert_int_equal(o.n, 0);
	(void)online_send_one(&b, "dns:a.example.org", 1);
	(void)online_send_one(&b, "dns:b.example.org", 1);
	o.rc = RC_IO;
	assert_int_equal(store_each_open(&b.store, note, &o), RC_IO);
	assert_int_equal(o.n, 1);
	assert_false(o.last.has_expires);
}

/* ---- a hand in the store ------------------------------------------------- */

static enum rc
reopen(struct online_bed *b)
{
	WIPED(store) store = { 0 };

	return online_open(b->home, false, &store);
}

static void
damage(struct online_bed *b, const char *sql)
{
	online_edit(b, sql);
	assert_int_equal(reopen(b), RC_STATE);
	assert_non_null(strstr(err_text(), "store.db: damaged"));
}

static void
what_somebody_cut_is_told(void **state)
{
	struct opened o = { 0 };
	WIPED(online_bed) b = { 0 };
	uint8_t digest[SHA256_LEN];
	bool known = true;

	(void)state;
	online_make(&b);
	online_answer(&b, online_send_one(&b, "dns:a.example.org", 1), NULL);
	online_receive(&b);
	(void)online_send_one(&b, "dns:b.example.org", 1);
	check_ok(reopen(&b));
	damage(&b, "UPDATE manifest SET ledger_hash = x'00'");
	damage(&b, "UPDATE manifest SET ledger_hash = zeroblob(32),"
		   " sha256 = x'00'");
	assert_int_equal(store_accepted(&b.store, 1, &known, digest), RC_STATE);
	assert_false(known);
	online_edit(&b, "UPDATE manifest SET sha256 = zeroblob(32)");
	check_ok(reopen(&b));
	online_edit(&b, "UPDATE bundle SET id = x'00' WHERE sequence ="
			" (SELECT max(sequence) FROM bundle)");
	assert_int_equal(store_each_open(&b.store, note, &o), RC_STATE);
	assert_int_equal(o.n, 0);
	damage(&b, "UPDATE enrolment SET label = ''");
	damage(&b, "UPDATE enrolment SET label = printf('%064d', 0)");
	online_edit(&b, "UPDATE enrolment SET label = printf('%063d', 0)");
	check_ok(reopen(&b));
	damage(&b, "UPDATE enrolment SET ca_id = x'00'");
}

/* What is pinned is checked again each time: an edit is no way around a rule.
 */
static void
a_ca_certificate_that_breaks_a_rule_is_not_pinned_by_hand(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	online_edit(&b, "UPDATE ca_cert SET der ="
			" (SELECT transfer_cert FROM enrolment)");
	check_rule(reopen(&b), "CA-CERT", "store.db");
	online_edit(&b, "DELETE FROM enrolment");
	assert_int_equal(reopen(&b), RC_STATE);
}

static void
a_policy_that_is_none_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	online_edit(&b, "UPDATE policy SET text = CAST('x = y' AS BLOB)");
	check_rule(reopen(&b), "POLICY", "store.db");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_new_transfer_key_is_pinned_and_all_else_is_kept),
		cmocka_unit_test(an_older_card_is_a_step_back),
		cmocka_unit_test(a_manifest_is_newer_than_the_card_before_it),
		cmocka_unit_test(what_a_card_has_besides_is_pinned_too),
		cmocka_unit_test(a_card_of_another_ca_changes_nothing),
		cmocka_unit_test(whatever_fails_what_was_pinned_stays),
		cmocka_unit_test(open_bundles_are_told_in_order),
		cmocka_unit_test(what_somebody_cut_is_told),
		cmocka_unit_test(
		    a_ca_certificate_that_breaks_a_rule_is_not_pinned_by_hand),
		cmocka_unit_test(a_policy_that_is_none_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
