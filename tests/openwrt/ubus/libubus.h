/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for libubus, which Debian has not: what gwd/src/ubus.c uses of it. */
#ifndef FAKE_LIBUBUS_H
#define FAKE_LIBUBUS_H

#include <stdint.h>

#include "libubox/blobmsg_json.h"

#define UBUS_STATUS_UNKNOWN_ERROR 9
#define UBUS_SYSTEM_OBJECT_EVENT 1

struct ubus_context {
	struct {
		int fd;
	} sock;
	void (*connection_lost)(struct ubus_context *ctx);
};

struct ubus_object;
struct ubus_request_data {
	int unused;
};
struct ubus_request {
	int unused;
};

typedef int (*ubus_handler_t)(struct ubus_context *ctx, struct ubus_object *obj,
	struct ubus_request_data *req, const char *method, struct blob_attr *msg);

struct ubus_method {
	const char *name;
	ubus_handler_t handler;
};

struct ubus_object_type {
	const char *name;
	const struct ubus_method *methods;
	int n_methods;
};

struct ubus_object {
	const char *name;
	struct ubus_object_type *type;
	const struct ubus_method *methods;
	int n_methods;
};

#define UBUS_METHOD_NOARG(n, h) {.name = n, .handler = h}
#define UBUS_OBJECT_TYPE(n, m) {.name = n, .methods = m, .n_methods = sizeof(m) / sizeof((m)[0])}

int ubus_connect_ctx(struct ubus_context *ctx, const char *path);
int ubus_reconnect(struct ubus_context *ctx, const char *path);
void ubus_shutdown(struct ubus_context *ctx);
int ubus_add_object(struct ubus_context *ctx, struct ubus_object *obj);
int ubus_send_reply(struct ubus_context *ctx, struct ubus_request_data *req, struct blob_attr *msg);
int ubus_invoke_async(struct ubus_context *ctx, uint32_t obj, const char *method,
	struct blob_attr *msg, struct ubus_request *req);
void ubus_handle_event(struct ubus_context *ctx);

#endif
