/* SPDX-License-Identifier: Apache-2.0 */
/* Which cards were pinned, and when, so that an old one is known as such. The
 * time of making is the card's own word, signed by a transfer key that may be
 * the one that was replaced; the beginning of its transfer certificate is the
 * CA key's word. Both are asked. */
#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/online/store/store.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

enum rc
store_card_add(struct store *store, const struct enrolment *e)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO pinned_card (at, created, back) VALUES (?1, ?2, ?3)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iii", e->now, e->created,
		    (int64_t)e->back);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_card_last(struct store *store, struct pinned_card *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT at, created, back FROM pinned_card"
	    " ORDER BY n DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	*ret = (struct pinned_card){ .is_known = row };
	if (row) {
		ret->at = sqlite3_column_int64(st, 0);
		ret->created = sqlite3_column_int64(st, 1);
		ret->back = sqlite3_column_int64(st, 2) != 0;
	}
	return RC_OK;
}

/* What is in force is as old as the card; and where the card would change the
 * policy, as old as the newest manifest, which may have brought the present
 * one. */
static enum rc
find_newest(struct store *store, const struct enrolment *e, int64_t *ret_at)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t policy[SHA256_LEN];
	struct pinned_card last;
	bool row = false;
	enum rc rc = store_card_last(store, &last);

	if (rc == RC_OK)
		rc = sha256(e->policy, policy);
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "SELECT coalesce(max(signed_at), 0) FROM manifest", &st);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	*ret_at = last.is_known ? last.created : 0;
	if (row && sqlite3_column_int64(st, 0) > *ret_at &&
	    memcmp(policy, store->policy.digest, SHA256_LEN) != 0)
		*ret_at = sqlite3_column_int64(st, 0);
	return RC_OK;
}

static enum rc
transfer_begins(const char *from, struct span der, int64_t *ret)
{
	OWN(X509) *cert = NULL;
	int64_t not_after;
	enum rc rc = cert_stored(from, der, &cert);

	return rc != RC_OK ? rc : cert_window(cert, ret, &not_after);
}

enum rc
store_card_check(struct store *store, const struct enrolment *e)
{
	int64_t newest = 0, theirs = 0, ours = 0;
	char made[CLOCK_TEXT], pinned[CLOCK_TEXT];
	bool older;
	enum rc rc = find_newest(store, e, &newest);

	if (rc == RC_OK)
		rc = transfer_begins("the card's transfer certificate",
		    e->transfer_cert, &theirs);
	if (rc == RC_OK)
		rc = transfer_begins("the pinned transfer certificate",
		    buf_span(&store->trust.transfer_cert), &ours);
	if (rc != RC_OK)
		return rc;
	older = theirs < ours || e->created < newest;
	if (older == e->back)
		return RC_OK;
	if (!older)
		return err_set(RC_USAGE,
		    "--go-back: the card is no older than what is pinned; that is for --replace");
	clock_write(theirs < ours ? theirs : e->created, made);
	clock_write(theirs < ours ? ours : newest, pinned);
	return rule_refuse(RULE_CARD_OLD,
	    theirs < ours
		? "the card is of a transfer key from %s, and the pinned one is from %s"
		: "the card is from %s, and what is pinned is from %s",
	    made, pinned);
}
