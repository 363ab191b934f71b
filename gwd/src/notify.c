/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each datagram tells the whole state, phase and status, because the manager takes both as the newest
 * value of a variable: a message that found its queue full needs no queue here, the next one says all.
 *
 * The socket is not connected: the manager may make its own anew (daemon-reexec) under the same name.
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"

#define AGAIN_S 0.2 /* until a full queue is tried again: a manager that starts a hundred services */

/* 0, or -errno. */
static int deliver(const struct notify *n, const char *message)
{
	ssize_t sent;

	do
		sent = sendto(n->fd, message, strlen(message), MSG_NOSIGNAL,
			(const struct sockaddr *)&n->to, n->to_len);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static bool is_busy(int rc)
{
	return rc == -EAGAIN || rc == -ENOBUFS;
}

static void tell(struct notify *n)
{
	static const char *const phases[] = {
		[NOTIFY_STARTING] = "", [NOTIFY_READY] = "READY=1\n",
		[NOTIFY_RELOADING] = "RELOADING=1\n", [NOTIFY_STOPPING] = "STOPPING=1\n",
	};
	char message[NOTIFY_TEXT_MAX + 96], began[48] = "";
	int rc;

	if (n->phase == NOTIFY_RELOADING)
		snprintf(began, sizeof(began), "MONOTONIC_USEC=%llu\n", n->reload_began);
	snprintf(message, sizeof(message), "%s%s%sSTATUS=%s\n", phases[n->phase], began,
		n->alive ? "WATCHDOG=1\n" : "", n->text);
	rc = deliver(n, message);
	if (is_busy(rc)) {
		ev_timer_again(n->loop, &n->again);
	} else {
		ev_timer_stop(n->loop, &n->again);
		n->alive = false;
	}
	if (rc < 0)
		log_debug("service manager: %s", strerror(-rc));
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)events;
	tell(w->data);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
	struct notify *n = w->data;

	(void)events;
	if (!n->sane(n->user)) {
		log_error("no sign of life for the watchdog: work is due and does not get done");
	} else if (is_busy(deliver(n, "WATCHDOG=1\n"))) {
		n->alive = true;
		ev_timer_again(loop, &n->again);
	}
}

/* A path, or "@" and an abstract name. */
static int parse_address(struct notify *n, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/' && text[0] != '@')
		return -EAFNOSUPPORT;
	if (len < 2 || len >= sizeof(n->to.sun_path))
		return -EINVAL;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, text, len);
	if (text[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
	return 0;
}

static bool parse_number(const char *text, unsigned long long *out)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* Half of what the manager asks of this very process, in seconds; 0: nothing. */
static double watchdog_interval(void)
{
	const char *whose = getenv("WATCHDOG_PID");
	unsigned long long usec, pid;

	if (!parse_number(getenv("WATCHDOG_USEC"), &usec) || usec == 0)
		return 0.;
	if (whose && (!parse_number(whose, &pid) || pid != (unsigned long long)getpid()))
		return 0.;
	return (double)usec * 1e-6 / 2.;
}

static void open_socket(struct notify *n, const char *address)
{
	int rc = parse_address(n, address);

	if (rc == 0) {
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		rc = n->fd < 0 ? -errno : 0;
	}
	if (rc < 0)
		log_warn("NOTIFY_SOCKET: expected a path or an abstract name: %s", strerror(-rc));
}

void notify_open(struct notify *n, struct ev_loop *loop, bool (*sane)(void *user), void *user)
{
	const char *address = getenv("NOTIFY_SOCKET");
	double interval = watchdog_interval();

	*n = (struct notify){.loop = loop, .fd = -1, .sane = sane, .user = user};
	ev_timer_init(&n->again, on_again, 0., AGAIN_S);
	ev_timer_init(&n->watchdog, on_watchdog, 0., interval);
	n->again.data = n->watchdog.data = n;
	if (address)
		open_socket(n, address);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

bool notify_wanted(const struct notify *n)
{
	return n->fd >= 0;
}

void notify_phase(struct notify *n, enum notify_phase phase)
{
	struct timespec now;

	if (n->fd < 0 || n->phase == NOTIFY_STOPPING)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	n->reload_began = (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
	n->phase = phase;
	tell(n);
	if (phase == NOTIFY_READY && n->watchdog.repeat > 0. && !ev_is_active(&n->watchdog))
		ev_timer_again(n->loop, &n->watchdog);
}

void notify_status(struct notify *n, const char *text)
{
	char line[NOTIFY_TEXT_MAX];

	if (n->fd < 0)
		return;
	snprintf(line, sizeof(line), "%s", text);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (strcmp(line, n->text) == 0)
		return;
	memcpy(n->text, line, sizeof(n->text));
	tell(n);
}

void notify_close(struct notify *n)
{
	if (n->fd < 0)
		return;
	ev_timer_stop(n->loop, &n->again);
	ev_timer_stop(n->loop, &n->watchdog);
	close(n->fd);
	n->fd = -1;
}
