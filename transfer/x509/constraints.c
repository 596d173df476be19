/* SPDX-License-Identifier: Apache-2.0 */
/* Subtrees are walked where they stand, in the certificate: there are few. What
 * the forms of RFC 5280 and RFC 4985 do not say is decided against the name. */
#include "transfer/x509/constraints.h"

#include "transfer/rule.h"
#include "transfer/x509/cert_ext.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_form.h"
#include "transfer/x509/subject_host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

/* Beside the types of names. */
enum {
	SUBTREE_DIRECTORY = NAME_TYPES,
	SUBTREE_UNKNOWN,
};

#define DOMAIN_TEXT_MAX 253

struct subtree {
	unsigned type; /* enum name_type, or one of the above */
	struct span base;
};

/* ---- reading ------------------------------------------------------------- */

/* An otherName is of a type by its OID; its string is the base. */
static void
read_other_name(struct span content, struct subtree *t)
{
	struct span oid, value;
	struct der text;

	t->type = SUBTREE_UNKNOWN;
	if (!der_take(&content, DER_OID, &oid) ||
	    !der_take(&content, DER_EXPLICIT(0), &value) || content.n != 0 ||
	    !der_next(&value, &text) || value.n != 0)
		return;
	for (unsigned i = 0; i < NAME_TYPES; i++) {
		const struct name_form *form = name_form_get0(i);

		if (form->other_n != 0 &&
		    span_eq(oid, span_of(form->other_oid, form->other_n)) &&
		    text.tag == form->other_tag)
			*t = (struct subtree){ i, text.content };
	}
}

/* A GeneralSubtree has no minimum and maximum in this profile of X.509. */
static bool
subtree_take(struct span *list, struct subtree *ret)
{
	struct subtree t = { .type = SUBTREE_UNKNOWN };
	struct span body;
	struct der base;

	if (!der_take(list, DER_SEQUENCE, &body) || !der_next(&body, &base) ||
	    body.n != 0)
		return false;
	t.base = base.content;
	if (base.tag == DER_EXPLICIT(0))
		read_other_name(base.content, &t);
	else if (base.tag == DER_EXPLICIT(4))
		t.type = SUBTREE_DIRECTORY;
	else
		for (unsigned i = 0; i < NAME_TYPES; i++)
			if (name_form_get0(i)->tag == base.tag)
				t.type = i;
	if (t.type == NAME_IP && t.base.n != 8 && t.base.n != 32)
		return false;
	*ret = t;
	return true;
}

static bool
list_is_whole(struct span list)
{
	struct subtree t;

	while (list.n != 0)
		if (!subtree_take(&list, &t))
			return false;
	return true;
}

/* nameConstraints ::= SEQUENCE { permitted [0], excluded [1] }, not empty */
enum rc
constraints_value_read(
    const char *from, struct span value, struct constraints *ret)
{
	struct constraints c = { 0 };
	struct span body;

	if (!der_take(&value, DER_SEQUENCE, &body) || value.n != 0 ||
	    body.n == 0)
		return rule_refuse(
		    RULE_CA_CERT, "%s: malformed name constraints", from);
	(void)der_take(&body, DER_EXPLICIT(0), &c.permitted);
	(void)der_take(&body, DER_EXPLICIT(1), &c.excluded);
	if (body.n != 0 || !list_is_whole(c.permitted) ||
	    !list_is_whole(c.excluded))
		return rule_refuse(
		    RULE_CA_CERT, "%s: malformed name constraints", from);
	*ret = c;
	return RC_OK;
}

enum rc
constraints_find(const char *from, struct span cert, struct span *ret_value,
    bool *ret_critical)
{
	static const uint8_t wanted[] = { 0x55, 0x1d, 0x1e };

	return cert_ext_find(from, cert, span_of(wanted, sizeof(wanted)),
	    ret_value, ret_critical);
}

enum rc
constraints_read(const char *from, struct span cert, struct constraints *ret)
{
	struct span value;
	bool critical;
	enum rc rc = constraints_find(from, cert, &value, &critical);

	*ret = (struct constraints){ 0 };
	return rc != RC_OK || value.n == 0
		   ? rc
		   : constraints_value_read(from, value, ret);
}

/* ---- domains and hosts --------------------------------------------------- */

static bool
same_text(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p,
					      (const char *)b.p, a.n) == 0);
}

/* Truly below: with a label more. */
static bool
lies_below(struct span domain, struct span above)
{
	if (domain.n <= above.n || domain.p[domain.n - above.n - 1] != '.')
		return false;
	return same_text(
	    span_of(domain.p + domain.n - above.n, above.n), above);
}

static bool
begins_with_dot(struct span base)
{
	return base.n != 0 && base.p[0] == '.';
}

static struct span
without_dot(struct span base)
{
	return begins_with_dot(base) ? span_of(base.p + 1, base.n - 1) : base;
}

/* Of a dNSName: it and all below; with a dot in front only what lies below. */
static bool
domain_matches(struct span domain, struct span base)
{
	if (base.n == 0)
		return true;
	return (!begins_with_dot(base) && same_text(domain, base)) ||
	       lies_below(domain, without_dot(base));
}

/* Of an address or URI: that very host; with a dot in front all below. */
static bool
host_matches(struct span host, struct span base)
{
	if (base.n == 0)
		return true;
	return begins_with_dot(base) ? lies_below(host, without_dot(base))
				     : same_text(host, base);
}

/* RFC 4985 section 4: a domain, or one service of it. */
static bool
srv_matches(const struct name_parts *parts, struct span base)
{
	const uint8_t *dot;
	size_t n;

	if (base.n == 0 || base.p[0] != '_')
		return domain_matches(parts->domain, base);
	dot = memchr(base.p, '.', base.n);
	if (dot == NULL)
		return false;
	n = (size_t)(dot - base.p) + 1;
	return same_text(parts->head, span_of(base.p, n)) &&
	       domain_matches(parts->domain, span_of(base.p + n, base.n - n));
}

/* The part behind an '@'; all of it where there is none. */
static struct span
host_of(struct span base)
{
	const uint8_t *at = base.n == 0 ? NULL : memchr(base.p, '@', base.n);

	if (at == NULL)
		return base;
	return span_of(at + 1, base.n - (size_t)(at + 1 - base.p));
}

static bool
email_matches(
    const struct name *name, const struct name_parts *parts, struct span base)
{
	struct span host = host_of(base);
	size_t local = base.n - host.n; /* with its '@' */

	if (local == 0)
		return host_matches(parts->domain, base);
	return parts->head.n == local &&
	       memcmp(name->text.p, base.p, local) == 0 &&
	       same_text(parts->domain, host);
}

static bool
ip_matches(const struct name *name, struct span base)
{
	struct ip_octets ip;
	size_t n = base.n / 2;

	if (ip_into_der(name->text, &ip) != RC_OK || ip.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (((ip.p[i] ^ base.p[i]) & base.p[n + i]) != 0)
			return false;
	return true;
}

static bool
subtree_matches(const struct subtree *t, const struct name *name,
    const struct name_parts *parts)
{
	switch (name->type) {
	case NAME_DNS:
		/* "*.example.org" stands for names below, whatever the base */
		return domain_matches(parts->domain, t->base) ||
		       (parts->head.n != 0 &&
			   same_text(parts->domain, without_dot(t->base)));
	case NAME_SRV:
		return srv_matches(parts, t->base);
	case NAME_EMAIL:
		return email_matches(name, parts, t->base);
	case NAME_URI:
		return host_matches(parts->domain, t->base);
	case NAME_IP:
		return ip_matches(name, t->base);
	default:
		return false; /* no RFC says how */
	}
}

/* A wildcard may stand for what is excluded. */
static bool
subtree_excludes(const struct subtree *t, const struct name *name,
    const struct name_parts *parts)
{
	if (name->type == NAME_XMPP)
		return true;
	if (name->type == NAME_DNS && parts->head.n != 0 &&
	    lies_below(without_dot(t->base), parts->domain))
		return true;
	return subtree_matches(t, name, parts);
}

const char *
constraints_fault(const struct constraints *c, const struct name *name)
{
	struct span list = c->permitted;
	bool bound = false, held = false;
	struct name_parts parts;
	struct subtree t;

	if (!name_split(name->type, name->text, &parts))
		return "has no form that name constraints could be asked about";
	while (subtree_take(&list, &t)) {
		if (t.type != name->type)
			continue;
		bound = true;
		held = held || subtree_matches(&t, name, &parts);
	}
	if (bound && !held)
		return "lies outside what the CA's certificate is bound to for good";
	list = c->excluded;
	while (subtree_take(&list, &t))
		if (t.type == name->type && subtree_excludes(&t, name, &parts))
			return "is excluded by the CA's certificate for good";
	return NULL;
}

/* ---- subjects ------------------------------------------------------------ */

static bool
has_subtree(const struct constraints *c, unsigned type)
{
	const struct span lists[] = { c->permitted, c->excluded };
	struct subtree t;

	for (size_t i = 0; i < 2; i++) {
		struct span list = lists[i];

		while (subtree_take(&list, &t))
			if (t.type == type)
				return true;
	}
	return false;
}

const char *
constraints_subject_fault(const struct constraints *c, struct span subject,
    const struct name *names, size_t n)
{
	struct subject_hosts hosts = subject_hosts_of(subject);
	struct name name = { NAME_DNS, SPAN_NONE };

	if (hosts.rdns.n == 0)
		return NULL;
	if (has_subtree(c, SUBTREE_DIRECTORY))
		return "the CA's certificate binds subjects, which nobody compares here";
	for (size_t i = 0; i < n; i++)
		if (names[i].type == NAME_DNS)
			return NULL;
	while (subject_hosts_take(&hosts, &name.text))
		if (constraints_fault(c, &name) != NULL)
			return "its CN would be taken for a host's name, which the CA's certificate forbids for good";
	return NULL;
}

/* ---- whole scopes -------------------------------------------------------- */

static bool
is_of_hosts(enum name_type type)
{
	return type == NAME_EMAIL || type == NAME_URI;
}

/* Does the subtree reach into the scope, or the scope into it? */
static bool
meets(const struct subtree *t, struct span domain)
{
	struct span base = without_dot(host_of(t->base));

	if (t->type == NAME_SRV && base.n != 0 && base.p[0] == '_') {
		const uint8_t *dot = memchr(base.p, '.', base.n);

		if (dot != NULL)
			base = span_of(
			    dot + 1, base.n - (size_t)(dot + 1 - base.p));
	}
	return base.n == 0 || domain.n == 0 || same_text(base, domain) ||
	       lies_below(base, domain) ||
	       (lies_below(domain, base) &&
		   (!is_of_hosts(t->type) || begins_with_dot(t->base)));
}

bool
constraints_hold_domain(
    const struct constraints *c, enum name_type type, const char *domain)
{
	struct span wanted = domain == NULL ? SPAN_NONE : span_str(domain);
	bool bound = false, itself = false, below = false;
	struct span list = c->permitted;
	struct subtree t;

	while (subtree_take(&list, &t)) {
		struct span base = without_dot(t.base);
		bool dot = begins_with_dot(t.base);

		if (t.type != type)
			continue;
		bound = true;
		if (t.base.n == 0)
			itself = below = type != NAME_XMPP;
		if (wanted.n == 0 || t.base.n == 0 || type == NAME_XMPP)
			continue;
		if (is_of_hosts(type)) {
			itself = itself || host_matches(wanted, t.base);
			below = below || (dot && (same_text(wanted, base) ||
						     lies_below(wanted, base)));
		} else {
			itself = itself || domain_matches(wanted, t.base);
			below = below || same_text(wanted, base) ||
				lies_below(wanted, base);
		}
	}
	if (bound && (!itself || !below))
		return false;
	list = c->excluded;
	while (subtree_take(&list, &t))
		if (t.type == type && (type == NAME_XMPP || meets(&t, wanted)))
			return false;
	return true;
}

bool
constraints_hold_range(const struct constraints *c, const struct cidr *range)
{
	struct span list = c->permitted;
	bool bound = false, held = false;
	uint8_t mask[16];
	struct subtree t;

	cidr_mask(range, mask);
	while (subtree_take(&list, &t)) {
		bool within = t.type == NAME_IP && t.base.n == 2 * range->n;

		bound = bound || t.type == NAME_IP;
		for (size_t i = 0; within && i < range->n; i++) {
			uint8_t its = t.base.p[range->n + i];

			within = (its & ~mask[i]) == 0 &&
				 ((t.base.p[i] ^ range->address[i]) & its) == 0;
		}
		held = held || within;
	}
	if (bound && !held)
		return false;
	list = c->excluded;
	while (subtree_take(&list, &t)) {
		bool meet = t.type == NAME_IP && t.base.n == 2 * range->n;

		for (size_t i = 0; meet && i < range->n; i++)
			meet = ((t.base.p[i] ^ range->address[i]) &
				   t.base.p[range->n + i] & mask[i]) == 0;
		if (meet)
			return false;
	}
	return true;
}

/* ---- one certificate below another ----------------------------------------
 */

static bool
lists_subtree(struct span list, const struct subtree *wanted)
{
	struct subtree t;

	while (subtree_take(&list, &t))
		if (t.type == wanted->type && span_eq(t.base, wanted->base))
			return true;
	return false;
}

/* A range of addresses, if its mask is ones, then zeros. */
static bool
range_of(struct span base, struct cidr *ret)
{
	struct cidr range = { .n = base.n / 2 };
	uint8_t mask[16];

	memcpy(range.address, base.p, range.n);
	while (
	    range.prefix < 8 * range.n && (base.p[range.n + range.prefix / 8] &
					      0x80U >> range.prefix % 8) != 0)
		range.prefix++;
	cidr_mask(&range, mask);
	*ret = range;
	return memcmp(mask, base.p + range.n, range.n) == 0;
}

/* Is every name of this subtree one that `c` allows? */
static bool
holds_subtree(const struct constraints *c, const struct subtree *t)
{
	char domain[DOMAIN_TEXT_MAX + 1];
	struct span base = without_dot(host_of(t->base));
	struct cidr range;

	if (t->type >= NAME_TYPES)
		return !has_subtree(c, t->type) ||
		       lists_subtree(c->permitted, t);
	if (!has_subtree(c, t->type) ||
	    (lists_subtree(c->permitted, t) && c->excluded.n == 0))
		return true;
	if (t->type == NAME_IP)
		return range_of(t->base, &range) &&
		       constraints_hold_range(c, &range);
	if (base.n > DOMAIN_TEXT_MAX)
		return false;
	(void)snprintf(domain, sizeof(domain), "%.*s", SPAN_FMT(base));
	return constraints_hold_domain(c, t->type, base.n == 0 ? NULL : domain);
}

bool
constraints_allow(const struct constraints *c, const struct constraints *asked)
{
	struct span list = asked->permitted;
	struct subtree t;

	while (subtree_take(&list, &t))
		if (!holds_subtree(c, &t))
			return false;
	return true;
}

static bool
permits_some(const struct constraints *c, unsigned type)
{
	struct span list = c->permitted;
	struct subtree t;

	while (subtree_take(&list, &t))
		if (t.type == type)
			return true;
	return false;
}

/* A type that one binds and the other leaves free is wider there. What is
 * allowed in part is so within what is excluded above, or that is excluded once
 * more. */
bool
constraints_contain(
    const struct constraints *c, const struct constraints *below)
{
	struct span permitted = c->permitted, excluded = c->excluded;
	struct subtree t;

	while (subtree_take(&permitted, &t))
		if (!permits_some(below, t.type))
			return false;
	while (subtree_take(&excluded, &t))
		if (!permits_some(below, t.type) &&
		    !lists_subtree(below->excluded, &t))
			return false;
	return constraints_allow(c, below);
}

/* ---- for people ---------------------------------------------------------- */

static enum rc
range_write(struct span base, struct buf *out)
{
	char address[INET6_ADDRSTRLEN] = "?", mask[INET6_ADDRSTRLEN] = "?";
	int family = base.n == 8 ? AF_INET : AF_INET6;
	size_t n = base.n / 2;
	unsigned bits = 0;

	while (bits < 8 * n && (base.p[n + bits / 8] & 0x80U >> bits % 8) != 0)
		bits++;
	for (unsigned i = bits; i < 8 * n; i++)
		if ((base.p[n + i / 8] & 0x80U >> i % 8) != 0)
			bits = UINT32_MAX;
	(void)inet_ntop(family, base.p, address, sizeof(address));
	if (bits != UINT32_MAX)
		return buf_printf(out, "%s/%u", address, bits);
	(void)inet_ntop(family, base.p + n, mask, sizeof(mask));
	return buf_printf(out, "%s/%s", address, mask);
}

static enum rc
subtree_write(const struct subtree *t, const char *sign, struct buf *out)
{
	enum rc rc = buf_printf(out, "%s%s%s", out->n == 0 ? "" : ", ", sign,
	    t->type == SUBTREE_DIRECTORY ? "subjects"
	    : t->type == SUBTREE_UNKNOWN ? "names of another form"
					 : name_type_text(t->type));

	if (rc != RC_OK || t->type >= NAME_TYPES)
		return rc;
	rc = buf_add_byte(out, ':');
	if (rc != RC_OK)
		return rc;
	return t->type == NAME_IP ? range_write(t->base, out)
				  : buf_add_span(out, t->base);
}

enum rc
constraints_write(const struct constraints *c, struct buf *out)
{
	const struct span lists[] = { c->permitted, c->excluded };
	WIPED(buf) text = { 0 };
	enum rc rc = RC_OK;
	struct subtree t;

	for (size_t i = 0; i < 2; i++) {
		struct span list = lists[i];

		while (rc == RC_OK && subtree_take(&list, &t))
			rc = subtree_write(&t, i == 0 ? "" : "not ", &text);
	}
	if (rc == RC_OK && text.n == 0)
		rc = buf_add_str(&text, "nothing");
	return rc != RC_OK ? rc : buf_add_span(out, buf_span(&text));
}
