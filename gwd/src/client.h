/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection of the control socket, between control.c, which gives it a place, and requests.c,
 * which answers it. Handlers of requests include control.h only.
 */
#ifndef GWD_CLIENT_H
#define GWD_CLIENT_H

#include <ev.h>

#include "control.h"
#include "util/time.h"

#define CLIENTS_MAX 8
#define REQUEST_MAX 4096   /* bytes of one line */

struct client {
	struct client *all; /* the table it is in, CLIENTS_MAX long */
	struct daemon *d;
	struct ev_loop *loop;
	int fd; /* -1: free */
	ev_io readable, writable;
	ev_timer more; /* running: another line waits for its turn */
	usec_t active; /* last request, or when it came */
	usec_t blamed; /* the last client in this place that was; 0: none */
	bool steers;   /* it may change things, not only look */
	enum client_use use;
	void (*gone)(struct client *c, void *user);
	void (*said)(struct client *c, void *user);
	void *user;
	char in[REQUEST_MAX];
	size_t in_len;
	char *out; /* what the socket did not take yet: [out_done, out_len) of out_size */
	size_t out_len, out_done, out_size;
	bool finished; /* it will ask no more; closed once it has its answers */
};

/* All places are free. */
void clients_init(struct client *all, struct daemon *d, struct ev_loop *loop);
/* Takes @fd, which is non-blocking. */
void client_open(struct client *c, int fd, bool steers, usec_t now);
void client_close(struct client *c);
/* Logs what a client did; once in ten seconds a place, because it may do so without end. */
void client_blame(struct client *c, const char *what);

#endif
