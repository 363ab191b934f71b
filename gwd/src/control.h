/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket: a Unix stream socket, one JSON object a line each way (docs/control.md).
 *
 * control.c listens and gives places; client.c is one connection; requests.c is the table of what
 * can be asked. A request is a row there, name and handler; the handler does one of these:
 *
 *   answer now      client_answer() or client_error(), once
 *   answer later    client_keep(CLIENT_WAITS), and one of the two later. Further lines of that client
 *                   are not looked at meanwhile.
 *   send events     client_keep(CLIENT_LISTENS), client_answer(), then client_event() at any time
 *   send bytes      client_keep(CLIENT_STREAMS), client_answer(), then client_write(): the connection
 *                   is a byte stream from here on. What the client says is its wish for the end, for
 *                   client_hear(), or ignored; client_end() is the end
 *
 * A connection that is kept tells its end by gone(); until then the pointer is good. Every other use
 * of a client ends with the handler. Any of the functions below may close the connection (the client
 * is gone, or does not read): gone() is then called from within, and later calls in the same handler
 * do nothing.
 *
 * Clients are bounded in number, in what they may send without a line end and in what they may leave
 * unread. None of them can make the daemon wait, or take the last places from the others: a ninth
 * connection takes the place of the one silent for longest, but never of one that is kept, and of
 * those there are six at most.
 */
#ifndef GWD_CONTROL_H
#define GWD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CLIENTS_KEPT_MAX 6 /* of eight: two places are always for who asks and goes */

struct client;
struct control;
struct daemon;
struct json_object;

/* Binds config.control.socket. 0 or -errno (logged): -EADDRINUSE when another gwd answers there. */
int control_new(struct control **out, struct daemon *d);
/* The file's group is that of the configuration again, after a reload; logged if it cannot be. */
void control_regroup(struct control *c);
/* The group that control.group names; this process' own for "". -ENOENT: there is none. */
int control_group(const char *name, gid_t *gid);
/* Closes all clients and removes the socket. */
void control_free(struct control *c);

/* ---- for handlers of requests ---- */

enum client_use {
	CLIENT_ASKS,	/* answered line by line, the usual case */
	CLIENT_WAITS,	/* for the answer of one request */
	CLIENT_LISTENS, /* to events; may still ask */
	CLIENT_STREAMS,
};

struct daemon *client_daemon(const struct client *c);

/* {"version":1,"ok":true,@name:@answer}. Takes @answer; ends CLIENT_WAITS. */
void client_answer(struct client *c, const char *name, struct json_object *answer);
/* @code is one of docs/control.md's; the text names the place and what was expected. Ends CLIENT_WAITS. */
void client_error(struct client *c, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* False: there is no place for one more (the client was told by error "busy"). @gone may not call
 * back; it is not called when an answer ended CLIENT_WAITS. */
bool client_keep(struct client *c, enum client_use use, void (*gone)(struct client *c, void *user),
	void *user);

/* Ends those of @c's table that hold a place for nothing: they went away behind their last request, or
 * are sent things and read none for ten seconds. client_keep() does so when it needs a place. */
void clients_make_room(struct client *c);

/* CLIENT_LISTENS: one line {"version":1,"event":...} as made by the caller, who keeps the object.
 * False: the client has too much unread; nothing of it was queued. */
bool client_event(struct client *c, struct json_object *event);

/* CLIENT_STREAMS: all @n bytes or, when there is no room for them, none and false. Does not allocate
 * and makes no system call: the loop writes. */
bool client_write(struct client *c, const void *p, size_t n);
/* Bytes that client_write() would take now. */
size_t client_room(const struct client *c);
/* @said is called, with the user of client_keep(), when the client says anything. */
void client_hear(struct client *c, void (*said)(struct client *c, void *user));
/* The client is closed once it has all; gone() is not called. */
void client_end(struct client *c);

#endif
