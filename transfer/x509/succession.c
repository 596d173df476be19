/* SPDX-License-Identifier: Apache-2.0 */
/* One Extension, always the same bytes. */
#include "transfer/x509/succession.h"

#include "transfer/x509/cert_ext.h"
#include "transfer/x509/der_out.h"

static const uint8_t succession_oid[] = { EKU_TRANSFER_BYTES, 0x01 };
static const uint8_t succession_value[] = { 0x05, 0x00 }; /* NULL */

bool
succession_is_oid(struct span oid)
{
	return span_eq(oid, span_of(succession_oid, sizeof(succession_oid)));
}

bool
succession_value_is_good(struct span value)
{
	return span_eq(
	    value, span_of(succession_value, sizeof(succession_value)));
}

enum rc
succession_put(struct buf *out)
{
	WIPED(buf) body = { 0 };
	enum rc rc = der_put(
	    &body, DER_OID, span_of(succession_oid, sizeof(succession_oid)));

	if (rc == RC_OK)
		rc = der_put(&body, DER_OCTET_STRING,
		    span_of(succession_value, sizeof(succession_value)));
	return rc != RC_OK ? rc : der_put(out, DER_SEQUENCE, buf_span(&body));
}

enum rc
succession_find(const char *from, struct span cert, bool *ret)
{
	struct span value;
	bool critical;
	enum rc rc = cert_ext_find(from, cert,
	    span_of(succession_oid, sizeof(succession_oid)), &value, &critical);

	*ret = rc == RC_OK && value.n != 0;
	return rc;
}
