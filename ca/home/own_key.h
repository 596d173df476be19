/* SPDX-License-Identifier: Apache-2.0 */
/** A key of the CA's own on the token: adopted, or made there. */
#ifndef CA_HOME_OWN_KEY_H
#define CA_HOME_OWN_KEY_H

#include "token/token.h"

#define OWN_KEY_TYPE "ec-p256" /* when nothing is said */

struct own_key {
	const char *what; /* "CA key", first words of every sentence */
	const char *type; /* to be made; NULL: adopted by `uri` */
	const char *uri;
	struct token_key key; /* once it is there */
	bool made;	      /* by this run */
};
void own_key_wipe(struct own_key *key);

/** Is this a type that a CA or transfer key may have?
 * \retval RC_USAGE the sentence says which */
enum rc own_key_type_check(const char *type) MUST_CHECK;

/** Adopt it or make it; log in first. A new one's label is `label`, "-" and 8
 * random hex digits, which no other on the token has. What comes is as good as
 * a subscriber's key must be, and never leaves the token.
 * \retval RC_TOKEN not there, cannot be made, extractable; the KEY- rules */
enum rc own_key_get(struct token *token, const char *label,
    struct own_key *key) MUST_CHECK;

/** Its URI for token.conf, with the pin-source of the URI that the token was
 * opened by (NULL: none). Appended. */
enum rc own_key_uri(const struct own_key *key, const char *opened_by,
    struct buf *out) MUST_CHECK;

#endif
