/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs as records, and what each lists as a query. Which numbers may follow is
 * judged in ledger_index.c. */
#include "ca/ledger/ledger_crl.h"

#include "ca/ledger/adopted.h"
#include "ca/ledger/ledger_internal.h"

#include <inttypes.h>

enum rc
ledger_crl_series_add(struct ledger *ledger, struct ledger_crl_series *series)
{
	struct record r = { .kind = RECORD_CRL_SERIES };
	enum rc rc;

	r.u.crl_series.first = series->first;
	r.u.crl_series.last = series->last;
	r.u.crl_series.start = (uint64_t)series->start;
	r.u.crl_series.count = series->count;
	r.u.crl_series.period = (uint64_t)series->period;
	r.u.crl_series.overlap = (uint64_t)series->overlap;
	r.u.crl_series.generation = series->generation;
	rc = ledger_append(ledger, &r);
	if (rc == RC_OK)
		series->n = r.n;
	return rc;
}

enum rc
ledger_crl_add(struct ledger *ledger, const struct ledger_crl *crl)
{
	struct record r = { .kind = RECORD_CRL };

	r.u.crl.number = crl->number;
	r.u.crl.this_update = (uint64_t)crl->list.this_update;
	r.u.crl.next_update = (uint64_t)crl->next_update;
	r.u.crl.issuer = span_of(crl->issuer, SHA256_LEN);
	r.u.crl.upto = crl->list.upto;
	r.u.crl.kept = (uint64_t)crl->list.kept;
	r.u.crl.revoked = crl->n_revoked;
	r.u.crl.digest = span_of(crl->digest, SHA256_LEN);
	r.u.crl.signature = span_of(crl->signature, crl->signature_n);
	if (crl->list.shadow) {
		r.u.crl.requester = span_of(crl->list.requester, SHA256_LEN);
		r.u.crl.salt = span_of(crl->salt, SHADOW_SALT_LEN);
		r.u.crl.iv = span_of(crl->iv, SHADOW_IV_LEN);
	}
	return ledger_append(ledger, &r);
}

/* ---- looking --------------------------------------------------------------
 */

/* One number that a query comes to; 0 where it has no row. */
static enum rc
crl_query_number(
    struct ledger *ledger, const char *sql, uint64_t bound, uint64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st, sql);

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)bound);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return rc;
}

/* Numbers that the lost part of a restored ledger may have signed, which nobody
 * tells of whose history is gone. */
#define CRLS_LOST 1000000

/* Until there is a series above them. */
static enum rc
crl_numbers_lost(struct ledger *ledger, uint64_t *next)
{
	uint64_t caught_up = 0, series = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_CAUGHT_UP, &caught_up);

	if (rc == RC_OK)
		rc = ledger_newest_of(ledger, RECORD_CRL_SERIES, &series);
	if (rc == RC_OK && caught_up > series)
		*next += CRLS_LOST;
	return rc;
}

enum rc
ledger_crl_number_next(struct ledger *ledger, uint64_t *ret)
{
	uint64_t floor = 1;
	bool adopted;
	enum rc rc = ledger_crl_floor(ledger, &floor, &adopted);

	if (rc == RC_OK)
		rc = crl_query_number(ledger,
		    "SELECT coalesce(max(last), 0) + ? FROM crl_series", 1,
		    ret);
	/* What it signed before its adoption is nowhere else. */
	if (rc == RC_OK && *ret < floor)
		*ret = floor;
	return rc != RC_OK ? rc : crl_numbers_lost(ledger, ret);
}

enum rc
ledger_crl_series_newest(
    struct ledger *ledger, struct ledger_crl_series *ret, bool *ret_any)
{
	struct record r;
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_CRL_SERIES, &n);

	*ret_any = rc == RC_OK && n != 0;
	if (!*ret_any)
		return rc;
	rc = ledger_record_get(ledger, n, RECORD_CRL_SERIES, &r, NULL);
	if (rc == RC_OK)
		*ret = (struct ledger_crl_series){
			.n = n,
			.first = r.u.crl_series.first,
			.last = r.u.crl_series.last,
			.start = (int64_t)r.u.crl_series.start,
			.period = (int64_t)r.u.crl_series.period,
			.overlap = (int64_t)r.u.crl_series.overlap,
			.count = (uint32_t)r.u.crl_series.count,
			.generation = (uint32_t)r.u.crl_series.generation,
		};
	return rc;
}

static void
crl_of_record(const struct record *r, struct ledger_crl *ret)
{
	*ret = (struct ledger_crl){
		.number = r->u.crl.number,
		.next_update = (int64_t)r->u.crl.next_update,
		.list = {
			.upto = r->u.crl.upto,
			.kept = (int64_t)r->u.crl.kept,
			.this_update = (int64_t)r->u.crl.this_update,
			.shadow = r->u.crl.requester.n != 0,
		},
		.n_revoked = r->u.crl.revoked,
		.signature_n = r->u.crl.signature.n,
	};
	memcpy(ret->issuer, r->u.crl.issuer.p, SHA256_LEN);
	memcpy(ret->digest, r->u.crl.digest.p, SHA256_LEN);
	memcpy(ret->signature, r->u.crl.signature.p, ret->signature_n);
	if (!ret->list.shadow)
		return;
	memcpy(ret->list.requester, r->u.crl.requester.p, SHA256_LEN);
	memcpy(ret->salt, r->u.crl.salt.p, r->u.crl.salt.n);
	memcpy(ret->iv, r->u.crl.iv.p, r->u.crl.iv.n);
}

enum rc
ledger_crl_get(struct ledger *ledger, uint64_t number, struct ledger_crl *ret,
    bool *ret_known)
{
	struct record r;
	uint64_t n = 0;
	enum rc rc = crl_query_number(
	    ledger, "SELECT n FROM crl WHERE number = ?", number, &n);

	*ret_known = rc == RC_OK && n != 0;
	if (!*ret_known)
		return rc;
	rc = ledger_record_get(ledger, n, RECORD_CRL, &r, NULL);
	if (rc == RC_OK)
		crl_of_record(&r, ret);
	return rc;
}

/* ---- what one lists -------------------------------------------------------
 */

#define LISTED \
	"SELECT serial, at, reason, coalesce(since, 0) AS since" \
	" FROM revocation WHERE n <= ?1 AND not_after >= ?2"

/* Both halves come sorted by an index, and are merged. */
#define LISTED_BY_SHADOW \
	" UNION ALL SELECT s.serial, ?3, ?4, 0 FROM serial s" \
	" CROSS JOIN certificate c ON c.intent = s.n" \
	" CROSS JOIN bundle b ON b.n = c.bundle" \
	" WHERE b.requester = ?5 AND c.not_after >= ?3" \
	" AND c.result != 0 AND c.result <= ?1" \
	" AND (c.void = 0 OR c.void > ?1 OR c.void < c.result)" \
	" AND NOT EXISTS (SELECT 1 FROM revocation r" \
	" WHERE r.serial = s.serial AND r.n <= ?1)"

static enum rc
entries_prepare(struct ledger *ledger, const struct ledger_crl_list *list,
    sqlite3_stmt **ret)
{
	enum rc rc = ledger_query(ledger, ret,
	    list->shadow ? LISTED LISTED_BY_SHADOW " ORDER BY serial"
			 : LISTED " ORDER BY serial");

	if (rc != RC_OK)
		return rc;
	if (!list->shadow)
		return db_bind(
		    &ledger->db, *ret, "ii", (int64_t)list->upto, list->kept);
	return db_bind(&ledger->db, *ret, "iiiib", (int64_t)list->upto,
	    list->kept, list->this_update,
	    (int64_t)REASON_CESSATION_OF_OPERATION,
	    span_of(list->requester, SHA256_LEN));
}

enum rc
ledger_crl_entries_each(struct ledger *ledger,
    const struct ledger_crl_list *list, ledger_crl_entry_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = entries_prepare(ledger, list, &st);

	while (db_next(&ledger->db, st, &rc)) {
		struct ledger_crl_entry entry = {
			.serial = db_blob(st, 0),
			.at = sqlite3_column_int64(st, 1),
			.reason = (enum reason)sqlite3_column_int64(st, 2),
			.since = sqlite3_column_int64(st, 3),
		};

		/* Java and NSS take one of the future as not revoked. */
		if (entry.at > list->this_update)
			entry.at = list->this_update;
		rc = each(arg, &entry);
	}
	return rc;
}
