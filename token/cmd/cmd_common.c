/* SPDX-License-Identifier: Apache-2.0 */
/* From a URI on the command line to a key that is logged in: what `check` and
 * `bench` begin with. */
#include "token/cmd/cmd.h"

#include "base/hex.h"

#include <stdlib.h>

enum rc
cmd_uri(const struct cmd_env *env, const struct cmd_list *operands,
    const char **ret)
{
	if (operands->n != 0)
		return cmd_operand_one(env, operands, "URI", ret);
	*ret = NULL; /* the only token, or the only key */
	return RC_OK;
}

enum rc
cmd_number(const char *option, const char *text, unsigned min, unsigned max,
    unsigned *ret)
{
	char *end = NULL;
	unsigned long value;

	if (text == NULL)
		return RC_OK;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || value < min ||
	    value > max)
		return err_set(RC_USAGE,
		    "--%s %s: a number from %u to %u is wanted", option, text,
		    min, max);
	*ret = (unsigned)value;
	return RC_OK;
}

void
cmd_key_wipe(struct cmd_key *key)
{
	token_key_wipe(&key->key);
	token_free(key->token);
	key->token = NULL;
}

enum rc
cmd_key_open(
    struct cmd_key *ret, const char *uri, const struct token_options *options)
{
	WIPED(cmd_key) key = { .token = NULL };
	enum rc rc = token_start(&key.token, options);

	if (rc == RC_OK)
		rc = token_open(key.token, uri, &key.info);
	if (rc == RC_OK)
		rc = token_login(key.token);
	if (rc == RC_OK)
		rc = token_find_key(key.token, uri, &key.key);
	if (rc == RC_OK && key.key.spki.n == 0)
		rc = err_set(RC_TOKEN,
		    "the key \"%s\" has no public half on the token, or is of a type that is not used here",
		    key.key.label);
	if (rc == RC_OK)
		rc = token_use_key(
		    key.token, buf_span(&key.key.spki), &key.handle);
	if (rc != RC_OK)
		return rc;
	*ret = key;
	key = (struct cmd_key){ .token = NULL };
	return RC_OK;
}

/* What a token promises of a private half that it does not show is unknown. */
static json_t *
promise(const struct token_key *key, bool value)
{
	return key->has_private ? json_boolean(value) : json_null();
}

json_t *
cmd_json_key(const struct token_key *key)
{
	uint8_t digest[SHA256_LEN];
	json_t *spki = json_null();

	if (key->spki.n != 0 && sha256(buf_span(&key->spki), digest) == RC_OK)
		spki = cmd_json_hex(span_of(digest, sizeof(digest)));
	return json_pack(
	    "{s:o,s:o,s:o,s:s,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "uri",
	    cmd_json_text(span_str(key->uri)), "label",
	    cmd_json_text(span_str(key->label)), "id",
	    cmd_json_hex(span_of(key->id, key->id_len)), "type", key->type,
	    "spki_sha256", spki, "has_private", key->has_private, "sensitive",
	    promise(key, key->sensitive), "extractable",
	    promise(key, key->extractable), "always_sensitive",
	    promise(key, key->always_sensitive), "never_extractable",
	    promise(key, key->never_extractable), "made_here",
	    promise(key, key->local), "always_authenticate",
	    promise(key, key->always_authenticate), "sign",
	    promise(key, key->sign), "decrypt", promise(key, key->decrypt));
}

json_t *
cmd_json_info(const struct token_info *info)
{
	json_t *pin = json_pack("{s:b,s:b,s:b,s:b,s:b}", "set", info->pin_set,
	    "count_low", info->count_low, "final_try", info->final_try,
	    "locked", info->locked, "protected_path", info->protected_path);

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "uri",
	    cmd_json_text(span_str(info->uri)), "label",
	    cmd_json_text(span_str(info->label)), "manufacturer",
	    cmd_json_text(span_str(info->manufacturer)), "model",
	    cmd_json_text(span_str(info->model)), "serial",
	    cmd_json_text(span_str(info->serial)), "initialised",
	    info->initialised, "pin", pin);
}
