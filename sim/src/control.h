/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket: one command a line, one line of answer ("ok", "error: ..." or JSON).
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <stddef.h>

#define CONTROL_CLIENTS_MAX 8
#define CONTROL_LINE_MAX 1024

struct sim;
struct loop;

struct control {
	int listener;
	const char *path;
	struct {
		int fd;
		size_t len;
		char line[CONTROL_LINE_MAX];
	} client[CONTROL_CLIENTS_MAX];
};

int control_open(struct sim *sim, const char *path);
void control_close(struct sim *sim);
void control_watch(struct sim *sim, struct loop *loop);

#endif
