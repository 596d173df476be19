/* SPDX-License-Identifier: Apache-2.0 */
/* Constraints that are malformed bind some peers and not others: OpenSSL
 * passes over a subtree that it cannot read where GnuTLS refuses, and Go takes
 * no CA with one. So there are none in a CA that is pinned. */
#include "transfer/judge/ca_constraints.h"

#include "transfer/x509/der.h"

#define CA_LABEL_MAX 63
#define CA_DOMAIN_MAX 253

/* ---- Name ---------------------------------------------------------------- */

static const char *
ca_attribute_fault(struct span attribute)
{
	struct span type;
	struct der value;

	if (!der_take(&attribute, DER_OID, &type) ||
	    !der_next(&attribute, &value) || attribute.n != 0)
		return "a malformed attribute in a name (RFC 5280 4.1.2.4)";
	/* RFC 5280 4.1.2.4 keeps the old types for CAs that have them. */
	if (value.tag != DER_UTF8_STRING && value.tag != DER_PRINTABLE_STRING &&
	    value.tag != DER_IA5_STRING && value.tag != DER_T61_STRING &&
	    value.tag != DER_BMP_STRING)
		return "an attribute in a name of a type out of use (RFC 5280 4.1.2.4)";
	return value.content.n != 0 && der_is_text(value.tag, value.content)
		   ? NULL
		   : "an attribute in a name that is empty or no text (RFC 5280 4.1.2.4)";
}

const char *
ca_name_fault(struct span name)
{
	struct span rdns, set, attribute;

	if (!der_take(&name, DER_SEQUENCE, &rdns) || name.n != 0)
		return "a malformed name (RFC 5280 4.1.2.4)";
	while (rdns.n != 0) {
		if (!der_take(&rdns, DER_SET, &set) || set.n == 0)
			return "a malformed name (RFC 5280 4.1.2.4)";
		while (set.n != 0) {
			const char *wrong;

			if (!der_take(&set, DER_SEQUENCE, &attribute))
				return "a malformed name (RFC 5280 4.1.2.4)";
			wrong = ca_attribute_fault(attribute);
			if (wrong != NULL)
				return wrong;
		}
	}
	return NULL;
}

/* ---- the bases of subtrees ----------------------------------------------- */

static bool
ca_is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* Labels with single dots between. Neither '*' nor a dot in front: a domain
 * stands for itself and all below it. */
static bool
ca_is_domain(struct span text)
{
	size_t label = 0;

	if (text.n == 0 || text.n > CA_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool last = i + 1 == text.n || text.p[i + 1] == '.';

		if (c == '.' && (label == 0 || i + 1 == text.n))
			return false;
		if (c == '.') {
			label = 0;
			continue;
		}
		if (!ca_is_alnum(c) && c != '_' &&
		    (c != '-' || label == 0 || last))
			return false;
		if (++label > CA_LABEL_MAX)
			return false;
	}
	return true;
}

/* RFC 5280 4.2.1.10: a host, or all in a domain, which then has a dot in front.
 */
static bool
ca_is_host_or_domain(struct span text)
{
	struct span dot;

	if (text.n > 1 && text.p[0] == '.')
		(void)span_take(&text, 1, &dot);
	return ca_is_domain(text);
}

static bool
ca_is_mailbox(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '@')
			return i != 0 && der_is_text(DER_IA5_STRING, text) &&
			       ca_is_domain(
				   span_of(text.p + i + 1, text.n - i - 1));
	return ca_is_host_or_domain(text);
}

/* Address and mask, whose ones stand before its zeros. */
static bool
ca_is_network(struct span octets)
{
	bool ended = false;

	if (octets.n != 8 && octets.n != 32)
		return false;
	for (size_t bit = octets.n * 4; bit < octets.n * 8; bit++) {
		bool one = (octets.p[bit / 8] >> (7 - bit % 8) & 1) != 0;

		if (one && ended)
			return false;
		ended = !one;
	}
	return true;
}

static bool
ca_is_other_name(struct span in)
{
	struct span oid, value;
	struct der text;

	return der_take(&in, DER_OID, &oid) &&
	       der_take(&in, DER_EXPLICIT(0), &value) && in.n == 0 &&
	       der_next(&value, &text) && value.n == 0 && text.content.n != 0 &&
	       der_is_text(text.tag, text.content);
}

static bool
ca_base_is_good(const struct der *base)
{
	switch (base->tag) {
	case DER_EXPLICIT(0):
		return ca_is_other_name(base->content);
	case DER_CONTEXT(1):
		return ca_is_mailbox(base->content);
	case DER_CONTEXT(2):
		return base->content.n == 0 || ca_is_domain(base->content);
	case DER_EXPLICIT(4):
		return ca_name_fault(base->content) == NULL;
	case DER_CONTEXT(6):
		return ca_is_host_or_domain(base->content);
	case DER_CONTEXT(7):
		return ca_is_network(base->content);
	default:
		return false; /* x400Address, ediPartyName, registeredID */
	}
}

/* ---- nameConstraints ----------------------------------------------------- */

/* minimum is 0, which DER leaves out, and maximum is absent. */
static bool
ca_subtrees_are_good(struct span list)
{
	struct span body;
	struct der base;

	if (list.n == 0)
		return false;
	while (list.n != 0)
		if (!der_take(&list, DER_SEQUENCE, &body) ||
		    !der_next(&body, &base) || body.n != 0 ||
		    !ca_base_is_good(&base))
			return false;
	return true;
}

const char *
ca_constraints_fault(struct span value)
{
	const char *wrong =
	    "its nameConstraints are malformed (RFC 5280 4.2.1.10)";
	struct span body, list;
	bool any = false;

	if (!der_take(&value, DER_SEQUENCE, &body) || value.n != 0)
		return wrong;
	for (uint8_t n = 0; n < 2; n++) {
		if (!der_take(&body, DER_EXPLICIT(n), &list))
			continue;
		any = true;
		if (!ca_subtrees_are_good(list))
			return wrong;
	}
	return any && body.n == 0 ? NULL : wrong;
}
