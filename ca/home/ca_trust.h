/* SPDX-License-Identifier: Apache-2.0 */
/** The CA as its requesters see it: all certificates that it has had, the newest
 * last, for whoever took each change over has them all. */
#ifndef CA_HOME_CA_TRUST_H
#define CA_HOME_CA_TRUST_H

#include "ca/ledger/ledger.h"
#include "transfer/judge/judge.h"

/** Pin them. No transfer certificate is pinned. Its kin are all that the ledger knows. */
enum rc ca_trust(const struct ledger_ca *ca, struct trust *ret) MUST_CHECK;

/** Hand them to the judge, with the transfer certificate in force. */
enum rc ca_judge_open(struct child *judge, const struct policy *policy,
    const struct ledger_ca *ca) MUST_CHECK;

#endif
