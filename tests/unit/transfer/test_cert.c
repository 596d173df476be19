/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/x509/cert.h"

#include "tests/lib/software_ca.h"
#include "transfer/x509/tbs.h"

#include <openssl/err.h>

static struct software_ca ca;

static int
make_ca(void **state)
{
	(void)state;
	software_ca_wished("ec-p256", &PLAIN_WISH, &ca);
	return 0;
}

static int
wipe_ca(void **state)
{
	(void)state;
	software_ca_wipe(&ca);
	return 0;
}

static void
one_certificate_is_read_and_gives_its_fields(void **state)
{
	OWN(X509) *cert = NULL;
	OWN(X509) *stored = NULL;
	WIPED(buf) spki = { 0 };
	int64_t from = 0, to = 0;

	(void)state;
	check_ok(cert_parse("ca.pem", buf_span(&ca.der), &cert));
	check_ok(cert_stored("ledger", buf_span(&ca.der), &stored));
	assert_int_equal(X509_cmp(cert, stored), 0);
	check_ok(cert_spki(cert, &spki));
	assert_true(spki.n > 0 && spki.p[0] == 0x30);
	check_ok(cert_window(cert, &from, &to));
	assert_true(from < to);
}

/* Whose mistake it is, the caller says by the function that he takes. */
static void
what_is_not_exactly_one_is_none(void **state)
{
	WIPED(buf) two = { 0 };
	OWN(X509) *cert = NULL;
	struct span wrong[4];

	(void)state;
	check_ok(buf_add_span(&two, buf_span(&ca.der)));
	check_ok(buf_add_byte(&two, 0));
	wrong[0] = buf_span(&two);
	wrong[1] = span_of(ca.der.p, ca.der.n - 1);
	wrong[2] = span_str("not DER at all");
	wrong[3] = SPAN_NONE;
	for (size_t i = 0; i < 4; i++) {
		assert_null(cert_of_der(wrong[i]));
		assert_int_equal(ERR_peek_error(), 0);
		assert_int_equal(
		    cert_parse("ca.pem", wrong[i], &cert), RC_FORMAT);
		assert_string_equal(err_text(), "ca.pem: not one certificate");
		assert_int_equal(
		    cert_stored("ledger", wrong[i], &cert), RC_STATE);
		assert_string_equal(
		    err_text(), "ledger: a damaged certificate");
		assert_null(cert);
	}
}

/* Ledgers hold them, of what was begun and not yet signed. */
static void
what_is_to_be_signed_is_taken_apart_without_its_signature(void **state)
{
	WIPED(buf) two = { 0 };
	struct cert_parts whole, alone = { 0 };
	struct span wrong[4];

	(void)state;
	check_ok(cert_parts_read("ca.pem", buf_span(&ca.der), &whole));
	check_ok(tbs_parts_read("TBS", whole.tbs, &alone));
	assert_true(span_eq(alone.serial, whole.serial));
	assert_true(span_eq(alone.extensions, whole.extensions));

	check_ok(buf_add_span(&two, whole.tbs));
	check_ok(buf_add_byte(&two, 0));
	wrong[0] = buf_span(&two);
	wrong[1] = span_of(whole.tbs.p, whole.tbs.n - 1);
	wrong[2] = buf_span(&ca.der); /* with its signature */
	wrong[3] = SPAN_NONE;
	for (size_t i = 0; i < 4; i++)
		check_refused(tbs_parts_read("TBS", wrong[i], &alone),
		    "CERT-FORM",
		    "TBS: not one TBSCertificate of X.509 v3 with extensions in DER");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_certificate_is_read_and_gives_its_fields),
		cmocka_unit_test(what_is_not_exactly_one_is_none),
		cmocka_unit_test(
		    what_is_to_be_signed_is_taken_apart_without_its_signature),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_ca, wipe_ca);
}
