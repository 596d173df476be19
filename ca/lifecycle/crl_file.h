/* SPDX-License-Identifier: Apache-2.0 */
/** A CRL that an operator gives as a file, DER or PEM.
 *
 * A process that is locked in takes it out of its PEM and reads it through, so
 * that bytes of any other form never come further. Whose it is, is not asked
 * here.
 */
#ifndef CA_LIFECYCLE_CRL_FILE_H
#define CA_LIFECYCLE_CRL_FILE_H

#include "base/buf.h"

/** Its DER, appended. Nothing may be open that a child could inherit.
 * \retval RC_FORMAT  rule RECOVER-CRL: not one CRL of the form that we make, or
 *                    larger than any
 * \retval RC_IO      it cannot be read; RC_STATE rule SANDBOX; RC_BUG the process
 *                    lies */
enum rc crl_file_read_apart(const char *path, struct buf *ret_der) MUST_CHECK;

#endif
