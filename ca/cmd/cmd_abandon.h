/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of the command `abandon`: cmd_abandon.c closes a bundle with an
 * answer, cmd_abandon_lost.c without one, cmd_abandon_find.c finds it in the
 * ledger, cmd_abandon_show.c is what the operator sees before Yes.
 */
#ifndef CA_CMD_CMD_ABANDON_H
#define CA_CMD_CMD_ABANDON_H

#include "base/cmd.h"
#include "ca/lifecycle/abandon.h"

/** The bundle that is meant. */
struct abandon_which {
	const char *id; /* or its beginning */
	const char
	    *requester; /* label, or SHA-256 of a key without one; or NULL */
};

/** Close it without an answer. */
enum rc abandon_lost(
    struct cmd_env *env, const struct abandon_which *which) MUST_CHECK;

/** Is this what an id, or the beginning of one, looks like? */
bool abandon_is_id(const char *text);

/** The one unfinished bundle whose id begins so; by its whole id, any.
 * \retval RC_STATE rule BUNDLE-UNKNOWN: none, or several */
enum rc abandon_find(struct ledger *ledger, const struct abandon_which *which,
    struct ledger_bundle *ret) MUST_CHECK;

/** The option that `airgap-ca abandon ID STICK` wants besides to close this
 * bundle and no other, with a blank before it; "" where the id stands for one.
 */
#define ABANDON_WHOSE (sizeof(" --requester ") + 2 * SHA256_LEN)
enum rc abandon_whose(struct ledger *ledger, const struct ledger_bundle *b,
    char ret_option[static ABANDON_WHOSE]) MUST_CHECK;

/** The screen before Yes. `s` NULL: the bundle is lost. */
enum rc abandon_show(struct ledger *ledger, const struct submission *s,
    const struct abandon *a) MUST_CHECK;

#endif
