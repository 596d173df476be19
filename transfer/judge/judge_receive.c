/* SPDX-License-Identifier: Apache-2.0 */
/* The online side's end of a judgement. The judge process parses; here is what
 * it cannot be asked, because it has no store (which number is next, which
 * bundle is open, which serials were seen), and what it is not believed: that
 * it gives back the certificates of the manifest, all of them, and no others.
 */
#include "base/own.h"
#include "transfer/judge/judge_response.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/media/layout.h"
#include "transfer/media/loose.h"
#include "transfer/rule.h"
#include "transfer/x509/tbs.h"

#include <stdlib.h>

struct receiving_work {
	const struct evidence *r;
	const struct manifest *m;
	/* What stands for the bundle of loose CSRs, or for one that nobody here
	 * knows. */
	struct bundle loose;
	bool unasked;
	struct sealed copy; /* of the bundle or the set, for the judge */
	size_t *first;	    /* owned: place of each result's certificates */
	bool *taken;	    /* owned: by place */
	size_t n, n_taken;
};

static void
receiving_work_wipe(struct receiving_work *w)
{
	bundle_wipe(&w->loose);
	sealed_wipe(&w->copy);
	free(w->first);
	free(w->taken);
}

/* ---- what the judge gives back ------------------------------------------- */

static enum rc
places_make(struct receiving_work *w)
{
	const struct manifest *m = w->m;

	w->first = calloc(m->n_results + 1, sizeof(*w->first));
	if (w->first == NULL)
		return err_memory();
	for (size_t i = 0; i < m->n_results; i++) {
		w->first[i] = w->n;
		w->n += m->results[i].n_certs;
	}
	w->taken = calloc(w->n + 1, sizeof(*w->taken));
	return w->taken == NULL ? err_memory() : RC_OK;
}

/* Which certificate of the manifest it is, by its bytes. */
static enum rc
entry_prove(struct receiving_work *w, const struct judge_said *said,
    struct cert_parts *parts)
{
	const struct manifest *m = w->m;
	const struct cert_entry *entry;
	uint8_t digest[SHA256_LEN];
	size_t place;
	enum rc rc;

	if (said->request >= m->n_results ||
	    said->slot >= m->results[said->request].n_certs)
		return judge_lied_about("a certificate for no request");
	entry = &m->results[said->request].certs[said->slot];
	place = w->first[said->request] + said->slot;
	if (w->taken[place])
		return judge_lied_about("a certificate for the second time");
	rc = sha256(said->der, digest);
	if (rc == RC_OK && memcmp(digest, entry->digest, SHA256_LEN) != 0)
		return judge_lied_about(
		    "a certificate that the manifest does not list");
	if (rc == RC_OK)
		rc = cert_parts_read(w->r->from, said->der, parts);
	if (rc != RC_OK)
		return rc;
	if (!span_eq(parts->serial, entry->serial))
		return judge_lied_about("a certificate with another serial");
	w->taken[place] = true;
	w->n_taken++;
	return RC_OK;
}

static enum rc
receiving_take(void *arg, const struct judge_said *said)
{
	struct receiving_work *w = arg;
	struct cert_request *asked;
	struct cert_parts parts;
	struct judged judged;
	enum rc rc = entry_prove(w, said, &parts);

	if (rc != RC_OK)
		return rc;
	judged = (struct judged){ .request = said->request,
		.slot = said->slot,
		.entry = &w->m->results[said->request].certs[said->slot],
		.der = said->der,
		.subject = parts.subject };
	if (w->r->loose != NULL || w->unasked) {
		asked = &w->loose.requests[said->request];
		asked->profile = said->profile;
		asked->validity.period =
		    judged.entry->not_after - judged.entry->not_before + 1;
		judged.asked = asked;
		judged.names = said->names;
		judged.n_names = said->n_names;
	}
	return w->r->take(w->r->arg, &judged);
}

static enum rc
receiving_own(void *arg, struct buf *ret_list)
{
	struct receiving_work *w = arg;

	return w->r->own == NULL ? RC_OK : w->r->own(w->r->arg, w->m, ret_list);
}

static enum rc
receiving_revoked(void *arg, const struct judge_said *said)
{
	struct receiving_work *w = arg;
	const struct crl_revoked revoked = { .serial = said->serial,
		.at = said->at,
		.reason = (enum reason)said->reason };

	if (w->r->revoked == NULL || w->m->n_crls == 0 ||
	    !reason_is_known(said->reason))
		return judge_lied_about("a revocation that nobody listed");
	return w->r->revoked(w->r->arg, &revoked);
}

/* ---- what the judge is given --------------------------------------------- */

/* The set under names that say nothing: those of the files are the operator's.
 */
static enum rc
set_copy(const struct loose *set, struct buf *ret)
{
	struct loose copy = { .items = calloc(set->n + 1, sizeof(*copy.items)),
		.n = set->n };
	enum rc rc;

	if (copy.items == NULL)
		return err_memory();
	for (size_t i = 0; i < set->n; i++) {
		copy.items[i] = set->items[i];
		copy.items[i].name = span_str("csr");
	}
	rc = loose_write(&copy, ret);
	loose_wipe(&copy);
	return rc;
}

static enum rc
copy_seal(struct receiving_work *w, struct span bytes)
{
	int fd = -1;
	enum rc rc = sealed_make(bytes, &fd);

	if (rc == RC_OK)
		w->copy = (struct sealed){ .fd = fd };
	return rc;
}

/* What was asked, as this side has it, and a copy of it. */
static enum rc
question_make(struct receiving_work *w, struct response_verdict *v)
{
	const struct evidence *r = w->r;
	WIPED(buf) set = { 0 };
	enum rc rc;

	if (r->loose == NULL) {
		rc = judge_bundle_find(r, w->m, &v->bundle, &v->unasked);
		w->unasked = v->unasked;
		if (rc == RC_OK && w->unasked)
			return judge_unasked_requests(r, w->m, &w->loose);
		return rc != RC_OK || v->bundle.n == 0
			   ? rc
			   : copy_seal(w, v->bundle);
	}
	rc = judge_loose_requests(r, w->m, &w->loose);
	if (rc == RC_OK)
		rc = judge_loose_results(r, w->m);
	if (rc == RC_OK && r->loose->set != NULL)
		rc = set_copy(r->loose->set, &set);
	return rc != RC_OK || set.n == 0 ? rc : copy_seal(w, buf_span(&set));
}

static enum rc
judge_open_trust(
    struct child *judge, const struct trust *trust, const struct policy *policy)
{
	struct span cas[JUDGE_CAS_MAX];
	enum rc rc;

	if (trust->n_cas > JUDGE_CAS_MAX)
		return err_set(RC_STATE,
		    "%zu CA certificates are pinned; a judge takes %d",
		    trust->n_cas, JUDGE_CAS_MAX);
	for (size_t i = 0; i < trust->n_cas; i++)
		cas[i] = buf_span(&trust->cas[i].der);
	rc = judge_open(judge, buf_span(&policy->text), trust->ca_id, cas,
	    trust->n_cas, buf_span(&trust->transfer_cert));
	return rc != RC_OK ? rc : judge_kin_tell(judge, &trust->kin);
}

/* ---- what becomes of a good one ------------------------------------------ */

/* The policy that the judge has seen: its digest is signed. */
static enum rc
new_policy(const struct receiving_work *w, const struct policy *policy,
    struct buf *ret)
{
	const struct evidence *r = w->r;
	uint8_t digest[SHA256_LEN];
	struct span text;
	enum rc rc = RC_OK;

	if (memcmp(policy->digest, w->m->policy, SHA256_LEN) == 0)
		return RC_OK;
	for (size_t i = 0; i < r->n_names; i++) {
		if (!span_eq_str(r->names[i], LAYOUT_POLICY))
			continue;
		rc = r->file(r->arg, i, &text);
		if (rc == RC_OK)
			rc = sha256(text, digest);
		if (rc == RC_OK &&
		    memcmp(digest, w->m->policy, SHA256_LEN) == 0)
			return buf_add_span(ret, text);
	}
	return rc != RC_OK ? rc : judge_lied_about("good, without its policy");
}

static enum rc
receiving_ask(struct receiving_work *w, struct child *judge,
    const struct trust *trust, const struct policy *policy)
{
	const struct judge_taker taker = { receiving_take, receiving_own,
		receiving_revoked, w };
	const struct evidence *r = w->r;
	enum rc rc = places_make(w);

	if (rc == RC_OK)
		rc = judge_open_trust(judge, trust, policy);
	if (rc == RC_OK)
		rc = judge_response_order(
		    judge, r, w->copy.fd, r->take == NULL ? NULL : &taker);
	if (rc == RC_OK && r->take != NULL && w->n_taken != w->n)
		rc = judge_lied_about("good, without all its certificates");
	return rc;
}

enum rc
judge_receive(struct child *judge, const struct trust *trust,
    const struct policy *policy, const struct evidence *response,
    struct response_verdict *ret)
{
	WIPED(response_verdict) v = { 0 };
	WIPED(receiving_work)
	w = { .r = response, .m = &v.manifest, .copy = { .fd = -1 } };
	enum rc rc = judge_manifest(response, trust, &v);

	if (rc == RC_OK && !v.again)
		rc = question_make(&w, &v);
	if (rc == RC_OK && !v.again)
		rc = judge_serials_new(response, &v.manifest);
	if (rc == RC_OK && !v.again)
		rc = judge_crls_new(response, &v.manifest);
	if (rc == RC_OK && !v.again)
		rc = receiving_ask(&w, judge, trust, policy);
	if (rc == RC_OK && !v.again)
		rc = new_policy(&w, policy, &v.policy);
	if (rc == RC_OK && !v.again)
		rc = judge_changes(response->from, trust, &v);
	if (rc != RC_OK)
		return rc;
	judge_count(&v);
	*ret = v;
	v = (struct response_verdict){ 0 };
	return RC_OK;
}
