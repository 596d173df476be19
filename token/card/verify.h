/* SPDX-License-Identifier: Apache-2.0 */
/** Is a token's signature good, by its public key alone? */
#ifndef TOKEN_CARD_VERIFY_H
#define TOKEN_CARD_VERIFY_H

#include "token/wire/shape.h"

/** Verify what token_sign gave (ECDSA as r || s), with OpenSSL.
 * \retval RC_TOKEN        it does not verify
 * \retval RC_BUG, RC_IO   nobody could tell */
enum rc verify_signature(struct span spki, enum token_scheme scheme,
    struct span digest, struct span sig) MUST_CHECK;

#endif
