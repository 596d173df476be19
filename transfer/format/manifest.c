/* SPDX-License-Identifier: Apache-2.0 */
/* transfer-manifest of docs/transfer.cddl. */
#include "transfer/format/payload.h"

#include "transfer/format/schema.h"
#include "transfer/rule.h"

#include <stdlib.h>

/* ---- reading: results ---------------------------------------------------- */

static enum rc
cert_field(struct cbor_in *in, int key, void *object)
{
	struct cert_entry *cert = object;

	switch (key) {
	case 1:
		return part_serial(in, &cert->serial);
	case 2:
		return part_digest(in, "certificate digest", cert->digest);
	case 3:
		return part_text(in, &part_file_name, &cert->file);
	case 4:
		return part_epoch(in, "notBefore", &cert->not_before);
	case 5:
		return part_epoch(in, "notAfter", &cert->not_after);
	default:
		return part_digest(in, "issuer", cert->issuer);
	}
}

static enum rc
manifest_cert_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "certificate",
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5) | KEY(6), 0,
		cert_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list certs = {
	.what = "certificates",
	.min = 1,
	.item_size = sizeof(struct cert_entry),
	/* { 1: h'01', 2: digest, 3: "a", 4: 0, 5: 0, 6: digest } */
	.least_bytes = 1 + 3 + 35 + 3 + 2 + 2 + 35,
	.item = manifest_cert_item,
};

static enum rc
result_field(struct cbor_in *in, int key, void *object)
{
	struct result *r = object;
	void *items;
	enum rc rc;

	switch (key) {
	case 1:
		return part_text(in, &part_request_id, &r->id);
	case 2:
		return part_digest(in, "CSR digest", r->csr_digest);
	case 3:
		rc = part_list_take(in, &certs, &items, &r->n_certs);
		r->certs = items;
		return rc;
	case 4:
		return part_text(in, &part_rule, &r->rule);
	default:
		return part_comment(in, &r->reason);
	}
}

/* Issued, with certificates, or refused, with rule and sentence. */
static enum rc
result_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "result", KEY(1) | KEY(2),
		KEY(3) | KEY(4) | KEY(5), result_field };
	uint32_t seen;
	enum rc rc = part_map_take(in, &map, item, &seen);

	if (rc == RC_OK && (seen & KEY(3)) != 0)
		rc = cbor_keys_check(
		    in, "issued result", seen, KEY(1) | KEY(2) | KEY(3), 0);
	else if (rc == RC_OK)
		rc = cbor_keys_check(in, "refused result", seen,
		    KEY(1) | KEY(2) | KEY(4) | KEY(5), 0);
	return rc;
}

static const struct part_list results = {
	.what = "results",
	.item_size = sizeof(struct result),
	/* { 1: "a", 2: digest, 4: "AB", 5: "a" } */
	.least_bytes = 1 + 3 + 35 + 4 + 3,
	.item = result_item,
};

/* ---- reading: revocations, CRLs, files, trust ---------------------------- */

static enum rc
serial_item(struct cbor_in *in, void *item)
{
	return part_serial(in, item);
}

static const struct part_list serials = {
	.what = "serials",
	.item_size = sizeof(struct span),
	.least_bytes = 2,
	.item = serial_item,
};

static enum rc
manifest_revocation_field(struct cbor_in *in, int key, void *object)
{
	struct revocation_result *r = object;
	uint32_t status;
	void *items;
	enum rc rc;

	switch (key) {
	case 1:
		rc = part_list_take(in, &serials, &items, &r->n_serials);
		r->serials = items;
		return rc;
	case 2:
		rc = part_u32(in, "status", 0, REVOKE_REFUSED, &status);
		if (rc == RC_OK)
			r->status = (enum revocation_status)status;
		return rc;
	case 3:
		return part_text(in, &part_rule, &r->rule);
	default:
		return part_comment(in, &r->comment);
	}
}

static enum rc
manifest_revocation_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "revocation", KEY(1) | KEY(2),
		KEY(3) | KEY(4), manifest_revocation_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list revocations = {
	.what = "revocations",
	.item_size = sizeof(struct revocation_result),
	.least_bytes = 5, /* { 1: [], 2: 0 } */
	.item = manifest_revocation_item,
};

static enum rc
manifest_crl_field(struct cbor_in *in, int key, void *object)
{
	struct crl_entry *crl = object;
	uint32_t shadow;
	enum rc rc;

	switch (key) {
	case 1:
		return cbor_take_uint(
		    in, "CRL number", 1, CRL_NUMBER_MAX, &crl->number);
	case 2:
		return part_epoch(in, "thisUpdate", &crl->this_update);
	case 3:
		return part_epoch(in, "nextUpdate", &crl->next_update);
	case 4:
		return part_digest(in, "CRL digest", crl->digest);
	case 5:
		return part_text(in, &part_file_name, &crl->file);
	case 6:
		return cbor_take_uint(
		    in, "revoked entries", 0, UINT64_MAX, &crl->n_revoked);
	case 7:
		return part_digest(in, "issuer", crl->issuer);
	default:
		rc = part_u32(in, "shadow", 0, 1, &shadow);
		if (rc == RC_OK)
			crl->shadow = shadow != 0;
		return rc;
	}
}

static enum rc
crl_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "CRL",
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5) | KEY(6) | KEY(7) |
		    KEY(8),
		0, manifest_crl_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list crls = {
	.what = "CRLs",
	.item_size = sizeof(struct crl_entry),
	/* { 1: 1, 2: 0, 3: 0, 4: digest, 5: "a", 6: 0, 7: digest, 8: 0 } */
	.least_bytes = 1 + 2 + 2 + 2 + 35 + 3 + 2 + 35 + 2,
	.item = crl_item,
};

static enum rc
file_field(struct cbor_in *in, int key, void *object)
{
	struct file_entry *file = object;

	switch (key) {
	case 1:
		return part_text(in, &part_file_name, &file->name);
	case 2:
		return cbor_take_uint(
		    in, "file size", 0, UINT64_MAX, &file->size);
	default:
		return part_digest(in, "file digest", file->digest);
	}
}

static enum rc
file_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "file", KEY(1) | KEY(2) | KEY(3),
		0, file_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list files = {
	.what = "files",
	.item_size = sizeof(struct file_entry),
	.least_bytes = 1 + 3 + 2 + 35, /* { 1: "a", 2: 0, 3: digest } */
	.item = file_item,
};

static enum rc
change_field(struct cbor_in *in, int key, void *object)
{
	struct trust_change *change = object;
	uint32_t kind;
	void *items;
	enum rc rc;

	if (key == 1) {
		rc = part_u32(in, "kind", 0, TRUST_SPARE, &kind);
		if (rc == RC_OK)
			change->kind = (enum trust_kind)kind;
		return rc;
	}
	rc = part_list_take(in, &part_certs, &items, &change->n_certs);
	change->certs = items;
	return rc;
}

static enum rc
change_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "trust change", KEY(1) | KEY(2), 0,
		change_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list changes = {
	.what = "trust changes",
	.min = 1,
	.item_size = sizeof(struct trust_change),
	.least_bytes = 1 + 2 + 2 + 2 + CERT_DER_MIN,
	.item = change_item,
};

/* ---- reading: the manifest ----------------------------------------------- */

static enum rc
digest_or_null(struct cbor_in *in, const char *what, bool *ret_has,
    uint8_t ret[static SHA256_LEN])
{
	bool is_null;
	enum rc rc = cbor_take_null(in, &is_null);

	if (rc != RC_OK || is_null)
		return rc;
	*ret_has = true;
	return part_digest(in, what, ret);
}

static enum rc
ref_field(struct cbor_in *in, int key, void *object)
{
	struct manifest *m = object;
	struct span id;
	enum rc rc;

	if (key == 2)
		return part_digest(in, "bundle digest", m->bundle_digest);
	rc =
	    cbor_take_bytes(in, "bundle-id", BUNDLE_ID_LEN, BUNDLE_ID_LEN, &id);
	if (rc == RC_OK)
		memcpy(m->bundle_id, id.p, BUNDLE_ID_LEN);
	return rc;
}

static enum rc
ref_take(struct cbor_in *in, struct manifest *m)
{
	static const struct part_map map = { "bundle-ref", KEY(1) | KEY(2), 0,
		ref_field };
	bool is_null;
	enum rc rc = cbor_take_null(in, &is_null);

	if (rc != RC_OK || is_null)
		return rc;
	m->has_bundle = true;
	return part_map_take(in, &map, m, NULL);
}

static enum rc
manifest_list_field(struct cbor_in *in, int key, struct manifest *m)
{
	void *items;
	enum rc rc;

	switch (key) {
	case 8:
		rc = part_list_take(in, &results, &items, &m->n_results);
		m->results = items;
		return rc;
	case 9:
		rc =
		    part_list_take(in, &revocations, &items, &m->n_revocations);
		m->revocations = items;
		return rc;
	case 10:
		rc = part_list_take(in, &crls, &items, &m->n_crls);
		m->crls = items;
		return rc;
	case 11:
		rc = part_list_take(in, &files, &items, &m->n_files);
		m->files = items;
		return rc;
	default:
		rc = part_list_take(in, &changes, &items, &m->n_changes);
		m->changes = items;
		return rc;
	}
}

static enum rc
manifest_field(struct cbor_in *in, int key, void *object)
{
	struct manifest *m = object;

	switch (key) {
	case 1:
		return part_version(in);
	case 2:
		return part_digest(in, "ca-id", m->ca_id);
	case 3:
		return part_sequence(in, &m->sequence);
	case 4:
		return digest_or_null(
		    in, "previous", &m->has_previous, m->previous);
	case 5:
		return ref_take(in, m);
	case 6:
		return part_epoch(in, "signed", &m->signed_at);
	case 7:
		m->has_next_visit = true;
		return part_epoch(in, "next visit", &m->next_visit);
	case 12:
		return part_ledger_head(in, &m->ledger);
	case 13:
		return part_digest(in, "policy digest", m->policy);
	case 14:
		return digest_or_null(
		    in, "requester", &m->has_requester, m->requester);
	default:
		return manifest_list_field(in, key, m);
	}
}

/* A chain has a first link and no other without a link before it; what answers
 * loose CSRs is in no chain. */
static enum rc
previous_check(const char *from, const struct manifest *m)
{
	const bool wanted = m->sequence != 1 && m->has_requester;

	if (m->has_previous == wanted)
		return RC_OK;
	return rule_refuse(RULE_CBOR_SCHEMA,
	    "%s: manifest %u %s has %s previous digest", from, m->sequence,
	    m->has_requester ? "of a channel" : "for loose CSRs",
	    m->has_previous ? "a" : "no");
}

enum rc
manifest_read(const char *from, struct span payload, struct manifest *ret)
{
	static const struct part_map map = { "manifest",
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5) | KEY(6) | KEY(8) |
		    KEY(9) | KEY(10) | KEY(11) | KEY(12) | KEY(13) | KEY(14),
		KEY(7) | KEY(15), manifest_field };
	WIPED(manifest) m = { .sequence = 0 };
	enum rc rc = part_map_read(from, payload, &map, &m);

	if (rc == RC_OK)
		rc = previous_check(from, &m);
	if (rc != RC_OK)
		return rc;
	*ret = m;
	m = (struct manifest){ .sequence = 0 };
	return RC_OK;
}

void
manifest_wipe(struct manifest *manifest)
{
	if (manifest == NULL)
		return;
	for (size_t i = 0; i < manifest->n_results; i++)
		free(manifest->results[i].certs);
	free(manifest->results);
	for (size_t i = 0; i < manifest->n_revocations; i++)
		free(manifest->revocations[i].serials);
	free(manifest->revocations);
	free(manifest->crls);
	free(manifest->files);
	for (size_t i = 0; i < manifest->n_changes; i++)
		free(manifest->changes[i].certs);
	free(manifest->changes);
	*manifest = (struct manifest){ .sequence = 0 };
}
