/* SPDX-License-Identifier: Apache-2.0 */
/* The judge's end of the socket. It has seen certificates that an attacker
 * may have shaped (a CSR's names and key go into them), so it holds nothing,
 * and its verdict is a number and a sentence. A file of a response is in
 * memory one at a time: a response may be larger than the 48 MiB that a
 * process may take. */
#include "base/file.h"
#include "base/frame.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/judge/card_judge.h"
#include "transfer/judge/judge_asked.h"
#include "transfer/judge/judge_state.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/media/loose.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <stdlib.h>

#define SIGNER_NAME "signer"

/* The judge process between two orders. */
struct bench {
	int sock;
	int fd; /* came with an order, for the one that wants it; or -1 */
	struct frame_line line;
	struct span order; /* in `line` */
	struct trust trust;
	struct policy policy;
	struct judge *judge; /* NULL before the first JUDGE_OPEN */
	struct asked asked;
	struct name names[NAMES_MAX];
};

static void
bench_close(struct bench *b)
{
	judge_free(b->judge);
	b->judge = NULL;
	policy_wipe(&b->policy);
	trust_wipe(&b->trust);
}

static void
bench_wipe(struct bench *b)
{
	bench_close(b);
	asked_wipe(&b->asked);
	frame_line_wipe(&b->line);
	fd_close(&b->fd);
}

/* The verdict on the order just done: the error record, if `code` is none. */
static enum rc
child_answer(struct bench *b, enum rc code)
{
	struct judge_said said = { .kind = JUDGE_VERDICT };
	WIPED(buf) frame = { 0 };
	enum rc rc;

	if (code == RC_OK) /* of one that could not look */
		code = err_check_shortage();
	said.rc = code;
	if (code != RC_OK) {
		said.rule = span_str(rule_name(rule_spoken()));
		said.sentence = span_str(err_text());
	}
	rc = schema_write(&judge_said_form, &said, &frame);
	if (rc == RC_OK)
		rc =
		    frame_add(&b->line, b->sock, buf_span(&frame), SIGNER_NAME);
	/* Nobody waits for it as long as there are further orders. */
	if (rc == RC_OK && !frame_is_here(&b->line))
		rc = frame_flush(&b->line, b->sock, SIGNER_NAME);
	return rc;
}

/* ---- JUDGE_OPEN ---------------------------------------------------------- */

static enum rc
child_open_trust(struct bench *b, const struct judge_order *o)
{
	enum rc rc = RC_OK;

	if (o->ca_id.n == SHA256_LEN)
		memcpy(b->trust.ca_id, o->ca_id.p, SHA256_LEN);
	for (size_t i = 0; rc == RC_OK && i < o->n_ca_certs; i++)
		rc = trust_add_ca(&b->trust, "CA certificate", o->ca_certs[i]);
	if (rc == RC_OK && o->transfer_cert.n != 0)
		rc = kin_add(&b->trust.kin, KIN_TRANSFER,
		    "transfer certificate", o->transfer_cert);
	return rc != RC_OK
		   ? rc
		   : buf_add_span(&b->trust.transfer_cert, o->transfer_cert);
}

/* The judge that is open looks there at each certificate. */
static enum rc
child_take_kin(struct bench *b, const struct judge_order *o)
{
	const struct kin more = { (struct kin_one *)(uintptr_t)o->kin,
		o->n_kin };

	return kin_add_all(&b->trust.kin, &more);
}

static enum rc
child_do_open(struct bench *b, const struct judge_order *o)
{
	enum rc rc;

	bench_close(b);
	rc = policy_parse("policy.conf", o->policy, &b->policy);
	if (rc == RC_OK)
		rc = child_open_trust(b, o);
	if (rc == RC_OK)
		rc = judge_new(&b->trust, &b->policy, &b->judge);
	/* Each certificate is judged when it is signed, and again within its
	 * response: its bytes are compared both times, its signature is
	 * verified once. */
	if (rc == RC_OK)
		b->judge->remember = true;
	return rc;
}

/* ---- JUDGE_CERT, JUDGE_ASKED --------------------------------------------- */

static enum rc
do_cert(struct bench *b, const struct judge_order *o)
{
	char from[JUDGE_FROM_MAX + 1];
	const struct expected e = { .from = from,
		.spki = o->spki,
		.profile = o->profile,
		.names = o->names,
		.n_names = o->n_names,
		.csr_subject = o->csr_subject,
		.serial = o->serial,
		.not_before = o->not_before,
		.not_after = o->not_after,
		.issuer = o->has_issuer ? o->issuer : NULL };

	(void)snprintf(from, sizeof(from), "%.*s", SPAN_FMT(o->from));
	return judge_certificate(b->judge, o->der, &e);
}

static enum rc
do_asked(struct bench *b, const struct judge_order *o)
{
	const struct asked_cert cert = { o->request, o->serial, o->not_before,
		o->not_after };

	return asked_judge(b->judge, &b->asked, o->der, &cert);
}

/* ---- JUDGE_RESPONSE ------------------------------------------------------ */

/* A response whose files the parent has. */
struct remote {
	struct bench *b;
	struct evidence r;
	char from[JUDGE_FROM_MAX + 1];
	struct sealed bundle; /* or the loose set */
	struct loose loose;
	struct loose_terms terms;
	struct buf frame, file, manifest;
};

static void
remote_wipe(struct remote *x)
{
	loose_wipe(&x->loose);
	sealed_wipe(&x->bundle);
	buf_wipe(&x->frame);
	buf_wipe(&x->file);
	buf_wipe(&x->manifest);
}

static enum rc
ask_file(struct remote *x, size_t i, uint64_t *ret_size)
{
	const struct judge_said said = { .kind = JUDGE_FILE,
		.index = (uint32_t)i };
	struct cbor_in in = { .from = SIGNER_NAME, .where = "file" };
	uint64_t one;
	enum rc rc;

	buf_reset(&x->frame);
	rc = schema_write(&judge_said_form, &said, &x->frame);
	if (rc == RC_OK) /* certificates of the file before */
		rc = frame_flush(&x->b->line, x->b->sock, SIGNER_NAME);
	if (rc == RC_OK)
		rc = frame_send(
		    x->b->sock, buf_span(&x->frame), -1, SIGNER_NAME);
	if (rc == RC_OK)
		rc = frame_recv(
		    x->b->sock, JUDGE_CHUNK, 0, &x->frame, NULL, SIGNER_NAME);
	in.rest = buf_span(&x->frame);
	if (rc == RC_OK)
		rc = cbor_in_check(SIGNER_NAME, in.rest);
	if (rc == RC_OK)
		rc = cbor_take_array(&in, "file", 1, 1, &one);
	return rc != RC_OK
		   ? rc
		   : cbor_take_uint(&in, "size", 0, JUDGE_FILE_MAX, ret_size);
}

static enum rc
fetch_file(struct remote *x, size_t i, struct buf *to)
{
	uint64_t size = 0;
	enum rc rc = ask_file(x, i, &size);

	buf_reset(to);
	if (rc == RC_OK)
		rc = buf_reserve(to, (size_t)size);
	while (rc == RC_OK && to->n < size) {
		rc = frame_recv(
		    x->b->sock, JUDGE_CHUNK, 0, &x->frame, NULL, SIGNER_NAME);
		if (rc == RC_OK)
			rc = buf_add_span(to, buf_span(&x->frame));
	}
	if (rc == RC_OK && to->n != size)
		rc = err_set(RC_BUG, "judge: a file of another size");
	return rc;
}

static enum rc
remote_pieces(void *arg, size_t i, const struct file_sink *to)
{
	struct remote *x = arg;
	uint64_t size = 0, got = 0;
	enum rc rc = ask_file(x, i, &size);

	if (rc == RC_OK && to->begin != NULL)
		rc = to->begin(to->arg, size);
	while (rc == RC_OK && got < size) {
		rc = frame_recv(
		    x->b->sock, JUDGE_CHUNK, 0, &x->frame, NULL, SIGNER_NAME);
		if (rc != RC_OK)
			return rc;
		got += x->frame.n;
		rc = to->add(to->arg, buf_span(&x->frame));
	}
	if (rc == RC_OK && got != size)
		rc = err_set(RC_BUG, "judge: a file of another size");
	return rc;
}

static enum rc
remote_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct remote *x = arg;
	enum rc rc = fetch_file(x, i, &x->file);

	if (rc == RC_OK)
		*ret_bytes = buf_span(&x->file);
	return rc;
}

/* Whether it is the right one is told by the manifest's digest of it. */
static enum rc
remote_bundle(void *arg, const uint8_t *id, enum bundle_state *ret,
    struct span *ret_bytes)
{
	struct remote *x = arg;

	(void)id;
	*ret = x->bundle.bytes.n == 0 ? BUNDLE_UNKNOWN : BUNDLE_OPEN;
	*ret_bytes = x->bundle.bytes;
	return RC_OK;
}

/* What is answered: a bundle, or a loose set for one profile. */
static enum rc
child_take_copy(struct remote *x, const struct judge_order *o, int *fd)
{
	enum rc rc = RC_OK;

	if (o->copy == COPY_LOOSE || o->copy == COPY_NO_SET) {
		x->terms = (struct loose_terms){ NULL,
			{ o->profile, o->names, o->n_names } };
		x->r.loose = &x->terms;
	}
	x->r.unasked = o->copy == COPY_UNASKED;
	if (o->copy == COPY_BUNDLE || o->copy == COPY_LOOSE)
		rc = sealed_map(*fd, &x->bundle);
	if (rc != RC_OK || x->bundle.fd < 0)
		return rc;
	*fd = -1; /* the map's now */
	if (o->copy == COPY_BUNDLE)
		return RC_OK;
	x->terms.set = &x->loose;
	return loose_read(x->bundle.bytes, &x->loose);
}

/* Sent many at once: nobody waits for one of them. */
static enum rc
remote_take(void *arg, const struct judged *judged)
{
	struct remote *x = arg;
	struct frame_line *line = &x->b->line;
	struct judge_said said = { .kind = JUDGE_TAKE,
		.request = judged->request,
		.slot = judged->slot,
		.der = judged->der };
	struct cbor_out out;
	size_t at;
	enum rc rc = frame_begin(line, &at);

	if (rc != RC_OK)
		return rc;
	if (x->r.loose != NULL || x->r.unasked) {
		said.profile = judged->asked->profile;
		said.names = judged->names;
		said.n_names = judged->n_names;
	}
	cbor_out_init(&out, &line->out);
	schema_put(&out, &judge_said_form, &said);
	return frame_end(line, at, cbor_out_end(&out), x->b->sock, SIGNER_NAME);
}

/* What there is to hold CRLs to stands behind the manifest. */
static enum rc
remote_own(void *arg, const struct manifest *manifest, struct buf *ret_list)
{
	struct remote *x = arg;

	(void)manifest;
	return fetch_file(x, x->r.n_names + 1, ret_list);
}

static enum rc
remote_revoked(void *arg, const struct crl_revoked *revoked)
{
	struct remote *x = arg;
	const struct judge_said said = { .kind = JUDGE_REVOKED,
		.serial = revoked->serial,
		.reason = revoked->reason,
		.at = revoked->at };
	WIPED(buf) frame = { 0 };
	enum rc rc = schema_write(&judge_said_form, &said, &frame);

	return rc != RC_OK ? rc
			   : frame_add(&x->b->line, x->b->sock,
				 buf_span(&frame), SIGNER_NAME);
}

static enum rc
do_response(struct bench *b, const struct judge_order *o, int *fd)
{
	WIPED(response_verdict) verdict = { 0 };
	WIPED(remote) x = { .b = b, .bundle = { .fd = -1 } };
	enum rc rc;

	(void)snprintf(x.from, sizeof(x.from), "%.*s", SPAN_FMT(o->from));
	x.r.from = x.from;
	x.r.channel = &o->channel;
	x.r.names = o->files;
	x.r.n_names = o->n_files;
	x.r.file = remote_file;
	x.r.pieces = remote_pieces;
	x.r.own = remote_own;
	x.r.revoked = remote_revoked;
	x.r.bundle = remote_bundle;
	x.r.arg = &x;
	x.r.take = o->taking ? remote_take : NULL;
	b->line.worth = o->taking ? JUDGE_TAKE_WORTH : 0;
	rc = child_take_copy(&x, o, fd);
	if (rc == RC_OK)
		rc = fetch_file(&x, x.r.n_names, &x.manifest);
	x.r.manifest = buf_span(&x.manifest);
	if (rc == RC_OK)
		rc = judge_response(b->judge, &x.r, &verdict);
	if (rc == RC_OK && verdict.again)
		rc = rule_refuse(RULE_REPLAY,
		    "%s: is what the requester has already", x.from);
	return rc;
}

/* ---- JUDGE_CARD ---------------------------------------------------------- */

static enum rc
offer_tell(struct bench *b, const struct offer *offer)
{
	const struct trust_ca *ca = &offer->trust.cas[0];
	struct judge_said said = { .kind = JUDGE_OFFER,
		.until = ca->not_after };
	WIPED(buf) subject = { 0 };
	WIPED(buf) frame = { 0 };
	enum rc rc = subject_print(X509_get_subject_name(ca->cert), &subject);

	said.subject = buf_span(&subject);
	if (rc == RC_OK)
		rc = schema_write(&judge_said_form, &said, &frame);
	return rc != RC_OK ? rc
			   : frame_add(&b->line, b->sock, buf_span(&frame),
				 SIGNER_NAME);
}

static enum rc
do_card(struct bench *b, const struct judge_order *o, int *fd)
{
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(offer) offer = { 0 };
	char from[ERR_TEXT_MAX];
	enum rc rc = sealed_map(*fd, &copy);

	if (rc != RC_OK)
		return rc;
	*fd = -1; /* the map's now */
	(void)snprintf(from, sizeof(from), "%.*s", SPAN_FMT(o->from));
	rc = card_judge(from, copy.bytes, o->now, &offer);
	return rc != RC_OK ? rc : offer_tell(b, &offer);
}

/* ---- the loop ------------------------------------------------------------ */

static enum rc
do_order(struct bench *b, const struct judge_order *o, int *fd)
{
	switch (o->kind) {
	case JUDGE_OPEN:
		return child_do_open(b, o);
	case JUDGE_LEVEL:
		return RC_OK;
	case JUDGE_BUNDLE:
		return asked_open(&b->asked, fd);
	case JUDGE_CARD:
		return do_card(b, o, fd);
	case JUDGE_CERT:
	case JUDGE_ASKED:
	case JUDGE_RESPONSE:
	case JUDGE_KIN:
		break;
	}
	if (b->judge == NULL)
		return err_set(RC_BUG, "judge: a question before the CA");
	if (o->kind == JUDGE_KIN)
		return child_take_kin(b, o);
	if (o->kind == JUDGE_RESPONSE)
		return do_response(b, o, fd);
	return o->kind == JUDGE_CERT ? do_cert(b, o) : do_asked(b, o);
}

/* Orders come from the signer, which is trusted; the checks are for our own
 * mistakes. */
static enum rc
read_order(struct bench *b, int *fd)
{
	struct span cas[JUDGE_CAS_MAX];
	struct judge_order o = { .ca_certs = cas, .names = b->names };
	enum rc rc = cbor_in_check(SIGNER_NAME, b->order);

	if (rc == RC_OK)
		rc = schema_read(SIGNER_NAME, b->order, &judge_order_form, &o);
	if (rc == RC_OK)
		rc = do_order(b, &o, fd);
	schema_wipe(judge_order_form.type, &o);
	return rc;
}

/* Why it cannot work is the answer to the first order, which is not read. */
static enum rc
give_up(struct bench *b, enum rc why)
{
	struct err_saved saved;
	enum rc rc;

	err_save(&saved);
	rc = frame_next(
	    &b->line, b->sock, FRAME_MAX, 0, &b->order, NULL, SIGNER_NAME);
	err_restore(&saved);
	return rc != RC_OK ? rc : child_answer(b, why);
}

enum rc
judge_run(int sock, void *unused)
{
	WIPED(bench) b = { .sock = sock, .fd = -1 };
	enum rc rc = sandbox_settle();

	(void)unused;
	if (rc != RC_OK)
		return give_up(&b, rc);
	while (rc == RC_OK) {
		/* The parent closes its end when it needs no more verdicts. */
		if (frame_next(&b.line, sock, FRAME_MAX, 0, &b.order, &b.fd,
			SIGNER_NAME) != RC_OK)
			return RC_OK;
		err_clear();
		rc = child_answer(&b, read_order(&b, &b.fd));
		if (!frame_is_here(&b.line)) /* nobody wanted it */
			fd_close(&b.fd);
	}
	return rc;
}
