/* SPDX-License-Identifier: Apache-2.0 */
/* The subject that is wanted, compared with the one that is there. No name is
 * made here: the text of the policy is walked beside the attributes of the TBS,
 * so that what transfer/policy/subject.c gets wrong is seen. */
#include "ca/cert/lint_facts.h"

#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/policy/subject.h"

#include <openssl/objects.h>
#include <stdio.h>

#define TYPE_TEXT_MAX 128 /* a long name of OpenSSL's, or a dotted OID */

/* "O=%{domain}, CN=%{name}", or what init was given; what the two stand for. */
struct wanted_subject {
	const char *text;
	bool expands; /* percent signs mean something */
	struct span name, domain;
};

/* ---- what is wanted ------------------------------------------------------ */

static size_t
count_characters(struct span text)
{
	size_t characters = 0;

	for (size_t i = 0; i < text.n; i++)
		characters += (text.p[i] & 0xc0) != 0x80;
	return characters;
}

static struct span
first_dns(const struct lint *want)
{
	size_t i = 0;

	while (i < want->n_names && want->names[i].type != NAME_DNS)
		i++;
	return i < want->n_names ? want->names[i].text : SPAN_NONE;
}

static void
want_first_dns(const struct lint *want, struct wanted_subject *w)
{
	w->text = "";
	w->name = first_dns(want);
	if (w->name.n != 0 && count_characters(w->name) <= SUBJECT_CN_MAX)
		w->text = "CN=%{name}";
}

static struct wanted_subject
wanted_of_leaf(const struct lint *want)
{
	struct wanted_subject w = { .text = "", .expands = true };

	if (want->n_names != 0) {
		w.name = want->names[0].text;
		w.domain = name_domain(&want->names[0]);
	}
	switch (want->profile->subject) {
	case SUBJECT_TEXT:
		w.text = want->profile->subject_text;
		break;
	case SUBJECT_FIRST_NAME:
		want_first_dns(want, &w);
		break;
	case SUBJECT_NONE:
	case SUBJECT_CSR: /* has no text: lint_check_wanted_subject */
		break;
	}
	return w;
}

/* One attribute of a Name whose RDNs have one each. */
static bool
take_attribute(struct span *rdns, struct span *ret_oid, struct der *ret_value)
{
	struct span set, attribute;

	return der_take(rdns, DER_SET, &set) &&
	       der_take(&set, DER_SEQUENCE, &attribute) &&
	       der_take(&attribute, DER_OID, ret_oid) &&
	       der_next(&attribute, ret_value);
}

/* What a CA is called: its CN, without one its O, and else what comes last. */
static struct span
name_of_issuer(struct span issuer)
{
	static const uint8_t cn[] = { 0x55, 4, 3 }, o[] = { 0x55, 4, 10 };
	struct span rdns = SPAN_NONE, oid, name = SPAN_NONE;
	struct der value;
	int rank = 0;

	(void)der_take(&issuer, DER_SEQUENCE, &rdns);
	while (take_attribute(&rdns, &oid, &value)) {
		int its = span_eq(oid, span_of(cn, sizeof(cn))) ? 3
			  : span_eq(oid, span_of(o, sizeof(o))) ? 2
								: 1;

		if (its > rank || (its == 1 && rank == 1))
			name = value.content;
		if (its > rank)
			rank = its;
	}
	return name;
}

static struct wanted_subject
wanted_of(const struct lint *want)
{
	switch (want->kind) {
	case LINT_CA:
		return (struct wanted_subject){ .text = want->wish->subject };
	case LINT_TRANSFER:
		return (struct wanted_subject){
			.text = "O=%{name}, OU=airgap-ca transfer",
			.expands = true,
			.name = name_of_issuer(want->issuer)
		};
	case LINT_LEAF:
		break;
	}
	return wanted_of_leaf(want);
}

/* ---- the walk ------------------------------------------------------------ */

/* What the next character of the text stands for. */
static struct span
next_part(const struct wanted_subject *w, const char **at)
{
	const char *p = *at;

	if (w->expands && strncmp(p, "%{name}", 7) == 0) {
		*at += 7;
		return w->name;
	}
	if (w->expands && strncmp(p, "%{domain}", 9) == 0) {
		*at += 9;
		return w->domain;
	}
	*at += w->expands && strncmp(p, "%%", 2) == 0 ? 2 : 1;
	return span_of(p, 1);
}

/* How long the next value comes out, up to the comma. */
static size_t
value_length(const struct wanted_subject *w, const char **at)
{
	size_t n = 0, spaces = 0;

	*at += strspn(*at, " ");
	while (**at != '\0' && **at != ',') {
		if (**at == ' ') {
			spaces++;
			++*at;
			continue;
		}
		n += spaces;
		spaces = 0;
		*at += **at == '\\' && (*at)[1] != '\0';
		n += count_characters(next_part(w, at));
	}
	return n;
}

/* Does each value have room in its attribute? */
static bool
text_has_room(const struct wanted_subject *w)
{
	const char *at = w->text;

	while (*at != '\0') {
		const ASN1_STRING_TABLE *own;
		char type[TYPE_TEXT_MAX];
		size_t n;

		at += strspn(at, " ");
		n = strcspn(at, "= ");
		(void)snprintf(type, sizeof(type), "%.*s", (int)n, at);
		own = ASN1_STRING_TABLE_get(OBJ_txt2nid(type));
		at += strcspn(at, "=");
		at += *at == '=';
		n = value_length(w, &at);
		if (own != NULL && own->maxsize > 0 && n > (size_t)own->maxsize)
			return false;
		at += *at == ',';
	}
	return true;
}

static bool
take_same(struct span *in, struct span wanted)
{
	struct span front;

	return span_take(in, wanted.n, &front) && span_eq(front, wanted);
}

/* Up to the comma. Spaces count when something follows them. */
static bool
take_value(const struct wanted_subject *w, const char **at, struct span value)
{
	size_t spaces = 0;

	*at += strspn(*at, " ");
	while (**at != '\0' && **at != ',') {
		if (**at == ' ') {
			spaces++;
			++*at;
			continue;
		}
		for (; spaces > 0; spaces--)
			if (!take_same(&value, span_str(" ")))
				return false;
		*at += **at == '\\' && (*at)[1] != '\0';
		if (!take_same(&value, next_part(w, at)))
			return false;
	}
	return value.n == 0;
}

/* UTF8String, but where OpenSSL's table has a type of string for the one
 * attribute: countryName is a PrintableString, domainComponent an IA5String. */
static uint8_t
wanted_tag(const ASN1_OBJECT *type)
{
	const ASN1_STRING_TABLE *own = ASN1_STRING_TABLE_get(OBJ_obj2nid(type));

	if (own == NULL || (own->flags & STABLE_NO_MASK) == 0)
		return DER_UTF8_STRING;
	return own->mask == B_ASN1_PRINTABLESTRING ? DER_PRINTABLE_STRING
						   : DER_IA5_STRING;
}

static const char *
check_attribute(const struct wanted_subject *w, const char **at,
    struct span oid, const struct der *value)
{
	OWN(ASN1_OBJECT) *type = NULL;
	char text[TYPE_TEXT_MAX];
	const char *end;
	size_t n;

	*at += strspn(*at, " ");
	n = strcspn(*at, "=");
	end = *at + n + strspn(*at + n, "=");
	while (n > 0 && (*at)[n - 1] == ' ')
		n--;
	(void)snprintf(text, sizeof(text), "%.*s", (int)n, *at);
	*at = end;
	type = OBJ_txt2obj(text, 0);
	if (type == NULL ||
	    !span_eq(oid, span_of(OBJ_get0_data(type), OBJ_length(type))))
		return "an attribute of the subject is not the one wanted";
	if (value->tag != wanted_tag(type))
		return "an attribute of the subject has another type of string than is wanted";
	return take_value(w, at, value->content)
		   ? NULL
		   : "an attribute of the subject has another value than is wanted";
}

const char *
lint_check_wanted_subject(const struct lint_facts *f)
{
	struct wanted_subject w = wanted_of(f->want);
	struct span rdns = f->subject.content, oid;
	struct der value;
	const char *at;

	if (f->want->kind == LINT_LEAF &&
	    f->want->profile->subject == SUBJECT_CSR)
		return span_eq(f->subject.whole, f->want->csr_subject)
			   ? NULL
			   : "the subject is not the CSR's, byte for byte";
	/* A leaf's name that is too long for the text stands alone. */
	if (f->want->kind == LINT_LEAF && !f->want->profile->is_ca &&
	    !text_has_room(&w))
		want_first_dns(f->want, &w);
	at = w.text + strspn(w.text, " ");
	while (take_attribute(&rdns, &oid, &value)) {
		const char *wrong;

		if (*at == '\0')
			return "an attribute of the subject is one too many";
		wrong = check_attribute(&w, &at, oid, &value);
		if (wrong != NULL)
			return wrong;
		at += *at == ',';
	}
	return *at == '\0' ? NULL : "the subject lacks an attribute";
}
