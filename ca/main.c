/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd.h"

/* clang-format off */
static const struct cmd cmds[] = {
	{ "init", cmd_init,
	  "--subject DN [--token URI] [--key-type TYPE | --use-key URI]\n"
	  "    [--transfer-key URI] [--days N] [--serial N] [--path-len N]\n"
	  "    [--scope DOMAIN]... [--profiles LIST] [--constrain-srv]\n"
	  "    [--out MEDIA]",
	  "make a CA on a token" },
	{ "export", cmd_export,
	  "MEDIA",
	  "write the CA's card again" },
	{ "sign", cmd_sign,
	  "MEDIA|FILE [--out MEDIA] [--expect HEX]...",
	  "sign the requests on a stick" },
	{ 0 },
};
/* clang-format on */

static const struct cmd_program program = {
	.name = "airgap-ca",
	.about = "The offline certificate authority",
	.home_variable = "AIRGAP_CA_HOME",
	.cmds = cmds,
};

int
main(int argc, char **argv)
{
	return cmd_main(&program, argc, argv);
}
