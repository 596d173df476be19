/* SPDX-License-Identifier: Apache-2.0 */
/* CA certificates here are those that airgap-ca makes or takes over: one
 * algorithm for what each kind of key signs, extensions as RFC 5280 wants them
 * or as every peer takes them. What a verifier need not support nobody can use
 * against it. */
#include "base/key_type.h"
#include "base/list.h"
#include "base/own_ssl.h"
#include "transfer/judge/ca_form.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/request.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/issuer_id.h"
#include "transfer/x509/tbs.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <time.h>

static void
trust_ca_wipe(struct trust_ca *ca)
{
	X509_free(ca->cert);
	buf_wipe(&ca->der);
	buf_wipe(&ca->subject);
	buf_wipe(&ca->issuer_id);
	*ca = (struct trust_ca){ 0 };
}

void
trust_wipe(struct trust *trust)
{
	for (size_t i = 0; i < trust->n_cas; i++)
		trust_ca_wipe(&trust->cas[i]);
	free(trust->cas);
	for (size_t i = 0; i < trust->n_crosses; i++)
		buf_wipe(&trust->crosses[i].der);
	free(trust->crosses);
	buf_wipe(&trust->transfer_cert);
	kin_wipe(&trust->kin);
	*trust = (struct trust){ 0 };
}

/* One certificate, whose DER is the only encoding of what it says. */
static enum rc
trust_parse(enum rule rule, const char *from, struct span der, X509 **ret)
{
	OWN(X509) *cert = NULL;
	const char *what = NULL;
	size_t at = 0;

	if (!der_check(der, &what, &at))
		return rule_refuse(
		    rule, "%s: not strict DER: %s at byte %zu", from, what, at);
	cert = cert_of_der(der);
	if (cert == NULL)
		return rule_refuse(rule, "%s: not one certificate", from);
	if (X509_get_version(cert) != X509_VERSION_3)
		return rule_refuse(rule, "%s: not X.509 v3", from);
	/* Fills in what X509_get_extension_flags reports. */
	if (X509_check_purpose(cert, -1, 0) != 1 ||
	    (X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0) {
		ERR_clear_error();
		return rule_refuse(rule, "%s: a broken extension", from);
	}
	*ret = MOVE(cert);
	return RC_OK;
}

/* The algorithm that a CA key signs with: one for each kind of key. */
static enum rc
choose_algorithm(const char *from, struct trust_ca *ca)
{
	const struct key_type type = key_type_of(ca->key);
	const struct key_row *row = key_row_get0(type.kind);

	if (row == NULL || (row->owners & KEY_OF_CA) == 0)
		return rule_refuse(RULE_CA_CERT,
		    "%s: its key is not RSA, P-256 or P-384", from);
	if (!key_type_is_for(type, KEY_OF_CA))
		return rule_refuse(RULE_CA_CERT,
		    "%s: an RSA key of %u bits, not %u to %u", from, type.bits,
		    row->bits, row->bits_own_max);
	ca->digest = row->md();
	ca->algorithm = span_of(row->signs, row->signs_n);
	return RC_OK;
}

static bool
is_critical(const X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);

	return at >= 0 &&
	       X509_EXTENSION_get_critical(X509_get_ext(cert, at)) == 1;
}

/* Where issuer and subject are the same bytes it is signed by its own key, be
 * it with another hash than that key's certificates; else by another key, whose
 * certificate is not here. */
static enum rc
check_self_signature(
    const char *from, const struct trust_ca *ca, const struct ca_form *form)
{
	bool own_key, sha1;
	enum rc rc = ca_is_signed(from, &form->parts, ca->key, &own_key);

	if (rc != RC_OK)
		return rc;
	if (form->own_issuer && !ca_own_algorithm(form->parts.algorithm, &sha1))
		return rule_refuse(RULE_CA_CERT,
		    "%s: signed with an algorithm that is not ECDSA or PKCS#1 with SHA-1 or SHA-2, nor Ed25519",
		    from);
	if (form->own_issuer && !own_key)
		return rule_refuse(RULE_CA_CERT,
		    "%s: its signature is not of its own key", from);
	if (form->own_issuer)
		return RC_OK;
	if (own_key)
		return rule_refuse(RULE_CA_CERT,
		    "%s: signed by its own key, and its issuer is not its subject, byte for byte",
		    from);
	return ca_algorithm_check(from, form->parts.algorithm);
}

static enum rc
trust_read_time(
    enum rule rule, const char *from, const ASN1_TIME *at, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) != 1) {
		ERR_clear_error();
		return rule_refuse(rule, "%s: a broken date", from);
	}
	*ret = timegm(&tm);
	return RC_OK;
}

/* What a certificate under this one must show. */
static enum rc
fill_facts(const char *from, struct trust_ca *ca)
{
	struct ca_form form;
	enum rc rc = ca_form_read(from, buf_span(&ca->der), CA_PINNED, &form);

	if (rc == RC_OK)
		rc = constraints_read(from, buf_span(&ca->der), &ca->bound);
	if (rc == RC_OK)
		rc = buf_add_span(&ca->subject, form.parts.subject);
	if (rc == RC_OK)
		rc = sha256(form.parts.spki, ca->key_id);
	if (rc == RC_OK)
		rc = issuer_id_of(from, &form.parts, &ca->issuer_id);
	if (rc != RC_OK)
		return rc;
	ca->ski = buf_span(&ca->issuer_id);
	ca->not_before = form.not_before;
	ca->not_after = form.not_after;
	ca->own_issuer = form.own_issuer;
	return RC_OK;
}

static enum rc
trust_read_ca(const char *from, struct span der, struct trust_ca *ca)
{
	struct ca_form form;
	enum rc rc;

	rc = trust_parse(RULE_CA_CERT, from, der, &ca->cert);
	if (rc == RC_OK)
		rc = ca_form_read(from, der, CA_PINNED, &form);
	if (rc != RC_OK)
		return rc;
	rc = cert_key_get0(from, ca->cert, &ca->key);
	if (rc != RC_OK)
		return rc;
	if (ca->key == NULL)
		return rule_refuse(RULE_CA_CERT, "%s: unusable key", from);
	rc = choose_algorithm(from, ca);
	if (rc == RC_OK)
		rc = ca_key_check(from, form.parts.spki);
	if (rc == RC_OK)
		rc = check_self_signature(from, ca, &form);
	if (rc == RC_OK)
		rc = buf_add_span(&ca->der, der);
	if (rc == RC_OK)
		rc = fill_facts(from, ca);
	return rc;
}

/* A renewed certificate is that of the same CA (RFC 5280 4.1.2.4). A new key
 * may come with a new name, where the CA says so. */
static enum rc
trust_check_company(
    const char *from, const struct trust *trust, const struct trust_ca *ca)
{
	for (size_t i = 0; i < trust->n_cas; i++) {
		const struct trust_ca *other = &trust->cas[i];

		if (span_eq(buf_span(&other->der), buf_span(&ca->der)))
			return rule_refuse(
			    RULE_CA_CERT, "%s: pinned already", from);
		if (memcmp(other->key_id, ca->key_id, SHA256_LEN) == 0 &&
		    !span_eq(buf_span(&other->subject), buf_span(&ca->subject)))
			return rule_refuse(RULE_CA_CERT,
			    "%s: another subject than the CA of this key that is pinned",
			    from);
	}
	return RC_OK;
}

enum rc
trust_add_ca(struct trust *trust, const char *from, struct span der)
{
	static const uint8_t unset[SHA256_LEN];
	WIPED(trust_ca) ca = { 0 };
	enum rc rc;

	rc = trust_read_ca(from, der, &ca);
	if (rc == RC_OK)
		rc = trust_check_company(from, trust, &ca);
	if (rc != RC_OK)
		return rc;
	if (memcmp(trust->ca_id, unset, SHA256_LEN) == 0) {
		rc = sha256(der, trust->ca_id);
		if (rc != RC_OK)
			return rc;
	}
	rc = kin_add(&trust->kin, KIN_OWN, from, der);
	if (rc == RC_OK)
		rc = LIST_GROW(trust->cas, trust->n_cas);
	if (rc != RC_OK)
		return rc;
	trust->cas[trust->n_cas++] = ca;
	ca = (struct trust_ca){ 0 };
	return RC_OK;
}

const struct trust_ca *
trust_key_get0(const struct trust *trust, const uint8_t *key_id)
{
	for (size_t i = trust->n_cas; i-- > 0;)
		if (memcmp(trust->cas[i].key_id, key_id, SHA256_LEN) == 0)
			return &trust->cas[i];
	return NULL;
}

/* ---- from key to key ----------------------------------------------------- */

static const struct trust_ca *
trust_cross_over(const struct trust *trust, const struct ca_form *form)
{
	uint8_t key_id[SHA256_LEN];

	if (sha256(form->parts.spki, key_id) != RC_OK)
		return NULL;
	for (size_t i = trust->n_cas; i-- > 0;) {
		const struct trust_ca *ca = &trust->cas[i];

		if (memcmp(ca->key_id, key_id, SHA256_LEN) == 0 &&
		    span_eq(form->parts.subject, buf_span(&ca->subject)) &&
		    span_eq(form->ski, ca->ski))
			return ca;
	}
	return NULL;
}

static enum rc
trust_cross_by(const char *from, const struct trust *trust,
    const struct ca_form *form, const struct trust_ca **ret)
{
	bool good = false;
	enum rc rc = RC_OK;

	for (size_t i = trust->n_cas; i-- > 0 && rc == RC_OK && !good;) {
		const struct trust_ca *ca = &trust->cas[i];

		if (!span_eq(form->parts.issuer, buf_span(&ca->subject)) ||
		    !span_eq(form->aki, ca->ski) ||
		    !span_eq(form->parts.algorithm, ca->algorithm))
			continue;
		rc = ca_is_signed(from, &form->parts, ca->key, &good);
		*ret = ca;
	}
	if (rc == RC_OK && !good)
		*ret = NULL;
	return rc;
}

static enum rc
trust_cross_keep(struct trust *trust, struct span der,
    const struct ca_form *form, const struct trust_ca *over,
    const struct trust_ca *by)
{
	struct trust_cross *one;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < trust->n_crosses; i++)
		if (span_eq(buf_span(&trust->crosses[i].der), der))
			return RC_OK;
	rc = LIST_GROW(trust->crosses, trust->n_crosses);
	if (rc != RC_OK)
		return rc;
	one = &trust->crosses[trust->n_crosses];
	*one = (struct trust_cross){ .not_before = form->not_before,
		.not_after = form->not_after };
	memcpy(one->over, over->key_id, SHA256_LEN);
	memcpy(one->by, by->key_id, SHA256_LEN);
	rc = buf_add_span(&one->der, der);
	trust->n_crosses += rc == RC_OK;
	return rc;
}

enum rc
trust_add_cross(struct trust *trust, const char *from, struct span der)
{
	const struct trust_ca *over, *by = NULL;
	struct ca_form form;
	enum rc rc = ca_form_read(from, der, CA_CROSS, &form);

	if (rc != RC_OK)
		return rc;
	if (!form.succession)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a certificate over a CA key that has no mark of the CA's own next keys, as that of a CA below has none",
		    from);
	over = trust_cross_over(trust, &form);
	if (over == NULL)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a certificate over a CA key or name that is not pinned",
		    from);
	rc = trust_cross_by(from, trust, &form, &by);
	if (rc != RC_OK)
		return rc;
	if (by == NULL || memcmp(by->key_id, over->key_id, SHA256_LEN) == 0)
		return rule_refuse(RULE_TRUST_CHANGE,
		    "%s: a certificate over a CA key that no other CA key that is pinned has signed",
		    from);
	return trust_cross_keep(trust, der, &form, over, by);
}

/* ---- the transfer certificate -------------------------------------------- */

static enum rc
trust_check_transfer_eku(const char *from, X509 *cert)
{
	OWN(EXTENDED_KEY_USAGE) *eku =
	    X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	OWN(ASN1_OBJECT) *wanted = OBJ_txt2obj(EKU_TRANSFER, 1);

	if (wanted == NULL)
		return err_openssl(RC_BUG, "the transfer EKU");
	if (eku == NULL || sk_ASN1_OBJECT_num(eku) != 1 ||
	    OBJ_cmp(sk_ASN1_OBJECT_value(eku, 0), wanted) != 0 ||
	    !is_critical(cert, NID_ext_key_usage))
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: its extended key usage is not critical and exactly id-kp-airgapTransfer",
		    from);
	return RC_OK;
}

/* Exactly these and nothing more: a server's certificate of the same CA must
 * never do for signing manifests. */
static enum rc
check_transfer_form(const char *from, X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);

	if ((flags & EXFLAG_CA) != 0)
		return rule_refuse(
		    RULE_TRANSFER_CERT, "%s: a CA's certificate", from);
	if ((flags & EXFLAG_CRITICAL) != 0)
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: an unknown critical extension", from);
	if ((flags & EXFLAG_KUSAGE) == 0 || !is_critical(cert, NID_key_usage) ||
	    X509_get_key_usage(cert) != KU_DIGITAL_SIGNATURE)
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: its key usage is not critical and exactly digitalSignature",
		    from);
	return trust_check_transfer_eku(from, cert);
}

static enum rc
check_transfer_dates(const char *from, const X509 *cert, int64_t at)
{
	int64_t not_before = 0, not_after = 0;
	enum rc rc;

	rc = trust_read_time(
	    RULE_TRANSFER_CERT, from, X509_get0_notBefore(cert), &not_before);
	if (rc == RC_OK)
		rc = trust_read_time(RULE_TRANSFER_CERT, from,
		    X509_get0_notAfter(cert), &not_after);
	if (rc == RC_OK && (at < not_before || at > not_after))
		rc = rule_refuse(RULE_TRANSFER_CERT,
		    "%s: not valid when this was signed", from);
	return rc;
}

/* Which CA issued it: by name and authorityKeyIdentifier, then by signature. */
static enum rc
check_transfer_issuer(
    const char *from, const struct trust *trust, struct span der, X509 *cert)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(cert);
	struct cert_parts parts;
	bool good = false;
	struct span keyid;
	enum rc rc;

	rc = cert_parts_read(from, der, &parts);
	if (rc != RC_OK)
		return rc;
	keyid = aki == NULL ? SPAN_NONE
			    : span_of(ASN1_STRING_get0_data(aki),
				  (size_t)ASN1_STRING_length(aki));
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK && !good; i++) {
		const struct trust_ca *ca = &trust->cas[i];

		if (span_eq(parts.issuer, buf_span(&ca->subject)) &&
		    span_eq(parts.algorithm, ca->algorithm) &&
		    span_eq(keyid, ca->ski))
			rc = ca_is_signed(from, &parts, ca->key, &good);
	}
	if (rc != RC_OK || good)
		return rc;
	return rule_refuse(RULE_TRANSFER_CERT,
	    "%s: not issued by the CA that is pinned", from);
}

enum rc
judge_transfer_cert(const char *from, const struct trust *trust,
    struct span der, int64_t at, EVP_PKEY **ret_key)
{
	OWN(X509) *cert = NULL;
	EVP_PKEY *key;
	enum rc rc;

	if (trust->transfer_cert.n != 0 &&
	    !span_eq(buf_span(&trust->transfer_cert), der))
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: signed with another transfer certificate than the pinned one",
		    from);
	rc = trust_parse(RULE_TRANSFER_CERT, from, der, &cert);
	if (rc == RC_OK)
		rc = check_transfer_form(from, cert);
	if (rc == RC_OK)
		rc = check_transfer_issuer(from, trust, der, cert);
	if (rc == RC_OK)
		rc = check_transfer_dates(from, cert, at);
	if (rc == RC_OK)
		rc = cert_key_get0(from, cert, &key);
	if (rc != RC_OK)
		return rc;
	if (key == NULL)
		return rule_refuse(
		    RULE_TRANSFER_CERT, "%s: unusable key", from);
	if (EVP_PKEY_up_ref(key) != 1)
		return err_openssl(RC_BUG, "%s: its key", from);
	*ret_key = key;
	return RC_OK;
}

enum rc
trust_window(
    const struct trust *trust, struct span transfer_cert, struct ca_window *ret)
{
	const struct trust_ca *ca = &trust->cas[trust->n_cas - 1];
	struct ca_window window = { .not_before = ca->not_before,
		.not_after = ca->not_after,
		.path_len = X509_get_pathlen(ca->cert),
		.kin = trust->kin,
		.subject = buf_span(&ca->subject) };
	OWN(X509) *cert = NULL;
	EVP_PKEY *key = NULL;
	enum rc rc = trust_parse(RULE_TRANSFER_CERT,
	    "the CA's transfer certificate", transfer_cert, &cert);

	memcpy(window.key_id, ca->key_id, SHA256_LEN);
	for (size_t i = trust->n_cas;
	     i-- > 0 && window.n_above < CONSTRAINTS_ABOVE;)
		if (memcmp(trust->cas[i].key_id, ca->key_id, SHA256_LEN) == 0)
			window.above[window.n_above++] = trust->cas[i].bound;
	if (rc == RC_OK)
		key = X509_get0_pubkey(cert);
	if (rc == RC_OK && key == NULL)
		rc = err_openssl(RC_BUG, "the CA's transfer certificate");
	if (rc == RC_OK)
		rc = key_id_of(key, window.transfer_id);
	if (rc == RC_OK)
		*ret = window;
	return rc;
}
