/* SPDX-License-Identifier: Apache-2.0 */
/* Revocations, decided one by one. Whose a certificate is tells the ledger, and
 * no name or label in it. */
#include "ca/intake/revoke.h"

#include "base/clock.h"
#include "base/list.h"
#include "transfer/format/digest_set.h"

#include <stdio.h>
#include <stdlib.h>

void
revokes_wipe(struct revokes *revokes)
{
	for (size_t i = 0; i < revokes->n; i++) {
		free(revokes->items[i].reason);
		free(revokes->items[i].certs);
	}
	free(revokes->items);
	*revokes = (struct revokes){ 0 };
}

/* What is looked up, and where it goes. */
struct revoke_look {
	struct ledger *ledger;
	const struct revoker *who;
	struct revokes *revokes;
	struct digest_set keys; /* the first revocation of each key */
};

static void
revoke_look_wipe(struct revoke_look *look)
{
	digest_set_wipe(&look->keys);
}

#define REVOKE_FROM 96 /* bytes of what sentences call a revocation */

/* By place in a bundle; an operator knows what was typed. */
static const char *
revoke_name(
    const struct revoke_look *look, size_t i, char to[static REVOKE_FROM])
{
	const struct revocation *r = &look->revokes->asked[i];
	const bool by_key = r->serial.n == 0;
	char hex[SHA256_HEX];
	int n = 0;

	if (look->who->key_id != NULL)
		n = snprintf(to, REVOKE_FROM, "revocation %zu: ", i + 1);
	hex_write(by_key ? r->key_id : r->serial, hex);
	(void)snprintf(to + n, REVOKE_FROM - (size_t)n, "%s %s",
	    by_key ? "key" : "serial", hex);
	return to;
}

/* With the sentence and rule of the error record. */
static enum rc
revoke_refuse(struct revoke_decision *d)
{
	d->rule = rule_spoken();
	d->status =
	    d->rule == RULE_REVOKE_UNKNOWN ? REVOKE_UNKNOWN : REVOKE_REFUSED;
	d->reason = strndup(err_text(), COMMENT_MAX);
	free(d->certs);
	d->certs = NULL;
	d->n = 0;
	return d->reason == NULL ? err_memory() : RC_OK;
}

static bool
is_of_bundle(const struct revoker *who, const struct ledger_cert *cert)
{
	return who->key_id == NULL || who->right == MAY_REVOKE_ANY ||
	       memcmp(cert->requester, who->key_id, SHA256_LEN) == 0;
}

static enum rc
deny(const struct revoke_look *look, const char *from)
{
	return rule_refuse(RULE_REVOKE_DENIED,
	    "%s: no bundle of \"%.*s\" obtained it", from,
	    SPAN_FMT(look->who->label));
}

/* Revoked by this very bundle, it was still to be revoked when it was decided.
 */
static enum rc
was_before(const struct revoke_look *look, struct span serial, bool *ret_before)
{
	struct ledger_revocation r;
	uint64_t by = 0;
	bool revoked = false;
	enum rc rc = ledger_revoked_get(look->ledger, serial, &r, &revoked);

	if (rc == RC_OK && revoked && look->who->bundle != 0)
		rc = ledger_revoked_by(look->ledger, r.n, &by);
	*ret_before = revoked && (by == 0 || by != look->who->bundle);
	return rc;
}

static enum rc
note_cert(const struct revoke_look *look, struct span serial,
    const struct ledger_cert *cert, struct revoke_decision *d)
{
	struct revoke_cert one = { .not_before = cert->intent.not_before,
		.not_after = cert->intent.not_after };
	enum rc rc = was_before(look, serial, &one.before);

	if (rc == RC_OK)
		rc = LIST_GROW(d->certs, d->n);
	if (rc != RC_OK)
		return rc;
	memcpy(one.serial, serial.p, serial.n);
	one.n_serial = serial.n;
	memcpy(one.key_id, cert->intent.key_id, SHA256_LEN);
	one.has_key = !cert->adopted || cert->der.n != 0;
	d->certs[d->n++] = one;
	return RC_OK;
}

/* ---- by serial ------------------------------------------------------------
 */

/* What is void or unfinished never left, and no requester has it. Whether a
 * token signed it all the same nobody knows: the operator may make sure. */
static enum rc
check_known(const struct revoke_look *look, const char *from,
    const struct ledger_cert *cert, bool known)
{
	if (known && cert->own)
		return rule_refuse(RULE_REVOKE_CA,
		    "%s: that is a certificate of the CA itself", from);
	if (!known || (cert->der.n == 0 && look->who->key_id != NULL))
		return rule_refuse(RULE_REVOKE_UNKNOWN,
		    "%s: this CA has issued no such certificate", from);
	return RC_OK;
}

static enum rc
decide_serial(const struct revoke_look *look, size_t i)
{
	const struct revocation *r = &look->revokes->asked[i];
	struct revoke_decision *d = &look->revokes->items[i];
	WIPED(ledger_cert) cert = { 0 };
	char from[REVOKE_FROM];
	bool known = false;
	enum rc rc = ledger_cert_get(look->ledger, r->serial, &cert, &known);

	if (rc != RC_OK)
		return rc;
	rc = check_known(look, revoke_name(look, i, from), &cert, known);
	if (rc == RC_OK && !is_of_bundle(look->who, &cert))
		rc = deny(look, from);
	return rc != RC_OK ? revoke_refuse(d)
			   : note_cert(look, r->serial, &cert, d);
}

/* ---- by key ---------------------------------------------------------------
 */

/* Others' certificates for the same key are not this requester's to revoke. */
static enum rc
revoke_note_key(
    const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	struct revoke_look *look = arg;
	struct revoke_decision *d;
	WIPED(ledger_cert) cert = { 0 };
	bool known = false;
	uint32_t place;
	enum rc rc;

	if (!digest_set_find(&look->keys, key_id, &place))
		return RC_OK;
	d = &look->revokes->items[place];
	rc = ledger_cert_get(look->ledger, serial, &cert, &known);
	if (rc != RC_OK || !known || cert.der.n == 0)
		return rc;
	if (is_of_bundle(look->who, &cert))
		return note_cert(look, serial, &cert, d);
	d->status = REVOKE_REFUSED; /* should nothing else be found */
	return RC_OK;
}

static enum rc
watch_keys(struct revoke_look *look)
{
	enum rc rc = RC_OK;
	bool added;

	for (size_t i = 0; i < look->revokes->n && rc == RC_OK; i++)
		if (look->revokes->asked[i].serial.n == 0)
			rc = digest_set_add(&look->keys,
			    look->revokes->asked[i].key_id.p, (uint32_t)i,
			    &added);
	return rc;
}

/* One that asks for the key of another once more comes to the same. */
static enum rc
copy_first(const struct revoke_look *look, size_t first, size_t i)
{
	const struct revoke_decision *from = &look->revokes->items[first];
	struct revoke_decision *d = &look->revokes->items[i];

	if (first == i || from->n == 0)
		return RC_OK;
	d->certs = calloc(from->n, sizeof(*d->certs));
	if (d->certs == NULL)
		return err_memory();
	memcpy(d->certs, from->certs, from->n * sizeof(*d->certs));
	d->n = from->n;
	return RC_OK;
}

static enum rc
decide_key(const struct revoke_look *look, size_t i)
{
	struct revoke_decision *d = &look->revokes->items[i];
	uint32_t first = (uint32_t)i;
	char from[REVOKE_FROM];
	enum rc rc;

	(void)digest_set_find(
	    &look->keys, look->revokes->asked[i].key_id.p, &first);
	rc = copy_first(look, first, i);
	if (rc != RC_OK || d->n != 0)
		return rc;
	(void)revoke_name(look, i, from);
	if (look->revokes->items[first].status == REVOKE_REFUSED)
		(void)deny(look, from);
	else
		(void)rule_refuse(RULE_REVOKE_UNKNOWN,
		    "%s: this CA has issued no certificate for it", from);
	return revoke_refuse(d);
}

/* ---- each -----------------------------------------------------------------
 */

/* A host's clock may be ahead of this one as far as its bundles' may: whoever
 * lost a key today is not sent away for it. */
static enum rc
check_since(const struct revoke_look *look, size_t i)
{
	const struct revocation *r = &look->revokes->asked[i];
	int64_t now = look->who->now;
	char from[REVOKE_FROM], since[CLOCK_TEXT], at[CLOCK_TEXT];

	if (!r->has_since ||
	    r->since <= now + (look->who->key_id == NULL ? 0 : DAY))
		return RC_OK;
	clock_write(r->since, since);
	clock_write(now, at);
	return rule_refuse(RULE_REVOKE_FUTURE,
	    "%s: its key was lost at %s, which is in the future: the clock says %s",
	    revoke_name(look, i, from), since, at);
}

/* Revoked when anything new is; what was all revoked before is told so. */
static enum rc
decide_one(const struct revoke_look *look, size_t i)
{
	struct revoke_decision *d = &look->revokes->items[i];
	enum rc rc = look->revokes->asked[i].serial.n != 0
			 ? decide_serial(look, i)
			 : decide_key(look, i);

	if (rc != RC_OK || d->rule != RULE_NONE)
		return rc;
	if (check_since(look, i) != RC_OK)
		return revoke_refuse(d);
	d->status = REVOKED_BEFORE;
	for (size_t c = 0; c < d->n; c++)
		if (!d->certs[c].before)
			d->status = REVOKED;
	return RC_OK;
}

static enum rc
decide_nothing(const struct revoke_look *look, size_t i)
{
	char from[REVOKE_FROM];

	(void)rule_refuse(RULE_REVOKE_DENIED,
	    "%s: the policy has `revoke = no` for \"%.*s\"",
	    revoke_name(look, i, from), SPAN_FMT(look->who->label));
	return revoke_refuse(&look->revokes->items[i]);
}

static enum rc
decide_all(struct revoke_look *look)
{
	const bool nothing =
	    look->who->key_id != NULL && look->who->right == MAY_REVOKE_NOTHING;
	enum rc rc = nothing ? RC_OK : watch_keys(look);

	if (rc == RC_OK && look->keys.n != 0)
		rc = ledger_keys_each(
		    look->ledger, &look->keys, 0, revoke_note_key, look);
	for (size_t i = 0; i < look->revokes->n && rc == RC_OK; i++)
		rc = nothing ? decide_nothing(look, i) : decide_one(look, i);
	return rc;
}

static void
revokes_count(struct revokes *revokes)
{
	for (size_t i = 0; i < revokes->n; i++) {
		const struct revoke_decision *d = &revokes->items[i];

		revokes->n_refused += d->rule != RULE_NONE;
		for (size_t c = 0; c < d->n; c++)
			revokes->n_certs += !d->certs[c].before;
	}
}

enum rc
revokes_decide(struct ledger *ledger, const struct revoker *who,
    const struct revocation *asked, size_t n, struct revokes *ret)
{
	WIPED(revokes) revokes = { .asked = asked, .now = who->now };
	WIPED(revoke_look)
	look = { .ledger = ledger, .who = who, .revokes = &revokes };
	enum rc rc;

	revokes.items = calloc(n == 0 ? 1 : n, sizeof(*revokes.items));
	if (revokes.items == NULL)
		return err_memory();
	revokes.n = n;
	rc = ledger_read_begin(ledger);
	if (rc == RC_OK)
		rc = decide_all(&look);
	ledger_read_end(ledger);
	if (rc != RC_OK)
		return rc;
	err_clear(); /* refusals are decisions */
	revokes_count(&revokes);
	*ret = revokes;
	revokes = (struct revokes){ 0 };
	return RC_OK;
}

enum rc
revokes_decide_bundle(struct ledger *ledger, const struct policy *policy,
    const struct submission *s, uint64_t bundle, int64_t at,
    struct revokes *ret)
{
	const struct revoker who = { .key_id = s->key_id,
		.label = submission_label(s),
		.right = policy_may_revoke(policy, submission_label(s)),
		.bundle = bundle,
		.now = at };

	return revokes_decide(
	    ledger, &who, s->bundle.revocations, s->bundle.n_revocations, ret);
}

/* ---- into the ledger ------------------------------------------------------
 */

/* 0: not said. By this clock, of which the other one may be ahead. */
static int64_t
since_of(const struct revokes *revokes, const struct revocation *asked)
{
	if (!asked->has_since)
		return 0;
	return asked->since < revokes->now ? asked->since : revokes->now;
}

static enum rc
record_cert(struct ledger *ledger, const struct revokes *revokes,
    const struct revocation *asked, const struct revoke_cert *cert,
    uint64_t bundle)
{
	const struct ledger_revocation one = {
		.serial = span_of(cert->serial, cert->n_serial),
		.not_after = cert->not_after,
		.reason = (enum reason)asked->reason,
		.has_since = since_of(revokes, asked) != 0,
		.since = since_of(revokes, asked),
	};
	struct ledger_revocation old;
	bool revoked = false;
	enum rc rc = ledger_revoked_get(ledger, one.serial, &old, &revoked);

	/* By an earlier one of these, or by the run that was interrupted. */
	return rc != RC_OK || revoked ? rc
				      : ledger_revoke(ledger, &one, bundle);
}

static enum rc
record_key(struct ledger *ledger, const struct revokes *revokes,
    const struct revocation *asked, const uint8_t key_id[static SHA256_LEN])
{
	bool revoked = false;
	enum rc rc = ledger_key_is_revoked(ledger, key_id, &revoked);

	if (rc != RC_OK || revoked)
		return rc;
	return ledger_key_revoke(ledger, key_id, (enum reason)asked->reason,
	    since_of(revokes, asked));
}

/* A certificate that was superseded last year stays so, but that others have
 * its key is news all the same. */
static enum rc
record_one(struct ledger *ledger, const struct revokes *revokes, size_t i,
    uint64_t bundle)
{
	const struct revocation *asked = &revokes->asked[i];
	const struct revoke_decision *d = &revokes->items[i];
	const bool lost = reason_is_compromise((enum reason)asked->reason);
	enum rc rc = RC_OK;

	for (size_t c = 0; c < d->n && rc == RC_OK; c++) {
		rc = record_cert(ledger, revokes, asked, &d->certs[c], bundle);
		if (rc == RC_OK && lost && d->certs[c].has_key)
			rc = record_key(
			    ledger, revokes, asked, d->certs[c].key_id);
	}
	return rc;
}

enum rc
revokes_record(
    struct ledger *ledger, const struct revokes *revokes, uint64_t bundle)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < revokes->n && rc == RC_OK; i++)
		rc = record_one(ledger, revokes, i, bundle);
	return rc;
}

/* ---- keys that are lost ---------------------------------------------------
 */

struct lost_keys {
	struct digest_set keys; /* by what is about to be recorded */
};

static void
lost_keys_wipe(struct lost_keys *lost)
{
	digest_set_wipe(&lost->keys);
}

static enum rc
lost_keys_of(const struct revokes *revokes, struct lost_keys *ret)
{
	enum rc rc = RC_OK;
	bool added;

	for (size_t i = 0; i < revokes->n; i++) {
		const struct revoke_decision *d = &revokes->items[i];

		if (!reason_is_compromise(
			(enum reason)revokes->asked[i].reason))
			continue;
		for (size_t c = 0; c < d->n && rc == RC_OK; c++)
			if (d->certs[c].has_key)
				rc = digest_set_add(
				    &ret->keys, d->certs[c].key_id, 0, &added);
	}
	return rc;
}

enum rc
revokes_withhold(struct ledger *ledger, const struct revokes *revokes,
    const struct submission *s, struct decisions *d)
{
	WIPED(lost_keys) lost = { 0 };
	enum rc rc = lost_keys_of(revokes, &lost);

	for (size_t i = 0; i < d->n && rc == RC_OK; i++) {
		const uint8_t *key_id = d->items[i].key_id;
		char from[SUBMISSION_REQUEST_TEXT];
		bool revoked = false;

		if (d->items[i].rule != RULE_NONE)
			continue;
		rc = ledger_key_is_revoked(ledger, key_id, &revoked);
		if (rc != RC_OK ||
		    (!revoked && !digest_set_find(&lost.keys, key_id, NULL)))
			continue;
		submission_request_name(s, i, from);
		(void)rule_refuse(RULE_KEY_REVOKED,
		    "%s: its key was revoked: others have it", from);
		rc = decisions_withdraw(d, s, i);
	}
	return rc;
}
