/* SPDX-License-Identifier: Apache-2.0 */
/** Owned bytes that grow, and are wiped when released.
 *
 * Every buf is wiped, whether or not it held a secret: that is cheaper than
 * deciding. A buf starts as { 0 }. Growth moves the bytes, so a span into a
 * buf is good until the next buf_add.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/own.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
};

/** Borrow what the buf holds. */
static inline struct span
buf_span(const struct buf *b)
{
	return span_of(b->p, b->n);
}

/** Wipe and release; the buf is { 0 } and usable again. NULL is fine. */
void buf_wipe(struct buf *b);

/** Wipe what is in use but keep the room, for the next round of a loop. */
void buf_reset(struct buf *b);

/** Drop all but the first `n` bytes, or all but the last `n`, which it has. */
void buf_cut(struct buf *b, size_t n);
void buf_keep_last(struct buf *b, size_t n);

/** Make room for `more` bytes beyond those in use.
 * \retval RC_IO out of memory; the buf is as it was */
enum rc buf_reserve(struct buf *b, size_t more) MUST_CHECK;

/** Append. The same errors; nothing is appended then. */
enum rc buf_add(struct buf *b, const void *p, size_t n) MUST_CHECK;
enum rc buf_add_span(struct buf *b, struct span s) MUST_CHECK;
enum rc buf_add_byte(struct buf *b, uint8_t byte) MUST_CHECK;
enum rc buf_add_str(struct buf *b, const char *s) MUST_CHECK;
enum rc buf_printf(struct buf *b, const char *fmt, ...)
    PRINTF_LIKE(2, 3) MUST_CHECK;

/** Append big-endian integers, for framed records. */
enum rc buf_add_u32(struct buf *b, uint32_t value) MUST_CHECK;
enum rc buf_add_u64(struct buf *b, uint64_t value) MUST_CHECK;
/** Append a 32-bit length and the bytes. */
enum rc buf_add_lv(struct buf *b, struct span s) MUST_CHECK;

/** Take the same off a cursor; false, cursor unspecified, when it is short. */
bool span_take_u32(struct span *s, uint32_t *ret_value);
bool span_take_u64(struct span *s, uint64_t *ret_value);
bool span_take_lv(struct span *s, struct span *ret_bytes);

/** The bytes as a C string, valid until the next change; a terminator is kept
 * behind the bytes, not counted in n. NULL when memory runs out. */
const char *buf_cstr(struct buf *b);

#endif
