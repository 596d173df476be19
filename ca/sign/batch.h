/* SPDX-License-Identifier: Apache-2.0 */
/** How many certificates are committed to the ledger together.
 *
 * A commit costs the disk as much for one as for hundreds, and what the token
 * has signed is only safe once it is committed. So a batch begins small, because
 * a card may take a second for each signature, and grows to about what the token
 * signs in half a second.
 */
#ifndef CA_SIGN_BATCH_H
#define CA_SIGN_BATCH_H

#include <stddef.h>
#include <stdint.h>

#define BATCH_FIRST 8
#define BATCH_MAX 512

struct batch {
	size_t most;	/* certificates in one, for now */
	uint64_t taken; /* signatures that had come by `at` */
	int64_t at;	/* when its size was last thought over; 0: never */
};

void batch_init(struct batch *batch);

/** Think over its size, before a commit.
 * \param taken  signatures that have come from the token so far
 * \param now    in clock_monotonic_ns; above 0 */
void batch_grow(struct batch *batch, uint64_t taken, int64_t now);

#endif
