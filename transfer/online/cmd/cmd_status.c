/* SPDX-License-Identifier: Apache-2.0 */
/* For a person on stderr, for a timer by exit status 1: what runs out, how
 * soon, and what still waits for the CA's answer. */
#include "transfer/online/cmd/cmd.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/term.h"
#include "transfer/online/store/deployment.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"

#include <stdlib.h>
#include <string.h>

/* Seconds from a certificate's notBefore: it settles, and rotate runs hourly.
 */
#define TIMER_SLACK (HELD_SETTLE + 7200)

/* The last certificate of each name is what matters: a series runs out with
 * its last one, and one that was replaced is due no more. */
struct status_last {
	char *names, *profile; /* owned */
	int64_t not_after;
};

struct store_status {
	struct cmd_env *env;
	int64_t now, within;
	struct status_last *lasts; /* owned */
	size_t n_lasts;
	size_t n_open;
	json_t *due; /* [{what, name, at, days}] */
	size_t n_due;
};

static void
store_status_wipe(struct store_status *s)
{
	for (size_t i = 0; i < s->n_lasts; i++) {
		free(s->lasts[i].names);
		free(s->lasts[i].profile);
	}
	free(s->lasts);
	json_decref(s->due);
}

static bool
status_is_same(const struct status_last *l, const struct stored_cert *c)
{
	return span_eq_str(c->names, l->names) &&
	       span_eq_str(c->profile, l->profile);
}

static enum rc
add_last(struct store_status *s, const struct stored_cert *c)
{
	struct status_last one = { .not_after = c->not_after };
	enum rc rc = LIST_GROW(s->lasts, s->n_lasts);

	if (rc != RC_OK)
		return rc;
	one.names = strndup(
	    c->names.n == 0 ? "" : (const char *)c->names.p, c->names.n);
	one.profile = strndup((const char *)c->profile.p, c->profile.n);
	s->lasts[s->n_lasts++] = one;
	return one.names == NULL || one.profile == NULL ? err_memory() : RC_OK;
}

static enum rc
see_cert(void *arg, const struct stored_cert *c)
{
	struct store_status *s = arg;

	struct status_last *last =
	    s->n_lasts == 0 ? NULL : &s->lasts[s->n_lasts - 1];

	if (c->revoked)
		return RC_OK;
	/* The store gives those of one name side by side. */
	if (last == NULL || !status_is_same(last, c))
		return add_last(s, c);
	if (c->not_after > last->not_after)
		last->not_after = c->not_after;
	return RC_OK;
}

/* A kind of thing with a date, and what that date is to it. */
struct status_kind {
	const char *what; /* in JSON too */
	const char *coming, *gone;
};
static const struct status_kind of_ca = { "CA", "ends", "ended" };
static const struct status_kind of_visit = { "visit", "is due", "was due" };
static const struct status_kind of_certificate = { "certificate", "ends",
	"ended" };
static const struct status_kind of_deployment = { "deployment", "moves on",
	"should have moved on" };
static const struct status_kind of_bundle = { "answer to bundle",
	"is worth nothing after", "is worth nothing since" };

/* "2027-02-21 (in 89 days)" */
static void
say_when(const struct status_kind *kind, int64_t at, int64_t now)
{
	const bool over = at < now;
	const long long days = over ? clock_days(at, now) : clock_days(now, at);
	const char *s = days == 1 ? "" : "s";
	char when[CLOCK_TEXT];

	clock_write(at, when);
	if (over)
		term_say(
		    "%s %.10s (%lld day%s ago)\n", kind->gone, when, days, s);
	else
		term_say(
		    "%s %.10s (in %lld day%s)\n", kind->coming, when, days, s);
}

static enum rc
status_tell(struct store_status *s, const struct status_kind *kind,
    struct span name, int64_t at)
{
	int64_t left = at - s->now;
	bool due = left < s->within;
	char when[CLOCK_TEXT];
	json_t *one;

	clock_write(at, when);
	one = json_pack("{s:s, s:o, s:s, s:I, s:b}", "what", kind->what, "name",
	    cmd_json_text(name), "at", when, "days",
	    (json_int_t)clock_days(s->now, at), "due", (int)due);
	if (one == NULL || json_array_append_new(s->due, one) != 0)
		return err_memory();
	s->n_due += due;
	if (due)
		term_alarm("due  ");
	else
		term_say("     ");
	term_say("%s %.*s ", kind->what, SPAN_FMT(name));
	say_when(kind, at, s->now);
	return RC_OK;
}

static enum rc
see_open(void *arg, const struct open_bundle *b)
{
	struct store_status *s = arg;
	char id[2 * BUNDLE_ID_LEN + 1];

	hex_write(span_of(b->id, BUNDLE_ID_LEN), id);
	s->n_open++;
	if (b->has_expires)
		return status_tell(s, &of_bundle, span_str(id), b->expires);
	term_say("     bundle %s: %u request%s, not answered yet\n", id,
	    (unsigned)b->n_requests, b->n_requests == 1 ? "" : "s");
	return RC_OK;
}

/* Is what is due in place, and did the server read it? A timer may need an hour
 * for what has begun; what never came to pass does not wait for one. */
static enum rc
see_deployment(
    struct store_status *s, struct store *store, const struct deployment *d)
{
	WIPED(holding) holding = { 0 };
	const struct held *due;
	enum rc rc = holding_load(
	    store, span_str(d->name), span_str(d->profile), &holding);

	if (rc != RC_OK)
		return rc;
	due = held_due_get0(&holding, s->now);
	if (due == NULL || deployment_has(d, due->sha256) ||
	    (d->has_done && s->now - due->not_before < TIMER_SLACK))
		return RC_OK;
	rc = status_tell(s, &of_deployment, span_str(d->path), due->not_before);
	if (rc == RC_OK)
		term_say(
		    "     'airgap-transfer rotate' tries, and says why not\n");
	return rc;
}

static enum rc
tell_deployments(struct store_status *s, struct store *store)
{
	WIPED(deployment_list) list = { 0 };
	enum rc rc = deployment_list_load(store, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++)
		rc = see_deployment(s, store, &list.items[i]);
	return rc;
}

static enum rc
tell_certs(struct store_status *s)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n_lasts && rc == RC_OK; i++) {
		struct span names = span_str(s->lasts[i].names);

		rc = status_tell(s, &of_certificate, span_take_line(&names),
		    s->lasts[i].not_after);
	}
	return rc;
}

static enum rc
status_look(struct store_status *s, struct store *store)
{
	int64_t visit;
	bool has_visit;
	enum rc rc;

	for (size_t i = 0; i < store->trust.n_cas; i++) {
		rc = status_tell(s, &of_ca, span_str("certificate"),
		    store->trust.cas[i].not_after);
		if (rc != RC_OK)
			return rc;
	}
	rc = store_next_visit(store, &has_visit, &visit);
	if (rc == RC_OK && has_visit)
		rc = status_tell(s, &of_visit, span_str("to the CA"), visit);
	if (rc == RC_OK)
		rc = store_each_cert(store, STORE_BY_NAMES, see_cert, s);
	if (rc == RC_OK)
		rc = tell_certs(s);
	if (rc == RC_OK)
		rc = tell_deployments(s, store);
	if (rc == RC_OK)
		rc = store_each_open(store, see_open, s);
	return rc;
}

static enum rc
status(struct store_status *s)
{
	WIPED(store) store = { 0 };
	enum rc rc = online_open(s->env->home, false, &store);

	if (rc == RC_OK)
		rc = clock_now(&s->now);
	if (rc != RC_OK)
		return rc;
	s->due = json_array();
	rc = status_look(s, &store);
	if (rc == RC_OK && s->env->json)
		rc = cmd_json(json_pack("{s:s, s:o, s:O, s:I, s:I}",
		    "requester", store.label, "sequence",
		    store.channel.has_head
			? json_integer((json_int_t)store.channel.head.sequence)
			: json_null(),
		    "dates", s->due, "open_bundles", (json_int_t)s->n_open,
		    "due", (json_int_t)s->n_due));
	if (rc == RC_OK && s->n_due != 0) {
		err_clear();
		return RC_PARTIAL;
	}
	return rc;
}

enum rc
cmd_status(struct cmd_env *env, int argc, char **argv)
{
	WIPED(store_status) s = { .env = env, .within = CMD_WITHIN_DEFAULT };
	WIPED(cmd_list) operands = { 0 };
	const char *within = NULL;
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "within", "DUR", "what ends within this is due (30d)", NULL, &within, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &operands, &done);
	if (rc == RC_OK && !done)
		rc = cmd_operands_none(env, &operands);
	if (rc == RC_OK && !done)
		rc = cmd_duration("within", within, &s.within);
	return rc != RC_OK || done ? rc : status(&s);
}
