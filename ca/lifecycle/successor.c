/* SPDX-License-Identifier: Apache-2.0 */
/* The change of the transfer key, as one commit: the record, and a manifest
 * for each requester under the old key. */
#include "ca/lifecycle/successor.h"

#include "base/own_ssl.h"
#include "ca/cert/template.h"
#include "ca/home/ca_trust.h"
#include "ca/home/card.h"
#include "ca/home/certify.h"
#include "transfer/judge/judge.h"
#include "transfer/x509/cert.h"

#include <stdlib.h>

void
successor_wipe(struct successor *s)
{
	own_key_wipe(&s->key);
	for (size_t i = 0; s->responses != NULL && i < s->n; i++)
		response_wipe(&s->responses[i]);
	free(s->responses);
	requesters_free(s->requesters, s->n);
	buf_wipe(&s->card);
	*s = (struct successor){ 0 };
}

enum rc
successor_plan(struct successor *s)
{
	enum rc rc = ledger_check_caught_up(s->act->ledger);

	return rc != RC_OK
		   ? rc
		   : ledger_requesters(s->act->ledger, &s->requesters, &s->n);
}

/* The new key is neither the CA's nor the one that it follows. */
static enum rc
check_new(const struct successor *s)
{
	const struct ledger_ca *ca = &s->act->ca;
	struct span spki = buf_span(&s->key.key.spki);
	const struct {
		const char *what;
		const struct buf *cert;
	} old[] = { { "the CA key", &ca->ca_cert },
		{ "the transfer key already", &ca->transfer_cert } };

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		WIPED(buf) theirs = { 0 };
		OWN(X509) *cert = NULL;
		enum rc rc =
		    cert_parse("certificate", buf_span(old[i].cert), &cert);

		if (rc == RC_OK)
			rc = cert_spki(cert, &theirs);
		if (rc == RC_OK && span_eq(spki, buf_span(&theirs)))
			rc = err_set(RC_USAGE, "transfer key \"%s\": is %s",
			    s->key.key.label, old[i].what);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
successor_unlock(struct successor *s)
{
	struct act *act = s->act;
	enum rc rc = keys_open_ca(
	    act->token, &act->conf, &act->ca, &act->keys, &s->old_works);

	if (rc == RC_OK)
		rc = own_key_get(act->token, "transfer", &s->key);
	return rc == RC_OK ? check_new(s) : rc;
}

/* ---- what the requesters get --------------------------------------------- */

static enum rc
successor_make_response(struct successor *s, const struct response_maker *maker,
    const struct response_change *change, size_t i)
{
	struct act *act = s->act;
	struct response *response = &s->responses[i];
	enum rc rc =
	    response_make_change(maker, &s->requesters[i], change, response);

	if (rc == RC_OK)
		rc = response_judge(&act->judge, act->ledger, NULL, response);
	return rc == RC_OK ? response_store(act->ledger, response) : rc;
}

static enum rc
make_responses(struct successor *s, struct span cert)
{
	struct act *act = s->act;
	const struct response_maker maker = { .ledger = act->ledger,
		.keys = &act->keys,
		.ca = &act->ca,
		.home = &act->home };
	const struct response_change change = {
		.news = { { TRUST_TRANSFER, &cert, 1 } },
		.n = 1,
		.policy = &act->policy,
		.now = act->now
	};
	enum rc rc;

	if (!s->old_works || s->n == 0)
		return RC_OK;
	s->responses = calloc(s->n, sizeof(*s->responses));
	if (s->responses == NULL)
		return err_memory();
	rc = ca_judge_open(&act->judge, &act->policy, &act->ca);
	for (size_t i = 0; i < s->n && rc == RC_OK; i++)
		rc = successor_make_response(s, &maker, &change, i);
	return rc;
}

/* From here on the new key signs; its first work is the card. */
static enum rc
change_over(struct successor *s, struct span cert)
{
	struct act *act = s->act;
	enum rc rc = keys_set_transfer(&act->keys, buf_span(&s->key.key.spki));

	buf_reset(&act->ca.transfer_cert);
	if (rc == RC_OK)
		rc = buf_add_span(&act->ca.transfer_cert, cert);
	if (rc == RC_OK)
		rc = card_make(
		    &act->keys, &act->ca, &act->policy, act->now, &s->card);
	return rc == RC_OK ? ledger_transfer_add(act->ledger, cert) : rc;
}

static enum rc
note_key(const struct successor *s)
{
	const char *ca_uri = (const char *)s->act->conf.ca.p, *uri;
	WIPED(buf) text = { 0 };
	enum rc rc;

	/* A home that finds its keys without a token.conf needs none now. */
	if (s->act->conf.ca.n == 0)
		return RC_OK;
	rc = own_key_uri(&s->key, ca_uri, &text);
	if (rc != RC_OK)
		return rc;
	uri = buf_cstr(&text);
	return uri == NULL ? err_memory()
			   : home_token_write(&s->act->home, ca_uri, uri);
}

enum rc
successor_install(struct successor *s)
{
	struct act *act = s->act;
	WIPED(buf) cert = { 0 };
	enum rc rc = certify_transfer(&act->keys, buf_span(&act->ca.ca_cert),
	    buf_span(&s->key.key.spki), act->now, &cert);

	if (rc == RC_OK)
		rc = act_begin(act);
	/* While the old key is the one in use: it is what requesters trust. */
	if (rc == RC_OK)
		rc = make_responses(s, buf_span(&cert));
	if (rc == RC_OK)
		rc = change_over(s, buf_span(&cert));
	if (rc == RC_OK)
		rc = ledger_commit(act->ledger);
	/* After the commit: keys are found by their certificates, so a stale
	 * line in token.conf does no harm, and one too early might. */
	return rc == RC_OK ? note_key(s) : rc;
}
