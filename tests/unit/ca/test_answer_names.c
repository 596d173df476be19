/* SPDX-License-Identifier: Apache-2.0 */
/* An answer has the name of what it answers, and no two have one name. */
#include "ca/response/answer_names.h"

#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#define SET_MAX 1001

struct asked {
	struct submission s;
	char names[SET_MAX][FILE_NAME_MAX + 1];
	struct answer_names got;
};

/* `n` requests with the ids r0, r1 ... */
static struct asked *
asked_new(size_t n, bool is_loose)
{
	struct asked *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->s.is_loose = is_loose;
	a->s.bundle.requests = calloc(n + 1, sizeof(*a->s.bundle.requests));
	a->s.bundle.n_requests = n;
	a->s.loose.items = calloc(n + 1, sizeof(*a->s.loose.items));
	a->s.loose.n = n;
	for (size_t i = 0; i < n; i++)
		a->s.bundle.requests[i].id = span_str("id");
	return a;
}

static void
asked_free(struct asked *a)
{
	answer_names_wipe(&a->got);
	submission_wipe(&a->s);
	free(a);
}

static void
asked_name(struct asked *a, size_t i, const char *name)
{
	(void)snprintf(a->names[i], sizeof(a->names[i]), "%s", name);
	a->s.loose.items[i].name = span_str(a->names[i]);
}

static void
check_names(const char *const *files, const char *const *wanted, size_t n)
{
	struct asked *a = asked_new(n, true);

	for (size_t i = 0; i < n; i++)
		asked_name(a, i, files[i]);
	check_ok(answer_names_make(&a->s, &a->got));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(answer_name_get0(&a->got, i), wanted[i]);
	asked_free(a);
}

static void
a_hundred_requests_have_a_file_each_and_more_share(void **state)
{
	static const struct {
		size_t i, n;
		const char *name;
	} places[] = {
		{ 0, 100, "0001-id.pem" },
		{ 99, 100, "0100-id.pem" },
		{ 0, 101, "certs-0001.pem" },
		{ 100, 101, "certs-0001.pem" },
		{ 999, 1001, "certs-0001.pem" },
		{ 1000, 1001, "certs-0002.pem" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct asked *a = asked_new(places[i].n, false);

		check_ok(answer_names_make(&a->s, &a->got));
		assert_string_equal(
		    answer_name_get0(&a->got, places[i].i), places[i].name);
		asked_free(a);
	}
}

static void
a_loose_csr_is_answered_under_its_own_name(void **state)
{
	static const char *const files[] = { "web.csr", "mail.p10", "a.b.der",
		"gnu.pem", "noending" };
	static const char *const wanted[] = { "web.pem", "mail.pem", "a.b.pem",
		"gnu.pem", "noending.pem" };

	(void)state;
	check_names(files, wanted, 5);
}

static void
a_name_of_two_keeps_its_ending(void **state)
{
	static const char *const files[] = { "web.csr", "web.p10", "mail.csr" };
	static const char *const wanted[] = { "web.csr.pem", "web.p10.pem",
		"mail.pem" };

	(void)state;
	check_names(files, wanted, 3);
}

/* Whoever took ca.pem for the CA's certificate would be told a lie. */
static void
the_name_of_the_ca_certificate_is_nobody_elses(void **state)
{
	static const char *const files[] = { "ca.csr", "manifest.csr",
		"policy.conf.csr" };
	static const char *const wanted[] = { "ca.csr.pem", "manifest.pem",
		"policy.conf.pem" };

	(void)state;
	check_names(files, wanted, 3);
}

/* web.csr and web.p10 keep their endings, and then one is like the third. */
static void
where_names_cannot_be_told_apart_all_have_numbers(void **state)
{
	static const char *const files[] = { "web.csr", "web.p10",
		"web.csr.der" };
	static const char *const wanted[] = { "0001-id.pem", "0002-id.pem",
		"0003-id.pem" };

	(void)state;
	check_names(files, wanted, 3);
}

/* 100 characters are the most, with one ending and not with two. */
static void
a_name_is_no_longer_than_a_file_may_have(void **state)
{
	char longest[2][FILE_NAME_MAX + 1], answer[FILE_NAME_MAX + 1];
	const char *const files[] = { longest[0], longest[1] };
	const char *const stem[] = { answer };
	static const char *const numbers[] = { "0001-id.pem", "0002-id.pem" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(longest[i], 'a', FILE_NAME_MAX);
		memcpy(longest[i] + FILE_NAME_MAX - 4, i == 0 ? ".csr" : ".p10",
		    5);
	}
	memcpy(answer, longest[0], sizeof(answer));
	memcpy(answer + FILE_NAME_MAX - 4, ".pem", 4);
	check_names(files, stem, 1);
	check_names(files, numbers, 2);
}

static void
a_thousand_loose_csrs_have_a_file_each_and_more_share(void **state)
{
	static const struct {
		size_t i, n;
		const char *name;
	} places[] = {
		{ 999, 1000, "h999.pem" },
		{ 999, 1001, "certs-0001.pem" },
		{ 1000, 1001, "certs-0002.pem" },
	};

	(void)state;
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		struct asked *a = asked_new(places[p].n, true);

		for (size_t i = 0; i < places[p].n; i++) {
			char name[FILE_NAME_MAX + 1];

			(void)snprintf(name, sizeof(name), "h%zu.csr", i);
			asked_name(a, i, name);
		}
		check_ok(answer_names_make(&a->s, &a->got));
		assert_string_equal(
		    answer_name_get0(&a->got, places[p].i), places[p].name);
		asked_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_hundred_requests_have_a_file_each_and_more_share),
		cmocka_unit_test(a_loose_csr_is_answered_under_its_own_name),
		cmocka_unit_test(a_name_of_two_keeps_its_ending),
		cmocka_unit_test(
		    the_name_of_the_ca_certificate_is_nobody_elses),
		cmocka_unit_test(
		    where_names_cannot_be_told_apart_all_have_numbers),
		cmocka_unit_test(a_name_is_no_longer_than_a_file_may_have),
		cmocka_unit_test(
		    a_thousand_loose_csrs_have_a_file_each_and_more_share),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
