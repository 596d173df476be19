/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names from text: what escapes, what is refused, and that no
 * name out of a request becomes syntax. */
#include "transfer/policy/subject.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"
#include "transfer/x509/der.h"
#include "transfer/x509/der_out.h"

#include <errno.h>

static void
shown(X509_NAME *name, const char *want)
{
	WIPED(buf) text = { 0 };

	check_ok(subject_print(name, &text));
	assert_string_equal(buf_cstr(&text), want);
}

static void
a_subject_is_attributes_in_order(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "CN=ca", "CN=ca" },
		{ "  C=DE , O=Some One,CN = a  ", "C=DE, O=Some One, CN=a" },
		{ "CN=a\\, b\\=c\\ ", "CN=a\\, b=c\\ " },
		{ "2.5.4.3=by number", "CN=by number" },
		{ "CN=caf\xc3\xa9", "CN=caf\xc3\xa9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OWN(X509_NAME) *name = NULL;

		check_ok(subject_read(cases[i].text, &name));
		shown(name, cases[i].want);
	}
}

static void
what_is_no_subject_says_why(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "ca", "subject \"ca\": no '=' after \"ca\"" },
		{ "CN=a,b", "subject \"CN=a,b\": no '=' after \"b\"" },
		{ "CN=a,", "subject \"CN=a,\": ends in a comma" },
		{ "CN=a\\", "subject \"CN=a\\\": ends in a backslash" },
		{ "CN=", "subject \"CN=\": CN has no value" },
		{ "CN=a\x1b" "b",
		    "subject \"CN=a\x1b" "b\": CN has the control character U+001B" },
		{ "CN=a\xe2\x80\xae" "b",
		    "subject \"CN=a\xe2\x80\xae" "b\": CN has the control character U+202E" },
		{ "CN= ,O=x", "subject \"CN= ,O=x\": CN has no value" },
	};
	char longest[90] = "CN=";
	OWN(X509_NAME) *name = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(subject_read(cases[i].text, &name), RC_USAGE);
		assert_string_equal(err_text(), cases[i].words);
		assert_null(name);
	}
	assert_int_equal(subject_read("XYZ=a", &name), RC_USAGE);
	assert_non_null(strstr(err_text(), "\"XYZ\": no such attribute"));
	assert_int_equal(subject_read("C=DEU", &name), RC_USAGE);
	assert_non_null(strstr(err_text(), "C=DEU"));
	/* ub-common-name, RFC 5280 appendix A. */
	memset(longest + 3, 'x', 64);
	check_ok(subject_read(longest, &name));
	X509_NAME_free(MOVE(name));
	longest[67] = 'x';
	assert_int_equal(subject_read(longest, &name), RC_USAGE);
	assert_null(name);
}

static char subject_text[64];

static enum rc
of_profile(const char *text, const char *first, X509_NAME **ret)
{
	struct profile profile = { .name = "p",
		.subject = SUBJECT_TEXT,
		.subject_text = subject_text };
	struct name name = { NAME_DNS, SPAN_NONE };

	(void)snprintf(subject_text, sizeof(subject_text), "%s", text);
	if (first != NULL)
		name.text = span_str(first);
	return subject_of(&profile, SPAN_NONE, &name, first != NULL, ret);
}

static void
a_name_put_into_a_text_is_no_syntax(void **state)
{
	OWN(X509_NAME) *name = NULL;

	(void)state;
	check_ok(of_profile("O=100%%,CN=%{name}", "a,O=b", &name));
	shown(name, "O=100%, CN=a\\,O=b");
	X509_NAME_free(MOVE(name));
	check_ok(of_profile("CN=x %{domain}", "www.example.org", &name));
	shown(name, "CN=x www.example.org");
	X509_NAME_free(MOVE(name));
	check_ok(of_profile("CN=plain", NULL, &name));
	shown(name, "CN=plain");
	X509_NAME_free(MOVE(name));
	check_refused(of_profile("CN=%{name}", NULL, &name), "SUBJECT",
	    "the subject \"CN=%{name}\" of profile p needs a name");
	check_refused(of_profile("CN=%{nome}", "a", &name), "SUBJECT",
	    "subject \"CN=%{nome}\" of profile p: unknown %{nome}");
	check_refused(of_profile("CN", "a", &name), "SUBJECT",
	    "profile p: subject \"CN\": no '=' after \"CN\"");
}

/* As first-name does: the name itself, or none where that is too long, too. */
static void
a_name_too_long_for_its_text_stands_alone(void **state)
{
	static const char onion[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.onion";
	static const char longer[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.onions";
	struct profile ca = { .name = "p",
		.subject = SUBJECT_TEXT,
		.subject_text = subject_text,
		.is_ca = true };
	const struct name one = { NAME_DNS, span_str(onion) };
	OWN(X509_NAME) *name = NULL;

	(void)state;
	assert_int_equal(strlen(onion), 62);
	check_ok(of_profile("CN=XMPP server for %{domain}", onion, &name));
	shown(name,
	    "CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    ".onion");
	X509_NAME_free(MOVE(name));
	assert_int_equal(strlen(longer), 65);
	check_ok(of_profile("CN=XMPP server for %{domain}", longer, &name));
	shown(name, "");
	/* the text is to blame, or a CA wants its own */
	check_refused(
	    of_profile("C=%{name}", "a.example", &name), "SUBJECT", NULL);
	(void)of_profile("CN=XMPP CA for %{domain}", NULL, &name);
	check_refused(
	    subject_of(&ca, SPAN_NONE, &one, 1, &name), "SUBJECT", NULL);
}

static void
a_first_name_too_long_for_a_cn_is_left_out(void **state)
{
	struct profile profile = { .name = "p", .subject = SUBJECT_FIRST_NAME };
	char text[80];
	struct name name = { NAME_DNS, span_of(text, 64) };
	OWN(X509_NAME) *subject = NULL;

	(void)state;
	memset(text, 'a', sizeof(text));
	check_ok(subject_of(&profile, SPAN_NONE, &name, 1, &subject));
	assert_int_equal(X509_NAME_entry_count(subject), 1);
	X509_NAME_free(MOVE(subject));
	name.text.n = 65;
	check_ok(subject_of(&profile, SPAN_NONE, &name, 1, &subject));
	assert_int_equal(X509_NAME_entry_count(subject), 0);
	X509_NAME_free(MOVE(subject));
	check_ok(subject_of(&profile, SPAN_NONE, NULL, 0, &subject));
	assert_int_equal(X509_NAME_entry_count(subject), 0);
}

static void
without_memory_there_is_no_subject(void **state)
{
	(void)state;
	FAIL_EACH("malloc X509_NAME_new BIO_new X509_NAME_print_ex "
		  "i2d_X509_NAME",
	    ENOMEM)
	{
		OWN(X509_NAME) *name = NULL;
		WIPED(buf) text = { 0 }, der = { 0 };
		const char *failed;
		enum rc rc =
		    of_profile("O=x,CN=%{name}", "www.example.org", &name);

		if (rc == RC_OK)
			rc = subject_print(name, &text);
		if (rc == RC_OK)
			rc = subject_write(name, &der);
		failed = fail_stop();
		if (failed == NULL) {
			check_ok(rc);
			assert_int_equal(der.p[0], 0x30);
			continue;
		}
		if (rc != RC_IO && rc != RC_BUG)
			fail_msg("%s: %d %s", failed, (int)rc, err_text());
	}
	fail_nth("X509_NAME_new", 1, 0);
	assert_int_equal(
	    subject_of(&(struct profile){ .subject = SUBJECT_FIRST_NAME },
		SPAN_NONE, NULL, 0, &(X509_NAME *){ NULL }),
	    RC_IO);
	assert_non_null(fail_stop());
}

/* A Name of one attribute 2.5.4.TYPE. */
static enum rc
csr_subject_of(uint8_t type, uint8_t tag, struct span text, bool twice)
{
	const uint8_t oid[] = { 0x55, 4, type };
	WIPED(buf) attribute = { 0 };
	WIPED(buf) set = { 0 };
	WIPED(buf) rdns = { 0 };
	WIPED(buf) name = { 0 };

	check_ok(der_put(&attribute, DER_OID, span_of(oid, sizeof(oid))));
	check_ok(der_put(&attribute, tag, text));
	check_ok(der_put(&set, DER_SEQUENCE, buf_span(&attribute)));
	if (twice)
		check_ok(der_put(&set, DER_SEQUENCE, buf_span(&attribute)));
	check_ok(der_put(&rdns, DER_SET, buf_span(&set)));
	check_ok(der_put(&name, DER_SEQUENCE, buf_span(&rdns)));
	return subject_csr_check(buf_span(&name));
}

static void
a_csrs_subject_is_taken_in_the_forms_of_rfc_5280(void **state)
{
	static const uint8_t empty[] = { 0x30, 0 };
	static const uint8_t bidi[] = { 'a', 0xe2, 0x80, 0xae };
	static char longest[66];
	struct span x64 = span_of(longest, 64), x65 = span_of(longest, 65);

	(void)state;
	memset(longest, 'x', 65);
	check_ok(csr_subject_of(3, DER_UTF8_STRING, x64, false));
	check_ok(csr_subject_of(3, DER_PRINTABLE_STRING, x64, false));
	check_ok(csr_subject_of(6, DER_PRINTABLE_STRING, span_str("SE"), false));
	check_refused(csr_subject_of(3, DER_UTF8_STRING, x65, false),
	    "SUBCA-SUBJECT",
	    "the CSR's subject has an attribute that is empty or too long (RFC 5280 appendix A)");
	check_refused(
	    csr_subject_of(6, DER_PRINTABLE_STRING, span_str("SWE"), false),
	    "SUBCA-SUBJECT", NULL);
	check_refused(
	    csr_subject_of(6, DER_PRINTABLE_STRING, span_str("S"), false),
	    "SUBCA-SUBJECT", NULL);
	check_refused(
	    csr_subject_of(6, DER_UTF8_STRING, span_str("SE"), false),
	    "SUBCA-SUBJECT",
	    "the CSR's subject has an attribute of another string type than RFC 5280 has for it");
	check_refused(csr_subject_of(3, DER_IA5_STRING, x64, false),
	    "SUBCA-SUBJECT", NULL);
	check_refused(csr_subject_of(3, DER_UTF8_STRING, SPAN_NONE, false),
	    "SUBCA-SUBJECT", NULL);
	check_refused(csr_subject_of(3, DER_UTF8_STRING,
			  span_of(bidi, sizeof(bidi)), false),
	    "SUBCA-SUBJECT",
	    "the CSR's subject has an attribute that is no text, or cannot be shown");
	check_refused(csr_subject_of(3, DER_UTF8_STRING, x64, true),
	    "SUBCA-SUBJECT",
	    "the CSR's subject has two attributes in one RDN, whose order is nobody's");
	check_refused(subject_csr_check(span_of(empty, 2)), "SUBCA-SUBJECT",
	    "the CSR's subject is empty; a CA has a name (RFC 5280 4.1.2.6)");
	check_refused(subject_csr_check(SPAN_NONE), "SUBCA-SUBJECT",
	    "the CSR's subject is malformed");
	check_refused(subject_csr_check(span_str("no")), "SUBCA-SUBJECT",
	    "the CSR's subject is malformed");
}

/* Attributes of CN=x, of which each is a SET of its own. */
static void
rdns_put(struct buf *rdns, size_t n)
{
	static const uint8_t one[] = { DER_SET, 10, DER_SEQUENCE, 8, DER_OID, 3,
		0x55, 4, 3, DER_UTF8_STRING, 1, 'x' };

	for (size_t i = 0; i < n; i++)
		check_ok(buf_add(rdns, one, sizeof(one)));
}

static enum rc
csr_name_of(struct span rdns)
{
	WIPED(buf) name = { 0 };

	check_ok(der_put(&name, DER_SEQUENCE, rdns));
	return subject_csr_check(buf_span(&name));
}

/* DER, and no Name. */
static void
a_csrs_subject_is_a_name_of_at_most_32_parts(void **state)
{
	static const uint8_t no_set[] = { DER_SEQUENCE, 0 };
	static const uint8_t no_sequence[] = { DER_SET, 2, DER_OCTET_STRING,
		0 };
	static const uint8_t no_type[] = { DER_SET, 5, DER_SEQUENCE, 3,
		DER_UTF8_STRING, 1, 'x' };
	static const uint8_t no_value[] = { DER_SET, 7, DER_SEQUENCE, 5,
		DER_OID, 3, 0x55, 4, 3 };
	static const uint8_t more[] = { DER_SET, 12, DER_SEQUENCE, 10, DER_OID,
		3, 0x55, 4, 3, DER_UTF8_STRING, 1, 'x', DER_NULL, 0 };
	const struct span wrong[] = { span_of(no_set, sizeof(no_set)),
		span_of(no_sequence, sizeof(no_sequence)),
		span_of(no_type, sizeof(no_type)),
		span_of(no_value, sizeof(no_value)),
		span_of(more, sizeof(more)) };
	WIPED(buf) rdns = { 0 };

	(void)state;
	rdns_put(&rdns, 32);
	check_ok(csr_name_of(buf_span(&rdns)));
	rdns_put(&rdns, 1);
	check_refused(csr_name_of(buf_span(&rdns)), "SUBCA-SUBJECT",
	    "the CSR's subject has more than 32 parts");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_refused(csr_name_of(wrong[i]), "SUBCA-SUBJECT",
		    "the CSR's subject is malformed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subject_is_attributes_in_order),
		cmocka_unit_test(what_is_no_subject_says_why),
		cmocka_unit_test(a_name_too_long_for_its_text_stands_alone),
		cmocka_unit_test(a_name_put_into_a_text_is_no_syntax),
		cmocka_unit_test(a_first_name_too_long_for_a_cn_is_left_out),
		cmocka_unit_test(without_memory_there_is_no_subject),
		cmocka_unit_test(
		    a_csrs_subject_is_taken_in_the_forms_of_rfc_5280),
		cmocka_unit_test(a_csrs_subject_is_a_name_of_at_most_32_parts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
