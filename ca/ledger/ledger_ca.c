/* SPDX-License-Identifier: Apache-2.0 */
/* The CA itself: its certificates, and those of its transfer keys. */
#include "ca/ledger/ledger_internal.h"

void
ledger_ca_wipe(struct ledger_ca *ca)
{
	buf_wipe(&ca->ca_cert);
	buf_wipe(&ca->transfer_cert);
}

enum rc
ledger_init_add(
    struct ledger *ledger, struct span ca_cert, struct span transfer_cert)
{
	struct record r = { .kind = RECORD_INIT };
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_INIT, &n);

	if (rc == RC_OK && n != 0)
		return err_set(
		    RC_STATE, "%s: holds a CA already", ledger->db.path);
	r.u.init.ca_cert = ca_cert;
	r.u.init.transfer_cert = transfer_cert;
	return rc != RC_OK ? rc : ledger_append(ledger, &r);
}

enum rc
ledger_transfer_add(struct ledger *ledger, struct span transfer_cert)
{
	struct record r = { .kind = RECORD_TRANSFER };

	r.u.transfer.cert = transfer_cert;
	return ledger_append(ledger, &r);
}

enum rc
ledger_transfer_then(struct ledger *ledger, uint64_t n, struct buf *ret_cert)
{
	uint64_t at = 0;
	struct record r = { 0 };
	enum rc rc = ledger_newest_until(ledger, RECORD_TRANSFER, n, &at);

	if (rc == RC_OK && at != 0) {
		rc = ledger_record_get(ledger, at, RECORD_TRANSFER, &r, NULL);
		return rc != RC_OK ? rc
				   : buf_add_span(ret_cert, r.u.transfer.cert);
	}
	if (rc == RC_OK)
		rc = ledger_newest_of(ledger, RECORD_INIT, &at);
	if (rc == RC_OK)
		rc = ledger_record_get(ledger, at, RECORD_INIT, &r, NULL);
	return rc != RC_OK ? rc
			   : buf_add_span(ret_cert, r.u.init.transfer_cert);
}

enum rc
ledger_ca_get(struct ledger *ledger, struct ledger_ca *ret)
{
	WIPED(ledger_ca) ca = { 0 };
	uint64_t init = 0;
	struct record r = { 0 };
	enum rc rc = ledger_newest_of(ledger, RECORD_INIT, &init);

	if (rc == RC_OK && init == 0)
		return err_set(RC_STATE, "%s: holds no CA: init did not finish",
		    ledger->db.path);
	if (rc == RC_OK)
		rc = ledger_record_get(ledger, init, RECORD_INIT, &r, NULL);
	if (rc == RC_OK)
		rc = sha256(r.u.init.ca_cert, ca.ca_id);
	if (rc == RC_OK)
		rc = buf_add_span(&ca.ca_cert, r.u.init.ca_cert);
	ca.created = r.at;
	if (rc == RC_OK)
		rc = ledger_transfer_then(ledger, INT64_MAX, &ca.transfer_cert);
	if (rc != RC_OK)
		return rc;
	*ret = ca;
	ca = (struct ledger_ca){ 0 };
	return RC_OK;
}
