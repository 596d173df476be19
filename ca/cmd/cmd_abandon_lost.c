/* SPDX-License-Identifier: Apache-2.0 */
/* `abandon --lost`: the bundle's file is gone, and nobody waits for an answer.
 * Nothing is signed: no token, no PIN, no network that matters. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd_abandon.h"
#include "transfer/rule.h"

#include <stdlib.h>

/* ---- for programs -------------------------------------------------------- */

static json_t *
json_certs(const struct abandon *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_certs; i++) {
		const struct intent *intent = &a->certs[i].intent;

		if (a->certs[i].is_signed)
			cmd_json_add(
			    &list, json_pack("{s:o,s:s}", "serial",
				       cmd_json_hex(span_of(intent->serial,
					   sizeof(intent->serial))),
				       "request_id", intent->request_id));
	}
	return list;
}

static enum rc
lost_show_json(const struct cmd_env *env, const struct abandon *a)
{
	if (!env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:b,s:I,s:o}", "bundle_id",
	    cmd_json_hex(span_of(a->record.id, BUNDLE_ID_LEN)), "closed",
	    !env->dry_run, "voids", (json_int_t)(a->n_certs - a->n_signed),
	    "certificates", json_certs(a)));
}

/* ---- the run ------------------------------------------------------------- */

static enum rc
lost_confirm(const struct cmd_env *env)
{
	bool yes = env->yes;
	enum rc rc;

	term_say(
	    "It gets no answer. What its requester still wants is asked for anew:\nairgap-transfer request --again --out STICK\n");
	if (env->dry_run)
		return RC_OK;
	rc = term_confirm("Type Yes to close it for good:", "--yes", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was changed");
	return rc;
}

static enum rc
lost_close_it(struct cmd_env *env, const struct home *home,
    struct ledger *ledger, const struct abandon *a)
{
	WIPED(policy) policy = { 0 };
	int64_t now = 0;
	enum rc rc;

	if (env->dry_run)
		return RC_OK;
	rc = home_policy_read(home, &policy);
	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc == RC_OK)
		rc = clock_check(ledger, &policy, now);
	if (rc == RC_OK)
		rc = abandon_close(ledger, now, buf_span(&policy.text), a);
	if (rc == RC_OK)
		term_bold("Closed.\n");
	return rc;
}

static enum rc
check_open(const struct ledger_bundle *record, const char *id)
{
	if (record->answered != 0)
		return rule_refuse(RULE_BUNDLE_UNKNOWN,
		    "%s: has its answer, response %u: 'airgap-ca resend STICK' writes it again",
		    id, record->answered);
	if (record->closed != 0)
		return rule_refuse(
		    RULE_BUNDLE_CLOSED, "%s: was closed before", id);
	return RC_OK;
}

enum rc
abandon_lost(struct cmd_env *env, const struct abandon_which *which)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	WIPED(abandon) a = { 0 };
	struct ledger_bundle record = { 0 };
	enum rc rc = home_open(env->home, &home);

	if (rc == RC_OK)
		rc = home_ledger_open(&home, !env->dry_run, &ledger);
	if (rc == RC_OK)
		rc = abandon_find(ledger, which, &record);
	if (rc == RC_OK)
		rc = check_open(&record, which->id);
	if (rc == RC_OK)
		rc = abandon_read(ledger, &record, NULL, &a);
	if (rc == RC_OK)
		rc = abandon_show(ledger, NULL, &a);
	if (rc == RC_OK)
		rc = lost_confirm(env);
	if (rc == RC_OK)
		rc = lost_close_it(env, &home, ledger, &a);
	return rc == RC_OK ? lost_show_json(env, &a) : rc;
}
