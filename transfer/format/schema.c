/* SPDX-License-Identifier: Apache-2.0 */
/* Maps and lists by table. A list's memory is asked for only when the bytes
 * left could hold as many items, so an array head of nine bytes allocates
 * nothing. */
#include "transfer/format/schema.h"

#include "base/clock.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define WHERE_MAX 96  /* "requests[99999].names[7]" */
#define QUOTE_MAX 128 /* bytes of a foreign text in a sentence */
#define OVERLAP_MAX (INT64_C(1) << 62)
#define KEYS 24 /* the grammar's keys are 0..23 */

enum rc
part_map_take(struct cbor_in *in, const struct part_map *map, void *object,
    uint32_t *ret_seen)
{
	uint32_t seen = 0;
	uint64_t pairs;
	int key = -1;
	enum rc rc = cbor_take_map(in, map->what, &pairs);

	while (rc == RC_OK) {
		rc = cbor_next_key(in, &pairs, &key);
		if (rc != RC_OK || key < 0)
			break;
		if (key >= KEYS ||
		    ((map->wanted | map->optional) & ~seen & KEY(key)) == 0)
			return rule_refuse(RULE_CBOR_SCHEMA,
			    "%s: %s%s%s: key %d has no place here", in->from,
			    in->where == NULL ? "" : in->where,
			    in->where == NULL ? "" : ": ", map->what, key);
		seen |= KEY(key);
		rc = map->field(in, key, object);
	}
	if (rc == RC_OK)
		rc = cbor_keys_check(
		    in, map->what, seen, map->wanted, map->optional);
	if (rc == RC_OK && ret_seen != NULL)
		*ret_seen = seen;
	return rc;
}

enum rc
part_map_read(const char *from, struct span input, const struct part_map *map,
    void *object)
{
	struct cbor_in in = { .from = from, .rest = input };
	enum rc rc = part_map_take(&in, map, object, NULL);

	if (rc == RC_OK && in.rest.n != 0)
		rc = rule_refuse(
		    RULE_CBOR, "%s: more bytes after the %s", from, map->what);
	return rc;
}

/* `where` lives on this stack and is put back: an error's sentence is made
 * before that. */
static enum rc
items_take(
    struct cbor_in *in, const struct part_list *list, uint8_t *items, size_t n)
{
	const char *outer = in->where;
	char where[WHERE_MAX];
	enum rc rc = RC_OK;

	in->where = where;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		(void)snprintf(where, sizeof(where), "%s%s%s[%zu]",
		    outer == NULL ? "" : outer, outer == NULL ? "" : ".",
		    list->what, i);
		rc = list->item(in, items + i * list->item_size);
	}
	in->where = outer;
	return rc;
}

enum rc
part_list_take(struct cbor_in *in, const struct part_list *list,
    void **ret_items, size_t *ret_n)
{
	uint64_t n;
	enum rc rc = cbor_take_array(in, list->what, list->min, UINT64_MAX, &n);

	*ret_items = NULL;
	*ret_n = 0;
	if (rc != RC_OK)
		return rc;
	if (n > in->rest.n / list->least_bytes)
		return rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s: %llu items cannot lie in %zu bytes", in->from,
		    list->what, (unsigned long long)n, in->rest.n);
	if (n == 0)
		return RC_OK;
	*ret_items = calloc((size_t)n, list->item_size);
	if (*ret_items == NULL)
		return err_memory();
	*ret_n = (size_t)n;
	return items_take(in, list, *ret_items, (size_t)n);
}

/* ---- the common part of the grammar -------------------------------------- */

enum rc
part_digest(
    struct cbor_in *in, const char *what, uint8_t ret[static SHA256_LEN])
{
	struct span digest;
	enum rc rc = cbor_take_bytes(in, what, SHA256_LEN, SHA256_LEN, &digest);

	if (rc == RC_OK)
		memcpy(ret, digest.p, SHA256_LEN);
	return rc;
}

static enum rc
take_time(struct cbor_in *in, const char *what, int64_t min, int64_t max,
    int64_t *ret)
{
	uint64_t value;
	enum rc rc =
	    cbor_take_uint(in, what, (uint64_t)min, (uint64_t)max, &value);

	if (rc == RC_OK)
		*ret = (int64_t)value;
	return rc;
}

enum rc
part_epoch(struct cbor_in *in, const char *what, int64_t *ret)
{
	return take_time(in, what, 0, CLOCK_MAX, ret);
}

enum rc
part_duration(struct cbor_in *in, const char *what, int64_t *ret)
{
	return take_time(in, what, 1, DURATION_MAX, ret);
}

enum rc
part_overlap(struct cbor_in *in, int64_t *ret)
{
	return take_time(in, "overlap", 0, OVERLAP_MAX, ret);
}

enum rc
part_u32(struct cbor_in *in, const char *what, uint32_t min, uint32_t max,
    uint32_t *ret)
{
	uint64_t value;
	enum rc rc = cbor_take_uint(in, what, min, max, &value);

	if (rc == RC_OK)
		*ret = (uint32_t)value;
	return rc;
}

enum rc
part_sequence(struct cbor_in *in, uint32_t *ret)
{
	return part_u32(in, "sequence", 1, UINT32_MAX, ret);
}

enum rc
part_version(struct cbor_in *in)
{
	uint64_t version;

	return cbor_take_uint(
	    in, "format version", FORMAT_VERSION, FORMAT_VERSION, &version);
}

/* RFC 5280 4.1.2.2: positive. As a magnitude that is no leading zero, so one
 * serial has one spelling here. */
enum rc
part_serial(struct cbor_in *in, struct span *ret)
{
	struct span serial;
	enum rc rc = cbor_take_bytes(in, "serial", 1, SERIAL_MAX, &serial);

	if (rc != RC_OK)
		return rc;
	if (serial.p[0] == 0)
		return rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s%sserial: its first byte is zero", in->from,
		    in->where == NULL ? "" : in->where,
		    in->where == NULL ? "" : ": ");
	*ret = serial;
	return RC_OK;
}

static enum rc
part_cert(struct cbor_in *in, struct span *ret)
{
	return cbor_take_bytes(
	    in, "certificate", CERT_DER_MIN, CERT_DER_MAX, ret);
}

enum rc
part_comment(struct cbor_in *in, struct span *ret)
{
	return cbor_take_text(in, "comment", 1, COMMENT_MAX, ret);
}

enum rc
part_ledger_head(struct cbor_in *in, struct ledger_head *ret)
{
	uint64_t n;
	enum rc rc = cbor_take_array(in, "ledger head", 2, 2, &n);

	if (rc == RC_OK)
		rc = cbor_take_uint(
		    in, "ledger count", 0, UINT64_MAX, &ret->count);
	if (rc == RC_OK)
		rc = part_digest(in, "ledger hash", ret->hash);
	return rc;
}

const struct part_pattern part_rule = { "rule", format_is_rule,
	"[A-Z][A-Z0-9-]{1,31}" };
const struct part_pattern part_request_id = { "request-id",
	format_is_request_id, "[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?" };
const struct part_pattern part_profile = { "profile", format_is_profile,
	"[a-z0-9][a-z0-9-]{0,31}" };
const struct part_pattern part_file_name = { "file name", format_is_file_name,
	"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?" };
const struct part_pattern part_label = { "label", format_is_label,
	"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?" };

enum rc
part_text(
    struct cbor_in *in, const struct part_pattern *pattern, struct span *ret)
{
	struct span text;
	enum rc rc = cbor_take_text(in, pattern->what, 0, SIZE_MAX, &text);

	if (rc != RC_OK)
		return rc;
	if (!pattern->fits(text))
		return rule_refuse(RULE_FORMAT_TEXT,
		    "%s: %s%s%s: \"%.*s\" does not follow %s", in->from,
		    in->where == NULL ? "" : in->where,
		    in->where == NULL ? "" : ": ", pattern->what,
		    (int)(text.n < QUOTE_MAX ? text.n : QUOTE_MAX),
		    (const char *)text.p, pattern->wanted);
	*ret = text;
	return RC_OK;
}

static enum rc
schema_cert_item(struct cbor_in *in, void *item)
{
	return part_cert(in, item);
}

const struct part_list part_certs = {
	.what = "certificates",
	.min = 1,
	.item_size = sizeof(struct span),
	.least_bytes = 2 + CERT_DER_MIN,
	.item = schema_cert_item,
};

/* ---- writing ------------------------------------------------------------- */

void
put_key_uint(struct cbor_out *out, uint64_t key, uint64_t value)
{
	cbor_put_uint(out, key);
	cbor_put_uint(out, value);
}

void
put_key_time(struct cbor_out *out, uint64_t key, int64_t value)
{
	assert(value >= 0);
	put_key_uint(out, key, (uint64_t)value);
}

void
put_key_bytes(struct cbor_out *out, uint64_t key, struct span bytes)
{
	cbor_put_uint(out, key);
	cbor_put_bytes(out, bytes);
}

void
put_key_text(struct cbor_out *out, uint64_t key, struct span text)
{
	cbor_put_uint(out, key);
	cbor_put_text(out, text);
}

void
put_key_digest(
    struct cbor_out *out, uint64_t key, const uint8_t digest[static SHA256_LEN])
{
	put_key_bytes(out, key, span_of(digest, SHA256_LEN));
}

void
put_ledger_head(struct cbor_out *out, const struct ledger_head *head)
{
	cbor_put_array(out, 2);
	cbor_put_uint(out, head->count);
	cbor_put_bytes(out, span_of(head->hash, SHA256_LEN));
}
