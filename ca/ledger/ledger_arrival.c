/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of responses after they were written. */
#include "ca/ledger/ledger_internal.h"

#include <stdlib.h>

enum rc
ledger_manifest_find(struct ledger *ledger, const uint8_t prefix[static 4],
    uint32_t sequence, uint8_t ret_channel[static SHA256_LEN], bool *ret_known)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t first[SHA256_LEN] = { 0 }, last[SHA256_LEN];
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT channel FROM manifest WHERE channel BETWEEN ? AND ?"
	    " AND sequence = ? ORDER BY channel LIMIT 1");

	memset(last, 0xff, sizeof(last));
	memcpy(first, prefix, 4);
	memcpy(last, prefix, 4);
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bbi",
		    span_of(first, sizeof(first)), span_of(last, sizeof(last)),
		    (int64_t)sequence);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc != RC_OK)
		return rc;
	if (row && db_blob(st, 0).n != SHA256_LEN)
		return err_set(
		    RC_STATE, "%s: table manifest is damaged", ledger->db.path);
	if (row)
		memcpy(ret_channel, db_blob(st, 0).p, SHA256_LEN);
	*ret_known = row;
	return RC_OK;
}

enum rc
ledger_checked_add(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence)
{
	struct record r = { .kind = RECORD_CHECKED };

	r.u.checked.channel = span_of(channel, SHA256_LEN);
	r.u.checked.sequence = sequence;
	return ledger_append(ledger, &r);
}

static enum rc
sequence_of_row(struct ledger *ledger, sqlite3_stmt *st, void *item)
{
	uint32_t *ret = item;

	(void)ledger;
	*ret = (uint32_t)sqlite3_column_int64(st, 0);
	return RC_OK;
}

enum rc
ledger_manifests_pending(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t arrived, uint32_t **ret,
    size_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	void *list = NULL;
	size_t n = 0;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT sequence FROM manifest WHERE channel = ? AND sequence > ?"
	    " AND checked = 0 ORDER BY sequence");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bi",
		    span_of(channel, SHA256_LEN), (int64_t)arrived);
	if (rc == RC_OK)
		rc = ledger_rows_take(
		    ledger, st, sizeof(uint32_t), sequence_of_row, &list, &n);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return RC_OK;
}
