/* SPDX-License-Identifier: Apache-2.0 */
/* Who may revoke what, decided from the ledger alone. */
#include "tests/lib/ledger_fixture.h"

#include "base/clock.h"
#include "ca/intake/revoke.h"

#define NOW (T0 + 90000)

static uint8_t ids[256][SHA256_LEN];

static struct span
id_of(uint8_t mark, size_t n)
{
	memset(ids[mark], mark, sizeof(ids[mark]));
	return span_of(ids[mark], n);
}

/* Of the story: 0x41 and 0x43 are signed, 0x44 is unfinished, 0x45 is void;
 * each has a key of its own, with the same mark. */
static struct revocation
by_serial(uint8_t mark, enum reason reason)
{
	return (
	    struct revocation){ .serial = id_of(mark, 16), .reason = reason };
}

static struct revocation
by_key(uint8_t mark, enum reason reason)
{
	return (struct revocation){ .key_id = id_of(mark, SHA256_LEN),
		.reason = reason };
}

struct story {
	struct ledger *ledger;
	uint8_t key_id[SHA256_LEN];
	struct revoker who;
	struct revokes revokes;
};

static void
story_wipe(struct story *s)
{
	revokes_wipe(&s->revokes);
	ledger_free(s->ledger);
}

static void
story_begin(struct story *s, const char *path)
{
	check_ok(ledger_create(path, &s->ledger));
	story_tell(s->ledger);
	requester_id(0x21, s->key_id);
	s->who = (struct revoker){
		.key_id = s->key_id, .label = span_str("www"), .now = NOW
	};
}

static const struct revoke_decision *
decide(struct story *s, const struct revocation *asked, size_t n)
{
	revokes_wipe(&s->revokes);
	check_ok(revokes_decide(s->ledger, &s->who, asked, n, &s->revokes));
	return s->revokes.items;
}

static void
record(struct story *s, uint64_t bundle)
{
	check_ok(ledger_begin(s->ledger));
	stamp(s->ledger, NOW);
	check_ok(revokes_record(s->ledger, &s->revokes, bundle));
	check_ok(ledger_commit(s->ledger));
}

static void
refused_as(const struct revoke_decision *d, enum rule rule,
    enum revocation_status status, const char *says)
{
	assert_int_equal(d->rule, rule);
	assert_int_equal(d->status, status);
	assert_int_equal(d->n, 0);
	assert_string_equal(d->reason, says);
}

#define HEX41 "41414141414141414141414141414141"
#define HEX44 "44444444444444444444444444444444"

static void
a_requester_revokes_what_its_bundles_obtained(void **state)
{
	WIPED(story) s = { 0 };
	const struct revocation one = by_serial(0x41, REASON_SUPERSEDED);
	const struct revoke_decision *d;

	story_begin(&s, path_of(state));
	d = decide(&s, &one, 1);
	assert_int_equal(d->rule, RULE_NONE);
	assert_int_equal(d->status, REVOKED);
	assert_int_equal(s.revokes.n_certs, 1);
	requester_id(0x22, s.key_id);
	d = decide(&s, &one, 1);
	refused_as(d, RULE_REVOKE_DENIED, REVOKE_REFUSED,
	    "revocation 1: serial " HEX41 ": no bundle of \"www\" obtained it");
	s.who.right = MAY_REVOKE_ANY;
	assert_int_equal(decide(&s, &one, 1)->status, REVOKED);
	requester_id(0x21, s.key_id);
	s.who.right = MAY_REVOKE_NOTHING;
	refused_as(decide(&s, &one, 1), RULE_REVOKE_DENIED, REVOKE_REFUSED,
	    "revocation 1: serial " HEX41
	    ": the policy has `revoke = no` for \"www\"");
}

static void
a_key_of_others_is_not_its_own(void **state)
{
	WIPED(story) s = { 0 };
	const struct revocation one = by_key(0x41, REASON_KEY_COMPROMISE);
	const struct revocation none = by_key(0x77, REASON_KEY_COMPROMISE);

	story_begin(&s, path_of(state));
	assert_int_equal(decide(&s, &one, 1)->status, REVOKED);
	assert_int_equal(decide(&s, &none, 1)->rule, RULE_REVOKE_UNKNOWN);
	requester_id(0x22, s.key_id);
	assert_int_equal(decide(&s, &one, 1)->rule, RULE_REVOKE_DENIED);
}

static void
what_never_left_is_the_operators_to_revoke(void **state)
{
	WIPED(story) s = { 0 };
	const struct revocation unfinished =
	    by_serial(0x44, REASON_UNSPECIFIED);

	story_begin(&s, path_of(state));
	refused_as(decide(&s, &unfinished, 1), RULE_REVOKE_UNKNOWN,
	    REVOKE_UNKNOWN,
	    "revocation 1: serial " HEX44
	    ": this CA has issued no such certificate");
	s.who.key_id = NULL;
	assert_int_equal(decide(&s, &unfinished, 1)->status, REVOKED);
	record(&s, 0);
	assert_int_equal(decide(&s, &unfinished, 1)->status, REVOKED_BEFORE);
}

static void
the_same_bundle_comes_to_the_same_end(void **state)
{
	WIPED(story) s = { 0 };
	const struct revocation three[] = { by_serial(0x41, REASON_SUPERSEDED),
		by_key(0x41, REASON_SUPERSEDED),
		by_key(0x41, REASON_SUPERSEDED) };

	story_begin(&s, path_of(state));
	decide(&s, three, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s.revokes.items[i].status, REVOKED);
	record(&s, 21); /* the story's open bundle */
	s.who.bundle = 21;
	decide(&s, three, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s.revokes.items[i].status, REVOKED);
	record(&s, 21);
	s.who.bundle = 5;
	assert_int_equal(decide(&s, three, 3)->status, REVOKED_BEFORE);
}

/* Its clock may be ahead by a day, as a bundle's may. */
static void
a_loss_is_not_in_the_future(void **state)
{
	WIPED(story) s = { 0 };
	struct revocation one = by_serial(0x41, REASON_KEY_COMPROMISE);
	struct ledger_revocation r = { 0 };
	bool revoked = false;

	story_begin(&s, path_of(state));
	one.has_since = true;
	one.since = NOW + DAY + 1;
	assert_int_equal(decide(&s, &one, 1)->rule, RULE_REVOKE_FUTURE);
	s.who.key_id = NULL;
	one.since = NOW + 1;
	assert_int_equal(decide(&s, &one, 1)->rule, RULE_REVOKE_FUTURE);
	s.who.key_id = s.key_id;
	one.since = NOW + DAY;
	assert_int_equal(decide(&s, &one, 1)->status, REVOKED);
	record(&s, 21);
	check_ok(ledger_revoked_get(s.ledger, one.serial, &r, &revoked));
	assert_true(revoked && r.has_since);
	assert_int_equal(r.since, NOW);
}

/* ---- lost keys ------------------------------------------------------------
 */

static enum rule
rule_for_key(struct story *s, uint8_t mark)
{
	struct cert_request request = { .id = span_str("r0"),
		.validity = { .count = 1 } };
	const struct submission submission = { .bundle = { .requests = &request,
						   .n_requests = 1 } };
	WIPED(decisions) d = { .n = 1, .granted = 1, .certificates = 1 };

	d.items = calloc(1, sizeof(*d.items));
	assert_non_null(d.items);
	memset(d.items[0].key_id, mark, SHA256_LEN);
	check_ok(revokes_withhold(s->ledger, &s->revokes, &submission, &d));
	assert_int_equal(d.granted, d.items[0].rule == RULE_NONE);
	return d.items[0].rule;
}

static void
a_lost_key_is_not_certified_again(void **state)
{
	WIPED(story) s = { 0 };
	const struct revocation old = by_serial(0x41, REASON_SUPERSEDED);
	const struct revocation lost = by_serial(0x41, REASON_KEY_COMPROMISE);

	story_begin(&s, path_of(state));
	decide(&s, &old, 1);
	assert_int_equal(rule_for_key(&s, 0x41), RULE_NONE);
	record(&s, 0);
	assert_int_equal(decide(&s, &lost, 1)->status, REVOKED_BEFORE);
	assert_int_equal(rule_for_key(&s, 0x41), RULE_KEY_REVOKED);
	assert_int_equal(rule_for_key(&s, 0x43), RULE_NONE);
	record(&s, 0);
	decide(&s, NULL, 0);
	assert_int_equal(rule_for_key(&s, 0x41), RULE_KEY_REVOKED);
	assert_int_equal(rule_for_key(&s, 0x43), RULE_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_requester_revokes_what_its_bundles_obtained),
		T(a_key_of_others_is_not_its_own),
		T(what_never_left_is_the_operators_to_revoke),
		T(the_same_bundle_comes_to_the_same_end),
		T(a_loss_is_not_in_the_future),
		T(a_lost_key_is_not_certified_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
