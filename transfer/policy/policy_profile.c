/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as a whole: what its keys ask of each other. */
#include "transfer/policy/policy_read.h"

#include "base/own_ssl.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/request.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/constraints.h"
#include "transfer/x509/der.h"

static enum rc
policy_profile_refuse(const struct policy_reading *r,
    const struct config_section *section, const char *what)
{
	return config_refuse(r->from, section->line, "[profile %.*s]: %s",
	    SPAN_FMT(section->name), what);
}

/* What is wrong with its names, or NULL. */
static const char *
names_fault(const struct profile *p)
{
	if (p->names_min > p->names_max)
		return "names-min is over names-max";
	if (p->name_types == 0 && p->names_min != 0)
		return "names = none, and names-min is not 0";
	/* RFC 5280 4.1.2.6: a subject, or a subjectAltName */
	if (p->subject != SUBJECT_TEXT && p->subject != SUBJECT_CSR &&
	    p->names_min == 0)
		return "names-min = 0 needs a subject of its own";
	/* Of a server the CN would be a name that nobody has looked at. */
	if (p->subject == SUBJECT_CSR && !p->is_ca)
		return "subject = csr is for ca = yes";
	if (p->key_reuse == KEY_REUSE_NAMES && p->names_min == 0)
		return "key-reuse = same-names, and names-min is 0";
	if (p->wildcard && (p->name_types & 1U << NAME_DNS) == 0)
		return "wildcard = yes, and no dns names";
	if (p->srv_services.n != 0 && (p->name_types & 1U << NAME_SRV) == 0)
		return "srv-services, and no srv names";
	return NULL;
}

/* What each certificate of the profile would be refused for. */
static const char *
fixed_names_fault(const struct profile *p)
{
	const struct name_list *names = &p->fixed_names;

	if (names->n == 0)
		return NULL;
	if (names->n < p->names_min || names->n > p->names_max)
		return "fixed-names has other than names-min to names-max names";
	for (size_t i = 0; i < names->n; i++) {
		if ((p->name_types & 1U << names->items[i].type) == 0)
			return "fixed-names has a name of a type that names has not";
		for (size_t j = 0; j < i; j++)
			if (name_compare(&names->items[i], &names->items[j]) ==
			    0)
				return "fixed-names has a name twice";
	}
	return NULL;
}

/* Scopes and the like hold for them as for names that are asked for. */
static enum rc
check_fixed_names(const struct policy_reading *r,
    const struct config_section *section, const struct profile *p)
{
	const struct name_list *names = &p->fixed_names;
	struct err_saved why;

	for (size_t i = 0; i < names->n; i++) {
		if (request_name_check(
			"fixed-names", r->policy, p, &names->items[i]) == RC_OK)
			continue;
		err_save(&why);
		return config_refuse(r->from, section->line,
		    "[profile %.*s]: %.900s", SPAN_FMT(section->name),
		    why.text);
	}
	return RC_OK;
}

static const char *
usage_fault(const struct profile *p)
{
	const uint32_t ca_usages = KU_KEY_CERT_SIGN | KU_CRL_SIGN;

	if (p->is_ca && (p->key_usage & ca_usages) != ca_usages)
		return "ca = yes needs keyCertSign and cRLSign in keyUsage";
	if (!p->is_ca && (p->key_usage & ca_usages) != 0)
		return "keyCertSign and cRLSign are for ca = yes";
	if ((p->key_usage & ~(uint32_t)PROFILE_RSA_USAGES) == 0 &&
	    p->key_kinds != 1U << KEY_RSA)
		return "keyUsage has nothing for keys that are not RSA";
	if (!p->is_ca && p->eku.n == 0)
		return "lacks extendedKeyUsage, which all but a CA needs";
	if (!p->is_ca && p->path_len != 0)
		return "path-len is for ca = yes";
	if (p->rsa_min > p->rsa_max)
		return "rsa-bits-min is over rsa-bits-max";
	return NULL;
}

static const char *
time_fault(const struct profile *p)
{
	if (p->validity > p->validity_max)
		return "validity is over validity-max";
	if (p->horizon < p->validity_max)
		return "horizon is under validity-max";
	return NULL;
}

/* RFC 5280 4.2.1.5, 4.2.1.10, 4.2.1.11, 4.2.1.14 */
static bool
is_for_ca(int nid)
{
	return nid == NID_name_constraints || nid == NID_policy_mappings ||
	       nid == NID_policy_constraints || nid == NID_inhibit_any_policy;
}

/* RFC 5280 5.2 and 5.3: in a certificate they mean nothing. */
static bool
is_for_crl(int nid)
{
	return nid == NID_crl_number || nid == NID_delta_crl ||
	       nid == NID_crl_reason || nid == NID_invalidity_date ||
	       nid == NID_issuing_distribution_point ||
	       nid == NID_certificate_issuer;
}

/* Malformed ones would bind some peers and not others. */
static enum rc
keep_constraints(const struct policy_reading *r,
    const struct config_section *section, struct profile *p, struct span value)
{
	struct constraints bound;

	if (constraints_value_read("it", value, &bound) != RC_OK)
		return policy_profile_refuse(r, section,
		    "extension.nameConstraints: malformed (RFC 5280 4.2.1.10)");
	return buf_add_span(&p->constraints, value);
}

/* What the lines came to, and not how they were spelled: an extension has a
 * short name, a long one and a number. */
static enum rc
check_kinds(const struct policy_reading *r,
    const struct config_section *section, struct profile *p,
    const struct extension_plan *plan)
{
	enum rc rc;

	for (size_t i = plan->n_before; i < plan->n; i++) {
		const struct extension_part *part = &plan->parts[i];
		const char *name = p->extensions[i - plan->n_before].name;
		const uint8_t *der = plan->store.p + part->oid;
		OWN(ASN1_OBJECT) *oid =
		    d2i_ASN1_OBJECT(NULL, &der, (long)part->oid_n);
		int nid = oid == NULL ? NID_undef : OBJ_obj2nid(oid);

		if (is_for_crl(nid))
			return config_refuse(r->from, section->line,
			    "[profile %.*s]: extension.%s is for revocation lists",
			    SPAN_FMT(section->name), name);
		if (is_for_ca(nid) && !p->is_ca)
			return config_refuse(r->from, section->line,
			    "[profile %.*s]: extension.%s is for ca = yes",
			    SPAN_FMT(section->name), name);
		if (nid != NID_name_constraints)
			continue;
		rc = keep_constraints(r, section, p,
		    span_of(plan->store.p + part->value, part->value_n));
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Would OpenSSL make these extensions, and does the subject make a name? Better
 * asked now than with the stick plugged in. */
static enum rc
try_it(const struct policy_reading *r, const struct config_section *section,
    struct profile *p)
{
	static const uint8_t ski[KEY_IDENTIFIER_LEN] = { 0 };
	/* "CN=a" */
	static const uint8_t asked[] = { DER_SEQUENCE, 12, DER_SET, 10,
		DER_SEQUENCE, 8, DER_OID, 3, 0x55, 4, 3, DER_UTF8_STRING, 1,
		'a' };
	const struct extension_issuer issuer = { .ski = span_of(
						     ski, sizeof(ski)) };
	const struct name sample = { NAME_DNS, span_str("example.org") };
	const struct name_list *fixed = &p->fixed_names;
	const struct name *names = fixed->n == 0 ? &sample : fixed->items;
	const size_t n = fixed->n != 0 ? fixed->n : p->name_types != 0;
	WIPED(extension_plan) plan = { 0 };
	OWN(X509_NAME) *subject = NULL;
	struct err_saved why;

	if (extension_plan_make(p, &issuer, &plan) == RC_OK &&
	    subject_of(p, span_of(asked, sizeof(asked)), names, n, &subject) ==
		RC_OK)
		return check_kinds(r, section, p, &plan);
	err_save(&why);
	return config_refuse(r->from, section->line, "%s", why.text);
}

enum rc
policy_profile_check(const struct policy_reading *r,
    const struct config_section *section, struct profile *p)
{
	const char *what;
	enum rc rc;

	if (p->name_types == 0 &&
	    config_entry_get0(section, "names-min") == NULL)
		p->names_min = 0;
	if (p->horizon == 0)
		p->horizon = p->validity_max > POLICY_HORIZON ? p->validity_max
							      : POLICY_HORIZON;
	if (p->fixed_names.n != 0 &&
	    config_entry_get0(section, "names-from") != NULL)
		return policy_profile_refuse(r, section,
		    "fixed-names and names-from: names come from one or the other");
	if (p->fixed_names.n != 0)
		p->names_from = NAMES_FROM_PROFILE;
	what = names_fault(p);
	if (what == NULL)
		what = fixed_names_fault(p);
	if (what == NULL)
		what = usage_fault(p);
	if (what == NULL)
		what = time_fault(p);
	if (what != NULL)
		return policy_profile_refuse(r, section, what);
	rc = check_fixed_names(r, section, p);
	return rc != RC_OK ? rc : try_it(r, section, p);
}
