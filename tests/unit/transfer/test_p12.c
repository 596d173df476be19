/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12: what it holds, and whose password file it is. */
#include "tests/lib/software_ca.h"

#include "base/file.h"
#include "transfer/online/deploy/deploy.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "dns:a.example.org"

struct bed {
	struct software_ca ca;
	EVP_PKEY *key;
	X509 *cert;
	struct buf pem; /* key, certificate, CA */
	char dir[32], pass[64];
};

static void
bed_wipe(struct bed *b)
{
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->key);
	X509_free(b->cert);
	buf_wipe(&b->pem);
	(void)unlink(b->pass);
	assert_int_equal(rmdir(b->dir), 0);
}

static void
key_to_pem(EVP_PKEY *key, struct buf *out)
{
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long n;

	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL),
	    1);
	n = BIO_get_mem_data(bio, &pem);
	check_ok(buf_add(out, pem, (size_t)n));
}

static void
cert_to_pem(X509 *cert, struct buf *out)
{
	WIPED(buf) der = { 0 };

	cert_der(cert, &der);
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&der), out));
}

static void
put_pass(const struct bed *b, const char *text, mode_t mode)
{
	check_ok(file_replace(AT_FDCWD, b->pass, span_str(text), mode));
}

static void
bed_make(struct bed *b)
{
	OWN(X509_NAME) *name = NULL;
	uint8_t serial[16];

	software_ca_make(&b->ca, "ec-p256");
	b->key = key_new("ec-p256");
	draw_serial(serial);
	check_ok(subject_read("CN=a.example.org", &name));
	b->cert =
	    cert_begin(name, b->key, span_of(serial, 16), NOW - DAY, NOW + DAY);
	assert_true(X509_sign(b->cert, b->ca.key, EVP_sha256()) > 0);
	key_to_pem(b->key, &b->pem);
	cert_to_pem(b->cert, &b->pem);
	cert_to_pem(b->ca.cert, &b->pem);
	(void)strcpy(b->dir, "/tmp/p12.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->pass, sizeof(b->pass), "%s/pass", b->dir);
	put_pass(b, "changeit\nsecond line\n", 0600);
}

static enum rc
make(const struct bed *b, struct buf *ret)
{
	WIPED(buf) pass = { 0 };
	enum rc rc = p12_password(b->pass, &pass);

	return rc == RC_OK
		   ? p12_make(NAME, buf_span(&b->pem), &pass, false, ret)
		   : rc;
}

/* A list of certificates ends where no other begins, and nowhere else. */
static void
what_cannot_be_read_is_no_end_of_the_list(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(make(&b, &file));
	b.pem.p[b.pem.n - 40] = '!'; /* in the CA's */
	assert_int_equal(make(&b, &file), RC_BUG);
}

/* ---- what it holds ------------------------------------------------------- */

/* With OpenSSL alone, as a server reads it. */
static void
a_server_finds_key_certificate_and_ca(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };
	PKCS12 *p12;
	const uint8_t *p;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	STACK_OF(X509) *cas = NULL;

	(void)state;
	bed_make(&b);
	check_ok(make(&b, &file));
	p = file.p;
	p12 = d2i_PKCS12(NULL, &p, (long)file.n);
	assert_non_null(p12);
	assert_int_equal(PKCS12_verify_mac(p12, "changei", -1), 0);
	assert_int_equal(PKCS12_parse(p12, "changeit", &key, &cert, &cas), 1);
	assert_int_equal(EVP_PKEY_eq(key, b.key), 1);
	assert_int_equal(X509_cmp(cert, b.cert), 0);
	assert_int_equal(sk_X509_num(cas), 1);
	assert_int_equal(X509_cmp(sk_X509_value(cas, 0), b.ca.cert), 0);
	assert_memory_equal(X509_alias_get0(cert, NULL), NAME, strlen(NAME));
	PKCS12_free(p12);
	EVP_PKEY_free(key);
	X509_free(cert);
	sk_X509_pop_free(cas, X509_free);
}

/* ---- the password file --------------------------------------------------- */

static void
refuses(const struct bed *b, enum rc wanted, const char *words)
{
	WIPED(buf) file = { 0 };

	assert_int_equal(make(b, &file), wanted);
	if (strstr(err_text(), words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err_text(), words);
	assert_int_equal(file.n, 0);
}

static void
a_password_that_others_can_read_is_refused(void **state)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0610, 0601 };
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };

	(void)state;
	bed_make(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(b.pass, bad[i]), 0);
		refuses(&b, RC_IO, "others may read it (mode 06");
	}
	assert_int_equal(chmod(b.pass, 0400), 0);
	check_ok(make(&b, &file));
}

static void
a_password_of_somebody_else_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };

	(void)state;
	bed_make(&b);
	if (geteuid() == 0) { /* who else can give a file away? */
		assert_int_equal(chown(b.pass, 4711, 0), 0);
		refuses(&b, RC_IO, "belongs to another user (4711)");
		assert_int_equal(chown(b.pass, 0, 0), 0);
	}
	check_ok(make(&b, &file));
}

/* Whoever can put another file there would get any file's first line, of root's
 * own as well, as a password that they can try. */
static void
a_password_that_others_can_replace_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };
	char other[64];

	(void)state;
	bed_make(&b);
	assert_int_equal(chmod(b.dir, 0730), 0);
	assert_int_equal(make(&b, &file), RC_STATE);
	assert_string_equal(rule_name(rule_spoken()), "DEPLOY-OWNER");
	if (geteuid() == 0) {
		assert_int_equal(chmod(b.dir, 0700), 0);
		assert_int_equal(chown(b.dir, 4711, 4711), 0);
		assert_int_equal(make(&b, &file), RC_STATE);
		assert_non_null(
		    strstr(err_text(), "others than root and you can change"));
		assert_int_equal(chown(b.dir, 0, 0), 0);
	}
	assert_int_equal(chmod(b.dir, 0700), 0);
	(void)snprintf(other, sizeof(other), "%s/other", b.dir);
	assert_int_equal(rename(b.pass, other), 0);
	assert_int_equal(symlink("other", b.pass), 0);
	assert_int_equal(make(&b, &file), RC_IO); /* typed ones are followed */
	assert_non_null(strstr(err_text(), "not a regular file"));
	assert_int_equal(file.n, 0);
	assert_int_equal(unlink(other), 0);
}

static void
what_is_no_password_is_refused(void **state)
{
	WIPED(bed) b = { 0 };
	char many[1026];

	(void)state;
	bed_make(&b);
	put_pass(&b, "", 0600);
	refuses(&b, RC_IO, "no password");
	put_pass(&b, "\nchangeit\n", 0600);
	refuses(&b, RC_IO, "no password");
	check_ok(
	    file_replace(AT_FDCWD, b.pass, span_of("change\0it\n", 10), 0600));
	refuses(&b, RC_IO, "no password");
	memset(many, 'x', 1025);
	many[1025] = '\0';
	put_pass(&b, many, 0600);
	refuses(&b, RC_FORMAT, "at most 1024 wanted");
	assert_int_equal(unlink(b.pass), 0);
	refuses(&b, RC_IO, "No such file or directory");
	assert_int_equal(mkfifo(b.pass, 0600), 0); /* and does not block */
	refuses(&b, RC_IO, "not a regular file");
	assert_int_equal(unlink(b.pass), 0);
	assert_int_equal(symlink("/dev/zero", b.pass), 0);
	refuses(&b, RC_IO, "not a regular file");
}

static void
without_key_and_certificate_there_is_none(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) file = { 0 };
	WIPED(buf) only_key = { 0 };
	WIPED(buf) pass = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(p12_password(b.pass, &pass));
	key_to_pem(b.key, &only_key);
	assert_int_equal(
	    p12_make(NAME, buf_span(&only_key), &pass, false, &file), RC_BUG);
	assert_int_equal(
	    p12_make(NAME, SPAN_NONE, &pass, false, &file), RC_BUG);
	assert_int_equal(file.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_finds_key_certificate_and_ca),
		cmocka_unit_test(what_cannot_be_read_is_no_end_of_the_list),
		cmocka_unit_test(a_password_that_others_can_read_is_refused),
		cmocka_unit_test(a_password_of_somebody_else_is_refused),
		cmocka_unit_test(a_password_that_others_can_replace_is_refused),
		cmocka_unit_test(what_is_no_password_is_refused),
		cmocka_unit_test(without_key_and_certificate_there_is_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
