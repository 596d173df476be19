/* SPDX-License-Identifier: Apache-2.0 */
/** The next certificates of names that run out: `request --renew`.
 *
 * Asked for is what was asked for the last ones, of the newest request or, where
 * types of key stand side by side, of the newest of each: profile, names, count, period and
 * overlap. A key that was made here gets a successor of the same type; otherwise the
 * same CSR is sent again. A series goes on where the last one ends, each slot in its
 * place; one that would begin within RENEW_SOON, and a single certificate, begin when
 * they are signed, since nobody knows on which day that is.
 */
#ifndef TRANSFER_ONLINE_REQUEST_RENEW_H
#define TRANSFER_ONLINE_REQUEST_RENEW_H

#include "transfer/online/request/compose.h"
#include "transfer/online/store/holding.h"

#define RENEW_SOON (7 * DAY)

/** Why a name is or is not renewed. */
enum renewal {
	RENEW_ASKED,   /* it is in the bundle now */
	RENEW_EARLY,   /* it does not run out yet */
	RENEW_WAITING, /* a bundle that asks for it has no answer yet */
	RENEW_NOTHING, /* all of it is revoked, or this store did not ask for it */
};

struct renewing {
	struct compose *compose;
	int64_t within;
	/* Whatever is left of it: its key is in other hands. A new key made here, that
	 * begins when it is signed and takes the place of the old one. */
	bool replace;
	/* Told of each name: its holding, what is left of it, and what became of it. */
	void (*each)(void *arg, const struct holding *holding,
	    const struct held_left *left, enum renewal renewal);
	void *arg;
};

/** Add the successor of what is found by that name, once. */
enum rc renew_name(const struct renewing *by, const char *typed) MUST_CHECK;

/** The same for every name whose last certificate has not ended, or did so within
 * `within`: what is over for longer was given up. */
enum rc renew_all(const struct renewing *by) MUST_CHECK;

#endif
