/* SPDX-License-Identifier: Apache-2.0 */
/** What the keys in a bundle have been certified for, as the store knows it. */
#ifndef TRANSFER_ONLINE_REQUEST_COMPOSE_USES_H
#define TRANSFER_ONLINE_REQUEST_COMPOSE_USES_H

#include "transfer/online/request/compose.h"
#include "transfer/policy/key_uses.h"

/** Look for the keys of requests whose profile has `key-reuse = same-names`, if
 * there are any, in all certificates of the store. */
enum rc compose_uses_read(const struct compose *compose, struct key_uses *ret)
    MUST_CHECK;

#endif
