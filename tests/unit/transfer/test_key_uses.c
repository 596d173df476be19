/* SPDX-License-Identifier: Apache-2.0 */
/* Rule KEY-USED: one requester and one name for all that a key is certified
 * for. */
#include "transfer/policy/key_uses.h"

#include "tests/lib/check.h"

#include <stdio.h>

#define END INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static const uint8_t key_a[SHA256_LEN] = { 0xa };
static const uint8_t key_b[SHA256_LEN] = { 0xb };
static const uint8_t serial[2] = { 0x3f, 0x01 };
static const struct profile same_names = { .key_reuse = KEY_REUSE_NAMES };
static const struct profile any = { .key_reuse = KEY_REUSE_ANY };
static const struct profile own = { .key_reuse = KEY_REUSE_REQUESTER };

/* Names of one letter each: "ab" is dns:a and dns:b. */
static size_t
names_of(const char *letters, struct name ret[static 8])
{
	size_t n = strlen(letters);

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct name){ NAME_DNS,
			span_of((const uint8_t *)letters + i, 1) };
	return n;
}

static void
note(struct key_uses *uses, const uint8_t *key, const char *letters,
    const char *others)
{
	struct name names[8];
	size_t n = names_of(letters, names);

	check_ok(key_uses_note(uses, key,
	    &(struct key_holder){ .serial = span_of(serial, sizeof(serial)),
		.not_after = END,
		.others = others,
		.names = names,
		.n_names = n }));
}

static enum rc
take(struct key_uses *uses, const uint8_t *key, const char *letters,
    const struct profile *profile)
{
	struct name names[8];
	struct grant grant = { .profile = profile, .names = names };
	char from[16];

	grant.n_names = names_of(letters, names);
	(void)snprintf(from, sizeof(from), "r-%s", letters);
	return key_uses_take(uses, from, key, &grant);
}

static void
a_new_key_may_have_any_names(void **state)
{
	WIPED(key_uses) uses = { 0 };

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	note(&uses, key_b, "b", NULL); /* nobody asked for that one */
	assert_true(key_uses_watched(&uses, key_a));
	assert_false(key_uses_watched(&uses, key_b));
	check_ok(take(&uses, key_a, "a", &same_names));
}

static void
what_shares_a_name_with_all_passes(void **state)
{
	WIPED(key_uses) uses = { 0 };

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	note(&uses, key_a, "abc", NULL);
	note(&uses, key_a, "bcd", NULL);
	check_ok(take(&uses, key_a, "be", &same_names));
	check_refused(take(&uses, key_a, "cd", &same_names), "KEY-USED",
	    "r-cd: its key is that of r-be; all with that key have dns:b, and "
	    "this has not");
	check_ok(take(&uses, key_a, "b", &same_names));
}

static void
other_names_are_refused_with_what_the_key_has(void **state)
{
	WIPED(key_uses) uses = { 0 };

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	check_ok(key_uses_watch(&uses, key_b));
	note(&uses, key_a, "abc", NULL);
	check_refused(take(&uses, key_a, "d", &same_names), "KEY-USED",
	    "r-d: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z); all with that key have dns:a and 2 more, "
	    "and this has none of them");
	check_ok(take(&uses, key_b, "d", &same_names));
	note(&uses, key_a, "d", NULL); /* the policy was another then */
	check_refused(take(&uses, key_a, "d", &same_names), "KEY-USED",
	    "r-d: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z); those with that key have no name in "
	    "common");
}

static void
a_name_of_another_type_is_another_name(void **state)
{
	WIPED(key_uses) uses = { 0 };
	struct name name = { NAME_EMAIL, span_str("a") };
	struct grant grant = {
		.profile = &same_names, .names = &name, .n_names = 1
	};

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	note(&uses, key_a, "a", NULL);
	check_refused(key_uses_take(&uses, "r", key_a, &grant), "KEY-USED",
	    "r: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z); all with that key have dns:a, and this "
	    "has not");
}

static void
the_key_of_another_requester_is_refused_for_good(void **state)
{
	WIPED(key_uses) uses = { 0 };

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	note(&uses, key_a, "a", "another requester");
	note(&uses, key_a, "a", NULL);
	check_refused(take(&uses, key_a, "a", &same_names), "KEY-USED",
	    "r-a: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z), which another requester obtained");
	check_ok(take(&uses, key_a, "a", &any));
	check_refused(take(&uses, key_a, "a", &same_names), "KEY-USED",
	    "r-a: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z), which another requester obtained");
}

/* What a profile that says nothing of it has. */
static void
a_key_changes_no_hands_unless_the_profile_says_so(void **state)
{
	const struct key_holder claimed = { .serial = span_of(serial, 2),
		.not_after = END,
		.others = "another requester" };
	const struct key_holder loose = { .serial = span_of(serial, 1),
		.not_after = END,
		.others = "a loose CSR",
		.is_loose = true };
	struct key_holder begun = claimed;
	WIPED(key_uses) uses = { 0 };

	(void)state;
	begun.is_begun = true;
	check_ok(key_uses_watch(&uses, key_a));
	check_ok(key_uses_watch(&uses, key_b));
	note(&uses, key_a, "a", NULL);
	check_ok(take(&uses, key_a, "b", &own));
	/* Nobody vouches for loose CSRs, so that nobody had it. */
	check_ok(key_uses_note(&uses, key_a, &loose));
	check_ok(take(&uses, key_a, "c", &own));
	check_ok(key_uses_note(&uses, key_a, &claimed));
	check_ok(key_uses_note(&uses, key_a, &loose));
	note(&uses, key_a, "a", NULL);
	check_refused(take(&uses, key_a, "a", &own), "KEY-USED",
	    "r-a: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z), which another requester obtained");
	check_ok(take(&uses, key_a, "a", &any));
	/* Who has not got it yet is not outrun. */
	check_ok(key_uses_note(&uses, key_b, &begun));
	check_refused(take(&uses, key_b, "b", &own), "KEY-USED",
	    "r-b: its key is that of certificate 3f01 (until "
	    "2027-01-15T08:00:00Z), which another requester has asked for");
	check_rule(
	    take(&uses, key_b, "b", &same_names), "KEY-USED", "asked for");
	check_ok(take(&uses, key_b, "b", &any));
}

static void
a_profile_for_any_names_is_free_but_counts(void **state)
{
	WIPED(key_uses) uses = { 0 };

	(void)state;
	check_ok(key_uses_watch(&uses, key_a));
	note(&uses, key_a, "a", NULL);
	check_ok(take(&uses, key_a, "b", &any));
	check_refused(take(&uses, key_a, "a", &same_names), "KEY-USED",
	    "r-a: its key is that of r-b; those with that key have no name in "
	    "common");
}

static void
many_keys_are_told_apart(void **state)
{
	WIPED(key_uses) uses = { 0 };
	uint8_t key[SHA256_LEN];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		check_ok(sha256(span_of(&i, sizeof(i)), key));
		check_ok(key_uses_watch(&uses, key));
		check_ok(key_uses_watch(&uses, key));
		note(&uses, key, i % 2 == 0 ? "a" : "b", NULL);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		check_ok(sha256(span_of(&i, sizeof(i)), key));
		assert_int_equal(take(&uses, key, "a", &same_names),
		    i % 2 == 0 ? RC_OK : RC_POLICY);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(a_new_key_may_have_any_names),
		T(what_shares_a_name_with_all_passes),
		T(other_names_are_refused_with_what_the_key_has),
		T(a_name_of_another_type_is_another_name),
		T(the_key_of_another_requester_is_refused_for_good),
		T(a_key_changes_no_hands_unless_the_profile_says_so),
		T(a_profile_for_any_names_is_free_but_counts),
		T(many_keys_are_told_apart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
