/* SPDX-License-Identifier: Apache-2.0 */
/* `list`: every token and its keys, or one by its URI; only that one is ever
 * logged in to. One that cannot be looked into does not hide the others. */
#include "token/cmd/cmd.h"

#include "base/hex.h"
#include "base/term.h"

#include <ctype.h>
#include <stdlib.h>

struct list_options {
	const char *uri, *module, *pin_source;
	bool login, last_try, network;
};

static const char *
pin_state(const struct token_info *info)
{
	if (!info->initialised)
		return "empty token: 'airgap-token init --module FILE --label L' prepares it";
	if (info->locked)
		return "locked";
	if (!info->pin_set)
		return "not set";
	if (info->final_try)
		return "set; ONE TRY IS LEFT";
	if (info->count_low)
		return "set; a wrong one was given since the last right one";
	return info->protected_path ? "set; entered at the reader" : "set";
}

static void
say_key(const struct token_key *key)
{
	char id[2 * sizeof(key->id) + 1];

	hex_write(span_of(key->id, key->id_len), id);
	term_print(stdout, "  key \"%s\"  %s  id %s\n", key->label, key->type,
	    *id == '\0' ? "none" : id);
	term_print(stdout, "    %s\n", key->uri);
	if (!key->has_private) {
		term_print(stdout,
		    "    public half; the private one shows after a login, if it is there (--login)\n");
		return;
	}
	term_print(stdout, "    %s, %s, %s, %s%s%s\n",
	    key->sensitive ? "sensitive" : "NOT SENSITIVE",
	    key->extractable	     ? "EXTRACTABLE"
	    : key->never_extractable ? "never extractable"
				     : "not extractable",
	    key->local ? "made on the token" : "not shown to be made here",
	    key->sign ? "signs" : "does not sign",
	    key->decrypt ? ", decrypts" : "",
	    key->always_authenticate ? ", wants the PIN for each signature"
				     : "");
}

static void
say_token(const struct token_info *info, const struct token_key *keys, size_t n)
{
	term_print(stdout, "token \"%s\"  %s %s  serial %s\n", info->label,
	    info->manufacturer, info->model, info->serial);
	if (info->initialised)
		term_print(stdout, "  %s\n", info->uri);
	term_print(stdout, "  PIN %s\n", pin_state(info));
	for (size_t i = 0; i < n; i++)
		say_key(&keys[i]);
	if (info->initialised && n == 0)
		term_print(stdout, "  no key shows\n");
}

static enum rc
list_add_json(json_t *tokens, const struct token_info *info,
    const struct token_key *keys, size_t n)
{
	json_t *one = cmd_json_info(info), *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, cmd_json_key(&keys[i])) != 0)
			break;
	if (one == NULL || json_array_size(list) != n ||
	    json_object_set_new(one, "keys", list) != 0 ||
	    json_array_append_new(tokens, one) != 0)
		return err_memory();
	return RC_OK;
}

/* A token's URI with a pin-source put behind it. */
static enum rc
uri_with_pin(const char *uri, const char *file, struct buf *ret)
{
	enum rc rc = buf_add_str(ret, uri);

	if (rc != RC_OK || file == NULL)
		return rc;
	if (strncmp(file, "file:", 5) == 0)
		file += 5;
	rc = buf_printf(
	    ret, "%cpin-source=file:", strchr(uri, '?') == NULL ? '?' : '&');
	for (const char *c = file; *c != '\0' && rc == RC_OK; c++)
		rc = isalnum((unsigned char)*c) || strchr("/._-", *c) != NULL
			 ? buf_add_byte(ret, (uint8_t)*c)
			 : buf_printf(ret, "%%%02X", (unsigned char)*c);
	return rc;
}

static enum rc
token_list_show(
    struct token *token, const struct token_info *info, json_t *tokens)
{
	struct token_key *keys = NULL;
	size_t n = 0;
	enum rc rc = info->initialised ? token_keys(token, &keys, &n) : RC_OK;

	if (rc != RC_OK)
		return rc;
	if (tokens != NULL)
		rc = list_add_json(tokens, info, keys, n);
	else
		say_token(info, keys, n);
	token_keys_free(keys, n);
	return rc;
}

/* The one that the URI names. */
static enum rc
token_list_one(
    struct token *token, const struct list_options *o, json_t *tokens)
{
	struct token_info info;
	WIPED(buf) uri = { 0 };
	enum rc rc = uri_with_pin(o->uri, o->pin_source, &uri);

	if (rc == RC_OK)
		rc = token_open(token, buf_cstr(&uri), &info);
	if (rc == RC_OK && o->login)
		rc = token_login(token);
	return rc != RC_OK ? rc : token_list_show(token, &info, tokens);
}

static enum rc
token_list_all(
    struct token *token, const struct list_options *o, json_t *tokens)
{
	struct token_info *infos = NULL, opened;
	size_t n = 0, failed = 0;
	enum rc rc = token_list(token, o->module, &infos, &n);

	if (rc == RC_OK && n == 0)
		rc = err_set(RC_TOKEN,
		    "no token is present: plug it in, or name its module with --module");
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (infos[i].initialised)
			rc = token_open(token, infos[i].uri, &opened);
		if (rc == RC_OK)
			rc = token_list_show(token, &infos[i], tokens);
		if (rc != RC_TOKEN)
			continue;
		term_say("token \"%s\" (serial %s) cannot be looked into: %s\n",
		    infos[i].label, infos[i].serial, err_text());
		err_clear();
		rc = RC_OK;
		failed++;
	}
	free(infos);
	if (rc == RC_OK && failed != 0)
		rc = err_set(RC_TOKEN,
		    "%zu of %zu tokens could not be looked into", failed, n);
	return rc;
}

static enum rc
token_list_run(const struct list_options *o, json_t *tokens)
{
	const struct token_options options = { .module = o->module,
		.last_try = o->last_try,
		.network = o->network };
	OWNS(token) *token = NULL;
	enum rc rc;

	if (o->login && o->uri == NULL)
		return err_set(RC_USAGE,
		    "a PIN goes to one token, named by its URI: 'airgap-token list' without --login and --pin-source shows their URIs");
	rc = token_start(&token, &options);
	if (rc != RC_OK)
		return rc;
	return o->uri != NULL ? token_list_one(token, o, tokens)
			      : token_list_all(token, o, tokens);
}

enum rc
cmd_list(struct cmd_env *env, int argc, char **argv)
{
	struct list_options o = { .module = NULL };
	const struct cmd_option options[] = {
		{ .name = "module",
		    .value = "FILE",
		    .help = "look in this PKCS#11 module only",
		    .text = &o.module },
		{ .name = "login",
		    .help =
			"log in to the token named, to see private keys too",
		    .flag = &o.login },
		{ .name = "pin-source",
		    .value = "FILE",
		    .help = "log in with the PIN in this file",
		    .text = &o.pin_source },
		{ .name = "last-try",
		    .help = "use a token's final PIN try",
		    .flag = &o.last_try },
		{ .name = "token-network",
		    .help = "the module reaches its token over TCP",
		    .flag = &o.network },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	json_t *tokens = NULL;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_uri(env, &operands, &o.uri);
	if (rc != RC_OK)
		return rc;
	o.login = o.login || o.pin_source != NULL;
	if (!env->json)
		return token_list_run(&o, NULL);
	tokens = json_array();
	if (tokens == NULL)
		return err_memory();
	rc = token_list_run(&o, tokens);
	if (rc != RC_OK) {
		json_decref(tokens);
		return rc;
	}
	return cmd_json(json_pack("{s:o}", "tokens", tokens));
}
