/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tty of a unit in the event loop: opened when it is there, read, written, and opened again
 * after it hung up (USB modules come and go).
 */
#ifndef GWD_PORT_H
#define GWD_PORT_H

#include <ev.h>

#include "gateway.h"
#include "probe.h"

struct port {
	struct ev_loop *loop;
	const struct config *config;
	struct unit *unit;
	int fd;
	ev_io readable, writable;
	ev_timer retry;
	bool automatic;		    /* modem.device = auto */
	char path[CONFIG_TEXT_MAX + PORTS_PATH_MAX]; /* of the device; "": not found yet */
	struct probe probe;
	bool complained; /* about the device being absent; once is enough */
};

void port_init(struct port *p, struct ev_loop *loop, const struct config *config,
	struct unit *unit);
/* Opens the tty now or, if that fails, whenever it appears; with modem.device = auto the one on which
 * a module answers. */
void port_start(struct port *p);
/* Writes what the modem has to say; to be called after each batch of work. */
void port_flush(struct port *p);
void port_stop(struct port *p);
/* Bytes that were written and have not left, as far as the driver tells. */
size_t port_unsent(const struct port *p);
void port_dtr(const struct port *p, bool on);

usec_t clock_now(void);

#endif
