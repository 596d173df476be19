/* SPDX-License-Identifier: Apache-2.0 */
/* Histories as a reader reports them: what is taken is written as it was. */
#include "transfer/media/history_set.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span in = span_of(data, size);
	WIPED(past) past = { 0 };
	WIPED(buf) again = { 0 };

	if (past_read(in, &past) != RC_OK)
		return 0;
	if (past_write(&past, &again) != RC_OK ||
	    !span_eq(buf_span(&again), in))
		abort();
	return 0;
}
