/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up: a name with all that is deployed of it, or a bundle that nobody
 * has answered. Files stay where they are: a server may still run on them. */
#include "transfer/online/cmd/cmd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/term.h"
#include "transfer/online/deploy/deploy.h"
#include "transfer/online/deploy/publish.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"

struct giving_up {
	struct cmd_env *env;
	struct cmd_list operands;
	const char *profile;
	struct store store;
	json_t *paths; /* with --json */
};

static void
giving_up_wipe(struct giving_up *g)
{
	cmd_list_wipe(&g->operands);
	store_wipe(&g->store);
	json_decref(g->paths);
}

/* ---- a name -------------------------------------------------------------- */

static void
tell_path(void *arg, struct span path)
{
	struct giving_up *g = arg;

	term_say("%.*s: %s; the files stay as they are\n", SPAN_FMT(path),
	    g->env->dry_run ? "would be forgotten" : "forgotten");
	if (g->paths != NULL)
		cmd_json_add(&g->paths, cmd_json_text(path));
}

/* Other homes may keep the files from now on: those of the lists, which were
 * loaded before all was forgotten. */
static enum rc
release(struct giving_up *g, const struct holding *h,
    const struct deployment_list *files, const struct publication_list *roots)
{
	const struct deploying by = { .home = g->env->home,
		.store = &g->store };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < files->n && rc == RC_OK; i++)
		if (files->items[i].name != NULL &&
		    strcmp(files->items[i].name, h->name) == 0 &&
		    strcmp(files->items[i].profile, h->profile) == 0)
			rc = deploy_release(&by, &files->items[i]);
	for (size_t i = 0; i < roots->n && rc == RC_OK; i++)
		if (roots->items[i].name != NULL &&
		    strcmp(roots->items[i].name, h->name) == 0 &&
		    strcmp(roots->items[i].profile, h->profile) == 0)
			rc = publish_release(roots->items[i].dir, &g->store);
	return rc;
}

static enum rc
forget_holding(struct giving_up *g, const struct holding *h)
{
	struct span name = span_str(h->name), profile = span_str(h->profile);
	WIPED(deployment_list) files = { 0 };
	WIPED(publication_list) roots = { 0 };
	size_t waiting = 0;
	enum rc rc = deployment_list_load(&g->store, &files);

	if (rc == RC_OK)
		rc = publication_list_load(&g->store, &roots);
	if (rc == RC_OK)
		rc = store_begin(&g->store);
	if (rc == RC_OK)
		rc = deployment_forget_name(
		    &g->store, name, profile, tell_path, g);
	if (rc == RC_OK)
		rc = store_forget(&g->store, name, profile, &waiting);
	if (rc == RC_OK && !g->env->dry_run)
		rc = store_commit(&g->store);
	store_rollback(&g->store);
	if (rc == RC_OK && !g->env->dry_run)
		rc = release(g, h, &files, &roots);
	if (rc != RC_OK)
		return rc;
	term_say("%s: %zu certificate%s of profile %s %s used no more\n",
	    h->name, h->n, h->n == 1 ? "" : "s", h->profile,
	    g->env->dry_run ? "would be"
	    : h->n == 1	    ? "is"
			    : "are");
	if (waiting != 0)
		term_alarm(
		    "warning  %s: %zu bundle%s without an answer still ask%s for it: `airgap-transfer status` names them, `airgap-transfer withdraw BUNDLE` takes one back\n",
		    h->name, waiting, waiting == 1 ? "" : "s",
		    waiting == 1 ? "s" : "");
	return RC_OK;
}

static enum rc
forget(struct giving_up *g)
{
	WIPED(holding) h = { 0 };
	OWN_FD lock = -1;
	int64_t now;
	enum rc rc = online_open(g->env->home, true, &g->store);

	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc == RC_OK)
		rc = online_lock(g->env->home, &lock);
	if (rc == RC_OK)
		rc = holding_find(
		    &g->store, g->operands.items[0], g->profile, now, &h);
	g->paths = g->env->json ? json_array() : NULL;
	if (rc == RC_OK)
		rc = forget_holding(g, &h);
	if (rc != RC_OK || !g->env->json)
		return rc;
	return cmd_json(json_pack("{s:o, s:s, s:I, s:O}", "name",
	    cmd_json_text(span_str(h.name)), "profile", h.profile,
	    "certificates", (json_int_t)h.n, "forgotten", g->paths));
}

enum rc
cmd_forget(struct cmd_env *env, int argc, char **argv)
{
	WIPED(giving_up) g = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &g.profile, NULL },
		{ 0 },
	};
	/* clang-format on */
	const char *name = NULL;
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &g.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &g.operands, "NAME", &name);
	return rc != RC_OK ? rc : forget(&g);
}

/* ---- a bundle ------------------------------------------------------------ */

static enum rc
withdraw(struct giving_up *g, const char *typed)
{
	WIPED(buf) id = { 0 };
	size_t requests = 0;
	enum rc rc = online_open(g->env->home, true, &g->store);

	if (rc == RC_OK)
		rc = store_begin(&g->store);
	if (rc == RC_OK)
		rc = store_withdraw(&g->store, typed, &id, &requests);
	if (rc == RC_OK && !g->env->dry_run)
		rc = store_commit(&g->store);
	store_rollback(&g->store);
	if (rc != RC_OK)
		return rc;
	term_say("bundle %.*s: %s, with %zu request%s\n",
	    SPAN_FMT(buf_span(&id)),
	    g->env->dry_run ? "would be withdrawn" : "withdrawn", requests,
	    requests == 1 ? "" : "s");
	term_say(
	    "Delete airgap-ca/requests/%.*s.cose on the stick: the CA does not know of this. What it signs all the same is kept and not used.\n",
	    SPAN_FMT(buf_span(&id)));
	if (!g->env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o, s:I}", "bundle_id",
	    cmd_json_text(buf_span(&id)), "requests", (json_int_t)requests));
}

enum rc
cmd_withdraw(struct cmd_env *env, int argc, char **argv)
{
	WIPED(giving_up) g = { .env = env };
	static const struct cmd_option options[] = { { 0 } };
	const char *bundle = NULL;
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &g.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &g.operands, "BUNDLE", &bundle);
	return rc != RC_OK ? rc : withdraw(&g, bundle);
}
