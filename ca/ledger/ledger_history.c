/* SPDX-License-Identifier: Apache-2.0 */
/* Whose history a restored ledger was shown, and whose it still waits for. What
 * comes back of it is for ledger_import.c. */
#include "base/list.h"
#include "ca/ledger/ledger_internal.h"
#include "transfer/rule.h"

#include <stdlib.h>

enum rc
ledger_history_add(struct ledger *ledger, const struct ledger_history *history)
{
	struct record r = { .kind = RECORD_HISTORY };

	r.u.history.channel = span_of(history->channel, SHA256_LEN);
	r.u.history.sequence = history->sequence;
	r.u.history.whole = history->whole;
	return ledger_append(ledger, &r);
}

struct history_list {
	struct ledger_history *items; /* owned */
	size_t n;
};

static void
history_list_wipe(struct history_list *list)
{
	free(list->items);
}

/* A channel's newer record takes the place of the older. */
static enum rc
history_tell(const struct record *r, const uint8_t *hash, void *arg)
{
	struct history_list *list = arg;
	const uint8_t *channel = r->u.history.channel.p;
	size_t at = 0;
	enum rc rc = RC_OK;

	(void)hash;
	while (at < list->n &&
	       memcmp(list->items[at].channel, channel, SHA256_LEN) != 0)
		at++;
	if (at == list->n)
		rc = LIST_GROW(list->items, list->n);
	if (rc != RC_OK)
		return rc;
	list->n += at == list->n;
	memcpy(list->items[at].channel, channel, SHA256_LEN);
	list->items[at].sequence = (uint32_t)r->u.history.sequence;
	list->items[at].whole = r->u.history.whole != 0;
	return RC_OK;
}

enum rc
ledger_histories(
    struct ledger *ledger, struct ledger_history **ret, size_t *ret_n)
{
	WIPED(history_list) list = { 0 };
	enum rc rc = ledger_since_restored_each(
	    ledger, RECORD_HISTORY, history_tell, &list);

	if (rc != RC_OK)
		return rc;
	*ret = list.items;
	*ret_n = list.n;
	list.items = NULL;
	return RC_OK;
}

/* ---- who is awaited -------------------------------------------------------
 */

struct awaited_list {
	struct awaited *items; /* owned */
	size_t n;
};

static void
awaited_list_wipe(struct awaited_list *list)
{
	free(list->items);
}

static enum rc
await_one(struct awaited_list *list, const uint8_t *channel, const char *label)
{
	struct awaited *one;
	enum rc rc = LIST_GROW(list->items, list->n);

	if (rc != RC_OK)
		return rc;
	one = &list->items[list->n++];
	*one = (struct awaited){ 0 };
	memcpy(one->channel, channel, SHA256_LEN);
	memcpy(one->label, label, strnlen(label, LABEL_MAX));
	return RC_OK;
}

static const struct ledger_history *
history_of(const struct history_list *list, const uint8_t *channel)
{
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(list->items[i].channel, channel, SHA256_LEN) == 0)
			return &list->items[i];
	return NULL;
}

static bool
is_enrolled(const struct requester *list, size_t n, const uint8_t *channel)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].key_id, channel, SHA256_LEN) == 0)
			return true;
	return false;
}

static enum rc
await_each(const struct history_list *read, const struct requester *list,
    size_t n, struct awaited_list *ret)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct ledger_history *one =
		    history_of(read, list[i].key_id);

		if (one == NULL || !one->whole)
			rc = await_one(ret, list[i].key_id, list[i].label);
	}
	for (size_t i = 0; i < read->n && rc == RC_OK; i++)
		if (!read->items[i].whole &&
		    !is_enrolled(list, n, read->items[i].channel))
			rc = await_one(ret, read->items[i].channel, "");
	return rc;
}

enum rc
ledger_awaited(struct ledger *ledger, struct awaited **ret, size_t *ret_n)
{
	WIPED(history_list) read = { 0 };
	WIPED(awaited_list) list = { 0 };
	struct requester *requesters = NULL;
	size_t n = 0;
	enum rc rc = ledger_check_caught_up(ledger);

	*ret = NULL;
	*ret_n = 0;
	if (rc == RC_OK || rule_spoken() != RULE_RESTORED)
		return rc;
	err_clear();
	rc = ledger_histories(ledger, &read.items, &read.n);
	if (rc == RC_OK)
		rc = ledger_requesters(ledger, &requesters, &n);
	if (rc == RC_OK)
		rc = await_each(&read, requesters, n, &list);
	requesters_free(requesters, n);
	if (rc != RC_OK)
		return rc;
	*ret = list.items;
	*ret_n = list.n;
	list.items = NULL;
	return RC_OK;
}
