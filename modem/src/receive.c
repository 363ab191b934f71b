/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Push: a header says link and count, the payload follows. TCP payload goes to the owner as it
 * comes; a datagram is collected and handed over whole with the source that RECV FROM named. RECV
 * FROM also is a cross-check: payload for a TCP link whose remote is another one is not believed.
 *
 * Buffer mode is read.c; which of the two is in force, and the way from one to the other, is mode.c.
 *
 * Loss: no checksum protects the line, so what can be known must be used. Half a line end behind a
 * payload, silence inside it, a damaged header, a source without a header, text that no module
 * says, or an answer that never came while payload did: each means that bytes were lost. If the
 * rest makes sense only the links it can have been are reset (MODEM_CLOSE_DATA). If it does not,
 * nobody knows what was lost: all TCP links are reset, the line is ignored until it is quiet
 * (leaked payload must not be obeyed), and NETOPEN? is asked because a reboot looks the same. What
 * cannot be seen is a lost run that is exactly as long as whole lines behind it, or garbled bytes
 * inside payload; RTS/CTS is the cure for both.
 */
#include "private.h"

#include <string.h>

#include "util/log.h"

#define SILENCE SEC(10)

/* ---- attribution ---- */

static bool from_matches(const struct modem *m, const struct link *k)
{
	return k->type == MODEM_LINK_UDP || !m->rx.from_valid ||
		endpoint_equal(&k->remote, &m->rx.from);
}

void receive_lost(struct modem *m, unsigned l)
{
	if (m->links[l].type == MODEM_LINK_TCP)
		link_close(m, l, MODEM_CLOSE_DATA, false);
}

static void close_tcp(struct modem *m, bool only_matching)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (link_alive(&m->links[l]) && (!only_matching || from_matches(m, &m->links[l])))
			receive_lost(m, l);
}

/* A header without a link although HeaderType 1 was accepted (decision 4): the one link whose
 * remote it names, else nobody. */
static int attribute(struct modem *m)
{
	int found = -1;
	unsigned n = 0;

	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		if (!link_alive(&m->links[l]) || !from_matches(m, &m->links[l]))
			continue;
		found = (int)l;
		n++;
	}
	if (n == 1)
		return found;
	if (n > 1) {
		log_warn("%s: a header names no link and %u could be meant; using buffer mode",
			m->config->name, n);
		close_tcp(m, true);
		mode_needs_buffer(m);
	}
	return -1;
}

/* By what is pushed now: the module still holds what came before it. */
static bool is_overtaken(const struct modem *m, const struct link *k)
{
	return k->type == MODEM_LINK_TCP && (k->rx_stranded || (mode_returns(m) && k->rx_hint));
}

static int named_link(struct modem *m, int l)
{
	struct link *k;

	if (l >= MODEM_LINKS)
		return -1;
	k = &m->links[l];
	if (k->phase == LINK_OPEN_SENT || k->phase == LINK_IDLE)
		k->tainted = true;
	if (servers_wanted(m))
		link_stray(m, (unsigned)l); /* was +CLIENT lost? what it sent is */
	if (!link_alive(k))
		return -1;
	if (is_overtaken(m, k)) {
		log_warn("%s: link %d: pushed past what the module still holds", m->config->name, l);
		receive_lost(m, (unsigned)l);
		return -1;
	}
	if (is_transparent(m) && (m->session.rx_len || m->session.tail.len)) {
		receive_lost(m, (unsigned)l); /* what came before it is still held back */
		return -1;
	}
	if (from_matches(m, k))
		return l;
	log_warn("%s: link %d: payload from another remote than its own", m->config->name, l);
	receive_lost(m, (unsigned)l);
	close_tcp(m, true);
	m->bearer.verify = true;
	return -1;
}

/* The joint form of HeaderType 1 and CIPSRIP 1 is inferred, not known (decision 4). A peer could
 * begin its payload with such a line, so the place is settled by the first header of a boot and not
 * asked again. */
static void learn_place(struct modem *m, struct channel *ch)
{
	struct receive *r = &m->rx;

	if (r->from_valid && r->place != SOURCE_AFTER)
		r->place = SOURCE_BEFORE;
	if (!r->from_valid && (r->place == SOURCE_UNKNOWN || r->place == SOURCE_AFTER))
		lexer_peek(&ch->lexer, dialect_source_prefix);
}

void receive_peeked(struct modem *m, bool found)
{
	if (m->rx.place == SOURCE_UNKNOWN)
		m->rx.place = found ? SOURCE_AFTER : SOURCE_NONE;
}

/* ---- payload ---- */

void receive_begin(struct modem *m, struct channel *ch, const struct lexer_header *h)
{
	struct receive *r = &m->rx;
	bool is_read = h->kind == HEADER_READ || h->kind == HEADER_READ_HEX;

	if ((h->kind == HEADER_PUSH || h->kind == HEADER_PUSH_ANON) && !h->lead && !r->from_valid)
		ch->lexer.bare = true;
	if (h->kind == HEADER_PUSH)
		learn_place(m, ch);
	r->read = is_read && read_is_ours(m, ch, h);
	if (r->read)
		r->link = h->link;
	else if (h->kind == HEADER_PUSH)
		r->link = named_link(m, h->link);
	else
		r->link = h->kind == HEADER_PUSH_ANON ? attribute(m) : -1;
	if (is_read && !r->read && h->link < MODEM_LINKS)
		receive_lost(m, (unsigned)h->link); /* taken from the module, and nobody's any more */
	r->doubt = false;
	r->hex = h->hex;
	r->nibble = -1;
	r->rest = h->rest;
	r->len = 0;
	r->oversize = (h->hex ? h->len / 2 : h->len) > sizeof(r->datagram);
	r->deadline = after(m, SILENCE);
}

static bool collects(const struct modem *m)
{
	return m->rx.link >= 0 && m->links[m->rx.link].type == MODEM_LINK_UDP;
}

static void take(struct modem *m, const uint8_t *p, size_t n)
{
	struct receive *r = &m->rx;

	if (r->link < 0 || !link_alive(&m->links[r->link])) {
		m->rx_unclaimed_bytes += n;
		return;
	}
	m->rx_payload_bytes += n;
	rate_add(&m->rx_payload_rate, m->now, n);
	if (!collects(m)) {
		m->links[r->link].received += n;
		m->ops->data(m->user, (unsigned)r->link, p, n, NULL);
	} else if (!r->oversize) {
		memcpy(r->datagram + r->len, p, n);
		r->len += n;
	}
}

static void take_hex(struct modem *m, const uint8_t *p, size_t n)
{
	struct receive *r = &m->rx;
	uint8_t bytes[256];

	while (n) {
		size_t now = n < sizeof(bytes) ? n : sizeof(bytes);
		ssize_t got = read_unhex(r, bytes, p, now);

		if (got < 0 && r->link >= 0) {
			log_warn("%s: link %d: no hex digit in a payload", m->config->name, r->link);
			r->oversize = true; /* a datagram is dropped whole */
			receive_lost(m, (unsigned)r->link);
		} else if (got > 0) {
			take(m, bytes, (size_t)got);
		}
		p += now;
		n -= now;
	}
}

void receive_payload(struct modem *m, const uint8_t *p, size_t n)
{
	m->rx.deadline = after(m, SILENCE);
	if (m->rx.hex)
		take_hex(m, p, n);
	else
		take(m, p, n);
}

/* A pushed datagram without its source is worth nothing. One that was read never has any. */
static void datagram_end(struct modem *m)
{
	struct receive *r = &m->rx;

	if (r->oversize || !(r->read || r->from_valid) || !link_alive(&m->links[r->link])) {
		m->rx_unclaimed_bytes += r->len;
		return;
	}
	m->ops->data(m->user, (unsigned)r->link, r->datagram, r->len, r->read ? NULL : &r->from);
}

void receive_end(struct modem *m)
{
	struct receive *r = &m->rx;

	r->deadline = USEC_NEVER;
	if (r->link >= 0 && collects(m))
		datagram_end(m);
	if (r->link >= 0 && r->read)
		read_end(m);
	if (r->link >= 0)
		m->links[r->link].rx_during = m->channels[0].commands;
	r->last = r->link;
	r->link = -1;
	r->from_valid = false;
	mode_push_over(m);
}

/* ---- damage ---- */

void receive_skew(struct modem *m)
{
	log_warn("%s: bytes were lost in or behind a payload", m->config->name);
	m->rx.doubt = true;
	if (m->rx.last >= 0)
		receive_lost(m, (unsigned)m->rx.last);
}

void receive_damage(struct modem *m, struct channel *ch, const char *what)
{
	if (m->bearer.state != MODEM_STATE_UP)
		return;
	log_warn("%s: %s: the line lost bytes", m->config->name, what);
	if (ch->lexer.push)
		close_tcp(m, false);
	m->bearer.verify = true;
	channel_quarantine(ch, m->now);
}

void receive_unanswered(struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (link_alive(&m->links[l]) && m->links[l].rx_during == m->channels[0].commands)
			receive_lost(m, l);
}

static bool could_be_payload(const struct modem *m, const struct lexer_line *line)
{
	if (m->rx.doubt && line->after_payload)
		return true;
	return !mode_is_buffer(m) && dialect_looks_damaged(line->text, line->len);
}

static void bad_header(struct modem *m, struct channel *ch, const struct msg *msg)
{
	/* Buffer mode of some firmwares: a notification in the shape of a header. */
	if (mode_is_buffer(m)) {
		if (msg->count)
			read_notice(m, msg->n[0]);
		return;
	}
	receive_damage(m, ch, "a header that cannot be");
}

/* RECV FROM without its header: that and its payload are lost. If no link is known to have this
 * remote the line itself is damaged, and it can have been anybody's. */
static void source_alone(struct modem *m)
{
	bool known = false;

	for (unsigned l = 0; l < MODEM_LINKS; l++)
		known = known || (link_alive(&m->links[l]) &&
			endpoint_equal(&m->links[l].remote, &m->rx.from));
	log_warn("%s: a source without its data: bytes were lost", m->config->name);
	close_tcp(m, known);
	m->rx.from_valid = false;
}

void receive_line_over(struct modem *m)
{
	struct receive *r = &m->rx;

	if (r->from_valid && r->from_old)
		source_alone(m);
	r->from_old = true;
	mode_push_over(m);
}

static void recv_from(struct modem *m, struct channel *ch, const struct lexer_line *line,
	const struct msg *msg)
{
	struct receive *r = &m->rx;

	if (!line->lead && !line->after_payload)
		ch->lexer.bare = true;
	if (r->from_valid)
		source_alone(m);
	r->from_valid = dialect_endpoint(&r->from, msg->text, msg->len) == 0;
	r->from_old = false;
	if (r->from_valid)
		mode_push_begins(m);
	else
		receive_damage(m, ch, "a source that cannot be");
}

bool receive_urc(struct modem *m, const struct lexer_line *line, const struct msg *msg)
{
	struct channel *ch = &m->channels[0];

	if (msg->kind == MSG_RECV_FROM) {
		recv_from(m, ch, line, msg);
		return true;
	}
	if (msg->kind == MSG_BAD_HEADER) {
		bad_header(m, ch, msg);
	} else if (msg->kind == MSG_UNKNOWN && could_be_payload(m, line)) {
		receive_damage(m, ch, "a line that cannot be");
	} else if (msg->kind == MSG_CIPRXGET) {
		if (msg->count == 2 && msg->n[0] == 1)
			read_notice(m, msg->n[1]);
	} else {
		return false;
	}
	return true;
}

void receive_stalled(struct modem *m)
{
	struct receive *r = &m->rx;
	struct channel *ch = &m->channels[0];

	r->deadline = USEC_NEVER;
	if (r->link >= 0)
		receive_lost(m, (unsigned)r->link);
	r->link = -1;
	r->from_valid = false;
	lexer_reset(&ch->lexer);
	if (r->read)
		m->bearer.verify = true; /* the answer to a read was cut off: that link's alone */
	else
		receive_damage(m, ch, "silence inside a payload");
}

void receive_run(struct modem *m)
{
	if (m->now >= m->rx.deadline)
		receive_stalled(m);
}

void receive_reset(struct modem *m)
{
	struct receive *r = &m->rx;

	r->link = r->last = -1;
	r->place = SOURCE_UNKNOWN;
	r->doubt = r->from_valid = r->hex = false;
	r->deadline = USEC_NEVER;
	mode_reset(m);
}
