/* SPDX-License-Identifier: Apache-2.0 */
/** Fingerprints as PGP words: what two people compare aloud.
 *
 * The list is Juola and Zimmermann's (1995): a two-syllable word for a byte in
 * an even place, a three-syllable one in an odd place, so that swapped or lost
 * words are heard. 16 words show 128 bits.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/buf.h"

#define WORDS_BYTES 16 /* of a digest: its first 128 bits */

/** The word for a byte at a place (from 0). Static storage. */
const char *words_get0(uint8_t byte, size_t place);

/** Append the first 16 bytes of a SHA-256 as four lines of four words, each
 * line after `indent`, columns aligned. */
enum rc words_write(struct buf *out, const uint8_t digest[static 32],
    const char *indent) MUST_CHECK;

/** Show those lines to the operator, in bold. */
enum rc words_show(const uint8_t digest[static 32], const char *indent)
    MUST_CHECK;

#endif
