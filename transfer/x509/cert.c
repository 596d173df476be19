/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/x509/cert.h"

#include "base/own_ssl.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

enum rc
cert_parse(const char *from, struct span der, X509 **ret)
{
	OWN(X509) *x = NULL;
	const uint8_t *p = der.p;

	x = d2i_X509(NULL, &p, (long)der.n);
	if (x == NULL || p != der.p + der.n) {
		ERR_clear_error();
		return err_set(RC_FORMAT, "%s: not one certificate", from);
	}
	*ret = MOVE(x);
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
