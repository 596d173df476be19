/* SPDX-License-Identifier: Apache-2.0 */
/* The judge's first half on the CA's side: a fresh certificate against the
 * request that it answers, while there is no manifest yet. */
#include "transfer/judge/judge_asked.h"
#include "transfer/judge/judge_state.h"
#include "transfer/policy/request.h"
#include "transfer/x509/csr.h"

#include <stdio.h>

#define ASKED_FROM_MAX 128

void
asked_wipe(struct asked *asked)
{
	bundle_wipe(&asked->bundle);
	sealed_wipe(&asked->copy);
	*asked = (struct asked){ .copy = { .fd = -1 } };
}

enum rc
asked_open(struct asked *asked, int *fd)
{
	struct cose cose;
	enum rc rc;

	asked_wipe(asked);
	rc = sealed_map(*fd, &asked->copy);
	if (rc != RC_OK)
		return rc;
	*fd = -1; /* the map's now */
	rc = cose_read("bundle", asked->copy.bytes, COSE_BUNDLE, &cose);
	return rc != RC_OK
		   ? rc
		   : bundle_read("bundle", cose.payload, &asked->bundle);
}

enum rc
asked_judge(struct judge *judge, const struct asked *asked, struct span der,
    const struct asked_cert *cert)
{
	const struct cert_request *request;
	WIPED(name_list) csr_names = { 0 };
	WIPED(buf) spelled = { 0 };
	struct names_chosen names;
	char from[ASKED_FROM_MAX];
	struct expected e = { .from = from,
		.serial = cert->serial,
		.not_before = cert->not_before,
		.not_after = cert->not_after };
	enum rc rc;

	if (cert->request >= asked->bundle.n_requests)
		return err_set(RC_BUG, "judge: no such request");
	request = &asked->bundle.requests[cert->request];
	(void)snprintf(from, sizeof(from), "request %u (%.*s)",
	    cert->request + 1, SPAN_FMT(request->id));
	rc = csr_find_spki(from, request->csr, &spelled, &e.spki);
	if (rc == RC_OK)
		rc = csr_find_subject(from, request->csr, &e.csr_subject);
	if (rc == RC_OK && request_wants_csr_names(judge->policy, request))
		rc = csr_names_read(from, request->csr, &csr_names);
	if (rc != RC_OK)
		return rc;
	e.profile = request->profile;
	names =
	    request_names(policy_profile_get0(judge->policy, request->profile),
		request, (struct names_chosen){ csr_names.items, csr_names.n });
	e.names = names.items;
	e.n_names = names.n;
	return judge_certificate(judge, der, &e);
}
