/* SPDX-License-Identifier: Apache-2.0 */
/** Under which names CRLs lie in a web root: as the certificates say.
 *
 * The newest key's has the name that ends the http URIs of the policy's
 * crlDistributionPoints, each of them where profiles have several; without any it
 * is ca.crl. Those of other keys are named by the key: ca-0123456789abcdef.crl.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_CRL_NAMES_H
#define TRANSFER_ONLINE_DEPLOY_CRL_NAMES_H

#include "transfer/online/store/crl_due.h"

/** \retval RC_STATE  a name that ca.crt, ca.pem or .well-known has already */
enum rc crl_names_list(const struct store *store, const struct crl_due *crl,
    struct text_list *ret) MUST_CHECK;

#endif
