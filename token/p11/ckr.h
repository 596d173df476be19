/* SPDX-License-Identifier: Apache-2.0 */
/** What a PKCS#11 function answered, as a sentence.
 *
 * CK_RV goes no further than the call that gave it: it becomes a code and a
 * sentence here.
 */
#ifndef TOKEN_P11_CKR_H
#define TOKEN_P11_CKR_H

#include "base/err.h"
#include "token/p11/p11.h"

/** "CKR_PIN_INCORRECT", or NULL. */
const char *ckr_name(CK_RV rv);

/** Record "FMT: words (CKR_NAME)".
 * \retval RC_TOKEN  always, but
 * \retval RC_IO     the module ran out of the host's memory */
enum rc ckr_set(CK_RV rv, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
