/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7622 wants strings prepared before they are compared, and libraries
 * differ in how. Here nothing is prepared: only what preparation would leave
 * as it is goes into a certificate. */
#include "transfer/x509/name_jid.h"

#include "transfer/x509/der.h"
#include "transfer/x509/name_parts.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool
in_ranges(const ucs4_t (*ranges)[2], size_t n, ucs4_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Letters and digits that RFC 8264 disallows all the same: 9.6 (exceptions),
 * 9.9 (old hangul jamo). */
static const ucs4_t disallowed[][2] = {
	{ 0x0640, 0x0640 },
	{ 0x07fa, 0x07fa },
	{ 0x1100, 0x11ff },
	{ 0x302e, 0x302f },
	{ 0x3031, 0x3035 },
	{ 0x303b, 0x303b },
	{ 0xa960, 0xa97f },
	{ 0xd7b0, 0xd7ff },
};

/* The IdentifierClass of RFC 8264 4.2 less what RFC 7622 3.3.1 takes out of it,
 * and less whatever has a rule of context. */
static bool
is_allowed(ucs4_t c)
{
	static const uint32_t letters_and_digits =
	    UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Lm |
	    UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc | UC_CATEGORY_MASK_Nd;

	if (c < 0x80)
		return c > 0x20 && c < 0x7f &&
		       strchr("\"&'/:<>@", (int)c) == NULL;
	return uc_is_general_category_withtable(c, letters_and_digits) &&
	       !uc_is_property_default_ignorable_code_point(c) &&
	       !in_ranges(
		   disallowed, sizeof(disallowed) / sizeof(disallowed[0]), c);
}

static bool
is_right_to_left(ucs4_t c)
{
	int class = uc_bidi_class(c);

	return class == UC_BIDI_R || class == UC_BIDI_AL || class == UC_BIDI_AN;
}

/* A narrow reading of the Bidi Rule (RFC 5893 section 2): letters of one
 * direction only, and marks. */
static const char *
direction_fault(const uint8_t *p, size_t n)
{
	bool right = false, left = false;
	ucs4_t c;

	for (size_t i = 0; i < n;) {
		int class;

		i += (size_t)u8_mbtouc(&c, p + i, n - i);
		class = uc_bidi_class(c);
		if (is_right_to_left(c))
			right = true;
		else if (class != UC_BIDI_NSM)
			left = true;
	}
	return right && left ? "letters of both directions" : NULL;
}

static const char *
characters_fault(struct span text)
{
	ucs4_t c;

	for (size_t i = 0; i < text.n;) {
		i += (size_t)u8_mbtouc(&c, text.p + i, text.n - i);
		if (!is_allowed(c))
			return "a character that no localpart has (RFC 7622 3.3.1)";
		if (i == text.n)
			break;
	}
	(void)u8_mbtouc(&c, text.p, text.n);
	if (uc_is_general_category_withtable(
		c, UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc))
		return "a combining mark at the beginning";
	return direction_fault(text.p, text.n);
}

typedef uint8_t *text_map(struct span text, size_t *ret_n);

static uint8_t *
map_lower(struct span text, size_t *ret_n)
{
	return u8_tolower(text.p, text.n, NULL, UNINORM_NFC, NULL, ret_n);
}

static uint8_t *
map_compatible(struct span text, size_t *ret_n)
{
	return u8_normalize(UNINORM_NFKC, text.p, text.n, NULL, ret_n);
}

/* Does this mapping leave the text as it is? */
static bool
is_fixed_under(text_map *map, struct span text)
{
	size_t n = 0;
	uint8_t *mapped = map(text, &n);
	bool same = mapped != NULL && span_eq(span_of(mapped, n), text);

	free(mapped);
	return same;
}

const char *
jid_local_fault(struct span local)
{
	if (local.n == 0)
		return "no localpart";
	if (local.n > JID_PART_MAX)
		return "a localpart of over 1023 bytes";
	if (!utf8_check(local, NULL))
		return "not UTF-8";
	if (!is_fixed_under(map_lower, local))
		return "a localpart that is not in lower case and composed (NFC)";
	if (!is_fixed_under(map_compatible, local))
		return "a localpart with compatibility characters";
	return characters_fault(local);
}

const char *
jid_domain_fault(struct span domain, struct buf *ret_ascii)
{
	WIPED(buf) unicode = { 0 };

	if (domain.n == 0)
		return "no domain";
	if (domain.n > JID_PART_MAX)
		return "a domain of over 1023 bytes";
	if (memchr(domain.p, '/', domain.n) != NULL)
		return "a resource; wanted a bare JID";
	if (!utf8_check(domain, NULL))
		return "not UTF-8";
	if (span_is_ascii(domain)) {
		if (memmem(domain.p, domain.n, "xn--", 4) != NULL)
			return "an A-label (xn--); a JID has U-labels";
		return buf_add_span(ret_ascii, domain) == RC_OK
			   ? NULL
			   : "out of memory";
	}
	/* One spelling: what the A-labels stand for is what was written. */
	if (!domain_to_ascii(domain, false, ret_ascii) ||
	    !domain_to_unicode(buf_span(ret_ascii), &unicode) ||
	    !span_eq(buf_span(&unicode), domain))
		return "a domain that is not in the form of IDNA2008";
	return NULL;
}

enum rc
jid_local_prepare(struct span local, struct buf *out)
{
	uint8_t *mapped;
	size_t n = 0;
	enum rc rc;

	if (local.n == 0 || !utf8_check(local, NULL))
		return buf_add_span(out, local); /* name_check refuses it */
	mapped = map_lower(local, &n);
	if (mapped == NULL)
		return err_memory();
	rc = buf_add(out, mapped, n);
	free(mapped);
	return rc;
}
