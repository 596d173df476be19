/* SPDX-License-Identifier: Apache-2.0 */
/* Each request gets a verdict, whatever is wrong with it: a bad CSR is an
 * answer like a good one, so that one request refused does not stop the others.
 */
#include "transfer/reader/reader_verdict.h"

#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"
#include "transfer/x509/private_key.h"

#include <stdio.h>

struct reader_error
reader_error_now(enum rc rc)
{
	return (struct reader_error){ rc, span_str(rule_name(rule_spoken())),
		span_str(err_text()) };
}

/* A refusal that was kept for whoever wants it. */
static struct reader_error
kept_error(enum rule rule, const char *reason)
{
	if (rule == RULE_NONE)
		return (struct reader_error){ .rc = RC_OK };
	return (struct reader_error){ rule_row_get0(rule)->rc,
		span_str(rule_name(rule)), span_str(reason) };
}

/* ---- what is looked at --------------------------------------------------- */

void
verdicts_of_wipe(struct verdicts_of *of)
{
	bundle_wipe(&of->bundle);
	csr_files_wipe(&of->files);
}

static bool
are_files(const struct verdicts_of *of)
{
	return of->order == READER_CHECK_FILES || of->order == READER_DERS;
}

size_t
verdicts_of_count(const struct verdicts_of *of)
{
	return are_files(of) ? of->files.n : of->bundle.n_requests;
}

/* The first words of every sentence. Loose CSRs and files go by their names. */
static void
request_from(
    const struct verdicts_of *of, uint32_t index, char ret[ERR_TEXT_MAX])
{
	if (are_files(of))
		(void)snprintf(ret, ERR_TEXT_MAX, "%.*s",
		    SPAN_FMT(of->files.items[index].name));
	else if (of->order == READER_CHECK_LOOSE)
		(void)snprintf(ret, ERR_TEXT_MAX, "%.*s",
		    SPAN_FMT(of->bundle.requests[index].id));
	else
		(void)snprintf(ret, ERR_TEXT_MAX, "requests[%u] %.*s", index,
		    SPAN_FMT(of->bundle.requests[index].id));
}

/* No CSR, but it may be a key. */
static enum rc
refuse_large(const char *from, struct span file)
{
	enum rc rc = private_key_check(from, file);

	return rc != RC_OK ? rc
			   : rule_refuse(RULE_CSR_FORM,
				 "%s: %zu bytes, at most %zu wanted", from,
				 file.n, CSR_FILE_MAX);
}

/* One request; `room` is for the DER of a file. */
static enum rc
request_look(const struct verdicts_of *of, struct key_cache *keys,
    uint32_t index, struct buf *room, struct csr *csr)
{
	char from[ERR_TEXT_MAX];
	struct span file;
	enum rc rc;

	request_from(of, index, from);
	if (!are_files(of))
		return csr_read(
		    from, of->bundle.requests[index].csr, keys, csr);
	file = of->files.items[index].bytes;
	if (file.n > CSR_FILE_MAX)
		return refuse_large(from, file);
	rc = csr_from_file(from, file, room);
	return rc != RC_OK || of->order == READER_DERS
		   ? rc
		   : csr_read(from, buf_span(room), keys, csr);
}

/* ---- verdicts ------------------------------------------------------------ */

/* A failure is none: nobody knows then what is to be said of the request. */
static enum rc
put_verdict(const struct verdicts_of *of, struct key_cache *keys,
    struct cbor_out *out, uint32_t index)
{
	WIPED(csr) csr = { 0 };
	WIPED(buf) der = { 0 };
	struct reader_verdict said;
	enum rc rc = request_look(of, keys, index, &der, &csr);

	if (rc == RC_OK)
		err_clear();
	said = (struct reader_verdict){ .index = index,
		.error = reader_error_now(rc),
		.names_error = kept_error(csr.names_rule, csr.names_reason),
		.ca_error = kept_error(csr.ca_rule, csr.ca_reason),
		.has_path_len = csr.ca.has_path_len,
		.path_len = csr.ca.path_len,
		.constraints = csr.ca.constraints,
		.names = csr.names.items,
		.n_names = csr.names.n };
	if (rc == RC_OK && of->order != READER_DERS)
		said.key_id = span_of(csr.key.id, sizeof(csr.key.id));
	if (rc == RC_OK)
		said.der = buf_span(&der);
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
    struct key_cache *keys, uint32_t first, uint32_t end)
{
	enum rc rc = RC_OK;

	buf_reset(&batch->bytes);
	batch->n = 0;
	while (rc == RC_OK && first < end && batch->n < READER_BATCH &&
	       batch->bytes.n < READER_BATCH_BYTES) {
		struct cbor_out out;

		cbor_out_init(&out, &batch->bytes);
		rc = put_verdict(of, keys, &out, first++);
		if (rc == RC_OK)
			rc = cbor_out_end(&out);
		batch->ends[batch->n++] = batch->bytes.n;
	}
	return rc;
}
