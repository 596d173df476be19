/* SPDX-License-Identifier: Apache-2.0 */
/** One extension of a certificate, found by its OID (RFC 5280 4.2). */
#ifndef TRANSFER_X509_CERT_EXT_H
#define TRANSFER_X509_CERT_EXT_H

#include "transfer/x509/tbs.h"

/** The value as it stands there, within the certificate; n 0: it has none.
 * \param oid  the content of its OBJECT IDENTIFIER
 * \retval RC_FORMAT rule CA-CERT: broken extensions; rules of cert_parts_read
 */
enum rc cert_ext_find(const char *from, struct span cert, struct span oid,
    struct span *ret_value, bool *ret_critical) MUST_CHECK;

#endif
