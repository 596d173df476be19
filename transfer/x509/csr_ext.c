/* SPDX-License-Identifier: Apache-2.0 */
/** Attributes and requested extensions of a CSR: an allow-list. */
#include "transfer/rule.h"
#include "transfer/x509/csr_parts.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_san.h"
#include "transfer/x509/transfer_eku.h"

#define CSR_EXTENSIONS_MAX 32

static const uint8_t oid_extension_request[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7,
	0x0d, 0x01, 0x09, 0x0e };
static const uint8_t oid_challenge_password[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7,
	0x0d, 0x01, 0x09, 0x07 };

struct request {
	const char *from;
	struct name_list *names;
	bool has_san;
};

/* ---- what each extension may say ------------------------------------------
 */

static enum rc
refuse_form(const struct request *r, const char *what)
{
	return rule_refuse(
	    RULE_CSR_FORM, "%s: %s of no known form", r->from, what);
}

static enum rc
read_san(struct request *r, struct span value)
{
	r->has_san = true;
	return names_of_san_der(r->from, value, r->names);
}

/* RFC 5280 4.2.1.9. A FALSE that is written out is not DER. */
static enum rc
read_basic_constraints(struct request *r, struct span value)
{
	struct span body, flag, path_len;

	if (!der_take(&value, DER_SEQUENCE, &body) || value.n != 0)
		return refuse_form(r, "basicConstraints");
	if (der_take(&body, DER_BOOLEAN, &flag)) {
		if (flag.p[0] == 0)
			return rule_refuse(RULE_CSR_FORM,
			    "%s: basicConstraints writes out CA:FALSE, which DER leaves out",
			    r->from);
		return rule_refuse(
		    RULE_CSR_CA, "%s: asks for CA:TRUE", r->from);
	}
	if (der_take(&body, DER_INTEGER, &path_len))
		return rule_refuse(
		    RULE_CSR_CA, "%s: asks for a path length", r->from);
	return body.n == 0 ? RC_OK : refuse_form(r, "basicConstraints");
}

/* Only what would make a CA of the holder is refused; all else the profile
 * decides, whatever was asked. */
static enum rc
csr_ext_read_key_usage(struct request *r, struct span value)
{
	struct span bits;
	uint8_t first; /* octet; OpenSSL's KU_ bits are those of it */

	if (!der_take(&value, DER_BIT_STRING, &bits) || value.n != 0 ||
	    bits.n < 1)
		return refuse_form(r, "keyUsage");
	first = bits.n > 1 ? bits.p[1] : 0;
	if ((first & KU_KEY_CERT_SIGN) != 0)
		return rule_refuse(RULE_CSR_KEY_USAGE,
		    "%s: asks for the key usage keyCertSign", r->from);
	if ((first & KU_CRL_SIGN) != 0)
		return rule_refuse(RULE_CSR_KEY_USAGE,
		    "%s: asks for the key usage cRLSign", r->from);
	return RC_OK;
}

/* Purposes that are never had by asking. What a certificate is given is for the
 * profile to say; any other purpose asked for is passed over. */
static const struct {
	const char *name;
	uint8_t n, oid[EKU_TRANSFER_LEN];
} forbidden[] = {
	{ "anyExtendedKeyUsage", 4, { 0x55, 0x1d, 0x25, 0x00 } },
	{ "codeSigning", 8,
	    { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03 } },
	{ "airgapTransfer", EKU_TRANSFER_LEN, EKU_TRANSFER_OID },
};

static enum rc
read_eku(struct request *r, struct span value)
{
	struct span body, oid;

	if (!der_take(&value, DER_SEQUENCE, &body) || value.n != 0 ||
	    body.n == 0)
		return refuse_form(r, "extendedKeyUsage");
	while (body.n != 0) {
		if (!der_take(&body, DER_OID, &oid))
			return refuse_form(r, "extendedKeyUsage");
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]);
		     i++)
			if (span_eq(
				oid, span_of(forbidden[i].oid, forbidden[i].n)))
				return rule_refuse(RULE_CSR_EKU,
				    "%s: asks for the extended key usage %s",
				    r->from, forbidden[i].name);
	}
	return RC_OK;
}

/* A subjectKeyIdentifier is made by the CA: what was asked is passed over. */
static enum rc
pass_over(struct request *r, struct span value)
{
	(void)r;
	(void)value;
	return RC_OK;
}

static enum rc
csr_ext_refuse_extension(struct request *r, struct span value)
{
	(void)value;
	return rule_refuse(RULE_CSR_EXTENSION,
	    "%s: asks for name constraints or policies, which a request never has",
	    r->from);
}

static const struct known {
	uint8_t n, oid[3];
	bool may_be_critical;
	enum rc (*read)(struct request *r, struct span value);
} known[] = {
	{ 3, { 0x55, 0x1d, 0x11 }, true, read_san },
	{ 3, { 0x55, 0x1d, 0x13 }, true, read_basic_constraints },
	{ 3, { 0x55, 0x1d, 0x0f }, true, csr_ext_read_key_usage },
	{ 3, { 0x55, 0x1d, 0x25 }, true, read_eku },
	{ 3, { 0x55, 0x1d, 0x0e }, false, pass_over },
	/* nameConstraints, certificatePolicies, policyMappings,
	 * policyConstraints, inhibitAnyPolicy */
	{ 3, { 0x55, 0x1d, 0x1e }, true, csr_ext_refuse_extension },
	{ 3, { 0x55, 0x1d, 0x20 }, true, csr_ext_refuse_extension },
	{ 3, { 0x55, 0x1d, 0x21 }, true, csr_ext_refuse_extension },
	{ 3, { 0x55, 0x1d, 0x24 }, true, csr_ext_refuse_extension },
	{ 3, { 0x55, 0x1d, 0x36 }, true, csr_ext_refuse_extension },
};

/* ---- the list of them ------------------------------------------------------
 */

static enum rc
read_extension(
    struct request *r, struct span oid, bool critical, struct span value)
{
	const struct known *k = NULL;
	char text[DER_OID_TEXT];
	const char *what;
	size_t at;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq(oid, span_of(known[i].oid, known[i].n)))
			k = &known[i];
	der_oid_text(oid, text);
	if (critical && (k == NULL || !k->may_be_critical))
		return rule_refuse(RULE_CSR_EXTENSION,
		    "%s: asks for the critical extension %s", r->from, text);
	if (k == NULL)
		return RC_OK;
	if (!der_check(value, &what, &at))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: extension %s: %s at byte %zu", r->from, text, what,
		    at);
	return k->read(r, value);
}

/* The OIDs seen, to refuse one that stands twice. */
struct csr_ext_seen {
	struct span oids[CSR_EXTENSIONS_MAX];
	size_t n;
};

/* RFC 5280 4.2: at most one of each. Of two, one reader takes the first and
 * another the last. */
static enum rc
note_oid(const struct request *r, struct span oid, struct csr_ext_seen *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		if (span_eq(seen->oids[i], oid))
			return rule_refuse(RULE_CSR_FORM,
			    "%s: asks for an extension twice", r->from);
	if (seen->n == CSR_EXTENSIONS_MAX)
		return rule_refuse(RULE_CSR_EXTENSION,
		    "%s: asks for over %d extensions", r->from,
		    CSR_EXTENSIONS_MAX);
	seen->oids[seen->n++] = oid;
	return RC_OK;
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } */
static enum rc
csr_ext_take_extension(
    struct request *r, struct span *list, struct csr_ext_seen *seen)
{
	struct span body, oid, flag, value;
	bool critical = false;
	enum rc rc;

	if (!der_take(list, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &oid))
		return refuse_form(r, "an extension");
	if (der_take(&body, DER_BOOLEAN, &flag)) {
		critical = flag.p[0] != 0;
		if (!critical)
			return rule_refuse(RULE_CSR_FORM,
			    "%s: an extension writes out critical:FALSE, which DER leaves out",
			    r->from);
	}
	if (!der_take(&body, DER_OCTET_STRING, &value) || body.n != 0)
		return refuse_form(r, "an extension");
	rc = note_oid(r, oid, seen);
	return rc != RC_OK ? rc : read_extension(r, oid, critical, value);
}

static enum rc
read_extensions(struct request *r, struct span der)
{
	struct csr_ext_seen seen = { .n = 0 };
	struct span list;
	enum rc rc = RC_OK;

	if (!der_take(&der, DER_SEQUENCE, &list) || der.n != 0 || list.n == 0)
		return refuse_form(r, "an extensionRequest");
	while (list.n != 0 && rc == RC_OK)
		rc = csr_ext_take_extension(r, &list, &seen);
	return rc;
}

/* ---- attributes ------------------------------------------------------------
 */

/* A DirectoryString (RFC 2985 5.4.1), which nobody reads. */
static enum rc
check_challenge(const struct request *r, struct span values)
{
	struct der text;

	if (!der_next(&values, &text) || values.n != 0)
		return refuse_form(r, "a challengePassword");
	if (!der_is_text(text.tag, text.content))
		return rule_refuse(RULE_CSR_TEXT,
		    "%s: the challengePassword is no text, or has control characters",
		    r->from);
	return RC_OK;
}

/* An allow-list: an attribute that we do not read may be one that somebody
 * thought would be honoured. */
static enum rc
csr_ext_read_attribute(struct request *r, struct span *list, unsigned *seen)
{
	struct span body, oid, values;
	char text[DER_OID_TEXT];
	unsigned bit;

	if (!der_take(list, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &oid) ||
	    !der_take(&body, DER_SET, &values) || body.n != 0 || values.n == 0)
		return refuse_form(r, "an attribute");
	der_oid_text(oid, text);
	if (span_eq(oid,
		span_of(oid_extension_request, sizeof(oid_extension_request))))
		bit = 1;
	else if (span_eq(oid, span_of(oid_challenge_password,
				  sizeof(oid_challenge_password))))
		bit = 2;
	else
		return rule_refuse(RULE_CSR_ATTRIBUTE,
		    "%s: has the attribute %s; wanted extensionRequest and challengePassword at most",
		    r->from, text);
	if ((*seen & bit) != 0)
		return rule_refuse(RULE_CSR_ATTRIBUTE,
		    "%s: has the attribute %s twice", r->from, text);
	*seen |= bit;
	return bit == 1 ? read_extensions(r, values)
			: check_challenge(r, values);
}

enum rc
csr_attributes_read(const char *from, struct span attributes,
    struct name_list *names, bool *ret_has_san)
{
	struct request r = { .from = from, .names = names };
	unsigned seen = 0;
	enum rc rc;

	if (!der_is_sorted(attributes))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: attributes that are not in order", from);
	while (attributes.n != 0) {
		rc = csr_ext_read_attribute(&r, &attributes, &seen);
		if (rc != RC_OK)
			return rc;
	}
	*ret_has_san = r.has_san;
	return RC_OK;
}
