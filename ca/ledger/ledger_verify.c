/* SPDX-License-Identifier: Apache-2.0 */
/* The whole ledger against itself: the chain, and every table against tables
 * that are built anew from the records in a temporary database. Memory does not
 * grow with the ledger: SQLite keeps both databases' pages in bounded caches.
 */
#include "ca/ledger/ledger_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* A head of the part that was lost with a backup is as good as one of this
 * ledger's own, once the manifest that carries it was imported. */
enum head_state { HEAD_UNMET, HEAD_MET, HEAD_OTHER, HEAD_IMPORTED };

struct verify_walk {
	struct ledger *ledger;
	struct db rebuilt;
	struct ledger_index index; /* of rebuilt */
	sqlite3_stmt *policy_of;   /* digest of a policy, by its id */
	struct ledger_end end;
	struct buf scratch;
	const struct ledger_head *heads;
	size_t n_heads;
	enum head_state *states; /* owned; one for each head */
	struct ledger_totals totals;
};

static void
verify_walk_wipe(struct verify_walk *w)
{
	(void)sqlite3_finalize(w->policy_of);
	ledger_index_wipe(&w->index);
	db_wipe(&w->rebuilt);
	buf_wipe(&w->scratch);
	free(w->states);
}

/* A database without a name is a temporary file that nobody else can open, and
 * that is gone when it is closed. */
static enum rc
rebuilt_open(struct verify_walk *w)
{
	WIPED(buf) sql = { 0 };
	const char *text = NULL;
	enum rc rc = db_schema_write(&ledger_kind, ledger_kind.version, &sql);

	if (rc == RC_OK)
		text = buf_cstr(&sql);
	if (rc == RC_OK && text == NULL)
		rc = err_memory();
	if (rc != RC_OK)
		return rc;
	w->rebuilt.path = strdup("temporary database");
	if (w->rebuilt.path == NULL)
		return err_memory();
	if (sqlite3_open_v2("", &w->rebuilt.sql,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		NULL) != SQLITE_OK ||
	    sqlite3_exec(w->rebuilt.sql,
		"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
		"PRAGMA cache_size=-8192;",
		NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(w->rebuilt.sql, text, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(w->rebuilt.sql, "BEGIN", NULL, NULL, NULL) !=
		SQLITE_OK)
		return err_set(RC_IO, "a temporary database: %s",
		    w->rebuilt.sql == NULL ? "out of memory"
					   : sqlite3_errmsg(w->rebuilt.sql));
	w->index.db = &w->rebuilt;
	return db_prepare(&w->rebuilt, "SELECT digest FROM policy WHERE id = ?",
	    &w->policy_of);
}

/* ---- the chain ------------------------------------------------------------
 */

static enum rc
broken(const struct verify_walk *w, uint64_t n, const char *why)
{
	return err_set(
	    RC_STATE, "%s: record %" PRIu64 ": %s", w->ledger->db.path, n, why);
}

/* A policy record speaks under the policy that it brings; any other one under
 * the policy of the record before. */
static enum rc
policy_follow(struct verify_walk *w, const struct record *r)
{
	bool row = false;
	enum rc rc;

	if (r->kind != RECORD_POLICY) {
		if (r->policy_id != w->end.policy_id)
			return broken(w, r->n,
			    "the policy changed without a record of it");
		return RC_OK;
	}
	rc = db_bind(&w->rebuilt, w->policy_of, "i", r->policy_id);
	if (rc == RC_OK)
		rc = db_step(&w->rebuilt, w->policy_of, &row);
	if (rc != RC_OK)
		return rc;
	if (!row || !span_eq(db_blob(w->policy_of, 0), r->u.policy.digest))
		return broken(
		    w, r->n, "its policy is not the one that it says");
	w->end.policy_id = r->policy_id;
	memcpy(w->end.policy, r->u.policy.digest.p, SHA256_LEN);
	(void)sqlite3_reset(w->policy_of);
	return RC_OK;
}

static enum rc
link_check(struct verify_walk *w, const struct record *r, struct span body,
    struct span hash)
{
	uint8_t wanted[SHA256_LEN];
	enum rc rc = record_hash(
	    r, w->end.head.hash, w->end.policy, body, &w->scratch, wanted);

	if (rc != RC_OK)
		return rc;
	if (!span_eq(hash, span_of(wanted, sizeof(wanted))))
		return broken(w, r->n,
		    "its hash is not that of its content after the record before it");
	for (size_t i = 0; i < w->n_heads; i++)
		if (w->heads[i].count == r->n)
			w->states[i] = memcmp(w->heads[i].hash, wanted,
					   sizeof(wanted)) == 0
					   ? HEAD_MET
					   : HEAD_OTHER;
	memcpy(w->end.head.hash, wanted, sizeof(wanted));
	return RC_OK;
}

static void
ledger_verify_count_up(struct ledger_totals *t, enum record_kind kind)
{
	t->records++;
	t->certificates += kind == RECORD_RESULT || kind == RECORD_REGAINED;
	t->voids += kind == RECORD_VOID;
	t->refusals += kind == RECORD_REFUSAL;
	t->bundles += kind == RECORD_BUNDLE;
	t->manifests += kind == RECORD_MANIFEST || kind == RECORD_IMPORT;
	t->revoked += kind == RECORD_REVOKED;
	t->adopted += kind == RECORD_ADOPTED_CERT;
}

static enum rc
imported_heads(struct verify_walk *w, const struct record *r)
{
	struct ledger_head head;
	uint8_t policy[SHA256_LEN];
	enum rc rc;

	if (r->kind != RECORD_IMPORT || w->n_heads == 0)
		return RC_OK;
	rc = import_head_read(r, &head, policy);
	for (size_t i = 0; i < w->n_heads && rc == RC_OK; i++)
		if (w->heads[i].count == head.count &&
		    memcmp(w->heads[i].hash, head.hash, SHA256_LEN) == 0)
			w->states[i] = HEAD_IMPORTED;
	return rc;
}

static enum rc
row_check(struct verify_walk *w, sqlite3_stmt *st)
{
	struct record r = { 0 };
	uint64_t n = (uint64_t)sqlite3_column_int64(st, 0);
	uint64_t wanted = w->end.head.count + 1;
	enum rc rc = RC_OK;

	if (n == wanted || sqlite3_column_int(st, 2) == RECORD_IMPORT) {
		rc = ledger_record_of_row(st, 0, &r);
		if (rc == RC_OK)
			wanted = record_number(&r, w->end.head.count);
	}
	if (rc == RC_OK && n != wanted)
		return broken(w, wanted, "is missing");
	if (rc == RC_OK && r.at < w->end.at && r.kind != RECORD_CLOCK)
		rc = broken(
		    w, n, "its time is before that of the record before it");
	if (rc == RC_OK && r.kind == RECORD_CLOCK &&
	    r.u.clock.before != (uint64_t)w->end.at)
		rc = broken(w, n, "the time before it was another");
	if (rc == RC_OK)
		rc = ledger_index_apply(&w->index, &r);
	if (rc == RC_OK)
		rc = policy_follow(w, &r);
	if (rc == RC_OK)
		rc = link_check(w, &r, db_blob(st, 4), db_blob(st, 5));
	if (rc == RC_OK)
		rc = imported_heads(w, &r);
	w->end.head.count = n;
	w->end.at = r.at;
	ledger_verify_count_up(&w->totals, r.kind);
	return rc;
}

static enum rc
chain_walk(struct verify_walk *w)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(w->ledger, &st,
	    "SELECT n, at, kind, policy, body, hash FROM record ORDER BY n");

	while (db_next(&w->ledger->db, st, &rc))
		rc = row_check(w, st);
	return rc;
}

static enum rc
heads_check(const struct verify_walk *w)
{
	for (size_t i = 0; i < w->n_heads; i++) {
		uint64_t n = w->heads[i].count;

		if (w->states[i] == HEAD_MET || w->states[i] == HEAD_IMPORTED)
			continue;
		if (n <= w->end.head.count)
			return broken(w, n,
			    "a manifest was made over another one: this is another history");
		return err_set(RC_STATE,
		    "%s: ends with record %" PRIu64
		    ", but a manifest was made over record %" PRIu64
		    ": its tail is lost",
		    w->ledger->db.path, w->end.head.count, n);
	}
	return RC_OK;
}

/* ---- the other tables -----------------------------------------------------
 */

struct table {
	const char *name;
	const char *rows; /* the same in both databases, in one order */
	int since;	  /* a column that older rows lack; 0: none */
};

static const struct table tables[] = {
	{ "sqlite_schema",
	    "SELECT name, type, tbl_name, sql FROM sqlite_schema"
	    " ORDER BY name",
	    0 },
	{ "policy", "SELECT * FROM policy ORDER BY id", 0 },
	{ "requester", "SELECT * FROM requester ORDER BY key_id", 0 },
	{ "bundle", "SELECT * FROM bundle ORDER BY n", 0 },
	{ "manifest", "SELECT * FROM manifest ORDER BY channel, sequence", 0 },
	{ "serial", "SELECT * FROM serial ORDER BY serial", 0 },
	{ "certificate", "SELECT * FROM certificate ORDER BY intent", 5 },
	{ "revocation", "SELECT * FROM revocation ORDER BY serial", 0 },
	{ "revoked_key", "SELECT * FROM revoked_key ORDER BY key_id", 0 },
	{ "crl_series", "SELECT * FROM crl_series ORDER BY last", 0 },
	{ "crl", "SELECT * FROM crl ORDER BY number", 0 },
};

static bool
same_row(const struct table *table, sqlite3_stmt *a, sqlite3_stmt *b)
{
	if (sqlite3_column_count(a) != sqlite3_column_count(b))
		return false;
	for (int i = 0; i < sqlite3_column_count(a); i++) {
		if (i != 0 && i == table->since &&
		    sqlite3_column_type(a, i) == SQLITE_NULL)
			continue;
		if (sqlite3_column_type(a, i) != sqlite3_column_type(b, i))
			return false;
		if (sqlite3_column_type(a, i) == SQLITE_INTEGER
			? sqlite3_column_int64(a, i) !=
			      sqlite3_column_int64(b, i)
			: !span_eq(db_blob(a, i), db_blob(b, i)))
			return false;
	}
	return true;
}

/* What tells the row: its first column. */
static enum rc
differs(
    const struct verify_walk *w, const struct table *table, sqlite3_stmt *st)
{
	bool is_blob = sqlite3_column_type(st, 0) == SQLITE_BLOB;
	struct span bytes = is_blob ? db_blob(st, 0) : SPAN_NONE;
	char hex[2 * SHA256_LEN + 1];

	if (!is_blob || bytes.n > SHA256_LEN)
		return err_set(RC_STATE,
		    "%s: table %s: row %.*s is not what the records say",
		    w->ledger->db.path, table->name, SPAN_FMT(db_text(st, 0)));
	hex_write(bytes, hex);
	return err_set(RC_STATE,
	    "%s: table %s: row %s is not what the records say",
	    w->ledger->db.path, table->name, hex);
}

/* Which of two rows comes first: that one the other table lacks. */
static bool
comes_before(sqlite3_stmt *a, sqlite3_stmt *b)
{
	struct span x, y;
	size_t n;
	int order;

	if (sqlite3_column_type(a, 0) == SQLITE_INTEGER)
		return sqlite3_column_int64(a, 0) < sqlite3_column_int64(b, 0);
	x = db_blob(a, 0);
	y = db_blob(b, 0);
	n = x.n < y.n ? x.n : y.n;
	order = n == 0 ? 0 : memcmp(x.p, y.p, n);
	return order < 0 || (order == 0 && x.n < y.n);
}

static enum rc
table_compare(struct verify_walk *w, const struct table *table)
{
	OWN(sqlite3_stmt) *found = NULL;
	OWN(sqlite3_stmt) *wanted = NULL;
	bool has_found = true, has_wanted = true;
	enum rc rc = ledger_query(w->ledger, &found, table->rows);

	if (rc == RC_OK)
		rc = db_prepare(&w->rebuilt, table->rows, &wanted);
	while (rc == RC_OK && has_found && has_wanted) {
		rc = db_step(&w->ledger->db, found, &has_found);
		if (rc == RC_OK)
			rc = db_step(&w->rebuilt, wanted, &has_wanted);
		if (rc != RC_OK)
			break;
		if (has_found != has_wanted)
			return differs(w, table, has_found ? found : wanted);
		if (has_found && !same_row(table, found, wanted))
			return differs(w, table,
			    comes_before(wanted, found) ? wanted : found);
	}
	return rc;
}

static enum rc
snapshot(struct ledger *ledger, const char *sql)
{
	if (sqlite3_exec(ledger->db.sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(RC_IO, "%s: %s", ledger->db.path,
		    sqlite3_errmsg(ledger->db.sql));
	return RC_OK;
}

static enum rc
verify_all(struct verify_walk *w)
{
	enum rc rc = db_check(&w->ledger->db);

	if (rc == RC_OK)
		rc = rebuilt_open(w);
	if (rc == RC_OK)
		rc = chain_walk(w);
	if (rc == RC_OK)
		rc = heads_check(w);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (rc == RC_OK)
			rc = table_compare(w, &tables[i]);
	return rc;
}

enum rc
ledger_verify(struct ledger *ledger, const struct ledger_head *heads,
    size_t n_heads, struct ledger_totals *ret)
{
	WIPED(verify_walk)
	w = { .ledger = ledger, .heads = heads, .n_heads = n_heads };
	enum rc rc;

	w.states = calloc(n_heads == 0 ? 1 : n_heads, sizeof(*w.states));
	if (w.states == NULL)
		return err_memory();
	/* One state of the ledger, whatever a signer commits meanwhile. */
	rc = snapshot(ledger, "BEGIN");
	if (rc != RC_OK)
		return rc;
	rc = verify_all(&w);
	db_rollback(&ledger->db);
	if (rc == RC_OK)
		*ret = w.totals;
	return rc;
}
