/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs, whole and in pieces as the first byte has them: both come to the same,
 * and what is listed stands in order. */
#include "transfer/x509/crl_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rc
count(void *arg, const struct crl_revoked *e)
{
	if (e->serial.n == 0 || e->serial.n > 20 || e->serial.p[0] == 0)
		abort();
	++*(uint64_t *)arg;
	return RC_OK;
}

static enum rc
in_pieces(struct crl_reader *reader, struct span der, size_t piece,
    struct crl_facts *ret)
{
	struct span some;
	enum rc rc = RC_OK;

	while (rc == RC_OK && span_take(&der, piece, &some))
		rc = crl_reader_add(reader, some);
	if (rc == RC_OK)
		rc = crl_reader_add(reader, der);
	return rc != RC_OK ? rc : crl_reader_end(reader, ret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNS(crl_reader) *whole = NULL;
	OWNS(crl_reader) *cut = NULL;
	struct span der = span_of(data, size), piece;
	struct crl_facts a, b;
	uint64_t n = 0, m = 0;
	enum rc rc;

	if (!span_take(&der, 1, &piece) ||
	    crl_reader_new("f", count, &n, &whole) != RC_OK ||
	    crl_reader_new("f", count, &m, &cut) != RC_OK)
		return 0;
	rc = crl_reader_read(whole, der, &a);
	if (in_pieces(cut, der, piece.p[0] + 1U, &b) != rc || n != m)
		abort();
	if (rc == RC_OK &&
	    (a.number != b.number || a.n_revoked != n || a.size != der.n ||
		memcmp(a.digest, b.digest, SHA256_LEN) != 0))
		abort();
	return 0;
}
