/* SPDX-License-Identifier: Apache-2.0 */
/* CSR files by way of a reader process. What one says that was taken over is in
 * test_reader_client.c and tests/e2e/79-subverted-online.t. */
#include "transfer/reader/reader_files.h"

#include "base/own_ssl.h"
#include "tests/lib/test_dir.h"
#include "tests/lib/vector.h"
#include "transfer/media/csr_files.h"

#include <stdlib.h>

#define MANY (2 * CSR_FILES_MAX + 3)

struct files {
	char dir[64];
	char *paths[MANY];
	size_t n;
	struct reader reader;
	/* what was taken */
	size_t taken;
	enum rc end; /* what the third of them comes to */
	bool der_only;
	bool goes_on;	  /* behind a refusal */
	size_t n_refused; /* each with its place among all */
	enum rule last;	  /* of the last one */
};

static void
files_wipe(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->paths[i]);
	reader_wipe(&f->reader);
	test_dir_remove(f->dir);
}

static void
files_make(struct files *f)
{
	test_dir_make(f->dir, sizeof(f->dir));
	f->reader = READER_NONE;
	check_ok(reader_start(&f->reader, NULL));
}

static void
put(struct files *f, struct span bytes)
{
	assert_true(asprintf(&f->paths[f->n], "%s/%zu.csr", f->dir, f->n) > 0);
	check_ok(file_create(AT_FDCWD, f->paths[f->n++], bytes, 0600));
}

static void
put_vector(struct files *f, const char *name)
{
	WIPED(buf) file = { 0 };

	vector_read("csr", name, &file);
	put(f, buf_span(&file));
}

/* Each brings the CSR of its own file, in order. */
static enum rc
take(void *arg, size_t i, struct verdict *v)
{
	struct files *f = arg;
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	WIPED(buf) room = { 0 };
	struct span spki;

	assert_int_equal(i, f->taken++);
	check_ok(file_read(AT_FDCWD, f->paths[i], CSR_FILE_MAX, &file));
	check_ok(csr_from_file("f", buf_span(&file), &der));
	assert_true(span_eq(buf_span(&der), v->der));
	if (f->der_only)
		assert_int_equal(v->names.n, 0);
	else
		check_ok(verdict_prove_key(v, "f", v->der, &room, &spki));
	return i == 2 ? f->end : RC_OK;
}

/* What is taken and what is refused come in the order of the files. */
static enum rc
note_refused(void *arg, size_t i, enum rc why)
{
	struct files *f = arg;

	assert_int_not_equal(why, RC_OK);
	assert_non_null(strstr(err_text(), f->paths[i]));
	assert_int_equal(i, f->taken++);
	f->n_refused++;
	f->last = rule_spoken();
	err_clear();
	return RC_OK;
}

static enum rc
read_all(struct files *f)
{
	f->taken = 0;
	f->n_refused = 0;
	return reader_files_read(&f->reader, (const char *const *)f->paths,
	    f->n, f->der_only,
	    &(struct reader_files_to){ .take = take,
		.refuse = f->goes_on ? note_refused : NULL,
		.arg = f });
}

static void
each_form_is_read_in_order(void **state)
{
	WIPED(files) f = { 0 };

	(void)state;
	files_make(&f);
	check_ok(read_all(&f)); /* of none */
	put_vector(&f, "good.der");
	put_vector(&f, "good.pem");
	put_vector(&f, "good-explained.pem");
	put_vector(&f, "real/windows-utf16.pem");
	put_vector(&f, "good-rsa-no-null.der");
	check_ok(read_all(&f));
	assert_int_equal(f.taken, 5);
	f.der_only = true;
	check_ok(read_all(&f));
	assert_int_equal(f.taken, 5);
	f.end = err_set(RC_STATE, "enough");
	assert_int_equal(read_all(&f), RC_STATE);
	assert_int_equal(f.taken, 3);
}

static void
more_than_one_order_takes_are_all_read(void **state)
{
	WIPED(files) f = { 0 };

	(void)state;
	files_make(&f);
	for (size_t i = 0; i < MANY; i++)
		put_vector(&f, i % 2 == 0 ? "good.der" : "good.pem");
	check_ok(read_all(&f));
	assert_int_equal(f.taken, MANY);
}

/* The refusal is told of its file; nothing behind it is taken. */
static void
comes_to(const char *bad, bool der_only, const char *rule)
{
	WIPED(files) f = { .der_only = der_only };

	files_make(&f);
	put_vector(&f, "good.der");
	put_vector(&f, bad);
	put_vector(&f, "good.pem");
	if (rule == NULL)
		check_ok(read_all(&f));
	else
		check_rule(read_all(&f), rule, f.paths[1]);
	assert_int_equal(f.taken, rule == NULL ? 3 : 1);
}

static void
what_is_bad_is_refused_by_its_file(void **state)
{
	(void)state;
	comes_to("form-two.pem", false, "CSR-FORM");
	comes_to("form-two.pem", true, "CSR-FORM");
	comes_to("pop-changed.der", false, "CSR-POP");
	comes_to("pop-changed.der", true, NULL); /* nobody looks */
	comes_to("key-rsa-1024.der", false, "KEY-RSA-SIZE");
}

static void
the_others_go_on_where_refusals_are_taken(void **state)
{
	WIPED(files) f = { .goes_on = true };

	(void)state;
	files_make(&f);
	put_vector(&f, "form-two.pem");
	put_vector(&f, "good.der");
	put_vector(&f, "pop-changed.der");
	put(&f, SPAN_NONE); /* here; the others by the reader */
	put(&f, SPAN_NONE);
	assert_int_equal(truncate(f.paths[4], (off_t)CSR_FILES_BYTES + 1), 0);
	put_vector(&f, "good.pem");
	put(&f, SPAN_NONE);
	assert_int_equal(truncate(f.paths[6], (off_t)CSR_FILES_BYTES), 0);
	check_ok(read_all(&f));
	assert_int_equal(f.taken, 7);
	assert_int_equal(f.n_refused, 5);
	assert_int_equal(f.last, RULE_CSR_FORM);
	assert_int_equal(unlink(f.paths[4]), 0); /* a failure is no verdict */
	assert_int_equal(read_all(&f), RC_IO);
}

/* With a chain behind it, it is larger than any CSR. */
static void
a_large_key_is_told_as_one(void **state)
{
	static const char begin[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n"
				    "-----END PRIVATE KEY-----\n";
	WIPED(files) f = { .goes_on = true };

	(void)state;
	files_make(&f);
	put(&f, span_str(begin));
	put(&f, span_str(begin));
	assert_int_equal(truncate(f.paths[1], CSR_FILE_MAX + 1), 0);
	check_ok(read_all(&f));
	assert_int_equal(f.n_refused, 2);
	assert_int_equal(f.last, RULE_PRIVATE_KEY);
}

static void
what_is_no_file_for_it_is_refused_here(void **state)
{
	WIPED(files) f = { 0 };

	(void)state;
	files_make(&f);
	put(&f, SPAN_NONE);
	assert_int_equal(truncate(f.paths[0], CSR_FILE_MAX + 1), 0);
	check_rule(read_all(&f), "CSR-FORM", f.paths[0]);
	assert_int_equal(truncate(f.paths[0], (off_t)CSR_FILES_BYTES + 1), 0);
	check_rule(read_all(&f), "CSR-FORM", f.paths[0]);
	assert_int_equal(truncate(f.paths[0], 0), 0);
	check_rule(read_all(&f), "CSR-FORM", f.paths[0]);
	assert_int_equal(unlink(f.paths[0]), 0);
	assert_int_equal(read_all(&f), RC_IO);
	assert_int_equal(f.taken, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read_in_order),
		cmocka_unit_test(more_than_one_order_takes_are_all_read),
		cmocka_unit_test(what_is_bad_is_refused_by_its_file),
		cmocka_unit_test(the_others_go_on_where_refusals_are_taken),
		cmocka_unit_test(a_large_key_is_told_as_one),
		cmocka_unit_test(what_is_no_file_for_it_is_refused_here),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
