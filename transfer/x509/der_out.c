/* SPDX-License-Identifier: Apache-2.0 */
/* DER written by hand, shortest form only, so that bytes which are compared
 * can be made without OpenSSL. */
#include "transfer/x509/der_out.h"

#include <stdio.h>
#include <time.h>

/* Shortest form (X.690 10.1): one octet under 128, else as many as it takes. */
enum rc
der_put_header(struct buf *out, uint8_t tag, size_t n)
{
	uint8_t head[2 + sizeof(n)] = { tag };
	size_t used = 1, octets = 0;

	if (n < 0x80) {
		head[used++] = (uint8_t)n;
		return buf_add(out, head, used);
	}
	for (size_t left = n; left != 0; left >>= 8)
		octets++;
	head[used++] = (uint8_t)(0x80 | octets);
	while (octets-- > 0)
		head[used++] = (uint8_t)(n >> (8 * octets));
	return buf_add(out, head, used);
}

enum rc
der_put(struct buf *out, uint8_t tag, struct span content)
{
	enum rc rc = der_put_header(out, tag, content.n);

	return rc != RC_OK ? rc : buf_add_span(out, content);
}

/* A zero octet in front where the top bit would make the number negative
 * (X.690 8.3.3), and the octet of zero itself. */
enum rc
der_put_unsigned(struct buf *out, struct span magnitude)
{
	bool pad = magnitude.n == 0 || (magnitude.p[0] & 0x80) != 0;
	enum rc rc;

	rc = der_put_header(out, DER_INTEGER, magnitude.n + (pad ? 1 : 0));
	if (rc == RC_OK && pad)
		rc = buf_add_byte(out, 0);
	return rc != RC_OK ? rc : buf_add_span(out, magnitude);
}

enum rc
der_put_time(struct buf *out, int64_t at)
{
	char text[32];
	struct tm tm;
	time_t t = (time_t)at;
	int n;

	if (gmtime_r(&t, &tm) == NULL)
		return err_set(RC_BUG, "%lld: no such time", (long long)at);
	n = snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	if (at < DER_UTC_END)
		return der_put(
		    out, DER_UTC_TIME, span_of(text + 2, (size_t)n - 2));
	return der_put(out, DER_GENERALIZED_TIME, span_of(text, (size_t)n));
}
