/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Held SYNs: what a host wants to connect to, not answered until the owner knows.
 *
 * Theory of operation
 *
 * A SYN is kept whole but for its payload, with its options, so that the MSS of the handshake is the
 * host's. Copies of it are absorbed and counted: they tell the owner that the client still waits.
 * A SYN of the same 4-tuple with another sequence number is a new attempt (the client gave up and
 * its port came round again) and takes the place of the old one; to the owner it is the same flow.
 * A RST cancels the attempt if it fits behind the SYN. Anything else cannot belong to a connection
 * that does not exist yet and is treated like an unknown segment.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

#include "mem.h"

static void keep(struct stack_tcp *tcp, const struct segment *seg)
{
	struct stack *s = tcp->stack;
	struct held_syn *syn = &tcp->syn;

	memcpy(syn->header, seg->header, seg->header_len);
	syn->header_len = (uint8_t)seg->header_len;
	syn->dscp = seg->dscp;
	syn->seq = seg->seq;
	syn->next = seg->seq + seg->len;
	syn->count = 1;
	syn->last = s->now;
	tcp->deadline = s->now + s->config.held_max_age;
	list_del(&tcp->timed);
	list_add_tail(&s->held, &tcp->timed);
}

static void leave(struct stack_tcp *tcp)
{
	list_del(&tcp->timed);
	tcp->deadline = USEC_NEVER;
	tcp->stack->stats.held--;
}

void held_take(struct stack *s, const struct segment *seg)
{
	struct stack_tcp *tcp = NULL;

	if (s->stats.held < STACK_HELD_MAX)
		tcp = pool_take(s, &seg->local, &seg->remote);
	if (!tcp) {
		s->stats.syn_overflow++;
		return;
	}
	engine_forget(&seg->local, &seg->remote);
	tcp->state = ENDPOINT_HELD;
	keep(tcp, seg);
	s->stats.held++;
	s->stats.syn_held++;
	pool_event(tcp, EVENT_SYN);
}

static void held_again(struct stack_tcp *tcp, const struct segment *seg)
{
	struct stack *s = tcp->stack;

	if (seg->seq == tcp->syn.seq) {
		tcp->syn.count++;
		tcp->syn.last = s->now;
		s->stats.syn_duplicate++;
	} else {
		keep(tcp, seg);
		s->stats.syn_replaced++;
	}
}

void held_segment(struct stack_tcp *tcp, const struct segment *seg)
{
	struct stack *s = tcp->stack;

	if ((seg->flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN) {
		held_again(tcp, seg);
	} else if (!(seg->flags & TH_RST)) {
		answer_unknown(s, seg);
	} else if (seg->seq == tcp->syn.seq + 1 || seg->seq == tcp->syn.next) {
		s->stats.syn_cancelled++;
		leave(tcp);
		tcp_gone(tcp);
	} else {
		s->stats.rx_filtered++;
	}
}

void held_expire(struct stack *s)
{
	struct list *at, *next;

	list_for_each_safe(at, next, &s->held) {
		struct stack_tcp *tcp = list_entry(at, struct stack_tcp, timed);

		if (tcp->deadline > s->now)
			return;
		answer_reset_syn(tcp);
		s->stats.syn_expired++;
		leave(tcp);
		tcp_gone(tcp);
	}
}

int stack_tcp_accept(struct stack_tcp *tcp)
{
	uint8_t *ring;

	if (tcp->state == ENDPOINT_GONE)
		return 0; /* the event is on its way */
	if (tcp->state != ENDPOINT_HELD)
		return -EINVAL;
	ring = lwip_port_malloc(STACK_WINDOW);
	if (!ring)
		return -ENOMEM;
	ring_init(&tcp->rx, ring, STACK_WINDOW);
	if (tcp_open(tcp) < 0) {
		lwip_port_free(ring);
		tcp->rx.mem = NULL;
		return -ENOMEM;
	}
	leave(tcp);
	tcp->stack->stats.tcp_accepted++;
	return 0;
}

void stack_tcp_refuse(struct stack_tcp *tcp, enum stack_answer answer)
{
	struct stack *s = tcp->stack;
	const struct answer a = {.local = &tcp->local.addr, .remote = &tcp->remote.addr,
		.proto = PROTO_TCP, .df = true, .l4 = {{tcp->syn.header, tcp->syn.header_len}}};

	if (tcp->state != ENDPOINT_HELD) {
		stack_tcp_abort(tcp);
		return;
	}
	if (answer == STACK_ANSWER_RST)
		answer_reset_syn(tcp);
	else
		answer_unreachable(s, &a, answer);
	s->stats.tcp_refused++;
	leave(tcp);
	pool_put(tcp);
}

/* The owner's abort of what was never accepted. */
void held_abort(struct stack_tcp *tcp)
{
	answer_reset_syn(tcp);
	leave(tcp);
}

unsigned stack_tcp_syn_count(const struct stack_tcp *tcp)
{
	return tcp->syn.count;
}

usec_t stack_tcp_last_syn(const struct stack_tcp *tcp)
{
	return tcp->syn.last;
}
