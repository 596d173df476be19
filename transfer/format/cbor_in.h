/* SPDX-License-Identifier: Apache-2.0 */
/** A strict reader for deterministic CBOR (RFC 8949 section 4.2.1).
 *
 * cbor_in_check walks every byte once and refuses whatever is not the one
 * encoding of what it means: heads longer than needed, indefinite lengths,
 * unsorted or doubled keys, floats, tags, undefined, text that is not UTF-8,
 * nesting over 16, bytes behind the item. It allocates nothing, so a 5-byte
 * input that declares 2^28 items costs five bytes of reading. The take
 * functions then move a cursor over bytes that passed it, by schema. Each head
 * is decoded by libcbor's cbor_stream_decode, one item at a time.
 *
 * An outer tag 18 is stripped by the caller first (transfer/format/cose).
 */
#ifndef TRANSFER_FORMAT_CBOR_IN_H
#define TRANSFER_FORMAT_CBOR_IN_H

#include "base/err.h"
#include "base/span.h"

#define CBOR_DEPTH_MAX 16

/** \retval RC_FORMAT with rule CBOR, `from` first in the sentence, and the
 * offset of the offending byte */
enum rc cbor_in_check(const char *from, struct span item) MUST_CHECK;

/** An item of a list, which may lie in one of another. */
struct cbor_place {
	const struct cbor_place *outer;
	const char *list;
	size_t index;
};

/** A cursor over checked bytes. `from` names the input in errors; `where` and
 * `place` may be set by the caller to name the part being read. */
struct cbor_in {
	const char *from;
	const char *where;
	const struct cbor_place *place;
	struct span rest;
	size_t room;   /* bytes of memory that lists may still take */
	bool no_lists; /* they are passed over */
};

/** That part with a colon behind it, "requests[1].names[0]: ", for sentences alone;
 * "" when it has no name. Returns `to`. */
#define CBOR_WHERE_MAX 96
const char *cbor_where(
    const struct cbor_in *in, char to[static CBOR_WHERE_MAX]);

/* Each takes the next item; RC_FORMAT with rule CBOR-SCHEMA says what was wanted
 * and found. `what` names the field in the sentence. */
enum rc cbor_take_uint(struct cbor_in *in, const char *what, uint64_t min,
    uint64_t max, uint64_t *ret) MUST_CHECK;
enum rc cbor_take_int(struct cbor_in *in, const char *what, int64_t *ret)
    MUST_CHECK;
enum rc cbor_take_bytes(struct cbor_in *in, const char *what, size_t min,
    size_t max, struct span *ret) MUST_CHECK;
enum rc cbor_take_text(struct cbor_in *in, const char *what, size_t min,
    size_t max, struct span *ret) MUST_CHECK;
enum rc cbor_take_array(struct cbor_in *in, const char *what, uint64_t min,
    uint64_t max, uint64_t *ret_items) MUST_CHECK;
enum rc cbor_take_map(struct cbor_in *in, const char *what, uint64_t *ret_pairs)
    MUST_CHECK;
/** null when it is there: *ret_null, and it is taken; else nothing is taken. */
enum rc cbor_take_null(struct cbor_in *in, bool *ret_null) MUST_CHECK;

/** Pass over the next item, whole, whatever it is: nothing is kept of it. */
enum rc cbor_pass(struct cbor_in *in) MUST_CHECK;

/** For maps with unsigned keys: while pairs are left, looks at the next key.
 *	while ((rc = cbor_next_key(&in, &pairs, &key)) == RC_OK && key >= 0)
 * `key` is -1 at the end. Keys over 255 are RC_FORMAT. */
enum rc cbor_next_key(struct cbor_in *in, uint64_t *pairs, int *ret_key)
    MUST_CHECK;

/** Every bit of `wanted` (1 << key) set in `seen` and none outside
 * `wanted | allowed`? The sentence names the first key missing or unknown. */
enum rc cbor_keys_check(const struct cbor_in *in, const char *what,
    uint32_t seen, uint32_t wanted, uint32_t allowed) MUST_CHECK;

#endif
