/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "report.h"
#include "util/log.h"

#define CLIENTS_MAX 8
#define REQUEST_MAX 4096	    /* bytes of one line */
#define UNREAD_MAX (1024 * 1024) /* a full flow table is about 300 kB */
#define PROTOCOL_VERSION 1
#define RESUME_S 1. /* out of file descriptors: accept again then */

struct client {
	struct control *control;
	int fd; /* -1: free */
	ev_io readable, writable;
	usec_t active; /* last request, or when it came */
	char in[REQUEST_MAX];
	size_t in_len;
	char *out; /* what the socket did not take yet */
	size_t out_len, out_done;
	bool finished; /* it will ask no more; closed once it has its answers */
};

struct control {
	struct daemon *d;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	ev_io acceptable;
	ev_timer resume;
	struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *c)
{
	ev_io_stop(c->control->d->loop, &c->readable);
	ev_io_stop(c->control->d->loop, &c->writable);
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = c->out_len = c->out_done = 0;
	c->finished = false;
}

/* ---- answers ---- */

static void client_flush(struct client *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			ev_io_start(c->control->d->loop, &c->writable);
			return;
		}
		if (n < 0) {
			client_close(c);
			return;
		}
		c->out_done += (size_t)n;
	}
	ev_io_stop(c->control->d->loop, &c->writable);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_done = 0;
	if (c->finished)
		client_close(c);
}

static void client_send(struct client *c, struct json_object *answer)
{
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);
	size_t n = strlen(text);
	char *grown;

	if (c->out_len - c->out_done + n + 1 > UNREAD_MAX) {
		log_warn("control: a client does not read its answers; closed");
		client_close(c);
		return;
	}
	grown = realloc(c->out, c->out_len + n + 1);
	if (!grown) {
		client_close(c);
		return;
	}
	c->out = grown;
	memcpy(c->out + c->out_len, text, n);
	c->out[c->out_len + n] = '\n';
	c->out_len += n + 1;
	client_flush(c);
}

static struct json_object *error_answer(const char *code, const char *text)
{
	struct json_object *o = json_object_new_object(), *e = json_object_new_object();

	json_object_object_add(e, "code", json_object_new_string(code));
	json_object_object_add(e, "text", json_object_new_string(text));
	json_object_object_add(o, "version", json_object_new_int(PROTOCOL_VERSION));
	json_object_object_add(o, "ok", json_object_new_boolean(false));
	json_object_object_add(o, "error", e);
	return o;
}

static const struct {
	const char *name;
	struct json_object *(*report)(const struct daemon *d);
} requests[] = {
	{"status", report_status},
	{"flows", report_flows},
	{"links", report_links},
};

static struct json_object *answer(struct control *c, const char *line)
{
	struct json_object *request = json_tokener_parse(line), *name, *o;

	if (!request || !json_object_is_type(request, json_type_object) ||
		!json_object_object_get_ex(request, "request", &name) ||
		!json_object_is_type(name, json_type_string)) {
		json_object_put(request);
		return error_answer("bad_request",
			"expected one JSON object a line with a string \"request\"");
	}
	o = NULL;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(json_object_get_string(name), requests[i].name) != 0)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "version", json_object_new_int(PROTOCOL_VERSION));
		json_object_object_add(o, "ok", json_object_new_boolean(true));
		json_object_object_add(o, requests[i].name, requests[i].report(c->d));
	}
	json_object_put(request);
	return o ? o : error_answer("unknown_request", "expected status, flows or links");
}

/* ---- clients ---- */

static void take_lines(struct client *c)
{
	char *end;

	while (c->fd >= 0 && (end = memchr(c->in, '\n', c->in_len))) {
		size_t used = (size_t)(end - c->in) + 1;
		struct json_object *o;

		*end = '\0';
		o = answer(c->control, c->in);
		client_send(c, o);
		json_object_put(o);
		if (c->fd < 0)
			return;
		memmove(c->in, c->in + used, c->in_len - used);
		c->in_len -= used;
	}
	if (c->fd >= 0 && c->in_len == sizeof(c->in)) {
		log_warn("control: a request longer than %d bytes; closed", REQUEST_MAX);
		client_close(c);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && c->out) {
		c->finished = true; /* "nc -N": the answers are still wanted */
		ev_io_stop(loop, &c->readable);
		return;
	}
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	c->active = clock_now();
	take_lines(c);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop, (void)events;
	client_flush(w->data);
}

/* A free place, or that of the client that was silent for longest: silent ones must not shut the
 * others out. */
static struct client *client_place(struct control *control)
{
	struct client *oldest = &control->clients[0];

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &control->clients[i];

		if (c->fd < 0)
			return c;
		if (c->active < oldest->active)
			oldest = c;
	}
	log_warn("control: more than %d clients; the one silent for longest is closed", CLIENTS_MAX);
	client_close(oldest);
	return oldest;
}

static void on_resume(struct ev_loop *loop, ev_timer *w, int events)
{
	struct control *control = w->data;

	(void)events;
	ev_io_start(loop, &control->acceptable);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct control *control = w->data;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	(void)events;
	if (fd < 0) {
		/* Out of descriptors the socket stays readable: come back later instead of at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			ev_io_stop(loop, &control->acceptable);
			ev_timer_start(loop, &control->resume);
		}
		return;
	}
	c = client_place(control);
	c->fd = fd;
	c->active = clock_now();
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	c->readable.data = c->writable.data = c;
	ev_io_start(loop, &c->readable);
}

/* ---- socket ---- */

/* A socket file that nobody listens on is left from a crash; one that answers (even by "try again":
 * its queue is full) is another gwd. */
static int clear_stale(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale;

	if (fd < 0)
		return -errno;
	stale = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 && errno == ECONNREFUSED;
	close(fd);
	if (!stale)
		return -EADDRINUSE;
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

static int listen_at(struct control *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int rc;

	memcpy(sa.sun_path, c->path, sizeof(sa.sun_path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	if (lstat(c->path, &st) == 0) {
		rc = S_ISSOCK(st.st_mode) ? clear_stale(&sa) : -EEXIST;
		if (rc < 0)
			return rc;
	}
	mask = umask(0117);
	rc = bind(c->fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc < 0) {
		rc = -errno;
		c->path[0] = '\0'; /* not ours to remove */
		return rc;
	}
	return listen(c->fd, CLIENTS_MAX) < 0 ? -errno : 0;
}

/* The default's folder is made here; any other is the operator's business. */
static int choose_path(struct control *c)
{
	const struct config *config = &c->d->config;
	int n;

	if (config->control.socket[0]) {
		n = snprintf(c->path, sizeof(c->path), "%s", config->control.socket);
	} else {
		n = snprintf(c->path, sizeof(c->path), "/run/gwd/%s.sock", c->d->iface.tun.name);
		if (mkdir("/run/gwd", 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return n < (int)sizeof(c->path) ? 0 : -ENAMETOOLONG;
}

int control_new(struct control **out, struct daemon *d)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->d = d;
	c->fd = -1;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		c->clients[i].control = c;
		c->clients[i].fd = -1;
	}
	rc = choose_path(c);
	if (rc == 0)
		rc = listen_at(c);
	if (rc < 0) {
		log_error("control socket %s: %s%s", c->path, strerror(-rc),
			rc == -EADDRINUSE ? " (another gwd serves it)" : "");
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return rc;
	}
	ev_io_init(&c->acceptable, on_accept, c->fd, EV_READ);
	ev_timer_init(&c->resume, on_resume, RESUME_S, 0.);
	c->acceptable.data = c->resume.data = c;
	ev_io_start(d->loop, &c->acceptable);
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0)
			client_close(&c->clients[i]);
	ev_io_stop(c->d->loop, &c->acceptable);
	ev_timer_stop(c->d->loop, &c->resume);
	close(c->fd);
	if (c->path[0])
		unlink(c->path);
	free(c);
}
