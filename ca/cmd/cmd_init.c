/* SPDX-License-Identifier: Apache-2.0 */
/* `init`: what is typed. The review and the question are in make_ca.c, the
 * steps in ca/lifecycle/init.c. */
#include "base/clock.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/cmd/make_ca.h"

static enum rc
ca_init_run(struct cmd_env *env, const struct init_options *options,
    struct token *token)
{
	WIPED(init) init = { 0 };
	enum rc rc = init_check(options, token, &init);

	return rc != RC_OK ? rc
			   : cmd_make_ca(env, &init,
				 options->adopted == NULL
				     ? options->csr == NULL
					   ? "Make this CA? Type Yes: "
					   : "Ask for this CA? Type Yes: "
				     : "Take over this CA? Type Yes: ");
}

static enum rc
read_adopted(const struct adopt_options *options, struct adoption *adoption,
    struct init_options *ret)
{
	int64_t now = 0;
	enum rc rc;

	if (options->ca == NULL &&
	    (options->index != NULL || options->certs != NULL ||
		options->crl_number != NULL))
		return err_set(RC_USAGE,
		    "--index, --certs and --crlnumber are of a CA that is adopted: --adopt CA.pem");
	if (options->ca == NULL)
		return RC_OK;
	rc = clock_now(&now);
	if (rc == RC_OK)
		rc = adoption_read(options, now, adoption);
	if (rc == RC_OK)
		ret->adopted = adoption;
	return rc;
}

enum rc
cmd_init(struct cmd_env *env, int argc, char **argv)
{
	struct init_options o = { 0 };
	struct adopt_options adopt = { 0 };
	struct token_options t = { 0 };
	WIPED(adoption) adoption = { 0 };
	WIPED(cmd_list) operands = { 0 };
	OWNS(token) *token = NULL;
	bool done = false;
	/* clang-format off */
	const struct cmd_option options[] = {
		{ .name = "subject", .value = "DN", .text = &o.subject,
		  .help = "the CA's name, as \"CN=XMPP CA, O=Example\"" },
		{ .name = "token", .value = "URI", .text = &o.token,
		  .help = "the token; not needed when only one is present" },
		{ .name = "key-type", .value = "TYPE", .text = &o.key_type,
		  .help = "make a new CA key: ec-p256 (default), ec-p384, rsa-BITS" },
		{ .name = "use-key", .value = "URI", .text = &o.use_key,
		  .help = "adopt this key of the token as CA key" },
		{ .name = "transfer-key", .value = "URI", .text = &o.transfer_key,
		  .help = "adopt this one as transfer key; else a new ec-p256" },
		{ .name = "days", .value = "N", .text = &o.days,
		  .help = "validity from now (3650)" },
		{ .name = "date", .value = "WORDS", .text = &o.date,
		  .help = "today's date, as \"3 May 2031\": for a clock in doubt" },
		{ .name = "serial", .value = "N", .text = &o.serial,
		  .help = "serial of the CA certificate; else random" },
		{ .name = "path-len", .value = "N", .text = &o.path_len,
		  .help = "how many CAs may stand below this one (1; 2 with sub-ca)" },
		{ .name = "scope", .value = "DOMAIN", .list = &o.scopes,
		  .help = "certify only names in this domain and below; repeat" },
		{ .name = "scope-ip", .value = "CIDR", .list = &o.scope_ip,
		  .help = "only IP addresses in this range, as 192.0.2.0/24; repeat" },
		{ .name = "scope-email", .value = "DOMAIN", .list = &o.scope_email,
		  .help = "only mail addresses in this domain and below; repeat" },
		{ .name = "profiles", .value = "LIST", .text = &o.profiles,
		  .help = "profiles of policy.conf, as xmpp,tls (tls)" },
		{ .name = "constraints", .value = "HOW", .text = &o.constraints,
		  .help = "critical (default), non-critical or none: see the review" },
		{ .name = "constrain-srv", .flag = &o.constrain_srv,
		  .help = "SRVName subtrees too: OpenSSL refuses SRVNames, Go everything" },
		{ .name = "out", .value = "MEDIA", .text = &o.out,
		  .help = "write the CA's card there" },
		{ .name = "csr", .value = "FILE", .text = &o.csr,
		  .help = "let another CA certify this one: write the request there" },
		{ .name = "adopt", .value = "FILE", .text = &adopt.ca,
		  .help = "take over the CA of this certificate, whose key is --use-key" },
		{ .name = "index", .value = "FILE", .text = &adopt.index,
		  .help = "of it: index.txt of openssl ca or easy-rsa" },
		{ .name = "certs", .value = "DIR", .text = &adopt.certs,
		  .help = "of it: the certificates that it issued, a file each" },
		{ .name = "crlnumber", .value = "N", .text = &adopt.crl_number,
		  .help = "of it: the next CRL number, or openssl's file of it" },
		CMD_TOKEN_OPTIONS(o, t),
		{ 0 },
	};
	/* clang-format on */
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK && !done)
		rc = cmd_operands_none(env, &operands);
	o.home = env->home;
	o.dry_run = env->dry_run;
	t.hidden[0] = env->home;
	t.hidden[1] = o.out;
	/* First of all: nothing is open yet that a child could inherit. */
	if (rc == RC_OK && !done)
		rc = read_adopted(&adopt, &adoption, &o);
	if (rc == RC_OK && !done)
		rc = token_start(&token, &t);
	if (rc == RC_OK && !done)
		rc = ca_init_run(env, &o, token);
	cmd_list_wipe(&o.scopes);
	cmd_list_wipe(&o.scope_ip);
	cmd_list_wipe(&o.scope_email);
	return rc;
}
