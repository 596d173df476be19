/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all bytes before anything else looks at them, so that the
 * schema readers may count on form: an array's count is backed by bytes, a
 * map's keys rise, nothing is hidden in a second encoding of the same value.
 * A signature over bytes that can be read in two ways would prove neither. */
#include "transfer/format/cbor_in.h"

#include "transfer/rule.h"

#include <unistr.h>

/* libcbor takes many encodings for one value, and allocates what a head of five
 * bytes declares. So this pass comes first, and does not use it. */

enum major { UINT, NEGINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

#define INFO_ONE_BYTE 24 /* the argument follows in 1, 2, 4 or 8 bytes */
#define INFO_RESERVED 28
#define INFO_INDEFINITE 31
#define SIMPLE_FALSE 20
#define SIMPLE_NULL 22
#define SIMPLE_UNDEFINED 23

struct level {
	uint64_t left; /* items still to come; a pair of a map counts as two */
	size_t start;  /* offset of the container's head */
	struct span last_key;
	bool map;
};

struct cbor_walk {
	const char *from;
	struct span all;
	size_t at;
	size_t depth;
	struct level levels[CBOR_DEPTH_MAX];
};

struct cbor_head {
	enum major major;
	uint8_t info;
	uint64_t value;
};

static enum rc
refuse_at(const struct cbor_walk *w, size_t at, const char *why)
{
	return rule_refuse(RULE_CBOR, "%s: byte %zu: %s", w->from, at, why);
}

/* RFC 8949 4.2.1: the argument in as few bytes as hold it. */
static enum rc
argument_check(struct cbor_walk *w, size_t start, struct cbor_head *h)
{
	static const uint64_t least[] = { 24, 256, 65536, UINT64_C(1) << 32 };
	const unsigned power = h->info - INFO_ONE_BYTE;
	const size_t width = (size_t)1 << power;

	if (w->all.n - w->at < width)
		return refuse_at(w, start, "the input ends within a head");
	h->value = 0;
	for (size_t i = 0; i < width; i++)
		h->value = h->value << 8 | w->all.p[w->at++];
	/* Floats and wide simple values have no shortest form here: they are
	 * refused as such by the caller. */
	if (h->major != SIMPLE && h->value < least[power])
		return refuse_at(
		    w, start, "a head is longer than its value needs");
	return RC_OK;
}

static enum rc
head_check(struct cbor_walk *w, struct cbor_head *ret)
{
	const size_t start = w->at;

	if (start >= w->all.n)
		return refuse_at(
		    w, start, "the input ends where an item was wanted");
	ret->major = (enum major)(w->all.p[start] >> 5);
	ret->info = w->all.p[start] & 0x1f;
	ret->value = ret->info;
	w->at++;
	if (ret->info < INFO_ONE_BYTE)
		return RC_OK;
	if (ret->info < INFO_RESERVED)
		return argument_check(w, start, ret);
	if (ret->info == INFO_INDEFINITE)
		return refuse_at(w, start, "an indefinite length or a break");
	return refuse_at(w, start, "a reserved head");
}

/* The length is compared before anything is added to it: it may be 2^64 - 1. */
static enum rc
string_check(struct cbor_walk *w, size_t start, const struct cbor_head *h)
{
	struct span s;

	if (h->value > w->all.n - w->at)
		return refuse_at(w, start, "a string is longer than the input");
	s = span_of(w->all.p + w->at, (size_t)h->value);
	/* RFC 3629: no surrogates, no longer forms, nothing over U+10FFFF. */
	if (h->major == TEXT && s.n != 0 && u8_check(s.p, s.n) != NULL)
		return refuse_at(w, start, "a text is not UTF-8");
	w->at += s.n;
	return RC_OK;
}

static enum rc
simple_check(struct cbor_walk *w, size_t start, const struct cbor_head *h)
{
	if (h->info > INFO_ONE_BYTE)
		return refuse_at(w, start, "a float");
	if (h->info == SIMPLE_UNDEFINED)
		return refuse_at(w, start, "the value undefined");
	if (h->info < SIMPLE_FALSE || h->info > SIMPLE_NULL)
		return refuse_at(w, start, "an unassigned simple value");
	return RC_OK;
}

/* RFC 8949 4.2.1: keys in the bytewise order of their encodings. */
static enum rc
cbor_key_check(struct cbor_walk *w, struct level *level, size_t start)
{
	const struct span key = span_of(w->all.p + start, w->at - start);
	const struct span last = level->last_key;
	const size_t n = key.n < last.n ? key.n : last.n;
	int order = n == 0 ? 0 : memcmp(last.p, key.p, n);

	if (order == 0 && last.n != 0)
		order = (last.n > key.n) - (last.n < key.n);
	if (last.n != 0 && order == 0)
		return refuse_at(w, start, "a map has a key twice");
	if (order > 0)
		return refuse_at(w, start, "the keys of a map are not sorted");
	level->last_key = key;
	return RC_OK;
}

/* An item that began at `start` is complete, and with it perhaps its parents.
 */
static enum rc
cbor_check_item_done(struct cbor_walk *w, size_t start)
{
	while (w->depth > 0) {
		struct level *level = &w->levels[w->depth - 1];

		if (level->map && level->left % 2 == 0) {
			enum rc rc = cbor_key_check(w, level, start);

			if (rc != RC_OK)
				return rc;
		}
		if (--level->left > 0)
			return RC_OK;
		start = level->start;
		w->depth--;
	}
	return RC_OK;
}

static enum rc
container_check(struct cbor_walk *w, size_t start, const struct cbor_head *h)
{
	const bool map = h->major == MAP;
	const size_t room = (w->all.n - w->at) / (map ? 2 : 1);

	if (w->depth == CBOR_DEPTH_MAX)
		return refuse_at(w, start, "nesting is deeper than 16");
	/* Each item takes a byte at least: nobody who counts on this number
	 * later is led to allocate more than the input is worth. */
	if (h->value > room)
		return refuse_at(
		    w, start, "more items are declared than the input holds");
	if (h->value == 0)
		return cbor_check_item_done(w, start);
	w->levels[w->depth++] = (struct level){
		.left = map ? 2 * h->value : h->value,
		.start = start,
		.map = map,
	};
	return RC_OK;
}

static enum rc
item_check(struct cbor_walk *w)
{
	const size_t start = w->at;
	struct cbor_head h = { .value = 0 };
	enum rc rc = head_check(w, &h);

	if (rc != RC_OK)
		return rc;
	switch (h.major) {
	case UINT:
	case NEGINT:
		break;
	case BYTES:
	case TEXT:
		rc = string_check(w, start, &h);
		break;
	case ARRAY:
	case MAP:
		return container_check(w, start, &h);
	case TAG:
		return refuse_at(w, start, "a tag");
	case SIMPLE:
		rc = simple_check(w, start, &h);
		break;
	}
	return rc != RC_OK ? rc : cbor_check_item_done(w, start);
}

enum rc
cbor_in_check(const char *from, struct span item)
{
	struct cbor_walk w = { .from = from, .all = item };
	enum rc rc;

	do {
		rc = item_check(&w);
	} while (rc == RC_OK && w.depth > 0);
	if (rc == RC_OK && w.at != item.n)
		rc = refuse_at(&w, w.at, "more bytes after the item");
	return rc;
}
