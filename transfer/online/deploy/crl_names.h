/* SPDX-License-Identifier: Apache-2.0 */
/** Under which names CRLs lie in a web root: as the certificates say.
 *
 * A key's have the names that end the http URIs in the certificates that it signs,
 * by the policy's crlDistributionPoints (crl_points.h), each of them where profiles
 * have several, and in those by it that this host has and that have not ended, which
 * an older policy may have made; so a name is that of one key for good. Without any
 * URI those of the CA's first key are ca.crl, and those of a later one, as of any that is not the
 * CA's, are named by the key: ca-0123456789abcdef.crl.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_CRL_NAMES_H
#define TRANSFER_ONLINE_DEPLOY_CRL_NAMES_H

#include "transfer/online/store/store.h"

/** Of the CRLs by that key, whose key-id it is.
 * \retval RC_STATE  a name that ca.crt, ca.pem or .well-known has already */
enum rc crl_names_list(struct store *store, const uint8_t *issuer,
    int64_t now, struct text_list *ret) MUST_CHECK;

#endif
