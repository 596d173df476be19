/* SPDX-License-Identifier: Apache-2.0 */
/* `import`: the certificate that another CA has given the one that waits here.
 */
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/cmd/make_ca.h"
#include "ca/lifecycle/import.h"

static enum rc
cmd_import_run(struct cmd_env *env, struct import *import, struct token *token)
{
	WIPED(init) init = { 0 };
	enum rc rc = import_check(import, token, &init);

	return rc != RC_OK
		   ? rc
		   : cmd_make_ca(env, &init,
			 "Make this CA, below the other one? Type Yes: ");
}

enum rc
cmd_import(struct cmd_env *env, int argc, char **argv)
{
	WIPED(import) import = { 0 };
	struct init_options *o = &import.options;
	struct token_options t = { 0 };
	WIPED(cmd_list) files = { 0 };
	OWNS(token) *token = NULL;
	bool done = false;
	/* clang-format off */
	const struct cmd_option options[] = {
		{ .name = "token", .value = "URI", .text = &o->token,
		  .help = "the token, if it is not found by token.conf" },
		{ .name = "use-key", .value = "URI", .text = &o->use_key,
		  .help = "likewise the CA's key" },
		{ .name = "transfer-key", .value = "URI", .text = &o->transfer_key,
		  .help = "likewise the transfer key" },
		{ .name = "date", .value = "WORDS", .text = &o->date,
		  .help = "today's date, as \"3 May 2031\": for a clock in doubt" },
		{ .name = "out", .value = "MEDIA", .text = &o->out,
		  .help = "write the CA's card there" },
		CMD_TOKEN_OPTIONS(*o, t),
		{ 0 },
	};
	/* clang-format on */
	enum rc rc = cmd_options(env, argc, argv, options, &files, &done);

	if (rc == RC_OK && !done && files.n == 0)
		rc = cmd_wants(env, "FILE, the certificate and those above it");
	o->home = env->home;
	o->dry_run = env->dry_run;
	t.hidden[0] = env->home;
	t.hidden[1] = o->out;
	/* First of all: nothing is open yet that a child could inherit. */
	if (rc == RC_OK && !done)
		rc = import_read(&import, &files);
	if (rc == RC_OK && !done)
		rc = token_start(&token, &t);
	return rc == RC_OK && !done ? cmd_import_run(env, &import, token) : rc;
}
