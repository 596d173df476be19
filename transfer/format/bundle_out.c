/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a csr-bundle of docs/transfer.cddl. */
#include "transfer/format/payload.h"

#include "transfer/format/schema.h"
#include "transfer/x509/name.h"

static void
validity_put(struct cbor_out *out, const struct validity *v)
{
	const bool series = v->count > 1;

	cbor_put_map(out, (series ? 3U : 1U) + (v->has_not_before ? 1U : 0U));
	if (v->has_not_before)
		put_key_time(out, 1, v->not_before);
	if (!series) {
		put_key_time(out, 2, v->period);
		return;
	}
	put_key_uint(out, 3, v->count);
	put_key_time(out, 4, v->period);
	put_key_time(out, 5, v->overlap);
}

static void
request_put(struct cbor_out *out, const struct cert_request *r)
{
	cbor_put_map(out, 4U + (r->comment.n != 0 ? 1U : 0U) +
			      (r->replaces.n != 0 ? 1U : 0U) +
			      (r->n_names != 0 ? 1U : 0U));
	put_key_text(out, 1, r->id);
	put_key_bytes(out, 2, r->csr);
	put_key_text(out, 3, r->profile);
	cbor_put_uint(out, 4);
	validity_put(out, &r->validity);
	if (r->comment.n != 0)
		put_key_text(out, 5, r->comment);
	if (r->replaces.n != 0)
		put_key_bytes(out, 6, r->replaces);
	if (r->n_names == 0)
		return;
	cbor_put_uint(out, 7);
	cbor_put_array(out, r->n_names);
	for (size_t i = 0; i < r->n_names; i++) {
		cbor_put_array(out, 2);
		cbor_put_uint(out, (uint64_t)r->names[i].type);
		cbor_put_text(out, r->names[i].text);
	}
}

static void
bundle_out_revocation_put(struct cbor_out *out, const struct revocation *r)
{
	cbor_put_map(out, 2U + (r->has_since ? 1U : 0U));
	if (r->serial.n != 0)
		put_key_bytes(out, 1, r->serial);
	put_key_uint(out, 2, r->reason);
	if (r->has_since)
		put_key_time(out, 3, r->since);
	if (r->serial.n == 0)
		put_key_bytes(out, 4, r->key_id);
}

static void
head_put(struct cbor_out *out, const struct bundle *b)
{
	cbor_put_uint(out, 8);
	if (!b->has_head) {
		cbor_put_null(out);
		return;
	}
	cbor_put_map(out, 3);
	put_key_uint(out, 1, b->head.sequence);
	put_key_digest(out, 2, b->head.digest);
	cbor_put_uint(out, 3);
	put_ledger_head(out, &b->head.ledger);
}

static void
bundle_out_lists_put(struct cbor_out *out, const struct bundle *b)
{
	cbor_put_uint(out, 9);
	cbor_put_array(out, b->n_requests);
	for (size_t i = 0; i < b->n_requests; i++)
		request_put(out, &b->requests[i]);
	cbor_put_uint(out, 10);
	cbor_put_array(out, b->n_revocations);
	for (size_t i = 0; i < b->n_revocations; i++)
		bundle_out_revocation_put(out, &b->revocations[i]);
	if (b->has_crl) {
		cbor_put_uint(out, 11);
		cbor_put_map(out, 3);
		put_key_uint(out, 1, b->crl.count);
		put_key_time(out, 2, b->crl.period);
		put_key_time(out, 3, b->crl.overlap);
	}
	if (b->n_shadow_crls == 0)
		return;
	cbor_put_uint(out, 12);
	cbor_put_array(out, b->n_shadow_crls);
	for (size_t i = 0; i < b->n_shadow_crls; i++)
		cbor_put_uint(out, b->shadow_crls[i]);
}

enum rc
bundle_write(const struct bundle *bundle, struct buf *out)
{
	struct cbor_out to;

	cbor_out_init(&to, out);
	cbor_put_map(&to, 9U + (bundle->has_expires ? 1U : 0U) +
			      (bundle->has_crl ? 1U : 0U) +
			      (bundle->n_shadow_crls != 0 ? 1U : 0U));
	put_key_uint(&to, 1, FORMAT_VERSION);
	put_key_bytes(&to, 2, span_of(bundle->id, BUNDLE_ID_LEN));
	put_key_digest(&to, 3, bundle->ca_id);
	put_key_time(&to, 4, bundle->created);
	put_key_uint(&to, 5, bundle->sequence);
	if (bundle->has_expires)
		put_key_time(&to, 7, bundle->expires);
	head_put(&to, bundle);
	bundle_out_lists_put(&to, bundle);
	cbor_put_uint(&to, 13);
	cbor_put_array(&to, 2);
	cbor_put_text(&to, bundle->label);
	cbor_put_bytes(&to, bundle->spki);
	return cbor_out_end(&to);
}
