/* SPDX-License-Identifier: Apache-2.0 */
/* airgap-transfer: the table of its commands. It links nothing of token/. */
#include "transfer/online/cmd/cmd.h"
#include "transfer/rule.h"

/* clang-format off */
static const struct cmd cmds[] = {
	{ "enroll", cmd_enroll,
	  "MEDIA|CARD [--label NAME] [--expect HEX] [--replace] [--go-back]",
	  "pin a CA by its card, and make this host's key" },
	{ "request", cmd_request,
	  "[CSR|DIR...] --profile P [--name TYPE:X]... [--new-key TYPE]"
	  " [--domain D]... [--component D]... [--host H]... [--jid J]"
	  " [--days N | --series NxDUR[+DUR]] [--expires DUR] [--comment TEXT]"
	  " [--beside] [--crl NxDUR[+DUR]]"
	  " --out MEDIA | --replace NAME --reason R [--since TIME] --out MEDIA"
	  " | --renew [NAME...] [--within DUR] --out MEDIA"
	  " | --again --out MEDIA",
	  "put certificate requests on a stick" },
	{ "revoke", cmd_revoke,
	  "SERIAL|CERT-FILE|NAME --reason R [--since TIME] [--key] [--profile P]"
	  " --out MEDIA",
	  "ask the CA to revoke certificates" },
	{ "withdraw", cmd_withdraw, "BUNDLE",
	  "take a bundle back that has no answer" },
	{ "verify", cmd_verify, "MEDIA [--loose]",
	  "prove the responses on a stick, and store nothing" },
	{ "install", cmd_install, "MEDIA [--csr FILE... [--name TYPE:X]...]",
	  "prove the responses on a stick, and store them" },
	{ "history", cmd_history, "--out MEDIA [--from SEQ]",
	  "give the CA's responses back, for a CA that lost its ledger" },
	{ "list", cmd_list, "", "list the certificates of this host" },
	{ "status", cmd_status, "[--within DUR]",
	  "tell what is due: certificates, open bundles, visits" },
	{ "deploy", cmd_deploy,
	  "NAME --format pemfile|cert|chain|fullchain|p12 --to FILE [--key FILE]"
	  " [--key-from FILE] [--pass-source FILE] [--p12 legacy]"
	  " [--reload CMD] [--profile P] [--key-type TYPE] [--take-over]"
	  " | --format crl|ca+crl|crl-dir|index --to FILE [--reload CMD] [--take-over]"
	  " | --forget FILE",
	  "write the certificate or the CRLs that are due to a server's files" },
	{ "rotate", cmd_rotate, "[--within DUR]",
	  "bring all that was deployed to what is due" },
	{ "emergency", cmd_emergency, "[--pass-source FILE]",
	  "a key leaked: publish the CRLs that revoke all of this host" },
	{ "forget", cmd_forget, "NAME [--profile P]",
	  "give a name up, and all that is deployed of it" },
	{ "publish", cmd_publish, "DIR [NAME] [--profile P] [--take-over] | --forget DIR",
	  "put CA certificate, CRLs and POSH documents into a web root" },
	{ "posh", cmd_posh, "NAME [--profile P]",
	  "print the POSH document of a name (RFC 7711)" },
	{ "tlsa", cmd_tlsa, "NAME [--host H] [--port N]... [--profile P]",
	  "print the TLSA records of a name (RFC 6698)" },
	{ "inspect", cmd_inspect, "FILE [--words]",
	  "print a bundle, manifest or card as text" },
	{ 0 },
};
/* clang-format on */

int
main(int argc, char **argv)
{
	static const struct cmd_program program = {
		.name = "airgap-transfer",
		.about = "the online side of an air-gapped CA",
		.home_variable = "AIRGAP_TRANSFER_HOME",
		.cmds = cmds,
		.rule = rule_describe,
	};

	return cmd_main(&program, argc, argv);
}
