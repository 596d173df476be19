/* SPDX-License-Identifier: Apache-2.0 */
/* airgap-token: the table of its commands. It links nothing of transfer/ and
 * knows of no CA. */
#include "token/cmd/cmd.h"

/* clang-format off */
static const struct cmd cmds[] = {
	{ "list", cmd_list,
	  "[URI] [--module FILE] [--login] [--pin-source FILE] [--last-try]\n"
	  "    [--token-network]",
	  "show tokens, their keys, and what each key promises" },
	{ "init", cmd_init,
	  "--module FILE --label L [--so-pin-source FILE] [--pin-source FILE]\n"
	  "    [--token-network]",
	  "prepare an empty token: label, SO PIN, PIN" },
	{ "keygen", cmd_keygen,
	  "[URI] --label L [--id HEX] --type T [--module FILE] [--last-try]\n"
	  "    [--token-network]",
	  "make a key pair on the token" },
	{ "check", cmd_check,
	  "[URI] [--module FILE] [--last-try]\n"
	  "    [--token-network]",
	  "prove a key: what it promises, and that it signs" },
	{ "bench", cmd_bench,
	  "[URI] [--seconds N] [--threads N] [--module FILE] [--last-try]\n"
	  "    [--token-network]",
	  "measure how fast a key signs" },
	{ 0 },
};
/* clang-format on */

static const struct cmd_program program = {
	.name = "airgap-token",
	.about = "Look at PKCS#11 tokens, prepare them, make and prove keys",
	.cmds = cmds,
};

int
main(int argc, char **argv)
{
	return cmd_main(&program, argc, argv);
}
