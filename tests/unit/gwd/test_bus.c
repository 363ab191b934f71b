/* SPDX-License-Identifier: BSD-3-Clause */
/* The object on OpenWrt's bus; the bus is played by the test (tests/openwrt/ubus). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libubus.h"
#include "bus.h"

static struct {
	struct ev_loop *loop;
	struct bus *ubus;
	bool away; /* there is no ubusd */
	bool refuses; /* it takes no object */
	int fd;
	unsigned joins, left;
	struct ubus_context *bus;
	struct ubus_object *object;
	char reply[256], event[256];
	unsigned events;
} w;

/* ---- libubox and libubus ---- */

int blob_buf_init(struct blob_buf *b, int id)
{
	assert_int_equal(id, 0);
	b->head = calloc(1, sizeof(*b->head));
	return 0;
}

void blob_buf_free(struct blob_buf *b)
{
	free(b->head);
}

static void add(struct blob_buf *b, const char *text)
{
	strncat(b->head->text, text, sizeof(b->head->text) - strlen(b->head->text) - 1);
}

bool blobmsg_add_object(struct blob_buf *b, struct json_object *o)
{
	add(b, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	return true;
}

int blobmsg_add_string(struct blob_buf *b, const char *name, const char *string)
{
	add(b, name);
	add(b, "=");
	add(b, string);
	add(b, " ");
	return 0;
}

void *blobmsg_open_table(struct blob_buf *b, const char *name)
{
	add(b, name);
	add(b, "{");
	return b;
}

void blobmsg_close_table(struct blob_buf *b, void *cookie)
{
	assert_ptr_equal(b, cookie);
	add(b, "}");
}

int ubus_reconnect(struct ubus_context *ctx, const char *path)
{
	assert_null(path);
	if (w.away)
		return 1;
	w.bus = ctx;
	w.joins++;
	ctx->sock.fd = w.fd;
	return 0;
}

int ubus_connect_ctx(struct ubus_context *ctx, const char *path)
{
	memset(ctx, 0, sizeof(*ctx));
	return ubus_reconnect(ctx, path);
}

void ubus_shutdown(struct ubus_context *ctx)
{
	assert_ptr_equal(ctx, w.bus);
	w.left++;
}

int ubus_add_object(struct ubus_context *ctx, struct ubus_object *obj)
{
	assert_ptr_equal(ctx, w.bus);
	w.object = obj;
	return w.refuses;
}

int ubus_send_reply(struct ubus_context *ctx, struct ubus_request_data *req, struct blob_attr *msg)
{
	(void)req;
	assert_ptr_equal(ctx, w.bus);
	snprintf(w.reply, sizeof(w.reply), "%.255s", msg->text);
	return 0;
}

int ubus_invoke_async(struct ubus_context *ctx, uint32_t obj, const char *method,
	struct blob_attr *msg, struct ubus_request *req)
{
	assert_ptr_equal(ctx, w.bus);
	assert_non_null(req);
	assert_int_equal(obj, UBUS_SYSTEM_OBJECT_EVENT);
	assert_string_equal(method, "send");
	snprintf(w.event, sizeof(w.event), "%.255s", msg->text);
	w.events++;
	return 0;
}

/* ubusd went away: libubus finds out when it reads. */
void ubus_handle_event(struct ubus_context *ctx)
{
	uint64_t n;

	assert_int_equal(read(ctx->sock.fd, &n, sizeof(n)), sizeof(n));
	ctx->connection_lost(ctx);
}

/* ---- tests ---- */

static struct json_object *status(void *user)
{
	struct json_object *o = json_object_new_object();

	assert_ptr_equal(user, &w);
	json_object_object_add(o, "pid", json_object_new_int(7));
	return o;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.fd = eventfd(0, EFD_NONBLOCK);
	w.loop = ev_loop_new(EVFLAG_AUTO);
	w.ubus = bus_new(w.loop, "gwd-wan", status, &w);
	return w.ubus ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	bus_free(w.ubus);
	ev_loop_destroy(w.loop);
	close(w.fd);
	return 0;
}

static void retry(void)
{
	ev_run(w.loop, EVRUN_ONCE);
}

static void the_object_answers_status_as_json(void **state)
{
	(void)state;
	ev_run(w.loop, EVRUN_NOWAIT);
	assert_int_equal(w.joins, 1);
	assert_string_equal(w.object->name, "gwd.gwd-wan");
	assert_int_equal(w.object->n_methods, 1);
	assert_string_equal(w.object->methods[0].name, "status");
	assert_int_equal(w.object->methods[0].handler(w.bus, w.object, NULL, "status", NULL), 0);
	assert_string_equal(w.reply, "{\"pid\":7}");
}

static void each_change_of_state_is_one_event(void **state)
{
	static const char up[] = "up", down[] = "registering";

	(void)state;
	bus_state(NULL, up);
	bus_state(w.ubus, down); /* not connected yet: told then */
	assert_int_equal(w.events, 0);
	ev_run(w.loop, EVRUN_NOWAIT);
	assert_int_equal(w.events, 1);
	assert_string_equal(w.event, "id=gwd.state data{name=gwd-wan state=registering }");
	bus_state(w.ubus, down);
	assert_int_equal(w.events, 1);
	bus_state(w.ubus, up);
	assert_int_equal(w.events, 2);
}

static void a_bus_that_is_away_or_refuses_is_tried_again_and_nothing_is_left_open(void **state)
{
	(void)state;
	w.away = true;
	ev_run(w.loop, EVRUN_NOWAIT);
	assert_int_equal(w.joins, 0);
	w.away = false;
	w.refuses = true;
	retry();
	assert_int_equal(w.joins, 1);
	assert_int_equal(w.left, 1);
	w.refuses = false;
	retry();
	assert_int_equal(w.joins, 2);
	bus_state(w.ubus, "up");
	assert_int_equal(w.events, 1);
}

static void after_a_lost_connection_the_state_is_told_again(void **state)
{
	const uint64_t one = 1;

	(void)state;
	ev_run(w.loop, EVRUN_NOWAIT);
	bus_state(w.ubus, "up");
	assert_int_equal(write(w.fd, &one, sizeof(one)), sizeof(one));
	ev_run(w.loop, EVRUN_NOWAIT);
	bus_state(w.ubus, "registering");
	assert_int_equal(w.events, 1);
	retry();
	assert_int_equal(w.joins, 2);
	assert_int_equal(w.events, 2);
	assert_non_null(strstr(w.event, "registering"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_object_answers_status_as_json, setup, teardown),
		cmocka_unit_test_setup_teardown(each_change_of_state_is_one_event, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_bus_that_is_away_or_refuses_is_tried_again_and_nothing_is_left_open, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			after_a_lost_connection_the_state_is_told_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
