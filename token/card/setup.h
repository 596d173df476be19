/* SPDX-License-Identifier: Apache-2.0 */
/** Initialising an empty token. */
#ifndef TOKEN_CARD_SETUP_H
#define TOKEN_CARD_SETUP_H

#include "token/p11/module.h"
#include "token/wire/shape.h"

/** Set label, SO PIN and user PIN of the module's one empty token; `*ret_slot`
 * is where it is.
 * \retval RC_TOKEN  no empty token, several, or the token refuses
 * \retval RC_USAGE  the label is empty or too long */
enum rc setup_run(struct module *module, const struct token_setup *setup,
    CK_SLOT_ID *ret_slot) MUST_CHECK;

#endif
