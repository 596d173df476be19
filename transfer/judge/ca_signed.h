/* SPDX-License-Identifier: Apache-2.0 */
/** A CA certificate's key and signature: are they strong, and whose are they?
 */
#ifndef TRANSFER_JUDGE_CA_SIGNED_H
#define TRANSFER_JUDGE_CA_SIGNED_H

#include "transfer/judge/ca_form.h"

#include <openssl/types.h>

/** Is the key as sound as a subscriber's must be? \retval RC_FORMAT rule
 * CA-CERT */
enum rc ca_key_check(const char *from, struct span spki) MUST_CHECK;

/** Is this AlgorithmIdentifier one that CAs sign with: ECDSA or PKCS#1 with
 * SHA-2, Ed25519? \retval RC_FORMAT rule CA-CERT */
enum rc ca_algorithm_check(const char *from, struct span algorithm) MUST_CHECK;

/** May a CA that signed itself have done it with this: one of these, or SHA-1
 * in the place of SHA-2? */
bool ca_own_algorithm(struct span algorithm, bool *ret_sha1);

/** Did this key sign that certificate, by one of these algorithms? SHA-1 counts
 * where issuer and subject are the same. "No" is *ret_good false; an error is
 * that nobody could tell. */
enum rc ca_is_signed(const char *from, const struct cert_parts *parts,
    EVP_PKEY *key, bool *ret_good) MUST_CHECK;

/** Did the key of `above` sign `below`, and does `below` name it: by issuer
 * and, where it has one, authorityKeyIdentifier? \retval RC_FORMAT rule
 * CA-CERT: `from` did not */
enum rc ca_signed_check(const char *from, const struct ca_form *above,
    const struct ca_form *below) MUST_CHECK;

#endif
