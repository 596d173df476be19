/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA asks of the CA above it. */
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/policy/subject.h"

#include <openssl/x509v3.h>

static enum rc
request_add(STACK_OF(X509_EXTENSION) * *list, int nid, void *value)
{
	if (value == NULL)
		return err_memory();
	return X509V3_add1_i2d(list, nid, value, 1, X509V3_ADD_APPEND) == 1
		   ? RC_OK
		   : err_openssl(RC_BUG, "an extension of the request");
}

static enum rc
request_basic_constraints(STACK_OF(X509_EXTENSION) * *list, uint32_t path_len)
{
	OWN(BASIC_CONSTRAINTS) *bc = BASIC_CONSTRAINTS_new();

	if (bc != NULL) {
		bc->ca = 0xff;
		bc->pathlen = ASN1_INTEGER_new();
		if (bc->pathlen == NULL ||
		    ASN1_INTEGER_set_uint64(bc->pathlen, path_len) != 1)
			return err_memory();
	}
	return request_add(list, NID_basic_constraints, bc);
}

/* digitalSignature, keyCertSign and cRLSign: bits 0, 5 and 6 of RFC
 * 5280 4.2.1.3. */
static enum rc
request_key_usage(STACK_OF(X509_EXTENSION) * *list)
{
	static const int used[] = { 0, 5, 6 };
	OWN(ASN1_BIT_STRING) *bits = ASN1_BIT_STRING_new();

	for (size_t i = 0; bits != NULL && i < sizeof(used) / sizeof(used[0]);
	     i++)
		if (ASN1_BIT_STRING_set_bit(bits, used[i], 1) != 1)
			return err_memory();
	return request_add(list, NID_key_usage, bits);
}

static enum rc
ca_request_fill(X509_REQ *request, const struct ca_wish *wish, struct span spki)
{
	OWN(X509_NAME) *subject = NULL;
	OWN(EVP_PKEY) *key = NULL;
	STACK_OF(X509_EXTENSION) *list = NULL;
	const uint8_t *p = spki.p;
	enum rc rc = subject_read(wish->subject, &subject);

	if (rc == RC_OK)
		rc = request_basic_constraints(&list, wish->path_len);
	if (rc == RC_OK)
		rc = request_key_usage(&list);
	if (rc == RC_OK) {
		key = d2i_PUBKEY(NULL, &p, (long)spki.n);
		if (key == NULL || X509_REQ_set_version(request, 0) != 1 ||
		    X509_REQ_set_subject_name(request, subject) != 1 ||
		    X509_REQ_set_pubkey(request, key) != 1 ||
		    X509_REQ_add_extensions(request, list) != 1)
			rc = err_openssl(RC_BUG, "the request for the CA");
	}
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return rc;
}

enum rc
info_of_ca_request(
    const struct ca_wish *wish, struct span spki, struct buf *ret_info)
{
	OWN(X509_REQ) *request = X509_REQ_new();
	OWN(ssl_bytes) *info = NULL;
	enum rc rc =
	    request == NULL ? err_memory() : ca_request_fill(request, wish, spki);
	int n = rc == RC_OK ? i2d_re_X509_REQ_tbs(request, &info) : 0;

	if (rc == RC_OK && n <= 0)
		rc = err_openssl(RC_BUG, "the request for the CA");
	return rc != RC_OK ? rc
			   : buf_add_span(ret_info, span_of(info, (size_t)n));
}
