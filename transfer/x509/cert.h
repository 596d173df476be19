/* SPDX-License-Identifier: Apache-2.0 */
/** Certificates as OpenSSL has them: read whole, asked for a field. What is only
 * taken apart, without an object, is in transfer/x509/tbs.h.
 */
#ifndef TRANSFER_X509_CERT_H
#define TRANSFER_X509_CERT_H

#include "base/buf.h"

#include <openssl/types.h>

/* Bytes, the limits of docs/transfer.cddl. */
#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define CERT_MIN 64
#define CERT_MAX 65536
#define SPKI_MIN 32
#define SPKI_MAX 4096

/** Exactly one certificate. NULL for anything else, and OpenSSL's queue is empty:
 * for those who have a rule or a sentence of their own. */
X509 *cert_of_der(struct span der);
/** Parse exactly one certificate. \retval RC_FORMAT it is none, or more follows */
enum rc cert_parse(const char *from, struct span der, X509 **ret) MUST_CHECK;
/** The same of one that we stored. \retval RC_STATE "FROM: a damaged certificate" */
enum rc cert_stored(const char *from, struct span der, X509 **ret) MUST_CHECK;
/** Its SubjectPublicKeyInfo: appended. */
enum rc cert_spki(const X509 *cert, struct buf *out) MUST_CHECK;
/** Its key, which goes with it. NULL: it is none that anybody could use.
 * \retval RC_BUG, RC_IO  a good key that could not be read */
enum rc cert_key_get0(
    const char *from, X509 *cert, EVP_PKEY **ret_key) MUST_CHECK;
/** Its first and last second. */
enum rc cert_window(const X509 *cert, int64_t *ret_not_before,
    int64_t *ret_not_after) MUST_CHECK;

#endif
