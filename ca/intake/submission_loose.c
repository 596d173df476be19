/* SPDX-License-Identifier: Apache-2.0 */
/* Loose CSRs as a submission without a requester. What makes two of them the
 * same is the set of CSRs alone: who brings it again gets what it came to. */
#include "ca/intake/submission.h"
#include "transfer/rule.h"

#include <string.h>

/* Neither a profile nor a name has a line break. */
static enum rc
loose_asked_write(const struct loose_asked *asked, struct buf *all)
{
	enum rc rc = buf_add_span(all, asked->profile);

	for (size_t i = 0; i < asked->n_names && rc == RC_OK; i++) {
		rc = buf_add_str(all, "\n");
		if (rc == RC_OK)
			rc = name_write(all, &asked->names[i]);
	}
	return rc;
}

/* The ledger knows a submission by an id, and by a digest that tells whether
 * all of it is the same: for loose CSRs that is what is asked besides. */
static enum rc
identify(struct submission *s, const struct loose_asked *asked)
{
	WIPED(buf) all = { 0 };
	uint8_t set[SHA256_LEN];
	enum rc rc = loose_digest(&s->loose, set);

	if (rc == RC_OK)
		rc = buf_add(&all, set, sizeof(set));
	if (rc == RC_OK)
		rc = loose_asked_write(asked, &all);
	if (rc == RC_OK)
		rc = sha256(buf_span(&all), s->digest);
	if (rc == RC_OK)
		memcpy(s->bundle.id, set, BUNDLE_ID_LEN);
	return rc;
}

enum rc
submission_read_loose(const struct scanned *file,
    const struct loose_asked *asked, struct submission *ret)
{
	WIPED(submission)
	s = { .file = file, .is_loose = true, .known = true };
	enum rc rc = loose_read(file->copy.bytes, &s.loose);

	if (rc == RC_OK)
		rc = loose_requests(&s.loose, asked, &s.bundle.requests);
	if (rc != RC_OK)
		return rc;
	s.bundle.n_requests = s.loose.n;
	rc = identify(&s, asked);
	if (rc != RC_OK)
		return rc;
	*ret = s;
	s = (struct submission){ 0 };
	return RC_OK;
}

enum rc
submission_admit_loose(struct submission *s, struct ledger *ledger)
{
	bool met;
	enum rc rc = ledger_bundle_get(
	    ledger, s->key_id, s->bundle.id, &s->record, &met);

	s->admission = ADMIT_NEW;
	if (rc == RC_OK && !met)
		rc = loose_before_find(ledger, &s->loose, &s->before);
	if (rc != RC_OK || !met)
		return rc;
	if (memcmp(s->record.digest, s->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_LOOSE_PROFILE,
		    "loose CSRs: the same set was processed before, for another profile than \"%.*s\", or for other names",
		    SPAN_FMT(s->bundle.requests[0].profile));
	if (s->record.closed != 0)
		return rule_refuse(RULE_BUNDLE_CLOSED,
		    "%s: this set was closed with 'abandon'; with one CSR more or less it is another",
		    s->file->name);
	s->admission = s->record.answered != 0 ? ADMIT_ANSWERED : ADMIT_RESUME;
	return RC_OK;
}

enum rc
submission_set_terms(struct submission *s, const struct policy *policy)
{
	struct span name = s->bundle.requests[0].profile;
	const struct profile *profile = policy_profile_get0(policy, name);

	if (profile == NULL)
		return rule_refuse(RULE_PROFILE_UNKNOWN,
		    "the policy has no profile \"%.*s\"", SPAN_FMT(name));
	for (size_t i = 0; i < s->bundle.n_requests; i++)
		s->bundle.requests[i].validity.period = profile->validity;
	return RC_OK;
}
