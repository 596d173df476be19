/* SPDX-License-Identifier: Apache-2.0 */
/* All that the operator sees before Yes. Names, labels and comments came over
 * the stick: each is escaped before it is shown. */
#include "base/clock.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "base/words.h"
#include "ca/cmd/cmd_sign.h"
#include "ca/cmd/revoke_show.h"
#include "ca/crl/crl_make.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOW_ALL_MAX 50 /* requests shown one by one; more are summed up */
#define SHOW_SOME 20
#define SHOW_REFUSED 50
#define OLD_BUNDLE (30 * DAY)		/* longer than a stick is on its way */
#define EARLY_BUNDLE (15 * INT64_C(60)) /* beyond a day it is BUNDLE-CLOCK */

/* "2026-11-23 14:13 UTC" is what a person compares with a wall clock. */
static const char *
day_time(int64_t at, char to[static CLOCK_TEXT])
{
	clock_write(at, to);
	return to;
}

/* ---- the head of the screen -------------------------------------------------
 */

/* An old file that stayed on the stick would be signed once more. */
static void
show_nobody(const struct submission *s)
{
	size_t n = 0;

	if (s->bundle.requests[0].names == NULL)
		term_field("asked by",
		    "loose requests, nobody vouches for them: names come from the CSRs");
	else
		term_field(
		    "asked by", "a loose request, nobody vouches for it");
	for (size_t i = 0; s->before != NULL && i < s->loose.n; i++)
		n += s->before[i].sequence != 0;
	if (n != 0)
		term_field("before",
		    "%zu of these CSRs %s a certificate already, and would get another",
		    n, n == 1 ? "has" : "have");
}

/* Whom somebody has put out is not to come back as somebody new. */
static void
show_removed(const struct submission *s)
{
	if (s->known || *s->requester.label == '\0')
		return;
	term_field("BEFORE",
	    "this key was enrolled as \"%s\" until it was removed",
	    s->requester.label);
}

/* One of the two clocks is wrong, or the stick lay about: what was asked for
 * then may not be what is wanted now. */
static void
show_age(const struct submission *s, int64_t now)
{
	const int64_t age = now - s->bundle.created;

	if (age >= OLD_BUNDLE)
		term_alarm(
		    "  OLD           made %" PRId64
		    " days ago, by the two clocks: is it still wanted?\n",
		    age / DAY);
	else if (-age >= EARLY_BUNDLE)
		term_alarm("  EARLY         made %" PRId64
			   " minutes ahead of this machine's clock\n",
		    -age / 60);
}

static void
show_requester(const struct submission *s, int64_t now)
{
	char at[CLOCK_TEXT];

	if (s->is_loose) {
		show_nobody(s);
		return;
	}
	if (s->known)
		term_field("asked by", "\"%s\", enrolled %.10s",
		    s->requester.label, day_time(s->requester.enrolled, at));
	else
		term_field("asked by", "\"%.*s\", NOT KNOWN to this CA yet",
		    SPAN_FMT(s->bundle.label));
	show_removed(s);
	term_field("bundle", "number %u, made %s", s->bundle.sequence,
	    day_time(s->bundle.created, at));
	show_age(s, now);
}

static void
show_clock(const struct visit *v)
{
	char now[CLOCK_TEXT], last[CLOCK_TEXT];
	int64_t high = ledger_high_water(v->act.ledger);

	term_field("clock", "%s (last entry in the ledger: %s)",
	    day_time(v->act.now, now),
	    high == 0 ? "none" : day_time(high, last));
}

static void
review_show_policy(const struct visit *v, const struct work *w)
{
	char hex[SHA256_HEX];

	hex_write(span_of(w->policy->digest, SHA256_LEN), hex);
	if (w->s->admission == ADMIT_RESUME)
		term_field(
		    "policy", "%.16s, of the run that did not finish", hex);
	else if (v->policy_changed)
		term_field(
		    "policy", "%.16s, CHANGED since the last signing", hex);
	else
		term_field("policy", "%.16s", hex);
}

static void
show_surroundings(const struct visit *v)
{
	if (v->act.interfaces.n > 0)
		term_field("network", "UP: %.*s (this will be recorded)",
		    SPAN_FMT(buf_span(&v->act.interfaces)));
	else
		term_field("network", "off");
	if (v->sandbox.landlock_abi == 0)
		term_field("sandbox", "seccomp; this kernel has no Landlock");
}

static void
show_unfinished(const struct work *w)
{
	uint64_t done = progress_done(&w->progress);

	if (w->s->admission != ADMIT_RESUME)
		return;
	term_field("unfinished",
	    "an earlier run signed %" PRIu64
	    " certificate%s of these and left %zu serial%s that will never be used; it goes on from there",
	    done, done == 1 ? "" : "s", w->progress.n_unfinished,
	    w->progress.n_unfinished == 1 ? "" : "s");
}

/* ---- one request ------------------------------------------------------- */

static enum rc
names_text(const struct name *names, size_t n, struct buf *text)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i > 0)
			rc = buf_add_str(text, " ");
		if (rc == RC_OK)
			rc = name_write(text, &names[i]);
	}
	return rc;
}

static void
show_validity(const struct cert_request *r, const struct grant *g)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT], every[DUR_TEXT], each[DUR_TEXT];
	int64_t first = g->not_before, not_before, not_after;
	const struct validity *v = &r->validity;

	validity_slot(v, first, v->count - 1, &not_before, &not_after);
	dur_write(v->period, every);
	if (v->count == 1) {
		term_field("  valid", "%s to %s (%s)", day_time(first, from),
		    day_time(not_after, to), every);
		return;
	}
	dur_write(v->period + v->overlap, each);
	term_field("  series",
	    "%u certificates, one every %s, each valid %s; first from %s, last until %s",
	    v->count, every, each, day_time(first, from),
	    day_time(not_after, to));
}

/* Which of `a` are not in `b`, each after `sign`. */
static enum rc
names_missing(const struct name *a, size_t n_a, const struct name *b,
    size_t n_b, char sign, struct buf *text)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n_a && rc == RC_OK; i++) {
		bool found = false;

		for (size_t j = 0; j < n_b && !found; j++)
			found = name_compare(&a[i], &b[j]) == 0;
		if (found)
			continue;
		rc = buf_printf(text, " %c", sign);
		if (rc == RC_OK)
			rc = name_write(text, &a[i]);
	}
	return rc;
}

/* The names of a certificate of ours. */
static enum rc
names_of_cert(struct span der, struct name_list *ret)
{
	OWN(X509) *cert = NULL;
	OWN(GENERAL_NAMES) *san = NULL;
	enum rc rc = cert_stored("ledger", der, &cert);

	if (rc != RC_OK)
		return rc;
	san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	return san == NULL ? RC_OK
			   : names_of_san("the certificate replaced", san, ret);
}

static enum rc
show_replaced(
    struct visit *v, const struct cert_request *r, const struct decision *d)
{
	WIPED(ledger_cert) old = { 0 };
	WIPED(name_list) names = { 0 };
	WIPED(buf) diff = { 0 };
	char serial[2 * SERIAL_MAX + 1], until[CLOCK_TEXT];
	bool known;
	enum rc rc;

	if (r->replaces.n == 0)
		return RC_OK;
	hex_write(r->replaces, serial);
	rc = ledger_cert_get(v->act.ledger, r->replaces, &old, &known);
	if (rc != RC_OK || !known) /* work_check found it */
		return rc;
	rc = names_of_cert(buf_span(&old.der), &names);
	if (rc == RC_OK)
		rc = names_missing(d->grant.names, d->grant.n_names,
		    names.items, names.n, '+', &diff);
	if (rc == RC_OK)
		rc = names_missing(names.items, names.n, d->grant.names,
		    d->grant.n_names, '-', &diff);
	if (rc != RC_OK)
		return rc;
	term_field("  in place of", "%s, until %s; %s key; %s%.*s", serial,
	    day_time(old.intent.not_after, until),
	    memcmp(old.intent.key_id, d->key_id, SHA256_LEN) == 0 ? "same"
								  : "NEW",
	    diff.n == 0 ? "same names" : "names:", SPAN_FMT(buf_span(&diff)));
	return RC_OK;
}

/* Escaped whole: printf alone would end at a NUL and hide what follows. */
static enum rc
show_comment(const struct cert_request *r)
{
	WIPED(buf) plain = { 0 };
	enum rc rc = term_escape(&plain, r->comment);

	if (rc == RC_OK && plain.n > 0)
		term_field("  comment", "%.*s", SPAN_FMT(buf_span(&plain)));
	return rc;
}

static void
show_before(const struct loose_before *before)
{
	char serial[2 * SERIAL_MAX + 1], at[CLOCK_TEXT];

	if (before->sequence == 0)
		return;
	hex_write(span_of(before->serial, before->n_serial), serial);
	term_field("  BEFORE", "%s of loose response %u, until %.10s", serial,
	    before->sequence, day_time(before->not_after, at));
}

static void
show_file(const struct loose_csr *csr)
{
	if (csr->twins == 0)
		term_field("  file", "%.*s", SPAN_FMT(csr->name));
	else
		term_field("  file", "%.*s, and the same CSR in %u other%s",
		    SPAN_FMT(csr->name), csr->twins,
		    csr->twins == 1 ? "" : "s");
}

/* A CSR that somebody else brings proves nothing of him. */
static void
show_held(const struct decision *d)
{
	if (d->held != NULL)
		term_field("  KEY", "is that of %s", d->held);
}

/* One made of the first name says nothing new. */
static enum rc
show_subject(const struct grant *g)
{
	OWN(X509_NAME) *subject = NULL;
	WIPED(buf) text = { 0 };
	enum rc rc;

	if (g->profile->subject != SUBJECT_TEXT &&
	    g->profile->subject != SUBJECT_CSR)
		return RC_OK;
	rc = subject_of(
	    g->profile, g->csr_subject, g->names, g->n_names, &subject);
	if (rc == RC_OK)
		rc = subject_print(subject, &text);
	if (rc == RC_OK)
		term_field("  subject", "%.*s", SPAN_FMT(buf_span(&text)));
	return rc;
}

/* What it makes can sign in this CA's place, whatever this policy says: nobody
 * is to take that for a server. */
static enum rc
show_ca(const struct visit *v, const struct grant *g)
{
	const struct constraints *above = &v->window.above[0];
	const struct span own = buf_span(&g->profile->constraints);
	struct constraints its = *above;
	WIPED(buf) bound = { 0 };
	enum rc rc = RC_OK;

	if (!g->profile->is_ca)
		return RC_OK;
	if (own.n != 0)
		rc = constraints_value_read(g->profile->name, own, &its);
	if (rc == RC_OK)
		rc = constraints_write(&its, &bound);
	if (rc != RC_OK)
		return rc;
	term_field("  MAKES A CA",
	    "that CAN SIGN CERTIFICATES, and %u CA%s below it; bound to %.*s",
	    g->profile->path_len, g->profile->path_len == 1 ? "" : "s",
	    SPAN_FMT(buf_span(&bound)));
	return RC_OK;
}

/* Where the names are from, where that is not what one expects. */
static void
show_source(const struct submission *s, const struct cert_request *r,
    const struct profile *profile)
{
	if (profile->fixed_names.n != 0)
		term_field("  ", "(of the profile, whatever was asked)");
	else if (s->is_loose && r->n_names != 0)
		term_field("  ", "(given by --name)");
	else if (!s->is_loose && r->n_names == 0)
		term_field("  ", "(from the CSR)");
}

static enum rc
show_granted(struct visit *v, const struct work *w, size_t i)
{
	const struct cert_request *r = &w->s->bundle.requests[i];
	const struct decision *d = &w->decisions.items[i];
	WIPED(buf) names = { 0 };
	char key[KEY_TYPE_TEXT];
	struct key_facts facts;
	enum rc rc = key_shape("key", d->spki, &facts);

	if (rc == RC_OK)
		rc = names_text(d->grant.names, d->grant.n_names, &names);
	if (rc != RC_OK)
		return rc;
	key_name(&facts, key);
	term_bold("  %zu  %.*s\n", i + 1, SPAN_FMT(r->id));
	term_field("  profile", "%s, key %s", d->grant.profile->name, key);
	show_held(d);
	rc = show_ca(v, &d->grant);
	if (rc == RC_OK)
		rc = show_subject(&d->grant);
	if (rc != RC_OK)
		return rc;
	if (names.n != 0) {
		term_field("  names", "%.*s", SPAN_FMT(buf_span(&names)));
		show_source(w->s, r, d->grant.profile);
	}
	if (w->s->is_loose)
		show_file(&w->s->loose.items[i]);
	if (w->s->before != NULL)
		show_before(&w->s->before[i]);
	show_validity(r, &d->grant);
	rc = show_comment(r);
	return rc != RC_OK ? rc : show_replaced(v, r, d);
}

static void
show_refused(const struct work *w, size_t i)
{
	const struct decision *d = &w->decisions.items[i];
	const char *remedy = rule_remedy(d->rule);

	term_bold(
	    "  %zu  %.*s\n", i + 1, SPAN_FMT(w->s->bundle.requests[i].id));
	/* The reason is escaped already: what is shown is what is recorded. */
	term_field("  refused", "[%s] %s", rule_name(d->rule), d->reason);
	show_held(d);
	if (remedy != NULL)
		term_field("  remedy", "%s", remedy);
}

/* ---- the whole --------------------------------------------------------- */

/* A series is everybody's, whoever asked for it. */
static enum rc
show_crl_wish(const struct visit *v, const struct work *w)
{
	const struct crl_request *asked = &w->s->bundle.crl;
	char every[DUR_TEXT], end[CLOCK_TEXT];
	struct crl_request wish;
	enum rc rc;

	if (w->s->is_loose || !w->s->bundle.has_crl)
		return RC_OK;
	rc = crl_wish_taken(&v->act, asked, &wish);
	if (rc != RC_OK)
		return rc;
	if (v->act.policy.crl.count != 0) {
		term_say("\nIt asks for CRLs: the policy says which.\n");
		return RC_OK;
	}
	dur_write(wish.period, every);
	clock_write(
	    v->act.now + (int64_t)wish.count * wish.period + wish.overlap, end);
	term_bold("\nCRLs for everybody, %s: %" PRIu32
		  ", one every %s, the last until %s\n",
	    wish.count == asked->count && wish.period == asked->period &&
		    wish.overlap == asked->overlap
		? "as it asks"
		: "as before, for it asks for less",
	    wish.count, every, end);
	return RC_OK;
}

static enum rc
show_all_granted(struct visit *v, const struct work *w)
{
	size_t n = w->decisions.granted, shown = 0;
	size_t most = n <= SHOW_ALL_MAX ? n : SHOW_SOME;
	uint64_t left = w->decisions.certificates - progress_done(&w->progress);
	enum rc rc = RC_OK;

	if (w->decisions.n == 0 && w->revokes.n != 0)
		return RC_OK; /* it asks for revocations alone */
	if (n == 0) {
		term_bold("\nNothing would be signed.\n");
		return RC_OK;
	}
	term_bold("\nTo be signed: %" PRIu64
		  " certificate%s for %zu request%s\n",
	    left, left == 1 ? "" : "s", n, n == 1 ? "" : "s");
	for (size_t i = 0; i < w->decisions.n && shown < most && rc == RC_OK;
	     i++)
		if (w->decisions.items[i].rule == RULE_NONE) {
			rc = show_granted(v, w, i);
			shown++;
		}
	if (shown < n)
		term_say("  and %zu more; 'sign -n --json' lists every one\n",
		    n - shown);
	return rc;
}

static void
show_all_refused(const struct work *w)
{
	size_t n = w->decisions.n - w->decisions.granted, shown = 0;

	if (n == 0)
		return;
	term_bold(
	    "\nTo be refused for good: %zu request%s\n", n, n == 1 ? "" : "s");
	for (size_t i = 0; i < w->decisions.n && shown < SHOW_REFUSED; i++)
		if (w->decisions.items[i].rule != RULE_NONE) {
			show_refused(w, i);
			shown++;
		}
	if (shown < n)
		term_say("  and %zu more; 'sign -n --json' lists every one\n",
		    n - shown);
}

#define WHICH_CRL 40

/* "CRL 7: that revokes nothing", or of several the first. */
static const char *
which_crl(const struct published_vain *vain, char to[static WHICH_CRL])
{
	(void)snprintf(to, WHICH_CRL, "%sCRL %" PRIu64,
	    vain->n == 1 ? "" : "the first ", vain->first);
	return to;
}

static const char *
revokes_nothing(const struct published_vain *vain)
{
	return vain->n == 1 ? "that revokes nothing" : "they revoke nothing";
}

/* Nothing of what cannot be, or was not allowed, is recorded. Should that be
 * true all the same, the policy has to say it before new lists take it back. */
static void
show_not_counted(const struct work *w)
{
	const struct published_vain *unknown = &w->published.unknown;
	const struct published_vain *early = &w->published.early;
	const struct published_vain *forbidden = &w->published.forbidden;
	char which[WHICH_CRL], begins[CLOCK_TEXT];

	if (unknown->n != 0)
		term_alarm(
		    "\nIt says that it published %zu CRL%s which this CA never made as its shadows, %s: %s.\n",
		    unknown->n, unknown->n == 1 ? "" : "s",
		    which_crl(unknown, which), revokes_nothing(unknown));
	if (early->n != 0)
		term_alarm(
		    "\nIt says that it published %zu shadow CRL%s whose time had not begun, %s, of %s: %s.\n",
		    early->n, early->n == 1 ? "" : "s", which_crl(early, which),
		    day_time(early->begins, begins), revokes_nothing(early));
	if (forbidden->n == 0)
		return;
	term_alarm(
	    "\nIt says that it published %zu shadow CRL%s, %s, and the policy has no `emergency = yes` for it: %s.\n",
	    forbidden->n, forbidden->n == 1 ? "" : "s",
	    which_crl(forbidden, which), revokes_nothing(forbidden));
	term_say(
	    "If it did, answer No, put `emergency = yes` under [requester %.*s] in policy.conf, and sign again: else the next lists take it back.\n",
	    SPAN_FMT(submission_label(w->s)));
}

/* Its key leaked, and it shut itself down between two visits. */
static enum rc
show_published(struct visit *v, const struct work *w)
{
	const struct published *p = &w->published;

	show_not_counted(w);
	if (p->n_shadows == 0)
		return RC_OK;
	term_alarm(
	    "\nEMERGENCY: it published %zu shadow CRL%s: its certificates of then are revoked.\n",
	    p->n_shadows, p->n_shadows == 1 ? "" : "s");
	return revokes_show(v->act.ledger, &p->revokes);
}

enum rc
review_show(struct visit *v, const struct work *w)
{
	enum rc rc;

	if (w->s->is_loose)
		term_bold("\n%zu loose CSR%s\n", w->s->loose.n,
		    w->s->loose.n == 1 ? "" : "s");
	else
		term_bold("\nBundle %s\n", w->s->file->name);
	show_requester(w->s, v->act.now);
	show_clock(v);
	review_show_policy(v, w);
	show_surroundings(v);
	show_unfinished(w);
	rc = show_crl_wish(v, w);
	if (rc == RC_OK)
		rc = show_published(v, w);
	if (rc == RC_OK)
		rc = show_all_granted(v, w);
	if (rc != RC_OK)
		return rc;
	show_all_refused(w);
	rc = revokes_show(v->act.ledger, &w->revokes);
	term_say("\n");
	return rc;
}

enum rc
review_words(const struct submission *s)
{
	char hex[SHA256_HEX];
	enum rc rc;

	hex_write(span_of(s->key_id, SHA256_LEN), hex);
	term_bold("A requester that this CA does not know: \"%.*s\"\n",
	    SPAN_FMT(s->bundle.label));
	term_say(
	    "Compare these words with the ones shown on that host, over a way that the stick\ndid not take:\n\n");
	rc = words_show(s->key_id, "    ");
	if (rc != RC_OK)
		return rc;
	term_say("\n    SHA-256 %s\n\n", hex);
	return RC_OK;
}
