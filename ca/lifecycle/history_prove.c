/* SPDX-License-Identifier: Apache-2.0 */
/* One response of a history is proven to be the CA's own: place, manifest,
 * bundle, certificates, policy. What the ledger takes from it is for
 * recover_store.c. */
#include "ca/lifecycle/recover.h"

#include "ca/response/manifest_prove.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"

#include <inttypes.h>
#include <stdio.h>

void
history_response_wipe(struct history_response *r)
{
	manifest_wipe(&r->manifest);
	bundle_wipe(&r->bundle);
	*r = (struct history_response){ 0 };
}

/* ---- the manifest ---------------------------------------------------------
 */

/* The name is a place and proves nothing, but it is what sentences say. */
static enum rc
prove_place(const struct trust *trust, const struct history_response *r)
{
	const struct manifest *m = &r->manifest;
	char ca[9], requester[9], name[HISTORY_NAME_MAX];

	if (memcmp(m->ca_id, trust->ca_id, SHA256_LEN) != 0)
		return rule_refuse(
		    RULE_CHANNEL, "%s: a response of another CA", r->from);
	if (!m->has_requester)
		return rule_refuse(
		    RULE_CHANNEL, "%s: a response to loose requests", r->from);
	hex_write(span_of(m->ca_id, 4), ca);
	hex_write(span_of(m->requester, 4), requester);
	(void)snprintf(name, sizeof(name), "%s-%s/%06u", ca, requester,
	    (unsigned)m->sequence);
	if (strcmp(name, r->from) != 0)
		return rule_refuse(RULE_CHANNEL,
		    "%s: is number %u of %s-%s, under another's name", r->from,
		    (unsigned)m->sequence, ca, requester);
	return RC_OK;
}

static enum rc
prove_count(const struct history_response *r)
{
	if (r->manifest.ledger.count <= LEDGER_COUNT_MAX)
		return RC_OK;
	return rule_refuse(RULE_LEDGER_COUNT,
	    "%s: made over %" PRIu64 " records, which no ledger has", r->from,
	    r->manifest.ledger.count);
}

/* ---- what belongs to it ---------------------------------------------------
 */

static enum rc
prove_bundle(struct history_response *r)
{
	const struct manifest *m = &r->manifest;
	uint8_t digest[SHA256_LEN];
	struct cose cose;
	enum rc rc;

	if (!m->has_bundle)
		return m->n_results == 0 && m->n_revocations == 0
			   ? RC_OK
			   : rule_refuse(RULE_MANIFEST_RESULTS,
				 "%s: results without a bundle", r->from);
	/* A host that was put back to an older copy has answers to what it does
	 * not remember: they prove themselves, and so do the certificates. */
	if (r->item->bundle.n == 0)
		return RC_OK;
	rc = sha256(r->item->bundle, digest);
	if (rc == RC_OK && memcmp(digest, m->bundle_digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_MANIFEST_BUNDLE,
		    "%s: bundle.cose is not the one that it answers", r->from);
	if (rc == RC_OK)
		rc = cose_read(r->from, r->item->bundle, COSE_BUNDLE, &cose);
	if (rc == RC_OK)
		rc = bundle_read(r->from, cose.payload, &r->bundle);
	if (rc == RC_OK && r->bundle.n_requests != m->n_results)
		rc = rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: %zu results for %zu requests", r->from, m->n_results,
		    r->bundle.n_requests);
	if (rc == RC_OK && r->bundle.n_revocations != m->n_revocations)
		rc = rule_refuse(RULE_MANIFEST_RESULTS,
		    "%s: %zu results for %zu revocations", r->from,
		    m->n_revocations, r->bundle.n_revocations);
	return rc;
}

/* Certificates come in the manifest's own order, as they were written. */
static enum rc
prove_cert(const struct trust *trust, const struct history_response *r,
    const struct cert_entry *entry, size_t place)
{
	char from[HISTORY_NAME_MAX + 32];
	struct cert_parts parts;
	uint8_t digest[SHA256_LEN];
	struct span der;
	enum rc rc;

	(void)snprintf(
	    from, sizeof(from), "%s, certificate %zu", r->from, place + 1);
	if (place >= r->item->n_certs)
		return rule_refuse(RULE_CERT_DIGEST, "%s: is missing", from);
	der = r->item->certs[place];
	rc = sha256(der, digest);
	if (rc == RC_OK && memcmp(digest, entry->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_CERT_DIGEST,
		    "%s: not the one that the manifest lists", from);
	if (rc == RC_OK)
		rc =
		    issued_check(RULE_CERT_SIGNATURE, from, trust, der, &parts);
	if (rc == RC_OK && !span_eq(parts.serial, entry->serial))
		rc = rule_refuse(RULE_CERT_SERIAL,
		    "%s: another serial than the manifest says", from);
	return rc;
}

static enum rc
prove_certs(const struct trust *trust, const struct history_response *r)
{
	const struct manifest *m = &r->manifest;
	size_t place = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results; i++)
		for (size_t c = 0; c < m->results[i].n_certs && rc == RC_OK;
		     c++)
			rc = prove_cert(
			    trust, r, &m->results[i].certs[c], place++);
	if (rc == RC_OK && place != r->item->n_certs)
		rc = rule_refuse(RULE_MANIFEST_FILES,
		    "%s: %zu certificates, and the manifest lists %zu", r->from,
		    r->item->n_certs, place);
	return rc;
}

/* Who signed it is asked when it is read (recover_crl.c). */
static enum rc
prove_crl(const struct history_response *r)
{
	const struct manifest *m = &r->manifest;
	uint8_t digest[SHA256_LEN];
	enum rc rc = r->item->crl.n == 0 ? RC_OK : sha256(r->item->crl, digest);

	if (rc != RC_OK || r->item->crl.n == 0)
		return rc;
	for (size_t i = 0; i < m->n_crls; i++)
		if (!m->crls[i].shadow &&
		    memcmp(m->crls[i].digest, digest, SHA256_LEN) == 0)
			return RC_OK;
	return rule_refuse(RULE_MANIFEST_FILES,
	    "%s: its CRL is none that the manifest lists", r->from);
}

static enum rc
prove_policy(const struct history_response *r)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	if (r->item->policy.n == 0)
		return RC_OK;
	rc = sha256(r->item->policy, digest);
	if (rc == RC_OK && memcmp(digest, r->manifest.policy, SHA256_LEN) != 0)
		rc = rule_refuse(RULE_POLICY_DIGEST,
		    "%s: policy.conf is not the one that the manifest names",
		    r->from);
	return rc;
}

enum rc
history_prove(const struct trust *trust, const struct history_item *item,
    struct history_response *ret)
{
	WIPED(history_response) r = { .item = item };
	struct cose cose;
	enum rc rc;

	(void)snprintf(r.from, sizeof(r.from), "%.*s", SPAN_FMT(item->name));
	rc = sha256(item->manifest, r.digest);
	if (rc == RC_OK)
		rc = cose_read(r.from, item->manifest, COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read_head(r.from, cose.payload, &r.manifest);
	if (rc == RC_OK)
		rc = prove_place(trust, &r);
	if (rc == RC_OK)
		rc = manifest_prove(r.from, trust, &cose, r.manifest.signed_at);
	if (rc == RC_OK) /* its lists, now that they are the CA's */
		rc = manifest_read(r.from, cose.payload, &r.manifest);
	if (rc == RC_OK)
		rc = prove_count(&r);
	if (rc == RC_OK)
		rc = prove_bundle(&r);
	if (rc == RC_OK)
		rc = prove_certs(trust, &r);
	if (rc == RC_OK)
		rc = prove_policy(&r);
	if (rc == RC_OK)
		rc = prove_crl(&r);
	if (rc != RC_OK)
		return rc;
	*ret = r;
	r = (struct history_response){ 0 };
	return RC_OK;
}
