/* SPDX-License-Identifier: Apache-2.0 */
/* How much is lost at most by a power cut, against how long each commit takes:
 * a number, and when it grows. */
#include "ca/sign/batch.h"
#include "base/clock.h"

#define BATCH_NS (500 * MS)
#define GROWTH 8 /* times, at most, from one size to the next */

void
batch_init(struct batch *batch)
{
	*batch = (struct batch){ .most = BATCH_FIRST };
}

/* Commits follow each other at once when a batch has just grown, with hardly a
 * signature between them: such a one says nothing of the token's rate. */
void
batch_grow(struct batch *batch, uint64_t taken, int64_t now)
{
	int64_t took = now - batch->at;

	if (batch->at != 0 && taken - batch->taken < batch->most / 2)
		return;
	if (batch->at != 0 && took < BATCH_NS / 2) {
		int64_t times = took > 0 ? BATCH_NS / took : GROWTH;

		batch->most *= (size_t)(times < GROWTH ? times : GROWTH);
		if (batch->most > BATCH_MAX)
			batch->most = BATCH_MAX;
	}
	batch->taken = taken;
	batch->at = now;
}
