/* SPDX-License-Identifier: Apache-2.0 */
/* `init`: an empty token gets a label and its PINs. One that holds something
 * is left alone. */
#include "token/cmd/cmd.h"

#include "base/term.h"

#include <stdlib.h>

/* What a dry run can tell: which tokens the module has, and which is empty. */
static enum rc
init_dry(struct token *token, const struct token_setup *setup)
{
	struct token_info *infos = NULL;
	size_t n = 0, empty = 0;
	enum rc rc = token_list(token, setup->module, &infos, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		empty += !infos[i].initialised;
	free(infos);
	if (rc != RC_OK)
		return rc;
	if (empty != 1)
		return err_set(RC_TOKEN, "%s: %zu empty tokens, one is wanted",
		    setup->module, empty);
	term_say("Would initialise the empty token of %s as \"%s\".\n",
	    setup->module, setup->label);
	return RC_OK;
}

static enum rc
init_run(struct cmd_env *env, const struct token_setup *setup, bool network)
{
	const struct token_options options = { .module = setup->module,
		.network = network };
	OWNS(token) *token = NULL;
	struct token_info info;
	enum rc rc = token_start(&token, &options);

	if (rc != RC_OK)
		return rc;
	if (env->dry_run)
		return init_dry(token, setup);
	rc = token_init(token, setup, &info);
	if (rc != RC_OK)
		return rc;
	if (env->json)
		return cmd_json(cmd_json_info(&info));
	term_say("Token \"%s\" is ready. Keep its SO PIN apart from it.\n",
	    info.label);
	term_print(stdout, "%s\n", info.uri);
	return RC_OK;
}

enum rc
cmd_init(struct cmd_env *env, int argc, char **argv)
{
	struct token_setup setup = { .module = NULL };
	bool network = false;
	const struct cmd_option options[] = {
		{ .name = "module",
		    .value = "FILE",
		    .help = "the token's PKCS#11 module",
		    .text = &setup.module },
		{ .name = "label",
		    .value = "L",
		    .help = "name for the token, 1 to 32 bytes",
		    .text = &setup.label },
		{ .name = "so-pin-source",
		    .value = "FILE",
		    .help = "read the security officer's PIN from this file",
		    .text = &setup.so_pin_source },
		{ .name = "pin-source",
		    .value = "FILE",
		    .help = "read the user PIN from this file",
		    .text = &setup.pin_source },
		{ .name = "token-network",
		    .help = "the module reaches its token over TCP",
		    .flag = &network },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operands_none(env, &operands);
	if (rc == RC_OK && (setup.module == NULL || setup.label == NULL))
		rc = cmd_wants(env, "--module and --label");
	return rc == RC_OK ? init_run(env, &setup, network) : rc;
}
