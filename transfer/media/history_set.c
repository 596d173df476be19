/* SPDX-License-Identifier: Apache-2.0 */
/* Histories between a reader and its parent, written by the one and read with
 * distrust by the other. */
#include "transfer/media/history_set.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/cose.h"
#include "transfer/format/schema.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <stdlib.h>

#define HISTORIES "histories"
#define CHANNEL_LEN 17 /* "0123abcd-4567cdef" */
#define HEX "0123456789abcdef"

void
past_wipe(struct past *past)
{
	for (size_t i = 0; past->items != NULL && i < past->n; i++)
		free(past->items[i].certs);
	free(past->items);
	*past = (struct past){ 0 };
}

bool
past_is_channel(const char *name)
{
	return strlen(name) == CHANNEL_LEN && strspn(name, HEX) == 8 &&
	       name[8] == '-' && strspn(name + 9, HEX) == 8;
}

bool
past_is_number(const char *name)
{
	size_t n = strlen(name);

	return n >= 6 && n <= 10 && strspn(name, "0123456789") == n;
}

static bool
history_set_is_name(struct span text)
{
	char name[PAST_NAME_MAX], *slash;

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(text));
	slash = strchr(name, '/');
	if (slash == NULL || strlen(name) != text.n)
		return false;
	*slash = '\0';
	return past_is_channel(name) && past_is_number(slash + 1);
}

/* clang-format off */
static const struct schema_type
	name     = { .kind = SCHEMA_TEXT, .min = 1, .max = PAST_NAME_MAX - 1,
		.fits = history_set_is_name, .wanted = "CHANNEL/NUMBER" },
	manifest = TYPE(NULL, SCHEMA_BYTES, 1, COSE_FILE_MAX),
	bundle   = TYPE(NULL, SCHEMA_BYTES, 0, COSE_FILE_MAX),
	policy   = TYPE(NULL, SCHEMA_FILE, 0, POLICY_FILE_MAX),
	cert_der = TYPE(NULL, SCHEMA_DER, PAST_CERT_MIN, CERT_MAX);
LIST_OF(certs, 0, SCHEMA_MANY, "certificate", &cert_der, ITEM_SPAN);

static const struct schema_field past_item[] = {
	{ 0, "name",         &name,     IN(past_item, name) },
	{ 0, "manifest",     &manifest, IN(past_item, manifest) },
	{ 0, "bundle",       &bundle,   IN(past_item, bundle) },
	{ 0, "policy",       &policy,   IN(past_item, policy) },
	{ 0, "certificates", &certs,    LIST(past_item, certs) },
};
static const struct schema_type response =
	TYPE_TUPLE(NULL, past_item, past_item);
LIST_OF(responses, 1, MEDIA_FILES_MAX, "response", &response, IN_PLACE);
static const struct schema_field history_set =
	{ 0, "responses", &responses, ITEMS_OF(past) };
/* clang-format on */

enum rc
past_write(const struct past *past, struct buf *ret_out)
{
	return schema_write(&history_set, past, ret_out);
}

enum rc
past_read(struct span bytes, struct past *ret)
{
	WIPED(past) past = { 0 };
	struct err_saved saved;
	enum rc rc = cbor_in_check(HISTORIES, bytes);

	if (rc == RC_OK)
		rc = schema_read(HISTORIES, bytes, &history_set, &past);
	if (rc == RC_FORMAT) { /* whatever is wrong, the reader wrote it */
		err_save(&saved);
		return rule_refuse(RULE_READER, "%.1000s", saved.text);
	}
	if (rc != RC_OK)
		return rc;
	*ret = past;
	past = (struct past){ 0 };
	return RC_OK;
}
