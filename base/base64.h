/* SPDX-License-Identifier: Apache-2.0 */
/** Base64 (RFC 4648 section 4) in the one spelling that a text of bytes has. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/** Append what `text` spells: whole groups of four, padding at the end alone, bits
 * that are not used zero (3.5), no white space. Lines are the caller's to join.
 * \retval RC_FORMAT it is not that; what was appended is worth nothing */
enum rc base64_read(struct span text, struct buf *out) MUST_CHECK;

/** Append that spelling, in one line. \retval RC_IO no memory */
enum rc base64_write(struct span bytes, struct buf *out) MUST_CHECK;

/** May this stand in Base64, padding included? */
bool base64_is_digit(uint8_t c);

#endif
