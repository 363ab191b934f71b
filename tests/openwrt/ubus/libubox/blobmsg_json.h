/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for libubox, which Debian has not: what gwd/src/ubus.c uses of it. A message is text. */
#ifndef FAKE_BLOBMSG_JSON_H
#define FAKE_BLOBMSG_JSON_H

#include <json-c/json.h>
#include <stdbool.h>

struct blob_attr {
	char text[65536];
};

struct blob_buf {
	struct blob_attr *head;
};

int blob_buf_init(struct blob_buf *b, int id);
void blob_buf_free(struct blob_buf *b);
bool blobmsg_add_object(struct blob_buf *b, struct json_object *o);
int blobmsg_add_string(struct blob_buf *b, const char *name, const char *string);
void *blobmsg_open_table(struct blob_buf *b, const char *name);
void blobmsg_close_table(struct blob_buf *b, void *cookie);

#endif
