/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each request of a bundle that is given up, read from the
 * ledger, judged, and committed at once with its response. */
#include "ca/lifecycle/abandon.h"
#include "base/list.h"
#include "ca/home/ca_trust.h"
#include "ca/intake/revoke.h"
#include "transfer/judge/judge.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY "the bundle was abandoned"

void
abandon_wipe(struct abandon *a)
{
	free(a->certs);
	free(a->requests);
	policy_wipe(&a->policy);
	*a = (struct abandon){ 0 };
}

/* ---- what the ledger says ------------------------------------------------ */

static enum rc
add_intent(struct abandon *a, const struct intent *intent)
{
	enum rc rc = LIST_GROW(a->certs, a->n_certs);

	if (rc != RC_OK)
		return rc;
	a->certs[a->n_certs++] = (struct abandon_cert){ .intent = *intent };
	return RC_OK;
}

static int
by_record(const void *key, const void *item)
{
	const uint64_t *n = key;
	const struct abandon_cert *cert = item;

	return *n < cert->intent.n ? -1 : *n > cert->intent.n;
}

/* Of an outcome, the certificate; records rise, and with them the list. */
static struct abandon_cert *
cert_find(const struct abandon *a, uint64_t n)
{
	return a->n_certs == 0 ? NULL
			       : bsearch(&n, a->certs, a->n_certs,
				     sizeof(*a->certs), by_record);
}

static enum rc
abandon_note_act(const struct bundle_act *act, void *arg)
{
	struct abandon *a = arg;
	struct abandon_cert *cert;

	if (a->requests != NULL && act->request >= a->n_requests)
		return err_set(RC_STATE,
		    "the ledger speaks of request %u, which this bundle does not have",
		    act->request + 1);
	if (act->kind == RECORD_INTENT)
		return add_intent(a, &act->intent);
	if (act->kind == RECORD_REFUSAL) {
		if (a->requests != NULL)
			a->requests[act->request].fate = FATE_REFUSED;
		return RC_OK;
	}
	cert = cert_find(a, act->intent.n);
	if (cert == NULL)
		return err_set(RC_STATE,
		    "the ledger speaks of a certificate that was never begun");
	cert->is_signed = act->kind == RECORD_RESULT;
	cert->is_void = act->kind == RECORD_VOID;
	return RC_OK;
}

static void
drop_voids(struct abandon *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_certs; i++)
		if (!a->certs[i].is_void)
			a->certs[n++] = a->certs[i];
	a->n_certs = n;
	for (size_t i = 0; i < n; i++)
		a->n_signed += a->certs[i].is_signed;
}

static void
count_fates(struct abandon *a)
{
	memset(a->n_fate, 0, sizeof(a->n_fate));
	for (size_t i = 0; i < a->n_requests; i++)
		a->n_fate[a->requests[i].fate]++;
}

static void
find_whole(struct abandon *a, const struct bundle *bundle)
{
	for (size_t i = 0; i < a->n_certs; i++)
		a->requests[a->certs[i].intent.request].n_signed +=
		    a->certs[i].is_signed;
	for (size_t i = 0; i < a->n_requests; i++) {
		struct abandon_request *r = &a->requests[i];

		if (r->fate == FATE_PART &&
		    r->n_signed == bundle->requests[i].validity.count)
			r->fate = FATE_DELIVERED;
	}
	count_fates(a);
}

static enum rc
abandon_read_policy(struct ledger *ledger, struct abandon *a)
{
	WIPED(buf) text = { 0 };
	enum rc rc = ledger_policy_get(ledger, a->record.policy, &text);

	return rc != RC_OK ? rc
			   : policy_parse("the policy of the unfinished run",
				 buf_span(&text), &a->policy);
}

static enum rc
requests_new(struct abandon *a, const struct bundle *bundle)
{
	size_t n = bundle->n_requests;

	a->requests = calloc(n == 0 ? 1 : n, sizeof(*a->requests));
	if (a->requests == NULL)
		return err_memory();
	a->n_requests = n;
	for (size_t i = 0; i < n; i++)
		a->requests[i].fate = FATE_PART;
	return RC_OK;
}

enum rc
abandon_read(struct ledger *ledger, const struct ledger_bundle *record,
    const struct bundle *bundle, struct abandon *ret)
{
	WIPED(abandon) a = { .record = *record };
	enum rc rc = abandon_read_policy(ledger, &a);

	if (rc == RC_OK && bundle != NULL)
		rc = requests_new(&a, bundle);
	if (rc == RC_OK)
		rc = ledger_bundle_each(ledger, record, abandon_note_act, &a);
	if (rc != RC_OK)
		return rc;
	drop_voids(&a);
	if (bundle != NULL)
		find_whole(&a, bundle);
	*ret = a;
	a = (struct abandon){ 0 };
	return RC_OK;
}

/* ---- what the judge says ------------------------------------------------- */

static enum rc
abandon_judge_one(struct visit *v, const struct abandon_cert *cert,
    struct abandon_request *request)
{
	const struct intent *intent = &cert->intent;
	const struct asked_cert asked = { .request = intent->request,
		.serial = span_of(intent->serial, sizeof(intent->serial)),
		.not_before = intent->not_before,
		.not_after = intent->not_after };
	WIPED(ledger_cert) ours = { 0 };
	bool known = false;
	enum rc rc =
	    ledger_cert_get(v->act.ledger, asked.serial, &ours, &known);

	if (rc == RC_OK && !known)
		rc = err_set(RC_STATE, "the ledger lacks a certificate");
	if (rc != RC_OK)
		return rc;
	rc = judge_asked_ask(&v->act.judge, buf_span(&ours.der), &asked);
	/* Without a rule it is no verdict, but a judge that failed. */
	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	request->fate = FATE_WRONG;
	request->rule = rule_spoken();
	err_clear();
	return RC_OK;
}

enum rc
abandon_judge(
    struct visit *v, const struct submission *s, struct abandon *abandon)
{
	enum rc rc =
	    ca_judge_open(&v->act.judge, &abandon->policy, &v->act.ca);

	if (rc == RC_OK)
		rc = judge_bundle_open(&v->act.judge, &s->file->copy);
	for (size_t i = 0; i < abandon->n_certs && rc == RC_OK; i++) {
		const struct abandon_cert *cert = &abandon->certs[i];
		struct abandon_request *r =
		    &abandon->requests[cert->intent.request];

		if (r->fate == FATE_DELIVERED)
			rc = abandon_judge_one(v, cert, r);
	}
	count_fates(abandon);
	return rc;
}

/* ---- what is stored ------------------------------------------------------ */

static enum rc
abandon_begin(struct ledger *ledger, int64_t now, struct span policy)
{
	enum rc rc = ledger_begin(ledger);

	return rc != RC_OK ? rc : ledger_stamp(ledger, now, policy);
}

/* Of a lost bundle only what was never signed: nobody will ask for the rest,
 * but it exists. */
static enum rc
add_voids(struct ledger *ledger, const struct abandon *a)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < a->n_certs && rc == RC_OK; i++) {
		const struct abandon_cert *cert = &a->certs[i];
		bool leaves =
		    a->requests == NULL ||
		    a->requests[cert->intent.request].fate == FATE_DELIVERED;

		if (!cert->is_signed || !leaves)
			rc = ledger_void_add(ledger, &cert->intent, WHY);
	}
	return rc;
}

static void
reason_of(const struct abandon_request *r, uint32_t count, char *to, size_t n)
{
	if (r->fate == FATE_WRONG)
		(void)snprintf(to, n,
		    "the bundle was closed; what was signed was not what was asked (%s)",
		    rule_name(r->rule));
	else
		(void)snprintf(to, n,
		    "the bundle was closed when %u of %u certificates were signed",
		    r->n_signed, count);
}

static enum rc
add_refusals(
    struct ledger *ledger, const struct abandon *a, const struct bundle *b)
{
	char reason[COMMENT_MAX];
	enum rc rc = RC_OK;

	for (uint32_t i = 0; i < a->n_requests && rc == RC_OK; i++) {
		const struct abandon_request *r = &a->requests[i];

		if (r->fate != FATE_PART && r->fate != FATE_WRONG)
			continue;
		reason_of(
		    r, b->requests[i].validity.count, reason, sizeof(reason));
		rc = ledger_refusal_add(ledger, a->record.n, i,
		    b->requests[i].id, rule_name(RULE_ABANDONED), reason);
	}
	return rc;
}

static enum rc
abandon_make_response(struct visit *v, const struct submission *s,
    const struct abandon *a, struct response *response)
{
	WIPED(revokes) revokes = { 0 };
	const struct response_maker maker = { v->act.ledger, &v->act.keys,
		&v->act.ca, v->window.key_id, &revokes, &v->act.home };
	enum rc rc = revokes_decide_bundle(
	    v->act.ledger, &a->policy, s, a->record.n, a->record.at, &revokes);

	/* Recorded when the bundle was accepted, but by a version without them.
	 */
	if (rc == RC_OK)
		rc = revokes_record(v->act.ledger, &revokes, a->record.n);
	if (rc == RC_OK)
		rc = response_make(&maker, s, &a->policy, v->act.now, response);
	if (rc == RC_OK)
		rc = response_judge(&v->act.judge, v->act.ledger, s, response);
	return rc != RC_OK ? rc : response_store(v->act.ledger, response);
}

enum rc
abandon_answer(struct visit *v, const struct submission *s,
    const struct abandon *abandon, struct response *ret)
{
	WIPED(response) response = { 0 };
	struct ledger *ledger = v->act.ledger;
	enum rc rc =
	    abandon_begin(ledger, v->act.now, buf_span(&abandon->policy.text));

	if (rc == RC_OK && v->act.interfaces.n > 0)
		rc = ledger_network_add(ledger, buf_span(&v->act.interfaces));
	if (rc == RC_OK)
		rc = add_voids(ledger, abandon);
	if (rc == RC_OK)
		rc = add_refusals(ledger, abandon, &s->bundle);
	if (rc == RC_OK)
		rc = abandon_make_response(v, s, abandon, &response);
	if (rc == RC_OK)
		rc = ledger_commit(ledger);
	else
		ledger_rollback(ledger);
	if (rc != RC_OK)
		return rc;
	*ret = response;
	response = (struct response){ 0 };
	return RC_OK;
}

enum rc
abandon_close(struct ledger *ledger, int64_t now, struct span policy,
    const struct abandon *abandon)
{
	enum rc rc = abandon_begin(ledger, now, policy);

	if (rc == RC_OK)
		rc = add_voids(ledger, abandon);
	if (rc == RC_OK)
		rc = ledger_abandon_add(ledger, abandon->record.n);
	if (rc == RC_OK)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return rc;
}
