/* SPDX-License-Identifier: Apache-2.0 */
/** What an online side published on the day a key leaked (field 12 of its bundle).
 *
 * A shadow CRL revokes each certificate of its requester, and the CA does not know
 * that it was published until the next bundle says so. Then those certificates are
 * revoked here too, before anything else is signed.
 *
 * Clients refuse them already, so it counts whatever `revoke` of the policy says: a
 * list that took it back would make a key good again that others have. What counts is
 * `emergency = yes`, and that the shadow can have been published: it is one of this
 * requester's, and its time had begun when the bundle was made, by the clock of who
 * made it (which is at most a day ahead of ours: rule BUNDLE-CLOCK). The rest is
 * told, and revokes nothing.
 */
#ifndef CA_INTAKE_PUBLISHED_H
#define CA_INTAKE_PUBLISHED_H

#include "ca/intake/revoke.h"

/** Numbers that count for nothing. */
struct published_vain {
	size_t n;
	uint64_t first; /* the first of them */
	int64_t begins; /* its thisUpdate; of `unknown` none */
};

struct published {
	uint8_t (*serials)[SERIAL_MAX]; /* owned: what `asked` points into */
	struct revocation *asked;	/* owned */
	size_t n;
	size_t n_shadows;		 /* that count */
	struct published_vain unknown;   /* no shadows of this requester's */
	struct published_vain forbidden; /* without `emergency = yes` */
	struct published_vain early;     /* not begun */
	struct revokes revokes;
};
void published_wipe(struct published *published);

/** Decide. `now`: when the bundle is, or was, accepted. */
enum rc published_decide(struct ledger *ledger, const struct policy *policy,
    const struct submission *s, int64_t now, struct published *ret) MUST_CHECK;

#endif
