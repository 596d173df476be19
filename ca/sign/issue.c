/* SPDX-License-Identifier: Apache-2.0 */
/* From decisions to certificates in the ledger, in an order that makes any
 * moment a safe one to lose power in:
 *
 *	a serial is drawn and the TBS built		(memory)
 *	the intent of a batch is committed		(disk)
 *	the token signs
 *	the judge verifies the very bytes
 *	the result is committed				(disk)
 *
 * Nothing is signed whose intent is not on the disk, so no serial ever has two
 * TBS; nothing leaves before its result is there, for responses are made from
 * the ledger and never from what is in memory here. What lies between the two
 * commits at a crash is void, and is made anew under other serials.
 *
 * One thread does it: token and judge are processes, and have work of their own
 * while this one builds or waits for the disk. */
#include "ca/sign/issue.h"
#include "base/clock.h"
#include "base/list.h"
#include "ca/sign/batch.h"
#include "transfer/judge/judge.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

/* What is judged is committed after this, should the token have become slower
 * than its batch was meant for. */
#define RESULTS_NS (1000 * MS)

/* Certificates on their way: at most a batch that is only built, one whose
 * intents are committed, and one whose results are not. */
#define JOBS_MAX 2048
_Static_assert(
    JOBS_MAX >= 3 * BATCH_MAX + TOKEN_WINDOW + JUDGE_WINDOW, "room for all");

/* One certificate on its way. */
struct job {
	struct intent intent;
	struct buf tbs, der;
};

struct issue_run {
	const struct issue *issue;
	const struct submission *s;
	const struct progress *done;
	struct decisions *decisions;
	struct profile_maker {
		const struct profile *profile;
		struct tbs_maker *maker;
	} * makers; /* owned; one per profile met */
	size_t n_makers;
	uint32_t request, slot; /* the next certificate to be looked at */
	struct job *jobs;	/* owned; JOBS_MAX, used in a circle */
	/* How many have come so far, each at most the one before: */
	uint64_t built;	   /* have a TBS */
	uint64_t intended; /* their intents are committed */
	uint64_t sent;	   /* their digests are with the token */
	uint64_t taken;	   /* are signed, and with the judge */
	uint64_t judged;   /* have its verdict */
	uint64_t recorded; /* their results are committed */
	int64_t committed; /* when, in clock_monotonic_ns */
	struct batch batch;
	bool deaf; /* judge or ledger failed: no verdict is of use any more */
};

/* The counters of a run only grow; those that are in use at one time are fewer
 * than JOBS_MAX apart, so no two of them share a place. */
static struct job *
job_at(const struct issue_run *run, uint64_t i)
{
	return &run->jobs[i % JOBS_MAX];
}

static void
issue_run_wipe(struct issue_run *run)
{
	for (size_t i = 0; i < run->n_makers; i++)
		tbs_maker_free(run->makers[i].maker);
	free(run->makers);
	for (size_t i = 0; run->jobs != NULL && i < JOBS_MAX; i++) {
		buf_wipe(&run->jobs[i].tbs);
		buf_wipe(&run->jobs[i].der);
	}
	free(run->jobs);
}

/* By address: every grant of a run points into the one policy it is under. */
static enum rc
maker_for(struct issue_run *run, const struct profile *profile,
    struct tbs_maker **ret_maker)
{
	enum rc rc;

	for (size_t i = 0; i < run->n_makers; i++)
		if (run->makers[i].profile == profile) {
			*ret_maker = run->makers[i].maker;
			return RC_OK;
		}
	rc = LIST_GROW(run->makers, run->n_makers);
	if (rc == RC_OK)
		rc = tbs_maker_new(run->issue->ca_cert, profile, ret_maker);
	if (rc != RC_OK)
		return rc;
	run->makers[run->n_makers++] =
	    (struct profile_maker){ profile, *ret_maker };
	return RC_OK;
}

/* Move on to the next certificate that is granted and not there yet. */
static bool
next_wanted(struct issue_run *run)
{
	for (; run->request < run->decisions->n;
	     run->request++, run->slot = 0) {
		const struct request_progress *o =
		    &run->done->items[run->request];

		if (run->decisions->items[run->request].rule != RULE_NONE)
			continue;
		for (; run->slot < o->n_slots; run->slot++)
			if (!o->slots[run->slot].done)
				return true;
	}
	return false;
}

/* The serial is fresh even where an earlier run had begun the same certificate:
 * that one may have been signed under its serial before the power went. */
static enum rc
build_job(struct issue_run *run, struct job *job)
{
	const struct decision *d = &run->decisions->items[run->request];
	const struct cert_request *request =
	    &run->s->bundle.requests[run->request];
	struct intent *intent = &job->intent;
	struct leaf leaf = { .serial = intent->serial,
		.spki = d->spki,
		.names = d->grant.names,
		.n_names = d->grant.n_names,
		.csr_subject = d->grant.csr_subject };
	struct tbs_maker *maker;
	enum rc rc = maker_for(run, d->grant.profile, &maker);

	if (rc == RC_OK)
		rc = ca_serial_draw(intent->serial);
	if (rc != RC_OK)
		return rc;
	validity_slot(&request->validity, d->grant.not_before, run->slot,
	    &leaf.not_before, &leaf.not_after);
	intent->request = run->request;
	intent->slot = run->slot;
	intent->not_before = leaf.not_before;
	intent->not_after = leaf.not_after;
	memcpy(intent->key_id, d->key_id, SHA256_LEN);
	(void)snprintf(intent->request_id, sizeof(intent->request_id), "%.*s",
	    SPAN_FMT(request->id));
	(void)snprintf(intent->profile, sizeof(intent->profile), "%s",
	    d->grant.profile->name);
	buf_reset(&job->der);
	rc = tbs_make(maker, &leaf, &job->tbs);
	return rc != RC_OK ? rc : sha256(buf_span(&job->tbs), intent->tbs);
}

/* Build the TBS of one more certificate, if one is wanted and there is room. */
static enum rc
build_next(struct issue_run *run, bool *ret_built)
{
	struct job *job = job_at(run, run->built);
	enum rc rc;

	*ret_built = false;
	if (run->built - run->intended >= run->batch.most || !next_wanted(run))
		return RC_OK;
	rc = build_job(run, job);
	if (rc != RC_OK)
		return err_in(rc, "request %u", run->request + 1);
	job->intent.bundle = run->s->record.n;
	run->built++;
	run->slot++;
	*ret_built = true;
	return RC_OK;
}

/* The request of a certificate that the judge refused is refused with it. The
 * certificates of its series that are signed already stay void. */
static enum rc
record_job(struct issue_run *run, struct job *job)
{
	const struct decision *d = &run->decisions->items[job->intent.request];
	struct ledger *ledger = run->issue->ledger;

	if (d->rule != RULE_NONE)
		return ledger_void_add(
		    ledger, &job->intent, rule_name(d->rule));
	return ledger_result_add(ledger, &job->intent, buf_span(&job->der));
}

static enum rc
issue_begin(const struct issue *issue)
{
	enum rc rc = ledger_begin(issue->ledger);

	return rc != RC_OK
		   ? rc
		   : ledger_stamp(issue->ledger, issue->now, issue->policy);
}

/* One commit: the results of what was judged, and the intents of what is built,
 * up to `intended`. The token and the judge have work meanwhile. */
static enum rc
commit(struct issue_run *run, uint64_t intended)
{
	struct ledger *ledger = run->issue->ledger;
	enum rc rc = issue_begin(run->issue);

	token_sign_flush(run->issue->keys->token);
	run->committed = clock_monotonic_ns();
	for (uint64_t i = run->recorded; i < run->judged && rc == RC_OK; i++)
		rc = record_job(run, job_at(run, i));
	for (uint64_t i = run->intended; i < intended && rc == RC_OK; i++)
		rc = ledger_intent_add(ledger, &job_at(run, i)->intent);
	if (rc == RC_OK)
		rc = ledger_commit(ledger);
	else
		ledger_rollback(ledger);
	run->deaf = rc != RC_OK;
	/* On failure too: what an fsync has failed for is not written a second
	 * time. Those certificates are void, and the next run makes others. */
	run->recorded = run->judged;
	if (rc == RC_OK)
		run->intended = intended;
	return rc;
}

/* The token process gets a digest: it has nothing to parse, and what it signs
 * is settled by the intent. */
static enum rc
ask_token(struct issue_run *run, const struct job *job)
{
	const struct keys *keys = run->issue->keys;
	struct span digest = span_of(job->intent.tbs, SHA256_LEN);
	unsigned char other[EVP_MAX_MD_SIZE];
	unsigned n;

	/* The very digest that the ledger has, but for a P-384 key. */
	if (keys->alg.hash_len != SHA256_LEN) {
		if (EVP_Digest(job->tbs.p, job->tbs.n, other, &n, keys->alg.md,
			NULL) != 1)
			return err_openssl(RC_BUG, "no digest of a TBS");
		digest = span_of(other, n);
	}
	return token_sign_send(keys->token, keys->ca, keys->alg.scheme, digest);
}

/* What the judge is to hold a certificate against. */
static enum rc
ask_judge(struct issue_run *run, const struct job *job)
{
	const struct intent *intent = &job->intent;
	const struct decision *d = &run->decisions->items[intent->request];
	char from[32 + REQUEST_ID_MAX];
	const struct expected expected = { .from = from,
		.spki = d->spki,
		.profile = span_str(d->grant.profile->name),
		.names = d->grant.names,
		.n_names = d->grant.n_names,
		.csr_subject = d->grant.csr_subject,
		.serial = span_of(intent->serial, sizeof(intent->serial)),
		.not_before = intent->not_before,
		.not_after = intent->not_after };

	(void)snprintf(from, sizeof(from), "request %u (%.*s)",
	    intent->request + 1,
	    SPAN_FMT(run->s->bundle.requests[intent->request].id));
	return judge_send(run->issue->judge, buf_span(&job->der), &expected);
}

static enum rc
take_signature(struct issue_run *run, struct job *job)
{
	const struct issue *issue = run->issue;
	WIPED(buf) raw = { 0 };
	enum rc rc =
	    token_sign_recv(issue->keys->token, issue->sign_seconds, &raw);

	if (rc == RC_OK)
		rc = cert_assemble(&issue->keys->alg, buf_span(&job->tbs),
		    buf_span(&raw), &job->der);
	if (rc != RC_OK)
		return rc;
	rc = ask_judge(run, job);
	run->deaf = rc != RC_OK;
	return rc;
}

/* A token that signs wrongly is no fault of the request: to refuse it for good
 * would be wrong. The intent is void then, and the next run tries again. */
static enum rc
blame_token(void)
{
	struct err_saved why;

	err_save(&why);
	return err_set(RC_TOKEN,
	    "CA key: the token gave a signature that does not verify: %.900s",
	    why.text);
}

/* An error without a rule says nothing of the certificate: the judge died, or
 * we did not understand it. That ends the run and refuses nobody. */
static enum rc
take_refusal(struct issue_run *run, const struct job *job, enum rc rc)
{
	if (rule_spoken() == RULE_NONE)
		return child_explain(run->issue->judge, rc);
	if (rule_spoken() == RULE_CERT_SIGNATURE)
		return blame_token();
	return decision_refuse(&run->decisions->items[job->intent.request]);
}

static enum rc
issue_take_verdict(struct issue_run *run, const struct job *job)
{
	enum rc rc = judge_recv(run->issue->judge);

	if (rc != RC_OK)
		rc = take_refusal(run, job, rc);
	run->deaf = rc != RC_OK;
	if (rc != RC_OK)
		return rc;
	run->judged++;
	if (run->issue->progress != NULL)
		run->issue->progress(run->issue->arg, run->judged);
	return RC_OK;
}

/* While the token still has a window's worth to sign, so that it need not wait
 * for the disk. With a small batch, when half of it is left. What is built by
 * then may be a part of a batch: the rest comes first, for a commit costs the
 * disk as much for one certificate as for hundreds. */
static bool
commit_is_due(const struct issue_run *run)
{
	uint64_t ahead = run->intended - run->taken;

	if (run->built == run->intended)
		return run->judged == run->built && run->recorded < run->built;
	return ahead <= TOKEN_WINDOW && ahead <= run->batch.most / 2;
}

static enum rc
commit_batch(struct issue_run *run)
{
	bool built = true;
	enum rc rc = RC_OK;

	while (rc == RC_OK && built)
		rc = build_next(run, &built);
	if (rc != RC_OK)
		return rc;
	batch_grow(&run->batch, run->taken, clock_monotonic_ns());
	return commit(run, run->built);
}

/* Without any intent: the token has enough to do. */
static bool
results_are_due(const struct issue_run *run)
{
	return run->recorded < run->judged &&
	       clock_monotonic_ns() - run->committed >= RESULTS_NS;
}

/* Take what the token or the judge has: each as far ahead of the next as the
 * windows allow, so that both processes always have work. */
static enum rc
take_next(struct issue_run *run)
{
	/* With a slow card a verdict is wanted before the next signature. */
	uint64_t half = run->batch.most / 2;
	uint64_t window = half < JUDGE_WINDOW ? half : JUDGE_WINDOW;
	enum rc rc;

	if (run->taken < run->sent && run->taken - run->judged < window) {
		rc = take_signature(run, job_at(run, run->taken));
		run->taken += rc == RC_OK;
		return rc;
	}
	return issue_take_verdict(run, job_at(run, run->judged));
}

/* Before this waits, it builds one more. */
static enum rc
issue_sign_all(struct issue_run *run)
{
	bool built;
	enum rc rc = build_next(run, &built);

	/* The token, which is slowest, is given work first; then the disk is
	 * waited for while it has that; only then do we wait for an answer. */
	while (rc == RC_OK && run->recorded < run->built) {
		if (run->sent < run->intended &&
		    run->sent - run->taken < TOKEN_WINDOW) {
			rc = ask_token(run, job_at(run, run->sent++));
			continue;
		}
		if (commit_is_due(run)) {
			rc = commit_batch(run);
			continue;
		}
		if (results_are_due(run)) {
			rc = commit(run, run->intended);
			continue;
		}
		rc = build_next(run, &built);
		if (rc == RC_OK)
			rc = take_next(run);
	}
	return rc;
}

/* After an error of token, judge or policy: what was signed is kept once it is
 * judged, and what is only built is not signed any more. A ledger that cannot
 * be written is no second sentence beside the first. */
static void
keep_signed(struct issue_run *run)
{
	struct err_saved err;

	err_save(&err);
	while (!run->deaf && run->judged < run->taken)
		if (issue_take_verdict(run, job_at(run, run->judged)) != RC_OK)
			break;
	run->built = run->intended;
	if (run->recorded < run->judged && commit(run, run->intended) != RC_OK)
		err_clear();
	err_restore(&err);
}

static bool
any_refused(const struct issue_run *run, const struct progress *before)
{
	for (size_t i = 0; i < run->decisions->n; i++)
		if (run->decisions->items[i].rule != RULE_NONE &&
		    before->items[i].rule == NULL)
			return true;
	return false;
}

/* Requests that the judge refused: the ledger has the sentence too, and nothing
 * of the same request that was signed before will leave. */
static enum rc
record_refused(struct issue_run *run, const struct progress *before)
{
	struct ledger *ledger = run->issue->ledger;
	enum rc rc;

	if (!any_refused(run, before))
		return RC_OK;
	rc = issue_begin(run->issue);
	for (size_t i = 0; i < run->decisions->n && rc == RC_OK; i++) {
		const struct decision *d = &run->decisions->items[i];

		if (d->rule != RULE_NONE && before->items[i].rule == NULL)
			rc = ledger_refusal_add(ledger, run->s->record.n,
			    (uint32_t)i, run->s->bundle.requests[i].id,
			    rule_name(d->rule), d->reason);
	}
	if (rc == RC_OK)
		rc = ledger_commit(ledger);
	else
		ledger_rollback(ledger);
	return rc;
}

enum rc
issue_run(const struct issue *issue, const struct submission *s,
    const struct progress *done, struct decisions *decisions)
{
	WIPED(issue_run)
	run = { .issue = issue, .s = s, .done = done, .decisions = decisions };
	enum rc rc;

	batch_init(&run.batch);
	run.jobs = calloc(JOBS_MAX, sizeof(*run.jobs));
	if (run.jobs == NULL)
		return err_memory();
	rc = issue_sign_all(&run);
	if (rc != RC_OK) {
		keep_signed(&run);
		return rc;
	}
	return record_refused(&run, done);
}
