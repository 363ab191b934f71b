/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A libubus that writes to the file GWD_FAKE_UBUS what the daemon says: "object NAME", "reply JSON" to the
 * "status" that is called as soon as the object is there, "event TEXT". For tests/openwrt/run.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libubus.h"

static void say(const char *what, const char *text)
{
	FILE *f = fopen(getenv("GWD_FAKE_UBUS"), "a");

	if (f) {
		fprintf(f, "%s %s\n", what, text);
		fclose(f);
	}
}

int blob_buf_init(struct blob_buf *b, int id)
{
	(void)id;
	b->head = calloc(1, sizeof(*b->head));
	return b->head ? 0 : -1;
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
	(void)name;
	return b;
}

void blobmsg_close_table(struct blob_buf *b, void *cookie)
{
	(void)b, (void)cookie;
}

int ubus_connect_ctx(struct ubus_context *ctx, const char *path)
{
	(void)path;
	memset(ctx, 0, sizeof(*ctx));
	if (!getenv("GWD_FAKE_UBUS"))
		return 1;
	ctx->sock.fd = eventfd(0, EFD_CLOEXEC);
	return ctx->sock.fd < 0;
}

int ubus_reconnect(struct ubus_context *ctx, const char *path)
{
	(void)ctx, (void)path;
	return 1;
}

void ubus_shutdown(struct ubus_context *ctx)
{
	close(ctx->sock.fd);
}

int ubus_add_object(struct ubus_context *ctx, struct ubus_object *obj)
{
	struct ubus_request_data request = {0};

	say("object", obj->name);
	return obj->methods[0].handler(ctx, obj, &request, obj->methods[0].name, NULL);
}

int ubus_send_reply(struct ubus_context *ctx, struct ubus_request_data *req, struct blob_attr *msg)
{
	(void)ctx, (void)req;
	say("reply", msg->text);
	return 0;
}

int ubus_invoke_async(struct ubus_context *ctx, uint32_t obj, const char *method,
	struct blob_attr *msg, struct ubus_request *req)
{
	(void)ctx, (void)obj, (void)method, (void)req;
	say("event", msg->text);
	return 0;
}

void ubus_handle_event(struct ubus_context *ctx)
{
	(void)ctx;
}
