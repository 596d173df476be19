/* SPDX-License-Identifier: Apache-2.0 */
/* `export`: the CA's card once more, signed anew and put onto a stick. */
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/home/act.h"
#include "ca/home/card.h"

/* Only what a network does to this act is worth a record: a card says nothing
 * that the ledger does not have. */
static enum rc
record_network(struct act *act)
{
	enum rc rc;

	if (act->interfaces.n == 0)
		return RC_OK;
	rc = act_begin(act);
	return rc == RC_OK ? ledger_commit(act->ledger) : rc;
}

static enum rc
export_write_card(struct act *act)
{
	WIPED(buf) file = { 0 };
	enum rc rc =
	    keys_open(act->token, &act->conf, &act->ca, false, &act->keys);

	if (rc == RC_OK)
		rc = record_network(act);
	if (rc == RC_OK)
		rc = card_make(
		    &act->keys, &act->ca, &act->policy, act->now, &file);
	return rc == RC_OK
		   ? cmd_put_card(&act->media, act->ca.ca_id, buf_span(&file))
		   : rc;
}

enum rc
cmd_export(struct cmd_env *env, int argc, char **argv)
{
	struct act_options o = { 0 };
	WIPED(cmd_list) operands = { 0 };
	WIPED(act) act = ACT_NONE;
	bool done = false;
	const struct cmd_option options[] = {
		CMD_TOKEN_OPTIONS(o, o.token),
		{ 0 },
	};
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	o.home = env->home;
	o.dry_run = env->dry_run;
	rc = cmd_operand_one(env, &operands, "MEDIA", &o.out);
	if (rc == RC_OK)
		rc = act_start(&o, &act);
	if (rc == RC_OK)
		rc = act_open(&o, &act);
	/* A card of an older day may have another policy and transfer key. */
	if (rc == RC_OK && !env->dry_run)
		rc = ledger_check_caught_up(act.ledger);
	if (rc == RC_OK && !env->dry_run)
		rc = export_write_card(&act);
	return rc == RC_OK ? cmd_show_ca(env, &act.ca) : rc;
}
