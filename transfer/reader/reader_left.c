/* SPDX-License-Identifier: Apache-2.0 */
/* One list for all scans: whatever each of them looks for, what it refuses is
 * told the same way. */
#include "transfer/reader/reader_left.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>

void
reader_left_wipe(struct reader_left *left)
{
	free(left->items);
	*left = (struct reader_left){ 0 };
}

enum rc
reader_left_add(struct reader_left *left, const char *name, enum rc why)
{
	struct reader_left_one *one;
	enum rc rc = LIST_GROW(left->items, left->n);

	if (rc != RC_OK)
		return rc;
	one = &left->items[left->n++];
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	one->rc = why;
	err_save(&one->why);
	return RC_OK;
}

const struct reader_left_one *
reader_left_next(struct reader_left *left)
{
	const struct reader_left_one *one;

	if (left->told == left->n)
		return NULL;
	one = &left->items[left->told++];
	err_restore(&one->why);
	return one;
}
