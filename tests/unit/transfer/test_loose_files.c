/* SPDX-License-Identifier: Apache-2.0 */
/* Loose CSRs from files that the operator names. */
#include "tests/lib/check.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "transfer/online/receive/loose_files.h"
#include "transfer/online/request/compose.h"
#include "transfer/x509/pem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct bed {
	char dir[32], a[64], b[64];
	struct buf ders[2];
};

static struct reader reader;

static int
reader_begin(void **state)
{
	(void)state;
	reader = READER_NONE;
	return reader_start(&reader, NULL) == RC_OK ? 0 : -1;
}

static int
reader_end(void **state)
{
	(void)state;
	reader_wipe(&reader);
	return 0;
}

static void
csr_make(struct buf *ret)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	check_ok(compose_csr(key, NULL, 0, ret));
}

static void
bed_make(struct bed *b)
{
	(void)strcpy(b->dir, "/tmp/loose.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->a, sizeof(b->a), "%s/a.csr", b->dir);
	(void)snprintf(b->b, sizeof(b->b), "%s/b.csr", b->dir);
	csr_make(&b->ders[0]);
	csr_make(&b->ders[1]);
}

static void
bed_wipe(struct bed *b)
{
	char command[64];

	buf_wipe(&b->ders[0]);
	buf_wipe(&b->ders[1]);
	(void)snprintf(command, sizeof(command), "rm -r %s", b->dir);
	assert_int_equal(system(command), 0);
}

static void
put(const char *path, struct span bytes)
{
	check_ok(file_replace(AT_FDCWD, path, bytes, 0644));
}

/* The CSRs as PEM, `n` of them in one file. */
static void
put_pem(const struct bed *b, const char *path, size_t n)
{
	WIPED(buf) pem = { 0 };

	for (size_t i = 0; i < n; i++)
		check_ok(pem_write(
		    "CERTIFICATE REQUEST", buf_span(&b->ders[i]), &pem));
	put(path, buf_span(&pem));
}

static enum rc
read_both(const struct bed *b, struct loose_files *ret)
{
	const char *const paths[] = { b->a, b->b };

	return loose_files_read(&reader, paths, 2, ret);
}

#define refuses(b, words) \
	do { \
		WIPED(loose_files) none_ = { 0 }; \
		check_rule(read_both((b), &none_), "CSR-FORM", (words)); \
		assert_int_equal(none_.set.n, 0); \
	} while (0)

static bool
has(const struct loose_files *f, const char *name, struct span der)
{
	for (size_t i = 0; i < f->set.n; i++)
		if (span_eq_str(f->set.items[i].name, name) &&
		    span_eq(f->set.items[i].der, der))
			return true;
	return false;
}

static void
der_and_pem_are_read_into_one_sorted_set(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(loose_files) f = { 0 };

	(void)state;
	bed_make(&b);
	put_pem(&b, b.a, 1);
	put(b.b, buf_span(&b.ders[1]));
	check_ok(read_both(&b, &f));
	assert_int_equal(f.set.n, 2);
	assert_true(has(&f, b.a, buf_span(&b.ders[0])));
	assert_true(has(&f, b.b, buf_span(&b.ders[1])));
	assert_true(memcmp(f.set.items[0].digest, f.set.items[1].digest,
			SHA256_LEN) < 0);
	assert_int_equal(strlen(f.set.items[0].id), LOOSE_ID_LEN);
}

static void
the_same_csr_twice_counts_once(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(loose_files) f = { 0 };

	(void)state;
	bed_make(&b);
	put_pem(&b, b.a, 1);
	put(b.b, buf_span(&b.ders[0]));
	check_ok(read_both(&b, &f));
	assert_int_equal(f.set.n, 1);
	assert_true(span_eq(f.set.items[0].der, buf_span(&b.ders[0])));
}

static void
what_is_no_single_csr_is_refused_by_its_file(void **state)
{
	WIPED(bed) b = { 0 };
	char words[96];

	(void)state;
	bed_make(&b);
	(void)snprintf(words, sizeof(words), "%s: ", b.b);
	put_pem(&b, b.a, 1);
	put_pem(&b, b.b, 2); /* two in one file */
	refuses(&b, words);
	put(b.b, span_str("no CSR at all\n"));
	refuses(&b, words);
	put(b.b, SPAN_NONE);
	refuses(&b, words);
}

static void
what_is_too_large_or_no_file_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(loose_files) f = { 0 };
	char words[96];

	(void)state;
	bed_make(&b);
	(void)snprintf(words, sizeof(words), "%s: ", b.b);
	put_pem(&b, b.a, 1);
	put(b.b, SPAN_NONE);
	assert_int_equal(truncate(b.b, 2 * CSR_MAX + 1), 0);
	refuses(&b, words);
	assert_int_equal(unlink(b.b), 0);
	assert_int_equal(mkdir(b.b, 0755), 0);
	refuses(&b, words);
	assert_int_equal(rmdir(b.b), 0);
	assert_int_equal(read_both(&b, &f), RC_IO); /* missing */
	assert_int_equal(rule_spoken(), RULE_NONE);
	assert_non_null(strstr(err_text(), b.b));
}

static void
a_set_has_its_limit(void **state)
{
	static const char *paths[LOOSE_MAX + 1];
	WIPED(loose_files) f = { 0 };

	(void)state;
	for (size_t i = 0; i <= LOOSE_MAX; i++)
		paths[i] = "/no/such/file";
	assert_int_equal(
	    loose_files_read(&reader, paths, LOOSE_MAX + 1, &f), RC_USAGE);
	assert_string_equal(
	    err_text(), "10001 CSRs; a set has at most 10000 of them");
	/* one less is looked at */
	assert_int_equal(
	    loose_files_read(&reader, paths, LOOSE_MAX, &f), RC_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    der_and_pem_are_read_into_one_sorted_set, reader_begin,
		    reader_end),
		cmocka_unit_test_setup_teardown(
		    the_same_csr_twice_counts_once, reader_begin, reader_end),
		cmocka_unit_test_setup_teardown(
		    what_is_no_single_csr_is_refused_by_its_file, reader_begin,
		    reader_end),
		cmocka_unit_test_setup_teardown(
		    what_is_too_large_or_no_file_is_refused, reader_begin,
		    reader_end),
		cmocka_unit_test_setup_teardown(
		    a_set_has_its_limit, reader_begin, reader_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
