/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <time.h>

static void
now_is_the_systems_second(void **state)
{
	int64_t now;
	time_t before = time(NULL);

	(void)state;
	check_ok(clock_now(&now));
	assert_true(now >= before && now <= before + 60);
}

static void
times_are_written_as_rfc_3339_and_read_back(void **state)
{
	static const struct {
		int64_t at;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782399, "2000-02-28T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 1234567890, "2009-02-13T23:31:30Z" },
		{ INT64_C(4107542400), "2100-03-01T00:00:00Z" },
		{ CLOCK_MAX, "9999-12-31T23:59:59Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[CLOCK_TEXT];
		int64_t at = -1;

		clock_write(cases[i].at, text);
		assert_string_equal(text, cases[i].text);
		assert_true(clock_read(text, &at));
		assert_true(at == cases[i].at);
	}
}

static void
a_date_is_its_first_second(void **state)
{
	int64_t at;

	(void)state;
	assert_true(clock_read("2026-11-23", &at));
	assert_true(at == 1795392000);
}

static void
what_is_no_time_is_written_as_such(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_write(-1, text);
	assert_string_equal(text, "(no time)");
	clock_write(CLOCK_MAX + 1, text);
	assert_string_equal(text, "(no time)");
}

static void
what_is_no_date_is_not_read(void **state)
{
	static const char *const cases[] = { "", "2026", "2026-1-01",
		"2026-00-10", "2026-13-01", "2026-04-31", "2026-02-29",
		"1969-12-31", "2026-11-23T", "2026-11-23T24:00:00Z",
		"2026-11-23T23:59:60Z", "2026-11-23T12:00:00",
		"2026-11-23T12:00:00+01:00", "2026-11-23 12:00:00Z",
		"2026-11-23T12:00:00Z ", " 2026-11-23", "-026-11-23" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t at = 7;

		if (clock_read(cases[i], &at))
			fail_msg("%s was read", cases[i]);
		assert_true(at == 7);
	}
}

static void
durations_are_digits_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} cases[] = { { "1h", 3600 }, { "31d", 31 * DAY }, { "2w", 14 * DAY },
		{ "36525d", INT64_C(3155760000) }, { "36526d", 0 },
		{ "876600h", INT64_C(3155760000) }, { "876601h", 0 },
		{ "0d", 0 }, { "07d", 0 }, { "d", 0 }, { "7", 0 }, { "7m", 0 },
		{ "7D", 0 }, { "-7d", 0 }, { "7d ", 0 }, { "1.5d", 0 },
		{ "99999999999999999999d", 0 }, { "", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t seconds = 0;

		if (dur_read(cases[i].text, &seconds) !=
			(cases[i].seconds != 0) ||
		    seconds != cases[i].seconds)
			fail_msg("%s: %jd", cases[i].text, (intmax_t)seconds);
	}
}

static void
durations_are_written_shortly(void **state)
{
	char text[DUR_TEXT];

	(void)state;
	dur_write(14 * DAY, text);
	assert_string_equal(text, "14d");
	dur_write(25 * 3600, text);
	assert_string_equal(text, "25h");
	dur_write(90, text);
	assert_string_equal(text, "90 s");
	dur_write(0, text);
	assert_string_equal(text, "0 s");
	dur_write(INT64_MIN, text);
	assert_string_equal(text, "-9223372036854775808 s");
}

/* Two programs tell of the same moment in the same days. */
static void
days_are_rounded_down_on_both_sides_of_now(void **state)
{
	static const struct {
		int64_t apart, days;
	} cases[] = {
		{ 0, 0 },
		{ 1, 0 },
		{ 86399, 0 },
		{ 86400, 1 },
		{ 86401, 1 },
		{ -1, -1 },
		{ -86399, -1 },
		{ -86400, -1 },
		{ -86401, -2 },
		{ CLOCK_MAX, 2932896 },
		{ -CLOCK_MAX, -2932897 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const int64_t from = cases[i].apart < 0 ? CLOCK_MAX : 0;

		assert_int_equal(
		    clock_days(from, from + cases[i].apart), cases[i].days);
	}
}

static void
a_distance_is_told_from_now(void **state)
{
	static const struct {
		int64_t apart;
		const char *text;
	} cases[] = {
		{ 0, "in 0 days" },
		{ 86399, "in 0 days" },
		{ 86400, "in 1 day" },
		{ 89 * DAY, "in 89 days" },
		{ -1, "0 days ago" },
		{ -86400, "1 day ago" },
		{ -3 * DAY, "3 days ago" },
		{ CLOCK_MAX, "in 2932896 days" },
		{ -CLOCK_MAX, "2932896 days ago" },
	};
	char text[DISTANCE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const int64_t now = cases[i].apart < 0 ? CLOCK_MAX : 0;

		clock_distance(now + cases[i].apart, now, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
a_series_is_count_period_and_overlap(void **state)
{
	static const char *const bad[] = { "", "12", "12x", "x31d", "0x31d",
		"121x31d", "12x31d+", "12x31d+0d", "12x31d+7", "12x31d+7d+1d",
		"12X31d", "12x31d +7d" };
	uint32_t count;
	int64_t period, overlap;

	(void)state;
	assert_true(series_read("12x31d+7d", &count, &period, &overlap));
	assert_int_equal(count, 12);
	assert_true(period == 31 * DAY && overlap == 7 * DAY);
	assert_true(series_read("120x1h", &count, &period, &overlap));
	assert_int_equal(count, 120);
	assert_true(period == 3600 && overlap == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (series_read(bad[i], &count, &period, &overlap))
			fail_msg("%s was read", bad[i]);
}

static void
a_clock_that_cannot_be_read_is_no_time(void **state)
{
	int64_t now = 7;

	(void)state;
	fail_nth("clock_gettime", 1, EINVAL);
	assert_int_equal(clock_now(&now), RC_IO);
	assert_non_null(fail_stop());
	assert_string_equal(
	    err_text(), "the clock cannot be read: Invalid argument");
	assert_int_equal(now, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_is_the_systems_second),
		cmocka_unit_test(times_are_written_as_rfc_3339_and_read_back),
		cmocka_unit_test(a_date_is_its_first_second),
		cmocka_unit_test(what_is_no_time_is_written_as_such),
		cmocka_unit_test(what_is_no_date_is_not_read),
		cmocka_unit_test(durations_are_digits_and_a_unit),
		cmocka_unit_test(durations_are_written_shortly),
		cmocka_unit_test(days_are_rounded_down_on_both_sides_of_now),
		cmocka_unit_test(a_distance_is_told_from_now),
		cmocka_unit_test(a_series_is_count_period_and_overlap),
		cmocka_unit_test(a_clock_that_cannot_be_read_is_no_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
