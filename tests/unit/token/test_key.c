/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs as cards keep them: the public half is wherever it is. */
#include "token/card/key.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"

#include <errno.h>

static EVP_PKEY *p256, *p384, *rsa;

static int
make_all(void **state)
{
	(void)state;
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	rsa = EVP_RSA_gen(2048);
	return p256 == NULL || p384 == NULL || rsa == NULL ? -1 : 0;
}

static int
free_all(void **state)
{
	(void)state;
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
	return 0;
}

static void
is_key(const struct key *key, EVP_PKEY *want)
{
	WIPED(buf) spki = { 0 };

	card_spki(want, &spki);
	assert_true(span_eq(buf_span(&key->shown.spki), buf_span(&spki)));
}

static void
certify(struct fake_object *o, EVP_PKEY *key)
{
	OWN(X509) *cert = X509_new();
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
	assert_int_equal(X509_sign(cert, p256, EVP_sha256()) > 0, 1);
	n = i2d_X509(cert, &der);
	assert_true(n > 0);
	card_put(o, CKA_VALUE, der, (size_t)n);
}

static void
halves_are_paired_by_id_and_type(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(token_keys) keys = { 0 };
	struct fake_object *alone = card_object(CKO_PUBLIC_KEY);

	(void)state;
	(void)card_add_key(p256, "one", "1");
	(void)card_add_key(rsa, "two", "1"); /* tools reuse ids */
	(void)card_add_key(p384, "three", "3");
	card_put_public(alone, p384);
	card_put(alone, CKA_ID, "9", 1);
	card_session(&s);
	check_ok(token_keys_read(&s, &keys));
	assert_int_equal(keys.n, 4);
	is_key(&keys.key[0], p256);
	is_key(&keys.key[1], rsa);
	is_key(&keys.key[2], p384);
	is_key(&keys.key[3], p384);
	assert_string_equal(keys.key[1].shown.type, "rsa-2048");
	assert_true(keys.key[2].shown.has_private);
	assert_false(keys.key[3].shown.has_private);
}

/* A card that has nothing but the private object, and says there what the
 * public one would. */
static void
a_public_half_is_taken_from_wherever_it_is(void **state)
{
	struct fake_object *private = card_add_key(rsa, "key", "1");
	struct fake_object *cert;
	WIPED(session) s = { 0 };
	WIPED(buf) spki = { 0 };

	(void)state;
	card_session(&s);
	card_spki(p384, &spki);
	for (int from = 0; from < 4; from++) {
		WIPED(token_keys) keys = { 0 };

		switch (from) {
		case 1: /* its own attributes */
			private
			[1].there = false;
			card_put_public(private, rsa);
			break;
		case 2: /* CKA_PUBLIC_KEY_INFO */
			card_take_away(private, CKA_MODULUS);
			card_put(private, CKA_PUBLIC_KEY_INFO, spki.p, spki.n);
			break;
		case 3: /* a certificate of the same id */
			card_take_away(private, CKA_PUBLIC_KEY_INFO);
			cert = card_object(CKO_CERTIFICATE);
			card_put(cert, CKA_ID, "1", 1);
			certify(cert, p256);
			break;
		default:
			break;
		}
		check_ok(token_keys_read(&s, &keys));
		assert_int_equal(keys.n, 1);
		is_key(&keys.key[0], from < 2 ? rsa : from == 2 ? p384 : p256);
	}
}

static void
one_that_makes_no_sense_hides_no_other(void **state)
{
	struct fake_object *o;
	WIPED(session) s = { 0 };
	WIPED(token_keys) keys = { 0 };

	(void)state;
	o = card_add_key(p256, "no point", "1");
	card_put(o + 1, CKA_EC_POINT, "\4\3abc", 5);
	o = card_add_key(rsa, "no modulus", "2");
	card_put(o + 1, CKA_MODULUS, "short", 5);
	o = card_add_key(p256, "no type", "3");
	card_take_away(o, CKA_KEY_TYPE);
	card_take_away(o + 1, CKA_KEY_TYPE);
	o = card_object(CKO_CERTIFICATE);
	card_put(o, CKA_ID, "4", 1);
	card_put(o, CKA_VALUE, "no certificate", 14);
	o = card_add_key(p256, "no certificate", "4");
	card_take_away(o + 1, CKA_EC_POINT);
	o = card_add_key(p256, "another kind", "5");
	card_put_ulong(o, CKA_KEY_TYPE, CKK_AES);
	card_put_ulong(o + 1, CKA_KEY_TYPE, CKK_AES);
	(void)card_add_key(p384, "good", "6");
	card_session(&s);
	check_ok(token_keys_read(&s, &keys));
	assert_int_equal(keys.n, 6);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(keys.key[i].shown.type, "other");
		assert_int_equal(keys.key[i].shown.spki.n, 0);
	}
	is_key(&keys.key[5], p384);
}

static void
only_promises_that_are_made_are_told(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(token_keys) keys = { 0 };
	struct fake_object *silent = card_add_key(p256, "silent", "1");
	struct fake_object *wide = card_add_key(p384, "wide", "2");

	(void)state;
	for (size_t i = 0; i < silent->n; i++)
		if (silent->attr[i].type != CKA_CLASS &&
		    silent->attr[i].type != CKA_ID &&
		    silent->attr[i].type != CKA_KEY_TYPE)
			silent->attr[i].type = CK_UNAVAILABLE_INFORMATION;
	card_put_bool(wide, CKA_UNWRAP, true);
	card_put_bool(wide, CKA_ALWAYS_AUTHENTICATE, true);
	card_session(&s);
	check_ok(token_keys_read(&s, &keys));
	assert_false(keys.key[0].shown.sensitive || keys.key[0].shown.sign ||
		     keys.key[0].shown.local || keys.key[0].shown.decrypt);
	assert_true(keys.key[0].shown.extractable); /* silence is no promise */
	assert_true(keys.key[1].shown.decrypt);
	assert_true(keys.key[1].shown.always_authenticate);
	assert_false(keys.key[1].shown.extractable);
}

static void
a_label_is_shown_escaped_and_a_long_id_cut(void **state)
{
	char id[100];
	WIPED(session) s = { 0 };
	WIPED(token_keys) keys = { 0 };
	struct fake_object *o;

	(void)state;
	memset(id, 'i', sizeof(id));
	o = card_add_key(p256, "\033[2Jca", "");
	card_put(o, CKA_ID, id, 64);
	card_session(&s);
	check_ok(token_keys_read(&s, &keys));
	assert_string_equal(keys.key[0].shown.label, "\\x1b[2Jca");
	assert_int_equal(keys.key[0].shown.id_len, 64);
	assert_non_null(strstr(keys.key[0].shown.uri, "object=%1B%5B2Jca"));
}

/* The token goes at any of the calls: either that is said or, for what a key
 * need not have, nothing wrong is. */
static void
a_token_that_goes_at_any_call_gives_no_keys(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		WIPED(session) s = { 0 };
		WIPED(token_keys) keys = { 0 };
		enum rc rc;

		(void)card_reset(NULL);
		(void)card_add_key(p256, "one", "1");
		card_session(&s);
		card_answers(FAKE_GET_ATTRIBUTE, n, CKR_DEVICE_REMOVED);
		err_clear();
		rc = token_keys_read(&s, &keys);
		if (card->answer[FAKE_GET_ATTRIBUTE].calls < n) {
			assert_true(n > 20);
			break;
		}
		if (rc == RC_OK) {
			/* Only the public half and the promises were left. */
			assert_string_equal(keys.key[0].shown.label, "one");
			assert_true(keys.key[0].shown.spki.n == 0 ||
				    !keys.key[0].shown.decrypt);
			continue;
		}
		assert_int_equal(rc, RC_TOKEN);
		assert_non_null(strstr(err_text(), "CKR_DEVICE_REMOVED"));
		assert_int_equal(keys.n, 0);
	}
	for (unsigned n = 1; n <= 2; n++) {
		WIPED(session) s = { 0 };
		WIPED(token_keys) keys = { 0 };

		(void)card_reset(NULL);
		(void)card_add_key(p256, "one", "1");
		card_session(&s);
		card_answers(FAKE_FIND_INIT, n, CKR_DEVICE_REMOVED);
		assert_int_equal(token_keys_read(&s, &keys), RC_TOKEN);
		card_answers(FAKE_FIND_INIT, 1, CKR_OK);
		card_answers(FAKE_TOKEN_INFO, 1, CKR_DEVICE_REMOVED);
		assert_int_equal(token_keys_read(&s, &keys), RC_TOKEN);
		assert_int_equal(keys.n, 0);
	}
}

static void
without_memory_no_key_is_half_read(void **state)
{
	unsigned refused = 0;

	(void)state;
	(void)card_add_key(p256, "one", "1");
	(void)card_add_key(rsa, "two", "2");
	FAIL_EACH("malloc calloc BN_bin2bn OSSL_PARAM_BLD_new "
		  "OSSL_PARAM_BLD_push_BN OSSL_PARAM_BLD_to_param "
		  "EVP_PKEY_CTX_new_from_name EVP_PKEY_CTX_new_from_pkey "
		  "EVP_PKEY_fromdata_init EVP_PKEY_fromdata i2d_PUBKEY",
	    ENOMEM)
	{
		WIPED(session) s = { 0 };
		WIPED(token_keys) keys = { 0 };
		enum rc rc;

		card_session(&s);
		rc = token_keys_read(&s, &keys);
		(void)fail_stop();
		if (rc != RC_OK) {
			assert_int_equal(rc, RC_IO);
			assert_int_equal(keys.n, 0);
			refused++;
			continue;
		}
		/* OpenSSL's own refusals are a key that makes no sense. */
		assert_int_equal(keys.n, 2);
		for (size_t i = 0; i < 2; i++)
			if (keys.key[i].shown.spki.n == 0)
				assert_string_equal(
				    keys.key[i].shown.type, "other");
	}
	assert_true(refused > 10);
}

/* ---- which one ----------------------------------------------------------- */

static void
a_key_is_named_by_label_id_or_public_half(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(token_keys) keys = { 0 };
	WIPED(uri) all = { 0 }, one = { 0 }, none = { 0 };
	WIPED(buf) spki = { 0 };
	const struct key *key = NULL;
	struct fake_object *o;

	(void)state;
	card_session(&s);
	check_ok(token_keys_read(&s, &keys));
	check_says(token_keys_find_uri(&s, &keys, &all, &key), RC_TOKEN,
	    CARD_NAME ": no private key on it");
	token_keys_wipe(&keys);
	(void)card_add_key(p256, "one", "1");
	(void)card_add_key(p384, "two", "2");
	o = card_add_key(rsa, "public", "3");
	o->there = false;
	check_ok(token_keys_read(&s, &keys));
	check_says(token_keys_find_uri(&s, &keys, &all, &key), RC_TOKEN,
	    CARD_NAME ": several keys are meant: \"one\" (ec-p256), \"two\" "
		      "(ec-p384): name one by object or id");
	check_ok(uri_parse("pkcs11:id=%32", &one));
	check_ok(token_keys_find_uri(&s, &keys, &one, &key));
	assert_string_equal(key->shown.label, "two");
	check_ok(uri_parse("pkcs11:object=public", &none));
	check_says(token_keys_find_uri(&s, &keys, &none, &key), RC_TOKEN,
	    CARD_NAME ": no private key of that name or id");
	card_spki(p256, &spki);
	check_ok(token_keys_find_spki(&s, &keys, buf_span(&spki), &key));
	assert_string_equal(key->shown.label, "one");
	buf_reset(&spki);
	card_spki(rsa, &spki);
	check_says(token_keys_find_spki(&s, &keys, buf_span(&spki), &key),
	    RC_TOKEN, CARD_NAME ": has the public half of that key only");
	check_says(token_keys_find_spki(&s, &keys, SPAN_NONE, &key), RC_TOKEN,
	    CARD_NAME ": that key is not on it");
	fail_nth("malloc", 1, ENOMEM);
	assert_int_equal(token_keys_find_uri(&s, &keys, &all, &key), RC_IO);
	(void)fail_stop();
}

#define fresh(test) cmocka_unit_test_setup(test, card_reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(halves_are_paired_by_id_and_type),
		fresh(a_public_half_is_taken_from_wherever_it_is),
		fresh(one_that_makes_no_sense_hides_no_other),
		fresh(only_promises_that_are_made_are_told),
		fresh(a_label_is_shown_escaped_and_a_long_id_cut),
		fresh(a_token_that_goes_at_any_call_gives_no_keys),
		fresh(without_memory_no_key_is_half_read),
		fresh(a_key_is_named_by_label_id_or_public_half),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
