/* SPDX-License-Identifier: Apache-2.0 */
/** Is this signed by that key? Three answers: yes, no, and that nobody could
 * tell, for lack of memory say, which is an error and no rule's.
 *
 * OpenSSL has two. What it reports as an error for an ECDSA signature that is
 * no DER is a "no": such bytes are not given to it.
 */
#ifndef TRANSFER_X509_SIGNATURE_H
#define TRANSFER_X509_SIGNATURE_H

#include "base/err.h"
#include "base/span.h"

#include <openssl/types.h>
#include <stdbool.h>

/** By a context that was begun for verifying, with a key and its padding.
 * \retval RC_BUG, RC_IO  "FROM: its signature could not be verified" */
enum rc signature_of_hash(const char *from, EVP_PKEY_CTX *ctx,
    struct span signature, struct span hash, bool *ret_good) MUST_CHECK;

/** By OpenSSL's name of a digest that fits the key; NULL: Ed25519, which has
 * none. RSA is PKCS#1. The same errors. */
enum rc signature_of_message(const char *from, EVP_PKEY *key,
    const char *digest, struct span signature, struct span message,
    bool *ret_good) MUST_CHECK;

#endif
