/* SPDX-License-Identifier: Apache-2.0 */
/* Whose bundle it is, and whether its turn has come. */
#include "tests/lib/ca_bed.h"

/* The file as somebody else might sign it, under any kid. */
static void
seal_as(struct offer *o, EVP_PKEY *key, const uint8_t kid[static SHA256_LEN])
{
	WIPED(buf) payload = { 0 };
	int fd = -1;

	scanned_wipe(&o->scanned);
	buf_reset(&o->file);
	check_ok(bundle_write(&o->bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, key, span_of(kid, SHA256_LEN),
	    buf_span(&payload), &o->file));
	check_ok(sealed_make(buf_span(&o->file), &fd));
	check_ok(sealed_map(fd, &o->scanned.copy));
	(void)snprintf(o->scanned.name, sizeof(o->scanned.name), "bundle.cose");
}

static void
bytes_changed(struct offer *o, size_t at)
{
	int fd = -1;

	o->file.p[at] ^= 1;
	sealed_wipe(&o->scanned.copy);
	check_ok(sealed_make(buf_span(&o->file), &fd));
	check_ok(sealed_map(fd, &o->scanned.copy));
}

static enum rc
admit(struct ca_bed *b, struct offer *o)
{
	submission_wipe(&o->s);
	check_ok(submission_read(&o->scanned, &o->s));
	return submission_admit(&o->s, b->v.act.ledger, b->ca.id, b->v.act.now);
}

static void
bed_offer(struct ca_bed *b, struct offer *o)
{
	ca_bed_make(b, "ec-p256", JUDGE_FAKE);
	offer_make(b, o, 1, 1);
}

/* ---- reading
 * ------------------------------------------------------------------- */

static void
a_good_bundle_is_read_within_its_bytes(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	char name[SUBMISSION_REQUEST_TEXT];
	uint8_t id[SHA256_LEN];

	(void)state;
	bed_offer(&b, &o);
	check_ok(submission_read(&o.scanned, &o.s));
	check_ok(key_id_of(b.requester, id));
	assert_memory_equal(o.s.key_id, id, SHA256_LEN);
	check_ok(sha256(buf_span(&o.file), id));
	assert_memory_equal(o.s.digest, id, SHA256_LEN);
	assert_true(
	    span_within(o.s.bundle.requests[0].csr, o.scanned.copy.bytes));
	assert_false(o.s.is_loose);
	submission_request_name(&o.s, 0, name);
	assert_string_equal(name, "request 1 (r0)");
}

static void
one_changed_bit_breaks_the_signature(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	bytes_changed(&o, o.file.n - 1); /* of the signature */
	check_rule(
	    submission_read(&o.scanned, &o.s), "COSE-SIGNATURE", "bundle.cose");
	offer_seal(&b, &o);
	/* Of the payload: the key of its only CSR. */
	bytes_changed(&o, (size_t)(o.file.n * 2 / 3));
	assert_int_equal(submission_read(&o.scanned, &o.s), RC_FORMAT);
}

static void
bytes_that_are_no_bundle_are_refused(void **state)
{
	struct scanned file = { .name = "x.cose", .copy = { .fd = -1 } };
	WIPED(submission) s = { 0 };

	(void)state;
	file.copy.bytes = span_str("no bundle at all");
	assert_int_equal(submission_read(&file, &s), RC_FORMAT);
	assert_memory_equal(err_text(), "x.cose: ", 8);
	assert_true(*rule_name(rule_spoken()) != '\0');
}

static void
the_signer_is_who_the_bundle_names(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	OWN(EVP_PKEY) *other = key_new("ec-p256");
	uint8_t kid[SHA256_LEN];

	(void)state;
	bed_offer(&b, &o);
	/* Under its own name: */
	check_ok(key_id_of(other, kid));
	seal_as(&o, other, kid);
	check_refused(submission_read(&o.scanned, &o.s), "BUNDLE-KID",
	    "bundle.cose: signed by another key than the one it carries");
	/* under the requester's: */
	check_ok(key_id_of(b.requester, kid));
	seal_as(&o, other, kid);
	check_rule(
	    submission_read(&o.scanned, &o.s), "COSE-SIGNATURE", "bundle.cose");
	/* and the requester himself. */
	seal_as(&o, b.requester, kid);
	check_ok(submission_read(&o.scanned, &o.s));
}

static void
a_requesters_key_is_as_good_as_a_subscribers(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(buf) spki = { 0 };
	OWN(EVP_PKEY) *small = key_new("rsa-1024");
	uint8_t kid[SHA256_LEN];

	(void)state;
	bed_offer(&b, &o);
	key_spki(small, &spki);
	check_ok(sha256(buf_span(&spki), kid));
	o.bundle.spki = buf_span(&spki);
	seal_as(&o, b.requester, kid);
	check_rule(submission_read(&o.scanned, &o.s), "KEY-RSA-SIZE",
	    "the requester's key: bundle.cose: ");
}

static void
a_point_off_the_curve_is_no_requesters_key(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(buf) spki = { 0 };
	uint8_t kid[SHA256_LEN];

	(void)state;
	bed_offer(&b, &o);
	key_spki(b.requester, &spki);
	spki.p[spki.n - 1] ^= 1;
	check_ok(sha256(buf_span(&spki), kid));
	o.bundle.spki = buf_span(&spki);
	seal_as(&o, b.requester, kid);
	assert_int_equal(submission_read(&o.scanned, &o.s), RC_FORMAT);
	assert_non_null(strstr(err_text(), "the requester's key"));
}

/* ---- who it is
 * ----------------------------------------------------------------- */

static void
a_bundle_for_another_ca_is_passed_over(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	o.bundle.ca_id[0] ^= 1;
	/* Whatever is wrong with it besides. */
	o.bundle.has_head = true;
	o.bundle.head.sequence = 7;
	o.bundle.created = NOW + 100 * DAY;
	offer_seal(&b, &o);
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_OTHER);
	check_ok(submission_check_head(&o.s, b.v.act.ledger, b.ca.id));
}

static void
an_unknown_requester_is_new(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_NEW);
	assert_false(o.s.known);
}

static void
a_label_belongs_to_one_key(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	bed_offer(&b, &one);
	offer_read(&b, &one);
	check_ok(offer_answer(&b, &one, &response));
	bed_requester_change(&b);
	offer_make(&b, &two, 1, 1);
	check_refused(admit(&b, &two), "LABEL-TAKEN",
	    "bundle.cose: the label \"web\" belongs to a requester with "
	    "another key");
	two.bundle.label = span_str("web2");
	offer_seal(&b, &two);
	check_ok(admit(&b, &two));
}

/* Whatever the policy gives to the label that it claims. */
static void
a_known_key_has_the_label_of_its_enrolment(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };
	struct ledger *ledger;

	(void)state;
	bed_offer(&b, &one);
	ledger = b.v.act.ledger;
	offer_read(&b, &one);
	assert_true(span_eq_str(submission_label(&one.s), "web"));
	check_ok(offer_answer(&b, &one, &response));
	offer_make(&b, &two, 1, 1);
	two.bundle.sequence = 2;
	two.bundle.label = span_str("hq");
	offer_seal(&b, &two);
	check_refused(admit(&b, &two), "LABEL-OTHER",
	    "bundle.cose: calls itself \"hq\", but its key is enrolled as "
	    "\"web\"");
	assert_true(span_eq_str(submission_label(&two.s), "web"));
	/* Removed it may say what it likes: a person compares its words. */
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_remove_add(ledger, one.s.key_id));
	check_ok(ledger_commit(ledger));
	check_ok(admit(&b, &two));
	assert_false(two.s.known);
	assert_string_equal(two.s.requester.label, "web");
	assert_true(span_eq_str(submission_label(&two.s), "hq"));
	/* An answer of that time is given again. */
	check_ok(admit(&b, &one));
	assert_int_equal(one.s.admission, ADMIT_ANSWERED);
}

/* ---- met before
 * ---------------------------------------------------------------- */

static void
an_answered_bundle_is_answered_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	bed_offer(&b, &o);
	o.bundle.has_expires = true;
	o.bundle.expires = NOW;
	offer_seal(&b, &o);
	offer_read(&b, &o);
	check_ok(offer_answer(&b, &o, &response));
	b.v.act.now = NOW + 100 * DAY; /* long after it expired */
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
	assert_true(o.s.known);
	assert_int_equal(o.s.record.answered, 1);
}

static void
an_accepted_bundle_is_taken_up_again(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	offer_read(&b, &o);
	offer_accept(&b, &o);
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_RESUME);
	assert_int_equal(o.s.record.at, NOW);
}

static void
other_content_under_the_same_id_is_a_replay(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	offer_read(&b, &o);
	offer_accept(&b, &o);
	o.bundle.created++;
	offer_seal(&b, &o);
	check_refused(admit(&b, &o), "REPLAY",
	    "bundle.cose: a bundle with this id and other content was "
	    "processed before");
}

/* Who copies an id from a shared stick takes nothing from the one who drew it.
 */
static void
an_id_is_its_requesters_own(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) thief = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	bed_offer(&b, &thief);
	memset(thief.bundle.id, 0xab, BUNDLE_ID_LEN);
	offer_seal(&b, &thief);
	offer_read(&b, &thief);
	check_ok(offer_answer(&b, &thief, &response));
	bed_requester_change(&b);
	offer_make(&b, &o, 1, 1);
	memset(o.bundle.id, 0xab, BUNDLE_ID_LEN);
	o.bundle.label = span_str("other");
	offer_seal(&b, &o);
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_NEW);
	check_ok(offer_answer(&b, &o, &response));
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_ANSWERED);
	ledger_check(b.v.act.ledger);
}

static void
a_closed_bundle_stays_closed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };
	struct ledger *ledger;

	(void)state;
	bed_offer(&b, &o);
	ledger = b.v.act.ledger;
	offer_read(&b, &o);
	offer_accept(&b, &o);
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_abandon_add(ledger, o.s.record.n));
	check_ok(ledger_commit(ledger));
	check_refused(admit(&b, &o), "BUNDLE-CLOSED",
	    "bundle.cose: was closed as lost, without an answer");
}

/* ---- its turn
 * ------------------------------------------------------------------- */

static void
a_sequence_only_rises(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	bed_offer(&b, &one);
	one.bundle.sequence = 4;
	offer_seal(&b, &one);
	offer_read(&b, &one);
	check_ok(offer_answer(&b, &one, &response));
	offer_make(&b, &two, 1, 1);
	two.bundle.sequence = 4;
	offer_seal(&b, &two);
	check_refused(admit(&b, &two), "REPLAY",
	    "bundle.cose: bundle 4 of \"web\" comes after bundle 4 was "
	    "processed");
	two.bundle.sequence = 5;
	offer_seal(&b, &two);
	check_ok(admit(&b, &two));
	assert_int_equal(two.s.admission, ADMIT_NEW);
}

static void
a_bundle_is_of_today_at_the_latest(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	o.bundle.created = NOW + DAY;
	offer_seal(&b, &o);
	check_ok(admit(&b, &o));
	o.bundle.created = NOW + DAY + 1;
	offer_seal(&b, &o);
	check_refused(admit(&b, &o), "BUNDLE-CLOCK",
	    "bundle.cose: made at 2027-01-16T08:00:01Z, more than a day after "
	    "this machine's clock (2027-01-15T08:00:00Z)");
}

/* One number of the far future would be the last. */
static void
a_number_is_of_today_or_follows_the_last(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	bed_offer(&b, &one);
	one.bundle.sequence = UINT32_MAX;
	offer_seal(&b, &one);
	check_rule(admit(&b, &one), "SEQUENCE-AHEAD",
	    "bundle 4294967295 of \"web\"; wanted at most 1800086400");
	one.bundle.sequence = NOW + DAY + 1;
	offer_seal(&b, &one);
	check_rule(admit(&b, &one), "SEQUENCE-AHEAD", "bundle 1800086401");
	one.bundle.sequence = NOW + DAY;
	offer_seal(&b, &one);
	check_ok(admit(&b, &one));
	check_ok(offer_answer(&b, &one, &response));
	/* The clock was ahead when that was answered, and is right now. */
	b.v.act.now = NOW - 100 * DAY;
	offer_make(&b, &two, 1, 1);
	offer_follows(&two, &response);
	two.bundle.created = b.v.act.now;
	two.bundle.sequence = NOW + DAY + 1000;
	offer_seal(&b, &two);
	check_ok(admit(&b, &two));
	two.bundle.sequence = NOW + DAY + 1001;
	offer_seal(&b, &two);
	check_rule(admit(&b, &two), "SEQUENCE-AHEAD",
	    "or up to 1000 after bundle 1800086400");
}

/* Who was removed is as far as he was: before the review, and by name. */
static void
a_removed_requester_does_not_begin_anew(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };
	struct ledger *ledger;

	(void)state;
	bed_offer(&b, &one);
	ledger = b.v.act.ledger;
	one.bundle.sequence = 7;
	offer_seal(&b, &one);
	offer_read(&b, &one);
	check_ok(offer_answer(&b, &one, &response));
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_remove_add(ledger, one.s.key_id));
	check_ok(ledger_commit(ledger));
	offer_make(&b, &two, 1, 1);
	two.bundle.sequence = 7;
	offer_seal(&b, &two);
	check_refused(admit(&b, &two), "REPLAY",
	    "bundle.cose: bundle 7 of \"web\" comes after bundle 7 was "
	    "processed");
	two.bundle.sequence = 8;
	offer_seal(&b, &two);
	check_ok(admit(&b, &two));
	assert_false(two.s.known);
	check_ok(offer_answer(&b, &two, &response));
	ledger_check(ledger);
}

static void
an_expired_bundle_is_not_processed(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	bed_offer(&b, &o);
	o.bundle.has_expires = true;
	o.bundle.expires = NOW;
	offer_seal(&b, &o);
	check_ok(admit(&b, &o));
	o.bundle.expires = NOW - 1;
	offer_seal(&b, &o);
	check_refused(admit(&b, &o), "BUNDLE-EXPIRED",
	    "bundle.cose: not to be processed after 2027-01-15T07:59:59Z; the "
	    "clock says 2027-01-15T08:00:00Z");
}

static void
an_earlier_bundle_is_finished_first(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(offer) other = { 0 };

	(void)state;
	bed_offer(&b, &one);
	memset(one.bundle.id, 0xab, BUNDLE_ID_LEN);
	offer_seal(&b, &one);
	offer_read(&b, &one);
	offer_accept(&b, &one);
	offer_make(&b, &two, 1, 1);
	two.bundle.sequence = 2;
	offer_seal(&b, &two);
	check_refused(admit(&b, &two), "BUNDLE-UNFINISHED",
	    "bundle.cose: an earlier run did not finish "
	    "abababababababababababababababab.cose, bundle 1 of \"web\"; this "
	    "is bundle 2");
	/* Which is no matter to others. */
	bed_requester_change(&b);
	offer_make(&b, &other, 1, 1);
	other.bundle.label = span_str("other");
	offer_seal(&b, &other);
	check_ok(admit(&b, &other));
}

/* ---- what its requester saw
 * ------------------------------------------------------ */

/* The second bundle of one who has the first response. */
static void
second_make(struct ca_bed *b, struct offer *o)
{
	WIPED(offer) one = { 0 };
	WIPED(response) response = { 0 };

	bed_offer(b, &one);
	offer_read(b, &one);
	check_ok(offer_answer(b, &one, &response));
	offer_make(b, o, 1, 1);
	offer_follows(o, &response);
	offer_seal(b, o);
}

static void
a_head_of_our_history_is_admitted(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	second_make(&b, &o);
	check_ok(admit(&b, &o));
	assert_int_equal(o.s.admission, ADMIT_NEW);
	check_ok(submission_check_head(&o.s, b.v.act.ledger, b.ca.id));
}

static void
a_response_that_this_ledger_never_made_means_an_old_backup(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	second_make(&b, &o);
	o.bundle.head.sequence = 2;
	offer_seal(&b, &o);
	check_refused(admit(&b, &o), "HEAD-AHEAD",
	    "bundle.cose: the requester has response 2 of this CA, which this "
	    "ledger does not: it was restored from an old backup");
	check_rule(submission_check_head(&o.s, b.v.act.ledger, b.ca.id),
	    "HEAD-AHEAD", "response 2");
}

static void
another_response_under_one_number_is_a_fork(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	second_make(&b, &o);
	o.bundle.head.digest[0] ^= 1;
	offer_seal(&b, &o);
	check_refused(admit(&b, &o), "FORK",
	    "bundle.cose: the requester has another response 1 than this "
	    "ledger: two ledgers have signed for one CA");
}

static void
records_that_are_not_there_mean_a_rollback(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	second_make(&b, &o);
	o.bundle.head.ledger.hash[31] ^= 1;
	offer_seal(&b, &o);
	check_rule(admit(&b, &o), "ROLLBACK",
	    "records that it does not have: it was rolled back");
	/* Nor is another number of records this history's. */
	o.bundle.head.ledger.hash[31] ^= 1;
	o.bundle.head.ledger.count++;
	offer_seal(&b, &o);
	check_rule(admit(&b, &o), "ROLLBACK", "it was rolled back");
}

/* A head before the id: on a ledger that lost a response its bundle looks new.
 */
static void
a_rolled_back_ledger_is_found_before_a_replay(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) o = { 0 };

	(void)state;
	second_make(&b, &o);
	offer_read(&b, &o);
	offer_accept(&b, &o); /* it would be taken up again */
	o.bundle.head.sequence = 2;
	offer_seal(&b, &o);
	check_rule(admit(&b, &o), "HEAD-AHEAD", "old backup");
}

/* The records below an imported manifest are gone: what it says of them itself
 * is what a head is held against. */
static void
an_imported_head_is_what_its_manifest_says(void **state)
{
	WIPED(ca_bed) b = { 0 };
	WIPED(offer) one = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };
	struct ledger_import import = { .sequence = 1, .has_bundle = true };
	uint8_t backup[SHA256_LEN] = { 1 };
	char path[128];

	(void)state;
	bed_offer(&b, &one);
	bed_file(&b, "copy.db", path);
	check_ok(ledger_begin(b.v.act.ledger));
	check_ok(ledger_stamp(b.v.act.ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_enrol_add(
	    b.v.act.ledger, span_str("web"), buf_span(&b.requester_spki)));
	check_ok(ledger_commit(b.v.act.ledger));
	check_ok(ledger_copy(b.v.act.ledger, path));
	offer_read(&b, &one);
	check_ok(offer_answer(&b, &one, &response));
	offer_make(&b, &two, 1, 1);
	offer_follows(&two, &response);
	offer_seal(&b, &two);

	ledger_free(b.v.act.ledger);
	b.v.act.ledger = NULL;
	check_ok(ledger_open(path, true, &b.v.act.ledger));
	check_rule(admit(&b, &two), "HEAD-AHEAD", "response 1");
	import.bundle_sequence = 1;
	import.count = response.manifest.ledger.count;
	import.file = buf_span(&response.record.file);
	memcpy(import.channel, one.s.key_id, SHA256_LEN);
	memcpy(import.bundle_id, one.bundle.id, BUNDLE_ID_LEN);
	memcpy(import.bundle_digest, one.s.digest, SHA256_LEN);
	check_ok(ledger_begin(b.v.act.ledger));
	check_ok(ledger_stamp(b.v.act.ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_restored_add(b.v.act.ledger, backup));
	check_ok(ledger_import_add(b.v.act.ledger, &import));
	check_ok(ledger_commit(b.v.act.ledger));
	check_ok(admit(&b, &two));
	two.bundle.head.ledger.count--;
	offer_seal(&b, &two);
	check_rule(admit(&b, &two), "ROLLBACK", "it was rolled back");
	two.bundle.head.ledger.count++;
	two.bundle.head.ledger.hash[0] ^= 1;
	offer_seal(&b, &two);
	check_rule(admit(&b, &two), "ROLLBACK", "it was rolled back");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_bundle_is_read_within_its_bytes),
		cmocka_unit_test(one_changed_bit_breaks_the_signature),
		cmocka_unit_test(bytes_that_are_no_bundle_are_refused),
		cmocka_unit_test(the_signer_is_who_the_bundle_names),
		cmocka_unit_test(a_requesters_key_is_as_good_as_a_subscribers),
		cmocka_unit_test(a_point_off_the_curve_is_no_requesters_key),
		cmocka_unit_test(a_bundle_for_another_ca_is_passed_over),
		cmocka_unit_test(an_unknown_requester_is_new),
		cmocka_unit_test(a_label_belongs_to_one_key),
		cmocka_unit_test(a_known_key_has_the_label_of_its_enrolment),
		cmocka_unit_test(an_answered_bundle_is_answered_again),
		cmocka_unit_test(an_accepted_bundle_is_taken_up_again),
		cmocka_unit_test(other_content_under_the_same_id_is_a_replay),
		cmocka_unit_test(an_id_is_its_requesters_own),
		cmocka_unit_test(a_closed_bundle_stays_closed),
		cmocka_unit_test(a_sequence_only_rises),
		cmocka_unit_test(a_bundle_is_of_today_at_the_latest),
		cmocka_unit_test(a_number_is_of_today_or_follows_the_last),
		cmocka_unit_test(a_removed_requester_does_not_begin_anew),
		cmocka_unit_test(an_expired_bundle_is_not_processed),
		cmocka_unit_test(an_earlier_bundle_is_finished_first),
		cmocka_unit_test(a_head_of_our_history_is_admitted),
		cmocka_unit_test(
		    a_response_that_this_ledger_never_made_means_an_old_backup),
		cmocka_unit_test(another_response_under_one_number_is_a_fork),
		cmocka_unit_test(records_that_are_not_there_mean_a_rollback),
		cmocka_unit_test(a_rolled_back_ledger_is_found_before_a_replay),
		cmocka_unit_test(an_imported_head_is_what_its_manifest_says),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
