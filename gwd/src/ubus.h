/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OpenWrt's bus (GWD_UBUS=ON): an object gwd.NAME whose method "status" answers what the control socket
 * does, and an event "gwd.state" when the module's state changes. Without that option nothing of it is
 * built. Without ubusd, or while it is away, the daemon goes on and tries again every few seconds.
 */
#ifndef GWD_UBUS_H
#define GWD_UBUS_H

#include <ev.h>
#include <json-c/json.h>

struct ubus;

/* The caller's answer to "status"; the object becomes ours. */
typedef struct json_object *(*ubus_status_cb)(void *user);

#ifdef GWD_UBUS
/* @name must outlive it. NULL without memory. */
struct ubus *ubus_new(struct ev_loop *loop, const char *name, ubus_status_cb status, void *user);
/* Sends the event {"name", "state"} if @state (a constant) is another one than before. @u may be NULL. */
void ubus_state(struct ubus *u, const char *state);
void ubus_destroy(struct ubus *u);
#else
static inline struct ubus *ubus_new(
	struct ev_loop *loop, const char *name, ubus_status_cb status, void *user)
{
	(void)loop, (void)name, (void)status, (void)user;
	return NULL;
}
static inline void ubus_state(struct ubus *u, const char *state)
{
	(void)u, (void)state;
}
static inline void ubus_destroy(struct ubus *u)
{
	(void)u;
}
#endif

#endif
