/* SPDX-License-Identifier: Apache-2.0 */
/** The passphrases of shadow CRLs: one for each requester that has them, for
 * good.
 *
 * They lie in the home (emergency.conf, mode 0600), since the CA makes the same
 * shadow files again years later. Online they are on paper, until the day.
 */
#ifndef CA_HOME_EMERGENCY_H
#define CA_HOME_EMERGENCY_H

#include "ca/home/home.h"

#define HOME_EMERGENCY "emergency.conf"

/** `ret` is appended to; *ret_any false: it has none yet.
 * \retval RC_STATE the file is damaged */
enum rc emergency_get(const struct home *home,
    const uint8_t key_id[static SHA256_LEN], struct buf *ret,
    bool *ret_any) MUST_CHECK;

/** Draw one where there is none, and keep it: durable when this returns.
 * \param[out] ret_new  it was drawn now, and nobody has seen it */
enum rc emergency_need(const struct home *home,
    const uint8_t key_id[static SHA256_LEN], bool *ret_new) MUST_CHECK;

#endif
