/* SPDX-License-Identifier: Apache-2.0 */
/* Each request gets a verdict, whatever is wrong with it: a bad CSR is an
 * answer like a good one, so that one request refused does not stop the others.
 */
#include "transfer/reader/reader_verdict.h"

#include "transfer/media/media.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"

#include <stdio.h>

struct reader_error
reader_error_now(enum rc rc)
{
	return (struct reader_error){ rc, span_str(rule_name(rule_spoken())),
		span_str(err_text()) };
}

static struct reader_error
names_error(const struct csr *csr)
{
	if (csr->names_rule == RULE_NONE)
		return (struct reader_error){ .rc = RC_OK };
	return (struct reader_error){ rule_row_get0(csr->names_rule)->rc,
		span_str(rule_name(csr->names_rule)),
		span_str(csr->names_reason) };
}

/* A failure is none: nobody knows then what is to be said of the request. */
static enum rc
put_verdict(const struct verdicts_of *of, struct cbor_out *out, uint32_t index)
{
	const struct cert_request *request = &of->bundle->requests[index];
	WIPED(csr) csr = { 0 };
	struct reader_verdict said;
	char from[MEDIA_NAME_MAX + 24];
	enum rc rc;

	if (of->is_loose)
		(void)snprintf(
		    from, sizeof(from), "%.*s", SPAN_FMT(request->id));
	else
		(void)snprintf(from, sizeof(from), "requests[%u] %.*s", index,
		    SPAN_FMT(request->id));
	rc = csr_read(from, request->csr, of->keys, &csr);
	if (rc == RC_OK)
		err_clear();
	said = (struct reader_verdict){ .index = index,
		.error = reader_error_now(rc),
		.names_error = names_error(&csr),
		.names = csr.names.items,
		.n_names = csr.names.n };
	if (rc == RC_OK)
		said.key_id = span_of(csr.key.id, sizeof(csr.key.id));
	schema_put(out, &reader_verdict_form, &said);
	return rc == RC_OK || rule_spoken() != RULE_NONE ? RC_OK : rc;
}

void
verdicts_wipe(struct verdicts *batch)
{
	buf_wipe(&batch->bytes);
}

enum rc
verdicts_fill(struct verdicts *batch, const struct verdicts_of *of,
    uint32_t first, uint32_t end)
{
	enum rc rc = RC_OK;

	buf_reset(&batch->bytes);
	batch->n = 0;
	while (rc == RC_OK && first < end && batch->n < READER_BATCH &&
	       batch->bytes.n < READER_BATCH_BYTES) {
		struct cbor_out out;

		cbor_out_init(&out, &batch->bytes);
		rc = put_verdict(of, &out, first++);
		if (rc == RC_OK)
			rc = cbor_out_end(&out);
		batch->ends[batch->n++] = batch->bytes.n;
	}
	return rc;
}
