/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/home/own_key.h"

#include "base/own_ssl.h"
#include "transfer/x509/key.h"

#include <openssl/rand.h>
#include <stdio.h>

#define OWN_RSA_BITS_MAX 4096
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
	enum key_kind kind;
	uint32_t bits;

	if (key_name_read(type, &kind, &bits) &&
	    (kind == KEY_P256 || kind == KEY_P384 ||
		(kind == KEY_RSA && bits <= OWN_RSA_BITS_MAX)))
		return RC_OK;
	return err_set(RC_USAGE,
	    "--key-type %s: wanted ec-p256, ec-p384 or rsa-BITS with 2048 to "
	    "%d bits, a multiple of 8",
	    type, OWN_RSA_BITS_MAX);
}

/* A key that signs for years: everything that a subscriber's must be, too. */
static enum rc
own_key_check(const struct own_key *key)
{
	OWN(EVP_PKEY) *pkey = NULL;
	struct key_facts facts;
	char name[KEY_NAME_MAX];
	enum rc rc;

	if (key->key.spki.n == 0)
		return err_set(RC_TOKEN,
		    "%s \"%s\": the token does not show its public key",
		    key->what, key->key.label);
	rc = key_check(key->what, buf_span(&key->key.spki), &facts, &pkey);
	if (rc != RC_OK)
		return rc;
	key_name(&facts, name);
	if (own_key_type_check(name) != RC_OK)
		return err_set(RC_USAGE,
		    "%s \"%s\": %s; wanted ec-p256, ec-p384 or RSA of at most "
		    "%d bits",
		    key->what, key->key.label, name, OWN_RSA_BITS_MAX);
	if (key->key.extractable)
		return err_set(RC_TOKEN,
		    "%s \"%s\": the token would give its private key away "
		    "(extractable)",
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
