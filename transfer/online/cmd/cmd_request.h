/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of the subcommand `request` that have a file of their own. */
#ifndef TRANSFER_ONLINE_CMD_CMD_REQUEST_H
#define TRANSFER_ONLINE_CMD_CMD_REQUEST_H

#include "transfer/online/cmd/cmd.h"
#include "transfer/online/request/compose.h"

/** Put into `compose` what is to be renewed of `names` (none: of all), and say
 * what becomes of each.
 * \retval RC_STATE nothing is to be renewed now */
enum rc request_renewal(struct compose *compose, const struct cmd_list *names,
    int64_t within) MUST_CHECK;

#endif
