/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a service manager is told (sd_notify(3), without libsystemd): datagrams to $NOTIFY_SOCKET. Without
 * that variable every function here does nothing and nothing wakes up.
 *
 * READY means that the interface and the control socket are there, so that what depends on them can
 * start; the bearer may come hours later, or go, and the status line says where it stands. The
 * watchdog's sign of life is given from the event loop, and only if @sane agrees.
 *
 * Nothing here blocks: what the manager cannot take now is offered again, in its newest form.
 */
#ifndef GWD_NOTIFY_H
#define GWD_NOTIFY_H

#include <ev.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NOTIFY_TEXT_MAX 160

enum notify_phase {
	NOTIFY_STARTING, /* nothing is said yet, but for the status */
	NOTIFY_READY,
	NOTIFY_RELOADING,
	NOTIFY_STOPPING,
};

struct notify {
	struct ev_loop *loop;
	int fd; /* -1: nobody asked */
	struct sockaddr_un to;
	socklen_t to_len;
	enum notify_phase phase;
	unsigned long long reload_began; /* CLOCK_MONOTONIC, microseconds */
	char text[NOTIFY_TEXT_MAX];
	bool alive;	   /* a sign of life waits for its receiver */
	ev_timer again;	   /* runs while a message waits for its receiver */
	ev_timer watchdog; /* runs if the manager asked this process for it, every half of its time */
	bool (*sane)(void *user);
	void *user;
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child speaks in
 * this process's name. @sane: whether the loop gets its work done; asked once a sign of life. An
 * address that cannot be used is a warning. */
void notify_open(struct notify *n, struct ev_loop *loop, bool (*sane)(void *user), void *user);
/* A manager listens: @text of notify_status() is worth its making. */
bool notify_wanted(const struct notify *n);
/* Begins a phase; the watchdog runs from the first READY on, and STOPPING is not left. */
void notify_phase(struct notify *n, enum notify_phase phase);
/* One line for people; control characters of @text become blanks. Sent only when it is another one. */
void notify_status(struct notify *n, const char *text);
void notify_close(struct notify *n);

#endif
