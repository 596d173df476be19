/* SPDX-License-Identifier: Apache-2.0 */
/* The formats against files that other code made: tests/vectors/format. */
#include "transfer/format/payload.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"
#include "transfer/x509/name.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define VECTORS "tests/vectors/format/"

static void
load(const char *name, struct buf *ret)
{
	char path[200];
	uint8_t block[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), VECTORS "%s", name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: missing", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		check_ok(buf_add(ret, block, n));
	(void)fclose(f);
}

/* ---- any of the three kinds ---------------------------------------------- */

union payload {
	struct bundle bundle;
	struct manifest manifest;
	struct card card;
};

static enum rc
payload_read(enum cose_type type, struct span bytes, union payload *ret)
{
	switch (type) {
	case COSE_BUNDLE:
		return bundle_read("f", bytes, &ret->bundle);
	case COSE_MANIFEST:
		return manifest_read("f", bytes, &ret->manifest);
	default:
		return card_read("f", bytes, &ret->card);
	}
}

static enum rc
payload_write(enum cose_type type, const union payload *p, struct buf *out)
{
	switch (type) {
	case COSE_BUNDLE:
		return bundle_write(&p->bundle, out);
	case COSE_MANIFEST:
		return manifest_write(&p->manifest, out);
	default:
		return card_write(&p->card, out);
	}
}

static void
payload_wipe(enum cose_type type, union payload *p)
{
	if (type == COSE_BUNDLE)
		bundle_wipe(&p->bundle);
	else if (type == COSE_MANIFEST)
		manifest_wipe(&p->manifest);
	else
		card_wipe(&p->card);
}

/* The key that signed: from the bundle's own SPKI, or the certificate. */
static enum rc
signer_of(const struct cose *c, const union payload *p, EVP_PKEY **ret)
{
	const bool bundle = c->type == COSE_BUNDLE;
	const unsigned char *at = bundle ? p->bundle.spki.p : c->cert.p;
	const size_t n = bundle ? p->bundle.spki.n : c->cert.n;
	OWN(X509) *cert = bundle ? NULL : d2i_X509(NULL, &at, (long)n);

	if (bundle)
		*ret = d2i_PUBKEY(NULL, &at, (long)n);
	else
		*ret = cert == NULL ? NULL : X509_get_pubkey(cert);
	return *ret == NULL ? err_set(RC_FORMAT, "no key") : RC_OK;
}

/* Everything that can refuse a file without a state of ours. */
static enum rc
file_judge(enum cose_type type, struct span file)
{
	union payload p = { .card = { .n_certs = 0 } };
	OWN(EVP_PKEY) *key = NULL;
	struct cose c;
	enum rc rc = cose_read("f", file, type, &c);

	if (rc != RC_OK)
		return rc;
	rc = payload_read(type, c.payload, &p);
	if (rc != RC_OK)
		return rc;
	rc = signer_of(&c, &p, &key);
	if (rc == RC_OK)
		rc = cose_verify("f", &c, key);
	payload_wipe(type, &p);
	return rc;
}

static const struct {
	const char *name;
	enum cose_type type;
} golden[] = {
	{ "bundle", COSE_BUNDLE },
	{ "manifest", COSE_MANIFEST },
	{ "card", COSE_CARD },
};

static void
load_golden(size_t i, struct buf *ret)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s.cose", golden[i].name);
	load(name, ret);
}

/* ---- tests --------------------------------------------------------------- */

static void
golden_files_are_read_and_written_again_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(buf) file = { 0 };
		WIPED(buf) again = { 0 };
		union payload p;
		struct cose c;

		load_golden(i, &file);
		check_ok(file_judge(golden[i].type, buf_span(&file)));
		check_ok(cose_read("f", buf_span(&file), golden[i].type, &c));
		check_ok(payload_read(golden[i].type, c.payload, &p));
		check_ok(payload_write(golden[i].type, &p, &again));
		assert_true(span_eq(buf_span(&again), c.payload));
		payload_wipe(golden[i].type, &p);
	}
}

static void
the_golden_bundle_says_what_it_was_given(void **state)
{
	WIPED(buf) file = { 0 };
	WIPED(bundle) b = { 0 };
	const struct cert_request *r;
	struct cose c;

	(void)state;
	load("bundle.cose", &file);
	check_ok(cose_read("f", buf_span(&file), COSE_BUNDLE, &c));
	check_ok(bundle_read("f", c.payload, &b));
	assert_int_equal(b.created, 1795442400);
	assert_int_equal(b.sequence, 7);
	assert_true(b.has_expires && b.expires == 1798034400);
	assert_true(b.has_head && b.head.sequence == 3);
	assert_int_equal(b.head.ledger.count, 41);
	assert_true(span_eq_str(b.label, "web-host"));
	assert_int_equal(b.n_requests, 2);
	r = &b.requests[0];
	assert_true(span_eq_str(r->id, "web-1"));
	assert_int_equal(r->csr.n, 64);
	assert_int_equal(r->validity.count, 1);
	assert_int_equal(r->validity.period, 2678400);
	assert_int_equal(r->comment.n + r->replaces.n + r->n_names, 0);
	r = &b.requests[1];
	assert_true(span_eq_str(r->profile, "xmpp-server"));
	assert_true(r->validity.has_not_before);
	assert_int_equal(r->validity.count, 12);
	assert_int_equal(r->validity.overlap, 604800);
	assert_int_equal(r->n_names, 6);
	assert_int_equal(r->names[1].type, NAME_SRV);
	assert_true(span_eq_str(r->names[5].text, "https://a.example/"));
	assert_int_equal(b.n_revocations, 2);
	assert_int_equal(b.revocations[0].serial.n, 20);
	assert_int_equal(b.revocations[1].key_id.n, 32);
	assert_true(b.has_crl && b.crl.count == 12);
	assert_int_equal(b.n_shadow_crls, 2);
}

static void
the_golden_manifest_says_what_it_was_given(void **state)
{
	WIPED(buf) file = { 0 };
	WIPED(manifest) m = { 0 };
	struct cose c;

	(void)state;
	load("manifest.cose", &file);
	check_ok(cose_read("f", buf_span(&file), COSE_MANIFEST, &c));
	check_ok(manifest_read("f", c.payload, &m));
	assert_int_equal(m.sequence, 4);
	assert_true(m.has_previous && m.has_bundle && m.has_requester);
	assert_int_equal(m.n_results, 2);
	assert_int_equal(m.results[0].n_certs, 1);
	assert_true(span_eq_str(m.results[0].certs[0].file, "0001-web-1.pem"));
	assert_true(span_eq_str(m.results[1].rule, "NAME-SCOPE"));
	assert_int_equal(m.revocations[1].status, REVOKE_REFUSED);
	assert_int_equal(m.n_crls, 2);
	assert_true(!m.crls[0].shadow && m.crls[1].shadow);
	assert_int_equal(m.files[0].size, 1234);
	assert_int_equal(m.ledger.count, 57);
	assert_int_equal(m.n_changes, 2);
	assert_int_equal(m.changes[1].kind, TRUST_SPARE);
}

static void
every_hostile_file_is_refused_by_its_rule(void **state)
{
	static const char *const kinds[] = { "bundle", "manifest", "card" };
	FILE *list = fopen(VECTORS "hostile.txt", "r");
	char name[100], kind[16], rule[RULE_NAME_MAX + 1];
	size_t n = 0;

	(void)state;
	assert_non_null(list);
	while (fscanf(list, "%99s %15s %32s", name, kind, rule) == 3) {
		WIPED(buf) file = { 0 };
		char path[128];
		size_t type = 0;
		enum rc rc;

		while (strcmp(kinds[type], kind) != 0)
			type++;
		(void)snprintf(path, sizeof(path), "hostile/%s.cose", name);
		load(path, &file);
		rc = file_judge((enum cose_type)type, buf_span(&file));
		if (rc != RC_FORMAT ||
		    strcmp(rule_name(rule_spoken()), rule) != 0)
			fail_msg("%s: %d %s [%s], wanted %s", name, rc,
			    err_text(), rule_name(rule_spoken()), rule);
		n++;
	}
	(void)fclose(list);
	assert_true(n > 140);
}

static void
bundles_by_each_algorithm_of_another_implementation_verify(void **state)
{
	static const char *const names[] = { "alg-es256.cose", "alg-es384.cose",
		"alg-es512.cose", "alg-ps256.cose", "alg-ps384.cose",
		"alg-ps512.cose" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		WIPED(buf) file = { 0 };

		load(names[i], &file);
		check_ok(file_judge(COSE_BUNDLE, buf_span(&file)));
	}
}

static void
files_cut_at_any_byte_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(buf) file = { 0 };

		load_golden(i, &file);
		for (size_t n = 0; n < file.n; n++)
			assert_int_equal(
			    file_judge(golden[i].type, span_of(file.p, n)),
			    RC_FORMAT);
	}
}

static void
files_with_any_bit_flipped_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(buf) file = { 0 };

		load_golden(i, &file);
		for (size_t bit = 0; bit < 8 * file.n; bit++) {
			file.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			if (file_judge(golden[i].type, buf_span(&file)) !=
			    RC_FORMAT)
				fail_msg("%s: bit %zu may be flipped",
				    golden[i].name, bit);
			file.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

/* Payloads that were never checked, as a subverted reader might send them. */
static void
a_declared_quarter_billion_items_takes_no_memory(void **state)
{
	static const char heads[][8] = { "\x9a\x10\0\0\0", "\xba\x10\0\0\0",
		"\xa1\x09\x9a\x10\0\0", "\xa1\x0c\x9a\x10\0\0",
		"\xa1\x03\x9a\x10\0\0" };
	const struct rlimit tight = { (rlim_t)64 << 20, RLIM_INFINITY };
	const struct rlimit loose = { RLIM_INFINITY, RLIM_INFINITY };
	const bool limited = setrlimit(RLIMIT_DATA, &tight) == 0;
	size_t before;

	(void)state;
	assert_true(limited);
	check_refused(
	    card_read("f", span_str(heads[0]), NULL), "CBOR-SCHEMA", NULL);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		for (enum cose_type t = COSE_BUNDLE; t <= COSE_CARD; t++) {
			union payload p;

			assert_int_equal(
			    payload_read(t, span_of(heads[i], 6), &p),
			    RC_FORMAT);
		}
	assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, before);
	assert_int_equal(setrlimit(RLIMIT_DATA, &loose), 0);
}

/* A bundle of n requests with ids r0, r1, ... */
static void
many_requests(size_t n, bool twice, struct buf *ret_payload)
{
	static uint8_t csr[64], spki[44];
	struct cert_request *requests = calloc(n, sizeof(*requests));
	char(*ids)[32] = calloc(n, sizeof(*ids));
	const struct bundle b = {
		.sequence = 1,
		.requests = requests,
		.n_requests = n,
		.label = span_str("host"),
		.spki = { spki, sizeof(spki) },
	};

	assert_true(requests != NULL && ids != NULL);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "r%zu",
		    twice && i == n - 1 ? 0 : i);
		requests[i] = (struct cert_request){
			.id = span_str(ids[i]),
			.csr = { csr, sizeof(csr) },
			.profile = span_str("tls-server"),
			.validity = { .count = 1, .period = 86400 },
		};
	}
	check_ok(bundle_write(&b, ret_payload));
	free(requests);
	free(ids);
}

static void
a_hundred_thousand_requests_are_read_and_doubled_ids_found(void **state)
{
	WIPED(buf) payload = { 0 };
	WIPED(buf) doubled = { 0 };
	WIPED(bundle) b = { 0 };

	(void)state;
	many_requests(100000, false, &payload);
	check_ok(bundle_read("f", buf_span(&payload), &b));
	assert_int_equal(b.n_requests, 100000);
	many_requests(100000, true, &doubled);
	check_refused(bundle_read("f", buf_span(&doubled), &b), "DUPLICATE-ID",
	    "f: two requests have the id \"r0\"");
	assert_int_equal(b.n_requests, 100000);
}

static void
sentences_name_file_place_and_field(void **state)
{
	static const struct {
		const char *name, *sentence;
		enum cose_type type;
	} cases[] = {
		{ "hostile/bundle-name-type-99.cose",
		    "f: requests[1].names[0]: name type: found 99, wanted a "
		    "number of 0 to 5",
		    COSE_BUNDLE },
		{ "hostile/alg-ml-dsa-65-bundle.cose",
		    "f: protected header: algorithm -49 (ML-DSA-65), wanted "
		    "ES256, ES384, ES512, EdDSA, PS256, PS384 or PS512",
		    COSE_BUNDLE },
		{ "hostile/signature-long.cose",
		    "f: a signature of 4628 bytes, wanted 64 to 4627",
		    COSE_CARD },
		{ "hostile/bundle-reason-hold.cose",
		    "f: revocations[0]: reason 6, wanted 0 to 5, 9 or 10",
		    COSE_BUNDLE },
		{ "hostile/bundle-key-24.cose",
		    "f: bundle: key 24 has no place here", COSE_BUNDLE },
		{ "hostile/bundle-validity-empty.cose",
		    "f: requests[0]: validity: key 2 is missing", COSE_BUNDLE },
		{ "hostile/bundle-profile-newline.cose",
		    "f: requests[0]: profile: \"tls\n\" does not follow "
		    "[a-z0-9][a-z0-9-]{0,31}",
		    COSE_BUNDLE },
		{ "hostile/manifest-result-both.cose",
		    "f: results[0]: issued result: key 4 has no place here",
		    COSE_MANIFEST },
		{ "hostile/manifest-previous-null.cose",
		    "f: manifest 4 of a channel has no previous digest",
		    COSE_MANIFEST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		WIPED(buf) file = { 0 };

		load(cases[i].name, &file);
		assert_int_equal(
		    file_judge(cases[i].type, buf_span(&file)), RC_FORMAT);
		assert_string_equal(err_text(), cases[i].sentence);
	}
}

static void
patterns_hold_at_their_edges(void **state)
{
	static const char a100[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "aaaaaaaaaaaaaaaa";

	(void)state;
	assert_true(format_is_rule(span_str("AB")));
	assert_true(format_is_rule(span_str("A-9")));
	assert_false(format_is_rule(span_str("A")));
	assert_false(format_is_rule(span_str("9A")));
	assert_true(format_is_request_id(span_str("a")));
	assert_true(format_is_request_id(span_str("a..-9")));
	assert_true(format_is_request_id(span_of(a100, 63)));
	assert_false(format_is_request_id(span_of(a100, 64)));
	assert_false(format_is_request_id(span_str("")));
	assert_false(format_is_request_id(span_str(".a")));
	assert_false(format_is_request_id(span_str("a_b")));
	assert_false(format_is_request_id(span_of("a\0b", 3)));
	assert_true(format_is_profile(span_str("a-")));
	assert_true(format_is_profile(span_of(a100, 32)));
	assert_false(format_is_profile(span_of(a100, 33)));
	assert_false(format_is_profile(span_str("-a")));
	assert_true(format_is_file_name(span_of(a100, 100)));
	assert_true(format_is_file_name(span_str("0001-a_b.pem")));
	assert_false(format_is_file_name(span_str(".pem")));
	assert_false(format_is_file_name(span_str("pem.")));
	assert_true(format_is_label(span_str("a-b")));
	assert_false(format_is_label(span_str("a.b")));
	assert_false(format_is_label(span_str("A")));
}

static void
slots_of_a_series_follow_each_other(void **state)
{
	const struct validity one = { .count = 1, .period = 100 };
	const struct validity series = {
		.count = 3, .period = 100, .overlap = 10
	};
	int64_t begins, ends;

	(void)state;
	validity_slot(&one, 1000, 0, &begins, &ends);
	assert_true(begins == 1000 && ends == 1099);
	validity_slot(&series, 1000, 0, &begins, &ends);
	assert_true(begins == 1000 && ends == 1109);
	validity_slot(&series, 1000, 2, &begins, &ends);
	assert_true(begins == 1200 && ends == 1309);
}

static void
nothing_is_wiped_as_well(void **state)
{
	(void)state;
	bundle_wipe(NULL);
	manifest_wipe(NULL);
	card_wipe(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    golden_files_are_read_and_written_again_byte_for_byte),
		cmocka_unit_test(nothing_is_wiped_as_well),
		cmocka_unit_test(the_golden_bundle_says_what_it_was_given),
		cmocka_unit_test(the_golden_manifest_says_what_it_was_given),
		cmocka_unit_test(every_hostile_file_is_refused_by_its_rule),
		cmocka_unit_test(
		    bundles_by_each_algorithm_of_another_implementation_verify),
		cmocka_unit_test(files_cut_at_any_byte_are_refused),
		cmocka_unit_test(files_with_any_bit_flipped_are_refused),
		cmocka_unit_test(
		    a_declared_quarter_billion_items_takes_no_memory),
		cmocka_unit_test(
		    a_hundred_thousand_requests_are_read_and_doubled_ids_found),
		cmocka_unit_test(sentences_name_file_place_and_field),
		cmocka_unit_test(patterns_hold_at_their_edges),
		cmocka_unit_test(slots_of_a_series_follow_each_other),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
