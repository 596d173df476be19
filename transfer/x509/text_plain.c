/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings of text. It is no reader of Unicode: PEM is ASCII, and words around
 * it are for people. */
#include "transfer/x509/text_plain.h"

/* Where the low byte of a unit is, or -1 when the file is not UTF-16. */
static int
low_byte(struct span file)
{
	const uint8_t *p = file.p;

	if (file.n < 2)
		return -1;
	if (p[0] == 0xff && p[1] == 0xfe)
		return 0;
	if (p[0] == 0xfe && p[1] == 0xff)
		return 1;
	/* Without a mark: two letters that are half a unit each. */
	if (file.n < 4 || (p[0] == 0) == (p[1] == 0) ||
	    (p[0] == 0) != (p[2] == 0) || (p[1] == 0) != (p[3] == 0))
		return -1;
	return p[0] == 0;
}

static enum rc
plain_of_utf16(struct span file, size_t low, struct buf *room)
{
	enum rc rc = buf_reserve(room, file.n / 2 + 1);

	for (size_t i = 0; i + 1 < file.n && rc == RC_OK; i += 2) {
		const uint8_t c = file.p[i + low], high = file.p[i + 1 - low];

		if (i == 0 && high == 0xfe && c == 0xff)
			continue; /* the mark */
		rc = buf_add_byte(room, high == 0 && c < 0x80 ? c : '?');
	}
	return rc;
}

enum rc
text_plain(struct span file, struct buf *room, struct span *ret)
{
	static const uint8_t utf8_mark[] = { 0xef, 0xbb, 0xbf };
	const int low = low_byte(file);
	struct span mark = SPAN_NONE, rest = file;
	enum rc rc;

	buf_reset(room);
	if (low >= 0) {
		rc = plain_of_utf16(file, (size_t)low, room);
		*ret = buf_span(room);
		return rc;
	}
	if (span_take(&rest, sizeof(utf8_mark), &mark) &&
	    span_eq(mark, span_of(utf8_mark, sizeof(utf8_mark))))
		file = rest;
	*ret = file;
	return RC_OK;
}
