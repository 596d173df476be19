/* SPDX-License-Identifier: Apache-2.0 */
/** A command's work that a stranger's bytes may take over. */
#ifndef TRANSFER_ONLINE_CMD_CMD_APART_H
#define TRANSFER_ONLINE_CMD_CMD_APART_H

#include "base/err.h"

/** Do it in a process that is locked in like the judge, holds what this one holds now
 * and has neither terminal nor file. What it prints on stdout is passed on as it
 * comes, as long as it is [\x20-\x7e] and newlines; its result is ours.
 * \retval RC_STATE rule SANDBOX; RC_IO it died, or is silent; RC_BUG it lies; or what
 *                  `work` came to */
enum rc cmd_apart(enum rc (*work)(void *arg), void *arg) MUST_CHECK;

#endif
