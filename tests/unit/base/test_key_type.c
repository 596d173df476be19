/* SPDX-License-Identifier: Apache-2.0 */
/* Each row against the key that OpenSSL makes by it. */
#include "base/key_type.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"

#include <openssl/objects.h>

static EVP_PKEY *
key_of_row(const struct key_row *row)
{
	EVP_PKEY *key =
	    row->family == KEY_MODULUS
		? EVP_PKEY_Q_keygen(NULL, NULL, row->openssl, (size_t)row->bits)
		: EVP_PKEY_Q_keygen(NULL, NULL, row->openssl, row->group);

	assert_non_null(key);
	return key;
}

/* What comes after AlgorithmIdentifier in an SPKI of under 64 KB. */
static void
check_spki(const struct key_row *row, EVP_PKEY *key)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct span spki = span_of(der, (size_t)n);
	uint8_t alg[32] = { 0x30, (uint8_t)(2 + row->oid_n + row->params_n),
		0x06, row->oid_n };
	size_t alg_n = 4;

	assert_true(n > 0);
	memcpy(alg + alg_n, row->oid, row->oid_n);
	alg_n += row->oid_n;
	memcpy(alg + alg_n, row->params, row->params_n);
	alg_n += row->params_n;
	assert_non_null(memmem(spki.p, 4 + alg_n, alg, alg_n));
	if (row->public_len != 0) /* 00: no unused bits */
		assert_int_equal(spki.p[spki.n - row->public_len - 1], 0);
}

static void
check_signature(const struct key_row *row, EVP_PKEY *key)
{
	struct key_type type = key_type_of(key);
	size_t width = row->signature_len / 2;

	if (row->family == KEY_EC)
		assert_int_equal(width, (row->bits + 7) / 8);
	else
		assert_int_equal(
		    key_signature_len(type), EVP_PKEY_get_size(key));
}

static void
each_row_is_what_openssl_makes(void **state)
{
	(void)state;
	for (unsigned k = KEY_OTHER + 1; k < KEY_KINDS; k++) {
		const struct key_row *row = key_row_get0((enum key_kind)k);
		OWN(EVP_PKEY) *key = key_of_row(row);
		struct key_type type = key_type_of(key);
		enum key_kind found = KEY_OTHER;

		assert_int_equal(type.kind, k);
		assert_int_equal(type.bits, row->bits);
		assert_int_equal(EVP_PKEY_get_bits(key), row->bits);
		check_spki(row, key);
		check_signature(row, key);
		if (row->family != KEY_EC)
			continue;
		assert_ptr_equal(
		    key_row_of_params(
			span_of(row->params, row->params_n), &found),
		    row);
		assert_int_equal(found, k);
	}
}

/* The digest of the AlgorithmIdentifier is the one that is signed. */
static void
a_ca_signs_as_its_row_says(void **state)
{
	(void)state;
	for (unsigned k = KEY_OTHER + 1; k < KEY_KINDS; k++) {
		const struct key_row *row = key_row_get0((enum key_kind)k);
		const uint8_t *p = row->signs;
		OWN(X509_ALGOR) *alg = NULL;
		const ASN1_OBJECT *oid;
		int md, type;

		if ((row->owners & KEY_OF_CA) == 0)
			continue;
		alg = d2i_X509_ALGOR(NULL, &p, row->signs_n);
		assert_non_null(alg);
		assert_ptr_equal(p, row->signs + row->signs_n);
		X509_ALGOR_get0(&oid, &type, NULL, alg);
		assert_int_equal(
		    type, row->family == KEY_EC ? V_ASN1_UNDEF : V_ASN1_NULL);
		assert_true(OBJ_find_sigid_algs(OBJ_obj2nid(oid), &md, NULL));
		assert_int_equal(md, EVP_MD_get_type(row->md()));
	}
}

static void
a_key_that_is_none_of_ours_is_other(void **state)
{
	static const char *const groups[] = { "P-224", "secp256k1" };
	OWN(EVP_PKEY) *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	enum key_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		OWN(EVP_PKEY) *key =
		    EVP_PKEY_Q_keygen(NULL, NULL, "EC", groups[i]);

		assert_non_null(key);
		assert_int_equal(key_type_of(key).kind, KEY_OTHER);
	}
	assert_int_equal(key_type_of(x25519).kind, KEY_OTHER);
	assert_null(key_row_get0(KEY_OTHER));
	assert_null(key_row_get0(KEY_KINDS));
	assert_null(key_row_of_params(SPAN_NONE, &kind));
	assert_int_equal(key_signature_len((struct key_type){ 0 }), 0);
}

/* ---- words --------------------------------------------------------------- */

static void
check_words(
    enum key_owner owner, const char *const *good, const char *const *bad)
{
	char text[KEY_TYPE_TEXT];
	struct key_type type;

	for (; *good != NULL; good++) {
		if (!key_type_read(*good, owner, &type))
			fail_msg("%s is not read", *good);
		assert_true(key_type_is_for(type, owner));
		key_type_write(type, text);
		assert_string_equal(text, *good);
	}
	for (; *bad != NULL; bad++)
		if (key_type_read(*bad, owner, &type))
			fail_msg("%s is read", *bad);
}

static void
a_type_is_read_by_its_word(void **state)
{
	static const char *const anyones[] = { "ec-p256", "ec-p384", "rsa-2048",
		"rsa-2056", "rsa-3744", "rsa-4096", NULL };
	static const char *const subscribers[] = { "ec-p521", "ed25519",
		"rsa-4104", "rsa-8192", NULL };
	static const char *const nobodys[] = { "", "rsa", "rsa-", "rsa-2047",
		"rsa-2049", "rsa-2040", "rsa-8200", "rsa-02048", "rsa-20488",
		"rsa-204x", "rsa- 048", "rsa-+204", "RSA-2048", "rsax2048",
		"ec-p224", "p256", "EC-P256", "ec-p256 ", "ed25519-", "other",
		NULL };
	static const char *const none[] = { NULL };

	(void)state;
	check_words(KEY_OF_SUBSCRIBER, anyones, nobodys);
	check_words(KEY_OF_SUBSCRIBER, subscribers, none);
	check_words(KEY_OF_CA, anyones, nobodys);
	check_words(KEY_OF_CA, none, subscribers);
	check_words(KEY_OF_TOKEN, anyones, nobodys);
	check_words(KEY_OF_TOKEN, none, subscribers);
}

static void
what_there_is_is_told(void **state)
{
	static const enum key_family ec = KEY_EC;
	char text[CHOICE_TEXT], word[KEY_TYPE_TEXT];

	(void)state;
	key_types_list(KEY_OF_CA, text);
	assert_string_equal(text,
	    "ec-p256, ec-p384 or rsa-BITS with 2048 to 4096 bits, a multiple "
	    "of 8");
	key_types_list(KEY_OF_TOKEN, text);
	assert_string_equal(text,
	    "ec-p256, ec-p384 or rsa-BITS with 2048 to 4096 bits, a multiple "
	    "of 8");
	key_types_list(KEY_OF_SUBSCRIBER, text);
	assert_string_equal(text,
	    "ec-p256, ec-p384, ec-p521, ed25519 or rsa-BITS with 2048 to 8192 "
	    "bits, a multiple of 8");
	key_titles_list(&ec, text);
	assert_string_equal(text, "P-256, P-384 or P-521");
	key_titles_list(NULL, text);
	assert_string_equal(text, "P-256, P-384, P-521, Ed25519 or RSA");
	key_type_write((struct key_type){ KEY_OTHER, 0 }, word);
	assert_string_equal(word, "other");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_what_openssl_makes),
		cmocka_unit_test(a_ca_signs_as_its_row_says),
		cmocka_unit_test(a_key_that_is_none_of_ours_is_other),
		cmocka_unit_test(a_type_is_read_by_its_word),
		cmocka_unit_test(what_there_is_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
