/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is due is told from dates and the order of requests alone,
 * here and nowhere else. */
#include "transfer/online/store/holding.h"

#include "base/list.h"
#include "transfer/x509/key.h"
#include "transfer/x509/tbs.h"

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
read_key_type(const struct store *store, struct held *h)
{
	struct cert_parts parts;
	struct key_facts key;
	enum rc rc = cert_parts_read(store->db.path, buf_span(&h->der), &parts);

	if (rc == RC_OK)
		rc = key_shape(store->db.path, parts.spki, &key);
	if (rc == RC_OK)
		h->key_type = key_row_get0(key.kind)->openssl;
	return rc;
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
	h->never = h->revoked && sqlite3_column_int64(st, 5) < h->not_before;
	h->bundle = (uint32_t)sqlite3_column_int64(st, 10);
	h->place = (uint32_t)sqlite3_column_int64(st, 11);
	h->standing = (enum standing)sqlite3_column_int(st, 12);
	h->is_asked = sqlite3_column_int(st, 13) != 0;
	h->since = (uint32_t)sqlite3_column_int64(st, 14);
	if (rc == RC_OK)
		rc = copy_digest(store, db_blob(st, 1), h->issuer);
	if (rc == RC_OK)
		rc = buf_add_span(&h->serial, db_blob(st, 6));
	if (rc == RC_OK)
		rc = buf_add_span(&h->der, db_blob(st, 7));
	if (rc == RC_OK)
		rc = buf_add_span(&h->names, db_text(st, 9));
	if (rc == RC_OK)
		rc = read_key_type(store, h);
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

/* Listings ask for every name: to prepare it takes longer than to run it. */
static enum rc
held_prepare(struct store *store)
{
	return store->held != NULL
		   ? RC_OK
		   : db_prepare(&store->db,
			 "SELECT c.sha256, c.issuer, c.not_before, c.not_after,"
			 " r.slots, c.revoked_at, c.serial, c.der, r.key_file,"
			 " r.names, r.bundle, r.place, r.stands,"
			 " length(b.file) > 0 AND r.bundle NOT IN"
			 " (SELECT bundle FROM loose),"
			 " coalesce(r.since, r.bundle)"
			 " FROM request r JOIN certificate c"
			 " ON c.bundle = r.bundle AND c.place = r.place"
			 " JOIN bundle b ON b.sequence = r.bundle"
			 " WHERE " HELD_UNDER
			 " ORDER BY c.not_before, c.not_after, c.serial",
			 &store->held);
}

enum rc
holding_load(struct store *store, struct span name, struct span profile,
    struct holding *ret)
{
	WIPED(holding) h = { 0 };
	enum rc rc = name_it(&h, name, profile);

	if (rc == RC_OK)
		rc = held_prepare(store);
	if (rc == RC_OK)
		rc = db_bind(&store->db, store->held, "ss", name, profile);
	while (db_next(&store->db, store->held, &rc))
		rc = add_held(store, store->held, &h);
	(void)sqlite3_reset(store->held);
	if (rc != RC_OK)
		return rc;
	*ret = h;
	h = (struct holding){ 0 };
	return RC_OK;
}

/* ---- which request ------------------------------------------------------- */

static bool
is_type(const struct held *h, const char *type)
{
	return type == NULL || h->key_type == NULL
		   ? type == h->key_type
		   : strcmp(type, h->key_type) == 0;
}

static bool
is_newer(const struct held *a, const struct held *b)
{
	if (a->since != b->since)
		return a->since > b->since;
	return a->bundle != b->bundle ? a->bundle > b->bundle
				      : a->place > b->place;
}

/* How gently a newer request is taken to treat what it renews. */
enum yielding {
	YIELD_AT_ONCE,	     /* over from the renewal's first second */
	YIELD_WHEN_SETTLED,  /* from an hour later */
	YIELD_TO_NO_RENEWAL, /* a renewal is the same key's heir: told beside it
			      */
};

/* Is a request newer than that of certificate `i`, and not that of `but` (NULL:
 * of none), in its place by `at`? What began once has done it for good, so
 * ended and revoked ones count. */
static bool
held_is_taken_but(const struct holding *holding, size_t i, int64_t at,
    enum yielding how, const struct held *but)
{
	const struct held *h = &holding->items[i];

	for (size_t j = 0; j < holding->n; j++) {
		const struct held *by = &holding->items[j];
		int64_t from = by->not_before;

		if (by->never || !is_newer(by, h) ||
		    (but != NULL && by->bundle == but->bundle &&
			by->place == but->place) ||
		    (by->standing != STANDS_IN_PLACE &&
			!is_type(by, h->key_type)))
			continue;
		if (by->standing == STANDS_RENEWED) {
			if (how == YIELD_TO_NO_RENEWAL)
				continue;
			if (how == YIELD_WHEN_SETTLED)
				from += HELD_SETTLE;
		}
		if (from <= at)
			return true;
	}
	return false;
}

static bool
held_is_taken(
    const struct holding *holding, size_t i, int64_t at, enum yielding how)
{
	return held_is_taken_but(holding, i, at, how, NULL);
}

bool
held_is_in_force(const struct holding *holding, size_t i, int64_t now)
{
	const int64_t begins = holding->items[i].not_before;

	return !held_is_taken(
	    holding, i, begins > now ? begins : now, YIELD_AT_ONCE);
}

bool
held_is_told(const struct holding *holding, size_t i, int64_t now)
{
	const struct held *h = &holding->items[i];

	if (h->revoked || h->not_after < now)
		return false;
	return h->not_before > now
		   ? held_is_in_force(holding, i, now)
		   : !held_is_taken(holding, i, now, YIELD_TO_NO_RENEWAL);
}

const char *
held_type_get0(const struct holding *holding, const char *wanted, int64_t now)
{
	const struct held *oldest = NULL;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!held_is_in_force(holding, i, now))
			continue;
		if (wanted != NULL && is_type(h, wanted))
			return wanted;
		if (h->not_after >= now &&
		    (oldest == NULL || is_newer(oldest, h)))
			oldest = h;
	}
	return oldest == NULL ? NULL : oldest->key_type;
}

size_t
held_types_get0(const struct holding *holding, int64_t now, int64_t since,
    const char *ret[static HELD_TYPES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];
		bool known = false;

		if (h->not_after < since || h->revoked ||
		    !held_is_in_force(holding, i, now))
			continue;
		for (size_t j = 0; j < n; j++)
			known |= is_type(h, ret[j]);
		if (!known && n < HELD_TYPES_MAX)
			ret[n++] = h->key_type;
	}
	return n;
}

/* ---- dates --------------------------------------------------------------- */

static bool
is_valid(const struct held *h, int64_t at)
{
	return !h->revoked && h->not_before <= at && at <= h->not_after;
}

const struct held *
held_due_get0(const struct holding *holding, const char *key_type, int64_t now)
{
	const struct held *newest = NULL, *before = NULL;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!is_valid(h, now) || !is_type(h, key_type))
			continue;
		if (!held_is_taken(holding, i, now, YIELD_AT_ONCE))
			newest = h;
		if (h->not_before + HELD_SETTLE <= now &&
		    h->not_after >= now + HELD_SETTLE &&
		    !held_is_taken(holding, i, now, YIELD_WHEN_SETTLED))
			before = h;
	}
	if (newest == NULL || newest->not_before + HELD_SETTLE <= now)
		return newest;
	return before != NULL ? before : newest;
}

const struct held *
held_next_get0(const struct holding *holding, const char *key_type, int64_t now)
{
	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!h->revoked && h->not_before > now &&
		    is_type(h, key_type) && held_is_in_force(holding, i, now))
			return h;
	}
	return NULL;
}

const struct held *
held_last_get0(const struct holding *holding, const char *key_type, int64_t now)
{
	const struct held *last = NULL;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!h->revoked && is_type(h, key_type) &&
		    held_is_in_force(holding, i, now) &&
		    (last == NULL || h->not_after >= last->not_after))
			last = h;
	}
	return last;
}

static void
add_left(struct held_left *left, const struct held *h, int64_t now)
{
	left->later += h->not_before > now;
	if (h->not_after < left->ends)
		return;
	left->ends = h->not_after;
	left->series = h->slots > 1;
}

struct held_left
held_left_of(const struct holding *holding, const char *key_type, int64_t now)
{
	struct held_left left = { 0 };

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!h->revoked && h->not_after >= now &&
		    is_type(h, key_type) && held_is_in_force(holding, i, now))
			add_left(&left, h, now);
	}
	return left;
}

struct held_left
held_replaced_of(const struct holding *holding, int64_t now)
{
	struct held_left left = { 0 };

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];

		if (!h->revoked && h->not_after >= now &&
		    !held_is_in_force(holding, i, now))
			add_left(&left, h, h->not_before - 1);
	}
	return left;
}

size_t
held_replaced_by(
    const struct holding *holding, const struct held *by, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i];
		int64_t at = h->not_before > now ? h->not_before : now;
		int64_t then = by->not_before > at ? by->not_before : at;

		n += !h->revoked && h->not_after >= then &&
		     held_is_taken(holding, i, then, YIELD_AT_ONCE) &&
		     !held_is_taken_but(holding, i, at, YIELD_AT_ONCE, by);
	}
	return n;
}

bool
held_runs_out(const struct held_left *left, int64_t now, int64_t within)
{
	return left->ends < now + within || (left->series && left->later < 2);
}
