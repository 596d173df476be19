/* SPDX-License-Identifier: Apache-2.0 */
/* The online home: who may own it, and its private keys. */
#include "tests/lib/online_fixture.h"

#include "transfer/x509/key.h"

#include <openssl/pem.h>
#include <sys/wait.h>

static enum rc
open_home(const char *home)
{
	WIPED(store) store = { 0 };

	return online_open(home, false, &store);
}

/* ---- opening ------------------------------------------------------------- */

static void
a_home_without_a_store_is_not_enrolled(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	check_rule(open_home(b.home), "UNENROLLED", b.home);
	check_rule(open_home("/no/such/home"), "UNENROLLED", "/no/such/home");
	online_enrol(&b, PLAIN_POLICY, SPAN_NONE);
	check_ok(open_home(b.home));
}

static void
mode_matters(struct online_bed *b, const char *name, mode_t bad, mode_t good)
{
	const char *path = online_path(b->home, name);

	assert_int_equal(chmod(path, bad), 0);
	check_rule(open_home(b->home), "HOME-MODE",
	    "others than its owner may write to it");
	assert_int_equal(chmod(path, good), 0);
	check_ok(open_home(b->home));
}

/* Reading is another thing: what is secret has its own mode. */
static void
a_home_that_others_may_write_to_is_refused(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	store_wipe(&b.store);
	check_ok(dir_make(online_path(b.home, "keys"), 0700));
	mode_matters(&b, ".", 0720, 0700);
	mode_matters(&b, ".", 0702, 0755);
	mode_matters(&b, "store.db", 0620, 0644);
	mode_matters(&b, ONLINE_REQUESTER_KEY, 0602, 0600);
	mode_matters(&b, "keys", 0730, 0700);
}

static void
a_home_that_is_a_file_is_none(void **state)
{
	WIPED(online_bed) b = { 0 };

	(void)state;
	online_make(&b);
	assert_int_equal(online_guard(online_path(b.home, "store.db")), RC_IO);
	check_ok(online_guard("/no/such/home"));
}

/* ---- keys ---------------------------------------------------------------- */

static void
keys_are_made_of_every_type_that_has_a_name(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "ec-p521",
		"ed25519", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		OWN(EVP_PKEY) *key = NULL;
		WIPED(buf) spki = { 0 };
		struct key_facts facts;
		char name[KEY_TYPE_TEXT];

		check_ok(online_key_make(types[i], &key));
		key_spki(key, &spki);
		check_ok(key_shape("key", buf_span(&spki), &facts));
		key_name(&facts, name);
		assert_string_equal(name, types[i]);
	}
}

static void
a_type_without_a_name_is_refused(void **state)
{
	OWN(EVP_PKEY) *key = NULL;

	(void)state;
	assert_int_equal(online_key_make("rsa-2049", &key), RC_USAGE);
	assert_string_equal(err_text(),
	    "--new-key rsa-2049: wanted ec-p256, ec-p384, ec-p521, ed25519 or "
	    "rsa-BITS with 2048 to 8192 bits, a multiple of 8");
	assert_int_equal(online_key_make("", &key), RC_USAGE);
	assert_null(key);
}

static void
a_key_is_for_its_owner_alone_and_never_replaced(void **state)
{
	WIPED(online_bed) b = { 0 };
	OWN(EVP_PKEY) *one = key_new("ec-p256");
	OWN(EVP_PKEY) *two = key_new("ed25519");
	OWN(EVP_PKEY) *found = NULL;
	struct stat st;

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	check_ok(online_key_write(b.home, "a.pem", one));
	assert_int_equal(stat(online_path(b.home, "a.pem"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(online_key_write(b.home, "a.pem", two), RC_IO);
	assert_non_null(strstr(err_text(), "a.pem"));
	check_ok(online_key_read(b.home, "a.pem", &found));
	assert_int_equal(EVP_PKEY_eq(one, found), 1);
	assert_int_equal(EVP_PKEY_eq(two, found) == 1, 0);
}

static void
what_is_no_key_is_told(void **state)
{
	WIPED(online_bed) b = { 0 };
	OWN(EVP_PKEY) *found = NULL;
	const char *path;

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	path = online_path(b.home, "a.pem");
	assert_int_equal(online_key_read(b.home, "a.pem", &found), RC_IO);
	check_ok(file_create(AT_FDCWD, path, span_str("no key\n"), 0600));
	assert_int_equal(online_key_read(b.home, "a.pem", &found), RC_STATE);
	assert_non_null(strstr(err_text(), "a.pem: no private key"));
	assert_int_equal(truncate(path, 16384), 0);
	assert_int_equal(online_key_read(b.home, "a.pem", &found), RC_STATE);
	assert_int_equal(truncate(path, 16385), 0);
	assert_int_equal(online_key_read(b.home, "a.pem", &found), RC_FORMAT);
	assert_null(found);
}

/* A child without a terminal, whose stdin would give the passphrase. */
static int
read_where_stdin_answers(const char *home)
{
	OWN(EVP_PKEY) *key = NULL;
	int ends[2];

	(void)setsid();
	if (pipe(ends) != 0 || write(ends[1], "secret\n", 7) != 7 ||
	    dup2(ends[0], STDIN_FILENO) != STDIN_FILENO)
		return 99;
	(void)close(ends[1]);
	return (int)online_key_read(home, "a.pem", &key);
}

/* A timer has nobody to ask, and a command must not wait for somebody. */
static void
no_passphrase_is_asked_for(void **state)
{
	WIPED(online_bed) b = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	int status = 0;
	pid_t pid;
	long n;

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
			     EVP_aes_128_cbc(), "secret", 6, NULL, NULL),
	    1);
	n = BIO_get_mem_data(bio, &pem);
	check_ok(file_create(AT_FDCWD, online_path(b.home, "a.pem"),
	    span_of(pem, (size_t)n), 0600));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(read_where_stdin_answers(b.home));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), RC_STATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_without_a_store_is_not_enrolled),
		cmocka_unit_test(a_home_that_others_may_write_to_is_refused),
		cmocka_unit_test(a_home_that_is_a_file_is_none),
		cmocka_unit_test(keys_are_made_of_every_type_that_has_a_name),
		cmocka_unit_test(a_type_without_a_name_is_refused),
		cmocka_unit_test(
		    a_key_is_for_its_owner_alone_and_never_replaced),
		cmocka_unit_test(what_is_no_key_is_told),
		cmocka_unit_test(no_passphrase_is_asked_for),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
