/* SPDX-License-Identifier: Apache-2.0 */
/* Records of CRLs that were read. What they do to tables is in
 * ledger_index_import.c; a listed serial is read as a certificate in
 * ledger_cert.c. */
#include "ca/ledger/crl_seen.h"

#include "ca/ledger/ledger_internal.h"

enum rc
ledger_crl_seen_add(struct ledger *ledger, uint64_t number,
    const uint8_t digest[static SHA256_LEN])
{
	struct record r = { .kind = RECORD_CRL_SEEN };

	r.u.crl_seen.number = number;
	r.u.crl_seen.digest = span_of(digest, SHA256_LEN);
	return ledger_append(ledger, &r);
}

enum rc
ledger_listed_add(struct ledger *ledger, struct span serial)
{
	struct record r = { .kind = RECORD_LISTED };

	r.u.listed.serial = serial;
	return ledger_append(ledger, &r);
}

struct seen_walk {
	const uint8_t *digest;
	struct ledger_crls_seen seen;
};

static enum rc
seen_one(const struct record *r, const uint8_t *hash, void *arg)
{
	struct seen_walk *w = arg;

	(void)hash;
	if (r->u.crl_seen.number > w->seen.highest)
		w->seen.highest = r->u.crl_seen.number;
	w->seen.this_one |=
	    span_eq(r->u.crl_seen.digest, span_of(w->digest, SHA256_LEN));
	return RC_OK;
}

enum rc
ledger_crls_seen_get(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN], struct ledger_crls_seen *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct seen_walk w = { .digest = digest };
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = ?"
	    " AND " KIND_IS_RARE " ORDER BY n");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)RECORD_CRL_SEEN);
	if (rc == RC_OK)
		rc = ledger_records_walk(ledger, st, seen_one, &w);
	if (rc == RC_OK)
		*ret = w.seen;
	return rc;
}
