/* SPDX-License-Identifier: Apache-2.0 */
/* What a lost part of the ledger had comes back, and the rest goes on from it.
 */
#include "base/clock.h"
#include "ca/ledger/crl_seen.h"
#include "ca/ledger/ledger_crl.h"
#include "ca/ledger/revocation.h"
#include "tests/lib/ledger_fixture.h"
#include "transfer/x509/tbs.h"

#include "transfer/format/cose.h"

/* A certificate with the mark as serial, 16 bytes of it, and with an extension,
 * as every one of ours has. */
static void
leaf_make(uint8_t mark, struct buf *ret_der)
{
	WIPED(buf) plain = { 0 };
	uint8_t seed[32];
	const uint8_t *p;
	OWN(EVP_PKEY) *key = NULL;
	OWN(X509) *x = NULL;
	OWN(X509_EXTENSION) *ext = NULL;
	OWN(ssl_bytes) *der = NULL;
	int n;

	cert_make(mark, &plain);
	p = plain.p;
	x = d2i_X509(NULL, &p, (long)plain.n);
	ext =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "digitalSignature");
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	memset(seed, mark, sizeof(seed));
	key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	assert_true(X509_sign(x, key, NULL) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	check_ok(buf_add(ret_der, der, (size_t)n));
}

/* A manifest as the lost part would have had it. */
struct lost {
	struct buf file, der;
	struct ledger_import import;
	struct ledger_head over;
};

static void
lost_wipe(struct lost *lost)
{
	buf_wipe(&lost->file);
	buf_wipe(&lost->der);
}

static void
lost_sign(struct lost *lost, const struct manifest *m)
{
	WIPED(buf) payload = { 0 };
	WIPED(buf) cert = { 0 };
	uint8_t seed[32];
	OWN(EVP_PKEY) *key = NULL;

	memset(seed, 0x12, sizeof(seed));
	key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	leaf_make(0x12, &cert);
	check_ok(manifest_write(m, &payload));
	check_ok(cose_sign(COSE_MANIFEST, key, buf_span(&cert),
	    buf_span(&payload), &lost->file));
}

/* Number `sequence` of requester 0x21, made over `count` records, with one
 * certificate with serial `mark`, in answer to the bundle with that id. */
static void
lost_make(uint32_t sequence, uint64_t count, uint8_t mark, struct lost *ret)
{
	uint8_t serial[16];
	struct cert_entry entry = { .serial = span_of(serial, sizeof(serial)),
		.file = span_str("0001-r0.pem"),
		.not_before = T0,
		.not_after = T0 + 2678399 };
	struct result result = {
		.id = span_str("r0"), .certs = &entry, .n_certs = 1
	};
	struct manifest m = { .sequence = sequence,
		.has_previous = sequence > 1,
		.has_bundle = true,
		.signed_at = T0,
		.results = &result,
		.n_results = 1,
		.has_requester = true };
	struct ledger_bundle b = bundle_make(mark, 0x21, sequence);

	memset(serial, mark, sizeof(serial));
	leaf_make(mark, &ret->der);
	check_ok(sha256(buf_span(&ret->der), entry.digest));
	memcpy(m.requester, b.requester, SHA256_LEN);
	memcpy(m.bundle_id, b.id, sizeof(b.id));
	memcpy(m.bundle_digest, b.digest, sizeof(b.digest));
	m.ledger.count = count;
	memset(m.ledger.hash, mark, SHA256_LEN);
	memset(m.policy, 0x77, SHA256_LEN);
	ret->over = m.ledger;
	lost_sign(ret, &m);
	ret->import = (struct ledger_import){ .sequence = sequence,
		.has_bundle = true,
		.bundle_sequence = sequence,
		.count = count,
		.file = buf_span(&ret->file) };
	memcpy(ret->import.channel, m.requester, SHA256_LEN);
	memcpy(ret->import.bundle_id, b.id, sizeof(b.id));
	memcpy(ret->import.bundle_digest, b.digest, sizeof(b.digest));
}

static struct ledger_regained
regained_of(const struct lost *lost)
{
	return (struct ledger_regained){ .request_id = span_str("r0"),
		.profile = span_str("tls-server"),
		.der = buf_span(&lost->der) };
}

/* Import and certificate in one transaction. */
static enum rc
import(struct ledger *l, struct lost *lost)
{
	struct ledger_regained regained = regained_of(lost);
	enum rc rc;

	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	rc = ledger_import_add(l, &lost->import);
	if (rc == RC_OK)
		rc = ledger_regained_add(l, &regained);
	if (rc == RC_OK)
		rc = ledger_commit(l);
	else
		ledger_rollback(l);
	return rc;
}

static void
restored_make(void **state, struct ledger **ret)
{
	static const uint8_t digest[SHA256_LEN] = { 1, 2, 3 };
	struct ledger *l;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l); /* 1 policy, 2 init */
	check_ok(ledger_begin(l));
	stamp(l, T0 + 80000);
	check_ok(ledger_restored_add(l, digest)); /* 3 */
	check_ok(ledger_commit(l));
	*ret = l;
}

static void
verified(struct ledger *l, const struct ledger_head *heads, size_t n)
{
	struct ledger_totals t;

	check_ok(ledger_verify(l, heads, n, &t));
}

static void
an_import_stands_behind_all_that_it_was_made_over(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(lost) two = { 0 };
	struct ledger_head head;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	assert_int_equal(one.import.n, 41);
	ledger_head_get(l, &head);
	assert_int_equal(head.count, 42);
	lost_make(2, 41, 0x52, &two); /* less than there are by now */
	check_ok(import(l, &two));
	assert_int_equal(two.import.n, 43);
	verified(l, NULL, 0);
	ledger_free(
	    MOVE(l)); /* its newest record follows from the one before */
	check_ok(ledger_open(path_of(state), true, &l));
	ledger_head_get(l, &head);
	assert_int_equal(head.count, 44);
}

static void
heads_of_imports_are_known_and_others_are_not(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(ledger_manifest) m = { 0 };
	struct ledger_head head;
	struct ledger_totals t;
	bool known = true;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	verified(l, &one.over, 1);
	head = one.over;
	head.hash[0] ^= 1;
	assert_int_equal(ledger_verify(l, &head, 1, &t), RC_STATE);
	assert_non_null(strstr(err_text(), "record 40: a manifest was made"));
	check_ok(ledger_head_known(l, &head, &known)); /* in a gap */
	assert_false(known);
	check_ok(ledger_manifest_get(l, one.import.channel, 0, &m, &known));
	assert_true(known && m.imported);
	assert_int_equal(m.over.count, 40);
	assert_memory_equal(m.over.hash, one.over.hash, SHA256_LEN);
	assert_int_equal(m.policy[0], 0x77);
}

static void
a_record_that_is_missing_is_no_gap_of_an_import(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	struct ledger_totals t;
	char *why = NULL;
	sqlite3 *db = NULL;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	ledger_free(MOVE(l));
	assert_int_equal(sqlite3_open(path_of(state), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "UPDATE record SET n = 40"
			     " WHERE n = 41",
			     NULL, NULL, &why),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	check_ok(ledger_open(path_of(state), false, &l));
	assert_int_equal(ledger_verify(l, NULL, 0, &t), RC_STATE);
	assert_non_null(strstr(err_text(), "record 41: is missing"));
}

static void
the_channel_goes_on_and_its_requester_is_to_be_met_again(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(requester) q = { 0 };
	struct ledger_bundle b;
	bool known = true;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	check_ok(ledger_requester_get(l, one.import.channel, &q, &known));
	assert_false(known);
	check_ok(ledger_bundle_get(
	    l, one.import.channel, one.import.bundle_id, &b, &known));
	assert_true(known);
	assert_int_equal(b.answered, 1);
	assert_int_equal(b.n, 41);

	check_ok(ledger_begin(l));
	stamp(l, T0 + 90001);
	requester_add(l, "web", 0x21);
	b = bundle_make(0x61, 0x21, 2);
	check_ok(ledger_bundle_add(l, &b));
	manifest_add(l, &b, 2);
	check_ok(ledger_commit(l));
	check_ok(ledger_requester_get(l, one.import.channel, &q, &known));
	assert_true(known);
	assert_int_equal(q.last_manifest, 2);
	assert_int_equal(q.last_bundle, 2);
	assert_int_equal(q.arrived, 1);
	verified(l, NULL, 0);
}

static void
regained_certificates_count_as_issued(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(ledger_cert) c = { 0 };
	WIPED(buf) der = { 0 };
	uint8_t serial[16], tbs[SHA256_LEN];
	struct ledger_totals t;
	bool known = false;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	memset(serial, 0x51, sizeof(serial));
	memset(tbs, 0, sizeof(tbs));
	check_ok(
	    ledger_cert_get(l, span_of(serial, sizeof(serial)), &c, &known));
	assert_true(known);
	check_ok(
	    ledger_cert_der(l, span_of(serial, sizeof(serial)), &der, &known));
	assert_true(known && span_eq(buf_span(&der), buf_span(&one.der)));
	assert_true(span_eq(buf_span(&c.der), buf_span(&one.der)));
	assert_memory_equal(c.intent.serial, serial, sizeof(serial));
	assert_int_equal(c.intent.not_before, T0);
	assert_int_equal(c.intent.not_after, T0 + 2678399);
	assert_int_equal(c.intent.bundle, one.import.n);
	assert_string_equal(c.intent.request_id, "r0");
	assert_string_equal(c.intent.profile, "tls-server");
	assert_memory_not_equal(c.intent.tbs, tbs, SHA256_LEN);
	assert_memory_equal(c.requester, one.import.channel, SHA256_LEN);
	assert_false(c.is_void);
	check_ok(ledger_verify(l, NULL, 0, &t));
	assert_int_equal(t.certificates, 1);
}

struct key_wanted {
	struct span serial;
	uint8_t key_id[SHA256_LEN];
	int found;
};

static enum rc
key_note(const uint8_t key_id[static SHA256_LEN], struct span serial, void *arg)
{
	struct key_wanted *wanted = arg;

	assert_true(span_eq(serial, wanted->serial));
	assert_memory_equal(key_id, wanted->key_id, SHA256_LEN);
	wanted->found++;
	return RC_OK;
}

static void
a_regained_certificate_has_its_key(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	struct key_wanted wanted = { 0 };
	struct cert_parts parts;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	check_ok(cert_parts_read("test", buf_span(&one.der), &parts));
	check_ok(sha256(parts.spki, wanted.key_id));
	wanted.serial = parts.serial;
	check_ok(ledger_keys_each(l, NULL, 0, key_note, &wanted));
	assert_int_equal(wanted.found, 1);
}

/* A bundle and an intent from before the backup. */
static void
open_bundle_make(struct ledger *l, struct intent *ret)
{
	struct ledger_bundle b = bundle_make(0x51, 0x21, 1);

	check_ok(ledger_begin(l));
	stamp(l, T0 + 80001);
	requester_add(l, "web", 0x21);
	check_ok(ledger_bundle_add(l, &b));
	*ret = intent_make(&b, 0, 0x51);
	check_ok(ledger_intent_add(l, ret));
	check_ok(ledger_commit(l));
}

static enum rc
count_one(const struct intent *intent, void *arg)
{
	size_t *n = arg;

	assert_int_equal(intent->serial[0], 0x51);
	(*n)++;
	return RC_OK;
}

static void
an_intent_gets_the_certificate_that_came_of_it(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(ledger_cert) c = { 0 };
	struct intent intent;
	size_t n = 0;
	bool known = false;

	restored_make(state, &l);
	open_bundle_make(l, &intent);
	check_ok(ledger_intents_open(l, intent.bundle, count_one, &n));
	assert_int_equal(n, 1);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	check_ok(ledger_cert_get(
	    l, span_of(intent.serial, sizeof(intent.serial)), &c, &known));
	assert_true(known && !c.is_void);
	assert_int_equal(c.intent.n, intent.n);
	assert_int_equal(c.intent.bundle, intent.bundle);
	assert_int_equal(c.outcome, one.import.n + 1);
	n = 0;
	check_ok(ledger_intents_open(l, intent.bundle, count_one, &n));
	assert_int_equal(n, 0);
	verified(l, NULL, 0);
}

static void
a_void_that_was_said_too_early_is_undone(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(ledger_cert) c = { 0 };
	WIPED(buf) der = { 0 };
	struct intent intent;
	bool known = false;

	restored_make(state, &l);
	open_bundle_make(l, &intent);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 80002);
	check_ok(ledger_void_add(l, &intent, "the run was interrupted"));
	check_ok(ledger_commit(l));
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	check_ok(ledger_cert_get(
	    l, span_of(intent.serial, sizeof(intent.serial)), &c, &known));
	assert_true(known && !c.is_void);
	assert_true(span_eq(buf_span(&c.der), buf_span(&one.der)));
	check_ok(ledger_cert_der(
	    l, span_of(intent.serial, sizeof(intent.serial)), &der, &known));
	assert_true(known && span_eq(buf_span(&der), buf_span(&one.der)));
	verified(l, NULL, 0);
}

static void
what_does_not_fit_is_not_imported(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(lost) two = { 0 };
	WIPED(lost) far = { 0 };
	struct ledger_regained stray;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	lost_make(3, 50, 0x53, &far);
	assert_int_equal(import(l, &far), RC_STATE);
	assert_non_null(strstr(err_text(), "does not continue its channel"));
	lost_make(2, 50, 0x51, &two); /* the same bundle and serial again */
	assert_int_equal(import(l, &two), RC_STATE);
	assert_non_null(strstr(err_text(), "its bundle is known otherwise"));
	memset(two.import.bundle_id, 0x59, sizeof(two.import.bundle_id));
	assert_int_equal(import(l, &two), RC_STATE);
	assert_non_null(strstr(err_text(), "serial has another certificate"));
	stray = regained_of(&far);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	assert_int_equal(ledger_regained_add(l, &stray), RC_STATE);
	assert_non_null(strstr(err_text(), "no import of a response"));
	ledger_rollback(l);
	verified(l, NULL, 0);
}

static enum rc
note_sequence(const struct ledger_import *found, void *arg)
{
	uint32_t *last = arg;

	assert_int_equal(found->sequence, *last + 1);
	assert_true(found->has_bundle);
	*last = found->sequence;
	return RC_OK;
}

static void
what_was_restored_and_brought_back_is_told(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(lost) two = { 0 };
	struct ledger_restored restored;
	uint32_t last = 0;
	bool any = false;

	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	lost_make(2, 50, 0x52, &two);
	check_ok(import(l, &one));
	check_ok(import(l, &two));
	check_ok(ledger_restored_get(l, &restored, &any));
	assert_true(any);
	assert_int_equal(restored.count, 2);
	assert_int_equal(restored.made, T0);
	assert_int_equal(restored.at, T0 + 80000);
	check_ok(ledger_imports_each(l, note_sequence, &last));
	assert_int_equal(last, 2);
}

static void
a_ledger_that_was_never_restored_says_so(void **state)
{
	OWNS(ledger) *l = NULL;
	struct ledger_restored restored;
	bool any = true;

	check_ok(ledger_create(path_of(state), &l));
	ca_add(l);
	check_ok(ledger_restored_get(l, &restored, &any));
	assert_false(any);
}

static void
a_crl_that_was_read_takes_its_number(void **state)
{
	OWNS(ledger) *l = NULL;
	static const uint8_t digest[SHA256_LEN] = { 7 }, other[SHA256_LEN];
	struct ledger_crls_seen seen;
	uint64_t next = 0;

	restored_make(state, &l);
	check_ok(ledger_crls_seen_get(l, digest, &seen));
	assert_true(!seen.this_one && seen.highest == 0);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	check_ok(ledger_crl_seen_add(l, 41, digest));
	check_ok(ledger_crl_seen_add(l, 40, other));
	check_ok(ledger_commit(l));
	check_ok(ledger_crls_seen_get(l, digest, &seen));
	assert_true(seen.this_one && seen.highest == 41);
	check_ok(ledger_crl_number_next(l, &next));
	assert_int_equal(next, 1042); /* others' shadows may be above it */
	verified(l, NULL, 0);
}

/* Revoke this serial, of which a CRL alone tells. */
static enum rc
list_serial(struct ledger *l, struct span serial)
{
	const struct ledger_revocation one = { .serial = serial,
		.not_after = CLOCK_MAX,
		.reason = REASON_KEY_COMPROMISE,
		.date = T0 };
	enum rc rc;

	check_ok(ledger_begin(l));
	stamp(l, T0 + 90000);
	rc = ledger_listed_add(l, serial);
	if (rc == RC_OK)
		rc = ledger_revoke(l, &one, 0);
	if (rc == RC_OK)
		rc = ledger_commit(l);
	else
		ledger_rollback(l);
	return rc;
}

static void
a_listed_serial_is_revoked_and_gets_its_certificate(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	WIPED(ledger_cert) c = { 0 };
	WIPED(ledger_cert) after = { 0 };
	struct ledger_revocation r;
	uint8_t bytes[16];
	const struct span serial = span_of(bytes, sizeof(bytes));
	bool known = false, revoked = false;

	memset(bytes, 0x51, sizeof(bytes));
	restored_make(state, &l);
	check_ok(list_serial(l, serial));
	check_ok(ledger_cert_get(l, serial, &c, &known));
	assert_true(known && c.listed && c.revoked && c.der.n == 0);
	assert_true(span_eq(ledger_cert_serial(&c), serial));
	verified(l, NULL, 0);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	check_ok(ledger_cert_get(l, serial, &after, &known));
	assert_true(known && !after.listed && after.revoked);
	assert_true(span_eq(buf_span(&after.der), buf_span(&one.der)));
	check_ok(ledger_revoked_get(l, serial, &r, &revoked));
	assert_true(revoked && r.at == T0);
	assert_int_equal(r.reason, REASON_KEY_COMPROMISE);
	verified(l, NULL, 0);
}

static void
a_serial_that_is_known_is_not_listed(void **state)
{
	OWNS(ledger) *l = NULL;
	WIPED(lost) one = { 0 };
	uint8_t bytes[16];

	memset(bytes, 0x51, sizeof(bytes));
	restored_make(state, &l);
	lost_make(1, 40, 0x51, &one);
	check_ok(import(l, &one));
	assert_int_equal(
	    list_serial(l, span_of(bytes, sizeof(bytes))), RC_STATE);
	assert_non_null(
	    strstr(err_text(), "its serial is in the ledger already"));
	verified(l, NULL, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_import_stands_behind_all_that_it_was_made_over),
		T(heads_of_imports_are_known_and_others_are_not),
		T(a_record_that_is_missing_is_no_gap_of_an_import),
		T(the_channel_goes_on_and_its_requester_is_to_be_met_again),
		T(regained_certificates_count_as_issued),
		T(a_regained_certificate_has_its_key),
		T(an_intent_gets_the_certificate_that_came_of_it),
		T(a_void_that_was_said_too_early_is_undone),
		T(what_does_not_fit_is_not_imported),
		T(what_was_restored_and_brought_back_is_told),
		T(a_ledger_that_was_never_restored_says_so),
		T(a_crl_that_was_read_takes_its_number),
		T(a_listed_serial_is_revoked_and_gets_its_certificate),
		T(a_serial_that_is_known_is_not_listed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
