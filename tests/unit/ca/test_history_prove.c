/* SPDX-License-Identifier: Apache-2.0 */
/* A response of a history is the CA's, whole, or it is refused by its rule. */
#include "ca/lifecycle/recover.h"

#include "tests/lib/software_ca.h"
#include "transfer/format/cose.h"

#define N_CERTS 2

/* A response with one result of two certificates, and what it answers. */
struct bed {
	struct software_ca ca;
	struct trust trust;
	struct policy policy;
	EVP_PKEY *requester, *subscriber;
	struct buf spki, subscriber_spki, csr, bundle_file, manifest_file;
	struct cert_request request;
	struct bundle bundle;
	struct name name;
	uint8_t serials[N_CERTS][16];
	struct buf ders[N_CERTS];
	struct cert_entry entries[N_CERTS];
	struct result result;
	struct file_entry file;
	struct manifest manifest;
	char path[HISTORY_NAME_MAX];
	struct span certs[N_CERTS + 1];
	struct history_item item;
};

static void
bed_wipe(struct bed *b)
{
	software_ca_wipe(&b->ca);
	trust_wipe(&b->trust);
	policy_wipe(&b->policy);
	EVP_PKEY_free(b->requester);
	EVP_PKEY_free(b->subscriber);
	buf_wipe(&b->spki);
	buf_wipe(&b->subscriber_spki);
	buf_wipe(&b->csr);
	buf_wipe(&b->bundle_file);
	buf_wipe(&b->manifest_file);
	for (size_t i = 0; i < N_CERTS; i++)
		buf_wipe(&b->ders[i]);
}

/* ---- making one ---------------------------------------------------------- */

static void
csr_make(struct bed *b)
{
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, b->subscriber), 1);
	assert_true(X509_REQ_sign(req, b->subscriber, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	check_ok(buf_add(&b->csr, der, (size_t)n));
}

static void
bundle_make(struct bed *b)
{
	WIPED(buf) payload = { 0 };
	uint8_t kid[SHA256_LEN];

	b->name = (struct name){ NAME_DNS, span_str("a.example.org") };
	b->request = (struct cert_request){ .id = span_str("a"),
		.csr = buf_span(&b->csr),
		.profile = span_str("server"),
		.validity = { .count = N_CERTS,
		    .period = 31 * DAY,
		    .overlap = 7 * DAY },
		.names = &b->name,
		.n_names = 1 };
	memset(b->bundle.id, 7, BUNDLE_ID_LEN);
	memcpy(b->bundle.ca_id, b->ca.id, SHA256_LEN);
	b->bundle.created = NOW;
	b->bundle.sequence = 1;
	b->bundle.requests = &b->request;
	b->bundle.n_requests = 1;
	b->bundle.label = span_str("web");
	b->bundle.spki = buf_span(&b->spki);
	check_ok(key_id_of(b->requester, kid));
	check_ok(bundle_write(&b->bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, b->requester, span_of(kid, SHA256_LEN),
	    buf_span(&payload), &b->bundle_file));
}

static void
certificate_make(struct bed *b, const struct software_ca *ca, uint32_t slot)
{
	struct cert_entry *entry = &b->entries[slot];
	struct expected e = { .from = "made",
		.spki = buf_span(&b->subscriber_spki),
		.profile = span_str("server"),
		.names = &b->name,
		.n_names = 1 };

	draw_serial(b->serials[slot]);
	e.serial = span_of(b->serials[slot], 16);
	validity_slot(&b->request.validity, NOW - HOUR, slot, &e.not_before,
	    &e.not_after);
	buf_reset(&b->ders[slot]);
	software_ca_issue(ca, &b->policy, &e, NULL, &b->ders[slot]);
	*entry = (struct cert_entry){ .serial = e.serial,
		.file = span_str("0001-a.pem"),
		.not_before = e.not_before,
		.not_after = e.not_after };
	check_ok(sha256(buf_span(&b->ders[slot]), entry->digest));
	memcpy(entry->issuer, b->ca.key_id, SHA256_LEN);
	b->certs[slot] = buf_span(&b->ders[slot]);
}

/* The file as the manifest stands now, and the name that says whose it is. */
static void
seal_by(struct bed *b, EVP_PKEY *key, struct span cert)
{
	WIPED(buf) payload = { 0 };
	char ca[9], requester[9];

	buf_reset(&b->manifest_file);
	check_ok(manifest_write(&b->manifest, &payload));
	check_ok(cose_sign(
	    COSE_MANIFEST, key, cert, buf_span(&payload), &b->manifest_file));
	hex_write(span_of(b->manifest.ca_id, 4), ca);
	hex_write(span_of(b->manifest.requester, 4), requester);
	(void)snprintf(b->path, sizeof(b->path), "%s-%s/%06u", ca, requester,
	    (unsigned)b->manifest.sequence);
	b->item.name = span_str(b->path);
	b->item.manifest = buf_span(&b->manifest_file);
}

static void
seal(struct bed *b)
{
	seal_by(b, b->ca.transfer_key, buf_span(&b->ca.transfer_der));
}

static void
manifest_make(struct bed *b)
{
	struct manifest *m = &b->manifest;

	b->result = (struct result){
		.id = b->request.id, .certs = b->entries, .n_certs = N_CERTS
	};
	check_ok(sha256(buf_span(&b->csr), b->result.csr_digest));
	b->file =
	    (struct file_entry){ .name = span_str("0001-a.pem"), .size = 1 };
	*m = (struct manifest){ .sequence = 1,
		.has_bundle = true,
		.signed_at = NOW,
		.results = &b->result,
		.n_results = 1,
		.files = &b->file,
		.n_files = 1,
		.ledger = { .count = 10 },
		.has_requester = true };
	memcpy(m->ca_id, b->ca.id, SHA256_LEN);
	check_ok(key_id_of(b->requester, m->requester));
	memcpy(m->bundle_id, b->bundle.id, BUNDLE_ID_LEN);
	memcpy(m->policy, b->policy.digest, SHA256_LEN);
	check_ok(sha256(buf_span(&b->bundle_file), m->bundle_digest));
}

static void
bed_make(struct bed *b)
{
	software_ca_make(&b->ca, "ec-p256");
	check_ok(trust_add_ca(&b->trust, "CA", buf_span(&b->ca.der)));
	memcpy(b->trust.ca_id, b->ca.id, SHA256_LEN);
	plain_policy(&b->policy);
	b->requester = key_new("ec-p256");
	b->subscriber = key_new("ec-p256");
	key_spki(b->requester, &b->spki);
	key_spki(b->subscriber, &b->subscriber_spki);
	csr_make(b);
	bundle_make(b);
	for (uint32_t i = 0; i < N_CERTS; i++)
		certificate_make(b, &b->ca, i);
	manifest_make(b);
	b->item = (struct history_item){ .bundle = buf_span(&b->bundle_file),
		.policy = span_str(PLAIN_POLICY),
		.certs = b->certs,
		.n_certs = N_CERTS };
	seal(b);
}

static enum rc
prove(struct bed *b)
{
	WIPED(history_response) r = { 0 };

	return history_prove(&b->trust, &b->item, &r);
}

/* ---- what it promises ---------------------------------------------------- */

static void
a_whole_response_is_proven(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(history_response) r = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(history_prove(&b.trust, &b.item, &r));
	assert_string_equal(r.from, b.path);
	assert_int_equal(r.manifest.n_results, 1);
	assert_int_equal(r.bundle.n_requests, 1);
	assert_true(span_eq_str(r.bundle.requests[0].profile, "server"));
	b.item.policy = SPAN_NONE; /* it was in one before */
	check_ok(prove(&b));
}

static void
its_name_is_its_place(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.path[strlen(b.path) - 1] = '2';
	check_rule(prove(&b), "CHANNEL", "is number 1 of");
	b.manifest.has_requester = false;
	seal(&b);
	check_rule(prove(&b), "CHANNEL", "loose requests");
	b.manifest.has_requester = true;
	b.manifest.ca_id[0] ^= 1;
	seal(&b);
	check_rule(prove(&b), "CHANNEL", "another CA");
}

static void
a_transfer_certificate_of_the_ca_signed_it(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	struct software_ca other = { 0 };

	(void)state;
	bed_make(&b);
	software_ca_make(&other, "ec-p256");
	seal_by(&b, other.transfer_key, buf_span(&other.transfer_der));
	check_rule(prove(&b), "TRANSFER-CERT", "not signed by this CA's key");
	seal_by(&b, other.transfer_key, buf_span(&b.ca.transfer_der));
	check_rule(prove(&b), "COSE-SIGNATURE", b.path);
	cert = software_ca_transfer(&b.ca, other.transfer_key,
	    "critical,digitalSignature", "serverAuth");
	cert_der(cert, &der);
	seal_by(&b, other.transfer_key, buf_span(&der));
	check_rule(prove(&b), "TRANSFER-CERT", "extended key usage");
	seal_by(&b, b.subscriber, b.certs[0]);
	check_rule(prove(&b), "TRANSFER-CERT", b.path);
	software_ca_wipe(&other);
}

static void
it_has_the_bundle_that_it_answers(void **state)
{
	WIPED(bed) b = { 0 };
	struct revocation_result revoked = { .status = REVOKE_UNKNOWN };

	(void)state;
	bed_make(&b);
	b.bundle_file.p[b.bundle_file.n - 1] ^= 1;
	check_rule(prove(&b), "MANIFEST-BUNDLE", "not the one that it answers");
	b.item.bundle = SPAN_NONE;
	check_ok(prove(&b)); /* its host was put back to before it asked */
	b.manifest.has_bundle = false;
	seal(&b);
	check_rule(prove(&b), "MANIFEST-RESULTS", "results without a bundle");
	b.manifest.n_results = 0;
	b.item.n_certs = 0;
	seal(&b);
	check_ok(prove(&b));
	b.manifest.revocations = &revoked;
	b.manifest.n_revocations = 1;
	seal(&b);
	check_rule(prove(&b), "MANIFEST-RESULTS", "results without a bundle");
	b.manifest.n_revocations = 0;
	b.manifest.has_bundle = true;
	b.bundle_file.p[b.bundle_file.n - 1] ^= 1;
	b.item.bundle = buf_span(&b.bundle_file);
	seal(&b);
	check_rule(prove(&b), "MANIFEST-RESULTS", "0 results for 1 requests");
	b.manifest.n_results = 1;
	b.manifest.n_revocations = 1;
	seal(&b);
	check_rule(
	    prove(&b), "MANIFEST-RESULTS", "1 results for 0 revocations");
}

static void
its_certificates_are_the_listed_ones(void **state)
{
	WIPED(bed) b = { 0 };
	struct span first;

	(void)state;
	bed_make(&b);
	first = b.certs[0];
	b.item.n_certs = 1;
	check_rule(prove(&b), "CERT-DIGEST", "certificate 2: is missing");
	b.item.n_certs = 3;
	b.certs[2] = first;
	check_rule(prove(&b), "MANIFEST-FILES",
	    "3 certificates, and the manifest lists 2");
	b.item.n_certs = 2;
	b.certs[0] = b.certs[1];
	b.certs[1] = first;
	check_rule(prove(&b), "CERT-DIGEST", "certificate 1: not the one");
	b.certs[1] = b.certs[0];
	b.certs[0] = first;
	check_ok(prove(&b));
}

static void
the_ca_signed_each_with_its_serial(void **state)
{
	WIPED(bed) b = { 0 };
	struct software_ca other = { 0 };

	(void)state;
	bed_make(&b);
	b.serials[1][15] ^= 1;
	seal(&b);
	check_rule(prove(&b), "CERT-SERIAL", "certificate 2: another serial");
	software_ca_make(&other, "ec-p256");
	certificate_make(&b, &other, 1);
	seal(&b);
	check_rule(prove(&b), "CERT-SIGNATURE", "certificate 2: not signed by");
	software_ca_wipe(&other);
	software_ca_make(&other, "ec-p384");
	certificate_make(&b, &other, 1);
	seal(&b);
	check_rule(prove(&b), "CERT-SIGNATURE", "certificate 2: not signed by");
	software_ca_wipe(&other);
}

static void
its_policy_is_the_one_that_it_names(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.item.policy = span_str(PLAIN_POLICY "# more\n");
	check_rule(prove(&b), "POLICY-DIGEST", "policy.conf is not the one");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_response_is_proven),
		cmocka_unit_test(its_name_is_its_place),
		cmocka_unit_test(a_transfer_certificate_of_the_ca_signed_it),
		cmocka_unit_test(it_has_the_bundle_that_it_answers),
		cmocka_unit_test(its_certificates_are_the_listed_ones),
		cmocka_unit_test(the_ca_signed_each_with_its_serial),
		cmocka_unit_test(its_policy_is_the_one_that_it_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
