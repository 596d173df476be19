/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person types to the certificates of one name. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/store/holding.h"

#define FIND_POLICY \
	"[ca]\nscope = example.org\nbackdate = 1h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = first-name\n" \
	"names = dns, srv, xmpp\n" MOST \
	"[profile person]\nsubject = O=People\nnames-min = 0\n" \
	"names = dns, xmpp\n" MOST
#define MOST \
	"key-types = ec-p256\nkeyUsage = critical, digitalSignature\n" \
	"extendedKeyUsage = serverAuth\nvalidity = 31d\n" \
	"validity-max = 100d\nseries-max = 12\nhorizon = 800d\n"

static void
install(struct online_bed *b, const char *names, const char *profile,
    uint32_t count)
{
	const struct online_ask ask = { .names = names,
		.profile = profile,
		.key = "ec-p256",
		.count = count,
		.overlap = count > 1 ? 7 * DAY : 0 };

	online_install(b, &ask, 0);
}

static void
bed_make(struct online_bed *b)
{
	online_prepare(b, FIND_POLICY);
	online_enrol(b, FIND_POLICY, SPAN_NONE);
}

static void
finds(struct online_bed *b, const char *typed, const char *profile,
    const char *name, const char *of)
{
	WIPED(holding) h = { 0 };

	check_ok(holding_find(&b->store, typed, profile, NOW, &h));
	assert_string_equal(h.name, name);
	assert_string_equal(h.profile, of);
	assert_true(h.n > 0);
}

static void
misses(struct online_bed *b, const char *typed, const char *profile,
    enum rc wanted, const char *words)
{
	WIPED(holding) h = { 0 };

	assert_int_equal(
	    holding_find(&b->store, typed, profile, NOW, &h), wanted);
	if (strstr(err_text(), words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err_text(), words);
	assert_null(h.name);
}

static void
a_name_is_found_in_every_spelling(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org,dns:b.example.org", "server", 1);
	install(&b, "xmpp:jane@example.org", "person", 1);
	install(&b, "dns:xn--4ca.example.org", "server", 1);
	finds(&b, "a.example.org", NULL, "dns:a.example.org", "server");
	finds(&b, "dns:a.example.org", NULL, "dns:a.example.org", "server");
	finds(&b, "A.Example.org", NULL, "dns:a.example.org", "server");
	finds(&b, "b.example.org", NULL, "dns:a.example.org", "server");
	finds(&b, "jane@example.org", NULL, "xmpp:jane@example.org", "person");
	finds(&b, "\xc3\xa4.example.org", NULL, "dns:xn--4ca.example.org",
	    "server");
	misses(&b, "xmpp:a.example.org", NULL, RC_STATE,
	    "no certificate has that name; `airgap-transfer list` shows");
	misses(&b, "a.example.org", "person", RC_STATE,
	    "no certificate has that name and profile person;");
	misses(&b, "example.org", NULL, RC_STATE, "example.org: no ");
	misses(&b, "", NULL, RC_STATE, "no certificate");
	misses(&b, "dns:", NULL, RC_STATE, "no certificate");
}

static void
the_first_name_goes_before_the_others(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org,dns:b.example.org", "server", 1);
	install(&b, "dns:b.example.org", "server", 1);
	finds(&b, "b.example.org", NULL, "dns:b.example.org", "server");
	finds(&b, "a.example.org", NULL, "dns:a.example.org", "server");
}

static void
several_kinds_want_a_profile(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org", "server", 1);
	install(&b, "dns:a.example.org", "person", 1);
	misses(&b, "a.example.org", NULL, RC_USAGE,
	    "2 kinds of certificates have that name (dns:a.example.org of "
	    "profile ");
	finds(&b, "a.example.org", "person", "dns:a.example.org", "person");
	finds(&b, "a.example.org", "server", "dns:a.example.org", "server");
	/* what is over gives way to what lives */
	online_edit(&b, "UPDATE certificate SET not_after = 1799999999"
			" WHERE bundle = (SELECT min(sequence) FROM bundle)");
	finds(&b, "a.example.org", NULL, "dns:a.example.org", "person");
	online_edit(&b, "UPDATE certificate SET not_after = 1800000000"
			" WHERE bundle = (SELECT min(sequence) FROM bundle)");
	misses(&b, "a.example.org", NULL, RC_USAGE, "2 kinds");
	/* and is found when nothing lives */
	online_edit(&b, "UPDATE certificate SET not_after = 1799999999");
	online_edit(&b,
	    "UPDATE request SET names = 'dns:c.example.org',"
	    " id = 'c' WHERE bundle = (SELECT max(sequence) FROM bundle)");
	finds(&b, "a.example.org", NULL, "dns:a.example.org", "server");
}

static void
without_a_name_it_goes_by_the_request_s_id(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, NULL, "person", 1);
	finds(&b, "person", NULL, "person", "person");
	/* and one with names by either */
	install(&b, "dns:a.example.org", "server", 1);
	online_edit(&b,
	    "UPDATE request SET id = 'web' WHERE bundle = (SELECT max(sequence) FROM bundle)");
	finds(&b, "web", NULL, "dns:a.example.org", "server");
}

static size_t
load(struct online_bed *b, const char *name)
{
	WIPED(holding) h = { 0 };

	check_ok(
	    holding_load(&b->store, span_str(name), span_str("server"), &h));
	for (size_t i = 1; i < h.n; i++)
		assert_true(h.items[i - 1].not_before <= h.items[i].not_before);
	return h.n;
}

/* The first name holds them together; no other that only begins like it. */
static void
all_of_a_name_is_held_together_and_nothing_else(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org,dns:b.example.org", "server", 3);
	install(&b, "dns:a.example.org", "server", 1);
	install(&b, "dns:a.example.org,srv:_x.example.org", "server", 1);
	install(&b, "dns:a.example.org", "person", 1);
	install(&b, "dns:b.example.org", "server", 1);
	online_edit(&b, "UPDATE request SET names = 'dns:a.example.orga'"
			" WHERE bundle = (SELECT max(sequence) FROM bundle)");
	assert_int_equal(load(&b, "dns:a.example.org"), 5);
	assert_int_equal(load(&b, "dns:a.example.or"), 0);
	assert_int_equal(load(&b, "dns:b.example.org"), 0);
	assert_int_equal(load(&b, ""), 0);
}

static void
what_is_held_is_all_that_is_needed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(holding) h = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org,dns:b.example.org", "server", 2);
	online_edit(&b, "UPDATE certificate SET revoked_at = 1"
			" WHERE slot = 1");
	check_ok(holding_find(&b.store, "a.example.org", NULL, NOW, &h));
	assert_int_equal(h.n, 2);
	assert_int_equal(h.items[0].slots, 2);
	assert_false(h.items[0].revoked);
	assert_true(h.items[1].revoked);
	assert_int_equal(h.items[0].serial.n, 16);
	assert_memory_equal(h.items[0].issuer, b.ca.key_id, SHA256_LEN);
	assert_true(span_eq_str(buf_span(&h.items[0].names),
	    "dns:a.example.org\ndns:b.example.org"));
	assert_non_null(strstr(h.items[0].key_file, "keys/a.example.org-"));
	assert_int_equal(
	    h.items[0].not_after - h.items[0].not_before, 38 * DAY - 1);
}

struct each {
	size_t n;
	int64_t ends;
	char names[128];
	enum rc rc;
};

static enum rc
note(void *arg, struct span name, struct span profile, int64_t ends)
{
	struct each *e = arg;
	size_t at = strlen(e->names);

	e->n++;
	e->ends = ends;
	(void)snprintf(e->names + at, sizeof(e->names) - at, "%.*s/%.*s ",
	    SPAN_FMT(name), SPAN_FMT(profile));
	return e->rc;
}

static void
each_name_is_told_once_with_its_last_end(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct each e = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(holding_each(&b.store, note, &e));
	assert_int_equal(e.n, 0);
	install(&b, "dns:b.example.org,dns:c.example.org", "server", 3);
	install(&b, "dns:b.example.org", "server", 1);
	check_ok(holding_each(&b.store, note, &e));
	assert_string_equal(e.names, "dns:b.example.org/server ");
	assert_int_equal(e.ends, NOW - HOUR + 100 * DAY - 1);
	install(&b, NULL, "person", 1);
	e = (struct each){ .rc = RC_IO };
	assert_int_equal(holding_each(&b.store, note, &e), RC_IO);
	assert_int_equal(e.n, 1);
	e = (struct each){ 0 };
	check_ok(holding_each(&b.store, note, &e));
	assert_string_equal(e.names, "dns:b.example.org/server person/person ");
}

static void
a_damaged_digest_is_told(void **state)
{
	static const char *const columns[] = { "sha256", "issuer" };
	WIPED(online_bed) b = { 0 };
	char sql[96];

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org", "server", 1);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE certificate SET %s = x'00'", columns[i]);
		online_edit(&b, sql);
		misses(
		    &b, "a.example.org", NULL, RC_STATE, "store.db: damaged");
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE certificate SET %s = zeroblob(32)", columns[i]);
		online_edit(&b, sql);
		finds(&b, "a.example.org", NULL, "dns:a.example.org", "server");
	}
}

static enum rc
find(void *arg)
{
	struct online_bed *b = arg;
	WIPED(holding) h = { 0 };

	return holding_find(&b->store, "a.example.org", NULL, NOW, &h);
}

static void
whatever_fails_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	bed_make(&b);
	install(&b, "dns:a.example.org", "server", 2);
	each_fails(FAIL_DB, find, NULL, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_found_in_every_spelling),
		cmocka_unit_test(the_first_name_goes_before_the_others),
		cmocka_unit_test(several_kinds_want_a_profile),
		cmocka_unit_test(without_a_name_it_goes_by_the_request_s_id),
		cmocka_unit_test(
		    all_of_a_name_is_held_together_and_nothing_else),
		cmocka_unit_test(what_is_held_is_all_that_is_needed),
		cmocka_unit_test(each_name_is_told_once_with_its_last_end),
		cmocka_unit_test(a_damaged_digest_is_told),
		cmocka_unit_test(whatever_fails_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
