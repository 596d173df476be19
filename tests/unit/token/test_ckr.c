/* SPDX-License-Identifier: Apache-2.0 */
#include "token/card/login.h"
#include "token/p11/ckr.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

static void
an_answer_becomes_words_and_its_name(void **state)
{
	(void)state;
	assert_int_equal(
	    ckr_set(CKR_DEVICE_REMOVED, "token \"%s\"", "ca"), RC_TOKEN);
	assert_string_equal(err_text(),
	    "token \"ca\": the token was removed (CKR_DEVICE_REMOVED)");
}

static void
an_unknown_answer_keeps_its_number(void **state)
{
	(void)state;
	assert_int_equal(ckr_set(CKR_VENDOR_DEFINED + 5, "x"), RC_TOKEN);
	assert_string_equal(
	    err_text(), "x: an error without a known meaning (CKR 0x80000005)");
	assert_null(ckr_name(CKR_VENDOR_DEFINED + 5));
}

static void
only_want_of_memory_is_not_the_tokens(void **state)
{
	(void)state;
	assert_int_equal(ckr_set(CKR_HOST_MEMORY, "x"), RC_IO);
	assert_int_equal(ckr_set(CKR_DEVICE_MEMORY, "x"), RC_TOKEN);
}

static void
refused(CK_FLAGS flags, bool last_try, const char *sentence)
{
	assert_int_equal(login_allowed("token", flags, last_try), RC_TOKEN);
	assert_non_null(strstr(err_text(), sentence));
}

static void
flags_decide_whether_a_pin_is_tried(void **state)
{
	const CK_FLAGS set = CKF_USER_PIN_INITIALIZED;

	(void)state;
	assert_int_equal(login_allowed("token", set, false), RC_OK);
	assert_int_equal(
	    login_allowed("token", set | CKF_USER_PIN_COUNT_LOW, false), RC_OK);
	assert_int_equal(
	    login_allowed("token", set | CKF_USER_PIN_FINAL_TRY, true), RC_OK);
	refused(set | CKF_USER_PIN_FINAL_TRY, false, "--last-try");
	refused(set | CKF_USER_PIN_LOCKED, true, "locked");
	refused(0, true, "no user PIN");
}

static void
what_is_left_is_said_as_the_token_says_it(void **state)
{
	(void)state;
	assert_string_equal(
	    login_tries_left(CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY),
	    "the PIN is locked now");
	assert_string_equal(
	    login_tries_left(CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW),
	    "one try is left, then the PIN locks");
	assert_string_equal(login_tries_left(0),
	    "the token does not say how many tries are left before it locks");
	assert_string_equal(
	    login_tries_left(CKF_USER_PIN_COUNT_LOW), login_tries_left(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_becomes_words_and_its_name),
		cmocka_unit_test(an_unknown_answer_keeps_its_number),
		cmocka_unit_test(only_want_of_memory_is_not_the_tokens),
		cmocka_unit_test(flags_decide_whether_a_pin_is_tried),
		cmocka_unit_test(what_is_left_is_said_as_the_token_says_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
