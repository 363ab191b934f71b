/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

#include <errno.h>

#include "chksum.h"

#define UDP_MAX_V4 (0xffff - IP4_HLEN - UDP_HLEN)
#define UDP_MAX_V6 (0xffff - UDP_HLEN)

/* RFC 768; RFC 8200 8.1: over IPv6 there is no UDP without a checksum. */
static bool intact(const struct packet *p)
{
	size_t n = p->n < UDP_HLEN ? 0 : get16(p->l4 + 4);
	const struct iovec iov = {(void *)(uintptr_t)p->l4, n};

	if (n < UDP_HLEN || n > p->n)
		return false;
	/* Reassembly promises a datagram without holes; the length says whether it kept that. */
	if (p->reassembled && n != p->n)
		return false;
	if (get16(p->l4) == 0 || get16(p->l4 + 2) == 0)
		return false;
	if (get16(p->l4 + 6) == 0)
		return p->src.family == 4;
	return chksum_l4(&p->src, &p->dst, PROTO_UDP, &iov, 1) == 0;
}

void udp_input(struct stack *s, const struct packet *p)
{
	struct stack_datagram d;

	if (!intact(p)) {
		s->stats.rx_malformed++;
		return;
	}
	d = (struct stack_datagram){
		.local = {p->src, get16(p->l4)},
		.remote = {p->dst, get16(p->l4 + 2)},
		.p = p->l4 + UDP_HLEN,
		.n = (size_t)get16(p->l4 + 4) - UDP_HLEN,
		.dscp = p->dscp,
		.fragmented = p->reassembled,
		.df = p->df,
	};
	s->ops.udp(s->user, &d);
}

/* A UDP header for @payload; a checksum of 0 is sent as its other form, since 0 means none. */
static void build(uint8_t udp[UDP_HLEN], const struct endpoint *from, const struct endpoint *to,
	struct iovec iov[2])
{
	uint16_t sum;

	put16(udp, from->port);
	put16(udp + 2, to->port);
	put16(udp + 4, (uint16_t)(UDP_HLEN + iov[1].iov_len));
	put16(udp + 6, 0);
	iov[0] = (struct iovec){udp, UDP_HLEN};
	sum = chksum_l4(&from->addr, &to->addr, PROTO_UDP, iov, 2);
	put16(udp + 6, sum ? sum : 0xffff);
}

int stack_udp_send(struct stack *s, const struct endpoint *remote, const struct endpoint *local,
	const void *p, size_t n)
{
	const struct out o = {&remote->addr, &local->addr, PROTO_UDP, .df = false};
	struct iovec iov[2] = {[1] = {(void *)(uintptr_t)p, n}};
	uint8_t udp[UDP_HLEN];

	if (remote->addr.family != local->addr.family)
		return -EAFNOSUPPORT;
	if (n > (local->addr.family == 4 ? UDP_MAX_V4 : UDP_MAX_V6))
		return -EMSGSIZE;
	build(udp, remote, local, iov);
	out_send(s, &o, iov);
	return 0;
}

static struct answer answer_to(const struct stack_datagram *d, uint8_t udp[UDP_HLEN])
{
	struct answer a = {&d->local.addr, &d->remote.addr, PROTO_UDP, d->df,
		{[1] = {(void *)(uintptr_t)d->p, d->n}}};

	build(udp, &d->local, &d->remote, a.l4);
	return a;
}

void stack_udp_refuse(struct stack *s, const struct stack_datagram *d, enum stack_answer answer)
{
	uint8_t udp[UDP_HLEN];
	const struct answer a = answer_to(d, udp);

	if (answer_allowed(s, &s->errors))
		answer_unreachable(s, &a, answer);
}

void stack_udp_too_big(struct stack *s, const struct stack_datagram *d, unsigned mtu)
{
	uint8_t udp[UDP_HLEN];
	const struct answer a = answer_to(d, udp);

	if (d->fragmented || !d->df)
		return;
	if (answer_allowed(s, &s->errors))
		answer_too_big(s, &a, mtu);
}
