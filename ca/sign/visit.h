/* SPDX-License-Identifier: Apache-2.0 */
/** One visit of a stick: everything that `sign` holds while it runs.
 *
 * An act (ca/home/act.h), and the readers, which are started with its other children
 * while nothing else is open. The PIN is asked for only after the first Yes.
 */
#ifndef CA_SIGN_VISIT_H
#define CA_SIGN_VISIT_H

#include "ca/home/act.h"
#include "ca/intake/intake.h"
#include "ca/response/response.h"
#include "transfer/judge/judge.h"

#define READERS_MAX 8

struct visit_options {
	struct act_options act; /* out: where responses go */
	const char *media;	/* a directory, or one bundle file */
};

struct visit {
	struct act act;
	struct reader readers[READERS_MAX];
	size_t n_readers;
	struct trust trust; /* the CA, as a requester pins it */
	struct ca_window window;
	bool keys_open;
	bool policy_changed; /* since the newest record */
	struct sandbox_level sandbox;
};
#define VISIT_NONE ((struct visit){ .act = ACT_NONE })
void visit_wipe(struct visit *v);

/** Open all of it. Rules NETWORK-UP, CLOCK-BEHIND, CLOCK-AHEAD, POLICY.
 * With dry_run the network may be up: nothing is signed. */
enum rc visit_open(const struct visit_options *options, struct visit *ret)
    MUST_CHECK;

/** The token, the PIN, both keys; once. */
enum rc visit_unlock(struct visit *v) MUST_CHECK;

#endif
