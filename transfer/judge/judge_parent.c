/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end: it bounds what the judge may answer, but believes its
 * verdicts. The judge reads nothing that the signer did not make or check
 * before. */
#include "base/frame.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/rule.h"

#include <stdio.h>

#define JUDGE_ANSWER_MAX 4096 /* bytes of a frame from the judge */
#define ANSWER_WAIT 600	      /* seconds; a large response takes one or two */

enum rc
judge_start(struct child *ret)
{
	return child_start(ret, JUDGE_NAME, judge_run, NULL, NULL, 0);
}

static enum rc
send_order(struct child *judge, struct cbor_out *out, int fd)
{
	enum rc rc = cbor_out_end(out);

	if (rc != RC_OK)
		return rc;
	/* What was added and not sent yet goes first: answers come in the order
	 * of the orders. */
	rc = frame_flush(&judge->line, judge->sock, judge->name);
	if (rc == RC_OK)
		rc =
		    frame_send(judge->sock, buf_span(out->to), fd, judge->name);
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

/* ---- answers ------------------------------------------------------------- */

struct answer {
	enum judge_answer kind;
	enum rc rc;	      /* a verdict's */
	uint64_t index;	      /* of the file that is wanted */
	enum rule rule;	      /* a verdict's */
	struct span sentence; /* in judge->line */
};

static enum rc
parent_take_verdict(struct cbor_in *in, uint64_t items, struct answer *a)
{
	struct span name = SPAN_NONE;
	uint64_t code;
	enum rc rc;

	if (items != 4)
		return err_set(RC_BUG, "judge: an answer of another shape");
	rc = cbor_take_uint(in, "code", 0, RC_BUG, &code);
	if (rc == RC_OK)
		rc = cbor_take_text(in, "rule", 0, RULE_NAME_MAX, &name);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "sentence", 0, ERR_TEXT_MAX, &a->sentence);
	if (rc != RC_OK)
		return rc;
	a->rc = (enum rc)code;
	a->rule = rule_find(name);
	return RC_OK;
}

static enum rc
take_answer(struct cbor_in *in, struct answer *a)
{
	uint64_t items, kind;
	enum rc rc;

	rc = cbor_take_array(in, "answer", 2, 4, &items);
	if (rc == RC_OK)
		rc = cbor_take_uint(
		    in, "kind", JUDGE_VERDICT, JUDGE_FILE, &kind);
	if (rc != RC_OK)
		return rc;
	a->kind = (enum judge_answer)kind;
	return a->kind == JUDGE_VERDICT
		   ? parent_take_verdict(in, items, a)
		   : cbor_take_uint(in, "index", 0, UINT32_MAX, &a->index);
}

/* Its words are ours, and no rule for files from a stick. */
static enum rc
garbled(enum rc rc)
{
	struct err_saved saved;

	if (rc != RC_FORMAT)
		return rc;
	err_save(&saved);
	return err_set(RC_BUG, "the judge's answer: %.900s", saved.text);
}

static enum rc
recv_answer(struct child *judge, struct answer *a)
{
	struct cbor_in in = { .from = judge->name, .where = "answer" };
	enum rc rc = RC_OK;

	if (!frame_is_here(&judge->line))
		rc = frame_flush(&judge->line, judge->sock, judge->name);
	if (rc == RC_OK)
		rc = frame_next(&judge->line, judge->sock, JUDGE_ANSWER_MAX,
		    ANSWER_WAIT, &in.rest, NULL, judge->name);
	if (rc != RC_OK)
		return child_explain(judge, garbled(rc));
	rc = cbor_in_check(judge->name, in.rest);
	if (rc == RC_OK)
		rc = take_answer(&in, a);
	return garbled(rc);
}

/* A refusal in the name of its rule; the sentence was the judge's. */
static enum rc
pass_verdict(const struct answer *a)
{
	if (a->rc == RC_OK)
		return RC_OK;
	return err_rule(a->rc, a->rule, "%.*s", SPAN_FMT(a->sentence));
}

enum rc
judge_recv(struct child *judge)
{
	struct answer a = { 0 };
	enum rc rc = recv_answer(judge, &a);

	if (rc == RC_OK && a.kind != JUDGE_VERDICT)
		return err_set(RC_BUG, "judge: wants a file for no response");
	return rc != RC_OK ? rc : pass_verdict(&a);
}

/* ---- orders -------------------------------------------------------------- */

enum rc
judge_ready(struct child *judge)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, JUDGE_LEVEL);
	rc = send_order(judge, &out, -1);
	return rc != RC_OK ? rc : judge_recv(judge);
}

enum rc
judge_open(struct child *judge, struct span policy_text,
    const struct span *ca_certs, size_t n_ca_certs, struct span transfer_cert)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 4);
	cbor_put_uint(&out, JUDGE_OPEN);
	cbor_put_bytes(&out, policy_text);
	cbor_put_array(&out, n_ca_certs);
	for (size_t i = 0; i < n_ca_certs; i++)
		cbor_put_bytes(&out, ca_certs[i]);
	cbor_put_bytes(&out, transfer_cert);
	rc = send_order(judge, &out, -1);
	return rc != RC_OK ? rc : judge_recv(judge);
}

static struct span
cut_from(const char *from)
{
	return span_of(from, strnlen(from, JUDGE_FROM_MAX));
}

/* Does not wait: with the token at work on the next signatures, verifying
 * costs no time. It stays here until more have come or a verdict is waited
 * for: to wake the judge for each would cost both sides. */
enum rc
judge_send(
    struct child *judge, struct span der, const struct expected *expected)
{
	struct frame_line *line = &judge->line;
	struct cbor_out out;
	size_t at;
	enum rc rc = frame_begin(line, &at);

	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, &line->out);
	cbor_put_array(&out, 10);
	cbor_put_uint(&out, JUDGE_CERT);
	cbor_put_bytes(&out, der);
	cbor_put_bytes(&out, cut_from(expected->from));
	cbor_put_bytes(&out, expected->spki);
	cbor_put_bytes(&out, expected->profile);
	cbor_put_bytes(&out, expected->serial);
	cbor_put_int(&out, expected->not_before);
	cbor_put_int(&out, expected->not_after);
	if (expected->issuer == NULL)
		cbor_put_null(&out);
	else
		cbor_put_bytes(&out, span_of(expected->issuer, SHA256_LEN));
	cbor_put_array(&out, expected->n_names);
	for (size_t i = 0; i < expected->n_names; i++) {
		cbor_put_array(&out, 2);
		cbor_put_uint(&out, expected->names[i].type);
		cbor_put_bytes(&out, expected->names[i].text);
	}
	rc = frame_end(line, at, cbor_out_end(&out), judge->sock, judge->name);
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

enum rc
judge_bundle_open(struct child *judge, const struct sealed *bundle)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, JUDGE_BUNDLE);
	rc = send_order(judge, &out, bundle->fd);
	return rc != RC_OK ? rc : judge_recv(judge);
}

enum rc
judge_asked_ask(
    struct child *judge, struct span der, const struct asked_cert *cert)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 6);
	cbor_put_uint(&out, JUDGE_ASKED);
	cbor_put_bytes(&out, der);
	cbor_put_uint(&out, cert->request);
	cbor_put_bytes(&out, cert->serial);
	cbor_put_int(&out, cert->not_before);
	cbor_put_int(&out, cert->not_after);
	rc = send_order(judge, &out, -1);
	return rc != RC_OK ? rc : judge_recv(judge);
}

static void
put_head(struct cbor_out *out, const struct channel *channel)
{
	const struct head *head = &channel->head;

	if (!channel->has_head) {
		cbor_put_null(out);
		return;
	}
	cbor_put_array(out, 4);
	cbor_put_uint(out, head->sequence);
	cbor_put_bytes(out, span_of(head->digest, SHA256_LEN));
	cbor_put_uint(out, head->ledger.count);
	cbor_put_bytes(out, span_of(head->ledger.hash, SHA256_LEN));
}

static enum rc
send_response(struct child *judge, const struct evidence *r, int bundle_fd)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 7);
	cbor_put_uint(&out, JUDGE_RESPONSE);
	cbor_put_bytes(&out, cut_from(r->from));
	cbor_put_bytes(&out, span_of(r->channel->requester, SHA256_LEN));
	put_head(&out, r->channel);
	cbor_put_uint(&out, bundle_fd < 0      ? COPY_NONE
			    : r->loose == NULL ? COPY_BUNDLE
					       : COPY_LOOSE);
	cbor_put_bytes(&out, r->loose == NULL ? SPAN_NONE : r->loose->profile);
	cbor_put_array(&out, r->n_names);
	for (size_t i = 0; i < r->n_names; i++)
		cbor_put_bytes(&out, r->names[i]);
	return send_order(judge, &out, bundle_fd);
}

static enum rc
send_file(struct child *judge, const struct evidence *r, uint64_t index)
{
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	struct span rest = r->manifest, chunk;
	enum rc rc = RC_OK;

	if (index > r->n_names)
		return err_set(RC_BUG, "judge: wants a file that is not there");
	if (index < r->n_names)
		rc = r->file(r->arg, (size_t)index, &rest);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, &order);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, rest.n);
	rc = send_order(judge, &out, -1);
	while (rc == RC_OK && rest.n != 0) {
		size_t n = rest.n < JUDGE_CHUNK ? rest.n : JUDGE_CHUNK;

		if (!span_take(&rest, n, &chunk))
			return err_set(RC_BUG, "judge: chunks");
		rc = frame_send(judge->sock, chunk, -1, judge->name);
	}
	return rc;
}

enum rc
judge_response_ask(struct child *judge, const struct evidence *response,
    const struct sealed *bundle)
{
	enum rc rc;

	rc = send_response(judge, response, bundle == NULL ? -1 : bundle->fd);
	while (rc == RC_OK) {
		struct answer a = { 0 };

		rc = recv_answer(judge, &a);
		if (rc == RC_OK && a.kind == JUDGE_VERDICT)
			return pass_verdict(&a);
		if (rc == RC_OK)
			rc = send_file(judge, response, a.index);
	}
	return rc;
}
