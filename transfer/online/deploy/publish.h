/* SPDX-License-Identifier: Apache-2.0 */
/** Files for a web root.
 *
 *	ca.crt				the newest CA certificate, DER, as a
 *					CA-issuers URI wants it (RFC 5280 4.2.2.1)
 *	ca.pem				every pinned CA certificate, newest first
 *	ca.crl, or as crl_names.h says	the CRLs that are due (crl_due.h), DER
 *	.well-known/posh/xmpp-client.json, xmpp-server.json	(RFC 7711 3)
 */
#ifndef TRANSFER_ONLINE_DEPLOY_PUBLISH_H
#define TRANSFER_ONLINE_DEPLOY_PUBLISH_H

#include "transfer/online/store/deployment.h"
#include "transfer/online/store/holding.h"

struct publish_how {
	bool dry_run;
	bool again; /* the web root is remembered: what lies there was ours */
	bool take;  /* it, from another home, and over what others wrote */
};

/** Write what differs, all of it or nothing, each file by a rename, for all to read.
 * Below the root no symbolic link is followed, and a root that belongs to another
 * user is written as that user (site.h).
 * \param holding      whose POSH documents; NULL: none. `again`: where no certificate
 *                     is valid now or later, the CA's files are written all the same
 * \param[out] ret_n   how many files were written, or would be (dry run)
 * \retval RC_STATE  no certificate is valid now or later; rule DEPLOY-OWNER; rule
 *                   DEPLOY-TAKEN: another home keeps it, or not `again` and a file
 *                   of another content lies there
 * \retval RC_IO     something cannot be written; nothing was, unless a rename failed
 */
enum rc publish(const char *root, struct store *store,
    const struct holding *holding, int64_t now, const struct publish_how *how,
    size_t *ret_n) MUST_CHECK;

/** What was remembered, once more.
 * \param[out] ret_due  it failed for its name alone, of which no certificate is left */
enum rc publish_again(struct store *store, const struct publication *p,
    int64_t now, bool dry_run, size_t *ret_n, bool *ret_due) MUST_CHECK;

/** Another home may keep it from now on. What is gone is no error. */
enum rc publish_release(const char *root, struct store *store) MUST_CHECK;

#endif
