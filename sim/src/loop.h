/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ppoll() loop. The set of descriptors is built anew in each round from the state of the
 * parts, so that no registration can outlive what it stood for.
 */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include <poll.h>
#include <stdint.h>

#define LOOP_FDS_MAX 64

struct sim;
typedef void loop_fn(struct sim *sim, int arg, short revents);

struct loop {
	struct pollfd fds[LOOP_FDS_MAX];
	loop_fn *fn[LOOP_FDS_MAX];
	int arg[LOOP_FDS_MAX];
	unsigned n;
};

void loop_watch(struct loop *loop, int fd, short events, loop_fn *fn, int arg);
/* Runs until sim->quit. */
void loop_run(struct sim *sim);
int64_t loop_clock(void);

#endif
