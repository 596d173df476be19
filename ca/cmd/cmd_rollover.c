/* SPDX-License-Identifier: Apache-2.0 */
/* `rollover`: a new key for the CA, and certificates across from either to the
 * other. */
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_change_ca.h"
#include "ca/cmd/cmd_common.h"
#include "transfer/policy/policy_points.h"
#include "transfer/x509/crl_points.h"

/* Of a place that no mark tells apart both keys' certificates will say that
 * their list is there. */
static void
show_place(const struct text_list *uris, size_t i, bool *ret_first)
{
	const char *uri = uris->items[i];

	if (crl_uri_file(span_str(uri)).n == 0)
		term_alarm(
		    "%s: certificates of both keys name that place for their list (CRL), and each key has one of its own. Whoever looks there for that of the other key finds none: take it out of extension.crlDistributionPoints first, or serve both.\n",
		    uri);
	else
		term_field(*ret_first ? "lists" : "", "%s", uri);
	*ret_first = false;
}

/* The old key's keep theirs: its certificates name that for as long as they
 * live. */
static enum rc
review_lists(const struct change_ca *c)
{
	WIPED(text_list) uris = { 0 };
	bool first = true;
	enum rc rc = policy_points(&c->act->policy, "KEY", &uris);

	for (size_t i = 0; i < uris.n && rc == RC_OK; i++)
		show_place(&uris, i, &first);
	if (rc == RC_OK && uris.n != 0)
		term_say(
		    "That is where certificates of the new key say that its lists (CRLs) are, KEY being the first %d digits of its SHA-256. The old key's stay where they are; 'airgap-transfer publish DIR' keeps both in place.\n",
		    CRL_MARK_LEN);
	return rc;
}

static enum rc
rollover_review(const struct change_ca *c)
{
	term_say(
	    "The old key signs the new one (new-with-old) and the new key the old one (old-with-new): servers send them along, so that clients with either root go on. Leave the old key on the token: until its certificate ends, CRLs are signed with both.\n");
	if (c->act->ca.n_own > 1 &&
	    c->act->ca.own[c->act->ca.n_own - 1].over.n != 0)
		term_say(
		    "The key before this one is left behind: clients that have only its root find no way to the new key. Roll over when they have the present one.\n");
	if (c->old.path_len == 0)
		term_alarm(
		    "The CA's certificate allows no CA below it (path length 0): clients with the old root alone that use GnuTLS, mbed TLS or Go refuse new certificates; OpenSSL, NSS, Java and Erlang accept them. Give those the new root first.\n"
		    "The new certificate allows one, so that the next rollover has no such end.\n");
	if (!c->new_name)
		term_say(
		    "Both keys have one name: clients of NSS and mbed TLS cannot use CRLs of both. --subject DN rolls over to a new name instead.\n");
	return review_lists(c);
}

static enum rc
rollover_check_key(struct cmd_env *env, struct own_key *key)
{
	if (key->uri != NULL && key->type != NULL)
		return cmd_wants(
		    env, "one of --use-key URI and --key-type TYPE");
	if (key->uri == NULL && key->type == NULL)
		key->type = OWN_KEY_TYPE;
	return key->type == NULL ? RC_OK : own_key_type_check(key->type);
}

enum rc
cmd_rollover(struct cmd_env *env, int argc, char **argv)
{
	static const struct change_ca_words words = {
		.title = "The CA gets a new key",
		.ask = "Make it the CA's key? Type Yes: ",
		.again = "airgap-ca rollover",
		.review = rollover_review,
	};
	struct act_options o = { 0 };
	WIPED(cmd_list) operands = { 0 };
	WIPED(act) act = ACT_NONE;
	WIPED(change_ca)
	c = { .act = &act,
		.change = CA_ROLLED_OVER,
		.key = { .what = "CA key" } };
	bool done = false;
	const struct cmd_option options[] = {
		{ .name = "key-type",
		    .value = "TYPE",
		    .text = &c.key.type,
		    .help = "make a new key: ec-p256, ec-p384, rsa-BITS" },
		{ .name = "use-key",
		    .value = "URI",
		    .text = &c.key.uri,
		    .help = "adopt this key of the CA's token" },
		{ .name = "subject",
		    .value = "DN",
		    .text = &c.subject,
		    .help = "roll over to a new name" },
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
	if (rc == RC_OK)
		rc = rollover_check_key(env, &c.key);
	return rc == RC_OK ? cmd_change_ca(env, &o, &c, &words) : rc;
}
