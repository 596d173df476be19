/* SPDX-License-Identifier: Apache-2.0 */
/* A real reader, with bundles made here. What a lying one gets away with is
 * test_reader_client's. */
#include "transfer/reader/reader.h"

#include "base/frame.h"
#include "base/own_ssl.h"
#include "tests/lib/media_fixture.h"
#include "transfer/format/cose.h"
#include "transfer/media/loose.h"
#include "transfer/rule.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define BUNDLE_NAME "00112233445566778899aabbccddeeff.cose"

/* ---- requests and bundles -------------------------------------------------
 */

static EVP_PKEY *
make_key(const char *type)
{
	EVP_PKEY *key;

	if (strcmp(type, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	else if (type[0] == 'P')
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	assert_non_null(key);
	return key;
}

static void
make_csr(EVP_PKEY *key, const char *san, struct buf *ret_der)
{
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(X509_EXTENSION) *ext =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	const EVP_MD *md =
	    EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_true(X509_REQ_set_version(req, 0) == 1 &&
		    X509_REQ_set_pubkey(req, key) == 1);
	assert_true(sk_X509_EXTENSION_push(exts, ext) > 0);
	assert_int_equal(X509_REQ_add_extensions(req, exts), 1);
	sk_X509_EXTENSION_free(exts);
	assert_true(X509_REQ_sign(req, key, md) > 0);
	n = i2d_X509_REQ(req, &der);
	assert_true(n > 0);
	assert_int_equal(buf_add(ret_der, der, (size_t)n), RC_OK);
}

/* A bundle of n requests, all with one of the given CSRs in turn. */
struct made {
	struct buf file;
	uint8_t key_ids[5][SHA256_LEN];
};

static void
made_wipe(struct made *made)
{
	buf_wipe(&made->file);
}

static void
spki_of(EVP_PKEY *key, struct buf *ret_der)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	assert_int_equal(buf_add(ret_der, der, (size_t)n), RC_OK);
}

static void
sign_bundle(const struct bundle *bundle, EVP_PKEY *key, struct buf *ret_file)
{
	WIPED(buf) payload = { 0 };
	uint8_t kid[SHA256_LEN];

	assert_int_equal(key_id_of(key, kid), RC_OK);
	if (bundle_write(bundle, &payload) != RC_OK ||
	    cose_sign(COSE_BUNDLE, key, span_of(kid, sizeof(kid)),
		buf_span(&payload), ret_file) != RC_OK)
		fail_msg("%s", err_text());
}

/* `spoil`: the request whose CSR gets one bit of its signature changed. */
static void
make_bundle(struct made *made, const char *const *types, size_t n_types,
    uint32_t n, uint32_t spoil)
{
	OWN(EVP_PKEY) *requester = make_key("P-256");
	WIPED(buf) spki = { 0 };
	struct buf csrs[5] = { { 0 } };
	WIPED(buf) spoiled = { 0 };
	struct cert_request *requests = calloc(n, sizeof(*requests));
	char(*ids)[16] = calloc(n, sizeof(*ids));
	struct bundle bundle = { .created = 1700000000,
		.sequence = 1,
		.requests = requests,
		.n_requests = n,
		.label = span_str("server") };

	assert_true(requests != NULL && ids != NULL);
	for (size_t i = 0; i < n_types; i++) {
		OWN(EVP_PKEY) *key = make_key(types[i]);

		make_csr(key, "DNS:www.example.org,DNS:example.org", &csrs[i]);
		assert_int_equal(key_id_of(key, made->key_ids[i]), RC_OK);
	}
	spki_of(requester, &spki);
	bundle.spki = buf_span(&spki);
	for (uint32_t i = 0; i < n; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "web-%u", i);
		requests[i] = (struct cert_request){ .id = span_str(ids[i]),
			.csr = buf_span(&csrs[i % n_types]),
			.profile = span_str("tls-server"),
			.validity = { .count = 1, .period = 86400 } };
	}
	if (spoil < n) {
		assert_int_equal(
		    buf_add_span(&spoiled, requests[spoil].csr), RC_OK);
		spoiled.p[spoiled.n - 1] ^= 1;
		requests[spoil].csr = buf_span(&spoiled);
	}
	sign_bundle(&bundle, requester, &made->file);
	free(requests);
	free(ids);
	for (size_t i = 0; i < n_types; i++)
		buf_wipe(&csrs[i]);
}

static void
put_bundle(struct stick *stick, const struct made *made, const char *name)
{
	WIPED(buf) note = { 0 };
	char path[256];

	(void)snprintf(path, sizeof(path), MEDIA_REQUESTS "/%s", name);
	assert_int_equal(media_put_file(&stick->media, path,
			     buf_span(&made->file), false, &note),
	    RC_OK);
}

/* ---- readers --------------------------------------------------------------
 */

#define must(call) \
	do { \
		if ((call) != RC_OK) \
			fail_msg("%s: %s", #call, err_text()); \
	} while (0)

static void
dismiss(struct reader *reader)
{
	must(child_stop(&reader->child, 10));
}

/* Check a range, expecting each request to be good but `spoiled`. */
static void
check_all(struct reader *reader, const struct sealed *copy,
    const struct made *made, size_t n_types, uint32_t first, uint32_t n,
    uint32_t spoiled)
{

	must(reader_check_start(reader, copy, first, n));
	for (uint32_t i = first; i < first + n; i++) {
		WIPED(verdict) v = { 0 };

		must(reader_check_next(reader, &v));
		assert_int_equal(v.index, i);
		if (i == spoiled) {
			assert_true(v.rule == RULE_CSR_POP);
			assert_true(v.rc != RC_OK && v.reason.n > 0);
			assert_int_equal(v.names.n, 0);
			continue;
		}
		if (v.rc != RC_OK)
			fail_msg("%.*s", SPAN_FMT(v.reason));
		assert_memory_equal(
		    v.key_id, made->key_ids[i % n_types], SHA256_LEN);
		assert_int_equal(v.names.n, 2);
		assert_int_equal(v.names.items[0].type, NAME_DNS);
		assert_true(
		    span_eq_str(v.names.items[0].text, "www.example.org"));
	}
}

static void
bundle_is_scanned_then_checked_in_one_reader(void **state)
{
	static const char *const types[] = { "P-256" };
	struct stick *stick = *state;
	WIPED(made) made = { 0 };
	WIPED(scanned) found = { 0 };
	WIPED(reader) reader = READER_NONE;
	bool more = false;

	make_bundle(&made, types, 1, 3, 1);
	put_bundle(stick, &made, BUNDLE_NAME);
	must(reader_start(&reader, stick->path));
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_int_equal(found.rc, RC_OK);
	assert_string_equal(found.name, BUNDLE_NAME);
	assert_true(span_eq(found.copy.bytes, buf_span(&made.file)));
	must(reader_scan(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	must(reader_scan(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	check_all(&reader, &found.copy, &made, 1, 0, 3, 1);
	dismiss(&reader);
}

static void
every_key_type_is_checked_behind_the_strict_filter(void **state)
{
	static const char *const types[] = { "P-256", "P-384", "P-521",
		"ED25519", "RSA" };
	WIPED(made) made = { 0 };
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(reader) reader = READER_NONE;
	int fd = -1;

	(void)state;
	make_bundle(&made, types, 5, 10, UINT32_MAX);
	must(sealed_make(buf_span(&made.file), &fd));
	must(sealed_map(fd, &copy));
	must(reader_start(&reader, NULL));
	check_all(&reader, &copy, &made, 5, 0, 10, UINT32_MAX);
	dismiss(&reader);
}

static void
ranges_of_one_bundle_are_shared_among_readers(void **state)
{
	static const char *const types[] = { "P-256", "ED25519" };
	WIPED(made) made = { 0 };
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(reader) one = READER_NONE;
	WIPED(reader) two = READER_NONE;
	int fd = -1;

	(void)state;
	make_bundle(&made, types, 2, 400, 399);
	must(sealed_make(buf_span(&made.file), &fd));
	must(sealed_map(fd, &copy));
	must(reader_start(&one, NULL));
	must(reader_start(&two, NULL));
	check_all(&one, &copy, &made, 2, 0, 200, 399);
	check_all(&two, &copy, &made, 2, 200, 200, 399);
	check_all(&one, &copy, &made, 2, 100, 1, 399);
	dismiss(&one);
	dismiss(&two);
}

static void
another_bundle_may_follow(void **state)
{
	static const char *const types[] = { "P-256" };
	WIPED(reader) reader = READER_NONE;

	(void)state;
	must(reader_start(&reader, NULL));
	for (uint32_t n = 1; n < 4; n++) {
		WIPED(made) made = { 0 };
		WIPED(sealed) copy = { .fd = -1 };
		int fd = -1;

		make_bundle(&made, types, 1, n, UINT32_MAX);
		must(sealed_make(buf_span(&made.file), &fd));
		must(sealed_map(fd, &copy));
		check_all(&reader, &copy, &made, 1, 0, n, UINT32_MAX);
	}
	dismiss(&reader);
}

static void
file_that_is_refused_does_not_end_the_scan(void **state)
{
	static const char *const types[] = { "P-256" };
	struct stick *stick = *state;
	WIPED(made) made = { 0 };
	WIPED(scanned) found = { 0 };
	WIPED(reader) reader = READER_NONE;
	bool more = false;

	make_bundle(&made, types, 1, 1, UINT32_MAX);
	put_bundle(stick, &made, "b.cose");
	assert_int_equal(
	    mkfifo(stick_path(stick, MEDIA_REQUESTS "/a.cose"), 0644), 0);
	must(reader_start(&reader, stick->path));
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, "a.cose");
	assert_int_equal(found.rc, RC_FORMAT);
	assert_int_equal(found.rule, RULE_MEDIA_FILE);
	assert_non_null(strstr(found.reason, "a.cose: is a fifo"));
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_int_equal(found.rc, RC_OK);
	assert_string_equal(found.name, "b.cose");
	dismiss(&reader);
}

static void
file_given_as_medium_is_one_bundle(void **state)
{
	static const char *const types[] = { "P-256" };
	struct stick *stick = *state;
	WIPED(made) made = { 0 };
	WIPED(scanned) found = { 0 };
	WIPED(reader) reader = READER_NONE;
	bool more = false;

	make_bundle(&made, types, 1, 1, UINT32_MAX);
	put_bundle(stick, &made, "b.cose");
	must(
	    reader_start(&reader, stick_path(stick, MEDIA_REQUESTS "/b.cose")));
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, "b.cose");
	must(reader_scan(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	check_all(&reader, &found.copy, &made, 1, 0, 1, UINT32_MAX);
	dismiss(&reader);
}

static void
empty_medium_has_nothing_and_the_level_is_told(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;
	struct sandbox_level level = { 0 };
	bool more = true;

	must(reader_start(&reader, stick->path));
	must(reader_level(&reader, &level));
	assert_true(level.seccomp);
	assert_int_equal(level.landlock_abi, sandbox_probe().landlock_abi);
	must(reader_scan(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	dismiss(&reader);
}

static void
bytes_that_are_no_bundle_are_refused_by_rule(void **state)
{
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(reader) reader = READER_NONE;
	WIPED(verdict) v = { 0 };
	int fd = -1;

	(void)state;
	must(sealed_make(span_str("no bundle"), &fd));
	must(sealed_map(fd, &copy));
	must(reader_start(&reader, NULL));
	must(reader_check_start(&reader, &copy, 0, 1));
	assert_refused(reader_check_next(&reader, &v), "COSE-FORM", "bundle: ");
	dismiss(&reader);
}

static void
range_beyond_the_bundle_is_a_bug_of_ours(void **state)
{
	static const char *const types[] = { "P-256" };
	WIPED(made) made = { 0 };
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(reader) reader = READER_NONE;
	WIPED(verdict) v = { 0 };
	int fd = -1;

	(void)state;
	make_bundle(&made, types, 1, 2, UINT32_MAX);
	must(sealed_make(buf_span(&made.file), &fd));
	must(sealed_map(fd, &copy));
	must(reader_start(&reader, NULL));
	must(reader_check_start(&reader, &copy, 1, 2));
	assert_int_equal(reader_check_next(&reader, &v), RC_BUG);
	check_all(&reader, &copy, &made, 1, 1, 1, UINT32_MAX);
	dismiss(&reader);
}

static void
medium_that_is_neither_is_refused_at_once(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;

	assert_int_equal(reader_start(&reader, "/nonexistent"), RC_IO);
	assert_int_equal(mkfifo(stick_path(stick, "f"), 0644), 0);
	assert_refused(reader_start(&reader, stick_path(stick, "f")),
	    "MEDIA-FILE", "neither a directory");
}

static void
bundle_that_was_renamed_is_told_of_once(void **state)
{
	static const char *const types[] = { "P-256" };
	struct stick *stick = *state;
	WIPED(made) made = { 0 };
	WIPED(scanned) found = { 0 };
	WIPED(reader) reader = READER_NONE;
	bool more = false;
	char wanted[160];

	make_bundle(&made, types, 1, 1, UINT32_MAX);
	put_bundle(stick, &made, "b.cose");
	stick_write(stick, MEDIA_REQUESTS "/B (1).cose", "renamed");
	(void)snprintf(wanted, sizeof(wanted),
	    "%s/" MEDIA_REQUESTS
	    ": holds \"B (1).cose\"; names are [a-z0-9._-]",
	    stick->path);
	must(reader_start(&reader, stick->path));
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, "requests");
	assert_int_equal(found.rule, RULE_MEDIA_NAME);
	assert_string_equal(found.reason, wanted);
	must(reader_scan(&reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, "b.cose");
	scanned_wipe(&found);
	must(reader_scan(&reader, &found, &more));
	assert_false(more);
	dismiss(&reader);
}

/* ---- phases and commands --------------------------------------------------
 */

/* Who begins locked in, or is, opens no file any more. */
static void
reader_that_is_locked_in_finds_nothing(void **state)
{
	struct stick *stick = *state;
	bool more = true;

	stick_write(stick, "a.csr", "no CSR");
	for (int scanned = 0; scanned < 2; scanned++) {
		WIPED(reader) reader = READER_NONE;
		struct scanned none = { 0 };

		must(reader_start(&reader, scanned != 0 ? stick->path : NULL));
		must(reader_scan(&reader, &none, &more));
		assert_false(more);
		more = true;
		must(reader_scan_loose(&reader, &none, &more));
		assert_false(more);
		more = true;
		must(reader_scan_history(&reader, &none, &more));
		assert_false(more);
		more = true;
		must(reader_scan_folder(&reader, &none, &more));
		assert_false(more);
		dismiss(&reader);
	}
}

static void
file_given_as_medium_has_no_history(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;
	bool more = true;

	stick_write(stick, "a.cose", "no bundle");
	must(reader_start(&reader, stick_path(stick, "a.cose")));
	must(reader_scan_history(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	dismiss(&reader);
}

static void
check_without_a_bundle_is_a_bug_of_ours(void **state)
{
	const struct sealed none = { .fd = -1 };
	WIPED(reader) reader = READER_NONE;
	WIPED(verdict) v = { 0 };

	(void)state;
	must(reader_start(&reader, NULL));
	must(reader_check_start(&reader, &none, 0, 1));
	assert_int_equal(reader_check_next(&reader, &v), RC_BUG);
	assert_string_equal(err_text(), "the reader was handed no bundle");
	must(reader_check_loose_start(&reader, &none, 0, 1));
	assert_int_equal(reader_check_next(&reader, &v), RC_BUG);
	dismiss(&reader);
}

/* Its parent is the only one that it trusts, but it does not guess. */
static void
command_that_is_none_ends_the_reader(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} commands[] = { { "", 0 }, { "\x80", 1 }, /* cut short */
		{ "\x82\x03\x00", 3 }, { "\x83\x03\x00", 3 },
		{ "\x82\x00\x00", 3 }, { "\x84\x03\x00\x01\x00", 5 }, /* long */
		{ "\x81\x06", 2 }, { "\x81\x20", 2 }, /* unknown */
		{ "\x81\x00\x00", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		WIPED(reader) reader = READER_NONE;
		struct sandbox_level level = { 0 };

		must(reader_start(&reader, NULL));
		must(reader_level(&reader, &level)); /* until then it serves */
		must(frame_send(reader.child.sock,
		    span_of(commands[i].bytes, commands[i].n), -1, "reader"));
		assert_int_equal(child_stop(&reader.child, 10), RC_FORMAT);
	}
}

/* ---- loose CSRs ------------------------------------------------------------
 */

static void
write_bytes(struct stick *stick, const char *name, struct span bytes)
{
	WIPED(buf) note = { 0 };

	must(media_put_file(&stick->media, name, bytes, false, &note));
}

/* Two good CSRs, one of them twice and once as PEM, and what is none. */
static void
put_loose(struct stick *stick)
{
	OWN(EVP_PKEY) *one = make_key("P-256");
	OWN(EVP_PKEY) *two = make_key("ED25519");
	struct buf der[2] = { { 0 } };
	const uint8_t *p;
	OWN(X509_REQ) *req = NULL;
	FILE *pem = fopen(stick_path(stick, "b.pem"), "we");

	make_csr(one, "DNS:a.example.org,DNS:b.example.org", &der[0]);
	make_csr(two, "DNS:c.example.org", &der[1]);
	write_bytes(stick, "a.csr", buf_span(&der[0]));
	write_bytes(stick, "again.der", buf_span(&der[0]));
	write_bytes(stick, "no.p10", span_str("-----BEGIN NOTHING-----"));
	write_bytes(stick, "readme.txt", span_str("not for us"));
	p = der[1].p;
	req = d2i_X509_REQ(NULL, &p, (long)der[1].n);
	assert_true(req != NULL && pem != NULL);
	assert_int_equal(PEM_write_X509_REQ(pem, req), 1);
	assert_int_equal(fclose(pem), 0);
	assert_int_equal(
	    symlink("/etc/passwd", stick_path(stick, "link.csr")), 0);
	buf_wipe(&der[0]);
	buf_wipe(&der[1]);
}

static void
expect_refusal(struct reader *reader, const char *name, enum rule rule)
{
	WIPED(scanned) found = { 0 };
	bool more = false;

	must(reader_scan_loose(reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, name);
	assert_int_equal(found.rule, rule);
}

static void
loose_csrs_are_one_set_and_others_are_refused(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;
	WIPED(scanned) found = { 0 };
	WIPED(loose) set = { 0 };
	bool more = false;

	put_loose(stick);
	must(reader_start(&reader, stick->path));
	expect_refusal(&reader, "link.csr", RULE_MEDIA_FILE);
	expect_refusal(&reader, "no.p10", RULE_CSR_FORM);
	must(reader_scan_loose(&reader, &found, &more));
	assert_true(more);
	assert_string_equal(found.name, LOOSE_NAME);
	must(loose_read(found.copy.bytes, &set));
	assert_int_equal(set.n, 2);
	must(reader_scan_loose(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	must(reader_check_loose_start(&reader, &found.copy, 0, 2));
	for (uint32_t i = 0; i < 2; i++) {
		WIPED(verdict) v = { 0 };
		bool first = span_eq_str(set.items[i].name, "a.csr");

		must(reader_check_next(&reader, &v));
		assert_int_equal(v.rc, RC_OK);
		assert_int_equal(v.index, i);
		assert_int_equal(v.names.n, first ? 2 : 1);
	}
	dismiss(&reader);
}

static void
medium_without_loose_csrs_has_none(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;
	bool more = true;

	must(reader_start(&reader, stick->path));
	must(reader_scan_loose(&reader, &(struct scanned){ 0 }, &more));
	assert_false(more);
	dismiss(&reader);
}

static void
file_given_as_medium_may_be_a_loose_csr(void **state)
{
	struct stick *stick = *state;
	WIPED(reader) reader = READER_NONE;
	WIPED(scanned) found = { 0 };
	WIPED(loose) set = { 0 };
	bool more = false;

	put_loose(stick);
	must(reader_start(&reader, stick_path(stick, "b.pem")));
	must(reader_scan_loose(&reader, &found, &more));
	assert_true(more);
	must(loose_read(found.copy.bytes, &set));
	assert_int_equal(set.n, 1);
	assert_true(span_eq_str(set.items[0].name, "b.pem"));
	dismiss(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STICK(bundle_is_scanned_then_checked_in_one_reader),
		cmocka_unit_test(
		    every_key_type_is_checked_behind_the_strict_filter),
		cmocka_unit_test(ranges_of_one_bundle_are_shared_among_readers),
		cmocka_unit_test(another_bundle_may_follow),
		ON_STICK(file_that_is_refused_does_not_end_the_scan),
		ON_STICK(file_given_as_medium_is_one_bundle),
		ON_STICK(empty_medium_has_nothing_and_the_level_is_told),
		cmocka_unit_test(bytes_that_are_no_bundle_are_refused_by_rule),
		cmocka_unit_test(range_beyond_the_bundle_is_a_bug_of_ours),
		ON_STICK(medium_that_is_neither_is_refused_at_once),
		ON_STICK(bundle_that_was_renamed_is_told_of_once),
		ON_STICK(reader_that_is_locked_in_finds_nothing),
		ON_STICK(file_given_as_medium_has_no_history),
		cmocka_unit_test(check_without_a_bundle_is_a_bug_of_ours),
		cmocka_unit_test(command_that_is_none_ends_the_reader),
		ON_STICK(loose_csrs_are_one_set_and_others_are_refused),
		ON_STICK(medium_without_loose_csrs_has_none),
		ON_STICK(file_given_as_medium_may_be_a_loose_csr),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
