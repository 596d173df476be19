/* SPDX-License-Identifier: Apache-2.0 */
/** What the commands that use the token share. */
#ifndef CA_CMD_CMD_COMMON_H
#define CA_CMD_CMD_COMMON_H

#include "base/cmd.h"
#include "ca/home/act.h"
#include "ca/response/response.h"
#include "token/token.h"
#include "transfer/media/media.h"

/** Rows of a table of options: `o` has allow_network, `t` is a struct
 * token_options. */
/* clang-format off */
#define CMD_TOKEN_OPTIONS(o, t)                                                \
	{ .name = "allow-network", .flag = &(o).allow_network,                 \
	  .help = "sign although a network interface is up; recorded" },       \
	{ .name = "last-try", .flag = &(t).last_try,                           \
	  .help = "use a token at its final PIN try" },                        \
	{ .name = "token-network", .flag = &(t).network,                       \
	  .help = "the token's module reaches it over TCP" },                  \
	{ .name = "ask-each", .flag = &(t).ask_each,                           \
	  .help = "ask for the PIN before each signature" }
/* clang-format on */

/** Write a card to the medium, and say where and how far it was read back. */
enum rc cmd_put_card(const struct media *media,
    const uint8_t ca_id[static SHA256_LEN], struct span file) MUST_CHECK;

/** Before anything that makes a response of the next number: does the medium at `path`
 * (NULL: none) know more of this CA than its ledger? The act's own, or of a dry run what
 * lies there. \retval RC_STATE rule RESPONSE-AHEAD; RC_IO */
enum rc cmd_check_medium(const struct act *act, const char *path) MUST_CHECK;

/** Write what tells of a change of the CA's own to the act's medium, and say where:
 * the responses (NULL: there are none to make) and the card behind them. Without a
 * medium it is said what writes them. \param dirs  gets each response's directory */
enum rc cmd_put_change(const struct act *act, struct response *responses,
    size_t n, struct span card, json_t *dirs) MUST_CHECK;

/** The words and fingerprint of the CA for a person to compare; with --json
 * {"ca_id","fingerprint"}. */
enum rc cmd_show_ca(struct cmd_env *env, const struct ledger_ca *ca) MUST_CHECK;

#endif
