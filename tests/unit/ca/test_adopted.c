/* SPDX-License-Identifier: Apache-2.0 */
/* What an adopted CA did before: its serials are used, its certificates are
 * found by them, and what it had revoked keeps its date. */
#include "tests/lib/ledger_fixture.h"

#include "ca/ledger/adopted.h"
#include "ca/ledger/ledger_crl.h"
#include "ca/ledger/revocation.h"
#include "transfer/x509/cert.h"

#include <openssl/x509v3.h>

#define END (T0 + 2678399)

static struct ledger_adopted_cert
adopted_of(struct span serial, struct span der)
{
	return (struct ledger_adopted_cert){ .serial = serial,
		.not_after = END,
		.subject = span_str("/CN=old"),
		.der = der };
}

/* As cert_make's, with an extension: one without is no certificate for the
 * ledger. */
static void
old_cert_make(uint8_t mark, struct buf *ret_der)
{
	WIPED(buf) plain = { 0 };
	OWN(BASIC_CONSTRAINTS) *bc = BASIC_CONSTRAINTS_new();
	OWN(EVP_PKEY) *key = NULL;
	OWN(ssl_bytes) *der = NULL;
	OWN(X509) *x = NULL;
	uint8_t seed[32];
	int n;

	memset(seed, mark, sizeof(seed));
	key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	cert_make(mark, &plain);
	x = cert_of_der(buf_span(&plain));
	assert_int_equal(1, X509_add1_ext_i2d(x, NID_basic_constraints, bc, 0,
				X509V3_ADD_APPEND));
	assert_true(X509_sign(x, key, NULL) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	check_ok(buf_add(ret_der, der, (size_t)n));
}

/* Serial 1 by its line alone, revoked long ago; 0x21 with its certificate. */
static void
adopt(struct ledger *l)
{
	static uint8_t serial[16];
	WIPED(buf) der = { 0 };
	struct ledger_adopted_cert line =
	    adopted_of(span_of("\x01", 1), SPAN_NONE);
	struct ledger_adopted_cert cert;
	const struct ledger_revocation revocation = { .serial = line.serial,
		.not_after = END,
		.reason = REASON_SUPERSEDED,
		.date = T0 - 1000 };

	memset(serial, 0x21, sizeof(serial));
	old_cert_make(0x21, &der);
	cert = adopted_of(span_of(serial, sizeof(serial)), buf_span(&der));
	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	check_ok(ledger_adopted_add(l, 17));
	check_ok(ledger_adopted_cert_add(l, &line));
	check_ok(ledger_revoke(l, &revocation, 0));
	check_ok(ledger_adopted_cert_add(l, &cert));
	check_ok(ledger_commit(l));
}

static enum rc
count_adopted(const struct ledger_cert *cert, void *arg)
{
	size_t *n = arg;

	*n += cert->adopted;
	return RC_OK;
}

static void
they_are_found_by_their_serials(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(ledger_cert) cert = { 0 };
	WIPED(ledger_cert) whole = { 0 };
	uint8_t serial[16];
	bool known = false;
	size_t n = 0;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	adopt(l);
	check_ok(ledger_cert_get(l, span_of("\x01", 1), &cert, &known));
	assert_true(known && cert.adopted && cert.revoked && !cert.own);
	assert_int_equal(cert.der.n, 0);
	assert_int_equal(cert.intent.not_after, END);
	assert_true(span_eq_str(buf_span(&cert.subject), "/CN=old"));
	assert_true(span_eq(ledger_cert_serial(&cert), span_of("\x01", 1)));

	memset(serial, 0x21, sizeof(serial));
	check_ok(ledger_cert_get(
	    l, span_of(serial, sizeof(serial)), &whole, &known));
	assert_true(known && whole.adopted && !whole.revoked);
	assert_true(whole.der.n != 0 && whole.intent.not_before != 0);
	assert_int_equal(ledger_cert_serial(&whole).n, 16);
	check_ok(ledger_certs_each(l, count_adopted, &n));
	assert_int_equal(n, 2);
}

static void
what_was_revoked_keeps_its_date(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation r = { 0 };
	struct ledger_totals walked, quick;
	bool revoked = false;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	adopt(l);
	check_ok(ledger_revoked_get(l, span_of("\x01", 1), &r, &revoked));
	assert_true(revoked);
	assert_int_equal(r.at, T0 - 1000);
	check_ok(ledger_verify(l, NULL, 0, &walked));
	check_ok(ledger_totals_get(l, &quick));
	assert_int_equal(walked.adopted, 2);
	assert_int_equal(quick.adopted, 2);
	assert_int_equal(quick.revoked, 1);
}

static void
crls_go_on_above_the_old_ones(void **state)
{
	OWNS(ledger) *l = NULL;
	uint64_t floor = 0;
	bool adopted = true;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_crl_floor(l, &floor, &adopted));
	assert_true(floor == 1 && !adopted);
	adopt(l);
	check_ok(ledger_crl_floor(l, &floor, &adopted));
	assert_true(floor == 17 && adopted);
	check_ok(ledger_crl_number_next(l, &floor));
	assert_int_equal(floor, 17);
}

static enum rc
adopt_one(struct ledger *l, const struct ledger_adopted_cert *cert)
{
	enum rc rc;

	check_ok(ledger_begin(l));
	stamp(l, T0 + 90001);
	rc = ledger_adopted_cert_add(l, cert);
	ledger_rollback(l);
	return rc;
}

/* 0x41 is a certificate of the story's. */
static void
a_serial_stands_once(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(buf) der = { 0 };
	struct ledger_adopted_cert cert;
	uint8_t serial[16];

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	adopt(l);
	memset(serial, 0x41, sizeof(serial));
	cert = adopted_of(span_of(serial, sizeof(serial)), SPAN_NONE);
	assert_int_equal(adopt_one(l, &cert), RC_STATE);
	cert = adopted_of(span_of("\x01", 1), SPAN_NONE);
	assert_int_equal(adopt_one(l, &cert), RC_STATE);
	cert = adopted_of(span_of("\x02", 1), SPAN_NONE);
	check_ok(adopt_one(l, &cert));
	/* And is that of the certificate that comes with it. */
	old_cert_make(0x22, &der);
	cert.der = buf_span(&der);
	assert_int_equal(adopt_one(l, &cert), RC_STATE);
	assert_non_null(strstr(err_text(), "another serial"));
}

static void
nothing_was_revoked_tomorrow(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_revocation r = { .serial = span_of("\x01", 1),
		.not_after = END };
	struct ledger_adopted_cert cert =
	    adopted_of(span_of("\x01", 1), SPAN_NONE);

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	check_ok(ledger_adopted_cert_add(l, &cert));
	r.date = T0 + 90001;
	assert_int_equal(ledger_revoke(l, &r, 0), RC_STATE);
	assert_non_null(strstr(err_text(), "a revocation of the future"));
	ledger_rollback(l);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	check_ok(ledger_adopted_cert_add(l, &cert));
	r.date = T0 + 90000;
	check_ok(ledger_revoke(l, &r, 0));
	check_ok(ledger_commit(l));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

/* With the name of a file that is not there: leave such a ledger in it. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(they_are_found_by_their_serials),
		T(what_was_revoked_keeps_its_date),
		T(crls_go_on_above_the_old_ones),
		T(a_serial_stands_once),
		T(nothing_was_revoked_tomorrow),
	};

	if (argc == 2) {
		OWNS(ledger) *l = NULL;

		check_ok(ledger_create(argv[1], &l));
		story_tell(l);
		adopt(l);
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
