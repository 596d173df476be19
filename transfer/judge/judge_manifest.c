/* SPDX-License-Identifier: Apache-2.0 */
/* Form, signature and place in the channel, in the order that gives the
 * truest answer: another CA's response is no fork, and a fork is only an
 * alarm when it is signed. Until the signature is proven only the manifest's
 * head is read: a stranger's lists cost no memory. */
#include "base/own_ssl.h"
#include "transfer/judge/judge_response.h"
#include "transfer/rule.h"

/* Whose response it is. Read before the number, which means nothing else. */
static enum rc
check_channel(const struct evidence *r, const struct trust *trust,
    const struct manifest *m)
{
	if (memcmp(m->ca_id, trust->ca_id, SHA256_LEN) != 0)
		return rule_refuse(
		    RULE_CHANNEL, "%s: a response of another CA", r->from);
	if (r->loose != NULL)
		return !m->has_requester
			   ? RC_OK
			   : rule_refuse(RULE_CHANNEL,
				 "%s: a response of a requester's channel, not to loose CSRs",
				 r->from);
	if (!m->has_requester ||
	    memcmp(m->requester, r->channel->requester, SHA256_LEN) != 0)
		return rule_refuse(RULE_CHANNEL,
		    "%s: a response for another requester", r->from);
	return RC_OK;
}

static enum rc
judge_manifest_check_signature(const char *from, const struct trust *trust,
    const struct cose *cose, const struct manifest *m)
{
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc;

	rc = judge_transfer_cert(from, trust, cose->cert, m->signed_at, &key);
	return rc != RC_OK ? rc : cose_verify(from, cose, key);
}

enum rc
judge_manifest_read(const char *from, const struct trust *trust,
    struct span file, struct manifest *ret)
{
	struct manifest head;
	struct cose cose;
	enum rc rc = cose_read(from, file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read_head(from, cose.payload, &head);
	if (rc == RC_OK)
		rc = judge_manifest_check_signature(from, trust, &cose, &head);
	return rc != RC_OK ? rc : manifest_read(from, cose.payload, ret);
}

/* What was accepted with this number, if that is still known. */
static enum rc
find_accepted(const struct evidence *r, uint32_t sequence, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	const struct head *head = &r->channel->head;

	*ret_known = sequence == head->sequence;
	if (*ret_known)
		memcpy(ret_digest, head->digest, SHA256_LEN);
	else if (r->accepted != NULL)
		return r->accepted(r->arg, sequence, ret_known, ret_digest);
	return RC_OK;
}

/* One that is not new: the very bytes that were accepted need no second look,
 * whichever transfer certificate was pinned then. Anything else is an alarm,
 * and so must be signed: strangers raise none. */
static enum rc
check_old(const struct evidence *r, const struct trust *trust,
    const struct cose *cose, struct response_verdict *v)
{
	const struct manifest *m = &v->manifest;
	uint8_t then[SHA256_LEN];
	bool known = false;
	enum rc rc = find_accepted(r, m->sequence, &known, then);

	if (rc != RC_OK)
		return rc;
	v->again = known && memcmp(then, v->head.digest, SHA256_LEN) == 0;
	if (v->again)
		return RC_OK;
	rc = judge_manifest_check_signature(r->from, trust, cose, m);
	if (rc != RC_OK)
		return rc;
	if (known)
		return rule_refuse(RULE_FORK,
		    "%s: number %u was accepted already, with other content",
		    r->from, (unsigned)m->sequence);
	return rule_refuse(RULE_REPLAY,
	    "%s: number %u, but number %u was accepted already", r->from,
	    (unsigned)m->sequence, (unsigned)r->channel->head.sequence);
}

static enum rc
check_next(const struct evidence *r, const struct manifest *m)
{
	const struct head *head =
	    r->channel->has_head ? &r->channel->head : NULL;
	uint32_t wanted = head == NULL ? 1 : head->sequence + 1;

	if (m->sequence != wanted)
		return rule_refuse(RULE_GAP,
		    "%s: number %u, but number %u is the next one", r->from,
		    (unsigned)m->sequence, (unsigned)wanted);
	if (m->has_previous != (head != NULL) ||
	    (head != NULL &&
		memcmp(m->previous, head->digest, SHA256_LEN) != 0))
		return rule_refuse(RULE_PREVIOUS,
		    "%s: does not continue the response that was accepted last",
		    r->from);
	if (head != NULL && m->ledger.count <= head->ledger.count)
		return rule_refuse(RULE_LEDGER_COUNT,
		    "%s: the CA's ledger had %llu records, and now %llu",
		    r->from, (unsigned long long)head->ledger.count,
		    (unsigned long long)m->ledger.count);
	return RC_OK;
}

/* The digest is of the bytes as they came: it becomes the head that the next
 * bundle echoes. */
enum rc
judge_manifest(const struct evidence *r, const struct trust *trust,
    struct response_verdict *v)
{
	const struct manifest *m = &v->manifest;
	struct cose cose;
	enum rc rc;

	rc = sha256(r->manifest, v->head.digest);
	if (rc == RC_OK)
		rc = cose_read(r->from, r->manifest, COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read_head(r->from, cose.payload, &v->manifest);
	if (rc == RC_OK)
		rc = check_channel(r, trust, m);
	if (rc == RC_OK && r->loose == NULL && r->channel->has_head &&
	    m->sequence <= r->channel->head.sequence)
		return check_old(r, trust, &cose, v);
	if (rc == RC_OK)
		rc = judge_manifest_check_signature(r->from, trust, &cose, m);
	if (rc == RC_OK)
		rc = manifest_read(r->from, cose.payload, &v->manifest);
	if (rc == RC_OK && r->loose == NULL)
		rc = check_next(r, m);
	if (rc != RC_OK)
		return rc;
	v->head.sequence = m->sequence;
	v->head.ledger = m->ledger;
	return RC_OK;
}
