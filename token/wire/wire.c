/* SPDX-License-Identifier: Apache-2.0 */
/* Structs to bytes and back. The takers check every length against the place
 * that the bytes go to: the sender has a vendor's code in its process. */
#include "token/wire/wire.h"

#include <stdio.h>

/* A text with room of its own, as both structs have them. */
struct text_field {
	char *to;
	size_t size;
};

enum rc
wire_put_text(struct buf *out, const char *text)
{
	enum rc rc = buf_add_u32(out, text != NULL);

	return rc != RC_OK || text == NULL ? rc
					   : buf_add_lv(out, span_str(text));
}

bool
wire_take_text(struct span *in, char *ret, size_t size)
{
	struct span text;

	if (!span_take_lv(in, &text) || text.n >= size ||
	    (text.n != 0 && memchr(text.p, '\0', text.n) != NULL))
		return false;
	if (text.n != 0)
		memcpy(ret, text.p, text.n);
	ret[text.n] = '\0';
	return true;
}

static enum rc
put_texts(struct buf *out, const char *const *texts, size_t n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = buf_add_lv(out, span_str(texts[i]));
	return rc;
}

static bool
take_texts(struct span *in, const struct text_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!wire_take_text(in, fields[i].to, fields[i].size))
			return false;
	return true;
}

static uint32_t
pack(const bool *flags, size_t n)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= (uint32_t)flags[i] << i;
	return bits;
}

/* Bits that nobody sent are an answer of another version or a lie. */
static bool
take_flags(struct span *in, bool *const *flags, size_t n)
{
	uint32_t bits;

	if (!span_take_u32(in, &bits) || bits >> n != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		*flags[i] = (bits >> i & 1) != 0;
	return true;
}

enum rc
wire_put_info(struct buf *out, const struct token_info *k)
{
	const char *const texts[] = { k->uri, k->label, k->manufacturer,
		k->model, k->serial };
	const bool flags[] = { k->initialised, k->pin_set, k->count_low,
		k->final_try, k->locked, k->protected_path };
	enum rc rc = put_texts(out, texts, sizeof(texts) / sizeof(texts[0]));

	if (rc == RC_OK)
		rc = buf_add_u32(out, pack(flags, sizeof(flags)));
	return rc != RC_OK ? rc : buf_add_u64(out, k->slot);
}

bool
wire_take_info(struct span *in, struct token_info *ret)
{
	struct token_info k = { 0 };
	const struct text_field texts[] = { { k.uri, sizeof(k.uri) },
		{ k.label, sizeof(k.label) },
		{ k.manufacturer, sizeof(k.manufacturer) },
		{ k.model, sizeof(k.model) }, { k.serial, sizeof(k.serial) } };
	bool *const flags[] = { &k.initialised, &k.pin_set, &k.count_low,
		&k.final_try, &k.locked, &k.protected_path };
	uint64_t slot;

	if (!take_texts(in, texts, sizeof(texts) / sizeof(texts[0])) ||
	    !take_flags(in, flags, sizeof(flags) / sizeof(flags[0])) ||
	    !span_take_u64(in, &slot))
		return false;
	k.slot = (unsigned long)slot;
	*ret = k;
	return true;
}

enum rc
wire_put_key(struct buf *out, const struct token_key *k)
{
	const char *const texts[] = { k->uri, k->label, k->type };
	const bool flags[] = { k->has_private, k->sensitive, k->extractable,
		k->always_sensitive, k->never_extractable, k->local,
		k->always_authenticate, k->sign, k->decrypt };
	enum rc rc = put_texts(out, texts, sizeof(texts) / sizeof(texts[0]));

	if (rc == RC_OK)
		rc = buf_add_lv(out, span_of(k->id, k->id_len));
	if (rc == RC_OK)
		rc = buf_add_u32(out, pack(flags, sizeof(flags)));
	return rc != RC_OK ? rc : buf_add_lv(out, buf_span(&k->spki));
}

bool
wire_take_key(struct span *in, struct token_key *ret)
{
	struct token_key k = { 0 };
	const struct text_field texts[] = { { k.uri, sizeof(k.uri) },
		{ k.label, sizeof(k.label) }, { k.type, sizeof(k.type) } };
	bool *const flags[] = { &k.has_private, &k.sensitive, &k.extractable,
		&k.always_sensitive, &k.never_extractable, &k.local,
		&k.always_authenticate, &k.sign, &k.decrypt };
	struct span id, spki;

	if (!take_texts(in, texts, sizeof(texts) / sizeof(texts[0])) ||
	    !span_take_lv(in, &id) || id.n > sizeof(k.id) ||
	    !take_flags(in, flags, sizeof(flags) / sizeof(flags[0])) ||
	    !span_take_lv(in, &spki))
		return false;
	if (id.n != 0)
		memcpy(k.id, id.p, id.n);
	k.id_len = id.n;
	if (buf_add_span(&k.spki, spki) != RC_OK)
		return false;
	*ret = k;
	return true;
}

enum rc
wire_put_error(struct buf *out, enum rc error)
{
	enum rc rc = buf_add_u32(out, (uint32_t)error);

	return rc != RC_OK ? rc : buf_add_lv(out, span_str(err_text()));
}

/* An error that is none, or of no known code, is a bug at the other end. */
enum rc
wire_take_error(struct span in, uint32_t rc)
{
	char text[ERR_TEXT_MAX];

	if (rc == RC_OK || rc > RC_BUG ||
	    !wire_take_text(&in, text, sizeof(text)) || in.n != 0)
		return err_set(
		    RC_BUG, "the token process gave an answer without sense");
	return err_set((enum rc)rc, "%s", text);
}
