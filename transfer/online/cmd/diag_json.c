/* SPDX-License-Identifier: Apache-2.0 */
/* The payload by the grammar's table. Recursion ends with the table and with
 * the strict pass's depth of 16; what has no name there was refused by the
 * payload's reader before. */
#include "transfer/online/cmd/diag.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/grammar.h"
#include "transfer/x509/name.h"

#include <assert.h>
#include <stdio.h>

static enum rc value_json(
    struct cbor_in *in, const struct schema_field *field, json_t **ret);

/* JSON numbers of others are doubles: larger counts would lose digits there. */
#define EXACT_MAX (UINT64_C(1) << 53)

static enum rc
made(json_t *value, json_t **ret)
{
	if (value == NULL)
		return err_memory();
	*ret = value;
	return RC_OK;
}

static enum rc
number_json(struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	char digits[24];
	uint64_t n;
	enum rc rc = cbor_take_uint(in, field->name, 0, UINT64_MAX, &n);

	if (rc != RC_OK)
		return rc;
	if (field->type->kind == SCHEMA_TIME && n <= (uint64_t)CLOCK_MAX)
		return made(cmd_json_time((int64_t)n), ret);
	if (field->type->kind == SCHEMA_CHOICE)
		return made(json_string(schema_choice(field->type, n)), ret);
	if (n < EXACT_MAX)
		return made(json_integer((json_int_t)n), ret);
	(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	return made(json_string(digits), ret);
}

static enum rc
string_json(struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	struct span s;
	enum rc rc;

	if (field->type->kind == SCHEMA_TEXT) {
		rc = cbor_take_text(in, field->name, 0, SIZE_MAX, &s);
		return rc != RC_OK ? rc : made(cmd_json_text(s), ret);
	}
	rc = cbor_take_bytes(in, field->name, 0, SIZE_MAX, &s);
	if (rc != RC_OK)
		return rc;
	return made(field->type->kind == SCHEMA_FILE ? cmd_json_text(s)
						     : cmd_json_hex(s),
	    ret);
}

/* "dns:example.org", as on the command line. */
static enum rc
name_json(struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	WIPED(buf) text = { 0 };
	struct name name;
	uint64_t n;
	enum rc rc = cbor_take_array(in, field->name, 2, 2, &n);

	if (rc == RC_OK)
		rc = cbor_take_uint(in, "type", 0, NAME_TYPES - 1, &n);
	if (rc == RC_OK)
		rc = cbor_take_text(in, "name", 0, SIZE_MAX, &name.text);
	if (rc != RC_OK)
		return rc;
	name.type = (enum name_type)n;
	rc = name_write(&text, &name);
	return rc != RC_OK ? rc : made(cmd_json_text(buf_span(&text)), ret);
}

static enum rc
diag_list_json(
    struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	json_t *list = json_array();
	uint64_t n;
	enum rc rc = list == NULL
			 ? err_memory()
			 : cbor_take_array(in, field->name, 0, UINT64_MAX, &n);

	for (uint64_t i = 0; rc == RC_OK && i < n; i++) {
		json_t *item;

		rc = value_json(in, &field->type->fields[0], &item);
		if (rc == RC_OK && json_array_append_new(list, item) != 0)
			rc = err_memory();
	}
	if (rc == RC_OK)
		*ret = list;
	else
		json_decref(list);
	return rc;
}

static enum rc
member_json(
    struct cbor_in *in, const struct schema_field *field, json_t *object)
{
	json_t *value;
	enum rc rc = value_json(in, field, &value);

	if (rc == RC_OK && json_object_set_new(object, field->name, value) != 0)
		rc = err_memory();
	return rc;
}

static enum rc
members_json(
    struct cbor_in *in, const struct schema_field *field, json_t *object)
{
	const struct schema_type *type = field->type;
	uint64_t n;
	int key;
	enum rc rc;

	if (type->kind == SCHEMA_TUPLE) {
		rc = cbor_take_array(in, field->name, type->n, type->n, &n);
		for (size_t i = 0; rc == RC_OK && i < type->n; i++)
			rc = member_json(in, &type->fields[i], object);
		return rc;
	}
	rc = cbor_take_map(in, field->name, &n);
	while (rc == RC_OK && (rc = cbor_next_key(in, &n, &key)) == RC_OK &&
	       key >= 0) {
		const struct schema_field *member = schema_field_of(type, key);

		assert(member != NULL); /* the payload was read before */
		rc = member_json(in, member, object);
	}
	return rc;
}

static enum rc
object_json(struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	json_t *object = json_object();
	enum rc rc =
	    object == NULL ? err_memory() : members_json(in, field, object);

	if (rc == RC_OK)
		*ret = object;
	else
		json_decref(object);
	return rc;
}

static enum rc
value_json(struct cbor_in *in, const struct schema_field *field, json_t **ret)
{
	const enum schema_kind kind = field->type->kind;
	bool is_null;
	enum rc rc = cbor_take_null(in, &is_null);

	if (rc != RC_OK || is_null)
		return rc != RC_OK ? rc : made(json_null(), ret);
	if (schema_is_number(kind))
		return number_json(in, field, ret);
	if (schema_is_string(kind))
		return string_json(in, field, ret);
	if (kind == SCHEMA_LIST)
		return diag_list_json(in, field, ret);
	if (kind == SCHEMA_NAME)
		return name_json(in, field, ret);
	return object_json(in, field, ret);
}

/* ---- in pieces ----------------------------------------------------------- */

#define BEFORE_MAX 64 /* bytes: `,"NAME":[` */

struct diag_json_out {
	diag_json_put *put;
	void *arg;
};

static enum rc
items_json_put(const struct diag_json_out *out, struct cbor_in *in,
    const struct schema_field *list, const char *before)
{
	uint64_t n = 0;
	enum rc rc = cbor_take_array(in, list->name, 0, UINT64_MAX, &n);

	if (rc == RC_OK)
		rc = out->put(out->arg, before, NULL);
	for (uint64_t i = 0; rc == RC_OK && i < n; i++) {
		json_t *item;

		rc = value_json(in, &list->type->fields[0], &item);
		if (rc == RC_OK)
			rc = out->put(out->arg, i == 0 ? "" : ",", item);
	}
	return rc != RC_OK ? rc : out->put(out->arg, "]", NULL);
}

static enum rc
member_json_put(const struct diag_json_out *out, struct cbor_in *in,
    const struct schema_field *member, bool first)
{
	const bool list = member->type->kind == SCHEMA_LIST;
	char before[BEFORE_MAX];
	json_t *value;
	enum rc rc;

	(void)snprintf(before, sizeof(before), "%s\"%s\":%s", first ? "{" : ",",
	    member->name, list ? "[" : "");
	if (list)
		return items_json_put(out, in, member, before);
	rc = value_json(in, member, &value);
	return rc != RC_OK ? rc : out->put(out->arg, before, value);
}

enum rc
diag_json(const struct diag *diag, diag_json_put *put, void *arg)
{
	const struct diag_json_out out = { put, arg };
	const struct schema_field *root = grammar_of(diag->cose.type);
	struct cbor_in in = { .from = "payload", .rest = diag->cose.payload };
	bool first = true;
	uint64_t n;
	int key;
	enum rc rc = cbor_take_map(&in, root->name, &n);

	for (; rc == RC_OK && (rc = cbor_next_key(&in, &n, &key)) == RC_OK &&
	       key >= 0;
	     first = false)
		rc = member_json_put(
		    &out, &in, schema_field_of(root->type, key), first);
	return rc != RC_OK ? rc : put(arg, "}", NULL);
}
