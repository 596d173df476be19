/* SPDX-License-Identifier: Apache-2.0 */
/* Whose bundle it is, and whether its turn has come. The signature proves the
 * first. The rest guards against time: a bundle signed once must not be signed
 * again because a stick was kept, a ledger restored or a clock set. */
#include "ca/intake/submission.h"
#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/key.h"

#include <stdio.h>
#include <stdlib.h>

#define SEQUENCE_STEPS 1000 /* bundles that may go unanswered one after another */

void
submission_wipe(struct submission *s)
{
	bundle_wipe(&s->bundle);
	loose_wipe(&s->loose);
	free(s->before);
	requester_wipe(&s->requester);
	*s = (struct submission){ 0 };
}

void
submission_request_name(const struct submission *s, size_t i,
    char to[static SUBMISSION_REQUEST_TEXT])
{
	const struct cert_request *r = &s->bundle.requests[i];

	if (s->is_loose)
		(void)snprintf(to, SUBMISSION_REQUEST_TEXT, "%.*s",
		    SPAN_FMT(s->loose.items[i].name));
	else
		(void)snprintf(to, SUBMISSION_REQUEST_TEXT,
		    "request %zu (%.*s)", i + 1, SPAN_FMT(r->id));
}

struct span
submission_label(const struct submission *s)
{
	return s->known && !s->is_loose ? span_str(s->requester.label)
					: s->bundle.label;
}

/* The one place where this process gives foreign bytes to OpenSSL's decoder:
 * key_shape has matched them to a fixed prefix and length by then. */
static enum rc
submission_requester_key(const char *from, struct span spki, EVP_PKEY **ret_key)
{
	struct key_facts facts;
	const unsigned char *end = spki.p;
	EVP_PKEY *key;
	enum rc rc = key_shape(from, spki, &facts);

	if (rc != RC_OK)
		return err_in(rc, "the requester's key");
	key = d2i_PUBKEY(NULL, &end, (long)spki.n);
	if (key == NULL || end != spki.p + spki.n) {
		EVP_PKEY_free(key);
		return err_openssl(RC_FORMAT,
		    "%s: the requester's key is no public key", from);
	}
	*ret_key = key;
	return RC_OK;
}

/* The signature is checked with the key that the bundle itself carries. It
 * proves that one holder of that key made the whole; who that is, the ledger
 * says, or a person who compares words. */
static enum rc
check_signature(struct submission *s)
{
	const struct scanned *file = s->file;
	OWN(EVP_PKEY) *key = NULL;
	struct bundle head;
	enum rc rc = bundle_read_head(file->name, s->cose.payload, &head);

	if (rc == RC_OK)
		rc = sha256(head.spki, s->key_id);
	if (rc == RC_OK &&
	    !span_eq(s->cose.kid, span_of(s->key_id, sizeof(s->key_id))))
		rc = rule_refuse(RULE_BUNDLE_KID,
		    "%s: signed by another key than the one it carries",
		    file->name);
	if (rc == RC_OK)
		rc = submission_requester_key(file->name, head.spki, &key);
	return rc != RC_OK ? rc : cose_verify(file->name, &s->cose, key);
}

/* What takes memory comes behind the signature. */
enum rc
submission_read(const struct scanned *file, struct submission *ret)
{
	WIPED(submission) s = { .file = file };
	struct span bytes = file->copy.bytes;
	enum rc rc = sha256(bytes, s.digest);

	if (rc == RC_OK)
		rc = cose_read(file->name, bytes, COSE_BUNDLE, &s.cose);
	if (rc == RC_OK)
		rc = check_signature(&s);
	if (rc == RC_OK)
		rc = bundle_read(file->name, s.cose.payload, &s.bundle);
	if (rc != RC_OK)
		return rc;
	*ret = s;
	s = (struct submission){ 0 };
	return RC_OK;
}

/* A key has one label and a label one key: the policy goes by the label, and
 * the key alone is proven. */
static enum rc
check_label(const struct submission *s, struct ledger *ledger)
{
	uint8_t holder[SHA256_LEN];
	bool used;
	enum rc rc;

	if (s->known && span_eq_str(s->bundle.label, s->requester.label))
		return RC_OK;
	if (s->known)
		return rule_refuse(RULE_LABEL_OTHER,
		    "%s: calls itself \"%.*s\", but its key is enrolled as \"%s\"",
		    s->file->name, SPAN_FMT(s->bundle.label),
		    s->requester.label);
	rc = ledger_label_get(ledger, s->bundle.label, holder, &used);

	if (rc == RC_OK && used && memcmp(holder, s->key_id, SHA256_LEN) != 0)
		rc = rule_refuse(RULE_LABEL_TAKEN,
		    "%s: the label \"%.*s\" belongs to a requester with another key",
		    s->file->name, SPAN_FMT(s->bundle.label));
	return rc;
}

/* What the requester saw last must be part of this ledger's history. There are
 * three ways to have lost one's memory, told apart because their ways out
 * differ: the response is newer than the ledger (restored), it is another one
 * (two ledgers), or it was made over records that are not there (rolled back).
 */
static enum rc
compare_head(const struct submission *s, struct ledger *ledger)
{
	const struct head *head = &s->bundle.head;
	WIPED(ledger_manifest) ours = { 0 };
	bool known;
	enum rc rc;

	if (!s->bundle.has_head)
		return RC_OK;
	rc = ledger_manifest_get(
	    ledger, s->key_id, head->sequence, &ours, &known);
	if (rc != RC_OK)
		return rc;
	if (!known)
		return rule_refuse(RULE_HEAD_AHEAD,
		    "%s: the requester has response %u of this CA, which this ledger does not: it was restored from an old backup",
		    s->file->name, head->sequence);
	if (memcmp(ours.digest, head->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_FORK,
		    "%s: the requester has another response %u than this ledger: two ledgers have signed for one CA",
		    s->file->name, head->sequence);
	/* The records below an imported manifest are those that were lost: what
	 * it says of them itself is all there is to compare with. */
	if (ours.imported)
		known =
		    head->ledger.count == ours.over.count &&
		    memcmp(head->ledger.hash, ours.over.hash, SHA256_LEN) == 0;
	else
		rc = ledger_head_known(ledger, &head->ledger, &known);
	if (rc == RC_OK && !known)
		rc = rule_refuse(RULE_ROLLBACK,
		    "%s: the requester saw this CA's ledger with %llu records that it does not have: it was rolled back",
		    s->file->name, (unsigned long long)head->ledger.count);
	return rc;
}

/* Anybody can write a number. Only a key that a person has enrolled speaks of
 * this ledger: what another says stands or falls with its own bundle. */
static enum rc
check_head(const struct submission *s, struct ledger *ledger)
{
	enum rc rc = compare_head(s, ledger);

	if (rc == RC_OK || s->known || rule_spoken() == RULE_NONE)
		return rc;
	return rule_refuse(RULE_HEAD_CLAIMED,
	    "%s: claims to follow response %u of this CA as this ledger does not have it; its key is not enrolled here, so that this proves nothing",
	    s->file->name, s->bundle.head.sequence);
}

static enum rc
find_requester(struct submission *s, struct ledger *ledger)
{
	bool met = false;
	enum rc rc;

	requester_wipe(&s->requester);
	s->requester = (struct requester){ 0 };
	rc = ledger_requester_met(ledger, s->key_id, &s->requester, &met);
	s->known = rc == RC_OK && met && s->requester.removed == 0;
	return rc;
}

enum rc
submission_check_head(struct submission *s, struct ledger *ledger,
    const uint8_t ca_id[static SHA256_LEN])
{
	enum rc rc;

	if (memcmp(s->bundle.ca_id, ca_id, SHA256_LEN) != 0)
		return RC_OK;
	rc = find_requester(s, ledger);
	return rc != RC_OK || !s->known ? rc : check_head(s, ledger);
}

static enum rc
check_times(const struct submission *s, int64_t now)
{
	char at[CLOCK_TEXT], clock[CLOCK_TEXT];

	clock_write(now, clock);
	if (s->bundle.created - DAY > now) {
		clock_write(s->bundle.created, at);
		return rule_refuse(RULE_BUNDLE_CLOCK,
		    "%s: made at %s, more than a day after this machine's clock (%s)",
		    s->file->name, at, clock);
	}
	if (s->bundle.has_expires && now > s->bundle.expires) {
		clock_write(s->bundle.expires, at);
		return rule_refuse(RULE_BUNDLE_EXPIRED,
		    "%s: not to be processed after %s; the clock says %s",
		    s->file->name, at, clock);
	}
	return RC_OK;
}

/* Numbers are seconds of the requester's clock, or follow the last one. A number
 * out of the future would leave none for the bundles of today; after a clock was
 * wrong on both sides, the next ones follow it all the same. */
static enum rc
check_jump(const struct submission *s, int64_t now)
{
	const uint32_t last = s->requester.last_bundle;
	char clock[CLOCK_TEXT];

	if ((int64_t)s->bundle.sequence <= now + DAY ||
	    s->bundle.sequence - last <= SEQUENCE_STEPS)
		return RC_OK;
	clock_write(now, clock);
	return rule_refuse(RULE_SEQUENCE_AHEAD,
	    "%s: bundle %u of \"%.*s\"; wanted at most %lld, by this machine's clock (%s) and a day, or up to %d after bundle %u",
	    s->file->name, s->bundle.sequence, SPAN_FMT(submission_label(s)),
	    (long long)(now + DAY), clock, SEQUENCE_STEPS, last);
}

/* Met before under this id, from this key? Then it is the same to the byte, or
 * a replay. */
static enum rc
check_met(struct submission *s, struct ledger *ledger, bool *ret_met)
{
	enum rc rc = ledger_bundle_get(
	    ledger, s->key_id, s->bundle.id, &s->record, ret_met);

	if (rc != RC_OK || !*ret_met)
		return rc;
	if (memcmp(s->record.digest, s->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_REPLAY,
		    "%s: a bundle with this id and other content was processed before",
		    s->file->name);
	if (s->record.closed != 0)
		return rule_refuse(RULE_BUNDLE_CLOSED,
		    "%s: was closed as lost, without an answer", s->file->name);
	s->admission = s->record.answered != 0 ? ADMIT_ANSWERED : ADMIT_RESUME;
	return RC_OK;
}

/* Responses of a channel must come in the order of its bundles: whoever has the
 * answer to a later one takes no answer to an earlier one any more. */
static enum rc
check_unfinished(const struct submission *s, struct ledger *ledger)
{
	struct ledger_bundle *open = NULL;
	size_t n = 0;
	enum rc rc = ledger_bundles_open(ledger, &open, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		char id[2 * BUNDLE_ID_LEN + 1];

		if (memcmp(open[i].requester, s->key_id, SHA256_LEN) != 0)
			continue;
		hex_write(span_of(open[i].id, BUNDLE_ID_LEN), id);
		rc = rule_refuse(RULE_BUNDLE_UNFINISHED,
		    "%s: an earlier run did not finish %s.cose, bundle %u of \"%.*s\"; this is bundle %u",
		    s->file->name, id, open[i].sequence,
		    SPAN_FMT(submission_label(s)), s->bundle.sequence);
	}
	free(open);
	return rc;
}

enum rc
submission_admit(struct submission *s, struct ledger *ledger,
    const uint8_t ca_id[static SHA256_LEN], int64_t now)
{
	bool met;
	enum rc rc;

	/* Before anything is said of it: a stick may carry bundles for several
	 * CAs, and what is wrong with another's is not this ledger's to judge.
	 */
	s->admission = ADMIT_NEW;
	if (memcmp(s->bundle.ca_id, ca_id, SHA256_LEN) != 0) {
		s->admission = ADMIT_OTHER;
		return RC_OK;
	}
	/* The head before the id: on a ledger that was rolled back an old
	 * bundle looks new, and the answer to "met before?" is not to be
	 * trusted. */
	rc = find_requester(s, ledger);
	if (rc == RC_OK)
		rc = check_head(s, ledger);
	if (rc == RC_OK)
		rc = check_met(s, ledger, &met);
	/* An old answer is given again whatever its asker is called today. */
	if (rc == RC_OK && s->admission != ADMIT_ANSWERED)
		rc = check_label(s, ledger);
	/* What was met is finished or given again, however old it is: sequence
	 * and clock count for what is new. */
	if (rc != RC_OK || met)
		return rc;
	if (s->bundle.sequence <= s->requester.last_bundle)
		return rule_refuse(RULE_REPLAY,
		    "%s: bundle %u of \"%.*s\" comes after bundle %u was processed",
		    s->file->name, s->bundle.sequence,
		    SPAN_FMT(submission_label(s)), s->requester.last_bundle);
	rc = check_times(s, now);
	if (rc == RC_OK)
		rc = check_jump(s, now);
	return rc != RC_OK ? rc : check_unfinished(s, ledger);
}
