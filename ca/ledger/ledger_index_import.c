/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of what came back after a backup was restored. Few and rare: their
 * statements are not kept. */
#include "base/own_ssl.h"
#include "ca/ledger/ledger_index.h"
#include "transfer/format/cose.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>

static enum rc
ledger_index_import_misfit(const struct record *r, const char *why)
{
	return err_set(RC_STATE, "ledger record %" PRIu64 ", %s: %s", r->n,
	    record_kind_text(r->kind), why);
}

/* Run a statement that is bound to its end. A constraint that it breaks means
 * that it changes nothing; `ret_n` is how many rows it changed. */
static enum rc
ledger_index_import_run(
    struct ledger_index *index, sqlite3_stmt *st, int *ret_n)
{
	enum rc rc = db_done(index->db, st);

	*ret_n = rc == RC_OK ? sqlite3_changes(index->db->sql) : 0;
	if (rc == RC_STATE && (sqlite3_extended_errcode(index->db->sql) &
				  0xff) == SQLITE_CONSTRAINT)
		return RC_OK;
	return rc;
}

static enum rc
look_up(struct ledger_index *index, sqlite3_stmt *st, uint64_t *ret)
{
	bool row = false;
	enum rc rc = db_step(index->db, st, &row);

	if (rc == RC_OK)
		*ret = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return rc;
}

/* ---- manifests ------------------------------------------------------------
 */

static enum rc
ledger_index_import_channel_check(
    struct ledger_index *index, const struct record *r)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint64_t last = 0;
	enum rc rc = db_prepare(index->db,
	    "SELECT coalesce(max(sequence), 0) FROM manifest"
	    " WHERE channel = ?",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "b", r->u.import.channel);
	if (rc == RC_OK)
		rc = look_up(index, st, &last);
	if (rc == RC_OK && r->u.import.sequence != last + 1)
		return ledger_index_import_misfit(
		    r, "it does not continue its channel");
	return rc;
}

/* Known from before the backup, then it is answered now; or all that is known
 * of it is what its manifest says. */
static enum rc
bundle_apply(struct ledger_index *index, const struct record *r, uint64_t *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	OWN(sqlite3_stmt) *change = NULL;
	uint64_t n = 0;
	int changed = 0;
	enum rc rc;

	*ret = 0;
	if (r->u.import.bundle_id.n == 0)
		return RC_OK;
	rc = db_prepare(index->db,
	    "SELECT n FROM bundle WHERE id = ? AND requester = ?", &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "bb", r->u.import.bundle_id,
		    r->u.import.channel);
	if (rc == RC_OK)
		rc = look_up(index, st, &n);
	if (rc == RC_OK)
		rc = db_prepare(index->db,
		    n != 0 ? "UPDATE bundle SET answered = ?5, closed = 0"
			     " WHERE n = ?1 AND id = ?2 AND digest = ?3"
			     " AND requester = ?4 AND answered = 0"
			   : "INSERT INTO bundle(n, id, digest, requester,"
			     " answered, sequence, closed)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0)",
		    &change);
	if (rc == RC_OK)
		rc = db_bind(index->db, change, n != 0 ? "ibbbi" : "ibbbii",
		    (int64_t)(n != 0 ? n : r->n), r->u.import.bundle_id,
		    r->u.import.bundle_digest, r->u.import.channel,
		    (int64_t)r->u.import.sequence,
		    (int64_t)r->u.import.bundle_sequence);
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, change, &changed);
	if (rc == RC_OK && changed != 1)
		return ledger_index_import_misfit(
		    r, "its bundle is known otherwise");
	*ret = n != 0 ? n : r->n;
	return rc;
}

/* A requester that nobody here has met is as one that was removed: its channel
 * is kept, and the words are compared when it comes. */
static enum rc
requester_apply(struct ledger_index *index, const struct record *r)
{
	OWN(sqlite3_stmt) *st = NULL;
	int changed = 0;
	enum rc rc = db_prepare(index->db,
	    "INSERT INTO requester(key_id, label, n, removed, last_bundle,"
	    " last_manifest, arrived) VALUES(?1, '', ?2, ?2, ?3, ?4, ?4)"
	    " ON CONFLICT(key_id) DO UPDATE SET"
	    " last_bundle = max(last_bundle, ?3), last_manifest = ?4,"
	    " arrived = ?4 WHERE last_manifest = ?4 - 1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "biii", r->u.import.channel,
		    (int64_t)r->n, (int64_t)r->u.import.bundle_sequence,
		    (int64_t)r->u.import.sequence);
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, st, &changed);
	if (rc == RC_OK && changed != 1)
		return ledger_index_import_misfit(
		    r, "it does not continue its channel");
	return rc;
}

static enum rc
manifest_apply(
    struct ledger_index *index, const struct record *r, uint64_t bundle)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t digest[SHA256_LEN];
	int changed = 0;
	enum rc rc = sha256(r->u.import.file, digest);

	if (rc == RC_OK)
		rc = db_prepare(index->db,
		    "INSERT INTO manifest(channel, sequence, n, digest,"
		    " bundle, checked) VALUES(?, ?, ?, ?, ?, 0)",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "biibi", r->u.import.channel,
		    (int64_t)r->u.import.sequence, (int64_t)r->n,
		    span_of(digest, sizeof(digest)), (int64_t)bundle);
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, st, &changed);
	if (rc == RC_OK && changed != 1)
		return ledger_index_import_misfit(r, "a manifest twice");
	return rc;
}

/* Others' shadows of the same slot may have numbers above those of this
 * manifest. */
#define CRLS_BESIDE 1000

/* Where another record has told of the same, it changes nothing. */
static enum rc
crl_numbers_use(
    struct ledger_index *index, const struct record *r, uint64_t highest)
{
	OWN(sqlite3_stmt) *st = NULL;
	int changed;
	enum rc rc = db_prepare(index->db,
	    "INSERT INTO crl_series(last, first, n)"
	    " VALUES(?1 + ?2, ?1, ?3)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "iii", (int64_t)highest,
		    (int64_t)CRLS_BESIDE, (int64_t)r->n);
	return rc != RC_OK ? rc : ledger_index_import_run(index, st, &changed);
}

/* CRL numbers of the lost part are used, whoever has those CRLs. */
static enum rc
crl_numbers_apply(struct ledger_index *index, const struct record *r)
{
	WIPED(manifest) m = { .sequence = 0 };
	struct cose cose;
	uint64_t highest = 0;
	enum rc rc = cose_read(
	    "an imported manifest", r->u.import.file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read("an imported manifest", cose.payload, &m);
	if (rc == RC_FORMAT)
		return err_in(RC_STATE, "ledger record %" PRIu64, r->n);
	for (size_t i = 0; i < m.n_crls; i++)
		if (m.crls[i].number > highest)
			highest = m.crls[i].number;
	return rc != RC_OK || highest == 0 ? rc
					   : crl_numbers_use(index, r, highest);
}

enum rc
ledger_index_crl_seen(struct ledger_index *index, const struct record *r)
{
	return crl_numbers_use(index, r, r->u.crl_seen.number);
}

enum rc
ledger_index_import(struct ledger_index *index, const struct record *r)
{
	uint64_t bundle = 0;
	enum rc rc = ledger_index_import_channel_check(index, r);

	index->open_bundle = 0;
	if (rc == RC_OK)
		rc = bundle_apply(index, r, &bundle);
	if (rc == RC_OK)
		rc = requester_apply(index, r);
	if (rc == RC_OK)
		rc = manifest_apply(index, r, bundle);
	if (rc == RC_OK)
		rc = crl_numbers_apply(index, r);
	if (rc == RC_OK)
		index->regaining = bundle;
	return rc;
}

/* ---- certificates ---------------------------------------------------------
 */

struct serial {
	uint8_t bytes[SERIAL_MAX];
	size_t n;
};

static enum rc
ledger_index_import_read_cert(
    const struct record *r, struct serial *ret_serial, int64_t *ret_not_after)
{
	OWN(X509) *x = NULL;
	OWN(BIGNUM) *number = NULL;
	int64_t not_before;
	int n;
	enum rc rc =
	    cert_parse("a regained certificate", r->u.regained.der, &x);

	if (rc == RC_OK)
		rc = cert_window(x, &not_before, ret_not_after);
	if (rc != RC_OK)
		return err_in(RC_STATE, "ledger record %" PRIu64, r->n);
	number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	n = number == NULL ? 0 : BN_num_bytes(number);
	if (n < 1 || n > SERIAL_MAX || BN_is_negative(number))
		return ledger_index_import_misfit(
		    r, "a serial that is no serial");
	(void)BN_bn2bin(number, ret_serial->bytes);
	ret_serial->n = (size_t)n;
	return RC_OK;
}

static enum rc
ledger_index_import_serial_find(
    struct ledger_index *index, const struct serial *serial, uint64_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc =
	    db_prepare(index->db, "SELECT n FROM serial WHERE serial = ?", &st);

	if (rc == RC_OK)
		rc = db_bind(
		    index->db, st, "b", span_of(serial->bytes, serial->n));
	return rc != RC_OK ? rc : look_up(index, st, ret_n);
}

/* Its intent is from before the backup, and has no certificate that left. */
static enum rc
resolve(struct ledger_index *index, const struct record *r, uint64_t intent)
{
	OWN(sqlite3_stmt) *st = NULL;
	int changed = 0;
	enum rc rc = db_prepare(index->db,
	    "UPDATE certificate SET result = ?2 WHERE intent = ?1"
	    " AND bundle = ?3 AND (result = 0 OR void != 0)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "iii", (int64_t)intent,
		    (int64_t)r->n, (int64_t)index->regaining);
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, st, &changed);
	if (rc == RC_OK && changed != 1)
		return ledger_index_import_misfit(
		    r, "its serial has another certificate");
	return rc;
}

/* Is it known as one that a CRL lists, and as nothing else? */
static enum rc
is_listed_alone(struct ledger_index *index, const struct serial *serial,
    uint64_t n, bool *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint64_t is = 0;
	enum rc rc = db_prepare(index->db,
	    "SELECT 1 FROM revocation WHERE serial = ?1 AND NOT EXISTS"
	    " (SELECT 1 FROM certificate WHERE intent = ?2)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "bi",
		    span_of(serial->bytes, serial->n), (int64_t)n);
	if (rc == RC_OK)
		rc = look_up(index, st, &is);
	*ret = is != 0;
	return rc;
}

/* A listed serial becomes that of its certificate. */
static enum rc
certificate_add(struct ledger_index *index, const struct record *r,
    const struct serial *serial, int64_t not_after)
{
	OWN(sqlite3_stmt) *one = NULL;
	OWN(sqlite3_stmt) *two = NULL;
	uint8_t key_id[SHA256_LEN];
	struct cert_parts parts;
	int changed = 0;
	enum rc rc = db_prepare(index->db,
	    "INSERT OR REPLACE INTO serial(serial, n) VALUES(?, ?)", &one);

	if (rc == RC_OK)
		rc = db_bind(index->db, one, "bi",
		    span_of(serial->bytes, serial->n), (int64_t)r->n);
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, one, &changed);
	if (rc == RC_OK)
		rc = db_prepare(index->db,
		    "INSERT INTO certificate(intent, bundle, not_after,"
		    " result, void, key_begin) VALUES(?1, ?2, ?3, ?1, 0, ?4)",
		    &two);
	if (rc == RC_OK)
		rc = cert_parts_read(
		    "a regained certificate", r->u.regained.der, &parts);
	if (rc == RC_OK)
		rc = sha256(parts.spki, key_id);
	if (rc == RC_OK)
		rc = db_bind(index->db, two, "iiii", (int64_t)r->n,
		    (int64_t)index->regaining, not_after,
		    ledger_key_begin(key_id));
	if (rc == RC_OK)
		rc = ledger_index_import_run(index, two, &changed);
	if (rc == RC_OK && changed != 1)
		return ledger_index_import_misfit(r, "a certificate twice");
	return rc;
}

enum rc
ledger_index_regained(struct ledger_index *index, const struct record *r)
{
	struct serial serial = { 0 };
	int64_t not_after = 0;
	uint64_t n = 0;
	bool listed = false;
	enum rc rc;

	if (index->regaining == 0)
		return ledger_index_import_misfit(
		    r, "no import of a response is before it");
	rc = ledger_index_import_read_cert(r, &serial, &not_after);
	if (rc == RC_OK)
		rc = ledger_index_import_serial_find(index, &serial, &n);
	if (rc == RC_OK && n != 0)
		rc = is_listed_alone(index, &serial, n, &listed);
	if (rc != RC_OK)
		return rc;
	return n != 0 && !listed
		   ? resolve(index, r, n)
		   : certificate_add(index, r, &serial, not_after);
}
