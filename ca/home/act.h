/* SPDX-License-Identifier: Apache-2.0 */
/** What every act that signs opens: `export`, `transfer-key`, a visit of a stick.
 *
 * The order is fixed: children first, while nothing else is open that they could
 * inherit, then home, ledger and policy, then the clock and the network are
 * looked at. The PIN is asked for last, by keys_open.
 */
#ifndef CA_HOME_ACT_H
#define CA_HOME_ACT_H

#include "base/child.h"
#include "ca/home/keys.h"
#include "transfer/media/media.h"

struct act_options {
	const char *home;
	const char *out; /* a medium to write to; NULL: none */
	bool dry_run, allow_network;
	struct token_options token;
};

struct act {
	struct token *token;
	struct child judge;
	struct home home;
	struct ledger *ledger;
	struct policy policy;
	struct ledger_ca ca;
	struct token_conf conf;
	struct media media; /* of options.out */
	struct buf interfaces; /* names of those that are up */
	int64_t now;
	struct keys keys; /* after keys_open */
};
#define ACT_NONE ((struct act){ .judge = CHILD_NONE, .home = { .fd = -1 } })
void act_wipe(struct act *act);

/** Fork the token process and the judge. \retval RC_IO */
enum rc act_start(const struct act_options *options, struct act *act)
    MUST_CHECK;

/** Open the rest, after act_start. With dry_run the ledger is opened for reading, and the
 * network may be up: nothing is signed.
 * \retval RC_STATE no CA, in use, rules NETWORK-UP, CLOCK-BEHIND, CLOCK-AHEAD */
enum rc act_open(const struct act_options *options, struct act *act)
    MUST_CHECK;

/** Open the medium that will be written to, before anything is asked or signed;
 * NULL: none. \retval RC_IO it is not there, or cannot be written to */
enum rc act_media_open(const char *path, struct media *ret) MUST_CHECK;

/** Begin the transaction of this act: its clock and policy, and the record of a
 * network that is up. */
enum rc act_begin(struct act *act) MUST_CHECK;

#endif
