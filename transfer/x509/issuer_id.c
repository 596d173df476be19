/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that reads a CA's key identifier for what it signs. */
#include "transfer/x509/issuer_id.h"

#include "base/own_ssl.h"
#include "transfer/x509/der.h"

/* RFC 5280 4.2.1.2: "Conforming CAs MUST" have one; until 2002 nobody had to.
 */
static bool
issuer_id_find(struct span extensions, struct span *ret_value)
{
	static const uint8_t ski[] = { 0x55, 0x1d, 14 };
	struct span list, body, oid, critical;

	if (!der_take(&extensions, DER_SEQUENCE, &list))
		return false;
	while (der_take(&list, DER_SEQUENCE, &body)) {
		if (!der_take(&body, DER_OID, &oid) ||
		    !span_eq(oid, span_of(ski, sizeof(ski))))
			continue;
		(void)der_take(&body, DER_BOOLEAN, &critical);
		return der_take(&body, DER_OCTET_STRING, ret_value);
	}
	return false;
}

static enum rc
issuer_id_of_key(const char *from, struct span spki, struct buf *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct span body, alg, bits;
	unsigned n = 0;

	if (!der_take(&spki, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_SEQUENCE, &alg) ||
	    !der_take_bits(&body, &bits))
		return err_set(
		    RC_FORMAT, "%s: not a SubjectPublicKeyInfo", from);
	if (EVP_Digest(bits.p, bits.n, digest, &n, EVP_sha1(), NULL) != 1)
		return err_openssl(RC_BUG, "%s: SHA-1 of its key", from);
	return buf_add(out, digest, n);
}

enum rc
issuer_id_of(const char *from, const struct cert_parts *parts, struct buf *out)
{
	struct span value, id;

	if (!issuer_id_find(parts->extensions, &value))
		return issuer_id_of_key(from, parts->spki, out);
	if (!der_take(&value, DER_OCTET_STRING, &id) || value.n != 0 ||
	    id.n == 0 || id.n > ISSUER_ID_MAX)
		return err_set(RC_FORMAT,
		    "%s: its subjectKeyIdentifier is not one of 1 to %d octets (RFC 5280 4.2.1.2)",
		    from, ISSUER_ID_MAX);
	return buf_add_span(out, id);
}

enum rc
issuer_id_of_cert(const char *from, struct span der, struct buf *out)
{
	struct cert_parts parts;
	enum rc rc = cert_parts_read(from, der, &parts);

	return rc != RC_OK ? rc : issuer_id_of(from, &parts, out);
}
