/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd_sign.h"

static json_t *
json_serials(const struct result *r)
{
	json_t *serials = json_array();

	for (size_t i = 0; i < r->n_certs; i++)
		cmd_json_add(&serials, cmd_json_hex(r->certs[i].serial));
	return serials;
}

static json_t *
json_results(const struct manifest *m)
{
	json_t *results = json_array();

	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];
		json_t *row = json_pack("{s:o,s:o,s:o,s:o}", "request_id",
		    cmd_json_text(r->id), "serials", json_serials(r), "rule",
		    r->rule.n == 0 ? json_null() : cmd_json_text(r->rule),
		    "reason",
		    r->rule.n == 0 ? json_null() : cmd_json_text(r->reason));

		cmd_json_add(&results, row);
	}
	return results;
}

static json_t *
json_decisions(const struct work *w)
{
	json_t *results = json_array();

	for (size_t i = 0; i < w->decisions.n; i++) {
		const struct decision *d = &w->decisions.items[i];
		json_t *row = json_pack("{s:o,s:[],s:s?,s:s?}", "request_id",
		    cmd_json_text(w->s->bundle.requests[i].id), "serials",
		    "rule", d->rule, "reason", d->reason);

		cmd_json_add(&results, row);
	}
	return results;
}

void
sign_json_reply(struct sign *sign, const struct submission *s,
    const struct reply *reply, const char *path)
{
	json_t *row;

	if (!sign->env->json)
		return;
	row = json_pack("{s:s,s:o,s:I,s:o,s:I,s:I,s:o}", "path", path,
	    "requester", cmd_json_text(s->bundle.label), "sequence",
	    (json_int_t)reply->record.sequence, "manifest_sha256",
	    cmd_json_hex(span_of(reply->record.digest, SHA256_LEN)), "issued",
	    (json_int_t)reply->n_certs, "refused", (json_int_t)reply->n_refused,
	    "results", json_results(&reply->manifest));
	cmd_json_add(&sign->responses, row);
}

void
sign_json_review(struct sign *sign, const struct work *w)
{
	json_t *row;

	if (!sign->env->json)
		return;
	row = json_pack("{s:n,s:o,s:n,s:n,s:i,s:I,s:o}", "path", "requester",
	    cmd_json_text(w->s->bundle.label), "sequence", "manifest_sha256",
	    "issued", 0, "refused",
	    (json_int_t)(w->decisions.n - w->decisions.granted), "results",
	    json_decisions(w));
	cmd_json_add(&sign->responses, row);
}
