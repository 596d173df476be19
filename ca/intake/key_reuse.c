/* SPDX-License-Identifier: Apache-2.0 */
/* Rule KEY-USED on the CA's side: the ledger is walked once for all keys of a
 * bundle. The rule itself is in transfer/policy/key_uses.c, which the online
 * side has too. */
#include "ca/intake/key_reuse.h"
#include "base/clock.h"
#include "transfer/policy/key_uses.h"
#include "transfer/rule.h"
#include "transfer/x509/cert_text.h"

#include <stdlib.h>
#include <string.h>

struct reuse_look {
	struct ledger *ledger;
	const struct submission *s;
	struct key_uses uses;
	struct buf
	    *held; /* owned; for each of uses: who else has it, in words */
};

static void
reuse_look_wipe(struct reuse_look *look)
{
	for (size_t i = 0; look->held != NULL && i < look->uses.n; i++)
		buf_wipe(&look->held[i]);
	free(look->held);
	key_uses_wipe(&look->uses);
}

static bool
is_nobody(const struct ledger_cert *cert)
{
	static const uint8_t nobody[SHA256_LEN];

	return memcmp(cert->requester, nobody, SHA256_LEN) == 0;
}

/* Which requester it was is the operator's business: a refusal goes back to the
 * one who asked. */
static const char *
others_of(const struct submission *s, const struct ledger_cert *cert)
{
	if (memcmp(cert->requester, s->key_id, SHA256_LEN) == 0)
		return NULL;
	if (is_nobody(cert))
		return "a loose CSR";
	return s->is_loose ? "a requester" : "another requester";
}

static enum rc
write_held(const struct reuse_look *look, const struct ledger_cert *cert,
    const struct key_holder *holder, struct buf *to)
{
	char serial[2 * SERIAL_MAX + 1], end[CLOCK_TEXT];
	WIPED(requester) q = { 0 };
	bool met = false;
	enum rc rc =
	    ledger_requester_met(look->ledger, cert->requester, &q, &met);

	hex_write(holder->serial, serial);
	clock_write(holder->not_after, end);
	buf_reset(to);
	if (rc == RC_OK)
		rc = buf_printf(to, "%s %s of ",
		    holder->is_begun ? "unfinished" : "certificate", serial);
	if (rc == RC_OK && is_nobody(cert))
		rc = buf_add_str(to, "a loose CSR");
	else if (rc == RC_OK)
		rc = buf_printf(to, "\"%s\"%s", q.label,
		    q.removed != 0 ? ", who was removed" : "");
	return rc == RC_OK ? buf_printf(to, ", until %.10s", end) : rc;
}

static enum rc
note_holder_of(struct reuse_look *look, const uint8_t key_id[static SHA256_LEN],
    const struct ledger_cert *cert, struct key_holder *holder)
{
	uint32_t place;
	enum rc rc = RC_OK;

	holder->others = others_of(look->s, cert);
	holder->is_loose = is_nobody(cert);
	if (holder->others != NULL &&
	    digest_set_find(&look->uses.keys, key_id, &place))
		rc = write_held(look, cert, holder, &look->held[place]);
	return rc == RC_OK ? key_uses_note(&look->uses, key_id, holder) : rc;
}

/* Names are read from the few certificates that have one of the keys. What a
 * run has begun and not signed has none yet. */
static enum rc
key_reuse_note(
    const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	struct reuse_look *look = arg;
	WIPED(ledger_cert) cert = { 0 };
	WIPED(cert_text) text = { 0 };
	struct key_holder holder = { .serial = serial };
	bool known;
	enum rc rc;

	if (!key_uses_watched(&look->uses, key_id))
		return RC_OK;
	rc = ledger_cert_get(look->ledger, serial, &cert, &known);
	if (rc == RC_OK && !known)
		rc = err_set(RC_STATE, "the ledger lacks one of its serials");
	holder.is_begun = rc == RC_OK && cert.der.n == 0;
	if (rc == RC_OK && !holder.is_begun)
		rc = cert_text_read(buf_span(&cert.der), &text);
	if (rc != RC_OK)
		return rc;
	holder.not_after =
	    holder.is_begun ? cert.intent.not_after : text.not_after;
	holder.names = text.names.items;
	holder.n_names = text.names.n;
	return note_holder_of(look, key_id, &cert, &holder);
}

/* Each key, also where the profile lets any pass: the operator is told. */
static enum rc
watch_all(struct reuse_look *look, const struct decisions *d)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < d->n && rc == RC_OK; i++)
		if (d->items[i].rule == RULE_NONE)
			rc = key_uses_watch(&look->uses, d->items[i].key_id);
	if (rc != RC_OK || look->uses.n == 0)
		return rc;
	look->held = calloc(look->uses.n, sizeof(*look->held));
	return look->held == NULL ? err_memory() : RC_OK;
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
		rc = ledger_keys_each(look->ledger, &look->uses.keys, before,
		    key_reuse_note, look);
	ledger_read_end(look->ledger);
	return rc;
}

static enum rc
tell_held(const struct reuse_look *look, struct decision *one)
{
	uint32_t place;

	if (!digest_set_find(&look->uses.keys, one->key_id, &place) ||
	    look->held[place].n == 0)
		return RC_OK;
	one->held =
	    strndup((const char *)look->held[place].p, look->held[place].n);
	return one->held == NULL ? err_memory() : RC_OK;
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
		rc = tell_held(look, one);
		if (rc != RC_OK)
			break;
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
	WIPED(reuse_look) look = { .ledger = ledger, .s = s };
	enum rc rc = watch_all(&look, d);

	if (rc == RC_OK && look.uses.n != 0)
		rc = read_past(&look);
	if (rc == RC_OK)
		rc = take_all(&look, d);
	return rc;
}
