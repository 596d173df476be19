/* SPDX-License-Identifier: Apache-2.0 */
/* Keys first, from what is revoked; then each certificate of the ledger that
 * has one of them. */
#include "ca/intake/same_key.h"

#include "base/list.h"
#include "transfer/format/digest_set.h"

#include <stdlib.h>

void
same_key_wipe(struct same_key *same)
{
	free(same->items);
	*same = (struct same_key){ 0 };
}

struct same_key_look {
	struct ledger *ledger;
	const struct revokes *revokes;
	struct same_key *same;
	struct digest_set keys;	       /* with the place of its owner */
	uint8_t (*owners)[SHA256_LEN]; /* owned: whose the first of each was */
	size_t n_owners;
};

static void
same_key_look_wipe(struct same_key_look *look)
{
	digest_set_wipe(&look->keys);
	free(look->owners);
}

static enum rc
watch_cert(struct same_key_look *look, const struct revoke_cert *one)
{
	WIPED(ledger_cert) cert = { 0 };
	bool known = false, added = false;
	enum rc rc = RC_OK;

	if (!one->has_key || digest_set_find(&look->keys, one->key_id, NULL))
		return RC_OK;
	rc = ledger_cert_get(
	    look->ledger, span_of(one->serial, one->n_serial), &cert, &known);
	if (rc == RC_OK)
		rc = LIST_GROW(look->owners, look->n_owners);
	if (rc != RC_OK)
		return rc;
	memcpy(look->owners[look->n_owners], cert.requester, SHA256_LEN);
	return digest_set_add(
	    &look->keys, one->key_id, (uint32_t)look->n_owners++, &added);
}

static enum rc
watch_lost(struct same_key_look *look)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < look->revokes->n; i++) {
		const struct revoke_decision *d = &look->revokes->items[i];
		const uint32_t reason = look->revokes->asked[i].reason;

		if (d->rule != RULE_NONE ||
		    !reason_is_compromise((enum reason)reason))
			continue;
		for (size_t c = 0; c < d->n && rc == RC_OK; c++)
			rc = watch_cert(look, &d->certs[c]);
	}
	return rc;
}

static bool
is_to_be_revoked(const struct revokes *revokes, struct span serial)
{
	for (size_t i = 0; i < revokes->n; i++) {
		const struct revoke_decision *d = &revokes->items[i];

		for (size_t c = 0; d->rule == RULE_NONE && c < d->n; c++)
			if (span_eq(serial, span_of(d->certs[c].serial,
						d->certs[c].n_serial)))
				return true;
	}
	return false;
}

static enum rc
keep_same_key(struct same_key_look *look, const struct ledger_cert *cert,
    struct span serial, uint32_t owner)
{
	struct same_key *same = look->same;
	struct same_key_cert *one;
	enum rc rc = LIST_GROW(same->items, same->n);

	if (rc != RC_OK)
		return rc;
	one = &same->items[same->n++];
	*one = (struct same_key_cert){ .n_serial = serial.n,
		.not_after = cert->intent.not_after,
		.others = memcmp(cert->requester, look->owners[owner],
			      SHA256_LEN) != 0 };
	memcpy(one->serial, serial.p, serial.n);
	memcpy(one->key_id, cert->intent.key_id, SHA256_LEN);
	same->n_others += one->others;
	return RC_OK;
}

static enum rc
same_key_note(
    const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	struct same_key_look *look = arg;
	struct ledger_revocation before;
	WIPED(ledger_cert) cert = { 0 };
	bool known = false, revoked = false;
	uint32_t owner = 0;
	enum rc rc;

	if (!digest_set_find(&look->keys, key_id, &owner) ||
	    is_to_be_revoked(look->revokes, serial))
		return RC_OK;
	rc = ledger_cert_get(look->ledger, serial, &cert, &known);
	if (rc == RC_OK)
		rc =
		    ledger_revoked_get(look->ledger, serial, &before, &revoked);
	if (rc != RC_OK || !known || cert.der.n == 0 || revoked ||
	    cert.intent.not_after < look->revokes->now)
		return rc;
	return keep_same_key(look, &cert, serial, owner);
}

enum rc
same_key_find(
    struct ledger *ledger, const struct revokes *revokes, struct same_key *ret)
{
	WIPED(same_key) same = { 0 };
	WIPED(same_key_look)
	look = { .ledger = ledger, .revokes = revokes, .same = &same };
	enum rc rc = watch_lost(&look);

	if (rc == RC_OK && look.n_owners != 0)
		rc = ledger_keys_each(
		    ledger, &look.keys, 0, same_key_note, &look);
	if (rc != RC_OK)
		return rc;
	*ret = same;
	same = (struct same_key){ 0 };
	return RC_OK;
}
