/* SPDX-License-Identifier: Apache-2.0 */
/* `transfer-key`: another key for the transfer, shown, confirmed, and sent to
 * every requester. What vouches for it is in ca/lifecycle/successor.c. */
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/lifecycle/successor.h"
#include "transfer/judge/judge.h"

/* ---- before and after ---------------------------------------------------- */

static void
transfer_key_show_review(const struct successor *s, const char *out)
{
	term_bold("A new transfer key\n");
	if (s->key.type != NULL)
		term_field("key", "new, %s, made on the token", s->key.type);
	else
		term_field("key", "adopted: %s", s->key.uri);
	for (size_t i = 0; i < s->n; i++)
		term_field(
		    i == 0 ? "requesters" : "", "%s", s->requesters[i].label);
	if (s->n == 0)
		term_field("requesters", "none");
	term_field("medium", "%s", out == NULL ? "none" : out);
	if (s->act->interfaces.n != 0)
		term_alarm("network: %.*s is up; that is recorded.\n",
		    SPAN_FMT(buf_span(&s->act->interfaces)));
}

static void
show_outcome(const struct successor *s)
{
	if (s->old_works && s->n != 0)
		term_say(
		    "The old key vouches for the new one: each requester takes it over with its next install.\n");
	if (!s->old_works)
		term_alarm(
		    "The old key is gone and vouches for nothing: on each requester, compare the words again:\n"
		    "  airgap-transfer enroll MEDIA --replace\n");
}

static enum rc
write_all(const struct successor *s, json_t *responses)
{
	enum rc rc = cmd_put_change(
	    s->act, s->responses, s->n, buf_span(&s->card), responses);

	return rc == RC_OK
		   ? RC_OK
		   : err_in(rc,
			 "the new transfer key is in force, but not all is written: 'airgap-ca export STICK' writes its card, and 'airgap-ca resend STICK' each response; because");
}

/* ---- the run ------------------------------------------------------------- */

static enum rc
install(struct cmd_env *env, struct successor *s, json_t *responses)
{
	enum rc rc = successor_unlock(s);

	if (rc == RC_OK)
		rc = successor_install(s);
	if (rc != RC_OK)
		return !s->key.made
			   ? rc
			   : err_in(rc,
				 "the new key stays on the token: go on with --use-key '%s'; because",
				 s->key.key.uri);
	show_outcome(s);
	rc = write_all(s, responses);
	if (rc != RC_OK || !env->json)
		return rc;
	return cmd_json(json_pack("{s:o,s:b,s:O}", "ca_id",
	    cmd_json_hex(span_of(s->act->ca.ca_id, SHA256_LEN)), "trust_change",
	    s->old_works, "responses", responses));
}

static enum rc
transfer_key_run(struct cmd_env *env, struct successor *s, const char *out)
{
	json_t *responses = json_array();
	bool yes = env->yes;
	enum rc rc = responses == NULL ? err_memory() : successor_plan(s);

	if (rc == RC_OK)
		transfer_key_show_review(s, out);
	if (rc == RC_OK && !env->dry_run)
		rc = term_confirm(
		    "Make it the transfer key? Type Yes: ", "--yes", &yes);
	if (rc == RC_OK && !env->dry_run)
		rc = yes ? install(env, s, responses)
			 : err_set(
			       RC_POLICY, "not confirmed: nothing was changed");
	json_decref(responses);
	return rc;
}

static enum rc
transfer_key_check_key(const struct cmd_env *env, const struct own_key *key)
{
	if ((key->uri == NULL) == (key->type == NULL))
		return cmd_wants(
		    env, "one of --use-key URI and --key-type TYPE");
	return key->type == NULL ? RC_OK : own_key_type_check(key->type);
}

enum rc
cmd_transfer_key(struct cmd_env *env, int argc, char **argv)
{
	struct act_options o = { 0 };
	WIPED(cmd_list) operands = { 0 };
	WIPED(act) act = ACT_NONE;
	WIPED(successor) s = { .act = &act, .key = { .what = "transfer key" } };
	bool done = false;
	const struct cmd_option options[] = {
		{ .name = "use-key",
		    .value = "URI",
		    .text = &s.key.uri,
		    .help = "adopt this key of the CA's token" },
		{ .name = "key-type",
		    .value = "TYPE",
		    .text = &s.key.type,
		    .help = "make a new one: ec-p256, ec-p384, rsa-BITS" },
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
		rc = transfer_key_check_key(env, &s.key);
	o.home = env->home;
	o.dry_run = env->dry_run;
	if (rc == RC_OK)
		rc = act_start(&o, &act);
	if (rc == RC_OK)
		rc = act_open(&o, &act);
	if (rc == RC_OK)
		rc = cmd_check_medium(&act, o.out);
	if (rc == RC_OK) /* else a new key would be made in vain */
		rc = judge_ready(&act.judge);
	return rc == RC_OK ? transfer_key_run(env, &s, o.out) : rc;
}
