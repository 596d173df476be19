/* SPDX-License-Identifier: Apache-2.0 */
/* airgap-ca: the table of its commands. Their options are in their own
 * files. */
#include "ca/cmd/cmd.h"
#include "transfer/rule.h"

/* clang-format off */
static const struct cmd cmds[] = {
	{ "init", cmd_init,
	  "--subject DN [--csr FILE] | --adopt FILE [--index FILE] [--certs DIR] [--crlnumber N]\n"
	  "    [--token URI] [--key-type TYPE | --use-key URI]\n"
	  "    [--transfer-key URI] [--days N] [--date WORDS] [--serial N]\n"
	  "    [--path-len N]\n"
	  "    [--scope DOMAIN]... [--scope-ip CIDR]... [--scope-email DOMAIN]...\n"
	  "    [--profiles LIST] [--constraints HOW] [--constrain-srv]\n"
	  "    [--out MEDIA]",
	  "make a CA on a token, or take one over" },
	{ "import", cmd_import,
	  "FILE... [--token URI] [--use-key URI]\n"
	  "    [--transfer-key URI] [--date WORDS] [--out MEDIA]",
	  "the certificate that another CA gave one of init --csr" },
	{ "export", cmd_export,
	  "MEDIA",
	  "write the CA's card again" },
	{ "transfer-key", cmd_transfer_key,
	  "--use-key URI | --key-type TYPE [--out MEDIA]",
	  "put another transfer key in place of the present one" },
	{ "renew-ca", cmd_renew_ca, "[--days N] [--out MEDIA]",
	  "the CA's certificate for longer, of the same key" },
	{ "rollover", cmd_rollover,
	  "[--key-type T | --use-key URI] [--subject DN]\n"
	  "    [--days N] [--out MEDIA]",
	  "a new key for the CA, which the old one vouches for" },
	{ "sign", cmd_sign,
	  "MEDIA|FILE [--out MEDIA] [--expect HEX]...\n"
	  "    [--loose --profile P [--name TYPE:X]...]",
	  "sign the requests on a stick" },
	{ "resend", cmd_resend,
	  "MEDIA [--requester LABEL] [--from SEQ]",
	  "past responses onto a stick again, without the token" },
	{ "check", cmd_check, "MEDIA",
	  "is what lies on a stick what the ledger says was written" },
	{ "backup", cmd_backup, "FILE|MEDIA",
	  "copy ledger and policy, as one file" },
	{ "restore", cmd_restore, "FILE [--token URI]",
	  "make the home of a CA from its backup" },
	{ "recover", cmd_recover, "MEDIA | [MEDIA] --crl FILE | --lost WORDS",
	  "bring back from the online sides what a restored ledger lacks" },
	{ "abandon", cmd_abandon, "BUNDLE MEDIA | --lost ID [--requester LABEL]",
	  "close a bundle that cannot be finished" },
	{ "revoke", cmd_revoke,
	  "SERIAL|FILE|NAME --reason REASON [--since TIME] [--key]",
	  "revoke certificates, with the next CRL" },
	{ "crl", cmd_crl,
	  "MEDIA [--series N --every DUR [--overlap DUR]]",
	  "sign a series of CRLs, and a response with it for each requester" },
	{ "emergency", cmd_emergency, "LABEL",
	  "the passphrase of a requester's shadow CRLs, for paper" },
	{ "requester", cmd_requester, "list | remove LABEL",
	  "the online sides that are enrolled" },
	{ "clock", cmd_clock, "accept",
	  "vouch for a clock that signing stops at" },
	{ "list", cmd_list, "",
	  "every certificate: serial, end, status, names" },
	{ "show", cmd_show, "SERIAL [--pem]",
	  "one certificate and how it came to be" },
	{ "status", cmd_status, "[--within DUR]",
	  "what is due, pending or unfinished (exits 1 when something is due)" },
	{ "ledger", cmd_ledger, "[verify [--head FILE]...]",
	  "the ledger's records, or whether it is whole" },
	{ "policy", cmd_policy, "check [FILE]",
	  "does the policy parse, and what does it say" },
	{ 0 },
};
/* clang-format on */

static const struct cmd_program program = {
	.name = "airgap-ca",
	.about = "The offline certificate authority",
	.home_variable = "AIRGAP_CA_HOME",
	.cmds = cmds,
	.rule = rule_describe,
};

int
main(int argc, char **argv)
{
	return cmd_main(&program, argc, argv);
}
