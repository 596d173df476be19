/* SPDX-License-Identifier: Apache-2.0 */
/** What the certificates on a token say of the time: it was that late already. */
#ifndef TOKEN_CARD_NEWEST_H
#define TOKEN_CARD_NEWEST_H

#include "token/p11/session.h"

#include <stdint.h>

/** When the newest of them begins, in seconds; 0: none, or none that can be read,
 * which says nothing of the time. \retval RC_IO no memory */
enum rc token_newest_read(const struct session *s, int64_t *ret_at) MUST_CHECK;

#endif
