/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a host is told when its packet leads nowhere: RST and ICMP errors, built here without lwIP
 * and without an allocation.
 *
 * A refused SYN gets RST *with ACK* of the SYN: without it a client in SYN-SENT ignores the RST and
 * hangs (RFC 9293 3.10.7.3). An ICMP error quotes a header rebuilt from what is known of the packet,
 * so that the kernel finds the socket: it looks at addresses, ports and, for TCP, the sequence
 * number. Linux ends connect() at once for each of these errors while in SYN_SENT; for UDP it
 * reports net and host unreachable only to sockets with IP_RECVERR or IPV6_RECVERR.
 *
 * Answers to packets nobody expected are limited, so that a host in a loop costs little; answers the
 * owner asks for to a held SYN are not: there are few of those.
 */
#include "internal.h"

#include <string.h>

#include "chksum.h"

#define ICMP_UNREACH 3
#define ICMP_UNREACH_NEEDFRAG 4
#define ICMPV6_UNREACH 1
#define ICMPV6_TOO_BIG 2
#define QUOTE_MAX_V4 576 /* of the whole ICMP packet: RFC 1812 4.3.2.3 */
#define QUOTE_MAX_V6 1280 /* RFC 4443 2.4 (c) */
#define IP6_MTU_MIN 1280

/* The code of each enum stack_answer, RFC 792, RFC 1812 5.2.7.1 and RFC 4443 3.1. */
static const struct {
	uint8_t v4, v6;
} unreach_code[] = {
	[STACK_ANSWER_RST] = {3, 4},
	[STACK_ANSWER_NET_UNREACH] = {0, 0},
	[STACK_ANSWER_HOST_UNREACH] = {1, 3},
	[STACK_ANSWER_PROHIBITED] = {13, 1},
};

bool answer_allowed(struct stack *s, struct bucket *b)
{
	usec_t fresh = (s->now - b->refilled) * ANSWERS_BURST / SEC(1);

	if (s->now - b->refilled > SEC(1) || b->tokens + fresh >= ANSWERS_BURST) {
		b->tokens = ANSWERS_BURST;
		b->refilled = s->now;
	} else if (fresh) {
		b->tokens += (unsigned)fresh;
		b->refilled = s->now;
	}
	if (b->tokens == 0) {
		s->stats.answers_limited++;
		return false;
	}
	b->tokens--;
	return true;
}

void answer_reset(struct stack *s, const struct endpoint *local, const struct endpoint *remote,
	uint32_t seq, uint32_t ack, uint8_t flags)
{
	const struct out o = {&remote->addr, &local->addr, PROTO_TCP, .df = true};
	uint8_t tcp[TCP_HLEN_MIN] = {[12] = TCP_HLEN_MIN / 4 << 4, [13] = flags};
	const struct iovec iov[2] = {{tcp, sizeof(tcp)}};

	put16(tcp, remote->port);
	put16(tcp + 2, local->port);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	put16(tcp + 16, chksum_l4(o.src, o.dst, PROTO_TCP, iov, 1));
	out_send(s, &o, iov);
}

void answer_reset_syn(struct stack_tcp *tcp)
{
	answer_reset(tcp->stack, &tcp->local, &tcp->remote, 0, tcp->syn.next, TH_RST | TH_ACK);
}

/* RFC 9293 3.10.7.1: never a RST for a RST; the sequence number comes from its ACK, if it has one. */
void answer_unknown(struct stack *s, const struct segment *seg)
{
	if (seg->flags & TH_RST)
		return;
	s->stats.rx_unknown_segment++;
	if (!answer_allowed(s, &s->resets))
		return;
	if (seg->flags & TH_ACK)
		answer_reset(s, &seg->local, &seg->remote, seg->ack, 0, TH_RST);
	else
		answer_reset(s, &seg->local, &seg->remote, 0, seg->seq + seg->len,
			TH_RST | TH_ACK);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* An ICMP error: @field is the second word of its header. */
static void send_error(struct stack *s, const struct answer *a, uint8_t type, uint8_t code,
	uint32_t field)
{
	bool v4 = a->local->family == 4;
	struct out quoted = {a->local, a->remote, a->proto, a->df};
	struct out o = {a->remote, a->local, v4 ? PROTO_ICMP : PROTO_ICMPV6, false};
	uint8_t head[ICMP_HLEN + IP6_HLEN + TCP_HLEN_MAX] = {type, code};
	size_t n, room = v4 ? QUOTE_MAX_V4 - IP4_HLEN : QUOTE_MAX_V6 - IP6_HLEN;
	struct iovec iov[2] = {{head, 0}, a->l4[1]};

	put32(head + 4, field);
	n = ICMP_HLEN;
	n += out_header(head + n, &quoted, a->l4[0].iov_len + a->l4[1].iov_len, 0);
	memcpy(head + n, a->l4[0].iov_base, a->l4[0].iov_len);
	iov[0].iov_len = n + a->l4[0].iov_len;
	iov[1].iov_len = least(iov[1].iov_len, room - iov[0].iov_len);
	if (v4) {
		uint32_t sum = chksum_add(0, head, iov[0].iov_len);

		put16(head + 2, chksum_fold(chksum_add(sum, iov[1].iov_base, iov[1].iov_len)));
	} else {
		put16(head + 2, chksum_l4(o.src, o.dst, PROTO_ICMPV6, iov, 2));
	}
	out_send(s, &o, iov);
}

void answer_unreachable(struct stack *s, const struct answer *a, enum stack_answer answer)
{
	if (a->local->family == 4)
		send_error(s, a, ICMP_UNREACH, unreach_code[answer].v4, 0);
	else
		send_error(s, a, ICMPV6_UNREACH, unreach_code[answer].v6, 0);
}

void answer_too_big(struct stack *s, const struct answer *a, unsigned mtu)
{
	if (a->local->family == 4)
		send_error(s, a, ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, mtu & 0xffff);
	else /* below its minimum IPv6 knows no MTU (RFC 8201 4) */
		send_error(s, a, ICMPV6_TOO_BIG, 0, mtu < IP6_MTU_MIN ? IP6_MTU_MIN : mtu);
}
