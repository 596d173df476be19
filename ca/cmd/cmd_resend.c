/* SPDX-License-Identifier: Apache-2.0 */
/* `resend`: past responses onto a stick again, from the ledger and without the
 * token. Nothing is signed or recorded, so neither clock nor network matter. */
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_deliver.h"
#include "ca/home/act.h"

#include <inttypes.h>

struct resend {
	struct cmd_env *env;
	const char *label; /* NULL: every channel */
	uint32_t from;	   /* 0: the last alone */
	struct home home;
	struct ledger *ledger;
	struct ledger_ca ca;
	struct media media;
	struct requester *requesters; /* owned */
	size_t n_requesters;
	struct delivery delivery;
};

static void
resend_wipe(struct resend *r)
{
	delivery_wipe(&r->delivery);
	requesters_free(r->requesters, r->n_requesters);
	media_wipe(&r->media);
	ledger_ca_wipe(&r->ca);
	ledger_free(r->ledger);
	home_wipe(&r->home);
}

static enum rc
resend_open_all(struct resend *r, const char *medium)
{
	enum rc rc = home_open(r->env->home, &r->home);

	if (rc == RC_OK)
		rc = home_ledger_open(&r->home, false, &r->ledger);
	if (rc == RC_OK)
		rc = ledger_ca_get(r->ledger, &r->ca);
	if (rc == RC_OK)
		rc = ledger_requesters(
		    r->ledger, &r->requesters, &r->n_requesters);
	if (rc == RC_OK && !r->env->dry_run)
		rc = act_media_open(medium, &r->media);
	r->delivery.home = &r->home;
	r->delivery.ledger = r->ledger;
	r->delivery.ca = &r->ca;
	r->delivery.media = &r->media;
	if (rc == RC_OK && r->env->json) {
		r->delivery.responses = json_array();
		if (r->delivery.responses == NULL)
			rc = err_memory();
	}
	return rc;
}

/* The channel's responses from r->from on, or its last and what has to be there
 * before it; none is no error. */
static enum rc
resend_channel(struct resend *r, const struct requester *q)
{
	const struct addressee to = { .channel = q->key_id,
		.label = span_str(q->label) };
	uint32_t first = r->from == 0 ? q->last_manifest : r->from;
	enum rc rc = RC_OK;

	if (q->last_manifest == 0 || first > q->last_manifest)
		return RC_OK;
	if (r->from == 0)
		rc = deliver_before(&r->delivery, q->key_id, q->last_manifest);
	return rc != RC_OK
		   ? rc
		   : deliver_stored(&r->delivery, &to, first, q->last_manifest);
}

/* Loose CSRs have no requester, but their responses are counted alike. */
static enum rc
resend_loose(struct resend *r)
{
	WIPED(ledger_manifest) last = { 0 };
	struct requester nobody = { .label = "" };
	bool known = false;
	enum rc rc =
	    ledger_manifest_get(r->ledger, nobody.key_id, 0, &last, &known);

	if (rc != RC_OK || !known)
		return rc;
	nobody.last_manifest = last.sequence;
	return resend_channel(r, &nobody);
}

static enum rc
none_found(const struct resend *r, bool met)
{
	if (!met && r->label != NULL)
		return err_set(RC_STATE,
		    "no requester \"%s\" is enrolled: 'airgap-ca requester list' shows who is",
		    r->label);
	if (r->from != 0)
		return err_set(RC_STATE,
		    "no response %" PRIu32
		    " or later was ever made: 'airgap-ca requester list' shows how far each channel is",
		    r->from);
	return err_set(RC_STATE,
	    "no response was ever made: 'airgap-ca sign STICK' makes the first");
}

static enum rc
resend_all(struct resend *r)
{
	bool met = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n_requesters && rc == RC_OK; i++) {
		const struct requester *q = &r->requesters[i];

		if (r->label != NULL && strcmp(r->label, q->label) != 0)
			continue;
		met = true;
		rc = resend_channel(r, q);
	}
	if (rc == RC_OK && r->label == NULL)
		rc = resend_loose(r);
	if (rc == RC_OK && r->delivery.n_done == 0)
		rc = none_found(r, met);
	if (rc != RC_OK || !r->env->json)
		return rc;
	return cmd_json(json_pack("{s:O}", "responses", r->delivery.responses));
}

static enum rc
read_from(const char *text, uint32_t *ret)
{
	uint64_t value = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || value > UINT32_MAX / 10) {
			value = 0;
			break;
		}
		value = 10 * value + (uint64_t)(*p - '0');
	}
	if (value == 0 || value > UINT32_MAX)
		return err_set(RC_USAGE,
		    "--from %s: wanted the number of a response, from 1", text);
	*ret = (uint32_t)value;
	return RC_OK;
}

enum rc
cmd_resend(struct cmd_env *env, int argc, char **argv)
{
	WIPED(resend) r = { .env = env, .home = { .fd = -1 } };
	WIPED(cmd_list) operands = { 0 };
	const char *media = NULL;
	const char *from = NULL;
	bool done = false;
	const struct cmd_option options[] = {
		{ .name = "requester",
		    .value = "LABEL",
		    .text = &r.label,
		    .help = "only the responses for this one" },
		{ .name = "from",
		    .value = "SEQ",
		    .text = &from,
		    .help = "this response and all later ones, not the last" },
		{ 0 },
	};
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "MEDIA", &media);
	if (rc == RC_OK && from != NULL)
		rc = read_from(from, &r.from);
	if (rc == RC_OK)
		rc = resend_open_all(&r, media);
	if (rc == RC_OK)
		rc = resend_all(&r);
	return rc == RC_OK ? deliver_end(&r.delivery) : rc;
}
