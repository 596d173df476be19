/* SPDX-License-Identifier: Apache-2.0 */
/** Is it this CA's own work? Asked of what comes back to it from elsewhere.
 *
 * Bytes whose signature is the CA's are the CA's: no certificate is given to
 * OpenSSL's decoder before that.
 */
#ifndef CA_RESPONSE_MANIFEST_PROVE_H
#define CA_RESPONSE_MANIFEST_PROVE_H

#include "transfer/judge/judge.h"
#include "transfer/x509/tbs.h"

/** Is a certificate signed by the CA's key? \retval RC_FORMAT `rule` */
enum rc issued_check(enum rule rule, const char *from,
    const struct trust *trust, struct span der,
    struct cert_parts *ret_parts) MUST_CHECK;

/** Is a manifest, made at `at`, signed by a transfer key that this CA
 * certified? Rules TRANSFER-CERT, COSE-ALG, COSE-SIGNATURE. */
enum rc manifest_prove(const char *from, const struct trust *trust,
    const struct cose *cose, int64_t at) MUST_CHECK;

#endif
