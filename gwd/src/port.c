/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "modem/tty.h"
#include "util/log.h"

#define RETRY_S 1. /* a USB tty is there within seconds after a module's reset */

usec_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * 1000000u + (usec_t)ts.tv_nsec / 1000u;
}

static void look_again(struct port *p)
{
	if (p->automatic)
		p->path[0] = '\0';
	ev_timer_set(&p->retry, RETRY_S, p->automatic ? 0. : RETRY_S);
	ev_timer_start(p->loop, &p->retry);
}

static void hang_up(struct port *p, const char *why)
{
	log_warn("%s: hung up (%s)", p->path, why);
	port_stop(p);
	gateway_detach(p->unit, clock_now());
	p->complained = true; /* the line above said it */
	look_again(p);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct port *p = w->data;
	uint8_t buf[8192];
	ssize_t n = read(p->fd, buf, sizeof(buf));

	(void)loop, (void)events;
	if (n > 0)
		gateway_input(p->unit, clock_now(), buf, (size_t)n);
	else if (n == 0)
		hang_up(p, "end of file");
	else if (errno != EAGAIN && errno != EINTR)
		hang_up(p, strerror(errno));
}

size_t port_unsent(const struct port *p)
{
	return p->fd >= 0 ? tty_unsent(p->fd) : 0;
}

void port_dtr(const struct port *p, bool on)
{
	if (p->fd >= 0 && tty_dtr(p->fd, on) < 0)
		log_warn("%s: DTR cannot be set (transparent.escape = plus does without)",
			p->config->modem.device);
}

/* Transparent mode: what is not read stays where it is, and stops the module (modem.h). */
static void throttle(struct port *p)
{
	bool paused = modem_input_paused(p->unit->modem);

	if (paused)
		ev_io_stop(p->loop, &p->readable);
	else if (!ev_is_active(&p->readable))
		ev_io_start(p->loop, &p->readable);
}

void port_flush(struct port *p)
{
	if (p->fd >= 0)
		throttle(p);
	while (p->fd >= 0) {
		size_t n;
		const uint8_t *out = modem_output(p->unit->modem, &n);
		ssize_t done;

		if (n == 0) {
			ev_io_stop(p->loop, &p->writable);
			return;
		}
		done = write(p->fd, out, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno != EAGAIN) {
			hang_up(p, strerror(errno));
			return;
		}
		if (done > 0)
			modem_output_done(p->unit->modem, clock_now(), (size_t)done);
		if (done < (ssize_t)n) {
			ev_io_start(p->loop, &p->writable);
			return;
		}
	}
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop, (void)events;
	port_flush(w->data);
}

static int try_open(struct port *p)
{
	const struct config *c = p->config;
	int fd = tty_open(p->path, c->modem.baud,
		c->modem.flow_control == CONFIG_FLOW_RTSCTS);

	enum tty_kind kind;

	if (fd < 0)
		return fd;
	kind = tty_kind(fd);
	p->fd = fd;
	ev_io_set(&p->readable, fd, EV_READ);
	ev_io_set(&p->writable, fd, EV_WRITE);
	ev_io_start(p->loop, &p->readable);
	ev_timer_stop(p->loop, &p->retry);
	p->complained = false;
	log_info("%s: open at %u baud", p->path, c->modem.baud);
	p->unit->modem_config.lossless =
		kind != TTY_UART || c->modem.flow_control == CONFIG_FLOW_RTSCTS;
	p->unit->modem_config.opaque = kind == TTY_VIRTUAL;
	if (c->modem.receive == CONFIG_RECEIVE_TRANSPARENT && !p->unit->modem_config.lossless)
		log_warn("%s: transparent mode without flow control: bytes can be lost unnoticed "
			"(modem.flow_control = rtscts, or USB)", p->path);
	gateway_attach(p->unit, clock_now());
	return 0;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct port *p = w->data;
	int rc;

	(void)loop, (void)events;
	if (p->automatic) {
		probe_start(&p->probe);
		return;
	}
	rc = try_open(p);
	if (rc < 0 && !p->complained) {
		log_warn("%s: %s; waiting for it", p->path, strerror(-rc));
		p->complained = true;
	}
}

static void on_found(void *user, const char *path)
{
	struct port *p = user;

	snprintf(p->path, sizeof(p->path), "%s", path);
	if (try_open(p) < 0)
		look_again(p); /* it went in this moment */
}

void port_init(struct port *p, struct ev_loop *loop, const struct config *config,
	struct unit *unit)
{
	static const struct ports_root here = {"/sys", "/dev"};

	*p = (struct port){.loop = loop, .config = config, .unit = unit, .fd = -1};
	p->automatic = strcmp(config->modem.device, "auto") == 0;
	if (!p->automatic)
		snprintf(p->path, sizeof(p->path), "%s", config->modem.device);
	probe_init(&p->probe, loop, config, &here, on_found, p);
	ev_init(&p->readable, on_readable);
	ev_init(&p->writable, on_writable);
	ev_timer_init(&p->retry, on_retry, 0., RETRY_S);
	p->readable.data = p->writable.data = p->retry.data = p;
}

void port_start(struct port *p)
{
	if (p->automatic)
		probe_start(&p->probe);
	else
		ev_timer_start(p->loop, &p->retry);
}

void port_stop(struct port *p)
{
	probe_stop(&p->probe);
	ev_io_stop(p->loop, &p->readable);
	ev_io_stop(p->loop, &p->writable);
	ev_timer_stop(p->loop, &p->retry);
	if (p->fd >= 0)
		tty_close(p->fd);
	p->fd = -1;
}
