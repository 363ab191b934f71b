/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

#include "mem.h"

#define MTU_MIN 576
#define MTU_MAX 9000
/* lwIP's TCP_TMR_INTERVAL. After a pause (a suspended machine, a busy one) the missed ticks are not
 * all made up for: retransmissions would run through their limit before the host could answer. */
#define TICK MSEC(100)
#define TICKS_AT_ONCE 10

int stack_new(struct stack **out, const struct stack_config *config, const struct stack_ops *ops,
	void *user, usec_t now)
{
	struct stack *s;
	int err;

	if (config->mtu < MTU_MIN || config->mtu > MTU_MAX || config->held_max_age == 0)
		return -EINVAL;
	if (!ops->output || !ops->tcp_syn || !ops->tcp_event || !ops->udp)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->ops = *ops;
	s->user = user;
	s->now = now;
	s->tick_at = USEC_NEVER;
	s->resets = s->errors = (struct bucket){ANSWERS_BURST, now};
	pool_init(s);
	err = reass_new(&s->reass);
	if (err == 0)
		err = engine_new(s);
	if (err < 0) {
		reass_free(s->reass);
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void stack_free(struct stack *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
		if (s->endpoints[i].state != ENDPOINT_FREE)
			tcp_drop(&s->endpoints[i]);
	}
	engine_free(s);
	reass_free(s->reass);
	free(s);
}

void stack_input(struct stack *s, usec_t now, const uint8_t *p, size_t n)
{
	s->now = now;
	s->stats.rx_packets++;
	s->stats.rx_bytes += n;
	gate_input(s, p, n);
}

static void run_ticks(struct stack *s)
{
	for (int i = 0; i < TICKS_AT_ONCE && s->tick_at <= s->now; i++) {
		engine_tick(s);
		s->tick_at += TICK;
	}
	if (!engine_wants_tick(s))
		s->tick_at = USEC_NEVER;
	else if (s->tick_at == USEC_NEVER || s->tick_at <= s->now)
		s->tick_at = s->now + TICK;
}

static void deliver(struct stack *s, struct stack_tcp *tcp)
{
	unsigned events = tcp->events;

	tcp->events = 0;
	s->delivering = tcp;
	if (events & EVENT_SYN) {
		s->ops.tcp_syn(s->user, tcp, &tcp->local, &tcp->remote, tcp->syn.dscp);
		events &= ~EVENT_SYN;
	}
	if (events && s->delivering == tcp)
		s->ops.tcp_event(s->user, tcp, events);
	if (events & STACK_TCP_GONE && s->delivering == tcp)
		pool_put(tcp);
	s->delivering = NULL;
}

/* What the owner's calls bring about meanwhile is for the next run: a busy flow cannot keep the
 * loop in here. */
static void deliver_all(struct stack *s)
{
	while (!list_empty(&s->dirty)) {
		struct list *n = s->dirty.next;

		list_del(n);
		list_add_tail(&s->batch, n);
	}
	while (!list_empty(&s->batch)) {
		struct list *n = s->batch.next;

		list_del(n);
		deliver(s, list_entry(n, struct stack_tcp, dirty));
	}
}

void stack_run(struct stack *s, usec_t now)
{
	s->now = now;
	held_expire(s);
	tcp_linger_expire(s);
	reass_expire(s);
	run_ticks(s);
	deliver_all(s);
	if (s->tick_at == USEC_NEVER && engine_wants_tick(s))
		s->tick_at = now + TICK;
}

static usec_t first_deadline(const struct list *timed)
{
	if (list_empty(timed))
		return USEC_NEVER;
	return list_entry(timed->next, struct stack_tcp, timed)->deadline;
}

usec_t stack_deadline(const struct stack *s)
{
	usec_t at = s->tick_at;

	if (!list_empty(&s->dirty))
		return 0;
	if (at == USEC_NEVER && engine_wants_tick(s))
		at = s->now + TICK;
	at = usec_min(at, first_deadline(&s->held));
	at = usec_min(at, first_deadline(&s->lingering));
	return usec_min(at, reass_deadline(s->reass));
}

void stack_stats(const struct stack *s, struct stack_stats *out)
{
	*out = s->stats;
	mem_stats(out);
}
