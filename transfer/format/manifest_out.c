/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a transfer-manifest of docs/transfer.cddl. */
#include "transfer/format/payload.h"

#include "transfer/format/schema.h"

static void
cert_put(struct cbor_out *out, const struct cert_entry *cert)
{
	cbor_put_map(out, 6);
	put_key_bytes(out, 1, cert->serial);
	put_key_digest(out, 2, cert->digest);
	put_key_text(out, 3, cert->file);
	put_key_time(out, 4, cert->not_before);
	put_key_time(out, 5, cert->not_after);
	put_key_digest(out, 6, cert->issuer);
}

static void
result_put(struct cbor_out *out, const struct result *r)
{
	const bool issued = r->n_certs != 0;

	cbor_put_map(out, issued ? 3 : 4);
	put_key_text(out, 1, r->id);
	put_key_digest(out, 2, r->csr_digest);
	if (!issued) {
		put_key_text(out, 4, r->rule);
		put_key_text(out, 5, r->reason);
		return;
	}
	cbor_put_uint(out, 3);
	cbor_put_array(out, r->n_certs);
	for (size_t i = 0; i < r->n_certs; i++)
		cert_put(out, &r->certs[i]);
}

static void
manifest_out_revocation_put(
    struct cbor_out *out, const struct revocation_result *r)
{
	cbor_put_map(out,
	    2U + (r->rule.n != 0 ? 1U : 0U) + (r->comment.n != 0 ? 1U : 0U));
	cbor_put_uint(out, 1);
	cbor_put_array(out, r->n_serials);
	for (size_t i = 0; i < r->n_serials; i++)
		cbor_put_bytes(out, r->serials[i]);
	put_key_uint(out, 2, (uint64_t)r->status);
	if (r->rule.n != 0)
		put_key_text(out, 3, r->rule);
	if (r->comment.n != 0)
		put_key_text(out, 4, r->comment);
}

static void
crl_put(struct cbor_out *out, const struct crl_entry *crl)
{
	cbor_put_map(out, 8);
	put_key_uint(out, 1, crl->number);
	put_key_time(out, 2, crl->this_update);
	put_key_time(out, 3, crl->next_update);
	put_key_digest(out, 4, crl->digest);
	put_key_text(out, 5, crl->file);
	put_key_uint(out, 6, crl->n_revoked);
	put_key_digest(out, 7, crl->issuer);
	put_key_uint(out, 8, crl->shadow ? 1 : 0);
}

static void
file_put(struct cbor_out *out, const struct file_entry *file)
{
	cbor_put_map(out, 3);
	put_key_text(out, 1, file->name);
	put_key_uint(out, 2, file->size);
	put_key_digest(out, 3, file->digest);
}

static void
change_put(struct cbor_out *out, const struct trust_change *change)
{
	cbor_put_map(out, 2);
	put_key_uint(out, 1, (uint64_t)change->kind);
	cbor_put_uint(out, 2);
	cbor_put_array(out, change->n_certs);
	for (size_t i = 0; i < change->n_certs; i++)
		cbor_put_bytes(out, change->certs[i]);
}

static void
digest_or_null_put(struct cbor_out *out, uint64_t key, bool has,
    const uint8_t digest[static SHA256_LEN])
{
	if (has) {
		put_key_digest(out, key, digest);
		return;
	}
	cbor_put_uint(out, key);
	cbor_put_null(out);
}

static void
ref_put(struct cbor_out *out, const struct manifest *m)
{
	cbor_put_uint(out, 5);
	if (!m->has_bundle) {
		cbor_put_null(out);
		return;
	}
	cbor_put_map(out, 2);
	put_key_bytes(out, 1, span_of(m->bundle_id, BUNDLE_ID_LEN));
	put_key_digest(out, 2, m->bundle_digest);
}

static void
manifest_out_lists_put(struct cbor_out *out, const struct manifest *m)
{
	cbor_put_uint(out, 8);
	cbor_put_array(out, m->n_results);
	for (size_t i = 0; i < m->n_results; i++)
		result_put(out, &m->results[i]);
	cbor_put_uint(out, 9);
	cbor_put_array(out, m->n_revocations);
	for (size_t i = 0; i < m->n_revocations; i++)
		manifest_out_revocation_put(out, &m->revocations[i]);
	cbor_put_uint(out, 10);
	cbor_put_array(out, m->n_crls);
	for (size_t i = 0; i < m->n_crls; i++)
		crl_put(out, &m->crls[i]);
	cbor_put_uint(out, 11);
	cbor_put_array(out, m->n_files);
	for (size_t i = 0; i < m->n_files; i++)
		file_put(out, &m->files[i]);
}

enum rc
manifest_write(const struct manifest *manifest, struct buf *out)
{
	const struct manifest *m = manifest;
	struct cbor_out to;

	cbor_out_init(&to, out);
	cbor_put_map(&to, 13U + (m->has_next_visit ? 1U : 0U) +
			      (m->n_changes != 0 ? 1U : 0U));
	put_key_uint(&to, 1, FORMAT_VERSION);
	put_key_digest(&to, 2, m->ca_id);
	put_key_uint(&to, 3, m->sequence);
	digest_or_null_put(&to, 4, m->has_previous, m->previous);
	ref_put(&to, m);
	put_key_time(&to, 6, m->signed_at);
	if (m->has_next_visit)
		put_key_time(&to, 7, m->next_visit);
	manifest_out_lists_put(&to, m);
	cbor_put_uint(&to, 12);
	put_ledger_head(&to, &m->ledger);
	put_key_digest(&to, 13, m->policy);
	digest_or_null_put(&to, 14, m->has_requester, m->requester);
	if (m->n_changes != 0) {
		cbor_put_uint(&to, 15);
		cbor_put_array(&to, m->n_changes);
		for (size_t i = 0; i < m->n_changes; i++)
			change_put(&to, &m->changes[i]);
	}
	return cbor_out_end(&to);
}

/* Keys and heads of what has none of a text's length, at most. */
#define ROOM_CERT (7 + 2 * SHA256_LEN + 2 * 9 + 4 * 3)
#define ROOM_RESULT (10 + SHA256_LEN + 4 * 3)
#define ROOM_FILE (8 + SHA256_LEN + 9 + 2 * 3)
#define ROOM_OTHER 1024

static size_t
result_room(const struct result *r)
{
	size_t n = ROOM_RESULT + r->id.n + r->rule.n + r->reason.n;

	for (size_t i = 0; i < r->n_certs; i++)
		n += ROOM_CERT + r->certs[i].serial.n + r->certs[i].file.n;
	return n;
}

size_t
manifest_room(const struct manifest *manifest)
{
	const struct manifest *m = manifest;
	size_t n = ROOM_OTHER;

	for (size_t i = 0; i < m->n_results; i++)
		n += result_room(&m->results[i]);
	for (size_t i = 0; i < m->n_files; i++)
		n += ROOM_FILE + m->files[i].name.n;
	return n;
}
