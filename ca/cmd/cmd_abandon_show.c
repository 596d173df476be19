/* SPDX-License-Identifier: Apache-2.0 */
/* What `abandon` would do, shown before Yes: which certificates will be
 * delivered, which are void, which requests are refused. It decides none of
 * it. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd_abandon.h"
#include "transfer/rule.h"

#define SHOW_MAX 50 /* requests or certificates shown one by one */

static enum rc
show_whose(struct ledger *ledger, const struct abandon *a)
{
	WIPED(requester) q = { 0 };
	char id[2 * BUNDLE_ID_LEN + 1], at[CLOCK_TEXT];
	bool known = false;
	enum rc rc =
	    ledger_requester_get(ledger, a->record.requester, &q, &known);

	if (rc != RC_OK)
		return rc;
	hex_write(span_of(a->record.id, BUNDLE_ID_LEN), id);
	clock_write(a->record.at, at);
	term_bold("\nBundle %s\n", id);
	if (ledger_bundle_is_loose(&a->record))
		term_field("asked by", "nobody: loose CSRs");
	else
		term_field("asked by", "%s", known ? q.label : "(removed)");
	term_field("accepted", "%s, number %u", at, a->record.sequence);
	return RC_OK;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
fate_show(const struct submission *s, const struct abandon *a, size_t i)
{
	const struct abandon_request *r = &a->requests[i];
	const struct cert_request *asked = &s->bundle.requests[i];

	if (r->fate == FATE_WRONG)
		term_field("", "%zu  %.*s: signed, but not what was asked [%s]",
		    i + 1, SPAN_FMT(asked->id), rule_name(r->rule));
	else
		term_field("", "%zu  %.*s: %u of %u certificates signed", i + 1,
		    SPAN_FMT(asked->id), r->n_signed, asked->validity.count);
}

static void
show_abandoned(const struct submission *s, const struct abandon *a)
{
	size_t n = a->n_fate[FATE_PART] + a->n_fate[FATE_WRONG], shown = 0;

	term_field("abandoned", "%zu request%s: refused for good [ABANDONED]",
	    n, plural(n));
	for (size_t i = 0; i < a->n_requests && shown < SHOW_MAX; i++)
		if (a->requests[i].fate == FATE_PART ||
		    a->requests[i].fate == FATE_WRONG) {
			fate_show(s, a, i);
			shown++;
		}
	if (shown < n)
		term_field("", "and %zu more", n - shown);
}

/* Serials that are void from then on: all that will not be delivered. */
static size_t
count_voids(const struct abandon *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_certs; i++)
		n += !a->certs[i].is_signed ||
		     (a->requests != NULL &&
			 a->requests[a->certs[i].intent.request].fate !=
			     FATE_DELIVERED);
	return n;
}

static void
show_fates(const struct submission *s, const struct abandon *a)
{
	size_t n = a->n_fate[FATE_DELIVERED];

	term_field("delivered", "%zu request%s, signed whole", n, plural(n));
	if (a->n_fate[FATE_REFUSED] > 0)
		term_field("refused", "%zu request%s, as before",
		    a->n_fate[FATE_REFUSED], plural(a->n_fate[FATE_REFUSED]));
	show_abandoned(s, a);
}

/* They exist, and their requester may still be given them by hand. */
static void
show_signed(const struct abandon *a)
{
	size_t shown = 0;

	term_field("stay valid", "%zu certificate%s that no response brings%s",
	    a->n_signed, plural(a->n_signed),
	    a->n_signed == 0 ? "" : ": 'airgap-ca show SERIAL --pem'");
	for (size_t i = 0; i < a->n_certs && shown < SHOW_MAX; i++) {
		const struct intent *intent = &a->certs[i].intent;
		char serial[2 * sizeof(intent->serial) + 1];

		if (!a->certs[i].is_signed)
			continue;
		hex_write(
		    span_of(intent->serial, sizeof(intent->serial)), serial);
		term_field("", "%s  %s", serial, intent->request_id);
		shown++;
	}
	if (shown < a->n_signed)
		term_field("", "and %zu more", a->n_signed - shown);
}

enum rc
abandon_show(
    struct ledger *ledger, const struct submission *s, const struct abandon *a)
{
	enum rc rc = show_whose(ledger, a);

	if (rc != RC_OK)
		return rc;
	if (s == NULL)
		show_signed(a);
	else
		show_fates(s, a);
	term_field("void", "%zu serial%s, never used again", count_voids(a),
	    plural(count_voids(a)));
	return RC_OK;
}
