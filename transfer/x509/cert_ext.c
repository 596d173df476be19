/* SPDX-License-Identifier: Apache-2.0 */
/* Behind the one that is wanted nothing is looked at: whoever judges a
 * certificate has gone through all of it before. */
#include "transfer/x509/cert_ext.h"

#include "transfer/rule.h"
#include "transfer/x509/der.h"

enum rc
cert_ext_find(const char *from, struct span cert, struct span wanted,
    struct span *ret_value, bool *ret_critical)
{
	struct span list, extension, oid, critical, value;
	struct cert_parts parts;
	bool whole;
	enum rc rc = cert_parts_read(from, cert, &parts);

	*ret_value = SPAN_NONE;
	if (rc != RC_OK)
		return rc;
	whole = der_take(&parts.extensions, DER_SEQUENCE, &list);
	while (whole && list.n != 0) {
		bool said;

		whole = der_take(&list, DER_SEQUENCE, &extension) &&
			der_take(&extension, DER_OID, &oid);
		said = der_take(&extension, DER_BOOLEAN, &critical);
		if (!whole || !span_eq(oid, wanted))
			continue;
		whole = der_take(&extension, DER_OCTET_STRING, &value);
		if (!whole)
			break;
		*ret_value = value;
		*ret_critical = said && critical.n == 1 && critical.p[0] != 0;
		return RC_OK;
	}
	return whole ? RC_OK
		     : rule_refuse(RULE_CA_CERT, "%s: broken extensions", from);
}
