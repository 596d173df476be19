/* SPDX-License-Identifier: Apache-2.0 */
/** An older CRL never takes the place of a newer one: what was revoked since would
 * be accepted again. That happens where the home was put back to an older copy and
 * the server's files were not. */
#ifndef TRANSFER_ONLINE_DEPLOY_CRL_PLACE_H
#define TRANSFER_ONLINE_DEPLOY_CRL_PLACE_H

#include "transfer/online/store/crl_due.h"

/** Look at what lies where the CRL `due` shall go, DER or PEM of several. Only
 * what that key signed counts, so that nobody else can keep ours out.
 * \param ca    whose key that is; NULL: it is not known here, and nothing counts
 * \param from  begins the sentence
 * \retval RC_STATE  one with a higher number */
enum rc crl_place_check(const char *from, struct span found,
    const struct trust_ca *ca, const struct crl_due *due) MUST_CHECK;

#endif
