/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs that are streamed, read by OpenSSL. */
#include "ca/crl/crl.h"

#include "ca/ledger/revocation.h"
#include "tests/lib/ledger_fixture.h"
#include "tests/lib/software_ca.h"
#include "transfer/x509/signature.h"

#define MANY 3000 /* entries: more than a piece */

static void
no_crl_sign(X509 *cert)
{
	add_text(cert, cert, "keyUsage", "critical,keyCertSign");
}

static void
a_ca_that_may_not_sign_them_is_told_so(void **state)
{
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	WIPED(buf) der = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *bad = ca_cert_make(key, "CN=bad", no_crl_sign);
	OWN(X509) *good = ca_cert_make(key, "CN=good", NULL);

	(void)state;
	cert_der(bad, &der);
	check_refused(crl_issuer_read(buf_span(&der), &issuer), "CRL-SIGN",
	    "the CA's certificate does not allow it to sign CRLs");
	buf_reset(&der);
	cert_der(good, &der);
	check_ok(crl_issuer_read(buf_span(&der), &issuer));
	assert_int_equal(issuer.not_after, NOW + 3650 * DAY);
}

/* Serials with and without a top bit, all reasons, dates to either side of
 * 2050. */
static void
revoke_many(struct ledger *l, unsigned n)
{
	static const enum reason reasons[] = { REASON_UNSPECIFIED,
		REASON_KEY_COMPROMISE, REASON_SUPERSEDED };
	struct ledger_bundle b;

	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	b = bundle_make(0x77, 0x21, 99);
	check_ok(ledger_bundle_add(l, &b));
	for (unsigned i = 0; i < n; i++) {
		struct intent intent = intent_make(&b, i, 0x41);
		struct ledger_revocation r = { .not_after = T0 + 2678399,
			.reason = reasons[i % 3],
			.has_since = i % 5 == 0,
			.since = T0 };

		intent.serial[0] = (uint8_t)(i % 255 + 1);
		intent.serial[1] = (uint8_t)(i >> 8);
		intent.serial[2] = (uint8_t)i;
		check_ok(ledger_intent_add(l, &intent));
		r.serial = span_of(intent.serial, 16);
		check_ok(ledger_revoke(l, &r, 0));
	}
	check_ok(ledger_commit(l));
}

static void
sign_it(const struct software_ca *ca, const struct crl_issuer *issuer,
    struct ledger *l, struct ledger_crl *crl)
{
	struct crl_size size;
	uint8_t digest[64];
	WIPED(buf) raw = { 0 };

	check_ok(crl_measure(l, &crl->list, &size));
	crl->n_revoked = size.n;
	check_ok(crl_tbs_hash(l, issuer, crl, &size, digest));
	key_sign_digest(ca->key, issuer->alg.scheme,
	    span_of(digest, issuer->alg.hash_len), &raw);
	memcpy(crl->signature, raw.p, raw.n);
	crl->signature_n = raw.n;
	check_ok(crl_der_digest(l, issuer, crl, &size, crl->digest));
}

/* In pieces; the size that was told is that of all. */
static void
der_of(struct ledger *l, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, struct buf *der)
{
	const struct file_sink to = file_sink_into(der);
	struct crl_size size;
	uint64_t len = 0;

	check_ok(crl_measure(l, &crl->list, &size));
	check_ok(crl_der_give(l, issuer, crl, &size, &to));
	check_ok(crl_der_len(issuer, crl, &size, &len));
	assert_int_equal(len, der->n);
}

static void
check_one(struct ledger *l, const char *type, unsigned n)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	WIPED(buf) der = { 0 };
	struct ledger_head head;
	struct ledger_crl crl = { .number = 300,
		.next_update = T0 + 200000,
		.list = { .this_update = T0 + 100000 } };
	uint8_t digest[SHA256_LEN];
	const uint8_t *p;
	X509_CRL *got;
	OWN(ASN1_INTEGER) *number = NULL;

	software_ca_make(&ca, type);
	check_ok(crl_issuer_read(buf_span(&ca.der), &issuer));
	ledger_head_get(l, &head);
	crl.list.upto = head.count;
	sign_it(&ca, &issuer, l, &crl);
	der_of(l, &issuer, &crl, &der);
	check_ok(sha256(buf_span(&der), digest));
	assert_memory_equal(digest, crl.digest, SHA256_LEN);

	p = der.p;
	got = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(got);
	assert_ptr_equal(p, der.p + der.n);
	assert_int_equal(X509_CRL_verify(got, ca.key), 1);
	assert_int_equal(X509_CRL_get_version(got), 1);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(got),
			     X509_get_subject_name(ca.cert)),
	    0);
	number = X509_CRL_get_ext_d2i(got, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 300);
	assert_int_equal(crl.n_revoked, n);
	if (n == 0)
		assert_null(X509_CRL_get_REVOKED(got));
	else
		assert_int_equal(
		    sk_X509_REVOKED_num(X509_CRL_get_REVOKED(got)), n);
	for (int i = 0; i < X509_CRL_get_ext_count(got); i++)
		assert_int_equal(
		    X509_EXTENSION_get_critical(X509_CRL_get_ext(got, i)), 0);
	for (int i = 0; i < (int)n; i++) {
		const X509_REVOKED *r =
		    sk_X509_REVOKED_value(X509_CRL_get_REVOKED(got), i);
		OWN(ASN1_INTEGER) *reason =
		    X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);

		assert_true(reason == NULL || ASN1_INTEGER_get(reason) != 0);
	}
	X509_CRL_free(got);
}

static void
each_key_signs_what_openssl_reads(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048" };
	OWNS(ledger) *l = NULL;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_one(l, "ec-p256", 0);
	revoke_many(l, MANY);
	for (size_t i = 0; i < 3; i++)
		check_one(l, types[i], MANY);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ca_that_may_not_sign_them_is_told_so),
		T(each_key_signs_what_openssl_reads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
