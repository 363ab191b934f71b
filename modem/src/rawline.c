/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of data mode, both ways; who has the line is transparent.c's business.
 *
 * From the peer: the tail (tail.c) passes what cannot be the module's own words. What the owner has no
 * room for is kept, and the tty is not read meanwhile, if it loses nothing by that: the one flow has
 * the line for itself, so holding it up harms nobody.
 *
 * To the peer: one chunk of the owner at a time, confirmed when the tty took it. The module must not
 * see +++ in it: after a silence the third plus in a row follows the second at a distance that makes
 * it data, and may begin such a row itself (decision 15).
 */
#include "private.h"

#include <string.h>

#include "util/log.h"

#define LINK 0
#define PLUS_GAP MSEC(1000)	 /* NOTE 1.5.4: up to 900 ms between the characters of +++ */
#define PLUS_SILENCE MSEC(500)	 /* may be a guard time when it comes to the module */
#define PLUS_NONE 3
#define AHEAD MSEC(20)
#define KERNEL_MAX 8192		 /* bytes between write() and the wire */

static bool audience(const struct modem *m)
{
	return m->links[LINK].phase == LINK_UP;
}

/* ---- from the peer ---- */

static void keep(struct modem *m, const uint8_t *p, size_t n)
{
	struct session *s = &m->session;

	if (s->rx_at) {
		memmove(s->rx, s->rx + s->rx_at, s->rx_len);
		s->rx_at = 0;
	}
	if (n > sizeof(s->rx) - s->rx_len) {
		link_close(m, LINK, MODEM_CLOSE_DATA, false);
		return;
	}
	memcpy(s->rx + s->rx_len, p, n);
	s->rx_len += n;
}

/* How much of @n the owner takes. A line that loses what is not read is never held up. */
static size_t space(struct modem *m, size_t n)
{
	size_t room = m->config->lossless ? m->ops->rx_space(m->user, LINK) : n;

	return room < n ? room : n;
}

static void deliver(void *user, const uint8_t *p, size_t n)
{
	struct modem *m = user;

	m->rx_payload_bytes += n;
	rate_add(&m->rx_payload_rate, m->now, n);
	while (n && audience(m)) {
		size_t take = m->session.rx_len ? 0 : space(m, n);

		if (take == 0) {
			keep(m, p, n);
			return;
		}
		m->ops->data(m->user, LINK, p, take, NULL);
		p += take;
		n -= take;
	}
	m->rx_unclaimed_bytes += n;
}

void rawline_deliver(struct modem *m)
{
	struct session *s = &m->session;

	while (s->rx_len && audience(m)) {
		size_t n = space(m, s->rx_len);

		if (n == 0)
			return;
		s->rx_at += n;
		s->rx_len -= n;
		s->heard = m->now; /* what the tty kept back may follow */
		m->ops->data(m->user, LINK, s->rx + s->rx_at - n, n, NULL);
	}
	s->rx_at = s->rx_len = 0;
}

bool rawline_holds(const struct modem *m)
{
	return m->session.rx_len && audience(m);
}

bool modem_input_paused(const struct modem *m)
{
	enum session_state s = m->session.state;

	return rawline_holds(m) && s >= SESSION_DATA && s <= SESSION_ESCAPE;
}

void rawline_input(struct modem *m, const uint8_t *p, size_t n)
{
	struct session *s = &m->session;
	bool empty = s->tail.len == 0;

	s->heard = m->now;
	s->tail.moved = false;
	tail_put(&s->tail, p, n);
	if (empty || s->tail.moved)
		s->late = m->ops->unsent && m->ops->unsent(m->user) > 0;
}

/* ---- to the peer ---- */

static usec_t line_time(const struct modem *m, size_t n)
{
	return m->config->baud ? n * SEC(10) / m->config->baud : 0;
}

void rawline_wrote(struct modem *m, size_t n)
{
	struct session *s = &m->session;
	usec_t most = m->now + (m->config->opaque ? SEC(3600) : line_time(m, KERNEL_MAX));

	s->clear = (s->clear > m->now ? s->clear : m->now) + line_time(m, n);
	s->clear = usec_min(s->clear, most); /* over USB the rate says nothing */
	if (s->state != SESSION_ESCAPE && s->tail.len)
		s->late = true;
}

/* How many of the bytes to be sent can be written now without becoming an escape. */
static size_t harmless(struct modem *m, const uint8_t *p, size_t n)
{
	struct session *s = &m->session;
	usec_t silence = m->now > s->clear ? m->now - s->clear : 0;
	size_t i;

	if (silence >= (s->run == PLUS_NONE ? PLUS_SILENCE : PLUS_GAP))
		s->run = 0;
	for (i = 0; i < n; i++) {
		if (p[i] != '+')
			s->run = PLUS_NONE;
		else if (s->run == 2)
			break;
		else if (s->run < 2)
			s->run++;
	}
	return i;
}

static bool waits_for_gap(const struct modem *m)
{
	const struct session *s = &m->session;

	return m->send.state == SEND_RAW && s->run == 2 && s->tx_at < m->send.req.len &&
		m->send.payload[s->tx_at] == '+' && m->now < s->clear + PLUS_GAP;
}

/* The escape needs silence, so nothing may pile up where it cannot be seen. */
static usec_t turn_at(const struct modem *m)
{
	return m->config->opaque && m->session.clear > AHEAD ? m->session.clear - AHEAD : 0;
}

static size_t piece(const struct modem *m)
{
	size_t n = m->config->baud * (size_t)AHEAD / SEC(10);

	return !m->config->opaque || n > MODEM_SEND_MAX ? MODEM_SEND_MAX : n < 16 ? 16 : n;
}

bool rawline_written(const struct modem *m)
{
	size_t left;

	channel_output(&m->channels[0], &left);
	return left == 0;
}

bool rawline_taken(const struct modem *m)
{
	return m->send.state == SEND_RAW && m->session.tx_at == m->send.req.len &&
		rawline_written(m);
}

void rawline_pump(struct modem *m)
{
	struct session *s = &m->session;
	size_t n;

	if (!rawline_written(m) || waits_for_gap(m) || m->now < turn_at(m))
		return;
	if (m->send.state != SEND_RAW) {
		if (!send_raw_begin(m))
			return;
		s->tx_at = 0;
	}
	n = m->send.req.len - s->tx_at;
	n = harmless(m, m->send.payload + s->tx_at, n < piece(m) ? n : piece(m));
	if (n)
		channel_put(&m->channels[0], m->send.payload + s->tx_at, n);
	s->tx_at += n;
}

usec_t rawline_deadline(const struct modem *m)
{
	const struct send *send = &m->send;

	if (!rawline_written(m))
		return USEC_NEVER;
	if (waits_for_gap(m))
		return m->session.clear + PLUS_GAP;
	if (send->state != SEND_RAW && (send->state != SEND_IDLE || !send->kicked))
		return USEC_NEVER;
	return send->at > turn_at(m) ? send->at : turn_at(m);
}

void rawline_drop(struct modem *m)
{
	struct session *s = &m->session;

	s->rx_at = s->rx_len = 0;
	tail_clear(&s->tail);
	if (m->send.state == SEND_RAW)
		send_raw_end(m); /* an orphan: only the lock is released */
}

void rawline_begin(struct modem *m)
{
	struct session *s = &m->session;

	s->heard = s->clear = m->now;
	s->run = 0;
	s->tail.data = deliver;
	s->tail.user = m;
	s->tail.escaping = false;
}
