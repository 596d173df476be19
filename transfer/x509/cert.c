/* SPDX-License-Identifier: Apache-2.0 */
/* The only place where bytes become a certificate of OpenSSL's. Who wants one
 * field or two of one takes tbs.h. */
#include "transfer/x509/cert.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/key.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

X509 *
cert_of_der(struct span der)
{
	const uint8_t *p = der.p;
	OWN(X509) *x = d2i_X509(NULL, &p, (long)der.n);
	const bool whole = x != NULL && p == der.p + der.n;

	ERR_clear_error();
	return whole ? MOVE(x) : NULL;
}

enum rc
cert_parse(const char *from, struct span der, X509 **ret)
{
	X509 *x = cert_of_der(der);

	if (x == NULL)
		return err_set(RC_FORMAT, "%s: not one certificate", from);
	*ret = x;
	return RC_OK;
}

enum rc
cert_stored(const char *from, struct span der, X509 **ret)
{
	X509 *x = cert_of_der(der);

	if (x == NULL)
		return err_set(RC_STATE, "%s: a damaged certificate", from);
	*ret = x;
	return RC_OK;
}

enum rc
cert_spki(const X509 *cert, struct buf *out)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (n <= 0)
		return err_openssl(RC_BUG, "key of a certificate");
	return buf_add(out, der, (size_t)n);
}

/* OpenSSL has one answer for a key that is none and for one that it failed to
 * read: our own reader tells which. */
enum rc
cert_key_get0(const char *from, X509 *cert, EVP_PKEY **ret_key)
{
	OWN(EVP_PKEY) *same = NULL;
	WIPED(buf) spki = { 0 };
	struct key_facts facts;
	enum rc rc;

	*ret_key = X509_get0_pubkey(cert);
	if (*ret_key != NULL)
		return RC_OK;
	ERR_clear_error();
	rc = cert_spki(cert, &spki);
	if (rc == RC_OK)
		rc = key_check(from, buf_span(&spki), &facts, &same);
	if (rc == RC_OK)
		return err_set(RC_BUG, "%s: its key could not be read", from);
	if (rule_spoken() == RULE_NONE)
		return rc;
	err_clear();
	return RC_OK;
}

enum rc
cert_window(const X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after)
{
	struct tm from, to;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(cert), &from) != 1 ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(cert), &to) != 1)
		return err_openssl(RC_FORMAT, "dates of a certificate");
	*ret_not_before = timegm(&from);
	*ret_not_after = timegm(&to);
	return RC_OK;
}
