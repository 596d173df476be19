/* SPDX-License-Identifier: Apache-2.0 */
/* The POSH document (RFC 7711) of one name, and until when it may be kept.
 * Where it is written is for publish.c. */
#include "transfer/online/deploy/posh.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRES_MOST DAY
#define EXPIRES_ALONE INT64_C(3600)

bool
posh_is_listed(const struct holding *holding, size_t i, int64_t now)
{
	const struct held *h = &holding->items[i];

	return held_is_told(holding, i, now) &&
	       (h->not_before <= now ||
		   h == held_next_get0(holding, h->key_type, now));
}

bool
posh_is_now(const struct holding *holding, int64_t now)
{
	for (size_t i = 0; i < holding->n; i++)
		if (holding->items[i].not_before <= now &&
		    posh_is_listed(holding, i, now))
			return true;
	return false;
}

/* The one that is listed before `i` and has a key of the same type: what a
 * server presents until it presents that. */
static const struct held *
listed_before(const struct holding *holding, size_t i, int64_t now)
{
	const char *type = holding->items[i].key_type;

	while (i-- > 0) {
		const struct held *h = &holding->items[i];

		if (posh_is_listed(holding, i, now) &&
		    (type == h->key_type ||
			(type != NULL && h->key_type != NULL &&
			    strcmp(type, h->key_type) == 0)))
			return h;
	}
	return NULL;
}

int64_t
posh_expires(const struct holding *holding, int64_t now)
{
	int64_t least = EXPIRES_MOST + 1;
	bool any = false;

	for (size_t i = 0; i < holding->n; i++) {
		const struct held *h = &holding->items[i], *before;

		if (!posh_is_listed(holding, i, now))
			continue;
		before = listed_before(holding, i, now);
		if (before == NULL)
			continue;
		any = true;
		if (before->not_after - h->not_before + 1 < least)
			least = before->not_after - h->not_before + 1;
	}
	/* RFC 7711 wants a positive number; a day is none of an overlap. */
	return !any || least < 2 ? EXPIRES_ALONE : least - 1;
}

static enum rc
add_fingerprint(json_t *array, const struct held *h)
{
	char text[4 * ((SHA256_LEN + 2) / 3) + 1];
	uint8_t digest[SHA256_LEN];
	enum rc rc = sha256(buf_span(&h->der), digest);

	if (rc != RC_OK)
		return rc;
	(void)EVP_EncodeBlock((unsigned char *)text, digest, SHA256_LEN);
	if (json_array_append_new(array, json_pack("{s:s}", "sha-256", text)) !=
	    0)
		return err_memory();
	return RC_OK;
}

static enum rc
dump(json_t *document, struct buf *out)
{
	char *text = json_dumps(document, JSON_COMPACT);
	enum rc rc = text == NULL ? err_memory() : buf_add_str(out, text);

	free(text);
	return rc != RC_OK ? rc : buf_add_byte(out, '\n');
}

enum rc
posh_write(const struct holding *holding, int64_t now, struct buf *out)
{
	json_t *array = json_array(), *document;
	enum rc rc = array == NULL ? err_memory() : RC_OK;

	for (size_t i = 0; i < holding->n && rc == RC_OK; i++)
		if (posh_is_listed(holding, i, now))
			rc = add_fingerprint(array, &holding->items[i]);
	if (rc == RC_OK && json_array_size(array) == 0)
		rc = err_set(RC_STATE,
		    "%s: no certificate is valid now or later", holding->name);
	document = json_pack("{s:o, s:I}", "fingerprints", array, "expires",
	    (json_int_t)posh_expires(holding, now));
	if (rc == RC_OK)
		rc = document == NULL ? err_memory() : dump(document, out);
	json_decref(document);
	return rc;
}
