/* SPDX-License-Identifier: Apache-2.0 */
/** Tests of a key's numbers, and the list of keys whose private halves are
 * published. For transfer/x509/key only. */
#ifndef TRANSFER_X509_KEY_ARITH_H
#define TRANSFER_X509_KEY_ARITH_H

#include "base/hex.h"

/** Rules KEY-RSA-MODULUS (even, or a prime factor under 752), KEY-ROCA and
 * KEY-CLOSE-PRIMES (found by 100 rounds of Fermat's method).
 * \param modulus  big-endian, first byte not zero
 * \retval RC_POLICY, RC_IO (memory) */
enum rc key_rsa_check(const char *from, struct span modulus) MUST_CHECK;

#define ED25519_LEN 32 /* bytes of a public key (RFC 8032 5.1.5) */

/** Rule KEY-ED25519-POINT: a point that is not in canonical form, or of small
 * order. \retval RC_POLICY */
enum rc key_ed25519_check(
    const char *from, const uint8_t key[static ED25519_LEN]) MUST_CHECK;

/** Where the private half of the key with this SPKI SHA-256 is published; NULL
 * when it is not on the list. */
const char *key_block_get0(const uint8_t id[static SHA256_LEN]);

#endif
