/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Echo, and the one error from the host that says more than a time-out would: "unreachable" for a SYN
 * of ours. For what is established errors are no news (RFC 5927 5.2), and a cheap attack.
 */
#include "internal.h"

#include <string.h>

#include "chksum.h"

/* RFC 792, RFC 4443 4.1 */
static const struct {
	uint8_t proto, request, reply;
} echo_v4 = {PROTO_ICMP, 8, 0}, echo_v6 = {PROTO_ICMPV6, 128, 129};

static uint16_t checksum(const struct addr *src, const struct addr *dst,
	const struct iovec iov[2])
{
	uint32_t sum;

	if (src->family == 6)
		return chksum_l4(src, dst, PROTO_ICMPV6, iov, 2);
	sum = chksum_add(0, iov[0].iov_base, iov[0].iov_len);
	return chksum_fold(chksum_add(sum, iov[1].iov_base, iov[1].iov_len));
}

#define UNREACHABLE_V4 3
#define UNREACHABLE_V6 1
#define NEEDS_FRAGMENTATION 4 /* code of 3: about a size, not about a way */
#define QUOTED_TCP 8	      /* of the TCP header: ports and sequence number (RFC 792) */

/* The quoted packet is one of ours, so it has no extension headers. */
static void unreachable(struct stack *s, const struct packet *p)
{
	bool v4 = p->src.family == 4;
	const uint8_t *ip = p->l4 + ICMP_HLEN, *tcp;
	size_t n = p->n - ICMP_HLEN, header = v4 ? IP4_HLEN : IP6_HLEN;
	struct endpoint local, remote;

	if (n < header + QUOTED_TCP || ip[v4 ? 9 : 6] != PROTO_TCP || ip[0] >> 4 != (v4 ? 4 : 6) ||
		(v4 && (ip[0] & 0x0f) * 4 != IP4_HLEN)) {
		s->stats.rx_unsupported++;
		return;
	}
	tcp = ip + header;
	remote.addr = v4 ? addr_v4(ip + 12) : addr_v6(ip + 8);
	local.addr = v4 ? addr_v4(ip + 16) : addr_v6(ip + 24);
	remote.port = get16(tcp);
	local.port = get16(tcp + 2);
	connect_unreachable(s, &local, &remote, get32(tcp + 4));
}

static bool is_unreachable(const struct packet *p)
{
	if (p->src.family == 4)
		return p->l4[0] == UNREACHABLE_V4 && p->l4[1] != NEEDS_FRAGMENTATION;
	return p->l4[0] == UNREACHABLE_V6;
}

void icmp_input(struct stack *s, const struct packet *p)
{
	uint8_t request = p->src.family == 4 ? echo_v4.request : echo_v6.request;
	const struct iovec iov[2] = {{(void *)(uintptr_t)p->l4, p->n}};
	struct stack_echo e;

	if (p->n < ICMP_HLEN || checksum(&p->src, &p->dst, iov) != 0) {
		s->stats.rx_malformed++;
		return;
	}
	if (is_unreachable(p)) {
		unreachable(s, p);
		return;
	}
	if (p->l4[0] != request || p->l4[1] != 0) {
		s->stats.rx_unsupported++;
		return;
	}
	if (!s->ops.echo) {
		s->stats.rx_echo_dropped++;
		return;
	}
	e = (struct stack_echo){
		.local = p->src,
		.remote = p->dst,
		.id = get16(p->l4 + 4),
		.seq = get16(p->l4 + 6),
		.ttl = p->ttl,
		.p = p->l4 + ICMP_HLEN,
		.n = p->n - ICMP_HLEN,
	};
	s->ops.echo(s->user, &e);
}

static void build(uint8_t head[ICMP_HLEN], uint8_t type, const struct stack_echo *e,
	const struct addr *src, const struct addr *dst, struct iovec iov[2])
{
	memset(head, 0, ICMP_HLEN);
	head[0] = type;
	put16(head + 4, e->id);
	put16(head + 6, e->seq);
	iov[0] = (struct iovec){head, ICMP_HLEN};
	iov[1] = (struct iovec){(void *)(uintptr_t)e->p, e->n};
	put16(head + 2, checksum(src, dst, iov));
}

void stack_echo_reply(struct stack *s, const struct stack_echo *e)
{
	bool v4 = e->local.family == 4;
	const struct out o = {&e->remote, &e->local, v4 ? echo_v4.proto : echo_v6.proto, .df = false};
	uint8_t head[ICMP_HLEN];
	struct iovec iov[2];

	if (e->local.family != e->remote.family || e->n > 0xffff - IP4_HLEN - ICMP_HLEN)
		return;
	build(head, v4 ? echo_v4.reply : echo_v6.reply, e, o.src, o.dst, iov);
	out_send(s, &o, iov);
}

void stack_echo_refuse(struct stack *s, const struct stack_echo *e, enum stack_answer answer)
{
	bool v4 = e->local.family == 4;
	struct answer a = {&e->local, &e->remote, v4 ? echo_v4.proto : echo_v6.proto, .df = true};
	uint8_t head[ICMP_HLEN];

	if (e->local.family != e->remote.family || !answer_allowed(s, &s->errors))
		return;
	build(head, v4 ? echo_v4.request : echo_v6.request, e, a.local, a.remote, a.l4);
	answer_unreachable(s, &a, answer);
}
