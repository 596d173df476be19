/* SPDX-License-Identifier: Apache-2.0 */
/** When each CRL of a series counts, and under which number: arithmetic alone.
 *
 * Slot i begins at start + i * period, and its CRL ends, exclusively, overlap
 * after the next one began. Clients choose between CRLs by different things
 * (OpenSSL by the newest thisUpdate, strongSwan by number), so what was signed
 * later has the higher number everywhere, and where two begin together the
 * later thisUpdate too: a series is dated 2 s later for each one before it
 * whose slots it meets, and a shadow 1 s after the regular one of its slot.
 */
#ifndef CA_CRL_SERIES_H
#define CA_CRL_SERIES_H

#include "ca/ledger/ledger_crl.h"

/** One CRL of a slot. */
struct series_slot {
	uint64_t number;
	int64_t this_update;
	int64_t next_update; /* the first second at which it does not count */
	int64_t kept; /* what ended before the slot before it is left out */
};

/** How many numbers a slot has: the regular one's and each shadow's. */
uint64_t series_width(const struct ledger_crl_series *series);

/** Lay out the series that follows `before` (NULL: the first).
 * \param width   CRLs in each slot, the regular one among them
 * \param number  the lowest that is free */
void series_plan(const struct crl_request *wish, int64_t now,
    const struct ledger_crl_series *before, uint64_t number, uint64_t width,
    struct ledger_crl_series *ret);

/** CRL `place` (0: the regular one) of slot `i`. */
void series_slot_get(const struct ledger_crl_series *series, uint32_t i,
    uint64_t place, struct series_slot *ret);

/** When the last one ends; until when the next series is best there, since the
 * last one has then its overlap left; and when less than half of the time is
 * left. */
int64_t series_end(const struct ledger_crl_series *series);
int64_t series_back_by(const struct ledger_crl_series *series);
int64_t series_half(const struct ledger_crl_series *series);

/** Cut a wish down to slots that end within `end`, but to one at least. */
void series_fit(struct crl_request *wish, int64_t now, int64_t end);

#endif
