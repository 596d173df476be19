/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting names where their types do, and libidn2 for domains. A name is cut
 * by the same function for scope and for form, so that both look at the same
 * domain. */
#include "transfer/x509/name_parts.h"

#include <idn2.h>
#include <stdlib.h>

static bool
split_behind(struct span text, size_t head, struct name_parts *ret)
{
	*ret = (struct name_parts){ SPAN_NONE, SPAN_NONE, SPAN_NONE };
	if (!span_take(&text, head, &ret->head))
		return false;
	ret->domain = text;
	return true;
}

bool
split_dns(struct span text, struct name_parts *ret)
{
	bool wildcard = text.n >= 2 && memcmp(text.p, "*.", 2) == 0;

	return split_behind(text, wildcard ? 2 : 0, ret);
}

bool
split_dot(struct span text, struct name_parts *ret)
{
	const uint8_t *dot = text.n == 0 ? NULL : memchr(text.p, '.', text.n);

	return dot != NULL &&
	       split_behind(text, (size_t)(dot - text.p) + 1, ret);
}

bool
split_at(struct span text, struct name_parts *ret)
{
	const uint8_t *at = text.n == 0 ? NULL : memrchr(text.p, '@', text.n);

	return at != NULL && split_behind(text, (size_t)(at - text.p) + 1, ret);
}

/* The host ends at the first of / ? # : (RFC 3986 3.2); user information
 * stays in it, to be refused. */
bool
split_uri(struct span text, struct name_parts *ret)
{
	static const char mark[] = "://";
	const uint8_t *at;
	size_t n = 0;

	at = text.n == 0 ? NULL : memmem(text.p, text.n, mark, 3);
	if (at == NULL || !split_behind(text, (size_t)(at - text.p) + 3, ret))
		return false;
	text = ret->domain;
	while (n < text.n && strchr("/?#:", text.p[n]) == NULL)
		n++;
	(void)span_take(&text, n, &ret->domain);
	ret->tail = text;
	return true;
}

bool
span_is_ascii(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 0x80)
			return false;
	return true;
}

enum rc
add_lowered(struct buf *out, struct span text)
{
	size_t at = out->n;
	enum rc rc = buf_add_span(out, text);

	if (rc != RC_OK)
		return rc;
	for (; at < out->n; at++)
		if (out->p[at] >= 'A' && out->p[at] <= 'Z')
			out->p[at] = (uint8_t)(out->p[at] - 'A' + 'a');
	return RC_OK;
}

/* ---- libidn2, which takes C strings ---------------------------------------
 */

/* A NUL would end the domain early for libidn2 and not for the certificate
 * (the old trick with NUL in names). */
static bool
as_cstr(struct span text, struct buf *ret)
{
	return text.n != 0 && memchr(text.p, 0, text.n) == NULL &&
	       buf_add_span(ret, text) == RC_OK &&
	       buf_add_byte(ret, 0) == RC_OK;
}

bool
domain_to_ascii(struct span domain, bool mapped, struct buf *ret)
{
	WIPED(buf) in = { 0 };
	uint8_t *out = NULL;
	bool good;

	if (!as_cstr(domain, &in) ||
	    idn2_lookup_u8(in.p, &out,
		mapped ? IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL
		       : IDN2_NO_TR46) != IDN2_OK)
		return false;
	good = add_lowered(ret, span_str((const char *)out)) == RC_OK;
	idn2_free(out);
	return good;
}

bool
domain_to_unicode(struct span domain, struct buf *ret)
{
	WIPED(buf) in = { 0 };
	char *out = NULL;
	bool good;

	if (!as_cstr(domain, &in) ||
	    idn2_to_unicode_8z8z((const char *)in.p, &out, 0) != IDN2_OK)
		return false;
	good = buf_add_str(ret, out) == RC_OK;
	idn2_free(out);
	return good;
}

bool
domain_alabels_hold(struct span domain)
{
	WIPED(buf) unicode = { 0 };
	WIPED(buf) again = { 0 };

	if (memmem(domain.p, domain.n, "xn--", 4) == NULL)
		return true;
	return domain_to_unicode(domain, &unicode) &&
	       !span_eq(buf_span(&unicode), domain) &&
	       domain_to_ascii(buf_span(&unicode), false, &again) &&
	       span_eq(buf_span(&again), domain);
}
