/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, as inspect reads them: envelope, payload, signature, printing.
 */
#include "transfer/online/cmd/diag.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fact)
{
	if (!fact)
		abort();
}

/* The parts of a file that was taken make up the very file again. */
static void
write_again(const struct cose *c, struct span file)
{
	WIPED(buf) again = { 0 };

	must(cose_write(c->protected_bytes, c->payload, c->signature, &again) ==
	     RC_OK);
	must(span_eq(buf_span(&again), file));
}

/* Its pieces are not looked at: that there is no end to them would be seen. */
static enum rc
json_drop(void *unused, const char *before, json_t *value)
{
	(void)unused;
	(void)before;
	json_decref(value);
	return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span file = span_of(data, size);
	WIPED(buf) text = { 0 };
	struct diag d;

	if (diag_read("f", file, &d) != RC_OK)
		return 0;
	write_again(&d.cose, file);
	must(diag_write(&d, &text, -1) == RC_OK);
	must(diag_json(&d, json_drop, NULL) == RC_OK);
	return 0;
}
