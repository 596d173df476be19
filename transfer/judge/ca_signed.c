/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of CA certificates. What a certificate says of itself is
 * for ca_form.c. */
#include "transfer/judge/ca_signed.h"

#include "base/key_type.h"
#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/key.h"
#include "transfer/x509/signature.h"

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

/* SHA-1 and MD5 are forged, but who signed himself proves nothing to anybody,
 * and peers do not verify it: an old CA may have SHA-1 there. RSASSA-PSS may
 * say SHA-1 in its parameters, and no CA of ours uses it. */
static const struct ca_alg {
	const char *oid;
	enum key_family family;
	const char *digest; /* by OpenSSL's name */
	bool own_only;	    /* of one that signed itself */
} ca_algs[] = {
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x02", KEY_EC, "SHA256", false },
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x03", KEY_EC, "SHA384", false },
	{ "\x2a\x86\x48\xce\x3d\x04\x03\x04", KEY_EC, "SHA512", false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", KEY_MODULUS, "SHA256",
	    false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", KEY_MODULUS, "SHA384",
	    false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", KEY_MODULUS, "SHA512",
	    false },
	{ "\x2b\x65\x70", KEY_RAW, NULL, false }, /* Ed25519 */
	{ "\x2a\x86\x48\xce\x3d\x04\x01", KEY_EC, "SHA1", true },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", KEY_MODULUS, "SHA1", true },
};

/* Behind the OID: nothing, but NULL for RSA (RFC 4055 5, RFC 5758 3.2). */
static bool
ca_alg_parameters_are_good(enum key_family family, struct span rest)
{
	struct span none;

	if (family == KEY_MODULUS && !der_take(&rest, DER_NULL, &none))
		return false;
	return rest.n == 0;
}

static const struct ca_alg *
ca_alg_get0(struct span algorithm, bool own)
{
	struct span body, oid = SPAN_NONE;

	if (der_take(&algorithm, DER_SEQUENCE, &body) &&
	    der_take(&body, DER_OID, &oid))
		for (size_t i = 0; i < sizeof(ca_algs) / sizeof(ca_algs[0]);
		     i++)
			if (span_eq_str(oid, ca_algs[i].oid) &&
			    (own || !ca_algs[i].own_only) &&
			    ca_alg_parameters_are_good(ca_algs[i].family, body))
				return &ca_algs[i];
	return NULL;
}

bool
ca_own_algorithm(struct span algorithm, bool *ret_sha1)
{
	const struct ca_alg *alg = ca_alg_get0(algorithm, true);

	*ret_sha1 = alg != NULL && alg->own_only;
	return alg != NULL;
}

enum rc
ca_algorithm_check(const char *from, struct span algorithm)
{
	if (ca_alg_get0(algorithm, false) != NULL)
		return RC_OK;
	return rule_refuse(RULE_CA_CERT,
	    "%s: signed with an algorithm that is not ECDSA or PKCS#1 with SHA-2, nor Ed25519",
	    from);
}

enum rc
ca_is_signed(const char *from, const struct cert_parts *parts, EVP_PKEY *key,
    bool *ret_good)
{
	const struct ca_alg *alg = ca_alg_get0(
	    parts->algorithm, span_eq(parts->issuer, parts->subject));
	const struct key_row *row = key_row_get0(key_type_of(key).kind);

	*ret_good = false;
	if (alg == NULL || row == NULL || row->family != alg->family)
		return RC_OK;
	return signature_of_message(
	    from, key, alg->digest, parts->signature, parts->tbs, ret_good);
}

static bool
names_it(const struct ca_form *above, const struct ca_form *below)
{
	return span_eq(below->parts.issuer, above->parts.subject) &&
	       (below->aki.n == 0 || above->ski.n == 0 ||
		   span_eq(below->aki, above->ski));
}

enum rc
ca_signed_check(
    const char *from, const struct ca_form *above, const struct ca_form *below)
{
	OWN(EVP_PKEY) *key = NULL;
	struct key_facts facts;
	bool good = false;
	enum rc rc = key_check(from, above->parts.spki, &facts, &key);

	if (rc == RC_OK && names_it(above, below))
		rc = ca_is_signed(from, &below->parts, key, &good);
	if (rc != RC_OK || good)
		return rc;
	return rule_refuse(RULE_CA_CERT,
	    above == below ? "%s: its signature is not of its own key"
			   : "%s did not issue the one before",
	    from);
}
