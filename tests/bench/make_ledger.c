/* SPDX-License-Identifier: Apache-2.0 */
/* make_ledger LEDGER N [REVOKED]: a CA's past of N certificates, the first
 * REVOKED of them revoked, appended to its ledger by the ledger's own
 * functions, so that `ledger verify` accepts it: bundles of a requester that
 * nobody has, their intents, results and manifests. The certificates are not
 * signed (nobody reads them), but as long as real ones. */
#include "base/clock.h"
#include "ca/cert/tbs.h"
#include "ca/ledger/revocation.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#define PER_BUNDLE 10000
#define DER_LEN 440
#define MONTH (31 * DAY)

struct past {
	struct ledger *ledger;
	struct buf policy;
	int64_t now;
	uint8_t key_id[SHA256_LEN];
	unsigned long revoked; /* are still to be */
};

static void
must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	(void)fprintf(stderr, "make_ledger: %s\n", err_text());
	exit((int)rc);
}

static void
begin(struct past *past)
{
	must(ledger_begin(past->ledger));
	must(ledger_stamp(past->ledger, past->now, buf_span(&past->policy)));
}

static void
open_past(struct past *past, const char *path)
{
	uint8_t digest[SHA256_LEN];
	bool any;

	must(ledger_open(path, true, &past->ledger));
	must(ledger_policy_newest(past->ledger, digest, &any));
	must(ledger_policy_get(past->ledger, digest, &past->policy));
	past->now = ledger_high_water(past->ledger);
}

static void
enrol(struct past *past)
{
	uint8_t spki[91] = { 0x30, 0x59 };

	must(sha256(span_of(spki, sizeof(spki)), past->key_id));
	begin(past);
	must(ledger_enrol_add(
	    past->ledger, span_str("the-past"), span_of(spki, sizeof(spki))));
	must(ledger_commit(past->ledger));
}

static void
add_certificate(
    struct past *past, const struct ledger_bundle *bundle, uint32_t request)
{
	struct intent intent = { .bundle = bundle->n,
		.request = request,
		.not_before = past->now,
		.not_after = past->now + MONTH,
		.profile = "tls-server" };
	uint8_t der[DER_LEN] = { 0x30, 0x82 };

	must(ca_serial_draw(intent.serial));
	if (RAND_bytes(intent.tbs, sizeof(intent.tbs)) != 1 ||
	    RAND_bytes(intent.key_id, sizeof(intent.key_id)) != 1 ||
	    RAND_bytes(der + 4, sizeof(der) - 4) != 1)
		must(err_set(RC_BUG, "no random bytes"));
	(void)snprintf(intent.request_id, sizeof(intent.request_id), "r%u",
	    (unsigned)request);
	must(ledger_intent_add(past->ledger, &intent));
	must(ledger_result_add(
	    past->ledger, &intent, span_of(der, sizeof(der))));
	if (past->revoked == 0)
		return;
	past->revoked--;
	must(ledger_revoke(past->ledger,
	    &(struct ledger_revocation){
		.serial = span_of(intent.serial, sizeof(intent.serial)),
		.not_after = intent.not_after,
		.reason = REASON_SUPERSEDED },
	    bundle->n));
}

static void
add_bundle(struct past *past, uint32_t sequence, uint32_t n)
{
	struct ledger_bundle bundle = { .sequence = sequence };
	struct ledger_manifest manifest = { .sequence = sequence };

	memcpy(bundle.requester, past->key_id, SHA256_LEN);
	memcpy(manifest.channel, past->key_id, SHA256_LEN);
	if (RAND_bytes(bundle.id, sizeof(bundle.id)) != 1 ||
	    RAND_bytes(bundle.digest, sizeof(bundle.digest)) != 1)
		must(err_set(RC_BUG, "no random bytes"));
	begin(past);
	must(ledger_bundle_add(past->ledger, &bundle));
	for (uint32_t i = 0; i < n; i++)
		add_certificate(past, &bundle, i);
	manifest.bundle = bundle.n;
	must(buf_add_str(&manifest.file, "a manifest that nobody reads"));
	must(ledger_manifest_add(past->ledger, &manifest));
	must(ledger_commit(past->ledger));
	ledger_manifest_wipe(&manifest);
}

int
main(int argc, char **argv)
{
	struct past past = { 0 };
	unsigned long n;

	if (argc != 3 && argc != 4)
		must(err_set(RC_USAGE, "wants LEDGER N [REVOKED]"));
	n = strtoul(argv[2], NULL, 10);
	past.revoked = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	open_past(&past, argv[1]);
	enrol(&past);
	for (uint32_t i = 0; n > 0; i++) {
		unsigned long some = n < PER_BUNDLE ? n : PER_BUNDLE;

		add_bundle(&past, i + 1, (uint32_t)some);
		n -= some;
	}
	buf_wipe(&past.policy);
	ledger_free(past.ledger);
	return 0;
}
