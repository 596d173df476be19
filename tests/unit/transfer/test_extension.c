/* SPDX-License-Identifier: Apache-2.0 */
/* A profile's extensions that cannot be made. Those that are made are held
 * against whole certificates in test_tbs.c and test_judge_cert.c. */
#include "transfer/policy/extension.h"

#include "tests/lib/check.h"

static enum rc
plan_of(const struct profile *profile)
{
	static const uint8_t ski[KEY_IDENTIFIER_LEN] = { 0 };
	const struct extension_issuer issuer = { .ski = span_of(
						     ski, sizeof(ski)) };
	WIPED(extension_plan) plan = { 0 };

	return extension_plan_make(profile, &issuer, &plan);
}

/* It is written as one octet. */
static void
a_path_length_is_one_octet(void **state)
{
	struct profile p = { .name = "p", .is_ca = true, .path_len = 255 };

	(void)state;
	check_ok(plan_of(&p));
	p.path_len = 256;
	check_refused(plan_of(&p), "POLICY", "profile p: path length 256 is over 255");
}

static void
a_purpose_is_an_oid(void **state)
{
	char oid[] = "1.3.6.1.5.5.7.3.1", word[] = "serverAuth", none[] = "";
	char *items[] = { oid };
	struct profile p = { .name = "p", .eku = { items, 1 } };

	(void)state;
	check_ok(plan_of(&p));
	items[0] = word;
	check_refused(plan_of(&p), "POLICY", "profile p: \"serverAuth\": not an OID");
	items[0] = none;
	check_refused(plan_of(&p), "POLICY", "profile p: \"\": not an OID");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_length_is_one_octet),
		cmocka_unit_test(a_purpose_is_an_oid),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
