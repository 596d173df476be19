/* SPDX-License-Identifier: Apache-2.0 */
/* What a restored CA waits for: each requester's history, read whole. What
 * could not be read must never pass for read, whoever wrote it. */
#include "ca/lifecycle/recover.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>

/* A name is a place and proves nothing: it can make us wait, and no more. */
static bool
is_left(const struct recovery *r, const uint8_t channel[static SHA256_LEN])
{
	char requester[9];

	hex_write(span_of(channel, 4), requester);
	for (size_t i = 0; i < r->n_left; i++)
		if (memcmp(r->left[i].name + 9, requester, 8) == 0)
			return true;
	return false;
}

static bool
is_read(const struct recovery *r, const uint8_t channel[static SHA256_LEN])
{
	for (size_t i = 0; i < r->n_read; i++)
		if (memcmp(r->read[i].channel, channel, SHA256_LEN) == 0)
			return true;
	return false;
}

/* The newest that was brought, and the newest that the ledger has. */
static enum rc
numbers_of(const struct recovery *r, const uint8_t channel[static SHA256_LEN],
    uint32_t *ret_brought, uint32_t *ret_here)
{
	WIPED(ledger_manifest) here = { 0 };
	uint32_t brought = 0;
	bool known = false;
	enum rc rc = ledger_manifest_get(r->ledger, channel, 0, &here, &known);

	for (size_t i = 0; i < r->n; i++) {
		const struct manifest *m = &r->items[i].manifest;

		if (memcmp(m->requester, channel, SHA256_LEN) == 0 &&
		    m->sequence > brought)
			brought = m->sequence;
	}
	*ret_brought = brought;
	*ret_here = known ? here.sequence : 0;
	return rc;
}

/* A history that ends before what the ledger has is not the whole of it. */
static enum rc
read_add(struct recovery *r, const uint8_t channel[static SHA256_LEN])
{
	struct ledger_history one = { 0 };
	uint32_t brought, here;
	enum rc rc = numbers_of(r, channel, &brought, &here);

	if (rc == RC_OK)
		rc = LIST_GROW(r->read, r->n_read);
	if (rc != RC_OK)
		return rc;
	memcpy(one.channel, channel, SHA256_LEN);
	one.sequence = brought > here ? brought : here;
	one.whole = brought != 0 && brought >= here && !is_left(r, channel);
	r->read[r->n_read++] = one;
	return RC_OK;
}

/* Something of it is left, and nothing was proven. */
static enum rc
read_left(struct recovery *r, const uint8_t channel[static SHA256_LEN])
{
	return is_left(r, channel) && !is_read(r, channel)
		   ? read_add(r, channel)
		   : RC_OK;
}

/* Each channel of which a response was proven, or that is known here and of
 * which none was. */
static enum rc
read_all(struct recovery *r)
{
	struct requester *list = NULL;
	struct ledger_history *before = NULL;
	size_t n = 0, n_before = 0;
	enum rc rc = ledger_requesters(r->ledger, &list, &n);

	if (rc == RC_OK)
		rc = ledger_histories(r->ledger, &before, &n_before);
	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		if (!is_read(r, r->items[i].manifest.requester))
			rc = read_add(r, r->items[i].manifest.requester);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = read_left(r, list[i].key_id);
	for (size_t i = 0; i < n_before && rc == RC_OK; i++)
		rc = read_left(r, before[i].channel);
	requesters_free(list, n);
	free(before);
	return rc;
}

/* ---- who is awaited after it ------------------------------------------------
 */

static enum rc
await(struct recovery *r, const struct awaited *one)
{
	enum rc rc = LIST_GROW(r->awaits, r->n_awaits);

	if (rc == RC_OK)
		r->awaits[r->n_awaits++] = *one;
	return rc;
}

static bool
is_awaited(const struct awaited *list, size_t n, const uint8_t *channel)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].channel, channel, SHA256_LEN) == 0)
			return true;
	return false;
}

static bool
is_whole(const struct recovery *r, const uint8_t *channel)
{
	for (size_t i = 0; i < r->n_read; i++)
		if (memcmp(r->read[i].channel, channel, SHA256_LEN) == 0)
			return r->read[i].whole;
	return false;
}

/* A channel that was whole in an earlier run may be so no longer. */
static enum rc
await_again(struct recovery *r, const struct ledger_history *read)
{
	struct requester one = { 0 };
	struct awaited again = { 0 };
	bool known = false;
	enum rc rc;

	if (read->whole || is_awaited(r->awaits, r->n_awaits, read->channel))
		return RC_OK;
	rc = ledger_requester_get(r->ledger, read->channel, &one, &known);
	memcpy(again.channel, read->channel, SHA256_LEN);
	if (rc == RC_OK && known)
		memcpy(again.label, one.label, sizeof(again.label));
	requester_wipe(&one);
	return rc != RC_OK ? rc : await(r, &again);
}

enum rc
recovery_await(struct recovery *r)
{
	struct awaited *before = NULL;
	size_t n = 0;
	enum rc rc = ledger_check_caught_up(r->ledger);

	r->waits = rc != RC_OK && rule_spoken() == RULE_RESTORED;
	if (!r->waits)
		return rc;
	err_clear();
	rc = read_all(r);
	if (rc == RC_OK)
		rc = ledger_awaited(r->ledger, &before, &n);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (!is_whole(r, before[i].channel))
			rc = await(r, &before[i]);
	for (size_t i = 0; i < r->n_read && rc == RC_OK; i++)
		rc = await_again(r, &r->read[i]);
	free(before);
	return rc;
}

bool
recovery_is_whole(const struct recovery *r)
{
	return r->n_left == 0 && r->n_awaits == 0;
}

/* ---- into the ledger ----------------------------------------------------- */

static bool
is_noted(const struct ledger_history *list, size_t n,
    const struct ledger_history *one)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].channel, one->channel, SHA256_LEN) == 0)
			return list[i].sequence == one->sequence &&
			       list[i].whole == one->whole;
	return false;
}

static enum rc
add_read(struct recovery *r, const struct ledger_history *before, size_t n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n_read && rc == RC_OK; i++)
		if (!is_noted(before, n, &r->read[i]))
			rc = ledger_history_add(r->ledger, &r->read[i]);
	return rc;
}

static bool
is_news(const struct recovery *r, const struct ledger_history *before, size_t n)
{
	for (size_t i = 0; i < r->n_read; i++)
		if (!is_noted(before, n, &r->read[i]))
			return true;
	return recovery_is_whole(r);
}

static enum rc
settle(struct recovery *r, int64_t now, struct span policy,
    const struct ledger_history *before, size_t n)
{
	enum rc rc = ledger_begin(r->ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(r->ledger, now, policy);
	if (rc == RC_OK)
		rc = add_read(r, before, n);
	if (rc == RC_OK && recovery_is_whole(r))
		rc = ledger_caught_up_add(r->ledger, "recover");
	if (rc == RC_OK)
		return ledger_commit(r->ledger);
	ledger_rollback(r->ledger);
	return rc;
}

enum rc
recovery_settle(struct recovery *r, int64_t now, struct span policy)
{
	struct ledger_history *before = NULL;
	size_t n = 0;
	enum rc rc =
	    r->waits ? ledger_histories(r->ledger, &before, &n) : RC_OK;

	if (rc == RC_OK && r->waits && is_news(r, before, n))
		rc = settle(r, now, policy, before, n);
	free(before);
	return rc;
}

enum rc
recovery_give_up(
    struct ledger *ledger, int64_t now, struct span policy, const char *words)
{
	enum rc rc = ledger_begin(ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(ledger, now, policy);
	if (rc == RC_OK)
		rc = ledger_caught_up_add(ledger, words);
	if (rc == RC_OK)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return rc;
}
