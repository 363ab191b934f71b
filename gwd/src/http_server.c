/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A connection is read until its head can be judged, answered, and left: our half is closed, and what
 * still comes is thrown away until the client closes its own. Without that last part the kernel would
 * answer unread bytes with a reset, which takes the answer away from a client that sent too much.
 * One timer a connection, never restarted, ends all three.
 */
#include "http_server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "http.h"
#include "listen.h"

#define CLIENTS_MAX 4
#define LIMIT_S 10.
#define RESUME_S 1.	 /* out of file descriptors: accept again then */
#define LEFT_MAX 65536	 /* bytes that are thrown away at the end; what sends more is no client */

struct client {
	struct http_server *server;
	int fd; /* -1: free */
	ev_io io; /* readable or writable, what its turn is */
	ev_timer limit;
	uint64_t number; /* counts up */
	char in[HTTP_REQUEST_MAX];
	size_t in_len;
	char *out; /* NULL: not judged yet, or all sent */
	size_t out_len, out_done;
	bool leaving;
	size_t left;
};

struct http_server {
	struct ev_loop *loop;
	char where[CONFIG_TEXT_MAX];
	const char *type;
	http_page page;
	void *user;
	int fd;
	ev_io acceptable;
	ev_timer resume;
	uint64_t accepted;
	struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *c)
{
	ev_io_stop(c->server->loop, &c->io);
	ev_timer_stop(c->server->loop, &c->limit);
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = c->out_len = c->out_done = c->left = 0;
	c->leaving = false;
}

static void wait_for(struct client *c, int events)
{
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->server->loop, &c->io);
}

/* ---- answers ---- */

static void flush(struct client *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for(c, EV_WRITE);
			return;
		}
		if (n < 0) {
			client_close(c);
			return;
		}
		c->out_done += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->leaving = true;
	shutdown(c->fd, SHUT_WR);
	wait_for(c, EV_READ);
}

/* @length bytes of @body, of which HEAD is told the length only. */
static void answer_with(struct client *c, unsigned status, const char *type, const char *body,
	size_t length, bool head)
{
	char text[HTTP_HEAD_MAX];
	size_t n = http_head(text, status, type, length), with = head ? 0 : length;

	c->out = malloc(n + with);
	if (!c->out) {
		client_close(c);
		return;
	}
	memcpy(c->out, text, n);
	memcpy(c->out + n, body, with);
	c->out_len = n + with;
	flush(c);
}

static void answer(struct client *c, unsigned status, bool head)
{
	const struct http_server *s = c->server;
	size_t length = 0;
	char *page = status == 200 ? s->page(s->user, &length) : NULL;
	char text[64];

	if (status == 200 && !page)
		status = 500;
	if (page)
		answer_with(c, status, s->type, page, length, head);
	else
		answer_with(c, status, "text/plain; charset=utf-8", text,
			(size_t)snprintf(text, sizeof(text), "%s\n", http_reason(status)), head);
	free(page);
}

/* ---- connections ---- */

static void read_request(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	unsigned status;
	bool head;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	status = http_judge(c->in, c->in_len, HTTP_PATH, &head);
	if (status)
		answer(c, status, head);
}

static void throw_away(struct client *c)
{
	ssize_t n = recv(c->fd, c->in, sizeof(c->in), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->left += n > 0 ? (size_t)n : 0;
	if (n <= 0 || c->left > LEFT_MAX)
		client_close(c);
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;

	(void)loop, (void)events;
	if (c->out)
		flush(c);
	else if (c->leaving)
		throw_away(c);
	else
		read_request(c);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)events;
	client_close(w->data);
}

static struct client *client_place(struct http_server *s)
{
	struct client *oldest = &s->clients[0];

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->fd < 0)
			return c;
		if (c->number < oldest->number)
			oldest = c;
	}
	client_close(oldest);
	return oldest;
}

static void on_resume(struct ev_loop *loop, ev_timer *w, int events)
{
	struct http_server *s = w->data;

	(void)events;
	ev_io_start(loop, &s->acceptable);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct http_server *s = w->data;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	(void)events;
	if (fd < 0) {
		/* Out of descriptors the socket stays readable: come back later instead of at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			ev_io_stop(loop, &s->acceptable);
			ev_timer_start(loop, &s->resume);
		}
		return;
	}
	c = client_place(s);
	c->fd = fd;
	c->number = ++s->accepted;
	ev_now_update(loop); /* the loop may have slept for minutes */
	ev_timer_set(&c->limit, LIMIT_S, 0.);
	ev_timer_start(loop, &c->limit);
	wait_for(c, EV_READ);
}

/* ---- the server ---- */

static int listen_at(const char *where)
{
	struct endpoint at;
	int rc = config_listen_parse(&at, where);

	if (rc < 0)
		return rc;
	return at.addr.family ? listen_tcp(&at, CLIENTS_MAX) : listen_unix(where, CLIENTS_MAX);
}

int http_server_new(struct http_server **out, struct ev_loop *loop, const char *where,
	const char *type, http_page page, void *user)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	snprintf(s->where, sizeof(s->where), "%s", where);
	s->type = type;
	s->page = page;
	s->user = user;
	s->fd = listen_at(where);
	if (s->fd < 0) {
		int rc = s->fd;

		free(s);
		return rc;
	}
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		c->server = s;
		c->fd = -1;
		ev_init(&c->io, on_io);
		ev_init(&c->limit, on_limit);
		c->io.data = c->limit.data = c;
	}
	ev_io_init(&s->acceptable, on_accept, s->fd, EV_READ);
	ev_timer_init(&s->resume, on_resume, RESUME_S, 0.);
	s->acceptable.data = s->resume.data = s;
	ev_io_start(loop, &s->acceptable);
	*out = s;
	return 0;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			client_close(&s->clients[i]);
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->resume);
	close(s->fd);
	if (s->where[0] == '/')
		unlink(s->where);
	free(s);
}

const char *http_server_where(const struct http_server *s)
{
	return s->where;
}
