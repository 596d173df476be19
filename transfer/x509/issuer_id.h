/* SPDX-License-Identifier: Apache-2.0 */
/** By which key identifier certificates and CRLs name the CA that signed them.
 *
 * It is what the CA's own certificate says, whatever hash that was made with: a
 * CA that was taken over has SHA-1 where ours have SHA-256 (RFC 7093), and a
 * peer compares it with what is in the certificate that it trusts.
 */
#ifndef TRANSFER_X509_ISSUER_ID_H
#define TRANSFER_X509_ISSUER_ID_H

#include "transfer/x509/tbs.h"

#define ISSUER_ID_MAX \
	64 /* octets: what an authorityKeyIdentifier has room for */

/** The octets of the subjectKeyIdentifier; of an old CA that has none, the
 * SHA-1 of its key's bits (RFC 5280 4.2.1.2, method 1). Peers compare nothing
 * then, and who looks for an issuer by identifier (NSS) has computed this one.
 * Appended. \retval RC_FORMAT it is malformed, or longer than ISSUER_ID_MAX */
enum rc issuer_id_of(const char *from, const struct cert_parts *parts,
    struct buf *out) MUST_CHECK;

/** The same of a certificate's DER. */
enum rc issuer_id_of_cert(
    const char *from, struct span der, struct buf *out) MUST_CHECK;

#endif
