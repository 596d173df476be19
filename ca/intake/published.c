/* SPDX-License-Identifier: Apache-2.0 */
/* From numbers of shadow CRLs to the certificates that they revoked. */
#include "ca/intake/published.h"

#include "base/list.h"
#include "ca/ledger/ledger_crl.h"

#include <stdlib.h>

void
published_wipe(struct published *published)
{
	revokes_wipe(&published->revokes);
	free(published->serials);
	free(published->asked);
	*published = (struct published){ .n = 0 };
}

struct published_look {
	struct ledger *ledger;
	struct published *published;
	bool allowed; /* by `emergency` of the policy */
};

/* Those that were revoked by then stand there for another reason; of several
 * shadows the first has most, so each is looked for among those before. */
static enum rc
note_live(void *arg, const struct ledger_crl_entry *entry)
{
	const struct published_look *look = arg;
	struct published *p = look->published;
	struct ledger_revocation before;
	bool revoked = false;
	size_t n = p->n;
	enum rc rc =
	    ledger_revoked_get(look->ledger, entry->serial, &before, &revoked);

	if (rc != RC_OK || revoked)
		return rc;
	rc = LIST_GROW(p->serials, n);
	if (rc != RC_OK)
		return rc;
	memset(p->serials[n], 0, SERIAL_MAX);
	memcpy(p->serials[n], entry->serial.p, entry->serial.n);
	rc = LIST_GROW(p->asked, n);
	if (rc != RC_OK)
		return rc;
	p->asked[n] = (struct revocation){ .serial = { .n = entry->serial.n },
		.reason = REASON_CESSATION_OF_OPERATION };
	p->n++;
	return RC_OK;
}

static int
asked_order(const void *a, const void *b)
{
	const struct revocation *x = a, *y = b;
	size_t n = x->serial.n < y->serial.n ? x->serial.n : y->serial.n;
	int order = memcmp(x->serial.p, y->serial.p, n);

	return order != 0
		   ? order
		   : (x->serial.n > y->serial.n) - (x->serial.n < y->serial.n);
}

/* The places are final now: point into them, and keep each serial once. */
static void
sort_once(struct published *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		p->asked[i].serial.p = p->serials[i];
	if (p->n != 0)
		qsort(p->asked, p->n, sizeof(*p->asked), asked_order);
	for (size_t i = 0; i < p->n; i++)
		if (n == 0 || asked_order(&p->asked[n - 1], &p->asked[i]) != 0)
			p->asked[n++] = p->asked[i];
	p->n = n;
}

static enum rc
count_vain(struct published_vain *vain, const struct ledger_crl *crl)
{
	if (vain->n++ == 0) {
		vain->first = crl->number;
		vain->begins = crl->list.this_update;
	}
	return RC_OK;
}

static enum rc
look_at_shadow(
    struct published_look *look, const struct submission *s, uint64_t number)
{
	struct published *p = look->published;
	struct ledger_crl crl = { .number = number };
	bool known = false;
	enum rc rc = ledger_crl_get(look->ledger, number, &crl, &known);

	if (rc != RC_OK)
		return rc;
	if (!known || !crl.list.shadow ||
	    memcmp(crl.list.requester, s->key_id, SHA256_LEN) != 0)
		return count_vain(&p->unknown, &crl);
	if (!look->allowed)
		return count_vain(&p->forbidden, &crl);
	if (crl.list.this_update > s->bundle.created)
		return count_vain(&p->early, &crl);
	p->n_shadows++;
	return ledger_crl_entries_each(
	    look->ledger, &crl.list, note_live, look);
}

enum rc
published_decide(struct ledger *ledger, const struct policy *policy,
    const struct submission *s, int64_t now, struct published *ret)
{
	WIPED(published) p = { .n = 0 };
	struct published_look look = { ledger, &p,
		policy_emergency(policy, submission_label(s)) };
	const struct revoker who = { .now = now };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->bundle.n_shadow_crls && rc == RC_OK; i++)
		rc = look_at_shadow(&look, s, s->bundle.shadow_crls[i]);
	if (rc == RC_OK)
		sort_once(&p);
	if (rc == RC_OK)
		rc = revokes_decide(ledger, &who, p.asked, p.n, &p.revokes);
	if (rc != RC_OK)
		return rc;
	*ret = p;
	p = (struct published){ .n = 0 };
	return RC_OK;
}
