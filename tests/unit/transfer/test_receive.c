/* SPDX-License-Identifier: Apache-2.0 */
/* Responses of our channel: what is taken, what is refused, and that nothing
 * stays of what was refused. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/receive/receive.h"
#include "transfer/online/store/holding.h"

/* What was told of the responses, and what the store had by then. */
struct told {
	struct online_bed *bed;
	size_t n, again;
	uint32_t last;
	int64_t stored; /* certificates */
	enum rc rc;	/* what is said to it */
};

static const struct answer_how best;

static enum rc
note(void *arg, const struct received *r)
{
	struct told *t = arg;

	t->n++;
	t->again += r->verdict->again;
	t->last = r->sequence;
	t->stored = online_count(t->bed, "SELECT count(*) FROM certificate");
	return t->rc;
}

static enum rc
receive_all(struct online_bed *b, struct reception *ret)
{
	return online_take(b, true, NULL, NULL, ret);
}

static void
receives(struct online_bed *b, size_t found, size_t again)
{
	struct reception all;

	check_ok(receive_all(b, &all));
	assert_int_equal(all.found, found);
	assert_int_equal(all.again, again);
}

#define refuses(b, rule, words) \
	do { \
		struct reception all_; \
		check_rule(receive_all((b), &all_), (rule), (words)); \
	} while (0)

static int64_t
certificates(struct online_bed *b)
{
	return online_count(b, "SELECT count(*) FROM certificate");
}

static int64_t
state_of(struct online_bed *b, uint32_t bundle)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT state FROM bundle WHERE sequence = %u", (unsigned)bundle);
	return online_count(b, sql);
}

/* Nothing of a response is there, and its bundle waits as before. */
static void
is_untouched(struct online_bed *b, uint32_t bundle)
{
	assert_int_equal(certificates(b), 0);
	assert_int_equal(online_count(b, "SELECT count(*) FROM manifest"), 0);
	assert_int_equal(
	    online_count(b, "SELECT count(*) FROM request"
			    " WHERE issued IS NOT NULL OR rule IS NOT NULL"),
	    0);
	assert_int_equal(state_of(b, bundle), BUNDLE_OPEN);
}

/* ---- what is taken ------------------------------------------------------- */

static void
a_response_is_taken_once(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct reception all;
	struct told t = { .bed = &b };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 3);
	online_answer(&b, sent, NULL);
	check_ok(online_take(&b, true, note, &t, &all));
	assert_int_equal(all.found, 1);
	assert_int_equal(all.again, 0);
	assert_int_equal(all.sequence, 1);
	assert_int_equal(all.n_certs, 3);
	assert_int_equal(t.stored, 3); /* told when it is stored */
	assert_int_equal(state_of(&b, sent), BUNDLE_ANSWERED);
	assert_true(b.store.channel.has_head);
	assert_memory_equal(b.store.channel.head.digest, b.digest, SHA256_LEN);
	/* the same stick once more, by this run and by another */
	for (int i = 0; i < 2; i++) {
		check_ok(online_take(&b, true, note, &t, &all));
		assert_int_equal(all.found, 1);
		assert_int_equal(all.again, 1);
		assert_int_equal(all.n_certs, 0);
		assert_int_equal(certificates(&b), 3);
		online_reopen(&b);
	}
	assert_int_equal(t.n, 3);
	assert_int_equal(t.again, 2);
}

static void
what_was_refused_is_kept_with_its_rule(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org", .key = "ec-p256" },
		{ .names = "dns:b.example.org", .key = "ed25519" },
	};
	static const struct answer_how how = { .refused = 2 };
	WIPED(online_bed) b = { 0 };
	struct reception all;
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send(&b, asks, 2);
	online_answer(&b, sent, &how);
	check_ok(receive_all(&b, &all));
	assert_int_equal(all.n_certs, 1);
	assert_int_equal(all.n_refused, 1);
	assert_int_equal(
	    online_count(&b, "SELECT count(*) FROM request WHERE place = 1"
			     " AND issued = 0 AND rule = 'NAME-SCOPE'"
			     " AND reason = 'out of scope'"),
	    1);
	assert_int_equal(
	    online_count(&b, "SELECT count(*) FROM request WHERE place = 0"
			     " AND issued = 1 AND rule IS NULL"),
	    1);
}

#define NEXT_POLICY \
	"[ca]\nscope = example.org\nbackdate = 2h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = first-name\n" PLAIN_PROFILE

/* The second is made under a policy that only the first brings. */
static void
each_is_judged_under_what_the_one_before_left(void **state)
{
	static const struct answer_how changed = { .policy = NEXT_POLICY };
	WIPED(online_bed) b = { 0 };
	struct told t = { .bed = &b };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	online_answer(&b, one, &changed);
	online_answer(&b, two, NULL);
	check_ok(online_take(&b, true, note, &t, &all));
	assert_int_equal(all.found, 2);
	assert_int_equal(all.sequence, 2);
	assert_int_equal(all.n_certs, 2);
	assert_int_equal(b.store.policy.backdate, 7200);
	online_reopen(&b);
	assert_int_equal(b.store.policy.backdate, 7200);
	assert_int_equal(b.store.channel.head.sequence, 2);
}

/* A policy.conf that its manifest does not name. */
static void
a_policy_is_the_one_that_the_manifest_names(void **state)
{
	static const struct answer_how changed = { .policy = NEXT_POLICY };
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, sent, &changed, &a);
	check_ok(buf_add_str(&a.files[a.n_files - 1], "# and more\n"));
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "POLICY-DIGEST", "is not the policy that its manifest");
	is_untouched(&b, sent);
	assert_int_equal(online_count(&b, "SELECT count(*) FROM policy"), 1);
}

static void
the_next_visit_is_that_of_the_newest(void **state)
{
	WIPED(online_bed) b = { 0 };
	uint32_t sent;
	int64_t at = 1;
	bool has = true;

	(void)state;
	online_make(&b);
	check_ok(store_next_visit(&b.store, &has, &at));
	assert_false(has);
	for (int i = 0; i < 2; i++) {
		WIPED(ca_answer) a = { 0 };

		sent = online_send_one(&b, "dns:a.example.org", 1);
		answer_make(&b, sent, &best, &a);
		a.manifest.has_next_visit = i == 0;
		a.manifest.next_visit = NOW + 30 * DAY;
		answer_seal(&b, &a);
		answer_put(&b, &a, NULL);
		answer_went_out(&b, &a);
		receives(&b, (size_t)i + 1, (size_t)i);
		check_ok(store_next_visit(&b.store, &has, &at));
		assert_int_equal(has, i == 0);
		assert_int_equal(at, i == 0 ? NOW + 30 * DAY : 0);
	}
}

/* The transfer key changes: what comes after is signed by the new one, and the
 * old one says nothing any more. */
static void
a_new_transfer_key_takes_over_at_once(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) change = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(buf) next_der = { 0 };
	EVP_PKEY *next = key_new("ec-p256");
	OWN(X509) *cert = NULL;
	struct span certs[1];
	struct trust_change one = {
		.kind = TRUST_TRANSFER, .certs = certs, .n_certs = 1
	};
	uint32_t sent;

	(void)state;
	online_make(&b);
	cert = software_ca_transfer(
	    &b.ca, next, "critical,digitalSignature", "critical," EKU_TRANSFER);
	cert_der(cert, &next_der);
	certs[0] = buf_span(&next_der);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, sent, &best, &change);
	change.manifest.changes = &one;
	change.manifest.n_changes = 1;
	answer_seal(&b, &change);
	answer_put(&b, &change, NULL);
	answer_went_out(&b, &change);
	receives(&b, 1, 0);
	/* by the old key */
	sent = online_send_one(&b, "dns:b.example.org", 1);
	answer_make(&b, sent, &best, &a);
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "TRANSFER-CERT", "");
	assert_int_equal(state_of(&b, sent), BUNDLE_OPEN);
	/* by the new one, also for who opens the store again */
	EVP_PKEY_free(b.ca.transfer_key);
	b.ca.transfer_key = next;
	buf_reset(&b.ca.transfer_der);
	check_ok(buf_add_span(&b.ca.transfer_der, buf_span(&next_der)));
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	online_reopen(&b);
	receives(&b, 2, 1);
	assert_int_equal(state_of(&b, sent), BUNDLE_ANSWERED);
}

/* ---- order --------------------------------------------------------------- */

static void
a_gap_is_refused_and_what_was_before_it_stays(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	online_answer(&b, one, NULL);
	b.sequence++;
	online_answer(&b, two, NULL);
	check_rule(receive_all(&b, &all), "GAP",
	    "number 3, but number 2 is the next one");
	assert_int_equal(all.found, 1);
	assert_int_equal(all.sequence, 1);
	assert_int_equal(all.n_certs, 1);
	assert_int_equal(certificates(&b), 1);
	assert_int_equal(state_of(&b, two), BUNDLE_OPEN);
	assert_int_equal(b.store.channel.head.sequence, 1);
}

static void
the_first_one_is_number_one(void **state)
{
	WIPED(online_bed) b = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	b.sequence = 1;
	online_answer(&b, sent, NULL);
	refuses(&b, "GAP", "number 2, but number 1 is the next one");
	is_untouched(&b, sent);
}

static void
another_response_of_the_same_number_is_a_fork(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	online_answer(&b, one, NULL);
	receives(&b, 1, 0);
	two = online_send_one(&b, "dns:b.example.org", 1);
	stick_clear(&b);
	b.sequence = 0;
	answer_make(&b, two, &best, &a);
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	assert_int_equal(receive_all(&b, &all), RC_STATE);
	refuses(
	    &b, "FORK", "number 1 was accepted already, with other content");
	assert_int_equal(certificates(&b), 1);
	assert_int_equal(state_of(&b, two), BUNDLE_OPEN);
	/* a stranger raises no alarm */
	a.manifest_file.p[a.manifest_file.n - 1] ^= 1;
	answer_put(&b, &a, NULL);
	refuses(&b, "COSE-SIGNATURE", "");
}

static void
an_old_number_that_nobody_took_is_a_replay(void **state)
{
	WIPED(online_bed) b = { 0 };
	uint32_t one;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	online_answer(&b, one, NULL);
	online_edit(&b,
	    "INSERT INTO manifest SELECT 5, zeroblob(32), NULL, 1,"
	    " NULL, 1, zeroblob(32), policy, 1, 'x' FROM enrolment");
	online_reopen(&b);
	refuses(&b, "REPLAY", "number 1, but number 5 was accepted already");
	assert_int_equal(certificates(&b), 0);
}

static void
one_that_does_not_continue_ours_is_refused(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	online_answer(&b, online_send_one(&b, "dns:a.example.org", 1), NULL);
	receives(&b, 1, 0);
	sent = online_send_one(&b, "dns:b.example.org", 1);
	answer_make(&b, sent, &best, &a);
	a.manifest.previous[0] ^= 1;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "PREVIOUS", "does not continue");
	/* nor one whose ledger did not grow */
	a.manifest.previous[0] ^= 1;
	a.manifest.ledger.count = b.records;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "LEDGER-COUNT", "had 15 records, and now 15");
	assert_int_equal(state_of(&b, sent), BUNDLE_OPEN);
	a.manifest.ledger.count++;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	receives(&b, 2, 1);
}

/* ---- not asked for by this store ------------------------------------------
 */

static size_t
held_now(struct online_bed *b, const char *name)
{
	WIPED(holding) h = { 0 };

	check_ok(
	    holding_load(&b->store, span_str(name), span_str("server"), &h));
	for (size_t i = 0; i < h.n; i++)
		assert_false(h.items[i].is_asked);
	return h.n;
}

/* Put back to a copy from before it asked, a host takes what follows its head.
 */
static void
a_restored_host_takes_what_it_no_longer_knows(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(ca_answer) gone = { 0 };
	WIPED(ca_answer) next = { 0 };
	struct reception got;
	uint32_t one, two, three;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 3);
	answer_make(&b, one, &best, &a);
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	answer_went_out(&b, &a);
	two = online_send_one(&b, "dns:b.example.org", 1);
	answer_make(&b, two, &best, &gone);
	answer_seal(&b, &gone);
	answer_put(&b, &gone, NULL);
	answer_went_out(&b, &gone);
	online_edit(&b, "DELETE FROM request; DELETE FROM bundle");
	{
		/* the key of b was in the part that is lost */
		char line[128];

		(void)snprintf(
		    line, sizeof(line), "rm %s/keys/b.example.org-*", b.home);
		assert_int_equal(system(line), 0);
	}
	/* first only proven */
	check_ok(online_take(&b, false, NULL, NULL, &got));
	assert_int_equal(got.n_unasked, 2);
	assert_int_equal(online_count(&b, "SELECT count(*) FROM bundle"), 0);
	check_ok(online_take(&b, true, NULL, NULL, &got));
	assert_int_equal(got.n_unasked, 2);
	assert_int_equal(got.n_certs, 4);
	assert_int_equal(got.n_lost, 1);
	assert_int_equal(held_now(&b, "dns:a.example.org"), 3);
	assert_int_equal(held_now(&b, "dns:b.example.org"), 0);
	assert_int_equal(
	    online_count(&b, "SELECT count(*) FROM request WHERE slots = 3"
			     " AND key_file LIKE 'keys/a.example.org-%'"),
	    1);
	/* once, and then everything goes on */
	check_ok(online_take(&b, true, NULL, NULL, &got));
	assert_int_equal(got.n_unasked, 0);
	assert_int_equal(got.again, 2);
	three = online_send_one(&b, "dns:c.example.org", 1);
	answer_make(&b, three, &best, &next);
	answer_seal(&b, &next);
	answer_put(&b, &next, NULL);
	check_ok(online_take(&b, true, NULL, NULL, &got));
	assert_int_equal(got.n_unasked, 0);
	assert_int_equal(state_of(&b, three), BUNDLE_ANSWERED);
}

/* All else of it is proven as ever. */
static void
what_was_not_asked_for_is_proven_all_the_same(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(ca_answer) bad = { 0 };
	static const struct answer_how long_one = { .not_before = NOW };
	uint32_t one;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, one, &long_one, &bad);
	answer_make(&b, one, &best, &a);
	bad.manifest.bundle_id[0] ^= 1;
	bad.entries[0][0].not_after += DAY; /* other dates than it has */
	answer_seal(&b, &bad);
	answer_put(&b, &bad, NULL);
	refuses(&b, "CERT-PROFILE", "");
	bad.entries[0][0].not_after -= DAY;
	bad.entries[0][0].serial.n--;
	answer_seal(&b, &bad);
	answer_put(&b, &bad, NULL);
	refuses(&b, "CERT-SERIAL", "");
	is_untouched(&b, one);
	a.manifest.bundle_id[0] ^= 1;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	receives(&b, 1, 0);
	assert_int_equal(held_now(&b, "dns:a.example.org"), 1);
	assert_int_equal(state_of(&b, one), BUNDLE_OPEN);
}

/* ---- what it answers ----------------------------------------------------- */

static void
only_an_open_bundle_of_ours_is_answered(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(ca_answer) late = { 0 };
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	answer_make(&b, two, &best, &a);
	a.manifest.bundle_digest[0] ^= 1; /* other bytes than were sent */
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "MANIFEST-BUNDLE", "");
	is_untouched(&b, two);
	a.manifest.bundle_digest[0] ^= 1;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	answer_went_out(&b, &a);
	receives(&b, 1, 0);
	/* the one before it is void by now, and this one answered */
	assert_int_equal(state_of(&b, one), BUNDLE_VOID);
	answer_make(&b, one, &best, &late);
	answer_seal(&b, &late);
	answer_put(&b, &late, NULL);
	refuses(&b, "MANIFEST-BUNDLE", "");
	late.manifest.bundle_id[0] = a.manifest.bundle_id[0];
	memcpy(late.manifest.bundle_id, a.manifest.bundle_id, BUNDLE_ID_LEN);
	memcpy(
	    late.manifest.bundle_digest, a.manifest.bundle_digest, SHA256_LEN);
	answer_seal(&b, &late);
	answer_put(&b, &late, NULL);
	refuses(&b, "MANIFEST-BUNDLE", "");
	assert_int_equal(certificates(&b), 1);
}

static void
a_serial_is_good_for_one_certificate_only(void **state)
{
	uint8_t serial[16] = { 0x41, 0x42 };
	const struct answer_how same = { .serial = span_of(serial, 16) };
	WIPED(online_bed) b = { 0 };
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	online_answer(&b, one, &same);
	receives(&b, 1, 0);
	two = online_send_one(&b, "dns:b.example.org", 2);
	online_answer(&b, two, &same);
	refuses(&b, "CERT-SERIAL", "has a serial that was used before");
	assert_int_equal(certificates(&b), 1);
	assert_int_equal(state_of(&b, two), BUNDLE_OPEN);
	assert_int_equal(b.store.channel.head.sequence, 1);
}

static void
spoil_dates(X509 *cert)
{
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 0));
}

/* The first certificates are right, and stored by then. */
static void
nothing_stays_of_a_response_that_is_bad_at_its_end(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org", .key = "ec-p256", .count = 3 },
		{ .names = "dns:b.example.org", .key = "ec-p256" },
	};
	static const struct answer_how spoilt = { .spoil = spoil_dates };
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) good = { 0 };
	WIPED(ca_answer) bad = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send(&b, asks, 2);
	answer_make(&b, sent, &best, &good);
	answer_make(&b, sent, &spoilt, &bad);
	/* the second request's certificate is of the bad answer */
	buf_reset(&good.files[1]);
	check_ok(buf_add_span(&good.files[1], buf_span(&bad.files[1])));
	answer_seal(&b, &good);
	answer_put(&b, &good, NULL);
	refuses(&b, "CERT-DIGEST", "0002.pem has a certificate that the");
	is_untouched(&b, sent);
	answer_seal(&b, &bad);
	answer_put(&b, &bad, NULL);
	refuses(&b, "CERT-DATES", "");
	is_untouched(&b, sent);
	/* and the right one is taken by the same run */
	online_answer(&b, sent, NULL);
	receives(&b, 1, 0);
	assert_int_equal(certificates(&b), 4);
}

/* What history could not give back a CA that lost it. Listed before what comes
 * out, it stands in that one's place; behind all of it, it is one too many. */
static void
a_listed_file_that_nothing_names_is_refused(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, sent, &best, &a);
	check_ok(buf_add_str(answer_file(&a, "notes.txt"), "x"));
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "MANIFEST-FILES",
	    "3 files are listed, and 2 come out of what the response says");
	is_untouched(&b, sent);
}

/* ---- the stick ----------------------------------------------------------- */

static void
an_unlisted_file_or_a_link_is_refused(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	char dir[256];
	const char *file;
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, sent, &best, &a);
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	(void)snprintf(dir, sizeof(dir), "%s", online_path(b.stick, a.dir));
	file = online_path(dir, "extra.pem");
	check_ok(file_create(AT_FDCWD, file, span_str("x"), 0644));
	refuses(&b, "MANIFEST-FILES", "extra.pem is not listed");
	assert_int_equal(unlink(file), 0);
	/* a file replaced by a link to the very same bytes */
	file = online_path(dir, "0001.pem");
	assert_int_equal(rename(file, online_path(b.stick, "moved")), 0);
	assert_int_equal(symlink("../../../moved", file), 0);
	refuses(&b, "MEDIA-FILE", "0001.pem");
	assert_int_equal(unlink(file), 0);
	refuses(&b, "MANIFEST-FILES", "0001.pem is missing");
	is_untouched(&b, sent);
	assert_int_equal(rename(online_path(b.stick, "moved"), file), 0);
	receives(&b, 1, 0);
}

static void
says(struct online_bed *b, const char *words)
{
	struct reception all;

	assert_int_equal(receive_all(b, &all), RC_IO);
	assert_int_equal(rule_spoken(), RULE_NONE);
	if (strstr(err_text(), words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err_text(), words);
	assert_int_equal(all.found, 0);
}

/* What is meant for others is passed over, whatever is in it. */
static void
only_what_has_our_name_is_looked_at(void **state)
{
	static const char *const others[] = { "0123abcd-4567cdef-000001",
		"%s-4567cdef-000001", "%s-%s-00001", "%s-%s-00000a",
		"%s-%s-000001.bad-1", "%s-%s" };
	WIPED(online_bed) b = { 0 };
	char ca[9], requester[9];

	(void)state;
	online_make(&b);
	hex_write(span_of(b.store.trust.ca_id, 4), ca);
	hex_write(span_of(b.store.channel.requester, 4), requester);
	says(&b, "and 0 for others: has the CA signed on this stick?");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char dir[128], name[64];
		int n = i == 0	 ? snprintf(name, sizeof(name), "%s", others[0])
			: i == 1 ? snprintf(name, sizeof(name),
				       "%s-4567cdef-000001", ca)
				 : snprintf(name, sizeof(name), "%s-%s%s", ca,
				       requester, others[i] + 5);

		assert_true(n > 0);
		(void)snprintf(dir, sizeof(dir), "%s/" MEDIA_RESPONSES "/%s",
		    b.stick, name);
		check_ok(dir_make(dir, 0755));
	}
	says(&b, "and 6 for others: has the CA signed on this stick?");
}

static void
one_to_loose_csrs_is_pointed_at(void **state)
{
	WIPED(online_bed) b = { 0 };
	char dir[128], ca[9];

	(void)state;
	online_make(&b);
	hex_write(span_of(b.store.trust.ca_id, 4), ca);
	(void)snprintf(dir, sizeof(dir),
	    "%s/" MEDIA_RESPONSES "/%s-loose-000001", b.stick, ca);
	check_ok(dir_make(dir, 0755));
	says(&b, "and 1 for others; one to loose CSRs is taken with --csr");
}

/* The first eight digits may be shared: the manifest's own ids decide. */
static void
a_response_for_another_is_refused_whatever_it_is_called(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 1);
	answer_make(&b, sent, &best, &a);
	a.manifest.requester[31] ^= 1;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "CHANNEL", "a response for another requester");
	a.manifest.requester[31] ^= 1;
	a.manifest.ca_id[31] ^= 1;
	answer_seal(&b, &a);
	answer_put(&b, &a, NULL);
	refuses(&b, "CHANNEL", "a response of another CA");
	is_untouched(&b, sent);
}

/* ---- without storing ----------------------------------------------------- */

static void
a_look_changes_nothing_and_sees_all(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct told t = { .bed = &b };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	online_answer(&b, one, NULL);
	online_answer(&b, two, NULL);
	check_ok(online_take(&b, false, note, &t, &all));
	assert_int_equal(all.found, 2); /* the second continues the first */
	assert_int_equal(all.n_certs, 2);
	is_untouched(&b, one);
	is_untouched(&b, two);
	/* nor what is in memory: the same run can take them now */
	assert_false(b.store.channel.has_head);
	receives(&b, 2, 0);
}

static void
a_look_at_a_bad_one_changes_nothing(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	online_answer(&b, one, NULL);
	b.sequence = 5;
	online_answer(&b, two, NULL);
	check_rule(online_take(&b, false, NULL, NULL, &all), "GAP",
	    "number 6, but number 2");
	assert_int_equal(all.found, 1);
	is_untouched(&b, one);
	is_untouched(&b, two);
	assert_false(b.store.channel.has_head);
	/* nothing is left open either */
	check_ok(store_begin(&b.store));
	store_rollback(&b.store);
}

static void
who_is_told_can_stop_it(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct told t = { .bed = &b, .rc = RC_IO };
	struct reception all;
	uint32_t one, two;

	(void)state;
	online_make(&b);
	one = online_send_one(&b, "dns:a.example.org", 1);
	two = online_send_one(&b, "dns:b.example.org", 1);
	online_answer(&b, one, NULL);
	online_answer(&b, two, NULL);
	assert_int_equal(online_take(&b, true, note, &t, &all), RC_IO);
	assert_int_equal(t.n, 1);
	assert_int_equal(certificates(&b), 1); /* the first is stored by then */
	assert_int_equal(state_of(&b, two), BUNDLE_OPEN);
}

/* ---- when something fails ------------------------------------------------ */

static enum rc
receive_again(void *arg)
{
	struct online_bed *b = arg;
	struct reception all;

	return receive_all(b, &all);
}

/* All of it or nothing: never a certificate without its manifest. */
static void
is_all_or_nothing(struct online_bed *b)
{
	const uint32_t sent =
	    (uint32_t)online_count(b, "SELECT max(sequence) FROM bundle");

	if (online_count(b, "SELECT count(*) FROM manifest") == 0) {
		is_untouched(b, sent);
		return;
	}
	assert_int_equal(certificates(b), 2);
	assert_int_equal(state_of(b, sent), BUNDLE_ANSWERED);
}

static void
is_whole_and_free(void *arg)
{
	struct online_bed *b = arg;

	is_all_or_nothing(b);
	check_ok(store_reload(&b->store));
	check_ok(store_begin(&b->store)); /* no transaction is left open */
	store_rollback(&b->store);
}

static void
whatever_fails_it_is_all_or_nothing(void **state)
{
	WIPED(online_bed) b = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 2);
	online_answer(&b, sent, NULL);
	each_fails(FAIL_DB, receive_again, is_whole_and_free, &b);
	assert_int_equal(certificates(&b), 2);
	assert_int_equal(state_of(&b, sent), BUNDLE_ANSWERED);
}

static enum rc
receive_as_a_process(void *arg)
{
	struct online_bed *b = arg;
	struct reception all;
	WIPED(child) judge = CHILD_NONE;
	WIPED(store) store = { 0 };
	const struct receiving how = { .judge = &judge, .store_them = true };
	enum rc rc = judge_start(&judge);

	if (rc == RC_OK)
		rc = online_open(b->home, true, &store);
	return rc != RC_OK ? rc : receive(&store, &b->media, &how, &all);
}

static void
is_all_or_nothing_for_the_next(void *arg)
{
	struct online_bed *b = arg;

	check_ok(online_open(b->home, true, &b->store));
	is_all_or_nothing(b);
	store_wipe(&b->store);
}

static void
an_install_that_is_killed_anywhere_left_all_or_nothing(void **state)
{
	WIPED(online_bed) b = { 0 };
	uint32_t sent;

	(void)state;
	online_make(&b);
	sent = online_send_one(&b, "dns:a.example.org", 2);
	online_answer(&b, sent, NULL);
	store_wipe(&b.store);
	each_dies(
	    FAIL_DB, receive_as_a_process, is_all_or_nothing_for_the_next, &b);
	check_ok(online_open(b.home, true, &b.store));
	assert_int_equal(certificates(&b), 2);
	receives(&b, 1, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_is_taken_once),
		cmocka_unit_test(what_was_refused_is_kept_with_its_rule),
		cmocka_unit_test(each_is_judged_under_what_the_one_before_left),
		cmocka_unit_test(a_policy_is_the_one_that_the_manifest_names),
		cmocka_unit_test(the_next_visit_is_that_of_the_newest),
		cmocka_unit_test(a_new_transfer_key_takes_over_at_once),
		cmocka_unit_test(a_gap_is_refused_and_what_was_before_it_stays),
		cmocka_unit_test(the_first_one_is_number_one),
		cmocka_unit_test(another_response_of_the_same_number_is_a_fork),
		cmocka_unit_test(an_old_number_that_nobody_took_is_a_replay),
		cmocka_unit_test(one_that_does_not_continue_ours_is_refused),
		cmocka_unit_test(only_an_open_bundle_of_ours_is_answered),
		cmocka_unit_test(a_restored_host_takes_what_it_no_longer_knows),
		cmocka_unit_test(what_was_not_asked_for_is_proven_all_the_same),
		cmocka_unit_test(a_serial_is_good_for_one_certificate_only),
		cmocka_unit_test(
		    nothing_stays_of_a_response_that_is_bad_at_its_end),
		cmocka_unit_test(a_listed_file_that_nothing_names_is_refused),
		cmocka_unit_test(an_unlisted_file_or_a_link_is_refused),
		cmocka_unit_test(only_what_has_our_name_is_looked_at),
		cmocka_unit_test(one_to_loose_csrs_is_pointed_at),
		cmocka_unit_test(
		    a_response_for_another_is_refused_whatever_it_is_called),
		cmocka_unit_test(a_look_changes_nothing_and_sees_all),
		cmocka_unit_test(a_look_at_a_bad_one_changes_nothing),
		cmocka_unit_test(who_is_told_can_stop_it),
		cmocka_unit_test(whatever_fails_it_is_all_or_nothing),
		cmocka_unit_test(
		    an_install_that_is_killed_anywhere_left_all_or_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
