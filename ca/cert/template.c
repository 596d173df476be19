/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cert/template.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "transfer/x509/der.h"

#include <openssl/objects.h>

#define THROW_AWAY_RSA_BITS 2048

static EVP_PKEY *
throw_away_key(const struct sign_alg *alg)
{
	if (alg->scheme != TOKEN_ECDSA)
		return EVP_RSA_gen(THROW_AWAY_RSA_BITS);
	/* Also for a P-384 CA: ecdsa-with-SHA384 names no curve, and nothing of
	 * this key is left in what is signed. */
	return EVP_EC_gen("P-256");
}

enum rc
template_new(const struct sign_alg *alg, X509 **ret)
{
	OWN(X509) *x = X509_new();
	OWN(EVP_PKEY) *key = throw_away_key(alg);

	if (x == NULL || key == NULL ||
	    X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(x, key) != 1 || X509_sign(x, key, alg->md) <= 0)
		return err_openssl(RC_BUG, "no certificate template");
	*ret = MOVE(x);
	return RC_OK;
}

enum rc
template_set_serial(X509 *template, struct span serial)
{
	/* The INTEGER that X509_new made: positive, so its bytes are all. */
	if (ASN1_STRING_set(
		X509_get_serialNumber(template), serial.p, (int)serial.n) != 1)
		return err_openssl(RC_IO, "serial");
	return RC_OK;
}

enum rc
template_set_dates(X509 *template, int64_t not_before, int64_t not_after)
{
	/* ASN1_TIME_set takes UTCTime through 2049 and GeneralizedTime from
	 * 2050 on, as RFC 5280 4.1.2.5 wants. */
	if (not_before < 0 || not_after > CLOCK_MAX ||
	    ASN1_TIME_set(X509_getm_notBefore(template), not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(template), not_after) == NULL)
		return err_openssl(RC_BUG, "dates of a certificate");
	return RC_OK;
}

/* The AlgorithmIdentifier's parameters as X509_PUBKEY_set0_param takes them:
 * absent, NULL or the name of a curve. */
static bool
own_parameters(const X509_ALGOR *alg, int *ret_type, ASN1_OBJECT **ret_curve)
{
	const void *value;

	X509_ALGOR_get0(NULL, ret_type, &value, alg);
	if (*ret_type == V_ASN1_UNDEF || *ret_type == V_ASN1_NULL)
		return true;
	if (*ret_type != V_ASN1_OBJECT)
		return false;
	*ret_curve = OBJ_dup(value);
	return *ret_curve != NULL;
}

static enum rc
set_key(X509_PUBKEY *pubkey, const X509_ALGOR *alg, struct span bits)
{
	OWN(ASN1_OBJECT) *oid = NULL;
	OWN(ASN1_OBJECT) *curve = NULL;
	OWN(ssl_bytes) *octets = NULL;
	const ASN1_OBJECT *oid0;
	int type;

	X509_ALGOR_get0(&oid0, NULL, NULL, alg);
	oid = OBJ_dup(oid0);
	octets = OPENSSL_memdup(bits.p, bits.n);
	if (!own_parameters(alg, &type, &curve) || oid == NULL ||
	    octets == NULL)
		return err_openssl(RC_FORMAT, "key of a certificate");
	if (X509_PUBKEY_set0_param(
		pubkey, oid, type, curve, octets, (int)bits.n) != 1)
		return err_openssl(RC_BUG, "key of a certificate");
	(void)MOVE(oid);
	(void)MOVE(curve);
	(void)MOVE(octets);
	return RC_OK;
}

enum rc
template_set_key(X509 *template, struct span spki)
{
	OWN(X509_ALGOR) *alg = NULL;
	struct span body, bits;
	struct der whole;
	const uint8_t *p;

	/* Not X509_set_pubkey: OpenSSL 3.0 takes 140 us to make its key. */
	if (!der_take(&spki, DER_SEQUENCE, &body) || spki.n != 0 ||
	    !der_take_whole(&body, DER_SEQUENCE, &whole) ||
	    !der_take_bits(&body, &bits) || body.n != 0)
		return err_set(RC_FORMAT, "not a SubjectPublicKeyInfo");
	p = whole.whole.p;
	alg = d2i_X509_ALGOR(NULL, &p, (long)whole.whole.n);
	if (alg == NULL)
		return err_openssl(RC_FORMAT, "not a SubjectPublicKeyInfo");
	return set_key(X509_get_X509_PUBKEY(template), alg, bits);
}

/* Does the template's extension differ from this one in its value only? */
static bool
is_kind(X509_EXTENSION *ext, const struct extension *wanted)
{
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(ext);
	struct span in = wanted->oid, content;

	return der_take(&in, DER_OID, &content) &&
	       span_eq(content, span_of(OBJ_get0_data(oid), OBJ_length(oid))) &&
	       (X509_EXTENSION_get_critical(ext) == 1) == wanted->critical;
}

/* The usual case, and the quick one: the certificate before this one had the
 * same extensions. */
static bool
has_kinds(const X509 *template, const struct extension_list *list)
{
	if ((size_t)X509_get_ext_count(template) != list->n)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (!is_kind(X509_get_ext(template, (int)i), &list->items[i]))
			return false;
	return true;
}

static enum rc
replace_extensions(X509 *template, const struct extension_list *list)
{
	enum rc rc;

	while (X509_get_ext_count(template) > 0)
		X509_EXTENSION_free(X509_delete_ext(template, 0));
	for (size_t i = 0; i < list->n; i++) {
		OWN(X509_EXTENSION) *ext = NULL;

		rc = extension_to_x509(&list->items[i], &ext);
		if (rc != RC_OK)
			return rc;
		if (X509_add_ext(template, ext, -1) != 1)
			return err_openssl(RC_IO, "extension");
	}
	return RC_OK;
}

enum rc
template_set_extensions(X509 *template, const struct extension_list *list)
{
	if (!has_kinds(template, list))
		return replace_extensions(template, list);
	for (size_t i = 0; i < list->n; i++) {
		struct span value = list->items[i].value;

		if (ASN1_STRING_set(
			X509_EXTENSION_get_data(X509_get_ext(template, (int)i)),
			value.p, (int)value.n) != 1)
			return err_openssl(RC_IO, "extension");
	}
	return RC_OK;
}

enum rc
template_tbs(X509 *template, struct buf *out)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_re_X509_tbs(template, &der);

	if (n <= 0)
		return err_openssl(RC_BUG, "TBSCertificate");
	return buf_add(out, der, (size_t)n);
}
