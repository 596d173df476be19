/* SPDX-License-Identifier: Apache-2.0 */
/* A loose set as a reader reports it: what is taken is sorted, so that writing
 * it changes nothing but how often a CSR was there. */
#include "transfer/media/loose.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span in = span_of(data, size);
	WIPED(loose) loose = { 0 };
	WIPED(buf) again = { 0 };
	bool twins = false;

	if (loose_read(in, &loose) != RC_OK)
		return 0;
	for (size_t i = 0; i < loose.n; i++)
		twins |= loose.items[i].twins != 0;
	if (loose_write(&loose, &again) != RC_OK ||
	    (!twins && !span_eq(buf_span(&again), in)))
		abort();
	return 0;
}
