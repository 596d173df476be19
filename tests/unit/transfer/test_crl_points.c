/* SPDX-License-Identifier: Apache-2.0 */
/* Places of CRLs, and the mark of a key in them. */
#include "transfer/x509/crl_points.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"

#include <openssl/x509v3.h>

#define MARK "0123456789abcdef"
#define SEVENTY \
	"a23456789b23456789c23456789d23456789e23456789f23456789g23456789h23456"

/* clang-format off */
static const struct {
	const char *uri;
	const char *file;   /* "": it names none */
	const char *marked; /* NULL: as it is */
} uris[] = {
	{ "http://example.org/a.crl", "a.crl", "http://example.org/a-" MARK ".crl" },
	{ "HTTPS://example.org/pki/Our_CA.v2.crl", "Our_CA.v2.crl", "HTTPS://example.org/pki/Our_CA.v2-" MARK ".crl" },
	{ "http://example.org/pki/list", "list", "http://example.org/pki/list-" MARK },
	{ "http://example.org:8080/" SEVENTY "7890123.crl", SEVENTY "7890123.crl", "http://example.org:8080/" SEVENTY "7890123-" MARK ".crl" },
	{ "http://example.org/" SEVENTY "78901234567.crl", "", NULL },
	{ "http://example.org/", "", NULL },
	{ "http://example.org", "", NULL },
	{ "http://", "", NULL },
	{ "http:///a.crl", "a.crl", "http:///a-" MARK ".crl" },
	{ "http://example.org/.crl", "", NULL },
	{ "http://example.org/-a.crl", "", NULL },
	{ "http://example.org/a%2ecrl", "", NULL },
	{ "http://example.org/a.crl?b=c", "", NULL },
	{ "ldap://example.org/cn=x", "", NULL },
	{ "file:///etc/a.crl", "", NULL },
	{ "", "", NULL },
};
/* clang-format on */

static void
a_file_takes_the_mark_before_its_suffix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		const struct span uri = span_str(uris[i].uri);
		WIPED(buf) marked = { 0 };

		check_ok(crl_uri_mark(uri, MARK, &marked));
		if (!span_eq_str(crl_uri_file(uri), uris[i].file) ||
		    !span_eq_str(buf_span(&marked),
			uris[i].marked == NULL ? uris[i].uri : uris[i].marked))
			fail_msg("%s: %.*s, %.*s", uris[i].uri,
			    SPAN_FMT(crl_uri_file(uri)),
			    SPAN_FMT(buf_span(&marked)));
	}
}

static void
a_mark_is_the_beginning_of_a_key_id(void **state)
{
	static const uint8_t id[SHA256_LEN] = { 0x01, 0x23, 0x45, 0x67, 0x89,
		0xab, 0xcd, 0xef, 0xff };
	char mark[CRL_MARK_TEXT];

	(void)state;
	crl_mark_write(id, mark);
	assert_string_equal(mark, MARK);
}

/* As OpenSSL makes it of a line: its value. */
static void
value_of(const char *line, struct buf *ret)
{
	OWN(X509_EXTENSION) *ext =
	    X509V3_EXT_nconf(NULL, NULL, "crlDistributionPoints", line);
	const ASN1_OCTET_STRING *value;

	assert_non_null(ext);
	value = X509_EXTENSION_get_data(ext);
	buf_reset(ret);
	check_ok(buf_add(ret, ASN1_STRING_get0_data(value),
	    (size_t)ASN1_STRING_length(value)));
}

static enum rc
append(void *arg, struct span uri)
{
	return buf_printf(arg, "%.*s\n", SPAN_FMT(uri));
}

static void
each_uri_of_a_value_is_marked_and_nothing_else(void **state)
{
	WIPED(buf) value = { 0 };
	WIPED(buf) wanted = { 0 };
	WIPED(buf) marked = { 0 };
	WIPED(buf) seen = { 0 };

	(void)state;
	value_of("URI:http://a.org/a.crl,URI:ldap://a.org/x,DNS:a.crl,"
		 "URI:http://b.org/b.crl",
	    &value);
	value_of("URI:http://a.org/a-" MARK ".crl,URI:ldap://a.org/x,DNS:a.crl,"
		 "URI:http://b.org/b-" MARK ".crl",
	    &wanted);
	check_ok(crl_points_mark(buf_span(&value), MARK, &marked));
	assert_true(span_eq(buf_span(&marked), buf_span(&wanted)));
	check_ok(crl_points_each(buf_span(&value), append, &seen));
	assert_true(span_eq_str(buf_span(&seen),
	    "http://a.org/a.crl\nldap://a.org/x\nhttp://b.org/b.crl\n"));
}

/* A name relative to the issuer's, and reasons: copied. */
static void
other_forms_are_left_alone(void **state)
{
	static const uint8_t other[] = { 0x30, 0x1a, 0x30, 0x18, 0xa0, 0x11,
		0xa1, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
		0x06, 'a', '.', 'c', 'r', 'l', '/', 0x81, 0x03, 0x07, 0x01,
		0x80 };
	WIPED(buf) marked = { 0 };
	WIPED(buf) seen = { 0 };

	(void)state;
	check_ok(crl_points_mark(span_of(other, sizeof(other)), MARK, &marked));
	assert_true(span_eq(buf_span(&marked), span_of(other, sizeof(other))));
	check_ok(crl_points_each(span_of(other, sizeof(other)), append, &seen));
	assert_int_equal(seen.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_takes_the_mark_before_its_suffix),
		cmocka_unit_test(a_mark_is_the_beginning_of_a_key_id),
		cmocka_unit_test(
		    each_uri_of_a_value_is_marked_and_nothing_else),
		cmocka_unit_test(other_forms_are_left_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
