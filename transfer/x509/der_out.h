/* SPDX-License-Identifier: Apache-2.0 */
/** A writer of DER (X.690): headers with the shortest length, and their bytes.
 *
 * For the few structures that are built by hand because the bytes themselves
 * are what is compared. transfer/x509/der.h is the reader.
 */
#ifndef TRANSFER_X509_DER_OUT_H
#define TRANSFER_X509_DER_OUT_H

#include "base/buf.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_EXPLICIT(n) (uint8_t)(0xa0 + (n)) /* [n], constructed */

/** Append a header for `n` bytes of content. \retval RC_IO no memory */
enum rc der_put_header(struct buf *out, uint8_t tag, size_t n) MUST_CHECK;

/** Append header and content. */
enum rc der_put(struct buf *out, uint8_t tag, struct span content) MUST_CHECK;

/** Append an INTEGER from a magnitude (big-endian, first byte not zero). */
enum rc der_put_unsigned(struct buf *out, struct span magnitude) MUST_CHECK;

/** The first second of 2050: a Time before it is a UTCTime, else a GeneralizedTime
 * (RFC 5280 4.1.2.5). */
#define DER_UTC_END INT64_C(2524608000)

/** Append a Time as that wants it. */
enum rc der_put_time(struct buf *out, int64_t at) MUST_CHECK;

#endif
