/* SPDX-License-Identifier: Apache-2.0 */
/* By which transfer key a response that comes back may be signed. Any that the
 * CA certified has made responses once; after it was replaced it made no more,
 * and whoever signs with it then has stolen it. */
#include "ca/lifecycle/recover.h"

#include "base/own_ssl.h"
#include "transfer/format/cose.h"
#include "transfer/x509/cert.h"

static enum rc
signer_of(const char *from, struct span cert, struct transfer_key *ret)
{
	struct transfer_key key = { .any = true };
	OWN(X509) *x = NULL;
	int64_t not_after;
	enum rc rc = sha256(cert, key.digest);

	if (rc == RC_OK)
		rc = cert_parse(from, cert, &x);
	if (rc == RC_OK)
		rc = cert_window(x, &key.since, &not_after);
	if (rc == RC_OK)
		*ret = key;
	return rc;
}

/* That of its signature, and the one that it announces. */
static enum rc
keys_of(const char *from, struct span manifest, struct transfer_key *ret_signer,
    struct transfer_key *ret_after)
{
	WIPED(manifest) m = { 0 };
	struct cose cose;
	enum rc rc = cose_read(from, manifest, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read(from, cose.payload, &m);
	if (rc == RC_OK)
		rc = signer_of(from, cose.cert, ret_signer);
	*ret_after = *ret_signer;
	for (size_t i = 0; i < m.n_changes && rc == RC_OK; i++)
		if (m.changes[i].kind == TRUST_TRANSFER)
			rc = signer_of(from, m.changes[i].certs[0], ret_after);
	return rc;
}

/* Where a key was lost nobody announced its successor, which is younger: the CA
 * certified it later. */
static enum rc
check_not_replaced(const struct history_response *p,
    const struct transfer_key *signer, const struct transfer_key *in_force)
{
	if (!in_force->any || signer->since > in_force->since ||
	    memcmp(signer->digest, in_force->digest, SHA256_LEN) == 0)
		return RC_OK;
	return rule_refuse(RULE_TRANSFER_CERT,
	    "%s: signed by a transfer key that was replaced before", p->from);
}

enum rc
recovery_signer_begin(struct recovery *r)
{
	WIPED(buf) cert = { 0 };
	enum rc rc;

	r->in_force = (struct transfer_key){ 0 };
	if (r->restored.count == 0)
		return RC_OK;
	rc = ledger_transfer_then(r->ledger, r->restored.count, &cert);
	return rc != RC_OK
		   ? rc
		   : signer_of("the ledger", buf_span(&cert), &r->in_force);
}

enum rc
recovery_signer_check(const struct recovery *r, size_t i, struct span before)
{
	const struct history_response *p = &r->items[i];
	struct transfer_key signer = { 0 }, after = { 0 }, other;
	enum rc rc = keys_of(p->from, p->item->manifest, &signer, &other);

	if (rc == RC_OK && before.n != 0)
		rc = keys_of("the one before", before, &other, &after);
	if (rc == RC_OK)
		rc = check_not_replaced(p, &signer, &after);
	return rc != RC_OK ? rc : check_not_replaced(p, &signer, &r->in_force);
}

enum rc
recovery_signer_pass(struct recovery *r, size_t i)
{
	const struct history_response *p = &r->items[i];
	struct transfer_key signer = { 0 }, after;
	enum rc rc = keys_of(p->from, p->item->manifest, &signer, &after);

	if (rc == RC_OK && signer.since > r->in_force.since)
		r->in_force = signer;
	return rc;
}
