/* SPDX-License-Identifier: Apache-2.0 */
/* The tricks that get TBS bytes out of OpenSSL without a private key. What is
 * written into a template is decided in tbs.c. */
#include "ca/cert/template.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <openssl/objects.h>

/* Every field is there, so that the setters below find it; none says anything
 * yet but the version and the two AlgorithmIdentifiers. */
static enum rc
write_blank(const struct sign_alg *alg, struct buf *ret_der)
{
	static const uint8_t one[] = { 1 };
	static const uint8_t nobody[] = { DER_SEQUENCE, 0 };
	/* An Ed25519 key without bytes: OpenSSL keeps it and makes no key. */
	static const uint8_t no_key[] = { DER_SEQUENCE, 10, DER_SEQUENCE, 5,
		DER_OID, 3, 0x2b, 0x65, 0x70, DER_BIT_STRING, 1, 0 };
	static const uint8_t no_signature[] = { 1, 1 };
	const struct tbs blank = { .serial = span_of(one, sizeof(one)),
		.algorithm = alg->identifier,
		.issuer = span_of(nobody, sizeof(nobody)),
		.subject = span_of(nobody, sizeof(nobody)),
		.spki = span_of(no_key, sizeof(no_key)),
		.extensions = span_of(nobody, sizeof(nobody)) };
	WIPED(tbs_bytes) bytes = { 0 };
	WIPED(buf) tbs = { 0 };
	enum rc rc = tbs_write(&blank, &bytes);

	if (rc == RC_OK)
		rc = der_put(&tbs, DER_SEQUENCE, buf_span(&bytes.content));
	return rc != RC_OK
		   ? rc
		   : cert_assemble(alg, buf_span(&tbs),
			 span_of(no_signature, sizeof(no_signature)), ret_der);
}

enum rc
template_new(const struct sign_alg *alg, X509 **ret)
{
	WIPED(buf) blank = { 0 };
	X509 *template;
	enum rc rc = write_blank(alg, &blank);

	if (rc != RC_OK)
		return rc;
	template = cert_of_der(buf_span(&blank));
	if (template == NULL)
		return err_set(RC_BUG, "no certificate template");
	*ret = template;
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
	int n = i2d_re_X509_tbs(template, NULL);
	uint8_t *p;
	enum rc rc;

	if (n <= 0)
		return err_openssl(RC_BUG, "TBSCertificate");
	rc = buf_reserve(out, (size_t)n);
	if (rc != RC_OK)
		return rc;
	p = out->p + out->n;
	if (i2d_re_X509_tbs(template, &p) != n)
		return err_openssl(RC_BUG, "TBSCertificate");
	out->n += (size_t)n;
	return RC_OK;
}
