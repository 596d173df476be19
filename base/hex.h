/* SPDX-License-Identifier: Apache-2.0 */
/** Lower-case hexadecimal, and the digest that most of it shows. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"

#define SHA256_LEN 32
#define SHA256_HEX (2 * SHA256_LEN + 1) /* with the terminator */

/** Write 2 * n digits and a terminator to `ret_text`. */
void hex_write(struct span bytes, char *ret_text);

/** Read exactly `n` bytes from `text`, which must be 2 * n hex digits of either
 * case; colons and spaces between bytes are passed over. False otherwise. */
bool hex_read(const char *text, uint8_t *ret_bytes, size_t n);

/** Read up to `max` bytes; the same spelling. False when empty or too long. */
bool hex_read_some(
    const char *text, uint8_t *ret_bytes, size_t max, size_t *ret_n);

/** SHA-256. \retval RC_BUG OpenSSL has no SHA-256 */
enum rc sha256(struct span bytes, uint8_t ret_digest[static SHA256_LEN])
    MUST_CHECK;
/** Of two spans, one after the other. */
enum rc sha256_two(struct span a, struct span b,
    uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;

#endif
