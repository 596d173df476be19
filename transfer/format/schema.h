/* SPDX-License-Identifier: Apache-2.0 */
/** A message as a table, by which it is read, written and shown.
 *
 * A type says what stands on the wire and within which limits. A field says under
 * which key and name, and where in a struct it is kept. So a new field of a format
 * is one row, and its limits stand in one place. docs/transfer.cddl says the same
 * for others; tests/e2e/20-formats.t holds the two together.
 */
#ifndef TRANSFER_FORMAT_SCHEMA_H
#define TRANSFER_FORMAT_SCHEMA_H

#include "base/buf.h"

struct cbor_in;
struct cbor_out;

/* ---- types ----------------------------------------------------------------- */

enum schema_kind {
	/* numbers, of which some are shown as more than that */
	SCHEMA_UINT,
	SCHEMA_TIME,	 /* seconds since 1970 */
	SCHEMA_DURATION, /* seconds */
	SCHEMA_CHOICE,	 /* each value has a name */
	/* strings */
	SCHEMA_TEXT,
	SCHEMA_BYTES,
	SCHEMA_DER,  /* its length and digest say more than its bytes */
	SCHEMA_FILE, /* bytes that are a text file */
	/* of others */
	SCHEMA_LIST,   /* fields[0] is each item */
	SCHEMA_TUPLE,  /* an array of the fields */
	SCHEMA_NAME,   /* such a tuple that is a struct name: shown as one */
	SCHEMA_MAP,    /* of the fields, by key */
	SCHEMA_EITHER, /* a map that is one of the fields, which are maps */
	SCHEMA_MESSAGE, /* [kind, ...]: the fields of fields[kind], a tuple */
};

static inline bool
schema_is_number(enum schema_kind kind)
{
	return kind <= SCHEMA_CHOICE;
}

static inline bool
schema_is_string(enum schema_kind kind)
{
	return kind >= SCHEMA_TEXT && kind <= SCHEMA_FILE;
}

struct schema_type {
	const char *name; /* in the grammar; NULL: it is written in place there */
	enum schema_kind kind;
	uint64_t min, max; /* of a number; bytes of a string; items of a list */
	bool (*fits)(struct span value); /* may be NULL; of a string, besides */
	const char *wanted;		 /* where limits do not say it: for people */
	const char *const *names;	 /* of a choice; NULL: no such value */
	const struct schema_field *fields;
	size_t n;    /* fields */
	size_t size; /* bytes of memory that it takes as an item of a list */
};

/* clang-format off */
#define TYPE(cddl, as, least, most) \
	{ .name = (cddl), .kind = (as), .min = (least), .max = (most) }
#define TYPE_TEXT(cddl, check, pattern) \
	{ .name = (cddl), .kind = SCHEMA_TEXT, .max = SIZE_MAX, \
	  .fits = (check), .wanted = (pattern) }
#define TYPE_CHOICE(cddl, all) \
	{ .name = (cddl), .kind = SCHEMA_CHOICE, \
	  .max = sizeof(all) / sizeof(*(all)) - 1, .names = (all) }
#define TYPE_OF(cddl, as, least, most, bytes, rows) \
	{ .name = (cddl), .kind = (as), .min = (least), .max = (most), \
	  .size = (bytes), .fields = (rows), .n = sizeof(rows) / sizeof(*(rows)) }
#define TYPE_MAP(cddl, tag, rows) \
	TYPE_OF(cddl, SCHEMA_MAP, 0, 0, sizeof(struct tag), rows)
#define TYPE_TUPLE(cddl, tag, rows) \
	TYPE_OF(cddl, SCHEMA_TUPLE, 0, 0, sizeof(struct tag), rows)
#define TYPE_EITHER(cddl, tag, rows) \
	TYPE_OF(cddl, SCHEMA_EITHER, 0, 0, sizeof(struct tag), rows)
#define TYPE_LIST(least, most, row) \
	TYPE_OF(NULL, SCHEMA_LIST, least, most, 0, row)
/* Define a list type: the rest is its item's row, without a key. */
#define LIST_OF(type, least, most, ...) \
	static const struct schema_field type##_item[] = { { 0, __VA_ARGS__ } }; \
	static const struct schema_type type = TYPE_LIST(least, most, type##_item)
/* clang-format on */

/* ---- fields ---------------------------------------------------------------- */

enum schema_held {
	HELD_NOWHERE, /* the one value that the type has */
	HELD_STRUCT,  /* in place: a type of others */
	HELD_LIST,    /* an owned array, and a size_t of its items */
	HELD_LENT,    /* an array that the caller lends, with room for the most */
	HELD_COUNT,   /* a uint64_t: the items are the caller's, one by one */
	HELD_SPAN,    /* borrowed from the input */
	HELD_BYTES,   /* a copy, of as many bytes as the type has */
	HELD_U64,
	HELD_I64,
	HELD_U32, /* or an enum */
	HELD_BOOL,
};

enum schema_presence {
	FIELD_ALWAYS,
	FIELD_IF_HAS,  /* its key is left out unless has_NAME */
	FIELD_IF_ANY,  /* its key is left out when it has no bytes or items */
	FIELD_OR_NULL, /* null stands for it unless has_NAME */
};

struct schema_field {
	int key;	  /* of a map, 1 to 23; else 0 */
	const char *name; /* in sentences and in what `inspect` shows */
	const struct schema_type *type;
	enum schema_presence presence;
	enum schema_held held;
	size_t offset; /* in the struct of the type that it is a field of */
	size_t also; /* offset of has_NAME, a list's n_NAME, a message's kind */
};

/* clang-format off */
/* A member of any other type does not compile. One that is a struct is told by
 * STRUCT_IN and its like: no list of types would end with them. */
#define HOW_HELD(member) _Generic((member), \
	struct span: HELD_SPAN, uint8_t *: HELD_BYTES, uint64_t: HELD_U64, \
	int64_t: HELD_I64, uint32_t: HELD_U32, bool: HELD_BOOL)
#define IN_STRUCT(tag, member) \
	HOW_HELD(((struct tag *)NULL)->member), offsetof(struct tag, member)
/* Where a field is kept, for the end of its row. */
#define IN(tag, member)	     FIELD_ALWAYS, IN_STRUCT(tag, member), 0
#define IF_HAS(tag, member)  FIELD_IF_HAS, IN_STRUCT(tag, member), offsetof(struct tag, has_##member)
#define OR_NULL(tag, member) FIELD_OR_NULL, IN_STRUCT(tag, member), offsetof(struct tag, has_##member)
#define STRUCT_IN(tag, member)      FIELD_ALWAYS, HELD_STRUCT, offsetof(struct tag, member), 0
#define STRUCT_IF_HAS(tag, member)  FIELD_IF_HAS, HELD_STRUCT, offsetof(struct tag, member), offsetof(struct tag, has_##member)
#define STRUCT_OR_NULL(tag, member) FIELD_OR_NULL, HELD_STRUCT, offsetof(struct tag, member), offsetof(struct tag, has_##member)
#define IF_ANY(tag, member)  FIELD_IF_ANY, IN_STRUCT(tag, member), 0
#define LIST(tag, member)    FIELD_ALWAYS, HELD_LIST, offsetof(struct tag, member), offsetof(struct tag, n_##member)
#define LIST_IF_ANY(tag, member) FIELD_IF_ANY, HELD_LIST, offsetof(struct tag, member), offsetof(struct tag, n_##member)
#define ITEMS_OF(tag)	     FIELD_ALWAYS, HELD_LIST, offsetof(struct tag, items), offsetof(struct tag, n)
#define LENT(tag, member)    FIELD_ALWAYS, HELD_LENT, offsetof(struct tag, member), offsetof(struct tag, n_##member)
#define COUNT_OF(tag, member) FIELD_ALWAYS, HELD_COUNT, offsetof(struct tag, n_##member), 0
#define KIND_OF(tag)	     FIELD_ALWAYS, HELD_STRUCT, 0, offsetof(struct tag, kind)
#define NOWHERE		     FIELD_ALWAYS, HELD_NOWHERE, 0, 0
#define IN_PLACE	     FIELD_ALWAYS, HELD_STRUCT, 0, 0 /* the same struct */
#define IN_PLACE_OR_NULL(tag, member) FIELD_OR_NULL, HELD_STRUCT, 0, offsetof(struct tag, has_##member)
#define ITEM_SPAN	     FIELD_ALWAYS, HELD_SPAN, 0, 0   /* a list's item is that */
#define ITEM_U64	     FIELD_ALWAYS, HELD_U64, 0, 0
/* clang-format on */

/** The row of a key; of a choice between maps, the first that has it. NULL: none. */
const struct schema_field *schema_field_of(
    const struct schema_type *type, int key);

/** What a choice's value is called; NULL when there is no such value. */
const char *schema_choice(const struct schema_type *type, uint64_t value);

/* ---- messages -------------------------------------------------------------- */

/** Memory that all lists of an input of `n` bytes may take together: what an honest
 * one needs is less, and what a hostile one gets is no more. */
#define SCHEMA_ROOM(n) ((n) + ((size_t)32 << 20))

/** Read bytes that cbor_in_check passed, from the first to the last, into a zeroed
 * struct. `root->name` names the whole in sentences. Spans point into `input`;
 * lists are the caller's to release by schema_wipe, after a failure too. Memory is
 * asked for only when the input could hold that many items, and within SCHEMA_ROOM.
 * \retval RC_FORMAT rules CBOR-SCHEMA, FORMAT-TEXT (a text breaks its pattern),
 *                   CBOR (bytes follow it)
 * \retval RC_IO     memory */
enum rc schema_read(const char *from, struct span input,
    const struct schema_field *root, void *object) MUST_CHECK;

/** The same, but lists are passed over, which costs no memory: what has to be known
 * of an input before its signature is proven. There is nothing to release. */
enum rc schema_read_head(const char *from, struct span input,
    const struct schema_field *root, void *object) MUST_CHECK;

/** Append the encoding; of a choice between maps the last that has all it needs.
 * \retval RC_BUG no map of a choice fits
 * \retval RC_IO  memory */
enum rc schema_write(const struct schema_field *root, const void *object,
    struct buf *out) MUST_CHECK;

/** The same for a value that stands among others; its lists take no more memory than
 * in->room says. */
enum rc schema_take(struct cbor_in *in, const struct schema_field *field,
    void *object) MUST_CHECK;
void schema_put(struct cbor_out *out, const struct schema_field *field,
    const void *object);

/** Release the lists. */
void schema_wipe(const struct schema_type *type, void *object);

#endif
