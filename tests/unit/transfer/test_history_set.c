/* SPDX-License-Identifier: Apache-2.0 */
/* A set of histories is read as it was written, and nothing else is one. */
#include "base/file.h"
#include "transfer/media/history_set.h"
#include "transfer/reader/reader_history.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/pem.h"

#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "0123abcd-4567cdef/000001"

static void
names_have_their_form(void **state)
{
	(void)state;
	assert_true(history_is_channel("0123abcd-4567cdef"));
	assert_false(history_is_channel("0123abcd-4567cde"));
	assert_false(history_is_channel("0123ABCD-4567cdef"));
	assert_false(history_is_channel("0123abcd+4567cdef"));
	assert_false(history_is_channel("0123abcd-4567cdef0"));
	assert_true(history_is_number("000001"));
	assert_true(history_is_number("4294967295"));
	assert_false(history_is_number("00001"));
	assert_false(history_is_number("00000a"));
	assert_false(history_is_number("42949672950"));
	assert_true(history_is_place("0123abcd-4567cdef"));
	assert_true(history_is_place(NAME));
	assert_false(history_is_place(NAME "/manifest.cose"));
	assert_false(history_is_place("0123abcd-4567cde/000001"));
	assert_false(history_is_place(""));
}

static void
write_one(const char *name, struct span cert, struct buf *out)
{
	struct history_item item = { .name = span_str(name),
		.manifest = span_str("manifest"),
		.bundle = span_str("bundle"),
		.crl = span_str("crl"),
		.certs = &cert,
		.n_certs = 1 };
	const struct history_set history = { .items = &item, .n = 1 };

	check_ok(history_set_write(&history, out));
}

static void
a_set_is_read_as_it_was_written(void **state)
{
	static const uint8_t der[CERT_MIN] = { 0x30 };
	WIPED(buf) out = { 0 };
	WIPED(history_set) history = { 0 };

	(void)state;
	write_one(NAME, span_of(der, sizeof(der)), &out);
	check_ok(history_set_read(buf_span(&out), &history));
	assert_int_equal(history.n, 1);
	assert_true(span_eq_str(history.items[0].name, NAME));
	assert_true(span_eq_str(history.items[0].manifest, "manifest"));
	assert_true(span_eq_str(history.items[0].bundle, "bundle"));
	assert_int_equal(history.items[0].policy.n, 0);
	assert_true(span_eq_str(history.items[0].crl, "crl"));
	assert_int_equal(history.items[0].n_certs, 1);
	assert_true(
	    span_eq(history.items[0].certs[0], span_of(der, sizeof(der))));
}

static void
whatever_else_is_the_readers_fault(void **state)
{
	static const uint8_t der[CERT_MIN] = { 0x30 };
	static const char *const names[] = { "0123abcd-4567cdef",
		"0123abcd-4567cdef/1", "0123abcd-4567cdef/000001/x",
		"../../etc-passwd/000001", "/000001" };
	WIPED(buf) out = { 0 };
	WIPED(history_set) history = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		buf_reset(&out);
		write_one(names[i], span_of(der, sizeof(der)), &out);
		check_refused(
		    history_set_read(buf_span(&out), &history), "READER", NULL);
	}
	buf_reset(&out);
	write_one(NAME, span_of(der, CERT_MIN - 1), &out);
	check_refused(
	    history_set_read(buf_span(&out), &history), "READER", NULL);
	buf_reset(&out);
	write_one(NAME, span_of(der, sizeof(der)), &out);
	for (size_t n = 0; n < out.n; n++) /* cut anywhere */
		check_refused(history_set_read(span_of(out.p, n), &history),
		    "READER", NULL);
}

/* ---- gathering -------------------------------------------------------------
 */

struct stick {
	char dir[40];
	struct media media;
};

static void
put(const struct stick *s, const char *path, const char *text)
{
	char *full = NULL, *slash;

	assert_true(
	    asprintf(&full, "%s/airgap-ca/history/%s", s->dir, path) > 0);
	slash = strrchr(full, '/');
	*slash = '\0';
	check_ok(dir_make(full, 0700));
	*slash = '/';
	check_ok(file_replace(AT_FDCWD, full, span_str(text), 0600));
	free(full);
}

static void
stick_make(struct stick *s)
{
	(void)strcpy(s->dir, "/tmp/test-history.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	check_ok(media_open(s->dir, &s->media));
}

static void
stick_drop(struct stick *s)
{
	char *command = NULL;

	media_wipe(&s->media);
	assert_true(asprintf(&command, "rm -rf '%s'", s->dir) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

/* What is left behind stays in `scan`. */
static enum rc
scan_all(const struct stick *s, struct history_scan *scan,
    struct sealed *ret_set, struct history_set *ret)
{
	enum rc rc = history_scan_dir(scan, &s->media);

	if (rc == RC_OK)
		rc = history_scan_parse(scan);
	if (rc != RC_OK || scan->memfd < 0)
		return rc;
	check_ok(sealed_map(scan->memfd, ret_set));
	scan->memfd = -1;
	return history_set_read(ret_set->bytes, ret);
}

/* The first that is left behind is the answer. */
static enum rc
gather(const struct stick *s, struct sealed *ret_set, struct history_set *ret)
{
	WIPED(history_scan) scan = { .memfd = -1 };
	enum rc rc = scan_all(s, &scan, ret_set, ret);
	const struct reader_left_one *left =
	    rc == RC_OK ? reader_left_next(&scan.left) : NULL;

	return left != NULL ? left->rc : rc;
}

static void
histories_are_gathered_in_order(void **state)
{
	uint8_t der[100] = { 0x30 };
	WIPED(buf) pem = { 0 };
	WIPED(sealed) set = { .fd = -1 };
	WIPED(history_set) history = { 0 };
	struct stick s;

	(void)state;
	stick_make(&s);
	check_ok(pem_write(PEM_CERTIFICATE, span_of(der, sizeof(der)), &pem));
	der[1] = 1;
	check_ok(pem_write(PEM_CERTIFICATE, span_of(der, sizeof(der)), &pem));
	put(&s, "0123abcd-4567cdef/000002/manifest.cose", "two");
	put(&s, "0123abcd-4567cdef/000001/manifest.cose", "one");
	put(&s, "0123abcd-4567cdef/000001/0001-a.pem", buf_cstr(&pem));
	put(&s, "0123abcd-4567cdef/000001/ca.pem", "not looked at");
	put(&s, "0123abcd-4567cdef/000001/bundle.cose", "bundle");
	put(&s, "0123abcd-4567cdef/000001/policy.conf", "policy");
	put(&s, "0123abcd-4567cdef/notes/manifest.cose", "not ours");
	put(&s, "elsewhere/000001/manifest.cose", "not ours");
	check_ok(gather(&s, &set, &history));
	assert_int_equal(history.n, 2);
	assert_true(span_eq_str(history.items[0].manifest, "one"));
	assert_true(span_eq_str(history.items[0].bundle, "bundle"));
	assert_true(span_eq_str(history.items[0].policy, "policy"));
	assert_int_equal(history.items[0].n_certs, 2);
	assert_int_equal(history.items[0].certs[0].p[1], 0);
	assert_int_equal(history.items[0].certs[1].p[1], 1);
	assert_true(span_eq_str(history.items[1].manifest, "two"));
	assert_int_equal(history.items[1].n_certs, 0);
	stick_drop(&s);
}

static void
a_stick_without_any_has_no_set(void **state)
{
	WIPED(sealed) set = { .fd = -1 };
	WIPED(history_set) history = { 0 };
	struct stick s;

	(void)state;
	stick_make(&s);
	check_ok(gather(&s, &set, &history));
	assert_int_equal(history.n, 0);
	stick_drop(&s);
}

static void
half_a_history_is_none(void **state)
{
	WIPED(sealed) set = { .fd = -1 };
	WIPED(history_set) history = { 0 };
	struct stick s;

	(void)state;
	stick_make(&s);
	put(&s, "0123abcd-4567cdef/000001/bundle.cose", "bundle");
	check_refused(gather(&s, &set, &history), "MANIFEST-FILES",
	    NAME ": manifest.cose is missing");
	put(&s, "0123abcd-4567cdef/000001/manifest.cose", "one");
	put(&s, "0123abcd-4567cdef/000001/0001-a.pem", "-----BEGIN CERT");
	check_refused(gather(&s, &set, &history), "CERT-FORM", NULL);
	stick_drop(&s);
}

/* Whatever is wrong with one: a form, a name, a folder that is none. */
static void
the_others_are_taken(void **state)
{
	static const char *const names[] = { "0123abcd-00000000",
		"0123abcd-11111111/000002", "0123abcd-11111111/000001",
		"0123abcd-11111111/000003" };
	static const enum rule rules[] = { RULE_MEDIA_FILE, RULE_MEDIA_NAME,
		RULE_MANIFEST_FILES, RULE_CERT_FORM };
	WIPED(sealed) set = { .fd = -1 };
	WIPED(history_set) history = { 0 };
	WIPED(history_scan) scan = { .memfd = -1 };
	struct stick s;

	(void)state;
	stick_make(&s);
	put(&s, "0123abcd-00000000", "a file");
	put(&s, "0123abcd-11111111/000001/bundle.cose", "bundle");
	put(&s, "0123abcd-11111111/000002/manifest.cose", "two");
	put(&s, "0123abcd-11111111/000002/UPPER", "no name of ours");
	put(&s, "0123abcd-11111111/000003/manifest.cose", "three");
	put(&s, "0123abcd-11111111/000003/0001-a.pem", "-----BEGIN CERT");
	put(&s, "0123abcd-11111111/000004/manifest.cose", "four");
	put(&s, NAME "/manifest.cose", "one");
	check_ok(scan_all(&s, &scan, &set, &history));
	assert_int_equal(history.n, 2);
	assert_true(span_eq_str(history.items[0].manifest, "four"));
	assert_true(span_eq_str(history.items[1].manifest, "one"));
	assert_int_equal(scan.left.n, sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < scan.left.n; i++) {
		const struct reader_left_one *one =
		    reader_left_next(&scan.left);

		assert_string_equal(one->name, names[i]);
		assert_int_equal(rule_spoken(), rules[i]);
	}
	assert_null(reader_left_next(&scan.left));
	stick_drop(&s);
}

static void
certificates_have_their_least_size(void **state)
{
	uint8_t der[CERT_MIN] = { 0x30 };
	struct stick s;

	(void)state;
	stick_make(&s);
	put(&s, NAME "/manifest.cose", "one");
	for (size_t n = sizeof(der) - 1; n <= sizeof(der); n++) {
		WIPED(buf) pem = { 0 };
		WIPED(sealed) set = { .fd = -1 };
		WIPED(history_set) history = { 0 };

		check_ok(pem_write(PEM_CERTIFICATE, span_of(der, n), &pem));
		put(&s, NAME "/0001-a.pem", buf_cstr(&pem));
		if (n < CERT_MIN)
			check_refused(gather(&s, &set, &history), "CERT-FORM",
			    NAME "/0001-a.pem: no certificate has 63 bytes");
		else
			check_ok(gather(&s, &set, &history));
	}
	stick_drop(&s);
}

/* As if so many files were copied before. */
static enum rc
scan_after(const struct stick *s, size_t n)
{
	WIPED(history_scan) scan = { .memfd = -1, .n = n };

	scan.files = calloc(HISTORY_FILES_MAX, 1024);
	assert_non_null(scan.files);
	return history_scan_dir(&scan, &s->media);
}

static void
files_of_all_histories_are_counted(void **state)
{
	struct stick s;

	(void)state;
	stick_make(&s);
	put(&s, NAME "/manifest.cose", "one");
	check_ok(scan_after(&s, HISTORY_FILES_MAX - 1));
	check_refused(scan_after(&s, HISTORY_FILES_MAX), "MEDIA-COUNT",
	    "airgap-ca/history: more than 65536 files; `history --from` "
	    "splits them");
	stick_drop(&s);
}

static void
make_responses(const struct stick *s, const char *channel, unsigned n)
{
	char path[96];

	(void)snprintf(
	    path, sizeof(path), "%s/airgap-ca/history/%s", s->dir, channel);
	check_ok(dir_make(path, 0700));
	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(path, sizeof(path),
		    "%s/airgap-ca/history/%s/%06u", s->dir, channel, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

/* Empty directories are responses too, and each lacks its manifest. */
static void
responses_of_all_histories_are_counted(void **state)
{
	WIPED(sealed) set = { .fd = -1 };
	WIPED(history_set) history = { 0 };
	struct stick s;

	(void)state;
	stick_make(&s);
	make_responses(&s, "0123abcd-4567cdef", MEDIA_FILES_MAX);
	check_refused(gather(&s, &set, &history), "MANIFEST-FILES",
	    NAME ": manifest.cose is missing");
	make_responses(&s, "ffffffff-ffffffff", 1);
	check_refused(gather(&s, &set, &history), "MEDIA-COUNT",
	    "airgap-ca/history: more than 10000 responses");
	stick_drop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_their_form),
		cmocka_unit_test(a_set_is_read_as_it_was_written),
		cmocka_unit_test(whatever_else_is_the_readers_fault),
		cmocka_unit_test(histories_are_gathered_in_order),
		cmocka_unit_test(a_stick_without_any_has_no_set),
		cmocka_unit_test(half_a_history_is_none),
		cmocka_unit_test(the_others_are_taken),
		cmocka_unit_test(certificates_have_their_least_size),
		cmocka_unit_test(files_of_all_histories_are_counted),
		cmocka_unit_test(responses_of_all_histories_are_counted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
