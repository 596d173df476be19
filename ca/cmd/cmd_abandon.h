/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of the command `abandon`: cmd_abandon.c closes a bundle with an
 * answer, cmd_abandon_lost.c without one, cmd_abandon_show.c is what the operator
 * sees before Yes.
 */
#ifndef CA_CMD_CMD_ABANDON_H
#define CA_CMD_CMD_ABANDON_H

#include "base/cmd.h"
#include "ca/lifecycle/abandon.h"

/** Close the bundle of this id, or beginning of one, without an answer. */
enum rc abandon_lost(struct cmd_env *env, const char *id) MUST_CHECK;

/** Is this what an id, or the beginning of one, looks like? */
bool abandon_is_id(const char *text);

/** The one unfinished bundle whose id begins so; by its whole id, any.
 * \retval RC_STATE rule BUNDLE-UNKNOWN: none, or several */
enum rc abandon_find(struct ledger *ledger, const char *id,
    struct ledger_bundle *ret) MUST_CHECK;

/** The screen before Yes. `s` NULL: the bundle is lost. */
enum rc abandon_show(struct ledger *ledger, const struct submission *s,
    const struct abandon *a) MUST_CHECK;

#endif
