/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * modem.device = auto: finds the tty on which a SIMCom module answers "AT".
 */
#ifndef GWD_PROBE_H
#define GWD_PROBE_H

#include <ev.h>
#include <stddef.h>

#include "config/config.h"
#include "ports.h"

#define PROBE_HEARD 256

struct probe {
	struct ev_loop *loop;
	const struct config *config;
	struct ports_root root;
	void (*found)(void *user, const char *path); /* called once for each probe_start() */
	void *user;
	struct ports ports;
	unsigned at;	 /* the port that is asked */
	unsigned asked;	 /* how often */
	unsigned rounds; /* in which nobody answered */
	bool complained; /* about there being none */
	char busy[PORTS_PATH_MAX]; /* the last that somebody else had; told once */
	int fd;
	ev_io readable;
	ev_timer timer;
	size_t n;
	char heard[PROBE_HEARD];
};

void probe_init(struct probe *p, struct ev_loop *loop, const struct config *config,
	const struct ports_root *root, void (*found)(void *user, const char *path), void *user);
/* Looks now, and again every few seconds until one is found. */
void probe_start(struct probe *p);
void probe_stop(struct probe *p);

#endif
