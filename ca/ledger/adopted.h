/* SPDX-License-Identifier: Apache-2.0 */
/** What a CA did before it was taken over (`init --adopt`).
 *
 * One record says that it was, and which numbers its CRLs may have. Another for
 * each certificate that is known of that time: its serial is used, and it can
 * be revoked as any other. All of them are written with the CA itself, and none
 * later.
 */
#ifndef CA_LEDGER_ADOPTED_H
#define CA_LEDGER_ADOPTED_H

#include "ca/ledger/ledger.h"

#define ADOPTED_CRL_MAX (UINT64_C(1) << 52) /* room for ours above it */
#define ADOPTED_SUBJECT_MAX 2048	    /* bytes */

/** \param crl_next  every number of a CRL so far is below this one; 1: there
 * was none */
enum rc ledger_adopted_add(struct ledger *ledger, uint64_t crl_next) MUST_CHECK;

/** The lowest number that a CRL of this CA may have, as far as its time before
 * the adoption goes: 1 where it was not adopted. */
enum rc ledger_crl_floor(
    struct ledger *ledger, uint64_t *ret, bool *ret_adopted) MUST_CHECK;

struct ledger_adopted_cert {
	struct span serial; /* without leading zeros */
	int64_t not_after;
	struct span subject; /* UTF-8, for people; may be empty */
	struct span der;     /* n 0: not known */
};
/** \retval RC_STATE the serial is in the ledger: the transaction is lost */
enum rc ledger_adopted_cert_add(
    struct ledger *ledger, const struct ledger_adopted_cert *cert) MUST_CHECK;

#endif
