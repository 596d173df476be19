/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names from text. A name out of a request is put in with every
 * byte escaped: a comma in it must not begin another attribute. */
#include "transfer/policy/subject.h"

#include "base/own_ssl.h"
#include "transfer/policy/config.h"
#include "transfer/rule.h"

#include <openssl/asn1err.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <unistr.h>

/* One attribute of the text, taken apart. */
struct attribute {
	struct buf type, value;
};

static void
attribute_wipe(struct attribute *a)
{
	buf_wipe(&a->type);
	buf_wipe(&a->value);
}

static void
trim_end(struct buf *b, size_t keep)
{
	while (b->n > keep && b->p[b->n - 1] == ' ')
		b->n--;
}

/* Up to the '=': letters, digits, dots. */
static enum rc
subject_take_type(const char **at, struct buf *ret)
{
	size_t n;
	enum rc rc;

	*at += strspn(*at, " ");
	n = strcspn(*at, "=,\\");
	if ((*at)[n] != '=')
		return err_set(RC_USAGE, "no '=' after \"%s\"", *at);
	rc = buf_add(ret, *at, n);
	if (rc != RC_OK)
		return rc;
	trim_end(ret, 0);
	*at += n + 1;
	*at += strspn(*at, " ");
	return RC_OK;
}

/* Up to a comma that no backslash precedes, or the end. */
static enum rc
subject_take_value(const char **at, struct buf *ret)
{
	const char *p = *at;
	size_t keep = 0; /* a space that was escaped stays */
	enum rc rc;

	for (; *p != '\0' && *p != ','; p++) {
		bool escaped = *p == '\\';

		if (escaped && *++p == '\0')
			return err_set(RC_USAGE, "ends in a backslash");
		rc = buf_add_byte(ret, (uint8_t)*p);
		if (rc != RC_OK)
			return rc;
		if (escaped)
			keep = ret->n;
	}
	trim_end(ret, keep);
	*at = p;
	return RC_OK;
}

/* A name is what people see. What is no UTF-8 is left for OpenSSL to refuse. */
static enum rc
check_shown(const char *type, struct span value)
{
	ucs4_t c;

	for (size_t at = 0; at < value.n;) {
		at += (size_t)u8_mbtouc(&c, value.p + at, value.n - at);
		if (c == '\t' || config_is_hidden(c))
			return err_set(RC_USAGE,
			    "%s has the control character U+%04X", type, c);
	}
	return RC_OK;
}

/* MBSTRING_UTF8 with OpenSSL's own table: it chooses the string type and
 * holds the attribute to its length (upper bounds of RFC 5280 appendix A). */
static enum rc
add_attribute(X509_NAME *name, struct attribute *a, bool *ret_too_long)
{
	OWN(ASN1_OBJECT) *type = NULL;
	const char *text = buf_cstr(&a->type);
	enum rc rc;

	if (text == NULL)
		return err_memory();
	type = OBJ_txt2obj(text, 0);
	if (type == NULL)
		return err_openssl(RC_USAGE, "\"%s\": no such attribute", text);
	if (a->value.n == 0)
		return err_set(RC_USAGE, "%s has no value", text);
	rc = check_shown(text, buf_span(&a->value));
	if (rc != RC_OK)
		return rc;
	if (X509_NAME_add_entry_by_OBJ(name, type, MBSTRING_UTF8, a->value.p,
		(int)a->value.n, -1, 0) != 1) {
		*ret_too_long = ERR_GET_REASON(ERR_peek_last_error()) ==
				ASN1_R_STRING_TOO_LONG;
		return err_openssl(
		    RC_USAGE, "%s=%.*s", text, SPAN_FMT(buf_span(&a->value)));
	}
	return RC_OK;
}

/* *ret_too_long: it is of this form, but a value has no room in its attribute.
 */
static enum rc
subject_read_fit(const char *text, bool *ret_too_long, X509_NAME **ret)
{
	OWN(X509_NAME) *name = X509_NAME_new();
	const char *at = text + strspn(text, " ");
	enum rc rc;

	if (name == NULL)
		return err_memory();
	while (*at != '\0') {
		WIPED(attribute) a = { 0 };

		rc = subject_take_type(&at, &a.type);
		if (rc == RC_OK)
			rc = subject_take_value(&at, &a.value);
		if (rc == RC_OK)
			rc = add_attribute(name, &a, ret_too_long);
		if (rc != RC_OK)
			return err_in(rc, "subject \"%s\"", text);
		if (*at == ',' && *++at == '\0')
			return err_set(
			    RC_USAGE, "subject \"%s\": ends in a comma", text);
	}
	*ret = MOVE(name);
	return RC_OK;
}

enum rc
subject_read(const char *text, X509_NAME **ret)
{
	bool too_long = false;

	return subject_read_fit(text, &too_long, ret);
}

/* What stands for itself in subject_read: the rest of ASCII is escaped. */
static bool
subject_is_plain(uint8_t c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       c == '.' || c == '-' || c == '_' || c == '@';
}

/* What a name puts into the text must not become syntax there. */
static enum rc
add_escaped(struct buf *out, struct span text)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < text.n && rc == RC_OK; i++) {
		if (!subject_is_plain(text.p[i]))
			rc = buf_add_byte(out, '\\');
		if (rc == RC_OK)
			rc = buf_add_byte(out, text.p[i]);
	}
	return rc;
}

static enum rc
expand(const struct profile *profile, const struct name *first, struct buf *out)
{
	enum rc rc = RC_OK;

	for (const char *p = profile->subject_text;
	     *p != '\0' && rc == RC_OK;) {
		size_t plain = strcspn(p, "%");

		rc = buf_add(out, p, plain);
		p += plain;
		if (rc != RC_OK || *p == '\0')
			continue;
		if (strncmp(p, "%%", 2) == 0) {
			rc = buf_add_byte(out, '%');
			p += 2;
		} else if (first == NULL) {
			return rule_refuse(RULE_SUBJECT,
			    "the subject \"%s\" of profile %s needs a name",
			    profile->subject_text, profile->name);
		} else if (strncmp(p, "%{name}", 7) == 0) {
			rc = add_escaped(out, first->text);
			p += 7;
		} else if (strncmp(p, "%{domain}", 9) == 0) {
			rc = add_escaped(out, name_domain(first));
			p += 9;
		} else {
			return rule_refuse(RULE_SUBJECT,
			    "subject \"%s\" of profile %s: unknown %.9s",
			    profile->subject_text, profile->name, p);
		}
	}
	return rc;
}

static enum rc
subject_of_text(const struct profile *profile, const struct name *first,
    bool *ret_too_long, X509_NAME **ret)
{
	WIPED(buf) text = { 0 };
	const char *expanded;
	enum rc rc;

	*ret_too_long = false;
	rc = expand(profile, first, &text);
	if (rc != RC_OK)
		return rc;
	expanded = buf_cstr(&text);
	if (expanded == NULL)
		return err_memory();
	rc = subject_read_fit(expanded, ret_too_long, ret);
	if (rc == RC_USAGE)
		return rule_refuse(
		    RULE_SUBJECT, "profile %s: %s", profile->name, err_text());
	return rc;
}

/* Characters of UTF-8 that was checked: bytes that do not continue another. */
static size_t
characters(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += (text.p[i] & 0xc0) != 0x80;
	return n;
}

/* A CN that is no host's name is taken for one all the same by OpenSSL and
 * GnuTLS, where there is no dNSName, and so refused under name constraints. */
static const struct name *
first_host(const struct name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].type == NAME_DNS)
			return &names[i];
	return NULL;
}

static enum rc
subject_of_first_host(const struct name *names, size_t n, X509_NAME **ret)
{
	OWN(X509_NAME) *name = X509_NAME_new();
	const struct name *host = first_host(names, n);

	if (name == NULL)
		return err_memory();
	if (host != NULL && characters(host->text) <= SUBJECT_CN_MAX &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		host->text.p, (int)host->text.n, -1, 0) != 1)
		return err_openssl(
		    RC_BUG, "subject CN=%.*s", SPAN_FMT(host->text));
	*ret = MOVE(name);
	return RC_OK;
}

/* Is it the name that is too long, and not the text around it? */
static bool
fits_a_short_name(const struct profile *profile)
{
	const struct name sample = { NAME_DNS, span_str("a.b") };
	OWN(X509_NAME) *subject = NULL;
	struct err_saved said;
	bool too_long, fits;

	err_save(&said);
	fits = subject_of_text(profile, &sample, &too_long, &subject) == RC_OK;
	err_restore(&said);
	return fits;
}

/* OpenSSL keeps the bytes that it read, and writes them again. */
static enum rc
subject_of_csr(struct span asked, X509_NAME **ret)
{
	const uint8_t *p = asked.p;
	X509_NAME *name;
	enum rc rc = subject_csr_check(asked);

	if (rc != RC_OK)
		return rc;
	name = d2i_X509_NAME(NULL, &p, (long)asked.n);
	if (name == NULL)
		return err_openssl(RC_BUG, "the CSR's subject");
	*ret = name;
	return RC_OK;
}

enum rc
subject_of(const struct profile *profile, struct span asked,
    const struct name *names, size_t n, X509_NAME **ret)
{
	bool too_long;
	enum rc rc;

	if (profile->subject == SUBJECT_CSR)
		return subject_of_csr(asked, ret);
	if (profile->subject == SUBJECT_FIRST_NAME)
		return subject_of_first_host(names, n, ret);
	if (profile->subject != SUBJECT_TEXT)
		return subject_of_first_host(NULL, 0, ret); /* empty */
	rc = subject_of_text(profile, n == 0 ? NULL : names, &too_long, ret);
	/* An onion domain has 62 characters and no other way to be certified;
	 * a CA below this one wants its subject. */
	if (rc == RC_POLICY && too_long && n != 0 && !profile->is_ca &&
	    fits_a_short_name(profile)) {
		err_clear();
		return subject_of_first_host(names, n, ret);
	}
	return rc;
}

/* With flags that escape control bytes; the printer at the terminal escapes
 * once more. */
enum rc
subject_print(const X509_NAME *subject, struct buf *out)
{
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (bio == NULL)
		return err_memory();
	if (X509_NAME_print_ex(bio, subject, 0,
		XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_2253 |
		    ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT) < 0)
		return err_openssl(RC_BUG, "a subject cannot be shown");
	n = BIO_get_mem_data(bio, &text);
	return buf_add(out, text, (size_t)n);
}

enum rc
subject_write(const X509_NAME *subject, struct buf *out)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_X509_NAME(subject, &der);

	if (n < 0)
		return err_openssl(RC_BUG, "subject cannot be encoded");
	return buf_add(out, der, (size_t)n);
}
