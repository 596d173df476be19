/* SPDX-License-Identifier: Apache-2.0 */
/* subjectAltName from names and back (RFC 5280 4.2.1.6), by the table of
 * transfer/x509/name_form. Whether a name is well formed is not asked here. */
#include "transfer/x509/name_san.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_form.h"

/* ---- out ----------------------------------------------------------------- */

/* OtherName ::= SEQUENCE { type-id, value [0] EXPLICIT ANY } */
static enum rc
put_other(struct buf *out, const struct name_form *form, struct span text)
{
	WIPED(buf) value = { 0 };
	WIPED(buf) body = { 0 };
	enum rc rc = der_put(&value, form->other_tag, text);

	if (rc == RC_OK)
		rc = der_put(
		    &body, DER_OID, span_of(form->other_oid, form->other_n));
	if (rc == RC_OK)
		rc = der_put(&body, DER_EXPLICIT(0), buf_span(&value));
	return rc != RC_OK ? rc : der_put(out, form->tag, buf_span(&body));
}

static enum rc
put_name(struct buf *out, const struct name *name)
{
	const struct name_form *form = name_form_get0(name->type);
	struct ip_octets octets;
	enum rc rc;

	if (form->other_n != 0)
		return put_other(out, form, name->text);
	if (form->into_der == NULL)
		return der_put(out, form->tag, name->text);
	rc = form->into_der(name->text, &octets);
	return rc != RC_OK
		   ? rc
		   : der_put(out, form->tag, span_of(octets.p, octets.n));
}

enum rc
names_to_san_der(const struct name *names, size_t n, struct buf *out)
{
	WIPED(buf) body = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = name_check("subjectAltName", &names[i]);
		if (rc == RC_OK)
			rc = put_name(&body, &names[i]);
	}
	return rc != RC_OK ? rc : der_put(out, DER_SEQUENCE, buf_span(&body));
}

enum rc
names_to_san(const struct name *names, size_t n, GENERAL_NAMES **ret)
{
	WIPED(buf) der = { 0 };
	const uint8_t *p;
	enum rc rc = names_to_san_der(names, n, &der);

	if (rc != RC_OK)
		return rc;
	p = der.p;
	*ret = d2i_GENERAL_NAMES(NULL, &p, (long)der.n);
	return *ret != NULL ? RC_OK : err_openssl(RC_BUG, "subjectAltName");
}

/* ---- in ------------------------------------------------------------------ */

static const struct name_form *
form_of_other(struct span oid, enum name_type *ret_type)
{
	for (unsigned i = 0; i < NAME_TYPES; i++) {
		const struct name_form *form = name_form_get0(i);

		if (form->other_n != 0 &&
		    span_eq(oid, span_of(form->other_oid, form->other_n))) {
			*ret_type = (enum name_type)i;
			return form;
		}
	}
	return NULL;
}

static const char *
other_word(const void *table, unsigned i)
{
	(void)table;
	for (unsigned t = 0; t < NAME_TYPES; t++) {
		const struct name_form *form = name_form_get0(t);

		if (form->other_n != 0 && i-- == 0)
			return form->other_called;
	}
	return NULL;
}

static enum rc
add_other(const char *from, struct span body, struct name_list *list)
{
	char shown[DER_OID_TEXT], wanted[CHOICE_TEXT];
	const struct name_form *form;
	struct span oid, wrapped, text;
	enum name_type type;

	if (!der_take(&body, DER_OID, &oid) ||
	    !der_take(&body, DER_EXPLICIT(0), &wrapped) || body.n != 0)
		return rule_refuse(
		    RULE_NAME_FORM, "%s: an otherName of no known form", from);
	form = form_of_other(oid, &type);
	if (form == NULL) {
		der_oid_text(oid, shown);
		choice_write(other_word, NULL, "", wanted);
		return rule_refuse(RULE_NAME_TYPE,
		    "%s: an otherName of type %s; wanted %s", from, shown,
		    wanted);
	}
	if (!der_take(&wrapped, form->other_tag, &text) || wrapped.n != 0)
		return rule_refuse(RULE_NAME_TYPE, "%s: %s that is no %s", from,
		    form->other_called,
		    form->other_tag == DER_IA5_STRING ? "IA5String"
						      : "UTF8String");
	return name_list_add(list, type, text);
}

static enum rc
add_octets(const char *from, enum name_type type, struct span octets,
    struct name_list *list)
{
	const struct name_form *form = name_form_get0(type);
	char text[IP_TEXT];
	enum rc rc;

	if (form->out_of_der == NULL)
		return name_list_add(list, type, octets);
	rc = form->out_of_der(from, octets, text);
	return rc != RC_OK ? rc : name_list_add(list, type, span_str(text));
}

static enum rc
add_general_name(
    const char *from, const struct der *name, struct name_list *list)
{
	char wanted[CHOICE_TEXT];

	if (name->tag == DER_EXPLICIT(0))
		return add_other(from, name->content, list);
	for (unsigned i = 0; i < NAME_TYPES; i++)
		if (name->tag == name_form_get0(i)->tag)
			return add_octets(
			    from, (enum name_type)i, name->content, list);
	name_types_list("", wanted);
	return rule_refuse(RULE_NAME_TYPE,
	    "%s: a subjectAltName of form [%u]; wanted %s", from,
	    name->tag & 0x1f, wanted);
}

enum rc
names_of_san_der(const char *from, struct span san, struct name_list *ret)
{
	WIPED(name_list) list = { 0 };
	struct span body;
	struct der name;
	enum rc rc;

	if (!der_take(&san, DER_SEQUENCE, &body) || san.n != 0 || body.n == 0)
		return rule_refuse(RULE_NAME_FORM,
		    "%s: a subjectAltName that is empty or no SEQUENCE", from);
	while (body.n != 0) {
		if (!der_next(&body, &name))
			return rule_refuse(RULE_NAME_FORM,
			    "%s: a subjectAltName that is not DER", from);
		if (list.n == NAMES_MAX)
			return rule_refuse(RULE_NAMES_COUNT,
			    "%s: over %d names", from, NAMES_MAX);
		rc = add_general_name(from, &name, &list);
		if (rc != RC_OK)
			return rc;
	}
	*ret = list;
	list = (struct name_list){ 0 };
	return RC_OK;
}

enum rc
names_of_san(const char *from, const GENERAL_NAMES *san, struct name_list *ret)
{
	WIPED(name_list) list = { 0 };
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_GENERAL_NAMES(san, &der);
	enum rc rc;

	if (n < 0)
		return err_openssl(RC_FORMAT, "%s: subjectAltName", from);
	rc = names_of_san_der(from, span_of(der, (size_t)n), &list);
	for (size_t i = 0; i < list.n && rc == RC_OK; i++)
		rc = name_check(from, &list.items[i]);
	if (rc != RC_OK)
		return rc;
	*ret = list;
	list = (struct name_list){ 0 };
	return RC_OK;
}
