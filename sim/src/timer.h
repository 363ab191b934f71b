/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers of the simulated world: a bounded, unsorted set. Equal deadlines fire in the order they
 * were set, which is what keeps "+CIPCLOSE, then +NETCLOSE" in order when both have no delay.
 */
#ifndef SIM_TIMER_H
#define SIM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMERS_MAX 128
#define MS 1000000LL /* nanoseconds */
#define NEVER INT64_MAX

struct sim;
/* a and b are what the setter gave: by habit a link number and its generation. */
typedef void timer_fn(struct sim *sim, int a, unsigned b);

struct timer {
	int64_t at; /* ns, CLOCK_MONOTONIC */
	uint64_t seq;
	timer_fn *fn;
	int a;
	unsigned b;
	bool outside; /* not part of the module: survives its reset */
};

struct timers {
	struct timer t[TIMERS_MAX];
	unsigned count;
	uint64_t seq;
};

/* Full sets drop the oldest: a bound, not a case that is expected. */
void timer_set(struct timers *ts, int64_t at, timer_fn *fn, int a, unsigned b);
void timer_set_outside(struct timers *ts, int64_t at, timer_fn *fn, int a, unsigned b);
void timer_cancel(struct timers *ts, timer_fn *fn);
/* All timers of the module; those of the outside world stay. */
void timers_reset(struct timers *ts);
int64_t timers_next(const struct timers *ts);
void timers_run(struct timers *ts, struct sim *sim, int64_t now);

#endif
