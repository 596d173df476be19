/* SPDX-License-Identifier: Apache-2.0 */
/* The take functions: one head at a time by libcbor, whose stream decoder
 * allocates nothing. They trust the form (cbor_in_check ran before) but no
 * kind, size or count; each failure says what was found and what was wanted. */
#include "transfer/format/cbor_in.h"

#include "transfer/rule.h"

#include <cbor.h>
#include <inttypes.h>
#include <stdio.h>

/* What libcbor hands to string and collection callbacks. */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 9
typedef size_t cbor_count;
#else
typedef uint64_t cbor_count;
#endif

/* ---- one item, decoded by libcbor ---------------------------------------- */

enum kind {
	IS_NOTHING, /* the input ended, or the strict pass refuses it */
	IS_UINT,
	IS_NEGINT, /* value n means -1 - n */
	IS_BYTES,
	IS_TEXT,
	IS_ARRAY,
	IS_MAP,
	IS_NULL,
	IS_BOOL,
};

struct item {
	enum kind kind;
	uint64_t value; /* of a number, or the count of a container */
	struct span string;
};

static void
got(void *context, enum kind kind, uint64_t value)
{
	struct item *item = context;

	item->kind = kind;
	item->value = value;
}

static void
got_uint8(void *context, uint8_t value)
{
	got(context, IS_UINT, value);
}

static void
got_uint16(void *context, uint16_t value)
{
	got(context, IS_UINT, value);
}

static void
got_uint32(void *context, uint32_t value)
{
	got(context, IS_UINT, value);
}

static void
got_uint64(void *context, uint64_t value)
{
	got(context, IS_UINT, value);
}

static void
got_negint8(void *context, uint8_t value)
{
	got(context, IS_NEGINT, value);
}

static void
got_negint16(void *context, uint16_t value)
{
	got(context, IS_NEGINT, value);
}

static void
got_negint32(void *context, uint32_t value)
{
	got(context, IS_NEGINT, value);
}

static void
got_negint64(void *context, uint64_t value)
{
	got(context, IS_NEGINT, value);
}

static void
got_bytes(void *context, cbor_data data, cbor_count n)
{
	got(context, IS_BYTES, n);
	((struct item *)context)->string = span_of(data, (size_t)n);
}

static void
got_text(void *context, cbor_data data, cbor_count n)
{
	got(context, IS_TEXT, n);
	((struct item *)context)->string = span_of(data, (size_t)n);
}

static void
got_array(void *context, cbor_count n)
{
	got(context, IS_ARRAY, n);
}

static void
got_map(void *context, cbor_count n)
{
	got(context, IS_MAP, n);
}

static void
got_null(void *context)
{
	got(context, IS_NULL, 0);
}

static void
got_bool(void *context, bool value)
{
	got(context, IS_BOOL, value);
}

/* Forms that the strict pass refuses leave the item as it was: IS_NOTHING. */
static const struct cbor_callbacks callbacks = {
	.uint8 = got_uint8,
	.uint16 = got_uint16,
	.uint32 = got_uint32,
	.uint64 = got_uint64,
	.negint8 = got_negint8,
	.negint16 = got_negint16,
	.negint32 = got_negint32,
	.negint64 = got_negint64,
	.byte_string = got_bytes,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.string = got_text,
	.string_start = cbor_null_string_start_callback,
	.array_start = got_array,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.map_start = got_map,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.tag = cbor_null_tag_callback,
	.float2 = cbor_null_float2_callback,
	.float4 = cbor_null_float4_callback,
	.float8 = cbor_null_float8_callback,
	.undefined = cbor_null_undefined_callback,
	.null = got_null,
	.boolean = got_bool,
	.indef_break = cbor_null_indef_break_callback,
};

/* The item at the cursor (of a container its head only), and what follows. */
static struct item
item_peek(const struct cbor_in *in, struct span *ret_after)
{
	struct item item = { .kind = IS_NOTHING };
	struct cbor_decoder_result result;
	struct span passed;

	*ret_after = in->rest;
	if (in->rest.n == 0)
		return item;
	result = cbor_stream_decode(in->rest.p, in->rest.n, &callbacks, &item);
	if (result.status != CBOR_DECODER_FINISHED ||
	    !span_take(ret_after, result.read, &passed))
		return (struct item){ .kind = IS_NOTHING };
	return item;
}

/* ---- sentences ----------------------------------------------------------- */

#define PHRASE 80 /* bytes of "a text of 1 to 512 bytes" and the like */

static void
item_describe(const struct item *item, char ret[static PHRASE])
{
	static const struct {
		const char *before, *after; /* around the value, if any */
	} forms[] = {
		[IS_NOTHING] = { "nothing usable", NULL },
		[IS_UINT] = { "", "" },
		[IS_NEGINT] = { "-1 - ", "" },
		[IS_BYTES] = { "a byte string of ", " bytes" },
		[IS_TEXT] = { "a text of ", " bytes" },
		[IS_ARRAY] = { "an array of ", "" },
		[IS_MAP] = { "a map of ", "" },
		[IS_NULL] = { "null", NULL },
		[IS_BOOL] = { "a truth value", NULL },
	};

	if (forms[item->kind].after == NULL)
		(void)snprintf(ret, PHRASE, "%s", forms[item->kind].before);
	else
		(void)snprintf(ret, PHRASE, "%s%" PRIu64 "%s",
		    forms[item->kind].before, item->value,
		    forms[item->kind].after);
}

static size_t
place_write(const struct cbor_place *place, char *to, size_t room)
{
	size_t n = 0;

	if (place->outer != NULL)
		n = place_write(place->outer, to, room);
	if (n < room)
		n += (size_t)snprintf(to + n, room - n, "%s%s[%zu]",
		    place->outer == NULL ? "" : ".", place->list, place->index);
	return n < room ? n : room - 1;
}

const char *
cbor_where(const struct cbor_in *in, char to[static CBOR_WHERE_MAX])
{
	const size_t room = CBOR_WHERE_MAX - 2;
	size_t n = 0;

	if (in->place != NULL)
		n = place_write(in->place, to, room);
	else if (in->where != NULL)
		n = (size_t)snprintf(to, room, "%s", in->where);
	n = n < room ? n : room - 1;
	(void)snprintf(to + n, 3, "%s", n == 0 ? "" : ": ");
	return to;
}

static enum rc
cbor_in_refuse(const struct cbor_in *in, const char *what,
    const struct item *found, const char *wanted)
{
	char phrase[PHRASE], where[CBOR_WHERE_MAX];

	item_describe(found, phrase);
	return rule_refuse(RULE_CBOR_SCHEMA, "%s: %s%s: found %s, wanted %s",
	    in->from, cbor_where(in, where), what, phrase, wanted);
}

/* "what: found FOUND, wanted BEFORE min to max AFTER". */
static enum rc
refuse_range(const struct cbor_in *in, const char *what,
    const struct item *found, const char *const around[static 2],
    const uint64_t range[static 2])
{
	char wanted[2 * PHRASE];

	if (range[0] == range[1])
		(void)snprintf(wanted, sizeof(wanted), "%s%" PRIu64 "%s",
		    around[0], range[0], around[1]);
	else if (range[1] == UINT64_MAX)
		(void)snprintf(wanted, sizeof(wanted),
		    "%s%" PRIu64 " or more%s", around[0], range[0], around[1]);
	else
		(void)snprintf(wanted, sizeof(wanted),
		    "%s%" PRIu64 " to %" PRIu64 "%s", around[0], range[0],
		    range[1], around[1]);
	return cbor_in_refuse(in, what, found, wanted);
}

/* ---- taking -------------------------------------------------------------- */

/* An item of `kind` whose value (number, length or count) is within `range`. */
static enum rc
cbor_in_take(struct cbor_in *in, const char *what, enum kind kind,
    const uint64_t range[static 2], struct item *ret)
{
	static const char *const around[][2] = {
		[IS_UINT] = { "a number of ", "" },
		[IS_BYTES] = { "a byte string of ", " bytes" },
		[IS_TEXT] = { "a text of ", " bytes" },
		[IS_ARRAY] = { "an array of ", "" },
		[IS_MAP] = { "a map of ", "" },
	};
	struct span after;
	struct item item = item_peek(in, &after);

	if (item.kind != kind || item.value < range[0] || item.value > range[1])
		return refuse_range(in, what, &item, around[kind], range);
	in->rest = after;
	*ret = item;
	return RC_OK;
}

enum rc
cbor_take_uint(struct cbor_in *in, const char *what, uint64_t min, uint64_t max,
    uint64_t *ret)
{
	struct item item;
	enum rc rc = cbor_in_take(
	    in, what, IS_UINT, (const uint64_t[]){ min, max }, &item);

	if (rc == RC_OK)
		*ret = item.value;
	return rc;
}

/* Up to 64 bits with a sign; -1 - n cannot overflow once n is within
 * INT64_MAX. */
enum rc
cbor_take_int(struct cbor_in *in, const char *what, int64_t *ret)
{
	struct span after;
	struct item item = item_peek(in, &after);

	if ((item.kind != IS_UINT && item.kind != IS_NEGINT) ||
	    item.value > INT64_MAX)
		return cbor_in_refuse(in, what, &item, "a number of 64 bits");
	in->rest = after;
	*ret = item.kind == IS_UINT ? (int64_t)item.value
				    : -1 - (int64_t)item.value;
	return RC_OK;
}

static enum rc
take_string(struct cbor_in *in, const char *what, enum kind kind,
    const uint64_t range[static 2], struct span *ret)
{
	struct item item;
	enum rc rc = cbor_in_take(in, what, kind, range, &item);

	if (rc == RC_OK)
		*ret = item.string;
	return rc;
}

enum rc
cbor_take_bytes(struct cbor_in *in, const char *what, size_t min, size_t max,
    struct span *ret)
{
	return take_string(
	    in, what, IS_BYTES, (const uint64_t[]){ min, max }, ret);
}

enum rc
cbor_take_text(struct cbor_in *in, const char *what, size_t min, size_t max,
    struct span *ret)
{
	return take_string(
	    in, what, IS_TEXT, (const uint64_t[]){ min, max }, ret);
}

enum rc
cbor_take_array(struct cbor_in *in, const char *what, uint64_t min,
    uint64_t max, uint64_t *ret_items)
{
	struct item item;
	enum rc rc = cbor_in_take(
	    in, what, IS_ARRAY, (const uint64_t[]){ min, max }, &item);

	if (rc == RC_OK)
		*ret_items = item.value;
	return rc;
}

enum rc
cbor_take_map(struct cbor_in *in, const char *what, uint64_t *ret_pairs)
{
	struct item item;
	enum rc rc = cbor_in_take(
	    in, what, IS_MAP, (const uint64_t[]){ 0, UINT64_MAX }, &item);

	if (rc == RC_OK)
		*ret_pairs = item.value;
	return rc;
}

/* Both answers are fine, so a caller with an optional item asks this first. */
enum rc
cbor_take_null(struct cbor_in *in, bool *ret_null)
{
	struct span after;
	struct item item = item_peek(in, &after);

	if (item.kind == IS_NOTHING)
		return cbor_in_refuse(in, "value", &item, "an item");
	if (item.kind == IS_NULL)
		in->rest = after;
	*ret_null = item.kind == IS_NULL;
	return RC_OK;
}

/* The strict pass saw to it that each item is there: counts are no larger than
 * the input, and sums of them neither. */
enum rc
cbor_pass(struct cbor_in *in)
{
	uint64_t left = 1;

	while (left > 0) {
		struct span after;
		struct item item = item_peek(in, &after);

		if (item.kind == IS_NOTHING)
			return cbor_in_refuse(in, "value", &item, "an item");
		if (item.kind == IS_ARRAY)
			left += item.value;
		else if (item.kind == IS_MAP)
			left += 2 * item.value;
		in->rest = after;
		left--;
	}
	return RC_OK;
}

#define KEY_MAX 255

/* The strict pass saw to it that keys rise, so none comes twice. */
enum rc
cbor_next_key(struct cbor_in *in, uint64_t *pairs, int *ret_key)
{
	uint64_t key;
	enum rc rc;

	if (*pairs == 0) {
		*ret_key = -1;
		return RC_OK;
	}
	rc = cbor_take_uint(in, "key", 0, KEY_MAX, &key);
	if (rc != RC_OK)
		return rc;
	--*pairs;
	*ret_key = (int)key;
	return RC_OK;
}

enum rc
cbor_keys_check(const struct cbor_in *in, const char *what, uint32_t seen,
    uint32_t wanted, uint32_t allowed)
{
	char where[CBOR_WHERE_MAX];

	for (unsigned key = 0; key < 32; key++) {
		const uint32_t bit = UINT32_C(1) << key;

		if ((seen & bit) != 0 && ((wanted | allowed) & bit) == 0)
			return rule_refuse(RULE_CBOR_SCHEMA,
			    "%s: %s%s: key %u has no place here", in->from,
			    cbor_where(in, where), what, key);
		if ((wanted & bit) != 0 && (seen & bit) == 0)
			return rule_refuse(RULE_CBOR_SCHEMA,
			    "%s: %s%s: key %u is missing", in->from,
			    cbor_where(in, where), what, key);
	}
	return RC_OK;
}
