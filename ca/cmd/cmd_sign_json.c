/* SPDX-License-Identifier: Apache-2.0 */
/* What a dry run of `sign` tells a program: the decisions, before any is
 * carried out. Responses that were made are told by cmd_deliver.c. */
#include "ca/cmd/cmd_sign.h"
#include "ca/cmd/revoke_show.h"

#include "transfer/rule.h"

static json_t *
json_decisions(const struct work *w)
{
	json_t *results = json_array();

	for (size_t i = 0; i < w->decisions.n; i++) {
		const struct decision *d = &w->decisions.items[i];
		const char *rule =
		    d->rule == RULE_NONE ? NULL : rule_name(d->rule);
		json_t *row = json_pack("{s:o,s:[],s:s?,s:s?}", "request_id",
		    cmd_json_text(w->s->bundle.requests[i].id), "serials",
		    "rule", rule, "reason", d->reason);

		cmd_json_add(&results, row);
	}
	return results;
}

static json_t *
json_requester(const struct submission *s)
{
	return s->is_loose ? json_null() : cmd_json_text(submission_label(s));
}

static json_t *
json_created(const struct submission *s)
{
	return s->is_loose ? json_null() : cmd_json_time(s->bundle.created);
}

void
sign_json_review(struct sign *sign, const struct work *w)
{
	json_t *row;

	if (!sign->env->json)
		return;
	row = json_pack("{s:n,s:o,s:o,s:n,s:n,s:i,s:I,s:o,s:o}", "path",
	    "requester", json_requester(w->s), "bundle_created",
	    json_created(w->s), "sequence", "manifest_sha256", "issued", 0,
	    "refused", (json_int_t)(w->decisions.n - w->decisions.granted),
	    "results", json_decisions(w), "revocations",
	    revokes_json(&w->revokes));
	cmd_json_add(&sign->delivery.responses, row);
}
