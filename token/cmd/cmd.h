/* SPDX-License-Identifier: Apache-2.0 */
/** The commands of airgap-token, and what they share. */
#ifndef TOKEN_CMD_CMD_H
#define TOKEN_CMD_CMD_H

#include "base/cmd.h"
#include "token/token.h"

enum rc cmd_list(struct cmd_env *env, int argc, char **argv);
enum rc cmd_init(struct cmd_env *env, int argc, char **argv);
enum rc cmd_keygen(struct cmd_env *env, int argc, char **argv);
enum rc cmd_check(struct cmd_env *env, int argc, char **argv);
enum rc cmd_bench(struct cmd_env *env, int argc, char **argv);

/** The one operand, or NULL. \retval RC_USAGE more than one */
enum rc cmd_uri(const struct cmd_env *env, const struct cmd_list *operands,
    const char **ret) MUST_CHECK;

/** Rows of a table of options, for a command about one key: `t` is a struct
 * token_options. */
/* clang-format off */
#define CMD_KEY_OPTIONS(t)                                                     \
	{ .name = "module", .value = "FILE", .text = &(t).module,              \
	  .help = "the module, when the URI has no module-path" },             \
	{ .name = "last-try", .flag = &(t).last_try,                           \
	  .help = "use the token's final PIN try" },                           \
	{ .name = "token-network", .flag = &(t).network,                       \
	  .help = "the module reaches its token over TCP" }
/* clang-format on */

/** Start, open, log in and find the key that the URI means. */
struct cmd_key {
	struct token *token;
	struct token_info info;
	struct token_key key;
	unsigned handle; /* for token_sign */
};
enum rc cmd_key_open(struct cmd_key *ret, const char *uri,
    const struct token_options *options) MUST_CHECK;
void cmd_key_wipe(struct cmd_key *key);

/** A whole number within limits. \retval RC_USAGE it is none */
enum rc cmd_number(const char *option, const char *text, unsigned min,
    unsigned max, unsigned *ret) MUST_CHECK;

json_t *cmd_json_key(const struct token_key *key);
json_t *cmd_json_info(const struct token_info *info);

#endif
