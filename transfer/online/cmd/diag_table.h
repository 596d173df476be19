/* SPDX-License-Identifier: Apache-2.0 */
/** The grammar of docs/transfer.cddl as a table, for transfer/online/cmd/diag alone. */
#ifndef TRANSFER_ONLINE_CMD_DIAG_TABLE_H
#define TRANSFER_ONLINE_CMD_DIAG_TABLE_H

#include "transfer/format/cose.h"

enum diag_as {
	AS_UINT,
	AS_TIME,     /* seconds since 1970 */
	AS_DURATION, /* seconds */
	AS_CHOICE,   /* a number with a name */
	AS_TEXT,
	AS_BYTES,
	AS_DER,	  /* bytes whose length and digest say more than they do */
	AS_FILE,  /* bytes that are a text file */
	AS_LIST,  /* an array; shape->fields[0] is each item */
	AS_TUPLE, /* an array; shape->fields are its items */
	AS_MAP,	  /* shape->fields by key */
	AS_NAME,  /* [type, text] */
};

struct diag_field {
	int key;
	const char *name; /* snake_case: the comment and the JSON key */
	enum diag_as as;
	const struct diag_shape *shape;
};

struct diag_shape {
	const struct diag_field *fields;
	size_t n;
	const char *const *choices; /* by value; NULL where there is none */
};

/** The shape of a payload. */
const struct diag_shape *diag_shape_of(enum cose_type type);

/** The name of a choice's value; NULL when it has none. */
const char *diag_choice(const struct diag_shape *shape, uint64_t value);

/** The field with a key; NULL when there is none. */
const struct diag_field *diag_field_of(
    const struct diag_shape *shape, int key);

#endif
