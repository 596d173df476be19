/* SPDX-License-Identifier: Apache-2.0 */
/* A TBSCertificate from its fields, and a certificate into its fields,
 * without OpenSSL: the one thing that the judge's comparison rests on should
 * fit on two pages. */
#include "transfer/x509/tbs.h"

#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"

/* [0] EXPLICIT INTEGER 2: version 3 */
static const uint8_t version_3[] = { DER_EXPLICIT(0), 3, DER_INTEGER, 1, 2 };

void
tbs_bytes_wipe(struct tbs_bytes *bytes)
{
	buf_wipe(&bytes->content);
	*bytes = (struct tbs_bytes){ 0 };
}

static enum rc
put_validity(struct buf *out, int64_t not_before, int64_t not_after)
{
	WIPED(buf) both = { 0 };
	enum rc rc = der_put_time(&both, not_before);

	if (rc == RC_OK)
		rc = der_put_time(&both, not_after);
	return rc != RC_OK ? rc : der_put(out, DER_SEQUENCE, buf_span(&both));
}

static enum rc
put_field(struct buf *out, const struct tbs *tbs, enum tbs_field field)
{
	switch (field) {
	case TBS_VERSION:
		return buf_add(out, version_3, sizeof(version_3));
	case TBS_SERIAL:
		return der_put_unsigned(out, tbs->serial);
	case TBS_ALGORITHM:
		return buf_add_span(out, tbs->algorithm);
	case TBS_ISSUER:
		return buf_add_span(out, tbs->issuer);
	case TBS_VALIDITY:
		return put_validity(out, tbs->not_before, tbs->not_after);
	case TBS_SUBJECT:
		return buf_add_span(out, tbs->subject);
	case TBS_SPKI:
		return buf_add_span(out, tbs->spki);
	case TBS_EXTENSIONS:
		return der_put(out, DER_EXPLICIT(3), tbs->extensions);
	case TBS_FIELDS:
		break;
	}
	return err_set(RC_BUG, "no such field of a TBSCertificate");
}

enum rc
tbs_write(const struct tbs *tbs, struct tbs_bytes *ret)
{
	buf_reset(&ret->content);
	for (enum tbs_field f = TBS_VERSION; f < TBS_FIELDS; f++) {
		enum rc rc = put_field(&ret->content, tbs, f);

		if (rc != RC_OK)
			return rc;
		ret->end[f] = ret->content.n;
	}
	return RC_OK;
}

enum tbs_field
tbs_differs(const struct tbs_bytes *wanted, struct span content)
{
	struct span mine = buf_span(&wanted->content);
	enum tbs_field field = TBS_VERSION;
	size_t at = 0;

	if (span_eq(mine, content))
		return TBS_FIELDS;
	while (at < mine.n && at < content.n && mine.p[at] == content.p[at])
		at++;
	while (field < TBS_EXTENSIONS && at >= wanted->end[field])
		field++;
	return field;
}

static bool
take_fields(struct span content, struct cert_parts *parts,
    struct span *ret_inner_algorithm)
{
	struct der serial, algorithm, issuer, validity, subject, spki, whole;
	struct span version, extensions;

	if (!span_take(&content, sizeof(version_3), &version) ||
	    !span_eq(version, span_of(version_3, sizeof(version_3))) ||
	    !der_take_whole(&content, DER_INTEGER, &serial) ||
	    !der_take_whole(&content, DER_SEQUENCE, &algorithm) ||
	    !der_take_whole(&content, DER_SEQUENCE, &issuer) ||
	    !der_take_whole(&content, DER_SEQUENCE, &validity) ||
	    !der_take_whole(&content, DER_SEQUENCE, &subject) ||
	    !der_take_whole(&content, DER_SEQUENCE, &spki) ||
	    !der_take(&content, DER_EXPLICIT(3), &extensions) ||
	    content.n != 0 ||
	    !der_take_whole(&extensions, DER_SEQUENCE, &whole) ||
	    extensions.n != 0)
		return false;
	parts->serial = serial.whole; /* its magnitude comes next */
	parts->issuer = issuer.whole;
	parts->validity = validity.content;
	parts->subject = subject.whole;
	parts->spki = spki.whole;
	parts->extensions = whole.whole;
	*ret_inner_algorithm = algorithm.whole;
	return true;
}

static bool
take_certificate(
    struct span der, struct cert_parts *parts, struct span *ret_inner_algorithm)
{
	struct der tbs, algorithm;
	struct span body;

	if (!der_take(&der, DER_SEQUENCE, &body) || der.n != 0 ||
	    !der_take_whole(&body, DER_SEQUENCE, &tbs) ||
	    !der_take_whole(&body, DER_SEQUENCE, &algorithm) ||
	    !der_take_bits(&body, &parts->signature) || body.n != 0)
		return false;
	parts->tbs = tbs.whole;
	parts->content = tbs.content;
	parts->algorithm = algorithm.whole;
	return take_fields(tbs.content, parts, ret_inner_algorithm);
}

/* RFC 5280 4.1.2.2 */
static enum rc
take_serial(const char *from, struct cert_parts *parts)
{
	struct span serial = parts->serial;

	if (!der_take_unsigned(&serial, &parts->serial) ||
	    parts->serial.n == 0 || parts->serial.n > SERIAL_MAX ||
	    (parts->serial.n == SERIAL_MAX && (parts->serial.p[0] & 0x80) != 0))
		return rule_refuse(RULE_CERT_SERIAL,
		    "%s: its serial is not a positive integer of at most %d octets (RFC 5280 4.1.2.2)",
		    from, SERIAL_MAX);
	return RC_OK;
}

/* RFC 5280 4.1.1.2: inner and outer algorithm are the same. Older verifiers
 * looked at only one of them. */
enum rc
cert_parts_read(const char *from, struct span der, struct cert_parts *ret)
{
	struct cert_parts parts = { 0 };
	struct span inner;
	enum rc rc;

	if (!take_certificate(der, &parts, &inner))
		return rule_refuse(RULE_CERT_FORM,
		    "%s: not one X.509 v3 certificate with extensions in DER",
		    from);
	if (!span_eq(inner, parts.algorithm))
		return rule_refuse(RULE_CERT_FORM,
		    "%s: its two signature algorithms differ (RFC 5280 4.1.1.2)",
		    from);
	rc = take_serial(from, &parts);
	if (rc == RC_OK)
		*ret = parts;
	return rc;
}

enum rc
tbs_parts_read(const char *from, struct span tbs, struct cert_parts *ret)
{
	struct cert_parts parts = { .tbs = tbs };
	enum rc rc;

	if (!der_take(&tbs, DER_SEQUENCE, &parts.content) || tbs.n != 0 ||
	    !take_fields(parts.content, &parts, &parts.algorithm))
		return rule_refuse(RULE_CERT_FORM,
		    "%s: not one TBSCertificate of X.509 v3 with extensions in DER",
		    from);
	rc = take_serial(from, &parts);
	if (rc == RC_OK)
		*ret = parts;
	return rc;
}
