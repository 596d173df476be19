/* SPDX-License-Identifier: Apache-2.0 */
/** id-pe-airgapSuccession: the mark of what a CA signs over its own next keys.
 *
 * A CA below has a certificate by our key over its own key, and so has our next
 * key: new-with-old. They would say the same. So a rollover puts this
 * extension, not critical and with a value of NULL, into the new root and both
 * certificates across, a renewal keeps it, and no other certificate is ever
 * given it: no profile may have it, and nothing that a CSR asks for gets into a
 * certificate. Peers pass over it.
 *
 * A root with it is of no first key, for as long as it lives: the certificates
 * and the CRLs under it bear that in the names of their lists (crl_points.h).
 */
#ifndef TRANSFER_X509_SUCCESSION_H
#define TRANSFER_X509_SUCCESSION_H

#include "base/buf.h"
#include "transfer/x509/transfer_eku.h"

#define SUCCESSION EKU_TRANSFER ".1"

/** Is that the content of its OBJECT IDENTIFIER? */
bool succession_is_oid(struct span oid);

/** Is that the value which it has? */
bool succession_value_is_good(struct span value);

/** Append the Extension. */
enum rc succession_put(struct buf *out) MUST_CHECK;

/** Has this certificate got it? \retval RC_FORMAT as cert_ext_find */
enum rc succession_find(
    const char *from, struct span cert, bool *ret) MUST_CHECK;

#endif
