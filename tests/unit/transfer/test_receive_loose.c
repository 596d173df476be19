/* SPDX-License-Identifier: Apache-2.0 */
/* Responses to loose CSRs: which one is meant is told by the CSRs alone. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/receive/receive.h"

#define N_CSRS 3

/* Somebody's CSRs for a.example.org and so on, and the set of the first two. */
struct loose_bed {
	struct online_bed on;
	struct buf ders[N_CSRS];
	struct loose_csr csrs[N_CSRS];
	struct loose set;
};

static const struct answer_how best;

static void
loose_bed_wipe(struct loose_bed *b)
{
	online_wipe(&b->on);
	for (size_t i = 0; i < N_CSRS; i++)
		buf_wipe(&b->ders[i]);
}

/* The set of the first `n` from `from` on; the spans are the bed's. */
static void
set_of(const struct loose_bed *b, size_t from, size_t n,
    struct loose_csr *items, struct loose *ret)
{
	for (size_t i = 0; i < n; i++)
		items[i] = b->csrs[from + i];
	*ret = (struct loose){ items, n };
	loose_sort(ret);
	assert_int_equal(ret->n, n);
}

static void
loose_bed_make(struct loose_bed *b)
{
	static const char *const files[] = { "a.csr", "b.csr", "c.csr" };

	online_make(&b->on);
	for (size_t i = 0; i < N_CSRS; i++) {
		OWN(EVP_PKEY) *key = key_new("ec-p256");
		char name[] = "dns:?.example.org";

		name[4] = files[i][0];
		csr_of_key(key, name, &b->ders[i]);
		b->csrs[i].name = span_str(files[i]);
		b->csrs[i].der = buf_span(&b->ders[i]);
		check_ok(sha256(b->csrs[i].der, b->csrs[i].digest));
	}
}

static void
answers(struct loose_bed *b, const struct loose *set,
    const struct answer_how *how, const char *name)
{
	WIPED(ca_answer) a = { 0 };

	answer_loose(&b->on, set, how, &a);
	answer_seal(&b->on, &a);
	answer_put(&b->on, &a, name);
	answer_went_out(&b->on, &a);
}

static enum rc
take_set(struct loose_bed *b, const struct loose *set, bool store_them,
    struct reception *ret)
{
	const struct receiving how = { .judge = online_judge(&b->on),
		.store_them = store_them };

	return receive_loose(&b->on.store, &b->on.media, set, &how, ret);
}

#define refuses(b, set, rule, words) \
	do { \
		struct reception all_; \
		check_rule( \
		    take_set((b), (set), true, &all_), (rule), (words)); \
	} while (0)

static int64_t
count(struct loose_bed *b, const char *table)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return online_count(&b->on, sql);
}

static void
is_empty(struct loose_bed *b)
{
	assert_int_equal(count(b, "certificate"), 0);
	assert_int_equal(count(b, "loose"), 0);
	assert_int_equal(count(b, "bundle"), 0);
	assert_int_equal(count(b, "request"), 0);
}

/* ---- taking -------------------------------------------------------------- */

static void
an_answer_is_taken_once_and_stands_in_no_channel(void **state)
{
	static const struct answer_how how = { .refused = 2 };
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &how, NULL);
	check_ok(take_set(&b, &set, true, &all));
	assert_int_equal(all.found, 1);
	assert_int_equal(all.again, 0);
	assert_int_equal(all.sequence, 1);
	assert_int_equal(all.n_certs, 1);
	assert_int_equal(all.n_refused, 1);
	assert_int_equal(count(&b, "certificate WHERE manifest IS NULL"), 1);
	assert_int_equal(count(&b, "request WHERE rule = 'NAME-SCOPE'"), 1);
	assert_int_equal(count(&b, "manifest"), 0);
	online_reopen(&b.on);
	assert_false(b.on.store.channel.has_head);
	for (int i = 0; i < 2; i++) {
		check_ok(take_set(&b, &set, true, &all));
		assert_int_equal(all.again, 1);
		assert_int_equal(count(&b, "certificate"), 1);
		assert_int_equal(count(&b, "loose"), 1);
	}
}

static void
a_look_at_one_stores_nothing(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &best, NULL);
	check_ok(take_set(&b, &set, false, &all));
	assert_int_equal(all.n_certs, 2);
	is_empty(&b);
	online_reopen(&b.on);
	is_empty(&b);
}

/* Whoever has an answer takes no other one, and only a right one is an alarm.
 */
static void
another_answer_to_the_same_csrs_is_a_fork(void **state)
{
	WIPED(loose_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &best, NULL);
	check_ok(take_set(&b, &set, true, &all));
	stick_clear(&b.on);
	answer_loose(&b.on, &set, &best, &a);
	answer_seal(&b.on, &a);
	a.manifest_file.p[a.manifest_file.n - 1] ^= 1;
	answer_put(&b.on, &a, NULL);
	refuses(&b, &set, "COSE-SIGNATURE", "");
	a.manifest_file.p[a.manifest_file.n - 1] ^= 1;
	answer_put(&b.on, &a, NULL);
	refuses(&b, &set, "FORK",
	    "these CSRs were answered already, by another manifest");
	assert_int_equal(take_set(&b, &set, true, &all), RC_STATE);
	assert_int_equal(all.found, 0);
	assert_int_equal(count(&b, "certificate"), 2);
}

static void
a_second_copy_says_nothing_new(void **state)
{
	WIPED(loose_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;
	char ca[9], copy[32];

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answer_loose(&b.on, &set, &best, &a);
	answer_seal(&b.on, &a);
	answer_put(&b.on, &a, NULL);
	hex_write(span_of(b.on.ca.id, 4), ca);
	(void)snprintf(copy, sizeof(copy), "%s-loose-000009", ca);
	answer_put(&b.on, &a, copy);
	check_ok(take_set(&b, &set, true, &all));
	assert_int_equal(all.found, 1);
	assert_int_equal(all.again, 0);
	assert_int_equal(count(&b, "certificate"), 2);
}

static void
a_serial_of_the_channel_is_not_taken_again(void **state)
{
	uint8_t serial[16] = { 0x41, 0x42 };
	const struct answer_how same = { .serial = span_of(serial, 16) };
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	online_answer(
	    &b.on, online_send_one(&b.on, "dns:d.example.org", 1), &same);
	check_ok(online_take(&b.on, true, NULL, NULL, &all));
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &same, NULL);
	refuses(&b, &set, "CERT-SERIAL", "a serial that was used before");
	assert_int_equal(count(&b, "certificate"), 1);
	assert_int_equal(count(&b, "loose"), 0);
}

static void
spoil_dates(X509 *cert)
{
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 0));
}

static void
nothing_stays_of_a_bad_one(void **state)
{
	static const struct answer_how spoilt = { .spoil = spoil_dates };
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &spoilt, NULL);
	refuses(&b, &set, "CERT-PROFILE", "fits no profile");
	is_empty(&b);
	stick_clear(&b.on);
	answers(&b, &set, &best, NULL);
	check_ok(take_set(&b, &set, true, &all));
	assert_int_equal(count(&b, "certificate"), 2);
}

/* Kept to be read, and not put into force: the answer may be an old one. */
static void
its_policy_is_kept_and_not_put_into_force(void **state)
{
	static const char policy[] =
	    "[ca]\nscope = example.org\nbackdate = 2h\nclock-horizon = 400d\n"
	    "[profile server]\nsubject = first-name\n" PLAIN_PROFILE;
	static const struct answer_how changed = { .policy = policy };
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	policy_wipe(&b.on.policy);
	b.on.policy = (struct policy){ 0 };
	check_ok(policy_parse("policy.conf", span_str(policy), &b.on.policy));
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &changed, NULL);
	check_ok(take_set(&b, &set, true, &all));
	assert_int_equal(count(&b, "policy"), 2);
	online_reopen(&b.on);
	assert_int_equal(b.on.store.policy.backdate, 3600);
}

/* ---- which one ----------------------------------------------------------- */

static void
exactly_these_csrs_must_be_answered(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[N_CSRS], others[N_CSRS];
	struct loose two, one, three, last;
	struct reception all;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &two);
	answers(&b, &two, &best, NULL);
	set_of(&b, 0, 1, others, &one);
	refuses(
	    &b, &one, "LOOSE-SET", "answers 2 CSRs; 1 of those were not given");
	set_of(&b, 0, 3, others, &three);
	refuses(&b, &three, "LOOSE-SET",
	    "answers 2 CSRs, and c.csr is none of them");
	set_of(&b, 2, 1, others, &last);
	refuses(&b, &last, "LOOSE-SET", "answers none of the CSRs given");
	is_empty(&b);
	/* among several the one that fits is found, wherever it stands */
	set_of(&b, 0, 3, others, &three);
	answers(&b, &three, &best, NULL);
	check_ok(take_set(&b, &two, true, &all));
	assert_int_equal(all.sequence, 1);
	check_ok(take_set(&b, &three, false, &all));
	assert_int_equal(all.sequence, 2);
}

/* With several that do not fit the nearest is told. */
static void
the_nearest_is_told(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[N_CSRS], others[N_CSRS];
	struct loose last, two, three;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 2, 1, items, &last);
	answers(&b, &last, &best, NULL);
	set_of(&b, 0, 2, items, &two);
	answers(&b, &two, &best, NULL);
	set_of(&b, 0, 3, others, &three);
	refuses(&b, &three, "LOOSE-SET", "-000002: answers 2 CSRs, and c.csr");
}

static void
make_unreadable(struct loose_bed *b, const char *number)
{
	char ca[9], dir[160];

	hex_write(span_of(b->on.ca.id, 4), ca);
	(void)snprintf(dir, sizeof(dir), "%s/" MEDIA_RESPONSES "/%s-loose-%s",
	    b->on.stick, ca, number);
	check_ok(dir_make(dir, 0755));
}

static void
what_cannot_be_read_is_told_if_nothing_else_can_be(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[N_CSRS], others[1];
	struct reception all;
	struct loose two, last;

	(void)state;
	loose_bed_make(&b);
	make_unreadable(&b, "000000");
	make_unreadable(&b, "000009");
	set_of(&b, 0, 2, items, &two);
	refuses(&b, &two, "MANIFEST-FILES", "manifest.cose is missing");
	answers(&b, &two, &best, NULL);
	set_of(&b, 2, 1, others, &last);
	refuses(&b, &last, "LOOSE-SET", "answers none of the CSRs given");
	check_ok(take_set(&b, &two, true, &all));
	assert_int_equal(all.n_certs, 2);
}

static void
a_stick_without_one_is_told(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	make_unreadable(&b, "00000x"); /* not a number: not ours */
	assert_int_equal(take_set(&b, &set, true, &all), RC_IO);
	assert_non_null(strstr(err_text(), "no response to loose CSRs"));
	assert_non_null(strstr(err_text(), "and 1 others"));
}

/* ---- proving all --------------------------------------------------------- */

struct told {
	size_t n;
	enum rc rc;
};

static enum rc
note(void *arg, const struct received *r)
{
	struct told *t = arg;

	t->n++;
	assert_int_equal(r->sequence, t->n);
	return t->rc;
}

static void
without_csrs_all_are_proved_and_nothing_is_stored(void **state)
{
	WIPED(loose_bed) b = { 0 };
	struct told t = { 0 };
	struct receiving how = { .store_them = true, .each = note, .arg = &t };
	struct loose_csr items[2], others[1];
	struct loose two, last;
	struct reception all;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &two);
	answers(&b, &two, &best, NULL);
	set_of(&b, 2, 1, others, &last);
	answers(&b, &last, &best, NULL);
	how.judge = online_judge(&b.on);
	check_ok(receive_loose(&b.on.store, &b.on.media, NULL, &how, &all));
	assert_int_equal(all.found, 2);
	assert_int_equal(all.n_certs, 3);
	assert_int_equal(all.sequence, 2);
	assert_int_equal(t.n, 2);
	is_empty(&b);
	t = (struct told){ .rc = RC_IO };
	how.judge = online_judge(&b.on);
	assert_int_equal(
	    receive_loose(&b.on.store, &b.on.media, NULL, &how, &all), RC_IO);
	assert_int_equal(t.n, 1);
	/* and one that is bad stops it */
	make_unreadable(&b, "000003");
	check_rule(take_set(&b, NULL, false, &all), "MANIFEST-FILES",
	    "manifest.cose is missing");
	assert_int_equal(all.found, 2);
}

static void
a_manifest_that_is_none_is_refused(void **state)
{
	WIPED(loose_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	struct loose_csr items[2];
	struct reception all;
	struct loose set;

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answer_loose(&b.on, &set, &best, &a);
	answer_seal(&b.on, &a);
	buf_reset(&a.manifest_file);
	check_ok(buf_add_str(&a.manifest_file, "not COSE"));
	answer_put(&b.on, &a, NULL);
	check_rule(take_set(&b, NULL, false, &all), "COSE-FORM", "");
	refuses(&b, &set, "COSE-FORM", "");
	is_empty(&b);
}

/* ---- when something fails ------------------------------------------------ */

struct attempt {
	struct loose_bed *bed;
	const struct loose *set;
};

static enum rc
try(void *arg)
{
	struct attempt *t = arg;
	struct reception all;

	return take_set(t->bed, t->set, true, &all);
}

static void
is_empty_and_free(void *arg)
{
	struct attempt *t = arg;

	is_empty(t->bed);
	check_ok(store_begin(&t->bed->on.store));
	store_rollback(&t->bed->on.store);
}

static void
whatever_fails_nothing_stays(void **state)
{
	static const struct answer_how how = { .refused = 1 };
	WIPED(loose_bed) b = { 0 };
	struct loose_csr items[2];
	struct loose set;
	struct attempt t = { &b, &set };

	(void)state;
	loose_bed_make(&b);
	set_of(&b, 0, 2, items, &set);
	answers(&b, &set, &how, NULL);
	each_fails(FAIL_DB, try, is_empty_and_free, &t);
	assert_int_equal(count(&b, "certificate"), 1);
	assert_int_equal(count(&b, "request"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_answer_is_taken_once_and_stands_in_no_channel),
		cmocka_unit_test(a_look_at_one_stores_nothing),
		cmocka_unit_test(another_answer_to_the_same_csrs_is_a_fork),
		cmocka_unit_test(a_second_copy_says_nothing_new),
		cmocka_unit_test(a_serial_of_the_channel_is_not_taken_again),
		cmocka_unit_test(nothing_stays_of_a_bad_one),
		cmocka_unit_test(its_policy_is_kept_and_not_put_into_force),
		cmocka_unit_test(exactly_these_csrs_must_be_answered),
		cmocka_unit_test(the_nearest_is_told),
		cmocka_unit_test(
		    what_cannot_be_read_is_told_if_nothing_else_can_be),
		cmocka_unit_test(a_stick_without_one_is_told),
		cmocka_unit_test(
		    without_csrs_all_are_proved_and_nothing_is_stored),
		cmocka_unit_test(a_manifest_that_is_none_is_refused),
		cmocka_unit_test(whatever_fails_nothing_stays),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
