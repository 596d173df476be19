/* SPDX-License-Identifier: Apache-2.0 */
/** Does a stick know more of this CA than its ledger?
 *
 * A response that this CA's own transfer key signed, and that the ledger lacks,
 * is proof that the ledger went back: a disk that lied when power failed, an
 * old backup. Whatever were signed now would have that response's number once
 * more.
 */
#ifndef CA_RESPONSE_STICK_AHEAD_H
#define CA_RESPONSE_STICK_AHEAD_H

#include "ca/ledger/ledger.h"
#include "transfer/judge/judge.h"

/** Only manifests under numbers that the ledger lacks are read, and nothing but
 * such a proof, or what cannot be read, is an error: the rest anybody can
 * write. \retval RC_STATE rule RESPONSE-AHEAD \retval RC_IO    one of them, or
 * their directory, cannot be read */
enum rc stick_ahead(const struct media *media, struct ledger *ledger,
    const struct trust *trust) MUST_CHECK;

#endif
