/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/ledger_fixture.h"

static struct ledger *
open_with_bundle(void **state, struct ledger_bundle *b)
{
	struct ledger *l = NULL;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 1);
	requester_add(l, "web", 0x21);
	*b = bundle_make(0x31, 0x21, 3);
	check_ok(ledger_bundle_add(l, b));
	return l;
}

static void
bundle_is_open_until_it_is_answered(void **state)
{
	struct ledger_bundle b, found;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct ledger_bundle *open = NULL;
	uint8_t other[BUNDLE_ID_LEN] = { 0 };
	size_t n = 0;
	bool known = false;

	check_ok(ledger_bundles_open(l, &open, &n));
	assert_int_equal(n, 1);
	assert_memory_equal(open[0].id, b.id, BUNDLE_ID_LEN);
	assert_int_equal(open[0].at, T0 + 1);
	free(open);
	manifest_add(l, &b, 1);
	check_ok(ledger_bundles_open(l, &open, &n));
	assert_int_equal(n, 0);
	free(open);
	check_ok(ledger_bundle_get(l, b.requester, b.id, &found, &known));
	assert_true(known);
	assert_int_equal(found.answered, 1);
	assert_int_equal(found.n, b.n);
	check_ok(ledger_bundle_get(l, b.requester, other, &found, &known));
	assert_false(known);
}

static void
bundle_sequence_only_rises(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);

	b = bundle_make(0x32, 0x21, 3);
	assert_int_equal(ledger_bundle_add(l, &b), RC_STATE);
	assert_non_null(strstr(err_text(), "its sequence not above the last"));
	assert_int_equal(ledger_commit(l), RC_BUG);
}

static void
bundle_id_is_taken_once(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);

	b = bundle_make(0x31, 0x21, 4);
	assert_int_equal(ledger_bundle_add(l, &b), RC_STATE);
	assert_non_null(strstr(err_text(), "its requester used its id before"));
}

static void
serial_is_never_taken_twice(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);
	struct intent again = intent_make(&b, 1, 0x41);
	struct intent of_ca = intent_make(&b, 1, 0x12);
	struct intent fresh = intent_make(&b, 1, 0x42);
	struct ledger_totals t;

	check_ok(ledger_intent_add(l, &one));
	assert_int_equal(ledger_intent_add(l, &again), RC_STATE);
	assert_non_null(
	    strstr(err_text(), "its serial is in the ledger already"));
	/* The transfer certificate's. */
	assert_int_equal(ledger_intent_add(l, &of_ca), RC_STATE);
	/* And the transaction goes on with another one. */
	check_ok(ledger_intent_add(l, &fresh));
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &t));
}

static void
intent_has_one_outcome(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);
	WIPED(buf) der = { 0 };

	cert_make(0x41, &der);
	check_ok(ledger_intent_add(l, &one));
	check_ok(ledger_result_add(l, &one, buf_span(&der)));
	assert_int_equal(ledger_result_add(l, &one, buf_span(&der)), RC_STATE);
	assert_non_null(strstr(err_text(), "no such intent without a result"));
}

static void
signed_certificate_is_void_only_before_it_leaves(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);
	struct intent two = intent_make(&b, 1, 0x42);
	WIPED(ledger_cert) cert = { 0 };
	WIPED(buf) der = { 0 };
	WIPED(buf) got = { 0 };
	struct ledger_totals t;
	bool known = false;

	cert_make(0x41, &der);
	check_ok(ledger_intent_add(l, &one));
	check_ok(ledger_intent_add(l, &two));
	check_ok(ledger_cert_der(l, span_of(one.serial, 16), &got, &known));
	assert_true(!known && got.n == 0);
	check_ok(ledger_result_add(l, &one, buf_span(&der)));
	check_ok(ledger_result_add(l, &two, buf_span(&der)));
	check_ok(ledger_void_add(l, &one, "given up"));
	check_ok(ledger_cert_get(l, span_of(one.serial, 16), &cert, &known));
	assert_true(known && cert.is_void && cert.der.n == 0);
	check_ok(ledger_cert_der(l, span_of(two.serial, 16), &got, &known));
	assert_true(known && span_eq(buf_span(&got), buf_span(&der)));
	check_ok(ledger_cert_der(l, span_of(one.serial, 16), &got, &known));
	assert_true(!known && got.n == 0);
	manifest_add(l, &b, 1);
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &t));
	check_ok(ledger_begin(l));
	stamp(l, T0 + 2);
	assert_int_equal(ledger_void_add(l, &one, "again"), RC_STATE);
	assert_int_equal(ledger_void_add(l, &two, "no"), RC_STATE);
	assert_non_null(strstr(err_text(), "may have left"));
}

static void
abandoned_bundle_is_closed_for_good(void **state)
{
	struct ledger_bundle b, found;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);
	struct ledger_bundle *open = NULL;
	struct ledger_totals t;
	size_t n = 9;
	bool known = false;

	check_ok(ledger_abandon_add(l, b.n));
	check_ok(ledger_bundles_open(l, &open, &n));
	assert_int_equal(n, 0);
	free(open);
	check_ok(ledger_bundle_get(l, b.requester, b.id, &found, &known));
	assert_true(known);
	assert_int_equal(found.answered, 0);
	assert_int_equal(found.closed, b.n + 1);
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &t));
	check_ok(ledger_begin(l));
	stamp(l, T0 + 2);
	assert_int_equal(ledger_intent_add(l, &one), RC_STATE);
	assert_int_equal(ledger_abandon_add(l, b.n), RC_STATE);
	assert_non_null(strstr(err_text(), "no such open bundle"));
	assert_int_equal(ledger_abandon_add(l, 1), RC_STATE);
}

static void
response_is_pending_until_it_arrived_or_was_checked(void **state)
{
	struct ledger_bundle b, none = { 0 };
	OWNS(ledger) *l = open_with_bundle(state, &b);
	uint32_t *pending = NULL;
	struct ledger_totals t;
	size_t n = 0;

	memcpy(none.requester, b.requester, SHA256_LEN);
	for (uint32_t i = 1; i <= 4; i++)
		manifest_add(l, i == 1 ? &b : &none, i);
	check_ok(ledger_checked_add(l, b.requester, 3));
	assert_int_equal(ledger_checked_add(l, b.requester, 3), RC_STATE);
	assert_non_null(strstr(err_text(), "it was checked before"));
	assert_int_equal(ledger_checked_add(l, b.requester, 5), RC_STATE);
	check_ok(ledger_manifests_pending(l, b.requester, 1, &pending, &n));
	assert_int_equal(n, 2);
	assert_int_equal(pending[0], 2);
	assert_int_equal(pending[1], 4);
	free(pending);
	check_ok(ledger_manifests_pending(l, b.requester, 4, &pending, &n));
	assert_int_equal(n, 0);
	free(pending);
	ledger_rollback(l);
	check_ok(ledger_verify(l, NULL, 0, &t));
}

static void
void_intent_gets_no_result(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);
	WIPED(buf) der = { 0 };

	cert_make(0x41, &der);
	check_ok(ledger_intent_add(l, &one));
	check_ok(ledger_void_add(l, &one, "interrupted"));
	assert_int_equal(ledger_result_add(l, &one, buf_span(&der)), RC_STATE);
}

static void
intent_wants_an_open_bundle(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);

	manifest_add(l, &b, 1);
	assert_int_equal(ledger_intent_add(l, &one), RC_STATE);
	assert_non_null(strstr(err_text(), "no such open bundle"));
	one.bundle = 1;
	assert_int_equal(ledger_intent_add(l, &one), RC_STATE);
}

static void
intent_says_profile_and_request(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct intent one = intent_make(&b, 0, 0x41);

	*one.profile = '\0';
	assert_int_equal(ledger_intent_add(l, &one), RC_BUG);
	assert_non_null(strstr(err_text(), "intent record: profile 0"));
}

static void
channel_has_no_gap(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	WIPED(ledger_manifest) m = { .sequence = 2, .bundle = b.n };

	memcpy(m.channel, b.requester, SHA256_LEN);
	check_ok(buf_add_str(&m.file, "x"));
	assert_int_equal(ledger_manifest_add(l, &m), RC_STATE);
	assert_non_null(strstr(err_text(), "it does not continue its channel"));
}

static void
manifest_comes_back_byte_for_byte(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	WIPED(ledger_manifest) m = { 0 };
	WIPED(ledger_manifest) none = { 0 };
	uint8_t digest[SHA256_LEN];
	bool known = false;

	manifest_add(l, &b, 1);
	b = bundle_make(0x32, 0x21, 4);
	check_ok(ledger_bundle_add(l, &b));
	manifest_add(l, &b, 2);
	check_ok(ledger_manifest_get(l, b.requester, 0, &m, &known));
	assert_true(known);
	assert_int_equal(m.sequence, 2);
	assert_int_equal(m.bundle, b.n);
	assert_true(span_eq_str(buf_span(&m.file), "manifest 2"));
	check_ok(sha256(span_str("manifest 2"), digest));
	assert_memory_equal(m.digest, digest, SHA256_LEN);
	ledger_manifest_wipe(&m);
	check_ok(ledger_manifest_get(l, b.requester, 1, &m, &known));
	assert_true(known && span_eq_str(buf_span(&m.file), "manifest 1"));
	check_ok(ledger_manifest_get(l, b.requester, 3, &none, &known));
	assert_false(known);
}

/* Loose requests are in no channel, but their manifests are counted. */
static void
loose_requests_have_no_requester(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_bundle b = { .id = { 1 }, .digest = { 1 } };
	struct ledger_totals t;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 1);
	check_ok(ledger_bundle_add(l, &b));
	manifest_add(l, &b, 1);
	check_ok(ledger_commit(l));
	check_ok(ledger_verify(l, NULL, 0, &t));
}

static enum rc
act_note(const struct bundle_act *act, void *arg)
{
	char *to = arg;
	static const char letters[] = { [RECORD_INTENT] = 'I',
		[RECORD_RESULT] = 'R',
		[RECORD_VOID] = 'V',
		[RECORD_REFUSAL] = 'X' };
	size_t n = strlen(to);

	to[n] = letters[act->kind];
	to[n + 1] = (char)('0' + act->request);
	if (act->kind == RECORD_RESULT)
		assert_true(act->der.n > 100);
	if (act->kind == RECORD_REFUSAL)
		assert_true(span_eq_str(act->rule, "NAME-SCOPE"));
	return RC_OK;
}

static void
acts_of_a_bundle_stand_in_order(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_bundle *b = NULL;
	char acts[64] = "";
	uint8_t id[BUNDLE_ID_LEN];
	size_t n = 0;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	memset(id, 0x31, sizeof(id));
	check_ok(ledger_bundles_of_id(l, id, &b, &n));
	assert_int_equal(n, 1);
	check_ok(ledger_bundle_each(l, b, act_note, acts));
	free(b);
	assert_string_equal(acts, "X2I0I1R0V1I1R1");
	memset(id, 0x32, sizeof(id));
	*acts = '\0';
	memset(acts, 0, sizeof(acts));
	check_ok(ledger_bundles_of_id(l, id, &b, &n));
	assert_int_equal(n, 1);
	check_ok(ledger_bundle_each(l, b, act_note, acts));
	free(b);
	assert_string_equal(acts, "I0");
}

static enum rc
cert_note(const struct ledger_cert *cert, void *arg)
{
	char *to = arg;

	to[strlen(to)] = cert->is_void ? 'V' : cert->der.n != 0 ? 'C' : '-';
	return RC_OK;
}

static void
certificates_are_found_by_serial(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(ledger_cert) cert = { 0 };
	WIPED(ledger_cert) transfer = { 0 };
	WIPED(buf) der = { 0 };
	uint8_t serial[16];
	char all[16] = "";
	bool known = false;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	check_ok(ledger_certs_each(l, cert_note, all));
	assert_string_equal(all, "CVC-V");
	memset(serial, 0x43, sizeof(serial));
	check_ok(ledger_cert_get(l, span_of(serial, 16), &cert, &known));
	assert_true(known);
	cert_make(0x43, &der);
	assert_true(span_eq(buf_span(&cert.der), buf_span(&der)));
	assert_string_equal(cert.intent.request_id, "r1");
	assert_string_equal(cert.intent.profile, "tls-server");
	assert_int_equal(cert.intent.n, 11);
	assert_int_equal(cert.outcome, 12);

	/* The CA's own, and one that nobody has. */
	memset(serial, 0x12, sizeof(serial));
	check_ok(ledger_cert_get(l, span_of(serial, 16), &transfer, &known));
	buf_reset(&der);
	cert_make(0x12, &der);
	assert_true(known && span_eq(buf_span(&transfer.der), buf_span(&der)));
	assert_int_equal(transfer.intent.bundle, 0);
	memset(serial, 0x99, sizeof(serial));
	check_ok(ledger_cert_get(l, span_of(serial, 16), &cert, &known));
	assert_false(known);
}

static enum rc
key_note(const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	char *to = arg;

	assert_int_equal(serial.n, 16);
	(void)snprintf(to + strlen(to), 8, "%02x%02x ", key_id[0], serial.p[0]);
	return RC_OK;
}

static void
keys_are_those_of_certificates_that_count(void **state)
{
	OWNS(ledger) *l = NULL;
	char all[64] = "", before[64] = "";

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l); /* a void intent, an open one, an abandoned result */
	check_ok(ledger_keys_each(l, NULL, 0, key_note, all));
	assert_string_equal(all, "4141 4343 4444 "); /* 4444 is open */
	check_ok(ledger_keys_each(
	    l, NULL, 12, key_note, before)); /* 4343's result */
	assert_string_equal(before, "4141 ");
	memset(all, 0, sizeof(all));
	check_ok(ledger_keys_each(l, NULL, 13, key_note, all));
	assert_string_equal(all, "4141 4343 ");
}

static int
record_read_note(unsigned what, void *n, void *st, void *ns)
{
	(void)what;
	(void)ns;
	*(int *)n += strstr(sqlite3_sql(st), "FROM record WHERE n") != NULL;
	return 0;
}

/* How many records are read for the one key that begins with this byte. */
static int
records_read_for(struct ledger *l, uint8_t key, const char *wanted)
{
	WIPED(digest_set) keys = { 0 };
	uint8_t key_id[SHA256_LEN];
	char found[64] = "";
	bool is_new;
	int n = 0;

	memset(key_id, key, sizeof(key_id));
	check_ok(digest_set_add(&keys, key_id, 0, &is_new));
	assert_int_equal(sqlite3_trace_v2(l->db.sql, SQLITE_TRACE_STMT,
			     record_read_note, &n),
	    SQLITE_OK);
	check_ok(ledger_keys_each(l, &keys, 0, key_note, found));
	assert_string_equal(found, wanted);
	(void)sqlite3_trace_v2(l->db.sql, 0, NULL, NULL);
	return n;
}

static void
only_intents_that_may_have_the_key_are_read(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_totals totals;

	check_ok(ledger_create(path_of(state), &l));
	story_tell(l);
	assert_int_equal(records_read_for(l, 0x43, "4343 "), 1);
	assert_int_equal(records_read_for(l, 0x99, ""), 0);
	/* rows of before this column was, and one that lies */
	assert_int_equal(
	    sqlite3_exec(l->db.sql, "UPDATE certificate SET key_begin = NULL",
		NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(records_read_for(l, 0x43, "4343 "), 3);
	check_ok(ledger_verify(l, NULL, 0, &totals));
	assert_int_equal(
	    sqlite3_exec(l->db.sql, "UPDATE certificate SET key_begin = 1",
		NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(ledger_verify(l, NULL, 0, &totals), RC_STATE);
	assert_non_null(strstr(err_text(), "table certificate"));
}

static void
removed_requester_is_unknown_and_goes_on(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	WIPED(requester) q = { 0 };
	uint8_t id[SHA256_LEN];
	bool known = true;

	check_ok(ledger_remove_add(l, b.requester));
	check_ok(ledger_requester_get(l, b.requester, &q, &known));
	assert_false(known);
	check_ok(ledger_label_get(l, span_str("web"), id, &known));
	assert_false(known);
	requester_add(l, "again", 0x21);
	check_ok(ledger_requester_get(l, b.requester, &q, &known));
	assert_true(known);
	assert_string_equal(q.label, "again");
	assert_int_equal(q.last_bundle, 3);
	assert_int_equal(q.spki.n, 44);
}

static void
label_belongs_to_one_key(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	uint8_t spki[44];

	assert_int_equal(
	    ledger_enrol_add(l, span_str("web"), spki_of(0x22, spki)),
	    RC_STATE);
	assert_non_null(strstr(err_text(), "its key or its label is in use"));
}

static void
requesters_are_listed_by_label(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);
	struct requester *list = NULL;
	size_t n = 0;

	requester_add(l, "mail", 0x22);
	check_ok(ledger_requesters(l, &list, &n));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].label, "mail");
	assert_string_equal(list[1].label, "web");
	requesters_free(list, n);
}

static void
arrival_wants_something_under_way(void **state)
{
	struct ledger_bundle b;
	OWNS(ledger) *l = open_with_bundle(state, &b);

	manifest_add(l, &b, 1);
	check_ok(ledger_arrived_add(l, b.requester, 1));
	assert_int_equal(ledger_arrived_add(l, b.requester, 2), RC_STATE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(bundle_is_open_until_it_is_answered),
		T(bundle_sequence_only_rises),
		T(bundle_id_is_taken_once),
		T(serial_is_never_taken_twice),
		T(intent_has_one_outcome),
		T(signed_certificate_is_void_only_before_it_leaves),
		T(abandoned_bundle_is_closed_for_good),
		T(response_is_pending_until_it_arrived_or_was_checked),
		T(void_intent_gets_no_result),
		T(intent_wants_an_open_bundle),
		T(intent_says_profile_and_request),
		T(channel_has_no_gap),
		T(manifest_comes_back_byte_for_byte),
		T(loose_requests_have_no_requester),
		T(acts_of_a_bundle_stand_in_order),
		T(certificates_are_found_by_serial),
		T(keys_are_those_of_certificates_that_count),
		T(only_intents_that_may_have_the_key_are_read),
		T(removed_requester_is_unknown_and_goes_on),
		T(label_belongs_to_one_key),
		T(requesters_are_listed_by_label),
		T(arrival_wants_something_under_way),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
