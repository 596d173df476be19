/* SPDX-License-Identifier: Apache-2.0 */
/* Our own, since OpenSSL's decoder passes over bits that are not used: one
 * certificate would have several spellings, and several digests of its file. */
#include "base/base64.h"

#define GROUP 4 /* digits for three bytes */

/* -1 for what is no digit */
static int
digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bytes of one group; 0: it is none. */
static size_t
group_read(const uint8_t digits[static GROUP], uint8_t ret[static 3])
{
	size_t n = digits[3] != '=' ? 3 : digits[2] != '=' ? 2 : 1;
	uint32_t bits = 0;

	for (size_t i = 0; i < GROUP; i++) {
		int value = i <= n ? digit_value(digits[i]) : 0;

		if (value < 0)
			return 0;
		bits = bits << 6 | (uint32_t)value;
	}
	if ((bits & ((UINT32_C(1) << (8 * (3 - n))) - 1)) != 0)
		return 0;
	ret[0] = (uint8_t)(bits >> 16);
	ret[1] = (uint8_t)(bits >> 8);
	ret[2] = (uint8_t)bits;
	return n;
}

enum rc
base64_read(struct span text, struct buf *out)
{
	enum rc rc = buf_reserve(out, text.n / GROUP * 3);
	struct span group;
	size_t n = 3;

	while (rc == RC_OK && text.n != 0) {
		uint8_t bytes[3];

		if (n != 3 || !span_take(&text, GROUP, &group) ||
		    (n = group_read(group.p, bytes)) == 0)
			return err_set(RC_FORMAT, "not Base64");
		rc = buf_add(out, bytes, n);
	}
	return rc;
}

bool
base64_is_digit(uint8_t c)
{
	return c == '=' || digit_value(c) >= 0;
}

enum rc
base64_write(struct span bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	enum rc rc = buf_reserve(out, (bytes.n + 2) / 3 * GROUP);

	for (size_t at = 0; at < bytes.n && rc == RC_OK; at += 3) {
		const size_t n = bytes.n - at < 3 ? bytes.n - at : 3;
		uint32_t bits = 0;
		uint8_t group[GROUP];

		for (size_t i = 0; i < 3; i++)
			bits = bits << 8 | (i < n ? bytes.p[at + i] : 0);
		for (size_t i = 0; i < GROUP; i++)
			group[i] =
			    i <= n ? (uint8_t)digits[bits >> (18 - 6 * i) & 63]
				   : '=';
		rc = buf_add(out, group, sizeof(group));
	}
	return rc;
}
