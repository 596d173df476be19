/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions are copied whole, one by one; only the three that name a key or a
 * length are written here. Then OpenSSL reads what came out, and it has to find
 * in it what it finds in the certificate that was copied. */
#include "ca/cert/next.h"

#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/ext_out.h"
#include "transfer/x509/succession.h"
#include "transfer/x509/tbs.h"

static const uint8_t next_true[] = { DER_BOOLEAN, 1, 0xff };

/* ---- extensions ---------------------------------------------------------- */

static bool
is_id(struct span oid, enum ext_id id)
{
	const uint8_t wanted[] = { 0x55, 0x1d, (uint8_t)id };

	return span_eq(oid, span_of(wanted, sizeof(wanted)));
}

static enum rc
put_ski(struct buf *out, struct span ski)
{
	WIPED(buf) value = { 0 };
	enum rc rc = der_put(&value, DER_OCTET_STRING, ski);

	return rc != RC_OK ? rc
			   : ext_put(out, EXT_SKI, false, buf_span(&value));
}

static enum rc
put_path_len(struct buf *out, int path_len)
{
	const uint8_t n = (uint8_t)path_len;
	WIPED(buf) both = { 0 };
	WIPED(buf) value = { 0 };
	enum rc rc = buf_add(&both, next_true, sizeof(next_true));

	if (rc == RC_OK)
		rc = der_put_unsigned(&both, span_of(&n, n == 0 ? 0 : 1));
	if (rc == RC_OK)
		rc = der_put(&value, DER_SEQUENCE, buf_span(&both));
	return rc != RC_OK ? rc
			   : ext_put(out, EXT_BASIC_CONSTRAINTS, true,
				 buf_span(&value));
}

/* Does it set a limit at all? */
static bool
has_limit(struct span body)
{
	struct span critical, value, constraints, yes;

	(void)der_take(&body, DER_BOOLEAN, &critical);
	return der_take(&body, DER_OCTET_STRING, &value) &&
	       der_take(&value, DER_SEQUENCE, &constraints) &&
	       der_take(&constraints, DER_BOOLEAN, &yes) && constraints.n != 0;
}

/* The others in their order; who looks for two certificates of one CA side by
 * side finds them alike. */
static enum rc
copy_extension(const struct ca_next *next, const struct der *e, struct buf *out)
{
	struct span body = e->content, oid;

	if (!der_take(&body, DER_OID, &oid))
		return err_set(RC_STATE, "CA certificate: a broken extension");
	if (is_id(oid, EXT_AKI))
		return RC_OK;
	if (is_id(oid, EXT_SKI))
		return put_ski(out, next->ski);
	if (is_id(oid, EXT_BASIC_CONSTRAINTS) &&
	    next->path_len != PATH_LEN_SAME && has_limit(body))
		return put_path_len(out, next->path_len);
	return buf_add_span(out, e->whole);
}

static enum rc
copy_extensions(
    const struct ca_next *next, struct span extensions, struct buf *ret)
{
	WIPED(buf) list = { 0 };
	struct span rest;
	struct der one;
	bool marked = false;
	enum rc rc = succession_find("CA certificate", next->like, &marked);

	if (rc != RC_OK)
		return rc;
	if (!der_take(&extensions, DER_SEQUENCE, &rest))
		return err_set(RC_STATE, "CA certificate: no extensions");
	while (rest.n != 0 && rc == RC_OK) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one))
			return err_set(
			    RC_STATE, "CA certificate: a broken extension");
		rc = copy_extension(next, &one, &list);
	}
	if (rc == RC_OK && next->succession && !marked)
		rc = succession_put(&list);
	if (rc == RC_OK && next->aki.n != 0)
		rc = ext_put_aki(&list, next->aki);
	return rc != RC_OK ? rc : der_put(ret, DER_SEQUENCE, buf_span(&list));
}

/* ---- what came out ------------------------------------------------------- */

static enum rc
next_lint(const char *what)
{
	return rule_refuse(RULE_LINT,
	    "RFC 4210 4.4: the CA's next certificate has %s than the one before",
	    what);
}

/* A certificate around it, as OpenSSL's reader wants one: the signature is
 * none. */
static enum rc
next_read(const struct ca_next *next, struct span tbs, X509 **ret)
{
	static const uint8_t none[] = { 0, 0 };
	WIPED(buf) content = { 0 };
	WIPED(buf) der = { 0 };
	enum rc rc = buf_add_span(&content, tbs);

	if (rc == RC_OK)
		rc = buf_add_span(&content, next->alg->identifier);
	if (rc == RC_OK)
		rc = der_put(
		    &content, DER_BIT_STRING, span_of(none, sizeof(none)));
	if (rc == RC_OK)
		rc = der_put(&der, DER_SEQUENCE, buf_span(&content));
	return rc != RC_OK ? rc
			   : cert_parse("the CA's next certificate",
				 buf_span(&der), ret);
}

/* The same extension to the byte, or in neither. */
static bool
same_extension(const X509 *a, const X509 *b, int nid)
{
	const int at_a = X509_get_ext_by_NID(a, nid, -1);
	const int at_b = X509_get_ext_by_NID(b, nid, -1);
	X509_EXTENSION *x, *y;

	if (at_a < 0 || at_b < 0)
		return at_a < 0 && at_b < 0;
	x = X509_get_ext(a, at_a);
	y = X509_get_ext(b, at_b);
	return X509_EXTENSION_get_critical(x) ==
		   X509_EXTENSION_get_critical(y) &&
	       ASN1_OCTET_STRING_cmp(
		   X509_EXTENSION_get_data(x), X509_EXTENSION_get_data(y)) == 0;
}

/* Is the mark in it where it belongs? As OpenSSL's reader finds it. */
static bool
has_mark(const X509 *x)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(SUCCESSION, 1);
	const int at = oid == NULL ? -1 : X509_get_ext_by_OBJ(x, oid, -1);

	return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x, at)) == 0;
}

static int
ext_count_but_aki(const X509 *x)
{
	return X509_get_ext_count(x) -
	       (X509_get_ext_by_NID(x, NID_authority_key_identifier, -1) >= 0);
}

static enum rc
next_check(const struct ca_next *next, X509 *like, X509 *x)
{
	const bool adds = next->succession && !has_mark(like);
	const bool keeps =
	    next->path_len == PATH_LEN_SAME || X509_get_pathlen(like) < 0;
	const int mine =
	    X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);

	if (!same_extension(like, x, NID_name_constraints))
		return next_lint("other nameConstraints");
	if (!same_extension(like, x, NID_key_usage))
		return next_lint("another keyUsage");
	if (X509_check_ca(x) != 1 ||
	    X509_get_pathlen(x) !=
		(keeps ? X509_get_pathlen(like) : next->path_len))
		return next_lint("other basicConstraints");
	if (has_mark(x) != (next->succession || has_mark(like)))
		return next_lint("another mark of succession");
	if ((mine >= 0) != (next->aki.n != 0) ||
	    ext_count_but_aki(x) != ext_count_but_aki(like) + adds)
		return next_lint("more or fewer extensions");
	return RC_OK;
}

static enum rc
lint_next(const struct ca_next *next, struct span tbs)
{
	OWN(X509) *like = NULL;
	OWN(X509) *x = NULL;
	const char *what;
	size_t at;
	enum rc rc;

	if (!der_check(tbs, &what, &at))
		return rule_refuse(RULE_LINT,
		    "RFC 5280 4.1: %s at byte %zu of %zu", what, at, tbs.n);
	rc = cert_parse("CA certificate", next->like, &like);
	if (rc == RC_OK)
		rc = next_read(next, tbs, &x);
	return rc != RC_OK ? rc : next_check(next, like, x);
}

/* ---- all of it ----------------------------------------------------------- */

enum rc
tbs_of_ca_next(const struct ca_next *next, struct buf *ret_tbs)
{
	WIPED(tbs_bytes) bytes = { 0 };
	WIPED(buf) extensions = { 0 };
	WIPED(buf) tbs = { 0 };
	uint8_t serial[CA_SERIAL_LEN];
	struct cert_parts like;
	enum rc rc = cert_parts_read("CA certificate", next->like, &like);

	if (rc == RC_OK)
		rc = copy_extensions(next, like.extensions, &extensions);
	if (rc == RC_OK)
		rc = ca_serial_draw(serial);
	if (rc == RC_OK)
		rc = tbs_write(
		    &(struct tbs){ .serial = span_of(serial, sizeof(serial)),
			.algorithm = next->alg->identifier,
			.issuer = next->issuer,
			.not_before = next->not_before,
			.not_after = next->not_after,
			.subject = next->subject,
			.spki = next->spki,
			.extensions = buf_span(&extensions) },
		    &bytes);
	if (rc == RC_OK)
		rc = der_put(&tbs, DER_SEQUENCE, buf_span(&bytes.content));
	if (rc == RC_OK)
		rc = lint_next(next, buf_span(&tbs));
	return rc != RC_OK ? rc : buf_add_span(ret_tbs, buf_span(&tbs));
}
