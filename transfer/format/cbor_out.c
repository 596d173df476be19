/* SPDX-License-Identifier: Apache-2.0 */
/* Only the one encoding that the readers take can come out: libcbor writes
 * the shortest heads, and the order of keys and the number of items are
 * asserted, since a mistake there is ours and must not be signed. */
#include "transfer/format/cbor_out.h"

#include <assert.h>
#include <cbor.h>

#define HEAD_MAX 9 /* bytes of the longest head */

void
cbor_out_init(struct cbor_out *out, struct buf *to)
{
	*out = (struct cbor_out){ .to = to };
}

void
cbor_out_init_count(struct cbor_out *out, struct buf *to)
{
	*out = (struct cbor_out){ .to = to, .counting = true };
}

static void
cbor_out_add(struct cbor_out *out, const void *bytes, size_t n)
{
	if (out->counting)
		out->to->n += n;
	else if (out->rc == RC_OK)
		out->rc = buf_add(out->to, bytes, n);
}

/* RFC 8949 4.2.1: keys rise in the bytewise order of their encodings. */
static void
key_watch(
    const struct cbor_out *out, struct cbor_out_level *level, size_t start)
{
	const size_t key_n = out->to->n - start;
	const size_t n = key_n < level->key_n ? key_n : level->key_n;
	int order =
	    n == 0 ? -1
		   : memcmp(out->to->p + level->key, out->to->p + start, n);

	assert(order < 0 || (order == 0 && level->key_n < key_n));
	level->key = start;
	level->key_n = key_n;
}

/* The item that began at `start` is complete, and with it perhaps its parents.
 */
static void
cbor_out_item_done(struct cbor_out *out, size_t start)
{
	if (out->rc != RC_OK)
		return;
	while (out->depth > 0) {
		struct cbor_out_level *level = &out->levels[out->depth - 1];

		if (level->map && level->left % 2 == 0 && !out->counting)
			key_watch(out, level, start);
		if (--level->left > 0)
			return;
		start = level->start;
		out->depth--;
	}
}

static void
container_begin(struct cbor_out *out, size_t start, uint64_t items, bool map)
{
	if (out->rc != RC_OK)
		return;
	if (items == 0) {
		cbor_out_item_done(out, start);
		return;
	}
	assert(out->depth < CBOR_OUT_DEPTH);
	out->levels[out->depth++] = (struct cbor_out_level){
		.left = items,
		.start = start,
		.map = map,
	};
}

void
cbor_put_uint(struct cbor_out *out, uint64_t value)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	cbor_out_add(out, head, cbor_encode_uint(value, head, sizeof(head)));
	cbor_out_item_done(out, start);
}

void
cbor_put_int(struct cbor_out *out, int64_t value)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	if (value >= 0) {
		cbor_put_uint(out, (uint64_t)value);
		return;
	}
	cbor_out_add(out, head,
	    cbor_encode_negint((uint64_t)(-1 - value), head, sizeof(head)));
	cbor_out_item_done(out, start);
}

void
cbor_put_bytes(struct cbor_out *out, struct span bytes)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	cbor_out_add(out, head,
	    cbor_encode_bytestring_start(bytes.n, head, sizeof(head)));
	cbor_out_add(out, bytes.p, bytes.n);
	cbor_out_item_done(out, start);
}

void
cbor_put_text(struct cbor_out *out, struct span text)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	cbor_out_add(
	    out, head, cbor_encode_string_start(text.n, head, sizeof(head)));
	cbor_out_add(out, text.p, text.n);
	cbor_out_item_done(out, start);
}

void
cbor_put_array(struct cbor_out *out, uint64_t items)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	cbor_out_add(out, head,
	    cbor_encode_array_start((size_t)items, head, sizeof(head)));
	container_begin(out, start, items, false);
}

void
cbor_put_map(struct cbor_out *out, uint64_t pairs)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	assert(pairs <= SIZE_MAX / 2);
	cbor_out_add(out, head,
	    cbor_encode_map_start((size_t)pairs, head, sizeof(head)));
	container_begin(out, start, 2 * pairs, true);
}

void
cbor_put_null(struct cbor_out *out)
{
	uint8_t head[HEAD_MAX];
	const size_t start = out->to->n;

	cbor_out_add(out, head, cbor_encode_null(head, sizeof(head)));
	cbor_out_item_done(out, start);
}

void
cbor_put_raw(struct cbor_out *out, struct span item)
{
	const size_t start = out->to->n;

	assert(item.n != 0);
	cbor_out_add(out, item.p, item.n);
	cbor_out_item_done(out, start);
}

void
cbor_out_fail(struct cbor_out *out, enum rc why)
{
	if (out->rc == RC_OK)
		out->rc = why;
}

enum rc
cbor_out_end(struct cbor_out *out)
{
	assert(out->rc != RC_OK || out->depth == 0);
	return out->rc;
}
