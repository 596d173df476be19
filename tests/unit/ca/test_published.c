/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle says was published: what can have been, and what cannot. */
#include "tests/lib/ledger_fixture.h"

#include "ca/intake/published.h"
#include "ca/ledger/ledger_crl.h"

#define NOW (T0 + 90000)

static const char profiles[] =
    "[ca]\nscope = example.org\n"
    "[profile p]\nsubject = none\nnames = dns\nkey-types = ec-p256\n"
    "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
    "validity = 30d\nvalidity-max = 90d\n";

/* The story, in which "www" has the certificates 0x41 and 0x43; CRLs 1
 * (regular), 2 (its shadow), 3 (somebody else's) and 4 (its own, of an hour
 * later). */
struct told {
	struct ledger *ledger;
	struct policy policy;
	uint64_t numbers[8];
	struct submission s;
	struct published p;
};

static void
told_wipe(struct told *t)
{
	published_wipe(&t->p);
	policy_wipe(&t->policy);
	ledger_free(t->ledger);
}

static void
told_policy(struct told *t, const char *section)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "%s%s", profiles, section);
	policy_wipe(&t->policy);
	check_ok(policy_parse("policy.conf", span_str(text), &t->policy));
}

static void
crl_add(struct told *t, uint64_t number, uint8_t requester, int64_t at)
{
	struct ledger_crl crl = { .number = number,
		.next_update = at + 7 * 86400,
		.list = { .this_update = at, .shadow = requester != 0 },
		.signature = { 1 },
		.signature_n = 1 };
	struct ledger_head head;

	ledger_head_get(t->ledger, &head);
	crl.list.upto = head.count;
	if (requester != 0)
		requester_id(requester, crl.list.requester);
	check_ok(ledger_crl_add(t->ledger, &crl));
}

static void
told_make(struct told *t, const char *path)
{
	struct ledger_crl_series series = { .first = 1,
		.last = 4,
		.start = NOW,
		.count = 1,
		.period = 7 * 86400,
		.overlap = 86400 };

	check_ok(ledger_create(path, &t->ledger));
	story_tell(t->ledger);
	check_ok(ledger_begin(t->ledger));
	stamp(t->ledger, NOW);
	check_ok(ledger_crl_series_add(t->ledger, &series));
	crl_add(t, 1, 0, NOW);
	crl_add(t, 2, 0x21, NOW + 1);
	crl_add(t, 3, 0x22, NOW + 1);
	crl_add(t, 4, 0x21, NOW + 3600);
	check_ok(ledger_commit(t->ledger));
	t->s.known = true;
	(void)snprintf(
	    t->s.requester.label, sizeof(t->s.requester.label), "www");
	requester_id(0x21, t->s.key_id);
	t->s.bundle.created = NOW + 1;
	t->s.bundle.shadow_crls = t->numbers;
	told_policy(t, "[requester www]\nemergency = yes\n");
}

static void
decide(struct told *t, size_t n)
{
	t->s.bundle.n_shadow_crls = n;
	published_wipe(&t->p);
	check_ok(
	    published_decide(t->ledger, &t->policy, &t->s, NOW + 2, &t->p));
}

static void
nothing_counts(const struct told *t)
{
	assert_int_equal(t->p.n_shadows, 0);
	assert_int_equal(t->p.revokes.n_certs, 0);
	assert_int_equal(t->p.n, 0);
}

static void
what_had_begun_revokes_what_it_listed(void **state)
{
	WIPED(told) t = { 0 };

	told_make(&t, path_of(state));
	t.numbers[0] = 2;
	decide(&t, 1);
	assert_int_equal(t.p.n_shadows, 1);
	assert_int_equal(t.p.revokes.n_certs, 2);
	assert_int_equal(t.p.revokes.n_refused, 0);
	assert_int_equal(t.p.unknown.n + t.p.early.n + t.p.forbidden.n, 0);
	/* Clients refuse them: what else it may revoke is no matter. */
	told_policy(&t, "[requester www]\nemergency = yes\nrevoke = no\n");
	decide(&t, 1);
	assert_int_equal(t.p.revokes.n_certs, 2);
	decide(&t, 0);
	nothing_counts(&t);
}

static void
what_had_not_begun_when_it_was_reported_revokes_nothing(void **state)
{
	WIPED(told) t = { 0 };

	told_make(&t, path_of(state));
	t.numbers[0] = 4;
	decide(&t, 1);
	nothing_counts(&t);
	assert_int_equal(t.p.early.n, 1);
	assert_int_equal(t.p.early.first, 4);
	assert_int_equal(t.p.early.begins, NOW + 3600);
	t.s.bundle.created = NOW + 3599;
	decide(&t, 1);
	nothing_counts(&t);
	/* A host's clock may be ahead of this one. */
	t.s.bundle.created = NOW + 3600;
	decide(&t, 1);
	assert_int_equal(t.p.n_shadows, 1);
	assert_int_equal(t.p.revokes.n_certs, 2);
	/* An old bundle cannot know of what began since. */
	t.numbers[0] = 2;
	t.s.bundle.created = NOW;
	decide(&t, 1);
	nothing_counts(&t);
	assert_int_equal(t.p.early.n, 1);
}

static void
nor_does_what_is_no_shadow_of_this_requester(void **state)
{
	WIPED(told) t = { 0 };

	told_make(&t, path_of(state));
	t.numbers[0] = 1;
	t.numbers[1] = 3;
	t.numbers[2] = 99;
	decide(&t, 3);
	nothing_counts(&t);
	assert_int_equal(t.p.unknown.n, 3);
	assert_int_equal(t.p.unknown.first, 1);
	t.numbers[3] = 4;
	t.numbers[4] = 2; /* each is told for itself */
	decide(&t, 5);
	assert_int_equal(t.p.unknown.n, 3);
	assert_int_equal(t.p.early.n, 1);
	assert_int_equal(t.p.n_shadows, 1);
	assert_int_equal(t.p.revokes.n_certs, 2);
}

static void
nor_anything_where_the_policy_has_no_emergency(void **state)
{
	static const char *const without[] = { "",
		"[requester www]\nrevoke = any\n",
		"[requester www]\nemergency = no\n",
		"[requester other]\nemergency = yes\n" };
	WIPED(told) t = { 0 };

	told_make(&t, path_of(state));
	t.numbers[0] = 2;
	t.numbers[1] = 4;
	t.numbers[2] = 99;
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		told_policy(&t, without[i]);
		decide(&t, 3);
		nothing_counts(&t);
		assert_int_equal(t.p.forbidden.n, 2);
		assert_int_equal(t.p.forbidden.first, 2);
		assert_int_equal(t.p.unknown.n, 1);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_had_begun_revokes_what_it_listed),
		T(what_had_not_begun_when_it_was_reported_revokes_nothing),
		T(nor_does_what_is_no_shadow_of_this_requester),
		T(nor_anything_where_the_policy_has_no_emergency),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
