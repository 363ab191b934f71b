/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Lines come in to a fixed buffer and are answered one a turn of the loop, and the next one only when
 * the answer before was taken: a burst of requests makes nobody else wait. What the socket does not
 * take at once waits in one heap buffer a client, written when the socket is writable. How much may
 * wait depends on the use of the connection: an answer may be large, because who asks reads; events
 * and bytes of a stream are dropped beyond a small bound by whoever sends them, because nobody here
 * waits for a reader.
 *
 * A client that shuts down its sending side ("nc -N") still gets all it has asked for, be it late or
 * without an end.
 */
#include "client.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port.h"
#include "requests.h"
#include "util/log.h"

#define ANSWERS_MAX (1024 * 1024) /* unread; a full flow table is about 300 kB */
#define EVENTS_MAX (64 * 1024)	  /* unread */
#define STREAM_MAX (256 * 1024)	  /* unread: two seconds of a line at 921600, both ways */
#define OUT_FIRST 4096
#define STUCK SEC(10) /* not a byte read: its place may go to another one */
#define BLAME_EVERY SEC(10)
#define PROTOCOL_VERSION 1

_Static_assert(CLIENTS_KEPT_MAX == 6, "client_keep() says so");

void clients_init(struct client *all, struct daemon *d, struct ev_loop *loop)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		all[i] = (struct client){.all = all, .d = d, .loop = loop, .fd = -1};
}

void client_close(struct client *c)
{
	void (*gone)(struct client *c, void *user) = c->use != CLIENT_ASKS ? c->gone : NULL;

	if (c->fd < 0)
		return;
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	ev_timer_stop(c->loop, &c->more);
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = c->out_len = c->out_done = c->out_size = 0;
	c->finished = false;
	c->use = CLIENT_ASKS;
	c->gone = c->said = NULL;
	if (gone)
		gone(c, c->user);
}

void client_blame(struct client *c, const char *what)
{
	usec_t now = clock_now();

	if (c->blamed && now - c->blamed < BLAME_EVERY)
		return;
	c->blamed = now;
	log_warn("control: %s", what);
}

struct daemon *client_daemon(const struct client *c)
{
	return c->d;
}

/* ---- output ---- */

static size_t unread(const struct client *c)
{
	return c->out_len - c->out_done;
}

static void compact(struct client *c)
{
	if (c->out_done == 0)
		return;
	memmove(c->out, c->out + c->out_done, unread(c));
	c->out_len -= c->out_done;
	c->out_done = 0;
}

/* Its time to read begins when there is something to read. */
static void note_pending(struct client *c)
{
	if (unread(c) == 0)
		c->active = clock_now();
	ev_io_start(c->loop, &c->writable);
}

/* Place for @n more bytes behind out_len. */
static bool reserve(struct client *c, size_t n)
{
	size_t size = c->out_size ? c->out_size : OUT_FIRST;
	char *grown;

	if (c->out_size - c->out_len >= n)
		return true;
	compact(c);
	while (size - c->out_len < n)
		size *= 2;
	if (size == c->out_size)
		return true;
	grown = realloc(c->out, size);
	if (!grown)
		return false;
	c->out = grown;
	c->out_size = size;
	return true;
}

static void append(struct client *c, const void *p, size_t n)
{
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

static bool has_line(const struct client *c)
{
	return memchr(c->in, '\n', c->in_len);
}

/* It will ask no more, and has what it asked for. */
static bool is_over(const struct client *c)
{
	return c->finished && c->use == CLIENT_ASKS && unread(c) == 0 && !has_line(c);
}

/* The next line has its turn behind everything else that is due. */
static void look_again(struct client *c)
{
	ev_timer_start(c->loop, &c->more);
}

/* All is written: who only asks needs no buffer until the next time. */
static void flushed(struct client *c)
{
	ev_io_stop(c->loop, &c->writable);
	c->out_len = c->out_done = 0;
	if (c->use == CLIENT_STREAMS)
		return;
	free(c->out);
	c->out = NULL;
	c->out_size = 0;
	if (is_over(c))
		client_close(c);
	else if (has_line(c))
		look_again(c);
}

static void flush(struct client *c)
{
	while (unread(c) > 0) {
		ssize_t n = send(c->fd, c->out + c->out_done, unread(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			ev_io_start(c->loop, &c->writable);
			return;
		}
		if (n < 0) {
			client_close(c);
			return;
		}
		c->out_done += (size_t)n;
		if (c->use != CLIENT_ASKS)
			c->active = clock_now();
	}
	flushed(c);
}

static const char *line_text(struct json_object *o, size_t *n)
{
	return json_object_to_json_string_length(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, n);
}

/* What the socket takes of a line without a buffer; errors are left to flush(). */
static size_t send_line(struct client *c, const char *text, size_t n)
{
	struct iovec iov[] = {{(void *)text, n}, {(void *)"\n", 1}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent = unread(c) ? 0 : sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent > 0 ? (size_t)sent : 0;
}

static void client_send(struct client *c, struct json_object *o)
{
	size_t n, sent;
	const char *text = line_text(o, &n);

	if (c->use == CLIENT_WAITS) {
		c->use = CLIENT_ASKS;
		c->gone = NULL;
		look_again(c);
	}
	sent = send_line(c, text, n);
	if (sent <= n) {
		if (unread(c) + n + 1 - sent > ANSWERS_MAX || !reserve(c, n + 1 - sent)) {
			client_blame(c, "a client does not read its answers; closed");
			client_close(c);
			return;
		}
		append(c, text + sent, n - sent);
		append(c, "\n", 1);
	}
	flush(c);
}

static struct json_object *envelope(bool ok)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "version", json_object_new_int(PROTOCOL_VERSION));
	json_object_object_add(o, "ok", json_object_new_boolean(ok));
	return o;
}

void client_answer(struct client *c, const char *name, struct json_object *answer)
{
	struct json_object *o = envelope(true);

	json_object_object_add(o, name, answer);
	if (c->fd >= 0)
		client_send(c, o);
	json_object_put(o);
}

static void send_error(struct client *c, const char *code, const char *text)
{
	struct json_object *o = envelope(false), *e = json_object_new_object();

	json_object_object_add(e, "code", json_object_new_string(code));
	json_object_object_add(e, "text", json_object_new_string(text));
	json_object_object_add(o, "error", e);
	if (c->fd >= 0)
		client_send(c, o);
	json_object_put(o);
}

void client_error(struct client *c, const char *code, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	send_error(c, code, n < 0 ? "out of memory" : text);
	if (n >= 0)
		free(text);
}

bool client_event(struct client *c, struct json_object *event)
{
	size_t n;
	const char *text = line_text(event, &n);

	if (c->fd < 0 || unread(c) + n + 1 > EVENTS_MAX || !reserve(c, n + 1))
		return false;
	note_pending(c);
	append(c, text, n);
	append(c, "\n", 1);
	return true;
}

size_t client_room(const struct client *c)
{
	return c->fd >= 0 && unread(c) < STREAM_MAX ? STREAM_MAX - unread(c) : 0;
}

bool client_write(struct client *c, const void *p, size_t n)
{
	if (c->fd < 0 || n > client_room(c))
		return false;
	if (c->out_size - c->out_len < n)
		compact(c);
	note_pending(c);
	append(c, p, n);
	return true;
}

/* ---- uses ---- */

static unsigned count_kept(const struct client *all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		n += all[i].fd >= 0 && all[i].use != CLIENT_ASKS;
	return n;
}

/* Its peer has closed both directions, not only that of its requests. */
static bool is_hung_up(const struct client *c)
{
	struct pollfd p = {.fd = c->fd};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

void clients_make_room(struct client *of)
{
	struct client *all = of->all;
	usec_t now = clock_now();

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &all[i];
		bool stuck = unread(c) > 0 && now - c->active > STUCK;

		if (c->fd < 0 || c->use == CLIENT_ASKS)
			continue;
		if (stuck)
			client_blame(c, "a client that does not read is closed");
		if (stuck || is_hung_up(c))
			client_close(c);
	}
}

bool client_keep(struct client *c, enum client_use use, void (*gone)(struct client *c, void *user),
	void *user)
{
	unsigned kept;

	if (c->fd < 0)
		return false;
	if (c->use != CLIENT_ASKS) {
		send_error(c, "busy", "this connection listens to events; expected another one for this");
		return false;
	}
	if (count_kept(c->all) >= CLIENTS_KEPT_MAX)
		clients_make_room(c); /* never this one: it is not kept yet */
	kept = count_kept(c->all);
	if (kept >= CLIENTS_KEPT_MAX || (use == CLIENT_STREAMS && !reserve(c, STREAM_MAX))) {
		send_error(c, "busy", "too many clients wait, listen or capture; expected at most 6");
		return false;
	}
	c->use = use;
	c->gone = gone;
	c->user = user;
	return true;
}

/* ---- input ---- */

/* Whether the next line is to be looked at now. */
static bool is_asking(const struct client *c)
{
	return unread(c) == 0 && (c->use == CLIENT_ASKS || c->use == CLIENT_LISTENS);
}

static void take_line(struct client *c)
{
	char *end = memchr(c->in, '\n', c->in_len);
	size_t used;

	if (!end || !is_asking(c))
		return;
	used = (size_t)(end - c->in) + 1;
	*end = '\0';
	request_line(c, c->in, c->steers);
	if (c->fd < 0)
		return;
	memmove(c->in, c->in + used, c->in_len - used);
	c->in_len -= used;
	if (has_line(c) && is_asking(c))
		look_again(c);
}

/* A stream's client has nothing more to ask: whatever it says, it says. */
static void take_word(struct client *c)
{
	bool said = c->in_len > 0 && c->said;

	c->in_len = 0;
	if (said)
		c->said(c, c->user);
}

static void take(struct client *c)
{
	take_line(c);
	if (c->fd < 0)
		return;
	if (c->use == CLIENT_STREAMS) {
		take_word(c);
	} else if (c->in_len == sizeof(c->in) && (has_line(c) || c->use == CLIENT_WAITS)) {
		ev_io_stop(c->loop, &c->readable); /* until there is room: on_more() */
	} else if (c->in_len == sizeof(c->in)) {
		client_blame(c, "a request that is too long; its client is closed");
		client_close(c);
	} else if (is_over(c)) {
		client_close(c);
	}
}

/* "nc -N": what it has asked for is still wanted. */
static void finish(struct client *c)
{
	c->finished = true;
	ev_io_stop(c->loop, &c->readable);
	if (is_over(c) || is_hung_up(c))
		client_close(c);
}

void client_hear(struct client *c, void (*said)(struct client *c, void *user))
{
	c->said = said;
}

void client_end(struct client *c)
{
	if (c->fd < 0)
		return;
	c->use = CLIENT_ASKS;
	c->gone = c->said = NULL;
	finish(c);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_close(c);
		return;
	}
	if (n == 0) {
		finish(c);
		return;
	}
	c->in_len += (size_t)n;
	c->active = clock_now();
	if (!ev_is_active(&c->more))
		take(c);
	else if (c->in_len == sizeof(c->in)) /* lines before this one wait for their turn */
		ev_io_stop(loop, w);
}

static void on_more(struct ev_loop *loop, ev_timer *w, int events)
{
	struct client *c = w->data;

	(void)events;
	if (!c->finished)
		ev_io_start(loop, &c->readable);
	take(c);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop, (void)events;
	flush(w->data);
}

void client_open(struct client *c, int fd, bool steers, usec_t now)
{
	c->fd = fd;
	c->steers = steers;
	c->active = now;
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&c->more, on_more, 0., 0.);
	c->readable.data = c->writable.data = c->more.data = c;
	ev_io_start(c->loop, &c->readable);
}
