/* SPDX-License-Identifier: Apache-2.0 */
/* TLSA records: they stand for what a server may present from now on. */
#include "tests/lib/online_fixture.h"

#include "transfer/online/deploy/deploy.h"
#include "transfer/online/deploy/posh.h"

#define BEGIN (NOW - HOUR)

static const struct online_ask single = { .names = "dns:a.example.org",
	.key = "ec-p256" };
static const struct online_ask series = { .names = "dns:a.example.org",
	.key = "ec-p256",
	.count = 3,
	.overlap = 7 * DAY };

struct records {
	struct tlsa items[TLSA_MAX];
	size_t n;
};

static void
hold(struct online_bed *b, struct holding *ret)
{
	check_ok(holding_load(
	    &b->store, span_str("dns:a.example.org"), span_str("server"), ret));
}

static struct records
made(struct online_bed *b, int64_t now)
{
	WIPED(holding) h = { 0 };
	struct records r = { .n = 99 };

	hold(b, &h);
	check_ok(tlsa_make(&b->store, &h, now, r.items, &r.n));
	return r;
}

static bool
has(const struct records *r, uint8_t usage, uint8_t selector,
    const uint8_t *data)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].usage == usage &&
		    r->items[i].selector == selector &&
		    r->items[i].matching == 1 &&
		    memcmp(r->items[i].data, data, SHA256_LEN) == 0)
			return true;
	return false;
}

/* As somebody else computes it: SHA-256 of the SubjectPublicKeyInfo. */
static void
key_digest(const struct held *h, uint8_t *ret)
{
	const uint8_t *p = h->der.p;
	OWN(X509) *cert = d2i_X509(NULL, &p, (long)h->der.n);

	assert_non_null(cert);
	check_ok(key_id_of(X509_get0_pubkey(cert), ret));
}

static bool
has_key_of(const struct records *r, const struct held *h)
{
	uint8_t digest[SHA256_LEN];

	key_digest(h, digest);
	return has(r, 3, 1, digest);
}

static void
a_certificate_is_its_key_and_its_ca(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	struct records r;

	(void)state;
	online_make(&b);
	online_install(&b, &single, 0);
	hold(&b, &h);
	r = made(&b, NOW);
	assert_int_equal(r.n, 2);
	assert_true(has_key_of(&r, &h.items[0]));
	assert_true(has(&r, 2, 0, b.ca.id)); /* the whole CA certificate */
}

static void
a_series_is_one_key_and_keys_to_come_are_listed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	struct records r;

	(void)state;
	online_make(&b);
	online_install(&b, &series, 0);
	assert_int_equal(made(&b, NOW).n, 2);
	online_install(&b, &single, NOW); /* another key, to come */
	hold(&b, &h);
	assert_int_equal(h.n, 4);
	r = made(&b, NOW - 1);
	assert_int_equal(r.n, 3);
	for (size_t i = 0; i < h.n; i++)
		assert_true(has_key_of(&r, &h.items[i]));
}

static void
what_has_ended_or_was_revoked_is_not_listed(void **state)
{
	const int64_t ends = BEGIN + 31 * DAY - 1;
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	struct online_ask renewed = single;
	struct records r;

	(void)state;
	online_make(&b);
	online_install(&b, &single, 0);
	renewed.standing = STANDS_RENEWED;
	online_install(&b, &renewed, NOW);
	hold(&b, &h);
	r = made(&b, ends);
	assert_int_equal(r.n, 3);
	r = made(&b, ends + 1);
	assert_int_equal(r.n, 2);
	assert_false(has_key_of(&r, &h.items[0]));
	assert_true(has_key_of(&r, &h.items[1]));
	online_edit(&b, "UPDATE certificate SET revoked_at = 1"
			" WHERE bundle = (SELECT max(sequence) FROM bundle)");
	r = made(&b, ends);
	assert_int_equal(r.n, 2);
	assert_true(has_key_of(&r, &h.items[0]));
	assert_false(has_key_of(&r, &h.items[1]));
}

/* Whoever copies the records on some day has what will be presented on every
 * later one, until something new is installed. */
static void
what_will_be_presented_is_listed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };

	(void)state;
	online_make(&b);
	online_install(&b, &series, 0);
	hold(&b, &h);
	for (int64_t now = NOW; now < NOW + 100 * DAY; now += 7 * DAY) {
		struct records r = made(&b, now);

		for (int64_t at = now; at < NOW + 99 * DAY; at += DAY)
			assert_true(
			    has_key_of(&r, held_due_get0(&h, "EC", at)));
	}
}

/* The key that a newer request replaced is told of to nobody, though it has
 * certificates for longer. */
static void
what_was_replaced_is_not_listed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	struct records r = { 0 };

	(void)state;
	online_make(&b);
	online_install(&b, &series, 0);
	online_install(&b, &single, NOW);
	hold(&b, &h);
	r = made(&b, NOW);
	assert_int_equal(r.n, 2);
	for (size_t i = 0; i < h.n; i++)
		assert_int_equal(
		    has_key_of(&r, &h.items[i]), h.items[i].slots == 1);
	assert_int_equal(
	    tlsa_make(&b.store, &h, NOW + 40 * DAY, r.items, &r.n), RC_STATE);
}

static void
without_a_certificate_there_are_none(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	struct records r = { .n = 99 };

	(void)state;
	online_make(&b);
	online_install(&b, &single, 0);
	hold(&b, &h);
	assert_int_equal(
	    tlsa_make(&b.store, &h, BEGIN + 31 * DAY, r.items, &r.n), RC_STATE);
	assert_string_equal(err_text(),
	    "dns:a.example.org: no certificate is valid now or later");
	assert_int_equal(r.n, 99);
}

/* Of a renewed CA the newest, which is the one in the deployed chains, and the one
 * before while it is good, which servers have sent so far. */
static void
the_ca_is_the_one_that_is_deployed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };
	WIPED(buf) renewed = { 0 };
	OWN(X509) *again = NULL;
	uint8_t digest[SHA256_LEN];
	struct records r;

	(void)state;
	online_make(&b);
	online_install(&b, &single, 0);
	again = ca_cert_make(b.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(again, &renewed);
	check_ok(sha256(buf_span(&renewed), digest));
	check_ok(trust_add_ca(&b.store.trust, "CA", buf_span(&renewed)));
	r = made(&b, NOW);
	assert_int_equal(r.n, 3);
	assert_true(has(&r, 2, 0, digest));
	assert_true(has(&r, 2, 0, b.ca.id));
	b.store.trust.cas[0].not_after = NOW - 1;
	r = made(&b, NOW);
	assert_int_equal(r.n, 2);
	assert_true(has(&r, 2, 0, digest));
	hold(&b, &h);
	h.items[0].issuer[0] ^= 1;
	assert_int_equal(tlsa_make(&b.store, &h, NOW, r.items, &r.n), RC_STATE);
	assert_non_null(strstr(err_text(), "of no pinned CA key"));
}

static void
add_cert(struct online_bed *b, struct held *h)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *cert = ca_cert_make(key, "CN=x", NULL);

	h->not_after = NOW;
	memcpy(h->issuer, b->ca.key_id, SHA256_LEN);
	cert_der(cert, &h->der);
}

static void
more_than_sixteen_are_refused(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct held items[TLSA_MAX] = { 0 };
	struct holding h = { .items = items, .n = TLSA_MAX - 1 };
	struct records r = { 0 };

	(void)state;
	online_make(&b);
	for (size_t i = 0; i < TLSA_MAX; i++)
		add_cert(&b, &items[i]);
	check_ok(tlsa_make(&b.store, &h, NOW, r.items, &r.n));
	assert_int_equal(r.n, TLSA_MAX);
	h.n = TLSA_MAX;
	assert_int_equal(tlsa_make(&b.store, &h, NOW, r.items, &r.n), RC_STATE);
	assert_string_equal(err_text(), "more than 16 records");
	h.n = 1;
	items[0].der.n--;
	assert_int_equal(tlsa_make(&b.store, &h, NOW, r.items, &r.n), RC_STATE);
	assert_non_null(strstr(err_text(), "store: a damaged certificate"));
	for (size_t i = 0; i < TLSA_MAX; i++)
		buf_wipe(&items[i].der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_its_key_and_its_ca),
		cmocka_unit_test(
		    a_series_is_one_key_and_keys_to_come_are_listed),
		cmocka_unit_test(what_has_ended_or_was_revoked_is_not_listed),
		cmocka_unit_test(what_will_be_presented_is_listed),
		cmocka_unit_test(what_was_replaced_is_not_listed),
		cmocka_unit_test(without_a_certificate_there_are_none),
		cmocka_unit_test(the_ca_is_the_one_that_is_deployed),
		cmocka_unit_test(more_than_sixteen_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
