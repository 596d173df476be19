/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are made here. They stay in memory until every question is
 * answered, so that a refused request leaves none behind. */
#include "transfer/online/request/compose.h"

#include "base/file.h"
#include "base/own_ssl.h"

#include <stdio.h>
#include <stdlib.h>

static enum rc
add_csr(struct compose *c, EVP_PKEY *key, const struct profile *profile,
    const struct name_list *names)
{
	/* Where neither takes them, they are refused there by name. */
	const bool in_bundle = (profile->names_from & NAMES_FROM_BUNDLE) != 0 ||
			       (profile->names_from & NAMES_FROM_CSR) == 0;
	struct span id =
	    names->n != 0 ? names->items[0].text : span_str(profile->name);
	WIPED(buf) der = { 0 };
	struct composed *item;
	enum rc rc;

	rc = compose_csr(key, names->items, in_bundle ? 0 : names->n, &der);
	if (rc == RC_OK)
		rc = compose_add(c, "new key", buf_span(&der), id);
	if (rc != RC_OK)
		return rc;
	item = &c->items[c->n - 1];
	for (size_t i = 0; in_bundle && i < names->n && rc == RC_OK; i++)
		rc = name_list_add(
		    &item->names, names->items[i].type, names->items[i].text);
	return rc;
}

enum rc
compose_add_key(struct compose *c, const char *type,
    const struct profile *profile, const struct name_list *names)
{
	OWN(EVP_PKEY) *key = NULL;
	enum rc rc = online_key_make(type, &key);

	if (rc == RC_OK)
		rc = add_csr(c, key, profile, names);
	if (rc == RC_OK)
		c->items[c->n - 1].new_key = MOVE(key);
	return rc;
}

/* ---- keeping ------------------------------------------------------------- */

/* "keys/NAME-KEYID.pem": the id keeps keys of one name apart. */
static enum rc
name_file(const struct compose *all, const struct composed *c, struct buf *out)
{
	const struct names_chosen names = composed_names(all, c);
	struct span name =
	    names.n != 0 ? names.items[0].text : span_str(c->profile);
	uint8_t id[SHA256_LEN];
	char hex[17];
	enum rc rc = key_id_of(c->new_key, id);

	if (rc != RC_OK)
		return rc;
	hex_write(span_of(id, 8), hex);
	rc = buf_add_str(out, "keys/");
	if (rc == RC_OK)
		rc = online_name_write(name, out);
	return rc != RC_OK ? rc : buf_printf(out, "-%s.pem", hex);
}

static enum rc
keep(const struct compose *all, struct composed *c, const char *home)
{
	WIPED(buf) file = { 0 };
	const char *text;
	enum rc rc = name_file(all, c, &file);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&file);
	if (text == NULL)
		return err_memory();
	rc = online_key_write(home, text, c->new_key);
	if (rc != RC_OK)
		return rc;
	c->key_file = strdup(text);
	return c->key_file == NULL ? err_memory() : RC_OK;
}

enum rc
compose_keys_keep(struct compose *c, const char *home)
{
	WIPED(buf) dir = { 0 };
	const char *text;
	bool made = false;
	enum rc rc = buf_printf(&dir, "%s/keys", home);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&dir);
	if (text == NULL)
		return err_memory();
	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		if (c->items[i].new_key == NULL)
			continue;
		if (!made)
			rc = dir_make(text, 0700);
		made = true;
		if (rc == RC_OK)
			rc = keep(c, &c->items[i], home);
	}
	return rc;
}
