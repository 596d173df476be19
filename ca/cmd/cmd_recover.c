/* SPDX-License-Identifier: Apache-2.0 */
/* `recover`: what a stick of histories, or CRLs, would give back to the ledger,
 * shown by channel and confirmed. What is proven of it is for
 * ca/lifecycle/recover.c. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/awaited_text.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/recover_crl_show.h"
#include "ca/home/ca_trust.h"
#include "ca/lifecycle/crl_file.h"
#include "ca/lifecycle/recover.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOST_MIN 10 /* bytes of the words that say what is lost */
#define LOST_MAX 500
#define LEFT_SHOWN 20 /* of what is left, for people */

struct recovering {
	struct cmd_env *env;
	const char *from;     /* NULL: no stick, CRLs alone */
	struct cmd_list crls; /* paths */
	struct buf *crl_ders; /* owned; of each */
	struct reader reader;
	struct scanned set;
	struct history_set history;
	struct home home;
	struct ledger *ledger;
	struct policy policy;
	struct ledger_ca ca;
	struct trust trust;
	struct requester *requesters; /* owned */
	size_t n_requesters;
	int64_t clock, now; /* what it says; what records get */
	struct recovery recovery;
};

static void
recovering_wipe(struct recovering *r)
{
	recovery_wipe(&r->recovery);
	for (size_t i = 0; r->crl_ders != NULL && i < r->crls.n; i++)
		buf_wipe(&r->crl_ders[i]);
	free(r->crl_ders);
	cmd_list_wipe(&r->crls);
	reader_wipe(&r->reader);
	history_set_wipe(&r->history);
	scanned_wipe(&r->set);
	ledger_free(r->ledger);
	home_wipe(&r->home);
	policy_wipe(&r->policy);
	ledger_ca_wipe(&r->ca);
	trust_wipe(&r->trust);
	requesters_free(r->requesters, r->n_requesters);
}

/* ---- what is there --------------------------------------------------------
 */

/* The reader is started first, while nothing is open that it could inherit, and
 * goes when it has handed its copy over. What it refuses comes before that. */
static enum rc
read_stick(struct recovering *r)
{
	bool more = false;
	enum rc rc = reader_start(&r->reader, r->from);

	if (rc != RC_OK)
		return rc;
	do {
		scanned_wipe(&r->set);
		rc = reader_scan_history(&r->reader, &r->set, &more);
		if (rc != RC_OK)
			return child_explain(&r->reader.child, rc);
		if (more && r->set.rc != RC_OK)
			rc = recovery_leave(&r->recovery, r->set.name,
			    err_rule(
				r->set.rc, r->set.rule, "%s", r->set.reason));
	} while (rc == RC_OK && more && r->set.rc != RC_OK);
	reader_wipe(&r->reader);
	return rc == RC_OK && more
		   ? history_set_read(r->set.copy.bytes, &r->history)
		   : rc;
}

/* Likewise: each by a process of its own, before anything is open. */
static enum rc
read_crls(struct recovering *r)
{
	enum rc rc = RC_OK;

	if (r->crls.n == 0)
		return RC_OK;
	r->crl_ders = calloc(r->crls.n, sizeof(*r->crl_ders));
	if (r->crl_ders == NULL)
		return err_memory();
	for (size_t i = 0; i < r->crls.n && rc == RC_OK; i++)
		rc = crl_file_read_apart(r->crls.items[i], &r->crl_ders[i]);
	return rc;
}

static enum rc
recover_open_home(struct recovering *r)
{
	enum rc rc = home_open(r->env->home, &r->home);

	if (rc == RC_OK)
		rc = home_ledger_open(&r->home, !r->env->dry_run, &r->ledger);
	if (rc == RC_OK)
		rc = home_policy_read(&r->home, &r->policy);
	if (rc == RC_OK)
		rc = ledger_ca_get(r->ledger, &r->ca);
	if (rc == RC_OK)
		rc = ledger_requesters(
		    r->ledger, &r->requesters, &r->n_requesters);
	if (rc == RC_OK)
		rc = clock_now(&r->now);
	if (rc == RC_OK)
		rc = clock_check(r->ledger, &r->policy, r->now);
	if (rc == RC_OK)
		rc = ca_trust(&r->ca, &r->trust);
	return rc;
}

/* Whatever there is was refused: the first reason is the answer. */
static enum rc
nothing_taken(const struct recovery *v)
{
	const struct history_left *first = &v->left[0];

	if (v->n_left > 1)
		return err_rule(first->rc, first->rule,
		    "%s (and %zu more, no response is good)", first->reason,
		    v->n_left - 1);
	return err_rule(first->rc, first->rule, "%s", first->reason);
}

static enum rc
plan(struct recovering *r)
{
	char ca[9];
	enum rc rc;

	r->recovery.ledger = r->ledger;
	r->recovery.trust = &r->trust;
	r->recovery.clock = r->now;
	rc = recovery_plan(&r->recovery, &r->history, r->ca.ca_id);
	/* The ledger's time goes on from the newest of its acts, here again or
	 * not: by a clock behind that nobody signs unasked. */
	r->clock = r->now;
	if (rc == RC_OK && r->recovery.latest_at > r->now)
		r->now = r->recovery.latest_at;
	for (size_t i = 0; i < r->crls.n && rc == RC_OK; i++) {
		rc = recovery_crl_take(&r->recovery, r->crls.items[i],
		    buf_span(&r->crl_ders[i]), r->now);
		buf_wipe(&r->crl_ders[i]);
	}
	hex_write(span_of(r->ca.ca_id, 4), ca);
	if (rc != RC_OK || r->recovery.n != 0 || r->from == NULL)
		return rc;
	if (r->recovery.n_left != 0)
		return nothing_taken(&r->recovery);
	return err_set(RC_IO,
	    "%s: no history of this CA (" MEDIA_HISTORY
	    "/%s-*), and %zu responses of others",
	    r->from, ca, r->recovery.n_others);
}

/* ---- what it comes to -----------------------------------------------------
 */

/* One channel, as the histories have it. */
struct channel_sum {
	const uint8_t *id;
	uint32_t first, last; /* of the new ones; 0: none */
	size_t n, n_new, n_certs;
};

static struct channel_sum
sum_channel(const struct recovery *r, size_t at)
{
	struct channel_sum s = { .id = r->items[at].manifest.requester };

	for (size_t i = at; i < r->n; i++) {
		const struct history_response *p = &r->items[i];

		if (memcmp(p->manifest.requester, s.id, SHA256_LEN) != 0)
			continue;
		s.n++;
		if (p->held)
			continue;
		s.n_new++;
		s.n_certs += p->n_regained;
		s.last = p->manifest.sequence;
		if (s.first == 0)
			s.first = p->manifest.sequence;
	}
	return s;
}

static bool
is_first_of(const struct recovery *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (memcmp(r->items[i].manifest.requester,
			r->items[at].manifest.requester, SHA256_LEN) == 0)
			return false;
	return true;
}

/* Enrolled here; else NULL, and the words are compared when it comes. */
static const char *
recover_label_of(const struct recovering *r, const uint8_t *id)
{
	for (size_t i = 0; i < r->n_requesters; i++)
		if (memcmp(r->requesters[i].key_id, id, SHA256_LEN) == 0)
			return r->requesters[i].label;
	return NULL;
}

static void
show_channel(const struct recovering *r, const struct channel_sum *s)
{
	const char *label = recover_label_of(r, s->id);
	char id[17], range[32];

	hex_write(span_of(s->id, 8), id);
	if (s->n_new == 0) {
		term_field(label == NULL ? id : label,
		    "%zu response%s, all known here", s->n,
		    s->n == 1 ? "" : "s");
		return;
	}
	if (s->n_new == 1)
		(void)snprintf(range, sizeof(range), " %u comes", s->first);
	else
		(void)snprintf(
		    range, sizeof(range), "s %u to %u come", s->first, s->last);
	term_field(label == NULL ? id : label,
	    "response%s back, with %zu certificate%s%s", range, s->n_certs,
	    s->n_certs == 1 ? "" : "s",
	    label == NULL
		? "; not enrolled here: its words are compared at its next bundle"
		: "");
}

static void
show_one_left(const struct history_left *one, bool with_remedy)
{
	const char *remedy = rule_remedy(one->rule);

	term_field("left", "%s", one->name);
	if (one->rule == RULE_NONE)
		term_field("  failed", "%s", one->reason);
	else
		term_field(
		    "  refused", "[%s] %s", rule_name(one->rule), one->reason);
	if (with_remedy && remedy != NULL)
		term_field("  remedy", "%s", remedy);
}

/* By its name, for what it holds was not believed. */
static void
show_left(const struct recovery *v)
{
	if (v->n_left > 0)
		term_alarm("Not taken, and so not known here:\n");
	for (size_t i = 0; i < v->n_left && i < LEFT_SHOWN; i++)
		show_one_left(&v->left[i],
		    i == 0 || v->left[i].rule != v->left[i - 1].rule);
	if (v->n_left > LEFT_SHOWN)
		term_field("", "and %zu more; 'recover -n --json' lists them",
		    v->n_left - LEFT_SHOWN);
}

/* How much others may still hold, whom perhaps nobody here knows of yet. */
static void
show_missing(const struct recovery *v)
{
	if (v->top == 0)
		return;
	term_field("records",
	    "the lost ledger had %" PRIu64 " at least; %s had %" PRIu64
	    "; about %" PRIu64 " are in no history brought here",
	    v->top + 1,
	    v->restored.count == 0 ? "the copy in its place" : "the backup",
	    v->had, v->missing);
}

static void
show_awaited(const struct recovery *v)
{
	char room[AWAITED_ROOM];

	for (size_t i = 0; i < v->n_awaits; i++)
		term_field("awaited",
		    "%s: all of its history: 'airgap-transfer history --out MEDIA' there, then 'recover' here",
		    awaited_name(&v->awaits[i], room));
}

/* The profile stands in the bundle, and nowhere else. */
static void
show_bundles_lacking(const struct recovery *v)
{
	size_t n = 0, certs = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct history_response *p = &v->items[i];

		if (p->held || !p->manifest.has_bundle ||
		    p->item->bundle.n != 0)
			continue;
		n++;
		certs += p->n_regained;
	}
	if (n != 0)
		term_field("no bundle",
		    "%zu response%s to what the host no longer has: the profile of %zu certificate%s is not known",
		    n, n == 1 ? "" : "s", certs, certs == 1 ? "" : "s");
}

static void
show_clock_behind(const struct recovering *r)
{
	const struct manifest *m;
	const char *label;
	char then[CLOCK_TEXT], clock[CLOCK_TEXT], id[17];

	if (r->now == r->clock)
		return;
	m = &r->recovery.items[r->recovery.latest].manifest;
	label = recover_label_of(r, m->requester);
	hex_write(span_of(m->requester, 8), id);
	clock_write(m->signed_at, then);
	clock_write(r->clock, clock);
	term_alarm(
	    "number %u of %s was signed at %s, and this clock says %s.\n"
	    "One of the two was wrong. 'sign' will stop (CLOCK-BEHIND) until this clock is set,\n"
	    "or vouched for: 'airgap-ca clock accept'.\n",
	    (unsigned)m->sequence, label == NULL ? id : label, then, clock);
}

/* A removal that the lost part had is lost too. */
static void
show_enrolled(const struct recovering *r)
{
	if (r->recovery.restored.count == 0 || r->from == NULL)
		return;
	for (size_t i = 0; i < r->n_requesters; i++)
		term_field("enrolled", "%s", r->requesters[i].label);
	term_say(
	    "Whoever of them was removed after the backup is to be removed again:\n"
	    "'airgap-ca requester remove LABEL'. What was revoked at the laptop since then is in no\n"
	    "response, and where no CRL has it, it is to be revoked again:\n"
	    "'airgap-ca revoke SERIAL --reason REASON'.\n");
}

static void
recover_show_policy(const struct recovering *r)
{
	const struct recovery *v = &r->recovery;
	const struct history_response *last =
	    v->n == 0 ? NULL : &v->items[v->n - 1];

	if (last != NULL && !last->held &&
	    memcmp(last->manifest.policy, r->policy.digest, SHA256_LEN) != 0)
		term_alarm(
		    "The newest was made under another policy than policy.conf here: compare with\n"
		    "the newest policy.conf in " MEDIA_HISTORY ".\n");
}

static void
recover_review(const struct recovering *r)
{
	const struct recovery *v = &r->recovery;

	if (r->from == NULL)
		term_bold("CRLs of this CA: %zu proven\n", v->n_crls);
	else
		term_bold(
		    "Histories of this CA: %zu response%s proven, %zu left\n",
		    v->n, v->n == 1 ? "" : "s", v->n_left);
	for (size_t i = 0; i < v->n; i++)
		if (is_first_of(v, i)) {
			const struct channel_sum s = sum_channel(v, i);

			show_channel(r, &s);
		}
	if (v->n_others != 0)
		term_field("passed over", "%zu of other CAs", v->n_others);
	show_left(v);
	show_missing(v);
	show_bundles_lacking(v);
	recover_crls_show(v);
	show_clock_behind(r);
	show_enrolled(r);
	show_awaited(v);
	recover_show_policy(r);
}

/* ---- the run --------------------------------------------------------------
 */

static json_t *
taken_json(const struct recovering *r)
{
	const struct recovery *v = &r->recovery;
	json_t *list = json_array();

	for (size_t i = 0; i < v->n; i++) {
		const struct history_response *p = &v->items[i];
		const char *label = recover_label_of(r, p->manifest.requester);

		if (p->held)
			continue;
		cmd_json_add(
		    &list, json_pack("{s:o,s:o,s:I,s:I,s:o,s:b}", "requester",
			       label == NULL ? json_null() : json_string(label),
			       "requester_id",
			       cmd_json_hex(
				   span_of(p->manifest.requester, SHA256_LEN)),
			       "sequence", (json_int_t)p->manifest.sequence,
			       "certificates", (json_int_t)p->n_regained,
			       "manifest_sha256",
			       cmd_json_hex(span_of(p->digest, SHA256_LEN)),
			       "bundle", p->item->bundle.n != 0));
	}
	return list;
}

static json_t *
left_json(const struct recovery *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_left; i++) {
		const struct history_left *one = &v->left[i];

		cmd_json_add(
		    &list, json_pack("{s:s,s:o,s:o}", "name", one->name, "rule",
			       one->rule == RULE_NONE
				   ? json_null()
				   : json_string(rule_name(one->rule)),
			       "reason", cmd_json_text(span_str(one->reason))));
	}
	return list;
}

static enum rc
recover_print_json(const struct recovering *r)
{
	const struct recovery *v = &r->recovery;

	return cmd_json(json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:I,s:I,s:I}",
	    "responses", taken_json(r), "left", left_json(v), "awaited",
	    awaited_json(v->awaits, v->n_awaits), "crls", recover_crls_json(v),
	    "crl_lacks", recovery_lacks_crl(v), "signs",
	    !v->waits || (r->from != NULL && recovery_is_whole(v)),
	    "certificates", (json_int_t)v->n_certs, "lost_records",
	    (json_int_t)(v->top == 0 ? 0 : v->top + 1), "missing_records",
	    (json_int_t)v->missing));
}

/* No history: a person says what is lost, for those who read the ledger. */
static enum rc
recover_give_up(struct recovering *r, const char *words)
{
	size_t n = strlen(words);
	bool yes = r->env->yes;
	enum rc rc;

	rc = recover_open_home(r);
	if (rc != RC_OK)
		return rc;
	if (n < LOST_MIN || n > LOST_MAX || strchr(words, ' ') == NULL)
		return err_set(RC_USAGE,
		    "--lost: wanted words, %d to %d bytes of them, as \"two responses to web-1 of May 3rd\"",
		    LOST_MIN, LOST_MAX);
	if (ledger_check_caught_up(r->ledger) == RC_OK)
		return err_set(RC_STATE,
		    "this ledger awaits nothing: it was not restored, or 'recover' has run since");
	if (err_rule_number() != RULE_RESTORED)
		return RC_IO;
	err_clear();
	term_bold("Lost for good, and this CA signs again without it:\n");
	term_field("lost", "%s", words);
	term_say(
	    "A bundle that the lost part had answered will be answered a second time, which\n"
	    "its online side refuses as a fork. What it had revoked is to be revoked again.\n");
	if (r->env->dry_run)
		return RC_OK;
	if (!yes)
		rc =
		    term_confirm("Go on without it? Type Yes: ", "--yes", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was stored");
	return rc != RC_OK ? rc
			   : recovery_give_up(r->ledger, r->now,
				 buf_span(&r->policy.text), words);
}

static enum rc
confirm_and_store(struct recovering *r)
{
	bool yes = r->env->yes;
	enum rc rc = term_confirm(
	    "Take this into the ledger? Type Yes: ", "--yes", &yes);

	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was stored");
	if (rc == RC_OK)
		rc = recovery_store(
		    &r->recovery, r->now, buf_span(&r->policy.text));
	if (rc != RC_OK)
		return rc;
	term_say(
	    "Brought back: %zu responses, %zu certificates, %zu revocations.\n",
	    r->recovery.n_new, r->recovery.n_certs, r->recovery.n_revoked);
	if (r->recovery.n_unrevoked != 0)
		term_alarm(
		    "%zu that were revoked are not here yet, as no history has brought them: revoke them again.\n",
		    r->recovery.n_unrevoked);
	return RC_OK;
}

/* Which of it holds when this is done is the last word. */
static void
say_whether_it_signs(const struct recovery *v)
{
	if (!v->waits)
		return;
	if (recovery_is_whole(v))
		term_say(
		    "Every requester's history was read whole: this CA signs again.\n");
	else
		term_alarm(
		    "'sign' still waits: bring what is left or awaited, or say what is lost with\n"
		    "'airgap-ca recover --lost WORDS'.\n");
}

static enum rc
recover_run(struct recovering *r)
{
	const struct recovery *v = &r->recovery;
	enum rc rc = r->from == NULL ? RC_OK : read_stick(r);

	if (rc == RC_OK)
		rc = read_crls(r);
	if (rc == RC_OK)
		rc = recover_open_home(r);
	if (rc == RC_OK)
		rc = plan(r);
	if (rc != RC_OK)
		return rc;
	recover_review(r);
	if (r->env->dry_run)
		term_say("Dry run: nothing was stored.\n");
	else if (v->n_new == 0 && !recover_crls_are_news(v))
		term_say("Nothing to bring back: the ledger has all of %s.\n",
		    v->n_left == 0 ? "it" : "the others");
	else
		rc = confirm_and_store(r);
	/* CRLs are no history: they end no waiting. */
	if (rc == RC_OK && !r->env->dry_run && r->from != NULL) {
		rc = recovery_settle(
		    &r->recovery, r->now, buf_span(&r->policy.text));
		if (rc == RC_OK)
			say_whether_it_signs(v);
	}
	if (rc == RC_OK && r->env->json)
		rc = recover_print_json(r);
	return rc == RC_OK && v->n_left > 0 ? RC_PARTIAL : rc;
}

enum rc
cmd_recover(struct cmd_env *env, int argc, char **argv)
{
	const char *lost = NULL;
	WIPED(recovering)
	r = { .env = env,
		.reader = READER_NONE,
		.set = { .copy = { .fd = -1 } },
		.home = { .fd = -1 } };
	const struct cmd_option options[] = {
		{ .name = "lost",
		    .value = "WORDS",
		    .text = &lost,
		    .help =
			"nothing more comes back: say what is lost, and sign again" },
		{ .name = "crl",
		    .value = "FILE",
		    .list = &r.crls,
		    .help =
			"a CRL of this CA, DER or PEM: who was revoked, and which numbers are used" },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	if (lost != NULL) {
		rc = r.crls.n != 0 ? cmd_wants(env, "--crl or --lost, not both")
				   : cmd_operands_none(env, &operands);
		return rc == RC_OK ? recover_give_up(&r, lost) : rc;
	}
	if (operands.n != 0 || r.crls.n == 0)
		rc = cmd_operand_one(env, &operands, "MEDIA", &r.from);
	return rc == RC_OK ? recover_run(&r) : rc;
}
