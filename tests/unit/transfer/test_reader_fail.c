/* SPDX-License-Identifier: Apache-2.0 */
/* A reader on a machine that refuses it something: whichever call fails in the
 * child, the parent is told, and takes nothing half read for the whole. */
#include "base/own_ssl.h"
#include "tests/lib/fail_each.h"
#include "tests/lib/media_fixture.h"
#include "transfer/format/cose.h"
#include "transfer/online/request/compose.h"
#include "transfer/reader/reader.h"
#include "transfer/reader/reader_answer.h"
#include "transfer/x509/pem.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <sys/mman.h>

#define HISTORY MEDIA_HISTORY "/0123abcd-4567cdef"

typedef enum rc scan_call(
    struct reader *reader, struct scanned *ret, bool *ret_more);
typedef enum rc check_call(struct reader *reader, const struct sealed *copy,
    uint32_t first, uint32_t n);

/* What is asked of a reader, and which of its calls fails. */
struct talk {
	struct reader_place place;
	scan_call *scan;
	check_call *check; /* what was scanned; NULL: not */
	size_t n_wanted;   /* files, when nothing fails */
	const char *functions;
	unsigned n;
	bool *hit; /* shared with the child */
};

static enum rc
failing_reader(int sock, void *arg)
{
	const struct talk *t = arg;
	enum rc rc;

	fail_nth(t->functions, t->n, EIO);
	rc = reader_run(sock, (void *)(uintptr_t)&t->place);
	*t->hit = fail_stop() != NULL;
	return rc;
}

static enum rc
talk_start(struct talk *t, struct reader *ret)
{
	const int keep[] = { t->place.dir >= 0 ? t->place.dir : t->place.file };
	WIPED(buf) record = { 0 };
	struct reader_heard heard;

	*ret = READER_NONE;
	check_ok(
	    child_start(&ret->child, READER_NAME, failing_reader, t, keep, 1));
	return reader_answer_recv(ret, &record, NULL, &heard);
}

static enum rc
talk_check(struct talk *t, struct reader *reader, const struct scanned *found)
{
	WIPED(verdict) v = { 0 };
	enum rc rc = t->check(reader, &found->copy, 0, 1);

	if (rc == RC_OK)
		rc = reader_check_next(reader, &v);
	if (rc == RC_OK && v.rc != RC_OK)
		rc = err_set(v.rc, "%.*s", SPAN_FMT(v.reason));
	return rc;
}

/* All of it; RC_OK only if every file was found and every request is good. */
static enum rc
talk_hold(struct talk *t, struct reader *reader)
{
	WIPED(scanned) found = { .copy = { .fd = -1 } };
	size_t n = 0;
	enum rc rc = talk_start(t, reader);

	for (bool more = true; rc == RC_OK;) {
		WIPED(scanned) one = { .copy = { .fd = -1 } };

		rc = t->scan(reader, &one, &more);
		if (rc != RC_OK || !more)
			break;
		if (one.rc != RC_OK)
			return err_set(one.rc, "%s", one.reason);
		n++;
		scanned_wipe(&found);
		found = one;
		one.copy = (struct sealed){ .fd = -1 };
	}
	if (rc == RC_OK && t->check != NULL)
		rc = talk_check(t, reader, &found);
	if (rc == RC_OK)
		assert_int_equal(n, t->n_wanted);
	return rc;
}

/* For every n the n-th of these calls in the child fails. */
static void
each_is_told(struct talk *t, const char *functions)
{
	t->functions = functions;
	t->hit = mmap(NULL, sizeof(*t->hit), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(t->hit != MAP_FAILED);
	for (t->n = 1;; t->n++) {
		struct reader reader;
		enum rc rc;

		*t->hit = false;
		if (t->place.file >= 0)
			assert_int_equal(lseek(t->place.file, 0, SEEK_SET), 0);
		err_clear();
		rc = talk_hold(t, &reader);
		if (rc != RC_OK && err_text()[0] == '\0')
			fail_msg("call %u of %s: no sentence", t->n, functions);
		/* How it leaves is no matter: that is after the answer. */
		(void)!child_stop(&reader.child, 10);
		reader_wipe(&reader);
		if (!*t->hit) {
			assert_int_equal(rc, RC_OK);
			break;
		}
		if (rc == RC_OK)
			fail_msg("call %u of %s failed, and nobody says so",
			    t->n, functions);
	}
	assert_true(t->n > 1);
	assert_int_equal(munmap(t->hit, sizeof(*t->hit)), 0);
}

/* ---- what is on the stick ------------------------------------------------ */

static void
put(struct stick *stick, const char *name, struct span bytes)
{
	WIPED(buf) note = { 0 };

	check_ok(media_put_file(&stick->media, name, bytes, false, &note));
}

static void
put_csr(struct stick *stick, const char *name)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen("P-256");
	WIPED(buf) der = { 0 };

	check_ok(compose_csr(key, NULL, 0, &der));
	put(stick, name, buf_span(&der));
}

static void
put_bundle(struct stick *stick, const char *name)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen("P-256");
	OWN(ssl_bytes) *spki = NULL;
	WIPED(buf) csr = { 0 }, payload = { 0 }, file = { 0 };
	uint8_t kid[SHA256_LEN];
	struct cert_request request = { .id = span_str("web-1"),
		.profile = span_str("server"),
		.validity = { .count = 1, .period = 86400 } };
	struct bundle bundle = { .created = 1700000000,
		.sequence = 1,
		.label = span_str("server"),
		.requests = &request,
		.n_requests = 1 };
	int n = i2d_PUBKEY(key, &spki);

	assert_true(n > 0);
	bundle.spki = span_of(spki, (size_t)n);
	check_ok(compose_csr(key, NULL, 0, &csr));
	request.csr = buf_span(&csr);
	check_ok(key_id_of(key, kid));
	check_ok(bundle_write(&bundle, &payload));
	check_ok(cose_sign(COSE_BUNDLE, key, span_of(kid, sizeof(kid)),
	    buf_span(&payload), &file));
	put(stick, name, buf_span(&file));
}

static struct talk
talk_of(struct stick *stick, scan_call *scan, check_call *check, size_t n)
{
	return (struct talk){ .scan = scan,
		.check = check,
		.n_wanted = n,
		.place = { .path = stick->path,
		    .dir = stick->media.root,
		    .file = -1 } };
}

/* ---- cases --------------------------------------------------------------- */

/* Those of which the answer to a failure is never to go on without. */
#define NEEDED \
	FAIL_MEMORY " memfd_create fcntl mmap read pread write openat " \
		    "fdopendir sendmsg seccomp_load"

static void
a_bundle_is_read_or_it_is_told_why_not(void **state)
{
	struct stick *stick = *state;
	struct talk t = talk_of(stick, reader_scan, reader_check_start, 2);

	put_bundle(stick, MEDIA_REQUESTS "/a.cose");
	put_bundle(stick, MEDIA_REQUESTS "/b.cose");
	each_is_told(&t, NEEDED " fstat");
}

static void
a_file_of_one_bundle_is_read_or_it_is_told_why_not(void **state)
{
	struct stick *stick = *state;
	struct talk t = talk_of(stick, reader_scan, reader_check_start, 1);

	put_bundle(stick, "a.cose");
	t.place = (struct reader_place){ .path = stick_path(stick, "a.cose"),
		.dir = -1 };
	t.place.file = open(t.place.path, O_RDONLY | O_CLOEXEC);
	assert_true(t.place.file >= 0);
	each_is_told(&t, NEEDED " fstat");
	assert_int_equal(close(t.place.file), 0);
}

static void
loose_csrs_are_read_or_it_is_told_why_not(void **state)
{
	struct stick *stick = *state;
	struct talk t =
	    talk_of(stick, reader_scan_loose, reader_check_loose_start, 1);

	put_csr(stick, "a.csr");
	put_csr(stick, "b.der");
	each_is_told(&t, NEEDED);
}

static void
histories_are_read_or_it_is_told_why_not(void **state)
{
	static const uint8_t der[100] = { 0x30 };
	struct stick *stick = *state;
	struct talk t = talk_of(stick, reader_scan_history, NULL, 1);
	WIPED(buf) pem = { 0 };

	check_ok(pem_write(PEM_CERTIFICATE, span_of(der, sizeof(der)), &pem));
	put(stick, HISTORY "/000001/manifest.cose", span_str("one"));
	put(stick, HISTORY "/000001/0001-a.pem", buf_span(&pem));
	put(stick, HISTORY "/000002/manifest.cose", span_str("two"));
	each_is_told(&t, NEEDED);
}

/* It says why, and nothing is left of it. */
static void
who_cannot_be_locked_in_is_no_reader(void **state)
{
	static const struct {
		const char *function;
		enum rc rc;
		enum rule rule;
	} calls[] = { { "seccomp_init", RC_STATE, RULE_SANDBOX },
		{ "seccomp_attr_set", RC_STATE, RULE_SANDBOX },
		{ "seccomp_rule_add_array", RC_STATE, RULE_SANDBOX },
		{ "seccomp_load", RC_STATE, RULE_SANDBOX },
		{ "strdup", RC_IO, RULE_NONE } };
	struct stick *stick = *state;
	const unsigned open_before = fail_open_files();

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		WIPED(reader) reader = READER_NONE;
		enum rc rc;

		err_clear();
		/* The child's: it has a copy of this. */
		fail_nth(calls[i].function, 1, EIO);
		rc = reader_start(&reader, stick->path);
		assert_null(fail_stop());
		assert_int_equal(rc, calls[i].rc);
		assert_int_equal(rule_spoken(), calls[i].rule);
		assert_string_not_equal(err_text(), "");
		assert_int_equal(reader.child.pid, 0);
		assert_int_equal(fail_open_files(), open_before);
	}
	for (unsigned n = 0; n < 2; n++) { /* nor one that cannot be started */
		WIPED(reader) reader = READER_NONE;

		fail_nth(n == 0 ? "fork" : "socketpair", 1, EAGAIN);
		assert_int_equal(reader_start(&reader, stick->path), RC_IO);
		assert_non_null(fail_stop());
		assert_int_equal(fail_open_files(), open_before);
	}
}

static void
a_medium_that_cannot_be_opened_is_named(void **state)
{
	static const struct {
		const char *function;
		unsigned n;
	} calls[] = { { "openat", 1 }, { "openat", 2 }, { "fstat", 1 } };
	struct stick *stick = *state;
	char wanted[128];

	(void)snprintf(wanted, sizeof(wanted), "%s: cannot be opened: %s",
	    stick->path, strerror(EACCES));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		WIPED(reader) reader = READER_NONE;

		fail_nth(calls[i].function, calls[i].n, EACCES);
		assert_int_equal(reader_start(&reader, stick->path), RC_IO);
		assert_string_equal(fail_stop(), calls[i].function);
		assert_string_equal(err_text(), wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(a_bundle_is_read_or_it_is_told_why_not),
		ON_STICK(a_file_of_one_bundle_is_read_or_it_is_told_why_not),
		ON_STICK(loose_csrs_are_read_or_it_is_told_why_not),
		ON_STICK(histories_are_read_or_it_is_told_why_not),
		ON_STICK(who_cannot_be_locked_in_is_no_reader),
		ON_STICK(a_medium_that_cannot_be_opened_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
