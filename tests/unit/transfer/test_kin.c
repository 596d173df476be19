/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys and names are taken: kept once each, told apart by whose they are.
 */
#include "transfer/policy/kin.h"

#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"
#include "transfer/x509/tbs.h"

static void
a_certificate_gives_its_key_and_its_name(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(kin) kin = { 0 };
	const struct kin_one *one = NULL;
	struct cert_parts parts;
	uint8_t key_id[SHA256_LEN];

	(void)state;
	software_ca_make(&ca, "ec-p256");
	check_ok(kin_add(&kin, KIN_ABOVE, "above", buf_span(&ca.der)));
	check_ok(kin_add(&kin, KIN_ABOVE, "again", buf_span(&ca.der)));
	assert_int_equal(kin.n, 1);
	check_ok(kin_add(
	    &kin, KIN_TRANSFER, "transfer", buf_span(&ca.transfer_der)));
	assert_int_equal(kin.n, 2);
	one = kin_of_key(&kin, ca.key_id);
	assert_non_null(one);
	assert_int_equal(one->whose, KIN_ABOVE);
	check_ok(key_id_of(ca.transfer_key, key_id));
	one = kin_of_key(&kin, key_id);
	assert_non_null(one);
	assert_int_equal(one->whose, KIN_TRANSFER);
	key_id[0] ^= 1;
	assert_null(kin_of_key(&kin, key_id));

	check_ok(cert_parts_read("CA", buf_span(&ca.der), &parts));
	check_ok(kin_of_subject(&kin, parts.subject, &one));
	assert_non_null(one);
	assert_int_equal(one->whose, KIN_ABOVE);
	/* The name of a transfer certificate is nobody's. */
	check_ok(
	    cert_parts_read("transfer", buf_span(&ca.transfer_der), &parts));
	check_ok(kin_of_subject(&kin, parts.subject, &one));
	assert_null(one);
}

static void
joined_ones_are_each_taken(void **state)
{
	WIPED(software_ca) one = { 0 }, two = { 0 };
	WIPED(kin) kin = { 0 }, copy = { 0 };
	WIPED(buf) ders = { 0 };

	(void)state;
	software_ca_make(&one, "ec-p256");
	software_ca_make(&two, "ec-p256");
	check_ok(kin_add_joined(&kin, KIN_OWN, "none", SPAN_NONE));
	assert_int_equal(kin.n, 0);
	check_ok(buf_add_span(&ders, buf_span(&one.der)));
	check_ok(buf_add_span(&ders, buf_span(&two.der)));
	check_ok(kin_add_joined(&kin, KIN_OWN, "both", buf_span(&ders)));
	assert_non_null(kin_of_key(&kin, one.key_id));
	assert_non_null(kin_of_key(&kin, two.key_id));
	check_ok(kin_add_all(&copy, &kin));
	kin_wipe(&kin); /* nothing of it is borrowed */
	assert_non_null(kin_of_key(&copy, two.key_id));
	ders.n--;
	assert_int_equal(
	    kin_add_joined(&kin, KIN_OWN, "cut", buf_span(&ders)), RC_FORMAT);
	assert_int_equal(
	    kin_add(&kin, KIN_OWN, "x", span_str("none")), RC_FORMAT);
}

static enum rc
fill_and_ask(void *arg)
{
	const struct software_ca *ca = arg;
	const struct kin_one *one = NULL;
	struct cert_parts parts;
	WIPED(kin) kin = { 0 };
	enum rc rc = kin_add(&kin, KIN_OWN, "CA", buf_span(&ca->der));

	if (rc == RC_OK)
		rc = cert_parts_read("CA", buf_span(&ca->der), &parts);
	if (rc == RC_OK)
		rc = kin_of_subject(&kin, parts.subject, &one);
	if (rc == RC_OK)
		assert_non_null(one);
	return rc;
}

static void
what_cannot_look_does_not_say_no(void **state)
{
	WIPED(software_ca) ca = { 0 };

	(void)state;
	software_ca_make(&ca, "ec-p256");
	each_fails(FAIL_MEMORY " d2i_X509_NAME", fill_and_ask, NULL, &ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_gives_its_key_and_its_name),
		cmocka_unit_test(joined_ones_are_each_taken),
		cmocka_unit_test(what_cannot_look_does_not_say_no),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
