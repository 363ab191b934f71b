/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

#include <string.h>

#include "keyed.h"
#include "mem.h"

void pool_init(struct stack *s)
{
	list_init(&s->dirty);
	list_init(&s->batch);
	list_init(&s->held);
	list_init(&s->lingering);
	list_init(&s->starved);
	for (size_t i = ENDPOINTS_MAX; i-- > 0;) {
		s->endpoints[i].next = s->pool;
		s->pool = &s->endpoints[i];
	}
}

/* Keyed, so that a host cannot aim all its flows at one bucket. */
static struct stack_tcp **bucket(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote)
{
	uint8_t key[37] = {local->addr.family};

	memcpy(key + 1, local->addr.b, 16);
	memcpy(key + 17, remote->addr.b, 16);
	put16(key + 33, local->port);
	put16(key + 35, remote->port);
	return &s->table[keyed_hash(s->config.isn_secret, key, sizeof(key)) & (TABLE_SIZE - 1)];
}

struct stack_tcp *pool_find(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote)
{
	struct stack_tcp *tcp = *bucket(s, local, remote);

	while (tcp && !(endpoint_equal(&tcp->local, local) && endpoint_equal(&tcp->remote, remote)))
		tcp = tcp->next;
	return tcp;
}

struct stack_tcp *pool_take(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote)
{
	struct stack_tcp *tcp = s->pool, **head = bucket(s, local, remote);

	if (!tcp)
		return NULL;
	s->pool = tcp->next;
	*tcp = (struct stack_tcp){
		.stack = s, .next = *head, .local = *local, .remote = *remote,
		.deadline = USEC_NEVER};
	list_init(&tcp->dirty);
	list_init(&tcp->timed);
	list_init(&tcp->starved);
	*head = tcp;
	s->stats.endpoints++;
	return tcp;
}

void pool_unlink(struct stack_tcp *tcp)
{
	struct stack_tcp **at = bucket(tcp->stack, &tcp->local, &tcp->remote);

	while (*at && *at != tcp)
		at = &(*at)->next;
	if (*at)
		*at = tcp->next;
	tcp->next = NULL;
}

void pool_put(struct stack_tcp *tcp)
{
	struct stack *s = tcp->stack;

	pool_unlink(tcp);
	list_del(&tcp->dirty);
	list_del(&tcp->timed);
	list_del(&tcp->starved);
	lwip_port_free(tcp->rx.mem);
	if (s->delivering == tcp)
		s->delivering = NULL;
	tcp->rx.mem = NULL;
	tcp->state = ENDPOINT_FREE;
	tcp->next = s->pool;
	s->pool = tcp;
	s->stats.endpoints--;
}

void pool_event(struct stack_tcp *tcp, unsigned events)
{
	if (tcp->detached)
		return;
	tcp->events |= events;
	if (list_empty(&tcp->dirty))
		list_add_tail(&tcp->stack->dirty, &tcp->dirty);
}
