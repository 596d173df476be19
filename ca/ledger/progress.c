/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a bundle's requests: its acts gone through in their order, so
 * that what was done later to the same place counts. */
#include "ca/ledger/progress.h"

#include "base/list.h"

#include <stdlib.h>

void
progress_wipe(struct progress *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->items[i].rule);
		free(o->items[i].reason);
		free(o->items[i].slots);
	}
	free(o->items);
	free(o->unfinished);
	*o = (struct progress){ 0 };
}

static enum rc
add_unfinished(struct progress *o, const struct intent *intent)
{
	enum rc rc = LIST_GROW(o->unfinished, o->n_unfinished);

	if (rc != RC_OK)
		return rc;
	o->unfinished[o->n_unfinished++] = *intent;
	return RC_OK;
}

/* An intent is followed by its result or void; the newest are looked at first,
 * since acts of one batch lie together. */
static void
progress_settle(struct progress *o, const struct intent *intent)
{
	for (size_t i = o->n_unfinished; i > 0; i--)
		if (o->unfinished[i - 1].n == intent->n) {
			o->unfinished[i - 1] = o->unfinished[--o->n_unfinished];
			return;
		}
}

static enum rc
progress_note_result(struct request_progress *o, const struct bundle_act *act)
{
	const struct intent *intent = &act->intent;
	struct slot *slot = &o->slots[intent->slot];

	/* A void one is followed by another intent for the same place, whose
	 * serial is new: promise 1. */
	slot->done = act->kind == RECORD_RESULT;
	slot->not_before = intent->not_before;
	slot->not_after = intent->not_after;
	memcpy(slot->serial, intent->serial, sizeof(slot->serial));
	return slot->done ? sha256(act->der, slot->digest) : RC_OK;
}

static enum rc
note_refusal(struct request_progress *o, const struct bundle_act *act)
{
	free(o->rule);
	free(o->reason);
	o->rule = strndup((const char *)act->rule.p, act->rule.n);
	o->reason = strndup((const char *)act->reason.p, act->reason.n);
	return o->rule == NULL || o->reason == NULL ? err_memory() : RC_OK;
}

static enum rc
progress_note_act(const struct bundle_act *act, void *arg)
{
	struct progress *o = arg;
	uint32_t request =
	    act->kind == RECORD_REFUSAL ? act->request : act->intent.request;

	if (request >= o->n ||
	    (act->kind != RECORD_REFUSAL &&
		act->intent.slot >= o->items[request].n_slots))
		return err_set(RC_STATE,
		    "the ledger speaks of request %u, which this bundle does not have",
		    request + 1);
	switch (act->kind) {
	case RECORD_INTENT:
		return add_unfinished(o, &act->intent);
	case RECORD_REFUSAL:
		return note_refusal(&o->items[request], act);
	default:
		progress_settle(o, &act->intent);
		return progress_note_result(&o->items[request], act);
	}
}

enum rc
progress_read(struct ledger *ledger, const struct ledger_bundle *record,
    const struct bundle *bundle, struct progress *ret)
{
	WIPED(progress) o = { 0 };
	enum rc rc;

	o.items = calloc(
	    bundle->n_requests == 0 ? 1 : bundle->n_requests, sizeof(*o.items));
	if (o.items == NULL)
		return err_memory();
	o.n = bundle->n_requests;
	for (size_t i = 0; i < o.n; i++) {
		o.items[i].n_slots = bundle->requests[i].validity.count;
		o.items[i].slots =
		    calloc(o.items[i].n_slots, sizeof(*o.items[i].slots));
		if (o.items[i].slots == NULL)
			return err_memory();
	}
	rc = ledger_bundle_each(ledger, record, progress_note_act, &o);
	if (rc != RC_OK)
		return rc;
	*ret = o;
	o = (struct progress){ 0 };
	return RC_OK;
}

uint64_t
progress_done(const struct progress *o)
{
	uint64_t done = 0;

	for (size_t i = 0; i < o->n; i++)
		for (uint32_t c = 0; c < o->items[i].n_slots; c++)
			done += o->items[i].slots[c].done;
	return done;
}
