/* SPDX-License-Identifier: Apache-2.0 */
/* X.690 as far as certificates, keys and requests use it. Two parsers that
 * disagree on one file are an old way around a check, so what has a second
 * encoding is refused here, before OpenSSL sees it. */
#include "transfer/x509/der.h"

#include <stdio.h>
#include <time.h>
#include <unistr.h>

/* A header: one tag byte (no type in use needs more) and a definite length in
 * its shortest form, at most 4 bytes of it (X.690 10.1). */
bool
der_next(struct span *in, struct der *ret)
{
	struct span rest = *in, head, more;
	struct der v;
	size_t n;

	if (!span_take(&rest, 2, &head) || (head.p[0] & 0x1f) == 0x1f)
		return false;
	v.tag = head.p[0];
	n = head.p[1];
	if (n >= 0x80) {
		size_t octets = n - 0x80;

		if (octets < 1 || octets > 4 ||
		    !span_take(&rest, octets, &more) || more.p[0] == 0)
			return false;
		n = 0;
		for (size_t i = 0; i < octets; i++)
			n = n << 8 | more.p[i];
		if (n < 0x80)
			return false;
	}
	if (!span_take(&rest, n, &v.content))
		return false;
	v.whole = span_of(in->p, in->n - rest.n);
	*in = rest;
	*ret = v;
	return true;
}

bool
der_take_whole(struct span *in, uint8_t tag, struct der *ret)
{
	struct span rest = *in;
	struct der v = { 0 };

	if (!der_next(&rest, &v) || v.tag != tag)
		return false;
	*in = rest;
	*ret = v;
	return true;
}

bool
der_take(struct span *in, uint8_t tag, struct span *ret_content)
{
	struct der v = { 0 };

	if (!der_take_whole(in, tag, &v))
		return false;
	*ret_content = v.content;
	return true;
}

/* X.690 8.3.2: the first nine bits are not all the same. */
static bool
integer_is_shortest(struct span c)
{
	if (c.n == 0)
		return false;
	if (c.n == 1)
		return true;
	return !(c.p[0] == 0 && (c.p[1] & 0x80) == 0) &&
	       !(c.p[0] == 0xff && (c.p[1] & 0x80) != 0);
}

bool
der_take_unsigned(struct span *in, struct span *ret_magnitude)
{
	struct span rest = *in, c, zero;

	if (!der_take(&rest, DER_INTEGER, &c) || !integer_is_shortest(c) ||
	    (c.p[0] & 0x80) != 0)
		return false;
	if (c.p[0] == 0)
		(void)span_take(&c, 1, &zero);
	*in = rest;
	*ret_magnitude = c;
	return true;
}

bool
der_take_bits(struct span *in, struct span *ret_octets)
{
	struct span rest = *in, c, unused;

	if (!der_take(&rest, DER_BIT_STRING, &c) ||
	    !span_take(&c, 1, &unused) || unused.p[0] != 0)
		return false;
	*in = rest;
	*ret_octets = c;
	return true;
}

/* ---- times --------------------------------------------------------------- */

/* The only form of a time in a certificate (RFC 5280 4.1.2.5): to the second,
 * and UTC. */
static bool
time_is_strict(struct span c, size_t digits)
{
	if (c.n != digits + 1 || c.p[digits] != 'Z')
		return false;
	for (size_t i = 0; i < digits; i++)
		if (c.p[i] < '0' || c.p[i] > '9')
			return false;
	return true;
}

static int
der_two_digits(const uint8_t *p)
{
	return 10 * (p[0] - '0') + (p[1] - '0');
}

/* What stands behind the year, month first. */
static bool
read_second(int year, const uint8_t *p, int64_t *ret_at)
{
	const struct tm tm = { .tm_year = year - 1900,
		.tm_mon = der_two_digits(p) - 1,
		.tm_mday = der_two_digits(p + 2),
		.tm_hour = der_two_digits(p + 4),
		.tm_min = der_two_digits(p + 6),
		.tm_sec = der_two_digits(p + 8) };
	struct tm back = tm;

	/* It makes the 1st of March of the 29th of February. */
	*ret_at = timegm(&back);
	return back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday &&
	       back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min &&
	       back.tm_sec == tm.tm_sec;
}

static bool
take_year(struct span *in, int first, int64_t *ret_at)
{
	struct span rest = *in, c;
	int year;

	if (!der_take(&rest, DER_GENERALIZED_TIME, &c) ||
	    !time_is_strict(c, 14))
		return false;
	year = 100 * der_two_digits(c.p) + der_two_digits(c.p + 2);
	if (year < first || !read_second(year, c.p + 4, ret_at))
		return false;
	*in = rest;
	return true;
}

bool
der_take_generalized(struct span *in, int64_t *ret_at)
{
	return take_year(in, 0, ret_at);
}

bool
der_take_time(struct span *in, int64_t *ret_at)
{
	struct span rest = *in, c;
	int year;

	if (!der_take(&rest, DER_UTC_TIME, &c))
		return take_year(in, 2050, ret_at);
	if (!time_is_strict(c, 12))
		return false;
	year = der_two_digits(c.p);
	if (!read_second(year + (year < 50 ? 2000 : 1900), c.p + 2, ret_at))
		return false;
	*in = rest;
	return true;
}

/* ---- text ---------------------------------------------------------------- */

bool
utf8_check(struct span text, size_t *ret_at)
{
	const uint8_t *bad;

	if (text.n == 0)
		return true;
	bad = u8_check(text.p, text.n);
	if (bad != NULL && ret_at != NULL)
		*ret_at = (size_t)(bad - text.p);
	return bad == NULL;
}

static bool
der_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool
bytes_are_text(struct span c, uint8_t last)
{
	for (size_t i = 0; i < c.n; i++)
		if (der_is_control(c.p[i]) || c.p[i] > last)
			return false;
	return true;
}

static bool
utf8_is_text(struct span c)
{
	if (!utf8_check(c, NULL))
		return false;
	for (size_t i = 0; i < c.n; i++) {
		/* C1 controls are C2 80 .. C2 9F in UTF-8 */
		if (c.p[i] < 0x80 && der_is_control(c.p[i]))
			return false;
		if (c.p[i] == 0xc2 && c.p[i + 1] < 0xa0)
			return false;
	}
	return true;
}

/* Big-endian characters of `width` bytes: BMPString, UniversalString. */
static bool
wide_is_text(struct span c, size_t width)
{
	if (c.n % width != 0)
		return false;
	for (size_t i = 0; i < c.n; i += width) {
		uint32_t u = 0;

		for (size_t j = 0; j < width; j++)
			u = u << 8 | c.p[i + j];
		if (der_is_control(u) || (u >= 0xd800 && u < 0xe000) ||
		    u > 0x10ffff)
			return false;
	}
	return true;
}

bool
der_is_text(uint8_t tag, struct span content)
{
	switch (tag) {
	case DER_UTF8_STRING:
		return utf8_is_text(content);
	case DER_NUMERIC_STRING:
	case DER_PRINTABLE_STRING:
	case DER_IA5_STRING:
		return bytes_are_text(content, 0x7e);
	case DER_T61_STRING:
		return bytes_are_text(content, 0xff);
	case DER_BMP_STRING:
		return wide_is_text(content, 2);
	case DER_UNIVERSAL_STRING:
		return wide_is_text(content, 4);
	default:
		return false;
	}
}

/* ---- one encoding -------------------------------------------------------- */

bool
der_is_sorted(struct span content)
{
	struct der v = { 0 };
	struct span last = SPAN_NONE;

	while (content.n != 0) {
		size_t common;
		int order;

		if (!der_next(&content, &v))
			return false;
		common = last.n < v.whole.n ? last.n : v.whole.n;
		order = common == 0 ? 0 : memcmp(last.p, v.whole.p, common);
		if (order > 0 || (order == 0 && last.n > v.whole.n))
			return false;
		last = v.whole;
	}
	return true;
}

static bool
bit_string_is_strict(struct span c)
{
	if (c.n == 0 || c.p[0] > 7)
		return false;
	if (c.n == 1)
		return c.p[0] == 0;
	return (c.p[c.n - 1] & ((1U << c.p[0]) - 1)) == 0;
}

static bool
oid_is_strict(struct span c)
{
	bool first = true; /* the next byte begins an arc */

	if (c.n == 0)
		return false;
	for (size_t i = 0; i < c.n; i++) {
		if (first && c.p[i] == 0x80)
			return false;
		first = (c.p[i] & 0x80) == 0;
	}
	return first;
}

/* What is wrong with a primitive value of a universal type, or NULL. */
static const char *
primitive_fault(const struct der *v)
{
	const struct span c = v->content;

	switch (v->tag) {
	case DER_BOOLEAN:
		return c.n == 1 && (c.p[0] == 0 || c.p[0] == 0xff)
			   ? NULL
			   : "a BOOLEAN that is neither 00 nor FF";
	case DER_INTEGER:
	case DER_ENUMERATED:
		return integer_is_shortest(c)
			   ? NULL
			   : "an INTEGER that is not in its shortest form";
	case DER_BIT_STRING:
		return bit_string_is_strict(c)
			   ? NULL
			   : "a BIT STRING whose unused bits are not zero";
	case DER_NULL:
		return c.n == 0 ? NULL : "a NULL with content";
	case DER_OID:
		return oid_is_strict(c) ? NULL
					: "a malformed OBJECT IDENTIFIER";
	case DER_UTF8_STRING:
		return utf8_check(c, NULL) ? NULL
					   : "a UTF8String that is not UTF-8";
	case DER_UTC_TIME:
	case DER_GENERALIZED_TIME:
		return time_is_strict(c, v->tag == DER_UTC_TIME ? 12 : 14)
			   ? NULL
			   : "a time that is not to the second in UTC";
	case DER_OCTET_STRING:
	case DER_NUMERIC_STRING:
	case DER_PRINTABLE_STRING:
	case DER_T61_STRING:
	case DER_IA5_STRING:
	case DER_UNIVERSAL_STRING:
	case DER_BMP_STRING:
		return NULL;
	default:
		return "a type that has no place here";
	}
}

struct checking {
	const uint8_t *start;
	const char *what;
	size_t at;
};

static bool
fault(struct checking *k, const uint8_t *where, const char *what)
{
	k->what = what;
	k->at = (size_t)(where - k->start);
	return false;
}

/* Recursion is bounded by DER_DEPTH_MAX. */
static bool
check_values(struct checking *k, struct span in, unsigned depth)
{
	struct der v = { 0 };

	while (in.n != 0) {
		const uint8_t *where = in.p;
		const char *what = NULL;

		if (!der_next(&in, &v))
			return fault(k, where, "a header that is not DER");
		if ((v.tag & DER_CONSTRUCTED) == 0) {
			if ((v.tag & 0xc0) == 0)
				what = primitive_fault(&v);
			if (what != NULL)
				return fault(k, where, what);
			continue;
		}
		if ((v.tag & 0xc0) == 0 && v.tag != DER_SEQUENCE &&
		    v.tag != DER_SET)
			return fault(k, where, "a string in pieces");
		if (depth == DER_DEPTH_MAX)
			return fault(k, where, "nested too deeply");
		if (!check_values(k, v.content, depth + 1))
			return false;
		if (v.tag == DER_SET && !der_is_sorted(v.content))
			return fault(k, where, "a SET that is not in order");
	}
	return true;
}

bool
der_check(struct span bytes, const char **ret_what, size_t *ret_at)
{
	struct checking k = { .start = bytes.p };
	struct span rest = bytes;
	struct der v = { 0 };
	bool good;

	if (!der_next(&rest, &v))
		good = fault(&k, bytes.p, "no DER value");
	else if (rest.n != 0)
		good = fault(&k, rest.p, "bytes behind the value");
	else
		good = check_values(&k, bytes, 0);
	*ret_what = k.what;
	*ret_at = k.at;
	return good;
}

void
der_oid_text(struct span content, char ret_text[static DER_OID_TEXT])
{
	uint64_t arc = 0;
	size_t used = 0;
	bool begun = false;

	(void)snprintf(ret_text, DER_OID_TEXT, "?");
	for (size_t i = 0; i < content.n; i++) {
		int n;

		if (arc > UINT64_MAX >> 7)
			break; /* a 128-bit arc, say: not shown */
		arc = arc << 7 | (content.p[i] & 0x7f);
		if ((content.p[i] & 0x80) != 0)
			continue;
		if (!begun) {
			uint64_t top = arc < 40 ? 0 : arc < 80 ? 1 : 2;

			n = snprintf(ret_text, DER_OID_TEXT, "%u.%llu",
			    (unsigned)top,
			    (unsigned long long)(arc - 40 * top));
		} else {
			n = snprintf(ret_text + used, DER_OID_TEXT - used,
			    ".%llu", (unsigned long long)arc);
		}
		if (n < 0 || (size_t)n >= DER_OID_TEXT - used)
			break;
		used += (size_t)n;
		begun = true;
		arc = 0;
		if (i + 1 == content.n)
			return;
	}
	(void)snprintf(ret_text, DER_OID_TEXT, "?");
}
