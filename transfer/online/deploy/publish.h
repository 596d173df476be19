/* SPDX-License-Identifier: Apache-2.0 */
/** Files for a web root.
 *
 *	ca.crt				the newest CA certificate, DER, as a
 *					CA-issuers URI wants it (RFC 5280 4.2.2.1)
 *	ca.pem				every pinned CA certificate, newest first
 *	.well-known/posh/xmpp-client.json, xmpp-server.json	(RFC 7711 3)
 */
#ifndef TRANSFER_ONLINE_DEPLOY_PUBLISH_H
#define TRANSFER_ONLINE_DEPLOY_PUBLISH_H

#include "transfer/online/store/deployment.h"
#include "transfer/online/store/holding.h"

/** Write what differs, each file by a rename, for all to read. Below the root no
 * symbolic link is followed.
 * \param holding      whose POSH documents; NULL: none
 * \param[out] ret_n   how many files were written, or would be (dry run)
 * \retval RC_STATE  no certificate is valid now or later */
enum rc publish(const char *root, struct store *store,
    const struct holding *holding, int64_t now, bool dry_run, size_t *ret_n)
    MUST_CHECK;

/** What was remembered, once more. */
enum rc publish_again(struct store *store, const struct publication *p,
    int64_t now, bool dry_run, size_t *ret_n) MUST_CHECK;

#endif
