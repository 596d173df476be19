/* SPDX-License-Identifier: Apache-2.0 */
/* A response is made from the ledger: what its manifest says, how its files are
 * laid out, and that the same bytes come out each time. */
#include "tests/lib/ca_bed.h"

#include "ca/response/response_files.h"
#include "transfer/x509/pem.h"

#include <sqlite3.h>

static struct response_maker
maker_of(struct ca_bed *b)
{
	return (struct response_maker){ .ledger = b->v.act.ledger,
		.keys = &b->v.act.keys,
		.ca = &b->v.act.ca,
		.issuer = b->v.window.key_id };
}

/* An answered bundle of `n` requests with `slots` certificates each. */
static void
answered_make(struct ca_bed *b, struct offer *o, size_t n, uint32_t slots,
    struct response *ret)
{
	ca_bed_make(b, "ec-p256", JUDGE_FAKE);
	offer_make(b, o, n, slots);
	offer_read(b, o);
	check_ok(offer_answer(b, o, ret));
}

/* The next bundle of the same requester, answered. */
static void
next_make(
    struct ca_bed *b, struct offer *o, size_t n, struct response *response)
{
	offer_make(b, o, n, 1);
	offer_follows(o, response);
	offer_seal(b, o);
	offer_read(b, o);
	check_ok(offer_answer(b, o, response));
}

static const char *
name_at(const struct response *response, size_t i)
{
	assert_true(i < response->n);
	return response->files[i].name;
}

static void
file_get(struct response *response, size_t i, struct buf *bytes)
{
	const struct file_sink to = file_sink_into(bytes);

	buf_reset(bytes);
	check_ok(response_file_give(response, i, &to));
}

/* ---- the manifest
 * ---------------------------------------------------------------- */

static void
the_manifest_says_what_the_ledger_has(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	const struct manifest *m = &response.manifest;

	(void)state;
	answered_make(&b, &o, 2, 2, &response);
	assert_int_equal(m->sequence, 1);
	assert_false(m->has_previous);
	assert_true(m->has_requester && m->has_bundle);
	assert_false(m->has_next_visit);
	assert_int_equal(m->signed_at, NOW);
	assert_memory_equal(m->ca_id, b.ca.id, SHA256_LEN);
	assert_memory_equal(m->requester, o.s.key_id, SHA256_LEN);
	assert_memory_equal(m->bundle_id, o.bundle.id, BUNDLE_ID_LEN);
	assert_memory_equal(m->bundle_digest, o.s.digest, SHA256_LEN);
	assert_memory_equal(m->policy, b.v.act.policy.digest, SHA256_LEN);
	/* init, policy, enrol, bundle, four intents and results; not itself. */
	assert_int_equal(m->ledger.count, 12);
	assert_int_equal(m->n_results, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct result *r = &m->results[i];
		uint8_t digest[SHA256_LEN];

		assert_true(span_eq(r->id, o.bundle.requests[i].id));
		check_ok(sha256(buf_span(&o.csrs[i]), digest));
		assert_memory_equal(r->csr_digest, digest, SHA256_LEN);
		assert_int_equal(r->n_certs, 2);
		for (size_t c = 0; c < 2; c++) {
			WIPED(ledger_cert) cert = { 0 };
			bool known;

			check_ok(ledger_cert_get(
			    b.v.act.ledger, r->certs[c].serial, &cert, &known));
			assert_int_equal(cert.intent.request, i);
			assert_int_equal(cert.intent.slot, c);
			assert_int_equal(
			    r->certs[c].not_after, cert.intent.not_after);
			check_ok(sha256(buf_span(&cert.der), digest));
			assert_memory_equal(
			    r->certs[c].digest, digest, SHA256_LEN);
			assert_memory_equal(
			    r->certs[c].issuer, b.ca.key_id, SHA256_LEN);
		}
	}
}

static void
responses_of_a_channel_are_chained(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };
	uint8_t digest[SHA256_LEN];

	(void)state;
	answered_make(&b, &one, 1, 1, &response);
	memcpy(digest, response.record.digest, SHA256_LEN);
	next_make(&b, &two, 1, &response);
	assert_int_equal(response.manifest.sequence, 2);
	assert_true(response.manifest.has_previous);
	assert_memory_equal(response.manifest.previous, digest, SHA256_LEN);
}

static void
policy_conf_goes_along_the_first_time_and_when_it_changed(void **state)
{
	static const char changed[] = PLAIN_POLICY "# next\n";
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(offer) three = { 0 };
	WIPED(response) response = { 0 };
	WIPED(buf) bytes = { 0 };

	(void)state;
	answered_make(&b, &one, 1, 1, &response);
	assert_int_equal(response.n, 4);
	assert_string_equal(name_at(&response, 2), "policy.conf");
	file_get(&response, 2, &bytes);
	assert_true(span_eq_str(buf_span(&bytes), PLAIN_POLICY));
	next_make(&b, &two, 1, &response);
	assert_int_equal(response.n, 3);
	policy_wipe(&b.v.act.policy);
	check_ok(policy_parse("p", span_str(changed), &b.v.act.policy));
	next_make(&b, &three, 1, &response);
	assert_int_equal(response.n, 4);
	file_get(&response, 2, &bytes);
	assert_true(span_eq_str(buf_span(&bytes), changed));
}

static void
a_next_visit_is_told_where_the_policy_has_one(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	b.v.act.policy.next_visit = 30 * DAY;
	offer_make(&b, &o, 1, 1);
	offer_read(&b, &o);
	check_ok(offer_answer(&b, &o, &response));
	assert_true(response.manifest.has_next_visit);
	assert_int_equal(response.manifest.next_visit, NOW + 30 * DAY);
}

static void
a_revocation_of_what_was_never_issued_is_told(void **state)
{
	static const uint8_t serial[16] = { 0x41 };
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	const struct revocation_result *r;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	o.bundle.revocations = calloc(1, sizeof(*o.bundle.revocations));
	o.bundle.n_revocations = 1;
	o.bundle.revocations[0].serial = span_of(serial, sizeof(serial));
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_answer(&b, &o, &response));
	assert_int_equal(response.manifest.n_revocations, 1);
	r = &response.manifest.revocations[0];
	assert_int_equal(r->status, REVOKE_UNKNOWN);
	assert_int_equal(r->n_serials, 0);
	assert_true(span_eq_str(r->rule, "REVOKE-UNKNOWN"));
	assert_true(span_eq_str(r->comment,
	    "revocation 1: serial 41000000000000000000000000000000: "
	    "this CA has issued no such certificate"));
}

static void
a_request_that_was_never_signed_makes_no_response(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	struct response_maker maker;

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 1, 1);
	offer_read(&b, &o);
	offer_accept(&b, &o);
	maker = maker_of(&b);
	assert_int_equal(
	    response_make(&maker, &o.s, &b.v.act.policy, NOW, &response),
	    RC_BUG);
	assert_string_equal(
	    err_text(), "request 1: certificate 1 was never signed");
	assert_int_equal(response.n, 0);
}

static void
a_new_certificate_of_the_ca_is_told_without_a_bundle(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	struct span cert;
	struct response_change change = {
		.news = { { TRUST_TRANSFER, &cert, 1 } }, .n = 1, .now = NOW
	};
	struct response_maker maker;

	(void)state;
	answered_make(&b, &o, 1, 1, &response);
	response_wipe(&response);
	offer_read(&b, &o);
	maker = maker_of(&b);
	change.policy = &b.v.act.policy;
	cert = buf_span(&b.ca.transfer_der);
	check_ok(
	    response_make_change(&maker, &o.s.requester, &change, &response));
	assert_false(response.manifest.has_bundle);
	assert_int_equal(response.manifest.sequence, 2);
	assert_int_equal(response.manifest.n_results, 0);
	assert_int_equal(response.manifest.n_changes, 1);
	assert_int_equal(response.manifest.changes[0].kind, TRUST_TRANSFER);
	assert_true(span_eq(response.manifest.changes[0].certs[0], cert));
	assert_int_equal(response.n, 2); /* ca.pem and itself */
}

/* ---- the files
 * ------------------------------------------------------------------- */

/* A file holds these results' certificates, in their order, as PEM. */
static void
check_certs(struct ca_bed *b, struct response *response, size_t file,
    size_t first, size_t end)
{
	WIPED(buf) wanted = { 0 };
	WIPED(buf) der = { 0 };
	WIPED(buf) bytes = { 0 };

	for (size_t i = first; i < end; i++)
		for (size_t c = 0; c < response->manifest.results[i].n_certs;
		     c++) {
			bool known;

			check_ok(ledger_cert_der(b->v.act.ledger,
			    response->manifest.results[i].certs[c].serial, &der,
			    &known));
			assert_true(known);
			check_ok(pem_write(
			    PEM_CERTIFICATE, buf_span(&der), &wanted));
		}
	file_get(response, file, &bytes);
	assert_true(span_eq(buf_span(&bytes), buf_span(&wanted)));
}

static void
a_small_response_has_a_file_for_each_request(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	WIPED(buf) ca_pem = { 0 };
	WIPED(buf) bytes = { 0 };
	char dir[MEDIA_NAME_MAX], ca[9], channel[9];

	(void)state;
	answered_make(&b, &o, 2, 3, &response);
	assert_int_equal(response.n, 5);
	assert_string_equal(name_at(&response, 0), "0001-r0.pem");
	assert_string_equal(name_at(&response, 1), "0002-r1.pem");
	assert_string_equal(name_at(&response, 2), "ca.pem");
	assert_string_equal(name_at(&response, 3), "policy.conf");
	assert_string_equal(name_at(&response, 4), "manifest.cose");
	check_certs(&b, &response, 0, 0, 1);
	check_certs(&b, &response, 1, 1, 2);
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&b.ca.der), &ca_pem));
	file_get(&response, 2, &bytes);
	assert_true(span_eq(buf_span(&bytes), buf_span(&ca_pem)));
	file_get(&response, 4, &bytes);
	assert_true(span_eq(buf_span(&bytes), buf_span(&response.record.file)));
	/* The manifest is not in its own list. */
	assert_int_equal(response.manifest.n_files, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(span_eq_str(
		    response.manifest.files[i].name, name_at(&response, i)));
	hex_write(span_of(b.ca.id, 4), ca);
	hex_write(span_of(o.s.key_id, 4), channel);
	(void)snprintf(
	    dir, sizeof(dir), "airgap-ca/responses/%s-%s-000001", ca, channel);
	assert_string_equal(response.dir, dir);
}

static void
a_refused_request_has_no_file(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_FAKE);
	offer_make(&b, &o, 2, 1);
	o.names[0].text = span_str("www.evil.test");
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_answer(&b, &o, &response));
	assert_string_equal(name_at(&response, 0), "0002-r1.pem");
	assert_string_equal(name_at(&response, 1), "ca.pem");
	assert_int_equal(response.n_certs, 1);
	assert_int_equal(response.n_refused, 1);
	assert_true(response.manifest.results[0].reason.n > 0);
}

static void
above_a_hundred_requests_a_thousand_share_a_file(void **state)
{
	static const size_t sizes[] = { 101, 1001 };

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		WIPED(ca_bed) b = { 0 };
		WIPED(offer) o = { 0 };
		WIPED(response) response = { 0 };

		answered_make(&b, &o, sizes[s], 1, &response);
		assert_int_equal(response.n_certs, sizes[s]);
		assert_int_equal(response.n, 4 + s);
		check_certs(&b, &response, 0, 0, s == 0 ? 101 : 1000);
		if (s == 1)
			check_certs(&b, &response, 1, 1000, 1001);
		for (size_t i = 0; i < sizes[s]; i++)
			assert_true(span_eq_str(
			    response.manifest.results[i].certs[0].file,
			    name_at(&response, i / 1000)));
	}
}

/* ---- the same again
 * ---------------------------------------------------------------- */

static void
check_same(struct response *a, struct response *b)
{
	assert_int_equal(a->n, b->n);
	assert_string_equal(a->dir, b->dir);
	for (size_t i = 0; i < a->n; i++) {
		WIPED(buf) x = { 0 }, y = { 0 };

		assert_string_equal(a->files[i].name, b->files[i].name);
		file_get(a, i, &x);
		file_get(b, i, &y);
		assert_true(span_eq(buf_span(&x), buf_span(&y)));
		assert_int_equal(x.n, a->files[i].size);
	}
}

static void
the_same_bytes_come_out_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) first = { 0 };
	WIPED(response) second = { 0 };
	WIPED(response) again = { 0 };
	struct response_maker maker;

	(void)state;
	answered_make(&b, &one, 3, 2, &first);
	maker = maker_of(&b);
	maker.keys = NULL; /* nothing is signed for it */
	maker.issuer = NULL;
	check_ok(response_again(&maker, one.s.key_id, 1, &again));
	check_same(&first, &again);
	offer_make(&b, &two, 1, 1);
	offer_follows(&two, &first);
	offer_seal(&b, &two);
	offer_read(&b, &two);
	check_ok(offer_answer(&b, &two, &second));
	for (uint32_t sequence = 1; sequence <= 2; sequence++) {
		response_wipe(&again);
		check_ok(
		    response_again(&maker, one.s.key_id, sequence, &again));
		check_same(sequence == 1 ? &first : &second, &again);
	}
}

/* What is too much to be kept is made each time it is wanted. */
static void
files_that_are_not_kept_are_made_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	WIPED(buf) bytes = { 0 };
	struct file_sink to;

	(void)state;
	answered_make(&b, &o, 2, 1, &response);
	for (size_t i = 0; i < 2; i++)
		buf_wipe(&response.files[i].kept);
	check_certs(&b, &response, 1, 1, 2);
	check_certs(&b, &response, 0, 0, 1);
	response.files[0].digest[0] ^= 1;
	to = file_sink_into(&bytes);
	assert_int_equal(response_file_give(&response, 0, &to), RC_STATE);
	assert_string_equal(err_text(),
	    "0001-r0.pem of response 1 does not come out as it was");
}

static void
a_response_that_is_not_there_is_not_made_up(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	struct response_maker maker;

	(void)state;
	answered_make(&b, &o, 1, 1, &response);
	response_wipe(&response);
	maker = maker_of(&b);
	assert_int_equal(
	    response_again(&maker, o.s.key_id, 2, &response), RC_STATE);
	assert_string_equal(
	    err_text(), "the ledger has no response 2 for this requester");
}

static void
a_response_that_does_not_come_out_as_it_was_is_refused(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	struct response_maker maker;

	(void)state;
	answered_make(&b, &o, 1, 1, &response);
	response_wipe(&response);
	maker = maker_of(&b);
	/* ca.pem would be another one. */
	b.v.act.ca.own[0].cert.n--;
	buf_reset(&b.v.act.ca.ca_cert);
	check_ok(
	    buf_add_span(&b.v.act.ca.ca_cert, buf_span(&b.ca.transfer_der)));
	assert_int_equal(
	    response_again(&maker, o.s.key_id, 1, &response), RC_STATE);
	assert_string_equal(
	    err_text(), "ca.pem of response 1 does not come out as it was");
}

static void
a_lost_certificate_is_noticed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	struct response_maker maker;
	sqlite3 *db = NULL;

	(void)state;
	answered_make(&b, &o, 2, 1, &response);
	response_wipe(&response);
	ledger_free(b.v.act.ledger);
	b.v.act.ledger = NULL;
	assert_int_equal(sqlite3_open(b.play->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "DELETE FROM serial WHERE n ="
			     " (SELECT MAX(n) FROM serial)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	check_ok(home_ledger_open(&b.v.act.home, true, &b.v.act.ledger));
	maker = maker_of(&b);
	assert_int_equal(
	    response_again(&maker, o.s.key_id, 1, &response), RC_STATE);
	assert_string_equal(
	    err_text(), "the ledger lacks a certificate of this response");
}

/* ---- judged, written
 * ------------------------------------------------------------- */

static void
the_judge_sees_each_file_and_the_channel_before(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	offer_make(&b, &one, 2, 1);
	offer_read(&b, &one);
	check_ok(offer_answer(&b, &one, &response));
	next_make(&b, &two, 1, &response);
	/* Judged again, of a file it sees another byte. */
	response.files[0].kept.p[40] ^= 1;
	check_rule(
	    response_judge(&b.v.act.judge, b.v.act.ledger, &two.s, &response),
	    "MANIFEST-FILES", "");
	response.files[0].kept.p[40] ^= 1;
	check_ok(
	    response_judge(&b.v.act.judge, b.v.act.ledger, &two.s, &response));
	/* And the chain: the third has no second. */
	response.record.sequence = 4;
	assert_int_equal(
	    response_judge(&b.v.act.judge, b.v.act.ledger, &two.s, &response),
	    RC_STATE);
	assert_string_equal(err_text(), "the ledger lacks response 3");
}

static void
what_is_written_compares_and_what_is_changed_does_not(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };
	WIPED(media) media = { 0 };
	WIPED(media_faults) faults = { 0 };
	WIPED(buf) note = { 0 };
	char stick[64], path[300];
	OWN_FD fd = -1;

	(void)state;
	answered_make(&b, &o, 2, 1, &response);
	test_dir_make(stick, sizeof(stick));
	check_ok(media_open(stick, &media));
	check_ok(response_write(&b.v.act.home, &media, &response, &note));
	check_ok(response_compare(&media, &response, &faults, &note));
	assert_int_equal(faults.n, 0);
	check_ok(response_write(
	    &b.v.act.home, &media, &response, &note)); /* it is there */
	(void)snprintf(path, sizeof(path), "%s/%s/ca.pem", stick, response.dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 30), 1);
	media_faults_wipe(&faults);
	check_ok(response_compare(&media, &response, &faults, &note));
	assert_int_equal(faults.n, 1);
	assert_int_equal(faults.items[0].what, MEDIA_OTHER);
	assert_string_equal(faults.items[0].name, "ca.pem");
	test_dir_remove(stick);
}

static void
a_loose_response_is_counted_but_not_chained(void **state)
{
	static const char *const names[] = { "DNS:a.example.org",
		"DNS:b.example.org" };
	WIPED(ca_bed) b = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	ca_bed_make(&b, "ec-p256", JUDGE_TRUE);
	for (uint32_t i = 0; i < 2; i++) {
		WIPED(offer) o = { 0 };

		loose_offer_make(&o, &names[i], 1);
		loose_offer_read(&b, &o, "server");
		check_ok(offer_answer(&b, &o, &response));
		assert_int_equal(response.manifest.sequence, i + 1);
		assert_false(response.manifest.has_requester);
		assert_false(response.manifest.has_previous);
		assert_false(response.manifest.has_bundle);
		assert_string_equal(name_at(&response, 0), "0.pem");
		/* Nobody knows which policy its reader has. */
		assert_string_equal(name_at(&response, 2), "policy.conf");
		assert_string_equal(strstr(response.dir, "-loose"),
		    i == 0 ? "-loose-000001" : "-loose-000002");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manifest_says_what_the_ledger_has),
		cmocka_unit_test(responses_of_a_channel_are_chained),
		cmocka_unit_test(
		    policy_conf_goes_along_the_first_time_and_when_it_changed),
		cmocka_unit_test(a_next_visit_is_told_where_the_policy_has_one),
		cmocka_unit_test(a_revocation_of_what_was_never_issued_is_told),
		cmocka_unit_test(
		    a_request_that_was_never_signed_makes_no_response),
		cmocka_unit_test(
		    a_new_certificate_of_the_ca_is_told_without_a_bundle),
		cmocka_unit_test(a_small_response_has_a_file_for_each_request),
		cmocka_unit_test(a_refused_request_has_no_file),
		cmocka_unit_test(
		    above_a_hundred_requests_a_thousand_share_a_file),
		cmocka_unit_test(the_same_bytes_come_out_again),
		cmocka_unit_test(files_that_are_not_kept_are_made_again),
		cmocka_unit_test(a_response_that_is_not_there_is_not_made_up),
		cmocka_unit_test(
		    a_response_that_does_not_come_out_as_it_was_is_refused),
		cmocka_unit_test(a_lost_certificate_is_noticed),
		cmocka_unit_test(
		    the_judge_sees_each_file_and_the_channel_before),
		cmocka_unit_test(
		    what_is_written_compares_and_what_is_changed_does_not),
		cmocka_unit_test(a_loose_response_is_counted_but_not_chained),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
