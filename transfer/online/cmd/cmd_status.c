/* SPDX-License-Identifier: Apache-2.0 */
/* For a person on stderr, for a timer by exit status 1: what runs out, how
 * soon, and what still waits for the CA's answer. */
#include "transfer/online/cmd/cmd.h"

#include "base/clock.h"
#include "base/term.h"
#include "transfer/confined/confined.h"
#include "transfer/online/deploy/crl_names.h"
#include "transfer/online/store/crl_due.h"
#include "transfer/online/store/deployment.h"
#include "transfer/online/store/emergency.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"
#include "transfer/rule.h"

#include <stdio.h>

/* Seconds from a certificate's notBefore: it settles, and rotate runs hourly.
 */
#define TIMER_SLACK (HELD_SETTLE + 7200)

/* A stick that was not carried in that time is lost, or was forgotten. */
#define BUNDLE_OLD_DAYS 90

struct store_status {
	struct cmd_env *env;
	int64_t now, within;
	struct store store;
	size_t n_open, n_replaced;
	bool emergency;
	bool went_back; /* the pinned card is older than one before it */
	struct confined sandbox;
	json_t *due; /* [{what, name, at, days}] */
	size_t n_due;
};

static void
store_status_wipe(struct store_status *s)
{
	json_decref(s->due);
	store_wipe(&s->store);
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
/* Where none of a name is valid today: a clock is wrong, here or at the CA, or
 * it was asked for later. Always due, for servers have nothing to show. */
static const struct status_kind of_beginning = { "beginning",
	"is not valid before", "began" };
static const struct status_kind of_deployment = { "deployment", "moves on",
	"should have moved on" };
/* CRLs that nobody renews stop everything where they are checked. */
static const struct status_kind of_crls = { "CRLs", "end", "ended" };
static const struct status_kind of_bundle = { "answer to bundle",
	"is worth nothing after", "is worth nothing since" };

/* "2027-02-21 (in 89 days)" */
static void
say_when(const struct status_kind *kind, int64_t at, int64_t now)
{
	char when[CLOCK_TEXT], distance[DISTANCE_TEXT];

	clock_write(at, when);
	clock_distance(at, now, distance);
	term_say("%s %.10s (%s)\n", at < now ? kind->gone : kind->coming, when,
	    distance);
}

static enum rc
status_tell(struct store_status *s, const struct status_kind *kind,
    struct span name, int64_t at)
{
	int64_t left = at - s->now;
	bool due = left < s->within || kind == &of_beginning;
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

/* "2 requests, 1 revocation" */
static void
say_asked(const struct open_bundle *b)
{
	if (b->n_requests != 0 || b->n_revocations == 0)
		term_say("%u request%s", (unsigned)b->n_requests,
		    b->n_requests == 1 ? "" : "s");
	if (b->n_revocations != 0)
		term_say("%s%u revocation%s", b->n_requests != 0 ? ", " : "",
		    (unsigned)b->n_revocations,
		    b->n_revocations == 1 ? "" : "s");
}

static enum rc
see_open(void *arg, const struct open_bundle *b)
{
	struct store_status *s = arg;
	char id[2 * BUNDLE_ID_LEN + 1], made[CLOCK_TEXT];
	int64_t age;
	bool old;

	hex_write(span_of(b->id, BUNDLE_ID_LEN), id);
	s->n_open++;
	if (b->has_expires)
		return status_tell(s, &of_bundle, span_str(id), b->expires);
	age = b->created < s->now ? clock_days(b->created, s->now) : 0;
	clock_write(b->created, made);
	old = age >= BUNDLE_OLD_DAYS;
	s->n_due += old;
	if (old)
		term_alarm("due  ");
	else
		term_say("     ");
	term_say("bundle %s: ", id);
	say_asked(b);
	term_say(" of %.10s (%lld day%s ago), not answered yet\n", made,
	    (long long)age, age == 1 ? "" : "s");
	if (old)
		term_say(
		    "     `airgap-transfer request --again --out STICK` asks once more, `airgap-transfer withdraw %.8s` takes it back\n",
		    id);
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
	enum rc rc;

	if (!deploy_format_is_named(d->format))
		return RC_OK;
	rc = holding_load(
	    store, span_str(d->name), span_str(d->profile), &holding);
	if (rc != RC_OK)
		return rc;
	due = held_due_get0(
	    &holding, held_type_get0(&holding, d->key_type, s->now), s->now);
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

/* ---- CRLs ---------------------------------------------------------------- */

/* Each key's have names of their own, which certificates say. */
static enum rc
say_crl_names(struct store_status *s, const struct crl_due *crl)
{
	WIPED(text_list) names = { 0 };
	enum rc rc = crl_names_list(&s->store, crl->issuer, s->now, &names);

	if (rc == RC_STATE) { /* which keeps `publish` from writing any */
		term_say("     %s\n", err_text());
		err_clear();
		return RC_OK;
	}
	for (size_t i = 0; i < names.n; i++)
		term_say("%s%s", i == 0 ? "     in web roots as " : ", ",
		    names.items[i]);
	if (names.n != 0)
		term_say("\n");
	return rc;
}

static enum rc
see_crls(struct store_status *s, const struct crl_due *crl)
{
	const struct trust *trust = &s->store.trust;
	const bool newest =
	    memcmp(crl->issuer, trust->cas[trust->n_cas - 1].key_id,
		SHA256_LEN) == 0;
	char key[2 * SHA256_LEN + 1], name[32];
	enum rc rc;

	hex_write(span_of(crl->issuer, SHA256_LEN), key);
	(void)snprintf(
	    name, sizeof(name), newest ? "of the CA" : "of key %.16s", key);
	rc = status_tell(s, &of_crls, span_str(name), crl->ends);
	if (rc == RC_OK)
		rc = say_crl_names(s, crl);
	if (rc == RC_OK && crl->ends - s->now < s->within)
		term_say(
		    "     visit the CA before: from then on clients that check CRLs refuse everybody\n");
	return rc;
}

static enum rc
status_tell_crls(struct store_status *s, struct store *store)
{
	WIPED(crl_due_list) crls = { 0 };
	struct emergency e = { 0 };
	char since[CLOCK_TEXT];
	enum rc rc = crl_due_list_load(store, s->now, false, &crls);

	for (size_t i = 0; i < crls.n && rc == RC_OK; i++)
		rc = see_crls(s, &crls.items[i]);
	if (rc == RC_OK)
		rc = emergency_load(store, &e);
	if (rc != RC_OK || !e.is)
		return rc;
	s->n_due++;
	s->emergency = true;
	clock_write(e.at, since);
	term_alarm("due  ");
	term_say(
	    "emergency since %.10s: shadow CRLs are published, every certificate of this host is refused\n",
	    since);
	term_say(
	    "     the next bundle reports it: request new certificates, and visit the CA\n");
	return RC_OK;
}

/* What another request replaced still ends on a day, which is the last on which
 * a key that leaked can do harm. */
static void
tell_replaced(struct store_status *s, const struct holding *h)
{
	struct held_left gone = held_replaced_of(h, s->now);
	char when[CLOCK_TEXT];

	if (gone.later == 0)
		return;
	s->n_replaced += gone.later;
	clock_write(gone.ends, when);
	term_say(
	    "     replaced %s: %zu certificate%s of older requests, the last until %.10s\n",
	    h->name, gone.later, gone.later == 1 ? "" : "s", when);
}

/* The last certificate of each name and type of key is what matters: a series
 * runs out with its last one, and one that was replaced is due no more. */
static enum rc
status_see_name(void *arg, struct span name, struct span profile, int64_t ends)
{
	struct store_status *s = arg;
	const char *types[HELD_TYPES_MAX] = { NULL };
	WIPED(holding) h = { 0 };
	size_t n;
	enum rc rc = holding_load(&s->store, name, profile, &h);

	(void)ends;
	if (rc != RC_OK)
		return rc;
	n = held_types_get0(&h, s->now, INT64_MIN, types);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct held *next = held_next_get0(&h, types[i], s->now);

		rc = status_tell(s, &of_certificate, name,
		    held_last_get0(&h, types[i], s->now)->not_after);
		if (rc == RC_OK && next != NULL &&
		    held_due_get0(&h, types[i], s->now) == NULL)
			rc = status_tell(
			    s, &of_beginning, name, next->not_before);
	}
	tell_replaced(s, &h);
	return rc;
}

/* For as long as no newer card is pinned. */
static enum rc
tell_card(struct store_status *s, struct store *store)
{
	char made[CLOCK_TEXT], at[CLOCK_TEXT];
	struct pinned_card card;
	enum rc rc = store_card_last(store, &card);

	s->went_back = rc == RC_OK && card.is_known && card.back;
	if (!s->went_back)
		return rc;
	clock_write(card.created, made);
	clock_write(card.at, at);
	term_alarm("back ");
	term_say("card of %.10s was pinned on %.10s in place of a newer one\n",
	    made, at);
	return RC_OK;
}

/* As `request` and `install` start them. */
static enum rc
tell_sandbox(const struct confined *c)
{
	const char *remedy = rule_remedy((enum rule)c->why.rule);
	WIPED(buf) line = { 0 };
	enum rc rc = confined_write(c, &line);

	if (rc != RC_OK)
		return rc;
	if (!c->reached)
		term_alarm("lack ");
	else
		term_say("     ");
	term_say("sandbox %.*s\n", SPAN_FMT(buf_span(&line)));
	if (c->reached)
		return RC_OK;
	term_say("     'request' and 'install' refuse: %s [%s]\n", c->why.text,
	    rule_name((enum rule)c->why.rule));
	if (remedy != NULL)
		term_field("     remedy", "%s", remedy);
	return RC_OK;
}

/* The newest: those before it have a successor. */
static enum rc
tell_ca(struct store_status *s, const struct trust *trust)
{
	const struct trust_ca *ca = &trust->cas[trust->n_cas - 1];
	enum rc rc =
	    status_tell(s, &of_ca, span_str("certificate"), ca->not_after);

	if (rc == RC_OK && ca->not_after - s->now < CMD_CA_END_NOTICE)
		term_say(
		    "     at the CA, 'airgap-ca renew-ca' makes it longer, 'airgap-ca rollover' gives it a new key\n");
	if (rc == RC_OK && ca->not_before > s->now)
		rc = status_tell(
		    s, &of_beginning, span_str("of the CA"), ca->not_before);
	return rc;
}

static enum rc
status_look(struct store_status *s, struct store *store)
{
	int64_t visit;
	bool has_visit;
	enum rc rc = tell_ca(s, &store->trust);

	if (rc == RC_OK)
		rc = tell_card(s, store);
	if (rc != RC_OK)
		return rc;
	rc = store_next_visit(store, &has_visit, &visit);
	if (rc == RC_OK && has_visit)
		rc = status_tell(s, &of_visit, span_str("to the CA"), visit);
	if (rc == RC_OK)
		rc = holding_each(store, status_see_name, s);
	if (rc == RC_OK)
		rc = status_tell_crls(s, store);
	if (rc == RC_OK)
		rc = tell_deployments(s, store);
	if (rc == RC_OK)
		rc = store_each_open(store, see_open, s);
	if (rc == RC_OK)
		rc = tell_sandbox(&s->sandbox);
	return rc;
}

static enum rc
status(struct store_status *s)
{
	/* While nothing is open that its processes could inherit. */
	enum rc rc = confined_measure(&s->sandbox);

	if (rc == RC_OK)
		rc = online_open(s->env->home, false, &s->store);
	if (rc == RC_OK)
		rc = clock_now(&s->now);
	if (rc != RC_OK)
		return rc;
	s->due = json_array();
	rc = status_look(s, &s->store);
	if (rc == RC_OK && s->env->json)
		rc = cmd_json(
		    json_pack("{s:s, s:o, s:O, s:I, s:I, s:I, s:b, s:b, s:o}",
			"requester", s->store.label, "sequence",
			s->store.channel.has_head
			    ? json_integer(
				  (json_int_t)s->store.channel.head.sequence)
			    : json_null(),
			"dates", s->due, "open_bundles", (json_int_t)s->n_open,
			"replaced", (json_int_t)s->n_replaced, "due",
			(json_int_t)s->n_due, "went_back", (int)s->went_back,
			"emergency", (int)s->emergency, "sandbox",
			confined_json(&s->sandbox)));
	if (rc == RC_OK && (s->n_due != 0 || !s->sandbox.reached)) {
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
