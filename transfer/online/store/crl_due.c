/* SPDX-License-Identifier: Apache-2.0 */
/* A slot is a date of the series: its regular CRL has that as thisUpdate, its
 * shadow one second more. Both are due from the same moment on, so that a
 * shadow never waits for the slot that the regular CRL has reached. */
#include "transfer/online/store/crl_due.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/x509/crl_read.h"

#include <fcntl.h>
#include <stdlib.h>

void
crl_due_list_wipe(struct crl_due_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		buf_wipe(&list->items[i].der);
	free(list->items);
	*list = (struct crl_due_list){ 0 };
}

/* ---- bytes --------------------------------------------------------------- */

enum rc
crl_file_read(
    struct store *store, const struct stored_crl *crl, struct buf *ret)
{
	WIPED(buf) name = { 0 };
	WIPED(buf) file = { 0 };
	uint8_t digest[SHA256_LEN];
	const char *text = NULL;
	enum rc rc = store_crl_path(store, crl->file, &name);

	if (rc == RC_OK)
		text = buf_cstr(&name);
	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	rc = file_read(AT_FDCWD, text, CRL_FILE_MAX, &file);
	if (rc == RC_OK)
		rc = sha256(buf_span(&file), digest);
	if (rc == RC_OK && memcmp(digest, crl->file_sha256, SHA256_LEN) != 0)
		rc = err_set(RC_STATE,
		    "%s: is not what was installed: `airgap-transfer install STICK` brings it again",
		    text);
	if (rc != RC_OK)
		return rc;
	buf_wipe(ret);
	*ret = file;
	file = (struct buf){ 0 };
	return RC_OK;
}

struct crl_find {
	struct store *store;
	bool bytes, shadow;
};

/* ---- one that had begun --------------------------------------------------
 *
 * Of several the one with the highest number: after a revocation the slots of
 * an older series, which lack it, go on beginning. */

static enum rc
regular_begun(
    const struct crl_find *by, int64_t at, struct crl_due *due, bool *ret_found)
{
	const struct crl_filter filter = { due->issuer, CRL_REGULAR };
	struct stored_crl crl;
	enum rc rc = store_crl_due(by->store, &filter, at, ret_found, &crl);

	if (rc != RC_OK || !*ret_found)
		return rc;
	due->number = crl.number;
	due->this_update = crl.this_update;
	due->next_update = crl.next_update;
	buf_reset(&due->der);
	return by->bytes ? crl_file_read(by->store, &crl, &due->der) : RC_OK;
}

static enum rc
shadow_begun(
    const struct crl_find *by, int64_t at, struct crl_due *due, bool *ret_found)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&by->store->db,
	    "SELECT number, this_update, next_update, der FROM shadow"
	    " WHERE issuer = ?1 AND this_update - 1 <= ?2"
	    " ORDER BY number DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&by->store->db, st, "bi",
		    span_of(due->issuer, SHA256_LEN), at);
	if (rc == RC_OK)
		rc = db_step(&by->store->db, st, ret_found);
	if (rc != RC_OK || !*ret_found)
		return rc;
	due->number = (uint64_t)sqlite3_column_int64(st, 0);
	due->this_update = sqlite3_column_int64(st, 1);
	due->next_update = sqlite3_column_int64(st, 2);
	due->shadow = true;
	buf_reset(&due->der);
	return by->bytes ? buf_add_span(&due->der, db_blob(st, 3)) : RC_OK;
}

static enum rc
crl_begun(
    const struct crl_find *by, int64_t at, struct crl_due *due, bool *ret_found)
{
	*ret_found = false;
	return by->shadow ? shadow_begun(by, at, due, ret_found)
			  : regular_begun(by, at, due, ret_found);
}

static enum rc
crl_due_of(const struct crl_find *by, int64_t now, struct crl_due *due,
    bool *ret_found)
{
	enum rc rc = crl_begun(by, now - CRL_SETTLE, due, ret_found);

	return rc == RC_OK && (!*ret_found || due->next_update <= now)
		   ? crl_begun(by, now, due, ret_found)
		   : rc;
}

/* How long this key's CRLs last: shadows last as long as their slots. */
static enum rc
crl_ends(struct store *store, struct crl_due *due)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(&store->db,
	    due->shadow ? "SELECT max(next_update), count(*) - 1 FROM shadow"
			  " WHERE issuer = ?1 AND number >= ?2"
			: "SELECT max(next_update), count(*) - 1 FROM crl"
			  " WHERE issuer = ?1 AND number >= ?2 AND shadow = 0",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "bi",
		    span_of(due->issuer, SHA256_LEN), (int64_t)due->number);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	if (rc != RC_OK || !row)
		return rc;
	due->ends = sqlite3_column_int64(st, 0);
	due->later = (size_t)sqlite3_column_int64(st, 1);
	return RC_OK;
}

static enum rc
crl_due_find(const struct crl_find *by, const uint8_t *issuer, int64_t now,
    struct crl_due_list *list, bool *ret_found)
{
	struct crl_due *due;
	enum rc rc = LIST_GROW(list->items, list->n);

	*ret_found = false;
	if (rc != RC_OK)
		return rc;
	due = &list->items[list->n++];
	*due = (struct crl_due){ 0 };
	memcpy(due->issuer, issuer, SHA256_LEN);
	rc = crl_due_of(by, now, due, ret_found);
	if (rc == RC_OK && *ret_found)
		return crl_ends(by->store, due);
	buf_wipe(&due->der);
	list->n--;
	return rc;
}

/* A key that no shadow is of, such as that of the CA above, has its regular
 * CRLs at all times. */
static enum rc
crl_due_add(struct store *store, const uint8_t *issuer, int64_t now, bool bytes,
    struct crl_due_list *list)
{
	struct crl_find by = { store, bytes, true };
	bool found = false;
	enum rc rc = crl_due_find(&by, issuer, now, list, &found);

	by.shadow = false;
	return rc == RC_OK && !found
		   ? crl_due_find(&by, issuer, now, list, &found)
		   : rc;
}

enum rc
crl_due_regular(struct store *store, const uint8_t *issuer, int64_t now,
    struct crl_due_list *ret)
{
	const struct crl_find by = { store, true, false };
	bool found;

	return crl_due_find(&by, issuer, now, ret, &found);
}

static bool
crl_due_has(const struct crl_due_list *list, const uint8_t *issuer)
{
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(list->items[i].issuer, issuer, SHA256_LEN) == 0)
			return true;
	return false;
}

/* Keys above the CA's, and such as were the CA's once. */
static enum rc
crl_due_others(
    struct store *store, int64_t now, bool bytes, struct crl_due_list *list)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(
	    &store->db, "SELECT DISTINCT issuer FROM crl ORDER BY issuer", &st);

	while (db_next(&store->db, st, &rc)) {
		struct span issuer = db_blob(st, 0);

		if (issuer.n == SHA256_LEN && !crl_due_has(list, issuer.p))
			rc = crl_due_add(store, issuer.p, now, bytes, list);
	}
	return rc;
}

enum rc
crl_due_list_load(
    struct store *store, int64_t now, bool bytes, struct crl_due_list *ret)
{
	WIPED(crl_due_list) list = { 0 };
	const struct trust *trust = &store->trust;
	enum rc rc = RC_OK;

	for (size_t i = trust->n_cas; i-- > 0 && rc == RC_OK;)
		if (!crl_due_has(&list, trust->cas[i].key_id))
			rc = crl_due_add(
			    store, trust->cas[i].key_id, now, bytes, &list);
	if (rc == RC_OK)
		rc = crl_due_others(store, now, bytes, &list);
	if (rc != RC_OK)
		return rc;
	*ret = list;
	list = (struct crl_due_list){ 0 };
	return RC_OK;
}
