/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/format/cose.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "tests/lib/fail_each.h"
#include "transfer/format/cbor_out.h"

#include <openssl/rsa.h>
#include <stdio.h>

#define EMPTY_MAP "\xa0"

static uint8_t kid[SHA256_LEN];
static uint8_t cert[64]; /* its form is not looked at here */

static struct span
signer(enum cose_type type)
{
	return type == COSE_BUNDLE ? span_of(kid, sizeof(kid))
				   : span_of(cert, sizeof(cert));
}

static EVP_PKEY *
key_new(const char *type, const char *curve, size_t bits)
{
	if (curve != NULL)
		return EVP_PKEY_Q_keygen(NULL, NULL, type, curve);
	if (bits != 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, type, bits);
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static void
sign_and_verify(EVP_PKEY *key, enum cose_alg alg)
{
	WIPED(buf) file = { 0 };
	struct cose cose;

	check_ok(cose_sign(
	    COSE_BUNDLE, key, signer(COSE_BUNDLE), span_str(EMPTY_MAP), &file));
	check_ok(cose_read("f", buf_span(&file), COSE_BUNDLE, &cose));
	assert_int_equal(cose.alg, alg);
	assert_true(span_eq_str(cose.payload, EMPTY_MAP));
	assert_true(span_eq(cose.kid, signer(COSE_BUNDLE)));
	check_ok(cose_verify("f", &cose, key));
}

static void
each_key_type_signs_with_its_algorithm(void **state)
{
	static const struct {
		const char *type, *curve;
		size_t bits;
		enum cose_alg alg;
	} cases[] = {
		{ "EC", "P-256", 0, COSE_ES256 },
		{ "EC", "P-384", 0, COSE_ES384 },
		{ "EC", "P-521", 0, COSE_ES512 },
		{ "ED25519", NULL, 0, COSE_EDDSA },
		{ "RSA", NULL, 2048, COSE_PS256 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		OWN(EVP_PKEY) *key =
		    key_new(cases[i].type, cases[i].curve, cases[i].bits);

		assert_non_null(key);
		sign_and_verify(key, cases[i].alg);
	}
}

static void
keys_without_an_algorithm_are_refused(void **state)
{
	OWN(EVP_PKEY) *k1 = key_new("EC", "secp256k1", 0);
	OWN(EVP_PKEY) *ed448 = key_new("ED448", NULL, 0);
	OWN(EVP_PKEY) *small = key_new("RSA", NULL, 1024);
	EVP_PKEY *const keys[] = { k1, ed448, small };
	enum cose_alg alg;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_non_null(keys[i]);
		assert_int_equal(cose_alg_of(keys[i], &alg), RC_POLICY);
	}
	assert_string_equal(err_text(),
	    "a key of type RSA and 1024 bits: wanted P-256, P-384, P-521, "
	    "Ed25519 or RSA of 2048 to 4096 bits");
}

/* A file with any header, for what cose_sign would never write. */
static void
forge(EVP_PKEY *key, enum cose_type type, enum cose_alg alg, struct buf *ret)
{
	WIPED(buf) header = { 0 };
	uint8_t signature[SHA256_LEN * 2] = { 1 };

	(void)key;
	check_ok(cose_protected(type, alg, signer(type), &header));
	check_ok(cose_write(buf_span(&header), span_str(EMPTY_MAP),
	    span_of(signature, sizeof(signature)), ret));
}

static void
the_algorithm_must_fit_the_key(void **state)
{
	OWN(EVP_PKEY) *p384 = key_new("EC", "P-384", 0);
	OWN(EVP_PKEY) *ed = key_new("ED25519", NULL, 0);
	OWN(EVP_PKEY) *rsa = key_new("RSA", NULL, 2048);
	WIPED(buf) es256 = { 0 };
	WIPED(buf) eddsa = { 0 };
	struct cose cose;

	(void)state;
	forge(ed, COSE_BUNDLE, COSE_ES256, &es256);
	check_ok(cose_read("f", buf_span(&es256), COSE_BUNDLE, &cose));
	check_refused(cose_verify("f", &cose, p384), "COSE-ALG",
	    "f: ES256 does not fit the signer's key");
	check_refused(cose_verify("f", &cose, ed), "COSE-ALG", NULL);
	check_refused(cose_verify("f", &cose, rsa), "COSE-ALG", NULL);
	forge(ed, COSE_BUNDLE, COSE_EDDSA, &eddsa);
	check_ok(cose_read("f", buf_span(&eddsa), COSE_BUNDLE, &cose));
	check_refused(cose_verify("f", &cose, p384), "COSE-ALG", NULL);
}

/* There is room for what is to come, and no algorithm of ours has any of it. */
static void
a_long_signature_is_no_rsa(void **state)
{
	static const uint8_t longest[4627];
	OWN(EVP_PKEY) *rsa = key_new("RSA", NULL, 2048);
	WIPED(buf) header = { 0 };
	WIPED(buf) file = { 0 };
	struct cose cose;

	(void)state;
	check_ok(cose_protected(
	    COSE_BUNDLE, COSE_PS256, signer(COSE_BUNDLE), &header));
	check_ok(cose_write(buf_span(&header), span_str(EMPTY_MAP),
	    span_of(longest, sizeof(longest)), &file));
	check_ok(cose_read("f", buf_span(&file), COSE_BUNDLE, &cose));
	check_refused(cose_verify("f", &cose, rsa), "COSE-SIGNATURE",
	    "f: a signature of 4627 bytes, wanted 256");
}

/* An algorithm whose signatures have no length of their own has the format's.
 */
static void
no_signature_is_outside_the_format(void **state)
{
	static const uint8_t octets[4628];
	static const size_t wrong[] = { 63, 4628 };
	static const char *const told[] = {
		"f: a signature of 63 bytes, wanted 64 to 4627",
		"f: a signature of 4628 bytes, wanted 64 to 4627",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(buf) file = { 0 };
		struct cose cose;

		/* Tag 18 and four parts; the last is the signature. */
		forge(NULL, COSE_BUNDLE, COSE_PS256, &file);
		file.n -= 2 + 64;
		check_ok(buf_add_byte(&file, wrong[i] < 256 ? 0x58 : 0x59));
		if (wrong[i] >= 256)
			check_ok(buf_add_byte(&file, (uint8_t)(wrong[i] >> 8)));
		check_ok(buf_add_byte(&file, (uint8_t)(wrong[i] & 0xff)));
		check_ok(buf_add_span(&file, span_of(octets, wrong[i])));
		check_refused(
		    cose_read("f", buf_span(&file), COSE_BUNDLE, &cose),
		    "COSE-FORM", told[i]);
	}
}

static void
signature_lengths_are_exact(void **state)
{
	OWN(EVP_PKEY) *rsa = key_new("RSA", NULL, 2048);
	WIPED(buf) es384 = { 0 };
	WIPED(buf) file = { 0 };
	struct cose cose;

	(void)state;
	forge(NULL, COSE_BUNDLE, COSE_ES384, &es384);
	check_refused(cose_read("f", buf_span(&es384), COSE_BUNDLE, &cose),
	    "COSE-FORM",
	    "f: a signature of 64 bytes, wanted 96 for its algorithm");
	forge(NULL, COSE_BUNDLE, COSE_PS256, &file);
	check_ok(cose_read("f", buf_span(&file), COSE_BUNDLE, &cose));
	check_refused(cose_verify("f", &cose, rsa), "COSE-SIGNATURE",
	    "f: a signature of 64 bytes, wanted 256");
}

static void
every_flipped_bit_is_noticed(void **state)
{
	static const char *const curves[] = { "P-256", NULL };
	static const char *const types[] = { "EC", "ED25519" };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		OWN(EVP_PKEY) *key = key_new(types[k], curves[k], 0);
		WIPED(buf) file = { 0 };
		struct cose cose;

		check_ok(cose_sign(COSE_CARD, key, signer(COSE_CARD),
		    span_str(EMPTY_MAP), &file));
		for (size_t bit = 0; bit < 8 * file.n; bit++) {
			file.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			if (cose_read("f", buf_span(&file), COSE_CARD, &cose) ==
			    RC_OK)
				assert_int_equal(
				    cose_verify("f", &cose, key), RC_FORMAT);
			file.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void
the_content_type_must_be_the_wanted_one(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ED25519", NULL, 0);
	WIPED(buf) file = { 0 };
	enum cose_type type = COSE_BUNDLE;
	struct cose cose;

	(void)state;
	check_ok(cose_sign(
	    COSE_CARD, key, signer(COSE_CARD), span_str(EMPTY_MAP), &file));
	check_refused(cose_read("f", buf_span(&file), COSE_MANIFEST, &cose),
	    "COSE-TYPE",
	    "f: content type application/vnd.airgap-ca.ca-card+cbor, wanted "
	    "application/vnd.airgap-ca.transfer-manifest+cbor");
	check_ok(cose_read_type("f", buf_span(&file), &type));
	assert_int_equal(type, COSE_CARD);
}

/* Nobody has a kind of that name, so nobody's it can be taken for. */
static void
an_unknown_content_type_is_refused(void **state)
{
	WIPED(buf) file = { 0 };
	enum cose_type type = COSE_BUNDLE;
	struct cose cose;
	uint8_t *letter;

	(void)state;
	forge(NULL, COSE_CARD, COSE_ES256, &file);
	letter = memmem(file.p, file.n, "ca-card", 7);
	assert_non_null(letter);
	check_ok(cose_read("f", buf_span(&file), COSE_CARD, &cose));
	*letter = 'x';
	check_refused(cose_read("f", buf_span(&file), COSE_CARD, &cose),
	    "COSE-TYPE",
	    "f: unknown content type \"application/vnd.airgap-ca.xa-card+cbor\"");
	check_refused(
	    cose_read_type("f", buf_span(&file), &type), "COSE-TYPE", NULL);
	assert_int_equal(type, COSE_BUNDLE);
}

/* Well-formed CBOR, and no header. */
static void
a_protected_header_is_a_map(void **state)
{
	static const uint8_t signature[64] = { 1 };
	static const uint8_t list[] = { 0x80 };
	WIPED(buf) file = { 0 };
	struct cose cose;

	(void)state;
	check_ok(cose_write(span_of(list, sizeof(list)), span_str(EMPTY_MAP),
	    span_of(signature, sizeof(signature)), &file));
	check_refused(cose_read("f", buf_span(&file), COSE_CARD, &cose),
	    "COSE-FORM",
	    "f: protected header: header: found an array of 0, wanted a map of 0 or more");
}

static void
the_tag_is_wanted_and_nothing_after_the_file(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ED25519", NULL, 0);
	WIPED(buf) file = { 0 };
	struct cose cose;

	(void)state;
	check_ok(cose_sign(
	    COSE_BUNDLE, key, signer(COSE_BUNDLE), span_str(EMPTY_MAP), &file));
	check_refused(
	    cose_read("f", span_of(file.p + 1, file.n - 1), COSE_BUNDLE, &cose),
	    "COSE-FORM", "f: not a COSE_Sign1: it does not begin with tag 18");
	check_refused(
	    cose_read("f", SPAN_NONE, COSE_BUNDLE, &cose), "COSE-FORM", NULL);
	for (size_t n = 1; n < file.n; n++)
		assert_int_equal(
		    cose_read("f", span_of(file.p, n), COSE_BUNDLE, &cose),
		    RC_FORMAT);
	check_ok(buf_add_byte(&file, 0));
	check_refused(
	    cose_read("f", buf_span(&file), COSE_BUNDLE, &cose), "CBOR", NULL);
}

static void
ecdsa_spellings_turn_into_each_other(void **state)
{
	/* r begins with a set bit, s is short: DER pads one and cuts the other.
	 */
	uint8_t raw[64] = { 0x80 };
	static const char der[] = "\x30\x26\x02\x21\x00\x80\0\0\0\0\0\0\0\0\0\0"
				  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				  "\x02\x01\x07";
	WIPED(buf) there = { 0 };
	WIPED(buf) back = { 0 };

	(void)state;
	raw[63] = 7;
	check_ok(cose_ecdsa_der(span_of(raw, sizeof(raw)), &there));
	assert_true(span_eq(buf_span(&there), span_of(der, sizeof(der) - 1)));
	check_ok(cose_ecdsa_raw(buf_span(&there), 32, &back));
	assert_true(span_eq(buf_span(&back), span_of(raw, sizeof(raw))));
	assert_int_equal(
	    cose_ecdsa_raw(buf_span(&there), 31, &back), RC_FORMAT);
	assert_int_equal(
	    cose_ecdsa_raw(span_of(der, sizeof(der)), 32, &back), RC_FORMAT);
	assert_int_equal(cose_ecdsa_der(span_of(raw, 63), &back), RC_FORMAT);
}

static enum rc
sign_then_verify(void *arg)
{
	WIPED(buf) file = { 0 };
	uint8_t id[SHA256_LEN];
	struct cose cose;
	enum rc rc = key_id_of(arg, id);

	if (rc == RC_OK)
		rc = cose_sign(COSE_BUNDLE, arg, signer(COSE_BUNDLE),
		    span_str(EMPTY_MAP), &file);
	if (rc == RC_OK)
		rc = cose_read("f", buf_span(&file), COSE_BUNDLE, &cose);
	return rc != RC_OK ? rc : cose_verify("f", &cose, arg);
}

/* Not by a signature of less than all of it, either. */
static void
what_cannot_be_computed_is_not_signed_and_not_verified(void **state)
{
	OWN(EVP_PKEY) *ec = key_new("EC", "P-256", 0);
	OWN(EVP_PKEY) *ed = key_new("ED25519", NULL, 0);
	OWN(EVP_PKEY) *rsa = key_new("RSA", NULL, 2048);
	EVP_PKEY *const keys[] = { ec, ed, rsa };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		each_fails(FAIL_MEMORY
		    " EVP_MD_CTX_new BN_bin2bn ECDSA_SIG_new i2d_ECDSA_SIG"
		    " i2d_PUBKEY EVP_DigestInit_ex2 EVP_DigestUpdate"
		    " EVP_DigestFinal_ex",
		    sign_then_verify, NULL, keys[i]);
}

/* "COSE-SIGNATURE" would say that somebody changed the file. */
static void
what_cannot_be_verified_is_no_bad_signature(void **state)
{
	OWN(EVP_PKEY) *key = key_new("EC", "P-256", 0);
	WIPED(buf) file = { 0 };
	struct cose cose;
	unsigned failed = 0;

	(void)state;
	check_ok(cose_sign(
	    COSE_BUNDLE, key, signer(COSE_BUNDLE), span_str(EMPTY_MAP), &file));
	check_ok(cose_read("f", buf_span(&file), COSE_BUNDLE, &cose));
	FAIL_EACH(FAIL_MEMORY " EVP_MD_CTX_new BN_bin2bn ECDSA_SIG_new"
			      " i2d_ECDSA_SIG EVP_DigestVerifyUpdate"
			      " EVP_DigestVerifyFinal",
	    ENOMEM)
	{
		enum rc rc = cose_verify("f", &cose, key);

		if (fail_stop() == NULL) {
			check_ok(rc);
			continue;
		}
		failed++;
		assert_int_equal(rc, RC_IO);
		assert_int_equal(err_rule_number(), 0);
	}
	assert_true(failed >= 7);
}

/* Its length is looked at before its bytes are. */
static void
a_file_has_its_limit(void **state)
{
	static const uint8_t byte = 0xd2;
	struct cose cose;
	char wanted[80];

	(void)state;
	(void)snprintf(wanted, sizeof(wanted),
	    "f: %zu bytes, wanted %zu at most", COSE_FILE_MAX + 1,
	    COSE_FILE_MAX);
	check_refused(cose_read("f", span_of(&byte, COSE_FILE_MAX + 1),
			  COSE_BUNDLE, &cose),
	    "COSE-FORM", wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_type_signs_with_its_algorithm),
		cmocka_unit_test(keys_without_an_algorithm_are_refused),
		cmocka_unit_test(the_algorithm_must_fit_the_key),
		cmocka_unit_test(no_signature_is_outside_the_format),
		cmocka_unit_test(signature_lengths_are_exact),
		cmocka_unit_test(a_long_signature_is_no_rsa),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(the_content_type_must_be_the_wanted_one),
		cmocka_unit_test(an_unknown_content_type_is_refused),
		cmocka_unit_test(a_protected_header_is_a_map),
		cmocka_unit_test(the_tag_is_wanted_and_nothing_after_the_file),
		cmocka_unit_test(ecdsa_spellings_turn_into_each_other),
		cmocka_unit_test(
		    what_cannot_be_computed_is_not_signed_and_not_verified),
		cmocka_unit_test(what_cannot_be_verified_is_no_bad_signature),
		cmocka_unit_test(a_file_has_its_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
