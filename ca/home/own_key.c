/* SPDX-License-Identifier: Apache-2.0 */
/* What a key must be before the CA calls it its own. Keys in use are found by
 * keys.c. */
#include "ca/home/own_key.h"

#include "base/own_ssl.h"
#include "transfer/x509/key.h"

#include <openssl/rand.h>
#include <stdio.h>

#define MARK_LEN 4 /* random bytes of a label */

void
own_key_wipe(struct own_key *key)
{
	token_key_wipe(&key->key);
	*key = (struct own_key){ 0 };
}

enum rc
own_key_type_check(const char *type)
{
	char wanted[CHOICE_TEXT];
	struct key_type read;

	if (key_type_read(type, KEY_OF_CA, &read))
		return RC_OK;
	key_types_list(KEY_OF_CA, wanted);
	return err_set(RC_USAGE, "--key-type %s: wanted %s", type, wanted);
}

/* A key that signs for years: everything that a subscriber's must be, too. */
static enum rc
own_key_check(const struct own_key *key)
{
	OWN(EVP_PKEY) *pkey = NULL;
	struct key_facts facts;
	char name[KEY_TYPE_TEXT], wanted[CHOICE_TEXT];
	enum rc rc;

	if (key->key.spki.n == 0)
		return err_set(RC_TOKEN,
		    "%s \"%s\": the token does not show its public key",
		    key->what, key->key.label);
	rc = key_check(key->what, buf_span(&key->key.spki), &facts, &pkey);
	if (rc != RC_OK)
		return rc;
	if (!key_type_is_for(
		(struct key_type){ facts.kind, facts.bits }, KEY_OF_CA)) {
		key_name(&facts, name);
		key_types_list(KEY_OF_CA, wanted);
		return err_set(RC_USAGE, "%s \"%s\": %s; wanted %s", key->what,
		    key->key.label, name, wanted);
	}
	if (key->key.extractable)
		return err_set(RC_TOKEN,
		    "%s \"%s\": the token would give its private key away (extractable)",
		    key->what, key->key.label);
	return RC_OK;
}

/* In token.conf an object is named by its label too. */
static enum rc
make(struct token *token, const char *label, struct own_key *key)
{
	char hex[2 * MARK_LEN + 1], full[64];
	uint8_t mark[MARK_LEN];
	enum rc rc;

	if (RAND_bytes(mark, sizeof(mark)) != 1)
		return err_openssl(RC_BUG, "no random bytes");
	hex_write(span_of(mark, sizeof(mark)), hex);
	(void)snprintf(full, sizeof(full), "%s-%s", label, hex);
	rc = token_keygen(token, key->type, full, SPAN_NONE, &key->key);
	key->made = rc == RC_OK;
	return rc;
}

enum rc
own_key_get(struct token *token, const char *label, struct own_key *key)
{
	enum rc rc = key->type != NULL
			 ? make(token, label, key)
			 : token_find_key(token, key->uri, &key->key);

	return rc == RC_OK ? own_key_check(key) : err_in(rc, "%s", key->what);
}

enum rc
own_key_uri(const struct own_key *key, const char *opened_by, struct buf *out)
{
	/* The token names a key without saying where its PIN comes from; the
	 * next command has nothing but this line to go by. */
	const char *query = opened_by == NULL ? NULL : strchr(opened_by, '?');
	const char *pin = query == NULL ? NULL : strstr(query, "pin-source=");
	enum rc rc = buf_add_str(out, key->key.uri);

	if (rc == RC_OK && pin != NULL)
		rc = buf_printf(out, "%c%.*s",
		    strchr(key->key.uri, '?') == NULL ? '?' : '&',
		    (int)strcspn(pin, "&"), pin);
	return rc;
}
