/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is due is told from dates alone, here and nowhere else. */
#include "transfer/online/store/holding.h"

#include "base/list.h"

#include <stdlib.h>

static void
held_wipe(struct held *h)
{
	buf_wipe(&h->serial);
	buf_wipe(&h->der);
	buf_wipe(&h->names);
	free(h->key_file);
}

void
holding_wipe(struct holding *holding)
{
	for (size_t i = 0; i < holding->n; i++)
		held_wipe(&holding->items[i]);
	free(holding->items);
	free(holding->name);
	free(holding->profile);
	*holding = (struct holding){ 0 };
}

/* ---- from the store ------------------------------------------------------ */

static enum rc
copy_digest(struct store *store, struct span from, uint8_t *to)
{
	if (from.n != SHA256_LEN)
		return err_set(RC_STATE, "%s: damaged", store->db.path);
	memcpy(to, from.p, SHA256_LEN);
	return RC_OK;
}

static enum rc
holding_read_held(struct store *store, sqlite3_stmt *st, struct held *h)
{
	struct span key = db_text(st, 8);
	enum rc rc = copy_digest(store, db_blob(st, 0), h->sha256);

	h->not_before = sqlite3_column_int64(st, 2);
	h->not_after = sqlite3_column_int64(st, 3);
	h->slots = (uint32_t)sqlite3_column_int64(st, 4);
	h->revoked = sqlite3_column_type(st, 5) != SQLITE_NULL;
	if (rc == RC_OK)
		rc = copy_digest(store, db_blob(st, 1), h->issuer);
	if (rc == RC_OK)
		rc = buf_add_span(&h->serial, db_blob(st, 6));
	if (rc == RC_OK)
		rc = buf_add_span(&h->der, db_blob(st, 7));
	if (rc == RC_OK)
		rc = buf_add_span(&h->names, db_text(st, 9));
	if (rc != RC_OK || key.n == 0)
		return rc;
	h->key_file = strndup((const char *)key.p, key.n);
	return h->key_file == NULL ? err_memory() : RC_OK;
}

static enum rc
add_held(struct store *store, sqlite3_stmt *st, struct holding *holding)
{
	struct held *one;
	enum rc rc = LIST_GROW(holding->items, holding->n);

	if (rc != RC_OK)
		return rc;
	one = &holding->items[holding->n++];
	*one = (struct held){ 0 };
	return holding_read_held(store, st, one);
}

static enum rc
name_it(struct holding *h, struct span name, struct span profile)
{
	h->name = strndup((const char *)name.p, name.n);
	h->profile = strndup((const char *)profile.p, profile.n);
	return h->name == NULL || h->profile == NULL ? err_memory() : RC_OK;
}

enum rc
holding_load(struct store *store, struct span name, struct span profile,
    struct holding *ret)
{
	WIPED(holding) h = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = name_it(&h, name, profile);

	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "SELECT c.sha256, c.issuer, c.not_before, c.not_after,"
		    " r.slots, c.revoked_at, c.serial, c.der, r.key_file,"
		    " r.names FROM request r JOIN certificate c"
		    " ON c.bundle = r.bundle AND c.place = r.place"
		    " WHERE " HELD_UNDER
		    " ORDER BY c.not_before, c.not_after, c.serial",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "ss", name, profile);
	while (db_next(&store->db, st, &rc))
		rc = add_held(store, st, &h);
	if (rc != RC_OK)
		return rc;
	*ret = h;
	h = (struct holding){ 0 };
	return RC_OK;
}

/* ---- dates --------------------------------------------------------------- */

static bool
is_valid(const struct held *h, int64_t at)
{
	return !h->revoked && h->not_before <= at && at <= h->not_after;
}

const struct held *
held_due_get0(const struct holding *holding, int64_t now)
{
	const struct held *newest = NULL, *before = NULL;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!is_valid(h, now))
			continue;
		newest = h;
		if (h->not_before + HELD_SETTLE <= now &&
		    h->not_after >= now + HELD_SETTLE)
			before = h;
	}
	if (newest == NULL || newest->not_before + HELD_SETTLE <= now)
		return newest;
	return before != NULL ? before : newest;
}

const struct held *
held_next_get0(const struct holding *holding, int64_t now)
{
	for (size_t i = 0; i < holding->n; i++)
		if (!holding->items[i].revoked &&
		    holding->items[i].not_before > now)
			return &holding->items[i];
	return NULL;
}

struct held_left
held_left_of(const struct holding *holding, int64_t now)
{
	struct held_left left = { 0 };

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (h->revoked || h->not_after < now)
			continue;
		left.later += h->not_before > now;
		if (h->not_after < left.ends)
			continue;
		left.ends = h->not_after;
		left.series = h->slots > 1;
	}
	return left;
}

bool
held_runs_out(const struct held_left *left, int64_t now, int64_t within)
{
	return left->ends < now + within || (left->series && left->later < 2);
}
