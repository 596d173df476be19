/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which an act opens things, which is what keeps the children
 * apart from ledger and PIN. What the act does is for its caller. */
#include "ca/home/act.h"

#include "base/clock.h"
#include "transfer/judge/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
act_wipe(struct act *act)
{
	keys_wipe(&act->keys);
	token_free(act->token);
	child_wipe(&act->judge);
	ledger_free(act->ledger);
	home_wipe(&act->home);
	policy_wipe(&act->policy);
	ledger_ca_wipe(&act->ca);
	token_conf_wipe(&act->conf);
	media_wipe(&act->media);
	buf_wipe(&act->interfaces);
	*act = ACT_NONE;
}

static enum rc
act_open_home(const struct act_options *options, struct act *act)
{
	enum rc rc = home_open(options->home, &act->home);

	if (rc == RC_OK)
		rc = home_ledger_open(
		    &act->home, !options->dry_run, &act->ledger);
	if (rc == RC_OK)
		rc = home_policy_read(&act->home, &act->policy);
	if (rc == RC_OK)
		rc = ledger_ca_get(act->ledger, &act->ca);
	if (rc == RC_OK)
		rc = home_check_bound(&act->policy, &act->ca);
	if (rc == RC_OK)
		rc = home_token_read(&act->home, &act->conf);
	return rc;
}

static enum rc
look_around(const struct act_options *options, struct act *act)
{
	enum rc rc = clock_now(&act->now);

	if (rc == RC_OK)
		rc = clock_check(act->ledger, &act->policy, act->now);
	if (rc == RC_OK)
		rc = network_check(options->allow_network || options->dry_run,
		    &act->interfaces);
	return rc;
}

enum rc
act_media_open(const char *path, struct media *ret)
{
	enum rc rc;

	if (path == NULL)
		return RC_OK;
	rc = media_open(path, ret);
	if (rc == RC_OK && faccessat(ret->root, ".", W_OK, 0) != 0)
		rc =
		    errno != EROFS
			? err_errno(
			      RC_IO, errno, "%s: cannot be written to", path)
			: err_set(RC_IO,
			      "%s: is read-only: mounted so, or made so by the kernel because it is damaged: unmount it and check it (fsck), or take another",
			      path);
	return rc;
}

enum rc
act_start(const struct act_options *options, struct act *act)
{
	struct token_options token = options->token;
	enum rc rc;

	token.hidden[0] = options->home;
	token.hidden[1] = options->out;
	rc = token_start(&act->token, &token);
	return rc == RC_OK ? judge_start(&act->judge) : rc;
}

enum rc
act_open(const struct act_options *options, struct act *act)
{
	enum rc rc = act_open_home(options, act);
	if (rc == RC_OK)
		rc = look_around(options, act);
	if (rc == RC_OK)
		rc = act_media_open(options->out, &act->media);
	return rc;
}

enum rc
act_begin(struct act *act)
{
	enum rc rc = ledger_begin(act->ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(
		    act->ledger, act->now, buf_span(&act->policy.text));
	if (rc == RC_OK && act->interfaces.n != 0)
		rc =
		    ledger_network_add(act->ledger, buf_span(&act->interfaces));
	return rc;
}
