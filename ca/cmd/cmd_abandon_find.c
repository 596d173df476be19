/* SPDX-License-Identifier: Apache-2.0 */
/* Which bundle is meant. An id is its requester's choice, who may have taken
 * that of another: where two have one, the operator says whose. */
#include "base/hex.h"
#include "ca/cmd/cmd_abandon.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ID_LEAST 4 /* digits that must be given */

bool
abandon_is_id(const char *text)
{
	size_t n = strlen(text);

	return n >= ID_LEAST && n <= 2 * BUNDLE_ID_LEN &&
	       strspn(text, "0123456789abcdefABCDEF") == n;
}

/* What --requester calls whoever asked for it: the label, or where there is
 * none any more, or never was (loose CSRs), the SHA-256 of the key. */
static enum rc
requester_of(struct ledger *ledger, const struct ledger_bundle *b,
    char ret_name[static 2 * SHA256_LEN + 1])
{
	WIPED(requester) q = { 0 };
	bool known = false;
	enum rc rc = ledger_requester_get(ledger, b->requester, &q, &known);

	if (rc != RC_OK)
		return rc;
	if (known)
		(void)snprintf(ret_name, 2 * SHA256_LEN + 1, "%s", q.label);
	else
		hex_write(span_of(b->requester, SHA256_LEN), ret_name);
	return RC_OK;
}

static bool
begins_so(const struct ledger_bundle *b, const char *id)
{
	char hex[2 * BUNDLE_ID_LEN + 1];

	hex_write(span_of(b->id, BUNDLE_ID_LEN), hex);
	return strncasecmp(hex, id, strlen(id)) == 0;
}

/* By its whole id also one that is finished by now. */
static enum rc
candidates(struct ledger *ledger, const char *id, struct ledger_bundle **ret,
    size_t *ret_n)
{
	uint8_t whole[BUNDLE_ID_LEN];

	return hex_read(id, whole, sizeof(whole))
		   ? ledger_bundles_of_id(ledger, whole, ret, ret_n)
		   : ledger_bundles_open(ledger, ret, ret_n);
}

/* The sentence names each, so that one can be typed. */
struct meant {
	struct ledger_bundle one;
	size_t n;
	bool same_id; /* of those that are more than one */
	struct buf whose;
};

static void
meant_wipe(struct meant *m)
{
	buf_wipe(&m->whose);
}

static enum rc
meant_add(struct ledger *ledger, const struct abandon_which *which,
    const struct ledger_bundle *b, struct meant *m)
{
	char name[2 * SHA256_LEN + 1];
	enum rc rc;

	if (!begins_so(b, which->id))
		return RC_OK;
	rc = requester_of(ledger, b, name);
	if (rc != RC_OK ||
	    (which->requester != NULL && strcmp(which->requester, name) != 0))
		return rc;
	m->same_id = m->n == 0 || (m->same_id && memcmp(m->one.id, b->id,
						     BUNDLE_ID_LEN) == 0);
	m->one = *b;
	return buf_printf(&m->whose, "%s%s", m->n++ == 0 ? "" : ", ", name);
}

static enum rc
err_not_one(const struct abandon_which *which, const struct meant *m)
{
	const bool whose = which->requester != NULL;

	if (m->n == 0)
		return rule_refuse(RULE_BUNDLE_UNKNOWN,
		    "%s: no unfinished bundle%s%s has this id", which->id,
		    whose ? " of " : "", whose ? which->requester : "");
	if (!m->same_id)
		return rule_refuse(RULE_BUNDLE_UNKNOWN,
		    "%s: more than one unfinished bundle has an id that begins so",
		    which->id);
	return rule_refuse(RULE_BUNDLE_UNKNOWN,
	    "%s: several have a bundle with this id: say whose with --requester: %.*s",
	    which->id, SPAN_FMT(buf_span(&m->whose)));
}

enum rc
abandon_find(struct ledger *ledger, const struct abandon_which *which,
    struct ledger_bundle *ret)
{
	struct ledger_bundle *all = NULL;
	WIPED(meant) m = { 0 };
	size_t n = 0;
	enum rc rc = candidates(ledger, which->id, &all, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = meant_add(ledger, which, &all[i], &m);
	free(all);
	if (rc != RC_OK || m.n != 1)
		return rc != RC_OK ? rc : err_not_one(which, &m);
	*ret = m.one;
	return RC_OK;
}

enum rc
abandon_whose(struct ledger *ledger, const struct ledger_bundle *b,
    char ret_option[static ABANDON_WHOSE])
{
	char name[2 * SHA256_LEN + 1];
	struct ledger_bundle *all = NULL;
	size_t n = 0;
	enum rc rc = ledger_bundles_of_id(ledger, b->id, &all, &n);

	free(all);
	if (rc == RC_OK)
		rc = requester_of(ledger, b, name);
	if (rc == RC_OK)
		(void)snprintf(ret_option, ABANDON_WHOSE, "%s%s",
		    n < 2 ? "" : " --requester ", n < 2 ? "" : name);
	return rc;
}
