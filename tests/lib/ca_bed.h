/* SPDX-License-Identifier: Apache-2.0 */
/** A home with a CA in it, its children played, and bundles for it.
 *
 * What act_open and visit_open find on a machine is given here: the clock says
 * NOW, no network is up, the token is fake_token_process.h's. The judge is the true one
 * where a test asks for it.
 */
#ifndef TESTS_LIB_CA_BED_H
#define TESTS_LIB_CA_BED_H

#include "tests/lib/fake_token_process.h"
#include "tests/lib/test_dir.h"

#include "ca/intake/intake.h"
#include "ca/ledger/ledger_record.h"
#include "ca/sign/work.h"

#include <stdlib.h>
#include <sys/stat.h>

#define OFFER_MAX 2100 /* requests of one bundle */

/* ---- the CA -------------------------------------------------------------- */

enum bed_judge { JUDGE_FAKE, JUDGE_TRUE };

struct ca_bed {
	char dir[64]; /* the home */
	struct software_ca ca;
	EVP_PKEY *requester;
	struct buf requester_spki;
	enum bed_judge judge;
	struct fake_play *play;
	struct visit v; /* one reader, keys open */
};

static inline void
ca_bed_wipe(struct ca_bed *b)
{
	visit_wipe(&b->v);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->requester);
	buf_wipe(&b->requester_spki);
	fake_token_empty();
	fake_play_free(b->play);
	if (b->dir[0] != '\0')
		test_dir_remove(b->dir);
}

static inline void
bed_file(const struct ca_bed *b, const char *name, char path[static 128])
{
	(void)snprintf(path, 128, "%s/%s", b->dir, name);
}

static inline void
bed_judge_start(struct ca_bed *b)
{
	if (b->judge == JUDGE_TRUE)
		check_ok(judge_start(&b->v.act.judge));
	else
		fake_judge_start(b->play, &b->v.act.judge);
}

static inline void
bed_children(struct ca_bed *b)
{
	b->play = fake_play_new();
	bed_file(b, HOME_LEDGER, b->play->path);
	assert_int_equal(EVP_PKEY_up_ref(b->ca.key), 1);
	assert_int_equal(EVP_PKEY_up_ref(b->ca.transfer_key), 1);
	(void)fake_token_hold(b->ca.key, "ca");
	(void)fake_token_hold(b->ca.transfer_key, "transfer");
	fake_token_start(b->play, &b->v.act.token);
	bed_judge_start(b);
	fake_reader_start(b->play, &b->v.readers[0]);
	b->v.n_readers = 1;
}

/* A day old. */
static inline void
bed_home(struct ca_bed *b)
{
	OWNS(ledger) *ledger = NULL;
	char path[128];
	OWN_FD dir = -1;

	check_ok(dir_open(AT_FDCWD, b->dir, &dir));
	check_ok(
	    file_replace(dir, HOME_POLICY, span_str(PLAIN_POLICY), 0600));
	bed_file(b, HOME_LEDGER, path);
	check_ok(ledger_create(path, &ledger));
	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW - DAY, span_str(PLAIN_POLICY)));
	check_ok(ledger_init_add(ledger, buf_span(&b->ca.der),
	    buf_span(&b->ca.transfer_der)));
	check_ok(ledger_commit(ledger));
}

static inline void
bed_open(struct ca_bed *b)
{
	struct visit *v = &b->v;
	struct act *act = &v->act;

	check_ok(home_open(b->dir, &act->home));
	check_ok(home_token_write(&act->home, FAKE_TOKEN_URI ";object=ca",
	    FAKE_TOKEN_URI ";object=transfer"));
	check_ok(home_ledger_open(&act->home, true, &act->ledger));
	check_ok(home_policy_read(&act->home, &act->policy));
	check_ok(home_token_read(&act->home, &act->conf));
	check_ok(ledger_ca_get(act->ledger, &act->ca));
	act->now = NOW;
	check_ok(trust_add_ca(&v->trust, "CA", buf_span(&act->ca.ca_cert)));
	check_ok(trust_window(
	    &v->trust, buf_span(&act->ca.transfer_cert), &v->window));
	check_ok(visit_unlock(v));
}

static inline void
ca_bed_make(struct ca_bed *b, const char *type, enum bed_judge judge)
{
	*b = (struct ca_bed){ .judge = judge, .v = VISIT_NONE };
	test_dir_make(b->dir, sizeof(b->dir));
	software_ca_make(&b->ca, type);
	b->requester = key_new("ec-p256");
	key_spki(b->requester, &b->requester_spki);
	bed_children(b);
	bed_home(b);
	bed_open(b);
}

/** Another token process and another judge, for the next run: honest ones. As in
 * a run, they start before the ledger is open, so that none of them holds it. */
static inline void
bed_again(struct ca_bed *b)
{
	struct act *act = &b->v.act;

	keys_wipe(&act->keys);
	token_free(act->token);
	child_wipe(&act->judge);
	ledger_free(act->ledger);
	act->ledger = NULL;
	b->play->token = b->play->judge = (struct fake_part){ .deed = FAKE_PLAY };
	fake_token_start(b->play, &act->token);
	bed_judge_start(b);
	check_ok(home_ledger_open(&act->home, true, &act->ledger));
	b->v.keys_open = false;
	check_ok(visit_unlock(&b->v));
}

/** Bundles are another requester's from here on. */
static inline void
bed_requester_change(struct ca_bed *b)
{
	EVP_PKEY_free(b->requester);
	b->requester = key_new("ec-p256");
	buf_reset(&b->requester_spki);
	key_spki(b->requester, &b->requester_spki);
}

/** The ledger as the next run finds it. */
static inline void
bed_reopen(struct ca_bed *b)
{
	ledger_free(b->v.act.ledger);
	check_ok(home_ledger_open(&b->v.act.home, true, &b->v.act.ledger));
}

/** The token fails at its nth signature: counted anew. */
static inline void
token_fails(struct ca_bed *b, enum fake_deed deed, unsigned nth, unsigned lie)
{
	b->play->token.deed = deed;
	b->play->token.what = WIRE_SIGN;
	b->play->token.nth = nth + b->play->token.asked[WIRE_SIGN];
	b->play->token.rc = RC_TOKEN;
	b->play->token.text = "CKR_DEVICE_ERROR";
	b->play->token.lie = lie;
}

/** The judge answers its nth order of a kind so; `rule` NULL: without one. */
static inline void
judge_fails(struct ca_bed *b, unsigned order, unsigned nth, enum rc rc,
    const char *rule)
{
	b->play->judge.deed = FAKE_REFUSE;
	b->play->judge.what = order;
	b->play->judge.nth = nth + b->play->judge.asked[order];
	b->play->judge.rc = rc;
	b->play->judge.rule = rule;
	b->play->judge.text = "not as asked";
}

/* ---- what the ledger says ------------------------------------------------ */

struct kinds_seen {
	unsigned n[RECORD_CRL_SERIES + 1];
	char story[4096]; /* the kinds in order, a letter each */
	size_t length;
};

static inline enum rc
note_kind(const struct record *record, const uint8_t hash[static SHA256_LEN],
    void *arg)
{
	static const char letters[] = "?ipErbtCRvmcTnaAkSIGUHxKLO??N";
	struct kinds_seen *seen = arg;

	(void)hash;
	seen->n[record->kind]++;
	if (seen->length + 1 < sizeof(seen->story))
		seen->story[seen->length++] = letters[record->kind];
	return RC_OK;
}

/** Count the records by kind. The story has a letter for each: b a bundle,
 * t an intent, C a certificate, R a refusal, v a void, m a manifest, x a revoked
 * certificate, K a revoked key. */
static inline void
ledger_seen(struct ledger *ledger, struct kinds_seen *ret)
{
	*ret = (struct kinds_seen){ .length = 0 };
	check_ok(ledger_records_each(ledger, 1, note_kind, ret));
}

static inline unsigned
ledger_count(struct ledger *ledger, enum record_kind kind)
{
	struct kinds_seen seen;

	ledger_seen(ledger, &seen);
	return seen.n[kind];
}

/** What the ledger says behind its first two records. */
static inline void
ledger_story_check(struct ledger *ledger, const char *wanted)
{
	struct kinds_seen seen;

	ledger_seen(ledger, &seen);
	assert_string_equal(seen.story + 2, wanted);
}

/** The whole ledger is good. */
static inline void
ledger_check(struct ledger *ledger)
{
	struct ledger_totals totals;

	check_ok(ledger_verify(ledger, NULL, 0, &totals));
}

/* ---- bundles ------------------------------------------------------------- */

/** A bundle of so many requests. Tests change `bundle` and seal it. */
struct offer {
	struct bundle bundle;
	EVP_PKEY *key; /* of all its requests */
	char (*texts)[2][40];	/* ids and names */
	struct name *names;
	struct buf *csrs, file, spki;
	struct scanned scanned;
	struct submission s; /* once it is read */
	struct decisions decisions;
	struct progress progress;
};

static inline void
offer_wipe(struct offer *o)
{
	decisions_wipe(&o->decisions);
	progress_wipe(&o->progress);
	submission_wipe(&o->s);
	scanned_wipe(&o->scanned);
	for (size_t i = 0; o->csrs != NULL && i < o->bundle.n_requests; i++)
		buf_wipe(&o->csrs[i]);
	free(o->csrs);
	free(o->names);
	free(o->texts);
	free(o->bundle.requests);
	free(o->bundle.revocations);
	buf_wipe(&o->file);
	buf_wipe(&o->spki);
	EVP_PKEY_free(o->key);
}

/** A request for `key` with these names, as OpenSSL's configuration has them;
 * NULL: none. */
static inline void
csr_make(EVP_PKEY *key, const char *san, struct buf *ret_der)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	if (san != NULL) {
		assert_true(sk_X509_EXTENSION_push(list,
				X509V3_EXT_nconf(NULL, NULL, "subjectAltName",
				    san)) > 0);
		assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	}
	assert_true(X509_REQ_sign(req, key, digest_for(key)) > 0);
	n = i2d_X509_REQ(req, &der);
	assert_true(n > 0);
	buf_reset(ret_der);
	check_ok(buf_add(ret_der, der, (size_t)n));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

/* Requests r0, r1, ... of one key, for r0.example.org and so on; each names its
 * host itself. `slots` certificates each. */
static inline void
offer_fill(struct offer *o, size_t n, uint32_t slots)
{
	struct bundle *b = &o->bundle;

	assert_true(n > 0 && n <= OFFER_MAX);
	o->key = key_new("ec-p256");
	key_spki(o->key, &o->spki);
	b->requests = calloc(n, sizeof(*b->requests));
	o->texts = calloc(n, sizeof(*o->texts));
	o->names = calloc(n, sizeof(*o->names));
	o->csrs = calloc(n, sizeof(*o->csrs));
	assert_true(b->requests != NULL && o->texts != NULL &&
	    o->names != NULL && o->csrs != NULL);
	b->n_requests = n;
	csr_make(o->key, NULL, &o->csrs[0]);
	for (size_t i = 0; i < n; i++) {
		char *id = o->texts[i][0], *name = o->texts[i][1];

		if (i > 0)
			check_ok(buf_add_span(
			    &o->csrs[i], buf_span(&o->csrs[0])));
		(void)snprintf(id, sizeof(o->texts[i][0]), "r%zu", i);
		(void)snprintf(name, sizeof(o->texts[i][1]),
		    "r%zu.example.org", i);
		o->names[i] = (struct name){ NAME_DNS, span_str(name) };
		b->requests[i] = (struct cert_request){ .id = span_str(id),
			.csr = buf_span(&o->csrs[i]),
			.profile = span_str("server"),
			.validity = { .count = slots,
			    .period = slots > 1 ? 30 * DAY : 31 * DAY,
			    .overlap = slots > 1 ? DAY : 0 },
			.names = &o->names[i],
			.n_names = 1 };
	}
}

/** Write and sign the bundle as it stands now, and read it as a submission. */
static inline void
offer_seal_by(struct ca_bed *bed, struct offer *o, EVP_PKEY *key)
{
	WIPED(buf) payload = { 0 };
	uint8_t kid[SHA256_LEN];
	int fd = -1;

	(void)bed;
	submission_wipe(&o->s);
	scanned_wipe(&o->scanned);
	buf_reset(&o->file);
	check_ok(key_id_of(key, kid));
	check_ok(bundle_write(&o->bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, key, span_of(kid, sizeof(kid)),
	    buf_span(&payload), &o->file));
	check_ok(sealed_make(buf_span(&o->file), &fd));
	check_ok(sealed_map(fd, &o->scanned.copy));
	(void)snprintf(
	    o->scanned.name, sizeof(o->scanned.name), "bundle.cose");
}

static inline void
offer_seal(struct ca_bed *bed, struct offer *o)
{
	offer_seal_by(bed, o, bed->requester);
}

/** A bundle of `n` requests that is the requester's next: read and admitted. */
static inline void
offer_make(struct ca_bed *bed, struct offer *o, size_t n, uint32_t slots)
{
	*o = (struct offer){ .scanned = { .copy = { .fd = -1 } } };
	offer_fill(o, n, slots);
	assert_int_equal(RAND_bytes(o->bundle.id, BUNDLE_ID_LEN), 1);
	memcpy(o->bundle.ca_id, bed->ca.id, SHA256_LEN);
	o->bundle.created = NOW - HOUR;
	o->bundle.sequence = 1;
	o->bundle.label = span_str("web");
	o->bundle.spki = buf_span(&bed->requester_spki);
	offer_seal(bed, o);
}

static inline void
offer_read(struct ca_bed *bed, struct offer *o)
{
	submission_wipe(&o->s);
	check_ok(submission_read(&o->scanned, &o->s));
	check_ok(submission_admit(
	    &o->s, bed->v.act.ledger, bed->ca.id, bed->v.act.now));
}

/** What a reader and the policy say of its requests. */
static inline enum rc
offer_check(struct ca_bed *bed, struct offer *o)
{
	const struct intake intake = { .readers = bed->v.readers,
		.n_readers = bed->v.n_readers,
		.policy = &bed->v.act.policy,
		.window = &bed->v.window,
		.now = bed->v.act.now };

	decisions_wipe(&o->decisions);
	return intake_check(&intake, &o->s, NULL, NULL, &o->decisions);
}

/** Put it into the ledger, as after Yes, and look what is there of it. */
static inline void
offer_accept(struct ca_bed *bed, struct offer *o)
{
	struct ledger *ledger = bed->v.act.ledger;
	struct ledger_bundle *record = &o->s.record;

	check_ok(ledger_begin(ledger));
	check_ok(ledger_stamp(ledger, NOW, buf_span(&bed->v.act.policy.text)));
	if (!o->s.known)
		check_ok(ledger_enrol_add(
		    ledger, o->s.bundle.label, o->s.bundle.spki));
	*record = (struct ledger_bundle){ .sequence = o->s.bundle.sequence };
	memcpy(record->id, o->s.bundle.id, BUNDLE_ID_LEN);
	memcpy(record->digest, o->s.digest, SHA256_LEN);
	memcpy(record->requester, o->s.key_id, SHA256_LEN);
	check_ok(ledger_bundle_add(ledger, record));
	check_ok(ledger_commit(ledger));
}

static inline void
offer_look(struct ca_bed *bed, struct offer *o)
{
	progress_wipe(&o->progress);
	check_ok(progress_read(bed->v.act.ledger, &o->s.record, &o->s.bundle,
	    &o->progress));
}

/** Make it the next bundle of who has this response: it echoes the head. */
static inline void
offer_follows(struct offer *o, const struct response *response)
{
	struct head *head = &o->bundle.head;

	o->bundle.has_head = true;
	o->bundle.sequence = response->record.sequence + 1;
	head->sequence = response->record.sequence;
	memcpy(head->digest, response->record.digest, SHA256_LEN);
	head->ledger = response->manifest.ledger;
}

/** Loose CSRs, not read yet: `first` if it is given, and one for each of these
 * names. */
static inline void
loose_offer_with(struct offer *o, const struct buf *first,
    const char *const *names, size_t n)
{
	struct loose set = { .n = n + (first != NULL) };
	WIPED(buf) bytes = { 0 };
	char file[32][32];
	int fd = -1;

	*o = (struct offer){ .scanned = { .copy = { .fd = -1 } } };
	o->key = key_new("ec-p256");
	o->csrs = calloc(set.n, sizeof(*o->csrs));
	set.items = calloc(set.n, sizeof(*set.items));
	assert_true(o->csrs != NULL && set.items != NULL);
	o->bundle.n_requests = set.n; /* for offer_wipe */
	for (size_t i = 0; i < set.n; i++) {
		if (i < n)
			csr_make(o->key, names[i], &o->csrs[i]);
		else
			check_ok(buf_add_span(&o->csrs[i], buf_span(first)));
		(void)snprintf(file[i], sizeof(file[i]), "%zu.csr", i);
		set.items[i].name = span_str(file[i]);
		set.items[i].der = buf_span(&o->csrs[i]);
		check_ok(sha256(set.items[i].der, set.items[i].digest));
	}
	check_ok(loose_write(&set, &bytes));
	free(set.items);
	check_ok(sealed_make(buf_span(&bytes), &fd));
	check_ok(sealed_map(fd, &o->scanned.copy));
	(void)snprintf(o->scanned.name, sizeof(o->scanned.name), LOOSE_NAME);
}

static inline void
loose_offer_make(struct offer *o, const char *const *names, size_t n)
{
	loose_offer_with(o, NULL, names, n);
}

static inline void
loose_offer_read(struct ca_bed *b, struct offer *o, const char *profile)
{
	const struct loose_asked asked = { .profile = span_str(profile) };

	submission_wipe(&o->s);
	check_ok(submission_read_loose(&o->scanned, &asked, &o->s));
	check_ok(submission_admit_loose(&o->s, b->v.act.ledger));
}

/** From the check to the stored response, as after Yes. */
static inline enum rc
offer_answer(struct ca_bed *bed, struct offer *o, struct response *ret)
{
	WIPED(work) work = { 0 };
	enum rc rc = work_check(&bed->v, &o->s, NULL, NULL, &work);

	response_wipe(ret);
	return rc != RC_OK ? rc
			   : work_sign(&bed->v, &work, NULL, NULL, ret);
}

#endif
