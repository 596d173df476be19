/* SPDX-License-Identifier: Apache-2.0 */
/* The requesters: who is enrolled, and what is known of their channels. */
#include "ca/ledger/ledger_internal.h"

#include <stdlib.h>

#define REQUESTER_COLUMNS \
	"SELECT key_id, label, n, last_bundle, last_manifest, arrived," \
	" removed FROM requester"
#define REQUESTERS_ENROLLED REQUESTER_COLUMNS " WHERE removed = 0"

void
requester_wipe(struct requester *requester)
{
	buf_wipe(&requester->spki);
}

void
requesters_free(struct requester *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		requester_wipe(&list[i]);
	free(list);
}

static enum rc
requester_of_row(struct ledger *ledger, sqlite3_stmt *st, void *item)
{
	WIPED(requester) q = { 0 };
	struct requester *ret = item;
	struct span key_id = db_blob(st, 0), label = db_text(st, 1);
	struct record r = { 0 };
	enum rc rc = RC_OK;

	if (key_id.n != SHA256_LEN || label.n > LABEL_MAX)
		return err_set(RC_STATE, "%s: table requester is damaged",
		    ledger->db.path);
	memcpy(q.key_id, key_id.p, SHA256_LEN);
	memcpy(q.label, label.p, label.n);
	q.last_bundle = (uint32_t)sqlite3_column_int64(st, 3);
	q.last_manifest = (uint32_t)sqlite3_column_int64(st, 4);
	q.arrived = (uint32_t)sqlite3_column_int64(st, 5);
	q.removed = (uint64_t)sqlite3_column_int64(st, 6);
	/* Without a label it was never enrolled here: its responses came back
	 * from its own host. */
	if (label.n != 0)
		rc = ledger_record_get(ledger,
		    (uint64_t)sqlite3_column_int64(st, 2), RECORD_ENROL, &r,
		    NULL);
	if (rc == RC_OK && label.n != 0)
		rc = buf_add_span(&q.spki, r.u.enrol.spki);
	if (rc != RC_OK)
		return rc;
	q.enrolled = r.at;
	*ret = q;
	q = (struct requester){ 0 };
	return RC_OK;
}

enum rc
ledger_requester_met(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], struct requester *ret,
    bool *ret_met)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc =
	    ledger_query(ledger, &st, REQUESTER_COLUMNS " WHERE key_id = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "b", span_of(key_id, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && row)
		rc = requester_of_row(ledger, st, ret);
	if (rc == RC_OK)
		*ret_met = row;
	return rc;
}

enum rc
ledger_requester_get(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], struct requester *ret,
    bool *ret_known)
{
	WIPED(requester) q = { 0 };
	bool met = false;
	enum rc rc = ledger_requester_met(ledger, key_id, &q, &met);

	if (rc != RC_OK)
		return rc;
	*ret_known = met && q.removed == 0;
	if (*ret_known) {
		*ret = q;
		q = (struct requester){ 0 };
	}
	return RC_OK;
}

enum rc
ledger_label_get(struct ledger *ledger, struct span label,
    uint8_t ret_key_id[static SHA256_LEN], bool *ret_used)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc =
	    ledger_query(ledger, &st, REQUESTERS_ENROLLED " AND label = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "s", label);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc != RC_OK)
		return rc;
	if (row && db_blob(st, 0).n == SHA256_LEN)
		memcpy(ret_key_id, db_blob(st, 0).p, SHA256_LEN);
	*ret_used = row;
	return RC_OK;
}

enum rc
ledger_enrol_add(struct ledger *ledger, struct span label, struct span spki)
{
	struct record r = { .kind = RECORD_ENROL };

	r.u.enrol.label = label;
	r.u.enrol.spki = spki;
	return ledger_append(ledger, &r);
}

enum rc
ledger_remove_add(
    struct ledger *ledger, const uint8_t key_id[static SHA256_LEN])
{
	struct record r = { .kind = RECORD_REMOVE };

	r.u.remove.key_id = span_of(key_id, SHA256_LEN);
	return ledger_append(ledger, &r);
}

enum rc
ledger_arrived_add(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], uint32_t sequence)
{
	struct record r = { .kind = RECORD_ARRIVED };

	r.u.arrived.key_id = span_of(key_id, SHA256_LEN);
	r.u.arrived.sequence = sequence;
	return ledger_append(ledger, &r);
}

enum rc
ledger_requesters(struct ledger *ledger, struct requester **ret, size_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	void *list = NULL;
	size_t n = 0;
	enum rc rc =
	    ledger_query(ledger, &st, REQUESTERS_ENROLLED " ORDER BY label");

	if (rc == RC_OK)
		rc = ledger_rows_take(ledger, st, sizeof(struct requester),
		    requester_of_row, &list, &n);
	if (rc != RC_OK) {
		requesters_free(list, n);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return RC_OK;
}
