/* SPDX-License-Identifier: Apache-2.0 */
/** A writer of deterministic CBOR, by libcbor's cbor_encode_*.
 *
 * The caller gives map keys in rising order and as many items as declared;
 * assertions watch both. Failures stick: once memory ran out further calls do
 * nothing and cbor_out_end says so, which keeps encoders readable.
 */
#ifndef TRANSFER_FORMAT_CBOR_OUT_H
#define TRANSFER_FORMAT_CBOR_OUT_H

#include "base/buf.h"

#define CBOR_OUT_DEPTH 16 /* as deep as our reader goes */

/** An open container, by offsets into the buf (which moves as it grows). */
struct cbor_out_level {
	uint64_t left; /* items still to come; a pair of a map is two */
	size_t start;
	size_t key, key_n; /* its last key's encoding; key_n 0 before one */
	bool map;
};

struct cbor_out {
	struct buf *to;
	bool counting;
	enum rc rc;
	size_t depth;
	struct cbor_out_level levels[CBOR_OUT_DEPTH];
};

/** Items are appended to what `to` holds. */
void cbor_out_init(struct cbor_out *out, struct buf *to);
/** Only count: `to`, which holds nothing, gets the length that there would be. */
void cbor_out_init_count(struct cbor_out *out, struct buf *to);
void cbor_put_uint(struct cbor_out *out, uint64_t value);
void cbor_put_int(struct cbor_out *out, int64_t value);
void cbor_put_bytes(struct cbor_out *out, struct span bytes);
void cbor_put_text(struct cbor_out *out, struct span text);
void cbor_put_array(struct cbor_out *out, uint64_t items);
void cbor_put_map(struct cbor_out *out, uint64_t pairs);
void cbor_put_null(struct cbor_out *out);
/** One item that is encoded already. */
void cbor_put_raw(struct cbor_out *out, struct span item);
/** What is to be written cannot be: the error record says why. */
void cbor_out_fail(struct cbor_out *out, enum rc why);
/** Every container must be complete by now.
 * \retval RC_IO memory ran out somewhere on the way, or as cbor_out_fail said */
enum rc cbor_out_end(struct cbor_out *out) MUST_CHECK;

#endif
