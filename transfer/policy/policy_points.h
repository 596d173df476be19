/* SPDX-License-Identifier: Apache-2.0 */
/** Where a policy's certificates say that CRLs lie, whatever form its lines have. */
#ifndef TRANSFER_POLICY_POLICY_POINTS_H
#define TRANSFER_POLICY_POLICY_POINTS_H

#include "transfer/policy/policy.h"

/** The URIs of the crlDistributionPoints of all profiles, each once.
 * \param mark  of the key that signs (crl_points.h); empty: of the first one */
enum rc policy_points(const struct policy *policy, const char *mark,
    struct text_list *ret) MUST_CHECK;

#endif
