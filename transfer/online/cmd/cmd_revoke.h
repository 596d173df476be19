/* SPDX-License-Identifier: Apache-2.0 */
/** What `revoke` and `request --replace` ask for. */
#ifndef TRANSFER_ONLINE_CMD_CMD_REVOKE_H
#define TRANSFER_ONLINE_CMD_CMD_REVOKE_H

#include "transfer/online/request/compose.h"

struct revoke_ask {
	const char *what; /* a serial, a certificate's file, or a name */
	const char *reason, *since, *profile;
	bool by_key;
};

/** Add the revocations to what is composed.
 * \retval RC_USAGE   no such reason, no time
 * \retval RC_STATE   nothing of it is live
 * \retval RC_POLICY  rule REVOKE-FUTURE */
enum rc revoke_compose(
    struct compose *compose, const struct revoke_ask *ask) MUST_CHECK;

#endif
