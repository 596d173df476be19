/* SPDX-License-Identifier: Apache-2.0 */
/** The one place that asks for the time, and its spellings.
 *
 * Times are seconds since 1970-01-01T00:00:00Z as int64_t, in 0..253402300799
 * (the year 9999); durations are seconds.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MAX INT64_C(253402300799)
#define CLOCK_TEXT 21 /* "2026-11-23T14:13:41Z" and its terminator */
#define DUR_TEXT 24
#define DISTANCE_TEXT 32
#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)
#define DUR_MAX INT64_C(3155760000) /* seconds: 100 years, the grammar's limit */

/** Seconds now. \retval RC_IO no clock, or one outside 1970..9999 */
enum rc clock_now(int64_t *ret_now) MUST_CHECK;

/** Nanoseconds since some moment, for measuring how long a thing takes: this clock
 * goes on evenly when somebody sets the other one. */
int64_t clock_monotonic_ns(void);
#define MS INT64_C(1000000) /* nanoseconds of a millisecond */

/** RFC 3339 in UTC, to the second. */
void clock_write(int64_t at, char ret_text[static CLOCK_TEXT]);

/** Reads what clock_write writes, and "2026-11-23" as its first second. */
bool clock_read(const char *text, int64_t *ret_at);

/** Whole days from `from` to `to`, rounded down: 0 is within a day from now, and
 * a second that has passed is -1. */
int64_t clock_days(int64_t from, int64_t to);

/** How far `at` is from now, for people: "in 89 days", "in 1 day", "3 days ago";
 * within a day from now "in 0 days", within one before it "0 days ago". */
void clock_distance(int64_t at, int64_t now, char ret_text[static DISTANCE_TEXT]);

/** A duration: digits and one of h, d, w. At most 3155760000 s (100 years). */
bool dur_read(const char *text, int64_t *ret_seconds);

/** The shortest spelling: "1h", "31d", "2w" is written "14d"; else "N s". */
void dur_write(int64_t seconds, char ret_text[static DUR_TEXT]);

/** A series as in --series: "12x31d+7d" or "12x31d". */
bool series_read(const char *text, uint32_t *ret_count, int64_t *ret_period,
    int64_t *ret_overlap);

#endif
