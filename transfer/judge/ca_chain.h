/* SPDX-License-Identifier: Apache-2.0 */
/** The certificates of a CA and of those above it, as a card carries them. */
#ifndef TRANSFER_JUDGE_CA_CHAIN_H
#define TRANSFER_JUDGE_CA_CHAIN_H

#include "base/buf.h"

/** Each is signed by the next, the last one by itself; those above the first are
 * valid at `now`, and each allows as many below it as there are (RFC 5280 6.1.4
 * l and m). The first alone is for trust_add_ca and ca_form_dates.
 * \param n  at least 1
 * \retval RC_FORMAT rules CA-CERT, CA-DATES */
enum rc ca_chain_check(const char *from, const struct span *certs, size_t n,
    int64_t now) MUST_CHECK;

#endif
