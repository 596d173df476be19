/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/format/payload.h"

#include "transfer/rule.h"

#define RULE_MIN 2
#define RULE_MAX 32

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

void
validity_slot(const struct validity *v, int64_t not_before, uint32_t i,
    int64_t *ret_not_before, int64_t *ret_not_after)
{
	const int64_t begins = not_before + (int64_t)i * v->period;

	*ret_not_before = begins;
	*ret_not_after = begins + v->period + v->overlap - 1;
}
