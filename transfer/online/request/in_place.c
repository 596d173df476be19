/* SPDX-License-Identifier: Apache-2.0 */
/* Said before anyone walks to the safe, because the newest request wins for
 * good: a second one for the same name is either the remedy for a leaked key or
 * a slip. */
#include "transfer/online/request/in_place.h"

struct in_place_run {
	struct compose *compose;
	bool beside, held; /* the store holds something at all */
	struct digest_set names;
	void (*each)(void *arg, const struct in_place *p);
	void *arg;
};

static void
in_place_run_wipe(struct in_place_run *r)
{
	digest_set_wipe(&r->names);
}

static enum rc
holds_any(struct store *store, bool *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc =
	    db_prepare(&store->db, "SELECT 1 FROM certificate LIMIT 1", &st);

	return rc != RC_OK ? rc : db_step(&store->db, st, ret);
}

/* As the store will file it: the first name, or the request's id. */
static enum rc
name_of(
    const struct in_place_run *run, const struct composed *c, struct buf *out)
{
	const struct names_chosen names = composed_names(run->compose, c);

	return names.n == 0 ? buf_add_str(out, c->id)
			    : name_write(out, &names.items[0]);
}

static enum rc
note_name(struct in_place_run *run, const struct composed *c, struct span name,
    bool *ret_again)
{
	WIPED(buf) both = { 0 };
	uint8_t digest[SHA256_LEN];
	bool is_new = true;
	enum rc rc = buf_printf(&both, "%s\n", c->profile);

	if (rc == RC_OK)
		rc = buf_add_span(&both, name);
	if (rc == RC_OK)
		rc = sha256(buf_span(&both), digest);
	if (rc == RC_OK)
		rc = digest_set_add(&run->names, digest, 0, &is_new);
	*ret_again = !is_new;
	return rc;
}

/* In place of what the server presents, or else of what would have been last.
 */
static const struct held *
find_old(const struct holding *h, const char *type, bool beside, int64_t now)
{
	const char *there = held_type_get0(h, type, now);
	const struct held *old;

	if (beside && (there == NULL || strcmp(there, type) != 0))
		return NULL;
	old = held_due_get0(h, there, now);
	return old != NULL ? old : held_last_get0(h, there, now);
}

static enum rc
in_place_one(struct in_place_run *run, struct composed *c)
{
	struct store *store = run->compose->store;
	WIPED(holding) holding = { 0 };
	WIPED(buf) name = { 0 };
	struct in_place p = { .item = c,
		.holding = &holding,
		.key_type = key_row_get0(c->key.kind)->openssl };
	enum rc rc = name_of(run, c, &name);

	c->standing = run->beside ? STANDS_BESIDE : STANDS_IN_PLACE;
	if (rc == RC_OK)
		rc = note_name(run, c, buf_span(&name), &p.again);
	if (rc == RC_OK && run->held)
		rc = holding_load(
		    store, buf_span(&name), span_str(c->profile), &holding);
	if (rc != RC_OK)
		return rc;
	if (holding.n != 0)
		p.old = find_old(
		    &holding, p.key_type, run->beside, run->compose->now);
	/* What no bundle of ours obtained is none that the CA lets us name. */
	if (p.old != NULL && p.old->is_asked)
		rc = buf_add_span(&c->replaces, buf_span(&p.old->serial));
	if (rc == RC_OK && (holding.n != 0 || p.again))
		run->each(run->arg, &p);
	return rc;
}

enum rc
in_place_find(struct compose *c, bool beside,
    void (*each)(void *arg, const struct in_place *p), void *arg)
{
	WIPED(in_place_run)
	run = { .compose = c, .beside = beside, .each = each, .arg = arg };
	enum rc rc = holds_any(c->store, &run.held);

	for (size_t i = 0; i < c->n && rc == RC_OK; i++)
		rc = in_place_one(&run, &c->items[i]);
	return rc;
}
