/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger has no index by CSR, and needs none for this: its loose manifests
 * are few, and each says whose CSRs it answered. */
#include "ca/intake/loose_before.h"
#include "transfer/format/cose.h"

#include <stdlib.h>

static int
loose_before_by_digest(const void *digest, const void *csr)
{
	return memcmp(
	    digest, ((const struct loose_csr *)csr)->digest, SHA256_LEN);
}

static void
loose_before_note_result(const struct result *r, uint32_t sequence,
    const struct loose *set, struct loose_before *all)
{
	const struct loose_csr *csr = bsearch(r->csr_digest, set->items, set->n,
	    sizeof(set->items[0]), loose_before_by_digest);
	struct loose_before *before;

	if (csr == NULL || r->n_certs == 0)
		return;
	before = &all[csr - set->items];
	if (before->sequence != 0)
		return; /* a newer one is known */
	before->sequence = sequence;
	before->not_after = r->certs[0].not_after;
	before->n_serial = r->certs[0].serial.n;
	memcpy(before->serial, r->certs[0].serial.p, r->certs[0].serial.n);
}

static enum rc
note_manifest(const struct ledger_manifest *record, const struct loose *set,
    struct loose_before *all)
{
	WIPED(manifest) manifest = { 0 };
	struct cose cose;
	enum rc rc = cose_read("a response of the ledger",
	    buf_span(&record->file), COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read(
		    "a response of the ledger", cose.payload, &manifest);
	for (size_t i = 0; i < manifest.n_results && rc == RC_OK; i++)
		loose_before_note_result(
		    &manifest.results[i], record->sequence, set, all);
	return rc;
}

static enum rc
note_all(
    struct ledger *ledger, const struct loose *set, struct loose_before *all)
{
	static const uint8_t nobody[SHA256_LEN];
	uint32_t sequence = 0; /* the newest */
	bool known = true;
	enum rc rc = RC_OK;

	while (rc == RC_OK && known) {
		WIPED(ledger_manifest) record = { 0 };

		rc = ledger_manifest_get(
		    ledger, nobody, sequence, &record, &known);
		if (rc != RC_OK || !known)
			break;
		rc = note_manifest(&record, set, all);
		sequence = record.sequence - 1;
		if (sequence == 0)
			break;
	}
	return rc;
}

enum rc
loose_before_find(
    struct ledger *ledger, const struct loose *set, struct loose_before **ret)
{
	struct loose_before *all = calloc(set->n + 1, sizeof(*all));
	enum rc rc;

	if (all == NULL)
		return err_memory();
	rc = note_all(ledger, set, all);
	if (rc != RC_OK) {
		free(all);
		return rc;
	}
	*ret = all;
	return RC_OK;
}
