/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 *   state    meaning                        time-out      then
 *   IDLE     the owner is asked when kicked -
 *   READY    CIPSEND to be (re)written      -             COMMAND
 *   COMMAND  in flight                      the channel's closed(SEND)
 *   CONFIRM  OK seen, +CIPSEND: awaited     20 s          closed(SEND); three in a row: ladder
 *                                           2 s: closed   released
 *   ASK      short confirm, CIPACK asked    the channel's closed(SEND)
 *   RAW      written to the line as it is   transparent.c
 *
 * One CIPSEND is outstanding per module, from its line to its "+CIPSEND: l,req,cnf"; a second one
 * would be answered Busy (AT reference 5.5). The lock outlives the link: when a link ends
 * meanwhile, the send is an orphan whose end nobody is told.
 *
 * A failed send does not take received data along. In buffer mode a link that drains goes on to
 * drain, without a word about the send: the owner sees at closed() what was not confirmed. A send
 * that says that the connection is gone (cnf -1, CIPERROR 4 or 2) begins the drain itself.
 *
 * Nothing is ever sent twice unless the module said that it did not take it: Busy before the
 * prompt, or a short confirm whose count CIPACK proves. CIPACK's sent count must be the bytes
 * confirmed before plus cnf, exactly; then what was outstanding at that moment is the size of the
 * module's buffer, and from then on modem_send_room() keeps sends below it, with CIPACK as the
 * source of what was acknowledged. It is asked only for links whose owner wanted to send and was
 * held back: nine idle links with something unacknowledged would keep the line busy for nothing.
 */
#include "private.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define PROMPT_TIMEOUT SEC(10)	 /* AT reference 5.2: at least 5 s */
#define CONFIRM_TIMEOUT SEC(20)	 /* CIPTIMEOUT's third value, 15 s, and 5 s */
#define ORPHAN_TIMEOUT SEC(2)
#define BUSY_PAUSE MSEC(300)	 /* AT reference 5.5 */
#define BUSY_LIMIT SEC(10)
#define SHORT_PAUSE MSEC(200)
#define ACK_INTERVAL MSEC(100)
#define FAILURES_MAX 3
#define WRONG_MAX 4 /* offers refused in a row before others have their turn */
#define CHUNK_SMALL 1024 /* what field drivers use where 1460 is too much */
#define CHUNK_SMALLEST 512

static void go(struct modem *m, enum send_state s, usec_t deadline)
{
	m->send.state = s;
	m->send.deadline = deadline;
}

static struct link *send_link(struct modem *m)
{
	return &m->links[m->send.req.link];
}

static bool is_tcp(const struct modem *m)
{
	return m->links[m->send.req.link].type == MODEM_LINK_TCP;
}

/* The lock is free again. */
static void release(struct modem *m)
{
	go(m, SEND_IDLE, USEC_NEVER);
	m->send.orphan = false;
	m->send.kicked = true;
}

static void finish(struct modem *m, size_t n)
{
	struct send *s = &m->send;
	bool orphan = s->orphan;

	release(m);
	if (orphan)
		return;
	if (n)
		s->failures = 0;
	m->tx_payload_bytes += n;
	rate_add(&m->tx_payload_rate, m->now, n);
	send_link(m)->sent += n;
	m->ops->sent(m->user, s->req.link, s->req.len, n);
}

/* @dead: the module says that the connection is gone. */
static void end_link(struct modem *m, enum modem_close_reason reason, bool dead)
{
	unsigned l = m->send.req.link;

	if (m->links[l].phase == LINK_DRAIN)
		return;
	if (dead && mode_holds_data(m) && m->links[l].phase == LINK_UP)
		link_drain(m, l, reason, false);
	else
		link_close(m, l, reason, false);
}

/* The stream is in doubt, or the datagram is lost; @dead: the module says that the link is, too. */
static void fail(struct modem *m, enum modem_close_reason reason, bool dead)
{
	bool orphan = m->send.orphan;

	if (!orphan && !is_tcp(m) && !dead) {
		finish(m, 0);
		return;
	}
	release(m);
	if (!orphan)
		end_link(m, reason, dead);
}

static void retry(struct modem *m, usec_t pause)
{
	m->send.at = after(m, pause);
	go(m, SEND_READY, USEC_NEVER);
}

static void short_confirm(struct modem *m)
{
	struct send *s = &m->send;

	m->short_confirms++;
	log_debug("%s: link %u: %lld of %zu bytes taken", m->config->name, s->req.link,
		(long long)s->cnf, s->req.len);
	if (is_tcp(m)) {
		go(m, SEND_ASK, USEC_NEVER);
	} else if (s->cnf == 0 && !s->retried) {
		s->retried = true;
		retry(m, BUSY_PAUSE);
	} else {
		finish(m, 0);
	}
}

/* OK and +CIPSEND: were both seen. */
static void confirmed(struct modem *m)
{
	struct send *s = &m->send;

	if (!is_tcp(m))
		literal_taken(m, LITERAL_SEND);
	if (s->orphan || s->cnf == (int64_t)s->req.len)
		finish(m, s->req.len);
	else if (s->cnf >= 0 && s->cnf < (int64_t)s->req.len)
		short_confirm(m);
	else
		fail(m, MODEM_CLOSE_SEND, s->cnf == -1);
}

/* ---- CIPSEND ---- */

static bool confirm_line(struct modem *m, const struct msg *msg)
{
	struct send *s = &m->send;

	if (msg->kind != MSG_CIPSEND)
		return false;
	if (!msg->plain || msg->count != 3 || msg->n[0] != s->req.link ||
		msg->n[1] != (int64_t)s->req.len)
		return true; /* of a send that was given up */
	if (s->state != SEND_COMMAND && s->state != SEND_CONFIRM)
		return true;
	s->confirmed = true;
	s->cnf = msg->n[2];
	if (s->state == SEND_CONFIRM)
		confirmed(m);
	return true;
}

static enum info send_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_CIPERROR || msg->kind == MSG_IP_ERROR) {
		c->error = msg->kind == MSG_CIPERROR && msg->count ? dialect_err(msg->n[0]) : 12;
		return INFO_FAILED;
	}
	if (msg->kind == MSG_CIPSEND && c->prompted)
		return confirm_line(m, msg) ? INFO_TAKEN : INFO_FOREIGN;
	return INFO_FOREIGN;
}

static void busy(struct modem *m)
{
	struct send *s = &m->send;

	if (s->busy_since == 0)
		s->busy_since = m->now;
	if (m->now - s->busy_since > BUSY_LIMIT)
		fail(m, MODEM_CLOSE_SEND, false);
	else
		retry(m, BUSY_PAUSE);
}

/* Wrong length before the prompt: nothing was taken, and this firmware's limit is lower than the
 * note's. */
static bool smaller_chunk(struct modem *m)
{
	struct send *s = &m->send;

	if (!is_tcp(m) || s->req.len <= CHUNK_SMALLEST)
		return false;
	s->chunk = s->req.len > CHUNK_SMALL ? CHUNK_SMALL : CHUNK_SMALLEST;
	log_info("%s: sends are limited to %zu bytes", m->config->name, s->chunk);
	finish(m, 0);
	return true;
}

/* Or the peer's address has to be written in another way. */
static bool send_in_another_form(struct modem *m)
{
	if (is_tcp(m) || !literal_refused(m, LITERAL_SEND, &m->send.req.to.addr))
		return false;
	retry(m, 0);
	return true;
}

static void refused(struct modem *m, const struct command *c)
{
	bool untouched = !c->prompted;

	if (m->send.orphan) {
		release(m);
		return;
	}
	/* Some firmwares say a bare ERROR where others have code 3 (AT reference 19.3). */
	if (untouched && c->error < 0 && smaller_chunk(m))
		return;
	switch (untouched ? c->error : -1) {
	case MODEM_OPEN_BUSY:
		busy(m);
		break;
	case MODEM_OPEN_NOT_SUPPORTED:
	case MODEM_OPEN_NETWORK_NOT_OPENED:
		/* A zombie; the module may name either although the network is closed. */
		m->bearer.verify = m->bearer.verify || send_link(m)->phase == LINK_UP;
		release(m);
		end_link(m, MODEM_CLOSE_LOST, true);
		break;
	case MODEM_OPEN_WRONG_PARAMETER:
		if (smaller_chunk(m) || send_in_another_form(m))
			break;
		__attribute__((fallthrough));
	default:
		log_debug("%s: link %u: send refused, error %d", m->config->name, m->send.req.link,
			c->error);
		fail(m, MODEM_CLOSE_SEND, false);
		break;
	}
}

static void unconfirmed(struct modem *m)
{
	struct send *s = &m->send;
	bool drains = send_link(m)->phase == LINK_DRAIN;

	fail(m, MODEM_CLOSE_SEND, false);
	if (drains)
		return; /* no wonder */
	if (++s->failures >= FAILURES_MAX) {
		s->failures = 0;
		recover(m, "three sends in a row without an end");
	}
}

static void send_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct send *s = &m->send;

	if (s->state != SEND_COMMAND)
		return;
	if (r == RESULT_TIMEOUT)
		unconfirmed(m);
	else if (r == RESULT_ERROR)
		refused(m, c);
	else if (s->confirmed)
		confirmed(m);
	else
		go(m, SEND_CONFIRM, after(m, send_link(m)->phase == LINK_UP ? CONFIRM_TIMEOUT :
								      ORPHAN_TIMEOUT));
}

static const struct command_type send_command = {
	.name = "AT+CIPSEND",
	.timeout = PROMPT_TIMEOUT,
	.after_payload = CONFIRM_TIMEOUT,
	.twice = true,
	.info = send_info,
	.done = send_done,
};

static void command_submit(struct modem *m, struct channel *ch)
{
	struct send *s = &m->send;
	struct command *c = channel_prepare(ch, &send_command, s->req.link);
	char text[LITERAL_LEN];

	c->payload = s->payload;
	c->len = s->req.len;
	if (is_tcp(m))
		command_printf(c, "AT+CIPSEND=%u,%zu", s->req.link, s->req.len);
	else
		command_printf(c, "AT+CIPSEND=%u,%zu,\"%s\",%u", s->req.link, s->req.len,
			literal_format(m, LITERAL_SEND, &s->req.to.addr, text), s->req.to.port);
	s->confirmed = false;
	go(m, SEND_COMMAND, USEC_NEVER);
	channel_submit(ch, m->now);
}

/* ---- CIPACK ---- */

static void short_proved(struct modem *m, uint64_t outstanding)
{
	struct send *s = &m->send;
	uint64_t limit = outstanding > MODEM_TCP_CHUNK_MAX ? outstanding : MODEM_TCP_CHUNK_MAX;

	if (limit != s->limit)
		log_info("%s: the module buffers %llu bytes to be sent", m->config->name,
			(unsigned long long)limit);
	s->limit = limit;
	finish(m, (size_t)s->cnf);
	s->at = after(m, SHORT_PAUSE);
}

static void ack_known(struct modem *m, unsigned l, uint64_t sent, uint64_t acked)
{
	struct send *s = &m->send;
	struct link *k = &m->links[l];

	if (is_transparent(m) && sent < k->sent)
		sent = k->sent; /* written to the line, but the module has not seen it */
	k->acked = acked;
	m->held[l] = false; /* the owner asks again if it still wants to send */
	k->ack_at = after(m, ACK_INTERVAL);
	if (s->state == SEND_ASK && s->req.link == l && !s->orphan) {
		if (sent == k->sent + (uint64_t)s->cnf && acked <= sent)
			short_proved(m, sent - acked);
		else
			fail(m, MODEM_CLOSE_SEND, false);
	}
	if (s->limit)
		s->kicked = true;
	if (k->ack_asked) {
		k->ack_asked = false;
		m->ops->acked(m->user, l, true, sent, acked);
	}
}

static void ack_unknown(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	k->ack_at = after(m, ACK_INTERVAL * 10);
	if (m->send.state == SEND_ASK && m->send.req.link == l && !m->send.orphan)
		fail(m, MODEM_CLOSE_SEND, false);
	if (k->ack_asked) {
		k->ack_asked = false;
		m->ops->acked(m->user, l, false, 0, 0);
	}
}

static enum info ack_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR)
		return INFO_FAILED;
	if (msg->kind != MSG_CIPACK || msg->count < 2 || msg->n[0] < 0 || msg->n[1] < 0)
		return INFO_FOREIGN;
	/* A module need not count what it takes in data mode. */
	if (is_transparent(m) && msg->n[0] == 0 && m->links[c->link].sent > 0)
		return INFO_TAKEN;
	c->error = 0;
	if (link_alive(&m->links[c->link]))
		ack_known(m, c->link, (uint64_t)msg->n[0], (uint64_t)msg->n[1]);
	return INFO_TAKEN;
}

static void ack_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)r;
	if (c->error < 0 && link_alive(&m->links[c->link]))
		ack_unknown(m, c->link);
	c->error = -1;
}

static const struct command_type ack_command = {
	.name = "AT+CIPACK",
	.timeout = SEC(9),
	.info = ack_info,
	.done = ack_done,
};

/* The learned buffer has no room for a chunk, as far as is known. */
static bool is_gated(const struct modem *m, const struct link *k)
{
	return m->send.limit && link_alive(k) && k->type == MODEM_LINK_TCP && k->sent > k->acked &&
		k->sent - k->acked + MODEM_TCP_CHUNK_MAX > m->send.limit;
}

/* When CIPACK is to be asked for a link whose bytes are held back. */
static usec_t gate_at(const struct modem *m, unsigned l)
{
	return m->held[l] && is_gated(m, &m->links[l]) ? m->links[l].ack_at : USEC_NEVER;
}

bool send_ack_submit(struct modem *m, struct channel *ch)
{
	const struct send *s = &m->send;

	if (s->state == SEND_ASK && s->orphan)
		release(m);
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		const struct link *k = &m->links[l];

		if (!link_alive(k))
			continue;
		if (!k->ack_asked && !(s->state == SEND_ASK && s->req.link == l) &&
			m->now < gate_at(m, l))
			continue;
		command_printf(channel_prepare(ch, &ack_command, l), "AT+CIPACK=%u", l);
		channel_submit(ch, m->now);
		return true;
	}
	return false;
}

/* ---- what to send ---- */

static bool send_valid(const struct modem *m, const struct modem_send *req)
{
	if (req->link >= MODEM_LINKS || m->links[req->link].phase != LINK_UP || req->len == 0)
		return false;
	if (m->links[req->link].type == MODEM_LINK_TCP)
		return req->len <= MODEM_TCP_CHUNK_MAX;
	return req->to.addr.family == m->config->ip && req->to.port &&
		req->len <= (m->config->ip == 6 ? MODEM_UDP_MAX_V6 : MODEM_UDP_MAX_V4);
}

static void note_remote(struct link *k, const struct endpoint *to)
{
	if (k->type != MODEM_LINK_UDP)
		return;
	if (k->remote.addr.family && !endpoint_equal(&k->remote, to))
		k->many = true;
	k->remote = *to;
}

/* A datagram is given back, or the owner would wait for its end; a stream keeps its bytes. */
static void reject(struct modem *m)
{
	const struct modem_send *req = &m->send.req;

	log_error("%s: link %u: a send of %zu bytes cannot be", m->config->name, req->link,
		req->len);
	if (req->link < MODEM_LINKS && m->links[req->link].type == MODEM_LINK_UDP &&
		link_alive(&m->links[req->link]))
		m->ops->sent(m->user, req->link, req->len, 0);
}

/* Asks the owner, who may be wrong about one link and right about the next; if it keeps being wrong
 * it is asked again later. */
static bool offered(struct modem *m)
{
	struct send *s = &m->send;

	for (unsigned i = 0; i < WRONG_MAX; i++) {
		s->req = (struct modem_send){.link = MODEM_LINKS};
		if (!m->ops->next_send(m->user, s->payload, &s->req)) {
			s->kicked = false;
			return false;
		}
		if (send_valid(m, &s->req))
			return true;
		reject(m);
	}
	s->at = after(m, SHORT_PAUSE);
	return false;
}

static bool fetch(struct modem *m)
{
	struct send *s = &m->send;

	if (!offered(m))
		return false;
	note_remote(send_link(m), &s->req.to);
	s->orphan = false;
	s->retried = false;
	s->busy_since = 0;
	s->at = 0;
	go(m, SEND_READY, USEC_NEVER);
	return true;
}

bool send_submit(struct modem *m, struct channel *ch)
{
	struct send *s = &m->send;

	if (s->state == SEND_READY && (s->orphan || send_link(m)->phase != LINK_UP))
		fail(m, MODEM_CLOSE_SEND, false);
	if (s->state != SEND_IDLE && s->state != SEND_READY)
		return false;
	if (m->now < s->at)
		return false;
	if (s->state == SEND_IDLE && !s->kicked)
		return false;
	if (s->state == SEND_IDLE && !fetch(m))
		return send_ack_submit(m, ch); /* maybe for want of room */
	command_submit(m, ch);
	return true;
}

bool send_urc(struct modem *m, const struct msg *msg)
{
	return confirm_line(m, msg);
}

bool send_raw_begin(struct modem *m)
{
	struct send *s = &m->send;

	if (s->state != SEND_IDLE || !s->kicked || m->now < s->at || !offered(m))
		return false;
	s->orphan = false;
	s->at = 0;
	go(m, SEND_RAW, USEC_NEVER);
	return true;
}

void send_raw_end(struct modem *m)
{
	finish(m, m->send.req.len);
}

/* The link ended; its send goes on without an audience. */
void send_link_gone(struct modem *m, unsigned l)
{
	struct send *s = &m->send;

	m->held[l] = false;
	if (s->state == SEND_IDLE || s->req.link != l)
		return;
	s->orphan = true;
	if (s->state == SEND_CONFIRM)
		s->deadline = usec_min(s->deadline, after(m, ORPHAN_TIMEOUT));
}

/* The peer closed the link; a confirmation still counts if it comes soon. */
void send_link_drains(struct modem *m, unsigned l)
{
	struct send *s = &m->send;

	if (s->state == SEND_CONFIRM && s->req.link == l)
		s->deadline = usec_min(s->deadline, after(m, ORPHAN_TIMEOUT));
}

/* The module may take the send for one to the client: what is not written yet becomes zeros, for the
 * payload is another peer's. */
bool send_called(struct modem *m, unsigned l)
{
	const struct channel *ch = &m->channels[0];

	if (ch->state == CHANNEL_IDLE || ch->cmd.link != l)
		return false;
	if (ch->cmd.type == &send_command)
		memset(m->send.payload, 0, sizeof(m->send.payload));
	return ch->cmd.type == &send_command || ch->cmd.type == &ack_command;
}

void send_reset(struct modem *m)
{
	m->send.limit = 0;
	m->send.chunk = MODEM_TCP_CHUNK_MAX;
	m->send.failures = 0;
	m->send.at = 0;
	m->send.orphan = true;
	release(m);
	m->send.kicked = false;
}

void send_run(struct modem *m)
{
	if (m->now < m->send.deadline)
		return;
	if (m->send.orphan)
		release(m);
	else
		unconfirmed(m);
}

usec_t send_deadline(const struct modem *m)
{
	const struct send *s = &m->send;
	usec_t d = s->deadline;

	if (m->bearer.state != MODEM_STATE_UP)
		return d;
	if ((s->state == SEND_READY || (s->state == SEND_IDLE && s->kicked)) && s->at > m->now)
		d = usec_min(d, s->at);
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (gate_at(m, l) > m->now)
			d = usec_min(d, gate_at(m, l));
	return d;
}

/* ---- public ---- */

void modem_kick(struct modem *m)
{
	m->send.kicked = true;
}

size_t modem_send_room(const struct modem *m, unsigned link)
{
	const struct send *s = &m->send;
	const struct link *k;
	uint64_t used;

	if (link >= MODEM_LINKS || m->links[link].phase != LINK_UP ||
		m->links[link].type != MODEM_LINK_TCP)
		return 0;
	k = &m->links[link];
	used = k->sent > k->acked ? k->sent - k->acked : 0;
	if (s->limit == 0 || used == 0 || used + s->chunk <= s->limit)
		return s->chunk;
	s->held[link] = true;
	return used < s->limit ? (size_t)(s->limit - used) : 0;
}

int modem_query_ack(struct modem *m, unsigned link)
{
	if (link >= MODEM_LINKS || m->links[link].phase != LINK_UP ||
		m->links[link].type != MODEM_LINK_TCP)
		return -EINVAL;
	m->links[link].ack_asked = true;
	return 0;
}
