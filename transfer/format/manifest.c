/* SPDX-License-Identifier: Apache-2.0 */
/* transfer-manifest of docs/transfer.cddl. */
#include "transfer/format/grammar.h"

#include "transfer/rule.h"

/* clang-format off */

/* ---- results --------------------------------------------------------------- */

static const struct schema_field cert_entry[] = {
	{ 1, "serial",     &grammar_serial,    IN(cert_entry, serial) },
	{ 2, "sha256",     &grammar_digest,    IN(cert_entry, digest) },
	{ 3, "file",       &grammar_file_name, IN(cert_entry, file) },
	{ 4, "not_before", &grammar_epoch,     IN(cert_entry, not_before) },
	{ 5, "not_after",  &grammar_epoch,     IN(cert_entry, not_after) },
	{ 6, "issuer",     &grammar_key_id,    IN(cert_entry, issuer) },
};
static const struct schema_type cert_type =
	TYPE_MAP("cert-entry", cert_entry, cert_entry);
LIST_OF(certs, 1, SERIES_MAX, "certificate", &cert_type, IN_PLACE);

static const struct schema_field issued_result[] = {
	{ 1, "request_id",   &grammar_request_id, IN(result, id) },
	{ 2, "csr_sha256",   &grammar_digest,     IN(result, csr_digest) },
	{ 3, "certificates", &certs,              LIST(result, certs) },
};
static const struct schema_field refused_result[] = {
	{ 1, "request_id",   &grammar_request_id, IN(result, id) },
	{ 2, "csr_sha256",   &grammar_digest,     IN(result, csr_digest) },
	{ 4, "rule",         &grammar_rule,       IN(result, rule) },
	{ 5, "reason",       &grammar_comment,    IN(result, reason) },
};
static const struct schema_type
	issued_type = TYPE_MAP("issued-result", result, issued_result),
	refused_type = TYPE_MAP("refused-result", result, refused_result);
static const struct schema_field result[] = {
	{ 0, "issued result",  &issued_type,  IN_PLACE },
	{ 0, "refused result", &refused_type, IN_PLACE },
};
static const struct schema_type result_type =
	TYPE_EITHER("result", result, result);
LIST_OF(results, 0, REQUESTS_MAX, "result", &result_type, IN_PLACE);

/* ---- revocations, CRLs, files, trust --------------------------------------- */

LIST_OF(serials, 0, REVOKED_MAX, "serial", &grammar_serial, ITEM_SPAN);

static const char *const statuses[] = {
	"applied", "already revoked", "unknown", "refused",
};
static const struct schema_type status = TYPE_CHOICE(NULL, statuses);
static const struct schema_field revocation_result[] = {
	{ 1, "serials", &serials,         LIST(revocation_result, serials) },
	{ 2, "status",  &status,          IN(revocation_result, status) },
	{ 3, "rule",    &grammar_rule,    IF_ANY(revocation_result, rule) },
	{ 4, "reason",  &grammar_comment, IF_ANY(revocation_result, comment) },
};
static const struct schema_type revocation_type =
	TYPE_MAP("revocation-result", revocation_result, revocation_result);
LIST_OF(revocations, 0, REVOCATIONS_MAX, "revocation", &revocation_type, IN_PLACE);

static const char *const crl_kinds[] = { "regular", "shadow" };
static const struct schema_type crl_kind = TYPE_CHOICE(NULL, crl_kinds);
static const struct schema_field crl_entry[] = {
	{ 1, "number",      &grammar_crl_number, IN(crl_entry, number) },
	{ 2, "this_update", &grammar_epoch,      IN(crl_entry, this_update) },
	{ 3, "next_update", &grammar_epoch,      IN(crl_entry, next_update) },
	{ 4, "sha256",      &grammar_digest,     IN(crl_entry, digest) },
	{ 5, "file",        &grammar_file_name,  IN(crl_entry, file) },
	{ 6, "revoked",     &grammar_uint,       IN(crl_entry, n_revoked) },
	{ 7, "issuer",      &grammar_key_id,     IN(crl_entry, issuer) },
	{ 8, "kind",        &crl_kind,           IN(crl_entry, shadow) },
};
static const struct schema_type crl_type =
	TYPE_MAP("crl-entry", crl_entry, crl_entry);
LIST_OF(crls, 0, CRLS_MAX, "crl", &crl_type, IN_PLACE);

static const struct schema_field file_entry[] = {
	{ 1, "file",   &grammar_file_name, IN(file_entry, name) },
	{ 2, "size",   &grammar_uint,      IN(file_entry, size) },
	{ 3, "sha256", &grammar_digest,    IN(file_entry, digest) },
};
static const struct schema_type file_type =
	TYPE_MAP("file-entry", file_entry, file_entry);
LIST_OF(files, 0, LISTED_MAX, "file", &file_type, IN_PLACE);

static const char *const change_kinds[] = {
	"next transfer certificate", "CA renewed", "CA rolled over", "spare CA",
};
static const struct schema_type change_kind = TYPE_CHOICE(NULL, change_kinds);
static const struct schema_field trust_change[] = {
	{ 1, "kind",         &change_kind,   IN(trust_change, kind) },
	{ 2, "certificates", &grammar_certs, LIST(trust_change, certs) },
};
static const struct schema_type change_type =
	TYPE_MAP("trust-change", trust_change, trust_change);
LIST_OF(changes, 1, CHANGES_MAX, "trust_change", &change_type, IN_PLACE);

/* ---- the manifest ---------------------------------------------------------- */

static const struct schema_field bundle_ref[] = {
	{ 1, "bundle_id", &grammar_bundle_id, IN(manifest, bundle_id) },
	{ 2, "digest",    &grammar_digest,    IN(manifest, bundle_digest) },
};
static const struct schema_type ref_type =
	TYPE_MAP("bundle-ref", manifest, bundle_ref);

static const struct schema_field transfer_manifest[] = {
	{  1, "version",       &grammar_version,     NOWHERE },
	{  2, "ca_id",         &grammar_ca_id,       IN(manifest, ca_id) },
	{  3, "sequence",      &grammar_sequence,    IN(manifest, sequence) },
	{  4, "previous",      &grammar_digest,      OR_NULL(manifest, previous) },
	{  5, "bundle",        &ref_type,            IN_PLACE_OR_NULL(manifest, bundle) },
	{  6, "signed",        &grammar_epoch,       IN(manifest, signed_at) },
	{  7, "next_visit",    &grammar_epoch,       IF_HAS(manifest, next_visit) },
	{  8, "results",       &results,             LIST(manifest, results) },
	{  9, "revocations",   &revocations,         LIST(manifest, revocations) },
	{ 10, "crls",          &crls,                LIST(manifest, crls) },
	{ 11, "files",         &files,               LIST(manifest, files) },
	{ 12, "ledger_head",   &grammar_ledger_head, STRUCT_IN(manifest, ledger) },
	{ 13, "policy_sha256", &grammar_digest,      IN(manifest, policy) },
	{ 14, "requester",     &grammar_key_id,      OR_NULL(manifest, requester) },
	{ 15, "trust_changes", &changes,             LIST_IF_ANY(manifest, changes) },
};
static const struct schema_type manifest_type =
	TYPE_MAP("transfer-manifest", manifest, transfer_manifest);
const struct schema_field grammar_manifest =
	{ 0, "manifest", &manifest_type, IN_PLACE };

/* clang-format on */

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
	WIPED(manifest) m = { .sequence = 0 };
	enum rc rc = schema_read(from, payload, &grammar_manifest, &m);

	if (rc == RC_OK)
		rc = previous_check(from, &m);
	if (rc != RC_OK)
		return rc;
	*ret = m;
	m = (struct manifest){ .sequence = 0 };
	return RC_OK;
}

enum rc
manifest_read_head(const char *from, struct span payload, struct manifest *ret)
{
	struct manifest m = { .sequence = 0 };
	enum rc rc = schema_read_head(from, payload, &grammar_manifest, &m);

	if (rc == RC_OK)
		rc = previous_check(from, &m);
	if (rc == RC_OK)
		*ret = m;
	return rc;
}

enum rc
manifest_write(const struct manifest *manifest, struct buf *out)
{
	return schema_write(&grammar_manifest, manifest, out);
}

void
manifest_wipe(struct manifest *manifest)
{
	if (manifest == NULL)
		return;
	schema_wipe(&manifest_type, manifest);
	*manifest = (struct manifest){ .sequence = 0 };
}

bool
manifest_is_shadow(const struct manifest *m, size_t i)
{
	for (size_t j = 0; j < m->n_crls; j++)
		if (m->crls[j].shadow &&
		    span_eq(m->crls[j].file, m->files[i].name))
			return true;
	return false;
}
