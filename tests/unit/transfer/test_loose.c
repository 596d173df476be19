/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/media/loose.h"
#include "transfer/x509/name.h"

#include "transfer/format/cbor_out.h"
#include "transfer/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DER_LEN 64

/* What stands for a CSR here: only its size and digest matter. */
static void
put(struct cbor_out *out, const char *name, uint8_t fill, size_t n)
{
	uint8_t der[DER_LEN];

	assert_true(n <= sizeof(der));
	memset(der, fill, sizeof(der));
	cbor_put_array(out, 3);
	cbor_put_text(out, span_str(name));
	cbor_put_bytes(out, span_of(der, n));
	cbor_put_uint(out, 0);
}

static void
fill_csr(
    struct loose_csr *csr, const char *name, uint8_t der[DER_LEN], int fill)
{
	memset(der, fill, DER_LEN);
	csr->name = span_str(name);
	csr->der = span_of(der, DER_LEN);
	assert_int_equal(sha256(csr->der, csr->digest), RC_OK);
}

static void
set_is_sorted_and_has_none_twice(void **state)
{
	struct loose_csr items[4];
	uint8_t ders[4][DER_LEN];
	struct loose set = { .items = items, .n = 4 };
	WIPED(loose) got = { 0 };
	WIPED(buf) bytes = { 0 };

	(void)state;
	fill_csr(&items[0], "a.csr", ders[0], 1);
	fill_csr(&items[1], "b.csr", ders[1], 2);
	fill_csr(&items[2], "c.csr", ders[2], 3);
	fill_csr(&items[3], "d.csr", ders[3], 2); /* b again */
	assert_int_equal(loose_write(&set, &bytes), RC_OK);
	assert_int_equal(loose_read(buf_span(&bytes), &got), RC_OK);
	assert_int_equal(got.n, 3);
	for (size_t i = 0; i < got.n; i++) {
		bool twin = span_eq_str(got.items[i].name, "b.csr");

		assert_int_equal(got.items[i].twins, twin ? 1 : 0);
		assert_false(span_eq_str(got.items[i].name, "d.csr"));
	}
	for (size_t i = 1; i < got.n; i++)
		assert_true(memcmp(got.items[i - 1].digest, got.items[i].digest,
				SHA256_LEN) < 0);
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.items[i].der.n, DER_LEN);
}

static void
requests_bear_the_digits_of_their_digest(void **state)
{
	struct loose_csr items[1];
	uint8_t der[DER_LEN];
	const struct name name = { NAME_DNS, span_str("a.example.org") };
	struct loose_asked asked = { .profile = span_str("p") };
	struct loose set = { .items = items, .n = 1 };
	struct cert_request *requests = NULL;
	WIPED(loose) got = { 0 };
	WIPED(buf) bytes = { 0 };
	WIPED(bundle) named = { .n_requests = 1 };
	char hex[SHA256_HEX];

	(void)state;
	fill_csr(&items[0], "a.csr", der, 1);
	hex_write(span_of(items[0].digest, SHA256_LEN), hex);
	hex[16] = '\0';
	assert_int_equal(loose_write(&set, &bytes), RC_OK);
	assert_int_equal(loose_read(buf_span(&bytes), &got), RC_OK);
	assert_int_equal(loose_requests(&got, &asked, &requests), RC_OK);
	assert_true(span_eq_str(requests[0].id, hex));
	assert_true(span_eq(requests[0].csr, got.items[0].der));
	assert_int_equal(requests[0].validity.count, 1);
	assert_true(span_eq_str(requests[0].profile, "p"));
	assert_null(requests[0].names);
	free(requests);
	asked.names = &name;
	asked.n_names = 1;
	assert_int_equal(loose_requests(&got, &asked, &named.requests), RC_OK);
	assert_int_equal(named.requests[0].n_names, 1);
	assert_true(
	    span_eq_str(named.requests[0].names[0].text, "a.example.org"));
}

static void
digest_of_a_set_ignores_names(void **state)
{
	struct loose_csr items[2];
	uint8_t ders[2][DER_LEN], one[SHA256_LEN], other[SHA256_LEN];
	const struct loose set = { .items = items, .n = 2 };

	(void)state;
	fill_csr(&items[0], "a.csr", ders[0], 1);
	fill_csr(&items[1], "b.csr", ders[1], 2);
	assert_int_equal(loose_digest(&set, one), RC_OK);
	items[0].name = span_str("z.pem");
	assert_int_equal(loose_digest(&set, other), RC_OK);
	assert_memory_equal(one, other, SHA256_LEN);
	items[0].digest[0] ^= 1;
	assert_int_equal(loose_digest(&set, other), RC_OK);
	assert_memory_not_equal(one, other, SHA256_LEN);
}

static void
refuse(const struct buf *bytes, const char *part)
{
	struct loose set = { 0 };

	assert_int_equal(loose_read(buf_span(bytes), &set), RC_FORMAT);
	assert_string_equal(rule_name(rule_spoken()), "READER");
	if (strstr(err_text(), part) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err_text(), part);
	assert_null(set.items);
}

/* Two entries as told, the second of `n` bytes. */
static void
refuse_two(
    const char *name, uint8_t first, uint8_t second, size_t n, const char *part)
{
	WIPED(buf) bytes = { 0 };
	struct cbor_out out;

	cbor_out_init(&out, &bytes);
	cbor_put_array(&out, 2);
	put(&out, name, first, DER_LEN);
	put(&out, "b.csr", second, n);
	assert_int_equal(cbor_out_end(&out), RC_OK);
	refuse(&bytes, part);
}

static void
set_in_bad_form_is_refused(void **state)
{
	struct buf none = { 0 };
	WIPED(buf) empty = { 0 };

	(void)state;
	refuse(&none, "loose CSRs");
	assert_int_equal(buf_add_byte(&empty, 0x80), RC_OK);
	refuse(&empty, "loose CSRs");
	refuse_two("a.csr", 1, 1, DER_LEN, "not a sorted set");
	refuse_two("../a", 1, 2, DER_LEN, "name");
	refuse_two("a.csr", 1, 2, DER_LEN - 1, "CSR");
}

static void
set_out_of_order_is_refused(void **state)
{
	uint8_t one[SHA256_LEN], two[SHA256_LEN], der[2][DER_LEN];
	bool rising;

	(void)state;
	memset(der[0], 1, DER_LEN);
	memset(der[1], 2, DER_LEN);
	assert_int_equal(sha256(span_of(der[0], DER_LEN), one), RC_OK);
	assert_int_equal(sha256(span_of(der[1], DER_LEN), two), RC_OK);
	rising = memcmp(one, two, SHA256_LEN) < 0;
	refuse_two("a.csr", rising ? 2 : 1, rising ? 1 : 2, DER_LEN,
	    "not a sorted set");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_is_sorted_and_has_none_twice),
		cmocka_unit_test(requests_bear_the_digits_of_their_digest),
		cmocka_unit_test(digest_of_a_set_ignores_names),
		cmocka_unit_test(set_in_bad_form_is_refused),
		cmocka_unit_test(set_out_of_order_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
