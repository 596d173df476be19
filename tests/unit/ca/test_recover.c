/* SPDX-License-Identifier: Apache-2.0 */
/* What a restored ledger lacks comes back from a requester's history, held
 * against the ledger and itself. What proves a single response is tested in
 * test_history_prove.c. */
#include "tests/lib/ca_bed.h"

#include "ca/lifecycle/recover.h"
#include "transfer/x509/tbs.h"

#define HISTORY_MAX 4

/* A CA that signed on after its backup, and the history of who has that. */
struct lost_bed {
	struct ca_bed b;
	char backup[128];
	size_t n;
	struct offer offers[HISTORY_MAX];
	struct response responses[HISTORY_MAX];
	char names[HISTORY_MAX][HISTORY_NAME_MAX];
	struct buf ders[HISTORY_MAX][4], policies[HISTORY_MAX];
	struct history_item items[HISTORY_MAX];
	struct span certs[HISTORY_MAX][4];
	struct trust trust;
	struct recovery r;
};

static void
lost_bed_wipe(struct lost_bed *l)
{
	recovery_wipe(&l->r);
	trust_wipe(&l->trust);
	for (size_t i = 0; i < HISTORY_MAX; i++) {
		offer_wipe(&l->offers[i]);
		response_wipe(&l->responses[i]);
		buf_wipe(&l->policies[i]);
		for (size_t c = 0; c < 4; c++)
			buf_wipe(&l->ders[i][c]);
	}
	ca_bed_wipe(&l->b);
}

/* What the requester keeps of a response. */
static void
keep(struct lost_bed *l, size_t i)
{
	struct response *response = &l->responses[i];
	struct history_item *item = &l->items[i];
	const struct manifest *m = &response->manifest;
	char ca[9], requester[9];
	size_t n = 0;

	hex_write(span_of(m->ca_id, 4), ca);
	hex_write(span_of(m->requester, 4), requester);
	(void)snprintf(l->names[i], sizeof(l->names[i]), "%s-%s/%06u", ca,
	    requester, (unsigned)m->sequence);
	for (size_t r = 0; r < m->n_results; r++)
		for (size_t c = 0; c < m->results[r].n_certs; c++, n++) {
			bool known;

			check_ok(ledger_cert_der(l->b.v.act.ledger,
			    m->results[r].certs[c].serial, &l->ders[i][n],
			    &known));
			l->certs[i][n] = buf_span(&l->ders[i][n]);
		}
	*item = (struct history_item){ .name = span_str(l->names[i]),
		.manifest = buf_span(&response->record.file),
		.bundle = buf_span(&l->offers[i].file),
		.certs = l->certs[i],
		.n_certs = n };
	if (i == 0) {
		check_ok(buf_add_str(&l->policies[i], PLAIN_POLICY));
		item->policy = buf_span(&l->policies[i]);
	}
}

static void
answer(struct lost_bed *l, size_t certs)
{
	struct offer *o = &l->offers[l->n];

	offer_make(&l->b, o, certs, 1);
	if (l->n > 0)
		offer_follows(o, &l->responses[l->n - 1]);
	offer_seal(&l->b, o);
	offer_read(&l->b, o);
	check_ok(offer_answer(&l->b, o, &l->responses[l->n]));
	keep(l, l->n++);
}

static void
backup(struct lost_bed *l)
{
	bed_file(&l->b, "backup.db", l->backup);
	check_ok(ledger_copy(l->b.v.act.ledger, l->backup));
}

static void
lost_begin(struct lost_bed *l)
{
	ca_bed_make(&l->b, "ec-p256", JUDGE_FAKE);
	check_ok(trust_add_ca(&l->trust, "CA", buf_span(&l->b.ca.der)));
	memcpy(l->trust.ca_id, l->b.ca.id, SHA256_LEN);
}

/* From here on the ledger is the backup, and says so. */
static void
restore(struct lost_bed *l)
{
	const uint8_t digest[SHA256_LEN] = { 1 };
	struct act *act = &l->b.v.act;

	ledger_free(act->ledger);
	act->ledger = NULL;
	check_ok(ledger_open(l->backup, true, &act->ledger));
	check_ok(ledger_begin(act->ledger));
	check_ok(ledger_stamp(act->ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_restored_add(act->ledger, digest));
	check_ok(ledger_commit(act->ledger));
}

static enum rc
plan(struct lost_bed *l, size_t first, size_t n)
{
	const struct history_set history = { l->items + first, n };

	recovery_wipe(&l->r);
	l->r.ledger = l->b.v.act.ledger;
	l->r.trust = &l->trust;
	return recovery_plan(&l->r, &history, l->b.ca.id);
}

/* The others are taken; what is left says why. */
static void
check_left(struct lost_bed *l, size_t first, size_t n, const char *rule,
    const char *words)
{
	check_ok(plan(l, first, n));
	assert_int_equal(l->r.n_left, 1);
	assert_string_equal(rule_name(l->r.left[0].rule), rule);
	assert_non_null(strstr(l->r.left[0].reason, words));
	assert_string_equal(l->r.left[0].name, l->names[first + n - 1]);
	assert_int_equal(l->r.n, n - 1);
	assert_false(recovery_is_whole(&l->r));
}

static enum rc
store(struct lost_bed *l)
{
	return recovery_store(&l->r, NOW, span_str(PLAIN_POLICY));
}

/* Two responses after the backup, of one certificate and of two. */
static void
two_lost(struct lost_bed *l)
{
	lost_begin(l);
	backup(l);
	answer(l, 1);
	answer(l, 2);
	restore(l);
}

/* ---- all is well
 * ------------------------------------------------------------------------ */

static void
a_history_gives_back_what_was_lost(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct ledger *ledger;

	(void)state;
	two_lost(&l);
	ledger = l.b.v.act.ledger;
	check_ok(plan(&l, 0, 2));
	assert_int_equal(l.r.n_new, 2);
	assert_int_equal(l.r.n_certs, 3);
	assert_int_equal(l.r.missing, 1); /* that he was enrolled */
	check_ok(store(&l));
	ledger_story_check(ledger, "SIGIGG");
	ledger_check(ledger);
	for (size_t i = 0; i < 2; i++)
		for (size_t c = 0; c < l.items[i].n_certs; c++) {
			WIPED(buf) der = { 0 };
			struct cert_parts parts;
			bool known;

			check_ok(cert_parts_read("c", l.certs[i][c], &parts));
			check_ok(ledger_cert_der(
			    ledger, parts.serial, &der, &known));
			assert_true(known);
			assert_true(span_eq(buf_span(&der), l.certs[i][c]));
		}
	/* A second time there is nothing to do. */
	check_ok(plan(&l, 0, 2));
	assert_int_equal(l.r.n_new, 0);
	check_ok(store(&l));
	ledger_story_check(ledger, "SIGIGG");
}

static void
its_requester_goes_on_where_he_was(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	two_lost(&l);
	check_ok(plan(&l, 0, 2));
	check_ok(store(&l));
	/* He is enrolled by his next bundle; its head is in this history. */
	answer(&l, 1);
	assert_int_equal(l.responses[2].manifest.sequence, 3);
	assert_true(l.responses[2].manifest.ledger.count >
		    l.responses[1].manifest.ledger.count);
	ledger_check(l.b.v.act.ledger);
}

static void
responses_come_in_any_order(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct history_item first;

	(void)state;
	two_lost(&l);
	first = l.items[0];
	l.items[0] = l.items[1];
	l.items[1] = first;
	check_ok(plan(&l, 0, 2));
	assert_int_equal(l.r.items[0].manifest.sequence, 1);
	check_ok(store(&l));
	ledger_story_check(l.b.v.act.ledger, "SIGIGG");
}

static void
what_the_backup_has_is_not_imported(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	lost_begin(&l);
	answer(&l, 1);
	backup(&l);
	answer(&l, 1);
	restore(&l);
	check_ok(plan(&l, 0, 2));
	assert_int_equal(l.r.n_new, 1);
	assert_true(l.r.items[0].held);
	check_ok(store(&l));
	ledger_story_check(l.b.v.act.ledger, "EbtCmSIG");
	ledger_check(l.b.v.act.ledger);
}

/* The backup was made between the intents and the results. */
static void
an_intent_of_the_backup_gets_its_result(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct offer *o = &l.offers[0];

	(void)state;
	lost_begin(&l);
	offer_make(&l.b, o, 2, 1);
	offer_read(&l.b, o);
	token_fails(&l.b, FAKE_REFUSE, 2, 0);
	assert_int_equal(offer_answer(&l.b, o, &l.responses[0]), RC_TOKEN);
	/* One is signed, one is not; then all of it is void or done. */
	backup(&l);
	bed_again(&l.b);
	offer_read(&l.b, o);
	check_ok(offer_answer(&l.b, o, &l.responses[0]));
	keep(&l, l.n++);
	restore(&l);
	check_ok(plan(&l, 0, 1));
	assert_int_equal(l.r.n_certs, 1); /* the other is there */
	check_ok(store(&l));
	/* The intent that was left over never gets one. */
	ledger_story_check(l.b.v.act.ledger, "EbttCSIGv");
	ledger_check(l.b.v.act.ledger);
}

static void
responses_of_another_ca_are_passed_over(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	two_lost(&l);
	memcpy(l.names[1], "00000000", 8);
	check_ok(plan(&l, 0, 2));
	assert_int_equal(l.r.n_others, 1);
	assert_int_equal(l.r.n_new, 1);
	assert_int_equal(l.r.n_left, 0);
}

/* ---- what it waits for
 * ---------------------------------------------------------------------- */

static enum rc
settle(struct lost_bed *l)
{
	enum rc rc = store(l);

	return rc != RC_OK
		   ? rc
		   : recovery_settle(&l->r, NOW, span_str(PLAIN_POLICY));
}

static void
check_waits(struct lost_bed *l)
{
	check_rule(ledger_check_caught_up(l->b.v.act.ledger), "RESTORED",
	    "nobody has brought back");
	err_clear();
}

static void
it_waits_no_longer_when_all_was_read(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	two_lost(&l);
	check_waits(&l);
	check_ok(plan(&l, 0, 2));
	assert_true(l.r.waits);
	assert_true(recovery_is_whole(&l.r));
	check_waits(&l); /* that was no more than a look */
	check_ok(settle(&l));
	check_ok(ledger_check_caught_up(l.b.v.act.ledger));
	ledger_check(l.b.v.act.ledger);
	check_ok(plan(&l, 0, 2));
	assert_false(l.r.waits);
}

/* A requester whom nobody here knows is awaited once a part of his history was
 * proven, and by every later run. */
static void
it_waits_for_what_was_left(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct awaited *awaited = NULL;
	struct span good;
	size_t n = 0;

	(void)state;
	two_lost(&l);
	good = l.certs[1][0];
	l.certs[1][0] = l.certs[0][0];
	check_left(&l, 0, 2, "CERT-DIGEST", "not the one");
	check_ok(settle(&l));
	ledger_story_check(l.b.v.act.ledger, "SIGH");
	check_waits(&l);
	check_ok(ledger_awaited(l.b.v.act.ledger, &awaited, &n));
	assert_int_equal(n, 1);
	assert_memory_equal(
	    awaited[0].channel, l.responses[0].manifest.requester, SHA256_LEN);
	assert_string_equal(awaited[0].label, "");
	free(awaited);
	/* The same again is no news. */
	check_left(&l, 0, 2, "CERT-DIGEST", "not the one");
	check_ok(settle(&l));
	ledger_story_check(l.b.v.act.ledger, "SIGH");
	l.certs[1][0] = good;
	check_ok(plan(&l, 0, 2));
	assert_true(recovery_is_whole(&l.r));
	check_ok(settle(&l));
	check_ok(ledger_check_caught_up(l.b.v.act.ledger));
	ledger_check(l.b.v.act.ledger);
}

/* Of a response that nobody proved only the place is known, and that is enough
 * to wait. */
static void
it_waits_while_a_reader_refuses(void **state)
{
	WIPED(lost_bed) l = { 0 };
	const struct history_set history = { l.items, 2 };
	char name[HISTORY_NAME_MAX];

	(void)state;
	two_lost(&l);
	l.r.ledger = l.b.v.act.ledger;
	l.r.trust = &l.trust;
	(void)snprintf(name, sizeof(name), "%.8s-ffffffff/000001", l.names[0]);
	check_ok(recovery_leave(&l.r, name,
	    rule_refuse(RULE_MANIFEST_FILES, "its manifest is missing")));
	check_ok(recovery_leave(&l.r, "00000000-ffffffff/000001",
	    rule_refuse(RULE_MANIFEST_FILES, "its manifest is missing")));
	check_ok(recovery_plan(&l.r, &history, l.b.ca.id));
	assert_int_equal(l.r.n_left, 1);
	assert_int_equal(l.r.n_others, 1);
	assert_int_equal(l.r.n_awaits, 0);
	assert_false(recovery_is_whole(&l.r));
	check_ok(settle(&l));
	check_waits(&l);
}

/* The stick of a host that was put back to a snapshot, or who leaves out the
 * end. */
static void
a_history_that_ends_before_the_ledger_is_not_whole(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	lost_begin(&l);
	answer(&l, 1);
	answer(&l, 1);
	backup(&l);
	restore(&l);
	check_ok(plan(&l, 0, 1));
	assert_int_equal(l.r.n_awaits, 1);
	assert_string_equal(l.r.awaits[0].label, "web");
	assert_false(recovery_is_whole(&l.r));
	check_ok(plan(&l, 1, 1));
	assert_true(recovery_is_whole(&l.r));
}

static void
words_end_the_waiting(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct awaited *awaited = NULL;
	size_t n = 1;

	(void)state;
	two_lost(&l);
	check_ok(recovery_give_up(l.b.v.act.ledger, NOW, span_str(PLAIN_POLICY),
	    "two responses to web"));
	check_ok(ledger_check_caught_up(l.b.v.act.ledger));
	check_ok(ledger_awaited(l.b.v.act.ledger, &awaited, &n));
	assert_int_equal(n, 0);
	ledger_check(l.b.v.act.ledger);
}

static void
what_nobody_brought_is_counted(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	lost_begin(&l);
	backup(&l);
	answer(&l, 1);
	/* Another requester, whose history is not there. */
	{
		WIPED(offer) o = { 0 };
		WIPED(response) response = { 0 };
		EVP_PKEY *web = l.b.requester;

		l.b.requester = key_new("ec-p256");
		buf_reset(&l.b.requester_spki);
		key_spki(l.b.requester, &l.b.requester_spki);
		offer_make(&l.b, &o, 1, 1);
		o.bundle.label = span_str("mail");
		offer_seal(&l.b, &o);
		offer_read(&l.b, &o);
		check_ok(offer_answer(&l.b, &o, &response));
		EVP_PKEY_free(l.b.requester);
		l.b.requester = web;
		buf_reset(&l.b.requester_spki);
		key_spki(web, &l.b.requester_spki);
	}
	answer(&l, 1);
	restore(&l);
	check_ok(plan(&l, 0, 2));
	/* Its bundle, intent, result and response, and two enrolments. */
	assert_int_equal(l.r.missing, 6);
}

/* ---- what contradicts
 * ---------------------------------------------------------------------- */

static void
a_history_with_a_hole_is_refused(void **state)
{
	WIPED(lost_bed) l = { 0 };

	(void)state;
	two_lost(&l);
	check_left(&l, 1, 1, "GAP",
	    "number 1 is the next that this ledger lacks: take the whole "
	    "history along");
}

static void
another_response_under_a_number_that_is_held_is_a_fork(void **state)
{
	WIPED(lost_bed) l = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	lost_begin(&l);
	backup(&l);
	answer(&l, 1);
	/* The backup is used without a word, and answers another bundle. */
	ledger_free(l.b.v.act.ledger);
	l.b.v.act.ledger = NULL;
	check_ok(ledger_open(l.backup, true, &l.b.v.act.ledger));
	offer_make(&l.b, &o, 1, 1);
	offer_read(&l.b, &o);
	check_ok(offer_answer(&l.b, &o, &response));
	check_rule(plan(&l, 0, 1), "FORK",
	    "this ledger has another response 1: two ledgers have signed for "
	    "one CA");
}

/* A response that the restored ledger would have, if it were of its history. */
static void
a_response_from_before_the_backup_that_is_not_there_is_a_fork(void **state)
{
	WIPED(lost_bed) l = { 0 };
	WIPED(offer) o = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	lost_begin(&l);
	backup(&l);
	answer(&l, 1);
	ledger_free(l.b.v.act.ledger);
	l.b.v.act.ledger = NULL;
	check_ok(ledger_open(l.backup, true, &l.b.v.act.ledger));
	bed_requester_change(&l.b);
	offer_make(&l.b, &o, 3, 1);
	o.bundle.label = span_str("mail");
	offer_seal(&l.b, &o);
	offer_read(&l.b, &o);
	check_ok(offer_answer(&l.b, &o, &response));
	restore(&l);
	check_rule(plan(&l, 0, 1), "FORK", ", does not have it");
}

/* The second response as a manifest of the same CA might say it. */
static void
second_says(struct lost_bed *l, const struct manifest *m, struct buf *file)
{
	WIPED(buf) payload = { 0 };

	buf_reset(file);
	check_ok(manifest_write(m, &payload));
	check_ok(cose_sign(COSE_MANIFEST, l->b.ca.transfer_key,
	    buf_span(&l->b.ca.transfer_der), buf_span(&payload), file));
	l->items[1].manifest = buf_span(file);
}

static void
a_response_continues_the_one_before(void **state)
{
	WIPED(lost_bed) l = { 0 };
	WIPED(buf) file = { 0 };
	struct manifest m;

	(void)state;
	two_lost(&l);
	m = l.responses[1].manifest; /* borrowed */
	m.previous[0] ^= 1;
	second_says(&l, &m, &file);
	check_left(&l, 0, 2, "PREVIOUS", "does not continue number 1");
	m = l.responses[1].manifest;
	second_says(&l, &m, &file);
	check_ok(plan(&l, 0, 2));
}

static void
a_response_is_made_over_more_records_than_the_one_before(void **state)
{
	WIPED(lost_bed) l = { 0 };
	WIPED(buf) file = { 0 };
	struct manifest m;

	(void)state;
	two_lost(&l);
	m = l.responses[1].manifest;
	m.ledger = l.responses[0].manifest.ledger;
	second_says(&l, &m, &file);
	check_left(&l, 0, 2, "LEDGER-COUNT",
	    "made over no more records than number 1");
	/* One number of records has one newest record. */
	m.ledger.hash[0] ^= 1;
	second_says(&l, &m, &file);
	check_rule(plan(&l, 0, 2), "FORK", "made over another record ");
}

static void
a_new_transfer_key_comes_back_too(void **state)
{
	WIPED(lost_bed) l = { 0 };
	WIPED(ledger_ca) ca = { 0 };
	OWN(EVP_PKEY) *next = key_new("ec-p256");
	OWN(X509) *cert = NULL;
	WIPED(buf) der = { 0 };
	WIPED(buf) file = { 0 };
	struct trust_change change = { .kind = TRUST_TRANSFER, .n_certs = 1 };
	struct manifest m;
	struct span told;

	(void)state;
	lost_begin(&l);
	backup(&l);
	answer(&l, 1);
	answer(&l, 1);
	cert = software_ca_transfer(&l.b.ca, next, "critical,digitalSignature",
	    "critical," EKU_TRANSFER);
	cert_der(cert, &der);
	told = buf_span(&der);
	change.certs = &told;
	m = l.responses[1].manifest;
	m.changes = &change;
	m.n_changes = 1;
	second_says(&l, &m, &file);
	restore(&l);
	check_ok(plan(&l, 0, 2));
	check_ok(store(&l));
	ledger_story_check(l.b.v.act.ledger, "SIGIGT");
	check_ok(ledger_ca_get(l.b.v.act.ledger, &ca));
	assert_true(span_eq(buf_span(&ca.transfer_cert), told));
	ledger_check(l.b.v.act.ledger);
}

static void
a_response_under_a_policy_that_is_nowhere_is_left(void **state)
{
	static const char changed[] = PLAIN_POLICY "# next\n";
	WIPED(lost_bed) l = { 0 };
	struct policy *policy = &l.b.v.act.policy;

	(void)state;
	lost_begin(&l);
	backup(&l);
	policy_wipe(policy);
	check_ok(policy_parse("policy.conf", span_str(changed), policy));
	answer(&l, 1);
	restore(&l);
	l.items[0].policy = span_str(changed);
	check_ok(plan(&l, 0, 1));
	l.items[0].policy = SPAN_NONE;
	check_left(&l, 0, 1, "POLICY-DIGEST", "neither here nor in the ledger");
	/* With its text it is imported under it, and the one before is back in
	 * force. */
	l.items[0].policy = span_str(changed);
	check_ok(plan(&l, 0, 1));
	check_ok(store(&l));
	ledger_story_check(l.b.v.act.ledger, "SpIGp");
	ledger_check(l.b.v.act.ledger);
}

static void
a_serial_of_another_certificate_is_refused(void **state)
{
	WIPED(lost_bed) l = { 0 };
	struct offer *o = &l.offers[0];
	struct intent intent = { 0 };
	struct cert_parts parts;
	struct ledger *ledger;

	(void)state;
	lost_begin(&l);
	backup(&l);
	answer(&l, 1);
	restore(&l);
	ledger = l.b.v.act.ledger;
	/* The same serial under another TBS: it can only be a lie. */
	offer_accept(&l.b, o);
	check_ok(cert_parts_read("c", l.certs[0][0], &parts));
	intent.bundle = o->s.record.n;
	memcpy(intent.serial, parts.serial.p, sizeof(intent.serial));
	intent.not_before = NOW;
	intent.not_after = NOW + DAY;
	(void)snprintf(intent.request_id, sizeof(intent.request_id), "r0");
	(void)snprintf(intent.profile, sizeof(intent.profile), "server");
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, span_str(PLAIN_POLICY)));
	check_ok(ledger_intent_add(ledger, &intent));
	check_ok(ledger_commit(ledger));
	check_left(&l, 0, 1, "REGAINED-SERIAL",
	    "belongs to another certificate in this ledger");
}

/* What the reader of the file said of its form was said by a process that may
 * be taken over: it is looked at again, once it is known to be of this CA. */
static void
a_crl_is_read_again_here(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(trust) trust = { 0 };
	WIPED(recovery) r = { 0 };
	X509_CRL *crl = X509_CRL_new();
	OWN(ASN1_TIME) *at = ASN1_TIME_set(NULL, NOW);
	uint8_t *der = NULL;
	int n;

	(void)state;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	check_ok(trust_add_ca(&trust, "CA", buf_span(&ca.der)));
	r.trust = &trust;
	assert_non_null(crl);
	assert_non_null(at);
	/* By this CA, and never good. */
	assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	assert_int_equal(
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.cert)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, at), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, at), 1);
	assert_true(X509_CRL_sign(crl, ca.key, EVP_sha256()) > 0);
	n = i2d_X509_CRL(crl, &der);
	assert_true(n > 0);
	check_rule(recovery_crl_take(&r, "f", span_of(der, (size_t)n), NOW),
	    "RECOVER-CRL", "f: a nextUpdate not behind thisUpdate");
	check_refused(
	    recovery_crl_take(&r, "f", span_of(der, (size_t)n - 1), NOW),
	    "RECOVER-CRL", "f: no CRL");
	assert_int_equal(r.n_crls, 0);
	X509_CRL_free(crl);
	OPENSSL_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_history_gives_back_what_was_lost),
		cmocka_unit_test(its_requester_goes_on_where_he_was),
		cmocka_unit_test(responses_come_in_any_order),
		cmocka_unit_test(what_the_backup_has_is_not_imported),
		cmocka_unit_test(an_intent_of_the_backup_gets_its_result),
		cmocka_unit_test(responses_of_another_ca_are_passed_over),
		cmocka_unit_test(it_waits_no_longer_when_all_was_read),
		cmocka_unit_test(it_waits_for_what_was_left),
		cmocka_unit_test(it_waits_while_a_reader_refuses),
		cmocka_unit_test(
		    a_history_that_ends_before_the_ledger_is_not_whole),
		cmocka_unit_test(words_end_the_waiting),
		cmocka_unit_test(what_nobody_brought_is_counted),
		cmocka_unit_test(a_history_with_a_hole_is_refused),
		cmocka_unit_test(
		    another_response_under_a_number_that_is_held_is_a_fork),
		cmocka_unit_test(
		    a_response_from_before_the_backup_that_is_not_there_is_a_fork),
		cmocka_unit_test(a_response_continues_the_one_before),
		cmocka_unit_test(
		    a_response_is_made_over_more_records_than_the_one_before),
		cmocka_unit_test(a_new_transfer_key_comes_back_too),
		cmocka_unit_test(
		    a_response_under_a_policy_that_is_nowhere_is_left),
		cmocka_unit_test(a_serial_of_another_certificate_is_refused),
		cmocka_unit_test(a_crl_is_read_again_here),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
