/* SPDX-License-Identifier: Apache-2.0 */
/* `request --renew`: who is asked for again and who is not, and why. Which are
 * due is for transfer/online/request/renew.c. */
#include "transfer/online/cmd/cmd_request.h"

#include "base/clock.h"
#include "base/term.h"
#include "transfer/online/request/renew.h"

static void
tell_asked(const struct composed *c, const struct holding *h)
{
	char period[DUR_TEXT], overlap[DUR_TEXT], from[CLOCK_TEXT];
	const struct validity *v = &c->validity;

	dur_write(v->period, period);
	dur_write(v->overlap, overlap);
	clock_write(v->not_before, from);
	if (v->count > 1)
		term_say("%s: %u x %s + %s, ", h->name, (unsigned)v->count,
		    period, overlap);
	else
		term_say("%s: %s, ", h->name, period);
	if (v->has_not_before)
		term_say("from %.10s, ", from);
	else
		term_say("from when it is signed, ");
	term_say(c->new_key != NULL ? "a new key\n" : "the same key\n");
}

static void
renew_tell(void *arg, const struct holding *h, const struct held_left *left,
    enum renewal renewal)
{
	const struct compose *c = arg;
	char ends[CLOCK_TEXT];

	clock_write(left->ends, ends);
	switch (renewal) {
	case RENEW_ASKED:
		tell_asked(&c->items[c->n - 1], h);
		break;
	case RENEW_EARLY:
		term_say("%s: not yet: good until %.10s, %zu more to come\n",
		    h->name, ends, left->later);
		break;
	case RENEW_WAITING:
		term_say(
		    "%s: asked for already, without an answer: `airgap-transfer request --again --out STICK` sends that once more\n",
		    h->name);
		break;
	case RENEW_NOTHING:
		term_say(
		    "%s: nothing that could be repeated: it was revoked, was not asked for by this store, or came of loose CSRs; ask anew\n",
		    h->name);
		break;
	}
}

enum rc
request_renewal(
    struct compose *compose, const struct cmd_list *names, int64_t within)
{
	struct renewing by = { .compose = compose,
		.within = within,
		.each = renew_tell,
		.arg = compose };
	enum rc rc = names->n == 0 ? renew_all(&by) : RC_OK;

	for (size_t i = 0; i < names->n && rc == RC_OK; i++)
		rc = renew_name(&by, names->items[i]);
	if (rc == RC_OK && compose->n == 0)
		rc = err_set(RC_STATE,
		    "there is nothing to renew yet; --within DUR asks for what ends within that time");
	return rc;
}

enum rc
request_replacement(struct compose *compose, const char *name)
{
	struct renewing by = { .compose = compose,
		.replace = true,
		.each = renew_tell,
		.arg = compose };
	enum rc rc = renew_name(&by, name);

	if (rc == RC_OK && compose->n == 0)
		rc = err_set(
		    RC_STATE, "%s: nothing that could be replaced", name);
	return rc;
}
