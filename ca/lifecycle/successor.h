/* SPDX-License-Identifier: Apache-2.0 */
/** A new transfer key in place of the old one: `airgap-ca transfer-key`.
 *
 * While the old key works, it vouches for the new one: each requester gets a
 * manifest with a trust-change, in its channel, signed by the old key. When it
 * is gone, nothing but the words of the CA can: each requester enrols again with
 * the new card (`enroll --replace`).
 */
#ifndef CA_LIFECYCLE_SUCCESSOR_H
#define CA_LIFECYCLE_SUCCESSOR_H

#include "ca/home/act.h"
#include "ca/home/own_key.h"
#include "ca/response/response.h"

struct successor {
	struct act *act; /* borrowed */
	struct own_key key;
	bool old_works;
	struct requester *requesters; /* owned */
	size_t n;
	struct response *responses; /* owned; n, when old_works */
	struct buf card;       /* the new one, signed by the new key */
};
void successor_wipe(struct successor *s);

/** Whom it concerns. */
enum rc successor_plan(struct successor *s) MUST_CHECK;

/** PIN; the CA key, the old key if it is there, the new one. */
enum rc successor_unlock(struct successor *s) MUST_CHECK;

/** Certify the new key, sign and judge what the requesters get, store it all in
 * one transaction, and note the key in token.conf. */
enum rc successor_install(struct successor *s) MUST_CHECK;

#endif
