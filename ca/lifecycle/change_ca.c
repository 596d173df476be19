/* SPDX-License-Identifier: Apache-2.0 */
/* The change as two commits: what may be signed, and all that came of it. */
#include "ca/lifecycle/change_ca.h"

#include "base/own_ssl.h"
#include "ca/home/ca_trust.h"
#include "ca/home/card.h"
#include "ca/home/certify.h"
#include "ca/lifecycle/change_ca_part.h"
#include "transfer/x509/cert.h"

#include <stdlib.h>

void
change_ca_wipe(struct change_ca *c)
{
	own_key_wipe(&c->key);
	buf_wipe(&c->name);
	ca_begun_wipe(&c->begun);
	for (size_t i = 0; c->responses != NULL && i < c->n_requesters; i++)
		response_wipe(&c->responses[i]);
	free(c->responses);
	requesters_free(c->requesters, c->n_requesters);
	keys_wipe(&c->next);
	buf_wipe(&c->next_spki);
	for (size_t i = 0; i < CA_CHANGE_MAX; i++)
		buf_wipe(&c->certs[i]);
	buf_wipe(&c->transfer_cert);
	buf_wipe(&c->card);
	*c = (struct change_ca){ 0 };
}

/* ---- the keys ------------------------------------------------------------ */

static enum rc
check_is_new(const struct change_ca *c)
{
	const struct ledger_ca *ca = &c->act->ca;
	struct cert_parts parts;
	enum rc rc = RC_OK;

	for (size_t i = 0; i <= ca->n_own && rc == RC_OK; i++) {
		const struct buf *cert =
		    i == ca->n_own ? &ca->transfer_cert : &ca->own[i].cert;

		rc = cert_parts_read("certificate", buf_span(cert), &parts);
		if (rc == RC_OK && span_eq(parts.spki, buf_span(&c->next_spki)))
			rc = err_set(RC_USAGE, "CA key \"%s\": is %s",
			    c->key.key.label,
			    i == ca->n_own ? "the transfer key"
					   : "a key of this CA already");
	}
	return rc;
}

/* The new key of a run that was cut short is in what that run noted. */
static enum rc
use_begun_key(struct change_ca *c)
{
	struct cert_parts parts;
	enum rc rc = tbs_parts_read("what was begun", c->begun.tbs[0], &parts);

	if (rc == RC_OK)
		rc = buf_add_span(&c->next_spki, parts.spki);
	if (rc == RC_OK)
		rc = token_use_key(
		    c->act->token, buf_span(&c->next_spki), &c->next.ca);
	return rc == RC_TOKEN
		   ? err_in(rc,
			 "a rollover was begun with a key that is gone: begin again with --use-key URI; because")
		   : rc;
}

static enum rc
get_new_key(struct change_ca *c)
{
	struct cert_parts parts;
	enum rc rc = own_key_get(c->act->token, "ca", &c->key);

	if (rc == RC_OK)
		rc = buf_add_span(&c->next_spki, buf_span(&c->key.key.spki));
	if (rc == RC_OK)
		rc = check_is_new(c);
	if (rc == RC_OK)
		rc = token_use_key(
		    c->act->token, buf_span(&c->next_spki), &c->next.ca);
	if (rc != RC_OK || !c->goes_on)
		return rc;
	rc = tbs_parts_read("what was begun", c->begun.tbs[0], &parts);
	c->goes_on =
	    rc == RC_OK && span_eq(parts.spki, buf_span(&c->next_spki));
	c->dropped = rc == RC_OK && !c->goes_on;
	return rc;
}

enum rc
change_ca_unlock(struct change_ca *c)
{
	struct act *act = c->act;
	enum rc rc =
	    keys_open(act->token, &act->conf, &act->ca, true, &act->keys);

	c->next.token = act->token;
	if (rc == RC_OK && c->change == CA_RENEWED) {
		c->next.ca = act->keys.ca;
		rc = buf_add_span(&c->next_spki, c->old.parts.spki);
	} else if (rc == RC_OK) {
		rc = c->goes_on && c->key.uri == NULL ? use_begun_key(c)
						      : get_new_key(c);
	}
	return rc == RC_OK ? sign_alg_of(buf_span(&c->next_spki), &c->next.alg)
			   : rc;
}

/* ---- signing ------------------------------------------------------------- */

/* What a requester makes of them, who has what came before. */
static enum rc
change_verify_all(const struct change_ca *c)
{
	WIPED(trust) trust = { 0 };
	enum rc rc = ca_trust(&c->act->ca, &trust);

	if (rc == RC_OK)
		rc = trust_add_ca(&trust, "the CA's next certificate",
		    buf_span(&c->certs[0]));
	for (size_t i = 1; i < c->n_certs && rc == RC_OK; i++)
		rc = trust_add_cross(&trust,
		    i == 1 ? "new-with-old" : "old-with-new",
		    buf_span(&c->certs[i]));
	return rc;
}

enum rc
change_ca_sign(struct change_ca *c)
{
	struct act *act = c->act;
	OWN(X509) *transfer = NULL;
	WIPED(buf) spki = { 0 };
	int64_t at = act->now, since = 0, until;
	enum rc rc = change_ca_note(c);

	for (size_t i = 0; i < c->begun.n && rc == RC_OK; i++) {
		const bool by_old = i == 1;

		rc = certify(by_old ? &act->keys : &c->next,
		    by_old ? c->old.parts.spki : buf_span(&c->next_spki),
		    c->begun.tbs[i], &c->certs[i]);
		c->n_certs += rc == RC_OK;
	}
	if (rc == RC_OK)
		rc = change_verify_all(c);
	/* It ends with the CA's certificate that it was made under. */
	if (rc == RC_OK)
		rc = cert_parse("transfer certificate",
		    buf_span(&act->ca.transfer_cert), &transfer);
	if (rc == RC_OK)
		rc = cert_spki(transfer, &spki);
	if (rc == RC_OK)
		rc = cert_window(transfer, &since, &until);
	/* It begins later than the one that it follows, which is how they are
	 * told apart. */
	if (at <= since + TRANSFER_BACKDATE)
		at = since + TRANSFER_BACKDATE + 1;
	return rc != RC_OK ? rc
			   : certify_transfer(&c->next, buf_span(&c->certs[0]),
				 buf_span(&spki), at, &c->transfer_cert);
}

/* ---- what the requesters get --------------------------------------------- */

static enum rc
change_make_responses(struct change_ca *c, const struct span *certs)
{
	struct act *act = c->act;
	const struct span transfer = buf_span(&c->transfer_cert);
	const struct response_maker maker = { .ledger = act->ledger,
		.keys = &act->keys,
		.ca = &act->ca,
		.home = &act->home };
	const struct response_change change = {
		.news = { { c->change == CA_RENEWED ? TRUST_RENEWED
						    : TRUST_ROLLOVER,
			      certs, c->n_certs },
		    { TRUST_TRANSFER, &transfer, 1 } },
		.n = 2,
		.policy = &act->policy,
		.now = act->now
	};
	enum rc rc = RC_OK;

	c->responses = calloc(c->n_requesters + 1, sizeof(*c->responses));
	if (c->responses == NULL)
		return err_memory();
	for (size_t i = 0; i < c->n_requesters && rc == RC_OK; i++) {
		struct response *one = &c->responses[i];

		rc = response_make_change(
		    &maker, &c->requesters[i], &change, one);
		if (rc == RC_OK)
			rc =
			    response_judge(&act->judge, act->ledger, NULL, one);
		if (rc == RC_OK)
			rc = response_store(act->ledger, one);
	}
	return rc;
}

/* The judge knows what a requester knows by now, and no more. */
static enum rc
store_change(struct change_ca *c)
{
	struct act *act = c->act;
	struct span certs[CA_CHANGE_MAX];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n_certs; i++)
		certs[i] = buf_span(&c->certs[i]);
	if (c->vouched && c->n_requesters != 0)
		rc = ca_judge_open(&act->judge, &act->policy, &act->ca);
	if (rc == RC_OK)
		rc = act_begin(act);
	if (rc == RC_OK)
		rc =
		    ledger_ca_change(act->ledger, c->change, certs, c->n_certs);
	c->old = (struct ca_form){ 0 }; /* it lay in what goes */
	ledger_ca_wipe(&act->ca);
	if (rc == RC_OK)
		rc = ledger_ca_get(act->ledger, &act->ca);
	if (rc == RC_OK && c->vouched && c->n_requesters != 0)
		rc = change_make_responses(c, certs);
	return rc == RC_OK ? ledger_transfer_add(
				 act->ledger, buf_span(&c->transfer_cert))
			   : rc;
}

static enum rc
note_ca_key(const struct change_ca *c)
{
	const struct token_conf *conf = &c->act->conf;
	WIPED(buf) text = { 0 };
	const char *uri;
	enum rc rc;

	/* One that was begun before this run has no URI here; it is found by
	 * its certificate all the same. */
	if (c->key.key.uri[0] == '\0' || conf->ca.n == 0)
		return RC_OK;
	rc = own_key_uri(&c->key, (const char *)conf->ca.p, &text);
	if (rc != RC_OK)
		return rc;
	uri = buf_cstr(&text);
	return uri == NULL ? err_memory()
			   : home_token_write(&c->act->home, uri,
				 (const char *)conf->transfer.p);
}

enum rc
change_ca_install(struct change_ca *c)
{
	struct act *act = c->act;
	enum rc rc = store_change(c);

	if (rc == RC_OK) {
		buf_reset(&act->ca.transfer_cert);
		rc = buf_add_span(
		    &act->ca.transfer_cert, buf_span(&c->transfer_cert));
	}
	if (rc == RC_OK)
		rc = card_make(
		    &act->keys, &act->ca, &act->policy, act->now, &c->card);
	if (rc == RC_OK)
		rc = ledger_commit(act->ledger);
	else
		ledger_rollback(act->ledger);
	return rc == RC_OK && c->change == CA_ROLLED_OVER ? note_ca_key(c) : rc;
}
