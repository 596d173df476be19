/* SPDX-License-Identifier: Apache-2.0 */
/* Which bundle comes first. A file that is refused has no place, and keeps
 * nobody from his; one that could not be read may be the first of all. */
#include "ca/sign/order.h"

#include "transfer/rule.h"

#include <stdlib.h>

static enum rc
not_looked_at(enum rc rc, const char *name)
{
	struct err_saved why;

	err_save(&why);
	return err_set(rc,
	    "%s: could not be read, and nothing is signed while its place in the order is not known: try again, or copy the stick's files to another: %.700s",
	    name, why.text);
}

/* What is read here is let go, and read again when its turn comes: the copy is
 * sealed, so it says the same, and the tables of all bundles of a stick at once
 * would take memory without a limit of ours. */
static enum rc
look_ahead(struct ledger *ledger, const uint8_t ca_id[static SHA256_LEN],
    const struct scanned *file, uint32_t *ret_sequence)
{
	WIPED(submission) s = { 0 };
	enum rc rc = file->rc;

	*ret_sequence = 0;
	if (rc != RC_OK)
		(void)err_rule(rc, file->rule, "%s", file->reason);
	else
		rc = submission_read(file, &s);
	if (rc != RC_OK && rule_spoken() == RULE_NONE)
		return not_looked_at(rc, file->name);
	if (rc != RC_OK) {
		err_clear();
		return RC_OK;
	}
	*ret_sequence = s.bundle.sequence;
	return submission_check_head(&s, ledger, ca_id);
}

static int
by_sequence(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

enum rc
turns_take(struct ledger *ledger, const uint8_t ca_id[static SHA256_LEN],
    const struct scanned *files, size_t n, struct turn **ret, size_t *ret_at)
{
	struct turn *turns = calloc(n == 0 ? 1 : n, sizeof(*turns));
	enum rc rc = RC_OK;

	*ret_at = 0;
	if (turns == NULL)
		return err_memory();
	/* A single one needs no order. */
	for (size_t i = 0; i < n && n > 1 && rc == RC_OK; i++) {
		*ret_at = i;
		turns[i].index = i;
		rc = look_ahead(ledger, ca_id, &files[i], &turns[i].sequence);
	}
	if (rc != RC_OK) {
		free(turns);
		return rc;
	}
	qsort(turns, n, sizeof(*turns), by_sequence);
	*ret = turns;
	return RC_OK;
}
