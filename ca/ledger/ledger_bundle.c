/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles, what became of each request, and the manifests that answered. */
#include "ca/ledger/ledger_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define BUNDLE_COLUMNS \
	"SELECT n, id, digest, requester, sequence, answered, closed" \
	" FROM bundle"

static enum rc
column_copy(
    struct ledger *ledger, sqlite3_stmt *st, int column, uint8_t *to, size_t n)
{
	struct span bytes = db_blob(st, column);

	if (bytes.n != n)
		return err_set(RC_STATE,
		    "%s: %s has %zu bytes, wanted %zu: damaged",
		    ledger->db.path, sqlite3_column_name(st, column), bytes.n,
		    n);
	memcpy(to, bytes.p, n);
	return RC_OK;
}

/* ---- bundles --------------------------------------------------------------
 */

bool
ledger_bundle_is_loose(const struct ledger_bundle *bundle)
{
	static const uint8_t none[SHA256_LEN];

	return memcmp(bundle->requester, none, SHA256_LEN) == 0;
}

/* Time and policy of record `n`. */
static enum rc
stamp_of(struct ledger *ledger, uint64_t n, int64_t *ret_at,
    uint8_t ret_policy[static SHA256_LEN])
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT r.at, p.digest FROM record r JOIN policy p"
	    " ON p.id = r.policy WHERE r.n = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)n);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && !row)
		rc = err_set(RC_STATE, "%s: record %" PRIu64 " is missing",
		    ledger->db.path, n);
	if (rc == RC_OK)
		rc = column_copy(ledger, st, 1, ret_policy, SHA256_LEN);
	if (rc == RC_OK)
		*ret_at = sqlite3_column_int64(st, 0);
	return rc;
}

static enum rc
bundle_of_row(struct ledger *ledger, sqlite3_stmt *st, void *item)
{
	struct ledger_bundle b = { 0 }, *ret = item;
	enum rc rc = column_copy(ledger, st, 1, b.id, sizeof(b.id));

	if (rc == RC_OK)
		rc = column_copy(ledger, st, 2, b.digest, SHA256_LEN);
	if (rc == RC_OK)
		rc = column_copy(ledger, st, 3, b.requester, SHA256_LEN);
	b.n = (uint64_t)sqlite3_column_int64(st, 0);
	b.sequence = (uint32_t)sqlite3_column_int64(st, 4);
	b.answered = (uint32_t)sqlite3_column_int64(st, 5);
	b.closed = (uint64_t)sqlite3_column_int64(st, 6);
	if (rc == RC_OK)
		rc = stamp_of(ledger, b.n, &b.at, b.policy);
	if (rc == RC_OK)
		*ret = b;
	return rc;
}

enum rc
ledger_bundle_get(struct ledger *ledger,
    const uint8_t requester[static SHA256_LEN],
    const uint8_t id[static BUNDLE_ID_LEN], struct ledger_bundle *ret,
    bool *ret_known)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(
	    ledger, &st, BUNDLE_COLUMNS " WHERE id = ? AND requester = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bb", span_of(id, BUNDLE_ID_LEN),
		    span_of(requester, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && row)
		rc = bundle_of_row(ledger, st, ret);
	if (rc == RC_OK)
		*ret_known = row;
	return rc;
}

enum rc
ledger_bundle_at(struct ledger *ledger, uint64_t n, struct ledger_bundle *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st, BUNDLE_COLUMNS " WHERE n = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)n);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && !row)
		rc = err_set(RC_STATE, "%s: record %" PRIu64 " is no bundle",
		    ledger->db.path, n);
	return rc != RC_OK ? rc : bundle_of_row(ledger, st, ret);
}

enum rc
ledger_bundles_of_id(struct ledger *ledger,
    const uint8_t id[static BUNDLE_ID_LEN], struct ledger_bundle **ret,
    size_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	void *list = NULL;
	size_t n = 0;
	enum rc rc = ledger_query(
	    ledger, &st, BUNDLE_COLUMNS " WHERE id = ? ORDER BY n");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "b", span_of(id, BUNDLE_ID_LEN));
	if (rc == RC_OK)
		rc = ledger_rows_take(ledger, st, sizeof(struct ledger_bundle),
		    bundle_of_row, &list, &n);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return RC_OK;
}

enum rc
ledger_bundles_open(
    struct ledger *ledger, struct ledger_bundle **ret, size_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	void *list = NULL;
	size_t n = 0;
	enum rc rc = ledger_query(ledger, &st,
	    BUNDLE_COLUMNS " WHERE answered = 0 AND closed = 0 ORDER BY n");

	if (rc == RC_OK)
		rc = ledger_rows_take(ledger, st, sizeof(struct ledger_bundle),
		    bundle_of_row, &list, &n);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return RC_OK;
}

enum rc
ledger_bundle_add(struct ledger *ledger, struct ledger_bundle *bundle)
{
	struct record r = { .kind = RECORD_BUNDLE };
	enum rc rc;

	r.u.bundle.id = span_of(bundle->id, BUNDLE_ID_LEN);
	r.u.bundle.digest = span_of(bundle->digest, SHA256_LEN);
	r.u.bundle.requester = span_of(bundle->requester, SHA256_LEN);
	r.u.bundle.sequence = bundle->sequence;
	rc = ledger_append(ledger, &r);
	if (rc != RC_OK)
		return rc;
	bundle->n = r.n;
	bundle->at = r.at;
	memcpy(bundle->policy, ledger->end.policy, SHA256_LEN);
	bundle->answered = 0;
	bundle->closed = 0;
	return RC_OK;
}

enum rc
ledger_abandon_add(struct ledger *ledger, uint64_t bundle)
{
	struct record r = { .kind = RECORD_ABANDON };

	r.u.abandon.bundle = bundle;
	return ledger_append(ledger, &r);
}

/* ---- what became of a request ---------------------------------------------
 */

void
intent_of_record(const struct record *record, struct intent *ret)
{
	struct intent i = { .n = record->n };
	struct span serial = record->u.intent.serial;
	struct span id = record->u.intent.request_id;
	struct span profile = record->u.intent.profile;

	/* record_decode has checked every length. */
	i.bundle = record->u.intent.bundle;
	i.request = (uint32_t)record->u.intent.request;
	i.slot = (uint32_t)record->u.intent.slot;
	if (serial.n == sizeof(i.serial))
		memcpy(i.serial, serial.p, sizeof(i.serial));
	memcpy(i.tbs, record->u.intent.tbs.p, SHA256_LEN);
	i.not_before = (int64_t)record->u.intent.not_before;
	i.not_after = (int64_t)record->u.intent.not_after;
	memcpy(i.key_id, record->u.intent.key_id.p, SHA256_LEN);
	memcpy(i.request_id, id.p, id.n);
	memcpy(i.profile, profile.p, profile.n);
	*ret = i;
}

enum rc
ledger_intent_add(struct ledger *ledger, struct intent *intent)
{
	struct record r = { .kind = RECORD_INTENT };
	enum rc rc;

	r.u.intent.bundle = intent->bundle;
	r.u.intent.request = intent->request;
	r.u.intent.slot = intent->slot;
	r.u.intent.serial = span_of(intent->serial, sizeof(intent->serial));
	r.u.intent.tbs = span_of(intent->tbs, SHA256_LEN);
	r.u.intent.not_before = (uint64_t)intent->not_before;
	r.u.intent.not_after = (uint64_t)intent->not_after;
	r.u.intent.key_id = span_of(intent->key_id, SHA256_LEN);
	r.u.intent.request_id = span_str(intent->request_id);
	r.u.intent.profile = span_str(intent->profile);
	rc = ledger_append(ledger, &r);
	if (rc == RC_OK)
		intent->n = r.n;
	return rc;
}

enum rc
ledger_result_add(
    struct ledger *ledger, const struct intent *intent, struct span der)
{
	struct record r = { .kind = RECORD_RESULT };

	r.u.result.intent = intent->n;
	r.u.result.der = der;
	return ledger_append(ledger, &r);
}

enum rc
ledger_void_add(
    struct ledger *ledger, const struct intent *intent, const char *why)
{
	struct record r = { .kind = RECORD_VOID };

	r.u.voided.intent = intent->n;
	r.u.voided.why = span_str(why);
	return ledger_append(ledger, &r);
}

enum rc
ledger_refusal_add(struct ledger *ledger, uint64_t bundle, uint32_t request,
    struct span request_id, const char *rule, const char *reason)
{
	struct record r = { .kind = RECORD_REFUSAL };

	r.u.refusal.bundle = bundle;
	r.u.refusal.request = request;
	r.u.refusal.request_id = request_id;
	r.u.refusal.rule = span_str(rule);
	r.u.refusal.reason = span_str(reason);
	return ledger_append(ledger, &r);
}

/* The act that a record is; *ret_ours false when it is of another bundle. */
static enum rc
act_of_record(struct ledger *ledger, const struct record *r, uint64_t bundle,
    struct bundle_act *ret, bool *ret_ours)
{
	struct bundle_act act = { .kind = r->kind };
	struct record intent;
	enum rc rc = RC_OK;

	if (r->kind == RECORD_REFUSAL) {
		act.request = (uint32_t)r->u.refusal.request;
		act.rule = r->u.refusal.rule;
		act.reason = r->u.refusal.reason;
		*ret = act;
		*ret_ours = r->u.refusal.bundle == bundle;
		return RC_OK;
	}
	if (r->kind == RECORD_INTENT) {
		intent_of_record(r, &act.intent);
	} else {
		/* They name their intent, and it says what they are about. */
		uint64_t n = r->kind == RECORD_RESULT ? r->u.result.intent
						      : r->u.voided.intent;

		rc = ledger_record_get(ledger, n, RECORD_INTENT, &intent, NULL);
		if (rc == RC_OK)
			intent_of_record(&intent, &act.intent);
	}
	if (r->kind == RECORD_RESULT)
		act.der = r->u.result.der;
	else if (r->kind == RECORD_VOID)
		act.reason = r->u.voided.why;
	act.request = act.intent.request;
	if (rc != RC_OK)
		return rc;
	*ret = act;
	*ret_ours = act.intent.bundle == bundle;
	return RC_OK;
}

/* Where a bundle's acts end: its manifest, or what the ledger holds now. */
static enum rc
last_act(
    struct ledger *ledger, const struct ledger_bundle *bundle, uint64_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT n FROM manifest WHERE channel = ? AND sequence = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bi",
		    span_of(bundle->requester, SHA256_LEN),
		    (int64_t)bundle->answered);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	/* Without an end the walk would go through a ledger of years for each
	 * old response that is made again. */
	if (rc == RC_OK)
		*ret_n = row ? (uint64_t)sqlite3_column_int64(st, 0)
			     : ledger->end.head.count;
	return rc;
}

/* Kinds 6 to 9: intents, results, refusals, voids. Acts of other bundles lie
 * between, where one was left unfinished and taken up again later. */
enum rc
ledger_bundle_each(struct ledger *ledger, const struct ledger_bundle *bundle,
    bundle_act_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint64_t last = 0;
	enum rc rc = last_act(ledger, bundle, &last);

	if (rc == RC_OK)
		rc = ledger_query(ledger, &st,
		    "SELECT n, at, kind, policy, body FROM record"
		    " WHERE n > ? AND n <= ? AND kind BETWEEN 6 AND 9"
		    " ORDER BY n");
	if (rc == RC_OK)
		rc = db_bind(
		    &ledger->db, st, "ii", (int64_t)bundle->n, (int64_t)last);
	while (db_next(&ledger->db, st, &rc)) {
		struct bundle_act act = { 0 };
		struct record r = { 0 };
		bool ours = false;

		rc = ledger_record_of_row(st, 0, &r);
		if (rc == RC_OK)
			rc = act_of_record(ledger, &r, bundle->n, &act, &ours);
		if (rc == RC_OK && ours)
			rc = each(&act, arg);
	}
	return rc;
}

/* ---- manifests ------------------------------------------------------------
 */

void
ledger_manifest_wipe(struct ledger_manifest *manifest)
{
	buf_wipe(&manifest->file);
}

enum rc
ledger_manifest_add(struct ledger *ledger, struct ledger_manifest *manifest)
{
	struct record r = { .kind = RECORD_MANIFEST };

	r.u.manifest.channel = span_of(manifest->channel, SHA256_LEN);
	r.u.manifest.sequence = manifest->sequence;
	r.u.manifest.bundle = manifest->bundle;
	return ledger_append_manifest(ledger, &r, &manifest->file);
}

static enum rc
manifest_of_row(
    struct ledger *ledger, sqlite3_stmt *st, struct ledger_manifest *ret)
{
	WIPED(ledger_manifest) m = { 0 };
	struct record r;
	enum rc rc = column_copy(ledger, st, 0, m.channel, SHA256_LEN);

	if (rc == RC_OK)
		rc = column_copy(ledger, st, 3, m.digest, SHA256_LEN);
	m.sequence = (uint32_t)sqlite3_column_int64(st, 1);
	m.bundle = (uint64_t)sqlite3_column_int64(st, 4);
	if (rc == RC_OK)
		rc = ledger_record_get(
		    ledger, (uint64_t)sqlite3_column_int64(st, 2), 0, &r, NULL);
	if (rc == RC_OK && r.kind != RECORD_MANIFEST && r.kind != RECORD_IMPORT)
		rc = err_set(RC_STATE, "%s: record %" PRIu64 " is no manifest",
		    ledger->db.path, r.n);
	if (rc == RC_OK)
		rc = stamp_of(ledger, r.n, &m.at, m.policy);
	m.imported = rc == RC_OK && r.kind == RECORD_IMPORT;
	if (m.imported)
		rc = import_head_read(&r, &m.over, m.policy);
	if (rc != RC_OK)
		return rc;
	ledger_got_take(
	    ledger, m.imported ? r.u.import.file : r.u.manifest.file, &m.file);
	*ret = m;
	m = (struct ledger_manifest){ 0 };
	return RC_OK;
}

/* Sequence 0 stands for the newest: the first one is 1. */
enum rc
ledger_manifest_get(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence,
    struct ledger_manifest *ret, bool *ret_known)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT channel, sequence, n, digest, bundle FROM manifest"
	    " WHERE channel = ?1 AND (sequence = ?2 OR ?2 = 0)"
	    " ORDER BY sequence DESC LIMIT 1");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "bi",
		    span_of(channel, SHA256_LEN), (int64_t)sequence);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && row)
		rc = manifest_of_row(ledger, st, ret);
	if (rc == RC_OK)
		*ret_known = row;
	return rc;
}
