/* SPDX-License-Identifier: Apache-2.0 */
/* `keygen`: a key pair made on the token. No key is ever brought onto one. */
#include "token/cmd/cmd.h"

#include "base/hex.h"
#include "base/term.h"

struct keygen_options {
	const char *uri, *label, *id, *type;
	struct token_options token;
};

static enum rc
keygen_make(struct cmd_env *env, const struct keygen_options *o,
    struct token *token, struct span id)
{
	struct token_info info;
	struct token_key key = { .id_len = 0 };
	enum rc rc = token_open(token, o->uri, &info);

	if (rc == RC_OK)
		rc = token_can_make(token, o->type);
	if (rc != RC_OK)
		return rc;
	if (env->dry_run) {
		term_say("Would make a key %s \"%s\" on token \"%s\".\n",
		    o->type, o->label, info.label);
		return RC_OK;
	}
	rc = token_login(token);
	if (rc == RC_OK && strncmp(o->type, "rsa", 3) == 0)
		term_say("Making the key; a card takes its time.\n");
	if (rc == RC_OK)
		rc = token_keygen(token, o->type, o->label, id, &key);
	if (rc != RC_OK)
		return rc;
	if (env->json) {
		rc = cmd_json(cmd_json_key(&key));
	} else {
		term_say(
		    "Made key %s \"%s\" on token \"%s\": sensitive, not extractable, read back.\n",
		    key.type, key.label, info.label);
		term_print(stdout, "%s\n", key.uri);
	}
	token_key_wipe(&key);
	return rc;
}

static enum rc
keygen_start(struct cmd_env *env, const struct keygen_options *o)
{
	OWNS(token) *token = NULL;
	uint8_t id[64];
	size_t n = 0;
	enum rc rc;

	if (o->label == NULL || o->type == NULL)
		return cmd_wants(env, "--label and --type");
	if (*o->label == '\0')
		return err_set(RC_USAGE, "--label: it is empty");
	if (o->id != NULL && !hex_read_some(o->id, id, sizeof(id), &n))
		return err_set(RC_USAGE,
		    "--id %s: 1 to %zu bytes in hexadecimal are wanted", o->id,
		    sizeof(id));
	rc = token_start(&token, &o->token);
	return rc != RC_OK ? rc : keygen_make(env, o, token, span_of(id, n));
}

enum rc
cmd_keygen(struct cmd_env *env, int argc, char **argv)
{
	struct keygen_options o = { .uri = NULL };
	const struct cmd_option options[] = {
		{ .name = "label",
		    .value = "L",
		    .help = "name for the key",
		    .text = &o.label },
		{ .name = "id",
		    .value = "HEX",
		    .help = "its CKA_ID; a random one is drawn otherwise",
		    .text = &o.id },
		{ .name = "type",
		    .value = "T",
		    .help = "ec-p256, ec-p384 or rsa-BITS (2048 to 4096)",
		    .text = &o.type },
		CMD_KEY_OPTIONS(o.token),
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK && !done)
		rc = cmd_uri(env, &operands, &o.uri);
	return rc != RC_OK || done ? rc : keygen_start(env, &o);
}
