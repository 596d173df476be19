/* SPDX-License-Identifier: Apache-2.0 */
/** The CRLs of a response that was found good: to their place in the home. */
#ifndef TRANSFER_ONLINE_RECEIVE_RECEIVE_CRL_H
#define TRANSFER_ONLINE_RECEIVE_RECEIVE_CRL_H

#include "transfer/online/receive/response_dir.h"
#include "transfer/online/store/store_crl.h"

/** What became of those of a response. */
struct received_crls {
	size_t n;	/* new here, and kept */
	size_t strange; /* of keys that are not pinned: nobody has judged them */
};

/** Within a transaction: each that is new here gets its row and, with `write`, its
 * file, whose bytes are proven once more on the way. What ended long ago goes.
 * \param trust  by which they were judged */
enum rc receive_crls(struct store *store, const struct trust *trust,
    struct response_dir *dir, const struct manifest *manifest, bool write,
    struct received_crls *ret) MUST_CHECK;

/** After the commit: files of crl/ that no row names go. */
enum rc receive_crls_tidy(struct store *store) MUST_CHECK;

#endif
