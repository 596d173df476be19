/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of CA certificates. What a certificate says of itself is
 * for ca_form.c. */
#include "transfer/judge/ca_signed.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/key.h"

#include <openssl/err.h>

enum rc
ca_key_check(const char *from, struct span spki)
{
	OWN(EVP_PKEY) *key = NULL;
	struct key_facts facts;
	enum rc rc = key_check(from, spki, &facts, &key);

	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	return rule_refuse(
	    RULE_CA_CERT, "%s [%s]", err_text(), rule_name(rule_spoken()));
}

/* SHA-1 and MD5 are forged; RSASSA-PSS may say SHA-1 in its parameters, and no
 * CA of ours uses it. */
enum rc
ca_algorithm_check(const char *from, struct span algorithm)
{
	static const char *const good[] = {
		"\x2a\x86\x48\xce\x3d\x04\x03\x02",	/* ECDSA, SHA-256 */
		"\x2a\x86\x48\xce\x3d\x04\x03\x03",	/* SHA-384 */
		"\x2a\x86\x48\xce\x3d\x04\x03\x04",	/* SHA-512 */
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", /* RSA, SHA-256 */
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", /* SHA-384 */
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", /* SHA-512 */
		"\x2b\x65\x70",				/* Ed25519 */
	};
	struct span body, oid = SPAN_NONE;

	if (der_take(&algorithm, DER_SEQUENCE, &body) &&
	    der_take(&body, DER_OID, &oid))
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			if (span_eq_str(oid, good[i]))
				return RC_OK;
	return rule_refuse(RULE_CA_CERT,
	    "%s: signed with an algorithm that is not ECDSA or PKCS#1 with SHA-2, nor Ed25519",
	    from);
}

enum rc
ca_signed_check(const char *from, struct span above,
    const struct ca_form *above_form, struct span below,
    const struct ca_form *below_form)
{
	OWN(X509) *signer = cert_of_der(above);
	OWN(X509) *cert = cert_of_der(below);
	EVP_PKEY *key = signer == NULL ? NULL : X509_get0_pubkey(signer);
	bool good =
	    span_eq(below_form->parts.issuer, above_form->parts.subject) &&
	    (below_form->aki.n == 0 ||
		span_eq(below_form->aki, above_form->ski)) &&
	    key != NULL && cert != NULL && X509_verify(cert, key) == 1;

	ERR_clear_error();
	if (good)
		return RC_OK;
	return rule_refuse(RULE_CA_CERT,
	    above.p == below.p ? "%s: its signature is not of its own key"
			       : "%s did not issue the one before",
	    from);
}
