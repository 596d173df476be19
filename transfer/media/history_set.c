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
history_set_wipe(struct history_set *history)
{
	for (size_t i = 0; history->items != NULL && i < history->n; i++)
		free(history->items[i].certs);
	free(history->items);
	*history = (struct history_set){ 0 };
}

bool
history_is_channel(const char *name)
{
	return strlen(name) == CHANNEL_LEN && strspn(name, HEX) == 8 &&
	       name[8] == '-' && strspn(name + 9, HEX) == 8;
}

bool
history_is_number(const char *name)
{
	size_t n = strlen(name);

	return n >= 6 && n <= 10 && strspn(name, "0123456789") == n;
}

static bool
history_set_is_name(struct span text)
{
	char name[HISTORY_NAME_MAX], *slash;

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(text));
	slash = strchr(name, '/');
	if (slash == NULL || strlen(name) != text.n)
		return false;
	*slash = '\0';
	return history_is_channel(name) && history_is_number(slash + 1);
}

bool
history_is_place(const char *name)
{
	return history_is_channel(name) || history_set_is_name(span_str(name));
}

/* clang-format off */
static const struct schema_type
	name     = { .kind = SCHEMA_TEXT, .min = 1, .max = HISTORY_NAME_MAX - 1,
		.fits = history_set_is_name, .wanted = "CHANNEL/NUMBER" },
	manifest = TYPE(NULL, SCHEMA_BYTES, 1, COSE_FILE_MAX),
	bundle   = TYPE(NULL, SCHEMA_BYTES, 0, COSE_FILE_MAX),
	policy   = TYPE(NULL, SCHEMA_FILE, 0, POLICY_FILE_MAX),
	crl      = TYPE(NULL, SCHEMA_BYTES, 0, MEDIA_FILE_MAX),
	cert_der = TYPE(NULL, SCHEMA_DER, CERT_MIN, CERT_MAX);
LIST_OF(certs, 0, HISTORY_CERTS_MAX, "certificate", &cert_der, ITEM_SPAN);

static const struct schema_field history_item[] = {
	{ 0, "name",         &name,     IN(history_item, name) },
	{ 0, "manifest",     &manifest, IN(history_item, manifest) },
	{ 0, "bundle",       &bundle,   IN(history_item, bundle) },
	{ 0, "policy",       &policy,   IN(history_item, policy) },
	{ 0, "certificates", &certs,    LIST(history_item, certs) },
	{ 0, "crl",          &crl,      IN(history_item, crl) },
};
static const struct schema_type response =
	TYPE_TUPLE(NULL, history_item, history_item);
LIST_OF(responses, 1, MEDIA_FILES_MAX, "response", &response, IN_PLACE);
static const struct schema_field history_set =
	{ 0, "responses", &responses, ITEMS_OF(history_set) };
/* clang-format on */

enum rc
history_set_write(const struct history_set *history, struct buf *ret_out)
{
	return schema_write(&history_set, history, ret_out);
}

enum rc
history_set_read(struct span bytes, struct history_set *ret)
{
	WIPED(history_set) history = { 0 };
	struct err_saved saved;
	enum rc rc = cbor_in_check(HISTORIES, bytes);

	if (rc == RC_OK)
		rc = schema_read(HISTORIES, bytes, &history_set, &history);
	if (rc == RC_FORMAT) { /* whatever is wrong, the reader wrote it */
		err_save(&saved);
		return rule_refuse(RULE_READER, "%.1000s", saved.text);
	}
	if (rc != RC_OK)
		return rc;
	*ret = history;
	history = (struct history_set){ 0 };
	return RC_OK;
}
