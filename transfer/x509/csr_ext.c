/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and requested extensions of a CSR. Nothing of them comes into a
 * certificate but names, so most are passed over unread, whatever software put
 * them there. What asks for power is refused by name: whoever made the request
 * should not think that it was granted. To be a CA is what some profiles grant;
 * so that is kept beside, for those who know the profile. */
#include "transfer/rule.h"
#include "transfer/x509/csr_parts.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_san.h"
#include "transfer/x509/transfer_eku.h"

#include <stdio.h>

/* extensionRequest (RFC 2985 5.4.2), and what Windows had before it; the value
 * is the same. */
static const struct {
	uint8_t n, oid[10];
} lists[] = {
	{ 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e } },
	{ 10, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0e } },
};

struct request {
	const char *from;
	struct csr_wishes *wishes;
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
note_san(struct request *r, struct span value)
{
	if (r->wishes->n_sans++ == 0)
		r->wishes->san = value;
	return RC_OK;
}

/* DER allows 00 and FF, and leaves a default out; certmonger writes FALSE. */
static enum rc
csr_ext_take_flag(const struct request *r, struct span *in, bool *ret)
{
	struct span flag;

	*ret = false;
	if (!der_take(in, DER_BOOLEAN, &flag))
		return RC_OK;
	if (flag.n != 1 || (flag.p[0] != 0 && flag.p[0] != 0xff))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: a BOOLEAN that is neither 00 nor FF", r->from);
	*ret = flag.p[0] != 0;
	return RC_OK;
}

/* The first refusal is kept, for whoever makes no CA; a failure is one. */
static enum rc
keep_ca(struct request *r, enum rc rc)
{
	struct csr_wishes *w = r->wishes;

	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	if (w->ca_rule == RULE_NONE) {
		w->ca_rule = rule_spoken();
		(void)snprintf(
		    w->ca_reason, sizeof(w->ca_reason), "%s", err_text());
	}
	err_clear();
	return RC_OK;
}

/* Of a number that no certificate has only that it is too large is kept. */
static void
note_path_len(struct csr_ca_wish *ca, struct span number)
{
	ca->has_path_len = true;
	ca->path_len = number.n == 1 && number.p[0] < 0x80 ? number.p[0]
		       : number.n == 2 && number.p[0] == 0 ? number.p[1]
							   : CSR_PATH_LEN_MAX;
}

/* RFC 5280 4.2.1.9. */
static enum rc
read_basic_constraints(struct request *r, struct span value)
{
	struct span body, path_len;
	bool is_ca;
	enum rc rc;

	if (!der_take(&value, DER_SEQUENCE, &body) || value.n != 0)
		return refuse_form(r, "basicConstraints");
	rc = csr_ext_take_flag(r, &body, &is_ca);
	if (rc != RC_OK)
		return rc;
	if (is_ca)
		rc = keep_ca(r,
		    rule_refuse(RULE_CSR_CA, "%s: asks for CA:TRUE", r->from));
	if (rc == RC_OK && der_take(&body, DER_INTEGER, &path_len)) {
		note_path_len(&r->wishes->ca, path_len);
		rc = keep_ca(r, rule_refuse(RULE_CSR_CA,
				    "%s: asks for a path length", r->from));
	}
	if (rc != RC_OK)
		return rc;
	return body.n == 0 ? RC_OK : refuse_form(r, "basicConstraints");
}

/* Only what would make a CA of the holder is told; all else the profile
 * decides, whatever was asked. */
static enum rc
csr_ext_read_key_usage(struct request *r, struct span value)
{
	struct span bits;
	uint8_t first; /* octet; OpenSSL's KU_ bits are those of it */
	enum rc rc = RC_OK;

	if (!der_take(&value, DER_BIT_STRING, &bits) || value.n != 0 ||
	    bits.n < 1)
		return refuse_form(r, "keyUsage");
	first = bits.n > 1 ? bits.p[1] : 0;
	if ((first & KU_KEY_CERT_SIGN) != 0)
		rc = keep_ca(
		    r, rule_refuse(RULE_CSR_KEY_USAGE,
			   "%s: asks for the key usage keyCertSign", r->from));
	if (rc == RC_OK && (first & KU_CRL_SIGN) != 0)
		rc = keep_ca(
		    r, rule_refuse(RULE_CSR_KEY_USAGE,
			   "%s: asks for the key usage cRLSign", r->from));
	return rc;
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

/* What is read although it may not be wanted. */
static const struct known {
	uint8_t n, oid[3];
	enum rc (*read)(struct request *r, struct span value);
} known[] = {
	{ 3, { 0x55, 0x1d, 0x11 }, note_san },
	{ 3, { 0x55, 0x1d, 0x13 }, read_basic_constraints },
	{ 3, { 0x55, 0x1d, 0x0f }, csr_ext_read_key_usage },
	{ 3, { 0x55, 0x1d, 0x25 }, read_eku },
};

/* ---- the list of them ------------------------------------------------------
 */

/* What it says is for whoever makes a CA; all others pass it over, but not
 * where it must be understood. */
static enum rc
note_constraints(struct request *r, bool critical, struct span value)
{
	r->wishes->ca.constraints = value;
	if (!critical)
		return RC_OK;
	return keep_ca(
	    r, rule_refuse(RULE_CSR_EXTENSION,
		   "%s: asks for the critical extension 2.5.29.30", r->from));
}

/* An extension that nobody must understand is passed over unread. */
static enum rc
read_extension(
    struct request *r, struct span oid, bool critical, struct span value)
{
	static const uint8_t constraints[] = { 0x55, 0x1d, 0x1e };
	char text[DER_OID_TEXT];

	if (span_eq(oid, span_of(constraints, sizeof(constraints))))
		return note_constraints(r, critical, value);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq(oid, span_of(known[i].oid, known[i].n)))
			return known[i].read(r, value);
	if (!critical)
		return RC_OK;
	der_oid_text(oid, text);
	return rule_refuse(RULE_CSR_EXTENSION,
	    "%s: asks for the critical extension %s", r->from, text);
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } */
static enum rc
csr_ext_take_extension(struct request *r, struct span *list)
{
	struct span body, oid, value;
	bool critical = false;
	enum rc rc;

	if (!der_take(list, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &oid))
		return refuse_form(r, "an extension");
	rc = csr_ext_take_flag(r, &body, &critical);
	if (rc != RC_OK)
		return rc;
	if (!der_take(&body, DER_OCTET_STRING, &value) || body.n != 0)
		return refuse_form(r, "an extension");
	return read_extension(r, oid, critical, value);
}

/* The values of an extensionRequest: one list, which may be empty, or none. */
static enum rc
read_lists(struct request *r, struct span values)
{
	struct span list;
	enum rc rc = RC_OK;

	while (values.n != 0 && rc == RC_OK) {
		if (!der_take(&values, DER_SEQUENCE, &list))
			return refuse_form(r, "an extensionRequest");
		r->wishes->n_lists++;
		while (list.n != 0 && rc == RC_OK)
			rc = csr_ext_take_extension(r, &list);
	}
	return rc;
}

/* ---- attributes ------------------------------------------------------------
 */

static bool
is_list(struct span oid)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (span_eq(oid, span_of(lists[i].oid, lists[i].n)))
			return true;
	return false;
}

/* Of an attribute that asks for no extensions no more than its type is read:
 * certreq tells of Windows, others have a password or a nickname. */
static enum rc
csr_ext_read_attribute(struct request *r, struct span *list)
{
	struct span body, oid, values;

	if (!der_take(list, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &oid))
		return refuse_form(r, "an attribute");
	if (!is_list(oid))
		return RC_OK;
	if (!der_take(&body, DER_SET, &values) || body.n != 0)
		return refuse_form(r, "an extensionRequest");
	return read_lists(r, values);
}

/* In any order: strongSwan and others do not sort them, and the signature is
 * over the bytes as they stand. */
enum rc
csr_attributes_read(
    const char *from, struct span attributes, struct csr_wishes *ret)
{
	struct request r = { .from = from, .wishes = ret };
	enum rc rc = RC_OK;

	*ret = (struct csr_wishes){ .n_sans = 0 };
	while (attributes.n != 0 && rc == RC_OK)
		rc = csr_ext_read_attribute(&r, &attributes);
	return rc;
}

/* RFC 5280 4.2, RFC 2985 5.4.2: one of each. Of two, one reader takes the first
 * and another the last. */
enum rc
csr_san_read(
    const char *from, const struct csr_wishes *wishes, struct name_list *names)
{
	const char *what;
	size_t at;

	if (wishes->n_sans != 1)
		return rule_refuse(
		    RULE_CSR_FORM, "%s: asks for a subjectAltName twice", from);
	if (!der_check(wishes->san, &what, &at))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: subjectAltName: %s at byte %zu", from, what, at);
	return names_of_san_der(from, wishes->san, names);
}
