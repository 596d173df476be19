/* SPDX-License-Identifier: Apache-2.0 */
/* `revoke`: what an operator wants revoked, shown and recorded. The token is
 * not wanted for it: a revocation takes effect with the next CRL that is
 * signed. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/revoke_find.h"
#include "ca/cmd/revoke_show.h"
#include "ca/home/home.h"
#include "ca/intake/revoke.h"

struct revoke_run {
	struct cmd_env *env;
	const char *typed, *reason_typed, *since_typed;
	bool by_key;
	enum reason reason;
	int64_t since, now;
	struct home home;
	struct policy policy;
	struct ledger *ledger;
	struct revoke_found found;
	struct revokes revokes;
};

static void
revoke_run_wipe(struct revoke_run *run)
{
	revokes_wipe(&run->revokes);
	revoke_found_wipe(&run->found);
	ledger_free(run->ledger);
	policy_wipe(&run->policy);
	home_wipe(&run->home);
}

static enum rc
check_typed(struct revoke_run *run)
{
	if (run->reason_typed == NULL)
		return cmd_wants(run->env, "--reason REASON");
	if (run->since_typed != NULL &&
	    !clock_read(run->since_typed, &run->since))
		return err_set(RC_USAGE,
		    "--since %s: wanted a time, as 2026-11-23 or 2026-11-23T14:13:41Z",
		    run->since_typed);
	return reason_parse("--reason", run->reason_typed, &run->reason);
}

static enum rc
revoke_open(struct revoke_run *run)
{
	enum rc rc = home_open(run->env->home, &run->home);

	if (rc == RC_OK)
		rc = home_policy_read(&run->home, &run->policy);
	if (rc == RC_OK)
		rc = home_ledger_open(
		    &run->home, !run->env->dry_run, &run->ledger);
	if (rc == RC_OK)
		rc = clock_now(&run->now);
	return rc == RC_OK ? clock_check(run->ledger, &run->policy, run->now)
			   : rc;
}

/* A slip of the pen: nobody lost a key before there was anything for it. */
static enum rc
since_check(const struct revoke_run *run)
{
	int64_t first = INT64_MAX;
	char at[CLOCK_TEXT];

	for (size_t i = 0; i < run->revokes.n; i++)
		for (size_t c = 0; c < run->revokes.items[i].n; c++)
			if (run->revokes.items[i].certs[c].not_before < first)
				first =
				    run->revokes.items[i].certs[c].not_before;
	if (run->since_typed == NULL || first == INT64_MAX ||
	    run->since >= first)
		return RC_OK;
	clock_write(first, at);
	return err_set(RC_USAGE,
	    "--since %s: the first of these certificates began at %s",
	    run->since_typed, at);
}

static enum rc
revoke_decide_all(struct revoke_run *run)
{
	const struct revoker who = { .now = run->now };
	enum rc rc = revoke_find(
	    run->ledger, run->typed, run->by_key, run->now, &run->found);

	for (size_t i = 0; rc == RC_OK && i < run->found.n; i++) {
		run->found.items[i].reason = run->reason;
		run->found.items[i].has_since = run->since_typed != NULL;
		run->found.items[i].since = run->since;
	}
	if (rc == RC_OK)
		rc = revokes_decide(run->ledger, &who, run->found.items,
		    run->found.n, &run->revokes);
	return rc == RC_OK ? since_check(run) : rc;
}

/* With one thing asked for, its refusal is the command's. */
static enum rc
refused_all(const struct revoke_run *run)
{
	const struct revoke_decision *first = &run->revokes.items[0];

	if (run->revokes.n_refused < run->revokes.n)
		return RC_OK;
	return rule_refuse(first->rule, "%s", first->reason);
}

static enum rc
revoke_review(const struct revoke_run *run)
{
	if (run->found.by_name && run->revokes.n_certs > 1)
		term_bold(
		    "%s: all certificates of this name that have not ended\n",
		    run->typed);
	return revokes_show(run->ledger, &run->revokes);
}

static enum rc
revoke_confirm(const struct revoke_run *run)
{
	bool yes = run->env->yes;
	enum rc rc =
	    term_confirm("\nType Yes to revoke this for good:", "--yes", &yes);

	if (rc == RC_OK && !yes)
		rc = err_set(RC_USAGE, "not confirmed: nothing was changed");
	return rc;
}

static enum rc
revoke_commit(struct revoke_run *run)
{
	enum rc rc = ledger_begin(run->ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(
		    run->ledger, run->now, buf_span(&run->policy.text));
	if (rc == RC_OK)
		rc = revokes_record(run->ledger, &run->revokes, 0);
	if (rc == RC_OK)
		return ledger_commit(run->ledger);
	ledger_rollback(run->ledger);
	return rc;
}

/* Does it say more than the ledger knows? A certificate that was superseded may
 * turn out to be one whose key is lost. */
static enum rc
says_more(const struct revoke_run *run, bool *ret_news)
{
	enum rc rc = RC_OK;

	*ret_news = run->revokes.n_certs != 0;
	for (size_t i = 0; i < run->revokes.n && rc == RC_OK; i++) {
		const struct revoke_decision *d = &run->revokes.items[i];

		for (size_t c = 0; c < d->n && rc == RC_OK &&
				   reason_is_compromise(run->reason);
		     c++) {
			bool revoked = !d->certs[c].has_key;

			if (!revoked)
				rc = ledger_key_is_revoked(
				    run->ledger, d->certs[c].key_id, &revoked);
			*ret_news |= !revoked;
		}
	}
	return rc;
}

static enum rc
revoke_end(const struct revoke_run *run, bool recorded)
{
	if (run->env->json)
		return cmd_json(json_pack("{s:b,s:s,s:I,s:o}", "recorded",
		    recorded, "revocation_reason", reason_text(run->reason),
		    "revoked",
		    (json_int_t)(recorded ? run->revokes.n_certs : 0),
		    "revocations", revokes_json(&run->revokes)));
	return RC_OK;
}

static enum rc
revoke_go(struct revoke_run *run)
{
	bool news = false;
	enum rc rc = revoke_open(run);

	if (rc == RC_OK)
		rc = revoke_decide_all(run);
	if (rc == RC_OK)
		rc = refused_all(run);
	if (rc == RC_OK)
		rc = revoke_review(run);
	if (rc == RC_OK)
		rc = says_more(run, &news);
	if (rc != RC_OK || run->env->dry_run || !news)
		return rc != RC_OK ? rc : revoke_end(run, false);
	rc = revoke_confirm(run);
	if (rc == RC_OK)
		rc = revoke_commit(run);
	if (rc != RC_OK)
		return rc;
	term_say(
	    "Recorded: %zu certificate%s. Servers learn of it by the next CRL: 'airgap-ca crl MEDIA'.\n",
	    run->revokes.n_certs, run->revokes.n_certs == 1 ? "" : "s");
	return revoke_end(run, true);
}

enum rc
cmd_revoke(struct cmd_env *env, int argc, char **argv)
{
	WIPED(revoke_run) run = { .env = env, .home = { .fd = -1 } };
	WIPED(cmd_list) operands = { 0 };
	const struct cmd_option options[] = {
		{ .name = "reason",
		    .value = "REASON",
		    .text = &run.reason_typed,
		    .help = "keyCompromise, superseded, ... (RFC 5280 5.3.1)" },
		{ .name = "since",
		    .value = "TIME",
		    .text = &run.since_typed,
		    .help = "when the key was lost" },
		{ .name = "key",
		    .flag = &run.by_key,
		    .help = "every certificate for the same key" },
		{ 0 },
	};
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc =
	    cmd_operand_one(env, &operands, "SERIAL, FILE or NAME", &run.typed);
	if (rc == RC_OK)
		rc = check_typed(&run);
	return rc != RC_OK ? rc : revoke_go(&run);
}
