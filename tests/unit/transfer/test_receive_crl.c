/* SPDX-License-Identifier: Apache-2.0 */
/* What goes from HOME/crl once a response has brought others. */
#include "transfer/online/receive/receive_crl.h"

#include "tests/lib/online_fixture.h"

#include <dirent.h>
#include <dlfcn.h>

/* Armed, a directory cannot be read past so many entries. */
static size_t readable = SIZE_MAX;

struct dirent *
readdir(DIR *dir)
{
	struct dirent *(*really)(DIR *) = NULL;

	if (readable == 0) {
		errno = EIO;
		return NULL;
	}
	readable--;
	*(void **)&really = dlsym(RTLD_NEXT, "readdir");
	return really(dir);
}

static void
crl_file(const struct store *store, const char *name, bool make)
{
	WIPED(buf) path = { 0 };

	check_ok(store_crl_path(store, name, &path));
	if (!make) {
		assert_int_equal(access(buf_cstr(&path), F_OK), -1);
		assert_int_equal(errno, ENOENT);
		return;
	}
	check_ok(
	    file_replace(AT_FDCWD, buf_cstr(&path), span_str("a CRL"), 0600));
}

static void
crl_there(const struct store *store, const char *name)
{
	WIPED(buf) path = { 0 };

	check_ok(store_crl_path(store, name, &path));
	assert_int_equal(access(buf_cstr(&path), F_OK), 0);
}

/* A row for each odd number, and files up to `n`. */
static void
crls_fill(struct store *store, unsigned n)
{
	WIPED(buf) dir = { 0 };

	check_ok(store_crl_path(store, "", &dir));
	assert_int_equal(mkdir(buf_cstr(&dir), 0700), 0);
	for (unsigned i = 1; i <= n; i++) {
		struct crl_entry e = {
			.number = i, .this_update = i, .next_update = i + 1
		};
		char name[40];

		(void)snprintf(name, sizeof(name), "%u.%s", i,
		    i % 4 == 1 ? "shadow" : "crl");
		e.file = span_str(name);
		crl_file(store, name, true);
		if (i % 2 == 1)
			check_ok(store_crl_add(store, 1, &e, e.digest));
	}
}

static void
files_that_no_row_names_go(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;

	(void)state;
	online_make(&bed);
	check_ok(store_begin(store));
	check_ok(receive_crls_tidy(store)); /* there is no directory yet */
	crls_fill(store, 40);
	crl_file(store, "1.crl", true); /* row 1 names 1.shadow */
	crl_file(store, "other", true);
	check_ok(receive_crls_tidy(store));
	for (unsigned i = 1; i <= 40; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "%u.%s", i,
		    i % 4 == 1 ? "shadow" : "crl");
		if (i % 2 == 1)
			crl_there(store, name);
		else
			crl_file(store, name, false);
	}
	crl_file(store, "1.crl", false);
	crl_file(store, "other", false);
}

static void
a_directory_that_cannot_be_read_is_not_at_its_end(void **state)
{
	WIPED(online_bed) bed = { 0 };
	struct store *store = &bed.store;
	enum rc rc;

	(void)state;
	online_make(&bed);
	check_ok(store_begin(store));
	crls_fill(store, 8);
	readable = 4;
	rc = receive_crls_tidy(store);
	readable = SIZE_MAX;
	assert_int_equal(rc, RC_IO);
	assert_non_null(strstr(err_text(), "crl"));
	assert_non_null(strstr(err_text(), strerror(EIO)));
	crl_there(store, "3.crl");
	check_ok(receive_crls_tidy(store));
	crl_file(store, "2.crl", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_no_row_names_go),
		cmocka_unit_test(
		    a_directory_that_cannot_be_read_is_not_at_its_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
