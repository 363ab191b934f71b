/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "field.h"
#include "format.h"

#define LINE_MAX_BYTES (8u << 20) /* eight times what gwd leaves unsent */

__attribute__((format(printf, 3, 4)))
static int fail(struct client *c, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return status;
}

/* ---- the connection ---- */

/* The path of the socket when none was given; CTL_FAILED when there is a choice. */
static int default_socket(struct client *c, char *path, size_t size)
{
	int status = CTL_OK;
	glob_t found;

	snprintf(path, size, GWD_RUN_DIR "/cell0.sock");
	if (access(path, F_OK) == 0 || glob(GWD_RUN_DIR "/*.sock", 0, NULL, &found) != 0)
		return CTL_OK;
	if (found.gl_pathc == 1)
		snprintf(path, size, "%s", found.gl_pathv[0]);
	else
		status = fail(c, CTL_FAILED, "there are %zu sockets in " GWD_RUN_DIR ": choose one with -s",
			found.gl_pathc);
	globfree(&found);
	return status;
}

static int no_connection(struct client *c, const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return fail(c, CTL_NOT_RUNNING, "%s: %s (is gwd running?)", path, strerror(error));
	case EACCES:
	case EPERM:
		return fail(c, CTL_FAILED, "%s: %s (be root, or of the socket's group)", path,
			strerror(error));
	case EAGAIN:
		return fail(c, CTL_TIMED_OUT, "%s: gwd does not take the connection", path);
	default:
		return fail(c, CTL_FAILED, "%s: %s", path, strerror(error));
	}
}

int client_open(struct client *c, const struct ctl *ctl)
{
	struct timeval limit = {.tv_sec = CLIENT_ANSWER_MS / 1000}; /* of connect() and send() */
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char path[256];
	int status;

	*c = (struct client){.fd = -1, .raw = ctl->json};
	if (ctl->socket)
		snprintf(path, sizeof(path), "%s", ctl->socket);
	else if ((status = default_socket(c, path, sizeof(path))) != CTL_OK)
		return status;
	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= (int)sizeof(sa.sun_path))
		return fail(c, CTL_USAGE, "%s: too long for the path of a socket", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return no_connection(c, path, errno);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return no_connection(c, path, errno);
	return CTL_OK;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	c->buf = NULL;
	c->fd = -1;
}

/* ---- bytes ---- */

static int send_all(struct client *c, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(c->fd, data, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return fail(c, errno == EAGAIN ? CTL_TIMED_OUT : CTL_FAILED, "sending to gwd: %s",
				strerror(errno));
		data += sent;
		n -= (size_t)sent;
	}
	return CTL_OK;
}

/* Room for more behind what is there, at most a line's. */
static int make_room(struct client *c)
{
	size_t size = c->size ? c->size * 2 : 4096;
	char *bigger;

	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, c->used);
		c->start = 0;
	}
	if (c->used < c->size)
		return CTL_OK;
	if (size > LINE_MAX_BYTES)
		return fail(c, CTL_FAILED, "gwd's answer has no end");
	bigger = realloc(c->buf, size);
	if (!bigger)
		return fail(c, CTL_FAILED, "no memory for gwd's answer");
	c->buf = bigger;
	c->size = size;
	return CTL_OK;
}

static int wait_readable(struct client *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return fail(c, CTL_TIMED_OUT, "gwd did not answer in time");
	return n > 0 ? CTL_OK : fail(c, CTL_FAILED, "waiting for gwd: %s", strerror(errno));
}

static int read_more(struct client *c, int timeout_ms)
{
	int status = make_room(c);
	ssize_t n;

	if (status == CTL_OK)
		status = wait_readable(c, timeout_ms);
	if (status != CTL_OK)
		return status;
	n = read(c->fd, c->buf + c->used, c->size - c->used);
	if (n < 0)
		return fail(c, CTL_FAILED, "reading from gwd: %s", strerror(errno));
	if (n == 0)
		return fail(c, CTL_FAILED, "gwd closed the connection");
	c->used += (size_t)n;
	return CTL_OK;
}

ssize_t client_read(struct client *c, void *buf, size_t size)
{
	size_t n = size < c->used ? size : c->used;

	if (n == 0)
		return read(c->fd, buf, size);
	memcpy(buf, c->buf + c->start, n);
	c->start += n;
	c->used -= n;
	return (ssize_t)n;
}

/* ---- requests and answers ---- */

int client_send(struct client *c, const char *name, struct json_object *params)
{
	struct json_object *request = params ? params : json_object_new_object();
	const char *text;
	int status;

	json_object_object_add(request, "request", json_object_new_string(name));
	text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	status = send_all(c, text, strlen(text));
	if (status == CTL_OK)
		status = send_all(c, "\n", 1);
	json_object_put(request);
	return status;
}

static struct json_object *parse(const char *text, size_t n)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o = json_tokener_parse_ex(tok, text, (int)n);

	json_tokener_free(tok);
	if (o && !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}

/* Of an answer that says no, its code and text are kept. */
static int judge(struct client *c, struct json_object *line)
{
	struct json_object *error = field(line, "error");
	bool late;

	if (!error || field_has(line, "event"))
		return CTL_OK;
	snprintf(c->code, sizeof(c->code), "%s", field_text(error, "code", ""));
	late = strcmp(c->code, "timeout") == 0;
	fail(c, 0, "%s", field_text(error, "text", "gwd refused the request"));
	text_clean(c->error);
	return late ? CTL_TIMED_OUT : CTL_FAILED;
}

int client_line(struct client *c, int timeout_ms, struct json_object **line)
{
	int status = CTL_OK;
	char *end = NULL;
	size_t n;

	c->code[0] = '\0';
	while (!(c->used && (end = memchr(c->buf + c->start, '\n', c->used))))
		if ((status = read_more(c, timeout_ms)) != CTL_OK)
			return status;
	n = (size_t)(end - (c->buf + c->start));
	*line = parse(c->buf + c->start, n);
	c->start += n + 1;
	c->used -= n + 1;
	if (!*line)
		return fail(c, CTL_FAILED, "cannot read gwd's answer");
	status = judge(c, *line);
	if (status != CTL_OK)
		json_object_put(*line);
	else if (!c->raw)
		field_clean(*line);
	return status;
}

int client_ask(struct client *c, const char *name, struct json_object *params, int timeout_ms,
	struct json_object **answer)
{
	struct json_object *line;
	int status = client_send(c, name, params);

	if (status == CTL_OK)
		status = client_line(c, timeout_ms, &line);
	if (status != CTL_OK)
		return status;
	*answer = json_object_get(field(line, name));
	json_object_put(line);
	return *answer ? CTL_OK : fail(c, CTL_FAILED, "gwd's answer has no \"%s\"", name);
}

int ctl_complain(const struct client *c, int status)
{
	fprintf(stderr, "gwctl: %s\n", c->error);
	return status;
}

int ctl_ask(const struct ctl *ctl, const char *name, struct json_object *params,
	struct json_object **answer)
{
	struct client c;
	int status = client_open(&c, ctl);

	if (status == CTL_OK)
		status = client_ask(&c, name, params, CLIENT_ANSWER_MS, answer);
	else
		json_object_put(params);
	if (status != CTL_OK)
		ctl_complain(&c, status);
	client_close(&c);
	return status;
}
