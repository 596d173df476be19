/* SPDX-License-Identifier: Apache-2.0 */
/* The newest request wins for good. Nobody shall learn that from a server that
 * suddenly has another key. */
#include "transfer/online/cmd/cmd_in_place.h"

#include "base/clock.h"
#include "base/term.h"

void
in_place_tell(void *arg, const struct in_place *p)
{
	const struct holding *h = p->holding;
	char until[CLOCK_TEXT];

	(void)arg;
	if (p->again)
		term_alarm(
		    "warning  %s: a second request of this bundle for that name and profile %s\n",
		    p->item->id,
		    p->item->standing == STANDS_BESIDE
			? "with --beside: of one type of key only the last is used"
			: "takes the place of the first: --beside keeps keys of two types");
	if (h->n == 0)
		return;
	if (p->old == NULL) {
		term_say("%s: beside what is held (a key of type %s)\n",
		    h->name, p->key_type);
		return;
	}
	clock_write(p->old->not_after, until);
	term_say(
	    "%s: in place of what is held (now until %.10s), for good, once it is installed%s\n",
	    h->name, until,
	    p->item->standing == STANDS_BESIDE ? "; keys of other types stay"
					       : "");
}

/* ---- installed ----------------------------------------------------------- */

struct in_place_telling {
	struct store *store;
	int64_t now;
	struct holding
	    held; /* of the last name: a bundle may ask often for it */
};

/* The first certificate of that request. */
static const struct held *
first_of(const struct holding *h, const struct takeover *t)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->items[i].bundle == t->bundle &&
		    h->items[i].place == t->place)
			return &h->items[i];
	return NULL;
}

static enum rc
in_place_tell_one(void *arg, const struct takeover *t)
{
	struct in_place_telling *telling = arg;
	struct holding *h = &telling->held;
	const char *types[HELD_TYPES_MAX];
	const struct held *first;
	char from[CLOCK_TEXT];
	size_t old;
	enum rc rc = RC_OK;

	if (t->unused == UNUSED_WITHDRAWN || t->unused == UNUSED_FORGOTTEN)
		term_alarm(
		    "  %.*s: that %s: its certificates are kept and not used\n",
		    SPAN_FMT(t->name),
		    t->unused == UNUSED_WITHDRAWN ? "bundle was withdrawn"
						  : "name was forgotten");
	if (t->unused != UNUSED_NOT)
		return RC_OK;
	if (h->n == 0 || !span_eq_str(t->name, h->name) ||
	    !span_eq_str(t->profile, h->profile)) {
		holding_wipe(h);
		rc = holding_load(telling->store, t->name, t->profile, h);
	}
	first = rc == RC_OK ? first_of(h, t) : NULL;
	if (first == NULL)
		return rc;
	old = held_replaced_by(h, first, telling->now);
	clock_write(first->not_before, from);
	if (old != 0 && first->not_before <= telling->now)
		term_say(
		    "  %s: in place of %zu certificate%s of older requests, from now on and for good\n",
		    h->name, old, old == 1 ? "" : "s");
	else if (old != 0)
		term_say("  %s: in place of older requests from %.10s on\n",
		    h->name, from);
	/* A key that was replaced leaves those of other types alone, too: it
	 * may have been the only one. */
	if (first->standing == STANDS_BESIDE &&
	    held_types_get0(h, telling->now, telling->now, types) > 1)
		term_say("  %s: a key of type %s, beside others\n", h->name,
		    first->key_type);
	return RC_OK;
}

enum rc
in_place_tell_installed(struct store *store, uint32_t bundle)
{
	struct in_place_telling telling = { .store = store };
	enum rc rc = clock_now(&telling.now);

	if (rc == RC_OK && bundle != 0)
		rc = store_each_takeover(
		    store, bundle, in_place_tell_one, &telling);
	holding_wipe(&telling.held);
	return rc;
}
