/* SPDX-License-Identifier: Apache-2.0 */
/** What an online side published on the day a key leaked (field 12 of its bundle).
 *
 * A shadow CRL revokes each certificate of its requester, and the CA does not know
 * that it was published until the next bundle says so. Then those certificates are
 * revoked here too, before anything else is signed.
 */
#ifndef CA_INTAKE_PUBLISHED_H
#define CA_INTAKE_PUBLISHED_H

#include "ca/intake/revoke.h"

struct published {
	uint8_t (*serials)[SERIAL_MAX]; /* owned: what `asked` points into */
	struct revocation *asked;	/* owned */
	size_t n;
	size_t n_shadows, n_unknown; /* numbers of its own shadows, and others */
	struct revokes revokes;
};
void published_wipe(struct published *published);

/** Decide. Numbers that this CA gave no shadow of this requester revoke nothing. */
enum rc published_decide(struct ledger *ledger, const struct submission *s,
    int64_t now, struct published *ret) MUST_CHECK;

#endif
