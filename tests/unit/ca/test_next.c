/* SPDX-License-Identifier: Apache-2.0 */
/* A CA certificate made after another one: what is copied, and what is new. */
#include "tests/lib/software_ca.h"

#include "ca/cert/next.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

static char *domains[] = { (char[]){ "example.org" } };
static const struct text_list scopes = { domains, 1 };

static const uint8_t other_ski[20] = { 1, 2, 3 };

static void
wished_make(struct software_ca *ca, uint32_t path_len)
{
	struct ca_wish wish = PLAIN_WISH;

	wish.scopes = &scopes;
	wish.path_len = path_len;
	software_ca_wished("ec-p256", &wish, ca);
}

static struct ca_next
next_of(const struct software_ca *ca, const struct cert_parts *like)
{
	return (struct ca_next){ .like = buf_span(&ca->der),
		.issuer = like->subject,
		.subject = like->subject,
		.spki = like->spki,
		.ski = span_of(other_ski, sizeof(other_ski)),
		.not_before = NOW,
		.not_after = NOW + DAY,
		.path_len = PATH_LEN_SAME,
		.alg = &ca->alg };
}

static X509 *
made(const struct software_ca *ca, const struct ca_next *next, struct buf *der)
{
	WIPED(buf) tbs = { 0 };

	buf_reset(der);
	check_ok(tbs_of_ca_next(next, &tbs));
	return software_ca_certify(ca, buf_span(&tbs), der);
}

static void
all_but_what_is_told_is_copied(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	struct cert_parts like, parts;
	struct ca_next next;
	int64_t from, to;

	(void)state;
	wished_make(&ca, 2);
	check_ok(cert_parts_read("CA", buf_span(&ca.der), &like));
	next = next_of(&ca, &like);
	cert = made(&ca, &next, &der);
	check_ok(cert_parts_read("next", buf_span(&der), &parts));
	assert_false(span_eq(parts.serial, like.serial));
	assert_int_equal(parts.serial.n, CA_SERIAL_LEN);
	assert_int_equal(X509_get_pathlen(cert), 2);
	assert_int_equal(X509_get_ext_count(cert), X509_get_ext_count(ca.cert));
	assert_int_equal(X509_get_key_usage(cert), X509_get_key_usage(ca.cert));
	assert_memory_equal(
	    ASN1_STRING_get0_data(X509_get0_subject_key_id(cert)), other_ski,
	    sizeof(other_ski));
	check_ok(cert_window(cert, &from, &to));
	assert_int_equal(from, NOW);
	assert_int_equal(to, NOW + DAY);
	/* Made of the same it is the same, but for its serial. */
	next.ski =
	    span_of(ASN1_STRING_get0_data(X509_get0_subject_key_id(ca.cert)),
		KEY_IDENTIFIER_LEN);
	X509_free(cert);
	cert = made(&ca, &next, &der);
	check_ok(cert_parts_read("next", buf_span(&der), &parts));
	assert_true(span_eq(parts.extensions, like.extensions));
}

static void
one_across_names_the_key_that_signs(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	struct cert_parts like;
	struct ca_next next;

	(void)state;
	wished_make(&ca, 1);
	check_ok(cert_parts_read("CA", buf_span(&ca.der), &like));
	next = next_of(&ca, &like);
	next.aki = span_of(other_ski, 5);
	next.path_len = 0;
	cert = made(&ca, &next, &der);
	assert_int_equal(X509_get_pathlen(cert), 0);
	assert_int_equal(
	    ASN1_STRING_length(X509_get0_authority_key_id(cert)), 5);
	assert_int_equal(
	    X509_get_ext_count(cert), X509_get_ext_count(ca.cert) + 1);
	assert_true(X509_get_ext_by_NID(cert, NID_name_constraints, -1) >= 0);
	next.path_len = 200;
	X509_free(cert);
	cert = made(&ca, &next, &der);
	assert_int_equal(X509_get_pathlen(cert), 200);
}

static void
no_limit(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "critical,CA:TRUE");
	add_text(cert, cert, "subjectKeyIdentifier", "hash");
	add_text(cert, cert, "authorityKeyIdentifier", "keyid:always");
}

/* What other software made: no limit, and an authorityKeyIdentifier. */
static void
a_ca_without_a_limit_gets_none(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	struct cert_parts like;
	struct ca_next next;

	(void)state;
	software_ca_key(&ca, "ec-p256");
	ca.cert = ca_cert_make(ca.key, "CN=Old", no_limit);
	cert_der(ca.cert, &ca.der);
	check_ok(cert_parts_read("CA", buf_span(&ca.der), &like));
	next = next_of(&ca, &like);
	next.path_len = 1;
	cert = made(&ca, &next, &der);
	assert_int_equal(X509_get_pathlen(cert), -1);
	assert_null(X509_get0_authority_key_id(cert));
}

static void
not_a_ca(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "critical,CA:FALSE");
}

static void
what_is_no_ca_has_no_next(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) tbs = { 0 };
	struct cert_parts like;
	struct ca_next next;

	(void)state;
	software_ca_key(&ca, "ec-p256");
	ca.cert = ca_cert_make(ca.key, "CN=Leaf", not_a_ca);
	cert_der(ca.cert, &ca.der);
	check_ok(cert_parts_read("CA", buf_span(&ca.der), &like));
	next = next_of(&ca, &like);
	check_refused(tbs_of_ca_next(&next, &tbs), "LINT",
	    "RFC 4210 4.4: the CA's next certificate has other basicConstraints than the one before");
	assert_int_equal(tbs.n, 0);
}

/* A UTF8String that is none: what was copied from other software is not signed
 * again. */
static void
what_is_no_der_is_not_signed(void **state)
{
	static const uint8_t subject[] = { DER_SEQUENCE, 14, DER_SET, 12,
		DER_SEQUENCE, 10, DER_OID, 3, 0x55, 4, 3, DER_UTF8_STRING, 3,
		'a', 0xff, 'b' };
	WIPED(software_ca) ca = { 0 };
	WIPED(buf) tbs = { 0 };
	struct cert_parts like;
	struct ca_next next;

	(void)state;
	wished_make(&ca, 0);
	check_ok(cert_parts_read("CA", buf_span(&ca.der), &like));
	next = next_of(&ca, &like);
	next.subject = span_of(subject, sizeof(subject));
	check_rule(tbs_of_ca_next(&next, &tbs), "LINT", "RFC 5280 4.1: ");
	assert_int_equal(tbs.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_what_is_told_is_copied),
		cmocka_unit_test(one_across_names_the_key_that_signs),
		cmocka_unit_test(a_ca_without_a_limit_gets_none),
		cmocka_unit_test(what_is_no_ca_has_no_next),
		cmocka_unit_test(what_is_no_der_is_not_signed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
