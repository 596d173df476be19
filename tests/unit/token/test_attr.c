/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes, objects and sessions, on a card that answers as it is told. */
#include "token/p11/attr.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"

#include <errno.h>

/* ---- objects ------------------------------------------------------------- */

static CK_RV
find_no_more(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *to, CK_ULONG max, CK_ULONG *ret_n)
{
	(void)s;
	(void)to;
	(void)max;
	*ret_n = 0;
	return CKR_OK;
}

static CK_RV
find_too_many(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *to, CK_ULONG max, CK_ULONG *ret_n)
{
	(void)s;
	(void)to;
	*ret_n = max + 1;
	card->f.C_FindObjects = find_no_more;
	return CKR_OK;
}

static void
objects_are_found_by_their_class(void **state)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[3];
	WIPED(session) s = { 0 };
	size_t n = 9;

	(void)state;
	(void)card_object(CKO_PRIVATE_KEY);
	(void)card_object(CKO_CERTIFICATE);
	(void)card_object(CKO_PRIVATE_KEY);
	card_session(&s);
	check_ok(objects_find(&s, &want, 1, found, 3, &n));
	assert_int_equal(n, 2);
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 3);
	check_says(objects_find(&s, &want, 1, found, 2, &n), RC_TOKEN,
	    CARD_NAME ": has 2 or more objects of a kind");
}

static void
a_list_that_fails_or_lies_is_no_list(void **state)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[4];
	WIPED(session) s = { 0 };
	size_t n = 9;

	(void)state;
	card_session(&s);
	card_answers(FAKE_FIND_INIT, 1, CKR_DEVICE_REMOVED);
	check_says(objects_find(&s, &want, 1, found, 4, &n), RC_TOKEN,
	    CARD_NAME ": objects cannot be listed: the token was removed "
		      "(CKR_DEVICE_REMOVED)");
	card_answers(FAKE_FIND_INIT, 1, CKR_OK);
	card_answers(FAKE_FIND, 1, CKR_DEVICE_ERROR);
	check_says(objects_find(&s, &want, 1, found, 4, &n), RC_TOKEN,
	    CARD_NAME ": objects cannot be listed: the token or its reader "
		      "reports an error (CKR_DEVICE_ERROR)");
	assert_int_equal(n, 9);
	/* More than there was room for: none of them is believed. */
	card->f.C_FindObjects = find_too_many;
	check_ok(objects_find(&s, &want, 1, found, 4, &n));
	assert_int_equal(n, 0);
}

/* ---- attributes ---------------------------------------------------------- */

static void
what_an_object_lacks_is_no_error(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(buf) got = { 0 };
	CK_ULONG value = 7;
	bool known = true;

	(void)state;
	card_put(card_object(CKO_DATA), CKA_LABEL, "x", 1);
	card_session(&s);
	check_ok(attr_bytes(&s, 1, CKA_ID, &got));
	assert_int_equal(got.n, 0);
	assert_false(attr_true(&s, 1, CKA_SIGN, &known));
	assert_false(known);
	assert_false(attr_ulong(&s, 1, CKA_KEY_TYPE, &value));
	assert_int_equal(value, 7);
	check_ok(attr_bytes(&s, 1, CKA_LABEL, &got));
	assert_true(span_eq_str(buf_span(&got), "x"));
}

static void
an_attribute_of_another_length_counts_as_none(void **state)
{
	struct fake_object *o = card_object(CKO_DATA);
	WIPED(session) s = { 0 };
	CK_ULONG value = 7;
	bool known = true;

	(void)state;
	card_put(o, CKA_KEY_TYPE, "\1\0\0", 3);
	card_put(o, CKA_SIGN, "", 0);
	card_session(&s);
	assert_false(attr_ulong(&s, 1, CKA_KEY_TYPE, &value));
	assert_false(attr_true(&s, 1, CKA_SIGN, &known));
	assert_false(known);
	card_put_bool(o, CKA_SIGN, true);
	assert_true(attr_true(&s, 1, CKA_SIGN, &known));
	assert_true(known);
}

/* Says how long the value is, and then that it is `longer`. */
static CK_ULONG longer;

static CK_RV
attribute_grows(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s;
	(void)object;
	(void)n;
	a->ulValueLen = a->pValue == NULL ? 8 : longer;
	return CKR_OK;
}

static CK_RV
attribute_is_huge(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s;
	(void)object;
	(void)n;
	a->ulValueLen = (64 << 10) + 1;
	return CKR_OK;
}

static void
a_module_that_lies_about_lengths_is_not_believed(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(buf) got = { 0 };

	(void)state;
	card_session(&s);
	card->f.C_GetAttributeValue = attribute_grows;
	longer = 65536;
	check_says(attr_bytes(&s, 1, CKA_LABEL, &got), RC_TOKEN,
	    CARD_NAME ": attribute 0x3 grew");
	assert_int_equal(got.n, 0);
	longer = 5;
	check_ok(attr_bytes(&s, 1, CKA_LABEL, &got));
	assert_int_equal(got.n, 5);
	card->f.C_GetAttributeValue = attribute_is_huge;
	check_says(attr_bytes(&s, 1, CKA_LABEL, &got), RC_TOKEN,
	    CARD_NAME ": attribute 0x3 has 65537 bytes");
	assert_int_equal(got.n, 5);
}

static void
an_attribute_that_fails_is_an_error_at_either_call(void **state)
{
	WIPED(session) s = { 0 };
	WIPED(buf) got = { 0 };

	(void)state;
	card_put(card_object(CKO_DATA), CKA_LABEL, "x", 1);
	card_session(&s);
	for (unsigned n = 1; n <= 2; n++) {
		card_answers(FAKE_GET_ATTRIBUTE, n, CKR_SESSION_HANDLE_INVALID);
		check_says(attr_bytes(&s, 1, CKA_LABEL, &got), RC_TOKEN,
		    CARD_NAME ": attribute 0x3: the session is gone "
			      "(CKR_SESSION_HANDLE_INVALID)");
	}
	card_answers(FAKE_GET_ATTRIBUTE, 1, CKR_OK);
	buf_wipe(&got);
	fail_nth("malloc", 1, ENOMEM);
	assert_int_equal(attr_bytes(&s, 1, CKA_LABEL, &got), RC_IO);
	assert_non_null(fail_stop());
	assert_int_equal(got.n, 0);
}

/* ---- sessions ------------------------------------------------------------ */

static void
a_token_that_is_gone_opens_no_session(void **state)
{
	struct session s = { 0 };

	(void)state;
	card_module = (struct module){ .path = card_path, .f = &card->f };
	card_answers(FAKE_TOKEN_INFO, 1, CKR_TOKEN_NOT_PRESENT);
	check_says(session_open(&s, &card_module, 0), RC_TOKEN,
	    "token: cannot be read: there is no token in the reader "
	    "(CKR_TOKEN_NOT_PRESENT)");
	card_answers(FAKE_TOKEN_INFO, 1, CKR_OK);
	card_answers(FAKE_OPEN_SESSION, 1, CKR_TOKEN_NOT_RECOGNIZED);
	check_says(session_open(&s, &card_module, 0), RC_TOKEN,
	    CARD_NAME ": no session: the module does not know this kind of "
		      "token (CKR_TOKEN_NOT_RECOGNIZED)");
	assert_null(s.module);
	assert_int_equal(card->sessions, 0);
	session_wipe(&s);
}

static void
a_session_is_renewed_before_the_old_one_goes(void **state)
{
	WIPED(session) s = { 0 };

	(void)state;
	card_session(&s);
	check_ok(session_renew(&s));
	assert_int_equal(s.handle, 2);
	assert_int_equal(card->sessions, 1);
	/* A token that takes one at a time gets the other order. */
	card_answers_once(FAKE_OPEN_SESSION, 1, CKR_SESSION_COUNT);
	check_ok(session_renew(&s));
	assert_int_equal(card->sessions, 1);
	card_answers(FAKE_OPEN_SESSION, 1, CKR_DEVICE_REMOVED);
	check_says(session_renew(&s), RC_TOKEN,
	    CARD_NAME
	    ": no session: the token was removed (CKR_DEVICE_REMOVED)");
	assert_int_equal(s.handle, P11_NO_HANDLE);
	assert_int_equal(card->sessions, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    objects_are_found_by_their_class, card_reset),
		cmocka_unit_test_setup(
		    a_list_that_fails_or_lies_is_no_list, card_reset),
		cmocka_unit_test_setup(
		    what_an_object_lacks_is_no_error, card_reset),
		cmocka_unit_test_setup(
		    an_attribute_of_another_length_counts_as_none, card_reset),
		cmocka_unit_test_setup(
		    a_module_that_lies_about_lengths_is_not_believed,
		    card_reset),
		cmocka_unit_test_setup(
		    an_attribute_that_fails_is_an_error_at_either_call,
		    card_reset),
		cmocka_unit_test_setup(
		    a_token_that_is_gone_opens_no_session, card_reset),
		cmocka_unit_test_setup(
		    a_session_is_renewed_before_the_old_one_goes, card_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
