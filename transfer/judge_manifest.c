/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own_ssl.h"
#include "transfer/judge_response.h"
#include "transfer/rule.h"

/* Whose response it is. Read before the number, which means nothing else. */
static enum rc
check_channel(const struct response *r, const struct trust *trust,
    const struct manifest *m)
{
	if (memcmp(m->ca_id, trust->ca_id, SHA256_LEN) != 0)
		return rule_refuse(
		    "CHANNEL", "%s: a response of another CA", r->from);
	if (!m->has_requester ||
	    memcmp(m->requester, r->channel->requester, SHA256_LEN) != 0)
		return rule_refuse(
		    "CHANNEL", "%s: a response for another requester", r->from);
	return RC_OK;
}

/* One that is not new: accepted before, or another one in its place. */
static enum rc
check_old(const struct response *r, const struct manifest *m,
    const uint8_t *digest, bool *ret_again)
{
	uint8_t then[SHA256_LEN];
	bool known = false;
	enum rc rc = RC_OK;

	if (m->sequence == r->channel->head.sequence) {
		known = true;
		memcpy(then, r->channel->head.digest, SHA256_LEN);
	} else if (r->accepted != NULL) {
		rc = r->accepted(r->arg, m->sequence, &known, then);
	}
	if (rc != RC_OK)
		return rc;
	if (!known)
		return rule_refuse("REPLAY",
		    "%s: number %u, but number %u was accepted already",
		    r->from, (unsigned)m->sequence,
		    (unsigned)r->channel->head.sequence);
	if (memcmp(then, digest, SHA256_LEN) != 0)
		return rule_refuse("FORK",
		    "%s: number %u was accepted already, with other content",
		    r->from, (unsigned)m->sequence);
	*ret_again = true;
	return RC_OK;
}

static enum rc
check_next(const struct response *r, const struct manifest *m)
{
	const struct head *head =
	    r->channel->has_head ? &r->channel->head : NULL;
	uint32_t wanted = head == NULL ? 1 : head->sequence + 1;

	if (m->sequence != wanted)
		return rule_refuse("GAP",
		    "%s: number %u, but number %u is the next one", r->from,
		    (unsigned)m->sequence, (unsigned)wanted);
	if (m->has_previous != (head != NULL) ||
	    (head != NULL &&
		memcmp(m->previous, head->digest, SHA256_LEN) != 0))
		return rule_refuse("PREVIOUS",
		    "%s: does not continue the response that was accepted last",
		    r->from);
	if (head != NULL && m->ledger.count <= head->ledger.count)
		return rule_refuse("LEDGER-COUNT",
		    "%s: the CA's ledger had %llu records, and now %llu",
		    r->from, (unsigned long long)head->ledger.count,
		    (unsigned long long)m->ledger.count);
	return RC_OK;
}

static enum rc
check_signature(const struct response *r, const struct trust *trust,
    const struct cose *cose, const struct manifest *m)
{
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc;

	rc =
	    judge_transfer_cert(r->from, trust, cose->cert, m->signed_at, &key);
	return rc != RC_OK ? rc : cose_verify(r->from, cose, key);
}

enum rc
judge_manifest(const struct response *r, const struct trust *trust,
    struct response_verdict *v)
{
	const struct manifest *m = &v->manifest;
	struct cose cose;
	enum rc rc;

	rc = sha256(r->manifest, v->head.digest);
	if (rc == RC_OK)
		rc = cose_read(r->from, r->manifest, COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read(r->from, cose.payload, &v->manifest);
	if (rc == RC_OK)
		rc = check_channel(r, trust, m);
	/* Old ones first: their transfer certificate may be a past one. */
	if (rc == RC_OK && r->channel->has_head &&
	    m->sequence <= r->channel->head.sequence)
		return check_old(r, m, v->head.digest, &v->again);
	if (rc == RC_OK)
		rc = check_signature(r, trust, &cose, m);
	if (rc == RC_OK)
		rc = check_next(r, m);
	if (rc != RC_OK)
		return rc;
	v->head.sequence = m->sequence;
	v->head.ledger = m->ledger;
	return RC_OK;
}
