/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"

#include "ca/cert/tbs.h"

#define DRAWS 2000

static void
a_serial_is_a_positive_integer_of_16_octets(void **state)
{
	uint8_t s[CA_SERIAL_LEN];

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		check_ok(ca_serial_draw(s));
		assert_int_equal(s[0] & 0x80, 0);
		assert_int_not_equal(s[0], 0);
	}
}

static void
every_other_bit_of_a_serial_is_drawn(void **state)
{
	uint8_t s[CA_SERIAL_LEN], set[CA_SERIAL_LEN] = { 0 },
				  clear[CA_SERIAL_LEN] = { 0 };

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		check_ok(ca_serial_draw(s));
		for (size_t j = 0; j < sizeof(s); j++) {
			set[j] |= s[j];
			clear[j] |= (uint8_t)~s[j];
		}
	}
	assert_int_equal(set[0], 0x7f);
	for (size_t j = 0; j < sizeof(s); j++) {
		assert_int_equal(clear[j], 0xff);
		if (j > 0)
			assert_int_equal(set[j], 0xff);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_serial_is_a_positive_integer_of_16_octets),
		cmocka_unit_test(every_other_bit_of_a_serial_is_drawn),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
