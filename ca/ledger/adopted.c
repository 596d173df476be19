/* SPDX-License-Identifier: Apache-2.0 */
/* Records of an adoption. As certificates they are read in ledger_cert.c. */
#include "ca/ledger/adopted.h"

#include "ca/ledger/ledger_internal.h"

enum rc
ledger_adopted_add(struct ledger *ledger, uint64_t crl_next)
{
	struct record r = { .kind = RECORD_ADOPTED };

	r.u.adopted.crl_next = crl_next;
	return ledger_append(ledger, &r);
}

enum rc
ledger_crl_floor(struct ledger *ledger, uint64_t *ret, bool *ret_adopted)
{
	struct record r;
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_ADOPTED, &n);

	if (rc == RC_OK && n != 0)
		rc = ledger_record_get(ledger, n, RECORD_ADOPTED, &r, NULL);
	if (rc != RC_OK)
		return rc;
	*ret_adopted = n != 0;
	*ret = n != 0 && r.u.adopted.crl_next > 1 ? r.u.adopted.crl_next : 1;
	return RC_OK;
}

enum rc
ledger_adopted_cert_add(
    struct ledger *ledger, const struct ledger_adopted_cert *cert)
{
	struct record r = { .kind = RECORD_ADOPTED_CERT };

	r.u.adopted_cert.serial = cert->serial;
	r.u.adopted_cert.not_after = (uint64_t)cert->not_after;
	r.u.adopted_cert.subject = cert->subject;
	r.u.adopted_cert.der = cert->der;
	return ledger_append(ledger, &r);
}
