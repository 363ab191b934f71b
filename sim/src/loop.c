/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <time.h>

#include "sim.h"

int64_t loop_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

void loop_watch(struct loop *loop, int fd, short events, loop_fn *fn, int arg)
{
	if (fd < 0 || loop->n == LOOP_FDS_MAX)
		return;
	loop->fds[loop->n] = (struct pollfd){.fd = fd, .events = events};
	loop->fn[loop->n] = fn;
	loop->arg[loop->n++] = arg;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void loop_wait(struct sim *sim, struct loop *loop)
{
	int64_t next = timers_next(&sim->timers), left;
	struct timespec t;

	next = earliest(next, line_deadline(sim));
	next = earliest(next, links_deadline(sim));
	next = earliest(next, journal_deadline(&sim->journal));
	left = next == NEVER ? 3600 * 1000 * MS : next - loop_clock();
	if (left < 0)
		left = 0;
	t = (struct timespec){.tv_sec = left / (1000 * MS), .tv_nsec = left % (1000 * MS)};
	if (ppoll(loop->fds, loop->n, &t, NULL) < 0)
		loop->n = 0; /* interrupted: the sets of events mean nothing */
}

void loop_run(struct sim *sim)
{
	struct loop loop;

	while (!sim->quit) {
		sim->now = loop_clock();
		timers_run(&sim->timers, sim, sim->now);
		line_run(sim);
		links_run(sim);
		module_check_reset(sim);
		journal_run(&sim->journal, sim->now);
		loop.n = 0;
		line_watch(sim, &loop);
		links_watch(sim, &loop);
		control_watch(sim, &loop);
		loop_watch(&loop, sim->signals, POLLIN, NULL, 0);
		loop_wait(sim, &loop);
		sim->now = loop_clock();
		for (unsigned i = 0; i < loop.n; i++) {
			if (loop.fds[i].revents && !loop.fn[i])
				sim->quit = true;
			else if (loop.fds[i].revents)
				loop.fn[i](sim, loop.arg[i], loop.fds[i].revents);
		}
	}
}
