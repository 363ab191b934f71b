/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received data: direct push, buffer mode, CIPRXGET (a76xx-at 6 and 7).
 *
 * Push reads a socket only while little waits for the line, so that the line never idles while
 * there is data, and yet a peer that is faster than the line meets a closed TCP window. In buffer
 * mode the bound is rx_buffer_bytes. Header and payload of a piece are queued in one go: nothing
 * can come between them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define DATAGRAM_MAX 2048
#define HEADER_MAX 160
#define READ_DEFAULT 1500
#define HEX_MAX 750

static timer_fn notify_again, announce_all;

/* Push goes on while less than this waits for the line: two pieces, and 20 ms of a fast line. */
static size_t push_limit(const struct sim *sim)
{
	size_t pieces = 2 * 1500, time = (size_t)sim->line.baud / 10 / 50;

	return time > pieces ? time : pieces;
}

static bool session_link(const struct sim *sim, int l)
{
	return l == 0 && sim->online.session;
}

/* Data of this link goes to the line as it comes: push mode, or the transparent session. */
static bool pushes(const struct sim *sim, int l)
{
	if (session_link(sim, l))
		return sim->parser.mode == MODE_ONLINE ||
		       knob_is(&sim->knobs, KNOB_DATA_WHILE_ESCAPED, "pushed");
	return sim->module.rxget == 0;
}

static size_t rx_room(const struct sim *sim, int l)
{
	size_t limit = (size_t)knob_num(&sim->knobs, KNOB_RX_BUFFER);

	return sim->link[l].rx_len < limit ? limit - sim->link[l].rx_len : 0;
}

/* Unread buffer-mode data goes first (knob buffer_to_push=pushed). */
static bool strands(const struct sim *sim, int l)
{
	return sim->link[l].rx_len && sim->module.rxget == 0 &&
	       knob_is(&sim->knobs, KNOB_BUFFER_TO_PUSH, "pushed");
}

static bool line_takes(const struct sim *sim)
{
	return line_queued(sim) < push_limit(sim) && sim->parser.mode != MODE_BOOT &&
	       !(knob_is(&sim->knobs, KNOB_PUSH_BETWEEN, "never") && send_unconfirmed(sim));
}

/* Apart from times: would a byte of this link find a place? */
static bool has_place(const struct sim *sim, int l)
{
	const struct link *k = &sim->link[l];

	if (k->state != LINK_OPEN || k->half_closed)
		return false;
	if (!session_link(sim, l) && sim->parser.mode == MODE_ONLINE)
		return false;
	if (pushes(sim, l))
		return line_takes(sim) && !strands(sim, l);
	return !session_link(sim, l) && (k->udp || rx_room(sim, l));
}

bool receive_wanted(struct sim *sim, int l)
{
	return has_place(sim, l) && sim->link[l].ready_at <= sim->now &&
	       sim->send.downlink_clock <= sim->now;
}

int64_t receive_deadline(const struct sim *sim, int l)
{
	int64_t at = sim->link[l].ready_at;

	if (!has_place(sim, l))
		return NEVER;
	if (sim->send.downlink_clock > at)
		at = sim->send.downlink_clock;
	return at > sim->now ? at : NEVER;
}

/* The header matrix of a76xx-at 6.1; returns its length. */
static size_t push_header(const struct sim *sim, int l, const union address *from, size_t n,
	char *out)
{
	const struct knobs *k = &sim->knobs;
	const struct module *m = &sim->module;
	bool type1 = m->ccfg[CCFG_HEADER_TYPE];
	bool length = m->ciphead || (type1 && knob_is(k, KNOB_PUSH_HEADER_MATRIX, "ciphead1"));
	const char *colon = knob_is(k, KNOB_PUSH_COLON, "yes") ? ":" : "";
	char peer[80];
	size_t used = 0;

	out[0] = '\0';
	if ((length || m->cipsrip) && knob_is(k, KNOB_PUSH_LEADING_CRLF, "yes"))
		used += (size_t)snprintf(out, HEADER_MAX, "\r\n");
	address_print_full(from, peer, sizeof(peer));
	if (m->cipsrip)
		used += (size_t)snprintf(out + used, HEADER_MAX - used, "RECV FROM:%s\r\n", peer);
	if (length && type1)
		used += (size_t)snprintf(out + used, HEADER_MAX - used, "+RECEIVE,%d,%zu%s\r\n", l,
			n, colon);
	else if (length)
		used += (size_t)snprintf(out + used, HEADER_MAX - used, "+IPD%zu%s\r\n", n, colon);
	return used;
}

/* Knob mid_payload_pause: a silence after a random byte of n that begin at offset from here. */
static void pause_somewhere(struct sim *sim, size_t offset, size_t n)
{
	long ms = knob_num(&sim->knobs, KNOB_MID_PAYLOAD_PAUSE);

	if (ms && n > 1)
		line_pause(sim, offset + 1 + prng_below(&sim->knobs.rng, n - 1), ms * MS);
}

static void push(struct sim *sim, int l, const union address *from, const uint8_t *p, size_t n)
{
	uint8_t piece[HEADER_MAX + DATAGRAM_MAX + 2];
	char header[HEADER_MAX];
	size_t used = 0;

	if (!session_link(sim, l) || sim->parser.mode != MODE_ONLINE)
		used = push_header(sim, l, from, n, header);
	memcpy(piece, header, used);
	memcpy(piece + used, p, n);
	pause_somewhere(sim, used, n);
	used += n;
	if (used > n && knob_is(&sim->knobs, KNOB_PUSH_TRAILING_CRLF, "yes")) {
		memcpy(piece + used, "\r\n", 2);
		used += 2;
	}
	sim->journal.stats.pushes++;
	sim->journal.stats.data_to_host += n;
	line_write(sim, piece, used);
}

static void notify_line(struct sim *sim, int l)
{
	if (knob_is(&sim->knobs, KNOB_RX_NOTIFY_FORM, "receive"))
		urc(sim, "+RECEIVE,%d,%zu", l, sim->link[l].rx_len);
	else
		urc(sim, "+CIPRXGET: 1,%d", l);
}

static void notify_again(struct sim *sim, int l, unsigned gen)
{
	struct link *k = &sim->link[l];
	long period = knob_num(&sim->knobs, KNOB_RX_NOTIFY);

	if (!knob_is(&sim->knobs, KNOB_RX_NOTIFY, "periodic") || k->gen != gen || !k->rx_len ||
		!k->announced)
		return;
	notify_line(sim, l);
	timer_set(&sim->timers, sim->now + period * MS, notify_again, l, gen);
}

/* Data arrived in buffer mode: knob rx_notify (a76xx-at 7.2). */
static void notify(struct sim *sim, int l)
{
	const struct knobs *n = &sim->knobs;
	struct link *k = &sim->link[l];
	bool first = !k->announced;

	k->announced = true;
	if (knob_is(n, KNOB_RX_NOTIFY, "every")) {
		notify_line(sim, l);
	} else if (first && knob_is(n, KNOB_RX_NOTIFY, "lossy")) {
		if (!prng_chance(&sim->knobs.rng, knob_real(n, KNOB_RX_NOTIFY)))
			notify_line(sim, l);
	} else if (first && knob_is(n, KNOB_RX_NOTIFY, "periodic")) {
		notify_again(sim, l, k->gen);
	} else if (first) {
		notify_line(sim, l);
	}
}

static void store(struct sim *sim, int l, const union address *from, const uint8_t *p, size_t n)
{
	struct link *k = &sim->link[l];
	unsigned at = (k->dgram_head + k->dgrams) % DGRAMS_MAX;

	if (k->udp && (n > rx_room(sim, l) || k->dgrams == DGRAMS_MAX || n == 0)) {
		sim->journal.stats.dropped += n; /* a76xx-at 7.4: a datagram that does not fit */
		return;
	}
	if (k->udp) {
		k->dgram[at].len = (uint16_t)n;
		k->dgram[at].from = *from;
		k->dgrams++;
	}
	for (size_t i = 0; i < n; i++)
		k->rx[(k->rx_head + k->rx_len + i) % LINK_BUFFER_MAX] = p[i];
	k->rx_len += n;
	notify(sim, l);
}

static void spend_downlink(struct sim *sim, size_t n)
{
	long bps = knob_num(&sim->knobs, KNOB_DOWNLINK);
	int64_t *clock = &sim->send.downlink_clock;

	if (!bps)
		return;
	if (*clock < sim->now)
		*clock = sim->now;
	*clock += (int64_t)n * 8000 * MS / bps;
}

/* The first data after a pause waits for rtt_ms and CIPCCFG's DelayTm. */
static bool hold_first(struct sim *sim, struct link *k)
{
	long ms = knob_num(&sim->knobs, KNOB_RTT) + sim->module.ccfg[CCFG_DELAY];

	if (k->flowing || !ms)
		return false;
	k->flowing = true;
	k->ready_at = sim->now + ms * MS;
	return true;
}

static size_t piece_size(struct sim *sim, int l)
{
	size_t max = (size_t)knob_num(&sim->knobs, KNOB_PUSH_CHUNK_MAX);

	if (sim->link[l].udp)
		return DATAGRAM_MAX;
	if (!pushes(sim, l))
		return rx_room(sim, l) < 1460 ? rx_room(sim, l) : 1460;
	return max;
}

void receive_event(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	union address from = {0};
	socklen_t len = sizeof(from);
	uint8_t bytes[DATAGRAM_MAX];
	size_t size = piece_size(sim, l);
	ssize_t n;

	if (!receive_wanted(sim, l) || hold_first(sim, k))
		return;
	n = recvfrom(k->fd, bytes, size, MSG_DONTWAIT, &from.sa, &len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		k->flowing = false;
		return;
	}
	if (n < 0 && k->udp)
		return;
	if (n <= 0 && !k->udp) {
		link_remote_closed(sim, l, 1);
		return;
	}
	k->flowing = (size_t)n == size;
	if (k->udp && prng_chance(&sim->knobs.rng, knob_real(&sim->knobs, KNOB_LOSS)))
		return;
	if (!k->udp)
		from = k->peer;
	k->received += (uint64_t)n;
	spend_downlink(sim, (size_t)n);
	if (pushes(sim, l))
		push(sim, l, &from, bytes, (size_t)n);
	else
		store(sim, l, &from, bytes, (size_t)n);
}

void receive_now(struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++)
		if (receive_wanted(sim, l))
			receive_event(sim, l);
}

/* Takes n bytes out of the buffer and the datagrams they were. */
static void take(struct link *k, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = k->rx[(k->rx_head + i) % LINK_BUFFER_MAX];
	k->rx_head = (k->rx_head + n) % LINK_BUFFER_MAX;
	k->rx_len -= n;
	while (n && k->dgrams) {
		uint16_t *len = &k->dgram[k->dgram_head].len;

		if (*len > n) {
			*len = (uint16_t)(*len - n);
			n = 0;
		} else {
			n -= *len;
			k->dgram_head = (k->dgram_head + 1) % DGRAMS_MAX;
			k->dgrams--;
		}
	}
	if (!k->rx_len)
		k->announced = false;
}

void receive_run(struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++) {
		struct link *k = &sim->link[l];
		uint8_t bytes[1460];
		size_t n = k->rx_len < sizeof(bytes) ? k->rx_len : sizeof(bytes);
		union address from = k->udp && k->dgrams ? k->dgram[k->dgram_head].from : k->peer;

		if (!strands(sim, l) || !line_takes(sim) || sim->parser.mode == MODE_ONLINE)
			continue;
		take(k, bytes, n);
		push(sim, l, &from, bytes, n);
	}
}

static void write_hex(struct sim *sim, const uint8_t *p, size_t n)
{
	bool upper = knob_is(&sim->knobs, KNOB_HEX_CASE, "upper");
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[2 * HEX_MAX];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	line_write(sim, text, 2 * n);
}

static enum result empty_read(struct sim *sim, long mode, long l)
{
	if (knob_is(&sim->knobs, KNOB_RX_EMPTY_READ, "error"))
		return RESULT_ERROR;
	if (knob_is(&sim->knobs, KNOB_RX_EMPTY_READ, "no_data"))
		return ip_error(sim, 22);
	say(sim, "+CIPRXGET: %ld,%ld,0,0", mode, l);
	return RESULT_OK;
}

/* Modes 2 and 3. Boundaries of datagrams: knob udp_boundaries (a76xx-at 7.3). */
static enum result read_data(struct sim *sim, long mode, long l, size_t max)
{
	struct link *k = &sim->link[l];
	const struct knobs *n = &sim->knobs;
	union address from = k->dgram[k->dgram_head].from;
	bool datagrams = k->dgrams && !knob_is(n, KNOB_UDP_BOUNDARIES, "merged");
	size_t first = datagrams ? k->dgram[k->dgram_head].len : k->rx_len;
	size_t count = first < max ? first : max;
	uint8_t bytes[READ_DEFAULT], rest[DATAGRAM_MAX];
	char source[80], text[100] = "";

	if (!k->rx_len)
		return empty_read(sim, mode, l);
	if (k->dgrams && knob_is(n, KNOB_UDP_SOURCE, "appended")) {
		address_print_full(&from, source, sizeof(source));
		snprintf(text, sizeof(text), ",%s", source);
	}
	take(k, bytes, count);
	if (datagrams && knob_is(n, KNOB_UDP_BOUNDARIES, "truncate"))
		take(k, rest, first - count);
	say(sim, "+CIPRXGET: %ld,%ld,%zu,%zu%s", mode, l, count, k->rx_len, text);
	pause_somewhere(sim, 0, count);
	if (mode == 3)
		write_hex(sim, bytes, count);
	else
		line_write(sim, bytes, count);
	if (knob_is(n, KNOB_RX_TAIL, "crlf_crlf"))
		line_write(sim, "\r\n", 2);
	sim->journal.stats.reads++;
	sim->journal.stats.data_to_host += count;
	return RESULT_OK;
}

/* Mode 1 was set: what lies there unread is news again, unless newer data announced it already. */
static void announce_all(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	for (int l = 0; l < LINKS_MAX; l++)
		if (sim->link[l].rx_len && !sim->link[l].announced)
			notify(sim, l);
}

static bool any_open(const struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++)
		if (sim->link[l].state == LINK_OPEN)
			return true;
	return false;
}

static enum result set_mode(struct sim *sim, long mode)
{
	bool changed = sim->module.rxget != mode;

	if (changed && any_open(sim) && knob_is(&sim->knobs, KNOB_RXGET_SWITCH, "refused"))
		return RESULT_ERROR;
	sim->module.rxget = (int)mode;
	if (mode != 1 || !changed)
		return RESULT_OK;
	for (int l = 0; l < LINKS_MAX; l++)
		sim->link[l].announced = false;
	timer_set(&sim->timers, sim->now, announce_all, 0, 0); /* after the OK */
	return RESULT_OK;
}

enum result cmd_ciprxget(struct sim *sim, const struct call *call)
{
	long mode, l, max;

	if (call->form == FORM_READ) {
		say(sim, "+CIPRXGET: %d", sim->module.rxget);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 4, &mode))
		return ip_error(sim, 12);
	if (mode < 2)
		return set_mode(sim, mode);
	if (!sim->module.rxget && knob_is(&sim->knobs, KNOB_MODES234, "error"))
		return RESULT_ERROR;
	if (!arg_int(call, 1, 0, knob_num(&sim->knobs, KNOB_LINKS) - 1, &l))
		return ip_error(sim, 9);
	if (mode == 4) {
		say(sim, "+CIPRXGET: 4,%ld,%zu", l, sim->link[l].rx_len);
		return RESULT_OK;
	}
	max = mode == 3 ? HEX_MAX : READ_DEFAULT;
	if (arg_given(call, 2) && !arg_int(call, 2, 1, max, &max))
		return ip_error(sim, 12);
	return read_data(sim, mode, l, (size_t)max);
}
