/* SPDX-License-Identifier: Apache-2.0 */
/* Under which clock, policy and surroundings records are made. */
#include "ca/ledger/ledger_internal.h"
#include "transfer/rule.h"

#include <inttypes.h>

/* Row of the policy with this digest, and the record with its text; 0: none. */
static enum rc
policy_find(
    struct ledger *ledger, struct span digest, int64_t *ret_id, uint64_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(
	    ledger, &st, "SELECT id, n FROM policy WHERE digest = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "b", digest);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc != RC_OK)
		return rc;
	*ret_id = row ? sqlite3_column_int64(st, 0) : 0;
	*ret_n = row ? (uint64_t)sqlite3_column_int64(st, 1) : 0;
	return RC_OK;
}

static enum rc
policy_count(struct ledger *ledger, int64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(
	    ledger, &st, "SELECT coalesce(max(id), 0) FROM policy");

	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret = sqlite3_column_int64(st, 0);
	return rc;
}

static enum rc
policy_add(struct ledger *ledger, const uint8_t digest[static SHA256_LEN],
    struct span text)
{
	struct record r = { .kind = RECORD_POLICY };
	int64_t id = 0;
	uint64_t n = 0;
	enum rc rc = policy_find(ledger, span_of(digest, SHA256_LEN), &id, &n);

	r.u.policy.digest = span_of(digest, SHA256_LEN);
	if (rc == RC_OK && id == 0) {
		r.u.policy.text = text;
		rc = policy_count(ledger, &id);
		id++;
	}
	if (rc != RC_OK)
		return rc;
	/* The record that brings a policy is already made under it. */
	ledger->end.policy_id = id;
	memcpy(ledger->end.policy, digest, SHA256_LEN);
	return ledger_append(ledger, &r);
}

enum rc
ledger_stamp(struct ledger *ledger, int64_t now, struct span policy_text)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	/* Asked again although clock_check has been: a run may last, and the
	 * clock be set meanwhile. */
	if (now < ledger->end.at)
		return rule_refuse(RULE_CLOCK_BEHIND,
		    "the clock is %" PRId64
		    " s behind the ledger's newest record",
		    ledger->end.at - now);
	rc = sha256(policy_text, digest);
	if (rc != RC_OK)
		return rc;
	ledger->now = now;
	if (ledger->end.policy_id != 0 &&
	    memcmp(digest, ledger->end.policy, sizeof(digest)) == 0)
		return RC_OK;
	return policy_add(ledger, digest, policy_text);
}

enum rc
ledger_policy_newest(
    struct ledger *ledger, uint8_t ret_digest[static SHA256_LEN], bool *ret_any)
{
	*ret_any = ledger->end.policy_id != 0;
	if (*ret_any)
		memcpy(ret_digest, ledger->end.policy, SHA256_LEN);
	return RC_OK;
}

enum rc
ledger_policy_get(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN], struct buf *ret_text)
{
	char hex[SHA256_HEX];
	struct record r;
	int64_t id = 0;
	uint64_t n = 0;
	enum rc rc = policy_find(ledger, span_of(digest, SHA256_LEN), &id, &n);

	if (rc == RC_OK && id == 0) {
		hex_write(span_of(digest, SHA256_LEN), hex);
		return err_set(RC_STATE,
		    "%s: policy %s was never in force here", ledger->db.path,
		    hex);
	}
	if (rc == RC_OK)
		rc = ledger_record_get(ledger, n, RECORD_POLICY, &r, NULL);
	return rc != RC_OK ? rc : buf_add_span(ret_text, r.u.policy.text);
}

enum rc
ledger_policy_known(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN], bool *ret_known)
{
	int64_t id = 0;
	uint64_t n = 0;
	enum rc rc = policy_find(ledger, span_of(digest, SHA256_LEN), &id, &n);

	*ret_known = rc == RC_OK && id != 0;
	return rc;
}

enum rc
ledger_clock_add(struct ledger *ledger, int64_t now)
{
	struct record r = { .kind = RECORD_CLOCK };

	/* The time that is left behind is kept: `ledger verify` wants it to be
	 * that of the record before, so no such record can be slipped in. */
	r.u.clock.before = (uint64_t)ledger->end.at;
	ledger->now = now;
	return ledger_append(ledger, &r);
}

enum rc
ledger_network_add(struct ledger *ledger, struct span interfaces)
{
	struct record r = { .kind = RECORD_NETWORK };

	r.u.network.interfaces = interfaces;
	return ledger_append(ledger, &r);
}
