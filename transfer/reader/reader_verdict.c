/* SPDX-License-Identifier: Apache-2.0 */
/* Each request gets a verdict, whatever is wrong with it: a bad CSR is an
 * answer like a good one, so that one request refused does not stop the others.
 */
#include "transfer/reader/reader_verdict.h"

#include "transfer/media/media.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"

#include <stdio.h>

/* Why something failed: three items of an array. */
void
reader_put_error(struct cbor_out *out, enum rc rc)
{
	cbor_put_uint(out, rc);
	cbor_put_text(out, span_str(rule_name(rule_spoken())));
	cbor_put_bytes(out, span_str(err_text()));
}

static void
put_names(struct cbor_out *out, const struct name_list *names)
{
	cbor_put_array(out, names->n);
	for (size_t i = 0; i < names->n; i++) {
		cbor_put_array(out, 2);
		cbor_put_uint(out, names->items[i].type);
		cbor_put_text(out, names->items[i].text);
	}
}

static void
put_verdict(const struct verdicts_of *of, struct cbor_out *out, uint32_t index)
{
	const struct cert_request *request = &of->bundle->requests[index];
	WIPED(csr) csr = { 0 };
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
	cbor_put_array(out, 6);
	cbor_put_uint(out, index);
	reader_put_error(out, rc);
	cbor_put_bytes(out,
	    rc == RC_OK ? span_of(csr.key.id, sizeof(csr.key.id)) : SPAN_NONE);
	put_names(out, &csr.names);
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
		put_verdict(of, &out, first++);
		rc = cbor_out_end(&out);
		batch->ends[batch->n++] = batch->bytes.n;
	}
	return rc;
}
