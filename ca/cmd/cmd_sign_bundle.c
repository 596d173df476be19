/* SPDX-License-Identifier: Apache-2.0 */
/* One bundle: the two questions, the signing, the response. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd_sign.h"
#include "ca/cmd/emergency_draw.h"
#include "transfer/rule.h"

#include <inttypes.h>

static void
show_progress(void *arg, uint64_t done)
{
	term_progress_at(arg, done);
}

/* ---- responses --------------------------------------------------------- */

static struct addressee
addressee_of(const struct submission *s)
{
	return (struct addressee){ s->key_id, submission_label(s),
		s->is_loose && s->bundle.requests[0].names != NULL,
		s->is_loose ? 0 : s->bundle.created };
}

/* Every stored response after `after`, up to and with `last`. */
static enum rc
send_stored(struct sign *sign, const struct submission *s, uint32_t after,
    uint32_t last)
{
	const struct addressee to = addressee_of(s);

	sign->delivery.home = &sign->visit.act.home;
	sign->delivery.ledger = sign->visit.act.ledger;
	sign->delivery.ca = &sign->visit.act.ca;
	sign->delivery.media = &sign->visit.act.media;
	return deliver_stored(&sign->delivery, &to, after + 1, last);
}

/* Loose CSRs are in no channel where anything before could be missing. */
static uint32_t
head_sequence(const struct submission *s, uint32_t before)
{
	if (s->is_loose)
		return before;
	return s->bundle.has_head ? s->bundle.head.sequence : 0;
}

/* A set is one question for ever, and its answer the certificates of that day.
 */
static void
say_set_again(const struct submission *s)
{
	char at[CLOCK_TEXT];

	clock_write(s->record.at, at);
	term_bold(
	    "\nThis set of %zu loose CSR%s was answered before, on %.10s\n",
	    s->loose.n, s->loose.n == 1 ? "" : "s", at);
	term_say(
	    "It gets the stored response. For new certificates bring new CSRs.\n");
}

/* With nothing new on the stick the exit status is that of the run that
 * answered it, as long as nobody has seen that answer. */
static enum rc
answer_again(struct sign *sign, const struct submission *s)
{
	uint32_t last = s->requester.last_manifest;
	uint32_t answer = s->record.answered;
	uint32_t head = head_sequence(s, answer - 1);
	const struct delivered *done;
	enum rc rc;

	sign->answered++;
	if (s->is_loose)
		say_set_again(s);
	else
		term_bold("\nBundle %s was answered before\n", s->file->name);
	if (sign->env->dry_run)
		return RC_OK;
	rc = send_stored(sign, s, head < answer ? head : answer - 1,
	    last < answer ? answer : last);
	done = delivery_find(&sign->delivery, s->key_id, answer);
	if (rc == RC_OK && done != NULL && s->requester.arrived < answer) {
		sign->old_issued += done->n_granted;
		sign->old_refused += done->n_refused;
	}
	return rc;
}

/* ---- the two questions ------------------------------------------------- */

/* Which --expect names it; NULL: none does. */
static const char *
expected_get0(const struct sign *sign, const struct submission *s)
{
	struct sign_expect wanted;

	for (size_t i = 0; i < sign->expect.n; i++)
		if (sign_expect_read(sign->expect.items[i], &wanted) &&
		    memcmp(wanted.key_id, s->key_id, SHA256_LEN) == 0 &&
		    (wanted.label.n == 0 ||
			span_eq(wanted.label, s->bundle.label)))
			return sign->expect.items[i];
	return NULL;
}

/* A fingerprint alone takes a host as what it was, or as what it says when
 * nobody has met it. Who is to be somebody else is named by that. */
static enum rc
check_renamed(const struct submission *s, const char *expected)
{
	if (*s->requester.label == '\0' || strchr(expected, '=') != NULL ||
	    span_eq_str(s->bundle.label, s->requester.label))
		return RC_OK;
	return rule_refuse(RULE_LABEL_OTHER,
	    "%s: calls itself \"%.*s\", but its key was enrolled as \"%s\": --expect %.*s=HEX would enrol it anew",
	    s->file->name, SPAN_FMT(s->bundle.label), s->requester.label,
	    SPAN_FMT(s->bundle.label));
}

/* Trust in a new requester comes from a person who compared the words, or from
 * a script that was given the whole digest: --yes is no such thing. */
static enum rc
meet(struct sign *sign, const struct submission *s, bool *ret_yes)
{
	const char *expected = expected_get0(sign, s);
	enum rc rc;

	*ret_yes = true;
	if (s->known)
		return RC_OK;
	if (expected != NULL)
		return check_renamed(s, expected);
	rc = review_words(s);
	if (rc != RC_OK)
		return rc;
	if (sign->expect.n > 0)
		return rule_refuse(RULE_WORDS,
		    "%s: the requester \"%.*s\" is not the one that --expect names",
		    s->file->name, SPAN_FMT(s->bundle.label));
	if (sign->env->yes || !term_present())
		return rule_refuse(RULE_REQUESTER_UNKNOWN,
		    "%s: the requester \"%.*s\" is not known: compare its words at a terminal, or give --expect with its SHA-256",
		    s->file->name, SPAN_FMT(s->bundle.label));
	*ret_yes = false;
	return term_confirm(
	    "Are all sixteen words the same there? Type Yes to enrol it:",
	    "--expect", ret_yes);
}

static const char *
yes_to(const struct work *w)
{
	const bool signs = w->decisions.granted != 0;

	if (w->revokes.n_certs != 0)
		return signs ? "Type Yes to sign and to revoke this:"
			     : "Type Yes to revoke this for good:";
	if (!signs && w->revokes.n > w->revokes.n_refused)
		return "Type Yes to answer this:";
	return signs ? "Type Yes to sign this:"
		     : "Type Yes to refuse all of it for good:";
}

static enum rc
sign_bundle_confirm(struct sign *sign, const struct work *w, bool *ret_yes)
{
	*ret_yes = sign->env->yes;
	return term_confirm(yes_to(w), "--yes", ret_yes);
}

static enum rc
ask_operator(struct sign *sign, const struct work *w, bool *ret_yes)
{
	enum rc rc = meet(sign, w->s, ret_yes);

	if (rc == RC_OK && *ret_yes)
		rc = sign_bundle_confirm(sign, w, ret_yes);
	if (rc == RC_OK && !*ret_yes) {
		sign->declined = true;
		term_say("Not signed; nothing was stored.\n");
	}
	return rc;
}

/* ---- one bundle -------------------------------------------------------- */

/* After an error in the middle. A rule's has its own remedy. */
static void
say_kept(struct sign *sign, const struct submission *s, uint64_t wanted)
{
	WIPED(progress) o = { 0 };
	struct err_saved why;

	if (rule_spoken() != RULE_NONE)
		return;
	err_save(&why);
	if (s->record.n != 0 && progress_read(sign->visit.act.ledger,
				    &s->record, &s->bundle, &o) == RC_OK)
		term_say("%" PRIu64 " of %" PRIu64
			 " certificates are signed and kept. ",
		    progress_done(&o), wanted);
	term_say(
	    "When the cause is mended, run the same command again: it goes on from there.\n");
	err_restore(&why);
}

static enum rc
sign_work(struct sign *sign, struct work *w)
{
	const uint64_t wanted = w->decisions.certificates;
	WIPED(response) response = { 0 };
	size_t granted, refused;
	struct submission *s = w->s;
	const struct addressee to = addressee_of(s);
	enum rc rc = visit_unlock(&sign->visit);

	if (rc == RC_OK)
		rc = emergency_draw_all(&sign->visit.act);
	if (rc == RC_OK && !s->is_loose)
		rc = emergency_draw_one(
		    &sign->visit.act, submission_label(s), s->key_id);
	if (rc != RC_OK)
		return rc;
	term_farewell(
	    "Interrupted. What is signed by now is kept: run the same command again, and it goes on from there.");
	term_progress_start(
	    &sign->progress, "signing", wanted - progress_done(&w->progress));
	sign->signing = true;
	rc = work_sign(
	    &sign->visit, w, show_progress, &sign->progress, &response);
	term_progress_end(&sign->progress);
	if (rc != RC_OK) {
		say_kept(sign, s, wanted);
		return rc;
	}
	sign->signing = false;
	delivery_count(&response, &granted, &refused);
	sign->issued += granted;
	sign->refused += refused;
	/* What the requester missed goes along, unasked. */
	rc =
	    send_stored(sign, s, head_sequence(s, response.record.sequence - 1),
		response.record.sequence - 1);
	return rc != RC_OK ? rc : deliver_new(&sign->delivery, &to, &response);
}

static enum rc
handle_new(struct sign *sign, struct submission *s)
{
	WIPED(work) w = { 0 };
	bool yes;
	enum rc rc;

	term_progress_start(&sign->progress, "checking", s->bundle.n_requests);
	rc = work_check(&sign->visit, s, show_progress, &sign->progress, &w);
	term_progress_end(&sign->progress);
	if (rc == RC_OK)
		rc = review_show(&sign->visit, &w);
	if (rc != RC_OK)
		return rc;
	if (sign->env->dry_run) {
		sign_json_review(sign, &w);
		sign->refused +=
		    w.decisions.n - w.decisions.granted + w.revokes.n_refused;
		sign->issued += w.decisions.certificates + w.revokes.n -
				w.revokes.n_refused;
		term_say("Dry run: nothing was signed or stored.\n");
		return RC_OK;
	}
	rc = ask_operator(sign, &w, &yes);
	return rc != RC_OK || !yes ? rc : sign_work(sign, &w);
}

static enum rc
admit(struct sign *sign, struct submission *s)
{
	struct ledger *ledger = sign->visit.act.ledger;

	return s->is_loose ? submission_admit_loose(s, ledger)
			   : submission_admit(s, ledger,
				 sign->visit.act.ca.ca_id, sign->visit.act.now);
}

enum rc
sign_file(struct sign *sign, const struct scanned *file)
{
	WIPED(submission) s = { 0 };
	enum rc rc;

	if (file->rc != RC_OK)
		return err_rule(file->rc, file->rule, "%s", file->reason);
	rc = sign->loose ? sign_loose_read(sign, file, &s)
			 : submission_read(file, &s);
	if (rc == RC_OK)
		rc = admit(sign, &s);
	if (rc != RC_OK)
		return rc;
	switch (s.admission) {
	case ADMIT_OTHER:
		sign->other++;
		term_dim(
		    "Bundle %s is for another CA: passed over\n", file->name);
		return RC_OK;
	case ADMIT_ANSWERED:
		return answer_again(sign, &s);
	default:
		return handle_new(sign, &s);
	}
}
