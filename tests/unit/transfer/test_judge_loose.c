/* SPDX-License-Identifier: Apache-2.0 */
/* Responses to loose CSRs, with the CSRs at hand and without. */
#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"

#include "transfer/format/cbor_out.h"
#include "transfer/judge/judge_response.h"
#include "transfer/media/loose.h"

#include <stdio.h>

#define N 3 /* CSRs; the last is refused */
#define N_FILES 3

struct bed {
	struct software_ca ca;
	struct trust trust;
	struct policy policy;
	struct judge *judge;
	struct buf set_bytes, spkis[N], ders[N], files[N_FILES], file;
	struct loose set; /* in its order, as everything below */
	struct name names[N];
	uint8_t serials[N][16];
	struct cert_entry entries[N];
	struct result results[N];
	struct span file_names[N_FILES];
	struct file_entry file_entries[N_FILES];
	struct manifest manifest;
	struct loose_terms terms;
	struct evidence response;
	const char *profiles[N]; /* that the CA took */
	spoil *spoil;		 /* of the first certificate */
	size_t taken;
};

static void
bed_wipe(struct bed *b)
{
	judge_free(b->judge);
	trust_wipe(&b->trust);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	loose_wipe(&b->set);
	buf_wipe(&b->set_bytes);
	buf_wipe(&b->file);
	for (size_t i = 0; i < N; i++) {
		buf_wipe(&b->spkis[i]);
		buf_wipe(&b->ders[i]);
	}
	for (size_t i = 0; i < N_FILES; i++)
		buf_wipe(&b->files[i]);
}

static void
csr_make(const char *san, struct buf *out)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(
	    sk_X509_EXTENSION_push(
		list, X509V3_EXT_nconf(NULL, NULL, "subjectAltName", san)) > 0);
	assert_int_equal(X509_REQ_add_extensions(req, list), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	check_ok(buf_add(out, der, (size_t)n));
}

/* Of the CSR a.csr, besides its own. */
static const char *other_name;

static void
set_make(struct bed *b)
{
	static const char *const sans[N] = { "DNS:a.example.org",
		"DNS:b.example.org", "DNS:c.example.org" };
	static const char *const files[N] = { "a.csr", "b.csr", "c.csr" };
	struct loose_csr items[N] = { 0 };
	struct loose set = { .items = items, .n = N };
	struct buf ders[N] = { 0 };

	for (size_t i = 0; i < N; i++) {
		WIPED(buf) san = { 0 };

		check_ok(buf_printf(&san, "%s%s", sans[i],
		    i == 0 && other_name != NULL ? other_name : ""));
		csr_make(buf_cstr(&san), &ders[i]);
		items[i].name = span_str(files[i]);
		items[i].der = buf_span(&ders[i]);
		check_ok(sha256(items[i].der, items[i].digest));
	}
	check_ok(loose_write(&set, &b->set_bytes));
	check_ok(loose_read(buf_span(&b->set_bytes), &b->set));
	for (size_t i = 0; i < N; i++) {
		WIPED(buf) room = { 0 };
		struct span spki;
		size_t at = b->set.items[i].name.p[0] - (size_t)'a';

		check_ok(
		    csr_find_spki("csr", b->set.items[i].der, &room, &spki));
		check_ok(buf_add_span(&b->spkis[i], spki));
		b->names[i] = (struct name){ NAME_DNS, span_str(sans[at] + 4) };
		buf_wipe(&ders[i]);
	}
}

static void
certificate_make(struct bed *b, size_t i)
{
	struct cert_entry *entry = &b->entries[i];
	struct expected e = { .from = "made",
		.spki = buf_span(&b->spkis[i]),
		.profile = span_str(b->profiles[i]),
		.names = &b->names[i],
		.n_names = 1,
		.not_before = NOW - HOUR,
		.not_after = NOW - HOUR + 31 * DAY - 1 };

	draw_serial(b->serials[i]);
	e.serial = span_of(b->serials[i], 16);
	buf_reset(&b->ders[i]);
	software_ca_issue(
	    &b->ca, &b->policy, &e, i == 0 ? b->spoil : NULL, &b->ders[i]);
	*entry = (struct cert_entry){ .serial = e.serial,
		.file = span_str(i == 0 ? "0001.pem" : "0002.pem"),
		.not_before = e.not_before,
		.not_after = e.not_after };
	check_ok(sha256(buf_span(&b->ders[i]), entry->digest));
	memcpy(entry->issuer, b->ca.key_id, SHA256_LEN);
}

static void
results_make(struct bed *b)
{
	for (size_t i = 0; i < N; i++) {
		struct result *r = &b->results[i];

		*r = (struct result){ .id = span_str(b->set.items[i].id) };
		memcpy(r->csr_digest, b->set.items[i].digest, SHA256_LEN);
		if (i == N - 1) {
			r->rule = span_str("NAME-SCOPE");
			r->reason = span_str("out of scope");
			continue;
		}
		certificate_make(b, i);
		r->certs = &b->entries[i];
		r->n_certs = 1;
	}
}

static void
manifest_make(struct bed *b)
{
	struct manifest *m = &b->manifest;

	*m = (struct manifest){ .sequence = 7,
		.signed_at = NOW,
		.results = b->results,
		.n_results = N,
		.files = b->file_entries,
		.n_files = N_FILES,
		.ledger = { .count = 10 } };
	memcpy(m->ca_id, b->ca.id, SHA256_LEN);
	memcpy(m->policy, b->policy.digest, SHA256_LEN);
}

/* The files and the manifest as the rest stands now. */
static void
seal(struct bed *b)
{
	WIPED(buf) payload = { 0 };

	for (size_t i = 0; i < N_FILES; i++) {
		struct file_entry *f = &b->file_entries[i];

		buf_reset(&b->files[i]);
		if (i < 2)
			check_ok(pem_write(PEM_CERTIFICATE,
			    buf_span(&b->ders[i]), &b->files[i]));
		else
			check_ok(buf_add_str(&b->files[i], PLAIN_POLICY));
		b->file_names[i] = span_str(i == 0   ? "0001.pem"
					    : i == 1 ? "0002.pem"
						     : "policy.conf");
		*f = (struct file_entry){ .name = b->file_names[i],
			.size = b->files[i].n };
		check_ok(sha256(buf_span(&b->files[i]), f->digest));
	}
	buf_reset(&b->file);
	check_ok(manifest_write(&b->manifest, &payload));
	check_ok(cose_sign(COSE_MANIFEST, b->ca.transfer_key,
	    buf_span(&b->ca.transfer_der), buf_span(&payload), &b->file));
	b->response.manifest = buf_span(&b->file);
}

static enum rc
give_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct bed *b = arg;

	*ret_bytes = buf_span(&b->files[i]);
	return RC_OK;
}

static enum rc
take(void *arg, const struct judged *judged)
{
	struct bed *b = arg;

	assert_true(
	    span_eq_str(judged->asked->profile, b->profiles[judged->request]));
	assert_int_equal(judged->asked->validity.period, 31 * DAY);
	assert_int_equal(judged->n_names, 1);
	assert_int_equal(
	    name_compare(&judged->names[0], &b->names[judged->request]), 0);
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
	set_make(b);
	b->profiles[0] = "server";
	b->profiles[1] = "bare"; /* not what one CA run does, but good */
	b->terms.set = &b->set;
	b->response = (struct evidence){ .from = "r1",
		.loose = &b->terms,
		.names = b->file_names,
		.n_names = N_FILES,
		.file = give_file,
		.take = take,
		.arg = b };
	results_make(b);
	manifest_make(b);
	seal(b);
}

static void
passes(struct bed *b)
{
	WIPED(response_verdict) v = { 0 };

	b->taken = 0;
	check_ok(judge_response(b->judge, &b->response, &v));
	assert_int_equal(v.n_certs, N - 1);
	assert_int_equal(v.n_refused, 1);
	assert_int_equal(b->taken, N - 1);
}

static void
refused(struct bed *b, const char *rule, const char *words)
{
	WIPED(response_verdict) v = { 0 };

	check_rule(judge_response(b->judge, &b->response, &v), rule, words);
}

static void
the_profile_is_found_with_and_without_the_csrs(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	passes(&b);
	b.terms.set = NULL;
	passes(&b);
}

static void
one_profile_may_be_demanded(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.terms.asked.profile = span_str("server");
	refused(&b, "CERT-PROFILE", "r1: ");
	b.profiles[1] = "server";
	results_make(&b);
	seal(&b);
	passes(&b);
}

static void
it_is_of_no_channel_and_of_no_bundle(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.has_requester = true;
	b.manifest.has_previous = true;
	seal(&b);
	refused(&b, "CHANNEL", "not to loose CSRs");
	manifest_make(&b);
	b.manifest.has_bundle = true;
	seal(&b);
	refused(&b, "MANIFEST-BUNDLE", "not loose CSRs");
	manifest_make(&b);
	memset(b.manifest.ca_id, 1, SHA256_LEN);
	seal(&b);
	refused(&b, "CHANNEL", "another CA");
}

static void
results_are_those_of_the_set(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.manifest.n_results = N - 1;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "2 results");
	manifest_make(&b);
	b.results[N - 1].csr_digest[31] ^= 1;
	seal(&b);
	refused(&b, "CSR-DIGEST", "another CSR than ");
	b.terms.set = NULL; /* nobody can tell */
	passes(&b);
	b.results[N - 1].csr_digest[0] ^= 1;
	seal(&b);
	refused(&b, "MANIFEST-RESULTS", "result 3");
}

/* The same manifest where nobody here asked for it: what a request may hold at
 * most still holds. */
static void
an_unasked_answer_is_no_larger_than_a_request(void **state)
{
	WIPED(bed) b = { 0 };
	struct bundle asked = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(judge_unasked_requests(&b.response, &b.manifest, &asked));
	assert_int_equal(asked.n_requests, N);
	free(asked.requests);
	b.results[1].n_certs = SERIES_MAX + 1;
	check_refused(judge_unasked_requests(&b.response, &b.manifest, &asked),
	    "MANIFEST-RESULTS", "r1: result 2 has 121 certificates");
	b.results[1].n_certs = 1;
	b.manifest.n_revocations = 1;
	check_refused(judge_unasked_requests(&b.response, &b.manifest, &asked),
	    "MANIFEST-RESULTS",
	    "r1: 1 results of revocations, and nothing that asked for them");
	b.manifest.n_revocations = 0;
}

static void
a_certificate_has_the_key_of_its_csr(void **state)
{
	OWN(EVP_PKEY) *other = key_new("ec-p256");
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	buf_reset(&b.spkis[0]);
	key_spki(other, &b.spkis[0]);
	certificate_make(&b, 0);
	seal(&b);
	refused(&b, "CERT-KEY", "another key than its request");
	b.terms.set = NULL; /* and without the CSRs that is the CA's word */
	passes(&b);
}

static void
add_comment(X509 *cert)
{
	add_text(cert, cert, "nsComment", "more than the profile has");
}

static void
no_profile_makes_it(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.spoil = add_comment;
	certificate_make(&b, 0);
	seal(&b);
	refused(&b, "CERT-PROFILE", "fits no profile of the policy");
	b.terms.set = NULL;
	refused(&b, "CERT-PROFILE", "fits no profile of the policy");
}

static void
it_is_signed_by_the_ca(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(software_ca) other = { 0 };
	EVP_PKEY *mine;

	(void)state;
	bed_make(&b);
	software_ca_make(&other, "ec-p256");
	mine = b.ca.key;
	b.ca.key = other.key;
	certificate_make(&b, 0);
	b.ca.key = mine;
	seal(&b);
	refused(&b, "CERT-SIGNATURE", "not of the CA's key");
	b.terms.set = NULL;
	refused(&b, "CERT-SIGNATURE", "not of the CA's key");
}

static void
keys_are_not_changed_by_it(void **state)
{
	struct span cert;
	struct trust_change change = { .certs = &cert, .n_certs = 1 };
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	cert = buf_span(&b.ca.transfer_der);
	b.manifest.changes = &change;
	b.manifest.n_changes = 1;
	seal(&b);
	refused(&b, "TRUST-CHANGE", "changes no key");
}

static void
validity_is_the_profiles_own(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.entries[0].not_after += DAY;
	seal(&b);
	refused(&b, "CERT-PROFILE", "fits no profile");
	b.terms.asked.profile = span_str("server");
	refused(&b, "CERT-DATES", "as long as the profile server has it");
	b.terms.asked.profile = SPAN_NONE;
	b.entries[0].not_after -= DAY;
	b.manifest.signed_at = NOW - 2 * HOUR;
	seal(&b);
	refused(&b, "CERT-DATES", "begins after it was signed");
}

/* The fields are there, and the dates are none. */
static void
what_only_looks_like_a_certificate_has_no_names(void **state)
{
	static const uint8_t der[] =
	    "\x30\x24\x30\x19\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x03"
	    "\x06\x01\x2a\x30\x00\x30\x00\x30\x00\x30\x00\xa3\x02\x30"
	    "\x00\x30\x03\x06\x01\x2a\x03\x02\x00\x01";
	WIPED(name_list) names = { 0 };
	struct cert_parts parts;
	struct span spki, subject;

	(void)state;
	check_ok(cert_parts_read("f", span_of(der, sizeof(der) - 1), &parts));
	check_refused(judge_loose_facts("f", span_of(der, sizeof(der) - 1),
			  &spki, &subject, &names),
	    "CERT-FORM", "f: no certificate");
}

static void
the_judges_process_reads_the_set_itself(void **state)
{
	WIPED(bed) b = { 0 };
	struct child judge = CHILD_NONE;
	WIPED(sealed) copy = { .fd = -1 };
	struct span cert;
	int fd = -1;

	(void)state;
	bed_make(&b);
	b.profiles[1] = "server";
	results_make(&b);
	seal(&b);
	b.terms =
	    (struct loose_terms){ NULL, { .profile = span_str("server") } };
	b.response.channel = &(struct channel){ 0 };
	check_ok(sealed_make(buf_span(&b.set_bytes), &fd));
	check_ok(sealed_map(fd, &copy));
	cert = buf_span(&b.ca.der);
	check_ok(judge_start(&judge));
	check_ok(judge_open(&judge, span_str(PLAIN_POLICY), NULL, &cert, 1,
	    buf_span(&b.ca.transfer_der)));
	check_ok(judge_response_ask(&judge, &b.response, &copy));
	b.results[N - 1].csr_digest[31] ^= 1;
	seal(&b);
	check_rule(judge_response_ask(&judge, &b.response, &copy), "CSR-DIGEST",
	    "another CSR");
	check_ok(child_stop(&judge, 10));
}

/* A profile that takes no names from a CSR makes no certificate with them: it
 * is passed over, and demanded it does not do. */
static void
names_are_the_csrs_where_the_profile_takes_them(void **state)
{
	WIPED(policy) policy = { 0 }; /* lives longer than its judge */
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(policy_parse("policy.conf",
	    span_str("[ca]\nscope = example.org\nbackdate = 1h\n"
		     "clock-horizon = 400d\n"
		     "[profile asked]\nsubject = none\n"
		     "names-from = bundle\n" PLAIN_PROFILE
		     "[profile server]\nsubject = first-name\n" PLAIN_PROFILE
		     "[profile bare]\nsubject = none\n" PLAIN_PROFILE
		     "extension.tlsfeature = status_request\n"),
	    &policy));
	judge_free(b.judge);
	b.judge = NULL;
	check_ok(judge_new(&b.trust, &policy, &b.judge));
	passes(&b);
	b.terms.asked.profile = span_str("asked");
	refused(
	    &b, "CERT-PROFILE", "certificate 1: fits no profile of the policy");
}

/* What a CSR has that is refused is not made good by a manifest. */
static void
a_csr_with_a_bad_name_gets_nothing_by_its_names(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	other_name = ",DNS:b..example.org";
	do { /* the first, by their digests */
		bed_wipe(&b);
		b = (struct bed){ 0 };
		bed_make(&b);
	} while (b.set.items[0].name.p[0] != 'a');
	other_name = NULL;
	b.terms.asked.profile = span_str("server");
	refused(&b, "CERT-NAMES",
	    "the CSR has names that are refused, and the profile server takes them");
}

/* Whoever asks for one name takes no certificate with another. */
static void
names_that_were_given_take_the_place_of_the_csrs(void **state)
{
	const struct name all[] = {
		{ NAME_DNS, span_str("a.example.org") },
		{ NAME_DNS, span_str("z.example.org") },
	};
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	b.terms.asked.names = all;
	b.terms.asked.n_names = 1;
	refused(&b, "CERT-NAMES", "");
	for (size_t i = 0; i < N; i++)
		b.names[i] = all[0];
	results_make(&b);
	seal(&b);
	passes(&b);
	b.terms.asked.n_names = 2;
	refused(&b, "CERT-NAMES", "");
	b.terms.asked.n_names = 0;
	refused(&b, "CERT-NAMES", "");
}

static enum rc
judge_it(void *arg)
{
	struct bed *b = arg;
	WIPED(response_verdict) v = { 0 };

	return judge_response(b->judge, &b->response, &v);
}

static void
without_memory_no_set_passes(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	passes(&b); /* what is made once is made */
	each_fails(FAIL_MEMORY, judge_it, NULL, &b);
	b.terms.set = NULL; /* and so without the CSRs */
	b.response.channel = &(struct channel){ 0 };
	b.profiles[1] = "server";
	b.terms.asked.profile = span_str("server");
	results_make(&b);
	seal(&b);
	each_fails(FAIL_MEMORY, judge_it, NULL, &b);
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_profile_is_found_with_and_without_the_csrs),
		T(one_profile_may_be_demanded),
		T(it_is_of_no_channel_and_of_no_bundle),
		T(results_are_those_of_the_set),
		T(an_unasked_answer_is_no_larger_than_a_request),
		T(a_certificate_has_the_key_of_its_csr),
		T(no_profile_makes_it),
		T(it_is_signed_by_the_ca),
		T(keys_are_not_changed_by_it),
		T(validity_is_the_profiles_own),
		T(what_only_looks_like_a_certificate_has_no_names),
		T(the_judges_process_reads_the_set_itself),
		T(a_csr_with_a_bad_name_gets_nothing_by_its_names),
		T(names_are_the_csrs_where_the_profile_takes_them),
		cmocka_unit_test(
		    names_that_were_given_take_the_place_of_the_csrs),
		T(without_memory_no_set_passes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
