/* SPDX-License-Identifier: Apache-2.0 */
/** Which of the CRLs that are held is due, and how long they last.
 *
 * Clients refuse everybody by a CRL whose thisUpdate their clock has not reached,
 * so one is due an hour after it. One that is younger is taken where none else of
 * its key is in date: then nobody accepts anything without it. While an emergency
 * is declared (emergency.h) the shadow of a slot stands for its regular CRL.
 */
#ifndef TRANSFER_ONLINE_STORE_CRL_DUE_H
#define TRANSFER_ONLINE_STORE_CRL_DUE_H

#include "transfer/online/store/store_crl.h"

#define CRL_SETTLE 3600 /* seconds after its thisUpdate: for clocks that are late */

struct crl_due {
	uint8_t issuer[SHA256_LEN]; /* key-id of who signed it */
	uint64_t number;
	int64_t this_update, next_update;
	bool shadow;
	int64_t ends; /* nextUpdate of the last one that is held */
	size_t later; /* how many are held that come after it */
	struct buf der;
};

struct crl_due_list {
	struct crl_due *items; /* owned; one for each key, the newest CA's first */
	size_t n;
};
void crl_due_list_wipe(struct crl_due_list *list);

/** What is due, of each key of which there are CRLs that have begun.
 * \param bytes  with `der`; else it stays empty */
enum rc crl_due_list_load(struct store *store, int64_t now, bool bytes,
    struct crl_due_list *ret) MUST_CHECK;

/** The bytes of one, in the place of what `ret` held. \retval RC_STATE they are not what was installed */
enum rc crl_file_read(struct store *store, const struct stored_crl *crl,
    struct buf *ret) MUST_CHECK;

/** The regular one of that key, whether or not its shadow stands for it: a list of
 * it or of none, with its bytes. */
enum rc crl_due_regular(struct store *store, const uint8_t *issuer, int64_t now,
    struct crl_due_list *ret) MUST_CHECK;

#endif
