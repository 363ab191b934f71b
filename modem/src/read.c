/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffer mode: what the module holds is read link by link, as the owner has room.
 *
 * Theory of operation
 *
 * "+CIPRXGET: 1,l" and everything like it is only a hint that the module may hold data.
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
 * Hex (CIPRXGET=3) is the same with two characters a byte, for lines that cannot carry eight clean
 * bits. A character that is no digit means that the line garbled it: the link is reset.
 */
#include "private.h"

#include <errno.h>

#define READ_MAX 1460
#define READ_MAX_UDP 1500 /* AT reference 7.1: CIPRXGET's limit; a datagram should come in one read */
#define READ_MAX_HEX 750  /* the same for mode 3 */
#define POLL_INTERVAL SEC(5) /* AT reference 7.2 */
#define BREATH MSEC(100)     /* a close and what the module said just before it */

void read_notice(struct modem *m, int64_t l)
{
	if (l < 0 || l >= MODEM_LINKS)
		return;
	m->links[l].rx_hint = true;
	m->links[l].rx_owed = USEC_NEVER;
	mode_noticed(m, &m->links[l]);
}

void read_drain(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	k->rx_hint = true;
	k->rx_owed = m->now < k->rx_owed ? USEC_NEVER : 0;
}

void read_end(struct modem *m)
{
	struct link *k = &m->links[m->rx.link];

	k->rx_owed = 0;
	k->rx_rest = m->rx.rest;
	k->rx_stranded = false;
	k->rx_hint = k->rx_hint || m->rx.rest > 0;
	k->rx_poll = after(m, POLL_INTERVAL);
	if (k->phase == LINK_DRAIN)
		k->deadline = after(m, LINK_DRAIN_TIMEOUT);
}

/* ---- hex ---- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20; /* some firmwares print lower case (AT reference 7.1) */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ssize_t read_unhex(struct receive *r, uint8_t *out, const uint8_t *p, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		int v = hex_digit(p[i]);

		if (v < 0)
			return -EBADMSG;
		if (r->nibble < 0) {
			r->nibble = v;
		} else {
			out[used++] = (uint8_t)(r->nibble << 4 | v);
			r->nibble = -1;
		}
	}
	return (ssize_t)used;
}

/* ---- CIPRXGET=2 and 3 ---- */

/* Nothing is left in the module; if it drains, that is the end. */
static void drained(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->phase != LINK_DRAIN)
		return;
	if (k->rx_rest > 0 || k->rx_owed)
		receive_lost(m, l);
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
		receive_lost(m, l);
	if (k->rx_owed == USEC_NEVER)
		k->rx_owed = after(m, BREATH);
	k->rx_rest = 0;
	k->rx_stranded = false;
}

static int read_mode(const struct modem *m)
{
	return m->config->hex ? 3 : 2;
}

static enum info read_info(void *user, struct command *c, const struct msg *msg)
{
	const struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR) {
		c->error = dialect_ip_error(msg);
		return INFO_FAILED;
	}
	if (msg->kind != MSG_CIPRXGET || msg->count < 3 || msg->n[0] != read_mode(m) ||
		msg->n[1] != c->link)
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
		receive_lost(m, c->link); /* what it returned is lost */
	else if (r == RESULT_ERROR || no_data)
		found_nothing(m, c->link, no_data);
	else if (!k->rx_hint)
		drained(m, c->link);
}

static const struct command_type read_command = {
	.name = "AT+CIPRXGET read",
	.timeout = SEC(9),
	.after_payload = SEC(9),
	.info = read_info,
	.done = read_done,
};

bool read_is_ours(const struct modem *m, const struct channel *ch, const struct lexer_header *h)
{
	const struct command *c = &ch->cmd;
	size_t n = h->hex ? h->len / 2 : h->len;

	return (ch->state == CHANNEL_ANSWER || ch->state == CHANNEL_LATE ||
		       ch->state == CHANNEL_QUERY) &&
		c->type == &read_command && (int)c->link == h->link && h->hex == m->config->hex &&
		n <= c->len;
}

bool read_under_way(const struct modem *m, unsigned l)
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
		read_notice(m, c->link);
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

static bool submit(struct modem *m, struct channel *ch, unsigned l)
{
	struct link *k = &m->links[l];
	size_t room = m->ops->rx_space(m->user, l);
	size_t max = m->config->hex ? READ_MAX_HEX :
		k->type == MODEM_LINK_UDP  ? READ_MAX_UDP : READ_MAX;
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
	command_printf(c, "AT+CIPRXGET=%d,%u,%zu", read_mode(m), l, room);
	channel_submit(ch, m->now);
	return true;
}

bool read_submit(struct modem *m, struct channel *ch)
{
	struct receive *r = &m->rx;

	if (!mode_is_buffer(m))
		return false;
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		unsigned l = (r->next + i) % MODEM_LINKS;
		struct link *k = &m->links[l];

		if (!link_alive(k) || k->rx_paused || (!k->rx_hint && m->now < k->rx_poll))
			continue;
		r->next = (l + 1) % MODEM_LINKS;
		if (k->rx_hint) {
			if (submit(m, ch, l))
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

usec_t read_deadline(const struct modem *m)
{
	usec_t d = USEC_NEVER;

	if (!mode_is_buffer(m) || m->bearer.state != MODEM_STATE_UP)
		return d;
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (link_alive(&m->links[l]) && !m->links[l].rx_paused &&
			m->links[l].rx_poll > m->now)
			d = usec_min(d, m->links[l].rx_poll);
	return d;
}

bool read_is_empty(const struct link *k)
{
	return !k->rx_hint && k->rx_rest == 0 && k->rx_owed != USEC_NEVER;
}

usec_t read_last(const struct link *k)
{
	return k->rx_poll > POLL_INTERVAL ? k->rx_poll - POLL_INTERVAL : 0;
}
