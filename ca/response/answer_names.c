/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files are the operator's, or a stranger's: what a medium may carry
 * is all that is known of them. Each name here is one that no other answer of
 * the response has. */
#include "ca/response/answer_names.h"

#include "transfer/media/layout.h"

#include <stdio.h>
#include <stdlib.h>

#define PEM_ENDING ".pem"

void
answer_names_wipe(struct answer_names *names)
{
	free(names->items);
	*names = (struct answer_names){ 0 };
}

const char *
answer_name_get0(const struct answer_names *names, size_t i)
{
	return names->items[i / names->per_file];
}

/* ---- by numbers ---------------------------------------------------------- */

static void
answers_number(const struct submission *s, struct answer_names *names)
{
	for (size_t i = 0; i < s->bundle.n_requests; i++)
		(void)snprintf(names->items[i], sizeof(names->items[i]),
		    "%04zu-%.*s" PEM_ENDING, i + 1,
		    SPAN_FMT(s->bundle.requests[i].id));
}

static void
answers_share(size_t n, struct answer_names *names)
{
	for (size_t i = 0; i * ANSWER_BULK < n; i++)
		(void)snprintf(names->items[i], sizeof(names->items[i]),
		    "certs-%04zu" PEM_ENDING, i + 1);
	names->per_file = ANSWER_BULK;
}

/* ---- by names of files --------------------------------------------------- */

/* Without its ending, which each of them has: loose_endings. A name that an
 * operator gave a single file may have none. */
static struct span
file_stem(struct span name)
{
	const uint8_t *dot = memrchr(name.p, '.', name.n);

	return dot == NULL || dot == name.p
		   ? name
		   : span_of(name.p, (size_t)(dot - name.p));
}

/* False: no file may be called so. */
static bool
answer_name(struct span base, char to[static FILE_NAME_MAX + 1])
{
	const int n =
	    snprintf(to, FILE_NAME_MAX + 1, "%.*s" PEM_ENDING, SPAN_FMT(base));

	return n > 0 && n <= FILE_NAME_MAX && strcmp(to, LAYOUT_CA) != 0;
}

static bool
answer_is_taken(const struct answer_names *names, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++)
		if (j != i && strcmp(names->items[i], names->items[j]) == 0)
			return true;
	return false;
}

/* The stems; whole names for those that are not one file's alone. */
static bool
answers_name(const struct loose *set, struct answer_names *names, bool *whole)
{
	bool good = true;

	for (size_t i = 0; i < set->n; i++)
		whole[i] = !answer_name(
		    file_stem(set->items[i].name), names->items[i]);
	for (size_t i = 0; i < set->n; i++)
		whole[i] = whole[i] || answer_is_taken(names, set->n, i);
	for (size_t i = 0; i < set->n; i++)
		if (whole[i])
			good &=
			    answer_name(set->items[i].name, names->items[i]);
	for (size_t i = 0; i < set->n && good; i++)
		good = !answer_is_taken(names, set->n, i);
	return good;
}

/* ---- all of them --------------------------------------------------------- */

enum rc
answer_names_make(const struct submission *s, struct answer_names *ret)
{
	const size_t n = s->bundle.n_requests;
	const size_t most = s->is_loose ? ANSWER_LOOSE_MAX : ANSWER_SINGLE_MAX;
	const size_t files = n > most ? n / ANSWER_BULK : n;
	struct answer_names names = { calloc(files + 1, sizeof(*names.items)),
		1 };
	bool *whole = calloc(files + 1, sizeof(*whole));

	if (names.items == NULL || whole == NULL) {
		free(whole);
		answer_names_wipe(&names);
		return err_memory();
	}
	if (n > most)
		answers_share(n, &names);
	else if (!s->is_loose || !answers_name(&s->loose, &names, whole))
		answers_number(s, &names);
	free(whole);
	*ret = names;
	return RC_OK;
}
