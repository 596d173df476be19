/* SPDX-License-Identifier: Apache-2.0 */
/* The CA itself: its certificates, and those of its transfer keys. */
#include "base/list.h"
#include "ca/ledger/ledger_internal.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>
#include <stdlib.h>

static void
ca_own_wipe(struct ca_own *own)
{
	buf_wipe(&own->cert);
	buf_wipe(&own->over);
	buf_wipe(&own->under);
}

void
ledger_ca_wipe(struct ledger_ca *ca)
{
	buf_wipe(&ca->ca_cert);
	buf_wipe(&ca->transfer_cert);
	buf_wipe(&ca->issuers);
	buf_wipe(&ca->transfers);
	buf_wipe(&ca->had_issuers);
	for (size_t i = 0; i < ca->n_own; i++)
		ca_own_wipe(&ca->own[i]);
	free(ca->own);
	*ca = (struct ledger_ca){ 0 };
}

void
ca_begun_wipe(struct ca_begun *begun)
{
	buf_wipe(&begun->ders);
	*begun = (struct ca_begun){ 0 };
}

const char *
ca_change_text(enum ca_change change)
{
	static const char *const texts[] = {
		[CA_RENEWED] = "the CA renewed",
		[CA_ROLLED_OVER] = "the CA with a new key",
		[CA_SPARE] = "a spare CA",
		[CA_SUBORDINATE] = "the CA below another",
	};
	size_t at = (size_t)change;

	return at < sizeof(texts) / sizeof(*texts) && texts[at] != NULL
		   ? texts[at]
		   : "unknown";
}

enum rc
ledger_init_add(
    struct ledger *ledger, struct span ca_cert, struct span transfer_cert)
{
	struct record r = { .kind = RECORD_INIT };
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_INIT, &n);

	if (rc == RC_OK && n != 0)
		return err_set(
		    RC_STATE, "%s: holds a CA already", ledger->db.path);
	r.u.init.ca_cert = ca_cert;
	r.u.init.transfer_cert = transfer_cert;
	return rc != RC_OK ? rc : ledger_append(ledger, &r);
}

enum rc
ledger_transfer_add(struct ledger *ledger, struct span transfer_cert)
{
	struct record r = { .kind = RECORD_TRANSFER };

	r.u.transfer.cert = transfer_cert;
	return ledger_append(ledger, &r);
}

enum rc
ledger_transfer_then(struct ledger *ledger, uint64_t n, struct buf *ret_cert)
{
	uint64_t at = 0;
	struct record r = { 0 };
	enum rc rc = ledger_newest_until(ledger, RECORD_TRANSFER, n, &at);

	if (rc == RC_OK && at != 0) {
		rc = ledger_record_get(ledger, at, RECORD_TRANSFER, &r, NULL);
		return rc != RC_OK ? rc
				   : buf_add_span(ret_cert, r.u.transfer.cert);
	}
	if (rc == RC_OK)
		rc = ledger_newest_of(ledger, RECORD_INIT, &at);
	if (rc == RC_OK)
		rc = ledger_record_get(ledger, at, RECORD_INIT, &r, NULL);
	return rc != RC_OK ? rc
			   : buf_add_span(ret_cert, r.u.init.transfer_cert);
}

/* ---- its own certificates --------------------------------------------------
 */

static enum rc
ca_append(struct ledger *ledger, enum ca_change change, bool done,
    const struct span *ders, size_t n)
{
	struct record r = { .kind = RECORD_CA };
	WIPED(buf) joined = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = buf_add_span(&joined, ders[i]);
	r.u.ca.change = change;
	r.u.ca.done = done;
	r.u.ca.ders = buf_span(&joined);
	return rc != RC_OK ? rc : ledger_append(ledger, &r);
}

enum rc
ledger_ca_intend(struct ledger *ledger, enum ca_change change,
    const struct span *tbs, size_t n)
{
	return ca_append(ledger, change, false, tbs, n);
}

enum rc
ledger_ca_change(struct ledger *ledger, enum ca_change change,
    const struct span *certs, size_t n)
{
	return ca_append(ledger, change, true, certs, n);
}

static enum rc
ca_misfit(const struct record *r)
{
	return err_set(RC_STATE,
	    "ledger record %" PRIu64
	    ": not the certificates that were to be signed",
	    r->n);
}

/* What may be signed takes the place of what was noted before. */
static enum rc
ca_begin(const struct record *r, struct ca_begun *begun)
{
	struct span rest;
	struct der one;
	enum rc rc;

	ca_begun_wipe(begun);
	rc = buf_add_span(&begun->ders, r->u.ca.ders);
	if (rc != RC_OK)
		return rc;
	for (rest = buf_span(&begun->ders); rest.n != 0;) {
		if (begun->n == CA_CHANGE_MAX ||
		    !der_take_whole(&rest, DER_SEQUENCE, &one))
			return ca_misfit(r);
		begun->tbs[begun->n++] = one.whole;
	}
	begun->change = (enum ca_change)r->u.ca.change;
	begun->at = r->at;
	begun->any = true;
	return RC_OK;
}

/* Its certificates, each around the TBS that was noted. One that was signed by
 * another CA has nothing of ours to be held against. */
static enum rc
ca_end(const struct record *r, const struct ca_begun *begun, struct ca_own *own)
{
	const bool ours = r->u.ca.change != CA_SUBORDINATE;
	struct buf *const places[CA_CHANGE_MAX] = { &own->cert, &own->over,
		&own->under };
	struct span rest = r->u.ca.ders;
	struct cert_parts parts;
	struct der one;
	enum rc rc = RC_OK;

	if (ours && (!begun->any || begun->change != r->u.ca.change))
		return ca_misfit(r);
	for (size_t i = 0; rest.n != 0 && rc == RC_OK; i++) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one))
			return ca_misfit(r);
		if (ours &&
		    (i >= begun->n ||
			cert_parts_read("CA", one.whole, &parts) != RC_OK ||
			!span_eq(parts.tbs, begun->tbs[i])))
			return ca_misfit(r);
		if (i == 0 || (ours && i < CA_CHANGE_MAX))
			rc = buf_add_span(places[i], one.whole);
	}
	own->n = r->n;
	return rc;
}

struct ca_walk {
	struct ledger_ca *ca; /* NULL: only what was begun */
	struct ca_begun begun;
};

static void
ca_walk_wipe(struct ca_walk *walk)
{
	ca_begun_wipe(&walk->begun);
}

static enum rc
ca_take(struct ledger_ca *ca, struct ca_own *own)
{
	enum rc rc = LIST_GROW(ca->own, ca->n_own);

	buf_reset(&ca->ca_cert);
	if (rc == RC_OK)
		rc = buf_add_span(&ca->ca_cert, buf_span(&own->cert));
	if (rc != RC_OK) {
		ca_own_wipe(own);
		return rc;
	}
	ca->own[ca->n_own++] = *own;
	return RC_OK;
}

bool
ledger_ca_issuer(struct span *rest, struct span *ret_der)
{
	struct der one;

	if (rest->n == 0 || !der_take_whole(rest, DER_SEQUENCE, &one))
		return false;
	*ret_der = one.whole;
	return true;
}

bool
ledger_ca_chain(struct span ca_cert, struct span issuers,
    struct span ret[static CA_CHAIN_MAX], size_t *ret_n)
{
	size_t n = 1;

	ret[0] = ca_cert;
	while (n < CA_CHAIN_MAX && ledger_ca_issuer(&issuers, &ret[n]))
		n++;
	*ret_n = n;
	return issuers.n == 0;
}

/* By another CA: the ledger begins with that very certificate, or a later one
 * takes its place. */
static enum rc
ca_take_below(struct ledger_ca *ca, const struct record *r, struct ca_own *own)
{
	struct span rest = r->u.ca.ders;
	struct der first;
	enum rc rc = RC_OK;

	buf_reset(&ca->issuers);
	if (der_take_whole(&rest, DER_SEQUENCE, &first))
		rc = buf_add_span(&ca->issuers, rest);
	if (rc == RC_OK)
		rc = buf_add_span(&ca->had_issuers, buf_span(&ca->issuers));
	if (rc == RC_OK &&
	    !span_eq(buf_span(&own->cert), buf_span(&ca->ca_cert)))
		return ca_take(ca, own);
	ca_own_wipe(own);
	return rc;
}

static enum rc
ca_step(
    const struct record *r, const uint8_t hash[static SHA256_LEN], void *arg)
{
	struct ca_walk *walk = arg;
	struct ca_own own = { 0 };
	enum rc rc;

	(void)hash;
	if (r->u.ca.done == 0)
		return ca_begin(r, &walk->begun);
	rc = ca_end(r, &walk->begun, &own);
	ca_begun_wipe(&walk->begun);
	if (rc == RC_OK && walk->ca != NULL)
		return r->u.ca.change == CA_SUBORDINATE
			   ? ca_take_below(walk->ca, r, &own)
			   : ca_take(walk->ca, &own);
	ca_own_wipe(&own);
	return rc;
}

static enum rc
ca_changes(struct ledger *ledger, struct ca_walk *walk)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = 25"
	    " AND " KIND_IS_RARE " ORDER BY n");

	return rc != RC_OK ? rc
			   : ledger_records_walk(ledger, st, ca_step, walk);
}

enum rc
ledger_ca_begun(struct ledger *ledger, struct ca_begun *ret)
{
	WIPED(ca_walk) walk = { 0 };
	enum rc rc = ca_changes(ledger, &walk);

	if (rc != RC_OK)
		return rc;
	*ret = walk.begun;
	walk.begun = (struct ca_begun){ 0 };
	return RC_OK;
}

static enum rc
ca_first(struct ledger *ledger, struct ledger_ca *ca)
{
	struct ca_own own = { 0 };
	struct record r = { 0 };
	uint64_t init = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_INIT, &init);

	if (rc == RC_OK && init == 0)
		return err_set(RC_STATE, "%s: holds no CA: init did not finish",
		    ledger->db.path);
	if (rc == RC_OK)
		rc = ledger_record_get(ledger, init, RECORD_INIT, &r, NULL);
	if (rc == RC_OK)
		rc = sha256(r.u.init.ca_cert, ca->ca_id);
	ca->created = r.at;
	own.n = init;
	if (rc == RC_OK)
		rc = buf_add_span(&ca->transfers, r.u.init.transfer_cert);
	if (rc == RC_OK)
		rc = buf_add_span(&own.cert, r.u.init.ca_cert);
	return rc != RC_OK ? rc : ca_take(ca, &own);
}

static enum rc
ca_transfer_step(
    const struct record *r, const uint8_t hash[static SHA256_LEN], void *arg)
{
	struct ledger_ca *ca = arg;

	(void)hash;
	return buf_add_span(&ca->transfers, r->u.transfer.cert);
}

static enum rc
ca_transfers(struct ledger *ledger, struct ledger_ca *ca)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = 12"
	    " AND " KIND_IS_RARE " ORDER BY n");

	return rc != RC_OK
		   ? rc
		   : ledger_records_walk(ledger, st, ca_transfer_step, ca);
}

enum rc
ledger_ca_get(struct ledger *ledger, struct ledger_ca *ret)
{
	WIPED(ledger_ca) ca = { 0 };
	WIPED(ca_walk) walk = { .ca = &ca };
	enum rc rc = ca_first(ledger, &ca);

	if (rc == RC_OK)
		rc = ca_changes(ledger, &walk);
	if (rc == RC_OK)
		rc = ca_transfers(ledger, &ca);
	if (rc == RC_OK)
		rc = ledger_transfer_then(ledger, INT64_MAX, &ca.transfer_cert);
	if (rc != RC_OK)
		return rc;
	*ret = ca;
	ca = (struct ledger_ca){ 0 };
	return RC_OK;
}
