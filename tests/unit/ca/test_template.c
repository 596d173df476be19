/* SPDX-License-Identifier: Apache-2.0 */
/* A template by itself: it has the CA's algorithm and makes no key for that. */
#include "tests/lib/check.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "ca/cert/template.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <openssl/evp.h>

#define NOW INT64_C(1795443285) /* 2026-11-23T15:34:45Z */

/* In front of libcrypto's own: whoever makes a key or signs comes here. */
static unsigned made;

EVP_PKEY *
EVP_PKEY_Q_keygen(OSSL_LIB_CTX *ctx, const char *query, const char *type, ...)
{
	(void)ctx;
	(void)query;
	(void)type;
	made++;
	return NULL;
}

int
X509_sign(X509 *x, EVP_PKEY *key, const EVP_MD *md)
{
	(void)x;
	(void)key;
	(void)md;
	made++;
	return 0;
}

/* clang-format off */
static const uint8_t rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
/* clang-format on */

static void
check_template(enum token_scheme scheme, struct span identifier)
{
	static const uint8_t serial[] = { 0x11, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const uint8_t nobody[] = { 0x30, 0 };
	static const uint8_t spki[] = { 0x30, 12, 0x30, 5, 0x06, 3, 0x2b, 0x65,
		0x70, 0x03, 3, 0, 1, 2 };
	static const uint8_t oid[] = { 0x06, 3, 0x55, 0x1d, 19 };
	const struct sign_alg alg = { .scheme = scheme,
		.identifier = identifier };
	struct tbs wanted = { .serial = span_of(serial, sizeof(serial)),
		.algorithm = identifier,
		.issuer = span_of(nobody, sizeof(nobody)),
		.not_before = NOW,
		.not_after = NOW + DAY,
		.subject = span_of(nobody, sizeof(nobody)),
		.spki = span_of(spki, sizeof(spki)) };
	struct extension_list list = { .n = 1,
		.items = { { span_of(oid, sizeof(oid)), true,
		    span_of(nobody, sizeof(nobody)) } } };
	WIPED(tbs_bytes) bytes = { 0 };
	WIPED(buf) extensions = { 0 };
	WIPED(buf) tbs = { 0 };
	OWN(X509) *x = NULL;
	struct span in, content;

	made = 0;
	check_ok(template_new(&alg, &x));
	assert_int_equal(made, 0);
	check_ok(template_set_serial(x, wanted.serial));
	check_ok(template_set_dates(x, wanted.not_before, wanted.not_after));
	check_ok(template_set_key(x, wanted.spki));
	check_ok(template_set_extensions(x, &list));
	check_ok(template_tbs(x, &tbs));

	check_ok(extension_list_write(&list, &extensions));
	wanted.extensions = buf_span(&extensions);
	check_ok(tbs_write(&wanted, &bytes));
	in = buf_span(&tbs);
	assert_true(der_take(&in, DER_SEQUENCE, &content));
	assert_int_equal(in.n, 0);
	assert_int_equal(tbs_differs(&bytes, content), TBS_FIELDS);
}

static void
it_has_the_cas_algorithm_and_no_key_is_made(void **state)
{
	(void)state;
	check_template(
	    TOKEN_RSA_PKCS1, span_of(rsa_sha256, sizeof(rsa_sha256)));
	check_template(
	    TOKEN_ECDSA, span_of(ecdsa_sha256, sizeof(ecdsa_sha256)));
	check_template(
	    TOKEN_ECDSA, span_of(ecdsa_sha384, sizeof(ecdsa_sha384)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_the_cas_algorithm_and_no_key_is_made),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
