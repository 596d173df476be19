/* SPDX-License-Identifier: Apache-2.0 */
/** The token that holds a key: looked for by what tokens show without a PIN.
 *
 * Labels and serials change (OpenSC shows the first certificate's name and the
 * CHUID, and both are written anew by other tools), and two cards may bear the
 * same. A public key does not. So a URI is a hint here, and no PIN is asked
 * before the key was seen, or a token named by the URI shows no key at all.
 */
#ifndef TOKEN_CARD_SEEK_H
#define TOKEN_CARD_SEEK_H

#include "token/p11/find.h"

/** What is looked for. */
struct seek {
	const char *module;    /* the only module to look in; NULL: all */
	const struct uri *uri; /* where it was; matches all when it is empty */
	const char *said_by;   /* the file that says so, for sentences; NULL */
	const struct span *spki; /* any of these keys makes it the one */
	size_t n;
};

/** The modules of other tokens are unloaded then. Where it is not what the URI
 * names, that is said to the person.
 * \retval RC_TOKEN no token shows the key, and none is named that hides its
 *keys: the sentence says what is there */
enum rc seek_token(
    struct rack *rack, const struct seek *seek, struct found *ret) MUST_CHECK;

#endif
