/* SPDX-License-Identifier: Apache-2.0 */
/* The types of names, and name_check: the one spelling of each. Scope and order
 * are for transfer/x509/name. */
#include "transfer/x509/name_form.h"

#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_jid.h"
#include "transfer/x509/name_spell.h"

#define LABEL_BYTES_MAX 63   /* RFC 1035 2.3.4 */
#define DOMAIN_BYTES_MAX 253 /* the same, in text without the root's dot */
#define SERVICE_MAX 15	     /* RFC 6335 5.1 */
#define EMAIL_LOCAL_MAX 64   /* RFC 5321 4.5.3.1.1 */
#define EMAIL_MAX 254
#define URI_MAX 2048
#define SHOWN_MAX \
	200 /* bytes of a name in a sentence, so that the rest fits \
	     */

static enum rc
name_form_refuse(
    const char *from, const struct name *name, enum rule rule, const char *what)
{
	WIPED(buf) shown = { 0 };
	const bool cut = name->text.n > SHOWN_MAX;
	enum rc rc = RC_OK;

	/* A sentence ends at a NUL; what is behind it is what deceives. */
	for (size_t i = 0; i < name->text.n && i < SHOWN_MAX && rc == RC_OK;
	     i++)
		rc = name->text.p[i] == '\0'
			 ? buf_add_str(&shown, "<NUL>")
			 : buf_add_byte(&shown, name->text.p[i]);
	if (rc != RC_OK)
		return rc;
	return rule_refuse(rule, "%s: name %s:%.*s%s: %s", from,
	    name_type_text(name->type), SPAN_FMT(buf_span(&shown)),
	    cut ? "..." : "", what);
}

static bool
name_form_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
name_form_is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
name_form_is_alnum(uint8_t c)
{
	return name_form_is_digit(c) || name_form_is_lower(c) ||
	       (c >= 'A' && c <= 'Z');
}

/* ---- domains ------------------------------------------------------------- */

/* What keeps a byte out of a label of letters, digits and hyphens. */
static const char *
label_byte_fault(uint8_t c)
{
	if (name_form_is_lower(c) || name_form_is_digit(c) || c == '-')
		return NULL;
	if (c >= 'A' && c <= 'Z')
		return "an upper-case letter; wanted lower case";
	if (c >= 0x80)
		return "not ASCII; wanted A-labels (xn--)";
	if (c == '_')
		return "an underscore, which no host name has";
	return "a character that no host name has";
}

static const char *
label_fault(struct span label)
{
	const char *what;

	if (label.n == 0)
		return "an empty label";
	if (label.n > LABEL_BYTES_MAX)
		return "a label of over 63 bytes";
	for (size_t i = 0; i < label.n; i++) {
		what = label_byte_fault(label.p[i]);
		if (what != NULL)
			return what;
	}
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return "a hyphen at an end of a label";
	/* RFC 5890 2.3.1: such labels are reserved, but for A-labels */
	if (label.n >= 4 && memcmp(label.p + 2, "--", 2) == 0 &&
	    memcmp(label.p, "xn", 2) != 0)
		return "hyphens in the third and fourth place of a label";
	return NULL;
}

static bool
is_all_digits(struct span label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!name_form_is_digit(label.p[i]))
			return false;
	return true;
}

static const char *
domain_fault(struct span domain)
{
	struct span rest = domain, label = SPAN_NONE, dot;
	const char *what;

	if (domain.n == 0)
		return "no domain";
	if (domain.n > DOMAIN_BYTES_MAX)
		return "a domain of over 253 bytes";
	if (domain.p[domain.n - 1] == '.')
		return "a trailing dot";
	for (;;) {
		size_t n = 0;

		while (n < rest.n && rest.p[n] != '.')
			n++;
		(void)span_take(&rest, n, &label);
		what = label_fault(label);
		if (what != NULL)
			return what;
		if (!span_take(&rest, 1, &dot))
			break;
	}
	/* "192.0.2.1" would be read as an address (WHATWG URL, RFC 1123 2.1) */
	if (is_all_digits(label))
		return "a last label of digits only";
	if (!domain_alabels_hold(domain))
		return "an A-label (xn--) that stands for nothing";
	return NULL;
}

static enum rc
name_form_check_domain(
    const char *from, const struct name *name, struct span domain)
{
	const char *what;

	if (domain.n != 0 && memchr(domain.p, '*', domain.n) != NULL)
		return name_form_refuse(from, name, RULE_NAME_WILDCARD,
		    "a wildcard is allowed as the whole left-most label of a dns name only");
	what = domain_fault(domain);
	return what == NULL
		   ? RC_OK
		   : name_form_refuse(from, name, RULE_NAME_FORM, what);
}

/* ---- each type ----------------------------------------------------------- */

static enum rc
check_dns(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	return name_form_check_domain(from, name, parts->domain);
}

/* RFC 6335 5.1: letters, digits, hyphens, at least one letter, no hyphen at an
 * end or beside another. In lower case, as names are compared blindly. */
static const char *
service_fault(struct span service)
{
	bool letter = false;

	if (service.n == 0 || service.n > SERVICE_MAX)
		return "a service of no or over 15 characters";
	for (size_t i = 0; i < service.n; i++) {
		uint8_t c = service.p[i];

		if (!name_form_is_lower(c) && !name_form_is_digit(c) &&
		    c != '-')
			return "a service with a character that is no lower-case letter, digit or hyphen";
		if (c == '-' &&
		    (i == 0 || i + 1 == service.n || service.p[i - 1] == '-'))
			return "a service with a hyphen at an end or beside another";
		letter = letter || name_form_is_lower(c);
	}
	return letter ? NULL : "a service without a letter";
}

static enum rc
check_srv(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	struct span service = parts->head, mark;
	const char *what;

	/* RFC 4985 section 2: _Service.Name, and no protocol label. */
	if (!span_take(&service, 1, &mark) || mark.p[0] != '_')
		return name_form_refuse(
		    from, name, RULE_NAME_FORM, "wanted _service.domain");
	service.n--; /* the dot */
	what = service_fault(service);
	if (what == NULL && parts->domain.n != 0 && parts->domain.p[0] == '_')
		what =
		    "a protocol label such as _tcp has no place in an SRV name";
	if (what != NULL)
		return name_form_refuse(from, name, RULE_NAME_FORM, what);
	return name_form_check_domain(from, name, parts->domain);
}

static enum rc
check_ip(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	const char *what = ip_fault(parts->tail);

	return what == NULL
		   ? RC_OK
		   : name_form_refuse(from, name, RULE_NAME_FORM, what);
}

/* A dot-atom of RFC 5322 3.2.3, which needs no quotes anywhere. */
static const char *
email_local_fault(struct span local)
{
	if (local.n == 0 || local.n > EMAIL_LOCAL_MAX)
		return "a local part of no or over 64 bytes";
	for (size_t i = 0; i < local.n; i++) {
		uint8_t c = local.p[i];

		if (c == '.' && i != 0 && i + 1 != local.n &&
		    local.p[i - 1] != '.')
			continue;
		if (!name_form_is_alnum(c) &&
		    (c == 0 || !strchr("!#$%&'*+-/=?^_`{|}~", c)))
			return "a local part that is no dot-atom (RFC 5322 3.2.3)";
	}
	return NULL;
}

static enum rc
check_email(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	struct span local = parts->head;
	const char *what;

	local.n--; /* the '@' */
	what = email_local_fault(local);
	if (name->text.n > EMAIL_MAX)
		what = "an address of over 254 bytes";
	if (what != NULL)
		return name_form_refuse(from, name, RULE_NAME_FORM, what);
	return name_form_check_domain(from, name, parts->domain);
}

static const char *
scheme_fault(struct span scheme)
{
	for (size_t i = 0; i < scheme.n; i++) {
		uint8_t c = scheme.p[i];

		if (!name_form_is_lower(c) &&
		    (i == 0 || (!name_form_is_digit(c) && c != '+' &&
				   c != '-' && c != '.')))
			return "a scheme that is not in lower case or not well formed";
	}
	return scheme.n == 0 ? "no scheme" : NULL;
}

static bool
is_hex_digit(uint8_t c)
{
	return name_form_is_digit(c) || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* Path and query: pchar, '/' and '?' of RFC 3986 3.3 and 3.4. */
static const char *
uri_path_fault(struct span path)
{
	for (size_t i = 0; i < path.n; i++) {
		uint8_t c = path.p[i];

		if (c == '#')
			return "a fragment, which has no place here";
		if (c == '%') {
			if (i + 2 >= path.n || !is_hex_digit(path.p[i + 1]) ||
			    !is_hex_digit(path.p[i + 2]))
				return "a '%' without two hex digits";
			i += 2;
			continue;
		}
		if (!name_form_is_alnum(c) &&
		    (c == 0 || !strchr("-._~!$&'()*+,;=:@/?", c)))
			return "a character that no URI has";
	}
	return NULL;
}

static const char *
uri_tail_fault(struct span tail)
{
	struct span colon, digit;
	unsigned port = 0, digits = 0;

	if (tail.n != 0 && tail.p[0] == ':') {
		(void)span_take(&tail, 1, &colon);
		while (tail.n != 0 && name_form_is_digit(tail.p[0]) &&
		       digits < 6) {
			(void)span_take(&tail, 1, &digit);
			port = 10 * port + (unsigned)(digit.p[0] - '0');
			if (digits++ == 0 && port == 0)
				return "a port that begins with 0";
		}
		if (digits == 0 || port > 65535 ||
		    (tail.n != 0 && strchr("/?#", tail.p[0]) == NULL))
			return "a port that is no number from 1 to 65535, or a user";
	}
	return uri_path_fault(tail);
}

static enum rc
check_uri(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	struct span scheme = parts->head;
	const char *what;

	scheme.n -= 3; /* "://" */
	what = scheme_fault(scheme);
	if (name->text.n > URI_MAX)
		what = "a URI of over 2048 bytes";
	else if (what == NULL && parts->domain.n != 0 &&
		 memchr(parts->domain.p, '@', parts->domain.n) != NULL)
		what = "a user, which has no place here";
	else if (what == NULL)
		what = uri_tail_fault(parts->tail);
	if (what != NULL)
		return name_form_refuse(from, name, RULE_NAME_FORM, what);
	return name_form_check_domain(from, name, parts->domain);
}

static enum rc
check_xmpp(
    const char *from, const struct name *name, const struct name_parts *parts)
{
	WIPED(buf) ascii = { 0 };
	struct span local = parts->head;
	const char *what;

	local.n--; /* the '@' */
	what = jid_local_fault(local);
	if (what == NULL)
		what = jid_domain_fault(parts->domain, &ascii);
	if (what != NULL)
		return name_form_refuse(from, name, RULE_NAME_FORM, what);
	return name_form_check_domain(from, name, buf_span(&ascii));
}

/* ---- the table ----------------------------------------------------------- */

/* clang-format off */
static const struct name_form forms[] = {
	[NAME_DNS] = { .word = "dns", .tag = DER_CONTEXT(2), .host = true,
		.split = split_dns, .spell = spell_host, .check = check_dns },

	/* id-on-dnsSRV (RFC 4985 section 2) */
	[NAME_SRV] = { .word = "srv", .tag = DER_EXPLICIT(0), .host = true,
		.other_oid = { 0x2b, 6, 1, 5, 5, 7, 8, 7 }, .other_n = 8,
		.other_tag = DER_IA5_STRING, .other_called = "an SRVName",
		.split = split_dot, .unsplit = "wanted _service.domain",
		.spell = spell_host, .check = check_srv },

	/* id-on-xmppAddr (RFC 6120 13.7.1.4) */
	[NAME_XMPP] = { .word = "xmpp", .tag = DER_EXPLICIT(0),
		.other_oid = { 0x2b, 6, 1, 5, 5, 7, 8, 5 }, .other_n = 8,
		.other_tag = DER_UTF8_STRING, .other_called = "an XmppAddr",
		.split = split_at, .unsplit = "wanted localpart@domain",
		.spell = spell_xmpp, .check = check_xmpp },

	[NAME_IP] = { .word = "ip", .tag = DER_CONTEXT(7),
		.spell = spell_address, .check = check_ip,
		.into_der = ip_into_der, .out_of_der = ip_out_of_der },

	[NAME_EMAIL] = { .word = "email", .tag = DER_CONTEXT(1),
		.split = split_at, .unsplit = "wanted local@domain",
		.spell = spell_email, .check = check_email },

	[NAME_URI] = { .word = "uri", .tag = DER_CONTEXT(6),
		.split = split_uri, .unsplit = "wanted scheme://host/path",
		.spell = spell_host, .check = check_uri },
};
/* clang-format on */
_Static_assert(sizeof(forms) / sizeof(forms[0]) == NAME_TYPES,
    "each type of name has its row");

const struct name_form *
name_form_get0(enum name_type type)
{
	return type < NAME_TYPES ? &forms[type] : NULL;
}

const char *
name_type_text(enum name_type type)
{
	return type < NAME_TYPES ? forms[type].word : "?";
}

bool
name_type_read(struct span text, enum name_type *ret_type)
{
	for (unsigned i = 0; i < NAME_TYPES; i++) {
		if (span_eq_str(text, forms[i].word)) {
			*ret_type = (enum name_type)i;
			return true;
		}
	}
	return false;
}

static const char *
form_word(const void *table, unsigned i)
{
	(void)table;
	return i < NAME_TYPES ? forms[i].word : NULL;
}

void
name_types_list(const char *tail, char ret[static CHOICE_TEXT])
{
	choice_write(form_word, NULL, tail, ret);
}

bool
name_type_is_host(enum name_type type)
{
	return type < NAME_TYPES && forms[type].host;
}

bool
name_split(enum name_type type, struct span text, struct name_parts *ret)
{
	const struct name_form *form = name_form_get0(type);

	if (form != NULL && form->split != NULL)
		return form->split(text, ret);
	*ret = (struct name_parts){ SPAN_NONE, SPAN_NONE, text };
	return true;
}

enum rc
name_check(const char *from, const struct name *name)
{
	const struct name_form *form = name_form_get0(name->type);
	struct name_parts parts;

	if (form == NULL)
		return rule_refuse(
		    RULE_NAME_TYPE, "%s: a name of no known type", from);
	if (!name_split(name->type, name->text, &parts))
		return name_form_refuse(
		    from, name, RULE_NAME_FORM, form->unsplit);
	return form->check(from, name, &parts);
}
