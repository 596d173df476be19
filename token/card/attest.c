/* SPDX-License-Identifier: Apache-2.0 */
/* An attestation is found among the token's certificates by content, since
 * modules give it any label; it is described and its chain of one is
 * verified, but the maker's root is for a person to compare. */
#include "token/card/attest.h"

#include "base/own_ssl.h"
#include "token/p11/attr.h"

#include <openssl/err.h>

#define ATTEST_CERTS_MAX 128

/* Yubico's arc for what a PIV attestation states (firmware, serial, policies):
 * 1.3.6.1.4.1.41482.3. Makers have no common form. */
static const uint8_t yubico_piv[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xc4,
	0x0a, 0x03 };

static bool
has_attestation(const X509 *cert)
{
	for (int i = 0; i < X509_get_ext_count(cert); i++) {
		X509_EXTENSION *ext = X509_get_ext(cert, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(ext);

		if (OBJ_length(oid) > sizeof(yubico_piv) &&
		    memcmp(OBJ_get0_data(oid), yubico_piv,
			sizeof(yubico_piv)) == 0)
			return true;
	}
	return false;
}

X509 *
card_cert_parse(struct span der)
{
	const uint8_t *end = der.p;
	X509 *cert = d2i_X509(NULL, &end, (long)der.n);

	ERR_clear_error();
	return cert;
}

bool
attest_is_for(struct span der, struct span spki)
{
	OWN(X509) *cert = card_cert_parse(der);
	OWN(ssl_bytes) *own = NULL;
	int n;

	if (cert == NULL || !has_attestation(cert))
		return false;
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &own);
	return n > 0 && span_eq(span_of(own, (size_t)n), spki);
}

/* By name and signature; X509_cmp keeps a self-signed certificate from
 * attesting itself. */
static bool
is_issuer(struct span cert, struct span issuer)
{
	OWN(X509) *c = card_cert_parse(cert), *i = card_cert_parse(issuer);
	bool ok;

	ok = c != NULL && i != NULL && X509_cmp(c, i) != 0 &&
	     X509_NAME_cmp(X509_get_issuer_name(c), X509_get_subject_name(i)) ==
		 0 &&
	     X509_verify(c, X509_get0_pubkey(i)) == 1;
	ERR_clear_error();
	return ok;
}

/* A card may fail at one certificate (an empty slot): the others count. */
static struct span
attest_read_cert(
    const struct session *s, CK_OBJECT_HANDLE object, struct buf *der)
{
	buf_reset(der);
	if (attr_bytes(s, object, CKA_VALUE, der) != RC_OK) {
		buf_reset(der);
		err_clear();
	}
	return buf_span(der);
}

enum rc
attest_find(const struct session *s, struct span spki, struct buf *ret_cert,
    struct buf *ret_issuer)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[ATTEST_CERTS_MAX];
	WIPED(buf) der = { 0 };
	size_t n = 0;
	enum rc rc = objects_find(s, &want, 1, found, ATTEST_CERTS_MAX, &n);

	for (size_t i = 0; i < n && rc == RC_OK && ret_cert->n == 0; i++)
		if (attest_is_for(attest_read_cert(s, found[i], &der), spki))
			rc = buf_add_span(ret_cert, buf_span(&der));
	for (size_t i = 0;
	     i < n && rc == RC_OK && ret_cert->n != 0 && ret_issuer->n == 0;
	     i++)
		if (is_issuer(buf_span(ret_cert),
			attest_read_cert(s, found[i], &der)))
			rc = buf_add_span(ret_issuer, buf_span(&der));
	return rc;
}

enum rc
attest_describe(struct span cert, struct span issuer, struct buf *ret_text,
    bool *ret_signed)
{
	OWN(X509) *c = card_cert_parse(cert);
	OWN(BIO) *out = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (c == NULL || out == NULL)
		return err_set(RC_TOKEN, "the attestation cannot be read");
	if (X509_NAME_print_ex(
		out, X509_get_issuer_name(c), 0, XN_FLAG_RFC2253) < 0)
		return err_memory();
	n = BIO_get_mem_data(out, &text);
	*ret_signed = issuer.n != 0 && is_issuer(cert, issuer);
	return buf_add(ret_text, text, (size_t)n);
}
