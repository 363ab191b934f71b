/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections towards the host: somebody outside wants to speak to a server of it. The endpoint's
 * sides are named as everywhere (@local is the host's), only the SYN goes the other way.
 */
#include "internal.h"

#include <errno.h>

#include "mem.h"

static int start(struct stack_tcp *tcp)
{
	uint8_t *ring = lwip_port_malloc(STACK_WINDOW);
	struct tcp_pcb *pcb;

	if (!ring)
		return -ENOMEM;
	ring_init(&tcp->rx, ring, STACK_WINDOW); /* pool_put() frees it */
	tcp->state = ENDPOINT_CONNECTING;
	pcb = engine_connect(tcp);
	if (!pcb)
		return -ENOMEM;
	tcp_attach(tcp, pcb);
	return 0;
}

int stack_tcp_connect(struct stack *s, const struct endpoint *local, const struct endpoint *remote,
	struct stack_tcp **out)
{
	struct stack_tcp *tcp;

	if (local->addr.family != remote->addr.family)
		return -EAFNOSUPPORT;
	if (local->port == 0 || remote->port == 0)
		return -EINVAL;
	if (pool_find(s, local, remote))
		return -EADDRINUSE;
	tcp = pool_take(s, local, remote);
	if (!tcp)
		return -ENOMEM;
	engine_forget(local, remote);
	if (start(tcp) < 0) {
		pool_put(tcp);
		return -ENOMEM;
	}
	s->stats.tcp_connects++;
	*out = tcp;
	return 0;
}

/* The sequence number shows that the sender has seen our SYN (RFC 5927 4). */
void connect_unreachable(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote, uint32_t seq)
{
	struct stack_tcp *tcp = pool_find(s, local, remote);

	if (tcp && tcp->state == ENDPOINT_CONNECTING && engine_sent_syn(tcp, seq))
		tcp_fail(tcp);
	else
		s->stats.rx_unsupported++;
}
