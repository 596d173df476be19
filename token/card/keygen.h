/* SPDX-License-Identifier: Apache-2.0 */
/** Making a key pair on the token. */
#ifndef TOKEN_CARD_KEYGEN_H
#define TOKEN_CARD_KEYGEN_H

#include "token/card/key.h"

/** Does the token's mechanism list allow this type and size?
 * \retval RC_TOKEN  no; the sentence says which sizes it takes */
enum rc keygen_possible(
    const struct session *s, struct key_type type) MUST_CHECK;

/** What is to be made. */
struct keygen {
	struct key_type type;
	struct span label, id; /* an empty id: a random one is drawn */
};

/** Make it: sensitive, not extractable, for signing. The module may understand
 * less than the full template, so the attributes are read back; a pair that
 * does not keep them is destroyed.
 * \retval RC_TOKEN  label or id taken, the token cannot, or does not comply */
enum rc keygen_run(const struct session *s, const struct keygen *what,
    struct key *ret_key) MUST_CHECK;

#endif
