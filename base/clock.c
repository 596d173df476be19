/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations, asked for, read and written by hand: strptime would
 * follow the locale and take more than one spelling. */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum rc
clock_now(int64_t *ret_now)
{
	struct timespec ts;

	/* Not time(): its coarse clock may lag a tick behind this one. */
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return err_errno(RC_IO, errno, "the clock cannot be read");
	if (ts.tv_sec < 0 || ts.tv_sec > CLOCK_MAX)
		return err_set(RC_IO,
		    "the clock says second %jd, which is no time before the year 10000",
		    (intmax_t)ts.tv_sec);
	*ret_now = ts.tv_sec;
	return RC_OK;
}

int64_t
clock_monotonic_ns(void)
{
	struct timespec ts = { 0 };

	/* Linux has this clock always: it cannot fail. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
clock_write(int64_t at, char ret_text[static CLOCK_TEXT])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (at < 0 || at > CLOCK_MAX || gmtime_r(&t, &tm) == NULL ||
	    strftime(ret_text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret_text, CLOCK_TEXT, "%s", "(no time)");
}

/* Exactly `n` digits at `*text`, moving it on. */
static bool
take_digits(const char **text, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = value * 10 + (**text - '0');
	}
	*ret = value;
	return true;
}

static bool
take_char(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	(*text)++;
	return true;
}

bool
clock_read(const char *text, int64_t *ret_at)
{
	struct tm tm = { 0 }, back;
	time_t at;

	if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, &tm.tm_mon) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, &tm.tm_mday))
		return false;
	if (*text != '\0' &&
	    (!take_char(&text, 'T') || !take_digits(&text, 2, &tm.tm_hour) ||
		!take_char(&text, ':') || !take_digits(&text, 2, &tm.tm_min) ||
		!take_char(&text, ':') || !take_digits(&text, 2, &tm.tm_sec) ||
		!take_char(&text, 'Z') || *text != '\0'))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	at = timegm(&back);
	/* timegm moves the 31st of April on to May: that is no date. */
	if (at < 0 || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min ||
	    back.tm_sec != tm.tm_sec)
		return false;
	*ret_at = at;
	return true;
}

/* Digits without sign or leading zero, up to `max`. */
static bool
take_number(const char **text, int64_t max, int64_t *ret)
{
	int64_t value = 0;

	if (**text < '1' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + (**text - '0');
		if (value > max)
			return false;
	}
	*ret = value;
	return true;
}

static bool
take_dur(const char **text, int64_t *ret_seconds)
{
	int64_t count, unit;

	if (!take_number(text, DUR_MAX, &count))
		return false;
	switch (**text) {
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = DAY;
		break;
	case 'w':
		unit = 7 * DAY;
		break;
	default:
		return false;
	}
	(*text)++;
	if (count > DUR_MAX / unit)
		return false;
	*ret_seconds = count * unit;
	return true;
}

int64_t
clock_days(int64_t from, int64_t to)
{
	int64_t apart = to - from;

	return apart / DAY - (apart % DAY < 0);
}

void
clock_distance(int64_t at, int64_t now, char ret_text[static DISTANCE_TEXT])
{
	const bool over = at < now;
	const int64_t days = over ? clock_days(at, now) : clock_days(now, at);

	(void)snprintf(ret_text, DISTANCE_TEXT, "%s%" PRId64 " day%s%s",
	    over ? "" : "in ", days, days == 1 ? "" : "s", over ? " ago" : "");
}

bool
dur_read(const char *text, int64_t *ret_seconds)
{
	int64_t seconds;

	if (!take_dur(&text, &seconds) || *text != '\0')
		return false;
	*ret_seconds = seconds;
	return true;
}

void
dur_write(int64_t seconds, char ret_text[static DUR_TEXT])
{
	if (seconds != 0 && seconds % DAY == 0)
		(void)snprintf(
		    ret_text, DUR_TEXT, "%" PRId64 "d", seconds / DAY);
	else if (seconds != 0 && seconds % 3600 == 0)
		(void)snprintf(
		    ret_text, DUR_TEXT, "%" PRId64 "h", seconds / 3600);
	else
		(void)snprintf(ret_text, DUR_TEXT, "%" PRId64 " s", seconds);
}

bool
series_read(const char *text, uint32_t *ret_count, int64_t *ret_period,
    int64_t *ret_overlap)
{
	int64_t count, period, overlap = 0;

	if (!take_number(&text, 120, &count) || !take_char(&text, 'x') ||
	    !take_dur(&text, &period))
		return false;
	if (*text != '\0' && (!take_char(&text, '+') ||
				 !take_dur(&text, &overlap) || *text != '\0'))
		return false;
	*ret_count = (uint32_t)count;
	*ret_period = period;
	*ret_overlap = overlap;
	return true;
}
