/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which link sends next. The module takes one CIPSEND at a time and the line is slow, so the order
 * matters: deficit round robin between links, one chunk a quantum, and links that were idle go
 * before links that keep sending ("sparse flows first", RFC 8290 section 4.1), DNS before all. A
 * keystroke, a request or a DNS query thus waits for one chunk of the others at most. While a send is under way
 * bytes gather in the flow's window, so the next one takes as much as there is: no timer, no delay
 * for a lone small write.
 */
#include "gateway.h"

#include <string.h>

#define QUANTUM MODEM_TCP_CHUNK_MAX

void sched_init(struct unit *u)
{
	list_init(&u->ready_new);
	list_init(&u->ready_old);
}

void sched_ready(struct link *l)
{
	if (!l->is_ready) {
		l->is_ready = true;
		l->deficit = QUANTUM;
		list_add_tail(&l->unit->ready_new, &l->ready);
	}
	modem_kick(l->unit->modem);
}

void sched_urgent(struct link *l)
{
	sched_ready(l);
	list_del(&l->ready);
	list_add_tail(l->unit->ready_new.next, &l->ready);
	if (l->deficit <= 0)
		l->deficit = QUANTUM;
}

void sched_remove(struct link *l)
{
	if (l->is_ready)
		list_del(&l->ready);
	l->is_ready = false;
	l->gated = false;
}

static size_t tcp_fill(struct link *l, uint8_t *buf)
{
	struct flow *f = l->flow;
	size_t room;

	l->gated = false;
	if (!f || f->state == FLOW_HANDSHAKE || stack_tcp_queued(f->tcp) == 0)
		return 0;
	/* Asked only for bytes that are there: a full module is polled because of it. */
	room = modem_send_room(l->unit->modem, l->number);
	l->gated = room == 0;
	if (room > MODEM_TCP_CHUNK_MAX)
		room = MODEM_TCP_CHUNK_MAX;
	return stack_tcp_read(f->tcp, 0, buf, room);
}

/* Links that had to wait for the module's send buffer take part again once it has room. */
static void ungate(struct unit *u)
{
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct link *l = &u->links[i];

		if (l->gated && modem_send_room(u->modem, i) > 0) {
			l->gated = false;
			sched_ready(l);
		}
	}
}

static size_t udp_fill(struct link *l, uint8_t *buf, struct modem_send *send)
{
	struct list *queue = list_empty(&l->urgent) ? &l->datagrams : &l->urgent;
	struct datagram *d;

	if (list_empty(queue))
		return 0;
	d = list_entry(queue->next, struct datagram, node);
	list_del(&d->node);
	l->queued -= queue == &l->datagrams;
	l->sending = d;
	memcpy(buf, d->p, d->len);
	send->to = d->to;
	return d->len;
}

/* Takes the next chunk of @l; 0 when it has none. */
static size_t link_fill(struct link *l, uint8_t *buf, struct modem_send *send)
{
	/* One that is draining is still open for the gateway, but takes no send. */
	if (!l->open || modem_link_state(l->unit->modem, l->number) != MODEM_LINK_OPEN)
		return 0;
	switch (l->use) {
	case LINK_TCP:
		return tcp_fill(l, buf);
	case LINK_UDP:
		return udp_fill(l, buf, send);
	case LINK_DNS:
		return dns_link_fill(l, buf);
	case LINK_UNUSED:
		break;
	}
	return 0;
}

/* Puts @l at the end of the links that keep sending. */
static void to_old(struct link *l)
{
	list_del(&l->ready);
	list_add_tail(&l->unit->ready_old, &l->ready);
}

bool sched_next(struct unit *u, uint8_t *buf, struct modem_send *send)
{
	ungate(u);
	for (;;) {
		bool fresh = !list_empty(&u->ready_new);
		struct list *from = fresh ? &u->ready_new : &u->ready_old;
		struct link *l;
		size_t n;

		if (list_empty(from))
			return false;
		l = list_entry(from->next, struct link, ready);
		if (l->deficit <= 0) {
			l->deficit += QUANTUM;
			to_old(l);
			continue;
		}
		n = link_fill(l, buf, send);
		if (n == 0) {
			/* One that emptied passes the old list once, or it could starve them by
			 * coming back as new each time. */
			bool gated = l->gated;

			if (fresh && !list_empty(&u->ready_old))
				to_old(l);
			else
				sched_remove(l);
			l->gated = gated;
			continue;
		}
		l->deficit -= (int)n;
		send->link = l->number;
		send->len = n;
		return true;
	}
}
