/* SPDX-License-Identifier: Apache-2.0 */
/* csr-bundle of docs/transfer.cddl. */
#include "transfer/format/payload.h"

#include "transfer/format/schema.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/name.h"

#include <stdlib.h>

#define CSR_DER_MIN 64
#define CSR_DER_MAX 65536
#define SPKI_MIN 32
#define REASON_MAX 10

/* ---- reading: requests --------------------------------------------------- */

static enum rc
name_item(struct cbor_in *in, void *item)
{
	struct name *name = item;
	uint32_t type;
	uint64_t n;
	enum rc rc = cbor_take_array(in, "name", 2, 2, &n);

	if (rc == RC_OK)
		rc = part_u32(in, "name type", 0, NAME_TYPES - 1, &type);
	if (rc == RC_OK)
		rc = cbor_take_text(in, "name", 1, NAME_TEXT_MAX, &name->text);
	if (rc == RC_OK)
		name->type = (enum name_type)type;
	return rc;
}

static const struct part_list names = {
	.what = "names",
	.min = 1,
	.item_size = sizeof(struct name),
	.least_bytes = 4, /* [0, "a"] */
	.item = name_item,
};

static enum rc
validity_field(struct cbor_in *in, int key, void *object)
{
	struct validity *v = object;

	switch (key) {
	case 1:
		v->has_not_before = true;
		return part_epoch(in, "notBefore", &v->not_before);
	case 2:
		return part_duration(in, "duration", &v->period);
	case 3:
		return part_u32(in, "count", 2, SERIES_MAX, &v->count);
	case 4:
		return part_duration(in, "period", &v->period);
	default:
		return part_overlap(in, &v->overlap);
	}
}

/* One certificate, or a series: the keys tell which, and never both. */
static enum rc
validity_take(struct cbor_in *in, struct validity *v)
{
	static const struct part_map map = { "validity", 0,
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5), validity_field };
	const uint32_t series = KEY(3) | KEY(4) | KEY(5);
	uint32_t seen;
	enum rc rc = part_map_take(in, &map, v, &seen);

	if (rc != RC_OK)
		return rc;
	if ((seen & series) != 0)
		return cbor_keys_check(in, "series", seen, series, KEY(1));
	v->count = 1;
	return cbor_keys_check(in, "validity", seen, KEY(2), KEY(1));
}

static enum rc
request_field(struct cbor_in *in, int key, void *object)
{
	struct cert_request *r = object;
	void *items;
	enum rc rc;

	switch (key) {
	case 1:
		return part_text(in, &part_request_id, &r->id);
	case 2:
		return cbor_take_bytes(
		    in, "CSR", CSR_DER_MIN, CSR_DER_MAX, &r->csr);
	case 3:
		return part_text(in, &part_profile, &r->profile);
	case 4:
		return validity_take(in, &r->validity);
	case 5:
		return part_comment(in, &r->comment);
	case 6:
		return part_serial(in, &r->replaces);
	default:
		rc = part_list_take(in, &names, &items, &r->n_names);
		r->names = items;
		return rc;
	}
}

static enum rc
request_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "request",
		KEY(1) | KEY(2) | KEY(3) | KEY(4), KEY(5) | KEY(6) | KEY(7),
		request_field };

	return part_map_take(in, &map, item, NULL);
}

static const struct part_list requests = {
	.what = "requests",
	.item_size = sizeof(struct cert_request),
	/* { 1: "a", 2: 64 bytes, 3: "a", 4: { 2: 1 } } */
	.least_bytes = 1 + 3 + 67 + 3 + 4,
	.item = request_item,
};

/* ---- reading: revocations and CRL wishes --------------------------------- */

static enum rc
reason_take(struct cbor_in *in, uint32_t *ret)
{
	enum rc rc = part_u32(in, "reason", 0, REASON_MAX, ret);

	/* RFC 5280 5.3.1: 6 is a hold and 8 takes it back, 7 is no reason. */
	if (rc == RC_OK && *ret >= 6 && *ret <= 8)
		rc = rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s: reason %u, wanted 0 to 5, 9 or 10", in->from,
		    in->where, *ret);
	return rc;
}

static enum rc
bundle_revocation_field(struct cbor_in *in, int key, void *object)
{
	struct revocation *r = object;

	switch (key) {
	case 1:
		return part_serial(in, &r->serial);
	case 2:
		return reason_take(in, &r->reason);
	case 3:
		r->has_since = true;
		return part_epoch(in, "invalidity date", &r->since);
	default:
		return cbor_take_bytes(
		    in, "key-id", SHA256_LEN, SHA256_LEN, &r->key_id);
	}
}

static enum rc
bundle_revocation_item(struct cbor_in *in, void *item)
{
	static const struct part_map map = { "revocation", KEY(2),
		KEY(1) | KEY(3) | KEY(4), bundle_revocation_field };
	uint32_t seen;
	enum rc rc = part_map_take(in, &map, item, &seen);

	if (rc == RC_OK && (seen & KEY(1)) != 0)
		rc = cbor_keys_check(in, "revocation of a serial", seen,
		    KEY(1) | KEY(2), KEY(3));
	else if (rc == RC_OK)
		rc = cbor_keys_check(
		    in, "revocation of a key", seen, KEY(2) | KEY(4), KEY(3));
	return rc;
}

static const struct part_list revocations = {
	.what = "revocations",
	.item_size = sizeof(struct revocation),
	.least_bytes = 6, /* { 1: h'01', 2: 0 } */
	.item = bundle_revocation_item,
};

static enum rc
bundle_crl_field(struct cbor_in *in, int key, void *object)
{
	struct crl_request *crl = object;

	switch (key) {
	case 1:
		return part_u32(in, "count", 1, SERIES_MAX, &crl->count);
	case 2:
		return part_duration(in, "period", &crl->period);
	default:
		return part_overlap(in, &crl->overlap);
	}
}

static enum rc
number_item(struct cbor_in *in, void *item)
{
	return cbor_take_uint(in, "CRL number", 1, CRL_NUMBER_MAX, item);
}

static const struct part_list shadow_crls = {
	.what = "shadow CRLs",
	.min = 1,
	.item_size = sizeof(uint64_t),
	.least_bytes = 1,
	.item = number_item,
};

/* ---- reading: the bundle ------------------------------------------------- */

static enum rc
head_field(struct cbor_in *in, int key, void *object)
{
	struct head *head = object;

	switch (key) {
	case 1:
		return part_sequence(in, &head->sequence);
	case 2:
		return part_digest(in, "manifest digest", head->digest);
	default:
		return part_ledger_head(in, &head->ledger);
	}
}

static enum rc
head_take(struct cbor_in *in, struct bundle *b)
{
	static const struct part_map map = { "head", KEY(1) | KEY(2) | KEY(3),
		0, head_field };
	bool is_null;
	enum rc rc = cbor_take_null(in, &is_null);

	if (rc != RC_OK || is_null)
		return rc;
	b->has_head = true;
	return part_map_take(in, &map, &b->head, NULL);
}

static enum rc
requester_take(struct cbor_in *in, struct bundle *b)
{
	uint64_t n;
	enum rc rc = cbor_take_array(in, "requester", 2, 2, &n);

	if (rc == RC_OK)
		rc = part_text(in, &part_label, &b->label);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "SPKI", SPKI_MIN, SPKI_MAX, &b->spki);
	return rc;
}

static enum rc
crl_take(struct cbor_in *in, struct bundle *b)
{
	static const struct part_map map = { "CRL request",
		KEY(1) | KEY(2) | KEY(3), 0, bundle_crl_field };

	b->has_crl = true;
	return part_map_take(in, &map, &b->crl, NULL);
}

static enum rc
bundle_list_field(struct cbor_in *in, int key, struct bundle *b)
{
	void *items;
	enum rc rc;

	switch (key) {
	case 9:
		rc = part_list_take(in, &requests, &items, &b->n_requests);
		b->requests = items;
		return rc;
	case 10:
		rc =
		    part_list_take(in, &revocations, &items, &b->n_revocations);
		b->revocations = items;
		return rc;
	default:
		rc =
		    part_list_take(in, &shadow_crls, &items, &b->n_shadow_crls);
		b->shadow_crls = items;
		return rc;
	}
}

static enum rc
bundle_field(struct cbor_in *in, int key, void *object)
{
	struct bundle *b = object;
	struct span id;
	enum rc rc;

	switch (key) {
	case 1:
		return part_version(in);
	case 2:
		rc = cbor_take_bytes(
		    in, "bundle-id", BUNDLE_ID_LEN, BUNDLE_ID_LEN, &id);
		if (rc == RC_OK)
			memcpy(b->id, id.p, BUNDLE_ID_LEN);
		return rc;
	case 3:
		return part_digest(in, "ca-id", b->ca_id);
	case 4:
		return part_epoch(in, "created", &b->created);
	case 5:
		return part_sequence(in, &b->sequence);
	case 7:
		b->has_expires = true;
		return part_epoch(in, "expires", &b->expires);
	case 8:
		return head_take(in, b);
	case 11:
		return crl_take(in, b);
	case 13:
		return requester_take(in, b);
	default:
		return bundle_list_field(in, key, b);
	}
}

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
	static const struct part_map map = { "bundle",
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5) | KEY(8) | KEY(9) |
		    KEY(10) | KEY(13),
		KEY(7) | KEY(11) | KEY(12), bundle_field };
	WIPED(bundle) b = { .sequence = 0 };
	enum rc rc = part_map_read(from, payload, &map, &b);

	if (rc == RC_OK)
		rc = ids_check(from, &b);
	if (rc != RC_OK)
		return rc;
	*ret = b;
	b = (struct bundle){ .sequence = 0 };
	return RC_OK;
}

void
bundle_wipe(struct bundle *bundle)
{
	if (bundle == NULL)
		return;
	for (size_t i = 0; i < bundle->n_requests; i++)
		free(bundle->requests[i].names);
	free(bundle->requests);
	free(bundle->revocations);
	free(bundle->shadow_crls);
	*bundle = (struct bundle){ .sequence = 0 };
}
