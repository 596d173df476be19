/* SPDX-License-Identifier: Apache-2.0 */
/** PEM of certificates and CRLs (RFC 7468, strict form): blocks and nothing besides. */
#ifndef TRANSFER_X509_PEM_H
#define TRANSFER_X509_PEM_H

#include "base/buf.h"

#define PEM_CERTIFICATE "CERTIFICATE"
#define PEM_REQUEST "CERTIFICATE REQUEST"
#define PEM_CRL "X509 CRL"

/** Append one block: lines of 64 characters. */
enum rc pem_write(const char *label, struct span der, struct buf *out)
    MUST_CHECK;

/** Take the next block off the front of `*rest`. Lines end in LF or CR LF; no
 * text stands before, between or behind blocks. *ret_more is false at the end.
 * `ret_der` is reset first.
 * \retval RC_FORMAT not that form, or another label */
enum rc pem_next(const char *from, const char *label, struct span *rest,
    struct buf *ret_der, bool *ret_more) MUST_CHECK;

#endif
