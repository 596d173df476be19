/* SPDX-License-Identifier: Apache-2.0 */
/* Another certificate of the CA's own, shown, confirmed, and sent to every
 * requester. What vouches for it is in ca/lifecycle/change_ca.c. */
#include "ca/cmd/cmd_change_ca.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/subject.h"

/* ---- before -------------------------------------------------------------- */

static enum rc
show_name(const struct change_ca *c)
{
	const uint8_t *p = c->name.p;
	OWN(X509_NAME) *name = d2i_X509_NAME(NULL, &p, (long)c->name.n);
	WIPED(buf) text = { 0 };
	enum rc rc = name == NULL ? err_openssl(RC_BUG, "the CA's name")
				  : subject_print(name, &text);

	if (rc == RC_OK)
		term_field("subject", "%.*s%s", SPAN_FMT(buf_span(&text)),
		    c->new_name ? " (new)" : "");
	return rc;
}

static void
show_dates(const struct change_ca *c)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT], at[CLOCK_TEXT];

	clock_write(c->old.not_after, to);
	term_field("so far", "until %s", to);
	clock_write(c->not_before, from);
	clock_write(c->not_after, to);
	term_field("valid", "%s to %s", from, to);
	if (c->goes_on) {
		clock_write(c->begun.at, at);
		term_field("begun", "at %s; it is gone on with", at);
	}
	if (c->dropped) {
		clock_write(c->begun.at, at);
		term_say(
		    "What was begun at %s is dropped; nothing of it has left.\n",
		    at);
	}
}

static enum rc
change_ca_show_review(const struct change_ca *c,
    const struct change_ca_words *words, const char *out)
{
	enum rc rc;

	term_bold("%s\n", words->title);
	rc = show_name(c);
	show_dates(c);
	if (c->change == CA_ROLLED_OVER && !c->goes_on && c->key.type != NULL)
		term_field("key", "new, %s, made on the token", c->key.type);
	else if (c->change == CA_ROLLED_OVER && c->key.uri != NULL)
		term_field("key", "adopted: %s", c->key.uri);
	for (size_t i = 0; i < c->n_requesters; i++)
		term_field(
		    i == 0 ? "requesters" : "", "%s", c->requesters[i].label);
	if (c->n_requesters == 0)
		term_field("requesters", "none");
	term_field("medium", "%s", out == NULL ? "none" : out);
	rc = words->review(c);
	if (rc != RC_OK)
		return rc;
	if (!c->vouched)
		term_alarm(
		    "The transfer certificate has ended with the CA's: no requester can take this over by itself. On each, compare the words again afterwards:\n"
		    "  airgap-transfer enroll MEDIA --replace\n");
	if (c->act->interfaces.n != 0)
		term_alarm("network: %.*s is up; that is recorded.\n",
		    SPAN_FMT(buf_span(&c->act->interfaces)));
	return rc;
}

/* ---- after --------------------------------------------------------------- */

static enum rc
change_ca_write_all(const struct change_ca *c, json_t *responses)
{
	enum rc rc = cmd_put_change(c->act, c->responses, c->n_requesters,
	    buf_span(&c->card), responses);

	return rc == RC_OK
		   ? RC_OK
		   : err_in(rc,
			 "the CA has its new certificate, but not all is written: 'airgap-ca export STICK' writes its card, and 'airgap-ca resend STICK' each response; because");
}

/* ---- the run ------------------------------------------------------------- */

static enum rc
change_ca_explain(
    const struct change_ca *c, const struct change_ca_words *words, enum rc rc)
{
	if (!c->key.made || c->begun.any)
		return c->begun.any
			   ? err_in(rc,
				 "nothing has changed; '%s' goes on with what was begun; because",
				 words->again)
			   : rc;
	return err_in(rc,
	    "the new key stays on the token: go on with --use-key '%s'; because",
	    c->key.key.uri);
}

static enum rc
change_ca_carry_out(struct cmd_env *env, struct change_ca *c,
    const struct change_ca_words *words, json_t *responses)
{
	enum rc rc = change_ca_unlock(c);

	if (rc == RC_OK)
		rc = change_ca_sign(c);
	if (rc == RC_OK)
		rc = change_ca_install(c);
	if (rc != RC_OK)
		return change_ca_explain(c, words, rc);
	if (c->vouched && c->n_requesters != 0)
		term_say(
		    "Each requester takes it over with its next install; nobody enrols again.\n");
	rc = change_ca_write_all(c, responses);
	if (rc != RC_OK)
		return rc;
	if (!env->json)
		return cmd_show_ca(env, &c->act->ca);
	return cmd_json(json_pack("{s:o,s:b,s:O}", "ca_id",
	    cmd_json_hex(span_of(c->act->ca.ca_id, SHA256_LEN)), "trust_change",
	    (int)c->vouched, "responses", responses));
}

static enum rc
change_ca_run(struct cmd_env *env, struct change_ca *c,
    const struct change_ca_words *words, const char *out)
{
	json_t *responses = json_array();
	bool yes = env->yes;
	enum rc rc = responses == NULL ? err_memory() : change_ca_plan(c);

	if (rc == RC_OK)
		rc = change_ca_show_review(c, words, out);
	if (rc == RC_OK && !env->dry_run)
		rc = term_confirm(words->ask, "--yes", &yes);
	if (rc == RC_OK && !env->dry_run)
		rc = yes ? change_ca_carry_out(env, c, words, responses)
			 : err_set(
			       RC_POLICY, "not confirmed: nothing was changed");
	json_decref(responses);
	return rc;
}

enum rc
cmd_change_ca(struct cmd_env *env, struct act_options *o, struct change_ca *c,
    const struct change_ca_words *words)
{
	enum rc rc;

	o->home = env->home;
	o->dry_run = env->dry_run;
	rc = act_start(o, c->act);
	if (rc == RC_OK)
		rc = act_open(o, c->act);
	if (rc == RC_OK)
		rc = cmd_check_medium(c->act, o->out);
	if (rc == RC_OK) /* else a key would be made in vain */
		rc = judge_ready(&c->act->judge);
	return rc == RC_OK ? change_ca_run(env, c, words, o->out) : rc;
}
