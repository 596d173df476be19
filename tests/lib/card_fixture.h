/* SPDX-License-Identifier: Apache-2.0 */
/** The card of fake_token.h, with keys made by OpenSSL on it, and a session with
 * it in this process. */
#ifndef TESTS_LIB_CARD_FIXTURE_H
#define TESTS_LIB_CARD_FIXTURE_H

#include "tests/lib/check.h"
#include "tests/lib/fake_token.h"

#include "base/own_ssl.h"
#include "token/card/spki.h"
#include "token/p11/session.h"

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CARD_NAME "token \"card\""

static struct fake *card;
static char card_path[512];

static inline void
card_pad(CK_UTF8CHAR *to, size_t n, const char *text)
{
	memset(to, ' ', n);
	memcpy(to, text, strlen(text));
}

/** One initialised, empty card with three tries, as after it was made. For a
 * setup function of cmocka. */
static inline int
card_reset(void **state)
{
	static CK_FUNCTION_LIST first;
	char *slash;
	void *module;

	(void)state;
	if (card == NULL) {
		ssize_t n = readlink(
		    "/proc/self/exe", card_path, sizeof(card_path) - 32);

		assert_true(n > 0);
		card_path[n] = '\0';
		/* BUILD/unit/token/test_x */
		for (int i = 0; i < 3; i++) {
			slash = strrchr(card_path, '/');
			assert_non_null(slash);
			*slash = '\0';
		}
		(void)strcat(card_path, "/fake_token.so");
		module = dlopen(card_path, RTLD_NOW);
		if (module == NULL)
			fail_msg("%s", dlerror());
		card = dlsym(module, "fake_token");
		assert_non_null(card);
		first = card->f;
	}
	*card = (struct fake){ .f = first, .n_slots = 1, .tries = 3 };
	card->signature = 64;
	card->mechanism =
	    (CK_MECHANISM_INFO){ 256, 521, CKF_GENERATE_KEY_PAIR };
	for (size_t i = 0; i < FAKE_SLOTS; i++) {
		CK_TOKEN_INFO *t = &card->token[i];

		card->slot[i].flags = CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE;
		card_pad(card->slot[i].slotDescription,
		    sizeof(card->slot[i].slotDescription), "reader 0");
		card->slot[i].slotDescription[7] = (CK_UTF8CHAR)('0' + i);
		card_pad(card->slot[i].manufacturerID,
		    sizeof(card->slot[i].manufacturerID), "reader maker");
		card_pad(t->label, sizeof(t->label), "card");
		card_pad(t->manufacturerID, sizeof(t->manufacturerID), "maker");
		card_pad(t->model, sizeof(t->model), "model");
		card_pad(t->serialNumber, sizeof(t->serialNumber), "0");
		t->serialNumber[0] = (CK_UTF8CHAR)('1' + i);
		t->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED |
			   CKF_USER_PIN_INITIALIZED;
		t->ulMinPinLen = 4;
		t->ulMaxPinLen = 8;
	}
	return 0;
}

/** From its n-th call on (1: at once) the function answers `rv`. */
static inline void
card_answers(enum fake_call call, unsigned n, CK_RV rv)
{
	card->answer[call].rv = rv;
	card->answer[call].n = n;
	card->answer[call].times = 0;
	card->answer[call].calls = 0;
}

static inline void
card_answers_once(enum fake_call call, unsigned n, CK_RV rv)
{
	card_answers(call, n, rv);
	card->answer[call].times = 1;
}

static inline void
card_put(struct fake_object *o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	size_t at = 0;

	while (at < o->n && o->attr[at].type != type)
		at++;
	assert_true(at < FAKE_ATTRS && n <= sizeof(o->attr[at].value));
	o->n += at == o->n;
	o->attr[at].type = type;
	if (n != 0)
		memcpy(o->attr[at].value, p, n);
	o->attr[at].n = n;
}

static inline void
card_put_ulong(struct fake_object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	card_put(o, type, &value, sizeof(value));
}

static inline void
card_put_bool(struct fake_object *o, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	card_put(o, type, &b, sizeof(b));
}

static inline void
card_take_away(struct fake_object *o, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->attr[i].type == type)
			o->attr[i].type = CK_UNAVAILABLE_INFORMATION;
}

static inline struct fake_object *
card_object(CK_OBJECT_CLASS class)
{
	for (size_t i = 0; i < FAKE_OBJECTS; i++)
		if (!card->object[i].there) {
			card->object[i] = (struct fake_object){ .there = true };
			card_put_ulong(&card->object[i], CKA_CLASS, class);
			return &card->object[i];
		}
	fail_msg("the card is full");
	return NULL;
}

/** The public half of an EC or RSA key, as PKCS#11 has it. */
static inline void
card_put_public(struct fake_object *o, EVP_PKEY *key)
{
	OWN(BIGNUM) *n = NULL, *e = NULL;
	uint8_t bytes[512], point[140];
	const struct key_row *row;
	size_t len = 0;

	if (EVP_PKEY_is_a(key, "RSA")) {
		card_put_ulong(o, CKA_KEY_TYPE, CKK_RSA);
		assert_int_equal(
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
		assert_int_equal(
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e), 1);
		card_put(o, CKA_MODULUS, bytes, (size_t)BN_bn2bin(n, bytes));
		card_put(o, CKA_PUBLIC_EXPONENT, bytes,
		    (size_t)BN_bn2bin(e, bytes));
		return;
	}
	card_put_ulong(o, CKA_KEY_TYPE, CKK_EC);
	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
		point + 2, sizeof(point) - 2, &len),
	    1);
	point[0] = 0x04; /* OCTET STRING */
	point[1] = (uint8_t)len;
	card_put(o, CKA_EC_POINT, point, len + 2);
	row = key_row_get0(len == 65 ? KEY_P256 : KEY_P384);
	card_put(o, CKA_EC_PARAMS, row->params, row->params_n);
}

/** What a good card says of a private key. */
static inline void
card_put_promises(struct fake_object *o)
{
	card_put_bool(o, CKA_SENSITIVE, true);
	card_put_bool(o, CKA_ALWAYS_SENSITIVE, true);
	card_put_bool(o, CKA_EXTRACTABLE, false);
	card_put_bool(o, CKA_NEVER_EXTRACTABLE, true);
	card_put_bool(o, CKA_LOCAL, true);
	card_put_bool(o, CKA_SIGN, true);
	card_put_bool(o, CKA_DECRYPT, false);
}

/** A pair on the card; its private half. The public one is the next object. */
static inline struct fake_object *
card_add_key(EVP_PKEY *key, const char *label, const char *id)
{
	struct fake_object *private = card_object(CKO_PRIVATE_KEY);
	struct fake_object *public = card_object(CKO_PUBLIC_KEY);

	card_put_ulong(
	    private, CKA_KEY_TYPE, EVP_PKEY_is_a(key, "RSA") ? CKK_RSA : CKK_EC);
	card_put_promises(private);
	card_put_public(public, key);
	for (int i = 0; i < 2; i++) {
		card_put(i == 0 ? private : public, CKA_LABEL, label,
		    strlen(label));
		card_put(i == 0 ? private : public, CKA_ID, id, strlen(id));
	}
	return private;
}

static inline void
card_spki(EVP_PKEY *key, struct buf *ret)
{
	OWN(ssl_bytes) *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	check_ok(buf_add(ret, der, (size_t)n));
}

/** A session with the card in this process, without libp11. */
static struct module card_module;

static inline void
card_session(struct session *ret)
{
	card_module = (struct module){ .path = card_path, .f = &card->f };
	check_ok(session_open(ret, &card_module, 0));
}

/** It failed with that answer, in these words. */
#define check_says(call, rc, sentence)                                         \
	do {                                                                   \
		err_clear();                                                   \
		assert_int_equal((call), (rc));                                \
		assert_string_equal(err_text(), (sentence));                   \
	} while (0)

#endif
