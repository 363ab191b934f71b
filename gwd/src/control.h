/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket: a Unix stream socket, one JSON object a line each way (docs/control.md).
 * Clients are bounded in number, in what they may send without a line end and in what they may leave
 * unread; one that goes beyond is cut off. None of them can make the daemon wait.
 */
#ifndef GWD_CONTROL_H
#define GWD_CONTROL_H

struct control;
struct daemon;

/* Binds config.control.socket. 0 or -errno (logged): -EADDRINUSE when another gwd answers there. */
int control_new(struct control **out, struct daemon *d);
/* Closes all clients and removes the socket. */
void control_free(struct control *c);

#endif
