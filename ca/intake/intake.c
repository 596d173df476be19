/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers report, against the bytes that they report it of. A reader
 * has parsed a stranger's CSRs and may be a stranger's by now. So the key is
 * found here again, by the shortest walk there is; a rule is one of our table
 * or none; answers are matched to questions by their number. Two lies are left
 * to it: that a key proved possession, and which names a CSR has, and those the
 * operator sees before anything is signed. */
#include "ca/intake/intake.h"
#include "base/term.h"
#include "transfer/rule.h"
#include "transfer/x509/key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Requests per order to a reader: its answers fit into a socket's buffer, so
 * all readers work while one is listened to. */
#define INTAKE_CHUNK 256

void
decisions_wipe(struct decisions *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].reason);
		free(d->items[i].held);
		name_list_wipe(&d->items[i].csr_names);
		buf_wipe(&d->items[i].spelled);
	}
	free(d->items);
	*d = (struct decisions){ 0 };
}

/* The reason goes to the screen, the ledger and the manifest, and may have come
 * from a reader: it is escaped before any of them has it. */
static enum rc
refuse_with(struct decision *d, enum rule rule, struct span reason)
{
	WIPED(buf) plain = { 0 };
	enum rc rc;

	if (rule == RULE_NONE)
		return err_set(
		    RC_BUG, "a refusal by no rule: %.*s", SPAN_FMT(reason));
	rc = term_escape(&plain, reason);
	if (rc == RC_OK && plain.n == 0)
		rc = buf_add_str(&plain, rule_row_get0(rule)->check);
	if (rc != RC_OK)
		return rc;
	free(d->reason);
	d->rule = rule;
	d->reason = strndup((const char *)plain.p,
	    plain.n < COMMENT_MAX ? plain.n : COMMENT_MAX);
	return d->reason == NULL ? err_memory() : RC_OK;
}

enum rc
decision_refuse(struct decision *d)
{
	return refuse_with(d, rule_spoken(), span_str(err_text()));
}

enum rc
decisions_withdraw(struct decisions *d, const struct submission *s, size_t i)
{
	d->granted--;
	d->certificates -= s->bundle.requests[i].validity.count;
	return decision_refuse(&d->items[i]);
}

/* The policy, applied to facts found here. A refusal is a decision. */
static enum rc
intake_apply_policy(const struct intake *intake, const struct submission *s,
    size_t i, const struct csr_ca_wish *ca, struct decision *d)
{
	const struct cert_request *request = &s->bundle.requests[i];
	char from[SUBMISSION_REQUEST_TEXT];
	struct ask ask = { .from = from,
		.label = submission_label(s),
		.request = request,
		.csr_names = d->csr_names.items,
		.n_csr_names = d->csr_names.n,
		.csr_ca = *ca };
	enum rc rc;

	submission_request_name(s, i, from);
	rc = key_shape(from, d->spki, &ask.key);
	if (rc == RC_OK)
		rc = csr_find_subject(from, request->csr, &ask.csr_subject);
	if (rc == RC_OK)
		rc = request_check(intake->policy, intake->window, intake->now,
		    &ask, &d->grant);
	if (rc != RC_OK && rule_stops() == SCOPE_REQUEST)
		return decision_refuse(d);
	return rc;
}

/* A reader's word on one request against the bytes themselves. */
static enum rc
weigh(const struct intake *intake, const struct submission *s,
    struct verdict *v, struct decision *d)
{
	const struct cert_request *request = &s->bundle.requests[v->index];
	char from[MEDIA_NAME_MAX + 24];
	enum rc rc;

	/* Taken at its word: to lie here is to refuse, which gives nobody a
	 * certificate and is seen by the operator. */
	if (v->rc != RC_OK)
		return refuse_with(d, v->rule, v->reason);
	(void)snprintf(
	    from, sizeof(from), "%s: request %u", s->file->name, v->index + 1);
	rc = verdict_prove_key(v, from, request->csr, &d->spelled, &d->spki);
	if (rc != RC_OK)
		return rc;
	memcpy(d->key_id, v->key_id, SHA256_LEN);
	if (v->ca_rule != RULE_NONE &&
	    !request_makes_ca(intake->policy, request))
		return refuse_with(d, v->ca_rule, v->ca_reason);
	if (v->names_rule != RULE_NONE &&
	    request_wants_csr_names(intake->policy, request))
		return refuse_with(d, v->names_rule, v->names_reason);
	d->csr_names = v->names;
	v->names = (struct name_list){ 0 };
	return intake_apply_policy(intake, s, v->index, &v->ca, d);
}

/* Chunks go round: chunk i is with reader i % n_readers, which is where
 * take_one listens for it. */
static enum rc
order_chunk(
    const struct intake *intake, const struct submission *s, size_t chunk)
{
	size_t first = chunk * INTAKE_CHUNK, n = s->bundle.n_requests;
	struct reader *reader = &intake->readers[chunk % intake->n_readers];
	uint32_t count;

	if (first >= n)
		return RC_OK;
	count = (uint32_t)(n - first < INTAKE_CHUNK ? n - first : INTAKE_CHUNK);
	return s->is_loose ? reader_check_loose_start(
				 reader, &s->file->copy, (uint32_t)first, count)
			   : reader_check_start(reader, &s->file->copy,
				 (uint32_t)first, count);
}

static enum rc
take_one(const struct intake *intake, const struct submission *s, size_t i,
    struct decision *d)
{
	struct reader *reader =
	    &intake->readers[i / INTAKE_CHUNK % intake->n_readers];
	WIPED(verdict) v = { 0 };
	enum rc rc = reader_check_next(reader, &v);

	if (rc != RC_OK)
		return rc;
	assert(v.index == i);
	return weigh(intake, s, &v, d);
}

static void
intake_count_up(struct decisions *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->granted += d->items[i].rule == RULE_NONE;
}

enum rc
intake_check(const struct intake *intake, const struct submission *s,
    void (*progress)(void *arg, uint64_t done), void *arg,
    struct decisions *ret)
{
	WIPED(decisions) d = { 0 };
	size_t n = s->bundle.n_requests;
	enum rc rc = RC_OK;

	d.items = calloc(n == 0 ? 1 : n, sizeof(*d.items));
	if (d.items == NULL)
		return err_memory();
	d.n = n;
	assert(intake->n_readers > 0);
	/* A chunk to each; whoever has answered one whole gets another. */
	for (size_t c = 0; c < intake->n_readers && rc == RC_OK; c++)
		rc = order_chunk(intake, s, c);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = take_one(intake, s, i, &d.items[i]);
		if (rc == RC_OK && i % INTAKE_CHUNK == INTAKE_CHUNK - 1)
			rc = order_chunk(
			    intake, s, i / INTAKE_CHUNK + intake->n_readers);
		if (rc == RC_OK && d.items[i].rule == RULE_NONE)
			d.certificates += s->bundle.requests[i].validity.count;
		if (progress != NULL)
			progress(arg, i + 1);
	}
	if (rc != RC_OK)
		return rc;
	intake_count_up(&d);
	*ret = d;
	d = (struct decisions){ 0 };
	return RC_OK;
}
