/* SPDX-License-Identifier: Apache-2.0 */
/* One line of index.txt after the other. Whether two lines fit together is
 * asked by past.c. */
#include "ca/lifecycle/adopt_index.h"

#include "base/clock.h"
#include "base/hex.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"

#include <strings.h>
#include <time.h>

#define INDEX_LINE_MAX 8192
#define INDEX_SUBJECT_MAX 2000
#define INDEX_WORD_MAX 32

enum index_field {
	INDEX_STATUS,
	INDEX_END,
	INDEX_REVOKED,
	INDEX_SERIAL,
	INDEX_FILE,
	INDEX_SUBJECT,
	INDEX_FIELDS,
};

static enum rc
index_refuse(const struct index_cursor *c, const char *what)
{
	return rule_refuse(
	    RULE_INDEX_LINE, "%s: line %zu: %s", c->from, c->line, what);
}

/* ---- dates ----------------------------------------------------------------
 */

static bool
index_number(struct span *in, size_t digits, int *ret)
{
	struct span text;
	int n = 0;

	if (!span_take(in, digits, &text))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = 10 * n + text.p[i] - '0';
	}
	*ret = n;
	return true;
}

/* YYMMDDHHMMSSZ as UTCTime has it, 50 to 99 being of the last century, or
 * YYYYMMDDHHMMSSZ; a day that there is, and no earlier than 1970. */
static bool
index_time(struct span in, int64_t *ret)
{
	const bool century = in.n == 15;
	struct tm tm = { 0 }, back;
	int year = 0;
	bool good = (century || in.n == 13) && in.p[in.n - 1] == 'Z';

	good = good && index_number(&in, century ? 4 : 2, &year) &&
	       index_number(&in, 2, &tm.tm_mon) &&
	       index_number(&in, 2, &tm.tm_mday) &&
	       index_number(&in, 2, &tm.tm_hour) &&
	       index_number(&in, 2, &tm.tm_min) &&
	       index_number(&in, 2, &tm.tm_sec);
	if (!good)
		return false;
	if (!century)
		year += year < 50 ? 2000 : 1900;
	tm.tm_year = year - 1900;
	tm.tm_mon--;
	back = tm;
	*ret =
	    timegm(&back); /* makes the 1st of March of the 29th of February */
	return back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday &&
	       back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min &&
	       back.tm_sec == tm.tm_sec && *ret >= 0 && *ret <= CLOCK_MAX;
}

/* ---- when and why it was revoked -------------------------------------------
 */

static struct span
index_word(struct span *in)
{
	size_t n = 0;
	struct span word, comma;

	while (n < in->n && in->p[n] != ',')
		n++;
	(void)span_take(in, n, &word);
	(void)span_take(in, 1, &comma);
	return word;
}

/* Case does not count, as in openssl. */
static bool
index_is(struct span word, const char *wanted)
{
	return word.n == strlen(wanted) &&
	       strncasecmp((const char *)word.p, wanted, word.n) == 0;
}

static bool
index_reason_named(struct span word, enum reason *ret)
{
	for (unsigned i = 0; i <= REASON_MAX; i++)
		if (reason_names[i] != NULL &&
		    index_is(word, reason_names[i])) {
			*ret = (enum reason)i;
			return true;
		}
	return false;
}

/* A word, and what may stand behind it. Hold and its end are states that ours
 * does not have: who was ever on a CRL is revoked for good. */
static const char *
index_reason(struct span in, struct index_entry *e)
{
	const struct span word = index_word(&in);
	const bool key = index_is(word, "keyTime");
	const bool ca = index_is(word, "CAkeyTime");
	const bool hold = index_is(word, "holdInstruction");

	if (key || ca) {
		e->reason = key ? REASON_KEY_COMPROMISE : REASON_CA_COMPROMISE;
		return index_time(in, &e->since) && e->since > 0
			   ? NULL
			   : "keyTime wants a date as YYYYMMDDHHMMSSZ";
	}
	if (hold && in.n == 0)
		return "holdInstruction wants the name of one";
	if (hold || index_is(word, "certificateHold")) {
		e->held = true;
		return hold || in.n == 0 ? NULL : "more than a reason";
	}
	if (index_is(word, "removeFromCRL"))
		e->removed = true;
	else if (!index_reason_named(word, &e->reason))
		return "a reason that is none (RFC 5280 5.3.1)";
	return in.n == 0 ? NULL : "more than a reason";
}

static const char *
index_revocation(struct span field, struct index_entry *e)
{
	const bool more = memchr(field.p, ',', field.n) != NULL;
	const struct span at = index_word(&field);

	if (!index_time(at, &e->revoked_at))
		return "the date of its revocation is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ";
	e->revoked = true;
	return more ? index_reason(field, e) : NULL;
}

/* ---- a line ----------------------------------------------------------------
 */

/* Octets, as many as RFC 5280 4.1.2.2 allows; the sign is not among them. */
static bool
index_serial(struct span field, struct index_entry *e)
{
	char text[2 * SERIAL_MAX + 3];
	uint8_t octets[SERIAL_MAX + 1];
	size_t n = field.n / 2, skip = 0;

	if (field.n == 0 || field.n % 2 != 0 || n > sizeof(octets))
		return false;
	memcpy(text, field.p, field.n);
	text[field.n] = '\0';
	if (!hex_read(text, octets, n))
		return false;
	while (skip + 1 < n && octets[skip] == 0)
		skip++;
	e->n_serial = n - skip;
	if (e->n_serial > SERIAL_MAX)
		return false;
	memcpy(e->serial, octets + skip, e->n_serial);
	return true;
}

/* A tab within a field has a backslash in front (TXT_DB). */
static bool
index_split(struct span line, struct span fields[static INDEX_FIELDS])
{
	size_t n = 0, from = 0;

	for (size_t i = 0; i <= line.n; i++) {
		if (i < line.n &&
		    (line.p[i] != '\t' || (i > from && line.p[i - 1] == '\\')))
			continue;
		if (n == INDEX_FIELDS)
			return false;
		fields[n++] = span_of(line.p + from, i - from);
		from = i + 1;
	}
	return n == INDEX_FIELDS;
}

static const char *
index_status(struct span field, struct index_entry *e)
{
	if (span_eq_str(field, "E"))
		e->ended = true;
	else if (span_eq_str(field, "R"))
		e->revoked = true;
	else if (!span_eq_str(field, "V"))
		return "it begins with none of V, R and E";
	return NULL;
}

static const char *
index_read_line(struct span line, struct index_entry *e)
{
	struct span fields[INDEX_FIELDS];
	const char *wrong;

	if (!index_split(line, fields))
		return "not six fields with tabs between";
	wrong = index_status(fields[INDEX_STATUS], e);
	if (wrong != NULL)
		return wrong;
	if (!index_time(fields[INDEX_END], &e->not_after))
		return "the end of its validity is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ";
	if (!e->revoked && fields[INDEX_REVOKED].n != 0)
		return "it has a date of revocation, and is not marked R";
	if (e->revoked)
		wrong = index_revocation(fields[INDEX_REVOKED], e);
	if (wrong != NULL)
		return wrong;
	if (!index_serial(fields[INDEX_SERIAL], e))
		return "its serial is not an even number of up to 40 hexadecimal digits";
	e->subject = fields[INDEX_SUBJECT];
	return e->subject.n <= INDEX_SUBJECT_MAX
		   ? NULL
		   : "a subject of more than 2000 bytes";
}

/* openssl passes over a last line without its end, which is one that was cut.
 */
static const char *
index_take_line(struct index_cursor *c, struct span *ret)
{
	const bool ends = memchr(c->rest.p, '\n', c->rest.n) != NULL;
	struct span line = span_take_line(&c->rest);

	c->line++;
	if (!ends)
		return "cut short: no end of line";
	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > INDEX_LINE_MAX)
		return "longer than 8192 bytes";
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') ||
		    line.p[i] == 0x7f)
			return "a control character";
	*ret = line;
	return NULL;
}

enum rc
index_next(struct index_cursor *cursor, struct index_entry *ret, bool *ret_more)
{
	struct index_entry e = { 0 };
	struct span line = SPAN_NONE;
	const char *wrong;

	do {
		if (cursor->rest.n == 0) {
			*ret_more = false;
			return RC_OK;
		}
		wrong = index_take_line(cursor, &line);
		if (wrong != NULL)
			return index_refuse(cursor, wrong);
	} while (line.n != 0 && line.p[0] == '#');
	e.line = cursor->line;
	wrong = index_read_line(line, &e);
	if (wrong != NULL)
		return index_refuse(cursor, wrong);
	*ret = e;
	*ret_more = true;
	return RC_OK;
}

/* ---- a subject -------------------------------------------------------------
 */

static bool
index_hex_escape(struct span text, size_t i, uint8_t *ret)
{
	char digits[3];

	if (text.n - i < 4 || text.p[i] != '\\' || text.p[i + 1] != 'x')
		return false;
	memcpy(digits, text.p + i + 2, 2);
	digits[2] = '\0';
	return hex_read(digits, ret, 1);
}

enum rc
index_subject(struct span text, struct buf *out)
{
	const size_t before = out->n;
	uint8_t byte;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < text.n; i++)
		if (index_hex_escape(text, i, &byte) && byte >= 0x80) {
			rc = buf_add_byte(out, byte);
			i += 3;
		} else
			rc = buf_add_byte(out, text.p[i]);
	if (rc != RC_OK || out->n == before ||
	    utf8_check(span_of(out->p + before, out->n - before), NULL))
		return rc;
	/* As T61String or Latin-1 have it: shown as it was written. */
	buf_cut(out, before);
	for (size_t i = 0; rc == RC_OK && i < text.n; i++)
		rc = text.p[i] < 0x80 ? buf_add_byte(out, text.p[i])
				      : buf_printf(out, "\\x%02X", text.p[i]);
	return rc;
}
