/* SPDX-License-Identifier: Apache-2.0 */
/* index.txt of a CA that is adopted: each entry is within what the ledger holds. */
#include "base/clock.h"
#include "ca/ledger/adopted.h"
#include "ca/lifecycle/adopt_index.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_cursor cursor = { .from = "f",
		.rest = span_of(data, size) };
	struct index_entry e;
	bool more = true;

	while (index_next(&cursor, &e, &more) == RC_OK && more) {
		WIPED(buf) subject = { 0 };

		if (e.n_serial < 1 || e.n_serial > SERIAL_MAX ||
		    e.not_after < 0 || e.not_after > CLOCK_MAX ||
		    !reason_is_known(e.reason))
			abort();
		if (index_subject(e.subject, &subject) != RC_OK ||
		    (subject.n > ADOPTED_SUBJECT_MAX && e.subject.n < 500))
			abort();
	}
	return 0;
}
