/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/x509/reason.h"

#include "tests/lib/check.h"
#include "transfer/rule.h"

/* RFC 5280 5.3.1, without the two that take a revocation back. */
static void
numbers_are_those_of_the_rfc(void **state)
{
	static const char *const wanted[] = { "unspecified", "keyCompromise",
		"cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", NULL, NULL, NULL, "privilegeWithdrawn",
		"aACompromise" };

	(void)state;
	for (unsigned i = 0; i <= REASON_MAX; i++) {
		enum reason reason = REASON_UNSPECIFIED;

		assert_int_equal(wanted[i] != NULL, reason_is_known(i));
		if (wanted[i] == NULL)
			continue;
		assert_string_equal(wanted[i], reason_text((enum reason)i));
		check_ok(reason_parse("--reason", wanted[i], &reason));
		assert_int_equal(i, reason);
	}
	assert_false(reason_is_known(REASON_MAX + 1));
	assert_string_equal("unknown", reason_text((enum reason)6));
}

static void
case_does_not_count(void **state)
{
	enum reason reason = REASON_UNSPECIFIED;

	(void)state;
	check_ok(reason_parse("--reason", "KEYcompromise", &reason));
	assert_int_equal(REASON_KEY_COMPROMISE, reason);
}

static void
what_is_none_is_refused_with_all_that_there_are(void **state)
{
#define ALL \
	"unspecified, keyCompromise, cACompromise, affiliationChanged, " \
	"superseded, cessationOfOperation, privilegeWithdrawn or aACompromise"
	enum reason reason = REASON_SUPERSEDED;

	(void)state;
	assert_int_equal(RC_USAGE, reason_parse("--reason", "stolen", &reason));
	check_refused(reason_parse("--reason", "stolen", &reason),
	    "REVOKE-REASON", "--reason stolen: no reason; wanted " ALL);
	assert_int_equal(RC_USAGE, reason_parse("--reason", "", &reason));
	assert_int_equal(RC_USAGE, reason_parse("--reason", "1", &reason));
	assert_int_equal(
	    RC_USAGE, reason_parse("--reason", "certificateHold", &reason));
	check_refused(reason_parse("--reason", "certificateHold", &reason),
	    "REVOKE-REASON",
	    "--reason certificateHold: what is revoked stays so; wanted " ALL);
	assert_int_equal(
	    RC_USAGE, reason_parse("--reason", "removefromcrl", &reason));
	assert_int_equal(REASON_SUPERSEDED, reason);
}

static void
a_compromise_is_told_from_the_rest(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= REASON_MAX; i++)
		assert_int_equal(i == 1 || i == 2 || i == 10,
		    reason_is_compromise((enum reason)i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_rfc),
		cmocka_unit_test(case_does_not_count),
		cmocka_unit_test(
		    what_is_none_is_refused_with_all_that_there_are),
		cmocka_unit_test(a_compromise_is_told_from_the_rest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
