/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7468 in the strict form for our own responses. CSRs, which people make
 * with anything, have a laxer reader (transfer/x509/csr_pem). */
#include "transfer/x509/pem.h"

#include "base/base64.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define LINE 48		/* bytes of DER in a line of 64 characters */
#define LINE_MAX_IN 128 /* characters; RFC 7468 readers take other widths */

enum rc
pem_write(const char *label, struct span der, struct buf *out)
{
	const size_t lines = (der.n + LINE - 1) / LINE;
	struct span part = SPAN_NONE;
	enum rc rc =
	    buf_reserve(out, lines * (4 * LINE / 3 + 1) + 2 * strlen(label) +
				 sizeof("-----BEGIN -----\n-----END -----\n"));

	if (rc == RC_OK)
		rc = buf_printf(out, "-----BEGIN %s-----\n", label);

	while (der.n != 0 && rc == RC_OK) {
		unsigned char text[4 * LINE / 3 + 2];
		int n;

		(void)span_take(&der, der.n < LINE ? der.n : LINE, &part);
		n = EVP_EncodeBlock(text, part.p, (int)part.n);
		text[n++] = '\n';
		rc = buf_add(out, text, (size_t)n);
	}
	if (rc == RC_OK)
		rc = buf_printf(out, "-----END %s-----\n", label);
	return rc;
}

/* A line without its end. The last one may lack it. */
static struct span
pem_take_line(struct span *rest)
{
	struct span line = span_take_line(rest);

	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
is_mark(struct span line, const char *kind, const char *label)
{
	char mark[80];

	(void)snprintf(mark, sizeof(mark), "-----%s %s-----", kind, label);
	return span_eq_str(line, mark);
}

enum rc
pem_next(const char *from, const char *label, struct span *rest,
    struct buf *ret_der, bool *ret_more)
{
	bool last = false;
	enum rc rc = RC_OK;

	buf_reset(ret_der);
	*ret_more = rest->n != 0;
	if (!*ret_more)
		return RC_OK;
	if (!is_mark(pem_take_line(rest), "BEGIN", label))
		return err_set(RC_FORMAT, "%s: not PEM of a %s", from, label);
	while (rc == RC_OK && rest->n != 0) {
		struct span line = pem_take_line(rest);

		if (is_mark(line, "END", label) && ret_der->n != 0)
			return RC_OK;
		/* Padding ends it. */
		rc = last || line.n == 0 || line.n > LINE_MAX_IN
			 ? RC_FORMAT
			 : base64_read(line, ret_der);
		if (rc == RC_FORMAT)
			return err_set(
			    RC_FORMAT, "%s: broken PEM of a %s", from, label);
		last = rc == RC_OK && line.p[line.n - 1] == '=';
	}
	return rc != RC_OK ? err_in(rc, "%s", from)
			   : err_set(RC_FORMAT,
				 "%s: PEM of a %s without an end", from, label);
}
