/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listening sockets: non-blocking, closed on exec. Both return the descriptor, or -errno.
 */
#ifndef GWD_LISTEN_H
#define GWD_LISTEN_H

#include "util/addr.h"

/* A Unix stream socket at @path, mode 0660. A socket file that nobody listens on is taken away first;
 * -EADDRINUSE when somebody does, -EEXIST when the file is no socket. */
int listen_unix(const char *path, int backlog);
int listen_tcp(const struct endpoint *at, int backlog);

#endif
