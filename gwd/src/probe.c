/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A round asks the ports that sysfs names one after the other, the likeliest first: open, "AT" (the
 * first may only end a half-typed line, so it is asked twice), and the one on which OK comes is
 * found. A port that somebody else has is left alone; so is one that is silent, such as those for
 * diagnosis or NMEA.
 *
 *   state     left by                       time-out       then
 *   waiting   -                             3 s            the first port
 *   asking    OK: found()                   0.7 s, twice   the next port; behind the last: waiting
 *
 * A module that boots, or was left in transparent mode, does not answer on any port. The bearer knows
 * what to do about that, so after some silent rounds it gets the port that is the AT port by its
 * number, if that is known.
 */
#include "probe.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "modem/tty.h"
#include "util/log.h"

#define ROUND_S 3.
#define ANSWER_S .7
#define ASK_MAX 2
#define SILENT_ROUNDS 5 /* with the pauses: longer than a boot, AT reference 2 */

static const char question[] = "AT\r";

static void ask_next(struct probe *p);

static void hang_up(struct probe *p)
{
	ev_io_stop(p->loop, &p->readable);
	ev_timer_stop(p->loop, &p->timer);
	if (p->fd < 0)
		return;
	/* close() would wait for a port that does not take its three bytes. */
	(void)tcflush(p->fd, TCIOFLUSH);
	tty_close(p->fd);
	p->fd = -1;
}

static void set_timer(struct probe *p, double s)
{
	ev_timer_stop(p->loop, &p->timer);
	ev_timer_set(&p->timer, s, 0.);
	ev_timer_start(p->loop, &p->timer);
}

static void ask(struct probe *p)
{
	p->asked++;
	if (write(p->fd, question, sizeof(question) - 1) < 0)
		log_debug("%s: %s", p->ports.port[p->at].path, strerror(errno));
	set_timer(p, ANSWER_S);
}

static void found(struct probe *p, unsigned i)
{
	hang_up(p);
	p->rounds = 0;
	p->complained = false;
	p->busy[0] = '\0';
	p->found(p->user, p->ports.port[i].path);
}

static void round_over(struct probe *p)
{
	if (p->ports.n == 0) {
		if (!p->complained)
			log_warn("modem.device = auto: no USB port of a SIMCom module yet; "
				 "waiting");
		p->complained = true;
		p->rounds = 0;
	} else if (++p->rounds >= SILENT_ROUNDS && p->ports.port[0].known &&
		strcmp(p->busy, p->ports.port[0].path) != 0) {
		log_warn("modem.device = auto: no port answers AT; %s is the AT port by its number",
			p->ports.port[0].path);
		found(p, 0);
		return;
	}
	set_timer(p, ROUND_S);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct probe *p = w->data;
	ssize_t n = read(p->fd, p->heard + p->n, sizeof(p->heard) - p->n);

	(void)loop, (void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(p);
		p->at++;
		ask_next(p);
		return;
	}
	p->n += (size_t)n;
	if (memmem(p->heard, p->n, "\r\nOK\r\n", 6)) {
		log_info("modem.device = auto: a module answers on %s", p->ports.port[p->at].path);
		found(p, p->at);
		return;
	}
	/* What may begin an answer stays. */
	if (p->n > sizeof(p->heard) / 2) {
		memmove(p->heard, p->heard + p->n - 8, 8);
		p->n = 8;
	}
}

static void skipped(struct probe *p, const char *path, int err)
{
	if (err != -EBUSY) {
		log_debug("%s: %s", path, strerror(-err));
		return;
	}
	if (strcmp(p->busy, path) != 0)
		log_warn("modem.device = auto: %s is in use by another program; skipped", path);
	memcpy(p->busy, path, strlen(path) + 1);
}

static void ask_next(struct probe *p)
{
	const struct config *c = p->config;

	for (; p->at < p->ports.n; p->at++) {
		const char *path = p->ports.port[p->at].path;

		p->fd = tty_open(path, c->modem.baud,
			c->modem.flow_control == CONFIG_FLOW_RTSCTS);
		if (p->fd >= 0)
			break;
		skipped(p, path, p->fd);
		p->fd = -1;
	}
	if (p->at == p->ports.n) {
		round_over(p);
		return;
	}
	p->asked = 0;
	p->n = 0;
	ev_io_set(&p->readable, p->fd, EV_READ);
	ev_io_start(p->loop, &p->readable);
	ask(p);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct probe *p = w->data;

	(void)loop, (void)events;
	if (p->fd >= 0 && p->asked < ASK_MAX) {
		ask(p);
		return;
	}
	if (p->fd >= 0) {
		hang_up(p);
		p->at++;
	} else {
		ports_find(&p->root, &p->ports);
		p->at = 0;
	}
	ask_next(p);
}

void probe_init(struct probe *p, struct ev_loop *loop, const struct config *config,
	const struct ports_root *root, void (*found_cb)(void *user, const char *path), void *user)
{
	*p = (struct probe){.loop = loop, .config = config, .root = *root, .found = found_cb,
		.user = user, .fd = -1};
	ev_init(&p->readable, on_readable);
	ev_init(&p->timer, on_timer);
	p->readable.data = p->timer.data = p;
}

void probe_start(struct probe *p)
{
	set_timer(p, 0.);
}

void probe_stop(struct probe *p)
{
	hang_up(p);
}
