/* SPDX-License-Identifier: Apache-2.0 */
/* Deployments and publications as they are remembered. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/store/deployment.h"

static char path[] = "/etc/x.pem", name[] = "dns:a.example.org",
	    profile[] = "server", key[] = "/etc/x.key", from[] = "/root/k",
	    pass[] = "/root/p", command[] = "systemctl reload x";

static const struct deployment least = {
	.path = path, .name = name, .profile = profile, .format = DEPLOY_CHAIN
};

static void
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void
is_remembered(struct online_bed *b, const struct deployment *d)
{
	WIPED(deployment_list) list = { 0 };
	const struct deployment *found;

	check_ok(deployment_save(&b->store, d));
	online_reopen(b);
	check_ok(deployment_list_load(&b->store, &list));
	assert_int_equal(list.n, 1);
	found = &list.items[0];
	same_text(found->path, d->path);
	same_text(found->name, d->name);
	same_text(found->profile, d->profile);
	same_text(found->key_path, d->key_path);
	same_text(found->key_from, d->key_from);
	same_text(found->pass_source, d->pass_source);
	same_text(found->reload, d->reload);
	assert_int_equal(found->format, d->format);
	assert_int_equal(found->has_done, d->has_done);
	if (d->has_done)
		assert_true(deployment_has(found, d->done));
}

static void
one_is_remembered_whole_and_replaced_by_its_path(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct deployment full = least;

	(void)state;
	online_make(&b);
	is_remembered(&b, &least);
	full.format = DEPLOY_FULLCHAIN;
	full.key_path = key;
	full.key_from = from;
	full.pass_source = pass;
	full.reload = command;
	full.has_done = true;
	memset(full.done, 7, SHA256_LEN);
	is_remembered(&b, &full);
	/* and what was done is forgotten with the rest */
	is_remembered(&b, &least);
}

static void
done_is_of_one_certificate(void **state)
{
	uint8_t sha[SHA256_LEN] = { 1 };
	struct deployment d = least;

	(void)state;
	memcpy(d.done, sha, SHA256_LEN);
	assert_false(deployment_has(&d, sha)); /* whatever lies there */
	d.has_done = true;
	assert_true(deployment_has(&d, sha));
	sha[SHA256_LEN - 1] ^= 1;
	assert_false(deployment_has(&d, sha));
}

static void
every_format_has_a_name(void **state)
{
	enum deploy_format found;

	(void)state;
	for (int i = 0; i < DEPLOY_FORMATS; i++) {
		enum deploy_format format = (enum deploy_format)i;

		assert_true(
		    deploy_format_read(deploy_format_text(format), &found));
		assert_int_equal(found, format);
	}
	assert_false(deploy_format_read("PEMFILE", &found));
	assert_false(deploy_format_read("", &found));
}

static void
they_come_by_path_and_are_forgotten_by_it(void **state)
{
	static char other[] = "/etc/a.pem";
	WIPED(online_bed) b = { 0 };
	WIPED(deployment_list) list = { 0 };
	struct deployment d = least;
	bool known = true;

	(void)state;
	online_make(&b);
	check_ok(deployment_save(&b.store, &d));
	d.path = other;
	check_ok(deployment_save(&b.store, &d));
	check_ok(deployment_forget(&b.store, "/etc/b.pem", &known));
	assert_false(known);
	check_ok(deployment_list_load(&b.store, &list));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0].path, other);
	deployment_list_wipe(&list);
	check_ok(deployment_forget(&b.store, other, &known));
	assert_true(known);
	check_ok(deployment_list_load(&b.store, &list));
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].path, path);
}

static void
a_damaged_one_is_told(void **state)
{
	static const char *const edits[] = {
		"UPDATE deployment SET format = 'jks'",
		"UPDATE deployment SET format = 'p12', sha256 = x'00'",
		"UPDATE deployment SET format = x''",
	};
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	check_ok(deployment_save(&b.store, &least));
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		WIPED(deployment_list) list = { 0 };

		online_edit(&b, edits[i]);
		assert_int_equal(
		    deployment_list_load(&b.store, &list), RC_STATE);
		assert_non_null(strstr(err_text(), "store.db: damaged"));
		assert_int_equal(list.n, 0);
	}
}

static void
publications_are_remembered_with_a_name_or_without(void **state)
{
	static char dir[] = "/srv/www", other[] = "/srv/a";
	struct publication p = { .dir = dir };
	WIPED(online_bed) b = { 0 };
	WIPED(publication_list) list = { 0 };
	bool known = true;

	(void)state;
	online_make(&b);
	check_ok(publication_save(&b.store, &p));
	p = (struct publication){ other, name, profile };
	check_ok(publication_save(&b.store, &p));
	online_reopen(&b);
	check_ok(publication_list_load(&b.store, &list));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0].dir, other);
	assert_string_equal(list.items[0].name, name);
	assert_string_equal(list.items[0].profile, profile);
	assert_string_equal(list.items[1].dir, dir);
	assert_null(list.items[1].name);
	assert_null(list.items[1].profile);
	check_ok(publication_forget(&b.store, "/srv", &known));
	assert_false(known);
	check_ok(publication_forget(&b.store, dir, &known));
	assert_true(known);
	publication_list_wipe(&list);
	check_ok(publication_list_load(&b.store, &list));
	assert_int_equal(list.n, 1);
	/* a name without a profile is no publication */
	p.profile = NULL;
	assert_int_not_equal(publication_save(&b.store, &p), RC_OK);
}

/* ---- when something fails ------------------------------------------------ */

static enum rc
save_and_load(void *arg)
{
	struct online_bed *b = arg;
	WIPED(deployment_list) list = { 0 };
	WIPED(publication_list) published = { 0 };
	const struct publication p = { path, name, profile };
	bool known;
	enum rc rc = deployment_save(&b->store, &least);

	if (rc == RC_OK)
		rc = publication_save(&b->store, &p);
	if (rc == RC_OK)
		rc = deployment_list_load(&b->store, &list);
	if (rc == RC_OK)
		rc = publication_list_load(&b->store, &published);
	if (rc == RC_OK)
		rc = deployment_forget(&b->store, path, &known);
	return rc == RC_OK ? publication_forget(&b->store, path, &known) : rc;
}

static void
whatever_fails_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	each_fails(FAIL_DB " " FAIL_MEMORY, save_and_load, NULL, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    one_is_remembered_whole_and_replaced_by_its_path),
		cmocka_unit_test(done_is_of_one_certificate),
		cmocka_unit_test(every_format_has_a_name),
		cmocka_unit_test(they_come_by_path_and_are_forgotten_by_it),
		cmocka_unit_test(a_damaged_one_is_told),
		cmocka_unit_test(
		    publications_are_remembered_with_a_name_or_without),
		cmocka_unit_test(whatever_fails_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
