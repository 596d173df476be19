/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment and opening. What is pinned is checked again each time
 * (trust_add_ca), so a store that was edited by hand is no way around the
 * rules of a CA certificate. */
#include "transfer/online/store/store.h"

#include "base/file.h"
#include "transfer/online/store/store_schema.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *const upgrades[STORE_VERSION - 1] = { STORE_UPGRADE_2,
	STORE_UPGRADE_3, STORE_UPGRADE_4, STORE_UPGRADE_5, STORE_UPGRADE_6,
	STORE_UPGRADE_7 };
static const struct db_kind kind = {
	.name = "store",
	.application_id = STORE_APPLICATION_ID,
	.version = STORE_VERSION,
	.schema = STORE_SCHEMA,
	.upgrades = upgrades,
};

void
store_wipe(struct store *store)
{
	store_rollback(store);
	(void)sqlite3_finalize(store->seen);
	(void)sqlite3_finalize(store->add);
	(void)sqlite3_finalize(store->held);
	db_wipe(&store->db);
	trust_wipe(&store->trust);
	policy_wipe(&store->policy);
	buf_wipe(&store->spki);
	*store = (struct store){ 0 };
}

enum rc
store_begin(struct store *store)
{
	enum rc rc = db_begin(&store->db);

	store->changing = rc == RC_OK;
	return rc;
}

enum rc
store_commit(struct store *store)
{
	enum rc rc = db_commit(&store->db);

	store->changing = rc != RC_OK;
	return rc;
}

void
store_rollback(struct store *store)
{
	if (store->changing)
		db_rollback(&store->db);
	store->changing = false;
}

/* ---- enrolment ----------------------------------------------------------- */

static enum rc
store_put_policy(struct db *db, struct span text, struct span sha)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(db,
	    "INSERT INTO policy (sha256, text) VALUES (?1, ?2)"
	    " ON CONFLICT DO NOTHING",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(db, st, "bb", sha, text);
	return rc != RC_OK ? rc : db_done(db, st);
}

static enum rc
put_cert(struct db *db, struct span der, bool issuer)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(db,
	    "INSERT INTO ca_cert (der, issuer) VALUES (?1, ?2)"
	    " ON CONFLICT DO NOTHING",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(db, st, "bi", der, (int64_t)issuer);
	return rc != RC_OK ? rc : db_done(db, st);
}

static enum rc
put_certs(struct db *db, const struct enrolment *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < e->n_certs && rc == RC_OK; i++)
		rc = put_cert(db, e->certs[i], i != 0);
	return rc;
}

static enum rc
put_enrolment(struct db *db, const struct enrolment *e)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t policy[SHA256_LEN];
	enum rc rc = sha256(e->policy, policy);

	if (rc == RC_OK)
		rc = store_put_policy(
		    db, e->policy, span_of(policy, SHA256_LEN));
	if (rc == RC_OK)
		rc = put_certs(db, e);
	if (rc == RC_OK)
		rc = db_prepare(db,
		    "INSERT INTO enrolment (id, ca_id, transfer_cert, policy,"
		    " label, spki, at) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(db, st, "bbbtbi", span_of(e->ca_id, SHA256_LEN),
		    e->transfer_cert, span_of(policy, SHA256_LEN), e->label,
		    e->spki, e->now);
	return rc != RC_OK ? rc : db_done(db, st);
}

static enum rc
fill_new(const char *path, const struct enrolment *enrolment)
{
	WIPED(store) store = { 0 };
	enum rc rc = db_open(&store.db, path, &kind, true);

	if (rc == RC_OK)
		rc = store_begin(&store);
	if (rc == RC_OK)
		rc = put_enrolment(&store.db, enrolment);
	if (rc == RC_OK)
		rc = store_card_add(&store, enrolment);
	return rc == RC_OK ? store_commit(&store) : rc;
}

/* What a run that was killed left. */
static enum rc
store_remove_stale(const char *name, const char *journal)
{
	if ((unlink(name) != 0 && errno != ENOENT) ||
	    (unlink(journal) != 0 && errno != ENOENT))
		return err_errno(RC_IO, errno, "%s", name);
	return RC_OK;
}

static enum rc
store_put_in_place(int dir, const char *name, const char *path)
{
	if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
		return errno == EEXIST
			   ? err_set(RC_STATE, "%s: is there already", path)
			   : err_errno(RC_IO, errno,
				 "%s: cannot be put in place", path);
	return file_settle(dir, file_name(path), path);
}

/* A store that is only half there would look like an enrolment: it gets its
 * name when it is whole. */
enum rc
store_create(const char *path, const struct enrolment *enrolment)
{
	WIPED(buf) new = { 0 };
	WIPED(buf) journal = { 0 };
	OWN_FD dir = -1;
	const char *name, *journal_name;
	enum rc rc = file_parent_open(AT_FDCWD, path, &dir);

	if (rc == RC_OK)
		rc = fd_lock(dir, path, "another enrolment is at work there");
	if (rc == RC_OK)
		rc = buf_printf(&new, "%s.new", path);
	if (rc == RC_OK)
		rc = buf_printf(&journal, "%s.new-journal", path);
	if (rc != RC_OK)
		return rc;
	name = buf_cstr(&new);
	journal_name = buf_cstr(&journal);
	if (name == NULL || journal_name == NULL)
		return err_memory();
	rc = store_remove_stale(name, journal_name);
	if (rc != RC_OK)
		return rc;
	rc = fill_new(name, enrolment);
	if (rc == RC_OK)
		rc = store_put_in_place(dir, name, path);
	if (rc != RC_OK)
		(void)unlink(name);
	return rc;
}

/* The card must be of the CA that is pinned: one of its certificates, or one
 * that has its subject. */
static enum rc
check_replacement(struct store *store, const struct enrolment *e)
{
	struct trust *trust = &store->trust;
	const struct trust_ca *new;
	enum rc rc;

	for (size_t i = 0; i < trust->n_cas; i++)
		if (span_eq(buf_span(&trust->cas[i].der), e->certs[0]))
			return RC_OK;
	rc = trust_add_ca(trust, "card", e->certs[0]);
	if (rc != RC_OK)
		return rc;
	new = &trust->cas[trust->n_cas - 1];
	for (size_t i = 0; i + 1 < trust->n_cas; i++)
		if (span_eq(buf_span(&trust->cas[i].subject),
			buf_span(&new->subject)))
			return RC_OK;
	return rule_refuse(
	    RULE_CA_CERT, "card: another subject than the CA that is pinned");
}

enum rc
store_replace(struct store *store, const struct enrolment *e)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint8_t policy[SHA256_LEN];
	enum rc rc = check_replacement(store, e);

	if (rc == RC_OK)
		rc = store_card_check(store, e);
	if (rc == RC_OK)
		rc = sha256(e->policy, policy);
	if (rc == RC_OK)
		rc = store_begin(store);
	if (rc == RC_OK)
		rc = store_put_policy(
		    &store->db, e->policy, span_of(policy, SHA256_LEN));
	if (rc == RC_OK)
		rc = put_certs(&store->db, e);
	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "UPDATE enrolment SET transfer_cert = ?1, policy = ?2,"
		    " replaced_at = ?3",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "bbi", e->transfer_cert,
		    span_of(policy, SHA256_LEN), e->now);
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc == RC_OK)
		rc = store_card_add(store, e);
	if (rc == RC_OK)
		rc = store_commit(store);
	if (rc != RC_OK)
		store_rollback(store);
	return rc;
}

/* ---- opening ------------------------------------------------------------- */

static enum rc
damaged(const struct store *store)
{
	return err_set(RC_STATE, "%s: damaged", store->db.path);
}

static enum rc
load_cas(struct store *store)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "SELECT der, issuer FROM ca_cert ORDER BY place", &st);

	while (db_next(&store->db, st, &rc))
		rc = sqlite3_column_int64(st, 1) == 0
			 ? trust_add_ca(
			       &store->trust, store->db.path, db_blob(st, 0))
			 : kin_add(&store->trust.kin, KIN_ABOVE, store->db.path,
			       db_blob(st, 0));
	return rc;
}

static enum rc
load_crosses(struct store *store)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "SELECT der FROM ca_cross ORDER BY place", &st);

	while (db_next(&store->db, st, &rc))
		rc = trust_add_cross(
		    &store->trust, store->db.path, db_blob(st, 0));
	return rc;
}

static enum rc
load_enrolment(struct store *store)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct span ca_id, label;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT e.ca_id, e.transfer_cert, e.label, e.spki, p.text"
	    " FROM enrolment e JOIN policy p ON p.sha256 = e.policy",
	    &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	ca_id = row ? db_blob(st, 0) : SPAN_NONE;
	label = row ? db_text(st, 2) : SPAN_NONE;
	if (ca_id.n != SHA256_LEN || label.n == 0 || label.n > LABEL_MAX)
		return damaged(store);
	memcpy(store->trust.ca_id, ca_id.p, SHA256_LEN);
	memcpy(store->label, label.p, label.n);
	rc = buf_add_span(&store->trust.transfer_cert, db_blob(st, 1));
	if (rc == RC_OK)
		rc = buf_add_span(&store->spki, db_blob(st, 3));
	if (rc == RC_OK)
		rc = policy_parse(
		    store->db.path, db_blob(st, 4), &store->policy);
	return rc;
}

/* The newest manifest is the head: there is no second copy of it that could
 * differ. */
static enum rc
load_head(struct store *store)
{
	struct head *head = &store->channel.head;
	OWN(sqlite3_stmt) *st = NULL;
	struct span digest, hash;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT sequence, sha256, ledger_count, ledger_hash FROM manifest"
	    " ORDER BY sequence DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	digest = db_blob(st, 1);
	hash = db_blob(st, 3);
	if (digest.n != SHA256_LEN || hash.n != SHA256_LEN)
		return damaged(store);
	head->sequence = (uint32_t)sqlite3_column_int64(st, 0);
	memcpy(head->digest, digest.p, SHA256_LEN);
	head->ledger.count = (uint64_t)sqlite3_column_int64(st, 2);
	memcpy(head->ledger.hash, hash.p, SHA256_LEN);
	store->channel.has_head = true;
	return RC_OK;
}

static enum rc
load(struct store *store)
{
	enum rc rc = load_enrolment(store);

	if (rc == RC_OK)
		rc = load_cas(store);
	if (rc == RC_OK)
		rc = load_crosses(store);
	if (rc == RC_OK)
		rc = load_head(store);
	if (rc == RC_OK)
		rc = sha256(buf_span(&store->spki), store->channel.requester);
	return rc;
}

enum rc
store_reload(struct store *store)
{
	trust_wipe(&store->trust);
	policy_wipe(&store->policy);
	buf_wipe(&store->spki);
	memset(store->label, 0, sizeof(store->label));
	store->channel = (struct channel){ 0 };
	return load(store);
}

enum rc
store_open(const char *path, bool write, struct store *ret)
{
	WIPED(store) store = { 0 };
	enum rc rc;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return rule_refuse(RULE_UNENROLLED,
		    "%s: there is none, so this host has enrolled no CA", path);
	rc = write ? db_open(&store.db, path, &kind, false)
		   : db_open_read(&store.db, path, &kind);
	if (rc == RC_OK)
		rc = load(&store);
	if (rc != RC_OK)
		return rc;
	*ret = store;
	store = (struct store){ 0 };
	return RC_OK;
}

enum rc
store_issuers(struct store *store, struct buf *ret_der)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT der FROM ca_cert WHERE issuer = 1 ORDER BY place", &st);

	while (db_next(&store->db, st, &rc))
		rc = buf_add_span(ret_der, db_blob(st, 0));
	return rc;
}

enum rc
store_issuers_pem(struct store *store, const char *from, struct buf *out)
{
	WIPED(buf) issuers = { 0 };
	struct span rest;
	struct der one;
	enum rc rc = store_issuers(store, &issuers);

	rest = buf_span(&issuers);
	while (rc == RC_OK && rest.n != 0) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one))
			return err_set(RC_STATE, "%s: damaged", from);
		rc = pem_write(PEM_CERTIFICATE, one.whole, out);
	}
	return rc;
}
