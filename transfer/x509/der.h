/* SPDX-License-Identifier: Apache-2.0 */
/** A strict reader of DER (X.690 sections 8, 10 and 11) over borrowed bytes.
 *
 * Bytes that der_check passes are the one encoding of what they mean: lengths
 * definite and shortest, INTEGER and OBJECT IDENTIFIER shortest, BOOLEAN 00 or
 * FF, unused bits zero, SET sorted, text of its character set. What only a
 * schema knows (a DEFAULT that was written out, a tagged SET OF) is for the
 * caller, who has der_is_sorted for the latter. Nothing is allocated and no
 * byte leaves its span. transfer/x509/der_out.h is the writer.
 */
#ifndef TRANSFER_X509_DER_H
#define TRANSFER_X509_DER_H

#include "base/span.h"
#include "transfer/x509/der_out.h"

#define DER_NULL 0x05
#define DER_ENUMERATED 0x0a
#define DER_UTF8_STRING 0x0c
#define DER_NUMERIC_STRING 0x12
#define DER_PRINTABLE_STRING 0x13
#define DER_T61_STRING 0x14
#define DER_IA5_STRING 0x16
#define DER_UNIVERSAL_STRING 0x1c
#define DER_BMP_STRING 0x1e
#define DER_SET 0x31
#define DER_CONSTRUCTED 0x20
#define DER_CONTEXT(n) (uint8_t)(0x80 + (n)) /* [n], primitive */

#define DER_DEPTH_MAX 16

/** One value: its tag, its content, and the whole of it with its header. */
struct der {
	uint8_t tag;
	struct span content, whole;
};

/** Take the next value off the front, whatever it is. False, and `*in` as it
 * was, at the end, for a header that is not DER, or a length past the end. */
bool der_next(struct span *in, struct der *ret);

/** Take the next value if it has this tag; its content. */
bool der_take(struct span *in, uint8_t tag, struct span *ret_content);

/** The same, giving all of it. */
bool der_take_whole(struct span *in, uint8_t tag, struct der *ret);

/** Take an INTEGER that is not negative: its magnitude without leading zeros
 * (n 0 for zero). */
bool der_take_unsigned(struct span *in, struct span *ret_magnitude);

/** Take a BIT STRING of whole octets. */
bool der_take_bits(struct span *in, struct span *ret_octets);

/** Take a Time (RFC 5280 4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050
 * on; to the second, in UTC, and of a day that there is. */
bool der_take_time(struct span *in, int64_t *ret_at);

/** Take a GeneralizedTime of any year, for where only that may stand. */
bool der_take_generalized(struct span *in, int64_t *ret_at);

/** Is this exactly one value of strict DER, all the way down?
 * \param[out] ret_what  what is wrong, for a sentence; NULL when nothing is
 * \param[out] ret_at    the offset of the value that is wrong */
bool der_check(struct span bytes, const char **ret_what, size_t *ret_at);

/** Do the values of a SET OF stand in rising order (X.690 11.6)? */
bool der_is_sorted(struct span content);

/** Is this text of the string type `tag`, without control characters? False for
 * tags that are no string. */
bool der_is_text(uint8_t tag, struct span content);

/** An OBJECT IDENTIFIER's content in dotted form; "?" when it does not fit. */
#define DER_OID_TEXT 128
void der_oid_text(struct span content, char ret_text[static DER_OID_TEXT]);

/** Is it well-formed UTF-8 (RFC 3629)? `ret_at`, when not NULL, is set to the
 * first byte that is not. */
bool utf8_check(struct span text, size_t *ret_at);

#endif
