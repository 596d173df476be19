/* SPDX-License-Identifier: Apache-2.0 */
/* A token may hold anything, so what it does not show, or what makes no sense,
 * is passed over: only a date that is there counts. */
#include "token/card/newest.h"

#include "base/own_ssl.h"
#include "token/card/attest.h"
#include "token/p11/attr.h"

#include <time.h>

static int64_t
begins_at(struct span der)
{
	OWN(X509) *cert = card_cert_parse(der);
	struct tm tm;

	if (cert == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm) != 1)
		return 0;
	return timegm(&tm);
}

enum rc
token_newest_read(const struct session *s, int64_t *ret_at)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_OBJECT_HANDLE found[OBJECTS_MAX];
	int64_t newest = 0;
	size_t n = 0;
	enum rc rc = objects_find(s, want, 1, found, OBJECTS_MAX, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		WIPED(buf) der = { 0 };
		int64_t at;

		rc = attr_bytes(s, found[i], CKA_VALUE, &der);
		at = rc == RC_OK && der.n != 0 ? begins_at(buf_span(&der)) : 0;
		newest = at > newest ? at : newest;
	}
	if (rc == RC_TOKEN) {
		err_clear();
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = err_check_shortage();
	*ret_at = newest;
	return rc;
}
