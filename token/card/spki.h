/* SPDX-License-Identifier: Apache-2.0 */
/** Public keys as PKCS#11 has them, and as X.509 does (RFC 5280 4.1.2.7). */
#ifndef TOKEN_CARD_SPKI_H
#define TOKEN_CARD_SPKI_H

#include "base/buf.h"
#include "base/key_type.h"

/** CKA_EC_PARAMS and CKA_EC_POINT to an SPKI. The point comes wrapped in an
 * OCTET STRING (PKCS#11 2.40, 2.3.3) or, from some modules, bare. A curve that
 * is none of KEY_OF_TOKEN gives KEY_OTHER and no bytes.
 * \retval RC_TOKEN  not a point of the curve */
enum rc spki_from_ec(struct span params, struct span point,
    struct key_type *ret_type, struct buf *ret_spki) MUST_CHECK;

/** CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian, to an SPKI.
 * \retval RC_TOKEN  no RSA key */
enum rc spki_from_rsa(struct span modulus, struct span exponent,
    struct key_type *ret_type, struct buf *ret_spki) MUST_CHECK;

/** An SPKI's own type, and the same SPKI written anew (so that two spellings of
 * a key compare equal). Other algorithms give KEY_OTHER and the bytes as is.
 * \retval RC_TOKEN  not an SPKI */
enum rc spki_from_der(struct span der, struct key_type *ret_type,
    struct buf *ret_spki) MUST_CHECK;

#endif
