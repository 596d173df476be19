/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/deploy/posh.h"

#include "tests/lib/check.h"

#include <stdlib.h>

#define NOW INT64_C(1800000000)

/* Slots of a month with a week of overlap; the DER is any bytes. */
static void
series_make(struct holding *h, size_t n)
{
	h->n = n;
	h->items = calloc(n, sizeof(*h->items));
	assert_non_null(h->items);
	for (size_t i = 0; i < n; i++) {
		struct held *one = &h->items[i];

		one->not_before = NOW + (int64_t)i * 31 * DAY;
		one->not_after = one->not_before + 38 * DAY - 1;
		check_ok(buf_printf(&one->der, "certificate %zu", i));
	}
}

static void
listed_are(const struct holding *h, int64_t at, const char *which)
{
	char found[8] = "";

	for (size_t i = 0; i < h->n; i++)
		if (posh_is_listed(h, i, at))
			found[strlen(found)] = (char)('0' + i);
	if (strcmp(found, which) != 0)
		fail_msg("at %+lld: %s, wanted %s", (long long)(at - NOW),
		    found, which);
}

static void
what_is_valid_and_the_next_are_listed(void **state)
{
	WIPED(holding) h = { 0 };

	(void)state;
	series_make(&h, 4);
	listed_are(&h, NOW - 1, "0");
	listed_are(&h, NOW, "01");
	listed_are(&h, NOW + 31 * DAY - 1, "01");
	listed_are(&h, NOW + 31 * DAY, "012");
	listed_are(&h, NOW + 38 * DAY - 1, "012");
	listed_are(&h, NOW + 38 * DAY, "12");
	listed_are(&h, NOW + 93 * DAY, "23");
	listed_are(&h, NOW + 100 * DAY, "3");
	listed_are(&h, NOW + 131 * DAY, "");
	h.items[1].revoked = true;
	listed_are(&h, NOW, "02");
}

/* Whatever day it is fetched on, and however long it is kept. */
static void
whatever_is_due_while_it_is_kept_is_listed(void **state)
{
	WIPED(holding) h = { 0 };

	(void)state;
	series_make(&h, 6);
	for (int64_t at = NOW; at < NOW + 5 * 31 * DAY; at += 1800) {
		int64_t keep = posh_expires(&h, at);

		for (int64_t after = 0; after <= keep; after += keep) {
			const struct held *due =
			    held_due_get0(&h, NULL, at + after);
			size_t place = (size_t)(due - h.items);

			assert_true(posh_is_listed(&h, place, at));
		}
	}
}

static void
it_is_kept_for_less_than_the_overlap(void **state)
{
	WIPED(holding) h = { 0 };

	(void)state;
	series_make(&h, 3);
	assert_int_equal(posh_expires(&h, NOW), DAY);
	h.items[0].not_after = h.items[1].not_before + DAY;
	assert_int_equal(posh_expires(&h, NOW), DAY);
	h.items[0].not_after = h.items[1].not_before + DAY - 1;
	assert_int_equal(posh_expires(&h, NOW), DAY - 1);
	h.items[0].not_after = h.items[1].not_before + 7199;
	assert_int_equal(posh_expires(&h, NOW), 7199);
	h.items[0].not_after = h.items[1].not_before - 1; /* no overlap */
	assert_int_equal(posh_expires(&h, NOW), 3600);
	assert_int_equal(posh_expires(&h, NOW + 98 * DAY), 3600); /* the last */
}

/* printf 'certificate 0' | openssl dgst -sha256 -binary | base64 */
static void
the_document_is_that_of_rfc_7711(void **state)
{
	WIPED(holding) h = { 0 };
	WIPED(buf) out = { 0 };

	(void)state;
	series_make(&h, 3);
	check_ok(posh_write(&h, NOW, &out));
	assert_string_equal(buf_cstr(&out),
	    "{\"fingerprints\":["
	    "{\"sha-256\":\"9NDZrvjsmiafDcRsnrGZvDxl8fwLVa+UY7Kdh0XQi6o=\"},"
	    "{\"sha-256\":\"y6HBYDXspXButOCvIsmblMHyt2J4SXqo6T8tC6ipYiM=\"}],"
	    "\"expires\":86400}\n");
	buf_reset(&out);
	h.name = strdup("dns:a.example");
	assert_int_equal(posh_write(&h, NOW + 200 * DAY, &out), RC_STATE);
	assert_string_equal(
	    err_text(), "dns:a.example: no certificate is valid now or later");
	assert_int_equal(out.n, 0);
}

static void
hosts_are(const char *names, const char *wanted)
{
	WIPED(buf) hosts = { 0 };

	check_ok(tlsa_hosts(span_str(names), &hosts));
	if (!span_eq_str(buf_span(&hosts), wanted))
		fail_msg("%s: %.*s", names, SPAN_FMT(buf_span(&hosts)));
}

static void
hosts_are_told_from_domains_by_their_services(void **state)
{
	(void)state;
	hosts_are("dns:a.example\nsrv:_xmpp-client.a.example\n"
		  "srv:_xmpp-server.a.example\ndns:chat.example",
	    "chat.example\n");
	hosts_are("dns:a.example\nsrv:_xmpp-client.a.example", "a.example\n");
	hosts_are("dns:a.example\ndns:*.a.example\ndns:b.example",
	    "a.example\nb.example\n");
	hosts_are("xmpp:a@b.example", "");
	hosts_are("", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_valid_and_the_next_are_listed),
		cmocka_unit_test(whatever_is_due_while_it_is_kept_is_listed),
		cmocka_unit_test(it_is_kept_for_less_than_the_overlap),
		cmocka_unit_test(the_document_is_that_of_rfc_7711),
		cmocka_unit_test(hosts_are_told_from_domains_by_their_services),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
