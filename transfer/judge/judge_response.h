/* SPDX-License-Identifier: Apache-2.0 */
/** The steps of judge_response, for judge_*.c only. */
#ifndef TRANSFER_JUDGE_JUDGE_RESPONSE_H
#define TRANSFER_JUDGE_JUDGE_RESPONSE_H

#include "transfer/judge/judge_state.h"

/** Step 1: form, signature and place in the channel. Fills manifest and head of
 * the verdict, or only `again`. */
enum rc judge_manifest(const struct evidence *response,
    const struct trust *trust, struct response_verdict *verdict) MUST_CHECK;

/** The bundle that the manifest answers, if any: is it open, and the very one? Its
 * bytes stay as r->bundle says. Rule MANIFEST-BUNDLE. */
enum rc judge_bundle_find(const struct evidence *r, const struct manifest *m,
    struct span *ret_bytes, bool *ret_unasked) MUST_CHECK;

/** No serial of the manifest was seen before (r->seen). Rule CERT-SERIAL. */
enum rc judge_serials_new(
    const struct evidence *r, const struct manifest *m) MUST_CHECK;

/** No CRL of the manifest is older than what was accepted before, nor has a number
 * two (r->crl_known, r->crl_past). Rule CRL-NUMBER. */
enum rc judge_crls_new(
    const struct evidence *r, const struct manifest *m) MUST_CHECK;

/** The entries among themselves: numbers rise, and thisUpdate with them, for each
 * issuer and kind; a shadow is one of the files. Rules
 * CRL-NUMBER, CRL-FORM, MANIFEST-FILES. */
enum rc judge_crls_order(
    const char *from, const struct manifest *m) MUST_CHECK;

/** Regular CRLs against their entries, the keys of `trust`, and the certificates
 * of r->own. `place` gives the index of a file. Rules CRL-, MANIFEST-FILES. */
struct crls_judging {
	const struct evidence *r;
	const struct manifest *m;
	const struct trust *trust;
	enum rc (*place)(void *arg, struct span name, size_t *ret);
	void *arg;
};
enum rc judge_crls(const struct crls_judging *j) MUST_CHECK;

/** A file's bytes, piece by piece, however r gives them. */
enum rc judge_pieces(const struct evidence *r, size_t i,
    const struct file_sink *to) MUST_CHECK;

/** How many certificates and refusals there are. */
void judge_count(struct response_verdict *verdict);

/** Step 2: the results against the bundle's requests, dates included. */
enum rc judge_results(const char *from, const struct policy *policy,
    const struct manifest *manifest, const struct bundle *bundle) MUST_CHECK;

/** Steps 2 and 3 for loose CSRs: what stands for the requests, the results
 * against it, and one certificate, whose profile is looked for: `asked` then has
 * it. */
enum rc judge_loose_requests(const struct evidence *response,
    const struct manifest *manifest, struct bundle *ret) MUST_CHECK;
enum rc judge_loose_results(const struct evidence *response,
    const struct manifest *manifest) MUST_CHECK;
/** The same for the answer to a bundle that nobody here knows: requests of which
 * only the results tell, and results that can be of such. */
enum rc judge_unasked_requests(const struct evidence *response,
    const struct manifest *manifest, struct bundle *ret) MUST_CHECK;
/** Key, subject and names that a certificate has itself. */
enum rc judge_loose_facts(const char *from, struct span der,
    struct span *ret_spki, struct span *ret_subject,
    struct name_list *ret_names) MUST_CHECK;
struct loose_try {
	const struct loose_terms *terms; /* NULL: of an unasked response */
	const struct expected *expected; /* but for profile and names */
	struct cert_request *asked;
	bool no_csr_names; /* the CSR's are refused */
};
enum rc judge_loose_certificate(struct judge *judge, struct span der,
    const struct loose_try *try, struct judged *judged) MUST_CHECK;

/** Step 4: what becomes of the trust. Rule TRUST-CHANGE. */
enum rc judge_changes(const char *from, const struct trust *trust,
    struct response_verdict *verdict) MUST_CHECK;

#endif
