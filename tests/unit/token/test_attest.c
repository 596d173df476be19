/* SPDX-License-Identifier: Apache-2.0 */
/* Attestations among the certificates of a card, and signatures checked by
 * public key alone. */
#include "token/card/attest.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"
#include "token/card/verify.h"

#include <errno.h>
#include <openssl/rsa.h>

static EVP_PKEY *maker, *on_card, *other, *rsa;

static int
make_all(void **state)
{
	(void)state;
	maker = EVP_EC_gen("P-384");
	on_card = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(2048);
	return maker == NULL || on_card == NULL || other == NULL || rsa == NULL
		   ? -1
		   : 0;
}

static int
free_all(void **state)
{
	(void)state;
	EVP_PKEY_free(maker);
	EVP_PKEY_free(on_card);
	EVP_PKEY_free(other);
	EVP_PKEY_free(rsa);
	return 0;
}

/* ---- attestations -------------------------------------------------------- */

static void
name(X509_NAME *n, const char *cn)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
			     (const unsigned char *)cn, -1, -1, 0),
	    1);
}

/* A certificate of `key` by `by`, with an extension of that OID. */
static void
certificate(EVP_PKEY *key, const char *cn, EVP_PKEY *by, const char *by_cn,
    const char *oid, struct buf *ret)
{
	OWN(X509) *cert = X509_new();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
	name(X509_get_subject_name(cert), cn);
	name(X509_get_issuer_name(cert), by_cn);
	if (oid != NULL) {
		OWN(ASN1_OBJECT) *object = OBJ_txt2obj(oid, 1);
		OWN(ASN1_OCTET_STRING) *value = ASN1_OCTET_STRING_new();
		OWN(X509_EXTENSION) *ext = NULL;

		assert_int_equal(ASN1_OCTET_STRING_set(
				     value, (const unsigned char *)"\5\4\3", 3),
		    1);
		ext = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
		assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	}
	assert_true(X509_sign(cert, by, EVP_sha256()) > 0);
	n = i2d_X509(cert, &der);
	assert_true(n > 0);
	buf_reset(ret);
	check_ok(buf_add(ret, der, (size_t)n));
}

#define PIV_FIRMWARE "1.3.6.1.4.1.41482.3.3"

static void
put_certificate(struct span der)
{
	card_put(card_object(CKO_CERTIFICATE), CKA_VALUE, der.p, der.n);
}

static void
an_attestation_is_of_this_key_and_bears_the_extension(void **state)
{
	WIPED(buf) spki = { 0 }, cert = { 0 };

	(void)state;
	card_spki(on_card, &spki);
	certificate(on_card, "slot 9c", maker, "f9", PIV_FIRMWARE, &cert);
	assert_true(attest_is_for(buf_span(&cert), buf_span(&spki)));
	/* The arc alone is no statement, and another one none of its. */
	certificate(
	    on_card, "slot 9c", maker, "f9", "1.3.6.1.4.1.41482.3", &cert);
	assert_false(attest_is_for(buf_span(&cert), buf_span(&spki)));
	certificate(
	    on_card, "slot 9c", maker, "f9", "1.3.6.1.4.1.41482.4.3", &cert);
	assert_false(attest_is_for(buf_span(&cert), buf_span(&spki)));
	certificate(on_card, "slot 9c", maker, "f9", NULL, &cert);
	assert_false(attest_is_for(buf_span(&cert), buf_span(&spki)));
	certificate(other, "slot 9c", maker, "f9", PIV_FIRMWARE, &cert);
	assert_false(attest_is_for(buf_span(&cert), buf_span(&spki)));
	assert_false(attest_is_for(span_str("no DER"), buf_span(&spki)));
	assert_false(attest_is_for(SPAN_NONE, buf_span(&spki)));
}

static void
it_is_found_with_the_one_that_signed_it(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(buf) spki = { 0 }, attestation = { 0 }, issuer = { 0 };
	WIPED(buf) der = { 0 }, got = { 0 }, by = { 0 }, text = { 0 };
	bool is_signed = false;

	(void)state;
	card_spki(on_card, &spki);
	certificate(
	    on_card, "slot 9c", maker, "PIV f9", PIV_FIRMWARE, &attestation);
	certificate(maker, "PIV f9", maker, "root", NULL, &issuer);
	/* One that fails to be read, one of the right name and wrong key. */
	(void)card_object(CKO_CERTIFICATE);
	certificate(other, "PIV f9", other, "root", NULL, &der);
	put_certificate(buf_span(&der));
	put_certificate(buf_span(&attestation));
	put_certificate(buf_span(&issuer));
	card_session(&s);
	check_ok(attest_find(&s, buf_span(&spki), &got, &by));
	assert_true(span_eq(buf_span(&got), buf_span(&attestation)));
	assert_true(span_eq(buf_span(&by), buf_span(&issuer)));
	check_ok(
	    attest_describe(buf_span(&got), buf_span(&by), &text, &is_signed));
	assert_true(is_signed);
	assert_string_equal(buf_cstr(&text), "CN=PIV f9");
	buf_reset(&text);
	check_ok(
	    attest_describe(buf_span(&got), buf_span(&der), &text, &is_signed));
	assert_false(is_signed);
	buf_reset(&text);
	check_ok(attest_describe(buf_span(&got), SPAN_NONE, &text, &is_signed));
	assert_false(is_signed);
}

static void
none_is_no_error_and_a_card_that_fails_is(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(buf) spki = { 0 }, got = { 0 }, by = { 0 }, der = { 0 };

	(void)state;
	card_spki(on_card, &spki);
	card_session(&s);
	check_ok(attest_find(&s, buf_span(&spki), &got, &by));
	assert_int_equal(got.n + by.n, 0);
	/* One that signs itself is nobody's word but its own. */
	certificate(on_card, "me", on_card, "me", PIV_FIRMWARE, &der);
	put_certificate(buf_span(&der));
	check_ok(attest_find(&s, buf_span(&spki), &got, &by));
	assert_true(got.n != 0);
	assert_int_equal(by.n, 0);
	buf_reset(&got);
	card_answers(FAKE_GET_ATTRIBUTE, 1, CKR_DEVICE_ERROR);
	check_ok(attest_find(&s, buf_span(&spki), &got, &by));
	assert_int_equal(got.n, 0);
	assert_string_equal(err_text(), "");
	card_answers(FAKE_FIND, 1, CKR_DEVICE_ERROR);
	assert_int_equal(attest_find(&s, buf_span(&spki), &got, &by), RC_TOKEN);
}

static void
what_is_no_certificate_is_not_described(void **state)
{
	WIPED(buf) text = { 0 }, der = { 0 };
	bool is_signed = true;

	(void)state;
	check_says(attest_describe(span_str("x"), SPAN_NONE, &text, &is_signed),
	    RC_TOKEN, "the attestation cannot be read");
	certificate(on_card, "a", maker, "b", PIV_FIRMWARE, &der);
	FAIL_EACH("BIO_new X509_NAME_print_ex malloc", ENOMEM)
	{
		WIPED(buf) out = { 0 };
		enum rc rc = attest_describe(
		    buf_span(&der), SPAN_NONE, &out, &is_signed);
		const char *failed = fail_stop();

		assert_int_equal(rc == RC_OK, failed == NULL);
		assert_int_equal(out.n, failed == NULL ? strlen("CN=b") : 0);
	}
}

/* ---- signatures ---------------------------------------------------------- */

static const uint8_t digest[64] = { 3, 1, 4, 1, 5 };

/* As a token gives it: r and s side by side, or the RSA block. */
static void
sign_with(EVP_PKEY *key, enum token_scheme scheme, size_t n, struct buf *ret)
{
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(key, NULL);
	const EVP_MD *md = n == 32   ? EVP_sha256()
			   : n == 48 ? EVP_sha384()
				     : EVP_sha512();
	OWN(ECDSA_SIG) *rs = NULL;
	uint8_t sig[512], raw[96];
	const uint8_t *p = sig;
	size_t len = sizeof(sig);
	int half = EVP_PKEY_get_bits(key) / 8;

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
	if (scheme == TOKEN_RSA_PSS) {
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING),
		    1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(
				     ctx, RSA_PSS_SALTLEN_DIGEST),
		    1);
	}
	assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, digest, n), 1);
	if (scheme != TOKEN_ECDSA) {
		check_ok(buf_add(ret, sig, len));
		return;
	}
	rs = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert_true(BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, half) == half);
	assert_true(
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + half, half) == half);
	check_ok(buf_add(ret, raw, 2 * (size_t)half));
}

static void
a_good_signature_verifies_and_a_changed_one_does_not(void **state)
{
	static const size_t sizes[] = { 32, 48, 64 };
	EVP_PKEY *const keys[] = { on_card, maker, rsa, rsa };
	static const enum token_scheme schemes[] = { TOKEN_ECDSA, TOKEN_ECDSA,
		TOKEN_RSA_PKCS1, TOKEN_RSA_PSS };

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		WIPED(buf) spki = { 0 }, sig = { 0 };
		struct span d = span_of(digest, sizes[i % 3]);

		card_spki(keys[i / 3], &spki);
		sign_with(keys[i / 3], schemes[i / 3], d.n, &sig);
		check_ok(verify_signature(
		    buf_span(&spki), schemes[i / 3], d, buf_span(&sig)));
		sig.p[sig.n - 1] ^= 1;
		assert_int_equal(verify_signature(buf_span(&spki),
				     schemes[i / 3], d, buf_span(&sig)),
		    RC_TOKEN);
		assert_non_null(strstr(err_text(),
		    "the token's signature does not verify under its public "
		    "key"));
	}
}

static void
what_cannot_be_verified_is_not_believed(void **state)
{
	WIPED(buf) ec = { 0 }, spki = { 0 }, sig = { 0 };
	const struct span d = span_of(digest, 32);
	unsigned refused = 0;

	(void)state;
	card_spki(on_card, &ec);
	card_spki(rsa, &spki);
	assert_int_equal(verify_signature(span_str("no key"), TOKEN_ECDSA, d,
			     span_str("0123456789")),
	    RC_TOKEN);
	/* A scheme that is not the key's. */
	assert_int_equal(verify_signature(buf_span(&ec), TOKEN_RSA_PSS, d,
			     span_str("0123456789")),
	    RC_BUG);
	sign_with(on_card, TOKEN_ECDSA, 32, &sig);
	FAIL_EACH("ECDSA_SIG_new BN_bin2bn i2d_ECDSA_SIG malloc "
		  "EVP_PKEY_CTX_new EVP_PKEY_verify_init "
		  "EVP_PKEY_CTX_set_signature_md",
	    ENOMEM)
	{
		enum rc rc = verify_signature(
		    buf_span(&ec), TOKEN_ECDSA, d, buf_span(&sig));
		const char *failed = fail_stop();

		assert_int_equal(rc == RC_OK, failed == NULL);
		refused += rc != RC_OK;
	}
	assert_int_equal(refused, 8);
	buf_reset(&sig);
	sign_with(rsa, TOKEN_RSA_PSS, 32, &sig);
	FAIL_EACH("EVP_PKEY_CTX_set_rsa_padding EVP_PKEY_verify", 0)
	{
		enum rc rc = verify_signature(
		    buf_span(&spki), TOKEN_RSA_PSS, d, buf_span(&sig));
		const char *failed = fail_stop();

		assert_int_equal(rc, failed == NULL ? RC_OK : RC_BUG);
	}
}

#define fresh(test) cmocka_unit_test_setup(test, card_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(an_attestation_is_of_this_key_and_bears_the_extension),
		fresh(it_is_found_with_the_one_that_signed_it),
		fresh(none_is_no_error_and_a_card_that_fails_is),
		fresh(what_is_no_certificate_is_not_described),
		fresh(a_good_signature_verifies_and_a_changed_one_does_not),
		fresh(what_cannot_be_verified_is_not_believed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
