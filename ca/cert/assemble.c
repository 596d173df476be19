/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate around a TBS that was signed. The TBS is copied once, and as it
 * is: its digest stands in the ledger. */
#include "ca/cert/tbs.h"

#include "transfer/x509/der_out.h"

#define HEADER_MAX (2 + sizeof(size_t)) /* of der_put_header's */

/* RFC 3279 2.2.3: Ecdsa-Sig-Value { r, s } for the fixed halves of a token's.
 */
static enum rc
put_ecdsa(struct buf *out, struct span raw)
{
	WIPED(buf) both = { 0 };
	enum rc rc = RC_OK;

	if (raw.n == 0 || raw.n % 2 != 0)
		return err_set(RC_TOKEN,
		    "token: an ECDSA signature of %zu bytes; wanted two halves",
		    raw.n);
	/* Fixed width there, the shortest form here (X.690 8.3.2). */
	for (size_t i = 0; i < 2 && rc == RC_OK; i++) {
		struct span half = span_of(raw.p + i * raw.n / 2, raw.n / 2);
		struct span zero;

		while (half.n != 0 && half.p[0] == 0)
			(void)span_take(&half, 1, &zero);
		rc = der_put_unsigned(&both, half);
	}
	return rc != RC_OK ? rc : der_put(out, DER_SEQUENCE, buf_span(&both));
}

enum rc
cert_assemble_tail(
    const struct sign_alg *alg, struct span raw, struct buf *ret_tail)
{
	static const uint8_t no_unused_bits[] = { 0 };
	WIPED(buf) bits = { 0 };
	enum rc rc = buf_add(&bits, no_unused_bits, sizeof(no_unused_bits));

	if (rc == RC_OK)
		rc = alg->scheme == TOKEN_ECDSA ? put_ecdsa(&bits, raw)
						: buf_add_span(&bits, raw);
	if (rc == RC_OK)
		rc = buf_add_span(ret_tail, alg->identifier);
	return rc == RC_OK ? der_put(ret_tail, DER_BIT_STRING, buf_span(&bits))
			   : rc;
}

enum rc
cert_assemble(const struct sign_alg *alg, struct span tbs, struct span raw,
    struct buf *ret_der)
{
	WIPED(buf) tail = { 0 }; /* all that follows the TBS */
	enum rc rc = cert_assemble_tail(alg, raw, &tail);

	/* Room for all of it: nothing below fails half-way. */
	if (rc == RC_OK)
		rc = buf_reserve(ret_der, HEADER_MAX + tbs.n + tail.n);
	if (rc == RC_OK)
		rc = der_put_header(ret_der, DER_SEQUENCE, tbs.n + tail.n);
	if (rc == RC_OK)
		rc = buf_add_span(ret_der, tbs);
	return rc != RC_OK ? rc : buf_add_span(ret_der, buf_span(&tail));
}
