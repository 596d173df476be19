/* SPDX-License-Identifier: Apache-2.0 */
/** An X509 that is filled in again and again, and the TBS bytes that come of it.
 *
 * OpenSSL's API sets the two AlgorithmIdentifiers of an X509 by signing only. So a
 * template is read from a blank certificate that has them and a signature that is
 * none: no key is made. What a token signs are the TBS bytes; cert_assemble writes
 * the certificate.
 */
#ifndef CA_CERT_TEMPLATE_H
#define CA_CERT_TEMPLATE_H

#include "ca/cert/alg.h"
#include "transfer/policy/extension.h"

/** A v3 certificate with this algorithm. \retval RC_BUG OpenSSL cannot */
enum rc template_new(const struct sign_alg *alg, X509 **ret) MUST_CHECK;

/** Set one field each. The serial is a magnitude, first byte not zero.
 * \retval RC_FORMAT an SPKI whose AlgorithmIdentifier is none of those in use */
enum rc template_set_serial(X509 *template, struct span serial) MUST_CHECK;
enum rc template_set_dates(X509 *template, int64_t not_before,
    int64_t not_after) MUST_CHECK;
enum rc template_set_key(X509 *template, struct span spki) MUST_CHECK;
/** In place of all extensions that it has. */
enum rc template_set_extensions(X509 *template,
    const struct extension_list *list) MUST_CHECK;

/** The TBS as it stands: appended. */
enum rc template_tbs(X509 *template, struct buf *out) MUST_CHECK;

#endif
