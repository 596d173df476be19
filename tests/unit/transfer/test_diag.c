/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/cmd/diag.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "transfer/format/payload.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

#define VECTORS "tests/vectors/format/"

static void
load(const char *name, const char *suffix, struct buf *ret)
{
	char path[200];
	uint8_t block[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), VECTORS "%s%s", name, suffix);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: missing", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		check_ok(buf_add(ret, block, n));
	(void)fclose(f);
}

static void
check_plain(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && (text.p[i] < 0x20 || text.p[i] > 0x7e))
			fail_msg("byte %02x at %zu", text.p[i], i);
}

static void
golden_files_are_spelled_out_as_kept(void **state)
{
	static const char *const names[] = { "bundle", "manifest", "card" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(buf) file = { 0 };
		WIPED(buf) wanted = { 0 };
		WIPED(buf) text = { 0 };
		struct diag d;

		load(names[i], ".cose", &file);
		load(names[i], ".diag", &wanted);
		check_ok(diag_read("f", buf_span(&file), &d));
		assert_int_equal(d.signature, RC_OK);
		check_ok(diag_write(&d, &text, -1));
		assert_string_equal(buf_cstr(&text), buf_cstr(&wanted));
	}
}

/* The pieces as one text. */
static enum rc
piece_take(void *arg, const char *before, json_t *value)
{
	struct buf *text = arg;
	char *one = value == NULL
			? NULL
			: json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	check_ok(buf_add_str(text, before));
	if (one != NULL)
		check_ok(buf_add_str(text, one));
	free(one);
	json_decref(value);
	return RC_OK;
}

static json_t *
golden_json(const char *name)
{
	WIPED(buf) file = { 0 };
	WIPED(buf) text = { 0 };
	json_t *payload = NULL;
	struct diag d;

	load(name, ".cose", &file);
	check_ok(diag_read("f", buf_span(&file), &d));
	check_ok(diag_json(&d, piece_take, &text));
	payload = json_loads(buf_cstr(&text), 0, NULL);
	assert_non_null(payload);
	return payload;
}

static void
json_has_times_names_and_digests_in_text(void **state)
{
	json_t *b = golden_json("bundle"), *request, *names;
	const char *expires, *comment, *id;
	json_int_t period;

	(void)state;
	assert_int_equal(
	    json_unpack(b, "{s:s, s:s, s:[o, o]}", "expires", &expires,
		"bundle_id", &id, "requests", &names, &request),
	    0);
	assert_string_equal(expires, "2026-12-23T14:00:00Z");
	assert_string_equal(id, "1e6ed65d77d6364eeaed5a745ba5c498");
	assert_int_equal(
	    json_unpack(request, "{s:s, s:{s:I}, s:o}", "comment", &comment,
		"validity", "period", &period, "names", &names),
	    0);
	assert_string_equal(comment, "Gr\xc3\xbc\xc3\x9f"
				     "e");
	assert_int_equal(period, 2678400);
	assert_string_equal(json_string_value(json_array_get(names, 1)),
	    "srv:_xmpp-client.a.example");
	json_decref(b);
}

static void
json_of_a_manifest_names_its_choices(void **state)
{
	json_t *m = golden_json("manifest");
	const char *kind, *status;

	(void)state;
	assert_int_equal(
	    json_unpack(m, "{s:[{s:s}], s:[{s:s}]}", "trust_changes", "kind",
		&kind, "revocations", "status", &status),
	    0);
	assert_string_equal(kind, "next transfer certificate");
	assert_string_equal(status, "applied");
	json_decref(m);
}

/* A bundle with a comment and a file signed by a new key. */
static void
bundle_sign(EVP_PKEY *key, const char *comment, struct buf *ret)
{
	static uint8_t csr[64];
	OWN(ssl_bytes) *spki = NULL;
	const int n = i2d_PUBKEY(key, &spki);
	WIPED(buf) payload = { 0 };
	uint8_t kid[SHA256_LEN];
	struct cert_request request = {
		.id = span_str("a"),
		.csr = { csr, sizeof(csr) },
		.profile = span_str("p"),
		.validity = { .count = 1, .period = 1 },
		.comment = span_str(comment),
	};
	const struct bundle b = {
		.sequence = 1,
		.requests = &request,
		.n_requests = 1,
		.label = span_str("host"),
		.spki = { spki, (size_t)n },
	};

	assert_true(n > 0);
	check_ok(bundle_write(&b, &payload));
	check_ok(key_id_of(key, kid));
	check_ok(cose_sign(COSE_BUNDLE, key, span_of(kid, sizeof(kid)),
	    buf_span(&payload), ret));
}

static void
hostile_text_comes_out_escaped(void **state)
{
	OWN(EVP_PKEY) *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	WIPED(buf) file = { 0 };
	WIPED(buf) text = { 0 };
	struct diag d;

	(void)state;
	assert_non_null(key);
	bundle_sign(key,
	    "\x1b[2J\"\\ / \n\x7f \xc2\x9b \xe2\x80\xae \xf0\x9f\x98\x80",
	    &file);
	check_ok(diag_read("f", buf_span(&file), &d));
	check_ok(diag_write(&d, &text, -1));
	check_plain(buf_span(&text));
	assert_non_null(strstr(buf_cstr(&text),
	    "/ comment / 5: \"\\u001b[2J\\\"\\\\ / \\u000a\\u007f \\u009b "
	    "\\u202e \\ud83d\\ude00\""));
}

static void
a_wrong_signature_is_told_and_the_content_shown(void **state)
{
	OWN(EVP_PKEY) *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	WIPED(buf) file = { 0 };
	WIPED(buf) text = { 0 };
	struct diag d;

	(void)state;
	assert_non_null(key);
	bundle_sign(key, "x", &file);
	check_ok(diag_read("f", buf_span(&file), &d));
	assert_int_equal(d.signature, RC_OK);
	file.p[file.n - 1] ^= 1;
	check_ok(diag_read("f", buf_span(&file), &d));
	assert_int_equal(d.signature, RC_FORMAT);
	assert_int_equal(d.rule, RULE_COSE_SIGNATURE);
	assert_string_equal(
	    diag_verdict(&d), "signature BAD: do not trust this file");
	check_ok(diag_write(&d, &text, -1));
}

static void
a_bundle_signed_by_another_key_than_it_carries_is_bad(void **state)
{
	OWN(EVP_PKEY) *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	OWN(EVP_PKEY) *other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	WIPED(buf) honest = { 0 };
	WIPED(buf) forged = { 0 };
	uint8_t kid[SHA256_LEN];
	struct diag d;

	(void)state;
	assert_true(key != NULL && other != NULL);
	bundle_sign(key, "x", &honest);
	check_ok(diag_read("f", buf_span(&honest), &d));
	check_ok(key_id_of(other, kid));
	check_ok(cose_sign(COSE_BUNDLE, other, span_of(kid, sizeof(kid)),
	    d.cose.payload, &forged));
	check_ok(diag_read("f", buf_span(&forged), &d));
	assert_int_equal(d.signature, RC_FORMAT);
	assert_int_equal(d.rule, RULE_BUNDLE_KID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_files_are_spelled_out_as_kept),
		cmocka_unit_test(json_has_times_names_and_digests_in_text),
		cmocka_unit_test(json_of_a_manifest_names_its_choices),
		cmocka_unit_test(hostile_text_comes_out_escaped),
		cmocka_unit_test(
		    a_wrong_signature_is_told_and_the_content_shown),
		cmocka_unit_test(
		    a_bundle_signed_by_another_key_than_it_carries_is_bad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
