/* SPDX-License-Identifier: Apache-2.0 */
/** Borrowed bytes, and a cursor over them.
 *
 * A span owns nothing: it is valid as long as the bytes that it points into.
 * Parsers take bytes off its front and so can never index past its end.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p; /* may be NULL when n is 0 */
	size_t n;	  /* bytes */
};

#define SPAN_NONE ((struct span){ NULL, 0 })

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/** The bytes of a C string, without its terminator. */
static inline struct span
span_str(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/** Are the bytes the same? Not for secrets: CRYPTO_memcmp compares those. */
static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/** Take `n` bytes off the front of `*s`; false, and `*s` as it was, when it has
 * fewer. */
static inline bool
span_take(struct span *s, size_t n, struct span *ret_taken)
{
	if (n > s->n)
		return false;
	*ret_taken = (struct span){ s->p, n };
	if (n != 0) /* NULL + 0 is undefined in C17 */
		s->p += n;
	s->n -= n;
	return true;
}

/** Take the next line off the front, without its newline, which the last one may
 * lack; none is left when `s->n` is 0. */
static inline struct span
span_take_line(struct span *s)
{
	const uint8_t *end = s->n == 0 ? NULL : memchr(s->p, '\n', s->n);
	size_t n = end == NULL ? s->n : (size_t)(end - s->p);
	struct span line = { s->p, n }, taken;

	(void)span_take(s, n + (end != NULL), &taken);
	return line;
}

/** Does `inner` lie within the bytes of `outer`? */
static inline bool
span_within(struct span inner, struct span outer)
{
	return inner.n <= outer.n && inner.p >= outer.p &&
	    inner.p - outer.p <= (ptrdiff_t)(outer.n - inner.n);
}

/** printf("%.*s", SPAN_FMT(s)); the printer escapes. */
#define SPAN_FMT(s) (int)(s).n, (const char *)((s).p == NULL ? (const uint8_t *)"" : (s).p)

#endif
