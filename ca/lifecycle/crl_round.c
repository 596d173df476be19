/* SPDX-License-Identifier: Apache-2.0 */
/* The series is committed on its own, and the responses together: a crash
 * between the two leaves CRLs that the next response of each channel carries.
 */
#include "ca/lifecycle/crl_round.h"

#include "ca/home/ca_trust.h"

#include <stdlib.h>

void
crl_round_wipe(struct crl_round *round)
{
	for (size_t i = 0; round->responses != NULL && i < round->n; i++)
		response_wipe(&round->responses[i]);
	free(round->responses);
	requesters_free(round->requesters, round->n);
	*round = (struct crl_round){ .act = NULL };
}

enum rc
crl_round_plan(struct crl_round *round)
{
	struct ledger_totals totals = { .records = 0 };
	enum rc rc = ledger_check_caught_up(round->act->ledger);

	if (rc == RC_OK)
		rc = crl_wish_check(round->act, "--series", &round->wish);
	if (rc == RC_OK)
		rc = ledger_requesters(
		    round->act->ledger, &round->requesters, &round->n);
	if (rc == RC_OK)
		rc = ledger_totals_get(round->act->ledger, &totals);
	round->revoked = totals.revoked;
	return rc;
}

static enum rc
crl_round_make(
    struct crl_round *round, const struct response_maker *maker, size_t i)
{
	struct act *act = round->act;
	struct response *response = &round->responses[i];
	enum rc rc = response_make_crls(
	    maker, &round->requesters[i], &act->policy, act->now, response);

	if (rc == RC_OK)
		rc = response_judge(&act->judge, act->ledger, NULL, response);
	return rc == RC_OK ? response_store(act->ledger, response) : rc;
}

static enum rc
crl_round_answer(struct crl_round *round)
{
	struct act *act = round->act;
	const struct response_maker maker = { .ledger = act->ledger,
		.keys = &act->keys,
		.ca = &act->ca,
		.home = &act->home };
	enum rc rc;

	round->responses = calloc(round->n + 1, sizeof(*round->responses));
	if (round->responses == NULL)
		return err_memory();
	rc = ca_judge_open(&act->judge, &act->policy, &act->ca);
	if (rc == RC_OK)
		rc = act_begin(act);
	for (size_t i = 0; i < round->n && rc == RC_OK; i++)
		rc = crl_round_make(round, &maker, i);
	if (rc == RC_OK)
		return ledger_commit(act->ledger);
	ledger_rollback(act->ledger);
	return rc;
}

enum rc
crl_round_run(struct crl_round *round,
    void (*progress)(void *arg, uint64_t done), void *arg)
{
	struct act *act = round->act;
	enum rc rc =
	    keys_open(act->token, &act->conf, &act->ca, true, &act->keys);

	if (rc == RC_OK)
		rc = crl_series_make(act, &round->wish, progress, arg);
	return rc == RC_OK ? crl_round_answer(round) : rc;
}
