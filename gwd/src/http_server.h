/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server of one page, for a scraper on this machine: GET or HEAD of /metrics, one request a
 * connection. Four connections at a time (a fifth takes the place of the oldest), 4 KiB of request,
 * ten seconds from the first packet to the last: no client can hold the daemon or another one up.
 */
#ifndef GWD_HTTP_SERVER_H
#define GWD_HTTP_SERVER_H

#include <ev.h>
#include <stddef.h>

#define HTTP_PATH "/metrics"

struct http_server;

/* The body of the page and its length, which the server frees; NULL is answered with 500. */
typedef char *(*http_page)(void *user, size_t *n);

/* Listens at @where, a value of metrics.listen. 0 or -errno, nothing is logged. */
int http_server_new(struct http_server **out, struct ev_loop *loop, const char *where,
	const char *type, http_page page, void *user);
/* Closes all connections and removes a Unix socket; NULL is fine. */
void http_server_free(struct http_server *s);
/* What it was made with. */
const char *http_server_where(const struct http_server *s);

#endif
