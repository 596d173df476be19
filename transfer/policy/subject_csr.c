/* SPDX-License-Identifier: Apache-2.0 */
/* The subject that a CSR brings for a CA below ours. It will be the issuer of
 * others, compared byte for byte by some peers and by rules of their own by
 * others: so it is taken as it stands, and only in forms that all of them read
 * alike. */
#include "transfer/policy/subject.h"

#include "base/own_ssl.h"
#include "transfer/policy/config.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"

#include <openssl/objects.h>
#include <unistr.h>

#define RDNS_MAX 32
#define VALUE_MAX 255 /* characters, of an attribute without a bound */

static enum rc
subject_csr_refuse(const char *what)
{
	return rule_refuse(RULE_SUBCA_SUBJECT, "the CSR's subject %s", what);
}

/* What an attribute may be: a few have a string type of their own (RFC 5280
 * appendix A), all others are UTF8String or PrintableString. */
static bool
has_right_tag(int nid, uint8_t tag)
{
	switch (nid) {
	case NID_countryName:
	case NID_serialNumber:
	case NID_dnQualifier:
		return tag == DER_PRINTABLE_STRING;
	case NID_domainComponent:
	case NID_pkcs9_emailAddress:
		return tag == DER_IA5_STRING;
	default:
		return tag == DER_PRINTABLE_STRING || tag == DER_UTF8_STRING;
	}
}

/* By OpenSSL's table of upper bounds, which are those of RFC 5280. */
static bool
has_right_length(int nid, size_t characters)
{
	const ASN1_STRING_TABLE *own = ASN1_STRING_TABLE_get(nid);
	long min = own == NULL || own->minsize <= 0 ? 1 : own->minsize;
	long max = own == NULL || own->maxsize <= 0 ? VALUE_MAX : own->maxsize;

	if (max > VALUE_MAX)
		max = VALUE_MAX;
	return (long)characters >= min && (long)characters <= max;
}

/* Characters of it, if each can be shown. */
static bool
count_shown(struct span value, size_t *ret)
{
	ucs4_t c;

	*ret = 0;
	for (size_t at = 0; at < value.n; ++*ret) {
		at += (size_t)u8_mbtouc(&c, value.p + at, value.n - at);
		if (c == '\t' || config_is_hidden(c))
			return false;
	}
	return true;
}

static enum rc
check_one(struct span attribute)
{
	OWN(ASN1_OBJECT) *oid = NULL;
	struct der type, value;
	const uint8_t *p;
	size_t characters;
	int nid;

	if (!der_take_whole(&attribute, DER_OID, &type) ||
	    !der_next(&attribute, &value) || attribute.n != 0)
		return subject_csr_refuse("is malformed");
	p = type.whole.p;
	oid = d2i_ASN1_OBJECT(NULL, &p, (long)type.whole.n);
	if (oid == NULL)
		return err_openssl(RC_BUG, "an attribute's type");
	nid = OBJ_obj2nid(oid);
	if (!has_right_tag(nid, value.tag))
		return subject_csr_refuse(
		    "has an attribute of another string type than RFC 5280 has for it");
	if (!der_is_text(value.tag, value.content) ||
	    !count_shown(value.content, &characters))
		return subject_csr_refuse(
		    "has an attribute that is no text, or cannot be shown");
	if (!has_right_length(nid, characters))
		return subject_csr_refuse(
		    "has an attribute that is empty or too long (RFC 5280 appendix A)");
	return RC_OK;
}

enum rc
subject_csr_check(struct span asked)
{
	struct span rdns, set, attribute;
	const char *what;
	size_t at, n = 0;
	enum rc rc = RC_OK;

	if (asked.n == 0 || !der_check(asked, &what, &at) ||
	    !der_take(&asked, DER_SEQUENCE, &rdns) || asked.n != 0)
		return subject_csr_refuse("is malformed");
	if (rdns.n == 0)
		return subject_csr_refuse(
		    "is empty; a CA has a name (RFC 5280 4.1.2.6)");
	for (; rdns.n != 0 && rc == RC_OK; n++) {
		if (n == RDNS_MAX)
			return subject_csr_refuse("has more than 32 parts");
		if (!der_take(&rdns, DER_SET, &set) ||
		    !der_take(&set, DER_SEQUENCE, &attribute))
			return subject_csr_refuse("is malformed");
		if (set.n != 0)
			return subject_csr_refuse(
			    "has two attributes in one RDN, whose order is nobody's");
		rc = check_one(attribute);
	}
	return rc;
}

enum rc
subject_same(struct span a, struct span b, bool *ret)
{
	OWN(X509_NAME) *one = NULL;
	OWN(X509_NAME) *other = NULL;
	const uint8_t *p = a.p, *q = b.p;
	int order;

	one = d2i_X509_NAME(NULL, &p, (long)a.n);
	other = d2i_X509_NAME(NULL, &q, (long)b.n);
	if (one == NULL || other == NULL)
		return err_openssl(RC_BUG, "subjects cannot be compared");
	order = X509_NAME_cmp(one, other);
	if (order < -1)
		return err_openssl(RC_BUG, "subjects cannot be compared");
	*ret = order == 0;
	return RC_OK;
}
