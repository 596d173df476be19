/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and releasing by a table of transfer/format/schema.
 * What stands in the tables is not known here, and nothing of the form of CBOR
 * is checked: cbor_in_check ran before. A list's memory is asked for only when
 * the bytes left could hold as many items, so an array head of nine bytes
 * allocates nothing; and all lists together have a limit, since items that are
 * small on the wire may be large in memory. Recursion ends with the tables. */
#include "transfer/format/schema.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/rule.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define QUOTE_MAX 128 /* bytes of a foreign text in a sentence */
#define KEY_BIT(key) (UINT32_C(1) << (key))

/* ---- the tables ---------------------------------------------------------- */

static const struct schema_field *
row_of(const struct schema_type *map, int key)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->fields[i].key == key)
			return &map->fields[i];
	return NULL;
}

const struct schema_field *
schema_field_of(const struct schema_type *type, int key)
{
	const struct schema_field *row = NULL;

	if (type->kind != SCHEMA_EITHER)
		return row_of(type, key);
	for (size_t i = 0; row == NULL && i < type->n; i++)
		row = row_of(type->fields[i].type, key);
	return row;
}

const char *
schema_choice(const struct schema_type *type, uint64_t value)
{
	return value <= type->max ? type->names[value] : NULL;
}

/* ---- the structs --------------------------------------------------------- */

static void *
schema_place(const struct schema_field *f, void *object)
{
	return (char *)object + f->offset;
}

static const void *
place_in(const struct schema_field *f, const void *object)
{
	return (const char *)object + f->offset;
}

static uint64_t
number_get(const struct schema_field *f, const void *object)
{
	const void *at = place_in(f, object);

	switch (f->held) {
	case HELD_U64:
	case HELD_I64: /* never negative: as its limits say */
		return *(const uint64_t *)at;
	case HELD_U32:
		return *(const uint32_t *)at;
	case HELD_BOOL:
		return *(const bool *)at;
	default:
		return f->type->min;
	}
}

static void
number_set(const struct schema_field *f, void *object, uint64_t value)
{
	void *at = schema_place(f, object);

	if (f->held == HELD_U64 || f->held == HELD_I64)
		*(uint64_t *)at = value;
	else if (f->held == HELD_U32)
		*(uint32_t *)at = (uint32_t)value;
	else if (f->held == HELD_BOOL)
		*(bool *)at = value != 0;
}

static struct span
string_get(const struct schema_field *f, const void *object)
{
	const void *at = place_in(f, object);

	return f->held == HELD_SPAN ? *(const struct span *)at
				    : span_of(at, (size_t)f->type->max);
}

struct schema_items {
	char *p;
	size_t n;
};

static struct schema_items
items_get(const struct schema_field *f, const void *object)
{
	struct schema_items items;

	memcpy(&items.p, place_in(f, object), sizeof(items.p));
	memcpy(&items.n, (const char *)object + f->also, sizeof(items.n));
	return items;
}

static void
items_set(const struct schema_field *f, void *object, char *p, size_t n)
{
	memcpy(schema_place(f, object), &p, sizeof(p));
	memcpy((char *)object + f->also, &n, sizeof(n));
}

static bool
has(const struct schema_field *f, const void *object)
{
	switch (f->presence) {
	case FIELD_IF_HAS:
	case FIELD_OR_NULL:
		return *(const bool *)((const char *)object + f->also);
	case FIELD_IF_ANY:
		return f->held == HELD_LIST ? items_get(f, object).n != 0
					    : string_get(f, object).n != 0;
	case FIELD_ALWAYS:
		break;
	}
	return true;
}

static bool
may_be_left_out(const struct schema_field *f)
{
	return f->presence == FIELD_IF_HAS || f->presence == FIELD_IF_ANY;
}

static bool
is_written(const struct schema_field *f, const void *object)
{
	return !may_be_left_out(f) || has(f, object);
}

/* ---- reading ------------------------------------------------------------- */

static enum rc value_take(
    struct cbor_in *in, const struct schema_field *f, void *object);

static enum rc
number_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const struct schema_type *type = f->type;
	char where[CBOR_WHERE_MAX];
	uint64_t value;
	enum rc rc = cbor_take_uint(in, f->name, type->min, type->max, &value);

	if (rc != RC_OK)
		return rc;
	if (type->kind == SCHEMA_CHOICE && schema_choice(type, value) == NULL)
		return rule_refuse(RULE_CBOR_SCHEMA, "%s: %s%s %llu, wanted %s",
		    in->from, cbor_where(in, where), f->name,
		    (unsigned long long)value, type->wanted);
	number_set(f, object, value);
	return RC_OK;
}

static enum rc
string_refuse(
    struct cbor_in *in, const struct schema_field *f, struct span value)
{
	char where[CBOR_WHERE_MAX];

	if (f->type->kind != SCHEMA_TEXT)
		return rule_refuse(RULE_CBOR_SCHEMA, "%s: %s%s: wanted %s",
		    in->from, cbor_where(in, where), f->name, f->type->wanted);
	return rule_refuse(RULE_FORMAT_TEXT,
	    "%s: %s%s: \"%.*s\" does not follow %s", in->from,
	    cbor_where(in, where), f->name,
	    (int)(value.n < QUOTE_MAX ? value.n : QUOTE_MAX),
	    (const char *)value.p, f->type->wanted);
}

static enum rc
string_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const struct schema_type *type = f->type;
	struct span value;
	enum rc rc =
	    (type->kind == SCHEMA_TEXT ? cbor_take_text : cbor_take_bytes)(
		in, f->name, (size_t)type->min, (size_t)type->max, &value);

	if (rc != RC_OK)
		return rc;
	if (type->fits != NULL && !type->fits(value))
		return string_refuse(in, f, value);
	if (f->held == HELD_SPAN)
		*(struct span *)schema_place(f, object) = value;
	else
		memcpy(schema_place(f, object), value.p, value.n);
	return RC_OK;
}

/* The fewest bytes that a value can have. */
static size_t
least_of(const struct schema_type *type)
{
	const bool either = type->kind == SCHEMA_EITHER;
	size_t n = either ? SIZE_MAX : 1, one;

	if (schema_is_string(type->kind))
		return 1 + (size_t)type->min;
	for (size_t i = 0; type->kind != SCHEMA_LIST && i < type->n; i++) {
		const struct schema_field *f = &type->fields[i];

		one = least_of(f->type);
		if (either)
			n = one < n ? one : n;
		else if (f->presence == FIELD_ALWAYS)
			n += one + (f->key == 0 ? 0 : 1);
	}
	return n;
}

static size_t
item_size(const struct schema_field *item)
{
	switch (item->held) {
	case HELD_SPAN:
		return sizeof(struct span);
	case HELD_U64:
		return sizeof(uint64_t);
	default:
		return item->type->size;
	}
}

static enum rc
items_take(struct cbor_in *in, const struct schema_field *f,
    const struct schema_items *items)
{
	const struct schema_field *item = &f->type->fields[0];
	struct cbor_place place = { in->place, f->name, 0 };
	enum rc rc = RC_OK;

	in->place = &place;
	for (; place.index < items->n && rc == RC_OK; place.index++)
		rc = value_take(
		    in, item, items->p + place.index * item_size(item));
	in->place = place.outer;
	return rc;
}

static enum rc
list_room_take(
    struct cbor_in *in, const struct schema_field *f, uint64_t n, size_t size)
{
	char where[CBOR_WHERE_MAX];

	if (n > in->room / size)
		return rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s%s: %llu items more than may be kept in memory of a file of this size: split it",
		    in->from, cbor_where(in, where), f->name,
		    (unsigned long long)n);
	in->room -= (size_t)n * size;
	return RC_OK;
}

static enum rc
list_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const struct schema_field *item = &f->type->fields[0];
	const size_t least = least_of(item->type);
	struct schema_items items;
	uint64_t n;
	enum rc rc;

	if (in->no_lists)
		return cbor_pass(in);
	rc = cbor_take_array(in, f->name, f->type->min, f->type->max, &n);
	if (rc != RC_OK)
		return rc;
	assert(least > 0);
	if (n > in->rest.n / least)
		return rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s: %llu items cannot lie in %zu bytes", in->from,
		    f->name, (unsigned long long)n, in->rest.n);
	if (f->held == HELD_COUNT)
		memcpy(schema_place(f, object), &n, sizeof(n));
	if (n == 0 || f->held == HELD_COUNT)
		return RC_OK;
	if (f->held == HELD_LIST) {
		rc = list_room_take(in, f, n, item_size(item));
		if (rc != RC_OK)
			return rc;
		items.p = calloc((size_t)n, item_size(item));
	} else {
		items = items_get(f, object);
	}
	if (items.p == NULL)
		return err_memory();
	items.n = (size_t)n;
	items_set(f, object, items.p, items.n);
	return items_take(in, f, &items);
}

static enum rc
member_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	bool is_null = false;
	enum rc rc = RC_OK;

	if (f->presence == FIELD_OR_NULL)
		rc = cbor_take_null(in, &is_null);
	if (rc != RC_OK || is_null)
		return rc;
	if (f->presence == FIELD_IF_HAS || f->presence == FIELD_OR_NULL)
		*(bool *)((char *)object + f->also) = true;
	return value_take(in, f, object);
}

static enum rc
tuple_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const struct schema_type *type = f->type;
	uint64_t n;
	enum rc rc = cbor_take_array(in, f->name, type->n, type->n, &n);

	for (size_t i = 0; i < type->n && rc == RC_OK; i++)
		rc = member_take(in, &type->fields[i], object);
	return rc;
}

static enum rc
message_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const struct schema_type *of;
	uint64_t n, kind;
	enum rc rc = cbor_take_array(in, f->name, 1, UINT64_MAX, &n);

	if (rc == RC_OK)
		rc = cbor_take_uint(in, "kind", 0, f->type->n - 1, &kind);
	if (rc != RC_OK)
		return rc;
	of = f->type->fields[kind].type;
	if (n != 1 + of->n)
		return rule_refuse(RULE_CBOR_SCHEMA,
		    "%s: %s: found an array of %llu, wanted %zu", in->from,
		    f->type->fields[kind].name, (unsigned long long)n,
		    1 + of->n);
	*(uint32_t *)(void *)((char *)object + f->also) = (uint32_t)kind;
	for (size_t i = 0; i < of->n && rc == RC_OK; i++)
		rc = member_take(in, &of->fields[i], object);
	return rc;
}

/* The maps that a map may still be, as bits, and what is known of it. */
struct map_reading {
	const struct schema_field *options;
	size_t n;
	uint32_t live, seen;
};

/* What a sentence calls it: the one map that is left, or all of them. */
static const char *
map_name(const struct map_reading *m, const struct schema_field *f)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->live == KEY_BIT(i))
			return m->options[i].name;
	return f->name;
}

/* The row of a key, which rules out the maps that have none. They are as they
 * were when it has no place in any. */
static const struct schema_field *
key_place(struct map_reading *m, int key)
{
	const struct schema_field *row, *first = NULL;
	uint32_t left = 0;

	for (size_t i = 0; i < m->n; i++) {
		row = (m->live & KEY_BIT(i)) == 0
			  ? NULL
			  : row_of(m->options[i].type, key);
		if (row == NULL)
			continue;
		left |= KEY_BIT(i);
		first = first == NULL ? row : first;
	}
	/* Keys that rise are not twice; but was this looked at before? */
	if (first == NULL || (m->seen & KEY_BIT(key)) != 0)
		return NULL;
	m->live = left;
	m->seen |= KEY_BIT(key);
	return first;
}

/* The first key that a map needs and that was not seen, or 0. */
static int
missing_key(const struct schema_type *map, uint32_t seen)
{
	for (size_t i = 0; i < map->n; i++)
		if (!may_be_left_out(&map->fields[i]) &&
		    (seen & KEY_BIT(map->fields[i].key)) == 0)
			return map->fields[i].key;
	return 0;
}

/* Is it one of those that it may be, with all that this one needs? */
static enum rc
map_whole(const struct cbor_in *in, const struct map_reading *m,
    const struct schema_field *f)
{
	char where[CBOR_WHERE_MAX];
	int missing = 0;

	for (size_t i = m->n; i-- > 0;) {
		if ((m->live & KEY_BIT(i)) == 0)
			continue;
		missing = missing_key(m->options[i].type, m->seen);
		if (missing == 0)
			return RC_OK;
	}
	return rule_refuse(RULE_CBOR_SCHEMA, "%s: %s%s: key %d is missing",
	    in->from, cbor_where(in, where), map_name(m, f), missing);
}

static enum rc
map_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const bool either = f->type->kind == SCHEMA_EITHER;
	struct map_reading m = { either ? f->type->fields : f,
		either ? f->type->n : 1, 0, 0 };
	char where[CBOR_WHERE_MAX];
	uint64_t pairs;
	int key = -1;
	enum rc rc = cbor_take_map(in, f->name, &pairs);

	m.live = KEY_BIT(m.n) - 1;
	while (rc == RC_OK) {
		const struct schema_field *row;

		rc = cbor_next_key(in, &pairs, &key);
		if (rc != RC_OK || key < 0)
			break;
		row = key_place(&m, key);
		if (row == NULL)
			return rule_refuse(RULE_CBOR_SCHEMA,
			    "%s: %s%s: key %d has no place here", in->from,
			    cbor_where(in, where), map_name(&m, f), key);
		rc = member_take(in, row, object);
	}
	return rc != RC_OK ? rc : map_whole(in, &m, f);
}

static enum rc
value_take(struct cbor_in *in, const struct schema_field *f, void *object)
{
	const enum schema_kind kind = f->type->kind;

	if (schema_is_number(kind))
		return number_take(in, f, object);
	if (schema_is_string(kind))
		return string_take(in, f, object);
	if (kind == SCHEMA_LIST)
		return list_take(in, f, object);
	if (kind == SCHEMA_TUPLE || kind == SCHEMA_NAME)
		return tuple_take(in, f, schema_place(f, object));
	if (kind == SCHEMA_MESSAGE)
		return message_take(in, f, schema_place(f, object));
	return map_take(in, f, schema_place(f, object));
}

enum rc
schema_take(struct cbor_in *in, const struct schema_field *field, void *object)
{
	return value_take(in, field, object);
}

static enum rc
whole_take(struct cbor_in *in, const struct schema_field *root, void *object)
{
	enum rc rc = value_take(in, root, object);

	if (rc == RC_OK && in->rest.n != 0)
		rc = rule_refuse(RULE_CBOR, "%s: more bytes after the %s",
		    in->from, root->name);
	return rc;
}

enum rc
schema_read(const char *from, struct span input,
    const struct schema_field *root, void *object)
{
	struct cbor_in in = {
		.from = from, .rest = input, .room = SCHEMA_ROOM(input.n)
	};

	return whole_take(&in, root, object);
}

enum rc
schema_read_head(const char *from, struct span input,
    const struct schema_field *root, void *object)
{
	struct cbor_in in = { .from = from, .rest = input, .no_lists = true };

	return whole_take(&in, root, object);
}

/* ---- writing ----------------------------------------------- */

static bool
is_within(const struct schema_field *f, const void *object)
{
	uint64_t n = f->type->min;

	if (f->held == HELD_LIST)
		n = items_get(f, object).n;
	else if (schema_is_string(f->type->kind))
		n = string_get(f, object).n;
	else if (schema_is_number(f->type->kind))
		n = number_get(f, object);
	return n >= f->type->min && n <= f->type->max &&
	       (f->type->fits == NULL || f->type->fits(string_get(f, object)));
}

static bool
has_all_of(const struct schema_type *map, const void *object)
{
	for (size_t i = 0; i < map->n; i++)
		if (!may_be_left_out(&map->fields[i]) &&
		    !is_within(&map->fields[i], object))
			return false;
	return true;
}

/* The last map that the object has all for: a series has what one certificate
 * needs, too. NULL: none fits. */
static const struct schema_type *
map_of(const struct schema_type *type, const void *object)
{
	if (type->kind != SCHEMA_EITHER)
		return type;
	for (size_t i = type->n; i-- > 0;)
		if (has_all_of(type->fields[i].type, object))
			return type->fields[i].type;
	return NULL;
}

static void schema_value_put(
    struct cbor_out *out, const struct schema_field *f, const void *object);

static void
list_put(struct cbor_out *out, const struct schema_field *f, const void *object)
{
	const struct schema_field *item = &f->type->fields[0];
	struct schema_items items = { NULL, 0 };
	uint64_t n;

	if (f->held == HELD_COUNT) {
		memcpy(&n, place_in(f, object), sizeof(n));
		cbor_put_array(out, n);
		return;
	}
	items = items_get(f, object);
	cbor_put_array(out, items.n);
	for (size_t i = 0; i < items.n; i++)
		schema_value_put(out, item, items.p + i * item_size(item));
}

static void
schema_member_put(
    struct cbor_out *out, const struct schema_field *f, const void *object)
{
	if (has(f, object))
		schema_value_put(out, f, object);
	else
		cbor_put_null(out);
}

static void
fields_put(
    struct cbor_out *out, const struct schema_type *tuple, const void *object)
{
	for (size_t i = 0; i < tuple->n; i++)
		schema_member_put(out, &tuple->fields[i], object);
}

static void
message_put(
    struct cbor_out *out, const struct schema_field *f, const void *object)
{
	const uint32_t kind =
	    *(const uint32_t *)(const void *)((const char *)object + f->also);
	const struct schema_type *of = f->type->fields[kind].type;

	cbor_put_array(out, 1 + of->n);
	cbor_put_uint(out, kind);
	fields_put(out, of, object);
}

static void
schema_map_put(
    struct cbor_out *out, const struct schema_field *f, const void *object)
{
	const struct schema_type *map = map_of(f->type, object);
	uint64_t n = 0;

	if (map == NULL) {
		cbor_out_fail(out,
		    err_set(RC_BUG,
			"%s: there is no form of it for what it has", f->name));
		return;
	}
	for (size_t i = 0; i < map->n; i++)
		n += is_written(&map->fields[i], object);
	cbor_put_map(out, n);
	for (size_t i = 0; i < map->n; i++) {
		const struct schema_field *row = &map->fields[i];

		if (!is_written(row, object))
			continue;
		cbor_put_uint(out, (uint64_t)row->key);
		schema_member_put(out, row, object);
	}
}

static void
schema_value_put(
    struct cbor_out *out, const struct schema_field *f, const void *object)
{
	const struct schema_type *type = f->type;

	if (schema_is_number(type->kind)) {
		cbor_put_uint(out, number_get(f, object));
	} else if (type->kind == SCHEMA_TEXT) {
		cbor_put_text(out, string_get(f, object));
	} else if (schema_is_string(type->kind)) {
		cbor_put_bytes(out, string_get(f, object));
	} else if (type->kind == SCHEMA_LIST) {
		list_put(out, f, object);
	} else if (type->kind == SCHEMA_TUPLE || type->kind == SCHEMA_NAME) {
		cbor_put_array(out, type->n);
		fields_put(out, type, place_in(f, object));
	} else if (type->kind == SCHEMA_MESSAGE) {
		message_put(out, f, place_in(f, object));
	} else {
		schema_map_put(out, f, place_in(f, object));
	}
}

void
schema_put(
    struct cbor_out *out, const struct schema_field *field, const void *object)
{
	schema_value_put(out, field, object);
}

enum rc
schema_write(
    const struct schema_field *root, const void *object, struct buf *out)
{
	struct buf none = { 0 };
	struct cbor_out to;
	enum rc rc;

	/* Memory that grows is copied, and a manifest may have 100 MB. */
	cbor_out_init_count(&to, &none);
	schema_value_put(&to, root, object);
	rc = buf_reserve(out, none.n);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&to, out);
	schema_value_put(&to, root, object);
	return cbor_out_end(&to);
}

/* ---- releasing ----------------------------------------------------------- */

static void
field_wipe(const struct schema_field *f, void *object)
{
	const struct schema_field *item = f->type->fields;
	struct schema_items items;

	if (f->held == HELD_STRUCT)
		schema_wipe(f->type, schema_place(f, object));
	if (f->held != HELD_LIST)
		return;
	items = items_get(f, object);
	for (size_t i = 0; item->held == HELD_STRUCT && i < items.n; i++)
		schema_wipe(item->type, items.p + i * item_size(item));
	free(items.p);
	items_set(f, object, NULL, 0);
}

void
schema_wipe(const struct schema_type *type, void *object)
{
	for (size_t i = 0; i < type->n; i++)
		field_wipe(&type->fields[i], object);
}
