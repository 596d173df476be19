/* SPDX-License-Identifier: Apache-2.0 */
/** Passphrases of shadow CRLs, before the first of them is sealed: for `sign` and
 * `crl`.
 */
#ifndef CA_CMD_EMERGENCY_DRAW_H
#define CA_CMD_EMERGENCY_DRAW_H

#include "ca/home/act.h"

/** Draw one for each requester that policy has as `emergency` and that lacks one,
 * and show it to whoever sits at the terminal. */
enum rc emergency_draw_all(struct act *act) MUST_CHECK;
/** The same for one that is about to be enrolled under this label. */
enum rc emergency_draw_one(struct act *act, struct span label,
    const uint8_t key_id[static SHA256_LEN]) MUST_CHECK;

#endif
