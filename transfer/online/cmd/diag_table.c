/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/cmd/diag_table.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define SHAPE(name) \
	static const struct diag_shape name = { name##_fields, \
		COUNT(name##_fields), NULL }
#define CHOICES(name) \
	static const struct diag_shape name = { NULL, COUNT(name##_names), \
		name##_names }

/* clang-format off */

/* ---- choices --------------------------------------------------------------- */

static const char *const reason_names[] = { /* RFC 5280 5.3.1 */
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged",
	"superseded", "cessationOfOperation", NULL, NULL, NULL,
	"privilegeWithdrawn", "aACompromise",
};
CHOICES(reason);

static const char *const status_names[] = {
	"applied", "already revoked", "unknown", "refused",
};
CHOICES(status);

static const char *const crl_kind_names[] = { "regular", "shadow" };
CHOICES(crl_kind);

static const char *const change_kind_names[] = {
	"next transfer certificate", "CA renewed", "CA rolled over", "spare CA",
};
CHOICES(change_kind);

/* ---- shared ---------------------------------------------------------------- */

static const struct diag_field ledger_fields[] = {
	{ 0, "count", AS_UINT,  NULL },
	{ 0, "hash",  AS_BYTES, NULL },
};
SHAPE(ledger);

static const struct diag_field cert_ders_fields[] = {
	{ 0, "certificate", AS_DER, NULL },
};
SHAPE(cert_ders);

/* ---- csr-bundle ------------------------------------------------------------ */

static const struct diag_field head_fields[] = {
	{ 1, "sequence",    AS_UINT,  NULL },
	{ 2, "digest",      AS_BYTES, NULL },
	{ 3, "ledger_head", AS_TUPLE, &ledger },
};
SHAPE(head);

/* Single and series share no key but 1, so one table serves both. */
static const struct diag_field validity_fields[] = {
	{ 1, "not_before", AS_TIME,     NULL },
	{ 2, "duration",   AS_DURATION, NULL },
	{ 3, "count",      AS_UINT,     NULL },
	{ 4, "period",     AS_DURATION, NULL },
	{ 5, "overlap",    AS_DURATION, NULL },
};
SHAPE(validity);

static const struct diag_field names_fields[] = {
	{ 0, "name", AS_NAME, NULL },
};
SHAPE(names);

static const struct diag_field request_fields[] = {
	{ 1, "request_id", AS_TEXT,  NULL },
	{ 2, "csr",        AS_DER,   NULL },
	{ 3, "profile",    AS_TEXT,  NULL },
	{ 4, "validity",   AS_MAP,   &validity },
	{ 5, "comment",    AS_TEXT,  NULL },
	{ 6, "replaces",   AS_BYTES, NULL },
	{ 7, "names",      AS_LIST,  &names },
};
SHAPE(request);
static const struct diag_field requests_fields[] = {
	{ 0, "request", AS_MAP, &request },
};
SHAPE(requests);

static const struct diag_field revocation_fields[] = {
	{ 1, "serial",          AS_BYTES,  NULL },
	{ 2, "reason",          AS_CHOICE, &reason },
	{ 3, "invalidity_date", AS_TIME,   NULL },
	{ 4, "key_id",          AS_BYTES,  NULL },
};
SHAPE(revocation);
static const struct diag_field revocations_fields[] = {
	{ 0, "revocation", AS_MAP, &revocation },
};
SHAPE(revocations);

static const struct diag_field crl_request_fields[] = {
	{ 1, "count",   AS_UINT,     NULL },
	{ 2, "period",  AS_DURATION, NULL },
	{ 3, "overlap", AS_DURATION, NULL },
};
SHAPE(crl_request);

static const struct diag_field crl_numbers_fields[] = {
	{ 0, "crl_number", AS_UINT, NULL },
};
SHAPE(crl_numbers);

static const struct diag_field requester_fields[] = {
	{ 0, "label", AS_TEXT, NULL },
	{ 0, "spki",  AS_DER,  NULL },
};
SHAPE(requester);

static const struct diag_field bundle_fields[] = {
	{  1, "version",     AS_UINT,  NULL },
	{  2, "bundle_id",   AS_BYTES, NULL },
	{  3, "ca_id",       AS_BYTES, NULL },
	{  4, "created",     AS_TIME,  NULL },
	{  5, "sequence",    AS_UINT,  NULL },
	{  7, "expires",     AS_TIME,  NULL },
	{  8, "head",        AS_MAP,   &head },
	{  9, "requests",    AS_LIST,  &requests },
	{ 10, "revocations", AS_LIST,  &revocations },
	{ 11, "crl_request", AS_MAP,   &crl_request },
	{ 12, "shadow_crls", AS_LIST,  &crl_numbers },
	{ 13, "requester",   AS_TUPLE, &requester },
};
SHAPE(bundle);

/* ---- transfer-manifest ----------------------------------------------------- */

static const struct diag_field bundle_ref_fields[] = {
	{ 1, "bundle_id", AS_BYTES, NULL },
	{ 2, "digest",    AS_BYTES, NULL },
};
SHAPE(bundle_ref);

static const struct diag_field cert_fields[] = {
	{ 1, "serial",     AS_BYTES, NULL },
	{ 2, "sha256",     AS_BYTES, NULL },
	{ 3, "file",       AS_TEXT,  NULL },
	{ 4, "not_before", AS_TIME,  NULL },
	{ 5, "not_after",  AS_TIME,  NULL },
	{ 6, "issuer",     AS_BYTES, NULL },
};
SHAPE(cert);
static const struct diag_field certs_fields[] = {
	{ 0, "certificate", AS_MAP, &cert },
};
SHAPE(certs);

static const struct diag_field result_fields[] = {
	{ 1, "request_id",   AS_TEXT,  NULL },
	{ 2, "csr_sha256",   AS_BYTES, NULL },
	{ 3, "certificates", AS_LIST,  &certs },
	{ 4, "rule",         AS_TEXT,  NULL },
	{ 5, "reason",       AS_TEXT,  NULL },
};
SHAPE(result);
static const struct diag_field results_fields[] = {
	{ 0, "result", AS_MAP, &result },
};
SHAPE(results);

static const struct diag_field serials_fields[] = {
	{ 0, "serial", AS_BYTES, NULL },
};
SHAPE(serials);
static const struct diag_field revoked_fields[] = {
	{ 1, "serials", AS_LIST,   &serials },
	{ 2, "status",  AS_CHOICE, &status },
	{ 3, "rule",    AS_TEXT,   NULL },
	{ 4, "reason",  AS_TEXT,   NULL },
};
SHAPE(revoked);
static const struct diag_field revoked_list_fields[] = {
	{ 0, "revocation", AS_MAP, &revoked },
};
SHAPE(revoked_list);

static const struct diag_field crl_fields[] = {
	{ 1, "number",      AS_UINT,   NULL },
	{ 2, "this_update", AS_TIME,   NULL },
	{ 3, "next_update", AS_TIME,   NULL },
	{ 4, "sha256",      AS_BYTES,  NULL },
	{ 5, "file",        AS_TEXT,   NULL },
	{ 6, "revoked",     AS_UINT,   NULL },
	{ 7, "issuer",      AS_BYTES,  NULL },
	{ 8, "kind",        AS_CHOICE, &crl_kind },
};
SHAPE(crl);
static const struct diag_field crls_fields[] = {
	{ 0, "crl", AS_MAP, &crl },
};
SHAPE(crls);

static const struct diag_field file_fields[] = {
	{ 1, "file",   AS_TEXT,  NULL },
	{ 2, "size",   AS_UINT,  NULL },
	{ 3, "sha256", AS_BYTES, NULL },
};
SHAPE(file);
static const struct diag_field files_fields[] = {
	{ 0, "file", AS_MAP, &file },
};
SHAPE(files);

static const struct diag_field change_fields[] = {
	{ 1, "kind",         AS_CHOICE, &change_kind },
	{ 2, "certificates", AS_LIST,   &cert_ders },
};
SHAPE(change);
static const struct diag_field changes_fields[] = {
	{ 0, "trust_change", AS_MAP, &change },
};
SHAPE(changes);

static const struct diag_field manifest_fields[] = {
	{  1, "version",       AS_UINT,  NULL },
	{  2, "ca_id",         AS_BYTES, NULL },
	{  3, "sequence",      AS_UINT,  NULL },
	{  4, "previous",      AS_BYTES, NULL },
	{  5, "bundle",        AS_MAP,   &bundle_ref },
	{  6, "signed",        AS_TIME,  NULL },
	{  7, "next_visit",    AS_TIME,  NULL },
	{  8, "results",       AS_LIST,  &results },
	{  9, "revocations",   AS_LIST,  &revoked_list },
	{ 10, "crls",          AS_LIST,  &crls },
	{ 11, "files",         AS_LIST,  &files },
	{ 12, "ledger_head",   AS_TUPLE, &ledger },
	{ 13, "policy_sha256", AS_BYTES, NULL },
	{ 14, "requester",     AS_BYTES, NULL },
	{ 15, "trust_changes", AS_LIST,  &changes },
};
SHAPE(manifest);

/* ---- ca-card --------------------------------------------------------------- */

static const struct diag_field card_fields[] = {
	{ 1, "version",      AS_UINT,  NULL },
	{ 2, "ca_id",        AS_BYTES, NULL },
	{ 3, "certificates", AS_LIST,  &cert_ders },
	{ 4, "created",      AS_TIME,  NULL },
	{ 5, "policy",       AS_FILE,  NULL },
};
SHAPE(card);

/* clang-format on */

const struct diag_shape *
diag_shape_of(enum cose_type type)
{
	static const struct diag_shape *const shapes[] = {
		[COSE_BUNDLE] = &bundle,
		[COSE_MANIFEST] = &manifest,
		[COSE_CARD] = &card,
	};

	return shapes[type];
}

const char *
diag_choice(const struct diag_shape *shape, uint64_t value)
{
	return value < shape->n ? shape->choices[value] : NULL;
}

const struct diag_field *
diag_field_of(const struct diag_shape *shape, int key)
{
	for (size_t i = 0; i < shape->n; i++)
		if (shape->fields[i].key == key)
			return &shape->fields[i];
	return NULL;
}
