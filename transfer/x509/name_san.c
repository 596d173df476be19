/* SPDX-License-Identifier: Apache-2.0 */
/** subjectAltName from names and back (RFC 5280 4.2.1.6). */
#include "transfer/x509/name_san.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"

#include <arpa/inet.h>
#include <openssl/err.h>

/* id-on-dnsSRV (RFC 4985) and id-on-xmppAddr (RFC 6120 13.7.1.4) */
static const uint8_t oid_srv[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08,
	0x07 };
static const uint8_t oid_xmpp[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08,
	0x05 };

/* The forms of GeneralName that we read. */
static const struct {
	uint8_t tag;
	enum name_type type;
} forms[] = {
	{ DER_CONTEXT(1), NAME_EMAIL },
	{ DER_CONTEXT(2), NAME_DNS },
	{ DER_CONTEXT(6), NAME_URI },
};

/* ---- out ----------------------------------------------------------------- */

static enum rc
ip_to_bytes(struct span text, uint8_t ret[static 16], size_t *ret_n)
{
	char cstr[INET6_ADDRSTRLEN] = "";

	if (text.n != 0 && text.n < sizeof(cstr))
		memcpy(cstr, text.p, text.n);
	*ret_n = strchr(cstr, ':') != NULL ? 16 : 4;
	if (inet_pton(*ret_n == 16 ? AF_INET6 : AF_INET, cstr, ret) != 1)
		return err_set(
		    RC_BUG, "name ip:%.*s was not checked", SPAN_FMT(text));
	return RC_OK;
}

static enum rc
put_other(struct buf *out, struct span oid, uint8_t tag, struct span text)
{
	WIPED(buf) value = { 0 };
	WIPED(buf) body = { 0 };
	enum rc rc = der_put(&value, tag, text);

	if (rc == RC_OK)
		rc = der_put(&body, DER_OID, oid);
	if (rc == RC_OK)
		rc = der_put(&body, DER_EXPLICIT(0), buf_span(&value));
	return rc != RC_OK ? rc
			   : der_put(out, DER_EXPLICIT(0), buf_span(&body));
}

static enum rc
put_name(struct buf *out, const struct name *name)
{
	uint8_t ip[16];
	size_t n;
	enum rc rc;

	switch (name->type) {
	case NAME_SRV:
		return put_other(out, span_of(oid_srv, sizeof(oid_srv)),
		    DER_IA5_STRING, name->text);
	case NAME_XMPP:
		return put_other(out, span_of(oid_xmpp, sizeof(oid_xmpp)),
		    DER_UTF8_STRING, name->text);
	case NAME_IP:
		rc = ip_to_bytes(name->text, ip, &n);
		return rc != RC_OK
			   ? rc
			   : der_put(out, DER_CONTEXT(7), span_of(ip, n));
	case NAME_EMAIL:
		return der_put(out, DER_CONTEXT(1), name->text);
	case NAME_DNS:
		return der_put(out, DER_CONTEXT(2), name->text);
	case NAME_URI:
		return der_put(out, DER_CONTEXT(6), name->text);
	case NAME_TYPES:
	default:
		return err_set(RC_BUG, "a name of type %d", (int)name->type);
	}
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

/* RFC 5280 4.2.1.6: 4 or 16 octets; 8 or 32 are ranges, which only name
 * constraints have. */
static enum rc
name_san_add_ip(const char *from, struct span bytes, struct name_list *list)
{
	char text[INET6_ADDRSTRLEN];

	if ((bytes.n != 4 && bytes.n != 16) ||
	    inet_ntop(bytes.n == 4 ? AF_INET : AF_INET6, bytes.p, text,
		sizeof(text)) == NULL)
		return rule_refuse(RULE_NAME_FORM,
		    "%s: an iPAddress of %zu bytes; wanted 4 or 16", from,
		    bytes.n);
	return name_list_add(list, NAME_IP, span_str(text));
}

/* OtherName ::= SEQUENCE { type-id, value [0] EXPLICIT ANY } */
static enum rc
add_other(const char *from, struct span body, struct name_list *list)
{
	struct span oid, wrapped, text;
	char shown[DER_OID_TEXT];
	bool srv;

	if (!der_take(&body, DER_OID, &oid) ||
	    !der_take(&body, DER_EXPLICIT(0), &wrapped) || body.n != 0)
		return rule_refuse(
		    RULE_NAME_FORM, "%s: an otherName of no known form", from);
	srv = span_eq(oid, span_of(oid_srv, sizeof(oid_srv)));
	if (!srv && !span_eq(oid, span_of(oid_xmpp, sizeof(oid_xmpp)))) {
		der_oid_text(oid, shown);
		return rule_refuse(RULE_NAME_TYPE,
		    "%s: an otherName of type %s; wanted an SRVName or an "
		    "XmppAddr",
		    from, shown);
	}
	if (!der_take(
		&wrapped, srv ? DER_IA5_STRING : DER_UTF8_STRING, &text) ||
	    wrapped.n != 0)
		return rule_refuse(RULE_NAME_TYPE, "%s: %s", from,
		    srv ? "an SRVName that is no IA5String"
			: "an XmppAddr that is no UTF8String");
	return name_list_add(list, srv ? NAME_SRV : NAME_XMPP, text);
}

static enum rc
add_general_name(
    const char *from, const struct der *name, struct name_list *list)
{
	if (name->tag == DER_EXPLICIT(0))
		return add_other(from, name->content, list);
	if (name->tag == DER_CONTEXT(7))
		return name_san_add_ip(from, name->content, list);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (name->tag == forms[i].tag)
			return name_list_add(
			    list, forms[i].type, name->content);
	return rule_refuse(RULE_NAME_TYPE,
	    "%s: a subjectAltName of form [%u]; wanted DNS, SRV, XMPP, IP, "
	    "email or URI",
	    from, name->tag & 0x1f);
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
