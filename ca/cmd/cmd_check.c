/* SPDX-License-Identifier: Apache-2.0 */
/* `check`: is what lies on this stick what the ledger says was written? */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/act.h"
#include "ca/home/written.h"
#include "ca/response/stick_check.h"
#include "transfer/rule.h"

struct check {
	struct cmd_env *env;
	struct home home;
	struct ledger *ledger;
	struct ledger_ca ca;
	struct policy policy;
	struct media media;
	struct stick_look look;
	bool same_mount; /* as when responses were written there */
	size_t n_whole, n_wrong, n_unknown, n_recorded;
};

static void
check_wipe(struct check *c)
{
	stick_look_wipe(&c->look);
	media_wipe(&c->media);
	policy_wipe(&c->policy);
	ledger_ca_wipe(&c->ca);
	ledger_free(c->ledger);
	home_wipe(&c->home);
}

static enum rc
check_open_all(struct check *c, const char *medium)
{
	enum rc rc = home_open(c->env->home, &c->home);

	if (rc == RC_OK)
		rc = home_ledger_open(&c->home, !c->env->dry_run, &c->ledger);
	if (rc == RC_OK)
		rc = home_policy_read(&c->home, &c->policy);
	if (rc == RC_OK)
		rc = ledger_ca_get(c->ledger, &c->ca);
	if (rc == RC_OK)
		rc = media_open(medium, &c->media);
	return rc == RC_OK ? written_has(&c->home, &c->media, &c->same_mount)
			   : rc;
}

/* ---- what is shown ------------------------------------------------------- */

static const char *const fault_words[] = {
	[MEDIA_MISSING] = "missing",
	[MEDIA_OTHER] = "other bytes",
	[MEDIA_EXTRA] = "not ours",
	[MEDIA_UNREADABLE] = "unreadable",
};

/* Whose it is, as far as the ledger still knows. */
static enum rc
check_label_of(const struct check *c, const struct stick_response *r,
    struct requester *ret, bool *ret_known)
{
	*ret_known = false;
	return r->known
		   ? ledger_requester_get(c->ledger, r->channel, ret, ret_known)
		   : RC_OK;
}

static enum rc
check_show_one(const struct check *c, const struct stick_response *r)
{
	WIPED(requester) q = { 0 };
	bool known;
	enum rc rc = check_label_of(c, r, &q, &known);

	if (rc != RC_OK)
		return rc;
	if (!r->known) {
		term_alarm("%s: the ledger does not have it\n", r->dir);
		return RC_OK;
	}
	term_bold("%s: %s\n", r->dir,
	    r->faults.n != 0 ? "NOT what the ledger says"
	    : c->same_mount  ? "whole, as far as memory goes"
			     : "whole");
	if (known)
		term_field("response", "%u for \"%s\"", r->sequence, q.label);
	for (size_t i = 0; i < r->faults.n; i++)
		term_field(fault_words[r->faults.items[i].what], "%s",
		    *r->faults.items[i].name == '\0' ? "the directory"
						     : r->faults.items[i].name);
	if (r->faults.n == 0 && !c->same_mount)
		term_field("read back", "%.*s", SPAN_FMT(buf_span(&r->note)));
	return RC_OK;
}

static json_t *
faults_json(const struct stick_response *r, enum media_fault what)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->faults.n; i++)
		if (r->faults.items[i].what == what)
			cmd_json_add(&list,
			    cmd_json_text(span_str(r->faults.items[i].name)));
	return list;
}

static enum rc
check_add_json(
    const struct check *c, const struct stick_response *r, json_t **list)
{
	WIPED(requester) q = { 0 };
	bool known;
	enum rc rc = check_label_of(c, r, &q, &known);

	if (rc == RC_OK)
		cmd_json_add(list,
		    json_pack("{s:s,s:s?,s:I,s:b,s:b,s:o,s:o,s:o,s:o}", "path",
			r->dir, "requester", known ? q.label : NULL, "sequence",
			(json_int_t)r->sequence, "known", r->known, "whole",
			r->known && r->faults.n == 0, "missing",
			faults_json(r, MEDIA_MISSING), "other",
			faults_json(r, MEDIA_OTHER), "extra",
			faults_json(r, MEDIA_EXTRA), "unreadable",
			faults_json(r, MEDIA_UNREADABLE)));
	return rc;
}

static enum rc
check_show_json(const struct check *c)
{
	json_t *list = json_array();
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->look.n && rc == RC_OK; i++)
		rc = check_add_json(c, &c->look.items[i], &list);
	if (rc != RC_OK) {
		json_decref(list);
		return rc;
	}
	return cmd_json(json_pack("{s:o,s:I,s:I,s:b}", "responses", list,
	    "foreign", (json_int_t)c->look.n_foreign, "recorded",
	    (json_int_t)c->n_recorded, "same_mount", c->same_mount));
}

static void
show_sums(const struct check *c)
{
	if (c->look.n_foreign > 0)
		term_dim(
		    "%zu other name%s there: no response of this CA, and passed over\n",
		    c->look.n_foreign, c->look.n_foreign == 1 ? "" : "s");
	if (c->n_recorded > 0)
		term_say("%zu response%s no longer pending: recorded\n",
		    c->n_recorded, c->n_recorded == 1 ? " is" : "s are");
}

/* ---- the run ------------------------------------------------------------- */

static enum rc
check_look(struct check *c)
{
	enum rc rc =
	    stick_look(&c->media, &c->home, c->ledger, &c->ca, &c->look);

	/* Of all of them nothing can be told: no rule has said what to do. */
	if (rc == RC_IO && err_shortage() == SHORT_OF_NOTHING) {
		struct err_saved why;

		err_save(&why);
		return err_set(rc,
		    "%.800s; 'airgap-ca resend STICK' writes responses again",
		    why.text);
	}
	for (size_t i = 0; i < c->look.n && rc == RC_OK; i++) {
		const struct stick_response *r = &c->look.items[i];

		c->n_unknown += !r->known;
		c->n_wrong += r->known && r->faults.n != 0;
		c->n_whole += r->known && r->faults.n == 0;
		rc = check_show_one(c, r);
	}
	return rc;
}

static enum rc
check_record(struct check *c)
{
	int64_t now = 0;
	enum rc rc;

	if (c->env->dry_run || c->n_whole == 0 || c->same_mount)
		return RC_OK;
	rc = clock_now(&now);
	if (rc == RC_OK)
		rc = clock_check(c->ledger, &c->policy, now);
	return rc == RC_OK
		   ? stick_record(c->ledger, now, buf_span(&c->policy.text),
			 &c->look, &c->n_recorded)
		   : rc;
}

/* Whole, but perhaps only in this machine's memory: directories and tables of a
 * file system stay there for as long as it is mounted. */
static enum rc
not_proven(const struct check *c)
{
	term_alarm("Not proven: ");
	term_say(
	    "%s is still mounted as when it was written to, and what was compared may come from memory. Unmount it, pull it, plug it in again and check again; nothing was recorded.\n",
	    c->media.path);
	return RC_PARTIAL;
}

static enum rc
verdict(const struct check *c)
{
	if (c->n_unknown > 0)
		return rule_refuse(RULE_RESPONSE_UNKNOWN,
		    "%s: the ledger does not have %zu of its responses",
		    c->media.path, c->n_unknown);
	if (c->n_wrong > 0)
		return rule_refuse(RULE_RESPONSE_DIFFERS,
		    "%s: %zu of %zu responses %s not what the ledger says was written",
		    c->media.path, c->n_wrong, c->look.n,
		    c->n_wrong == 1 ? "is" : "are");
	if (c->look.n == 0 && media_check_there(&c->media) != RC_OK)
		return RC_IO;
	if (c->look.n == 0)
		return rule_refuse(RULE_RESPONSE_MISSING,
		    "%s: holds no response of this CA", c->media.path);
	return c->same_mount ? not_proven(c) : RC_OK;
}

static enum rc
ca_check_run(struct check *c)
{
	enum rc rc = check_look(c);

	if (rc == RC_OK)
		rc = check_record(c);
	if (rc != RC_OK)
		return rc;
	show_sums(c);
	if (c->env->json)
		rc = check_show_json(c);
	return rc == RC_OK ? verdict(c) : rc;
}

enum rc
cmd_check(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(check) c = { .env = env, .home = { .fd = -1 } };
	WIPED(cmd_list) operands = { 0 };
	const char *media = NULL;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "MEDIA", &media);
	if (rc == RC_OK)
		rc = check_open_all(&c, media);
	return rc == RC_OK ? ca_check_run(&c) : rc;
}
