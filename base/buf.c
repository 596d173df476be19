/* SPDX-License-Identifier: Apache-2.0 */
/* Growing and wiping by hand, since realloc would leave the old bytes behind.
 * Arrays of things grow in base/list.c. */
#include "base/buf.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 64 /* bytes of a first allocation */

void
buf_wipe(struct buf *b)
{
	if (b == NULL)
		return;
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_reset(struct buf *b)
{
	if (b->n != 0)
		OPENSSL_cleanse(b->p, b->n);
	b->n = 0;
}

void
buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n != b->n)
		OPENSSL_cleanse(b->p + n, b->n - n);
	b->n = n;
}

void
buf_keep_last(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == b->n)
		return;
	memmove(b->p, b->p + b->n - n, n);
	OPENSSL_cleanse(b->p + n, b->n - n);
	b->n = n;
}

enum rc
buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap == 0 ? BUF_FIRST : 2 * b->cap;
	uint8_t *grown;

	if (more <= b->cap - b->n)
		return RC_OK;
	if (more > SIZE_MAX / 4 || b->n > SIZE_MAX / 4)
		return err_memory();
	/* Who asks for megabytes knows how many, and wiping touches them all:
	 * twice as much is for those who come again and again. */
	if (cap < b->n + more)
		cap = b->n + more;

	/* realloc would leave a copy of the old bytes behind unwiped. */
	grown = malloc(cap);
	if (grown == NULL)
		return err_memory();
	if (b->n != 0)
		memcpy(grown, b->p, b->n);
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	free(b->p);
	b->p = grown;
	b->cap = cap;
	return RC_OK;
}

enum rc
buf_add(struct buf *b, const void *p, size_t n)
{
	enum rc rc = buf_reserve(b, n);

	if (rc != RC_OK || n == 0)
		return rc;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return RC_OK;
}

enum rc
buf_add_span(struct buf *b, struct span s)
{
	return buf_add(b, s.p, s.n);
}

enum rc
buf_add_byte(struct buf *b, uint8_t byte)
{
	return buf_add(b, &byte, 1);
}

enum rc
buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

enum rc
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	enum rc rc;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(RC_BUG, "a text could not be formatted");
	rc = buf_reserve(b, (size_t)n + 1);
	if (rc != RC_OK)
		return rc;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return RC_OK;
}

enum rc
buf_add_u32(struct buf *b, uint32_t value)
{
	const uint8_t be[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value };

	return buf_add(b, be, sizeof(be));
}

enum rc
buf_add_u64(struct buf *b, uint64_t value)
{
	enum rc rc = buf_add_u32(b, (uint32_t)(value >> 32));

	return rc != RC_OK ? rc : buf_add_u32(b, (uint32_t)value);
}

enum rc
buf_add_lv(struct buf *b, struct span s)
{
	enum rc rc;

	if (s.n > UINT32_MAX)
		return err_set(RC_BUG, "a record of %zu bytes", s.n);
	rc = buf_add_u32(b, (uint32_t)s.n);
	return rc != RC_OK ? rc : buf_add_span(b, s);
}

bool
span_take_u32(struct span *s, uint32_t *ret_value)
{
	struct span be;

	if (!span_take(s, 4, &be))
		return false;
	*ret_value = (uint32_t)be.p[0] << 24 | (uint32_t)be.p[1] << 16 |
		     (uint32_t)be.p[2] << 8 | be.p[3];
	return true;
}

bool
span_take_u64(struct span *s, uint64_t *ret_value)
{
	uint32_t high, low;

	if (!span_take_u32(s, &high) || !span_take_u32(s, &low))
		return false;
	*ret_value = (uint64_t)high << 32 | low;
	return true;
}

bool
span_take_lv(struct span *s, struct span *ret_bytes)
{
	uint32_t n;

	return span_take_u32(s, &n) && span_take(s, n, ret_bytes);
}

const char *
buf_cstr(struct buf *b)
{
	if (buf_reserve(b, 1) != RC_OK)
		return NULL;
	b->p[b->n] = '\0';
	return (const char *)b->p;
}
