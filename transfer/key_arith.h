/* SPDX-License-Identifier: Apache-2.0 */
/** Tests of an RSA modulus that take arithmetic, and the list of keys whose
 * private halves are published. For transfer/key only. */
#ifndef TRANSFER_KEY_ARITH_H
#define TRANSFER_KEY_ARITH_H

#include "base/hex.h"

/** Rules KEY-RSA-MODULUS (even, or a prime factor under 752), KEY-ROCA and
 * KEY-CLOSE-PRIMES (found by 100 rounds of Fermat's method).
 * \param modulus  big-endian, first byte not zero
 * \retval RC_POLICY, RC_IO (memory) */
enum rc key_rsa_check(const char *from, struct span modulus) MUST_CHECK;

/** Where the private half of the key with this SPKI SHA-256 is published; NULL
 * when it is not on the list. */
const char *key_block_get0(const uint8_t id[static SHA256_LEN]);

#endif
