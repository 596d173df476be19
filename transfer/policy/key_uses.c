/* SPDX-License-Identifier: Apache-2.0 */
/* Rule KEY-USED as both sides apply it, over keys and names alone: who knows
 * the certificates walks his own database. */
#include "transfer/policy/key_uses.h"

#include "base/clock.h"
#include "base/list.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_SHOWN 256 /* or the sentence would be cut before its end */

struct key_use {
	bool any;		 /* it has been certified */
	const char *others;	 /* for somebody else */
	bool is_claimed;	 /* who is a requester */
	bool is_begun;		 /* and has not got it yet */
	struct buf holder;	 /* the newest, in words */
	struct name_list common; /* the names that all its certificates have */
};

void
key_uses_wipe(struct key_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++) {
		buf_wipe(&uses->items[i].holder);
		name_list_wipe(&uses->items[i].common);
	}
	free(uses->items);
	digest_set_wipe(&uses->keys);
	*uses = (struct key_uses){ 0 };
}

enum rc
key_uses_watch(struct key_uses *uses, const uint8_t key_id[static SHA256_LEN])
{
	bool is_new;
	enum rc rc = LIST_GROW(uses->items, uses->n);

	if (rc == RC_OK)
		rc = digest_set_add(
		    &uses->keys, key_id, (uint32_t)uses->n, &is_new);
	if (rc == RC_OK && is_new)
		uses->items[uses->n++] = (struct key_use){ 0 };
	return rc;
}

static struct key_use *
use_get0(const struct key_uses *uses, const uint8_t *key_id)
{
	uint32_t place;

	return digest_set_find(&uses->keys, key_id, &place)
		   ? &uses->items[place]
		   : NULL;
}

bool
key_uses_watched(
    const struct key_uses *uses, const uint8_t key_id[static SHA256_LEN])
{
	return use_get0(uses, key_id) != NULL;
}

/* ---- what a key has -------------------------------------------------------
 */

static bool
has_name(const struct name *names, size_t n, const struct name *name)
{
	for (size_t i = 0; i < n; i++)
		if (name_compare(&names[i], name) == 0)
			return true;
	return false;
}

static bool
shares_name(const struct name_list *common, const struct name *names, size_t n)
{
	for (size_t i = 0; i < common->n; i++)
		if (has_name(names, n, &common->items[i]))
			return true;
	return false;
}

static enum rc
narrow(struct key_use *use, const struct name *names, size_t n)
{
	struct name_list *common = &use->common;
	size_t kept = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; !use->any && i < n && rc == RC_OK; i++)
		rc = name_list_add(common, names[i].type, names[i].text);
	for (size_t i = 0; use->any && i < common->n; i++)
		if (has_name(names, n, &common->items[i]))
			common->items[kept++] = common->items[i];
	if (use->any)
		common->n = kept;
	use->any = true;
	return rc;
}

static enum rc
note_holder(struct key_use *use, const struct key_holder *holder)
{
	char serial[2 * SERIAL_MAX + 1], end[CLOCK_TEXT];

	hex_write(holder->serial, serial);
	clock_write(holder->not_after, end);
	buf_reset(&use->holder);
	return buf_printf(
	    &use->holder, "certificate %s (until %s)", serial, end);
}

/* Somebody else's it stays, whatever is found later; a requester's above all.
 */
static bool
is_weaker(const struct key_use *use, const struct key_holder *holder)
{
	if (use->others != NULL && holder->others == NULL)
		return true;
	return use->is_claimed && holder->is_loose;
}

enum rc
key_uses_note(struct key_uses *uses, const uint8_t key_id[static SHA256_LEN],
    const struct key_holder *holder)
{
	struct key_use *use = use_get0(uses, key_id);
	enum rc rc;

	if (use == NULL || is_weaker(use, holder))
		return RC_OK;
	use->others = holder->others;
	use->is_claimed = holder->others != NULL && !holder->is_loose;
	use->is_begun = holder->is_begun;
	rc = note_holder(use, holder);
	if (rc != RC_OK || holder->is_begun)
		return rc;
	return narrow(use, holder->names, holder->n_names);
}

/* ---- a request -------------------------------------------------------------
 */

static enum rc
refuse_stranger(const struct key_use *use, const char *from)
{
	const struct name_list *common = &use->common;
	const struct name *first = common->items;
	struct span holder = buf_span(&use->holder), shown;
	char more[48] = "";

	if (common->n == 0)
		return rule_refuse(RULE_KEY_USED,
		    "%s: its key is that of %.*s; those with that key have no name in common",
		    from, SPAN_FMT(holder));
	shown = first->text;
	if (shown.n > NAME_SHOWN)
		shown.n = NAME_SHOWN;
	if (common->n > 1)
		(void)snprintf(
		    more, sizeof(more), " and %zu more", common->n - 1);
	return rule_refuse(RULE_KEY_USED,
	    "%s: its key is that of %.*s; all with that key have %s:%.*s%s, and this has %s",
	    from, SPAN_FMT(holder), name_type_text(first->type),
	    SPAN_FMT(shown), more, common->n > 1 ? "none of them" : "not");
}

enum rc
key_uses_take(struct key_uses *uses, const char *from,
    const uint8_t key_id[static SHA256_LEN], const struct grant *grant)
{
	struct key_use *use = use_get0(uses, key_id);
	const uint32_t reuse = grant->profile->key_reuse;
	enum rc rc;

	if (use == NULL)
		return RC_OK;
	if (reuse == KEY_REUSE_NAMES
		? use->others != NULL
		: reuse == KEY_REUSE_REQUESTER && use->is_claimed)
		return rule_refuse(RULE_KEY_USED,
		    "%s: its key is that of %.*s, which %s %s", from,
		    SPAN_FMT(buf_span(&use->holder)), use->others,
		    use->is_begun ? "has asked for" : "obtained");
	if (reuse == KEY_REUSE_NAMES && use->any &&
	    !shares_name(&use->common, grant->names, grant->n_names))
		return refuse_stranger(use, from);
	if (use->others != NULL)
		return RC_OK;
	buf_reset(&use->holder);
	rc = buf_add_str(&use->holder, from);
	return rc != RC_OK ? rc : narrow(use, grant->names, grant->n_names);
}
