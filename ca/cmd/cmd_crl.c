/* SPDX-License-Identifier: Apache-2.0 */
/* `crl`: a series of CRLs for all requesters at once, shown, confirmed, signed
 * and written. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/cmd/cmd_deliver.h"
#include "ca/cmd/emergency_draw.h"
#include "ca/lifecycle/crl_round.h"
#include "transfer/judge/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct crl_run {
	struct cmd_env *env;
	const char *media;
	const char *series, *every, *overlap; /* as typed */
	struct act_options options;
	struct act act;
	struct crl_round round;
	struct delivery delivery;
	struct term_progress progress;
};

static void
crl_run_wipe(struct crl_run *run)
{
	delivery_wipe(&run->delivery);
	crl_round_wipe(&run->round);
	act_wipe(&run->act);
}

/* ---- what is wanted ------------------------------------------------------ */

static enum rc
read_typed(struct crl_run *run)
{
	struct crl_request *wish = &run->round.wish;
	char *end = NULL;
	unsigned long n;

	if (run->series == NULL && run->every == NULL && run->overlap == NULL)
		return RC_OK;
	if (run->series == NULL || run->every == NULL)
		return cmd_wants(run->env, "--series N and --every DUR");
	n = strtoul(run->series, &end, 10);
	if (*run->series < '1' || *run->series > '9' || *end != '\0' ||
	    n > SERIES_MAX)
		return err_set(RC_USAGE, "--series %s: wanted 1 to %d",
		    run->series, SERIES_MAX);
	wish->count = (uint32_t)n;
	if (!dur_read(run->every, &wish->period))
		return err_set(RC_USAGE,
		    "--every %s: wanted digits and one of h, d, w", run->every);
	if (run->overlap != NULL && !dur_read(run->overlap, &wish->overlap))
		return err_set(RC_USAGE,
		    "--overlap %s: wanted digits and one of h, d, w",
		    run->overlap);
	return RC_OK;
}

/* By the policy, where nothing was typed. */
static enum rc
take_policy(struct crl_run *run)
{
	if (run->round.wish.count != 0)
		return RC_OK;
	run->round.wish = run->act.policy.crl;
	if (run->round.wish.count != 0)
		return RC_OK;
	return err_set(RC_USAGE,
	    "--series N and --every DUR are wanted, as the policy has no crl");
}

/* ---- before and after ---------------------------------------------------- */

static void
crl_show_review(const struct crl_run *run)
{
	const struct crl_round *r = &run->round;
	char every[DUR_TEXT], end[CLOCK_TEXT];

	dur_write(r->wish.period, every);
	clock_write(run->act.now + (int64_t)r->wish.count * r->wish.period +
			r->wish.overlap,
	    end);
	term_bold("A series of CRLs\n");
	term_field("CRLs", "%" PRIu32 ", one every %s, the last until %s",
	    r->wish.count, every, end);
	term_field("revoked", "%" PRIu64 " certificate%s", r->revoked,
	    r->revoked == 1 ? "" : "s");
	for (size_t i = 0; i < r->n; i++)
		term_field(i == 0 ? "requesters" : "", "%s%s",
		    r->requesters[i].label,
		    policy_emergency(
			&run->act.policy, span_str(r->requesters[i].label))
			? ", with shadows"
			: "");
	if (r->n == 0)
		term_field("requesters", "none: loose responses carry it");
	term_field("medium", "%s", run->media);
	if (run->act.interfaces.n != 0)
		term_alarm("network: %.*s is up; that is recorded.\n",
		    SPAN_FMT(buf_span(&run->act.interfaces)));
}

static void
crl_show_progress(void *arg, uint64_t done)
{
	term_progress_at(arg, done);
}

static enum rc
crl_deliver(struct crl_run *run)
{
	enum rc rc = RC_OK;

	run->delivery.home = &run->act.home;
	run->delivery.ledger = run->act.ledger;
	run->delivery.ca = &run->act.ca;
	run->delivery.media = &run->act.media;
	run->delivery.again = "give 'airgap-ca resend STICK', which writes it";
	for (size_t i = 0; i < run->round.n && rc == RC_OK; i++) {
		const struct requester *q = &run->round.requesters[i];
		const struct addressee to = {
			.channel = q->key_id,
			.label = span_str(q->label),
		};

		rc = deliver_new(&run->delivery, &to, &run->round.responses[i]);
	}
	if (rc == RC_OK)
		rc = deliver_end(&run->delivery);
	return rc == RC_OK
		   ? RC_OK
		   : err_in(rc, "the CRLs are signed and kept; because");
}

static enum rc
crl_json(struct crl_run *run)
{
	struct ledger_crl_series series;
	char back_by[CLOCK_TEXT], end[CLOCK_TEXT];
	bool any;
	enum rc rc = crl_series_current(run->act.ledger, &series, &any);

	if (rc != RC_OK)
		return rc;
	clock_write(series_end(&series), end);
	clock_write(series_back_by(&series), back_by);
	return cmd_json(json_pack("{s:I,s:I,s:I,s:s,s:s,s:O}", "crls",
	    (json_int_t)series.count, "first", (json_int_t)series.first, "last",
	    (json_int_t)series.last, "end", end, "back_by", back_by,
	    "responses", run->delivery.responses));
}

/* ---- the run ------------------------------------------------------------- */

static enum rc
crl_sign_all(struct crl_run *run)
{
	enum rc rc = emergency_draw_all(&run->act);

	if (rc != RC_OK)
		return rc;
	term_progress_start(&run->progress, "signing", run->round.wish.count);
	rc = crl_round_run(&run->round, crl_show_progress, &run->progress);
	term_progress_end(&run->progress);
	if (rc == RC_OK)
		rc = crl_deliver(run);
	return rc == RC_OK && run->env->json ? crl_json(run) : rc;
}

static enum rc
crl_go(struct crl_run *run)
{
	bool yes = run->env->yes;
	enum rc rc = take_policy(run);

	if (rc == RC_OK)
		rc = crl_round_plan(&run->round);
	if (rc != RC_OK)
		return rc;
	crl_show_review(run);
	if (run->env->dry_run)
		return RC_OK;
	rc = term_confirm("Type Yes to sign them:", "--yes", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was changed");
	return rc == RC_OK ? crl_sign_all(run) : rc;
}

static enum rc
crl_open(struct crl_run *run)
{
	enum rc rc;

	run->options.home = run->env->home;
	run->options.dry_run = run->env->dry_run;
	run->options.out = run->media;
	run->round.act = &run->act;
	if (run->env->json) {
		run->delivery.responses = json_array();
		if (run->delivery.responses == NULL)
			return err_memory();
	}
	rc = act_start(&run->options, &run->act);
	if (rc == RC_OK)
		rc = act_open(&run->options, &run->act);
	if (rc == RC_OK)
		rc = cmd_check_medium(&run->act, run->media);
	return rc == RC_OK ? judge_ready(&run->act.judge) : rc;
}

enum rc
cmd_crl(struct cmd_env *env, int argc, char **argv)
{
	WIPED(crl_run) run = { .env = env, .act = ACT_NONE };
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	const struct cmd_option options[] = {
		{ .name = "series",
		    .value = "N",
		    .text = &run.series,
		    .help = "so many CRLs, dated ahead" },
		{ .name = "every",
		    .value = "DUR",
		    .text = &run.every,
		    .help = "one for each DUR" },
		{ .name = "overlap",
		    .value = "DUR",
		    .text = &run.overlap,
		    .help = "how long each counts beside the next" },
		CMD_TOKEN_OPTIONS(run.options, run.options.token),
		{ 0 },
	};
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "MEDIA", &run.media);
	if (rc == RC_OK)
		rc = read_typed(&run);
	if (rc == RC_OK)
		rc = crl_open(&run);
	return rc == RC_OK ? crl_go(&run) : rc;
}
