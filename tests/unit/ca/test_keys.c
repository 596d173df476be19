/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's two keys: found by their certificates, and believed only when what
 * they sign verifies. */
#include "tests/lib/token_bed.h"

#include "ca/home/card.h"
#include "ca/home/certify.h"

static enum rc
open_both(struct token_bed *b)
{
	keys_wipe(&b->keys);
	return keys_open(b->token, &b->conf, &b->ledger_ca, true, &b->keys);
}

/* ---- finding them
 * ---------------------------------------------------------------- */

static void
both_are_found_whatever_their_labels(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384" };
	static const size_t lengths[] = { 32, 48 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(token_bed) b = { 0 };

		token_bed_make(&b, types[i]);
		(void)fake_token_hold(key_new("ec-p256"), "ca"); /* another */
		token_bed_hold(&b, "x", "y");
		check_ok(open_both(&b));
		assert_int_equal(b.keys.ca, 1);
		assert_int_equal(b.keys.transfer, 2);
		assert_int_equal(b.keys.alg.hash_len, lengths[i]);
		assert_int_equal(
		    EVP_PKEY_eq(b.keys.transfer_key, b.ca.transfer_key), 1);
	}
}

static void
a_token_without_the_ca_key_is_not_ours(void **state)
{
	WIPED(token_bed) b = { 0 };
	bool transfer = true;

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, NULL, "transfer");
	assert_int_equal(open_both(&b), RC_TOKEN);
	assert_string_equal(
	    err_text(), "CA key: no such private key on the token");
	assert_null(b.keys.token);
	assert_int_equal(
	    keys_open_ca(b.token, &b.conf, &b.ledger_ca, &b.keys, &transfer),
	    RC_TOKEN);
	/* The transfer key alone does for what the CA key is not asked for. */
	check_ok(keys_open(b.token, &b.conf, &b.ledger_ca, false, &b.keys));
	assert_int_equal(b.keys.transfer, 0);
}

static void
a_lost_transfer_key_says_how_it_is_replaced(void **state)
{
	WIPED(token_bed) b = { 0 };
	bool transfer = true;

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", NULL);
	assert_int_equal(open_both(&b), RC_TOKEN);
	assert_string_equal(err_text(),
	    "if it is lost, 'airgap-ca transfer-key --key-type TYPE' puts another in its "
	    "place; because: transfer key: no such private key on the token");
	check_ok(
	    keys_open_ca(b.token, &b.conf, &b.ledger_ca, &b.keys, &transfer));
	assert_false(transfer);
}

static void
both_found_is_told(void **state)
{
	WIPED(token_bed) b = { 0 };
	bool transfer = false;

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	check_ok(
	    keys_open_ca(b.token, &b.conf, &b.ledger_ca, &b.keys, &transfer));
	assert_true(transfer);
}

static void
without_a_login_no_key_is_asked_for(void **state)
{
	static const unsigned ops[] = { WIRE_SEEK, WIRE_LOGIN };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		WIPED(token_bed) b = { 0 };

		token_bed_make(&b, "ec-p256");
		token_bed_hold(&b, "ca", "transfer");
		token_bed_fails(&b, ops[i], 1);
		assert_int_equal(open_both(&b), RC_TOKEN);
		assert_string_equal(err_text(), "no");
		assert_int_equal(b.play->token.asked[WIRE_USE], 0);
		assert_int_equal(b.play->token.asked[WIRE_LOGIN], i);
	}
}

static void
certificates_of_the_ledger_are_read_first(void **state)
{
	WIPED(token_bed) b = { 0 };

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	b.ledger_ca.transfer_cert.n--;
	assert_int_equal(open_both(&b), RC_FORMAT);
	assert_memory_equal(err_text(), "transfer certificate", 20);
	b.ledger_ca.ca_cert.n--;
	assert_int_equal(open_both(&b), RC_FORMAT);
	assert_memory_equal(err_text(), "CA certificate", 14);
	assert_int_equal(b.play->token.asked[WIRE_SEEK], 0);
}

#define PAYLOAD span_of("\x80", 1) /* CBOR: an empty array */

/* ---- files signed by the transfer key
 * --------------------------------------------- */

static void
sign_something(struct token_bed *b, struct buf *ret_file)
{
	check_ok(keys_cose_sign(&b->keys, COSE_CARD,
	    buf_span(&b->ca.transfer_der), PAYLOAD, ret_file));
}

static void
what_the_transfer_key_signs_verifies(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(token_bed) b = { 0 };
		WIPED(buf) file = { 0 };
		WIPED(buf) spki = { 0 };
		OWN(EVP_PKEY) *key = key_new(types[i]);
		struct cose cose;

		token_bed_make(&b, "ec-p256");
		assert_int_equal(EVP_PKEY_up_ref(key), 1);
		(void)fake_token_hold(key, "next");
		token_bed_hold(&b, "ca", "transfer");
		check_ok(open_both(&b));
		key_spki(key, &spki);
		check_ok(keys_set_transfer(&b.keys, buf_span(&spki)));
		check_ok(buf_add_str(&file, "what was there before"));
		sign_something(&b, &file);
		check_ok(cose_read("f", buf_span(&file), COSE_CARD, &cose));
		check_ok(cose_verify("f", &cose, key));
		assert_true(span_eq(cose.payload, PAYLOAD));
	}
}

static void
a_signature_that_does_not_verify_does_not_leave(void **state)
{
	static const struct {
		unsigned lie;
		const char *words;
	} lies[] = {
		{ SIGN_OTHER,
		    "transfer key: the token gave a signature that does not "
		    "verify: " },
		{ SIGN_BY_NEXT, "a signature that does not verify: " },
		{ SIGN_SHORT,
		    "transfer key: the token gave a signature of 63 bytes; "
		    "wanted 64" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(token_bed) b = { 0 };
		WIPED(buf) file = { 0 };

		token_bed_make(&b, "ec-p256");
		token_bed_hold(&b, "ca", "transfer");
		check_ok(open_both(&b));
		b.play->token.deed = FAKE_LIE;
		b.play->token.what = WIRE_SIGN;
		b.play->token.nth = 1;
		b.play->token.lie = lies[i].lie;
		assert_int_equal(
		    keys_cose_sign(&b.keys, COSE_CARD,
			buf_span(&b.ca.transfer_der), PAYLOAD, &file),
		    RC_TOKEN);
		assert_non_null(strstr(err_text(), lies[i].words));
		assert_int_equal(file.n, 0);
	}
}

static void
bytes_that_are_no_key_are_no_transfer_key(void **state)
{
	WIPED(token_bed) b = { 0 };

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	check_ok(open_both(&b));
	assert_int_equal(
	    keys_set_transfer(&b.keys, span_str("no key")), RC_TOKEN);
	assert_memory_equal(err_text(), "transfer key: unusable", 22);
}

/* ---- the CA's own certificates
 * ------------------------------------------------------ */

static enum rc
certify_wish(struct token_bed *b, struct buf *ret_der)
{
	const struct ca_wish wish = PLAIN_WISH;
	WIPED(buf) tbs = { 0 };

	check_ok(tbs_of_ca(&wish, buf_span(&b->ca.spki), &tbs));
	return certify(
	    &b->keys, buf_span(&b->ca.spki), buf_span(&tbs), ret_der);
}

static void
a_certificate_is_verified_under_the_key_that_was_meant(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	check_ok(open_both(&b));
	check_ok(certify_wish(&b, &der));
	check_ok(cert_parse("c", buf_span(&der), &cert));
	assert_int_equal(X509_verify(cert, b.ca.key), 1);
	b.play->token.deed = FAKE_LIE;
	b.play->token.what = WIRE_SIGN;
	b.play->token.nth = 2;
	b.play->token.lie = SIGN_BY_NEXT;
	buf_reset(&der);
	assert_int_equal(certify_wish(&b, &der), RC_TOKEN);
	assert_string_equal(err_text(),
	    "CA key: the token gave a signature that does not verify");
	assert_int_equal(der.n, 0);
}

static void
a_transfer_certificate_is_judged_as_a_requester_will(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(buf) spki = { 0 };
	WIPED(buf) der = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p384");
	OWN(EVP_PKEY) *found = NULL;
	WIPED(trust) trust = { 0 };

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	check_ok(open_both(&b));
	key_spki(key, &spki);
	check_ok(certify_transfer(
	    &b.keys, buf_span(&b.ca.der), buf_span(&spki), NOW, &der));
	check_ok(trust_add_ca(&trust, "CA", buf_span(&b.ca.der)));
	check_ok(judge_transfer_cert("t", &trust, buf_span(&der), NOW, &found));
	assert_int_equal(EVP_PKEY_eq(found, key), 1);
	/* A CA that has ended has none. */
	buf_reset(&der);
	assert_int_not_equal(certify_transfer(&b.keys, buf_span(&b.ca.der),
				 buf_span(&spki), NOW + 4000 * DAY, &der),
	    RC_OK);
	assert_int_equal(der.n, 0);
}

/* ---- the card
 * ------------------------------------------------------------------------ */

static void
a_card_says_what_a_requester_pins(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(policy) policy = { 0 };
	WIPED(buf) file = { 0 };
	WIPED(card) card = { 0 };
	struct cose cose;

	(void)state;
	token_bed_make(&b, "ec-p256");
	token_bed_hold(&b, "ca", "transfer");
	check_ok(open_both(&b));
	plain_policy(&policy);
	check_ok(card_make(&b.keys, &b.ledger_ca, &policy, NOW, &file));
	check_ok(cose_read("card", buf_span(&file), COSE_CARD, &cose));
	check_ok(cose_verify("card", &cose, b.ca.transfer_key));
	assert_true(span_eq(cose.cert, buf_span(&b.ca.transfer_der)));
	check_ok(card_read("card", cose.payload, &card));
	assert_memory_equal(card.ca_id, b.ca.id, SHA256_LEN);
	assert_int_equal(card.n_certs, 1);
	assert_true(span_eq(card.certs[0], buf_span(&b.ca.der)));
	assert_true(span_eq_str(card.policy, PLAIN_POLICY));
	assert_int_equal(card.created, NOW);
}

static void
a_card_takes_the_place_of_the_one_before(void **state)
{
	static const uint8_t id[SHA256_LEN] = { 0x0a, 0x0b, 0x0c, 0x0d };
	WIPED(media) media = { 0 };
	WIPED(buf) bytes = { 0 };
	char dir[64], file[128];

	(void)state;
	test_dir_make(dir, sizeof(dir));
	check_ok(media_open(dir, &media));
	(void)snprintf(
	    file, sizeof(file), "%s/airgap-ca/cards/0a0b0c0d.cose", dir);
	for (size_t i = 0; i < 2; i++) {
		const char *text = i == 0 ? "one" : "two";
		WIPED(buf) path = { 0 };
		WIPED(buf) note = { 0 };

		check_ok(card_put(id, span_str(text), &media, &path, &note));
		assert_true(span_eq_str(
		    buf_span(&path), "airgap-ca/cards/0a0b0c0d.cose"));
		assert_true(note.n > 0);
		buf_wipe(&bytes);
		check_ok(file_read(AT_FDCWD, file, 100, &bytes));
		assert_true(span_eq_str(buf_span(&bytes), text));
	}
	test_dir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_found_whatever_their_labels),
		cmocka_unit_test(a_token_without_the_ca_key_is_not_ours),
		cmocka_unit_test(a_lost_transfer_key_says_how_it_is_replaced),
		cmocka_unit_test(both_found_is_told),
		cmocka_unit_test(without_a_login_no_key_is_asked_for),
		cmocka_unit_test(certificates_of_the_ledger_are_read_first),
		cmocka_unit_test(what_the_transfer_key_signs_verifies),
		cmocka_unit_test(
		    a_signature_that_does_not_verify_does_not_leave),
		cmocka_unit_test(bytes_that_are_no_key_are_no_transfer_key),
		cmocka_unit_test(
		    a_certificate_is_verified_under_the_key_that_was_meant),
		cmocka_unit_test(
		    a_transfer_certificate_is_judged_as_a_requester_will),
		cmocka_unit_test(a_card_says_what_a_requester_pins),
		cmocka_unit_test(a_card_takes_the_place_of_the_one_before),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
