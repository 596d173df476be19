/* SPDX-License-Identifier: Apache-2.0 */
#include "token/p11/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

static CK_TOKEN_INFO
token_named(const char *label, const char *serial)
{
	CK_TOKEN_INFO info;

	memset(&info, ' ', sizeof(info));
	memcpy(info.label, label, strlen(label));
	memcpy(info.serialNumber, serial, strlen(serial));
	return info;
}

static bool
matches(const char *text, const CK_TOKEN_INFO *info)
{
	WIPED(uri) uri = { 0 };
	CK_SLOT_INFO slot = { .flags = 0 };

	assert_int_equal(uri_parse(text, &uri), RC_OK);
	return uri_match_token(&uri, 3, &slot, info);
}

static void
a_token_is_matched_by_what_the_uri_says(void **state)
{
	const CK_TOKEN_INFO info = token_named("my ca", "12ab");

	(void)state;
	assert_true(matches(NULL, &info));
	assert_true(matches("pkcs11:", &info));
	assert_true(matches("pkcs11:token=my%20ca", &info));
	assert_true(
	    matches("pkcs11:token=my%20ca;serial=12ab;object=x", &info));
	assert_true(matches("pkcs11:slot-id=3", &info));
	assert_false(matches("pkcs11:slot-id=4", &info));
	assert_false(matches("pkcs11:token=my", &info));
	assert_false(matches("pkcs11:token=my%20ca;serial=12aB", &info));
}

static void
a_key_is_matched_by_object_and_id(void **state)
{
	const struct span id = span_of("\x01\x02", 2), label = span_str("k");
	WIPED(uri) all = { 0 }, both = { 0 }, one = { 0 };

	(void)state;
	assert_int_equal(uri_parse("pkcs11:token=t", &all), RC_OK);
	assert_false(uri_names_key(&all));
	assert_true(uri_match_key(&all, label, id));
	assert_int_equal(uri_parse("pkcs11:object=k;id=%01%02", &both), RC_OK);
	assert_true(uri_names_key(&both));
	assert_true(uri_match_key(&both, label, id));
	assert_false(uri_match_key(&both, label, span_of("\x01", 1)));
	assert_false(uri_match_key(&both, span_str("kk"), id));
	/* The kind of object is passed over: a key is always the pair. */
	assert_int_equal(
	    uri_parse("pkcs11:object=k;type=private", &one), RC_OK);
	assert_true(uri_match_key(&one, label, id));
}

static void
a_pin_source_is_a_file_percent_decoded(void **state)
{
	WIPED(uri) a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(uri_parse("pkcs11:?pin-source=file:/etc/my%20pin&"
				   "module-path=/lib/m.so",
			     &a),
	    RC_OK);
	assert_string_equal(a.pin_file, "/etc/my pin");
	assert_string_equal(a.module, "/lib/m.so");
	assert_int_equal(
	    uri_parse("pkcs11:?pin-source=file:///etc/pin", &b), RC_OK);
	assert_string_equal(b.pin_file, "/etc/pin");
}

static void
refused(const char *text, const char *sentence)
{
	WIPED(uri) uri = { 0 };

	assert_int_equal(uri_parse(text, &uri), RC_USAGE);
	assert_non_null(strstr(err_text(), sentence));
}

static void
what_is_not_a_uri_of_ours_is_refused(void **state)
{
	(void)state;
	refused("token=ca", "not a PKCS#11 URI");
	refused("pkcs11:token=%zz", "not a PKCS#11 URI");
	refused("", "not a PKCS#11 URI");
	refused("pkcs11:colour=red", "attribute that is not known");
	refused("pkcs11:?pin-source=|cat%20x", "must be file:PATH");
	refused("pkcs11:?pin-source=/etc/pin", "must be file:PATH");
	refused("pkcs11:?pin-source=file:pin", "an absolute path");
	refused("pkcs11:?pin-source=file://host/pin", "an absolute path");
	refused("pkcs11:?module-name=softhsm2", "give module-path");
}

static void
a_pin_in_a_uri_is_refused_and_not_repeated(void **state)
{
	(void)state;
	refused("pkcs11:token=ca?pin-value=424242", "pin-value");
	assert_null(strstr(err_text(), "424242"));
}

static void
a_source_option_is_a_path_or_file_uri(void **state)
{
	const char *path = NULL;

	(void)state;
	assert_int_equal(uri_pin_path("so-pin", &path), RC_OK);
	assert_string_equal(path, "so-pin");
	assert_int_equal(uri_pin_path("file:/a", &path), RC_OK);
	assert_string_equal(path, "/a");
	assert_int_equal(uri_pin_path("|cat a", &path), RC_USAGE);
	assert_int_equal(uri_pin_path("", &path), RC_USAGE);
	assert_int_equal(uri_pin_path("file:", &path), RC_USAGE);
}

static void
a_uri_written_names_the_same_token_and_key(void **state)
{
	const CK_TOKEN_INFO info = token_named("m\xc3\xbc ;ca", "77"),
			    other = token_named("mu ;ca", "77");
	const struct span label = span_str("k/1"), id = span_of("\0\xff", 2);
	WIPED(buf) text = { 0 };
	WIPED(uri) uri = { 0 };

	(void)state;
	assert_int_equal(
	    uri_write("/lib/m.so", &info, URI_ANY_SLOT, label, id, &text),
	    RC_OK);
	assert_true(matches(buf_cstr(&text), &info));
	assert_false(matches(buf_cstr(&text), &other));
	assert_int_equal(uri_parse(buf_cstr(&text), &uri), RC_OK);
	assert_true(uri_match_key(&uri, label, id));
	assert_string_equal(uri.module, "/lib/m.so");
	assert_null(uri.pin_file);
}

/* For a sentence: neither the module's path nor where the PIN lies. */
static void
what_a_uri_names_is_shown_without_the_rest(void **state)
{
	WIPED(buf) text = { 0 };
	WIPED(uri) uri = { 0 };
	const struct uri any = { 0 };

	(void)state;
	assert_int_equal(uri_show(&any, &text), RC_OK);
	assert_int_equal(text.n, 0);
	assert_int_equal(
	    uri_parse(
		"pkcs11:token=ca;serial=7;object=k?module-path=/lib/m.so&pin-source=file:/p",
		&uri),
	    RC_OK);
	assert_int_equal(uri_show(&uri, &text), RC_OK);
	assert_string_equal(buf_cstr(&text), "pkcs11:serial=7;token=ca");
}

static void
a_uri_that_is_kept_is_one_line_without_a_pin(void **state)
{
	(void)state;
	assert_int_equal(uri_check("pkcs11:token=ca;object=k"), RC_OK);
	assert_int_equal(uri_check("pkcs11:token=ca\n"), RC_USAGE);
	assert_non_null(
	    strstr(err_text(), ": a control character in a token's URI"));
	assert_int_equal(uri_check("pkcs11:token=c\x7f"), RC_USAGE);
	assert_int_equal(uri_check("pkcs11:token=ca?pin-value=1"), RC_USAGE);
	assert_null(strstr(err_text(), "pin-value=1"));
	assert_int_equal(uri_check("token=ca"), RC_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_matched_by_what_the_uri_says),
		cmocka_unit_test(a_key_is_matched_by_object_and_id),
		cmocka_unit_test(a_pin_source_is_a_file_percent_decoded),
		cmocka_unit_test(what_is_not_a_uri_of_ours_is_refused),
		cmocka_unit_test(a_pin_in_a_uri_is_refused_and_not_repeated),
		cmocka_unit_test(a_source_option_is_a_path_or_file_uri),
		cmocka_unit_test(a_uri_written_names_the_same_token_and_key),
		cmocka_unit_test(what_a_uri_names_is_shown_without_the_rest),
		cmocka_unit_test(a_uri_that_is_kept_is_one_line_without_a_pin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
