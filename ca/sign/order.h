/* SPDX-License-Identifier: Apache-2.0 */
/** The order in which the bundles of a stick are taken.
 *
 * A requester's bundles come in the order of their numbers: who has the answer to
 * a later one takes none to an earlier one any more. So all are looked at before
 * the first is signed, and what cannot be looked at leaves none of them signed.
 */
#ifndef CA_SIGN_ORDER_H
#define CA_SIGN_ORDER_H

#include "ca/intake/submission.h"

struct turn {
	uint32_t sequence; /* 0: a file that is refused, when its turn comes */
	size_t index;	   /* into the files */
};

/** `*ret` has `n` items and is the caller's.
 * \param[out] ret_at  on failure the file that it is about
 * \retval a rule of submission_check_head: an enrolled requester has seen more of
 * this CA than the ledger, and an older bundle beside this one would be signed a
 * second time; a failure without a rule: nobody knows the order */
enum rc turns_take(struct ledger *ledger,
    const uint8_t ca_id[static SHA256_LEN], const struct scanned *files,
    size_t n, struct turn **ret, size_t *ret_at) MUST_CHECK;

#endif
