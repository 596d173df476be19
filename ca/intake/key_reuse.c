/* SPDX-License-Identifier: Apache-2.0 */
/* Rule KEY-USED on the CA's side: the ledger is walked once for all keys of a
 * bundle. The rule itself is in transfer/policy/key_uses.c, which the online
 * side has too. */
#include "ca/intake/key_reuse.h"
#include "transfer/policy/key_uses.h"
#include "transfer/rule.h"
#include "transfer/x509/cert_text.h"

struct reuse_look {
	struct ledger *ledger;
	const struct submission *s;
	struct key_uses uses;
};

/* Which requester it was is the operator's business, by the serial: a refusal
 * goes back to the one who asked. */
static const char *
others_of(const struct submission *s, const struct ledger_cert *cert)
{
	static const uint8_t nobody[SHA256_LEN];

	if (memcmp(cert->requester, s->key_id, SHA256_LEN) == 0)
		return NULL;
	if (memcmp(cert->requester, nobody, SHA256_LEN) == 0)
		return "a loose CSR";
	return s->is_loose ? "a requester" : "another requester";
}

/* Names are read from the few certificates that have one of the keys. */
static enum rc
key_reuse_note(
    const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	struct reuse_look *look = arg;
	WIPED(ledger_cert) cert = { 0 };
	WIPED(cert_text) text = { 0 };
	bool known;
	enum rc rc;

	if (!key_uses_watched(&look->uses, key_id))
		return RC_OK;
	rc = ledger_cert_get(look->ledger, serial, &cert, &known);
	if (rc == RC_OK && !known)
		rc = err_set(RC_STATE, "the ledger lacks one of its serials");
	if (rc == RC_OK)
		rc = cert_text_read(buf_span(&cert.der), &text);
	if (rc != RC_OK)
		return rc;
	return key_uses_note(&look->uses, key_id,
	    &(struct key_holder){ .serial = serial,
		.not_after = text.not_after,
		.others = others_of(look->s, &cert),
		.names = text.names.items,
		.n_names = text.names.n });
}

static enum rc
watch_all(struct reuse_look *look, const struct decisions *d)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < d->n && rc == RC_OK; i++)
		if (d->items[i].rule == RULE_NONE &&
		    d->items[i].grant.profile->key_same_names)
			rc = key_uses_watch(&look->uses, d->items[i].key_id);
	return rc;
}

/* A run that was interrupted is finished by the same decisions: what was signed
 * since its Yes, by itself above all, does not count. */
static enum rc
read_past(struct reuse_look *look)
{
	const struct submission *s = look->s;
	uint64_t before = s->admission == ADMIT_RESUME ? s->record.n : 0;
	enum rc rc = ledger_read_begin(look->ledger);

	if (rc == RC_OK)
		rc = ledger_keys_each(
		    look->ledger, before, key_reuse_note, look);
	ledger_read_end(look->ledger);
	return rc;
}

static enum rc
take_all(struct reuse_look *look, struct decisions *d)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < d->n && rc == RC_OK; i++) {
		struct decision *one = &d->items[i];
		char from[SUBMISSION_REQUEST_TEXT];

		if (one->rule != RULE_NONE)
			continue;
		submission_request_name(look->s, i, from);
		rc = key_uses_take(&look->uses, from, one->key_id, &one->grant);
		if (rc == RC_POLICY)
			rc = decisions_withdraw(d, look->s, i);
	}
	return rc;
}

enum rc
decisions_check_keys(
    struct ledger *ledger, const struct submission *s, struct decisions *d)
{
	struct reuse_look look = { .ledger = ledger, .s = s };
	enum rc rc = watch_all(&look, d);

	if (rc == RC_OK && look.uses.n != 0)
		rc = read_past(&look);
	if (rc == RC_OK)
		rc = take_all(&look, d);
	key_uses_wipe(&look.uses);
	return rc;
}
