/* SPDX-License-Identifier: Apache-2.0 */
/* `restore`: a backup shown, confirmed and made a home. The files are moved in
 * ca/lifecycle/restore.c. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cert_json.h"
#include "ca/cmd/cmd.h"
#include "ca/lifecycle/restore.h"
#include "token/token.h"

#include <inttypes.h>

static enum rc
restore_review(const struct restore *r)
{
	WIPED(cert_text) text = { 0 };
	char id[SHA256_HEX], digest[SHA256_HEX], newest[CLOCK_TEXT];
	char distance[DISTANCE_TEXT];
	enum rc rc = cert_text_read(buf_span(&r->ca.ca_cert), &text);

	if (rc != RC_OK)
		return rc;
	hex_write(span_of(r->ca.ca_id, SHA256_LEN), id);
	hex_write(span_of(r->digest, SHA256_LEN), digest);
	clock_write(r->newest, newest);
	clock_distance(r->newest, r->now, distance);
	term_bold("A backup of a CA, whole\n");
	term_field("subject", "%.*s", SPAN_FMT(buf_span(&text.subject)));
	term_field("ca-id", "%s", id);
	term_field("records", "%" PRIu64 ", the newest of %s, %s",
	    r->head.count, newest, distance);
	term_field("certificates", "%" PRIu64 " in %" PRIu64 " responses",
	    r->totals.certificates, r->totals.manifests);
	term_field("sha256", "%s", digest);
	term_field("home", "%s", r->path);
	if (r->newest > r->now)
		term_alarm(
		    "That is later than this machine's clock says. One of the two was wrong: 'sign' will\n"
		    "stop (CLOCK-BEHIND) until this clock is set, or vouched for: 'airgap-ca clock accept'.\n");
	if (r->other_policy)
		term_alarm(
		    "The backup's policy.conf is not the one that this CA last signed under: somebody\n"
		    "changed it after that, here or in the backup. 'airgap-ca ledger' tells of the\n"
		    "last one; read policy.conf before you sign.\n");
	return RC_OK;
}

static enum rc
restore_say(struct cmd_env *env, const struct restore *r, const char *token)
{
	char newest[CLOCK_TEXT];

	clock_write(r->newest, newest);
	term_say("The CA is in %s, as it was on %s.\n", r->path, newest);
	term_alarm(
	    "What it signed after that is not in it. Before it signs again, bring that back:\n");
	term_say("on each online side:\n  airgap-transfer history --out STICK\n"
		 "here:\n  airgap-ca recover STICK\n");
	if (token == NULL)
		term_say(
		    "Its token is found by the CA's key. To name it: the same command with --token URI.\n");
	if (!env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:I,s:o,s:o,s:o,s:b}", "ca_id",
	    cmd_json_hex(span_of(r->ca.ca_id, SHA256_LEN)), "records",
	    (json_int_t)r->head.count, "newest", cmd_json_time(r->newest),
	    "sha256", cmd_json_hex(span_of(r->digest, SHA256_LEN)), "home",
	    cmd_json_text(span_str(r->path)), "policy_changed",
	    r->other_policy));
}

/* The home is there, from this very file: what is left is the token's place. */
static enum rc
restore_again(struct cmd_env *env, const char *token)
{
	enum rc rc;

	if (token == NULL)
		return err_set(RC_STATE,
		    "%s: was restored from this file already: go on with 'airgap-ca recover STICK'; --token URI says where its token is",
		    env->home);
	if (env->dry_run) {
		term_say("Dry run: token.conf would be written.\n");
		return RC_OK;
	}
	rc = restore_token(env->home, token);
	if (rc == RC_OK)
		term_say(
		    "%s was restored from this file already; it has its token now.\n",
		    env->home);
	return rc;
}

static enum rc
restore_run(struct cmd_env *env, const char *file, const char *token)
{
	WIPED(restore) r = { .home = { .fd = -1 } };
	bool yes = env->yes, done = false;
	enum rc rc = restore_is_done(env->home, file, &done);

	if (rc == RC_OK && done)
		return restore_again(env, token);
	if (rc == RC_OK)
		rc = restore_open(env->home, file, &r);
	if (rc == RC_OK)
		rc = restore_review(&r);
	if (rc != RC_OK)
		return rc;
	if (env->dry_run) {
		term_say("Dry run: nothing was made.\n");
		return RC_OK;
	}
	rc = term_confirm("Go on from this backup? Type Yes: ", "--yes", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was made");
	if (rc == RC_OK)
		rc = restore_finish(&r, token);
	return rc != RC_OK ? rc : restore_say(env, &r, token);
}

enum rc
cmd_restore(struct cmd_env *env, int argc, char **argv)
{
	const char *token = NULL;
	const struct cmd_option options[] = {
		{ .name = "token",
		    .value = "URI",
		    .text = &token,
		    .help = "where this machine reaches the CA's token" },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	const char *file = NULL;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "FILE", &file);
	if (rc != RC_OK)
		return rc;
	/* Kept unseen, it would fail at the first signing. */
	rc = token == NULL ? RC_OK : token_uri_check(token);
	return rc == RC_OK ? restore_run(env, file, token)
			   : err_in(rc, "--token");
}
