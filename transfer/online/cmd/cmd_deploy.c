/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be wrong with what was typed is found before a file of
 * the server is touched; what is remembered is what then worked. */
#include "transfer/online/cmd/cmd_deployed.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/run.h"
#include "base/term.h"
#include "transfer/online/deploy/site.h"
#include "transfer/online/store/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct deploy_wish {
	struct cmd_env *env;
	struct cmd_list operands;
	const char *format, *to, *key, *key_from, *pass_source, *reload;
	const char *profile, *key_type, *forget, *p12;
	bool take;
	enum deploy_format form;
};

static void
deploy_wish_wipe(struct deploy_wish *a)
{
	cmd_list_wipe(&a->operands);
}

/* ---- options ------------------------------------------------------------- */

static enum rc
check_keys(const struct deploy_wish *a)
{
	bool own_file = a->form == DEPLOY_CERT || a->form == DEPLOY_FULLCHAIN;

	if (a->key != NULL && !own_file)
		return err_set(RC_USAGE,
		    "--format %s: has no key in a file of its own; --key goes with cert and fullchain",
		    a->format);
	if (a->key_from != NULL && own_file && a->key == NULL)
		return err_set(RC_USAGE,
		    "--key-from: wants --key FILE, where the key goes");
	if (a->key_from != NULL && a->form == DEPLOY_CHAIN)
		return err_set(RC_USAGE, "--format chain: takes no key");
	if ((a->form == DEPLOY_P12) != (a->pass_source != NULL))
		return err_set(RC_USAGE,
		    a->form == DEPLOY_P12
			? "--format p12: wants --pass-source FILE"
			: "--pass-source: goes with --format p12 only");
	if (a->p12 != NULL && a->form != DEPLOY_P12)
		return err_set(RC_USAGE, "--p12: goes with --format p12 only");
	if (a->p12 != NULL && strcmp(a->p12, "legacy") != 0)
		return err_set(RC_USAGE,
		    "--p12 %s: only legacy is known; without --p12 it is AES-256 and SHA-256",
		    a->p12);
	return RC_OK;
}

/* Would a shell see more in it than words? Nobody would learn before the first
 * reload that "&&" was one of the arguments. */
static enum rc
check_no_shell(const char *command)
{
	char quote = '\0';

	for (const char *p = command; *p != '\0'; p++) {
		if (quote != '\0') {
			quote = *p == quote ? '\0' : quote;
			continue;
		}
		if (*p == '\'' || *p == '"')
			quote = *p;
		else if (strchr("&|;<>`$()*?", *p) != NULL)
			return err_set(RC_USAGE,
			    "\"%c\" is for a shell, and none runs it: write a script and name that, or quote all of it for one: --reload \"sh -c 'A && B'\"",
			    *p);
	}
	return RC_OK;
}

/* What is of the CA has no name, and no key. */
static enum rc
check_unnamed(const struct deploy_wish *a)
{
	if (a->operands.n != 0)
		return err_set(RC_USAGE,
		    "--format %s: is of the CA, and takes no NAME", a->format);
	if (a->key != NULL || a->key_from != NULL || a->pass_source != NULL ||
	    a->p12 != NULL || a->profile != NULL || a->key_type != NULL)
		return err_set(RC_USAGE,
		    "--format %s: takes --to and --reload only", a->format);
	return RC_OK;
}

static enum rc
deploy_check_usage(struct deploy_wish *a)
{
	struct run_words words;
	bool named;
	enum rc rc;

	if (a->format == NULL || a->to == NULL)
		return cmd_wants(
		    a->env, "one NAME, --format FORMAT and --to FILE");
	if (!deploy_format_read(a->format, &a->form))
		return err_set(RC_USAGE,
		    "--format %s: not pemfile, cert, chain, fullchain, p12, crl, ca+crl, crl-dir or index",
		    a->format);
	named = deploy_format_is_named(a->form);
	if (named && a->operands.n != 1)
		return cmd_wants(
		    a->env, "one NAME, --format FORMAT and --to FILE");
	rc = named ? check_keys(a) : check_unnamed(a);
	if (rc == RC_OK && a->reload != NULL) {
		rc = run_split(a->reload, &words);
		if (rc == RC_OK)
			rc = check_no_shell(a->reload);
		if (rc != RC_OK)
			return err_in(rc, "--reload");
	}
	return rc;
}

/* ---- the deployment ------------------------------------------------------ */

static enum rc
copy(const char *text, char **ret)
{
	if (text == NULL)
		return RC_OK;
	*ret = strdup(text);
	return *ret == NULL ? err_memory() : RC_OK;
}

/* A timer runs elsewhere than the one who types. */
static enum rc
full_path(const char *typed, char **ret)
{
	return typed == NULL ? RC_OK : site_path(typed, ret);
}

static enum rc
deploy_fill(const struct deploy_wish *a, const struct holding *holding,
    struct deployment *d)
{
	enum rc rc = replace_path(a->to, &d->path);

	d->format = a->form;
	d->legacy = a->p12 != NULL;
	if (rc == RC_OK && a->key != NULL)
		rc = replace_path(a->key, &d->key_path);
	if (rc == RC_OK)
		rc = full_path(a->key_from, &d->key_from);
	if (rc == RC_OK)
		rc = full_path(a->pass_source, &d->pass_source);
	if (rc == RC_OK)
		rc = copy(a->reload, &d->reload);
	if (rc == RC_OK)
		rc = copy(holding->name, &d->name);
	if (rc == RC_OK)
		rc = copy(holding->profile, &d->profile);
	return rc;
}

/* What this program itself lives on is nobody's to replace, by a slip of the
 * hand least of all: the requester's key has no copy. */
static enum rc
check_outside(const char *home, const char *path)
{
	char *real = realpath(home, NULL);
	size_t n = real == NULL ? 0 : strlen(real);
	bool inside = n > 0 && strncmp(path, real, n) == 0 &&
		      (path[n] == '/' || real[n - 1] == '/');

	free(real);
	return inside
		   ? err_set(RC_USAGE,
			 "%s: lies in the home of airgap-transfer; wanted a file of the server's",
			 path)
		   : RC_OK;
}

static bool
is_known(const struct deployment_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].path, path) == 0)
			return true;
	return false;
}

/* A certificate's file that was deployed before may hold a key for a moment,
 * while keys change; any other that does is a slip. */
static enum rc
check_no_key_lost(struct store *store, const struct deployment *d)
{
	WIPED(deployment_list) list = { 0 };
	bool key = false, open;
	enum rc rc;

	if (d->format == DEPLOY_PEMFILE || d->format == DEPLOY_CRL_DIR)
		return RC_OK;
	rc = deployment_list_load(store, &list);
	if (rc == RC_OK && !is_known(&list, d->path))
		rc = replace_holds_key(d->path, &key, &open);
	if (rc == RC_OK && key)
		rc = err_set(RC_STATE,
		    "%s: holds a private key, which --format %s would replace: give another --to, or move it away",
		    d->path, deploy_format_text(d->format));
	return rc;
}

static enum rc
check_files(const struct deploying *by, const struct deployment *d)
{
	enum rc rc = check_outside(by->home, d->path);

	if (rc == RC_OK && d->key_path != NULL)
		rc = check_outside(by->home, d->key_path);
	if (rc == RC_OK && d->pass_source != NULL &&
	    strcmp(d->pass_source, d->path) == 0)
		rc = err_set(RC_USAGE,
		    "%s: is the password's file; give another --to", d->path);
	return rc == RC_OK ? check_no_key_lost(by->store, d) : rc;
}

/* The next one may have another key, which the server would never see. */
static enum rc
check_deployment(const struct deployment *d, const struct held *due)
{
	if (d->key_path != NULL && strcmp(d->key_path, d->path) == 0)
		return err_set(RC_USAGE,
		    "%s: key and certificate in one file are --format pemfile",
		    d->path);
	if ((d->format == DEPLOY_CERT || d->format == DEPLOY_FULLCHAIN) &&
	    d->key_path == NULL && due->key_file != NULL)
		return err_set(RC_USAGE,
		    "--format %s: the key was made here: give --key FILE, where the server looks for it",
		    deploy_format_text(d->format));
	return RC_OK;
}

static enum rc
none_is_due(const struct holding *holding, const char *type, int64_t now)
{
	const struct held *next = held_next_get0(holding, type, now);
	char at[CLOCK_TEXT];

	for (size_t i = 0; next == NULL && i < holding->n; i++)
		if (holding->items[i].revoked &&
		    holding->items[i].not_after >= now)
			return err_set(RC_STATE,
			    "%s: its certificate is revoked, and there is no other: ask for one with a new key, as --new-key makes it",
			    holding->name);
	if (next == NULL)
		return err_set(RC_STATE,
		    "%s: its last certificate has ended: `airgap-transfer request --renew --out STICK`",
		    holding->name);
	clock_write(next->not_before, at);
	return err_set(RC_STATE,
	    "%s: no certificate is valid now; the next begins at %s",
	    holding->name, at);
}

/* Where two types of key stand side by side, a file is for one of them. */
static enum rc
choose_type(const struct deploy_wish *a, const struct holding *holding,
    int64_t now, const char **ret)
{
	const char *types[HELD_TYPES_MAX];
	size_t n = held_types_get0(holding, now, now, types);
	char all[64] = "";

	if (a->key_type == NULL && n < 2) {
		*ret = held_type_get0(holding, NULL, now);
		return RC_OK;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(all);

		if (a->key_type != NULL &&
		    strcasecmp(a->key_type, types[i]) == 0) {
			*ret = types[i];
			return RC_OK;
		}
		(void)snprintf(all + at, sizeof(all) - at, "%s%s",
		    i == 0 ? "" : ", ", types[i]);
	}
	return a->key_type == NULL
		   ? err_set(RC_USAGE,
			 "%s: keys of several types stand side by side (%s): give --key-type",
			 holding->name, all)
		   : err_set(RC_USAGE,
			 "--key-type %s: %s has none of that type; wanted one of these: %s",
			 a->key_type, holding->name, n == 0 ? "none" : all);
}

static enum rc
deploy_prepare_unnamed(const struct deploy_wish *a, const struct deploying *by,
    struct deployment *d)
{
	WIPED(crl_due_list) crls = { 0 };
	enum rc rc = crl_due_list_load(by->store, by->now, false, &crls);

	if (rc == RC_OK && crls.n == 0)
		rc = err_set(RC_STATE,
		    "deploy: no CRL is here, or none has begun: the CA makes them at a visit (airgap-ca crl), and `airgap-transfer install STICK` brings them");
	d->format = a->form;
	if (rc == RC_OK)
		rc = d->format == DEPLOY_CRL_DIR
			 ? site_path(a->to, &d->path)
			 : replace_path(a->to, &d->path);
	if (rc == RC_OK)
		rc = copy(a->reload, &d->reload);
	return rc == RC_OK ? check_files(by, d) : rc;
}

static enum rc
deploy_prepare(const struct deploy_wish *a, const struct deploying *by,
    struct deployment *d)
{
	WIPED(holding) holding = { 0 };
	const struct held *due;
	const char *type = NULL;
	enum rc rc = holding_find(
	    by->store, a->operands.items[0], a->profile, by->now, &holding);

	if (rc == RC_OK)
		rc = choose_type(a, &holding, by->now, &type);
	if (rc != RC_OK)
		return rc;
	due = held_due_get0(&holding, type, by->now);
	if (due == NULL)
		return none_is_due(&holding, type, by->now);
	rc = deploy_fill(a, &holding, d);
	if (rc == RC_OK)
		rc = deployment_set_type(d, type);
	if (rc == RC_OK)
		rc = check_deployment(d, due);
	return rc == RC_OK ? check_files(by, d) : rc;
}

/* ---- telling ------------------------------------------------------------- */

/* A file that had been there with a looser mode keeps it: its owner's choice,
 * but one to hear of. */
static enum rc
warn_open(const struct deployment *d)
{
	const char *secret = d->key_path;
	bool key, open = false;
	enum rc rc = RC_OK;

	if (d->format == DEPLOY_PEMFILE || d->format == DEPLOY_P12)
		secret = d->path;
	if (secret != NULL)
		rc = replace_holds_key(secret, &key, &open);
	if (rc == RC_OK && open)
		term_alarm(
		    "warning  %s: everybody on this host can read the private key: chmod o= it\n",
		    secret);
	return rc;
}

static void
warn_weak(const struct deployment *d)
{
	if (d->legacy)
		term_alarm(
		    "warning  %s: --p12 legacy is weak (3DES, MAC with SHA-1): whoever gets the file can try passwords fast; for programs that read nothing else\n",
		    d->path);
}

static enum rc
tell_next(const struct deployment *d, const char *home)
{
	WIPED(buf) timer = { 0 };
	enum rc rc = timer_command(home, &timer);

	if (d->reload == NULL)
		term_say(
		    "No --reload: tell the server yourself, now and after each rotation.\n");
	if (rc == RC_OK)
		term_say(
		    "`airgap-transfer rotate` moves it on; the timer for that: %.*s\n",
		    SPAN_FMT(buf_span(&timer)));
	return rc;
}

/* It is remembered all the same: rotate is who tries again. */
static enum rc
not_reloaded(const struct deployed *r)
{
	struct err_saved why;

	err_save(&why);
	return err_set(RC_IO, "%.900s; %s, and rotate tries again", why.text,
	    r->restored ? "what was there is back" : "the new file stays");
}

static enum rc
deploy_new(struct deploy_wish *a, struct store *store, int64_t now)
{
	struct deploying by = { .home = a->env->home,
		.store = store,
		.now = now,
		.dry_run = a->env->dry_run,
		.remember = true,
		.take = a->take };
	WIPED(deployment) d = { 0 };
	WIPED(deployed) r = { 0 };
	bool due = false;
	enum rc rc = deploy_format_is_named(a->form)
			 ? deploy_prepare(a, &by, &d)
			 : deploy_prepare_unnamed(a, &by, &d);

	if (rc != RC_OK)
		return rc;
	rc = deploy(&by, &d, &r);
	if (rc != RC_OK && !r.failed)
		return rc;
	warn_weak(&d);
	if (rc == RC_OK)
		deployed_tell(&d, &r, rc, &by, HELD_WITHIN, &due);
	if (rc != RC_OK)
		rc = not_reloaded(&r);
	if (!r.restored) {
		struct err_saved why;

		err_save(&why);
		if (warn_open(&d) != RC_OK && rc == RC_OK)
			return RC_IO;
		err_restore(&why);
	}
	if (rc != RC_OK)
		return rc;
	if (!by.dry_run)
		rc = tell_next(&d, by.home);
	if (rc != RC_OK || !a->env->json)
		return rc;
	return cmd_json(deployed_json(&d, &r, rc, due));
}

static enum rc
deploy_list_all(struct store *store, bool json)
{
	WIPED(deployment_list) list = { 0 };
	json_t *array = json ? json_array() : NULL;
	enum rc rc = deployment_list_load(store, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++) {
		const struct deployment *d = &list.items[i];

		if (json)
			cmd_json_add(&array,
			    json_pack("{s:o, s:o, s:s?, s:s, s:b, s:o}", "path",
				cmd_json_text(span_str(d->path)), "name",
				deployed_name_json(d), "profile", d->profile,
				"format", deploy_format_text(d->format),
				"legacy", d->legacy, "reload",
				d->reload == NULL
				    ? json_null()
				    : cmd_json_text(span_str(d->reload))));
		else
			term_print(stdout, "%-9s  %s  %s  %s\n",
			    d->legacy ? "p12 (weak)"
				      : deploy_format_text(d->format),
			    d->name == NULL ? "-" : d->name, d->path,
			    d->reload == NULL ? "-" : d->reload);
	}
	if (rc == RC_OK && json)
		return cmd_json(json_pack("{s:o}", "deployments", array));
	json_decref(array);
	return rc;
}

/* Another home may keep the file then, where it is still there. */
static enum rc
forget_claim(struct deploy_wish *a, struct store *store, const char *path)
{
	const struct deploying by = { .home = a->env->home, .store = store };
	WIPED(deployment_list) list = { 0 };
	enum rc rc = deployment_list_load(store, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++)
		if (strcmp(list.items[i].path, path) == 0)
			rc = deploy_release(&by, &list.items[i]);
	return rc;
}

/* A directory of CRLs is no file. */
static enum rc
forget_path(const char *typed, char **ret_path)
{
	enum rc rc = replace_path(typed, ret_path);

	if (rc != RC_USAGE)
		return rc;
	err_clear();
	return site_path(typed, ret_path);
}

static enum rc
deploy_forget(struct deploy_wish *a, struct store *store)
{
	char *path = NULL;
	bool known = false;
	enum rc rc = forget_path(a->forget, &path);

	/* What is gone with its directory can be forgotten all the same. */
	if (rc != RC_OK && *a->forget == '/') {
		err_clear();
		rc = copy(a->forget, &path);
	}
	if (rc == RC_OK && a->env->dry_run) {
		term_say("%s: would be forgotten\n", path);
	} else if (rc == RC_OK) {
		rc = forget_claim(a, store, path);
		if (rc == RC_OK)
			rc = deployment_forget(store, path, &known);
	}
	if (rc == RC_OK && !known && !a->env->dry_run)
		rc = err_set(RC_STATE, "%s: nothing was deployed there", path);
	if (rc == RC_OK && known)
		term_say("%s: forgotten; the file stays as it is\n", path);
	free(path);
	return rc;
}

static enum rc
deploy_run(struct deploy_wish *a)
{
	WIPED(store) store = { 0 };
	OWN_FD lock = -1;
	int64_t now;
	enum rc rc = online_open(a->env->home, true, &store);

	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc != RC_OK)
		return rc;
	if (a->operands.n == 0 && a->format == NULL && a->forget == NULL)
		return deploy_list_all(&store, a->env->json);
	rc = online_lock(a->env->home, &lock);
	if (rc != RC_OK)
		return rc;
	return a->forget != NULL ? deploy_forget(a, &store)
				 : deploy_new(a, &store, now);
}

enum rc
cmd_deploy(struct cmd_env *env, int argc, char **argv)
{
	WIPED(deploy_wish) a = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "format", "FORMAT", "pemfile, cert, chain, fullchain, p12; crl, ca+crl, crl-dir, index", NULL, &a.format, NULL },
		{ "to", "FILE", "the server's file, or directory (crl-dir)", NULL, &a.to, NULL },
		{ "key", "FILE", "the server's file for the key (cert, fullchain)", NULL, &a.key, NULL },
		{ "key-from", "FILE", "the key, if it was not made here", NULL, &a.key_from, NULL },
		{ "pass-source", "FILE", "the password of PKCS#12 is its first line", NULL, &a.pass_source, NULL },
		{ "p12", "legacy", "3DES and SHA-1, weak: for macOS Keychain and old Windows", NULL, &a.p12, NULL },
		{ "reload", "CMD", "run after a change, without a shell", NULL, &a.reload, NULL },
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &a.profile, NULL },
		{ "key-type", "TYPE", "rsa, ec or ed25519, where they stand side by side", NULL, &a.key_type, NULL },
		{ "take-over", NULL, "the file, from another home that keeps it", &a.take, NULL, NULL },
		{ "forget", "FILE", "rotate this file no more", NULL, &a.forget, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done, lists;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &a.operands, &done);
	if (rc != RC_OK || done)
		return rc;
	lists = a.operands.n == 0 && a.format == NULL && a.to == NULL;
	if (a.forget != NULL && !lists)
		return err_set(RC_USAGE, "--forget FILE stands alone");
	if (a.forget == NULL && !lists)
		rc = deploy_check_usage(&a);
	return rc != RC_OK ? rc : deploy_run(&a);
}
