/* SPDX-License-Identifier: Apache-2.0 */
/* `clock accept`: the operator vouches for a clock that the rules CLOCK-BEHIND
 * and CLOCK-AHEAD stop at. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"

static enum rc
show_and_ask(
    const struct cmd_env *env, const struct ledger *ledger, int64_t now)
{
	char clock[CLOCK_TEXT], last[CLOCK_TEXT];
	bool yes = env->yes;
	enum rc rc;

	clock_write(now, clock);
	clock_write(ledger_high_water(ledger), last);
	term_field("clock", "%s", clock);
	term_field("ledger", "its last entry was made at %s", last);
	if (env->dry_run)
		return RC_OK;
	rc = term_confirm(
	    "Is the clock right? Type Yes to go on from it, for good:", "--yes",
	    &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_USAGE, "not confirmed: nothing was changed");
	return rc;
}

static enum rc
record_clock(struct ledger *ledger, const struct policy *policy, int64_t now)
{
	enum rc rc = ledger_begin(ledger);

	if (rc == RC_OK)
		rc = ledger_clock_add(ledger, now);
	if (rc == RC_OK)
		rc = ledger_stamp(ledger, now, buf_span(&policy->text));
	if (rc == RC_OK)
		rc = ledger_commit(ledger);
	else
		ledger_rollback(ledger);
	return rc;
}

static enum rc
accept_clock(struct cmd_env *env)
{
	WIPED(policy) policy = { 0 };
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	int64_t now = 0;
	enum rc rc = home_open(env->home, &home);

	if (rc == RC_OK)
		rc = home_policy_read(&home, &policy);
	if (rc == RC_OK)
		rc = home_ledger_open(&home, !env->dry_run, &ledger);
	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc == RC_OK)
		rc = show_and_ask(env, ledger, now);
	if (rc == RC_OK && !env->dry_run)
		rc = record_clock(ledger, &policy, now);
	if (rc == RC_OK && env->json)
		rc = cmd_json(
		    json_pack("{s:o}", "accepted", cmd_json_time(now)));
	return rc;
}

enum rc
cmd_clock(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	if (operands.n != 1 || strcmp(operands.items[0], "accept") != 0)
		return cmd_wants(env, "the word 'accept'");
	return accept_clock(env);
}
