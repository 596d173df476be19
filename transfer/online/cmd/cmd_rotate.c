/* SPDX-License-Identifier: Apache-2.0 */
/* For a timer: silent about nothing, stopped by nothing. One deployment that
 * fails is told and keeps no other from its certificate. */
#include "transfer/online/cmd/cmd_rotate.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/term.h"
#include "transfer/online/cmd/cmd_deployed.h"
#include "transfer/online/deploy/publish.h"
#include "transfer/online/store/emergency.h"
#include "transfer/online/store/home.h"
#include "transfer/rule.h"

struct rotation {
	struct deploying by;
	int64_t within;
	json_t *rows; /* with --json */
	bool json;
	size_t n, n_due, n_failed, n_published;
	bool emergency;
	enum rc first; /* failure */
};

static void
note_failure(struct rotation *r, enum rc rc)
{
	r->n_failed++;
	if (r->first == RC_OK)
		r->first = rc;
	err_clear();
}

static void
rotate_one(struct rotation *r, struct deployment *d)
{
	WIPED(deployed) result = { 0 };
	enum rc rc = deploy(&r->by, d, &result);
	bool due = false;

	deployed_tell(d, &result, rc, &r->by, r->within, &due);
	if (r->json)
		cmd_json_add(&r->rows, deployed_json(d, &result, rc, due));
	r->n++;
	r->n_due += due;
	if (rc != RC_OK)
		note_failure(r, rc);
}

/* A name without any certificate left is due, and no failure of the web root.
 */
static void
publish_one(struct rotation *r, const struct publication *p)
{
	size_t n = 0;
	bool due = false;
	enum rc rc =
	    publish_again(r->by.store, p, r->by.now, r->by.dry_run, &n, &due);

	r->n++;
	r->n_published += n;
	if (rc == RC_OK && n != 0)
		term_say("%s: %zu file%s %s\n", p->dir, n, n == 1 ? "" : "s",
		    r->by.dry_run ? "would be written" : "written");
	if (rc == RC_OK)
		return;
	term_alarm("%s  %s: %s\n", due ? "due" : "failed", p->dir, err_text());
	if (due)
		r->n_due++;
	else
		note_failure(r, rc);
}

/* Before a server presents a certificate its peers can read of it. */
static enum rc
publish_all(struct rotation *r)
{
	WIPED(publication_list) list = { 0 };
	enum rc rc = publication_list_load(r->by.store, &list);

	for (size_t i = 0; i < list.n; i++)
		publish_one(r, &list.items[i]);
	return rc;
}

/* Before anything is published: the visit to the CA may have been. */
static enum rc
rotate_emergency(struct rotation *r)
{
	char since[CLOCK_TEXT];
	struct emergency e;
	bool over = false;
	uint64_t number = 0;
	enum rc rc = emergency_load(r->by.store, &e);

	if (rc == RC_OK)
		rc = emergency_end(
		    r->by.store, r->by.now, r->by.dry_run, &over, &number);
	if (rc != RC_OK || !e.is)
		return rc;
	clock_write(e.at, since);
	if (over) {
		term_say(
		    "the emergency of %.10s is over: CRL %llu of the CA revokes what the shadows did\n",
		    since, (unsigned long long)number);
		return RC_OK;
	}
	r->emergency = true;
	r->n_due++;
	term_alarm(
	    "due  emergency since %.10s: shadow CRLs are published, and every certificate of this host is refused: visit the CA\n",
	    since);
	return RC_OK;
}

static enum rc
rotate_outcome(const struct rotation *r)
{
	if (r->n_failed != 0)
		return err_set(r->first,
		    "%zu of %zu deployments and web roots could not be brought up to date",
		    r->n_failed, r->n);
	err_clear();
	return r->n_due != 0 ? RC_PARTIAL : RC_OK;
}

static enum rc
rotate_all(struct rotation *r)
{
	WIPED(deployment_list) list = { 0 };
	enum rc rc = deployment_list_load(r->by.store, &list);

	if (rc == RC_OK)
		rc = rotate_emergency(r);
	if (rc == RC_OK)
		rc = publish_all(r);
	if (rc != RC_OK)
		return rc;
	if (r->n + list.n == 0)
		term_say(
		    "nothing is deployed: airgap-transfer deploy NAME --format FORMAT --to FILE\n");
	r->rows = r->json ? json_array() : NULL;
	for (size_t i = 0; i < list.n; i++)
		rotate_one(r, &list.items[i]);
	if (r->json)
		rc = cmd_json(
		    json_pack("{s:o, s:I, s:I, s:I, s:b}", "deployments",
			r->rows, "published", (json_int_t)r->n_published, "due",
			(json_int_t)r->n_due, "failed", (json_int_t)r->n_failed,
			"emergency", (int)r->emergency));
	return rc != RC_OK ? rc : rotate_outcome(r);
}

enum rc
rotate_with(
    struct cmd_env *env, struct store *store, int64_t now, int64_t within)
{
	struct rotation r = { .within = within, .json = env->json };

	r.by = (struct deploying){ .home = env->home,
		.store = store,
		.now = now,
		.dry_run = env->dry_run };
	return rotate_all(&r);
}

static enum rc
rotate(struct cmd_env *env, int64_t within)
{
	WIPED(store) store = { 0 };
	OWN_FD lock = -1;
	int64_t now = 0;
	enum rc rc = online_open(env->home, true, &store);

	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc == RC_OK)
		rc = online_lock(env->home, &lock);
	return rc == RC_OK ? rotate_with(env, &store, now, within) : rc;
}

enum rc
cmd_rotate(struct cmd_env *env, int argc, char **argv)
{
	int64_t wanted = HELD_WITHIN;
	WIPED(cmd_list) operands = { 0 };
	const char *within = NULL;
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "within", "DUR", "a name that runs out within this is due (30d)", NULL, &within, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &operands, &done);
	if (rc == RC_OK && !done)
		rc = cmd_operands_none(env, &operands);
	if (rc == RC_OK && !done)
		rc = cmd_duration("within", within, &wanted);
	return rc != RC_OK || done ? rc : rotate(env, wanted);
}
