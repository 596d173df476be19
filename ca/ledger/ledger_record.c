/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of every kind of record, as one table by which bodies are written
 * and read. Nothing here knows of the database. */
#include "ca/ledger/ledger_record.h"
#include "base/clock.h"
#include "ca/ledger/adopted.h"
#include "ca/ledger/ledger_crl.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/format/shadow.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/reason.h"

#include <inttypes.h>
#include <stddef.h>

#define CA_DERS_MAX (16 * (size_t)CERT_MAX)
#define CRL_NUMBERS INT64_C(9007199254740991) /* docs/transfer.cddl */
#define TEXT_MAX 1024 /* bytes of a reason, or of interface names */

/* The writer wants to see every item of an array; the body of a record is only
 * hashed behind the other five. */
#define CBOR_ARRAY_OF_6 0x86

enum field_type { FIELD_UINT, FIELD_BYTES, FIELD_TEXT };

struct field {
	const char *name;
	enum field_type type;
	size_t offset;	   /* in union record_body */
	uint64_t min, max; /* of the number, or of the length */
	bool optional;	   /* left out when it is 0, or has no bytes */
};

#define FIELDS_MAX 12
#define FIELD_HEADS 12 /* bytes of a key and of a number or a length */

struct record_form {
	const char *name;
	struct field fields[FIELDS_MAX + 1]; /* keys 1, 2, ... in this order */
};

/* clang-format off */
#define IN_UINT(kind, what, max) \
	{ #what, FIELD_UINT, offsetof(union record_body, kind.what), 0, max, false }
#define IN_MAYBE_UINT(kind, what, max) \
	{ #what, FIELD_UINT, offsetof(union record_body, kind.what), 1, max, true }
#define IN_BYTES(kind, what, min, max) \
	{ #what, FIELD_BYTES, offsetof(union record_body, kind.what), min, max, false }
#define IN_TEXT(kind, what, min, max) \
	{ #what, FIELD_TEXT, offsetof(union record_body, kind.what), min, max, false }
#define IN_MAYBE(kind, what, max) \
	{ #what, FIELD_BYTES, offsetof(union record_body, kind.what), 1, max, true }
#define IN_MAYBE_TEXT(kind, what, max) \
	{ #what, FIELD_TEXT, offsetof(union record_body, kind.what), 1, max, true }

static const struct record_form kinds[] = {
	[RECORD_INIT] = { "init", {
		IN_BYTES(init, ca_cert, CERT_MIN, CERT_MAX),
		IN_BYTES(init, transfer_cert, CERT_MIN, CERT_MAX) } },
	[RECORD_POLICY] = { "policy", {
		IN_BYTES(policy, digest, SHA256_LEN, SHA256_LEN),
		IN_MAYBE(policy, text, POLICY_FILE_MAX) } },
	[RECORD_ENROL] = { "enrol", {
		IN_TEXT(enrol, label, 1, LABEL_MAX),
		IN_BYTES(enrol, spki, SPKI_MIN, SPKI_MAX) } },
	[RECORD_REMOVE] = { "remove", {
		IN_BYTES(remove, key_id, SHA256_LEN, SHA256_LEN) } },
	[RECORD_BUNDLE] = { "bundle", {
		IN_BYTES(bundle, id, BUNDLE_ID_LEN, BUNDLE_ID_LEN),
		IN_BYTES(bundle, digest, SHA256_LEN, SHA256_LEN),
		IN_BYTES(bundle, requester, SHA256_LEN, SHA256_LEN),
		IN_UINT(bundle, sequence, UINT32_MAX) } },
	[RECORD_INTENT] = { "intent", {
		IN_UINT(intent, bundle, INT64_MAX),
		IN_UINT(intent, request, UINT32_MAX),
		IN_UINT(intent, slot, UINT32_MAX),
		IN_BYTES(intent, serial, 1, SERIAL_MAX),
		IN_BYTES(intent, tbs, SHA256_LEN, SHA256_LEN),
		IN_UINT(intent, not_before, CLOCK_MAX),
		IN_UINT(intent, not_after, CLOCK_MAX),
		IN_BYTES(intent, key_id, SHA256_LEN, SHA256_LEN),
		IN_TEXT(intent, request_id, 1, REQUEST_ID_MAX),
		IN_TEXT(intent, profile, 1, PROFILE_MAX) } },
	[RECORD_RESULT] = { "result", {
		IN_UINT(result, intent, INT64_MAX),
		IN_BYTES(result, der, CERT_MIN, CERT_MAX) } },
	[RECORD_REFUSAL] = { "refusal", {
		IN_UINT(refusal, bundle, INT64_MAX),
		IN_UINT(refusal, request, UINT32_MAX),
		IN_TEXT(refusal, request_id, 1, REQUEST_ID_MAX),
		IN_TEXT(refusal, rule, 1, RULE_NAME_MAX),
		IN_TEXT(refusal, reason, 1, TEXT_MAX) } },
	[RECORD_VOID] = { "void", {
		IN_UINT(voided, intent, INT64_MAX),
		IN_TEXT(voided, why, 1, TEXT_MAX) } },
	[RECORD_MANIFEST] = { "manifest", {
		IN_BYTES(manifest, channel, SHA256_LEN, SHA256_LEN),
		IN_UINT(manifest, sequence, UINT32_MAX),
		IN_UINT(manifest, bundle, INT64_MAX),
		IN_BYTES(manifest, file, 1, COSE_FILE_MAX) } },
	[RECORD_CLOCK] = { "clock", {
		IN_UINT(clock, before, CLOCK_MAX) } },
	[RECORD_TRANSFER] = { "transfer", {
		IN_BYTES(transfer, cert, CERT_MIN, CERT_MAX) } },
	[RECORD_NETWORK] = { "network", {
		IN_TEXT(network, interfaces, 1, TEXT_MAX) } },
	[RECORD_ARRIVED] = { "arrived", {
		IN_BYTES(arrived, key_id, SHA256_LEN, SHA256_LEN),
		IN_UINT(arrived, sequence, UINT32_MAX) } },
	[RECORD_ABANDON] = { "abandon", {
		IN_UINT(abandon, bundle, INT64_MAX) } },
	[RECORD_CHECKED] = { "checked", {
		IN_BYTES(checked, channel, SHA256_LEN, SHA256_LEN),
		IN_UINT(checked, sequence, UINT32_MAX) } },
	[RECORD_RESTORED] = { "restored", {
		IN_BYTES(restored, digest, SHA256_LEN, SHA256_LEN) } },
	[RECORD_IMPORT] = { "import", {
		IN_BYTES(import, channel, SHA256_LEN, SHA256_LEN),
		IN_UINT(import, sequence, UINT32_MAX),
		IN_MAYBE(import, bundle_id, BUNDLE_ID_LEN),
		IN_MAYBE(import, bundle_digest, SHA256_LEN),
		IN_UINT(import, bundle_sequence, UINT32_MAX),
		IN_UINT(import, count, INT64_MAX / 2),
		IN_BYTES(import, file, 1, COSE_FILE_MAX) } },
	[RECORD_REGAINED] = { "regained", {
		IN_UINT(regained, request, UINT32_MAX),
		IN_UINT(regained, slot, UINT32_MAX),
		IN_TEXT(regained, request_id, 1, REQUEST_ID_MAX),
		IN_MAYBE_TEXT(regained, profile, PROFILE_MAX),
		IN_BYTES(regained, der, CERT_MIN, CERT_MAX) } },
	[RECORD_CAUGHT_UP] = { "recovered", {
		IN_TEXT(caught_up, words, 1, TEXT_MAX) } },
	[RECORD_HISTORY] = { "history", {
		IN_BYTES(history, channel, SHA256_LEN, SHA256_LEN),
		IN_UINT(history, sequence, UINT32_MAX),
		IN_UINT(history, whole, 1) } },
	[RECORD_REVOKED] = { "revoked", {
		IN_BYTES(revoked, serial, 1, SERIAL_MAX),
		IN_UINT(revoked, reason, REASON_MAX),
		IN_MAYBE_UINT(revoked, since, CLOCK_MAX),
		IN_UINT(revoked, not_after, CLOCK_MAX),
		IN_UINT(revoked, bundle, INT64_MAX),
		IN_MAYBE_UINT(revoked, date, CLOCK_MAX) } },
	[RECORD_KEY_REVOKED] = { "key-revoked", {
		IN_BYTES(key_revoked, key_id, SHA256_LEN, SHA256_LEN),
		IN_UINT(key_revoked, reason, REASON_MAX),
		IN_MAYBE_UINT(key_revoked, since, CLOCK_MAX) } },
	[RECORD_CA] = { "ca", {
		IN_UINT(ca, change, CA_SUBORDINATE),
		IN_UINT(ca, done, 1),
		IN_BYTES(ca, ders, CERT_MIN, CA_DERS_MAX) } },
	[RECORD_CRL] = { "crl", {
		IN_UINT(crl, number, CRL_NUMBERS),
		IN_UINT(crl, this_update, CLOCK_MAX),
		IN_UINT(crl, next_update, CLOCK_MAX),
		IN_BYTES(crl, issuer, SHA256_LEN, SHA256_LEN),
		IN_MAYBE(crl, requester, SHA256_LEN),
		IN_UINT(crl, upto, INT64_MAX),
		IN_UINT(crl, kept, CLOCK_MAX),
		IN_UINT(crl, revoked, INT64_MAX),
		IN_BYTES(crl, digest, SHA256_LEN, SHA256_LEN),
		IN_BYTES(crl, signature, 1, RAW_SIGNATURE_MAX),
		IN_MAYBE(crl, salt, SHADOW_SALT_LEN),
		IN_MAYBE(crl, iv, SHADOW_IV_LEN) } },
	[RECORD_CRL_SERIES] = { "crl-series", {
		IN_UINT(crl_series, first, CRL_NUMBERS),
		IN_UINT(crl_series, last, CRL_NUMBERS),
		IN_UINT(crl_series, start, CLOCK_MAX),
		IN_UINT(crl_series, count, SERIES_MAX),
		IN_UINT(crl_series, period, CLOCK_MAX),
		IN_UINT(crl_series, overlap, CLOCK_MAX),
		IN_UINT(crl_series, generation, UINT32_MAX) } },
	[RECORD_ADOPTED] = { "adopted", {
		IN_UINT(adopted, crl_next, ADOPTED_CRL_MAX) } },
	[RECORD_ADOPTED_CERT] = { "adopted-cert", {
		IN_BYTES(adopted_cert, serial, 1, SERIAL_MAX),
		IN_UINT(adopted_cert, not_after, CLOCK_MAX),
		IN_TEXT(adopted_cert, subject, 0, ADOPTED_SUBJECT_MAX),
		IN_MAYBE(adopted_cert, der, CERT_MAX) } },
	[RECORD_CRL_SEEN] = { "crl-seen", {
		IN_UINT(crl_seen, number, CRL_NUMBERS),
		IN_BYTES(crl_seen, digest, SHA256_LEN, SHA256_LEN) } },
	[RECORD_LISTED] = { "listed", {
		IN_BYTES(listed, serial, 1, SERIAL_MAX) } },
};
/* clang-format on */

static const struct record_form *
kind_get0(enum record_kind kind)
{
	size_t at = (size_t)kind;

	if (at >= sizeof(kinds) / sizeof(*kinds) || kinds[at].name == NULL)
		return NULL;
	return &kinds[at];
}

const char *
record_kind_text(enum record_kind kind)
{
	const struct record_form *k = kind_get0(kind);

	return k == NULL ? "unknown" : k->name;
}

static struct span
field_span(const union record_body *u, const struct field *f)
{
	struct span value;

	memcpy(&value, (const char *)u + f->offset, sizeof(value));
	return value;
}

static uint64_t
field_uint(const union record_body *u, const struct field *f)
{
	uint64_t value;

	memcpy(&value, (const char *)u + f->offset, sizeof(value));
	return value;
}

static bool
is_left_out(const union record_body *u, const struct field *f)
{
	return f->optional && (f->type == FIELD_UINT ? field_uint(u, f)
						     : field_span(u, f).n) == 0;
}

/* ---- writing --------------------------------------------------------------
 */

static enum rc
field_write(struct cbor_out *out, const struct record *r, const struct field *f)
{
	bool is_uint = f->type == FIELD_UINT;
	struct span bytes = is_uint ? SPAN_NONE : field_span(&r->u, f);
	uint64_t value = is_uint ? field_uint(&r->u, f) : bytes.n;

	if (value < f->min || value > f->max)
		return err_set(RC_BUG,
		    "ledger: %s record: %s %" PRIu64 ", wanted %" PRIu64
		    " to %" PRIu64,
		    record_kind_text(r->kind), f->name, value, f->min, f->max);
	if (is_uint)
		cbor_put_uint(out, value);
	else if (f->type == FIELD_BYTES)
		cbor_put_bytes(out, bytes);
	else
		cbor_put_text(out, bytes);
	return RC_OK;
}

enum rc
record_encode(const struct record *record, struct buf *ret_body)
{
	const struct record_form *kind = kind_get0(record->kind);
	struct cbor_out out;
	uint64_t pairs = 0;
	size_t room = 0;
	enum rc rc;

	if (kind == NULL)
		return err_set(
		    RC_BUG, "ledger: record of kind %d", (int)record->kind);
	for (const struct field *f = kind->fields; f->name != NULL; f++) {
		pairs += !is_left_out(&record->u, f);
		room += FIELD_HEADS;
		if (f->type != FIELD_UINT)
			room += field_span(&record->u, f).n;
	}
	rc = buf_reserve(ret_body, room);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, ret_body);
	cbor_put_map(&out, pairs);
	for (size_t i = 0; rc == RC_OK && kind->fields[i].name != NULL; i++) {
		const struct field *f = &kind->fields[i];

		if (is_left_out(&record->u, f))
			continue;
		cbor_put_uint(&out, i + 1);
		rc = field_write(&out, record, f);
	}
	return rc != RC_OK ? rc : cbor_out_end(&out);
}

uint64_t
record_number(const struct record *record, uint64_t last)
{
	if (record->kind == RECORD_IMPORT && record->u.import.count > last)
		last = record->u.import.count;
	return last + 1;
}

/* ---- reading --------------------------------------------------------------
 */

static enum rc
field_read(struct cbor_in *in, const struct field *f, union record_body *u)
{
	struct span bytes = SPAN_NONE;
	uint64_t value = 0;
	enum rc rc;

	if (f->type == FIELD_UINT) {
		rc = cbor_take_uint(in, f->name, f->min, f->max, &value);
		if (rc == RC_OK)
			memcpy((char *)u + f->offset, &value, sizeof(value));
		return rc;
	}
	if (f->type == FIELD_BYTES)
		rc = cbor_take_bytes(in, f->name, f->min, f->max, &bytes);
	else
		rc = cbor_take_text(in, f->name, f->min, f->max, &bytes);
	if (rc == RC_OK)
		memcpy((char *)u + f->offset, &bytes, sizeof(bytes));
	return rc;
}

static enum rc
fields_read(
    struct cbor_in *in, const struct record_form *kind, union record_body *u)
{
	uint32_t seen = 0, wanted = 0, allowed = 0;
	uint64_t pairs;
	int key = -1;
	enum rc rc = cbor_take_map(in, "body", &pairs);

	for (int i = 0; kind->fields[i].name != NULL; i++)
		*(kind->fields[i].optional ? &allowed : &wanted) |= 2u << i;
	while (rc == RC_OK && (rc = cbor_next_key(in, &pairs, &key)) == RC_OK &&
	       key >= 0) {
		/* An unknown key is refused: nothing in a record is ignored. */
		if (key > FIELDS_MAX || ((wanted | allowed) & 1u << key) == 0)
			return err_set(RC_FORMAT, "unknown field %d", key);
		seen |= 1u << key;
		rc = field_read(in, &kind->fields[key - 1], u);
	}
	return rc != RC_OK ? rc
			   : cbor_keys_check(in, "body", seen, wanted, allowed);
}

enum rc
record_decode(struct span body, struct record *record)
{
	const struct record_form *kind = kind_get0(record->kind);
	struct cbor_in in = { .from = "body", .rest = body };
	enum rc rc;

	if (kind == NULL)
		return err_set(RC_STATE,
		    "ledger record %" PRIu64 ": kind %d is unknown", record->n,
		    (int)record->kind);
	record->u = (union record_body){ 0 };
	rc = cbor_in_check("body", body);
	if (rc == RC_OK)
		rc = fields_read(&in, kind, &record->u);
	if (rc == RC_FORMAT)
		return err_in(RC_STATE, "ledger record %" PRIu64, record->n);
	return rc;
}

/* ---- the chain ------------------------------------------------------------
 */

enum rc
record_hash(const struct record *record,
    const uint8_t previous[static SHA256_LEN],
    const uint8_t policy[static SHA256_LEN], struct span body,
    struct buf *scratch, uint8_t ret_hash[static SHA256_LEN])
{
	struct cbor_out out;
	enum rc rc;

	buf_reset(scratch);
	rc = buf_add_byte(scratch, CBOR_ARRAY_OF_6);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, scratch);
	cbor_put_uint(&out, record->n);
	cbor_put_bytes(&out, span_of(previous, SHA256_LEN));
	cbor_put_uint(&out, (uint64_t)record->at);
	cbor_put_uint(&out, (uint64_t)record->kind);
	cbor_put_bytes(&out, span_of(policy, SHA256_LEN));
	rc = cbor_out_end(&out);
	/* The sixth item is the body, hashed where it lies. */
	return rc != RC_OK ? rc : sha256_two(buf_span(scratch), body, ret_hash);
}
