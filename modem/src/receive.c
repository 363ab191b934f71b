/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Push: a header says link and count, the payload follows. TCP payload goes to the owner as it
 * comes; a datagram is collected and handed over whole with the source that RECV FROM named. RECV
 * FROM also is a cross-check: payload for a TCP link whose remote is another one is not believed.
 *
 * Buffer: "+CIPRXGET: 1,l" and everything like it is only a hint that the module may hold data.
 * CIPRXGET=2 is repeated until it says that nothing is left; a link without a hint is looked at
 * every five seconds, because a lost hint would stall it for ever.
 *
 * What becomes of unread data when the peer closes is the module's choice (AT reference 7.5), so
 * the drain must show it: a link whose last notice no read has served ends as a loss if there is
 * nothing to read. A notice is served by data whose header came after it; the read may have been
 * under way already, because what it returned was taken from the module after the notice was said.
 * A notice that finds nothing was an empty one while the link goes on, but if the close comes in
 * the same breath, it was its data that went. An empty answer is believed only if the read was
 * written after everything that announced data.
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
#define READ_MAX 1460
#define READ_MAX_UDP 1500 /* AT reference 7.1: CIPRXGET's limit; a datagram should come in one read */
#define POLL_INTERVAL SEC(5) /* AT reference 7.2 */
#define BREATH MSEC(100) /* a close and what the module said just before it */

/* ---- attribution ---- */

static bool from_matches(const struct modem *m, const struct link *k)
{
	return k->type == MODEM_LINK_UDP || !m->rx.from_valid ||
		endpoint_equal(&k->remote, &m->rx.from);
}

static void close_data(struct modem *m, unsigned l)
{
	if (m->links[l].type == MODEM_LINK_TCP)
		link_close(m, l, MODEM_CLOSE_DATA, false);
}

static void close_tcp(struct modem *m, bool only_matching)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (link_alive(&m->links[l]) && (!only_matching || from_matches(m, &m->links[l])))
			close_data(m, l);
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
		m->rx.buffer_wanted = m->mode != MODEM_RECEIVE_BUFFER;
	}
	return -1;
}

static bool is_our_read(const struct channel *ch, const struct lexer_header *h);

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
	if (from_matches(m, k))
		return l;
	log_warn("%s: link %d: payload from another remote than its own", m->config->name, l);
	close_data(m, (unsigned)l);
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

	if ((h->kind == HEADER_PUSH || h->kind == HEADER_PUSH_ANON) && !h->lead && !r->from_valid)
		ch->lexer.bare = true;
	if (h->kind == HEADER_PUSH)
		learn_place(m, ch);
	r->read = h->kind == HEADER_READ && is_our_read(ch, h);
	if (r->read)
		r->link = h->link;
	else if (h->kind == HEADER_PUSH)
		r->link = named_link(m, h->link);
	else
		r->link = h->kind == HEADER_PUSH_ANON ? attribute(m) : -1;
	if (h->kind == HEADER_READ && !r->read && h->link < MODEM_LINKS)
		close_data(m, (unsigned)h->link); /* taken from the module, and nobody's any more */
	r->doubt = false;
	r->rest = h->rest;
	r->len = 0;
	r->oversize = h->len > sizeof(r->datagram);
	r->deadline = after(m, SILENCE);
}

static bool collects(const struct modem *m)
{
	return m->rx.link >= 0 && m->links[m->rx.link].type == MODEM_LINK_UDP;
}

void receive_payload(struct modem *m, const uint8_t *p, size_t n)
{
	struct receive *r = &m->rx;

	r->deadline = after(m, SILENCE);
	if (r->link < 0 || !link_alive(&m->links[r->link])) {
		m->rx_unclaimed_bytes += n;
		return;
	}
	m->rx_payload_bytes += n;
	if (!collects(m)) {
		m->ops->data(m->user, (unsigned)r->link, p, n, NULL);
	} else if (!r->oversize) {
		memcpy(r->datagram + r->len, p, n);
		r->len += n;
	}
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

static void read_end(struct modem *m)
{
	struct link *k = &m->links[m->rx.link];

	k->rx_owed = 0;
	k->rx_rest = m->rx.rest;
	k->rx_hint = k->rx_hint || m->rx.rest > 0;
	k->rx_poll = after(m, POLL_INTERVAL);
	if (k->phase == LINK_DRAIN)
		k->deadline = after(m, LINK_DRAIN_TIMEOUT);
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
}

/* ---- damage ---- */

void receive_skew(struct modem *m)
{
	log_warn("%s: bytes were lost in or behind a payload", m->config->name);
	m->rx.doubt = true;
	if (m->rx.last >= 0)
		close_data(m, (unsigned)m->rx.last);
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
			close_data(m, l);
}

static bool could_be_payload(const struct modem *m, const struct lexer_line *line)
{
	if (m->rx.doubt && line->after_payload)
		return true;
	return m->mode == MODEM_RECEIVE_PUSH && dialect_looks_damaged(line->text, line->len);
}

static void notice(struct modem *m, int64_t l)
{
	if (l < 0 || l >= MODEM_LINKS)
		return;
	m->links[l].rx_hint = true;
	m->links[l].rx_owed = USEC_NEVER;
}

void receive_drain(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	k->rx_hint = true;
	k->rx_owed = m->now < k->rx_owed ? USEC_NEVER : 0;
}

static void bad_header(struct modem *m, struct channel *ch, const struct msg *msg)
{
	/* Buffer mode of some firmwares: a notification in the shape of a header. */
	if (m->mode == MODEM_RECEIVE_BUFFER) {
		if (msg->count)
			notice(m, msg->n[0]);
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
}

static void recv_from(struct modem *m, struct channel *ch, const struct lexer_line *line,
	const struct msg *msg)
{
	struct receive *r = &m->rx;

	if (!line->lead && !line->after_payload)
		ch->lexer.bare = true;
	if (r->from_valid)
		source_alone(m);
	r->from_valid = endpoint_parse(&r->from, msg->text, msg->len) == 0;
	r->from_old = false;
	if (!r->from_valid)
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
			notice(m, msg->n[1]);
	} else {
		return false;
	}
	return true;
}

/* ---- CIPRXGET=2 ---- */

/* Nothing is left in the module; if it drains, that is the end. */
static void drained(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->phase != LINK_DRAIN)
		return;
	if (k->rx_rest > 0 || k->rx_owed)
		close_data(m, l);
	link_close(m, l, k->end, k->gone);
}

/* A read brought nothing; @known: the module said that there is nothing. */
static void found_nothing(struct modem *m, unsigned l, bool known)
{
	struct link *k = &m->links[l];

	if (k->rx_hint)
		return; /* announced while the read was under way: look again */
	drained(m, l);
	if (known && k->rx_rest > 0)
		close_data(m, l);
	if (k->rx_owed == USEC_NEVER)
		k->rx_owed = after(m, BREATH);
	k->rx_rest = 0;
}

static enum info read_info(void *user, struct command *c, const struct msg *msg)
{
	(void)user;
	if (msg->kind == MSG_IP_ERROR) {
		c->error = dialect_ip_error(msg);
		return INFO_FAILED;
	}
	if (msg->kind != MSG_CIPRXGET || msg->count < 3 || msg->n[0] != 2 || msg->n[1] != c->link)
		return INFO_FOREIGN;
	if (msg->n[2] == 0)
		c->error = IP_ERROR_NO_DATA; /* "2,l,0,0": read, and nothing there */
	return INFO_TAKEN;
}

static void read_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct link *k = &m->links[c->link];
	bool no_data = c->error == IP_ERROR_NO_DATA || c->error == IP_ERROR_NO_DATA_OTHER;

	k->rx_poll = after(m, POLL_INTERVAL);
	if (!link_alive(k))
		return;
	if (r == RESULT_TIMEOUT)
		close_data(m, c->link); /* what it returned is lost */
	else if (r == RESULT_ERROR || no_data)
		found_nothing(m, c->link, no_data);
	else if (!k->rx_hint)
		drained(m, c->link);
}

static const struct command_type read_command = {
	.name = "AT+CIPRXGET=2",
	.timeout = SEC(9),
	.after_payload = SEC(9),
	.info = read_info,
	.done = read_done,
};

static bool is_our_read(const struct channel *ch, const struct lexer_header *h)
{
	const struct command *c = &ch->cmd;

	return (ch->state == CHANNEL_ANSWER || ch->state == CHANNEL_LATE ||
		       ch->state == CHANNEL_QUERY) &&
		c->type == &read_command && (int)c->link == h->link && h->len <= c->len;
}

bool receive_reads(const struct modem *m, unsigned l)
{
	const struct channel *ch = &m->channels[0];

	return !channel_free(ch) && ch->cmd.type == &read_command && ch->cmd.link == l;
}

static enum info look_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR)
		return INFO_FAILED;
	if (msg->kind != MSG_CIPRXGET || msg->count != 3 || msg->n[0] != 4 || msg->n[1] != c->link)
		return INFO_FOREIGN;
	if (msg->n[2] > 0)
		notice(m, c->link);
	return INFO_TAKEN;
}

static void look_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)r;
	m->links[c->link].rx_poll = after(m, POLL_INTERVAL);
}

static const struct command_type look_command = {
	.name = "AT+CIPRXGET=4",
	.timeout = SEC(9),
	.info = look_info,
	.done = look_done,
};

static void mode_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)c;
	m->rx.buffer_wanted = false;
	if (r != RESULT_OK) {
		recover(m, "the module cannot name the link and refuses buffer mode");
		return;
	}
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		struct link *k = &m->links[l];

		k->rx_hint = link_alive(k);
		if (k->type == MODEM_LINK_UDP && k->many)
			link_close(m, l, MODEM_CLOSE_DATA, false);
	}
	m->mode = MODEM_RECEIVE_BUFFER; /* the lexer goes on to take push headers */
	links_flush(m);
	m->ops->mode_changed(m->user, m->mode);
}

static const struct command_type mode_command = {
	.name = "AT+CIPRXGET=1",
	.timeout = SEC(9),
	.done = mode_done,
};

static bool read_submit(struct modem *m, struct channel *ch, unsigned l)
{
	struct link *k = &m->links[l];
	size_t room = m->ops->rx_space(m->user, l);
	size_t max = k->type == MODEM_LINK_UDP ? READ_MAX_UDP : READ_MAX;
	struct command *c;

	if (room == 0) {
		k->rx_paused = true;
		return false;
	}
	if (room > max)
		room = max;
	k->rx_hint = false; /* one that comes from now on counts */
	c = channel_prepare(ch, &read_command, l);
	c->len = room;
	command_printf(c, "AT+CIPRXGET=2,%u,%zu", l, room);
	channel_submit(ch, m->now);
	return true;
}

bool receive_submit(struct modem *m, struct channel *ch)
{
	struct receive *r = &m->rx;

	if (r->buffer_wanted) {
		command_printf(channel_prepare(ch, &mode_command, 0), "AT+CIPRXGET=1");
		channel_submit(ch, m->now);
		return true;
	}
	if (m->mode != MODEM_RECEIVE_BUFFER)
		return false;
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		unsigned l = (r->next + i) % MODEM_LINKS;
		struct link *k = &m->links[l];

		if (!link_alive(k) || k->rx_paused || (!k->rx_hint && m->now < k->rx_poll))
			continue;
		r->next = (l + 1) % MODEM_LINKS;
		if (k->rx_hint) {
			if (read_submit(m, ch, l))
				return true;
			continue;
		}
		command_printf(channel_prepare(ch, &look_command, l), "AT+CIPRXGET=4,%u", l);
		channel_submit(ch, m->now);
		return true;
	}
	return false;
}

void modem_rx_resume(struct modem *m, unsigned link)
{
	if (link < MODEM_LINKS)
		m->links[link].rx_paused = false;
}

void receive_stalled(struct modem *m)
{
	struct receive *r = &m->rx;
	struct channel *ch = &m->channels[0];

	r->deadline = USEC_NEVER;
	if (r->link >= 0)
		close_data(m, (unsigned)r->link);
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

usec_t receive_deadline(const struct modem *m)
{
	usec_t d = m->rx.deadline;

	if (m->mode != MODEM_RECEIVE_BUFFER || m->bearer.state != MODEM_STATE_UP)
		return d;
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (link_alive(&m->links[l]) && !m->links[l].rx_paused &&
			m->links[l].rx_poll > m->now)
			d = usec_min(d, m->links[l].rx_poll);
	return d;
}

void receive_reset(struct modem *m)
{
	struct receive *r = &m->rx;

	r->link = r->last = -1;
	r->place = SOURCE_UNKNOWN;
	r->doubt = r->from_valid = r->buffer_wanted = false;
	r->deadline = USEC_NEVER;
}
