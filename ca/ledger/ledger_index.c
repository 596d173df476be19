/* SPDX-License-Identifier: Apache-2.0 */
/* The tables beside the chain. A row follows from the records and from nothing
 * else. And here is where records that do not fit those before them end: a
 * serial used twice, a second result, a response out of its order change no
 * row, or break a constraint, and are refused with their transaction. */
#include "ca/ledger/ledger_index.h"
#include "base/own_ssl.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/reason.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>

enum statement {
	POLICY_ADD,
	ENROL,
	REMOVE,
	BUNDLE_ADD,
	BUNDLE_SEEN,
	SERIAL_ADD,
	INTENT_ADD,
	RESULT,
	VOID,
	MANIFEST_ADD,
	MANIFEST_LAST,
	BUNDLE_DONE,
	CHANNEL_LAST,
	ARRIVED,
	BUNDLE_IS_OPEN,
	BUNDLE_CLOSED,
	CHECKED,
	BUNDLE_IS_KNOWN,
	REVOKE,
	KEY_REVOKE,
	CRL_ADD,
	CRL_SERIES_ADD,
	STATEMENTS,
};
_Static_assert(STATEMENTS <= INDEX_STATEMENTS, "room for every statement");

/* Every UPDATE says in its WHERE what must hold before: it changes one row, or
 * the record is refused. */
static const char *const sql[STATEMENTS] = {
	[POLICY_ADD] = "INSERT INTO policy(id, digest, n) VALUES(?, ?, ?)",
	[ENROL] = "INSERT INTO requester VALUES(?1, ?2, ?3, 0, 0, 0, 0)"
		  " ON CONFLICT(key_id) DO UPDATE SET label = ?2, n = ?3,"
		  " removed = 0 WHERE removed != 0",
	[REMOVE] = "UPDATE requester SET removed = ?2"
		   " WHERE key_id = ?1 AND removed = 0",
	[BUNDLE_ADD] = "INSERT INTO bundle VALUES(?, ?, ?, ?, ?, 0, 0)",
	[BUNDLE_SEEN] =
	    "UPDATE requester SET last_bundle = ?2"
	    " WHERE key_id = ?1 AND last_bundle < ?2 AND removed = 0",
	[SERIAL_ADD] = "INSERT INTO serial(serial, n) VALUES(?, ?)",
	[INTENT_ADD] = "INSERT INTO certificate VALUES(?, ?, ?, 0, 0, ?)",
	[RESULT] = "UPDATE certificate SET result = ?2"
		   " WHERE intent = ?1 AND result = 0 AND void = 0",
	[VOID] = "UPDATE certificate SET void = ?2"
		 " WHERE intent = ?1 AND void = 0 AND (result = 0 OR"
		 " (SELECT answered = 0 AND closed = 0 FROM bundle"
		 " WHERE n = certificate.bundle))",
	[MANIFEST_ADD] = "INSERT INTO manifest VALUES(?, ?, ?, ?, ?, 0)",
	[MANIFEST_LAST] = "UPDATE requester SET last_manifest = ?2"
			  " WHERE key_id = ?1 AND last_manifest = ?2 - 1",
	[BUNDLE_DONE] = "UPDATE bundle SET answered = ?2"
			" WHERE n = ?1 AND answered = 0 AND closed = 0"
			" AND requester = ?3",
	[CHANNEL_LAST] = "SELECT coalesce(max(sequence), 0) FROM manifest"
			 " WHERE channel = ?",
	[ARRIVED] = "UPDATE requester SET arrived = ?2 WHERE key_id = ?1"
		    " AND arrived < ?2 AND last_manifest >= ?2",
	[BUNDLE_IS_OPEN] = "SELECT 1 FROM bundle"
			   " WHERE n = ? AND answered = 0 AND closed = 0",
	[BUNDLE_CLOSED] = "UPDATE bundle SET closed = ?2"
			  " WHERE n = ?1 AND answered = 0 AND closed = 0",
	[CHECKED] = "UPDATE manifest SET checked = ?3 WHERE channel = ?1"
		    " AND sequence = ?2 AND checked = 0",
	[BUNDLE_IS_KNOWN] = "SELECT 1 FROM bundle WHERE n = ?",
	[REVOKE] = "INSERT INTO revocation(serial, n, at, reason, since,"
		   " not_after) SELECT serial, ?2, ?3, ?4, nullif(?5, 0), ?6"
		   " FROM serial WHERE serial = ?1",
	[CRL_ADD] = "INSERT INTO crl(number, n) SELECT ?1, ?2"
		    " FROM crl_series WHERE first <= ?1 AND last >= ?1"
		    " AND n = (SELECT max(n) FROM crl_series)",
	[CRL_SERIES_ADD] =
	    "INSERT INTO crl_series(last, first, n) SELECT ?1, ?2, ?3"
	    " WHERE ?2 > 0 AND ?2 <= ?1"
	    " AND NOT EXISTS (SELECT 1 FROM crl_series WHERE last >= ?2)",
	[KEY_REVOKE] = "INSERT INTO revoked_key(key_id, n) VALUES(?, ?)",
};

void
ledger_index_wipe(struct ledger_index *index)
{
	for (size_t i = 0; i < INDEX_STATEMENTS; i++)
		(void)sqlite3_finalize(index->st[i]);
	*index = (struct ledger_index){ 0 };
}

static enum rc
statement_get(
    struct ledger_index *index, enum statement which, sqlite3_stmt **ret)
{
	enum rc rc = RC_OK;

	if (index->st[which] == NULL)
		rc = db_prepare(index->db, sql[which], &index->st[which]);
	*ret = index->st[which];
	return rc;
}

static enum rc
ledger_index_misfit(const struct record *r, const char *why)
{
	return err_set(RC_STATE, "ledger record %" PRIu64 ", %s: %s", r->n,
	    record_kind_text(r->kind), why);
}

/* Run a statement that is bound; it changes one row, or `why` it did not. */
static enum rc
ledger_index_change(struct ledger_index *index, sqlite3_stmt *st,
    const struct record *r, const char *why)
{
	enum rc rc = db_done(index->db, st);

	if (rc == RC_STATE && sqlite3_errcode(index->db->sql) != 0 &&
	    (sqlite3_extended_errcode(index->db->sql) & 0xff) ==
		SQLITE_CONSTRAINT)
		return ledger_index_misfit(r, why);
	if (rc == RC_OK && sqlite3_changes(index->db->sql) != 1)
		return ledger_index_misfit(r, why);
	return rc;
}

static enum rc
query_int(struct ledger_index *index, sqlite3_stmt *st, int64_t *ret)
{
	bool row = false;
	enum rc rc = db_step(index->db, st, &row);

	if (rc == RC_OK)
		*ret = row ? sqlite3_column_int64(st, 0) : 0;
	(void)sqlite3_reset(st);
	return rc;
}

static bool
is_zero(struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.p[i] != 0)
			return false;
	return true;
}

/* ---- a function per kind --------------------------------------------------
 */

/* Most changes take a key and a number, or two numbers. */
static enum rc
change_by_key(struct ledger_index *index, enum statement which, struct span key,
    uint64_t value, const struct record *r, const char *why)
{
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, which, &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "bi", key, (int64_t)value);
	return rc != RC_OK ? rc : ledger_index_change(index, st, r, why);
}

static enum rc
change_by_n(struct ledger_index *index, enum statement which, uint64_t n,
    const struct record *r, const char *why)
{
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, which, &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "ii", (int64_t)n, (int64_t)r->n);
	return rc != RC_OK ? rc : ledger_index_change(index, st, r, why);
}

static enum rc
serial_add(
    struct ledger_index *index, struct span serial, const struct record *r)
{
	return change_by_key(index, SERIAL_ADD, serial, r->n, r,
	    "its serial is in the ledger already");
}

/* The CA's own certificates take part in the uniqueness of serials. */
static enum rc
serial_add_of(
    struct ledger_index *index, struct span cert, const struct record *r)
{
	OWN(X509) *x = cert_of_der(cert);
	OWN(BIGNUM) *number = NULL;
	uint8_t serial[SERIAL_MAX];
	int n;

	if (x == NULL)
		return err_set(RC_STATE,
		    "ledger record %" PRIu64 ": not a certificate", r->n);
	number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	n = number == NULL ? 0 : BN_num_bytes(number);
	if (n < 1 || n > SERIAL_MAX || BN_is_negative(number))
		return ledger_index_misfit(r, "a serial that is no serial");
	(void)BN_bn2bin(number, serial);
	return serial_add(index, span_of(serial, (size_t)n), r);
}

static enum rc
apply_init(struct ledger_index *index, const struct record *r)
{
	enum rc rc = serial_add_of(index, r->u.init.ca_cert, r);

	return rc != RC_OK ? rc
			   : serial_add_of(index, r->u.init.transfer_cert, r);
}

static enum rc
apply_transfer(struct ledger_index *index, const struct record *r)
{
	return serial_add_of(index, r->u.transfer.cert, r);
}

/* Before the signature: what came of it has serials that stand here already. */
static enum rc
apply_ca(struct ledger_index *index, const struct record *r)
{
	struct span rest = r->u.ca.ders;
	struct cert_parts parts;
	struct der one;
	enum rc rc = RC_OK;

	while (r->u.ca.done == 0 && rest.n != 0 && rc == RC_OK) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one))
			return ledger_index_misfit(r, "not a TBSCertificate");
		rc = tbs_parts_read("TBS", one.whole, &parts);
		if (rc != RC_OK)
			return ledger_index_misfit(r, "not a TBSCertificate");
		rc = serial_add(index, parts.serial, r);
	}
	return rc;
}

static enum rc
ledger_index_apply_policy(struct ledger_index *index, const struct record *r)
{
	uint8_t digest[SHA256_LEN];
	sqlite3_stmt *st;
	enum rc rc;

	if (r->u.policy.text.n == 0)
		return RC_OK; /* in force again; stored long ago */
	rc = sha256(r->u.policy.text, digest);
	if (rc == RC_OK &&
	    !span_eq(r->u.policy.digest, span_of(digest, sizeof(digest))))
		return ledger_index_misfit(
		    r, "the text does not have this digest");
	if (rc == RC_OK)
		rc = statement_get(index, POLICY_ADD, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "ibi", r->policy_id,
		    r->u.policy.digest, (int64_t)r->n);
	return rc != RC_OK ? rc
			   : ledger_index_change(
				 index, st, r, "its text is stored already");
}

static enum rc
apply_enrol(struct ledger_index *index, const struct record *r)
{
	uint8_t key_id[SHA256_LEN];
	sqlite3_stmt *st;
	enum rc rc = sha256(r->u.enrol.spki, key_id);

	if (rc == RC_OK)
		rc = statement_get(index, ENROL, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "bsi",
		    span_of(key_id, sizeof(key_id)), r->u.enrol.label,
		    (int64_t)r->n);
	return rc != RC_OK ? rc
			   : ledger_index_change(index, st, r,
				 "its key or its label is in use");
}

static enum rc
apply_remove(struct ledger_index *index, const struct record *r)
{
	return change_by_key(
	    index, REMOVE, r->u.remove.key_id, r->n, r, "no such requester");
}

static enum rc
apply_bundle(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, BUNDLE_ADD, &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "ibbbi", (int64_t)r->n,
		    r->u.bundle.id, r->u.bundle.digest, r->u.bundle.requester,
		    (int64_t)r->u.bundle.sequence);
	if (rc == RC_OK)
		rc = ledger_index_change(
		    index, st, r, "its requester used its id before");
	if (rc != RC_OK || is_zero(r->u.bundle.requester))
		return rc; /* loose requests have no requester */
	return change_by_key(index, BUNDLE_SEEN, r->u.bundle.requester,
	    r->u.bundle.sequence, r,
	    "its requester is unknown, or its sequence not above the last");
}

/* Asked for every intent of a batch: the answer changes with a manifest only,
 * and then, or at a rollback, it is forgotten. */
static enum rc
bundle_is_open(
    struct ledger_index *index, uint64_t bundle, const struct record *r)
{
	int64_t open = 0;
	sqlite3_stmt *st;
	enum rc rc;

	if (bundle != 0 && bundle == index->open_bundle)
		return RC_OK;
	rc = statement_get(index, BUNDLE_IS_OPEN, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "i", (int64_t)bundle);
	if (rc == RC_OK)
		rc = query_int(index, st, &open);
	if (rc == RC_OK && open == 0)
		return ledger_index_misfit(r, "no such open bundle");
	if (rc == RC_OK)
		index->open_bundle = bundle;
	return rc;
}

int64_t
ledger_key_begin(const uint8_t key_id[static SHA256_LEN])
{
	uint64_t begin = 0;

	for (size_t i = 0; i < DIGEST_BEGIN; i++)
		begin = begin << 8 | key_id[i];
	return (int64_t)begin;
}

void
ledger_key_begin_write(int64_t begin, uint8_t ret[static DIGEST_BEGIN])
{
	for (size_t i = 0; i < DIGEST_BEGIN; i++)
		ret[i] = (uint8_t)((uint64_t)begin >> (8 * (7 - i)));
}

static enum rc
apply_intent(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc = bundle_is_open(index, r->u.intent.bundle, r);

	if (rc == RC_OK)
		rc = serial_add(index, r->u.intent.serial, r);
	if (rc == RC_OK)
		rc = statement_get(index, INTENT_ADD, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "iiii", (int64_t)r->n,
		    (int64_t)r->u.intent.bundle, (int64_t)r->u.intent.not_after,
		    ledger_key_begin(r->u.intent.key_id.p));
	return rc != RC_OK
		   ? rc
		   : ledger_index_change(index, st, r, "an intent twice");
}

static enum rc
apply_result(struct ledger_index *index, const struct record *r)
{
	return change_by_n(index, RESULT, r->u.result.intent, r,
	    "there is no such intent without a result");
}

static enum rc
apply_void(struct ledger_index *index, const struct record *r)
{
	return change_by_n(index, VOID, r->u.voided.intent, r,
	    "there is no such intent, or what came of it may have left");
}

static enum rc
apply_refusal(struct ledger_index *index, const struct record *r)
{
	return bundle_is_open(index, r->u.refusal.bundle, r);
}

static enum rc
bundle_answered(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc;

	index->open_bundle = 0;
	if (r->u.manifest.bundle == 0)
		return RC_OK;
	rc = statement_get(index, BUNDLE_DONE, &st);
	if (rc == RC_OK)
		rc =
		    db_bind(index->db, st, "iib", (int64_t)r->u.manifest.bundle,
			(int64_t)r->u.manifest.sequence, r->u.manifest.channel);
	return rc != RC_OK
		   ? rc
		   : ledger_index_change(index, st, r, "no such open bundle");
}

static enum rc
ledger_index_channel_check(struct ledger_index *index, const struct record *r)
{
	int64_t last = 0;
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, CHANNEL_LAST, &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "b", r->u.manifest.channel);
	if (rc == RC_OK)
		rc = query_int(index, st, &last);
	if (rc == RC_OK && r->u.manifest.sequence != (uint64_t)last + 1)
		return ledger_index_misfit(
		    r, "it does not continue its channel");
	return rc;
}

static enum rc
apply_manifest(struct ledger_index *index, const struct record *r)
{
	uint8_t digest[SHA256_LEN];
	sqlite3_stmt *st;
	enum rc rc = ledger_index_channel_check(index, r);

	if (rc == RC_OK)
		rc = bundle_answered(index, r);
	if (rc == RC_OK && !is_zero(r->u.manifest.channel))
		rc = change_by_key(index, MANIFEST_LAST, r->u.manifest.channel,
		    r->u.manifest.sequence, r,
		    "its requester is unknown, or it does not continue it");
	if (rc == RC_OK)
		rc = sha256(r->u.manifest.file, digest);
	if (rc == RC_OK)
		rc = statement_get(index, MANIFEST_ADD, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "biibi", r->u.manifest.channel,
		    (int64_t)r->u.manifest.sequence, (int64_t)r->n,
		    span_of(digest, sizeof(digest)),
		    (int64_t)r->u.manifest.bundle);
	return rc != RC_OK
		   ? rc
		   : ledger_index_change(index, st, r, "a manifest twice");
}

static enum rc
apply_arrived(struct ledger_index *index, const struct record *r)
{
	return change_by_key(index, ARRIVED, r->u.arrived.key_id,
	    r->u.arrived.sequence, r, "no such response was under way");
}

static enum rc
apply_abandon(struct ledger_index *index, const struct record *r)
{
	index->open_bundle = 0;
	return change_by_n(index, BUNDLE_CLOSED, r->u.abandon.bundle, r,
	    "no such open bundle");
}

static enum rc
apply_checked(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, CHECKED, &st);

	if (rc == RC_OK)
		rc = db_bind(index->db, st, "bii", r->u.checked.channel,
		    (int64_t)r->u.checked.sequence, (int64_t)r->n);
	return rc != RC_OK ? rc
			   : ledger_index_change(index, st, r,
				 "no such response, or it was checked before");
}

/* Whoever asked for it must be known: his bundle, open or answered since. */
static enum rc
bundle_is_known(struct ledger_index *index, const struct record *r)
{
	int64_t known = 0;
	sqlite3_stmt *st;
	enum rc rc;

	if (r->u.revoked.bundle == 0 ||
	    r->u.revoked.bundle == index->open_bundle)
		return RC_OK;
	rc = statement_get(index, BUNDLE_IS_KNOWN, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "i", (int64_t)r->u.revoked.bundle);
	if (rc == RC_OK)
		rc = query_int(index, st, &known);
	if (rc == RC_OK && known == 0)
		return ledger_index_misfit(r, "no such bundle");
	return rc;
}

static enum rc
apply_revoked(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc;

	if (!reason_is_known(r->u.revoked.reason))
		return ledger_index_misfit(r, "a reason that is none");
	if (r->u.revoked.date > (uint64_t)r->at)
		return ledger_index_misfit(r, "a revocation of the future");
	rc = bundle_is_known(index, r);
	if (rc == RC_OK)
		rc = statement_get(index, REVOKE, &st);
	if (rc == RC_OK)
		rc = db_bind(index->db, st, "biiiii", r->u.revoked.serial,
		    (int64_t)r->n,
		    r->u.revoked.date == 0 ? r->at : (int64_t)r->u.revoked.date,
		    (int64_t)r->u.revoked.reason, (int64_t)r->u.revoked.since,
		    (int64_t)r->u.revoked.not_after);
	return rc != RC_OK
		   ? rc
		   : ledger_index_change(index, st, r,
			 "its serial was never used, or is revoked already");
}

static enum rc
apply_key_revoked(struct ledger_index *index, const struct record *r)
{
	if (!reason_is_known(r->u.key_revoked.reason))
		return ledger_index_misfit(r, "a reason that is none");
	return change_by_key(index, KEY_REVOKE, r->u.key_revoked.key_id, r->n,
	    r, "the key is revoked already");
}

/* What is said of a certificate follows from it, where it is there. */
static enum rc
apply_adopted_cert(struct ledger_index *index, const struct record *r)
{
	struct cert_parts parts;

	if (r->u.adopted_cert.der.n != 0 &&
	    (cert_parts_read("der", r->u.adopted_cert.der, &parts) != RC_OK ||
		!span_eq(parts.serial, r->u.adopted_cert.serial)))
		return ledger_index_misfit(
		    r, "its certificate has another serial");
	return serial_add(index, r->u.adopted_cert.serial, r);
}

static enum rc
apply_listed(struct ledger_index *index, const struct record *r)
{
	return serial_add(index, r->u.listed.serial, r);
}

static enum rc
apply_crl(struct ledger_index *index, const struct record *r)
{
	const bool shadow = r->u.crl.requester.n != 0;

	if ((r->u.crl.salt.n != 0) != shadow || (r->u.crl.iv.n != 0) != shadow)
		return ledger_index_misfit(
		    r, "a salt and an iv are a shadow's");
	return change_by_n(index, CRL_ADD, r->u.crl.number, r,
	    "its number is not of the newest series, or was used before");
}

static enum rc
apply_crl_series(struct ledger_index *index, const struct record *r)
{
	sqlite3_stmt *st;
	enum rc rc = statement_get(index, CRL_SERIES_ADD, &st);

	if (rc == RC_OK)
		rc =
		    db_bind(index->db, st, "iii", (int64_t)r->u.crl_series.last,
			(int64_t)r->u.crl_series.first, (int64_t)r->n);
	return rc != RC_OK ? rc
			   : ledger_index_change(index, st, r,
				 "its numbers are not above those before");
}

static enum rc
apply_nothing(struct ledger_index *index, const struct record *r)
{
	(void)index;
	(void)r;
	return RC_OK;
}

typedef enum rc apply_fn(struct ledger_index *, const struct record *);

static apply_fn *const apply[] = {
	[RECORD_INIT] = apply_init,
	[RECORD_POLICY] = ledger_index_apply_policy,
	[RECORD_ENROL] = apply_enrol,
	[RECORD_REMOVE] = apply_remove,
	[RECORD_BUNDLE] = apply_bundle,
	[RECORD_INTENT] = apply_intent,
	[RECORD_RESULT] = apply_result,
	[RECORD_REFUSAL] = apply_refusal,
	[RECORD_VOID] = apply_void,
	[RECORD_MANIFEST] = apply_manifest,
	[RECORD_CLOCK] = apply_nothing,
	[RECORD_TRANSFER] = apply_transfer,
	[RECORD_NETWORK] = apply_nothing,
	[RECORD_ARRIVED] = apply_arrived,
	[RECORD_ABANDON] = apply_abandon,
	[RECORD_CHECKED] = apply_checked,
	[RECORD_CAUGHT_UP] = apply_nothing,
	[RECORD_HISTORY] = apply_nothing,
	[RECORD_RESTORED] = apply_nothing,
	[RECORD_IMPORT] = ledger_index_import,
	[RECORD_REGAINED] = ledger_index_regained,
	[RECORD_REVOKED] = apply_revoked,
	[RECORD_KEY_REVOKED] = apply_key_revoked,
	[RECORD_CA] = apply_ca,
	[RECORD_CRL] = apply_crl,
	[RECORD_CRL_SERIES] = apply_crl_series,
	[RECORD_ADOPTED] = apply_nothing,
	[RECORD_ADOPTED_CERT] = apply_adopted_cert,
	[RECORD_CRL_SEEN] = ledger_index_crl_seen,
	[RECORD_LISTED] = apply_listed,
};

enum rc
ledger_index_apply(struct ledger_index *index, const struct record *record)
{
	size_t kind = (size_t)record->kind;

	if (kind >= sizeof(apply) / sizeof(*apply) || apply[kind] == NULL)
		return ledger_index_misfit(record, "a kind that is unknown");
	if (record->kind != RECORD_REGAINED)
		index->regaining = 0;
	return apply[kind](index, record);
}
