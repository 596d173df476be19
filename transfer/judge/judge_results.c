/* SPDX-License-Identifier: Apache-2.0 */
/* Results against requests: one for each, in order, for the very CSR that was
 * sent, and with dates that follow from what was asked. */
#include "base/clock.h"
#include "transfer/judge/judge_response.h"
#include "transfer/rule.h"

/* The first notBefore: as asked, or the time of signing less the backdate.
 * The CA's clock may be a day behind ours (BUNDLE-CLOCK), and an interrupted
 * signing may go on later than it began. */
static enum rc
check_first_date(const char *from, const struct policy *policy,
    const struct manifest *m, const struct bundle *b, size_t i)
{
	const struct validity *asked = &b->requests[i].validity;
	int64_t first = m->results[i].certs[0].not_before;

	if (asked->has_not_before && first != asked->not_before)
		return rule_refuse(RULE_CERT_DATES,
		    "%s: result %zu begins at another time than asked", from,
		    i + 1);
	if (!asked->has_not_before &&
	    (first > m->signed_at ||
		first < b->created - DAY - policy->backdate))
		return rule_refuse(RULE_CERT_DATES,
		    "%s: result %zu does not begin when it was signed", from,
		    i + 1);
	return RC_OK;
}

static enum rc
judge_results_check_dates(const char *from, const struct manifest *m,
    const struct bundle *b, size_t i)
{
	const struct result *result = &m->results[i];
	const struct validity *asked = &b->requests[i].validity;

	for (uint32_t slot = 0; slot < result->n_certs; slot++) {
		const struct cert_entry *entry = &result->certs[slot];
		int64_t not_before, not_after;

		validity_slot(asked, result->certs[0].not_before, slot,
		    &not_before, &not_after);
		if (entry->not_before != not_before ||
		    entry->not_after != not_after)
			return rule_refuse(RULE_CERT_DATES,
			    "%s: certificate %u of result %zu has other dates than asked",
			    from, (unsigned)slot + 1, i + 1);
	}
	return RC_OK;
}

static enum rc
judge_results_check_result(const char *from, const struct policy *policy,
    const struct manifest *m, const struct bundle *b, size_t i)
{
	const struct cert_request *request = &b->requests[i];
	const struct result *result = &m->results[i];
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	if (!span_eq(result->id, request->id))
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: result %zu is for \"%.*s\", but \"%.*s\" was asked",
		    from, i + 1, SPAN_FMT(result->id), SPAN_FMT(request->id));
	rc = sha256(request->csr, digest);
	if (rc != RC_OK)
		return rc;
	if (memcmp(digest, result->csr_digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_CSR_DIGEST,
		    "%s: result %zu is for another CSR than was sent", from,
		    i + 1);
	if (result->n_certs == 0)
		return RC_OK; /* refused */
	if (result->n_certs != request->validity.count)
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: result %zu has %zu certificates, but %u were asked",
		    from, i + 1, result->n_certs,
		    (unsigned)request->validity.count);
	rc = check_first_date(from, policy, m, b, i);
	return rc != RC_OK ? rc : judge_results_check_dates(from, m, b, i);
}

enum rc
judge_results(const char *from, const struct policy *policy,
    const struct manifest *m, const struct bundle *b)
{
	size_t requests = b == NULL ? 0 : b->n_requests;
	size_t revocations = b == NULL ? 0 : b->n_revocations;

	if (m->n_results != requests || m->n_revocations != revocations)
		return rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: %zu results and %zu of revocations, but %zu and %zu were asked for",
		    from, m->n_results, m->n_revocations, requests,
		    revocations);
	for (size_t i = 0; i < requests; i++) {
		enum rc rc = judge_results_check_result(from, policy, m, b, i);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
