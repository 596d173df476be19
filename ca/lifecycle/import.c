/* SPDX-License-Identifier: Apache-2.0 */
/* What `import` checks before it touches anything. */
#include "ca/lifecycle/import.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/home/act.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/pem.h"

void
import_wipe(struct import *import)
{
	token_conf_wipe(&import->conf);
	adoption_wipe(&import->adoption);
	*import = (struct import){ 0 };
}

enum rc
import_read(struct import *import, const struct cmd_list *files)
{
	int64_t now = 0;
	enum rc rc = clock_now(&now);

	return rc != RC_OK ? rc
			   : adoption_read_below(files, now, &import->adoption);
}

/* Our own file, as `init --csr` wrote it. */
static enum rc
import_request_read(const struct home *home, X509_REQ **ret)
{
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	struct span rest;
	const uint8_t *p;
	bool more = false;
	enum rc rc = file_read(home->fd, HOME_WAITING, CSR_FILE_MAX, &file);

	rest = buf_span(&file);
	if (rc == RC_OK)
		rc = pem_next(HOME_WAITING, PEM_REQUEST, &rest, &der, &more);
	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	p = der.p;
	*ret = more ? d2i_X509_REQ(NULL, &p, (long)der.n) : NULL;
	return *ret != NULL ? RC_OK
			    : err_set(RC_FORMAT,
				  "%s/" HOME_WAITING
				  ": not the request that init wrote there",
				  home->path);
}

/* The name may be spelled with other kinds of strings (RFC 5280 7.1); the key
 * is the one on our token. */
static enum rc
import_answers(const struct home *home, const struct adoption *a)
{
	OWN(X509_REQ) *request = NULL;
	OWN(X509) *cert = NULL;
	const EVP_PKEY *asked, *got;
	enum rc rc = import_request_read(home, &request);

	if (rc == RC_OK)
		rc = cert_parse(a->path, buf_span(&a->ca_cert), &cert);
	if (rc != RC_OK)
		return rc;
	asked = X509_REQ_get0_pubkey(request);
	got = X509_get0_pubkey(cert);
	if (asked == NULL || got == NULL || EVP_PKEY_eq(asked, got) != 1)
		return rule_refuse(RULE_IMPORT_CERT,
		    "%s: it has another key than the request of this CA",
		    a->path);
	if (X509_NAME_cmp(X509_REQ_get_subject_name(request),
		X509_get_subject_name(cert)) != 0)
		return rule_refuse(RULE_IMPORT_CERT,
		    "%s: its subject is %.*s, which is not the name that this CA asked for",
		    a->path, SPAN_FMT(buf_span(&a->subject)));
	return RC_OK;
}

static enum rc
import_policy_read(const struct home *home, struct init *init)
{
	const struct adoption *a = init->options->adopted;
	WIPED(ledger_ca) ca = { 0 };
	enum rc rc = home_policy_read(home, &init->policy);

	if (rc == RC_OK)
		rc = buf_add_span(
		    &init->policy_text, buf_span(&init->policy.text));
	if (rc == RC_OK)
		rc = buf_add_span(&ca.ca_cert, buf_span(&a->ca_cert));
	if (rc == RC_OK)
		rc = buf_add_span(&ca.issuers, buf_span(&a->above));
	return rc != RC_OK ? rc : home_check_bound(&init->policy, &ca);
}

/* As typed, else as token.conf has them. */
static enum rc
import_keys(const struct home *home, struct import *import, struct init *init)
{
	struct init_options *o = &import->options;
	enum rc rc = home_token_read(home, &import->conf);

	if (rc != RC_OK)
		return rc;
	if (o->use_key == NULL && import->conf.ca.n != 0)
		o->use_key = (const char *)import->conf.ca.p;
	if (o->transfer_key == NULL && import->conf.transfer.n != 0)
		o->transfer_key = (const char *)import->conf.transfer.p;
	if (o->use_key == NULL || o->transfer_key == NULL)
		return err_set(RC_USAGE,
		    "%s has no " HOME_TOKEN
		    ": say where the keys are, --use-key URI --transfer-key URI",
		    home->path);
	init->ca = (struct own_key){ .what = "CA key", .uri = o->use_key };
	init->transfer =
	    (struct own_key){ .what = "transfer key", .uri = o->transfer_key };
	return RC_OK;
}

enum rc
import_check(struct import *import, struct token *token, struct init *init)
{
	const struct adoption *a = &import->adoption;
	const struct init_options *o = &import->options;
	WIPED(home) home = { .fd = -1 };
	enum rc rc = clock_now(&init->now);

	import->options.adopted = a;
	init->options = o;
	init->token = token;
	init->wish.not_before = a->form.not_before;
	init->wish.not_after = a->form.not_after;
	init->wish.scopes = &init->policy.scope;
	if (rc == RC_OK)
		rc = home_waiting_open(o->home, !o->dry_run, &home);
	if (rc == RC_OK)
		rc = import_answers(&home, a);
	if (rc == RC_OK)
		rc = import_policy_read(&home, init);
	if (rc == RC_OK)
		rc = import_keys(&home, import, init);
	if (rc == RC_OK)
		rc = buf_add_span(&init->subject, buf_span(&a->subject));
	if (rc == RC_OK)
		rc = act_media_open(o->out, &init->media);
	if (rc == RC_OK)
		rc = init_clock_doubt(init);
	return rc != RC_OK ? rc
			   : network_check(o->allow_network || o->dry_run,
				 &init->interfaces);
}
