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
#include "transfer/judge/judge_asked.h"
#include "transfer/judge/judge_state.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/media/loose.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"
#include "transfer/sandbox/sandbox.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <stdlib.h>

#define SIGNER_NAME "signer"
#define CAS_MAX 16

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
	const char *rule = code == RC_OK ? "" : rule_name(rule_spoken());
	const char *text = code == RC_OK ? "" : err_text();
	WIPED(buf) frame = { 0 };
	struct cbor_out out;
	enum rc rc;

	cbor_out_init(&out, &frame);
	cbor_put_array(&out, 4);
	cbor_put_uint(&out, JUDGE_VERDICT);
	cbor_put_uint(&out, code);
	cbor_put_text(&out, span_str(rule));
	cbor_put_bytes(&out, span_str(text));
	rc = cbor_out_end(&out);
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
child_open_trust(struct bench *b, struct cbor_in *in)
{
	struct span der;
	uint64_t n;
	enum rc rc = cbor_take_array(in, "CA certificates", 1, CAS_MAX, &n);

	for (uint64_t i = 0; rc == RC_OK && i < n; i++) {
		rc = cbor_take_bytes(in, "CA certificate", 1, CSR_MAX, &der);
		if (rc == RC_OK)
			rc = trust_add_ca(&b->trust, "CA certificate", der);
	}
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "transfer certificate", 0, CSR_MAX, &der);
	if (rc == RC_OK)
		rc = buf_add_span(&b->trust.transfer_cert, der);
	return rc;
}

static enum rc
child_do_open(struct bench *b, struct cbor_in *in)
{
	struct span text;
	enum rc rc;

	bench_close(b);
	rc = cbor_take_bytes(in, "policy", 0, POLICY_FILE_MAX, &text);
	if (rc == RC_OK)
		rc = policy_parse("policy.conf", text, &b->policy);
	if (rc == RC_OK)
		rc = child_open_trust(b, in);
	if (rc == RC_OK)
		rc = judge_new(&b->trust, &b->policy, &b->judge);
	/* Each certificate is judged when it is signed, and again within its
	 * response: its bytes are compared both times, its signature is
	 * verified once. */
	if (rc == RC_OK)
		b->judge->remember = true;
	return rc;
}

/* ---- JUDGE_CERT ---------------------------------------------------------- */

/* As bytes: names went through name_check on both sides, and UTF-8 is no
 * matter here. */
static enum rc
child_take_names(struct bench *b, struct cbor_in *in, struct expected *e)
{
	uint64_t n, two, type;
	enum rc rc = cbor_take_array(in, "names", 0, NAMES_MAX, &n);

	for (uint64_t i = 0; rc == RC_OK && i < n; i++) {
		rc = cbor_take_array(in, "name", 2, 2, &two);
		if (rc == RC_OK)
			rc = cbor_take_uint(
			    in, "type", 0, NAME_TYPES - 1, &type);
		if (rc == RC_OK)
			rc = cbor_take_bytes(
			    in, "name", 1, SIZE_MAX, &b->names[i].text);
		if (rc == RC_OK)
			b->names[i].type = (enum name_type)type;
	}
	e->names = b->names;
	e->n_names = rc == RC_OK ? (size_t)n : 0;
	return rc;
}

static enum rc
take_expected(struct bench *b, struct cbor_in *in, struct expected *e)
{
	bool null = false;
	struct span id;
	enum rc rc;

	rc = cbor_take_bytes(in, "spki", 1, CSR_MAX, &e->spki);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "profile", 1, CSR_MAX, &e->profile);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "serial", 0, SERIAL_MAX, &e->serial);
	if (rc == RC_OK)
		rc = cbor_take_int(in, "notBefore", &e->not_before);
	if (rc == RC_OK)
		rc = cbor_take_int(in, "notAfter", &e->not_after);
	if (rc == RC_OK)
		rc = cbor_take_null(in, &null);
	if (rc == RC_OK && !null) {
		rc = cbor_take_bytes(in, "issuer", SHA256_LEN, SHA256_LEN, &id);
		e->issuer = rc == RC_OK ? id.p : NULL;
	}
	return rc != RC_OK ? rc : child_take_names(b, in, e);
}

static enum rc
do_cert(struct bench *b, struct cbor_in *in)
{
	struct expected e = { 0 };
	char from[JUDGE_FROM_MAX + 1];
	struct span der, text;
	enum rc rc;

	if (b->judge == NULL)
		return err_set(RC_BUG, "judge: a certificate before the CA");
	rc = cbor_take_bytes(in, "certificate", 0, SIZE_MAX, &der);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "from", 0, JUDGE_FROM_MAX, &text);
	if (rc != RC_OK)
		return rc;
	(void)snprintf(from, sizeof(from), "%.*s", SPAN_FMT(text));
	e.from = from;
	rc = take_expected(b, in, &e);
	return rc != RC_OK ? rc : judge_certificate(b->judge, der, &e);
}

/* ---- JUDGE_ASKED --------------------------------------------------------- */

static enum rc
do_asked(struct bench *b, struct cbor_in *in)
{
	struct asked_cert cert = { 0 };
	struct span der;
	uint64_t request;
	enum rc rc;

	if (b->judge == NULL)
		return err_set(RC_BUG, "judge: a certificate before the CA");
	rc = cbor_take_bytes(in, "certificate", 0, SIZE_MAX, &der);
	if (rc == RC_OK)
		rc = cbor_take_uint(in, "request", 0, UINT32_MAX, &request);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "serial", 0, SERIAL_MAX, &cert.serial);
	if (rc == RC_OK)
		rc = cbor_take_int(in, "notBefore", &cert.not_before);
	if (rc == RC_OK)
		rc = cbor_take_int(in, "notAfter", &cert.not_after);
	if (rc != RC_OK)
		return rc;
	cert.request = (uint32_t)request;
	return asked_judge(b->judge, &b->asked, der, &cert);
}

/* ---- JUDGE_RESPONSE ------------------------------------------------------ */

/* A response whose files the parent has. */
struct remote {
	struct bench *b;
	struct evidence r;
	struct channel channel;
	char from[JUDGE_FROM_MAX + 1];
	struct span *names;   /* owned */
	struct sealed bundle; /* or the loose set */
	struct loose loose;
	struct loose_terms terms;
	struct buf frame, file, manifest;
};

static void
remote_wipe(struct remote *x)
{
	free(x->names);
	loose_wipe(&x->loose);
	sealed_wipe(&x->bundle);
	buf_wipe(&x->frame);
	buf_wipe(&x->file);
	buf_wipe(&x->manifest);
}

static enum rc
ask_file(struct remote *x, size_t i, uint64_t *ret_size)
{
	struct cbor_in in = { .from = SIGNER_NAME, .where = "file" };
	struct cbor_out out;
	uint64_t one;
	enum rc rc;

	buf_reset(&x->frame);
	cbor_out_init(&out, &x->frame);
	cbor_put_array(&out, 2);
	cbor_put_uint(&out, JUDGE_FILE);
	cbor_put_uint(&out, i);
	rc = cbor_out_end(&out);
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

static enum rc
take_head(struct cbor_in *in, struct channel *channel)
{
	struct head *head = &channel->head;
	struct span digest, hash;
	uint64_t four, sequence;
	bool null;
	enum rc rc = cbor_take_null(in, &null);

	if (rc != RC_OK || null)
		return rc;
	rc = cbor_take_array(in, "head", 4, 4, &four);
	if (rc == RC_OK)
		rc = cbor_take_uint(in, "sequence", 1, UINT32_MAX, &sequence);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "digest", SHA256_LEN, SHA256_LEN, &digest);
	if (rc == RC_OK)
		rc = cbor_take_uint(
		    in, "count", 0, UINT64_MAX, &head->ledger.count);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "hash", SHA256_LEN, SHA256_LEN, &hash);
	if (rc != RC_OK)
		return rc;
	channel->has_head = true;
	head->sequence = (uint32_t)sequence;
	memcpy(head->digest, digest.p, SHA256_LEN);
	memcpy(head->ledger.hash, hash.p, SHA256_LEN);
	return RC_OK;
}

static enum rc
take_file_names(struct cbor_in *in, struct remote *x)
{
	uint64_t n;
	enum rc rc;

	rc = cbor_take_array(in, "files", 0, MEDIA_FILES_MAX, &n);
	if (rc != RC_OK)
		return rc;
	x->names = calloc((size_t)n + 1, sizeof(*x->names));
	if (x->names == NULL)
		return err_memory();
	for (uint64_t i = 0; i < n && rc == RC_OK; i++)
		rc = cbor_take_bytes(
		    in, "file name", 1, MEDIA_NAME_MAX, &x->names[i]);
	x->r.names = x->names;
	x->r.n_names = (size_t)n;
	return rc;
}

/* What is answered: a bundle, or a loose set for one profile. */
static enum rc
child_take_copy(struct remote *x, bool loose, struct span profile, int *fd)
{
	enum rc rc = sealed_map(*fd, &x->bundle);

	if (rc != RC_OK)
		return rc;
	*fd = -1; /* the map's now */
	if (!loose)
		return RC_OK;
	x->terms = (struct loose_terms){ &x->loose, profile };
	x->r.loose = &x->terms;
	return loose_read(x->bundle.bytes, &x->loose);
}

static enum rc
child_take_response(struct cbor_in *in, struct remote *x, int *fd)
{
	struct span text, requester;
	struct span profile = SPAN_NONE;
	uint64_t copy = COPY_NONE;
	enum rc rc;

	rc = cbor_take_bytes(in, "from", 0, JUDGE_FROM_MAX, &text);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "requester", SHA256_LEN, SHA256_LEN, &requester);
	if (rc == RC_OK)
		rc = take_head(in, &x->channel);
	if (rc == RC_OK)
		rc = cbor_take_uint(in, "copy", 0, COPY_LOOSE, &copy);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "profile", 0, CSR_MAX, &profile);
	if (rc == RC_OK)
		rc = take_file_names(in, x);
	if (rc != RC_OK)
		return rc;
	(void)snprintf(x->from, sizeof(x->from), "%.*s", SPAN_FMT(text));
	memcpy(x->channel.requester, requester.p, SHA256_LEN);
	return copy == COPY_NONE
		   ? RC_OK
		   : child_take_copy(x, copy == COPY_LOOSE, profile, fd);
}

static enum rc
do_response(struct bench *b, struct cbor_in *in, int *fd)
{
	WIPED(response_verdict) verdict = { 0 };
	WIPED(remote) x = { .b = b, .bundle = { .fd = -1 } };
	enum rc rc;

	if (b->judge == NULL)
		return err_set(RC_BUG, "judge: a response before the CA");
	x.r.from = x.from;
	x.r.channel = &x.channel;
	x.r.file = remote_file;
	x.r.bundle = remote_bundle;
	x.r.arg = &x;
	rc = child_take_response(in, &x, fd);
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

/* ---- the loop ------------------------------------------------------------ */

/* Orders come from the signer, which is trusted; the checks are for our own
 * mistakes. */
static enum rc
do_order(struct bench *b, int *fd)
{
	struct cbor_in in = { .from = SIGNER_NAME, .where = "order" };
	uint64_t items, order;
	enum rc rc;

	in.rest = b->order;
	rc = cbor_in_check(SIGNER_NAME, in.rest);
	if (rc == RC_OK)
		rc = cbor_take_array(&in, "order", 1, 16, &items);
	if (rc == RC_OK)
		rc = cbor_take_uint(
		    &in, "order", JUDGE_OPEN, JUDGE_ASKED, &order);
	if (rc != RC_OK)
		return rc;
	switch ((enum judge_order)order) {
	case JUDGE_OPEN:
		return child_do_open(b, &in);
	case JUDGE_CERT:
		return do_cert(b, &in);
	case JUDGE_RESPONSE:
		return do_response(b, &in, fd);
	case JUDGE_LEVEL:
		return RC_OK;
	case JUDGE_BUNDLE:
		return asked_open(&b->asked, fd);
	case JUDGE_ASKED:
		return do_asked(b, &in);
	}
	return err_set(RC_BUG, "judge: no such order");
}

static enum rc
child_settle(void)
{
	enum rc rc = sandbox_leave_terminal();

	if (rc == RC_OK)
		rc = preload();
	return rc == RC_OK ? sandbox_strict() : rc;
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
	enum rc rc = child_settle();

	(void)unused;
	if (rc != RC_OK)
		return give_up(&b, rc);
	while (rc == RC_OK) {
		/* The parent closes its end when it needs no more verdicts. */
		if (frame_next(&b.line, sock, FRAME_MAX, 0, &b.order, &b.fd,
			SIGNER_NAME) != RC_OK)
			return RC_OK;
		err_clear();
		rc = child_answer(&b, do_order(&b, &b.fd));
		if (!frame_is_here(&b.line)) /* nobody wanted it */
			fd_close(&b.fd);
	}
	return rc;
}
