/* SPDX-License-Identifier: Apache-2.0 */
/** Public keys as PKCS#11 has them, and as X.509 does (RFC 5280 4.1.2.7). */
#ifndef TOKEN_CARD_SPKI_H
#define TOKEN_CARD_SPKI_H

#include "base/buf.h"

/** The kinds of key that a token may hold for us. */
enum token_key_kind { TOKEN_KEY_OTHER, TOKEN_KEY_P256, TOKEN_KEY_P384, TOKEN_KEY_RSA };

/** What goes with a kind: the type's text, and the bytes of a signature. */
struct key_type {
	enum token_key_kind kind;
	unsigned bits;
};

/** "ec-p256", "ec-p384", "rsa-BITS" (2048 to 4096, a multiple of 8).
 * \retval RC_USAGE  another text; the sentence says what there is */
enum rc key_type_read(const char *text, struct key_type *ret) MUST_CHECK;

/** The same text; "other" for what it is not. */
#define KEY_TYPE_TEXT 16
void key_type_write(struct key_type type, char ret_text[static KEY_TYPE_TEXT]);

/** DER of CKA_EC_PARAMS for a curve; empty for others. */
struct span key_ec_params(enum token_key_kind kind);

/** CKA_EC_PARAMS and CKA_EC_POINT to an SPKI. The point comes wrapped in an
 * OCTET STRING (PKCS#11 2.40, 2.3.3) or, from some modules, bare. A curve that
 * is not ours gives TOKEN_KEY_OTHER and no bytes.
 * \retval RC_TOKEN  not a point of the curve */
enum rc spki_from_ec(struct span params, struct span point,
    struct key_type *ret_type, struct buf *ret_spki) MUST_CHECK;

/** CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian, to an SPKI.
 * \retval RC_TOKEN  no RSA key */
enum rc spki_from_rsa(struct span modulus, struct span exponent,
    struct key_type *ret_type, struct buf *ret_spki) MUST_CHECK;

/** An SPKI's own type, and the same SPKI written anew (so that two spellings of
 * a key compare equal). Other algorithms give TOKEN_KEY_OTHER and the bytes as is.
 * \retval RC_TOKEN  not an SPKI */
enum rc spki_from_der(struct span der, struct key_type *ret_type,
    struct buf *ret_spki) MUST_CHECK;

#endif
