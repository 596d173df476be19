/* SPDX-License-Identifier: Apache-2.0 */
/* certs/ and ca.pem: made from the store, and made again. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include <dirent.h>

#define TEMPORARY ".new" /* put behind the final name by base/file */

/* The files of certs/, whole ones under their own names and half-made ones. */
struct files {
	size_t whole, temporary;
};

/* A host with three certificates of a series and one of another name. */
static void
filled_make(struct online_bed *b)
{
	struct reception all;

	online_make(b);
	online_answer(b,
	    online_send_one(b, "dns:a.example.org,srv:_x.example.org", 3),
	    NULL);
	online_answer(b, online_send_one(b, "dns:b.example.org", 1), NULL);
	check_ok(online_take(b, true, NULL, NULL, &all));
	assert_int_equal(all.n_certs, 4);
}

static void
writes(struct online_bed *b, size_t wanted)
{
	size_t n = 99;

	check_ok(online_files_write(b->home, &b->store, &n));
	assert_int_equal(n, wanted);
}

/* A file under its own name is one whole certificate, of the store. */
static void
check_whole(struct online_bed *b, const char *path)
{
	WIPED(buf) pem = { 0 };
	WIPED(buf) der = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	struct span rest;
	bool more = false, row = false;

	check_ok(file_read(AT_FDCWD, path, 65536, &pem));
	rest = buf_span(&pem);
	check_ok(pem_next(path, PEM_CERTIFICATE, &rest, &der, &more));
	assert_true(more);
	assert_int_equal(rest.n, 0);
	check_ok(db_prepare(
	    &b->store.db, "SELECT 1 FROM certificate WHERE der = ?1", &st));
	check_ok(db_bind(&b->store.db, st, "b", buf_span(&der)));
	check_ok(db_step(&b->store.db, st, &row));
	assert_true(row);
}

static void
count_dir(struct online_bed *b, const char *dir, struct files *ret)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		const char *path = online_path(dir, e->d_name);
		const char *end = strstr(e->d_name, TEMPORARY);

		if (*e->d_name == '.')
			continue;
		if (e->d_type == DT_DIR) {
			count_dir(b, path, ret);
		} else if (end != NULL) {
			ret->temporary++;
		} else {
			ret->whole++;
			check_whole(b, path);
		}
	}
	(void)closedir(d);
}

static struct files
files_of(struct online_bed *b)
{
	struct files f = { 0 };

	count_dir(b, online_path(b->home, "certs"), &f);
	return f;
}

/* "certs/a.example.org/20270115-SERIAL.pem" of one slot of the first bundle. */
static const char *
cert_file(struct online_bed *b, const char *dir, unsigned place)
{
	OWN(sqlite3_stmt) *st = NULL;
	char hex[41], name[96], sql[96], day[DUR_TEXT];
	bool row = false;

	(void)snprintf(sql, sizeof(sql),
	    "SELECT serial, strftime('%%Y%%m%%d', not_before, 'unixepoch')"
	    " FROM certificate WHERE slot = %u",
	    place);
	check_ok(db_prepare(&b->store.db, sql, &st));
	check_ok(db_step(&b->store.db, st, &row));
	assert_true(row);
	hex_write(db_blob(st, 0), hex);
	(void)snprintf(day, sizeof(day), "%.*s", SPAN_FMT(db_text(st, 1)));
	(void)snprintf(name, sizeof(name), "certs/%s/%s-%s.pem", dir, day, hex);
	return online_path(b->home, name);
}

static void
every_certificate_has_a_file_by_name_day_and_serial(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct files f;
	struct stat st;

	(void)state;
	filled_make(&b);
	writes(&b, 4);
	f = files_of(&b);
	assert_int_equal(f.whole, 4);
	assert_int_equal(f.temporary, 0);
	assert_int_equal(stat(cert_file(&b, "a.example.org", 1), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(stat(cert_file(&b, "a.example.org", 2), &st), 0);
	assert_int_equal(
	    access(online_path(b.home, "certs/b.example.org"), F_OK), 0);
	writes(&b, 0);
}

static void
what_is_there_is_never_written_again(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(buf) found = { 0 };
	const char *path;

	(void)state;
	filled_make(&b);
	writes(&b, 4);
	path = cert_file(&b, "a.example.org", 1);
	check_ok(file_replace(AT_FDCWD, path, span_str("mine\n"), 0644));
	writes(&b, 0);
	check_ok(file_read(AT_FDCWD, path, 100, &found));
	assert_true(span_eq_str(buf_span(&found), "mine\n"));
	/* not even through a link that leads to nothing */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/tmp/no-such-file-at-all", path), 0);
	writes(&b, 0);
	assert_int_equal(access("/tmp/no-such-file-at-all", F_OK), -1);
	/* but one that is gone is made again */
	assert_int_equal(unlink(path), 0);
	writes(&b, 1);
	assert_int_equal(files_of(&b).whole, 4);
}

/* The name's bytes never leave the directory that is for them. */
static void
name_becomes(const char *name, const char *wanted)
{
	WIPED(buf) out = { 0 };

	check_ok(online_name_write(span_str(name), &out));
	if (!span_eq_str(buf_span(&out), wanted))
		fail_msg("%s: %.*s", name, SPAN_FMT(buf_span(&out)));
}

static void
a_name_is_one_plain_component(void **state)
{
	char longest[122], cut[121];

	(void)state;
	name_becomes("a.example-1_B.org", "a.example-1_B.org");
	name_becomes("*.example.org", "_.example.org");
	name_becomes("../../etc/passwd", "_._.._etc_passwd");
	name_becomes(".", "_");
	name_becomes("..", "_.");
	name_becomes(".hidden", "_hidden");
	name_becomes("a@\xc3\xa4.example/\n", "a___.example__");
	memset(longest, 'a', 121);
	longest[121] = '\0';
	memset(cut, 'a', 120);
	cut[120] = '\0';
	name_becomes(longest, cut);
	name_becomes(cut, cut);
}

static void
without_a_name_it_is_the_request_s_id(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	filled_make(&b);
	online_edit(&b, "UPDATE request SET names = '', id = 'r/1'"
			" WHERE bundle = (SELECT min(sequence) FROM bundle)");
	writes(&b, 4);
	assert_int_equal(access(cert_file(&b, "r_1", 1), F_OK), 0);
}

static void
ca_pem_is_what_is_pinned_and_repaired(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(buf) issuer = { 0 };
	WIPED(buf) wanted = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *above = NULL;
	const char *path;

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	above = ca_cert_make(key, "CN=Root", NULL);
	cert_der(above, &issuer);
	online_enrol(&b, PLAIN_POLICY, buf_span(&issuer));
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&b.ca.der), &wanted));
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&issuer), &wanted));
	path = online_path(b.home, "ca.pem");
	for (int i = 0; i < 4; i++) {
		WIPED(buf) found = { 0 };

		writes(&b, 0);
		check_ok(file_read(AT_FDCWD, path, 65536, &found));
		assert_true(span_eq(buf_span(&found), buf_span(&wanted)));
		/* changed, grown, gone */
		if (i == 0)
			check_ok(file_replace(
			    AT_FDCWD, path, span_str("others\n"), 0644));
		if (i == 1)
			assert_int_equal(
			    truncate(path, (off_t)wanted.n + 1), 0);
		if (i == 2)
			assert_int_equal(unlink(path), 0);
	}
}

/* A link in the way of a temporary name is not written through. */
static void
a_link_in_the_way_is_not_written_through(void **state)
{
	WIPED(online_bed) b = { 0 };
	char path[320], target[320];
	size_t n = 99;

	(void)state;
	filled_make(&b);
	writes(&b, 4);
	(void)snprintf(
	    path, sizeof(path), "%s", cert_file(&b, "a.example.org", 1));
	assert_int_equal(unlink(path), 0);
	(void)snprintf(target, sizeof(target), "%s/target", b.home);
	check_ok(file_create(AT_FDCWD, target, span_str("precious"), 0600));
	(void)strcat(path, TEMPORARY);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(online_files_write(b.home, &b.store, &n), RC_IO);
	assert_non_null(strstr(err_text(), ".pem: cannot be made"));
	assert_int_equal(n, 99);
	{
		WIPED(buf) found = { 0 };

		check_ok(file_read(AT_FDCWD, target, 100, &found));
		assert_true(span_eq_str(buf_span(&found), "precious"));
	}
	assert_int_equal(unlink(path), 0);
	writes(&b, 1);
}

/* Half a file that a killed run left is begun anew. */
static void
a_half_made_file_is_begun_anew(void **state)
{
	WIPED(online_bed) b = { 0 };
	char path[320];

	(void)state;
	filled_make(&b);
	writes(&b, 4);
	(void)snprintf(
	    path, sizeof(path), "%s", cert_file(&b, "a.example.org", 1));
	assert_int_equal(unlink(path), 0);
	(void)strcat(path, TEMPORARY);
	check_ok(file_create(AT_FDCWD, path,
	    span_str("-----BEGIN CERTIFICATE-----\nlonger than"), 0600));
	assert_int_equal(truncate(path, 100000), 0);
	writes(&b, 1);
	assert_int_equal(files_of(&b).whole, 4);
	assert_int_equal(files_of(&b).temporary, 0);
}

static void
no_place_for_them_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };
	size_t n = 99;
	const char *certs;

	(void)state;
	filled_make(&b);
	certs = online_path(b.home, "certs");
	check_ok(file_create(AT_FDCWD, certs, span_str(""), 0600));
	assert_int_equal(online_files_write(b.home, &b.store, &n), RC_IO);
	assert_int_equal(unlink(certs), 0);
	assert_int_equal(
	    online_files_write("/no/such/home", &b.store, &n), RC_IO);
	assert_int_equal(n, 99);
	writes(&b, 4);
}

static void
a_damaged_store_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };
	size_t n = 99;

	(void)state;
	filled_make(&b);
	online_edit(&b,
	    "UPDATE certificate SET sha256 = x'00'"
	    " WHERE serial = (SELECT min(serial) FROM certificate)");
	assert_int_equal(online_files_write(b.home, &b.store, &n), RC_STATE);
	assert_non_null(strstr(err_text(), "store.db: damaged"));
	online_edit(&b, "UPDATE certificate SET sha256 = zeroblob(32)"
			" WHERE length(sha256) = 1");
	online_edit(&b, "INSERT INTO ca_cert (der, issuer)"
			" VALUES (x'3082ffff', 1)");
	assert_int_equal(online_files_write(b.home, &b.store, &n), RC_STATE);
	assert_string_equal(err_text(), "store: damaged");
	assert_int_equal(n, 99);
}

/* ---- when something fails ------------------------------------------------ */

static enum rc
write_again(void *arg)
{
	struct online_bed *b = arg;
	size_t n;

	return online_files_write(b->home, &b->store, &n);
}

/* Whatever has a name is whole, and the next run makes the rest; then all
 * begins anew. */
static void
is_finished_by_the_next(void *arg)
{
	struct online_bed *b = arg;
	struct files f = files_of(b);
	size_t n = 0;

	check_ok(online_files_write(b->home, &b->store, &n));
	assert_int_equal(f.whole + n, 4);
	f = files_of(b);
	assert_int_equal(f.whole, 4);
	assert_int_equal(f.temporary, 0);
	remove_tree(online_path(b->home, "certs"));
	assert_int_equal(unlink(online_path(b->home, "ca.pem")), 0);
}

static void
whatever_fails_a_name_stands_for_a_whole_file(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct files f;

	(void)state;
	filled_make(&b);
	each_fails(
	    FAIL_FILE " " FAIL_DB, write_again, is_finished_by_the_next, &b);
	f = files_of(&b);
	assert_int_equal(f.whole, 4);
	assert_int_equal(f.temporary, 0);
}

static void
without_memory_nothing_is_half_done(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	filled_make(&b);
	each_fails(FAIL_MEMORY, write_again, is_finished_by_the_next, &b);
	assert_int_equal(files_of(&b).whole, 4);
}

/* A name stands for a whole file over a power cut, too: contents are brought to
 * the disk before names, and names before anybody is told of them. */
static void
contents_are_synced_before_names(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	filled_make(&b);
	sync_was_late = 0;
	sync_is_due = false;
	writes(&b, 4);
	assert_int_equal(sync_was_late, 0);
	assert_false(sync_is_due_of_names);
}

static enum rc
write_as_a_process(void *arg)
{
	struct online_bed *b = arg;
	WIPED(store) store = { 0 };
	size_t n;
	enum rc rc = online_open(b->home, true, &store);

	return rc != RC_OK ? rc : online_files_write(b->home, &store, &n);
}

static void
is_finished_by_another(void *arg)
{
	struct online_bed *b = arg;

	check_ok(online_open(b->home, true, &b->store));
	is_finished_by_the_next(b);
	store_wipe(&b->store);
}

static void
a_run_that_is_killed_anywhere_is_finished_by_the_next(void **state)
{
	WIPED(online_bed) b = { 0 };
	struct files f;

	(void)state;
	filled_make(&b);
	store_wipe(&b.store);
	each_dies(FAIL_FILE " " FAIL_MKDIR, write_as_a_process,
	    is_finished_by_another, &b);
	check_ok(online_open(b.home, true, &b.store));
	f = files_of(&b);
	assert_int_equal(f.whole, 4);
	assert_int_equal(f.temporary, 0);
	writes(&b, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_certificate_has_a_file_by_name_day_and_serial),
		cmocka_unit_test(what_is_there_is_never_written_again),
		cmocka_unit_test(a_name_is_one_plain_component),
		cmocka_unit_test(without_a_name_it_is_the_request_s_id),
		cmocka_unit_test(ca_pem_is_what_is_pinned_and_repaired),
		cmocka_unit_test(a_link_in_the_way_is_not_written_through),
		cmocka_unit_test(a_half_made_file_is_begun_anew),
		cmocka_unit_test(no_place_for_them_is_told),
		cmocka_unit_test(a_damaged_store_is_told),
		cmocka_unit_test(whatever_fails_a_name_stands_for_a_whole_file),
		cmocka_unit_test(without_memory_nothing_is_half_done),
		cmocka_unit_test(contents_are_synced_before_names),
		cmocka_unit_test(
		    a_run_that_is_killed_anywhere_is_finished_by_the_next),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
