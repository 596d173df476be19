/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the requests of a bundle that is closed, and of its serials.
 * The judge and the response are driven by tests/e2e/38-abandon.t. */
#include "tests/lib/ledger_fixture.h"

#include "ca/lifecycle/abandon.h"

#define POLICY_REAL \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = none\nnames = dns\n" \
	"key-types = ec-p256\nkeyUsage = critical, digitalSignature\n" \
	"extendedKeyUsage = serverAuth\nvalidity = 31d\n" \
	"validity-max = 100d\nseries-max = 12\nhorizon = 800d\n"

static void
begin(struct ledger *l, int64_t now)
{
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, now, span_str(POLICY_REAL)));
}

/* A bundle of four requests: signed whole after a serial that is void; a series
 * of two of which one is signed; never begun; refused. */
static struct ledger *
open_with_half(void **state, struct ledger_bundle *record)
{
	struct intent done[3], half;
	struct ledger *l = NULL;
	WIPED(buf) der = { 0 };

	check_ok(ledger_create(path_of(state), &l));
	begin(l, T0);
	requester_add(l, "web", 0x21);
	*record = bundle_make(0x31, 0x21, 1);
	check_ok(ledger_bundle_add(l, record));
	check_ok(ledger_refusal_add(
	    l, record->n, 3, span_str("r3"), "NAME-SCOPE", "out of scope"));
	done[0] = intent_make(record, 0, 0x41);
	done[1] = intent_make(record, 0, 0x42);
	done[2] = intent_make(record, 1, 0x43);
	half = intent_make(record, 1, 0x44);
	half.slot = 1;
	for (size_t i = 0; i < 3; i++)
		check_ok(ledger_intent_add(l, &done[i]));
	check_ok(ledger_void_add(l, &done[0], "interrupted"));
	for (size_t i = 1; i < 3; i++) {
		buf_reset(&der);
		cert_make((uint8_t)(0x41 + i), &der);
		check_ok(ledger_result_add(l, &done[i], buf_span(&der)));
	}
	check_ok(ledger_intent_add(l, &half));
	check_ok(ledger_commit(l));
	return l;
}

static struct cert_request four[4];

static struct bundle
bundle_of(size_t n)
{
	struct bundle b = { .requests = four, .n_requests = n };

	for (size_t i = 0; i < 4; i++)
		four[i].validity.count = i == 1 ? 2 : 1;
	return b;
}

static void
only_what_was_signed_whole_is_delivered(void **state)
{
	struct ledger_bundle record;
	OWNS(ledger) *l = open_with_half(state, &record);
	const struct bundle b = bundle_of(4);
	WIPED(abandon) a = { 0 };

	check_ok(abandon_read(l, &record, &b, &a));
	assert_int_equal(a.requests[0].fate, FATE_DELIVERED);
	assert_int_equal(a.requests[1].fate, FATE_PART);
	assert_int_equal(a.requests[1].n_signed, 1);
	assert_int_equal(a.requests[2].fate, FATE_PART);
	assert_int_equal(a.requests[3].fate, FATE_REFUSED);
	assert_int_equal(a.n_fate[FATE_DELIVERED], 1);
	assert_int_equal(a.n_fate[FATE_PART], 2);
	assert_int_equal(a.n_fate[FATE_REFUSED], 1);
	assert_int_equal(a.n_certs, 3); /* the void one is none */
	assert_int_equal(a.n_signed, 2);
}

static void
bundle_with_fewer_requests_is_another(void **state)
{
	struct ledger_bundle record;
	OWNS(ledger) *l = open_with_half(state, &record);
	const struct bundle b = bundle_of(3);
	WIPED(abandon) a = { 0 };

	assert_int_equal(abandon_read(l, &record, &b, &a), RC_STATE);
	assert_non_null(strstr(err_text(), "request 4"));
}

static enum rc
note_cert(const struct ledger_cert *cert, void *arg)
{
	char *to = arg;

	to[strlen(to)] = cert->is_void ? 'V' : cert->der.n != 0 ? 'C' : '-';
	return RC_OK;
}

static void
lost_bundle_is_closed_and_keeps_what_was_signed(void **state)
{
	struct ledger_bundle record, found;
	OWNS(ledger) *l = open_with_half(state, &record);
	WIPED(abandon) a = { 0 };
	struct ledger_totals t;
	char certs[16] = "";
	bool known = false;

	check_ok(ledger_certs_each(l, note_cert, certs));
	assert_string_equal(certs, "VCC-");
	check_ok(abandon_read(l, &record, NULL, &a));
	assert_int_equal(a.n_requests, 0);
	assert_int_equal(a.n_signed, 2);
	check_ok(abandon_close(l, T0 + 1, span_str(POLICY_REAL), &a));
	memset(certs, 0, sizeof(certs));
	check_ok(ledger_certs_each(l, note_cert, certs));
	assert_string_equal(certs, "VCCV");
	check_ok(ledger_bundle_get(l, record.id, &found, &known));
	assert_true(known && found.closed != 0 && found.answered == 0);
	check_ok(ledger_verify(l, NULL, 0, &t));

	/* A second time nothing is written. */
	assert_int_equal(
	    abandon_close(l, T0 + 2, span_str(POLICY_REAL), &a), RC_STATE);
	check_ok(ledger_verify(l, NULL, 0, &t));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(only_what_was_signed_whole_is_delivered),
		T(bundle_with_fewer_requests_is_another),
		T(lost_bundle_is_closed_and_keeps_what_was_signed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
