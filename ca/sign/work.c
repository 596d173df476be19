/* SPDX-License-Identifier: Apache-2.0 */
/* One bundle from its check to its stored response. Nothing is stored before
 * Yes, so that whoever declines may mend the policy and run again; from the Yes
 * on each step is a commit, and a run that dies is taken up at the next one. */
#include "ca/sign/work.h"
#include "ca/crl/crl_make.h"
#include "ca/home/ca_trust.h"
#include "ca/intake/key_reuse.h"
#include "ca/sign/issue.h"
#include "transfer/policy/policy_crl.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <malloc.h>
#include <stdlib.h>

#define WORK_SIGN_SECONDS 120 /* the slowest card at RSA-4096, with a touch */

void
work_wipe(struct work *w)
{
	decisions_wipe(&w->decisions);
	revokes_wipe(&w->revokes);
	published_wipe(&w->published);
	progress_wipe(&w->progress);
	policy_wipe(&w->resumed);
	*w = (struct work){ 0 };
}

/* A bundle that was accepted before is finished under the policy and at the
 * time of that Yes: the same decisions, and no series with two beginnings. */
static enum rc
resume(struct visit *v, struct work *w)
{
	WIPED(buf) text = { 0 };
	const struct submission *s = w->s;
	enum rc rc = ledger_policy_get(v->act.ledger, s->record.policy, &text);

	if (rc == RC_OK)
		rc = policy_parse("the policy of the unfinished run",
		    buf_span(&text), &w->resumed);
	if (rc == RC_OK)
		rc = progress_read(
		    v->act.ledger, &s->record, &s->bundle, &w->progress);
	w->policy = &w->resumed;
	w->at = s->record.at;
	return rc;
}

/* What the ledger has refused for good stays so. */
static enum rc
apply_refusals(struct work *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->progress.n && rc == RC_OK; i++) {
		const struct request_progress *o = &w->progress.items[i];

		if (o->rule == NULL || w->decisions.items[i].rule != RULE_NONE)
			continue;
		(void)err_rule(
		    RC_POLICY, rule_find(span_str(o->rule)), "%s", o->reason);
		rc = decisions_withdraw(&w->decisions, w->s, i);
	}
	return rc;
}

/* To replace is to say "the operator knows this one": only what the same
 * requester was given before may be named so. */
static enum rc
check_replaced(struct visit *v, struct work *w, size_t i)
{
	const struct cert_request *r = &w->s->bundle.requests[i];
	WIPED(ledger_cert) old = { 0 };
	char serial[2 * SERIAL_MAX + 1];
	bool known;
	enum rc rc;

	if (w->decisions.items[i].rule != RULE_NONE || r->replaces.n == 0)
		return RC_OK;
	rc = ledger_cert_get(v->act.ledger, r->replaces, &old, &known);
	if (rc != RC_OK ||
	    (known && old.der.n != 0 &&
		memcmp(old.requester, w->s->key_id, SHA256_LEN) == 0))
		return rc;
	hex_write(r->replaces, serial);
	(void)rule_refuse(RULE_REPLACE_DENIED,
	    "request %zu (%.*s): replaces %s, which no bundle of \"%.*s\" obtained",
	    i + 1, SPAN_FMT(r->id), serial, SPAN_FMT(submission_label(w->s)));
	return decisions_withdraw(&w->decisions, w->s, i);
}

static enum rc
check_all_replaced(struct visit *v, struct work *w)
{
	enum rc rc = ledger_read_begin(v->act.ledger);

	for (size_t i = 0; i < w->decisions.n && rc == RC_OK; i++)
		rc = check_replaced(v, w, i);
	ledger_read_end(v->act.ledger);
	return rc;
}

/* What a bundle says of keys holds for its own requests too. */
static enum rc
check_revocations(struct visit *v, struct work *w)
{
	const struct submission *s = w->s;
	const bool resumed = s->admission == ADMIT_RESUME;
	enum rc rc = revokes_decide_bundle(v->act.ledger, w->policy, s,
	    resumed ? s->record.n : 0, w->at, &w->revokes);

	if (rc == RC_OK)
		rc = revokes_withhold(
		    v->act.ledger, &w->revokes, s, &w->decisions);
	return rc != RC_OK ? rc
			   : published_decide(v->act.ledger, w->policy, s,
				 w->at, &w->published);
}

/* What a bundle may ask for is known before anything is asked of a person; and
 * a CA that can sign no CRL is no place for a policy that wants some. */
static enum rc
check_crl(struct visit *v, const struct work *w)
{
	WIPED(crl_issuer) issuer = { .not_after = 0 };

	if (w->s->bundle.has_crl) {
		enum rc rc =
		    policy_crl_ask_check(w->s->file->name, &w->s->bundle.crl);

		return rc != RC_OK ? rc
				   : crl_wish_check(&v->act, w->s->file->name,
					 &w->s->bundle.crl);
	}
	if (v->act.policy.crl.count == 0)
		return RC_OK;
	return crl_issuer_read(buf_span(&v->act.ca.ca_cert), &issuer);
}

enum rc
work_check(struct visit *v, struct submission *s,
    void (*progress)(void *arg, uint64_t done), void *arg, struct work *ret)
{
	WIPED(work) w = { .s = s, .policy = &v->act.policy, .at = v->act.now };
	struct intake intake = { .readers = v->readers,
		.n_readers = v->n_readers,
		.window = &v->window };
	enum rc rc = RC_OK;

	if (s->admission == ADMIT_RESUME)
		rc = resume(v, &w);
	if (rc == RC_OK && s->is_loose)
		rc = submission_set_terms(s, w.policy);
	if (rc != RC_OK)
		return rc;
	intake.policy = w.policy;
	intake.now = w.at;
	rc = intake_check(&intake, s, progress, arg, &w.decisions);
	if (rc == RC_OK)
		rc = apply_refusals(&w);
	if (rc == RC_OK)
		rc = check_all_replaced(v, &w);
	if (rc == RC_OK)
		rc = check_revocations(v, &w);
	if (rc == RC_OK)
		rc = decisions_check_keys(v->act.ledger, s, &w.decisions);
	if (rc == RC_OK)
		rc = check_crl(v, &w);
	if (rc != RC_OK)
		return rc;
	*ret = w;
	/* Grants point into the policy: it must move along. */
	if (s->admission == ADMIT_RESUME)
		ret->policy = &ret->resumed;
	w = (struct work){ 0 };
	return RC_OK;
}

/* ---- what is stored at Yes --------------------------------------------------
 */

static enum rc
record_refusals(struct visit *v, const struct work *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->decisions.n && rc == RC_OK; i++) {
		const struct decision *d = &w->decisions.items[i];

		if (d->rule != RULE_NONE)
			rc = ledger_refusal_add(v->act.ledger, w->s->record.n,
			    (uint32_t)i, w->s->bundle.requests[i].id,
			    rule_name(d->rule), d->reason);
	}
	return rc;
}

static enum rc
record_new(struct visit *v, struct work *w)
{
	struct submission *s = w->s;
	struct ledger_bundle *record = &s->record;
	enum rc rc;

	*record = (struct ledger_bundle){ .sequence = s->bundle.sequence };
	memcpy(record->id, s->bundle.id, BUNDLE_ID_LEN);
	memcpy(record->digest, s->digest, SHA256_LEN);
	memcpy(record->requester, s->key_id, SHA256_LEN);
	rc = ledger_bundle_add(v->act.ledger, record);
	return rc != RC_OK ? rc : record_refusals(v, w);
}

/* Intents that an earlier run left without a result. Whether the token signed
 * them nobody can know, so their serials stay used and their bytes never leave.
 */
static enum rc
record_voids(struct visit *v, const struct work *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->progress.n_unfinished && rc == RC_OK; i++)
		rc = ledger_void_add(v->act.ledger, &w->progress.unfinished[i],
		    "the run was interrupted");
	return rc;
}

/* A requester can only know a response's digest by having it: its head is the
 * receipt for that one and all before. */
static enum rc
record_arrival(struct visit *v, const struct submission *s)
{
	if (!s->known || !s->bundle.has_head ||
	    s->bundle.head.sequence <= s->requester.arrived)
		return RC_OK;
	return ledger_arrived_add(
	    v->act.ledger, s->key_id, s->bundle.head.sequence);
}

static enum rc
work_begin(struct visit *v, const struct work *w)
{
	enum rc rc = ledger_begin(v->act.ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(
		    v->act.ledger, v->act.now, buf_span(&w->policy->text));
	return rc;
}

/* What was published is revoked since that day, and only the record is late.
 * Decided once more: the same bundle may have revoked some of it for a better
 * reason just now. */
static enum rc
record_published(struct visit *v, struct work *w)
{
	enum rc rc;

	published_wipe(&w->published);
	rc = published_decide(
	    v->act.ledger, w->policy, w->s, w->at, &w->published);
	return rc != RC_OK ? rc
			   : revokes_record(v->act.ledger,
				 &w->published.revokes, w->s->record.n);
}

/* One transaction for all that the operator agreed to: after a crash the bundle
 * is either not accepted at all, or accepted with each of its refusals and of
 * its revocations, which stand before anything that is signed at this visit. */
static enum rc
record_yes(struct visit *v, struct work *w)
{
	enum rc rc = work_begin(v, w);

	if (rc == RC_OK && v->act.interfaces.n > 0)
		rc = ledger_network_add(
		    v->act.ledger, buf_span(&v->act.interfaces));
	/* Also one that was removed after its bundle was accepted. */
	if (rc == RC_OK && !w->s->known)
		rc = ledger_enrol_add(
		    v->act.ledger, w->s->bundle.label, w->s->bundle.spki);
	if (rc == RC_OK && w->s->admission == ADMIT_NEW)
		rc = record_new(v, w);
	else if (rc == RC_OK)
		rc = record_voids(v, w);
	if (rc == RC_OK)
		rc = revokes_record(v->act.ledger, &w->revokes, w->s->record.n);
	if (rc == RC_OK)
		rc = record_published(v, w);
	if (rc == RC_OK)
		rc = record_arrival(v, w->s);
	if (rc == RC_OK)
		rc = ledger_commit(v->act.ledger);
	else
		ledger_rollback(v->act.ledger);
	return rc;
}

/* ---- signing ----------------------------------------------------------- */

static enum rc
work_sign_all(struct visit *v, struct work *w,
    void (*progress)(void *arg, uint64_t done), void *arg)
{
	const struct issue issue = { .ledger = v->act.ledger,
		.keys = &v->act.keys,
		.judge = &v->act.judge,
		.ca_cert = buf_span(&v->act.ca.ca_cert),
		.now = v->act.now,
		.policy = buf_span(&w->policy->text),
		.sign_seconds = WORK_SIGN_SECONDS,
		.progress = progress,
		.arg = arg };
	enum rc rc;

	progress_wipe(&w->progress);
	rc = progress_read(
	    v->act.ledger, &w->s->record, &w->s->bundle, &w->progress);
	if (rc == RC_OK)
		rc = ca_judge_open(&v->act.judge, w->policy, &v->act.ca);
	if (rc == RC_OK)
		rc = issue_run(&issue, w->s, &w->progress, &w->decisions);
	return rc;
}

static enum rc
store_response(struct visit *v, const struct work *w, struct response *response)
{
	enum rc rc = work_begin(v, w);

	if (rc == RC_OK)
		rc = response_store(v->act.ledger, response);
	if (rc == RC_OK)
		rc = ledger_commit(v->act.ledger);
	else
		ledger_rollback(v->act.ledger);
	return rc;
}

/* Signed certificates stay signed: where a reader lied about what a CSR says,
 * the next run comes to the same end. */
static enum rc
work_judge_response(
    struct visit *v, const struct work *w, struct response *response)
{
	struct err_saved why;
	enum rc rc =
	    response_judge(&v->act.judge, v->act.ledger, w->s, response);

	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	err_save(&why);
	return rule_refuse(RULE_JUDGE,
	    "%s: nothing leaves: the response is not what was asked: %.900s (%s)",
	    w->s->file->name, why.text, rule_name((enum rule)why.rule));
}

/* After the certificates, which a shadow revokes, and the revocations; before
 * the response, which carries it. */
static enum rc
work_sign_crls(struct visit *v, const struct work *w)
{
	const struct submission *s = w->s;
	const bool emergency =
	    !s->is_loose && s->bundle.n_requests != 0 &&
	    policy_emergency(&v->act.policy, submission_label(s));
	struct crl_request wish;
	enum rc rc = crl_due(&v->act, s->bundle.has_crl ? &s->bundle.crl : NULL,
	    emergency, &wish);

	if (rc == RC_OK && wish.count != 0)
		rc = crl_series_make(&v->act, &wish, NULL, NULL);
	return rc;
}

enum rc
work_sign(struct visit *v, struct work *w,
    void (*progress)(void *arg, uint64_t done), void *arg,
    struct response *ret_response)
{
	WIPED(response) response = { 0 };
	const struct response_maker maker = { v->act.ledger, &v->act.keys,
		&v->act.ca, v->window.key_id, &w->revokes, &v->act.home };
	enum rc rc = record_yes(v, w);

	if (rc == RC_OK)
		rc = work_sign_all(v, w, progress, arg);
	/* From here on the ledger tells what was done. */
	decisions_wipe(&w->decisions);
	progress_wipe(&w->progress);
	/* Many small pieces: what comes now is large. */
	(void)malloc_trim(0);
	if (rc == RC_OK)
		rc = work_sign_crls(v, w);
	if (rc == RC_OK)
		rc = response_make(
		    &maker, w->s, w->policy, v->act.now, &response);
	if (rc == RC_OK)
		rc = work_judge_response(v, w, &response);
	if (rc == RC_OK)
		rc = store_response(v, w, &response);
	if (rc != RC_OK)
		return rc;
	*ret_response = response;
	response = (struct response){ 0 };
	return RC_OK;
}
