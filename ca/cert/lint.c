/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a TBS and the clauses of RFC 5280 4.1. Extensions are looked at
 * in lint_ext.c, the subject's text in lint_subject.c. */
#include "ca/cert/lint.h"
#include "ca/cert/lint_facts.h"

#include "transfer/rule.h"

#include <assert.h>
#include <time.h>

#define SERIAL_OCTETS_MAX 20 /* of the INTEGER's content */
#define SERIAL_BITS_MIN 64   /* of the parsed integer, when drawn */

/* ---- the walk ------------------------------------------------------------ */

static bool
lint_take_extension(struct span *in, struct lint_extension *ret)
{
	struct span body, yes;
	struct lint_extension e = { 0 };

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

static bool
take_extensions(struct span in, struct lint_facts *facts)
{
	struct span list;

	if (!der_take(&in, DER_SEQUENCE, &list) || in.n != 0)
		return false;
	while (list.n != 0) {
		if (facts->n_extensions == EXTENSIONS_MAX ||
		    !lint_take_extension(
			&list, &facts->extensions[facts->n_extensions]))
			return false;
		facts->n_extensions++;
	}
	return true;
}

static bool
lint_take_apart(struct span tbs, struct lint_facts *f)
{
	struct span body, validity, extensions;

	return der_take(&tbs, DER_SEQUENCE, &body) && tbs.n == 0 &&
	       der_take_whole(&body, DER_EXPLICIT(0), &f->version) &&
	       der_take_whole(&body, DER_INTEGER, &f->serial) &&
	       der_take_whole(&body, DER_SEQUENCE, &f->algorithm) &&
	       der_take_whole(&body, DER_SEQUENCE, &f->issuer) &&
	       der_take(&body, DER_SEQUENCE, &validity) &&
	       der_next(&validity, &f->not_before) &&
	       der_next(&validity, &f->not_after) && validity.n == 0 &&
	       der_take_whole(&body, DER_SEQUENCE, &f->subject) &&
	       der_take_whole(&body, DER_SEQUENCE, &f->spki) &&
	       der_take(&body, DER_EXPLICIT(3), &extensions) && body.n == 0 &&
	       take_extensions(extensions, f);
}

/* ---- RFC 5280 4.1 -------------------------------------------------------- */

static const char *
check_version(const struct lint_facts *f)
{
	static const uint8_t v3[] = { DER_INTEGER, 1, 2 };

	return span_eq(f->version.content, span_of(v3, sizeof(v3)))
		   ? NULL
		   : "the version is not v3";
}

static const char *
lint_check_serial(const struct lint_facts *f)
{
	struct span in = f->serial.whole, magnitude;

	if (!der_take_unsigned(&in, &magnitude))
		return "the serial is negative";
	if (magnitude.n == 0)
		return "the serial is zero";
	if (f->serial.content.n > SERIAL_OCTETS_MAX)
		return "the serial has more than 20 octets";
	return span_eq(magnitude, f->want->serial) ? NULL
						   : "another serial was drawn";
}

static const char *
check_serial_bits(const struct lint_facts *f)
{
	/* The CA's own may be given by its operator. */
	if (f->want->kind == LINT_CA)
		return NULL;
	return f->serial.content.n * 8 > SERIAL_BITS_MIN
		   ? NULL
		   : "the serial has fewer than 64 bits";
}

static const char *
check_algorithm(const struct lint_facts *f)
{
	return span_eq(f->algorithm.whole, f->want->alg->identifier)
		   ? NULL
		   : "the signature algorithm is not that of the CA's key";
}

static const char *
check_issuer(const struct lint_facts *f)
{
	if (f->issuer.content.n == 0)
		return "the issuer is empty";
	return span_eq(f->issuer.whole, f->want->issuer)
		   ? NULL
		   : "the issuer is not the CA's subject, byte for byte";
}

/* Two digits; -1 when they are none. */
static int
two_digits(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return 10 * (p[0] - '0') + (p[1] - '0');
}

/* A Time of the two forms that RFC 5280 4.1.2.5 has: seconds and Z always,
 * UTCTime through 2049, GeneralizedTime from 2050 on. */
static bool
lint_read_time(const struct der *time, int64_t *ret_at)
{
	struct span c = time->content, century;
	int field[6], year = 1900;
	struct tm tm = { 0 };

	if (time->tag == DER_GENERALIZED_TIME) {
		if (!span_take(&c, 2, &century) || two_digits(century.p) < 0)
			return false;
		year = 100 * two_digits(century.p);
	} else if (time->tag != DER_UTC_TIME)
		return false;
	if (c.n != 13 || c.p[12] != 'Z')
		return false;
	for (size_t i = 0; i < 6; i++) {
		field[i] = two_digits(c.p + 2 * i);
		if (field[i] < 0)
			return false;
	}
	year += field[0];
	if (time->tag == DER_UTC_TIME && field[0] < 50)
		year += 100;
	if (time->tag == DER_GENERALIZED_TIME && year < 2050)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = field[1] - 1;
	tm.tm_mday = field[2];
	tm.tm_hour = field[3];
	tm.tm_min = field[4];
	tm.tm_sec = field[5];
	*ret_at = timegm(&tm);
	return true;
}

static const char *
lint_check_dates(const struct lint_facts *f)
{
	int64_t not_before, not_after;

	if (!lint_read_time(&f->not_before, &not_before) ||
	    !lint_read_time(&f->not_after, &not_after))
		return "a date is not UTCTime to 2049 or GeneralizedTime after";
	if (not_before != f->want->not_before ||
	    not_after != f->want->not_after)
		return "the dates are not those that were granted";
	if (not_before > not_after)
		return "the validity ends before it begins";
	return NULL;
}

static const char *
check_nesting(const struct lint_facts *f)
{
	return f->want->not_before >= f->want->issuer_not_before &&
		       f->want->not_after <= f->want->issuer_not_after
		   ? NULL
		   : "the validity is not within the CA's own";
}

static const char *
check_validity_max(const struct lint_facts *f)
{
	const struct lint *want = f->want;

	if (want->profile == NULL)
		return NULL;
	return want->not_after - want->not_before < want->profile->validity_max
		   ? NULL
		   : "the validity is longer than the profile's maximum";
}

/* One RDN: a SET of exactly one attribute with text. */
static const char *
check_rdn(struct span set)
{
	struct span attribute, type;
	struct der value;

	if (!der_take(&set, DER_SEQUENCE, &attribute) || set.n != 0)
		return "an RDN of the subject has not one attribute";
	if (!der_take(&attribute, DER_OID, &type) ||
	    !der_next(&attribute, &value) || attribute.n != 0)
		return "an attribute of the subject is malformed";
	if (value.tag != DER_UTF8_STRING && value.tag != DER_PRINTABLE_STRING &&
	    value.tag != DER_IA5_STRING)
		return "an attribute of the subject is of a type out of use";
	if (value.content.n == 0 || !der_is_text(value.tag, value.content))
		return "an attribute of the subject is empty or no text";
	return NULL;
}

static const char *
lint_check_subject(const struct lint_facts *f)
{
	struct span rest = f->subject.content, set;
	bool is_issuer = span_eq(f->subject.whole, f->issuer.whole);

	if (f->want->kind == LINT_CA && rest.n == 0)
		return "a CA's subject is empty";
	if (rest.n == 0 && f->want->profile != NULL && f->want->profile->is_ca)
		return "the subject of a CA is empty";
	if (is_issuer != (f->want->kind == LINT_CA))
		return "subject and issuer must be the same in the CA's own certificate only";
	while (rest.n != 0) {
		const char *wrong;

		if (!der_take(&rest, DER_SET, &set))
			return "the subject is malformed";
		wrong = check_rdn(set);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

static const char *
check_spki(const struct lint_facts *f)
{
	if (f->want->kind != LINT_CA &&
	    span_eq(f->spki.whole, f->want->issuer_spki))
		return "the key is the CA's own";
	return span_eq(f->spki.whole, f->want->spki)
		   ? NULL
		   : "the key is not the one that was checked";
}

/* clang-format off */
static const struct lint_clause field_clauses[] = {
	{ "RFC 5280 4.1.2.1",	check_version },
	{ "RFC 5280 4.1.2.2",	lint_check_serial },
	{ "CA/B BR 7.1",	check_serial_bits },
	{ "RFC 5280 4.1.2.3",	check_algorithm },
	{ "RFC 5280 4.1.2.4",	check_issuer },
	{ "RFC 5280 4.1.2.5",	lint_check_dates },
	{ "a leaf in its CA",	check_nesting },
	{ "the profile",	check_validity_max },
	{ "RFC 5280 4.1.2.6",	lint_check_subject },
	{ "as granted",		lint_check_wanted_subject },
	{ "RFC 5280 4.1.2.7",	check_spki },
	{ 0 },
};
/* clang-format on */

static enum rc
lint_run(const struct lint_clause *clauses, const struct lint_facts *facts)
{
	for (const struct lint_clause *c = clauses; c->clause != NULL; c++) {
		const char *wrong = c->check(facts);

		if (wrong != NULL)
			return rule_refuse(
			    RULE_LINT, "%s: %s", c->clause, wrong);
	}
	return RC_OK;
}

enum rc
lint_tbs(const struct lint *lint, struct span tbs)
{
	struct lint_facts facts = { .want = lint };
	const char *what;
	size_t at;
	enum rc rc;

	assert((lint->kind == LINT_LEAF) == (lint->profile != NULL));
	assert(lint->kind == LINT_CA || lint->issuer_spki.n != 0);
	if (!der_check(tbs, &what, &at))
		return rule_refuse(RULE_LINT,
		    "RFC 5280 4.1: %s at byte %zu of %zu", what, at, tbs.n);
	/* 4.1.2.8: the walk has no place for unique identifiers. */
	if (!lint_take_apart(tbs, &facts))
		return rule_refuse(RULE_LINT,
		    "RFC 5280 4.1: not a TBSCertificate with extensions and without unique identifiers");
	rc = lint_run(field_clauses, &facts);
	return rc != RC_OK ? rc : lint_run(lint_extension_clauses, &facts);
}
