/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates against the requests of a bundle, which the judge reads itself.
 */
#include "tests/lib/software_ca.h"

#define GIVEN "given.example.org"
#define IN_CSR "asked.example.org"

/* A bundle of two: the names of the first are the bundle's, of the other the
 * CSR's; and a certificate that the test makes. */
struct bed {
	struct software_ca ca;
	struct policy policy;
	struct child judge;
	EVP_PKEY *requester, *key;
	struct buf requester_spki, spki, csr, file, der;
	struct name given, in_csr;
	struct sealed copy;
	uint8_t serial[16];
	struct expected e;
};

static void
csr_make(EVP_PKEY *key, struct buf *out)
{
	OWN(X509_REQ) *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *san = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "DNS:" IN_CSR);
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_non_null(san);
	assert_int_equal(sk_X509_EXTENSION_push(list, san), 1);
	assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	check_ok(buf_add(out, der, (size_t)n));
}

static void
bundle_make(struct bed *b)
{
	struct cert_request requests[2] = {
		{ .id = span_str("one"), .names = &b->given, .n_names = 1 },
		{ .id = span_str("two") },
	};
	struct bundle bundle = { .created = NOW,
		.sequence = 1,
		.requests = requests,
		.n_requests = 2,
		.label = span_str("web"),
		.spki = buf_span(&b->requester_spki) };
	uint8_t kid[SHA256_LEN];
	WIPED(buf) payload = { 0 };
	int fd;

	for (size_t i = 0; i < 2; i++) {
		requests[i].csr = buf_span(&b->csr);
		requests[i].profile = span_str("server");
		requests[i].validity.count = 1;
		requests[i].validity.period = 31 * DAY;
	}
	memset(bundle.id, 7, BUNDLE_ID_LEN);
	memcpy(bundle.ca_id, b->ca.id, SHA256_LEN);
	check_ok(bundle_write(&bundle, &payload));
	check_ok(sha256(bundle.spki, kid));
	check_ok(cose_sign(COSE_BUNDLE, b->requester, span_of(kid, sizeof(kid)),
	    buf_span(&payload), &b->file));
	check_ok(sealed_make(buf_span(&b->file), &fd));
	check_ok(sealed_map(fd, &b->copy));
}

static void
bed_make(struct bed *b)
{
	struct span der;

	software_ca_make(&b->ca, "ec-p256");
	plain_policy(&b->policy);
	b->requester = key_new("ec-p256");
	key_spki(b->requester, &b->requester_spki);
	b->key = key_new("ec-p256");
	key_spki(b->key, &b->spki);
	csr_make(b->key, &b->csr);
	b->given = (struct name){ NAME_DNS, span_str(GIVEN) };
	b->in_csr = (struct name){ NAME_DNS, span_str(IN_CSR) };
	bundle_make(b);
	draw_serial(b->serial);
	b->e = (struct expected){ .from = "ours",
		.spki = buf_span(&b->spki),
		.profile = span_str("server"),
		.names = &b->given,
		.n_names = 1,
		.serial = span_of(b->serial, 16),
		.not_before = NOW,
		.not_after = NOW + 31 * DAY - 1,
		.issuer = b->ca.key_id };
	check_ok(judge_start(&b->judge));
	der = buf_span(&b->ca.der);
	check_ok(judge_open(&b->judge, span_str(PLAIN_POLICY), NULL, &der, 1,
	    buf_span(&b->ca.transfer_der)));
	check_ok(judge_bundle_open(&b->judge, &b->copy));
}

static void
bed_wipe(struct bed *b)
{
	child_wipe(&b->judge);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->requester);
	EVP_PKEY_free(b->key);
	buf_wipe(&b->requester_spki);
	buf_wipe(&b->spki);
	buf_wipe(&b->csr);
	buf_wipe(&b->file);
	buf_wipe(&b->der);
	sealed_wipe(&b->copy);
}
#define BED(b) WIPED(bed) b = { .judge = CHILD_NONE, .copy = { .fd = -1 } }

/* The verdict on what `e` makes, as the answer to a request. */
static enum rc
verdict(struct bed *b, uint32_t request)
{
	const struct asked_cert cert = { .request = request,
		.serial = span_of(b->serial, 16),
		.not_before = NOW,
		.not_after = NOW + 31 * DAY - 1 };

	software_ca_issue(&b->ca, &b->policy, &b->e, NULL, &b->der);
	return judge_asked_ask(&b->judge, buf_span(&b->der), &cert);
}

static void
names_are_the_bundles_where_it_gives_them(void **state)
{
	BED(b);

	(void)state;
	bed_make(&b);
	check_ok(verdict(&b, 0));
	b.e.names = &b.in_csr;
	check_rule(verdict(&b, 0), "CERT-PROFILE", "request 1 (one)");
}

static void
names_are_the_csrs_where_the_bundle_has_none(void **state)
{
	BED(b);

	(void)state;
	bed_make(&b);
	b.e.names = &b.in_csr;
	check_ok(verdict(&b, 1));
	b.e.names = &b.given; /* as a lying reader would have it */
	check_rule(verdict(&b, 1), "CERT-PROFILE", "request 2 (two)");
}

static void
key_serial_and_dates_are_held_to_what_is_stated(void **state)
{
	WIPED(buf) other = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	BED(b);

	(void)state;
	bed_make(&b);
	b.e.not_after++;
	check_rule(verdict(&b, 0), "CERT-DATES", "request 1 (one)");
	b.e.not_after--;
	key_spki(key, &other);
	b.e.spki = buf_span(&other);
	check_rule(verdict(&b, 0), "CERT-KEY", "request 1 (one)");
}

static void
request_that_the_bundle_has_not_is_our_own_bug(void **state)
{
	BED(b);

	(void)state;
	bed_make(&b);
	assert_int_equal(verdict(&b, 2), RC_BUG);
	check_ok(verdict(&b, 0)); /* and the judge is still there */
}

static void
bundle_that_is_none_is_refused(void **state)
{
	struct sealed nonsense = { .fd = -1 };
	BED(b);
	int fd;

	(void)state;
	bed_make(&b);
	check_ok(sealed_make(span_str("nonsense"), &fd));
	check_ok(sealed_map(fd, &nonsense));
	assert_int_equal(judge_bundle_open(&b.judge, &nonsense), RC_FORMAT);
	sealed_wipe(&nonsense);
	assert_int_equal(verdict(&b, 0), RC_BUG);
	check_ok(judge_bundle_open(&b.judge, &b.copy));
	check_ok(verdict(&b, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_bundles_where_it_gives_them),
		cmocka_unit_test(names_are_the_csrs_where_the_bundle_has_none),
		cmocka_unit_test(
		    key_serial_and_dates_are_held_to_what_is_stated),
		cmocka_unit_test(
		    request_that_the_bundle_has_not_is_our_own_bug),
		cmocka_unit_test(bundle_that_is_none_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
