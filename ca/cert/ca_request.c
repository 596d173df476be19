/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA asks of the CA above it. */
#include "base/own_ssl.h"
#include "ca/cert/cacert.h"
#include "ca/cert/tbs.h"
#include "transfer/policy/subject.h"

/* As in a certificate of its own, which lends them. */
static enum rc
ca_request_extensions(X509_REQ *request, const struct ca_wish *wish)
{
	OWN(X509) *lender = X509_new();
	enum rc rc = lender == NULL ? err_memory()
				    : cacert_add_basic_constraints(
					  lender, true, wish->path_len);
	STACK_OF(X509_EXTENSION) * list;

	if (rc == RC_OK)
		rc = cacert_add_key_usage(lender, CA_KEY_USAGE);
	if (rc != RC_OK)
		return rc;
	list = sk_X509_EXTENSION_dup(X509_get0_extensions(lender));
	if (X509_REQ_add_extensions(request, list) != 1)
		rc = err_openssl(RC_BUG, "the request for the CA");
	sk_X509_EXTENSION_free(list);
	return rc;
}

static enum rc
ca_request_fill(X509_REQ *request, const struct ca_wish *wish, struct span spki)
{
	OWN(X509_NAME) *subject = NULL;
	OWN(EVP_PKEY) *key = NULL;
	const uint8_t *p = spki.p;
	enum rc rc = subject_read(wish->subject, &subject);

	if (rc != RC_OK)
		return rc;
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (key == NULL || X509_REQ_set_version(request, 0) != 1 ||
	    X509_REQ_set_subject_name(request, subject) != 1 ||
	    X509_REQ_set_pubkey(request, key) != 1)
		return err_openssl(RC_BUG, "the request for the CA");
	return ca_request_extensions(request, wish);
}

enum rc
info_of_ca_request(
    const struct ca_wish *wish, struct span spki, struct buf *ret_info)
{
	OWN(X509_REQ) *request = X509_REQ_new();
	OWN(ssl_bytes) *info = NULL;
	enum rc rc = request == NULL ? err_memory()
				     : ca_request_fill(request, wish, spki);
	int n = rc == RC_OK ? i2d_re_X509_REQ_tbs(request, &info) : 0;

	if (rc == RC_OK && n <= 0)
		rc = err_openssl(RC_BUG, "the request for the CA");
	return rc != RC_OK ? rc
			   : buf_add_span(ret_info, span_of(info, (size_t)n));
}
