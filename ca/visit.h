/* SPDX-License-Identifier: Apache-2.0 */
/** One visit of a stick: everything that `sign` holds while it runs.
 *
 * The order is fixed: children first, while nothing else is open (readers,
 * token process, judge), then home, ledger and policy, then clock and network
 * are looked at. The PIN is asked for only after the first Yes.
 */
#ifndef CA_VISIT_H
#define CA_VISIT_H

#include "ca/home.h"
#include "ca/intake.h"
#include "ca/keys.h"
#include "ca/reply.h"
#include "transfer/judge.h"

#define READERS_MAX 8

struct visit_options {
	const char *home;
	const char *media; /* a directory, or one bundle file */
	const char *out;   /* where responses go */
	bool dry_run, allow_network;
	struct token_options token;
};

struct visit {
	struct child readers[READERS_MAX];
	size_t n_readers;
	struct child judge;
	struct token *token;
	struct home home;
	struct ledger *ledger;
	struct policy policy;
	struct ledger_ca ca;
	struct trust trust; /* the CA, as a requester pins it */
	struct ca_window window;
	struct token_conf conf;
	struct keys keys;
	bool keys_open;
	struct media media; /* for writing */
	int64_t now;
	struct buf interfaces; /* names of those that are up */
	bool policy_changed;   /* since the newest record */
	struct sandbox_level sandbox;
};
void visit_wipe(struct visit *v);

/** Open all of it. Rules NETWORK-UP, CLOCK-BEHIND, CLOCK-AHEAD, POLICY.
 * With dry_run the network may be up: nothing is signed. */
enum rc visit_open(const struct visit_options *options, struct visit *ret)
    MUST_CHECK;

/** The token, the PIN, both keys; once. */
enum rc visit_unlock(struct visit *v) MUST_CHECK;

#endif
