/* SPDX-License-Identifier: Apache-2.0 */
/* What the token process says is checked, not believed. */
#include "token/wire/wire.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

static void
a_key_arrives_as_it_was_sent(void **state)
{
	struct token_key key = { .uri = "pkcs11:object=k",
		.label = "k",
		.id = { 1, 2 },
		.id_len = 2,
		.type = "ec-p256",
		.has_private = true,
		.sensitive = true,
		.decrypt = true };
	struct token_key got;
	WIPED(buf) out = { 0 };
	struct span in;

	(void)state;
	assert_int_equal(buf_add_str(&key.spki, "spki"), RC_OK);
	assert_int_equal(wire_put_key(&out, &key), RC_OK);
	for (size_t cut = 0; cut < out.n; cut++) {
		in = span_of(out.p, cut);
		assert_false(wire_take_key(&in, &got));
	}
	in = buf_span(&out);
	assert_true(wire_take_key(&in, &got));
	assert_int_equal(in.n, 0);
	assert_string_equal(got.uri, key.uri);
	assert_string_equal(got.type, "ec-p256");
	assert_int_equal(got.id_len, 2);
	assert_true(got.has_private && got.sensitive && got.decrypt);
	assert_false(got.extractable || got.local || got.sign);
	assert_true(span_eq(buf_span(&got.spki), span_str("spki")));
	token_key_wipe(&got);
	token_key_wipe(&key);
}

static void
a_token_arrives_as_it_was_sent(void **state)
{
	const struct token_info info = { .uri = "pkcs11:token=t",
		.label = "t",
		.serial = "9",
		.initialised = true,
		.locked = true,
		.slot = 1UL << 40 };
	struct token_info got;
	WIPED(buf) out = { 0 };
	struct span in;

	(void)state;
	assert_int_equal(wire_put_info(&out, &info), RC_OK);
	in = buf_span(&out);
	assert_true(wire_take_info(&in, &got));
	assert_string_equal(got.serial, "9");
	assert_true(got.initialised && got.locked);
	assert_false(got.pin_set || got.final_try);
	assert_true(got.slot == 1UL << 40);
}

static void
texts_too_long_or_with_zeros_are_refused(void **state)
{
	WIPED(buf) out = { 0 };
	char room[4];
	struct span in;

	(void)state;
	assert_int_equal(buf_add_lv(&out, span_str("abcd")), RC_OK);
	in = buf_span(&out);
	assert_false(wire_take_text(&in, room, sizeof(room)));
	buf_reset(&out);
	assert_int_equal(buf_add_lv(&out, span_of("a\0b", 3)), RC_OK);
	in = buf_span(&out);
	assert_false(wire_take_text(&in, room, sizeof(room)));
}

static void
an_error_arrives_with_code_and_sentence_and_no_rule(void **state)
{
	WIPED(buf) out = { 0 };
	struct span in;
	uint32_t code = 0;

	(void)state;
	assert_int_equal(
	    wire_put_error(&out, err_rule(RC_POLICY, 7, "no")), RC_OK);
	err_clear();
	in = buf_span(&out);
	assert_true(span_take_u32(&in, &code));
	assert_int_equal(wire_take_error(in, code), RC_POLICY);
	assert_string_equal(err_text(), "no");
	assert_int_equal(err_rule_number(), 0);
}

static void
an_error_that_is_none_is_our_bug(void **state)
{
	(void)state;
	assert_int_equal(wire_take_error(SPAN_NONE, RC_TOKEN), RC_BUG);
	assert_int_equal(
	    wire_take_error(span_of("\0\0\0\0\0\0\0\0", 8), RC_OK), RC_BUG);
	assert_int_equal(
	    wire_take_error(span_of("\0\0\0\0\0\0\0\0", 8), 99), RC_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_arrives_as_it_was_sent),
		cmocka_unit_test(a_token_arrives_as_it_was_sent),
		cmocka_unit_test(texts_too_long_or_with_zeros_are_refused),
		cmocka_unit_test(
		    an_error_arrives_with_code_and_sentence_and_no_rule),
		cmocka_unit_test(an_error_that_is_none_is_our_bug),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
