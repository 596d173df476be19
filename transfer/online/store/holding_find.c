/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person types to a name that stays: what is remembered of a
 * deployment is the first name and the profile, so that a certificate for
 * something else that has this name too never slips in later. */
#include "transfer/online/store/holding.h"

#include "base/list.h"

#include <stdlib.h>

/* Spellings of one typed name: as it is, and as a domain and as a JID. */
#define SPELLINGS 3

struct search {
	struct buf spelt[SPELLINGS]; /* "dns:example.org"; empty: none */
	const char *typed, *profile; /* NULL: any */
	int64_t now;
	struct search_found {
		char *name, *profile; /* owned */
		bool first;	      /* its first name, or its request's id */
		int64_t ends;	      /* the last of them */
	} * items;		      /* owned */
	size_t n;
};

static void
search_wipe(struct search *s)
{
	for (size_t i = 0; i < SPELLINGS; i++)
		buf_wipe(&s->spelt[i]);
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].name);
		free(s->items[i].profile);
	}
	free(s->items);
}

/* As it was typed, or as the two types that a person leaves out. What is no
 * name of that type is none of that spelling. */
static enum rc
spell(struct search *s, struct buf *spelt, const enum name_type *type)
{
	WIPED(buf) text = { 0 };
	struct name name;
	enum rc rc;

	if (type != NULL) {
		name.type = *type;
		rc = name_read_as(name.type, span_str(s->typed), &text);
	} else {
		rc = name_read(s->typed, &name.type, &text);
	}
	if (rc != RC_OK) {
		err_clear();
		return RC_OK;
	}
	name.text = buf_span(&text);
	return name_write(spelt, &name);
}

static bool
is_spelt(const struct search *s, struct span name)
{
	for (size_t i = 0; i < SPELLINGS; i++)
		if (s->spelt[i].n != 0 && span_eq(name, buf_span(&s->spelt[i])))
			return true;
	return false;
}

static enum rc
add_found(struct search *s, struct span name, struct span profile, bool first,
    int64_t ends)
{
	struct search_found one = { .first = first, .ends = ends };
	enum rc rc;

	/* Those of one name come one after the other. */
	for (size_t i = s->n; i-- > 0;) {
		struct search_found *f = &s->items[i];

		if (!span_eq_str(name, f->name))
			break;
		if (!span_eq_str(profile, f->profile))
			continue;
		f->first |= first;
		if (f->ends < ends)
			f->ends = ends;
		return RC_OK;
	}
	rc = LIST_GROW(s->items, s->n);
	if (rc != RC_OK)
		return rc;
	one.name = strndup(name.n == 0 ? "" : (const char *)name.p, name.n);
	one.profile = strndup((const char *)profile.p, profile.n);
	s->items[s->n++] = one;
	return one.name == NULL || one.profile == NULL ? err_memory() : RC_OK;
}

static enum rc
see(struct search *s, sqlite3_stmt *st)
{
	struct span profile = db_text(st, 0), names = db_text(st, 1);
	struct span id = db_text(st, 2), first = names.n == 0 ? id : SPAN_NONE;
	int64_t ends = sqlite3_column_int64(st, 3);
	bool is_first = s->typed == NULL || span_eq_str(id, s->typed);
	bool any = is_first;

	if (s->profile != NULL && !span_eq_str(profile, s->profile))
		return RC_OK;
	while (names.n != 0) {
		struct span line = span_take_line(&names);

		if (first.n == 0) {
			first = line;
			is_first |= is_spelt(s, line);
		}
		any |= is_spelt(s, line);
	}
	return any ? add_found(s, first, profile, is_first, ends) : RC_OK;
}

static enum rc
holding_find_look(struct search *s, struct store *store)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT r.profile, r.names, r.id, max(c.not_after)"
	    " FROM certificate c JOIN request r"
	    " ON r.bundle = c.bundle AND r.place = c.place"
	    " WHERE r.unused IS NULL"
	    " GROUP BY r.profile, r.names, r.id"
	    " ORDER BY CASE r.names WHEN '' THEN r.id ELSE r.names END,"
	    " r.profile",
	    &st);

	while (db_next(&store->db, st, &rc))
		rc = see(s, st);
	return rc;
}

/* Those whose first name it is before the others, and what lives before what is
 * over: that was another time's. */
static size_t
best_of(const struct search *s, bool first, bool alive, size_t *ret_count)
{
	size_t best = 0;

	*ret_count = 0;
	for (size_t i = 0; i < s->n; i++)
		if ((s->items[i].first || !first) &&
		    (s->items[i].ends >= s->now || !alive)) {
			best = i;
			++*ret_count;
		}
	return best;
}

static enum rc
choose(const struct search *s, const struct search_found **ret)
{
	size_t best = 0, count = 0;

	for (unsigned way = 0; way < 4 && count == 0; way++)
		best = best_of(s, (way & 1) == 0, (way & 2) == 0, &count);
	if (count == 0)
		return err_set(RC_STATE,
		    "%s: no certificate has that name%s%s; `airgap-transfer list` shows what there is",
		    s->typed, s->profile == NULL ? "" : " and profile ",
		    s->profile == NULL ? "" : s->profile);
	if (count > 1)
		return err_set(RC_USAGE,
		    "%s: %zu kinds of certificates have that name (%s of profile %s, for one): give --profile, or the first name that `airgap-transfer list` shows",
		    s->typed, count, s->items[best].name,
		    s->items[best].profile);
	*ret = &s->items[best];
	return RC_OK;
}

enum rc
holding_find(struct store *store, const char *typed, const char *profile,
    int64_t now, struct holding *ret)
{
	WIPED(search) s = { .typed = typed, .profile = profile, .now = now };
	static const enum name_type dns = NAME_DNS, xmpp = NAME_XMPP;
	const enum name_type *const types[SPELLINGS] = { NULL, &dns, &xmpp };
	const struct search_found *found = NULL;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < SPELLINGS && rc == RC_OK; i++)
		rc = spell(&s, &s.spelt[i], types[i]);
	if (rc == RC_OK)
		rc = holding_find_look(&s, store);
	if (rc == RC_OK)
		rc = choose(&s, &found);
	return rc != RC_OK ? rc
			   : holding_load(store, span_str(found->name),
				 span_str(found->profile), ret);
}

enum rc
holding_each(struct store *store,
    enum rc (*each)(
	void *arg, struct span name, struct span profile, int64_t ends),
    void *arg)
{
	WIPED(search) s = { 0 };
	enum rc rc = holding_find_look(&s, store);

	for (size_t i = 0; i < s.n && rc == RC_OK; i++)
		rc = each(arg, span_str(s.items[i].name),
		    span_str(s.items[i].profile), s.items[i].ends);
	return rc;
}
