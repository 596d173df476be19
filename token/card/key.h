/* SPDX-License-Identifier: Apache-2.0 */
/** Key pairs on the open token: what is there, and which one is meant. */
#ifndef TOKEN_CARD_KEY_H
#define TOKEN_CARD_KEY_H

#include "token/card/spki.h"
#include "token/p11/attr.h"
#include "token/p11/uri.h"
#include "token/wire/shape.h"

/** A pair as the token has it: objects of the same CKA_ID and key type. */
struct key {
	CK_OBJECT_HANDLE private, public; /* P11_NO_HANDLE: not there */
	struct key_type type;
	struct buf label; /* CKA_LABEL, raw */
	struct buf id;	  /* CKA_ID, raw */
	struct token_key shown;
};

struct token_keys {
	struct key *key;
	size_t n;
};
void token_keys_wipe(struct token_keys *keys);

/** Read every pair that is visible now. */
enum rc token_keys_read(const struct session *s, struct token_keys *ret) MUST_CHECK;

/** Read one pair anew, its objects known (after generation). */
enum rc key_read(const struct session *s, struct key *key) MUST_CHECK;
void key_wipe(struct key *key);

/** The one private key that the URI means; borrowed from `keys`.
 * \retval RC_TOKEN none, or several */
enum rc token_keys_find_uri(const struct session *s, const struct token_keys *keys,
    const struct uri *uri, const struct key **ret) MUST_CHECK;

/** The private key of an SPKI. \retval RC_TOKEN none */
enum rc token_keys_find_spki(const struct session *s, const struct token_keys *keys,
    struct span spki, const struct key **ret) MUST_CHECK;

#endif
