/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions are written as DER has them: `critical` stands only where it is
 * true. */
#include "transfer/x509/ext_out.h"

#define KEY_IDENTIFIER 0x80 /* [0] of AuthorityKeyIdentifier, implicit */

enum rc
ext_put(struct buf *out, enum ext_id id, bool critical, struct span value)
{
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };
	const uint8_t oid[] = { 0x55, 0x1d, (uint8_t)id };
	WIPED(buf) body = { 0 };
	enum rc rc = der_put(&body, DER_OID, span_of(oid, sizeof(oid)));

	if (rc == RC_OK && critical)
		rc = buf_add(&body, yes, sizeof(yes));
	if (rc == RC_OK)
		rc = der_put(&body, DER_OCTET_STRING, value);
	return rc != RC_OK ? rc : der_put(out, DER_SEQUENCE, buf_span(&body));
}

enum rc
ext_put_aki(struct buf *out, struct span keyid)
{
	WIPED(buf) inner = { 0 };
	WIPED(buf) value = { 0 };
	enum rc rc = der_put(&inner, KEY_IDENTIFIER, keyid);

	if (rc == RC_OK)
		rc = der_put(&value, DER_SEQUENCE, buf_span(&inner));
	return rc != RC_OK ? rc
			   : ext_put(out, EXT_AKI, false, buf_span(&value));
}
