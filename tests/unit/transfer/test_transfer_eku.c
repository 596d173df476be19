/* SPDX-License-Identifier: Apache-2.0 */
/* What the comments of transfer/x509/transfer_eku.h and succession.h say of the
 * OIDs. */
#include "transfer/x509/succession.h"

#include "base/own_ssl.h"
#include "base/span.h"
#include "tests/lib/check.h"

#include <openssl/bn.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>

#define BELOW "1.2.840.113556.1.8000.2554."
/* The UUID as an integer, which is what stands after 2.25 in X.667. */
#define UUID_DECIMAL "19590968114015642689692489763836022666"

static void
text_and_bytes_are_one_oid(void **state)
{
	static const uint8_t bytes[] = EKU_TRANSFER_OID;
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(EKU_TRANSFER, 1);

	(void)state;
	assert_non_null(oid);
	assert_int_equal(sizeof(bytes), EKU_TRANSFER_LEN);
	assert_true(span_eq(span_of(OBJ_get0_data(oid), OBJ_length(oid)),
	    span_of(bytes, sizeof(bytes))));
}

static void
it_is_the_uuid_in_arcs_under_31_bits(void **state)
{
	static const int digits[] = { 4, 4, 4, 4, 4, 6, 6 };
	const char *at = &EKU_TRANSFER[strlen(BELOW)];
	BIGNUM *uuid = NULL, *wanted = NULL;
	char hex[33] = "", *end;

	(void)state;
	assert_memory_equal(EKU_TRANSFER, BELOW, strlen(BELOW));
	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++) {
		unsigned long arc = strtoul(at, &end, 10);
		size_t n = strlen(hex);

		assert_int_equal(*end, i == 6 ? '\0' : '.');
		assert_true(arc < 1UL << 4 * digits[i]);
		(void)snprintf(
		    hex + n, sizeof(hex) - n, "%0*lx", digits[i], arc);
		at = end + 1;
	}
	assert_string_equal(hex, "0ebd154d73024aea9985158d006e4f8a");
	assert_int_not_equal(BN_hex2bn(&uuid, hex), 0);
	assert_int_not_equal(BN_dec2bn(&wanted, UUID_DECIMAL), 0);
	assert_int_equal(BN_cmp(uuid, wanted), 0);
	BN_free(uuid);
	BN_free(wanted);
}

static void
the_mark_of_succession_lies_below(void **state)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(SUCCESSION, 1);

	(void)state;
	assert_non_null(oid);
	assert_true(
	    succession_is_oid(span_of(OBJ_get0_data(oid), OBJ_length(oid))));
	assert_false(succession_is_oid(
	    span_of(OBJ_get0_data(oid), OBJ_length(oid) - 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_bytes_are_one_oid),
		cmocka_unit_test(it_is_the_uuid_in_arcs_under_31_bits),
		cmocka_unit_test(the_mark_of_succession_lies_below),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
