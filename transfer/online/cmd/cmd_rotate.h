/* SPDX-License-Identifier: Apache-2.0 */
/** What `rotate` does, for commands after which it has to be done at once. */
#ifndef TRANSFER_ONLINE_CMD_CMD_ROTATE_H
#define TRANSFER_ONLINE_CMD_CMD_ROTATE_H

#include "transfer/online/cmd/cmd.h"
#include "transfer/online/store/store.h"

/** Bring everything up to date that is deployed or published, and tell it, as JSON
 * too. The home is locked.
 * \retval RC_PARTIAL  somebody has to do something */
enum rc rotate_with(struct cmd_env *env, struct store *store, int64_t now,
    int64_t within) MUST_CHECK;

#endif
