/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation.
 *
 * Output: tx_clock is the moment at which the last bit of the byte before the first queued one
 * left. At any wake-up (now - tx_clock) / byte_time bytes are due; they are written in one go and
 * tx_clock advances by exactly their time. A late wake-up therefore costs nothing as long as the
 * queue did not run dry, and the average rate is that of the line. Wake-ups are planned 2 ms of
 * line time apart so that a byte is never early and seldom more than that late. When bytes are
 * queued on an idle line, tx_clock jumps to now: idle time cannot be saved up.
 *
 * Input: a byte that was read from the pty "arrives" one byte time after the one before it. It is
 * handed to the parser at that moment, with the exact time, from which the latency of a command
 * counts. While the parser is busy with a command, bytes wait here, as in the receive FIFO of a
 * module.
 *
 * The simulator keeps the slave open itself so that a host may come and go without a hang-up.
 * inotify tells how many others have it open: with none, output is lost as on a wire (knob
 * closed_tty).
 */
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "parser.h"
#include "sim.h"

#define BURST (2 * MS)
#define COALESCE (30 * MS)

static const struct {
	speed_t code;
	long baud;
} speeds[] = {
	{B300, 300}, {B600, 600}, {B1200, 1200}, {B2400, 2400}, {B4800, 4800}, {B9600, 9600},
	{B19200, 19200}, {B38400, 38400}, {B57600, 57600}, {B115200, 115200}, {B230400, 230400},
	{B460800, 460800}, {B921600, 921600}, {B3000000, 3000000}, {B4000000, 4000000},
};

static int64_t byte_ns(const struct line *l)
{
	return l->baud ? 10000 * MS / l->baud : 0;
}

long line_nominal_baud(const struct sim *sim)
{
	return sim->line.baud ? sim->line.baud : 115200;
}

/* The host set its tty to a rate we know, and it is not ours (knob baud_mismatch). */
static bool rates_differ(struct sim *sim)
{
	struct termios t;

	if (!knob_is(&sim->knobs, KNOB_BAUD_MISMATCH, "garbled") || !sim->line.baud ||
		tcgetattr(sim->line.slave, &t) < 0)
		return false;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].code == cfgetospeed(&t))
			return speeds[i].baud != sim->line.baud;
	return false;
}

static int slave_open(struct line *l)
{
	char name[64];
	struct termios t;

	if (ptsname_r(l->master, name, sizeof(name)) != 0)
		return -errno;
	l->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (l->slave < 0)
		return -errno;
	if (tcgetattr(l->slave, &t) < 0)
		return -errno;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	if (tcsetattr(l->slave, TCSANOW, &t) < 0)
		return -errno;
	l->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	l->openers = 0;
	if (l->watch < 0 || inotify_add_watch(l->watch, name, IN_OPEN | IN_CLOSE) < 0)
		l->openers = -1;
	unlink(l->path); /* a stale link of an earlier run; a real file is refused by main() */
	return symlink(name, l->path) < 0 ? -errno : 0;
}

int line_plug(struct sim *sim)
{
	struct line *l = &sim->line;
	int r;

	l->slave = l->watch = -1;
	l->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (l->master < 0)
		return -errno;
	if (grantpt(l->master) < 0 || unlockpt(l->master) < 0)
		r = -errno;
	else
		r = slave_open(l);
	if (r < 0)
		line_unplug(sim);
	return r;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void line_unplug(struct sim *sim)
{
	struct line *l = &sim->line;

	if (l->slave >= 0)
		unlink(l->path);
	close_fd(&l->slave);
	close_fd(&l->watch);
	close_fd(&l->master);
	l->in_len = 0;
	line_reset(sim);
}

void line_reset(struct sim *sim)
{
	struct line *l = &sim->line;

	l->out_position += l->out_len;
	l->out_len = 0;
	l->burst = 0;
	l->pauses = 0;
	l->stalled = false;
	l->next_baud = -1;
}

size_t line_room(const struct sim *sim)
{
	return LINE_OUT_MAX - sim->line.out_len;
}

size_t line_queued(const struct sim *sim)
{
	return sim->line.out_len;
}

bool line_write(struct sim *sim, const void *bytes, size_t n)
{
	struct line *l = &sim->line;
	const uint8_t *p = bytes;

	if (n > line_room(sim))
		return false;
	if (l->out_len == 0) {
		l->tx_clock = l->tx_clock > sim->now ? l->tx_clock : sim->now;
		l->queued_at = sim->now;
	}
	for (size_t i = 0; i < n; i++)
		l->out[(l->out_head + l->out_len + i) % LINE_OUT_MAX] = p[i];
	l->out_len += n;
	return true;
}

void line_pause(struct sim *sim, size_t offset, int64_t ns)
{
	struct line *l = &sim->line;

	if (l->pauses == LINE_PAUSES_MAX)
		return;
	l->pause[l->pauses].position = l->out_position + l->out_len + offset;
	l->pause[l->pauses++].ns = ns;
}

void line_set_baud(struct sim *sim, long baud, int64_t at)
{
	sim->line.next_baud = baud;
	sim->line.next_baud_at = at;
}

static size_t burst_bytes(const struct sim *sim)
{
	int64_t per = byte_ns(&sim->line);
	size_t n = per ? (size_t)(BURST / per) : LINE_OUT_MAX;

	return n ? n : 1;
}

/* Takes a pause that begins right here. */
static void begin_pause(struct sim *sim)
{
	struct line *l = &sim->line;

	while (l->pauses && l->pause[0].position <= l->out_position) {
		int64_t from = l->baud ? l->tx_clock : sim->now;

		l->tx_clock = l->hold_until = from + l->pause[0].ns;
		l->pauses--;
		memmove(l->pause, l->pause + 1, l->pauses * sizeof(l->pause[0]));
	}
}

/* Knob coalesce, and no burst is on its way: a burst that began leaves whole, in fragments if need
 * be. */
static bool gathers(const struct sim *sim)
{
	return knob_is(&sim->knobs, KNOB_COALESCE, "on") && !sim->line.burst;
}

/* How many queued bytes may leave now. */
static size_t bytes_due(struct sim *sim)
{
	struct line *l = &sim->line;
	size_t n = l->out_len;

	begin_pause(sim);
	if (sim->now < l->hold_until)
		return 0;
	if (l->baud && (int64_t)n > (sim->now - l->tx_clock) / byte_ns(l))
		n = sim->now > l->tx_clock ? (size_t)((sim->now - l->tx_clock) / byte_ns(l)) : 0;
	if (l->pauses && n > l->pause[0].position - l->out_position)
		n = l->pause[0].position - l->out_position;
	if (gathers(sim)) {
		if (l->out_len < LINE_OUT_MAX / 2 && sim->now < l->queued_at + COALESCE)
			return 0;
		l->burst = l->out_len;
	}
	if (l->burst && n > l->burst)
		n = l->burst;
	if (n > 1 && knob_is(&sim->knobs, KNOB_BYTE_SPLIT, "on")) {
		size_t part = 1 + prng_below(&sim->knobs.rng, 32);

		n = n < part ? n : part;
		l->hold_until = sim->now + (int64_t)(50 + prng_below(&sim->knobs.rng, 250)) * 1000;
	}
	return n;
}

/* Bytes are lost when nobody listens or (knob uart_overrun) when the host does not keep up. */
static bool line_loses(struct sim *sim)
{
	struct line *l = &sim->line;
	int unread = 0;

	if (l->openers == 0 && knob_is(&sim->knobs, KNOB_CLOSED_TTY, "discard"))
		return true;
	if (knob_num(&sim->knobs, KNOB_UART_OVERRUN) == 0)
		return false;
	return ioctl(l->slave, FIONREAD, &unread) == 0 &&
	       unread > knob_num(&sim->knobs, KNOB_UART_OVERRUN);
}

/* Knob line_noise: garbles or drops bytes in place and returns how many are left. */
static size_t add_noise(struct sim *sim, uint8_t *p, size_t n)
{
	double chance = knob_real(&sim->knobs, KNOB_LINE_NOISE);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (prng_chance(&sim->knobs.rng, chance)) {
			if (prng_chance(&sim->knobs.rng, 0.5))
				continue;
			p[i] ^= (uint8_t)(1u << prng_below(&sim->knobs.rng, 8));
		}
		p[kept++] = p[i];
	}
	return kept;
}

/* Writes n bytes at the head of the queue; returns how many are gone, 0 when the pty is full. */
static size_t put_bytes(struct sim *sim, size_t n)
{
	struct line *l = &sim->line;
	uint8_t copy[4096];
	size_t kept;
	ssize_t r;

	if (n > sizeof(copy))
		n = sizeof(copy);
	if (n > LINE_OUT_MAX - l->out_head)
		n = LINE_OUT_MAX - l->out_head;
	if (line_loses(sim)) {
		sim->journal.stats.overrun += n;
		return n;
	}
	memcpy(copy, l->out + l->out_head, n);
	kept = add_noise(sim, copy, n);
	if (rates_differ(sim))
		for (size_t i = 0; i < kept; i++)
			copy[i] = (uint8_t)((copy[i] << 1) | 0x80);
	r = kept ? write(l->master, copy, kept) : 0;
	if (r < 0 && knob_is(&sim->knobs, KNOB_UART_OVERRUN, "drop")) {
		sim->journal.stats.overrun += n;
		return n;
	}
	if (r < 0)
		return 0;
	journal_bytes(&sim->journal, sim->now, 'M', copy, (size_t)r);
	return (size_t)r == kept ? n : (size_t)r;
}

static void flush_out(struct sim *sim)
{
	struct line *l = &sim->line;
	size_t due;

	while (l->out_len && l->master >= 0 && (due = bytes_due(sim)) > 0) {
		size_t n = put_bytes(sim, due);

		l->stalled = n == 0;
		if (l->stalled) {
			l->tx_clock = sim->now;
			return;
		}
		l->out_head = (l->out_head + n) % LINE_OUT_MAX;
		l->out_len -= n;
		l->out_position += n;
		l->tx_clock += (int64_t)n * byte_ns(l);
		sim->journal.stats.wire_to_host += n;
		l->burst -= n < l->burst ? n : l->burst;
		if (!l->burst)
			l->queued_at = sim->now;
	}
	if (!l->out_len && l->next_baud >= 0 && sim->now >= l->next_baud_at) {
		l->baud = l->next_baud;
		l->next_baud = -1;
	}
}

static void read_master(struct sim *sim, int arg, short revents)
{
	struct line *l = &sim->line;
	uint8_t bytes[1024];
	size_t room = LINE_IN_MAX - l->in_len;
	ssize_t n;

	(void)arg;
	if (!(revents & POLLIN))
		return;
	n = read(l->master, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (n <= 0)
		return;
	if (l->openers == 0)
		l->openers = 1; /* who writes has it open */
	if (l->in_len == 0 && l->rx_clock < sim->now)
		l->rx_clock = sim->now;
	for (ssize_t i = 0; i < n; i++)
		l->in[(l->in_head + l->in_len++) % LINE_IN_MAX] = bytes[i];
}

static void feed_parser(struct sim *sim)
{
	struct line *l = &sim->line;
	bool garbled = l->in_len && rates_differ(sim);

	while (l->in_len && l->rx_clock + byte_ns(l) <= sim->now) {
		uint8_t byte = l->in[l->in_head];

		if (!parser_ready(sim, byte))
			return;
		l->rx_clock += byte_ns(l);
		l->in_head = (l->in_head + 1) % LINE_IN_MAX;
		l->in_len--;
		sim->journal.stats.wire_from_host++;
		journal_bytes(&sim->journal, l->rx_clock, 'H', &byte, 1);
		if (garbled)
			byte = (uint8_t)((byte << 1) | 0x80);
		parser_byte(sim, byte, l->rx_clock);
	}
}

/* Someone opened or closed the slave. */
static void count_openers(struct sim *sim, int arg, short revents)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct line *l = &sim->line;
	ssize_t n = read(l->watch, events, sizeof(events));

	(void)arg;
	(void)revents;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(events + at);

		if (e->mask & IN_OPEN)
			l->openers++;
		else if ((e->mask & IN_CLOSE) && l->openers > 0 && --l->openers == 0 &&
			 knob_is(&sim->knobs, KNOB_CLOSED_TTY, "discard"))
			tcflush(l->slave, TCIFLUSH);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

void line_watch(struct sim *sim, struct loop *loop)
{
	struct line *l = &sim->line;
	short events = 0;

	if (l->master < 0)
		return;
	if (l->openers >= 0)
		loop_watch(loop, l->watch, POLLIN, count_openers, 0);
	if (l->in_len < LINE_IN_MAX)
		events |= POLLIN;
	if (l->stalled)
		events |= POLLOUT;
	loop_watch(loop, l->master, events, read_master, 0);
}

int64_t line_deadline(struct sim *sim)
{
	struct line *l = &sim->line;
	int64_t next = NEVER, at;

	if (l->master < 0)
		return NEVER;
	if (l->out_len && !l->stalled) {
		size_t n = l->out_len < burst_bytes(sim) ? l->out_len : burst_bytes(sim);

		at = l->baud ? l->tx_clock + (int64_t)n * byte_ns(l) : l->tx_clock;
		if (at < l->hold_until)
			at = l->hold_until;
		if (gathers(sim) && at < l->queued_at + COALESCE)
			at = l->queued_at + COALESCE;
		next = at;
	} else if (l->next_baud >= 0) {
		next = l->next_baud_at;
	}
	if (l->in_len && parser_ready(sim, '\n')) {
		size_t n = l->in_len < burst_bytes(sim) ? l->in_len : burst_bytes(sim);

		at = l->rx_clock + (int64_t)n * byte_ns(l);
		next = at < next ? at : next;
	}
	return next;
}

void line_run(struct sim *sim)
{
	if (sim->line.master < 0)
		return;
	feed_parser(sim);
	flush_out(sim);
}
