/* SPDX-License-Identifier: Apache-2.0 */
/* A response's files come out the same each time, and what differs is named. */
#include "transfer/media/layout.h"

#include "tests/lib/check.h"

#define DER "a certificate"

static void
certificates_of_one_name_share_a_file(void **state)
{
	WIPED(layout) f = { 0 };
	const struct span der = span_str(DER);

	(void)state;
	check_ok(layout_add_cert(&f, "0001-a.pem", der));
	check_ok(layout_add_cert(&f, "0001-a.pem", der));
	check_ok(layout_add_cert(&f, "0002-b.pem", der));
	assert_int_equal(f.n, 2);
	assert_string_equal(f.names[0], "0001-a.pem");
	assert_string_equal(f.names[1], "0002-b.pem");
	assert_int_equal(f.bytes[0].n, 2 * f.bytes[1].n);
}

static void
a_name_that_comes_again_later_is_a_new_file(void **state)
{
	WIPED(layout) f = { 0 };

	(void)state;
	check_ok(layout_add_cert(&f, "a.pem", span_str(DER)));
	check_ok(layout_add_cert(&f, "b.pem", span_str(DER)));
	check_ok(layout_add_cert(&f, "a.pem", span_str(DER)));
	assert_int_equal(f.n, 3);
}

struct listed {
	struct file_entry files[2];
	struct manifest m;
};

/* Two files, and a manifest that lists them. */
static void
make(struct layout *f, struct listed *l)
{
	struct buf *bytes;

	check_ok(layout_add_cert(f, "0001-a.pem", span_str(DER)));
	check_ok(layout_add(f, LAYOUT_POLICY, &bytes));
	check_ok(buf_add_str(bytes, "[ca]\n"));
	*l = (struct listed){ .m = { .sequence = 7 } };
	for (size_t i = 0; i < 2; i++) {
		l->files[i].name = span_str(f->names[i]);
		check_ok(sha256(buf_span(&f->bytes[i]), l->files[i].digest));
	}
	l->m.files = l->files;
	l->m.n_files = 2;
}

static void
the_files_that_were_listed_pass(void **state)
{
	WIPED(layout) f = { 0 };
	struct listed l;

	(void)state;
	make(&f, &l);
	check_ok(layout_check(&f, &l.m));
}

static void
another_byte_name_or_number_is_named(void **state)
{
	WIPED(layout) f = { 0 };
	struct buf *bytes;
	struct listed l;

	(void)state;
	make(&f, &l);
	l.files[1].digest[0] ^= 1;
	assert_int_equal(layout_check(&f, &l.m), RC_STATE);
	assert_string_equal(err_text(),
	    "policy.conf of response 7 does not come out as it was");
	l.files[1].digest[0] ^= 1;
	l.files[0].name = span_str("0001-b.pem");
	assert_int_equal(layout_check(&f, &l.m), RC_STATE);
	assert_string_equal(
	    err_text(), "0001-a.pem of response 7 does not come out as it was");
	l.files[0].name = span_str("0001-a.pem");
	check_ok(layout_add(&f, LAYOUT_CA, &bytes));
	assert_int_equal(layout_check(&f, &l.m), RC_STATE);
	assert_string_equal(err_text(), "response 7 had no ca.pem");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_of_one_name_share_a_file),
		cmocka_unit_test(a_name_that_comes_again_later_is_a_new_file),
		cmocka_unit_test(the_files_that_were_listed_pass),
		cmocka_unit_test(another_byte_name_or_number_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
