/* SPDX-License-Identifier: Apache-2.0 */
/* All sums stay sums: the grammar ends at 120 slots, 2^62 s of overlap and the
 * year 9999, and what is over that is cut there. */
#include "ca/crl/series.h"

#include "base/clock.h"

static int64_t
series_cut(int64_t at)
{
	return at < CLOCK_MAX ? at : CLOCK_MAX;
}

/* Where slot `i` would begin without the seconds of its generation. */
static int64_t
slot_begin(const struct ledger_crl_series *series, uint32_t i)
{
	return series_cut(series->start + (int64_t)i * series->period);
}

uint64_t
series_width(const struct ledger_crl_series *series)
{
	return (series->last - series->first + 1) / series->count;
}

void
series_plan(const struct crl_request *wish, int64_t now,
    const struct ledger_crl_series *before, uint64_t number, uint64_t width,
    struct ledger_crl_series *ret)
{
	*ret = (struct ledger_crl_series){
		.first = number,
		.last = number + wish->count * width - 1,
		.start = now,
		.period = wish->period,
		.overlap =
		    wish->overlap < CLOCK_MAX ? wish->overlap : CLOCK_MAX,
		.count = wish->count,
	};
	/* A clock that went back, too: its slots are ahead of us then. */
	if (before != NULL && slot_begin(before, before->count - 1) +
				      2 * (int64_t)before->generation + 1 >=
				  now)
		ret->generation = before->generation + 1;
}

void
series_slot_get(const struct ledger_crl_series *series, uint32_t i,
    uint64_t place, struct series_slot *ret)
{
	int64_t begin = slot_begin(series, i);

	*ret = (struct series_slot){
		.number = series->first + i * series_width(series) + place,
		.this_update = series_cut(
		    begin + 2 * (int64_t)series->generation + (place != 0)),
		.kept = begin > series->period ? begin - series->period : 0,
	};
	ret->next_update =
	    series_cut(ret->this_update + series->period + series->overlap);
}

int64_t
series_end(const struct ledger_crl_series *series)
{
	struct series_slot slot;

	series_slot_get(series, series->count - 1, 0, &slot);
	return slot.next_update;
}

int64_t
series_back_by(const struct ledger_crl_series *series)
{
	return slot_begin(series, series->count);
}

int64_t
series_half(const struct ledger_crl_series *series)
{
	return series->start + (series_end(series) - series->start) / 2;
}

void
series_fit(struct crl_request *wish, int64_t now, int64_t end)
{
	while (wish->count > 1 &&
	       now + (int64_t)wish->count * wish->period + wish->overlap > end)
		wish->count--;
}
