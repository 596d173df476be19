/* SPDX-License-Identifier: Apache-2.0 */
/** What a new request takes the place of (holding.h has the rule).
 */
#ifndef TRANSFER_ONLINE_REQUEST_IN_PLACE_H
#define TRANSFER_ONLINE_REQUEST_IN_PLACE_H

#include "transfer/online/request/compose.h"
#include "transfer/online/store/holding.h"

/** What is held of the name that a request is for. */
struct in_place {
	const struct composed *item;
	const struct holding *holding; /* n 0: nothing is */
	const char *key_type;	       /* of the request's key */
	/* The certificate in whose place it will be; NULL: of none. */
	const struct held *old;
	bool again; /* another request of this bundle is for the same name */
};

/** For each request of `c`: whether it is beside the others, and the serial of the
 * certificate in whose place it will be, which the CA's operator sees. `each` is
 * told of those that meet something. */
enum rc in_place_find(struct compose *c, bool beside,
    void (*each)(void *arg, const struct in_place *p), void *arg) MUST_CHECK;

#endif
