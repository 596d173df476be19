/* SPDX-License-Identifier: Apache-2.0 */
/* A whole response, right, and wrong in every way that has a name. */
#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"

#define N_REQUESTS 2
#define SLOTS 3
#define N_FILES 4

/* One exchange: a bundle of two requests, the first a series of three, and the
 * response to it. Each test changes something and builds the response anew. */
struct bed {
	struct software_ca ca;
	struct trust trust;
	struct policy policy;
	struct judge *judge;
	EVP_PKEY *requester, *keys[N_REQUESTS];
	struct buf spki, csrs[N_REQUESTS], spkis[N_REQUESTS];
	struct name names[N_REQUESTS];
	struct cert_request requests[N_REQUESTS];
	struct bundle bundle;
	struct buf bundle_file;
	enum bundle_state state;
	/* the answer */
	uint8_t serials[N_REQUESTS][SLOTS][16];
	struct buf ders[N_REQUESTS][SLOTS];
	struct cert_entry entries[N_REQUESTS][SLOTS];
	struct result results[N_REQUESTS];
	struct buf files[N_FILES];
	struct span file_names[N_FILES];
	struct file_entry file_entries[N_FILES];
	struct manifest manifest;
	struct buf manifest_file;
	/* who asks */
	struct channel channel;
	struct evidence response;
	struct span seen;
	size_t taken;
	spoil *spoil;	  /* of the second request's certificate */
	EVP_PKEY *signer; /* of the manifest */
	struct span signer_cert;
};

static void
bed_wipe(struct bed *b)
{
	judge_free(b->judge);
	trust_wipe(&b->trust);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->requester);
	buf_wipe(&b->spki);
	for (size_t i = 0; i < N_REQUESTS; i++) {
		EVP_PKEY_free(b->keys[i]);
		buf_wipe(&b->csrs[i]);
		buf_wipe(&b->spkis[i]);
		for (size_t j = 0; j < SLOTS; j++)
			buf_wipe(&b->ders[i][j]);
	}
	for (size_t i = 0; i < N_FILES; i++)
		buf_wipe(&b->files[i]);
	buf_wipe(&b->bundle_file);
	buf_wipe(&b->manifest_file);
}

static void
csr_make(EVP_PKEY *key, struct buf *out)
{
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	check_ok(buf_add(out, der, (size_t)n));
}

/* The bundle's file as its fields stand now. */
static void
bundle_seal(struct bed *b)
{
	WIPED(buf) payload = { 0 };

	buf_reset(&b->bundle_file);
	check_ok(bundle_write(&b->bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, b->requester,
	    span_of(b->channel.requester, SHA256_LEN), buf_span(&payload),
	    &b->bundle_file));
	check_ok(sha256(buf_span(&b->bundle_file), b->manifest.bundle_digest));
}

static void
bundle_make(struct bed *b)
{
	b->names[0] = (struct name){ NAME_DNS, span_str("a.example.org") };
	b->names[1] = (struct name){ NAME_DNS, span_str("b.example.org") };
	for (size_t i = 0; i < N_REQUESTS; i++) {
		b->keys[i] = key_new("ec-p256");
		key_spki(b->keys[i], &b->spkis[i]);
		csr_make(b->keys[i], &b->csrs[i]);
		b->requests[i] = (struct cert_request){
			.id = span_str(i == 0 ? "a" : "b"),
			.csr = buf_span(&b->csrs[i]),
			.profile = span_str("server"),
			.validity = { .count = i == 0 ? SLOTS : 1,
			    .period = 31 * DAY,
			    .overlap = i == 0 ? 7 * DAY : 0 },
			.names = &b->names[i],
			.n_names = 1,
		};
	}
	memset(b->bundle.id, 7, BUNDLE_ID_LEN);
	memcpy(b->bundle.ca_id, b->ca.id, SHA256_LEN);
	b->bundle.created = NOW;
	b->bundle.sequence = 1;
	b->bundle.requests = b->requests;
	b->bundle.n_requests = N_REQUESTS;
	b->bundle.label = span_str("web");
	b->bundle.spki = buf_span(&b->spki);
	bundle_seal(b);
	b->state = BUNDLE_OPEN;
}

/* ---- the answer ---------------------------------------------------------- */

static void
certificate_make(struct bed *b, size_t i, uint32_t slot)
{
	struct cert_entry *entry = &b->entries[i][slot];
	struct expected e = { .from = "made",
		.spki = buf_span(&b->spkis[i]),
		.profile = span_str("server"),
		.names = &b->names[i],
		.n_names = 1 };

	draw_serial(b->serials[i][slot]);
	e.serial = span_of(b->serials[i][slot], 16);
	validity_slot(&b->requests[i].validity, NOW - HOUR, slot, &e.not_before,
	    &e.not_after);
	buf_reset(&b->ders[i][slot]);
	software_ca_issue(&b->ca, &b->policy, &e, i == 1 ? b->spoil : NULL,
	    &b->ders[i][slot]);
	*entry = (struct cert_entry){ .serial = e.serial,
		.file = span_str(i == 0 ? "0001-a.pem" : "0002-b.pem"),
		.not_before = e.not_before,
		.not_after = e.not_after };
	check_ok(sha256(buf_span(&b->ders[i][slot]), entry->digest));
	memcpy(entry->issuer, b->ca.key_id, SHA256_LEN);
}

static void
file_make(struct bed *b, size_t at, const char *name, struct span bytes)
{
	buf_reset(&b->files[at]);
	check_ok(buf_add_span(&b->files[at], bytes));
	b->file_names[at] = span_str(name);
}

static void
pem_make(struct bed *b, size_t i, struct buf *out)
{
	for (size_t j = 0; j < b->results[i].n_certs; j++)
		check_ok(
		    pem_write(PEM_CERTIFICATE, buf_span(&b->ders[i][j]), out));
}

static void
files_make(struct bed *b)
{
	WIPED(buf) a = { 0 };
	WIPED(buf) two = { 0 };

	pem_make(b, 0, &a);
	pem_make(b, 1, &two);
	file_make(b, 0, "0001-a.pem", buf_span(&a));
	file_make(b, 1, "0002-b.pem", buf_span(&two));
	file_make(b, 2, "ca.pem", span_str("whatever is said of it\n"));
	file_make(b, 3, "policy.conf", span_str(PLAIN_POLICY));
	b->manifest.n_files = N_FILES;
	b->response.n_names = N_FILES;
}

static void
answer_make(struct bed *b)
{
	struct manifest *m = &b->manifest;

	for (size_t i = 0; i < N_REQUESTS; i++) {
		struct result *r = &b->results[i];

		*r = (struct result){ .id = b->requests[i].id,
			.certs = b->entries[i],
			.n_certs = b->requests[i].validity.count };
		check_ok(sha256(b->requests[i].csr, r->csr_digest));
		for (uint32_t j = 0; j < r->n_certs; j++)
			certificate_make(b, i, j);
	}
	*m = (struct manifest){ .sequence = 1,
		.has_bundle = true,
		.signed_at = NOW,
		.results = b->results,
		.n_results = N_REQUESTS,
		.files = b->file_entries,
		.n_files = N_FILES,
		.ledger = { .count = 10 },
		.has_requester = true };
	memcpy(m->ca_id, b->ca.id, SHA256_LEN);
	memcpy(m->requester, b->channel.requester, SHA256_LEN);
	memcpy(m->bundle_id, b->bundle.id, BUNDLE_ID_LEN);
	memcpy(m->policy, b->policy.digest, SHA256_LEN);
	check_ok(sha256(buf_span(&b->bundle_file), m->bundle_digest));
	files_make(b);
}

/* The manifest file as the rest stands now. */
static void
seal(struct bed *b)
{
	WIPED(buf) payload = { 0 };

	for (size_t i = 0; i < N_FILES; i++) {
		struct file_entry *f = &b->file_entries[i];

		f->name = b->file_names[i];
		f->size = b->files[i].n;
		check_ok(sha256(buf_span(&b->files[i]), f->digest));
	}
	buf_reset(&b->manifest_file);
	check_ok(manifest_write(&b->manifest, &payload));
	check_ok(cose_sign(COSE_MANIFEST, b->signer, b->signer_cert,
	    buf_span(&payload), &b->manifest_file));
	b->response.manifest = buf_span(&b->manifest_file);
}

/* ---- the ways of a response ---------------------------------------------- */

static enum rc
give_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct bed *b = arg;

	*ret_bytes = buf_span(&b->files[i]);
	return RC_OK;
}

static enum rc
give_bundle(void *arg, const uint8_t *id, enum bundle_state *ret,
    struct span *ret_bytes)
{
	struct bed *b = arg;

	*ret = memcmp(id, b->bundle.id, BUNDLE_ID_LEN) == 0 ? b->state
							    : BUNDLE_UNKNOWN;
	*ret_bytes = buf_span(&b->bundle_file);
	return RC_OK;
}

static enum rc
give_seen(void *arg, struct span serial, bool *ret)
{
	struct bed *b = arg;

	*ret = b->seen.n != 0 && span_eq(serial, b->seen);
	return RC_OK;
}

static enum rc
take(void *arg, const struct judged *judged)
{
	struct bed *b = arg;

	assert_true(span_eq(
	    judged->der, buf_span(&b->ders[judged->request][judged->slot])));
	b->taken++;
	return RC_OK;
}

static void
bed_make(struct bed *b)
{
	software_ca_make(&b->ca, "ec-p256");
	software_ca_trust(&b->ca, &b->trust);
	plain_policy(&b->policy);
	check_ok(judge_new(&b->trust, &b->policy, &b->judge));
	b->requester = key_new("ec-p256");
	key_spki(b->requester, &b->spki);
	check_ok(key_id_of(b->requester, b->channel.requester));
	bundle_make(b);
	b->signer = b->ca.transfer_key;
	b->signer_cert = buf_span(&b->ca.transfer_der);
	b->response = (struct evidence){ .from = "r1",
		.channel = &b->channel,
		.names = b->file_names,
		.n_names = N_FILES,
		.file = give_file,
		.bundle = give_bundle,
		.seen = give_seen,
		.take = take,
		.arg = b };
	answer_make(b);
	seal(b);
}

static void
passes(struct bed *b)
{
	WIPED(response_verdict) v = { 0 };

	check_ok(judge_response(b->judge, &b->response, &v));
	assert_int_equal(v.head.sequence, b->manifest.sequence);
}

static void
refused(struct bed *b, const char *rule, const char *words)
{
	WIPED(response_verdict) v = { 0 };

	check_rule(judge_response(b->judge, &b->response, &v), rule, words);
	assert_null(v.manifest.results);
}

/* ---- the tests ----------------------------------------------------------- */

static void
a_right_response_passes(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	assert_int_equal(v.n_certs, SLOTS + 1);
	assert_int_equal(v.n_refused, 0);
	assert_int_equal(b.taken, SLOTS + 1);
	assert_false(v.again);
	assert_int_equal(v.policy.n, 0); /* the one that is held already */
	assert_int_equal(v.head.ledger.count, 10);
}

static void
the_same_again_is_no_news(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };
	WIPED(response_verdict) w = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	b.channel.has_head = true;
	b.channel.head = v.head;
	b.taken = 0;
	check_ok(judge_response(b.judge, &b.response, &w));
	assert_true(w.again);
	assert_int_equal(b.taken, 0);
}

/* Offline that is a refusal: what is signed next is not what is had. */
static void
the_judges_process_refuses_the_same_again(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };
	WIPED(child) judge = CHILD_NONE;
	WIPED(sealed) copy = { .fd = -1 };
	struct span ca;
	int fd = -1;

	(void)state;
	bed_make(&b);
	ca = buf_span(&b.ca.der);
	check_ok(sealed_make(buf_span(&b.bundle_file), &fd));
	check_ok(sealed_map(fd, &copy));
	check_ok(judge_start(&judge));
	check_ok(judge_open(&judge, span_str(PLAIN_POLICY), NULL, &ca, 1,
	    buf_span(&b.ca.transfer_der)));
	check_ok(judge_response_ask(&judge, &b.response, &copy));
	check_refused(judge_response_ask(&judge, &b.response, NULL),
	    "MANIFEST-BUNDLE", "r1: answers a bundle that was never sent");
	check_ok(judge_response(b.judge, &b.response, &v));
	b.channel.has_head = true;
	b.channel.head = v.head;
	check_refused(judge_response_ask(&judge, &b.response, &copy), "REPLAY",
	    "r1: is what the requester has already");
	check_ok(child_stop(&judge, 10));
}

static void
another_one_of_the_same_number_is_a_fork(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	b.channel.has_head = true;
	b.channel.head = v.head;
	b.manifest.signed_at++;
	seal(&b);
	refused(&b, "FORK", "r1: number 1 was accepted already");
}

static void
a_forged_signature_is_no_fork(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest_file.p[b.manifest_file.n - 1] ^= 1;
	refused(&b, "COSE-SIGNATURE", "r1");
	b.manifest_file.p[b.manifest_file.n - 1] ^= 1;
	check_ok(judge_response(b.judge, &b.response, &v));
	b.channel.has_head = true;
	b.channel.head = v.head;
	b.manifest_file.p[b.manifest_file.n - 1] ^= 1;
	refused(&b, "COSE-SIGNATURE", "r1");
}

static void
numbers_go_up_by_one(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.sequence = 2;
	b.manifest.has_previous = true;
	seal(&b);
	refused(&b, "GAP", "r1: number 2, but number 1 is the next one");
	b.channel.has_head = true;
	b.channel.head.sequence = 1;
	b.channel.head.ledger.count = 9;
	passes(&b); /* previous is all zero, as is the head's digest */
	b.channel.head.digest[0] = 1;
	refused(&b, "PREVIOUS", "does not continue");
	b.channel.head.digest[0] = 0;
	b.channel.head.ledger.count = 10;
	refused(&b, "LEDGER-COUNT", "had 10 records, and now 10");
	b.channel.head.sequence = 3;
	refused(&b, "REPLAY", "number 2, but number 3 was accepted");
}

static void
a_response_is_for_one_requester_of_one_ca(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.requester[0] ^= 1;
	seal(&b);
	refused(&b, "CHANNEL", "for another requester");
	b.manifest.has_requester = false;
	seal(&b);
	refused(&b, "CHANNEL", "for another requester");
	b.manifest.ca_id[0] ^= 1;
	seal(&b);
	refused(&b, "CHANNEL", "of another CA");
}

static void
only_the_pinned_transfer_certificate_signs(void **state)
{
	static const char *const usage = "critical,digitalSignature";
	struct {
		const char *usage, *eku, *words;
	} cases[] = {
		{ usage, "serverAuth", "its extended key usage" },
		{ usage, NULL, "its extended key usage" },
		{ usage, EKU_TRANSFER, "its extended key usage" },
		{ usage, "critical,serverAuth," EKU_TRANSFER,
		    "its extended key usage" },
		{ "digitalSignature", "critical," EKU_TRANSFER,
		    "its key usage" },
		{ "critical,digitalSignature,keyCertSign",
		    "critical," EKU_TRANSFER, "its key usage" },
		{ NULL, "critical," EKU_TRANSFER, "its key usage" },
	};
	WIPED(bed) b = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	bed_make(&b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OWN(X509) *cert = software_ca_transfer(
		    &b.ca, b.ca.transfer_key, cases[i].usage, cases[i].eku);

		cert_der(cert, &der);
		b.signer_cert = buf_span(&der);
		seal(&b);
		refused(&b, "TRANSFER-CERT",
		    "another transfer certificate than the pinned one");
		buf_reset(&b.trust.transfer_cert); /* as at enrolment */
		refused(&b, "TRANSFER-CERT", cases[i].words);
		check_ok(buf_add_span(
		    &b.trust.transfer_cert, buf_span(&b.ca.transfer_der)));
	}
}

static void
a_subscribers_certificate_signs_no_manifest(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.signer = b.keys[1];
	b.signer_cert = buf_span(&b.ders[1][0]);
	seal(&b);
	refused(&b, "TRANSFER-CERT", "another transfer certificate");
	buf_reset(&b.trust.transfer_cert);
	refused(&b, "TRANSFER-CERT", "its extended key usage");
}

static void
the_transfer_certificate_is_valid_when_it_signs(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.signed_at = NOW - 2 * DAY;
	seal(&b);
	refused(&b, "TRANSFER-CERT", "not valid when this was signed");
}

static void
a_bundle_is_answered_once_and_as_it_was_sent(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.state = BUNDLE_ANSWERED;
	refused(&b, "MANIFEST-BUNDLE", "has its answer");
	b.state = BUNDLE_VOID;
	refused(&b, "MANIFEST-BUNDLE", "a later one replaced");
	b.state = BUNDLE_UNKNOWN;
	refused(&b, "MANIFEST-BUNDLE", "never sent");
	b.state = BUNDLE_OPEN;
	b.manifest.bundle_digest[0] ^= 1;
	seal(&b);
	refused(&b, "MANIFEST-BUNDLE", "with other content");
	/* what is kept under that id says another */
	b.bundle.id[0] ^= 1;
	bundle_seal(&b);
	b.bundle.id[0] ^= 1;
	seal(&b);
	refused(&b, "MANIFEST-BUNDLE", "with other content");
}

static void
without_a_bundle_there_are_no_results(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.has_bundle = false;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "2 results");
}

static void
results_are_those_that_were_asked_in_order(void **state)
{
	struct result first;
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.n_results = 1;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "1 results");
	b.manifest.n_results = 2;
	first = b.results[0];
	b.results[0] = b.results[1];
	b.results[1] = first;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "result 1 is for \"b\"");
	b.results[1] = b.results[0];
	b.results[0] = first;
	b.results[0].n_certs = 2;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "has 2 certificates, but 3");
	b.results[0].n_certs = 3;
	b.results[0].csr_digest[0] ^= 1;
	seal(&b);
	refused(&b, "CSR-DIGEST", "result 1 is for another CSR");
}

static void
a_refused_request_has_its_reason_and_no_certificate(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };

	(void)state;
	bed_make(&b);
	b.results[1].n_certs = 0;
	b.results[1].certs = NULL;
	b.results[1].rule = span_str("NAME-SCOPE");
	b.results[1].reason = span_str("b: out of scope");
	file_make(&b, 1, "0002-b.pem", span_str("")); /* it may be empty */
	seal(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	assert_int_equal(v.n_refused, 1);
	assert_int_equal(v.n_certs, SLOTS);
}

static void
dates_are_those_of_the_series(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.entries[0][1].not_before++;
	seal(&b);
	refused(&b, "CERT-DATES", "certificate 2 of result 1 has other dates");
	b.entries[0][1].not_before--;
	for (size_t i = 0; i < SLOTS; i++)
		b.entries[0][i].not_before += 2 * HOUR;
	seal(&b);
	refused(&b, "CERT-DATES", "result 1 does not begin when it was signed");
	b.requests[0].validity.has_not_before = true;
	for (size_t i = 0; i < SLOTS; i++)
		b.entries[0][i].not_before -= 2 * HOUR;
	b.entries[1][0].not_before -= 2 * DAY;
	seal(&b);
	refused(&b, "CERT-DATES", "result 2 does not begin when it was signed");
}

static void
a_first_date_that_was_asked_for_is_kept(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.requests[1].validity.has_not_before = true;
	b.requests[1].validity.not_before = b.entries[1][0].not_before;
	bundle_seal(&b);
	seal(&b);
	passes(&b);
	b.requests[1].validity.not_before++;
	bundle_seal(&b);
	seal(&b);
	refused(&b, "CERT-DATES", "result 2 begins at another time than asked");
}

static void
swapped_certificates_are_refused(void **state)
{
	struct cert_entry first;
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	/* two of one series: right for each other's place but for the dates */
	first = b.entries[0][0];
	memcpy(b.entries[0][0].digest, b.entries[0][1].digest, SHA256_LEN);
	memcpy(b.entries[0][1].digest, first.digest, SHA256_LEN);
	seal(&b);
	refused(&b, "CERT-SERIAL", "another serial than stated");
	b.entries[0][0].serial = b.entries[0][1].serial;
	b.entries[0][1].serial = first.serial;
	seal(&b);
	refused(&b, "CERT-DATES", "other dates than stated");
}

static void
a_certificate_for_another_key_is_refused(void **state)
{
	struct buf own;
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	own = b.spkis[0];
	b.spkis[0] = b.spkis[1];
	certificate_make(&b, 0, 1);
	b.spkis[0] = own;
	files_make(&b);
	seal(&b);
	refused(&b, "CERT-KEY", "another key than its request has");
}

static void
no_serial_comes_twice(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.seen = span_of(b.serials[1][0], 16);
	refused(&b, "CERT-SERIAL", "certificate 1 of result 2 has a serial");
	b.seen = SPAN_NONE;
	b.entries[0][1].serial = b.entries[0][0].serial;
	seal(&b);
	refused(&b, "CERT-SERIAL", "certificate 2 of result 1 has a serial");
}

static void
add_comment(X509 *cert)
{
	add_text(cert, NULL, "nsComment", "x");
}

static void
each_certificate_is_judged(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.spoil = add_comment;
	answer_make(&b);
	seal(&b);
	refused(&b, "CERT-PROFILE", "r1: b, certificate 1: its extension");
}

static void
names_are_those_that_were_asked(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.names[1].text = span_str("evil.example.org");
	answer_make(&b); /* the bundle that was sent says b */
	seal(&b);
	refused(&b, "CERT-PROFILE", "another subject");
}

static void
the_directory_is_what_the_manifest_lists(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.response.n_names = N_FILES - 1;
	refused(&b, "MANIFEST-FILES", "policy.conf is missing");
	b.response.n_names = N_FILES;
	b.manifest.n_files = N_FILES - 1;
	seal(&b);
	refused(
	    &b, "MANIFEST-FILES", "policy.conf is not listed in its manifest");
	b.manifest.n_files = N_FILES;
	seal(&b);
	b.file_names[1] = span_str("0003-b.pem");
	refused(&b, "MANIFEST-FILES", "0002-b.pem is missing");
	seal(&b);
	refused(&b, "MANIFEST-FILES",
	    "0003-b.pem has a certificate that should lie in 0002-b.pem");
	b.entries[1][0].file = b.file_names[1];
	seal(&b);
	passes(&b);
	check_ok(buf_add_byte(&b.files[2], '\n'));
	refused(&b, "MANIFEST-FILES", "ca.pem is not the file");
	b.files[2].n--;
	b.files[2].p[0] ^= 1;
	refused(&b, "MANIFEST-FILES", "ca.pem is not the file");
}

static void
every_certificate_is_there_once(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(
	    pem_write(PEM_CERTIFICATE, buf_span(&b.ders[0][0]), &b.files[1]));
	seal(&b);
	refused(&b, "CERT-DIGEST", "has a certificate a second time");
	answer_make(&b);
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&b.ca.der), &b.files[1]));
	seal(&b);
	refused(&b, "CERT-DIGEST", "that the manifest does not list");
	answer_make(&b);
	file_make(&b, 1, "0002-b.pem", span_str(""));
	seal(&b);
	refused(&b, "CERT-DIGEST", "certificate 1 of result 2 is in no file");
	answer_make(&b);
	check_ok(buf_add_str(&b.files[1], "more\n"));
	seal(&b);
	refused(&b, "CERT-FORM", "r1: 0002-b.pem: not PEM");
}

static void
the_policy_is_the_one_that_is_named(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(response_verdict) v = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.policy[0] ^= 1;
	seal(&b);
	refused(&b, "POLICY-DIGEST", "is not the policy that its manifest");
	b.manifest.n_files = b.response.n_names = N_FILES - 1;
	seal(&b);
	refused(&b, "POLICY-DIGEST", "without a policy.conf");
	b.manifest.n_files = b.response.n_names = N_FILES;
	file_make(&b, 3, "policy.conf", span_str(PLAIN_POLICY "# new\n"));
	check_ok(sha256(buf_span(&b.files[3]), b.manifest.policy));
	seal(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	assert_true(span_eq(buf_span(&v.policy), buf_span(&b.files[3])));
}

static void
a_successor_of_the_transfer_certificate_is_announced(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *good = NULL;
	OWN(X509) *bad = NULL;
	WIPED(buf) der = { 0 };
	struct span cert;
	struct trust_change change = { TRUST_TRANSFER, &cert, 1 };
	WIPED(response_verdict) v = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	good = software_ca_transfer(
	    &b.ca, key, "critical,digitalSignature", "critical," EKU_TRANSFER);
	bad = software_ca_transfer(
	    &b.ca, key, "critical,digitalSignature", "critical,serverAuth");
	b.manifest.changes = &change;
	b.manifest.n_changes = 1;
	cert_der(bad, &der);
	cert = buf_span(&der);
	seal(&b);
	refused(&b, "TRANSFER-CERT", "its extended key usage");
	cert_der(good, &der);
	cert = buf_span(&der);
	seal(&b);
	check_ok(judge_response(b.judge, &b.response, &v));
	assert_true(v.trust_changed);
	assert_true(span_eq(buf_span(&v.trust.transfer_cert), cert));
	assert_int_equal(v.trust.n_cas, 1);
}

/* A bed that announces one certificate or two; each test changes one thing. */
struct news {
	EVP_PKEY *key; /* of the next CA */
	X509 *next;
	struct buf next_der, over_der;
	struct span certs[4];
	struct trust_change change;
};

static void
news_wipe(struct news *n)
{
	EVP_PKEY_free(n->key);
	X509_free(n->next);
	buf_wipe(&n->next_der);
	buf_wipe(&n->over_der);
}

static void
news_make(struct bed *b, struct news *n)
{
	n->key = key_new("ec-p256");
	n->next = ca_cert_make(n->key, "CN=Software CA, O=Tests", NULL);
	cert_der(n->next, &n->next_der);
	software_ca_cross(&b->ca, n->next, NULL, &n->over_der);
	n->certs[0] = buf_span(&n->next_der);
	n->certs[1] = buf_span(&n->over_der);
	n->change = (struct trust_change){ TRUST_ROLLOVER, n->certs, 2 };
	b->manifest.changes = &n->change;
	b->manifest.n_changes = 1;
	seal(b);
}

static void
a_new_ca_key_is_new_and_a_renewed_one_is_not(void **state)
{
	OWN(X509) *renewed = NULL;
	WIPED(buf) renewed_der = { 0 };
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	passes(&b);
	n.change.kind = TRUST_SPARE;
	seal(&b);
	passes(&b);
	n.change.kind = TRUST_RENEWED;
	n.change.n_certs = 1;
	seal(&b);
	refused(&b, "TRUST-CHANGE", "has another key");
	renewed = ca_cert_make(b.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(renewed, &renewed_der);
	n.certs[0] = buf_span(&renewed_der);
	seal(&b);
	passes(&b);
	n.change.kind = TRUST_SPARE;
	n.change.n_certs = 2;
	seal(&b);
	refused(&b, "TRUST-CHANGE", "is pinned already");
}

static void
one_certificate_vouches_for_a_new_ca_key(void **state)
{
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	n.change.n_certs = 1;
	seal(&b);
	refused(&b, "TRUST-CHANGE",
	    "r1: a new CA key comes with one certificate over it by a CA key that is pinned (RFC 4210 4.4), and perhaps one over that by the new key, and this with 0");
	n.change.n_certs = 4;
	n.certs[2] = n.certs[3] = n.certs[1];
	seal(&b);
	refused(&b, "TRUST-CHANGE", "and this with 3");
	n.change.kind = TRUST_RENEWED;
	n.change.n_certs = 2;
	seal(&b);
	refused(
	    &b, "TRUST-CHANGE", "r1: a change with 2 certificates, not one");
	n.change.kind = TRUST_ROLLOVER;
	seal(&b);
	passes(&b);
	n.certs[0].n--; /* and it is one */
	seal(&b);
	refused(&b, "CA-CERT", "r1: ");
}

static void
over_ended(X509 *cert)
{
	set_time(X509_getm_notAfter(cert), NOW - 1);
}

static void
over_not_begun(X509 *cert)
{
	set_time(X509_getm_notBefore(cert), NOW + 1);
}

static void
over_no_ca(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_basic_constraints, -1);

	X509_EXTENSION_free(X509_delete_ext(cert, at));
	add_text(cert, cert, "basicConstraints", "critical,CA:FALSE");
}

static void
over_another_name(X509 *cert)
{
	OWN(X509_NAME) *name = NULL;

	check_ok(subject_read("CN=Another", &name));
	assert_int_equal(X509_set_subject_name(cert, name), 1);
}

static void
over_another_key(X509 *cert)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");

	assert_int_equal(X509_set_pubkey(cert, key), 1);
}

static void
names_another_key(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_authority_key_identifier, -1);

	X509_EXTENSION_free(X509_delete_ext(cert, at));
	add_text(cert, cert, "authorityKeyIdentifier", "keyid:always");
}

/* The transfer key alone is not enough, whatever lies beside the new key. */
static void
only_a_pinned_ca_key_vouches_for_a_new_one(void **state)
{
	static const struct {
		spoil *how;
		const char *rule, *words;
	} ways[] = {
		{ over_ended, "TRUST-CHANGE",
		    "r1: the certificate over the new CA key is not valid when this was signed" },
		{ over_not_begun, "TRUST-CHANGE", "is not valid when" },
		{ over_no_ca, "CA-CERT",
		    "r1: the certificate over the new CA key: no basicConstraints with cA TRUE (RFC 5280 4.2.1.9)" },
		{ over_another_name, "TRUST-CHANGE",
		    "r1: the certificate over the new CA key is over another key or name" },
		{ over_another_key, "TRUST-CHANGE",
		    "is over another key or name" },
		{ names_another_key, "TRUST-CHANGE",
		    "is not signed by a CA key that is pinned" },
	};
	struct software_ca stranger;
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		software_ca_cross(&b.ca, n.next, ways[i].how, &n.over_der);
		n.certs[1] = buf_span(&n.over_der);
		seal(&b);
		refused(&b, ways[i].rule, ways[i].words);
	}
	/* By itself, by a stranger of that name, by the transfer key. */
	n.certs[1] = n.certs[0];
	seal(&b);
	refused(&b, "CA-CERT", "no authorityKeyIdentifier");
	stranger = b.ca;
	stranger.key = n.key;
	software_ca_cross(&stranger, n.next, NULL, &n.over_der);
	n.certs[1] = buf_span(&n.over_der);
	seal(&b);
	refused(&b, "TRUST-CHANGE", "is not signed by a CA key that is pinned");
	stranger.key = b.ca.transfer_key;
	software_ca_cross(&stranger, n.next, NULL, &n.over_der);
	n.certs[1] = buf_span(&n.over_der);
	seal(&b);
	refused(&b, "TRUST-CHANGE", "is not signed by a CA key that is pinned");
}

/* Two changes in one manifest: the first's key vouches for nothing in it. */
static void
news_vouch_for_no_news(void **state)
{
	OWN(EVP_PKEY) *third = key_new("ec-p256");
	OWN(X509) *last = NULL;
	WIPED(buf) last_der = { 0 };
	WIPED(buf) over_der = { 0 };
	struct software_ca middle;
	struct span certs[2];
	struct trust_change changes[2];
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	last = ca_cert_make(third, "CN=Software CA, O=Tests", NULL);
	cert_der(last, &last_der);
	middle = b.ca;
	middle.key = n.key;
	middle.cert = n.next;
	software_ca_cross(&middle, last, NULL, &over_der);
	certs[0] = buf_span(&last_der);
	certs[1] = buf_span(&over_der);
	changes[0] = n.change;
	changes[1] = (struct trust_change){ TRUST_ROLLOVER, certs, 2 };
	b.manifest.changes = changes;
	b.manifest.n_changes = 2;
	seal(&b);
	refused(&b, "TRUST-CHANGE", "is not signed by a CA key that is pinned");
	software_ca_cross(&b.ca, last, NULL, &over_der);
	certs[1] = buf_span(&over_der);
	seal(&b);
	passes(&b);
}

static void
a_renewed_ca_signs_itself_and_has_not_ended(void **state)
{
	OWN(EVP_PKEY) *root = key_new("ec-p256");
	OWN(X509) *above = ca_cert_make(root, "CN=Root", NULL);
	OWN(X509) *sub = NULL;
	OWN(X509) *ended = NULL;
	WIPED(buf) der = { 0 };
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	n.change.kind = TRUST_RENEWED;
	n.change.n_certs = 1;
	/* The key that is pinned, by a root that nobody pinned. */
	sub = X509_dup(b.ca.cert);
	assert_int_equal(
	    X509_set_issuer_name(sub, X509_get_subject_name(above)), 1);
	add_text(sub, above, "authorityKeyIdentifier", "keyid:always");
	assert_true(X509_sign(sub, root, EVP_sha256()) > 0);
	cert_der(sub, &der);
	n.certs[0] = buf_span(&der);
	seal(&b);
	refused(&b, "TRUST-CHANGE",
	    "r1: a CA certificate of another issuer is believed by its words only");
	ended = ca_cert_make(b.ca.key, "CN=Software CA, O=Tests", over_ended);
	cert_der(ended, &der);
	n.certs[0] = buf_span(&der);
	seal(&b);
	refused(&b, "TRUST-CHANGE",
	    "r1: a CA certificate that had ended when this was signed");
}

static void
a_crl_that_is_not_there_is_missed(void **state)
{
	struct crl_entry crl = { .number = 1,
		.this_update = NOW,
		.next_update = NOW + DAY,
		.file = span_str("ca.crl") };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	memcpy(crl.issuer, b.ca.key_id, SHA256_LEN);
	b.manifest.crls = &crl;
	b.manifest.n_crls = 1;
	seal(&b);
	refused(&b, "MANIFEST-FILES", "r1: ca.crl is missing");
	b.manifest.n_crls = 0;
	seal(&b);
	passes(&b);
}

static void
no_file_is_listed_twice(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	file_make(&b, 3, "ca.pem", span_str("another\n"));
	seal(&b);
	refused(&b, "MANIFEST-FILES", "r1: its manifest lists ca.pem twice");
	file_make(&b, 3, "policy.conf", span_str(PLAIN_POLICY));
	seal(&b);
	passes(&b);
}

/* What was kept under an id is a bundle of that id. */
static void
a_bundle_has_the_id_that_it_is_kept_by(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.bundle.id[0] ^= 1; /* where it is kept; the file has another */
	memcpy(b.manifest.bundle_id, b.bundle.id, BUNDLE_ID_LEN);
	seal(&b);
	refused(
	    &b, "MANIFEST-BUNDLE", "r1: answers a bundle with other content");
}

static void
a_certificate_begins_when_it_was_asked_to(void **state)
{
	WIPED(buf) payload = { 0 };
	struct validity *asked;
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	asked = &b.requests[1].validity;
	asked->has_not_before = true;
	asked->not_before = NOW - HOUR;
	buf_reset(&b.bundle_file);
	check_ok(bundle_write(&b.bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, b.requester,
	    span_of(b.channel.requester, SHA256_LEN), buf_span(&payload),
	    &b.bundle_file));
	answer_make(&b);
	seal(&b);
	passes(&b);
	b.entries[1][0].not_before--;
	seal(&b);
	refused(
	    &b, "CERT-DATES", "r1: result 2 begins at another time than asked");
}

static enum rc
judge_it(void *arg)
{
	struct bed *b = arg;
	WIPED(response_verdict) v = { 0 };
	struct judge *judge = NULL;
	enum rc rc = judge_new(&b->trust, &b->policy, &judge);

	if (rc == RC_OK)
		rc = judge_response(judge, &b->response, &v);
	judge_free(judge);
	return rc;
}

static void
no_verdict_was_spoken(void *arg)
{
	(void)arg;
	assert_int_equal(rule_spoken(), RULE_NONE);
}

/* Nothing is half judged: what cannot be looked at does not pass. */
static void
without_memory_or_hashes_nothing_passes(void **state)
{
	WIPED(news) n = { 0 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	news_make(&b, &n);
	each_fails(FAIL_MEMORY
	    " EVP_MD_CTX_new EVP_PKEY_CTX_new_from_pkey EVP_PKEY_verify_init"
	    " EVP_PKEY_CTX_set_signature_md EVP_DigestInit_ex2"
	    " EVP_DigestUpdate EVP_DigestFinal_ex",
	    judge_it, NULL, &b);
	/* nor is it refused: certificates, manifest, and who vouches for a key
	 */
	each_fails("EVP_PKEY_verify EVP_DigestVerify EVP_DigestVerifyInit_ex"
		   " EVP_DigestVerifyUpdate EVP_DigestVerifyFinal",
	    judge_it, no_verdict_was_spoken, &b);
}

int
main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_response_passes),
		cmocka_unit_test(the_same_again_is_no_news),
		cmocka_unit_test(the_judges_process_refuses_the_same_again),
		cmocka_unit_test(another_one_of_the_same_number_is_a_fork),
		cmocka_unit_test(a_forged_signature_is_no_fork),
		cmocka_unit_test(numbers_go_up_by_one),
		cmocka_unit_test(a_response_is_for_one_requester_of_one_ca),
		cmocka_unit_test(only_the_pinned_transfer_certificate_signs),
		cmocka_unit_test(a_subscribers_certificate_signs_no_manifest),
		cmocka_unit_test(the_transfer_certificate_is_valid_when_it_signs),
		cmocka_unit_test(a_bundle_is_answered_once_and_as_it_was_sent),
		cmocka_unit_test(without_a_bundle_there_are_no_results),
		cmocka_unit_test(results_are_those_that_were_asked_in_order),
		cmocka_unit_test(a_refused_request_has_its_reason_and_no_certificate),
		cmocka_unit_test(dates_are_those_of_the_series),
		cmocka_unit_test(a_first_date_that_was_asked_for_is_kept),
		cmocka_unit_test(swapped_certificates_are_refused),
		cmocka_unit_test(a_certificate_for_another_key_is_refused),
		cmocka_unit_test(no_serial_comes_twice),
		cmocka_unit_test(each_certificate_is_judged),
		cmocka_unit_test(names_are_those_that_were_asked),
		cmocka_unit_test(the_directory_is_what_the_manifest_lists),
		cmocka_unit_test(every_certificate_is_there_once),
		cmocka_unit_test(the_policy_is_the_one_that_is_named),
		cmocka_unit_test(a_successor_of_the_transfer_certificate_is_announced),
		cmocka_unit_test(a_new_ca_key_is_new_and_a_renewed_one_is_not),
		cmocka_unit_test(one_certificate_vouches_for_a_new_ca_key),
		cmocka_unit_test(only_a_pinned_ca_key_vouches_for_a_new_one),
		cmocka_unit_test(news_vouch_for_no_news),
		cmocka_unit_test(a_renewed_ca_signs_itself_and_has_not_ended),
		cmocka_unit_test(a_crl_that_is_not_there_is_missed),
		cmocka_unit_test(no_file_is_listed_twice),
		cmocka_unit_test(a_bundle_has_the_id_that_it_is_kept_by),
		cmocka_unit_test(a_certificate_begins_when_it_was_asked_to),
		cmocka_unit_test(without_memory_or_hashes_nothing_passes),
	};
	/* clang-format on */

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
