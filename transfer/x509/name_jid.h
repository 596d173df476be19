/* SPDX-License-Identifier: Apache-2.0 */
/** The two parts of a bare JID (RFC 7622), checked without changing them.
 *
 * A JID that would have to be prepared (mapped to lower case, composed) is
 * refused, and so is all that we are not sure of: two spellings of one address
 * must never get two certificates. For transfer/x509/name_form.
 */
#ifndef TRANSFER_X509_NAME_JID_H
#define TRANSFER_X509_NAME_JID_H

#include "transfer/x509/name.h"

#define JID_PART_MAX 1023 /* bytes, RFC 7622 3.2 and 3.3 */

/** What is wrong with a localpart (RFC 7622 3.3, UsernameCaseMapped of RFC
 * 8265), or NULL. */
const char *jid_local_fault(struct span local);

/** What is wrong with a domainpart, which has U-labels, or NULL; `ret_ascii` is
 * given its A-label form. */
const char *jid_domain_fault(struct span domain, struct buf *ret_ascii);

/** Append a localpart prepared as one is when typed: lower case, composed. */
enum rc jid_local_prepare(struct span local, struct buf *out) MUST_CHECK;

#endif
