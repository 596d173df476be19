/* SPDX-License-Identifier: Apache-2.0 */
/** Arrays that grow by one, and lists of texts.
 *
 * An array that grows here alone has room for a power of two of items, so their
 * number says how much room there is and no second field has to. It may shrink
 * by lowering that number. An array that was allocated otherwise never grows.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/err.h"
#include "base/own.h"
#include "base/span.h"

#include <stddef.h>

/** Items of any array: more are a mistake of ours. What outside input may make
 * longer has a lower limit, and a sentence, where it is counted. */
#define LIST_ITEMS_MAX ((size_t)1 << 28)

/** Make room for one more item behind the `n` of `items`, which may move:
 *
 *	rc = LIST_GROW(list->items, list->n);
 *	if (rc != RC_OK)
 *		return rc;
 *	list->items[list->n++] = item;
 *
 * The new item's bytes are unspecified until it is assigned.
 * \param items  lvalue, a pointer to what malloc gave, or NULL while n is 0
 * \retval RC_IO no memory, or LIST_ITEMS_MAX items; the array is as it was */
#define LIST_GROW(items, n) list_grow(&(items), (n), sizeof(*(items)))

/** The same by size: `items` is the address of the pointer. */
enum rc list_grow(void *items, size_t n, size_t size) MUST_CHECK;

/** Texts in their order, each owned; begins as { 0 }. */
struct text_list {
	char **items;
	size_t n;
};
void text_list_wipe(struct text_list *list);

/** Append a copy of `text`, which holds no zero byte. */
enum rc text_list_add(struct text_list *list, struct span text) MUST_CHECK;

/** Is it one of them? */
bool text_list_has(const struct text_list *list, const char *text);

#endif
