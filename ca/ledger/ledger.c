/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, the lock, the end of the chain, and appending to it. What a record
 * says is in ledger_record.c, its rows in ledger_index.c. */
#include "base/file.h"
#include "ca/ledger/ledger_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A reader may take its time; a signer waits for it rather than fail with
 * signatures made and not recorded. */
#define LEDGER_BUSY_MS (10 * 60 * 1000)

/* ---- one writer -----------------------------------------------------------
 */

#define LOCK_HELD "in use by another airgap-ca"

/* Who holds the lock, if he came to write it there. */
static enum rc
lock_name_holder(int fd, const char *path)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n <= 0 ? 0 : strspn(pid, "0123456789")] = '\0';
	return *pid == '\0'
		   ? RC_STATE
		   : err_set(RC_STATE, "%s: " LOCK_HELD " (pid %s)", path, pid);
}

/* Only for the sentence that another one prints. */
static enum rc
lock_sign(int fd, const char *name)
{
	char pid[24];
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	while (ftruncate(fd, 0) != 0)
		if (errno != EINTR)
			return err_errno(RC_IO, errno, "%s", name);
	return fd_write_all(fd, span_of(pid, (size_t)n), name);
}

/* The lock is on a file of its own: closing a second descriptor of the database
 * would drop SQLite's locks. It is held by the open descriptor, so it ends with
 * the process; the file stays. */
static enum rc
lock_take(const char *path, int *ret_fd)
{
	WIPED(buf) name = { 0 };
	const char *lock;
	int fd;
	enum rc rc = buf_printf(&name, "%s.lock", path);

	if (rc != RC_OK)
		return rc;
	lock = buf_cstr(&name);
	if (lock == NULL)
		return err_memory();
	fd = fd_openat(
	    AT_FDCWD, lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(RC_IO, errno, "%s", lock);
	rc = fd_lock(fd, path, LOCK_HELD);
	if (rc == RC_STATE)
		rc = lock_name_holder(fd, path);
	if (rc == RC_OK)
		rc = lock_sign(fd, lock);
	if (rc != RC_OK) {
		fd_close(&fd);
		return rc;
	}
	*ret_fd = fd;
	return RC_OK;
}

/* ---- open and close -------------------------------------------------------
 */

static enum rc
policy_digest_get(
    struct ledger *ledger, int64_t id, uint8_t ret_digest[static SHA256_LEN])
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc =
	    ledger_query(ledger, &st, "SELECT digest FROM policy WHERE id = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", id);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc != RC_OK)
		return rc;
	if (!row || db_blob(st, 0).n != SHA256_LEN)
		return err_set(RC_STATE, "%s: policy %" PRId64 " is missing",
		    ledger->db.path, id);
	memcpy(ret_digest, db_blob(st, 0).p, SHA256_LEN);
	return RC_OK;
}

/* The newest record must follow from its own content and the hash before it:
 * a torn or edited end is noticed before anything is built on it. */
static enum rc
end_check(struct ledger *ledger, sqlite3_stmt *st, struct ledger_end *ret_end)
{
	static const uint8_t none[SHA256_LEN];
	struct ledger_end end = { 0 };
	struct record r = { 0 };
	uint8_t hash[SHA256_LEN];
	struct span previous = span_of(none, sizeof(none));
	enum rc rc = ledger_record_of_row(st, 0, &r);

	if (rc == RC_OK)
		rc = policy_digest_get(ledger, r.policy_id, end.policy);
	if (rc == RC_OK && r.n > 1) {
		struct record prior;

		rc = ledger_record_before(ledger, r.n, &prior, &previous);
	}
	if (rc == RC_OK)
		rc = record_hash(&r, previous.p, end.policy, db_blob(st, 4),
		    &ledger->chain, hash);
	if (rc != RC_OK)
		return rc;
	if (!span_eq(db_blob(st, 5), span_of(hash, sizeof(hash))))
		return err_set(RC_STATE,
		    "%s: record %" PRIu64
		    ", the newest, does not have the hash of its content: damaged or edited",
		    ledger->db.path, r.n);
	end.head.count = r.n;
	memcpy(end.head.hash, hash, sizeof(hash));
	end.at = r.at;
	end.policy_id = r.policy_id;
	*ret_end = end;
	return RC_OK;
}

static enum rc
end_read(struct ledger *ledger)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record ORDER BY n DESC LIMIT 1");

	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	return end_check(ledger, st, &ledger->end);
}

/* A reader cannot clean up after a signer that was killed while it committed;
 * whoever may write does, by opening once for writing. */
static enum rc
open_for_reading(struct db *db, const char *path)
{
	WIPED(buf) journal = { 0 };
	WIPED(db) mended = { 0 };
	const char *name;
	enum rc rc = db_open_read(db, path, &ledger_kind);

	if (rc != RC_IO || buf_printf(&journal, "%s-journal", path) != RC_OK)
		return rc;
	name = buf_cstr(&journal);
	if (name == NULL || access(name, F_OK) != 0)
		return rc;
	rc = db_open(&mended, path, &ledger_kind, false);
	return rc != RC_OK ? rc : db_open_read(db, path, &ledger_kind);
}

static enum rc
ledger_new(struct ledger **ret)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (ledger == NULL)
		return err_memory();
	ledger->lock = -1;
	ledger->now = -1;
	ledger->index.db = &ledger->db;
	*ret = ledger;
	return RC_OK;
}

enum rc
ledger_create(const char *path, struct ledger **ret)
{
	OWNS(ledger) *ledger = NULL;
	enum rc rc = ledger_new(&ledger);

	if (rc == RC_OK)
		rc = lock_take(path, &ledger->lock);
	if (rc == RC_OK)
		rc = db_open(&ledger->db, path, &ledger_kind, true);
	if (rc != RC_OK)
		return rc;
	(void)sqlite3_busy_timeout(ledger->db.sql, LEDGER_BUSY_MS);
	*ret = MOVE(ledger);
	return RC_OK;
}

enum rc
ledger_open(const char *path, bool write, struct ledger **ret)
{
	OWNS(ledger) *ledger = NULL;
	enum rc rc = ledger_new(&ledger);

	if (rc == RC_OK && write && access(path, F_OK) != 0)
		rc = err_errno(RC_STATE, errno, "%s", path);
	if (rc == RC_OK && write)
		rc = lock_take(path, &ledger->lock);
	if (rc == RC_OK)
		rc = write ? db_open(&ledger->db, path, &ledger_kind, false)
			   : open_for_reading(&ledger->db, path);
	if (rc != RC_OK)
		return rc;
	(void)sqlite3_busy_timeout(ledger->db.sql, LEDGER_BUSY_MS);
	rc = end_read(ledger);
	if (rc != RC_OK)
		return rc;
	*ret = MOVE(ledger);
	return RC_OK;
}

void
ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	(void)sqlite3_finalize(ledger->record_add);
	(void)sqlite3_finalize(ledger->record_get);
	(void)sqlite3_finalize(ledger->cert_get);
	(void)sqlite3_finalize(ledger->der_get);
	(void)sqlite3_finalize(ledger->revoked_get);
	(void)sqlite3_finalize(ledger->key_revoked_get);
	ledger_index_wipe(&ledger->index);
	ledger_rollback(ledger);
	db_wipe(&ledger->db);
	fd_close(&ledger->lock);
	buf_wipe(&ledger->body);
	buf_wipe(&ledger->chain);
	buf_wipe(&ledger->got);
	free(ledger);
}

/* ---- transactions ---------------------------------------------------------
 */

enum rc
ledger_begin(struct ledger *ledger)
{
	enum rc rc;

	assert(ledger->lock >= 0);
	if (ledger->lost)
		return err_set(RC_IO,
		    "%s: a commit failed: nothing more is written by this run",
		    ledger->db.path);
	rc = db_begin(&ledger->db);
	if (rc != RC_OK)
		return rc;
	ledger->before = ledger->end;
	ledger->open = true;
	ledger->failed = false;
	ledger->now = -1; /* a clock looked at once for each transaction */
	return RC_OK;
}

/* After a commit that failed the file may hold the transaction or not, and only
 * who opens it next finds out: records on top would not fit. */
enum rc
ledger_commit(struct ledger *ledger)
{
	enum rc rc;

	if (ledger->failed)
		return err_set(RC_BUG,
		    "%s: a transaction that failed cannot be committed",
		    ledger->db.path);
	rc = db_commit(&ledger->db);
	if (rc == RC_OK)
		ledger->open = false;
	ledger->lost |= rc != RC_OK;
	return rc;
}

void
ledger_rollback(struct ledger *ledger)
{
	/* SQLite may have ended the transaction by itself. */
	if (!ledger->open)
		return;
	ledger->open = false;
	db_rollback(&ledger->db);
	ledger->end = ledger->before;
	ledger->index.open_bundle = 0;
	ledger->index.regaining = 0;
	ledger->failed = false;
}

enum rc
ledger_read_begin(struct ledger *ledger)
{
	return ledger->open ? RC_OK : db_begin_read(&ledger->db);
}

void
ledger_read_end(struct ledger *ledger)
{
	if (!ledger->open)
		db_rollback(&ledger->db);
}

/* ---- records --------------------------------------------------------------
 */

/* Each hash is over the record and the hash before it: no record can be
 * changed, taken out or moved without all that follow it. */
static enum rc
record_store(struct ledger *ledger, const struct record *r)
{
	uint8_t hash[SHA256_LEN];
	enum rc rc = record_hash(r, ledger->end.head.hash, ledger->end.policy,
	    buf_span(&ledger->body), &ledger->chain, hash);

	if (rc == RC_OK && ledger->record_add == NULL)
		rc = db_prepare(&ledger->db,
		    "INSERT INTO record(" RECORD_COLUMNS ")"
		    " VALUES(?, ?, ?, ?, ?, ?)",
		    &ledger->record_add);
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, ledger->record_add, "iiiibb",
		    (int64_t)r->n, r->at, (int64_t)r->kind, r->policy_id,
		    buf_span(&ledger->body), span_of(hash, sizeof(hash)));
	if (rc == RC_OK)
		rc = db_done(&ledger->db, ledger->record_add);
	if (rc != RC_OK)
		return rc;
	ledger->end.head.count = r->n;
	memcpy(ledger->end.head.hash, hash, sizeof(hash));
	ledger->end.at = r->at;
	return RC_OK;
}

static enum rc
append_begin(struct ledger *ledger, struct record *record)
{
	/* Both are mistakes of the caller, not of an input. After a failure
	 * SQLite may have left the transaction, and a caller who went on would
	 * commit each row on its own. */
	assert(!sqlite3_get_autocommit(ledger->db.sql));
	assert(ledger->now >= 0 && ledger->end.policy_id != 0);
	record->n = record_number(record, ledger->end.head.count);
	record->at = ledger->now;
	record->policy_id = ledger->end.policy_id;

	buf_reset(&ledger->body);
	return record_encode(record, &ledger->body);
}

/* The record, whose body is encoded, and its rows. */
static enum rc
append_end(struct ledger *ledger, const struct record *record)
{
	enum rc rc = ledger_index_apply(&ledger->index, record);

	/* An intent's serial is looked at before anything is written. */
	if (rc == RC_STATE && record->kind == RECORD_INTENT)
		return rc;
	if (rc == RC_OK)
		rc = record_store(ledger, record);
	ledger->failed |= rc != RC_OK;
	return rc;
}

enum rc
ledger_append(struct ledger *ledger, struct record *record)
{
	enum rc rc = append_begin(ledger, record);

	if (rc == RC_OK)
		rc = append_end(ledger, record);
	if (ledger->body.cap > LEDGER_KEPT_MAX)
		buf_wipe(&ledger->body);
	return rc;
}

enum rc
ledger_append_manifest(
    struct ledger *ledger, struct record *record, struct buf *file)
{
	size_t n = file->n;
	enum rc rc;

	record->u.manifest.file = buf_span(file);
	rc = append_begin(ledger, record);
	if (rc != RC_OK)
		return rc;
	/* SQLite makes a copy too: two at a time are enough. */
	buf_wipe(file);
	record->u.manifest.file =
	    span_of(ledger->body.p + ledger->body.n - n, n);
	rc = append_end(ledger, record);
	buf_keep_last(&ledger->body, n);
	*file = ledger->body;
	ledger->body = (struct buf){ 0 };
	return rc;
}

/* ---- the end of the chain --------------------------------------------------
 */

void
ledger_head_get(const struct ledger *ledger, struct ledger_head *ret)
{
	*ret = ledger->end.head;
}

int64_t
ledger_high_water(const struct ledger *ledger)
{
	return ledger->end.at;
}
