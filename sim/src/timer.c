/* SPDX-License-Identifier: BSD-3-Clause */
#include "timer.h"

#include <stddef.h>

static void insert(struct timers *ts, struct timer t)
{
	unsigned at = ts->count;

	if (ts->count == TIMERS_MAX) {
		at = 0;
		for (unsigned i = 1; i < ts->count; i++)
			if (ts->t[i].seq < ts->t[at].seq)
				at = i;
	} else {
		ts->count++;
	}
	t.seq = ts->seq++;
	ts->t[at] = t;
}

void timer_set(struct timers *ts, int64_t at, timer_fn *fn, int a, unsigned b)
{
	insert(ts, (struct timer){.at = at, .fn = fn, .a = a, .b = b});
}

void timer_set_outside(struct timers *ts, int64_t at, timer_fn *fn, int a, unsigned b)
{
	insert(ts, (struct timer){.at = at, .fn = fn, .a = a, .b = b, .outside = true});
}

void timer_cancel(struct timers *ts, timer_fn *fn)
{
	for (unsigned i = 0; i < ts->count;) {
		if (ts->t[i].fn == fn)
			ts->t[i] = ts->t[--ts->count];
		else
			i++;
	}
}

void timers_reset(struct timers *ts)
{
	for (unsigned i = 0; i < ts->count;) {
		if (!ts->t[i].outside)
			ts->t[i] = ts->t[--ts->count];
		else
			i++;
	}
}

static struct timer *first(const struct timers *ts)
{
	const struct timer *best = NULL;

	for (unsigned i = 0; i < ts->count; i++) {
		const struct timer *t = &ts->t[i];

		if (!best || t->at < best->at || (t->at == best->at && t->seq < best->seq))
			best = t;
	}
	return (struct timer *)best;
}

int64_t timers_next(const struct timers *ts)
{
	const struct timer *t = first(ts);

	return t ? t->at : NEVER;
}

void timers_run(struct timers *ts, struct sim *sim, int64_t now)
{
	uint64_t limit = ts->seq; /* what a callback sets waits for the next round */

	for (;;) {
		struct timer *next = first(ts), t;

		if (!next || next->at > now || next->seq >= limit)
			return;
		t = *next;
		*next = ts->t[--ts->count];
		t.fn(sim, t.a, t.b);
	}
}
