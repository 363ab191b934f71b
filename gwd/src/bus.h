/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OpenWrt's bus (GWD_UBUS=ON): an object gwd.NAME whose method "status" answers what the control socket
 * does, and an event "gwd.state" when the module's state changes. Without that option nothing of it is
 * built. Without ubusd, or while it is away, the daemon goes on and tries again every few seconds.
 */
#ifndef GWD_BUS_H
#define GWD_BUS_H

#include <ev.h>
#include <json-c/json.h>

struct bus;

/* The caller's answer to "status"; the object becomes ours. */
typedef struct json_object *(*bus_status_cb)(void *user);

#ifdef GWD_UBUS
/* @name must outlive it. NULL without memory. */
struct bus *bus_new(struct ev_loop *loop, const char *name, bus_status_cb status, void *user);
/* Sends the event {"name", "state"} if @state (a constant) is another one than before. @u may be
 * NULL. */
void bus_state(struct bus *u, const char *state);
void bus_free(struct bus *u);
#else
static inline struct bus *bus_new(
	struct ev_loop *loop, const char *name, bus_status_cb status, void *user)
{
	(void)loop, (void)name, (void)status, (void)user;
	return NULL;
}
static inline void bus_state(struct bus *u, const char *state)
{
	(void)u, (void)state;
}
static inline void bus_free(struct bus *u)
{
	(void)u;
}
#endif

#endif
