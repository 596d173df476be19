/* SPDX-License-Identifier: Apache-2.0 */
/* The end of each URI is wanted here; the rest is the web server's. */
#include "transfer/online/deploy/crl_names.h"

#include "transfer/policy/policy_points.h"
#include "transfer/x509/cert_ext.h"
#include "transfer/x509/crl_points.h"
#include "transfer/x509/succession.h"

#include <stdio.h>

/* Of a URI without a file the administrator knows better. */
static enum rc
add_end(void *arg, struct span uri)
{
	const struct span file = crl_uri_file(uri);
	struct text_list *names = arg;
	char name[CRL_NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(file));
	return file.n == 0 || text_list_has(names, name)
		   ? RC_OK
		   : text_list_add(names, file);
}

/* What the certificates have that will be signed. */
static enum rc
add_of_policy(
    const struct policy *policy, const char *mark, struct text_list *ret)
{
	WIPED(text_list) uris = { 0 };
	enum rc rc = policy_points(policy, mark, &uris);

	for (size_t i = 0; i < uris.n && rc == RC_OK; i++)
		rc = add_end(ret, span_str(uris.items[i]));
	return rc;
}

/* What one has that was. */
static enum rc
add_of_cert(void *arg, struct span der)
{
	static const uint8_t points[] = { 0x55, 0x1d, 0x1f };
	struct span value;
	bool critical;
	enum rc rc = cert_ext_find("a stored certificate", der,
	    span_of(points, sizeof(points)), &value, &critical);

	return rc == RC_OK ? crl_points_each(value, add_end, arg) : rc;
}

static enum rc
add_default(const char *mark, struct text_list *ret)
{
	char name[CRL_MARK_TEXT + sizeof("ca-.crl")];

	(void)snprintf(
	    name, sizeof(name), "ca%s%s.crl", mark[0] == '\0' ? "" : "-", mark);
	return text_list_add(ret, span_str(name));
}

enum rc
crl_names_list(struct store *store, const uint8_t *issuer, int64_t now,
    struct text_list *ret)
{
	const struct trust_ca *ca = trust_key_get0(&store->trust, issuer);
	WIPED(text_list) names = { 0 };
	char mark[CRL_MARK_TEXT];
	bool later = true;
	enum rc rc = RC_OK;

	crl_mark_write(issuer, mark);
	if (ca == NULL)
		return add_default(mark, ret);
	rc = succession_find("pinned CA", buf_span(&ca->der), &later);
	if (!later)
		mark[0] = '\0';
	if (rc == RC_OK)
		rc = add_of_policy(&store->policy, mark, &names);
	if (rc == RC_OK && names.n == 0)
		rc = add_default(mark, &names);
	if (rc == RC_OK)
		rc = store_each_living(store, issuer, now, add_of_cert, &names);
	if (rc == RC_OK && (text_list_has(&names, "ca.crt") ||
			       text_list_has(&names, "ca.pem")))
		rc = err_set(RC_STATE,
		    "policy: a distribution point of CRLs is named as a file of the CA's certificates");
	if (rc != RC_OK)
		return rc;
	*ret = names;
	names = (struct text_list){ 0 };
	return RC_OK;
}
