/* SPDX-License-Identifier: Apache-2.0 */
/* `status`: what is due, what is under way, and what this machine gives. */
#include "base/clock.h"
#include "base/list.h"
#include "base/term.h"
#include "ca/cmd/awaited_text.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_abandon.h"
#include "ca/cmd/cmd_status_crl.h"
#include "ca/cmd/due.h"
#include "ca/home/backup.h"
#include "ca/home/confine.h"
#include "ca/home/home.h"
#include "transfer/rule.h"

#include <inttypes.h>
#include <stdlib.h>

struct ca_status {
	int64_t now;
	struct due_list due;
	struct requester *requesters;
	size_t n_requesters;
	struct pending {
		const struct requester *of;
		uint32_t first, last; /* one run of numbers */
	} * pending;
	size_t n_pending;
	struct ledger_bundle *open;
	char (*whose)[ABANDON_WHOSE]; /* of each: abandon_whose */
	size_t n_open;
	struct ledger_totals totals;
	struct ledger_head head;
	struct backup_state backup;
	struct crl_status crl;
	bool restored;		 /* and nothing is signed before `recover` */
	struct awaited *awaited; /* owned; whose history it waits for */
	size_t n_awaited;
	struct confine sandbox;
	struct buf network;
};

static void
ca_status_wipe(struct ca_status *s)
{
	due_list_wipe(&s->due);
	requesters_free(s->requesters, s->n_requesters);
	free(s->pending);
	free(s->whose);
	free(s->open);
	free(s->awaited);
	buf_wipe(&s->network);
}

static enum rc
pending_add(struct ca_status *s, const struct requester *of, uint32_t sequence)
{
	struct pending *last = s->pending + s->n_pending;
	enum rc rc;

	if (s->n_pending > 0 && last[-1].of == of &&
	    last[-1].last + 1 == sequence) {
		last[-1].last = sequence;
		return RC_OK;
	}
	rc = LIST_GROW(s->pending, s->n_pending);
	if (rc != RC_OK)
		return rc;
	s->pending[s->n_pending++] = (struct pending){ of, sequence, sequence };
	return RC_OK;
}

static enum rc
pending_read(struct ledger *ledger, struct ca_status *s)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n_requesters && rc == RC_OK; i++) {
		const struct requester *q = &s->requesters[i];
		uint32_t *list = NULL;
		size_t n = 0;

		rc = ledger_manifests_pending(
		    ledger, q->key_id, q->arrived, &list, &n);
		for (size_t j = 0; j < n && rc == RC_OK; j++)
			rc = pending_add(s, q, list[j]);
		free(list);
	}
	return rc;
}

static enum rc
open_read(struct ledger *ledger, struct ca_status *s)
{
	enum rc rc = ledger_bundles_open(ledger, &s->open, &s->n_open);

	if (rc != RC_OK || s->n_open == 0)
		return rc;
	s->whose = calloc(s->n_open, sizeof(*s->whose));
	if (s->whose == NULL)
		return err_memory();
	for (size_t i = 0; i < s->n_open && rc == RC_OK; i++)
		rc = abandon_whose(ledger, &s->open[i], s->whose[i]);
	return rc;
}

static enum rc
is_restored(struct ledger *ledger, bool *ret)
{
	enum rc rc = ledger_check_caught_up(ledger);

	*ret = rc != RC_OK && err_rule_number() == RULE_RESTORED;
	if (*ret)
		err_clear();
	return *ret ? RC_OK : rc;
}

static enum rc
status_read(const struct home *home, struct ledger *ledger, int64_t within,
    struct ca_status *s)
{
	enum rc rc = clock_now(&s->now);

	if (rc == RC_OK)
		rc = due_list_read(ledger, s->now, within, &s->due);
	if (rc == RC_OK)
		rc =
		    ledger_requesters(ledger, &s->requesters, &s->n_requesters);
	if (rc == RC_OK)
		rc = pending_read(ledger, s);
	if (rc == RC_OK)
		rc = open_read(ledger, s);
	if (rc == RC_OK)
		rc = ledger_totals_get(ledger, &s->totals);
	if (rc == RC_OK)
		rc = backup_state_read(home, ledger, &s->backup);
	if (rc == RC_OK)
		rc = crl_status_read(ledger, s->now, within, &s->crl);
	if (rc == RC_OK)
		rc = is_restored(ledger, &s->restored);
	if (rc == RC_OK)
		rc = ledger_awaited(ledger, &s->awaited, &s->n_awaited);
	if (rc == RC_OK)
		rc = network_up(&s->network);
	ledger_head_get(ledger, &s->head);
	return rc;
}

static const char *
what_text(enum due_what what)
{
	return what == DUE_CA	      ? "ca"
	       : what == DUE_TRANSFER ? "transfer"
				      : "certificate";
}

/* ---- for people -----------------------------------------------------------
 */

/* Said a year ahead, which is no reason for a timer to fail. */
static void
ca_end_print(const struct ca_status *s)
{
	char at[CLOCK_TEXT], distance[DISTANCE_TEXT];
	bool told = false;

	if (s->due.ca_ends - s->now >= CMD_CA_END_NOTICE)
		return;
	for (size_t i = 0; i < s->due.n; i++)
		told |= s->due.items[i].what == DUE_CA;
	clock_write(s->due.ca_ends, at);
	clock_distance(s->due.ca_ends, s->now, distance);
	if (!told)
		term_print(stdout, "soon: ca ends %.10s (%s)\n", at, distance);
	term_print(stdout,
	    "      'airgap-ca renew-ca' makes it longer, 'airgap-ca rollover' gives it a new key\n");
}

static void
due_print(const struct ca_status *s)
{
	for (size_t i = 0; i < s->due.n; i++) {
		const struct due *d = &s->due.items[i];
		char at[CLOCK_TEXT], distance[DISTANCE_TEXT];
		char serial[2 * sizeof(d->serial) + 1] = "";

		clock_write(d->not_after, at);
		clock_distance(d->not_after, s->now, distance);
		if (d->what == DUE_CERTIFICATE)
			hex_write(
			    span_of(d->serial, sizeof(d->serial)), serial);
		term_print(stdout, "due: %s%s%s %s %.10s (%s)\n",
		    what_text(d->what), *serial == '\0' ? "" : " ", serial,
		    d->not_after < s->now ? "ended" : "ends", at, distance);
	}
	for (size_t i = 0; i < s->n_open; i++) {
		const struct ledger_bundle *b = &s->open[i];
		char id[2 * BUNDLE_ID_LEN + 1];

		hex_write(span_of(b->id, sizeof(b->id)), id);
		if (ledger_bundle_is_loose(b))
			term_print(stdout,
			    "due: loose set %s is unfinished:\n"
			    "     insert its stick and run 'airgap-ca sign STICK --loose --profile P' again\n",
			    id);
		else
			term_print(stdout,
			    "due: bundle %s is unfinished:\n"
			    "     insert its stick and run 'airgap-ca sign STICK' again,\n"
			    "     or close it with 'airgap-ca abandon %s STICK%s'\n",
			    id, id, s->whose[i]);
	}
}

static void
channels_print(const struct ca_status *s)
{
	for (size_t i = 0; i < s->n_pending; i++)
		term_print(stdout,
		    "pending: %s: responses %" PRIu32 " to %" PRIu32
		    " are not known to have arrived:\n"
		    "         plug the stick in again and run 'airgap-ca check STICK'\n",
		    s->pending[i].of->label, s->pending[i].first,
		    s->pending[i].last);
}

static const char *
yes_or_no(bool yes)
{
	return yes ? "yes" : "NO";
}

static enum rc
sandbox_print(const struct confine *c)
{
	const struct err_saved *why = &c->all.why;
	const char *remedy = rule_remedy((enum rule)why->rule);
	WIPED(buf) line = { 0 };
	enum rc rc = confined_write(&c->all, &line);

	if (rc != RC_OK)
		return rc;
	term_print(stdout, "sandbox       %.*s\n", SPAN_FMT(buf_span(&line)));
	term_print(stdout,
	    "token process seccomp %s, no_new_privs %s, ledger and stick hidden %s\n",
	    yes_or_no(c->token.seccomp), yes_or_no(c->token.no_new_privs),
	    yes_or_no(c->token.hidden));
	if (c->all.reached)
		return RC_OK;
	term_print(stdout, "              'sign' refuses: %s [%s]\n", why->text,
	    rule_name((enum rule)why->rule));
	if (remedy != NULL)
		term_print(stdout, "remedy        %s\n", remedy);
	return RC_OK;
}

static void
backup_print(const struct backup_state *b)
{
	char at[CLOCK_TEXT];

	clock_write(b->at, at);
	term_print(stdout, "backup        %s", b->any ? "of " : "none");
	if (b->any)
		term_print(
		    stdout, "%s, %" PRIu64 " records", at, b->head.count);
	term_print(stdout, "\n");
	if (b->behind)
		term_print(stdout,
		    "              older than the last signing: 'airgap-ca backup MEDIA'\n");
}

static void
restored_print(const struct ca_status *s)
{
	char room[AWAITED_ROOM];

	if (!s->restored)
		return;
	term_print(stdout,
	    "restored      from a backup: 'sign' waits for 'airgap-ca recover MEDIA'\n"
	    "              or 'airgap-ca recover --lost WORDS'\n");
	for (size_t i = 0; i < s->n_awaited; i++)
		term_print(stdout, "  awaited     the history of %s\n",
		    awaited_name(&s->awaited[i], room));
}

static enum rc
status_print(const struct ca_status *s)
{
	char hex[SHA256_HEX], next[CLOCK_TEXT], distance[DISTANCE_TEXT];
	enum rc rc;

	due_print(s);
	crl_status_print_due(&s->crl);
	ca_end_print(s);
	channels_print(s);
	hex_write(span_of(s->head.hash, SHA256_LEN), hex);
	clock_write(s->due.next, next);
	clock_distance(s->due.next, s->now, distance);
	if (s->due.next != 0)
		term_print(
		    stdout, "next due      %.10s (%s)\n", next, distance);
	term_print(stdout,
	    "ledger        %" PRIu64 " records, head\n              %s\n"
	    "certificates  %" PRIu64 ", void %" PRIu64 ", revoked %" PRIu64 "\n"
	    "bundles       %" PRIu64 ", manifests %" PRIu64
	    ", requesters %zu\n",
	    s->totals.records, hex, s->totals.certificates, s->totals.voids,
	    s->totals.revoked, s->totals.bundles, s->totals.manifests,
	    s->n_requesters);
	crl_status_print(&s->crl);
	backup_print(&s->backup);
	restored_print(s);
	rc = sandbox_print(&s->sandbox);
	term_print(stdout, "network       %s%.*s\n",
	    s->network.n == 0 ? "off" : "up: ",
	    SPAN_FMT(buf_span(&s->network)));
	return rc;
}

/* ---- for programs ---------------------------------------------------------
 */

static json_t *
due_json(const struct ca_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->due.n; i++) {
		const struct due *d = &s->due.items[i];

		cmd_json_add(&list,
		    json_pack("{s:s,s:o,s:o,s:I}", "what", what_text(d->what),
			"serial",
			d->what == DUE_CERTIFICATE
			    ? cmd_json_hex(
				  span_of(d->serial, sizeof(d->serial)))
			    : json_null(),
			"not_after", cmd_json_time(d->not_after), "days_left",
			(json_int_t)clock_days(s->now, d->not_after)));
	}
	return list;
}

static json_t *
open_json(const struct ca_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_open; i++)
		cmd_json_add(&list,
		    json_pack("{s:o,s:o,s:I,s:o}", "bundle_id",
			cmd_json_hex(
			    span_of(s->open[i].id, sizeof(s->open[i].id))),
			"requester_id",
			cmd_json_hex(span_of(s->open[i].requester, SHA256_LEN)),
			"sequence", (json_int_t)s->open[i].sequence, "accepted",
			cmd_json_time(s->open[i].at)));
	return list;
}

static json_t *
pending_json(const struct ca_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_pending; i++)
		cmd_json_add(&list, json_pack("{s:s,s:I,s:I}", "requester",
					s->pending[i].of->label, "from",
					(json_int_t)s->pending[i].first, "to",
					(json_int_t)s->pending[i].last));
	return list;
}

static json_t *
sandbox_json(const struct confine *c)
{
	json_t *all = confined_json(&c->all);

	/* NULL, if either is, is no document. */
	if (all != NULL &&
	    json_object_set_new(all, "token",
		json_pack("{s:b,s:b,s:b}", "seccomp", c->token.seccomp,
		    "no_new_privs", c->token.no_new_privs, "hidden",
		    c->token.hidden)) == 0)
		return all;
	json_decref(all);
	return NULL;
}

static json_t *
backup_json(const struct backup_state *b)
{
	return json_pack("{s:o,s:o,s:b}", "at",
	    b->any ? cmd_json_time(b->at) : json_null(), "records",
	    b->any ? json_integer((json_int_t)b->head.count) : json_null(),
	    "behind", (int)b->behind);
}

static enum rc
status_json(const struct ca_status *s)
{
	const struct ledger_totals *t = &s->totals;

	return cmd_json(json_pack(
	    "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:{s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I}}",
	    "due", due_json(s), "next_due",
	    s->due.next == 0 ? json_null() : cmd_json_time(s->due.next),
	    "days_left",
	    s->due.next == 0 ? json_null()
			     : json_integer(clock_days(s->now, s->due.next)),
	    "ca_ends", cmd_json_time(s->due.ca_ends), "unfinished",
	    open_json(s), "pending", pending_json(s), "crl",
	    crl_status_json(&s->crl), "backup", backup_json(&s->backup),
	    "restored", s->restored, "awaited",
	    awaited_json(s->awaited, s->n_awaited), "sandbox",
	    sandbox_json(&s->sandbox), "network",
	    s->network.n == 0 ? json_null()
			      : cmd_json_text(buf_span(&s->network)),
	    "ledger", "records", (json_int_t)t->records, "head",
	    cmd_json_hex(span_of(s->head.hash, SHA256_LEN)), "certificates",
	    (json_int_t)t->certificates, "voids", (json_int_t)t->voids,
	    "revoked", (json_int_t)t->revoked, "bundles",
	    (json_int_t)t->bundles, "manifests", (json_int_t)t->manifests,
	    "requesters", (json_int_t)s->n_requesters));
}

enum rc
cmd_status(struct cmd_env *env, int argc, char **argv)
{
	const char *within_text = NULL;
	const struct cmd_option options[] = {
		{ .name = "within",
		    .value = "DUR",
		    .help = "say what is due in this time (30d)",
		    .text = &within_text },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	WIPED(home) home = { .fd = -1 };
	WIPED(ca_status) status = { 0 };
	OWNS(ledger) *ledger = NULL;
	int64_t within = CMD_WITHIN_DEFAULT;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operands_none(env, &operands);
	if (rc != RC_OK)
		return rc;
	rc = cmd_duration("within", within_text, &within);
	if (rc == RC_OK)
		rc = home_open(env->home, &home);
	if (rc == RC_OK)
		rc = confine_measure(env->home, &status.sandbox);
	if (rc == RC_OK)
		rc = home_ledger_open(&home, false, &ledger);
	if (rc == RC_OK)
		rc = status_read(&home, ledger, within, &status);
	if (rc == RC_OK && env->json)
		rc = status_json(&status);
	else if (rc == RC_OK)
		rc = status_print(&status);
	if (rc != RC_OK)
		return rc;
	err_clear();
	return status.due.n + status.n_open > 0 || status.restored ||
		       crl_status_is_due(&status.crl) ||
		       !status.sandbox.all.reached
		   ? RC_PARTIAL
		   : RC_OK;
}
