/* SPDX-License-Identifier: Apache-2.0 */
/* The token process, on a SoftHSM token made for this test. */
#include "token/token.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/own_ssl.h"
#include "token/p11/attr.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static char dir[] = "/tmp/token-test-XXXXXX";
static char pin_path[64], uri[128];

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct token *
start(void)
{
	const struct token_options options = { .module = MODULE };
	struct token *token = NULL;

	assert_int_equal(token_start(&token, &options), RC_OK);
	return token;
}

static void
must(enum rc rc)
{
	if (rc != RC_OK)
		print_message("%s\n", err_text());
	assert_int_equal(rc, RC_OK);
}

static int
make_token(void **state)
{
	char path[64], text[256];
	struct token_info info;
	struct token *token;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/tokens", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(text, sizeof(text),
	    "directories.tokendir = %s/tokens\nobjectstore.backend = file\n"
	    "log.level = ERROR\n",
	    dir);
	(void)snprintf(path, sizeof(path), "%s/conf", dir);
	write_file(path, text);
	(void)setenv("SOFTHSM2_CONF", path, 1);
	(void)snprintf(pin_path, sizeof(pin_path), "%s/pin", dir);
	write_file(pin_path, "123456\n");
	(void)snprintf(
	    uri, sizeof(uri), "pkcs11:token=unit?pin-source=file:%s", pin_path);

	token = start();
	must(token_init(token,
	    &(struct token_setup){ .module = MODULE,
		.label = "unit",
		.so_pin_source = pin_path,
		.pin_source = pin_path },
	    &info));
	assert_string_equal(info.label, "unit");
	assert_true(info.initialised && info.pin_set);
	token_free(token);
	return 0;
}

static int
remove_token(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static struct token *
open_logged_in(void)
{
	struct token *token = start();
	struct token_info info;

	must(token_open(token, uri, &info));
	must(token_login(token));
	return token;
}

static EVP_PKEY *
public_key(struct span spki)
{
	const uint8_t *p = spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);

	assert_non_null(key);
	return key;
}

/* r || s to the DER that OpenSSL verifies. */
static void
der_of(struct span raw, struct buf *ret)
{
	OWN(ECDSA_SIG) *sig = ECDSA_SIG_new();
	OWN(ssl_bytes) *der = NULL;
	int half = (int)(raw.n / 2), n;

	assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(raw.p, half, NULL),
			     BN_bin2bn(raw.p + half, half, NULL)),
	    1);
	n = i2d_ECDSA_SIG(sig, &der);
	assert_true(n > 0);
	must(buf_add(ret, der, (size_t)n));
}

static bool
verifies(struct span spki, enum token_scheme scheme, struct span digest,
    struct span sig)
{
	OWN(EVP_PKEY) *key = public_key(spki);
	OWN(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new(key, NULL);
	WIPED(buf) der = { 0 };
	const EVP_MD *md = digest.n == 32   ? EVP_sha256()
			   : digest.n == 48 ? EVP_sha384()
					    : EVP_sha512();

	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
	if (scheme == TOKEN_ECDSA) {
		der_of(sig, &der);
		sig = buf_span(&der);
	}
	if (scheme == TOKEN_RSA_PSS) {
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING),
		    1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(
				     ctx, RSA_PSS_SALTLEN_DIGEST),
		    1);
	}
	return EVP_PKEY_verify(ctx, sig.p, sig.n, digest.p, digest.n) == 1;
}

static void
check_key(const struct token_key *key, const char *type)
{
	assert_string_equal(key->type, type);
	assert_true(key->has_private && key->sensitive && key->sign);
	assert_true(key->always_sensitive && key->never_extractable);
	assert_true(key->local);
	assert_false(key->extractable || key->decrypt);
}

static void
sign_all(struct token *token, const struct token_key *key, const char *type)
{
	static const uint8_t digest[64] = { 1, 2, 3, 250 };
	static const size_t sizes[] = { 32, 48, 64 };
	bool rsa = strncmp(type, "rsa", 3) == 0;
	unsigned handle = 99;

	must(token_use_key(token, buf_span(&key->spki), &handle));
	for (size_t i = 0; i < 3; i++) {
		for (int scheme = rsa ? TOKEN_RSA_PKCS1 : TOKEN_ECDSA;
		     scheme <= (rsa ? TOKEN_RSA_PSS : TOKEN_ECDSA); scheme++) {
			struct span d = span_of(digest, sizes[i]);
			WIPED(buf) sig = { 0 };

			must(token_sign(
			    token, handle, (enum token_scheme)scheme, d, &sig));
			assert_true(verifies(buf_span(&key->spki),
			    (enum token_scheme)scheme, d, buf_span(&sig)));
		}
	}
}

static void
every_type_is_made_and_signs(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048",
		"rsa-3744" };
	struct token *token = open_logged_in();

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct token_key key = { 0 }, found = { 0 };

		must(token_can_make(token, types[i]));
		must(token_keygen(token, types[i], types[i], SPAN_NONE, &key));
		check_key(&key, types[i]);
		sign_all(token, &key, types[i]);
		must(token_find_key(token, key.uri, &found));
		assert_true(
		    span_eq(buf_span(&found.spki), buf_span(&key.spki)));
		token_key_wipe(&found);
		token_key_wipe(&key);
	}
	token_free(token);
}

static void
a_window_of_signatures_comes_in_order(void **state)
{
	struct token *token = open_logged_in();
	struct token_key key = { 0 };
	uint8_t digest[32] = { 0 };
	unsigned handle;

	(void)state;
	must(token_find_key(token, "pkcs11:object=rsa-3744", &key));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	for (unsigned i = 0; i < TOKEN_WINDOW; i++) {
		digest[0] = (uint8_t)i;
		must(token_sign_send(token, handle, TOKEN_RSA_PKCS1,
		    span_of(digest, sizeof(digest))));
	}
	assert_int_equal(token_sign_send(token, handle, TOKEN_RSA_PKCS1,
			     span_of(digest, sizeof(digest))),
	    RC_BUG);
	for (unsigned i = 0; i < TOKEN_WINDOW; i++) {
		WIPED(buf) sig = { 0 };

		digest[0] = (uint8_t)i;
		must(token_sign_recv(token, 60, &sig));
		assert_true(verifies(buf_span(&key.spki), TOKEN_RSA_PKCS1,
		    span_of(digest, sizeof(digest)), buf_span(&sig)));
	}
	token_key_wipe(&key);
	token_free(token);
}

static void
a_label_or_id_in_use_is_refused(void **state)
{
	static const uint8_t id[] = { 1, 2, 3 };
	struct token *token = open_logged_in();
	struct token_key key = { 0 };

	(void)state;
	assert_int_equal(
	    token_keygen(token, "ec-p256", "ec-p256", SPAN_NONE, &key),
	    RC_TOKEN);
	assert_string_equal(err_text(),
	    "token \"unit\": has a key with the label \"ec-p256\" already; "
	    "nothing was written");
	must(token_keygen(
	    token, "ec-p256", "given", span_of(id, sizeof(id)), &key));
	assert_int_equal(key.id_len, sizeof(id));
	assert_memory_equal(key.id, id, sizeof(id));
	token_key_wipe(&key);
	assert_int_equal(token_keygen(token, "ec-p256", "other",
			     span_of(id, sizeof(id)), &key),
	    RC_TOKEN);
	assert_non_null(strstr(err_text(), "has this id already"));
	token_free(token);
}

static void
a_key_is_found_only_when_one_is_meant(void **state)
{
	struct token *token = open_logged_in();
	struct token_key key = { 0 };

	(void)state;
	assert_int_equal(token_find_key(token, NULL, &key), RC_TOKEN);
	assert_non_null(strstr(err_text(), "several keys are meant"));
	assert_int_equal(
	    token_find_key(token, "pkcs11:object=none", &key), RC_TOKEN);
	assert_string_equal(
	    err_text(), "token \"unit\": no private key of that name or id");
	assert_int_equal(
	    token_find_key(token, "pkcs11:token=x;object=given", &key),
	    RC_TOKEN);
	token_free(token);
}

static void
private_keys_show_after_login_only(void **state)
{
	struct token *token = start();
	struct token_key *keys = NULL;
	struct token_info info;
	size_t n = 0;

	(void)state;
	must(token_open(token, NULL, &info));
	must(token_keys(token, &keys, &n));
	assert_true(n >= 4);
	for (size_t i = 0; i < n; i++) {
		assert_false(keys[i].has_private);
		assert_true(keys[i].spki.n != 0);
	}
	assert_int_equal(
	    token_use_key(token, buf_span(&keys[0].spki), &(unsigned){ 0 }),
	    RC_TOKEN);
	token_keys_free(keys, n);
	token_free(token);
}

static void
an_unknown_token_is_named(void **state)
{
	struct token *token = start();
	struct token_info info;

	(void)state;
	assert_int_equal(
	    token_open(token, "pkcs11:token=elsewhere", &info), RC_TOKEN);
	assert_non_null(strstr(err_text(),
	    "the token that the URI names is not present; there is \"unit\" "
	    "(serial "));
	token_free(token);
}

static void
a_wrong_pin_says_so_and_signs_nothing(void **state)
{
	struct token *token = start();
	struct token_info info;

	(void)state;
	write_file(pin_path, "654321\n");
	must(token_open(token, uri, &info));
	assert_int_equal(token_login(token), RC_TOKEN);
	assert_non_null(strstr(err_text(), "wrong PIN"));
	assert_non_null(strstr(err_text(), pin_path));
	write_file(pin_path, "123\n");
	assert_int_equal(token_login(token), RC_TOKEN);
	assert_non_null(strstr(err_text(), "no try was spent"));
	write_file(pin_path, "123456\n");
	must(token_login(token));
	token_free(token);
}

static void
an_answer_nobody_asked_for_is_not_waited_for(void **state)
{
	struct token *token = open_logged_in();
	struct token_info info;
	WIPED(buf) sig = { 0 };

	(void)state;
	assert_int_equal(token_sign_recv(token, 1, &sig), RC_BUG);
	must(token_open(token, uri, &info));
	token_free(token);
}

static void
the_raw_rate_is_measured(void **state)
{
	struct token *token = open_logged_in();
	struct token_key key = { 0 };
	unsigned handle;
	double rate = 0;

	(void)state;
	must(token_find_key(token, "pkcs11:object=ec-p256", &key));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	must(token_bench(token, handle, 1, 2, &rate));
	assert_true(rate > 1);
	token_key_wipe(&key);
	token_free(token);
}

static void
usual_modules_are_found_once(void **state)
{
	struct module_paths paths;
	size_t softhsm = 0;

	(void)state;
	module_paths_find(&paths);
	for (size_t i = 0; i < paths.n; i++)
		softhsm += strstr(paths.path[i], "libsofthsm2") != NULL;
	assert_int_equal(softhsm, 1);
	module_paths_wipe(&paths);
}

static int
token_pid(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	return pid;
}

static char
process_state(int pid)
{
	char path[64], ret = '?';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %*s %c", &ret), 1);
	(void)fclose(f);
	return ret;
}

static void
what_a_dead_process_has_signed_is_taken(void **state)
{
	static const uint8_t digest[32] = { 1 };
	struct token *token = open_logged_in();
	struct token_key key = { 0 };
	WIPED(buf) sig = { 0 };
	unsigned handle;
	int pid = token_pid(), left = 0;

	(void)state;
	must(token_find_key(token, "pkcs11:object=ec-p256", &key));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	for (int i = 0; i < 3; i++)
		must(token_sign_send(token, handle, TOKEN_ECDSA,
		    span_of(digest, sizeof(digest))));
	token_sign_flush(token);
	/* All three are answered once it does nothing but wait for a fourth. */
	must(token_sign_recv(token, 60, &sig));
	for (int idle = 0; idle < 20; idle++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = MS }, NULL);
		if (process_state(pid) != 'S')
			idle = 0;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT) != 0)
		continue;
	/* What cannot be sent any more is no reason to forget them. */
	must(token_sign_send(
	    token, handle, TOKEN_ECDSA, span_of(digest, sizeof(digest))));
	token_sign_flush(token);
	while (token_sign_recv(token, 60, &sig) == RC_OK)
		left++;
	assert_int_equal(left, 2);
	assert_string_equal(
	    err_text(), "the token: the token process died of SIGKILL");
	token_key_wipe(&key);
	token_free(token);
}

static void
a_process_that_hangs_is_ended(void **state)
{
	static const uint8_t digest[32] = { 1 };
	struct token *token = open_logged_in();
	struct token_key key = { 0 };
	struct token_info info;
	WIPED(buf) sig = { 0 };
	unsigned handle;
	int pid = token_pid();

	(void)state;
	must(token_find_key(token, "pkcs11:object=ec-p256", &key));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	/* Sent one by one, a whole window takes the most room. */
	for (size_t i = 0; i < TOKEN_WINDOW; i++) {
		must(token_sign_send(token, handle, TOKEN_ECDSA,
		    span_of(digest, sizeof(digest))));
		token_sign_flush(token);
	}
	assert_int_equal(token_sign_send(token, handle, TOKEN_ECDSA,
			     span_of(digest, sizeof(digest))),
	    RC_BUG);
	assert_int_equal(token_sign_recv(token, 1, &sig), RC_TOKEN);
	assert_string_equal(err_text(),
	    "the token did not answer in 1 s: the token process was ended");
	assert_int_equal(token_open(token, uri, &info), RC_TOKEN);
	assert_string_equal(err_text(), "the token process has ended");
	assert_int_equal(kill(pid, 0), -1);
	token_key_wipe(&key);
	token_free(token);
}

static void
asked_for_each_a_refused_pin_ends_signing(void **state)
{
	const struct token_options options = { .module = MODULE,
		.ask_each = true };
	static const uint8_t digest[32] = { 1 };
	struct token *token = NULL;
	struct token_key key = { 0 };
	struct token_info info;
	WIPED(buf) sig = { 0 };
	unsigned handle;

	(void)state;
	must(token_start(&token, &options));
	must(token_open(token, uri, &info));
	must(token_login(token));
	must(token_find_key(token, "pkcs11:object=ec-p256", &key));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	for (int i = 0; i < 2; i++)
		must(token_sign(token, handle, TOKEN_ECDSA,
		    span_of(digest, sizeof(digest)), &sig));
	write_file(pin_path, "654321\n");
	assert_int_equal(token_sign(token, handle, TOKEN_ECDSA,
			     span_of(digest, sizeof(digest)), &sig),
	    RC_TOKEN);
	assert_non_null(strstr(err_text(), "wrong PIN"));
	/* Even a right one does not bring it back without a new login. */
	write_file(pin_path, "123456\n");
	assert_int_equal(token_sign(token, handle, TOKEN_ECDSA,
			     span_of(digest, sizeof(digest)), &sig),
	    RC_TOKEN);
	must(token_open(token, uri, &info));
	must(token_login(token));
	must(token_use_key(token, buf_span(&key.spki), &handle));
	must(token_sign(
	    token, handle, TOKEN_ECDSA, span_of(digest, sizeof(digest)), &sig));
	token_key_wipe(&key);
	token_free(token);
}

/* In this process, by the module's own functions, and last: whoever has loaded
 * a module does not fork any more. */
static void
no_private_value_can_be_read(void **state)
{
	static const CK_ATTRIBUTE_TYPE secret[] = { CKA_VALUE,
		CKA_PRIVATE_EXPONENT, CKA_PRIME_1 };
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof(class) };
	CK_SLOT_ID slots[MODULE_SLOTS];
	CK_OBJECT_HANDLE found[16];
	CK_UTF8CHAR pin[] = "123456";
	struct module module;
	struct session s;
	size_t n = 0;

	(void)state;
	must(module_load(MODULE, &module));
	must(module_slots(&module, slots, &n));
	must(session_open(&s, &module, slots[0]));
	assert_int_equal(
	    module.f->C_Login(s.handle, CKU_USER, pin, sizeof(pin) - 1),
	    CKR_OK);
	must(objects_find(&s, &want, 1, found, 16, &n));
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 3; j++) {
			WIPED(buf) value = { 0 };

			must(attr_bytes(&s, found[i], secret[j], &value));
			assert_int_equal(value.n, 0);
		}
	assert_int_equal(objects_find(&s, &want, 1, found, 5, &n), RC_TOKEN);
	session_wipe(&s);
	module_wipe(&module);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_made_and_signs),
		cmocka_unit_test(a_window_of_signatures_comes_in_order),
		cmocka_unit_test(a_label_or_id_in_use_is_refused),
		cmocka_unit_test(a_key_is_found_only_when_one_is_meant),
		cmocka_unit_test(private_keys_show_after_login_only),
		cmocka_unit_test(an_unknown_token_is_named),
		cmocka_unit_test(a_wrong_pin_says_so_and_signs_nothing),
		cmocka_unit_test(an_answer_nobody_asked_for_is_not_waited_for),
		cmocka_unit_test(the_raw_rate_is_measured),
		cmocka_unit_test(usual_modules_are_found_once),
		cmocka_unit_test(what_a_dead_process_has_signed_is_taken),
		cmocka_unit_test(a_process_that_hangs_is_ended),
		cmocka_unit_test(asked_for_each_a_refused_pin_ends_signing),
		cmocka_unit_test(no_private_value_can_be_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_token, remove_token);
}
