/* SPDX-License-Identifier: Apache-2.0 */
/* What this side gives back of the CA's doing: to the byte, or not at all. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/receive/history.h"

/* What comes out of the store for one manifest. */
struct given {
	struct online_bed *bed;
	struct layout files;
	uint32_t sequence;
	size_t n;
};

static void
given_wipe(struct given *g)
{
	layout_wipe(&g->files);
}

static enum rc
make(void *arg, const struct stored_manifest *m)
{
	struct given *g = arg;

	layout_wipe(&g->files);
	g->files = (struct layout){ 0 };
	g->sequence = m->sequence;
	g->n++;
	return history_make(&g->bed->store, m, &g->files);
}

static enum rc
give(struct given *g, uint32_t from)
{
	g->n = 0;
	return store_each_manifest(&g->bed->store, from, make, g);
}

static const struct answer_how best;

static void
answered(
    struct online_bed *b, const struct answer_how *how, struct ca_answer *a)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org",
		    .key = "ec-p256",
		    .count = 3,
		    .overlap = 7 * DAY },
		{ .names = "dns:b.example.org", .key = "ec-p256" },
	};

	answer_make(b, online_send(b, asks, 2), how, a);
	answer_seal(b, a);
	answer_put(b, a, NULL);
	answer_went_out(b, a);
	online_receive(b);
}

static struct span
file_of(const struct given *g, const char *name)
{
	for (size_t i = 0; i < g->files.n; i++)
		if (strcmp(g->files.names[i], name) == 0)
			return buf_span(&g->files.bytes[i]);
	return SPAN_NONE;
}

/* As the CA's own directory was, with the bundle behind it. */
static void
is_what_came(const struct given *g, const struct ca_answer *a)
{
	assert_int_equal(g->files.n, a->n_files + 2);
	for (size_t i = 0; i < a->n_files; i++)
		assert_true(
		    span_eq(file_of(g, a->names[i]), buf_span(&a->files[i])));
	assert_true(
	    span_eq(file_of(g, "manifest.cose"), buf_span(&a->manifest_file)));
	assert_true(
	    span_eq(file_of(g, "bundle.cose"), buf_span(&a->bundle_file)));
}

static void
a_response_comes_out_as_it_came_in(void **state)
{
	static const struct answer_how refused = { .refused = 2 };
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) one = { 0 };
	WIPED(ca_answer) two = { 0 };
	WIPED(given) g = { .bed = &b };

	(void)state;
	online_make(&b);
	check_ok(give(&g, 1));
	assert_int_equal(g.n, 0);
	answered(&b, &best, &one);
	check_ok(give(&g, 1));
	is_what_came(&g, &one);
	answered(&b, &refused, &two);
	check_ok(give(&g, 1));
	assert_int_equal(g.n, 2);
	is_what_came(&g, &two);
	check_ok(give(&g, 2));
	assert_int_equal(g.n, 1);
	assert_int_equal(g.sequence, 2);
	check_ok(give(&g, 3));
	assert_int_equal(g.n, 0);
}

#define NEXT_POLICY \
	"[ca]\nscope = example.org\nbackdate = 2h\nclock-horizon = 400d\n" \
	"[profile server]\nsubject = first-name\n" PLAIN_PROFILE

static void
a_policy_comes_out_with_the_response_that_brought_it(void **state)
{
	static const struct answer_how changed = { .policy = NEXT_POLICY };
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) one = { 0 };
	WIPED(ca_answer) two = { 0 };
	WIPED(given) g = { .bed = &b };

	(void)state;
	online_make(&b);
	answered(&b, &changed, &one);
	answered(&b, &best, &two);
	check_ok(give(&g, 2));
	is_what_came(&g, &two);
	assert_int_equal(file_of(&g, "policy.conf").n, 0);
	online_edit(&b, "DELETE FROM manifest WHERE sequence = 2");
	check_ok(give(&g, 1));
	is_what_came(&g, &one);
	online_edit(&b, "UPDATE policy SET sha256 = zeroblob(32)"
			" WHERE CAST(text AS TEXT) LIKE '%backdate = 2h%'");
	assert_int_equal(give(&g, 1), RC_STATE);
	assert_non_null(strstr(err_text(), "a policy is missing"));
}

/* Of all that are pinned by now, the one that was sent then. */
static void
the_ca_s_certificate_is_that_of_then(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(given) g = { .bed = &b };
	WIPED(buf) renewed = { 0 };
	OWN(X509) *again = NULL;

	(void)state;
	online_make(&b);
	answered(&b, &best, &a);
	again = ca_cert_make(b.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(again, &renewed);
	check_ok(trust_add_ca(&b.store.trust, "CA", buf_span(&renewed)));
	check_ok(give(&g, 1));
	is_what_came(&g, &a);
	trust_wipe(&b.store.trust);
	b.store.trust = (struct trust){ 0 };
	check_ok(trust_add_ca(&b.store.trust, "CA", buf_span(&renewed)));
	assert_int_equal(give(&g, 1), RC_STATE);
	assert_string_equal(
	    err_text(), "response 1: the CA certificate of then is gone");
	assert_int_equal(g.files.n, 0);
}

static void
what_does_not_come_out_as_it_was_is_told(void **state)
{
	static const struct {
		const char *edit, *words;
	} cases[] = {
		{ "UPDATE certificate SET der = x'3000' WHERE slot = 1",
		    "response 1: " },
		{ "DELETE FROM certificate WHERE slot = 2",
		    "a certificate is missing" },
		{ "UPDATE manifest SET file = x'00'", "response 1: " },
	};
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(given) g = { .bed = &b };

	(void)state;
	online_make(&b);
	answered(&b, &best, &a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		online_edit(&b, cases[i].edit);
		assert_int_equal(give(&g, 1), RC_STATE);
		if (strstr(err_text(), cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].edit, err_text());
		assert_int_equal(g.files.n, 0);
	}
}

static void
its_path_is_of_the_channel(void **state)
{
	WIPED(online_bed) b = { 0 };
	char path[MEDIA_NAME_MAX], wanted[MEDIA_NAME_MAX], ca[9], us[9];

	(void)state;
	online_make(&b);
	hex_write(span_of(b.ca.id, 4), ca);
	hex_write(span_of(b.store.channel.requester, 4), us);
	(void)snprintf(
	    wanted, sizeof(wanted), "airgap-ca/history/%s-%s/000007", ca, us);
	history_path(&b.store, 7, path);
	assert_string_equal(path, wanted);
	(void)snprintf(wanted, sizeof(wanted),
	    "airgap-ca/history/%s-%s/4294967295", ca, us);
	history_path(&b.store, UINT32_MAX, path);
	assert_string_equal(path, wanted);
}

static enum rc
give_all(void *arg)
{
	return give(arg, 1);
}

static void
is_empty(void *arg)
{
	const struct given *g = arg;

	assert_int_equal(g->files.n, 0);
}

static void
whatever_fails_nothing_half_comes_out(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(ca_answer) a = { 0 };
	WIPED(given) g = { .bed = &b };

	(void)state;
	online_make(&b);
	answered(&b, &best, &a);
	each_fails(FAIL_MEMORY, give_all, is_empty, &g);
	each_fails(FAIL_DB, give_all, NULL, &g);
	is_what_came(&g, &a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_comes_out_as_it_came_in),
		cmocka_unit_test(
		    a_policy_comes_out_with_the_response_that_brought_it),
		cmocka_unit_test(the_ca_s_certificate_is_that_of_then),
		cmocka_unit_test(what_does_not_come_out_as_it_was_is_told),
		cmocka_unit_test(its_path_is_of_the_channel),
		cmocka_unit_test(whatever_fails_nothing_half_comes_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
