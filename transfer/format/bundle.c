/* SPDX-License-Identifier: Apache-2.0 */
/* csr-bundle of docs/transfer.cddl. */
#include "transfer/format/grammar.h"

#include "transfer/rule.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/name.h"
#include "transfer/x509/reason.h"

#include <stdlib.h>

/* clang-format off */

/* ---- requests -------------------------------------------------------------- */

static const struct schema_type
	name_type = TYPE("name-type", SCHEMA_UINT, 0, NAME_TYPES - 1),
	name_text = TYPE(NULL, SCHEMA_TEXT, 1, NAME_TEXT_MAX);

static const struct schema_field name[] = {
	{ 0, "name type", &name_type, IN(name, type) },
	{ 0, "name",      &name_text, IN(name, text) },
};
const struct schema_type grammar_name =
	TYPE_OF("name", SCHEMA_NAME, 0, 0, sizeof(struct name), name);

LIST_OF(names, 1, NAMES_MAX, "name", &grammar_name, IN_PLACE);

/* One certificate, or several after each other. */
static const struct schema_field single_validity[] = {
	{ 1, "not_before", &grammar_epoch,    IF_HAS(validity, not_before) },
	{ 2, "duration",   &grammar_duration, IN(validity, period) },
};
static const struct schema_type
	series_count = TYPE(NULL, SCHEMA_UINT, 2, SERIES_MAX);
static const struct schema_field series_validity[] = {
	{ 1, "not_before", &grammar_epoch,    IF_HAS(validity, not_before) },
	{ 3, "count",      &series_count,     IN(validity, count) },
	{ 4, "period",     &grammar_duration, IN(validity, period) },
	{ 5, "overlap",    &grammar_overlap,  IN(validity, overlap) },
};
static const struct schema_type
	single_type = TYPE_MAP("single-validity", validity, single_validity),
	series_type = TYPE_MAP("series-validity", validity, series_validity);
static const struct schema_field validity[] = {
	{ 0, "validity", &single_type, IN_PLACE },
	{ 0, "series",   &series_type, IN_PLACE },
};
static const struct schema_type validity_type =
	TYPE_EITHER("validity", validity, validity);

static const struct schema_type
	csr_der = TYPE("csr-der", SCHEMA_DER, CSR_MIN, CSR_MAX);
static const struct schema_field cert_request[] = {
	{ 1, "request_id", &grammar_request_id, IN(cert_request, id) },
	{ 2, "csr",        &csr_der,            IN(cert_request, csr) },
	{ 3, "profile",    &grammar_profile,    IN(cert_request, profile) },
	{ 4, "validity",   &validity_type,      STRUCT_IN(cert_request, validity) },
	{ 5, "comment",    &grammar_comment,    IF_ANY(cert_request, comment) },
	{ 6, "replaces",   &grammar_serial,     IF_ANY(cert_request, replaces) },
	{ 7, "names",      &names,              LIST_IF_ANY(cert_request, names) },
};
static const struct schema_type request_type =
	TYPE_MAP("cert-request", cert_request, cert_request);
LIST_OF(requests, 0, REQUESTS_MAX, "request", &request_type, IN_PLACE);

/* ---- revocations and CRLs -------------------------------------------------- */

static const struct schema_type reason = {
	.name = "reason", .kind = SCHEMA_CHOICE, .max = REASON_MAX, .names = reason_names,
	.wanted = "0 to 5, 9 or 10",
};

/* Of one certificate, or of all for a key. */
static const struct schema_field serial_revocation[] = {
	{ 1, "serial",          &grammar_serial, IN(revocation, serial) },
	{ 2, "reason",          &reason,         IN(revocation, reason) },
	{ 3, "invalidity_date", &grammar_epoch,  IF_HAS(revocation, since) },
};
static const struct schema_field key_revocation[] = {
	{ 2, "reason",          &reason,         IN(revocation, reason) },
	{ 3, "invalidity_date", &grammar_epoch,  IF_HAS(revocation, since) },
	{ 4, "key_id",          &grammar_key_id, IN(revocation, key_id) },
};
static const struct schema_type
	by_serial = TYPE_MAP("serial-revocation", revocation, serial_revocation),
	by_key = TYPE_MAP("key-revocation", revocation, key_revocation);
static const struct schema_field revocation[] = {
	{ 0, "revocation of a serial", &by_serial, IN_PLACE },
	{ 0, "revocation of a key",    &by_key,    IN_PLACE },
};
static const struct schema_type revocation_type =
	TYPE_EITHER("revocation", revocation, revocation);
LIST_OF(revocations, 0, REVOCATIONS_MAX, "revocation", &revocation_type, IN_PLACE);

static const struct schema_type
	crl_count = TYPE(NULL, SCHEMA_UINT, 1, SERIES_MAX);
static const struct schema_field crl_request[] = {
	{ 1, "count",   &crl_count,        IN(crl_request, count) },
	{ 2, "period",  &grammar_duration, IN(crl_request, period) },
	{ 3, "overlap", &grammar_overlap,  IN(crl_request, overlap) },
};
static const struct schema_type crl_type =
	TYPE_MAP("crl-request", crl_request, crl_request);

LIST_OF(crl_numbers, 1, CRLS_MAX, "crl_number", &grammar_crl_number, ITEM_U64);

/* ---- the bundle ------------------------------------------------------------ */

static const struct schema_field head[] = {
	{ 1, "sequence",    &grammar_sequence,    IN(head, sequence) },
	{ 2, "digest",      &grammar_digest,      IN(head, digest) },
	{ 3, "ledger_head", &grammar_ledger_head, STRUCT_IN(head, ledger) },
};
static const struct schema_type head_type = TYPE_MAP("head", head, head);

static const struct schema_field requester[] = {
	{ 0, "label", &grammar_label,    IN(bundle, label) },
	{ 0, "spki",  &grammar_spki_der, IN(bundle, spki) },
};
static const struct schema_type requester_type =
	TYPE_TUPLE(NULL, bundle, requester);

static const struct schema_field csr_bundle[] = {
	{  1, "version",     &grammar_version,   NOWHERE },
	{  2, "bundle_id",   &grammar_bundle_id, IN(bundle, id) },
	{  3, "ca_id",       &grammar_ca_id,     IN(bundle, ca_id) },
	{  4, "created",     &grammar_epoch,     IN(bundle, created) },
	{  5, "sequence",    &grammar_sequence,  IN(bundle, sequence) },
	{  7, "expires",     &grammar_epoch,     IF_HAS(bundle, expires) },
	{  8, "head",        &head_type,         STRUCT_OR_NULL(bundle, head) },
	{  9, "requests",    &requests,          LIST(bundle, requests) },
	{ 10, "revocations", &revocations,       LIST(bundle, revocations) },
	{ 11, "crl_request", &crl_type,          STRUCT_IF_HAS(bundle, crl) },
	{ 12, "shadow_crls", &crl_numbers,       LIST_IF_ANY(bundle, shadow_crls) },
	{ 13, "requester",   &requester_type,    IN_PLACE },
};
static const struct schema_type bundle_type =
	TYPE_MAP("csr-bundle", bundle, csr_bundle);
const struct schema_field grammar_bundle = { 0, "bundle", &bundle_type, IN_PLACE };

/* clang-format on */

static int
id_order(const void *a, const void *b)
{
	const struct span *x = &(*(const struct cert_request *const *)a)->id;
	const struct span *y = &(*(const struct cert_request *const *)b)->id;
	const size_t n = x->n < y->n ? x->n : y->n;
	const int order = memcmp(x->p, y->p, n);

	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* Sorted once rather than compared each with each: a bundle may have 100,000.
 */
static enum rc
ids_check(const char *from, const struct bundle *b)
{
	const struct cert_request **sorted;
	enum rc rc = RC_OK;

	if (b->n_requests < 2)
		return RC_OK;
	sorted = calloc(b->n_requests, sizeof(*sorted));
	if (sorted == NULL)
		return err_memory();
	for (size_t i = 0; i < b->n_requests; i++)
		sorted[i] = &b->requests[i];
	qsort(sorted, b->n_requests, sizeof(*sorted), id_order);
	for (size_t i = 1; i < b->n_requests && rc == RC_OK; i++)
		if (span_eq(sorted[i - 1]->id, sorted[i]->id))
			rc = rule_refuse(RULE_DUPLICATE_ID,
			    "%s: two requests have the id \"%.*s\"", from,
			    SPAN_FMT(sorted[i]->id));
	free(sorted);
	return rc;
}

enum rc
bundle_read(const char *from, struct span payload, struct bundle *ret)
{
	WIPED(bundle) b = { .sequence = 0 };
	enum rc rc = schema_read(from, payload, &grammar_bundle, &b);

	if (rc == RC_OK)
		rc = ids_check(from, &b);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < b.n_requests; i++)
		if (b.requests[i].validity.count == 0) /* no series */
			b.requests[i].validity.count = 1;
	*ret = b;
	b = (struct bundle){ .sequence = 0 };
	return RC_OK;
}

enum rc
bundle_read_head(const char *from, struct span payload, struct bundle *ret)
{
	struct bundle b = { .sequence = 0 };
	enum rc rc = schema_read_head(from, payload, &grammar_bundle, &b);

	if (rc == RC_OK)
		*ret = b;
	return rc;
}

enum rc
bundle_write(const struct bundle *bundle, struct buf *out)
{
	return schema_write(&grammar_bundle, bundle, out);
}

void
bundle_wipe(struct bundle *bundle)
{
	if (bundle == NULL)
		return;
	schema_wipe(&bundle_type, bundle);
	*bundle = (struct bundle){ .sequence = 0 };
}
