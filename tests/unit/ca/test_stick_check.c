/* SPDX-License-Identifier: Apache-2.0 */
/* Which names on a stick are responses of ours, and which of those are whole.
 * How files are compared is tested in test_media_compare.c. */
#include "tests/lib/ca_bed.h"
#include "tests/lib/ledger_fixture.h"

#include "ca/response/stick_check.h"

#include <sys/stat.h>

/* ca-id 0a0b0c0d..., and a stick with these directories of responses. */
struct bed {
	struct ledger *ledger;
	struct ledger_ca ca;
	struct media media;
	char dir[32], path[128];
};

static void
bed_make(struct bed *b, void **state)
{
	static const uint8_t id[4] = { 0x0a, 0x0b, 0x0c, 0x0d };

	check_ok(ledger_create(path_of(state), &b->ledger));
	memcpy(b->ca.ca_id, id, sizeof(id));
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/test-stick.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	check_ok(media_open(b->dir, &b->media));
}

static void
remove_all(const char *dir)
{
	char *command = NULL;

	assert_true(asprintf(&command, "rm -rf '%s'", dir) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

static void
bed_wipe(struct bed *b)
{
	media_wipe(&b->media);
	ledger_free(b->ledger);
	remove_all(b->dir);
}

static void
add(struct bed *b, const char *name)
{
	static const char *const way[] = { "airgap-ca", "airgap-ca/responses" };

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(
		    b->path, sizeof(b->path), "%s/%s", b->dir, way[i]);
		(void)mkdir(b->path, 0755);
	}
	(void)snprintf(b->path, sizeof(b->path), "%s/" MEDIA_RESPONSES "/%s",
	    b->dir, name);
	assert_int_equal(mkdir(b->path, 0755), 0);
}

static void
empty_stick_has_nothing(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(stick_look) look = { 0 };

	bed_make(&b, state);
	check_ok(stick_look(&b.media, NULL, b.ledger, &b.ca, &look));
	assert_int_equal(look.n + look.n_foreign, 0);
}

static void
response_that_was_never_made_is_unknown(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(stick_look) look = { 0 };
	size_t n = 9;

	bed_make(&b, state);
	add(&b, "0a0b0c0d-01020304-000001");
	add(&b, "0a0b0c0d-01020304-1000000");
	add(&b, "0a0b0c0d-loose-000002");
	check_ok(stick_look(&b.media, NULL, b.ledger, &b.ca, &look));
	assert_int_equal(look.n, 3);
	assert_int_equal(look.n_foreign, 0);
	for (size_t i = 0; i < look.n; i++)
		assert_false(look.items[i].known);
	assert_int_equal(look.items[0].sequence, 1);
	assert_int_equal(look.items[1].sequence, 1000000);
	assert_int_equal(look.items[2].sequence, 2);

	/* And is not recorded as found. */
	check_ok(stick_record(b.ledger, T0, span_str(POLICY_ONE), &look, &n));
	assert_int_equal(n, 0);
}

static void
name_that_we_would_not_write_is_foreign(void **state)
{
	static const char *const names[] = {
		"0a0b0c0e-01020304-000001",	  /* another CA */
		"0a0b0c0d-01020304-000001.bad-1", /* moved aside */
		"0a0b0c0d-01020304-1",
		"0a0b0c0d-01020304-0000001",
		"0a0b0c0d-01020304-000000",
		"0a0b0c0d-01020304-00000a",
		"0a0b0c0d-0102030-0000001",
		"0a0b0c0d-010203040-00001",
		"0a0b0c0d-tight-000001",
		"0a0b0c0d",
		"0a0b0c0d-loose",
		"notes",
	};
	const size_t n = sizeof(names) / sizeof(*names);
	WIPED(bed) b = { 0 };
	WIPED(stick_look) look = { 0 };

	bed_make(&b, state);
	for (size_t i = 0; i < n; i++)
		add(&b, names[i]);
	check_ok(stick_look(&b.media, NULL, b.ledger, &b.ca, &look));
	assert_int_equal(look.n, 0);
	assert_int_equal(look.n_foreign, n);
}

/* ---- what a CA has written
 * --------------------------------------------------- */

/* A stick with the first response of a requester. */
struct stick_bed {
	struct ca_bed b;
	char dir[64];
	struct media media;
	struct response response;
	struct stick_look look;
};

static void
stick_bed_wipe(struct stick_bed *s)
{
	stick_look_wipe(&s->look);
	response_wipe(&s->response);
	media_wipe(&s->media);
	test_dir_remove(s->dir);
	ca_bed_wipe(&s->b);
}

static void
stick_bed_make(struct stick_bed *s)
{
	WIPED(offer) o = { 0 };
	WIPED(buf) note = { 0 };

	test_dir_make(s->dir, sizeof(s->dir));
	check_ok(media_open(s->dir, &s->media));
	ca_bed_make(&s->b, "ec-p256", JUDGE_FAKE);
	offer_make(&s->b, &o, 2, 1);
	offer_read(&s->b, &o);
	check_ok(offer_answer(&s->b, &o, &s->response));
	check_ok(
	    response_write(&s->b.v.act.home, &s->media, &s->response, &note));
}

static void
look_again(struct stick_bed *s)
{
	stick_look_wipe(&s->look);
	check_ok(
	    stick_look(&s->media, NULL, s->b.v.act.ledger, &s->b.v.act.ca, &s->look));
	assert_int_equal(s->look.n, 1);
	assert_true(s->look.items[0].known);
}

static size_t
record(struct stick_bed *s)
{
	size_t n = 9;

	check_ok(stick_record(s->b.v.act.ledger, NOW,
	    buf_span(&s->b.v.act.policy.text), &s->look, &n));
	return n;
}

static void
a_whole_response_is_recorded_once(void **state)
{
	WIPED(stick_bed) s = { 0 };

	(void)state;
	stick_bed_make(&s);
	look_again(&s);
	assert_int_equal(s.look.items[0].faults.n, 0);
	assert_string_equal(s.look.items[0].dir, s.response.dir);
	/* What lies in memory only is not found: say that it was not so. */
	s.look.items[0].faults.past_cache = true;
	assert_int_equal(record(&s), 1);
	ledger_story_check(s.b.v.act.ledger, "EbttCCmk");
	assert_int_equal(record(&s), 0);
	ledger_story_check(s.b.v.act.ledger, "EbttCCmk");
}

static void
what_came_from_the_cache_is_not_recorded(void **state)
{
	WIPED(stick_bed) s = { 0 };

	(void)state;
	stick_bed_make(&s);
	look_again(&s);
	s.look.items[0].faults.past_cache = false;
	assert_int_equal(record(&s), 0);
	ledger_story_check(s.b.v.act.ledger, "EbttCCm");
}

static void
what_arrived_is_not_recorded(void **state)
{
	WIPED(stick_bed) s = { 0 };
	WIPED(offer) two = { 0 };
	WIPED(response) response = { 0 };

	(void)state;
	stick_bed_make(&s);
	offer_make(&s.b, &two, 1, 1);
	offer_follows(&two, &s.response);
	offer_seal(&s.b, &two);
	offer_read(&s.b, &two);
	check_ok(offer_answer(&s.b, &two, &response)); /* its head says so */
	look_again(&s);
	s.look.items[0].faults.past_cache = true;
	assert_int_equal(record(&s), 0);
}

static void
a_response_with_a_changed_file_is_not_recorded(void **state)
{
	WIPED(stick_bed) s = { 0 };
	char path[300];

	(void)state;
	stick_bed_make(&s);
	(void)snprintf(
	    path, sizeof(path), "%s/%s/0002-r1.pem", s.dir, s.response.dir);
	assert_int_equal(truncate(path, 10), 0);
	look_again(&s);
	assert_int_equal(s.look.items[0].faults.n, 1);
	assert_string_equal(
	    s.look.items[0].faults.items[0].name, "0002-r1.pem");
	s.look.items[0].faults.past_cache = true;
	assert_int_equal(record(&s), 0);
}

static void
a_clock_that_is_behind_records_nothing(void **state)
{
	WIPED(stick_bed) s = { 0 };
	size_t n = 9;

	(void)state;
	stick_bed_make(&s);
	look_again(&s);
	s.look.items[0].faults.past_cache = true;
	check_rule(stick_record(s.b.v.act.ledger, NOW - 1,
		       buf_span(&s.b.v.act.policy.text), &s.look, &n),
	    "CLOCK-BEHIND", "");
	ledger_story_check(s.b.v.act.ledger, "EbttCCm");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(empty_stick_has_nothing),
		T(response_that_was_never_made_is_unknown),
		T(name_that_we_would_not_write_is_foreign),
		cmocka_unit_test(a_whole_response_is_recorded_once),
		cmocka_unit_test(what_came_from_the_cache_is_not_recorded),
		cmocka_unit_test(what_arrived_is_not_recorded),
		cmocka_unit_test(
		    a_response_with_a_changed_file_is_not_recorded),
		cmocka_unit_test(a_clock_that_is_behind_records_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
