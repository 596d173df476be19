/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which an array grows, and the lists of texts over it. Bytes
 * that may be secret grow in a buf, which wipes what it leaves behind. */
#include "base/list.h"

#include <stdlib.h>

#define LIST_FIRST 8 /* items of a first allocation: a power of two */

/* The room is LIST_FIRST or the next power of two, so it is full at those. */
static bool
list_is_full(size_t n)
{
	return n == 0 || (n >= LIST_FIRST && (n & (n - 1)) == 0);
}

enum rc
list_grow(void *items, size_t n, size_t size)
{
	void *old, *grown;

	if (!list_is_full(n))
		return RC_OK;
	if (n >= LIST_ITEMS_MAX)
		return err_set(RC_IO, "a list of %zu items is full", n);
	if (size > SIZE_MAX / 2 / LIST_ITEMS_MAX) /* no product overflows */
		return err_memory();
	/* Copied, since `items` points to a pointer of another type. */
	memcpy(&old, items, sizeof(old));
	grown = reallocarray(old, n == 0 ? LIST_FIRST : 2 * n, size);
	if (grown == NULL)
		return err_memory();
	memcpy(items, &grown, sizeof(grown));
	return RC_OK;
}

/* ---- texts --------------------------------------------------------------- */

void
text_list_wipe(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){ 0 };
}

enum rc
text_list_add(struct text_list *list, struct span text)
{
	enum rc rc = LIST_GROW(list->items, list->n);

	if (rc != RC_OK)
		return rc;
	list->items[list->n] =
	    strndup(text.n == 0 ? "" : (const char *)text.p, text.n);
	if (list->items[list->n] == NULL)
		return err_memory();
	list->n++;
	return RC_OK;
}

bool
text_list_has(const struct text_list *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}
