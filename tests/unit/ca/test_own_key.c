/* SPDX-License-Identifier: Apache-2.0 */
/* A key of the CA's own: adopted or made, and at least as good as a
 * subscriber's. */
#include "tests/lib/token_bed.h"

#include "ca/home/own_key.h"

static void
types_of_a_ca_key(void **state)
{
	static const char *const good[] = { "ec-p256", "ec-p384", "rsa-2048",
		"rsa-3072", "rsa-4096" };
	static const char *const bad[] = { "", "ec-p521", "ed25519", "rsa-2040",
		"rsa-2049", "rsa-4104", "rsa", "ec-p256 " };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_ok(own_key_type_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(own_key_type_check(bad[i]), RC_USAGE);
	assert_string_equal(err_text(),
	    "--key-type ec-p256 : wanted ec-p256, ec-p384 or rsa-BITS with "
	    "2048 to 4096 bits, a multiple of 8");
}

static void
a_new_key_gets_a_label_that_no_other_has(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key) one = { .what = "CA key", .type = "ec-p256" };
	WIPED(own_key) two = { .what = "CA key", .type = "ec-p384" };

	(void)state;
	token_bed_start(&b);
	check_ok(own_key_get(b.token, "ca", &one));
	check_ok(own_key_get(b.token, "ca", &two));
	assert_true(one.made && two.made);
	assert_int_equal(strlen(one.key.label), 3 + 8);
	assert_memory_equal(one.key.label, "ca-", 3);
	assert_string_not_equal(one.key.label, two.key.label);
	assert_string_equal(two.key.type, "ec-p384");
}

static void
a_key_is_adopted_by_its_uri(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key)
	key = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=mine" };
	WIPED(own_key)
	none = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=other" };

	(void)state;
	(void)fake_token_hold(key_new("ec-p256"), "mine");
	token_bed_start(&b);
	check_ok(own_key_get(b.token, "ca", &key));
	assert_false(key.made);
	assert_string_equal(key.key.label, "mine");
	assert_int_equal(own_key_get(b.token, "ca", &none), RC_TOKEN);
	assert_memory_equal(err_text(), "CA key: no private key", 22);
	assert_false(none.made);
}

static void
a_key_that_the_token_cannot_make_is_not_made(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key) key = { .what = "transfer key", .type = "ec-p256" };

	(void)state;
	token_bed_start(&b);
	token_bed_fails(&b, WIRE_KEYGEN, 1);
	assert_int_equal(own_key_get(b.token, "transfer", &key), RC_TOKEN);
	assert_string_equal(err_text(), "transfer key: no");
	assert_false(key.made);
}

static void
an_extractable_key_is_refused(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key)
	key = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=loose" };

	(void)state;
	fake_token_hold(key_new("ec-p256"), "loose")->extractable = true;
	token_bed_start(&b);
	assert_int_equal(own_key_get(b.token, "ca", &key), RC_TOKEN);
	assert_string_equal(err_text(),
	    "CA key \"loose\": the token would give its private key away "
	    "(extractable)");
}

static void
a_key_of_another_type_is_refused(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key)
	key = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=big" };

	(void)state;
	(void)fake_token_hold(key_new("ec-p521"), "big");
	token_bed_start(&b);
	assert_int_equal(own_key_get(b.token, "ca", &key), RC_USAGE);
	assert_string_equal(err_text(),
	    "CA key \"big\": ec-p521; wanted ec-p256, ec-p384 or rsa-BITS with "
	    "2048 to 4096 bits, a multiple of 8");
}

static void
a_weak_key_is_refused_by_its_rule(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key)
	key = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=weak" };

	(void)state;
	(void)fake_token_hold(key_new("rsa-1024"), "weak");
	token_bed_start(&b);
	check_rule(own_key_get(b.token, "ca", &key), "KEY-RSA-SIZE", "CA key");
}

static void
a_key_without_its_public_part_is_refused(void **state)
{
	WIPED(token_bed) b = { 0 };
	WIPED(own_key)
	key = { .what = "CA key", .uri = FAKE_TOKEN_URI ";object=half" };

	(void)state;
	fake_token_hold(key_new("ec-p256"), "half")->half = true;
	token_bed_start(&b);
	assert_int_equal(own_key_get(b.token, "ca", &key), RC_TOKEN);
	assert_string_equal(err_text(),
	    "CA key \"half\": the token does not show its public key");
}

/* token.conf is all that the next command has. */
static void
its_uri_says_where_the_pin_comes_from(void **state)
{
	static const struct {
		const char *uri, *opened_by, *wanted;
	} uris[] = {
		{ "pkcs11:object=a", NULL, "pkcs11:object=a" },
		{ "pkcs11:object=a", "pkcs11:token=t", "pkcs11:object=a" },
		{ "pkcs11:object=a", "pkcs11:token=t?pin-source=/p",
		    "pkcs11:object=a?pin-source=/p" },
		{ "pkcs11:object=a?module-path=/m",
		    "pkcs11:token=t?pin-source=/p&module-path=/n",
		    "pkcs11:object=a?module-path=/m&pin-source=/p" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct own_key key = { .what = "CA key" };
		WIPED(buf) out = { 0 };

		(void)snprintf(
		    key.key.uri, sizeof(key.key.uri), "%s", uris[i].uri);
		check_ok(own_key_uri(&key, uris[i].opened_by, &out));
		assert_true(span_eq_str(buf_span(&out), uris[i].wanted));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_of_a_ca_key),
		cmocka_unit_test(a_new_key_gets_a_label_that_no_other_has),
		cmocka_unit_test(a_key_is_adopted_by_its_uri),
		cmocka_unit_test(a_key_that_the_token_cannot_make_is_not_made),
		cmocka_unit_test(an_extractable_key_is_refused),
		cmocka_unit_test(a_key_of_another_type_is_refused),
		cmocka_unit_test(a_weak_key_is_refused_by_its_rule),
		cmocka_unit_test(a_key_without_its_public_part_is_refused),
		cmocka_unit_test(its_uri_says_where_the_pin_comes_from),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
