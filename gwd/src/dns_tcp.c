/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Queries by TCP (RFC 7766): one link to one resolver at a time, opened when a query waits for it, and
 * closed ten idle seconds later, or as soon as a TCP flow waits for a link and nobody for an answer.
 * Messages have their length in front; all that wait go at once, answers come in any order.
 *
 * When queries wait for another resolver the link is closed once this one owes nothing, or after a
 * second: what it owes then is asked again later. A resolver that closes (some do after each answer)
 * is connected to again for what is unanswered. So is one that was asked and from which nothing came
 * for udp.dns_timeout: the connection may be dead, and the module does not know.
 *
 * A query is sent twice at most. Then, and when the resolver refuses the connection or does not answer
 * it, or two in a row ended without having answered all, the query falls back to UDP, and so do the
 * next ones to this resolver for a minute.
 *
 * An answer that the host does not take in a datagram becomes a truncated one; the host then asks by TCP
 * itself, as an ordinary flow.
 */
#include "gateway.h"

#include <string.h>

#include "util/log.h"

#define IDLE SEC(10)	      /* RFC 7766 6.2.3 wants seconds */
#define OPEN_PATIENCE SEC(4)  /* a SYN lost on the air is repeated after 1 s and after 3 s */
#define TURN SEC(1)	      /* for one resolver while queries to another wait */
#define OPEN_PAUSE MSEC(300)  /* a module that is busy is asked again */
#define SENDS_MAX 2
#define BROKEN_MAX 2

static bool is_pending(const struct gateway *gw)
{
	const struct dns_tcp *t = &gw->dns.tcp;

	return t->link && dns_pending(gw, t->link, &t->server);
}

static bool is_open(const struct dns_tcp *t)
{
	return t->link && t->link->open;
}

/* ---- the link's end ---- */

/* Whatever was sent and not answered waits again, or falls back. */
static void unsent(struct gateway *gw, struct link *l)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (!q->used || q->link != l)
			continue;
		q->link = NULL;
		q->sent = false;
		if (q->sends >= SENDS_MAX)
			dns_fall_back(gw, q);
	}
}

static void refused(struct gateway *gw, const char *why)
{
	struct dns_tcp *t = &gw->dns.tcp;
	char text[ENDPOINT_STRLEN];
	struct query *q;

	log_info("dns: %s does not take queries by TCP (%s); UDP for a while",
		endpoint_format(&t->server, text), why);
	dns_remember_refusal(gw, &t->server);
	t->broken = 0;
	while ((q = dns_waiting(gw, DNS_BY_TCP, &t->server)))
		dns_fall_back(gw, q);
}

/* The modem tells the end through dns_link_closed() or dns_link_opened(). */
static void end(struct dns_tcp *t)
{
	modem_close(t->link->unit->modem, t->link->number);
	t->link->open = false;
}

void dns_link_closed(struct link *l)
{
	struct gateway *gw = l->unit->gw;
	struct dns_tcp *t = &gw->dns.tcp;
	bool owed;

	if (t->link != l)
		return;
	owed = t->silent || (is_pending(gw) && l->open); /* not when we closed it for others */
	gw->dns.again = true;
	t->link = NULL;
	t->tx_len = t->rx_len = t->skip = 0;
	t->broken = owed ? t->broken + 1 : 0;
	unsent(gw, l);
	if (t->broken >= BROKEN_MAX)
		refused(gw, "connections end with queries unanswered");
}

void dns_tcp_unanswered(struct gateway *gw)
{
	struct dns_tcp *t = &gw->dns.tcp;

	if (!is_open(t) || gw->now - t->heard < gw->config->udp.dns_timeout)
		return;
	t->silent = true;
	end(t);
}

/* ---- the link's beginning ---- */

static bool try_again(struct link *l, int result)
{
	if (result == MODEM_OPEN_BUSY)
		l->unit->one_at_a_time = true;
	else if (result == MODEM_OPEN_NOT_SUPPORTED || result == MODEM_OPEN_SOCKETS_OPENED)
		l->refused = l->unit->gw->now;
	else
		return false;
	l->unit->gw->dns.tcp.retry = l->unit->gw->now + OPEN_PAUSE;
	return true;
}

void dns_link_opened(struct link *l, int result)
{
	struct gateway *gw = l->unit->gw;
	struct dns_tcp *t = &gw->dns.tcp;

	if (t->link != l)
		return;
	gw->dns.again = true;
	if (result == MODEM_OPEN_OK) {
		l->open = true;
		l->refused = 0;
		l->since = t->active = t->heard = gw->now;
		return; /* dns_tcp_run() does the rest */
	}
	t->link = NULL;
	if (!try_again(l, result) && l->unit->up)
		refused(gw, result == MODEM_OPEN_CANCELLED ? "no answer" :
							      modem_open_result_name(result));
}

static bool is_number_coming(const struct unit *u)
{
	for (unsigned i = 0; i < MODEM_LINKS; i++)
		if (modem_link_state(u->modem, i) == MODEM_LINK_CLOSING)
			return true;
	return false;
}

static void begin(struct gateway *gw, struct unit *u, const struct query *q)
{
	struct dns_tcp *t = &gw->dns.tcp;
	struct link *l = unit_free_link(u);

	if (!l && !is_number_coming(u))
		udp_make_room(gw);
	if (!l)
		return;
	if (!endpoint_equal(&t->server, &q->server))
		t->broken = 0;
	t->server = q->server;
	t->active = gw->now;
	t->silent = false;
	t->retry = 0;
	t->tx_len = t->rx_len = t->skip = 0;
	if (modem_open_tcp(u->modem, l->number, &t->server) < 0) {
		refused(gw, "no connection is possible");
		return;
	}
	t->link = l;
	l->use = LINK_DNS;
	l->open = false;
	l->since = gw->now;
	link_count_anew(l);
}

/* ---- bytes ---- */

/* Whole messages, as many as fit; the link is this resolver's. */
static void pack(struct gateway *gw)
{
	struct dns_tcp *t = &gw->dns.tcp;
	struct query *q;

	while ((q = dns_waiting(gw, DNS_BY_TCP, &t->server)) &&
		t->tx_len + 2 + q->len <= sizeof(t->tx)) {
		uint8_t *p = t->tx + t->tx_len;

		dns_put16(p, q->len);
		memcpy(p + 2, q->message, q->len);
		dns_put16(p + 2, q->id);
		t->tx_len += 2u + q->len;
		q->sent = true;
		q->sends++;
		q->link = t->link;
	}
}

size_t dns_link_fill(struct link *l, uint8_t *buf)
{
	struct dns_tcp *t = &l->unit->gw->dns.tcp;
	size_t n = t->tx_len, room;

	l->gated = false;
	if (t->link != l || n == 0)
		return 0;
	room = modem_send_room(l->unit->modem, l->number);
	l->gated = room == 0;
	if (n > room)
		n = room;
	if (n > MODEM_TCP_CHUNK_MAX)
		n = MODEM_TCP_CHUNK_MAX;
	memcpy(buf, t->tx, n);
	return n;
}

void dns_link_sent(struct link *l, size_t n)
{
	struct dns_tcp *t = &l->unit->gw->dns.tcp;

	if (t->link != l || n > t->tx_len)
		return;
	l->unit->gw->dns.again = true;
	t->tx_len -= n;
	memmove(t->tx, t->tx + n, t->tx_len);
	t->active = l->unit->gw->now;
	link_sent(l, n);
	if (t->tx_len > 0)
		sched_urgent(l);
}

/* One answer from the bytes gathered, if it is whole or as long as it can be. False: more is needed. */
static bool take_answer(struct gateway *gw, struct dns_tcp *t)
{
	size_t whole, held;

	if (t->rx_len < 2)
		return false;
	whole = dns_get16(t->rx);
	held = whole < DNS_ANSWER_MAX ? whole : DNS_ANSWER_MAX;
	if (t->rx_len < 2 + held)
		return false;
	dns_deliver(gw, t->link, &t->server, t->rx + 2, held, whole, true);
	t->skip = whole - held;
	t->rx_len -= 2 + held;
	memmove(t->rx, t->rx + 2 + held, t->rx_len);
	return true;
}

void dns_link_data(struct link *l, const uint8_t *p, size_t n)
{
	struct gateway *gw = l->unit->gw;
	struct dns_tcp *t = &gw->dns.tcp;

	if (t->link != l)
		return;
	gw->dns.again = true;
	t->active = t->heard = gw->now;
	link_received(l, n);
	while (n > 0) {
		bool skipping = t->skip > 0;
		size_t space = skipping ? t->skip : sizeof(t->rx) - t->rx_len;
		size_t take = n < space ? n : space;

		if (skipping) {
			t->skip -= take;
		} else {
			memcpy(t->rx + t->rx_len, p, take);
			t->rx_len += take;
			while (t->skip == 0 && take_answer(gw, t))
				;
		}
		p += take;
		n -= take;
	}
}

/* ---- the link's life ---- */

/* Whose turn it is: another one's than the last, if there is a query for it. */
static const struct query *next_query(struct gateway *gw)
{
	const struct query *q = NULL;

	for (unsigned i = 0; i < DNS_MAX; i++) {
		const struct query *k = &gw->dns.queries[i];

		if (k->used && k->way == DNS_BY_TCP && !k->sent && (!q || k->at < q->at) &&
			!endpoint_equal(&k->server, &gw->dns.tcp.server))
			q = k;
	}
	return q ? q : dns_waiting(gw, DNS_BY_TCP, NULL);
}

/* Another resolver's queries wait, and this one has had its turn. */
static bool is_turn_over(struct gateway *gw)
{
	const struct dns_tcp *t = &gw->dns.tcp;
	const struct query *q = next_query(gw);
	bool idle = !is_pending(gw) && !dns_waiting(gw, DNS_BY_TCP, &t->server);

	return q && !endpoint_equal(&q->server, &t->server) &&
		(idle || gw->now - t->link->since >= TURN);
}

static void serve(struct gateway *gw)
{
	struct dns_tcp *t = &gw->dns.tcp;

	if (is_turn_over(gw) || (!is_pending(gw) && gw->now - t->active >= IDLE)) {
		end(t);
		return;
	}
	pack(gw);
	if (t->tx_len > 0)
		sched_urgent(t->link);
}

void dns_tcp_run(struct gateway *gw)
{
	struct dns_tcp *t = &gw->dns.tcp;
	struct unit *u = &gw->units[0];
	const struct query *q;

	if (is_open(t)) {
		serve(gw);
	} else if (t->link) {
		if (gw->now - t->active >= OPEN_PATIENCE)
			end(t);
	} else if (u->up && gw->now >= t->retry) {
		q = next_query(gw);
		if (q)
			begin(gw, u, q);
	}
}

static bool is_waiting(const struct gateway *gw)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		const struct query *q = &gw->dns.queries[i];

		if (q->used && q->way == DNS_BY_TCP && !q->sent)
			return true;
	}
	return false;
}

usec_t dns_tcp_deadline(const struct gateway *gw)
{
	const struct dns_tcp *t = &gw->dns.tcp;
	usec_t turn = t->link ? t->link->since + TURN : 0;

	if (is_open(t) && is_pending(gw))
		return is_waiting(gw) && turn > gw->now ? turn : USEC_NEVER;
	if (is_open(t))
		return t->active + IDLE;
	if (t->link && modem_link_state(t->link->unit->modem, t->link->number) == MODEM_LINK_OPENING)
		return t->active + OPEN_PATIENCE;
	return t->retry > gw->now ? t->retry : USEC_NEVER;
}

bool dns_tcp_yield(struct gateway *gw)
{
	struct dns_tcp *t = &gw->dns.tcp;

	if (!is_open(t) || is_pending(gw) || is_waiting(gw))
		return false;
	end(t);
	return true;
}
