/* SPDX-License-Identifier: Apache-2.0 */
/* `verify` is `install` that stores nothing: one command under two names. */
#include "transfer/cmd.h"

#include "base/term.h"
#include "transfer/online.h"
#include "transfer/receive.h"

struct taking {
	struct cmd_env *env;
	bool store_them;
};

static void
tell_refused(const struct manifest *m)
{
	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->n_certs == 0)
			term_say("  refused: %.*s: %.*s [%.*s]\n",
			    SPAN_FMT(r->id), SPAN_FMT(r->reason),
			    SPAN_FMT(r->rule));
	}
}

static enum rc
tell_one(void *arg, const struct received *r)
{
	const struct taking *t = arg;
	const struct response_verdict *v = r->verdict;

	if (v->again) {
		term_say("%s: number %u, installed before\n", r->path,
		    (unsigned)r->sequence);
		return RC_OK;
	}
	term_say("%s: number %u, %s: %zu certificate%s, %zu request%s "
		 "refused\n",
	    r->path, (unsigned)r->sequence,
	    t->store_them ? "installed" : "good", v->n_certs,
	    v->n_certs == 1 ? "" : "s", v->n_refused,
	    v->n_refused == 1 ? "" : "s");
	if (v->policy.n != 0)
		term_say("  the CA's policy has changed\n");
	if (v->trust_changed)
		term_say("  the CA's keys or certificates have changed\n");
	tell_refused(&v->manifest);
	return RC_OK;
}

static json_t *
text_or_null(bool has, const char *text)
{
	return has ? cmd_json_text(span_str(text)) : json_null();
}

static enum rc
print_json(enum rc rc, const struct reception *all)
{
	bool trusted = rc == RC_OK;
	const char *rule = err_rule_name();

	return cmd_json(json_pack("{s:b, s:o, s:o, s:o, s:I, s:I}", "trusted",
	    (int)trusted, "rule", text_or_null(!trusted && *rule != '\0', rule),
	    "reason", text_or_null(!trusted, err_text()), "sequence",
	    all->sequence == 0 ? json_null()
			       : json_integer((json_int_t)all->sequence),
	    "certificates", (json_int_t)all->n_certs, "crls", (json_int_t)0));
}

/* 0 when all was granted; else as the signer's own exit status was. */
static enum rc
outcome(const struct reception *all)
{
	if (all->n_refused == 0)
		return RC_OK;
	err_clear();
	return all->n_certs == 0 ? RC_POLICY : RC_PARTIAL;
}

static enum rc
take(struct taking *t, const char *path, struct reception *all)
{
	WIPED(media) media = { 0 };
	WIPED(store) store = { 0 };
	size_t written = 0;
	enum rc rc, files;

	rc = online_open(t->env->home, true, &store);
	if (rc == RC_OK)
		rc = media_open(path, &media);
	if (rc != RC_OK)
		return rc;
	rc = receive(&store, &media, t->store_them, tell_one, t, all);
	if (!t->store_them)
		return rc;
	/* What was stored gets its files, whatever came after it, and so does
	 * what an interrupted run stored. */
	{
		struct err_saved saved;

		err_save(&saved);
		files = online_files_write(t->env->home, &store, &written);
		if (rc != RC_OK || files == RC_OK)
			err_restore(&saved);
	}
	if (written != 0)
		term_say(
		    "%zu new file%s: %s/certs/NAME/DATE-SERIAL.pem, issued "
		    "by %s/ca.pem\n",
		    written, written == 1 ? "" : "s", t->env->home,
		    t->env->home);
	return rc != RC_OK ? rc : files;
}

static enum rc
run(struct cmd_env *env, int argc, char **argv, bool store_them)
{
	static const struct cmd_option options[] = { { 0 } };
	struct cmd_list operands = { 0 };
	struct taking t = { .env = env };
	struct reception all = { 0 };
	bool done;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &operands, &done);
	if (rc == RC_OK && !done && operands.n != 1)
		rc = err_set(RC_USAGE, "%s wants one MEDIA", env->cmd->name);
	if (rc == RC_OK && !done) {
		t.store_them = store_them && !env->dry_run;
		rc = take(&t, operands.items[0], &all);
		if (env->json && rc != RC_BUG) {
			struct err_saved saved;

			err_save(&saved);
			if (print_json(rc, &all) != RC_OK)
				rc = RC_IO;
			else
				err_restore(&saved);
		}
		if (rc == RC_OK)
			rc = outcome(&all);
	}
	cmd_list_wipe(&operands);
	return rc;
}

enum rc
cmd_install(struct cmd_env *env, int argc, char **argv)
{
	return run(env, argc, argv, true);
}

enum rc
cmd_verify(struct cmd_env *env, int argc, char **argv)
{
	return run(env, argc, argv, false);
}
