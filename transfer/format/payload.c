/* SPDX-License-Identifier: Apache-2.0 */
/* What the three payloads have in common: patterns, limits, and the arithmetic
 * of a series. */
#include "transfer/format/payload.h"

#include "base/clock.h"
#include "transfer/format/grammar.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/crl_read.h"

#define RULE_MIN 2
#define RULE_MAX 32
#define OVERLAP_MAX (UINT64_C(1) << 62) /* so that sums stay sums */

static bool
payload_is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
payload_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* All of the lower-case patterns: a letter or digit first and last, between
 * them also one of `marks`. */
static bool
payload_is_word(struct span text, size_t max, const char *marks)
{
	if (text.n == 0 || text.n > max)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const uint8_t c = text.p[i];
		const bool inside = i > 0 && i < text.n - 1;

		if (payload_is_lower(c) || payload_is_digit(c))
			continue;
		if (!inside || c == '\0' || strchr(marks, c) == NULL)
			return false;
	}
	return true;
}

bool
format_is_rule(struct span text)
{
	if (text.n < RULE_MIN || text.n > RULE_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const uint8_t c = text.p[i];

		if (c >= 'A' && c <= 'Z')
			continue;
		if (i == 0 || !(payload_is_digit(c) || c == '-'))
			return false;
	}
	return true;
}

bool
format_is_request_id(struct span text)
{
	return payload_is_word(text, REQUEST_ID_MAX, ".-");
}

bool
format_is_profile(struct span text)
{
	if (text.n == 0 || text.n > PROFILE_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const uint8_t c = text.p[i];

		/* Unlike the others a profile may end in a dash. */
		if (!payload_is_lower(c) && !payload_is_digit(c) &&
		    (i == 0 || c != '-'))
			return false;
	}
	return true;
}

bool
format_is_file_name(struct span text)
{
	return payload_is_word(text, FILE_NAME_MAX, "._-");
}

bool
format_is_label(struct span text)
{
	return payload_is_word(text, LABEL_MAX, "-");
}

/* RFC 5280 4.1.2.2: positive. As a magnitude that is no leading zero, so one
 * serial has one spelling here. */
static bool
payload_is_serial(struct span serial)
{
	return serial.p[0] != 0;
}

/* ---- the common part of the grammar -------------------------------------- */

/* clang-format off */
const struct schema_type
	grammar_version    = TYPE(NULL, SCHEMA_UINT, FORMAT_VERSION, FORMAT_VERSION),
	grammar_uint       = TYPE(NULL, SCHEMA_UINT, 0, UINT64_MAX),
	grammar_ca_id      = TYPE("ca-id", SCHEMA_BYTES, SHA256_LEN, SHA256_LEN),
	grammar_key_id     = TYPE("key-id", SCHEMA_BYTES, SHA256_LEN, SHA256_LEN),
	grammar_bundle_id  = TYPE("bundle-id", SCHEMA_BYTES, BUNDLE_ID_LEN, BUNDLE_ID_LEN),
	grammar_digest     = TYPE("digest", SCHEMA_BYTES, SHA256_LEN, SHA256_LEN),
	grammar_serial     = { .name = "serial", .kind = SCHEMA_BYTES,
		.min = 1, .max = SERIAL_MAX,
		.fits = payload_is_serial, .wanted = "no first byte of zero" },
	grammar_sequence   = TYPE("sequence", SCHEMA_UINT, 1, UINT32_MAX),
	grammar_epoch      = TYPE("epoch", SCHEMA_TIME, 0, CLOCK_MAX),
	grammar_duration   = TYPE("duration", SCHEMA_DURATION, 1, DUR_MAX),
	grammar_overlap    = TYPE("overlap", SCHEMA_DURATION, 0, OVERLAP_MAX),
	grammar_crl_number = TYPE("crl-number", SCHEMA_UINT, 1, CRL_NUMBER_MAX),
	grammar_cert_der   = TYPE("cert-der", SCHEMA_DER, CERT_MIN, CERT_MAX),
	grammar_spki_der   = TYPE("spki-der", SCHEMA_DER, SPKI_MIN, SPKI_MAX),
	grammar_rule       = TYPE_TEXT("rule", format_is_rule,
		"[A-Z][A-Z0-9-]{1,31}"),
	grammar_request_id = TYPE_TEXT("request-id", format_is_request_id,
		"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"),
	grammar_profile    = TYPE_TEXT("profile", format_is_profile,
		"[a-z0-9][a-z0-9-]{0,31}"),
	grammar_file_name  = TYPE_TEXT("file-name", format_is_file_name,
		"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?"),
	grammar_label      = TYPE_TEXT("label", format_is_label,
		"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
	grammar_comment    = TYPE("comment", SCHEMA_TEXT, 1, COMMENT_MAX);

static const struct schema_field ledger_head[] = {
	{ 0, "count", &grammar_uint,   IN(ledger_head, count) },
	{ 0, "hash",  &grammar_digest, IN(ledger_head, hash) },
};
const struct schema_type grammar_ledger_head =
	TYPE_TUPLE("ledger-head", ledger_head, ledger_head);

static const struct schema_field certs[] = {
	{ 0, "certificate", &grammar_cert_der, ITEM_SPAN },
};
const struct schema_type grammar_certs = TYPE_LIST(1, CHAIN_MAX, certs);
/* clang-format on */

const struct schema_field *
grammar_of(enum cose_type type)
{
	static const struct schema_field *const roots[] = {
		[COSE_BUNDLE] = &grammar_bundle,
		[COSE_MANIFEST] = &grammar_manifest,
		[COSE_CARD] = &grammar_card,
	};

	return roots[type];
}

/* ---- arithmetic ---------------------------------------------------------- */

void
validity_slot(const struct validity *v, int64_t not_before, uint32_t i,
    int64_t *ret_not_before, int64_t *ret_not_after)
{
	const int64_t begins = not_before + (int64_t)i * v->period;

	*ret_not_before = begins;
	*ret_not_after = begins + v->period + v->overlap - 1;
}
