/* SPDX-License-Identifier: Apache-2.0 */
/** A series of CRLs that is wished for, held to the policy and to the CA's end: the
 * CA does it before it signs, and a requester before it asks. */
#ifndef TRANSFER_POLICY_POLICY_CRL_H
#define TRANSFER_POLICY_POLICY_CRL_H

#include "transfer/policy/policy.h"

/** \param from    begins the sentence
 * \param ca_ends  notAfter of the CA's newest certificate
 * \retval RC_POLICY rules CRL-SERIES, CRL-CA-END */
enum rc policy_crl_check(const char *from, const struct policy *policy,
    const struct crl_request *wish, int64_t now, int64_t ca_ends) MUST_CHECK;

/** What a requester asks for, for everybody: each CRL is put in place an hour after it
 * begins, by a timer that comes each hour, and one that ends before that cuts
 * everybody off. \retval RC_POLICY rule CRL-SERIES */
enum rc policy_crl_ask_check(
    const char *from, const struct crl_request *wish) MUST_CHECK;

#endif
