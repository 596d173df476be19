/* SPDX-License-Identifier: Apache-2.0 */
/* Histories as a reader reports them: what is taken is written as it was. */
#include "transfer/media/history_set.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span in = span_of(data, size);
	WIPED(history_set) history = { 0 };
	WIPED(buf) again = { 0 };

	if (history_set_read(in, &history) != RC_OK)
		return 0;
	if (history_set_write(&history, &again) != RC_OK ||
	    !span_eq(buf_span(&again), in))
		abort();
	return 0;
}
