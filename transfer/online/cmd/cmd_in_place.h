/* SPDX-License-Identifier: Apache-2.0 */
/** What `request` and `install` say of names that have certificates already.
 */
#ifndef TRANSFER_ONLINE_CMD_CMD_IN_PLACE_H
#define TRANSFER_ONLINE_CMD_CMD_IN_PLACE_H

#include "transfer/online/request/in_place.h"

/** For in_place_find: what the new request will take the place of. */
void in_place_tell(void *arg, const struct in_place *p);

/** Of a bundle whose answer is in the store: what its certificates took the place
 * of, or when they will. \param bundle  0: the answer is to none */
enum rc in_place_tell_installed(struct store *store, uint32_t bundle) MUST_CHECK;

#endif
