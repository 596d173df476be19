/* SPDX-License-Identifier: Apache-2.0 */
/* The online side's end of the judgement of a card: what a stranger may have
 * made of certificates is parsed elsewhere, and what people compare is made
 * here. */
#include "base/file.h"
#include "transfer/judge/card_judge.h"
#include "transfer/judge/judge_wire.h"

/* A refusal, or what the card offers and then that it is good. */
static enum rc
offer_recv(struct child *judge, struct offer *o)
{
	struct judge_said a = { 0 };
	enum rc rc = judge_answer_recv(judge, &a);

	if (rc == RC_OK && a.kind == JUDGE_VERDICT && a.rc != RC_OK)
		return judge_verdict_pass(&a);
	if (rc == RC_OK && a.kind != JUDGE_OFFER)
		rc = judge_lied_about("of a card, without what it offers");
	if (rc == RC_OK)
		rc = buf_add_span(&o->subject, a.subject);
	o->until = a.until;
	return rc != RC_OK ? rc : judge_recv(judge);
}

static enum rc
card_order(struct child *judge, const char *from, struct span file, int64_t now)
{
	const struct judge_order order = { .kind = JUDGE_CARD,
		.from = span_of(from, strnlen(from, ERR_TEXT_MAX - 1)),
		.now = now };
	OWN_FD copy = -1;
	enum rc rc = sealed_make(file, &copy);

	return rc != RC_OK ? rc : judge_order_send(judge, &order, copy);
}

enum rc
card_ask(struct child *judge, const char *from, struct span file, int64_t now,
    struct offer *ret)
{
	WIPED(offer) o = { 0 };
	struct cose cose;
	enum rc rc = card_order(judge, from, file, now);

	if (rc == RC_OK)
		rc = offer_recv(judge, &o);
	if (rc == RC_OK)
		rc = cose_read(from, file, COSE_CARD, &cose);
	if (rc == RC_OK)
		rc = card_read(from, cose.payload, &o.card);
	if (rc == RC_OK)
		rc = sha256(o.card.certs[0], o.fingerprint);
	if (rc != RC_OK)
		return rc;
	o.transfer_cert = cose.cert;
	*ret = o;
	o = (struct offer){ 0 };
	return RC_OK;
}
