/* SPDX-License-Identifier: Apache-2.0 */
/** What needs the operator soon: the days left to everything that ends. */
#ifndef CA_CMD_DUE_H
#define CA_CMD_DUE_H

#include "ca/ledger/ledger.h"

enum due_what { DUE_CA, DUE_TRANSFER, DUE_CERTIFICATE };

struct due {
	enum due_what what;
	uint8_t serial[16]; /* DUE_CERTIFICATE only */
	int64_t not_after;
};

struct due_list {
	struct due *items; /* owned; the earliest first */
	size_t n;
	int64_t next; /* the first end of anything from now on; 0: nothing */
	int64_t ca_ends; /* its certificate in force */
};
void due_list_wipe(struct due_list *list);

/** What ends within `within` seconds of `now`, or ended that recently. Of the
 * certificates of one requester for the same profile and names only the last
 * to end counts: it is the one that has no successor. Revoked ones do not. */
enum rc due_list_read(struct ledger *ledger, int64_t now, int64_t within,
    struct due_list *ret) MUST_CHECK;

#endif
