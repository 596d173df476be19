/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end: it bounds what the judge may answer, but believes its
 * verdicts. The judge reads nothing that the signer did not make or check
 * before. */
#include "base/frame.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/judge/judge_response.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/rule.h"
#include "transfer/x509/name.h"

#include <stdio.h>

/* Bytes of a frame from the judge: a certificate and all its names at most. */
#define JUDGE_ANSWER_MAX ((size_t)512 << 10)
#define ANSWER_WAIT 120 /* seconds; a large response takes one or two */

enum rc
judge_start(struct child *ret)
{
	return child_start(ret, JUDGE_NAME, judge_run, NULL, NULL, 0);
}

enum rc
judge_order_send(struct child *judge, const struct judge_order *order, int fd)
{
	WIPED(buf) record = { 0 };
	enum rc rc = schema_write(&judge_order_form, order, &record);

	if (rc != RC_OK)
		return rc;
	/* What was added and not sent yet goes first: answers come in the order
	 * of the orders. */
	rc = frame_flush(&judge->line, judge->sock, judge->name);
	if (rc == RC_OK)
		rc =
		    frame_send(judge->sock, buf_span(&record), fd, judge->name);
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

/* ---- answers ------------------------------------------------------------- */

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

enum rc
judge_lied_about(const char *what)
{
	return err_set(RC_BUG, "the judge's answer: %s", what);
}

enum rc
judge_answer_recv(struct child *judge, struct judge_said *a)
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
		rc = schema_take(&in, &judge_said_form, a);
	return garbled(rc);
}

/* A refusal in the name of its rule; the sentence was the judge's. */
enum rc
judge_verdict_pass(const struct judge_said *a)
{
	if (a->rc == RC_OK)
		return RC_OK;
	return err_rule(
	    a->rc, rule_find(a->rule), "%.*s", SPAN_FMT(a->sentence));
}

enum rc
judge_recv(struct child *judge)
{
	struct judge_said a = { 0 };
	enum rc rc = judge_answer_recv(judge, &a);

	if (rc == RC_OK && a.kind != JUDGE_VERDICT)
		return err_set(RC_BUG, "judge: wants a file for no response");
	return rc != RC_OK ? rc : judge_verdict_pass(&a);
}

/* ---- orders -------------------------------------------------------------- */

static enum rc
ask_order(struct child *judge, const struct judge_order *order, int fd)
{
	enum rc rc = judge_order_send(judge, order, fd);

	return rc != RC_OK ? rc : judge_recv(judge);
}

enum rc
judge_ready(struct child *judge)
{
	const struct judge_order order = { .kind = JUDGE_LEVEL };

	return ask_order(judge, &order, -1);
}

enum rc
judge_open(struct child *judge, struct span policy_text, const uint8_t *ca_id,
    const struct span *ca_certs, size_t n_ca_certs, struct span transfer_cert)
{
	const struct judge_order order = { .kind = JUDGE_OPEN,
		.policy = policy_text,
		.ca_id = ca_id == NULL ? SPAN_NONE : span_of(ca_id, SHA256_LEN),
		.ca_certs = ca_certs,
		.n_ca_certs = n_ca_certs,
		.transfer_cert = transfer_cert };

	return ask_order(judge, &order, -1);
}

enum rc
judge_kin_tell(struct child *judge, const struct kin *kin)
{
	const struct judge_order order = {
		.kind = JUDGE_KIN, .kin = kin->items, .n_kin = kin->n
	};

	if (kin->n > JUDGE_KIN_MAX)
		return err_set(RC_STATE,
		    "%zu keys and names are or were the CA's; a judge takes %d",
		    kin->n, JUDGE_KIN_MAX);
	return ask_order(judge, &order, -1);
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
	struct judge_order order = { .kind = JUDGE_CERT,
		.der = der,
		.from = cut_from(expected->from),
		.spki = expected->spki,
		.profile = expected->profile,
		.serial = expected->serial,
		.not_before = expected->not_before,
		.not_after = expected->not_after,
		.has_issuer = expected->issuer != NULL,
		.names = expected->names,
		.n_names = expected->n_names,
		.csr_subject = expected->csr_subject };
	struct cbor_out out;
	size_t at;
	enum rc rc = frame_begin(line, &at);

	if (rc != RC_OK)
		return rc;
	if (order.has_issuer)
		memcpy(order.issuer, expected->issuer, SHA256_LEN);
	cbor_out_init(&out, &line->out);
	schema_put(&out, &judge_order_form, &order);
	rc = frame_end(line, at, cbor_out_end(&out), judge->sock, judge->name);
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

enum rc
judge_bundle_open(struct child *judge, const struct sealed *bundle)
{
	const struct judge_order order = { .kind = JUDGE_BUNDLE };

	return ask_order(judge, &order, bundle->fd);
}

enum rc
judge_asked_ask(
    struct child *judge, struct span der, const struct asked_cert *cert)
{
	const struct judge_order order = { .kind = JUDGE_ASKED,
		.der = der,
		.request = cert->request,
		.serial = cert->serial,
		.not_before = cert->not_before,
		.not_after = cert->not_after };

	return ask_order(judge, &order, -1);
}

static enum rc
send_response(
    struct child *judge, const struct evidence *r, bool taking, int copy)
{
	struct judge_order order = { .kind = JUDGE_RESPONSE,
		.from = cut_from(r->from),
		.copy = COPY_NONE,
		.taking = taking,
		.files = r->names,
		.n_files = r->n_names };

	if (r->channel != NULL)
		order.channel = *r->channel;
	if (r->loose != NULL) {
		order.profile = r->loose->asked.profile;
		order.names = r->loose->asked.names;
		order.n_names = r->loose->asked.n_names;
		order.copy = copy < 0 ? COPY_NO_SET : COPY_LOOSE;
	} else if (copy >= 0) {
		order.copy = COPY_BUNDLE;
	} else if (r->unasked) {
		order.copy = COPY_UNASKED;
	}
	return judge_order_send(judge, &order, copy);
}

static enum rc
send_size(void *arg, uint64_t size)
{
	struct child *judge = arg;
	WIPED(buf) order = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &order);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, size);
	rc = cbor_out_end(&out);
	if (rc == RC_OK)
		rc = frame_send(judge->sock, buf_span(&order), -1, judge->name);
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

static enum rc
send_piece(void *arg, struct span rest)
{
	struct child *judge = arg;
	struct span chunk;
	enum rc rc = RC_OK;

	while (rc == RC_OK && rest.n != 0) {
		size_t n = rest.n < JUDGE_CHUNK ? rest.n : JUDGE_CHUNK;

		if (!span_take(&rest, n, &chunk))
			return err_set(RC_BUG, "judge: chunks");
		rc = frame_send(judge->sock, chunk, -1, judge->name);
	}
	return rc != RC_OK ? child_explain(judge, rc) : RC_OK;
}

static enum rc
send_whole(struct child *judge, struct span bytes)
{
	const struct file_sink sink = { send_size, send_piece, judge };

	return file_sink_whole(&sink, bytes);
}

static enum rc
send_own(struct child *judge, const struct judge_taker *taker)
{
	WIPED(buf) list = { 0 };
	enum rc rc = RC_OK;

	if (taker != NULL && taker->own != NULL)
		rc = taker->own(taker->arg, &list);
	return rc != RC_OK ? rc : send_whole(judge, buf_span(&list));
}

static enum rc
send_file(struct child *judge, const struct evidence *r, uint64_t index,
    const struct judge_taker *taker)
{
	const struct file_sink sink = { send_size, send_piece, judge };

	if (index < r->n_names)
		return judge_pieces(r, (size_t)index, &sink);
	if (index == r->n_names)
		return send_whole(judge, r->manifest);
	if (index == r->n_names + 1)
		return send_own(judge, taker);
	return err_set(RC_BUG, "judge: wants a file that is not there");
}

enum rc
judge_response_order(struct child *judge, const struct evidence *r, int copy,
    const struct judge_taker *taker)
{
	struct name names[NAMES_MAX];
	enum rc rc = send_response(judge, r, taker != NULL, copy);

	judge->line.worth = taker != NULL ? JUDGE_TAKE_WORTH : 0;
	while (rc == RC_OK) {
		struct judge_said a = { .names = names };

		rc = judge_answer_recv(judge, &a);
		if (rc != RC_OK)
			return rc;
		if (a.kind == JUDGE_VERDICT)
			return judge_verdict_pass(&a);
		if (a.kind == JUDGE_FILE)
			rc = send_file(judge, r, a.index, taker);
		else if (taker == NULL)
			rc = judge_lied_about("a certificate unasked");
		else if (a.kind == JUDGE_REVOKED)
			rc = taker->revoked(taker->arg, &a);
		else
			rc = taker->take(taker->arg, &a);
	}
	return rc;
}

enum rc
judge_response_ask(struct child *judge, const struct evidence *response,
    const struct sealed *bundle)
{
	return judge_response_order(
	    judge, response, bundle == NULL ? -1 : bundle->fd, NULL);
}
