/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of words in sentences. Not for lists that a program reads. */
#include "base/choice.h"

#include <stdio.h>
#include <string.h>

static const char more[] = ", ...";

void
choice_write(choice_word *word, const void *table, const char *tail,
    char ret[static CHOICE_TEXT])
{
	size_t n = 0;
	const char *before = "", *this, *next = word(table, 0);

	ret[0] = '\0';
	for (unsigned i = 0; next != NULL; i++) {
		this = next;
		next = word(table, i + 1);
		if (i != 0)
			before = next == NULL ? " or " : ", ";
		if (n + strlen(before) + strlen(this) + strlen(tail) +
			sizeof(more) >
		    CHOICE_TEXT) {
			memcpy(ret + n, more, sizeof(more));
			return;
		}
		n += (size_t)snprintf(
		    ret + n, CHOICE_TEXT - n, "%s%s%s", before, this, tail);
	}
}
