/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates read: one and nothing besides, its dates, its words. */
#include "transfer/x509/cert.h"
#include "transfer/x509/cert_text.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>

#define FROM INT64_C(1767225600)  /* 2026-01-01T00:00:00Z */
#define UNTIL INT64_C(2524608001) /* 2050-01-01T00:00:01Z, a GeneralizedTime \
				   */

static EVP_PKEY *key;

static int
make_key(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	return key == NULL ? -1 : 0;
}

static int
free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

/* A self-signed one of version 3; `san` may be NULL. */
static void
certificate(const char *cn, const char *san, struct buf *ret)
{
	OWN(X509) *x = X509_new();
	OWN(ssl_bytes) *der = NULL;
	X509_EXTENSION *ext;
	int n;

	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1234ab), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), FROM));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), UNTIL));
	if (cn != NULL)
		assert_int_equal(
		    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
			MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0),
		    1);
	ext = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, san == NULL ? "DNS:unused" : san);
	if (san == NULL) {
		X509_EXTENSION_free(ext);
		ext = X509V3_EXT_conf_nid(
		    NULL, NULL, NID_basic_constraints, "CA:TRUE");
	}
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	buf_reset(ret);
	check_ok(buf_add(ret, der, (size_t)n));
}

static void
one_certificate_is_parsed_and_nothing_besides(void **state)
{
	WIPED(buf) der = { 0 };
	OWN(X509) *x = NULL;
	X509 *none = NULL;

	(void)state;
	certificate("a", NULL, &der);
	check_ok(cert_parse("a.pem", buf_span(&der), &x));
	check_ok(buf_add_byte(&der, 0));
	assert_int_equal(cert_parse("a.pem", buf_span(&der), &none), RC_FORMAT);
	assert_string_equal(err_text(), "a.pem: not one certificate");
	der.n -= 2;
	assert_int_equal(cert_parse("a.pem", buf_span(&der), &none), RC_FORMAT);
	assert_int_equal(cert_parse("a.pem", SPAN_NONE, &none), RC_FORMAT);
	assert_null(none);
}

static void
dates_and_key_are_those_of_the_certificate(void **state)
{
	WIPED(buf) der = { 0 }, spki = { 0 }, want = { 0 };
	OWN(X509) *x = NULL;
	OWN(X509) *blank = X509_new();
	OWN(ssl_bytes) *own = NULL;
	int64_t from = 7, until = 7;
	int n = i2d_PUBKEY(key, &own);

	(void)state;
	certificate("a", NULL, &der);
	check_ok(cert_parse("a", buf_span(&der), &x));
	check_ok(cert_window(x, &from, &until));
	assert_int_equal(from, FROM);
	assert_int_equal(until, UNTIL);
	check_ok(cert_spki(x, &spki));
	check_ok(buf_add(&want, own, (size_t)n));
	assert_true(span_eq(buf_span(&spki), buf_span(&want)));
	/* One without dates has none: "now" would be OpenSSL's guess. */
	assert_int_equal(ASN1_STRING_set(X509_getm_notAfter(blank), "x", 1), 1);
	assert_int_equal(cert_window(blank, &from, &until), RC_FORMAT);
	assert_int_equal(from, FROM);
	FAIL_EACH("i2d_X509_PUBKEY malloc", ENOMEM)
	{
		WIPED(buf) out = { 0 };
		enum rc rc = cert_spki(x, &out);
		const char *failed = fail_stop();

		assert_int_equal(rc == RC_OK, failed == NULL);
		assert_int_equal(out.n == 0, failed != NULL);
	}
}

static void
a_certificate_is_told_in_words(void **state)
{
	WIPED(cert_text) text = { 0 }, ca = { 0 }, blank = { 0 };
	WIPED(buf) der = { 0 }, names = { 0 };

	(void)state;
	certificate("caf\xc3\xa9", "DNS:www.example.org,IP:192.0.2.1", &der);
	check_ok(cert_text_read(buf_span(&der), &text));
	assert_string_equal(buf_cstr(&text.serial), "1234ab");
	assert_string_equal(buf_cstr(&text.subject), "CN=caf\xc3\xa9");
	assert_int_equal(text.not_before, FROM);
	assert_int_equal(text.not_after, UNTIL);
	assert_int_equal(text.names.n, 2);
	check_ok(cert_names_write(&text.names, &names));
	assert_string_equal(
	    buf_cstr(&names), "dns:www.example.org, ip:192.0.2.1");
	certificate("ca", NULL, &der);
	check_ok(cert_text_read(buf_span(&der), &ca));
	assert_int_equal(ca.names.n, 0);
	certificate(NULL, "DNS:a.example", &der);
	check_ok(cert_text_read(buf_span(&der), &blank));
	assert_string_equal(buf_cstr(&blank.subject), "");
}

static void
no_part_of_a_certificate_is_one(void **state)
{
	WIPED(buf) der = { 0 };

	(void)state;
	certificate("a", "DNS:www.example.org", &der);
	for (size_t n = 0; n < der.n; n++) {
		struct cert_text text = { 0 };

		assert_int_equal(
		    cert_text_read(span_of(der.p, n), &text), RC_FORMAT);
		assert_null(text.serial.p);
	}
}

/* Each byte turned over: it is refused, or it is still a certificate. No third
 * thing, and no memory is lost (the sanitisers look). */
static void
a_changed_byte_is_refused_or_read(void **state)
{
	WIPED(buf) der = { 0 };
	unsigned refused = 0, read = 0;

	(void)state;
	certificate("a", "DNS:www.example.org", &der);
	for (size_t i = 0; i < der.n; i++) {
		WIPED(cert_text) text = { 0 };
		enum rc rc;

		der.p[i] ^= 0x55;
		rc = cert_text_read(buf_span(&der), &text);
		der.p[i] ^= 0x55;
		if (rc == RC_OK) {
			read++;
			continue;
		}
		refused++;
		assert_true(rc == RC_FORMAT || rc == RC_POLICY);
		assert_null(text.serial.p);
	}
	assert_true(refused > 50 && read > 50);
}

static void
without_memory_there_are_no_words(void **state)
{
	WIPED(buf) der = { 0 };
	unsigned refused = 0;

	(void)state;
	certificate("a", "DNS:www.example.org,DNS:b.example.org", &der);
	FAIL_EACH("malloc reallocarray BIO_new X509_NAME_print_ex", ENOMEM)
	{
		WIPED(cert_text) text = { 0 };
		WIPED(buf) names = { 0 };
		const char *failed;
		enum rc rc = cert_text_read(buf_span(&der), &text);

		if (rc == RC_OK)
			rc = cert_names_write(&text.names, &names);
		failed = fail_stop();
		assert_int_equal(rc == RC_OK, failed == NULL);
		refused += rc != RC_OK;
	}
	assert_true(refused > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_certificate_is_parsed_and_nothing_besides),
		cmocka_unit_test(dates_and_key_are_those_of_the_certificate),
		cmocka_unit_test(a_certificate_is_told_in_words),
		cmocka_unit_test(no_part_of_a_certificate_is_one),
		cmocka_unit_test(a_changed_byte_is_refused_or_read),
		cmocka_unit_test(without_memory_there_are_no_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_key, free_key);
}
