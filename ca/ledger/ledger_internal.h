/* SPDX-License-Identifier: Apache-2.0 */
/** What the ledger's own files share, and nobody else includes. */
#ifndef CA_LEDGER_LEDGER_INTERNAL_H
#define CA_LEDGER_LEDGER_INTERNAL_H

#include "ca/ledger/ledger_index.h"

#define LEDGER_KEPT_MAX ((size_t)1 << 20) /* larger buffers are not kept */

/** The end of the chain, kept in memory so that writing never looks it up. */
struct ledger_end {
	struct ledger_head head;
	int64_t at;		   /* of the newest record: the high-water mark */
	int64_t policy_id;	   /* 0: none yet */
	uint8_t policy[SHA256_LEN]; /* its digest */
};

struct ledger {
	struct db db;
	int lock; /* of the one writer; -1 for a reader */
	struct ledger_end end, before; /* before: at ledger_begin */
	int64_t now; /* of ledger_stamp; -1 until it is called */
	bool open;   /* between ledger_begin and its commit or rollback */
	bool failed; /* an addition failed half-way: no commit */
	bool lost;   /* a commit failed: nobody knows what the file holds now */
	struct ledger_index index;
	sqlite3_stmt *record_add, *record_get, *cert_get, *der_get;
	sqlite3_stmt *revoked_get, *key_revoked_get;
	struct buf body, chain; /* kept for the next record */
	struct buf got; /* body of the last ledger_record_get, and its hash */
	uint8_t got_hash[SHA256_LEN];
};

/** Give the record its n, time and policy, write it, and its rows. */
enum rc ledger_append(struct ledger *ledger, struct record *record) MUST_CHECK;

/** The same for a RECORD_MANIFEST, whose file is its last field: `file` is read
 * into the record and given back out of it, on failure too. */
enum rc ledger_append_manifest(struct ledger *ledger, struct record *record,
    struct buf *file) MUST_CHECK;

/** Make a buffer of the last field of the record that ledger_record_get gave,
 * which is gone then. */
void ledger_got_take(struct ledger *ledger, struct span file, struct buf *ret);

/** Record `n`, which must be there and of this kind (0: any). Its spans, and
 * `ret_hash` if not NULL, are good until the next ledger_record_get. */
enum rc ledger_record_get(struct ledger *ledger, uint64_t n,
    enum record_kind kind, struct record *ret, struct span *ret_hash)
    MUST_CHECK;

/** The same for the last record before number `n`. */
enum rc ledger_record_before(struct ledger *ledger, uint64_t n,
    struct record *ret, struct span *ret_hash) MUST_CHECK;

/** The columns n, at, kind, policy, body of a row, from `column` on. */
enum rc ledger_record_of_row(sqlite3_stmt *st, int column, struct record *ret)
    MUST_CHECK;

/** The newest record of a rare kind (not INTENT, RESULT, REFUSAL, VOID). 0: none */
enum rc ledger_newest_of(struct ledger *ledger, enum record_kind kind,
    uint64_t *ret_n) MUST_CHECK;
/** The same among records 1 to `until`. */
enum rc ledger_newest_until(struct ledger *ledger, enum record_kind kind,
    uint64_t until, uint64_t *ret_n) MUST_CHECK;

/** Prepare and bind a statement for one use. */
enum rc ledger_query(struct ledger *ledger, sqlite3_stmt **ret, const char *sql)
    MUST_CHECK;

/** Read one row into its zeroed place in a list. */
typedef enum rc ledger_row(
    struct ledger *ledger, sqlite3_stmt *st, void *item);

/** All rows of a bound statement as a list that grows as they come, for what
 * a ledger has few of. *ret_items is set on failure too, for the owner to
 * release with the *ret_n items that were read whole. */
enum rc ledger_rows_take(struct ledger *ledger, sqlite3_stmt *st,
    size_t item_size, ledger_row *row, void **ret_items, size_t *ret_n)
    MUST_CHECK;

/** The condition of index record_kind: whoever looks for records of a rare kind says it
 * with theirs, for SQLite concludes it from none and walks all records instead. */
#define KIND_IS_RARE "kind NOT IN (6, 7, 8, 9)"

/** Call for each record that a bound statement over RECORD_COLUMNS finds. */
#define RECORD_COLUMNS "n, at, kind, policy, body, hash"
enum rc ledger_records_walk(struct ledger *ledger, sqlite3_stmt *st,
    record_fn *each, void *arg) MUST_CHECK;
/** And for each of one rare kind since the newest RECORD_RESTORED. */
enum rc ledger_since_restored_each(struct ledger *ledger, enum record_kind kind,
    record_fn *each, void *arg) MUST_CHECK;

void intent_of_record(const struct record *record, struct intent *ret);
/** The intent that a RECORD_REGAINED stands for. \retval RC_STATE damaged */
enum rc intent_of_regained(const struct record *record, uint64_t bundle,
    struct intent *ret) MUST_CHECK;
/** What the manifest of a RECORD_IMPORT was made over, and under. */
enum rc import_head_read(const struct record *record,
    struct ledger_head *ret_head, uint8_t ret_policy[static SHA256_LEN])
    MUST_CHECK;

#endif
