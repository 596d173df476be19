/* SPDX-License-Identifier: Apache-2.0 */
/** CRLs that a lost part of the ledger had signed, and that were read here.
 *
 * One record says that its number is used. What it lists becomes revocations
 * (ca/ledger/revocation.h), for which a serial must be in the ledger: another
 * record is for each serial of which nothing else is known here. Its certificate
 * may come back later, as one that is revoked.
 */
#ifndef CA_LEDGER_CRL_SEEN_H
#define CA_LEDGER_CRL_SEEN_H

#include "ca/ledger/ledger.h"

/** In the open transaction, as all that follows. `digest` is of its DER. */
enum rc ledger_crl_seen_add(struct ledger *ledger, uint64_t number,
    const uint8_t digest[static SHA256_LEN]) MUST_CHECK;
/** \retval RC_STATE the serial is in the ledger: the transaction is lost */
enum rc ledger_listed_add(struct ledger *ledger, struct span serial) MUST_CHECK;

/** Was this one read, and which is the highest number of those that were? 0:
 * none was. */
struct ledger_crls_seen {
	bool this_one;
	uint64_t highest;
};
enum rc ledger_crls_seen_get(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN],
    struct ledger_crls_seen *ret) MUST_CHECK;

#endif
