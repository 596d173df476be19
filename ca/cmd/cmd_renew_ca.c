/* SPDX-License-Identifier: Apache-2.0 */
/* `renew-ca`: the same key for longer. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_change_ca.h"
#include "ca/cmd/cmd_common.h"

/* Said before the PIN: who finds out afterwards has renewed in vain. */
static enum rc
renew_ca_review(const struct change_ca *c)
{
	char end[CLOCK_TEXT];

	clock_write(c->old.not_after, end);
	term_say(
	    "Key, name and key identifier stay: certificates and CRLs of the old certificate are good under the new one.\n"
	    "What it does not help:\n"
	    "  - whoever has only the old certificate refuses all from %.10s on, even where a server sends the new one: give the new one to them before.\n"
	    "  - a certificate whose authorityKeyIdentifier names issuer and serial, as other software makes them, is refused under the new one by OpenSSL. This CA makes none of that kind.\n",
	    end);
	return RC_OK;
}

enum rc
cmd_renew_ca(struct cmd_env *env, int argc, char **argv)
{
	static const struct change_ca_words words = {
		.title = "The CA's certificate is renewed",
		.ask = "Renew it? Type Yes: ",
		.again = "airgap-ca renew-ca",
		.review = renew_ca_review,
	};
	struct act_options o = { 0 };
	WIPED(cmd_list) operands = { 0 };
	WIPED(act) act = ACT_NONE;
	WIPED(change_ca) c = { .act = &act, .change = CA_RENEWED };
	bool done = false;
	const struct cmd_option options[] = {
		{ .name = "days",
		    .value = "N",
		    .text = &c.days,
		    .help = "valid from now on (3650)" },
		{ .name = "out",
		    .value = "MEDIA",
		    .text = &o.out,
		    .help = "write the responses and the new card there" },
		CMD_TOKEN_OPTIONS(o, o.token),
		{ 0 },
	};
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operands_none(env, &operands);
	return rc == RC_OK ? cmd_change_ca(env, &o, &c, &words) : rc;
}
