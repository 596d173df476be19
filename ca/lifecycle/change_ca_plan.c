/* SPDX-License-Identifier: Apache-2.0 */
/* What the next certificate says, and what may be signed for it. */
#include "ca/lifecycle/change_ca.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "base/own_ssl.h"
#include "ca/cert/next.h"
#include "ca/lifecycle/change_ca_part.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As init's: hosts whose clock is behind. */
#define CHANGE_BACKDATE DAY

/* ---- the plan ------------------------------------------------------------ */

static enum rc
plan_days(struct change_ca *c)
{
	const int64_t now = c->act->now, most = (CLOCK_MAX - now) / DAY;
	/* Who renews wants no sooner end than there is, and could not take it
	 * back. */
	const int64_t least = c->change == CA_RENEWED && c->old.not_after >= now
				  ? (c->old.not_after - now) / DAY + 1
				  : 1;
	const int64_t usual = CHANGE_CA_DAYS > least ? CHANGE_CA_DAYS : least;
	int64_t days = usual < most ? usual : most;
	enum rc rc = c->days == NULL
			 ? RC_OK
			 : cmd_integer("days", c->days, least, most, &days);

	c->not_after = now + days * DAY - 1;
	/* A renewed certificate covers all that was signed under the first; a
	 * new key has signed nothing yet. */
	c->not_before =
	    c->change == CA_RENEWED ? c->old.not_before : now - CHANGE_BACKDATE;
	return rc;
}

static enum rc
plan_name(struct change_ca *c)
{
	OWN(X509_NAME) *name = NULL;
	enum rc rc = RC_OK;

	if (c->subject == NULL)
		return buf_add_span(&c->name, c->old.parts.subject);
	rc = subject_read(c->subject, &name);
	if (rc == RC_OK && X509_NAME_entry_count(name) == 0)
		rc = err_set(RC_USAGE,
		    "--subject: empty; a CA has a name (RFC 5280 4.1.2.6)");
	if (rc == RC_OK)
		rc = subject_write(name, &c->name);
	c->new_name =
	    rc == RC_OK && !span_eq(buf_span(&c->name), c->old.parts.subject);
	/* RFC 5280 6.1.4 l: one of another name counts, for everybody. */
	if (rc == RC_OK && c->new_name && c->old.path_len == 0)
		rc = err_set(RC_POLICY,
		    "--subject: the CA's certificate allows no CA below it (path length 0), so that whoever has only that would accept nothing of a new name: roll over without --subject, or begin another CA");
	return rc;
}

/* The same command goes on, whatever the day is by now; another end does not,
 * for it was noted already what may be signed. */
static enum rc
plan_days_begun(struct change_ca *c, struct span validity)
{
	char at[CLOCK_TEXT], days[24], ends[CLOCK_TEXT];

	if (!der_take_time(&validity, &c->not_before) ||
	    !der_take_time(&validity, &c->not_after))
		return err_set(RC_BUG, "what was begun: no dates");
	(void)snprintf(days, sizeof(days), "%" PRId64,
	    (c->not_after + 1 - c->begun.at) / DAY);
	if (c->days == NULL || strcmp(c->days, days) == 0)
		return RC_OK;
	clock_write(c->begun.at, at);
	clock_write(c->not_after, ends);
	return err_set(RC_USAGE,
	    "--days %s: what was begun at %s, to end at %s, is finished first: give --days %s, or none",
	    c->days, at, ends, days);
}

/* Is what was begun what is wanted now? */
static enum rc
plan_begun(struct change_ca *c)
{
	struct cert_parts parts;
	enum rc rc = ledger_ca_begun(c->act->ledger, &c->begun);

	if (rc != RC_OK || !c->begun.any)
		return rc;
	rc = tbs_parts_read("what was begun", c->begun.tbs[0], &parts);
	if (rc != RC_OK)
		return rc;
	c->goes_on =
	    c->begun.change == c->change &&
	    (c->subject == NULL || span_eq(buf_span(&c->name), parts.subject));
	c->dropped = !c->goes_on;
	return c->goes_on ? plan_days_begun(c, parts.validity) : RC_OK;
}

enum rc
change_ca_plan(struct change_ca *c)
{
	struct act *act = c->act;
	const struct buf *transfer = &act->ca.transfer_cert;
	OWN(X509) *cert = NULL;
	int64_t not_before, not_after = 0;
	enum rc rc = ledger_check_caught_up(act->ledger);

	if (rc == RC_OK)
		rc = ca_form_read("the CA certificate",
		    buf_span(&act->ca.ca_cert), CA_PINNED, &c->old);
	if (rc == RC_OK && !c->old.own_issuer)
		rc = err_set(RC_STATE,
		    "the CA's certificate is of the CA above it, which alone renews it");
	if (rc == RC_OK)
		rc = plan_days(c);
	if (rc == RC_OK)
		rc = plan_name(c);
	if (rc == RC_OK)
		rc = plan_begun(c);
	if (rc == RC_OK)
		rc = ledger_requesters(
		    act->ledger, &c->requesters, &c->n_requesters);
	if (rc == RC_OK)
		rc = cert_parse(
		    "transfer certificate", buf_span(transfer), &cert);
	if (rc == RC_OK)
		rc = cert_window(cert, &not_before, &not_after);
	c->vouched = rc == RC_OK && act->now <= not_after;
	return rc;
}

/* ---- what may be signed -------------------------------------------------- */

/* The certificate of the key that stays, or of the new one. */
static enum rc
note_self(struct change_ca *c, struct span ski, struct buf *tbs)
{
	const bool new_key = c->change == CA_ROLLED_OVER;
	const struct ca_next next = { .like = buf_span(&c->act->ca.ca_cert),
		.issuer = buf_span(&c->name),
		.subject = buf_span(&c->name),
		.spki = buf_span(&c->next_spki),
		.ski = ski,
		.not_before = c->not_before,
		.not_after = c->not_after,
		/* So that the next rollover is believed by everybody. */
		.path_len = new_key && c->old.path_len == 0 ? 1 : PATH_LEN_SAME,
		.succession = new_key,
		.alg = &c->next.alg };

	return tbs_of_ca_next(&next, tbs);
}

/* Both across are good while both keys are. */
static int64_t
across_until(const struct change_ca *c)
{
	return c->not_after < c->old.not_after ? c->not_after
					       : c->old.not_after;
}

static int64_t
across_from(const struct change_ca *c)
{
	return c->not_before > c->old.not_before ? c->not_before
						 : c->old.not_before;
}

static enum rc
note_new_with_old(struct change_ca *c, struct span ski, struct buf *tbs)
{
	const struct ca_next next = { .like = buf_span(&c->act->ca.ca_cert),
		.issuer = c->old.parts.subject,
		.subject = buf_span(&c->name),
		.spki = buf_span(&c->next_spki),
		.ski = ski,
		.aki = c->old.ski,
		.not_before = across_from(c),
		.not_after = across_until(c),
		/* One of another name is one below (RFC 5280 6.1.4 l). */
		.path_len = c->new_name && c->old.path_len > 0
				? c->old.path_len - 1
				: PATH_LEN_SAME,
		.succession = true,
		.alg = &c->act->keys.alg };

	return tbs_of_ca_next(&next, tbs);
}

static enum rc
note_old_with_new(struct change_ca *c, struct span ski, struct buf *tbs)
{
	const struct ca_next next = { .like = buf_span(&c->act->ca.ca_cert),
		.issuer = buf_span(&c->name),
		.subject = c->old.parts.subject,
		.spki = c->old.parts.spki,
		.ski = c->old.ski,
		.aki = ski,
		.not_before = across_from(c),
		.not_after = across_until(c),
		.path_len = c->new_name && c->old.path_len > 0
				? c->old.path_len - 1
				: PATH_LEN_SAME,
		.succession = true,
		.alg = &c->next.alg };

	return tbs_of_ca_next(&next, tbs);
}

static enum rc
change_note_all(struct change_ca *c, struct buf tbs[static CA_CHANGE_MAX])
{
	const bool new_key = c->change == CA_ROLLED_OVER;
	uint8_t id[KEY_IDENTIFIER_LEN];
	struct span ski = c->old.ski;
	enum rc rc = RC_OK;

	if (new_key) {
		rc = key_identifier_of(buf_span(&c->next_spki), id);
		ski = span_of(id, sizeof(id));
	}
	if (rc == RC_OK)
		rc = note_self(c, ski, &tbs[0]);
	if (rc == RC_OK && new_key)
		rc = note_new_with_old(c, ski, &tbs[1]);
	if (rc == RC_OK && new_key)
		rc = note_old_with_new(c, ski, &tbs[2]);
	return rc;
}

static enum rc
note_store(struct change_ca *c, const struct buf tbs[static CA_CHANGE_MAX])
{
	struct act *act = c->act;
	struct span spans[CA_CHANGE_MAX];
	size_t n = 0;
	enum rc rc;

	while (n < CA_CHANGE_MAX && tbs[n].n != 0) {
		spans[n] = buf_span(&tbs[n]);
		n++;
	}
	rc = act_begin(act);
	if (rc == RC_OK)
		rc = ledger_ca_intend(act->ledger, c->change, spans, n);
	if (rc == RC_OK)
		rc = ledger_commit(act->ledger);
	else
		ledger_rollback(act->ledger);
	return rc;
}

/* Read back: what is signed is what the ledger has. */
enum rc
change_ca_note(struct change_ca *c)
{
	struct buf tbs[CA_CHANGE_MAX] = { 0 };
	enum rc rc = RC_OK;

	if (!c->goes_on) {
		rc = change_note_all(c, tbs);
		if (rc == RC_OK)
			rc = note_store(c, tbs);
		ca_begun_wipe(&c->begun);
		if (rc == RC_OK)
			rc = ledger_ca_begun(c->act->ledger, &c->begun);
	}
	for (size_t i = 0; i < CA_CHANGE_MAX; i++)
		buf_wipe(&tbs[i]);
	return rc;
}
