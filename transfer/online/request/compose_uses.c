/* SPDX-License-Identifier: Apache-2.0 */
/* Rule KEY-USED as far as this host knows: by the certificates in its store.
 * The CA may know of more. */
#include "transfer/online/request/compose_uses.h"

#include "transfer/x509/tbs.h"

/* One a line, as store_names_write has them. */
static enum rc
read_lines(struct span lines, struct name_list *names)
{
	enum rc rc = RC_OK;

	while (lines.n != 0 && rc == RC_OK) {
		struct span line = span_take_line(&lines);
		struct name name;

		if (!name_of_text(line, &name))
			return err_set(RC_STATE, "store: \"%.*s\" is no name",
			    SPAN_FMT(line));
		rc = name_list_add(names, name.type, name.text);
	}
	return rc;
}

static enum rc
compose_uses_note(void *arg, const struct stored_cert *cert)
{
	struct key_uses *uses = arg;
	WIPED(name_list) names = { 0 };
	struct cert_parts parts;
	uint8_t key_id[SHA256_LEN];
	enum rc rc = cert_parts_read("stored certificate", cert->der, &parts);

	if (rc == RC_OK)
		rc = sha256(parts.spki, key_id);
	if (rc != RC_OK || !key_uses_watched(uses, key_id))
		return rc;
	rc = read_lines(cert->names, &names);
	if (rc != RC_OK)
		return rc;
	return key_uses_note(uses, key_id,
	    &(struct key_holder){ .serial = cert->serial,
		.not_after = cert->not_after,
		.names = names.items,
		.n_names = names.n });
}

enum rc
compose_uses_read(const struct compose *compose, struct key_uses *ret)
{
	WIPED(key_uses) uses = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < compose->n && rc == RC_OK; i++) {
		const struct composed *c = &compose->items[i];
		const struct profile *profile = policy_profile_get0(
		    &compose->store->policy, span_str(c->profile));

		if (profile != NULL && profile->key_reuse == KEY_REUSE_NAMES)
			rc = key_uses_watch(&uses, c->key.id);
	}
	if (rc == RC_OK && uses.n != 0)
		rc = store_each_cert(
		    compose->store, STORE_BY_DATE, compose_uses_note, &uses);
	if (rc != RC_OK)
		return rc;
	*ret = uses;
	uses = (struct key_uses){ 0 };
	return RC_OK;
}
