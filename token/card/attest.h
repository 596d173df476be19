/* SPDX-License-Identifier: Apache-2.0 */
/** Attestation: the token's maker says that a key was made on the token. */
#ifndef TOKEN_CARD_ATTEST_H
#define TOKEN_CARD_ATTEST_H

#include "token/p11/session.h"

#include <openssl/types.h>

/** A certificate object's value, behind which tokens may have put more; NULL when
 * it is none, and OpenSSL's queue is empty. */
X509 *card_cert_parse(struct span der);

/** Look among the token's certificates for one about this key that carries a
 * maker's attestation extension, and for the one that signed it. Both stay
 * empty when there is none. */
enum rc attest_find(const struct session *s, struct span spki,
    struct buf *ret_cert, struct buf *ret_issuer) MUST_CHECK;

/** Is a certificate such an attestation of the key? */
bool attest_is_for(struct span cert, struct span spki);

/** The issuer's name of an attestation (not escaped), and whether `issuer`
 * signed it. Whose key that is, the maker's root certificate tells. */
enum rc attest_describe(struct span cert, struct span issuer,
    struct buf *ret_text, bool *ret_signed) MUST_CHECK;

#endif
