/* SPDX-License-Identifier: Apache-2.0 */
/* Revocations as records, and as rows to look up. What may follow what is
 * judged in ledger_index.c. */
#include "ca/ledger/revocation.h"

#include "ca/ledger/ledger_internal.h"

#include <inttypes.h>

enum rc
ledger_revoke(struct ledger *ledger, const struct ledger_revocation *revocation,
    uint64_t bundle)
{
	struct record r = { .kind = RECORD_REVOKED };

	r.u.revoked.serial = revocation->serial;
	r.u.revoked.reason = revocation->reason;
	if (revocation->has_since)
		r.u.revoked.since = (uint64_t)revocation->since;
	r.u.revoked.not_after = (uint64_t)revocation->not_after;
	r.u.revoked.bundle = bundle;
	r.u.revoked.date = (uint64_t)revocation->date;
	return ledger_append(ledger, &r);
}

enum rc
ledger_key_revoke(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], enum reason reason, int64_t since)
{
	struct record r = { .kind = RECORD_KEY_REVOKED };

	r.u.key_revoked.key_id = span_of(key_id, SHA256_LEN);
	r.u.key_revoked.reason = reason;
	r.u.key_revoked.since = (uint64_t)since;
	return ledger_append(ledger, &r);
}

/* ---- looking --------------------------------------------------------------
 */

#define REVOKED_COLUMNS "serial, n, at, reason, since, not_after"

static enum rc
revoked_of_row(
    struct ledger *ledger, sqlite3_stmt *st, struct ledger_revocation *ret)
{
	uint64_t reason = (uint64_t)sqlite3_column_int64(st, 3);

	if (!reason_is_known(reason))
		return err_set(RC_STATE,
		    "%s: table revocation, record %lld: reason %" PRIu64
		    ": damaged",
		    ledger->db.path, (long long)sqlite3_column_int64(st, 1),
		    reason);
	*ret = (struct ledger_revocation){
		.serial = db_blob(st, 0),
		.n = (uint64_t)sqlite3_column_int64(st, 1),
		.at = sqlite3_column_int64(st, 2),
		.reason = (enum reason)reason,
		.has_since = sqlite3_column_type(st, 4) != SQLITE_NULL,
		.since = sqlite3_column_int64(st, 4),
		.not_after = sqlite3_column_int64(st, 5),
	};
	return RC_OK;
}

/* The statement is kept: a list of all certificates asks for each. */
enum rc
ledger_revoked_get(struct ledger *ledger, struct span serial,
    struct ledger_revocation *ret, bool *ret_revoked)
{
	sqlite3_stmt **st = &ledger->revoked_get;
	bool row = false;
	enum rc rc = RC_OK;

	if (*st == NULL)
		rc = ledger_query(ledger, st,
		    "SELECT " REVOKED_COLUMNS " FROM revocation"
		    " WHERE serial = ?");
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, *st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, *st, &row);
	if (rc == RC_OK && row)
		rc = revoked_of_row(ledger, *st, ret);
	if (rc == RC_OK && row)
		ret->serial = serial;
	(void)sqlite3_reset(*st);
	if (rc == RC_OK)
		*ret_revoked = row;
	return rc;
}

enum rc
ledger_revoked_by(struct ledger *ledger, uint64_t n, uint64_t *ret_bundle)
{
	struct record r;
	enum rc rc = ledger_record_get(ledger, n, RECORD_REVOKED, &r, NULL);

	if (rc == RC_OK)
		*ret_bundle = r.u.revoked.bundle;
	return rc;
}

enum rc
ledger_revoked_newest(struct ledger *ledger, uint64_t *ret_n)
{
	return ledger_newest_of(ledger, RECORD_REVOKED, ret_n);
}

enum rc
ledger_revoked_each(
    struct ledger *ledger, uint64_t upto, revoked_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " REVOKED_COLUMNS " FROM revocation"
	    " WHERE n <= ? ORDER BY serial");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i",
		    upto == 0 ? INT64_MAX : (int64_t)upto);
	while (db_next(&ledger->db, st, &rc)) {
		struct ledger_revocation revocation;

		rc = revoked_of_row(ledger, st, &revocation);
		if (rc == RC_OK)
			rc = each(&revocation, arg);
	}
	return rc;
}

enum rc
ledger_key_is_revoked(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], bool *ret_revoked)
{
	sqlite3_stmt **st = &ledger->key_revoked_get;
	bool row = false;
	enum rc rc = RC_OK;

	if (*st == NULL)
		rc = ledger_query(
		    ledger, st, "SELECT 1 FROM revoked_key WHERE key_id = ?");
	if (rc == RC_OK)
		rc =
		    db_bind(&ledger->db, *st, "b", span_of(key_id, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&ledger->db, *st, &row);
	(void)sqlite3_reset(*st);
	if (rc == RC_OK)
		*ret_revoked = row;
	return rc;
}

/* By serial, because a CRL is in that order; so the outer loop is that table,
 * and nothing is sorted. */
enum rc
ledger_certificates_of(struct ledger *ledger,
    const uint8_t requester[static SHA256_LEN], int64_t live_at,
    live_cert_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT s.serial, c.not_after FROM serial s"
	    " CROSS JOIN certificate c ON c.intent = s.n"
	    " CROSS JOIN bundle b ON b.n = c.bundle"
	    " WHERE b.requester = ? AND c.not_after >= ? AND c.result > c.void"
	    " AND NOT EXISTS (SELECT 1 FROM revocation r"
	    " WHERE r.serial = s.serial) ORDER BY s.serial");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bi",
		    span_of(requester, SHA256_LEN), live_at);
	while (db_next(&ledger->db, st, &rc))
		rc = each(db_blob(st, 0), sqlite3_column_int64(st, 1), arg);
	return rc;
}
