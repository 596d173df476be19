/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a series: plan, numbers to the disk, signatures, CRLs to the
 * disk. */
#include "ca/crl/crl_make.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/own_ssl.h"
#include "ca/ledger/revocation.h"
#include "transfer/policy/policy_crl.h"
#include "transfer/x509/signature.h"

#include <openssl/rand.h>
#include <stdlib.h>

#define CRL_SIGN_SECONDS 120 /* the slowest card, with a touch */

/* ---- what may be made ---------------------------------------------------- */

enum rc
crl_wish_check(
    const struct act *act, const char *from, const struct crl_request *wish)
{
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	enum rc rc = crl_issuer_read(buf_span(&act->ca.ca_cert), &issuer);

	return rc != RC_OK ? rc
			   : policy_crl_check(from, &act->policy, wish,
				 act->now, issuer.not_after);
}

/* ---- one series ---------------------------------------------------------- */

/* A key of the CA, and the CRLs that it signs: all have the same entries, for
 * clients look for them by the key of the certificate that they check. */
struct crl_signer {
	struct crl_issuer issuer;
	EVP_PKEY *key; /* owned */
	unsigned handle;
};

struct crl_work {
	struct act *act;
	struct crl_signer *signers; /* owned; the oldest first */
	size_t n_signers;
	struct ledger_crl_series series;
	uint64_t upto;
	uint8_t (*shadows)[SHA256_LEN]; /* owned; whose */
	size_t n_shadows;
	uint8_t salt[SHADOW_SALT_LEN];
	struct ledger_crl *crls; /* owned; last - first + 1 */
	size_t n;
};

static void
crl_signer_wipe(struct crl_signer *s)
{
	crl_issuer_wipe(&s->issuer);
	EVP_PKEY_free(s->key);
}

static void
crl_work_wipe(struct crl_work *w)
{
	for (size_t i = 0; i < w->n_signers; i++)
		crl_signer_wipe(&w->signers[i]);
	free(w->signers);
	free(w->shadows);
	free(w->crls);
}

/* Those that policy names and that are enrolled. */
static enum rc
find_shadows(struct crl_work *w)
{
	struct requester *all = NULL;
	size_t n = 0;
	enum rc rc = ledger_requesters(w->act->ledger, &all, &n);

	if (rc == RC_OK) {
		w->shadows = calloc(n + 1, sizeof(*w->shadows));
		rc = w->shadows == NULL ? err_memory() : RC_OK;
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (policy_emergency(&w->act->policy, span_str(all[i].label)))
			memcpy(w->shadows[w->n_shadows++], all[i].key_id,
			    SHA256_LEN);
	requesters_free(all, n);
	return rc;
}

/* ---- by which keys ------------------------------------------------------- */

static enum rc
signer_add(struct crl_work *w, struct crl_issuer *issuer, unsigned handle)
{
	const uint8_t *p = issuer->spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)issuer->spki.n);
	enum rc rc = key == NULL ? err_openssl(RC_BUG, "CA key")
				 : LIST_GROW(w->signers, w->n_signers);

	if (rc != RC_OK) {
		EVP_PKEY_free(key);
		return rc;
	}
	w->signers[w->n_signers++] =
	    (struct crl_signer){ *issuer, key, handle };
	*issuer = (struct crl_issuer){ .not_after = 0 };
	return RC_OK;
}

static enum rc
key_is_there(struct token *token, struct span spki, bool *ret)
{
	struct token_key *keys = NULL;
	size_t n = 0;
	enum rc rc = token_keys(token, &keys, &n);

	*ret = false;
	for (size_t i = 0; i < n; i++)
		*ret |= keys[i].has_private &&
			span_eq(buf_span(&keys[i].spki), spki);
	token_keys_free(keys, n);
	return rc;
}

/* One that the CA rolled over from, until its certificate ends, as long as it
 * is on the token. A token that fails is none that lacks it: then the list that
 * somebody waits for would be left out without a word. */
static enum rc
signer_add_old(struct crl_work *w, struct crl_issuer *issuer)
{
	struct token *token = w->act->keys.token;
	const struct span spki = buf_span(&issuer->spki);
	unsigned handle = 0;
	bool there = false;
	enum rc rc;

	if (issuer->not_after < w->act->now)
		return RC_OK;
	rc = key_is_there(token, spki, &there);
	if (rc != RC_OK || !there)
		return rc;
	rc = token_use_key(token, spki, &handle);
	return rc == RC_OK ? signer_add(w, issuer, handle) : rc;
}

/* Each key once, by the newest certificate that it has; the one in force last:
 * its CRL has the highest number of a slot. */
static enum rc
find_signers(struct crl_work *w)
{
	const struct ledger_ca *ca = &w->act->ca;
	WIPED(crl_issuer) now = { .not_after = 0 };
	enum rc rc = crl_issuer_read(buf_span(&ca->ca_cert), &now);

	for (size_t i = 0; i < ca->n_own && rc == RC_OK; i++) {
		WIPED(crl_issuer) issuer = { .not_after = 0 };
		WIPED(crl_issuer) newest = { .not_after = 0 };
		bool seen;

		rc = crl_issuer_read(buf_span(&ca->own[i].cert), &issuer);
		if (rc != RC_OK)
			break;
		seen = memcmp(issuer.key_id, now.key_id, SHA256_LEN) == 0;
		for (size_t j = 0; j < w->n_signers; j++)
			seen |= memcmp(w->signers[j].issuer.key_id,
				    issuer.key_id, SHA256_LEN) == 0;
		if (!seen)
			rc = crl_issuer_find(ca, issuer.key_id, &newest);
		if (!seen && rc == RC_OK)
			rc = signer_add_old(w, &newest);
	}
	return rc == RC_OK ? signer_add(w, &now, w->act->keys.ca) : rc;
}

/* CRLs of one slot. */
static size_t
crl_width(const struct crl_work *w)
{
	return w->n_signers * (1 + w->n_shadows);
}

static enum rc
crl_work_begin(struct crl_work *w, const struct crl_request *wish)
{
	struct act *act = w->act;
	struct ledger_crl_series before;
	uint64_t number = 0;
	bool any;
	enum rc rc = find_signers(w);

	if (rc == RC_OK)
		rc = find_shadows(w);
	if (rc == RC_OK)
		rc = ledger_crl_series_newest(act->ledger, &before, &any);
	if (rc == RC_OK)
		rc = ledger_crl_number_next(act->ledger, &number);
	if (rc == RC_OK && RAND_bytes(w->salt, sizeof(w->salt)) != 1)
		rc = err_openssl(RC_IO, "no random bytes");
	if (rc == RC_OK)
		series_plan(wish, act->now, any ? &before : NULL, number,
		    crl_width(w), &w->series);
	return rc;
}

/* Before the first signature: no number is ever signed that is not on the disk.
 */
static enum rc
commit_numbers(struct crl_work *w)
{
	struct act *act = w->act;
	enum rc rc = act_begin(act);

	if (rc == RC_OK)
		rc = ledger_crl_series_add(act->ledger, &w->series);
	if (rc == RC_OK)
		rc = ledger_commit(act->ledger);
	else
		ledger_rollback(act->ledger);
	w->upto = w->series.n;
	return rc;
}

/* Promise 17: every signature is verified before it leaves. */
static enum rc
crl_verify(const struct crl_signer *s, struct span digest, struct span raw)
{
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(s->key, NULL);
	WIPED(buf) der = { 0 };
	bool good = false;
	enum rc rc = RC_OK;

	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, s->issuer.alg.md) != 1)
		return err_openssl(RC_BUG, "CA key");
	if (s->issuer.alg.scheme == TOKEN_ECDSA)
		rc = cose_ecdsa_der(raw, &der);
	else
		rc = buf_add_span(&der, raw);
	if (rc == RC_OK)
		rc = signature_of_hash(
		    "CRL", ctx, buf_span(&der), digest, &good);
	if (rc == RC_OK && !good)
		rc = err_set(RC_TOKEN,
		    "CA key: the token gave a signature that does not verify");
	return rc;
}

static enum rc
crl_sign(const struct crl_work *w, const struct crl_signer *s,
    const struct crl_size *size, struct ledger_crl *crl)
{
	const struct keys *keys = &w->act->keys;
	uint8_t digest[64];
	struct span hash = span_of(digest, s->issuer.alg.hash_len);
	WIPED(buf) raw = { 0 };
	enum rc rc =
	    crl_tbs_hash(w->act->ledger, &s->issuer, crl, size, digest);

	if (rc == RC_OK)
		rc = token_sign_send(
		    keys->token, s->handle, s->issuer.alg.scheme, hash);
	if (rc == RC_OK)
		rc = token_sign_recv(keys->token, CRL_SIGN_SECONDS, &raw);
	if (rc == RC_OK && raw.n > sizeof(crl->signature))
		rc = err_set(RC_TOKEN,
		    "CA key: the token gave a signature of %zu bytes", raw.n);
	if (rc == RC_OK)
		rc = crl_verify(s, hash, buf_span(&raw));
	if (rc != RC_OK)
		return rc;
	memcpy(crl->signature, raw.p, raw.n);
	crl->signature_n = raw.n;
	return RC_OK;
}

static enum rc
crl_fill(
    const struct crl_work *w, uint32_t slot, size_t nth, struct ledger_crl *crl)
{
	const size_t place = nth % (1 + w->n_shadows); /* 0: the regular one */
	struct series_slot at;

	series_slot_get(&w->series, slot, place, &at);
	at.number += nth - place;
	*crl = (struct ledger_crl){
		.number = at.number,
		.next_update = at.next_update,
		.list = { .upto = w->upto,
		    .kept = at.kept,
		    .this_update = at.this_update,
		    .shadow = place != 0 },
	};
	memcpy(crl->issuer, w->signers[nth / (1 + w->n_shadows)].issuer.key_id,
	    SHA256_LEN);
	if (place == 0)
		return RC_OK;
	memcpy(crl->list.requester, w->shadows[place - 1], SHA256_LEN);
	memcpy(crl->salt, w->salt, sizeof(crl->salt));
	return RAND_bytes(crl->iv, sizeof(crl->iv)) == 1
		   ? RC_OK
		   : err_openssl(RC_IO, "no random bytes");
}

static enum rc
crl_make_one(
    const struct crl_work *w, uint32_t slot, size_t nth, struct ledger_crl *crl)
{
	const struct crl_signer *s = &w->signers[nth / (1 + w->n_shadows)];
	struct ledger *ledger = w->act->ledger;
	struct crl_size size = { .n = 0 };
	enum rc rc = crl_fill(w, slot, nth, crl);

	if (rc == RC_OK)
		rc = crl_measure(ledger, &crl->list, &size);
	crl->n_revoked = size.n;
	if (rc == RC_OK)
		rc = crl_sign(w, s, &size, crl);
	return rc == RC_OK
		   ? crl_der_digest(ledger, &s->issuer, crl, &size, crl->digest)
		   : rc;
}

static enum rc
commit_crls(const struct crl_work *w)
{
	struct act *act = w->act;
	enum rc rc = act_begin(act);

	for (size_t i = 0; i < w->n && rc == RC_OK; i++)
		rc = ledger_crl_add(act->ledger, &w->crls[i]);
	if (rc == RC_OK)
		rc = ledger_commit(act->ledger);
	else
		ledger_rollback(act->ledger);
	return rc;
}

enum rc
crl_series_make(struct act *act, const struct crl_request *wish,
    void (*progress)(void *arg, uint64_t done), void *arg)
{
	WIPED(crl_work) w = { .act = act };
	enum rc rc = crl_work_begin(&w, wish);

	if (rc == RC_OK)
		rc = commit_numbers(&w);
	if (rc != RC_OK)
		return rc;
	w.n = (size_t)(w.series.last - w.series.first + 1);
	w.crls = calloc(w.n, sizeof(*w.crls));
	if (w.crls == NULL)
		return err_memory();
	for (size_t i = 0; i < w.n && rc == RC_OK; i++) {
		rc = crl_make_one(&w, (uint32_t)(i / crl_width(&w)),
		    i % crl_width(&w), &w.crls[i]);
		if (rc == RC_OK && progress != NULL)
			progress(arg, i + 1);
	}
	return rc == RC_OK ? commit_crls(&w) : rc;
}

/* ---- what is due --------------------------------------------------------- */

enum rc
crl_series_current(
    struct ledger *ledger, struct ledger_crl_series *ret, bool *ret_any)
{
	struct ledger_crl last;
	bool whole = false;
	enum rc rc = ledger_crl_series_newest(ledger, ret, ret_any);

	if (rc == RC_OK && *ret_any)
		rc = ledger_crl_get(ledger, ret->last, &last, &whole);
	*ret_any = rc == RC_OK && whole;
	return rc;
}

/* Of none before: 0. */
static int64_t
wish_lasts(const struct crl_request *wish)
{
	return (int64_t)wish->count * wish->period + wish->overlap;
}

/* What kind a new series has: it is everybody's, so no requester's wish stands
 * before the policy's, nor ends the lists of others sooner than the one before
 * would, were it made again. */
static void
wish_choose(const struct act *act, const struct crl_request *asked,
    const struct ledger_crl_series *current, struct crl_request *ret)
{
	const struct crl_request again = { .count = current->count,
		.period = current->period,
		.overlap = current->overlap };

	if (act->policy.crl.count != 0)
		*ret = act->policy.crl;
	else if (asked != NULL && wish_lasts(asked) >= wish_lasts(&again))
		*ret = *asked;
	else
		*ret = again;
	if (ret->count > act->policy.crl_series_max)
		ret->count = act->policy.crl_series_max;
}

enum rc
crl_wish_taken(const struct act *act, const struct crl_request *asked,
    struct crl_request *ret)
{
	struct ledger_crl_series current = { .n = 0 };
	bool any;
	enum rc rc = crl_series_current(act->ledger, &current, &any);

	wish_choose(act, asked, &current, ret);
	return rc;
}

/* Which has no CRL yet. */
static bool
has_new_key(const struct act *act, const struct ledger_crl_series *current)
{
	const struct ledger_ca *ca = &act->ca;

	for (size_t i = 0; i < ca->n_own; i++)
		if (ca->own[i].over.n != 0 && ca->own[i].n > current->n)
			return true;
	return false;
}

static enum rc
is_due(struct act *act, const struct ledger_crl_series *current, bool *ret)
{
	uint64_t revoked = 0;
	enum rc rc = ledger_revoked_newest(act->ledger, &revoked);

	if (rc == RC_OK)
		*ret = revoked > current->n || has_new_key(act, current) ||
		       (act->policy.crl.count != 0 &&
			   act->now >= series_half(current));
	return rc;
}

enum rc
crl_due(struct act *act, const struct crl_request *asked, bool emergency,
    struct crl_request *ret)
{
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	struct ledger_crl_series current = { .n = 0 };
	bool any, due;
	enum rc rc = crl_series_current(act->ledger, &current, &any);

	*ret = (struct crl_request){ .count = 0 };
	due = asked != NULL || (!any && act->policy.crl.count != 0) ||
	      (any && emergency);
	if (rc == RC_OK && any && !due)
		rc = is_due(act, &current, &due);
	if (rc != RC_OK || !due)
		return rc;
	rc = crl_issuer_read(buf_span(&act->ca.ca_cert), &issuer);
	if (rc != RC_OK)
		return rc;
	wish_choose(act, asked, &current, ret);
	series_fit(ret, act->now, issuer.not_after);
	return RC_OK;
}
