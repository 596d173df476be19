/* SPDX-License-Identifier: Apache-2.0 */
/* One bundle: the two questions, the signing, the response. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd_sign.h"
#include "transfer/rule.h"

#include <stdlib.h>

static void
show_progress(void *arg, uint64_t done)
{
	term_progress_at(arg, done);
}

/* ---- responses --------------------------------------------------------- */

/* When the first of these requests runs out: a series lasts to its last. */
static void
show_due(const struct manifest *m)
{
	char at[CLOCK_TEXT];
	int64_t due = CLOCK_MAX;

	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->n_certs > 0 && r->certs[r->n_certs - 1].not_after < due)
			due = r->certs[r->n_certs - 1].not_after;
	}
	if (due == CLOCK_MAX)
		return;
	clock_write(due, at);
	term_field("next due", "%s, when the first of these runs out", at);
}

static enum rc
deliver(struct sign *sign, const struct submission *s,
    const struct reply *reply, bool stored)
{
	WIPED(buf) note = { 0 };
	char hex[SHA256_HEX];
	enum rc rc = reply_write(&sign->visit.act.media, reply, &note);

	if (rc != RC_OK)
		return err_in(rc,
		    "response %u is complete in the ledger but "
		    "not on the stick; mend that and run the same command "
		    "again",
		    reply->record.sequence);
	hex_write(span_of(reply->record.digest, SHA256_LEN), hex);
	term_bold(
	    "Response %u for \"%.*s\"%s: %zu certificate%s, %zu refused\n",
	    reply->record.sequence, SPAN_FMT(s->bundle.label),
	    stored ? " (the stored one, byte for byte)" : "", reply->n_certs,
	    reply->n_certs == 1 ? "" : "s", reply->n_refused);
	term_field(
	    "written to", "%s/%s", sign->visit.act.media.path, reply->dir);
	term_field("read back", "%.*s", SPAN_FMT(buf_span(&note)));
	term_field("manifest", "%s", hex);
	show_due(&reply->manifest);
	if (!stored)
		term_say("Carry it back, and there: airgap-transfer install "
			 "STICK\n");
	sign_json_reply(sign, s, reply, reply->dir);
	return RC_OK;
}

static bool
is_delivered(const struct sign *sign, const struct submission *s, uint32_t n)
{
	for (size_t i = 0; i < sign->n_delivered; i++)
		if (sign->delivered[i].sequence == n &&
		    memcmp(sign->delivered[i].requester, s->key_id,
			SHA256_LEN) == 0)
			return true;
	return false;
}

static enum rc
note_delivered(struct sign *sign, const struct submission *s, uint32_t n)
{
	struct delivered *more =
	    reallocarray(sign->delivered, sign->n_delivered + 1, sizeof(*more));

	if (more == NULL)
		return err_memory();
	sign->delivered = more;
	more += sign->n_delivered++;
	memcpy(more->requester, s->key_id, SHA256_LEN);
	more->sequence = n;
	return RC_OK;
}

/* Every stored response after `after`, up to and with `last`. */
static enum rc
deliver_stored(struct sign *sign, const struct submission *s, uint32_t after,
    uint32_t last)
{
	const struct reply_maker maker = { .ledger = sign->visit.act.ledger,
		.ca = &sign->visit.act.ca,
		.issuer = sign->visit.window.key_id };
	enum rc rc = RC_OK;

	for (uint32_t i = after + 1; i <= last && rc == RC_OK; i++) {
		WIPED(reply) reply = { 0 };

		if (is_delivered(sign, s, i))
			continue;
		rc = reply_again(&maker, s->key_id, i, &reply);
		if (rc == RC_OK)
			rc = deliver(sign, s, &reply, true);
		if (rc == RC_OK)
			rc = note_delivered(sign, s, i);
	}
	return rc;
}

static uint32_t
head_sequence(const struct submission *s)
{
	return s->bundle.has_head ? s->bundle.head.sequence : 0;
}

static enum rc
answer_again(struct sign *sign, const struct submission *s)
{
	uint32_t last = s->requester.last_manifest;

	sign->answered++;
	term_bold("\nBundle %s was answered before\n", s->file->name);
	if (sign->env->dry_run)
		return RC_OK;
	if (last < s->record.answered)
		last = s->record.answered;
	return deliver_stored(sign, s,
	    head_sequence(s) < s->record.answered ? head_sequence(s)
						  : s->record.answered - 1,
	    last);
}

/* ---- the two questions ------------------------------------------------- */

static bool
is_expected(const struct sign *sign, const struct submission *s)
{
	uint8_t wanted[SHA256_LEN];

	for (size_t i = 0; i < sign->expect.n; i++)
		if (hex_read(sign->expect.items[i], wanted, SHA256_LEN) &&
		    memcmp(wanted, s->key_id, SHA256_LEN) == 0)
			return true;
	return false;
}

/* Trust in a new requester comes from a person who compared the words, or from
 * a script that was given the whole digest: --yes is no such thing. */
static enum rc
meet(struct sign *sign, const struct submission *s, bool *ret_yes)
{
	enum rc rc;

	*ret_yes = true;
	if (s->known || is_expected(sign, s))
		return RC_OK;
	rc = review_words(s);
	if (rc != RC_OK)
		return rc;
	if (sign->expect.n > 0)
		return rule_refuse("WORDS",
		    "%s: the requester \"%.*s\" is not "
		    "the one that --expect names",
		    s->file->name, SPAN_FMT(s->bundle.label));
	if (sign->env->yes || !term_present())
		return rule_refuse("REQUESTER-UNKNOWN",
		    "%s: the requester \"%.*s\" is not known: compare its "
		    "words "
		    "at a terminal, or give --expect with its SHA-256",
		    s->file->name, SPAN_FMT(s->bundle.label));
	return term_confirm("Are all sixteen words the same there? Type Yes to "
			    "enrol it:",
	    "--expect", ret_yes);
}

static enum rc
confirm(struct sign *sign, const struct work *w, bool *ret_yes)
{
	*ret_yes = true;
	if (sign->env->yes)
		return RC_OK;
	return term_confirm(w->decisions.granted == 0
				? "Type Yes to refuse all of it for good:"
				: "Type Yes to sign this:",
	    "--yes", ret_yes);
}

static enum rc
ask_operator(struct sign *sign, const struct work *w, bool *ret_yes)
{
	enum rc rc = meet(sign, w->s, ret_yes);

	if (rc == RC_OK && *ret_yes)
		rc = confirm(sign, w, ret_yes);
	if (rc == RC_OK && !*ret_yes) {
		sign->declined = true;
		term_say("Not signed; nothing was stored.\n");
	}
	return rc;
}

/* ---- one bundle -------------------------------------------------------- */

static enum rc
sign_work(struct sign *sign, struct work *w)
{
	WIPED(reply) reply = { 0 };
	struct submission *s = w->s;
	enum rc rc = visit_unlock(&sign->visit);

	if (rc != RC_OK)
		return rc;
	term_progress_start(
	    &sign->progress, "signing", w->decisions.certificates);
	sign->signing = true;
	rc = work_sign(&sign->visit, w, show_progress, &sign->progress, &reply);
	term_progress_end(&sign->progress);
	if (rc != RC_OK)
		return rc;
	sign->signing = false;
	sign->issued += reply.n_certs;
	sign->refused += reply.n_refused;
	/* What the requester missed goes along, unasked. */
	rc = deliver_stored(
	    sign, s, head_sequence(s), reply.record.sequence - 1);
	return rc != RC_OK ? rc : deliver(sign, s, &reply, false);
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
		sign->refused += w.decisions.n - w.decisions.granted;
		sign->issued += w.decisions.certificates;
		term_say("Dry run: nothing was signed or stored.\n");
		return RC_OK;
	}
	rc = ask_operator(sign, &w, &yes);
	return rc != RC_OK || !yes ? rc : sign_work(sign, &w);
}

enum rc
sign_file(struct sign *sign, const struct scanned *file)
{
	WIPED(submission) s = { 0 };
	enum rc rc;

	if (file->rc != RC_OK)
		return err_rule(file->rc, file->rule, "%s", file->reason);
	rc = submission_read(file, &s);
	if (rc == RC_OK)
		rc = submission_admit(&s, sign->visit.act.ledger,
		    sign->visit.act.ca.ca_id, sign->visit.act.now);
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
