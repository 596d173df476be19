/* SPDX-License-Identifier: Apache-2.0 */
/** One submission, from its requests to its response.
 *
 * work_check decides and stores nothing: the operator looks at it. work_sign
 * is everything after Yes, in the order that keeps a crash harmless.
 */
#ifndef CA_SIGN_WORK_H
#define CA_SIGN_WORK_H

#include "ca/intake/revoke.h"
#include "ca/intake/published.h"
#include "ca/sign/visit.h"

/** What one submission comes to, step by step. */
struct work {
	struct submission *s;
	struct policy resumed;	     /* the policy of a run that did not finish */
	const struct policy *policy; /* that, or the visit's */
	int64_t at;		     /* when the bundle is, or was, accepted */
	struct decisions decisions;
	struct revokes revokes;
	struct published published;
	struct progress progress; /* what earlier runs committed */
};
void work_wipe(struct work *w);

/** Check every request and every revocation: fills `w` in. Nothing is stored. */
enum rc work_check(struct visit *v, struct submission *s,
    void (*progress)(void *arg, uint64_t done), void *arg, struct work *ret)
    MUST_CHECK;

/** After Yes and the PIN: record the bundle, sign, make, judge and store the
 * response. An error leaves the bundle open for the next run. */
enum rc work_sign(struct visit *v, struct work *w,
    void (*progress)(void *arg, uint64_t done), void *arg,
    struct response *ret_response) MUST_CHECK;

#endif
