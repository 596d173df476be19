/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/x509/pem.h"

#include "tests/lib/check.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static void
what_is_written_is_read_back(void **state)
{
	uint8_t der[200];

	(void)state;
	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(7 * i);
	for (size_t n = 1; n <= sizeof(der); n++) {
		WIPED(buf) pem = { 0 };
		WIPED(buf) found = { 0 };
		struct span rest;
		bool more = false;

		check_ok(pem_write(PEM_CERTIFICATE, span_of(der, n), &pem));
		check_ok(pem_write(PEM_CERTIFICATE, span_of(der, 1), &pem));
		rest = buf_span(&pem);
		check_ok(pem_next("f", PEM_CERTIFICATE, &rest, &found, &more));
		assert_true(more);
		assert_true(span_eq(buf_span(&found), span_of(der, n)));
		check_ok(pem_next("f", PEM_CERTIFICATE, &rest, &found, &more));
		assert_true(more);
		assert_true(span_eq(buf_span(&found), span_of(der, 1)));
		check_ok(pem_next("f", PEM_CERTIFICATE, &rest, &found, &more));
		assert_false(more);
	}
}

/* RFC 7468 section 3: other widths and line ends are read. */
static void
lines_may_have_another_width_or_end(void **state)
{
	WIPED(buf) found = { 0 };
	struct span rest = span_str(
	    "-----BEGIN CERTIFICATE-----\r\nZm9v\r\nYmFyZm9v\r\nZg==\r\n"
	    "-----END CERTIFICATE-----");
	bool more = false;

	(void)state;
	check_ok(pem_next("f", PEM_CERTIFICATE, &rest, &found, &more));
	assert_true(more);
	assert_true(span_eq_str(buf_span(&found), "foobarfoof"));
}

static void
nothing_else_is_read(void **state)
{
	static const char *const wrong[][2] = {
		{ "words\n" BEGIN "Zm9v\n" END, "f: not PEM of a CERTIFICATE" },
		{ "-----BEGIN X509 CRL-----\nZm9v\n-----END X509 CRL-----\n",
		    "f: not PEM of a CERTIFICATE" },
		{ BEGIN END, "f: broken PEM of a CERTIFICATE" },
		{ BEGIN "Zm9v\n\n" END, "f: broken PEM of a CERTIFICATE" },
		{ BEGIN "Zm9\n" END, "f: broken PEM of a CERTIFICATE" },
		{ BEGIN "Zg==\nZm9v\n" END, "f: broken PEM of a CERTIFICATE" },
		{ BEGIN " Zm9v\n" END, "f: broken PEM of a CERTIFICATE" },
		/* the unused bits */
		{ BEGIN "Zh==\n" END, "f: broken PEM of a CERTIFICATE" },
		{ BEGIN "Zm9v\n", "f: PEM of a CERTIFICATE without an end" },
		{ BEGIN "Zm9v\n-----END CERT-----\n",
		    "f: broken PEM of a CERTIFICATE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		WIPED(buf) found = { 0 };
		struct span rest = span_str(wrong[i][0]);
		bool more = false;

		if (pem_next("f", PEM_CERTIFICATE, &rest, &found, &more) !=
		    RC_FORMAT)
			fail_msg("%s was read", wrong[i][0]);
		assert_string_equal(err_text(), wrong[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(lines_may_have_another_width_or_end),
		cmocka_unit_test(nothing_else_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
