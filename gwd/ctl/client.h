/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection to gwd's control socket (docs/control.md): one JSON object a line each way.
 *
 * Nothing here prints. What fails returns an exit status (ctl.h) and leaves a sentence for people in
 * `error`; ctl_ask() below does the usual thing with both.
 *
 * gwd's answer is not trusted: a line has a greatest length, and unless `raw` is set the control
 * characters in its strings, which may be the network's or a program's, are replaced (text_clean()),
 * so that no command can forget to.
 */
#ifndef GWD_CTL_CLIENT_H
#define GWD_CTL_CLIENT_H

#include <json-c/json.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl.h"

#define CLIENT_ANSWER_MS 5000 /* gwd answers at once; a request that waits for a module says how long */
#define CLIENT_FOREVER (-1)

struct client {
	int fd;
	bool raw; /* strings as gwd sent them: for --json, and for texts of several lines */
	char *buf; /* bytes read and not yet handed out */
	size_t start, used, size;
	char code[32]; /* gwd's error code of the last answer, "" if it was none */
	char error[256];
};

/*
 * Connects to ctl->socket, or to /run/gwd/cell0.sock, or to the only socket in /run/gwd. `raw` is
 * what ctl->json is. CTL_NOT_RUNNING when nobody listens. client_close() is right after a failure, too.
 */
int client_open(struct client *c, const struct ctl *ctl);
void client_close(struct client *c);

/* Sends {"request": name, ...params}. params may be NULL; it is put in any case. */
int client_send(struct client *c, const char *name, struct json_object *params);

/*
 * The next line, the caller's to put. CTL_TIMED_OUT after timeout_ms (of silence before its end);
 * CTL_FAILED at the end of the connection, at an answer that says so, and at what is no JSON object.
 */
int client_line(struct client *c, int timeout_ms, struct json_object **line);

/* client_send(), and the object that the answer has under the request's name, the caller's to put. */
int client_ask(struct client *c, const char *name, struct json_object *params, int timeout_ms,
	struct json_object **answer);

/* Bytes behind the last line, for an answer that turns into a stream: as read(2). */
ssize_t client_read(struct client *c, void *buf, size_t size);

/* One request over a connection of its own; says on stderr what went wrong. */
int ctl_ask(const struct ctl *ctl, const char *name, struct json_object *params,
	struct json_object **answer);

/* Says c->error on stderr; returns status. */
int ctl_complain(const struct client *c, int status);

#endif
