/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libubus without uloop: its socket is watched by our loop and handed to ubus_handle_event(). An event
 * is sent by an asynchronous call of ubusd's own object, whose answer nobody waits for. Connecting and
 * making the object known are synchronous in libubus: they wait for ubusd, a local process that does
 * nothing else. That happens inside the loop, when our signal handlers are there: libubus initialises
 * uloop, which takes only signals that nobody handles.
 */
#include "ubus.h"

#include <libubox/blobmsg_json.h>
#include <libubus.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/log.h"

#ifndef UBUS_RETRY_S /* a test has no time */
#define UBUS_RETRY_S 5.
#endif

struct ubus {
	struct ubus_context bus;
	bool known; /* the object was made known once: a reconnect does it again */
	struct ubus_object object;
	struct ubus_request event; /* the last one; its answer is dropped */
	struct ev_loop *loop;
	ev_io readable;
	ev_timer retry;
	const char *name;
	char path[32];
	const char *state; /* told last, NULL: none */
	ubus_status_cb status;
	void *user;
};

static struct ubus *of_object(struct ubus_object *o)
{
	return (struct ubus *)((char *)o - offsetof(struct ubus, object));
}

static struct ubus *of_bus(struct ubus_context *bus)
{
	return (struct ubus *)((char *)bus - offsetof(struct ubus, bus));
}

static int on_status(struct ubus_context *bus, struct ubus_object *object,
	struct ubus_request_data *request, const char *method, struct blob_attr *message)
{
	struct ubus *u = of_object(object);
	struct json_object *o = u->status(u->user);
	struct blob_buf b = {0};
	int rc = UBUS_STATUS_UNKNOWN_ERROR;

	(void)method, (void)message;
	blob_buf_init(&b, 0);
	if (o && blobmsg_add_object(&b, o))
		rc = ubus_send_reply(bus, request, b.head);
	blob_buf_free(&b);
	json_object_put(o);
	return rc;
}

static const struct ubus_method methods[] = {
	UBUS_METHOD_NOARG("status", on_status),
};

static struct ubus_object_type type = UBUS_OBJECT_TYPE("gwd", methods);

static void send_state(struct ubus *u)
{
	struct blob_buf b = {0};
	void *data;

	if (!u->state || !ev_is_active(&u->readable))
		return;
	blob_buf_init(&b, 0);
	blobmsg_add_string(&b, "id", "gwd.state");
	data = blobmsg_open_table(&b, "data");
	blobmsg_add_string(&b, "name", u->name);
	blobmsg_add_string(&b, "state", u->state);
	blobmsg_close_table(&b, data);
	ubus_invoke_async(&u->bus, UBUS_SYSTEM_OBJECT_EVENT, "send", b.head, &u->event);
	blob_buf_free(&b);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct ubus *u = w->data;

	(void)loop, (void)events;
	ubus_handle_event(&u->bus);
}

static void on_lost(struct ubus_context *bus)
{
	struct ubus *u = of_bus(bus);

	log_warn("ubus: connection lost");
	ev_io_stop(u->loop, &u->readable);
	ev_timer_again(u->loop, &u->retry);
}

/* Whether the object is known to the bus now. */
static bool join(struct ubus *u)
{
	if (u->known)
		return ubus_reconnect(&u->bus, NULL) == 0;
	if (ubus_connect_ctx(&u->bus, NULL))
		return false;
	u->bus.connection_lost = on_lost;
	u->known = ubus_add_object(&u->bus, &u->object) == 0;
	if (!u->known)
		ubus_shutdown(&u->bus);
	return u->known;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ubus *u = w->data;

	(void)events;
	if (!join(u))
		return;
	ev_timer_stop(loop, &u->retry);
	ev_io_set(&u->readable, u->bus.sock.fd, EV_READ);
	ev_io_start(loop, &u->readable);
	log_info("ubus: %s is there", u->path);
	send_state(u);
}

struct ubus *ubus_new(struct ev_loop *loop, const char *name, ubus_status_cb status, void *user)
{
	struct ubus *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->loop = loop;
	u->name = name;
	u->status = status;
	u->user = user;
	snprintf(u->path, sizeof(u->path), "gwd.%s", name);
	u->object.name = u->path;
	u->object.type = &type;
	u->object.methods = methods;
	u->object.n_methods = sizeof(methods) / sizeof(methods[0]);
	ev_init(&u->readable, on_readable);
	ev_timer_init(&u->retry, on_retry, 0., UBUS_RETRY_S);
	u->readable.data = u->retry.data = u;
	ev_timer_start(loop, &u->retry);
	return u;
}

void ubus_state(struct ubus *u, const char *state)
{
	if (!u || u->state == state)
		return;
	u->state = state;
	send_state(u);
}

void ubus_destroy(struct ubus *u)
{
	if (!u)
		return;
	ev_io_stop(u->loop, &u->readable);
	ev_timer_stop(u->loop, &u->retry);
	if (u->known)
		ubus_shutdown(&u->bus);
	free(u);
}
