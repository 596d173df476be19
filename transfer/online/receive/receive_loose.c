/* SPDX-License-Identifier: Apache-2.0 */
/* Responses to loose CSRs. They are in no channel, so there is no order and no
 * gap: which one is meant is told by the CSRs that it answers, and who has
 * already the answer to a set takes no other one. */
#include "transfer/online/receive/receive.h"

#include "base/clock.h"
#include "transfer/online/receive/response_dir.h"
#include "transfer/rule.h"

#include <assert.h>
#include <stdio.h>

#define LOOSE_PREFIX_LEN 15 /* "0123abcd-loose-" */

struct loose_round {
	struct store *store;
	const struct media *media;
	struct child *judge;
	const struct loose *set;  /* NULL: all are only proved */
	struct loose_asked asked; /* no profile: nobody here knows it */
	bool
	    answered; /* the set has an answer in the store, with this digest */
	uint8_t answer[SHA256_LEN];
	char prefix[LOOSE_PREFIX_LEN + 1];
	enum rc (*each)(void *arg, const struct received *r);
	void *arg;
	struct reception *ret;
};

/* One response directory. */
struct loose_visit {
	struct loose_round *round;
	struct response_dir dir;
	struct manifest manifest; /* signed; no more is proved of it yet */
	uint8_t digest[SHA256_LEN];
	uint32_t bundle; /* the number that its set took */
};

static void
loose_visit_wipe(struct loose_visit *v)
{
	response_dir_wipe(&v->dir);
	manifest_wipe(&v->manifest);
}

/* What was accepted once is read again, whichever transfer certificate is
 * pinned now. */
static enum rc
read_accepted(struct loose_visit *v)
{
	struct cose cose;
	enum rc rc =
	    cose_read(v->dir.path, v->dir.manifest.bytes, COSE_MANIFEST, &cose);

	return rc != RC_OK
		   ? rc
		   : manifest_read(v->dir.path, cose.payload, &v->manifest);
}

static enum rc
loose_receive_visit_open(
    struct loose_round *round, const char *name, struct loose_visit *v)
{
	enum rc rc = response_dir_open(round->media, name, &v->dir);

	v->round = round;
	if (rc == RC_OK)
		rc = sha256(v->dir.manifest.bytes, v->digest);
	if (rc != RC_OK)
		return rc;
	if (round->answered &&
	    memcmp(v->digest, round->answer, SHA256_LEN) == 0)
		return read_accepted(v);
	return judge_manifest_read(v->dir.path, &round->store->trust,
	    v->dir.manifest.bytes, &v->manifest);
}

/* ---- what the judge asks for --------------------------------------------- */

static enum rc
loose_receive_give_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct loose_visit *v = arg;

	return response_dir_file(&v->dir, i, ret_bytes);
}

static enum rc
loose_receive_give_seen(void *arg, struct span serial, bool *ret)
{
	struct loose_visit *v = arg;

	return store_serial_seen(v->round->store, serial, ret);
}

static enum rc
loose_receive_take_cert(void *arg, const struct judged *judged)
{
	struct loose_visit *v = arg;

	return store_loose_cert_add(v->round->store, v->bundle, judged);
}

/* With `taking`, certificates are new to this side and go into the store. */
static enum rc
loose_receive_judge_visit(
    struct loose_visit *v, bool taking, struct response_verdict *verdict)
{
	const struct store *store = v->round->store;
	const struct loose_terms terms = { v->round->set, v->round->asked };
	const struct evidence r = {
		.from = v->dir.path,
		.manifest = v->dir.manifest.bytes,
		.loose = &terms,
		.names = v->dir.others,
		.n_names = v->dir.n_others,
		.file = loose_receive_give_file,
		.seen = taking ? loose_receive_give_seen : NULL,
		.take = taking ? loose_receive_take_cert : NULL,
		.arg = v,
	};

	return judge_receive(
	    v->round->judge, &store->trust, &store->policy, &r, verdict);
}

static enum rc
loose_receive_tell(
    struct loose_visit *v, const struct response_verdict *verdict)
{
	const struct loose_round *round = v->round;
	const struct received r = { .path = v->dir.path,
		.sequence = v->manifest.sequence,
		.bundle = v->bundle,
		.verdict = verdict };

	round->ret->found++;
	round->ret->again += verdict->again;
	round->ret->sequence = v->manifest.sequence;
	round->ret->n_certs += verdict->n_certs;
	round->ret->n_refused += verdict->n_refused;
	return round->each == NULL ? RC_OK : round->each(round->arg, &r);
}

/* ---- proving all of them ------------------------------------------------- */

static enum rc
prove_one(struct loose_round *round, const char *name)
{
	WIPED(response_verdict) verdict = { 0 };
	WIPED(loose_visit) v = { 0 };
	enum rc rc = loose_receive_visit_open(round, name, &v);

	if (rc == RC_OK)
		rc = loose_receive_judge_visit(&v, false, &verdict);
	return rc != RC_OK ? rc : loose_receive_tell(&v, &verdict);
}

/* ---- taking one ---------------------------------------------------------- */

/* One ledger gives a number once. */
static enum rc
check_number(const struct loose_visit *v, uint32_t sequence)
{
	bool known = false;
	enum rc rc = store_loose_numbered(v->round->store, sequence, &known);

	if (rc != RC_OK || !known)
		return rc;
	return rule_refuse(RULE_FORK,
	    "%s: other CSRs have answer number %u here: two ledgers have signed for one CA",
	    v->dir.path, (unsigned)sequence);
}

static enum rc
take_new(struct loose_visit *v, struct response_verdict *verdict)
{
	struct store *store = v->round->store;
	int64_t now = 0;
	enum rc rc = clock_now(&now);

	if (rc == RC_OK)
		rc = store_loose_begin(store, v->round->set, now, &v->bundle);
	if (rc == RC_OK)
		rc = loose_receive_judge_visit(v, true, verdict);
	if (rc == RC_OK)
		rc = check_number(v, verdict->manifest.sequence);
	return rc != RC_OK ? rc
			   : store_loose_add(store, v->bundle,
				 &(struct loose_answer){
				     verdict, v->dir.manifest.bytes, now });
}

/* One set has one answer for ever. Another one is an alarm, and so must be
 * right in all else: strangers raise none. */
static enum rc
take_visit(struct loose_visit *v, struct response_verdict *verdict)
{
	struct loose_round *round = v->round;
	enum rc rc;

	if (!round->answered) {
		rc = take_new(v, verdict);
		round->answered = rc == RC_OK;
		memcpy(round->answer, v->digest, SHA256_LEN);
		return rc;
	}
	verdict->again = memcmp(round->answer, v->digest, SHA256_LEN) == 0;
	if (verdict->again)
		return RC_OK;
	rc = loose_receive_judge_visit(v, false, verdict);
	return rc != RC_OK
		   ? rc
		   : rule_refuse(RULE_FORK,
			 "%s: these CSRs were answered already, by another manifest",
			 v->dir.path);
}

/* What was taken, told when it is stored. */
struct taken {
	bool any;
	struct loose_visit visit;
	struct response_verdict verdict; /* spans into the visit's bytes */
};

static void
taken_wipe(struct taken *taken)
{
	response_verdict_wipe(&taken->verdict);
	loose_visit_wipe(&taken->visit);
}

/* How far a response is from the CSRs at hand. */
struct distance {
	size_t common, n_results;
	const struct loose_csr *lacking; /* the first without a result */
	char path[RESPONSE_PATH_MAX];
};

/* Both are sorted; a manifest that is not matches nothing, as it should. */
static void
measure(
    const struct loose_visit *v, const struct loose *set, struct distance *ret)
{
	const struct manifest *m = &v->manifest;
	struct distance d = { .n_results = m->n_results };
	size_t r = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct loose_csr *csr = &set->items[i];

		while (r < m->n_results && memcmp(m->results[r].csr_digest,
					       csr->digest, SHA256_LEN) < 0)
			r++;
		if (r < m->n_results && memcmp(m->results[r].csr_digest,
					    csr->digest, SHA256_LEN) == 0)
			d.common++;
		else if (d.lacking == NULL)
			d.lacking = csr;
	}
	(void)snprintf(d.path, sizeof(d.path), "%s", v->dir.path);
	*ret = d;
}

static enum rc
refuse_distance(const struct distance *d)
{
	if (d->common == 0)
		return rule_refuse(RULE_LOOSE_SET,
		    "%s: answers none of the CSRs given", d->path);
	if (d->lacking != NULL)
		return rule_refuse(RULE_LOOSE_SET,
		    "%s: answers %zu CSRs, and %.*s is none of them", d->path,
		    d->n_results, SPAN_FMT(d->lacking->name));
	return rule_refuse(RULE_LOOSE_SET,
	    "%s: answers %zu CSRs; %zu of those were not given", d->path,
	    d->n_results, d->n_results - d->common);
}

/* A copy of one that was taken before it says nothing new. */
static enum rc
take_match(
    struct loose_round *round, struct loose_visit *v, struct taken *taken)
{
	WIPED(response_verdict) verdict = { 0 };
	enum rc rc = take_visit(v, &verdict);

	if (rc != RC_OK || (taken->any && verdict.again))
		return rc;
	taken->any = true;
	taken->visit = *v;
	taken->visit.round = round;
	taken->verdict = verdict;
	*v = (struct loose_visit){ 0 };
	verdict = (struct response_verdict){ 0 };
	return RC_OK;
}

/* What answers these CSRs and no others is taken; if nothing does, the nearest
 * is told. What cannot even be read is told if nothing else can be. */
static enum rc
take_matching(struct loose_round *round, const struct media_names *names,
    struct taken *taken)
{
	struct distance near = { 0 };
	struct err_saved said = { 0 };
	enum rc unread = RC_OK, rc = RC_OK;

	for (size_t i = 0; i < names->n && rc == RC_OK; i++) {
		WIPED(loose_visit) v = { 0 };
		struct distance d;

		unread = loose_receive_visit_open(round, names->items[i], &v);
		if (unread != RC_OK) {
			err_save(&said);
			continue;
		}
		measure(&v, round->set, &d);
		if (d.common == round->set->n && d.n_results == d.common)
			rc = take_match(round, &v, taken);
		else if (*near.path == '\0' || d.common > near.common)
			near = d;
	}
	if (rc != RC_OK || taken->any)
		return rc;
	if (*near.path != '\0')
		return refuse_distance(&near);
	err_restore(&said);
	return unread;
}

/* ---- all of it ----------------------------------------------------------- */

static enum rc
loose_receive_list(struct loose_round *round, struct media_names *ours)
{
	char ca[9];
	size_t n = 0, all;
	enum rc rc =
	    media_list(round->media, MEDIA_RESPONSES, NULL, false, ours);

	if (rc != RC_OK)
		return rc;
	hex_write(span_of(round->store->trust.ca_id, 4), ca);
	(void)snprintf(round->prefix, sizeof(round->prefix), "%s-loose-", ca);
	all = ours->n;
	for (size_t i = 0; i < all; i++)
		if (strncmp(ours->items[i], round->prefix, LOOSE_PREFIX_LEN) ==
			0 &&
		    strspn(ours->items[i] + LOOSE_PREFIX_LEN, "0123456789") ==
			strlen(ours->items[i] + LOOSE_PREFIX_LEN))
			memmove(ours->items[n++], ours->items[i],
			    sizeof(ours->items[i]));
	ours->n = n;
	if (n == 0)
		rc = err_set(RC_IO,
		    "%s: no response to loose CSRs (" MEDIA_RESPONSES
		    "/%s*), and %zu others",
		    round->media->path, round->prefix, all);
	return rc;
}

static enum rc
loose_receive_take(
    struct loose_round *round, const struct media_names *names, bool store_them)
{
	WIPED(taken) taken = { 0 };
	enum rc rc = store_begin(round->store);

	if (rc == RC_OK)
		rc = store_loose_find(
		    round->store, round->set, &round->answered, round->answer);
	if (rc == RC_OK)
		rc = take_matching(round, names, &taken);
	if (rc == RC_OK && store_them)
		rc = store_commit(round->store);
	store_rollback(round->store);
	if (rc != RC_OK)
		return rc;
	assert(taken.any); /* `names` is not empty: one fits, or is told */
	return loose_receive_tell(&taken.visit, &taken.verdict);
}

enum rc
receive_loose(struct store *store, const struct media *media,
    const struct loose *set, const struct receiving *how, struct reception *ret)
{
	struct loose_round round = { .store = store,
		.media = media,
		.judge = how->judge,
		.set = set,
		.each = how->each,
		.arg = how->arg,
		.ret = ret };
	WIPED(media_names) names = { 0 };
	enum rc rc;

	*ret = (struct reception){ 0 };
	if (how->names != NULL)
		round.asked = (struct loose_asked){ .names = how->names->items,
			.n_names = how->names->n };
	rc = loose_receive_list(&round, &names);
	if (rc == RC_OK && set != NULL)
		return loose_receive_take(&round, &names, how->store_them);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		rc = prove_one(&round, names.items[i]);
	return rc;
}
