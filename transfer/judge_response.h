/* SPDX-License-Identifier: Apache-2.0 */
/** The steps of judge_response, for judge_*.c only. */
#ifndef TRANSFER_JUDGE_RESPONSE_H
#define TRANSFER_JUDGE_RESPONSE_H

#include "transfer/judge_state.h"

/** Step 1: form, signature and place in the channel. Fills manifest and head of
 * the verdict, or only `again`. */
enum rc judge_manifest(const struct response *response,
    const struct trust *trust, struct response_verdict *verdict) MUST_CHECK;

/** Step 2: the results against the bundle's requests, dates included. */
enum rc judge_results(const char *from, const struct policy *policy,
    const struct manifest *manifest, const struct bundle *bundle) MUST_CHECK;

/** Step 4: what becomes of the trust. Rule TRUST-CHANGE. */
enum rc judge_changes(const char *from, const struct trust *trust,
    struct response_verdict *verdict) MUST_CHECK;

#endif
