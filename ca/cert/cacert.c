/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's own two certificates: its self-signed one, and the one that lets its
 * transfer key sign manifests. */
#include "ca/cert/cacert.h"
#include "ca/cert/tbs.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/lint.h"
#include "ca/cert/template.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/cidr.h"
#include "transfer/x509/issuer_id.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/objects.h>

/* ---- extensions ---------------------------------------------------------- */

static enum rc
add_extension(X509 *x, int nid, bool critical, void *value)
{
	if (value == NULL)
		return err_memory();
	if (X509_add1_ext_i2d(
		x, nid, value, critical ? 1 : 0, X509V3_ADD_APPEND) != 1)
		return err_openssl(RC_BUG, "extension %s", OBJ_nid2sn(nid));
	return RC_OK;
}

enum rc
cacert_add_basic_constraints(X509 *x, bool is_ca, uint32_t path_len)
{
	OWN(BASIC_CONSTRAINTS) *bc = BASIC_CONSTRAINTS_new();

	if (bc != NULL && is_ca) {
		bc->ca = 0xff;
		bc->pathlen = ASN1_INTEGER_new();
		if (bc->pathlen == NULL ||
		    ASN1_INTEGER_set_uint64(bc->pathlen, path_len) != 1)
			return err_memory();
	}
	return add_extension(x, NID_basic_constraints, true, bc);
}

enum rc
cacert_add_key_usage(X509 *x, uint8_t usage)
{
	OWN(ASN1_BIT_STRING) *bits = ASN1_BIT_STRING_new();

	if (bits != NULL)
		for (int i = 0; i < 8; i++)
			if ((usage & (0x80 >> i)) != 0 &&
			    ASN1_BIT_STRING_set_bit(bits, i, 1) != 1)
				return err_memory();
	return add_extension(x, NID_key_usage, true, bits);
}

static enum rc
add_transfer_eku(X509 *x)
{
	OWN(EXTENDED_KEY_USAGE) *eku = EXTENDED_KEY_USAGE_new();
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(EKU_TRANSFER, 1);

	if (eku == NULL || oid == NULL || sk_ASN1_OBJECT_push(eku, oid) <= 0)
		return err_memory();
	(void)MOVE(oid);
	return add_extension(x, NID_ext_key_usage, true, eku);
}

static enum rc
add_ski(X509 *x, struct span spki)
{
	OWN(ASN1_OCTET_STRING) *ski = ASN1_OCTET_STRING_new();
	uint8_t id[KEY_IDENTIFIER_LEN];
	enum rc rc = key_identifier_of(spki, id);

	if (rc != RC_OK)
		return rc;
	if (ski != NULL && ASN1_OCTET_STRING_set(ski, id, sizeof(id)) != 1)
		return err_memory();
	return add_extension(x, NID_subject_key_identifier, false, ski);
}

static enum rc
add_aki(X509 *x, struct span issuer_id)
{
	OWN(AUTHORITY_KEYID) *aki = AUTHORITY_KEYID_new();

	if (aki != NULL) {
		aki->keyid = ASN1_OCTET_STRING_new();
		if (aki->keyid == NULL ||
		    ASN1_OCTET_STRING_set(
			aki->keyid, issuer_id.p, (int)issuer_id.n) != 1)
			return err_memory();
	}
	return add_extension(x, NID_authority_key_identifier, false, aki);
}

/* ---- nameConstraints (RFC 5280 4.2.1.10) --------------------------------- */

/* Takes over the name, on failure too. */
static enum rc
add_subtree(STACK_OF(GENERAL_SUBTREE) * *list, GENERAL_NAME *base)
{
	GENERAL_SUBTREE *subtree;

	if (base == NULL)
		return err_memory();
	if (*list == NULL)
		*list = sk_GENERAL_SUBTREE_new_null();
	subtree = GENERAL_SUBTREE_new();
	if (*list == NULL || subtree == NULL ||
	    sk_GENERAL_SUBTREE_push(*list, subtree) <= 0) {
		GENERAL_SUBTREE_free(subtree);
		GENERAL_NAME_free(base);
		return err_memory();
	}
	GENERAL_NAME_free(subtree->base);
	subtree->base = base;
	return RC_OK;
}

static GENERAL_NAME *
dns_name(const char *domain)
{
	OWN(ASN1_IA5STRING) *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (text == NULL || name == NULL ||
	    ASN1_STRING_set(text, domain, -1) != 1) {
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_DNS, MOVE(text));
	return name;
}

/* RFC 4985 section 4: a domain alone is every service there and below. */
static GENERAL_NAME *
srv_name(const char *domain)
{
	OWN(ASN1_TYPE) *value = ASN1_TYPE_new();
	OWN(ASN1_IA5STRING) *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (value == NULL || text == NULL || name == NULL ||
	    ASN1_STRING_set(text, domain, -1) != 1) {
		GENERAL_NAME_free(name);
		return NULL;
	}
	ASN1_TYPE_set(value, V_ASN1_IA5STRING, MOVE(text));
	if (GENERAL_NAME_set0_othername(
		name, OBJ_nid2obj(NID_SRVName), value) != 1) {
		GENERAL_NAME_free(name);
		return NULL;
	}
	(void)MOVE(value);
	return name;
}

/* Address and mask, both zero: every address of that family. */
static GENERAL_NAME *
any_address(size_t address_len)
{
	static const uint8_t zero[32];
	OWN(ASN1_OCTET_STRING) *octets = ASN1_OCTET_STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (octets == NULL || name == NULL ||
	    ASN1_OCTET_STRING_set(octets, zero, (int)(2 * address_len)) != 1) {
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_IPADD, MOVE(octets));
	return name;
}

static GENERAL_NAME *
range_name(const char *text)
{
	OWN(ASN1_OCTET_STRING) *octets = ASN1_OCTET_STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	uint8_t both[32], mask[16];
	struct cidr range;

	if (octets == NULL || name == NULL || !cidr_read(text, &range))
		goto fail;
	cidr_mask(&range, mask);
	memcpy(both, range.address, range.n);
	memcpy(both + range.n, mask, range.n);
	if (ASN1_OCTET_STRING_set(octets, both, (int)(2 * range.n)) != 1)
		goto fail;
	GENERAL_NAME_set0_value(name, GEN_IPADD, MOVE(octets));
	return name;
fail:
	GENERAL_NAME_free(name);
	return NULL;
}

/* RFC 5280 4.2.1.10: "example.org" are the mailboxes of that host alone, and
 * ".example.org" those of the hosts below. */
static GENERAL_NAME *
email_name(const char *dot, const char *domain)
{
	OWN(ASN1_IA5STRING) *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	WIPED(buf) base = { 0 };

	if (text == NULL || name == NULL ||
	    buf_printf(&base, "%s%s", dot, domain) != RC_OK ||
	    ASN1_STRING_set(text, base.p, (int)base.n) != 1) {
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_EMAIL, MOVE(text));
	return name;
}

static enum rc
add_bounds(NAME_CONSTRAINTS *nc, const struct text_list *ranges,
    const struct text_list *emails)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; ranges != NULL && i < ranges->n && rc == RC_OK; i++)
		rc = add_subtree(
		    &nc->permittedSubtrees, range_name(ranges->items[i]));
	for (size_t i = 0; emails != NULL && i < emails->n && rc == RC_OK;
	     i++) {
		rc = add_subtree(
		    &nc->permittedSubtrees, email_name("", emails->items[i]));
		if (rc == RC_OK)
			rc = add_subtree(&nc->permittedSubtrees,
			    email_name(".", emails->items[i]));
	}
	return rc;
}

static enum rc
add_name_constraints(X509 *x, const struct ca_wish *wish)
{
	OWN(NAME_CONSTRAINTS) *nc = NAME_CONSTRAINTS_new();
	const struct text_list *scopes = wish->scopes;
	bool ranges = wish->scope_ip != NULL && wish->scope_ip->n != 0;
	bool scoped = scopes != NULL && scopes->n != 0;
	bool no_ip = scoped && !ranges && !wish->allow_ip;
	enum rc rc = RC_OK;

	if (wish->constraints == CONSTRAINTS_NONE ||
	    (!scoped && !ranges &&
		(wish->scope_email == NULL || wish->scope_email->n == 0)))
		return RC_OK;
	if (nc == NULL)
		return err_memory();
	for (size_t i = 0; scoped && i < scopes->n && rc == RC_OK; i++)
		rc = add_subtree(
		    &nc->permittedSubtrees, dns_name(scopes->items[i]));
	for (size_t i = 0;
	     scoped && wish->constrain_srv && i < scopes->n && rc == RC_OK; i++)
		rc = add_subtree(
		    &nc->permittedSubtrees, srv_name(scopes->items[i]));
	if (rc == RC_OK)
		rc = add_bounds(nc, wish->scope_ip, wish->scope_email);
	if (rc == RC_OK && no_ip)
		rc = add_subtree(&nc->excludedSubtrees, any_address(4));
	if (rc == RC_OK && no_ip)
		rc = add_subtree(&nc->excludedSubtrees, any_address(16));
	if (rc == RC_OK)
		rc = add_extension(x, NID_name_constraints,
		    wish->constraints == CONSTRAINTS_CRITICAL, nc);
	return rc;
}

/* ---- the CA's ------------------------------------------------------------ */

static enum rc
set_names(X509 *x, const X509_NAME *subject, const X509_NAME *issuer)
{
	if (X509_set_subject_name(x, subject) != 1 ||
	    X509_set_issuer_name(x, issuer) != 1)
		return err_openssl(RC_IO, "names of a certificate");
	return RC_OK;
}

static enum rc
fill_ca(X509 *x, const struct ca_wish *wish, struct span spki)
{
	OWN(X509_NAME) *subject = NULL;
	enum rc rc = subject_read(wish->subject, &subject);

	if (rc == RC_OK && X509_NAME_entry_count(subject) == 0)
		rc = err_set(RC_USAGE,
		    "--subject: empty; a CA has a name (RFC 5280 4.1.2.6)");
	if (rc == RC_OK)
		rc = set_names(x, subject, subject);
	if (rc == RC_OK)
		rc = template_set_serial(x, wish->serial);
	if (rc == RC_OK)
		rc = template_set_dates(x, wish->not_before, wish->not_after);
	if (rc == RC_OK)
		rc = template_set_key(x, spki);
	if (rc == RC_OK)
		rc = cacert_add_basic_constraints(x, true, wish->path_len);
	if (rc == RC_OK)
		rc = cacert_add_key_usage(x, CA_KEY_USAGE);
	if (rc == RC_OK)
		rc = add_ski(x, spki);
	if (rc == RC_OK)
		rc = add_name_constraints(x, wish);
	return rc;
}

static enum rc
lint_ca(const struct sign_alg *alg, const struct ca_wish *wish,
    struct span spki, struct span tbs)
{
	OWN(X509_NAME) *name = NULL;
	WIPED(buf) subject = { 0 };
	uint8_t ski[KEY_IDENTIFIER_LEN];
	struct lint lint = {
		.kind = LINT_CA,
		.alg = alg,
		.issuer_ski = span_of(ski, sizeof(ski)),
		.issuer_not_before = wish->not_before,
		.issuer_not_after = wish->not_after,
		.serial = wish->serial,
		.spki = spki,
		.not_before = wish->not_before,
		.not_after = wish->not_after,
		.wish = wish,
	};
	enum rc rc = key_identifier_of(spki, ski);

	if (rc == RC_OK)
		rc = subject_read(wish->subject, &name);
	if (rc == RC_OK)
		rc = subject_write(name, &subject);
	if (rc != RC_OK)
		return rc;
	lint.issuer = buf_span(&subject);
	return lint_tbs(&lint, tbs);
}

enum rc
tbs_of_ca(const struct ca_wish *wish, struct span spki, struct buf *ret_tbs)
{
	uint8_t drawn[CA_SERIAL_LEN];
	struct ca_wish whole = *wish;
	struct sign_alg alg;
	OWN(X509) *x = NULL;
	WIPED(buf) tbs = { 0 };
	enum rc rc = sign_alg_of(spki, &alg);

	if (rc == RC_OK && whole.serial.n == 0) {
		rc = ca_serial_draw(drawn);
		whole.serial = span_of(drawn, sizeof(drawn));
	}
	if (rc == RC_OK)
		rc = template_new(&alg, &x);
	if (rc == RC_OK)
		rc = fill_ca(x, &whole, spki);
	if (rc == RC_OK)
		rc = template_tbs(x, &tbs);
	if (rc == RC_OK)
		rc = lint_ca(&alg, &whole, spki, buf_span(&tbs));
	return rc != RC_OK ? rc : buf_add_span(ret_tbs, buf_span(&tbs));
}

/* ---- the transfer key's -------------------------------------------------- */

/* Without a CN, which GnuTLS takes for a dNSName when there is no other, and so
 * refuses under name constraints: the CA's name as O, what it is for as OU. */
static enum rc
transfer_subject(X509 *ca, X509_NAME **ret)
{
	const X509_NAME *issuer = X509_get_subject_name(ca);
	OWN(X509_NAME) *name = X509_NAME_new();
	OWN(ssl_bytes) *text = NULL;
	int at = X509_NAME_get_index_by_NID(issuer, NID_commonName, -1);
	int n;

	if (at < 0)
		at = X509_NAME_get_index_by_NID(
		    issuer, NID_organizationName, -1);
	if (at < 0)
		at = X509_NAME_entry_count(issuer) - 1;
	n = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, at)));
	if (name == NULL || n < 0 ||
	    X509_NAME_add_entry_by_NID(name, NID_organizationName,
		MBSTRING_UTF8, text, n, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_NID(name, NID_organizationalUnitName,
		MBSTRING_UTF8, (const uint8_t *)"airgap-ca transfer", -1, -1,
		0) != 1)
		return err_openssl(
		    RC_BUG, "no subject for the transfer certificate");
	*ret = MOVE(name);
	return RC_OK;
}

/* Everything about the transfer certificate that the lint wants to know. */
struct transfer {
	X509 *ca; /* borrowed */
	struct sign_alg alg;
	struct lint lint;
	uint8_t serial[CA_SERIAL_LEN];
	struct buf issuer, issuer_id, ca_spki;
};

static void
transfer_wipe(struct transfer *t)
{
	buf_wipe(&t->issuer);
	buf_wipe(&t->issuer_id);
	buf_wipe(&t->ca_spki);
}

static enum rc
plan_transfer(
    struct transfer *t, struct span ca_cert, struct span spki, int64_t now)
{
	int64_t not_before, not_after;
	enum rc rc =
	    issuer_id_of_cert("CA certificate", ca_cert, &t->issuer_id);

	if (rc == RC_OK)
		rc = cert_spki(t->ca, &t->ca_spki);
	if (rc == RC_OK)
		rc = sign_alg_of(buf_span(&t->ca_spki), &t->alg);
	if (rc == RC_OK)
		rc = cert_window(t->ca, &not_before, &not_after);
	if (rc == RC_OK)
		rc = subject_write(X509_get_subject_name(t->ca), &t->issuer);
	if (rc == RC_OK)
		rc = ca_serial_draw(t->serial);
	if (rc != RC_OK)
		return rc;
	t->lint = (struct lint){
		.kind = LINT_TRANSFER,
		.alg = &t->alg,
		.issuer = buf_span(&t->issuer),
		.issuer_ski = buf_span(&t->issuer_id),
		.issuer_spki = buf_span(&t->ca_spki),
		.issuer_not_before = not_before,
		.issuer_not_after = not_after,
		.serial = span_of(t->serial, sizeof(t->serial)),
		.spki = spki,
		.not_before = now - TRANSFER_BACKDATE,
		.not_after = not_after,
	};
	if (t->lint.not_before < not_before)
		t->lint.not_before = not_before;
	return RC_OK;
}

static enum rc
fill_transfer(X509 *x, const struct transfer *t)
{
	OWN(X509_NAME) *subject = NULL;
	enum rc rc = transfer_subject(t->ca, &subject);

	if (rc == RC_OK)
		rc = set_names(x, subject, X509_get_subject_name(t->ca));
	if (rc == RC_OK)
		rc = template_set_serial(x, t->lint.serial);
	if (rc == RC_OK)
		rc = template_set_dates(
		    x, t->lint.not_before, t->lint.not_after);
	if (rc == RC_OK)
		rc = template_set_key(x, t->lint.spki);
	if (rc == RC_OK)
		rc = cacert_add_basic_constraints(x, false, 0);
	if (rc == RC_OK)
		rc = cacert_add_key_usage(x, KU_DIGITAL_SIGNATURE);
	if (rc == RC_OK)
		rc = add_transfer_eku(x);
	if (rc == RC_OK)
		rc = add_ski(x, t->lint.spki);
	if (rc == RC_OK)
		rc = add_aki(x, buf_span(&t->issuer_id));
	return rc;
}

enum rc
tbs_of_transfer(
    struct span ca_cert, struct span spki, int64_t now, struct buf *ret_tbs)
{
	WIPED(transfer) t = { 0 };
	WIPED(buf) tbs = { 0 };
	OWN(X509) *ca = NULL;
	OWN(X509) *x = NULL;
	enum rc rc = cert_parse("CA certificate", ca_cert, &ca);

	t.ca = ca;
	if (rc == RC_OK)
		rc = plan_transfer(&t, ca_cert, spki, now);
	if (rc == RC_OK)
		rc = template_new(&t.alg, &x);
	if (rc == RC_OK)
		rc = fill_transfer(x, &t);
	if (rc == RC_OK)
		rc = template_tbs(x, &tbs);
	if (rc == RC_OK)
		rc = lint_tbs(&t.lint, buf_span(&tbs));
	return rc != RC_OK ? rc : buf_add_span(ret_tbs, buf_span(&tbs));
}
