/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libubus without uloop: its socket is watched by our loop and handed to ubus_handle_event(). An event
 * is sent by an asynchronous call of ubusd's own object, whose answer nobody waits for. Connecting and
 * making the object known are synchronous in libubus: they wait for ubusd, a local process that does
 * nothing else. That happens inside the loop, when our signal handlers are there: libubus initialises
 * uloop, which takes only signals that nobody handles.
 */
#include "bus.h"

#include <libubox/blobmsg_json.h>
#include <libubus.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/log.h"

#ifndef BUS_RETRY_S /* a test has no time */
#define BUS_RETRY_S 5.
#endif

struct bus {
	struct ubus_context ctx;
	bool known; /* the object was made known once: a reconnect does it again */
	struct ubus_object object;
	struct ubus_object_type type;
	struct ubus_request event; /* the last one; its answer is dropped */
	struct ev_loop *loop;
	ev_io readable;
	ev_timer retry;
	const char *name;
	char path[32];
	const char *state; /* told last, NULL: none */
	bus_status_cb status;
	void *user;
};

static struct bus *of_object(struct ubus_object *o)
{
	return (struct bus *)((char *)o - offsetof(struct bus, object));
}

static struct bus *of_context(struct ubus_context *ctx)
{
	return (struct bus *)((char *)ctx - offsetof(struct bus, ctx));
}

static int on_status(struct ubus_context *ctx, struct ubus_object *object,
	struct ubus_request_data *request, const char *method, struct blob_attr *message)
{
	struct bus *u = of_object(object);
	struct json_object *o = u->status(u->user);
	struct blob_buf b = {0};
	int rc = UBUS_STATUS_UNKNOWN_ERROR;

	(void)method, (void)message;
	blob_buf_init(&b, 0);
	if (o && blobmsg_add_object(&b, o))
		rc = ubus_send_reply(ctx, request, b.head);
	blob_buf_free(&b);
	json_object_put(o);
	return rc;
}

static const struct ubus_method methods[] = {
	UBUS_METHOD_NOARG("status", on_status),
};

static void send_state(struct bus *u)
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
	ubus_invoke_async(&u->ctx, UBUS_SYSTEM_OBJECT_EVENT, "send", b.head, &u->event);
	blob_buf_free(&b);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct bus *u = w->data;

	(void)loop, (void)events;
	ubus_handle_event(&u->ctx);
}

static void on_lost(struct ubus_context *ctx)
{
	struct bus *u = of_context(ctx);

	log_warn("ubus: connection lost");
	ev_io_stop(u->loop, &u->readable);
	ev_timer_again(u->loop, &u->retry);
}

/* Whether the object is known to the bus now. */
static bool join(struct bus *u)
{
	if (u->known)
		return ubus_reconnect(&u->ctx, NULL) == 0;
	if (ubus_connect_ctx(&u->ctx, NULL))
		return false;
	u->ctx.connection_lost = on_lost;
	u->known = ubus_add_object(&u->ctx, &u->object) == 0;
	if (!u->known)
		ubus_shutdown(&u->ctx);
	return u->known;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct bus *u = w->data;

	(void)events;
	if (!join(u))
		return;
	ev_timer_stop(loop, &u->retry);
	ev_io_set(&u->readable, u->ctx.sock.fd, EV_READ);
	ev_io_start(loop, &u->readable);
	log_info("ubus: %s is there", u->path);
	send_state(u);
}

struct bus *bus_new(struct ev_loop *loop, const char *name, bus_status_cb status, void *user)
{
	struct bus *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->loop = loop;
	u->name = name;
	u->status = status;
	u->user = user;
	snprintf(u->path, sizeof(u->path), "gwd.%s", name);
	u->object.name = u->path;
	u->type = (struct ubus_object_type)UBUS_OBJECT_TYPE("gwd", methods);
	u->object.type = &u->type;
	u->object.methods = methods;
	u->object.n_methods = sizeof(methods) / sizeof(methods[0]);
	ev_init(&u->readable, on_readable);
	ev_timer_init(&u->retry, on_retry, 0., BUS_RETRY_S);
	u->readable.data = u->retry.data = u;
	ev_timer_start(loop, &u->retry);
	return u;
}

void bus_state(struct bus *u, const char *state)
{
	if (!u || u->state == state)
		return;
	u->state = state;
	send_state(u);
}

void bus_free(struct bus *u)
{
	if (!u)
		return;
	ev_io_stop(u->loop, &u->readable);
	ev_timer_stop(u->loop, &u->retry);
	if (u->known)
		ubus_shutdown(&u->ctx);
	free(u);
}
