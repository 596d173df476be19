/* SPDX-License-Identifier: Apache-2.0 */
/* A whole response: each certificate is matched to its request by digest, so
 * no name of a file or order of blocks can swap two. `take` is called before
 * everything is known to be good: who stores does so in a transaction. */
#include "transfer/judge/judge_response.h"

#include "base/own_ssl.h"
#include "transfer/media/layout.h"
#include "transfer/policy/request.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/pem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define RESPONSE_FROM_MAX 256

/* A response while its files are gone through. */
struct response_work {
	const struct evidence *r;
	struct judge *judge; /* with the policy that the manifest names */
	const struct manifest *m;
	struct bundle bundle; /* { 0 } when it answers none */
	struct cert_place {
		uint32_t request, slot;
		bool found;
	} * places; /* of every certificate that the manifest lists */
	size_t n_places;
	struct digest_set by_digest; /* of certificates: their place */
	struct digest_set serials;
	struct digest_set by_name; /* of file names: index in r->names */
	/* The request of the certificate before this one: a series has many. */
	bool has_request, unasked;
	uint32_t request;
	struct span spki;
	struct buf spelled;	    /* see csr_find_spki */
	struct span csr_subject;    /* see csr_find_subject */
	bool no_csr_names;	    /* the CSR's are refused: loose only */
	struct name_list csr_names; /* when they are the CSR's */
};

static void
response_work_wipe(struct response_work *w)
{
	bundle_wipe(&w->bundle);
	free(w->places);
	digest_set_wipe(&w->by_digest);
	digest_set_wipe(&w->serials);
	digest_set_wipe(&w->by_name);
	name_list_wipe(&w->csr_names);
	buf_wipe(&w->spelled);
}

void
response_verdict_wipe(struct response_verdict *v)
{
	manifest_wipe(&v->manifest);
	buf_wipe(&v->policy);
	trust_wipe(&v->trust);
	*v = (struct response_verdict){ 0 };
}

/* ---- files --------------------------------------------------------------- */

static enum rc
match_file(struct response_work *w, struct span name, struct digest_set *listed)
{
	const struct evidence *r = w->r;
	uint8_t digest[SHA256_LEN];
	bool is_new = false;
	enum rc rc = sha256(name, digest);

	if (rc == RC_OK && !digest_set_find(&w->by_name, digest, NULL))
		return rule_refuse(RULE_MANIFEST_FILES, "%s: %.*s is missing",
		    r->from, SPAN_FMT(name));
	if (rc == RC_OK)
		rc = digest_set_add(listed, digest, 0, &is_new);
	if (rc == RC_OK && !is_new)
		return rule_refuse(RULE_MANIFEST_FILES,
		    "%s: its manifest lists %.*s twice", r->from,
		    SPAN_FMT(name));
	return rc;
}

/* Every file there is listed, and every one listed is there. By sets: to
 * compare each with each would let a long listing keep this machine busy. A
 * shadow CRL is one of the files, a regular one is not. */
static enum rc
match_files(struct response_work *w)
{
	const struct evidence *r = w->r;
	WIPED(digest_set) listed = { 0 };
	uint8_t digest[SHA256_LEN];
	bool is_new;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n_names && rc == RC_OK; i++) {
		rc = sha256(r->names[i], digest);
		if (rc == RC_OK)
			rc = digest_set_add(
			    &w->by_name, digest, (uint32_t)i, &is_new);
	}
	for (size_t i = 0; i < w->m->n_files && rc == RC_OK; i++)
		rc = match_file(w, w->m->files[i].name, &listed);
	for (size_t i = 0; i < w->m->n_crls && rc == RC_OK; i++)
		if (!w->m->crls[i].shadow)
			rc = match_file(w, w->m->crls[i].file, &listed);
	for (size_t i = 0; i < r->n_names && rc == RC_OK; i++) {
		rc = sha256(r->names[i], digest);
		if (rc == RC_OK && !digest_set_find(&listed, digest, NULL))
			return rule_refuse(RULE_MANIFEST_FILES,
			    "%s: %.*s is not listed in its manifest", r->from,
			    SPAN_FMT(r->names[i]));
	}
	return rc;
}

/* Which of r->names it is. */
static enum rc
place_of_file(void *arg, struct span name, size_t *ret)
{
	const struct response_work *w = arg;
	uint8_t digest[SHA256_LEN];
	uint32_t i = 0;
	enum rc rc = sha256(name, digest);

	if (rc != RC_OK)
		return rc;
	if (!digest_set_find(&w->by_name, digest, &i))
		return rule_refuse(RULE_MANIFEST_FILES, "%s: %.*s is missing",
		    w->r->from, SPAN_FMT(name));
	*ret = i;
	return RC_OK;
}

static enum rc
check_listed(const struct response_work *w, const struct file_entry *entry,
    uint64_t size, const uint8_t digest[static SHA256_LEN])
{
	if (size == entry->size &&
	    memcmp(digest, entry->digest, SHA256_LEN) == 0)
		return RC_OK;
	return rule_refuse(RULE_MANIFEST_FILES,
	    "%s: %.*s is not the file that the manifest lists", w->r->from,
	    SPAN_FMT(entry->name));
}

/* One listed file, with the bytes that the manifest proves. */
static enum rc
open_file(
    struct response_work *w, const struct file_entry *entry, struct span *ret)
{
	uint8_t digest[SHA256_LEN];
	size_t i = 0;
	enum rc rc = place_of_file(w, entry->name, &i);

	if (rc == RC_OK)
		rc = w->r->file(w->r->arg, i, ret);
	if (rc == RC_OK)
		rc = sha256(*ret, digest);
	return rc != RC_OK ? rc : check_listed(w, entry, ret->n, digest);
}

struct file_hash {
	EVP_MD_CTX *md;
	uint64_t size;
};

static enum rc
hash_piece(void *arg, struct span piece)
{
	struct file_hash *h = arg;

	h->size += piece.n;
	return EVP_DigestUpdate(h->md, piece.p, piece.n) == 1
		   ? RC_OK
		   : err_openssl(RC_BUG, "SHA-256");
}

/* The same of a file that nobody looks into: it may be large. */
static enum rc
prove_file(struct response_work *w, const struct file_entry *entry)
{
	OWN(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	struct file_hash hash = { .md = md };
	const struct file_sink sink = { .add = hash_piece, .arg = &hash };
	uint8_t digest[SHA256_LEN];
	size_t i = 0;
	enum rc rc = place_of_file(w, entry->name, &i);

	if (rc == RC_OK &&
	    (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1))
		rc = err_openssl(RC_BUG, "SHA-256");
	if (rc == RC_OK)
		rc = judge_pieces(w->r, i, &sink);
	if (rc == RC_OK && EVP_DigestFinal_ex(md, digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "SHA-256");
	return rc != RC_OK ? rc : check_listed(w, entry, hash.size, digest);
}

/* ---- the policy ---------------------------------------------------------- */

/* The response's own policy.conf, else the one that the requester has. Either
 * is proved by the digest in the signed manifest, wherever it came from. */
static enum rc
find_policy(
    struct response_work *w, struct policy *policy, struct buf *ret_text)
{
	const struct manifest *m = w->m;
	struct span text;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_files; i++) {
		if (!span_eq_str(m->files[i].name, LAYOUT_POLICY))
			continue;
		if (memcmp(m->files[i].digest, m->policy, SHA256_LEN) != 0)
			return rule_refuse(RULE_POLICY_DIGEST,
			    "%s: its " LAYOUT_POLICY
			    " is not the policy that its manifest names",
			    w->r->from);
		rc = open_file(w, &m->files[i], &text);
		if (memcmp(w->judge->policy->digest, m->policy, SHA256_LEN) ==
		    0)
			return rc; /* what this side has already */
		if (rc == RC_OK)
			rc = policy_parse(w->r->from, text, policy);
		return rc != RC_OK ? rc : buf_add_span(ret_text, text);
	}
	if (memcmp(w->judge->policy->digest, m->policy, SHA256_LEN) != 0)
		return rule_refuse(RULE_POLICY_DIGEST,
		    "%s: made under another policy than this side has, and without a " LAYOUT_POLICY,
		    w->r->from);
	return RC_OK;
}

/* ---- the bundle ---------------------------------------------------------- */

static enum rc
refuse_bundle(const char *from, enum bundle_state state)
{
	static const char *const why[] = {
		[BUNDLE_UNKNOWN] = "answers a bundle that was never sent",
		[BUNDLE_OPEN] = "answers a bundle with other content",
		[BUNDLE_VOID] = "answers a bundle that a later one replaced",
		[BUNDLE_ANSWERED] = "answers a bundle that has its answer",
	};

	return rule_refuse(RULE_MANIFEST_BUNDLE, "%s: %s", from, why[state]);
}

enum rc
judge_bundle_find(const struct evidence *r, const struct manifest *m,
    struct span *ret_bytes, bool *ret_unasked)
{
	enum bundle_state state = BUNDLE_UNKNOWN;
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	*ret_unasked = false;
	if (!m->has_bundle)
		return RC_OK;
	rc = r->bundle(r->arg, m->bundle_id, &state, ret_bytes);
	*ret_unasked = rc == RC_OK && state == BUNDLE_UNKNOWN && r->unasked;
	if (*ret_unasked)
		return RC_OK;
	if (rc == RC_OK && state != BUNDLE_OPEN)
		return refuse_bundle(r->from, state);
	if (rc == RC_OK)
		rc = sha256(*ret_bytes, digest);
	if (rc == RC_OK && memcmp(digest, m->bundle_digest, SHA256_LEN) != 0)
		return refuse_bundle(r->from, BUNDLE_OPEN);
	return rc;
}

static enum rc
find_bundle(struct response_work *w, struct span *ret_bytes)
{
	struct cose cose;
	enum rc rc = judge_bundle_find(w->r, w->m, ret_bytes, &w->unasked);

	if (rc == RC_OK && w->unasked)
		return judge_unasked_requests(w->r, w->m, &w->bundle);
	if (rc != RC_OK || !w->m->has_bundle)
		return rc;
	rc = cose_read("bundle", *ret_bytes, COSE_BUNDLE, &cose);
	if (rc == RC_OK)
		rc = bundle_read("bundle", cose.payload, &w->bundle);
	if (rc == RC_OK &&
	    memcmp(w->bundle.id, w->m->bundle_id, BUNDLE_ID_LEN) != 0)
		return refuse_bundle(w->r->from, BUNDLE_OPEN);
	return rc;
}

/* ---- the certificates ---------------------------------------------------- */

/* Two requests would share one certificate, or a serial would stand for two. */
static enum rc
refuse_serial(const struct evidence *r, uint32_t request, uint32_t slot)
{
	return rule_refuse(RULE_CERT_SERIAL,
	    "%s: certificate %u of result %u has a serial that was used before",
	    r->from, (unsigned)slot + 1, (unsigned)request + 1);
}

enum rc
judge_serials_new(const struct evidence *r, const struct manifest *m)
{
	bool seen = false;
	enum rc rc = RC_OK;

	for (uint32_t i = 0; r->seen != NULL && i < m->n_results; i++) {
		const struct result *of = &m->results[i];

		for (uint32_t j = 0; j < of->n_certs; j++) {
			rc = r->seen(r->arg, of->certs[j].serial, &seen);
			if (rc != RC_OK)
				return rc;
			if (seen)
				return refuse_serial(r, i, j);
		}
	}
	return rc;
}

/* A digest or a serial twice in one manifest. */
static enum rc
place_one(struct response_work *w, uint32_t request, uint32_t slot)
{
	const struct cert_entry *entry = &w->m->results[request].certs[slot];
	uint8_t serial[SHA256_LEN];
	bool new_cert = false, new_serial = false;
	enum rc rc;

	w->places[w->n_places] = (struct cert_place){ request, slot, false };
	rc = digest_set_add(
	    &w->by_digest, entry->digest, (uint32_t)w->n_places++, &new_cert);
	if (rc == RC_OK)
		rc = sha256(entry->serial, serial);
	if (rc == RC_OK)
		rc = digest_set_add(&w->serials, serial, 0, &new_serial);
	if (rc != RC_OK || (new_cert && new_serial))
		return rc;
	return refuse_serial(w->r, request, slot);
}

static enum rc
place_all(struct response_work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->m->n_results; i++)
		n += w->m->results[i].n_certs;
	w->places = calloc(n + 1, sizeof(*w->places));
	if (w->places == NULL)
		return err_memory();
	for (uint32_t i = 0; i < w->m->n_results; i++)
		for (uint32_t j = 0; j < w->m->results[i].n_certs; j++) {
			enum rc rc = place_one(w, i, j);

			if (rc != RC_OK)
				return rc;
		}
	return RC_OK;
}

/* Key and names of the request: looked for once for a whole series. Of a loose
 * CSR that is not at hand only the certificate can tell. */
static enum rc
find_request(struct response_work *w, uint32_t request, struct span der)
{
	const struct cert_request *asked = &w->bundle.requests[request];
	const bool loose = w->r->loose != NULL && asked->names == NULL;
	enum rc rc;

	if (w->has_request && w->request == request)
		return RC_OK;
	w->has_request = false;
	name_list_wipe(&w->csr_names);
	if (asked->csr.n == 0)
		return judge_loose_facts(
		    w->r->from, der, &w->spki, &w->csr_subject, &w->csr_names);
	rc = csr_find_spki(w->r->from, asked->csr, &w->spelled, &w->spki);
	if (rc == RC_OK)
		rc = csr_find_subject(w->r->from, asked->csr, &w->csr_subject);
	if (rc == RC_OK &&
	    (loose || request_wants_csr_names(w->judge->policy, asked)))
		rc = csr_names_read(w->r->from, asked->csr, &w->csr_names);
	/* Which profile it is, and whether that takes names of a CSR, is not
	 * known yet. */
	w->no_csr_names = loose && rc != RC_OK && rule_spoken() != RULE_NONE;
	if (w->no_csr_names) {
		err_clear();
		rc = RC_OK;
	}
	w->has_request = rc == RC_OK;
	w->request = request;
	return rc;
}

static enum rc
response_judge_one(
    struct response_work *w, const struct cert_place *place, struct span der)
{
	struct cert_request *asked = &w->bundle.requests[place->request];
	const struct result *result = &w->m->results[place->request];
	const struct cert_entry *entry = &result->certs[place->slot];
	struct names_chosen names;
	struct judged judged;
	struct expected e;
	char from[RESPONSE_FROM_MAX];
	enum rc rc;

	rc = find_request(w, place->request, der);
	if (rc != RC_OK)
		return rc;
	(void)snprintf(from, sizeof(from), "%s: %.*s, certificate %u",
	    w->r->from, SPAN_FMT(result->id), (unsigned)place->slot + 1);
	names = request_names(
	    policy_profile_get0(w->judge->policy, asked->profile), asked,
	    (struct names_chosen){ w->csr_names.items, w->csr_names.n });
	judged = (struct judged){ .request = place->request,
		.slot = place->slot,
		.asked = asked,
		.names = names.items,
		.n_names = names.n,
		.entry = entry,
		.der = der };
	e = (struct expected){ .from = from,
		.spki = w->spki,
		.profile = asked->profile,
		.names = judged.names,
		.n_names = judged.n_names,
		.csr_subject = w->csr_subject,
		.serial = entry->serial,
		.not_before = entry->not_before,
		.not_after = entry->not_after,
		.issuer = entry->issuer };
	rc = w->r->loose != NULL || w->unasked
		 ? judge_loose_certificate(w->judge, der,
		       &(struct loose_try){
			   w->r->loose, &e, asked, w->no_csr_names },
		       &judged)
		 : judge_certificate_subject(
		       w->judge, der, entry->digest, &e, &judged.subject);
	if (rc != RC_OK || w->r->take == NULL)
		return rc;
	return w->r->take(w->r->arg, &judged);
}

/* Blocks are matched by digest, never by the name of their file, which must
 * then be the one that the manifest has for them: a name of a file that is not
 * there would mislead whoever looks for it. */
static enum rc
judge_block(
    struct response_work *w, const struct file_entry *entry, struct span der)
{
	uint8_t digest[SHA256_LEN];
	const struct cert_place *p;
	uint32_t place = 0;
	struct span said;
	enum rc rc = sha256(der, digest);

	if (rc != RC_OK)
		return rc;
	if (!digest_set_find(&w->by_digest, digest, &place))
		return rule_refuse(RULE_CERT_DIGEST,
		    "%s: %.*s has a certificate that the manifest does not list",
		    w->r->from, SPAN_FMT(entry->name));
	if (w->places[place].found)
		return rule_refuse(RULE_CERT_DIGEST,
		    "%s: %.*s has a certificate a second time", w->r->from,
		    SPAN_FMT(entry->name));
	p = &w->places[place];
	said = w->m->results[p->request].certs[p->slot].file;
	if (!span_eq(said, entry->name))
		return rule_refuse(RULE_MANIFEST_FILES,
		    "%s: %.*s has a certificate that should lie in %.*s, as the manifest says",
		    w->r->from, SPAN_FMT(entry->name), SPAN_FMT(said));
	w->places[place].found = true;
	return response_judge_one(w, &w->places[place], der);
}

static enum rc
judge_pem(
    struct response_work *w, const struct file_entry *entry, struct span bytes)
{
	WIPED(buf) der = { 0 };
	char from[RESPONSE_FROM_MAX];
	bool more = true;
	enum rc rc;

	(void)snprintf(
	    from, sizeof(from), "%s: %.*s", w->r->from, SPAN_FMT(entry->name));
	for (;;) {
		rc = pem_next(from, PEM_CERTIFICATE, &bytes, &der, &more);
		if (rc == RC_FORMAT)
			rc = rule_refuse(RULE_CERT_FORM, "%s", err_text());
		if (rc != RC_OK || !more)
			return rc;
		rc = judge_block(w, entry, buf_span(&der));
		if (rc != RC_OK)
			return rc;
	}
}

/* Every listed file is opened, also those that nobody reads: the manifest
 * promises their bytes. */
static enum rc
judge_files(struct response_work *w)
{
	const struct manifest *m = w->m;

	for (size_t i = 0; i < m->n_files; i++) {
		const struct file_entry *entry = &m->files[i];
		struct span bytes;
		enum rc rc;

		if (!layout_is_certs(entry->name)) {
			rc = prove_file(w, entry);
		} else {
			rc = open_file(w, entry, &bytes);
			if (rc == RC_OK)
				rc = judge_pem(w, entry, bytes);
		}
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < w->n_places; i++)
		if (!w->places[i].found)
			return rule_refuse(RULE_CERT_DIGEST,
			    "%s: certificate %u of result %u is in no file",
			    w->r->from, (unsigned)w->places[i].slot + 1,
			    (unsigned)w->places[i].request + 1);
	return RC_OK;
}

/* ---- all of it ----------------------------------------------------------- */

void
judge_count(struct response_verdict *v)
{
	const struct manifest *m = &v->manifest;

	for (size_t i = 0; i < m->n_results; i++) {
		v->n_certs += m->results[i].n_certs;
		v->n_refused += m->results[i].n_certs == 0;
	}
}

/* One result for each request, whoever made it. */
static enum rc
match_requests(struct response_work *w, struct response_verdict *v)
{
	enum rc rc;

	if (w->r->loose != NULL) {
		rc = judge_loose_requests(w->r, w->m, &w->bundle);
		return rc != RC_OK ? rc : judge_loose_results(w->r, w->m);
	}
	rc = find_bundle(w, &v->bundle);
	v->unasked = w->unasked;
	return rc != RC_OK || w->unasked
		   ? rc
		   : judge_results(w->r->from, w->judge->policy, w->m,
			 w->m->has_bundle ? &w->bundle : NULL);
}

static enum rc
judge_content(struct response_work *w, struct response_verdict *v)
{
	const char *from = w->r->from;
	struct crls_judging crls = { w->r, w->m, w->judge->trust, place_of_file,
		w };
	enum rc rc = match_requests(w, v);

	if (rc == RC_OK)
		rc = judge_serials_new(w->r, w->m);
	if (rc == RC_OK)
		rc = judge_crls_order(from, w->m);
	if (rc == RC_OK)
		rc = judge_crls_new(w->r, w->m);
	if (rc == RC_OK)
		rc = place_all(w);
	if (rc == RC_OK)
		rc = judge_files(w);
	if (rc == RC_OK)
		rc = judge_changes(from, w->judge->trust, v);
	/* A key that this very response brings may have signed one. */
	if (rc == RC_OK && v->trust_changed)
		crls.trust = &v->trust;
	return rc != RC_OK ? rc : judge_crls(&crls);
}

/* Under the response's own policy when it brings one. */
static enum rc
judge_under_policy(struct response_work *w, struct response_verdict *v)
{
	WIPED(policy) policy = { 0 };
	OWNS(judge) *other = NULL;
	struct judge *mine = w->judge;
	enum rc rc;

	rc = find_policy(w, &policy, &v->policy);
	if (rc == RC_OK &&
	    memcmp(mine->policy->digest, v->manifest.policy, SHA256_LEN) != 0) {
		rc = judge_new(mine->trust, &policy, &other);
		w->judge = other;
	}
	if (rc == RC_OK)
		rc = judge_content(w, v);
	w->judge = mine; /* `other` and its policy end here */
	return rc;
}

enum rc
judge_response(struct judge *judge, const struct evidence *response,
    struct response_verdict *ret)
{
	WIPED(response_verdict) v = { 0 };
	WIPED(response_work) w = { .r = response, .judge = judge };
	enum rc rc;

	/* The newest response once more (`again`) has nothing to store, and its
	 * files are not looked at. */
	rc = judge_manifest(response, judge->trust, &v);
	w.m = &v.manifest;
	if (rc == RC_OK && !v.again)
		rc = match_files(&w);
	if (rc == RC_OK && !v.again)
		rc = judge_under_policy(&w, &v);
	if (rc != RC_OK)
		return rc;
	if (!v.again)
		judge_count(&v);
	*ret = v;
	v = (struct response_verdict){ 0 };
	return RC_OK;
}
