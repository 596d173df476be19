/* SPDX-License-Identifier: Apache-2.0 */
/* Commented diagnostic notation: RFC 8949 section 8, RFC 8610 appendix G. */
#include "transfer/online/cmd/diag.h"

#include "base/clock.h"
#include "base/file.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/grammar.h"
#include "transfer/x509/name.h"

#include <assert.h>
#include <inttypes.h>
#include <unistr.h>

#define DIAG_PIECE ((size_t)64 << 10) /* bytes that are worth a write */

struct diag_writer {
	struct buf *to;
	int fd; /* where they go; -1: they are kept */
	unsigned indent;
	enum rc rc; /* sticks, as in cbor_out */
};

static void value_put(struct diag_writer *w, struct cbor_in *in,
    const struct schema_field *field);

/* ---- spelling ------------------------------------------------------------ */

static void
diag_put(struct diag_writer *w, const char *text)
{
	if (w->rc == RC_OK)
		w->rc = buf_add_str(w->to, text);
}

static void
line(struct diag_writer *w)
{
	if (w->rc == RC_OK && w->fd >= 0 && w->to->n >= DIAG_PIECE) {
		w->rc = fd_write_all(w->fd, buf_span(w->to), "standard output");
		buf_reset(w->to);
	}
	diag_put(w, "\n");
	for (unsigned i = 0; i < w->indent; i++)
		diag_put(w, "  ");
}

static void
number_put(struct diag_writer *w, uint64_t n)
{
	if (w->rc == RC_OK)
		w->rc = buf_printf(w->to, "%" PRIu64, n);
}

static void
hex_put(struct diag_writer *w, struct span bytes)
{
	diag_put(w, "h'");
	if (w->rc == RC_OK)
		w->rc = buf_reserve(w->to, 2 * bytes.n + 1);
	if (w->rc == RC_OK) {
		hex_write(bytes, (char *)w->to->p + w->to->n);
		w->to->n += 2 * bytes.n;
	}
	diag_put(w, "'");
}

/* As in JSON, which diagnostic notation borrows its strings from, and with
 * nothing but ASCII left. */
static void
unit_put(struct diag_writer *w, ucs4_t c)
{
	if (w->rc != RC_OK)
		return;
	if (c == '"' || c == '\\')
		w->rc = buf_printf(w->to, "\\%c", (char)c);
	else if (c >= 0x20 && c <= 0x7e)
		w->rc = buf_add_byte(w->to, (uint8_t)c);
	else if (c < 0x10000)
		w->rc = buf_printf(w->to, "\\u%04x", (unsigned)c);
	else
		w->rc = buf_printf(w->to, "\\u%04x\\u%04x",
		    (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
		    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

static void
text_put(struct diag_writer *w, struct span text)
{
	diag_put(w, "\"");
	while (text.n != 0 && w->rc == RC_OK) {
		struct span taken;
		ucs4_t c;
		int n = u8_mbtouc(&c, text.p, text.n);

		assert(n > 0);
		unit_put(w, c);
		if (!span_take(&text, (size_t)n, &taken))
			break;
	}
	diag_put(w, "\"");
}

/* ---- values by table ----------------------------------------------------- */

static void
comment_put(struct diag_writer *w, const char *text)
{
	diag_put(w, " / ");
	diag_put(w, text);
	diag_put(w, " /");
}

static void
number_value_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	const enum schema_kind kind = field->type->kind;
	char time[CLOCK_TEXT], duration[DUR_TEXT];
	uint64_t n = 0;

	w->rc = cbor_take_uint(in, field->name, 0, UINT64_MAX, &n);
	number_put(w, n);
	if (kind == SCHEMA_TIME && n <= (uint64_t)CLOCK_MAX) {
		clock_write((int64_t)n, time);
		comment_put(w, time);
	}
	if (kind == SCHEMA_DURATION && n <= INT64_MAX) {
		dur_write((int64_t)n, duration);
		comment_put(w, duration);
	}
	if (kind == SCHEMA_CHOICE)
		comment_put(w, schema_choice(field->type, n));
}

/* DER and files: their size and digest say more to people than their bytes. */
static void
digest_comment_put(struct diag_writer *w, struct span bytes)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	if (w->rc == RC_OK)
		w->rc = sha256(bytes, digest);
	if (w->rc != RC_OK)
		return;
	hex_write(span_of(digest, sizeof(digest)), hex);
	w->rc = buf_printf(w->to, " / %zu bytes, SHA-256 %s /", bytes.n, hex);
}

static void
string_value_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	struct span s = SPAN_NONE;

	if (field->type->kind == SCHEMA_TEXT) {
		w->rc = cbor_take_text(in, field->name, 0, SIZE_MAX, &s);
		if (w->rc == RC_OK)
			text_put(w, s);
		return;
	}
	w->rc = cbor_take_bytes(in, field->name, 0, SIZE_MAX, &s);
	if (w->rc != RC_OK)
		return;
	hex_put(w, s);
	if (field->type->kind != SCHEMA_BYTES)
		digest_comment_put(w, s);
}

static void
name_value_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	uint64_t n = 0;

	w->rc = cbor_take_array(in, field->name, 2, 2, &n);
	if (w->rc == RC_OK)
		w->rc = cbor_take_uint(in, "type", 0, NAME_TYPES - 1, &n);
	diag_put(w, "[");
	number_put(w, n);
	comment_put(w, name_type_text((enum name_type)n));
	diag_put(w, ", ");
	value_put(w, in, &field->type->fields[1]);
	diag_put(w, "]");
}

/* "/ name / KEY: value", or without a key in an array. */
static void
member_put(struct diag_writer *w, struct cbor_in *in,
    const struct schema_field *field, bool last)
{
	line(w);
	if (w->rc == RC_OK)
		w->rc = buf_printf(w->to, "/ %s / ", field->name);
	if (w->rc == RC_OK && field->key != 0)
		w->rc = buf_printf(w->to, "%d: ", field->key);
	value_put(w, in, field);
	if (!last)
		diag_put(w, ",");
}

static void
array_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	const bool list = field->type->kind == SCHEMA_LIST;
	uint64_t n = 0;

	w->rc = cbor_take_array(in, field->name, 0, UINT64_MAX, &n);
	diag_put(w, "[");
	w->indent++;
	for (uint64_t i = 0; w->rc == RC_OK && i < n; i++)
		member_put(
		    w, in, &field->type->fields[list ? 0 : i], i + 1 == n);
	w->indent--;
	if (n != 0)
		line(w);
	diag_put(w, "]");
}

static void
map_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	uint64_t pairs = 0;
	int key = -1;

	w->rc = cbor_take_map(in, field->name, &pairs);
	diag_put(w, "{");
	w->indent++;
	while (w->rc == RC_OK) {
		const struct schema_field *member;

		w->rc = cbor_next_key(in, &pairs, &key);
		if (w->rc != RC_OK || key < 0)
			break;
		member = schema_field_of(field->type, key);
		assert(member != NULL); /* the payload was read before */
		member_put(w, in, member, pairs == 0);
	}
	w->indent--;
	line(w);
	diag_put(w, "}");
}

static void
value_put(
    struct diag_writer *w, struct cbor_in *in, const struct schema_field *field)
{
	const enum schema_kind kind = field->type->kind;
	bool is_null = false;

	if (w->rc == RC_OK)
		w->rc = cbor_take_null(in, &is_null);
	if (w->rc != RC_OK)
		return;
	if (is_null) {
		diag_put(w, "null");
		return;
	}
	if (schema_is_number(kind))
		number_value_put(w, in, field);
	else if (schema_is_string(kind))
		string_value_put(w, in, field);
	else if (kind == SCHEMA_NAME)
		name_value_put(w, in, field);
	else if (kind == SCHEMA_LIST || kind == SCHEMA_TUPLE)
		array_put(w, in, field);
	else
		map_put(w, in, field);
}

/* ---- the file ------------------------------------------------------------ */

static void
header_put(struct diag_writer *w, const struct diag *diag)
{
	const struct cose *c = &diag->cose;
	const bool kid = c->kid.n != 0;

	line(w);
	diag_put(w, "/ protected / << {");
	w->indent++;
	line(w);
	if (w->rc == RC_OK)
		w->rc = buf_printf(w->to, "/ alg / 1: %d / %s /,", c->alg,
		    cose_alg_name(c->alg));
	line(w);
	diag_put(w, "/ content_type / 3: ");
	text_put(w, span_str(cose_content_type(c->type)));
	diag_put(w, ",");
	line(w);
	diag_put(w, kid ? "/ kid / 4: " : "/ x5chain / 33: ");
	hex_put(w, kid ? c->kid : c->cert);
	if (!kid)
		digest_comment_put(w, c->cert);
	w->indent--;
	line(w);
	diag_put(w, "} >>,");
	line(w);
	diag_put(w, "/ unprotected / {},");
}

enum rc
diag_write(const struct diag *diag, struct buf *out, int fd)
{
	struct cbor_in in = { .from = "payload", .rest = diag->cose.payload };
	struct diag_writer w = { .to = out, .fd = fd, .indent = 1 };

	w.rc = buf_printf(out, "/ %s / 18([", diag_kind(diag));
	header_put(&w, diag);
	line(&w);
	diag_put(&w, "/ payload / << ");
	value_put(&w, &in, grammar_of(diag->cose.type));
	diag_put(&w, " >>,");
	line(&w);
	diag_put(&w, "/ signature / ");
	if (w.rc == RC_OK)
		hex_put(&w, diag->cose.signature);
	w.indent = 0;
	line(&w);
	diag_put(&w, "])\n");
	return w.rc;
}
