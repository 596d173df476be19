/* SPDX-License-Identifier: Apache-2.0 */
/** Which certificates an operator means: by serial, by file, or by name. */
#ifndef CA_CMD_REVOKE_FIND_H
#define CA_CMD_REVOKE_FIND_H

#include "ca/ledger/ledger.h"

/** Revocations of what was found, all for one reason. */
struct revoke_found {
	struct revocation *items; /* owned; their bytes lie in `ids` */
	size_t n;
	struct buf *ids; /* owned; one each */
	bool by_name; /* all live certificates of a name */
};
void revoke_found_wipe(struct revoke_found *found);

/** Find what `typed` means: a serial that the ledger has; a file with a certificate,
 * of which the ledger has the very bytes; a name, with its type or without, of which
 * all certificates count that are signed and have not ended. With `by_key` the keys
 * of all of them, or the key with this SHA-256.
 * \retval RC_POLICY rule REVOKE-UNKNOWN; RC_FORMAT, RC_IO of a file */
enum rc revoke_find(struct ledger *ledger, const char *typed, bool by_key,
    int64_t now, struct revoke_found *ret) MUST_CHECK;

#endif
