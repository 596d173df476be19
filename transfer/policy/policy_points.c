/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL makes of a line is what comes into certificates: so its value is
 * read, and not the line. */
#include "transfer/policy/policy_points.h"

#include "base/own_ssl.h"
#include "transfer/policy/extension_line.h"
#include "transfer/x509/crl_points.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

struct points_seen {
	const char *mark;
	struct text_list *uris;
};

static enum rc
see_uri(void *arg, struct span uri)
{
	const struct points_seen *seen = arg;
	WIPED(buf) marked = { 0 };
	const char *text;
	enum rc rc = seen->mark[0] == '\0'
			 ? buf_add_span(&marked, uri)
			 : crl_uri_mark(uri, seen->mark, &marked);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&marked);
	if (text == NULL)
		return err_memory();
	return text_list_has(seen->uris, text)
		   ? RC_OK
		   : text_list_add(seen->uris, span_str(text));
}

static enum rc
line_points(const struct policy_extension *line, struct points_seen *seen)
{
	OWN(X509_EXTENSION) *ext = NULL;
	const ASN1_OCTET_STRING *value;
	enum rc rc = extension_of_line(line, &ext);

	if (rc != RC_OK || OBJ_obj2nid(X509_EXTENSION_get_object(ext)) !=
			       NID_crl_distribution_points)
		return rc;
	value = X509_EXTENSION_get_data(ext);
	return crl_points_each(span_of(ASN1_STRING_get0_data(value),
				   (size_t)ASN1_STRING_length(value)),
	    see_uri, seen);
}

enum rc
policy_points(
    const struct policy *policy, const char *mark, struct text_list *ret)
{
	struct points_seen seen = { mark, ret };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < policy->n_profiles; i++) {
		const struct profile *p = &policy->profiles[i];

		for (size_t j = 0; j < p->n_extensions && rc == RC_OK; j++)
			rc = line_points(&p->extensions[j], &seen);
	}
	return rc;
}
