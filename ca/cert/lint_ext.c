/* SPDX-License-Identifier: Apache-2.0 */
/* The clauses of RFC 5280 4.2: extensions, what they hold included. */
#include "ca/cert/lint_facts.h"

#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/policy/extension_line.h"
#include "transfer/x509/crl_points.h"
#include "transfer/x509/transfer_eku.h"

#include <arpa/inet.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum id_ce {
	CE_SKI = 14,
	CE_KEY_USAGE = 15,
	CE_SAN = 17,
	CE_BASIC_CONSTRAINTS = 19,
	CE_NAME_CONSTRAINTS = 30,
	CE_AKI = 35,
	CE_EKU = 37,
};

#define LINT_CA_KEY_USAGE \
	(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN)

/* The extension id-ce N (2.5.29.N); NULL. */
static const struct lint_extension *
extension_get0(const struct lint_facts *facts, uint8_t ce)
{
	const uint8_t oid[] = { 0x55, 0x1d, ce };

	for (size_t i = 0; i < facts->n_extensions; i++)
		if (span_eq(facts->extensions[i].oid, span_of(oid, 3)))
			return &facts->extensions[i];
	return NULL;
}

/* Is a CA what this certificate makes of its subject? */
static bool
makes_ca(const struct lint_facts *f)
{
	return f->want->kind == LINT_CA ||
	       (f->want->profile != NULL && f->want->profile->is_ca);
}

/* Are the nameConstraints of a CA below those of its issuer, because no line of
 * the profile gives it others? */
static bool
inherits_constraints(const struct lint_facts *f)
{
	return f->want->kind == LINT_LEAF && makes_ca(f) &&
	       f->want->profile->constraints.n == 0;
}

/* ---- 4.2: all of them ---------------------------------------------------- */

static const char *
check_forms(const struct lint_facts *f)
{
	const char *what;
	size_t at;

	if (f->n_extensions == 0)
		return "no extension";
	for (size_t i = 0; i < f->n_extensions; i++) {
		const struct lint_extension *e = &f->extensions[i];

		if (!der_check(e->value, &what, &at))
			return "the value of an extension is not strict DER";
		if (e->default_written)
			return "critical FALSE is written out (X.690 11.5)";
		for (size_t j = 0; j < i; j++)
			if (span_eq(e->oid, f->extensions[j].oid))
				return "an extension stands twice";
	}
	return NULL;
}

/* Take the issuer's mark out of a URI, in which there has to be one if the URI
 * names a file. */
static bool
take_mark_out(ASN1_IA5STRING *uri, const char *mark)
{
	const size_t n = (size_t)ASN1_STRING_length(uri);
	const struct span text = span_of(ASN1_STRING_get0_data(uri), n);
	char with[CRL_MARK_TEXT + 1];
	WIPED(buf) rest = { 0 };
	const uint8_t *at;
	size_t head, len;

	(void)snprintf(with, sizeof(with), "-%s", mark);
	len = strlen(with);
	at = n == 0 ? NULL : memmem(text.p, n, with, len);
	if (at == NULL)
		return crl_uri_file(text).n == 0;
	head = (size_t)(at - text.p);
	return buf_add(&rest, text.p, head) == RC_OK &&
	       buf_add(&rest, at + len, n - head - len) == RC_OK &&
	       ASN1_STRING_set(uri, rest.p, (int)rest.n) == 1;
}

/* Are these the places that the profile's line has, but for the mark of the
 * issuer's key? Read and written by OpenSSL, and compared without it. */
static bool
points_are_marked(struct span found, struct span wanted, const char *mark)
{
	const uint8_t *p = found.p;
	OWN(CRL_DIST_POINTS) *points =
	    d2i_CRL_DIST_POINTS(NULL, &p, (long)found.n);
	OWN(ssl_bytes) *der = NULL;
	bool good = points != NULL;
	int n;

	for (int i = 0; good && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT_NAME *name =
		    sk_DIST_POINT_value(points, i)->distpoint;

		for (int j = 0; good && name != NULL && name->type == 0 &&
				j < sk_GENERAL_NAME_num(name->name.fullname);
		     j++) {
			const GENERAL_NAME *one =
			    sk_GENERAL_NAME_value(name->name.fullname, j);

			good = one->type != GEN_URI ||
			       take_mark_out(
				   one->d.uniformResourceIdentifier, mark);
		}
	}
	n = good ? i2d_CRL_DIST_POINTS(points, &der) : 0;
	return n > 0 && span_eq(span_of(der, (size_t)n), wanted);
}

/* The extension of a line `extension.NAME` of the profile, by what OpenSSL
 * makes of the line now: the makers keep what it made once. */
static const char *
check_line(const struct lint_facts *f, const struct policy_extension *line)
{
	OWN(X509_EXTENSION) *wanted = NULL;
	const bool marked =
	    f->want->issuer_mark != NULL && f->want->issuer_mark[0] != '\0';
	const ASN1_OCTET_STRING *value;
	const ASN1_OBJECT *oid;
	struct span bytes;
	bool good;

	if (extension_of_line(line, &wanted) != RC_OK)
		return "an extension of the profile's cannot be made";
	oid = X509_EXTENSION_get_object(wanted);
	value = X509_EXTENSION_get_data(wanted);
	for (size_t i = 0; i < f->n_extensions; i++) {
		const struct lint_extension *e = &f->extensions[i];

		if (!span_eq(
			e->oid, span_of(OBJ_get0_data(oid), OBJ_length(oid))))
			continue;
		if (e->critical != (X509_EXTENSION_get_critical(wanted) == 1))
			return "an extension of the profile's is critical where the profile says otherwise";
		bytes = span_of(ASN1_STRING_get0_data(value),
		    (size_t)ASN1_STRING_length(value));
		good = marked && OBJ_obj2nid(oid) == NID_crl_distribution_points
			   ? points_are_marked(
				 e->value, bytes, f->want->issuer_mark)
			   : span_eq(e->value, bytes);
		return good
			   ? NULL
			   : "an extension of the profile's has another value than the profile gives";
	}
	return "an extension of the profile's is missing";
}

/* Those that we make, and those that the profile's own lines add. None stands
 * twice by now, so that their number settles it. */
static const char *
lint_ext_check_company(const struct lint_facts *f)
{
	static const uint8_t known[] = { CE_SKI, CE_KEY_USAGE, CE_SAN,
		CE_BASIC_CONSTRAINTS, CE_AKI, CE_EKU };
	const struct profile *profile = f->want->profile;
	size_t n = 0, n_named = 0;

	for (size_t i = 0; i < sizeof(known); i++)
		n += extension_get0(f, known[i]) != NULL;
	if (f->want->kind == LINT_CA || inherits_constraints(f))
		n += extension_get0(f, CE_NAME_CONSTRAINTS) != NULL;
	for (; profile != NULL && n_named < profile->n_extensions; n_named++) {
		const char *wrong =
		    check_line(f, &profile->extensions[n_named]);

		if (wrong != NULL)
			return wrong;
	}
	return n + n_named == f->n_extensions
		   ? NULL
		   : "an extension that nobody asked for";
}

/* ---- 4.2.1.1, 4.2.1.2: key identifiers ----------------------------------- */

static const char *
check_aki(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_AKI);
	struct span in, body, keyid;

	if (e == NULL)
		return f->want->kind == LINT_CA ? NULL
						: "no authorityKeyIdentifier";
	in = e->value;
	if (e->critical)
		return "the authorityKeyIdentifier is critical";
	if (!der_take(&in, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_CONTEXT(0), &keyid) || body.n != 0)
		return "the authorityKeyIdentifier is more than a keyid";
	return span_eq(keyid, f->want->issuer_ski)
		   ? NULL
		   : "the authorityKeyIdentifier is not the CA's subjectKeyIdentifier";
}

static const char *
check_ski(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_SKI);
	uint8_t wanted[KEY_IDENTIFIER_LEN];
	struct span in, id;

	if (e == NULL)
		return "no subjectKeyIdentifier";
	in = e->value;
	if (e->critical)
		return "the subjectKeyIdentifier is critical";
	if (!der_take(&in, DER_OCTET_STRING, &id) ||
	    key_identifier_of(f->want->spki, wanted) != RC_OK ||
	    !span_eq(id, span_of(wanted, sizeof(wanted))))
		return "the subjectKeyIdentifier is not the key's (RFC 7093)";
	return f->want->kind != LINT_CA || span_eq(id, f->want->issuer_ski)
		   ? NULL
		   : "another subjectKeyIdentifier than those below will name";
}

/* ---- 4.2.1.3: keyUsage --------------------------------------------------- */

/* Bits in OpenSSL's order; false when not a named bit list in DER, which has no
 * zero bits at its end (X.690 11.2.2). */
static bool
lint_ext_read_key_usage(struct span in, uint32_t *ret_usage)
{
	struct span c;

	if (!der_take(&in, DER_BIT_STRING, &c) || c.n < 2 || c.n > 3 ||
	    (c.p[c.n - 1] >> c.p[0] & 1) == 0)
		return false;
	*ret_usage = c.p[1];
	if (c.n == 3)
		*ret_usage |= (uint32_t)c.p[2] << 8;
	return true;
}

/* rsaEncryption (RFC 3279 2.3.1) */
static bool
has_rsa_key(const struct lint_facts *f)
{
	static const uint8_t whole[] = { DER_OID, 9, 0x2a, 0x86, 0x48, 0x86,
		0xf7, 0x0d, 1, 1, 1 };
	struct span content = f->spki.content, alg, oid;

	return der_take(&content, DER_SEQUENCE, &alg) &&
	       span_take(&alg, sizeof(whole), &oid) &&
	       span_eq(oid, span_of(whole, sizeof(whole)));
}

static uint32_t
wanted_key_usage(const struct lint_facts *f)
{
	switch (f->want->kind) {
	case LINT_CA:
		return LINT_CA_KEY_USAGE;
	case LINT_TRANSFER:
		return KU_DIGITAL_SIGNATURE;
	case LINT_LEAF:
		break;
	}
	/* RFC 8813 section 3 */
	return has_rsa_key(f) ? f->want->profile->key_usage
			      : f->want->profile->key_usage &
				    ~(uint32_t)(KU_KEY_ENCIPHERMENT |
						KU_DATA_ENCIPHERMENT);
}

static const char *
check_key_usage(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_KEY_USAGE);
	uint32_t wanted = wanted_key_usage(f), usage = 0;

	if (e == NULL)
		return wanted == 0 ? NULL : "no keyUsage";
	if (!e->critical)
		return "the keyUsage is not critical";
	if (!lint_ext_read_key_usage(e->value, &usage))
		return "the keyUsage is not a named bit list";
	if (usage != wanted)
		return "the keyUsage is not the one that is wanted";
	if (!makes_ca(f) && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
		return "an end entity may sign certificates or CRLs";
	if (makes_ca(f) && (usage & KU_KEY_CERT_SIGN) == 0)
		return "a CA may not sign certificates";
	if (makes_ca(f) && (usage & KU_CRL_SIGN) == 0)
		return "a CA may not sign CRLs";
	return NULL;
}

/* ---- 4.2.1.6: subjectAltName --------------------------------------------- */

/* RFC 1034 3.5 in lower case; a whole left-most '*' where it is allowed. */
static bool
is_dns(struct span text, bool wildcard)
{
	size_t label = 0;

	if (wildcard && text.n > 2 && text.p[0] == '*' && text.p[1] == '.')
		text = span_of(text.p + 2, text.n - 2);
	if (text.n == 0 || text.n > 253)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool edge =
		    label == 0 || i + 1 == text.n || text.p[i + 1] == '.';

		if (c == '.') {
			if (label == 0 || i + 1 == text.n)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c == '-' && !edge)) ||
		    ++label > 63)
			return false;
	}
	return true;
}

/* id-on-dnsSRV (RFC 4985) and id-on-xmppAddr (RFC 6120 13.7.1.4): 8.7, 8.5. */
static const char *
check_other_name(
    struct span in, enum name_type *ret_type, struct span *ret_text)
{
	static const uint8_t on[] = { 0x2b, 6, 1, 5, 5, 7, 8 };
	struct span oid, value, prefix;
	struct der text;

	if (!der_take(&in, DER_OID, &oid) ||
	    !span_take(&oid, sizeof(on), &prefix) ||
	    !span_eq(prefix, span_of(on, sizeof(on))) || oid.n != 1 ||
	    !der_take(&in, DER_EXPLICIT(0), &value) || in.n != 0 ||
	    !der_next(&value, &text) || value.n != 0)
		return "an otherName of an unknown kind";
	*ret_text = text.content;
	if (oid.p[0] == 7 && text.tag == DER_IA5_STRING) {
		*ret_type = NAME_SRV;
		return NULL;
	}
	if (oid.p[0] == 5 && text.tag == DER_UTF8_STRING) {
		*ret_type = NAME_XMPP;
		return NULL;
	}
	return "an otherName of an unknown kind or string type";
}

/* The address that a granted text stands for, read the other way round. */
static bool
is_address(struct span octets, struct span granted)
{
	char text[INET6_ADDRSTRLEN];

	return inet_ntop(octets.n == 4 ? AF_INET : AF_INET6, octets.p, text,
		   sizeof(text)) != NULL &&
	       span_eq_str(granted, text);
}

static const char *
check_granted(
    enum name_type type, struct span found, const struct name *granted)
{
	if (type != granted->type)
		return "a name of another type than was granted";
	return (type == NAME_IP ? is_address(found, granted->text)
				: span_eq(found, granted->text))
		   ? NULL
		   : "another name than was granted";
}

static const char *
check_general_name(const struct der *name, const struct profile *profile,
    const struct name *granted)
{
	struct span text = name->content;
	const char *wrong = NULL;
	enum name_type type;

	switch (name->tag) {
	case DER_EXPLICIT(0):
		wrong = check_other_name(name->content, &type, &text);
		if (wrong != NULL)
			return wrong;
		if (type == NAME_SRV && (text.n < 2 || text.p[0] != '_'))
			return "an SRVName that does not begin with '_' (RFC 4985 2)";
		break;
	case DER_CONTEXT(1):
		type = NAME_EMAIL;
		break;
	case DER_CONTEXT(2):
		type = NAME_DNS;
		if (!is_dns(name->content, profile->wildcard))
			return "a dNSName that is none";
		break;
	case DER_CONTEXT(6):
		type = NAME_URI;
		break;
	case DER_CONTEXT(7):
		type = NAME_IP;
		if (name->content.n != 4 && name->content.n != 16)
			return "an iPAddress of neither 4 nor 16 octets";
		break;
	default:
		return "a name of a type out of use";
	}
	if (type == NAME_EMAIL || type == NAME_URI)
		if (!der_is_text(DER_IA5_STRING, name->content))
			return "a name that is no IA5String";
	if ((profile->name_types >> type & 1) == 0)
		return "a type of name that the profile does not allow";
	return check_granted(type, text, granted);
}

static const char *
check_san(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_SAN);
	struct span in, list;
	struct der name;
	size_t n = 0;

	if (e == NULL)
		return f->want->n_names == 0 ? NULL : "no subjectAltName";
	if (f->want->kind != LINT_LEAF)
		return "a subjectAltName in a certificate of the CA's own";
	if (e->critical != (f->subject.content.n == 0))
		return "the subjectAltName is critical if, and only if, the subject is empty";
	in = e->value;
	if (!der_take(&in, DER_SEQUENCE, &list))
		return "the subjectAltName is malformed";
	for (; list.n != 0; n++) {
		const char *wrong;

		if (!der_next(&list, &name))
			return "the subjectAltName is malformed";
		if (n == f->want->n_names)
			return "more names than were granted";
		wrong = check_general_name(
		    &name, f->want->profile, &f->want->names[n]);
		if (wrong != NULL)
			return wrong;
	}
	return n == f->want->n_names ? NULL : "fewer names than were granted";
}

/* RFC 5280 4.1.2.6: who it is must stand somewhere. */
static const char *
check_identity(const struct lint_facts *f)
{
	return f->subject.content.n != 0 || extension_get0(f, CE_SAN) != NULL
		   ? NULL
		   : "neither a subject nor a subjectAltName";
}

/* ---- 4.2.1.9, 4.2.1.10: CAs ---------------------------------------------- */

static const char *
check_basic_constraints(const struct lint_facts *f)
{
	const struct lint_extension *e =
	    extension_get0(f, CE_BASIC_CONSTRAINTS);
	struct span in, body, ca, limit;
	uint32_t wanted;

	if (e == NULL)
		return "no basicConstraints";
	if (!e->critical)
		return "the basicConstraints are not critical";
	in = e->value;
	if (!der_take(&in, DER_SEQUENCE, &body))
		return "the basicConstraints are malformed";
	if (!makes_ca(f))
		return body.n == 0
			   ? NULL
			   : "an end entity's basicConstraints are not empty";
	if (!der_take(&body, DER_BOOLEAN, &ca) || ca.p[0] != 0xff)
		return "a CA's basicConstraints do not say cA TRUE";
	if (!der_take_unsigned(&body, &limit) || body.n != 0)
		return "a CA's basicConstraints have no pathLenConstraint";
	wanted = f->want->kind == LINT_CA ? f->want->wish->path_len
					  : f->want->profile->path_len;
	return limit.n <= 1 && (limit.n == 0 ? 0 : limit.p[0]) == wanted
		   ? NULL
		   : "another pathLenConstraint than was granted";
}

/* A GeneralSubtree without minimum and maximum (RFC 5280 wants none). */
static bool
take_subtree(struct span *list, struct der *ret_base)
{
	struct span body;

	return der_take(list, DER_SEQUENCE, &body) &&
	       der_next(&body, ret_base) && body.n == 0;
}

/* Each scope as a dNSName, and once more as an SRVName where that is wished. */
static bool
permits_scopes(struct span *list, const struct ca_wish *wish)
{
	struct span text;
	enum name_type type;
	struct der base;

	if (wish->scopes == NULL)
		return true;
	for (size_t i = 0; i < wish->scopes->n; i++)
		if (!take_subtree(list, &base) || base.tag != DER_CONTEXT(2) ||
		    !span_eq_str(base.content, wish->scopes->items[i]))
			return false;
	for (size_t i = 0; wish->constrain_srv && i < wish->scopes->n; i++)
		if (!take_subtree(list, &base) || base.tag != DER_EXPLICIT(0) ||
		    check_other_name(base.content, &type, &text) != NULL ||
		    type != NAME_SRV ||
		    !span_eq_str(text, wish->scopes->items[i]))
			return false;
	return true;
}

/* Each range as address and mask, whose bits stand in front of all others. */
static bool
permits_ranges(struct span *list, const struct text_list *ranges)
{
	struct der base;

	for (size_t i = 0; ranges != NULL && i < ranges->n; i++) {
		char text[INET6_ADDRSTRLEN + 8], address[INET6_ADDRSTRLEN];
		size_t n;
		unsigned bits = 0;

		if (!take_subtree(list, &base) || base.tag != DER_CONTEXT(7) ||
		    (base.content.n != 8 && base.content.n != 32))
			return false;
		n = base.content.n / 2;
		while (bits < 8 * n &&
		       (base.content.p[n + bits / 8] >> (7 - bits % 8) & 1))
			bits++;
		for (unsigned j = bits; j < 8 * n; j++)
			if (base.content.p[n + j / 8] >> (7 - j % 8) & 1)
				return false;
		if (inet_ntop(n == 4 ? AF_INET : AF_INET6, base.content.p,
			address, sizeof(address)) == NULL)
			return false;
		(void)snprintf(text, sizeof(text), "%s/%u", address, bits);
		if (strcmp(text, ranges->items[i]) != 0)
			return false;
	}
	return true;
}

/* Each domain as a host, and as all hosts below. */
static bool
permits_mailboxes(struct span *list, const struct text_list *domains)
{
	struct der host, below;
	struct span dot, rest;

	for (size_t i = 0; domains != NULL && i < domains->n; i++) {
		if (!take_subtree(list, &host) || !take_subtree(list, &below) ||
		    host.tag != DER_CONTEXT(1) || below.tag != DER_CONTEXT(1))
			return false;
		rest = below.content;
		if (!span_take(&rest, 1, &dot) || dot.p[0] != '.' ||
		    !span_eq_str(rest, domains->items[i]) ||
		    !span_eq_str(host.content, domains->items[i]))
			return false;
	}
	return true;
}

/* Every address of both families: address and mask are zero. */
static bool
excludes_addresses(struct span list)
{
	static const uint8_t zero[32];
	struct der v4, v6;

	return take_subtree(&list, &v4) && take_subtree(&list, &v6) &&
	       list.n == 0 && v4.tag == DER_CONTEXT(7) &&
	       v6.tag == DER_CONTEXT(7) &&
	       span_eq(v4.content, span_of(zero, 8)) &&
	       span_eq(v6.content, span_of(zero, 32));
}

static bool
names_some(const struct text_list *list)
{
	return list != NULL && list->n != 0;
}

static const char *
check_scopes(const struct lint_extension *e, const struct ca_wish *wish)
{
	bool scoped = names_some(wish->scopes);
	bool ranges = names_some(wish->scope_ip);
	struct span in, body, list;

	if (wish->constraints == CONSTRAINTS_NONE)
		return e == NULL ? NULL
				 : "nameConstraints that were not wished";
	if (!scoped && !ranges && !names_some(wish->scope_email))
		return e == NULL ? NULL : "nameConstraints without a scope";
	if (e == NULL)
		return "no nameConstraints";
	in = e->value;
	if (!der_take(&in, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_EXPLICIT(0), &list) ||
	    !permits_scopes(&list, wish) ||
	    !permits_ranges(&list, wish->scope_ip) ||
	    !permits_mailboxes(&list, wish->scope_email) || list.n != 0)
		return "the nameConstraints do not permit the scopes, and those only";
	if (scoped && !ranges && !wish->allow_ip &&
	    (!der_take(&body, DER_EXPLICIT(1), &list) ||
		!excludes_addresses(list)))
		return "the nameConstraints do not exclude addresses";
	return body.n == 0 ? NULL : "the nameConstraints exclude something";
}

/* Those of the issuer to the byte; or the profile's own, which check_line
 * compares, within them. */
static const char *
check_below(const struct lint_facts *f, const struct lint_extension *e)
{
	const struct lint *want = f->want;
	struct constraints its;

	if (!inherits_constraints(f)) {
		if (e == NULL ||
		    constraints_value_read("TBS", e->value, &its) != RC_OK)
			return "a CA's nameConstraints are missing or malformed";
		return constraints_contain(&want->issuer_bound, &its)
			   ? NULL
			   : "a CA's nameConstraints allow more than its issuer's";
	}
	if (want->issuer_constraints.n == 0)
		return e == NULL ? NULL
				 : "nameConstraints that its issuer has not";
	return e != NULL && span_eq(e->value, want->issuer_constraints) &&
		       e->critical == want->issuer_constraints_critical
		   ? NULL
		   : "a CA's nameConstraints are not those of its issuer";
}

static const char *
check_name_constraints(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_NAME_CONSTRAINTS);
	const char *wrong = NULL;

	if (f->want->kind == LINT_CA)
		wrong = check_scopes(e, f->want->wish);
	else if (makes_ca(f))
		wrong = check_below(f, e);
	if (wrong != NULL || e == NULL)
		return wrong;
	if (!makes_ca(f))
		return "an end entity has nameConstraints";
	if (inherits_constraints(f))
		return NULL;
	/* RFC 5280 wants them critical, and who made the CA may have not. */
	if (f->want->kind == LINT_CA &&
	    f->want->wish->constraints == CONSTRAINTS_NON_CRITICAL)
		return e->critical ? "the nameConstraints are critical" : NULL;
	return e->critical ? NULL : "the nameConstraints are not critical";
}

/* ---- 4.2.1.12: extKeyUsage ----------------------------------------------- */

static const uint8_t oid_any[] = { 0x55, 0x1d, 0x25, 0 };
static const uint8_t oid_transfer[] = EKU_TRANSFER_OID;

static const char *
lint_ext_check_transfer_eku(const struct lint_extension *e)
{
	struct span in, list, oid;

	if (e == NULL)
		return "a transfer certificate without extKeyUsage";
	in = e->value;
	if (!e->critical || !der_take(&in, DER_SEQUENCE, &list) ||
	    !der_take(&list, DER_OID, &oid) || list.n != 0 ||
	    !span_eq(oid, span_of(oid_transfer, sizeof(oid_transfer))))
		return "a transfer certificate's extKeyUsage is not critical and id-kp-airgapTransfer alone";
	return NULL;
}

/* Is this OBJECT IDENTIFIER the one that the policy spells with dots? From DER
 * to text, where the makers go the other way. */
static bool
is_oid(struct span der, const char *dotted)
{
	const uint8_t *p = der.p;
	OWN(ASN1_OBJECT) *oid = d2i_ASN1_OBJECT(NULL, &p, (long)der.n);
	char text[DER_OID_TEXT];

	return oid != NULL && OBJ_obj2txt(text, sizeof(text), oid, 1) > 0 &&
	       strcmp(text, dotted) == 0;
}

static const char *
check_eku(const struct lint_facts *f)
{
	const struct lint_extension *e = extension_get0(f, CE_EKU);
	const struct text_list *eku;
	struct span in, list, oid;
	struct der whole;
	size_t n = 0;

	if (f->want->kind == LINT_TRANSFER)
		return lint_ext_check_transfer_eku(e);
	if (e == NULL)
		return f->want->kind == LINT_CA || f->want->profile->eku.n == 0
			   ? NULL
			   : "no extKeyUsage";
	in = e->value;
	if (f->want->kind == LINT_CA || !der_take(&in, DER_SEQUENCE, &list))
		return "an extKeyUsage where none belongs";
	eku = &f->want->profile->eku;
	for (; list.n != 0; n++) {
		if (!der_take_whole(&list, DER_OID, &whole))
			return "the extKeyUsage is malformed";
		oid = whole.content;
		if (span_eq(oid, span_of(oid_any, sizeof(oid_any))))
			return "anyExtendedKeyUsage";
		if (span_eq(oid, span_of(oid_transfer, sizeof(oid_transfer))))
			return "id-kp-airgapTransfer in a subscriber's certificate";
		if (n == eku->n)
			return "more purposes than the profile has";
		if (!is_oid(whole.whole, eku->items[n]))
			return "another purpose than the profile has";
	}
	return n == eku->n ? NULL : "fewer purposes than the profile has";
}

/* The names are those of the subjectAltName (check_san). */
static const char *
check_issuer_bound(const struct lint_facts *f)
{
	const struct lint *want = f->want;

	if (want->kind != LINT_LEAF)
		return NULL;
	for (size_t i = 0; i < want->n_names; i++)
		if (constraints_fault(&want->issuer_bound, &want->names[i]) !=
		    NULL)
			return "a name that the CA's own name constraints forbid";
	return constraints_subject_fault(
	    &want->issuer_bound, f->subject.whole, want->names, want->n_names);
}

/* clang-format off */
const struct lint_clause lint_extension_clauses[] = {
	{ "RFC 5280 4.2",	check_forms },
	{ "RFC 5280 4.2.1.9",	check_basic_constraints },
	{ "RFC 5280 4.2.1.3",	check_key_usage },
	{ "RFC 5280 4.2.1.12",	check_eku },
	{ "RFC 5280 4.2.1.2",	check_ski },
	{ "RFC 5280 4.2.1.1",	check_aki },
	{ "RFC 5280 4.1.2.6",	check_identity },
	{ "RFC 5280 4.2.1.6",	check_san },
	{ "RFC 5280 4.2.1.10",	check_name_constraints },
	{ "RFC 5280 6.1.3 (b)",	check_issuer_bound },
	{ "the profile",	lint_ext_check_company },
	{ 0 },
};
/* clang-format on */
