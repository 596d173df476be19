/* SPDX-License-Identifier: Apache-2.0 */
/* Each change is one statement and so one transaction: nothing is open while a
 * server's reload runs. */
#include "transfer/online/store/deployment.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const format_texts[DEPLOY_FORMATS] = {
	[DEPLOY_PEMFILE] = "pemfile",
	[DEPLOY_CERT] = "cert",
	[DEPLOY_CHAIN] = "chain",
	[DEPLOY_FULLCHAIN] = "fullchain",
	[DEPLOY_P12] = "p12",
	[DEPLOY_CRL] = "crl",
	[DEPLOY_CA_CRL] = "ca+crl",
	[DEPLOY_CRL_DIR] = "crl-dir",
	[DEPLOY_INDEX] = "index",
};

const char *
deploy_format_text(enum deploy_format format)
{
	return format_texts[format];
}

bool
deploy_format_read(const char *text, enum deploy_format *ret)
{
	for (size_t i = 0; i < DEPLOY_FORMATS; i++)
		if (strcmp(text, format_texts[i]) == 0) {
			*ret = (enum deploy_format)i;
			return true;
		}
	return false;
}

bool
deploy_format_is_named(enum deploy_format format)
{
	return format < DEPLOY_CRL;
}

void
deployment_wipe(struct deployment *d)
{
	free(d->path);
	free(d->name);
	free(d->profile);
	free(d->key_path);
	free(d->key_from);
	free(d->pass_source);
	free(d->reload);
	free(d->key_type);
	*d = (struct deployment){ 0 };
}

enum rc
deployment_set_type(struct deployment *d, const char *key_type)
{
	char *copy;

	if (key_type == NULL)
		return RC_OK;
	copy = strdup(key_type);
	if (copy == NULL)
		return err_memory();
	free(d->key_type);
	d->key_type = copy;
	return RC_OK;
}

bool
deployment_has(
    const struct deployment *d, const uint8_t sha256[static SHA256_LEN])
{
	return d->has_done && memcmp(d->done, sha256, SHA256_LEN) == 0;
}

void
deployment_list_wipe(struct deployment_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		deployment_wipe(&list->items[i]);
	free(list->items);
	*list = (struct deployment_list){ 0 };
}

/* A column as a string of its own; SQL NULL is NULL. */
static enum rc
copy_text(sqlite3_stmt *st, int column, char **ret)
{
	struct span text = db_text(st, column);

	if (sqlite3_column_type(st, column) == SQLITE_NULL)
		return RC_OK;
	*ret = strndup((const char *)text.p, text.n);
	return *ret == NULL ? err_memory() : RC_OK;
}

/* NULL, or a digest. */
static bool
read_digest(
    sqlite3_stmt *st, int column, bool *ret_has, uint8_t ret[static SHA256_LEN])
{
	struct span found = db_blob(st, column);

	*ret_has = found.n != 0;
	if (found.n == SHA256_LEN)
		memcpy(ret, found.p, SHA256_LEN);
	return found.n == 0 || found.n == SHA256_LEN;
}

static enum rc
read_deployment(struct store *store, sqlite3_stmt *st, struct deployment *d)
{
	char **const texts[] = { &d->path, &d->name, &d->profile, &d->key_path,
		&d->key_from, &d->pass_source, &d->reload, &d->key_type };
	const int n_texts = sizeof(texts) / sizeof(texts[0]);
	const char *format = (const char *)sqlite3_column_text(st, 8);
	enum rc rc = RC_OK;

	d->legacy = sqlite3_column_int(st, 10) != 0;
	for (int i = 0; i < n_texts && rc == RC_OK; i++)
		rc = copy_text(st, i, texts[i]);
	if (rc != RC_OK)
		return rc;
	if (format == NULL || !deploy_format_read(format, &d->format) ||
	    !read_digest(st, 9, &d->has_done, d->done) ||
	    !read_digest(st, 11, &d->has_made, d->made_of) ||
	    !read_digest(st, 12, &d->has_made, d->made) ||
	    !read_digest(st, 13, &d->has_key, d->key_file) ||
	    !read_digest(st, 14, &d->has_key, d->key_spki))
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	return RC_OK;
}

enum rc
deployment_list_load(struct store *store, struct deployment_list *ret)
{
	WIPED(deployment_list) list = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT path, name, profile, key_path, key_from, pass_source,"
	    " reload, key_type, format, sha256, legacy, made_of, made,"
	    " key_file, key_spki"
	    " FROM deployment ORDER BY path",
	    &st);

	while (db_next(&store->db, st, &rc)) {
		rc = LIST_GROW(list.items, list.n);
		if (rc != RC_OK)
			break;
		list.items[list.n] = (struct deployment){ 0 };
		rc = read_deployment(store, st, &list.items[list.n++]);
	}
	if (rc != RC_OK)
		return rc;
	*ret = list;
	list = (struct deployment_list){ 0 };
	return RC_OK;
}

static struct span
digest_or_none(bool has, const uint8_t digest[static SHA256_LEN])
{
	return has ? span_of(digest, SHA256_LEN) : SPAN_NONE;
}

enum rc
deployment_save(struct store *store, const struct deployment *d)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT OR REPLACE INTO deployment (path, name, profile, format,"
	    " key_path, key_from, pass_source, reload, sha256, made_of, made,"
	    " key_file, key_spki, key_type, legacy) VALUES (?1, ?2, ?3, ?4,"
	    " ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ttttttttbbbbbti", d->path,
		    d->name, d->profile, deploy_format_text(d->format),
		    d->key_path, d->key_from, d->pass_source, d->reload,
		    digest_or_none(d->has_done, d->done),
		    digest_or_none(d->has_made, d->made_of),
		    digest_or_none(d->has_made, d->made),
		    digest_or_none(d->has_key, d->key_file),
		    digest_or_none(d->has_key, d->key_spki), d->key_type,
		    (int64_t)d->legacy);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

/* A row goes by its key; `ret_known` tells whether it was there. */
static enum rc
store_deploy_forget(
    struct store *store, const char *sql, const char *key, bool *ret_known)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db, sql, &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "t", key);
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	if (rc == RC_OK)
		*ret_known = sqlite3_changes(store->db.sql) != 0;
	return rc;
}

enum rc
deployment_forget(struct store *store, const char *path, bool *ret_known)
{
	return store_deploy_forget(
	    store, "DELETE FROM deployment WHERE path = ?1", path, ret_known);
}

/* ---- publications -------------------------------------------------------- */

static void
publication_wipe(struct publication *p)
{
	free(p->dir);
	free(p->name);
	free(p->profile);
	*p = (struct publication){ 0 };
}

void
publication_list_wipe(struct publication_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		publication_wipe(&list->items[i]);
	free(list->items);
	*list = (struct publication_list){ 0 };
}

static enum rc
read_publication(sqlite3_stmt *st, struct publication *p)
{
	enum rc rc = copy_text(st, 0, &p->dir);

	if (rc == RC_OK)
		rc = copy_text(st, 1, &p->name);
	return rc != RC_OK ? rc : copy_text(st, 2, &p->profile);
}

enum rc
publication_list_load(struct store *store, struct publication_list *ret)
{
	WIPED(publication_list) list = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT dir, name, profile FROM publication ORDER BY dir", &st);

	while (db_next(&store->db, st, &rc)) {
		rc = LIST_GROW(list.items, list.n);
		if (rc != RC_OK)
			break;
		list.items[list.n] = (struct publication){ 0 };
		rc = read_publication(st, &list.items[list.n++]);
	}
	if (rc != RC_OK)
		return rc;
	*ret = list;
	list = (struct publication_list){ 0 };
	return RC_OK;
}

enum rc
publication_save(struct store *store, const struct publication *p)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "INSERT OR REPLACE INTO publication (dir, name, profile)"
	    " VALUES (?1, ?2, ?3)",
	    &st);

	if (rc == RC_OK)
		rc =
		    db_bind(&store->db, st, "ttt", p->dir, p->name, p->profile);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
publication_forget(struct store *store, const char *dir, bool *ret_known)
{
	return store_deploy_forget(
	    store, "DELETE FROM publication WHERE dir = ?1", dir, ret_known);
}

/* ---- all of a name ------------------------------------------------------- */

static enum rc
forget_from(struct store *store, const char *from, struct span name,
    struct span profile, void (*each)(void *arg, struct span path), void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	OWN(sqlite3_stmt) *gone = NULL;
	char sql[160];
	enum rc rc;

	(void)snprintf(sql, sizeof(sql),
	    "SELECT %s WHERE name = ?1 AND profile = ?2 ORDER BY 1", from);
	rc = db_prepare(&store->db, sql, &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ss", name, profile);
	while (db_next(&store->db, st, &rc))
		each(arg, db_text(st, 0));
	(void)snprintf(sql, sizeof(sql),
	    "DELETE%s WHERE name = ?1 AND profile = ?2", strchr(from, ' '));
	if (rc == RC_OK)
		rc = db_prepare(&store->db, sql, &gone);
	if (rc == RC_OK)
		rc = db_bind(&store->db, gone, "ss", name, profile);
	return rc != RC_OK ? rc : db_done(&store->db, gone);
}

enum rc
deployment_forget_name(struct store *store, struct span name,
    struct span profile, void (*each)(void *arg, struct span path), void *arg)
{
	enum rc rc = forget_from(
	    store, "path FROM deployment", name, profile, each, arg);

	return rc != RC_OK ? rc
			   : forget_from(store, "dir FROM publication", name,
				 profile, each, arg);
}
