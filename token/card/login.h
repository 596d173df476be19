/* SPDX-License-Identifier: Apache-2.0 */
/** The PIN: asked for or read, tried once per prompt, kept locked, wiped.
 *
 * A token counts wrong PINs and locks itself. So its flags are read right
 * before each try, a final try is left alone unless the operator says so, and a
 * PIN that was refused is never sent again.
 */
#ifndef TOKEN_CARD_LOGIN_H
#define TOKEN_CARD_LOGIN_H

#include "base/secret.h"
#include "token/p11/session.h"

struct login {
	struct pin *pin;   /* a locked page of its own; len 0: none is kept */
	char *file;	   /* where it is read from; NULL: it is asked for */
	bool last_try;	   /* use the final try */
	bool ask_each;	   /* keep no PIN: ask before each signature */
	bool done;	   /* logged in */
};

/** Map and lock the page. \retval RC_IO no memory */
enum rc login_init(struct login *l, bool last_try, bool ask_each) MUST_CHECK;
/** Wipe the PIN and unmap. */
void login_wipe(struct login *l);
/** Forget PIN, source and login, for another token. */
void login_forget(struct login *l);

/** Log in as the user. At a terminal a wrong PIN is asked for again.
 * \retval RC_TOKEN  wrong PIN, final try, locked, none set
 * \retval RC_USAGE  no terminal and no pin-source */
enum rc login_user(struct login *l, const struct session *s) MUST_CHECK;

/** Log in for one signature, between C_SignInit and C_Sign (keys with
 * CKA_ALWAYS_AUTHENTICATE). One try, with the PIN of login_user; with ask_each
 * it is asked for anew. After a refusal the PIN is forgotten. */
enum rc login_context(
    struct login *l, const struct session *s) MUST_CHECK;

/** With ask_each and a key that needs no context login: log out and in again,
 * so that the operator answers for this signature too. */
enum rc login_again(struct login *l, const struct session *s) MUST_CHECK;

/** Log in once more with the PIN that is kept: a card that another program has
 * reset forgets the login. One try; a PIN that was refused is not kept.
 * \retval RC_TOKEN no PIN is kept, or the card refuses it */
enum rc login_repeat(struct login *l, const struct session *s) MUST_CHECK;

/** What the flags say is left, as half a sentence. Static storage. */
const char *login_tries_left(CK_FLAGS flags);

/** May a PIN be tried, by the token's flags? */
enum rc login_allowed(const char *name, CK_FLAGS flags, bool last_try) MUST_CHECK;

/** Get a new PIN: read from a file, else asked for twice.
 * \retval RC_TOKEN  the two differ, or its length is outside min..max */
enum rc login_new_pin(const char *what, const char *source,
    const CK_TOKEN_INFO *info, struct pin *ret_pin) MUST_CHECK;

#endif
