/* SPDX-License-Identifier: Apache-2.0 */
/* What CRLs of the lost part tell: who was revoked, when and why, and which
 * numbers are used. A CRL is the CA's own word, so it is proven by the CA's key
 * and not by who brings it, and read only then. */
#include "ca/lifecycle/recover.h"

#include "base/clock.h"
#include "base/list.h"
#include "ca/ledger/crl_seen.h"
#include "ca/ledger/ledger_crl.h"
#include "ca/ledger/revocation.h"
#include "transfer/format/cose.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/x509/crl_read.h"
#include "transfer/x509/der.h"

#include <stdio.h>
#include <stdlib.h>

void
recovery_crls_wipe(struct recovery *r)
{
	for (size_t i = 0; i < r->n_crls; i++) {
		free(r->crls[i].from);
		free(r->crls[i].words);
	}
	free(r->crls);
	digest_set_wipe(&r->shadows);
	digest_set_wipe(&r->coming);
}

/* ---- what manifests tell of CRLs ------------------------------------------
 */

/* What this ledger signed itself is not lost. Of a series the first lists most,
 * so who has none from there on lacks something. */
static enum rc
crls_told_by(struct recovery *r, const struct manifest *m)
{
	uint64_t first = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_crls && rc == RC_OK; i++) {
		const struct crl_entry *e = &m->crls[i];
		struct ledger_crl own;
		bool known = false, is_new;

		rc = ledger_crl_get(r->ledger, e->number, &own, &known);
		if (rc != RC_OK || known)
			continue;
		if (e->number > r->crl_top)
			r->crl_top = e->number;
		if (e->shadow)
			rc = digest_set_add(&r->shadows, e->digest, 0, &is_new);
		else if (first == 0)
			first = e->number;
	}
	if (first > r->crl_wanted)
		r->crl_wanted = first;
	return rc;
}

static enum rc
crls_told_import(const struct ledger_import *import, void *arg)
{
	WIPED(manifest) m = { .sequence = 0 };
	struct cose cose;
	enum rc rc =
	    cose_read("the ledger", import->file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read("the ledger", cose.payload, &m);
	return rc == RC_OK ? crls_told_by(arg, &m) : rc;
}

/* Serials take the room of a digest. */
static void
crl_serial_pad(struct span serial, uint8_t ret[static SHA256_LEN])
{
	memset(ret, 0, SHA256_LEN);
	memcpy(ret, serial.p, serial.n < SHA256_LEN ? serial.n : SHA256_LEN);
}

static enum rc
crls_note_coming(struct recovery *r, const struct manifest *m)
{
	uint8_t id[SHA256_LEN];
	bool is_new;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results; i++)
		for (size_t c = 0; c < m->results[i].n_certs && rc == RC_OK;
		     c++) {
			crl_serial_pad(m->results[i].certs[c].serial, id);
			rc = digest_set_add(&r->coming, id, 0, &is_new);
		}
	return rc;
}

enum rc
recovery_crls_told(struct recovery *r)
{
	static const uint8_t none[SHA256_LEN];
	struct ledger_crls_seen seen = { .highest = 0 };
	enum rc rc = ledger_crls_seen_get(r->ledger, none, &seen);

	r->crl_read = seen.highest;
	if (rc == RC_OK)
		rc = ledger_imports_each(r->ledger, crls_told_import, r);
	for (size_t i = 0; i < r->n && rc == RC_OK; i++) {
		if (r->items[i].held)
			continue;
		rc = crls_told_by(r, &r->items[i].manifest);
		if (rc == RC_OK)
			rc = crls_note_coming(r, &r->items[i].manifest);
	}
	return rc;
}

bool
recovery_lacks_crl(const struct recovery *r)
{
	uint64_t highest = r->crl_read;

	for (size_t i = 0; i < r->n_crls; i++)
		if (r->crls[i].number > highest)
			highest = r->crls[i].number;
	return highest < r->crl_wanted;
}

/* ---- is it the CA's? ------------------------------------------------------
 */

/* By lengths alone, for nothing else of it is looked at before its signature.
 */
static bool
crl_parts_take(struct span der, struct cert_parts *ret)
{
	struct span body, tbs, version;
	struct der whole, algorithm, inner, issuer;
	bool good = der_take(&der, DER_SEQUENCE, &body) && der.n == 0 &&
		    der_take_whole(&body, DER_SEQUENCE, &whole) &&
		    der_take_whole(&body, DER_SEQUENCE, &algorithm) &&
		    der_take_bits(&body, &ret->signature) && body.n == 0;

	tbs = good ? whole.content : SPAN_NONE;
	good = good && der_take(&tbs, DER_INTEGER, &version) &&
	       der_take_whole(&tbs, DER_SEQUENCE, &inner) &&
	       der_take_whole(&tbs, DER_SEQUENCE, &issuer);
	if (!good)
		return false;
	ret->tbs = whole.whole;
	ret->algorithm = algorithm.whole;
	ret->issuer = issuer.whole;
	return true;
}

static enum rc
crl_refuse(const char *from, const char *what)
{
	return rule_refuse(RULE_RECOVER_CRL, "%s: %s", from, what);
}

static enum rc
crl_prove(const struct trust *trust, const char *from, struct span der)
{
	struct cert_parts parts = { .subject = SPAN_NONE };
	bool named = false, good = false;
	enum rc rc = RC_OK;

	if (!crl_parts_take(der, &parts))
		return crl_refuse(from, "no CRL");
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK && !good; i++) {
		const struct trust_ca *ca = &trust->cas[i];

		if (!span_eq(parts.issuer, buf_span(&ca->subject)))
			continue;
		named = true;
		if (span_eq(parts.algorithm, ca->algorithm))
			rc = ca_is_signed(from, &parts, ca->key, &good);
	}
	if (rc != RC_OK || good)
		return rc;
	return crl_refuse(from, named ? "its signature is not by this CA's key"
				      : "its issuer is not this CA");
}

/* ---- what it lists --------------------------------------------------------
 */

struct crl_taking {
	struct recovery_crl crl;
	int64_t now;
};

static void
crl_taking_wipe(struct crl_taking *t)
{
	free(t->crl.from);
	free(t->crl.words);
}

static enum rc
crl_note_word(void *arg, const struct crl_revoked *revoked)
{
	struct crl_taking *t = arg;
	struct crl_word *word;
	char serial[2 * SERIAL_MAX + 1], at[CLOCK_TEXT], now[CLOCK_TEXT];
	enum rc rc;

	if (revoked->at > t->now) {
		hex_write(revoked->serial, serial);
		clock_write(revoked->at, at);
		clock_write(t->now, now);
		return rule_refuse(RULE_RECOVER_CRL,
		    "%s: it lists %s as revoked at %s, which is in the future by this clock (%s)",
		    t->crl.from, serial, at, now);
	}
	rc = LIST_GROW(t->crl.words, t->crl.n);
	if (rc != RC_OK)
		return rc;
	word = &t->crl.words[t->crl.n++];
	*word = (struct crl_word){ .n_serial = (uint8_t)revoked->serial.n,
		.reason = revoked->reason,
		.at = revoked->at,
		.since = revoked->has_since ? revoked->since : 0 };
	memcpy(word->serial, revoked->serial.p, revoked->serial.n);
	return RC_OK;
}

static enum rc
crl_read_words(struct crl_taking *t, struct span der)
{
	OWNS(crl_reader) *reader = NULL;
	struct crl_facts facts;
	enum rc rc = crl_reader_new(t->crl.from, crl_note_word, t, &reader);

	if (rc == RC_OK)
		rc = crl_reader_read(reader, der, &facts);
	if (rc == RC_FORMAT && rule_spoken() == RULE_NONE)
		rc = rule_refuse(RULE_RECOVER_CRL, "%s", err_text());
	if (rc != RC_OK)
		return rc;
	t->crl.number = facts.number;
	t->crl.this_update = facts.this_update;
	memcpy(t->crl.digest, facts.digest, SHA256_LEN);
	return RC_OK;
}

/* It lists every certificate of a requester, for a day that did not come. If it
 * did, its host has said so, or will. */
static enum rc
check_no_shadow(const struct recovery *r, const struct recovery_crl *crl)
{
	struct ledger_crl own;
	bool known = false;
	enum rc rc = ledger_crl_get(r->ledger, crl->number, &own, &known);

	if (rc != RC_OK)
		return rc;
	if ((known && own.list.shadow) ||
	    digest_set_find(&r->shadows, crl->digest, NULL))
		return crl_refuse(crl->from,
		    "a shadow CRL, which lists all that its requester has; wanted is a regular one");
	return RC_OK;
}

/* What this CRL would change, and whose key nobody knows. */
static enum rc
crl_count(const struct recovery *r, struct recovery_crl *crl)
{
	struct ledger_crls_seen seen = { .highest = 0 };
	enum rc rc = ledger_crls_seen_get(r->ledger, crl->digest, &seen);

	crl->seen = seen.this_one;
	for (size_t i = 0; i < crl->n && rc == RC_OK; i++) {
		const struct crl_word *word = &crl->words[i];
		const struct span serial =
		    span_of(word->serial, word->n_serial);
		WIPED(ledger_cert) cert = { .at = 0 };
		uint8_t id[SHA256_LEN];
		bool known = false;

		crl_serial_pad(serial, id);
		rc = ledger_cert_get(r->ledger, serial, &cert, &known);
		crl->n_new += rc == RC_OK && (!known || !cert.revoked);
		crl->n_no_key += rc == RC_OK && (!known || cert.listed) &&
				 reason_is_compromise(word->reason) &&
				 !digest_set_find(&r->coming, id, NULL);
	}
	return rc;
}

static bool
crl_is_taken(const struct recovery *r, const uint8_t digest[static SHA256_LEN])
{
	for (size_t i = 0; i < r->n_crls; i++)
		if (memcmp(r->crls[i].digest, digest, SHA256_LEN) == 0)
			return true;
	return false;
}

enum rc
recovery_crl_take(
    struct recovery *r, const char *from, struct span der, int64_t now)
{
	WIPED(crl_taking) t = { .now = now };
	enum rc rc = crl_prove(r->trust, from, der);

	if (rc != RC_OK)
		return rc;
	t.crl.from = strdup(from);
	rc = t.crl.from == NULL ? err_memory() : crl_read_words(&t, der);
	if (rc == RC_OK)
		rc = check_no_shadow(r, &t.crl);
	if (rc != RC_OK || crl_is_taken(r, t.crl.digest))
		return rc;
	rc = crl_count(r, &t.crl);
	if (rc == RC_OK)
		rc = LIST_GROW(r->crls, r->n_crls);
	if (rc != RC_OK)
		return rc;
	r->crls[r->n_crls++] = t.crl;
	t.crl = (struct recovery_crl){ 0 };
	return RC_OK;
}

/* What this ledger signed itself it need not be told; several hosts have the
 * same. */
static enum rc
take_of_item(struct recovery *r, const struct history_response *p)
{
	const struct manifest *m = &p->manifest;
	char from[HISTORY_NAME_MAX + FILE_NAME_MAX + 2];
	uint8_t digest[SHA256_LEN];
	struct ledger_crl own;
	bool known = false;
	size_t i = 0;
	enum rc rc = sha256(p->item->crl, digest);

	if (rc != RC_OK || crl_is_taken(r, digest))
		return rc;
	while (memcmp(m->crls[i].digest, digest, SHA256_LEN) != 0)
		i++; /* it is there: history_prove */
	rc = ledger_crl_get(r->ledger, m->crls[i].number, &own, &known);
	if (rc != RC_OK || known)
		return rc;
	(void)snprintf(
	    from, sizeof(from), "%s/%.*s", p->from, SPAN_FMT(m->crls[i].file));
	rc = recovery_crl_take(r, from, p->item->crl,
	    r->latest_at > r->clock ? r->latest_at : r->clock);
	/* By the transfer key's word alone, say. */
	return rc == RC_OK || rule_spoken() == RULE_NONE
		   ? rc
		   : recovery_leave(r, p->from, rc);
}

enum rc
recovery_crls_of_items(struct recovery *r)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		if (r->items[i].item->crl.n != 0)
			rc = take_of_item(r, &r->items[i]);
	return rc;
}

/* ---- into the ledger ------------------------------------------------------
 */

static int
word_order(const void *a, const void *b)
{
	const struct crl_word *x = a, *y = b;
	size_t n = x->n_serial < y->n_serial ? x->n_serial : y->n_serial;
	int order = memcmp(x->serial, y->serial, n);

	return order != 0 ? order : x->n_serial - y->n_serial;
}

const struct crl_word *
recovery_crl_word(const struct recovery *r, struct span serial)
{
	struct crl_word wanted = { .n_serial = (uint8_t)serial.n };
	const struct crl_word *found = NULL;

	if (serial.n > SERIAL_MAX)
		return NULL;
	memcpy(wanted.serial, serial.p, serial.n);
	for (size_t i = 0; i < r->n_crls && found == NULL; i++)
		if (r->crls[i].n != 0)
			found = bsearch(&wanted, r->crls[i].words, r->crls[i].n,
			    sizeof(wanted), word_order);
	return found;
}

/* Of a serial that nobody else tells of the end is not known: it stands in each
 * CRL from now on. */
static enum rc
crl_word_add(struct recovery *r, const struct crl_word *word)
{
	struct ledger_revocation one = {
		.serial = span_of(word->serial, word->n_serial),
		.not_after = CLOCK_MAX,
		.reason = word->reason,
		.has_since = word->since != 0,
		.since = word->since,
		.date = word->at,
	};
	WIPED(ledger_cert) cert = { .at = 0 };
	bool known = false;
	enum rc rc = ledger_cert_get(r->ledger, one.serial, &cert, &known);

	if (rc == RC_OK && !known)
		rc = ledger_listed_add(r->ledger, one.serial);
	if (rc == RC_OK && known && !cert.own)
		one.not_after = cert.intent.not_after;
	if (rc == RC_OK && !cert.revoked) {
		rc = ledger_revoke(r->ledger, &one, 0);
		r->n_revoked += rc == RC_OK;
	}
	return rc == RC_OK && known ? recovery_add_key(r->ledger, &cert, &one)
				    : rc;
}

enum rc
recovery_add_crls(struct recovery *r)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n_crls && rc == RC_OK; i++) {
		const struct recovery_crl *crl = &r->crls[i];

		if (!crl->seen)
			rc = ledger_crl_seen_add(
			    r->ledger, crl->number, crl->digest);
		for (size_t k = 0; k < crl->n && rc == RC_OK; k++)
			rc = crl_word_add(r, &crl->words[k]);
	}
	return rc;
}
