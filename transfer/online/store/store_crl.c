/* SPDX-License-Identifier: Apache-2.0 */
/* Rows alone: how a file comes to crl/ is for who receives it. */
#include "transfer/online/store/store_crl.h"

#include "base/file.h"

#include <stdio.h>

#define CRL_COLUMNS \
	"number, sha256, issuer, manifest, this_update, next_update," \
	" revoked, shadow, file, file_sha256"

/* ?1 and ?2: an issuer or NULL, enum crl_kind. */
#define CRL_FILTERED \
	"(?1 IS NULL OR issuer = ?1) AND (?2 = 0 OR shadow = ?2 - 1)"

enum rc
store_crl_path(const struct store *store, const char *file, struct buf *ret)
{
	const char *path = store->db.path;

	return buf_printf(ret, "%.*s" STORE_CRL_DIR "%s%s",
	    (int)(file_name(path) - path), path, *file == '\0' ? "" : "/",
	    file);
}

static enum rc
store_crl_read(struct store *store, sqlite3_stmt *st, struct stored_crl *c)
{
	struct span digest = db_blob(st, 1), issuer = db_blob(st, 2);
	struct span name = db_text(st, 8), file = db_blob(st, 9);

	if (digest.n != SHA256_LEN || issuer.n != SHA256_LEN ||
	    file.n != SHA256_LEN || !format_is_file_name(name))
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	*c = (struct stored_crl){
		.number = (uint64_t)sqlite3_column_int64(st, 0),
		.manifest = (uint32_t)sqlite3_column_int64(st, 3),
		.this_update = sqlite3_column_int64(st, 4),
		.next_update = sqlite3_column_int64(st, 5),
		.n_revoked = (uint64_t)sqlite3_column_int64(st, 6),
		.shadow = sqlite3_column_int(st, 7) != 0,
	};
	memcpy(c->sha256, digest.p, SHA256_LEN);
	memcpy(c->issuer, issuer.p, SHA256_LEN);
	memcpy(c->file_sha256, file.p, SHA256_LEN);
	(void)snprintf(c->file, sizeof(c->file), "%.*s", SPAN_FMT(name));
	return RC_OK;
}

static enum rc
bind_filter(struct store *store, sqlite3_stmt *st,
    const struct crl_filter *filter, int64_t at)
{
	return db_bind(&store->db, st, "bii",
	    filter->issuer == NULL ? SPAN_NONE
				   : span_of(filter->issuer, SHA256_LEN),
	    (int64_t)filter->kind, at);
}

enum rc
store_each_crl(struct store *store, const struct crl_filter *filter,
    enum rc (*each)(void *arg, const struct stored_crl *crl), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT " CRL_COLUMNS " FROM crl WHERE " CRL_FILTERED
	    " AND this_update <= ?3 ORDER BY number",
	    &st);

	if (rc == RC_OK)
		rc = bind_filter(store, st, filter, INT64_MAX);
	while (db_next(&store->db, st, &rc)) {
		struct stored_crl crl;

		rc = store_crl_read(store, st, &crl);
		if (rc == RC_OK)
			rc = each(arg, &crl);
	}
	return rc;
}

static enum rc
read_first(struct store *store, sqlite3_stmt *st, bool *ret_known,
    struct stored_crl *ret)
{
	enum rc rc = db_step(&store->db, st, ret_known);

	return rc != RC_OK || !*ret_known ? rc : store_crl_read(store, st, ret);
}

enum rc
store_crl_due(struct store *store, const struct crl_filter *filter, int64_t at,
    bool *ret_known, struct stored_crl *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT " CRL_COLUMNS " FROM crl WHERE " CRL_FILTERED
	    " AND this_update <= ?3 ORDER BY number DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = bind_filter(store, st, filter, at);
	return rc != RC_OK ? rc : read_first(store, st, ret_known, ret);
}

enum rc
store_crl_get(struct store *store, uint64_t number, bool *ret_known,
    struct stored_crl *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT " CRL_COLUMNS " FROM crl WHERE number = ?1", &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)number);
	return rc != RC_OK ? rc : read_first(store, st, ret_known, ret);
}

enum rc
store_crl_newest(struct store *store, bool *ret_known, struct stored_crl *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT " CRL_COLUMNS " FROM crl WHERE shadow = 0 AND manifest ="
	    " (SELECT max(manifest) FROM crl WHERE shadow = 0)"
	    " ORDER BY number LIMIT 1",
	    &st);

	return rc != RC_OK ? rc : read_first(store, st, ret_known, ret);
}

enum rc
store_crl_past(struct store *store, const uint8_t issuer[static SHA256_LEN],
    int64_t at, struct crl_past *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT coalesce((SELECT max(number) FROM crl), 0),"
	    " (SELECT max(this_update) FROM crl"
	    " WHERE issuer = ?1 AND this_update <= ?2)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(
		    &store->db, st, "bi", span_of(issuer, SHA256_LEN), at);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK)
		return rc;
	ret->number = (uint64_t)sqlite3_column_int64(st, 0);
	ret->this_update = sqlite3_column_type(st, 1) == SQLITE_NULL
			       ? INT64_MIN
			       : sqlite3_column_int64(st, 1);
	return RC_OK;
}

enum rc
store_crl_add(struct store *store, uint32_t manifest,
    const struct crl_entry *entry, const uint8_t file_sha256[static SHA256_LEN])
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT INTO crl (number, sha256, issuer, manifest, this_update,"
	    " next_update, revoked, shadow, file, file_sha256)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ibbiiiiisb",
		    (int64_t)entry->number, span_of(entry->digest, SHA256_LEN),
		    span_of(entry->issuer, SHA256_LEN), (int64_t)manifest,
		    entry->this_update, entry->next_update,
		    (int64_t)entry->n_revoked, (int64_t)entry->shadow,
		    entry->file, span_of(file_sha256, SHA256_LEN));
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_crl_forget(struct store *store, int64_t at)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "DELETE FROM crl WHERE next_update <= ?1 AND EXISTS (SELECT 1"
	    " FROM crl n WHERE n.issuer = crl.issuer"
	    " AND n.shadow = crl.shadow AND n.number > crl.number"
	    " AND n.this_update <= ?1)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", at);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}
