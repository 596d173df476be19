/* SPDX-License-Identifier: Apache-2.0 */
/* Which are due, and what was asked for them the last time. */
#include "transfer/online/request/renew.h"

#include "transfer/online/request/sent.h"
#include "transfer/rule.h"

#include <stdio.h>

struct renew_run {
	const struct renewing *by;
	struct sent sent;
	sqlite3_stmt *waiting; /* owned; asked for each name */
};

static void
renew_run_wipe(struct renew_run *r)
{
	sent_wipe(&r->sent);
	(void)sqlite3_finalize(r->waiting);
}

static enum rc
is_waiting(struct renew_run *run, const struct holding *h, bool *ret)
{
	struct db *db = &run->by->compose->store->db;
	enum rc rc = RC_OK;

	if (run->waiting == NULL)
		rc = db_prepare(db,
		    "SELECT 1 FROM request r"
		    " JOIN bundle b ON b.sequence = r.bundle"
		    " WHERE b.state = 1 AND r.issued IS NULL AND " HELD_UNDER,
		    &run->waiting);
	if (rc == RC_OK)
		rc = db_bind(db, run->waiting, "tt", h->name, h->profile);
	if (rc == RC_OK)
		rc = db_step(db, run->waiting, ret);
	(void)sqlite3_reset(run->waiting);
	return rc;
}

static enum rc
renew_read_file(struct store *store, uint32_t sequence, struct buf *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = db_prepare(
	    &store->db, "SELECT file FROM bundle WHERE sequence = ?1", &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "i", (int64_t)sequence);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &row);
	return rc != RC_OK ? rc : buf_add_span(ret, db_blob(st, 0));
}

static enum rc
renew_open(struct store *store, struct sent *s, uint32_t sequence)
{
	WIPED(buf) file = { 0 };
	enum rc rc;

	if (s->sequence == sequence)
		return RC_OK;
	rc = renew_read_file(store, sequence, &file);
	return rc != RC_OK ? rc : sent_open(s, sequence, buf_span(&file));
}

/* ---- the request --------------------------------------------------------- */

static enum rc
copy_names(const struct name *names, size_t n, struct name_list *to)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = name_list_add(to, names[i].type, names[i].text);
	return rc;
}

static enum rc
add_same_csr(struct compose *c, const struct cert_request *r, struct verdict *v)
{
	enum rc rc = compose_add_read(c, "stored request", r->csr, r->id, v);

	return rc != RC_OK ? rc
			   : copy_names(r->names, r->n_names,
				 &c->items[c->n - 1].names);
}

/* A successor of the same type, whatever the policy prefers today: what it no
 * longer takes it refuses by name. */
static enum rc
renew_add_new_key(
    struct compose *c, const struct cert_request *r, const struct verdict *v)
{
	const struct profile *profile =
	    policy_profile_get0(&c->store->policy, r->profile);
	WIPED(name_list) names = { 0 };
	WIPED(buf) room = { 0 };
	struct key_facts key;
	struct span spki;
	char type[KEY_TYPE_TEXT];
	enum rc rc;

	if (profile == NULL)
		return rule_refuse(RULE_PROFILE_UNKNOWN,
		    "the CA's policy has no profile \"%.*s\" any more",
		    SPAN_FMT(r->profile));
	rc = verdict_prove_key(v, "stored request", r->csr, &room, &spki);
	if (rc == RC_OK)
		rc = key_shape("stored request", spki, &key);
	if (rc == RC_OK && r->n_names != 0)
		rc = copy_names(r->names, r->n_names, &names);
	else if (rc == RC_OK)
		rc = copy_names(v->names.items, v->names.n, &names);
	if (rc != RC_OK)
		return rc;
	key_name(&key, type);
	return compose_add_key(c, type, profile, &names);
}

static void
set_validity(struct composed *to, const struct validity *asked,
    int64_t last_not_before, int64_t now)
{
	int64_t next = last_not_before + asked->period;

	to->validity = (struct validity){ .count = asked->count,
		.period = asked->period,
		.overlap = asked->overlap };
	if (asked->count < 2 || next < now + RENEW_SOON)
		return;
	to->validity.has_not_before = true;
	to->validity.not_before = next;
}

static enum rc
renew_add(
    struct compose *c, struct sent *sent, const struct held *l, bool replace)
{
	const struct cert_request *r = NULL;
	WIPED(verdict) v = { 0 };
	struct composed *item;
	enum rc rc = renew_open(c->store, sent, l->bundle);

	if (rc == RC_OK)
		rc = sent_request(sent, l->place, &r);
	if (rc == RC_OK)
		rc = sent_read(sent, c->reader, l->place, &v);
	if (rc == RC_OK && replace && l->key_file == NULL)
		return err_set(RC_STATE,
		    "the key of this certificate was not made here: make another one there and ask with its CSR; `airgap-transfer revoke NAME --reason R --out STICK` revokes the old one");
	if (rc == RC_OK)
		rc = l->key_file != NULL ? renew_add_new_key(c, r, &v)
					 : add_same_csr(c, r, &v);
	if (rc != RC_OK)
		return rc;
	item = &c->items[c->n - 1];
	(void)snprintf(
	    item->profile, sizeof(item->profile), "%.*s", SPAN_FMT(r->profile));
	set_validity(item, &r->validity, l->not_before, c->now);
	item->standing = STANDS_RENEWED;
	if (replace) {
		item->validity.has_not_before = false;
		item->validity.not_before = 0;
		item->standing = STANDS_BESIDE; /* of its own type of key */
	}
	return buf_add_span(&item->replaces, buf_span(&l->serial));
}

/* Named twice, by two of its names perhaps. */
static enum rc
is_added(const struct compose *c, const struct held *l, bool *ret)
{
	uint8_t serial[SHA256_LEN];
	enum rc rc = sha256(buf_span(&l->serial), serial);

	*ret = rc == RC_OK && digest_set_find(&c->renewed, serial, NULL);
	return rc;
}

static enum rc
note_added(struct compose *c, const struct held *l)
{
	uint8_t serial[SHA256_LEN];
	bool is_new = false;
	enum rc rc = sha256(buf_span(&l->serial), serial);

	return rc != RC_OK ? rc
			   : digest_set_add(
				 &c->renewed, serial, (uint32_t)c->n, &is_new);
}

/* ---- which --------------------------------------------------------------- */

/* What came of loose CSRs was asked by no bundle, and what another store asked
 * by none of ours: there is nothing to repeat. */
static enum rc
renew_type(struct renew_run *run, const struct holding *h, const char *type)
{
	const struct renewing *by = run->by;
	struct compose *c = by->compose;
	const struct held *last = held_last_get0(h, type, c->now);
	struct held_left left = held_left_of(h, type, c->now);
	enum renewal what = RENEW_ASKED;
	bool added = false;
	enum rc rc = last == NULL ? RC_OK : is_added(c, last, &added);

	if (rc != RC_OK || added)
		return rc;
	if (last == NULL || !last->is_asked)
		what = RENEW_NOTHING;
	else if (!by->replace && !held_runs_out(&left, c->now, by->within))
		what = RENEW_EARLY;
	else
		rc = renew_add(c, &run->sent, last, by->replace);
	if (rc == RC_OK && what == RENEW_ASKED)
		rc = note_added(c, last);
	if (rc == RC_OK)
		by->each(by->arg, h, &left, what);
	return rc;
}

/* Each type of key that stands there on its own. */
static enum rc
renew(struct renew_run *run, const struct holding *h, int64_t since)
{
	const struct renewing *by = run->by;
	struct compose *c = by->compose;
	const char *types[HELD_TYPES_MAX] = { NULL };
	size_t n = held_types_get0(h, c->now, since, types);
	struct held_left left = held_left_of(h, types[0], c->now);
	bool waiting = false;
	enum rc rc = by->replace ? RC_OK : is_waiting(run, h, &waiting);

	if (rc == RC_OK && waiting)
		by->each(by->arg, h, &left, RENEW_WAITING);
	else if (rc == RC_OK && n == 0)
		by->each(by->arg, h, &left, RENEW_NOTHING);
	for (size_t i = 0; i < n && !waiting && rc == RC_OK; i++)
		rc = renew_type(run, h, types[i]);
	return rc;
}

enum rc
renew_name(const struct renewing *by, const char *typed)
{
	WIPED(renew_run) run = { .by = by };
	WIPED(holding) h = { 0 };
	enum rc rc =
	    holding_find(by->compose->store, typed, NULL, by->compose->now, &h);

	return rc != RC_OK ? rc : renew(&run, &h, INT64_MIN);
}

static enum rc
renew_one(void *arg, struct span name, struct span profile, int64_t ends)
{
	struct renew_run *run = arg;
	const struct compose *c = run->by->compose;
	const int64_t since = c->now - run->by->within;
	WIPED(holding) h = { 0 };
	enum rc rc;

	if (ends < since)
		return RC_OK;
	rc = holding_load(c->store, name, profile, &h);
	return rc != RC_OK ? rc : renew(run, &h, since);
}

enum rc
renew_all(const struct renewing *by)
{
	WIPED(renew_run) run = { .by = by };

	return holding_each(by->compose->store, renew_one, &run);
}
