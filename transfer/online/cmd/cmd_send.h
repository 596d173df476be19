/* SPDX-License-Identifier: Apache-2.0 */
/** How a bundle gets from what was composed to a stick: for `request` and `revoke`. */
#ifndef TRANSFER_ONLINE_CMD_CMD_SEND_H
#define TRANSFER_ONLINE_CMD_CMD_SEND_H

#include "transfer/media/media.h"
#include "transfer/online/cmd/cmd.h"
#include "transfer/online/request/compose.h"

/** This host's own key. \retval RC_STATE it is gone */
enum rc send_read_key(const struct cmd_env *env, const struct store *store,
    EVP_PKEY **ret) MUST_CHECK;

/** Put what was finished on the stick, and say so. */
enum rc send_write(const struct cmd_env *env, const struct compose *compose,
    const struct media *media, const struct composed_bundle *bundle) MUST_CHECK;

/** Say what shall be revoked, and from when that counts. */
void send_tell_revocations(const struct compose *compose);

#endif
