/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the three payloads. With an argument this prints them as CDDL,
 * for tests/tools/cddl.py to hold against docs/transfer.cddl. */
#include "transfer/format/grammar.h"

#include "tests/lib/check.h"
#include "transfer/reader/reader_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- as CDDL ------------------------------------------------------------- */

#define RULES_MAX 64

/* Rules that were named: each is printed once. */
static const struct schema_type *rules[RULES_MAX];
static size_t n_rules;

static void print_inline(const struct schema_type *type);

static void
print_type(const struct schema_type *type)
{
	size_t i = 0;

	if (type->name == NULL) {
		print_inline(type);
		return;
	}
	printf("%s", type->name);
	while (i < n_rules && rules[i] != type)
		i++;
	if (i < n_rules)
		return;
	assert_true(n_rules < RULES_MAX);
	rules[n_rules++] = type;
}

static void
print_number(const struct schema_type *type)
{
	bool gaps = false;

	for (uint64_t i = 0; type->names != NULL && i <= type->max; i++)
		gaps = gaps || type->names[i] == NULL;
	if (type->min == type->max)
		printf("%" PRIu64, type->min);
	else if (type->min == 0 && type->max == UINT64_MAX)
		printf("uint");
	else if (!gaps)
		printf("%" PRIu64 "..%" PRIu64, type->min, type->max);
	for (uint64_t i = 0; gaps && i <= type->max; i++)
		if (type->names[i] != NULL)
			printf("%s%" PRIu64, i == 0 ? "" : " / ", i);
}

static void
print_string(const struct schema_type *type)
{
	const bool text = type->kind == SCHEMA_TEXT;

	printf(text ? "tstr" : "bstr");
	if (text && type->fits != NULL)
		printf(" .regexp \"%s\"", type->wanted);
	else if (type->min == type->max)
		printf(" .size %" PRIu64, type->min);
	else
		printf(
		    " .size (%" PRIu64 "..%" PRIu64 ")", type->min, type->max);
}

static void
print_field(const struct schema_field *f)
{
	if (f->presence == FIELD_IF_HAS || f->presence == FIELD_IF_ANY)
		printf("? ");
	if (f->key != 0)
		printf("%d => ", f->key);
	print_type(f->type);
	if (f->presence == FIELD_OR_NULL)
		printf(" / null");
}

static void
print_inline(const struct schema_type *type)
{
	const bool map = type->kind == SCHEMA_MAP;
	const bool either = type->kind == SCHEMA_EITHER;

	if (schema_is_number(type->kind)) {
		print_number(type);
		return;
	}
	if (schema_is_string(type->kind)) {
		print_string(type);
		return;
	}
	printf(map ? "{ " : either ? "" : "[");
	if (type->kind == SCHEMA_LIST) {
		printf("%" PRIu64 "*%" PRIu64 " ", type->min, type->max);
	}
	for (size_t i = 0; i < type->n; i++) {
		printf("%s", i == 0 ? "" : either ? " / " : ", ");
		print_field(&type->fields[i]);
	}
	printf(map ? " }" : either ? "" : "]");
}

static const struct schema_field *const roots[] = { &grammar_bundle,
	&grammar_manifest, &grammar_card };

static void
print_grammar(void)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		rules[n_rules++] = roots[i]->type;
	for (size_t i = 0; i < n_rules; i++) {
		printf("%s = ", rules[i]->name);
		print_inline(rules[i]);
		printf("\n");
	}
}

/* ---- what the compiler cannot see ---------------------------------------- */

/* The largest number that is kept whole. */
static uint64_t
largest(const struct schema_field *f)
{
	switch (f->held) {
	case HELD_NOWHERE:
		return f->type->min;
	case HELD_BOOL:
		return 1;
	case HELD_U32:
		return UINT32_MAX;
	case HELD_I64:
		return INT64_MAX;
	case HELD_U64:
		return UINT64_MAX;
	default:
		fail_msg("%s: is no number's place", f->name);
		return 0;
	}
}

static void
check_row(const struct schema_field *f)
{
	const struct schema_type *type = f->type;

	assert_non_null(f->name);
	if (schema_is_number(type->kind)) {
		if (type->max > largest(f))
			fail_msg("%s: %" PRIu64 " does not fit its place",
			    f->name, type->max);
	} else if (schema_is_string(type->kind)) {
		if (f->held != HELD_SPAN &&
		    (f->held != HELD_BYTES || type->min != type->max))
			fail_msg("%s: has no place for its bytes", f->name);
	} else if ((f->held == HELD_LIST) != (type->kind == SCHEMA_LIST)) {
		fail_msg("%s: is kept as what it is not", f->name);
	}
	for (uint64_t i = 0; type->names != NULL && i <= type->max; i++)
		if (type->names[i] == NULL && type->wanted == NULL)
			fail_msg("%s: what is wanted is not said", f->name);
}

/* Keys rise; those of a map are there, and no others. */
static void
check_rows(const struct schema_type *type)
{
	int last = 0;

	for (size_t i = 0; i < type->n; i++) {
		const struct schema_field *f = &type->fields[i];

		check_row(f);
		if (type->kind == SCHEMA_MAP && (f->key <= last || f->key > 23))
			fail_msg("%s: key %d after %d", f->name, f->key, last);
		if (type->kind != SCHEMA_MAP && f->key != 0)
			fail_msg("%s: has a key", f->name);
		if (type->kind == SCHEMA_EITHER)
			assert_int_equal(f->type->kind, SCHEMA_MAP);
		last = f->key;
		check_rows(f->type);
	}
}

static void
rows_rise_and_fit_their_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		assert_ptr_equal(grammar_of((enum cose_type)i), roots[i]);
		check_rows(roots[i]->type);
	}
}

/* A key that several maps have is read by the first one's row. */
static void
check_options(const struct schema_type *type)
{
	for (size_t i = 0; i < type->n; i++)
		check_options(type->fields[i].type);
	for (size_t i = 0; type->kind == SCHEMA_EITHER && i < type->n; i++) {
		const struct schema_type *map = type->fields[i].type;

		for (size_t k = 0; k < map->n; k++) {
			const struct schema_field *a = &map->fields[k];
			const struct schema_field *b =
			    schema_field_of(type, a->key);

			if (a->type != b->type || a->held != b->held ||
			    a->offset != b->offset || a->also != b->also ||
			    a->presence != b->presence)
				fail_msg("%s: two rows for key %d", map->name,
				    a->key);
		}
	}
}

static void
a_key_of_several_maps_means_one_thing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		check_options(roots[i]->type);
}

/* ---- a table of this test's own ------------------------------------------ */

struct pair_list {
	struct span *pairs;
	size_t n_pairs;
};

static const struct schema_type two_bytes = TYPE(NULL, SCHEMA_BYTES, 2, 2);
LIST_OF(pairs, 0, UINT64_MAX, "pair", &two_bytes, ITEM_SPAN);
static const struct schema_field pairs_root = { 0, "pairs", &pairs,
	LIST(pair_list, pairs) };

static enum rc
pairs_read(const char *bytes, size_t n, size_t *ret_n)
{
	struct pair_list list = { NULL, 0 };
	enum rc rc = schema_read(
	    "f", span_of((const uint8_t *)bytes, n), &pairs_root, &list);

	*ret_n = list.n_pairs;
	free(list.pairs);
	return rc;
}

/* Before any memory is asked for. */
static void
a_list_is_no_longer_than_its_bytes_can_be(void **state)
{
	size_t n;

	(void)state;
	check_ok(pairs_read("\x82\x42xy\x42xy", 7, &n));
	assert_int_equal(n, 2);
	check_refused(pairs_read("\x83\x42xy\x42xy", 7, &n), "CBOR-SCHEMA",
	    "f: pairs: 3 items cannot lie in 6 bytes");
	assert_int_equal(n, 0);
}

/* A byte on the wire, a large struct in memory: together they have an end. */
struct large {
	uint64_t n;
	char room[1024];
};
struct large_list {
	struct large *items;
	size_t n;
};
static const struct schema_type large_n = TYPE(NULL, SCHEMA_UINT, 0, 9);
static const struct schema_field large_fields[] = {
	{ 0, "n", &large_n, IN(large, n) },
};
static const struct schema_type large_type =
    TYPE_TUPLE(NULL, large, large_fields);
LIST_OF(larges, 0, 1000000, "large", &large_type, IN_PLACE);
static const struct schema_field larges_root = { 0, "larges", &larges,
	ITEMS_OF(large_list) };

static void
larges_write(size_t n, struct buf *ret)
{
	const uint8_t head[] = { 0x99, (uint8_t)(n >> 8), (uint8_t)n };

	check_ok(buf_add(ret, head, sizeof(head)));
	for (size_t i = 0; i < n; i++)
		check_ok(buf_add(ret, "\x81\x00", 2));
}

static void
lists_take_as_much_memory_as_their_input_is_worth(void **state)
{
	const size_t most = SCHEMA_ROOM(0) / sizeof(struct large) + 128;

	(void)state;
	for (size_t n = most - 128; n <= most; n += 128) {
		WIPED(buf) in = { 0 };
		struct large_list list = { NULL, 0 };
		enum rc rc;

		larges_write(n, &in);
		rc = schema_read("f", buf_span(&in), &larges_root, &list);
		if (n < most)
			check_ok(rc);
		else
			check_rule(rc, "CBOR-SCHEMA",
			    "more than may be kept in memory of a file of this size");
		assert_int_equal(list.n, n < most ? n : 0);
		free(list.items);
	}
}

struct part {
	uint64_t number;
	struct span *pairs;
	size_t n_pairs;
};
static const struct schema_field part_rows[] = {
	{ 1, "number", &large_n, IN(part, number) },
	{ 2, "pairs", &pairs, LIST(part, pairs) },
};
static const struct schema_type part_type = TYPE_MAP(NULL, part, part_rows);
static const struct schema_field part_root = { 0, "part", &part_type,
	IN_PLACE };

static void
a_head_is_read_without_its_lists(void **state)
{
	/* A list between two numbers, which holds what no bundle may. */
	static const char payload[] =
	    "\xa2\x01\x05\x02\x82\xa1\x07\x41x\x82\x01\xf6";
	struct part part = { .number = 0 };
	const struct span in =
	    span_of((const uint8_t *)payload, sizeof(payload) - 1);

	(void)state;
	check_rule(
	    schema_read("f", in, &part_root, &part), "CBOR-SCHEMA", "pairs");
	free(part.pairs);
	part = (struct part){ .number = 0 };
	check_ok(schema_read_head("f", in, &part_root, &part));
	assert_int_equal(part.number, 5);
	assert_int_equal(part.n_pairs, 0);
	assert_null(part.pairs);
	check_refused(
	    schema_read_head("f", span_of(in.p, in.n - 1), &part_root, &part),
	    "CBOR-SCHEMA", "f: value: found nothing usable, wanted an item");
}

static void
nothing_follows_what_is_read(void **state)
{
	size_t n;

	(void)state;
	check_ok(pairs_read("\x80", 1, &n));
	check_refused(pairs_read("\x80\x00", 2, &n), "CBOR",
	    "f: more bytes after the pairs");
}

/* [kind, ...]: a message of one kind has the members of that kind, no more. */
static void
a_message_has_the_members_of_its_kind(void **state)
{
	struct reader_order order = { 0 };

	(void)state;
	check_ok(
	    schema_read("f", span_of((const uint8_t *)"\x83\x03\x04\x05", 4),
		&reader_order_form, &order));
	assert_int_equal(order.kind, READER_CHECK);
	assert_int_equal(order.first, 4);
	assert_int_equal(order.n, 5);
	check_refused(
	    schema_read("f", span_of((const uint8_t *)"\x82\x03\x04", 3),
		&reader_order_form, &order),
	    "CBOR-SCHEMA", "f: check: found an array of 2, wanted 3");
	check_refused(
	    schema_read("f", span_of((const uint8_t *)"\x82\x02\x00", 3),
		&reader_order_form, &order),
	    "CBOR-SCHEMA", "f: level: found an array of 2, wanted 1");
}

/* A choice whose two maps each want a text that is there. */
struct choice_of {
	struct span a, b;
};
static const struct schema_type a_text = TYPE(NULL, SCHEMA_TEXT, 1, 4);
static const struct schema_field map_a[] = {
	{ 1, "a", &a_text, IN(choice_of, a) },
};
static const struct schema_field map_b[] = {
	{ 2, "b", &a_text, IN(choice_of, b) },
};
static const struct schema_type map_a_type = TYPE_MAP("a", choice_of, map_a),
				map_b_type = TYPE_MAP("b", choice_of, map_b);
static const struct schema_field a_or_b[] = {
	{ 0, "a", &map_a_type, IN_PLACE },
	{ 0, "b", &map_b_type, IN_PLACE },
};
static const struct schema_type a_or_b_type =
    TYPE_EITHER("a-or-b", choice_of, a_or_b);
static const struct schema_field a_or_b_root = { 0, "choice", &a_or_b_type,
	IN_PLACE };

static void
what_no_map_of_a_choice_takes_is_not_written(void **state)
{
	WIPED(buf) out = { 0 };
	struct choice_of one = { .b = span_str("x") };

	(void)state;
	check_ok(schema_write(&a_or_b_root, &one, &out));
	assert_int_equal(out.n, 4);
	assert_memory_equal(out.p, "\xa1\x02\x61x", 4);
	one.b = span_str("12345"); /* longer than it may be */
	assert_int_equal(schema_write(&a_or_b_root, &one, &out), RC_BUG);
	assert_string_equal(
	    err_text(), "choice: there is no form of it for what it has");
	one.b = SPAN_NONE;
	assert_int_equal(schema_write(&a_or_b_root, &one, &out), RC_BUG);
	assert_string_equal(
	    err_text(), "choice: there is no form of it for what it has");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_rise_and_fit_their_places),
		cmocka_unit_test(a_key_of_several_maps_means_one_thing),
		cmocka_unit_test(a_list_is_no_longer_than_its_bytes_can_be),
		cmocka_unit_test(
		    lists_take_as_much_memory_as_their_input_is_worth),
		cmocka_unit_test(a_head_is_read_without_its_lists),
		cmocka_unit_test(nothing_follows_what_is_read),
		cmocka_unit_test(a_message_has_the_members_of_its_kind),
		cmocka_unit_test(what_no_map_of_a_choice_takes_is_not_written),
	};

	(void)argv;
	if (argc > 1) {
		print_grammar();
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
