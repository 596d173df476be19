/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that another CA gave ours, and those above it. */
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/lifecycle/adopt.h"
#include "ca/lifecycle/adopt_part.h"
#include "transfer/judge/ca_chain.h"
#include "transfer/judge/judge.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <fcntl.h>

#define BELOW_FILE_MAX ((size_t)4 * CA_CHAIN_MAX * CERT_MAX)

/* What the others call CA-CERT has another remedy here. */
static enum rc
below_refused(enum rc rc)
{
	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	return rule_refuse(RULE_IMPORT_CERT, "%s", err_text());
}

enum rc
adopt_below_judge(
    const char *from, struct span der, struct span above, int64_t now)
{
	WIPED(trust) trust = { 0 };
	struct span certs[CA_CHAIN_MAX];
	size_t n = 0;
	enum rc rc = trust_add_ca(&trust, from, der);

	if (rc == RC_OK && trust.cas[0].own_issuer)
		return rule_refuse(RULE_IMPORT_CERT,
		    "%s: it signed itself, and wanted is the certificate that another CA made of the request",
		    from);
	if (rc == RC_OK)
		rc = ca_form_dates(
		    from, trust.cas[0].not_before, trust.cas[0].not_after, now);
	if (rc == RC_OK && !ledger_ca_chain(der, above, certs, &n))
		rc = rule_refuse(RULE_IMPORT_CERT,
		    "%s: what stands above it is not at most %d certificates",
		    from, CA_ISSUERS_MAX);
	if (rc == RC_OK)
		rc = ca_chain_check(from, certs, n, now);
	return below_refused(rc);
}

/* The first of all is ours. */
static enum rc
below_file_take(const char *path, struct adoption *a)
{
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	bool more = true, any = false;
	struct span rest;
	enum rc rc = file_read(AT_FDCWD, path, BELOW_FILE_MAX, &file);

	rest = buf_span(&file);
	while (rc == RC_OK && more) {
		rc = past_cert_next(path, &rest, &der, &more);
		if (rc == RC_OK && more)
			rc = buf_add_span(
			    a->ca_cert.n == 0 ? &a->ca_cert : &a->above,
			    buf_span(&der));
		any = any || more;
	}
	if (rc == RC_OK && !any)
		rc = err_set(RC_FORMAT, "%s: no certificate is in it", path);
	return rc == RC_FORMAT ? rule_refuse(RULE_IMPORT_CERT, "%s", err_text())
			       : rc;
}

enum rc
adoption_read_below(
    const struct cmd_list *files, int64_t now, struct adoption *ret)
{
	WIPED(adoption) a = { .below = true, .path = files->items[0] };
	WIPED(past_sources) sources = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < files->n && rc == RC_OK; i++)
		rc = below_file_take(files->items[i], &a);
	sources.ca_path = a.path;
	sources.ca_cert = buf_span(&a.ca_cert);
	sources.below = true;
	sources.above = buf_span(&a.above);
	sources.now = now;
	if (rc == RC_OK)
		rc = past_read_apart(&sources, &a.past);
	/* Once a process that is locked in has found it good. */
	if (rc == RC_OK)
		rc = adopt_below_judge(
		    a.path, buf_span(&a.ca_cert), buf_span(&a.above), now);
	if (rc == RC_OK)
		rc = adopt_describe(now, &a);
	if (rc != RC_OK)
		return rc;
	*ret = a;
	a = (struct adoption){ 0 };
	return RC_OK;
}
