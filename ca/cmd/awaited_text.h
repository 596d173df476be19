/* SPDX-License-Identifier: Apache-2.0 */
/** Whose history a restored CA waits for, as `recover` and `status` say it. */
#ifndef CA_CMD_AWAITED_TEXT_H
#define CA_CMD_AWAITED_TEXT_H

#include "ca/ledger/ledger.h"

#include <jansson.h>

/** Its label; of one that is not enrolled here the key's first digits, in `room`. */
#define AWAITED_ROOM 17
const char *awaited_name(
    const struct awaited *awaited, char room[static AWAITED_ROOM]);

/** All of them. NULL: no memory, as in all of jansson. */
json_t *awaited_json(const struct awaited *list, size_t n);

#endif
