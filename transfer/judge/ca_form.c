/* SPDX-License-Identifier: Apache-2.0 */
/* A CA certificate is believed by its words for many years, and everything that
 * peers refuse in it they refuse in each certificate below. So it is held to
 * RFC 5280 clause by clause before it is pinned. Where a CA that other software
 * made may differ, OpenSSL, GnuTLS, NSS and Go all take what it says. Nothing
 * here is OpenSSL's: its reader takes what has two meanings, and peers need not
 * take the same one. */
#include "transfer/judge/ca_form.h"

#include "base/clock.h"
#include "transfer/judge/ca_constraints.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/succession.h"

#define CA_FORM_EXTENSIONS 32
#define CA_FORM_SKI_MAX 64 /* octets: what an AKI below has room for */
#define CA_FORM_PATH_LEN_MAX 255

/* Of the named bit list, its first octet (RFC 5280 4.2.1.3). */
#define CA_FORM_DIGITAL_SIGNATURE 0x80
#define CA_FORM_CERT_SIGN 0x04
#define CA_FORM_CRL_SIGN 0x02

/* 2.5.29.N */
enum ca_form_id {
	CA_FORM_SKI = 14,
	CA_FORM_KEY_USAGE = 15,
	CA_FORM_BASIC_CONSTRAINTS = 19,
	CA_FORM_NAME_CONSTRAINTS = 30,
	CA_FORM_AKI = 35,
	CA_FORM_EKU = 37,
};

struct ca_form_extension {
	struct span oid; /* content of the OBJECT IDENTIFIER */
	bool critical, default_written;
	struct span value; /* within the OCTET STRING */
};

/* A certificate while it is gone through. */
struct ca_form_work {
	enum ca_place place;
	struct ca_form form;
	struct ca_form_extension extensions[CA_FORM_EXTENSIONS];
	size_t n_extensions;
};

/* NULL when it is kept, else what is wrong. */
typedef const char *ca_form_check(struct ca_form_work *w);

/* ---- the walk ------------------------------------------------------------ */

static bool
ca_form_take_extension(struct span *in, struct ca_form_extension *ret)
{
	struct ca_form_extension e = { 0 };
	struct span body, yes;

	if (!der_take(in, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &e.oid))
		return false;
	if (der_take(&body, DER_BOOLEAN, &yes)) {
		e.critical = yes.n == 1 && yes.p[0] == 0xff;
		e.default_written = !e.critical;
	}
	if (!der_take(&body, DER_OCTET_STRING, &e.value) || body.n != 0)
		return false;
	*ret = e;
	return true;
}

static const char *
ca_form_take_extensions(struct ca_form_work *w)
{
	struct span in = w->form.parts.extensions, list;

	if (!der_take(&in, DER_SEQUENCE, &list) || list.n == 0)
		return "no extensions (RFC 5280 4.2)";
	while (list.n != 0) {
		if (w->n_extensions == CA_FORM_EXTENSIONS)
			return "more than 32 extensions";
		if (!ca_form_take_extension(
			&list, &w->extensions[w->n_extensions]))
			return "a malformed extension (RFC 5280 4.2)";
		w->n_extensions++;
	}
	return NULL;
}

static const struct ca_form_extension *
ca_form_find(const struct ca_form_work *w, enum ca_form_id id)
{
	const uint8_t oid[] = { 0x55, 0x1d, (uint8_t)id };

	for (size_t i = 0; i < w->n_extensions; i++)
		if (span_eq(w->extensions[i].oid, span_of(oid, sizeof(oid))))
			return &w->extensions[i];
	return NULL;
}

/* ---- RFC 5280 4.1: names and dates --------------------------------------- */

static const char *
ca_form_check_dates(struct ca_form_work *w)
{
	struct span rest = w->form.parts.content, validity;
	struct der skipped;

	for (int i = 0; i < 4; i++)
		if (!der_next(&rest, &skipped))
			return "cut short";
	if (!der_take(&rest, DER_SEQUENCE, &validity) ||
	    !der_take_time(&validity, &w->form.not_before) ||
	    !der_take_time(&validity, &w->form.not_after) || validity.n != 0)
		return "a broken date (RFC 5280 4.1.2.5)";
	return w->form.not_before <= w->form.not_after
		   ? NULL
		   : "it ends before it begins (RFC 5280 4.1.2.5)";
}

static const char *
ca_form_check_subject(struct ca_form_work *w)
{
	const char *wrong = ca_name_fault(w->form.parts.subject);

	if (w->form.parts.subject.n == 2) /* a SEQUENCE of nothing */
		return "an empty subject (RFC 5280 4.1.2.6)";
	return wrong;
}

static const char *
ca_form_check_issuer(struct ca_form_work *w)
{
	const char *wrong = ca_name_fault(w->form.parts.issuer);

	if (w->form.parts.issuer.n == 2)
		return "an empty issuer (RFC 5280 4.1.2.4)";
	w->form.own_issuer =
	    span_eq(w->form.parts.issuer, w->form.parts.subject);
	return wrong;
}

/* ---- RFC 5280 4.2: extensions -------------------------------------------- */

static const char *
ca_form_check_forms(struct ca_form_work *w)
{
	const char *what;
	size_t at;

	for (size_t i = 0; i < w->n_extensions; i++) {
		const struct ca_form_extension *e = &w->extensions[i];

		if (!der_check(e->value, &what, &at))
			return "the value of an extension is not strict DER";
		if (e->default_written)
			return "critical FALSE is written out (X.690 11.5)";
		for (size_t j = 0; j < i; j++)
			if (span_eq(e->oid, w->extensions[j].oid))
				return "an extension stands twice (RFC 5280 4.2)";
	}
	return NULL;
}

/* RFC 5280 4.2: who does not know a critical one refuses the certificate. These
 * three everybody knows, and no other may be critical or need be. */
static const char *
ca_form_check_critical(struct ca_form_work *w)
{
	static const uint8_t known[] = { CA_FORM_KEY_USAGE,
		CA_FORM_BASIC_CONSTRAINTS, CA_FORM_NAME_CONSTRAINTS };

	for (size_t i = 0; i < w->n_extensions; i++) {
		bool is_known = !w->extensions[i].critical;

		for (size_t j = 0; j < sizeof(known); j++)
			is_known = is_known || ca_form_find(w, known[j]) ==
						   &w->extensions[i];
		if (!is_known)
			return "a critical extension besides basicConstraints, keyUsage and nameConstraints (RFC 5280 4.2)";
	}
	return NULL;
}

/* Critical is what RFC 5280 wants and what airgap-ca makes. CAs that openssl ca
 * or easy-rsa made often are not, and no peer minds. */
static const char *
ca_form_check_basic(struct ca_form_work *w)
{
	const struct ca_form_extension *e =
	    ca_form_find(w, CA_FORM_BASIC_CONSTRAINTS);
	struct span in, body, yes, limit;
	const char *none =
	    "no basicConstraints with cA TRUE (RFC 5280 4.2.1.9)";

	if (e == NULL)
		return none;
	if (!e->critical && w->place == CA_CROSS)
		return "its basicConstraints are not critical (RFC 5280 4.2.1.9)";
	in = e->value;
	if (!der_take(&in, DER_SEQUENCE, &body) || in.n != 0 ||
	    !der_take(&body, DER_BOOLEAN, &yes) || yes.p[0] != 0xff)
		return none;
	w->form.basic_critical = e->critical;
	w->form.path_len = -1;
	if (body.n == 0)
		return NULL;
	if (!der_take_unsigned(&body, &limit) || body.n != 0 || limit.n > 1)
		return "its pathLenConstraint is no number of 0 to 255 (RFC 5280 4.2.1.9)";
	w->form.path_len = limit.n == 0 ? 0 : limit.p[0];
	return NULL;
}

/* Bits of the first octet, and whether there are more; false when it is no
 * named bit list in DER, which has no zero bits at its end (X.690 11.2.2). */
static bool
ca_form_read_usage(struct span in, uint8_t *ret_usage, bool *ret_more)
{
	struct span c;

	if (!der_take(&in, DER_BIT_STRING, &c) || in.n != 0 || c.n < 2 ||
	    c.n > 3 || (c.p[c.n - 1] >> c.p[0] & 1) == 0)
		return false;
	*ret_usage = c.p[1];
	*ret_more = c.n == 3;
	return true;
}

/* 4.2.1.3: a CA without keyUsage may use its key for all. One that says what
 * for must say that it signs certificates. */
static const char *
ca_form_check_usage(struct ca_form_work *w)
{
	const struct ca_form_extension *e = ca_form_find(w, CA_FORM_KEY_USAGE);
	const uint8_t both = CA_FORM_CERT_SIGN | CA_FORM_CRL_SIGN;
	uint8_t usage = 0;
	bool more = false;

	w->form.signs_crls = true;
	if (e == NULL)
		return w->place == CA_CROSS ? "no keyUsage (RFC 5280 4.2.1.3)"
					    : NULL;
	if (!ca_form_read_usage(e->value, &usage, &more))
		return "its keyUsage is no named bit list (RFC 5280 4.2.1.3)";
	if ((usage & CA_FORM_CERT_SIGN) == 0)
		return "its keyUsage has no keyCertSign (RFC 5280 4.2.1.3)";
	w->form.signs_crls = (usage & CA_FORM_CRL_SIGN) != 0;
	w->form.other_uses =
	    more || (usage & ~(both | CA_FORM_DIGITAL_SIGNATURE)) != 0;
	if (w->place == CA_CROSS &&
	    (!e->critical || !w->form.signs_crls || w->form.other_uses))
		return "its keyUsage is not critical with keyCertSign, cRLSign and at most digitalSignature (RFC 5280 4.2.1.3)";
	return NULL;
}

/* A root without one is old, and no peer looks for it there: issuer_id_of says
 * what those below name then. */
static const char *
ca_form_check_ski(struct ca_form_work *w)
{
	const struct ca_form_extension *e = ca_form_find(w, CA_FORM_SKI);
	struct span in = e == NULL ? SPAN_NONE : e->value;

	if (e == NULL)
		return w->form.own_issuer && w->place != CA_CROSS
			   ? NULL
			   : "no subjectKeyIdentifier (RFC 5280 4.2.1.2)";
	return der_take(&in, DER_OCTET_STRING, &w->form.ski) && in.n == 0 &&
		       w->form.ski.n != 0 && w->form.ski.n <= CA_FORM_SKI_MAX
		   ? NULL
		   : "its subjectKeyIdentifier is not one of 1 to 64 octets (RFC 5280 4.2.1.2)";
}

/* authorityCertIssuer and authorityCertSerialNumber, which stand both or not at
 * all: are they of this certificate? */
static bool
ca_form_names_itself(const struct cert_parts *parts, struct span in)
{
	struct span names, serial, zero;
	struct der name;

	if (in.n == 0)
		return true;
	return der_take(&in, DER_EXPLICIT(1), &names) &&
	       der_take_whole(&names, DER_EXPLICIT(4), &name) && names.n == 0 &&
	       span_eq(name.content, parts->subject) &&
	       der_take(&in, DER_CONTEXT(2), &serial) && in.n == 0 &&
	       (serial.n < 2 || serial.p[0] != 0 ||
		   span_take(&serial, 1, &zero)) &&
	       span_eq(serial, parts->serial);
}

/* 4.2.1.1: who signs himself may leave it out; else it is what finds the key.
 */
static const char *
ca_form_check_aki(struct ca_form_work *w)
{
	const struct ca_form_extension *e = ca_form_find(w, CA_FORM_AKI);
	const bool signs_itself = w->form.own_issuer && w->place != CA_CROSS;
	struct span in = e == NULL ? SPAN_NONE : e->value, body;
	bool keyid;

	if (e == NULL)
		return signs_itself
			   ? NULL
			   : "no authorityKeyIdentifier, and another issuer (RFC 5280 4.2.1.1)";
	if (!der_take(&in, DER_SEQUENCE, &body) || in.n != 0 || body.n == 0)
		return "its authorityKeyIdentifier is empty (RFC 5280 4.2.1.1)";
	keyid = der_take(&body, DER_CONTEXT(0), &w->form.aki);
	if (!signs_itself)
		return keyid && body.n == 0 && w->form.aki.n != 0
			   ? NULL
			   : "its authorityKeyIdentifier is not a keyid alone (RFC 5280 4.2.1.1)";
	return (!keyid || span_eq(w->form.aki, w->form.ski)) &&
		       ca_form_names_itself(&w->form.parts, body)
		   ? NULL
		   : "its authorityKeyIdentifier is not of itself (RFC 5280 4.2.1.1)";
}

static const char *
ca_form_check_names(struct ca_form_work *w)
{
	const struct ca_form_extension *e =
	    ca_form_find(w, CA_FORM_NAME_CONSTRAINTS);

	w->form.bound = e != NULL;
	w->form.bound_critical = e != NULL && e->critical;
	return e == NULL ? NULL : ca_constraints_fault(e->value);
}

/* Many peers hold every certificate below to it (CA/B BR 7.1.2.4), and those of
 * this CA have many uses. */
static const char *
ca_form_check_eku(struct ca_form_work *w)
{
	return w->place == CA_ABOVE || ca_form_find(w, CA_FORM_EKU) == NULL
		   ? NULL
		   : "an extKeyUsage, which would bind all certificates below";
}

static const char *
ca_form_check_succession(struct ca_form_work *w)
{
	for (size_t i = 0; i < w->n_extensions; i++)
		if (succession_is_oid(w->extensions[i].oid)) {
			w->form.succession = true;
			if (!succession_value_is_good(w->extensions[i].value))
				return "its mark of a CA's next key is malformed";
		}
	return NULL;
}

static ca_form_check *const ca_form_checks[] = {
	ca_form_check_dates,
	ca_form_check_subject,
	ca_form_check_issuer,
	ca_form_take_extensions,
	ca_form_check_forms,
	ca_form_check_basic,
	ca_form_check_usage,
	ca_form_check_ski,
	ca_form_check_aki,
	ca_form_check_names,
	ca_form_check_eku,
	ca_form_check_critical,
	ca_form_check_succession,
};

enum rc
ca_form_read(
    const char *from, struct span der, enum ca_place place, struct ca_form *ret)
{
	struct ca_form_work w = { .place = place };
	const char *wrong = NULL;
	size_t at = 0;
	enum rc rc;

	if (!der_check(der, &wrong, &at))
		return rule_refuse(RULE_CA_CERT,
		    "%s: not strict DER: %s at byte %zu", from, wrong, at);
	rc = cert_parts_read(from, der, &w.form.parts);
	if (rc != RC_OK && rule_spoken() != RULE_NONE)
		return rule_refuse(RULE_CA_CERT, "%s", err_text());
	for (size_t i = 0; rc == RC_OK && i < sizeof(ca_form_checks) /
						  sizeof(ca_form_checks[0]);
	     i++) {
		wrong = ca_form_checks[i](&w);
		if (wrong != NULL)
			return rule_refuse(RULE_CA_CERT, "%s: %s", from, wrong);
	}
	if (rc == RC_OK)
		*ret = w.form;
	return rc;
}

enum rc
ca_form_dates(
    const char *from, int64_t not_before, int64_t not_after, int64_t now)
{
	bool ended = now > not_after;
	char edge[CLOCK_TEXT], today[CLOCK_TEXT];

	if (now >= not_before && !ended)
		return RC_OK;
	clock_write(ended ? not_after : not_before, edge);
	clock_write(now, today);
	return rule_refuse(RULE_CA_DATES,
	    "%s: its validity %s %s, and it is %s by this host's clock", from,
	    ended ? "ended at" : "begins at", edge, today);
}
