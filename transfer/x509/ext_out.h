/* SPDX-License-Identifier: Apache-2.0 */
/** A writer of extensions (RFC 5280 4.2 and 5.2), for the certificates and CRLs
 * whose bytes are built by hand. */
#ifndef TRANSFER_X509_EXT_OUT_H
#define TRANSFER_X509_EXT_OUT_H

#include "transfer/x509/der_out.h"

/** By the last arc of their OIDs, 2.5.29.N. */
enum ext_id {
	EXT_SKI = 14,
	EXT_BASIC_CONSTRAINTS = 19,
	EXT_CRL_NUMBER = 20,
	EXT_AKI = 35,
};

/** Append an Extension; `value` is what its OCTET STRING holds. */
enum rc ext_put(struct buf *out, enum ext_id id, bool critical, struct span value)
    MUST_CHECK;

/** Append an authorityKeyIdentifier of these octets, and nothing else in it. */
enum rc ext_put_aki(struct buf *out, struct span keyid) MUST_CHECK;

#endif
